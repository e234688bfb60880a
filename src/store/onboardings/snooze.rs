//! Reminders of an onboarding rest until a day.

use chrono::{DateTime, NaiveDate, Utc};

use super::{Onboarding, log, touched};
use crate::db::{Conn, DbError};
use crate::on;
use crate::store::audit::{Author, Diff};

/// The date on which reminders of an onboarding resume, if they rest.
pub async fn snoozed_until(conn: &mut Conn, id: &str) -> Result<Option<NaiveDate>, DbError> {
    on!(conn, |c| sqlx::query_scalar("SELECT snoozed_until FROM onboardings WHERE id = $1")
        .bind(id)
        .fetch_one(c)
        .await)
}

/// Snoozes an onboarding that the caller has locked until `until`, the day on which reminders resume; `None` wakes it.
pub async fn snooze(
    conn: &mut Conn,
    author: &Author,
    onboarding: &Onboarding,
    until: Option<NaiveDate>,
    reason: Option<&str>,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    let before = snoozed_until(conn, &onboarding.id).await?;
    if before == until {
        return Ok(());
    }
    for sql in [
        "UPDATE onboardings SET snoozed_until = $2 WHERE id = $1",
        "UPDATE reminder_state SET rests_until = $2 WHERE onboarding_id = $1",
    ] {
        on!(conn, |c| sqlx::query(sql)
            .bind(&onboarding.id)
            .bind(until)
            .execute(c)
            .await
            .map(|_| ()))?;
    }
    let event = if until.is_some() { "onboarding_snoozed" } else { "onboarding_woken" };
    let diff = Diff::field(
        "snoozed_until",
        before.map(|date| date.to_string()),
        until.map(|date| date.to_string()),
    );
    log(conn, author, event, onboarding, diff, reason, now).await?;
    touched(conn, &onboarding.id, now).await
}
