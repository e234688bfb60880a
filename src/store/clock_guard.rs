//! The clock guard: a machine whose clock went backwards by more than an hour, or ahead by more than 30 days, since a long-running
//! process noted it last, sends nothing until an operator says that the clock is right (`doctor --accept-clock`). The API stays up.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use tokio_util::sync::CancellationToken;

use super::settings;
use crate::clock::Clock;
use crate::db::{Conn, Db, DbError};

/// Name of the setting that holds the time noted last.
const NOTED: &str = "clock_noted_at";

/// How often a process looks at the clock, and notes it when it is right.
const EVERY: Duration = Duration::from_secs(30);

/// Whether messages may be sent, as far as the clock goes. Clones share the answer.
#[derive(Clone, Debug)]
pub struct ClockGuard(Arc<AtomicBool>);

impl ClockGuard {
    /// A guard that lets everything pass: for clocks that are given, not read.
    #[must_use]
    pub fn open() -> Self {
        Self(Arc::new(AtomicBool::new(true)))
    }

    /// A guard that is shut until [`watch`] has looked at the clock.
    #[must_use]
    pub fn shut() -> Self {
        Self(Arc::new(AtomicBool::new(false)))
    }

    /// Whether messages may be sent.
    #[must_use]
    pub fn may_send(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// What is wrong with `now`, in words, given the time that was noted last.
#[must_use]
pub fn fault(noted: DateTime<Utc>, now: DateTime<Utc>) -> Option<String> {
    let shown = |at: DateTime<Utc>| at.to_rfc3339_opts(SecondsFormat::Secs, true);
    let went = if now < noted - TimeDelta::hours(1) {
        "went backwards by more than an hour"
    } else if now > noted + TimeDelta::days(30) {
        "went ahead by more than 30 days"
    } else {
        return None;
    };
    Some(format!(
        "the clock says {} and {went} since {}; nothing is sent until the clock is right, or `pivotal-reminders doctor --accept-clock` says that it is",
        shown(now),
        shown(noted)
    ))
}

/// What is wrong with `now`, in words.
pub async fn check(conn: &mut Conn, now: DateTime<Utc>) -> Result<Option<String>, DbError> {
    let noted = settings::get(conn, NOTED).await?;
    let noted = noted.and_then(|text| DateTime::parse_from_rfc3339(&text).ok());
    Ok(noted.and_then(|noted| fault(noted.to_utc(), now)))
}

/// Notes that `now` is right.
pub async fn accept(conn: &mut Conn, now: DateTime<Utc>) -> Result<(), DbError> {
    settings::set(conn, NOTED, &now.to_rfc3339_opts(SecondsFormat::Millis, true), now).await
}

/// Looks at the clock now and then, and opens and shuts the guard by it, until told to stop.
pub async fn watch(db: Db, clock: Clock, guard: ClockGuard, stop: CancellationToken) {
    let mut alarmed = false;
    loop {
        match look(&db, clock.now()).await {
            Ok(None) => {
                if alarmed {
                    tracing::info!("the clock is right again");
                }
                alarmed = false;
                guard.0.store(true, Ordering::Relaxed);
            }
            Ok(Some(fault)) => {
                guard.0.store(false, Ordering::Relaxed);
                if !alarmed {
                    tracing::error!("{fault}");
                }
                alarmed = true;
            }
            // A database that does not answer says nothing about the clock.
            Err(error) => tracing::warn!(%error, "the clock cannot be checked"),
        }
        let pause = if guard.may_send() { EVERY } else { Duration::from_secs(1) };
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(pause) => {}
        }
    }
}

async fn look(db: &Db, now: DateTime<Utc>) -> Result<Option<String>, DbError> {
    let mut conn = db.begin().await?;
    let fault = check(&mut conn, now).await?;
    if fault.is_none() {
        accept(&mut conn, now).await?;
    }
    conn.commit().await?;
    Ok(fault)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_hour_back_and_thirty_days_ahead_are_borne_and_more_is_not() {
        let noted = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        assert_eq!(fault(noted, noted - TimeDelta::hours(1)), None);
        assert_eq!(fault(noted, noted + TimeDelta::days(30)), None);
        assert!(
            fault(noted, noted - TimeDelta::minutes(61)).is_some_and(|f| f.contains("backwards"))
        );
        assert!(fault(noted, noted + TimeDelta::days(31)).is_some_and(|f| f.contains("ahead")));
    }
}
