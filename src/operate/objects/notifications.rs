//! Notifications.

use chrono::NaiveDate;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::Instant;
use crate::domain::message::Message;
use crate::domain::values::{Channel, Kind, Mode, NotificationState, Reason, RecipientType};
use crate::operate::gates::Gate;
use crate::operate::notifications::{self, Details};
use crate::store::notifications::{Attempt, Subject};

/// Somebody whom a notification is for.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline)]
struct Recipient<'a> {
    #[schemars(with = "RecipientType")]
    r#type: &'a str,
    id: &'a str,
    name: Option<&'a str>,
    address: Option<&'a str>,
}

/// A notification as lists show it.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Notification<'a> {
    #[schemars(extend("enum" = ["notification"]))]
    object: &'static str,
    id: &'a str,
    #[schemars(with = "Kind")]
    kind: &'a str,
    #[schemars(with = "Channel")]
    channel: &'a str,
    #[schemars(with = "Mode")]
    mode: &'a str,
    #[schemars(with = "NotificationState")]
    state: &'a str,
    #[schemars(with = "Option<Reason>")]
    reason: Option<&'a str>,
    recipient: Recipient<'a>,
    onboarding_ids: Vec<&'a str>,
    slot_date: NaiveDate,
    step: Option<i64>,
    subject: Option<&'a str>,
    not_before: Instant,
    deadline: Instant,
    attempt_count: i64,
    created_at: Instant,
    updated_at: Instant,
    sent_at: Option<Instant>,
}

impl<'a> From<&'a notifications::Notification> for Notification<'a> {
    fn from(n: &'a notifications::Notification) -> Self {
        Self {
            object: "notification",
            id: &n.id,
            kind: &n.kind,
            channel: &n.channel,
            mode: &n.mode,
            state: &n.state,
            reason: n.reason.as_deref(),
            recipient: Recipient {
                r#type: &n.recipient_type,
                id: &n.recipient_id,
                name: n.recipient_name.as_deref(),
                address: n.recipient_address.as_deref(),
            },
            onboarding_ids: n.onboarding_ids.iter().flat_map(|ids| ids.split(',')).collect(),
            slot_date: n.slot_date,
            step: n.step,
            subject: n.subject.as_deref(),
            not_before: Instant(n.not_before),
            deadline: Instant(n.deadline),
            attempt_count: n.attempt_count,
            created_at: Instant(n.created_at),
            updated_at: Instant(n.updated_at),
            sent_at: n.sent_at.map(Instant),
        }
    }
}

/// What a message looks like that is nobody's.
#[derive(Debug, Serialize, JsonSchema)]
pub struct MessagePreview<'a> {
    #[schemars(extend("enum" = ["message_preview"]))]
    object: &'static str,
    kind: Kind,
    channel: Channel,
    /// Display name of the sender; null on Slack.
    from_name: Option<&'a str>,
    #[serde(flatten)]
    words: Words<'a>,
}

impl<'a> MessagePreview<'a> {
    /// A message of this kind.
    #[must_use]
    pub fn new(kind: Kind, message: &'a Message) -> Self {
        let (channel, from_name) = match message {
            Message::Email(mail) => (Channel::Email, Some(mail.from_name.as_str())),
            Message::Slack(_) => (Channel::Slack, None),
        };
        Self {
            object: "message_preview",
            kind,
            channel,
            from_name,
            words: Words::of(message, None),
        }
    }
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline)]
struct Words<'a> {
    subject: &'a str,
    text: &'a str,
    html: Option<&'a str>,
    blocks: Option<&'a [Value]>,
}

impl<'a> Words<'a> {
    /// `headline`: the line by which people know it, where it is kept apart.
    fn of(message: &'a Message, headline: Option<&'a str>) -> Self {
        match message {
            Message::Email(mail) => Self {
                subject: &mail.subject,
                text: &mail.text,
                html: Some(&mail.html),
                blocks: None,
            },
            Message::Slack(post) => Self {
                subject: headline.unwrap_or(&post.text),
                text: &post.text,
                html: None,
                blocks: Some(&post.blocks),
            },
        }
    }
}

/// One notification with everything that is kept of it.
#[derive(Debug, Serialize, JsonSchema)]
pub struct NotificationDetails<'a> {
    #[serde(flatten)]
    row: Notification<'a>,
    message: Option<Words<'a>>,
    attempts: &'a [Attempt],
    gates: &'a [Gate],
    detail: Option<&'a str>,
    resend_of: Option<&'a str>,
    resends: &'a [String],
    onboardings: &'a [Subject],
}

impl<'a> NotificationDetails<'a> {
    /// What is kept of it, and why it stands as it does.
    #[must_use]
    pub fn new(found: &'a Details, gates: &'a [Gate]) -> Self {
        let n = &found.notification;
        Self {
            row: Notification::from(n),
            message: found.message.as_ref().map(|message| Words::of(message, n.subject.as_deref())),
            attempts: &found.attempts,
            gates,
            detail: n.detail.as_deref(),
            resend_of: n.resend_of.as_deref(),
            resends: &found.resends,
            onboardings: &found.onboardings,
        }
    }
}
