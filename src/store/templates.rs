//! Templates of a workspace's own: every version that was ever saved; the newest of a part counts.

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::audit::{self, Author, Diff, Entry, instant};
use crate::db::{Conn, DbError};
use crate::domain::ids::IdKind;
use crate::domain::values::{Kind, OwnTemplate, Part, TemplateName};
use crate::on;

/// One version of a part.
#[derive(Clone, Debug, Serialize, sqlx::FromRow)]
pub struct Version {
    /// `tpl_…`
    pub id: String,
    /// Of which message.
    #[sqlx(try_from = "String")]
    pub kind: Kind,
    /// Which part of it.
    #[sqlx(try_from = "String")]
    pub part: Part,
    /// From 1.
    pub version: i64,
    /// The template; none = back to the built-in one.
    pub source: Option<String>,
    /// Who saved it.
    pub author_name: String,
    /// Why.
    pub reason: String,
    /// When it first failed in a message, which then went out with the built-in one.
    #[serde(serialize_with = "audit::instant_or_null")]
    pub failed_at: Option<DateTime<Utc>>,
    /// Why it failed.
    pub failure: Option<String>,
    /// When it was saved.
    #[serde(serialize_with = "instant")]
    pub created_at: DateTime<Utc>,
}

/// The newest version of every part that the workspace ever had, in order of their names.
pub async fn newest(conn: &mut Conn, workspace_id: &str) -> Result<Vec<Version>, DbError> {
    const SQL: &str = "SELECT id, kind, part, version, source, author_name, reason, failed_at, failure, created_at FROM template_versions t
         WHERE workspace_id = $1 AND version = (SELECT MAX(version) FROM template_versions n
           WHERE n.workspace_id = t.workspace_id AND n.kind = t.kind AND n.part = t.part) ORDER BY kind, part";
    on!(conn, |c| sqlx::query_as(SQL).bind(workspace_id).fetch_all(c).await)
}

/// The templates in use.
pub async fn sources(conn: &mut Conn, workspace_id: &str) -> Result<Vec<OwnTemplate>, DbError> {
    let newest = newest(conn, workspace_id).await?.into_iter();
    Ok(newest
        .filter_map(|v| {
            let name = TemplateName { kind: v.kind, part: v.part };
            Some(OwnTemplate { version_id: v.id, name, source: v.source? })
        })
        .collect())
}

/// Every version of a part, the newest first.
pub async fn history(
    conn: &mut Conn,
    workspace_id: &str,
    name: TemplateName,
) -> Result<Vec<Version>, DbError> {
    const SQL: &str = "SELECT id, kind, part, version, source, author_name, reason, failed_at, failure, created_at FROM template_versions
         WHERE workspace_id = $1 AND kind = $2 AND part = $3 ORDER BY version DESC";
    on!(conn, |c| sqlx::query_as(SQL)
        .bind(workspace_id)
        .bind(name.kind.as_str())
        .bind(name.part.as_str())
        .fetch_all(c)
        .await)
}

/// Saves a version of a part, in a workspace that the caller has locked. Every process sees it with its next message.
pub async fn save(
    conn: &mut Conn,
    author: &Author,
    workspace_id: &str,
    name: TemplateName,
    source: Option<&str>,
    reason: &str,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    const INSERT: &str = "INSERT INTO template_versions (id, workspace_id, kind, part, version, source, author_name, reason, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    const REVISE: &str =
        "UPDATE workspaces SET templates_revision = templates_revision + 1 WHERE id = $1";
    let before =
        history(conn, workspace_id, name).await?.first().map_or(0, |newest| newest.version);
    let id = IdKind::Template.fresh(now);
    on!(conn, |c| sqlx::query(INSERT)
        .bind(&id)
        .bind(workspace_id)
        .bind(name.kind.as_str())
        .bind(name.part.as_str())
        .bind(before + 1)
        .bind(source)
        .bind(&author.actor_name)
        .bind(reason)
        .bind(now)
        .execute(c)
        .await
        .map(drop))?;
    on!(conn, |c| sqlx::query(REVISE).bind(workspace_id).execute(c).await.map(drop))?;
    let entry = Entry {
        workspace_id,
        event: if source.is_some() { "template_saved" } else { "template_dropped" },
        object: "template",
        object_id: &name.to_string(),
        diff: Diff::field("version", before, before + 1),
        reason: Some(reason),
    };
    audit::append(conn, author, entry, now).await
}

/// Notes that a version failed in a message; the first time counts.
pub async fn note_failure(
    conn: &mut Conn,
    id: &str,
    failure: &str,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    const SQL: &str = "UPDATE template_versions SET failed_at = $2, failure = $3 WHERE id = $1 AND failed_at IS NULL";
    on!(conn, |c| sqlx::query(SQL).bind(id).bind(now).bind(failure).execute(c).await.map(drop))
}

/// Versions in use that have failed in a message, of every workspace: the workspace's handle, the name, why.
pub async fn failing(conn: &mut Conn) -> Result<Vec<(String, String, String)>, DbError> {
    const SQL: &str = "SELECT w.slug, t.kind || '.' || t.part, t.failure FROM template_versions t JOIN workspaces w ON w.id = t.workspace_id
         WHERE t.failure IS NOT NULL AND t.source IS NOT NULL AND t.version = (SELECT MAX(version) FROM template_versions n
           WHERE n.workspace_id = t.workspace_id AND n.kind = t.kind AND n.part = t.part) ORDER BY 1, 2";
    on!(conn, |c| sqlx::query_as(SQL).fetch_all(c).await)
}
