//! `/reminders/preview`: what a message looks like, of real data or of a sample. Nothing is written and nothing is sent.

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;

use super::Api;
use super::auth::{Caller, Reader};
use super::error::ApiError;
use super::onboardings::present;
use super::query::Query;
use super::{users, wire};
use crate::db::Conn;
use crate::domain::ids::Ref;
use crate::domain::message::Message;
use crate::domain::values::{Channel, Kind};
use crate::operate::objects::MessagePreview;
use crate::operate::preview::{self, Desk, PreviewError};
use crate::store::onboardings;

/// `GET /api/v1/reminders/preview`
pub(super) async fn preview(
    State(api): State<Api>,
    Reader(caller): Reader,
    query: Query,
) -> Result<Response, ApiError> {
    let Some(kind) = query.word::<Kind>("kind")? else {
        return Err(ApiError::invalid_field("kind", "missing_field", "Required"));
    };
    let channel = match kind {
        Kind::CustomerReminder => Channel::Email,
        _ => query.word("channel")?.unwrap_or(Channel::Email),
    };
    let at = query.instant("at")?.unwrap_or(caller.now);
    let mut user = query.text("user_id")?.map(str::to_owned);
    let onboarding = query.text("onboarding_id")?;
    let renderer = preview::renderer().map_err(PreviewError::from)?;
    let mut conn = api.db.read().await?;
    users::resolve(&mut conn, &caller, "user_id", &mut user).await?;
    let desk = Desk { renderer: &renderer, studio: &api.studio, channels: api.channels, at };
    let workspace = caller.workspace_id();
    let found = match (kind, user, onboarding) {
        (_, None, None) => {
            let all = preview::of_samples(&renderer, Some(kind), None);
            let all = all.map_err(PreviewError::from)?;
            let by = |message: &Message| match message {
                Message::Email(_) => Channel::Email,
                Message::Slack(_) => Channel::Slack,
            };
            all.into_iter()
                .find(|one| by(&one.message) == channel)
                .ok_or_else(ApiError::internal)?
        }
        (Kind::Digest, Some(user), _) => desk.digest(&mut conn, workspace, &user).await?,
        (Kind::Digest, None, Some(_)) => {
            return Err(nothing("a digest is somebody's; name them as user_id"));
        }
        (_, _, Some(named)) => {
            let id = onboarding_id(&mut conn, &caller, named).await?;
            desk.nudge(&mut conn, workspace, &id, kind, channel).await?
        }
        (_, Some(_), None) => {
            return Err(nothing("this message is about an onboarding; name it as onboarding_id"));
        }
    };
    let message = found.message.for_others();
    Ok(wire::json(StatusCode::OK, &MessagePreview::new(kind, &message)))
}

fn nothing(why: &str) -> ApiError {
    PreviewError::Nothing(why.to_owned()).into()
}

async fn onboarding_id(conn: &mut Conn, caller: &Caller, named: &str) -> Result<String, ApiError> {
    let reference = Ref::parse(named).ok_or_else(ApiError::onboarding_not_found)?;
    let found = onboardings::find(conn, caller.workspace_id(), &reference).await;
    Ok(present(found)?.id)
}
