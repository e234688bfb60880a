//! `/outbox`: captured and suppressed messages as people would have seen them, newest first. Open in a demo; in `serve` it is a page of the
//! console, behind its login, at `/admin/outbox`.

use axum::Router;
use axum::extract::{FromRequestParts, Path, Query, State};
use axum::http::request::Parts;
use axum::response::Response;
use axum::routing::get;
use chrono::{DateTime, SecondsFormat, Utc};
use minijinja::context;
use minijinja::value::{Serde, Value};
use serde::{Deserialize, Serialize};

use super::error::PageError;
use super::site::Site;
use super::visitor::Visitor;
use super::{blocks, frame, templates, words};
use crate::domain::message::Message;
use crate::domain::values::NotificationState;
use crate::store::ledger::UNTIL_DECIDED;
use crate::store::outbox::{self, Kept};

/// Messages on one page.
const PAGE: i64 = 50;

/// For whoever can reach it: the data of a demo is invented.
pub(super) fn open(site: Site) -> Router {
    routes("/outbox").with_state(site)
}

/// For operators.
pub(super) fn behind_login() -> Router<Site> {
    routes("/admin/outbox")
}

fn routes(base: &str) -> Router<Site> {
    Router::new()
        .route(base, get(list))
        .route(&format!("{base}/{{id}}"), get(one))
        .route(&format!("{base}/{{id}}/html"), get(mail))
}

/// Whoever reads: an operator, or anybody.
enum Reader {
    Operator(Box<Visitor>),
    Anybody,
}

impl FromRequestParts<Site> for Reader {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, site: &Site) -> Result<Self, PageError> {
        if !parts.uri.path().starts_with("/admin/") {
            return Ok(Self::Anybody);
        }
        let visitor = Visitor::from_request_parts(parts, site).await?;
        Ok(Self::Operator(Box::new(visitor)))
    }
}

impl Reader {
    const fn base(&self) -> &'static str {
        match self {
            Self::Operator(_) => "/admin/outbox",
            Self::Anybody => "/outbox",
        }
    }

    fn page(
        &self,
        site: &Site,
        template: &str,
        title: &str,
        view: &impl Serialize,
    ) -> Result<Response, PageError> {
        match self {
            Self::Operator(visitor) => visitor.page(site, template, "outbox", title, view),
            Self::Anybody => templates::render(
                template,
                context! {
                    frame => (),
                    title => title,
                    version => templates::VERSION.as_str(),
                    page => Value::from(Serde(view)),
                },
            ),
        }
    }
}

/// One row of the list, in words.
#[derive(Serialize)]
struct Row {
    url: String,
    subject: String,
    kind: &'static str,
    channel: &'static str,
    recipient: String,
    address: String,
    workspace: String,
    at: String,
    iso: String,
    state: &'static str,
    outcome: String,
}

impl Row {
    fn new(base: &str, kept: &Kept) -> Self {
        let kind = words::kind(kept.kind);
        let (state, outcome) = if kept.state == NotificationState::Suppressed {
            let reason = kept.reason.as_deref().unwrap_or("test_mode").replace('_', " ");
            ("suppressed", format!("suppressed: {reason}"))
        } else {
            ("sent", "captured".to_owned())
        };
        Self {
            url: format!("{base}/{}", kept.id),
            subject: kept.subject.clone().unwrap_or_else(|| kind.to_owned()),
            kind,
            channel: kept.channel.in_words(),
            recipient: kept.recipient.clone(),
            address: kept.address.clone().unwrap_or_default(),
            workspace: kept.workspace.clone(),
            // Of all workspaces, and so in the one zone that is nobody's.
            at: kept.finished_at.format("%a %-d %b %Y, %H:%M UTC").to_string(),
            iso: kept.finished_at.to_rfc3339_opts(SecondsFormat::Millis, true),
            state,
            outcome,
        }
    }
}

#[derive(Deserialize)]
struct Before {
    before: Option<DateTime<Utc>>,
}

#[derive(Serialize)]
struct List {
    rows: Vec<Row>,
    older: Option<String>,
}

async fn list(
    State(site): State<Site>,
    reader: Reader,
    Query(page): Query<Before>,
) -> Result<Response, PageError> {
    let mut conn = site.db.read().await?;
    let mut kept = outbox::list(&mut conn, page.before.unwrap_or(UNTIL_DECIDED), PAGE + 1).await?;
    let size = usize::try_from(PAGE).unwrap_or_default();
    let more = kept.len() > size;
    kept.truncate(size);
    let base = reader.base();
    let older = kept.last().filter(|_| more).map(|last| {
        let before = last.finished_at.to_rfc3339_opts(SecondsFormat::Millis, true);
        format!("{base}?before={before}")
    });
    let rows = kept.iter().map(|kept| Row::new(base, kept)).collect();
    reader.page(&site, "outbox", "Outbox", &List { rows, older })
}

#[derive(Serialize)]
struct One {
    outbox: &'static str,
    row: Row,
    from: String,
    text: String,
    blocks: Option<String>,
}

async fn one(
    State(site): State<Site>,
    reader: Reader,
    Path(id): Path<String>,
) -> Result<Response, PageError> {
    let (kept, message) = find(&site, &reader, &id).await?;
    let row = Row::new(reader.base(), &kept);
    let (text, blocks, from) = match message {
        Message::Email(email) => (email.text, None, email.from_name),
        Message::Slack(post) => (post.text, Some(blocks::html(&post.blocks)), String::new()),
    };
    let title = row.subject.clone();
    reader.page(
        &site,
        "outbox_message",
        &title,
        &One { outbox: reader.base(), row, from, text, blocks },
    )
}

async fn mail(
    State(site): State<Site>,
    reader: Reader,
    Path(id): Path<String>,
) -> Result<Response, PageError> {
    match find(&site, &reader, &id).await?.1 {
        Message::Email(email) => Ok(frame::message(email.html)),
        Message::Slack(_) => Err(PageError::NotFound("mail")),
    }
}

async fn find(site: &Site, reader: &Reader, id: &str) -> Result<(Kept, Message), PageError> {
    let mut conn = site.db.read().await?;
    let found = outbox::get(&mut conn, id).await?;
    let (kept, message) = found.ok_or(PageError::NotFound("message"))?;
    Ok(match reader {
        Reader::Operator(_) => (kept, message.for_others()),
        // In a demo whoever looks plays all the recipients.
        Reader::Anybody => (kept, message),
    })
}
