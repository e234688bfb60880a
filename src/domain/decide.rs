//! Who hears what, when: the rules of the product (`product.md` §2), as pure functions.
//!
//! The scheduler, the worker's re-check, the forecast and the explanation all call these. Each rule is a *gate*; the first one
//! that is shut gives the reason. A [`Trace`] may watch the gates go by; the unit trace watches nothing and costs nothing.

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;

use super::calendar::{
    Calendar, DaySpan, Weekdays, add_days, exists, instant, local_date, next_day, occurrences,
    parse_time,
};
use super::facts::{Channels, Contact, Onboarding, Person, Workspace};
use super::values::{Channel, Kind, Reason, State};

/// A watcher of gates.
pub trait Trace {
    /// One gate was tried.
    fn gate(&mut self, name: &'static str, passed: bool, detail: impl FnOnce() -> String);
}

impl Trace for () {
    fn gate(&mut self, _: &'static str, _: bool, _: impl FnOnce() -> String) {}
}

/// One gate as it was seen, for people.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Gate {
    /// Name of the rule.
    pub gate: String,
    /// Whether it let the message through.
    pub passed: bool,
    /// The values seen, in words.
    pub detail: String,
}

impl Trace for Vec<Gate> {
    fn gate(&mut self, name: &'static str, passed: bool, detail: impl FnOnce() -> String) {
        self.push(Gate { gate: name.to_owned(), passed, detail: detail() });
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

/// Hour at which a digest that has not gone out is dropped, in the recipient's zone.
pub const DIGEST_DEADLINE: &str = "18:00";

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
    check(trace, "exists", !o.deleted, Reason::Deleted, || {
        if o.deleted { "The onboarding was deleted." } else { "The onboarding exists." }.to_owned()
    })?;
    check(
        trace,
        "customer_in_business",
        o.customer_status.in_business() && !o.customer_deleted,
        Reason::CustomerInactive,
        || {
            if o.customer_deleted {
                format!("{} was deleted.", o.customer_name)
            } else {
                format!("{} is {}.", o.customer_name, o.customer_status)
            }
        },
    )?;
    check(trace, "phase_open", !o.phase.is_terminal(), Reason::Completed, || {
        format!("The phase is {}.", o.phase)
    })?;
    check(trace, "not_paused", o.state != State::Paused, Reason::Paused, || {
        format!("The state is {}.", o.state)
    })?;
    check(
        trace,
        "not_snoozed",
        o.snoozed_until.is_none_or(|until| date >= until),
        Reason::Snoozed,
        || {
            o.snoozed_until.map_or_else(
                || "Nothing is snoozed.".to_owned(),
                |until| format!("Snoozed until {until}."),
            )
        },
    )
}

fn check(
    trace: &mut impl Trace,
    name: &'static str,
    passed: bool,
    reason: Reason,
    detail: impl FnOnce() -> String,
) -> Result<(), Hold> {
    trace.gate(name, passed, detail);
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
    trace.gate("channel", channel.is_some(), || match channel {
        Some(channel) => format!("Goes out by {channel}."),
        None => format!(
            "E-mail reminders are {}, Slack reminders are {}; {} {} by e-mail and {} by Slack.",
            on_off(o.reminder_email),
            on_off(o.reminder_slack),
            person.name,
            can(reachable(person, Channel::Email, channels)),
            can(reachable(person, Channel::Slack, channels)),
        ),
    });
    let channel = channel.ok_or(Hold::Because(Reason::ChannelOff))?;
    let due = due_on(o, person.zone);
    trace.gate("due", slot_date >= due, || {
        format!(
            "Every {} day(s), last reminded {}: due on {due}, the digest is of {slot_date}.",
            o.frequency_days,
            o.last_reminded_on.map_or_else(|| "never".to_owned(), |date| format!("on {date}")),
        )
    });
    if slot_date >= due { Ok(channel) } else { Err(Hold::NotDue) }
}

fn recipient_wants(person: &Person, kind: Kind, trace: &mut impl Trace) -> Result<(), Hold> {
    check(trace, "recipient_active", person.active, Reason::NoRecipient, || {
        format!("{} is {}.", person.name, if person.active { "active" } else { "deactivated" })
    })?;
    let wanted =
        !person.muted_kinds.contains(&kind) && (kind != Kind::Digest || person.digest_enabled);
    check(trace, "wanted", wanted, Reason::OptedOut, || {
        format!(
            "{} {} messages of the kind {kind}.",
            person.name,
            if wanted { "wants" } else { "switched off" }
        )
    })
}

const fn on_off(on: bool) -> &'static str {
    if on { "on" } else { "off" }
}

const fn can(reachable: bool) -> &'static str {
    if reachable { "can be reached" } else { "cannot be reached" }
}

