//! Who this process is to the others, and whether it may still believe in its leases.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};

use crate::domain::ids::IdKind;

/// Id and last heartbeat of this process. A process that was declared dead while it slept comes back under a new id.
#[derive(Debug)]
pub struct Identity {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    id: Arc<str>,
    last_beat: Instant,
}

impl Identity {
    /// A new identity, beating as of now.
    #[must_use]
    pub fn new(now: DateTime<Utc>) -> Self {
        Self { state: Mutex::new(State { id: fresh(now), last_beat: Instant::now() }) }
    }

    /// The present id; also the name under which attempts are recorded.
    #[must_use]
    pub fn id(&self) -> Arc<str> {
        Arc::clone(&self.lock().id)
    }

    /// Notes that a heartbeat which began at `at` has reached the database.
    pub fn beaten(&self, at: Instant) {
        self.lock().last_beat = at;
    }

    /// Takes a new id after having been declared dead.
    pub fn reborn(&self, now: DateTime<Utc>) -> Arc<str> {
        let mut state = self.lock();
        *state = State { id: fresh(now), last_beat: Instant::now() };
        Arc::clone(&state.id)
    }

    /// Whether the last heartbeat is recent enough that nobody can have declared this process dead: half a lease.
    #[must_use]
    pub fn is_trusted(&self, lease: Duration) -> bool {
        self.lock().last_beat.elapsed() < lease / 2
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        // Both fields are plain values; a panic elsewhere cannot leave them half-written.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn fresh(now: DateTime<Utc>) -> Arc<str> {
    IdKind::Process.fresh(now).into()
}
