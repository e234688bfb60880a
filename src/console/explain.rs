//! "Why did they get nothing this morning?", in one step: whoever or whatever is typed is found, and on which day is asked.

use axum::Router;
use axum::extract::{RawQuery, State};
use axum::response::Response;
use axum::routing::get;
use chrono::NaiveDate;
use serde::Serialize;

use super::error::PageError;
use super::form::{Form, query};
use super::lists::{self, Link, Sought};
use super::site::Site;
use super::visitor::Visitor;
use super::{frame, notifications as ledger};
use crate::db::Conn;
use crate::domain::calendar::local_date;
use crate::operate::seek::{Meant, seek};
use crate::operate::silence;
use crate::render::english;
use crate::store::users::User;

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
    /// How many more begin so.
    more: usize,
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
        more: 0,
        nobody: false,
        answer: None,
    };
    if who.starts_with("ntf_") {
        return Ok(frame::to(&visitor.url(&format!("notifications/{who}"))));
    }
    let mut conn = site.db.read().await?;
    match seek(&mut conn, &visitor.workspace.id, who).await? {
        Meant::Onboarding(found) => return Ok(frame::to(&about(&visitor, &found.id, on))),
        Meant::Person(found) => {
            view.answer = Some(answer(&site, &mut conn, &visitor, &found, on).await?);
        }
        Meant::Several(several) => {
            let day = on.to_string();
            view.people = several
                .people
                .iter()
                .map(|one| {
                    let asks = query([("who", one.id.as_str()), ("on", day.as_str())]);
                    Link::new(&one.name, visitor.url("explain") + &asks)
                })
                .collect();
            view.journeys = several
                .journeys
                .iter()
                .map(|one| {
                    let name = format!("{} #{}", one.customer_name, one.display_id);
                    Link::new(&name, about(&visitor, &one.id, on))
                })
                .collect();
            view.more = several.more;
        }
        Meant::Nothing if who.starts_with("onb_") || Sought::read(Some(who)).number().is_some() => {
            return Err(PageError::NotFound("onboarding"));
        }
        Meant::Nothing if who.starts_with("user_") => return Err(PageError::NotFound("user")),
        Meant::Nothing => view.nobody = !who.is_empty(),
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
    let found = silence::of_person(conn, user, on, site.channels, visitor.now).await?;
    let messages = ledger::rows(conn, visitor, &found.messages).await?;
    let verdicts = found
        .verdicts
        .into_iter()
        .map(|one| {
            let name = format!("{} #{}", one.customer_name, one.display_id);
            let journey = Link::new(&name, about(visitor, &one.onboarding_id, on));
            Verdict { journey, sends: one.sends, why: one.why }
        })
        .collect();
    let date = on.to_string();
    let all = query([("person", user.id.as_str()), ("on", date.as_str())]);
    Ok(Answer {
        person: Link::to_user(visitor, &user.id, &user.name),
        day: english::day(on, local_date(visitor.zone(), visitor.now)),
        sentence: found.sentence,
        messages,
        all_url: visitor.url("notifications") + &all,
        verdicts,
        more: found.more,
    })
}
