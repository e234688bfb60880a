//! Who is not written to: `/opt_outs`, who wants no messages, and `/addresses`, which a provider refused.

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;

use super::Api;
use super::auth::{Admin, Operator};
use super::error::ApiError;
use super::notifications::ReasonGiven;
use super::path::PathRef;
use super::post::{Begun, Post};
use super::query::Query;
use super::request::{Optional, Required, request};
use super::values::{Name, Word};
use super::wire::{self, List};
use crate::domain::ids::Ref;
use crate::domain::values::{Channel, Kind};
use crate::operate::notifications::Because;
use crate::operate::objects::{FlaggedAddress, OptOut};
use crate::operate::{addresses, opt_outs};
use crate::store::{contacts, users};

request! {
    AddressClear {
        /// Why; kept in the audit log.
        reason: Required<Name>,
        /// Of the address; email if not given.
        channel: Optional<Word<Channel>>,
    }
}

/// `GET /api/v1/opt_outs`: who wants no messages of which kind.
pub(super) async fn opt_outs(
    State(api): State<Api>,
    Admin(caller): Admin,
    query: Query,
) -> Result<Response, ApiError> {
    let part = query.part()?;
    let mut conn = api.db.read().await?;
    let all = opt_outs::all(&mut conn, caller.workspace_id()).await?;
    let rows =
        (0..).zip(all.iter().flat_map(OptOut::each)).map(|(n, found)| (wire::place(n), found));
    Ok(wire::json(StatusCode::OK, &List::part(rows, part)))
}

/// `POST /api/v1/opt_outs/{id}/lift`: a contact is written to again.
pub(super) async fn lift(
    State(api): State<Api>,
    Admin(caller): Admin,
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
    let all = addresses::list(&mut conn, caller.workspace_id()).await?;
    let rows = (0..).zip(&all).map(|(n, found)| (wire::place(n), FlaggedAddress::from(found)));
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
    let somebody = Ref::Id(id.clone());
    if users::find(&mut tx, workspace, &somebody).await?.is_none()
        && contacts::find(&mut tx, workspace, &somebody).await?.is_none()
    {
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
