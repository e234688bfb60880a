//! `/status`: how the service is, for whoever operates it by program.

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;

use super::auth::Operator;
use super::error::ApiError;
use super::{Api, wire};
use crate::operate::objects::Status;
use crate::operate::vitals::vitals;
use crate::store::directory;

/// `GET /api/v1/status`
pub(super) async fn get(
    State(api): State<Api>,
    Operator(caller): Operator,
) -> Result<Response, ApiError> {
    let mut conn = api.db.read().await?;
    let found = vitals(&mut conn, Some(caller.workspace_id()), caller.now).await?;
    let status = Status::from(&found);
    let alone = directory::workspaces(&mut conn).await?.len() <= 1;
    let status = if alone { status } else { status.of_one_among_several() };
    Ok(wire::json(StatusCode::OK, &status))
}
