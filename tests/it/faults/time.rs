//! Clocks that lie, zones that are gone, processes that oversleep.

use std::time::Duration;

use chrono::{SecondsFormat, TimeDelta};
use rstest::rstest;
use serde_json::json;

use super::checker::check;
use crate::support::crowd::{count, due_now, mail_service, now, wait_for};
use crate::support::db::Backend;
use crate::support::eventually;
use crate::support::fake_smtp::{FakeSmtp, Script};
use crate::support::service::PATIENCE;
use crate::support::stage::Stage;

#[rstest]
#[case::two_hours_back(TimeDelta::hours(2), "went backwards")]
#[case::forty_days_ahead(TimeDelta::days(-40), "went ahead")]
#[case::five_years_back(TimeDelta::days(5 * 365), "went backwards")]
#[case::back_in_1970(TimeDelta::days(56 * 365), "went backwards")]
#[case::ahead_in_2100(TimeDelta::days(-74 * 365), "went ahead")]
#[tokio::test]
async fn fault_52_a_clock_that_jumped_sends_nothing_until_an_operator_accepts_it(
    #[case] noted_ahead: TimeDelta,
    #[case] said: &str,
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let relay = FakeSmtp::start(Script::new()).await;
    let service = mail_service(backend, &relay).await;
    due_now(&service, 3).await;
    // As if this machine's clock had been right before, and had jumped since.
    let at = (now() + noted_ahead).to_rfc3339_opts(SecondsFormat::Millis, true);
    service.db.execute(&format!("INSERT INTO settings (name, value, updated_at) VALUES ('clock_noted_at', '{at}', '{}')", now().to_rfc3339())).await;
    let process = service.spawn(&["serve"]);
    let address = process.address().await;
    eventually(PATIENCE, || process.log().contains(said)).await;
    assert_eq!(
        reqwest::get(format!("http://{address}/readyz")).await.unwrap().status(),
        200,
        "the API is up"
    );
    assert_eq!((relay.connections(), count(&service, "true").await), (0, 0), "nothing was begun");
    let doctor = service.run(&["doctor"]).await;
    assert!(doctor.code == 1 && doctor.stdout.contains("--accept-clock"), "{}", doctor.stdout);
    service.run(&["doctor", "--accept-clock"]).await;
    wait_for(&service, "state = 'sent'", 3).await;
    assert_eq!(check(&service, Some(&relay), None).await, 3);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn fault_54_a_service_that_was_suspended_catches_up_once(#[case] backend: Backend) {
    let relay = FakeSmtp::start(Script::new()).await;
    let mut service = mail_service(backend, &relay).await;
    service.set("PIVOTAL_WORKER__LEASE_SECONDS", "3");
    due_now(&service, 10).await;
    let slot =
        service.db.rows("SELECT next_slot_at FROM users WHERE display_id = 1").await.remove(0);
    let slot = slot["next_slot_at"].as_str().unwrap();
    service.db.execute("UPDATE users SET next_slot_at = NULL").await;
    let process = service.spawn(&["serve"]);
    process.address().await;
    // Its slot comes while it sleeps, longer than its lease lasts. Not asleep with the lock of the file in its hands: nobody could write.
    loop {
        process.signal("STOP").await;
        let wake = format!("UPDATE users SET next_slot_at = '{slot}'");
        if tokio::time::timeout(Duration::from_secs(1), service.db.execute(&wake)).await.is_ok() {
            break;
        }
        process.signal("CONT").await;
    }
    let asleep = std::time::Instant::now();
    eventually(PATIENCE, || asleep.elapsed() > Duration::from_secs(4)).await;
    process.signal("CONT").await;
    wait_for(&service, "state = 'sent'", 10).await;
    assert!(
        !process.log().contains("declared dead"),
        "nobody was there to do so: {}",
        process.log()
    );
    assert_eq!(check(&service, Some(&relay), None).await, 10, "each once");
    assert_eq!(count(&service, "true").await, 10, "one digest each, nothing else");
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn fault_55_a_zone_that_is_gone_counts_as_utc_aloud(#[case] backend: Backend) {
    let stage = Stage::new(backend).await;
    stage.onboard("Halden Freight", json!({})).await;
    stage.set_carl("time_zone = 'Mars/Olympus_Mons'").await;
    let said = stage.service.ok(&["scan", "--now", "2026-06-02T07:00:00Z"]).await;
    assert!(
        said.stderr.contains("unknown time zone in the database, using UTC"),
        "{}",
        said.stderr
    );
    stage.drain("2026-06-02T07:00:00Z").await;
    assert_eq!(check(&stage.service, Some(&stage.relay), None).await, 1);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn fault_56_a_flag_toggled_a_hundred_times_across_midnight_is_one_wait(
    #[case] backend: Backend,
) {
    let stage = Stage::new(backend).await;
    let path = stage.onboard("Halden Freight", json!({ "reminder_frequency_days": 30 })).await;
    for n in 0..100 {
        // Several in one instant, and some on either side of midnight.
        if n % 10 == 0 {
            stage.at(&format!("2026-06-01T23:59:{:02}Z", n / 10));
        }
        if n == 50 {
            stage.at("2026-06-02T00:00:01Z");
        }
        if n < 50 || n % 10 != 0 {
            stage.patch(&path, json!({ "waiting_on_customer": n % 2 == 0 })).await;
        }
    }
    stage.at("2026-06-02T00:00:30Z");
    stage.patch(&path, json!({ "waiting_on_customer": true })).await;
    let shown = stage.app.get(&path).await.ok(200);
    assert!(
        shown["waiting_on_customer_since"].as_str().unwrap().starts_with("2026-06-02T00:00"),
        "{shown}"
    );
    for day in 2..=9 {
        stage.pass(&format!("2026-06-0{day}T10:00:00Z")).await;
    }
    let nudges = stage.service.db.rows("SELECT step FROM notifications WHERE kind = 'waiting_on_customer' AND state = 'sent' ORDER BY step").await;
    assert_eq!(
        nudges,
        [json!({ "step": 1 }), json!({ "step": 2 })],
        "on the third and fifth business day, once each"
    );
    check(&stage.service, Some(&stage.relay), Some(&stage.slack)).await;
}
