//! A workspace's own texts: which parts of its messages it has overridden, every version with who and why, writing another, going back.

use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use serde::Serialize;

use super::acting::Acting;
use super::error::PageError;
use super::site::Site;
use super::visitor::Visitor;
use super::words::{self, When};
use crate::domain::values::{OperatorRole, TemplateName};
use crate::operate::ActionError;
use crate::operate::templates::{self, Template};
use crate::store::templates::Version;

pub(super) fn router() -> Router<Site> {
    Router::new()
        .route("/admin/w/{workspace}/texts", get(list))
        .route("/admin/w/{workspace}/texts/{name}", get(show).post(save))
        .route("/admin/w/{workspace}/texts/{name}/roll-back", post(roll_back))
}

#[derive(Serialize)]
struct List {
    rows: Vec<Row>,
}

#[derive(Serialize)]
struct Row {
    name: String,
    words: String,
    url: String,
    own: Option<Kept>,
}

/// A version as the page shows it.
#[derive(Serialize)]
struct Kept {
    version: i64,
    /// Back to the built-in one.
    is_built_in: bool,
    source: String,
    by: String,
    reason: String,
    at: When,
    failed: Option<(When, String)>,
    current: bool,
}

impl Kept {
    fn new(visitor: &Visitor, version: &Version, current: bool) -> Self {
        let failure = version.failure.clone().unwrap_or_default();
        Self {
            version: version.version,
            is_built_in: version.source.is_none(),
            source: version.source.clone().unwrap_or_default(),
            by: version.author_name.clone(),
            reason: version.reason.clone(),
            at: visitor.when(version.created_at),
            failed: version.failed_at.map(|at| (visitor.when(at), failure)),
            current,
        }
    }
}

/// "Digest, subject"
fn in_words(name: TemplateName) -> String {
    format!("{}, {}", words::kind(name.kind), name.part.as_str().replace('_', " "))
}

/// `GET /admin/w/{workspace}/texts`
async fn list(State(site): State<Site>, visitor: Visitor) -> Result<Response, PageError> {
    let mut conn = site.db.read().await?;
    let all = templates::list(&mut conn, &visitor.workspace.id).await?;
    let row = |Template { name, own }: &Template| Row {
        name: name.to_string(),
        words: in_words(*name),
        url: visitor.url(&format!("texts/{name}")),
        own: own.as_ref().map(|own| Kept::new(&visitor, own, true)),
    };
    let view = List { rows: all.iter().map(row).collect() };
    visitor.page(&site, "texts", "messages", "Own texts", &view)
}

#[derive(Serialize)]
struct Page {
    name: String,
    words: String,
    url: String,
    own: Option<Kept>,
    /// What stands in the field: what was sent, else the version in use, else the built-in one.
    source: String,
    has_built_in: bool,
    because: String,
    fault: Option<String>,
    /// What the text may name, with the values of a sample.
    values: String,
    versions: Vec<Kept>,
}

fn named(name: &str) -> Result<TemplateName, PageError> {
    name.parse().map_err(|_| PageError::NotFound("text"))
}

/// `GET /admin/w/{workspace}/texts/{name}`
async fn show(
    State(site): State<Site>,
    Path((_, name)): Path<(String, String)>,
    visitor: Visitor,
) -> Result<Response, PageError> {
    page(&site, &visitor, named(&name)?, None).await
}

/// The page; `sent` is what was not accepted: source, reason, and what is wrong with it.
async fn page(
    site: &Site,
    visitor: &Visitor,
    name: TemplateName,
    sent: Option<(String, String, String)>,
) -> Result<Response, PageError> {
    let mut conn = site.db.read().await?;
    let detail = templates::show(&mut conn, &visitor.workspace.id, name).await?;
    drop(conn);
    let own = detail.template.own.as_ref();
    let written = own.and_then(|own| own.source.clone());
    let written = written.or_else(|| detail.built_in.map(str::to_owned)).unwrap_or_default();
    let is_wrong = sent.is_some();
    let (source, because, fault) = match sent {
        Some((source, because, fault)) => (source, because, Some(fault)),
        None => (written, String::new(), None),
    };
    let current = |version: &Version| own.is_some_and(|own| own.id == version.id);
    let versions = detail.versions.iter();
    let view = Page {
        name: name.to_string(),
        words: in_words(name),
        url: visitor.url(&format!("texts/{name}")),
        own: own.map(|own| Kept::new(visitor, own, true)),
        source,
        has_built_in: detail.built_in.is_some(),
        because,
        fault,
        values: serde_json::to_string_pretty(&detail.values).unwrap_or_default(),
        versions: versions.map(|one| Kept::new(visitor, one, current(one))).collect(),
    };
    let mut response = visitor.page(site, "text", "messages", &view.words, &view)?;
    if is_wrong {
        *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
    }
    Ok(response)
}

/// `POST /admin/w/{workspace}/texts/{name}`
async fn save(
    State(site): State<Site>,
    Path((_, name)): Path<(String, String)>,
    acting: Acting,
) -> Result<Response, PageError> {
    acting.require(OperatorRole::Admin)?;
    let because = acting.because()?;
    let visitor = &acting.visitor;
    let name = named(&name)?;
    let back = visitor.url(&format!("texts/{name}"));
    // Browsers send the ends of lines as CR LF.
    let source = acting.form.exactly("source").unwrap_or_default().replace("\r\n", "\n");
    let Some(mut tx) = acting.begin().await? else { return Ok(acting.twice(&back)) };
    let id = &visitor.workspace.id;
    match templates::save(&mut tx, because, id, name, Some(&source), visitor.now).await {
        Ok(()) => {
            let done = format!("{} is kept; the next message says it.", in_words(name));
            acting.answer(tx, Ok(done), &back).await
        }
        Err(ActionError::Refused(why)) => {
            drop(tx);
            let sent = (source, because.reason.to_owned(), words::sentence(&why));
            page(&site, visitor, name, Some(sent)).await
        }
        Err(error) => Err(error.into()),
    }
}

/// `POST /admin/w/{workspace}/texts/{name}/roll-back`
async fn roll_back(
    State(_): State<Site>,
    Path((_, name)): Path<(String, String)>,
    acting: Acting,
) -> Result<Response, PageError> {
    acting.require(OperatorRole::Admin)?;
    let because = acting.because()?;
    let visitor = &acting.visitor;
    let name = named(&name)?;
    let back = visitor.url(&format!("texts/{name}"));
    let to: i64 = acting.form.one("to").and_then(|to| to.parse().ok()).unwrap_or_default();
    let Some(mut tx) = acting.begin().await? else { return Ok(acting.twice(&back)) };
    let id = &visitor.workspace.id;
    let done = templates::roll_back(&mut tx, because, id, name, to, visitor.now).await;
    let done = done.map(|()| match to {
        0 => format!("{} is the built-in one again.", in_words(name)),
        to => format!("{} is version {to} again.", in_words(name)),
    });
    acting.answer(tx, done, &back).await
}
