//! The sweeper's views: what is ready, what has passed its deadline, what is left to do.

use chrono::{DateTime, Utc};

use super::POISON_AFTER;
use super::UNTIL_DECIDED;
use super::reminded::give_back;
use crate::db::{Conn, DbError, Dialect, json_list};
use crate::domain::values::{Channel, Kind, NotificationState, Reason};
use crate::store::unsent;
use crate::{fetch_by_ids, on};

/// A row that is ready and may have no live job.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Ready {
    /// `ntf_…`
    pub id: String,
    /// What it is about.
    #[sqlx(try_from = "String")]
    pub kind: Kind,
    /// How it goes out.
    #[sqlx(try_from = "String")]
    pub channel: Channel,
    /// Its state.
    #[sqlx(try_from = "String")]
    pub state: NotificationState,
    /// Why it was deferred, if it was.
    pub reason: Option<String>,
    /// Latest delivery.
    pub deadline: DateTime<Utc>,
}

/// Whether something keeps a ready row `n` waiting at `$1`: an operator has paused its queue, or its channel is down, for which one that
/// is suppressed does not wait.
const HELD: &str = "(EXISTS (SELECT 1 FROM queue_pauses p WHERE p.workspace_id IN ('', n.workspace_id)
     AND p.queue = CASE WHEN n.kind = 'customer_reminder' THEN 'customer' ELSE n.channel END)
   OR (n.mode = 'live' AND EXISTS (SELECT 1 FROM channel_pauses c WHERE c.channel = n.channel AND c.until > $1)))";

/// Whether a row is made of words that this binary knows; what reads a row would fail over any other, and take its neighbours along.
const KNOWN: &str = "(kind IN ('digest', 'stalled_phase', 'waiting_on_customer', 'customer_reminder') AND channel IN ('email', 'slack')
   AND mode IN ('live', 'test'))";

/// Counts a delivery of every ready row that cannot be read and was last looked at before `looked_before`: a newer binary may have written
/// it and may yet read it. The third ends it as failed. Answers with the ids of those that ended.
pub async fn end_undecodable(
    conn: &mut Conn,
    now: DateTime<Utc>,
    looked_before: DateTime<Utc>,
) -> Result<Vec<String>, DbError> {
    const SQL: &str = const_str::concat!(
        "UPDATE notifications SET pushed_at = $1, delivery_count = delivery_count + 1,
           state = CASE WHEN delivery_count + 1 >= $3 THEN 'failed' ELSE state END,
           reason = CASE WHEN delivery_count + 1 >= $3 THEN 'undecodable' ELSE reason END,
           finished_at = CASE WHEN delivery_count + 1 >= $3 THEN $1 ELSE finished_at END, updated_at = $1
         WHERE finished_at IS NULL AND not_before <= $1 AND pushed_at < $2 AND state <> 'sending' AND NOT ",
        KNOWN,
        " RETURNING id, state"
    );
    let looked: Vec<(String, String)> = on!(conn, |c| sqlx::query_as(SQL)
        .bind(now)
        .bind(looked_before)
        .bind(POISON_AFTER)
        .fetch_all(c)
        .await?);
    let ended = looked.into_iter().filter(|(_, state)| state == NotificationState::Failed.as_str());
    let ended: Vec<String> = ended.map(|(id, _)| id).collect();
    unsent::note(conn, &ended, now).await?;
    Ok(ended)
}

/// Rows that wait, are ready at `now`, and were last pushed before `pushed_before` (or, by a clock that ran ahead, after `now`). Those
/// that are held back are left out until their deadline has passed.
pub async fn ready(
    conn: &mut Conn,
    now: DateTime<Utc>,
    pushed_before: DateTime<Utc>,
    limit: i64,
) -> Result<Vec<Ready>, DbError> {
    const SQL: &str = const_str::concat!(
        "SELECT id, kind, channel, state, reason, deadline FROM notifications n
         WHERE finished_at IS NULL AND not_before <= $1 AND state IN ('scheduled', 'deferred', 'ambiguous')
           AND (pushed_at < $2 OR pushed_at > $1) AND ",
        KNOWN,
        " AND (deadline <= $1 OR NOT ",
        HELD,
        ") ORDER BY not_before LIMIT $3"
    );
    on!(conn, |c| sqlx::query_as(SQL).bind(now).bind(pushed_before).bind(limit).fetch_all(c).await)
}

