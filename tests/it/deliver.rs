//! Messages to providers: every fault of mail and Slack, and what is made of it.

mod email;
mod slack;

use chrono::{TimeZone, Utc};
use pivotal_reminders::deliver::{Deliverers, EmailProvider, SlackProvider};
use pivotal_reminders::domain::message::{
    Email, Envelope, Message, Report, SlackPost, Stage, Verdict,
};
use pivotal_reminders::domain::values::{Channel, Mode};

use crate::support::fake_slack::FakeSlack;
use crate::support::fake_smtp::{FakeSmtp, Script};

fn envelope(id: &str, address: &str) -> Envelope {
    Envelope {
        notification_id: id.to_owned(),
        address: address.to_owned(),
        name: "Anna Müller".to_owned(),
        from_address: None,
        date: Utc.with_ymd_and_hms(2027, 3, 1, 8, 0, 0).unwrap(),
        thread: None,
    }
}

fn email() -> Email {
    Email {
        from_name: "Tallybrook onboardings".to_owned(),
        subject: "3 onboardings wait for you".to_owned(),
        text: "Grüße\n.a line with a dot\n".to_owned(),
        html: "<p>Grüße</p>\n".to_owned(),
        reply_to: None,
        list_unsubscribe: None,
    }
}

fn slack_post() -> SlackPost {
    SlackPost {
        text: "Acme waits".to_owned(),
        blocks: vec![
            serde_json::json!({ "type": "section", "text": { "type": "mrkdwn", "text": "Acme &lt;waits&gt;", "verbatim": true } }),
        ],
        event_type: "stalled_phase".to_owned(),
    }
}

/// One message, as the worker would send it: session first.
async fn send(
    deliverers: &Deliverers,
    mode: Mode,
    channel: Channel,
    envelope: &Envelope,
    message: &Message,
) -> Report {
    match deliverers.session(mode, channel).await {
        Ok(session) => session.send(envelope, message).await,
        Err(report) => report,
    }
}

#[tokio::test]
async fn test_mode_never_connects_whatever_is_configured() {
    let (smtp, slack) = (FakeSmtp::start(Script::new()).await, FakeSlack::start(Vec::new()).await);
    let configured = Deliverers::new(email::provider(&smtp), slack::provider(&slack)).unwrap();
    let unreachable =
        Deliverers::new(EmailProvider::Unreachable, SlackProvider::Unreachable).unwrap();
    for deliverers in [configured, unreachable] {
        let to = envelope("n1", "anna@example.org");
        let mail =
            send(&deliverers, Mode::Test, Channel::Email, &to, &Message::Email(email())).await;
        let post =
            send(&deliverers, Mode::Test, Channel::Slack, &to, &Message::Slack(slack_post())).await;
        for report in [mail, post] {
            assert_eq!((report.verdict, report.stage), (Verdict::Suppressed, Stage::Claimed));
        }
    }
    assert_eq!((smtp.connections(), slack.posts().len()), (0, 0));
}

#[tokio::test]
async fn captured_messages_are_kept_and_an_unconfigured_channel_is_down() {
    let deliverers = Deliverers::new(EmailProvider::Captured, SlackProvider::Unreachable).unwrap();
    let to = envelope("n1", "anna@example.org");
    let mail = send(&deliverers, Mode::Live, Channel::Email, &to, &Message::Email(email())).await;
    assert_eq!(mail.verdict, Verdict::Captured);
    let post =
        send(&deliverers, Mode::Live, Channel::Slack, &to, &Message::Slack(slack_post())).await;
    assert_eq!(post.verdict, Verdict::Channel { after: None });
    assert!(deliverers.check_email().await.unwrap().contains("kept in the ledger"));
    assert!(deliverers.check_slack().await.unwrap_err().contains("SLACK_BOT_TOKEN"));
}
