//! What apalis never throws away itself: finished jobs, and the rows of workers that are gone.
//!
//! Not by its own `vacuum`, which on SQLite deletes every finished job whatever its age and then rewrites the file.

use chrono::{DateTime, Utc};

use crate::db::{Conn, DbError, Dialect};

/// Deletes up to a thousand jobs that were finished before `before`; answers with how many.
pub async fn jobs(conn: &mut Conn, before: DateTime<Utc>) -> Result<u64, DbError> {
    const POSTGRES: &str = "DELETE FROM apalis.jobs WHERE id IN (
           SELECT id FROM apalis.jobs WHERE status IN ('Done', 'Failed', 'Killed') AND done_at < $1 LIMIT 1000)";
    const SQLITE: &str = "DELETE FROM Jobs WHERE id IN (
           SELECT id FROM Jobs WHERE status IN ('Done', 'Failed', 'Killed') AND done_at < $1 LIMIT 1000)";
    Ok(match conn.dialect() {
        Dialect::Postgres(c) => {
            sqlx::query(POSTGRES).bind(before).execute(c).await?.rows_affected()
        }
        Dialect::Sqlite(c) => {
            sqlx::query(SQLITE).bind(before.timestamp()).execute(c).await?.rows_affected()
        }
    })
}

/// Deletes up to a hundred workers that were last seen before `before` and hold no job; answers with how many. Every start of a process
/// leaves one per queue behind.
pub async fn workers(conn: &mut Conn, before: DateTime<Utc>) -> Result<u64, DbError> {
    const POSTGRES: &str = "DELETE FROM apalis.workers WHERE id IN (
           SELECT w.id FROM apalis.workers w WHERE w.last_seen < $1 AND NOT EXISTS (SELECT 1 FROM apalis.jobs j WHERE j.lock_by = w.id) LIMIT 100)";
    const SQLITE: &str = "DELETE FROM Workers WHERE id IN (
           SELECT w.id FROM Workers w WHERE w.last_seen < $1 AND NOT EXISTS (SELECT 1 FROM Jobs j WHERE j.lock_by = w.id) LIMIT 100)";
    Ok(match conn.dialect() {
        Dialect::Postgres(c) => {
            sqlx::query(POSTGRES).bind(before).execute(c).await?.rows_affected()
        }
        Dialect::Sqlite(c) => {
            sqlx::query(SQLITE).bind(before.timestamp()).execute(c).await?.rows_affected()
        }
    })
}
