//! The ledger as operators look at it: [`list`], one notification ([`show`]), and what can be done about it ([`act`]).

mod act;
mod list;
mod show;

pub(super) use list::Asked;

use std::collections::HashMap;

use axum::Router;
use axum::routing::{get, post};
use serde::Serialize;

use super::site::Site;
use super::visitor::Visitor;
use super::words::{self, When};
use crate::db::{Conn, DbError};
use crate::domain::values::{Kind, NotificationState, Reason};
use crate::operate::notifications::Notification;
use crate::store::notifications;
use crate::store::titles::{self, Title};

pub(super) fn router() -> Router<Site> {
    Router::new()
        .route("/admin/w/{workspace}/notifications", get(list::list))
        .route("/admin/w/{workspace}/notifications/{id}", get(show::show))
        .route("/admin/w/{workspace}/notifications/{id}/html", get(show::html))
        .route("/admin/w/{workspace}/notifications/{id}/{action}", post(act::act))
}

/// One notification as a row of a list.
#[derive(Serialize)]
pub(super) struct Row {
    url: String,
    /// "Halden Freight #1042", "8 onboardings".
    about: String,
    /// "Waiting on customer, 10-day step".
    what: String,
    recipient: String,
    recipient_is_customer: bool,
    channel: &'static str,
    state: String,
    outcome: &'static str,
    reason: String,
    tries: String,
    is_test: bool,
    at: When,
}

impl Row {
    pub(super) fn new(
        visitor: &Visitor,
        row: &Notification,
        titles: &HashMap<String, Title>,
    ) -> Self {
        let state: Option<NotificationState> = row.state.parse().ok();
        Self {
            url: visitor.url(&format!("notifications/{}", row.id)),
            about: about(row, titles),
            what: what(row),
            recipient: row.recipient_name.clone().unwrap_or_else(|| "nobody".to_owned()),
            recipient_is_customer: row.recipient_type == "contact",
            channel: row.channel.parse().map_or("", words::channel),
            outcome: state.map_or("", words::state),
            state: row.state.clone(),
            reason: reason(row),
            tries: match row.attempt_count {
                0 | 1 => String::new(),
                count => format!("{count} tries"),
            },
            is_test: row.mode == "test",
            at: visitor.when(row.sent_at.unwrap_or(row.updated_at)),
        }
    }
}

/// Notifications as rows, with what their onboardings are called.
pub(super) async fn rows(
    conn: &mut Conn,
    visitor: &Visitor,
    found: &[Notification],
) -> Result<Vec<Row>, DbError> {
    let ids: Vec<String> = found.iter().flat_map(onboardings).collect();
    let titles = titles::of(conn, &ids).await?;
    Ok(found.iter().map(|row| Row::new(visitor, row, &titles)).collect())
}

/// What notifications are called where there is room for a line, by their ids: "Digest, Halden Freight #1042, to Maren Holt".
pub(super) async fn names(
    conn: &mut Conn,
    visitor: &Visitor,
    ids: &[String],
) -> Result<HashMap<String, String>, DbError> {
    let found = notifications::of_ids(conn, ids).await?;
    let rows = rows(conn, visitor, &found).await?;
    let named = |row: &Row| format!("{}, {}, to {}", row.what, row.about, row.recipient);
    Ok(found.into_iter().map(|row| row.id).zip(rows.iter().map(named)).collect())
}

/// The onboardings of a notification, by id.
pub(super) fn onboardings(row: &Notification) -> Vec<String> {
    row.onboarding_ids.iter().flat_map(|ids| ids.split(',')).map(ToOwned::to_owned).collect()
}

/// What it is about, as a list says it.
fn about(row: &Notification, titles: &HashMap<String, Title>) -> String {
    let ids = onboardings(row);
    match ids.as_slice() {
        [one] => titles.get(one).map_or_else(
            || "1 onboarding".to_owned(),
            |title| format!("{} #{}", title.customer, title.display_id),
        ),
        [] => row.subject.clone().unwrap_or_else(|| "No onboarding".to_owned()),
        many => format!("{} onboardings", many.len()),
    }
}

/// "Digest", "Stalled phase, step 2".
fn what(row: &Notification) -> String {
    let kind = row.kind.parse::<Kind>().map_or("", words::kind);
    match row.step {
        Some(step) if row.kind != Kind::Digest.as_str() => format!("{kind}, step {step}"),
        _ => kind.to_owned(),
    }
}

/// Why it did not become "sent", in words: the reason, and its numbers.
fn reason(row: &Notification) -> String {
    let said = row.reason.as_deref().and_then(|word| word.parse::<Reason>().ok());
    match (said.map(words::reason), &row.detail) {
        (Some(reason), Some(detail)) => format!("{reason}: {detail}"),
        (Some(reason), None) => reason.to_owned(),
        (None, Some(detail)) => detail.clone(),
        (None, None) => String::new(),
    }
}
