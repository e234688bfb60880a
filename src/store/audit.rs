//! Who changed what. Written in the transaction of the change itself.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};
use sqlx::types::Json;

use crate::db::{Conn, DbError};
use crate::domain::ids::IdKind;
use crate::domain::values::Mode;
use crate::on;

/// Who causes a write.
#[derive(Clone, Debug)]
pub struct Author {
    /// `api_key`, `operator`, `user`, `contact` or `system`.
    pub actor_type: &'static str,
    /// Their id, where they have one.
    pub actor_id: Option<String>,
    /// As people read it: `API: CRM sync`, an operator's name, `system`.
    pub actor_name: String,
    /// Live, unless it is a test key.
    pub mode: Mode,
    /// The request that carried it.
    pub request_id: Option<String>,
}

impl Author {
    /// The service itself.
    #[must_use]
    pub fn system() -> Self {
        Self {
            actor_type: "system",
            actor_id: None,
            actor_name: "system".to_owned(),
            mode: Mode::Live,
            request_id: None,
        }
    }

    /// Whoever sits at the service's command line, by the name that the machine knows them by.
    #[must_use]
    pub fn shell(user: &str) -> Self {
        Self {
            actor_type: "operator",
            actor_name: format!("{user} (command line)"),
            ..Self::system()
        }
    }

    /// An operator at the console.
    #[must_use]
    pub fn operator(id: &str, name: &str) -> Self {
        Self {
            actor_type: "operator",
            actor_id: Some(id.to_owned()),
            actor_name: name.to_owned(),
            ..Self::system()
        }
    }

    /// One of the vendor's people, through a message of theirs.
    #[must_use]
    pub fn user(id: &str, name: &str) -> Self {
        Self { actor_type: "user", ..Self::operator(id, name) }
    }

    /// A customer's contact, through a message of theirs.
    #[must_use]
    pub fn contact(id: &str, name: &str) -> Self {
        Self { actor_type: "contact", ..Self::operator(id, name) }
    }

    /// A key of the public API.
    #[must_use]
    pub fn api_key(id: &str, name: &str, mode: Mode, request_id: &str) -> Self {
        Self {
            actor_type: "api_key",
            actor_id: Some(id.to_owned()),
            actor_name: format!("API: {name}"),
            mode,
            request_id: Some(request_id.to_owned()),
        }
    }
}

/// What changed: `{field: [before, after]}`.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Diff(Map<String, Value>);

impl Diff {
    /// The fields that differ between two values of the same type; instants of bookkeeping are left out.
    #[must_use]
    pub fn between(before: &impl Serialize, after: &impl Serialize) -> Self {
        let (before, after) = (object(before), object(after));
        Self(
            after
                .into_iter()
                .filter(|(field, _)| field != "updated_at")
                .filter_map(|(field, new)| {
                    let old = before.get(&field).cloned().unwrap_or(Value::Null);
                    (old != new).then(|| (field, Value::Array(vec![old, new])))
                })
                .collect(),
        )
    }

    /// All fields of something new.
    #[must_use]
    pub fn created(after: &impl Serialize) -> Self {
        Self::between(&Value::Null, after)
    }

    /// One field.
    #[must_use]
    pub fn field(name: &str, before: impl Into<Value>, after: impl Into<Value>) -> Self {
        Self(Map::from_iter([(name.to_owned(), Value::Array(vec![before.into(), after.into()]))]))
    }

    /// Whether nothing differs.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The change of one field, if it changed.
    #[must_use]
    pub fn get(&self, field: &str) -> Option<&Value> {
        self.0.get(field)
    }
}

fn object(value: &impl Serialize) -> Map<String, Value> {
    match serde_json::to_value(value) {
        Ok(Value::Object(map)) => map,
        _ => Map::new(),
    }
}

/// An instant as the API and the audit log show it.
#[must_use]
pub fn shown(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// Serialises an instant as the API shows it.
pub fn instant<S: Serializer>(at: &DateTime<Utc>, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(&shown(*at))
}

/// The same, where there may be none.
pub fn instant_or_null<S: Serializer>(
    at: &Option<DateTime<Utc>>,
    to: S,
) -> Result<S::Ok, S::Error> {
    match at {
        Some(at) => instant(at, to),
        None => to.serialize_none(),
    }
}

/// One line of the audit log.
#[derive(Clone, Debug)]
pub struct Entry<'a> {
    /// Whose workspace.
    pub workspace_id: &'a str,
    /// `onboarding_updated`, …
    pub event: &'a str,
    /// Type of the target.
    pub object: &'a str,
    /// Its id.
    pub object_id: &'a str,
    /// What changed.
    pub diff: Diff,
    /// Why, in the author's words.
    pub reason: Option<&'a str>,
}

