//! What is handed to a provider, and what the provider made of it.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::link::blind;
use super::values::{AttemptOutcome, Reason};

/// Attempts that count before a row is given up (`product.md` §4).
pub const MAX_ATTEMPTS: i64 = 8;

/// A message as rendered: exactly what is stored in the ledger, shown at `/outbox` and given to the provider.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "channel", rename_all = "lowercase")]
pub enum Message {
    /// A mail with a text and an HTML part.
    Email(Email),
    /// A Slack direct message.
    Slack(SlackPost),
}

/// The words of one mail.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Email {
    /// Display name of the sender ("Tallybrook onboardings"); the address is the installation's or the workspace's.
    pub from_name: String,
    /// Subject line, without line breaks.
    pub subject: String,
    /// Plain-text part.
    pub text: String,
    /// HTML part.
    pub html: String,
    /// Where an answer goes, if not to the sender.
    pub reply_to: Option<String>,
    /// The one-click unsubscribe address of RFC 8058, if there is one.
    pub list_unsubscribe: Option<String>,
}

/// The words of one Slack message.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SlackPost {
    /// Plain text for notifications and screen readers, already escaped.
    pub text: String,
    /// Block Kit blocks.
    pub blocks: Vec<serde_json::Value>,
    /// `metadata.event_type`: the notification's kind.
    pub event_type: String,
}

/// What a button of a Slack message asks for, as its `action_id`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Click {
    /// The customer replied: end the wait.
    Replied,
    /// Let its reminders rest for three days.
    Snooze,
    /// Say why the message came.
    Why,
    /// Take the wait's end back.
    UndoReplied,
    /// Take the snooze back.
    UndoSnooze,
}

impl Click {
    const ALL: [Self; 5] =
        [Self::Replied, Self::Snooze, Self::Why, Self::UndoReplied, Self::UndoSnooze];

    /// Its `action_id`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Replied => "customer_replied",
            Self::Snooze => "snooze_3",
            Self::Why => "why",
            Self::UndoReplied => "undo_replied",
            Self::UndoSnooze => "undo_snooze",
        }
    }

    /// Reads an `action_id`; `None` for those of buttons that only open a page.
    #[must_use]
    pub fn read(action_id: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|click| click.as_str() == action_id)
    }
}

impl Message {
    /// The same message for whoever is not its recipient: its links act for nobody.
    #[must_use]
    pub fn for_others(self) -> Self {
        match self {
            Self::Email(email) => Self::Email(Email {
                text: blind(&email.text),
                html: blind(&email.html),
                list_unsubscribe: email.list_unsubscribe.as_deref().map(blind),
                ..email
            }),
            Self::Slack(post) => Self::Slack(SlackPost {
                text: blind(&post.text),
                blocks: post.blocks.into_iter().map(blind_all).collect(),
                ..post
            }),
        }
    }

    /// The line by which a person recognises the message in a list: a mail's subject, a Slack message's text without Slack's escapes.
    #[must_use]
    pub fn headline(&self) -> String {
        match self {
            Self::Email(email) => email.subject.clone(),
            Self::Slack(post) => {
                post.text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
            }
        }
    }
}

fn blind_all(value: serde_json::Value) -> serde_json::Value {
    use serde_json::Value;
    match value {
        Value::String(text) => Value::String(blind(&text)),
        Value::Array(values) => values.into_iter().map(blind_all).collect(),
        Value::Object(fields) => {
            fields.into_iter().map(|(key, value)| (key, blind_all(value))).collect()
        }
        other => other,
    }
}

/// A message on its way: who gets it, under which identity.
#[derive(Clone, Debug)]
pub struct Envelope {
    /// The ledger's id; Message-ID, `X-Notification-Id` and Slack metadata are made from it.
    pub notification_id: String,
    /// Mail address or Slack user id.
    pub address: String,
    /// Display name of the recipient.
    pub name: String,
    /// Sender's mail address, when the workspace has one of its own.
    pub from_address: Option<String>,
    /// Time of the first attempt: the mail's `Date`, the same on every repeat.
    pub date: DateTime<Utc>,
    /// The Slack message under which this one belongs, as Slack names it.
    pub thread: Option<String>,
}

/// How far an attempt came before it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Claimed; the provider has heard nothing of it.
    Claimed,
    /// TCP connect and banner.
    Connect,
    /// EHLO, STARTTLS or TLS handshake.
    Handshake,
    /// AUTH.
    Auth,
    /// MAIL FROM.
    Mail,
    /// RCPT TO.
    Recipient,
    /// DATA, up to the provider's go-ahead.
    Data,
    /// The body and its final dot, or the HTTP request, may have reached the provider.
    Body,
    /// The provider answered for the message.
    Accepted,
}

impl Stage {
    /// The word kept in `attempts.phase`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Claimed => "claimed",
            Self::Connect => "connect",
            Self::Handshake => "handshake",
            Self::Auth => "auth",
            Self::Mail => "mail",
            Self::Recipient => "recipient",
            Self::Data => "data",
            Self::Body => "body",
            Self::Accepted => "accepted",
        }
    }
}

/// What became of one attempt. The deliverer decides; the worker only acts on it.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// The provider took responsibility. `provider_ref` is its own name for the message.
    Accepted {
        /// The provider's own name for the message.
        provider_ref: Option<String>,
    },
    /// Kept in the ledger instead of being sent: no provider is configured.
    Captured,
    /// Kept in the ledger instead of being sent: a test key caused it.
    Suppressed,
    /// Try again, not before `after` if the provider asked for a pause.
    Transient {
        /// The pause the provider asked for.
        after: Option<Duration>,
    },
    /// Never try again: the address or the message was refused.
    Permanent {
        /// What was refused.
        reason: Reason,
    },
    /// The channel is down (connect, TLS, login, token): nobody's attempt, everybody waits. `after` if the provider named a pause.
    Channel {
        /// The pause the provider asked for.
        after: Option<Duration>,
    },
    /// It may have arrived.
    Ambiguous,
}

impl Verdict {
    /// The word kept in `attempts.outcome`.
    #[must_use]
    pub const fn outcome(&self) -> AttemptOutcome {
        match self {
            Self::Accepted { .. } => AttemptOutcome::Accepted,
            Self::Captured => AttemptOutcome::Captured,
            Self::Suppressed => AttemptOutcome::Suppressed,
            Self::Transient { .. } => AttemptOutcome::Transient,
            Self::Permanent { .. } => AttemptOutcome::Permanent,
            Self::Channel { .. } => AttemptOutcome::Channel,
            Self::Ambiguous => AttemptOutcome::Ambiguous,
        }
    }
}

/// One attempt as the provider answered it.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// What to do now.
    pub verdict: Verdict,
    /// How far it came.
    pub stage: Stage,
    /// The provider's answer, or the error, in one line, without secrets and without control characters.
    pub reply: String,
}
