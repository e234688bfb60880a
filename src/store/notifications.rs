//! The ledger as people look at it. What they look for is found by `search`.

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;

use super::audit::instant;
use crate::db::{Conn, DbError};
use crate::domain::values::{Kind, NotificationState};
use crate::{fetch_by_ids, on};

mod search;

pub use search::{Cursor, Filter, Key, count_up_to, keys, list};

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
    /// The reason's numbers in words.
    pub detail: Option<String>,
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
    /// The notification that it repeats, where an operator had one sent anew.
    pub resend_of: Option<String>,
    /// Its onboardings, comma-separated.
    pub onboarding_ids: Option<String>,
}

macro_rules! select {
    () => {
        "SELECT n.id, n.kind, n.channel, n.mode, n.state, n.reason, n.detail, n.recipient_type, n.recipient_id,
   COALESCE(u.name, c.name) AS recipient_name, CASE WHEN n.channel = 'slack' THEN u.slack_user_id ELSE COALESCE(u.email, c.email) END AS recipient_address,
   n.slot_date, n.step, n.subject, n.not_before, n.deadline, n.attempt_count, n.created_at, n.updated_at, n.sent_at, n.resend_of,
   (SELECT string_agg(i.onboarding_id, ',') FROM notification_items i WHERE i.notification_id = n.id) AS onboarding_ids
 FROM notifications n LEFT JOIN users u ON u.id = n.recipient_id LEFT JOIN contacts c ON c.id = n.recipient_id"
    };
}
const SELECT: &str = select!();

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

/// The local date of the last digest before `date` that told of an onboarding, or is to.
pub async fn last_digest_before(
    conn: &mut Conn,
    onboarding_id: &str,
    date: NaiveDate,
) -> Result<Option<NaiveDate>, DbError> {
    const SQL: &str = "SELECT n.slot_date FROM notification_items i JOIN notifications n ON n.id = i.notification_id
         WHERE i.onboarding_id = $1 AND n.kind = 'digest' AND n.slot_date < $2 AND n.state NOT IN ('skipped', 'failed', 'cancelled')
         ORDER BY n.slot_date DESC LIMIT 1";
    let found: Option<(NaiveDate,)> =
        on!(conn, |c| sqlx::query_as(SQL).bind(onboarding_id).bind(date).fetch_optional(c).await?);
    Ok(found.map(|(date,)| date))
}

/// Where the newest digest of a day stands in which somebody is told of an onboarding; `None` when none is written.
pub async fn digest_of(
    conn: &mut Conn,
    onboarding_id: &str,
    recipient_id: &str,
    date: NaiveDate,
) -> Result<Option<NotificationState>, DbError> {
    const SQL: &str = "SELECT n.state FROM notification_items i JOIN notifications n ON n.id = i.notification_id
         WHERE i.onboarding_id = $1 AND n.kind = 'digest' AND n.recipient_id = $2 AND n.slot_date = $3
         ORDER BY n.created_at DESC, n.id DESC LIMIT 1";
    let found: Option<(String,)> = on!(conn, |c| sqlx::query_as(SQL)
        .bind(onboarding_id)
        .bind(recipient_id)
        .bind(date)
        .fetch_optional(c)
        .await?);
    Ok(found.and_then(|(state,)| state.parse().ok()))
}

/// When the newest nudge about a step of an onboarding's ladder was written, and where it stands; `None` when there is none any more.
pub async fn nudge_of_step(
    conn: &mut Conn,
    onboarding_id: &str,
    kind: Kind,
    step: i64,
) -> Result<Option<(DateTime<Utc>, NotificationState)>, DbError> {
    const SQL: &str = "SELECT n.created_at, n.state FROM notification_items i JOIN notifications n ON n.id = i.notification_id
         WHERE i.onboarding_id = $1 AND n.kind = $2 AND n.step = $3 ORDER BY n.created_at DESC, n.id DESC LIMIT 1";
    let found: Option<(DateTime<Utc>, String)> = on!(conn, |c| sqlx::query_as(SQL)
        .bind(onboarding_id)
        .bind(kind.as_str())
        .bind(step)
        .fetch_optional(c)
        .await?);
    // A state that this version does not know is no reason to fail: its row says nothing.
    Ok(found.and_then(|(at, state)| Some((at, state.parse().ok()?))))
}

