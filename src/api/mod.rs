//! The public HTTP API under `/api/v1`: what `contract/` promises, and nothing else.
//!
//! A request passes [`edge`] (id, time limit, panics), is known by its key ([`auth`]) and reaches one handler of a file named after
//! its object. Handlers are thin: they read values ([`body`], [`query`], [`path`]), let `store` and `operate` do the work in one
//! transaction, and show the result ([`wire`]). Every no is an [`error::ApiError`].

mod api_keys;
mod audit_log;
mod auth;
mod body;
mod bulk_operations;
mod contacts;
mod csv_file;
mod customers;
mod edge;
mod error;
mod jobs;
mod meta;
mod metrics;
mod notifications;
mod onboardings;
mod path;
mod phases;
mod post;
mod preferences;
mod preview;
mod probes;
mod query;
mod queues;
pub mod reference;
mod reminders;
mod request;
mod schedules;
mod serve;
pub mod settings;
mod status;
mod templates;
mod unread;
mod unwanted;
mod usage;
mod users;
mod values;
mod vocabulary;
mod wire;
mod workspace;

use std::sync::Arc;

use axum::Router;
use axum::extract::{FromRequestParts, Request, State};
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, patch, post};
use tokio::sync::Semaphore;

use crate::clock::Clock;
use crate::db::Db;
use crate::domain::facts::Channels;
use crate::operate::preview::Studio;
use crate::store::presence::Identity;
use error::ApiError;

pub use metrics::metrics_router;
pub use serve::serve;
pub use usage::{Usage, keep_usage};

/// Requests that are worked on at a time; beyond it, callers are told to come back.
const MAX_IN_FLIGHT: usize = 512;

/// What a request needs.
#[derive(Clone, Debug)]
pub struct Api {
    /// The database.
    pub db: Db,
    /// What time it is.
    pub clock: Clock,
    /// Which channels exist, for explanations and forecasts.
    pub channels: Channels,
    /// What keys are used for, until [`keep_usage`] writes it.
    pub usage: Usage,
    /// Of what previews are made.
    studio: Studio,
    captured: bool,
    /// The process that serves it, if it has a heartbeat.
    identity: Option<Arc<Identity>>,
    in_flight: Arc<Semaphore>,
    pulse: metrics::Pulse,
    metrics_elsewhere: bool,
}

impl Api {
    /// An API over a migrated database.
    #[must_use]
    pub fn new(db: Db, clock: Clock) -> Self {
        Self {
            db,
            clock,
            channels: Channels::ALL,
            usage: Usage::default(),
            studio: Studio::default(),
            captured: false,
            identity: None,
            in_flight: Arc::new(Semaphore::new(MAX_IN_FLIGHT)),
            pulse: metrics::Pulse::default(),
            metrics_elsewhere: false,
        }
    }

    /// The same in a process with a heartbeat, which tells whether the database takes what is written.
    #[must_use]
    pub fn beating(self, identity: Arc<Identity>) -> Self {
        Self { identity: Some(identity), ..self }
    }

    /// Whether this process can write, as far as it knows.
    fn can_write(&self) -> bool {
        self.identity.as_ref().is_none_or(|identity| identity.can_write())
    }

    /// The same, where previews have what messages of this installation have in common.
    #[must_use]
    pub fn showing(self, studio: Studio) -> Self {
        Self { studio, ..self }
    }

    /// The same, where messages are only captured, so that `/readyz` says so.
    #[must_use]
    pub fn capturing(self, captured: bool) -> Self {
        Self { captured, ..self }
    }

    /// The same, where `/metrics` is served on an address of its own and not beside the API.
    #[must_use]
    pub fn with_metrics_elsewhere(self, metrics_elsewhere: bool) -> Self {
        Self { metrics_elsewhere, ..self }
    }

    /// Requests that are being answered now.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        MAX_IN_FLIGHT.saturating_sub(self.in_flight.available_permits())
    }
}

