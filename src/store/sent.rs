//! Notifications as the messages that their readers answer to, by link or button.

use chrono::{DateTime, NaiveDate, Utc};

use crate::db::{Conn, DbError};
use crate::domain::ids::IdKind;
use crate::domain::values::{Channel, Kind, Mode, NotificationState, RecipientType};
use crate::on;

/// What must be known of a message to obey a click in it.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Sent {
    /// `ntf_…`
    pub id: String,
    /// Its workspace.
    pub workspace_id: String,
    /// What it is about.
    #[sqlx(try_from = "String")]
    pub kind: Kind,
    /// How it went out.
    #[sqlx(try_from = "String")]
    pub channel: Channel,
    /// A test message was read by nobody whom a click could come from.
    #[sqlx(try_from = "String")]
    pub mode: Mode,
    /// Where it stands.
    #[sqlx(try_from = "String")]
    pub state: NotificationState,
    /// Whether its reader is a user or a contact.
    #[sqlx(try_from = "String")]
    pub recipient_type: RecipientType,
    /// Its reader.
    pub recipient_id: String,
    /// The onboarding of a nudge.
    pub subject_id: Option<String>,
    /// Whether the reader is the escalation user.
    pub escalation: bool,
    /// Local date of its slot or step.
    pub slot_date: NaiveDate,
    /// When it was decided.
    pub created_at: DateTime<Utc>,
    /// The provider's own name for it.
    pub provider_ref: Option<String>,
}

impl Sent {
    /// Where it is on Slack: the conversation and the time stamp that names it there.
    #[must_use]
    pub fn on_slack(&self) -> Option<(&str, &str)> {
        self.provider_ref.as_deref()?.split_once(':').filter(|_| self.channel == Channel::Slack)
    }
}

const SELECT: &str = "SELECT n.id, n.workspace_id, n.kind, n.channel, n.mode, n.state, n.recipient_type, n.recipient_id, n.subject_id, n.escalation,
   n.slot_date, n.created_at, n.provider_ref FROM notifications n";

/// The message of an id.
pub async fn find(conn: &mut Conn, id: &str) -> Result<Option<Sent>, DbError> {
    const SQL: &str = const_str::concat!(SELECT, " WHERE n.id = $1");
    on!(conn, |c| sqlx::query_as(SQL).bind(id).fetch_optional(c).await)
}

/// The nudges about an onboarding that went out on Slack and were decided since `since`, oldest first.
pub async fn slack_nudges(
    conn: &mut Conn,
    onboarding_id: &str,
    since: DateTime<Utc>,
) -> Result<Vec<Sent>, DbError> {
    const SQL: &str = const_str::concat!(
        SELECT,
        " JOIN notification_items i ON i.notification_id = n.id
          WHERE i.onboarding_id = $1 AND i.notification_id >= $2 AND n.channel = 'slack' AND n.kind IN ('stalled_phase', 'waiting_on_customer')
            AND n.state = 'sent' ORDER BY n.id"
    );
    // Ids are ordered by time, so the index on items finds the recent ones alone.
    let since = IdKind::Notification.first(since);
    on!(conn, |c| sqlx::query_as(SQL).bind(onboarding_id).bind(since).fetch_all(c).await)
}

/// The onboardings that a message was about, by id.
pub async fn onboarding_ids(conn: &mut Conn, id: &str) -> Result<Vec<String>, DbError> {
    const SQL: &str = "SELECT onboarding_id FROM notification_items WHERE notification_id = $1 ORDER BY onboarding_id";
    let rows: Vec<(String,)> = on!(conn, |c| sqlx::query_as(SQL).bind(id).fetch_all(c).await?);
    Ok(rows.into_iter().map(|(id,)| id).collect())
}
