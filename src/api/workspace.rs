//! `/workspace`: the settings of the caller's workspace, and its holidays.

use std::collections::BTreeSet;

use axum::extract::State;
use axum::response::Response;
use chrono::{DateTime, Datelike, NaiveDate, Utc};
use http::StatusCode;
use icalendar::{Calendar, Component, Event};
use schemars::JsonSchema;
use serde::Serialize;

use super::auth::Admin;
use super::body::{Body, JsonBytes};
use super::error::ApiError;
use super::post::{Begun, CalendarPost};
use super::request::{Nullable, Optional, request};
use super::values::{
    Boolean, Date, Days, Email, Integer, Line, ListOf, Name, Reference, Time, TimeZone, Word,
};
use super::wire::{self, Instant};
use super::{Api, users};
use crate::db::Conn;
use crate::domain::calendar::{Weekdays, next_day};
use crate::domain::values::Locale;
use crate::store::audit::Author;
use crate::store::facts::parse_steps;
use crate::store::users as user_rows;
use crate::store::workspaces::{self, Workspace};

/// Holidays of a workspace; some hundred years of them.
const MAX_HOLIDAYS: usize = 4000;

/// Days that one event of a calendar may last.
const LONGEST_EVENT: usize = 366;

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Workspace")]
pub(super) struct View<'a> {
    #[schemars(extend("enum" = ["workspace"]))]
    object: &'static str,
    id: &'a str,
    slug: &'a str,
    name: &'a str,
    time_zone: &'a str,
    #[schemars(with = "Days")]
    working_days: Vec<&'a str>,
    holidays: &'a BTreeSet<NaiveDate>,
    #[schemars(with = "Time")]
    digest_time: &'a str,
    /// Business days, ascending.
    #[schemars(with = "ListOf<Integer<1, 365>, 0, { usize::MAX }>")]
    waiting_steps: Vec<u32>,
    owner_user_id: Option<&'a str>,
    escalation_user_id: Option<&'a str>,
    customer_reminders: bool,
    mail_from: Option<&'a str>,
    /// Sender's name of mails to staff; null: made from the workspace's.
    mail_name: Option<&'a str>,
    /// Where answers of staff go; null: to the sender.
    reply_to: Option<&'a str>,
    /// Postal address under mails; null: the installation's.
    footer_address: Option<&'a str>,
    /// Whether customers are named where a lock screen shows it.
    names_in_subjects: bool,
    created_at: Instant,
    updated_at: Instant,
    /// Language of its messages and of the pages behind their links.
    #[schemars(with = "Locale")]
    locale: &'a str,
}

request! {
    WorkspaceUpdate {
        name: Optional<Name>,
        /// IANA name, such as Europe/Copenhagen.
        time_zone: Optional<TimeZone>,
        working_days: Optional<Days>,
        holidays: Optional<ListOf<Date, 0, MAX_HOLIDAYS>>,
        digest_time: Optional<Time>,
        /// Business days; kept in ascending order, each once.
        waiting_steps: Optional<ListOf<Integer<1, 365>, 0, 20>>,
        /// Null: the first active user.
        owner_user_id: Nullable<Reference>,
        escalation_user_id: Nullable<Reference>,
        customer_reminders: Optional<Boolean>,
        mail_from: Nullable<Email>,
        mail_name: Nullable<Line>,
        reply_to: Nullable<Email>,
        footer_address: Nullable<Line>,
        names_in_subjects: Optional<Boolean>,
        locale: Optional<Word<Locale>>,
    }
}

