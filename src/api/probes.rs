//! `/healthz` and `/readyz`: what a supervisor asks a process, without a key. Beside the API, not in it: they answer while the API
//! turns requests away, and in a shape of their own.

use std::time::Duration;

use axum::extract::State;
use axum::response::Response;
use http::header::RETRY_AFTER;
use http::{HeaderValue, StatusCode};
use serde::Serialize;

use super::Api;
use super::wire;
use crate::db::{DbError, SchemaState};

/// How long the database may take to answer.
const PATIENCE: Duration = Duration::from_secs(3);

#[derive(Serialize)]
struct Alive {
    status: &'static str,
}

#[derive(Serialize)]
struct Readiness<'a> {
    status: &'static str,
    database: &'a str,
    schema: &'a str,
    /// Neither SMTP nor Slack is configured, so nobody gets anything.
    captured: bool,
    /// What asks for an operator. It does not make the API unusable, so it is no reason to take this process out.
    warnings: Vec<Noted<'a>>,
}

/// A warning without its words, which name people and repeat what providers say: anybody may ask.
#[derive(Serialize)]
struct Noted<'a> {
    code: &'a str,
    severity: &'a str,
    title: &'a str,
}

/// `GET /healthz`: the process is up. Asks nobody, and no database.
pub(super) async fn healthz() -> Response {
    wire::json(StatusCode::OK, &Alive { status: "ok" })
}

/// `GET /readyz`: the database answers and takes what is written, and its schema is the one that this binary knows; with what else asks for
/// an operator.
pub(super) async fn readyz(State(api): State<Api>) -> Response {
    let found = tokio::time::timeout(PATIENCE, api.db.schema_state()).await;
    let (mut database, schema) = judge(found.unwrap_or(Err(DbError::PoolTimedOut)));
    if database == "ok" && !api.can_write() {
        "takes nothing that is written".clone_into(&mut database);
    }
    let ready = database == "ok" && schema == "ok";
    let (code, status) = if ready {
        (StatusCode::OK, "ready")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "unavailable")
    };
    let found = if ready { api.pulse.feel(&api).await.ok() } else { None };
    let warnings = found.iter().flat_map(|found| &found.warnings);
    let warnings = warnings
        .map(|w| Noted { code: &w.code, severity: w.severity.as_str(), title: &w.title })
        .collect();
    let body = Readiness {
        status,
        database: &database,
        schema: &schema,
        captured: api.captured,
        warnings,
    };
    let mut response = wire::json(code, &body);
    if !ready {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
    }
    response
}

/// What to say of database and schema. Anybody may ask, so the cause goes to the log.
fn judge(found: Result<SchemaState, DbError>) -> (String, String) {
    let ok = || "ok".to_owned();
    match found {
        Ok(SchemaState::Current) => (ok(), ok()),
        Ok(SchemaState::Behind(version)) => {
            (ok(), format!("version {version} is older than this binary needs; migrate"))
        }
        Ok(SchemaState::Ahead(version)) => {
            (ok(), format!("version {version} is newer than this binary knows"))
        }
        Err(error) => {
            tracing::warn!(%error, "not ready: the database cannot answer");
            ("does not answer".to_owned(), "unknown".to_owned())
        }
    }
}
