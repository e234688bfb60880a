//! `/notifications`: what was sent to whom, what was not and why; trying again and cancelling.

use axum::extract::State;
use axum::response::Response;
use chrono::{DateTime, SecondsFormat, Utc};
use http::{HeaderMap, StatusCode};

use super::Api;
use super::auth::{Caller, Operator, Reader};
use super::csv_file as csv;
use super::error::ApiError;
use super::path::PathRef;
use super::post::{Begun, Post};
use super::query::Query;
use super::request::{Optional, Required, request};
use super::values::Name;
use super::wire::{self, List};
use crate::db::Conn;
use crate::domain::ids::{self, IdKind, Ref};
use crate::operate::gates;
use crate::operate::notifications::{self, Because, Cursor, Filter, Notification};
use crate::operate::objects::{self, NotificationDetails};
use crate::store::{customers, onboardings, users};

request! {
    ReasonGiven {
        /// Why; kept in the audit log.
        reason: Required<Name>,
    }
}

request! {
    ReasonMaybe {
        /// Why; kept in the audit log.
        reason: Optional<Name>,
    }
}

/// `GET /api/v1/notifications`
pub(super) async fn list(
    State(api): State<Api>,
    Reader(caller): Reader,
    query: Query,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let page = query.page()?;
    let at = query.fine_cursor()?;
    let mut filter = Filter {
        kind: query.word("kind")?,
        channel: query.word("channel")?,
        state: query.word("state")?,
        reason: query.word("reason")?,
        mode: query.word("mode")?,
        ..Filter::default()
    };
    let (onboarding, customer, user) =
        (query.text("onboarding_id")?, query.text("customer_id")?, query.text("user_id")?);
    filter.since = query.instant("created_after")?;
    filter.until = query.instant("created_before")?;
    filter.text = query.text("q")?;
    let mut conn = api.db.read().await?;
    let named = Named::resolve(&mut conn, &caller, onboarding, customer, user).await?;
    named.put_into(&mut filter);
    let cursor = Cursor {
        created_at: DateTime::from_timestamp_millis(at.timestamp_millis()).unwrap_or(at),
        id: IdKind::Notification.bound(at),
    };
    let workspace = caller.workspace_id();
    if csv::is_wanted(&headers) {
        let limit = csv::MOST_LINES;
        let rows = notifications::list(&mut conn, workspace, &filter, &cursor, limit).await?;
        return file(&rows);
    }
    let rows = notifications::list(&mut conn, workspace, &filter, &cursor, page.rows()).await?;
    let place = |row: &Notification| ids::fine_instant(&row.id, row.created_at);
    let (rows, next) = wire::cut(&rows, page.limit, place);
    Ok(wire::json(
        StatusCode::OK,
        &List::cut(rows.iter().map(objects::Notification::from).collect(), next),
    ))
}

/// What a filter names, by its ids. What is not ours is named as it came, and nothing is about it.
#[derive(Default)]
pub(super) struct Named {
    pub(super) onboarding: Option<String>,
    pub(super) customer: Option<String>,
    pub(super) user: Option<String>,
}

impl Named {
    pub(super) async fn resolve(
        conn: &mut Conn,
        caller: &Caller,
        onboarding: Option<&str>,
        customer: Option<&str>,
        user: Option<&str>,
    ) -> Result<Self, ApiError> {
        let workspace = caller.workspace_id();
        let mut named = Self::default();
        if let Some(text) = onboarding {
            let found = match Ref::parse(text) {
                Some(reference) => onboardings::find(conn, workspace, &reference).await?,
                None => None,
            };
            named.onboarding = Some(found.map_or_else(nobody, |row| row.id));
        }
        if let Some(text) = customer {
            let found = match Ref::parse(text) {
                Some(reference) => customers::find(conn, workspace, &reference).await?,
                None => None,
            };
            named.customer = Some(found.map_or_else(nobody, |row| row.id));
        }
        if let Some(text) = user {
            let found = match Ref::parse(text) {
                Some(reference) => users::find(conn, workspace, &reference).await?,
                None => None,
            };
            named.user = Some(found.map_or_else(nobody, |row| row.id));
        }
        Ok(named)
    }

    fn put_into<'a>(&'a self, filter: &mut Filter<'a>) {
        filter.onboarding_id = self.onboarding.as_deref();
        filter.customer_id = self.customer.as_deref();
        filter.recipient_id = self.user.as_deref();
    }
}

/// The id of nothing.
fn nobody() -> String {
    String::new()
}

