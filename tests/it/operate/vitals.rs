//! How the service says that it is.

use rstest::rstest;
use serde_json::{Value, json};

use crate::support::crowd::{due_now, mail_service, wait_for};
use crate::support::db::Backend;
use crate::support::eventually_so;
use crate::support::fake_smtp::{FakeSmtp, Script};
use crate::support::service::{PATIENCE, Service};
use crate::support::stage::Stage;

/// What `status` says as of an instant.
async fn status(service: &Service, now: &str) -> Value {
    service.run(&["status", "--json", "--now", now]).await.json()
}

/// The warnings, a line each: severity, code, text.
fn warnings(status: &Value) -> String {
    let warnings = status["warnings"].as_array().unwrap().iter();
    let lines = warnings.map(|w| {
        let word = |key: &str| w[key].as_str().unwrap();
        assert!(!word("advice").is_empty(), "{w}");
        format!("{} {}: {}", word("severity"), word("code"), word("text"))
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// A process that plays every role and was heard of at this instant.
async fn alive(stage: &Stage, at: &str) {
    stage.sql("DELETE FROM processes").await;
    stage
        .sql(&format!(
            "INSERT INTO processes (id, roles, version, host, beat, started_at, seen_at, passed_at, pass_ms)
             VALUES ('proc_1', 'api,scheduler,worker', '0', 'web-1:4711', 1, '2026-06-01T00:00:00+00:00', '{at}', '{at}', 4)"
        ))
        .await;
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn a_channel_that_is_down_is_told_with_its_answer_what_waits_and_the_next_try(
    #[case] backend: Backend,
) {
    let stage = Stage::new(backend).await;
    stage.onboard("Halden Freight", json!({})).await;
    stage.scan("2026-06-02T07:00:00Z").await;
    stage
        .sql("INSERT INTO channel_pauses (channel, until, failures, reason, since)
              VALUES ('email', '2026-06-02T07:14:00+00:00', 5, '421 4.3.2 try later', '2026-06-02T07:00:00+00:00')")
        .await;
    alive(&stage, "2026-06-02T07:11:55+00:00").await;
    let said = stage.service.run(&["status", "--json", "--now", "2026-06-02T07:12:00Z"]).await;
    assert_eq!(said.code, 1, "critical: a script may ask");
    insta::assert_snapshot!(warnings(&said.json()), @"critical channel_down:email: Mail has been down for 12 minutes: 421 4.3.2 try later. 1 message waits; the next try is at 07:14 UTC.");
    let text = stage.service.run(&["status", "--now", "2026-06-02T07:12:00Z"]).await.stdout;
    insta::assert_snapshot!(text);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn what_asks_for_an_operator_is_said_gravest_first(#[case] backend: Backend) {
    let stage = Stage::new(backend).await;
    stage.onboard("Halden Freight", json!({})).await;
    stage.onboard("Osterby Clinics", json!({ "reminder_email": false })).await;
    stage.scan("2026-06-02T07:00:00Z").await;
    for sql in [
        "UPDATE notifications SET state = 'ambiguous', reason = 'outcome_unknown', not_before = '9999-01-01T00:00:00+00:00' WHERE channel = 'slack'",
        "INSERT INTO cohorts (id, kind, slot_date, expected, accounted, created_at) VALUES ('pass_1', 'digest', '2026-06-02', 3, 2, '2026-06-02T07:00:00+00:00')",
        "UPDATE users SET email_flagged_at = '2026-06-01T09:00:00+00:00' WHERE name LIKE 'Carl%'",
        "UPDATE reminder_state SET recipient_id = ''",
        "INSERT INTO queue_pauses (queue, workspace_id, paused_by, reason, since) VALUES ('customer', '', 'Ada', 'wrong texts', '2026-06-02T06:00:00+00:00')",
        "INSERT INTO settings (name, value, updated_at) VALUES ('clock_noted_at', '2026-06-02T12:00:00.000Z', '2026-06-02T12:00:00+00:00')",
    ] {
        stage.sql(sql).await;
    }
    insta::assert_snapshot!(warnings(&status(&stage.service, "2026-06-02T07:40:00Z").await));
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn lateness_outcomes_and_slots_are_counted_by_the_hour(#[case] backend: Backend) {
    let stage = Stage::new(backend).await;
    stage.onboard("Halden Freight", json!({})).await;
    stage.onboard("Osterby Clinics", json!({ "reminder_email": false })).await;
    // The pass came late, and the delivery later.
    stage.scan("2026-06-02T07:00:20Z").await;
    stage.drain("2026-06-02T07:01:30Z").await;
    alive(&stage, "2026-06-02T07:30:00+00:00").await;
    let found = status(&stage.service, "2026-06-02T07:30:10Z").await;
    assert_eq!(found["warnings"], json!([]));
    let late = json!({ "sent": 2, "p50_seconds": 90, "p95_seconds": 90 });
    assert_eq!((&found["late_last_hour"], &found["late_last_day"]), (&late, &late));
    let hours = found["hours"].as_array().unwrap();
    assert_eq!(hours.len(), 25);
    let outcome = |channel: &str| json!({ "channel": channel, "outcome": "sent", "count": 1 });
    assert_eq!(
        hours[24],
        json!({ "from": "2026-06-02T07:00:00.000Z", "outcomes": [outcome("email"), outcome("slack")] })
    );
    assert!(hours[..24].iter().all(|hour| hour["outcomes"] == json!([])));
    let slots = found["slots"].as_array().unwrap();
    // Olga and Carl, tomorrow at seven.
    assert_eq!(slots[24], json!({ "from": "2026-06-03T07:00:00.000Z", "people": 2 }));
    assert_eq!(slots.iter().map(|hour| hour["people"].as_i64().unwrap()).sum::<i64>(), 2);

    let later = status(&stage.service, "2026-06-02T09:30:10Z").await;
    assert_eq!(later["late_last_hour"]["sent"], 0);
    assert_eq!(later["late_last_day"], late);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn nothing_that_a_test_key_causes_is_a_warning(#[case] backend: Backend) {
    let stage = Stage::new(backend).await;
    let key = stage.app.test.clone();
    stage.onboard_with(&key, "Halden Freight", json!({})).await;
    stage.scan("2026-06-02T07:00:00Z").await;
    stage.sql("UPDATE reminder_state SET recipient_id = ''").await;
    // Hours later it is still there, and paused by a key of the workspace.
    let workspace = &stage.app.workspace.id;
    stage
        .sql(&format!("INSERT INTO queue_pauses (queue, workspace_id, paused_by, reason, since) VALUES ('email', '{workspace}', 'API: Sandbox', 'x', '2026-06-02T06:00:00+00:00')"))
        .await;
    alive(&stage, "2026-06-02T09:59:55+00:00").await;
    let found = status(&stage.service, "2026-06-02T10:00:00Z").await;
    assert_eq!(found["queues"][0]["ready"], 1, "it is shown");
    assert_eq!(found["warnings"], json!([]));
    stage.sql("UPDATE notifications SET state = 'failed', reason = 'message_refused', finished_at = '2026-06-02T09:30:00+00:00'").await;
    assert_eq!(status(&stage.service, "2026-06-02T10:00:00Z").await["warnings"], json!([]));
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn where_no_pass_is_known_of_it_is_said_whether_one_is_to_come(#[case] backend: Backend) {
    let stage = Stage::new(backend).await;
    let now = ["status", "--now", "2026-06-02T07:12:00Z"];
    let without = stage.service.run(&now).await.stdout;
    assert!(without.contains("\nNo pass is known of, as no scheduler runs.\n"), "{without}");
    // It has just begun, and has told of none yet.
    alive(&stage, "2026-06-02T07:11:58+00:00").await;
    stage
        .sql("UPDATE processes SET passed_at = NULL, pass_ms = NULL, started_at = '2026-06-02T07:11:55+00:00'")
        .await;
    let begun = stage.service.ok(&now).await.stdout;
    let words = "No pass is known of yet: a scheduler tells of its last one within ten seconds of its start.";
    assert!(begun.contains(words) && begun.contains("Nothing asks for you."), "{begun}");
    alive(&stage, "2026-06-02T07:11:58+00:00").await;
    let passed = stage.service.ok(&now).await.stdout;
    assert!(passed.contains("last pass 2 s ago") && !passed.contains("No pass"), "{passed}");
}

#[tokio::test]
async fn every_serving_process_is_listed_with_its_roles_until_it_ends() {
    let relay = FakeSmtp::start(Script::new()).await;
    let mut service = mail_service(Backend::Postgres, &relay).await;
    service.set("PIVOTAL_WORKER__LEASE_SECONDS", "5");
    due_now(&service, 3).await;
    let processes = [
        service.spawn(&["serve", "--role", "api"]),
        service.spawn(&["serve", "--role", "scheduler"]),
        service.spawn(&["serve", "--role", "worker"]),
    ];
    wait_for(&service, "state = 'sent'", 3).await;
    let now = async || service.run(&["status", "--json"]).await.json();
    // The pass that wrote them is told by the next heartbeat.
    eventually_so(PATIENCE, async || now().await["last_pass"].is_object()).await;
    let found = now().await;
    let listed = |role: &str| {
        let processes = found["processes"].as_array().unwrap();
        processes.iter().any(|p| p["alive"] == true && p["roles"] == json!([role]))
    };
    assert!(["api", "scheduler", "worker"].into_iter().all(listed), "{found}");
    assert_eq!(found["last_found"]["written"], 3);
    assert_eq!(found["late_last_hour"]["sent"], 3);
    for process in &processes {
        process.signal("TERM").await;
    }
    for process in processes {
        assert_eq!(process.end().await, 0);
    }
    let found = now().await;
    // One that was killed while the data was made is still there: nobody was left to bury it.
    let left = found["processes"].as_array().unwrap();
    assert!(left.iter().all(|p| p["roles"] == json!(["api"])), "they have signed off: {found}");
    let codes: Vec<&str> =
        found["warnings"].as_array().unwrap().iter().map(|w| w["code"].as_str().unwrap()).collect();
    assert_eq!(codes, ["no_worker", "no_scheduler"]);
}
