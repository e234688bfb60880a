//! Onboardings, customers and people as somebody looks for them: with the names of those they concern, by how a name begins, a page at a
//! time, the newest first.

use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, Utc};

use crate::db::{Conn, DbError};
use crate::domain::values::{CustomerStatus, Phase, State};
use crate::{fetch_by_ids, on};

/// Which page: rows with a smaller display id, at most so many.
#[derive(Clone, Copy, Debug)]
pub struct Page {
    /// The display id of the last row seen; [`i64::MAX`] to begin.
    pub before: i64,
    /// At most so many.
    pub limit: i64,
}

/// An onboarding with the names of those it concerns.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Journey {
    /// `onb_…`
    pub id: String,
    /// Small number, per workspace.
    pub display_id: i64,
    /// Whose it is.
    pub customer_id: String,
    /// Their name.
    pub customer_name: String,
    /// Where it stands.
    #[sqlx(try_from = "String")]
    pub phase: Phase,
    /// How it goes.
    #[sqlx(try_from = "String")]
    pub state: State,
    /// Whether the customer owes the next step.
    pub waiting_on_customer: bool,
    /// Who owns it.
    pub csm_id: Option<String>,
    /// Their name.
    pub csm_name: Option<String>,
    /// Who hears of it; none = it comes to nobody.
    pub recipient_id: Option<String>,
    /// Reminders resume on this date.
    pub snoozed_until: Option<NaiveDate>,
    /// Slot date of the last reminder.
    pub last_reminded_on: Option<NaiveDate>,
    /// First slot date of the next digest line.
    pub next_due_on: Option<NaiveDate>,
    /// Its UTC date is the launch date.
    pub target_launch_date: Option<DateTime<Utc>>,
}

/// Which onboardings; what is `None` is not asked for.
#[derive(Clone, Copy, Debug, Default)]
pub struct Journeys<'a> {
    /// How the customer's name begins, in any case.
    pub begins: Option<&'a str>,
    /// Whether the beginning is the whole name.
    pub whole: bool,
    /// Only this display id.
    pub number: Option<i64>,
    /// Only of this customer.
    pub customer_id: Option<&'a str>,
    /// Only of this person: as its CSM, or as whoever hears of it.
    pub user_id: Option<&'a str>,
    /// Only in this state; `waiting` selects on the flag.
    pub state: Option<State>,
    /// Only in this phase.
    pub phase: Option<Phase>,
    /// Only those that come to nobody.
    pub unroutable: bool,
    /// Only those whose reminders rest on this day or longer.
    pub snoozed_on: Option<NaiveDate>,
}

const JOURNEYS: &str = "SELECT o.id, o.display_id, o.customer_id, c.name AS customer_name, o.phase, o.state, o.waiting_on_customer, o.csm_id, u.name AS csm_name,
   NULLIF(r.recipient_id, '') AS recipient_id, o.snoozed_until, r.last_reminded_on, r.next_due_on, o.target_launch_date
 FROM onboardings o JOIN reminder_state r ON r.onboarding_id = o.id JOIN customers c ON c.id = o.customer_id LEFT JOIN users u ON u.id = o.csm_id
 WHERE o.workspace_id = $1 AND o.deleted_at IS NULL AND c.deleted_at IS NULL AND o.display_id < $2
   AND ($4 IS NULL OR o.display_id = $4) AND ($5 IS NULL OR o.csm_id = $5 OR r.recipient_id = $5)
   AND ($6 IS NULL OR o.state = $6) AND ($7 IS NULL OR o.waiting_on_customer = $7) AND ($8 IS NULL OR o.phase = $8)
   AND ($9 IS NULL OR (r.recipient_id = '') = $9) AND ($10 IS NULL OR o.snoozed_until > $10)";
const NEWEST_JOURNEYS: &str = " ORDER BY o.display_id DESC LIMIT $3";

/// A page of onboardings.
pub async fn journeys(
    conn: &mut Conn,
    workspace_id: &str,
    which: &Journeys<'_>,
    page: Page,
) -> Result<Vec<Journey>, DbError> {
    // Three ways, so that each walks the index that finds few rows.
    const ALL: &str = const_str::concat!(
        JOURNEYS,
        " AND CAST($11 AS TEXT) IS NULL AND CAST($12 AS TEXT) IS NULL",
        NEWEST_JOURNEYS
    );
    const NAMED: &str = const_str::concat!(
        JOURNEYS,
        " AND CAST($12 AS TEXT) IS NULL AND o.customer_id IN (SELECT id FROM customers WHERE workspace_id = $1 AND lower(name) LIKE $11 ESCAPE '!')",
        NEWEST_JOURNEYS
    );
    const OF_CUSTOMER: &str = const_str::concat!(
        JOURNEYS,
        " AND CAST($11 AS TEXT) IS NULL AND o.customer_id = $12",
        NEWEST_JOURNEYS
    );
    let sql = match which {
        Journeys { customer_id: Some(_), .. } => OF_CUSTOMER,
        Journeys { begins: Some(_), .. } => NAMED,
        _ => ALL,
    };
    let waiting = (which.state == Some(State::Waiting)).then_some(true);
    let state = which.state.filter(|state| *state != State::Waiting).map(State::as_str);
    on!(conn, |c| {
        sqlx::query_as(sql)
            .bind(workspace_id)
            .bind(page.before)
            .bind(page.limit)
            .bind(which.number)
            .bind(which.user_id)
            .bind(state)
            .bind(waiting)
            .bind(which.phase.map(Phase::as_str))
            .bind(which.unroutable.then_some(true))
            .bind(which.snoozed_on)
            .bind(
                which
                    .begins
                    .filter(|_| which.customer_id.is_none())
                    .map(|text| pattern(text, which.whole)),
            )
            .bind(which.customer_id)
            .fetch_all(c)
            .await
    })
}

