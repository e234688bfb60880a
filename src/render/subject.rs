//! Subject lines: the strongest fact of the day, with a number or a name in the first 40 characters and 75 in all.
//!
//! Each fact is worded from rich to bare; the first wording that fits is taken. So a long name is left out, never cut.

use chrono::{Datelike, Weekday};

use super::line::{self, in_same_week, is_past};
use super::summary::{Tally, last_digest};
use super::words::{clock, count, day, int, name, noun, plain, weekday};
use crate::domain::digest::{Digest, Group, Line, Nudge};

/// Most characters of a subject.
pub(super) const LENGTH: usize = 75;

/// Within how many days a launch goes before everything else.
const LAUNCH_SOON: i64 = 3;

/// The subject of `digest`. With `names` off it names no customer (lock screens).
pub(super) fn digest(digest: &Digest, names: bool) -> String {
    let subject = Subject { digest, tally: Tally::of(digest), names };
    subject
        .late()
        .or_else(|| subject.cut())
        .or_else(|| subject.launch_week())
        .or_else(|| subject.launch_soon())
        .or_else(|| subject.one_change())
        .or_else(|| subject.waiting())
        .or_else(|| subject.launch_passed())
        .unwrap_or_else(|| subject.ours())
}

/// The first wording that fits; the last one must, whatever the names are.
fn first_fit<const N: usize>(wordings: [Option<String>; N]) -> String {
    let mut last = String::new();
    for wording in wordings.into_iter().flatten() {
        last = plain(&wording).into_owned();
        if last.chars().count() <= LENGTH {
            break;
        }
    }
    last
}

struct Subject<'a> {
    digest: &'a Digest,
    tally: Tally,
    names: bool,
}

