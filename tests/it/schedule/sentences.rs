//! Sentences of the rules that only a run of many days can show, each with its table.

use reqwest::Method;
use rstest::rstest;
use serde_json::{Value, json};

use crate::support::db::Backend;
use crate::support::fake_smtp::{At, Do, Script};
use crate::support::stage::Stage;

/// A pass at each of these hours of every day, with what it wrote delivered.
async fn live_through(stage: &Stage, days: impl IntoIterator<Item = u8>, hours: &[&str]) {
    for day in days {
        for hour in hours {
            let now = format!("2026-06-{day:02}T{hour}:00Z");
            stage.scan(&now).await;
            stage.drain(&now).await;
        }
    }
}

/// The ledger's rows of a kind, in short: date, step, mode, recipient and end.
async fn rows(stage: &Stage, kind: &str) -> Vec<String> {
    let ledger = stage.ledger().await;
    let of_kind = ledger.lines().filter(|line| line.split(' ').nth(1) == Some(kind));
    of_kind.map(|line| line.split(" [").next().unwrap().replace(", attempts 1", "")).collect()
}

#[rstest]
#[case::more_often(3, 1, &["2026-06-04", "2026-06-08", "2026-06-09", "2026-06-10"])]
#[case::less_often(1, 5, &["2026-06-02", "2026-06-03", "2026-06-04", "2026-06-05", "2026-06-10"])]
#[case::the_same(2, 2, &["2026-06-03", "2026-06-05", "2026-06-08", "2026-06-10"])]
#[tokio::test]
async fn a_changed_frequency_counts_from_the_last_reminder_and_if_that_is_past_the_next_slot_never_at_once(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
    #[case] before: u8,
    #[case] after: u8,
    #[case] expected: &[&str],
) {
    let stage = Stage::mail_only(backend).await;
    let path = stage.onboard("Halden Freight", json!({ "reminder_frequency_days": before })).await;
    live_through(&stage, 1..=5, &["07:00"]).await;
    stage.at("2026-06-05T10:00:00Z");
    stage.patch(&path, json!({ "reminder_frequency_days": after })).await;
    live_through(&stage, 5..=5, &["10:01"]).await;
    live_through(&stage, 6..=10, &["07:00"]).await;
    let dates: Vec<String> =
        rows(&stage, "digest").await.iter().map(|row| row[..10].to_owned()).collect();
    assert_eq!(dates, expected);
}