/// One notification of a workspace.
pub async fn find(
    conn: &mut Conn,
    workspace_id: &str,
    id: &str,
) -> Result<Option<Notification>, DbError> {
    const SQL: &str = const_str::concat!(SELECT, " WHERE n.workspace_id = $1 AND n.id = $2");
    on!(conn, |c| sqlx::query_as(SQL).bind(workspace_id).bind(id).fetch_optional(c).await)
}

/// The notifications of these ids, in no order.
pub async fn of_ids(conn: &mut Conn, ids: &[String]) -> Result<Vec<Notification>, DbError> {
    fetch_by_ids!(conn, Notification, concat!(select!(), " WHERE n.id"), ids, "")
}

/// Where a notification belongs.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Home {
    /// `ntf_…`
    pub id: String,
    /// Its workspace.
    pub workspace_id: String,
    /// What it is about.
    pub kind: String,
}

/// Where the notifications of these ids belong; none for what is not there any more.
pub async fn homes(conn: &mut Conn, ids: &[String]) -> Result<Vec<Home>, DbError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    fetch_by_ids!(conn, Home, "SELECT id, workspace_id, kind FROM notifications WHERE id", ids, "")
}

/// An onboarding that a notification is about, by its names.
#[derive(Clone, Debug, Serialize, sqlx::FromRow, schemars::JsonSchema)]
#[schemars(inline)]
pub struct Subject {
    /// `onb_…`
    pub id: String,
    /// The number that people use.
    pub display_id: i64,
    /// Its customer.
    pub customer_id: String,
    /// The customer's name.
    pub customer_name: String,
}

/// The onboardings that a notification is about.
pub async fn subjects(conn: &mut Conn, id: &str) -> Result<Vec<Subject>, DbError> {
    const SQL: &str = "SELECT o.id, o.display_id, o.customer_id, c.name AS customer_name FROM notification_items i
         JOIN onboardings o ON o.id = i.onboarding_id JOIN customers c ON c.id = o.customer_id
         WHERE i.notification_id = $1 ORDER BY o.display_id";
    on!(conn, |c| sqlx::query_as(SQL).bind(id).fetch_all(c).await)
}

/// One try to deliver, as it is kept.
#[derive(Clone, Debug, Serialize, sqlx::FromRow, schemars::JsonSchema)]
#[schemars(inline)]
pub struct Attempt {
    /// From 1, in order of claims.
    pub number: i64,
    /// When it began.
    #[serde(serialize_with = "instant")]
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub at: DateTime<Utc>,
    /// Process that made it.
    pub worker: String,
    /// How far it came.
    #[sqlx(rename = "stage")]
    pub phase: String,
    /// How it ended.
    pub outcome: String,
    /// The provider's answer.
    pub reply: String,
    /// How long it took.
    pub duration_ms: i64,
}

/// The attempts to deliver a notification, in order.
pub async fn attempts(conn: &mut Conn, id: &str) -> Result<Vec<Attempt>, DbError> {
    const SQL: &str = "SELECT number, at, worker, stage, outcome, reply, duration_ms FROM attempts WHERE notification_id = $1 ORDER BY number";
    on!(conn, |c| sqlx::query_as(SQL).bind(id).fetch_all(c).await)
}

/// The notifications that operators had sent anew in place of this one, oldest first.
pub async fn resends(conn: &mut Conn, id: &str) -> Result<Vec<String>, DbError> {
    const SQL: &str = "SELECT id FROM notifications WHERE resend_of = $1 ORDER BY id";
    let rows: Vec<(String,)> = on!(conn, |c| sqlx::query_as(SQL).bind(id).fetch_all(c).await?);
    Ok(rows.into_iter().map(|(id,)| id).collect())
}
