//! The walks along the indexes of what stands in the rows, and the look at rows whose ids are known.

use chrono::DateTime;

use super::{AT_A_TIME, Asked, Cursor, Filter, Key};
use crate::db::{Conn, DbError, Dialect, json_list};
use crate::domain::values::{Channel, Kind, Mode, NotificationState, Reason};
use crate::on;
use crate::store::ledger::UNTIL_DECIDED;

/// Keys of the rows `n` that fit what stands in the row itself. `$1` is the caller's own; words are ranges, because an index can be asked
/// for a range that may be everything, but not for "this, or anything".
const KEYS: &str = "SELECT n.id, n.created_at FROM notifications n";
// SQLite would read the whole workspace for them; a cross join is read from left to right.
const KEYS_NAMED: &str =
    "SELECT n.id, n.created_at FROM json_each($1) j CROSS JOIN notifications n";
const FIT: &str = " WHERE n.workspace_id = $2 AND n.created_at <= $3 AND (n.created_at < $3 OR n.id < $4) AND n.created_at >= $5 AND n.created_at < $6
   AND n.kind BETWEEN $7 AND $8 AND n.channel BETWEEN $9 AND $10 AND n.mode BETWEEN $11 AND $12 AND ($13 IS NULL OR n.state = $13)
   AND ($14 IS NULL OR n.reason = $14) AND ($15 IS NULL OR n.recipient_id = $15)";
const OPEN: &str = " AND n.finished_at IS NULL";
const UNSENT: &str = " AND n.finished_at IS NOT NULL AND n.sent_at IS NULL AND n.reason = $14";
const RECIPIENT: &str = " AND n.recipient_id = $15";
const NEWEST: &str = " ORDER BY n.created_at DESC, n.id DESC LIMIT $1";
// SQLite counts no rows before it chooses an index, so it is told.
const BY_OPEN: &str = " INDEXED BY notifications_open";
const BY_UNSENT: &str = " INDEXED BY notifications_unsent";

/// Binds `$2` and all that follow.
macro_rules! bind {
    ($query:expr, $asked:expr, $cursor:expr, $reason:expr) => {{
        let filter = $asked.filter;
        $query
            .bind($asked.workspace_id)
            .bind($cursor.created_at)
            .bind(&$cursor.id)
            .bind(filter.since.unwrap_or(DateTime::UNIX_EPOCH))
            .bind(filter.until.unwrap_or(UNTIL_DECIDED))
            .bind(filter.kind.map_or(FIRST, Kind::as_str))
            .bind(filter.kind.map_or(LAST, Kind::as_str))
            .bind(filter.channel.map_or(FIRST, Channel::as_str))
            .bind(filter.channel.map_or(LAST, Channel::as_str))
            .bind(filter.mode.map_or(FIRST, Mode::as_str))
            .bind(filter.mode.map_or(LAST, Mode::as_str))
            .bind(filter.state.map(NotificationState::as_str))
            .bind($reason.map(Reason::as_str))
            .bind(filter.recipient_id)
            // Planned for these very values: a plan for any would walk the wrong index.
            .persistent(false)
    }};
}

/// Every word of a vocabulary lies between these, in any collation.
const FIRST: &str = "";
const LAST: &str = "zz";

/// Whether a row that was not sent may end so, for this reason. What ends many rows ends all of them alike: too many to look through for
/// anything else.
fn may_end(state: NotificationState, reason: Reason) -> bool {
    match reason {
        Reason::TestMode => state == NotificationState::Suppressed,
        Reason::StateChanged | Reason::Superseded | Reason::MissedSlot | Reason::QuietHours => {
            state == NotificationState::Skipped
        }
        _ => state != NotificationState::Suppressed,
    }
}

