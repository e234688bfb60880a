//! The ledger as people look at it.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Serialize, Serializer};

use super::audit::{instant, instant_or_null};
use super::ledger::unpack;
use crate::db::{Conn, DbError};
use crate::domain::message::Message;
use crate::domain::values::{Channel, Kind, Mode, NotificationState, Reason};
use crate::on;

/// One notification, with the names of those it concerns.
#[derive(Clone, Debug, Serialize, sqlx::FromRow)]
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
    #[serde(serialize_with = "instant")]
    pub not_before: DateTime<Utc>,
    /// Latest delivery.
    #[serde(serialize_with = "instant")]
    pub deadline: DateTime<Utc>,
    /// Attempts that counted.
    pub attempt_count: i64,
    /// When it was written.
    #[serde(serialize_with = "instant")]
    pub created_at: DateTime<Utc>,
    /// When it changed last.
    #[serde(serialize_with = "instant")]
    pub updated_at: DateTime<Utc>,
    /// When it was sent.
    #[serde(serialize_with = "instant_or_null")]
    pub sent_at: Option<DateTime<Utc>>,
    /// The notification that it repeats, where an operator had one sent anew.
    pub resend_of: Option<String>,
    /// Its onboardings, comma-separated.
    #[serde(serialize_with = "separated")]
    pub onboarding_ids: Option<String>,
}

#[expect(clippy::ref_option, reason = "the signature that serde wants")]
fn separated<S: Serializer>(ids: &Option<String>, to: S) -> Result<S::Ok, S::Error> {
    to.collect_seq(ids.iter().flat_map(|ids| ids.split(',')))
}

const SELECT: &str = "SELECT n.id, n.kind, n.channel, n.mode, n.state, n.reason, n.detail, n.recipient_type, n.recipient_id,
   COALESCE(u.name, c.name) AS recipient_name, CASE WHEN n.channel = 'slack' THEN u.slack_user_id ELSE COALESCE(u.email, c.email) END AS recipient_address,
   n.slot_date, n.step, n.subject, n.not_before, n.deadline, n.attempt_count, n.created_at, n.updated_at, n.sent_at, n.resend_of,
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

/// Which notifications to list; what is `None` is not asked for.
#[derive(Clone, Copy, Debug, Default)]
pub struct Filter<'a> {
    /// What they are about.
    pub kind: Option<Kind>,
    /// How they go out.
    pub channel: Option<Channel>,
    /// Live or test.
    pub mode: Option<Mode>,
    /// Where they stand.
    pub state: Option<NotificationState>,
    /// Why.
    pub reason: Option<Reason>,
    /// Whom they are for: a user's or a contact's id.
    pub recipient_id: Option<&'a str>,
    /// Only about this onboarding.
    pub onboarding_id: Option<&'a str>,
    /// Only about onboardings of this customer.
    pub customer_id: Option<&'a str>,
    /// Written at this instant or later.
    pub since: Option<DateTime<Utc>>,
    /// Written before this instant.
    pub until: Option<DateTime<Utc>>,
    /// A part of the headline, or of the recipient's name or address.
    pub text: Option<&'a str>,
}

/// Where a page of a list begins: behind this row. A pass writes many rows in one instant, so the instant alone is not enough.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// When the last row seen was written.
    pub created_at: DateTime<Utc>,
    /// Its id; empty for "strictly before the instant".
    pub id: String,
}

impl Cursor {
    /// Before the first row.
    #[must_use]
    pub fn start() -> Self {
        Self { created_at: super::ledger::UNTIL_DECIDED, id: String::new() }
    }

    /// Behind `row`.
    #[must_use]
    pub fn behind(row: &Notification) -> Self {
        Self { created_at: row.created_at, id: row.id.clone() }
    }
}

