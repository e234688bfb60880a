//! What keeps ready rows waiting: channels that are down, queues that an operator has paused. As one process sees them; the sweeper looks
//! every second.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};

use crate::domain::values::{Channel, Mode};
use crate::queue::Queue;
use crate::store::ledger::Waiting;
use crate::store::{processes, queues};

/// See the module.
#[derive(Debug, Default)]
pub struct Brakes(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    down: HashMap<Channel, DateTime<Utc>>,
    /// Those of them that were left alone at the last look.
    resting: Vec<Channel>,
    paused: Vec<queues::Pause>,
}

impl Brakes {
    /// Whether a row has to wait at `now`. One that is suppressed waits for no channel.
    #[must_use]
    pub fn hold(&self, row: &Waiting, now: DateTime<Utc>) -> bool {
        let state = self.lock();
        let queue = Queue::of(row.kind, row.channel);
        (row.mode == Mode::Live && state.down.get(&row.channel).is_some_and(|until| *until > now))
            || state.paused.iter().any(|p| p.queue == queue && p.is_for(&row.workspace_id))
    }

    /// Whether the channel was down last time.
    #[must_use]
    pub fn was_down(&self, channel: Channel) -> bool {
        self.lock().down.contains_key(&channel)
    }

    /// A channel that is down still, whose rest was over before `then`.
    #[must_use]
    pub fn unasked(&self, then: DateTime<Utc>) -> Option<Channel> {
        let state = self.lock();
        state.down.iter().find(|(_, until)| **until <= then).map(|(channel, _)| *channel)
    }

    /// Takes over which channels are down.
    pub fn set_down(&self, down: &HashMap<Channel, processes::Pause>) {
        self.lock().down = down.iter().map(|(channel, pause)| (*channel, pause.until)).collect();
    }

    /// Takes over what the database says at `now`; answers whether something that was held back may go now.
    pub fn look(
        &self,
        down: &HashMap<Channel, processes::Pause>,
        paused: Vec<queues::Pause>,
        now: DateTime<Utc>,
    ) -> bool {
        let mut state = self.lock();
        let up = |channel: &Channel| down.get(channel).is_none_or(|pause| pause.until <= now);
        let resumed = state.paused.iter().any(|before| !paused.contains(before));
        let released = resumed || state.resting.iter().any(up);
        state.resting = down.keys().copied().filter(|channel| !up(channel)).collect();
        state.paused = paused;
        drop(state);
        self.set_down(down);
        released
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // What is kept behind this lock is whole whatever panicked elsewhere.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
