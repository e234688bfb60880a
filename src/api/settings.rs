//! Settings, for surfaces that have no key: console and command line. What an operator types becomes the JSON of a request, which is read by
//! the very type that the API and its reference have, so that a value means the same and a fault has the same words.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use secrecy::SecretString;
use serde_json::{Map, Value, json};

use super::body::Body;
use super::error::ApiError;
use super::{api_keys, phases, preferences, users, workspace};
use crate::db::{Conn, DbError};
use crate::domain::values;
use crate::store::api_keys::ApiKey;
use crate::store::audit::Author;
use crate::store::phases::Phase;
use crate::store::users::User;
use crate::store::workspaces::{self, Workspace};

/// Why a setting was not written. Nothing was changed.
#[derive(Debug)]
pub enum SettingError {
    /// A value is wrong, or taken.
    Refused {
        /// The path of the property; empty if it is the request as a whole.
        field: String,
        /// What is wrong, in words.
        message: String,
    },
    /// There is no such thing any more.
    Gone,
    /// The database did not do it; the log says why.
    Failed,
}

impl From<ApiError> for SettingError {
    fn from(error: ApiError) -> Self {
        match error.status().as_u16() {
            404 => Self::Gone,
            400..=499 => {
                let (field, message) = error.said();
                Self::Refused { field: field.to_owned(), message: message.to_owned() }
            }
            _ => Self::Failed,
        }
    }
}

/// What can be set.
#[derive(Clone, Copy, Debug)]
pub enum Settings {
    /// Of a workspace.
    Workspace,
    /// Of one of its phases.
    Phase,
    /// Of a person: who they are.
    User,
    /// Of a person: when and where they want to hear.
    Preferences,
}

impl Settings {
    /// The properties of the request that makes them, each with its schema.
    #[must_use]
    pub fn properties(self) -> Map<String, Value> {
        let mut generator = SchemaSettings::draft2020_12().into_generator();
        let schema = match self {
            Self::Workspace => workspace::WorkspaceUpdate::json_schema(&mut generator),
            Self::Phase => phases::PhaseUpdate::json_schema(&mut generator),
            Self::User => users::UserUpdate::json_schema(&mut generator),
            Self::Preferences => {
                preferences::NotificationPreferencesUpdate::json_schema(&mut generator)
            }
        };
        schema.get("properties").and_then(Value::as_object).cloned().unwrap_or_default()
    }
}

/// As `GET /workspace` shows it.
pub async fn workspace(conn: &mut Conn, workspace: &Workspace) -> Result<Value, DbError> {
    let holidays = workspaces::holidays(conn, &workspace.id).await?;
    Ok(json!(workspace::view(workspace, &holidays)))
}

/// As `GET /phases` shows one.
#[must_use]
pub fn phase(phase: &Phase) -> Value {
    json!(phases::view(phase))
}

/// As `GET /users/{id}/notification_preferences` shows them.
pub async fn preferences(conn: &mut Conn, user: &User) -> Result<Value, DbError> {
    let default = preferences::usual_time(conn, user).await?;
    Ok(json!(preferences::View::new(user, &default)))
}

/// As `PATCH /workspace`, of a workspace that the caller has locked.
pub async fn change_workspace(
    conn: &mut Conn,
    author: &Author,
    before: Workspace,
    json: &[u8],
    now: DateTime<Utc>,
) -> Result<Workspace, SettingError> {
    Ok(workspace::change(conn, author, before, &Body::read(json)?, now).await?)
}

/// As `PATCH /phases/{key}`.
pub async fn change_phase(
    conn: &mut Conn,
    author: &Author,
    workspace_id: &str,
    key: values::Phase,
    json: &[u8],
    now: DateTime<Utc>,
) -> Result<Phase, SettingError> {
    Ok(phases::change(conn, author, workspace_id, key, &Body::read(json)?, now).await?)
}

/// As `POST /users`.
pub async fn add_user(
    conn: &mut Conn,
    author: &Author,
    workspace_id: &str,
    json: &[u8],
    now: DateTime<Utc>,
) -> Result<User, SettingError> {
    Ok(users::add(conn, author, workspace_id, &Body::read(json)?, now).await?)
}

/// As `PATCH /users/{id}`, of a user that the caller has locked.
pub async fn change_user(
    conn: &mut Conn,
    author: &Author,
    before: User,
    json: &[u8],
    now: DateTime<Utc>,
) -> Result<User, SettingError> {
    Ok(users::change(conn, author, before, &Body::read(json)?, now).await?)
}

/// As `PATCH /users/{id}/notification_preferences`, of a user that the caller has locked.
pub async fn change_preferences(
    conn: &mut Conn,
    author: &Author,
    before: User,
    json: &[u8],
    now: DateTime<Utc>,
) -> Result<User, SettingError> {
    Ok(preferences::change(conn, author, before, &Body::read(json)?, now).await?)
}

/// As `POST /api_keys`; the only time that anybody sees the key.
pub async fn make_key(
    conn: &mut Conn,
    author: &Author,
    workspace_id: &str,
    json: &[u8],
    now: DateTime<Utc>,
) -> Result<(ApiKey, SecretString), SettingError> {
    Ok(api_keys::make(conn, author, workspace_id, &Body::read(json)?, now).await?)
}

/// As `POST /api_keys/{id}/rotate`.
pub async fn rotate_key(
    conn: &mut Conn,
    author: &Author,
    workspace_id: &str,
    id: &str,
    json: &[u8],
    now: DateTime<Utc>,
) -> Result<(ApiKey, SecretString), SettingError> {
    Ok(api_keys::follow(conn, author, workspace_id, id, &Body::read(json)?, now).await?)
}
