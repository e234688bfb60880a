//! `/phases`: what the workspace calls the seven phases, and how long each should take.

use axum::extract::State;
use axum::response::Response;
use chrono::{DateTime, Utc};
use http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;

use super::Api;
use super::auth::{Admin, Reader};
use super::body::{Body, JsonBytes};
use super::error::ApiError;
use super::path::PathRef;
use super::query::Query;
use super::request::{Optional, request};
use super::values::{Integer, Name};
use super::wire::{self, List};
use crate::db::Conn;
use crate::domain::ids::Ref;
use crate::domain::values;
use crate::store::audit::Author;
use crate::store::phases::{self, Phase};
use crate::store::workspaces;

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Phase")]
pub(super) struct View<'a> {
    #[schemars(extend("enum" = ["phase"]))]
    object: &'static str,
    key: values::Phase,
    label: &'a str,
    position: i64,
    target_days: i64,
    terminal: bool,
}

/// Where the last of the phases stands.
#[expect(clippy::cast_possible_wrap, reason = "there are seven")]
const LAST: i64 = values::Phase::ALL.len() as i64 - 1;

request! {
    PhaseUpdate {
        label: Optional<Name>,
        position: Optional<Integer<0, LAST>>,
        target_days: Optional<Integer<1, 3650>>,
    }
}

pub(super) fn view(phase: &Phase) -> View<'_> {
    View {
        object: "phase",
        key: phase.key,
        label: &phase.label,
        position: phase.position,
        target_days: phase.target_days,
        terminal: phase.key.is_terminal(),
    }
}

/// `GET /api/v1/phases`: all seven, in order, unless a part is asked for.
pub(super) async fn list(
    State(api): State<Api>,
    Reader(caller): Reader,
    query: Query,
) -> Result<Response, ApiError> {
    let part = query.part()?;
    let mut conn = api.db.read().await?;
    let phases = phases::list(&mut conn, caller.workspace_id()).await?;
    let rows = phases.iter().map(|phase| (wire::place(phase.position), view(phase)));
    Ok(wire::json(StatusCode::OK, &List::part(rows, part)))
}

/// `PATCH /api/v1/phases/{key}`
pub(super) async fn update(
    State(api): State<Api>,
    Admin(caller): Admin,
    PathRef(reference): PathRef,
    JsonBytes(bytes): JsonBytes,
) -> Result<Response, ApiError> {
    caller.must_be_live()?;
    let key: values::Phase = match reference {
        Some(Ref::Id(key)) => key.parse().map_err(|_| ApiError::phase_not_found())?,
        _ => return Err(ApiError::phase_not_found()),
    };
    let body: PhaseUpdate = Body::read(&bytes)?;
    let mut tx = api.db.begin().await?;
    let (author, workspace) = (caller.author(), caller.workspace_id());
    let after = change(&mut tx, &author, workspace, key, &body, caller.now).await?;
    tx.commit().await?;
    Ok(wire::json(StatusCode::OK, &view(&after)))
}

/// Changes a phase of a workspace.
pub(super) async fn change(
    conn: &mut Conn,
    author: &Author,
    workspace_id: &str,
    key: values::Phase,
    body: &PhaseUpdate,
    now: DateTime<Utc>,
) -> Result<Phase, ApiError> {
    let label = body.label()?;
    let position = body.position()?;
    let target_days = body.target_days()?;
    workspaces::lock(conn, workspace_id).await?;
    let phases = phases::list(conn, workspace_id).await?;
    let before = phases.iter().find(|phase| phase.key == key).ok_or_else(ApiError::internal)?;
    let after = Phase {
        key,
        label: label.unwrap_or_else(|| before.label.clone()),
        position: position.unwrap_or(before.position),
        target_days: target_days.unwrap_or(before.target_days),
    };
    phases::update(conn, author, workspace_id, &phases, &after, now).await?;
    Ok(after)
}
