//! Keys of the public API: making, revoking, rotating.
//!
//! `pivotal_` or `pivotal_test_` and 32 letters and digits (190 bits). A key is shown once; what is stored is its SHA-256, which
//! needs no slow hash because nobody can guess 190 bits.

use std::fmt::Write as _;

use chrono::{DateTime, TimeDelta, Utc};
use rand::Rng;
use rand::distr::Alphanumeric;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

use crate::db::{Conn, DbError};
use crate::domain::values::{Mode, Scope, Tier};
use crate::store::api_keys::{self, ApiKey};
use crate::store::audit::{self, Author, Diff, Entry};

/// Letters and digits of a key behind its prefix.
const BODY_LENGTH: usize = 32;

/// How many of them stay visible.
const PREFIX_LENGTH: usize = 4;

/// A key to make.
#[derive(Clone, Debug)]
pub struct NewKey<'a> {
    /// The workspace it opens.
    pub workspace_id: &'a str,
    /// The actor of its writes: `API: <name>`.
    pub name: &'a str,
    /// Live or test.
    pub mode: Mode,
    /// How many requests it may make.
    pub tier: Tier,
    /// What it may do.
    pub scopes: &'a [Scope],
}

/// What a key may do unless somebody says otherwise.
pub const DEFAULT_SCOPES: &[Scope] = &[Scope::Read, Scope::Write];

/// The SHA-256 of some bytes, in hex; the form in which a key is stored.
#[must_use]
pub fn sha256(bytes: impl AsRef<[u8]>) -> String {
    Sha256::digest(bytes).iter().fold(String::with_capacity(64), |mut hex, byte| {
        // Writing to a string cannot fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// Makes a key; the only time that anybody sees it.
pub async fn create(
    conn: &mut Conn,
    author: &Author,
    new: NewKey<'_>,
    now: DateTime<Utc>,
) -> Result<(ApiKey, SecretString), DbError> {
    let body: String =
        rand::rng().sample_iter(Alphanumeric).take(BODY_LENGTH).map(char::from).collect();
    let prefix = match new.mode {
        Mode::Live => "pivotal_",
        Mode::Test => "pivotal_test_",
    };
    let secret = SecretString::from(format!("{prefix}{body}"));
    let scopes: Vec<&str> =
        Scope::ALL.iter().filter(|scope| new.scopes.contains(scope)).map(|s| s.as_str()).collect();
    let stored = api_keys::NewKey {
        workspace_id: new.workspace_id,
        name: new.name,
        prefix: &body[..PREFIX_LENGTH],
        hash: &sha256(secret.expose_secret()),
        mode: new.mode,
        tier: new.tier,
        scopes: &scopes.join(" "),
    };
    let key = api_keys::create(conn, stored, now).await?;
    log(conn, author, "api_key_created", &key, Diff::created(&key), now).await?;
    Ok((key, secret))
}

/// Revokes a key at once. Repeating it changes nothing. `None` if the workspace has no such key.
pub async fn revoke(
    conn: &mut Conn,
    author: &Author,
    workspace_id: &str,
    id: &str,
    now: DateTime<Utc>,
) -> Result<Option<ApiKey>, DbError> {
    let Some(key) = api_keys::lock(conn, workspace_id, id).await? else {
        return Ok(None);
    };
    end(conn, author, key, now, now).await.map(Some)
}

/// Makes a new key like the old one, and revokes the old one after `overlap`. `None` if the workspace has no such key, or it is
/// revoked already: there is nothing to follow on from.
pub async fn rotate(
    conn: &mut Conn,
    author: &Author,
    workspace_id: &str,
    id: &str,
    overlap: TimeDelta,
    now: DateTime<Utc>,
) -> Result<Option<(ApiKey, SecretString)>, DbError> {
    let Some(old) = api_keys::lock(conn, workspace_id, id).await? else {
        return Ok(None);
    };
    if old.is_revoked(now) {
        return Ok(None);
    }
    let new = NewKey {
        workspace_id,
        name: &old.name.clone(),
        mode: old.mode,
        tier: old.tier,
        scopes: &old.scopes(),
    };
    let end_at = now.checked_add_signed(overlap).unwrap_or(now);
    end(conn, author, old, end_at, now).await?;
    create(conn, author, new, now).await.map(Some)
}

async fn end(
    conn: &mut Conn,
    author: &Author,
    key: ApiKey,
    at: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<ApiKey, DbError> {
    // An end that is set already can only come nearer.
    if key.revoked_at.is_some_and(|set| set <= at) {
        return Ok(key);
    }
    api_keys::set_revoked_at(conn, &key.id, at).await?;
    let after = ApiKey { revoked_at: Some(at), ..key.clone() };
    log(conn, author, "api_key_revoked", &after, Diff::between(&key, &after), now).await?;
    Ok(after)
}

async fn log(
    conn: &mut Conn,
    author: &Author,
    event: &str,
    key: &ApiKey,
    diff: Diff,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    let entry = Entry {
        workspace_id: &key.workspace_id,
        event,
        object: "api_key",
        object_id: &key.id,
        diff,
        reason: None,
    };
    audit::append(conn, author, entry, now).await
}
