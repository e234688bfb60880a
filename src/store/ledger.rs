//! The notification ledger: one row per message, from `scheduled` to a final state (`product.md` §4).
//!
//! A row changes hands by compare-and-set: [`claim`] puts a fresh token into it, and every later write names that token. Whoever lost
//! the row finds nothing to write to.

use std::cell::RefCell;
use std::collections::HashSet;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use sqlx::types::Json;
use sqlx::{PgConnection, SqliteConnection};
use zstd::bulk::Compressor;

use super::hints::{self, Touched};
use super::unsent;
use crate::db::{Conn, DbError, Dialect, json_list, sqlite_time};
use crate::domain::digest::Seen;
use crate::domain::message::Message;
use crate::domain::plan::Planned;
use crate::domain::values::{AttemptOutcome, Channel, Kind, Mode, NotificationState, Reason};
use crate::queue::{self, Queue};
use crate::{fetch_by_ids, on};

/// `not_before` of a row that only an operator's decision moves on.
pub const UNTIL_DECIDED: DateTime<Utc> = match DateTime::from_timestamp(253_370_764_800, 0) {
    Some(at) => at,
    None => DateTime::<Utc>::MAX_UTC,
};

/// Deliveries in a row without an outcome after which a row is given up: it takes the worker down each time.
pub const POISON_AFTER: i64 = 3;

/// A notification to be written.
#[derive(Clone, Debug)]
pub struct NewNotification {
    /// `ntf_…`
    pub id: String,
    /// Its workspace.
    pub workspace_id: String,
    /// What the rules ask for.
    pub plan: Planned,
    /// What the last digest showed of each of its onboardings, in their order.
    pub before: Vec<Option<Seen>>,
}

