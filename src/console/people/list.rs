//! The list of people.

use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;

use crate::console::answers::{Filled, Wrong};
use crate::console::error::PageError;
use crate::console::form::{Form, query};
use crate::console::lists::{self, Sought};
use crate::console::site::Site;
use crate::console::visitor::Visitor;
use crate::console::words::When;
use crate::domain::calendar::local_date;
use crate::operate::addresses;
use crate::render::english;
use crate::store::rosters::{self, Colleague};

#[derive(Serialize)]
struct Page {
    sought: Sought,
    rows: Vec<Row>,
    older: Option<String>,
    refused: usize,
    refused_url: String,
    clear: String,
    filled: Filled,
    wrong: Option<Wrong>,
}

#[derive(Serialize)]
struct Row {
    name: String,
    display_id: i64,
    url: String,
    email: String,
    on_slack: bool,
    active: bool,
    flagged: bool,
    away: Option<String>,
    hears_of: i64,
    next: Option<When>,
}

impl Row {
    fn new(visitor: &Visitor, row: &Colleague) -> Self {
        let today = local_date(visitor.zone(), visitor.now);
        Self {
            name: english::name(&row.name),
            display_id: row.display_id,
            url: visitor.url(&format!("people/{}", row.id)),
            email: row.email.clone(),
            on_slack: row.on_slack,
            active: row.active,
            flagged: row.flagged,
            away: row
                .out_of_office_until
                .filter(|until| *until > today)
                .map(|until| english::day(until, today)),
            hears_of: row.hears_of,
            next: row.next_slot_at.map(|at| visitor.when(at)),
        }
    }
}

/// `GET /admin/w/{workspace}/people`
pub(super) async fn list(
    State(site): State<Site>,
    RawQuery(asked): RawQuery,
    visitor: Visitor,
) -> Result<Response, PageError> {
    let form = Form::read(asked.unwrap_or_default().as_bytes());
    page(&site, &visitor, &form, Filled::default(), None).await
}

/// The list, with the form that adds somebody as it was sent, if it was wrong.
pub(super) async fn page(
    site: &Site,
    visitor: &Visitor,
    asked: &Form,
    filled: Filled,
    wrong: Option<Wrong>,
) -> Result<Response, PageError> {
    let sought = Sought::read(asked.one("q"));
    let mut conn = site.db.read().await?;
    let workspace = &visitor.workspace.id;
    let mut page = lists::page(asked.one("before"));
    if let Some(number) = sought.number() {
        page = rosters::Page { before: number.saturating_add(1), limit: 1 };
    }
    let mut rows = rosters::people(&mut conn, workspace, sought.begins(), page).await?;
    if let Some(number) = sought.number() {
        rows.retain(|row| row.display_id == number);
    }
    let refused = addresses::list(&mut conn, workspace).await?.len();
    let last = lists::cut(&mut rows, |row| row.display_id);
    let is_wrong = wrong.is_some();
    let view = Page {
        rows: rows.iter().map(|row| Row::new(visitor, row)).collect(),
        older: last.map(|last| query([("q", sought.text()), ("before", last.as_str())])),
        refused,
        refused_url: visitor.url("addresses"),
        clear: visitor.url("people"),
        sought,
        filled,
        wrong,
    };
    let mut response = visitor.page(site, "people", "people", "People", &view)?;
    if is_wrong {
        *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
    }
    Ok(response)
}
