//! What a deletion does to notifications that have not gone out yet. One that is being sent meets the worker's own check.

use chrono::{DateTime, Utc};

use crate::db::{Conn, DbError};
use crate::on;

/// Cancels what is pending about a deleted customer's onboardings.
pub(super) async fn cancel_of_customer(
    conn: &mut Conn,
    customer_id: &str,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    let onboardings: Vec<(String,)> =
        on!(conn, |c| sqlx::query_as("SELECT id FROM onboardings WHERE customer_id = $1")
            .bind(customer_id)
            .fetch_all(c)
            .await?);
    for (id,) in onboardings {
        cancel_of_onboarding(conn, &id, now).await?;
    }
    Ok(())
}

/// Cancels what is pending about a deleted onboarding: its nudges and customer mail, and digests that carry nothing else any more.
pub(super) async fn cancel_of_onboarding(
    conn: &mut Conn,
    onboarding_id: &str,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    on!(conn, |c| {
        sqlx::query(
        "UPDATE notifications SET state = 'cancelled', reason = 'deleted', finished_at = $2, updated_at = $2
         WHERE state IN ('scheduled', 'deferred') AND id IN (SELECT notification_id FROM notification_items WHERE onboarding_id = $1)
           AND (subject_id = $1 OR NOT EXISTS (
             SELECT 1 FROM notification_items i JOIN onboardings o ON o.id = i.onboarding_id JOIN customers c ON c.id = o.customer_id
             WHERE i.notification_id = notifications.id AND o.deleted_at IS NULL AND c.deleted_at IS NULL))"
    )
    .bind(onboarding_id)
    .bind(now)
    .execute(c)
    .await
    .map(|_| ())
    })
}

/// Cancels what is pending to a deleted contact.
pub(super) async fn cancel_to_contact(
    conn: &mut Conn,
    contact_id: &str,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    on!(conn, |c| {
        sqlx::query(
        "UPDATE notifications SET state = 'cancelled', reason = 'deleted', finished_at = $2, updated_at = $2
         WHERE state IN ('scheduled', 'deferred') AND recipient_id = $1"
    )
    .bind(contact_id)
    .bind(now)
    .execute(c)
    .await
    .map(|_| ())
    })
}
