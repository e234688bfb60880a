//! The messages that stayed in the house: captured because no provider is configured, suppressed because a test key caused them.

use chrono::{DateTime, Utc};

use super::ledger;
use crate::db::{Conn, DbError};
use crate::domain::message::Message;
use crate::domain::values::{Channel, Kind, NotificationState};
use crate::on;

/// One message in the list.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Kept {
    /// `ntf_…`
    pub id: String,
    /// What it is about.
    #[sqlx(try_from = "String")]
    pub kind: Kind,
    /// How it would have gone out.
    #[sqlx(try_from = "String")]
    pub channel: Channel,
    /// `sent` for captured ones, `suppressed`.
    #[sqlx(try_from = "String")]
    pub state: NotificationState,
    /// Why it was suppressed.
    pub reason: Option<String>,
    /// Its headline.
    pub subject: Option<String>,
    /// When it ended.
    pub finished_at: DateTime<Utc>,
    /// Name of the recipient.
    pub recipient: String,
    /// Address of the recipient on its channel.
    pub address: Option<String>,
    /// Name of the workspace.
    pub workspace: String,
}

const KEPT: &str = "SELECT n.id, n.kind, n.channel, n.state, n.reason, n.subject, n.finished_at,
   COALESCE(u.name, c.name, n.recipient_id) AS recipient, CASE WHEN n.channel = 'slack' THEN u.slack_user_id ELSE COALESCE(u.email, c.email) END AS address,
   w.name AS workspace
 FROM notifications n JOIN workspaces w ON w.id = n.workspace_id
 LEFT JOIN users u ON u.id = n.recipient_id LEFT JOIN contacts c ON c.id = n.recipient_id
 WHERE n.finished_at IS NOT NULL AND (n.state = 'suppressed' OR n.provider_ref = 'captured')";

/// The newest `limit` messages that ended before `before`.
pub async fn list(
    conn: &mut Conn,
    before: DateTime<Utc>,
    limit: i64,
) -> Result<Vec<Kept>, DbError> {
    const SQL: &str = const_str::concat!(
        KEPT,
        " AND n.finished_at < $1 ORDER BY n.finished_at DESC, n.id DESC LIMIT $2"
    );
    on!(conn, |c| sqlx::query_as(SQL).bind(before).bind(limit).fetch_all(c).await)
}

/// One message with its body, as rendered.
pub async fn get(conn: &mut Conn, id: &str) -> Result<Option<(Kept, Message)>, DbError> {
    const SQL: &str = const_str::concat!(KEPT, " AND n.id = $1");
    let kept: Option<Kept> = on!(conn, |c| sqlx::query_as(SQL).bind(id).fetch_optional(c).await?);
    Ok(kept.zip(ledger::message(conn, id).await?))
}
