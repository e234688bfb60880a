//! `/audit_log`: who changed what, as a list or as a file.

use axum::extract::State;
use axum::response::Response;
use chrono::DateTime;
use http::{HeaderMap, StatusCode};

use super::Api;
use super::auth::{Caller, Reader};
use super::csv_file as csv;
use super::error::ApiError;
use super::notifications::Named;
use super::query::Query;
use super::wire::{self, List};
use crate::db::Conn;
use crate::operate::audit_log::{self, Filter};
use crate::operate::objects::AuditEntry;

/// The id of what a number names; types of objects that have no numbers of their own are asked for by id.
async fn number(
    conn: &mut Conn,
    caller: &Caller,
    object: &str,
    id: &str,
) -> Result<Option<String>, ApiError> {
    let of = |wanted: &str| (object == wanted).then_some(id);
    let named = Named::resolve(conn, caller, of("onboarding"), of("customer"), of("user")).await?;
    let found = named.onboarding.or(named.customer).or(named.user);
    // What is not found may be gone, and still has its entries.
    Ok(found.filter(|id| !id.is_empty()))
}

/// `GET /api/v1/audit_log`
pub(super) async fn list(
    State(api): State<Api>,
    Reader(caller): Reader,
    query: Query,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let page = query.page()?;
    let (object, id) = (query.text("object")?, query.text("id")?);
    let mut conn = api.db.read().await?;
    let resolved = match (object, id) {
        (Some(object), Some(id)) => number(&mut conn, &caller, object, id).await?,
        _ => None,
    };
    let filter = Filter {
        object,
        object_id: resolved.as_deref().or(id),
        actor: query.text("actor")?,
        event: query.text("event")?,
        after: query.instant("after")?.unwrap_or(DateTime::UNIX_EPOCH),
        before: query.instant("before")?.map_or(page.cursor, |before| before.min(page.cursor)),
        operators: false,
    };
    if csv::is_wanted(&headers) {
        let file = audit_log::export(&mut conn, caller.workspace_id(), filter).await?;
        return Ok(csv::answer("audit_log", file));
    }
    let (lines, next) =
        audit_log::page(&mut conn, caller.workspace_id(), filter, page.limit).await?;
    Ok(wire::json(StatusCode::OK, &List::cut(lines.iter().map(AuditEntry::from).collect(), next)))
}
