//! What an operator does to a row: has it tried again, says that it arrived, has it sent anew. Whether that is allowed is decided in
//! `operate::notifications`; cancelling is [`end_waiting`](super::end_waiting).

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

use super::reminded::{give_back, take_back};
use crate::db::{Conn, DbError};
use crate::domain::values::{Channel, Kind, Mode, NotificationState, Reason, RecipientType};
use crate::queue::{self, Queue};
use crate::store::fetch_locked;
use crate::{fetch_by_ids, on};

/// A row as an operator's action finds it.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct ByHand {
    /// `ntf_…`
    pub id: String,
    /// Its workspace.
    pub workspace_id: String,
    /// What it is about.
    #[sqlx(try_from = "String")]
    pub kind: Kind,
    /// How it goes out.
    #[sqlx(try_from = "String")]
    pub channel: Channel,
    /// Whether it may reach anybody.
    #[sqlx(try_from = "String")]
    pub mode: Mode,
    /// Where it stands.
    #[sqlx(try_from = "String")]
    pub state: NotificationState,
    /// Why.
    pub reason: Option<String>,
    /// Whom it is for.
    #[sqlx(try_from = "String")]
    pub recipient_type: RecipientType,
    /// Their id.
    pub recipient_id: String,
    /// Local date of its slot or step.
    pub slot_date: NaiveDate,
    /// Earliest next delivery.
    pub not_before: DateTime<Utc>,
    /// Latest delivery.
    pub deadline: DateTime<Utc>,
    /// Whether the one extra copy after an ambiguous attempt was used up.
    pub resent: bool,
    /// The notification that it repeats.
    pub resend_of: Option<String>,
    /// When it was sent.
    pub sent_at: Option<DateTime<Utc>>,
    /// The reason's numbers in words.
    pub detail: Option<String>,
    /// Attempts that counted.
    pub attempt_count: i64,
    /// Claims ever: as long as it stays the same, no worker has had the row.
    pub claim_count: i64,
    /// When it came to its end.
    pub finished_at: Option<DateTime<Utc>>,
}

/// How a row stood before something was done to it, for whoever takes that back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Before {
    /// Where it stood.
    pub state: NotificationState,
    /// Why.
    pub reason: Option<String>,
    /// The reason's numbers in words.
    pub detail: Option<String>,
    /// Earliest next delivery.
    pub not_before: DateTime<Utc>,
    /// Attempts that counted.
    pub attempt_count: i64,
    /// Claims until then.
    pub claim_count: i64,
    /// When it came to its end.
    pub finished_at: Option<DateTime<Utc>>,
}

impl From<ByHand> for Before {
    fn from(row: ByHand) -> Self {
        Self {
            state: row.state,
            reason: row.reason,
            detail: row.detail,
            not_before: row.not_before,
            attempt_count: row.attempt_count,
            claim_count: row.claim_count,
            finished_at: row.finished_at,
        }
    }
}

impl ByHand {
    /// Whether it ended without anybody knowing if it arrived, or still waits for somebody to know.
    #[must_use]
    pub fn is_in_doubt(&self) -> bool {
        self.state == NotificationState::Ambiguous
            || (self.state == NotificationState::Failed && self.has(Reason::OutcomeUnknown))
    }

    /// Whether it stands as it does for this reason.
    #[must_use]
    pub fn has(&self, reason: Reason) -> bool {
        self.reason.as_deref() == Some(reason.as_str())
    }
}

/// A row of the workspace, locked until the transaction ends.
pub async fn lock(
    conn: &mut Conn,
    workspace_id: &str,
    id: &str,
) -> Result<Option<ByHand>, DbError> {
    fetch_locked!(
        conn,
        ByHand,
        "SELECT id, workspace_id, kind, channel, mode, state, reason, recipient_type, recipient_id, slot_date, not_before, deadline, resent,
           resend_of, sent_at, detail, attempt_count, claim_count, finished_at
         FROM notifications WHERE workspace_id = $1 AND id = $2",
        workspace_id,
        id
    )
}

/// Rows of the workspace as they stand now, in no order and in nobody's way.
pub async fn rows(
    conn: &mut Conn,
    workspace_id: &str,
    ids: &[String],
) -> Result<Vec<ByHand>, DbError> {
    let mut rows = fetch_by_ids!(
        conn,
        ByHand,
        "SELECT id, workspace_id, kind, channel, mode, state, reason, recipient_type, recipient_id, slot_date, not_before, deadline, resent,
           resend_of, sent_at, detail, attempt_count, claim_count, finished_at
         FROM notifications WHERE id",
        ids,
        ""
    )?;
    // Not in the statement: SQLite would read the whole workspace for it.
    rows.retain(|row| row.workspace_id == workspace_id);
    Ok(rows)
}