// --- slots -----------------------------------------------------------------------------------------------------------------------

/// When digests are due for one person: on which dates, at what local time.
#[derive(Clone, Debug)]
pub struct Slots<'a> {
    calendar: &'a Calendar,
    days: Weekdays,
    time: chrono::NaiveTime,
    zone: Tz,
}

impl<'a> Slots<'a> {
    /// The slots of `person` in `workspace`.
    #[must_use]
    pub fn of(workspace: &'a Workspace, person: &Person) -> Self {
        Self {
            calendar: &workspace.calendar,
            days: person.digest_days.unwrap_or(workspace.calendar.working_days),
            time: person.digest_time.unwrap_or(workspace.digest_time),
            zone: person.zone,
        }
    }

    /// Whether a digest is due on `date`: a working day, chosen itself or the first one after a chosen day off.
    fn is_slot(&self, date: NaiveDate) -> bool {
        let works = |date| self.calendar.is_working_day(date) && exists(self.zone, date);
        if !works(date) {
            return false;
        }
        let mut day = date;
        loop {
            if self.days.contains(chrono::Datelike::weekday(&day)) {
                return true;
            }
            day = add_days(day, -1);
            if works(day) || (date - day).num_days() > 7 {
                return false;
            }
        }
    }

    /// The instant of the slot on `date`.
    #[must_use]
    pub fn at(&self, date: NaiveDate) -> DateTime<Utc> {
        instant(self.zone, date, self.time)
    }

    /// The first slot strictly after `after`, or `None` where the calendar has no working day for over a year.
    #[must_use]
    pub fn next(&self, after: DateTime<Utc>) -> Option<(NaiveDate, DateTime<Utc>)> {
        let mut date = local_date(self.zone, after);
        for _ in 0..800 {
            if self.is_slot(date) && self.at(date) > after {
                return Some((date, self.at(date)));
            }
            date = next_day(date);
        }
        None
    }

    /// The newest slot at or before `at`, not looking further back than two years.
    #[must_use]
    pub fn newest(&self, at: DateTime<Utc>) -> Option<(NaiveDate, DateTime<Utc>)> {
        // A clock set back over midnight shows yesterday again after today's slot.
        let mut date = next_day(local_date(self.zone, at));
        for _ in 0..800 {
            if self.is_slot(date) && self.at(date) <= at {
                return Some((date, self.at(date)));
            }
            date = add_days(date, -1);
        }
        None
    }

    /// How many slots lie in `[from, to)`.
    #[must_use]
    pub fn count(&self, from: DateTime<Utc>, to: DateTime<Utc>) -> usize {
        let mut date = local_date(self.zone, from);
        let last = next_day(local_date(self.zone, to));
        let mut count = 0;
        while date <= last {
            let at = self.at(date);
            if self.is_slot(date) && from <= at && at < to {
                count += 1;
            }
            date = next_day(date);
        }
        count
    }

