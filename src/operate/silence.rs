//! "Why did they get nothing this morning?": what went to somebody on a day, and for each onboarding of theirs whether a line about it was
//! due, and if not why. Console, command line and API answer with this.

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};

use super::explain;
use super::notifications::{self, Cursor, Filter, Notification};
use crate::db::{Conn, DbError};
use crate::domain::calendar::{add_days, instant, local_date};
use crate::domain::facts::Channels;
use crate::domain::ids::Ref;
use crate::domain::slots::Slots;
use crate::domain::values::{NotificationState, Reason};
use crate::render::english;
use crate::store::onboardings::{self, Onboarding};
use crate::store::rosters::{self, Journey, Journeys};
use crate::store::users::User;
use crate::store::{facts, titles};

/// Onboardings of a person whose gates are tried.
const TRIED: i64 = 25;

/// Messages of the day that are shown.
const SHOWN: i64 = 50;

/// Messages of the day that are counted.
const MOST_COUNTED: i64 = 10_000;

/// What somebody got on a day, and of what they did not hear.
#[derive(Debug)]
pub struct Silence {
    /// The day.
    pub on: NaiveDate,
    /// The answer in a sentence.
    pub sentence: String,
    /// What was written on that day, newest first.
    pub messages: Vec<Notification>,
    /// Their onboardings.
    pub verdicts: Vec<Verdict>,
    /// There are more than were tried.
    pub more: bool,
}

/// One onboarding: whether a line about it was due.
#[derive(Debug)]
pub struct Verdict {
    /// Its id.
    pub onboarding_id: String,
    /// Its number.
    pub display_id: i64,
    /// Whose it is.
    pub customer_name: String,
    /// Whether a line about it was due and nothing holds it.
    pub sends: bool,
    /// The first shut gate.
    pub why: String,
}

/// Of one person, on a date of the workspace's calendar.
pub async fn of_person(
    conn: &mut Conn,
    user: &User,
    on: NaiveDate,
    channels: Channels,
    now: DateTime<Utc>,
) -> Result<Silence, DbError> {
    let workspace = &user.workspace_id;
    let who = Filter { recipient_id: Some(&user.id), ..Filter::default() };
    let Day { zone, messages, sent } = of_day(conn, workspace, who, on).await?;
    let at = slot(conn, user, on).await?.unwrap_or(now);
    let which = Journeys { user_id: Some(&user.id), ..Journeys::default() };
    let page = rosters::Page { before: i64::MAX, limit: TRIED + 1 };
    let mut journeys = rosters::journeys(conn, workspace, &which, page).await?;
    let most = usize::try_from(TRIED).unwrap_or_default();
    let more = journeys.len() > most;
    journeys.truncate(most);
    let mut verdicts = Vec::new();
    for Journey { id, display_id, customer_name, .. } in journeys {
        let row = onboardings::find(conn, workspace, &Ref::Id(id)).await?;
        let Some(row) = row else { continue };
        let (sends, why) = verdict(conn, &row, Some(&user.id), at, channels).await?;
        verdicts.push(Verdict { onboarding_id: row.id, display_id, customer_name, sends, why });
    }
    let day = english::day(on, local_date(zone, now));
    let name = english::name(&user.name);
    let sentence = if messages.is_empty() && !user.active {
        format!("{name} is deactivated, so nothing is sent to them.")
    } else {
        sentence(&messages, sent, "for", "to", &name, &day)
    };
    Ok(Silence { on, sentence, messages, verdicts, more })
}

