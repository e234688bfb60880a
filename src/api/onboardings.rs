//! `/onboardings`, and the onboardings of a customer.

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;

use super::auth::{Caller, Reader, Writer};
use super::body::{Body, JsonBytes};
use super::error::ApiError;
use super::path::PathRef;
use super::post::{Begun, Post};
use super::query::{Page, Query};
use super::request::{Nullable, Optional, Required, request};
use super::values::{At, Boolean, Integer, Notes, Parent, Reference, Word};
use super::wire::{self, Deleted, Instant, List, instant};
use super::{Api, customers, users};
use crate::db::{Conn, DbError};
use crate::domain::ids::Ref;
use crate::domain::transition::Wish;
use crate::domain::values::{Phase, State as OnboardingState};
use crate::store::customers as customer_rows;
use crate::store::onboardings::{self, Filter, NewOnboarding, Onboarding, Patch};

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Onboarding")]
pub(super) struct View<'a> {
    #[schemars(extend("enum" = ["onboarding"]))]
    object: &'static str,
    id: &'a str,
    display_id: i64,
    customer_id: &'a str,
    template_id: Option<&'a str>,
    phase: Phase,
    state: OnboardingState,
    started_at: Instant,
    completed_at: Option<Instant>,
    target_launch_date: Option<Instant>,
    csm_id: Option<&'a str>,
    se_id: Option<&'a str>,
    designer_id: Option<&'a str>,
    product_ops_id: Option<&'a str>,
    notes: Option<&'a str>,
    waiting_on_customer: bool,
    waiting_on_customer_since: Option<Instant>,
    wizard_completed_at: Option<Instant>,
    reminder_email: bool,
    reminder_slack: bool,
    #[schemars(range(min = 1, max = 30))]
    reminder_frequency_days: i64,
    created_at: Instant,
    updated_at: Instant,
}

request! {
    OnboardingCreate {
        /// Id, or display id as a string of digits.
        customer_id: Required<Parent>,
        /// There are no templates yet: any is `template_not_found`.
        template_id: Optional<Reference>,
        phase: Optional<Word<Phase>> = "before_getting_started",
        state: Optional<Word<OnboardingState>> = "active",
        target_launch_date: Optional<At>,
        csm_id: Nullable<Reference>,
        se_id: Nullable<Reference>,
        designer_id: Nullable<Reference>,
        product_ops_id: Nullable<Reference>,
        notes: Optional<Notes>,
        reminder_email: Optional<Boolean> = true,
        reminder_slack: Optional<Boolean> = true,
        reminder_frequency_days: Optional<Integer<1, 30>> = 1,
        /// Why; kept in the audit log.
        reason: Nullable<Notes>,
    }
}

request! {
    OnboardingUpdate {
        /// There are no templates yet: any is `template_not_found`.
        template_id: Nullable<Reference>,
        phase: Optional<Word<Phase>>,
        state: Optional<Word<OnboardingState>>,
        waiting_on_customer: Optional<Boolean>,
        target_launch_date: Nullable<At>,
        csm_id: Nullable<Reference>,
        se_id: Nullable<Reference>,
        designer_id: Nullable<Reference>,
        product_ops_id: Nullable<Reference>,
        notes: Nullable<Notes>,
        reminder_email: Optional<Boolean>,
        reminder_slack: Optional<Boolean>,
        reminder_frequency_days: Optional<Integer<1, 30>>,
        /// Why; kept in the audit log.
        reason: Nullable<Notes>,
    }
}

fn view(row: &Onboarding) -> View<'_> {
    View {
        object: "onboarding",
        id: &row.id,
        display_id: row.display_id,
        customer_id: &row.customer_id,
        // There are no templates yet.
        template_id: None,
        phase: row.phase,
        state: row.state,
        started_at: Instant(row.started_at),
        completed_at: instant(row.completed_at),
        target_launch_date: instant(row.target_launch_date),
        csm_id: row.csm_id.as_deref(),
        se_id: row.se_id.as_deref(),
        designer_id: row.designer_id.as_deref(),
        product_ops_id: row.product_ops_id.as_deref(),
        notes: row.notes.as_deref(),
        waiting_on_customer: row.waiting_on_customer,
        waiting_on_customer_since: instant(row.waiting_on_customer_since),
        wizard_completed_at: instant(row.wizard_completed_at),
        reminder_email: row.reminder_email,
        reminder_slack: row.reminder_slack,
        reminder_frequency_days: row.reminder_frequency_days,
        created_at: Instant(row.created_at),
        updated_at: Instant(row.updated_at),
    }
}

