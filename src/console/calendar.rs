//! What will go to whom and when in the next four weeks, if nothing changes: the forecast, day by day, in the workspace's zone.

use std::collections::BTreeMap;

use chrono::{DateTime, Datelike, NaiveDate, Utc};
use serde::Serialize;

use super::error::PageError;
use super::site::Site;
use super::visitor::Visitor;
use super::words;
use crate::domain::calendar::{add_days, local_date};
use crate::domain::forecast::Forecasted;
use crate::domain::values::{Mode, NotificationState, RecipientType};
use crate::operate::forecast::{self, ForecastError, Question};
use crate::render::english;
use crate::store::worlds::About;
use crate::store::{rosters, titles};

/// How many days it shows.
const DAYS: i64 = 28;

/// Messages that a day shows; of the rest it says how many there are.
const PER_DAY: usize = 6;

/// The days, with what goes out on them.
#[derive(Serialize)]
pub(super) struct Calendar {
    days: Vec<Day>,
    /// All messages of all days.
    count: usize,
    zone: String,
    /// The last day shown.
    until: String,
}

#[derive(Serialize)]
struct Day {
    date: NaiveDate,
    words: String,
    /// Day of the week, from 1: the column in which it stands.
    column: u32,
    today: bool,
    items: Vec<Item>,
    more: usize,
}

/// A message to come.
#[derive(Serialize)]
pub(super) struct Item {
    at: String,
    day: String,
    time: String,
    what: &'static str,
    channel: &'static str,
    to: String,
    to_url: Option<String>,
    about: String,
    about_url: Option<String>,
    test: bool,
}

/// The calendar of what a question is about.
pub(super) async fn of(
    site: &Site,
    visitor: &Visitor,
    about: About<'_>,
) -> Result<Calendar, PageError> {
    let question = Question {
        workspace_id: &visitor.workspace.id,
        about,
        days: DAYS,
        as_if: None,
        channels: site.channels,
    };
    let mut items = match forecast::forecast(&site.db, question, visitor.now, |_, _| ()).await {
        Ok(items) => items,
        Err(ForecastError::NoOnboarding) => Vec::new(),
        Err(ForecastError::Database(error)) => return Err(error.into()),
    };
    items.retain(|item| item.plan.state != NotificationState::Skipped);
    let today = local_date(visitor.zone(), visitor.now);
    let mut by_day: BTreeMap<NaiveDate, Vec<Forecasted>> =
        (0..DAYS).map(|n| (add_days(today, n), Vec::new())).collect();
    let count = items.len();
    for item in items {
        by_day.entry(local_date(visitor.zone(), item.at)).or_default().push(item);
    }
    let until = by_day.keys().next_back().copied().unwrap_or(today);
    let mut days = Vec::new();
    for (date, items) in by_day {
        let more = items.len().saturating_sub(PER_DAY);
        days.push(Day {
            date,
            words: english::day(date, today),
            column: date.weekday().number_from_monday(),
            today: date == today,
            items: named(site, visitor, &items[..items.len() - more]).await?,
            more,
        });
    }
    Ok(Calendar {
        days,
        count,
        zone: visitor.workspace.time_zone.clone(),
        until: english::day(until, today),
    })
}

/// Items with the names of those they concern.
pub(super) async fn named(
    site: &Site,
    visitor: &Visitor,
    items: &[Forecasted],
) -> Result<Vec<Item>, PageError> {
    if items.is_empty() {
        return Ok(Vec::new());
    }
    let today = local_date(visitor.zone(), visitor.now);
    let mut conn = site.db.read().await?;
    let people: Vec<String> = items.iter().map(|item| item.plan.recipient_id.clone()).collect();
    let names = rosters::names(&mut conn, &people).await?;
    let onboardings: Vec<String> = items
        .iter()
        .filter(|item| item.plan.onboarding_ids.len() == 1)
        .flat_map(|item| item.plan.onboarding_ids.clone())
        .collect();
    let titles = titles::of(&mut conn, &onboardings).await?;
    Ok(items
        .iter()
        .map(|item| {
            let plan = &item.plan;
            let one = match plan.onboarding_ids.as_slice() {
                [only] => titles.get(only),
                _ => None,
            };
            let name = names.get(&plan.recipient_id).map_or("somebody", String::as_str);
            Item {
                at: iso(item.at),
                day: english::day(local_date(visitor.zone(), item.at), today),
                time: item.at.with_timezone(&visitor.zone()).format("%H:%M").to_string(),
                what: words::kind(plan.kind),
                channel: plan.channel.in_words(),
                to: english::name(name),
                to_url: (plan.recipient_type == RecipientType::User)
                    .then(|| visitor.url(&format!("people/{}", plan.recipient_id))),
                about: one.map_or_else(
                    || count(plan.onboarding_ids.len()),
                    |title| format!("{} #{}", english::name(&title.customer), title.display_id),
                ),
                about_url: one.map(|title| visitor.url(&format!("onboardings/{}", title.id))),
                test: plan.mode == Mode::Test,
            }
        })
        .collect())
}

fn count(onboardings: usize) -> String {
    english::count(i64::try_from(onboardings).unwrap_or(i64::MAX), "onboarding")
}

fn iso(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
}
