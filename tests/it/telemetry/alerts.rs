//! What operators are told, when, and by which way.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use chrono::{DateTime, TimeDelta, Utc};
use mail_parser::MessageParser;
use pivotal_reminders::alerts::{Alerts, Ping};
use pivotal_reminders::deliver::{
    Deliverers, EmailProvider, Outside, SlackConfig, SlackProvider, SmtpConfig,
};
use pivotal_reminders::store::presence::Identity;
use rstest::rstest;
use serde_json::json;

use crate::support::db::Backend;
use crate::support::fake_slack::Post;
use crate::support::fake_smtp::AcceptedMail;
use crate::support::stage::Stage;

/// A mail as it was sent: to whom, its subject, what is read with and without HTML.
fn mail(mail: &AcceptedMail) -> String {
    let read = MessageParser::default().parse(&mail.raw).unwrap();
    let (text, html) = (read.body_text(0).unwrap(), read.body_html(0).unwrap());
    let subject = read.subject().unwrap();
    format!("To: {}\nSubject: {subject}\n\n{text}\n--- as HTML ---\n{html}", mail.to)
}

/// A post as it was sent: to whom, what a phone shows, the text of every block.
fn post(post: &Post) -> String {
    let blocks = post.blocks.as_array().unwrap().iter();
    let blocks: Vec<&str> = blocks.map(|block| block["text"]["text"].as_str().unwrap()).collect();
    format!("To: {}\n{}\n\n{}", post.channel, post.text, blocks.join("\n---\n"))
}

/// A process that looks.
struct Lookout {
    alerts: Alerts,
    pinged: Option<DateTime<Utc>>,
}

impl Lookout {
    fn new(stage: &Stage) -> Self {
        let smtp = SmtpConfig::parse(&stage.relay.url(), "ops@acme.example", None).unwrap();
        let slack = SlackConfig::parse("xoxb-canary", Some(&stage.slack.url())).unwrap();
        let ways = Deliverers::new(EmailProvider::Smtp(smtp), SlackProvider::Slack(slack)).unwrap();
        let alerts = Alerts {
            identity: Arc::new(Identity::new(stage.app.now())),
            db: stage.app.db().clone(),
            clock: stage.app.api.clock.clone(),
            deliverers: ways,
            email: Some("oncall@acme.example".to_owned()),
            slack: Some("U0ONCALL".to_owned()),
            ping: None,
            page: "https://reminders.acme.example/admin".to_owned(),
        };
        Self { alerts, pinged: None }
    }

    async fn look(&mut self) {
        self.alerts.turn(&mut self.pinged).await.unwrap();
    }
}

/// A process that plays every role is heard of now, and has just passed.
async fn beat(stage: &Stage) {
    let now = stage.app.now().to_rfc3339();
    stage.sql("DELETE FROM processes").await;
    stage
        .sql(&format!(
            "INSERT INTO processes (id, roles, version, host, beat, started_at, seen_at, passed_at, pass_ms)
             VALUES ('proc_1', 'api,scheduler,worker', '0', 'web-1:4711', 1, '2026-06-01T00:00:00+00:00', '{now}', '{now}', 4)"
        ))
        .await;
}

/// Lets time pass, minute by minute, in which the service lives on and everybody looks.
async fn minutes(stage: &Stage, lookouts: &mut [Lookout], minutes: i64) {
    for _ in 0..minutes {
        stage.app.advance(TimeDelta::minutes(1));
        beat(stage).await;
        for lookout in &mut *lookouts {
            lookout.look().await;
        }
    }
}

