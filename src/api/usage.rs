//! What keys are used for, counted in memory and written once in a while: never in the path of a request.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio_util::sync::CancellationToken;

use crate::db::{Db, DbError};
use crate::store::api_keys;

/// How often it is written.
const FLUSH_EVERY: Duration = Duration::from_mins(1);

/// What one key was used for since the last flush.
#[derive(Clone, Copy, Debug)]
pub(super) struct Use {
    /// How many requests.
    pub(super) requests: i64,
    /// The last one.
    pub(super) last_at: DateTime<Utc>,
    /// Its address.
    pub(super) last_ip: Option<IpAddr>,
}

/// The uses of all keys since the last flush, in this process.
#[derive(Clone, Debug, Default)]
pub struct Usage(Arc<Mutex<HashMap<String, Use>>>);

impl Usage {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, Use>> {
        // A counter is never half written, so it is good even after a panic elsewhere.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts one request.
    pub fn note(&self, api_key_id: &str, now: DateTime<Utc>, ip: Option<IpAddr>) {
        let mut uses = self.lock();
        if let Some(used) = uses.get_mut(api_key_id) {
            *used = Use { requests: used.requests + 1, last_at: now, last_ip: ip };
        } else {
            uses.insert(api_key_id.to_owned(), Use { requests: 1, last_at: now, last_ip: ip });
        }
    }

    /// What is not written yet of a key.
    #[must_use]
    pub(super) fn pending(&self, api_key_id: &str) -> Option<Use> {
        self.lock().get(api_key_id).copied()
    }

    /// Writes what has gathered; what cannot be written is kept for the next time.
    pub async fn flush(&self, db: &Db) -> Result<(), DbError> {
        let uses = std::mem::take(&mut *self.lock());
        if uses.is_empty() {
            return Ok(());
        }
        let result = write(db, &uses).await;
        if result.is_err() {
            let mut pending = self.lock();
            for (id, used) in uses {
                let entry = pending.entry(id).or_insert(Use { requests: 0, ..used });
                entry.requests += used.requests;
            }
        }
        result
    }
}

/// Writes now and then, and once more at the end; runs beside the server until `shutdown`.
pub async fn keep_usage(usage: Usage, db: Db, shutdown: CancellationToken) {
    loop {
        let last = tokio::select! {
            () = shutdown.cancelled() => true,
            () = tokio::time::sleep(FLUSH_EVERY) => false,
        };
        if let Err(error) = usage.flush(&db).await {
            tracing::warn!(%error, "cannot write what keys were used for");
        }
        if last {
            return;
        }
    }
}

async fn write(db: &Db, uses: &HashMap<String, Use>) -> Result<(), DbError> {
    let mut tx = db.begin().await?;
    for (id, used) in uses {
        let ip = used.last_ip.map(|ip| ip.to_string());
        api_keys::note_use(&mut tx, id, used.requests, used.last_at, ip.as_deref()).await?;
    }
    tx.commit().await
}
