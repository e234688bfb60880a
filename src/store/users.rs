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
    #[serde(serialize_with = "audit::instant_or_null")]
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
    #[serde(serialize_with = "audit::instant")]
    pub created_at: DateTime<Utc>,
    /// When they changed last.
    #[serde(serialize_with = "audit::instant")]
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

/// The users of a workspace created before `cursor`, newest first, deactivated ones included.
pub async fn list(
    conn: &mut Conn,
    workspace_id: &str,
    cursor: DateTime<Utc>,
    limit: i64,
) -> Result<Vec<User>, DbError> {
    on!(conn, |c| {
        sqlx::query_as(
        "SELECT * FROM users WHERE workspace_id = $1 AND created_at < $2 ORDER BY created_at DESC LIMIT $3"
    )
    .bind(workspace_id)
    .bind(cursor)
    .bind(limit)
    .fetch_all(c)
    .await
    })
}

/// The active users with a Slack id, oldest first; one in each workspace that they belong to.
pub async fn of_slack(conn: &mut Conn, slack_user_id: &str) -> Result<Vec<User>, DbError> {
    const SQL: &str = "SELECT * FROM users WHERE slack_user_id = $1 AND active ORDER BY created_at";
    on!(conn, |c| sqlx::query_as(SQL).bind(slack_user_id).fetch_all(c).await)
}

/// Whether another user of the workspace has the address.
pub async fn email_taken(
    conn: &mut Conn,
    workspace_id: &str,
    email: &str,
    except: &str,
) -> Result<bool, DbError> {
    let found: Option<(String,)> = on!(conn, |c| sqlx::query_as(
        "SELECT id FROM users WHERE workspace_id = $1 AND email = $2 AND id <> $3"
    )
    .bind(workspace_id)
    .bind(email)
    .bind(except)
    .fetch_optional(c)
    .await?);
    Ok(found.is_some())
}

/// The first user of a workspace who is active.
pub async fn first_active(conn: &mut Conn, workspace_id: &str) -> Result<Option<User>, DbError> {
    on!(conn, |c| sqlx::query_as(
        "SELECT * FROM users WHERE workspace_id = $1 AND active ORDER BY created_at LIMIT 1"
    )
    .bind(workspace_id)
    .fetch_optional(c)
    .await)
}

/// Writes a user that the caller has locked and changed. A new address has not been refused by anybody yet.
pub async fn update(
    conn: &mut Conn,
    author: &Author,
    before: User,
    mut after: User,
    now: DateTime<Utc>,
) -> Result<User, DbError> {
    if after == before {
        return Ok(before);
    }
    if after.email != before.email {
        after.email_flagged_at = None;
    }
    if after.preferences_differ(&before) {
        after.preferences_at = now.max(before.preferences_at);
    }
    if after.person_differs(&before) {
        after.updated_at = now.max(before.updated_at);
    }
    on!(conn, |c| {
        sqlx::query(
        "UPDATE users SET name = $2, email = $3, time_zone = $4, slack_user_id = $5, active = $6, email_flagged_at = $7, digest_enabled = $8,
            digest_channel = $9, digest_time = $10, digest_days = $11, working_from = $12, working_until = $13, quiet_from = $14,
            quiet_until = $15, out_of_office_until = $16, backup_user_id = $17, muted_kinds = $18, preferences_at = $19, updated_at = $20
         WHERE id = $1"
    )
    .bind(&after.id)
    .bind(&after.name)
    .bind(&after.email)
    .bind(&after.time_zone)
    .bind(&after.slack_user_id)
    .bind(after.active)
    .bind(after.email_flagged_at)
    .bind(after.digest_enabled)
    .bind(after.digest_channel.as_str())
    .bind(&after.digest_time)
    .bind(&after.digest_days)
    .bind(&after.working_from)
    .bind(&after.working_until)
    .bind(&after.quiet_from)
    .bind(&after.quiet_until)
    .bind(after.out_of_office_until)
    .bind(&after.backup_user_id)
    .bind(&after.muted_kinds)
    .bind(after.preferences_at)
    .bind(after.updated_at)
    .execute(c)
    .await
    .map(|_| ())
    })?;
    let entry = Entry {
        workspace_id: &after.workspace_id,
        event: if before.active && !after.active { "user_deactivated" } else { "user_updated" },
        object: "user",
        object_id: &after.id,
        diff: Diff::between(&before, &after),
        reason: None,
    };
    audit::append(conn, author, entry, now).await?;
    let moves_hints = after.active != before.active
        || after.time_zone != before.time_zone
        || after.preferences_at != before.preferences_at;
    if moves_hints {
        hints::refresh(conn, Touched::User(&after.id), now).await?;
    }
    Ok(after)
}

impl User {
    /// Whether what `/users` shows differs.
    fn person_differs(&self, other: &Self) -> bool {
        let person = |user: &Self| {
            (
                user.name.clone(),
                user.email.clone(),
                user.time_zone.clone(),
                user.slack_user_id.clone(),
                user.active,
                user.email_flagged_at,
            )
        };
        person(self) != person(other)
    }

    /// Whether what `/notification_preferences` shows differs.
    fn preferences_differ(&self, other: &Self) -> bool {
        let same_person = Self {
            name: other.name.clone(),
            email: other.email.clone(),
            time_zone: other.time_zone.clone(),
            slack_user_id: other.slack_user_id.clone(),
            active: other.active,
            email_flagged_at: other.email_flagged_at,
            ..self.clone()
        };
        same_person != *other
    }
}

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
