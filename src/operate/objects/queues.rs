//! Queues, jobs, and what runs by the clock.

use schemars::JsonSchema;
use serde::Serialize;

use super::Instant;
use crate::domain::values::{Channel, JobStatus, Kind};
use crate::operate::jobs;
use crate::operate::queues::{Down, QueueState};
use crate::operate::schedules::Standing;

/// A queue with what waits in it.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Queue<'a> {
    #[schemars(extend("enum" = ["queue"]))]
    object: &'static str,
    name: &'static str,
    paused: bool,
    paused_by: Option<&'a str>,
    paused_reason: Option<&'a str>,
    ready: i64,
    scheduled: i64,
    running: i64,
    failed: i64,
    oldest_ready_at: Option<Instant>,
    channel: Channel,
    /// What the channel's provider answered last, while it is down.
    down: Option<&'a Down>,
}

impl<'a> From<&'a QueueState> for Queue<'a> {
    fn from(queue: &'a QueueState) -> Self {
        let paused = queue.paused.as_ref();
        Self {
            object: "queue",
            name: queue.name,
            paused: paused.is_some(),
            paused_by: paused.map(|pause| pause.by.as_str()),
            paused_reason: paused.map(|pause| pause.reason.as_str()),
            ready: queue.counts.ready,
            scheduled: queue.counts.scheduled,
            running: queue.counts.running,
            failed: queue.counts.failed,
            oldest_ready_at: queue.counts.oldest_ready_at.map(Instant),
            channel: queue.channel,
            down: queue.down.as_ref(),
        }
    }
}

/// A wake-up of a queue.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Job<'a> {
    #[schemars(extend("enum" = ["job"]))]
    object: &'static str,
    id: &'a str,
    queue: &'a str,
    kind: Option<Kind>,
    status: JobStatus,
    attempts: i64,
    run_at: Instant,
    locked_by: Option<&'a str>,
    notification_id: Option<&'a str>,
    /// "done", or the error.
    last_result: Option<&'a str>,
    created_at: Instant,
    finished_at: Option<Instant>,
    notification_ids: &'a [String],
}

impl<'a> From<&'a jobs::Job> for Job<'a> {
    fn from(job: &'a jobs::Job) -> Self {
        Self {
            object: "job",
            id: &job.id,
            queue: &job.queue,
            kind: job.kind,
            status: job.status,
            attempts: job.attempts,
            run_at: Instant(job.run_at),
            locked_by: job.locked_by.as_deref(),
            notification_id: job.notification_id.as_deref(),
            last_result: job.last_result.as_deref(),
            created_at: Instant(job.created_at),
            finished_at: job.finished_at.map(Instant),
            notification_ids: &job.notification_ids,
        }
    }
}

/// What runs by the clock.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Schedule<'a> {
    #[schemars(extend("enum" = ["schedule"]))]
    object: &'static str,
    name: &'a str,
    cron: &'a str,
    paused: bool,
    last_run_at: Option<Instant>,
    last_result: Option<&'a str>,
    next_run_at: Option<Instant>,
    requested_at: Option<Instant>,
    paused_by: Option<&'a str>,
    paused_reason: Option<&'a str>,
}

impl<'a> From<&'a Standing> for Schedule<'a> {
    fn from(standing: &'a Standing) -> Self {
        Self {
            object: "schedule",
            name: &standing.name,
            cron: &standing.cron,
            paused: standing.is_paused(),
            last_run_at: standing.last_run_at.map(Instant),
            last_result: standing.last_result.as_deref(),
            next_run_at: (!standing.is_paused()).then_some(Instant(standing.next_run_at)),
            requested_at: standing.requested_at.map(Instant),
            paused_by: standing.paused_by.as_deref(),
            paused_reason: standing.paused_reason.as_deref(),
        }
    }
}
