//! How the service is: what waits, what runs, what ended, what comes, and what asks for an operator, in words.
//!
//! Everything is read in a few statements over what is open, what ended in the last day and whose slot comes in the next, so that it
//! may be asked every few seconds whatever the ledger holds.

mod warnings;

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use schemars::JsonSchema;
use serde::Serialize;

use super::queues::{self, QueueState};
use crate::db::{Conn, DbError};
use crate::domain::values::{Channel, Kind, Mode, NotificationState, Reason, Schedule};
use crate::store::audit::instant;
use crate::store::schedules::Standing;
use crate::store::vitals::{self as store, Ended};
use crate::store::{clock_guard, cohorts, processes, schedules};
pub use warnings::{Severity, UNACCOUNTED, Warning, gravest, lasting};

/// A process that has not been heard of for this long does not count as alive: six heartbeats.
pub const SILENT_AFTER: TimeDelta = TimeDelta::seconds(60);

/// The state of the service, of one workspace's messages or of all.
#[derive(Clone, Debug)]
pub struct Vitals {
    /// As of when.
    pub at: DateTime<Utc>,
    /// What asks for an operator, gravest first.
    pub warnings: Vec<Warning>,
    /// Depth of every queue, the age of what waits longest, pauses, channels that are down.
    pub queues: Vec<QueueState>,
    /// Every process that serves.
    pub processes: Vec<ProcessState>,
    /// The last pass, whether it found something or not; `None` if no scheduler has made one.
    pub last_pass: Option<LastPass>,
    /// The schedule of passes; `None` before the first.
    pub schedule: Option<Standing>,
    /// The last pass that found something.
    pub last_found: Option<LastFound>,
    /// Notifications of the last days that the rules asked for and that are in no row. Must be 0.
    pub unaccounted: i64,
    /// Notifications of which somebody must say whether they arrived.
    pub ambiguous: i64,
    /// Notifications that failed in the last 24 hours, without those of test mode.
    pub failed: i64,
    /// Open onboardings that nobody hears of, without those that a test key made so.
    pub unroutable: i64,
    /// Addresses that were refused for good.
    pub flagged_addresses: i64,
    /// How late messages of the last hour were.
    pub late_last_hour: Lateness,
    /// How late messages of the last 24 hours were.
    pub late_last_day: Lateness,
    /// What ended in each of the last hours, oldest first: 25 entries, as the first and the last are cut by the present.
    pub hours: Vec<Hour>,
    /// People whose slot lies in each of the hours to come: 25 entries, from the present one on. A slot that has passed counts as present.
    pub slots: Vec<SlotHour>,
    /// What is wrong with the clock, if anything is; nothing is sent until it is right.
    pub clock: Option<String>,
}

impl Vitals {
    /// Why no pass is known of, in a sentence; `None` where one is.
    #[must_use]
    pub fn no_pass(&self) -> Option<&'static str> {
        let schedules =
            |p: &ProcessState| p.alive && p.roles.iter().any(|role| role == "scheduler");
        match self.last_pass {
            Some(_) => None,
            // It tells of its passes with its heartbeat, whatever they found.
            None if self.processes.iter().any(schedules) => Some(
                "No pass is known of yet: a scheduler tells of its last one within ten seconds of its start.",
            ),
            None => Some("No pass is known of, as no scheduler runs."),
        }
    }
}

/// A process, as it signed in.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(inline)]
pub struct ProcessState {
    /// `proc_…`
    pub id: String,
    /// `api`, `scheduler`, `worker`, or `drain`.
    pub roles: Vec<String>,
    /// Machine and process number.
    pub host: String,
    /// Of its binary.
    pub version: String,
    /// When it began.
    #[serde(serialize_with = "instant")]
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub started_at: DateTime<Utc>,
    /// Its last heartbeat.
    #[serde(serialize_with = "instant")]
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub seen_at: DateTime<Utc>,
    /// Whether that was within the last minute.
    pub alive: bool,
    /// What it is delivering.
    pub running: Vec<Running>,
}

