//! What operators are told of: since when it is so, whether they have heard, and which process tells them next.

use chrono::{DateTime, SecondsFormat, Utc};

use crate::db::{Conn, DbError};
use crate::on;

/// Something that asks for an operator, as it is now.
#[derive(Clone, Copy, Debug)]
pub struct Current<'a> {
    /// The same as long as it lasts.
    pub code: &'a str,
    /// In three or four words.
    pub title: &'a str,
    /// `critical` or `warning`.
    pub severity: &'a str,
    /// What is so.
    pub text: &'a str,
    /// What to do.
    pub advice: &'a str,
}

/// The same as it is kept.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Alert {
    /// The same as long as it lasts.
    pub code: String,
    /// In three or four words.
    pub title: String,
    /// `critical` or `warning`.
    pub severity: String,
    /// What is so.
    pub text: String,
    /// What to do.
    pub advice: String,
    /// When it was first seen.
    pub began_at: DateTime<Utc>,
    /// When it was first not seen any more.
    pub ended_at: Option<DateTime<Utc>>,
    /// When operators were told that it began.
    pub told_at: Option<DateTime<Utc>>,
}

/// Takes over what is so now. What begins again before its end was told goes on; what nobody was told of is forgotten when it ends.
pub async fn take_over(
    conn: &mut Conn,
    current: &[Current<'_>],
    now: DateTime<Utc>,
) -> Result<Vec<Alert>, DbError> {
    const BEGINS: &str = "INSERT INTO alerts (code, title, severity, text, advice, began_at) VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (code) DO UPDATE SET title = excluded.title, severity = excluded.severity, text = excluded.text, advice = excluded.advice,
           ended_at = NULL";
    const ENDS: &str = "UPDATE alerts SET ended_at = $2 WHERE code = $1 AND ended_at IS NULL";
    const FORGET: &str = "DELETE FROM alerts WHERE ended_at IS NOT NULL AND told_at IS NULL";
    for alert in current {
        on!(conn, |c| sqlx::query(BEGINS)
            .bind(alert.code)
            .bind(alert.title)
            .bind(alert.severity)
            .bind(alert.text)
            .bind(alert.advice)
            .bind(now)
            .execute(c)
            .await
            .map(drop))?;
    }
    for known in list(conn).await? {
        if !current.iter().any(|alert| alert.code == known.code) {
            on!(conn, |c| sqlx::query(ENDS)
                .bind(&known.code)
                .bind(now)
                .execute(c)
                .await
                .map(drop))?;
        }
    }
    on!(conn, |c| sqlx::query(FORGET).execute(c).await.map(drop))?;
    list(conn).await
}

async fn list(conn: &mut Conn) -> Result<Vec<Alert>, DbError> {
    const SQL: &str = "SELECT code, title, severity, text, advice, began_at, ended_at, told_at FROM alerts ORDER BY severity, began_at, code";
    on!(conn, |c| sqlx::query_as(SQL).fetch_all(c).await)
}

/// Notes that operators have heard of these: what began, and what is over, which is forgotten then.
pub async fn told(conn: &mut Conn, alerts: &[Alert], now: DateTime<Utc>) -> Result<(), DbError> {
    const BEGAN: &str = "UPDATE alerts SET told_at = $2 WHERE code = $1";
    const OVER: &str = "DELETE FROM alerts WHERE code = $1 AND ended_at IS NOT NULL";
    for alert in alerts {
        if alert.ended_at.is_some() {
            on!(conn, |c| sqlx::query(OVER).bind(&alert.code).execute(c).await.map(drop))?;
        } else {
            on!(conn, |c| sqlx::query(BEGAN)
                .bind(&alert.code)
                .bind(now)
                .execute(c)
                .await
                .map(drop))?;
        }
    }
    Ok(())
}

/// A turn that one process takes at a time.
#[derive(Clone, Copy, Debug)]
pub enum Turn {
    /// To look how the service is.
    Look,
    /// To tell operators.
    Tell,
}

impl Turn {
    const fn name(self) -> &'static str {
        match self {
            Self::Look => "alerts_look_at",
            Self::Tell => "alerts_tell_at",
        }
    }
}

/// Takes the turn, if it is free at `now`; nobody else gets it before `until`.
pub async fn take_turn(
    conn: &mut Conn,
    turn: Turn,
    until: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<bool, DbError> {
    const SQL: &str = "INSERT INTO settings (name, value, updated_at) VALUES ($1, $2, $4)
         ON CONFLICT (name) DO UPDATE SET value = excluded.value, updated_at = excluded.updated_at WHERE settings.value <= $3";
    // One format, so that texts order as instants do.
    let text = |at: DateTime<Utc>| at.to_rfc3339_opts(SecondsFormat::Millis, true);
    let rows = on!(conn, |c| sqlx::query(SQL)
        .bind(turn.name())
        .bind(text(until))
        .bind(text(now))
        .bind(now)
        .execute(c)
        .await?
        .rows_affected());
    Ok(rows == 1)
}

/// Keeps a turn that was taken until `until`.
pub async fn keep_turn(
    conn: &mut Conn,
    turn: Turn,
    until: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    let value = until.to_rfc3339_opts(SecondsFormat::Millis, true);
    super::settings::set(conn, turn.name(), &value, now).await
}