/// Puts a row back to how it stood before; a digest counts as a reminder again, or no longer, as it did then.
pub async fn restore(
    conn: &mut Conn,
    row: &ByHand,
    before: &Before,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    const SQL: &str = "UPDATE notifications SET state = $2, reason = $3, detail = $4, not_before = $5, attempt_count = $6, finished_at = $7,
           delivery_count = 0, pushed_at = $8, updated_at = $8 WHERE id = $1";
    on!(conn, |c| sqlx::query(SQL)
        .bind(&row.id)
        .bind(before.state.as_str())
        .bind(&before.reason)
        .bind(&before.detail)
        .bind(before.not_before)
        .bind(before.attempt_count)
        .bind(before.finished_at)
        .bind(now)
        .execute(c)
        .await
        .map(drop))?;
    if before.state.counts_as_reminded() {
        count_as_reminded(conn, row, &row.id).await?;
    } else if row.kind == Kind::Digest {
        give_back(conn, std::slice::from_ref(&row.id), now).await?;
    }
    if before.finished_at.is_none() {
        queue::push(conn, Queue::of(row.kind, row.channel), std::slice::from_ref(&row.id)).await?;
    }
    Ok(())
}

/// Makes a row ready at once; one that had ended gets all its attempts anew. One in doubt stays so: its next copy is the one extra copy.
pub async fn reopen(conn: &mut Conn, row: &ByHand, now: DateTime<Utc>) -> Result<(), DbError> {
    const SQL: &str = "UPDATE notifications SET state = $2, reason = $3, detail = NULL, not_before = $4,
           attempt_count = CASE WHEN finished_at IS NULL THEN attempt_count ELSE 0 END, delivery_count = 0, finished_at = NULL, pushed_at = $4, updated_at = $4
         WHERE id = $1";
    let (state, reason) = if row.is_in_doubt() {
        (NotificationState::Ambiguous, Some(Reason::OutcomeUnknown))
    } else {
        (NotificationState::Scheduled, None)
    };
    on!(conn, |c| sqlx::query(SQL)
        .bind(&row.id)
        .bind(state.as_str())
        .bind(reason.map(Reason::as_str))
        .bind(now)
        .execute(c)
        .await
        .map(drop))?;
    count_as_reminded(conn, row, &row.id).await?;
    queue::push(conn, Queue::of(row.kind, row.channel), std::slice::from_ref(&row.id)).await
}

/// Ends a row in doubt as sent: somebody knows that it arrived, with the attempt that nobody answered for.
pub async fn settle(conn: &mut Conn, row: &ByHand, now: DateTime<Utc>) -> Result<(), DbError> {
    const SQL: &str = "UPDATE notifications SET state = 'sent', reason = NULL, detail = NULL, finished_at = $2, updated_at = $2,
           sent_at = COALESCE((SELECT max(a.at) FROM attempts a WHERE a.notification_id = notifications.id AND a.outcome = 'ambiguous'), $2)
         WHERE id = $1";
    on!(conn, |c| sqlx::query(SQL).bind(&row.id).bind(now).execute(c).await.map(drop))?;
    count_as_reminded(conn, row, &row.id).await
}

/// Writes a new row that repeats `row` under the id and deadline given, with the same items and mode, ready at once.
pub async fn resend(
    conn: &mut Conn,
    row: &ByHand,
    id: &str,
    deadline: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    // COALESCE tells PostgreSQL the type of a bare parameter.
    const ROW: &str = "INSERT INTO notifications (id, workspace_id, kind, channel, mode, recipient_type, recipient_id, subject_id, slot_date, step,
           step_days, escalation, dedupe_key, state, due_at, not_before, deadline, attempt_count, delivery_count, claim_count, resent, resend_of,
           pushed_at, created_at, updated_at)
         SELECT $2, workspace_id, kind, channel, mode, recipient_type, recipient_id, subject_id, slot_date, step,
           step_days, escalation, 'resend:' || $2, 'scheduled', COALESCE($3, due_at), COALESCE($3, not_before), COALESCE($4, deadline), 0, 0, 0, false,
           COALESCE(resend_of, id), COALESCE($3, pushed_at), COALESCE($3, created_at), COALESCE($3, updated_at)
         FROM notifications WHERE id = $1";
    const ITEMS: &str = "INSERT INTO notification_items (notification_id, onboarding_id, before)
         SELECT $2, onboarding_id, before FROM notification_items WHERE notification_id = $1";
    on!(conn, |c| sqlx::query(ROW)
        .bind(&row.id)
        .bind(id)
        .bind(now)
        .bind(deadline)
        .execute(c)
        .await
        .map(drop))?;
    on!(conn, |c| sqlx::query(ITEMS).bind(&row.id).bind(id).execute(c).await.map(drop))?;
    count_as_reminded(conn, row, id).await?;
    queue::push(conn, Queue::of(row.kind, row.channel), &[id.to_owned()]).await
}

/// The repeat of a notification that has not come to its end yet.
pub async fn open_resend(conn: &mut Conn, first: &str) -> Result<Option<String>, DbError> {
    const SQL: &str =
        "SELECT id FROM notifications WHERE resend_of = $1 AND finished_at IS NULL LIMIT 1";
    let found: Option<(String,)> =
        on!(conn, |c| sqlx::query_as(SQL).bind(first).fetch_optional(c).await?);
    Ok(found.map(|(id,)| id))
}

async fn count_as_reminded(conn: &mut Conn, row: &ByHand, id: &str) -> Result<(), DbError> {
    if row.kind == Kind::Digest { take_back(conn, id, row.slot_date).await } else { Ok(()) }
}
