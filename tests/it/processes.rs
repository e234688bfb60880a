//! Several processes, the real clock, and what happens when one of them stops.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{SecondsFormat, TimeDelta};
use pivotal_reminders::on;
use rstest::rstest;
use serde_json::Value;
use tokio::sync::Semaphore;

use super::support::crowd::{copies, count, due_now, mail_service, now, wait_for};
use super::support::db::Backend;
use super::support::fake_smtp::{At, Do, FakeSmtp, Script};
use super::support::service::{Client, PATIENCE, Running, Said, Service};
use super::support::{eventually, eventually_so};

#[tokio::test]
async fn three_workers_share_what_one_scheduler_finds_and_send_each_once() {
    // One worker fetches up to 400 at a time, so fewer would not have to be shared.
    const CSMS: usize = 900;
    let slow = Do::Delay(Duration::from_millis(20), Box::new(Do::reply("250 2.0.0 ok")));
    let relay = FakeSmtp::start(Script::new().on(At::Dot, slow)).await;
    let service = mail_service(Backend::Postgres, &relay).await;
    due_now(&service, CSMS).await;
    let mut processes = vec![service.spawn(&["serve", "--role", "api"])];
    for _ in 0..3 {
        processes.push(service.spawn(&["serve", "--role", "worker"]));
    }
    processes.push(service.spawn(&["serve", "--role", "scheduler"]));

    wait_for(&service, "state = 'sent'", 900).await;
    let copies = copies(&relay);
    assert_eq!((copies.len(), relay.accepted().len()), (CSMS, CSMS), "each once");
    let workers = service.db.rows("SELECT DISTINCT worker FROM attempts").await;
    assert!(workers.len() > 1, "{workers:?}");
    for process in &processes {
        process.signal("TERM").await;
    }
    for process in processes {
        let log = process.log();
        assert_eq!(process.end().await, 0, "{log}");
        assert!(!log.contains("ERROR"), "{log}");
    }
}

#[tokio::test]
async fn each_of_several_drains_counts_what_it_did_itself() {
    const CSMS: usize = 600;
    let slow = Do::Delay(Duration::from_millis(20), Box::new(Do::reply("250 2.0.0 ok")));
    let relay = FakeSmtp::start(Script::new().on(At::Dot, slow)).await;
    let service = mail_service(Backend::Postgres, &relay).await;
    due_now(&service, CSMS).await;
    service.ok(&["scan"]).await;
    let drain = || service.ok(&["work", "--drain", "--json"]);
    let (one, other) = tokio::join!(drain(), drain());
    let sent = |said: &Said| said.json()["outcomes"]["sent"].as_u64().unwrap_or_default();
    assert_eq!(usize::try_from(sent(&one) + sent(&other)).unwrap(), CSMS);
    assert_eq!(relay.accepted_count(), CSMS);
}

