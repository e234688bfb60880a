//! Snooze: reminders of one onboarding rest until a date.

use chrono::{DateTime, NaiveDate, Utc};

use crate::db::{Conn, DbError};
use crate::domain::ids::Ref;
use crate::store::audit::Author;
use crate::store::onboardings::{self, Onboarding};

/// What is said where the day is not to come.
pub const NOT_TO_COME: &str = "until must be a day to come; reminders resume on it";

/// Snoozes an onboarding until `until`, the day on which reminders resume; `None` wakes it. Answers with the onboarding, or `None` when
/// there is no such one.
pub async fn snooze(
    conn: &mut Conn,
    author: &Author,
    workspace_id: &str,
    onboarding: &Ref,
    until: Option<NaiveDate>,
    reason: Option<&str>,
    now: DateTime<Utc>,
) -> Result<Option<Onboarding>, DbError> {
    let found = onboardings::lock(conn, workspace_id, onboarding).await?;
    let Some(found) = found.filter(|o| o.deleted_at.is_none()) else { return Ok(None) };
    onboardings::snooze(conn, author, &found, until, reason, now).await?;
    Ok(Some(found))
}
