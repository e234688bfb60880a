//! `/customers`.

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::value::RawValue;

use super::Api;
use super::auth::{Caller, Reader, Writer};
use super::body::{Body, JsonBytes};
use super::error::ApiError;
use super::path::PathRef;
use super::post::{Begun, Post};
use super::query::Query;
use super::request::{Nullable, Optional, Required, request};
use super::values::{self, FreeText, Integer, Metadata, Name, Word};
use super::wire::{self, Deleted, Instant, List};
use crate::db::{Conn, is_conflict};
use crate::domain::ids::Ref;
use crate::domain::values::CustomerStatus;
use crate::store::customers::{self, Customer, Fields, Filter, Slug};

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Customer")]
pub(super) struct View<'a> {
    #[schemars(extend("enum" = ["customer"]))]
    object: &'static str,
    id: &'a str,
    #[schemars(range(min = 1))]
    display_id: i64,
    name: &'a str,
    slug: &'a str,
    domain: Option<&'a str>,
    status: CustomerStatus,
    plan: Option<&'a str>,
    mrr: Option<i64>,
    monthly_orders: Option<i64>,
    hubspot_company_id: Option<&'a str>,
    hubspot_deal_id: Option<&'a str>,
    stripe_customer_id: Option<&'a str>,
    intercom_company_id: Option<&'a str>,
    slack_channel_id: Option<&'a str>,
    created_at: Instant,
    updated_at: Instant,
    /// Any JSON object of up to 16 KiB; always present, as the last key.
    #[schemars(with = "serde_json::Map<String, serde_json::Value>")]
    metadata: Box<RawValue>,
}

request! {
    CustomerCreate {
        name: Required<Name>,
        /// Derived from the name when absent.
        slug: Optional<values::Slug>,
        /// Host without scheme, in lower case; kept as it is sent.
        domain: Nullable<FreeText>,
        status: Optional<Word<CustomerStatus>>,
        plan: Nullable<FreeText>,
        mrr: Nullable<Amount>,
        monthly_orders: Nullable<Amount>,
        hubspot_company_id: Nullable<FreeText>,
        hubspot_deal_id: Nullable<FreeText>,
        stripe_customer_id: Nullable<FreeText>,
        intercom_company_id: Nullable<FreeText>,
        slack_channel_id: Nullable<FreeText>,
        /// Any JSON object of up to 16 KiB.
        metadata: Optional<Metadata>,
    }
}

request! {
    CustomerUpdate {
        name: Optional<Name>,
        slug: Optional<values::Slug>,
        /// Host without scheme, in lower case; kept as it is sent.
        domain: Nullable<FreeText>,
        status: Optional<Word<CustomerStatus>>,
        plan: Nullable<FreeText>,
        mrr: Nullable<Amount>,
        monthly_orders: Nullable<Amount>,
        hubspot_company_id: Nullable<FreeText>,
        hubspot_deal_id: Nullable<FreeText>,
        stripe_customer_id: Nullable<FreeText>,
        intercom_company_id: Nullable<FreeText>,
        slack_channel_id: Nullable<FreeText>,
        /// Any JSON object of up to 16 KiB.
        metadata: Optional<Metadata>,
    }
}

/// An amount, as far as the databases can count.
type Amount = Integer<0, { i64::MAX }>;

fn view(customer: &Customer) -> View<'_> {
    let fields = &customer.fields;
    View {
        object: "customer",
        id: &customer.id,
        display_id: customer.display_id,
        name: &fields.name,
        slug: &fields.slug,
        domain: fields.domain.as_deref(),
        status: fields.status,
        plan: fields.plan.as_deref(),
        mrr: fields.mrr,
        monthly_orders: fields.monthly_orders,
        hubspot_company_id: fields.hubspot_company_id.as_deref(),
        hubspot_deal_id: fields.hubspot_deal_id.as_deref(),
        stripe_customer_id: fields.stripe_customer_id.as_deref(),
        intercom_company_id: fields.intercom_company_id.as_deref(),
        slack_channel_id: fields.slack_channel_id.as_deref(),
        created_at: Instant(customer.created_at),
        updated_at: Instant(customer.updated_at),
        // Only a hand in the database can have put something else there.
        metadata: RawValue::from_string(fields.metadata.clone())
            .unwrap_or_else(|_| RawValue::NULL.to_owned()),
    }
}

