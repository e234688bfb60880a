//! What runs by the clock: when it ran and will run, run it now, stop it; and what the next passes would send.

use std::collections::BTreeMap;

use axum::Router;
use axum::extract::{Path, RawQuery, State};
use axum::response::Response;
use axum::routing::{get, post};
use serde::Serialize;

use super::acting::Acting;
use super::calendar::{self, Item};
use super::error::PageError;
use super::form::Form;
use super::lists::{self, Choice};
use super::site::Site;
use super::visitor::Visitor;
use super::words::{self, When};
use crate::domain::values::{NotificationState, OperatorRole, Schedule};
use crate::operate::ActionError;
use crate::operate::forecast::ForecastError;
use crate::operate::schedules::{self, Standing};
use crate::render::english;

/// Messages of a dry run that the page lists; of the rest it says how many there are.
const SHOWN: usize = 100;

/// How far a dry run may look ahead, in hours.
const HOURS: [i64; 4] = [1, 6, 24, 72];

pub(super) fn router() -> Router<Site> {
    Router::new()
        .route("/admin/w/{workspace}/schedules", get(show))
        .route("/admin/w/{workspace}/schedules/{name}/{action}", post(act))
}

#[derive(Serialize)]
struct Page {
    url: String,
    rows: Vec<Row>,
    hours: Vec<Choice>,
    dry_run: Option<DryRun>,
}

#[derive(Serialize)]
struct Row {
    name: String,
    words: &'static str,
    cron: String,
    last: Option<When>,
    result: Option<String>,
    next: When,
    paused: Option<Paused>,
    requested: Option<(String, When)>,
}

#[derive(Serialize)]
struct Paused {
    by: String,
    reason: String,
    since: Option<When>,
}

/// What the passes of the next hours would do.
#[derive(Serialize)]
struct DryRun {
    hours: i64,
    /// What is sent, and what is skipped, each with how many.
    counts: Vec<(String, usize)>,
    items: Vec<Item>,
    more: usize,
    zone: String,
}

/// What a schedule does.
const fn in_words(schedule: Schedule) -> &'static str {
    match schedule {
        Schedule::Scan => "The pass: whose slot has come, which step is reached",
        Schedule::PruneMessages => {
            "Throws away messages as they were rendered, once they are too old"
        }
        Schedule::PruneNotifications => {
            "Throws away notifications and their tries, once they are too old"
        }
        Schedule::PruneJobs => "Throws away finished jobs, and workers that are gone",
        Schedule::PruneAnswers => "Throws away answers kept for repeated requests",
    }
}

impl Row {
    fn new(visitor: &Visitor, row: &Standing) -> Self {
        let paused = row.paused_by.as_ref().map(|by| Paused {
            by: by.clone(),
            reason: row.paused_reason.clone().unwrap_or_default(),
            since: row.paused_since.map(|at| visitor.when(at)),
        });
        let requested = row.requested_by.clone().zip(row.requested_at);
        Self {
            words: row.name.parse().map_or("", in_words),
            name: row.name.clone(),
            cron: row.cron.clone(),
            last: row.last_run_at.map(|at| visitor.when(at)),
            result: row.last_result.clone(),
            next: visitor.when(row.next_run_at),
            paused,
            requested: requested.map(|(by, at)| (by, visitor.when(at))),
        }
    }
}

/// `GET /admin/w/{workspace}/schedules`
async fn show(
    State(site): State<Site>,
    RawQuery(asked): RawQuery,
    visitor: Visitor,
) -> Result<Response, PageError> {
    let form = Form::read(asked.unwrap_or_default().as_bytes());
    let hours = lists::choice::<i64>(form.one("hours")).filter(|hours| HOURS.contains(hours));
    let mut conn = site.db.read().await?;
    let rows = schedules::list(&mut conn).await?;
    drop(conn);
    let dry_run = match hours {
        Some(hours) => Some(dry_run(&site, &visitor, hours).await?),
        None => None,
    };
    let choice = |hours: &i64| {
        let chosen = form.one("hours").map_or(*hours == 24, |asked| asked == hours.to_string());
        Choice::new(&hours.to_string(), &english::count(*hours, "hour"), chosen)
    };
    let view = Page {
        url: visitor.url("schedules"),
        rows: rows.iter().map(|row| Row::new(&visitor, row)).collect(),
        hours: HOURS.iter().map(choice).collect(),
        dry_run,
    };
    visitor.page(&site, "schedules", "schedules", "Schedules", &view)
}

async fn dry_run(site: &Site, visitor: &Visitor, hours: i64) -> Result<DryRun, PageError> {
    let workspace = &visitor.workspace.id;
    let found = schedules::dry_run(&site.db, workspace, hours, site.channels, visitor.now).await;
    let items = match found {
        Ok(items) => items,
        Err(ForecastError::NoOnboarding) => Vec::new(),
        Err(ForecastError::Database(error)) => return Err(error.into()),
    };
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for item in &items {
        let plan = &item.plan;
        let what = match (plan.state, plan.reason) {
            (NotificationState::Skipped, Some(reason)) => {
                format!("skipped: {}", words::reason(reason))
            }
            (NotificationState::Skipped, None) => "skipped".to_owned(),
            _ => format!("{} by {}", words::kind(plan.kind), plan.channel.in_words()),
        };
        *counts.entry(what).or_default() += 1;
    }
    let mut sent = items;
    sent.retain(|item| item.plan.state != NotificationState::Skipped);
    let more = sent.len().saturating_sub(SHOWN);
    sent.truncate(SHOWN);
    Ok(DryRun {
        hours,
        counts: counts.into_iter().collect(),
        items: calendar::named(site, visitor, &sent).await?,
        more,
        zone: visitor.workspace.time_zone.clone(),
    })
}

/// `POST /admin/w/{workspace}/schedules/{name}/{action}`
async fn act(
    State(_): State<Site>,
    Path((_, name, action)): Path<(String, String, String)>,
    acting: Acting,
) -> Result<Response, PageError> {
    acting.require(OperatorRole::Operator)?;
    let because = acting.because()?;
    let back = acting.visitor.url("schedules");
    let Some(mut tx) = acting.begin().await? else { return Ok(acting.twice(&back)) };
    let now = acting.visitor.now;
    let done: Result<String, ActionError> = match action.as_str() {
        "run" => schedules::run(&mut tx, because, &name, now).await.map(|_| {
            format!("{name} runs within two seconds, if a process with that role is alive.")
        }),
        "pause" => schedules::pause(&mut tx, because, &name, now)
            .await
            .map(|_| format!("{name} is paused; what runs already comes to its end.")),
        "resume" => schedules::resume(&mut tx, because, &name, now)
            .await
            .map(|_| format!("{name} goes on.")),
        _ => return Err(PageError::NotFound("action")),
    };
    acting.answer(tx, done, &back).await
}
