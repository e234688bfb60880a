//! Customers: which there are, and of one its contacts, its onboardings, what was said about them and what will be.

use axum::Router;
use axum::extract::{Path, RawQuery, State};
use axum::response::Response;
use axum::routing::get;
use serde::Serialize;

use super::calendar::{self, Calendar};
use super::error::PageError;
use super::form::{Form, query};
use super::lists::{self, Sought};
use super::notifications as ledger;
use super::onboardings;
use super::people::opt_outs;
use super::site::Site;
use super::visitor::Visitor;
use super::words::When;
use crate::domain::ids::Ref;
use crate::operate::notifications::{self, Cursor, Filter};
use crate::render::english;
use crate::store::customers::{self, Customer};
use crate::store::rosters::{self, Account, Journeys};
use crate::store::worlds::About;
use crate::store::{contacts, phases};

/// Messages of the past that the page shows.
const PAST: i64 = 10;

/// Contacts and onboardings that it shows.
const MOST: i64 = 50;

pub(super) fn router() -> Router<Site> {
    Router::new()
        .route("/admin/w/{workspace}/customers", get(list))
        .route("/admin/w/{workspace}/customers/{id}", get(show))
}

#[derive(Serialize)]
struct List {
    sought: Sought,
    rows: Vec<Row>,
    older: Option<String>,
    clear: String,
}

#[derive(Serialize)]
struct Row {
    name: String,
    display_id: i64,
    url: String,
    status: String,
    open: i64,
    contact: Option<String>,
}

impl Row {
    fn new(visitor: &Visitor, row: &Account) -> Self {
        Self {
            name: english::name(&row.name),
            display_id: row.display_id,
            url: visitor.url(&format!("customers/{}", row.id)),
            status: in_words(row.status.as_str()),
            open: row.open,
            contact: row.contact.as_deref().map(english::name),
        }
    }
}

fn in_words(word: &str) -> String {
    english::capital(&word.replace('_', " "))
}

/// `GET /admin/w/{workspace}/customers`
async fn list(
    State(site): State<Site>,
    RawQuery(asked): RawQuery,
    visitor: Visitor,
) -> Result<Response, PageError> {
    let form = Form::read(asked.unwrap_or_default().as_bytes());
    let sought = Sought::read(form.one("q"));
    let mut conn = site.db.read().await?;
    let workspace = &visitor.workspace.id;
    let mut page = lists::page(form.one("before"));
    // A number names one: the page that begins right above it, cut behind it.
    if let Some(number) = sought.number() {
        page = rosters::Page { before: number.saturating_add(1), limit: 1 };
    }
    let mut rows = rosters::customers(&mut conn, workspace, sought.begins(), page).await?;
    if let Some(number) = sought.number() {
        rows.retain(|row| row.display_id == number);
    }
    let last = lists::cut(&mut rows, |row| row.display_id);
    let view = List {
        rows: rows.iter().map(|row| Row::new(&visitor, row)).collect(),
        older: last.map(|last| query([("q", sought.text()), ("before", last.as_str())])),
        clear: visitor.url("customers"),
        sought,
    };
    visitor.page(&site, "customers", "customers", "Customers", &view)
}

#[derive(Serialize)]
struct Page {
    name: String,
    display_id: i64,
    id: String,
    in_business: bool,
    deleted: Option<When>,
    status: String,
    facts: Vec<(&'static str, String)>,
    mode: &'static str,
    contacts: Vec<Contact>,
    onboardings: Vec<onboardings::list::Row>,
    reminders_are_on: bool,
    calendar: Calendar,
    past: Vec<ledger::Row>,
    past_url: String,
    changes_url: String,
}

#[derive(Serialize)]
struct Contact {
    id: String,
    name: String,
    email: String,
    title: Option<String>,
    is_primary: bool,
    flagged: Option<When>,
    opted_out: Option<When>,
    /// Where a form lets their address be tried again.
    clear: String,
    /// Where a form lifts their opt-out.
    lift: String,
}

/// `GET /admin/w/{workspace}/customers/{id}`
async fn show(
    State(site): State<Site>,
    Path((_, id)): Path<(String, String)>,
    visitor: Visitor,
) -> Result<Response, PageError> {
    let reference = Ref::parse(&id).ok_or(PageError::NotFound("customer"))?;
    let mut conn = site.db.read().await?;
    let workspace = &visitor.workspace.id;
    let customer = customers::find(&mut conn, workspace, &reference).await?;
    let customer = customer.ok_or(PageError::NotFound("customer"))?;
    let people = contacts::list(&mut conn, &customer.id, far(), MOST).await?;
    let labels = phases::list(&mut conn, workspace).await?;
    let which = Journeys { customer_id: Some(&customer.id), ..Journeys::default() };
    let page = rosters::Page { before: i64::MAX, limit: MOST };
    let journeys = rosters::journeys(&mut conn, workspace, &which, page).await?;
    let filter = Filter { customer_id: Some(&customer.id), ..Filter::default() };
    let past = notifications::list(&mut conn, workspace, &filter, &Cursor::start(), PAST).await?;
    let past = ledger::rows(&mut conn, &visitor, &past).await?;
    drop(conn);
    let view = Page {
        name: english::name(&customer.fields.name),
        display_id: customer.display_id,
        id: customer.id.clone(),
        in_business: customer.fields.status.in_business(),
        deleted: customer.deleted_at.map(|at| visitor.when(at)),
        status: in_words(customer.fields.status.as_str()),
        facts: facts(&customer),
        mode: customer.mode.as_str(),
        contacts: people.iter().map(|contact| person(&visitor, contact)).collect(),
        onboardings: journeys
            .iter()
            .map(|row| onboardings::list::Row::new(&visitor, row, &labels))
            .collect(),
        reminders_are_on: visitor.workspace.customer_reminders,
        calendar: calendar::of(&site, &visitor, About::Customer(&customer.id)).await?,
        past,
        past_url: visitor.url("notifications") + &query([("customer", customer.id.as_str())]),
        changes_url: visitor.url("audit-log") + &query([("id", customer.id.as_str())]),
    };
    visitor.page(&site, "customer", "customers", &view.name, &view)
}

fn person(visitor: &Visitor, contact: &contacts::Contact) -> Contact {
    Contact {
        id: contact.id.clone(),
        name: english::name(&contact.name),
        email: contact.email.clone(),
        title: contact.title.clone().filter(|title| !title.is_empty()),
        is_primary: contact.is_primary,
        flagged: contact.email_flagged_at.map(|at| visitor.when(at)),
        opted_out: contact.opted_out_at.map(|at| visitor.when(at)),
        clear: visitor.url(&format!("addresses/{}/email", contact.id)),
        lift: opt_outs::of(visitor, &contact.id),
    }
}

/// What else is known of it.
fn facts(customer: &Customer) -> Vec<(&'static str, String)> {
    let fields = &customer.fields;
    [
        ("Handle", Some(fields.slug.clone())),
        ("Domain", fields.domain.clone()),
        ("Plan", fields.plan.clone()),
        ("Slack channel", fields.slack_channel_id.clone()),
    ]
    .into_iter()
    .filter_map(|(name, value)| Some((name, value.filter(|value| !value.is_empty())?)))
    .collect()
}

/// Later than every row.
fn far() -> chrono::DateTime<chrono::Utc> {
    crate::store::ledger::UNTIL_DECIDED
}
