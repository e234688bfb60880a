//! What operators do to single notifications: look, try again, cancel, send anew, say what became of one in doubt.
//!
//! Each action is a change of state in the ledger, never a job pushed past it, and each is recorded with who did it and why. What would
//! have no effect, or another than its name says, is refused in words. Mode is kept: what a test key caused stays suppressed, and a test
//! key moves nothing live towards a person.

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde::Serialize;

use super::ActionError;
use crate::db::{Conn, DbError};
use crate::domain::ids::IdKind;
use crate::domain::message::Message;
use crate::domain::values::{Channel, Mode, NotificationState, Reason};
use crate::queue::Queue;
use crate::store::audit::{self, Author, Diff, Entry};
use crate::store::ledger::{self, ByHand};
use crate::store::notifications::{self, Attempt, Subject};
use crate::store::{addresses, processes, queues};

pub use crate::store::notifications::{Cursor, Filter, Notification};

/// How long a message that was asked for anew may take: long enough for a nudge that has to wait for Monday.
const RESEND_WITHIN: TimeDelta = TimeDelta::days(3);

/// One notification with everything that is kept of it.
#[derive(Clone, Debug, Serialize)]
pub struct Details {
    /// Its row.
    #[serde(flatten)]
    pub notification: Notification,
    /// The message as rendered last; `None` before that, and after its retention.
    pub message: Option<Message>,
    /// Every try to deliver it, in order.
    pub attempts: Vec<Attempt>,
    /// The notifications that were sent anew in its place.
    pub resends: Vec<String>,
    /// The onboardings that it is about.
    pub onboardings: Vec<Subject>,
}

/// The next `limit` notifications of a workspace behind the cursor, newest first.
pub async fn list(
    conn: &mut Conn,
    workspace_id: &str,
    filter: &Filter<'_>,
    cursor: &Cursor,
    limit: i64,
) -> Result<Vec<Notification>, DbError> {
    notifications::list(conn, workspace_id, filter, cursor, limit).await
}

/// How many notifications of a workspace fit, counted up to `limit`: beyond it "10,000+" is as good as a number.
pub async fn count_up_to(
    conn: &mut Conn,
    workspace_id: &str,
    filter: &Filter<'_>,
    limit: i64,
) -> Result<i64, DbError> {
    notifications::count_up_to(conn, workspace_id, filter, limit).await
}

/// One notification of a workspace; `None` if it has no such one.
pub async fn show(
    conn: &mut Conn,
    workspace_id: &str,
    id: &str,
) -> Result<Option<Details>, DbError> {
    let Some(notification) = notifications::find(conn, workspace_id, id).await? else {
        return Ok(None);
    };
    Ok(Some(Details {
        message: ledger::message(conn, id).await?,
        attempts: notifications::attempts(conn, id).await?,
        resends: notifications::resends(conn, id).await?,
        onboardings: notifications::subjects(conn, id).await?,
        notification,
    }))
}

/// Who acts, and why, in their words.
#[derive(Clone, Copy, Debug)]
pub struct Because<'a> {
    /// Who acts.
    pub author: &'a Author,
    /// Why.
    pub reason: &'a str,
}

/// Tries a notification again at once, before its deadline: one that waits for its next try, has failed, or was cancelled by an operator.
/// For one in doubt it means "send it again": the one extra copy.
pub async fn retry(
    conn: &mut Conn,
    because: Because<'_>,
    workspace_id: &str,
    id: &str,
    now: DateTime<Utc>,
) -> Result<Notification, ActionError> {
    let row = lock(conn, workspace_id, id).await?;
    let refusal = match row.state {
        NotificationState::Scheduled | NotificationState::Ambiguous | NotificationState::Failed => {
            None
        }
        NotificationState::Cancelled if row.has(Reason::CancelledByOperator) => None,
        NotificationState::Deferred => {
            Some(format!("it waits for {} and goes out by itself", instant(row.not_before)))
        }
        NotificationState::Sent => Some("it was sent; re-send it instead".to_owned()),
        NotificationState::Suppressed => Some(
            "a test key caused it, so it is never sent; re-send it to render it anew".to_owned(),
        ),
        NotificationState::Sending => Some(BUSY.to_owned()),
        NotificationState::Skipped | NotificationState::Cancelled => Some(nothing_to_send(&row)),
    };
    let late = (now >= row.deadline).then(|| {
        let instead = if row.state.is_open() { "it expires" } else { "re-send it instead" };
        format!("its deadline, {}, has passed; {instead}", instant(row.deadline))
    });
    let copied = (row.is_in_doubt() && row.resent).then(|| {
        "its one extra copy was sent already; look whether it arrived, then say so or re-send it"
            .to_owned()
    });
    if let Some(refusal) = refusal.or(copied).or(late) {
        return Err(ActionError::Refused(refusal));
    }
    check_way(conn, because.author, &row).await?;
    ledger::reopen(conn, &row, now).await?;
    done(conn, because, &row, "notification_retried", now).await
}

