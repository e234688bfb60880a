//! API keys.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::Serialize;

use super::Instant;
use crate::domain::values::{Mode, Scope, Tier};
use crate::store::api_keys;

/// A key, without what it opens with.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ApiKey<'a> {
    #[schemars(extend("enum" = ["api_key"]))]
    object: &'static str,
    id: &'a str,
    name: &'a str,
    prefix: &'a str,
    mode: Mode,
    tier: Tier,
    #[schemars(length(min = 1))]
    scopes: Vec<Scope>,
    last_used_at: Option<Instant>,
    last_used_ip: Option<String>,
    request_count: i64,
    created_at: Instant,
    revoked_at: Option<Instant>,
    /// Only in the answer that creates it; never shown again.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "&str")]
    key: Option<&'a str>,
}

impl<'a> From<&'a api_keys::ApiKey> for ApiKey<'a> {
    fn from(row: &'a api_keys::ApiKey) -> Self {
        Self {
            object: "api_key",
            id: &row.id,
            name: &row.name,
            prefix: &row.prefix,
            mode: row.mode,
            tier: row.tier,
            scopes: row.scopes(),
            last_used_at: row.last_used_at.map(Instant),
            last_used_ip: row.last_used_ip.clone(),
            request_count: row.request_count,
            created_at: Instant(row.created_at),
            revoked_at: row.revoked_at.map(Instant),
            key: None,
        }
    }
}

impl<'a> ApiKey<'a> {
    /// With what it was used for since the row was written.
    #[must_use]
    pub fn used(self, last_at: DateTime<Utc>, last_ip: Option<String>, requests: i64) -> Self {
        Self {
            last_used_at: Some(Instant(last_at)),
            last_used_ip: last_ip.or(self.last_used_ip),
            request_count: self.request_count + requests,
            ..self
        }
    }

    /// With the key itself, where it was just made.
    #[must_use]
    pub fn with_secret(self, key: &'a str) -> Self {
        Self { key: Some(key), ..self }
    }
}
