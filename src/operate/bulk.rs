//! One action on everything that matches a filter: planned, looked at, applied exactly as planned, and for a while taken back.
//!
//! The plan keeps the ids. Applying names their hash, so nobody applies another plan than the one they saw; a worker goes through them in
//! small transactions, each with its part of the cursor, so a crash costs nothing and nothing is done twice. Each notification is still
//! asked for itself: what has changed since the plan refuses, in its own words, and the rest goes on.

use std::collections::HashMap;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::types::Json;
use tokio_util::sync::CancellationToken;

use super::ActionError;
use super::keys::sha256;
use super::notifications::{self, Because, Cursor};
use crate::clock::Clock;
use crate::db::{Conn, Db, DbError};
use crate::domain::values::{BulkAction, BulkResult, BulkState, Mode};
use crate::store::audit::{self, Diff, Entry};
use crate::store::bulk::{self, Item, NewOperation};
use crate::store::ledger::{self, Before};
use crate::store::notifications as search;

pub use crate::store::bulk::{Conflict, Operation, Wanted};

/// Most notifications that one plan takes in; a request that plans more would outlast its time.
const MOST: usize = 10_000;

/// How long a plan can be applied: what it was looked at for is too old then.
const PLAN_LASTS: TimeDelta = TimeDelta::hours(1);

/// How long an operation can be taken back.
const UNDO_WITHIN: TimeDelta = TimeDelta::minutes(10);

/// Notifications per transaction.
const STEP: i64 = 25;

/// How often an idle worker looks for something to do.
const LOOK: Duration = Duration::from_millis(500);

/// Plans an action on everything that matches. Nothing is changed but that the plan is kept.
pub async fn plan(
    conn: &mut Conn,
    because: Because<'_>,
    workspace_id: &str,
    action: BulkAction,
    wanted: &Wanted,
    now: DateTime<Utc>,
) -> Result<Operation, ActionError> {
    if wanted.is_everything() {
        return Err(ActionError::Refused(
            "an empty filter means everything; name at least one thing to act on".to_owned(),
        ));
    }
    let most = i64::try_from(MOST).unwrap_or(i64::MAX);
    let filter = wanted.filter();
    let keys = search::keys(conn, workspace_id, &filter, &Cursor::start(), most + 1).await?;
    if keys.len() > MOST {
        let refusal = "more than 10,000 notifications match; narrow the filter, by created_before for example";
        return Err(ActionError::Refused(refusal.to_owned()));
    }
    let matched: Vec<String> = keys.into_iter().map(|(id, _)| id).collect();
    let mut ids = Vec::new();
    let mut conflicts = Vec::new();
    let mut flagged = HashMap::new();
    for chunk in matched.chunks(500) {
        let rows = ledger::rows(conn, workspace_id, chunk).await?;
        let mut rows: HashMap<String, _> =
            rows.into_iter().map(|row| (row.id.clone(), row)).collect();
        for id in chunk {
            let Some(row) = rows.remove(id) else { continue };
            let refusal =
                notifications::refusal(conn, because.author, &row, action, &mut flagged, now);
            match refusal.await? {
                None => ids.push(row.id),
                Some(reason) => conflicts.push(Conflict { notification_id: row.id, reason }),
            }
        }
    }
    let hash = sha256(ids.join("\n"));
    let new = NewOperation {
        workspace_id,
        action,
        filter: wanted,
        author: because.author,
        reason: because.reason,
        ids: &ids,
        hash: &hash,
        conflicts: &conflicts,
    };
    let id = bulk::create(conn, new, now).await?;
    let planned = found(conn, workspace_id, &id).await?;
    log(conn, because, &planned, "bulk_planned", now).await?;
    Ok(planned)
}

/// One operation of a workspace, as it stands at `now`.
pub async fn show(
    conn: &mut Conn,
    workspace_id: &str,
    id: &str,
    now: DateTime<Utc>,
) -> Result<Option<Operation>, DbError> {
    Ok(bulk::find(conn, workspace_id, id).await?.map(|operation| at(operation, now)))
}

/// The newest operations of a workspace that are older than `before`, newest first.
pub async fn list(
    conn: &mut Conn,
    workspace_id: &str,
    before: DateTime<Utc>,
    limit: i64,
    now: DateTime<Utc>,
) -> Result<Vec<Operation>, DbError> {
    let found = bulk::list(conn, workspace_id, before, limit).await?;
    Ok(found.into_iter().map(|operation| at(operation, now)).collect())
}

/// What became of an operation that was taken back, in words.
#[must_use]
pub fn taken_back(operation: &Operation) -> String {
    let Operation { undone, kept, refused, .. } = operation;
    format!("{undone} taken back, {kept} had gone out or changed, {refused} refused")
}

