//! Posts to Slack of which nobody knows whether they arrived, and what Slack itself knows of them.

use chrono::{DateTime, TimeDelta, Utc};

use super::audit::{self, Author, Diff, Entry};
use super::ledger::{self, UNTIL_DECIDED};
use crate::db::{Conn, DbError};
use crate::domain::values::NotificationState;
use crate::on;

/// How long a post that is in doubt is left alone first: it may only just be on its way.
const SETTLED: TimeDelta = TimeDelta::seconds(20);

/// How long Slack is asked for it. After that an operator decides.
const WORTH_ASKING: TimeDelta = TimeDelta::minutes(10);

/// A post in doubt.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Doubt {
    /// `ntf_…`
    pub id: String,
    /// Its workspace.
    pub workspace_id: String,
    /// The Slack id of its reader.
    pub slack_user_id: String,
    /// When it was tried first.
    pub since: DateTime<Utc>,
}

/// The posts that Slack may be asked for at `now`.
pub async fn open(conn: &mut Conn, now: DateTime<Utc>) -> Result<Vec<Doubt>, DbError> {
    const SQL: &str = "SELECT n.id, n.workspace_id, u.slack_user_id, COALESCE(n.first_attempt_at, n.updated_at) AS since
         FROM notifications n JOIN users u ON u.id = n.recipient_id
         WHERE n.finished_at IS NULL AND n.not_before >= $1 AND n.state = 'ambiguous' AND n.channel = 'slack' AND n.mode = 'live'
           AND n.updated_at > $2 AND n.updated_at <= $3 AND u.slack_user_id IS NOT NULL ORDER BY n.id LIMIT 50";
    on!(conn, |c| sqlx::query_as(SQL)
        .bind(UNTIL_DECIDED)
        .bind(now - WORTH_ASKING)
        .bind(now - SETTLED)
        .fetch_all(c)
        .await)
}

/// Slack has it: the doubt is over, unless somebody has decided meanwhile.
pub async fn found(
    conn: &mut Conn,
    doubt: &Doubt,
    provider_ref: &str,
    now: DateTime<Utc>,
) -> Result<bool, DbError> {
    const SQL: &str = "UPDATE notifications SET provider_ref = $2 WHERE id = $1";
    let Some(row) = ledger::lock(conn, &doubt.workspace_id, &doubt.id).await? else {
        return Ok(false);
    };
    if row.state != NotificationState::Ambiguous {
        return Ok(false);
    }
    ledger::settle(conn, &row, now).await?;
    on!(conn, |c| sqlx::query(SQL).bind(&doubt.id).bind(provider_ref).execute(c).await.map(drop))?;
    let entry = Entry {
        workspace_id: &doubt.workspace_id,
        event: "notification_delivered",
        object: "notification",
        object_id: &doubt.id,
        diff: Diff::field("state", "ambiguous", "sent"),
        reason: Some("Slack has it, by the id in its metadata"),
    };
    audit::append(conn, &Author::system(), entry, now).await?;
    Ok(true)
}
