//! Whole lists for the command line: few rows, no pages.

use super::api_keys::ApiKey;
use super::users::User;
use super::workspaces::Workspace;
use crate::db::{Conn, DbError};
use crate::on;

/// Every workspace, by handle.
pub async fn workspaces(conn: &mut Conn) -> Result<Vec<Workspace>, DbError> {
    on!(conn, |c| sqlx::query_as("SELECT * FROM workspaces ORDER BY slug").fetch_all(c).await)
}

/// Every user of a workspace, oldest first.
pub async fn users(conn: &mut Conn, workspace_id: &str) -> Result<Vec<User>, DbError> {
    const SQL: &str = "SELECT * FROM users WHERE workspace_id = $1 ORDER BY display_id";
    on!(conn, |c| sqlx::query_as(SQL).bind(workspace_id).fetch_all(c).await)
}

/// Every key of a workspace, newest first.
pub async fn keys(conn: &mut Conn, workspace_id: &str) -> Result<Vec<ApiKey>, DbError> {
    const SQL: &str = "SELECT * FROM api_keys WHERE workspace_id = $1 ORDER BY created_at DESC";
    on!(conn, |c| sqlx::query_as(SQL).bind(workspace_id).fetch_all(c).await)
}
