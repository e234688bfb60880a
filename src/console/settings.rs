//! The settings of a workspace and of its phases, by the checks of the API.

use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use chrono::NaiveDate;
use serde::Serialize;
use std::collections::BTreeSet;

use super::acting::Acting;
use super::answers::{Answers, Filled, Wrong, number, word};
use super::error::PageError;
use super::lists::{Choice, choices};
use super::site::Site;
use super::visitor::Visitor;
use crate::api::settings as api;
use crate::domain::calendar::DAY_NAMES;
use crate::domain::values::{self, Locale, OperatorRole};
use crate::render::english;
use crate::store::phases::{self, Phase};
use crate::store::rosters;
use crate::store::workspaces::{self, Workspace};

/// Most people among whom a select lets choose.
const CHOICE: i64 = 200;

pub(super) fn router() -> Router<Site> {
    Router::new()
        .route("/admin/w/{workspace}/settings", get(show).post(change))
        .route("/admin/w/{workspace}/settings/phases/{key}", post(change_phase))
}

#[derive(Serialize)]
struct Page {
    url: String,
    slug: String,
    id: String,
    days: Vec<(&'static str, &'static str)>,
    languages: Vec<(&'static str, &'static str)>,
    /// The people among whom owner and escalation are chosen; empty where there are too many for a select.
    owners: Vec<Choice>,
    escalations: Vec<Choice>,
    phases: Vec<PhaseRow>,
    last_position: usize,
    filled: Filled,
    wrong: Option<Wrong>,
}

#[derive(Serialize)]
struct PhaseRow {
    key: &'static str,
    terminal: bool,
    filled: Filled,
}

/// `GET /admin/w/{workspace}/settings`
async fn show(State(site): State<Site>, visitor: Visitor) -> Result<Response, PageError> {
    page(&site, &visitor, None).await
}

/// The page; `sent` is a form that was wrong, as it was sent: of the workspace, or of the phase of this key.
async fn page(
    site: &Site,
    visitor: &Visitor,
    sent: Option<(Filled, Wrong, Option<values::Phase>)>,
) -> Result<Response, PageError> {
    let mut conn = site.db.read().await?;
    let id = &visitor.workspace.id;
    // What the visitor saw of it may be a moment old.
    let workspace = workspaces::get(&mut conn, id).await?;
    let workspace = workspace.ok_or(PageError::NotFound("workspace"))?;
    let holidays = workspaces::holidays(&mut conn, id).await?;
    let rows = phases::list(&mut conn, id).await?;
    let page = rosters::Page { before: i64::MAX, limit: CHOICE + 1 };
    let mut people = rosters::people(&mut conn, id, None, page).await?;
    let many = i64::try_from(people.len()).unwrap_or(i64::MAX) > CHOICE;
    people.retain(|person| person.active && !many);
    people.sort_by(|a, b| a.name.cmp(&b.name));
    drop(conn);

    let mut phases: Vec<PhaseRow> = rows.iter().map(PhaseRow::new).collect();
    let mut filled = filled(&workspace, &holidays);
    let mut wrong = None;
    if let Some((sent, fault, phase)) = sent {
        match phase.and_then(|key| phases.iter_mut().find(|row| row.key == key.as_str())) {
            Some(row) => row.filled = sent,
            None => filled = sent,
        }
        wrong = Some(fault);
    }
    let choose = |any: &str, chosen: &Option<String>| {
        if people.is_empty() {
            return Vec::new();
        }
        let all = people.iter().map(|person| (person.id.as_str(), english::name(&person.name)));
        choices(any, all, chosen.as_deref())
    };
    let is_wrong = wrong.is_some();
    let view = Page {
        url: visitor.url("settings"),
        slug: workspace.slug.clone(),
        id: workspace.id.clone(),
        days: DAY_NAMES.into_iter().zip(english::WEEKDAYS).collect(),
        languages: Locale::ALL.iter().map(|one| (one.as_str(), in_words(*one))).collect(),
        owners: choose("The first user", &workspace.owner_user_id),
        escalations: choose("Nobody", &workspace.escalation_user_id),
        last_position: phases.len().saturating_sub(1),
        phases,
        filled,
        wrong,
    };
    let mut response = visitor.page(site, "settings", "settings", "Settings", &view)?;
    if is_wrong {
        *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
    }
    Ok(response)
}

