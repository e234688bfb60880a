//! `/slack/interactions` and `/slack/commands`: what Slack sends when somebody clicks or writes `/reminders`.
//!
//! A request is obeyed if Slack signed it (HMAC-SHA256 over its time and its body), it is at most five minutes old, and it was not
//! seen before. It is answered within Slack's three seconds; nobody but a worker calls Slack.

use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use chrono::{DateTime, TimeDelta, Utc};
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use sha2::Sha256;

use super::edge::{Edge, edge};
use crate::clock::Clock;
use crate::db::{Db, DbError};
use crate::domain::message::Click;
use crate::operate::clicks::{self, Clicked};
use crate::render::OwnPages;
use crate::store::slack_replies;

/// Oldest request that is obeyed.
const WINDOW: TimeDelta = TimeDelta::minutes(5);

/// Slack gives up after three seconds, and says so to the clicker.
const PATIENCE: Duration = Duration::from_millis(2500);

/// Largest request, in octets.
const MAX_BODY: usize = 256 * 1024;

/// What Slack's requests need.
#[derive(Clone, Debug)]
pub struct SlackRequests {
    /// The database.
    pub db: Db,
    /// The time.
    pub clock: Clock,
    /// Slack's signing secret.
    pub secret: SecretString,
    /// For links in answers.
    pub pages: OwnPages,
}

/// The routes.
pub fn router(requests: SlackRequests) -> Router {
    Router::new()
        .route("/slack/interactions", post(interactions))
        .route("/slack/commands", post(commands))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(from_fn_with_state(Edge::new(), edge))
        .with_state(requests)
}

/// Why a request is not obeyed.
enum Refused {
    Forged,
    Repeated,
    Unreadable,
    Busy,
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let (status, words) = match self {
            Self::Forged => {
                (StatusCode::UNAUTHORIZED, "not signed by Slack within the last five minutes")
            }
            Self::Repeated => (StatusCode::CONFLICT, "this request was obeyed before"),
            Self::Unreadable => (StatusCode::BAD_REQUEST, "not what Slack sends here"),
            Self::Busy => (StatusCode::SERVICE_UNAVAILABLE, "the database does not answer in time"),
        };
        (status, words).into_response()
    }
}

impl From<DbError> for Refused {
    fn from(error: DbError) -> Self {
        tracing::warn!(%error, "a request of Slack's cannot be obeyed");
        Self::Busy
    }
}

impl SlackRequests {
    /// Lets a request in once.
    async fn admit(&self, headers: &HeaderMap, body: &[u8]) -> Result<DateTime<Utc>, Refused> {
        let now = self.clock.now();
        let header =
            |name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let (time, signature) = (header("x-slack-request-timestamp"), header("x-slack-signature"));
        if !is_genuine(self.secret.expose_secret(), time, body, signature, now) {
            return Err(Refused::Forged);
        }
        let mut conn = self.db.begin().await?;
        let new = slack_replies::is_new_request(&mut conn, signature, now).await?;
        conn.commit().await?;
        if new { Ok(now) } else { Err(Refused::Repeated) }
    }
}

/// Whether Slack signed this body at this time, and not too long ago.
fn is_genuine(secret: &str, time: &str, body: &[u8], signature: &str, now: DateTime<Utc>) -> bool {
    let Some(signed_at) = time.parse().ok().and_then(|at| DateTime::from_timestamp(at, 0)) else {
        return false;
    };
    let (Some(octets), Ok(mac)) =
        (octets(signature), Hmac::<Sha256>::new_from_slice(secret.as_bytes()))
    else {
        return false;
    };
    let mac = mac.chain_update("v0:").chain_update(time).chain_update(":").chain_update(body);
    // The comparison takes as long for a good beginning as for a bad one.
    mac.verify_slice(&octets).is_ok() && (now - signed_at).abs() <= WINDOW
}

/// The octets of `v0=…`, in hex.
fn octets(signature: &str) -> Option<Vec<u8>> {
    let hex = signature.strip_prefix("v0=").filter(|hex| hex.is_ascii() && hex.len() == 64)?;
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).ok()).collect()
}

