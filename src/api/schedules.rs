//! `/schedules`: what runs by the clock, stopped, let go on, asked for.

use std::borrow::Cow;

use axum::extract::State;
use axum::response::Response;
use chrono::DateTime;
use http::StatusCode;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use super::Api;
use super::auth::{Caller, Operator};
use super::error::ApiError;
use super::notifications::ReasonMaybe;
use super::path::PathRef;
use super::post::{Begun, Post};
use super::query::Query;
use super::wire::{self, List};
use crate::domain::ids::Ref;
use crate::domain::values;
use crate::operate::notifications::Because;
use crate::operate::objects::{PlannedNotification, Schedule};
use crate::operate::{ActionError, schedules};

/// Hours of a dry run that does not say how many.
const HOURS: i64 = 24;

/// Most hours of a dry run: a month.
const MOST_HOURS: i64 = 744;

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

/// `GET /api/v1/schedules/{name}/dry_run`: what passes of the hours to come would write.
pub(super) async fn dry_run(
    State(api): State<Api>,
    Operator(caller): Operator,
    PathRef(reference): PathRef,
    query: Query,
) -> Result<Response, ApiError> {
    let Some(Ref::Id(name)) = reference else { return Err(ApiError::schedule_not_found()) };
    match name.parse() {
        Ok(values::Schedule::Scan) => {}
        Ok(_) => return Err(ActionError::Refused("only scan has a dry run".to_owned()).into()),
        Err(_) => return Err(ApiError::schedule_not_found()),
    }
    let part = query.part()?;
    let hours = query.number("hours", 1..=MOST_HOURS)?.unwrap_or(HOURS);
    let (workspace, channels) = (caller.workspace_id(), api.channels);
    let items = schedules::dry_run(&api.db, workspace, hours, channels, caller.now).await?;
    let rows = items.iter().map(|item| (item.at, PlannedNotification::from(item)));
    Ok(wire::json(StatusCode::OK, &List::part(rows, part)))
}

/// What `hours` is.
pub(super) enum DryRunHours {}

impl JsonSchema for DryRunHours {
    fn schema_name() -> Cow<'static, str> {
        "DryRunHours".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "integer", "minimum": 1, "maximum": MOST_HOURS, "default": HOURS })
    }
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