/// Writes notifications, their items and the jobs of those that may go out at once; answers with the ids of those that did not exist yet.
/// The rest exist already, under another id.
pub async fn insert(
    conn: &mut Conn,
    rows: &[NewNotification],
    now: DateTime<Utc>,
) -> Result<Vec<String>, DbError> {
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let inserted: Vec<(String,)> = match conn.dialect() {
        Dialect::Postgres(c) => {
            let text = |f: fn(&NewNotification) -> &str| rows.iter().map(f).collect::<Vec<_>>();
            let maybe =
                |f: fn(&NewNotification) -> Option<&str>| rows.iter().map(f).collect::<Vec<_>>();
            sqlx::query_as(
                "INSERT INTO notifications (id, workspace_id, kind, channel, mode, recipient_type, recipient_id, subject_id, slot_date, step, step_days,
                   escalation, dedupe_key, state, reason, detail, not_before, deadline, finished_at,
                   attempt_count, delivery_count, claim_count, resent, pushed_at, created_at, updated_at)
                 SELECT id, workspace_id, kind, channel, mode, recipient_type, recipient_id, subject_id, slot_date, step, step_days,
                   escalation, dedupe_key, state, reason, detail, not_before, deadline, CASE WHEN state = 'skipped' THEN $19::timestamptz END,
                   0, 0, 0, false, CASE WHEN not_before <= $19::timestamptz THEN $19::timestamptz ELSE 'epoch' END, $19::timestamptz, $19::timestamptz
                 FROM UNNEST($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::date[], $10::bigint[],
                   $11::bigint[], $12::boolean[], $13::text[], $14::text[], $15::text[], $16::text[], $17::timestamptz[], $18::timestamptz[])
                   AS n (id, workspace_id, kind, channel, mode, recipient_type, recipient_id, subject_id, slot_date, step, step_days,
                   escalation, dedupe_key, state, reason, detail, not_before, deadline)
                 ON CONFLICT (dedupe_key) DO NOTHING RETURNING id",
            )
            .bind(text(|n| &n.id))
            .bind(text(|n| &n.workspace_id))
            .bind(text(|n| n.plan.kind.as_str()))
            .bind(text(|n| n.plan.channel.as_str()))
            .bind(text(|n| n.plan.mode.as_str()))
            .bind(text(|n| n.plan.recipient_type.as_str()))
            .bind(text(|n| &n.plan.recipient_id))
            .bind(maybe(|n| n.plan.subject_id.as_deref()))
            .bind(rows.iter().map(|n| n.plan.slot_date).collect::<Vec<_>>())
            .bind(rows.iter().map(|n| n.plan.step.map(|s| s.0)).collect::<Vec<_>>())
            .bind(rows.iter().map(|n| n.plan.step.map(|s| s.1)).collect::<Vec<_>>())
            .bind(rows.iter().map(|n| n.plan.escalation).collect::<Vec<_>>())
            .bind(text(|n| &n.plan.dedupe_key))
            .bind(text(|n| n.plan.state.as_str()))
            .bind(maybe(|n| n.plan.reason.map(Reason::as_str)))
            .bind(maybe(|n| n.plan.detail.as_deref()))
            .bind(rows.iter().map(|n| n.plan.not_before).collect::<Vec<_>>())
            .bind(rows.iter().map(|n| n.plan.deadline).collect::<Vec<_>>())
            .bind(now)
            .fetch_all(c)
            .await?
        }
        Dialect::Sqlite(c) => {
            let json: Vec<_> = rows
                .iter()
                .map(|n| {
                    serde_json::json!([
                        n.id,
                        n.workspace_id,
                        n.plan.kind,
                        n.plan.channel,
                        n.plan.mode,
                        n.plan.recipient_type.as_str(),
                        n.plan.recipient_id,
                        n.plan.subject_id,
                        n.plan.slot_date,
                        n.plan.step.map(|s| s.0),
                        n.plan.step.map(|s| s.1),
                        i64::from(n.plan.escalation),
                        n.plan.dedupe_key,
                        n.plan.state,
                        n.plan.reason,
                        n.plan.detail,
                        sqlite_time(n.plan.not_before),
                        sqlite_time(n.plan.deadline),
                    ])
                })
                .collect();
            sqlx::query_as(
                "INSERT INTO notifications (id, workspace_id, kind, channel, mode, recipient_type, recipient_id, subject_id, slot_date, step, step_days,
                   escalation, dedupe_key, state, reason, detail, not_before, deadline, finished_at,
                   attempt_count, delivery_count, claim_count, resent, pushed_at, created_at, updated_at)
                 SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6, value ->> 7, value ->> 8, value ->> 9, value ->> 10,
                   value ->> 11, value ->> 12, value ->> 13, value ->> 14, value ->> 15, value ->> 16, value ->> 17, CASE WHEN value ->> 13 = 'skipped' THEN $2 END,
                   0, 0, 0, 0, CASE WHEN value ->> 16 <= $2 THEN $2 ELSE '1970-01-01T00:00:00+00:00' END, $2, $2
                 FROM json_each($1) WHERE true
                 ON CONFLICT (dedupe_key) DO NOTHING RETURNING id",
            )
            .bind(serde_json::Value::from(json).to_string())
            .bind(sqlite_time(now))
            .fetch_all(c)
            .await?
        }
    };
    let inserted: HashSet<String> = inserted.into_iter().map(|(id,)| id).collect();
    // In the order given, so that jobs follow the order of the pass.
    let new: Vec<&NewNotification> = rows.iter().filter(|row| inserted.contains(&row.id)).collect();
    insert_items(conn, new.iter().copied()).await?;
    push_jobs(conn, &new, now).await?;
    let skipped = new.iter().filter(|row| row.plan.state == NotificationState::Skipped);
    let skipped: Vec<String> = skipped.map(|row| row.id.clone()).collect();
    unsent::note(conn, &skipped, now).await?;
    Ok(new.into_iter().map(|row| row.id.clone()).collect())
}

