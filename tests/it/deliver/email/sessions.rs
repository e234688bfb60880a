//! When sessions are used again, and how many there are.

use std::sync::Arc;
use std::time::Duration;

use pivotal_reminders::deliver::SmtpConfig;
use pivotal_reminders::domain::message::Verdict;
use pivotal_reminders::domain::values::{Channel, Mode};
use tokio::sync::Semaphore;

use super::{PIPELINING, PLAIN, SOON, config, deliverers, mail, mail_to};
use crate::support::eventually;
use crate::support::fake_smtp::{At, Do, FakeSmtp, Script};

#[tokio::test]
async fn a_session_is_used_again_only_after_a_clean_success() {
    let script =
        Script::new().on_recipient("nobody", At::Rcpt, Do::reply("550 5.1.1 no such user"));
    let smtp = FakeSmtp::start(script).await;
    let deliverers = deliverers(config(&smtp));
    for address in
        ["a@example.org", "b@example.org", "nobody@example.org", "c@example.org", "d@example.org"]
    {
        mail_to(&deliverers, "n1", address).await;
    }
    let connections: Vec<usize> = smtp.accepted().iter().map(|taken| taken.connection).collect();
    assert_eq!(connections, [1, 1, 2, 2]);
}

#[tokio::test]
async fn a_session_that_was_not_needed_goes_back_unused() {
    let smtp = FakeSmtp::start(Script::new()).await;
    let deliverers = deliverers(config(&smtp));
    for _ in 0..3 {
        drop(deliverers.session(Mode::Live, Channel::Email).await.ok());
    }
    mail(&deliverers, "n1").await;
    assert_eq!(smtp.connections(), 1);
}

#[tokio::test]
async fn a_cancelled_send_closes_its_session() {
    let permits = Arc::new(Semaphore::new(0));
    let smtp =
        FakeSmtp::start(Script::new().on_nth(At::Dot, 1, Do::Hold(Arc::clone(&permits)))).await;
    let deliverers = deliverers(config(&smtp));
    let first = tokio::spawn({
        let deliverers = deliverers.clone();
        async move { mail(&deliverers, "n1").await }
    });
    eventually(SOON, || smtp.reached(At::Dot) == 1).await;
    first.abort();
    assert!(first.await.unwrap_err().is_cancelled());
    permits.add_permits(1);
    assert!(matches!(mail(&deliverers, "n2").await.verdict, Verdict::Accepted { .. }));
    let second = smtp.accepted().into_iter().find(|taken| taken.notification_id == "n2").unwrap();
    assert_eq!(second.connection, 2);
}

#[tokio::test]
async fn an_unused_session_is_closed_after_a_while() {
    let smtp = FakeSmtp::start(Script::new()).await;
    let deliverers = deliverers(SmtpConfig { idle: Duration::from_millis(50), ..config(&smtp) });
    for count in 1..=2 {
        mail(&deliverers, "n1").await;
        eventually(SOON, || smtp.open_connections() == 0).await;
        assert_eq!(smtp.connections(), count);
    }
    assert!(smtp.commands().contains(&"QUIT".to_owned()));
}

#[tokio::test]
async fn a_relay_that_drops_after_some_messages_loses_none() {
    for extensions in [PLAIN, PIPELINING] {
        let smtp = FakeSmtp::start(Script::new().extensions(extensions).drop_after(3)).await;
        let deliverers = deliverers(SmtpConfig { max_sessions: 2, ..config(&smtp) });
        let reports = futures_util::future::join_all((0..20).map(|n| {
            let deliverers = deliverers.clone();
            async move { mail(&deliverers, &format!("n{n}")).await }
        }))
        .await;
        assert!(
            reports.iter().all(|report| matches!(report.verdict, Verdict::Accepted { .. })),
            "{reports:?}"
        );
        assert_eq!(smtp.accepted().len(), 20);
    }
}

#[tokio::test]
async fn a_relay_that_closes_between_mails_is_asked_again_at_once() {
    let smtp = FakeSmtp::start(Script::new().on_nth(At::Mail, 2, Do::Close)).await;
    let deliverers = deliverers(config(&smtp));
    for id in ["n1", "n2"] {
        assert!(matches!(mail(&deliverers, id).await.verdict, Verdict::Accepted { .. }));
    }
    assert_eq!((smtp.accepted().len(), smtp.connections()), (2, 2));
}

#[tokio::test]
async fn a_relay_with_one_place_makes_the_others_wait() {
    let smtp = FakeSmtp::start(Script::new().max_connections(1).drop_after(5)).await;
    let deliverers = deliverers(config(&smtp));
    let reports = futures_util::future::join_all((0..20).map(|n| {
        let deliverers = deliverers.clone();
        async move { mail(&deliverers, &format!("n{n}")).await }
    }))
    .await;
    assert!(
        reports.iter().all(|report| matches!(report.verdict, Verdict::Accepted { .. })),
        "{reports:?}"
    );
    assert_eq!(smtp.accepted().len(), 20);
}

#[tokio::test]
async fn a_wait_for_a_session_that_is_given_up_takes_nobodys_place() {
    let permits = Arc::new(Semaphore::new(0));
    let smtp =
        FakeSmtp::start(Script::new().on_nth(At::Banner, 1, Do::Hold(Arc::clone(&permits)))).await;
    let deliverers = deliverers(SmtpConfig { max_sessions: 1, ..config(&smtp) });
    let given_up = tokio::spawn({
        let deliverers = deliverers.clone();
        async move { mail(&deliverers, "n1").await }
    });
    eventually(SOON, || smtp.reached(At::Banner) == 1).await;
    given_up.abort();
    assert!(given_up.await.unwrap_err().is_cancelled());
    assert!(matches!(mail(&deliverers, "n2").await.verdict, Verdict::Accepted { .. }));
    drop(permits);
}
