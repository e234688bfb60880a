//! Numbers and instants of creation, per workspace and type.

use chrono::{DateTime, TimeDelta, Utc};

use super::fetch_locked;
use crate::db::{Conn, DbError};
use crate::on;

/// The next display id and the instant of creation: `now`, or a millisecond after the last row's, because lists are paged by it.
/// The counter stays locked until the transaction ends, so rows become visible in the order of these instants.
pub(super) async fn next(
    conn: &mut Conn,
    workspace_id: &str,
    name: &str,
    now: DateTime<Utc>,
) -> Result<(i64, DateTime<Utc>), DbError> {
    let (value, last): (i64, DateTime<Utc>) = on!(conn, |c| {
        sqlx::query_as(
        "INSERT INTO counters (workspace_id, name, value, last_created_at) VALUES ($1, $2, 1, $3)
         ON CONFLICT (workspace_id, name) DO UPDATE SET value = counters.value + 1
         RETURNING value, last_created_at"
    )
    .bind(workspace_id)
    .bind(name)
    .bind(now)
    .fetch_one(c)
    .await?
    });
    if value == 1 {
        return Ok((value, now));
    }
    let created_at = now.max(last + TimeDelta::milliseconds(1));
    on!(conn, |c| sqlx::query(
        "UPDATE counters SET last_created_at = $3 WHERE workspace_id = $1 AND name = $2"
    )
    .bind(workspace_id)
    .bind(name)
    .bind(created_at)
    .execute(c)
    .await?
    .rows_affected());
    Ok((value, created_at))
}

/// Takes the counter without moving it, so that nothing of the type is created meanwhile. On SQLite the transaction itself sees to it.
pub(super) async fn hold(conn: &mut Conn, workspace_id: &str, name: &str) -> Result<(), DbError> {
    fetch_locked!(
        conn,
        (i64,),
        "SELECT value FROM counters WHERE workspace_id = $1 AND name = $2",
        workspace_id,
        name
    )
    .map(|_| ())
}
