//! Refusals that are remembered: an address that a provider refused for good is not tried again until it changes or an operator clears it.

use chrono::{DateTime, Utc};

use super::ledger::Claimed;
use crate::db::{Conn, DbError};
use crate::domain::values::{Channel, Kind};
use crate::on;

/// Flags the address that `n` went to.
pub async fn flag(conn: &mut Conn, n: &Claimed, now: DateTime<Utc>) -> Result<(), DbError> {
    const CONTACT: &str =
        "UPDATE contacts SET email_flagged_at = $2 WHERE id = $1 AND email_flagged_at IS NULL";
    const EMAIL: &str =
        "UPDATE users SET email_flagged_at = $2 WHERE id = $1 AND email_flagged_at IS NULL";
    const SLACK: &str =
        "UPDATE users SET slack_flagged_at = $2 WHERE id = $1 AND slack_flagged_at IS NULL";
    let sql = match (n.kind, n.channel) {
        (Kind::CustomerReminder, _) => CONTACT,
        (_, Channel::Email) => EMAIL,
        (_, Channel::Slack) => SLACK,
    };
    on!(conn, |c| sqlx::query(sql)
        .bind(&n.recipient_id)
        .bind(now)
        .execute(c)
        .await?
        .rows_affected());
    Ok(())
}
