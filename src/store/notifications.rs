//! The ledger as people look at it.

use chrono::{DateTime, NaiveDate, Utc};

use crate::db::{Conn, DbError};
use crate::on;

/// One notification, with the names of those it concerns.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Notification {
    /// `ntf_…`
    pub id: String,
    /// What it is about.
    pub kind: String,
    /// How it goes out.
    pub channel: String,
    /// `live` or `test`.
    pub mode: String,
    /// Where it stands.
    pub state: String,
    /// Why.
    pub reason: Option<String>,
    /// `user` or `contact`.
    pub recipient_type: String,
    /// Their id.
    pub recipient_id: String,
    /// Their name.
    pub recipient_name: Option<String>,
    /// Their address on its channel.
    pub recipient_address: Option<String>,
    /// Local date of its slot or step.
    pub slot_date: NaiveDate,
    /// Rung of the ladder.
    pub step: Option<i64>,
    /// Headline of the message as rendered.
    pub subject: Option<String>,
    /// Earliest delivery.
    pub not_before: DateTime<Utc>,
    /// Latest delivery.
    pub deadline: DateTime<Utc>,
    /// Attempts that counted.
    pub attempt_count: i64,
    /// When it was written.
    pub created_at: DateTime<Utc>,
    /// When it changed last.
    pub updated_at: DateTime<Utc>,
    /// When it was sent.
    pub sent_at: Option<DateTime<Utc>>,
    /// Its onboardings, comma-separated.
    pub onboarding_ids: Option<String>,
}

const SELECT: &str = "SELECT n.id, n.kind, n.channel, n.mode, n.state, n.reason, n.recipient_type, n.recipient_id,
   COALESCE(u.name, c.name) AS recipient_name, CASE WHEN n.channel = 'slack' THEN u.slack_user_id ELSE COALESCE(u.email, c.email) END AS recipient_address,
   n.slot_date, n.step, n.subject, n.not_before, n.deadline, n.attempt_count, n.created_at, n.updated_at, n.sent_at,
   (SELECT string_agg(i.onboarding_id, ',') FROM notification_items i WHERE i.notification_id = n.id) AS onboarding_ids
 FROM notifications n LEFT JOIN users u ON u.id = n.recipient_id LEFT JOIN contacts c ON c.id = n.recipient_id";

/// The newest `limit` notifications about an onboarding, newest first.
pub async fn of_onboarding(
    conn: &mut Conn,
    onboarding_id: &str,
    until: DateTime<Utc>,
    limit: i64,
) -> Result<Vec<Notification>, DbError> {
    const SQL: &str = const_str::concat!(
        SELECT,
        " JOIN notification_items mine ON mine.notification_id = n.id
          WHERE mine.onboarding_id = $1 AND n.created_at <= $2 ORDER BY n.created_at DESC, n.id DESC LIMIT $3"
    );
    on!(conn, |c| sqlx::query_as(SQL)
        .bind(onboarding_id)
        .bind(until)
        .bind(limit)
        .fetch_all(c)
        .await)
}
