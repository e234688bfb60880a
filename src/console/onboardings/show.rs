//! One onboarding: how it stands, what was said about it and what will be, and why.

use axum::extract::{Path, RawQuery, State};
use axum::response::Response;
use chrono::{DateTime, NaiveDate, NaiveDateTime, Utc};
use serde::Serialize;

use super::{Look, look};
use crate::console::audit_log;
use crate::console::calendar::{self, Calendar};
use crate::console::error::PageError;
use crate::console::form::{Form, query};
use crate::console::lists::{Choice, Link, choices, user_id};
use crate::console::notifications as ledger;
use crate::console::site::Site;
use crate::console::visitor::Visitor;
use crate::console::words::{self, When};
use crate::db::Conn;
use crate::domain::calendar::{add_days, instant, local_date};
use crate::domain::digest;
use crate::domain::findings::ended;
use crate::domain::ids::Ref;
use crate::operate::acts::{self, LONGEST_SNOOZE_DAYS, Subject};
use crate::operate::explain::{self, Explanation};
use crate::operate::notifications::{self, Cursor, Filter};
use crate::render::english;
use crate::store::rosters;
use crate::store::worlds::About;

/// Messages of the past that the page shows.
const PAST: i64 = 10;

/// Changes that it shows.
const CHANGES: i64 = 10;

/// Most people among whom a select lets choose.
const CHOICE: i64 = 200;

#[derive(Serialize)]
struct Page {
    name: String,
    display_id: i64,
    id: String,
    url: String,
    look: Look,
    /// "15 business days (21 calendar)"
    figure: String,
    /// The reason that its line in a digest would say.
    sentence: String,
    closed: bool,
    facts: Facts,
    verdict: Verdict,
    gates: Vec<Gate>,
    asked: Asked,
    calendar: Calendar,
    past: Vec<ledger::Row>,
    past_url: String,
    changes: Vec<audit_log::Row>,
    changes_url: String,
    snoozed: Option<String>,
    tomorrow: NaiveDate,
    latest: NaiveDate,
    /// The people among whom a CSM is chosen; empty where there are too many for a select.
    people: Vec<Choice>,
}

#[derive(Serialize)]
struct Facts {
    customer: Link,
    status: String,
    csm: Option<Link>,
    hears: Option<Link>,
    phase: String,
    phase_since: When,
    days_in_phase: i64,
    target_days: i64,
    waiting_since: Option<When>,
    launch: Option<String>,
    ways: String,
    last: Option<String>,
    mode: &'static str,
}

/// Whether a line about it would be sent, and if not, why.
#[derive(Serialize)]
struct Verdict {
    sends: bool,
    sentence: String,
    stops_at: Option<usize>,
}

#[derive(Serialize)]
struct Gate {
    number: usize,
    name: String,
    passed: bool,
    detail: String,
}

/// About whom and when was asked.
#[derive(Serialize)]
struct Asked {
    who: String,
    at: String,
    /// What was wrong with the question.
    fault: Option<String>,
    day: String,
}

/// `GET /admin/w/{workspace}/onboardings/{id}`
pub(super) async fn show(
    State(site): State<Site>,
    Path((_, id)): Path<(String, String)>,
    RawQuery(asked): RawQuery,
    visitor: Visitor,
) -> Result<Response, PageError> {
    let form = Form::read(asked.unwrap_or_default().as_bytes());
    let mut conn = site.db.read().await?;
    let subject = find(&mut conn, &visitor, &id).await?;
    let today = local_date(visitor.zone(), visitor.now);
    let (who, at, fault) = question(&mut conn, &visitor, &form).await?;
    let explanation =
        explain::explain(&mut conn, &subject.row, who.as_deref(), at, site.channels).await?;
    let past = past(&mut conn, &visitor, &subject.row.id).await?;
    let changes = audit_log::about(&mut conn, &visitor, &subject.row.id, CHANGES).await?;
    let people = people(&mut conn, &visitor, subject.facts.csm_id.as_deref()).await?;
    drop(conn);
    let calendar = calendar::of(&site, &visitor, About::Onboarding(&subject.row.id)).await?;

    let o = &subject.facts;
    let line = digest::line(&subject.workspace, o, today, None, None);
    let (figure, sentence) = english::in_words(&line, today);
    let resting = o.snoozed_until.filter(|until| *until > today);
    let url = visitor.url(&format!("onboardings/{}", subject.row.id));
    let view = Page {
        name: english::name(&o.customer_name),
        display_id: o.display_id,
        id: subject.row.id.clone(),
        url,
        look: look(o.phase, o.state, o.waiting_on_customer),
        figure,
        sentence,
        closed: subject.is_closed(),
        facts: facts(&visitor, &subject, today),
        verdict: verdict(&visitor, &explanation, at),
        gates: gates(&explanation),
        asked: Asked {
            who: form.one("who").unwrap_or_default().to_owned(),
            at: at.with_timezone(&visitor.zone()).format("%Y-%m-%dT%H:%M").to_string(),
            fault,
            day: english::day(local_date(visitor.zone(), at), today),
        },
        calendar,
        past,
        past_url: visitor.url("notifications") + &query([("onboarding", subject.row.id.as_str())]),
        changes,
        changes_url: visitor.url("audit-log") + &query([("id", subject.row.id.as_str())]),
        snoozed: resting.map(|until| english::day(until, today)),
        tomorrow: add_days(today, 1),
        latest: add_days(today, LONGEST_SNOOZE_DAYS),
        people,
    };
    let title = format!("{} #{}", view.name, view.display_id);
    visitor.page(&site, "onboarding", "onboardings", &title, &view)
}

