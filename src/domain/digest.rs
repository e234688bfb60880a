//! What a digest says, before any wording: groups, order, ages, what changed since the last one (`product.md` §2).
//!
//! The same lines, one at a time, are what a nudge is about ([`line()`]). Words, shapes and colours are `render`'s.

use std::fmt;

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use serde::{Deserialize, Serialize};

use super::calendar::local_date;
use super::decide::{DIGEST_LINES, Step, stalled_threshold, step_reached};
use super::facts::{Onboarding, Person, Workspace};
use super::meanwhile::Meanwhile;
use super::values::{Kind, Phase, State, words};

words! {
    /// The strongest reason why an onboarding is in a digest; the order of declaration is the order on the page.
    Group {
        /// The customer owes the next step.
        Waiting = "waiting",
        /// Somebody marked it at risk.
        AtRisk = "at_risk",
        /// Longer in its phase than the target.
        Stalled = "stalled",
        /// The launch date has passed or is at most 7 days away.
        Launch = "launch",
        /// None of these.
        OnTrack = "on_track",
    }
}

/// Days from the launch date on which it is "near".
const LAUNCH_NEAR: i64 = 7;

/// A length of time in both units.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Age {
    /// Working days of the workspace.
    pub business: i64,
    /// Civil days.
    pub calendar: i64,
}

/// What a digest showed of an onboarding, kept with its line so that the next digest can say what changed. Its text, as it is stored, is
/// short, because a pass writes two of them for every line: `2026-06-01 waiting 5 review 2026-07-01`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Slot date of that digest.
    pub on: NaiveDate,
    /// Its group.
    pub group: Group,
    /// The large figure of its line.
    pub figure: i64,
    /// Its phase.
    pub phase: Phase,
    /// Its launch date.
    pub launch: Option<NaiveDate>,
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { on, group, figure, phase, launch } = self;
        write!(f, "{on} {group} {figure} {phase}")?;
        launch.map_or(Ok(()), |launch| write!(f, " {launch}"))
    }
}

impl Seen {
    /// Reads its text; `None` for what is no such text.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let mut words = text.split(' ');
        Some(Self {
            on: words.next()?.parse().ok()?,
            group: words.next()?.parse().ok()?,
            figure: words.next()?.parse().ok()?,
            phase: words.next()?.parse().ok()?,
            launch: words.next().map(str::parse).transpose().ok()?,
        })
    }
}

/// One line of a digest, or the subject of a nudge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// `onb_…`
    pub onboarding_id: String,
    /// The small number people use.
    pub display_id: i64,
    /// The customer's name as typed.
    pub customer: String,
    /// Label of its phase.
    pub phase: String,
    /// The strongest reason.
    pub group: Group,
    /// How long that has been so; for [`Group::Launch`] how far the date is away, never negative.
    pub age: Age,
    /// Since which date, for waiting and at risk.
    pub since: Option<NaiveDate>,
    /// Days in the present phase, holds not counted.
    pub days_in_phase: i64,
    /// The same in working days of the workspace.
    pub business_in_phase: i64,
    /// Target of the present phase, in days.
    pub target_days: i64,
    /// The rung of a ladder that is reached on this very day, if one is.
    pub step: Option<LineStep>,
    /// The launch date, if there is one.
    pub launch: Option<Launch>,
    /// What changed since the last digest.
    pub change: Change,
}

/// A rung reached today.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineStep {
    /// The rung, from 1.
    pub number: i64,
    /// What it counts (business days of waiting, days in phase).
    pub days: i64,
    /// Whether it is the last one.
    pub last: bool,
    /// Days at which the next rung comes, if there is one.
    pub next_days: Option<i64>,
    /// Name of the person who is told too.
    pub escalated_to: Option<String>,
}

/// A launch date and its distance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Launch {
    /// The date.
    pub date: NaiveDate,
    /// Civil days from today; negative when past.
    pub calendar: i64,
    /// Business days from today; negative when past.
    pub business: i64,
}

/// What is different from the last digest that carried the onboarding.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Change {
    /// Never shown before.
    pub first: bool,
    /// Date of the digest that showed it last; older than the reader's last digest when it is not due every day.
    pub seen_on: Option<NaiveDate>,
    /// It is in another group than last time.
    pub regrouped: bool,
    /// The large figure last time, when the group is the same.
    pub figure_before: Option<i64>,
    /// Label of the phase it has left since.
    pub moved_from: Option<String>,
    /// The launch date was another (or none) last time.
    pub launch_before: Option<Option<NaiveDate>>,
}