/// A customer as a list shows it.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Account {
    /// `cust_…`
    pub id: String,
    /// Small number, per workspace.
    pub display_id: i64,
    /// As typed.
    pub name: String,
    /// Commercial status.
    #[sqlx(try_from = "String")]
    pub status: CustomerStatus,
    /// Onboardings that are not completed.
    pub open: i64,
    /// The primary contact's name.
    pub contact: Option<String>,
}

const ACCOUNTS: &str = "SELECT c.id, c.display_id, c.name, c.status,
   (SELECT count(*) FROM onboardings o WHERE o.customer_id = c.id AND o.deleted_at IS NULL AND o.phase <> 'completed') AS open,
   (SELECT p.name FROM contacts p WHERE p.customer_id = c.id AND p.is_primary AND p.deleted_at IS NULL) AS contact
 FROM customers c WHERE c.workspace_id = $1 AND c.deleted_at IS NULL AND c.display_id < $2
   AND ($4 IS NULL OR lower(c.name) LIKE $4 ESCAPE '!') ORDER BY c.display_id DESC LIMIT $3";

/// A page of customers whose name begins like this.
pub async fn customers(
    conn: &mut Conn,
    workspace_id: &str,
    begins: Option<&str>,
    page: Page,
) -> Result<Vec<Account>, DbError> {
    on!(conn, |c| sqlx::query_as(ACCOUNTS)
        .bind(workspace_id)
        .bind(page.before)
        .bind(page.limit)
        .bind(begins.map(beginning))
        .fetch_all(c)
        .await)
}

/// A user as a list shows them.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Colleague {
    /// `user_…`
    pub id: String,
    /// Small number, per workspace.
    pub display_id: i64,
    /// As typed.
    pub name: String,
    /// Lower case.
    pub email: String,
    /// Whether they have a Slack id.
    pub on_slack: bool,
    /// Deactivated people are told nothing.
    pub active: bool,
    /// First day back.
    pub out_of_office_until: Option<NaiveDate>,
    /// Set while a refusal by a provider stands.
    pub flagged: bool,
    /// Onboardings of which they hear.
    pub hears_of: i64,
    /// Their next digest slot.
    pub next_slot_at: Option<DateTime<Utc>>,
}

const COLLEAGUES: &str = "SELECT u.id, u.display_id, u.name, u.email, u.slack_user_id IS NOT NULL AS on_slack, u.active, u.out_of_office_until,
   (u.email_flagged_at IS NOT NULL OR u.slack_flagged_at IS NOT NULL) AS flagged, u.next_slot_at,
   (SELECT count(*) FROM reminder_state r JOIN onboardings o ON o.id = r.onboarding_id
     WHERE r.recipient_id = u.id AND o.deleted_at IS NULL AND o.phase <> 'completed') AS hears_of
 FROM users u WHERE u.workspace_id = $1 AND u.display_id < $2
   AND ($4 IS NULL OR lower(u.name) LIKE $4 ESCAPE '!' OR u.email LIKE $4 ESCAPE '!') ORDER BY u.display_id DESC LIMIT $3";

/// A page of users whose name or address begins like this, deactivated ones included.
pub async fn people(
    conn: &mut Conn,
    workspace_id: &str,
    begins: Option<&str>,
    page: Page,
) -> Result<Vec<Colleague>, DbError> {
    people_like(conn, workspace_id, begins.map(beginning), page).await
}

/// A page of users whose name or address begins like this, or is this, in any case.
pub async fn people_called(
    conn: &mut Conn,
    workspace_id: &str,
    name: &str,
    whole: bool,
    page: Page,
) -> Result<Vec<Colleague>, DbError> {
    people_like(conn, workspace_id, Some(pattern(name, whole)), page).await
}

async fn people_like(
    conn: &mut Conn,
    workspace_id: &str,
    pattern: Option<String>,
    page: Page,
) -> Result<Vec<Colleague>, DbError> {
    on!(conn, |c| sqlx::query_as(COLLEAGUES)
        .bind(workspace_id)
        .bind(page.before)
        .bind(page.limit)
        .bind(pattern)
        .fetch_all(c)
        .await)
}

/// The pattern of whatever begins like this, in lower case.
fn beginning(text: &str) -> String {
    pattern(text, false)
}

/// The pattern of whatever begins like this, or is this, in lower case.
fn pattern(text: &str, whole: bool) -> String {
    let literal = text.replace('!', "!!").replace('%', "!%").replace('_', "!_").to_lowercase();
    if whole { literal } else { literal + "%" }
}

/// The names of these users and contacts, by id.
pub async fn names(conn: &mut Conn, ids: &[String]) -> Result<HashMap<String, String>, DbError> {
    let mut names: HashMap<String, String> =
        fetch_by_ids!(conn, (String, String), "SELECT id, name FROM users WHERE id", ids, "")?
            .into_iter()
            .collect();
    names.extend(fetch_by_ids!(
        conn,
        (String, String),
        "SELECT id, name FROM contacts WHERE id",
        ids,
        ""
    )?);
    Ok(names)
}
