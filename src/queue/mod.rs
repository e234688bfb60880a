//! Jobs: what is in them, which queue they wait in, how they get there. A job is a hint; the ledger is the truth.
//!
//! A payload is a version and 1 to 25 notification ids, nothing else: no addresses, no words. Whoever finds a stale, doubled or
//! foreign job loses nothing by dropping it, because the sweeper pushes again what is ready and has no live job.

pub mod jobs;
pub mod prune;

use std::time::Duration;

use apalis_core::backend::codec::Codec;
use apalis_core::task::Task;
use apalis_core::task::builder::TaskBuilder;
use serde::{Deserialize, Serialize};

use crate::clock::Clock;
use crate::db::{Conn, DbError, Dialect, json_list};
use crate::domain::values::{Channel, Kind};

/// Where jobs wait. One queue per way out, so that a slow or paused one delays no other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Queue {
    /// Mail to staff.
    Email,
    /// Slack messages.
    Slack,
    /// Mail to customers.
    Customer,
}

impl Queue {
    /// Every queue.
    pub const ALL: [Self; 3] = [Self::Email, Self::Slack, Self::Customer];

    /// Its name in apalis' tables. Explicit, because apalis would use a Rust type name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Slack => "slack",
            Self::Customer => "customer",
        }
    }

    /// The queue of a notification.
    #[must_use]
    pub const fn of(kind: Kind, channel: Channel) -> Self {
        match (kind, channel) {
            (Kind::CustomerReminder, _) => Self::Customer,
            (_, Channel::Email) => Self::Email,
            (_, Channel::Slack) => Self::Slack,
        }
    }

    /// The channel it leads to.
    #[must_use]
    pub const fn channel(self) -> Channel {
        match self {
            Self::Email | Self::Customer => Channel::Email,
            Self::Slack => Channel::Slack,
        }
    }
}

/// Version of the payload this binary writes.
pub const PAYLOAD_VERSION: u32 = 1;

/// Most ids in one job.
pub const JOB_SIZE: usize = 25;

/// What is in a job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payload {
    /// Version of this format.
    pub v: u32,
    /// Notifications to deliver.
    #[serde(default)]
    pub ids: Vec<String>,
}

/// Hands the bytes of a job to the handler as they are. apalis ends a worker over a payload that does not decode, so we decode ourselves.
#[derive(Clone, Debug, Default)]
pub struct Verbatim;

impl Codec<Vec<u8>> for Verbatim {
    type Error = std::convert::Infallible;
    type Compact = Vec<u8>;

    fn encode(&self, bytes: &Vec<u8>) -> Result<Vec<u8>, Self::Error> {
        Ok(bytes.clone())
    }

    fn decode(&self, bytes: &Vec<u8>) -> Result<Vec<u8>, Self::Error> {
        Ok(bytes.clone())
    }
}

/// Pushes jobs for `ids` inside the caller's transaction, due at once: `not_before` in the ledger governs, never apalis' clock.
pub async fn push(conn: &mut Conn, queue: Queue, ids: &[String]) -> Result<(), DbError> {
    if ids.is_empty() {
        return Ok(());
    }
    let payloads = ids.chunks(JOB_SIZE).map(|ids| {
        let payload = serde_json::json!(Payload { v: PAYLOAD_VERSION, ids: ids.to_vec() });
        payload.to_string().into_bytes()
    });
    push_payloads(conn, queue, payloads, Duration::ZERO).await
}

/// Puts a job back as it is, to be looked at again after `pause`.
pub async fn put_off(
    conn: &mut Conn,
    queue: Queue,
    bytes: Vec<u8>,
    pause: Duration,
) -> Result<(), DbError> {
    push_payloads(conn, queue, [bytes], pause).await
}

/// The jobs of a queue that apalis cannot read, and ends its worker over: those whose id is none of its own.
pub async fn unreadable(conn: &mut Conn, queue: Queue) -> Result<Vec<String>, DbError> {
    const POSTGRES: &str = "SELECT CAST(id AS TEXT) FROM apalis.jobs WHERE job_type = $1 AND status IN ('Pending', 'Failed')
           AND id !~ '^[0-7][0-9A-HJKMNP-TV-Za-hjkmnp-tv-z]{25}$'";
    const SQLITE: &str = "SELECT CAST(id AS TEXT) FROM Jobs WHERE job_type = $1 AND status IN ('Pending', 'Failed')
           AND (length(id) <> 26 OR id GLOB '*[^0-9A-HJKMNP-TV-Za-hjkmnp-tv-z]*' OR id NOT GLOB '[0-7]*')";
    match conn.dialect() {
        Dialect::Postgres(c) => sqlx::query_scalar(POSTGRES).bind(queue.name()).fetch_all(c).await,
        Dialect::Sqlite(c) => sqlx::query_scalar(SQLITE).bind(queue.name()).fetch_all(c).await,
    }
}

