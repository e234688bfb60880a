//! A worker lets go of a row, with what became of it.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, SqliteConnection};

use super::message::Packed;
use super::reminded::give_back;
use crate::db::{Conn, DbError, Dialect, sqlite_time};
use crate::domain::values::{AttemptOutcome, Kind, NotificationState, Reason};
use crate::store::unsent;

/// Where a row goes when its holder lets go of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Finish {
    /// The row.
    pub id: String,
    /// The fence.
    pub token: String,
    /// What it was about.
    pub kind: Kind,
    /// Its next state; `scheduled` for a retry.
    pub state: NotificationState,
    /// Why.
    pub reason: Option<Reason>,
    /// Earliest next delivery, for open states.
    pub not_before: Option<DateTime<Utc>>,
    /// Whether the attempt counts against the limit.
    pub counts: bool,
    /// The attempt, if one was made.
    pub attempt: Option<Attempt>,
    /// The message as rendered.
    pub message: Option<Packed>,
    /// The provider's own name for it.
    pub provider_ref: Option<String>,
}

/// One try to deliver.
#[derive(Clone, Debug, PartialEq)]
pub struct Attempt {
    /// From 1, in order of claims.
    pub number: i64,
    /// When it began.
    pub at: DateTime<Utc>,
    /// Process that made it.
    pub worker: String,
    /// How far it came.
    pub stage: &'static str,
    /// How it ended.
    pub outcome: AttemptOutcome,
    /// The provider's answer.
    pub reply: String,
    /// How long it took.
    pub duration_ms: i64,
}

impl Finish {
    /// Whether the message has come to its end without being sent: noted in the audit log, and, of a digest that does not count as a
    /// reminder, the reminder goes back to its onboardings.
    #[must_use]
    pub fn ends_unsent(&self) -> bool {
        !self.state.is_open() && self.state != NotificationState::Sent
    }
}

/// Writes outcomes, with their attempts and messages, and gives the reminder back to the onboardings of digests that were not sent;
/// answers with the ids of the rows that were still in the hands of the given tokens. One statement on PostgreSQL, unless a row
/// [ends unsent](Finish::ends_unsent); then, and on SQLite, it wants a transaction.
pub async fn finish(
    conn: &mut Conn,
    rows: &[Finish],
    now: DateTime<Utc>,
) -> Result<Vec<String>, DbError> {
    let finished = match conn.dialect() {
        Dialect::Postgres(c) => finish_postgres(c, rows, now).await?,
        Dialect::Sqlite(c) => finish_sqlite(c, rows, now).await?,
    };
    let ended: Vec<String> = rows
        .iter()
        .filter(|row| row.ends_unsent() && finished.contains(&row.id))
        .map(|row| row.id.clone())
        .collect();
    unsent::note(conn, &ended, now).await?;
    let digests: Vec<String> = rows
        .iter()
        .filter(|row| row.kind == Kind::Digest && !row.state.counts_as_reminded())
        .filter(|row| finished.contains(&row.id))
        .map(|row| row.id.clone())
        .collect();
    if !digests.is_empty() {
        give_back(conn, &digests, now).await?;
    }
    Ok(finished.into_iter().collect())
}

