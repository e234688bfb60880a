//! Settings, snoozes, operators and the audit log on the command line: what the API and the console can do, typed.

use pivotal_reminders::api::settings::Settings;
use rstest::rstest;
use serde_json::{Value, json};

use crate::support::db::Backend;
use crate::support::service::Said;
use crate::support::stage::Stage;

const HERE: [&str; 2] = ["--workspace", "acme"];

async fn typed(stage: &Stage, words: &[&str]) -> Said {
    stage.service.run(&[words, &HERE].concat()).await
}

/// The lines of a table that are settings, as `NAME=VALUE`.
fn as_typed(table: &str, of: Settings) -> Vec<String> {
    let known = of.properties();
    let pairs = table.lines().filter_map(|line| line.trim().split_once(' '));
    pairs
        .filter(|(name, _)| known.contains_key(*name))
        .map(|(name, value)| format!("{name}={}", value.trim()))
        .collect()
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn settings_are_typed_as_they_are_shown(#[case] backend: Backend) {
    let stage = Stage::new(backend).await;
    let done = async |words: &[&str]| {
        let said = typed(&stage, words).await;
        assert_eq!(said.code, 0, "{words:?}: {}", said.stderr);
        said.stdout
    };
    let workspace = [
        "workspaces",
        "update",
        "name=Acme = ours",
        "time_zone=Europe/Lisbon",
        "working_days=mon,tue,wed",
        "holidays=2026-12-24,2026-12-25",
        "waiting_steps=2,4",
        "escalation_user_id=1",
        "customer_reminders=true",
        "footer_address=null",
        "locale=de",
    ];
    assert_eq!(done(&workspace).await, "the settings of acme are kept\n");
    let preferences = [
        "users",
        "preferences",
        "1",
        "digest_time=06:30",
        "digest_days=null",
        "quiet_hours=18:00-06:15",
        "working_hours=06:15-15:00",
        "muted_kinds=stalled_phase",
        "digest_enabled=true",
        "out_of_office_until=2027-01-04",
    ];
    done(&preferences).await;
    done(&["users", "update", "1", "name=Olga", "slack_user_id=null", "active=true"]).await;
    done(&["phases", "update", "review", "label=Start", "target_days=5"]).await;

    let app = &stage.app;
    let kept = app.get("/workspace").await.ok(200);
    assert_eq!(kept["name"], "Acme = ours");
    assert_eq!(kept["working_days"], json!(["mon", "tue", "wed"]));
    assert_eq!(kept["waiting_steps"], json!([2, 4]));
    assert_eq!(kept["escalation_user_id"], app.owner.id.as_str());
    let wants = app.get("/users/1/notification_preferences").await.ok(200);
    assert_eq!(wants["quiet_hours"], json!({ "from": "18:00", "until": "06:15" }));
    assert_eq!(
        (&wants["digest_days"], &wants["muted_kinds"]),
        (&Value::Null, &json!(["stalled_phase"]))
    );
    let phases = app.get("/phases").await.ok(200);
    let review = phases["data"].as_array().unwrap().iter().find(|one| one["key"] == "review");
    assert_eq!(review.unwrap()["label"], "Start");

    // Each is shown so that it can be typed again, and then nothing changes.
    for (show, change, of) in [
        (&["workspaces", "show"][..], &["workspaces", "update"][..], Settings::Workspace),
        (&["users", "show", "1"], &["users", "update", "1"], Settings::User),
        (&["users", "preferences", "1"], &["users", "preferences", "1"], Settings::Preferences),
    ] {
        let shown = done(show).await;
        let again = as_typed(&shown, of);
        assert_eq!(again.len(), of.properties().len(), "{shown}");
        let again: Vec<&str> = again.iter().map(String::as_str).collect();
        done(&[change, &again].concat()).await;
        assert_eq!(done(show).await, shown);
    }
    let entries = app.get("/audit_log?object=workspace").await.ok(200);
    let who = entries["data"][0]["actor"]["name"].as_str().unwrap();
    assert!(who.ends_with("(command line)"), "{who}");
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn a_setting_that_is_wrong_is_named_and_nothing_is_kept(#[case] backend: Backend) {
    let stage = Stage::new(backend).await;
    let before = stage.app.get("/workspace").await.ok(200);
    let mut text = String::new();
    for words in [
        &["workspaces", "update"][..],
        &["workspaces", "update", "locale"],
        &["workspaces", "update", "colour=red"],
        &["workspaces", "update", "name=New", "locale=xx"],
        &["workspaces", "update", "locale=en", "locale=de"],
        &["workspaces", "update", "waiting_steps=3,soon"],
        &["workspaces", "update", "customer_reminders=perhaps"],
        &["workspaces", "update", "owner_user_id=99"],
        &["phases", "update", "review", "target_days=0"],
        &["phases", "update", "party", "target_days=1"],
        &["users", "update", "1", "email=carl"],
        &["users", "preferences", "1", "digest_time=7"],
        &["users", "preferences", "1", "quiet_hours=never"],
        &["users", "preferences", "1", "backup_user_id=1"],
        &["onboardings", "snooze", "1", "--until", "soon", "--reason", "x"],
    ] {
        let said = typed(&stage, words).await;
        assert_eq!((said.code, said.stdout.as_str()), (2, ""), "{words:?}: {}", said.stderr);
        let line = said.stderr.lines().next().unwrap();
        text += &format!("{}\n", line.strip_prefix("pivotal-reminders: ").unwrap_or(line));
    }
    insta::assert_snapshot!(text);
    assert_eq!(stage.app.get("/workspace").await.ok(200), before);
    let nobody = typed(&stage, &["users", "show", "99"]).await;
    assert_eq!(
        (nobody.code, nobody.stderr.as_str()),
        (1, "pivotal-reminders: there is no user 99\n")
    );
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn an_onboarding_is_snoozed_by_its_customers_name_and_the_log_says_why(
    #[case] backend: Backend,
) {
    let stage = Stage::new(backend).await;
    stage.onboard("Halden Freight", json!({})).await;
    stage.onboard("Halden Foods", json!({})).await;
    let verb = async |words: &[&str]| typed(&stage, words).await;
    // A colleague is no onboarding, whatever they are called.
    let halden = json!({ "name": "Halden Fr", "email": "halden@acme.example" });
    stage.app.post("/users", halden).await.ok(201);
    let until = ["--until", "2099-06-15", "--reason", "they are on holiday"];
    let snooze = async |who| verb(&[&["onboardings", "snooze", who][..], &until].concat()).await;
    let either = snooze("Halden").await;
    assert_eq!(either.code, 2);
    insta::assert_snapshot!(either.stderr, @r#"pivotal-reminders: "Halden" may be any of: #2 Halden Foods, #1 Halden Freight"#);
    let done = snooze("halden fr").await.stdout;
    assert_eq!(done, "onboarding #1 is snoozed; reminders resume on 2099-06-15\n");
    let seen = stage.app.get("/onboardings/1/reminders").await.ok(200);
    assert_eq!((&seen["snoozed_until"], &seen["verdict"]), (&json!("2099-06-15"), &json!("hold")));
    let past = ["onboardings", "snooze", "1", "--until", "2020-01-01", "--reason", "x"];
    assert_eq!(verb(&past).await.code, 2, "a day that has gone");
    let wake = ["onboardings", "wake", "1", "--reason", "they are back"];
    assert_eq!(verb(&wake).await.stdout, "onboarding #1 is awake\n");
    let seen = stage.app.get("/onboardings/1/reminders").await.ok(200);
    assert_eq!(seen["snoozed_until"], Value::Null);
    let log = ["audit-log", "list", "--object", "onboarding"];
    let table = verb(&[&log[..], &["--limit", "2"]].concat()).await.stdout;
    let rows: Vec<&str> = table.lines().skip(1).collect();
    assert_eq!(rows.len(), 2, "{table}");
    assert!(
        rows[0].contains("they are back") && rows[1].contains("they are on holiday"),
        "{table}"
    );
    assert!(rows.iter().all(|row| row.contains("snoozed_until")), "{table}");
    let file = verb(&[&log[..], &["--csv"]].concat()).await.stdout;
    assert!(file.starts_with("id,event,actor_type,") && file.contains("they are back"), "{file}");
    let nobody = verb(&["onboardings", "wake", "Nobody", "--reason", "x"]).await;
    assert_eq!(nobody.stderr, "pivotal-reminders: there is no onboarding Nobody\n");
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn an_operators_role_changes_and_every_log_says_who_and_why(#[case] backend: Backend) {
    let stage = Stage::new(backend).await;
    let service = &stage.service;
    let create = ["operators", "create", "--email", "noor@acme.test"];
    let made = service.run_with_input(&create, "correct horse battery\n").await;
    assert_eq!(made.code, 0, "{}", made.stderr);
    let role = ["operators", "role", "--email", "noor@acme.test", "--role", "admin"];
    let why = ["--reason", "Ada leaves"];
    let said = service.ok(&[&role[..], &why].concat()).await.stdout;
    assert_eq!(said, "noor@acme.test is admin now\n");
    let twice = service.run(&role).await;
    assert_eq!(twice.stderr, "pivotal-reminders: noor@acme.test is admin already\n");
    let listed = service.ok(&["operators", "list", "--json"]).await.json();
    assert_eq!(listed[0]["role"], "admin");
    let log = ["audit-log", "list", "--event", "operator_role_changed", "--json"];
    let entry = typed(&stage, &log).await.json()[0].clone();
    assert_eq!(
        (&entry["reason"], &entry["diff"]),
        (&json!("Ada leaves"), &json!({ "role": ["operator", "admin"] }))
    );
    // They belong to the installation, so no key of a workspace reads of them.
    let seen = stage.app.get("/audit_log?object=operator").await.ok(200);
    assert_eq!(seen["data"], json!([]));
}
