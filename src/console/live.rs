//! Live updates: the server says when something has changed, and a page that is open fetches itself anew. One look at the database for all
//! pages of a process, and none while nobody watches. Without script, pages work as ever.

use std::convert::Infallible;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::extract::State;
use axum::http::header;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use tokio::sync::watch;

use super::site::Site;
use super::visitor::Visitor;
use crate::db::DbError;
use crate::operate::keys::sha256;
use crate::operate::{objects, queues};
use crate::store::pulse;

/// Time between two looks.
const EVERY: Duration = Duration::from_secs(2);

/// The script, which does nothing else.
pub(super) const SCRIPT: &str = include_str!("../../templates/console/live.js");

/// Counts the changes that were seen.
#[derive(Debug)]
pub(super) struct Pulse {
    changes: watch::Sender<u64>,
    beating: AtomicBool,
}

impl Default for Pulse {
    fn default() -> Self {
        Self { changes: watch::Sender::new(0), beating: AtomicBool::new(false) }
    }
}

/// `GET /admin/live`: one event for every change, as long as the page is open.
pub(super) async fn live(State(site): State<Site>, _visitor: Visitor) -> Response {
    let changes = site.pulse().changes.subscribe();
    if !site.pulse().beating.swap(true, Ordering::SeqCst) {
        tokio::spawn(beat(site.clone()));
    }
    let events = stream::unfold((changes, site), async |(mut changes, site)| {
        tokio::select! {
            () = site.stop.cancelled() => None,
            changed = changes.changed() => {
                changed.ok()?;
                let event = Event::default().event("changed").data(changes.borrow_and_update().to_string());
                Some((Ok::<_, Infallible>(event), (changes, site)))
            }
        }
    });
    Sse::new(events).keep_alive(KeepAlive::default()).into_response()
}

/// `GET /admin/live.js`
pub(super) async fn script() -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/javascript; charset=utf-8"),
        (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
    ];
    (headers, SCRIPT).into_response()
}

/// Looks until nobody watches any more.
async fn beat(site: Site) {
    let mut last = look(&site).await.unwrap_or_default();
    loop {
        tokio::select! {
            () = site.stop.cancelled() => return,
            () = tokio::time::sleep(EVERY) => {}
        }
        let pulse = site.pulse();
        if pulse.changes.receiver_count() == 0 {
            pulse.beating.store(false, Ordering::SeqCst);
            // Somebody may have come in between; whoever is first goes on.
            if pulse.changes.receiver_count() == 0 || pulse.beating.swap(true, Ordering::SeqCst) {
                return;
            }
        }
        match look(&site).await {
            Ok(seen) if seen != last => {
                last = seen;
                pulse.changes.send_modify(|count| *count += 1);
            }
            Ok(_) => {}
            Err(error) => tracing::debug!(%error, "cannot look for changes; trying again"),
        }
    }
}

/// What there is to see, in short.
async fn look(site: &Site) -> Result<String, DbError> {
    let mut conn = site.db.read().await?;
    let queues = queues::list(&mut conn, None, site.clock.now()).await?;
    let newest = pulse::newest(&mut conn).await?;
    let queues: Vec<_> = queues.iter().map(objects::Queue::from).collect();
    let queues = serde_json::to_string(&queues).unwrap_or_default();
    Ok(sha256(format!("{queues}{newest:?}")))
}
