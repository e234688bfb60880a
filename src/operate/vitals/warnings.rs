//! What asks for an operator, in words: what is so and since when, what is safe, and what to do. Pure.
//!
//! Warnings become alerts to people, so nothing that a test key causes may be among them: messages of test mode are not counted, and a
//! pause is told only where it is everybody's, which no key can make.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use schemars::JsonSchema;
use serde::Serialize;

use super::{Ended, Vitals};
use crate::domain::values::Channel;
use crate::operate::queues::{Down, QueueState};
use crate::queue::Queue;
use crate::store::audit::instant_or_null;
use crate::store::queues::EVERYBODY;
use crate::store::schedules::Standing;
use crate::store::vitals::Backlog;

/// Code of the warning that notifications are missing.
pub const UNACCOUNTED: &str = "unaccounted";

/// How much a warning asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum Severity {
    /// Worth knowing; somebody should look this week.
    Notice,
    /// Somebody should look today.
    Warning,
    /// Messages do not go out: somebody should look now.
    Critical,
}

impl Severity {
    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Notice => "notice",
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }
}

/// Something that asks for an operator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(inline)]
pub struct Warning {
    /// What it is about, the same as long as it lasts: `channel_down:email`, `unaccounted`.
    pub code: String,
    /// In three or four words: "Mail is down".
    pub title: String,
    /// How much it asks for.
    pub severity: Severity,
    /// What is so, in whole sentences.
    pub text: String,
    /// What to do about it.
    pub advice: String,
    /// Since when, where that is known.
    #[serde(serialize_with = "instant_or_null")]
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    pub since: Option<DateTime<Utc>>,
}

/// A channel may be down this long before it is more than a hiccup.
const HICCUP: TimeDelta = TimeDelta::minutes(5);

/// A ready message, or a pass, may take this long; and twice this when it is grave.
const PATIENCE: TimeDelta = TimeDelta::minutes(5);

/// Fewer messages than this say nothing about a share.
const LEAST: i64 = 20;

/// The gravest severity of some warnings.
#[must_use]
pub fn gravest(warnings: &[Warning]) -> Option<Severity> {
    warnings.iter().map(|warning| warning.severity).max()
}

/// Everything that is worth a word, gravest first.
pub(super) fn of(
    vitals: &Vitals,
    ended: &[Ended],
    backlogs: &BTreeMap<Queue, Backlog>,
) -> Vec<Warning> {
    let now = vitals.at;
    let mut found = Vec::new();
    found.extend(clock(vitals));
    found.extend(unaccounted(vitals));
    found.extend(
        [Channel::Email, Channel::Slack].into_iter().filter_map(|c| down(vitals, backlogs, c)),
    );
    found.extend(roles(vitals));
    found.extend(pass(vitals));
    for queue in &vitals.queues {
        let waiting = of_queue(backlogs, queue);
        found.extend(paused(queue, waiting, now));
        found.extend(backlog(queue, waiting, now));
    }
    found.extend(late(vitals));
    found.extend([Channel::Email, Channel::Slack].into_iter().filter_map(|c| refused(ended, c)));
    found.extend(counts(vitals));
    // Stable: what was found first stays first among its equals.
    found.sort_by_key(|warning| std::cmp::Reverse(warning.severity));
    found
}

fn warning(code: &str, title: &str, severity: Severity, text: String, advice: &str) -> Warning {
    Warning {
        code: code.to_owned(),
        title: title.to_owned(),
        severity,
        text,
        advice: advice.to_owned(),
        since: None,
    }
}

fn clock(vitals: &Vitals) -> Option<Warning> {
    let fault = vitals.clock.as_ref()?;
    let mut text = fault.clone();
    if let Some(first) = text.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    text.push('.');
    Some(warning(
        "clock",
        "The clock is wrong",
        Severity::Critical,
        text,
        "Set the machine's clock (timedatectl, chronyc). If it is right, run `pivotal-reminders doctor --accept-clock`.",
    ))
}

fn unaccounted(vitals: &Vitals) -> Option<Warning> {
    (vitals.unaccounted != 0).then(|| {
        warning(
            UNACCOUNTED,
            "Notifications are missing",
            Severity::Critical,
            format!(
                "{} that the rules asked for in the last 7 days {} in no row of the ledger.",
                counted(vitals.unaccounted, "notification"),
                if vitals.unaccounted == 1 { "is" } else { "are" }
            ),
            "Nobody was told of them. `pivotal-reminders doctor` names their kinds and days; look at the database's log of that time.",
        )
    })
}

fn name(channel: Channel) -> &'static str {
    match channel {
        Channel::Email => "Mail",
        Channel::Slack => "Slack",
    }
}

