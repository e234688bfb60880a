//! Who is not written to: `/opt_outs`, who wants no messages, and `/addresses`, which a provider refused.

use axum::extract::State;
use axum::response::Response;
use chrono::{DateTime, Utc};
use http::StatusCode;

use super::Api;
use super::auth::Operator;
use super::error::ApiError;
use super::notifications::ReasonGiven;
use super::path::PathRef;
use super::post::{Begun, Post};
use super::query::Query;
use super::request::{Optional, Required, request};
use super::values::{Name, Word};
use super::wire::{self, List};
use crate::domain::ids::{self, Ref};
use crate::domain::values::{Channel, Kind};
use crate::operate::notifications::Because;
use crate::operate::objects::{FlaggedAddress, OptOut};
use crate::operate::{addresses, opt_outs};
use crate::store::contacts;

request! {
    AddressClear {
        /// Why; kept in the audit log.
        reason: Required<Name>,
        /// Of the address; email if not given.
        channel: Optional<Word<Channel>>,
    }
}

/// Where somebody stands in a list: by when they were made.
fn place(id: &str) -> DateTime<Utc> {
    ids::fine_instant(id, ids::made_at(id).unwrap_or_default())
}

/// `GET /api/v1/opt_outs`: who wants no messages of which kind.
pub(super) async fn opt_outs(
    State(api): State<Api>,
    Operator(caller): Operator,
    query: Query,
) -> Result<Response, ApiError> {
    let part = query.part()?;
    let mut conn = api.db.read().await?;
    let mut all = opt_outs::all(&mut conn, caller.workspace_id()).await?;
    // A place that does not move when somebody before it is lifted.
    all.sort_by_key(|one| place(&one.id));
    let rows = all.iter().flat_map(|one| OptOut::each(one).map(|kind| (place(&one.id), kind)));
    Ok(wire::json(StatusCode::OK, &List::part(rows, part)))
}

/// `POST /api/v1/opt_outs/{id}/lift`: a contact is written to again.
pub(super) async fn lift(
    State(api): State<Api>,
    Operator(caller): Operator,
    PathRef(reference): PathRef,
    post: Post,
) -> Result<Response, ApiError> {
    let reference = reference.ok_or_else(ApiError::contact_not_found)?;
    let mut tx = api.db.begin().await?;
    let workspace = caller.workspace_id();
    let contact = contacts::find(&mut tx, workspace, &reference).await?;
    let contact = contact.ok_or_else(ApiError::contact_not_found)?;
    let mut once = match post.begin_at(tx, &caller, Some(&contact.id)).await? {
        Begun::First(once) => once,
        Begun::Replay(answer) => return Ok(answer),
    };
    let reason = once.body::<ReasonGiven>()?.reason()?;
    let author = caller.author();
    let because = Because { author: &author, reason: &reason };
    let lifted = opt_outs::lift(&mut once.tx, because, workspace, &reference, caller.now).await?;
    once.finish(&caller, StatusCode::OK, &OptOut::new(&lifted, Kind::CustomerReminder)).await
}

/// `GET /api/v1/addresses`: addresses that a provider refused for good.
pub(super) async fn addresses(
    State(api): State<Api>,
    Operator(caller): Operator,
    query: Query,
) -> Result<Response, ApiError> {
    let part = query.part()?;
    let mut conn = api.db.read().await?;
    let mut all = addresses::list(&mut conn, caller.workspace_id()).await?;
    all.sort_by_key(|one| place(&one.id));
    let rows = all.iter().map(|one| (place(&one.id), FlaggedAddress::from(one)));
    Ok(wire::json(StatusCode::OK, &List::part(rows, part)))
}

/// `POST /api/v1/addresses/{id}/clear`: an address is tried again.
pub(super) async fn clear(
    State(api): State<Api>,
    Operator(caller): Operator,
    PathRef(reference): PathRef,
    post: Post,
) -> Result<Response, ApiError> {
    let Some(Ref::Id(id)) = reference else { return Err(ApiError::address_not_found()) };
    let (mut tx, workspace) = (api.db.begin().await?, caller.workspace_id());
    // A repetition comes when it is refused no more, so all that is asked first is whether somebody has this id.
    if !addresses::is_somebody(&mut tx, workspace, &id).await? {
        return Err(ApiError::address_not_found());
    }
    let mut once = match post.begin_at(tx, &caller, Some(&id)).await? {
        Begun::First(once) => once,
        Begun::Replay(answer) => return Ok(answer),
    };
    let body: AddressClear = once.body()?;
    let reason = body.reason()?;
    let channel = body.channel()?.unwrap_or(Channel::Email);
    let author = caller.author();
    let because = Because { author: &author, reason: &reason };
    let tx = &mut once.tx;
    let cleared = addresses::clear(tx, because, workspace, &id, channel, caller.now).await?;
    once.finish(&caller, StatusCode::OK, &FlaggedAddress::from(&cleared)).await
}
