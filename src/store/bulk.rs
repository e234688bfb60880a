//! Bulk operations and what is in them, in the order in which they are gone through. Their cursor (`done`) moves in the transaction of what is
//! done, so that whoever goes on after a crash goes on exactly there.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sqlx::types::Json;

use super::audit::Author;
use super::ledger::Before;
use super::notifications::Filter;
use super::{counters, fetch_locked};
use crate::db::{Conn, DbError, Dialect};
use crate::domain::ids::IdKind;
use crate::domain::values::{
    BulkAction, BulkResult, BulkState, Channel, Kind, Mode, NotificationState, Reason,
};
use crate::on;

/// Which notifications are meant, as the API writes it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[schemars(inline)]
#[serde(default)]
#[expect(
    missing_docs,
    reason = "the fields of the filter of notifications, by their names in the API"
)]
pub struct Wanted {
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Kind")]
    pub kind: Option<Kind>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Channel")]
    pub channel: Option<Channel>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "NotificationState")]
    pub state: Option<NotificationState>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Reason")]
    pub reason: Option<Reason>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Mode")]
    pub mode: Option<Mode>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub onboarding_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub customer_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub user_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub created_after: Option<DateTime<Utc>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub created_before: Option<DateTime<Utc>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub q: Option<String>,
}

impl Wanted {
    /// The same for a search.
    #[must_use]
    pub fn filter(&self) -> Filter<'_> {
        Filter {
            kind: self.kind,
            channel: self.channel,
            mode: self.mode,
            state: self.state,
            reason: self.reason,
            recipient_id: self.user_id.as_deref(),
            onboarding_id: self.onboarding_id.as_deref(),
            customer_id: self.customer_id.as_deref(),
            since: self.created_after,
            until: self.created_before,
            text: self.q.as_deref(),
        }
    }

    /// Whether it names nothing, and so means everything.
    #[must_use]
    pub fn is_everything(&self) -> bool {
        *self == Self::default()
    }
}

/// Who acts, as it is kept for whoever carries it out.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Actor {
    r#type: String,
    id: Option<String>,
    name: String,
    mode: Mode,
    request_id: Option<String>,
    /// Why they act, where it is not what the plan was made for.
    #[serde(default)]
    because: Option<String>,
}

impl From<&Author> for Actor {
    fn from(author: &Author) -> Self {
        Self {
            r#type: author.actor_type.to_owned(),
            id: author.actor_id.clone(),
            name: author.actor_name.clone(),
            mode: author.mode,
            request_id: author.request_id.clone(),
            because: None,
        }
    }
}

/// A notification that refuses what is done to the others, in words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[schemars(inline)]
pub struct Conflict {
    /// Which.
    pub notification_id: String,
    /// Why.
    pub reason: String,
}

/// One bulk operation.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Operation {
    /// `bulk_…`
    pub id: String,
    /// Its workspace.
    pub workspace_id: String,
    /// What is done.
    #[sqlx(try_from = "String")]
    pub action: BulkAction,
    /// To which notifications.
    pub filter: Json<Wanted>,
    /// Of whoever planned it.
    #[sqlx(try_from = "String")]
    pub mode: Mode,
    author: Json<Actor>,
    /// Why, in their words.
    pub reason: String,
    /// Notifications that it is done to.
    pub count: i64,
    /// Ids of the newest of them.
    pub sample: Json<Vec<String>>,
    /// Notifications that matched and would refuse it.
    pub conflict_count: i64,
    /// The newest of these; later also those that refused it when it came to them.
    pub conflicts: Json<Vec<Conflict>>,
    /// SHA-256 of exactly the ids that it is done to.
    pub hash: String,
    /// Where it stands, but for plans that are too old.
    #[sqlx(try_from = "String")]
    pub state: BulkState,
    /// How far it has come; moves back while it is taken back.
    #[sqlx(rename = "done")]
    pub cursor: i64,
    /// Notifications dealt with, also where they were taken back.
    #[sqlx(rename = "dealt_with")]
    pub done: i64,
    /// Of these, how many were taken back.
    pub undone: i64,
    /// Of these, how many could not be taken back: they had gone out, or changed since.
    pub kept: i64,
    /// Of these, how many had changed meanwhile and refused it.
    pub refused: i64,
    /// When it was planned.
    pub created_at: DateTime<Utc>,
    /// When somebody said: do it.
    pub applied_at: Option<DateTime<Utc>>,
    /// Until when it can be taken back.
    pub undo_until: Option<DateTime<Utc>>,
    /// When it moved last.
    pub updated_at: DateTime<Utc>,
}

