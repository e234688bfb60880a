//! Slack direct messages: [`SlackConfig`] says where, `pace` when, `transport` carries slack-morphism's requests within
//! limits, and `errors` says what an answer means.

mod errors;
mod pace;
mod transport;

use std::time::Duration;

use chrono::{DateTime, Utc};
use rustls::pki_types::CertificateDer;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use slack_morphism::errors::SlackClientError;
use slack_morphism::{SlackApiToken, SlackClient};
use url::Url;

use super::DeliverError;
use super::text::{clean_reply, clipped};
use crate::domain::message::{Envelope, Report, SlackPost, Stage, Verdict};
use crate::domain::values::Reason;
use errors::report;
use pace::{Pace, Turn};
use transport::Transport;

/// Longest text of the plain repeat after Slack refused the blocks; it recommends no more than 4,000 characters.
const PLAIN_TEXT: usize = 3_000;

/// How to reach Slack, and how fast. [`SlackConfig::parse`] makes one; the public fields may be changed after.
#[derive(Clone, Debug)]
pub struct SlackConfig {
    /// The bot's token.
    pub token: SecretString,
    /// Base of the methods, without a slash at its end.
    pub api_url: String,
    /// Longest wait for a TCP connection and its TLS.
    pub connect_timeout: Duration,
    /// Longest wait for a complete answer, connect included.
    pub timeout: Duration,
    /// Longest answer read, in octets.
    pub max_answer: usize,
    /// Least time between two posts to one person (Slack: about one per second).
    pub per_conversation: Duration,
    /// Least time between any two posts of this process.
    pub per_team: Duration,
    /// The most that a post waits for its turn; a longer wait is reported instead.
    pub max_turn: Duration,
    /// Certificates that are trusted besides the system's.
    pub extra_roots: Vec<CertificateDer<'static>>,
}

impl SlackConfig {
    /// Reads `SLACK_BOT_TOKEN` and `SLACK_API_URL` (Slack's own when absent).
    ///
    /// # Errors
    /// One line that names the setting and says what to do, without the token.
    pub fn parse(token: &str, api_url: Option<&str>) -> Result<Self, String> {
        let token = token.trim();
        if token.is_empty() || !token.chars().all(|c| c.is_ascii_graphic()) {
            return Err("SLACK_BOT_TOKEN is not a token; copy the Bot User OAuth Token (xoxb-…) of the Slack app".to_owned());
        }
        let api_url = api_url.map_or("https://slack.com/api", str::trim).trim_end_matches('/');
        let url = Url::parse(api_url).map_err(|error| {
            format!("SLACK_API_URL is not a URL ({error}); leave it out to use Slack's")
        })?;
        if !matches!(url.scheme(), "http" | "https")
            || url.host().is_none()
            || url.query().is_some()
        {
            return Err(
                "SLACK_API_URL must look like https://slack.com/api; leave it out to use Slack's"
                    .to_owned(),
            );
        }
        Ok(Self {
            token: token.to_owned().into(),
            api_url: api_url.to_owned(),
            connect_timeout: Duration::from_secs(5),
            timeout: Duration::from_secs(15),
            max_answer: 1024 * 1024,
            per_conversation: Duration::from_secs(1),
            per_team: Duration::from_millis(50),
            max_turn: Duration::from_secs(10),
            extra_roots: Vec::new(),
        })
    }
}

/// The workspace's Slack.
pub(super) struct Slack {
    client: SlackClient<Transport>,
    token: SlackApiToken,
    config: SlackConfig,
    pace: Pace,
}

/// `chat.postMessage`, with the blocks as they were rendered.
#[derive(Serialize)]
struct Post<'a> {
    channel: &'a str,
    text: &'a str,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    blocks: &'a [serde_json::Value],
    metadata: Metadata<'a>,
    unfurl_links: bool,
    unfurl_media: bool,
    #[serde(flatten)]
    thread: Option<Thread<'a>>,
}

/// Under which message, and in the conversation as well: an answer in a thread alone is easily missed.
#[derive(Serialize)]
struct Thread<'a> {
    thread_ts: &'a str,
    reply_broadcast: bool,
}

/// `chat.update`.
#[derive(Serialize)]
struct Update<'a> {
    channel: &'a str,
    ts: &'a str,
    text: &'a str,
    blocks: &'a [serde_json::Value],
}

