//! Group commit: claims and outcomes of many deliveries in one statement each, one commit for all.
//!
//! There is no timer. A batch is whatever queued up while the last commit ran, so it shrinks to one when idle, and every caller goes on
//! only after its own row is committed. Measured against row-by-row writes this is worth a factor of three (`docs/decisions.md`).

use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};

use crate::clock::Clock;
use crate::db::{Conn, Db, DbError};
use crate::domain::ids::IdKind;
use crate::store::ledger::{self, Claimed, Finish};
use crate::store::presence::Identity;

/// Most writes in one transaction.
const BATCH: usize = 256;

/// A write did not happen.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the ledger cannot be written: {0}")]
pub struct WriteError(String);

type Reply<T> = oneshot::Sender<Result<T, WriteError>>;

enum Write {
    Claim(String, Reply<Option<Claimed>>),
    Finish(Box<Finish>, Reply<bool>),
}

/// The way into the ledger for deliveries.
#[derive(Clone, Debug)]
pub struct Writer {
    claims: mpsc::Sender<Write>,
    finishes: mpsc::Sender<Write>,
}

struct Committer {
    db: Db,
    clock: Clock,
    identity: Arc<Identity>,
}

impl Writer {
    /// Starts the writer tasks: two on PostgreSQL, one on SQLite, which has one writer. They end when the last handle is dropped.
    #[must_use]
    pub fn start(db: &Db, clock: &Clock, identity: &Arc<Identity>) -> Self {
        let start = || {
            let (sender, receiver) = mpsc::channel(4 * BATCH);
            let committer =
                Committer { db: db.clone(), clock: clock.clone(), identity: Arc::clone(identity) };
            tokio::spawn(committer.run(receiver));
            sender
        };
        let claims = start();
        let finishes = match db {
            Db::Postgres(_) => start(),
            Db::Sqlite { .. } => claims.clone(),
        };
        Self { claims, finishes }
    }

    /// Takes a row, if it is still to be had.
    pub async fn claim(&self, id: &str) -> Result<Option<Claimed>, WriteError> {
        let (reply, answer) = oneshot::channel();
        send(&self.claims, Write::Claim(id.to_owned(), reply), answer).await
    }

    /// Lets go of a row; `false` when it was lost to somebody else meanwhile.
    pub async fn finish(&self, row: Finish) -> Result<bool, WriteError> {
        let (reply, answer) = oneshot::channel();
        send(&self.finishes, Write::Finish(Box::new(row), reply), answer).await
    }
}

async fn send<T>(
    to: &mpsc::Sender<Write>,
    write: Write,
    answer: oneshot::Receiver<Result<T, WriteError>>,
) -> Result<T, WriteError> {
    let gone = || WriteError("the writer has stopped".to_owned());
    to.send(write).await.map_err(|_| gone())?;
    answer.await.map_err(|_| gone())?
}

impl Committer {
    async fn run(self, mut receiver: mpsc::Receiver<Write>) {
        let mut batch = Vec::with_capacity(BATCH);
        while receiver.recv_many(&mut batch, BATCH).await > 0 {
            let (mut claims, mut finishes) = (Vec::new(), Vec::new());
            for write in batch.drain(..) {
                match write {
                    Write::Claim(id, reply) => claims.push((id, reply)),
                    Write::Finish(row, reply) => finishes.push((*row, reply)),
                }
            }
            self.commit(claims, finishes).await;
        }
    }

    async fn commit(
        &self,
        claims: Vec<(String, Reply<Option<Claimed>>)>,
        finishes: Vec<(Finish, Reply<bool>)>,
    ) {
        let (ids, claim_replies): (Vec<_>, Vec<_>) = claims.into_iter().unzip();
        let (rows, finish_replies): (Vec<_>, Vec<_>) = finishes.into_iter().unzip();
        match self.write(&ids, &rows).await {
            Ok((claimed, finished)) => {
                let mut claimed: std::collections::HashMap<_, _> =
                    claimed.into_iter().map(|row| (row.id.clone(), row)).collect();
                for (id, reply) in ids.iter().zip(claim_replies) {
                    // Two wake-ups for one row: the first takes it, the second finds nothing.
                    let _ = reply.send(Ok(claimed.remove(id)));
                }
                let finished: std::collections::HashSet<_> = finished.into_iter().collect();
                for (row, reply) in rows.iter().zip(finish_replies) {
                    let _ = reply.send(Ok(finished.contains(&row.id)));
                }
            }
            // The database refused something in the batch: find out whose fault it is.
            Err(DbError::Database(_)) if ids.len() + rows.len() > 1 => {
                for (id, reply) in ids.into_iter().zip(claim_replies) {
                    let one = self.write(std::slice::from_ref(&id), &[]).await;
                    let _ = reply.send(
                        one.map(|(mut claimed, _)| claimed.pop()).map_err(|e| write_error(&e)),
                    );
                }
                for (row, reply) in rows.into_iter().zip(finish_replies) {
                    let one = self.write(&[], std::slice::from_ref(&row)).await;
                    let _ = reply.send(
                        one.map(|(_, finished)| !finished.is_empty()).map_err(|e| write_error(&e)),
                    );
                }
            }
            Err(error) => {
                let error = write_error(&error);
                for reply in claim_replies {
                    let _ = reply.send(Err(error.clone()));
                }
                for reply in finish_replies {
                    let _ = reply.send(Err(error.clone()));
                }
            }
        }
    }

    async fn write(
        &self,
        ids: &[String],
        rows: &[Finish],
    ) -> Result<(Vec<Claimed>, Vec<String>), DbError> {
        let now = self.clock.now();
        // A claim is one statement, and so is an outcome unless it must be noted.
        let single = rows.is_empty() || (ids.is_empty() && !rows.iter().any(Finish::ends_unsent));
        let mut conn = if single { self.db.statement().await? } else { self.db.begin().await? };
        let finished =
            if rows.is_empty() { Vec::new() } else { ledger::finish(&mut conn, rows, now).await? };
        let claimed = if ids.is_empty() { Vec::new() } else { self.claim(&mut conn, ids).await? };
        conn.commit().await?;
        Ok((claimed, finished))
    }

    async fn claim(&self, conn: &mut Conn, ids: &[String]) -> Result<Vec<Claimed>, DbError> {
        let now = self.clock.now();
        let token = IdKind::Process.fresh(now);
        ledger::claim(conn, ids, &self.identity.id(), &token, now).await
    }
}

fn write_error(error: &DbError) -> WriteError {
    WriteError(error.to_string())
}
