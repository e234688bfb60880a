//! Who wants no messages of a kind: people who switched it off, and customers' contacts who unsubscribed.

use chrono::{DateTime, Utc};

use crate::db::{Conn, DbError};
use crate::domain::values::{Kind, RecipientType};
use crate::on;

/// Somebody who wants no messages of some kinds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OptOut {
    /// Whose choice it is.
    pub owner: RecipientType,
    /// The user's or contact's id.
    pub id: String,
    /// The customer, if it is a contact's.
    pub customer_id: Option<String>,
    /// Their name.
    pub name: String,
    /// Their mail address.
    pub address: String,
    /// What does not come.
    pub kinds: Vec<Kind>,
    /// Since when; of users the audit log knows.
    pub since: Option<DateTime<Utc>>,
}

#[derive(sqlx::FromRow)]
struct Row {
    #[sqlx(try_from = "String")]
    owner: RecipientType,
    id: String,
    customer_id: Option<String>,
    name: String,
    address: String,
    kinds: String,
    since: Option<DateTime<Utc>>,
}

/// Whoever of a workspace wants no messages of some kind: its customers' contacts, then its active users, by name; at most `limit` of them,
/// behind the one of id `after`. One who is not there any more is as none: the first.
pub async fn list(
    conn: &mut Conn,
    workspace_id: &str,
    after: Option<&str>,
    limit: i64,
) -> Result<Vec<OptOut>, DbError> {
    const SQL: &str = "WITH last AS (
           SELECT 'contact' AS owner, name, id FROM contacts WHERE workspace_id = $1 AND id = $2
           UNION ALL SELECT 'user', name, id FROM users WHERE workspace_id = $1 AND id = $2
         )
         SELECT owner, id, customer_id, name, address, kinds, since FROM (
           SELECT 'contact' AS owner, id, customer_id, name, email AS address, 'customer_reminder' AS kinds, opted_out_at AS since FROM contacts
           WHERE workspace_id = $1 AND opted_out_at IS NOT NULL AND deleted_at IS NULL
           UNION ALL SELECT 'user', id, NULL, name, email, CASE WHEN digest_enabled THEN muted_kinds ELSE 'digest,' || muted_kinds END, NULL FROM users
           WHERE workspace_id = $1 AND active AND (NOT digest_enabled OR muted_kinds <> '')
         ) o
         WHERE NOT EXISTS (SELECT 1 FROM last) OR (owner, name, id) > (SELECT owner, name, id FROM last)
         ORDER BY owner, name, id LIMIT $3";
    let rows: Vec<Row> = on!(conn, |c| sqlx::query_as(SQL)
        .bind(workspace_id)
        .bind(after)
        .bind(limit)
        .fetch_all(c)
        .await?);
    Ok(rows
        .into_iter()
        .map(|row| OptOut {
            owner: row.owner,
            id: row.id,
            customer_id: row.customer_id,
            name: row.name,
            address: row.address,
            kinds: row.kinds.split(',').filter_map(|kind| kind.parse().ok()).collect(),
            since: row.since,
        })
        .collect())
}
