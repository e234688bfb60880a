//! Pages for people: server-rendered, usable without script, without anything from elsewhere.
//!
//! Behind links in messages, without login: [`links`]; what Slack sends: [`slack`]; the captured messages: [`outbox`]. For operators, behind a
//! login, everything under `/admin`: a request becomes a [`visitor`] (session, workspace of the URL, role), a page is a struct of words and a
//! template in the [`frame`], and what is sent is [`acting`]: of the same origin, with the session's token and a reason, once.

mod acting;
mod answers;
mod api_keys;
mod audit_log;
pub mod blocks;
mod bulk;
mod calendar;
mod chart;
mod choice;
mod cookies;
mod customers;
mod edge;
mod error;
mod explain;
mod form;
mod frame;
mod jobs;
pub mod links;
mod lists;
mod live;
mod notifications;
mod onboardings;
mod operators;
pub mod outbox;
mod overview;
mod people;
mod previews;
mod queues;
mod schedules;
mod settings;
mod sign_in;
mod site;
pub mod slack;
mod templates;
mod texts;
mod visitor;
mod words;

use axum::Router;
use axum::extract::{DefaultBodyLimit, OriginalUri, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};

pub use site::Console;

use acting::Sent;
use error::PageError;
use site::Site;
use visitor::Visitor;

/// Largest form, in octets.
const MAX_FORM: usize = 64 * 1024;

/// The routes under `/admin`, and `/outbox`, which is open where the console says so.
pub fn router(console: Console) -> Router {
    let site = Site::new(console);
    let outbox = if site.open_outbox {
        outbox::open(site.clone())
    } else {
        Router::new().route("/outbox", get(async || frame::to("/admin/outbox")))
    };
    Router::new()
        .route("/admin", get(home))
        .route("/favicon.ico", get(icon))
        .route("/admin/style.css", get(style))
        .route("/admin/live", get(live::live))
        .route("/admin/live.js", get(live::script))
        .route("/admin/sign-in", get(sign_in::show).post(sign_in::send))
        .route("/admin/sign-out", post(sign_in::out))
        .route("/admin/theme", post(theme))
        .merge(outbox::behind_login())
        .merge(overview::router())
        .merge(notifications::router())
        .merge(queues::router())
        .merge(jobs::router())
        .merge(bulk::router())
        .merge(explain::router())
        .merge(onboardings::router())
        .merge(customers::router())
        .merge(people::router())
        .merge(schedules::router())
        .merge(previews::router())
        .merge(texts::router())
        .merge(settings::router())
        .merge(api_keys::router())
        .merge(operators::router())
        .merge(audit_log::router())
        .route("/admin/{*rest}", get(short))
        .layer(DefaultBodyLimit::max(MAX_FORM))
        .with_state(site)
        .merge(outbox)
}

/// `/admin`: the page that an operator begins with.
async fn home(visitor: Visitor) -> Response {
    frame::to(&visitor.url(""))
}

/// An address without its workspace, such as `/admin/api-keys`, leads to that page of the workspace looked at last.
async fn short(visitor: Visitor, OriginalUri(uri): OriginalUri) -> Result<Response, PageError> {
    let asked = uri.path_and_query().map_or("", |rest| rest.as_str());
    match asked.strip_prefix("/admin/") {
        Some(rest) if !rest.starts_with("w/") => Ok(frame::to(&visitor.url(rest))),
        _ => Err(PageError::NotFound("page")),
    }
}

async fn style() -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/css; charset=utf-8"),
        (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
    ];
    (headers, templates::CSS).into_response()
}

/// What browsers show beside the title; they ask for it at this address, whether a page names it or not.
async fn icon() -> Response {
    let headers =
        [(header::CONTENT_TYPE, "image/svg+xml"), (header::CACHE_CONTROL, "public, max-age=86400")];
    (headers, templates::ICON).into_response()
}

/// Light, dark, or as the system says.
async fn theme(State(site): State<Site>, sent: Sent) -> Response {
    let theme = sent.form.one("theme").filter(|theme| ["light", "dark"].contains(theme));
    let cookie = cookies::theme(&site, theme.unwrap_or_default());
    let back = sign_in::inside(sent.form.one("back").unwrap_or_default());
    ([(header::SET_COOKIE, cookie)], frame::to(back)).into_response()
}