async fn push_jobs(
    conn: &mut Conn,
    rows: &[&NewNotification],
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    for queue in Queue::ALL {
        let ready: Vec<String> = rows
            .iter()
            .filter(|row| {
                row.plan.state == NotificationState::Scheduled && row.plan.not_before <= now
            })
            .filter(|row| Queue::of(row.plan.kind, row.plan.channel) == queue)
            .map(|row| row.id.clone())
            .collect();
        queue::push(conn, queue, &ready).await?;
    }
    Ok(())
}

async fn insert_items(
    conn: &mut Conn,
    rows: impl Iterator<Item = &NewNotification>,
) -> Result<(), DbError> {
    let items: Vec<(&str, &str, Option<&Seen>)> = rows
        .flat_map(|row| {
            let lines = row.plan.onboarding_ids.iter().zip(&row.before);
            lines.map(|(id, before)| (row.id.as_str(), id.as_str(), before.as_ref()))
        })
        .collect();
    if items.is_empty() {
        return Ok(());
    }
    match conn.dialect() {
        Dialect::Postgres(c) => {
            sqlx::query(
                "INSERT INTO notification_items (notification_id, onboarding_id, before)
                 SELECT * FROM UNNEST($1::text[], $2::text[], $3::jsonb[])",
            )
            .bind(items.iter().map(|i| i.0).collect::<Vec<_>>())
            .bind(items.iter().map(|i| i.1).collect::<Vec<_>>())
            .bind(items.iter().map(|i| i.2.map(Json)).collect::<Vec<_>>())
            .execute(c)
            .await?;
        }
        Dialect::Sqlite(c) => {
            sqlx::query(
                "INSERT INTO notification_items (notification_id, onboarding_id, before)
                 SELECT value ->> 0, value ->> 1, value ->> 2 FROM json_each($1)",
            )
            .bind(serde_json::json!(items).to_string())
            .execute(c)
            .await?;
        }
    }
    Ok(())
}

/// Those of the given keys that have a row, in any state.
pub async fn known_keys(conn: &mut Conn, keys: &[String]) -> Result<HashSet<String>, DbError> {
    let rows = fetch_by_ids!(
        conn,
        (String,),
        "SELECT dedupe_key FROM notifications WHERE dedupe_key",
        keys,
        ""
    )?;
    Ok(rows.into_iter().map(|(key,)| key).collect())
}

// --- claim -----------------------------------------------------------------------------------------------------------------------

/// A row in the hands of one worker.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Claimed {
    /// `ntf_…`
    pub id: String,
    /// Its workspace.
    pub workspace_id: String,
    /// What it is about.
    #[sqlx(try_from = "String")]
    pub kind: Kind,
    /// How it goes out.
    #[sqlx(try_from = "String")]
    pub channel: Channel,
    /// Whether it may reach anybody.
    #[sqlx(try_from = "String")]
    pub mode: Mode,
    /// Whom it is for.
    pub recipient_id: String,
    /// The onboarding of a nudge.
    pub subject_id: Option<String>,
    /// Local date of its slot or step.
    pub slot_date: NaiveDate,
    /// Rung of the ladder.
    pub step: Option<i64>,
    /// Whether the recipient is the escalation user.
    pub escalation: bool,
    /// Latest delivery.
    pub deadline: DateTime<Utc>,
    /// Attempts so far that count.
    pub attempt_count: i64,
    /// Deliveries in a row without an outcome, this one included.
    pub delivery_count: i64,
    /// Number of this attempt.
    pub claim_count: i64,
    /// Whether the extra copy after an ambiguous attempt is this one, or was sent already.
    pub resent: bool,
    /// The mail's `Date`.
    pub first_attempt_at: DateTime<Utc>,
    /// The fence.
    pub lease_token: String,
}

const CLAIMED: &str = "id, workspace_id, kind, channel, mode, recipient_id, subject_id, slot_date, step, escalation, deadline,
   attempt_count, delivery_count, claim_count, resent, first_attempt_at, lease_token";

