//! `/users`: the vendor's people.

use axum::extract::State;
use axum::response::Response;
use chrono::{DateTime, Utc};
use http::StatusCode;

use super::Api;
use super::auth::{Admin, Caller};
use super::body::{Body, JsonBytes};
use super::error::ApiError;
use super::path::PathRef;
use super::post::{Begun, Post};
use super::query::Query;
use super::request::{Nullable, Optional, Required, request};
use super::values::{At, Boolean, Email, Name, SlackUser, TimeZone};
use super::wire::{self, Deleted, List};
use crate::db::{Conn, DbError, is_conflict};
use crate::domain::ids::Ref;
use crate::operate::objects;
use crate::store::audit::Author;
use crate::store::users::{self, NewUser, User};

request! {
    UserCreate {
        name: Required<Name>,
        email: Required<Email>,
        /// IANA name, such as Europe/Copenhagen.
        time_zone: Nullable<TimeZone>,
        slack_user_id: Nullable<SlackUser>,
    }
}

request! {
    UserUpdate {
        name: Optional<Name>,
        email: Optional<Email>,
        /// IANA name, such as Europe/Copenhagen.
        time_zone: Nullable<TimeZone>,
        slack_user_id: Nullable<SlackUser>,
        active: Optional<Boolean>,
        /// Null takes the flag of a refused address away.
        email_flagged_at: Nullable<At>,
    }
}

/// Finds a user of the caller's workspace, locked until the transaction ends.
pub(super) async fn lock(
    conn: &mut Conn,
    caller: &Caller,
    reference: Option<&Ref>,
) -> Result<User, ApiError> {
    let reference = reference.ok_or_else(ApiError::no_such_user)?;
    let found = users::lock(conn, caller.workspace_id(), reference).await?;
    found.ok_or_else(ApiError::no_such_user)
}

/// Finds a user of the caller's workspace.
pub(super) async fn find(
    conn: &mut Conn,
    caller: &Caller,
    reference: Option<&Ref>,
) -> Result<User, ApiError> {
    let reference = reference.ok_or_else(ApiError::no_such_user)?;
    let found = users::find(conn, caller.workspace_id(), reference).await?;
    found.ok_or_else(ApiError::no_such_user)
}

/// Puts the id of a user in the place of the reference to them.
pub(super) async fn resolve(
    conn: &mut Conn,
    caller: &Caller,
    field: &'static str,
    user: &mut Option<String>,
) -> Result<(), ApiError> {
    resolve_in(conn, caller.workspace_id(), field, user).await
}

async fn resolve_in(
    conn: &mut Conn,
    workspace_id: &str,
    field: &'static str,
    user: &mut Option<String>,
) -> Result<(), ApiError> {
    let Some(text) = user.as_deref() else { return Ok(()) };
    let reference = Ref::parse(text).ok_or_else(|| ApiError::user_not_found(field))?;
    let found = users::find(conn, workspace_id, &reference).await?;
    *user = Some(found.ok_or_else(|| ApiError::user_not_found(field))?.id);
    Ok(())
}

/// A property that names a user: absent, null, or the id of one that is there.
#[expect(clippy::option_option, reason = "absent, null and a value are three things here")]
pub(super) async fn resolved(
    conn: &mut Conn,
    caller: &Caller,
    field: &'static str,
    user: Option<Option<String>>,
) -> Result<Option<Option<String>>, ApiError> {
    resolved_in(conn, caller.workspace_id(), field, user).await
}

/// The same of a workspace.
#[expect(clippy::option_option, reason = "absent, null and a value are three things here")]
pub(super) async fn resolved_in(
    conn: &mut Conn,
    workspace_id: &str,
    field: &'static str,
    mut user: Option<Option<String>>,
) -> Result<Option<Option<String>>, ApiError> {
    if let Some(user) = &mut user {
        resolve_in(conn, workspace_id, field, user).await?;
    }
    Ok(user)
}

fn email_taken() -> ApiError {
    ApiError::taken("email", "email_taken", "This e-mail is already used.")
}

fn taken_meanwhile(error: DbError) -> ApiError {
    if is_conflict(&error) { email_taken() } else { error.into() }
}

/// `GET /api/v1/users`
pub(super) async fn list(
    State(api): State<Api>,
    Admin(caller): Admin,
    query: Query,
) -> Result<Response, ApiError> {
    let page = query.page()?;
    let mut conn = api.db.read().await?;
    let rows = users::list(&mut conn, caller.workspace_id(), page.cursor, page.rows()).await?;
    let list = List::page(&rows, page.limit, |row| row.created_at, objects::User::from);
    Ok(wire::json(StatusCode::OK, &list))
}

