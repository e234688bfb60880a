//! Who hears what, when: the rules of the product (`product.md` §2), as pure functions.
//!
//! The scheduler, the worker's re-check, the forecast and the explanation all call these. Each rule is a *gate*; the first one
//! that is shut gives the reason. A [`Trace`] may watch the gates go by; the unit trace watches nothing and costs nothing.

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;

use super::calendar::{add_days, instant, local_date};
use super::facts::{Channels, Contact, Onboarding, Person, Workspace};
use super::findings::{Finding, Since, Way};
use super::routing::Desk;
use super::slots::Slots;
use super::values::{Channel, Kind, Reason, State};

/// A watcher of gates.
pub trait Trace {
    /// One gate was tried.
    fn gate(&mut self, name: &'static str, passed: bool, seen: impl FnOnce() -> Finding);
}

impl Trace for () {
    fn gate(&mut self, _: &'static str, _: bool, _: impl FnOnce() -> Finding) {}
}

/// One gate as it was seen, for people.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
#[schemars(inline)]
pub struct Gate {
    /// Name of the rule.
    pub gate: String,
    /// Whether it let the message through.
    pub passed: bool,
    /// The values seen, in words.
    #[serde(rename = "detail", serialize_with = "in_words")]
    #[schemars(with = "String")]
    pub seen: Finding,
}

fn in_words<S: serde::Serializer>(seen: &Finding, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(seen)
}

impl Trace for Vec<Gate> {
    fn gate(&mut self, name: &'static str, passed: bool, seen: impl FnOnce() -> Finding) {
        self.push(Gate { gate: name.to_owned(), passed, seen: seen() });
    }
}

/// Why nothing is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hold {
    /// Its day has not come.
    NotDue,
    /// A rule forbids it.
    Because(Reason),
}

/// Most lines that a digest shows.
pub const DIGEST_LINES: usize = 25;

/// Most nudges about one entry into a phase.
pub const STALLED_STEPS: i64 = 6;

// --- eligibility -----------------------------------------------------------------------------------------------------------------

/// The gates that every message about an onboarding must pass, on `date` in the recipient's calendar.
///
/// # Errors
/// The first rule that forbids it.
pub fn eligible(o: &Onboarding, date: NaiveDate, trace: &mut impl Trace) -> Result<(), Hold> {
    check(trace, "exists", !o.deleted, Reason::Deleted, || Finding::Onboarding {
        deleted: o.deleted,
    })?;
    check(
        trace,
        "customer_in_business",
        o.customer_status.in_business() && !o.customer_deleted,
        Reason::CustomerInactive,
        || {
            let customer = o.customer_name.clone();
            if o.customer_deleted {
                Finding::CustomerDeleted { customer }
            } else {
                Finding::CustomerStatus { customer, status: o.customer_status }
            }
        },
    )?;
    let completed = o.phase.is_terminal();
    check(trace, "phase_open", !completed, Reason::Completed, || Finding::Phase { completed })?;
    check(trace, "not_paused", o.state != State::Paused, Reason::Paused, || {
        Finding::State(o.state)
    })?;
    let rests = o.snoozed_until.is_some_and(|until| date < until);
    check(trace, "not_snoozed", !rests, Reason::Snoozed, || {
        Finding::Snoozed(o.snoozed_until.filter(|_| rests))
    })
}

fn check(
    trace: &mut impl Trace,
    name: &'static str,
    passed: bool,
    reason: Reason,
    seen: impl FnOnce() -> Finding,
) -> Result<(), Hold> {
    trace.gate(name, passed, seen);
    if passed { Ok(()) } else { Err(Hold::Because(reason)) }
}

/// Whether `channel` can reach this person at all.
#[must_use]
pub fn reachable(person: &Person, channel: Channel, channels: Channels) -> bool {
    match channel {
        Channel::Email => channels.email && !person.email.is_empty() && !person.email_flagged,
        Channel::Slack => channels.slack && person.slack_user_id.is_some() && !person.slack_flagged,
    }
}

fn allowed(o: &Onboarding, channel: Channel) -> bool {
    match channel {
        Channel::Email => o.reminder_email,
        Channel::Slack => o.reminder_slack,
    }
}

// --- digests ---------------------------------------------------------------------------------------------------------------------

/// The first date on which the onboarding may be reminded of: its last reminder, else its creation, plus its frequency.
#[must_use]
pub fn due_on(o: &Onboarding, zone: Tz) -> NaiveDate {
    let base = o.last_reminded_on.unwrap_or_else(|| local_date(zone, o.created_at));
    add_days(base, o.frequency_days.max(1))
}

/// Whether `person`'s digest of `slot_date` carries a line about `o`, and on which channel.
///
/// # Errors
/// Why it does not.
pub fn digest_line(
    person: &Person,
    o: &Onboarding,
    slot_date: NaiveDate,
    channels: Channels,
    trace: &mut impl Trace,
) -> Result<Channel, Hold> {
    eligible(o, slot_date, trace)?;
    recipient_wants(person, Kind::Digest, trace)?;
    let channel = [person.digest_channel, person.digest_channel.other()]
        .into_iter()
        .find(|channel| allowed(o, *channel) && reachable(person, *channel, channels));
    let way =
        |channel| Way { on: allowed(o, channel), reaches: reachable(person, channel, channels) };
    trace.gate("channel", channel.is_some(), || match channel {
        Some(channel) => Finding::Channel(channel),
        None => Finding::NoChannel {
            person: person.name.clone(),
            email: way(Channel::Email),
            slack: way(Channel::Slack),
        },
    });
    let channel = channel.ok_or(Hold::Because(Reason::ChannelOff))?;
    let due = due_on(o, person.zone);
    trace.gate("due", slot_date >= due, || Finding::Due {
        every: o.frequency_days,
        since: o.last_reminded_on.map_or_else(
            || Since::Creation(local_date(person.zone, o.created_at)),
            Since::Reminder,
        ),
        from: due,
        asked: slot_date,
    });
    if slot_date >= due { Ok(channel) } else { Err(Hold::NotDue) }
}

fn recipient_wants(person: &Person, kind: Kind, trace: &mut impl Trace) -> Result<(), Hold> {
    let name = || person.name.clone();
    check(trace, "recipient_active", person.active, Reason::NoRecipient, || Finding::Account {
        person: name(),
        active: person.active,
    })?;
    let on = !person.muted_kinds.contains(&kind) && (kind != Kind::Digest || person.digest_enabled);
    check(trace, "wanted", on, Reason::OptedOut, || Finding::Wanted { person: name(), kind, on })
}

// --- nudges ----------------------------------------------------------------------------------------------------------------------

/// A step of a ladder that has been reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// Which ladder.
    pub kind: Kind,
    /// The rung, from 1.
    pub number: i64,
    /// What the rung counts: days in phase, or business days of waiting.
    pub days: i64,
    /// Whether it is the last rung.
    pub last: bool,
}

