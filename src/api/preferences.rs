//! `/users/{id}/notification_preferences`: when and where a person wants to hear.

use axum::extract::State;
use axum::response::Response;
use chrono::{DateTime, NaiveDate, Utc};
use http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;

use super::auth::Admin;
use super::body::{Body, JsonBytes};
use super::error::ApiError;
use super::path::PathRef;
use super::request::{Nullable, Optional, request};
use super::values::{Boolean, Date, DaySpan, Days, ListOf, Reference, Time, Word};
use super::wire::{self, Instant};
use super::{Api, users};
use crate::db::{Conn, DbError};
use crate::domain::calendar::Weekdays;
use crate::domain::values::{Channel, Kind};
use crate::store::audit::Author;
use crate::store::users::{self as user_rows, User};
use crate::store::workspaces;

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "NotificationPreferences")]
pub(super) struct View<'a> {
    #[schemars(extend("enum" = ["notification_preferences"]))]
    object: &'static str,
    user_id: &'a str,
    digest_enabled: bool,
    digest_channel: Channel,
    #[schemars(with = "Time")]
    digest_time: &'a str,
    /// Null: the workspace's working days.
    #[schemars(with = "Option<Days>")]
    digest_days: Option<Vec<&'a str>>,
    working_hours: Span<'a>,
    quiet_hours: Option<Span<'a>>,
    out_of_office_until: Option<NaiveDate>,
    backup_user_id: Option<&'a str>,
    #[schemars(with = "Vec<Kind>")]
    muted_kinds: Vec<&'a str>,
    updated_at: Instant,
}

request! {
    NotificationPreferencesUpdate {
        digest_enabled: Optional<Boolean>,
        digest_channel: Optional<Word<Channel>>,
        /// Null: the workspace's.
        digest_time: Nullable<Time>,
        /// Null: the workspace's working days.
        digest_days: Nullable<Days>,
        /// Half-open; may wrap midnight; the same time twice is the whole day.
        working_hours: Optional<DaySpan>,
        /// Half-open; may wrap midnight; the same time twice is none at all.
        quiet_hours: Nullable<DaySpan>,
        out_of_office_until: Nullable<Date>,
        backup_user_id: Nullable<Reference>,
        muted_kinds: Optional<ListOf<Word<Kind>, 0, { Kind::ALL.len() }>>,
    }
}

#[derive(Serialize, JsonSchema)]
#[schemars(inline)]
struct Span<'a> {
    #[schemars(with = "Time")]
    from: &'a str,
    #[schemars(with = "Time")]
    until: &'a str,
}

impl<'a> View<'a> {
    /// Shows the time at which the digest really comes, whoever chose it.
    pub(super) fn new(user: &'a User, usual_time: &'a str) -> Self {
        let quiet = user.quiet_from.as_deref().zip(user.quiet_until.as_deref());
        Self {
            object: "notification_preferences",
            user_id: &user.id,
            digest_enabled: user.digest_enabled,
            digest_channel: user.digest_channel,
            digest_time: user.digest_time.as_deref().unwrap_or(usual_time),
            digest_days: user.digest_days.as_deref().map(|days| days.split(',').collect()),
            working_hours: Span { from: &user.working_from, until: &user.working_until },
            quiet_hours: quiet.map(|(from, until)| Span { from, until }),
            out_of_office_until: user.out_of_office_until,
            backup_user_id: user.backup_user_id.as_deref(),
            muted_kinds: user.muted_kinds.split(',').filter(|kind| !kind.is_empty()).collect(),
            updated_at: Instant(user.preferences_at),
        }
    }
}

/// When digests come to whoever has chosen no time.
pub(super) async fn usual_time(conn: &mut Conn, user: &User) -> Result<String, DbError> {
    let workspace = workspaces::get(conn, &user.workspace_id).await?;
    Ok(workspace.map_or_else(|| "07:00".to_owned(), |workspace| workspace.digest_time))
}

async fn answer(conn: &mut Conn, user: &User) -> Result<Response, ApiError> {
    let usual_time = usual_time(conn, user).await?;
    Ok(wire::json(StatusCode::OK, &View::new(user, &usual_time)))
}