/// `GET /api/v1/onboardings`
pub(super) async fn list(
    State(api): State<Api>,
    Reader(caller): Reader,
    query: Query,
) -> Result<Response, ApiError> {
    let page = query.page()?;
    let customer = query.text("customer_id")?;
    let (state, phase) = (query.word("state")?, query.word("phase")?);
    let mut conn = api.db.read().await?;
    let customer_id = match customer.map(Ref::parse) {
        None => None,
        Some(reference) => {
            let found = match reference {
                Some(reference) => {
                    customer_rows::find(&mut conn, caller.workspace_id(), &reference).await?
                }
                None => None,
            };
            match found {
                Some(customer) => Some(customer.id),
                // Nobody has onboardings of a customer that does not exist.
                None => return Ok(answer(&[], page)),
            }
        }
    };
    let filter = Filter {
        cursor: page.cursor,
        customer_id: customer_id.as_deref(),
        state,
        phase,
        limit: page.rows(),
    };
    let rows = onboardings::list(&mut conn, caller.workspace_id(), filter).await?;
    Ok(answer(&rows, page))
}

/// `GET /api/v1/customers/{customerId}/onboardings`
pub(super) async fn list_of_customer(
    State(api): State<Api>,
    Reader(caller): Reader,
    PathRef(reference): PathRef,
    query: Query,
) -> Result<Response, ApiError> {
    let mut conn = api.db.read().await?;
    let customer = customers::present(&mut conn, &caller, reference.as_ref()).await?;
    let page = query.page()?;
    let filter = Filter {
        cursor: page.cursor,
        customer_id: Some(&customer.id),
        state: None,
        phase: None,
        limit: page.rows(),
    };
    let rows = onboardings::list(&mut conn, caller.workspace_id(), filter).await?;
    Ok(answer(&rows, page))
}

fn answer(rows: &[Onboarding], page: Page) -> Response {
    wire::json(StatusCode::OK, &List::page(rows, page.limit, |row| row.created_at, view))
}

/// `POST /api/v1/onboardings`
pub(super) async fn create(
    State(api): State<Api>,
    Writer(caller): Writer,
    post: Post,
) -> Result<Response, ApiError> {
    let mut once = match post.begin(&api, &caller).await? {
        Begun::First(once) => once,
        Begun::Replay(answer) => return Ok(answer),
    };
    let body: OnboardingCreate = once.body()?;
    let tx = &mut once.tx;
    let new = read_new(tx, &caller, &body).await?;
    let reason = body.reason()?.flatten();
    let onboarding = onboardings::create(
        tx,
        &caller.author(),
        caller.workspace_id(),
        new,
        caller.zone(),
        reason.as_deref(),
        caller.now,
    )
    .await?;
    once.finish(&caller, StatusCode::CREATED, &view(&onboarding)).await
}

/// `GET /api/v1/onboardings/{id}`
pub(super) async fn get(
    State(api): State<Api>,
    Reader(caller): Reader,
    PathRef(reference): PathRef,
) -> Result<Response, ApiError> {
    let reference = reference.ok_or_else(ApiError::onboarding_not_found)?;
    let mut conn = api.db.read().await?;
    let found = onboardings::find(&mut conn, caller.workspace_id(), &reference).await;
    let onboarding = present(found)?;
    Ok(wire::json(StatusCode::OK, &view(&onboarding)))
}

/// `PATCH /api/v1/onboardings/{id}`
pub(super) async fn update(
    State(api): State<Api>,
    Writer(caller): Writer,
    PathRef(reference): PathRef,
    JsonBytes(bytes): JsonBytes,
) -> Result<Response, ApiError> {
    let reference = reference.ok_or_else(ApiError::onboarding_not_found)?;
    let mut tx = api.db.begin().await?;
    let before = present(onboardings::lock(&mut tx, caller.workspace_id(), &reference).await)?;
    let body: OnboardingUpdate = Body::read(&bytes)?;
    let patch = read_patch(&mut tx, &caller, &body).await?;
    let reason = body.reason()?.flatten();
    let onboarding = onboardings::update(
        &mut tx,
        &caller.author(),
        before,
        patch,
        caller.zone(),
        reason.as_deref(),
        caller.now,
    )
    .await?;
    tx.commit().await?;
    Ok(wire::json(StatusCode::OK, &view(&onboarding)))
}

