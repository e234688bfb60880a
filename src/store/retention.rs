//! How long things are kept. What is too old goes in small transactions with pauses between them, so that nobody waits long for the writer;
//! any number of processes may do so at once.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio_util::sync::CancellationToken;

use super::{idempotency, slack_replies};
use crate::clock::Clock;
use crate::db::{Conn, Db, DbError};
use crate::domain::ids::IdKind;
use crate::queue;
use crate::{fetch_by_ids, on};

/// How often a serving process looks.
const EVERY: Duration = Duration::from_hours(1);

/// Between two transactions.
const PAUSE: Duration = Duration::from_millis(20);

/// How long what is kept.
#[derive(Clone, Copy, Debug)]
pub struct Retention {
    /// Messages as they were rendered.
    pub messages: TimeDelta,
    /// Rows of the ledger that have come to their end, with their attempts.
    pub notifications: TimeDelta,
    /// Finished jobs, and workers that are gone.
    pub jobs: TimeDelta,
}

/// What is thrown away.
#[derive(Clone, Copy, Debug)]
enum Old {
    Answers,
    SlackRequests,
    Messages,
    Notifications,
    Passes,
    Jobs,
    Workers,
}

impl Old {
    const ALL: [Self; 7] = [
        Self::Answers,
        Self::SlackRequests,
        Self::Messages,
        Self::Notifications,
        Self::Passes,
        Self::Jobs,
        Self::Workers,
    ];

    /// In words, for the log.
    const fn as_str(self) -> &'static str {
        match self {
            Self::Answers => "answers that are too old to be replayed",
            Self::SlackRequests => "requests of Slack that can no longer be replayed",
            Self::Messages => "messages",
            Self::Notifications => "notifications",
            Self::Passes => "passes",
            Self::Jobs => "finished jobs",
            Self::Workers => "workers that are gone",
        }
    }
}

/// Throws away what is too old, now and then until `stop`.
pub async fn keep(db: Db, clock: Clock, retention: Retention, stop: CancellationToken) {
    loop {
        for old in Old::ALL {
            match prune(&db, old, retention, clock.now(), &stop).await {
                Ok(0) => {}
                Ok(count) => tracing::debug!(count, "forgot {count} {}", old.as_str()),
                Err(error) => tracing::warn!(%error, "cannot tidy up; trying again later"),
            }
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(EVERY) => {}
        }
    }
}

async fn prune(
    db: &Db,
    old: Old,
    retention: Retention,
    now: DateTime<Utc>,
    stop: &CancellationToken,
) -> Result<u64, DbError> {
    let mut count = 0;
    while !stop.is_cancelled() {
        let mut conn = db.begin().await?;
        let gone = match old {
            Old::Answers => idempotency::prune(&mut conn, now).await?,
            Old::SlackRequests => {
                slack_replies::forget_requests(&mut conn, now - TimeDelta::hours(1)).await?
            }
            Old::Messages => messages(&mut conn, now - retention.messages).await?,
            Old::Notifications => notifications(&mut conn, now - retention.notifications).await?,
            Old::Passes => passes(&mut conn, now - retention.notifications).await?,
            Old::Jobs => queue::prune::jobs(&mut conn, now - retention.jobs).await?,
            Old::Workers => queue::prune::workers(&mut conn, now - retention.jobs).await?,
        };
        conn.commit().await?;
        if gone == 0 {
            break;
        }
        count += gone;
        tokio::time::sleep(PAUSE).await;
    }
    Ok(count)
}

/// Ids begin with the time of their creation, so the primary keys know what is old.
async fn messages(conn: &mut Conn, before: DateTime<Utc>) -> Result<u64, DbError> {
    const SQL: &str = "DELETE FROM messages WHERE notification_id IN (
           SELECT notification_id FROM messages WHERE notification_id < $1 ORDER BY notification_id LIMIT 1000)";
    let first = IdKind::Notification.first_of(before);
    Ok(on!(conn, |c| sqlx::query(SQL).bind(first).execute(c).await?.rows_affected()))
}

async fn notifications(conn: &mut Conn, before: DateTime<Utc>) -> Result<u64, DbError> {
    const OLD: &str = "SELECT id FROM notifications WHERE id < $1 AND finished_at IS NOT NULL ORDER BY id LIMIT 1000";
    let first = IdKind::Notification.first_of(before);
    let rows: Vec<(String,)> = on!(conn, |c| sqlx::query_as(OLD).bind(first).fetch_all(c).await?);
    let ids: Vec<String> = rows.into_iter().map(|(id,)| id).collect();
    if ids.is_empty() {
        return Ok(0);
    }
    // RETURNING, because the macro for lists of ids fetches.
    macro_rules! delete {
        ($head:literal) => {
            fetch_by_ids!(conn, (String,), $head, &ids, " RETURNING 'gone'")?.len()
        };
    }
    delete!("DELETE FROM attempts WHERE notification_id");
    delete!("DELETE FROM messages WHERE notification_id");
    delete!("DELETE FROM notification_items WHERE notification_id");
    let gone = delete!("DELETE FROM notifications WHERE id");
    Ok(gone as u64)
}

async fn passes(conn: &mut Conn, before: DateTime<Utc>) -> Result<u64, DbError> {
    const SQL: &str = "DELETE FROM passes WHERE id IN (SELECT id FROM passes WHERE created_at < $1 ORDER BY created_at LIMIT 1000)";
    Ok(on!(conn, |c| sqlx::query(SQL).bind(before).execute(c).await?.rows_affected()))
}
