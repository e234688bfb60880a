//! What operators do to single notifications: look, try again, cancel, send anew, say what became of one in doubt.
//!
//! Each action is a change of state in the ledger, never a job pushed past it, and each is recorded with who did it and why. What would
//! have no effect, or another than its name says, is refused in words. Mode is kept: what a test key caused stays suppressed, and a test
//! key moves nothing live towards a person.

use std::collections::HashMap;

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};

use super::ActionError;
use crate::db::{Conn, DbError};
use crate::domain::ids::IdKind;
use crate::domain::message::Message;
use crate::domain::values::{BulkAction, Channel, Mode, NotificationState, Reason};
use crate::queue::Queue;
use crate::store::audit::{self, Author, Diff, Entry};
use crate::store::ledger::{self, Before, ByHand};
use crate::store::notifications::{self, Attempt, Subject};
use crate::store::{addresses, processes, queues};

pub use crate::store::notifications::{Cursor, Filter, Notification, count_up_to, list};

/// How long a message that was asked for anew may take: long enough for a nudge that has to wait for Monday.
const RESEND_WITHIN: TimeDelta = TimeDelta::days(3);

/// One notification with everything that is kept of it.
#[derive(Clone, Debug)]
pub struct Details {
    /// Its workspace.
    pub workspace_id: String,
    /// Its row.
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
        workspace_id: workspace_id.to_owned(),
        message: ledger::message(conn, id).await?.map(Message::for_others),
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
    permit(no_retry(&row, now))?;
    check_way(conn, because.author, &row).await?;
    ledger::reopen(conn, &row, now).await?;
    done(conn, because, &row, "notification_retried", now).await
}

/// Why a row cannot be tried again, if so.
fn no_retry(row: &ByHand, now: DateTime<Utc>) -> Option<String> {
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
        NotificationState::Skipped | NotificationState::Cancelled => Some(nothing_to_send(row)),
    };
    let late = (now >= row.deadline).then(|| {
        let instead = if row.state.is_open() { "it expires" } else { "re-send it instead" };
        format!("its deadline, {}, has passed; {instead}", instant(row.deadline))
    });
    let copied = (row.is_in_doubt() && row.resent).then(|| {
        "its one extra copy was sent already; look whether it arrived, then say so or re-send it"
            .to_owned()
    });
    refusal.or(copied).or(late)
}

/// Why a row cannot be cancelled, if so.
fn no_cancel(row: &ByHand) -> Option<String> {
    if row.state == NotificationState::Sending {
        Some(BUSY.to_owned())
    } else if row.state.is_open() {
        None
    } else {
        Some(format!("it has ended already, as {}", row.state))
    }
}

/// Why a row cannot be sent anew, if so, as far as the row itself tells.
fn no_resend(row: &ByHand) -> Option<String> {
    if row.state.is_open() {
        Some(format!("it is still open ({})", row.state))
    } else if row.state == NotificationState::Skipped || row.has(Reason::Deleted) {
        Some(nothing_to_send(row))
    } else {
        None
    }
}

/// What would be refused of one notification, each with why, in the words in which it will be; what is not in it would be done.
pub async fn refusals(
    conn: &mut Conn,
    author: &Author,
    workspace_id: &str,
    id: &str,
    now: DateTime<Utc>,
) -> Result<Vec<(BulkAction, String)>, DbError> {
    let mut refused = Vec::new();
    let rows = ledger::rows(conn, workspace_id, &[id.to_owned()]).await?;
    for row in &rows {
        for action in BulkAction::ALL {
            let mut known = Addresses::new();
            let refusal = refusal(conn, author, row, *action, &mut known, now).await?;
            refused.extend(refusal.map(|why| (*action, why)));
        }
    }
    Ok(refused)
}

fn permit(refusal: Option<String>) -> Result<(), ActionError> {
    refusal.map_or(Ok(()), |refusal| Err(ActionError::Refused(refusal)))
}

/// When a recipient's address was refused, as far as it was looked up.
pub(super) type Addresses = HashMap<(String, Channel), Option<DateTime<Utc>>>;

