//! What an attempt's verdict does to its row. Pure; the one place where retries are decided.

use chrono::{DateTime, TimeDelta, Utc};

use crate::domain::message::{MAX_ATTEMPTS, Report, Verdict};
use crate::domain::values::{Channel, Kind, NotificationState, Reason};
use crate::store::ledger::{Claimed, UNTIL_DECIDED};

/// Where a row goes after an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Next {
    /// Its next state.
    pub state: NotificationState,
    /// Why.
    pub reason: Option<Reason>,
    /// Earliest next delivery, for open states.
    pub not_before: Option<DateTime<Utc>>,
    /// Whether the attempt counts against the limit.
    pub counts: bool,
}

impl Next {
    /// The end.
    #[must_use]
    pub const fn end(state: NotificationState, reason: Option<Reason>) -> Self {
        Self { state, reason, not_before: None, counts: true }
    }

    /// Another try, no earlier than `at`.
    #[must_use]
    pub const fn later(at: DateTime<Utc>, reason: Option<Reason>) -> Self {
        Self { state: NotificationState::Scheduled, reason, not_before: Some(at), counts: true }
    }
}

/// Pause before the next try after `attempts` that counted: 30 s, 2 min, 10 min, 30 min, 1 h, then 2 h, each ± 20 % (`jitter` in 0..1).
#[must_use]
pub fn backoff(attempts: i64, jitter: f64) -> TimeDelta {
    let seconds = match attempts {
        ..=1 => 30,
        2 => 120,
        3 => 600,
        4 => 1800,
        5 => 3600,
        _ => 7200,
    };
    #[expect(clippy::cast_possible_truncation, reason = "at most 8,640,000 ms")]
    let millis = (f64::from(seconds) * 1000.0 * (0.8 + 0.4 * jitter)) as i64;
    TimeDelta::milliseconds(millis)
}

/// The end of a row of which no copy is sent now. Of one that was in doubt the first copy may have arrived, and that must not be forgotten.
#[must_use]
pub const fn unsent(n: &Claimed, state: NotificationState, reason: Reason) -> Next {
    if n.resent {
        Next::end(NotificationState::Failed, Some(Reason::OutcomeUnknown))
    } else {
        Next::end(state, Some(reason))
    }
}

/// What becomes of a row that has come into hours in which nothing arrives: it waits for their `end`, or is given up if that is too late.
#[must_use]
pub fn wait(n: &Claimed, end: DateTime<Utc>, reason: Reason) -> Next {
    let next =
        |state, reason| Next { state, reason: Some(reason), not_before: Some(end), counts: false };
    match (n.resent, end < n.deadline) {
        (true, true) => next(NotificationState::Ambiguous, Reason::OutcomeUnknown),
        (false, true) => next(NotificationState::Deferred, reason),
        (_, false) if n.kind == Kind::Digest => unsent(n, NotificationState::Skipped, reason),
        (_, false) => unsent(n, NotificationState::Skipped, Reason::Expired),
    }
}

/// Decides what becomes of a row.
#[must_use]
pub fn after(
    report: &Report,
    n: &Claimed,
    resend_after: TimeDelta,
    now: DateTime<Utc>,
    jitter: f64,
) -> Next {
    let asked =
        |after: Option<std::time::Duration>| after.and_then(|d| TimeDelta::from_std(d).ok());
    match &report.verdict {
        Verdict::Accepted { .. } | Verdict::Captured => Next::end(NotificationState::Sent, None),
        Verdict::Suppressed => Next::end(NotificationState::Suppressed, Some(Reason::TestMode)),
        Verdict::Permanent { reason } => Next::end(NotificationState::Failed, Some(*reason)),
        Verdict::Channel { .. } => {
            Next { counts: false, ..Next::later(now, Some(Reason::ChannelDown)) }
        }
        Verdict::Transient { after } => {
            let attempts = n.attempt_count + 1;
            if attempts >= MAX_ATTEMPTS {
                return Next::end(NotificationState::Failed, Some(Reason::AttemptsExhausted));
            }
            let at = now + backoff(attempts, jitter).max(asked(*after).unwrap_or_default());
            if at >= n.deadline {
                Next::end(NotificationState::Skipped, Some(Reason::Expired))
            } else {
                Next::later(at, None)
            }
        }
        Verdict::Ambiguous => {
            let repeatable = n.channel == Channel::Email && n.kind != Kind::CustomerReminder;
            if repeatable && n.resent {
                return Next::end(NotificationState::Failed, Some(Reason::OutcomeUnknown));
            }
            Next {
                state: NotificationState::Ambiguous,
                reason: Some(Reason::OutcomeUnknown),
                not_before: Some(if repeatable { now + resend_after } else { UNTIL_DECIDED }),
                counts: true,
            }
        }
    }
}
