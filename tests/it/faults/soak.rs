//! Much, for long, while everything breaks.

use std::time::Duration;

use super::checker::{check, is_well};
use super::database::terminate;
use crate::support::crowd::{count, due_now, mail_service};
use crate::support::db::Backend;
use crate::support::eventually_so;
use crate::support::fake_smtp::{At, Do, FakeSmtp, Script};

/// The longest that all of it may take.
const PATIENCE: Duration = Duration::from_mins(5);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_thousand_through_three_workers_that_are_killed_and_cut_off_arrive() {
    // A minute and more of two processors: `scripts/test --long`; a tenth of it always.
    let all: usize = if std::env::var_os("LONG_TESTS").is_some() { 20_000 } else { 2_000 };
    let slow = Do::Delay(Duration::from_millis(5), Box::new(Do::reply("250 2.0.0 ok")));
    let relay = FakeSmtp::start(Script::new().on(At::Dot, slow)).await;
    let mut service = mail_service(Backend::Postgres, &relay).await;
    service.set("PIVOTAL_WORKER__LEASE_SECONDS", "3");
    service.set("PIVOTAL_WORKER__RESEND_AFTER_SECONDS", "1");
    due_now(&service, all).await;
    let _scheduler = service.spawn(&["serve", "--role", "scheduler"]);
    let mut workers: Vec<_> =
        (0..3).map(|_| service.spawn(&["serve", "--role", "worker"])).collect();
    // Eight times on the way: one worker dies without a word and another begins, and in between every connection is cut.
    for turn in 1..=8 {
        let reached = all * turn / 10;
        eventually_so(PATIENCE, async || relay.accepted_count() >= reached).await;
        if turn % 2 == 0 {
            terminate(&service).await;
        } else {
            workers.remove(0).kill().await;
            workers.push(service.spawn(&["serve", "--role", "worker"]));
        }
    }
    let expected = i64::try_from(all).unwrap();
    eventually_so(PATIENCE, async || count(&service, "finished_at IS NOT NULL").await == expected)
        .await;
    workers.iter().for_each(is_well);
    // In doubt twice: a mail whose copy met a second death. Few, and said.
    let lost = count(&service, "state <> 'sent' AND reason <> 'outcome_unknown'").await;
    assert_eq!(lost, 0, "whatever is not sent is in doubt");
    let arrived = check(&service, Some(&relay), None).await;
    assert!(arrived >= all, "{arrived} of {all}");
    let copies = count(&service, "resent").await;
    assert!(usize::try_from(copies).unwrap() <= all / 10, "{copies} copies");
}
