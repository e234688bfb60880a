//! Queues: what waits in each, and how an operator stops one and lets it go on.

use axum::Router;
use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::{get, post};
use serde::Serialize;

use super::acting::Acting;
use super::error::PageError;
use super::site::Site;
use super::visitor::Visitor;
use super::words::When;
use crate::operate::queues::{self, QueueState};
use crate::render::english::count;
use crate::store::queues::EVERYBODY;

pub(super) fn router() -> Router<Site> {
    Router::new()
        .route("/admin/w/{workspace}/queues", get(list))
        .route("/admin/w/{workspace}/queues/{name}/pause", post(pause))
        .route("/admin/w/{workspace}/queues/{name}/resume", post(resume))
}

/// One queue in words.
#[derive(Serialize)]
pub(super) struct Row {
    name: &'static str,
    holds: &'static str,
    url: String,
    ready: i64,
    running: i64,
    later: i64,
    failed: i64,
    failed_url: String,
    oldest: Option<When>,
    paused: Option<Paused>,
    down: Option<Down>,
}

#[derive(Serialize)]
struct Paused {
    by: String,
    reason: String,
    since: When,
    /// Of every workspace, so that only such a resume ends it.
    everybody: bool,
}

#[derive(Serialize)]
struct Down {
    since: When,
    until: When,
    failures: String,
    reason: String,
}

impl Row {
    pub(super) fn new(visitor: &Visitor, queue: QueueState) -> Self {
        let counts = queue.counts;
        Self {
            name: queue.name,
            holds: match queue.name {
                "email" => "Digests and nudges by mail",
                "slack" => "Digests and nudges on Slack",
                _ => "Reminders to customers, by mail",
            },
            url: visitor.url(&format!("queues/{}", queue.name)),
            ready: counts.ready,
            running: counts.running,
            later: counts.scheduled,
            failed: counts.failed,
            failed_url: visitor
                .url(&format!("notifications?state=failed&channel={}", queue.channel)),
            oldest: counts.oldest_ready_at.map(|at| visitor.when(at)),
            paused: queue.paused.map(|pause| Paused {
                everybody: pause.workspace_id == EVERYBODY,
                since: visitor.when(pause.since),
                by: pause.by,
                reason: pause.reason,
            }),
            down: queue.down.map(|down| Down {
                since: visitor.when(down.since),
                until: visitor.when(down.until),
                failures: count(down.failures, "failure"),
                reason: down.reason,
            }),
        }
    }
}

#[derive(Serialize)]
struct Queues {
    jobs_url: String,
    rows: Vec<Row>,
}

/// `GET …/queues`
async fn list(State(site): State<Site>, visitor: Visitor) -> Result<Response, PageError> {
    let mut conn = site.db.read().await?;
    let workspace = visitor.workspace.id.as_str();
    let queues = queues::list(&mut conn, Some(workspace), visitor.now).await?;
    let rows = queues.into_iter().map(|queue| Row::new(&visitor, queue)).collect();
    visitor.page(
        &site,
        "queues",
        "queues",
        "Queues and jobs",
        &Queues { jobs_url: visitor.url("jobs"), rows },
    )
}

/// Whose messages wait: those of the workspace, or everybody's.
fn extent(acting: &Acting) -> Option<&str> {
    let everybody = acting.form.one("extent") == Some("everybody");
    (!everybody).then_some(acting.visitor.workspace.id.as_str())
}

/// `POST …/queues/{name}/pause`
async fn pause(
    Path((_, name)): Path<(String, String)>,
    acting: Acting,
) -> Result<Response, PageError> {
    let back = acting.visitor.url("queues");
    let because = acting.because()?;
    let Some(mut tx) = acting.begin().await? else { return Ok(acting.twice(&back)) };
    let done = queues::pause(&mut tx, because, extent(&acting), &name, acting.visitor.now).await;
    let done = done.map(|()| {
        format!("The queue {name} is paused. Within two seconds no worker takes anything from it.")
    });
    acting.answer(tx, done, &back).await
}

/// `POST …/queues/{name}/resume`
async fn resume(
    Path((_, name)): Path<(String, String)>,
    acting: Acting,
) -> Result<Response, PageError> {
    let back = acting.visitor.url("queues");
    let because = acting.because()?;
    let Some(mut tx) = acting.begin().await? else { return Ok(acting.twice(&back)) };
    let done = queues::resume(&mut tx, because, extent(&acting), &name, acting.visitor.now).await;
    let done = done.map(|()| format!("The queue {name} goes on. What waited goes out now."));
    acting.answer(tx, done, &back).await
}
