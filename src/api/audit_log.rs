//! `/audit_log`: who changed what, as a list or as a file.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::response::Response;
use chrono::{DateTime, Utc};
use http::{HeaderMap, StatusCode};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::Api;
use super::auth::Reader;
use super::csv_file as csv;
use super::error::ApiError;
use super::query::{Page, Query};
use super::wire::{self, Instant, List};
use crate::db::Conn;
use crate::store::audit::{self, Filter, Line};

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "AuditEntry")]
pub(super) struct View<'a> {
    #[schemars(extend("enum" = ["audit_entry"]))]
    object: &'static str,
    id: &'a str,
    event: &'a str,
    actor: Actor<'a>,
    target: Target<'a>,
    /// {field: [before, after]}
    #[schemars(with = "BTreeMap<String, Vec<Value>>")]
    diff: &'a Value,
    reason: Option<&'a str>,
    request_id: Option<&'a str>,
    created_at: Instant,
}

#[derive(Serialize, JsonSchema)]
#[schemars(inline)]
struct Actor<'a> {
    r#type: &'a str,
    id: Option<&'a str>,
    name: &'a str,
}

#[derive(Serialize, JsonSchema)]
#[schemars(inline)]
struct Target<'a> {
    object: &'a str,
    id: &'a str,
}

fn view(line: &Line) -> View<'_> {
    View {
        object: "audit_entry",
        id: &line.id,
        event: &line.event,
        actor: Actor {
            r#type: &line.actor_type,
            id: line.actor_id.as_deref(),
            name: &line.actor_name,
        },
        target: Target { object: &line.object, id: &line.object_id },
        diff: &line.diff.0,
        reason: line.reason.as_deref(),
        request_id: line.request_id.as_deref(),
        created_at: Instant(line.created_at),
    }
}

/// `GET /api/v1/audit_log`
pub(super) async fn list(
    State(api): State<Api>,
    Reader(caller): Reader,
    query: Query,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let page = query.page()?;
    let filter = Filter {
        object: query.text("object")?,
        object_id: query.text("id")?,
        actor: query.text("actor")?,
        event: query.text("event")?,
        after: query.instant("after")?.unwrap_or(DateTime::UNIX_EPOCH),
        before: query.instant("before")?.map_or(page.cursor, |before| before.min(page.cursor)),
    };
    let mut conn = api.db.read().await?;
    if csv::is_wanted(&headers) {
        let lines = audit::list(&mut conn, caller.workspace_id(), filter, csv::MOST_LINES).await?;
        return file(&lines);
    }
    let (lines, next) = cut(&mut conn, caller.workspace_id(), filter, page).await?;
    Ok(wire::json(StatusCode::OK, &List::cut(lines.iter().map(view).collect(), next)))
}

/// A page that does not end between two lines of one instant, because the next begins strictly before its last line. It is shorter
/// than asked for rather than longer, unless one instant alone has more lines than that.
async fn cut(
    conn: &mut Conn,
    workspace_id: &str,
    filter: Filter<'_>,
    page: Page,
) -> Result<(Vec<Line>, Option<DateTime<Utc>>), ApiError> {
    let mut ask = page.rows();
    loop {
        let mut lines = audit::list(conn, workspace_id, filter, ask).await?;
        if i64::try_from(lines.len()).unwrap_or(i64::MAX) < ask {
            if lines.len() <= page.limit {
                return Ok((lines, None));
            }
            // All of the rest; cut it like any other page, or leave it whole if it is one instant.
            let end = end_of_page(&lines, page.limit);
            let more = end < lines.len();
            lines.truncate(end);
            let next = lines.last().filter(|_| more).map(|line| line.created_at);
            return Ok((lines, next));
        }
        let end = end_of_page(&lines, page.limit);
        if end < lines.len() {
            lines.truncate(end);
            let next = lines.last().map(|line| line.created_at);
            return Ok((lines, next));
        }
        ask *= 4;
    }
}

/// Where to cut: before the instant that would be torn apart, or behind it if the page begins with it.
fn end_of_page(lines: &[Line], limit: usize) -> usize {
    let Some(torn) = lines.get(limit).map(|line| line.created_at) else { return lines.len() };
    let start = lines.iter().position(|line| line.created_at == torn).unwrap_or(limit);
    if start > 0 {
        return start;
    }
    lines.iter().position(|line| line.created_at != torn).unwrap_or(lines.len())
}

fn file(lines: &[Line]) -> Result<Response, ApiError> {
    let rows = lines.iter().map(|line| {
        [
            line.id.clone(),
            line.event.clone(),
            line.actor_type.clone(),
            line.actor_id.clone().unwrap_or_default(),
            line.actor_name.clone(),
            line.object.clone(),
            line.object_id.clone(),
            line.diff.0.to_string(),
            line.reason.clone().unwrap_or_default(),
            line.request_id.clone().unwrap_or_default(),
            line.created_at.to_rfc3339_opts(chrono::SecondsFormat::Millis, true),
        ]
    });
    let columns = [
        "id",
        "event",
        "actor_type",
        "actor_id",
        "actor_name",
        "object",
        "object_id",
        "diff",
        "reason",
        "request_id",
        "created_at",
    ];
    csv::file("audit_log", columns, rows)
}
