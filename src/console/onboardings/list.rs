//! The list of onboardings.

use axum::extract::{RawQuery, State};
use axum::response::Response;
use serde::Serialize;

use super::{Look, label, look};
use crate::console::error::PageError;
use crate::console::form::{Form, query};
use crate::console::lists::{self, Choice, Link, Sought, choice};
use crate::console::site::Site;
use crate::console::visitor::Visitor;
use crate::domain::calendar::local_date;
use crate::domain::values::{Phase, State as Health};
use crate::render::english;
use crate::store::phases;
use crate::store::rosters::{self, Journey, Journeys};

#[derive(Serialize)]
struct Page {
    sought: Sought,
    states: Vec<Choice>,
    phases: Vec<Choice>,
    shows: Vec<Choice>,
    person: Option<Link>,
    person_id: String,
    rows: Vec<Row>,
    older: Option<String>,
    filtered: bool,
    clear: String,
}

#[derive(Serialize)]
pub(in crate::console) struct Row {
    name: String,
    display_id: i64,
    url: String,
    look: Look,
    phase: String,
    csm: Option<Link>,
    nobody: bool,
    launch: Option<String>,
    last: Option<String>,
    next: Option<String>,
    snoozed: Option<String>,
}

impl Row {
    pub(in crate::console) fn new(
        visitor: &Visitor,
        row: &Journey,
        labels: &[phases::Phase],
    ) -> Self {
        let today = local_date(visitor.zone(), visitor.now);
        let resting = row.snoozed_until.filter(|until| *until > today);
        let csm = row.csm_id.as_ref().zip(row.csm_name.as_ref());
        Self {
            name: english::name(&row.customer_name),
            display_id: row.display_id,
            url: visitor.url(&format!("onboardings/{}", row.id)),
            look: look(row.phase, row.state, row.waiting_on_customer),
            phase: label(labels, row.phase).to_owned(),
            csm: csm.map(|(id, name)| Link::to_user(visitor, id, name)),
            nobody: row.recipient_id.is_none() && !row.phase.is_terminal(),
            launch: row.target_launch_date.map(|at| english::day(at.date_naive(), today)),
            last: row.last_reminded_on.map(|day| english::day(day, today)),
            next: row
                .next_due_on
                .filter(|_| row.recipient_id.is_some())
                .map(|day| english::day(day.max(today), today)),
            snoozed: resting.map(|until| english::day(until, today)),
        }
    }
}

/// `GET /admin/w/{workspace}/onboardings`
pub(super) async fn list(
    State(site): State<Site>,
    RawQuery(asked): RawQuery,
    visitor: Visitor,
) -> Result<Response, PageError> {
    let form = Form::read(asked.unwrap_or_default().as_bytes());
    let word = |name: &str| form.one(name);
    let (state, phase): (Option<Health>, Option<Phase>) =
        (choice(word("state")), choice(word("phase")));
    let show = word("show").unwrap_or_default();
    let today = local_date(visitor.zone(), visitor.now);
    let sought = Sought::read(word("q"));
    let mut conn = site.db.read().await?;
    let labels = phases::list(&mut conn, &visitor.workspace.id).await?;
    let which = Journeys {
        begins: sought.begins(),
        whole: false,
        number: sought.number(),
        customer_id: None,
        user_id: word("person"),
        state,
        phase,
        unroutable: show == "nobody",
        snoozed_on: (show == "snoozed").then_some(today),
    };
    let page = lists::page(word("before"));
    let mut rows = rosters::journeys(&mut conn, &visitor.workspace.id, &which, page).await?;
    let last = lists::cut(&mut rows, |row| row.display_id);
    let same = [
        ("q", sought.text()),
        ("state", word("state").unwrap_or_default()),
        ("phase", word("phase").unwrap_or_default()),
        ("person", word("person").unwrap_or_default()),
        ("show", show),
    ];
    let older = last.map(|last| query(same.into_iter().chain([("before", last.as_str())])));
    let person = match word("person") {
        Some(id) => {
            let names = rosters::names(&mut conn, &[id.to_owned()]).await?;
            names.get(id).map(|name| Link::to_user(&visitor, id, name))
        }
        None => None,
    };
    let view = Page {
        filtered: same.iter().any(|(_, value)| !value.is_empty()),
        states: lists::choices(
            "Any state",
            Health::ALL.iter().map(|one| {
                (one.as_str(), look(Phase::Review, *one, *one == Health::Waiting).words.to_owned())
            }),
            word("state"),
        ),
        phases: lists::choices(
            "Any phase",
            labels.iter().map(|one| (one.key.as_str(), one.label.clone())),
            word("phase"),
        ),
        shows: lists::choices(
            "All",
            [("nobody", "Come to nobody".to_owned()), ("snoozed", "Snoozed".to_owned())],
            word("show"),
        ),
        rows: rows.iter().map(|row| Row::new(&visitor, row, &labels)).collect(),
        clear: visitor.url("onboardings"),
        sought,
        person,
        person_id: word("person").unwrap_or_default().to_owned(),
        older,
    };
    visitor.page(&site, "onboardings", "onboardings", "Onboardings", &view)
}
