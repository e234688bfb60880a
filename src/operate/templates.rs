//! A workspace's own texts: which parts it has overridden, who changed them and why; a part is rendered with every sample before it is
//! saved, so that a broken one is refused where it is written and not where it is sent.

use std::sync::{Arc, LazyLock};

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::ActionError;
use super::notifications::Because;
use crate::db::{Conn, DbError};
use crate::domain::facts::Workspace;
use crate::domain::values::{Mode, OwnTemplate, TemplateName};
use crate::render::custom::Custom;
use crate::render::{Brand, RenderError, Renderer, samples};
use crate::store::templates::{self, Version};
use crate::store::{facts, workspaces};

/// Renders the samples; made at the first question, for most processes are never asked one.
static RENDERER: LazyLock<Result<Renderer, RenderError>> = LazyLock::new(Renderer::new);

/// A part as it is now.
#[derive(Clone, Debug)]
pub struct Template {
    /// Which part of which message.
    pub name: TemplateName,
    /// The version in use; none = the built-in one.
    pub own: Option<Version>,
}

/// A part with everything about it.
#[derive(Clone, Debug)]
pub struct Detail {
    /// As it is now.
    pub template: Template,
    /// The built-in template; none where the part is built without one (Slack).
    pub built_in: Option<&'static str>,
    /// What it may name, with the values of a sample.
    pub values: Value,
    /// Every version, the newest first.
    pub versions: Vec<Version>,
}

/// Every part that can be overridden.
pub async fn list(conn: &mut Conn, workspace_id: &str) -> Result<Vec<Template>, DbError> {
    let mut newest = templates::newest(conn, workspace_id).await?;
    newest.retain(|version| version.source.is_some());
    Ok(TemplateName::all()
        .map(|name| Template {
            own: newest.iter().find(|v| (v.kind, v.part) == (name.kind, name.part)).cloned(),
            name,
        })
        .collect())
}

/// One part.
pub async fn show(
    conn: &mut Conn,
    workspace_id: &str,
    name: TemplateName,
) -> Result<Detail, DbError> {
    let versions = templates::history(conn, workspace_id, name).await?;
    let own = versions.first().filter(|newest| newest.source.is_some()).cloned();
    let workspace = facts::workspaces(conn, &[workspace_id.to_owned()]).await?.remove(workspace_id);
    let brand = workspace.map_or_else(Brand::default, |ws| Brand::of(&ws, None, None));
    let renderer = RENDERER.as_ref().ok();
    Ok(Detail {
        template: Template { name, own },
        built_in: renderer.and_then(|renderer| renderer.built_in(name)),
        values: renderer.map_or(Value::Null, |renderer| renderer.values(name.kind, &brand)),
        versions,
    })
}

/// Renders a source with every sample, as the workspace would send it.
///
/// # Errors
/// Why it cannot be used.
pub fn check(workspace: &Workspace, name: TemplateName, source: &str) -> Result<(), String> {
    let own = OwnTemplate { version_id: String::new(), name, source: source.to_owned() };
    let custom = Arc::new(Custom::new(workspace.locale, std::slice::from_ref(&own)));
    let brand = Brand::of(workspace, None, Some(custom.clone()));
    let renderer = RENDERER.as_ref().map_err(ToString::to_string)?;
    let rendered = renderer.render_samples(name.kind, &samples::links(), &brand);
    rendered.map_err(|error| error.to_string())?;
    match custom.take_failures().into_iter().next() {
        Some((_, failure)) => Err(failure),
        None => Ok(()),
    }
}

/// Saves a source as the newest version of a part; `None` goes back to the built-in one.
pub async fn save(
    conn: &mut Conn,
    because: Because<'_>,
    workspace_id: &str,
    name: TemplateName,
    source: Option<&str>,
    now: DateTime<Utc>,
) -> Result<(), ActionError> {
    if because.author.mode == Mode::Test {
        return Err(ActionError::Refused("a test key cannot change what people read".to_owned()));
    }
    workspaces::lock(conn, workspace_id).await?;
    let workspace = facts::workspaces(conn, &[workspace_id.to_owned()]).await?.remove(workspace_id);
    let workspace = workspace.ok_or(ActionError::NotFound("workspace"))?;
    if let Some(source) = source {
        check(&workspace, name, source)
            .map_err(|failure| ActionError::Refused(format!("{name} cannot be used: {failure}")))?;
    }
    let newest = templates::history(conn, workspace_id, name).await?.into_iter().next();
    if newest.and_then(|newest| newest.source).as_deref() == source {
        return Ok(());
    }
    templates::save(conn, because.author, workspace_id, name, source, because.reason, now).await?;
    Ok(())
}

/// Makes an earlier version the newest again; 0 is the built-in one.
pub async fn roll_back(
    conn: &mut Conn,
    because: Because<'_>,
    workspace_id: &str,
    name: TemplateName,
    to: i64,
    now: DateTime<Utc>,
) -> Result<(), ActionError> {
    let source = if to == 0 {
        None
    } else {
        let versions = templates::history(conn, workspace_id, name).await?;
        let found = versions.into_iter().find(|version| version.version == to);
        found.ok_or(ActionError::NotFound("version"))?.source
    };
    save(conn, because, workspace_id, name, source.as_deref(), now).await
}

/// The workspace's own templates, for previews.
pub async fn custom(conn: &mut Conn, ws: &Workspace) -> Result<Option<Arc<Custom>>, DbError> {
    if ws.templates_revision == 0 {
        return Ok(None);
    }
    let sources = templates::sources(conn, &ws.id).await?;
    Ok((!sources.is_empty()).then(|| Arc::new(Custom::new(ws.locale, &sources))))
}