pub(super) fn view<'a>(workspace: &'a Workspace, holidays: &'a BTreeSet<NaiveDate>) -> View<'a> {
    View {
        object: "workspace",
        id: &workspace.id,
        slug: &workspace.slug,
        name: &workspace.name,
        time_zone: &workspace.time_zone,
        working_days: workspace.working_days.split(',').collect(),
        holidays,
        digest_time: &workspace.digest_time,
        waiting_steps: parse_steps(&workspace.waiting_steps),
        owner_user_id: workspace.owner_user_id.as_deref(),
        escalation_user_id: workspace.escalation_user_id.as_deref(),
        customer_reminders: workspace.customer_reminders,
        mail_from: workspace.mail_from.as_deref(),
        mail_name: workspace.mail_name.as_deref(),
        reply_to: workspace.reply_to.as_deref(),
        footer_address: workspace.footer_address.as_deref(),
        names_in_subjects: workspace.names_in_subjects,
        created_at: Instant(workspace.created_at),
        updated_at: Instant(workspace.updated_at),
        locale: &workspace.locale,
    }
}

/// A key opens a workspace that exists, so its absence is our fault.
fn must_exist(found: Option<Workspace>) -> Result<Workspace, ApiError> {
    found.ok_or_else(ApiError::internal)
}

/// `GET /api/v1/workspace`
pub(super) async fn get(
    State(api): State<Api>,
    Admin(caller): Admin,
) -> Result<Response, ApiError> {
    let mut conn = api.db.read().await?;
    let workspace = must_exist(workspaces::get(&mut conn, caller.workspace_id()).await?)?;
    let holidays = workspaces::holidays(&mut conn, &workspace.id).await?;
    Ok(wire::json(StatusCode::OK, &view(&workspace, &holidays)))
}

/// `PATCH /api/v1/workspace`
pub(super) async fn update(
    State(api): State<Api>,
    Admin(caller): Admin,
    JsonBytes(bytes): JsonBytes,
) -> Result<Response, ApiError> {
    caller.must_be_live()?;
    let body: WorkspaceUpdate = Body::read(&bytes)?;
    let mut tx = api.db.begin().await?;
    let before = must_exist(workspaces::lock(&mut tx, caller.workspace_id()).await?)?;
    let workspace = change(&mut tx, &caller.author(), before, &body, caller.now).await?;
    let holidays = workspaces::holidays(&mut tx, &workspace.id).await?;
    tx.commit().await?;
    Ok(wire::json(StatusCode::OK, &view(&workspace, &holidays)))
}

/// Changes the settings of a workspace that the caller has locked.
pub(super) async fn change(
    conn: &mut Conn,
    author: &Author,
    before: Workspace,
    body: &WorkspaceUpdate,
    now: DateTime<Utc>,
) -> Result<Workspace, ApiError> {
    let patch = read_patch(conn, &before.id, body).await?;
    if let Some(dates) = &patch.holidays {
        workspaces::set_holidays(conn, author, &before.id, dates, now).await?;
    }
    // Holidays have moved `updated_at` already.
    let before = must_exist(workspaces::get(conn, &before.id).await?)?;
    let after = patch.apply(&before);
    Ok(workspaces::update(conn, author, before, after, now).await?)
}

/// `POST /api/v1/workspace/holidays`: adds the days of a calendar file.
pub(super) async fn add_holidays(
    State(api): State<Api>,
    Admin(caller): Admin,
    CalendarPost(post): CalendarPost,
) -> Result<Response, ApiError> {
    caller.must_be_live()?;
    let mut once = match post.begin(&api, &caller).await? {
        Begun::First(once) => once,
        Begun::Replay(answer) => return Ok(answer),
    };
    let new = days_of(&once.bytes)?;
    let tx = &mut once.tx;
    let workspace = must_exist(workspaces::lock(tx, caller.workspace_id()).await?)?;
    let mut holidays = workspaces::holidays(tx, &workspace.id).await?;
    holidays.extend(new);
    if holidays.len() > MAX_HOLIDAYS {
        return Err(too_many());
    }
    workspaces::set_holidays(tx, &caller.author(), &workspace.id, &holidays, caller.now).await?;
    let workspace = must_exist(workspaces::get(tx, &workspace.id).await?)?;
    once.finish(&caller, StatusCode::OK, &view(&workspace, &holidays)).await
}

fn too_many() -> ApiError {
    let message = format!("A workspace has at most {MAX_HOLIDAYS} holidays.");
    ApiError::invalid_field("holidays", "too_big", message)
}