/// How many onboardings the reader has in all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Totals {
    /// Not completed, not deleted.
    pub open: i64,
    /// Of these, snoozed.
    pub snoozed: i64,
    /// Of these, paused.
    pub paused: i64,
    /// Completed since the last digest.
    pub closed: i64,
}

/// How many lines say something new, shown or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Changed {
    /// Never shown before.
    pub new: usize,
    /// In another group than last time.
    pub regrouped: usize,
    /// In another phase than last time.
    pub moved: usize,
    /// With another launch date than last time.
    pub relaunched: usize,
}

impl Changed {
    /// Counts the changes of `lines`.
    #[must_use]
    pub fn of<'a>(lines: impl IntoIterator<Item = &'a Line>) -> Self {
        let mut changed = Self::default();
        for Line { change, .. } in lines {
            changed.new += usize::from(change.first);
            changed.regrouped += usize::from(change.regrouped);
            changed.moved += usize::from(change.moved_from.is_some());
            changed.relaunched += usize::from(change.launch_before.is_some());
        }
        changed
    }
}

/// Somebody out of office.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Absent {
    /// Their name as typed.
    pub name: String,
    /// Their first day back.
    pub until: NaiveDate,
}

/// The lines of somebody for whom the reader stands in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StandIn {
    /// For whom.
    pub absent: Absent,
    /// Lines shown, in order, each group with at least one line.
    pub groups: Vec<(Group, Vec<Line>)>,
    /// Lines per group in all, shown or not, in order of [`Group::ALL`].
    pub tally: [usize; 5],
}

/// A digest before wording.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Digest {
    /// The ledger's id, shown as the reference.
    pub notification_id: String,
    /// Name of the workspace.
    pub workspace: String,
    /// Name of the reader.
    pub reader: String,
    /// Date of the digest in the reader's zone.
    pub date: NaiveDate,
    /// Slot time in the reader's zone.
    pub time: NaiveTime,
    /// The reader's zone, as an IANA name.
    pub zone: String,
    /// Days of the reader's digests, `mon` … `sun`.
    pub days: Vec<&'static str>,
    /// When it is sent late (more than an hour after its slot): the time of sending.
    pub late: Option<NaiveTime>,
    /// Date of the reader's last digest; `None` in a first digest.
    pub since: Option<NaiveDate>,
    /// What happened while the reader was away, in their first digest after it.
    pub meanwhile: Option<Meanwhile>,
    /// The reader's own lines shown, in order, each group with at least one line.
    pub groups: Vec<(Group, Vec<Line>)>,
    /// The reader's own lines per group, shown or not, in order of [`Group::ALL`].
    pub tally: [usize; 5],
    /// The lines of those for whom the reader stands in.
    pub stand_ins: Vec<StandIn>,
    /// Lines in all, shown or not.
    pub total: usize,
    /// What is new, counted over all lines, shown or not.
    pub changed: Changed,
    /// Whether the reader is the CSM of all of them; an owner or a backup is not.
    pub as_csm: bool,
    /// What else the reader has.
    pub totals: Totals,
}

impl Digest {
    /// Lines that did not fit.
    #[must_use]
    pub fn more(&self) -> usize {
        self.total - self.lines().count()
    }

    /// Every line shown, the reader's own first.
    pub fn lines(&self) -> impl Iterator<Item = &Line> {
        let others = self.stand_ins.iter().flat_map(|other| &other.groups);
        self.groups.iter().chain(others).flat_map(|(_, lines)| lines)
    }

    /// Lines per group, shown or not, whoever's they are.
    #[must_use]
    pub fn tally_of_all(&self) -> [usize; 5] {
        let mut all = self.tally;
        for other in &self.stand_ins {
            for (sum, n) in all.iter_mut().zip(other.tally) {
                *sum += n;
            }
        }
        all
    }
}

