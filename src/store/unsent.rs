//! The audit log's side of a message that was not sent: one entry per onboarding, reason and day, however many messages it was.

use chrono::{DateTime, NaiveDate, Utc};
use serde_json::json;
use sqlx::types::Json;

use crate::db::{Conn, DbError, Dialect, sqlite_time};
use crate::domain::ids::IdKind;
use crate::fetch_by_ids;

#[derive(sqlx::FromRow)]
struct Unsent {
    workspace_id: String,
    onboarding_id: String,
    notification_id: String,
    kind: String,
    state: String,
    reason: String,
    slot_date: NaiveDate,
}

/// Notes in the audit log that these notifications ended without being sent, each with its reason.
pub async fn note(
    conn: &mut Conn,
    notifications: &[String],
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    if notifications.is_empty() {
        return Ok(());
    }
    let unsent = fetch_by_ids!(
        conn,
        Unsent,
        "SELECT n.workspace_id, i.onboarding_id, n.id AS notification_id, n.kind, n.state, n.reason, n.slot_date
         FROM notifications n JOIN notification_items i ON i.notification_id = n.id
         WHERE n.state IN ('suppressed', 'skipped', 'failed', 'cancelled') AND n.reason IS NOT NULL AND n.id",
        notifications,
        ""
    )?;
    if unsent.is_empty() {
        return Ok(());
    }
    let key = |u: &Unsent| format!("unsent:{}:{}:{}", u.onboarding_id, u.reason, u.slot_date);
    let diff = |u: &Unsent| json!({ "notification_id": u.notification_id, "kind": u.kind, "state": u.state });
    match conn.dialect() {
        Dialect::Postgres(c) => {
            sqlx::query(
                "INSERT INTO audit_log (id, workspace_id, event, actor_type, actor_name, object, object_id, diff, reason, dedupe_key, created_at)
                 SELECT id, workspace_id, 'notification_skipped', 'system', 'system', 'onboarding', object_id, diff, reason, dedupe_key, $7
                 FROM UNNEST($1::text[], $2::text[], $3::text[], $4::jsonb[], $5::text[], $6::text[])
                   AS u (id, workspace_id, object_id, diff, reason, dedupe_key)
                 ON CONFLICT (dedupe_key) DO NOTHING",
            )
            .bind(unsent.iter().map(|_| IdKind::AuditEntry.fresh(now)).collect::<Vec<_>>())
            .bind(unsent.iter().map(|u| u.workspace_id.as_str()).collect::<Vec<_>>())
            .bind(unsent.iter().map(|u| u.onboarding_id.as_str()).collect::<Vec<_>>())
            .bind(unsent.iter().map(|u| Json(diff(u))).collect::<Vec<_>>())
            .bind(unsent.iter().map(|u| u.reason.as_str()).collect::<Vec<_>>())
            .bind(unsent.iter().map(key).collect::<Vec<_>>())
            .bind(now)
            .execute(c)
            .await?;
        }
        Dialect::Sqlite(c) => {
            let rows: Vec<_> = unsent
                .iter()
                .map(|u| {
                    (
                        IdKind::AuditEntry.fresh(now),
                        &u.workspace_id,
                        &u.onboarding_id,
                        diff(u),
                        &u.reason,
                        key(u),
                    )
                })
                .collect();
            sqlx::query(
                "INSERT INTO audit_log (id, workspace_id, event, actor_type, actor_name, object, object_id, diff, reason, dedupe_key, created_at)
                 SELECT value ->> 0, value ->> 1, 'notification_skipped', 'system', 'system', 'onboarding', value ->> 2, value -> 3, value ->> 4, value ->> 5, $2
                 FROM json_each($1) WHERE true ON CONFLICT (dedupe_key) DO NOTHING",
            )
            .bind(json!(rows).to_string())
            .bind(sqlite_time(now))
            .execute(c)
            .await?;
        }
    }
    Ok(())
}
