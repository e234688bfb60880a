//! The one shape in which the API says no, and what a failure of the database becomes in it. Causes are logged here, once; the caller
//! never sees them.

use std::borrow::Cow;

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use schemars::JsonSchema;
use serde::Serialize;

use super::wire;
use crate::db::DbError;
use crate::operate::ActionError;
use crate::operate::forecast::ForecastError;
use crate::operate::preview::PreviewError;

/// An answer that is not a success.
#[derive(Clone, Debug)]
pub(super) struct ApiError {
    status: StatusCode,
    code: &'static str,
    message: Cow<'static, str>,
    field: Option<Cow<'static, str>>,
    retry_after: Option<i64>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Error")]
pub(super) struct Envelope<'a> {
    error: Inner<'a>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(inline)]
struct Inner<'a> {
    #[schemars(extend("enum" = ["invalid_request_error", "authentication_error", "permission_error", "rate_limit_error", "not_found", "conflict", "internal_error"]))]
    r#type: &'static str,
    /// Stable and machine-readable; new values may appear inside a type.
    code: &'static str,
    /// For humans; never parse it.
    message: &'a str,
    /// Dotted path of the offending property, only when one is to blame.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "&str")]
    field: Option<&'a str>,
}

impl ApiError {
    fn new(status: StatusCode, code: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Self { status, code, message: message.into(), field: None, retry_after: None }
    }

    /// 400: something in the request is wrong.
    pub(super) fn invalid(code: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, message)
    }

    /// 400: the property `field` is wrong.
    pub(super) fn invalid_field(
        field: impl Into<Cow<'static, str>>,
        code: &'static str,
        message: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self { field: Some(field.into()), ..Self::invalid(code, message) }
    }

    /// 400: `field` names a user that the workspace does not have.
    pub(super) fn user_not_found(field: &'static str) -> Self {
        Self::invalid_field(field, "user_not_found", "No such user.")
    }

    /// 401: no key that opens anything.
    pub(super) fn unauthorized(code: &'static str, message: &'static str) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, code, message)
    }

    /// 403: the key may not do this.
    pub(super) fn insufficient_scope(scope: &str) -> Self {
        let message = format!("The key lacks the required scope: {scope}.");
        Self::new(StatusCode::FORBIDDEN, "insufficient_scope", message)
    }

    /// 404.
    pub(super) fn not_found(code: &'static str, message: &'static str) -> Self {
        Self::new(StatusCode::NOT_FOUND, code, message)
    }

    /// 404: no such customer, or of another workspace, or deleted; nobody can tell which.
    pub(super) fn customer_not_found() -> Self {
        Self::not_found("customer_not_found", "No such customer.")
    }

    /// 404: not one of the workspace is called so, but several.
    pub(super) fn several_found(ids: &[&str], more: usize) -> Self {
        let message = match more {
            0 => format!("Several are called so: {}.", ids.join(", ")),
            more => format!("Several are called so: {}, and {more} more.", ids.join(", ")),
        };
        Self::new(StatusCode::NOT_FOUND, "several_found", message)
    }

    /// 404: nobody and nothing of the workspace is called so.
    pub(super) fn nothing_found() -> Self {
        Self::not_found("nothing_found", "Nobody and nothing is called so.")
    }

    /// 404: likewise.
    pub(super) fn contact_not_found() -> Self {
        Self::not_found("contact_not_found", "No such contact.")
    }

    /// 404: likewise.
    pub(super) fn address_not_found() -> Self {
        Self::not_found("address_not_found", "No such user or contact.")
    }

    /// 404: likewise.
    pub(super) fn onboarding_not_found() -> Self {
        Self::not_found("onboarding_not_found", "No such onboarding.")
    }

    /// 404: likewise.
    pub(super) fn no_such_user() -> Self {
        Self::not_found("user_not_found", "No such user.")
    }

    /// 404: likewise.
    pub(super) fn api_key_not_found() -> Self {
        Self::not_found("api_key_not_found", "No such API key.")
    }

    /// 404: likewise.
    pub(super) fn phase_not_found() -> Self {
        Self::not_found("phase_not_found", "No such phase.")
    }

    /// 404: likewise.
    pub(super) fn notification_not_found() -> Self {
        Self::not_found("notification_not_found", "No such notification.")
    }

    /// 404: likewise.
    pub(super) fn queue_not_found() -> Self {
        Self::not_found("queue_not_found", "No such queue.")
    }

    /// 404: likewise.
    pub(super) fn job_not_found() -> Self {
        Self::not_found("job_not_found", "No such job.")
    }

    /// 404: likewise.
    pub(super) fn bulk_operation_not_found() -> Self {
        Self::not_found("bulk_operation_not_found", "No such bulk operation.")
    }

    /// 404: likewise.
    pub(super) fn schedule_not_found() -> Self {
        Self::not_found("schedule_not_found", "No such schedule.")
    }

    /// The same fault of a property inside the property `parent`.
    #[must_use]
    pub(super) fn inside(self, parent: &str) -> Self {
        let field = self.field.map(|field| Cow::Owned(format!("{parent}.{field}")));
        Self { field, ..self }
    }

    /// 405; the router adds `Allow`.
    pub(super) fn method_not_allowed() -> Self {
        let message = "This path does not know this method; see the Allow header.";
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", message)
    }

    /// 409.
    pub(super) fn conflict(code: &'static str, message: &'static str) -> Self {
        Self::new(StatusCode::CONFLICT, code, message)
    }

    /// 409: the value of `field` must be unique and is not.
    pub(super) fn taken(field: &'static str, code: &'static str, message: &'static str) -> Self {
        Self { field: Some(Cow::Borrowed(field)), ..Self::conflict(code, message) }
    }

    /// 413.
    pub(super) fn body_too_large() -> Self {
        let message = "The body is larger than 1 MiB.";
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", message)
    }

    /// 400: what came is no request, or too long a one.
    pub(super) fn unread(code: &'static str, message: &'static str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, message)
    }

    /// 415.
    pub(super) fn unsupported_media_type(wanted: &str) -> Self {
        let message = format!("Send the body as {wanted}.");
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", message)
    }

    /// 429: room again after `seconds`.
    pub(super) fn rate_limited(seconds: i64) -> Self {
        let message = format!("Too many requests; wait {seconds} s.");
        Self {
            retry_after: Some(seconds),
            ..Self::new(StatusCode::TOO_MANY_REQUESTS, "rate_limited", message)
        }
    }

    /// 500.
    pub(super) fn internal() -> Self {
        let message = "Something went wrong on our side.";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal_error", message)
    }

    /// 503: try again soon.
    pub(super) fn unavailable() -> Self {
        let message = "The service cannot answer right now; try again in a moment.";
        Self {
            retry_after: Some(1),
            ..Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", message)
        }
    }

    /// What it is answered with.
    pub(super) const fn status(&self) -> StatusCode {
        self.status
    }

    /// The property that is wrong, `""` if there is none, and what is wrong with it.
    pub(super) fn said(&self) -> (&str, &str) {
        (self.field.as_deref().unwrap_or_default(), &self.message)
    }

    /// Whether the key's window is full.
    #[must_use]
    pub(super) fn is_rate_limited(&self) -> bool {
        self.status == StatusCode::TOO_MANY_REQUESTS
    }

    const fn kind(&self) -> &'static str {
        match self.status.as_u16() {
            401 => "authentication_error",
            403 => "permission_error",
            404 => "not_found",
            409 => "conflict",
            429 => "rate_limit_error",
            400..=499 => "invalid_request_error",
            _ => "internal_error",
        }
    }
}

