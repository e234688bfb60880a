//! What changes between a pass and the delivery.

use rstest::rstest;
use serde_json::{Value, json};

use crate::support::crowd::copy;
use crate::support::db::Backend;
use crate::support::stage::Stage;

#[rstest]
#[case::paused_sqlite(Backend::Sqlite, json!({ "state": "paused" }), json!({ "state": "active" }))]
#[case::paused_postgres(Backend::Postgres, json!({ "state": "paused" }), json!({ "state": "active" }))]
#[case::completed_sqlite(Backend::Sqlite, json!({ "phase": "completed" }), json!({ "phase": "launch" }))]
#[case::completed_postgres(Backend::Postgres, json!({ "phase": "completed" }), json!({ "phase": "launch" }))]
#[tokio::test]
async fn what_is_no_longer_due_when_it_is_delivered_is_skipped_and_gets_its_date_back(
    #[case] backend: Backend,
    #[case] change: Value,
    #[case] back: Value,
) {
    let stage = Stage::new(backend).await;
    let path = stage.onboard("Halden Freight", json!({ "reminder_frequency_days": 3 })).await;
    stage.scan("2026-06-04T07:00:00Z").await;
    stage.at("2026-06-04T07:01:00Z");
    stage.patch(&path, change).await;
    stage.drain("2026-06-04T07:02:00Z").await;
    assert!(stage.relay.accepted().is_empty());
    stage.at("2026-06-04T07:03:00Z");
    stage.patch(&path, back).await;
    stage.pass("2026-06-05T07:00:00Z").await;
    insta::assert_snapshot!(stage.ledger().await, @r"
    2026-06-04 digest live email to Carl: skipped (state_changed) [Halden Freight]
    2026-06-05 digest live email to Carl: sent, attempts 1 [Halden Freight]
    ");
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn what_was_deleted_since_the_pass_is_not_delivered(#[case] backend: Backend) {
    let stage = Stage::new(backend).await;
    let path = stage.onboard("Halden Freight", json!({})).await;
    stage.scan("2026-06-02T07:00:00Z").await;
    stage.at("2026-06-02T07:01:00Z");
    stage.app.delete(&path).await.ok(200);
    stage.drain("2026-06-02T07:02:00Z").await;
    stage.pass("2026-06-03T07:00:00Z").await;
    assert!(stage.relay.accepted().is_empty());
    insta::assert_snapshot!(stage.ledger().await, @"2026-06-02 digest live email to Carl: cancelled (deleted) [Halden Freight]");
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn a_line_that_was_reassigned_goes_to_the_new_csm_at_their_next_slot(
    #[case] backend: Backend,
) {
    let stage = Stage::new(backend).await;
    stage.onboard("Halden Freight", json!({})).await;
    let path = stage.onboard("Osterby Clinics", json!({})).await;
    stage.scan("2026-06-02T07:00:00Z").await;
    stage.at("2026-06-02T07:01:00Z");
    stage.patch(&path, json!({ "csm_id": stage.app.owner.id })).await;
    stage.drain("2026-06-02T07:02:00Z").await;
    stage.pass("2026-06-03T07:00:00Z").await;
    insta::assert_snapshot!(stage.ledger().await, @r"
    2026-06-02 digest live email to Carl: sent, attempts 1 [Halden Freight]
    2026-06-03 digest live email to Carl: sent, attempts 1 [Halden Freight]
    2026-06-03 digest live email to Olga: sent, attempts 1 [Osterby Clinics]
    ");
    let mails = stage.relay.accepted();
    let to_olga: Vec<_> = mails.iter().filter(|mail| mail.to == "olga@acme.example").collect();
    assert_eq!((mails.len(), to_olga.len()), (3, 1));
    let first = String::from_utf8_lossy(&mails[0].raw).into_owned();
    assert!(first.contains("Halden") && !first.contains("Osterby"), "{first}");
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn a_nudge_about_what_has_moved_on_is_not_sent(#[case] backend: Backend) {
    let stage = Stage::new(backend).await;
    let path = stage.onboard("Halden Freight", json!({ "reminder_frequency_days": 30 })).await;
    stage.scan("2026-06-09T09:00:00Z").await;
    stage.at("2026-06-09T09:01:00Z");
    stage.patch(&path, json!({ "phase": "program_design" })).await;
    stage.drain("2026-06-09T09:02:00Z").await;
    assert!(stage.slack.posts().is_empty());
    insta::assert_snapshot!(stage.ledger().await, @"2026-06-09 stalled_phase 1 live slack to Carl: skipped (state_changed) [Halden Freight]");
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn a_nudge_that_was_reassigned_before_it_went_out_goes_to_the_new_csm_once(
    #[case] backend: Backend,
) {
    let stage = Stage::new(backend).await;
    let path = stage.onboard("Halden Freight", json!({ "reminder_frequency_days": 30 })).await;
    stage.scan("2026-06-09T09:00:00Z").await;
    stage.at("2026-06-09T09:01:00Z");
    stage.patch(&path, json!({ "csm_id": stage.app.owner.id })).await;
    stage.drain("2026-06-09T09:02:00Z").await;
    stage.pass("2026-06-09T10:00:00Z").await;
    insta::assert_snapshot!(stage.ledger().await, @r"
    2026-06-09 stalled_phase 1 live slack to Carl: skipped (state_changed) [Halden Freight]
    2026-06-09 stalled_phase 1 live slack to Olga: sent, attempts 1 [Halden Freight]
    ");
    assert_eq!(stage.slack.posted().len(), 1);
    assert_eq!(stage.slack.posted()[0].channel, "U0OLGA");
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn a_clock_that_went_back_sends_nothing_twice(#[case] backend: Backend) {
    let stage = Stage::new(backend).await;
    stage.onboard("Halden Freight", json!({})).await;
    stage.pass("2026-06-03T07:00:00Z").await;
    for again in ["2026-06-02T06:00:00Z", "2026-06-02T07:00:00Z", "2026-06-03T06:59:59Z"] {
        stage.pass(again).await;
    }
    stage.pass("2026-06-03T07:00:00Z").await;
    stage.pass("2026-06-04T07:00:00Z").await;
    insta::assert_snapshot!(stage.ledger().await, @r"
    2026-06-02 digest live email to Carl: skipped (missed_slot), 1 slot missed [Halden Freight]
    2026-06-03 digest live email to Carl: sent, attempts 1 [Halden Freight]
    2026-06-04 digest live email to Carl: sent, attempts 1 [Halden Freight]
    ");
    assert_eq!(stage.relay.accepted().len(), 2);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn a_setting_of_a_large_workspace_counts_in_the_very_next_pass(#[case] backend: Backend) {
    let stage = Stage::mail_only(backend).await;
    stage.set_carl("digest_enabled = false").await;
    let path = stage.onboard("Halden Freight", json!({})).await;
    let id = path.rsplit('/').next().unwrap();
    let own = [("id", "'onb_copy' || n"), ("display_id", "1000 + n")];
    copy(&stage.service, "onboardings", ("id", id), 2_100, &own).await;
    let own = [("onboarding_id", "'onb_copy' || n")];
    copy(&stage.service, "reminder_state", ("onboarding_id", id), 2_100, &own).await;
    stage.at("2026-06-02T10:00:00Z");
    stage.patch("/phases/before_getting_started", json!({ "target_days": 1 })).await;
    let summary = stage.scan("2026-06-03T09:00:00Z").await;
    assert_eq!((&summary["nudges"], &summary["scheduled"]), (&json!(2_101), &json!(2_101)));
    let marks = stage.service.db.rows("SELECT hints_mark FROM workspaces").await;
    assert!(marks.iter().all(|row| row["hints_mark"].is_null()), "{marks:?}");
}