/// Deliveries under way in a process.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(inline)]
pub struct Running {
    /// What they are about.
    pub kind: Kind,
    /// How they go out.
    pub channel: Channel,
    /// How many.
    pub count: i64,
    /// When the first of them was taken.
    #[serde(serialize_with = "instant")]
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub since: DateTime<Utc>,
}

/// A pass that has come to its end.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(inline)]
pub struct LastPass {
    /// When.
    #[serde(serialize_with = "instant")]
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub at: DateTime<Utc>,
    /// How long it took, in milliseconds.
    pub took_ms: i64,
}

/// A pass that found something.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(inline)]
pub struct LastFound {
    /// The instant it ran as of.
    #[serde(serialize_with = "instant")]
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub at: DateTime<Utc>,
    /// People whose slot had come.
    pub recipients: i64,
    /// Notifications it wrote.
    pub written: i64,
    /// How long it took, in milliseconds.
    pub took_ms: i64,
}

/// How late messages were, counted from the instant they were meant for: the slot, the opening of working hours, the end of quiet ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(inline)]
pub struct Lateness {
    /// Messages sent.
    pub sent: i64,
    /// Whole seconds that half of them did not exceed; `None` if none was sent.
    pub p50_seconds: Option<i64>,
    /// Whole seconds that 95 of 100 did not exceed.
    pub p95_seconds: Option<i64>,
}

/// What ended in one hour.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(inline)]
pub struct Hour {
    /// Its beginning, a full hour of UTC.
    #[serde(serialize_with = "instant")]
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub from: DateTime<Utc>,
    /// Counts by outcome and channel; what did not occur is left out.
    pub outcomes: Vec<Outcomes>,
}

/// Notifications of one hour, channel and outcome.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(inline)]
pub struct Outcomes {
    /// How they went out, or would have.
    pub channel: Channel,
    /// How they ended.
    pub outcome: NotificationState,
    /// How many.
    pub count: i64,
}

/// One hour of the day to come.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(inline)]
pub struct SlotHour {
    /// Its beginning, a full hour of UTC.
    #[serde(serialize_with = "instant")]
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub from: DateTime<Utc>,
    /// People whose digest slot lies in it.
    pub people: i64,
}

/// How the service is at `now`; of one workspace's messages or of all.
pub async fn vitals(
    conn: &mut Conn,
    workspace_id: Option<&str>,
    now: DateTime<Utc>,
) -> Result<Vitals, DbError> {
    let queues = queues::list(conn, workspace_id, now).await?;
    let ended = store::ended(conn, workspace_id, now).await?;
    let slots = store::slots(conn, workspace_id, now + TimeDelta::hours(24)).await?;
    let entered = processes::list(conn).await?;
    let held = store::held(conn, workspace_id, now).await?;
    let lost = cohorts::unaccounted(conn, now).await?;
    let backlog = store::backlog(conn, workspace_id, now).await?;
    let last_pass = entered
        .iter()
        .filter_map(|p| Some(LastPass { at: p.passed_at?, took_ms: p.pass_ms? }))
        .max_by_key(|pass| pass.at);
    let last_found = store::last_found(conn).await?.map(|found| LastFound {
        at: found.at,
        recipients: found.recipients,
        written: found.written,
        took_ms: found.duration_ms,
    });
    let mut vitals = Vitals {
        at: now,
        warnings: Vec::new(),
        failed: ended.iter().filter(|row| has_failed(row)).map(|row| row.count).sum(),
        queues,
        processes: processes_of(entered, held, now),
        last_pass,
        schedule: schedules::find(conn, Schedule::Scan).await?,
        last_found,
        unaccounted: lost.iter().map(cohorts::Cohort::unaccounted).sum(),
        ambiguous: store::undecided(conn, workspace_id).await?,
        unroutable: store::unroutable(conn, workspace_id).await?,
        flagged_addresses: store::flagged(conn, workspace_id).await?,
        late_last_hour: lateness(ended.iter().filter(|row| row.recent)),
        late_last_day: lateness(ended.iter()),
        hours: hours(&ended, now),
        slots: slot_hours(&slots, now),
        clock: clock_guard::check(conn, now).await?,
    };
    vitals.warnings = warnings::of(&vitals, &ended, &backlog);
    Ok(vitals)
}

