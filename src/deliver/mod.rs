//! Message → provider: mail over SMTP, Slack direct messages, or neither of them.
//!
//! A delivery is two steps. [`Deliverers::session`] makes sure that the channel works (connected, protected, logged in;
//! not asked to pause) before the worker claims anything: what fails there is the channel's problem and nobody's attempt.
//! [`Session::send`] then sends one message to one recipient and answers with a [`Report`]: accepted, try again, never
//! again, or *it may have arrived*. Deciding between these is this module's job; acting on it is the worker's.
//!
//! Errors: [`DeliverError`] for a configuration that cannot work, at start; [`Report`] for everything after. Nothing here
//! logs, and no reply holds a body, a secret or a whole address.

mod email;
mod outside;
mod slack;
mod text;
mod tls;

use std::fmt;
use std::sync::Arc;

use chrono::{DateTime, Utc};

pub use email::{Security, SmtpConfig, SmtpTimeouts, address_refusal, mail_bytes};
pub use outside::Outside;
pub use slack::SlackConfig;
pub use text::{clean_reply, mask_email};
pub use tls::read_roots;

use crate::domain::message::{Envelope, Message, Report, SlackPost, Stage, Verdict};
use crate::domain::values::{Channel, Mode, Reason};
use email::{Pool, SmtpSession};
use slack::Slack;

/// A provider that cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum DeliverError {
    /// TLS cannot be prepared.
    #[error("TLS cannot be prepared: {0}")]
    Tls(String),
    /// The certificates to trust besides the system's cannot be read.
    #[error("tls.extra_roots: {0}; name a PEM file with at least one certificate")]
    Roots(String),
}

/// Where mail goes.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "made once, at start")]
pub enum EmailProvider {
    /// Into the ledger only (`/outbox`).
    Captured,
    /// To a relay.
    Smtp(SmtpConfig),
    /// Nowhere: only the other channel is configured.
    Unreachable,
}

/// Where Slack messages go.
#[derive(Debug)]
pub enum SlackProvider {
    /// Into the ledger only (`/outbox`).
    Captured,
    /// To Slack.
    Slack(SlackConfig),
    /// Nowhere: only the other channel is configured.
    Unreachable,
}

/// The ways out of the process. Cheap to clone; clones share sessions and pace.
#[derive(Clone)]
pub struct Deliverers {
    email: Way<Pool>,
    slack: Way<Slack>,
}

enum Way<T> {
    Captured,
    Open(Arc<T>),
    Unreachable,
}

impl<T> Clone for Way<T> {
    fn clone(&self) -> Self {
        match self {
            Self::Captured => Self::Captured,
            Self::Open(way) => Self::Open(Arc::clone(way)),
            Self::Unreachable => Self::Unreachable,
        }
    }
}

impl Deliverers {
    /// Prepares both providers; connects to neither.
    ///
    /// # Errors
    /// When TLS is needed and cannot be prepared.
    pub fn new(email: EmailProvider, slack: SlackProvider) -> Result<Self, DeliverError> {
        Ok(Self {
            email: match email {
                EmailProvider::Captured => Way::Captured,
                EmailProvider::Smtp(config) => Way::Open(Pool::new(config)?),
                EmailProvider::Unreachable => Way::Unreachable,
            },
            slack: match slack {
                SlackProvider::Captured => Way::Captured,
                SlackProvider::Slack(config) => Way::Open(Arc::new(Slack::new(config)?)),
                SlackProvider::Unreachable => Way::Unreachable,
            },
        })
    }

    /// A way to send one message. Call it before claiming: when it fails, nothing was attempted.
    ///
    /// This is the one place where test mode is kept from the world: its session never connects.
    ///
    /// # Errors
    /// The channel is down ([`Verdict::Channel`]): nobody's attempt, everybody waits.
    pub async fn session(&self, mode: Mode, channel: Channel) -> Result<Session, Report> {
        if mode == Mode::Test {
            return Ok(Session(Kind::Suppressed));
        }
        let kind = match channel {
            Channel::Email => match &self.email {
                Way::Captured => Kind::Captured,
                Way::Open(pool) => Kind::Email(Box::new(pool.session().await?)),
                Way::Unreachable => {
                    return Err(unreachable_channel("no mail relay is configured (SMTP_URL)"));
                }
            },
            Channel::Slack => match &self.slack {
                Way::Captured => Kind::Captured,
                Way::Open(slack) => {
                    slack.ready().await?;
                    Kind::Slack(Arc::clone(slack))
                }
                Way::Unreachable => {
                    return Err(unreachable_channel(
                        "no Slack token is configured (SLACK_BOT_TOKEN)",
                    ));
                }
            },
        };
        Ok(Session(kind))
    }