impl Subject<'_> {
    /// The customer of `line`, unless names are off.
    fn name(&self, line: &Line) -> Option<String> {
        self.names.then(|| name(&line.customer))
    }

    fn in_group(&self, group: Group) -> impl Iterator<Item = &Line> {
        self.digest.lines().filter(move |line| line.group == group)
    }

    fn waiting_on(&self) -> String {
        format!("you are waiting on {}", count(self.tally.waiting, "customer"))
    }

    fn ours_need(&self) -> String {
        let n = self.tally.ours();
        format!(
            "{n} {} a move from us",
            if n == 1 { "onboarding needs" } else { "onboardings need" }
        )
    }

    /// Row 10: our own lateness comes first.
    fn late(&self) -> Option<String> {
        let at = clock(self.digest.late?);
        let fact = match (self.tally.waiting, self.tally.ours()) {
            (1.., _) => self.waiting_on(),
            (_, 1..) => self.ours_need(),
            _ => format!("all {} on track", self.tally.total),
        };
        Some(format!("Late today, sent {at}: {fact}"))
    }

    /// Row 8: more than the digest shows.
    fn cut(&self) -> Option<String> {
        if self.digest.more() == 0 {
            return None;
        }
        let Tally { waiting, at_risk, stalled, launch, total } = self.tally;
        let facts: Vec<String> = [
            (waiting, format!("waiting on {}", count(waiting, "customer"))),
            (at_risk, format!("{at_risk} at risk")),
            (stalled, format!("{stalled} stalled")),
            (launch, format!("{} near or past", count(launch, "launch date"))),
        ]
        .into_iter()
        .filter(|(n, _)| *n > 0)
        .map(|(_, fact)| fact)
        .take(2)
        .collect();
        Some(if facts.is_empty() {
            format!("{total} onboardings today: all on track")
        } else {
            format!("{total} onboardings today: {}", facts.join(", "))
        })
    }

    /// Row 7: on Mondays, when more launch dates fall into the week than customers are waited on.
    fn launch_week(&self) -> Option<String> {
        let today = self.digest.date;
        if today.weekday() != Weekday::Mon {
            return None;
        }
        let this_week = |line: &&Line| {
            line.launch.is_some_and(|l| l.calendar >= 0 && in_same_week(l.date, today))
        };
        let n = int(self.digest.lines().filter(this_week).count());
        if n < 2 || n <= self.tally.waiting {
            return None;
        }
        let first = self.digest.lines().filter(this_week).min_by_key(|line| launch_in(line))?;
        let launch = first.launch?;
        let when = if launch.calendar == 0 {
            "today".to_owned()
        } else {
            format!("on {}", weekday(launch.date))
        };
        let bare = format!("{n} launch dates this week, the first {when}");
        Some(first_fit([self.name(first).map(|name| format!("{bare} ({name})")), Some(bare)]))
    }

    /// Row 2: a launch within three days, unless the longest wait is on its last step today and somebody else is told of it.
    fn launch_soon(&self) -> Option<String> {
        let soon =
            |line: &&Line| line.launch.is_some_and(|l| (0..=LAUNCH_SOON).contains(&l.calendar));
        let escalated = |line: &Line| line.step.as_ref().is_some_and(|step| step.last);
        if self.in_group(Group::Waiting).next().is_some_and(escalated) {
            return None;
        }
        let first = self.digest.lines().filter(soon).min_by_key(|line| launch_in(line))?;
        let when = in_days(launch_in(first));
        let others =
            int(self.in_group(Group::Waiting).filter(|line| !std::ptr::eq(*line, first)).count());
        let others = others + self.tally.waiting - int(self.in_group(Group::Waiting).count());
        let rest = match (first.group == Group::Waiting, others) {
            (true, _) => "; you are waiting on them".to_owned(),
            (false, 1..) => format!("; you are waiting on {}", count(others, "customer")),
            _ => String::new(),
        };
        Some(match self.name(first) {
            Some(name) => first_fit([
                Some(format!("{name} launches {when}{rest}")),
                Some(format!("{name} launches {when}")),
                Some(format!("1 customer launches {when}{rest}")),
            ]),
            None => format!("1 customer launches {when}{rest}"),
        })
    }

    /// Row 6: the first digest of a week with one change, the rest as before.
    fn one_change(&self) -> Option<String> {
        let changed = self.digest.changed;
        if self.digest.date.weekday() != Weekday::Mon
            || changed.new + changed.regrouped != 1
            || changed.moved + changed.relaunched > 0
        {
            return None;
        }
        let since = last_digest(self.digest)?;
        let line = self.digest.lines().find(|line| line.change.first || line.change.regrouped)?;
        let lead = format!("New since {since}:");
        let fact = |who: &str| match line.group {
            Group::Waiting => Some(format!("{lead} you are waiting on {who}")),
            Group::AtRisk => Some(format!("{lead} {who} is at risk")),
            Group::Stalled => Some(format!("{lead} {who} is past its phase target")),
            Group::Launch if is_past(line) => Some(format!("{lead} {who} is past its launch date")),
            Group::Launch => Some(format!("{lead} {who} launches {}", in_days(launch_in(line)))),
            Group::OnTrack => None,
        };
        Some(first_fit([
            self.name(line).and_then(|name| fact(&name)),
            Some(fact("1 more customer")?),
        ]))
    }

    /// Row 1: the usual case.
    fn waiting(&self) -> Option<String> {
        let longest = self.in_group(Group::Waiting).next()?;
        let duration = line::duration(longest.age);
        let lead = format!("You are waiting on {}", count(self.tally.waiting, "customer"));
        let name = self.name(longest);
        Some(match (self.tally.waiting, duration) {
            (1, Some(days)) => first_fit([
                name.map(|name| format!("You are waiting on {name} ({days})")),
                Some(format!("{lead}, for {days}")),
            ]),
            (1, None) => first_fit([
                name.map(|name| format!("You are waiting on {name}, since today")),
                Some(format!("{lead}, since today")),
            ]),
            (_, Some(days)) => first_fit([
                name.map(|name| format!("{lead}, {name} longest ({days})")),
                Some(format!("{lead}, the longest {days}")),
            ]),
            (_, None) => format!("{lead}, all since today"),
        })
    }

    /// Row 3: a date has passed and nobody waits.
    fn launch_passed(&self) -> Option<String> {
        let past: Vec<&Line> = self.in_group(Group::Launch).filter(|line| is_past(line)).collect();
        let first = past.first()?;
        let days = count(-launch_in(first), "day");
        let name = self.name(first);
        Some(if let [only] = past.as_slice() {
            first_fit([
                self.name(only).map(|name| format!("{name} is {days} past its launch date")),
                Some(format!("1 onboarding is {days} past its launch date")),
            ])
        } else {
            let n = past.len();
            first_fit([
                name.map(|name| format!("{n} launch dates have passed, {name} first ({days} ago)")),
                Some(format!("{n} launch dates have passed, the first {days} ago")),
            ])
        })
    }

    /// Rows 4, 5 and 9, and mixtures of them.
    fn ours(&self) -> String {
        let Tally { at_risk, stalled, launch, total, .. } = self.tally;
        let first = self.digest.lines().next();
        match (at_risk, stalled, launch) {
            (0, 0, 0) => self.on_track(total),
            (1, 0, 0) => {
                let left = first.and_then(|line| line.launch).filter(|l| l.business > 0);
                let tail = left.map_or_else(
                    || "; the next move is ours".to_owned(),
                    |launch| format!(", {} to launch", count(launch.business, "business day")),
                );
                first_fit([
                    first.and_then(|l| self.name(l)).map(|name| format!("{name} is at risk{tail}")),
                    Some(format!("1 onboarding is at risk{tail}")),
                ])
            }
            (n, 0, 0) => format!("{n} onboardings are at risk; the next move is ours"),
            (0, 1, 0) => first_fit([
                first
                    .and_then(|l| self.name(l))
                    .map(|name| format!("{name} is past its phase target; the next move is ours")),
                Some("1 onboarding is past its phase target; the next move is ours".to_owned()),
            ]),
            (0, n, 0) => {
                format!("{n} onboardings are past their phase target; the next move is ours")
            }
            (0, 0, n) => {
                let when = first.map_or_else(|| "soon".to_owned(), |line| in_days(launch_in(line)));
                let name = first.and_then(|line| self.name(line));
                if n == 1 {
                    first_fit([
                        name.map(|name| format!("{name} launches {when}")),
                        Some(format!("1 customer launches {when}")),
                    ])
                } else {
                    first_fit([
                        name.map(|name| format!("{n} customers launch soon, {name} first, {when}")),
                        Some(format!("{n} customers launch soon, the first {when}")),
                    ])
                }
            }
            (risky, ..) => {
                let lead = self.ours_need();
                let tail = if risky > 0 { format!(", {risky} at risk") } else { String::new() };
                let name = first.filter(|_| risky == 1).and_then(|line| self.name(line));
                first_fit([
                    name.map(|name| format!("{lead}; {name} is at risk")),
                    Some(format!("{lead}{tail}")),
                ])
            }
        }
    }

    /// Row 9: nothing to do is said, not dressed up.
    fn on_track(&self, total: i64) -> String {
        let lead = if total == 1 {
            "1 onboarding on track".to_owned()
        } else {
            format!("All {total} on track")
        };
        let dated = self.digest.lines().filter(|line| line.launch.is_some());
        let Some((line, launch)) = dated
            .min_by_key(|line| launch_in(line))
            .and_then(|line| line.launch.map(|launch| (line, launch)))
        else {
            return format!("{lead}; no launch date yet");
        };
        let date = day(launch.date, self.digest.date);
        let name = self.name(line);
        if total == 1 {
            first_fit([
                name.map(|name| format!("{name} is on track; launch {date}")),
                Some(format!("{lead}; launch {date}")),
            ])
        } else {
            let bare = format!("{lead}; next launch {date}");
            first_fit([name.map(|name| format!("{bare}, {name}")), Some(bare)])
        }
    }
}

