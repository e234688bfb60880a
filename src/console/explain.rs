//! "Why did they get nothing this morning?", in one step: whoever or whatever is typed is found, and on which day is asked.

use axum::Router;
use axum::extract::{RawQuery, State};
use axum::response::Response;
use axum::routing::get;
use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use serde::Serialize;

use super::error::PageError;
use super::form::{Form, query};
use super::lists::{self, Link, Sought};
use super::site::Site;
use super::visitor::Visitor;
use super::{frame, notifications as ledger, words};
use crate::db::Conn;
use crate::domain::calendar::{add_days, instant, local_date};
use crate::domain::ids::Ref;
use crate::domain::slots::Slots;
use crate::operate::explain;
use crate::operate::notifications::{self, Cursor, Filter};
use crate::render::english;
use crate::store::rosters::{self, Journeys};
use crate::store::users::{self, User};
use crate::store::{facts, onboardings};

/// Onboardings of a person whose gates are tried.
const TRIED: i64 = 25;

/// Messages of the day that are shown.
const SHOWN: i64 = 50;

/// Names among which is chosen.
const CHOICES: i64 = 10;

pub(super) fn router() -> Router<Site> {
    Router::new().route("/admin/w/{workspace}/explain", get(show))
}

#[derive(Serialize)]
struct Page {
    here: String,
    who: String,
    on: NaiveDate,
    /// Several that it might be.
    people: Vec<Link>,
    journeys: Vec<Link>,
    nobody: bool,
    answer: Option<Answer>,
}

/// What a person got on a day, and of what they did not hear.
#[derive(Serialize)]
struct Answer {
    person: Link,
    day: String,
    sentence: String,
    messages: Vec<ledger::Row>,
    all_url: String,
    verdicts: Vec<Verdict>,
    more: bool,
}

/// One onboarding: whether a line about it was due to them.
#[derive(Serialize)]
struct Verdict {
    journey: Link,
    sends: bool,
    why: String,
}

/// `GET /admin/w/{workspace}/explain`
async fn show(
    State(site): State<Site>,
    RawQuery(asked): RawQuery,
    visitor: Visitor,
) -> Result<Response, PageError> {
    let form = Form::read(asked.unwrap_or_default().as_bytes());
    let today = local_date(visitor.zone(), visitor.now);
    let on = lists::date(form.one("on")).unwrap_or(today);
    let who = form.one("who").unwrap_or_default();
    let mut view = Page {
        here: visitor.url("explain"),
        who: who.to_owned(),
        on,
        people: Vec::new(),
        journeys: Vec::new(),
        nobody: false,
        answer: None,
    };
    if who.starts_with("ntf_") {
        return Ok(frame::to(&visitor.url(&format!("notifications/{who}"))));
    }
    let mut conn = site.db.read().await?;
    let sought = Sought::read(Some(who));
    if who.starts_with("onb_") || sought.number().is_some() {
        let reference = Ref::parse(who.trim_start_matches('#'));
        let reference = reference.ok_or(PageError::NotFound("onboarding"))?;
        let found = onboardings::find(&mut conn, &visitor.workspace.id, &reference).await?;
        let found = found.ok_or(PageError::NotFound("onboarding"))?;
        return Ok(frame::to(&about(&visitor, &found.id, on)));
    }
    if who.starts_with("user_") {
        let reference = Ref::parse(who).ok_or(PageError::NotFound("user"))?;
        let found = users::find(&mut conn, &visitor.workspace.id, &reference).await?;
        let found = found.ok_or(PageError::NotFound("user"))?;
        view.answer = Some(answer(&site, &mut conn, &visitor, &found, on).await?);
    } else if let Some(begins) = sought.begins() {
        let page = rosters::Page { before: i64::MAX, limit: CHOICES };
        let workspace = &visitor.workspace.id;
        let people = rosters::people(&mut conn, workspace, Some(begins), page).await?;
        let which = Journeys { begins: Some(begins), ..Journeys::default() };
        let journeys = rosters::journeys(&mut conn, workspace, &which, page).await?;
        match (people.as_slice(), journeys.as_slice()) {
            ([], []) => view.nobody = true,
            ([], [one]) => return Ok(frame::to(&about(&visitor, &one.id, on))),
            ([one], []) => {
                let reference = Ref::Id(one.id.clone());
                if let Some(found) = users::find(&mut conn, workspace, &reference).await? {
                    view.answer = Some(answer(&site, &mut conn, &visitor, &found, on).await?);
                }
            }
            _ => {}
        }
        if view.answer.is_none() {
            let day = on.to_string();
            view.people = people
                .iter()
                .map(|one| {
                    let asks = query([("who", one.id.as_str()), ("on", day.as_str())]);
                    Link::new(&one.name, visitor.url("explain") + &asks)
                })
                .collect();
            view.journeys = journeys
                .iter()
                .map(|one| {
                    let name = format!("{} #{}", one.customer_name, one.display_id);
                    Link::new(&name, about(&visitor, &one.id, on))
                })
                .collect();
        }
    }
    visitor.page(&site, "explain", "explain", "Explain", &view)
}

