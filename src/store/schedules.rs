//! What runs by the clock: whether it is paused, asked for, due; when it ran last, and what came of it.
//!
//! Any number of processes look. Whoever moves the next run on by compare-and-set has taken it, and no other runs it.

use chrono::{DateTime, Utc};

use crate::db::{Conn, DbError};
use crate::domain::timetable::{Cron, Timetable};
use crate::domain::values::Schedule;
use crate::on;

/// One schedule as people see it.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Standing {
    /// `scan`, `prune_messages`, …
    pub name: String,
    /// When it runs.
    pub cron: String,
    /// Who stopped it.
    pub paused_by: Option<String>,
    /// Why.
    pub paused_reason: Option<String>,
    /// Since when.
    pub paused_since: Option<DateTime<Utc>>,
    /// Who asked for a run that has not begun.
    pub requested_by: Option<String>,
    /// When they asked.
    pub requested_at: Option<DateTime<Utc>>,
    /// When it is due.
    pub next_run_at: DateTime<Utc>,
    /// When it ran last.
    pub last_run_at: Option<DateTime<Utc>>,
    /// What came of it.
    pub last_result: Option<String>,
}

impl Standing {
    /// Whether somebody has stopped it.
    #[must_use]
    pub fn is_paused(&self) -> bool {
        self.paused_by.is_some()
    }

    /// Whether it is to run at `now`: asked for, or due and not stopped.
    #[must_use]
    pub fn is_due(&self, now: DateTime<Utc>) -> bool {
        self.requested_at.is_some() || (!self.is_paused() && self.next_run_at <= now)
    }
}

const SELECT: &str = "SELECT name, cron, paused_by, paused_reason, paused_since, requested_by, requested_at, next_run_at, last_run_at, last_result
 FROM schedules";

/// Every schedule, in the order of the vocabulary.
pub async fn list(conn: &mut Conn) -> Result<Vec<Standing>, DbError> {
    const SQL: &str = const_str::concat!(SELECT, " ORDER BY name");
    let mut found: Vec<Standing> = on!(conn, |c| sqlx::query_as(SQL).fetch_all(c).await?);
    let place = |name: &str| Schedule::ALL.iter().position(|known| known.as_str() == name);
    found.retain(|row| place(&row.name).is_some());
    found.sort_by_key(|row| place(&row.name));
    Ok(found)
}

/// One schedule.
pub async fn find(conn: &mut Conn, schedule: Schedule) -> Result<Option<Standing>, DbError> {
    const SQL: &str = const_str::concat!(SELECT, " WHERE name = $1");
    on!(conn, |c| sqlx::query_as(SQL).bind(schedule.as_str()).fetch_optional(c).await)
}

/// Makes known when each schedule runs. One that is new is due at once; one whose expression has changed, at its next time.
pub async fn enter(
    conn: &mut Conn,
    timetable: &Timetable,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    const SQL: &str = "INSERT INTO schedules (name, cron, next_run_at) VALUES ($1, $2, $3)
         ON CONFLICT (name) DO UPDATE SET cron = excluded.cron, next_run_at = $4 WHERE schedules.cron <> excluded.cron";
    for (schedule, cron) in timetable.iter() {
        let next = cron.next(now).unwrap_or(now);
        on!(conn, |c| sqlx::query(SQL)
            .bind(schedule.as_str())
            .bind(cron.text())
            .bind(now)
            .bind(next)
            .execute(c)
            .await
            .map(drop))?;
    }
    Ok(())
}

/// Takes the run that `seen` says is due; `false` if another process has taken it. A pause ends nothing that has begun.
pub async fn take(
    conn: &mut Conn,
    seen: &Standing,
    cron: &Cron,
    now: DateTime<Utc>,
) -> Result<bool, DbError> {
    // What is null here and there is the same; COALESCE also tells PostgreSQL its type.
    const SQL: &str =
        "UPDATE schedules SET next_run_at = $4, requested_at = NULL, requested_by = NULL
         WHERE name = $1 AND next_run_at = $2 AND COALESCE(requested_at, $2) = COALESCE($3, $2)";
    let next = cron.next(now).unwrap_or(seen.next_run_at);
    Ok(on!(conn, |c| sqlx::query(SQL)
        .bind(&seen.name)
        .bind(seen.next_run_at)
        .bind(seen.requested_at)
        .bind(next)
        .execute(c)
        .await?
        .rows_affected())
        == 1)
}

/// Notes what came of a run.
pub async fn ran(
    conn: &mut Conn,
    schedule: Schedule,
    result: &str,
    next: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    const SQL: &str = "UPDATE schedules SET last_run_at = $2, last_result = $3, next_run_at = COALESCE($4, next_run_at) WHERE name = $1";
    on!(conn, |c| sqlx::query(SQL)
        .bind(schedule.as_str())
        .bind(now)
        .bind(result)
        .bind(next)
        .execute(c)
        .await
        .map(drop))
}

/// Stops a schedule; `false` if it is stopped already.
pub async fn pause(
    conn: &mut Conn,
    schedule: Schedule,
    by: &str,
    reason: &str,
    now: DateTime<Utc>,
) -> Result<bool, DbError> {
    const SQL: &str = "UPDATE schedules SET paused_by = $2, paused_reason = $3, paused_since = $4 WHERE name = $1 AND paused_by IS NULL";
    Ok(on!(conn, |c| sqlx::query(SQL)
        .bind(schedule.as_str())
        .bind(by)
        .bind(reason)
        .bind(now)
        .execute(c)
        .await?
        .rows_affected())
        == 1)
}

/// Lets a schedule go on; `false` if it is not stopped.
pub async fn resume(conn: &mut Conn, schedule: Schedule) -> Result<bool, DbError> {
    const SQL: &str = "UPDATE schedules SET paused_by = NULL, paused_reason = NULL, paused_since = NULL WHERE name = $1 AND paused_by IS NOT NULL";
    Ok(on!(conn, |c| sqlx::query(SQL).bind(schedule.as_str()).execute(c).await?.rows_affected())
        == 1)
}

/// Asks for a run; `false` if somebody has asked already and it has not begun.
pub async fn request(
    conn: &mut Conn,
    schedule: Schedule,
    by: &str,
    now: DateTime<Utc>,
) -> Result<bool, DbError> {
    const SQL: &str = "UPDATE schedules SET requested_by = $2, requested_at = $3 WHERE name = $1 AND requested_at IS NULL";
    Ok(on!(conn, |c| sqlx::query(SQL)
        .bind(schedule.as_str())
        .bind(by)
        .bind(now)
        .execute(c)
        .await?
        .rows_affected())
        == 1)
}
