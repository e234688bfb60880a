//! How long things are kept. What is too old goes by its schedule, in small transactions with pauses between them, so that nobody waits long
//! for the writer. Every serving process looks; the first to see that it is time does it.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio_util::sync::CancellationToken;

use super::{idempotency, operators, schedules, slack_replies};
use crate::clock::Clock;
use crate::db::{Conn, Db, DbError};
use crate::domain::ids::IdKind;
use crate::domain::timetable::Timetable;
use crate::domain::values::Schedule;
use crate::queue;
use crate::{fetch_by_ids, on};

/// How often a serving process looks whether it is time.
const LOOK: Duration = Duration::from_secs(1);

/// Between two transactions.
const PAUSE: Duration = Duration::from_millis(20);

/// How long what is kept.
#[derive(Clone, Copy, Debug)]
pub struct Retention {
    /// Messages as they were rendered.
    pub messages: TimeDelta,
    /// Rows of the ledger that have come to their end, with their attempts.
    pub notifications: TimeDelta,
    /// Finished jobs, and workers that are gone.
    pub jobs: TimeDelta,
}

/// What is thrown away.
#[derive(Clone, Copy, Debug)]
enum Old {
    Answers,
    SlackRequests,
    Messages,
    Notifications,
    Passes,
    Cohorts,
    Jobs,
    Workers,
    SignIns,
}

impl Old {
    /// What a schedule throws away.
    const fn of(schedule: Schedule) -> &'static [Self] {
        match schedule {
            Schedule::Scan => &[],
            Schedule::PruneMessages => &[Self::Messages],
            Schedule::PruneNotifications => &[Self::Notifications, Self::Passes, Self::Cohorts],
            Schedule::PruneJobs => &[Self::Jobs, Self::Workers],
            Schedule::PruneAnswers => &[Self::Answers, Self::SlackRequests, Self::SignIns],
        }
    }

    /// In words, for the log.
    const fn as_str(self) -> &'static str {
        match self {
            Self::Answers => "answers that are too old to be replayed",
            Self::SlackRequests => "requests of Slack that can no longer be replayed",
            Self::Messages => "messages",
            Self::Notifications => "notifications",
            Self::Passes => "passes",
            Self::Cohorts => "counts of passes",
            Self::Jobs => "finished jobs",
            Self::Workers => "workers that are gone",
            Self::SignIns => "sessions and forms of the console",
        }
    }
}

/// Throws away what is too old, each by its schedule, until `stop`.
pub async fn keep(
    db: Db,
    clock: Clock,
    retention: Retention,
    timetable: Timetable,
    stop: CancellationToken,
) {
    let mut failed = false;
    while !stop.is_cancelled() {
        match tidy(&db, &clock, retention, &timetable, &stop).await {
            Ok(()) => failed = false,
            Err(error) if !failed => {
                failed = true;
                tracing::warn!(%error, "cannot tidy up; trying again later");
            }
            Err(_) => {}
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(LOOK) => {}
        }
    }
}

/// Runs whatever is due and nobody else has taken.
async fn tidy(
    db: &Db,
    clock: &Clock,
    retention: Retention,
    timetable: &Timetable,
    stop: &CancellationToken,
) -> Result<(), DbError> {
    let now = clock.now();
    let mut read = db.read().await?;
    let standings = schedules::list(&mut read).await?;
    drop(read);
    for (schedule, cron) in timetable.iter().filter(|(s, _)| !Old::of(*s).is_empty()) {
        let seen = standings.iter().find(|seen| seen.name == schedule.as_str());
        let Some(seen) = seen.filter(|seen| seen.is_due(now)) else { continue };
        let mut conn = db.begin().await?;
        let taken = schedules::take(&mut conn, seen, cron, now).await?;
        conn.commit().await?;
        if !taken {
            continue;
        }
        let mut results = Vec::new();
        for old in Old::of(schedule) {
            results.push(match prune(db, *old, retention, clock.now(), stop).await {
                Ok(0) => continue,
                Ok(count) => {
                    tracing::debug!(count, "forgot {count} {}", old.as_str());
                    format!("forgot {count} {}", old.as_str())
                }
                Err(error) => {
                    tracing::warn!(%error, "cannot tidy up; trying again later");
                    format!("could not forget {}: the database did not do it", old.as_str())
                }
            });
        }
        let result =
            if results.is_empty() { "nothing was too old".to_owned() } else { results.join(", ") };
        let mut conn = db.begin().await?;
        schedules::ran(&mut conn, schedule, &result, None, clock.now()).await?;
        conn.commit().await?;
    }
    Ok(())
}

