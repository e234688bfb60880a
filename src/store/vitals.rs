//! What the ledger says about the last day, and people's slots about the next: a few statements that read no more than that.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};

use crate::db::{Conn, DbError, Dialect};
use crate::domain::values::{Channel, Kind, Mode, NotificationState};
use crate::on;
use crate::queue::Queue;
use crate::store::ledger::UNTIL_DECIDED;

/// Notifications that came to the same end within the same hour, equally late.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Ended {
    /// Hours since 1970.
    pub hour: i64,
    /// Whether that was within the hour before now.
    pub recent: bool,
    /// How they went out.
    #[sqlx(try_from = "String")]
    pub channel: Channel,
    /// Whether they could reach anybody.
    #[sqlx(try_from = "String")]
    pub mode: Mode,
    /// How they ended.
    #[sqlx(try_from = "String")]
    pub state: NotificationState,
    /// Why.
    pub reason: Option<String>,
    /// Of those sent: whole seconds after the instant they were meant for.
    pub late: Option<i64>,
    /// How many.
    pub count: i64,
}

/// What ended in the 24 hours before `now`.
pub async fn ended(
    conn: &mut Conn,
    workspace_id: Option<&str>,
    now: DateTime<Utc>,
) -> Result<Vec<Ended>, DbError> {
    const POSTGRES: &str = "SELECT CAST(floor(EXTRACT(EPOCH FROM finished_at) / 3600) AS BIGINT) AS hour, finished_at > $2 AS recent, channel, mode, state, reason,
           CAST(floor(EXTRACT(EPOCH FROM sent_at - due_at)) AS BIGINT) AS late, count(*) AS count
         FROM notifications WHERE finished_at > $1 AND finished_at <= $3 AND ($4 IS NULL OR workspace_id = $4) GROUP BY 1, 2, 3, 4, 5, 6, 7";
    // Seconds are worked out for every row: few groups come back then, and handing one over costs more than making it.
    const SQLITE: &str = "SELECT unixepoch(finished_at) / 3600 AS hour, finished_at > $2 AS recent, channel, mode, state, reason,
           unixepoch(sent_at) - unixepoch(due_at) AS late, count(*) AS count
         FROM notifications WHERE finished_at > $1 AND finished_at <= $3 AND ($4 IS NULL OR workspace_id = $4) GROUP BY 1, 2, 3, 4, 5, 6, 7";
    let (day, hour) = (now - TimeDelta::hours(24), now - TimeDelta::hours(1));
    match conn.dialect() {
        Dialect::Postgres(c) => {
            sqlx::query_as(POSTGRES)
                .bind(day)
                .bind(hour)
                .bind(now)
                .bind(workspace_id)
                .fetch_all(c)
                .await
        }
        Dialect::Sqlite(c) => {
            sqlx::query_as(SQLITE)
                .bind(day)
                .bind(hour)
                .bind(now)
                .bind(workspace_id)
                .fetch_all(c)
                .await
        }
    }
}

/// How many people have their slot when, until `until`: hours since 1970, and people.
pub async fn slots(
    conn: &mut Conn,
    workspace_id: Option<&str>,
    until: DateTime<Utc>,
) -> Result<Vec<(i64, i64)>, DbError> {
    const POSTGRES: &str = "SELECT CAST(floor(EXTRACT(EPOCH FROM next_slot_at) / 3600) AS BIGINT) AS hour, count(*) FROM users
         WHERE next_slot_at <= $1 AND ($2 IS NULL OR workspace_id = $2) GROUP BY 1 ORDER BY 1";
    const SQLITE: &str = "SELECT unixepoch(next_slot_at) / 3600 AS hour, count(*) FROM users
         WHERE next_slot_at <= $1 AND ($2 IS NULL OR workspace_id = $2) GROUP BY 1 ORDER BY 1";
    match conn.dialect() {
        Dialect::Postgres(c) => {
            sqlx::query_as(POSTGRES).bind(until).bind(workspace_id).fetch_all(c).await
        }
        Dialect::Sqlite(c) => {
            sqlx::query_as(SQLITE).bind(until).bind(workspace_id).fetch_all(c).await
        }
    }
}

/// Notifications of one kind in the hands of one process.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Held {
    /// The process.
    pub process_id: String,
    /// What they are about.
    #[sqlx(try_from = "String")]
    pub kind: Kind,
    /// How they go out.
    #[sqlx(try_from = "String")]
    pub channel: Channel,
    /// How many.
    pub count: i64,
    /// When the first of them was taken.
    pub since: DateTime<Utc>,
}

/// What each process is delivering at `now`.
pub async fn held(
    conn: &mut Conn,
    workspace_id: Option<&str>,
    now: DateTime<Utc>,
) -> Result<Vec<Held>, DbError> {
    const SQL: &str = "SELECT lease_owner AS process_id, kind, channel, count(*) AS count, min(updated_at) AS since FROM notifications
         WHERE finished_at IS NULL AND not_before <= $1 AND state = 'sending' AND lease_owner IS NOT NULL AND ($2 IS NULL OR workspace_id = $2)
         GROUP BY lease_owner, kind, channel ORDER BY lease_owner, kind, channel";
    on!(conn, |c| sqlx::query_as(SQL).bind(now).bind(workspace_id).fetch_all(c).await)
}