/// `GET /api/v1/users/{id}/notification_preferences`
pub(super) async fn get(
    State(api): State<Api>,
    Admin(caller): Admin,
    PathRef(reference): PathRef,
) -> Result<Response, ApiError> {
    let mut conn = api.db.read().await?;
    let user = users::find(&mut conn, &caller, reference.as_ref()).await?;
    answer(&mut conn, &user).await
}

/// `PATCH /api/v1/users/{id}/notification_preferences`
pub(super) async fn update(
    State(api): State<Api>,
    Admin(caller): Admin,
    PathRef(reference): PathRef,
    JsonBytes(bytes): JsonBytes,
) -> Result<Response, ApiError> {
    caller.must_be_live()?;
    let mut tx = api.db.begin().await?;
    let before = users::lock(&mut tx, &caller, reference.as_ref()).await?;
    let body: NotificationPreferencesUpdate = Body::read(&bytes)?;
    let user = change(&mut tx, &caller.author(), before, &body, caller.now).await?;
    let response = answer(&mut tx, &user).await?;
    tx.commit().await?;
    Ok(response)
}

/// Changes the preferences of a user that the caller has locked.
pub(super) async fn change(
    conn: &mut Conn,
    author: &Author,
    before: User,
    body: &NotificationPreferencesUpdate,
    now: DateTime<Utc>,
) -> Result<User, ApiError> {
    let after = read_patch(conn, &before, body).await?.apply(&before);
    Ok(user_rows::update(conn, author, before, after, now).await?)
}

#[expect(clippy::option_option, reason = "absent, null and a value are three things here")]
struct Patch {
    digest_enabled: Option<bool>,
    digest_channel: Option<Channel>,
    digest_time: Option<Option<String>>,
    digest_days: Option<Option<Weekdays>>,
    working_hours: Option<(String, String)>,
    quiet_hours: Option<Option<(String, String)>>,
    out_of_office_until: Option<Option<NaiveDate>>,
    backup_user_id: Option<Option<String>>,
    muted_kinds: Option<Vec<Kind>>,
}

async fn read_patch(
    conn: &mut Conn,
    before: &User,
    body: &NotificationPreferencesUpdate,
) -> Result<Patch, ApiError> {
    Ok(Patch {
        digest_enabled: body.digest_enabled()?,
        digest_channel: body.digest_channel()?,
        digest_time: body.digest_time()?,
        digest_days: body.digest_days()?,
        working_hours: body.working_hours()?,
        quiet_hours: body
            .quiet_hours()?
            // A half-open span that ends where it begins is empty.
            .map(|span| span.filter(|(from, until)| from != until)),
        out_of_office_until: body.out_of_office_until()?,
        backup_user_id: match users::resolved_in(
            conn,
            &before.workspace_id,
            "backup_user_id",
            body.backup_user_id()?,
        )
        .await?
        {
            Some(Some(backup)) if backup == before.id => {
                let message = "Nobody can stand in for themselves.";
                return Err(ApiError::invalid_field("backup_user_id", "custom", message));
            }
            backup => backup,
        },
        muted_kinds: body.muted_kinds()?,
    })
}

impl Patch {
    fn apply(self, before: &User) -> User {
        let mut user = before.clone();
        user.digest_enabled = self.digest_enabled.unwrap_or(user.digest_enabled);
        user.digest_channel = self.digest_channel.unwrap_or(user.digest_channel);
        user.digest_time = self.digest_time.unwrap_or(user.digest_time);
        if let Some(days) = self.digest_days {
            user.digest_days = days.map(|days| days.to_string());
        }
        if let Some((from, until)) = self.working_hours {
            (user.working_from, user.working_until) = (from, until);
        }
        if let Some(span) = self.quiet_hours {
            (user.quiet_from, user.quiet_until) = span.unzip();
        }
        user.out_of_office_until = self.out_of_office_until.unwrap_or(user.out_of_office_until);
        user.backup_user_id = self.backup_user_id.unwrap_or(user.backup_user_id);
        if let Some(muted) = self.muted_kinds {
            let kinds = Kind::ALL.iter().filter(|kind| muted.contains(kind));
            user.muted_kinds = kinds.map(|kind| kind.as_str()).collect::<Vec<_>>().join(",");
        }
        user
    }
}
