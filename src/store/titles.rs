//! What onboardings are called: the customer's name and the number that people use.

use std::collections::HashMap;

use crate::db::{Conn, DbError};
use crate::fetch_by_ids;

/// An onboarding as people name it.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Title {
    /// `onb_…`
    pub id: String,
    /// `#42`
    pub display_id: i64,
    /// The customer's name.
    pub customer: String,
    /// `cust_…`
    pub customer_id: String,
}

/// The titles of these onboardings, deleted or not.
pub async fn of(conn: &mut Conn, ids: &[String]) -> Result<HashMap<String, Title>, DbError> {
    let titles: Vec<Title> = fetch_by_ids!(
        conn,
        Title,
        "SELECT o.id, o.display_id, c.name AS customer, o.customer_id FROM onboardings o JOIN customers c ON c.id = o.customer_id WHERE o.id",
        ids,
        ""
    )?;
    Ok(titles.into_iter().map(|title| (title.id.clone(), title)).collect())
}
