//! Workspaces: a vendor's team and its settings.

use std::collections::BTreeSet;

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;

use super::audit::{self, Author, Diff, Entry};
use super::fetch_locked;
use super::hints::{self, Touched};
use crate::db::{Conn, DbError};
use crate::domain::ids::IdKind;
use crate::domain::values::{Locale, Phase};
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
    /// Sender's name of mails to staff; none = made from the workspace's.
    pub mail_name: Option<String>,
    /// Where answers of staff go; none = to the sender.
    pub reply_to: Option<String>,
    /// Postal address under mails; none = the installation's.
    pub footer_address: Option<String>,
    /// Whether customers are named where a lock screen shows it.
    pub names_in_subjects: bool,
    /// Language of its messages: `en`, `de`.
    pub locale: String,
    /// When it was created.
    #[serde(serialize_with = "audit::instant")]
    pub created_at: DateTime<Utc>,
    /// When its settings changed last.
    #[serde(serialize_with = "audit::instant")]
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

/// The language that all workspaces speak; `None` where they differ or where there is none.
pub async fn common_language(conn: &mut Conn) -> Result<Option<Locale>, DbError> {
    const SQL: &str = "SELECT DISTINCT locale FROM workspaces LIMIT 2";
    let spoken: Vec<(String,)> = on!(conn, |c| sqlx::query_as(SQL).fetch_all(c).await?);
    Ok(match spoken.as_slice() {
        [(only,)] => only.parse().ok(),
        _ => None,
    })
}

/// The workspace of an id, locked until the transaction ends.
pub async fn lock(conn: &mut Conn, id: &str) -> Result<Option<Workspace>, DbError> {
    fetch_locked!(conn, Workspace, "SELECT * FROM workspaces WHERE id = $1", id)
}

/// Writes the settings of a workspace that the caller has locked and changed.
pub async fn update(
    conn: &mut Conn,
    author: &Author,
    before: Workspace,
    mut after: Workspace,
    now: DateTime<Utc>,
) -> Result<Workspace, DbError> {
    if after == before {
        return Ok(before);
    }
    after.updated_at = now.max(before.updated_at);
    on!(conn, |c| {
        sqlx::query(
        "UPDATE workspaces SET name = $2, time_zone = $3, working_days = $4, digest_time = $5, waiting_steps = $6, owner_user_id = $7,
            escalation_user_id = $8, customer_reminders = $9, mail_from = $10, mail_name = $11, reply_to = $12, footer_address = $13,
            names_in_subjects = $14, locale = $15, updated_at = $16 WHERE id = $1"
    )
    .bind(&after.id)
    .bind(&after.name)
    .bind(&after.time_zone)
    .bind(&after.working_days)
    .bind(&after.digest_time)
    .bind(&after.waiting_steps)
    .bind(&after.owner_user_id)
    .bind(&after.escalation_user_id)
    .bind(after.customer_reminders)
    .bind(&after.mail_from)
    .bind(&after.mail_name)
    .bind(&after.reply_to)
    .bind(&after.footer_address)
    .bind(after.names_in_subjects)
    .bind(&after.locale)
    .bind(after.updated_at)
    .execute(c)
    .await
    .map(|_| ())
    })?;
    log(conn, author, &after.id, Diff::between(&before, &after), now).await?;
    if after.moves_hints(&before) {
        hints::refresh(conn, Touched::Workspace(&after.id), now).await?;
    }
    Ok(after)
}

impl Workspace {
    /// Whether what the hints are computed from differs; recomputing them takes time in a large workspace.
    fn moves_hints(&self, before: &Self) -> bool {
        self.time_zone != before.time_zone
            || self.working_days != before.working_days
            || self.digest_time != before.digest_time
            || self.waiting_steps != before.waiting_steps
            || self.owner_user_id != before.owner_user_id
    }
}

async fn log(
    conn: &mut Conn,
    author: &Author,
    workspace_id: &str,
    diff: Diff,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    let entry = Entry {
        workspace_id,
        event: "workspace_updated",
        object: "workspace",
        object_id: workspace_id,
        diff,
        reason: None,
    };
    audit::append(conn, author, entry, now).await
}

/// The dates on which a workspace does not work, in order.
pub async fn holidays(conn: &mut Conn, id: &str) -> Result<BTreeSet<NaiveDate>, DbError> {
    let rows: Vec<(NaiveDate,)> =
        on!(conn, |c| sqlx::query_as("SELECT date FROM holidays WHERE workspace_id = $1")
            .bind(id)
            .fetch_all(c)
            .await?);
    Ok(rows.into_iter().map(|(date,)| date).collect())
}

/// Replaces the holidays of a workspace that the caller has locked.
pub async fn set_holidays(
    conn: &mut Conn,
    author: &Author,
    id: &str,
    dates: &BTreeSet<NaiveDate>,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    let before = holidays(conn, id).await?;
    if before == *dates {
        return Ok(());
    }
    for date in before.difference(dates) {
        on!(conn, |c| sqlx::query("DELETE FROM holidays WHERE workspace_id = $1 AND date = $2")
            .bind(id)
            .bind(date)
            .execute(c)
            .await
            .map(|_| ()))?;
    }
    for date in dates.difference(&before) {
        on!(conn, |c| sqlx::query("INSERT INTO holidays (workspace_id, date) VALUES ($1, $2)")
            .bind(id)
            .bind(date)
            .execute(c)
            .await
            .map(|_| ()))?;
    }
    on!(conn, |c| sqlx::query("UPDATE workspaces SET updated_at = $2 WHERE id = $1")
        .bind(id)
        .bind(now)
        .execute(c)
        .await
        .map(|_| ()))?;
    let diff = Diff::field("holidays", serde_json::json!(before), serde_json::json!(dates));
    log(conn, author, id, diff, now).await?;
    hints::refresh(conn, Touched::Workspace(id), now).await
}
