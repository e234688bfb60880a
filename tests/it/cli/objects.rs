//! What the command line prints for programs are the objects of the API.

use pivotal_reminders::domain::values::Mode;
use rstest::rstest;
use serde_json::{Value, json};

use crate::support::db::Backend;
use crate::support::fake_smtp::{At, Do, Script};
use crate::support::stage::Stage;

/// What of an object is compared.
type Look = fn(&Value) -> Value;

/// The same without what is in it: keys in their order, and what is beneath them.
fn keys(value: &Value) -> Value {
    match value {
        Value::Object(fields) => fields.iter().map(|(key, v)| (key.clone(), keys(v))).collect(),
        Value::Array(items) => items.iter().map(keys).collect(),
        _ => Value::Null,
    }
}

/// Each object of an answer as text, in which the order of its keys counts; the order of the objects does not.
fn each(answer: &Value) -> Vec<String> {
    let mut texts: Vec<String> = match answer {
        Value::Array(objects) => objects.iter().map(Value::to_string).collect(),
        object => vec![object.to_string()],
    };
    texts.sort();
    texts
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn each_noun_has_the_keys_and_values_of_the_api(#[case] backend: Backend) {
    let stage = Stage::new(backend).await;
    let app = &stage.app;
    stage.onboard("Halden Freight", json!({})).await;
    stage.onboard("Osterby Clinics", json!({ "reminder_email": false })).await;
    let refusal = Do::reply("554 5.7.1 refused for its content");
    stage.relay.set_script(Script::new().on(At::Dot, refusal));
    stage.pass("2026-06-02T07:00:00Z").await;
    stage.at("2026-06-02T08:00:00Z");
    stage.sql("UPDATE users SET muted_kinds = 'stalled_phase' WHERE name LIKE 'Carl%'").await;
    stage.sql("UPDATE users SET email_flagged_at = '2026-06-01T09:00:00+00:00' WHERE name NOT LIKE 'Carl%'").await;
    stage.sql("UPDATE reminder_state SET recipient_id = '' WHERE onboarding_id = (SELECT id FROM onboardings WHERE display_id = 2)").await;
    app.enter_schedules().await;
    let plan = json!({ "action": "retry", "filter": { "state": "failed" } });
    app.post("/bulk_operations", plan).await.ok(201);

    let id = async |noun: &str| {
        let list = app.get(noun).await.ok(200);
        list["data"][0]["id"].as_str().unwrap().to_owned()
    };
    let (failed, job) = (id("/notifications?state=failed").await, id("/jobs").await);
    let (bulk, now) = (id("/bulk_operations").await, "2026-06-02T08:00:00Z");
    let (one_failed, one_job) = (format!("/notifications/{failed}"), format!("/jobs/{job}"));
    let one_bulk = format!("/bulk_operations/{bulk}");
    let at = format!("/onboardings/1/reminders?at={now}");
    let here = ["--workspace", "acme"];
    // What hangs on the time of day, which is another one for a process: how old a plan is, how many have failed today, when a key was used.
    let (same, alike): (Look, Look) = (Value::clone, keys);
    for (path, verb, seen) in [
        ("/notifications", &["notifications", "list"][..], same),
        (&one_failed, &["notifications", "show", &failed], same),
        ("/jobs", &["jobs", "list"], same),
        (&one_job, &["jobs", "show", &job], same),
        ("/queues", &["queues", "list"], alike),
        ("/bulk_operations", &["bulk", "list"], alike),
        (&one_bulk, &["bulk", "show", &bulk], alike),
        (&at, &["explain", "1", "--now", now], same),
        ("/reminders/forecast?days=8", &["forecast", "--days", "8", "--now", now], same),
        ("/api_keys", &["keys", "list"], alike),
        ("/users", &["users", "list"], same),
        ("/users/1/notification_preferences", &["users", "preferences", "1"], same),
        ("/workspace", &["workspaces", "show"], same),
        ("/phases", &["phases", "list"], same),
        ("/audit_log", &["audit-log", "list"], same),
        ("/addresses", &["addresses", "list"], same),
        ("/reminders/unroutable", &["unroutable"], same),
        ("/status", &["status", "--now", now], same),
        ("/opt_outs", &["opt-outs", "list"], same),
    ] {
        let api = app.get(path).await.ok(200);
        let api = api.get("data").unwrap_or(&api);
        // `status` fails where something is critical, and says it all the same.
        let cli = stage.service.run(&[verb, &here, &["--json"]].concat()).await.json();
        assert!(!each(api).is_empty(), "{path} has something to compare");
        assert_eq!(each(&seen(&cli)), each(&seen(api)), "{path}");
    }
    let planned = app.get("/schedules/scan/dry_run?hours=168").await.ok(200)["data"][0].clone();
    let dry_run = ["schedules", "run", "scan", "--dry-run", "--hours", "168", "--json"];
    let typed = stage.service.ok(&[&dry_run[..], &here].concat()).await.json()[0].clone();
    assert_eq!(keys(&typed).to_string(), keys(&planned).to_string());
    let sample = app.get("/reminders/preview?kind=digest").await.ok(200);
    let typed = stage.service.ok(&["preview", "digest", "--json"]).await.json();
    assert_eq!(keys(&typed).to_string(), keys(&sample).to_string());
    let schedules = stage.service.ok(&["schedules", "list", "--json"]).await.json();
    assert_eq!(each(&schedules), each(&app.get("/schedules").await.ok(200)["data"]));
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn what_was_done_is_answered_with_what_it_was_done_to(#[case] backend: Backend) {
    let stage = Stage::new(backend).await;
    let app = &stage.app;
    stage.onboard("Halden Freight", json!({ "reminder_slack": false })).await;
    stage.scan("2026-06-02T07:00:00Z").await;
    stage.at("2026-06-02T08:00:00Z");
    let first = async |noun: &str| app.get(noun).await.ok(200)["data"][0].clone();
    let job = first("/jobs").await;
    let job_id = job["id"].as_str().unwrap();
    let why = ["--workspace", "acme", "--reason", "a customer asked", "--json"];
    let act = async |verb: &[&str]| stage.service.ok(&[verb, &why].concat()).await.json();
    assert_eq!(act(&["queues", "pause", "email"]).await, first("/queues").await);
    assert_eq!(first("/queues").await["paused"], true);
    assert_eq!(act(&["queues", "resume", "email"]).await["paused"], false);
    assert_eq!(act(&["jobs", "cancel", job_id]).await, first("/jobs").await);
    let cancelled = first("/notifications").await;
    assert_eq!(cancelled["state"], "cancelled");
    let ntf = cancelled["id"].as_str().unwrap();
    let anew = act(&["notifications", "resend", ntf]).await;
    let anew_id = anew["id"].as_str().unwrap();
    let seen = app.get(&format!("/notifications/{anew_id}")).await.ok(200);
    for (key, value) in anew.as_object().unwrap() {
        assert_eq!(value, &seen[key], "{key}");
    }
    let made = ["keys", "create", "--name", "CRM", "--mode", "live", "--workspace", "acme"];
    let made = stage.service.ok(&[&made[..], &["--json"]].concat()).await.json();
    let api = app.post("/api_keys", json!({ "name": "ERP" })).await.ok(201);
    assert_eq!(keys(&made).to_string(), keys(&api).to_string());
    assert_eq!(made["mode"], Mode::Live.as_str());
}
