//! Time is a parameter. Nothing else in the crate asks the operating system what time it is
//! (`.clippy.toml` forbids it), so a test, a forecast and `--now` all see the instant they were given.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};

/// Where "now" comes from. Instants are truncated to whole milliseconds, the precision that both databases and the API keep.
#[derive(Clone, Debug)]
pub enum Clock {
    /// The machine's clock.
    System,
    /// One instant, for `--now`: time stands still.
    Fixed(DateTime<Utc>),
    /// A clock that its holder moves, for tests and simulations (milliseconds since 1970).
    Manual(Arc<AtomicI64>),
}

impl Clock {
    /// A clock that stands at `at` until [`Clock::advance`] moves it.
    #[must_use]
    pub fn manual(at: DateTime<Utc>) -> Self {
        Self::Manual(Arc::new(AtomicI64::new(at.timestamp_millis())))
    }

    /// The current instant, to the millisecond.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the machine's clock")]
    pub fn now(&self) -> DateTime<Utc> {
        match self {
            Self::System => Utc::now().trunc_subsecs(3),
            Self::Fixed(at) => at.trunc_subsecs(3),
            Self::Manual(millis) => {
                DateTime::from_timestamp_millis(millis.load(Ordering::SeqCst)).unwrap_or_default()
            }
        }
    }

    /// Moves a manual clock forward; the other kinds cannot be moved and stay as they are.
    pub fn advance(&self, by: TimeDelta) {
        if let Self::Manual(millis) = self {
            millis.fetch_add(by.num_milliseconds(), Ordering::SeqCst);
        }
    }

    /// Whether this clock follows real time. Only then may the clock guard be read or written.
    #[must_use]
    pub fn is_real(&self) -> bool {
        matches!(self, Self::System)
    }
}
