//! Which days bring a digest.

use rstest::rstest;
use serde_json::json;

use crate::support::db::Backend;
use crate::support::stage::Stage;

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn a_frequency_of_three_reminds_every_third_civil_day(#[case] backend: Backend) {
    let stage = Stage::new(backend).await;
    stage.onboard("Halden Freight", json!({ "reminder_frequency_days": 3 })).await;
    for day in 1..=12 {
        stage.pass(&format!("2026-06-{day:02}T09:00:00Z")).await;
    }
    // The 7th is a Sunday.
    stage.sql("DELETE FROM notifications WHERE kind <> 'digest'").await;
    insta::assert_snapshot!(stage.ledger().await, @r"
    2026-06-04 digest live email to Carl: sent, attempts 1 [Halden Freight]
    2026-06-08 digest live email to Carl: sent, attempts 1 [Halden Freight]
    2026-06-11 digest live email to Carl: sent, attempts 1 [Halden Freight]
    ");
    assert_eq!(stage.relay.accepted().len(), 3);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn after_an_outage_of_days_there_is_one_digest_and_one_row_for_the_missed_slots(
    #[case] backend: Backend,
) {
    let stage = Stage::new(backend).await;
    stage.onboard("Halden Freight", json!({})).await;
    stage.pass("2026-06-02T07:00:00Z").await;
    stage.pass("2026-06-05T09:30:00Z").await;
    insta::assert_snapshot!(stage.ledger().await, @r"
    2026-06-02 digest live email to Carl: sent, attempts 1 [Halden Freight]
    2026-06-04 digest live email to Carl: skipped (missed_slot), 2 slots missed [Halden Freight]
    2026-06-05 digest live email to Carl: sent, attempts 1 [Halden Freight]
    ");
    assert_eq!(stage.relay.accepted().len(), 2);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn after_1800_there_is_no_digest_that_day(#[case] backend: Backend) {
    let stage = Stage::new(backend).await;
    stage.onboard("Halden Freight", json!({})).await;
    stage.pass("2026-06-02T18:00:00Z").await;
    assert_eq!(stage.relay.accepted().len(), 0);
    stage.pass("2026-06-03T07:00:00Z").await;
    insta::assert_snapshot!(stage.ledger().await, @r"
    2026-06-02 digest live email to Carl: skipped (missed_slot), 1 slot missed [Halden Freight]
    2026-06-03 digest live email to Carl: sent, attempts 1 [Halden Freight]
    ");
    assert_eq!(stage.relay.accepted().len(), 1);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn a_digest_that_nobody_delivered_by_1800_expires_and_its_line_joins_the_next(
    #[case] backend: Backend,
) {
    let stage = Stage::new(backend).await;
    stage.onboard("Halden Freight", json!({ "reminder_frequency_days": 2 })).await;
    stage.scan("2026-06-03T07:00:00Z").await;
    stage.drain("2026-06-03T18:00:00Z").await;
    assert_eq!(stage.relay.accepted().len(), 0);
    stage.pass("2026-06-04T07:00:00Z").await;
    insta::assert_snapshot!(stage.ledger().await, @r"
    2026-06-03 digest live email to Carl: skipped (expired) [Halden Freight]
    2026-06-04 digest live email to Carl: sent, attempts 1 [Halden Freight]
    ");
    assert_eq!(stage.relay.accepted().len(), 1);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn quiet_hours_put_a_digest_off_until_they_end(#[case] backend: Backend) {
    let stage = Stage::new(backend).await;
    stage.onboard("Halden Freight", json!({})).await;
    stage.set_carl("quiet_from = '06:00', quiet_until = '09:00'").await;
    stage.pass("2026-06-02T07:00:00Z").await;
    insta::assert_snapshot!(stage.ledger().await, @"2026-06-02 digest live email to Carl: deferred (quiet_hours) [Halden Freight]");
    stage.drain("2026-06-02T08:59:59Z").await;
    assert_eq!(stage.relay.accepted().len(), 0);
    stage.drain("2026-06-02T09:00:00Z").await;
    assert_eq!(stage.relay.accepted().len(), 1);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn a_digest_whose_deadline_passes_in_quiet_hours_is_skipped_and_joins_the_next(
    #[case] backend: Backend,
) {
    let stage = Stage::new(backend).await;
    stage.onboard("Halden Freight", json!({ "reminder_frequency_days": 2 })).await;
    stage.set_carl("quiet_from = '06:00', quiet_until = '19:00'").await;
    stage.pass("2026-06-03T07:00:00Z").await;
    stage.set_carl("quiet_from = NULL, quiet_until = NULL").await;
    stage.pass("2026-06-04T07:00:00Z").await;
    insta::assert_snapshot!(stage.ledger().await, @r"
    2026-06-03 digest live email to Carl: skipped (quiet_hours) [Halden Freight]
    2026-06-04 digest live email to Carl: sent, attempts 1 [Halden Freight]
    ");
    assert_eq!(stage.relay.accepted().len(), 1);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn a_digest_that_is_retried_into_quiet_hours_waits_for_their_end(#[case] backend: Backend) {
    let stage = Stage::new(backend).await;
    stage.onboard("Halden Freight", json!({})).await;
    stage.set_carl("quiet_from = '07:30', quiet_until = '09:00'").await;
    stage.scan("2026-06-02T07:00:00Z").await;
    stage.drain("2026-06-02T08:00:00Z").await;
    assert_eq!(stage.relay.accepted().len(), 0);
    insta::assert_snapshot!(stage.ledger().await, @"2026-06-02 digest live email to Carl: deferred (quiet_hours) [Halden Freight]");
    stage.drain("2026-06-02T09:00:00Z").await;
    assert_eq!(stage.relay.accepted().len(), 1);
}
