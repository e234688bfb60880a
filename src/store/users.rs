//! The vendor's people.

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;

use super::audit::{self, Author, Diff, Entry};
use super::hints::{self, Touched};
use super::{counters, finders};
use crate::db::{Conn, DbError};
use crate::domain::ids::IdKind;
use crate::domain::values::Channel;
use crate::on;

/// A user as stored, with their notification preferences.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, sqlx::FromRow)]
pub struct User {
    /// `user_…`
    pub id: String,
    /// Their workspace.
    #[serde(skip)]
    pub workspace_id: String,
    /// Small number, per workspace.
    pub display_id: i64,
    /// As typed.
    pub name: String,
    /// Lower case.
    pub email: String,
    /// IANA name; none = the workspace's.
    pub time_zone: Option<String>,
    /// `U…`
    pub slack_user_id: Option<String>,
    /// Deactivated people are told nothing.
    pub active: bool,
    /// Set while a permanent refusal by the mail provider stands.
    pub email_flagged_at: Option<DateTime<Utc>>,
    /// Whether they want digests at all.
    pub digest_enabled: bool,
    /// The channel they prefer.
    #[sqlx(try_from = "String")]
    pub digest_channel: Channel,
    /// `07:00`; none = the workspace's.
    pub digest_time: Option<String>,
    /// `mon,tue,…`; none = the workspace's.
    pub digest_days: Option<String>,
    /// Nudges arrive in `[from, until)`.
    pub working_from: String,
    /// End of it.
    pub working_until: String,
    /// Nothing arrives in `[from, until)`.
    pub quiet_from: Option<String>,
    /// End of it.
    pub quiet_until: Option<String>,
    /// First day back.
    pub out_of_office_until: Option<NaiveDate>,
    /// Who stands in meanwhile.
    pub backup_user_id: Option<String>,
    /// Kinds switched off, comma-separated.
    pub muted_kinds: String,
    /// When the preferences changed last.
    #[serde(skip)]
    pub preferences_at: DateTime<Utc>,
    /// When they were added.
    pub created_at: DateTime<Utc>,
    /// When they changed last.
    pub updated_at: DateTime<Utc>,
}

/// A user to add.
#[derive(Clone, Debug)]
pub struct NewUser<'a> {
    /// Where to.
    pub workspace_id: &'a str,
    /// As typed.
    pub name: &'a str,
    /// In any case.
    pub email: &'a str,
    /// IANA name; none = the workspace's.
    pub time_zone: Option<&'a str>,
    /// `U…`
    pub slack_user_id: Option<&'a str>,
}

finders!(User, "SELECT * FROM users");

/// Adds a user; the first one becomes the workspace's owner. An address that is taken is a conflict.
pub async fn create(
    conn: &mut Conn,
    author: &Author,
    new: NewUser<'_>,
    now: DateTime<Utc>,
) -> Result<User, DbError> {
    let (display_id, created_at) = counters::next(conn, new.workspace_id, "user", now).await?;
    let user: User = on!(conn, |c| {
        sqlx::query_as(
        "INSERT INTO users (id, workspace_id, display_id, name, email, time_zone, slack_user_id, active, digest_enabled, digest_channel,
            working_from, working_until, muted_kinds, preferences_at, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8, 'email', '09:00', '18:00', '', $9, $9, $9) RETURNING *"
    )
    .bind(IdKind::User.fresh(created_at))
    .bind(new.workspace_id)
    .bind(display_id)
    .bind(new.name)
    .bind(new.email.to_lowercase())
    .bind(new.time_zone)
    .bind(new.slack_user_id)
    .bind(true)
    .bind(created_at)
    .fetch_one(c)
    .await?
    });
    let owned = on!(conn, |c| {
        sqlx::query(
        "UPDATE workspaces SET owner_user_id = $2, updated_at = $3 WHERE id = $1 AND owner_user_id IS NULL"
    )
    .bind(new.workspace_id)
    .bind(&user.id)
    .bind(now)
    .execute(c)
    .await?
    .rows_affected()
    });
    let entry = Entry {
        workspace_id: new.workspace_id,
        event: "user_created",
        object: "user",
        object_id: &user.id,
        diff: Diff::created(&user),
        reason: None,
    };
    audit::append(conn, author, entry, now).await?;
    if owned == 1 {
        let entry = Entry {
            workspace_id: new.workspace_id,
            event: "workspace_updated",
            object: "workspace",
            object_id: new.workspace_id,
            diff: Diff::field("owner_user_id", None::<String>, user.id.clone()),
            reason: None,
        };
        audit::append(conn, author, entry, now).await?;
        hints::refresh(conn, Touched::Workspace(new.workspace_id), now).await?;
    } else {
        hints::refresh(conn, Touched::User(&user.id), now).await?;
    }
    Ok(user)
}
