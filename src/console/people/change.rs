//! Changes of a person: who they are and when they want to hear, by the checks of the API; out of office.

use axum::extract::{Path, State};
use axum::response::Response;

use super::{list, show};
use crate::api::settings;
use crate::console::acting::Acting;
use crate::console::answers::{Answers, Filled, Wrong};
use crate::console::error::PageError;
use crate::console::form::Form;
use crate::console::site::Site;
use crate::domain::ids::Ref;
use crate::domain::values::OperatorRole;
use crate::render::english;
use crate::store::users;

fn person(form: &Form) -> Answers<'_> {
    Answers::of(form)
        .text("name")
        .text("email")
        .text_or_null("time_zone")
        .text_or_null("slack_user_id")
}

/// `POST /admin/w/{workspace}/people`
pub(super) async fn add(State(site): State<Site>, acting: Acting) -> Result<Response, PageError> {
    acting.require(OperatorRole::Admin)?;
    let visitor = &acting.visitor;
    let back = visitor.url("people");
    let Some(mut tx) = acting.begin().await? else { return Ok(acting.twice(&back)) };
    let (author, json) = (acting.author(), person(&acting.form).json());
    let workspace = &visitor.workspace.id;
    let made = settings::add_user(&mut tx, author, workspace, &json, visitor.now).await;
    match made {
        Ok(user) => {
            let back = visitor.url(&format!("people/{}", user.id));
            let done = format!("{} was added.", english::name(&user.name));
            acting.answer(tx, Ok(done), &back).await
        }
        Err(error) => {
            let wrong = Wrong::of("add", error)?;
            drop(tx);
            let filled = Filled::from_form(&acting.form);
            list::page(&site, visitor, &Form::default(), filled, Some(wrong)).await
        }
    }
}

/// What each form of the page is called, and says.
fn answers(name: &str, form: &Form) -> Option<Vec<u8>> {
    let answers = match name {
        "person" => person(form).truth("active"),
        "preferences" => Answers::of(form)
            .truth("digest_enabled")
            .text("digest_channel")
            .text_or_null("digest_time")
            .list_or_null("digest_days")
            .span("working_hours")
            .span("quiet_hours")
            .list("muted_kinds"),
        "away" => {
            Answers::of(form).text_or_null("out_of_office_until").text_or_null("backup_user_id")
        }
        _ => return None,
    };
    Some(answers.json())
}

/// `POST /admin/w/{workspace}/people/{id}/{form}`
pub(super) async fn change(
    State(site): State<Site>,
    Path((_, id, form)): Path<(String, String, String)>,
    acting: Acting,
) -> Result<Response, PageError> {
    // Whoever keeps the messages flowing may say that somebody is away; what a person is, an admin says.
    acting.require(if form == "away" { OperatorRole::Operator } else { OperatorRole::Admin })?;
    let visitor = &acting.visitor;
    let back = visitor.url(&format!("people/{id}"));
    let json = answers(&form, &acting.form).ok_or(PageError::NotFound("form"))?;
    let reference = Ref::parse(&id).ok_or(PageError::NotFound("user"))?;
    let Some(mut tx) = acting.begin().await? else { return Ok(acting.twice(&back)) };
    let before = users::lock(&mut tx, &visitor.workspace.id, &reference).await?;
    let before = before.ok_or(PageError::NotFound("user"))?;
    let (author, now) = (acting.author(), visitor.now);
    let changed = if form == "person" {
        settings::change_user(&mut tx, author, before, &json, now).await
    } else {
        settings::change_preferences(&mut tx, author, before, &json, now).await
    };
    match changed {
        Ok(user) => {
            let done = format!("{} was changed.", english::name(&user.name));
            acting.answer(tx, Ok(done), &back).await
        }
        Err(error) => {
            let wrong = Wrong::of(&form, error)?;
            drop(tx);
            show::again(&site, visitor, &reference, Filled::from_form(&acting.form), wrong).await
        }
    }
}
