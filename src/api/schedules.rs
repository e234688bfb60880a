//! `/schedules`: what runs by the clock, stopped, let go on, asked for.

use axum::extract::State;
use axum::response::Response;
use chrono::DateTime;
use http::StatusCode;

use super::Api;
use super::auth::{Caller, Operator};
use super::error::ApiError;
use super::notifications::ReasonMaybe;
use super::path::PathRef;
use super::post::{Begun, Post};
use super::query::Query;
use super::wire::{self, List};
use crate::domain::ids::Ref;
use crate::operate::notifications::Because;
use crate::operate::objects::Schedule;
use crate::operate::schedules;

/// `GET /api/v1/schedules`
pub(super) async fn list(
    State(api): State<Api>,
    Operator(_): Operator,
    query: Query,
) -> Result<Response, ApiError> {
    let part = query.part()?;
    let mut conn = api.db.read().await?;
    let found = schedules::list(&mut conn).await?;
    let rows = found.iter().map(|standing| (DateTime::UNIX_EPOCH, Schedule::from(standing)));
    Ok(wire::json(StatusCode::OK, &List::part(rows, part)))
}

/// `POST /api/v1/schedules/{name}/run`
pub(super) async fn run(
    State(api): State<Api>,
    Operator(caller): Operator,
    PathRef(reference): PathRef,
    post: Post,
) -> Result<Response, ApiError> {
    act(&api, &caller, reference, post, Act::Run).await
}

/// `POST /api/v1/schedules/{name}/pause`
pub(super) async fn pause(
    State(api): State<Api>,
    Operator(caller): Operator,
    PathRef(reference): PathRef,
    post: Post,
) -> Result<Response, ApiError> {
    act(&api, &caller, reference, post, Act::Pause).await
}

/// `POST /api/v1/schedules/{name}/resume`
pub(super) async fn resume(
    State(api): State<Api>,
    Operator(caller): Operator,
    PathRef(reference): PathRef,
    post: Post,
) -> Result<Response, ApiError> {
    act(&api, &caller, reference, post, Act::Resume).await
}

#[derive(Clone, Copy)]
enum Act {
    Run,
    Pause,
    Resume,
}

async fn act(
    api: &Api,
    caller: &Caller,
    reference: Option<Ref>,
    post: Post,
    act: Act,
) -> Result<Response, ApiError> {
    let mut tx = api.db.begin().await?;
    let Some(Ref::Id(name)) = reference else { return Err(ApiError::schedule_not_found()) };
    if !schedules::list(&mut tx).await?.iter().any(|known| known.name == name) {
        return Err(ApiError::schedule_not_found());
    }
    let mut once = match post.begin_at(tx, caller, Some(&name)).await? {
        Begun::First(once) => once,
        Begun::Replay(answer) => return Ok(answer),
    };
    let reason = once.body::<ReasonMaybe>()?.reason()?;
    let reason = reason.unwrap_or_else(|| "over the API".to_owned());
    let author = caller.author();
    let because = Because { author: &author, reason: &reason };
    let (tx, now) = (&mut once.tx, caller.now);
    let standing = match act {
        Act::Run => schedules::run(tx, because, &name, now).await,
        Act::Pause => schedules::pause(tx, because, &name, now).await,
        Act::Resume => schedules::resume(tx, because, &name, now).await,
    }?;
    once.finish(caller, StatusCode::OK, &Schedule::from(&standing)).await
}