/// The line about `o` on `today`, a date in the workspace's calendar. `escalation` names who hears of the last waiting step.
#[must_use]
pub fn line(
    ws: &Workspace,
    o: &Onboarding,
    today: NaiveDate,
    before: Option<&Seen>,
    escalation: Option<&str>,
) -> Line {
    let span = |from: NaiveDate, to: NaiveDate| Age {
        business: ws.calendar.business_days_between(from, to),
        calendar: (to - from).num_days(),
    };
    let days_in_phase = o.days_in_phase(ws.zone, today);
    let target_days = ws.target_days(o.phase);
    let launch = o.launch_date.map(|date| {
        let Age { business, calendar } = span(today, date);
        Launch { date, calendar, business }
    });
    let group = group(o, days_in_phase, target_days, launch);
    let in_phase = Age {
        business: ws
            .calendar
            .business_days_between(super::calendar::add_days(today, -days_in_phase), today),
        calendar: days_in_phase,
    };
    let waiting_since = o.waiting_since.map(|at| local_date(ws.zone, at));
    let risk_since = local_date(ws.zone, o.state_entered_at);
    let (age, since) = match group {
        Group::Waiting => {
            let since = waiting_since.unwrap_or(today);
            (span(since, today), Some(since))
        }
        Group::AtRisk => (span(risk_since, today), Some(risk_since)),
        Group::Launch => {
            let distance = launch.map_or(Age { business: 0, calendar: 0 }, |l| Age {
                business: l.business.abs(),
                calendar: l.calendar.abs(),
            });
            (distance, None)
        }
        Group::Stalled | Group::OnTrack => (in_phase, None),
    };
    let figure = figure(group, age, launch);
    Line {
        onboarding_id: o.id.clone(),
        display_id: o.display_id,
        customer: o.customer_name.clone(),
        phase: ws.label(o.phase).to_owned(),
        group,
        age,
        since,
        days_in_phase,
        business_in_phase: in_phase.business,
        target_days,
        step: step_today(ws, o, today, escalation),
        launch,
        change: change(ws, o, before, group, figure),
    }
}

/// What is kept of a line for the next digest.
#[must_use]
pub fn seen(ws: &Workspace, o: &Onboarding, today: NaiveDate) -> Seen {
    let line = line(ws, o, today, None, None);
    Seen {
        on: today,
        group: line.group,
        figure: figure(line.group, line.age, line.launch),
        phase: o.phase,
        launch: o.launch_date,
    }
}

/// The large figure of a line, in the unit its rule counts in; a launch date that has passed counts negative.
fn figure(group: Group, age: Age, launch: Option<Launch>) -> i64 {
    match group {
        Group::Waiting | Group::AtRisk => age.business,
        Group::Stalled | Group::OnTrack => age.calendar,
        Group::Launch => launch.map_or(0, |l| l.calendar),
    }
}

fn group(o: &Onboarding, days_in_phase: i64, target: i64, launch: Option<Launch>) -> Group {
    if o.waiting_on_customer {
        Group::Waiting
    } else if o.state == State::AtRisk {
        Group::AtRisk
    } else if days_in_phase > target {
        Group::Stalled
    } else if launch.is_some_and(|l| l.calendar <= LAUNCH_NEAR) {
        Group::Launch
    } else {
        Group::OnTrack
    }
}

fn step_today(
    ws: &Workspace,
    o: &Onboarding,
    today: NaiveDate,
    escalation: Option<&str>,
) -> Option<LineStep> {
    let step = step_reached(ws, o, today)?;
    let yesterday = step_reached(ws, o, super::calendar::add_days(today, -1));
    if yesterday == Some(step) {
        return None;
    }
    Some(line_step(ws, o, step, escalation))
}

/// A rung in the terms of a line.
#[must_use]
pub fn line_step(ws: &Workspace, o: &Onboarding, step: Step, escalation: Option<&str>) -> LineStep {
    let waiting = step.kind == Kind::WaitingOnCustomer;
    let next_days = (!step.last).then(|| {
        if waiting {
            let next = usize::try_from(step.number).unwrap_or_default();
            ws.waiting_steps.get(next).map_or(0, |days| i64::from(*days))
        } else {
            stalled_threshold(ws.target_days(o.phase), step.number + 1)
        }
    });
    LineStep {
        number: step.number,
        days: step.days,
        last: step.last,
        next_days,
        escalated_to: (waiting && step.last).then(|| escalation.map(str::to_owned)).flatten(),
    }
}

fn change(
    ws: &Workspace,
    o: &Onboarding,
    before: Option<&Seen>,
    group: Group,
    figure: i64,
) -> Change {
    let Some(before) = before else {
        return Change { first: true, ..Change::default() };
    };
    let same_group = before.group == group;
    Change {
        first: false,
        seen_on: Some(before.on),
        regrouped: !same_group,
        figure_before: (same_group && before.figure != figure).then_some(before.figure),
        moved_from: (before.phase != o.phase).then(|| ws.label(before.phase).to_owned()),
        launch_before: (before.launch != o.launch_date).then_some(before.launch),
    }
}

/// Everything about a digest that is not its lines.
#[derive(Clone, Debug)]
pub struct Frame<'a> {
    /// The ledger's id.
    pub notification_id: &'a str,
    /// Date of the slot.
    pub date: NaiveDate,
    /// Instant of sending.
    pub at: DateTime<Utc>,
    /// The reader's totals.
    pub totals: Totals,
    /// Name of the escalation user.
    pub escalation: Option<&'a str>,
    /// What happened while the reader was away.
    pub meanwhile: Option<Meanwhile>,
}