/// An onboarding of the workspace, by id or number.
async fn find(conn: &mut Conn, visitor: &Visitor, id: &str) -> Result<Subject, PageError> {
    let reference = Ref::parse(id).ok_or(PageError::NotFound("onboarding"))?;
    let found = acts::subject(conn, &visitor.workspace.id, &reference, false).await?;
    found.ok_or(PageError::NotFound("onboarding"))
}

/// About whom and when is asked: unless it is said, about whoever hears of it, now.
async fn question(
    conn: &mut Conn,
    visitor: &Visitor,
    form: &Form,
) -> Result<(Option<String>, DateTime<Utc>, Option<String>), PageError> {
    let mut fault = None;
    let who = match form.one("who") {
        None => None,
        Some(text) => {
            let found = user_id(conn, &visitor.workspace.id, text).await?;
            if found.is_none() {
                fault = Some(format!("There is no user {text}. Give a number or an id."));
            }
            found
        }
    };
    let local = form.one("at").map(|text| NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M"));
    let at = match local {
        None => visitor.now,
        Some(Ok(local)) => instant(visitor.zone(), local.date(), local.time()),
        Some(Err(_)) => {
            fault = Some("The time cannot be read. Write it as 2026-12-04T09:00.".to_owned());
            visitor.now
        }
    };
    Ok((who, at, fault))
}

fn facts(visitor: &Visitor, subject: &Subject, today: NaiveDate) -> Facts {
    let (o, workspace) = (&subject.facts, &subject.workspace);
    let user = |member: &Option<crate::store::facts::Member>| {
        let person = member.as_ref().map(|member| &member.person);
        person.map(|person| Link::to_user(visitor, &person.id, &person.name))
    };
    let often = match o.frequency_days {
        1 => "every working day".to_owned(),
        days => format!("every {days} days"),
    };
    let ways = match (o.reminder_email, o.reminder_slack) {
        (true, true) => format!("by e-mail or Slack, {often}"),
        (true, false) => format!("by e-mail, {often}"),
        (false, true) => format!("by Slack, {often}"),
        (false, false) => "switched off on both channels".to_owned(),
    };
    Facts {
        customer: Link::to_customer(visitor, &o.customer_id, &o.customer_name),
        status: o.customer_status.as_str().replace('_', " "),
        csm: user(&subject.csm),
        hears: user(&subject.recipient),
        phase: workspace.label(o.phase).to_owned(),
        phase_since: visitor.when(o.phase_entered_at),
        days_in_phase: o.days_in_phase(workspace.zone, today),
        target_days: workspace.target_days(o.phase),
        waiting_since: o.waiting_since.map(|at| visitor.when(at)),
        launch: o.launch_date.map(|date| english::day(date, today)),
        ways,
        last: o.last_reminded_on.map(|date| english::day(date, today)),
        mode: subject.row.mode.as_str(),
    }
}

fn verdict(visitor: &Visitor, explanation: &Explanation, at: DateTime<Utc>) -> Verdict {
    let day = english::day(local_date(visitor.zone(), at), local_date(visitor.zone(), visitor.now));
    let stops_at = explanation.gates.iter().position(|gate| !gate.passed);
    let sentence = match (explanation.sends, explanation.reason) {
        _ if explanation.waits => {
            format!("A line about it is in the digest of {day}, which waits.")
        }
        (true, _) => format!("A line about it is in the digest of {day}."),
        (false, Some(reason)) => {
            format!("Nothing is sent on {day}: {}", ended(words::reason(reason)))
        }
        (false, None) => {
            let gate = stops_at.and_then(|at| explanation.gates.get(at));
            let why =
                gate.map_or_else(|| "it is not due.".to_owned(), |gate| gate.seen.to_string());
            format!("Nothing is sent on {day}: {why}")
        }
    };
    let stops_at = stops_at.filter(|_| !explanation.sends).map(|at| at + 1);
    Verdict { sends: explanation.sends, sentence, stops_at }
}

fn gates(explanation: &Explanation) -> Vec<Gate> {
    let numbered = (1..).zip(&explanation.gates);
    numbered
        .map(|(number, gate)| Gate {
            number,
            name: english::capital(&gate.gate.replace('_', " ")),
            passed: gate.passed,
            detail: gate.seen.to_string(),
        })
        .collect()
}

async fn past(conn: &mut Conn, visitor: &Visitor, id: &str) -> Result<Vec<ledger::Row>, PageError> {
    let filter = Filter { onboarding_id: Some(id), ..Filter::default() };
    let workspace = &visitor.workspace.id;
    let rows = notifications::list(conn, workspace, &filter, &Cursor::start(), PAST).await?;
    Ok(ledger::rows(conn, visitor, &rows).await?)
}

async fn people(
    conn: &mut Conn,
    visitor: &Visitor,
    csm: Option<&str>,
) -> Result<Vec<Choice>, PageError> {
    let page = rosters::Page { before: i64::MAX, limit: CHOICE + 1 };
    let mut people = rosters::people(conn, &visitor.workspace.id, None, page).await?;
    if i64::try_from(people.len()).unwrap_or(i64::MAX) > CHOICE {
        return Ok(Vec::new());
    }
    people.retain(|person| person.active);
    people.sort_by(|a, b| a.name.cmp(&b.name));
    let all = people.iter().map(|person| (person.id.as_str(), english::name(&person.name)));
    Ok(choices("Nobody", all, csm))
}
