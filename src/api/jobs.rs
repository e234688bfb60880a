//! `/jobs`: the wake-ups of the queues, and what is done to what they stand for.

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;

use super::Api;
use super::auth::{Caller, Operator};
use super::error::ApiError;
use super::notifications::ReasonMaybe;
use super::path::PathRef;
use super::post::{Begun, Post};
use super::query::Query;
use super::wire::{self, List};
use crate::domain::ids::{self, Ref};
use crate::operate::jobs::{self, Act, Filter, Job};
use crate::operate::notifications::Because;
use crate::operate::objects;

/// `GET /api/v1/jobs`
pub(super) async fn list(
    State(api): State<Api>,
    Operator(caller): Operator,
    query: Query,
) -> Result<Response, ApiError> {
    let page = query.page()?;
    let cursor = query.fine_cursor()?;
    let queue = query.text("queue")?;
    let status = query.word("status")?;
    let kind = query.word("kind")?;
    let notification_id = query.text("notification_id")?;
    let filter = Filter { queue, status, kind, notification_id, ..Filter::default() };
    let mut conn = api.db.read().await?;
    let behind = jobs::behind(cursor);
    let workspace = Some(caller.workspace_id());
    let found = jobs::list(&mut conn, workspace, &filter, Some(&behind), page.limit + 1).await?;
    let place = |job: &Job| ids::fine_instant(&job.id, job.created_at);
    let (rows, next) = wire::cut(&found.jobs, page.limit, place);
    // Behind what was looked through, where that is not all.
    let next = next.or_else(|| found.next.as_deref().map(jobs::place));
    Ok(wire::json(StatusCode::OK, &List::cut(rows.iter().map(objects::Job::from).collect(), next)))
}

/// `GET /api/v1/jobs/{id}`
pub(super) async fn get(
    State(api): State<Api>,
    Operator(caller): Operator,
    PathRef(reference): PathRef,
) -> Result<Response, ApiError> {
    let mut conn = api.db.read().await?;
    let id = job_id(reference)?;
    let found = jobs::show(&mut conn, Some(caller.workspace_id()), &id).await?;
    let job = found.ok_or_else(ApiError::job_not_found)?;
    Ok(wire::json(StatusCode::OK, &objects::Job::from(&job)))
}

/// `POST /api/v1/jobs/{id}/retry`
pub(super) async fn retry(
    State(api): State<Api>,
    Operator(caller): Operator,
    PathRef(reference): PathRef,
    post: Post,
) -> Result<Response, ApiError> {
    act(&api, &caller, reference, post, Act::Retry).await
}

/// `POST /api/v1/jobs/{id}/cancel`
pub(super) async fn cancel(
    State(api): State<Api>,
    Operator(caller): Operator,
    PathRef(reference): PathRef,
    post: Post,
) -> Result<Response, ApiError> {
    act(&api, &caller, reference, post, Act::Cancel).await
}

/// `POST /api/v1/jobs/{id}/run_now`
pub(super) async fn run_now(
    State(api): State<Api>,
    Operator(caller): Operator,
    PathRef(reference): PathRef,
    post: Post,
) -> Result<Response, ApiError> {
    act(&api, &caller, reference, post, Act::RunNow).await
}

async fn act(
    api: &Api,
    caller: &Caller,
    reference: Option<Ref>,
    post: Post,
    act: Act,
) -> Result<Response, ApiError> {
    let mut tx = api.db.begin().await?;
    let workspace = caller.workspace_id();
    let id = job_id(reference)?;
    let job = jobs::show(&mut tx, Some(workspace), &id).await?;
    let job = job.ok_or_else(ApiError::job_not_found)?;
    let mut once = match post.begin_at(tx, caller, Some(&id)).await? {
        Begun::First(once) => once,
        Begun::Replay(answer) => return Ok(answer),
    };
    let reason = once.body::<ReasonMaybe>()?.reason()?;
    let reason = reason.unwrap_or_else(|| act.event().replace('_', " "));
    let author = caller.author();
    let because = Because { author: &author, reason: &reason };
    jobs::act(&mut once.tx, because, workspace, &id, act, caller.now).await?;
    // The job itself is as it was; what changed is in its notifications.
    once.finish(caller, StatusCode::OK, &objects::Job::from(&job)).await
}

/// Jobs have no display id.
fn job_id(reference: Option<Ref>) -> Result<String, ApiError> {
    match reference {
        Some(Ref::Id(id)) => Ok(id),
        _ => Err(ApiError::job_not_found()),
    }
}
