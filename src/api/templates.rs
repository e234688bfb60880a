//! `/templates`: the parts of messages that the workspace writes itself, with every version.

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::response::Response;
use http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

use super::Api;
use super::auth::Admin;
use super::body::{Body, JsonBytes};
use super::error::ApiError;
use super::query::Query;
use super::request::{Nullable, Optional, Required, request};
use super::values::{Integer, Line, TemplateSource};
use super::wire::{self, Instant, List, instant};
use crate::domain::values::{Kind, Part, TemplateName};
use crate::operate::ActionError;
use crate::operate::notifications::Because;
use crate::operate::templates::{self, Detail, Template};
use crate::store::templates::Version;

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Template")]
pub(super) struct View<'a> {
    #[schemars(extend("enum" = ["template"]))]
    object: &'static str,
    name: String,
    kind: Kind,
    part: Part,
    /// 0: the built-in one.
    version: i64,
    /// Null: the built-in one.
    source: Option<&'a str>,
    author: Option<&'a str>,
    reason: Option<&'a str>,
    /// When it first failed in a message, which went out with the built-in one.
    failed_at: Option<Instant>,
    failure: Option<&'a str>,
    updated_at: Option<Instant>,
}

/// A part with everything about it.
#[derive(Serialize, JsonSchema)]
pub(super) struct TemplateDetail<'a> {
    #[schemars(extend("enum" = ["template"]))]
    object: &'static str,
    name: String,
    kind: Kind,
    part: Part,
    /// 0: the built-in one.
    version: i64,
    /// Null: the built-in one.
    source: Option<&'a str>,
    /// Null where the part is built without a template.
    built_in_source: Option<&'a str>,
    /// What a template may name, with the values of a sample.
    #[schemars(with = "Map<String, Value>")]
    values: &'a Value,
    /// The newest first.
    versions: Vec<TemplateVersion<'a>>,
}

/// A version of a part.
#[derive(Serialize, JsonSchema)]
pub(super) struct TemplateVersion<'a> {
    version: i64,
    source: Option<&'a str>,
    author: &'a str,
    reason: &'a str,
    failed_at: Option<Instant>,
    failure: Option<&'a str>,
    created_at: Instant,
}

request! {
    TemplateUpdate {
        /// A template in the syntax of Jinja2, which every sample of its messages can be rendered with; null: back to the built-in one.
        source: Nullable<TemplateSource>,
        /// An earlier version; 0: the built-in one.
        version: Optional<Integer<0, 1_000_000>>,
        reason: Required<Line>,
    }
}

fn view(template: &Template) -> View<'_> {
    let own = template.own.as_ref();
    View {
        object: "template",
        name: template.name.to_string(),
        kind: template.name.kind,
        part: template.name.part,
        version: own.map_or(0, |own| own.version),
        source: own.and_then(|own| own.source.as_deref()),
        author: own.map(|own| own.author_name.as_str()),
        reason: own.map(|own| own.reason.as_str()),
        failed_at: instant(own.and_then(|own| own.failed_at)),
        failure: own.and_then(|own| own.failure.as_deref()),
        updated_at: own.map(|own| Instant(own.created_at)),
    }
}

fn version(version: &Version) -> TemplateVersion<'_> {
    TemplateVersion {
        version: version.version,
        source: version.source.as_deref(),
        author: &version.author_name,
        reason: &version.reason,
        failed_at: instant(version.failed_at),
        failure: version.failure.as_deref(),
        created_at: Instant(version.created_at),
    }
}

fn detail(detail: &Detail) -> TemplateDetail<'_> {
    let View { object, name, kind, part, version: in_use, source, .. } = view(&detail.template);
    TemplateDetail {
        object,
        name,
        kind,
        part,
        version: in_use,
        source,
        built_in_source: detail.built_in,
        values: &detail.values,
        versions: detail.versions.iter().map(version).collect(),
    }
}

/// `GET /api/v1/templates`: every part, the workspace's own and the built-in ones.
pub(super) async fn list(
    State(api): State<Api>,
    Admin(caller): Admin,
    query: Query,
) -> Result<Response, ApiError> {
    let part = query.part()?;
    let mut conn = api.db.read().await?;
    let all = templates::list(&mut conn, caller.workspace_id()).await?;
    let rows = (0..).zip(&all).map(|(n, template)| (wire::place(n), view(template)));
    Ok(wire::json(StatusCode::OK, &List::part(rows, part)))
}

/// `GET /api/v1/templates/{name}`
pub(super) async fn get(
    State(api): State<Api>,
    Admin(caller): Admin,
    name: Named,
) -> Result<Response, ApiError> {
    let name = named(name)?;
    let mut conn = api.db.read().await?;
    let found = templates::show(&mut conn, caller.workspace_id(), name).await?;
    Ok(wire::json(StatusCode::OK, &detail(&found)))
}

/// `PUT /api/v1/templates/{name}`: a new source, an earlier version, or null for the built-in one.
pub(super) async fn put(
    State(api): State<Api>,
    Admin(caller): Admin,
    name: Named,
    JsonBytes(bytes): JsonBytes,
) -> Result<Response, ApiError> {
    caller.must_be_live()?;
    let name = named(name)?;
    let body: TemplateUpdate = Body::read(&bytes)?;
    let source = body.source()?;
    let back_to = body.version()?;
    let reason = body.reason()?;
    let author = caller.author();
    let because = Because { author: &author, reason: &reason };
    let (workspace, now) = (caller.workspace_id(), caller.now);
    let mut tx = api.db.begin().await?;
    let (field, saved) = match (source, back_to) {
        (Some(source), None) => {
            let source = source.as_deref();
            ("source", templates::save(&mut tx, because, workspace, name, source, now).await)
        }
        (None, Some(to)) => {
            ("version", templates::roll_back(&mut tx, because, workspace, name, to, now).await)
        }
        _ => {
            let message = "Send either source or version.";
            return Err(ApiError::invalid_field("source", "custom", message));
        }
    };
    saved.map_err(|error| match error {
        ActionError::Db(error) => ApiError::from(error),
        ActionError::NotFound(_) => {
            ApiError::invalid_field(field, "template_not_found", "There is no such version.")
        }
        ActionError::Refused(why) => ApiError::invalid_field(field, "custom", why),
    })?;
    let found = templates::show(&mut tx, workspace, name).await?;
    tx.commit().await?;
    Ok(wire::json(StatusCode::OK, &detail(&found)))
}

/// The name in a path. What cannot be read names nothing.
type Named = Result<Path<String>, PathRejection>;

fn named(name: Named) -> Result<TemplateName, ApiError> {
    let name = name.ok().and_then(|Path(name)| name.parse().ok());
    name.ok_or_else(|| ApiError::not_found("template_not_found", "No such template."))
}
