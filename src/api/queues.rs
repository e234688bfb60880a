//! `/queues`: what waits in each, stopped and let go on for the key's workspace.

use axum::extract::State;
use axum::response::Response;
use chrono::DateTime;
use http::StatusCode;

use super::Api;
use super::auth::{Caller, Operator};
use super::error::ApiError;
use super::notifications::ReasonGiven;
use super::path::PathRef;
use super::post::{Begun, Post};
use super::query::Query;
use super::wire::{self, List};
use crate::db::Conn;
use crate::domain::ids::Ref;
use crate::operate::notifications::Because;
use crate::operate::{objects, queues};

/// `GET /api/v1/queues`
pub(super) async fn list(
    State(api): State<Api>,
    Operator(caller): Operator,
    query: Query,
) -> Result<Response, ApiError> {
    let part = query.part()?;
    let mut conn = api.db.read().await?;
    let found = queues::list(&mut conn, Some(caller.workspace_id()), caller.now).await?;
    let rows = found.iter().map(|queue| (DateTime::UNIX_EPOCH, objects::Queue::from(queue)));
    Ok(wire::json(StatusCode::OK, &List::part(rows, part)))
}

/// `POST /api/v1/queues/{name}/pause`
pub(super) async fn pause(
    State(api): State<Api>,
    Operator(caller): Operator,
    PathRef(reference): PathRef,
    post: Post,
) -> Result<Response, ApiError> {
    switch(&api, &caller, reference, post, true).await
}

/// `POST /api/v1/queues/{name}/resume`
pub(super) async fn resume(
    State(api): State<Api>,
    Operator(caller): Operator,
    PathRef(reference): PathRef,
    post: Post,
) -> Result<Response, ApiError> {
    switch(&api, &caller, reference, post, false).await
}

async fn switch(
    api: &Api,
    caller: &Caller,
    reference: Option<Ref>,
    post: Post,
    stop: bool,
) -> Result<Response, ApiError> {
    let mut tx = api.db.begin().await?;
    let name = named(&mut tx, caller, reference).await?;
    let mut once = match post.begin_at(tx, caller, Some(&name)).await? {
        Begun::First(once) => once,
        Begun::Replay(answer) => return Ok(answer),
    };
    let reason = once.body::<ReasonGiven>()?.reason()?;
    let author = caller.author();
    let because = Because { author: &author, reason: &reason };
    let (tx, workspace) = (&mut once.tx, Some(caller.workspace_id()));
    if stop {
        queues::pause(tx, because, workspace, &name, caller.now).await?;
    } else {
        queues::resume(tx, because, workspace, &name, caller.now).await?;
    }
    let queue = queues::show(tx, workspace, &name, caller.now).await?;
    let queue = queue.ok_or_else(ApiError::queue_not_found)?;
    once.finish(caller, StatusCode::OK, &objects::Queue::from(&queue)).await
}

async fn named(
    conn: &mut Conn,
    caller: &Caller,
    reference: Option<Ref>,
) -> Result<String, ApiError> {
    let Some(Ref::Id(name)) = reference else { return Err(ApiError::queue_not_found()) };
    let known = queues::show(conn, Some(caller.workspace_id()), &name, caller.now).await?;
    known.map(|_| name).ok_or_else(ApiError::queue_not_found)
}