#[tokio::test]
async fn on_sqlite_one_process_finds_and_sends_each_once() {
    const CSMS: usize = 300;
    let relay = FakeSmtp::start(Script::new()).await;
    let service = mail_service(Backend::Sqlite, &relay).await;
    due_now(&service, CSMS).await;
    let process = service.spawn(&["serve"]);
    wait_for(&service, "state = 'sent'", 300).await;
    assert_eq!((copies(&relay).len(), relay.accepted().len()), (CSMS, CSMS), "each once");
    process.signal("TERM").await;
    let log = process.log();
    assert_eq!(process.end().await, 0, "{log}");
    let warnings: Vec<&str> =
        log.lines().filter(|l| l.contains("ERROR") || l.contains("WARN")).collect();
    assert_eq!(warnings.len(), 1, "only that there is no Slack: {warnings:?}");
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn a_process_told_to_stop_finishes_what_it_began_and_begins_nothing_more(
    #[case] backend: Backend,
) {
    const CSMS: usize = 60;
    let slow = Do::Delay(Duration::from_millis(500), Box::new(Do::reply("250 2.0.0 ok")));
    let relay = FakeSmtp::start(Script::new().on(At::Dot, slow)).await;
    let service = mail_service(backend, &relay).await;
    due_now(&service, CSMS).await;
    let process = service.spawn(&["serve"]);
    eventually(PATIENCE, || relay.reached(At::Dot) >= 12).await;
    let told = Instant::now();
    process.signal("TERM").await;
    let log = process.log();
    assert_eq!(process.end().await, 0, "{log}");
    assert!(told.elapsed() < Duration::from_secs(10), "within its grace");

    let sent = count(&service, "state = 'sent'").await;
    assert!((12..60).contains(&sent), "{sent} were sent");
    assert_eq!(
        usize::try_from(sent).expect("a count"),
        relay.accepted().len(),
        "nothing is in doubt"
    );
    let untouched = "state = 'scheduled' AND attempt_count = 0 AND claim_count = 0";
    assert_eq!(count(&service, untouched).await, 60 - sent);

    relay.set_script(Script::new());
    let _next = service.spawn(&["serve"]);
    wait_for(&service, "state = 'sent'", 60).await;
    assert_eq!((copies(&relay).len(), relay.accepted().len()), (CSMS, CSMS), "each once");
}

#[tokio::test]
async fn a_worker_that_slept_through_its_lease_cannot_undo_what_another_did() {
    let permits = Arc::new(Semaphore::new(0));
    let relay = FakeSmtp::start(Script::new().on(At::Dot, Do::Hold(Arc::clone(&permits)))).await;
    let mut service = mail_service(Backend::Postgres, &relay).await;
    service.set("PIVOTAL_WORKER__LEASE_SECONDS", "3");
    service.set("PIVOTAL_WORKER__RESEND_AFTER_SECONDS", "0");
    due_now(&service, 3).await;
    service.ok(&["scan"]).await;
    let sleeper = service.spawn(&["serve", "--role", "worker"]);
    eventually(PATIENCE, || relay.reached(At::Dot) == 3).await;
    sleeper.signal("STOP").await;

    let _other = service.spawn(&["serve", "--role", "worker"]);
    eventually(PATIENCE, || relay.reached(At::Dot) == 6).await;
    permits.add_permits(6);
    wait_for(&service, "state = 'sent'", 3).await;
    let before = ledger(&service).await;
    sleeper.signal("CONT").await;
    eventually(PATIENCE, || {
        let log = sleeper.log();
        log.contains("declared dead") && log.matches("the lease was lost").count() == 3
    })
    .await;

    assert_eq!(ledger(&service).await, before, "the late outcomes changed nothing");
    assert!(copies(&relay).values().all(|copies| *copies == 2), "one extra copy at most");
    let doubts = service.db.rows("SELECT outcome FROM attempts WHERE outcome = 'ambiguous'").await;
    assert_eq!(doubts.len(), 3, "and each is explained");

    // The sleeper goes on under its new name.
    sleeper.signal("TERM").await;
    let log = sleeper.log();
    assert_eq!(sleeper.end().await, 0, "{log}");
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn a_process_killed_amid_a_bulk_operation_is_followed_by_another_and_nothing_is_done_twice(
    #[case] backend: Backend,
) {
    let relay = FakeSmtp::start(Script::new()).await;
    let service = mail_service(backend, &relay).await;
    all_sent_and_the_queue_paused(&service).await;
    have_all_sent_anew(&service).await;
    let first = service.spawn(&["serve", "--role", "worker"]);
    eventually_so(PATIENCE, async || standing(&service).await.1 > 0).await;
    first.kill().await;
    let (state, done) = standing(&service).await;
    assert!(state == "applying" && (1..MANY).contains(&done), "{state}, {done}");
    assert_eq!(count(&service, "state = 'scheduled'").await, done, "whole steps and no more");

    // Nobody says anything to the next one.
    let second = service.spawn(&["serve", "--role", "worker"]);
    each_is_sent_anew_once(&service, &relay, second).await;
}

#[tokio::test]
async fn a_process_killed_within_a_step_of_a_bulk_operation_is_followed_by_one_that_runs_all_along()
{
    let relay = FakeSmtp::start(Script::new()).await;
    let service = mail_service(Backend::Postgres, &relay).await;
    all_sent_and_the_queue_paused(&service).await;
    have_all_sent_anew(&service).await;
    // Somebody holds the sixtieth, so whoever carries it out stands still within its third step.
    let sixtieth = "SELECT id FROM notifications WHERE id = (SELECT notification_id FROM bulk_items WHERE number = 60) FOR UPDATE";
    let mut held = service.db.db.begin().await.expect("a transaction");
    on!(held, |c| sqlx::query(sixtieth).execute(c).await.map(drop).expect("a lock"));
    let first = service.spawn(&["serve", "--role", "worker"]);
    eventually_so(PATIENCE, async || standing(&service).await.1 == 50).await;
    let second = service.spawn(&["serve", "--role", "worker"]);
    let waits = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'
         AND query LIKE '%FROM bulk_operations%'";
    eventually_so(PATIENCE, async || service.db.rows(waits).await.len() == 1).await;
    first.kill().await;
    held.commit().await.expect("it is let go");
    each_is_sent_anew_once(&service, &relay, second).await;
}

/// So many digests are sent, and then once more by hand.
const MANY: i64 = 400;

/// That many digests were sent; what is sent anew waits, so that it can be counted before it goes out.
async fn all_sent_and_the_queue_paused(service: &Service) {
    due_now(service, usize::try_from(MANY).expect("small")).await;
    service.ok(&["scan"]).await;
    service.ok(&["work", "--drain"]).await;
    assert_eq!(count(service, "state = 'sent'").await, MANY);
    service.ok(&["queues", "pause", "email", "--reason", "they are counted"]).await;
}

/// A bulk operation is to send all of them anew.
async fn have_all_sent_anew(service: &Service) {
    let why = ["--reason", "the link in it was wrong"];
    let verb = async |args: &[&str]| {
        let at = ["--workspace", "tally", "--json"];
        service.ok(&[args, &at, &why].concat()).await.json()
    };
    let plan = verb(&["bulk", "plan", "resend", "--state", "sent"]).await;
    assert_eq!(plan["count"], MANY);
    let word = |key: &str| plan[key].as_str().expect("a word").to_owned();
    verb(&["bulk", "apply", &word("id"), "--hash", &word("hash"), "--no-wait"]).await;
}

/// Where the only bulk operation stands, and how far it is.
async fn standing(service: &Service) -> (String, i64) {
    let rows = service.db.rows("SELECT state, done FROM bulk_operations").await;
    let done = rows[0]["done"].as_i64().expect("a number");
    (rows[0]["state"].as_str().expect("a word").to_owned(), done)
}

/// The process that is left comes to the end of it, and nothing was done twice.
async fn each_is_sent_anew_once(service: &Service, relay: &FakeSmtp, left: Running) {
    eventually_so(PATIENCE, async || standing(service).await == ("applied".to_owned(), MANY)).await;
    assert_eq!(count(service, "state = 'scheduled'").await, MANY);
    let audited = "SELECT object_id FROM audit_log WHERE event = 'notification_resent'";
    let audited = service.db.rows(audited).await;
    let each: BTreeSet<String> = audited.iter().map(Value::to_string).collect();
    assert_eq!((audited.len(), each.len()), (400, 400), "each once");
    service.ok(&["queues", "resume", "email", "--reason", "they are counted"]).await;
    wait_for(service, "state = 'sent'", 2 * MANY).await;
    assert_eq!((copies(relay).len(), relay.accepted().len()), (800, 800), "each once");
    left.signal("TERM").await;
    let log = left.log();
    assert_eq!(left.end().await, 0, "{log}");
}

async fn ledger(service: &Service) -> Vec<Value> {
    service
        .db
        .rows("SELECT id, state, attempt_count, claim_count, lease_token, finished_at FROM notifications ORDER BY id")
        .await
}

#[rstest]
#[case::back_by_two_days(2)]
#[case::years_ahead(-5 * 365)]
#[tokio::test]
async fn a_clock_that_cannot_be_right_sends_nothing_while_the_api_stays_up(#[case] days: i64) {
    let relay = FakeSmtp::start(Script::new()).await;
    let service = mail_service(Backend::Sqlite, &relay).await;
    due_now(&service, 1).await;
    let noted = (now() + TimeDelta::days(days)).to_rfc3339_opts(SecondsFormat::Millis, true);
    service.db.execute("DELETE FROM settings WHERE name = 'clock_noted_at'").await;
    service
        .db
        .execute(&format!("INSERT INTO settings (name, value, updated_at) VALUES ('clock_noted_at', '{noted}', '{noted}')"))
        .await;
    let process = service.spawn(&["serve"]);
    let address = process.address().await;
    eventually(PATIENCE, || process.log().contains("nothing is sent until the clock is right"))
        .await;
    let (status, _) =
        Client::new(address, &service.key("live").await).send("GET", "/me", Value::Null).await;
    assert_eq!(status, 200, "the API is up");
    let doctor = service.run(&["doctor"]).await;
    assert!(doctor.code == 1 && doctor.stdout.contains("the clock says"), "{}", doctor.stdout);
    assert_eq!(count(&service, "1 = 1").await, 0, "no pass ran");
    assert_eq!(relay.accepted().len(), 0);
    service.ok(&["doctor", "--accept-clock"]).await;
    eventually(PATIENCE, || relay.accepted().len() == 1).await;
    assert_eq!(process.log().matches("nothing is sent until").count(), 1, "one alarm");
}
