//! `/outbox`: captured and suppressed messages as people would have seen them, newest first.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use chrono::{DateTime, Utc};
use minijinja::{AutoEscape, Environment, UndefinedBehavior, context};
use serde::{Deserialize, Serialize};

use crate::console::blocks;
use crate::db::{Db, DbError};
use crate::domain::message::Message;
use crate::domain::values::NotificationState;
use crate::store::ledger::UNTIL_DECIDED;
use crate::store::outbox::{self, Kept};

/// Messages on one page.
const PAGE: i64 = 50;

/// A page runs nothing and loads nothing but its own style sheet and the message in its frame.
const PAGE_POLICY: &str =
    "default-src 'none'; style-src 'self'; frame-src 'self'; base-uri 'none'; form-action 'none'";

/// A message brings its own inline styles and gets nothing else.
const MESSAGE_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; sandbox";

#[derive(Clone)]
struct Outbox {
    db: Db,
    pages: Arc<Environment<'static>>,
}

/// The routes. Whoever can reach them can read every message in them.
pub fn router(db: Db) -> Router {
    let outbox = Outbox { db, pages: Arc::new(pages()) };
    Router::new()
        .route("/outbox", get(list))
        .route("/outbox/style.css", get(style))
        .route("/outbox/{id}", get(one))
        .route("/outbox/{id}/html", get(mail))
        .with_state(outbox)
}

fn pages() -> Environment<'static> {
    let mut pages = Environment::new();
    pages.set_undefined_behavior(UndefinedBehavior::Strict);
    pages.set_auto_escape_callback(|_| AutoEscape::Html);
    let sources = [
        ("frame", include_str!("../../templates/console/frame.html.j2")),
        ("list", include_str!("../../templates/console/outbox.html.j2")),
        ("one", include_str!("../../templates/console/outbox_message.html.j2")),
    ];
    for (name, source) in sources {
        if let Err(error) = pages.add_template(name, source) {
            // Embedded at compile time and rendered by a test; the page then says what is wrong.
            tracing::error!(%error, name, "a page template is broken");
        }
    }
    pages
}

/// Why a page cannot be shown.
enum PageError {
    NotFound,
    Database(DbError),
    Template(minijinja::Error),
}

impl From<DbError> for PageError {
    fn from(error: DbError) -> Self {
        Self::Database(error)
    }
}

impl From<minijinja::Error> for PageError {
    fn from(error: minijinja::Error) -> Self {
        Self::Template(error)
    }
}

impl IntoResponse for PageError {
    fn into_response(self) -> Response {
        match self {
            Self::NotFound => {
                (StatusCode::NOT_FOUND, "There is no such message. See /outbox.").into_response()
            }
            Self::Database(error) => {
                tracing::warn!(%error, "the outbox cannot be read");
                (
                    StatusCode::SERVICE_UNAVAILABLE,
                    "The database does not answer. Nothing is lost; try again.",
                )
                    .into_response()
            }
            Self::Template(error) => {
                tracing::error!(%error, "a page cannot be rendered");
                (StatusCode::INTERNAL_SERVER_ERROR, "This page is broken; the log says why.")
                    .into_response()
            }
        }
    }
}

/// One row of the list, in words.
#[derive(Serialize)]
struct Row {
    id: String,
    subject: String,
    kind: String,
    channel: &'static str,
    recipient: String,
    address: String,
    workspace: String,
    at: String,
    suppressed: bool,
    outcome: String,
}

impl From<&Kept> for Row {
    fn from(kept: &Kept) -> Self {
        let suppressed = kept.state == NotificationState::Suppressed;
        let kind = kept.kind.as_str().replace('_', " ");
        Self {
            id: kept.id.clone(),
            subject: kept.subject.clone().unwrap_or_else(|| kind.clone()),
            kind,
            channel: match kept.channel {
                crate::domain::values::Channel::Email => "e-mail",
                crate::domain::values::Channel::Slack => "Slack",
            },
            recipient: kept.recipient.clone(),
            address: kept.address.clone().unwrap_or_default(),
            workspace: kept.workspace.clone(),
            at: kept.finished_at.format("%a %-d %b %Y, %H:%M UTC").to_string(),
            suppressed,
            outcome: if suppressed {
                format!(
                    "suppressed: {}",
                    kept.reason.as_deref().unwrap_or("test_mode").replace('_', " ")
                )
            } else {
                "captured".to_owned()
            },
        }
    }
}

#[derive(Deserialize)]
struct Before {
    before: Option<DateTime<Utc>>,
}

async fn list(
    State(outbox): State<Outbox>,
    Query(page): Query<Before>,
) -> Result<Response, PageError> {
    let mut conn = outbox.db.read().await?;
    let mut kept = outbox::list(&mut conn, page.before.unwrap_or(UNTIL_DECIDED), PAGE + 1).await?;
    let more = kept.len() > usize::try_from(PAGE).unwrap_or_default();
    kept.truncate(usize::try_from(PAGE).unwrap_or_default());
    let older = kept
        .last()
        .filter(|_| more)
        .map(|last| last.finished_at.to_rfc3339_opts(chrono::SecondsFormat::Millis, true));
    let rows: Vec<Row> = kept.iter().map(Row::from).collect();
    let page = outbox.pages.get_template("list")?.render(context! {
        rows => minijinja::Value::from(minijinja::value::Serde(&rows)),
        older => older,
    })?;
    Ok(guarded(PAGE_POLICY, page))
}

async fn one(State(outbox): State<Outbox>, Path(id): Path<String>) -> Result<Response, PageError> {
    let (kept, message) = find(&outbox, &id).await?;
    let row = Row::from(&kept);
    let (text, blocks, from) = match &message {
        Message::Email(email) => (email.text.clone(), None, email.from_name.clone()),
        Message::Slack(post) => {
            (post.text.clone(), Some(blocks::html(&post.blocks)), String::new())
        }
    };
    let page = outbox.pages.get_template("one")?.render(context! {
        row => minijinja::Value::from(minijinja::value::Serde(&row)),
        text => text,
        from => from,
        blocks => blocks.map(minijinja::Value::from_safe_string),
    })?;
    Ok(guarded(PAGE_POLICY, page))
}

async fn mail(State(outbox): State<Outbox>, Path(id): Path<String>) -> Result<Response, PageError> {
    match find(&outbox, &id).await?.1 {
        Message::Email(email) => Ok(guarded(MESSAGE_POLICY, email.html)),
        Message::Slack(_) => Err(PageError::NotFound),
    }
}

async fn find(outbox: &Outbox, id: &str) -> Result<(Kept, Message), PageError> {
    let mut conn = outbox.db.read().await?;
    outbox::get(&mut conn, id).await?.ok_or(PageError::NotFound)
}

async fn style() -> Response {
    let css = include_str!("../../templates/console/console.css");
    ([(header::CONTENT_TYPE, "text/css; charset=utf-8")], css).into_response()
}

fn guarded(policy: &'static str, page: String) -> Response {
    let headers = [
        (header::CONTENT_SECURITY_POLICY, policy),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    (headers, Html(page)).into_response()
}
