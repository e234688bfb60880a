//! Nudges: when, to whom, by which way.

use rstest::rstest;
use serde_json::json;

use crate::support::db::Backend;
use crate::support::fake_smtp::{At, Do, Script};
use crate::support::stage::Stage;

/// Without digests, so that only nudges are left to look at.
async fn onboarding(stage: &Stage, state: &str) -> String {
    stage.set_carl("digest_enabled = false").await;
    stage.onboard("Halden Freight", json!({ "state": state })).await
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn a_stalled_phase_is_told_on_slack_a_day_after_its_target(#[case] backend: Backend) {
    let stage = Stage::new(backend).await;
    onboarding(&stage, "active").await;
    stage.pass("2026-06-08T12:00:00Z").await;
    assert!(stage.slack.posts().is_empty(), "on target");
    stage.pass("2026-06-09T08:59:59Z").await;
    assert!(stage.slack.posts().is_empty(), "before working hours");
    stage.pass("2026-06-09T09:00:00Z").await;
    stage.pass("2026-06-09T10:00:00Z").await;
    insta::assert_snapshot!(stage.ledger().await, @"2026-06-09 stalled_phase 1 live slack to Carl: sent, attempts 1 [Halden Freight]");
    let posts = stage.slack.posted();
    assert_eq!(posts.len(), 1);
    assert_eq!(
        (posts[0].channel.as_str(), &posts[0].metadata["event_type"]),
        ("U0CARL", &json!("stalled_phase"))
    );
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn a_nudge_that_comes_up_in_the_evening_waits_for_the_morning(#[case] backend: Backend) {
    let stage = Stage::new(backend).await;
    onboarding(&stage, "active").await;
    stage.pass("2026-06-09T18:00:00Z").await;
    insta::assert_snapshot!(stage.ledger().await, @"");
    stage.pass("2026-06-10T09:00:00Z").await;
    insta::assert_snapshot!(stage.ledger().await, @"2026-06-10 stalled_phase 1 live slack to Carl: sent, attempts 1 [Halden Freight]");
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn a_nudge_that_is_retried_into_the_evening_waits_for_the_morning(#[case] backend: Backend) {
    let stage = Stage::mail_only(backend).await;
    onboarding(&stage, "active").await;
    stage.relay.set_script(Script::new().on_nth(At::Rcpt, 1, Do::reply("450 4.2.0 try later")));
    stage.pass("2026-06-09T17:59:00Z").await;
    stage.drain("2026-06-09T19:00:00Z").await;
    assert!(stage.relay.accepted().is_empty());
    insta::assert_snapshot!(stage.ledger().await, @"2026-06-09 stalled_phase 1 live email to Carl: deferred (outside_working_hours), attempts 1 [Halden Freight]");
    stage.drain("2026-06-10T09:00:00Z").await;
    assert_eq!(stage.relay.accepted().len(), 1);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn waiting_is_told_on_its_business_days_and_the_last_time_to_the_escalation_user_too(
    #[case] backend: Backend,
) {
    let stage = Stage::new(backend).await;
    stage.sql("UPDATE workspaces SET escalation_user_id = owner_user_id").await;
    onboarding(&stage, "waiting").await;
    for day in 1..=30 {
        stage.pass(&format!("2026-06-{day:02}T10:00:00Z")).await;
    }
    insta::assert_snapshot!(stage.ledger().await, @r"
    2026-06-04 waiting_on_customer 1 live slack to Carl: sent, attempts 1 [Halden Freight]
    2026-06-08 waiting_on_customer 2 live slack to Carl: sent, attempts 1 [Halden Freight]
    2026-06-15 waiting_on_customer 3 live slack to Carl: sent, attempts 1 [Halden Freight]
    2026-06-22 waiting_on_customer 4 live slack to Carl: sent, attempts 1 [Halden Freight]
    2026-06-22 waiting_on_customer 4 live slack to Olga: sent, attempts 1 [Halden Freight]
    ");
    let channels: Vec<String> = stage.slack.posted().into_iter().map(|post| post.channel).collect();
    assert_eq!(channels.iter().filter(|channel| *channel == "U0CARL").count(), 4);
    assert_eq!(channels.iter().filter(|channel| *channel == "U0OLGA").count(), 1);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn of_several_steps_passed_unseen_only_the_highest_is_sent(#[case] backend: Backend) {
    let stage = Stage::mail_only(backend).await;
    stage.sql("UPDATE workspaces SET escalation_user_id = owner_user_id").await;
    onboarding(&stage, "waiting").await;
    stage.pass("2026-06-22T10:00:00Z").await;
    insta::assert_snapshot!(stage.ledger().await, @r"
    2026-06-22 waiting_on_customer 1 live email to Carl: skipped (superseded), step 4 was reached first [Halden Freight]
    2026-06-22 waiting_on_customer 2 live email to Carl: skipped (superseded), step 4 was reached first [Halden Freight]
    2026-06-22 waiting_on_customer 3 live email to Carl: skipped (superseded), step 4 was reached first [Halden Freight]
    2026-06-22 waiting_on_customer 4 live email to Carl: sent, attempts 1 [Halden Freight]
    2026-06-22 waiting_on_customer 4 live email to Olga: sent, attempts 1 [Halden Freight]
    ");
    let mut to: Vec<String> = stage.relay.accepted().into_iter().map(|mail| mail.to).collect();
    to.sort();
    assert_eq!(to, ["carl@acme.example", "olga@acme.example"], "by mail, for want of Slack");
    let days = stage
        .service
        .db
        .rows("SELECT step, step_days FROM notifications WHERE escalation = false ORDER BY step")
        .await;
    let days: Vec<i64> = days.iter().map(|row| row["step_days"].as_i64().unwrap()).collect();
    assert_eq!(days, [3, 5, 10, 15]);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn a_nudge_whose_recipient_goes_away_without_a_backup_waits_for_their_return(
    #[case] backend: Backend,
    #[values("2026-06-15", "2026-06-17")] back: &str,
) {
    let stage = Stage::mail_only(backend).await;
    onboarding(&stage, "active").await;
    stage.scan("2026-06-09T09:00:00Z").await;
    stage.at("2026-06-09T09:01:00Z");
    let path = format!("/users/{}/notification_preferences", stage.app.csm.id);
    stage.patch(&path, json!({ "out_of_office_until": back })).await;
    stage.drain("2026-06-09T09:02:00Z").await;
    assert_eq!(
        stage.ledger().await.trim_end(),
        "2026-06-09 stalled_phase 1 live email to Carl: deferred (snoozed) [Halden Freight]"
    );
    for day in 10..=18 {
        let now = format!("2026-06-{day}T09:00:00Z");
        stage.scan(&now).await;
        stage.drain(&now).await;
    }
    let meant = "SELECT due_at, not_before FROM notifications WHERE state = 'sent'";
    for row in stage.service.db.rows(meant).await {
        assert_eq!(row["due_at"], row["not_before"], "it rested, and is not late");
    }
    if back == "2026-06-15" {
        insta::assert_snapshot!(stage.ledger().await, @r"
        2026-06-09 stalled_phase 1 live email to Carl: sent, attempts 1 [Halden Freight]
        2026-06-16 stalled_phase 2 live email to Carl: sent, attempts 1 [Halden Freight]
        ");
    } else {
        insta::assert_snapshot!(stage.ledger().await, @r"
        2026-06-09 stalled_phase 1 live email to Carl: skipped (superseded) [Halden Freight]
        2026-06-17 stalled_phase 2 live email to Carl: sent, attempts 1 [Halden Freight]
        ");
    }
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn a_nudge_about_what_is_snoozed_meanwhile_waits_for_the_end_of_the_snooze(
    #[case] backend: Backend,
) {
    let stage = Stage::mail_only(backend).await;
    let path = onboarding(&stage, "waiting").await;
    stage.scan("2026-06-04T09:00:00Z").await;
    stage.at("2026-06-04T09:01:00Z");
    stage.app.post(&format!("{path}/snooze"), json!({ "until": "2026-06-06" })).await.ok(201);
    for day in ["04T09:02", "05T09:00", "06T09:00", "08T09:00"] {
        let now = format!("2026-06-{day}:00Z");
        stage.scan(&now).await;
        stage.drain(&now).await;
    }
    insta::assert_snapshot!(stage.ledger().await, @r"
    2026-06-04 waiting_on_customer 1 live email to Carl: skipped (superseded) [Halden Freight]
    2026-06-08 waiting_on_customer 2 live email to Carl: sent, attempts 1 [Halden Freight]
    ");
}
