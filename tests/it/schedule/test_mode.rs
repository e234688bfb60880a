//! What a test key causes reaches nobody, and what a live key writes reaches somebody again.

use mail_parser::MessageParser;
use reqwest::Method;
use rstest::rstest;
use serde_json::json;

use crate::support::db::Backend;
use crate::support::stage::Stage;

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn live_and_test_onboardings_of_one_csm_never_share_a_digest(#[case] backend: Backend) {
    let stage = Stage::new(backend).await;
    stage.onboard("Halden Freight", json!({})).await;
    stage.onboard_with(&stage.app.test, "Testbed", json!({})).await;
    stage.pass("2026-06-02T07:00:00Z").await;
    insta::assert_snapshot!(stage.ledger().await, @r"
    2026-06-02 digest live email to Carl: sent, attempts 1 [Halden Freight]
    2026-06-02 digest test email to Carl: suppressed (test_mode), attempts 1 [Testbed]
    ");
    let mails = stage.relay.accepted();
    assert_eq!(mails.len(), 1);
    assert!(!String::from_utf8_lossy(&mails[0].raw).contains("Testbed"));
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn a_live_digest_counts_nothing_that_a_test_key_caused_and_nobody_who_is_gone(
    #[case] backend: Backend,
) {
    let stage = Stage::new(backend).await;
    stage.onboard("Halden Freight", json!({})).await;
    stage.onboard_with(&stage.app.test, "Testbed", json!({ "state": "paused" })).await;
    let done = stage.onboard_with(&stage.app.test, "Tested", json!({})).await;
    stage.app.call(&stage.app.test, Method::PATCH, &done, &json!({ "phase": "completed" })).await;
    let gone = stage.onboard("Gone", json!({})).await;
    let left = stage.onboard("Left", json!({})).await;
    for (path, change) in [(&gone, None), (&left, Some(json!({ "status": "churned" })))] {
        let customer =
            stage.app.get(path).await.ok(200)["customer_id"].as_str().unwrap().to_owned();
        let customer = format!("/customers/{customer}");
        match change {
            None => stage.app.delete(&customer).await.ok(200),
            Some(change) => stage.app.patch(&customer, change).await.ok(200),
        };
    }
    stage.pass("2026-06-02T07:00:00Z").await;
    let mails = stage.relay.accepted();
    assert_eq!(mails.len(), 1);
    let mail = MessageParser::default().parse(&mails[0].raw).unwrap();
    let text = mail.body_text(0).unwrap();
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(text.contains(" 2 onboardings: ") && text.contains("1 paused."), "{text}");
    assert!(!text.contains("losed"), "{text}");
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn a_csm_written_by_a_test_key_silences_a_live_onboarding_until_a_live_key_writes_it(
    #[case] backend: Backend,
) {
    let stage = Stage::new(backend).await;
    let path = stage.onboard("Halden Freight", json!({})).await;
    let csm = json!({ "csm_id": stage.app.csm.id });
    stage.app.call(&stage.app.test, Method::PATCH, &path, &csm).await.ok(200);
    stage.pass("2026-06-02T07:00:00Z").await;
    assert_eq!(stage.relay.connections(), 0);
    stage.at("2026-06-02T12:00:00Z");
    stage.patch(&path, csm).await;
    stage.pass("2026-06-03T07:00:00Z").await;
    insta::assert_snapshot!(stage.ledger().await, @r"
    2026-06-02 digest test email to Carl: suppressed (test_mode), attempts 1 [Halden Freight]
    2026-06-03 digest live email to Carl: sent, attempts 1 [Halden Freight]
    ");
    assert_eq!(stage.relay.accepted().len(), 1);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn a_test_write_between_the_pass_and_the_delivery_silences_what_was_live(
    #[case] backend: Backend,
) {
    let stage = Stage::new(backend).await;
    let path = stage.onboard("Halden Freight", json!({})).await;
    stage.scan("2026-06-02T07:00:00Z").await;
    stage.at("2026-06-02T07:01:00Z");
    let settings = json!({ "reminder_frequency_days": 1 });
    stage.app.call(&stage.app.test, Method::PATCH, &path, &settings).await.ok(200);
    stage.drain("2026-06-02T07:02:00Z").await;
    assert!(stage.relay.accepted().is_empty());
    insta::assert_snapshot!(stage.ledger().await, @"2026-06-02 digest live email to Carl: skipped (state_changed) [Halden Freight]");
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn a_phase_written_by_a_test_key_silences_its_nudges_until_a_live_key_writes_it(
    #[case] backend: Backend,
) {
    let stage = Stage::new(backend).await;
    let path = stage.onboard("Halden Freight", json!({ "reminder_frequency_days": 30 })).await;
    let phase = json!({ "phase": "review" });
    stage.app.call(&stage.app.test, Method::PATCH, &path, &phase).await.ok(200);
    stage.pass("2026-06-09T09:00:00Z").await;
    assert_eq!(stage.slack.posts().len() + stage.relay.connections(), 0);
    stage.at("2026-06-10T12:00:00Z");
    stage.patch(&path, phase).await;
    stage.pass("2026-06-16T09:00:00Z").await;
    insta::assert_snapshot!(stage.ledger().await, @r"
    2026-06-09 stalled_phase 1 test slack to Carl: suppressed (test_mode), attempts 1 [Halden Freight]
    2026-06-16 stalled_phase 2 live slack to Carl: sent, attempts 1 [Halden Freight]
    ");
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn a_csm_whom_a_test_key_assigned_hears_nothing_not_even_of_what_was_due_already(
    #[case] backend: Backend,
) {
    let stage = Stage::new(backend).await;
    let path = stage.onboard("Halden Freight", json!({ "state": "waiting" })).await;
    stage.scan("2026-06-04T09:00:00Z").await;
    stage.at("2026-06-04T09:01:00Z");
    let moved = json!({ "csm_id": stage.app.owner.id });
    stage.app.call(&stage.app.test, Method::PATCH, &path, &moved).await.ok(200);
    stage.drain("2026-06-04T09:02:00Z").await;
    stage.pass("2026-06-05T09:00:00Z").await;
    assert_eq!(stage.slack.posts().len() + stage.relay.accepted().len(), 0);
    stage.sql("DELETE FROM notifications WHERE reason = 'missed_slot'").await;
    insta::assert_snapshot!(stage.ledger().await, @r"
    2026-06-04 digest live email to Carl: skipped (state_changed) [Halden Freight]
    2026-06-04 waiting_on_customer 1 live slack to Carl: skipped (state_changed) [Halden Freight]
    2026-06-04 waiting_on_customer 1 test slack to Olga: suppressed (test_mode), attempts 1 [Halden Freight]
    2026-06-05 digest test email to Olga: suppressed (test_mode), attempts 1 [Halden Freight]
    ");
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn a_retry_of_what_was_suppressed_reaches_nobody_either(#[case] backend: Backend) {
    let stage = Stage::new(backend).await;
    stage.onboard_with(&stage.app.test, "Testbed", json!({})).await;
    stage.scan("2026-06-02T07:00:00Z").await;
    // As after a worker that died with the row in its hands, three times over.
    for minute in 1..=3 {
        stage.sql("UPDATE notifications SET state = 'scheduled', finished_at = NULL, delivery_count = 1, pushed_at = not_before").await;
        stage.drain(&format!("2026-06-02T07:0{minute}:00Z")).await;
    }
    assert_eq!(stage.slack.posts().len() + stage.relay.connections(), 0);
    let states = stage.service.db.rows("SELECT mode, state FROM notifications").await;
    assert_eq!(states, [json!({ "mode": "test", "state": "suppressed" })]);
}
