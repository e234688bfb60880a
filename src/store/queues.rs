//! Queues as people see them: what waits in each, by the ledger, and which of them an operator has paused.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};

use crate::db::{Conn, DbError};
use crate::domain::values::{Channel, Kind};
use crate::on;
use crate::queue::Queue;

/// In place of a workspace's id: everybody's messages wait.
pub const EVERYBODY: &str = "";

/// How far back failures are counted.
const RECENT: TimeDelta = TimeDelta::hours(24);

/// A queue that an operator has stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pause {
    /// Which.
    pub queue: Queue,
    /// Whose messages wait: a workspace's, or [`EVERYBODY`]'s.
    pub workspace_id: String,
    /// Who stopped it.
    pub by: String,
    /// Why.
    pub reason: String,
    /// Since when.
    pub since: DateTime<Utc>,
}

impl Pause {
    /// Whether the messages of this workspace wait.
    #[must_use]
    pub fn is_for(&self, workspace_id: &str) -> bool {
        self.workspace_id == EVERYBODY || self.workspace_id == workspace_id
    }
}

/// Every pause, those for everybody first.
pub async fn pauses(conn: &mut Conn) -> Result<Vec<Pause>, DbError> {
    const SQL: &str = "SELECT queue, workspace_id, paused_by, reason, since FROM queue_pauses ORDER BY workspace_id, queue";
    let rows: Vec<(String, String, String, String, DateTime<Utc>)> =
        on!(conn, |c| sqlx::query_as(SQL).fetch_all(c).await?);
    Ok(rows
        .into_iter()
        .filter_map(|(name, workspace_id, by, reason, since)| {
            let queue = Queue::ALL.into_iter().find(|queue| queue.name() == name)?;
            Some(Pause { queue, workspace_id, by, reason, since })
        })
        .collect())
}

/// Stops a queue, of one workspace or for everybody; `false` if it is stopped already.
pub async fn pause(
    conn: &mut Conn,
    queue: Queue,
    workspace_id: Option<&str>,
    by: &str,
    reason: &str,
    now: DateTime<Utc>,
) -> Result<bool, DbError> {
    const SQL: &str = "INSERT INTO queue_pauses (queue, workspace_id, paused_by, reason, since) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (queue, workspace_id) DO NOTHING";
    Ok(on!(conn, |c| sqlx::query(SQL)
        .bind(queue.name())
        .bind(workspace_id.unwrap_or(EVERYBODY))
        .bind(by)
        .bind(reason)
        .bind(now)
        .execute(c)
        .await?
        .rows_affected())
        == 1)
}

/// Lets a queue go on; `false` if it is not stopped to this extent.
pub async fn resume(
    conn: &mut Conn,
    queue: Queue,
    workspace_id: Option<&str>,
) -> Result<bool, DbError> {
    const SQL: &str = "DELETE FROM queue_pauses WHERE queue = $1 AND workspace_id = $2";
    Ok(on!(conn, |c| sqlx::query(SQL)
        .bind(queue.name())
        .bind(workspace_id.unwrap_or(EVERYBODY))
        .execute(c)
        .await?
        .rows_affected())
        == 1)
}

/// What waits in a queue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// May go out now.
    pub ready: i64,
    /// May go out later.
    pub scheduled: i64,
    /// In the hands of a worker.
    pub running: i64,
    /// Of those written within the last 24 hours, how many have failed.
    pub failed: i64,
    /// Since when the one that waits longest may go out.
    pub oldest_ready_at: Option<DateTime<Utc>>,
}

/// What waits in each queue at `now`; of one workspace, or of all.
pub async fn counts(
    conn: &mut Conn,
    workspace_id: Option<&str>,
    now: DateTime<Utc>,
) -> Result<HashMap<Queue, Counts>, DbError> {
    // In two halves, for the index of what is open and that of what is recent.
    const OPEN: &str = "SELECT kind, channel,
           count(CASE WHEN state <> 'sending' AND not_before <= $1 THEN 1 END),
           count(CASE WHEN state <> 'sending' AND not_before > $1 THEN 1 END),
           count(CASE WHEN state = 'sending' THEN 1 END),
           min(CASE WHEN state <> 'sending' AND not_before <= $1 THEN not_before END)
         FROM notifications WHERE finished_at IS NULL AND ($2 IS NULL OR workspace_id = $2) GROUP BY kind, channel";
    // A cross join, which SQLite reads from left to right; it would read the whole ledger instead.
    const FAILED: &str = "SELECT n.kind, n.channel, count(*) FROM workspaces w CROSS JOIN notifications n
         WHERE n.workspace_id = w.id AND n.created_at > $1 AND n.state = 'failed' AND ($2 IS NULL OR w.id = $2) GROUP BY n.kind, n.channel";
    type Open = (String, String, i64, i64, i64, Option<DateTime<Utc>>);
    let open: Vec<Open> =
        on!(conn, |c| sqlx::query_as(OPEN).bind(now).bind(workspace_id).fetch_all(c).await?);
    let failed: Vec<(String, String, i64)> = on!(conn, |c| sqlx::query_as(FAILED)
        .bind(now - RECENT)
        .bind(workspace_id)
        .fetch_all(c)
        .await?);
    let queue = |kind: &str, channel: &str| {
        Some(Queue::of(kind.parse::<Kind>().ok()?, channel.parse::<Channel>().ok()?))
    };
    let mut counts: HashMap<Queue, Counts> = HashMap::new();
    for (kind, channel, ready, scheduled, running, oldest) in open {
        let Some(queue) = queue(&kind, &channel) else { continue };
        let sum = counts.entry(queue).or_default();
        sum.ready += ready;
        sum.scheduled += scheduled;
        sum.running += running;
        sum.oldest_ready_at = [sum.oldest_ready_at, oldest].into_iter().flatten().min();
    }
    for (kind, channel, failed) in failed {
        let Some(queue) = queue(&kind, &channel) else { continue };
        counts.entry(queue).or_default().failed += failed;
    }
    Ok(counts)
}