/// A row as a job finds it, before anything is claimed.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Waiting {
    /// `ntf_…`
    pub id: String,
    /// What it is about.
    #[sqlx(try_from = "String")]
    pub kind: Kind,
    /// Whether it may reach anybody; decides whether a session is opened at all.
    #[sqlx(try_from = "String")]
    pub mode: Mode,
    /// How it goes out.
    #[sqlx(try_from = "String")]
    pub channel: Channel,
}

/// Those of `ids` that are ready and in nobody's hands. Does not say "unfinished", which these states imply: the planner would take
/// the sweeper's index for it and read the whole backlog instead of the rows named.
pub async fn waiting(
    conn: &mut Conn,
    ids: &[String],
    now: DateTime<Utc>,
) -> Result<Vec<Waiting>, DbError> {
    fetch_by_ids!(
        conn,
        Waiting,
        "SELECT id, kind, mode, channel FROM notifications
         WHERE state IN ('scheduled', 'deferred', 'ambiguous') AND not_before <= $2 AND id",
        ids,
        "",
        now
    )
}

/// Takes those of `ids` that are open, ready and in nobody's hands. Found by id alone, as [`waiting`] explains.
pub async fn claim(
    conn: &mut Conn,
    ids: &[String],
    owner: &str,
    token: &str,
    now: DateTime<Utc>,
) -> Result<Vec<Claimed>, DbError> {
    const POSTGRES: &str = const_str::concat!(
        "UPDATE notifications SET state = 'sending', stage = 'claimed', lease_owner = $3, lease_token = $4, resent = resent OR state = 'ambiguous',
           delivery_count = delivery_count + 1, claim_count = claim_count + 1, first_attempt_at = COALESCE(first_attempt_at, $2), updated_at = $2
         WHERE id IN (SELECT id FROM notifications WHERE id = ANY($1) AND state IN ('scheduled', 'deferred', 'ambiguous')
           AND not_before <= $2 ORDER BY id FOR UPDATE SKIP LOCKED)
         RETURNING ", CLAIMED
    );
    const SQLITE: &str = const_str::concat!(
        "UPDATE notifications SET state = 'sending', stage = 'claimed', lease_owner = $3, lease_token = $4, resent = resent OR state = 'ambiguous',
           delivery_count = delivery_count + 1, claim_count = claim_count + 1, first_attempt_at = COALESCE(first_attempt_at, $2), updated_at = $2
         WHERE id IN (SELECT value FROM json_each($1)) AND state IN ('scheduled', 'deferred', 'ambiguous') AND not_before <= $2
         RETURNING ", CLAIMED
    );
    match conn.dialect() {
        Dialect::Postgres(c) => {
            sqlx::query_as(POSTGRES).bind(ids).bind(now).bind(owner).bind(token).fetch_all(c).await
        }
        Dialect::Sqlite(c) => {
            sqlx::query_as(SQLITE)
                .bind(json_list(ids))
                .bind(now)
                .bind(owner)
                .bind(token)
                .fetch_all(c)
                .await
        }
    }
}

/// Notes that from now on the provider may have the message. Only for what is never repeated by itself (customers' mail, Slack):
/// a crash before this mark is known to have sent nothing. `false` when the lease is lost.
pub async fn mark_body(conn: &mut Conn, id: &str, token: &str) -> Result<bool, DbError> {
    const SQL: &str = "UPDATE notifications SET stage = 'body' WHERE id = $1 AND lease_token = $2 AND state = 'sending'";
    let rows =
        on!(conn, |c| sqlx::query(SQL).bind(id).bind(token).execute(c).await?.rows_affected());
    Ok(rows == 1)
}

