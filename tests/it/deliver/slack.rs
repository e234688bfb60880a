//! Slack.

use std::time::Duration;

use pivotal_reminders::deliver::{Deliverers, EmailProvider, SlackConfig, SlackProvider};
use pivotal_reminders::domain::message::{Message, Report, Stage, Verdict};
use pivotal_reminders::domain::values::{Channel, Mode, Reason};
use rstest::rstest;

use super::{envelope, send, slack_post};
use crate::support::fake_slack::{Answer, FakeSlack};

const TOKEN: &str = "xoxb-canary-token";
const CHANNEL: Verdict = Verdict::Channel { after: None };
const ADDRESS: Verdict = Verdict::Permanent { reason: Reason::AddressRefused };
const MESSAGE: Verdict = Verdict::Permanent { reason: Reason::MessageRefused };

fn config(slack: &FakeSlack) -> SlackConfig {
    let mut config = SlackConfig::parse(TOKEN, Some(&slack.url())).unwrap();
    config.per_conversation = Duration::ZERO;
    config.per_team = Duration::ZERO;
    config
}

pub(super) fn provider(slack: &FakeSlack) -> SlackProvider {
    SlackProvider::Slack(config(slack))
}

fn deliverers(config: SlackConfig) -> Deliverers {
    Deliverers::new(EmailProvider::Captured, SlackProvider::Slack(config)).unwrap()
}

async fn post(deliverers: &Deliverers, user: &str) -> Report {
    send(
        deliverers,
        Mode::Live,
        Channel::Slack,
        &envelope("n1", user),
        &Message::Slack(slack_post()),
    )
    .await
}

#[tokio::test]
async fn a_post_carries_its_identity_and_unfurls_nothing() {
    let slack = FakeSlack::start(Vec::new()).await;
    let report = post(&deliverers(config(&slack)), "U1").await;
    assert_eq!(
        report.verdict,
        Verdict::Accepted { provider_ref: Some("DU1:1700000000.000001".to_owned()) }
    );
    assert_eq!(report.stage, Stage::Accepted);
    let posted = slack.posted().remove(0);
    assert_eq!(
        (posted.channel.as_str(), posted.text.as_str(), posted.notification_id().as_str()),
        ("U1", "Acme waits", "n1")
    );
    assert_eq!(posted.authorization, format!("Bearer {TOKEN}"));
    assert_eq!(posted.blocks, serde_json::Value::from(slack_post().blocks));
    assert_eq!(posted.metadata["event_type"], "stalled_phase");
    assert_eq!(
        (posted.body["unfurl_links"].clone(), posted.body["unfurl_media"].clone()),
        (false.into(), false.into())
    );
}

#[rstest]
#[case(Some("30"), 30)]
#[case(Some("0"), 1)]
#[case(Some("1000000000"), 900)]
#[case(None, 30)]
#[case(Some("Fri, 31 Dec 2100 23:59:59 GMT"), 900)]
#[tokio::test]
async fn too_many_requests_pause_every_conversation(
    #[case] retry_after: Option<&str>,
    #[case] seconds: u64,
) {
    let slack = FakeSlack::start(vec![Answer::status(429, retry_after)]).await;
    let deliverers = deliverers(config(&slack));
    let report = post(&deliverers, "U1").await;
    assert_eq!(report.verdict, Verdict::Channel { after: Some(Duration::from_secs(seconds)) });
    let other = post(&deliverers, "U2").await;
    assert!(
        matches!(other.verdict, Verdict::Channel { after: Some(left) } if left <= Duration::from_secs(seconds)),
        "{other:?}"
    );
    assert_eq!(slack.posts().len(), 1);
    // Mail is not concerned.
    assert!(deliverers.session(Mode::Live, Channel::Email).await.is_ok());
}

#[tokio::test]
async fn a_rate_limit_inside_an_ok_answer_is_one_too() {
    let slack = FakeSlack::start(vec![Answer::error("ratelimited")]).await;
    let deliverers = deliverers(config(&slack));
    assert_eq!(
        post(&deliverers, "U1").await.verdict,
        Verdict::Channel { after: Some(Duration::from_secs(30)) }
    );
    assert!(matches!(post(&deliverers, "U2").await.verdict, Verdict::Channel { after: Some(_) }));
    assert_eq!(slack.posts().len(), 1);
}

#[rstest]
#[case("channel_not_found", ADDRESS)]
#[case("not_in_channel", ADDRESS)]
#[case("is_archived", ADDRESS)]
#[case("user_not_found", ADDRESS)]
#[case("cannot_dm_bot", ADDRESS)]
#[case("messages_tab_disabled", ADDRESS)]
#[case("account_inactive", CHANNEL)]
#[case("token_revoked", CHANNEL)]
#[case("token_expired", CHANNEL)]
#[case("invalid_auth", CHANNEL)]
#[case("not_authed", CHANNEL)]
#[case("missing_scope", CHANNEL)]
#[case("org_login_required", CHANNEL)]
#[case("ekm_access_denied", CHANNEL)]
#[case("access_denied", CHANNEL)]
#[case("internal_error", Verdict::Ambiguous)]
#[case("fatal_error", Verdict::Ambiguous)]
#[case("service_unavailable", Verdict::Ambiguous)]
#[case("a_code_of_tomorrow", Verdict::Transient { after: None })]
#[tokio::test]
async fn every_error_code_has_its_meaning(#[case] code: &str, #[case] verdict: Verdict) {
    let slack = FakeSlack::start(vec![Answer::error(code)]).await;
    let deliverers = deliverers(config(&slack));
    let report = post(&deliverers, "U1").await;
    assert_eq!((report.verdict, report.reply.as_str()), (verdict, code));
    assert_eq!((slack.posts().len(), slack.posted().len()), (1, 0));
    // A repaired token or another person: nothing is remembered.
    assert!(matches!(post(&deliverers, "U2").await.verdict, Verdict::Accepted { .. }));
}

