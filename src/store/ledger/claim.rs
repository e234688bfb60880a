//! A row comes into the hands of one worker.

use chrono::{DateTime, NaiveDate, Utc};

use crate::db::{Conn, DbError, Dialect, json_list};
use crate::domain::values::{Channel, Kind, Mode, Reason};
use crate::{fetch_by_ids, on};

/// A row in the hands of one worker.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Claimed {
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
    /// Whom it is for.
    pub recipient_id: String,
    /// The onboarding of a nudge.
    pub subject_id: Option<String>,
    /// Local date of its slot or step.
    pub slot_date: NaiveDate,
    /// Rung of the ladder.
    pub step: Option<i64>,
    /// Whether the recipient is the escalation user.
    pub escalation: bool,
    /// Why it waited, if it did.
    pub reason: Option<String>,
    /// The instant it is meant for.
    pub due_at: Option<DateTime<Utc>>,
    /// Latest delivery.
    pub deadline: DateTime<Utc>,
    /// Attempts so far that count.
    pub attempt_count: i64,
    /// Deliveries in a row without an outcome, this one included.
    pub delivery_count: i64,
    /// Number of this attempt.
    pub claim_count: i64,
    /// Whether the extra copy after an ambiguous attempt is this one, or was sent already.
    pub resent: bool,
    /// The mail's `Date`.
    pub first_attempt_at: DateTime<Utc>,
    /// The fence.
    pub lease_token: String,
}

const CLAIMED: &str = "id, workspace_id, kind, channel, mode, recipient_id, subject_id, slot_date, step, escalation, reason, due_at, deadline,
   attempt_count, delivery_count, claim_count, resent, first_attempt_at, lease_token";

/// A row as a job finds it, before anything is claimed.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Waiting {
    /// `ntf_…`
    pub id: String,
    /// Its workspace.
    pub workspace_id: String,
    /// What it is about.
    #[sqlx(try_from = "String")]
    pub kind: Kind,
    /// Whether it may reach anybody; decides whether a session is opened at all.
    #[sqlx(try_from = "String")]
    pub mode: Mode,
    /// How it goes out.
    #[sqlx(try_from = "String")]
    pub channel: Channel,
}

/// Those of `ids` that are ready, in nobody's hands and made of known words. Does not say "unfinished", which these states imply: the planner would take
/// the sweeper's index for it and read the whole backlog instead of the rows named.
pub async fn waiting(
    conn: &mut Conn,
    ids: &[String],
    now: DateTime<Utc>,
) -> Result<Vec<Waiting>, DbError> {
    fetch_by_ids!(
        conn,
        Waiting,
        "SELECT id, workspace_id, kind, mode, channel FROM notifications
         WHERE state IN ('scheduled', 'deferred', 'ambiguous') AND not_before <= $2
           AND kind IN ('digest', 'stalled_phase', 'waiting_on_customer', 'customer_reminder') AND channel IN ('email', 'slack')
           AND mode IN ('live', 'test') AND id",
        ids,
        "",
        now
    )
}

/// Takes those of `ids` that are open, ready and in nobody's hands. Found by id alone, as [`waiting`] explains.
pub async fn claim(
    conn: &mut Conn,
    ids: &[String],
    owner: &str,
    token: &str,
    now: DateTime<Utc>,
) -> Result<Vec<Claimed>, DbError> {
    const POSTGRES: &str = const_str::concat!(
        "UPDATE notifications SET state = 'sending', stage = 'claimed', lease_owner = $3, lease_token = $4, resent = resent OR state = 'ambiguous',
           delivery_count = delivery_count + 1, claim_count = claim_count + 1, first_attempt_at = COALESCE(first_attempt_at, $2), updated_at = $2
         WHERE id IN (SELECT id FROM notifications WHERE id = ANY($1) AND state IN ('scheduled', 'deferred', 'ambiguous')
           AND not_before <= $2 ORDER BY id FOR UPDATE SKIP LOCKED)
         RETURNING ", CLAIMED
    );
    const SQLITE: &str = const_str::concat!(
        "UPDATE notifications SET state = 'sending', stage = 'claimed', lease_owner = $3, lease_token = $4, resent = resent OR state = 'ambiguous',
           delivery_count = delivery_count + 1, claim_count = claim_count + 1, first_attempt_at = COALESCE(first_attempt_at, $2), updated_at = $2
         WHERE id IN (SELECT value FROM json_each($1)) AND state IN ('scheduled', 'deferred', 'ambiguous') AND not_before <= $2
         RETURNING ", CLAIMED
    );
    match conn.dialect() {
        Dialect::Postgres(c) => {
            sqlx::query_as(POSTGRES).bind(ids).bind(now).bind(owner).bind(token).fetch_all(c).await
        }
        Dialect::Sqlite(c) => {
            sqlx::query_as(SQLITE)
                .bind(json_list(ids))
                .bind(now)
                .bind(owner)
                .bind(token)
                .fetch_all(c)
                .await
        }
    }
}

/// Lets go of a row that is to rest until `not_before`, which is when it is meant for from now on, and has until `deadline` then. `false` when the lease is lost.
pub async fn rest(
    conn: &mut Conn,
    row: &Claimed,
    not_before: DateTime<Utc>,
    deadline: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<bool, DbError> {
    const SQL: &str = "UPDATE notifications SET state = 'deferred', reason = $3, due_at = $4, not_before = $4, deadline = $5, pushed_at = $6, delivery_count = 0,
           lease_owner = NULL, lease_token = NULL, stage = NULL, updated_at = $7
         WHERE id = $1 AND lease_token = $2 AND state = 'sending'";
    let rows = on!(conn, |c| sqlx::query(SQL)
        .bind(&row.id)
        .bind(&row.lease_token)
        .bind(Reason::Snoozed.as_str())
        .bind(not_before)
        .bind(deadline)
        .bind(DateTime::UNIX_EPOCH)
        .bind(now)
        .execute(c)
        .await?
        .rows_affected());
    Ok(rows == 1)
}

/// Lets go of a row that goes out by another channel from now on. Its job waits in the queue of the old one, so the sweeper pushes it
/// again. `false` when the lease is lost.
pub async fn other_way(
    conn: &mut Conn,
    row: &Claimed,
    channel: Channel,
    now: DateTime<Utc>,
) -> Result<bool, DbError> {
    const SQL: &str = "UPDATE notifications SET state = 'scheduled', channel = $3, not_before = $5, pushed_at = $4, delivery_count = 0,
           lease_owner = NULL, lease_token = NULL, stage = NULL, updated_at = $5
         WHERE id = $1 AND lease_token = $2 AND state = 'sending'";
    let rows = on!(conn, |c| sqlx::query(SQL)
        .bind(&row.id)
        .bind(&row.lease_token)
        .bind(channel.as_str())
        .bind(DateTime::UNIX_EPOCH)
        .bind(now)
        .execute(c)
        .await?
        .rows_affected());
    Ok(rows == 1)
}

/// Notes that from now on the provider may have the message. Only for what is never repeated by itself (customers' mail, Slack):
/// a crash before this mark is known to have sent nothing. `false` when the lease is lost.
pub async fn mark_body(conn: &mut Conn, id: &str, token: &str) -> Result<bool, DbError> {
    const SQL: &str = "UPDATE notifications SET stage = 'body' WHERE id = $1 AND lease_token = $2 AND state = 'sending'";
    let rows =
        on!(conn, |c| sqlx::query(SQL).bind(id).bind(token).execute(c).await?.rows_affected());
    Ok(rows == 1)
}
