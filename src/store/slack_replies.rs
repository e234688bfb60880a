//! What is still to be said on Slack beside new messages: edits of nudges that may not be true any more, and answers to who clicked.
//!
//! Whoever changes an onboarding only marks its nudges; a worker looks at each, puts into words what is true then, and edits it. So
//! nobody but a worker calls Slack, and a crash costs a look, never a message.

use chrono::{DateTime, TimeDelta, Utc};

use super::sent;
use crate::db::{Conn, DbError};
use crate::domain::ids::IdKind;
use crate::on;

/// How far back nudges are kept true.
const KEPT_TRUE: TimeDelta = TimeDelta::days(30);

/// How long a worker that took something may be silent before another takes it.
const LEASE: TimeDelta = TimeDelta::minutes(1);

/// Tries after which something is given up: by then it is no news any more.
const MOST_ATTEMPTS: i64 = 5;

/// Has the Slack nudges about an onboarding looked at again.
pub async fn look_again(
    conn: &mut Conn,
    onboarding_id: &str,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    let since = now.checked_sub_signed(KEPT_TRUE).unwrap_or(now);
    for nudge in sent::slack_nudges(conn, onboarding_id, since).await? {
        if nudge.on_slack().is_some() {
            look_at(conn, &nudge.id, now).await?;
        }
    }
    Ok(())
}

/// Has one nudge looked at again.
async fn look_at(conn: &mut Conn, id: &str, now: DateTime<Utc>) -> Result<(), DbError> {
    const SQL: &str =
        "INSERT INTO slack_edits (notification_id, look_at, attempts) VALUES ($1, $2, 0)
         ON CONFLICT (notification_id) DO UPDATE SET look_at = excluded.look_at, attempts = 0";
    on!(conn, |c| sqlx::query(SQL).bind(id).bind(now).execute(c).await.map(|_| ()))
}

/// Whether there is anything to do.
pub async fn is_due(conn: &mut Conn, now: DateTime<Utc>) -> Result<bool, DbError> {
    const SQL: &str = "SELECT EXISTS (SELECT 1 FROM slack_edits WHERE look_at <= $1) OR EXISTS (SELECT 1 FROM slack_whispers WHERE look_at <= $1)";
    on!(conn, |c| sqlx::query_scalar(SQL).bind(now).fetch_one(c).await)
}

/// A nudge to look at.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Edit {
    /// Which.
    pub notification_id: String,
    /// Text of its last edit; `None` if it says what was sent.
    pub said: Option<String>,
    /// Looks in a row that failed, this one included; a new mark begins anew.
    pub attempts: i64,
}

/// Takes nudges that are to be looked at; whoever takes one has a minute for it.
pub async fn take_edits(conn: &mut Conn, now: DateTime<Utc>) -> Result<Vec<Edit>, DbError> {
    const SQL: &str = "UPDATE slack_edits SET look_at = $2, attempts = attempts + 1
         WHERE look_at <= $1 AND notification_id IN (SELECT notification_id FROM slack_edits WHERE look_at <= $1 ORDER BY look_at LIMIT 20)
         RETURNING notification_id, said, attempts";
    on!(conn, |c| sqlx::query_as(SQL).bind(now).bind(now + LEASE).fetch_all(c).await)
}

/// The nudge now says this (`None`: what was sent). If it was marked again meanwhile, it stays marked.
pub async fn edited(conn: &mut Conn, edit: &Edit, said: Option<&str>) -> Result<(), DbError> {
    const SQL: &str = "UPDATE slack_edits SET said = $2, look_at = CASE WHEN attempts = $3 THEN NULL ELSE look_at END
         WHERE notification_id = $1";
    on!(conn, |c| sqlx::query(SQL)
        .bind(&edit.notification_id)
        .bind(said)
        .bind(edit.attempts)
        .execute(c)
        .await
        .map(|_| ()))
}

/// An answer to somebody who clicked.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Whisper {
    /// `whi_…`
    pub id: String,
    /// The conversation in which they clicked.
    pub channel: String,
    /// Who.
    pub slack_user_id: String,
    /// What, as mrkdwn, escaped.
    pub text: String,
    /// Tries, this one included.
    pub attempts: i64,
}

/// Answers somebody who clicked.
pub async fn whisper(
    conn: &mut Conn,
    channel: &str,
    slack_user_id: &str,
    text: &str,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    const SQL: &str = "INSERT INTO slack_whispers (id, channel, slack_user_id, text, look_at, attempts) VALUES ($1, $2, $3, $4, $5, 0)";
    on!(conn, |c| sqlx::query(SQL)
        .bind(IdKind::Whisper.fresh(now))
        .bind(channel)
        .bind(slack_user_id)
        .bind(text)
        .bind(now)
        .execute(c)
        .await
        .map(|_| ()))
}

/// Takes answers that are to be given; whoever takes one has a minute for it.
pub async fn take_whispers(conn: &mut Conn, now: DateTime<Utc>) -> Result<Vec<Whisper>, DbError> {
    const SQL: &str = "UPDATE slack_whispers SET look_at = $2, attempts = attempts + 1
         WHERE look_at <= $1 AND id IN (SELECT id FROM slack_whispers WHERE look_at <= $1 ORDER BY look_at LIMIT 20)
         RETURNING id, channel, slack_user_id, text, attempts";
    on!(conn, |c| sqlx::query_as(SQL).bind(now).bind(now + LEASE).fetch_all(c).await)
}

/// The answer was given, or is not worth giving any more.
pub async fn whispered(conn: &mut Conn, id: &str) -> Result<(), DbError> {
    const SQL: &str = "DELETE FROM slack_whispers WHERE id = $1";
    on!(conn, |c| sqlx::query(SQL).bind(id).execute(c).await.map(|_| ()))
}

/// Whether something that was tried so often is to be given up.
#[must_use]
pub const fn is_hopeless(attempts: i64) -> bool {
    attempts >= MOST_ATTEMPTS
}

/// Notes the signature of a request of Slack's; `false` if it was noted before.
pub async fn is_new_request(
    conn: &mut Conn,
    signature: &str,
    now: DateTime<Utc>,
) -> Result<bool, DbError> {
    const SQL: &str = "INSERT INTO slack_requests (signature, received_at) VALUES ($1, $2) ON CONFLICT (signature) DO NOTHING";
    let rows =
        on!(conn, |c| sqlx::query(SQL).bind(signature).bind(now).execute(c).await?.rows_affected());
    Ok(rows == 1)
}

/// Forgets signatures of requests that came before `before`.
pub async fn forget_requests(conn: &mut Conn, before: DateTime<Utc>) -> Result<u64, DbError> {
    const SQL: &str = "DELETE FROM slack_requests WHERE received_at < $1";
    Ok(on!(conn, |c| sqlx::query(SQL).bind(before).execute(c).await?.rows_affected()))
}