/// Notes that jobs were pushed for these rows.
pub async fn pushed(conn: &mut Conn, ids: &[String], now: DateTime<Utc>) -> Result<(), DbError> {
    match conn.dialect() {
        Dialect::Postgres(c) => {
            sqlx::query("UPDATE notifications SET pushed_at = $2 WHERE id = ANY($1)")
                .bind(ids)
                .bind(now)
                .execute(c)
                .await?;
        }
        Dialect::Sqlite(c) => {
            sqlx::query("UPDATE notifications SET pushed_at = $2 WHERE id IN (SELECT value FROM json_each($1))")
                .bind(json_list(ids))
                .bind(now)
                .execute(c)
                .await?;
        }
    }
    Ok(())
}

/// Ends rows that wait (nobody holds them) without sending: expired, cancelled. Answers with those that were still waiting.
pub async fn end_waiting(
    conn: &mut Conn,
    ids: &[String],
    state: NotificationState,
    reason: Reason,
    now: DateTime<Utc>,
) -> Result<Vec<String>, DbError> {
    let ended = fetch_by_ids!(
        conn,
        (String, String),
        "UPDATE notifications SET state = $2, reason = $3, finished_at = $4, updated_at = $4
         WHERE finished_at IS NULL AND state IN ('scheduled', 'deferred', 'ambiguous') AND id",
        ids,
        " RETURNING id, kind",
        state.as_str(),
        reason.as_str(),
        now
    )?;
    let digests: Vec<String> = ended
        .iter()
        .filter(|(_, kind)| kind == Kind::Digest.as_str())
        .map(|(id, _)| id.clone())
        .collect();
    give_back(conn, &digests, now).await?;
    let ended: Vec<String> = ended.into_iter().map(|(id, _)| id).collect();
    unsent::note(conn, &ended, now).await?;
    Ok(ended)
}

/// What is left to do at some instant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, sqlx::FromRow)]
pub struct Backlog {
    /// Rows that wait and are ready.
    pub ready: i64,
    /// Rows that would be, were their channel not down or their queue not paused.
    pub held: i64,
    /// Rows in somebody's hands.
    pub leased: i64,
}

/// Counts what is left to do at `now`.
pub async fn backlog(conn: &mut Conn, now: DateTime<Utc>) -> Result<Backlog, DbError> {
    // In groups first: what holds rows back is looked up once for each.
    const SQL: &str = const_str::concat!(
        "SELECT CAST(COALESCE(sum(CASE WHEN held THEN 0 ELSE ready END), 0) AS BIGINT) AS ready,
           CAST(COALESCE(sum(CASE WHEN held THEN ready ELSE 0 END), 0) AS BIGINT) AS held, CAST(COALESCE(sum(leased), 0) AS BIGINT) AS leased
         FROM (SELECT ready, leased, ",
        HELD,
        " AS held FROM (SELECT workspace_id, kind, channel, mode,
             count(CASE WHEN state <> 'sending' AND not_before <= $1 THEN 1 END) AS ready, count(CASE WHEN state = 'sending' THEN 1 END) AS leased
           FROM notifications WHERE finished_at IS NULL AND not_before <= $2 GROUP BY workspace_id, kind, channel, mode) n) g"
    );
    // Every open row is to be looked at by then. Without saying so, SQLite would read the whole ledger in the order of the groups.
    on!(conn, |c| sqlx::query_as(SQL).bind(now).bind(UNTIL_DECIDED).fetch_one(c).await)
}
