//! A pass: due recipients and due nudges become notifications with their jobs.
//!
//! Any number of schedulers may run: rows are claimed with locks that others skip, and what slips through meets the ledger's unique
//! keys. A pass works in batches, each one transaction: claim, decide, insert, push, move on. Cost grows with what is due, not with
//! what exists.

mod digests;
mod nudges;
mod rewind;

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use crate::clock::Clock;
use crate::db::{Conn, Db, DbError};
use crate::domain::facts::Channels;
use crate::domain::ids::IdKind;
use crate::domain::timetable::Timetable;
use crate::domain::values::{NotificationState, Schedule};
use crate::on;
use crate::store::clock_guard::ClockGuard;
use crate::store::ledger::{self, NewNotification};
use crate::store::presence::Identity;
use crate::store::schedules::{self, Standing};
use crate::store::{cohorts, hints};
use crate::telemetry::metrics;

/// Recipients, or nudges, per transaction.
const BATCH: i64 = 500;

/// By how much the clocks of schedulers may differ; the clock guard stops whoever's is further off.
const CLOCKS_APART: TimeDelta = TimeDelta::hours(1);

/// Batches of digests at once, as soon as one was full: PostgreSQL has locks that the other skips, SQLite has one writer.
const fn lanes(db: &Db) -> usize {
    match db {
        Db::Postgres(_) => 2,
        Db::Sqlite { .. } => 1,
    }
}

/// What a pass did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Summary {
    /// People whose slot had come.
    pub recipients: i64,
    /// Onboardings whose next step had come.
    pub nudges: i64,
    /// Notifications that the rules asked for.
    pub expected: i64,
    /// Of these, rows in the ledger, in any state, whoever wrote them.
    pub accounted: i64,
    /// Rows that this pass wrote.
    pub written: i64,
    /// Of these, digests and nudges to be sent.
    pub scheduled: i64,
    /// Of these, skipped at once, with a reason.
    pub skipped: i64,
}

impl Summary {
    /// Notifications that the rules asked for and nobody wrote. Must be 0.
    #[must_use]
    pub const fn unaccounted(&self) -> i64 {
        self.expected - self.accounted
    }

    fn add(&mut self, other: Self) {
        self.recipients += other.recipients;
        self.nudges += other.nudges;
        self.expected += other.expected;
        self.accounted += other.accounted;
        self.written += other.written;
        self.scheduled += other.scheduled;
        self.skipped += other.skipped;
    }

    const fn is_empty(&self) -> bool {
        self.recipients == 0 && self.nudges == 0
    }
}

/// Runs one pass as of `at`. `progress` hears of every batch.
///
/// `apart` is by how much the clocks of two schedulers may differ: a former pass that lies further ahead of `at` was one as of another
/// time, and what it left behind is not relied on.
pub async fn pass(
    db: &Db,
    at: DateTime<Utc>,
    apart: TimeDelta,
    channels: Channels,
    mut progress: impl FnMut(&Summary),
) -> Result<Summary, DbError> {
    let started = Instant::now();
    rewind::rewind(db, at, apart).await?;
    hints::catch_up(db).await?;
    let mut total = Summary::default();
    let mut races = 0;
    let mut batches = FuturesUnordered::new();
    batches.push(digests::batch(db, at, channels, BATCH));
    while let Some(result) = batches.next().await {
        let full = match result {
            Err(error) if lost_a_race(&error) && races < 10 => {
                races += 1;
                true
            }
            other => {
                let batch = other?;
                total.add(batch);
                progress(&total);
                batch.recipients == BATCH
            }
        };
        while full && batches.len() < lanes(db) {
            batches.push(digests::batch(db, at, channels, BATCH));
        }
    }
    drop(batches);
    loop {
        let batch = match nudges::batch(db, at, channels, BATCH).await {
            Err(error) if lost_a_race(&error) && races < 10 => {
                races += 1;
                continue;
            }
            other => other?,
        };
        total.add(batch);
        progress(&total);
        if batch.nudges < BATCH {
            break;
        }
    }
    if !total.is_empty() {
        record(db, at, &total, started.elapsed()).await?;
    }
    if total.unaccounted() != 0 {
        tracing::error!(
            unaccounted = total.unaccounted(),
            "a pass left notifications unaccounted for"
        );
    }
    Ok(total)
}

/// How often it is looked whether the schedule is paused, or a pass asked for.
const LOOK: Duration = Duration::from_secs(1);

/// How often a pass that found nothing is noted: nobody needs a write each second to know that passes run.
const NOTE: Duration = Duration::from_mins(1);

/// Runs passes by the schedule `scan`, and whenever somebody asks for one, until told to stop. Every scheduler runs its own.
pub async fn run(
    db: Db,
    clock: Clock,
    channels: Channels,
    timetable: Timetable,
    guard: ClockGuard,
    identity: Arc<Identity>,
    stop: CancellationToken,
) {
    let mut failures = 0_u32;
    let mut due = clock.now();
    let mut noted = None;
    loop {
        if !guard.may_send() {
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(Duration::from_millis(100)) => continue,
            }
        }
        let started = Instant::now();
        match turn(&db, &clock, channels, due, &mut noted, &timetable).await {
            Ok(None) => failures = 0,
            Ok(Some(summary)) => {
                failures = 0;
                identity.passed(clock.now(), started.elapsed());
                metrics::pass(started.elapsed(), Some(summary.written));
                if summary.written > 0 {
                    tracing::info!(
                        recipients = summary.recipients,
                        written = summary.written,
                        skipped = summary.skipped,
                        "pass wrote {} notifications",
                        summary.written
                    );
                }
            }
            Err(error) => {
                failures += 1;
                metrics::pass(started.elapsed(), None);
                // One line when it starts; the database's own alarms tell the rest.
                if failures == 1 {
                    tracing::error!(%error, "pass failed, trying again");
                }
            }
        }
        let now = clock.now();
        if failures == 0 && due <= now {
            due = timetable.next(Schedule::Scan, now).unwrap_or(DateTime::<Utc>::MAX_UTC);
        }
        let pause = match failures {
            0 => (due - now).to_std().unwrap_or(LOOK).min(LOOK),
            failures => LOOK * (1 << failures.min(3)),
        };
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(pause) => {}
        }
    }
}

