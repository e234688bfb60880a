//! `/bulk_operations`: one action on everything that matches, planned, applied exactly as planned, and for a while taken back.

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;

use super::Api;
use super::auth::{Caller, Operator};
use super::error::ApiError;
use super::notifications::{Named, ReasonMaybe};
use super::path::PathRef;
use super::post::{Begun, Once, Post};
use super::query::Query;
use super::request::{Object, Optional, Required, request};
use super::values::{At, Name, Parent, Word};
use super::wire::{self, List};
use crate::domain::ids::Ref;
use crate::domain::values::{BulkAction, Channel, Kind, Mode, NotificationState, Reason};
use crate::operate::bulk::{self, Wanted};
use crate::operate::notifications::Because;
use crate::operate::objects::BulkOperation;

request! {
    NotificationFilter {
        kind: Optional<Word<Kind>>,
        channel: Optional<Word<Channel>>,
        state: Optional<Word<NotificationState>>,
        reason: Optional<Word<Reason>>,
        mode: Optional<Word<Mode>>,
        onboarding_id: Optional<Parent>,
        customer_id: Optional<Parent>,
        user_id: Optional<Parent>,
        created_after: Optional<At>,
        created_before: Optional<At>,
        /// What customer, person or subject begins with.
        q: Optional<Name>,
    }
}

request! {
    BulkPlan {
        action: Required<Word<BulkAction>>,
        /// Which notifications, as their list takes it; at least one property.
        filter: Required<Object<NotificationFilter>>,
        /// Why; kept in the audit log.
        reason: Optional<Name>,
    }
}

request! {
    BulkApply {
        /// That of the plan as it was seen.
        hash: Required<Name>,
        /// Why; kept in the audit log.
        reason: Optional<Name>,
    }
}

const BULK: &str = "bulk operation";

/// `GET /api/v1/bulk_operations`
pub(super) async fn list(
    State(api): State<Api>,
    Operator(caller): Operator,
    query: Query,
) -> Result<Response, ApiError> {
    let page = query.page()?;
    let mut conn = api.db.read().await?;
    let workspace = caller.workspace_id();
    let rows = bulk::list(&mut conn, workspace, page.cursor, page.rows(), caller.now).await?;
    let list = List::page(&rows, page.limit, |row| row.created_at, BulkOperation::from);
    Ok(wire::json(StatusCode::OK, &list))
}

/// `GET /api/v1/bulk_operations/{id}`
pub(super) async fn get(
    State(api): State<Api>,
    Operator(caller): Operator,
    PathRef(reference): PathRef,
) -> Result<Response, ApiError> {
    let id = operation_id(reference)?;
    let mut conn = api.db.read().await?;
    let found = bulk::show(&mut conn, caller.workspace_id(), &id, caller.now).await?;
    let operation = found.ok_or_else(ApiError::bulk_operation_not_found)?;
    Ok(wire::json(StatusCode::OK, &BulkOperation::from(&operation)))
}

/// `POST /api/v1/bulk_operations`: a plan.
pub(super) async fn plan(
    State(api): State<Api>,
    Operator(caller): Operator,
    post: Post,
) -> Result<Response, ApiError> {
    let mut once = match post.begin(&api, &caller).await? {
        Begun::First(once) => once,
        Begun::Replay(answer) => return Ok(answer),
    };
    let body: BulkPlan = once.body()?;
    let action = body.action()?;
    let wanted = wanted(&mut once, &caller, &body.filter()?).await?;
    let reason = body.reason()?.unwrap_or_else(|| BULK.to_owned());
    if wanted.is_everything() {
        let message = "An empty filter means everything; name at least one thing to act on.";
        return Err(ApiError::invalid_field("filter", "custom", message));
    }
    let author = caller.author();
    let because = Because { author: &author, reason: &reason };
    let (workspace, now) = (caller.workspace_id(), caller.now);
    let planned = bulk::plan(&mut once.tx, because, workspace, action, &wanted, now).await?;
    once.finish(&caller, StatusCode::CREATED, &BulkOperation::from(&planned)).await
}