const fn in_words(locale: Locale) -> &'static str {
    match locale {
        Locale::En => "English",
        Locale::De => "German",
    }
}

impl PhaseRow {
    fn new(phase: &Phase) -> Self {
        Self {
            key: phase.key.as_str(),
            terminal: phase.key.is_terminal(),
            filled: Filled::default()
                .text("label", &phase.label)
                .text("position", phase.position.to_string())
                .text("target_days", phase.target_days.to_string()),
        }
    }
}

/// What the form shows before anybody types.
fn filled(workspace: &Workspace, holidays: &BTreeSet<NaiveDate>) -> Filled {
    let dates: Vec<String> = holidays.iter().map(NaiveDate::to_string).collect();
    Filled::default()
        .text("name", &workspace.name)
        .text("time_zone", &workspace.time_zone)
        .list("working_days", workspace.working_days.split(',').map(str::to_owned))
        .text("holidays", dates.join("\n"))
        .text("digest_time", &workspace.digest_time)
        .text("waiting_steps", workspace.waiting_steps.replace(',', ", "))
        .maybe("owner_user_id", workspace.owner_user_id.as_deref())
        .maybe("escalation_user_id", workspace.escalation_user_id.as_deref())
        .truth("customer_reminders", workspace.customer_reminders)
        .maybe("mail_from", workspace.mail_from.as_deref())
        .maybe("mail_name", workspace.mail_name.as_deref())
        .maybe("reply_to", workspace.reply_to.as_deref())
        .maybe("footer_address", workspace.footer_address.as_deref())
        .truth("names_in_subjects", workspace.names_in_subjects)
        .text("locale", &workspace.locale)
}

/// `POST /admin/w/{workspace}/settings`
async fn change(State(site): State<Site>, acting: Acting) -> Result<Response, PageError> {
    acting.require(OperatorRole::Admin)?;
    let visitor = &acting.visitor;
    let back = visitor.url("settings");
    let Some(mut tx) = acting.begin().await? else { return Ok(acting.twice(&back)) };
    let before = workspaces::lock(&mut tx, &visitor.workspace.id).await?;
    let before = before.ok_or(PageError::NotFound("workspace"))?;
    let answers = Answers::of(&acting.form)
        .text("name")
        .text("time_zone")
        .list("working_days")
        .several("holidays", word)
        .text("digest_time")
        .several("waiting_steps", number)
        .text_or_null("owner_user_id")
        .text_or_null("escalation_user_id")
        .truth("customer_reminders")
        .text_or_null("mail_from")
        .text_or_null("mail_name")
        .text_or_null("reply_to")
        .text_or_null("footer_address")
        .truth("names_in_subjects")
        .text("locale");
    let (author, json) = (acting.author(), answers.json());
    let changed = api::change_workspace(&mut tx, author, before, &json, visitor.now).await;
    match changed {
        Ok(_) => acting.answer(tx, Ok("The settings are kept.".to_owned()), &back).await,
        Err(error) => {
            let wrong = Wrong::of("workspace", error)?;
            drop(tx);
            page(&site, visitor, Some((Filled::from_form(&acting.form), wrong, None))).await
        }
    }
}

/// `POST /admin/w/{workspace}/settings/phases/{key}`
async fn change_phase(
    State(site): State<Site>,
    Path((_, key)): Path<(String, String)>,
    acting: Acting,
) -> Result<Response, PageError> {
    acting.require(OperatorRole::Admin)?;
    let visitor = &acting.visitor;
    let back = visitor.url("settings");
    let key: values::Phase = key.parse().map_err(|_| PageError::NotFound("phase"))?;
    let Some(mut tx) = acting.begin().await? else { return Ok(acting.twice(&back)) };
    let answers = Answers::of(&acting.form).text("label").number("position").number("target_days");
    let (author, json, id) = (acting.author(), answers.json(), &visitor.workspace.id);
    let changed = api::change_phase(&mut tx, author, id, key, &json, visitor.now).await;
    match changed {
        Ok(phase) => {
            let done = format!("The phase {} is kept.", english::name(&phase.label));
            acting.answer(tx, Ok(done), &back).await
        }
        Err(error) => {
            let wrong = Wrong::of(key.as_str(), error)?;
            drop(tx);
            let sent = Filled::from_form(&acting.form);
            page(&site, visitor, Some((sent, wrong, Some(key)))).await
        }
    }
}