impl Operation {
    /// Who planned it, or has applied it, or takes it back.
    #[must_use]
    pub fn author(&self) -> Author {
        let Actor { r#type, id, name, mode, request_id, .. } = self.author.0.clone();
        let actor_type = match r#type.as_str() {
            "api_key" => "api_key",
            "operator" => "operator",
            _ => "system",
        };
        Author { actor_type, actor_id: id, actor_name: name, mode, request_id }
    }

    /// Why they act.
    #[must_use]
    pub fn because(&self) -> &str {
        self.author.because.as_deref().unwrap_or(&self.reason)
    }

    /// Somebody else acts from now on; `because` of something else than the plan was made for, if it is said.
    pub fn hand_to(&mut self, author: &Author, because: Option<&str>) {
        self.author = Json(Actor { because: because.map(str::to_owned), ..author.into() });
    }
}

/// A plan that is about to be written.
#[derive(Clone, Debug)]
pub struct NewOperation<'a> {
    /// Its workspace.
    pub workspace_id: &'a str,
    /// What is done.
    pub action: BulkAction,
    /// To which notifications.
    pub filter: &'a Wanted,
    /// Who plans it.
    pub author: &'a Author,
    /// Why.
    pub reason: &'a str,
    /// Exactly these, in this order.
    pub ids: &'a [String],
    /// Their hash.
    pub hash: &'a str,
    /// What matched and would refuse it.
    pub conflicts: &'a [Conflict],
}

/// Most ids and conflicts that are shown.
pub const SHOWN: usize = 25;

/// Writes a plan; answers with its id.
pub async fn create(
    conn: &mut Conn,
    new: NewOperation<'_>,
    now: DateTime<Utc>,
) -> Result<String, DbError> {
    const SQL: &str = "INSERT INTO bulk_operations (id, workspace_id, action, filter, mode, author, reason, count, sample, conflict_count, conflicts,
           hash, state, done, refused, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 'planned', 0, 0, $13, $13)";
    let (_, created_at) = counters::next(conn, new.workspace_id, "bulk_operation", now).await?;
    let id = IdKind::BulkOperation.fresh(created_at);
    let bound = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
    on!(conn, |c| sqlx::query(SQL)
        .bind(&id)
        .bind(new.workspace_id)
        .bind(new.action.as_str())
        .bind(Json(new.filter))
        .bind(new.author.mode.as_str())
        .bind(Json(Actor::from(new.author)))
        .bind(new.reason)
        .bind(bound(new.ids.len()))
        .bind(Json(&new.ids[..new.ids.len().min(SHOWN)]))
        .bind(bound(new.conflicts.len()))
        .bind(Json(&new.conflicts[..new.conflicts.len().min(SHOWN)]))
        .bind(new.hash)
        .bind(created_at)
        .execute(c)
        .await
        .map(drop))?;
    match conn.dialect() {
        Dialect::Postgres(c) => {
            sqlx::query(
                "INSERT INTO bulk_items (operation_id, number, notification_id)
                 SELECT $1, i.number, i.id FROM UNNEST($2::text[]) WITH ORDINALITY AS i (id, number)",
            )
            .bind(&id)
            .bind(new.ids)
            .execute(c)
            .await?;
        }
        Dialect::Sqlite(c) => {
            sqlx::query(
                "INSERT INTO bulk_items (operation_id, number, notification_id)
                 SELECT $1, i.key + 1, i.value FROM json_each($2) AS i",
            )
            .bind(&id)
            .bind(crate::db::json_list(new.ids))
            .execute(c)
            .await?;
        }
    }
    Ok(id)
}

/// Operations with what became of what is in them, which is counted only where it was taken back.
macro_rules! select_operations {
    () => {
        "SELECT o.*,
   CASE WHEN o.state IN ('undoing', 'undone') THEN (SELECT count(*) FROM bulk_items i WHERE i.operation_id = o.id AND i.result IS NOT NULL) ELSE o.done END AS dealt_with,
   CASE WHEN o.state IN ('undoing', 'undone') THEN (SELECT count(*) FROM bulk_items i WHERE i.operation_id = o.id AND i.result = 'undone') ELSE 0 END AS undone,
   CASE WHEN o.state IN ('undoing', 'undone') THEN (SELECT count(*) FROM bulk_items i WHERE i.operation_id = o.id AND i.result = 'kept') ELSE 0 END AS kept
 FROM bulk_operations o"
    };
}

