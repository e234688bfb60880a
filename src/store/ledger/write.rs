//! New rows, with their items and jobs.

use std::collections::HashSet;

use chrono::{DateTime, Utc};

use crate::db::{Conn, DbError, Dialect, sqlite_time};
use crate::domain::digest::Seen;
use crate::domain::plan::Planned;
use crate::domain::values::{NotificationState, Reason};
use crate::fetch_by_ids;
use crate::queue::{self, Queue};
use crate::store::{traces, unsent};
use crate::telemetry;

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
                   escalation, dedupe_key, state, reason, detail, due_at, not_before, deadline, finished_at,
                   attempt_count, delivery_count, claim_count, resent, pushed_at, created_at, updated_at)
                 SELECT id, workspace_id, kind, channel, mode, recipient_type, recipient_id, subject_id, slot_date, step, step_days,
                   escalation, dedupe_key, state, reason, detail, due_at, not_before, deadline, CASE WHEN state = 'skipped' THEN $20::timestamptz END,
                   0, 0, 0, false, CASE WHEN not_before <= $20::timestamptz THEN $20::timestamptz ELSE 'epoch' END, $20::timestamptz, $20::timestamptz
                 FROM UNNEST($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::date[], $10::bigint[],
                   $11::bigint[], $12::boolean[], $13::text[], $14::text[], $15::text[], $16::text[], $17::timestamptz[], $18::timestamptz[], $19::timestamptz[])
                   AS n (id, workspace_id, kind, channel, mode, recipient_type, recipient_id, subject_id, slot_date, step, step_days,
                   escalation, dedupe_key, state, reason, detail, due_at, not_before, deadline)
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
            .bind(rows.iter().map(|n| n.plan.due_at).collect::<Vec<_>>())
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
                        sqlite_time(n.plan.due_at),
                        sqlite_time(n.plan.not_before),
                        sqlite_time(n.plan.deadline),
                    ])
                })
                .collect();
            sqlx::query_as(
                "INSERT INTO notifications (id, workspace_id, kind, channel, mode, recipient_type, recipient_id, subject_id, slot_date, step, step_days,
                   escalation, dedupe_key, state, reason, detail, due_at, not_before, deadline, finished_at,
                   attempt_count, delivery_count, claim_count, resent, pushed_at, created_at, updated_at)
                 SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6, value ->> 7, value ->> 8, value ->> 9, value ->> 10,
                   value ->> 11, value ->> 12, value ->> 13, value ->> 14, value ->> 15, value ->> 16, value ->> 17, value ->> 18, CASE WHEN value ->> 13 = 'skipped' THEN $2 END,
                   0, 0, 0, 0, CASE WHEN value ->> 17 <= $2 THEN $2 ELSE '1970-01-01T00:00:00+00:00' END, $2, $2
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
    if telemetry::traces::on() {
        let ids: Vec<String> = new.iter().map(|row| row.id.clone()).collect();
        let about: Vec<String> =
            new.iter().flat_map(|row| row.plan.onboarding_ids.iter().cloned()).collect();
        traces::keep_with_notifications(conn, &ids, &about).await?;
    }
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
    let items: Vec<(&str, &str, Option<String>)> = rows
        .flat_map(|row| {
            let lines = row.plan.onboarding_ids.iter().zip(&row.before);
            lines.map(|(id, before)| {
                (row.id.as_str(), id.as_str(), before.as_ref().map(Seen::to_string))
            })
        })
        .collect();
    if items.is_empty() {
        return Ok(());
    }
    match conn.dialect() {
        Dialect::Postgres(c) => {
            sqlx::query(
                "INSERT INTO notification_items (notification_id, onboarding_id, before)
                 SELECT * FROM UNNEST($1::text[], $2::text[], $3::text[])",
            )
            .bind(items.iter().map(|i| i.0).collect::<Vec<_>>())
            .bind(items.iter().map(|i| i.1).collect::<Vec<_>>())
            .bind(items.iter().map(|i| i.2.as_deref()).collect::<Vec<_>>())
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
