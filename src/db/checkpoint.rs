//! Moves SQLite's write-ahead log into the database file, so that no commit has to.
//!
//! SQLite does it by itself within whichever commit fills the log: that one, and all behind it, wait until thousands of pages are copied and
//! on disk, which one request in a hundred notices. Here most of it is done beside the writer, and only what came meanwhile on the
//! writer's own connection, so that the log has an end from which it can begin anew.

use std::time::Duration;

use sqlx::SqlitePool;
use tokio_util::sync::CancellationToken;

use super::{Db, DbError};

/// How often the log is moved. Where nothing was written it costs nothing; a busy second writes ten thousand pages.
const EVERY: Duration = Duration::from_millis(200);

/// Pages in the log at which a commit does it after all: when nobody else has, as in the short commands, or could not keep up.
pub(super) const AT_LAST: &str = "16384";

/// Moves the log until `stop`. Nothing to do on PostgreSQL, which has a process for it.
pub async fn keep(db: Db, stop: CancellationToken) {
    let Db::Sqlite { write, read } = db else { return stop.cancelled().await };
    let mut failed = false;
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(EVERY) => {}
        }
        let moved = async {
            move_log(&read).await?;
            move_log(&write).await
        };
        match moved.await {
            Ok(()) => failed = false,
            Err(error) if !failed => {
                failed = true;
                tracing::warn!(%error, "the log of the database cannot be moved into its file, trying again and again");
            }
            Err(_) => {}
        }
    }
}

/// `PASSIVE`: as far as it goes without waiting for anybody.
async fn move_log(connections: &SqlitePool) -> Result<(), DbError> {
    sqlx::query("PRAGMA wal_checkpoint(PASSIVE)").execute(connections).await.map(|_| ())
}