fn down(vitals: &Vitals, backlogs: &BTreeMap<Queue, Backlog>, channel: Channel) -> Option<Warning> {
    let queues = || vitals.queues.iter().filter(|queue| queue.channel == channel);
    let Down { since, until, reason, .. } = queues().find_map(|queue| queue.down.as_ref())?;
    let waiting: i64 = queues().map(|queue| of_queue(backlogs, queue).ready).sum();
    let next = if *until > vitals.at {
        format!("the next try is at {}", clock_time(*until))
    } else {
        "the next message tries it again".to_owned()
    };
    let severity = if vitals.at - *since > HICCUP { Severity::Critical } else { Severity::Warning };
    Some(Warning {
        since: Some(*since),
        ..warning(
            &format!("channel_down:{channel}"),
            &format!("{} is down", name(channel)),
            severity,
            format!(
                "{} has been down for {}: {}. {}; {next}.",
                name(channel),
                lasting(vitals.at - *since),
                reason.trim_end_matches('.'),
                waits(waiting),
            ),
            match channel {
                Channel::Email => {
                    "Nothing is lost, and it goes on by itself. `pivotal-reminders doctor` tries the relay and the login that SMTP_URL names."
                }
                Channel::Slack => {
                    "Nothing is lost, and it goes on by itself. `pivotal-reminders doctor` tries the token in SLACK_BOT_TOKEN."
                }
            },
        )
    })
}

fn roles(vitals: &Vitals) -> impl Iterator<Item = Warning> {
    let silent = |role: &'static str| !vitals.is_played(role);
    let worker = silent("worker").then(|| {
        warning(
            "no_worker",
            "No worker answers",
            Severity::Critical,
            "No worker answers, so nothing is delivered.".to_owned(),
            "Start one: `pivotal-reminders serve --role worker`. What waits goes out then.",
        )
    });
    let scheduler = silent("scheduler").then(|| {
        warning(
            "no_scheduler",
            "No scheduler answers",
            Severity::Critical,
            "No scheduler answers, so nobody's slot is looked at.".to_owned(),
            "Start one: `pivotal-reminders serve --role scheduler`. Today's digests go out then, if it is before their deadline.",
        )
    });
    [worker, scheduler].into_iter().flatten()
}

/// Who paused a schedule, why, since when.
fn paused_by(schedule: &Standing) -> Option<(&str, &str, DateTime<Utc>)> {
    let (by, since) = schedule.paused_by.as_deref().zip(schedule.paused_since)?;
    Some((by, schedule.paused_reason.as_deref().unwrap_or_default(), since))
}

/// A scheduler that lives and whose passes do not come to an end.
fn pass(vitals: &Vitals) -> Option<Warning> {
    if !vitals.is_played("scheduler") || vitals.clock.is_some() {
        return None;
    }
    if let Some((by, reason, since)) = vitals.schedule.as_ref().and_then(paused_by) {
        return Some(Warning {
            since: Some(since),
            ..warning(
                "passes_paused",
                "Passes are paused",
                Severity::Warning,
                format!(
                    "{by} paused the passes {} ago: {}. Nobody's slot is looked at.",
                    lasting(vitals.at - since),
                    reason.trim_end_matches('.')
                ),
                "When that is settled: `pivotal-reminders schedules resume scan --reason …`. Today's digests go out then, if it is before their deadline.",
            )
        });
    }
    let began = vitals
        .processes
        .iter()
        .filter(|p| p.alive && p.roles.iter().any(|role| role == "scheduler"))
        .map(|p| p.started_at)
        .max()?;
    let due = vitals.schedule.as_ref().map_or(began, |schedule| schedule.next_run_at);
    let last = vitals.last_pass.as_ref().map_or(began, |pass| pass.at).max(began).max(due);
    let since = vitals.at - last;
    (since > PATIENCE).then(|| Warning {
        since: Some(last),
        ..warning(
            "pass_overdue",
            "No pass ends",
            Severity::Critical,
            format!(
                "No pass has come to its end for {}, although a scheduler answers.",
                lasting(since)
            ),
            "Its log says why; most often the database refuses or takes too long.",
        )
    })
}

fn of_queue(backlogs: &BTreeMap<Queue, Backlog>, queue: &QueueState) -> Backlog {
    let known = backlogs.iter().find(|(known, _)| known.name() == queue.name);
    known.map(|(_, backlog)| *backlog).unwrap_or_default()
}

fn paused(queue: &QueueState, waiting: Backlog, now: DateTime<Utc>) -> Option<Warning> {
    let pause = queue.paused.as_ref().filter(|pause| pause.workspace_id == EVERYBODY)?;
    Some(Warning {
        since: Some(pause.since),
        ..warning(
            &format!("queue_paused:{}", queue.name),
            &format!("The queue {} is paused", queue.name),
            Severity::Warning,
            format!(
                "{} paused the queue {} {} ago: {}. {}.",
                pause.by,
                queue.name,
                lasting(now - pause.since),
                pause.reason.trim_end_matches('.'),
                waits(waiting.ready)
            ),
            &format!(
                "When that is settled: `pivotal-reminders queues resume {} --reason …`.",
                queue.name
            ),
        )
    })
}

