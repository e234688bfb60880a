//! Jobs, and what operators do about them. A job is a hint, and the ledger is the truth: whatever is done to a job is done to the
//! notifications in it, one by one, by the rules of `operate::notifications`, and never to the job past them.

use std::collections::HashMap;

use chrono::{DateTime, Utc};

use super::ActionError;
use super::notifications::{self, Because};
use crate::db::{Conn, DbError};
use crate::domain::ids;
use crate::domain::values::{JobStatus, Kind};
use crate::queue::jobs;
use crate::store::audit::{self, Diff, Entry};
use crate::store::notifications::{self as ledger, Home};

/// What every id begins with; the rest is what the queue calls it.
const PREFIX: &str = "job_";

/// Jobs that one page may look through to find those of a workspace.
const LOOKED_THROUGH: usize = 5_000;

/// Of these, how many at a time.
const AT_A_TIME: i64 = 250;

/// One job, as a workspace sees it: with those of its notifications that are the workspace's.
#[derive(Clone, Debug)]
pub struct Job {
    /// `job_…`
    pub id: String,
    /// `email`, `slack` or `customer`.
    pub queue: String,
    /// What its first notification is about.
    pub kind: Option<Kind>,
    /// Where it stands.
    pub status: JobStatus,
    /// How often it was run. Attempts to deliver are counted by the notification.
    pub attempts: i64,
    /// Earliest run.
    pub run_at: DateTime<Utc>,
    /// The worker that holds it, or ran it last.
    pub locked_by: Option<String>,
    /// The first of its notifications.
    pub notification_id: Option<String>,
    /// What its last run came to, in words: "done", or the error. Of a run, not of the notifications.
    pub last_result: Option<String>,
    /// When it was pushed.
    pub created_at: DateTime<Utc>,
    /// When it came to its end.
    pub finished_at: Option<DateTime<Utc>>,
    /// All of its notifications.
    pub notification_ids: Vec<String>,
}

/// Which jobs to list; what is `None` is not asked for.
#[derive(Clone, Copy, Debug, Default)]
pub struct Filter<'a> {
    /// In this queue.
    pub queue: Option<&'a str>,
    /// That stand here.
    pub status: Option<JobStatus>,
    /// With a notification of this kind.
    pub kind: Option<Kind>,
    /// With this notification.
    pub notification_id: Option<&'a str>,
    /// Pushed at this instant or later.
    pub since: Option<DateTime<Utc>>,
    /// Pushed before this instant.
    pub until: Option<DateTime<Utc>>,
}

/// A part of the list of jobs.
#[derive(Debug)]
pub struct Page {
    /// Newest first.
    pub jobs: Vec<Job>,
    /// The job behind which to go on, where that is known to be worth it.
    pub next: Option<String>,
}

/// The next jobs behind the one of id `after`, newest first: of one workspace, or of all. A page may be shorter than `limit` and yet have a
/// next, where a workspace's jobs are few among many.
pub async fn list(
    conn: &mut Conn,
    workspace_id: Option<&str>,
    filter: &Filter<'_>,
    after: Option<&str>,
    limit: usize,
) -> Result<Page, DbError> {
    let in_queue = jobs::Filter {
        queue: filter.queue,
        status: filter.status,
        notification_id: filter.notification_id,
    };
    let oldest = filter.since.map(jobs::first_id);
    let until = filter.until.map(jobs::first_id);
    let mut before = match (after.map(kept_id), until) {
        (Some(after), Some(until)) => Some(after.min(until)),
        (after, until) => after.or(until),
    };
    let mut found: Vec<Job> = Vec::new();
    let mut looked = 0;
    loop {
        let rows = jobs::list(conn, &in_queue, before.as_deref(), AT_A_TIME).await?;
        let last = rows.last().map(|row| row.id.clone());
        looked += rows.len();
        let more = i64::try_from(rows.len()).is_ok_and(|rows| rows == AT_A_TIME);
        let too_old = |row: &jobs::Job| oldest.as_ref().is_some_and(|oldest| row.id < *oldest);
        let over = rows.iter().any(too_old);
        let rows: Vec<_> = rows.into_iter().filter(|row| !too_old(row)).collect();
        found.extend(
            shown(conn, workspace_id, rows)
                .await?
                .into_iter()
                .filter(|(_, kinds)| filter.kind.is_none_or(|kind| kinds.contains(&kind)))
                .map(|(job, _)| job),
        );
        if found.len() > limit {
            found.truncate(limit);
            return Ok(Page { next: found.last().map(|job| job.id.clone()), jobs: found });
        }
        if !more || over {
            return Ok(Page { jobs: found, next: None });
        }
        if looked >= LOOKED_THROUGH {
            return Ok(Page { jobs: found, next: last.map(|id| shown_id(&id)) });
        }
        before = last;
    }
}