/// The gates of an onboarding on a day.
fn about(visitor: &Visitor, id: &str, on: NaiveDate) -> String {
    visitor.url(&format!("onboardings/{id}?at={on}T09:00#why"))
}

async fn answer(
    site: &Site,
    conn: &mut Conn,
    visitor: &Visitor,
    user: &User,
    on: NaiveDate,
) -> Result<Answer, PageError> {
    let workspace = &visitor.workspace.id;
    let midnight = |date| instant(visitor.zone(), date, NaiveTime::MIN);
    let filter = Filter {
        recipient_id: Some(&user.id),
        since: Some(midnight(on)),
        until: Some(midnight(add_days(on, 1))),
        ..Filter::default()
    };
    let found = notifications::list(conn, workspace, &filter, &Cursor::start(), SHOWN).await?;
    let messages = ledger::rows(conn, visitor, &found).await?;
    let at = slot(conn, visitor, user, on).await?;
    let which = Journeys { user_id: Some(&user.id), ..Journeys::default() };
    let page = rosters::Page { before: i64::MAX, limit: TRIED + 1 };
    let mut journeys = rosters::journeys(conn, workspace, &which, page).await?;
    let most = usize::try_from(TRIED).unwrap_or_default();
    let more = journeys.len() > most;
    journeys.truncate(most);
    let mut verdicts = Vec::new();
    for journey in &journeys {
        let reference = Ref::Id(journey.id.clone());
        let row = onboardings::find(conn, workspace, &reference).await?;
        let Some(row) = row else { continue };
        let told = explain::explain(conn, &row, Some(&user.id), at, site.channels).await?;
        let shut = told.gates.iter().find(|gate| !gate.passed);
        let why = match (told.sends, shut) {
            (true, _) => "Every gate is open: it is due.".to_owned(),
            (false, Some(gate)) if told.waits => format!("It is due. {}", gate.seen),
            (false, Some(gate)) => gate.seen.to_string(),
            (false, None) => told.reason.map_or("It is not due.", words::reason).to_owned(),
        };
        let name = format!("{} #{}", journey.customer_name, journey.display_id);
        verdicts.push(Verdict {
            journey: Link::new(&name, about(visitor, &journey.id, on)),
            sends: told.sends,
            why,
        });
    }
    let day = english::day(on, local_date(visitor.zone(), visitor.now));
    let name = english::name(&user.name);
    let sent = found.iter().filter(|row| row.state == "sent").count();
    let sentence = match (found.len(), sent) {
        (0, _) if !user.active => format!("{name} is deactivated, so nothing is sent to them."),
        (0, _) => format!("Nothing was written for {name} on {day}."),
        (_, 0) => format!("Nothing was sent to {name} on {day}: see the reason."),
        (_, sent) => {
            let count = english::count(i64::try_from(sent).unwrap_or(i64::MAX), "message");
            format!("{count} went to {name} on {day}.")
        }
    };
    let on = on.to_string();
    let all = query([("person", user.id.as_str()), ("on", on.as_str())]);
    Ok(Answer {
        person: Link::to_user(visitor, &user.id, &user.name),
        day,
        sentence,
        messages,
        all_url: visitor.url("notifications") + &all,
        verdicts,
        more,
    })
}

/// The instant of the person's slot on a day; of a day without one, nine o'clock.
async fn slot(
    conn: &mut Conn,
    visitor: &Visitor,
    user: &User,
    on: NaiveDate,
) -> Result<DateTime<Utc>, PageError> {
    let workspaces = facts::workspaces(conn, std::slice::from_ref(&visitor.workspace.id)).await?;
    let people = facts::people(conn, std::slice::from_ref(&user.id)).await?;
    let workspace = workspaces.get(&visitor.workspace.id);
    let person = people.get(&user.id).map(|member| &member.person);
    Ok(match (workspace, person) {
        (Some(workspace), Some(person)) => Slots::of(workspace, person).at(on),
        _ => visitor.now,
    })
}