// --- finish ----------------------------------------------------------------------------------------------------------------------

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
    /// The message as rendered: headline and compressed body.
    pub message: Option<(String, Vec<u8>)>,
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
             $10::bigint[], $11::timestamptz[], $12::text[], $13::text[], $14::text[], $15::text[], $16::bigint[], $17::bytea[])
             AS f (id, token, state, reason, not_before, counts, subject, provider_ref, number, at, worker, stage, outcome, reply, duration_ms, body)
         ), done AS (
           UPDATE notifications n SET state = f.state, reason = f.reason, not_before = COALESCE(f.not_before, n.not_before),
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
           INSERT INTO messages (notification_id, body, rendered_at) SELECT id, body, $9::timestamptz FROM done WHERE body IS NOT NULL
           ON CONFLICT (notification_id) DO UPDATE SET body = excluded.body, rendered_at = excluded.rendered_at
         ) SELECT id FROM done";
    let attempts: Vec<Option<&Attempt>> = rows.iter().map(|f| f.attempt.as_ref()).collect();
    let finished: Vec<(String,)> = sqlx::query_as(SQL)
        .bind(rows.iter().map(|f| f.id.as_str()).collect::<Vec<_>>())
        .bind(rows.iter().map(|f| f.token.as_str()).collect::<Vec<_>>())
        .bind(rows.iter().map(|f| f.state.as_str()).collect::<Vec<_>>())
        .bind(rows.iter().map(|f| f.reason.map(Reason::as_str)).collect::<Vec<_>>())
        .bind(rows.iter().map(|f| f.not_before).collect::<Vec<_>>())
        .bind(rows.iter().map(|f| i64::from(f.counts)).collect::<Vec<_>>())
        .bind(rows.iter().map(|f| f.message.as_ref().map(|m| m.0.as_str())).collect::<Vec<_>>())
        .bind(rows.iter().map(|f| f.provider_ref.as_deref()).collect::<Vec<_>>())
        .bind(now)
        .bind(attempts.iter().map(|a| a.map(|a| a.number)).collect::<Vec<_>>())
        .bind(attempts.iter().map(|a| a.map(|a| a.at)).collect::<Vec<_>>())
        .bind(attempts.iter().map(|a| a.map(|a| a.worker.as_str())).collect::<Vec<_>>())
        .bind(attempts.iter().map(|a| a.map(|a| a.stage)).collect::<Vec<_>>())
        .bind(attempts.iter().map(|a| a.map(|a| a.outcome.as_str())).collect::<Vec<_>>())
        .bind(attempts.iter().map(|a| a.map(|a| a.reply.as_str())).collect::<Vec<_>>())
        .bind(attempts.iter().map(|a| a.map(|a| a.duration_ms)).collect::<Vec<_>>())
        .bind(rows.iter().map(|f| f.message.as_ref().map(|m| m.1.as_slice())).collect::<Vec<_>>())
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
           attempt_count = attempt_count + (f.value ->> 5), delivery_count = 0, lease_owner = NULL, lease_token = NULL, stage = NULL,
           subject = COALESCE(f.value ->> 6, subject), provider_ref = COALESCE(f.value ->> 7, provider_ref), updated_at = $2,
           pushed_at = CASE WHEN f.value ->> 4 IS NULL THEN pushed_at ELSE '1970-01-01T00:00:00+00:00' END,
           sent_at = CASE WHEN f.value ->> 2 = 'sent' THEN $2 END,
           finished_at = CASE WHEN f.value ->> 2 IN ('sent', 'suppressed', 'skipped', 'failed', 'cancelled') THEN $2 END
         FROM json_each($1) AS f
         WHERE notifications.id = f.value ->> 0 AND lease_token = f.value ->> 1 AND state = 'sending' RETURNING notifications.id";
    const ATTEMPTS: &str = "INSERT INTO attempts (notification_id, number, at, worker, stage, outcome, reply, duration_ms)
         SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6, value ->> 7 FROM json_each($1)";
    const MESSAGE: &str = "INSERT INTO messages (notification_id, body, rendered_at) VALUES ($1, $2, $3)
         ON CONFLICT (notification_id) DO UPDATE SET body = excluded.body, rendered_at = excluded.rendered_at";
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
                f.message.as_ref().map(|m| &m.0),
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
    // JSON cannot carry bytes; in process a statement per row costs microseconds.
    for (id, message) in written().filter_map(|f| Some((&f.id, f.message.as_ref()?))) {
        sqlx::query(MESSAGE).bind(id).bind(message.1.as_slice()).bind(now).execute(&mut *c).await?;
    }
    Ok(finished)
}

