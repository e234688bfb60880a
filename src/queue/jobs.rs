//! Jobs as they lie in apalis' tables, for whoever looks at them. Nothing is written here: what is done about a job is done to the
//! notifications it stands for.

use chrono::{DateTime, Utc};
use serde_json::Value;
use ulid::Ulid;

use super::Payload;
use crate::db::{Conn, DbError, Dialect};
use crate::domain::values::JobStatus;

/// A job as apalis keeps it.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Job {
    /// Its ULID: ordered by the instant it was pushed.
    pub id: String,
    /// The queue it waits in.
    #[sqlx(rename = "job_type")]
    pub queue: String,
    /// apalis' word for where it stands.
    status: String,
    /// The bytes of its payload.
    #[sqlx(rename = "job")]
    payload: Vec<u8>,
    /// How often it was run.
    pub attempts: i64,
    /// Milliseconds since 1970 of the earliest run.
    run_at: i64,
    /// The worker that holds it, or ran it last.
    pub lock_by: Option<String>,
    /// apalis' JSON of what its last run came to: `{"Ok": …}` or `{"Err": "…"}`.
    last_result: Option<String>,
    /// Milliseconds since 1970 of its end.
    done_at: Option<i64>,
}

impl Job {
    /// Where it stands.
    #[must_use]
    pub fn status(&self) -> JobStatus {
        self.status.to_ascii_lowercase().parse().unwrap_or(JobStatus::Pending)
    }

    /// The notifications in it; none if its payload cannot be read, or is of another version.
    #[must_use]
    pub fn notification_ids(&self) -> Vec<String> {
        serde_json::from_slice::<Payload>(&self.payload)
            .map(|payload| payload.ids)
            .unwrap_or_default()
    }

    /// What its last run came to, in words: "done", or the text of the error; `None` before any.
    #[must_use]
    pub fn last_result(&self) -> Option<String> {
        let kept = self.last_result.as_deref()?;
        Some(match serde_json::from_str::<Result<Value, String>>(kept) {
            Ok(Ok(_)) => "done".to_owned(),
            Ok(Err(error)) => error,
            // Another version of apalis; better its own words than none.
            Err(_) => kept.to_owned(),
        })
    }

    /// Earliest run.
    #[must_use]
    pub fn run_at(&self) -> DateTime<Utc> {
        instant(self.run_at)
    }

    /// When it came to its end.
    #[must_use]
    pub fn done_at(&self) -> Option<DateTime<Utc>> {
        self.done_at.map(instant)
    }

    /// When it was pushed, by its id.
    #[must_use]
    pub fn created_at(&self) -> DateTime<Utc> {
        let pushed = Ulid::from_string(&self.id).map(|id| id.timestamp_ms());
        pushed.ok().and_then(|ms| i64::try_from(ms).ok()).map_or_else(|| self.run_at(), instant)
    }
}

fn instant(millis: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(millis).unwrap_or_default()
}

/// Which jobs to list; what is `None` is not asked for.
#[derive(Clone, Copy, Debug, Default)]
pub struct Filter<'a> {
    /// In this queue.
    pub queue: Option<&'a str>,
    /// That stand here.
    pub status: Option<JobStatus>,
    /// That hold this notification.
    pub notification_id: Option<&'a str>,
}

/// The first id of an instant, as ids are kept: jobs pushed then or later do not come before it.
#[must_use]
pub fn first_id(at: DateTime<Utc>) -> String {
    Ulid::from_parts(u64::try_from(at.timestamp_millis()).unwrap_or_default(), 0).to_string()
}

const IN_POSTGRES: &str = "SELECT id, job_type, status, job, CAST(attempts AS BIGINT) AS attempts,
   CAST(extract(epoch FROM run_at) * 1000 AS BIGINT) AS run_at, lock_by, CAST(last_result AS TEXT) AS last_result,
   CAST(extract(epoch FROM done_at) * 1000 AS BIGINT) AS done_at
 FROM apalis.jobs";
const IN_SQLITE: &str = "SELECT id, job_type, status, job, attempts, run_at * 1000 AS run_at, lock_by, CAST(last_result AS TEXT) AS last_result,
   CAST(done_at AS INTEGER) * 1000 AS done_at
 FROM Jobs ";

/// Behind every ULID of this age of the world, in any collation.
const AFTER_ALL: &str = "7ZZZZZZZZZZZZZZZZZZZZZZZZZ";

/// The newest `limit` jobs with an id less than `before`, newest first.
pub async fn list(
    conn: &mut Conn,
    filter: &Filter<'_>,
    before: Option<&str>,
    limit: i64,
) -> Result<Vec<Job>, DbError> {
    const POSTGRES: &str = const_str::concat!(
        IN_POSTGRES,
        " WHERE id < $1 AND ($2 IS NULL OR job_type = $2) AND ($3 IS NULL OR status = $3)
           AND ($4 IS NULL OR position(convert_to($4, 'UTF8') in job) > 0)
         ORDER BY id DESC LIMIT $5"
    );
    const SQLITE: &str = const_str::concat!(
        IN_SQLITE,
        " WHERE id < $1 AND ($2 IS NULL OR job_type = $2) AND ($3 IS NULL OR status = $3)
           AND ($4 IS NULL OR instr(job, CAST($4 AS BLOB)) > 0)
         ORDER BY id DESC LIMIT $5"
    );
    let Filter { queue, status, notification_id } = *filter;
    let status = status.map(stored);
    match conn.dialect() {
        Dialect::Postgres(c) => {
            sqlx::query_as(POSTGRES)
                .bind(before.unwrap_or(AFTER_ALL))
                .bind(queue)
                .bind(status)
                .bind(notification_id)
                .bind(limit)
                .persistent(false)
                .fetch_all(c)
                .await
        }
        Dialect::Sqlite(c) => {
            sqlx::query_as(SQLITE)
                .bind(before.unwrap_or(AFTER_ALL))
                .bind(queue)
                .bind(status)
                .bind(notification_id)
                .bind(limit)
                .persistent(false)
                .fetch_all(c)
                .await
        }
    }
}

/// One job.
pub async fn find(conn: &mut Conn, id: &str) -> Result<Option<Job>, DbError> {
    const POSTGRES: &str = const_str::concat!(IN_POSTGRES, " WHERE id = $1");
    const SQLITE: &str = const_str::concat!(IN_SQLITE, " WHERE id = $1");
    match conn.dialect() {
        Dialect::Postgres(c) => sqlx::query_as(POSTGRES).bind(id).fetch_optional(c).await,
        Dialect::Sqlite(c) => sqlx::query_as(SQLITE).bind(id).fetch_optional(c).await,
    }
}

/// apalis' word.
const fn stored(status: JobStatus) -> &'static str {
    match status {
        JobStatus::Pending => "Pending",
        JobStatus::Queued => "Queued",
        JobStatus::Running => "Running",
        JobStatus::Done => "Done",
        JobStatus::Failed => "Failed",
        JobStatus::Killed => "Killed",
    }
}