/// Finds a customer that is there for the caller.
pub(super) async fn present(
    conn: &mut Conn,
    caller: &Caller,
    reference: Option<&Ref>,
) -> Result<Customer, ApiError> {
    let reference = reference.ok_or_else(ApiError::customer_not_found)?;
    customers::find(conn, caller.workspace_id(), reference)
        .await?
        .filter(|customer| customer.deleted_at.is_none())
        .ok_or_else(ApiError::customer_not_found)
}

/// The same, locked until the transaction ends.
pub(super) async fn lock_present(
    conn: &mut Conn,
    caller: &Caller,
    reference: Option<&Ref>,
) -> Result<Customer, ApiError> {
    let reference = reference.ok_or_else(ApiError::customer_not_found)?;
    customers::lock(conn, caller.workspace_id(), reference)
        .await?
        .filter(|customer| customer.deleted_at.is_none())
        .ok_or_else(ApiError::customer_not_found)
}

fn slug_taken() -> ApiError {
    ApiError::taken("slug", "slug_taken", "This slug is already used.")
}

/// `GET /api/v1/customers`
pub(super) async fn list(
    State(api): State<Api>,
    Reader(caller): Reader,
    query: Query,
) -> Result<Response, ApiError> {
    let page = query.page()?;
    let filter = Filter {
        cursor: page.cursor,
        limit: page.rows(),
        status: query.word("status")?,
        slug: query.text("slug")?,
    };
    let mut conn = api.db.read().await?;
    let rows = customers::list(&mut conn, caller.workspace_id(), filter).await?;
    let list = List::page(&rows, page.limit, |row| row.created_at, view);
    Ok(wire::json(StatusCode::OK, &list))
}

/// `POST /api/v1/customers`
pub(super) async fn create(
    State(api): State<Api>,
    Writer(caller): Writer,
    post: Post,
) -> Result<Response, ApiError> {
    let mut once = match post.begin(&api, &caller).await? {
        Begun::First(once) => once,
        Begun::Replay(answer) => return Ok(answer),
    };
    let (author, workspace) = (caller.author(), caller.workspace_id());
    let body: CustomerCreate = once.body()?;
    let name = body.name()?;
    let (slug, origin) = match body.slug()? {
        Some(slug) if customers::slug_taken(&mut once.tx, workspace, &slug, "").await? => {
            return Err(slug_taken());
        }
        Some(slug) => (slug, Slug::Asked),
        None => (slug_of(&name), Slug::Derived),
    };
    let fields = read_new(name, slug, &body)?;
    let customer = customers::create(&mut once.tx, &author, workspace, fields, origin, caller.now)
        .await
        .map_err(taken_meanwhile)?;
    once.finish(&caller, StatusCode::CREATED, &view(&customer)).await
}

/// `GET /api/v1/customers/{id}`
pub(super) async fn get(
    State(api): State<Api>,
    Reader(caller): Reader,
    PathRef(reference): PathRef,
) -> Result<Response, ApiError> {
    let mut conn = api.db.read().await?;
    let customer = present(&mut conn, &caller, reference.as_ref()).await?;
    Ok(wire::json(StatusCode::OK, &view(&customer)))
}

