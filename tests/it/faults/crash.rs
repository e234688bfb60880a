//! Processes that die, sleep or are told to go at the worst moment.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rstest::rstest;
use tokio::sync::Semaphore;

use super::checker::{check, is_well};
use crate::support::crowd::{copies, count, due_now, mail_service, wait_for};
use crate::support::db::Backend;
use crate::support::eventually;
use crate::support::fake_smtp::{At, Do, FakeSmtp, Script};
use crate::support::service::PATIENCE;

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn fault_2_a_worker_killed_before_the_banner_has_touched_nothing(#[case] backend: Backend) {
    let relay = FakeSmtp::start(Script::new().on(At::Banner, Do::Silence)).await;
    let service = mail_service(backend, &relay).await;
    due_now(&service, 3).await;
    let first = service.spawn(&["serve", "--role", "scheduler,worker"]);
    eventually(PATIENCE, || relay.reached(At::Banner) > 0).await;
    first.kill().await;
    assert_eq!(count(&service, "state = 'scheduled' AND claim_count = 0").await, 3);
    relay.set_script(Script::new());
    service.ok(&["work", "--drain"]).await;
    assert_eq!(count(&service, "state = 'sent' AND attempt_count = 1").await, 3);
    assert_eq!(check(&service, Some(&relay), None).await, 3, "each once");
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn fault_3_a_worker_killed_between_the_final_dot_and_its_own_commit_leaves_a_doubt(
    #[case] backend: Backend,
) {
    let lost = Do::Take(Box::new(Do::Silence));
    let relay = FakeSmtp::start(Script::new().on(At::Dot, lost)).await;
    let mut service = mail_service(backend, &relay).await;
    service.set("PIVOTAL_WORKER__LEASE_SECONDS", "3");
    service.set("PIVOTAL_WORKER__RESEND_AFTER_SECONDS", "1");
    due_now(&service, 2).await;
    let first = service.spawn(&["serve", "--role", "scheduler,worker"]);
    eventually(PATIENCE, || relay.accepted().len() == 2).await;
    first.kill().await;
    relay.set_script(Script::new());
    let _second = service.spawn(&["serve", "--role", "worker"]);
    wait_for(&service, "state = 'sent' AND resent", 2).await;
    assert_eq!(check(&service, Some(&relay), None).await, 4, "one extra copy each, explained");
    for id in copies(&relay).keys() {
        let identities: Vec<_> = relay
            .accepted()
            .iter()
            .filter(|mail| mail.notification_id == *id)
            .map(|mail| {
                let mail = mail_parser::MessageParser::default().parse(&mail.raw).unwrap();
                mail.message_id().unwrap().to_owned()
            })
            .collect();
        assert_eq!(identities[0], identities[1], "the same Message-ID");
    }
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn fault_7_a_second_signal_ends_a_process_at_once_and_leaves_no_half_row(
    #[case] backend: Backend,
) {
    let permits = Arc::new(Semaphore::new(0));
    let relay = FakeSmtp::start(Script::new().on(At::Dot, Do::Hold(permits))).await;
    let mut service = mail_service(backend, &relay).await;
    service.set("PIVOTAL_WORKER__LEASE_SECONDS", "3");
    service.set("PIVOTAL_WORKER__RESEND_AFTER_SECONDS", "0");
    due_now(&service, 20).await;
    let process = service.spawn(&["serve"]);
    eventually(PATIENCE, || relay.reached(At::Dot) >= 5).await;
    process.signal("TERM").await;
    eventually(PATIENCE, || process.log().contains("a second signal ends it at once")).await;
    let told = Instant::now();
    process.signal("TERM").await;
    assert_eq!(process.end().await, 1);
    assert!(told.elapsed() < Duration::from_secs(3), "{:?}", told.elapsed());
    relay.set_script(Script::new());
    let _next = service.spawn(&["serve"]);
    wait_for(&service, "state = 'sent'", 20).await;
    check(&service, Some(&relay), None).await;
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn fault_8_a_process_started_right_after_a_kill_works_under_a_new_name(
    #[case] backend: Backend,
) {
    let relay = FakeSmtp::start(Script::new()).await;
    let service = mail_service(backend, &relay).await;
    let process = service.spawn(&["serve", "--role", "worker"]);
    eventually(PATIENCE, || process.log().contains("serving")).await;
    due_now(&service, 10).await;
    process.kill().await;
    let again = service.spawn(&["serve"]);
    wait_for(&service, "state = 'sent'", 10).await;
    is_well(&again);
    assert!(!again.log().contains("ALREADY_EXISTS"), "{}", again.log());
    assert!(!again.log().contains("starting it again"), "{}", again.log());
    assert_eq!(check(&service, Some(&relay), None).await, 10);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn fault_9_one_delivery_that_panics_is_one_attempt_and_delays_nobody(
    #[case] backend: Backend,
) {
    let relay = FakeSmtp::start(Script::new()).await;
    let service = mail_service(backend, &relay).await;
    due_now(&service, 50).await;
    service.ok(&["scan"]).await;
    // No surface lets such a target in: three times it is more than a number can hold.
    service
        .db
        .execute("UPDATE phases SET target_days = 9223372036854775807 WHERE key = 'launch'")
        .await;
    service.db.execute("UPDATE onboardings SET phase = 'launch' WHERE id = 'onb_copy7'").await;
    let process = service.spawn(&["serve", "--role", "worker"]);
    wait_for(&service, "state = 'sent'", 49).await;
    wait_for(&service, "state = 'scheduled' AND attempt_count = 1", 1).await;
    let attempts =
        service.db.rows("SELECT outcome, reply FROM attempts WHERE outcome <> 'accepted'").await;
    assert_eq!(attempts.len(), 1, "{attempts:?}");
    assert_eq!(attempts[0]["reply"], "the delivery panicked");
    is_well(&process);
    assert!(!process.log().contains("starting it again"), "the worker went on");
    assert_eq!(check(&service, Some(&relay), None).await, 49);
}