/// What waits for a provider in a queue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Backlog {
    /// How many.
    pub ready: i64,
    /// Since when the first of them may go out.
    pub oldest: Option<DateTime<Utc>>,
}

/// What could go out in each queue at `now`. Messages of test mode are left out: nobody waits for them, and nobody may be told of them.
pub async fn backlog(
    conn: &mut Conn,
    workspace_id: Option<&str>,
    now: DateTime<Utc>,
) -> Result<BTreeMap<Queue, Backlog>, DbError> {
    const SQL: &str = "SELECT kind, channel, count(*), min(not_before) FROM notifications
         WHERE finished_at IS NULL AND not_before <= $1 AND state <> 'sending' AND mode = 'live' AND ($2 IS NULL OR workspace_id = $2)
         GROUP BY kind, channel";
    let rows: Vec<(String, String, i64, DateTime<Utc>)> =
        on!(conn, |c| sqlx::query_as(SQL).bind(now).bind(workspace_id).fetch_all(c).await?);
    let mut queues: BTreeMap<Queue, Backlog> = BTreeMap::new();
    for (kind, channel, ready, oldest) in rows {
        // A row of unknown words is the sweeper's to end.
        let Some((kind, channel)) = kind.parse::<Kind>().ok().zip(channel.parse::<Channel>().ok())
        else {
            continue;
        };
        let sum = queues.entry(Queue::of(kind, channel)).or_default();
        sum.ready += ready;
        sum.oldest = sum.oldest.into_iter().chain([oldest]).min();
    }
    Ok(queues)
}

/// How many wait for somebody to say whether they arrived.
pub async fn undecided(conn: &mut Conn, workspace_id: Option<&str>) -> Result<i64, DbError> {
    const SQL: &str = "SELECT count(*) FROM notifications
         WHERE finished_at IS NULL AND not_before >= $1 AND state = 'ambiguous' AND ($2 IS NULL OR workspace_id = $2)";
    let (count,): (i64,) = on!(conn, |c| sqlx::query_as(SQL)
        .bind(UNTIL_DECIDED)
        .bind(workspace_id)
        .fetch_one(c)
        .await?);
    Ok(count)
}

/// How many addresses were refused for good and are not tried any more.
pub async fn flagged(conn: &mut Conn, workspace_id: Option<&str>) -> Result<i64, DbError> {
    const SQL: &str = "SELECT (SELECT count(email_flagged_at) + count(CASE WHEN slack_user_id IS NOT NULL THEN slack_flagged_at END) FROM users
           WHERE (email_flagged_at IS NOT NULL OR slack_flagged_at IS NOT NULL) AND ($1 IS NULL OR workspace_id = $1))
         + (SELECT count(*) FROM contacts WHERE email_flagged_at IS NOT NULL AND deleted_at IS NULL AND ($1 IS NULL OR workspace_id = $1))";
    let (count,): (i64,) =
        on!(conn, |c| sqlx::query_as(SQL).bind(workspace_id).fetch_one(c).await?);
    Ok(count)
}

/// How many open onboardings nobody hears of. Those that only a test key made so are left out, as nobody may be told of them.
pub async fn unroutable(conn: &mut Conn, workspace_id: Option<&str>) -> Result<i64, DbError> {
    const SQL: &str = "SELECT count(*) FROM reminder_state r JOIN onboardings o ON o.id = r.onboarding_id JOIN customers c ON c.id = o.customer_id
         WHERE r.recipient_id = '' AND o.deleted_at IS NULL AND c.deleted_at IS NULL AND o.phase <> 'completed' AND o.state <> 'paused'
           AND c.status NOT IN ('churned', 'archived') AND o.mode = 'live' AND o.csm_mode = 'live' AND c.mode = 'live'
           AND ($1 IS NULL OR o.workspace_id = $1)";
    let (count,): (i64,) =
        on!(conn, |c| sqlx::query_as(SQL).bind(workspace_id).fetch_one(c).await?);
    Ok(count)
}

/// The last pass that found something.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Found {
    /// The instant it ran as of.
    pub at: DateTime<Utc>,
    /// People whose slot had come.
    pub recipients: i64,
    /// Notifications it wrote.
    pub written: i64,
    /// How long it took.
    pub duration_ms: i64,
}

/// See [`Found`].
pub async fn last_found(conn: &mut Conn) -> Result<Option<Found>, DbError> {
    const SQL: &str =
        "SELECT at, recipients, written, duration_ms FROM passes ORDER BY created_at DESC LIMIT 1";
    on!(conn, |c| sqlx::query_as(SQL).fetch_optional(c).await)
}