fn file(rows: &[Notification]) -> Result<Response, ApiError> {
    let at = |at: DateTime<Utc>| at.to_rfc3339_opts(SecondsFormat::Millis, true);
    let lines = rows.iter().map(|n| {
        [
            n.id.clone(),
            n.kind.clone(),
            n.channel.clone(),
            n.mode.clone(),
            n.state.clone(),
            n.reason.clone().unwrap_or_default(),
            n.recipient_type.clone(),
            n.recipient_id.clone(),
            n.recipient_name.clone().unwrap_or_default(),
            n.recipient_address.clone().unwrap_or_default(),
            n.onboarding_ids.clone().unwrap_or_default(),
            n.slot_date.to_string(),
            n.step.map(|step| step.to_string()).unwrap_or_default(),
            n.subject.clone().unwrap_or_default(),
            at(n.not_before),
            at(n.deadline),
            n.attempt_count.to_string(),
            at(n.created_at),
            at(n.updated_at),
            n.sent_at.map(at).unwrap_or_default(),
        ]
    });
    let columns = [
        "id",
        "kind",
        "channel",
        "mode",
        "state",
        "reason",
        "recipient_type",
        "recipient_id",
        "recipient_name",
        "recipient_address",
        "onboarding_ids",
        "slot_date",
        "step",
        "subject",
        "not_before",
        "deadline",
        "attempt_count",
        "created_at",
        "updated_at",
        "sent_at",
    ];
    csv::file("notifications", columns, lines)
}

/// `GET /api/v1/notifications/{id}`
pub(super) async fn get(
    State(api): State<Api>,
    Reader(caller): Reader,
    PathRef(reference): PathRef,
) -> Result<Response, ApiError> {
    let id = notification_id(reference)?;
    let mut conn = api.db.read().await?;
    let found = notifications::show(&mut conn, caller.workspace_id(), &id).await?;
    let found = found.ok_or_else(ApiError::notification_not_found)?;
    let gates = gates::of(&mut conn, &found, api.channels, caller.now).await?;
    Ok(wire::json(StatusCode::OK, &NotificationDetails::new(&found, &gates)))
}

/// `POST /api/v1/notifications/{id}/retry`
pub(super) async fn retry(
    State(api): State<Api>,
    Operator(caller): Operator,
    PathRef(reference): PathRef,
    post: Post,
) -> Result<Response, ApiError> {
    act(&api, &caller, reference, post, Act::Retry).await
}

/// `POST /api/v1/notifications/{id}/cancel`
pub(super) async fn cancel(
    State(api): State<Api>,
    Operator(caller): Operator,
    PathRef(reference): PathRef,
    post: Post,
) -> Result<Response, ApiError> {
    act(&api, &caller, reference, post, Act::Cancel).await
}

/// `POST /api/v1/notifications/{id}/resend`: answers with the new one.
pub(super) async fn resend(
    State(api): State<Api>,
    Operator(caller): Operator,
    PathRef(reference): PathRef,
    post: Post,
) -> Result<Response, ApiError> {
    act(&api, &caller, reference, post, Act::Resend).await
}

/// `POST /api/v1/notifications/{id}/delivered`
pub(super) async fn delivered(
    State(api): State<Api>,
    Operator(caller): Operator,
    PathRef(reference): PathRef,
    post: Post,
) -> Result<Response, ApiError> {
    act(&api, &caller, reference, post, Act::Delivered).await
}

#[derive(Clone, Copy)]
enum Act {
    Retry,
    Cancel,
    Resend,
    Delivered,
}

async fn act(
    api: &Api,
    caller: &Caller,
    reference: Option<Ref>,
    post: Post,
    act: Act,
) -> Result<Response, ApiError> {
    let id = notification_id(reference)?;
    let mut tx = api.db.begin().await?;
    let workspace = caller.workspace_id();
    let found = notifications::show(&mut tx, workspace, &id).await?;
    if found.is_none() {
        return Err(ApiError::notification_not_found());
    }
    let mut once = match post.begin_at(tx, caller, Some(&id)).await? {
        Begun::First(once) => once,
        Begun::Replay(answer) => return Ok(answer),
    };
    let reason = once.body::<ReasonGiven>()?.reason()?;
    let author = caller.author();
    let because = Because { author: &author, reason: &reason };
    let tx = &mut once.tx;
    let row = match act {
        Act::Retry => notifications::retry(tx, because, workspace, &id, caller.now).await,
        Act::Cancel => notifications::cancel(tx, because, workspace, &id, caller.now).await,
        Act::Resend => notifications::resend(tx, because, workspace, &id, caller.now).await,
        Act::Delivered => notifications::delivered(tx, because, workspace, &id, caller.now).await,
    }?;
    let status = match act {
        Act::Resend => StatusCode::CREATED,
        Act::Retry | Act::Cancel | Act::Delivered => StatusCode::OK,
    };
    once.finish(caller, status, &objects::Notification::from(&row)).await
}

/// Notifications have no display id.
fn notification_id(reference: Option<Ref>) -> Result<String, ApiError> {
    match reference {
        Some(Ref::Id(id)) => Ok(id),
        _ => Err(ApiError::notification_not_found()),
    }
}
