//! What people did about an onboarding through a message: once per message and action, and for a while taken back.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use sqlx::types::Json;

use super::onboardings::Wait;
use crate::db::{Conn, DbError};
use crate::on;

/// How long an action can be taken back.
const UNDO_WITHIN: TimeDelta = TimeDelta::minutes(10);

/// What can be done through a message, once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// The customer replied.
    Replied,
    /// Reminders rest.
    Snoozed,
}

impl Action {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Replied => "replied",
            Self::Snoozed => "snoozed",
        }
    }
}

/// What stood before, for whoever takes the action back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "was", rename_all = "snake_case")]
pub enum Undo {
    /// The wait that was ended.
    Waiting(Wait),
    /// Until when reminders rested.
    Snoozed {
        /// The date, if they did.
        until: Option<NaiveDate>,
    },
}

/// An action as it was done.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Done {
    /// Who did it, as people read it.
    pub actor_name: String,
    /// What stood before.
    pub undo: Json<Undo>,
    /// When.
    pub done_at: DateTime<Utc>,
}

impl Done {
    /// Whether it can still be taken back; the button for it goes when it cannot.
    #[must_use]
    pub fn can_be_undone(&self, now: DateTime<Utc>) -> bool {
        now - self.done_at <= UNDO_WITHIN
    }
}

/// The action of a message about an onboarding, unless it was never done or was taken back.
pub async fn find(
    conn: &mut Conn,
    notification_id: &str,
    onboarding_id: &str,
    action: Action,
) -> Result<Option<Done>, DbError> {
    const SQL: &str = "SELECT actor_name, undo, done_at FROM message_actions
         WHERE notification_id = $1 AND onboarding_id = $2 AND action = $3 AND undone_at IS NULL";
    on!(conn, |c| sqlx::query_as(SQL)
        .bind(notification_id)
        .bind(onboarding_id)
        .bind(action.as_str())
        .fetch_optional(c)
        .await)
}

/// Notes an action that the caller does in the same transaction, on an onboarding that it has locked.
pub async fn note(
    conn: &mut Conn,
    notification_id: &str,
    onboarding_id: &str,
    action: Action,
    done: &Done,
) -> Result<(), DbError> {
    const SQL: &str = "INSERT INTO message_actions (notification_id, onboarding_id, action, actor_name, undo, done_at)
         VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (notification_id, onboarding_id, action)
         DO UPDATE SET actor_name = excluded.actor_name, undo = excluded.undo, done_at = excluded.done_at, undone_at = NULL";
    on!(conn, |c| sqlx::query(SQL)
        .bind(notification_id)
        .bind(onboarding_id)
        .bind(action.as_str())
        .bind(&done.actor_name)
        .bind(&done.undo)
        .bind(done.done_at)
        .execute(c)
        .await
        .map(|_| ()))
}

/// Notes that an action was taken back.
pub async fn take_back(
    conn: &mut Conn,
    notification_id: &str,
    onboarding_id: &str,
    action: Action,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    const SQL: &str = "UPDATE message_actions SET undone_at = $4
         WHERE notification_id = $1 AND onboarding_id = $2 AND action = $3 AND undone_at IS NULL";
    on!(conn, |c| sqlx::query(SQL)
        .bind(notification_id)
        .bind(onboarding_id)
        .bind(action.as_str())
        .bind(now)
        .execute(c)
        .await
        .map(|_| ()))
}