/// `POST /api/v1/users`
pub(super) async fn create(
    State(api): State<Api>,
    Admin(caller): Admin,
    post: Post,
) -> Result<Response, ApiError> {
    caller.must_be_live()?;
    let mut once = match post.begin(&api, &caller).await? {
        Begun::First(once) => once,
        Begun::Replay(answer) => return Ok(answer),
    };
    let body: UserCreate = once.body()?;
    let (tx, author) = (&mut once.tx, caller.author());
    let user = add(tx, &author, caller.workspace_id(), &body, caller.now).await?;
    once.finish(&caller, StatusCode::CREATED, &objects::User::from(&user)).await
}

/// Adds a user.
pub(super) async fn add(
    conn: &mut Conn,
    author: &Author,
    workspace_id: &str,
    body: &UserCreate,
    now: DateTime<Utc>,
) -> Result<User, ApiError> {
    let name = body.name()?;
    let email = body.email()?;
    if users::email_taken(conn, workspace_id, &email, "").await? {
        return Err(email_taken());
    }
    let time_zone = body.time_zone()?.flatten();
    let slack_user_id = body.slack_user_id()?.flatten();
    let new = NewUser {
        workspace_id,
        name: &name,
        email: &email,
        time_zone: time_zone.as_deref(),
        slack_user_id: slack_user_id.as_deref(),
    };
    users::create(conn, author, new, now).await.map_err(taken_meanwhile)
}

/// `GET /api/v1/users/{id}`
pub(super) async fn get(
    State(api): State<Api>,
    Admin(caller): Admin,
    PathRef(reference): PathRef,
) -> Result<Response, ApiError> {
    let mut conn = api.db.read().await?;
    let user = find(&mut conn, &caller, reference.as_ref()).await?;
    Ok(wire::json(StatusCode::OK, &objects::User::from(&user)))
}

/// `PATCH /api/v1/users/{id}`
pub(super) async fn update(
    State(api): State<Api>,
    Admin(caller): Admin,
    PathRef(reference): PathRef,
    JsonBytes(bytes): JsonBytes,
) -> Result<Response, ApiError> {
    caller.must_be_live()?;
    let mut tx = api.db.begin().await?;
    let before = lock(&mut tx, &caller, reference.as_ref()).await?;
    let (author, body) = (caller.author(), Body::read(&bytes)?);
    let user = change(&mut tx, &author, before, &body, caller.now).await?;
    tx.commit().await?;
    Ok(wire::json(StatusCode::OK, &objects::User::from(&user)))
}

/// Changes a user that the caller has locked.
pub(super) async fn change(
    conn: &mut Conn,
    author: &Author,
    before: User,
    body: &UserUpdate,
    now: DateTime<Utc>,
) -> Result<User, ApiError> {
    let after = read_patch(body)?.apply(&before);
    if after.email != before.email
        && users::email_taken(conn, &before.workspace_id, &after.email, &before.id).await?
    {
        return Err(email_taken());
    }
    users::update(conn, author, before, after, now).await.map_err(taken_meanwhile)
}

/// `DELETE /api/v1/users/{id}`: deactivates. The user stays, is told nothing any more, and can be activated again by a PATCH.
pub(super) async fn deactivate(
    State(api): State<Api>,
    Admin(caller): Admin,
    PathRef(reference): PathRef,
) -> Result<Response, ApiError> {
    caller.must_be_live()?;
    let mut tx = api.db.begin().await?;
    let before = lock(&mut tx, &caller, reference.as_ref()).await?;
    let after = User { active: false, ..before.clone() };
    let user = users::update(&mut tx, &caller.author(), before, after, caller.now).await?;
    tx.commit().await?;
    Ok(wire::json(StatusCode::OK, &Deleted::of(&user.id, user.display_id)))
}

#[expect(clippy::option_option, reason = "absent, null and a value are three things here")]
struct Patch {
    name: Option<String>,
    email: Option<String>,
    time_zone: Option<Option<String>>,
    slack_user_id: Option<Option<String>>,
    active: Option<bool>,
    clear_flag: bool,
}

fn read_patch(body: &UserUpdate) -> Result<Patch, ApiError> {
    Ok(Patch {
        name: body.name()?,
        email: body.email()?,
        time_zone: body.time_zone()?,
        slack_user_id: body.slack_user_id()?,
        active: body.active()?,
        // Only a provider flags an address; a person can take the flag away.
        clear_flag: body.email_flagged_at()? == Some(None),
    })
}

impl Patch {
    fn apply(self, before: &User) -> User {
        User {
            name: self.name.unwrap_or_else(|| before.name.clone()),
            email: self.email.unwrap_or_else(|| before.email.clone()),
            time_zone: self.time_zone.unwrap_or_else(|| before.time_zone.clone()),
            slack_user_id: self.slack_user_id.unwrap_or_else(|| before.slack_user_id.clone()),
            active: self.active.unwrap_or(before.active),
            email_flagged_at: before.email_flagged_at.filter(|_| !self.clear_flag),
            ..before.clone()
        }
    }
}