async fn prune(
    db: &Db,
    old: Old,
    retention: Retention,
    now: DateTime<Utc>,
    stop: &CancellationToken,
) -> Result<u64, DbError> {
    let mut count = 0;
    while !stop.is_cancelled() {
        let mut conn = db.begin().await?;
        let gone = match old {
            Old::Answers => idempotency::prune(&mut conn, now).await?,
            Old::SlackRequests => {
                slack_replies::forget_requests(&mut conn, now - TimeDelta::hours(1)).await?
            }
            Old::Messages => messages(&mut conn, now - retention.messages).await?,
            Old::Notifications => notifications(&mut conn, now - retention.notifications).await?,
            Old::Passes => passes(&mut conn, now - retention.notifications).await?,
            Old::Cohorts => cohorts(&mut conn, now - retention.notifications).await?,
            Old::Jobs => queue::prune::jobs(&mut conn, now - retention.jobs).await?,
            Old::Workers => queue::prune::workers(&mut conn, now - retention.jobs).await?,
            Old::SignIns => operators::prune(&mut conn, now - TimeDelta::days(1), now).await?,
        };
        conn.commit().await?;
        if gone == 0 {
            break;
        }
        count += gone;
        tokio::time::sleep(PAUSE).await;
    }
    Ok(count)
}

/// Ids begin with the time of their creation, so the primary keys know what is old.
async fn messages(conn: &mut Conn, before: DateTime<Utc>) -> Result<u64, DbError> {
    const SQL: &str = "DELETE FROM messages WHERE notification_id IN (
           SELECT notification_id FROM messages WHERE notification_id < $1 ORDER BY notification_id LIMIT 1000)";
    let first = IdKind::Notification.first(before);
    Ok(on!(conn, |c| sqlx::query(SQL).bind(first).execute(c).await?.rows_affected()))
}

async fn notifications(conn: &mut Conn, before: DateTime<Utc>) -> Result<u64, DbError> {
    const OLD: &str = "SELECT id FROM notifications WHERE id < $1 AND finished_at IS NOT NULL ORDER BY id LIMIT 1000";
    let first = IdKind::Notification.first(before);
    let rows: Vec<(String,)> = on!(conn, |c| sqlx::query_as(OLD).bind(first).fetch_all(c).await?);
    let ids: Vec<String> = rows.into_iter().map(|(id,)| id).collect();
    if ids.is_empty() {
        return Ok(0);
    }
    // RETURNING, because the macro for lists of ids fetches.
    fetch_by_ids!(
        conn,
        (String,),
        "DELETE FROM attempts WHERE notification_id",
        &ids,
        " RETURNING notification_id"
    )?;
    fetch_by_ids!(
        conn,
        (String,),
        "DELETE FROM messages WHERE notification_id",
        &ids,
        " RETURNING notification_id"
    )?;
    fetch_by_ids!(
        conn,
        (String,),
        "DELETE FROM notification_items WHERE notification_id",
        &ids,
        " RETURNING notification_id"
    )?;
    let gone = fetch_by_ids!(
        conn,
        (String,),
        "DELETE FROM notifications WHERE id",
        &ids,
        " RETURNING id"
    )?;
    Ok(gone.len() as u64)
}

async fn passes(conn: &mut Conn, before: DateTime<Utc>) -> Result<u64, DbError> {
    const SQL: &str = "DELETE FROM passes WHERE id IN (SELECT id FROM passes WHERE id < $1 ORDER BY id LIMIT 1000)";
    let first = IdKind::Pass.first(before);
    Ok(on!(conn, |c| sqlx::query(SQL).bind(first).execute(c).await?.rows_affected()))
}

async fn cohorts(conn: &mut Conn, before: DateTime<Utc>) -> Result<u64, DbError> {
    const SQL: &str = "DELETE FROM cohorts WHERE id IN (SELECT id FROM cohorts WHERE id < $1 ORDER BY id LIMIT 1000)";
    let first = IdKind::Pass.first(before);
    Ok(on!(conn, |c| sqlx::query(SQL).bind(first).execute(c).await?.rows_affected()))
}