/// `PATCH /api/v1/customers/{id}`
pub(super) async fn update(
    State(api): State<Api>,
    Writer(caller): Writer,
    PathRef(reference): PathRef,
    JsonBytes(bytes): JsonBytes,
) -> Result<Response, ApiError> {
    let body: Result<CustomerUpdate, _> = Body::read(&bytes);
    let mut tx = api.db.begin().await?;
    let workspace = caller.workspace_id();
    if body.as_ref().is_ok_and(|body| body.0.has("slug")) {
        // Before the customer is locked, in the order in which a creation takes the two.
        customers::hold_slugs(&mut tx, workspace).await?;
    }
    let before = lock_present(&mut tx, &caller, reference.as_ref()).await?;
    let body = body?;
    let name = body.name()?.unwrap_or_else(|| before.fields.name.clone());
    let slug = match body.slug()? {
        Some(slug) if customers::slug_taken(&mut tx, workspace, &slug, &before.id).await? => {
            return Err(slug_taken());
        }
        Some(slug) => slug,
        None => before.fields.slug.clone(),
    };
    let fields = read_patch(Fields { name, slug, ..before.fields.clone() }, &body)?;
    let customer = customers::update(&mut tx, &caller.author(), before, fields, caller.now)
        .await
        .map_err(taken_meanwhile)?;
    tx.commit().await?;
    Ok(wire::json(StatusCode::OK, &view(&customer)))
}

/// `DELETE /api/v1/customers/{id}`
pub(super) async fn delete(
    State(api): State<Api>,
    Writer(caller): Writer,
    PathRef(reference): PathRef,
) -> Result<Response, ApiError> {
    let reference = reference.ok_or_else(ApiError::customer_not_found)?;
    let mut tx = api.db.begin().await?;
    let customer = customers::lock(&mut tx, caller.workspace_id(), &reference)
        .await?
        .ok_or_else(ApiError::customer_not_found)?;
    customers::delete(&mut tx, &caller.author(), &customer, caller.now).await?;
    tx.commit().await?;
    Ok(wire::json(StatusCode::OK, &Deleted::of(&customer.id, customer.display_id)))
}

/// The only unique key of a customer that two requests can race for is its slug.
fn taken_meanwhile(error: crate::db::DbError) -> ApiError {
    if is_conflict(&error) { slug_taken() } else { error.into() }
}

/// The fields of a new customer, what follows the slug in the schema read from the body.
fn read_new(name: String, slug: String, body: &CustomerCreate) -> Result<Fields, ApiError> {
    Ok(Fields {
        name,
        slug,
        domain: body.domain()?.flatten(),
        status: body.status()?.unwrap_or(CustomerStatus::Active),
        plan: body.plan()?.flatten(),
        mrr: body.mrr()?.flatten(),
        monthly_orders: body.monthly_orders()?.flatten(),
        hubspot_company_id: body.hubspot_company_id()?.flatten(),
        hubspot_deal_id: body.hubspot_deal_id()?.flatten(),
        stripe_customer_id: body.stripe_customer_id()?.flatten(),
        intercom_company_id: body.intercom_company_id()?.flatten(),
        slack_channel_id: body.slack_channel_id()?.flatten(),
        metadata: body.metadata()?.unwrap_or_else(|| "{}".to_owned()),
    })
}

/// The fields of a customer with what follows the slug in the schema changed as the body says.
fn read_patch(old: Fields, body: &CustomerUpdate) -> Result<Fields, ApiError> {
    Ok(Fields {
        name: old.name,
        slug: old.slug,
        domain: body.domain()?.unwrap_or(old.domain),
        status: body.status()?.unwrap_or(old.status),
        plan: body.plan()?.unwrap_or(old.plan),
        mrr: body.mrr()?.unwrap_or(old.mrr),
        monthly_orders: body.monthly_orders()?.unwrap_or(old.monthly_orders),
        hubspot_company_id: body.hubspot_company_id()?.unwrap_or(old.hubspot_company_id),
        hubspot_deal_id: body.hubspot_deal_id()?.unwrap_or(old.hubspot_deal_id),
        stripe_customer_id: body.stripe_customer_id()?.unwrap_or(old.stripe_customer_id),
        intercom_company_id: body.intercom_company_id()?.unwrap_or(old.intercom_company_id),
        slack_channel_id: body.slack_channel_id()?.unwrap_or(old.slack_channel_id),
        metadata: body.metadata()?.unwrap_or(old.metadata),
    })
}

/// The slug of a name: its letters in plain ASCII, as far as they have any.
fn slug_of(name: &str) -> String {
    let mut slug = slug::slugify(name);
    slug.truncate(100);
    let slug = slug.trim_end_matches('-');
    if slug.is_empty() { "customer".to_owned() } else { slug.to_owned() }
}
