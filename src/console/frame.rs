//! The frame around every page of the console: navigation, workspace, banners, the sentence about what was just done.

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use minijinja::context;
use minijinja::value::{Serde, Value};
use rand::Rng;
use rand::distr::Alphanumeric;
use serde::Serialize;

use super::cookies;
use super::error::PageError;
use super::site::Site;
use super::templates;
use super::visitor::Visitor;
use super::words::When;
use crate::domain::values::OperatorRole;
use crate::store::queues::EVERYBODY;

/// A page runs our own script, loads our own style sheet, shows messages in frames, and gets nothing from elsewhere.
const PAGE_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// A message brings its own inline styles and gets nothing else.
const MESSAGE_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; form-action 'none'; base-uri 'none'; frame-ancestors 'self'; sandbox";

fn guarded(policy: &'static str, framing: &'static str) -> [(HeaderName, &'static str); 5] {
    [
        (header::CONTENT_SECURITY_POLICY, policy),
        (header::X_FRAME_OPTIONS, framing),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        // Not `no-referrer`, with which browsers send forms with the origin `null`.
        (header::REFERRER_POLICY, "same-origin"),
        (header::CACHE_CONTROL, "no-store"),
    ]
}

/// The headers of a page.
pub(super) fn guards() -> [(HeaderName, &'static str); 5] {
    guarded(PAGE_POLICY, "DENY")
}

/// The HTML of a message, for a frame of ours: it runs nothing and loads nothing.
pub(super) fn message(html: String) -> Response {
    (guarded(MESSAGE_POLICY, "SAMEORIGIN"), axum::response::Html(html)).into_response()
}

/// Leads to another page of ours, with GET.
pub(super) fn to(address: &str) -> Response {
    // What a header cannot hold is no address of ours.
    let address = HeaderValue::from_str(address).unwrap_or(HeaderValue::from_static("/admin"));
    (StatusCode::SEE_OTHER, [(header::LOCATION, address)], guards()).into_response()
}

/// What the navigation lists, in its order: the page of its address, and its words.
const PAGES: [(&str, &str); 14] = [
    ("", "Overview"),
    ("notifications", "Notifications"),
    ("explain", "Explain"),
    ("onboardings", "Onboardings"),
    ("customers", "Customers"),
    ("people", "People"),
    ("queues", "Queues and jobs"),
    ("bulk", "Bulk operations"),
    ("schedules", "Schedules"),
    ("messages", "Messages"),
    ("settings", "Settings"),
    ("api-keys", "API keys"),
    ("operators", "Operators"),
    ("audit-log", "Audit log"),
];

#[derive(Serialize)]
struct Frame<'a> {
    title: &'a str,
    version: &'a str,
    theme: Option<&'a str>,
    address: &'a str,
    operator: &'a str,
    role: &'a str,
    may_act: bool,
    is_admin: bool,
    csrf: &'a str,
    /// Names what is sent from this page, so that it acts once.
    form: String,
    workspace: Place<'a>,
    workspaces: Vec<Place<'a>>,
    pages: Vec<Item<'a>>,
    banners: Vec<Banner<'a>>,
    flash: Option<Flash<'a>>,
    captured: bool,
    now: When,
}

#[derive(Serialize)]
struct Place<'a> {
    name: &'a str,
    url: String,
    zone: &'a str,
    current: bool,
}

#[derive(Serialize)]
struct Item<'a> {
    words: &'a str,
    url: String,
    current: bool,
}

/// A queue that stands still.
#[derive(Serialize)]
struct Banner<'a> {
    queue: &'static str,
    everybody: bool,
    by: &'a str,
    reason: &'a str,
    since: When,
}

#[derive(Serialize)]
struct Flash<'a> {
    done: bool,
    sentence: &'a str,
}

impl Visitor {
    /// A page: `current` is the item of the navigation to which it belongs, `view` what the template calls `page`.
    pub(super) fn page(
        &self,
        site: &Site,
        template: &str,
        current: &str,
        title: &str,
        view: &impl Serialize,
    ) -> Result<Response, PageError> {
        let mut response = templates::render(
            template,
            context! {
                frame => Value::from(Serde(&self.frame(site, current, title))),
                page => Value::from(Serde(view)),
            },
        )?;
        let headers = response.headers_mut();
        let mut set = |cookie: String| {
            if let Ok(value) = HeaderValue::from_str(&cookie) {
                headers.append(header::SET_COOKIE, value);
            }
        };
        if self.flash.is_some() {
            set(cookies::forget_flash(site));
        }
        if !self.workspace_is_known {
            set(cookies::set_workspace(site, &self.workspace.slug));
        }
        Ok(response)
    }

    fn frame<'a>(&'a self, site: &Site, current: &str, title: &'a str) -> Frame<'a> {
        let form = rand::rng().sample_iter(Alphanumeric).take(22).map(char::from).collect();
        let place = |workspace: &'a crate::store::workspaces::Workspace| Place {
            name: &workspace.name,
            url: format!("/admin/w/{}", workspace.slug),
            zone: &workspace.time_zone,
            current: workspace.id == self.workspace.id,
        };
        Frame {
            title,
            version: templates::VERSION.as_str(),
            theme: self.theme,
            address: &self.address,
            operator: &self.operator.name,
            role: self.operator.role.as_str(),
            may_act: self.may_act(),
            is_admin: self.operator.role >= OperatorRole::Admin,
            csrf: &self.csrf,
            form,
            workspace: place(&self.workspace),
            workspaces: self.workspaces.iter().map(place).collect(),
            pages: PAGES
                .into_iter()
                .map(|(page, words)| Item { words, url: self.url(page), current: page == current })
                .collect(),
            banners: self
                .pauses
                .iter()
                .map(|pause| Banner {
                    queue: pause.queue.name(),
                    everybody: pause.workspace_id == EVERYBODY,
                    by: &pause.by,
                    reason: &pause.reason,
                    since: self.when(pause.since),
                })
                .collect(),
            flash: self.flash.as_ref().map(|(done, sentence)| Flash { done: *done, sentence }),
            captured: site.captured,
            now: self.when(self.now),
        }
    }
}
