//! One action on everything that matches a view of the notifications: planned, looked at, applied exactly as planned, taken back.

use std::collections::HashMap;

use axum::Router;
use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::{get, post};
use serde::Serialize;

use super::acting::Acting;
use super::error::PageError;
use super::lists::Link;
use super::notifications::{self, Asked};
use super::site::Site;
use super::visitor::Visitor;
use super::words::{self, When};
use crate::domain::values::{BulkAction, BulkState};
use crate::operate::bulk::{self, Operation};
use crate::store::ledger::UNTIL_DECIDED;

/// Operations that the list shows.
const SHOWN: i64 = 50;

pub(super) fn router() -> Router<Site> {
    Router::new()
        .route("/admin/w/{workspace}/bulk", get(list).post(plan))
        .route("/admin/w/{workspace}/bulk/{id}", get(show))
        .route("/admin/w/{workspace}/bulk/{id}/apply", post(apply))
        .route("/admin/w/{workspace}/bulk/{id}/undo", post(undo))
}

/// One operation in words.
#[derive(Serialize)]
struct One {
    id: String,
    url: String,
    list: String,
    title: String,
    icon: &'static str,
    state: &'static str,
    headline: String,
    by: String,
    /// What whoever acted last did.
    by_whom: &'static str,
    reason: String,
    count: i64,
    done: i64,
    refused: i64,
    kept: i64,
    conflict_count: i64,
    conflicts: Vec<Conflict>,
    sample: Vec<Link>,
    more: i64,
    hash: String,
    planned: When,
    undo_until: Option<When>,
    can_apply: bool,
    can_undo: bool,
    moves: bool,
}

#[derive(Serialize)]
struct Conflict {
    what: Link,
    words: String,
}

#[derive(Serialize)]
struct List {
    rows: Vec<One>,
    notifications: String,
}

const fn verb(action: BulkAction) -> &'static str {
    match action {
        BulkAction::Retry => "Try again",
        BulkAction::Cancel => "Cancel",
        BulkAction::Resend => "Send anew",
    }
}

fn counted(count: i64) -> String {
    crate::render::english::count(count, "notification")
}

impl One {
    /// `names` are those of notifications in it, as far as they are shown.
    fn new(visitor: &Visitor, operation: &Operation, names: &HashMap<String, String>) -> Self {
        let link = |id: &String| {
            let name = names.get(id).unwrap_or(id);
            Link::new(name, visitor.url(&format!("notifications/{id}")))
        };
        let shown = i64::try_from(operation.sample.len()).unwrap_or_default();
        let undo_until = operation.undo_until.filter(|until| *until > visitor.now);
        let (icon, state, headline) = match operation.state {
            BulkState::Planned if operation.count == 0 => {
                ("skipped", "Nothing to do", "It can be done to none of what matches.".to_owned())
            }
            BulkState::Planned => (
                "scheduled",
                "Planned",
                "Nothing has been done yet. Look at the plan, then apply exactly this.".to_owned(),
            ),
            BulkState::Expired => (
                "skipped",
                "Too old",
                "The plan is older than an hour, so it is not applied any more. Plan it anew."
                    .to_owned(),
            ),
            BulkState::Applying => (
                "sending",
                "Being applied",
                format!("{} of {} dealt with.", operation.done, operation.count),
            ),
            BulkState::Applied => (
                "sent",
                "Applied",
                format!(
                    "Done to {}, refused by {}.",
                    counted(operation.done - operation.refused),
                    operation.refused
                ),
            ),
            BulkState::Undoing => {
                ("sending", "Being taken back", format!("{} still to take back.", operation.cursor))
            }
            BulkState::Undone => {
                ("cancelled", "Taken back", words::sentence(&bulk::taken_back(operation)))
            }
        };
        Self {
            url: visitor.url(&format!("bulk/{}", operation.id)),
            list: visitor.url("bulk"),
            title: format!("{}: {}", verb(operation.action), counted(operation.count)),
            icon,
            state,
            headline,
            by: operation.author().actor_name,
            by_whom: match operation.state {
                BulkState::Planned | BulkState::Expired => "Planned by",
                BulkState::Applying | BulkState::Applied => "Applied by",
                BulkState::Undoing | BulkState::Undone => "Taken back by",
            },
            reason: operation.reason.clone(),
            count: operation.count,
            done: operation.cursor,
            kept: operation.kept,
            refused: operation.refused,
            conflict_count: operation.conflict_count,
            conflicts: operation
                .conflicts
                .iter()
                .map(|conflict| Conflict {
                    what: link(&conflict.notification_id),
                    words: words::sentence(&conflict.reason),
                })
                .collect(),
            sample: operation.sample.iter().map(link).collect(),
            more: operation.count - shown,
            hash: operation.hash.clone(),
            planned: visitor.when(operation.created_at),
            can_apply: operation.state == BulkState::Planned && operation.count > 0,
            can_undo: undo_until.is_some()
                && matches!(operation.state, BulkState::Applying | BulkState::Applied),
            undo_until: undo_until.map(|until| visitor.when(until)),
            moves: matches!(operation.state, BulkState::Applying | BulkState::Undoing),
            id: operation.id.clone(),
        }
    }
}