/// Why the action would be refused, if so, in the words in which it will be. Changes and locks nothing.
pub(super) async fn refusal(
    conn: &mut Conn,
    author: &Author,
    row: &ByHand,
    action: BulkAction,
    known: &mut Addresses,
    now: DateTime<Utc>,
) -> Result<Option<String>, DbError> {
    let refusal = match action {
        BulkAction::Cancel => return Ok(no_cancel(row)),
        BulkAction::Retry => no_retry(row, now),
        BulkAction::Resend => no_resend(row),
    };
    if refusal.is_some() {
        return Ok(refusal);
    }
    if action == BulkAction::Resend {
        let first = row.resend_of.as_deref().unwrap_or(&row.id);
        if let Some(open) = ledger::open_resend(conn, first).await? {
            return Ok(Some(sent_already(&open)));
        }
    }
    let address = (row.recipient_id.clone(), row.channel);
    let flagged_at = if let Some(known) = known.get(&address) {
        *known
    } else {
        let (to, id) = (row.recipient_type, &row.recipient_id);
        let found = addresses::flagged_at(conn, to, id, row.channel).await?;
        known.insert(address, found);
        found
    };
    Ok(no_way(author, row, flagged_at))
}

/// Puts a row back to how it stood before an action, unless something has come of that already.
pub(super) async fn restore(
    conn: &mut Conn,
    because: Because<'_>,
    workspace_id: &str,
    id: &str,
    before: &Before,
    now: DateTime<Utc>,
) -> Result<(), ActionError> {
    let row = lock(conn, workspace_id, id).await?;
    let cancelled =
        row.state == NotificationState::Cancelled && row.has(Reason::CancelledByOperator);
    let waits = row.state.is_open() && row.state != NotificationState::Sending;
    if row.claim_count != before.claim_count || !(cancelled || waits) {
        return Err(ActionError::Refused(format!(
            "a worker has had it since; it is {}",
            row.state
        )));
    }
    if because.author.mode == Mode::Test && row.mode == Mode::Live && before.state.is_open() {
        return Err(ActionError::Refused(
            "a test key cannot have a live notification sent".to_owned(),
        ));
    }
    if before.finished_at.is_none() && now >= row.deadline {
        let late = format!("its deadline, {}, has passed", instant(row.deadline));
        return Err(ActionError::Refused(late));
    }
    ledger::restore(conn, &row, before, now).await?;
    done(conn, because, &row, "notification_restored", now).await.map(drop)
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
    permit(refusal)?;
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
    permit(no_cancel(&row))?;
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
    permit(no_resend(&row))?;
    if let Some(open) = ledger::open_resend(conn, &first).await? {
        return Err(ActionError::Refused(sent_already(&open)));
    }
    check_way(conn, because.author, &row).await?;
    let new = IdKind::Notification.fresh(now);
    ledger::resend(conn, &row, &new, row.deadline.max(now + RESEND_WITHIN), now).await?;
    let diff = Diff::field("resend", serde_json::Value::Null, new.as_str());
    log(conn, because, &row, "notification_resent", diff, now).await?;
    found(conn, workspace_id, &new).await
}

const BUSY: &str = "a worker is delivering it right now; look again in a moment";

fn sent_already(open: &str) -> String {
    format!("it is being sent anew already, as {open}")
}

fn nothing_to_send(row: &ByHand) -> String {
    let reason = row.reason.as_deref().unwrap_or("no reason is known").replace('_', " ");
    format!("it was {} ({reason}): there was nothing to send, and `explain` says why", row.state)
}

pub(super) fn instant(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// Refuses what could not, or must not, reach its recipient.
async fn check_way(conn: &mut Conn, author: &Author, row: &ByHand) -> Result<(), ActionError> {
    let flagged = addresses::flagged_at(conn, row.recipient_type, &row.recipient_id, row.channel);
    permit(no_way(author, row, flagged.await?))
}

fn no_way(author: &Author, row: &ByHand, flagged_at: Option<DateTime<Utc>>) -> Option<String> {
    if author.mode == Mode::Test && row.mode == Mode::Live {
        return Some("a test key cannot have a live notification sent".to_owned());
    }
    let address = match row.channel {
        Channel::Email => "mail address",
        Channel::Slack => "Slack id",
    };
    flagged_at.map(|at| {
        let at = instant(at);
        format!("the recipient's {address} was refused on {at}; correct or clear it first")
    })
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