async fn finish_postgres(
    c: &mut PgConnection,
    rows: &[Finish],
    now: DateTime<Utc>,
) -> Result<HashSet<String>, DbError> {
    const SQL: &str = "WITH f AS (
           SELECT * FROM UNNEST($1::text[], $2::text[], $3::text[], $4::text[], $5::timestamptz[], $6::bigint[], $7::text[], $8::text[],
             $10::bigint[], $11::timestamptz[], $12::text[], $13::text[], $14::text[], $15::text[], $16::bigint[], $17::bytea[], $18::text[])
             AS f (id, token, state, reason, not_before, counts, subject, provider_ref, number, at, worker, stage, outcome, reply, duration_ms, body, dictionary_id)
         ), done AS (
           UPDATE notifications n SET state = f.state, reason = f.reason, not_before = COALESCE(f.not_before, n.not_before),
             due_at = CASE WHEN f.state = 'deferred' THEN f.not_before ELSE n.due_at END,
             attempt_count = n.attempt_count + f.counts, delivery_count = 0, lease_owner = NULL, lease_token = NULL, stage = NULL,
             subject = COALESCE(f.subject, n.subject), provider_ref = COALESCE(f.provider_ref, n.provider_ref), updated_at = $9::timestamptz,
             pushed_at = CASE WHEN f.not_before IS NULL THEN n.pushed_at ELSE 'epoch' END,
             sent_at = CASE WHEN f.state = 'sent' THEN $9::timestamptz END,
             finished_at = CASE WHEN f.state IN ('sent', 'suppressed', 'skipped', 'failed', 'cancelled') THEN $9::timestamptz END
           FROM f WHERE n.id = f.id AND n.lease_token = f.token AND n.state = 'sending' RETURNING f.*
         ), a AS (
           INSERT INTO attempts (notification_id, number, at, worker, stage, outcome, reply, duration_ms)
           SELECT id, number, at, worker, stage, outcome, reply, duration_ms FROM done WHERE number IS NOT NULL
         ), m AS (
           INSERT INTO messages (notification_id, body, dictionary_id, rendered_at)
           SELECT id, body, dictionary_id, $9::timestamptz FROM done WHERE body IS NOT NULL
           ON CONFLICT (notification_id) DO UPDATE SET body = excluded.body, dictionary_id = excluded.dictionary_id, rendered_at = excluded.rendered_at
         ) SELECT id FROM done";
    let attempts: Vec<Option<&Attempt>> = rows.iter().map(|f| f.attempt.as_ref()).collect();
    let finished: Vec<(String,)> = sqlx::query_as(SQL)
        .bind(rows.iter().map(|f| f.id.as_str()).collect::<Vec<_>>())
        .bind(rows.iter().map(|f| f.token.as_str()).collect::<Vec<_>>())
        .bind(rows.iter().map(|f| f.state.as_str()).collect::<Vec<_>>())
        .bind(rows.iter().map(|f| f.reason.map(Reason::as_str)).collect::<Vec<_>>())
        .bind(rows.iter().map(|f| f.not_before).collect::<Vec<_>>())
        .bind(rows.iter().map(|f| i64::from(f.counts)).collect::<Vec<_>>())
        .bind(
            rows.iter()
                .map(|f| f.message.as_ref().map(|m| m.headline.as_str()))
                .collect::<Vec<_>>(),
        )
        .bind(rows.iter().map(|f| f.provider_ref.as_deref()).collect::<Vec<_>>())
        .bind(now)
        .bind(attempts.iter().map(|a| a.map(|a| a.number)).collect::<Vec<_>>())
        .bind(attempts.iter().map(|a| a.map(|a| a.at)).collect::<Vec<_>>())
        .bind(attempts.iter().map(|a| a.map(|a| a.worker.as_str())).collect::<Vec<_>>())
        .bind(attempts.iter().map(|a| a.map(|a| a.stage)).collect::<Vec<_>>())
        .bind(attempts.iter().map(|a| a.map(|a| a.outcome.as_str())).collect::<Vec<_>>())
        .bind(attempts.iter().map(|a| a.map(|a| a.reply.as_str())).collect::<Vec<_>>())
        .bind(attempts.iter().map(|a| a.map(|a| a.duration_ms)).collect::<Vec<_>>())
        .bind(
            rows.iter().map(|f| f.message.as_ref().map(|m| m.body.as_slice())).collect::<Vec<_>>(),
        )
        .bind(
            rows.iter().map(|f| f.message.as_ref().map(|m| &*m.dictionary_id)).collect::<Vec<_>>(),
        )
        .fetch_all(c)
        .await?;
    Ok(finished.into_iter().map(|(id,)| id).collect())
}