/// Civil days to the launch date.
fn launch_in(line: &Line) -> i64 {
    line.launch.map_or(i64::MAX, |launch| launch.calendar)
}

fn in_days(days: i64) -> String {
    match days {
        ..=0 => "today".to_owned(),
        1 => "tomorrow".to_owned(),
        _ => format!("in {days} {}", noun(days, "day")),
    }
}

/// "Fennel & Rye has been in Integration for 15 days; the target is 7".
pub(super) fn stalled(nudge: &Nudge, names: bool) -> String {
    let line = &nudge.line;
    let number = format!("#{}", line.display_id);
    let who = names.then(|| name(&line.customer));
    let phase = super::words::or(&line.phase, "its phase");
    let days = count(line.days_in_phase, "day");
    let target = line.target_days;
    first_fit([
        who.as_ref()
            .map(|who| format!("{who} has been in {phase} for {days}; the target is {target}")),
        who.map(|who| format!("{who} is past its phase target, {days} instead of {target}")),
        Some(format!("{number} has been in {phase} for {days}; the target is {target}")),
        Some(format!("{number} is past its phase target, {days} instead of {target}")),
    ])
}

/// "You have waited on Halden Freight for 15 business days"; for the escalation user "We have …".
pub(super) fn waiting(nudge: &Nudge, names: bool) -> String {
    let lead = if nudge.escalation { "We have waited" } else { "You have waited" };
    let days = super::nudge::waited(nudge);
    let on = |who: &str| format!("{lead} on {who} {days}");
    first_fit([
        names.then(|| on(&name(&nudge.line.customer))),
        Some(on(&format!("#{}", nudge.line.display_id))),
    ])
}

/// "Halden Freight and Tallybrook: the next step is with you".
pub(super) fn customer(nudge: &Nudge, names: bool) -> String {
    let workspace = super::words::name(&nudge.workspace);
    let customer = name(&nudge.line.customer);
    first_fit([
        names.then(|| format!("{customer} and {workspace}: the next step is with you")),
        Some(format!("{workspace}: the next step is with you")),
        Some("The next step of your onboarding is with you".to_owned()),
    ])
}
