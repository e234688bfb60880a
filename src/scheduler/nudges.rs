//! Onboardings whose next step has come, and who is nudged about them.

use std::collections::HashSet;

use chrono::{DateTime, Utc};

use super::{Summary, write};
use crate::db::{Conn, Db, DbError, Dialect, sqlite_time};
use crate::domain::facts::Channels;
use crate::domain::ids::IdKind;
use crate::domain::plan::{self, Audience, Standing};
use crate::store::facts::{self, Journey, OnboardingRow};
use crate::store::ledger::NewNotification;

/// Claims up to `limit` onboardings whose next step may be sent at `at`, and writes the nudges.
pub(super) async fn batch(
    db: &Db,
    at: DateTime<Utc>,
    channels: Channels,
    limit: i64,
) -> Result<Summary, DbError> {
    let mut conn = db.begin().await?;
    let journeys = claim(&mut conn, at, limit).await?;
    if journeys.is_empty() {
        return Ok(Summary::default());
    }
    let workspaces =
        facts::workspaces(&mut conn, &distinct(journeys.iter().map(|j| &j.workspace_id))).await?;
    let people = distinct(
        journeys
            .iter()
            .filter_map(|j| j.recipient_id.as_ref())
            .chain(workspaces.values().filter_map(|w| w.escalation_user_id.as_ref())),
    );
    let people = facts::people_and_backups(&mut conn, &people).await?;
    let reminding = distinct(
        journeys
            .iter()
            .filter(|j| workspaces.get(&j.workspace_id).is_some_and(|w| w.customer_reminders))
            .map(|j| &j.onboarding.customer_id),
    );
    let contacts = facts::primary_contacts(&mut conn, &reminding).await?;

    let mut rows = Vec::new();
    let mut moved = Vec::new();
    let desk = |id: &String| facts::desk(&people, id);
    for journey in &journeys {
        let Some(workspace) = workspaces.get(&journey.workspace_id) else { continue };
        let o = &journey.onboarding;
        let audience = Audience {
            workspace,
            recipient: journey.recipient_id.as_ref().and_then(desk),
            escalation: workspace.escalation_user_id.as_ref().and_then(desk),
            contact: contacts.get(&o.customer_id),
            channels,
        };
        let (plans, standing) = plan::nudges(&audience, o, at);
        rows.extend(plans.into_iter().map(|mut plan| {
            if let Some(due) = journey.next_nudge_at.filter(|due| *due <= plan.not_before)
                && plan.not_before <= at
            {
                plan.due_at = due;
            }
            NewNotification {
                id: IdKind::Notification.fresh(at),
                workspace_id: workspace.id.clone(),
                before: vec![None; plan.onboarding_ids.len()],
                plan,
            }
        }));
        moved.push((o.id.as_str(), standing));
    }
    let (mut summary, _) = write(&mut conn, &rows, at).await?;
    advance(&mut conn, &moved).await?;
    conn.commit().await?;
    summary.nudges = i64::try_from(journeys.len()).unwrap_or(i64::MAX);
    Ok(summary)
}

fn distinct<'a>(ids: impl Iterator<Item = &'a String>) -> Vec<String> {
    ids.collect::<HashSet<_>>().into_iter().cloned().collect()
}

async fn claim(conn: &mut Conn, at: DateTime<Utc>, limit: i64) -> Result<Vec<Journey>, DbError> {
    const HEAD: &str = concat!(
        facts::select_onboardings!(),
        " WHERE o.next_nudge_at <= $1 AND o.created_at <= $1 ORDER BY o.next_nudge_at LIMIT $2"
    );
    const POSTGRES: &str = const_str::concat!(HEAD, " FOR UPDATE OF o SKIP LOCKED");
    let rows: Vec<OnboardingRow> = match conn.dialect() {
        Dialect::Postgres(c) => sqlx::query_as(POSTGRES).bind(at).bind(limit).fetch_all(c).await?,
        Dialect::Sqlite(c) => sqlx::query_as(HEAD).bind(at).bind(limit).fetch_all(c).await?,
    };
    Ok(rows.into_iter().map(Journey::from).collect())
}

async fn advance(conn: &mut Conn, moved: &[(&str, Standing)]) -> Result<(), DbError> {
    match conn.dialect() {
        Dialect::Postgres(c) => {
            sqlx::query(
                "UPDATE onboardings SET stalled_step = m.stalled, waiting_step = m.waiting, next_nudge_at = m.next
                 FROM UNNEST($1::text[], $2::bigint[], $3::bigint[], $4::timestamptz[]) AS m (id, stalled, waiting, next) WHERE onboardings.id = m.id",
            )
            .bind(moved.iter().map(|m| m.0).collect::<Vec<_>>())
            .bind(moved.iter().map(|m| m.1.stalled_step).collect::<Vec<_>>())
            .bind(moved.iter().map(|m| m.1.waiting_step).collect::<Vec<_>>())
            .bind(moved.iter().map(|m| m.1.next_nudge_at).collect::<Vec<_>>())
            .execute(c)
            .await?;
        }
        Dialect::Sqlite(c) => {
            let rows: Vec<_> = moved
                .iter()
                .map(|m| {
                    (m.0, m.1.stalled_step, m.1.waiting_step, m.1.next_nudge_at.map(sqlite_time))
                })
                .collect();
            sqlx::query(
                "UPDATE onboardings SET stalled_step = m.value ->> 1, waiting_step = m.value ->> 2, next_nudge_at = m.value ->> 3
                 FROM json_each($1) AS m WHERE onboardings.id = m.value ->> 0",
            )
            .bind(serde_json::json!(rows).to_string())
            .execute(c)
            .await?;
        }
    }
    Ok(())
}
