//! `/l/{token}`: the pages behind the links in messages, without login. GET shows, with at most one button; only POST acts, so that
//! whatever follows links changes nothing.
//!
//! [`mod@page`] is the one shape of these pages, `show` puts into words what a link is for, `act` reads the form and acts.

mod act;
mod page;
mod show;

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::middleware::from_fn_with_state;
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use minijinja::value::{Serde, Value};
use minijinja::{AutoEscape, Environment, UndefinedBehavior};

use crate::clock::Clock;
use crate::db::{Db, DbError};
use crate::domain::facts::Channels;
use crate::domain::link::LinkKey;
use crate::domain::values::Locale;
use crate::operate::links::{self, Opened, Refusal};
use page::Page;

use super::edge::{Edge, edge};

/// Largest form, in octets.
const MAX_FORM: usize = 16 * 1024;

/// A page runs nothing, loads nothing but its style sheet, and is never inside another one.
const POLICY: &str = "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// What the pages need.
#[derive(Clone, Debug)]
pub struct LinkPages {
    /// The database.
    pub db: Db,
    /// The time.
    pub clock: Clock,
    /// Reads tokens, and signs those on the pages.
    pub key: LinkKey,
    /// Which channels exist, for explanations.
    pub channels: Channels,
    /// The workspace's own page of an onboarding, with `{display_id}`.
    pub onboarding_url: Option<String>,
}

#[derive(Clone)]
struct Site {
    pages: LinkPages,
    templates: Arc<Environment<'static>>,
}

/// The routes. Whoever has a link may do what it is for.
pub fn router(pages: LinkPages) -> Router {
    Router::new()
        .route("/l/style.css", get(style))
        .route("/l/{token}", get(show).post(act))
        .layer(DefaultBodyLimit::max(MAX_FORM))
        .layer(from_fn_with_state(Edge::new(), edge))
        .with_state(Site { pages, templates: Arc::new(templates()) })
}

fn templates() -> Environment<'static> {
    let mut templates = Environment::new();
    templates.set_undefined_behavior(UndefinedBehavior::Strict);
    templates.set_auto_escape_callback(|_| AutoEscape::Html);
    let source = include_str!("../../templates/console/link.html.j2");
    if let Err(error) = templates.add_template("link", source) {
        // Embedded at compile time and rendered by a test; the page then says what is wrong.
        tracing::error!(%error, "the template of the link pages is broken");
    }
    templates
}

async fn show(State(site): State<Site>, Path(token): Path<String>, headers: HeaderMap) -> Response {
    let t = understood(&headers);
    let looked = async {
        // Whoever guesses gets no connection.
        if site.pages.key.read(&token).is_none() {
            return Ok(refused(t, Refusal::Unreadable));
        }
        let mut conn = site.pages.db.read().await?;
        let now = site.pages.clock.now();
        match links::open(&mut conn, &site.pages.key, &token, now).await? {
            Ok(opened) => show::page(&mut conn, &site.pages, &opened, now).await,
            Err(refusal) => Ok(refused(t, refusal)),
        }
    };
    let page = looked.await;
    site.respond(t, page)
}

async fn act(
    State(site): State<Site>,
    Path(token): Path<String>,
    headers: HeaderMap,
    form: Bytes,
) -> Response {
    let t = understood(&headers);
    let acted = async {
        if site.pages.key.read(&token).is_none() {
            return Ok(refused(t, Refusal::Unreadable));
        }
        let mut tx = site.pages.db.begin().await?;
        let now = site.pages.clock.now();
        let opened: Opened = match links::open(&mut tx, &site.pages.key, &token, now).await? {
            Ok(opened) => opened,
            Err(refusal) => return Ok(refused(t, refusal)),
        };
        let page = act::page(&mut tx, &site.pages, &opened, &form, now).await?;
        tx.commit().await?;
        Ok(page)
    };
    let page = acted.await;
    site.respond(t, page)
}

/// The language of a page that belongs to no workspace: the first that the browser's reader prefers and we have.
fn understood(headers: &HeaderMap) -> Locale {
    let wanted = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
    let tags = wanted.unwrap_or_default().split(',').filter_map(|tag| {
        let (tag, quality) = tag.split_once(";q=").unwrap_or((tag, "1"));
        let language = tag.trim().split('-').next()?.to_ascii_lowercase().parse().ok()?;
        Some((language, quality.trim().parse::<f32>().ok().filter(|quality| *quality > 0.0)?))
    });
    // Of equal ones the first.
    tags.reduce(|best, other| if other.1 > best.1 { other } else { best })
        .map_or_else(Locale::default, |(language, _)| language)
}

fn refused(t: Locale, refusal: Refusal) -> (StatusCode, Page) {
    let (title, sentence) = refusal.sentences(t);
    let status = match refusal {
        Refusal::Unreadable | Refusal::Unknown => StatusCode::NOT_FOUND,
        Refusal::Expired | Refusal::Test | Refusal::Nobody => StatusCode::GONE,
    };
    (status, Page::new(t, title).says(sentence).says(t.nothing_was_changed()))
}

impl Site {
    fn respond(&self, t: Locale, page: Result<(StatusCode, Page), DbError>) -> Response {
        let (status, page) = page.unwrap_or_else(|error| {
            tracing::warn!(%error, "a link cannot be followed");
            let page = Page::new(t, t.did_not_work()).says(t.try_again());
            (StatusCode::SERVICE_UNAVAILABLE, page)
        });
        let html = self
            .templates
            .get_template("link")
            .and_then(|template| template.render(Value::from(Serde(&page))));
        match html {
            Ok(html) => (status, guards(), Html(html)).into_response(),
            Err(error) => {
                tracing::error!(%error, "a page cannot be rendered");
                (StatusCode::INTERNAL_SERVER_ERROR, "This page is broken; the log says why.")
                    .into_response()
            }
        }
    }
}

/// The address is the key to the page: it must not be kept, indexed, or told to anybody.
fn guards() -> [(HeaderName, &'static str); 5] {
    [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
        (HeaderName::from_static("x-robots-tag"), "noindex, nofollow"),
    ]
}

async fn style() -> Response {
    let css = concat!(
        include_str!("../../templates/console/console.css"),
        include_str!("../../templates/console/link.css")
    );
    ([(header::CONTENT_TYPE, "text/css; charset=utf-8")], css).into_response()
}