async fn channel_down(stage: &Stage, channel: &str) {
    let (now, later) = (stage.app.now(), stage.app.now() + TimeDelta::hours(9));
    stage
        .sql(&format!(
            "INSERT INTO channel_pauses (channel, until, failures, reason, since) VALUES ('{channel}', '{}', 5, '421 <canary> try later', '{}')",
            later.to_rfc3339(),
            now.to_rfc3339()
        ))
        .await;
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn one_message_when_it_begins_one_when_it_ends_whoever_looks(#[case] backend: Backend) {
    let stage = Stage::new(backend).await;
    let mut lookouts = [Lookout::new(&stage), Lookout::new(&stage)];
    minutes(&stage, &mut lookouts, 2).await;
    assert_eq!(stage.relay.accepted_count(), 0, "all is well");

    stage.sql("INSERT INTO queue_pauses (queue, workspace_id, paused_by, reason, since) VALUES ('email', '', 'Ada', 'wrong <texts>', '2026-06-01T08:02:00+00:00')").await;
    minutes(&stage, &mut lookouts, 1).await;
    assert_eq!(stage.relay.accepted_count(), 0, "it may be a hiccup");
    minutes(&stage, &mut lookouts, 10).await;
    let mails = stage.relay.accepted();
    assert_eq!((mails.len(), stage.slack.posted().len()), (1, 1), "one by each way");
    // What people type is text, wherever it is shown.
    insta::assert_snapshot!("begun_mail", mail(&mails[0]));
    insta::assert_snapshot!("begun_slack", post(&stage.slack.posted()[0]));

    // Over, but the last message is not a quarter of an hour old.
    stage.sql("DELETE FROM queue_pauses").await;
    minutes(&stage, &mut lookouts, 3).await;
    assert_eq!(stage.relay.accepted_count(), 1);
    minutes(&stage, &mut lookouts, 15).await;
    let mails = stage.relay.accepted();
    assert_eq!(mails.len(), 2);
    insta::assert_snapshot!("over_mail", mail(&mails[1]));
    insta::assert_snapshot!("over_slack", post(&stage.slack.posted()[1]));
    minutes(&stage, &mut lookouts, 40).await;
    assert_eq!(stage.relay.accepted_count(), 2, "said once");
}

#[tokio::test]
async fn what_comes_and_goes_is_no_flood() {
    let stage = Stage::new(Backend::Sqlite).await;
    let mut lookouts = [Lookout::new(&stage)];
    for _ in 0..30 {
        stage.sql("INSERT INTO queue_pauses (queue, workspace_id, paused_by, reason, since) VALUES ('email', '', 'Ada', 'x', '2026-06-01T08:02:00+00:00')").await;
        minutes(&stage, &mut lookouts, 2).await;
        stage.sql("DELETE FROM queue_pauses").await;
        minutes(&stage, &mut lookouts, 2).await;
    }
    // Two hours.
    let count = stage.relay.accepted_count();
    assert!((1..=8).contains(&count), "{count} messages in two hours");
}

#[tokio::test]
async fn a_channel_that_is_down_is_told_by_the_other_and_one_that_refuses_is_tried_again() {
    let stage = Stage::new(Backend::Sqlite).await;
    let mut lookouts = [Lookout::new(&stage)];
    channel_down(&stage, "email").await;
    minutes(&stage, &mut lookouts, 3).await;
    assert_eq!((stage.relay.connections(), stage.slack.posted().len()), (0, 1));
    insta::assert_snapshot!("mail_is_down_slack", post(&stage.slack.posted()[0]));
    // Both are down: nobody can be told, until one is up.
    channel_down(&stage, "slack").await;
    minutes(&stage, &mut lookouts, 30).await;
    assert_eq!((stage.relay.connections(), stage.slack.posted().len()), (0, 1));
    stage.sql("DELETE FROM channel_pauses WHERE channel = 'email'").await;
    minutes(&stage, &mut lookouts, 4).await;
    let mails = stage.relay.accepted();
    assert_eq!(mails.len(), 1);
    insta::assert_snapshot!("slack_is_down_mail", mail(&mails[0]));
}

#[tokio::test]
async fn nothing_that_a_test_key_does_reaches_an_operator() {
    let stage = Stage::new(Backend::Sqlite).await;
    let key = stage.app.test.clone();
    stage.onboard_with(&key, "Halden Freight", json!({})).await;
    stage.scan("2026-06-02T07:00:00Z").await;
    stage.at("2026-06-02T07:00:00Z");
    let mut lookouts = [Lookout::new(&stage)];
    minutes(&stage, &mut lookouts, 60).await;
    assert_eq!((stage.relay.connections(), stage.slack.posts().len()), (0, 0));
}

#[tokio::test]
async fn a_healthy_minute_is_told_to_whoever_watches_and_others_are_not() {
    let heard = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&heard);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/ping/canary", listener.local_addr().unwrap());
    let ping = axum::Router::new().route(
        "/ping/canary",
        axum::routing::get(move || {
            counter.fetch_add(1, Ordering::SeqCst);
            std::future::ready(())
        }),
    );
    tokio::spawn(async { axum::serve(listener, ping).await.unwrap() });
    let stage = Stage::new(Backend::Sqlite).await;
    let mut lookout = Lookout::new(&stage);
    let way = Outside::new(&url, &[]).unwrap();
    lookout.alerts.ping = Some(Ping { url, way });
    beat(&stage).await;
    lookout.look().await;
    lookout.look().await;
    assert_eq!(heard.load(Ordering::SeqCst), 1, "once a minute");
    minutes(&stage, std::slice::from_mut(&mut lookout), 3).await;
    assert_eq!(heard.load(Ordering::SeqCst), 4);
    // No worker answers any more, nor does a scheduler.
    stage.sql("DELETE FROM processes").await;
    stage.app.advance(TimeDelta::minutes(1));
    lookout.look().await;
    assert_eq!(heard.load(Ordering::SeqCst), 4);
}