#[rstest]
#[case("invalid_blocks")]
#[case("invalid_blocks_format")]
#[case("msg_blocks_too_long")]
#[case("msg_too_long")]
#[case("no_text")]
#[case("invalid_arguments")]
#[tokio::test]
async fn refused_blocks_are_repeated_once_as_plain_text(#[case] code: &str) {
    let slack = FakeSlack::start(vec![Answer::error(code)]).await;
    let deliverers = deliverers(config(&slack));
    let report = post(&deliverers, "U1").await;
    assert!(
        matches!(report.verdict, Verdict::Accepted { .. }) && report.reply.contains(code),
        "{report:?}"
    );
    assert!(slack.posted()[0].blocks.is_null());

    slack.then(vec![Answer::error(code), Answer::error(code)]);
    let report = post(&deliverers, "U1").await;
    assert_eq!((report.verdict, report.reply.as_str()), (MESSAGE, code));
    assert_eq!((slack.posts().len(), slack.posted().len()), (4, 1));
}

#[rstest]
#[case::server_error(Answer::status(500, None))]
#[case::unavailable(Answer::status(503, Some("5")))]
#[case::captive_portal(Answer::Http { status: 200, headers: vec![("content-type".to_owned(), "text/html".to_owned())], body: "<html>".to_owned() })]
#[case::ok_without_a_timestamp(Answer::json(r#"{"ok":true}"#))]
#[case::closed(Answer::Close)]
#[case::closed_after_posting(Answer::Posted(Box::new(Answer::Close)))]
#[case::endless(Answer::Endless)]
#[tokio::test]
async fn a_lost_answer_is_ambiguous(#[case] answer: Answer) {
    let slack = FakeSlack::start(vec![answer]).await;
    let report = post(&deliverers(config(&slack)), "U1").await;
    assert_eq!(
        (report.verdict, report.stage),
        (Verdict::Ambiguous, Stage::Body),
        "{}",
        report.reply
    );
    assert_eq!(slack.posts().len(), 1);
}

#[rstest]
#[case::silence(Answer::Silence)]
#[case::too_late(Answer::Delay(
    Duration::from_mins(1),
    Box::new(Answer::json(r#"{"ok":true,"channel":"D1","ts":"1.1"}"#))
))]
#[tokio::test]
async fn an_answer_that_does_not_come_in_time_is_ambiguous(#[case] answer: Answer) {
    let slack = FakeSlack::start(vec![answer]).await;
    let report = post(
        &deliverers(SlackConfig { timeout: Duration::from_millis(200), ..config(&slack) }),
        "U1",
    )
    .await;
    assert_eq!((report.verdict, report.stage), (Verdict::Ambiguous, Stage::Body));
}

#[rstest]
#[case::redirect(302)]
#[case::proxy(403)]
#[case::wrong_address(404)]
#[tokio::test]
async fn an_answer_that_is_not_slacks_is_the_channels_fault(#[case] status: u16) {
    let slack = FakeSlack::start(vec![Answer::status(status, None)]).await;
    assert_eq!(post(&deliverers(config(&slack)), "U1").await.verdict, CHANNEL);
}

#[tokio::test]
async fn nobody_listening_is_the_channels_fault() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let closed = format!("http://{}/api", listener.local_addr().unwrap());
    drop(listener);
    let deliverers = deliverers(SlackConfig::parse(TOKEN, Some(&closed)).unwrap());
    let report = post(&deliverers, "U1").await;
    assert_eq!((report.verdict, report.stage), (CHANNEL, Stage::Connect), "{}", report.reply);
    assert!(deliverers.check_slack().await.unwrap_err().contains("SLACK_API_URL"));
}

#[rstest]
#[case("C0GENERAL")]
#[case("#general")]
#[case("anna@example.org")]
#[case("")]
#[tokio::test]
async fn only_people_are_written_to(#[case] address: &str) {
    let slack = FakeSlack::start(Vec::new()).await;
    assert_eq!(post(&deliverers(config(&slack)), address).await.verdict, ADDRESS);
    assert_eq!(slack.posts().len(), 0);
}

#[tokio::test]
async fn one_person_is_not_flooded() {
    let slack = FakeSlack::start(Vec::new()).await;
    let config = SlackConfig { per_conversation: Duration::from_hours(1), ..config(&slack) };
    let deliverers = deliverers(config);
    assert!(matches!(post(&deliverers, "U1").await.verdict, Verdict::Accepted { .. }));
    assert!(matches!(post(&deliverers, "U1").await.verdict, Verdict::Transient { after: Some(_) }));
    assert!(matches!(post(&deliverers, "U2").await.verdict, Verdict::Accepted { .. }));
    assert_eq!(slack.posts().len(), 2);
}

#[tokio::test]
async fn doctor_learns_whose_token_it_is_or_what_to_do() {
    let slack = FakeSlack::start(vec![Answer::json(r#"{"ok":true,"url":"https://x.slack.com/","team":"Tallybrook","user":"bot","team_id":"T1","user_id":"U1"}"#), Answer::error("invalid_auth")]).await;
    let deliverers = deliverers(config(&slack));
    assert!(deliverers.check_slack().await.unwrap().contains("Tallybrook"));
    let line = deliverers.check_slack().await.unwrap_err();
    assert!(
        line.contains("invalid_auth") && line.contains("SLACK_BOT_TOKEN") && !line.contains(TOKEN),
        "{line}"
    );
}
