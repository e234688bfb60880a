//! `/status`: how the service is, for whoever operates it by program.

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;

use super::auth::Operator;
use super::error::ApiError;
use super::{Api, wire};
use crate::operate::objects::Status;
use crate::operate::vitals::vitals;

/// `GET /api/v1/status`
pub(super) async fn get(
    State(api): State<Api>,
    Operator(caller): Operator,
) -> Result<Response, ApiError> {
    let mut conn = api.db.read().await?;
    let found = vitals(&mut conn, Some(caller.workspace_id()), caller.now).await?;
    Ok(wire::json(StatusCode::OK, &Status::from(&found)))
}