async fn finish_sqlite(
    c: &mut SqliteConnection,
    rows: &[Finish],
    now: DateTime<Utc>,
) -> Result<HashSet<String>, DbError> {
    const OUTCOMES: &str = "UPDATE notifications SET state = f.value ->> 2, reason = f.value ->> 3, not_before = COALESCE(f.value ->> 4, not_before),
           due_at = CASE WHEN f.value ->> 2 = 'deferred' THEN f.value ->> 4 ELSE due_at END,
           attempt_count = attempt_count + (f.value ->> 5), delivery_count = 0, lease_owner = NULL, lease_token = NULL, stage = NULL,
           subject = COALESCE(f.value ->> 6, subject), provider_ref = COALESCE(f.value ->> 7, provider_ref), updated_at = $2,
           pushed_at = CASE WHEN f.value ->> 4 IS NULL THEN pushed_at ELSE '1970-01-01T00:00:00+00:00' END,
           sent_at = CASE WHEN f.value ->> 2 = 'sent' THEN $2 END,
           finished_at = CASE WHEN f.value ->> 2 IN ('sent', 'suppressed', 'skipped', 'failed', 'cancelled') THEN $2 END
         FROM json_each($1) AS f
         WHERE notifications.id = f.value ->> 0 AND lease_token = f.value ->> 1 AND state = 'sending' RETURNING notifications.id";
    const ATTEMPTS: &str = "INSERT INTO attempts (notification_id, number, at, worker, stage, outcome, reply, duration_ms)
         SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6, value ->> 7 FROM json_each($1)";
    // JSON cannot carry octets, but hexadecimal digits; a statement for each message would wake two threads for each.
    const MESSAGES: &str = "INSERT INTO messages (notification_id, body, dictionary_id, rendered_at)
         SELECT value ->> 0, unhex(value ->> 1), value ->> 2, $2 FROM json_each($1) WHERE true
         ON CONFLICT (notification_id) DO UPDATE SET body = excluded.body, dictionary_id = excluded.dictionary_id, rendered_at = excluded.rendered_at";
    let outcomes: Vec<_> = rows
        .iter()
        .map(|f| {
            serde_json::json!([
                f.id,
                f.token,
                f.state,
                f.reason,
                f.not_before.map(sqlite_time),
                i64::from(f.counts),
                f.message.as_ref().map(|m| &m.headline),
                f.provider_ref,
            ])
        })
        .collect();
    let finished: Vec<(String,)> = sqlx::query_as(OUTCOMES)
        .bind(serde_json::Value::from(outcomes).to_string())
        .bind(sqlite_time(now))
        .fetch_all(&mut *c)
        .await?;
    let finished: HashSet<String> = finished.into_iter().map(|(id,)| id).collect();
    let written = || rows.iter().filter(|row| finished.contains(&row.id));
    let attempts: Vec<_> = written()
        .filter_map(|f| Some((&f.id, f.attempt.as_ref()?)))
        .map(|(id, a)| {
            serde_json::json!([
                id,
                a.number,
                sqlite_time(a.at),
                a.worker,
                a.stage,
                a.outcome,
                a.reply,
                a.duration_ms
            ])
        })
        .collect();
    if !attempts.is_empty() {
        let attempts = serde_json::Value::from(attempts).to_string();
        sqlx::query(ATTEMPTS).bind(attempts).execute(&mut *c).await?;
    }
    let messages: Vec<_> = written()
        .filter_map(|f| Some((&f.id, f.message.as_ref()?)))
        .map(|(id, message)| (id, hex(&message.body), &*message.dictionary_id))
        .collect();
    if !messages.is_empty() {
        let messages = serde_json::json!(messages).to_string();
        sqlx::query(MESSAGES).bind(messages).bind(sqlite_time(now)).execute(&mut *c).await?;
    }
    Ok(finished)
}

/// Octets as hexadecimal digits.
fn hex(octets: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    let digit = |nibble: u8| char::from(DIGITS[usize::from(nibble & 15)]);
    octets.iter().flat_map(|octet| [digit(octet >> 4), digit(*octet)]).collect()
}