/// What a digest carries.
#[derive(Clone, Debug)]
pub struct Item {
    /// The onboarding.
    pub onboarding: Onboarding,
    /// What the last digest showed of it.
    pub before: Option<Seen>,
    /// For whom the reader stands in with it, if not for themselves.
    pub absent: Option<Absent>,
}

/// Puts a digest together: groups and sorts the lines and cuts them at 25.
#[must_use]
pub fn build(ws: &Workspace, reader: &Person, frame: &Frame<'_>, items: &[Item]) -> Digest {
    let own = |item: &&Item| item.absent.is_none();
    let mut lines: Vec<(Option<&Absent>, Line)> = items
        .iter()
        .map(|item| {
            let before = item.before.as_ref();
            let line = line(ws, &item.onboarding, frame.date, before, frame.escalation);
            (item.absent.as_ref(), line)
        })
        .collect();
    lines.sort_by_key(|(absent, line)| {
        let urgency = match line.group {
            Group::Launch => line.launch.map_or(0, |l| l.calendar),
            _ => -line.age.calendar,
        };
        (*absent, line.group, urgency, line.display_id)
    });
    let total = lines.len();
    let changed = Changed::of(lines.iter().map(|(_, line)| line));
    let mut room = DIGEST_LINES;
    let mut parts = lines.chunk_by(|a, b| a.0 == b.0).map(|lines| {
        let shown = &lines[..lines.len().min(room)];
        room -= shown.len();
        (lines[0].0, grouped(shown), tally(lines))
    });
    let (mut groups, mut own_tally, mut stand_ins) = (Vec::new(), [0; 5], Vec::new());
    for (absent, shown, tally) in &mut parts {
        match absent {
            None => (groups, own_tally) = (shown, tally),
            Some(absent) => {
                stand_ins.push(StandIn { absent: absent.clone(), groups: shown, tally });
            }
        }
    }
    // The last digest is the reader's own; that of somebody else only where there is nothing of theirs.
    let seen_on = |item: &Item| item.before.as_ref().map(|seen| seen.on);
    let since = items.iter().filter(own).filter_map(seen_on).max();
    let time = reader.digest_time.unwrap_or(ws.digest_time);
    let slot = super::calendar::instant(reader.zone, frame.date, time);
    let late = frame.at - slot > chrono::TimeDelta::hours(1);
    Digest {
        notification_id: frame.notification_id.to_owned(),
        workspace: ws.name.clone(),
        reader: reader.name.clone(),
        date: frame.date,
        time,
        zone: reader.zone.name().to_owned(),
        days: reader.digest_days.unwrap_or(ws.calendar.working_days).names(),
        late: late.then(|| frame.at.with_timezone(&reader.zone).time()),
        since: since.or_else(|| items.iter().filter_map(seen_on).max()),
        meanwhile: frame.meanwhile.clone(),
        groups,
        tally: own_tally,
        stand_ins,
        total,
        changed,
        as_csm: items.iter().all(|i| i.onboarding.csm_id.as_deref() == Some(reader.id.as_str())),
        totals: frame.totals,
    }
}

/// Lines in order, as groups.
fn grouped(lines: &[(Option<&Absent>, Line)]) -> Vec<(Group, Vec<Line>)> {
    lines
        .chunk_by(|(_, a), (_, b)| a.group == b.group)
        .map(|group| (group[0].1.group, group.iter().map(|(_, line)| line.clone()).collect()))
        .collect()
}

fn tally(lines: &[(Option<&Absent>, Line)]) -> [usize; 5] {
    let mut tally = [0; 5];
    for (_, line) in lines {
        tally[line.group as usize] += 1;
    }
    tally
}

/// A nudge, or a customer reminder, before wording.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Nudge {
    /// The ledger's id.
    pub notification_id: String,
    /// Name of the workspace.
    pub workspace: String,
    /// Which nudge.
    pub kind: Kind,
    /// Name of the recipient.
    pub reader: String,
    /// Whether the recipient is the escalation user, not the CSM.
    pub escalation: bool,
    /// For whom the recipient stands in, if not for themselves.
    pub stands_in: Option<Absent>,
    /// Name and mail address of the CSM, if there is one.
    pub csm: Option<(String, String)>,
    /// The recipient's date.
    pub date: NaiveDate,
    /// What it is about.
    pub line: Line,
    /// The rung, which need not be today's when the nudge was held up.
    pub step: LineStep,
    /// Labels of the phases that are not terminal, in order (a customer sees how far they are).
    pub phases: Vec<String>,
}
