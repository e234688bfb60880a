//! Who wants no messages of a kind: people who switched it off, and customers' contacts who unsubscribed.

use chrono::{DateTime, Utc};

use crate::db::{Conn, DbError};
use crate::domain::values::{Kind, RecipientType};
use crate::on;

/// Somebody and a kind of messages that do not come to them.
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
    pub kind: Kind,
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

/// The opt-outs of a workspace: its active users and its customers' contacts, by name.
pub async fn list(conn: &mut Conn, workspace_id: &str) -> Result<Vec<OptOut>, DbError> {
    const SQL: &str = "SELECT owner, id, customer_id, name, address, kinds, since FROM (
           SELECT 'contact' AS owner, id, customer_id, name, email AS address, 'customer_reminder' AS kinds, opted_out_at AS since FROM contacts
           WHERE workspace_id = $1 AND opted_out_at IS NOT NULL AND deleted_at IS NULL
           UNION ALL SELECT 'user', id, NULL, name, email, CASE WHEN digest_enabled THEN muted_kinds ELSE 'digest,' || muted_kinds END, NULL FROM users
           WHERE workspace_id = $1 AND active AND (NOT digest_enabled OR muted_kinds <> '')
         ) o ORDER BY owner, name, id";
    let rows: Vec<Row> = on!(conn, |c| sqlx::query_as(SQL).bind(workspace_id).fetch_all(c).await?);
    let kinds =
        |kinds: &str| kinds.split(',').filter_map(|kind| kind.parse().ok()).collect::<Vec<Kind>>();
    Ok(rows
        .into_iter()
        .flat_map(|row| {
            kinds(&row.kinds).into_iter().map(move |kind| OptOut {
                owner: row.owner,
                id: row.id.clone(),
                customer_id: row.customer_id.clone(),
                name: row.name.clone(),
                address: row.address.clone(),
                kind,
                since: row.since,
            })
        })
        .collect())
}