/// Takes jobs out of their queue that nobody can read. They stay as killed ones, for an operator to see.
pub async fn set_aside(conn: &mut Conn, ids: &[String]) -> Result<(), DbError> {
    const WHY: &str = r#"{"Err":"its id is none, so nobody can read it"}"#;
    match conn.dialect() {
        Dialect::Postgres(c) => {
            sqlx::query("UPDATE apalis.jobs SET status = 'Killed', done_at = now(), last_result = CAST($2 AS jsonb) WHERE id = ANY($1)")
                .bind(ids)
                .bind(WHY)
                .execute(c)
                .await?;
        }
        Dialect::Sqlite(c) => {
            sqlx::query("UPDATE Jobs SET status = 'Killed', done_at = unixepoch(), last_result = $2 WHERE id IN (SELECT value FROM json_each($1))")
                .bind(json_list(ids))
                .bind(WHY)
                .execute(c)
                .await?;
        }
    }
    Ok(())
}

/// Throws away what waits in a queue, whose jobs cannot be fetched for a reason that nobody knows. The sweeper pushes again what is ready.
/// Answers with how many there were.
pub async fn empty(conn: &mut Conn, queue: Queue) -> Result<u64, DbError> {
    Ok(match conn.dialect() {
        Dialect::Postgres(c) => sqlx::query(
            "DELETE FROM apalis.jobs WHERE job_type = $1 AND status IN ('Pending', 'Failed')",
        )
        .bind(queue.name())
        .execute(c)
        .await?
        .rows_affected(),
        Dialect::Sqlite(c) => {
            sqlx::query("DELETE FROM Jobs WHERE job_type = $1 AND status IN ('Pending', 'Failed')")
                .bind(queue.name())
                .execute(c)
                .await?
                .rows_affected()
        }
    })
}

/// Gives back the jobs that a worker of the given name has fetched and not finished, for others to fetch. A delivery that is under way
/// goes on: whoever gets its job finds the row claimed.
pub async fn release(conn: &mut Conn, worker: &str) -> Result<(), DbError> {
    match conn.dialect() {
        Dialect::Postgres(c) => {
            sqlx::query("UPDATE apalis.jobs SET status = 'Pending', lock_by = NULL, lock_at = NULL WHERE lock_by = $1 AND status IN ('Queued', 'Running')")
                .bind(worker)
                .execute(c)
                .await?;
        }
        Dialect::Sqlite(c) => {
            sqlx::query("UPDATE Jobs SET status = 'Pending', lock_by = NULL, lock_at = NULL WHERE lock_by = $1 AND status IN ('Queued', 'Running')")
                .bind(worker)
                .execute(c)
                .await?;
        }
    }
    Ok(())
}

async fn push_payloads(
    conn: &mut Conn,
    queue: Queue,
    payloads: impl IntoIterator<Item = Vec<u8>>,
    pause: Duration,
) -> Result<(), DbError> {
    let due = judge(conn).await? + pause.as_secs();
    let task = |payload| TaskBuilder::new(payload).max_attempts(1).run_at_timestamp(due).build();
    let tasks: Vec<Task<Vec<u8>>> = payloads.into_iter().map(task).collect();
    match conn.dialect() {
        Dialect::Postgres(c) => apalis_postgres::queries::push_tasks(&mut *c, queue.name(), tasks)
            .await
            .map_err(postgres_error),
        Dialect::Sqlite(c) => apalis_sqlite::queries::push_tasks(&mut *c, queue.name(), &tasks)
            .await
            .map_err(sqlite_error),
    }
}

/// What time it is, in seconds, by the clock that says when a job is due. On PostgreSQL that is the database's own: by ours, were it ahead, every
/// job would wait for the difference.
async fn judge(conn: &mut Conn) -> Result<u64, DbError> {
    const POSTGRES: &str = "SELECT CAST(floor(EXTRACT(EPOCH FROM now())) AS BIGINT)";
    let seconds: i64 = match conn.dialect() {
        Dialect::Postgres(c) => sqlx::query_scalar(POSTGRES).fetch_one(c).await?,
        Dialect::Sqlite(_) => Clock::System.now().timestamp(),
    };
    Ok(u64::try_from(seconds).unwrap_or_default())
}

fn postgres_error(error: apalis_postgres::Error) -> DbError {
    match error {
        apalis_postgres::Error::Database(error) => error,
        other => DbError::Protocol(other.to_string()),
    }
}

fn sqlite_error(error: apalis_sqlite::Error) -> DbError {
    match error {
        apalis_sqlite::Error::Database(error) => error,
        other => DbError::Protocol(other.to_string()),
    }
}
