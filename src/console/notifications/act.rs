//! Try again, cancel, send anew, say that it did arrive.

use axum::extract::{Path, State};
use axum::response::Response;

use crate::console::acting::Acting;
use crate::console::error::PageError;
use crate::console::site::Site;
use crate::operate::notifications;

/// `POST …/notifications/{id}/{action}`
pub(super) async fn act(
    State(site): State<Site>,
    Path((_, id, action)): Path<(String, String, String)>,
    acting: Acting,
) -> Result<Response, PageError> {
    let visitor = &acting.visitor;
    let (workspace, now) = (visitor.workspace.id.as_str(), site.clock.now());
    let here = visitor.url(&format!("notifications/{id}"));
    let because = acting.because()?;
    let Some(mut tx) = acting.begin().await? else { return Ok(acting.twice(&here)) };
    let done = match action.as_str() {
        "retry" => notifications::retry(&mut tx, because, workspace, &id, now)
            .await
            .map(|_| ("It is tried again now.".to_owned(), here.clone())),
        "cancel" => notifications::cancel(&mut tx, because, workspace, &id, now)
            .await
            .map(|_| ("It is cancelled.".to_owned(), here.clone())),
        "delivered" => notifications::delivered(&mut tx, because, workspace, &id, now)
            .await
            .map(|_| ("It counts as sent.".to_owned(), here.clone())),
        "resend" => notifications::resend(&mut tx, because, workspace, &id, now).await.map(|row| {
            let sentence = "This is the repeat: a message of its own, on its way.".to_owned();
            (sentence, visitor.url(&format!("notifications/{}", row.id)))
        }),
        _ => return Err(PageError::NotFound("action")),
    };
    let to = done.as_ref().map_or(here, |(_, to)| to.clone());
    acting.answer(tx, done.map(|(sentence, _)| sentence), &to).await
}