/// `chat.postEphemeral`.
#[derive(Serialize)]
struct Whisper<'a> {
    channel: &'a str,
    user: &'a str,
    text: &'a str,
}

/// `conversations.open`.
#[derive(Serialize)]
struct Open<'a> {
    users: &'a str,
}

/// Its answer.
#[derive(Deserialize)]
struct Opened {
    channel: Conversation,
}

#[derive(Deserialize)]
struct Conversation {
    id: String,
}

/// `conversations.history`.
#[derive(Serialize)]
struct Look<'a> {
    channel: &'a str,
    oldest: String,
    limit: u32,
    include_all_metadata: bool,
}

/// Its answer.
#[derive(Deserialize)]
struct History {
    messages: Vec<Said>,
}

#[derive(Deserialize)]
struct Said {
    ts: String,
    metadata: Option<SaidMetadata>,
}

#[derive(Deserialize)]
struct SaidMetadata {
    event_payload: SaidPayload,
}

/// Other apps keep other things there.
#[derive(Deserialize)]
struct SaidPayload {
    notification_id: Option<String>,
}

/// An answer of which only its being one matters.
#[derive(Deserialize)]
struct Acknowledged {}

#[derive(Serialize)]
struct Metadata<'a> {
    event_type: &'a str,
    event_payload: Payload<'a>,
}

#[derive(Serialize)]
struct Payload<'a> {
    notification_id: &'a str,
}

/// What is read of the answer; more of it could only make a delivered message look lost.
#[derive(Deserialize)]
struct Posted {
    channel: String,
    ts: String,
}

impl Slack {
    pub(super) fn new(config: SlackConfig) -> Result<Self, DeliverError> {
        let transport = Transport::new(&config)?;
        Ok(Self {
            client: SlackClient::new(transport),
            token: SlackApiToken::new(config.token.expose_secret().to_owned().into()),
            pace: Pace::new(&config),
            config,
        })
    }

    /// Waits for this process's turn.
    ///
    /// # Errors
    /// The report on the channel while Slack asked for a pause.
    pub(super) async fn ready(&self) -> Result<(), Report> {
        self.pace.team_turn().await.map_err(paused)
    }

    pub(super) async fn send(&self, envelope: &Envelope, post: &SlackPost) -> Report {
        if !is_person(&envelope.address) {
            let reply = "this is not the id of a Slack user".to_owned();
            return Report {
                verdict: Verdict::Permanent { reason: Reason::AddressRefused },
                stage: Stage::Claimed,
                reply,
            };
        }
        let first = match self.post(envelope, post, &post.text, &post.blocks).await {
            Ok(posted) => return accepted(&posted, "ok"),
            Err(report) => report,
        };
        if first.verdict != (Verdict::Permanent { reason: Reason::MessageRefused })
            || post.text.is_empty()
        {
            return first;
        }
        // Slack did not like the blocks, which is our fault: the words alone are better than nothing.
        match self.post(envelope, post, &clipped(&post.text, PLAIN_TEXT), &[]).await {
            Ok(posted) => accepted(&posted, &format!("ok as plain text, after: {}", first.reply)),
            Err(second) if matches!(second.verdict, Verdict::Permanent { .. }) => first,
            Err(second) => second,
        }
    }

    async fn post(
        &self,
        envelope: &Envelope,
        post: &SlackPost,
        text: &str,
        blocks: &[serde_json::Value],
    ) -> Result<Posted, Report> {
        match self.pace.conversation_turn(&envelope.address).await {
            Turn::Now => {}
            Turn::Paused(left) => return Err(paused(left)),
            Turn::Later(wait) => {
                let reply = "too many messages for this person at once".to_owned();
                return Err(Report {
                    verdict: Verdict::Transient { after: Some(wait) },
                    stage: Stage::Claimed,
                    reply,
                });
            }
        }
        let request = Post {
            channel: &envelope.address,
            text,
            blocks,
            metadata: Metadata {
                event_type: &post.event_type,
                event_payload: Payload { notification_id: &envelope.notification_id },
            },
            unfurl_links: false,
            unfurl_media: false,
            thread: envelope
                .thread
                .as_deref()
                .map(|thread_ts| Thread { thread_ts, reply_broadcast: true }),
        };
        self.call("chat.postMessage", &request).await
    }

