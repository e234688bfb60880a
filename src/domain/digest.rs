//! What a digest says, before any wording: groups, order, ages, what changed since the last one (`product.md` §2).
//!
//! The same lines, one at a time, are what a nudge is about ([`line()`]). Words, shapes and colours are `render`'s.

mod build;
mod line;

use std::fmt;

use chrono::{NaiveDate, NaiveTime};
use serde::{Deserialize, Serialize};

pub use self::build::{Frame, Item, build};
pub use self::line::{line, line_step, seen};
use super::meanwhile::Meanwhile;
use super::values::{Kind, Phase, words};

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