/// The days that the events of a calendar cover. An event that lasts no day covers the one on which it starts.
fn days_of(file: &[u8]) -> Result<BTreeSet<NaiveDate>, ApiError> {
    let unreadable =
        |what: &str| ApiError::invalid("invalid_string", format!("Not a calendar: {what}."));
    let text = std::str::from_utf8(file).map_err(|_| unreadable("it is not UTF-8"))?;
    if !text.trim_start().to_ascii_uppercase().starts_with("BEGIN:VCALENDAR") {
        return Err(unreadable("it does not begin with BEGIN:VCALENDAR"));
    }
    let calendar: Calendar =
        text.parse().map_err(|_| unreadable("it cannot be read to its end"))?;
    let mut days = BTreeSet::new();
    for event in calendar.events() {
        if event.property_value("RRULE").is_some() {
            let message = "Events that recur are not understood; export every date of them.";
            return Err(ApiError::invalid("custom", message));
        }
        let first =
            date_of(event, "DTSTART")?.ok_or_else(|| unreadable("an event has no DTSTART"))?;
        if event.property_value("DURATION").is_some() {
            let message = "DURATION is not understood; give the day after the last one as DTEND.";
            return Err(ApiError::invalid_field("DURATION", "custom", message));
        }
        // The end is exclusive.
        let end = date_of(event, "DTEND")?.unwrap_or_else(|| next_day(first));
        let mut day = first;
        for _ in 0..LONGEST_EVENT {
            if !(1..=9999).contains(&day.year()) {
                return Err(unreadable("a date is out of range"));
            }
            days.insert(day);
            day = next_day(day);
            if day >= end {
                break;
            }
        }
        if day < end {
            return Err(unreadable("an event lasts more than a year"));
        }
        if days.len() > MAX_HOLIDAYS {
            return Err(too_many());
        }
    }
    Ok(days)
}

/// A date of an event. A time would say that part of a day is free, which no holiday is.
fn date_of(event: &Event, property: &'static str) -> Result<Option<NaiveDate>, ApiError> {
    let Some(text) = event.property_value(property) else { return Ok(None) };
    if text.contains('T') {
        let message = format!("{text} is a time; only events of whole days are holidays.");
        return Err(ApiError::invalid_field(property, "custom", message));
    }
    let date = NaiveDate::parse_from_str(text, "%Y%m%d").ok();
    date.filter(|date| date.format("%Y%m%d").to_string() == text).map(Some).ok_or_else(|| {
        let message = format!("{text} is not a date; write 20261225.");
        ApiError::invalid_field(property, "invalid_string", message)
    })
}

#[expect(clippy::option_option, reason = "absent, null and a value are three things here")]
struct Patch {
    name: Option<String>,
    time_zone: Option<String>,
    working_days: Option<Weekdays>,
    holidays: Option<BTreeSet<NaiveDate>>,
    digest_time: Option<String>,
    waiting_steps: Option<BTreeSet<i64>>,
    owner_user_id: Option<Option<String>>,
    escalation_user_id: Option<Option<String>>,
    customer_reminders: Option<bool>,
    mail_from: Option<Option<String>>,
    mail_name: Option<Option<String>>,
    reply_to: Option<Option<String>>,
    footer_address: Option<Option<String>>,
    names_in_subjects: Option<bool>,
    locale: Option<Locale>,
}

async fn read_patch(
    conn: &mut Conn,
    workspace_id: &str,
    body: &WorkspaceUpdate,
) -> Result<Patch, ApiError> {
    Ok(Patch {
        name: body.name()?,
        time_zone: body.time_zone()?,
        working_days: body.working_days()?,
        holidays: body.holidays()?.map(|dates| dates.into_iter().collect()),
        digest_time: body.digest_time()?,
        waiting_steps: body.waiting_steps()?.map(|steps| steps.into_iter().collect()),
        owner_user_id: match users::resolved_in(
            conn,
            workspace_id,
            "owner_user_id",
            body.owner_user_id()?,
        )
        .await?
        {
            // A workspace has an owner: its first user unless set.
            Some(None) => {
                Some(user_rows::first_active(conn, workspace_id).await?.map(|user| user.id))
            }
            set => set,
        },
        escalation_user_id: users::resolved_in(
            conn,
            workspace_id,
            "escalation_user_id",
            body.escalation_user_id()?,
        )
        .await?,
        customer_reminders: body.customer_reminders()?,
        mail_from: body.mail_from()?,
        mail_name: body.mail_name()?,
        reply_to: body.reply_to()?,
        footer_address: body.footer_address()?,
        names_in_subjects: body.names_in_subjects()?,
        locale: body.locale()?,
    })
}