/// One look at the schedule, with a pass if it is time or somebody asked for one.
async fn turn(
    db: &Db,
    clock: &Clock,
    channels: Channels,
    due: DateTime<Utc>,
    noted: &mut Option<Instant>,
    timetable: &Timetable,
) -> Result<Option<Summary>, DbError> {
    let now = clock.now();
    let mut read = db.read().await?;
    let standing = schedules::find(&mut read, Schedule::Scan).await?;
    drop(read);
    let paused = standing.as_ref().is_some_and(Standing::is_paused);
    let cron = timetable.iter().find(|(schedule, _)| *schedule == Schedule::Scan);
    let mut asked = false;
    if let Some(seen) = standing.filter(|seen| seen.requested_at.is_some())
        && let Some((_, cron)) = cron
    {
        let mut conn = db.begin().await?;
        asked = schedules::take(&mut conn, &seen, cron, now).await?;
        conn.commit().await?;
    }
    if !asked && (paused || due > now) {
        return Ok(None);
    }
    let summary = pass(db, now, CLOCKS_APART, channels, |_| ()).await?;
    if asked || summary.written > 0 || noted.is_none_or(|at| at.elapsed() >= NOTE) {
        let result = match summary.written {
            0 => "nothing was due".to_owned(),
            1 => "wrote 1 notification".to_owned(),
            written => format!("wrote {written} notifications"),
        };
        let next = timetable.next(Schedule::Scan, now);
        let mut conn = db.begin().await?;
        schedules::ran(&mut conn, Schedule::Scan, &result, next, now).await?;
        conn.commit().await?;
        *noted = Some(Instant::now());
    }
    Ok(Some(summary))
}

/// Whether a batch lost to another writer that waited for it. The database resolved it at the cost of one of the two, which simply
/// tries again.
fn lost_a_race(error: &DbError) -> bool {
    matches!(error, DbError::Database(error) if error.code().is_some_and(|code| code == "40P01" || code == "40001"))
}

async fn record(
    db: &Db,
    at: DateTime<Utc>,
    summary: &Summary,
    took: Duration,
) -> Result<(), DbError> {
    const SQL: &str = "INSERT INTO passes (id, at, recipients, expected, accounted, written, duration_ms, rewound, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, false, $2)";
    let mut conn = db.begin().await?;
    on!(conn, |c| sqlx::query(SQL)
        .bind(IdKind::Pass.fresh(at))
        .bind(at)
        .bind(summary.recipients)
        .bind(summary.expected)
        .bind(summary.accounted)
        .bind(summary.written)
        .bind(i64::try_from(took.as_millis()).unwrap_or(i64::MAX))
        .execute(c)
        .await?
        .rows_affected());
    conn.commit().await
}

/// Writes what a batch decided; answers with the counts and the rows that are new.
async fn write<'a>(
    conn: &mut Conn,
    rows: &'a [NewNotification],
    at: DateTime<Utc>,
) -> Result<(Summary, Vec<&'a NewNotification>), DbError> {
    // Only what finds something is worth a span: there is a pass every second.
    let span = if rows.is_empty() {
        tracing::Span::none()
    } else {
        tracing::info_span!("pass", notifications = rows.len())
    };
    let inserted = ledger::insert(conn, rows, at).instrument(span).await?;
    let missing: HashSet<&str> = if inserted.len() == rows.len() {
        HashSet::new()
    } else {
        let keys: Vec<String> = rows.iter().map(|row| row.plan.dedupe_key.clone()).collect();
        let known = ledger::known_keys(conn, &keys).await?;
        let keys = rows.iter().map(|row| row.plan.dedupe_key.as_str());
        keys.filter(|key| !known.contains(*key)).collect()
    };
    let found = |row: &NewNotification| !missing.contains(row.plan.dedupe_key.as_str());
    let counted = rows.iter().map(|row| (row.plan.kind, row.plan.slot_date, found(row)));
    cohorts::record(conn, &cohorts::count(counted), at).await?;
    let accounted = rows.iter().filter(|row| found(row)).count();
    let new: HashSet<&str> = inserted.iter().map(String::as_str).collect();
    let new: Vec<&NewNotification> =
        rows.iter().filter(|row| new.contains(row.id.as_str())).collect();
    let count = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
    let skipped = new.iter().filter(|row| row.plan.state == NotificationState::Skipped).count();
    let summary = Summary {
        expected: count(rows.len()),
        accounted: count(accounted),
        written: count(new.len()),
        scheduled: count(new.len() - skipped),
        skipped: count(skipped),
        ..Summary::default()
    };
    Ok((summary, new))
}
