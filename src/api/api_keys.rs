//! `/api_keys`: making, listing, rotating and revoking keys.

use axum::extract::State;
use axum::response::Response;
use chrono::{DateTime, TimeDelta, Utc};
use http::StatusCode;
use schemars::JsonSchema;
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;

use super::Api;
use super::auth::Admin;
use super::error::ApiError;
use super::path::PathRef;
use super::post::{Begun, Post};
use super::query::Query;
use super::request::{Optional, Required, request};
use super::values::{Integer, ListOf, Name, Word};
use super::wire::{self, List};
use crate::db::Conn;
use crate::domain::ids::Ref;
use crate::domain::values::{Mode, Scope, Tier};
use crate::operate::keys::{self, NewKey};
use crate::operate::objects;
use crate::store::api_keys::{self, ApiKey};
use crate::store::audit::Author;

/// Longest overlap of a rotation: 30 days.
const MAX_OVERLAP: i64 = 30 * 24 * 60 * 60;

request! {
    ApiKeyCreate {
        name: Required<Name>,
        mode: Optional<Word<Mode>> = "live",
        tier: Optional<Word<Tier>> = "standard",
        scopes: Optional<ListOf<Word<Scope>, 1, { Scope::ALL.len() }>> = ["read", "write"],
    }
}

request! {
    ApiKeyRotate {
        /// For how long the old key goes on opening what it opens.
        overlap_seconds: Optional<Integer<0, MAX_OVERLAP>> = 0,
    }
}

/// The answer to a revocation.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "DeletedApiKey")]
#[expect(clippy::struct_field_names, reason = "the contract's name")]
pub(super) struct Deleted<'a> {
    #[schemars(extend("enum" = ["deleted"]))]
    object: &'static str,
    id: &'a str,
    /// Keys have none.
    display_id: (),
    #[schemars(extend("enum" = [true]))]
    deleted: bool,
}

/// A key with what it was used for, including what this process has not written yet.
fn view<'a>(api: &Api, row: &'a ApiKey) -> objects::ApiKey<'a> {
    let key = objects::ApiKey::from(row);
    let Some(used) = api.usage.pending(&row.id) else { return key };
    key.used(used.last_at, used.last_ip.map(|ip| ip.to_string()), used.requests)
}

/// `GET /api/v1/api_keys`
pub(super) async fn list(
    State(api): State<Api>,
    Admin(caller): Admin,
    query: Query,
) -> Result<Response, ApiError> {
    let page = query.page()?;
    let mut conn = api.db.read().await?;
    let rows = api_keys::list(&mut conn, caller.workspace_id(), page.cursor, page.rows()).await?;
    let list = List::page(&rows, page.limit, |row| row.created_at, |row| view(&api, row));
    Ok(wire::json(StatusCode::OK, &list))
}

/// `POST /api/v1/api_keys`
pub(super) async fn create(
    State(api): State<Api>,
    Admin(caller): Admin,
    post: Post,
) -> Result<Response, ApiError> {
    caller.must_be_live()?;
    let mut once = match post.begin(&api, &caller).await? {
        Begun::First(once) => once,
        Begun::Replay(answer) => return Ok(answer),
    };
    let body: ApiKeyCreate = once.body()?;
    let (tx, author) = (&mut once.tx, caller.author());
    let (row, secret) = make(tx, &author, caller.workspace_id(), &body, caller.now).await?;
    show_once(&api, &caller, once, &row, &secret).await
}

/// Makes a key.
pub(super) async fn make(
    conn: &mut Conn,
    author: &Author,
    workspace_id: &str,
    body: &ApiKeyCreate,
    now: DateTime<Utc>,
) -> Result<(ApiKey, SecretString), ApiError> {
    let name = body.name()?;
    let mode = body.mode()?.unwrap_or(Mode::Live);
    let tier = body.tier()?.unwrap_or(Tier::Standard);
    let scopes = body.scopes()?;
    let scopes = scopes.as_deref().unwrap_or(keys::DEFAULT_SCOPES);
    let new = NewKey { workspace_id, name: &name, mode, tier, scopes };
    Ok(keys::create(conn, author, new, now).await?)
}

/// `POST /api/v1/api_keys/{id}/rotate`
pub(super) async fn rotate(
    State(api): State<Api>,
    Admin(caller): Admin,
    PathRef(reference): PathRef,
    post: Post,
) -> Result<Response, ApiError> {
    caller.must_be_live()?;
    let id = key_id(reference)?;
    let begun = post.begin_at(api.db.begin().await?, &caller, Some(&id)).await?;
    let mut once = match begun {
        Begun::First(once) => once,
        Begun::Replay(answer) => return Ok(answer),
    };
    let known = api_keys::lock(&mut once.tx, caller.workspace_id(), &id).await?;
    if known.is_none_or(|key| key.is_revoked(caller.now)) {
        return Err(ApiError::api_key_not_found());
    }
    let body: ApiKeyRotate = once.body()?;
    let (tx, author) = (&mut once.tx, caller.author());
    let (row, secret) = follow(tx, &author, caller.workspace_id(), &id, &body, caller.now).await?;
    show_once(&api, &caller, once, &row, &secret).await
}

/// Makes a key in the place of another one.
pub(super) async fn follow(
    conn: &mut Conn,
    author: &Author,
    workspace_id: &str,
    id: &str,
    body: &ApiKeyRotate,
    now: DateTime<Utc>,
) -> Result<(ApiKey, SecretString), ApiError> {
    let overlap = TimeDelta::seconds(body.overlap_seconds()?.unwrap_or_default());
    let rotated = keys::rotate(conn, author, workspace_id, id, overlap, now).await?;
    rotated.ok_or_else(ApiError::api_key_not_found)
}

/// The answer that shows the key. What is kept for a repetition of the request does not: a stored key could be stolen.
async fn show_once(
    api: &Api,
    caller: &super::auth::Caller,
    once: super::post::Once,
    row: &ApiKey,
    secret: &SecretString,
) -> Result<Response, ApiError> {
    let shown = view(api, row).with_secret(secret.expose_secret());
    once.finish_with_secret(caller, StatusCode::CREATED, &shown, &view(api, row)).await
}

/// `DELETE /api/v1/api_keys/{id}`: the key opens nothing from the next request on.
pub(super) async fn revoke(
    State(api): State<Api>,
    Admin(caller): Admin,
    PathRef(reference): PathRef,
) -> Result<Response, ApiError> {
    caller.must_be_live()?;
    let id = key_id(reference)?;
    let mut tx = api.db.begin().await?;
    let row = keys::revoke(&mut tx, &caller.author(), caller.workspace_id(), &id, caller.now)
        .await?
        .ok_or_else(ApiError::api_key_not_found)?;
    tx.commit().await?;
    let deleted = Deleted { object: "deleted", id: &row.id, display_id: (), deleted: true };
    Ok(wire::json(StatusCode::OK, &deleted))
}

/// Keys have no display id.
fn key_id(reference: Option<Ref>) -> Result<String, ApiError> {
    match reference {
        Some(Ref::Id(id)) => Ok(id),
        _ => Err(ApiError::api_key_not_found()),
    }
}