/// Appends a line.
pub async fn append(
    conn: &mut Conn,
    author: &Author,
    entry: Entry<'_>,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    on!(conn, |c| {
        sqlx::query(
        "INSERT INTO audit_log (id, workspace_id, event, actor_type, actor_id, actor_name, object, object_id, diff, reason, request_id, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)"
    )
    .bind(IdKind::AuditEntry.fresh(now))
    .bind(entry.workspace_id)
    .bind(entry.event)
    .bind(author.actor_type)
    .bind(&author.actor_id)
    .bind(&author.actor_name)
    .bind(entry.object)
    .bind(entry.object_id)
    .bind(Json(&entry.diff))
    .bind(entry.reason)
    .bind(&author.request_id)
    .bind(now)
    .execute(c)
    .await
    .map(|_| ())
    })
}

/// How far back [`latest`] looks for an entry: an onboarding that changes more often within a message's life has no story to tell.
const LOOKED_THROUGH: i64 = 100;

/// The newest entry about a target since `since` whose diff is like this.
pub async fn latest(
    conn: &mut Conn,
    object_id: &str,
    since: DateTime<Utc>,
    is_like: impl Fn(&Value) -> bool,
) -> Result<Option<Line>, DbError> {
    const SQL: &str = "SELECT * FROM audit_log WHERE object_id = $1 AND created_at >= $2 ORDER BY created_at DESC, id DESC LIMIT $3";
    let lines: Vec<Line> = on!(conn, |c| sqlx::query_as(SQL)
        .bind(object_id)
        .bind(since)
        .bind(LOOKED_THROUGH)
        .fetch_all(c)
        .await?);
    Ok(lines.into_iter().find(|line| is_like(&line.diff.0)))
}

/// Whether a diff ends a wait for a customer.
#[must_use]
pub fn ends_wait(diff: &Value) -> bool {
    diff["waiting_on_customer"] == serde_json::json!([true, false])
}

/// One line of the audit log, as stored.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Line {
    /// `aud_…`
    pub id: String,
    /// `onboarding_updated`, …
    pub event: String,
    /// `api_key`, `operator`, `user` or `system`.
    pub actor_type: String,
    /// Their id, where they have one.
    pub actor_id: Option<String>,
    /// As people read it.
    pub actor_name: String,
    /// Type of the target.
    pub object: String,
    /// Its id.
    pub object_id: String,
    /// What changed.
    pub diff: Json<Value>,
    /// Why.
    pub reason: Option<String>,
    /// The request that carried it.
    pub request_id: Option<String>,
    /// When.
    pub created_at: DateTime<Utc>,
}

/// Which lines to list.
#[derive(Clone, Copy, Debug)]
pub struct Filter<'a> {
    /// Only about this type of target.
    pub object: Option<&'a str>,
    /// Only about this target.
    pub object_id: Option<&'a str>,
    /// Only by this actor: their id, or their name as written.
    pub actor: Option<&'a str>,
    /// Only this event.
    pub event: Option<&'a str>,
    /// From this instant on.
    pub after: DateTime<Utc>,
    /// Only older ones.
    pub before: DateTime<Utc>,
    /// Also what was done to operators, who belong to the installation and not to the workspace.
    pub operators: bool,
}

/// The newest `limit` lines of a workspace, newest first. Several may be of one instant.
pub async fn list(
    conn: &mut Conn,
    workspace_id: &str,
    filter: Filter<'_>,
    limit: i64,
) -> Result<Vec<Line>, DbError> {
    // Two statements, so that each can walk its own index.
    match filter.object_id {
        None => on!(conn, |c| {
            sqlx::query_as(
            "SELECT id, event, actor_type, actor_id, actor_name, object, object_id, diff, reason, request_id, created_at FROM audit_log
             WHERE workspace_id = $1 AND created_at >= $2 AND created_at < $3 AND ($4 IS NULL OR object = $4)
               AND ($5 IS NULL OR actor_id = $5 OR actor_name = $5) AND ($6 IS NULL OR event = $6) AND ($8 OR object <> 'operator')
             ORDER BY created_at DESC, id DESC LIMIT $7"
        )
        .bind(workspace_id)
        .bind(filter.after)
        .bind(filter.before)
        .bind(filter.object)
        .bind(filter.actor)
        .bind(filter.event)
        .bind(limit)
        .bind(filter.operators)
        .fetch_all(c)
        .await
        }),
        Some(object_id) => on!(conn, |c| {
            sqlx::query_as(
            "SELECT id, event, actor_type, actor_id, actor_name, object, object_id, diff, reason, request_id, created_at FROM audit_log
             WHERE object_id = $9 AND workspace_id = $1 AND created_at >= $2 AND created_at < $3 AND ($4 IS NULL OR object = $4)
               AND ($5 IS NULL OR actor_id = $5 OR actor_name = $5) AND ($6 IS NULL OR event = $6) AND ($8 OR object <> 'operator')
             ORDER BY created_at DESC, id DESC LIMIT $7"
        )
        .bind(workspace_id)
        .bind(filter.after)
        .bind(filter.before)
        .bind(filter.object)
        .bind(filter.actor)
        .bind(filter.event)
        .bind(limit)
        .bind(filter.operators)
        .bind(object_id)
        .fetch_all(c)
        .await
        }),
    }
}
