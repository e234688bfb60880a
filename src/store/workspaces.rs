//! Workspaces: a vendor's team and its settings.

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::audit::{self, Author, Diff, Entry};
use super::fetch_locked;
use crate::db::{Conn, DbError};
use crate::domain::ids::IdKind;
use crate::domain::values::Phase;
use crate::on;

/// A workspace as stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, sqlx::FromRow)]
pub struct Workspace {
    /// `ws_…`
    pub id: String,
    /// Handle for the command line.
    pub slug: String,
    /// As shown to people.
    pub name: String,
    /// IANA name.
    pub time_zone: String,
    /// `mon,tue,…`
    pub working_days: String,
    /// `07:00`
    pub digest_time: String,
    /// Business days of the waiting ladder: `3,5,10,15`.
    pub waiting_steps: String,
    /// Hears of onboardings without an active CSM.
    pub owner_user_id: Option<String>,
    /// Also hears of the last waiting step.
    pub escalation_user_id: Option<String>,
    /// Whether customers are reminded at all.
    pub customer_reminders: bool,
    /// Sender's address; none = the installation's.
    pub mail_from: Option<String>,
    /// When it was created.
    pub created_at: DateTime<Utc>,
    /// When its settings changed last.
    pub updated_at: DateTime<Utc>,
}

/// Days an onboarding should at most spend in a phase, until somebody says otherwise.
const TARGET_DAYS: i64 = 7;

/// Makes a workspace with its seven phases. A slug that is taken is a conflict.
pub async fn create(
    conn: &mut Conn,
    author: &Author,
    slug: &str,
    name: &str,
    time_zone: &str,
    now: DateTime<Utc>,
) -> Result<Workspace, DbError> {
    let workspace: Workspace = on!(conn, |c| {
        sqlx::query_as(
        "INSERT INTO workspaces (id, slug, name, time_zone, working_days, digest_time, waiting_steps, customer_reminders, names_in_subjects, created_at, updated_at)
         VALUES ($1, $2, $3, $4, 'mon,tue,wed,thu,fri', '07:00', '3,5,10,15', $5, $6, $7, $7) RETURNING *"
    )
    .bind(IdKind::Workspace.fresh(now))
    .bind(slug)
    .bind(name)
    .bind(time_zone)
    .bind(false)
    .bind(true)
    .bind(now)
    .fetch_one(c)
    .await?
    });
    for (position, phase) in (0_i64..).zip(Phase::ALL) {
        on!(conn, |c| {
            sqlx::query(
            "INSERT INTO phases (workspace_id, key, label, position, target_days) VALUES ($1, $2, $3, $4, $5)"
        )
        .bind(&workspace.id)
        .bind(phase.as_str())
        .bind(phase.default_label())
        .bind(position)
        .bind(TARGET_DAYS)
        .execute(c)
        .await
        .map(|_| ())
        })?;
    }
    let entry = Entry {
        workspace_id: &workspace.id,
        event: "workspace_created",
        object: "workspace",
        object_id: &workspace.id,
        diff: Diff::created(&workspace),
        reason: None,
    };
    audit::append(conn, author, entry, now).await?;
    Ok(workspace)
}

/// The workspace of an id.
pub async fn get(conn: &mut Conn, id: &str) -> Result<Option<Workspace>, DbError> {
    on!(conn, |c| sqlx::query_as("SELECT * FROM workspaces WHERE id = $1")
        .bind(id)
        .fetch_optional(c)
        .await)
}

/// The workspace of a slug.
pub async fn find_by_slug(conn: &mut Conn, slug: &str) -> Result<Option<Workspace>, DbError> {
    on!(conn, |c| sqlx::query_as("SELECT * FROM workspaces WHERE slug = $1")
        .bind(slug)
        .fetch_optional(c)
        .await)
}

/// The workspace of an id, locked until the transaction ends.
pub async fn lock(conn: &mut Conn, id: &str) -> Result<Option<Workspace>, DbError> {
    fetch_locked!(conn, Workspace, "SELECT * FROM workspaces WHERE id = $1", id)
}
