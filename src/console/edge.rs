//! What every request for a page without login and every request of Slack's passes: a limit of requests at a time, a time limit, and a
//! limit of guesses. Whatever happens is answered.

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use tokio::sync::Semaphore;
use tokio::time::Instant;

/// Requests that are worked on at a time; people's clicks are few.
const MAX_IN_FLIGHT: usize = 64;

/// How long a request may take, its body included.
const PATIENCE: Duration = Duration::from_secs(10);

/// Tokens and signatures of nobody's that are answered in a minute, by one process. A scanner that follows a cut link is far below it.
const GUESSES: u32 = 120;
const MINUTE: Duration = Duration::from_mins(1);

/// The limits of one router.
#[derive(Clone, Debug)]
pub(super) struct Edge {
    in_flight: Arc<Semaphore>,
    guesses: Arc<Mutex<Guesses>>,
}

#[derive(Debug)]
struct Guesses {
    since: Instant,
    count: u32,
}

impl Edge {
    pub(super) fn new() -> Self {
        let guesses = Guesses { since: Instant::now(), count: 0 };
        Self {
            in_flight: Arc::new(Semaphore::new(MAX_IN_FLIGHT)),
            guesses: Arc::new(Mutex::new(guesses)),
        }
    }

    /// Counts a guess; how long until there is room for another, if there is none.
    fn guessed(&self) -> Option<Duration> {
        let mut guesses = self.guesses.lock().unwrap_or_else(PoisonError::into_inner);
        if guesses.since.elapsed() >= MINUTE {
            *guesses = Guesses { since: Instant::now(), count: 0 };
        }
        guesses.count = guesses.count.saturating_add(1);
        (guesses.count > GUESSES).then(|| MINUTE.saturating_sub(guesses.since.elapsed()))
    }
}

/// The middleware. Tokens and signatures are checked without the database, so a guess costs no more than its answer; what is genuine
/// is answered however many guesses there are.
pub(super) async fn edge(State(edge): State<Edge>, request: Request, next: Next) -> Response {
    let Ok(_permit) = edge.in_flight.try_acquire() else {
        tracing::warn!("too many requests for pages at a time");
        return later(StatusCode::SERVICE_UNAVAILABLE, Duration::from_secs(1));
    };
    let guarded = AssertUnwindSafe(next.run(request)).catch_unwind();
    let response = match tokio::time::timeout(PATIENCE, guarded).await {
        Ok(Ok(response)) => response,
        Ok(Err(_)) => {
            tracing::error!("a handler of pages panicked");
            return StatusCode::INTERNAL_SERVER_ERROR.into_response();
        }
        Err(_) => {
            tracing::warn!("a request for a page took too long");
            return later(StatusCode::SERVICE_UNAVAILABLE, Duration::from_secs(1));
        }
    };
    let is_guess = matches!(response.status(), StatusCode::NOT_FOUND | StatusCode::UNAUTHORIZED);
    match is_guess.then(|| edge.guessed()).flatten() {
        Some(wait) => later(StatusCode::TOO_MANY_REQUESTS, wait),
        None => response,
    }
}

fn later(status: StatusCode, wait: Duration) -> Response {
    let words = if status == StatusCode::TOO_MANY_REQUESTS {
        "Too many requests. Nothing was changed; try again in a minute."
    } else {
        "This service cannot answer right now. Nothing was changed; try again in a minute."
    };
    let mut response = (status, words).into_response();
    let seconds = HeaderValue::from(wait.as_secs().max(1));
    response.headers_mut().insert(header::RETRY_AFTER, seconds);
    response
}