#[rstest]
#[case::the_csm(json!({}), &[], "digest live email to Carl: sent")]
#[case::missing(json!({ "csm_id": null }), &[], "digest live email to Olga: sent")]
#[case::deactivated(json!({}), &["carl"], "digest live email to Olga: sent")]
#[case::nobody_is_left(json!({}), &["carl", "olga"], "digest live email to Carl: skipped (no_recipient), no active CSM and no active workspace owner")]
#[tokio::test]
async fn the_csm_hears_if_missing_or_deactivated_the_workspace_owner_else_nobody(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
    #[case] change: Value,
    #[case] deactivated: &[&str],
    #[case] expected: &str,
) {
    let stage = Stage::mail_only(backend).await;
    let path = stage.onboard("Halden Freight", json!({})).await;
    stage.patch(&path, change).await;
    for name in deactivated {
        let id = if *name == "carl" { &stage.app.csm.id } else { &stage.app.owner.id };
        stage.app.delete(&format!("/users/{id}")).await.ok(200);
    }
    live_through(&stage, 2..=2, &["07:00"]).await;
    assert_eq!(rows(&stage, "digest").await, [format!("2026-06-02 {expected}")]);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn a_new_phase_entry_starts_the_ladder_anew_moving_back_too(#[case] backend: Backend) {
    let stage = Stage::mail_only(backend).await;
    let path = stage.onboard("Halden Freight", json!({ "reminder_frequency_days": 30 })).await;
    live_through(&stage, 1..=10, &["09:00"]).await;
    for (at, phase) in [("10", "program_design"), ("11", "before_getting_started")] {
        stage.at(&format!("2026-06-{at}T12:00:00Z"));
        stage.patch(&path, json!({ "phase": phase })).await;
    }
    live_through(&stage, 11..=26, &["09:00"]).await;
    assert_eq!(
        rows(&stage, "stalled_phase").await,
        [
            "2026-06-09 stalled_phase 1 live email to Carl: sent",
            "2026-06-19 stalled_phase 1 live email to Carl: sent",
            "2026-06-26 stalled_phase 2 live email to Carl: sent",
        ]
    );
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn time_spent_waiting_or_paused_does_not_stall(#[case] backend: Backend) {
    let stage = Stage::mail_only(backend).await;
    let path = stage.onboard("Halden Freight", json!({ "reminder_frequency_days": 30 })).await;
    // Two whole dates of waiting and three of pausing: 1 June + 8 + 5 = 14 June, a Sunday.
    for (at, change) in [
        ("02", json!({ "state": "waiting" })),
        ("05", json!({ "state": "active" })),
        ("08", json!({ "state": "paused" })),
        ("12", json!({ "state": "active" })),
    ] {
        stage.at(&format!("2026-06-{at}T12:00:00Z"));
        stage.patch(&path, change).await;
    }
    live_through(&stage, 12..=16, &["09:00"]).await;
    assert_eq!(
        rows(&stage, "stalled_phase").await,
        ["2026-06-15 stalled_phase 1 live email to Carl: sent"]
    );
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn a_snooze_covers_digest_lines_nudges_and_customer_mail_and_all_resume_on_its_date(
    #[case] backend: Backend,
) {
    let stage = Stage::mail_only(backend).await;
    stage.patch("/workspace", json!({ "customer_reminders": true })).await;
    let path = stage.onboard("Halden Freight", json!({ "state": "waiting" })).await;
    let customer = stage.app.get(&path).await.ok(200)["customer_id"].as_str().unwrap().to_owned();
    let ida = json!({ "name": "Ida", "email": "ida@halden.example" });
    stage.app.post(&format!("/customers/{customer}/contacts"), ida).await.ok(201);
    let snooze = json!({ "until": "2026-06-10", "reason": "summer break" });
    stage.app.post(&format!("{path}/snooze"), snooze).await.ok(201);
    live_through(&stage, 2..=9, &["07:00", "10:00"]).await;
    assert_eq!(stage.relay.connections(), 0);
    live_through(&stage, 10..=10, &["07:00", "10:00"]).await;
    let mut to: Vec<String> = stage.relay.accepted().into_iter().map(|mail| mail.to).collect();
    to.sort();
    assert_eq!(to, ["carl@acme.example", "carl@acme.example", "ida@halden.example"]);
    insta::assert_snapshot!(stage.ledger().await, @r"
    2026-06-10 digest live email to Carl: sent, attempts 1 [Halden Freight]
    2026-06-10 waiting_on_customer 1 live email to Carl: skipped (superseded), step 2 was reached first [Halden Freight]
    2026-06-10 waiting_on_customer 2 live email to Carl: sent, attempts 1 [Halden Freight]
    ");
    let audited = stage.app.get("/audit_log?event=onboarding_snoozed").await.ok(200);
    assert_eq!(audited["data"][0]["reason"], "summer break", "{audited}");
}

#[rstest]
#[case::digest_off(json!({ "digest_enabled": false }), json!({}), &[], &["2026-06-09 stalled_phase 1 live email to Carl: sent"])]
#[case::digest_muted(json!({ "muted_kinds": ["digest"] }), json!({}), &[], &["2026-06-09 stalled_phase 1 live email to Carl: sent"])]
#[case::nudge_muted(json!({ "muted_kinds": ["stalled_phase"] }), json!({}), &["2026-06-09 digest live email to Carl: sent"], &["2026-06-09 stalled_phase 1 live slack to Carl: skipped (opted_out)"])]
#[case::both_flags_off(json!({}), json!({ "reminder_email": false, "reminder_slack": false }), &[], &["2026-06-09 stalled_phase 1 live slack to Carl: skipped (channel_off)"])]
#[case::only_slack_on_and_not_here(json!({}), json!({ "reminder_email": false }), &[], &["2026-06-09 stalled_phase 1 live slack to Carl: skipped (channel_off)"])]
#[tokio::test]
async fn whoever_switched_something_off_does_not_get_it_and_the_ledger_says_why(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
    #[case] preferences: Value,
    #[case] flags: Value,
    #[case] digests: &[&str],
    #[case] nudges: &[&str],
) {
    let stage = Stage::mail_only(backend).await;
    let carl = format!("/users/{}/notification_preferences", stage.app.csm.id);
    stage.patch(&carl, preferences).await;
    let path = stage.onboard("Halden Freight", json!({ "reminder_frequency_days": 8 })).await;
    stage.patch(&path, flags).await;
    live_through(&stage, [8, 9], &["07:00", "09:00"]).await;
    assert_eq!(rows(&stage, "digest").await, digests);
    assert_eq!(rows(&stage, "stalled_phase").await, nudges);
}

#[rstest]
#[case::csm(json!({ "csm_id": "CARL" }), "digest")]
#[case::mail_flag(json!({ "reminder_email": true }), "digest")]
#[case::slack_flag(json!({ "reminder_slack": true }), "digest")]
#[case::frequency(json!({ "reminder_frequency_days": 1 }), "digest")]
#[case::csm_of_a_nudge(json!({ "csm_id": "CARL" }), "waiting_on_customer")]
#[case::settings_of_a_nudge(json!({ "reminder_slack": true }), "waiting_on_customer")]
#[case::waiting_flag(json!({ "waiting_on_customer": true }), "waiting_on_customer")]
#[tokio::test]
async fn what_a_test_key_wrote_last_is_test_until_a_live_write_of_that_field_lifts_it(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
    #[case] mut change: Value,
    #[case] kind: &str,
) {
    let stage = Stage::mail_only(backend).await;
    if change.get("csm_id").is_some() {
        change["csm_id"] = json!(stage.app.csm.id);
    }
    let path = stage.onboard("Halden Freight", json!({ "state": "waiting" })).await;
    stage.app.call(&stage.app.test, Method::PATCH, &path, &change).await.ok(200);
    // Any other field does not lift it.
    stage.patch(&path, json!({ "notes": "seen" })).await;
    live_through(&stage, 2..=4, &["07:00", "09:00"]).await;
    let silent = rows(&stage, kind).await;
    assert!(!silent.is_empty());
    for row in &silent {
        assert!(row.contains(" test ") && row.ends_with("suppressed (test_mode)"), "{row}");
    }
    stage.at("2026-06-05T12:00:00Z");
    stage.patch(&path, change).await;
    live_through(&stage, 8..=8, &["07:00", "09:00"]).await;
    let lifted = rows(&stage, kind).await.pop().unwrap();
    assert!(lifted.starts_with("2026-06-08 ") && lifted.contains(" live "), "{lifted}");
    assert!(lifted.ends_with(": sent"), "{lifted}");
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn a_holiday_has_no_slot_no_nudge_and_is_no_business_day(#[case] backend: Backend) {
    let stage = Stage::mail_only(backend).await;
    stage.patch("/workspace", json!({ "holidays": ["2026-06-03", "2026-06-05"] })).await;
    stage.onboard("Halden Freight", json!({ "state": "waiting" })).await;
    live_through(&stage, 1..=9, &["07:00", "10:00"]).await;
    insta::assert_snapshot!(stage.ledger().await, @r"
    2026-06-02 digest live email to Carl: sent, attempts 1 [Halden Freight]
    2026-06-04 digest live email to Carl: sent, attempts 1 [Halden Freight]
    2026-06-08 digest live email to Carl: sent, attempts 1 [Halden Freight]
    2026-06-08 waiting_on_customer 1 live email to Carl: sent, attempts 1 [Halden Freight]
    2026-06-09 digest live email to Carl: sent, attempts 1 [Halden Freight]
    ");
}

#[rstest]
#[case::their_own(true)]
#[case::the_workspaces(false)]
#[tokio::test]
async fn a_change_of_zone_takes_effect_at_the_next_slot(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
    #[case] own: bool,
) {
    let stage = Stage::mail_only(backend).await;
    stage.onboard("Halden Freight", json!({})).await;
    live_through(&stage, 2..=2, &["07:00"]).await;
    stage.at("2026-06-02T12:00:00Z");
    let zone = json!({ "time_zone": "America/New_York" });
    let path = format!("/users/{}", stage.app.csm.id);
    stage.patch(if own { &path } else { "/workspace" }, zone).await;
    for (now, written) in [
        ("2026-06-02T12:00:01Z", 0),
        ("2026-06-03T07:00:00Z", 0),
        ("2026-06-03T10:59:59Z", 0),
        ("2026-06-03T11:00:00Z", 1),
        ("2026-06-03T12:00:00Z", 0),
    ] {
        assert_eq!(stage.scan(now).await["written"], written, "{now}");
        stage.drain(now).await;
    }
}

#[rstest]
#[case::open("", &["2026-06-04", "2026-06-08"])]
#[case::sent("sent", &["2026-06-04", "2026-06-08"])]
#[case::suppressed("test key", &["2026-06-04", "2026-06-08"])]
#[case::skipped("paused meanwhile", &["2026-06-04", "2026-06-05", "2026-06-08"])]
#[case::failed("refused", &["2026-06-04", "2026-06-05", "2026-06-08"])]
#[tokio::test]
async fn the_last_reminder_is_the_newest_digest_that_is_open_sent_or_suppressed(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
    #[case] end: &str,
    #[case] expected: &[&str],
) {
    let stage = Stage::mail_only(backend).await;
    let key = if end == "test key" { &stage.app.test } else { &stage.app.live };
    let path =
        stage.onboard_with(key, "Halden Freight", json!({ "reminder_frequency_days": 3 })).await;
    stage.scan("2026-06-04T07:00:00Z").await;
    stage.at("2026-06-04T07:00:01Z");
    match end {
        "paused meanwhile" => stage.patch(&path, json!({ "state": "paused" })).await,
        "refused" => {
            stage.relay.set_script(Script::new().on(At::Dot, Do::reply("554 5.7.1 not this text")));
        }
        _ => {}
    }
    if !end.is_empty() {
        stage.drain("2026-06-04T07:00:02Z").await;
    }
    stage.relay.set_script(Script::new());
    if end == "paused meanwhile" {
        stage.patch(&path, json!({ "state": "active" })).await;
    }
    for day in ["05", "08"] {
        stage.scan(&format!("2026-06-{day}T07:00:00Z")).await;
        // What is open stays so; every other is delivered.
        if !end.is_empty() {
            stage.drain(&format!("2026-06-{day}T07:00:02Z")).await;
        }
    }
    let dates: Vec<String> =
        rows(&stage, "digest").await.iter().map(|row| row[..10].to_owned()).collect();
    assert_eq!(dates, expected);
}

#[rstest]
#[case::carried(1, 1)]
#[case::not_carried(30, 0)]
#[tokio::test]
async fn a_nudge_is_sent_on_its_day_whether_or_not_a_digest_carried_the_onboarding_and_replaces_no_line(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
    #[case] frequency: u8,
    #[case] digests: usize,
) {
    let stage = Stage::mail_only(backend).await;
    stage.onboard("Halden Freight", json!({ "reminder_frequency_days": frequency })).await;
    live_through(&stage, [8, 9, 10], &["07:00", "09:00"]).await;
    let sent = |rows: Vec<String>, date: &str| {
        rows.iter().filter(|row| row.starts_with(date) && row.ends_with(": sent")).count()
    };
    assert_eq!(sent(rows(&stage, "digest").await, "2026-06-09"), digests);
    assert_eq!(sent(rows(&stage, "digest").await, "2026-06-10"), digests, "a nudge is no reminder");
    assert_eq!(sent(rows(&stage, "stalled_phase").await, "2026-06-09"), 1);
}
