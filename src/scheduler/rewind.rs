//! A pass as of an instant before that of a former pass (`scan --now`).
//!
//! A pass leaves behind when whom to look at next, as seen from its own instant. Seen from an earlier one these hints are late, so they are
//! computed anew first. What the former pass wrote stands: the ledger's keys see to it that nothing is written twice.

use chrono::{DateTime, TimeDelta, Utc};

use crate::db::{Conn, Db, DbError, Dialect, json_list};
use crate::on;
use crate::store::hints;

/// Computes all hints as of `at` if a pass more than `apart` later has been there and this was not done since.
pub(super) async fn rewind(db: &Db, at: DateTime<Utc>, apart: TimeDelta) -> Result<(), DbError> {
    let mut read = db.read().await?;
    let ahead = passes_after(&mut read, at + apart).await?;
    drop(read);
    if ahead.is_empty() {
        return Ok(());
    }
    tracing::info!(%at, "a former pass was as of a later instant: looking at everybody anew");
    hints::rewind(db, at).await?;
    let mut conn = db.begin().await?;
    mark(&mut conn, &ahead).await?;
    conn.commit().await
}

async fn passes_after(conn: &mut Conn, at: DateTime<Utc>) -> Result<Vec<String>, DbError> {
    const SQL: &str = "SELECT id FROM passes WHERE created_at > $1 AND NOT rewound";
    let rows: Vec<(String,)> = on!(conn, |c| sqlx::query_as(SQL).bind(at).fetch_all(c).await?);
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

async fn mark(conn: &mut Conn, passes: &[String]) -> Result<(), DbError> {
    match conn.dialect() {
        Dialect::Postgres(c) => {
            sqlx::query("UPDATE passes SET rewound = true WHERE id = ANY($1)")
                .bind(passes)
                .execute(c)
                .await?;
        }
        Dialect::Sqlite(c) => {
            sqlx::query(
                "UPDATE passes SET rewound = true WHERE id IN (SELECT value FROM json_each($1))",
            )
            .bind(json_list(passes))
            .execute(c)
            .await?;
        }
    }
    Ok(())
}
