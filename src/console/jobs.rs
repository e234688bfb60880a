//! Jobs: the hints that wake the workers. Whatever is done to one is done to the notifications in it, by their rules.

use axum::Router;
use axum::extract::{Path, RawQuery, State};
use axum::response::Response;
use axum::routing::{get, post};
use serde::Serialize;

use super::acting::Acting;
use super::choice::{Choice, choices};
use super::error::PageError;
use super::form::{self, Form, query};
use super::site::Site;
use super::visitor::Visitor;
use super::words::{self, When};
use crate::domain::values::{JobStatus, Kind};
use crate::operate::jobs::{self, Act, Filter, Job};
use crate::operate::queues::Queue;
use crate::render::english::count;

/// Rows of one page.
const PAGE: usize = 50;

pub(super) fn router() -> Router<Site> {
    Router::new()
        .route("/admin/w/{workspace}/jobs", get(list))
        .route("/admin/w/{workspace}/jobs/{id}", get(show))
        .route("/admin/w/{workspace}/jobs/{id}/{action}", post(act))
}

/// One job in words.
#[derive(Serialize)]
struct Row {
    id: String,
    url: String,
    queue: String,
    kind: &'static str,
    status: &'static str,
    /// The icon of a notification in the same standing.
    icon: &'static str,
    runs: i64,
    holds: String,
    worker: String,
    result: String,
    pushed: When,
    run_at: When,
    finished: Option<When>,
}

impl Row {
    fn new(visitor: &Visitor, job: &Job) -> Self {
        Self {
            url: visitor.url(&format!("jobs/{}", job.id)),
            queue: job.queue.clone(),
            kind: job.kind.map_or("Nothing left", words::kind),
            status: words::job(job.status),
            icon: match job.status {
                JobStatus::Pending | JobStatus::Queued => "scheduled",
                JobStatus::Running => "sending",
                JobStatus::Done => "sent",
                JobStatus::Failed => "failed",
                JobStatus::Killed => "cancelled",
            },
            runs: job.attempts,
            holds: count(
                i64::try_from(job.notification_ids.len()).unwrap_or_default(),
                "notification",
            ),
            worker: job.locked_by.clone().unwrap_or_default(),
            result: job.last_result.clone().unwrap_or_default(),
            pushed: visitor.when(job.created_at),
            run_at: visitor.when(job.run_at),
            finished: job.finished_at.map(|at| visitor.when(at)),
            id: job.id.clone(),
        }
    }
}

#[derive(Serialize)]
struct Jobs {
    here: String,
    queues_url: String,
    queues: Vec<Choice>,
    statuses: Vec<Choice>,
    kinds: Vec<Choice>,
    rows: Vec<Row>,
    older: Option<String>,
    narrowed: bool,
}

/// `GET …/jobs`
async fn list(
    State(site): State<Site>,
    visitor: Visitor,
    RawQuery(raw): RawQuery,
) -> Result<Response, PageError> {
    let asked = Form::read(raw.unwrap_or_default().as_bytes());
    let queue = form::read(&asked, "queue", |name| {
        Queue::ALL.into_iter().find(|queue| queue.name() == name).ok_or("there is no such queue")
    })?;
    let status: Option<JobStatus> = form::read(&asked, "status", str::parse)?;
    let kind: Option<Kind> = form::read(&asked, "kind", str::parse)?;
    let notification_id = asked.one("notification");
    let filter = Filter {
        queue: queue.map(Queue::name),
        status,
        kind,
        notification_id,
        ..Filter::default()
    };
    let mut conn = site.db.read().await?;
    let workspace = visitor.workspace.id.as_str();
    let page = jobs::list(&mut conn, Some(workspace), &filter, asked.one("after"), PAGE).await?;
    let here = visitor.url("jobs");
    let older = page.next.map(|after| {
        let pairs = [
            ("queue", queue.map_or("", Queue::name)),
            ("status", status.map_or("", JobStatus::as_str)),
            ("kind", kind.map_or("", Kind::as_str)),
            ("notification", notification_id.unwrap_or_default()),
            ("after", &after),
        ];
        format!("{here}{}", query(pairs))
    });
    let view = Jobs {
        queues_url: visitor.url("queues"),
        queues: choices("Every queue", &Queue::ALL, queue, Queue::name, Queue::name),
        statuses: choices("Any status", JobStatus::ALL, status, JobStatus::as_str, words::job),
        kinds: choices("Any kind", Kind::ALL, kind, Kind::as_str, words::kind),
        rows: page.jobs.iter().map(|job| Row::new(&visitor, job)).collect(),
        older,
        narrowed: filter.queue.is_some()
            || status.is_some()
            || kind.is_some()
            || notification_id.is_some(),
        here,
    };
    visitor.page(&site, "jobs", "queues", "Jobs", &view)
}

#[derive(Serialize)]
struct One {
    row: Row,
    here: String,
    list: String,
    queues_url: String,
    notifications: Vec<Link>,
}

#[derive(Serialize)]
struct Link {
    words: String,
    url: String,
}

/// `GET …/jobs/{id}`
async fn show(
    State(site): State<Site>,
    visitor: Visitor,
    Path((_, id)): Path<(String, String)>,
) -> Result<Response, PageError> {
    let mut conn = site.db.read().await?;
    let found = jobs::show(&mut conn, Some(&visitor.workspace.id), &id).await?;
    let job = found.ok_or(PageError::NotFound("job"))?;
    let view = One {
        row: Row::new(&visitor, &job),
        here: visitor.url(&format!("jobs/{}", job.id)),
        list: visitor.url("jobs"),
        queues_url: visitor.url("queues"),
        notifications: job
            .notification_ids
            .iter()
            .map(|id| Link { words: id.clone(), url: visitor.url(&format!("notifications/{id}")) })
            .collect(),
    };
    visitor.page(&site, "job", "queues", "One job", &view)
}

/// `POST …/jobs/{id}/{action}`
async fn act(
    Path((_, id, action)): Path<(String, String, String)>,
    acting: Acting,
) -> Result<Response, PageError> {
    let (act, said) = match action.as_str() {
        "retry" => (Act::Retry, "tried again now"),
        "cancel" => (Act::Cancel, "cancelled"),
        "run-now" => (Act::RunNow, "sent now"),
        _ => return Err(PageError::NotFound("action")),
    };
    let visitor = &acting.visitor;
    let back = visitor.url(&format!("jobs/{id}"));
    let because = acting.because()?;
    let Some(mut tx) = acting.begin().await? else { return Ok(acting.twice(&back)) };
    let done = jobs::act(&mut tx, because, &visitor.workspace.id, &id, act, visitor.now).await;
    let done = done.map(|done| {
        let count = count(i64::try_from(done).unwrap_or(i64::MAX), "notification");
        format!("{count} in it: {said}.")
    });
    acting.answer(tx, done, &back).await
}
