//! Keys of the public API. The key itself is never stored, only its SHA-256.

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::{audit, counters, fetch_locked};
use crate::db::{Conn, DbError};
use crate::domain::ids::IdKind;
use crate::domain::values::{Mode, Scope, Tier};
use crate::on;

/// A key as stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, sqlx::FromRow)]
pub struct ApiKey {
    /// `key_…`
    pub id: String,
    /// The workspace it opens.
    #[serde(skip)]
    pub workspace_id: String,
    /// The actor of its writes.
    pub name: String,
    /// First four characters of the body, to recognise it by.
    pub prefix: String,
    /// Live or test: here, and never parsed from the key.
    #[sqlx(try_from = "String")]
    pub mode: Mode,
    /// How many requests it may make.
    #[sqlx(try_from = "String")]
    pub tier: Tier,
    /// Space-separated; see [`ApiKey::scopes`].
    pub scopes: String,
    /// To within a minute.
    #[serde(skip)]
    pub last_used_at: Option<DateTime<Utc>>,
    /// From where.
    #[serde(skip)]
    pub last_used_ip: Option<String>,
    /// To within a minute.
    #[serde(skip)]
    pub request_count: i64,
    /// When it was made.
    #[serde(serialize_with = "audit::instant")]
    pub created_at: DateTime<Utc>,
    /// From this instant on it opens nothing; may lie ahead.
    #[serde(serialize_with = "audit::instant_or_null")]
    pub revoked_at: Option<DateTime<Utc>>,
}

impl ApiKey {
    /// What it may do.
    #[must_use]
    pub fn scopes(&self) -> Vec<Scope> {
        self.scopes.split(' ').filter_map(|word| word.parse().ok()).collect()
    }

    /// Whether it opens nothing any more.
    #[must_use]
    pub fn is_revoked(&self, now: DateTime<Utc>) -> bool {
        self.revoked_at.is_some_and(|at| at <= now)
    }
}

/// A key and the workspace it opens: what one request needs to know.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct KeyHolder {
    /// The key.
    #[sqlx(flatten)]
    pub key: ApiKey,
    /// The workspace's handle.
    pub workspace_slug: String,
    /// The workspace's name.
    pub workspace_name: String,
    /// The workspace's zone.
    pub workspace_zone: String,
}

/// The key of a hash, revoked or not. Asked on every request: a cache would outlive a revocation.
pub async fn find_by_hash(conn: &mut Conn, hash: &str) -> Result<Option<KeyHolder>, DbError> {
    on!(conn, |c| {
        sqlx::query_as(
        "SELECT k.*, w.slug AS workspace_slug, w.name AS workspace_name, w.time_zone AS workspace_zone
         FROM api_keys k JOIN workspaces w ON w.id = k.workspace_id WHERE k.hash = $1"
    )
    .bind(hash)
    .fetch_optional(c)
    .await
    })
}

/// A key to store.
#[derive(Clone, Debug)]
pub struct NewKey<'a> {
    /// The workspace it opens.
    pub workspace_id: &'a str,
    /// The actor of its writes.
    pub name: &'a str,
    /// First four characters of the body.
    pub prefix: &'a str,
    /// SHA-256 of the whole key, hex.
    pub hash: &'a str,
    /// Live or test.
    pub mode: Mode,
    /// How many requests it may make.
    pub tier: Tier,
    /// What it may do, space-separated.
    pub scopes: &'a str,
}

/// Stores a key by its hash.
pub async fn create(
    conn: &mut Conn,
    new: NewKey<'_>,
    now: DateTime<Utc>,
) -> Result<ApiKey, DbError> {
    let (_, created_at) = counters::next(conn, new.workspace_id, "api_key", now).await?;
    on!(conn, |c| {
        sqlx::query_as(
        "INSERT INTO api_keys (id, workspace_id, name, prefix, hash, mode, tier, scopes, request_count, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0, $9) RETURNING *"
    )
    .bind(IdKind::ApiKey.fresh(created_at))
    .bind(new.workspace_id)
    .bind(new.name)
    .bind(new.prefix)
    .bind(new.hash)
    .bind(new.mode.as_str())
    .bind(new.tier.as_str())
    .bind(new.scopes)
    .bind(created_at)
    .fetch_one(c)
    .await
    })
}

/// The keys of a workspace created before `cursor`, newest first.
pub async fn list(
    conn: &mut Conn,
    workspace_id: &str,
    cursor: DateTime<Utc>,
    limit: i64,
) -> Result<Vec<ApiKey>, DbError> {
    on!(conn, |c| {
        sqlx::query_as(
        "SELECT * FROM api_keys WHERE workspace_id = $1 AND created_at < $2 ORDER BY created_at DESC LIMIT $3"
    )
    .bind(workspace_id)
    .bind(cursor)
    .bind(limit)
    .fetch_all(c)
    .await
    })
}

/// A key of the workspace, locked until the transaction ends.
pub async fn lock(
    conn: &mut Conn,
    workspace_id: &str,
    id: &str,
) -> Result<Option<ApiKey>, DbError> {
    fetch_locked!(
        conn,
        ApiKey,
        "SELECT * FROM api_keys WHERE workspace_id = $1 AND id = $2",
        workspace_id,
        id
    )
}

/// Sets the instant from which a key opens nothing.
pub async fn set_revoked_at(conn: &mut Conn, id: &str, at: DateTime<Utc>) -> Result<(), DbError> {
    on!(conn, |c| sqlx::query("UPDATE api_keys SET revoked_at = $2 WHERE id = $1")
        .bind(id)
        .bind(at)
        .execute(c)
        .await
        .map(|_| ()))
}

/// Adds to what is known of a key's use.
pub async fn note_use(
    conn: &mut Conn,
    id: &str,
    requests: i64,
    last_used_at: DateTime<Utc>,
    last_used_ip: Option<&str>,
) -> Result<(), DbError> {
    on!(conn, |c| {
        sqlx::query(
        "UPDATE api_keys SET request_count = request_count + $2, last_used_at = $3, last_used_ip = $4 WHERE id = $1"
    )
    .bind(id)
    .bind(requests)
    .bind(last_used_at)
    .bind(last_used_ip)
    .execute(c)
    .await
    .map(|_| ())
    })
}
