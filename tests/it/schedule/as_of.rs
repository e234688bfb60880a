//! `--now` takes the clock's place, whichever instants others had before.

use chrono::{SecondsFormat, TimeDelta};
use rstest::rstest;
use serde_json::json;

use crate::support::crowd::{count, due_now, mail_service, now, wait_for};
use crate::support::db::Backend;
use crate::support::fake_smtp::{FakeSmtp, Script};
use crate::support::stage::Stage;

async fn digests(stage: &Stage) -> Vec<String> {
    let ledger = stage.ledger().await;
    ledger.lines().filter(|line| line.contains(" digest ")).map(str::to_owned).collect()
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn passes_as_of_any_instants_in_any_order_find_whose_newest_slot_has_no_digest_yet(
    #[case] backend: Backend,
) {
    let stage = Stage::mail_only(backend).await;
    let (daily, often) =
        (json!({ "reminder_frequency_days": 1 }), json!({ "reminder_frequency_days": 3 }));
    stage.onboard("Halden Freight", daily).await;
    stage.onboard("Northwind", often).await;
    // Far ahead, back, forward, before anything exists, in between, and each once more.
    let days = ["10", "03", "05", "08", "01", "04", "11"];
    for day in days.iter().chain(&days) {
        stage.pass(&format!("2026-06-{day}T07:00:00Z")).await;
    }
    assert_eq!(stage.scan("2026-06-05T07:00:00Z").await["written"], 0);
    insta::assert_snapshot!(digests(&stage).await.join("\n"), @r"
    2026-06-03 digest live email to Carl: sent, attempts 1 [Halden Freight]
    2026-06-04 digest live email to Carl: skipped (missed_slot), 1 slot missed [Halden Freight, Northwind]
    2026-06-05 digest live email to Carl: sent, attempts 1 [Halden Freight, Northwind]
    2026-06-08 digest live email to Carl: sent, attempts 1 [Halden Freight, Northwind]
    2026-06-09 digest live email to Carl: skipped (missed_slot), 6 slots missed [Halden Freight, Northwind]
    2026-06-10 digest live email to Carl: sent, attempts 1 [Halden Freight, Northwind]
    2026-06-11 digest live email to Carl: sent, attempts 1 [Halden Freight]
    ");
    assert_eq!(stage.relay.accepted().len(), 5, "every digest once");
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn a_pass_before_working_hours_of_a_later_day_does_not_keep_a_nudge_from_an_earlier_one(
    #[case] backend: Backend,
) {
    let stage = Stage::mail_only(backend).await;
    stage.onboard("Halden Freight", json!({ "reminder_frequency_days": 30 })).await;
    stage.pass("2026-06-15T07:00:00Z").await;
    stage.pass("2026-06-09T10:00:00Z").await;
    stage.pass("2026-06-15T10:00:00Z").await;
    stage.pass("2026-06-09T10:00:00Z").await;
    insta::assert_snapshot!(stage.ledger().await, @"2026-06-09 stalled_phase 1 live email to Carl: sent, attempts 1 [Halden Freight]");
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn what_does_not_exist_yet_is_not_found(#[case] backend: Backend) {
    let stage = Stage::mail_only(backend).await;
    stage.at("2026-06-04T12:00:00Z");
    stage.onboard("Halden Freight", json!({})).await;
    assert_eq!(stage.scan("2026-06-09T07:00:00Z").await["written"], 2);
    assert_eq!(stage.scan("2026-06-04T11:59:59Z").await["written"], 0, "it was created later");
    assert_eq!(
        stage.scan("2026-06-05T06:59:59Z").await["written"],
        0,
        "its first slot was not yet"
    );
    assert_eq!(stage.scan("2026-06-05T07:00:00Z").await["written"], 1);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn a_drain_as_of_another_time_leaves_no_pause_that_the_clock_obeys(#[case] backend: Backend) {
    let mut stage = Stage::mail_only(backend).await;
    stage.onboard("Halden Freight", json!({})).await;
    stage.scan("2026-06-02T07:00:00Z").await;
    let alive = stage.relay.url();
    stage.service.set("SMTP_URL", "smtp://127.0.0.1:9");
    let drained = stage.drain("2026-06-02T07:00:00Z").await;
    assert_eq!(drained["waiting"], 1, "{drained}");
    let pauses = stage.service.db.rows("SELECT channel FROM channel_pauses").await;
    assert!(pauses.is_empty(), "{pauses:?}");

    // One that the clock wrote stays as it was.
    stage.sql("INSERT INTO channel_pauses (channel, until, failures, reason, since) VALUES ('email', '2026-06-02T06:59:59+00:00', 3, '421 busy', '2026-06-02T06:00:00+00:00')").await;
    stage.drain("2026-06-02T07:00:00Z").await;
    let pauses = stage.service.db.rows("SELECT failures, reason FROM channel_pauses").await;
    assert_eq!(pauses, [json!({ "failures": 3, "reason": "421 busy" })]);
    stage.service.set("SMTP_URL", &alive);
    stage.relay.set_script(Script::new());
    stage.drain("2026-06-02T07:00:00Z").await;
    assert_eq!(stage.relay.accepted().len(), 1);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn a_look_into_the_future_takes_no_digest_from_the_service_on_its_own_clock(
    #[case] backend: Backend,
) {
    let relay = FakeSmtp::start(Script::new()).await;
    let service = mail_service(backend, &relay).await;
    due_now(&service, 3).await;
    service.db.execute("UPDATE users SET created_at = '2026-01-01T00:00:00+00:00'").await;
    let ahead = (now() + TimeDelta::days(2)).to_rfc3339_opts(SecondsFormat::Secs, true);
    service.ok(&["scan", "--now", &ahead]).await;
    assert_eq!(count(&service, "kind = 'digest' AND state = 'scheduled'").await, 3);
    let process = service.spawn(&["serve", "--role", "scheduler,worker"]);
    wait_for(&service, "kind = 'digest' AND state = 'sent'", 3).await;
    assert_eq!(count(&service, "kind = 'digest' AND state = 'scheduled'").await, 3, "not yet");
    assert_eq!(relay.accepted().len(), 3);
    process.kill().await;
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn the_forecast_knows_only_what_has_happened(#[case] backend: Backend) {
    let stage = Stage::mail_only(backend).await;
    stage.onboard("Halden Freight", json!({})).await;
    stage.pass("2026-06-10T07:00:00Z").await;
    stage.pass("2026-06-01T08:01:00Z").await;
    stage.at("2026-06-01T08:02:00Z");
    let foreseen = stage.app.get("/reminders/forecast?days=3").await.ok(200);
    let at: Vec<&str> =
        foreseen["data"].as_array().unwrap().iter().map(|i| i["at"].as_str().unwrap()).collect();
    assert_eq!(
        at,
        ["2026-06-02T07:00:00.000Z", "2026-06-03T07:00:00.000Z", "2026-06-04T07:00:00.000Z"]
    );
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn an_explanation_is_of_its_own_time_whatever_was_written_since(#[case] backend: Backend) {
    let stage = Stage::new(backend).await;
    let path = stage.onboard("Halden Freight", json!({ "state": "waiting" })).await;
    stage.pass("2026-06-04T07:00:00Z").await;
    stage.pass("2026-06-04T10:00:00Z").await;
    let explained = async |at: &str| {
        let answer = stage.app.get(&format!("{path}/reminders?at={at}")).await.ok(200);
        let step = answer["gates"].as_array().unwrap().iter().find(|g| g["gate"] == "nudge_step");
        let step = step.unwrap()["detail"].as_str().unwrap().to_owned();
        (answer["verdict"].as_str().unwrap().to_owned(), step)
    };
    let told = "Step 1, 3 business days of waiting on the customer, was told already.";
    let not_yet =
        "Step 1, 3 business days of waiting on the customer, is reached and not told yet.";
    let send = |step: &str| ("send".to_owned(), step.to_owned());
    assert_eq!(explained("2026-06-04T06:00:00Z").await, send(not_yet), "before both");
    assert_eq!(explained("2026-06-04T12:00:00Z").await, send(told), "the morning's digest had it");
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn a_step_that_nobody_was_told_of_is_not_said_to_be_told(#[case] backend: Backend) {
    let stage = Stage::new(backend).await;
    let fields = json!({ "state": "waiting", "reminder_frequency_days": 30 });
    let path = stage.onboard("Halden Freight", fields).await;
    stage.scan("2026-06-04T10:00:00Z").await;
    let step = async |at: &str| {
        let answer = stage.app.get(&format!("{path}/reminders?at={at}")).await.ok(200);
        let step = answer["gates"].as_array().unwrap().iter().find(|g| g["gate"] == "nudge_step");
        step.unwrap()["detail"].as_str().unwrap().rsplit(", ").next().unwrap().to_owned()
    };
    assert_eq!(step("2026-06-04T10:30:00Z").await, "is on its way.");
    stage.drain("2026-06-05T22:00:00Z").await;
    insta::assert_snapshot!(stage.ledger().await, @"2026-06-04 waiting_on_customer 1 live slack to Carl: skipped (expired) [Halden Freight]");
    assert_eq!(step("2026-06-05T23:00:00Z").await, "has had its turn.");
}
