//! The first page: what needs somebody, whether everything is accounted for, how it went and what comes.

use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;

use super::chart::{Chart, Part};
use super::error::PageError;
use super::queues::Row as QueueRow;
use super::site::Site;
use super::visitor::Visitor;
use super::words::{self, When};
use crate::domain::calendar::local_date;
use crate::domain::values::{Channel, Kind, NotificationState};
use crate::operate::queues::QueueState;
use crate::operate::vitals::{self, Hour, Lateness, ProcessState, Severity, Vitals, Warning};
use crate::render::english;

pub(super) fn router() -> Router<Site> {
    Router::new().route("/admin/w/{workspace}", get(show))
}

/// The ways in which a notification ends, in the order of the account.
const ENDS: [NotificationState; 5] = [
    NotificationState::Sent,
    NotificationState::Skipped,
    NotificationState::Suppressed,
    NotificationState::Failed,
    NotificationState::Cancelled,
];

#[derive(Serialize)]
struct Overview {
    here: String,
    list: String,
    /// Where it is asked why somebody got nothing, and of which day if no other is named.
    explain: String,
    today: NaiveDate,
    zone: String,
    headline: String,
    total: i64,
    account: Vec<Sum>,
    open: Sum,
    ambiguous: Sum,
    unaccounted: i64,
    todo: Vec<Todo>,
    /// What is worth knowing and asks for nobody today.
    notices: Vec<Todo>,
    /// What ended by hour, a drawing for each channel.
    hours: Vec<(&'static str, Chart)>,
    hour_rows: Vec<HourRow>,
    ended: String,
    slots: Chart,
    slot_rows: Vec<SlotRow>,
    to_come: String,
    late: Vec<Late>,
    queues: Vec<QueueRow>,
    queues_url: String,
    processes: Vec<Process>,
    pass: Option<Pass>,
    no_pass: Option<&'static str>,
}

/// A part of the account.
#[derive(Serialize)]
struct Sum {
    state: &'static str,
    words: &'static str,
    count: i64,
    url: String,
}

/// Something that needs somebody.
#[derive(Serialize)]
struct Todo {
    icon: &'static str,
    severity: &'static str,
    title: String,
    text: String,
    advice: String,
    action: Option<(&'static str, String)>,
}

#[derive(Serialize)]
struct HourRow {
    from: String,
    email: Vec<i64>,
    slack: Vec<i64>,
}

#[derive(Serialize)]
struct SlotRow {
    from: String,
    people: i64,
}

#[derive(Serialize)]
struct Late {
    within: &'static str,
    sent: i64,
    half: String,
    most: String,
}

#[derive(Serialize)]
struct Process {
    host: String,
    roles: String,
    version: String,
    started: When,
    seen: When,
    alive: bool,
    running: String,
}

#[derive(Serialize)]
struct Pass {
    at: When,
    took: String,
}

/// `GET /admin/w/{workspace}`
async fn show(State(site): State<Site>, visitor: Visitor) -> Result<Response, PageError> {
    let mut conn = site.db.read().await?;
    let workspace = visitor.workspace.id.as_str();
    let vitals = vitals::vitals(&mut conn, Some(workspace), visitor.now).await?;
    let view = Overview::new(&visitor, vitals);
    visitor.page(&site, "overview", "", "Overview", &view)
}

impl Overview {
    fn new(visitor: &Visitor, vitals: Vitals) -> Self {
        let ended = |state| vitals.hours.iter().map(|hour| sum(hour, state, None)).sum::<i64>();
        let account: Vec<Sum> =
            ENDS.into_iter().map(|state| part(visitor, state, ended(state))).collect();
        let waiting =
            |queue: &QueueState| queue.counts.ready + queue.counts.scheduled + queue.counts.running;
        let open: i64 = vitals.queues.iter().map(waiting).sum::<i64>();
        let total = account.iter().map(|part| part.count).sum();
        let (notices, needing): (Vec<&Warning>, Vec<&Warning>) =
            vitals.warnings.iter().partition(|warning| warning.severity == Severity::Notice);
        let sent = ended(NotificationState::Sent);
        let people: i64 = vitals.slots.iter().map(|slot| slot.people).sum();
        Self {
            here: visitor.url(""),
            list: visitor.url("notifications"),
            explain: visitor.url("explain"),
            today: local_date(visitor.zone(), visitor.now),
            zone: visitor.workspace.time_zone.clone(),
            headline: headline(vitals.unaccounted, needing.len()),
            total,
            open: part(visitor, NotificationState::Scheduled, open),
            ambiguous: part(visitor, NotificationState::Ambiguous, vitals.ambiguous),
            unaccounted: vitals.unaccounted,
            todo: needing.iter().map(|warning| todo(visitor, warning)).collect(),
            notices: notices.iter().map(|warning| todo(visitor, warning)).collect(),
            ended: format!("{sent} sent, {} not", total - sent),
            hours: hours(visitor, &vitals.hours),
            hour_rows: vitals
                .hours
                .iter()
                .rev()
                .filter(|hour| !hour.outcomes.is_empty())
                .map(|hour| hour_row(visitor, hour))
                .collect(),
            to_come: match people {
                0 => "nobody's digest".to_owned(),
                1 => "1 person's digest".to_owned(),
                _ => format!("digests of {people} people, if something is due"),
            },
            slots: slots(visitor, &vitals.slots),
            slot_rows: vitals
                .slots
                .iter()
                .filter(|slot| slot.people > 0)
                .map(|slot| SlotRow { from: full_hour(visitor, slot.from), people: slot.people })
                .collect(),
            late: vec![
                late("the last hour", vitals.late_last_hour),
                late("24 hours", vitals.late_last_day),
            ],
            processes: vitals.processes.iter().map(|p| process(visitor, p)).collect(),
            no_pass: vitals.no_pass(),
            pass: vitals.last_pass.as_ref().map(|pass| Pass {
                at: visitor.when(pass.at),
                took: format!("{} ms", pass.took_ms),
            }),
            queues: vitals.queues.into_iter().map(|queue| QueueRow::new(visitor, queue)).collect(),
            queues_url: visitor.url("queues"),
            account,
        }
    }
}

/// The whole page in two sentences.
fn headline(unaccounted: i64, needing: usize) -> String {
    let accounted = match unaccounted {
        0 => "Everything due so far is accounted for.".to_owned(),
        missing => format!(
            "{} missing.",
            if missing == 1 {
                "1 notification is".to_owned()
            } else {
                format!("{missing} notifications are")
            }
        ),
    };
    let needs = match needing {
        0 => "Nothing needs you.".to_owned(),
        1 => "1 thing needs you.".to_owned(),
        many => format!("{many} things need you."),
    };
    format!("{accounted} {needs}")
}

fn sum(hour: &Hour, state: NotificationState, channel: Option<&str>) -> i64 {
    hour.outcomes
        .iter()
        .filter(|o| {
            o.outcome == state && channel.is_none_or(|channel| o.channel.as_str() == channel)
        })
        .map(|o| o.count)
        .sum()
}

fn part(visitor: &Visitor, state: NotificationState, count: i64) -> Sum {
    Sum {
        state: state.as_str(),
        words: words::state(state),
        count,
        url: visitor.url(&format!("notifications?state={state}")),
    }
}

fn todo(visitor: &Visitor, warning: &Warning) -> Todo {
    let code = warning.code.split(':').next().unwrap_or_default();
    let action = match code {
        "ambiguous" => Some(("Decide", visitor.url("notifications?state=ambiguous"))),
        "failed" => Some(("Open", visitor.url("notifications?state=failed"))),
        "refused" => Some(("Open", visitor.url("notifications?reason=message_refused"))),
        "flagged_addresses" => Some(("Open", visitor.url("addresses"))),
        "unroutable" => Some(("Open", visitor.url("notifications?reason=no_recipient"))),
        "queue_paused" | "channel_down" | "backlog" => Some(("Open", visitor.url("queues"))),
        _ => None,
    };
    let icon = match (code, warning.severity) {
        ("ambiguous", _) => "ambiguous",
        ("unroutable", _) => "nobody",
        ("failed" | "refused", _) | (_, Severity::Critical) => "failed",
        (_, Severity::Warning) => "deferred",
        (_, Severity::Notice) => "scheduled",
    };
    Todo {
        icon,
        severity: warning.severity.as_str(),
        title: warning.title.clone(),
        text: warning.text.clone(),
        advice: warning.advice.clone(),
        action,
    }
}

fn full_hour(visitor: &Visitor, at: DateTime<Utc>) -> String {
    at.with_timezone(&visitor.zone()).format("%H:%M").to_string()
}

/// Every third hour has its label.
fn label(visitor: &Visitor, at: DateTime<Utc>) -> String {
    use chrono::Timelike;
    let at = at.with_timezone(&visitor.zone());
    if at.hour().is_multiple_of(3) { at.format("%H").to_string() } else { String::new() }
}

fn hours(visitor: &Visitor, hours: &[Hour]) -> Vec<(&'static str, Chart)> {
    let drawing = |channel: Channel| {
        Chart::new(hours.iter().map(|hour| {
            let parts = ENDS.into_iter().map(|state| Part {
                class: state.as_str(),
                count: sum(hour, state, Some(channel.as_str())),
            });
            (label(visitor, hour.from), parts.collect())
        }))
    };
    Channel::ALL.iter().map(|channel| (words::channel(*channel), drawing(*channel))).collect()
}

fn slots(visitor: &Visitor, slots: &[vitals::SlotHour]) -> Chart {
    Chart::new(
        slots.iter().map(|slot| {
            (label(visitor, slot.from), vec![Part { class: "due", count: slot.people }])
        }),
    )
}

fn hour_row(visitor: &Visitor, hour: &Hour) -> HourRow {
    let of = |channel| ENDS.into_iter().map(|state| sum(hour, state, Some(channel))).collect();
    HourRow { from: full_hour(visitor, hour.from), email: of("email"), slack: of("slack") }
}

fn late(within: &'static str, lateness: Lateness) -> Late {
    let shown = |seconds: Option<i64>| match seconds {
        None => "none sent".to_owned(),
        Some(seconds) if seconds < 120 => format!("{seconds} s"),
        Some(seconds) => format!("{} min", seconds / 60),
    };
    Late {
        within,
        sent: lateness.sent,
        half: shown(lateness.p50_seconds),
        most: shown(lateness.p95_seconds),
    }
}

fn process(visitor: &Visitor, process: &ProcessState) -> Process {
    let running: Vec<String> = process
        .running
        .iter()
        .map(|one| {
            let what = match one.kind {
                Kind::Digest => "digest",
                Kind::StalledPhase | Kind::WaitingOnCustomer => "nudge",
                Kind::CustomerReminder => "customer reminder",
            };
            format!("{} by {}", english::count(one.count, what), words::channel(one.channel))
        })
        .collect();
    Process {
        host: process.host.clone(),
        roles: process.roles.join(", "),
        version: process.version.clone(),
        started: visitor.when(process.started_at),
        seen: visitor.when(process.seen_at),
        alive: process.alive,
        running: if running.is_empty() { "nothing".to_owned() } else { running.join(", ") },
    }
}
