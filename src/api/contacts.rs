//! `/contacts`, and the contacts of a customer.

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;

use super::auth::{Reader, Writer};
use super::body::{Body, JsonBytes};
use super::error::ApiError;
use super::path::PathRef;
use super::post::{Begun, Post};
use super::query::Query;
use super::request::{Nullable, Optional, Required, request};
use super::values::{Boolean, Email, ListOf, Name, Title};
use super::wire::{self, Deleted, Instant, List};
use super::{Api, customers};
use crate::db::{DbError, is_conflict};
use crate::store::contacts::{self, Contact, NewContact, Patch};
use crate::store::customers as customer_rows;

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Contact")]
pub(super) struct View<'a> {
    #[schemars(extend("enum" = ["contact"]))]
    object: &'static str,
    id: &'a str,
    #[schemars(range(min = 1))]
    display_id: i64,
    customer_id: &'a str,
    name: &'a str,
    #[schemars(extend("format" = "email"))]
    email: &'a str,
    title: Option<&'a str>,
    is_primary: bool,
    labels: &'a [String],
    created_at: Instant,
    updated_at: Instant,
}

type Labels = ListOf<Title, 0, { usize::MAX }>;

request! {
    ContactCreate {
        name: Required<Name>,
        /// Lower-cased on input.
        email: Required<Email>,
        title: Nullable<Title>,
        is_primary: Optional<Boolean>,
        labels: Optional<Labels>,
    }
}

request! {
    ContactUpdate {
        name: Optional<Name>,
        email: Optional<Email>,
        title: Nullable<Title>,
        is_primary: Optional<Boolean>,
        labels: Optional<Labels>,
    }
}

fn view(row: &Contact) -> View<'_> {
    View {
        object: "contact",
        id: &row.id,
        display_id: row.display_id,
        customer_id: &row.customer_id,
        name: &row.name,
        email: &row.email,
        title: row.title.as_deref(),
        is_primary: row.is_primary,
        labels: &row.labels,
        created_at: Instant(row.created_at),
        updated_at: Instant(row.updated_at),
    }
}

fn email_taken() -> ApiError {
    ApiError::taken("email", "email_taken", "This e-mail is already used.")
}

/// The customer is locked, so the only unique key that can still be hit is the address.
fn taken_meanwhile(error: DbError) -> ApiError {
    if is_conflict(&error) { email_taken() } else { error.into() }
}

/// `GET /api/v1/customers/{customerId}/contacts`
pub(super) async fn list(
    State(api): State<Api>,
    Reader(caller): Reader,
    PathRef(reference): PathRef,
    query: Query,
) -> Result<Response, ApiError> {
    let mut conn = api.db.read().await?;
    let customer = customers::present(&mut conn, &caller, reference.as_ref()).await?;
    let page = query.page()?;
    let rows = contacts::list(&mut conn, &customer.id, page.cursor, page.rows()).await?;
    let list = List::page(&rows, page.limit, |row| row.created_at, view);
    Ok(wire::json(StatusCode::OK, &list))
}

/// `POST /api/v1/customers/{customerId}/contacts`
pub(super) async fn create(
    State(api): State<Api>,
    Writer(caller): Writer,
    PathRef(reference): PathRef,
    post: Post,
) -> Result<Response, ApiError> {
    let (author, workspace) = (caller.author(), caller.workspace_id());
    let mut tx = api.db.begin().await?;
    let named = match &reference {
        Some(reference) => customer_rows::find(&mut tx, workspace, reference).await?,
        None => None,
    };
    let id = named.map(|customer| customer.id);
    let mut once = match post.begin_at(tx, &caller, id.as_deref()).await? {
        Begun::First(once) => once,
        Begun::Replay(answer) => return Ok(answer),
    };
    let customer = customers::lock_present(&mut once.tx, &caller, reference.as_ref()).await?;
    let body: ContactCreate = once.body()?;
    let tx = &mut once.tx;
    let name = body.name()?;
    let email = body.email()?;
    if contacts::email_taken(tx, &customer.id, &email, "").await? {
        return Err(email_taken());
    }
    let new = NewContact {
        name,
        email,
        title: body.title()?.flatten(),
        is_primary: body.is_primary()?.unwrap_or(false),
        labels: body.labels()?.unwrap_or_default(),
    };
    let contact = contacts::create(tx, &author, workspace, &customer.id, &new, caller.now)
        .await
        .map_err(taken_meanwhile)?;
    once.finish(&caller, StatusCode::CREATED, &view(&contact)).await
}

/// `GET /api/v1/contacts/{id}`
pub(super) async fn get(
    State(api): State<Api>,
    Reader(caller): Reader,
    PathRef(reference): PathRef,
) -> Result<Response, ApiError> {
    let reference = reference.ok_or_else(ApiError::contact_not_found)?;
    let mut conn = api.db.read().await?;
    let found = contacts::find(&mut conn, caller.workspace_id(), &reference).await?;
    let contact = present(found)?;
    Ok(wire::json(StatusCode::OK, &view(&contact)))
}

/// `PATCH /api/v1/contacts/{id}`
pub(super) async fn update(
    State(api): State<Api>,
    Writer(caller): Writer,
    PathRef(reference): PathRef,
    JsonBytes(bytes): JsonBytes,
) -> Result<Response, ApiError> {
    let reference = reference.ok_or_else(ApiError::contact_not_found)?;
    let mut tx = api.db.begin().await?;
    contacts::lock_customer_of(&mut tx, caller.workspace_id(), &reference).await?;
    let found = contacts::lock(&mut tx, caller.workspace_id(), &reference).await?;
    let before = present(found)?;
    let body: ContactUpdate = Body::read(&bytes)?;
    let name = body.name()?;
    let email = body.email()?;
    if let Some(email) = &email
        && contacts::email_taken(&mut tx, &before.customer_id, email, &before.id).await?
    {
        return Err(email_taken());
    }
    let title = body.title()?;
    let is_primary = body.is_primary()?;
    if before.is_primary && is_primary == Some(false) {
        let message = "The star cannot be given away; give it to another contact.";
        return Err(ApiError::invalid_field("is_primary", "custom", message));
    }
    let labels = body.labels()?;
    let patch = Patch { name, email, title, is_primary, labels };
    let contact = contacts::update(&mut tx, &caller.author(), before, patch, caller.now)
        .await
        .map_err(taken_meanwhile)?;
    tx.commit().await?;
    Ok(wire::json(StatusCode::OK, &view(&contact)))
}

/// `DELETE /api/v1/contacts/{id}`
pub(super) async fn delete(
    State(api): State<Api>,
    Writer(caller): Writer,
    PathRef(reference): PathRef,
) -> Result<Response, ApiError> {
    let reference = reference.ok_or_else(ApiError::contact_not_found)?;
    let mut tx = api.db.begin().await?;
    contacts::lock_customer_of(&mut tx, caller.workspace_id(), &reference).await?;
    let contact = contacts::lock(&mut tx, caller.workspace_id(), &reference)
        .await?
        .ok_or_else(ApiError::contact_not_found)?;
    contacts::delete(&mut tx, &caller.author(), &contact, caller.now).await?;
    tx.commit().await?;
    Ok(wire::json(StatusCode::OK, &Deleted::of(&contact.id, contact.display_id)))
}

fn present(found: Option<Contact>) -> Result<Contact, ApiError> {
    found.filter(|row| row.deleted_at.is_none()).ok_or_else(ApiError::contact_not_found)
}
