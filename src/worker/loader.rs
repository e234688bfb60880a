//! Loads briefs for many deliveries at once, by the same rule as the writer: a batch is what queued up meanwhile.

use tokio::sync::{mpsc, oneshot};

use crate::db::{Db, DbError};
use crate::store::briefs::{self, Brief};
use crate::store::ledger::Claimed;

const BATCH: usize = 256;

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
            let mut batch = Vec::with_capacity(BATCH);
            while receiver.recv_many(&mut batch, BATCH).await > 0 {
                let (claimed, replies): (Vec<_>, Vec<_>) = batch.drain(..).unzip();
                match load(&db, &claimed).await {
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

async fn load(
    db: &Db,
    claimed: &[Claimed],
) -> Result<std::collections::HashMap<String, Brief>, DbError> {
    let mut conn = db.snapshot().await?;
    let briefs = briefs::load(&mut conn, claimed).await?;
    conn.commit().await?;
    Ok(briefs)
}