    /// Puts other words into a message that was posted.
    pub(super) async fn edit(&self, channel: &str, ts: &str, post: &SlackPost) -> Report {
        let request = Update { channel, ts, text: &post.text, blocks: &post.blocks };
        match self.call::<Acknowledged>("chat.update", &request).await {
            Ok(_) => done(),
            Err(report) => report,
        }
    }

    /// Says something that only `user` sees.
    pub(super) async fn whisper(&self, channel: &str, user: &str, text: &str) -> Report {
        match self
            .call::<Acknowledged>("chat.postEphemeral", &Whisper { channel, user, text })
            .await
        {
            Ok(_) => done(),
            Err(report) => report,
        }
    }

    /// Looks for the post of a notification in the conversation with a person.
    pub(super) async fn find(
        &self,
        person: &str,
        notification_id: &str,
        since: DateTime<Utc>,
    ) -> Result<Option<String>, Report> {
        self.ready().await?;
        let channel = if person.starts_with('D') {
            person.to_owned()
        } else {
            self.call::<Opened>("conversations.open", &Open { users: person }).await?.channel.id
        };
        let request = Look {
            channel: &channel,
            // Slack's clock need not be ours.
            oldest: (since.timestamp() - 60).to_string(),
            limit: 100,
            include_all_metadata: true,
        };
        let history: History = self.call("conversations.history", &request).await?;
        let found = history.messages.into_iter().find(|message| {
            message.metadata.as_ref().is_some_and(|metadata| {
                metadata.event_payload.notification_id.as_deref() == Some(notification_id)
            })
        });
        Ok(found.map(|message| clean_reply(&format!("{channel}:{}", message.ts))))
    }

    async fn call<A>(
        &self,
        method: &str,
        request: &(impl Serialize + Send + Sync),
    ) -> Result<A, Report>
    where
        A: for<'de> Deserialize<'de> + Send,
    {
        let session = self.client.open_session(&self.token);
        let answer: Result<A, SlackClientError> =
            session.http_session_api.http_post(method, request, None).await;
        answer.map_err(|error| {
            let report = report(&error);
            if let (SlackClientError::RateLimitError(_), Verdict::Channel { after: Some(pause) }) =
                (&error, &report.verdict)
            {
                self.pace.pause(*pause);
            }
            report
        })
    }

    /// Asks Slack whose token this is.
    /// Whether Slack answers and knows the token.
    pub(super) async fn probe(&self) -> Result<(), Report> {
        let known = self.client.open_session(&self.token).auth_test().await;
        known.map(drop).map_err(|error| report(&error))
    }

    pub(super) async fn check(&self) -> Result<String, String> {
        match self.client.open_session(&self.token).auth_test().await {
            Ok(who) => Ok(clean_reply(&format!(
                "Slack accepts the token: team {}, user {}",
                who.team,
                who.user.unwrap_or_default()
            ))),
            Err(error) => {
                let report = report(&error);
                let advice = match report.stage {
                    Stage::Connect => "check SLACK_API_URL and that this machine may connect to it",
                    Stage::Auth => {
                        "put a valid Bot User OAuth Token into SLACK_BOT_TOKEN and give the app the scope chat:write"
                    }
                    _ => "try again later",
                };
                Err(format!("{}: {}; {advice}", self.config.api_url, report.reply))
            }
        }
    }
}

/// A user's id, or a direct conversation's; never a channel's name or id, which everybody reads.
fn is_person(address: &str) -> bool {
    matches!(address.as_bytes(), [b'U' | b'W' | b'D', rest @ ..] if !rest.is_empty() && rest.len() < 40 && rest.iter().all(u8::is_ascii_alphanumeric))
}

fn paused(left: Duration) -> Report {
    Report {
        verdict: Verdict::Channel { after: Some(left) },
        stage: Stage::Claimed,
        reply: "Slack asked for a pause".to_owned(),
    }
}

fn done() -> Report {
    Report {
        verdict: Verdict::Accepted { provider_ref: None },
        stage: Stage::Accepted,
        reply: "ok".to_owned(),
    }
}

fn accepted(posted: &Posted, reply: &str) -> Report {
    let provider_ref = Some(clean_reply(&format!("{}:{}", posted.channel, posted.ts)));
    Report {
        verdict: Verdict::Accepted { provider_ref },
        stage: Stage::Accepted,
        reply: clean_reply(reply),
    }
}
