//! Who calls, and whether they may. One extractor per scope: a handler that takes a [`Writer`] cannot be reached without the scope
//! `write`, within the key's limit.

use std::net::SocketAddr;

use axum::extract::{ConnectInfo, FromRequestParts};
use chrono::{DateTime, Utc};
use http::header::AUTHORIZATION;
use http::request::Parts;

use super::Api;
use super::edge::Context;
use super::error::ApiError;
use crate::domain::values::{Mode, Scope, Tier};
use crate::operate::keys;
use crate::store::api_keys::{self, KeyHolder};
use crate::store::audit::Author;
use crate::store::facts;
use crate::store::rate_windows::{self, Standing};

/// The key behind a request.
#[derive(Clone, Debug)]
pub(super) struct Caller {
    holder: KeyHolder,
    /// When the request came: one instant for all that it does.
    pub now: DateTime<Utc>,
    request_id: std::sync::Arc<str>,
}

impl Caller {
    /// The workspace that the key opens, the only one its requests can see.
    #[must_use]
    pub(super) fn workspace_id(&self) -> &str {
        &self.holder.key.workspace_id
    }

    /// The key and its workspace.
    #[must_use]
    pub(super) const fn holder(&self) -> &KeyHolder {
        &self.holder
    }

    /// The workspace's zone.
    #[must_use]
    pub(super) fn zone(&self) -> chrono_tz::Tz {
        facts::zone(&self.holder.workspace_zone)
    }

    /// Makes sure that the key is a live one. Settings reach every live message, and nothing that a test key causes may do that.
    pub(super) fn must_be_live(&self) -> Result<(), ApiError> {
        match self.holder.key.mode {
            Mode::Live => Ok(()),
            Mode::Test => Err(ApiError::insufficient_scope("admin, by a live key")),
        }
    }

    /// The author of what the request writes.
    #[must_use]
    pub(super) fn author(&self) -> Author {
        let key = &self.holder.key;
        Author::api_key(&key.id, &key.name, key.mode, &self.request_id)
    }
}

/// Finds out who calls, counts the request, and says no where that is the answer.
pub(super) async fn authenticate(parts: &Parts, api: &Api) -> Result<Caller, ApiError> {
    let secret = bearer(parts)?;
    let now = api.clock.now();
    let mut conn = api.db.read().await?;
    let found = api_keys::find_by_hash(&mut conn, &keys::sha256(secret)).await?;
    drop(conn);
    let Some(holder) = found else {
        return Err(ApiError::unauthorized("invalid_api_key", "The API key is not known."));
    };
    if holder.key.is_revoked(now) {
        let message = "This API key has been revoked.";
        return Err(ApiError::unauthorized("api_key_revoked", message));
    }
    let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip());
    api.usage.note(&holder.key.id, now, peer);
    let standing = count(api, &holder, now).await?;
    let context = Context::of(parts);
    context.set_standing(standing);
    if !standing.allowed {
        return Err(ApiError::rate_limited(seconds_until(standing.reset_at, now)));
    }
    Ok(Caller { holder, now, request_id: context.request_id() })
}

async fn count(api: &Api, holder: &KeyHolder, now: DateTime<Utc>) -> Result<Standing, ApiError> {
    let key = &holder.key;
    let limit = key.tier.limit(key.mode);
    if key.tier == Tier::Unlimited {
        return Ok(Standing::unlimited(limit, now));
    }
    // A transaction of its own: a request counts whatever becomes of it.
    let mut tx = api.db.begin().await?;
    let standing = rate_windows::count(&mut tx, &key.id, limit, now).await?;
    tx.commit().await?;
    Ok(standing)
}

/// Whole seconds from `now` until an instant in milliseconds; never too few, and at least one.
fn seconds_until(millis: i64, now: DateTime<Utc>) -> i64 {
    let left = millis - now.timestamp_millis();
    left.max(1).saturating_add(999) / 1000
}

/// The key in the header. Its scheme is written in any case; nothing else authenticates.
fn bearer(parts: &Parts) -> Result<&str, ApiError> {
    let missing = || ApiError::unauthorized("missing_api_key", "Send the key as a Bearer token.");
    let header = parts.headers.get(AUTHORIZATION).ok_or_else(missing)?;
    let text = header
        .to_str()
        .map_err(|_| ApiError::unauthorized("invalid_api_key", "The API key is not known."))?;
    let (scheme, key) = text.trim().split_once(' ').ok_or_else(missing)?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(missing());
    }
    Ok(key.trim())
}

impl FromRequestParts<Api> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, ApiError> {
        authenticate(parts, api).await
    }
}

macro_rules! scoped {
    ($($(#[$meta:meta])* $name:ident: $scope:ident),+ $(,)?) => {$(
        $(#[$meta])*
        #[derive(Clone, Debug)]
        pub(super) struct $name(pub Caller);

        impl FromRequestParts<Api> for $name {
            type Rejection = ApiError;

            async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, ApiError> {
                let caller = authenticate(parts, api).await?;
                if caller.holder.key.scopes().contains(&Scope::$scope) {
                    Ok(Self(caller))
                } else {
                    Err(ApiError::insufficient_scope(Scope::$scope.as_str()))
                }
            }
        }
    )+};
}

scoped! {
    /// A caller with the scope `read`.
    Reader: Read,
    /// A caller with the scope `write`.
    Writer: Write,
    /// A caller with the scope `operate`.
    Operator: Operate,
    /// A caller with the scope `admin`.
    Admin: Admin,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_never_too_short() {
        let now = DateTime::from_timestamp_millis(1_800_000_000_500).unwrap();
        assert_eq!(seconds_until(1_800_000_000_501, now), 1);
        assert_eq!(seconds_until(1_800_000_001_500, now), 1);
        assert_eq!(seconds_until(1_800_000_001_501, now), 2);
        assert_eq!(seconds_until(1_800_000_000_000, now), 1);
    }
}
