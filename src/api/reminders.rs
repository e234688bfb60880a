//! Reminders of an onboarding, past and to come: explained, snoozed, forecast.

use std::borrow::Cow;

use axum::extract::State;
use axum::response::Response;
use chrono::NaiveDate;
use http::StatusCode;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use super::auth::{Caller, Reader, Writer};
use super::body::Body;
use super::error::ApiError;
use super::onboardings::{OnboardingUpdate, present, read_patch};
use super::path::PathRef;
use super::post::{Begun, Post};
use super::query::Query;
use super::request::{Nullable, Required, request};
use super::values::{Date, Notes, Parent};
use super::wire::{self, List};
use super::{Api, users};
use crate::db::Conn;
use crate::domain::ids::Ref;
use crate::domain::values::NotificationState;
use crate::operate::explain::{self, Explanation};
use crate::operate::forecast::{self, AsIf, Question};
use crate::operate::objects::{
    ForecastItem, OnboardingReminders, RemindersExplanation, UnroutableOnboarding,
};
use crate::operate::seek::{Meant, Several, seek};
use crate::operate::{silence, snooze};
use crate::store::worlds::About;
use crate::store::{hints, onboardings};

/// Days of a forecast that does not say how many.
const DAYS: i64 = 14;

/// Most days of a forecast.
const MAX_DAYS: i64 = 366;

/// `GET /api/v1/onboardings/{id}/reminders`
pub(super) async fn get(
    State(api): State<Api>,
    Reader(caller): Reader,
    PathRef(reference): PathRef,
    query: Query,
) -> Result<Response, ApiError> {
    let reference = reference.ok_or_else(ApiError::onboarding_not_found)?;
    let mut conn = api.db.read().await?;
    let onboarding =
        present(onboardings::find(&mut conn, caller.workspace_id(), &reference).await)?;
    let at = query.instant("at")?.unwrap_or(caller.now);
    let mut asked = query.text("recipient_id")?.map(str::to_owned);
    users::resolve(&mut conn, &caller, "recipient_id", &mut asked).await?;
    let explanation =
        explain::explain(&mut conn, &onboarding, asked.as_deref(), at, api.channels).await?;
    Ok(wire::json(StatusCode::OK, &OnboardingReminders::from(&explanation)))
}

/// `POST /api/v1/onboardings/{id}/snooze`
pub(super) async fn snooze(
    State(api): State<Api>,
    Writer(caller): Writer,
    PathRef(reference): PathRef,
    post: Post,
) -> Result<Response, ApiError> {
    let mut tx = api.db.begin().await?;
    let named = match &reference {
        Some(reference) => onboardings::find(&mut tx, caller.workspace_id(), reference).await?,
        None => None,
    };
    let id = named.as_ref().map(|onboarding| onboarding.id.clone());
    let mut once = match post.begin_at(tx, &caller, id.as_deref()).await? {
        Begun::First(once) => once,
        Begun::Replay(answer) => return Ok(answer),
    };
    present(Ok(named))?;
    let body: SnoozeCreate = once.body()?;
    let until = body.until()?;
    if until <= caller.now.with_timezone(&caller.zone()).date_naive() {
        return Err(ApiError::invalid_field("until", "too_small", snooze::NOT_TO_COME));
    }
    let reason = body.reason()?.flatten();
    let explanation = rest(&mut once.tx, &api, &caller, reference, Some(until), reason).await?;
    once.finish(&caller, StatusCode::CREATED, &OnboardingReminders::from(&explanation)).await
}

/// `DELETE /api/v1/onboardings/{id}/snooze`
pub(super) async fn wake(
    State(api): State<Api>,
    Writer(caller): Writer,
    PathRef(reference): PathRef,
) -> Result<Response, ApiError> {
    let mut tx = api.db.begin().await?;
    let explanation = rest(&mut tx, &api, &caller, reference, None, None).await?;
    tx.commit().await?;
    Ok(wire::json(StatusCode::OK, &OnboardingReminders::from(&explanation)))
}

async fn rest(
    tx: &mut Conn,
    api: &Api,
    caller: &Caller,
    reference: Option<Ref>,
    until: Option<NaiveDate>,
    reason: Option<String>,
) -> Result<Explanation, ApiError> {
    let reference = reference.ok_or_else(ApiError::onboarding_not_found)?;
    let (workspace, now) = (caller.workspace_id(), caller.now);
    let snoozed =
        snooze::snooze(tx, &caller.author(), workspace, &reference, until, reason.as_deref(), now)
            .await?;
    let onboarding = snoozed.ok_or_else(ApiError::onboarding_not_found)?;
    Ok(explain::explain(tx, &onboarding, None, now, api.channels).await?)
}

