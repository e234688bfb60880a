//! Trace contexts beside the rows that they led to. Nothing is read or written here unless traces are exported.

use crate::db::{Conn, DbError};
use crate::telemetry::traces;
use crate::{fetch_by_ids, on};

/// Most requests that one span is linked to.
const MOST: usize = 32;

/// Keeps the current span with the onboarding that it wrote.
pub async fn keep_with_onboarding(conn: &mut Conn, id: &str) -> Result<(), DbError> {
    const SQL: &str = "UPDATE onboardings SET trace = $2 WHERE id = $1";
    let Some(trace) = traces::current() else { return Ok(()) };
    on!(conn, |c| sqlx::query(SQL).bind(id).bind(trace).execute(c).await.map(drop))
}

/// Keeps the current span with the notifications that it wrote, and links it to the requests that wrote their onboardings.
pub async fn keep_with_notifications(
    conn: &mut Conn,
    ids: &[String],
    onboardings: &[String],
) -> Result<(), DbError> {
    const SQL: &str = "UPDATE notifications SET trace = $2 WHERE id = $1";
    let onboardings = &onboardings[..onboardings.len().min(MOST)];
    let requests: Vec<(String,)> = fetch_by_ids!(
        conn,
        (String,),
        "SELECT DISTINCT trace FROM onboardings WHERE trace IS NOT NULL AND id",
        onboardings,
        ""
    )?;
    for (request,) in requests {
        traces::link(&tracing::Span::current(), &request);
    }
    let Some(trace) = traces::current() else { return Ok(()) };
    for id in ids {
        on!(conn, |c| sqlx::query(SQL).bind(id).bind(&trace).execute(c).await.map(drop))?;
    }
    Ok(())
}

/// Where a notification comes from.
#[derive(Clone, Debug, Default)]
pub struct Origin {
    /// The pass that wrote it.
    pub pass: Option<String>,
    /// The requests that wrote its onboardings last.
    pub requests: Vec<String>,
}

/// See [`Origin`].
pub async fn origin(conn: &mut Conn, id: &str) -> Result<Origin, DbError> {
    const PASS: &str = "SELECT trace FROM notifications WHERE id = $1";
    const REQUESTS: &str = "SELECT DISTINCT o.trace FROM notification_items i JOIN onboardings o ON o.id = i.onboarding_id
         WHERE i.notification_id = $1 AND o.trace IS NOT NULL LIMIT 32";
    let pass: Option<(Option<String>,)> =
        on!(conn, |c| sqlx::query_as(PASS).bind(id).fetch_optional(c).await?);
    let requests: Vec<(String,)> =
        on!(conn, |c| sqlx::query_as(REQUESTS).bind(id).fetch_all(c).await?);
    Ok(Origin {
        pass: pass.and_then(|(trace,)| trace),
        requests: requests.into_iter().map(|(trace,)| trace).collect(),
    })
}