/// One operation of a workspace.
pub async fn find(
    conn: &mut Conn,
    workspace_id: &str,
    id: &str,
) -> Result<Option<Operation>, DbError> {
    const SQL: &str = concat!(select_operations!(), " WHERE o.workspace_id = $1 AND o.id = $2");
    on!(conn, |c| sqlx::query_as(SQL).bind(workspace_id).bind(id).fetch_optional(c).await)
}

/// The same, locked until the transaction ends.
pub async fn lock(
    conn: &mut Conn,
    workspace_id: &str,
    id: &str,
) -> Result<Option<Operation>, DbError> {
    fetch_locked!(
        conn,
        Operation,
        concat!(select_operations!(), " WHERE o.workspace_id = $1 AND o.id = $2"),
        workspace_id,
        id
    )
}

/// The newest operations of a workspace that are older than `before`, newest first.
pub async fn list(
    conn: &mut Conn,
    workspace_id: &str,
    before: DateTime<Utc>,
    limit: i64,
) -> Result<Vec<Operation>, DbError> {
    const SQL: &str = concat!(
        select_operations!(),
        " WHERE o.workspace_id = $1 AND o.created_at < $2 ORDER BY o.created_at DESC LIMIT $3"
    );
    on!(conn, |c| sqlx::query_as(SQL)
        .bind(workspace_id)
        .bind(before)
        .bind(limit)
        .fetch_all(c)
        .await)
}

/// Workspace and id of the oldest operation that has something left to do.
pub async fn busy(conn: &mut Conn) -> Result<Option<(String, String)>, DbError> {
    const SQL: &str = "SELECT workspace_id, id FROM bulk_operations WHERE state IN ('applying', 'undoing') ORDER BY updated_at, id LIMIT 1";
    on!(conn, |c| sqlx::query_as(SQL).fetch_optional(c).await)
}

/// Writes where an operation stands now.
pub async fn save(
    conn: &mut Conn,
    operation: &Operation,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    const SQL: &str = "UPDATE bulk_operations SET state = $2, done = $3, refused = $4, conflicts = $5, author = $6, applied_at = $7, undo_until = $8,
           updated_at = $9 WHERE id = $1";
    on!(conn, |c| sqlx::query(SQL)
        .bind(&operation.id)
        .bind(operation.state.as_str())
        .bind(operation.cursor)
        .bind(operation.refused)
        .bind(&operation.conflicts)
        .bind(&operation.author)
        .bind(operation.applied_at)
        .bind(operation.undo_until)
        .bind(now)
        .execute(c)
        .await
        .map(drop))
}

/// One notification of an operation.
#[derive(Clone, Debug)]
pub struct Item {
    /// Its place, from 1.
    pub number: i64,
    /// The notification.
    pub notification_id: String,
    /// Its row before.
    pub before: Option<Json<Before>>,
    /// What was sent anew in its place.
    pub resent_as: Option<String>,
    /// What became of it, once it was dealt with.
    pub result: Option<BulkResult>,
    /// Why it was refused, or is kept.
    pub words: Option<String>,
}

/// The items of places `from` to `to`, both included, in order.
pub async fn items(
    conn: &mut Conn,
    operation_id: &str,
    from: i64,
    to: i64,
) -> Result<Vec<Item>, DbError> {
    const SQL: &str =
        "SELECT number, notification_id, before, resent_as, result, words FROM bulk_items
         WHERE operation_id = $1 AND number BETWEEN $2 AND $3 ORDER BY number";
    type Row = (i64, String, Option<Json<Before>>, Option<String>, Option<String>, Option<String>);
    let rows: Vec<Row> = on!(conn, |c| sqlx::query_as(SQL)
        .bind(operation_id)
        .bind(from)
        .bind(to)
        .fetch_all(c)
        .await?);
    Ok(rows
        .into_iter()
        .map(|(number, notification_id, before, resent_as, result, words)| {
            let result = result.and_then(|word| word.parse().ok());
            Item { number, notification_id, before, resent_as, result, words }
        })
        .collect())
}

/// Writes what became of an item.
pub async fn save_item(conn: &mut Conn, operation_id: &str, item: &Item) -> Result<(), DbError> {
    const SQL: &str = "UPDATE bulk_items SET before = $3, resent_as = $4, result = $5, words = $6 WHERE operation_id = $1 AND number = $2";
    on!(conn, |c| sqlx::query(SQL)
        .bind(operation_id)
        .bind(item.number)
        .bind(&item.before)
        .bind(&item.resent_as)
        .bind(item.result.map(BulkResult::as_str))
        .bind(&item.words)
        .execute(c)
        .await
        .map(drop))
}
