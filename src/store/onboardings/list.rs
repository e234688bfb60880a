//! Onboardings, page by page.

use chrono::{DateTime, Utc};

use super::Onboarding;
use crate::db::{Conn, DbError};
use crate::domain::values::{Phase, State};
use crate::on;

/// Which onboardings to list.
#[derive(Clone, Copy, Debug)]
pub struct Filter<'a> {
    /// Only older ones.
    pub cursor: DateTime<Utc>,
    /// Only this customer's.
    pub customer_id: Option<&'a str>,
    /// Only in this state; `waiting` selects on the flag.
    pub state: Option<State>,
    /// Only in this phase.
    pub phase: Option<Phase>,
    /// At most so many.
    pub limit: i64,
}

const JOINED: &str = "SELECT o.* FROM onboardings o JOIN customers c ON c.id = o.customer_id";
const FIT: &str = " AND o.deleted_at IS NULL AND c.deleted_at IS NULL AND o.created_at < $2
   AND ($3 IS NULL OR o.state = $3) AND ($4 IS NULL OR o.waiting_on_customer = $4) AND ($5 IS NULL OR o.phase = $5)
 ORDER BY o.created_at DESC LIMIT $6";
const OF_WORKSPACE: &str = const_str::concat!(JOINED, " WHERE o.workspace_id = $1", FIT);
const OF_CUSTOMER: &str = const_str::concat!(JOINED, " WHERE o.customer_id = $1", FIT);

/// The onboardings of a workspace, newest first.
pub async fn list(
    conn: &mut Conn,
    workspace_id: &str,
    filter: Filter<'_>,
) -> Result<Vec<Onboarding>, DbError> {
    let waiting = (filter.state == Some(State::Waiting)).then_some(true);
    let state = filter.state.filter(|state| *state != State::Waiting).map(State::as_str);
    let phase = filter.phase.map(Phase::as_str);
    // Two statements, so that each can walk its own index.
    let (sql, whose) = match filter.customer_id {
        None => (OF_WORKSPACE, workspace_id),
        Some(customer_id) => (OF_CUSTOMER, customer_id),
    };
    on!(conn, |c| sqlx::query_as(sql)
        .bind(whose)
        .bind(filter.cursor)
        .bind(state)
        .bind(waiting)
        .bind(phase)
        .bind(filter.limit)
        .fetch_all(c)
        .await)
}