impl ApiError {
    /// The body of the answer.
    pub(super) fn envelope(&self) -> Envelope<'_> {
        let error = Inner {
            r#type: self.kind(),
            code: self.code,
            message: &self.message,
            field: self.field.as_deref(),
        };
        Envelope { error }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = wire::json(self.status, &self.envelope());
        let headers = response.headers_mut();
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

impl From<ActionError> for ApiError {
    fn from(error: ActionError) -> Self {
        match error {
            ActionError::NotFound("queue") => Self::queue_not_found(),
            ActionError::NotFound("user or contact") => Self::address_not_found(),
            ActionError::NotFound("contact") => Self::contact_not_found(),
            ActionError::NotFound("job") => Self::job_not_found(),
            ActionError::NotFound("bulk operation") => Self::bulk_operation_not_found(),
            ActionError::NotFound("schedule") => Self::schedule_not_found(),
            ActionError::NotFound(_) => Self::notification_not_found(),
            ActionError::Refused(words) => {
                Self::new(StatusCode::CONFLICT, "action_refused", sentence(words))
            }
            ActionError::Db(error) => error.into(),
        }
    }
}

impl From<PreviewError> for ApiError {
    fn from(error: PreviewError) -> Self {
        match error {
            PreviewError::Nothing(words) => {
                Self::new(StatusCode::NOT_FOUND, "nothing_to_preview", sentence(words))
            }
            PreviewError::Render(error) => {
                tracing::error!(%error, "a message cannot be previewed");
                Self::internal()
            }
            PreviewError::Database(error) => error.into(),
        }
    }
}

/// Words of an error as a sentence.
fn sentence(mut words: String) -> String {
    if let Some(first) = words.get(..1).map(str::to_uppercase) {
        words.replace_range(..1, &first);
    }
    words + "."
}

impl From<ForecastError> for ApiError {
    fn from(error: ForecastError) -> Self {
        match error {
            ForecastError::NoOnboarding => Self::onboarding_not_found(),
            ForecastError::Database(error) => error.into(),
        }
    }
}

impl From<DbError> for ApiError {
    fn from(error: DbError) -> Self {
        if is_outage(&error) {
            tracing::warn!(%error, "the database cannot answer");
            Self::unavailable()
        } else {
            tracing::error!(%error, "a statement failed");
            Self::internal()
        }
    }
}

/// Whether the fault is the database's state, and the same request may well succeed later.
fn is_outage(error: &DbError) -> bool {
    match error {
        DbError::Io(_)
        | DbError::Tls(_)
        | DbError::Protocol(_)
        | DbError::PoolTimedOut
        | DbError::PoolClosed
        | DbError::WorkerCrashed => true,
        DbError::Database(error) => error.code().is_some_and(|code| {
            if error.try_downcast_ref::<sqlx::sqlite::SqliteError>().is_some() {
                // Busy, locked, read-only, disk error, disk full, cannot open; the upper bits hold details.
                let primary = code.parse().map_or(0, |code: i64| code & 0xff);
                matches!(primary, 5 | 6 | 8 | 10 | 13 | 14)
            } else {
                // Connection lost, out of resources, operator's intervention, system error; a dead lock, a serialization failure, a
                // lock that did not come in time; a read-only replica.
                ["08", "53", "57", "58"].iter().any(|class| code.starts_with(class))
                    || ["40P01", "40001", "55P03", "25006"].contains(&&*code)
            }
        }),
        _ => false,
    }
}