/// `GET …/bulk`
async fn list(State(site): State<Site>, visitor: Visitor) -> Result<Response, PageError> {
    let mut conn = site.db.read().await?;
    let workspace = visitor.workspace.id.as_str();
    let found = bulk::list(&mut conn, workspace, UNTIL_DECIDED, SHOWN, visitor.now).await?;
    let rows = found.iter().map(|one| One::new(&visitor, one, &HashMap::new())).collect();
    let view = List { rows, notifications: visitor.url("notifications") };
    visitor.page(&site, "bulk_list", "bulk", "Bulk operations", &view)
}

/// `GET …/bulk/{id}`
async fn show(
    State(site): State<Site>,
    visitor: Visitor,
    Path((_, id)): Path<(String, String)>,
) -> Result<Response, PageError> {
    let mut conn = site.db.read().await?;
    let found = bulk::show(&mut conn, &visitor.workspace.id, &id, visitor.now).await?;
    let found = found.ok_or(PageError::NotFound("bulk operation"))?;
    let conflicts = found.conflicts.iter().map(|conflict| &conflict.notification_id);
    let shown: Vec<String> = found.sample.iter().chain(conflicts).cloned().collect();
    let names = notifications::names(&mut conn, &visitor, &shown).await?;
    let view = One::new(&visitor, &found, &names);
    let title = view.title.clone();
    visitor.page(&site, "bulk", "bulk", &title, &view)
}

/// `POST …/bulk`: plans what the form of a view asks for.
async fn plan(State(site): State<Site>, acting: Acting) -> Result<Response, PageError> {
    let visitor = &acting.visitor;
    let because = acting.because()?;
    let action: BulkAction = acting
        .form
        .one("action")
        .and_then(|word| word.parse().ok())
        .ok_or_else(|| PageError::Unclear("Say what to do.".to_owned()))?;
    let mut conn = site.db.read().await?;
    let asked = Asked::read(&mut conn, visitor, &acting.form).await?;
    drop(conn);
    let back = asked.url(visitor);
    let Some(mut tx) = acting.begin().await? else { return Ok(acting.twice(&back)) };
    let workspace = visitor.workspace.id.as_str();
    let planned =
        bulk::plan(&mut tx, because, workspace, action, &asked.wanted(), visitor.now).await;
    let to =
        planned.as_ref().map_or(back, |operation| visitor.url(&format!("bulk/{}", operation.id)));
    let said = planned.map(|_| "This is the plan. Nothing has been done yet.".to_owned());
    acting.answer(tx, said, &to).await
}

/// `POST …/bulk/{id}/apply`
async fn apply(
    Path((_, id)): Path<(String, String)>,
    acting: Acting,
) -> Result<Response, PageError> {
    let visitor = &acting.visitor;
    let back = visitor.url(&format!("bulk/{id}"));
    let because = acting.because()?;
    let hash = acting.form.one("hash").unwrap_or_default();
    let Some(mut tx) = acting.begin().await? else { return Ok(acting.twice(&back)) };
    let done = bulk::apply(&mut tx, because, &visitor.workspace.id, &id, hash, visitor.now).await;
    let said = done.map(|_| "The workers apply it now, exactly as planned.".to_owned());
    acting.answer(tx, said, &back).await
}

/// `POST …/bulk/{id}/undo`
async fn undo(
    Path((_, id)): Path<(String, String)>,
    acting: Acting,
) -> Result<Response, PageError> {
    let visitor = &acting.visitor;
    let back = visitor.url(&format!("bulk/{id}"));
    let because = acting.because()?;
    let Some(mut tx) = acting.begin().await? else { return Ok(acting.twice(&back)) };
    let done = bulk::undo(&mut tx, because, &visitor.workspace.id, &id, visitor.now).await;
    let said =
        done.map(|_| "The workers take it back now, as far as nothing has gone out.".to_owned());
    acting.answer(tx, said, &back).await
}