/// `GET /api/v1/reminders/explain`: why somebody got nothing, in one step.
pub(super) async fn explain(
    State(api): State<Api>,
    Reader(caller): Reader,
    query: Query,
) -> Result<Response, ApiError> {
    let Some(who) = query.text("who")? else {
        let message = "Say who or what: a name, an address, a number or an id.";
        return Err(ApiError::invalid_field("who", "missing_field", message));
    };
    let at = query.instant("at")?.unwrap_or(caller.now);
    let mut conn = api.db.read().await?;
    let (user, found) = match seek(&mut conn, caller.workspace_id(), who).await? {
        Meant::Person(user) => {
            let on = at.with_timezone(&caller.zone()).date_naive();
            let found = silence::of_person(&mut conn, &user, on, api.channels, caller.now).await?;
            (Some(user.id), found)
        }
        Meant::Onboarding(one) => {
            (None, silence::of_onboarding(&mut conn, &one, at, api.channels, caller.now).await?)
        }
        Meant::Several(Several { people, journeys, more }) => {
            let people = people.iter().map(|one| one.id.as_str());
            let ids: Vec<&str> = people.chain(journeys.iter().map(|one| one.id.as_str())).collect();
            return Err(ApiError::several_found(&ids, more));
        }
        Meant::Nothing => return Err(ApiError::nothing_found()),
    };
    Ok(wire::json(StatusCode::OK, &RemindersExplanation::new(user.as_deref(), &found)))
}

/// `GET /api/v1/reminders/unroutable`: onboardings that nobody hears of.
pub(super) async fn unroutable(
    State(api): State<Api>,
    Reader(caller): Reader,
    query: Query,
) -> Result<Response, ApiError> {
    let part = query.part()?;
    let mut conn = api.db.read().await?;
    let found = hints::unroutable(&mut conn, Some(caller.workspace_id())).await?;
    let rows =
        found.iter().map(|row| (wire::place(row.display_id), UnroutableOnboarding::from(row)));
    Ok(wire::json(StatusCode::OK, &List::part(rows, part)))
}

/// `GET /api/v1/reminders/forecast`
pub(super) async fn forecast(
    State(api): State<Api>,
    Reader(caller): Reader,
    query: Query,
) -> Result<Response, ApiError> {
    let days = query.number("days", 1..=MAX_DAYS)?.unwrap_or(DAYS);
    let part = query.part()?;
    let (mut csm, onboarding) =
        (query.text("csm_id")?.map(str::to_owned), query.text("onboarding_id")?);
    let mut conn = api.db.read().await?;
    let as_if = match query.text("as_if")? {
        Some(text) => Some(read_as_if(&mut conn, &caller, text).await?),
        None => None,
    };
    // What is not ours, or not there, has nothing to come.
    let unknown = users::resolve(&mut conn, &caller, "csm_id", &mut csm).await.is_err();
    let onboarding = match onboarding {
        None => None,
        Some(text) => match Ref::parse(text) {
            Some(reference) => {
                Some(onboardings::find(&mut conn, caller.workspace_id(), &reference).await?)
            }
            None => Some(None),
        },
    };
    drop(conn);
    let about = match (&csm, &onboarding) {
        _ if unknown => {
            return Ok(wire::json(StatusCode::OK, &List::<ForecastItem<'_>>::empty()));
        }
        (_, Some(None)) => {
            return Ok(wire::json(StatusCode::OK, &List::<ForecastItem<'_>>::empty()));
        }
        (_, Some(Some(found))) => About::Onboarding(&found.id),
        (Some(csm), None) => About::Recipient(csm),
        (None, None) => About::Everything,
    };
    let question = Question {
        workspace_id: caller.workspace_id(),
        about,
        days,
        as_if,
        channels: api.channels,
    };
    let items = forecast::forecast(&api.db, question, caller.now, |_, _| ()).await?;
    let to_come = items.iter().filter(|item| item.plan.state != NotificationState::Skipped);
    let rows = to_come.map(|item| (item.at, ForecastItem::from(item)));
    Ok(wire::json(StatusCode::OK, &List::part(rows, part)))
}

request! {
    SnoozeCreate {
        /// Reminders resume on this day; it must be to come.
        until: Required<Date>,
        /// Kept in the audit log.
        reason: Nullable<Notes>,
    }
}

request! {
    AsIfAbout {
        /// Id, or display id.
        onboarding_id: Required<Parent>,
    }
}

/// What `days` is.
pub(super) enum ForecastDays {}

impl JsonSchema for ForecastDays {
    fn schema_name() -> Cow<'static, str> {
        "ForecastDays".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "integer", "minimum": 1, "maximum": MAX_DAYS, "default": DAYS })
    }
}

/// What `as_if` is: a change of an onboarding with the onboarding.
pub(super) enum AsIfText {}

impl JsonSchema for AsIfText {
    fn schema_name() -> Cow<'static, str> {
        "AsIf".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A change of an onboarding that is only imagined.",
            "allOf": [generator.subschema_for::<OnboardingUpdate>(), AsIfAbout::json_schema(generator)],
        })
    }
}

/// `as_if`: the JSON of a PATCH, with the `onboarding_id` that it would be sent to.
async fn read_as_if(conn: &mut Conn, caller: &Caller, text: &str) -> Result<AsIf, ApiError> {
    let about: AsIfAbout = Body::read(text.as_bytes())?;
    let onboarding = Ref::parse(&about.onboarding_id()?);
    let onboarding = onboarding.ok_or_else(ApiError::onboarding_not_found)?;
    let change = OnboardingUpdate::from(about.0);
    let patch = read_patch(conn, caller, &change).await?;
    change.reason()?;
    Ok(AsIf { onboarding, patch })
}
