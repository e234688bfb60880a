//! Label, position and target of the seven phases, per workspace. Their keys are fixed.

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::audit::{self, Author, Diff, Entry};
use super::hints::{self, Touched};
use crate::db::{Conn, DbError};
use crate::domain::values;
use crate::on;

/// The settings of one phase.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, sqlx::FromRow)]
pub struct Phase {
    /// The fixed word.
    #[sqlx(try_from = "String")]
    pub key: values::Phase,
    /// As shown to people.
    pub label: String,
    /// Place in the journey, from 0.
    pub position: i64,
    /// Days an onboarding should at most spend in it.
    pub target_days: i64,
}

/// The phases of a workspace, in order.
pub async fn list(conn: &mut Conn, workspace_id: &str) -> Result<Vec<Phase>, DbError> {
    on!(conn, |c| {
        sqlx::query_as(
        "SELECT key, label, position, target_days FROM phases WHERE workspace_id = $1 ORDER BY position"
    )
    .bind(workspace_id)
    .fetch_all(c)
    .await
    })
}

/// Writes one phase of a workspace that the caller has locked. If it takes another place, the phases between move up or down by one.
pub async fn update(
    conn: &mut Conn,
    author: &Author,
    workspace_id: &str,
    phases: &[Phase],
    after: &Phase,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    let mut order: Vec<Phase> =
        phases.iter().filter(|phase| phase.key != after.key).cloned().collect();
    let place = usize::try_from(after.position).unwrap_or_default().min(order.len());
    order.insert(place, after.clone());
    for (position, mut phase) in (0_i64..).zip(order) {
        phase.position = position;
        let Some(before) = phases.iter().find(|before| before.key == phase.key) else { continue };
        if *before != phase {
            write(conn, author, workspace_id, before, &phase, now).await?;
        }
    }
    let target = phases.iter().find(|phase| phase.key == after.key).map(|phase| phase.target_days);
    if target == Some(after.target_days) {
        return Ok(());
    }
    hints::refresh(conn, Touched::Workspace(workspace_id), now).await
}

async fn write(
    conn: &mut Conn,
    author: &Author,
    workspace_id: &str,
    before: &Phase,
    after: &Phase,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    on!(conn, |c| {
        sqlx::query(
        "UPDATE phases SET label = $3, position = $4, target_days = $5 WHERE workspace_id = $1 AND key = $2"
    )
    .bind(workspace_id)
    .bind(after.key.as_str())
    .bind(&after.label)
    .bind(after.position)
    .bind(after.target_days)
    .execute(c)
    .await
    .map(|_| ())
    })?;
    let entry = Entry {
        workspace_id,
        event: "phase_updated",
        object: "phase",
        object_id: after.key.as_str(),
        diff: Diff::between(before, after),
        reason: None,
    };
    audit::append(conn, author, entry, now).await
}
