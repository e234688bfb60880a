//! Who wants no messages of which kind: people who switched it off, and customers' contacts who unsubscribed. A contact who asks for them again
//! gets them again.

use axum::extract::{Path, RawQuery, State};
use axum::response::Response;
use serde::Serialize;

use crate::console::acting::Acting;
use crate::console::error::PageError;
use crate::console::form::{Form, query};
use crate::console::lists::{self, Link, PAGE_AND_ONE};
use crate::console::sign_in::inside;
use crate::console::site::Site;
use crate::console::visitor::Visitor;
use crate::console::words::{self, When};
use crate::domain::ids::Ref;
use crate::domain::values::RecipientType;
use crate::operate::opt_outs::{self, OptOut};
use crate::render::english;

#[derive(Serialize)]
struct Page {
    rows: Vec<Row>,
    next: Option<String>,
}

#[derive(Serialize)]
struct Row {
    who: Link,
    name: String,
    address: String,
    id: String,
    kinds: String,
    since: Option<When>,
    /// Where a form lifts it; users choose for themselves.
    lift: Option<String>,
}

impl Row {
    fn new(visitor: &Visitor, found: &OptOut) -> Self {
        let who = match &found.customer_id {
            Some(customer) => Link::to_customer(visitor, customer, &found.name),
            None => Link::to_user(visitor, &found.id, &found.name),
        };
        Self {
            who,
            name: english::name(&found.name),
            address: found.address.clone(),
            id: found.id.clone(),
            kinds: found.kinds.iter().map(|kind| words::kind(*kind)).collect::<Vec<_>>().join(", "),
            since: found.since.map(|at| visitor.when(at)),
            lift: (found.owner == RecipientType::Contact).then(|| of(visitor, &found.id)),
        }
    }
}

/// Where the opt-out of a contact is lifted.
pub(in crate::console) fn of(visitor: &Visitor, contact_id: &str) -> String {
    visitor.url(&format!("opt-outs/{contact_id}"))
}

/// `GET /admin/w/{workspace}/opt-outs`
pub(super) async fn list(
    State(site): State<Site>,
    RawQuery(asked): RawQuery,
    visitor: Visitor,
) -> Result<Response, PageError> {
    let form = Form::read(asked.unwrap_or_default().as_bytes());
    let mut conn = site.db.read().await?;
    let (workspace, after) = (&visitor.workspace.id, form.one("after"));
    let mut found = opt_outs::list(&mut conn, workspace, after, PAGE_AND_ONE).await?;
    let last = lists::cut(&mut found, |of| of.id.clone());
    let view = Page {
        rows: found.iter().map(|of| Row::new(&visitor, of)).collect(),
        next: last.map(|last| query([("after", last.as_str())])),
    };
    visitor.page(&site, "opt_outs", "people", "Opt-outs", &view)
}

/// `POST /admin/w/{workspace}/opt-outs/{contact}`: they are written to again.
pub(super) async fn lift(
    State(_): State<Site>,
    Path((_, contact)): Path<(String, String)>,
    acting: Acting,
) -> Result<Response, PageError> {
    let because = acting.because()?;
    let contact = Ref::parse(&contact).ok_or(PageError::NotFound("contact"))?;
    let back = acting
        .form
        .one("back")
        .map_or_else(|| acting.visitor.url("opt-outs"), |back| inside(back).to_owned());
    let Some(mut tx) = acting.begin().await? else { return Ok(acting.twice(&back)) };
    let Visitor { workspace, now, .. } = &acting.visitor;
    let done = opt_outs::lift(&mut tx, because, &workspace.id, &contact, *now).await;
    let done = done.map(|one| format!("{} is written to again.", english::name(&one.name)));
    acting.answer(tx, done, &back).await
}