/// `DELETE /api/v1/onboardings/{id}`
pub(super) async fn delete(
    State(api): State<Api>,
    Writer(caller): Writer,
    PathRef(reference): PathRef,
) -> Result<Response, ApiError> {
    let reference = reference.ok_or_else(ApiError::onboarding_not_found)?;
    let mut tx = api.db.begin().await?;
    let onboarding = onboardings::lock(&mut tx, caller.workspace_id(), &reference)
        .await?
        .ok_or_else(ApiError::onboarding_not_found)?;
    onboardings::delete(&mut tx, &caller.author(), &onboarding, caller.now).await?;
    tx.commit().await?;
    Ok(wire::json(StatusCode::OK, &Deleted::of(&onboarding.id, onboarding.display_id)))
}

pub(super) fn present(found: Result<Option<Onboarding>, DbError>) -> Result<Onboarding, ApiError> {
    found?.filter(|row| row.deleted_at.is_none()).ok_or_else(ApiError::onboarding_not_found)
}

fn template_not_found() -> ApiError {
    let message = "There are no templates yet.";
    ApiError::invalid_field("template_id", "template_not_found", message)
}

/// Reads an onboarding to create, in the order of the schema: whom it names is looked up in its turn, and the customer stays locked.
async fn read_new(
    conn: &mut Conn,
    caller: &Caller,
    body: &OnboardingCreate,
) -> Result<NewOnboarding, ApiError> {
    let customer = Ref::parse(&body.customer_id()?);
    let customer = customers::lock_present(conn, caller, customer.as_ref()).await?;
    if body.template_id()?.is_some() {
        return Err(template_not_found());
    }
    Ok(NewOnboarding {
        customer_id: customer.id,
        phase: body.phase()?.unwrap_or(Phase::BeforeGettingStarted),
        state: body.state()?.unwrap_or(OnboardingState::Active),
        target_launch_date: body.target_launch_date()?,
        csm_id: users::resolved(conn, caller, "csm_id", body.csm_id()?).await?.flatten(),
        se_id: users::resolved(conn, caller, "se_id", body.se_id()?).await?.flatten(),
        designer_id: users::resolved(conn, caller, "designer_id", body.designer_id()?)
            .await?
            .flatten(),
        product_ops_id: users::resolved(conn, caller, "product_ops_id", body.product_ops_id()?)
            .await?
            .flatten(),
        notes: body.notes()?,
        reminder_email: body.reminder_email()?.unwrap_or(true),
        reminder_slack: body.reminder_slack()?.unwrap_or(true),
        reminder_frequency_days: body.reminder_frequency_days()?.unwrap_or(1),
    })
}

/// Reads a change, likewise.
pub(super) async fn read_patch(
    conn: &mut Conn,
    caller: &Caller,
    body: &OnboardingUpdate,
) -> Result<Patch, ApiError> {
    // There is none yet, so null clears nothing.
    if body.template_id()?.flatten().is_some() {
        return Err(template_not_found());
    }
    Ok(Patch {
        wish: Wish {
            phase: body.phase()?,
            state: body.state()?,
            waiting_on_customer: body.waiting_on_customer()?,
        },
        target_launch_date: body.target_launch_date()?,
        csm_id: users::resolved(conn, caller, "csm_id", body.csm_id()?).await?,
        se_id: users::resolved(conn, caller, "se_id", body.se_id()?).await?,
        designer_id: users::resolved(conn, caller, "designer_id", body.designer_id()?).await?,
        product_ops_id: users::resolved(conn, caller, "product_ops_id", body.product_ops_id()?)
            .await?,
        notes: body.notes()?,
        reminder_email: body.reminder_email()?,
        reminder_slack: body.reminder_slack()?,
        reminder_frequency_days: body.reminder_frequency_days()?,
    })
}
