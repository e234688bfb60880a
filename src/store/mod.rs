//! Our tables, one file per noun. Every function takes a [`crate::db::Conn`], so that the caller says what belongs into one transaction.
//!
//! A function that writes also audits, recomputes the hints and keeps what the schema cannot: all of it in the caller's transaction.

pub mod absences;
pub mod addresses;
pub mod alerts;
pub mod api_keys;
pub mod audit;
pub mod briefs;
pub mod bulk;
pub mod clock_guard;
pub mod cohorts;
pub mod contacts;
mod counters;
pub mod customers;
pub mod directory;
pub mod doubts;
pub mod facts;
pub mod hints;
pub mod idempotency;
pub mod ledger;
pub mod message_actions;
mod notices;
pub mod notifications;
pub mod onboardings;
pub mod operators;
pub mod opt_outs;
pub mod outbox;
pub mod phases;
pub mod presence;
pub mod processes;
pub mod pulse;
pub mod queues;
pub mod rate_windows;
pub mod retention;
pub mod rosters;
pub mod schedules;
pub mod sent;
pub mod settings;
pub mod slack_replies;
pub mod templates;
pub mod titles;
pub mod traces;
pub mod unsent;
pub mod users;
pub mod vitals;
pub mod workspaces;
pub mod worlds;

/// Fetches at most one row and keeps it locked until the transaction ends. On SQLite the transaction itself is the lock.
macro_rules! fetch_locked {
    ($conn:expr, $row:ty, $sql:expr $(, $bind:expr)*) => {
        match $conn.dialect() {
            $crate::db::Dialect::Postgres(c) => {
                sqlx::query_as::<_, $row>(concat!($sql, " FOR UPDATE"))$(.bind($bind))*.fetch_optional(c).await
            }
            $crate::db::Dialect::Sqlite(c) => {
                sqlx::query_as::<_, $row>($sql)$(.bind($bind))*.fetch_optional(c).await
            }
        }
    };
}
pub(crate) use fetch_locked;

/// The two ways to find a row of a workspace: `find` to read, `lock` to change it. `$select` ends before the `WHERE`.
macro_rules! finders {
    ($row:ty, $select:literal) => {
        /// Finds a row of the workspace, deleted or not.
        pub async fn find(
            conn: &mut $crate::db::Conn,
            workspace_id: &str,
            reference: &$crate::domain::ids::Ref,
        ) -> Result<Option<$row>, $crate::db::DbError> {
            use $crate::domain::ids::Ref;
            match reference {
                Ref::Id(id) => $crate::on!(conn, |c| sqlx::query_as(concat!(
                    $select,
                    " WHERE workspace_id = $1 AND id = $2"
                ))
                .bind(workspace_id)
                .bind(id)
                .fetch_optional(c)
                .await),
                Ref::Number(number) => $crate::on!(conn, |c| sqlx::query_as(concat!(
                    $select,
                    " WHERE workspace_id = $1 AND display_id = $2"
                ))
                .bind(workspace_id)
                .bind(number)
                .fetch_optional(c)
                .await),
            }
        }

        /// Finds a row of the workspace, deleted or not, and keeps it locked until the transaction ends.
        pub async fn lock(
            conn: &mut $crate::db::Conn,
            workspace_id: &str,
            reference: &$crate::domain::ids::Ref,
        ) -> Result<Option<$row>, $crate::db::DbError> {
            use $crate::domain::ids::Ref;
            match reference {
                Ref::Id(id) => $crate::store::fetch_locked!(
                    conn,
                    $row,
                    concat!($select, " WHERE workspace_id = $1 AND id = $2"),
                    workspace_id,
                    id
                ),
                Ref::Number(number) => $crate::store::fetch_locked!(
                    conn,
                    $row,
                    concat!($select, " WHERE workspace_id = $1 AND display_id = $2"),
                    workspace_id,
                    number
                ),
            }
        }
    };
}
pub(crate) use finders;