/// Of one onboarding, as whoever hears of it sees it at an instant.
pub async fn of_onboarding(
    conn: &mut Conn,
    onboarding: &Onboarding,
    at: DateTime<Utc>,
    channels: Channels,
    now: DateTime<Utc>,
) -> Result<Silence, DbError> {
    let workspace = &onboarding.workspace_id;
    let on = local_date(zone(conn, workspace).await?, at);
    let which = Filter { onboarding_id: Some(&onboarding.id), ..Filter::default() };
    let Day { zone, messages, sent } = of_day(conn, workspace, which, on).await?;
    let (sends, why) = verdict(conn, onboarding, None, at, channels).await?;
    let titles = titles::of(conn, std::slice::from_ref(&onboarding.id)).await?;
    let customer_name =
        titles.get(&onboarding.id).map(|title| title.customer.clone()).unwrap_or_default();
    let day = english::day(on, local_date(zone, now));
    let name = format!("{} #{}", english::name(&customer_name), onboarding.display_id);
    let sentence = sentence(&messages, sent, "about", "about", &name, &day);
    let (onboarding_id, display_id) = (onboarding.id.clone(), onboarding.display_id);
    let verdicts = vec![Verdict { onboarding_id, display_id, customer_name, sends, why }];
    Ok(Silence { on, sentence, messages, verdicts, more: false })
}

fn sentence(
    messages: &[Notification],
    sent: i64,
    written: &str,
    went: &str,
    name: &str,
    day: &str,
) -> String {
    match (messages.len(), sent) {
        (0, _) => format!("Nothing was written {written} {name} on {day}."),
        (_, 0) => format!("Nothing was sent {went} {name} on {day}: see the reason."),
        (_, sent) => {
            let count = english::count(sent, "message");
            format!("{count} went {went} {name} on {day}.")
        }
    }
}

async fn zone(conn: &mut Conn, workspace_id: &str) -> Result<chrono_tz::Tz, DbError> {
    let found = facts::workspaces(conn, std::slice::from_ref(&workspace_id.to_owned())).await?;
    Ok(found.get(workspace_id).map_or(chrono_tz::UTC, |workspace| workspace.zone))
}

/// What was written on a day of the workspace's calendar.
struct Day {
    zone: chrono_tz::Tz,
    /// The newest of it.
    messages: Vec<Notification>,
    /// How many were sent, of all.
    sent: i64,
}

async fn of_day(
    conn: &mut Conn,
    workspace_id: &str,
    which: Filter<'_>,
    on: NaiveDate,
) -> Result<Day, DbError> {
    let zone = zone(conn, workspace_id).await?;
    let midnight = |date| instant(zone, date, NaiveTime::MIN);
    let (since, until) = (Some(midnight(on)), Some(midnight(add_days(on, 1))));
    let filter = Filter { since, until, ..which };
    let messages =
        notifications::list(conn, workspace_id, &filter, &Cursor::start(), SHOWN).await?;
    // More may have been written than are shown.
    let sent = Filter { state: Some(NotificationState::Sent), ..filter };
    let sent = notifications::count_up_to(conn, workspace_id, &sent, MOST_COUNTED).await?;
    Ok(Day { zone, messages, sent })
}

/// Whether a line was due, and the first gate that is shut.
async fn verdict(
    conn: &mut Conn,
    row: &Onboarding,
    recipient: Option<&str>,
    at: DateTime<Utc>,
    channels: Channels,
) -> Result<(bool, String), DbError> {
    let told = explain::explain(conn, row, recipient, at, channels).await?;
    let shut = told.gates.iter().find(|gate| !gate.passed);
    let why = match (told.sends, shut) {
        (true, _) => "Every gate is open: it is due.".to_owned(),
        (false, Some(gate)) if told.waits => format!("It is due. {}", gate.seen),
        (false, Some(gate)) => gate.seen.to_string(),
        (false, None) => {
            let reason = told.reason.map_or("not due", Reason::as_str);
            format!("It is held back: {}.", reason.replace('_', " "))
        }
    };
    Ok((told.sends, why))
}

/// The instant of the person's slot on a day.
async fn slot(
    conn: &mut Conn,
    user: &User,
    on: NaiveDate,
) -> Result<Option<DateTime<Utc>>, DbError> {
    let workspaces = facts::workspaces(conn, std::slice::from_ref(&user.workspace_id)).await?;
    let people = facts::people(conn, std::slice::from_ref(&user.id)).await?;
    let workspace = workspaces.get(&user.workspace_id);
    let person = people.get(&user.id).map(|member| &member.person);
    Ok(workspace.zip(person).map(|(workspace, person)| Slots::of(workspace, person).at(on)))
}
