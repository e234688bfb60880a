//! The reference: `/openapi.json`, `/docs` and `/llms.txt`, from one list of operations and the types that requests are read by and answers
//! are written from.
//!
//! The contract is older than the code and may only grow; a document that follows the code follows its mistakes too. So tests hold it
//! against the contract: nothing may be missing or narrower. Others see that every operation is routed with its scope, and that every
//! answer has the keys of its schema.

mod operations;
mod page;
mod schemas;

use std::fmt::Write as _;
use std::sync::LazyLock;

use axum::response::{Html, IntoResponse, Response};
use http::StatusCode;
use http::header::CONTENT_TYPE;
use serde_json::{Map, Value, json};

use super::error::ApiError;
use super::wire;
pub use operations::{Operation, Parameter, operations};

static DOCUMENT: LazyLock<String> = LazyLock::new(|| document().to_string());

/// `GET /openapi.json`
pub(super) async fn openapi() -> Response {
    wire::raw_json(StatusCode::OK, DOCUMENT.clone())
}

static PAGE: LazyLock<Result<String, minijinja::Error>> =
    LazyLock::new(|| page::render(&document()));

/// `GET /docs`: the same for people.
pub(super) async fn docs() -> Result<Html<&'static str>, ApiError> {
    match &*PAGE {
        Ok(page) => Ok(Html(page)),
        Err(error) => {
            // Embedded at compile time and rendered by a test.
            tracing::error!(%error, "the reference cannot be rendered");
            Err(ApiError::internal())
        }
    }
}

/// `GET /llms.txt`: the same for language models.
pub(super) async fn llms() -> Response {
    let mut text = include_str!("llms.txt").to_owned();
    for op in operations() {
        let scope = op.scope.unwrap_or("no key");
        let method = op.method.to_uppercase();
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "- {method} /api/v1{} ({scope}): {}. {}",
            op.path, op.summary, op.description
        );
    }
    ([(CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response()
}

/// The OpenAPI document.
#[must_use]
pub fn document() -> Value {
    let mut paths = Map::new();
    for op in operations() {
        let path = paths.entry(format!("/api/v1{}", op.path)).or_insert_with(|| json!({}));
        path[op.method] = operation(op);
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Pivotal reminders",
            "version": env!("CARGO_PKG_VERSION"),
            "summary": "Customers, contacts, onboardings, and the reminders that keep them from stalling.",
            "description": "Every no is `{\"error\": {type, code, message[, field]}}`. Lists are newest first; pass `next_cursor` as `cursor` for the next page. \
                Ids are opaque; where one is asked for, a number is taken for a display id. /api/v1 only grows."
        },
        "servers": [{ "url": "/" }],
        "security": [{ "BearerAuth": [] }],
        "paths": paths,
        "components": {
            "securitySchemes": { "BearerAuth": {
                "type": "http",
                "scheme": "bearer",
                "bearerFormat": "pivotal_…",
                "description": "`Authorization: Bearer <key>`. Keys that begin with `pivotal_test_` work on the same data, but nothing they cause reaches a person."
            } },
            "headers": headers(),
            "responses": responses(),
            "schemas": schemas::all(),
        },
    })
}

fn operation(op: &Operation) -> Value {
    let mut value = json!({ "operationId": op.id, "tags": [op.tag], "summary": op.summary });
    if !op.description.is_empty() {
        value["description"] = op.description.into();
    }
    match op.scope {
        None => value["security"] = json!([]),
        Some(scope) => value["x-scope"] = scope.into(),
    }
    let parameters = parameters(op);
    if !parameters.is_empty() {
        value["parameters"] = parameters.into();
    }
    if let Some(body) = op.body {
        let content = if body.contains('/') {
            json!({ body: { "schema": { "type": "string" } } })
        } else {
            json!({ "application/json": { "schema": schema(body) } })
        };
        value["requestBody"] = json!({ "required": true, "content": content });
    }
    let (status, name) = op.success;
    let mut answers = Map::new();
    answers.insert(
        status.to_string(),
        json!({
            "description": "Done.",
            "headers": answer_headers(op, op.method == "post"),
            "content": { "application/json": { "schema": schema(name) } },
        }),
    );
    for (status, description) in op.errors {
        let mut answer = error(description);
        answer["headers"] = answer_headers(op, false);
        if *status == 429 {
            answer["headers"]["Retry-After"] = header("Retry-After");
        }
        answers.insert(status.to_string(), answer);
    }
    if op.scope.is_some() {
        for (status, name) in
            [("401", "Unauthorized"), ("403", "Forbidden"), ("429", "RateLimited")]
        {
            answers.insert(
                status.to_owned(),
                json!({ "$ref": format!("#/components/responses/{name}") }),
            );
        }
    }
    answers.insert("500".to_owned(), json!({ "$ref": "#/components/responses/InternalError" }));
    answers.insert("default".to_owned(), json!({ "$ref": "#/components/responses/Unexpected" }));
    value["responses"] = answers.into();
    value
}

