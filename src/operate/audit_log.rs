//! Who changed what, as pages and as a file.

use chrono::{DateTime, Utc};

use super::csv_file::{self, MOST_LINES};
use crate::db::{Conn, DbError};
use crate::store::audit;

pub use crate::store::audit::{Filter, Line};

/// At most `limit` lines, newest first, and the instant before which the next page begins. A page does not end between two lines of one
/// instant, because the next begins strictly before its last line: it is shorter than asked for rather than longer, unless one instant
/// alone has more lines than that.
pub async fn page(
    conn: &mut Conn,
    workspace_id: &str,
    filter: Filter<'_>,
    limit: usize,
) -> Result<(Vec<Line>, Option<DateTime<Utc>>), DbError> {
    let mut ask = i64::try_from(limit).unwrap_or(i64::MAX - 1) + 1;
    loop {
        let mut lines = audit::list(conn, workspace_id, filter, ask).await?;
        if i64::try_from(lines.len()).unwrap_or(i64::MAX) < ask {
            if lines.len() <= limit {
                return Ok((lines, None));
            }
            // All of the rest; cut it like any other page, or leave it whole if it is one instant.
            let end = end_of_page(&lines, limit);
            let more = end < lines.len();
            lines.truncate(end);
            let next = lines.last().filter(|_| more).map(|line| line.created_at);
            return Ok((lines, next));
        }
        let end = end_of_page(&lines, limit);
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

/// The newest lines as a CSV file, at most [`MOST_LINES`].
pub async fn export(
    conn: &mut Conn,
    workspace_id: &str,
    filter: Filter<'_>,
) -> Result<Vec<u8>, DbError> {
    let lines = audit::list(conn, workspace_id, filter, MOST_LINES).await?;
    let rows = lines.into_iter().map(|line| {
        [
            line.id,
            line.event,
            line.actor_type,
            line.actor_id.unwrap_or_default(),
            line.actor_name,
            line.object,
            line.object_id,
            line.diff.0.to_string(),
            line.reason.unwrap_or_default(),
            line.request_id.unwrap_or_default(),
            audit::shown(line.created_at),
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
    csv_file::bytes(columns, rows).map_err(|error| DbError::Encode(error.into()))
}