fn backlog(queue: &QueueState, waiting: Backlog, now: DateTime<Utc>) -> Option<Warning> {
    if queue.paused.is_some() || queue.down.is_some() {
        return None;
    }
    let since = waiting.oldest?;
    let age = now - since;
    (age > PATIENCE).then(|| Warning {
        since: Some(since),
        ..warning(
            &format!("backlog:{}", queue.name),
            &format!("The queue {} is behind", queue.name),
            if age > PATIENCE * 6 { Severity::Critical } else { Severity::Warning },
            format!(
                "The queue {} is behind: {} ready, the first of them for {}.",
                queue.name,
                match waiting.ready {
                    1 => "1 message is".to_owned(),
                    n => format!("{n} messages are"),
                },
                lasting(age)
            ),
            "Start another `pivotal-reminders serve --role worker` (PostgreSQL), or give this one more `mail.sessions`, if the relay allows it.",
        )
    })
}

fn late(vitals: &Vitals) -> Option<Warning> {
    let hour = vitals.late_last_hour;
    let late = TimeDelta::seconds(hour.p95_seconds?);
    (late > PATIENCE && hour.sent >= LEAST).then(|| {
        warning(
            "late",
            "Messages come late",
            Severity::Warning,
            format!(
                "In the last hour 5 of 100 messages came {} or more after their time.",
                lasting(late)
            ),
            "See whether a channel was down or a queue paused; else there are too few workers.",
        )
    })
}

fn refused(ended: &[Ended], channel: Channel) -> Option<Warning> {
    let (sent, refused) = Vitals::refusals(ended, channel);
    (sent + refused >= LEAST && refused * 20 >= sent + refused).then(|| {
        warning(
            &format!("refused:{channel}"),
            &format!("{} refuses messages", name(channel)),
            Severity::Warning,
            format!(
                "{} refused {refused} of the last {} messages for what they say.",
                name(channel),
                sent + refused
            ),
            "It may take us for spam. `pivotal-reminders notifications list --state failed` shows its words.",
        )
    })
}

fn counts(vitals: &Vitals) -> impl Iterator<Item = Warning> {
    let some = |count: i64, make: &dyn Fn(i64) -> Warning| (count > 0).then(|| make(count));
    let is = |count: i64| if count == 1 { "is" } else { "are" };
    [
        some(vitals.ambiguous, &|n| {
            warning(
                "ambiguous",
                "Messages in doubt",
                Severity::Warning,
                format!(
                    "{} may have arrived or not, and {} never repeated by itself.",
                    counted(n, "message"),
                    is(n)
                ),
                "`pivotal-reminders notifications list --state ambiguous` shows them; `delivered` settles one, `retry` sends its one extra copy.",
            )
        }),
        some(vitals.failed, &|n| {
            warning(
                "failed",
                "Messages failed",
                Severity::Warning,
                format!("{} of the last 24 hours failed.", counted(n, "message")),
                "`pivotal-reminders notifications list --state failed` shows them with the provider's words.",
            )
        }),
        some(vitals.unroutable, &|n| {
            warning(
                "unroutable",
                "Onboardings without a reader",
                Severity::Warning,
                format!("Nobody hears of {}: no active CSM and no active workspace owner.", counted(n, "onboarding")),
                "`pivotal-reminders unroutable` lists them; give them a CSM, or the workspace an owner.",
            )
        }),
        some(vitals.flagged_addresses, &|n| {
            warning(
                "flagged_addresses",
                "Addresses refused",
                Severity::Notice,
                format!(
                    "{} {} refused for good and {} not tried any more.",
                    counted_as(n, "address", "addresses"),
                    if n == 1 { "was" } else { "were" },
                    is(n)
                ),
                "Correct the address, or clear it once the mailbox is back: `pivotal-reminders addresses list`.",
            )
        }),
    ]
    .into_iter()
    .flatten()
}

fn counted(n: i64, one: &str) -> String {
    counted_as(n, one, &format!("{one}s"))
}

fn counted_as(n: i64, one: &str, many: &str) -> String {
    if n == 1 { format!("1 {one}") } else { format!("{n} {many}") }
}

/// "240 messages wait".
fn waits(count: i64) -> String {
    match count {
        0 => "Nothing waits".to_owned(),
        1 => "1 message waits".to_owned(),
        n => format!("{n} messages wait"),
    }
}

/// "09:14 UTC".
fn clock_time(at: DateTime<Utc>) -> String {
    at.format("%H:%M UTC").to_string()
}

/// A length of time in one unit, rounded down: "40 seconds", "12 minutes", "3 hours", "2 days".
#[must_use]
pub fn lasting(delta: TimeDelta) -> String {
    let seconds = delta.num_seconds().max(0);
    match seconds {
        ..60 => counted(seconds, "second"),
        60..3_600 => counted(seconds / 60, "minute"),
        3_600..86_400 => counted(seconds / 3_600, "hour"),
        _ => counted(seconds / 86_400, "day"),
    }
}
