//! Why a page cannot be shown, as a page: what happened, what is safe, what to do.

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use minijinja::context;

use super::form::query;
use super::frame;
use super::templates;
use crate::db::DbError;
use crate::operate::ActionError;

/// What is shown instead of a page.
#[derive(Debug)]
pub(super) enum PageError {
    /// Nobody is signed in; the address to come back to.
    SignIn(String),
    /// Opened from another site, with which a browser does not send our cookie: asked for once more from here, it does.
    Again(String),
    /// The workspace has no such thing; names its type.
    NotFound(&'static str),
    /// Not allowed; says why in a sentence.
    Forbidden(String),
    /// What was sent cannot be read; says what is wrong in a sentence.
    Unclear(String),
    /// There is no workspace yet.
    NoWorkspace,
    /// The database did not answer.
    Database(DbError),
    /// A template is broken.
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

impl From<ActionError> for PageError {
    fn from(error: ActionError) -> Self {
        match error {
            ActionError::NotFound(what) => Self::NotFound(what),
            ActionError::Refused(why) => Self::Unclear(why),
            ActionError::Db(error) => Self::Database(error),
        }
    }
}

impl IntoResponse for PageError {
    fn into_response(self) -> Response {
        let (status, title, sentence) = match self {
            Self::SignIn(next) => {
                let next = query([("next", next.as_str())]);
                return frame::to(&format!("/admin/sign-in{next}"));
            }
            Self::Again(address) => return again(&address),
            Self::NotFound(what) => (
                StatusCode::NOT_FOUND,
                format!("There is no such {what}."),
                "It may belong to another workspace, or it was thrown away after its time. Nothing was changed.".to_owned(),
            ),
            Self::Forbidden(why) => {
                (StatusCode::FORBIDDEN, "This is not allowed.".to_owned(), format!("{why} Nothing was changed."))
            }
            Self::Unclear(why) => (
                StatusCode::UNPROCESSABLE_ENTITY,
                "This cannot be done.".to_owned(),
                format!("{} Nothing was changed.", super::words::sentence(&why)),
            ),
            Self::NoWorkspace => (
                StatusCode::OK,
                "There is no workspace yet.".to_owned(),
                "Make one on the command line: pivotal-reminders workspaces create --slug acme --name Acme".to_owned(),
            ),
            Self::Database(error) => {
                tracing::warn!(%error, "a page of the console cannot be read");
                (
                    StatusCode::SERVICE_UNAVAILABLE,
                    "The database does not answer.".to_owned(),
                    "Nothing is lost: whatever is due goes out when it answers again. Try again in a moment.".to_owned(),
                )
            }
            Self::Template(error) => {
                tracing::error!(%error, cause = ?error, "a page of the console cannot be rendered");
                (
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "This page is broken.".to_owned(),
                    "Sending goes on. The log says what is wrong; the command line shows the same data.".to_owned(),
                )
            }
        };
        let context = context! {
            title => title.as_str(),
            sentence => sentence,
            refresh => false,
            address => "/admin",
            version => templates::VERSION.as_str(),
        };
        match templates::render("error", context) {
            Ok(page) => (status, page).into_response(),
            Err(_) => (status, title).into_response(),
        }
    }
}

/// A page that asks for the same address once more, this time from here.
fn again(address: &str) -> Response {
    let context = context! {
        title => "One moment",
        sentence => "Opening the page.",
        refresh => true,
        address => address,
        version => templates::VERSION.as_str(),
    };
    templates::render("error", context).unwrap_or_else(|_| {
        (StatusCode::SEE_OTHER, [(header::LOCATION, "/admin/sign-in")]).into_response()
    })
}
