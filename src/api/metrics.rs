//! `/metrics`: figures for Prometheus, without a key. On the API's own address, or on one that `metrics.listen` names.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use chrono::TimeDelta;
use http::StatusCode;
use http::header::CONTENT_TYPE;
use tokio::sync::Mutex;

use super::{Api, probes};
use crate::db::DbError;
use crate::domain::values::Channel;
use crate::operate::vitals::{Severity, Vitals, vitals};
use crate::store::queues::EVERYBODY;
use crate::telemetry::metrics::{page, set};

/// The text format that Prometheus and everything like it reads.
const FORMAT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// How old figures from the database may be: however many ask, the database is asked this often.
const FRESH: Duration = Duration::from_secs(2);

/// How long the database may take to answer.
const PATIENCE: Duration = Duration::from_secs(3);

/// How the service was when somebody asked last. Clones share the answer.
#[derive(Clone, Debug, Default)]
pub(super) struct Pulse(Arc<Mutex<Option<Felt>>>);

/// When, and what.
type Felt = (Instant, Arc<Vitals>);

impl Pulse {
    /// How the service is, or was a moment ago.
    pub(super) async fn feel(&self, api: &Api) -> Result<Arc<Vitals>, DbError> {
        // Who comes second waits for the answer to the first.
        let mut last = self.0.lock().await;
        if let Some((at, found)) = last.as_ref().filter(|(at, _)| at.elapsed() < FRESH) {
            tracing::trace!(age = ?at.elapsed(), "vitals are fresh enough");
            return Ok(Arc::clone(found));
        }
        let ask = async {
            let mut conn = api.db.read().await?;
            vitals(&mut conn, None, api.clock.now()).await
        };
        let answer = tokio::time::timeout(PATIENCE, ask).await;
        let found = Arc::new(answer.unwrap_or(Err(DbError::PoolTimedOut))?);
        *last = Some((Instant::now(), Arc::clone(&found)));
        Ok(found)
    }
}

/// `/metrics` and the probes alone, for an address of their own.
pub fn metrics_router(api: Api) -> Router {
    Router::new()
        .route("/metrics", get(metrics))
        .route("/healthz", get(probes::healthz))
        .route("/readyz", get(probes::readyz))
        .with_state(api)
}

/// `GET /metrics`. While the database does not answer, what it would have said stays as it was; `pivotal_database_up` is 0 then, and while it takes
/// nothing that is written.
pub(super) async fn metrics(State(api): State<Api>) -> Response {
    match api.pulse.feel(&api).await {
        Ok(found) => {
            set("pivotal_database_up", &[], i64::from(api.can_write()));
            show(&found);
        }
        Err(error) => {
            tracing::warn!(%error, "the database does not answer whoever asks for metrics");
            set("pivotal_database_up", &[], 0);
        }
    }
    let (open, idle) = api.db.connections();
    set("pivotal_database_connections", &[("state", "idle")], count(idle));
    set("pivotal_database_connections", &[("state", "busy")], count(open.saturating_sub(idle)));
    set("pivotal_http_requests_in_flight", &[], count(api.in_flight()));
    match page() {
        Some(page) => ([(CONTENT_TYPE, FORMAT)], page).into_response(),
        None => StatusCode::SERVICE_UNAVAILABLE.into_response(),
    }
}

fn count(n: usize) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

fn show(found: &Vitals) {
    for queue in &found.queues {
        let of = |state| [("queue", queue.name), ("state", state)];
        set("pivotal_queue_notifications", &of("ready"), queue.counts.ready);
        set("pivotal_queue_notifications", &of("scheduled"), queue.counts.scheduled);
        set("pivotal_queue_notifications", &of("running"), queue.counts.running);
        let age = queue.counts.oldest_ready_at.map_or(TimeDelta::zero(), |at| found.at - at);
        let name = [("queue", queue.name)];
        set("pivotal_queue_oldest_ready_age_seconds", &name, age.num_seconds().max(0));
        let paused = queue.paused.as_ref().is_some_and(|pause| pause.workspace_id == EVERYBODY);
        set("pivotal_queue_paused", &name, paused.into());
    }
    for channel in [Channel::Email, Channel::Slack] {
        let down = found.queues.iter().any(|q| q.channel == channel && q.down.is_some());
        set("pivotal_channel_up", &[("channel", channel.as_str())], (!down).into());
    }
    for role in ["api", "scheduler", "worker"] {
        let alive = found.processes.iter().filter(|p| p.alive && p.roles.iter().any(|r| r == role));
        set("pivotal_processes", &[("role", role)], count(alive.count()));
    }
    for severity in [Severity::Notice, Severity::Warning, Severity::Critical] {
        let so_many = found.warnings.iter().filter(|warning| warning.severity == severity).count();
        set("pivotal_warnings", &[("severity", severity.as_str())], count(so_many));
    }
    let last_pass = found.last_pass.as_ref().map_or(0, |pass| pass.at.timestamp());
    set("pivotal_last_pass_timestamp_seconds", &[], last_pass);
    set("pivotal_clock_trusted", &[], found.clock.is_none().into());
    set("pivotal_unaccounted_notifications", &[], found.unaccounted);
    set("pivotal_ambiguous_notifications", &[], found.ambiguous);
    set("pivotal_failed_notifications", &[], found.failed);
    set("pivotal_unroutable_onboardings", &[], found.unroutable);
    set("pivotal_flagged_addresses", &[], found.flagged_addresses);
    // The present hour is half over, so the next one is the hour to come as far as full hours tell.
    let to_come = found.slots.iter().take(2).map(|hour| hour.people).max().unwrap_or_default();
    set("pivotal_slots_next_hour", &[], to_come);
}