/// Days in phase at which the `n`-th stalled nudge is due: target+1, 2×target+1, 3×target+1, then every 7 days.
#[must_use]
pub fn stalled_threshold(target_days: i64, n: i64) -> i64 {
    n.min(3) * target_days + 1 + 7 * (n - 3).max(0)
}

/// What a rung counts: days in phase, or business days of waiting.
#[must_use]
pub fn rung_days(ws: &Workspace, o: &Onboarding, kind: Kind, number: i64) -> i64 {
    if kind == Kind::WaitingOnCustomer {
        let index = usize::try_from(number - 1).unwrap_or_default();
        ws.waiting_steps.get(index).copied().map_or(0, i64::from)
    } else {
        stalled_threshold(ws.target_days(o.phase), number)
    }
}

/// The highest rung reached on `today` (a date in the workspace's zone), whether or not it was dealt with already.
#[must_use]
pub fn step_reached(ws: &Workspace, o: &Onboarding, today: NaiveDate) -> Option<Step> {
    if o.waiting_on_customer {
        let since = local_date(ws.zone, o.waiting_since?);
        let waited = ws.calendar.business_days_between(since, today);
        let rungs = ws.waiting_steps.iter().enumerate();
        let (index, days) = rungs.rev().find(|(_, days)| i64::from(**days) <= waited)?;
        Some(Step {
            kind: Kind::WaitingOnCustomer,
            number: i64::try_from(index).unwrap_or_default() + 1,
            days: i64::from(*days),
            last: index + 1 == ws.waiting_steps.len(),
        })
    } else {
        let target = ws.target_days(o.phase);
        let days = o.days_in_phase(ws.zone, today);
        let number = (1..=STALLED_STEPS).rev().find(|n| stalled_threshold(target, *n) <= days)?;
        Some(Step {
            kind: Kind::StalledPhase,
            number,
            days: stalled_threshold(target, number),
            last: number == STALLED_STEPS,
        })
    }
}

