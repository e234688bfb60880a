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

use crate::db::{Conn, DbError, Dialect};
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
    let tasks: Vec<_> = ids
        .chunks(JOB_SIZE)
        .map(|ids| {
            let payload = serde_json::json!(Payload { v: PAYLOAD_VERSION, ids: ids.to_vec() });
            TaskBuilder::new(payload.to_string().into_bytes()).max_attempts(1).build()
        })
        .collect();
    push_tasks(conn, queue, tasks).await
}

/// Puts a job back as it is, to be looked at again after `pause`.
pub async fn put_off(
    conn: &mut Conn,
    queue: Queue,
    bytes: Vec<u8>,
    pause: Duration,
) -> Result<(), DbError> {
    push_tasks(conn, queue, vec![TaskBuilder::new(bytes).max_attempts(1).run_after(pause).build()])
        .await
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

async fn push_tasks(
    conn: &mut Conn,
    queue: Queue,
    tasks: Vec<Task<Vec<u8>>>,
) -> Result<(), DbError> {
    match conn.dialect() {
        Dialect::Postgres(c) => apalis_postgres::queries::push_tasks(&mut *c, queue.name(), tasks)
            .await
            .map_err(postgres_error),
        Dialect::Sqlite(c) => apalis_sqlite::queries::push_tasks(&mut *c, queue.name(), &tasks)
            .await
            .map_err(sqlite_error),
    }
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
