//! What a deletion does to notifications that have not gone out yet. One that is being sent meets the worker's own check.
//! A nudge, like a digest, has a row in `notification_items` for each onboarding that it is about.

use chrono::{DateTime, Utc};

use super::unsent;
use crate::db::{Conn, DbError};
use crate::{fetch_by_ids, on};

/// Cancels what is pending about a deleted customer's onboardings.
pub(super) async fn cancel_of_customer(
    conn: &mut Conn,
    customer_id: &str,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    let rows: Vec<(String,)> =
        on!(conn, |c| sqlx::query_as("SELECT id FROM onboardings WHERE customer_id = $1")
            .bind(customer_id)
            .fetch_all(c)
            .await?);
    let onboardings: Vec<String> = rows.into_iter().map(|(id,)| id).collect();
    cancel_of_onboardings(conn, &onboardings, now).await
}

/// Cancels what is pending about deleted onboardings: their nudges and customer mail, and digests that carry nothing else any more.
pub(super) async fn cancel_of_onboardings(
    conn: &mut Conn,
    onboardings: &[String],
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    let pending: Vec<(String,)> = fetch_by_ids!(
        conn,
        (String,),
        "SELECT n.id FROM notifications n JOIN notification_items i ON i.notification_id = n.id
         WHERE n.state IN ('scheduled', 'deferred') AND i.onboarding_id",
        onboardings,
        " AND (n.subject_id = i.onboarding_id OR NOT EXISTS (
            SELECT 1 FROM notification_items j JOIN onboardings o ON o.id = j.onboarding_id JOIN customers c ON c.id = o.customer_id
            WHERE j.notification_id = n.id AND o.deleted_at IS NULL AND c.deleted_at IS NULL))"
    )?;
    let pending: Vec<String> = pending.into_iter().map(|(id,)| id).collect();
    cancel(conn, &pending, now).await
}

/// Cancels what is pending to a deleted contact.
pub(super) async fn cancel_to_contact(
    conn: &mut Conn,
    contact_id: &str,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    let pending: Vec<(String,)> = on!(conn, |c| {
        sqlx::query_as(
            "SELECT id FROM notifications WHERE state IN ('scheduled', 'deferred') AND recipient_id = $1",
        )
        .bind(contact_id)
        .fetch_all(c)
        .await?
    });
    let pending: Vec<String> = pending.into_iter().map(|(id,)| id).collect();
    cancel(conn, &pending, now).await
}

/// One by one, as the worker may have taken any of them meanwhile; then it is the worker's.
async fn cancel(conn: &mut Conn, pending: &[String], now: DateTime<Utc>) -> Result<(), DbError> {
    for id in pending {
        on!(conn, |c| {
            sqlx::query(
            "UPDATE notifications SET state = 'cancelled', reason = 'deleted', finished_at = $2, updated_at = $2
             WHERE id = $1 AND state IN ('scheduled', 'deferred')"
        )
        .bind(id)
        .bind(now)
        .execute(c)
        .await
        .map(|_| ())
        })?;
    }
    unsent::note(conn, pending, now).await
}