/// Sends a notification at once that waits for its time: for its next try, or for what it was put off to. What waits for quiet or working
/// hours keeps to them, as nobody is written to at night by a click.
pub async fn run_now(
    conn: &mut Conn,
    because: Because<'_>,
    workspace_id: &str,
    id: &str,
    now: DateTime<Utc>,
) -> Result<Notification, ActionError> {
    let row = lock(conn, workspace_id, id).await?;
    let refusal = match row.state {
        _ if row.state.is_open() && now >= row.deadline => {
            Some(format!("its deadline, {}, has passed; it expires", instant(row.deadline)))
        }
        NotificationState::Scheduled if row.not_before > now => None,
        NotificationState::Scheduled => Some(match held(conn, &row, now).await? {
            Some(held) => held,
            None => "it is ready, and a worker takes it by itself".to_owned(),
        }),
        NotificationState::Deferred => {
            Some(format!("it waits for {} and goes out by itself", instant(row.not_before)))
        }
        NotificationState::Sending => Some(BUSY.to_owned()),
        NotificationState::Ambiguous => Some(
            "nobody knows whether it arrived; retry it, which sends it a second time".to_owned(),
        ),
        _ => Some(format!("it has ended already, as {}", row.state)),
    };
    if let Some(refusal) = refusal {
        return Err(ActionError::Refused(refusal));
    }
    check_way(conn, because.author, &row).await?;
    ledger::reopen(conn, &row, now).await?;
    done(conn, because, &row, "notification_run_now", now).await
}

/// What keeps a ready row waiting, in words.
async fn held(
    conn: &mut Conn,
    row: &ByHand,
    now: DateTime<Utc>,
) -> Result<Option<String>, DbError> {
    let queue = Queue::of(row.kind, row.channel);
    let pauses = queues::pauses(conn).await?;
    if let Some(pause) = pauses.iter().find(|p| p.queue == queue && p.is_for(&row.workspace_id)) {
        let (name, by) = (queue.name(), &pause.by);
        return Ok(Some(format!("queue {name} is paused by {by}; resume it instead")));
    }
    let down = processes::pauses(conn).await?;
    Ok(down.get(&row.channel).filter(|pause| pause.until > now).map(|pause| {
        let (channel, until) = (row.channel.in_words(), instant(pause.until));
        format!("{channel} is down; it goes out by itself after the next try at {until}")
    }))
}

/// Cancels a notification that has not gone out. One in doubt is not sent a second time, and counts as not sent.
pub async fn cancel(
    conn: &mut Conn,
    because: Because<'_>,
    workspace_id: &str,
    id: &str,
    now: DateTime<Utc>,
) -> Result<Notification, ActionError> {
    let row = lock(conn, workspace_id, id).await?;
    if row.state == NotificationState::Sending {
        return Err(ActionError::Refused(BUSY.to_owned()));
    }
    if !row.state.is_open() {
        return Err(ActionError::Refused(format!("it has ended already, as {}", row.state)));
    }
    let ids = [row.id.clone()];
    let (state, reason) = (NotificationState::Cancelled, Reason::CancelledByOperator);
    ledger::end_waiting(conn, &ids, state, reason, now).await?;
    done(conn, because, &row, "notification_cancelled", now).await
}