/// All routes. Also answers whatever no route matches, so it goes last where it is combined with others:
/// `others.fallback_service(router(api))`.
pub fn router(api: Api) -> Router {
    let v1 = Router::new()
        .route("/me", get(meta::me))
        .route("/health", get(meta::health))
        .route("/customers", get(customers::list).post(customers::create))
        .route(
            "/customers/{id}",
            get(customers::get).patch(customers::update).delete(customers::delete),
        )
        .route("/customers/{id}/contacts", get(contacts::list).post(contacts::create))
        .route(
            "/contacts/{id}",
            get(contacts::get).patch(contacts::update).delete(contacts::delete),
        )
        .route("/customers/{id}/onboardings", get(onboardings::list_of_customer))
        .route("/onboardings", get(onboardings::list).post(onboardings::create))
        .route(
            "/onboardings/{id}",
            get(onboardings::get).patch(onboardings::update).delete(onboardings::delete),
        )
        .route("/onboardings/{id}/reminders", get(reminders::get))
        .route("/onboardings/{id}/snooze", post(reminders::snooze).delete(reminders::wake))
        .route("/reminders/explain", get(reminders::explain))
        .route("/reminders/forecast", get(reminders::forecast))
        .route("/reminders/preview", get(preview::preview))
        .route("/reminders/unroutable", get(reminders::unroutable))
        .route("/users", get(users::list).post(users::create))
        .route("/users/{id}", get(users::get).patch(users::update).delete(users::deactivate))
        .route(
            "/users/{id}/notification_preferences",
            get(preferences::get).patch(preferences::update),
        )
        .route("/workspace", get(workspace::get).patch(workspace::update))
        .route("/workspace/holidays", post(workspace::add_holidays))
        .route("/phases", get(phases::list))
        .route("/phases/{key}", patch(phases::update))
        .route("/templates", get(templates::list))
        .route("/templates/{name}", get(templates::get).put(templates::put))
        .route("/opt_outs", get(unwanted::opt_outs))
        .route("/opt_outs/{id}/lift", post(unwanted::lift))
        .route("/addresses", get(unwanted::addresses))
        .route("/addresses/{id}/clear", post(unwanted::clear))
        .route("/api_keys", get(api_keys::list).post(api_keys::create))
        .route("/api_keys/{id}", delete(api_keys::revoke))
        .route("/api_keys/{id}/rotate", post(api_keys::rotate))
        .route("/notifications", get(notifications::list))
        .route("/notifications/{id}", get(notifications::get))
        .route("/notifications/{id}/retry", post(notifications::retry))
        .route("/notifications/{id}/cancel", post(notifications::cancel))
        .route("/notifications/{id}/resend", post(notifications::resend))
        .route("/notifications/{id}/delivered", post(notifications::delivered))
        .route("/queues", get(queues::list))
        .route("/queues/{name}/pause", post(queues::pause))
        .route("/queues/{name}/resume", post(queues::resume))
        .route("/jobs", get(jobs::list))
        .route("/jobs/{id}", get(jobs::get))
        .route("/jobs/{id}/retry", post(jobs::retry))
        .route("/jobs/{id}/cancel", post(jobs::cancel))
        .route("/jobs/{id}/run_now", post(jobs::run_now))
        .route("/bulk_operations", get(bulk_operations::list).post(bulk_operations::plan))
        .route("/bulk_operations/{id}", get(bulk_operations::get))
        .route("/bulk_operations/{id}/apply", post(bulk_operations::apply))
        .route("/bulk_operations/{id}/undo", post(bulk_operations::undo))
        .route("/schedules", get(schedules::list))
        .route("/schedules/{name}/dry_run", get(schedules::dry_run))
        .route("/schedules/{name}/run", post(schedules::run))
        .route("/schedules/{name}/pause", post(schedules::pause))
        .route("/schedules/{name}/resume", post(schedules::resume))
        .route("/audit_log", get(audit_log::list))
        .route("/status", get(status::get));
    let router = Router::new()
        .nest("/api/v1", v1)
        .route("/openapi.json", get(reference::openapi))
        .route("/docs", get(reference::docs))
        .route("/llms.txt", get(reference::llms))
        .fallback(route_not_found)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(from_fn_with_state(api.clone(), edge::edge))
        // Behind the layer, so that they answer while it turns requests away.
        .route("/healthz", get(probes::healthz))
        .route("/readyz", get(probes::readyz));
    let router = if api.metrics_elsewhere {
        router
    } else {
        router.route("/metrics", get(metrics::metrics))
    };
    router.with_state(api)
}

async fn route_not_found(State(api): State<Api>, request: Request) -> Response {
    let error = ApiError::not_found("route_not_found", "There is nothing at this path.");
    unrouted(&api, request, error).await
}

async fn method_not_allowed(State(api): State<Api>, request: Request) -> Response {
    unrouted(&api, request, ApiError::method_not_allowed()).await
}

/// Nothing is behind this request, so it needs no key; but one with a key counts, and says so in its headers.
async fn unrouted(api: &Api, request: Request, error: ApiError) -> Response {
    let (mut parts, _) = request.into_parts();
    match auth::Caller::from_request_parts(&mut parts, api).await {
        Err(limited) if limited.is_rate_limited() => limited.into_response(),
        _ => error.into_response(),
    }
}
