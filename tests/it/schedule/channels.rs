//! Which way a digest goes, and what becomes of it when it cannot.

use rstest::rstest;
use serde_json::json;

use crate::support::db::Backend;
use crate::support::fake_slack::Answer;
use crate::support::fake_smtp::{At, Do, Script};
use crate::support::stage::Stage;

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn lines_for_different_channels_make_a_digest_each(#[case] backend: Backend) {
    let stage = Stage::new(backend).await;
    stage.onboard("Halden Freight", json!({})).await;
    stage.onboard("Osterby Clinics", json!({ "reminder_email": false })).await;
    stage
        .onboard("Quillby Books", json!({ "reminder_email": false, "reminder_slack": false }))
        .await;
    stage.pass("2026-06-02T07:00:00Z").await;
    insta::assert_snapshot!(stage.ledger().await, @r"
    2026-06-02 digest live email to Carl: sent, attempts 1 [Halden Freight]
    2026-06-02 digest live slack to Carl: sent, attempts 1 [Osterby Clinics]
    ");
    assert_eq!(stage.relay.accepted().len(), 1);
    assert_eq!(stage.slack.posted().len(), 1);
    assert_eq!(stage.slack.posted()[0].channel, "U0CARL");
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn a_refused_address_fails_at_once_and_the_next_digest_goes_by_slack(
    #[case] backend: Backend,
) {
    let stage = Stage::new(backend).await;
    stage.onboard("Halden Freight", json!({ "reminder_frequency_days": 2 })).await;
    stage.relay.set_script(Script::new().on(At::Rcpt, Do::reply("550 5.1.1 no such user")));
    stage.pass("2026-06-03T07:00:00Z").await;
    let flags =
        stage.service.db.rows("SELECT name FROM users WHERE email_flagged_at IS NOT NULL").await;
    assert_eq!(flags, [json!({ "name": "Carl Csm" })]);
    stage.pass("2026-06-04T07:00:00Z").await;
    insta::assert_snapshot!(stage.ledger().await, @r"
    2026-06-03 digest live email to Carl: failed (address_refused), attempts 1 [Halden Freight]
    2026-06-04 digest live slack to Carl: sent, attempts 1 [Halden Freight]
    ");
    assert_eq!(stage.slack.posted().len(), 1);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn a_refusal_for_now_is_tried_again_later(#[case] backend: Backend) {
    let stage = Stage::new(backend).await;
    stage.onboard("Halden Freight", json!({})).await;
    stage.relay.set_script(Script::new().on(At::Rcpt, Do::reply("450 4.2.0 try later")));
    stage.pass("2026-06-02T07:00:00Z").await;
    insta::assert_snapshot!(stage.ledger().await, @"2026-06-02 digest live email to Carl: scheduled, attempts 1 [Halden Freight]");
    stage.relay.set_script(Script::new());
    stage.drain("2026-06-02T07:00:20Z").await;
    assert!(stage.relay.accepted().is_empty(), "not before its time");
    stage.drain("2026-06-02T07:30:00Z").await;
    insta::assert_snapshot!(stage.ledger().await, @"2026-06-02 digest live email to Carl: sent, attempts 2 [Halden Freight]");
    let attempts =
        stage.service.db.rows("SELECT number, outcome, reply FROM attempts ORDER BY number").await;
    assert_eq!(attempts.len(), 2);
    assert_eq!(attempts[0]["outcome"], "transient");
    assert!(attempts[0]["reply"].as_str().unwrap().contains("450 4.2.0 try later"), "{attempts:?}");
    assert_eq!(attempts[1]["outcome"], "accepted");
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn a_relay_that_always_says_later_ends_with_the_deadline(#[case] backend: Backend) {
    let stage = Stage::new(backend).await;
    stage.onboard("Halden Freight", json!({})).await;
    stage.relay.set_script(Script::new().on(At::Rcpt, Do::reply("450 4.2.0 try later")));
    stage.scan("2026-06-02T07:00:00Z").await;
    for time in ["07:00", "08:00", "09:00", "10:00", "17:30"] {
        stage.drain(&format!("2026-06-02T{time}:00Z")).await;
    }
    insta::assert_snapshot!(stage.ledger().await, @"2026-06-02 digest live email to Carl: skipped (expired), attempts 5 [Halden Freight]");
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn a_nudge_whose_channel_is_switched_off_before_it_goes_out_goes_the_other_way(
    #[case] backend: Backend,
) {
    let stage = Stage::new(backend).await;
    let fields = json!({ "state": "waiting", "reminder_frequency_days": 30 });
    let path = stage.onboard("Halden Freight", fields).await;
    stage.scan("2026-06-04T10:00:00Z").await;
    stage.patch(&path, json!({ "reminder_slack": false })).await;
    stage.drain("2026-06-04T11:00:00Z").await;
    insta::assert_snapshot!(stage.ledger().await, @"2026-06-04 waiting_on_customer 1 live email to Carl: sent, attempts 1 [Halden Freight]");
    assert!(stage.slack.posts().is_empty());
    assert_eq!(stage.relay.accepted().len(), 1);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn when_slack_does_not_know_somebody_their_other_nudges_come_by_mail(
    #[case] backend: Backend,
) {
    let stage = Stage::new(backend).await;
    for customer in ["Halden Freight", "Osterby Clinics", "Quillby Books"] {
        stage.onboard(customer, json!({ "state": "waiting", "reminder_frequency_days": 30 })).await;
    }
    stage.slack.then(vec![Answer::error("channel_not_found")]);
    stage.pass("2026-06-04T10:00:00Z").await;
    let nudges = stage.ledger().await;
    let ways = |words: &str| nudges.lines().filter(|line| line.contains(words)).count();
    assert_eq!(ways("slack to Carl: failed (address_refused)"), 1, "{nudges}");
    assert_eq!(ways("email to Carl: sent"), 2, "{nudges}");
}