// --- what ends without being sent --------------------------------------------------------------------------------------------------

/// Gives the reminder back to the onboardings of digests that ended without counting: their last reminder becomes the newest one that
/// does count, and their next line is computed anew.
pub async fn give_back(
    conn: &mut Conn,
    digests: &[String],
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    let items = fetch_by_ids!(
        conn,
        (String, Option<Json<Seen>>),
        "SELECT onboarding_id, before FROM notification_items WHERE notification_id",
        digests,
        ""
    )?;
    give_back_items(conn, &items, now).await
}

/// Takes lines out of a digest that is about to be sent without them, and gives their reminder back.
pub async fn drop_items(
    conn: &mut Conn,
    notification_id: &str,
    onboardings: &[(String, Option<Seen>)],
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    for (id, _) in onboardings {
        on!(conn, |c| sqlx::query(
            "DELETE FROM notification_items WHERE notification_id = $1 AND onboarding_id = $2"
        )
        .bind(notification_id)
        .bind(id)
        .execute(c)
        .await?
        .rows_affected());
    }
    let items: Vec<_> =
        onboardings.iter().map(|(id, seen)| (id.clone(), seen.clone().map(Json))).collect();
    give_back_items(conn, &items, now).await
}

async fn give_back_items(
    conn: &mut Conn,
    items: &[(String, Option<Json<Seen>>)],
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    const SQL: &str = "UPDATE onboardings SET last_seen = $2, last_reminded_on = (
           SELECT max(n.slot_date) FROM notification_items i JOIN notifications n ON n.id = i.notification_id
           WHERE i.onboarding_id = onboardings.id AND n.kind = 'digest'
             AND n.state IN ('scheduled', 'deferred', 'sending', 'ambiguous', 'sent', 'suppressed'))
         WHERE id = $1";
    for (id, before) in items {
        on!(conn, |c| sqlx::query(SQL)
            .bind(id)
            .bind(before.as_ref())
            .execute(c)
            .await?
            .rows_affected());
    }
    let ids: Vec<String> = items.iter().map(|(id, _)| id.clone()).collect();
    hints::refresh(conn, Touched::Onboardings(&ids), now).await
}

// --- the sweeper's views -----------------------------------------------------------------------------------------------------------

/// A row that is ready and may have no live job.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Ready {
    /// `ntf_…`
    pub id: String,
    /// What it is about.
    #[sqlx(try_from = "String")]
    pub kind: Kind,
    /// How it goes out.
    #[sqlx(try_from = "String")]
    pub channel: Channel,
    /// Its state.
    #[sqlx(try_from = "String")]
    pub state: NotificationState,
    /// Why it was deferred, if it was.
    pub reason: Option<String>,
    /// Latest delivery.
    pub deadline: DateTime<Utc>,
}

/// Rows that wait, are ready at `now`, and were last pushed before `pushed_before` (or, by a clock that ran ahead, after `now`).
pub async fn ready(
    conn: &mut Conn,
    now: DateTime<Utc>,
    pushed_before: DateTime<Utc>,
    limit: i64,
) -> Result<Vec<Ready>, DbError> {
    const SQL: &str = "SELECT id, kind, channel, state, reason, deadline FROM notifications
         WHERE finished_at IS NULL AND not_before <= $1 AND state IN ('scheduled', 'deferred', 'ambiguous') AND (pushed_at < $2 OR pushed_at > $1)
         ORDER BY not_before LIMIT $3";
    on!(conn, |c| sqlx::query_as(SQL).bind(now).bind(pushed_before).bind(limit).fetch_all(c).await)
}

