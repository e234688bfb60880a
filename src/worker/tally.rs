//! What this process has brought to an end.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use crate::domain::values::NotificationState;

/// Notifications that this process ended, counted by their final state. Others may be at work on the same ledger meanwhile, so its rows
/// cannot tell.
#[derive(Debug, Default)]
pub struct Tally(Mutex<BTreeMap<&'static str, i64>>);

impl Tally {
    /// Counts rows that have come to `state`, if that is an end.
    pub(super) fn add(&self, state: NotificationState, rows: usize) {
        if !state.is_open() && rows > 0 {
            // A number is whole whatever panicked elsewhere.
            let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            *counts.entry(state.as_str()).or_default() += i64::try_from(rows).unwrap_or(i64::MAX);
        }
    }

    /// The counts so far.
    #[must_use]
    pub fn counts(&self) -> BTreeMap<&'static str, i64> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
