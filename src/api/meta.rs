//! `/me` and `/health`.

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;

use super::Api;
use super::auth::Reader;
use super::wire::{self, Instant};
use crate::domain::values::{Mode, Scope, Tier};

#[derive(Serialize, JsonSchema)]
pub(super) struct Me<'a> {
    #[schemars(extend("enum" = ["me"]))]
    object: &'static str,
    api_key: MyKey<'a>,
    organization: Organization<'a>,
    mode: Mode,
}

#[derive(Serialize, JsonSchema)]
#[schemars(inline)]
struct MyKey<'a> {
    id: &'a str,
    name: &'a str,
    prefix: &'a str,
    #[schemars(with = "Vec<String>")]
    scopes: Vec<Scope>,
    #[schemars(with = "String")]
    rate_limit_tier: Tier,
}

#[derive(Serialize, JsonSchema)]
#[schemars(inline)]
struct Organization<'a> {
    id: &'a str,
    slug: &'a str,
    name: &'a str,
}

/// `GET /api/v1/me`: who the key is.
pub(super) async fn me(Reader(caller): Reader) -> Response {
    let holder = caller.holder();
    let me = Me {
        object: "me",
        api_key: MyKey {
            id: &holder.key.id,
            name: &holder.key.name,
            prefix: &holder.key.prefix,
            scopes: holder.key.scopes(),
            rate_limit_tier: holder.key.tier,
        },
        organization: Organization {
            id: &holder.key.workspace_id,
            slug: &holder.workspace_slug,
            name: &holder.workspace_name,
        },
        mode: holder.key.mode,
    };
    wire::json(StatusCode::OK, &me)
}

#[derive(Serialize, JsonSchema)]
pub(super) struct Health {
    #[schemars(extend("enum" = ["ok"]))]
    status: &'static str,
    // The contract leaves its form open, as those of `scopes` and `rate_limit_tier`.
    #[schemars(with = "String")]
    timestamp: Instant,
    version: &'static str,
}

/// `GET /api/v1/health`: the process is up. Asks nobody, and no database.
pub(super) async fn health(State(api): State<Api>) -> Response {
    let health = Health {
        status: "ok",
        timestamp: Instant(api.clock.now()),
        version: env!("CARGO_PKG_VERSION"),
    };
    wire::json(StatusCode::OK, &health)
}
