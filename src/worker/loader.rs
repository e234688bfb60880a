//! Loads briefs for many deliveries at once, by the same rule as the writer: a batch is what queued up meanwhile.

use std::sync::Arc;

use tokio::sync::{Semaphore, mpsc, oneshot};

use crate::db::{Db, DbError};
use crate::store::briefs::{self, Brief};
use crate::store::ledger::Claimed;

const BATCH: usize = 256;

/// Batches loaded at once: while one waits for the database, the next is on its way.
const AT_ONCE: usize = 2;

/// The facts of a notification could not be read.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the facts cannot be read: {0}")]
pub struct LoadError(String);

type Request = (Claimed, oneshot::Sender<Result<Option<Brief>, LoadError>>);

/// The way to the facts for deliveries.
#[derive(Clone, Debug)]
pub struct Loader {
    requests: mpsc::Sender<Request>,
}

impl Loader {
    /// Starts the loader task; it ends when the last handle is dropped.
    #[must_use]
    pub fn start(db: Db) -> Self {
        let (requests, mut receiver) = mpsc::channel::<Request>(4 * BATCH);
        tokio::spawn(async move {
            let places = Arc::new(Semaphore::new(AT_ONCE));
            // The place first: what queues up while all are taken is the next batch.
            while let Ok(place) = Arc::clone(&places).acquire_owned().await {
                let mut batch = Vec::new();
                if receiver.recv_many(&mut batch, BATCH).await == 0 {
                    return;
                }
                let db = db.clone();
                tokio::spawn(async move {
                    answer(&db, batch).await;
                    drop(place);
                });
            }
        });
        Self { requests }
    }

    /// The facts of one notification; `None` when its workspace is gone.
    pub async fn load(&self, n: &Claimed) -> Result<Option<Brief>, LoadError> {
        let gone = || LoadError("the loader has stopped".to_owned());
        let (reply, answer) = oneshot::channel();
        self.requests.send((n.clone(), reply)).await.map_err(|_| gone())?;
        answer.await.map_err(|_| gone())?
    }
}

async fn answer(db: &Db, batch: Vec<Request>) {
    let (claimed, replies): (Vec<_>, Vec<_>) = batch.into_iter().unzip();
    match load(db, &claimed).await {
        Ok(mut found) => {
            for (n, reply) in claimed.iter().zip(replies) {
                let _ = reply.send(Ok(found.remove(&n.id)));
            }
        }
        Err(error) => {
            let error = LoadError(error.to_string());
            for reply in replies {
                let _ = reply.send(Err(error.clone()));
            }
        }
    }
}

async fn load(
    db: &Db,
    claimed: &[Claimed],
) -> Result<std::collections::HashMap<String, Brief>, DbError> {
    let mut conn = db.read().await?;
    briefs::load(&mut conn, claimed).await
}
