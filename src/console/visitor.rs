//! Who looks at a page: an operator with a session, and the workspace that the address names.

use axum::extract::{FromRequestParts, OriginalUri, RawPathParams};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method};
use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::cookies;
use super::error::PageError;
use super::site::Site;
use super::words::When;
use crate::domain::values::OperatorRole;
use crate::operate::keys::sha256;
use crate::operate::operators::{self, Operator};
use crate::store::audit::Author;
use crate::store::directory;
use crate::store::queues::{self, Pause};
use crate::store::workspaces::Workspace;

/// An operator who is signed in, before one workspace.
#[derive(Clone, Debug)]
pub(super) struct Visitor {
    /// Who.
    pub(super) operator: Operator,
    /// The workspace of the address; else the one looked at last.
    pub(super) workspace: Workspace,
    /// Every workspace, by handle.
    pub(super) workspaces: Vec<Workspace>,
    /// The queues that are paused for this workspace.
    pub(super) pauses: Vec<Pause>,
    /// Belongs into every form.
    pub(super) csrf: String,
    /// The address of the page, with its query.
    pub(super) address: String,
    /// What the last form came to.
    pub(super) flash: Option<(bool, String)>,
    /// The chosen theme.
    pub(super) theme: Option<&'static str>,
    /// Whether the browser knows already which workspace was looked at last.
    pub(super) workspace_is_known: bool,
    /// When the page was asked for.
    pub(super) now: DateTime<Utc>,
    /// The token of the session.
    pub(super) token: String,
}

impl Visitor {
    /// Whether they may act on messages, queues and jobs.
    pub(super) fn may_act(&self) -> bool {
        self.operator.role >= OperatorRole::Operator
    }

    /// The address of a page of this workspace; `""` is the first.
    pub(super) fn url(&self, page: &str) -> String {
        let slash = if page.is_empty() { "" } else { "/" };
        format!("/admin/w/{}{slash}{page}", self.workspace.slug)
    }

    /// The actor of what they do.
    pub(super) fn author(&self) -> Author {
        Author::operator(&self.operator.id, &self.operator.name)
    }

    /// The workspace's zone, in which the console shows times.
    pub(super) fn zone(&self) -> Tz {
        self.workspace.time_zone.parse().unwrap_or(Tz::UTC)
    }

    /// An instant as this page shows it.
    pub(super) fn when(&self, at: DateTime<Utc>) -> When {
        When::new(at, self.zone(), self.now)
    }
}

/// The token that forms of a session carry: it follows from the session's token, which no other site knows, and does not tell it.
pub(super) fn csrf(token: &str) -> String {
    sha256(format!("form of {token}"))
}

impl FromRequestParts<Site> for Visitor {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, site: &Site) -> Result<Self, PageError> {
        let OriginalUri(uri) = OriginalUri::from_request_parts(parts, site)
            .await
            .unwrap_or_else(|never| match never {});
        let address = uri.path_and_query().map_or("/admin", |address| address.as_str()).to_owned();
        let now = site.clock.now();
        let Some(token) = cookies::session(&parts.headers).map(ToOwned::to_owned) else {
            return Err(nobody(parts, address));
        };
        let Some(operator) = operators::signed_in(&site.db, &token, now).await? else {
            return Err(nobody(parts, address));
        };
        let params = RawPathParams::from_request_parts(parts, site).await.ok();
        let asked = params
            .iter()
            .flat_map(|params| params.iter())
            .find_map(|(name, value)| (name == "workspace").then(|| value.to_owned()));
        let mut conn = site.db.read().await?;
        let workspaces = directory::workspaces(&mut conn).await?;
        let last = cookies::workspace(&parts.headers);
        let workspace = match &asked {
            Some(slug) => {
                let found = workspaces.iter().find(|workspace| workspace.slug == *slug);
                found.ok_or(PageError::NotFound("workspace"))?
            }
            None => workspaces
                .iter()
                .find(|workspace| Some(workspace.slug.as_str()) == last)
                .or(workspaces.first())
                .ok_or(PageError::NoWorkspace)?,
        };
        let mut pauses = queues::pauses(&mut conn).await?;
        pauses.retain(|pause| pause.is_for(&workspace.id));
        Ok(Self {
            operator,
            workspace: workspace.clone(),
            workspace_is_known: last == Some(workspace.slug.as_str()),
            pauses,
            csrf: csrf(&token),
            address,
            flash: cookies::flash(&parts.headers),
            theme: cookies::chosen_theme(&parts.headers),
            workspaces,
            now,
            token,
        })
    }
}

/// Nobody is signed in, or the browser keeps its cookie back because another site led here.
fn nobody(parts: &Parts, address: String) -> PageError {
    let from_elsewhere = header(&parts.headers, "sec-fetch-site") == Some("cross-site");
    let has_cookie = cookies::session(&parts.headers).is_some();
    match parts.method {
        Method::GET if from_elsewhere && !has_cookie => PageError::Again(address),
        Method::GET => PageError::SignIn(address),
        _ => PageError::SignIn("/admin".to_owned()),
    }
}

/// The value of a header, where it is text.
pub(super) fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}
