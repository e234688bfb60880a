//! Whether anything has happened since somebody looked last.

use crate::db::{Conn, DbError};
use crate::on;

/// The newest notification and the newest line of the audit log; ids are ordered by time.
pub async fn newest(conn: &mut Conn) -> Result<(Option<String>, Option<String>), DbError> {
    const SQL: &str = "SELECT (SELECT max(id) FROM notifications), (SELECT max(id) FROM audit_log)";
    on!(conn, |c| sqlx::query_as(SQL).fetch_one(c).await)
}
