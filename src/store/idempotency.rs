//! Answers kept for a day, so that a repeated POST is the same POST.
//!
//! An answer is stored in the transaction of the change it reports: there is none without the other, whatever crashes, and no claim
//! that a dead process could leave behind. While the first request runs, its transaction holds the key. On PostgreSQL that is an
//! advisory lock, which others find taken; on SQLite the transaction itself, behind which others wait and then find the answer.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use crate::db::{Conn, DbError, Dialect};
use crate::on;

/// How long an answer is kept.
const KEPT: TimeDelta = TimeDelta::hours(24);

/// A stored answer.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Stored {
    /// Hash of the request's body.
    pub request_hash: String,
    /// HTTP status.
    pub status: i64,
    /// The body, byte for byte.
    pub body: String,
}

/// What is known of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Known {
    /// Nothing: the caller's transaction holds the key now and may go ahead.
    Nothing,
    /// The first request with this key is still running.
    InProgress,
    /// The first request was answered.
    Answered(Stored),
}

/// How often a key that is taken is tried again, and with which pause. A refused request's transaction is still being rolled back when its
/// answer is out, and a client that tries again at once must not be told that the request is running.
const TRIES: u32 = 10;
const PAUSE: Duration = Duration::from_millis(10);

/// Holds the key until the caller's transaction ends; `false` when another transaction holds it.
async fn lock(conn: &mut Conn, name: &str) -> Result<bool, DbError> {
    const SQL: &str = "SELECT pg_try_advisory_xact_lock(hashtextextended($1, 0))";
    // On SQLite the transaction itself is the lock.
    let Dialect::Postgres(c) = conn.dialect() else { return Ok(true) };
    for attempt in 1..=TRIES {
        let (held,): (bool,) = sqlx::query_as(SQL).bind(name).fetch_one(&mut *c).await?;
        if held {
            return Ok(true);
        }
        if attempt < TRIES {
            tokio::time::sleep(PAUSE).await;
        }
    }
    Ok(false)
}

/// Takes the key for the caller's transaction, or says why not.
pub async fn claim(
    conn: &mut Conn,
    scope: &str,
    key: &str,
    now: DateTime<Utc>,
) -> Result<Known, DbError> {
    if !lock(conn, &format!("{scope} {key}")).await? {
        return Ok(Known::InProgress);
    }
    let stored: Option<Stored> = on!(conn, |c| {
        sqlx::query_as(
        "SELECT request_hash, status, body FROM idempotency_keys WHERE scope = $1 AND key = $2 AND created_at > $3"
    )
    .bind(scope)
    .bind(key)
    .bind(now - KEPT)
    .fetch_optional(c)
    .await?
    });
    Ok(stored.map_or(Known::Nothing, Known::Answered))
}

/// Stores the answer under a key that the transaction has claimed.
pub async fn store(
    conn: &mut Conn,
    scope: &str,
    key: &str,
    answer: &Stored,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    on!(conn, |c| {
        sqlx::query(
        "INSERT INTO idempotency_keys (scope, key, request_hash, status, body, created_at) VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (scope, key) DO UPDATE SET request_hash = excluded.request_hash, status = excluded.status, body = excluded.body,
            created_at = excluded.created_at"
    )
    .bind(scope)
    .bind(key)
    .bind(&answer.request_hash)
    .bind(answer.status)
    .bind(&answer.body)
    .bind(now)
    .execute(c)
    .await
    .map(|_| ())
    })
}

/// Forgets answers that are too old to be replayed; at most a thousand at a time. Returns how many.
pub async fn prune(conn: &mut Conn, now: DateTime<Utc>) -> Result<u64, DbError> {
    on!(conn, |c| {
        sqlx::query(
        "DELETE FROM idempotency_keys WHERE (scope, key) IN (SELECT scope, key FROM idempotency_keys WHERE created_at <= $1 LIMIT 1000)"
    )
    .bind(now - KEPT)
    .execute(c)
    .await
    .map(|done| done.rows_affected())
    })
}