/// Notes that jobs were pushed for these rows.
pub async fn pushed(conn: &mut Conn, ids: &[String], now: DateTime<Utc>) -> Result<(), DbError> {
    match conn.dialect() {
        Dialect::Postgres(c) => {
            sqlx::query("UPDATE notifications SET pushed_at = $2 WHERE id = ANY($1)")
                .bind(ids)
                .bind(now)
                .execute(c)
                .await?;
        }
        Dialect::Sqlite(c) => {
            sqlx::query("UPDATE notifications SET pushed_at = $2 WHERE id IN (SELECT value FROM json_each($1))")
                .bind(json_list(ids))
                .bind(now)
                .execute(c)
                .await?;
        }
    }
    Ok(())
}

/// Ends rows that wait (nobody holds them) without sending: expired, cancelled. Answers with those that were still waiting.
pub async fn end_waiting(
    conn: &mut Conn,
    ids: &[String],
    state: NotificationState,
    reason: Reason,
    now: DateTime<Utc>,
) -> Result<Vec<String>, DbError> {
    let ended = fetch_by_ids!(
        conn,
        (String, String),
        "UPDATE notifications SET state = $2, reason = $3, finished_at = $4, updated_at = $4
         WHERE finished_at IS NULL AND state IN ('scheduled', 'deferred', 'ambiguous') AND id",
        ids,
        " RETURNING id, kind",
        state.as_str(),
        reason.as_str(),
        now
    )?;
    let digests: Vec<String> = ended
        .iter()
        .filter(|(_, kind)| kind == Kind::Digest.as_str())
        .map(|(id, _)| id.clone())
        .collect();
    give_back(conn, &digests, now).await?;
    let ended: Vec<String> = ended.into_iter().map(|(id, _)| id).collect();
    unsent::note(conn, &ended, now).await?;
    Ok(ended)
}

/// What is left to do at `now`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, sqlx::FromRow)]
pub struct Backlog {
    /// Rows that wait and are ready, by mail.
    pub email: i64,
    /// Rows that wait and are ready, by Slack.
    pub slack: i64,
    /// Rows in somebody's hands.
    pub leased: i64,
}

/// Counts what is left to do at `now`.
pub async fn backlog(conn: &mut Conn, now: DateTime<Utc>) -> Result<Backlog, DbError> {
    const SQL: &str = "SELECT
           count(CASE WHEN state <> 'sending' AND not_before <= $1 AND channel = 'email' THEN 1 END) AS email,
           count(CASE WHEN state <> 'sending' AND not_before <= $1 AND channel = 'slack' THEN 1 END) AS slack,
           count(CASE WHEN state = 'sending' THEN 1 END) AS leased
         FROM notifications WHERE finished_at IS NULL";
    on!(conn, |c| sqlx::query_as(SQL).bind(now).fetch_one(c).await)
}

// --- leases of the dead ------------------------------------------------------------------------------------------------------------

#[derive(sqlx::FromRow)]
struct Orphan {
    id: String,
    #[sqlx(try_from = "String")]
    kind: Kind,
    #[sqlx(try_from = "String")]
    channel: Channel,
    #[sqlx(try_from = "String")]
    mode: Mode,
    stage: Option<String>,
    resent: bool,
    delivery_count: i64,
    claim_count: i64,
    lease_token: String,
    updated_at: DateTime<Utc>,
}