/// One job; `None` if there is no such one, or nothing in it is the workspace's.
pub async fn show(
    conn: &mut Conn,
    workspace_id: Option<&str>,
    id: &str,
) -> Result<Option<Job>, DbError> {
    if !id.starts_with(PREFIX) {
        return Ok(None);
    }
    let row = jobs::find(conn, &kept_id(id)).await?;
    let found = shown(conn, workspace_id, row.into_iter().collect()).await?;
    Ok(found.into_iter().map(|(job, _)| job).next())
}

/// Rows as a workspace sees them, with the kinds of what is in them. What is not the workspace's is left out, and so is a job in which
/// nothing is; whoever looks at all workspaces sees also what cannot be read.
async fn shown(
    conn: &mut Conn,
    workspace_id: Option<&str>,
    rows: Vec<jobs::Job>,
) -> Result<Vec<(Job, Vec<Kind>)>, DbError> {
    let ids: Vec<String> = rows.iter().flat_map(jobs::Job::notification_ids).collect();
    let homes: HashMap<String, Home> =
        ledger::homes(conn, &ids).await?.into_iter().map(|home| (home.id.clone(), home)).collect();
    let mut seen = Vec::with_capacity(rows.len());
    for row in rows {
        let is_theirs = |id: &&String| {
            workspace_id.is_none_or(|ours| homes.get(*id).is_some_and(|h| h.workspace_id == ours))
        };
        let all = row.notification_ids();
        let ids: Vec<String> = all.iter().filter(is_theirs).cloned().collect();
        if workspace_id.is_some() && ids.is_empty() {
            continue;
        }
        let kinds: Vec<Kind> = ids
            .iter()
            .filter_map(|id| homes.get(id).and_then(|home| home.kind.parse().ok()))
            .collect();
        let job = Job {
            id: shown_id(&row.id),
            kind: kinds.first().copied(),
            status: row.status(),
            attempts: row.attempts,
            run_at: row.run_at(),
            notification_id: ids.first().cloned(),
            notification_ids: ids,
            created_at: row.created_at(),
            finished_at: row.done_at(),
            last_result: row.last_result(),
            queue: row.queue,
            locked_by: row.lock_by,
        };
        seen.push((job, kinds));
    }
    Ok(seen)
}

/// The id behind which a page begins that holds only what was pushed before the instant, as lists are paged by it.
#[must_use]
pub fn behind(at: DateTime<Utc>) -> String {
    shown_id(&ids::bound(at).to_string())
}

/// The place of a job in its list.
#[must_use]
pub fn place(id: &str) -> DateTime<Utc> {
    ids::fine_instant(id, ids::made_at(id).unwrap_or_default())
}

fn shown_id(id: &str) -> String {
    format!("{PREFIX}{}", id.to_lowercase())
}

fn kept_id(id: &str) -> String {
    id.strip_prefix(PREFIX).unwrap_or(id).to_uppercase()
}

/// What is done to a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// Try what failed, waits for its next try or is in doubt, at once.
    Retry,
    /// Cancel what has not gone out.
    Cancel,
    /// Send what waits for its time, at once.
    RunNow,
}

impl Act {
    /// What the audit log calls it.
    #[must_use]
    pub const fn event(self) -> &'static str {
        match self {
            Self::Retry => "job_retried",
            Self::Cancel => "job_cancelled",
            Self::RunNow => "job_run_now",
        }
    }
}

/// Does it to every notification in the job to which it can be done; answers with how many these were. Where it can be done to none, it is
/// refused, in the words of the first.
pub async fn act(
    conn: &mut Conn,
    because: Because<'_>,
    workspace_id: &str,
    id: &str,
    act: Act,
    now: DateTime<Utc>,
) -> Result<usize, ActionError> {
    let found = show(conn, Some(workspace_id), id).await?;
    let job = found.ok_or(ActionError::NotFound("job"))?;
    let mut done = 0;
    let mut refusals = Vec::new();
    for id in &job.notification_ids {
        let result = match act {
            Act::Retry => notifications::retry(conn, because, workspace_id, id, now).await,
            Act::Cancel => notifications::cancel(conn, because, workspace_id, id, now).await,
            Act::RunNow => notifications::run_now(conn, because, workspace_id, id, now).await,
        };
        match result {
            Ok(_) => done += 1,
            Err(ActionError::Db(error)) => return Err(error.into()),
            Err(refusal) => refusals.push((id, refusal)),
        }
    }
    if done == 0 {
        return Err(ActionError::Refused(match &refusals[..] {
            [] => "there is nothing in it any more".to_owned(),
            [(_, refusal)] => refusal.to_string(),
            [(id, refusal), ..] => {
                format!("nothing in it can be; {id}, the first of {}: {refusal}", refusals.len())
            }
        }));
    }
    let entry = Entry {
        workspace_id,
        event: act.event(),
        object: "job",
        object_id: &job.id,
        diff: Diff::field("notifications", 0, done),
        reason: Some(because.reason),
    };
    audit::append(conn, because.author, entry, now).await?;
    Ok(done)
}