/// The rung that has been reached and not been dealt with, on `today`.
#[must_use]
pub fn step_due(ws: &Workspace, o: &Onboarding, today: NaiveDate) -> Option<Step> {
    let step = step_reached(ws, o, today)?;
    let done = match step.kind {
        Kind::WaitingOnCustomer => o.waiting_step,
        _ => o.stalled_step,
    };
    (step.number > done).then_some(step)
}

/// Whether `person` is nudged about `o` on `date`, and on which channel: Slack, else e-mail.
///
/// # Errors
/// Why not.
pub fn nudge(
    person: &Person,
    o: &Onboarding,
    kind: Kind,
    date: NaiveDate,
    channels: Channels,
    trace: &mut impl Trace,
) -> Result<Channel, Hold> {
    eligible(o, date, trace)?;
    recipient_wants(person, kind, trace)?;
    let channel = [Channel::Slack, Channel::Email]
        .into_iter()
        .find(|channel| allowed(o, *channel) && reachable(person, *channel, channels));
    trace.gate("channel", channel.is_some(), || match channel {
        Some(channel) => Finding::Channel(channel),
        None => Finding::NoNudgeChannel {
            person: person.name.clone(),
            slack: o.reminder_slack,
            email: o.reminder_email,
        },
    });
    channel.ok_or(Hold::Because(Reason::ChannelOff))
}

/// Whether the customer's contact is reminded of `o` on `date`.
///
/// # Errors
/// Why not.
pub fn customer_reminder(
    ws: &Workspace,
    contact: &Contact,
    o: &Onboarding,
    date: NaiveDate,
    channels: Channels,
    trace: &mut impl Trace,
) -> Result<Channel, Hold> {
    let on = ws.customer_reminders;
    check(trace, "customer_reminders", on, Reason::ChannelOff, || Finding::CustomerReminders {
        workspace: ws.name.clone(),
        on,
    })?;
    eligible(o, date, trace)?;
    let name = || contact.name.clone();
    check(trace, "contact_wants", !contact.opted_out, Reason::OptedOut, || {
        Finding::Unsubscribed { contact: name(), yes: contact.opted_out }
    })?;
    let reaches = channels.email && !contact.email_flagged;
    check(trace, "channel", reaches, Reason::ChannelOff, || Finding::Contact { contact: name() })?;
    Ok(Channel::Email)
}

/// When the next nudge about `o` may go out from its `desk`: the first working hour, not before `now`, of the day its next rung is
/// reached. What lies at nobody's desk is looked at when its reminder would be due. `None` while nothing moves (paused, completed,
/// ladder at its end).
#[must_use]
pub fn next_nudge_at(
    ws: &Workspace,
    desk: Option<Desk<'_>>,
    o: &Onboarding,
    now: DateTime<Utc>,
) -> Option<DateTime<Utc>> {
    let closed = o.deleted
        || o.customer_deleted
        || !o.customer_status.in_business()
        || o.phase.is_terminal()
        || o.state == State::Paused;
    if closed {
        return None;
    }
    let resume = o.snoozed_until.unwrap_or(NaiveDate::MIN);
    let Some(desk) = desk else {
        let due = due_on(o, ws.zone).max(resume);
        return Slots::of_workspace(ws).first(due, now).map(|(_, at)| at);
    };
    let date = next_step_date(ws, o, local_date(ws.zone, now))?.max(resume);
    let start = instant(ws.zone, date, chrono::NaiveTime::MIN).max(now);
    desk.next_hour(ws, start).map(|(at, _)| at)
}

fn next_step_date(ws: &Workspace, o: &Onboarding, today: NaiveDate) -> Option<NaiveDate> {
    if o.waiting_on_customer {
        let since = local_date(ws.zone, o.waiting_since?);
        let index = usize::try_from(o.waiting_step).unwrap_or_default();
        let days = *ws.waiting_steps.get(index)?;
        Some(ws.calendar.nth_business_day_after(since, days))
    } else {
        if o.stalled_step >= STALLED_STEPS {
            return None;
        }
        let missing = stalled_threshold(ws.target_days(o.phase), o.stalled_step + 1)
            - o.days_in_phase(ws.zone, today);
        Some(add_days(today, missing.max(0)))
    }
}