/// Frees the rows in the hands of `owner` that were claimed before `claimed_before` and are not in `held`, each by what may have
/// happened to it. Answers with how many there were.
pub async fn rescue(
    conn: &mut Conn,
    owner: &str,
    held: &[String],
    claimed_before: DateTime<Utc>,
    resend_after: TimeDelta,
    now: DateTime<Utc>,
) -> Result<usize, DbError> {
    const SQL: &str = "SELECT id, kind, channel, mode, stage, resent, delivery_count, claim_count, lease_token, updated_at FROM notifications
         WHERE finished_at IS NULL AND state = 'sending' AND lease_owner = $1 AND updated_at <= $2";
    let mut orphans: Vec<Orphan> =
        on!(conn, |c| sqlx::query_as(SQL).bind(owner).bind(claimed_before).fetch_all(c).await?);
    orphans.retain(|orphan| !held.contains(&orphan.id));
    if orphans.is_empty() {
        return Ok(0);
    }
    let rows: Vec<(Finish, i64)> = orphans
        .iter()
        .map(|o| (after_death(o, owner, resend_after, now), o.delivery_count))
        .collect();
    let finishes: Vec<Finish> = rows.iter().map(|(finish, _)| finish.clone()).collect();
    finish(conn, &finishes, now).await?;
    // A finish says "this row behaved"; a death says the opposite.
    for (finish, deliveries) in rows.iter().filter(|(finish, _)| finish.state.is_open()) {
        on!(conn, |c| sqlx::query("UPDATE notifications SET delivery_count = $2 WHERE id = $1")
            .bind(&finish.id)
            .bind(deliveries)
            .execute(c)
            .await?
            .rows_affected());
    }
    Ok(orphans.len())
}

fn after_death(o: &Orphan, owner: &str, resend_after: TimeDelta, now: DateTime<Utc>) -> Finish {
    // What is never repeated by itself is marked before its body goes out, so without the mark nothing went out.
    let repeatable = o.channel == Channel::Email && o.kind != Kind::CustomerReminder;
    let untouched = o.mode == Mode::Test || (!repeatable && o.stage.as_deref() != Some("body"));
    let (state, reason, not_before) = if untouched && o.delivery_count >= POISON_AFTER {
        (NotificationState::Failed, Some(Reason::AttemptsExhausted), None)
    } else if untouched {
        (NotificationState::Scheduled, None, Some(now))
    } else if !repeatable {
        (NotificationState::Ambiguous, Some(Reason::OutcomeUnknown), Some(UNTIL_DECIDED))
    } else if o.resent {
        (NotificationState::Failed, Some(Reason::OutcomeUnknown), None)
    } else {
        (NotificationState::Ambiguous, Some(Reason::OutcomeUnknown), Some(now + resend_after))
    };
    Finish {
        id: o.id.clone(),
        token: o.lease_token.clone(),
        kind: o.kind,
        state,
        reason,
        not_before,
        counts: !untouched,
        attempt: Some(Attempt {
            number: o.claim_count,
            at: o.updated_at,
            worker: owner.to_owned(),
            stage: if untouched { "claimed" } else { "body" },
            outcome: if untouched { AttemptOutcome::Lost } else { AttemptOutcome::Ambiguous },
            reply: "the worker stopped answering".to_owned(),
            duration_ms: (now - o.updated_at).num_milliseconds().max(0),
        }),
        message: None,
        provider_ref: None,
    }
}

// --- messages ----------------------------------------------------------------------------------------------------------------------

/// A message in the form in which it is stored.
pub fn pack(message: &Message) -> std::io::Result<Vec<u8>> {
    // A compressor is half a megabyte of tables; making one costs as much as using it.
    thread_local! {
        static COMPRESSOR: RefCell<Option<Compressor<'static>>> = const { RefCell::new(None) };
    }
    let json = serde_json::to_vec(message)?;
    COMPRESSOR.with_borrow_mut(|kept| {
        let mut compressor = match kept.take() {
            Some(compressor) => compressor,
            None => Compressor::new(1)?,
        };
        let packed = compressor.compress(&json);
        *kept = Some(compressor);
        packed
    })
}

/// The inverse of [`pack`].
pub fn unpack(body: &[u8]) -> std::io::Result<Message> {
    Ok(serde_json::from_slice(&zstd::decode_all(body)?)?)
}

/// How many notifications have ended, by final state.
pub async fn finished(conn: &mut Conn) -> Result<std::collections::BTreeMap<String, i64>, DbError> {
    const SQL: &str =
        "SELECT state, count(*) FROM notifications WHERE finished_at IS NOT NULL GROUP BY state";
    let rows: Vec<(String, i64)> = on!(conn, |c| sqlx::query_as(SQL).fetch_all(c).await?);
    Ok(rows.into_iter().collect())
}