fn at(mut operation: Operation, now: DateTime<Utc>) -> Operation {
    if operation.state == BulkState::Planned && now >= operation.created_at + PLAN_LASTS {
        operation.state = BulkState::Expired;
    }
    operation
}

/// Has a plan carried out by the workers. `hash` is the one that was seen.
pub async fn apply(
    conn: &mut Conn,
    because: Because<'_>,
    workspace_id: &str,
    id: &str,
    hash: &str,
    now: DateTime<Utc>,
) -> Result<Operation, ActionError> {
    let mut operation = at(lock(conn, workspace_id, id).await?, now);
    let refusal = match operation.state {
        BulkState::Expired => Some("the plan is older than an hour; plan it anew"),
        BulkState::Planned if operation.hash != hash => {
            Some("the hash is not that of the plan; look at the plan again")
        }
        BulkState::Planned if operation.count == 0 => Some("there is nothing in it to act on"),
        BulkState::Planned if moves_live(&operation, because, operation.action) => {
            Some("a test key cannot have a live notification sent")
        }
        BulkState::Planned => None,
        _ => Some("it was applied already"),
    };
    if let Some(refusal) = refusal {
        return Err(ActionError::Refused(refusal.to_owned()));
    }
    operation.state = BulkState::Applying;
    operation.applied_at = Some(now);
    operation.undo_until = Some(now + UNDO_WITHIN);
    operation.hand_to(because.author, None);
    bulk::save(conn, &operation, now).await?;
    log(conn, because, &operation, "bulk_applied", now).await?;
    Ok(operation)
}

/// Has an operation taken back by the workers, as far as nothing has been sent: also one that is not through yet.
pub async fn undo(
    conn: &mut Conn,
    because: Because<'_>,
    workspace_id: &str,
    id: &str,
    now: DateTime<Utc>,
) -> Result<Operation, ActionError> {
    let mut operation = at(lock(conn, workspace_id, id).await?, now);
    let refusal = match operation.state {
        BulkState::Applying | BulkState::Applied => {
            let until = operation.undo_until.unwrap_or(now);
            if now >= until {
                Some(format!("it could be taken back until {}", notifications::instant(until)))
            } else if operation.action == BulkAction::Cancel
                && moves_live(&operation, because, BulkAction::Retry)
            {
                Some("a test key cannot have a live notification sent".to_owned())
            } else {
                None
            }
        }
        BulkState::Planned | BulkState::Expired => Some("it was never applied".to_owned()),
        BulkState::Undoing | BulkState::Undone => Some("it was taken back already".to_owned()),
    };
    if let Some(refusal) = refusal {
        return Err(ActionError::Refused(refusal));
    }
    operation.state = BulkState::Undoing;
    operation.hand_to(because.author, Some(because.reason));
    bulk::save(conn, &operation, now).await?;
    log(conn, because, &operation, "bulk_undone", now).await?;
    Ok(operation)
}

/// Whether a test key would have something live sent that a live key has planned.
fn moves_live(operation: &Operation, because: Because<'_>, action: BulkAction) -> bool {
    action != BulkAction::Cancel
        && because.author.mode == Mode::Test
        && operation.mode == Mode::Live
}

/// Carries out what was applied or is taken back, until told to stop. Any number of workers may: they take turns at the operation's row.
pub async fn run(db: Db, clock: Clock, stop: CancellationToken) {
    let mut failed = false;
    while !stop.is_cancelled() {
        match step(&db, clock.now()).await {
            Ok(true) => {
                failed = false;
                continue;
            }
            Ok(false) => failed = false,
            Err(error) if !failed => {
                failed = true;
                tracing::warn!(%error, "a bulk operation cannot go on, trying again");
            }
            Err(_) => {}
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(LOOK) => {}
        }
    }
}

/// Deals with the next few notifications of the operation that has waited longest; `false` if there is none.
pub async fn step(db: &Db, now: DateTime<Utc>) -> Result<bool, DbError> {
    let mut read = db.read().await?;
    let busy = bulk::busy(&mut read).await?;
    drop(read);
    let Some((workspace_id, id)) = busy else { return Ok(false) };
    let mut conn = db.begin().await?;
    let Some(mut operation) = bulk::lock(&mut conn, &workspace_id, &id).await? else {
        return Ok(false);
    };
    let (author, reason) = (operation.author(), operation.because().to_owned());
    let because = Because { author: &author, reason: &reason };
    match operation.state {
        BulkState::Applying => go_on(&mut conn, because, &mut operation, now).await?,
        BulkState::Undoing => go_back(&mut conn, because, &mut operation, now).await?,
        // Another worker has just finished it.
        _ => return Ok(true),
    }
    bulk::save(&mut conn, &operation, now).await?;
    conn.commit().await?;
    Ok(true)
}