    /// When the digest of `date` is given up: 18:00 local, or an hour after a slot that is later than that.
    #[must_use]
    pub fn deadline(&self, date: NaiveDate) -> DateTime<Utc> {
        let evening = instant(self.zone, date, parse_time(DIGEST_DEADLINE).unwrap_or_default());
        let slot = self.at(date);
        if slot < evening { evening } else { slot + chrono::TimeDelta::hours(1) }
    }
}

/// The end of the quiet hours that `at` falls into, if it does.
#[must_use]
pub fn quiet_until(person: &Person, at: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let span = person.quiet_hours?;
    let local = at.with_timezone(&person.zone);
    if !span.contains(local.time()) {
        return None;
    }
    let today = local.date_naive();
    let ends: Vec<_> = (0..3)
        .map(|days| add_days(today, days))
        .flat_map(|date| occurrences(person.zone, date, span.until))
        .filter(|end| *end > at)
        .collect();
    // A clock that jumps may land in the quiet hours again; hours that never end are left at their first end.
    let quiet = |end: &DateTime<Utc>| span.contains(end.with_timezone(&person.zone).time());
    ends.iter().copied().find(|end| !quiet(end)).or(ends.first().copied())
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
        Some(channel) => format!("Goes out by {channel}."),
        None => format!(
            "Slack reminders are {}, e-mail reminders are {}; no channel can reach {}.",
            on_off(o.reminder_slack),
            on_off(o.reminder_email),
            person.name
        ),
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
    check(trace, "customer_reminders", ws.customer_reminders, Reason::ChannelOff, || {
        format!("Customer reminders are {} in {}.", on_off(ws.customer_reminders), ws.name)
    })?;
    eligible(o, date, trace)?;
    check(trace, "contact_wants", !contact.opted_out, Reason::OptedOut, || {
        format!(
            "{} {}.",
            contact.name,
            if contact.opted_out { "unsubscribed" } else { "has not unsubscribed" }
        )
    })?;
    check(trace, "channel", channels.email && !contact.email_flagged, Reason::ChannelOff, || {
        "Goes out by email.".to_owned()
    })?;
    Ok(Channel::Email)
}

/// When the next nudge about `o` may go out to `person`: the first working hour, not before `now`, of the day its next rung is reached.
/// `None` while nothing moves (paused, completed, ladder at its end).
#[must_use]
pub fn next_nudge_at(
    ws: &Workspace,
    person: &Person,
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
    let mut date = next_step_date(ws, o, local_date(ws.zone, now))?;
    if let Some(resume) = o.snoozed_until {
        date = date.max(resume);
    }
    let start = instant(ws.zone, date, chrono::NaiveTime::MIN).max(now);
    next_working_hour(ws, person, start)
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

/// The first instant at or after `from` inside `person`'s working hours and outside their quiet hours, within a year.
#[must_use]
pub fn next_working_hour(
    ws: &Workspace,
    person: &Person,
    from: DateTime<Utc>,
) -> Option<DateTime<Utc>> {
    let mut at = from;
    for _ in 0..800 {
        let local = at.with_timezone(&person.zone);
        let date = local.date_naive();
        let tomorrow =
            || instant(person.zone, ws.calendar.next_working_day(date), chrono::NaiveTime::MIN);
        at = if !ws.calendar.is_working_day(date) {
            tomorrow()
        } else if person.working_hours.contains(local.time()) {
            match quiet_until(person, at) {
                None => return Some(at),
                Some(end) => end,
            }
        } else {
            let opens = occurrences(person.zone, date, person.working_hours.from);
            opens.into_iter().find(|opens| *opens > at).unwrap_or_else(tomorrow)
        };
    }
    None
}

/// When a nudge that may go out from `at` is given up: the end of the next working day's working hours.
#[must_use]
pub fn nudge_deadline(ws: &Workspace, person: &Person, at: DateTime<Utc>) -> DateTime<Utc> {
    let next = ws.calendar.next_working_day(local_date(person.zone, at));
    let DaySpan { from, until } = person.working_hours;
    let date = if until <= from { next_day(next) } else { next };
    instant(person.zone, date, until)
}
