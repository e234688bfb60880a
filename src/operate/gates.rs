//! The gates of one notification: for one that is still open, decided once more from the facts as they are; for one that has ended, what the
//! ledger knows of the way it went.

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::explain;
use super::notifications::{Details, instant};
use super::queues::{self, Queue};
use crate::db::{Conn, DbError};
use crate::domain::decide;
use crate::domain::facts::Channels;
use crate::domain::ids::Ref;
use crate::domain::values::{Channel, Kind, Mode, NotificationState, RecipientType};
use crate::store::onboardings;

/// Onboardings of a digest whose gates are tried.
const MOST: usize = 5;

/// One gate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
#[schemars(inline, rename = "NotificationGate")]
pub struct Gate {
    /// Name of the rule.
    pub gate: String,
    /// Whether it let the message through.
    pub passed: bool,
    /// The values seen, in words.
    pub detail: String,
    /// The onboarding that it is about; `None` for the message as a whole.
    pub onboarding_id: Option<String>,
}

impl Gate {
    fn new(gate: &str, passed: bool, detail: String) -> Self {
        Self { gate: gate.to_owned(), passed, detail, onboarding_id: None }
    }
}

/// The gates of a notification, in order.
pub async fn of(
    conn: &mut Conn,
    found: &Details,
    channels: Channels,
    now: DateTime<Utc>,
) -> Result<Vec<Gate>, DbError> {
    let n = &found.notification;
    let open = n.state.parse().is_ok_and(NotificationState::is_open);
    if !open {
        return Ok(settled(found));
    }
    let mut gates = vec![written(found), deadline(found, now)];
    let way = n.kind.parse::<Kind>().ok().zip(n.channel.parse::<Channel>().ok());
    if let Some((kind, channel)) = way
        && let Some((_, seen)) =
            queues::held(conn, &found.workspace_id, Queue::of(kind, channel)).await?
    {
        gates.push(Gate::new("queue", false, seen.to_string()));
    }
    let kind = way.map_or(Kind::Digest, |(kind, _)| kind);
    let to_user = n.recipient_type == RecipientType::User.as_str();
    for subject in found.onboardings.iter().take(MOST) {
        let reference = Ref::Id(subject.id.clone());
        let Some(row) = onboardings::find(conn, &found.workspace_id, &reference).await? else {
            continue;
        };
        let recipient = to_user.then_some(n.recipient_id.as_str());
        let at = n.created_at.max(row.created_at);
        let tried = explain::gates(conn, &row, recipient, at, channels, kind).await?;
        // The queue is the message's as a whole.
        let tried = tried.into_iter().filter(|gate| gate.gate != "queue");
        gates.extend(tried.map(|decide::Gate { gate, passed, seen }| Gate {
            gate,
            passed,
            detail: seen.to_string(),
            onboarding_id: Some(row.id.clone()),
        }));
    }
    Ok(gates)
}

fn written(found: &Details) -> Gate {
    let n = &found.notification;
    let detail = format!("It was written at {}, for {}.", instant(n.created_at), n.slot_date);
    Gate::new("due", true, detail)
}

fn deadline(found: &Details, at: DateTime<Utc>) -> Gate {
    let deadline = found.notification.deadline;
    let in_time = at < deadline;
    let verb = if in_time { "is" } else { "was" };
    Gate::new("deadline", in_time, format!("Its deadline {verb} {}.", instant(deadline)))
}

/// What led to the end.
fn settled(found: &Details) -> Vec<Gate> {
    let n = &found.notification;
    let mut gates = vec![written(found)];
    if n.mode == Mode::Test.as_str() {
        let detail = "A test key caused it: it is made and kept, never sent.".to_owned();
        gates.push(Gate::new("live", false, detail));
    }
    if !found.attempts.is_empty() {
        gates.push(deadline(found, found.attempts.last().map_or(n.updated_at, |a| a.at)));
    }
    for attempt in &found.attempts {
        let passed = matches!(attempt.outcome.as_str(), "accepted" | "captured");
        let detail = format!(
            "Attempt {} at {} came to {}: {}",
            attempt.number,
            instant(attempt.at),
            attempt.outcome,
            attempt.reply
        );
        gates.push(Gate::new("delivery", passed, detail));
    }
    match (&n.reason, &n.detail) {
        (None, _) => {
            let at = n.sent_at.unwrap_or(n.updated_at);
            gates.push(Gate::new("sent", true, format!("It was sent at {}.", instant(at))));
        }
        (Some(reason), detail) => {
            let words = reason.replace('_', " ");
            let more = detail.as_ref().map(|detail| format!(" ({detail})")).unwrap_or_default();
            let detail = format!("It ended as {}: {words}{more}.", n.state);
            gates.push(Gate::new(reason, false, detail));
        }
    }
    gates
}