async fn go_on(
    conn: &mut Conn,
    because: Because<'_>,
    operation: &mut Operation,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    let from = operation.cursor + 1;
    for mut item in bulk::items(conn, &operation.id, from, operation.cursor + STEP).await? {
        let id = item.notification_id.clone();
        let before = ledger::lock(conn, &operation.workspace_id, &id).await?.map(Before::from);
        let done = match operation.action {
            BulkAction::Retry => {
                notifications::retry(conn, because, &operation.workspace_id, &id, now).await
            }
            BulkAction::Cancel => {
                notifications::cancel(conn, because, &operation.workspace_id, &id, now).await
            }
            BulkAction::Resend => {
                notifications::resend(conn, because, &operation.workspace_id, &id, now).await
            }
        };
        match done {
            Ok(row) => {
                item.result = Some(BulkResult::Done);
                item.before = before.map(Json);
                item.resent_as = (operation.action == BulkAction::Resend).then_some(row.id);
            }
            Err(ActionError::Db(error)) => return Err(error),
            Err(refusal) => {
                item.result = Some(BulkResult::Refused);
                item.words = Some(refusal.to_string());
                operation.refused += 1;
                left_alone(operation, id, &refusal);
            }
        }
        operation.cursor = item.number;
        bulk::save_item(conn, &operation.id, &item).await?;
    }
    if operation.cursor >= operation.count {
        operation.state = BulkState::Applied;
    }
    Ok(())
}

async fn go_back(
    conn: &mut Conn,
    because: Because<'_>,
    operation: &mut Operation,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    let mut items =
        bulk::items(conn, &operation.id, operation.cursor - STEP + 1, operation.cursor).await?;
    items.reverse();
    for mut item in items {
        if item.result == Some(BulkResult::Done) {
            match take_back(conn, because, operation, &item, now).await {
                Ok(()) => item.result = Some(BulkResult::Undone),
                Err(ActionError::Db(error)) => return Err(error),
                Err(refusal) => {
                    item.result = Some(BulkResult::Kept);
                    item.words = Some(refusal.to_string());
                    left_alone(operation, item.notification_id.clone(), &refusal);
                }
            }
            bulk::save_item(conn, &operation.id, &item).await?;
        }
        operation.cursor = item.number - 1;
    }
    if operation.cursor <= 0 {
        operation.cursor = 0;
        operation.state = BulkState::Undone;
    }
    Ok(())
}

/// Shows, as far as there is room, what was not done to a notification, and why.
fn left_alone(operation: &mut Operation, notification_id: String, refusal: &ActionError) {
    if operation.conflicts.len() < bulk::SHOWN {
        operation.conflicts.push(Conflict { notification_id, reason: refusal.to_string() });
    }
}

async fn take_back(
    conn: &mut Conn,
    because: Because<'_>,
    operation: &Operation,
    item: &Item,
    now: DateTime<Utc>,
) -> Result<(), ActionError> {
    let workspace_id = &operation.workspace_id;
    match (operation.action, &item.resent_as, &item.before) {
        (BulkAction::Resend, Some(new), _) => {
            notifications::cancel(conn, because, workspace_id, new, now).await.map(drop)
        }
        (_, _, Some(before)) => {
            let id = &item.notification_id;
            notifications::restore(conn, because, workspace_id, id, before, now).await
        }
        _ => Err(ActionError::NotFound("notification")),
    }
}

async fn lock(conn: &mut Conn, workspace_id: &str, id: &str) -> Result<Operation, ActionError> {
    bulk::lock(conn, workspace_id, id).await?.ok_or(ActionError::NotFound("bulk operation"))
}

async fn found(conn: &mut Conn, workspace_id: &str, id: &str) -> Result<Operation, ActionError> {
    bulk::find(conn, workspace_id, id).await?.ok_or(ActionError::NotFound("bulk operation"))
}

async fn log(
    conn: &mut Conn,
    because: Because<'_>,
    operation: &Operation,
    event: &str,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    let entry = Entry {
        workspace_id: &operation.workspace_id,
        event,
        object: "bulk_operation",
        object_id: &operation.id,
        diff: Diff::created(&serde_json::json!({
            "action": operation.action, "filter": operation.filter, "count": operation.count, "hash": operation.hash,
        })),
        reason: Some(because.reason),
    };
    audit::append(conn, because.author, entry, now).await
}