impl Asked<'_> {
    /// The newest rows behind the cursor that fit what stands in them, up to `limit`.
    pub(super) async fn walk(
        &self,
        conn: &mut Conn,
        cursor: &Cursor,
        limit: usize,
    ) -> Result<Vec<Key>, DbError> {
        let Filter { state, reason, recipient_id, .. } = *self.filter;
        let mut found = match (state, reason) {
            _ if recipient_id.is_some() => self.all(conn, cursor, limit).await?,
            (Some(state), _) if state.is_open() => self.open(conn, cursor, limit).await?,
            (None | Some(NotificationState::Sent), None) => self.all(conn, cursor, limit).await?,
            (_, Some(reason)) => {
                let mut found = self.unsent(conn, cursor, reason, limit).await?;
                if state.is_none() {
                    found.extend(self.open(conn, cursor, limit).await?);
                }
                found
            }
            (Some(state), None) => {
                let mut found = Vec::new();
                for reason in Reason::ALL {
                    if self.any && found.len() >= limit {
                        break;
                    }
                    if may_end(state, *reason) {
                        found.extend(self.unsent(conn, cursor, *reason, limit).await?);
                    }
                }
                found
            }
        };
        found.sort_by(|a, b| (b.1, &b.0).cmp(&(a.1, &a.0)));
        found.truncate(limit);
        Ok(found)
    }

    /// By the instant they were written, or by their recipient.
    async fn all(
        &self,
        conn: &mut Conn,
        cursor: &Cursor,
        limit: usize,
    ) -> Result<Vec<Key>, DbError> {
        const ALL: &str = const_str::concat!(KEYS, FIT, NEWEST);
        const TO_ONE: &str = const_str::concat!(KEYS, FIT, RECIPIENT, NEWEST);
        let sql = if self.filter.recipient_id.is_some() { TO_ONE } else { ALL };
        on!(conn, |c| bind!(
            sqlx::query_as(sql).bind(bound(limit)),
            self,
            cursor,
            self.filter.reason
        )
        .fetch_all(c)
        .await)
    }

    /// Among what has not come to its end.
    async fn open(
        &self,
        conn: &mut Conn,
        cursor: &Cursor,
        limit: usize,
    ) -> Result<Vec<Key>, DbError> {
        const POSTGRES: &str = const_str::concat!(KEYS, FIT, OPEN, NEWEST);
        const SQLITE: &str = const_str::concat!(KEYS, BY_OPEN, FIT, OPEN, NEWEST);
        let (limit, reason) = (bound(limit), self.filter.reason);
        match conn.dialect() {
            Dialect::Postgres(c) => {
                bind!(sqlx::query_as(POSTGRES).bind(limit), self, cursor, reason).fetch_all(c).await
            }
            Dialect::Sqlite(c) => {
                bind!(sqlx::query_as(SQLITE).bind(limit), self, cursor, reason).fetch_all(c).await
            }
        }
    }

    /// Among what has ended without being sent, for this reason.
    async fn unsent(
        &self,
        conn: &mut Conn,
        cursor: &Cursor,
        reason: Reason,
        limit: usize,
    ) -> Result<Vec<Key>, DbError> {
        const POSTGRES: &str = const_str::concat!(KEYS, FIT, UNSENT, NEWEST);
        const SQLITE: &str = const_str::concat!(KEYS, BY_UNSENT, FIT, UNSENT, NEWEST);
        let (limit, reason) = (bound(limit), Some(reason));
        match conn.dialect() {
            Dialect::Postgres(c) => {
                bind!(sqlx::query_as(POSTGRES).bind(limit), self, cursor, reason).fetch_all(c).await
            }
            Dialect::Sqlite(c) => {
                bind!(sqlx::query_as(SQLITE).bind(limit), self, cursor, reason).fetch_all(c).await
            }
        }
    }

    /// Of these ids, newest first, the first `limit` that fit.
    pub(super) async fn among(
        &self,
        conn: &mut Conn,
        ids: &[String],
        cursor: &Cursor,
        check: bool,
        limit: usize,
    ) -> Result<Vec<Key>, DbError> {
        const POSTGRES: &str = const_str::concat!(KEYS, FIT, " AND n.id = ANY($1)");
        const SQLITE: &str = const_str::concat!(KEYS_NAMED, FIT, " AND n.id = j.value");
        let reason = self.filter.reason;
        let mut found = Vec::new();
        for ids in ids.chunks(AT_A_TIME) {
            if found.len() >= limit {
                break;
            }
            let mut fit: Vec<Key> = match conn.dialect() {
                Dialect::Postgres(c) => {
                    bind!(sqlx::query_as(POSTGRES).bind(ids), self, cursor, reason)
                        .fetch_all(c)
                        .await?
                }
                Dialect::Sqlite(c) => {
                    bind!(sqlx::query_as(SQLITE).bind(json_list(ids)), self, cursor, reason)
                        .fetch_all(c)
                        .await?
                }
            };
            fit.sort_by(|a, b| (b.1, &b.0).cmp(&(a.1, &a.0)));
            found.extend(self.check(conn, fit, check).await?);
        }
        found.truncate(limit);
        Ok(found)
    }
}

fn bound(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}
