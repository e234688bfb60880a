//! Queues: what waits in each, and how an operator stops one and lets it go on.

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::ActionError;
use super::notifications::Because;
use crate::db::{Conn, DbError};
use crate::domain::findings::Finding;
use crate::domain::values::{Channel, Mode};
use crate::store::audit::{self, Diff, Entry};
use crate::store::queues::{self, Counts, EVERYBODY, Pause};
use crate::store::{directory, processes};

pub use crate::queue::Queue;

/// One queue, as a workspace sees it.
#[derive(Clone, Debug)]
pub struct QueueState {
    /// `email`, `slack`, `customer`.
    pub name: &'static str,
    /// The channel it leads to.
    pub channel: Channel,
    /// Whether an operator has stopped it: since when, who, why.
    pub paused: Option<Pause>,
    /// What the channel's provider answered last, while it is down.
    pub down: Option<Down>,
    /// What waits in it.
    pub counts: Counts,
}

/// A channel that does not work at the moment.
#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
#[schemars(inline)]
pub struct Down {
    /// Since when.
    #[serde(serialize_with = "audit::instant")]
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub since: DateTime<Utc>,
    /// The next try.
    #[serde(serialize_with = "audit::instant")]
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub until: DateTime<Utc>,
    /// Tries in a row that failed.
    pub failures: i64,
    /// The provider's answer.
    pub reason: String,
}

/// Every queue; of one workspace, or of all.
pub async fn list(
    conn: &mut Conn,
    workspace_id: Option<&str>,
    now: DateTime<Utc>,
) -> Result<Vec<QueueState>, DbError> {
    let pauses = queues::pauses(conn).await?;
    let down = processes::pauses(conn).await?;
    let mut counts = queues::counts(conn, workspace_id, now).await?;
    let mine = |pause: &&Pause| workspace_id.is_none_or(|id| pause.is_for(id));
    Ok(Queue::ALL
        .into_iter()
        .map(|queue| QueueState {
            name: queue.name(),
            channel: queue.channel(),
            paused: pauses.iter().filter(mine).find(|pause| pause.queue == queue).cloned(),
            down: down.get(&queue.channel()).map(|pause| Down {
                since: pause.since,
                until: pause.until,
                failures: pause.failures,
                reason: pause.reason.clone(),
            }),
            counts: counts.remove(&queue).unwrap_or_default(),
        })
        .collect())
}

/// One queue; of one workspace, or of all. `None` if there is no such one.
pub async fn show(
    conn: &mut Conn,
    workspace_id: Option<&str>,
    name: &str,
    now: DateTime<Utc>,
) -> Result<Option<QueueState>, DbError> {
    let found = list(conn, workspace_id, now).await?;
    Ok(found.into_iter().find(|queue| queue.name == name))
}

/// Since when what is in a queue of a workspace waits, and why: somebody has stopped it, or its channel is down. `None` if it goes on.
pub async fn held(
    conn: &mut Conn,
    workspace_id: &str,
    queue: Queue,
) -> Result<Option<(DateTime<Utc>, Finding)>, DbError> {
    let pauses = queues::pauses(conn).await?;
    if let Some(Pause { by, reason, since, .. }) =
        pauses.into_iter().find(|pause| pause.queue == queue && pause.is_for(workspace_id))
    {
        let seen = Finding::QueuePaused { queue: queue.name(), by, reason, since };
        return Ok(Some((since, seen)));
    }
    let channel = queue.channel();
    let down = processes::pauses(conn).await?.remove(&channel);
    Ok(down.map(|processes::Pause { since, until, reason, .. }| {
        (since, Finding::ChannelDown { channel, reason, since, next: until })
    }))
}

/// Stops a queue, of one workspace or for everybody: within two seconds no worker takes anything from it any more. What is being
/// delivered comes to its end.
pub async fn pause(
    conn: &mut Conn,
    because: Because<'_>,
    workspace_id: Option<&str>,
    name: &str,
    now: DateTime<Utc>,
) -> Result<(), ActionError> {
    let queue = named(name)?;
    let by = &because.author.actor_name;
    if !queues::pause(conn, queue, workspace_id, by, because.reason, now).await? {
        return Err(ActionError::Refused("it is paused already".to_owned()));
    }
    log(conn, because, workspace_id, queue, "queue_paused", (false, true), now).await
}

/// Lets a queue go on, where [`pause`] of the same extent has stopped it.
pub async fn resume(
    conn: &mut Conn,
    because: Because<'_>,
    workspace_id: Option<&str>,
    name: &str,
    now: DateTime<Utc>,
) -> Result<(), ActionError> {
    let queue = named(name)?;
    if because.author.mode == Mode::Test {
        return Err(ActionError::Refused("a test key cannot have live messages sent".to_owned()));
    }
    if !queues::resume(conn, queue, workspace_id).await? {
        let everybody = queues::pauses(conn).await?;
        let everybody = everybody.iter().any(|p| p.queue == queue && p.workspace_id == EVERYBODY);
        let refusal = if everybody {
            "it is paused for every workspace; only that pause can be ended"
        } else {
            "it is not paused"
        };
        return Err(ActionError::Refused(refusal.to_owned()));
    }
    log(conn, because, workspace_id, queue, "queue_resumed", (true, false), now).await
}

fn named(name: &str) -> Result<Queue, ActionError> {
    Queue::ALL.into_iter().find(|queue| queue.name() == name).ok_or(ActionError::NotFound("queue"))
}

/// A pause for everybody is in everybody's audit log.
async fn log(
    conn: &mut Conn,
    because: Because<'_>,
    workspace_id: Option<&str>,
    queue: Queue,
    event: &str,
    (before, after): (bool, bool),
    now: DateTime<Utc>,
) -> Result<(), ActionError> {
    let workspaces: Vec<String> = match workspace_id {
        Some(id) => vec![id.to_owned()],
        None => directory::workspaces(conn).await?.into_iter().map(|w| w.id).collect(),
    };
    for workspace_id in &workspaces {
        let entry = Entry {
            workspace_id,
            event,
            object: "queue",
            object_id: queue.name(),
            diff: Diff::field("paused", before, after),
            reason: Some(because.reason),
        };
        audit::append(conn, because.author, entry, now).await?;
    }
    Ok(())
}
