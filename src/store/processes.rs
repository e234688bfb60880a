//! Processes that hold leases, and the channels that are down.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};

use crate::db::{Conn, DbError};
use crate::domain::values::Channel;
use crate::on;

/// Enters a process into the table. Its id must be new.
pub async fn enter(
    conn: &mut Conn,
    id: &str,
    roles: &str,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    const SQL: &str = "INSERT INTO processes (id, roles, version, beat, started_at, seen_at) VALUES ($1, $2, $3, 0, $4, $4)";
    on!(conn, |c| sqlx::query(SQL)
        .bind(id)
        .bind(roles)
        .bind(env!("CARGO_PKG_VERSION"))
        .bind(now)
        .execute(c)
        .await?
        .rows_affected());
    Ok(())
}

/// One beat of the heart. `false` when somebody has declared the process dead: its leases are gone.
pub async fn beat(conn: &mut Conn, id: &str, now: DateTime<Utc>) -> Result<bool, DbError> {
    const SQL: &str = "UPDATE processes SET beat = beat + 1, seen_at = $2 WHERE id = $1";
    Ok(on!(conn, |c| sqlx::query(SQL).bind(id).bind(now).execute(c).await?.rows_affected()) == 1)
}

/// Takes a process out, at its own exit or after its death.
pub async fn leave(conn: &mut Conn, id: &str) -> Result<bool, DbError> {
    const SQL: &str = "DELETE FROM processes WHERE id = $1";
    Ok(on!(conn, |c| sqlx::query(SQL).bind(id).execute(c).await?.rows_affected()) == 1)
}

/// Every process with its beat.
pub async fn beats(conn: &mut Conn) -> Result<Vec<(String, i64)>, DbError> {
    on!(conn, |c| sqlx::query_as("SELECT id, beat FROM processes").fetch_all(c).await)
}

/// Whoever watches a beat stand still for a whole lease, by its own monotonic clock, may declare the process dead. Neither a jump of
/// the wall clock nor a suspended machine can take a lease from a live worker this way.
#[derive(Debug, Default)]
pub struct Watch {
    seen: HashMap<String, (i64, Instant)>,
}

impl Watch {
    /// Takes in the present beats and answers with the processes whose beat has stood still for `lease`.
    pub fn observe(
        &mut self,
        beats: &[(String, i64)],
        lease: Duration,
        at: Instant,
    ) -> Vec<String> {
        self.seen.retain(|id, _| beats.iter().any(|(present, _)| present == id));
        let mut dead = Vec::new();
        for (id, beat) in beats {
            let entry = self.seen.entry(id.clone()).or_insert((*beat, at));
            if entry.0 != *beat {
                *entry = (*beat, at);
            } else if at.duration_since(entry.1) >= lease {
                dead.push(id.clone());
            }
        }
        dead
    }
}

/// A channel that is down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pause {
    /// Next try.
    pub until: DateTime<Utc>,
    /// When it went down.
    pub since: DateTime<Utc>,
    /// Failures in a row.
    pub failures: i64,
    /// The provider's answer.
    pub reason: String,
}

/// The channels that are down.
pub async fn pauses(conn: &mut Conn) -> Result<HashMap<Channel, Pause>, DbError> {
    type Row = (String, DateTime<Utc>, DateTime<Utc>, i64, String);
    let rows: Vec<Row> = on!(conn, |c| sqlx::query_as(
        "SELECT channel, until, since, failures, reason FROM channel_pauses"
    )
    .fetch_all(c)
    .await?);
    Ok(rows
        .into_iter()
        .filter_map(|(channel, until, since, failures, reason)| {
            Some((channel.parse().ok()?, Pause { until, since, failures, reason }))
        })
        .collect())
}

/// How long a channel rests after `failures` in a row: 5 s, 15 s, 45 s, then 2 min.
#[must_use]
pub fn rest(failures: i64) -> TimeDelta {
    match failures {
        ..=1 => TimeDelta::seconds(5),
        2 => TimeDelta::seconds(15),
        3 => TimeDelta::seconds(45),
        _ => TimeDelta::minutes(2),
    }
}

/// Pauses a channel, for as long as the provider asked or by [`rest`]. Answers with the pause and whether it is new.
pub async fn pause(
    conn: &mut Conn,
    channel: Channel,
    reason: &str,
    asked: Option<TimeDelta>,
    now: DateTime<Utc>,
) -> Result<(Pause, bool), DbError> {
    const SQL: &str = "INSERT INTO channel_pauses (channel, until, failures, reason, since) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (channel) DO UPDATE SET until = excluded.until, failures = excluded.failures, reason = excluded.reason";
    let before = pauses(conn).await?.remove(&channel);
    // Many workers may meet the same dead relay at once; that is one failure.
    if let Some(pause) = before.as_ref().filter(|pause| pause.until > now) {
        return Ok((pause.clone(), false));
    }
    let failures = before.as_ref().map_or(0, |pause| pause.failures) + 1;
    let until = now + asked.unwrap_or_else(|| rest(failures));
    on!(conn, |c| sqlx::query(SQL)
        .bind(channel.as_str())
        .bind(until)
        .bind(failures)
        .bind(reason)
        .bind(now)
        .execute(c)
        .await?
        .rows_affected());
    let since = before.as_ref().map_or(now, |pause| pause.since);
    Ok((Pause { until, since, failures, reason: reason.to_owned() }, before.is_none()))
}

/// The channel answered: it is up again. Answers whether it had been down.
pub async fn resume(conn: &mut Conn, channel: Channel) -> Result<bool, DbError> {
    const SQL: &str = "DELETE FROM channel_pauses WHERE channel = $1";
    Ok(on!(conn, |c| sqlx::query(SQL).bind(channel.as_str()).execute(c).await?.rows_affected())
        == 1)
}
