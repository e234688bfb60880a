//! What people read: snapshots of every message, and the rules of the design kit that a snapshot cannot prove.

use chrono::NaiveDate;
use pivotal_reminders::domain::calendar::{add_days, hm};
use pivotal_reminders::domain::digest::{Change, Digest, Group, Line, Nudge};
use pivotal_reminders::domain::message::{Email, Message, SlackPost};
use pivotal_reminders::domain::values::{Channel, Kind};
use pivotal_reminders::render::samples::{self, digest_of, launching, line};
use pivotal_reminders::render::{Brand, Links, RenderError, Renderer};
use rstest::rstest;

fn renderer() -> Renderer {
    Renderer::new().expect("every sample renders")
}

fn mail(message: Result<Message, RenderError>) -> Email {
    match message.expect("it renders") {
        Message::Email(email) => email,
        Message::Slack(post) => panic!("a mail was expected: {post:?}"),
    }
}

fn post(message: Result<Message, RenderError>) -> SlackPost {
    match message.expect("it renders") {
        Message::Slack(post) => post,
        Message::Email(email) => panic!("a Slack message was expected: {email:?}"),
    }
}

fn digest_mail(digest: &Digest, links: &Links) -> Email {
    mail(renderer().digest(digest, Channel::Email, links, &samples::brand()))
}

fn digest_post(digest: &Digest, links: &Links) -> SlackPost {
    post(renderer().digest(digest, Channel::Slack, links, &samples::brand()))
}

/// A mail as one reads it: its headers, then the text part.
fn as_text(email: &Email) -> String {
    format!(
        "From: {}\nReply-To: {}\nList-Unsubscribe: {}\nSubject: {}\n\n{}",
        email.from_name,
        email.reply_to.as_deref().unwrap_or("-"),
        email.list_unsubscribe.as_deref().unwrap_or("-"),
        email.subject,
        email.text
    )
}

#[test]
fn the_digest_as_text_is_the_kits() {
    insta::assert_snapshot!(as_text(&digest_mail(&samples::digest(), &samples::links())));
}

#[test]
fn the_digest_as_html_is_the_kits() {
    insta::assert_snapshot!(digest_mail(&samples::digest(), &samples::links()).html);
}

#[test]
fn the_digest_on_slack_is_the_kits() {
    insta::assert_json_snapshot!(digest_post(&samples::digest(), &samples::links()));
}