/// Notes that a notification in doubt did arrive.
pub async fn delivered(
    conn: &mut Conn,
    because: Because<'_>,
    workspace_id: &str,
    id: &str,
    now: DateTime<Utc>,
) -> Result<Notification, ActionError> {
    let row = lock(conn, workspace_id, id).await?;
    if !row.is_in_doubt() {
        let refusal = format!("there is no doubt about it: it is {}", row.state);
        return Err(ActionError::Refused(refusal));
    }
    ledger::settle(conn, &row, now).await?;
    done(conn, because, &row, "notification_delivered", now).await
}

/// Sends a message that has come to its end once more, as a notification of its own that names the first. It says what is true when it
/// goes out, and nothing if nothing is left to say.
pub async fn resend(
    conn: &mut Conn,
    because: Because<'_>,
    workspace_id: &str,
    id: &str,
    now: DateTime<Utc>,
) -> Result<Notification, ActionError> {
    let row = lock(conn, workspace_id, id).await?;
    let first = row.resend_of.clone().unwrap_or_else(|| row.id.clone());
    // Whoever asks at the same time waits here, and then finds the repeat.
    lock(conn, workspace_id, &first).await?;
    if row.state.is_open() {
        return Err(ActionError::Refused(format!("it is still open ({})", row.state)));
    }
    if row.state == NotificationState::Skipped || row.has(Reason::Deleted) {
        return Err(ActionError::Refused(nothing_to_send(&row)));
    }
    if let Some(open) = ledger::open_resend(conn, &first).await? {
        return Err(ActionError::Refused(format!("it is being sent anew already, as {open}")));
    }
    check_way(conn, because.author, &row).await?;
    let new = IdKind::Notification.fresh(now);
    ledger::resend(conn, &row, &new, row.deadline.max(now + RESEND_WITHIN), now).await?;
    let diff = Diff::field("resend", serde_json::Value::Null, new.as_str());
    log(conn, because, &row, "notification_resent", diff, now).await?;
    found(conn, workspace_id, &new).await
}

const BUSY: &str = "a worker is delivering it right now; look again in a moment";

fn nothing_to_send(row: &ByHand) -> String {
    let reason = row.reason.as_deref().unwrap_or("no reason is known").replace('_', " ");
    format!("it was {} ({reason}): there was nothing to send, and `explain` says why", row.state)
}

fn instant(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// Refuses what could not, or must not, reach its recipient.
async fn check_way(conn: &mut Conn, author: &Author, row: &ByHand) -> Result<(), ActionError> {
    if author.mode == Mode::Test && row.mode == Mode::Live {
        return Err(ActionError::Refused(
            "a test key cannot have a live notification sent".to_owned(),
        ));
    }
    let flagged = addresses::flagged_at(conn, row.recipient_type, &row.recipient_id, row.channel);
    if let Some(at) = flagged.await? {
        let address = match row.channel {
            Channel::Email => "mail address",
            Channel::Slack => "Slack id",
        };
        return Err(ActionError::Refused(format!(
            "the recipient's {address} was refused on {}; correct or clear it first",
            instant(at)
        )));
    }
    Ok(())
}

async fn lock(conn: &mut Conn, workspace_id: &str, id: &str) -> Result<ByHand, ActionError> {
    ledger::lock(conn, workspace_id, id).await?.ok_or(ActionError::NotFound("notification"))
}

async fn found(conn: &mut Conn, workspace_id: &str, id: &str) -> Result<Notification, ActionError> {
    let found = notifications::find(conn, workspace_id, id).await?;
    found.ok_or(ActionError::NotFound("notification"))
}

/// Records a change of state, and answers with the row as it is now.
async fn done(
    conn: &mut Conn,
    because: Because<'_>,
    row: &ByHand,
    event: &str,
    now: DateTime<Utc>,
) -> Result<Notification, ActionError> {
    let after = found(conn, &row.workspace_id, &row.id).await?;
    let diff = Diff::field("state", row.state.as_str(), after.state.as_str());
    log(conn, because, row, event, diff, now).await?;
    Ok(after)
}

async fn log(
    conn: &mut Conn,
    because: Because<'_>,
    row: &ByHand,
    event: &str,
    diff: Diff,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    let entry = Entry {
        workspace_id: &row.workspace_id,
        event,
        object: "notification",
        object_id: &row.id,
        diff,
        reason: Some(because.reason),
    };
    audit::append(conn, because.author, entry, now).await
}
