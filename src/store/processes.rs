//! Processes that hold leases, and the channels that are down.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};

use crate::db::{Conn, DbError};
use crate::domain::values::Channel;
use crate::on;

/// A process that enters the table.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a> {
    /// Its id, which must be new.
    pub id: &'a str,
    /// The roles it plays, comma-separated.
    pub roles: &'a str,
    /// Machine and process number.
    pub host: &'a str,
}

/// The last pass of a scheduler.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Passed {
    /// When it ended.
    pub at: DateTime<Utc>,
    /// How long it took, in milliseconds.
    pub took_ms: i64,
}

/// Enters a process into the table.
pub async fn enter(conn: &mut Conn, entry: Entry<'_>, now: DateTime<Utc>) -> Result<(), DbError> {
    const SQL: &str = "INSERT INTO processes (id, roles, version, host, beat, started_at, seen_at) VALUES ($1, $2, $3, $4, 0, $5, $5)";
    on!(conn, |c| sqlx::query(SQL)
        .bind(entry.id)
        .bind(entry.roles)
        .bind(env!("CARGO_PKG_VERSION"))
        .bind(entry.host)
        .bind(now)
        .execute(c)
        .await?
        .rows_affected());
    Ok(())
}

/// One beat of the heart. `false` when somebody has declared the process dead: its leases are gone.
pub async fn beat(
    conn: &mut Conn,
    id: &str,
    passed: Option<Passed>,
    now: DateTime<Utc>,
) -> Result<bool, DbError> {
    const SQL: &str = "UPDATE processes SET beat = beat + 1, seen_at = $2, passed_at = COALESCE($3, passed_at), pass_ms = COALESCE($4, pass_ms)
         WHERE id = $1";
    Ok(on!(conn, |c| sqlx::query(SQL)
        .bind(id)
        .bind(now)
        .bind(passed.map(|p| p.at))
        .bind(passed.map(|p| p.took_ms))
        .execute(c)
        .await?
        .rows_affected())
        == 1)
}

/// A process as people look at it.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Process {
    /// `proc_…`
    pub id: String,
    /// The roles it plays, comma-separated.
    pub roles: String,
    /// Of the binary.
    pub version: String,
    /// Machine and process number.
    pub host: String,
    /// When it entered.
    pub started_at: DateTime<Utc>,
    /// Its last beat.
    pub seen_at: DateTime<Utc>,
    /// When its last pass ended.
    pub passed_at: Option<DateTime<Utc>>,
    /// How long that took, in milliseconds.
    pub pass_ms: Option<i64>,
}

impl Process {
    /// Whether it plays the role.
    #[must_use]
    pub fn plays(&self, role: &str) -> bool {
        self.roles.split(',').any(|name| name == role)
    }
}

/// Every process, those that started first at the head.
pub async fn list(conn: &mut Conn) -> Result<Vec<Process>, DbError> {
    const SQL: &str = "SELECT id, roles, version, host, started_at, seen_at, passed_at, pass_ms FROM processes ORDER BY started_at, id";
    on!(conn, |c| sqlx::query_as(SQL).fetch_all(c).await)
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

/// Pauses a channel, for as long as the provider asked or by [`rest`]. Answers with the pause and whether it is new: of all who meet the
/// same dead relay at once, one is told so.
pub async fn pause(
    conn: &mut Conn,
    channel: Channel,
    reason: &str,
    asked: Option<TimeDelta>,
    now: DateTime<Utc>,
) -> Result<(Pause, bool), DbError> {
    const FIRST: &str = "INSERT INTO channel_pauses (channel, until, failures, reason, since) VALUES ($1, $2, 1, $3, $4)
         ON CONFLICT (channel) DO NOTHING";
    const AGAIN: &str = "UPDATE channel_pauses SET until = $2, failures = failures + 1, reason = $3
         WHERE channel = $1 AND until <= $4 AND failures = $5";
    let until = |failures| now + asked.unwrap_or_else(|| rest(failures));
    let first = Pause { until: until(1), since: now, failures: 1, reason: reason.to_owned() };
    let inserted = on!(conn, |c| sqlx::query(FIRST)
        .bind(channel.as_str())
        .bind(first.until)
        .bind(reason)
        .bind(now)
        .execute(c)
        .await?
        .rows_affected());
    let Some(before) = pauses(conn).await?.remove(&channel).filter(|_| inserted == 0) else {
        return Ok((first, true));
    };
    on!(conn, |c| sqlx::query(AGAIN)
        .bind(channel.as_str())
        .bind(until(before.failures + 1))
        .bind(reason)
        .bind(now)
        .bind(before.failures)
        .execute(c)
        .await?
        .rows_affected());
    Ok((pauses(conn).await?.remove(&channel).unwrap_or(before), false))
}

/// The channel answered: it is up again. Answers whether it had been down.
pub async fn resume(conn: &mut Conn, channel: Channel) -> Result<bool, DbError> {
    const SQL: &str = "DELETE FROM channel_pauses WHERE channel = $1";
    Ok(on!(conn, |c| sqlx::query(SQL).bind(channel.as_str()).execute(c).await?.rows_affected())
        == 1)
}

/// Puts the pauses back as they were.
pub async fn restore(conn: &mut Conn, pauses: &HashMap<Channel, Pause>) -> Result<(), DbError> {
    const SQL: &str = "INSERT INTO channel_pauses (channel, until, failures, reason, since) VALUES ($1, $2, $3, $4, $5)";
    on!(conn, |c| sqlx::query("DELETE FROM channel_pauses").execute(c).await?.rows_affected());
    for (channel, pause) in pauses {
        on!(conn, |c| sqlx::query(SQL)
            .bind(channel.as_str())
            .bind(pause.until)
            .bind(pause.failures)
            .bind(&pause.reason)
            .bind(pause.since)
            .execute(c)
            .await?
            .rows_affected());
    }
    Ok(())
}
