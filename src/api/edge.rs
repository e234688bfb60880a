//! What every request passes, known route or not: a request id, whatever it asks for; and in the API a time limit, a limit of requests at
//! a time, and the promise that whatever happens is answered in the envelope.

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use http::request::Parts;
use http::{HeaderName, HeaderValue};
use rand::Rng;
use rand::distr::Alphanumeric;
use tracing::Instrument;

use super::Api;
use super::error::ApiError;
use crate::domain::link;
use crate::store::rate_windows::Standing;
use crate::telemetry::{metrics, traces};

/// Correlates a request with its log lines and audit entries.
pub(super) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
const REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
const RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");

/// How long a request may take from its last header on, its body and the database included.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// What belongs to one request, and outlives a handler that fails or panics.
#[derive(Clone, Debug)]
pub(super) struct Context {
    request_id: Arc<str>,
    standing: Arc<OnceLock<Standing>>,
}

impl Context {
    /// The context of a request.
    #[must_use]
    pub(super) fn of(parts: &Parts) -> Self {
        parts.extensions.get::<Self>().cloned().unwrap_or_else(|| Self::new("unknown"))
    }

    fn new(request_id: &str) -> Self {
        Self { request_id: Arc::from(request_id), standing: Arc::default() }
    }

    /// The request's id.
    #[must_use]
    pub(super) fn request_id(&self) -> Arc<str> {
        self.request_id.clone()
    }

    /// Notes how the request stands against its key's limit, for the answer's headers.
    pub(super) fn set_standing(&self, standing: Standing) {
        // A request is counted once; a second count would be the same request again.
        let _ = self.standing.set(standing);
    }
}

/// The middleware around everything that is served, pages and probes too: the request's id.
pub(super) async fn identify(mut request: Request, next: Next) -> Response {
    let id = request
        .headers()
        .get(&REQUEST_ID)
        .and_then(|value| value.to_str().ok())
        .filter(|id| (1..=128).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_graphic()))
        .map_or_else(fresh_id, ToOwned::to_owned);
    request.extensions_mut().insert(Context::new(&id));
    let (started, method) = (Instant::now(), method_of(&request));
    let route = request.extensions().get::<MatchedPath>().cloned();
    let span = tracing::info_span!(
        "request",
        id = %id,
        method = %request.method(),
        path = without_token(request.uri().path())
    );
    let caller = request.headers().get("traceparent").and_then(|value| value.to_str().ok());
    if let Some(caller) = caller.filter(|_| traces::on()) {
        traces::continue_from(&span, caller);
    }
    let mut response = next.run(request).instrument(span.clone()).await;
    let status = response.status().as_u16();
    span.in_scope(|| tracing::debug!(status, "answered"));
    // The API's own router stands behind that of the pages and knows better what was matched.
    let route = response.extensions_mut().remove::<Route>().map(|route| route.0).or(route);
    let route = route.as_ref().map_or("none", MatchedPath::as_str);
    metrics::request(route, method, status, started.elapsed());
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    response
}

/// The route of the API that a request matched, on its way back to [`identify`].
#[derive(Clone, Debug)]
struct Route(MatchedPath);

/// A path as it may be logged and traced: the token of a link lets whoever has it act.
fn without_token(path: &str) -> &str {
    if path.starts_with(link::PATH) { "/l/…" } else { path }
}

/// A method by its name; those that nobody should use are one.
fn method_of(request: &Request) -> &'static str {
    match request.method().as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        _ => "other",
    }
}

/// The middleware around the API.
pub(super) async fn edge(State(api): State<Api>, mut request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().cloned().map(Route);
    let extensions = request.extensions_mut();
    // The demo calls the router without a server around it.
    let context = extensions.get_or_insert_with(|| Context::new(&fresh_id())).clone();
    let mut response = answer(&api, request, next).await;
    if let Some(route) = route {
        response.extensions_mut().insert(route);
    }
    let headers = response.headers_mut();
    if let Some(standing) = context.standing.get() {
        headers.insert(LIMIT, HeaderValue::from(standing.limit));
        headers.insert(REMAINING, HeaderValue::from(standing.remaining));
        // The first whole second at which there is room.
        headers.insert(RESET, HeaderValue::from(standing.reset_at.saturating_add(999) / 1000));
    }
    response
}

async fn answer(api: &Api, request: Request, next: Next) -> Response {
    let Ok(_permit) = api.in_flight.try_acquire() else {
        tracing::warn!("too many requests at a time");
        return ApiError::unavailable().into_response();
    };
    let guarded = AssertUnwindSafe(next.run(request)).catch_unwind();
    match tokio::time::timeout(REQUEST_TIMEOUT, guarded).await {
        Ok(Ok(response)) => response,
        Ok(Err(panic)) => {
            let said = panic
                .downcast_ref::<&str>()
                .map(|text| (*text).to_owned())
                .or_else(|| panic.downcast_ref::<String>().cloned());
            tracing::error!(panic = said.as_deref(), "a handler panicked");
            ApiError::internal().into_response()
        }
        Err(_) => {
            tracing::warn!("a request took too long");
            ApiError::unavailable().into_response()
        }
    }
}

/// An id for what came without one.
pub(super) fn fresh_id() -> String {
    let random = rand::rng().sample_iter(Alphanumeric).take(22).map(char::from);
    "req_".chars().chain(random).collect()
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::middleware::from_fn_with_state;
    use axum::routing::get;
    use http::StatusCode;
    use http_body_util::BodyExt;
    use tower::ServiceExt;

    use super::*;
    use crate::clock::Clock;
    use crate::db::{Db, DbOptions};

    async fn ask(handler: axum::routing::MethodRouter) -> (StatusCode, String) {
        let folder = tempfile::tempdir().unwrap();
        let options = DbOptions {
            url: format!("sqlite://{}", folder.path().join("test.db").display()),
            connections: 2,
            acquire_timeout: Duration::from_secs(5),
            statement_timeout: Duration::from_secs(5),
            steady_plans: false,
            create: true,
        };
        let api = Api::new(Db::open(&options).await.unwrap(), Clock::System);
        let router: Router = Router::new().route("/", handler).layer(from_fn_with_state(api, edge));
        let response = router.oneshot(Request::new(axum::body::Body::empty())).await.unwrap();
        let status = response.status();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn a_panic_is_a_500_that_tells_nothing() {
        let (status, body) = ask(get(async || -> &'static str { panic!("secret") })).await;
        assert_eq!(status, 500);
        assert!(body.contains("internal_error") && !body.contains("secret"), "{body}");
    }
}