/// The filter, by the names that the list of notifications takes in its query.
async fn wanted(
    once: &mut Once,
    caller: &Caller,
    filter: &NotificationFilter,
) -> Result<Wanted, ApiError> {
    let inside = |error: ApiError| error.inside("filter");
    let mut wanted = Wanted {
        kind: filter.kind().map_err(inside)?,
        channel: filter.channel().map_err(inside)?,
        state: filter.state().map_err(inside)?,
        reason: filter.reason().map_err(inside)?,
        mode: filter.mode().map_err(inside)?,
        ..Wanted::default()
    };
    let onboarding = filter.onboarding_id().map_err(inside)?;
    let customer = filter.customer_id().map_err(inside)?;
    let user = filter.user_id().map_err(inside)?;
    wanted.created_after = filter.created_after().map_err(inside)?;
    wanted.created_before = filter.created_before().map_err(inside)?;
    wanted.q = filter.q().map_err(inside)?;
    let tx = &mut once.tx;
    let (onboarding, customer, user) =
        (onboarding.as_deref(), customer.as_deref(), user.as_deref());
    let named = Named::resolve(tx, caller, onboarding, customer, user).await?;
    // What names nothing is kept as it was sent: it fits nothing either.
    let kept = |found: Option<String>, sent: Option<&str>| {
        found.filter(|id| !id.is_empty()).or_else(|| sent.map(str::to_owned))
    };
    wanted.onboarding_id = kept(named.onboarding, onboarding);
    wanted.customer_id = kept(named.customer, customer);
    wanted.user_id = kept(named.user, user);
    Ok(wanted)
}

/// `POST /api/v1/bulk_operations/{id}/apply`
pub(super) async fn apply(
    State(api): State<Api>,
    Operator(caller): Operator,
    PathRef(reference): PathRef,
    post: Post,
) -> Result<Response, ApiError> {
    let id = operation_id(reference)?;
    let mut once = match begin(&api, &caller, &id, post).await? {
        Begun::First(once) => once,
        Begun::Replay(answer) => return Ok(answer),
    };
    let body: BulkApply = once.body()?;
    let hash = body.hash()?;
    let reason = body.reason()?.unwrap_or_else(|| BULK.to_owned());
    let author = caller.author();
    let because = Because { author: &author, reason: &reason };
    let (workspace, now) = (caller.workspace_id(), caller.now);
    let operation = bulk::apply(&mut once.tx, because, workspace, &id, &hash, now).await?;
    once.finish(&caller, StatusCode::OK, &BulkOperation::from(&operation)).await
}

/// `POST /api/v1/bulk_operations/{id}/undo`
pub(super) async fn undo(
    State(api): State<Api>,
    Operator(caller): Operator,
    PathRef(reference): PathRef,
    post: Post,
) -> Result<Response, ApiError> {
    let id = operation_id(reference)?;
    let mut once = match begin(&api, &caller, &id, post).await? {
        Begun::First(once) => once,
        Begun::Replay(answer) => return Ok(answer),
    };
    let reason = once.body::<ReasonMaybe>()?.reason()?.unwrap_or_else(|| BULK.to_owned());
    let author = caller.author();
    let because = Because { author: &author, reason: &reason };
    let (workspace, now) = (caller.workspace_id(), caller.now);
    let operation = bulk::undo(&mut once.tx, because, workspace, &id, now).await?;
    once.finish(&caller, StatusCode::OK, &BulkOperation::from(&operation)).await
}

async fn begin(api: &Api, caller: &Caller, id: &str, post: Post) -> Result<Begun, ApiError> {
    let mut tx = api.db.begin().await?;
    let found = bulk::show(&mut tx, caller.workspace_id(), id, caller.now).await?;
    if found.is_none() {
        return Err(ApiError::bulk_operation_not_found());
    }
    post.begin_at(tx, caller, Some(id)).await
}

/// Operations have no display id.
fn operation_id(reference: Option<Ref>) -> Result<String, ApiError> {
    match reference {
        Some(Ref::Id(id)) => Ok(id),
        _ => Err(ApiError::bulk_operation_not_found()),
    }
}