impl Patch {
    fn apply(self, before: &Workspace) -> Workspace {
        let mut after = before.clone();
        if let Some(name) = self.name {
            after.name = name;
        }
        if let Some(zone) = self.time_zone {
            after.time_zone = zone;
        }
        if let Some(days) = self.working_days {
            after.working_days = days.to_string();
        }
        if let Some(time) = self.digest_time {
            after.digest_time = time;
        }
        if let Some(steps) = self.waiting_steps {
            let steps: Vec<String> = steps.iter().map(ToString::to_string).collect();
            after.waiting_steps = steps.join(",");
        }
        if let Some(owner) = self.owner_user_id {
            after.owner_user_id = owner;
        }
        if let Some(escalation) = self.escalation_user_id {
            after.escalation_user_id = escalation;
        }
        if let Some(customer_reminders) = self.customer_reminders {
            after.customer_reminders = customer_reminders;
        }
        if let Some(from) = self.mail_from {
            after.mail_from = from;
        }
        after.mail_name = self.mail_name.unwrap_or(after.mail_name);
        after.reply_to = self.reply_to.unwrap_or(after.reply_to);
        after.footer_address = self.footer_address.unwrap_or(after.footer_address);
        after.names_in_subjects = self.names_in_subjects.unwrap_or(after.names_in_subjects);
        if let Some(locale) = self.locale {
            locale.as_str().clone_into(&mut after.locale);
        }
        after
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn calendar(events: &str) -> String {
        format!("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\n{events}END:VCALENDAR\r\n")
    }

    fn event(lines: &str) -> String {
        calendar(&format!(
            "BEGIN:VEVENT\r\nUID:1\r\nDTSTAMP:20260101T000000Z\r\n{lines}END:VEVENT\r\n"
        ))
    }

    fn days(file: &str) -> Vec<String> {
        days_of(file.as_bytes()).unwrap().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_end_of_an_event_is_not_part_of_it() {
        let christmas = event("DTSTART;VALUE=DATE:20261225\r\nDTEND;VALUE=DATE:20261227\r\n");
        assert_eq!(days(&christmas), ["2026-12-25", "2026-12-26"]);
        assert_eq!(days(&event("DTSTART;VALUE=DATE:20270101\r\n")), ["2027-01-01"]);
        assert!(days(&calendar("")).is_empty());
    }

    #[test]
    fn what_cannot_be_read_is_refused() {
        let weekly = event("DTSTART;VALUE=DATE:20261225\r\nRRULE:FREQ=YEARLY\r\n");
        let ages = event("DTSTART;VALUE=DATE:20000101\r\nDTEND;VALUE=DATE:20300101\r\n");
        for file in ["", "hello", "BEGIN:VCALENDAR\r\nBEGIN:VEVENT", &weekly, &ages] {
            assert!(days_of(file.as_bytes()).is_err(), "{file}");
        }
        for lines in [
            "DTSTART;VALUE=DATE:20261299\r\n",
            "DTSTART;VALUE=DATE:2026125\r\n",
            "DTSTART;VALUE=DATE:20261225\r\nDTEND;VALUE=DATE:soon\r\n",
            "DTSTART;VALUE=DATE:20261225\r\nDURATION:P2D\r\n",
            "DTSTART;TZID=Europe/Berlin:20270101T090000\r\nDTEND;TZID=Europe/Berlin:20270101T100000\r\n",
        ] {
            assert!(days_of(event(lines).as_bytes()).is_err(), "{lines}");
        }
    }
}
