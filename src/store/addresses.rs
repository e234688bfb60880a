//! Refusals that are remembered: an address that a provider refused for good is not tried again until it changes or an operator clears it.

use chrono::{DateTime, Utc};

use super::audit::{self, Author, Diff, Entry};
use super::hints::{self, Touched};
use super::ledger::Claimed;
use crate::db::{Conn, DbError};
use crate::domain::values::{Channel, Kind, RecipientType};
use crate::on;

/// An address that was refused.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Flagged {
    /// Whose it is.
    #[sqlx(try_from = "String")]
    pub owner: RecipientType,
    /// The user's or contact's id.
    pub id: String,
    /// Their name.
    pub name: String,
    /// The channel it is for.
    #[sqlx(try_from = "String")]
    pub channel: Channel,
    /// The address itself.
    pub address: String,
    /// When it was refused.
    pub flagged_at: DateTime<Utc>,
}

/// Flags the address that `n` went to.
pub async fn flag(conn: &mut Conn, n: &Claimed, now: DateTime<Utc>) -> Result<(), DbError> {
    const CONTACT: &str =
        "UPDATE contacts SET email_flagged_at = $2 WHERE id = $1 AND email_flagged_at IS NULL";
    const EMAIL: &str =
        "UPDATE users SET email_flagged_at = $2 WHERE id = $1 AND email_flagged_at IS NULL";
    const SLACK: &str =
        "UPDATE users SET slack_flagged_at = $2 WHERE id = $1 AND slack_flagged_at IS NULL";
    let (sql, object, column) = match (n.kind, n.channel) {
        (Kind::CustomerReminder, _) => (CONTACT, "contact", EMAIL_FLAG),
        (_, Channel::Email) => (EMAIL, "user", EMAIL_FLAG),
        (_, Channel::Slack) => (SLACK, "user", SLACK_FLAG),
    };
    let flagged = on!(conn, |c| sqlx::query(sql)
        .bind(&n.recipient_id)
        .bind(now)
        .execute(c)
        .await?
        .rows_affected());
    if flagged == 0 {
        return Ok(());
    }
    let entry = Entry {
        workspace_id: &n.workspace_id,
        event: "address_refused",
        object,
        object_id: &n.recipient_id,
        diff: Diff::field(column, serde_json::Value::Null, audit::shown(now)),
        reason: None,
    };
    audit::append(conn, &Author::system(), entry, now).await
}

const EMAIL_FLAG: &str = "email_flagged_at";
const SLACK_FLAG: &str = "slack_flagged_at";

/// The flagged addresses of a workspace, those refused last first.
pub async fn flagged(conn: &mut Conn, workspace_id: &str) -> Result<Vec<Flagged>, DbError> {
    const SQL: &str = "SELECT * FROM (
           SELECT 'user' AS owner, id, name, 'email' AS channel, email AS address, email_flagged_at AS flagged_at FROM users
           WHERE workspace_id = $1 AND email_flagged_at IS NOT NULL
           UNION ALL SELECT 'user', id, name, 'slack', slack_user_id, slack_flagged_at FROM users
           WHERE workspace_id = $1 AND slack_flagged_at IS NOT NULL AND slack_user_id IS NOT NULL
           UNION ALL SELECT 'contact', id, name, 'email', email, email_flagged_at FROM contacts
           WHERE workspace_id = $1 AND email_flagged_at IS NOT NULL AND deleted_at IS NULL
         ) f ORDER BY flagged_at DESC, id, channel";
    on!(conn, |c| sqlx::query_as(SQL).bind(workspace_id).fetch_all(c).await)
}

/// When the address of a recipient on a channel was refused, if it was.
pub async fn flagged_at(
    conn: &mut Conn,
    owner: RecipientType,
    id: &str,
    channel: Channel,
) -> Result<Option<DateTime<Utc>>, DbError> {
    const CONTACT: &str = "SELECT email_flagged_at FROM contacts WHERE id = $1";
    const EMAIL: &str = "SELECT email_flagged_at FROM users WHERE id = $1";
    const SLACK: &str = "SELECT slack_flagged_at FROM users WHERE id = $1";
    let sql = match (owner, channel) {
        (RecipientType::Contact, _) => CONTACT,
        (RecipientType::User, Channel::Email) => EMAIL,
        (RecipientType::User, Channel::Slack) => SLACK,
    };
    let found: Option<(Option<DateTime<Utc>>,)> =
        on!(conn, |c| sqlx::query_as(sql).bind(id).fetch_optional(c).await?);
    Ok(found.and_then(|(at,)| at))
}

/// Takes a flag off; answers with the name of its column, or `None` if it is off already.
pub async fn clear(
    conn: &mut Conn,
    flagged: &Flagged,
    now: DateTime<Utc>,
) -> Result<Option<&'static str>, DbError> {
    const CONTACT: &str = "UPDATE contacts SET email_flagged_at = NULL, updated_at = $2 WHERE id = $1 AND email_flagged_at IS NOT NULL";
    const EMAIL: &str = "UPDATE users SET email_flagged_at = NULL, updated_at = $2 WHERE id = $1 AND email_flagged_at IS NOT NULL";
    const SLACK: &str = "UPDATE users SET slack_flagged_at = NULL, updated_at = $2 WHERE id = $1 AND slack_flagged_at IS NOT NULL";
    let (sql, column) = match (flagged.owner, flagged.channel) {
        (RecipientType::Contact, _) => (CONTACT, EMAIL_FLAG),
        (RecipientType::User, Channel::Email) => (EMAIL, EMAIL_FLAG),
        (RecipientType::User, Channel::Slack) => (SLACK, SLACK_FLAG),
    };
    let cleared = on!(conn, |c| sqlx::query(sql)
        .bind(&flagged.id)
        .bind(now)
        .execute(c)
        .await
        .map(|done| done.rows_affected()))?;
    if cleared == 0 {
        return Ok(None);
    }
    if flagged.owner == RecipientType::User {
        hints::refresh(conn, Touched::User(&flagged.id), now).await?;
    }
    Ok(Some(column))
}