/// The parts of an interaction that are read.
#[derive(Deserialize)]
struct Interaction {
    user: Named,
    channel: Option<Named>,
    #[serde(default)]
    actions: Vec<Button>,
}

#[derive(Deserialize)]
struct Named {
    id: String,
}

#[derive(Deserialize)]
struct Button {
    action_id: String,
    value: Option<String>,
}

/// What a button of ours carries.
#[derive(Deserialize)]
struct Carried {
    v: u8,
    n: String,
}

async fn interactions(
    State(requests): State<SlackRequests>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Refused> {
    let obey = async {
        let now = requests.admit(&headers, &body).await?;
        let payload = answer(&body, "payload").ok_or(Refused::Unreadable)?;
        let interaction: Interaction =
            serde_json::from_str(&payload).map_err(|_| Refused::Unreadable)?;
        let channel = interaction.channel.map(|channel| channel.id).unwrap_or_default();
        for button in interaction.actions {
            // A button that opens a page tells us so as well; there is nothing to do.
            let Some(click) = Click::read(&button.action_id) else { continue };
            let carried =
                button.value.as_deref().and_then(|v| serde_json::from_str::<Carried>(v).ok());
            let Some(Carried { v: 1, n }) = carried else { return Err(Refused::Unreadable) };
            let clicked = Clicked {
                slack_user_id: &interaction.user.id,
                channel: &channel,
                click,
                notification_id: &n,
            };
            let mut tx = requests.db.begin().await?;
            clicks::click(&mut tx, clicked, &requests.pages, now).await?;
            tx.commit().await?;
        }
        Ok(StatusCode::OK.into_response())
    };
    tokio::time::timeout(PATIENCE, obey).await.unwrap_or(Err(Refused::Busy))
}

async fn commands(
    State(requests): State<SlackRequests>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Refused> {
    let obey = async {
        let now = requests.admit(&headers, &body).await?;
        let who = answer(&body, "user_id").ok_or(Refused::Unreadable)?;
        let text = answer(&body, "text").unwrap_or_default();
        let mut tx = requests.db.begin().await?;
        let said = clicks::command(&mut tx, &who, &text, now).await?;
        tx.commit().await?;
        let said = serde_json::json!({ "response_type": "ephemeral", "text": said });
        Ok(([(header::CACHE_CONTROL, "no-store")], Json(said)).into_response())
    };
    tokio::time::timeout(PATIENCE, obey).await.unwrap_or(Err(Refused::Busy))
}

/// A field of a form.
fn answer(form: &[u8], name: &str) -> Option<String> {
    form_urlencoded::parse(form).find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example that Slack publishes ("Verifying requests from Slack").
    const SECRET: &str = "8f742231b10e8888abcd99yyyzzz85a5";
    const TIME: &str = "1531420618";
    const BODY: &str = "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c";
    const SIGNATURE: &str = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503";

    fn genuine(secret: &str, time: &str, body: &str, signature: &str, after: i64) -> bool {
        let now = DateTime::from_timestamp(1_531_420_618 + after, 0).unwrap();
        is_genuine(secret, time, body.as_bytes(), signature, now)
    }

    #[test]
    fn slacks_published_example_is_genuine_for_five_minutes() {
        for (after, expected) in [(0, true), (300, true), (301, false), (-300, true), (-301, false)]
        {
            assert_eq!(genuine(SECRET, TIME, BODY, SIGNATURE, after), expected, "{after}");
        }
    }

    #[test]
    fn whatever_differs_is_forged() {
        let other = SIGNATURE.replace('a', "b");
        for signature in [
            other.as_str(),
            "",
            "v0=",
            "v0=zz",
            &SIGNATURE[..60],
            &SIGNATURE.replace("v0", "v1"),
            &"é".repeat(33),
        ] {
            assert!(!genuine(SECRET, TIME, BODY, signature, 0), "{signature}");
        }
        assert!(!genuine("another", TIME, BODY, SIGNATURE, 0));
        assert!(!genuine(SECRET, "1531420619", BODY, SIGNATURE, 0));
        assert!(!genuine(SECRET, "soon", BODY, SIGNATURE, 0));
        assert!(!genuine(SECRET, TIME, &BODY[1..], SIGNATURE, 0));
    }
}
