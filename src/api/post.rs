//! POST, once: a request that creates something runs in one transaction, which also keeps the answer under the caller's
//! `Idempotency-Key` (`store::idempotency` says why that is enough).

use axum::extract::{FromRequest, MatchedPath, Request};
use axum::response::Response;
use bytes::Bytes;
use http::{HeaderName, HeaderValue, StatusCode};
use serde::Serialize;

use super::auth::Caller;
use super::body::{self, Body, JsonBytes};
use super::error::ApiError;
use super::{Api, wire};
use crate::db::Conn;
use crate::operate::keys;
use crate::store::idempotency::{self, Known, Stored};

const KEY: &str = "idempotency-key";
const REPLAY: HeaderName = HeaderName::from_static("idempotency-replay");

/// A POST with its body, which nobody has looked at yet: whether the request is a repetition is known before whether it is valid.
#[derive(Debug)]
pub(super) struct Post {
    key: Option<String>,
    route: String,
    bytes: Bytes,
}

/// What a POST turns out to be.
pub(super) enum Begun {
    /// A new request, to be carried out in this transaction.
    First(Once),
    /// A repetition; here is the answer.
    Replay(Response),
}

/// A request that is carried out now.
pub(super) struct Once {
    /// Its transaction.
    pub tx: Conn,
    /// Its body as it came.
    pub bytes: Bytes,
    claim: Option<Claim>,
}

struct Claim {
    scope: String,
    key: String,
    request_hash: String,
}

impl FromRequest<Api> for Post {
    type Rejection = ApiError;

    async fn from_request(request: Request, api: &Api) -> Result<Self, ApiError> {
        let (key, route) = head(&request)?;
        let JsonBytes(bytes) = JsonBytes::from_request(request, api).await?;
        Ok(Self { key, route, bytes })
    }
}

/// A POST with a calendar file as its body.
#[derive(Debug)]
pub(super) struct CalendarPost(pub(super) Post);

impl FromRequest<Api> for CalendarPost {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &Api) -> Result<Self, ApiError> {
        let (key, route) = head(&request)?;
        if body::media_type(&request).as_deref() != Some("text/calendar") {
            return Err(ApiError::unsupported_media_type("text/calendar"));
        }
        Ok(Self(Post { key, route, bytes: body::read(request).await? }))
    }
}

/// Key and route of a request.
fn head(request: &Request) -> Result<(Option<String>, String), ApiError> {
    let key = request.headers().get(KEY).map(read_key).transpose()?;
    let route = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str);
    Ok((key, route.unwrap_or(request.uri().path()).to_owned()))
}

fn read_key(value: &HeaderValue) -> Result<String, ApiError> {
    let fault = |code, message| ApiError::invalid_field("Idempotency-Key", code, message);
    match value.len() {
        0 => Err(fault("too_small", "The key must contain at least 1 byte")),
        1..=255 => std::str::from_utf8(value.as_bytes())
            .map(ToOwned::to_owned)
            .map_err(|_| fault("invalid_string", "The key must be UTF-8")),
        _ => Err(fault("too_big", "The key must contain at most 255 bytes")),
    }
}

impl Post {
    /// Opens the transaction, unless the request is a repetition.
    pub(super) async fn begin(self, api: &Api, caller: &Caller) -> Result<Begun, ApiError> {
        self.begin_at(api.db.begin().await?, caller, None).await
    }

    /// The same in a transaction that has found out which row the path names: two names of one row are one path. What names nothing has no
    /// answer to be repeated, as only successes are kept.
    pub(super) async fn begin_at(
        self,
        mut tx: Conn,
        caller: &Caller,
        id: Option<&str>,
    ) -> Result<Begun, ApiError> {
        let Self { key, route, bytes } = self;
        let Some(key) = key else {
            return Ok(Begun::First(Once { tx, bytes, claim: None }));
        };
        let holder = &caller.holder().key;
        let path =
            id.map_or_else(|| route.clone(), |id| route.replace("{id}", id).replace("{name}", id));
        let claim = Claim {
            scope: format!("{} {} POST {path}", holder.workspace_id, holder.mode),
            key,
            request_hash: keys::sha256(&bytes),
        };
        match idempotency::claim(&mut tx, &claim.scope, &claim.key, caller.now).await? {
            Known::Nothing => Ok(Begun::First(Once { tx, bytes, claim: Some(claim) })),
            Known::InProgress => {
                let message = "The first request with this key is still running.";
                Err(ApiError::conflict("idempotency_in_progress", message))
            }
            Known::Answered(stored) if stored.request_hash == claim.request_hash => {
                Ok(Begun::Replay(replay(stored)))
            }
            Known::Answered(_) => {
                let message = "This key was used with another body.";
                Err(ApiError::conflict("idempotency_key_reused", message))
            }
        }
    }
}

fn replay(stored: Stored) -> Response {
    let status = u16::try_from(stored.status)
        .ok()
        .and_then(|status| StatusCode::from_u16(status).ok())
        .unwrap_or(StatusCode::OK);
    let mut response = wire::raw_json(status, stored.body);
    response.headers_mut().insert(REPLAY, HeaderValue::from_static("true"));
    response
}

impl Once {
    /// Its body.
    pub(super) fn body<R: From<Body>>(&self) -> Result<R, ApiError> {
        Body::read(&self.bytes)
    }

    /// Keeps the answer, commits, and answers.
    pub(super) async fn finish(
        self,
        caller: &Caller,
        status: StatusCode,
        value: &impl Serialize,
    ) -> Result<Response, ApiError> {
        self.finish_with_secret(caller, status, value, value).await
    }

    /// The same for an answer with a secret: what is kept, and replayed, is `kept`.
    pub(super) async fn finish_with_secret(
        mut self,
        caller: &Caller,
        status: StatusCode,
        value: &impl Serialize,
        kept: &impl Serialize,
    ) -> Result<Response, ApiError> {
        let body = wire::text(value).ok_or_else(ApiError::internal)?;
        if let Some(Claim { scope, key, request_hash }) = self.claim {
            let answer = Stored {
                request_hash,
                status: i64::from(status.as_u16()),
                body: wire::text(kept).ok_or_else(ApiError::internal)?,
            };
            idempotency::store(&mut self.tx, &scope, &key, &answer, caller.now).await?;
        }
        self.tx.commit().await?;
        Ok(wire::raw_json(status, body))
    }
}