fn processes_of(
    entered: Vec<processes::Process>,
    held: Vec<store::Held>,
    now: DateTime<Utc>,
) -> Vec<ProcessState> {
    let mut running: BTreeMap<String, Vec<Running>> = BTreeMap::new();
    for store::Held { process_id, kind, channel, count, since } in held {
        running.entry(process_id).or_default().push(Running { kind, channel, count, since });
    }
    entered
        .into_iter()
        .map(|p| ProcessState {
            running: running.remove(&p.id).unwrap_or_default(),
            roles: p.roles.split(',').map(ToOwned::to_owned).collect(),
            alive: now - p.seen_at < SILENT_AFTER,
            id: p.id,
            host: p.host,
            version: p.version,
            started_at: p.started_at,
            seen_at: p.seen_at,
        })
        .collect()
}

fn has_failed(row: &Ended) -> bool {
    row.state == NotificationState::Failed && row.mode == Mode::Live
}

fn lateness<'a>(rows: impl Iterator<Item = &'a Ended>) -> Lateness {
    let mut counts: BTreeMap<i64, i64> = BTreeMap::new();
    for row in rows.filter(|row| row.state == NotificationState::Sent) {
        if let Some(late) = row.late {
            *counts.entry(late.max(0)).or_default() += row.count;
        }
    }
    let sent: i64 = counts.values().sum();
    // The nearest rank: the smallest value that so many of a hundred do not exceed.
    let percentile = |hundredths: i64| {
        let rank = (sent * hundredths + 99) / 100;
        let mut seen = 0;
        counts.iter().find_map(|(late, count)| {
            seen += count;
            (seen >= rank).then_some(*late)
        })
    };
    Lateness { sent, p50_seconds: percentile(50), p95_seconds: percentile(95) }
}

const HOURS: i64 = 24;

/// A full hour, from its number since 1970.
fn hour(number: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(number * 3600, 0).unwrap_or_default()
}

fn hours(ended: &[Ended], now: DateTime<Utc>) -> Vec<Hour> {
    let present = now.timestamp().div_euclid(3600);
    (present - HOURS..=present)
        .map(|number| {
            let mut outcomes: Vec<Outcomes> = Vec::new();
            for row in ended.iter().filter(|row| row.hour == number) {
                let known = outcomes
                    .iter_mut()
                    .find(|o| o.channel == row.channel && o.outcome == row.state);
                match known {
                    Some(known) => known.count += row.count,
                    None => outcomes.push(Outcomes {
                        channel: row.channel,
                        outcome: row.state,
                        count: row.count,
                    }),
                }
            }
            outcomes.sort_by_key(|o| (o.channel.as_str(), o.outcome.as_str()));
            Hour { from: hour(number), outcomes }
        })
        .collect()
}

fn slot_hours(slots: &[(i64, i64)], now: DateTime<Utc>) -> Vec<SlotHour> {
    let present = now.timestamp().div_euclid(3600);
    (present..=present + HOURS)
        .map(|number| SlotHour {
            from: hour(number),
            people: slots
                .iter()
                .filter(|(at, _)| (*at).max(present) == number)
                .map(|(_, people)| people)
                .sum(),
        })
        .collect()
}

impl Vitals {
    /// Whether a process that plays the role answers.
    #[must_use]
    pub fn is_played(&self, role: &str) -> bool {
        self.processes.iter().any(|p| p.alive && p.roles.iter().any(|name| name == role))
    }

    /// Messages of the last hour that a channel took, and those that it refused for what they say.
    fn refusals(ended: &[Ended], channel: Channel) -> (i64, i64) {
        let count = |wanted: &dyn Fn(&Ended) -> bool| {
            ended
                .iter()
                .filter(|row| row.recent && row.channel == channel && row.mode == Mode::Live)
                .filter(|row| wanted(row))
                .map(|row| row.count)
                .sum()
        };
        let refused = |row: &Ended| row.reason.as_deref() == Some(Reason::MessageRefused.as_str());
        (count(&|row| row.state == NotificationState::Sent), count(&refused))
    }
}