    /// Puts other words into a message on Slack, which is named by its conversation and its time stamp there.
    pub async fn edit_on_slack(&self, channel: &str, ts: &str, post: &SlackPost) -> Report {
        match &self.slack {
            Way::Open(slack) => slack.edit(channel, ts, post).await,
            Way::Captured | Way::Unreachable => unreachable_channel("nothing was sent to Slack"),
        }
    }

    /// Says something on Slack that only one person sees.
    pub async fn whisper_on_slack(&self, channel: &str, user: &str, text: &str) -> Report {
        match &self.slack {
            Way::Open(slack) => slack.whisper(channel, user, text).await,
            Way::Captured | Way::Unreachable => unreachable_channel("nothing was sent to Slack"),
        }
    }

    /// Whether Slack has the post of a notification to a person, made since then; answers with Slack's own name for it.
    ///
    /// # Errors
    /// Slack does not say; [`Verdict::Channel`] where the token may not ask.
    pub async fn find_on_slack(
        &self,
        person: &str,
        notification_id: &str,
        since: DateTime<Utc>,
    ) -> Result<Option<String>, Report> {
        match &self.slack {
            Way::Open(slack) => slack.find(person, notification_id, since).await,
            Way::Captured | Way::Unreachable => {
                Err(unreachable_channel("nothing was sent to Slack"))
            }
        }
    }

    /// Asks a channel whether it works, without a message: the relay takes a session, Slack knows the token.
    ///
    /// # Errors
    /// It does not.
    pub async fn probe(&self, channel: Channel) -> Result<(), Report> {
        match (channel, &self.email, &self.slack) {
            (Channel::Slack, _, Way::Open(slack)) => slack.probe().await,
            // It goes back to the others, unused.
            _ => self.session(Mode::Live, channel).await.map(drop),
        }
    }

    /// Connects to the relay and logs in. One line, without secrets.
    ///
    /// # Errors
    /// One line that says what is wrong and what to do.
    pub async fn check_email(&self) -> Result<String, String> {
        match &self.email {
            Way::Captured => {
                Ok("captured: mail is kept in the ledger; set SMTP_URL and MAIL_FROM to send it"
                    .to_owned())
            }
            Way::Open(pool) => pool.check().await,
            Way::Unreachable => {
                Err("no mail relay is configured; set SMTP_URL and MAIL_FROM".to_owned())
            }
        }
    }

    /// Asks Slack whether it knows the token. One line, without secrets.
    ///
    /// # Errors
    /// One line that says what is wrong and what to do.
    pub async fn check_slack(&self) -> Result<String, String> {
        match &self.slack {
            Way::Captured => Ok(
                "captured: Slack messages are kept in the ledger; set SLACK_BOT_TOKEN to send them"
                    .to_owned(),
            ),
            Way::Open(slack) => slack.check().await,
            Way::Unreachable => Err("no Slack token is configured; set SLACK_BOT_TOKEN".to_owned()),
        }
    }
}

impl fmt::Debug for Deliverers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Deliverers").finish_non_exhaustive()
    }
}

/// The way for one message. Dropped without sending, it costs nothing.
pub struct Session(Kind);

enum Kind {
    Captured,
    Suppressed,
    Email(Box<SmtpSession>),
    Slack(Arc<Slack>),
}

impl Session {
    /// Sends one message to one recipient and says what became of it. Dropping the future half-way closes the
    /// connection; whether the message arrived is then unknown to everybody.
    pub async fn send(self, envelope: &Envelope, message: &Message) -> Report {
        let kept = |verdict, reply: &str| Report {
            verdict,
            stage: Stage::Claimed,
            reply: reply.to_owned(),
        };
        match (self.0, message) {
            (Kind::Suppressed, _) => kept(Verdict::Suppressed, "test mode: kept in the ledger"),
            (Kind::Captured, _) => kept(Verdict::Captured, "captured: kept in the ledger"),
            (Kind::Email(session), Message::Email(email)) => session.send(envelope, email).await,
            (Kind::Slack(slack), Message::Slack(post)) => slack.send(envelope, post).await,
            (Kind::Email(_), Message::Slack(_)) | (Kind::Slack(_), Message::Email(_)) => kept(
                Verdict::Permanent { reason: Reason::MessageRefused },
                "the message was made for the other channel",
            ),
        }
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Kind::Captured => "Session::Captured",
            Kind::Suppressed => "Session::Suppressed",
            Kind::Email(_) => "Session::Email",
            Kind::Slack(_) => "Session::Slack",
        })
    }
}

fn unreachable_channel(reply: &str) -> Report {
    Report {
        verdict: Verdict::Channel { after: None },
        stage: Stage::Claimed,
        reply: reply.to_owned(),
    }
}
