//! The templates of the console, embedded. A page names its own; all extend the frame.

use std::sync::LazyLock;

use axum::response::{Html, IntoResponse, Response};
use minijinja::{AutoEscape, Environment, UndefinedBehavior, Value};

use super::error::PageError;
use super::frame::guards;
use super::live::SCRIPT;
use crate::operate::keys::sha256;

/// The one style sheet.
pub(super) const CSS: &str = include_str!("../../templates/console/console.css");

/// The icon.
pub(super) const ICON: &str = include_str!("../../templates/console/icon.svg");

/// In the addresses of what is cached for ever, so that a new version is another address.
pub(super) static VERSION: LazyLock<String> =
    LazyLock::new(|| sha256([CSS, SCRIPT].concat())[..12].to_owned());

macro_rules! embed {
    ($($name:literal),+ $(,)?) => {
        [$(($name, include_str!(concat!("../../templates/console/", $name, ".html.j2")))),+]
    };
}

static PAGES: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut pages = Environment::new();
    pages.set_undefined_behavior(UndefinedBehavior::Strict);
    pages.set_auto_escape_callback(|_| AutoEscape::Html);
    for (name, source) in embed![
        "addresses",
        "api_keys",
        "audit_log",
        "bare",
        "bulk",
        "bulk_list",
        "customer",
        "customers",
        "error",
        "explain",
        "frame",
        "icons",
        "job",
        "jobs",
        "journeys",
        "macros",
        "messages",
        "notification",
        "notifications",
        "onboarding",
        "onboardings",
        "operators",
        "opt_outs",
        "outbox",
        "outbox_message",
        "overview",
        "parts",
        "people",
        "person",
        "queues",
        "schedules",
        "settings",
        "sign_in",
        "text",
        "texts",
    ] {
        if let Err(error) = pages.add_template(name, source) {
            // Embedded at compile time and rendered by a test; the page then says what is wrong.
            tracing::error!(%error, name, "a page template is broken");
        }
    }
    pages
});

/// A page, with the headers that guard it.
pub(super) fn render(name: &str, context: Value) -> Result<Response, PageError> {
    let html = PAGES.get_template(name)?.render(context)?;
    Ok((guards(), Html(html)).into_response())
}
