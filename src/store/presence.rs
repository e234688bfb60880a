//! A serving process among the others: its id, its heartbeat, and whether it may still believe in its leases.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use tokio_util::sync::CancellationToken;

use super::processes::{self, Entry, Passed};
use crate::clock::Clock;
use crate::db::{Db, DbError};
use crate::domain::ids::IdKind;

/// The longest time between two heartbeats, however long a lease is: people look at them too.
pub const BEAT: Duration = Duration::from_secs(10);

/// Id, last heartbeat and last pass of this process, and whether it can write. A process that was declared dead while it slept comes back under a new id.
#[derive(Debug)]
pub struct Identity {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    id: Arc<str>,
    last_beat: Instant,
    passed: Option<Passed>,
    /// Whether the last heartbeat came to nothing.
    mute: bool,
}

impl Identity {
    /// A new identity, beating as of now.
    #[must_use]
    pub fn new(now: DateTime<Utc>) -> Self {
        Self {
            state: Mutex::new(State {
                id: fresh(now),
                last_beat: Instant::now(),
                passed: None,
                mute: false,
            }),
        }
    }

    /// The present id; also the name under which attempts are recorded.
    #[must_use]
    pub fn id(&self) -> Arc<str> {
        Arc::clone(&self.lock().id)
    }

    /// Notes that a pass has come to its end; the next heartbeat tells it.
    pub fn passed(&self, at: DateTime<Utc>, took: Duration) {
        let took_ms = i64::try_from(took.as_millis()).unwrap_or(i64::MAX);
        self.lock().passed = Some(Passed { at, took_ms });
    }

    /// Whether the last heartbeat is recent enough that nobody can have declared this process dead: half a lease.
    #[must_use]
    pub fn is_trusted(&self, lease: Duration) -> bool {
        self.lock().last_beat.elapsed() < lease / 2
    }

    /// Whether what this process wrote last, its heartbeat, reached the database: one that only reads, is locked or full still answers.
    #[must_use]
    pub fn can_write(&self) -> bool {
        !self.lock().mute
    }

    /// Notes that a heartbeat which began at `at` has reached the database; answers whether those before had not.
    fn beaten(&self, at: Instant) -> bool {
        let mut state = self.lock();
        state.last_beat = at;
        std::mem::take(&mut state.mute)
    }

    /// Notes that a heartbeat came to nothing; answers whether the one before had reached the database.
    fn unheard(&self) -> bool {
        !std::mem::replace(&mut self.lock().mute, true)
    }

    /// Takes a new id after having been declared dead.
    fn reborn(&self, now: DateTime<Utc>) {
        let mut state = self.lock();
        state.id = fresh(now);
        state.last_beat = Instant::now();
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        // Plain values; a panic elsewhere cannot leave them half-written.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn fresh(now: DateTime<Utc>) -> Arc<str> {
    IdKind::Process.fresh(now).into()
}

/// What a heartbeat needs.
#[derive(Clone, Debug)]
pub struct Heart {
    /// The database.
    pub db: Db,
    /// The time.
    pub clock: Clock,
    /// Who beats.
    pub identity: Arc<Identity>,
    /// The roles it plays, comma-separated.
    pub roles: String,
    /// A sixth of a lease, at most [`BEAT`].
    pub every: Duration,
}

impl Heart {
    /// Enters the process and beats until told to stop; takes a new identity when it was declared dead meanwhile.
    pub async fn run(self, stop: CancellationToken) {
        let mut entered = false;
        loop {
            let at = Instant::now();
            match self.beat(entered).await {
                Ok(alive) => {
                    entered = true;
                    if !alive {
                        tracing::warn!(
                            "this process was declared dead while it did not answer; it goes on under a new id"
                        );
                        self.identity.reborn(self.clock.now());
                        entered = false;
                        continue;
                    }
                    if self.identity.beaten(at) {
                        tracing::info!("heartbeats reach the database again");
                    }
                }
                // Once is enough to say so, whatever the reason turns into.
                Err(error) if self.identity.unheard() => {
                    tracing::warn!(%error, "heartbeat failed, trying again until it reaches the database");
                }
                Err(error) => tracing::debug!(%error, "heartbeat failed again"),
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(self.every) => {}
            }
        }
    }

    /// The same for a process that holds no leases: at the end it takes itself out of the table.
    pub async fn run_and_leave(self, stop: CancellationToken) {
        let (db, identity) = (self.db.clone(), Arc::clone(&self.identity));
        self.run(stop).await;
        let left = async {
            let mut conn = db.begin().await?;
            processes::leave(&mut conn, &identity.id()).await?;
            conn.commit().await
        };
        if let Err(error) = left.await {
            tracing::warn!(%error, "could not sign off, others will find out");
        }
    }

    async fn beat(&self, entered: bool) -> Result<bool, DbError> {
        let (id, now) = (self.identity.id(), self.clock.now());
        let passed = self.identity.lock().passed;
        let mut conn = self.db.begin().await?;
        let alive = if entered {
            processes::beat(&mut conn, &id, passed, now).await?
        } else {
            let host = host();
            processes::enter(&mut conn, Entry { id: &id, roles: &self.roles, host: &host }, now)
                .await?;
            true
        };
        conn.commit().await?;
        Ok(alive)
    }
}

/// Machine and process number.
fn host() -> String {
    let machine = hostname::get()
        .map_or_else(|_| "unknown".into(), |name| name.to_string_lossy().into_owned());
    format!("{machine}:{}", std::process::id())
}