const PAGE: &str = " WHERE n.workspace_id = $1 AND n.created_at <= $2 AND (n.created_at < $2 OR n.id < $3)
   AND ($4 IS NULL OR n.created_at >= $4) AND ($5 IS NULL OR n.created_at < $5) AND ($6 IS NULL OR n.kind = $6) AND ($7 IS NULL OR n.channel = $7)
   AND ($8 IS NULL OR n.mode = $8) AND ($9 IS NULL OR n.state = $9) AND ($10 IS NULL OR n.reason = $10) AND ($11 IS NULL OR n.recipient_id = $11)
   AND ($12 IS NULL OR EXISTS (SELECT 1 FROM notification_items i WHERE i.notification_id = n.id AND i.onboarding_id = $12))
   AND ($13 IS NULL OR EXISTS (SELECT 1 FROM notification_items i JOIN onboardings o ON o.id = i.onboarding_id
     WHERE i.notification_id = n.id AND o.customer_id = $13))
   AND ($14 IS NULL OR lower(n.subject) LIKE $14 ESCAPE '!' OR lower(COALESCE(u.name, c.name)) LIKE $14 ESCAPE '!'
     OR lower(COALESCE(u.email, c.email)) LIKE $14 ESCAPE '!' OR lower(u.slack_user_id) LIKE $14 ESCAPE '!')";
const NEWEST_FIRST: &str = " ORDER BY n.created_at DESC, n.id DESC LIMIT $15";

/// The next `limit` notifications of a workspace behind the cursor, newest first.
pub async fn list(
    conn: &mut Conn,
    workspace_id: &str,
    filter: &Filter<'_>,
    cursor: &Cursor,
    limit: i64,
) -> Result<Vec<Notification>, DbError> {
    // One condition and four ways to it, so that each walks the index that finds few rows.
    const ALL: &str = const_str::concat!(SELECT, PAGE, NEWEST_FIRST);
    const TO_ONE: &str =
        const_str::concat!(SELECT, PAGE, " AND n.recipient_id = $11", NEWEST_FIRST);
    const ABOUT_ONBOARDING: &str = const_str::concat!(
        SELECT,
        PAGE,
        " AND n.id IN (SELECT notification_id FROM notification_items WHERE onboarding_id = $12)",
        NEWEST_FIRST
    );
    const ABOUT_CUSTOMER: &str = const_str::concat!(
        SELECT,
        PAGE,
        " AND n.id IN (SELECT i.notification_id FROM onboardings o JOIN notification_items i ON i.onboarding_id = o.id WHERE o.customer_id = $13)",
        NEWEST_FIRST
    );
    let sql = match filter {
        Filter { onboarding_id: Some(_), .. } => ABOUT_ONBOARDING,
        Filter { customer_id: Some(_), .. } => ABOUT_CUSTOMER,
        Filter { recipient_id: Some(_), .. } => TO_ONE,
        _ => ALL,
    };
    let text = filter.text.map(|text| {
        let literal = text.replace('!', "!!").replace('%', "!%").replace('_', "!_");
        format!("%{}%", literal.to_lowercase())
    });
    on!(conn, |c| {
        sqlx::query_as(sql)
            .bind(workspace_id)
            .bind(cursor.created_at)
            .bind(&cursor.id)
            .bind(filter.since)
            .bind(filter.until)
            .bind(filter.kind.map(Kind::as_str))
            .bind(filter.channel.map(Channel::as_str))
            .bind(filter.mode.map(Mode::as_str))
            .bind(filter.state.map(NotificationState::as_str))
            .bind(filter.reason.map(Reason::as_str))
            .bind(filter.recipient_id)
            .bind(filter.onboarding_id)
            .bind(filter.customer_id)
            .bind(text)
            .bind(limit)
            .fetch_all(c)
            .await
    })
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

/// One try to deliver, as it is kept.
#[derive(Clone, Debug, Serialize, sqlx::FromRow)]
pub struct Attempt {
    /// From 1, in order of claims.
    pub number: i64,
    /// When it began.
    #[serde(serialize_with = "instant")]
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

/// The message of a notification as rendered last; `None` before that, and after its retention.
pub async fn message(conn: &mut Conn, id: &str) -> Result<Option<Message>, DbError> {
    const SQL: &str = "SELECT body FROM messages WHERE notification_id = $1";
    let body: Option<(Vec<u8>,)> =
        on!(conn, |c| sqlx::query_as(SQL).bind(id).fetch_optional(c).await?);
    body.map(|(body,)| unpack(&body).map_err(|error| DbError::Decode(error.into()))).transpose()
}

/// The notifications that operators had sent anew in place of this one, oldest first.
pub async fn resends(conn: &mut Conn, id: &str) -> Result<Vec<String>, DbError> {
    const SQL: &str = "SELECT id FROM notifications WHERE resend_of = $1 ORDER BY id";
    let rows: Vec<(String,)> = on!(conn, |c| sqlx::query_as(SQL).bind(id).fetch_all(c).await?);
    Ok(rows.into_iter().map(|(id,)| id).collect())
}
