//! What is sent to the console: of the same origin, with the token of the session, by somebody who may, for a reason, and once.

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};

use super::cookies;
use super::error::PageError;
use super::form::Form;
use super::frame;
use super::site::Site;
use super::visitor::{self, Visitor};
use crate::db::Conn;
use crate::domain::findings::ended;
use crate::domain::values::OperatorRole;
use crate::operate::keys::sha256;
use crate::operate::notifications::Because;
use crate::operate::{ActionError, operators};
use crate::store::audit::Author;

/// Longest reason, in characters.
const LONGEST_REASON: usize = 500;

/// A form of ours, from somebody who is signed in.
#[derive(Debug)]
pub(super) struct Sent {
    /// Who sent it.
    pub(super) visitor: Visitor,
    /// What they answered.
    pub(super) form: Form,
}

impl FromRequest<Site> for Sent {
    type Rejection = PageError;

    async fn from_request(request: Request, site: &Site) -> Result<Self, PageError> {
        let (mut parts, body) = request.into_parts();
        require_same_origin(&parts.headers, site)?;
        let visitor = Visitor::from_request_parts(&mut parts, site).await?;
        let form = read(Request::from_parts(parts, body), site).await?;
        // Compared as hashes, so that the time it takes tells nothing.
        let token = sha256(form.one("csrf").unwrap_or_default());
        if token != sha256(&visitor.csrf) {
            let why = "The form is not of this session: you signed in anew since it was opened. Open the page again.";
            return Err(PageError::Forbidden(why.to_owned()));
        }
        Ok(Self { visitor, form })
    }
}

/// Reads a form.
pub(super) async fn read(request: Request, site: &Site) -> Result<Form, PageError> {
    let octets = Bytes::from_request(request, site).await;
    let octets = octets.map_err(|error| PageError::Unclear(error.body_text()))?;
    Ok(Form::read(&octets))
}

/// Refuses what another site had a browser send. Every browser of the last years says where a form comes from.
pub(super) fn require_same_origin(headers: &HeaderMap, site: &Site) -> Result<(), PageError> {
    let origin = visitor::header(headers, header::ORIGIN.as_str());
    let ours = match visitor::header(headers, "sec-fetch-site") {
        Some(from) => from == "same-origin",
        None => origin.is_some_and(|origin| {
            let host = visitor::header(headers, header::HOST.as_str());
            let authority = origin.split_once("://").map(|(_, authority)| authority);
            (authority.is_some() && authority == host)
                || site.public_url.trim_end_matches('/') == origin
        }),
    };
    if ours {
        return Ok(());
    }
    Err(PageError::Forbidden(
        "It was sent from another site, or by something that is no browser.".to_owned(),
    ))
}

/// A form that acts, from an operator who may.
#[derive(Debug)]
pub(super) struct Acting {
    /// Who acts.
    pub(super) visitor: Visitor,
    /// What they answered.
    pub(super) form: Form,
    author: Author,
    site: Site,
}

impl FromRequest<Site> for Acting {
    type Rejection = PageError;

    async fn from_request(request: Request, site: &Site) -> Result<Self, PageError> {
        let Sent { visitor, form } = Sent::from_request(request, site).await?;
        let acting = Self { author: visitor.author(), visitor, form, site: site.clone() };
        acting.require(OperatorRole::Operator)?;
        Ok(acting)
    }
}

impl Acting {
    /// Refuses whoever has less power than this.
    pub(super) fn require(&self, role: OperatorRole) -> Result<(), PageError> {
        if self.visitor.operator.role >= role {
            return Ok(());
        }
        Err(PageError::Forbidden(format!(
            "You are signed in as {}; this needs the role {role}.",
            self.visitor.operator.role
        )))
    }

    /// Who acts, for functions that take no reason.
    pub(super) fn author(&self) -> &Author {
        &self.author
    }

    /// Who acts, and why, as they wrote it.
    pub(super) fn because(&self) -> Result<Because<'_>, PageError> {
        match self.form.one("because") {
            None => Err(PageError::Unclear("Say why; it is kept with your name.".to_owned())),
            Some(reason) if reason.chars().count() > LONGEST_REASON => Err(PageError::Unclear(
                format!("The reason is longer than {LONGEST_REASON} characters."),
            )),
            Some(reason) => Ok(Because { author: &self.author, reason }),
        }
    }

    /// A transaction in which the form acts; `None` if it has acted before, so that a double click does nothing twice.
    pub(super) async fn begin(&self) -> Result<Option<Conn>, PageError> {
        let id = self.form.one("form").filter(|id| (16..=64).contains(&id.len()));
        let Some(id) = id else {
            return Err(PageError::Unclear(
                "The form is not complete. Open the page again.".to_owned(),
            ));
        };
        let mut tx = self.site.db.begin().await?;
        let fresh = operators::note_form(&mut tx, id, self.visitor.now).await?;
        Ok(fresh.then_some(tx))
    }

    /// The form was sent before.
    pub(super) fn twice(&self, back: &str) -> Response {
        self.back(
            back,
            false,
            "This form was sent before and has done its work; nothing was done twice.",
        )
    }

    /// Keeps what was done, and leads to a page that says so; what was refused is said there too.
    pub(super) async fn answer(
        &self,
        tx: Conn,
        done: Result<String, ActionError>,
        back: &str,
    ) -> Result<Response, PageError> {
        match done {
            Ok(sentence) => {
                tx.commit().await?;
                Ok(self.back(back, true, &sentence))
            }
            Err(ActionError::Refused(why)) => {
                Ok(self.back(back, false, &format!("Nothing was changed: {}", ended(&why))))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Leads to a page that says this; where no transaction is left to be ended.
    pub(super) fn back(&self, to: &str, done: bool, sentence: &str) -> Response {
        let cookie = cookies::set_flash(&self.site, done, sentence);
        ([(header::SET_COOKIE, cookie)], frame::to(to)).into_response()
    }
}
