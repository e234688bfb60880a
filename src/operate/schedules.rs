//! What runs by the clock, and what operators do about it: look, stop, let go on, ask for a run now, ask what a run would do.
//!
//! Schedules belong to the installation, not to a workspace. A key of one of several vendors must not stop, or start, what all of them wait
//! for, so over the API they are changed only where there is one workspace; the command line and the console may always.

use chrono::{DateTime, TimeDelta, Utc};

use super::ActionError;
use super::forecast::{self, ForecastError, Question};
use super::notifications::Because;
use crate::db::{Conn, Db, DbError};
use crate::domain::facts::Channels;
use crate::domain::forecast::Forecasted;
use crate::domain::values::{Mode, Schedule};
use crate::store::audit::{self, Diff, Entry};
use crate::store::worlds::About;
use crate::store::{directory, schedules};

pub use crate::store::schedules::Standing;

/// Every schedule.
pub async fn list(conn: &mut Conn) -> Result<Vec<Standing>, DbError> {
    schedules::list(conn).await
}

/// Stops a schedule until [`resume`]; what runs already comes to its end.
pub async fn pause(
    conn: &mut Conn,
    because: Because<'_>,
    name: &str,
    now: DateTime<Utc>,
) -> Result<Standing, ActionError> {
    let schedule = permitted(conn, because, name).await?;
    let by = &because.author.actor_name;
    if !schedules::pause(conn, schedule, by, because.reason, now).await? {
        return Err(ActionError::Refused("it is paused already".to_owned()));
    }
    let diff = Diff::field("paused", false, true);
    log(conn, because, schedule, "schedule_paused", diff, now).await?;
    found(conn, schedule).await
}

/// Lets a schedule go on.
pub async fn resume(
    conn: &mut Conn,
    because: Because<'_>,
    name: &str,
    now: DateTime<Utc>,
) -> Result<Standing, ActionError> {
    let schedule = permitted(conn, because, name).await?;
    must_be_live(because)?;
    if !schedules::resume(conn, schedule).await? {
        return Err(ActionError::Refused("it is not paused".to_owned()));
    }
    let diff = Diff::field("paused", true, false);
    log(conn, because, schedule, "schedule_resumed", diff, now).await?;
    found(conn, schedule).await
}

/// Asks for a run, paused or not: whichever process runs it sees that within two seconds.
pub async fn run(
    conn: &mut Conn,
    because: Because<'_>,
    name: &str,
    now: DateTime<Utc>,
) -> Result<Standing, ActionError> {
    let schedule = permitted(conn, because, name).await?;
    must_be_live(because)?;
    if !schedules::request(conn, schedule, &because.author.actor_name, now).await? {
        let refusal =
            "a run is asked for already and has not begun; is a `serve --role scheduler` running?";
        return Err(ActionError::Refused(refusal.to_owned()));
    }
    log(conn, because, schedule, "schedule_run", Diff::default(), now).await?;
    found(conn, schedule).await
}

/// What passes of the next `hours` would write for a workspace: the forecast, as that is what they will do.
pub async fn dry_run(
    db: &Db,
    workspace_id: &str,
    hours: i64,
    channels: Channels,
    now: DateTime<Utc>,
) -> Result<Vec<Forecasted>, ForecastError> {
    let until = now + TimeDelta::try_hours(hours).unwrap_or_default();
    let question = Question {
        workspace_id,
        about: About::Everything,
        days: hours.saturating_add(23) / 24,
        as_if: None,
        channels,
    };
    let mut items = forecast::forecast(db, question, now, |_, _| ()).await?;
    items.retain(|item| item.at <= until);
    Ok(items)
}

/// The schedule of this name, where the author may change it.
async fn permitted(
    conn: &mut Conn,
    because: Because<'_>,
    name: &str,
) -> Result<Schedule, ActionError> {
    let schedule: Schedule = name.parse().map_err(|_| ActionError::NotFound("schedule"))?;
    if because.author.actor_type == "api_key" && directory::workspaces(conn).await?.len() > 1 {
        let refusal = "schedules are for every workspace of this installation, and a key opens only one; use the command line or the console";
        return Err(ActionError::Refused(refusal.to_owned()));
    }
    schedules::find(conn, schedule).await?.ok_or(ActionError::NotFound("schedule"))?;
    Ok(schedule)
}

fn must_be_live(because: Because<'_>) -> Result<(), ActionError> {
    match because.author.mode {
        Mode::Live => Ok(()),
        Mode::Test => {
            Err(ActionError::Refused("a test key cannot have live messages written".to_owned()))
        }
    }
}

async fn found(conn: &mut Conn, schedule: Schedule) -> Result<Standing, ActionError> {
    schedules::find(conn, schedule).await?.ok_or(ActionError::NotFound("schedule"))
}

/// What concerns everybody is in everybody's audit log.
async fn log(
    conn: &mut Conn,
    because: Because<'_>,
    schedule: Schedule,
    event: &str,
    diff: Diff,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    for workspace in directory::workspaces(conn).await? {
        let entry = Entry {
            workspace_id: &workspace.id,
            event,
            object: "schedule",
            object_id: schedule.as_str(),
            diff: diff.clone(),
            reason: Some(because.reason),
        };
        audit::append(conn, because.author, entry, now).await?;
    }
    Ok(())
}