fn schema(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

fn error(description: &str) -> Value {
    json!({ "description": description, "content": { "application/json": { "schema": schema("Error") } } })
}

fn parameters(op: &Operation) -> Vec<Value> {
    let in_path = op.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    let mut all: Vec<Value> = in_path
        .map(|name| json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string", "minLength": 1 },
            "description": match name { "key" => "Key of the phase.", "name" => "Its name.", _ => "Id, or display id." } }))
        .collect();
    if op.success.1.ends_with("List") {
        let mut limit = json!({ "type": "integer", "minimum": 1, "maximum": 100, "default": 25 });
        let mut follow = "rows strictly older follow";
        if op.whole {
            limit = json!({ "type": "integer", "minimum": 1, "maximum": 100 });
            follow = "what comes after it follows";
        }
        all.push(json!({ "name": "limit", "in": "query", "description": "Rows on the page.", "schema": limit }));
        all.push(json!({ "name": "cursor", "in": "query", "description": format!("next_cursor of the page before; {follow}."),
            "schema": { "type": "string", "format": "date-time" } }));
    }
    for (name, kind, description) in op.query {
        if let Some(json) = kind.strip_prefix("application/json ") {
            all.push(json!({ "name": name, "in": "query", "description": description,
                "content": { "application/json": { "schema": schema(json) } } }));
            continue;
        }
        let must = kind.strip_prefix("required ");
        let kind = must.unwrap_or(kind);
        let schema = match kind {
            "date-time" => json!({ "type": "string", "format": "date-time" }),
            kind if kind.starts_with(char::is_uppercase) => schema(kind),
            kind => json!({ "type": kind, "minLength": 1 }),
        };
        let mut parameter =
            json!({ "name": name, "in": "query", "description": description, "schema": schema });
        if must.is_some() {
            parameter["required"] = json!(true);
        }
        all.push(parameter);
    }
    if op.method == "post" {
        all.push(json!({ "name": "Idempotency-Key", "in": "header",
            "description": "Makes the request happen once: for 24 hours the same key with the same body is answered with the stored answer.",
            "schema": { "type": "string", "minLength": 1, "maxLength": 255 } }));
    }
    all
}

fn header(name: &str) -> Value {
    json!({ "$ref": format!("#/components/headers/{name}") })
}

fn answer_headers(op: &Operation, may_be_replayed: bool) -> Value {
    let mut all = names(&["X-Request-Id"]);
    if op.scope.is_some() {
        all.append(&mut names(&RATE_LIMIT));
    }
    if may_be_replayed {
        all.append(&mut names(&["Idempotency-Replay"]));
    }
    all.into()
}

const RATE_LIMIT: [&str; 3] = ["X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"];

fn names(names: &[&str]) -> Map<String, Value> {
    names.iter().map(|name| ((*name).to_owned(), header(name))).collect()
}

fn headers() -> Value {
    let integer = |minimum: u8| json!({ "type": "integer", "minimum": minimum });
    json!({
        "X-Request-Id": { "description": "Names the request in logs and in the audit log; yours if you send one of 1 to 128 visible ASCII characters.",
            "schema": { "type": "string", "minLength": 1, "maxLength": 128 } },
        "X-RateLimit-Limit": { "description": "Requests per sliding minute.", "schema": integer(1) },
        "X-RateLimit-Remaining": { "description": "Requests left in the window.", "schema": integer(0) },
        "X-RateLimit-Reset": { "description": "Unix second at which the oldest request leaves the window.", "schema": integer(0) },
        "Retry-After": { "description": "Whole seconds to wait.", "schema": integer(1) },
        "Idempotency-Replay": { "description": "true on a replayed answer.", "schema": { "type": "string", "enum": ["true"] } },
        "WWW-Authenticate": { "description": "Bearer.", "schema": { "type": "string" } },
    })
}

fn responses() -> Value {
    let with = |description: &str, headers: &[&[&str]]| {
        let mut response = error(description);
        response["headers"] = names(&headers.concat()).into();
        response
    };
    let id: &[&str] = &["X-Request-Id"];
    json!({
        "Unauthorized": with("missing_api_key, invalid_api_key or api_key_revoked.", &[id, &["WWW-Authenticate"]]),
        "Forbidden": with("insufficient_scope.", &[id, &RATE_LIMIT]),
        "RateLimited": with("rate_limited.", &[id, &RATE_LIMIT, &["Retry-After"]]),
        "InternalError": with("internal_error: a fault on our side, of which the answer tells nothing.", &[id]),
        "Unexpected": with("Any other answer, always in the envelope: 405 with Allow, 413, 415, 503 unavailable with Retry-After.", &[id]),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A comma in an unquoted description once made keywords of its second half.
    #[test]
    fn no_keyword_is_empty() {
        fn walk(value: &Value) {
            match value {
                Value::Object(map) => map.iter().for_each(|(key, value)| {
                    assert!(!value.is_null(), "{key}");
                    walk(value);
                }),
                Value::Array(items) => items.iter().for_each(walk),
                _ => {}
            }
        }
        walk(&document());
    }

    /// Every `$ref` of the document leads somewhere.
    #[test]
    fn no_reference_leads_nowhere() {
        fn walk(value: &Value, document: &Value) {
            if let Some(target) = value.get("$ref").and_then(Value::as_str) {
                assert!(document.pointer(&target[1..]).is_some(), "{target}");
            }
            match value {
                Value::Object(map) => map.values().for_each(|value| walk(value, document)),
                Value::Array(items) => items.iter().for_each(|value| walk(value, document)),
                _ => {}
            }
        }
        let document = document();
        assert!(document["components"]["schemas"].is_object());
        walk(&document, &document);
    }
}
