//! Subject lines: the strongest fact of the day, with a number or a name in the first 40 characters and 75 in all.
//!
//! Each fact is worded from rich to bare; the first wording that fits is taken. So a long name is left out, never cut.

use chrono::{Datelike, Weekday};

use super::line::{in_same_week, is_past};
use super::locale::{Noun, clock};
use super::summary::{Tally, last_digest};
use super::words::{capital, int, plain};
use crate::domain::digest::{Digest, Group, Line, Nudge};
use crate::domain::values::Locale;

/// Most characters of a subject.
pub(super) const LENGTH: usize = 75;

/// Within how many days a launch goes before everything else.
const LAUNCH_SOON: i64 = 3;

/// The subject of `digest`. With `names` off it names no customer (lock screens).
pub(super) fn digest(t: Locale, digest: &Digest, names: bool) -> String {
    let subject = Subject { t, digest, tally: Tally::of(digest), names };
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
    t: Locale,
    digest: &'a Digest,
    tally: Tally,
    names: bool,
}

impl Subject<'_> {
    /// The customer of `line`, unless names are off.
    fn name(&self, line: &Line) -> Option<String> {
        self.names.then(|| self.t.name(&line.customer))
    }

    fn in_group(&self, group: Group) -> impl Iterator<Item = &Line> {
        self.digest.lines().filter(move |line| line.group == group)
    }

    /// "you are waiting on 3 customers"
    fn waiting_on(&self, n: i64) -> String {
        self.t.you_are_waiting_on(&self.t.customers_waited_on(n))
    }

    /// Row 10: our own lateness comes first.
    fn late(&self) -> Option<String> {
        let t = self.t;
        let at = clock(self.digest.late?);
        let fact = match (self.tally.waiting, self.tally.ours()) {
            (n @ 1.., _) => self.waiting_on(n),
            (_, n @ 1..) => t.ours_need(n),
            _ if self.tally.total == 1 => t.on_track(1),
            _ => t.all_n_on_track(self.tally.total),
        };
        Some(t.late_lead(&at, &fact))
    }

    /// Row 8: more than the digest shows.
    fn cut(&self) -> Option<String> {
        if self.digest.more() == 0 {
            return None;
        }
        let t = self.t;
        let Tally { waiting, at_risk, stalled, launch, total } = self.tally;
        let facts: Vec<String> = [
            (waiting, t.waiting_on_n(&t.customers_waited_on(waiting))),
            (at_risk, format!("{at_risk} {}", t.tally(Group::AtRisk))),
            (stalled, format!("{stalled} {}", t.tally(Group::Stalled))),
            (launch, t.n_near_or_past(&t.count(launch, Noun::LaunchDate))),
        ]
        .into_iter()
        .filter(|(n, _)| *n > 0)
        .map(|(_, fact)| fact)
        .take(2)
        .collect();
        let facts =
            if facts.is_empty() { t.all_on_track_short().to_owned() } else { facts.join(", ") };
        Some(t.onboardings_today(total, &facts))
    }

    /// Row 7: on Mondays, when more launch dates fall into the week than customers are waited on.
    fn launch_week(&self) -> Option<String> {
        let t = self.t;
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
        let when =
            if launch.calendar == 0 { t.today().to_owned() } else { t.on(t.weekday(launch.date)) };
        let bare = t.launches_this_week(n, &when);
        Some(first_fit([self.name(first).map(|name| format!("{bare} ({name})")), Some(bare)]))
    }

    /// Row 2: a launch within three days, unless the longest wait is on its last step today and somebody else is told of it.
    fn launch_soon(&self) -> Option<String> {
        let t = self.t;
        let soon =
            |line: &&Line| line.launch.is_some_and(|l| (0..=LAUNCH_SOON).contains(&l.calendar));
        let escalated = |line: &Line| line.step.as_ref().is_some_and(|step| step.last);
        if self.in_group(Group::Waiting).next().is_some_and(escalated) {
            return None;
        }
        let first = self.digest.lines().filter(soon).min_by_key(|line| launch_in(line))?;
        let when = t.in_days(launch_in(first));
        let others =
            int(self.in_group(Group::Waiting).filter(|line| !std::ptr::eq(*line, first)).count());
        let others = others + self.tally.waiting - int(self.in_group(Group::Waiting).count());
        let rest = match (first.group == Group::Waiting, others) {
            (true, _) => t.you_wait_on_them().to_owned(),
            (false, 1..) => format!("; {}", self.waiting_on(others)),
            _ => String::new(),
        };
        let unnamed = format!("{}{rest}", t.launches(t.one_customer(), &when));
        Some(match self.name(first) {
            Some(name) => {
                let named = t.launches(&name, &when);
                first_fit([Some(format!("{named}{rest}")), Some(named), Some(unnamed)])
            }
            None => unnamed,
        })
    }

    /// Row 6: the first digest of a week with one change, the rest as before.
    fn one_change(&self) -> Option<String> {
        let t = self.t;
        let changed = self.digest.changed;
        if self.digest.date.weekday() != Weekday::Mon
            || changed.new + changed.regrouped != 1
            || changed.moved + changed.relaunched > 0
        {
            return None;
        }
        let since = last_digest(t, self.digest)?;
        let line = self.digest.lines().find(|line| line.change.first || line.change.regrouped)?;
        let fact = |who: &str, waited_on: &str| {
            Some(match line.group {
                Group::Waiting => t.you_are_waiting_on(waited_on),
                Group::AtRisk => t.is_at_risk(who),
                Group::Stalled => t.is_past_its_target(who),
                Group::Launch if is_past(line) => t.is_past_its_launch(who),
                Group::Launch => t.launches(who, &t.in_days(launch_in(line))),
                Group::OnTrack => return None,
            })
        };
        let lead = t.new_since_lead(&since);
        let unnamed = fact(t.one_more_customer(), t.one_more_customer_waited_on())?;
        Some(first_fit([
            self.name(line)
                .and_then(|name| fact(&name, &name))
                .map(|fact| format!("{lead} {fact}")),
            Some(format!("{lead} {unnamed}")),
        ]))
    }

    /// Row 1: the usual case.
    fn waiting(&self) -> Option<String> {
        let t = self.t;
        let longest = self.in_group(Group::Waiting).next()?;
        let days = t.duration(longest.age);
        let lead = capital(&self.waiting_on(self.tally.waiting));
        let name = self.name(longest);
        let on = |name: &str| capital(&t.you_are_waiting_on(name));
        Some(match (self.tally.waiting, days) {
            (1, Some(days)) => first_fit([
                name.map(|name| format!("{} ({days})", on(&name))),
                t.duration_after(longest.age).map(|days| format!("{lead}{}", t.tail_for(&days))),
            ]),
            (1, None) => first_fit([
                name.map(|name| format!("{}{}", on(&name), t.tail_since_today())),
                Some(format!("{lead}{}", t.tail_since_today())),
            ]),
            (_, Some(days)) => first_fit([
                name.map(|name| format!("{lead}{}", t.tail_longest_of(&name, &days))),
                Some(format!("{lead}{}", t.tail_longest(&days))),
            ]),
            (_, None) => format!("{lead}{}", t.all_since_today()),
        })
    }

    /// Row 3: a date has passed and nobody waits.
    fn launch_passed(&self) -> Option<String> {
        let t = self.t;
        let past: Vec<&Line> = self.in_group(Group::Launch).filter(|line| is_past(line)).collect();
        let first = past.first()?;
        let name = self.name(first);
        let days = -launch_in(first);
        Some(if past.len() == 1 {
            let days = t.count(days, Noun::Day);
            first_fit([
                name.map(|name| t.is_days_past_its_launch(&name, &days)),
                Some(t.is_days_past_its_launch(t.one_onboarding(), &days)),
            ])
        } else {
            let (n, days) = (past.len(), t.count_after(days, Noun::Day));
            first_fit([
                name.map(|name| t.launches_passed_first(n, &name, &days)),
                Some(t.launches_passed(n, &days)),
            ])
        })
    }

    /// Rows 4, 5 and 9, and mixtures of them.
    fn ours(&self) -> String {
        let t = self.t;
        let Tally { at_risk, stalled, launch, total, .. } = self.tally;
        let first = self.digest.lines().next();
        let name = first.and_then(|line| self.name(line));
        match (at_risk, stalled, launch) {
            (0, 0, 0) => self.on_track(total),
            (1, 0, 0) => {
                let left = first.and_then(|line| line.launch).filter(|l| l.business > 0);
                let tail = left.map_or_else(
                    || t.move_is_ours().to_owned(),
                    |launch| t.tail_to_launch(&t.count(launch.business, Noun::BusinessDay)),
                );
                first_fit([
                    name.map(|name| format!("{}{tail}", t.is_at_risk(&name))),
                    Some(format!("{}{tail}", t.are_at_risk(1))),
                ])
            }
            (n, 0, 0) => format!("{}{}", t.are_at_risk(n), t.move_is_ours()),
            (0, 1, 0) => first_fit([
                name.map(|name| format!("{}{}", t.is_past_its_target(&name), t.move_is_ours())),
                Some(format!("{}{}", t.past_target(1), t.move_is_ours())),
            ]),
            (0, n, 0) => format!("{}{}", t.past_target(n), t.move_is_ours()),
            (0, 0, n) => {
                let when =
                    first.map_or_else(|| t.soon().to_owned(), |line| t.in_days(launch_in(line)));
                if n == 1 {
                    first_fit([
                        name.map(|name| t.launches(&name, &when)),
                        Some(t.launches(t.one_customer(), &when)),
                    ])
                } else {
                    let lead = t.launch_soon(n);
                    first_fit([
                        name.map(|name| format!("{lead}{}", t.tail_first_of(&name, &when))),
                        Some(format!("{lead}{}", t.tail_first(&when))),
                    ])
                }
            }
            (risky, ..) => {
                let lead = capital(&t.ours_need(self.tally.ours()));
                let tail = if risky > 0 {
                    format!(", {risky} {}", t.tally(Group::AtRisk))
                } else {
                    String::new()
                };
                let name = name.filter(|_| risky == 1);
                first_fit([
                    name.map(|name| format!("{lead}; {}", t.is_at_risk(&name))),
                    Some(format!("{lead}{tail}")),
                ])
            }
        }
    }

    /// Row 9: nothing to do is said, not dressed up.
    fn on_track(&self, total: i64) -> String {
        let t = self.t;
        let lead = t.on_track(total);
        let dated = self.digest.lines().filter(|line| line.launch.is_some());
        let Some((line, launch)) = dated
            .min_by_key(|line| launch_in(line))
            .and_then(|line| line.launch.map(|launch| (line, launch)))
        else {
            return format!("{lead}{}", t.tail_no_launch_date());
        };
        let date = t.day(launch.date, self.digest.date);
        let name = self.name(line);
        if total == 1 {
            let tail = t.tail_launch(&date);
            first_fit([
                name.map(|name| format!("{}{tail}", t.is_on_track(&name))),
                Some(format!("{lead}{tail}")),
            ])
        } else {
            let bare = format!("{lead}{}", t.tail_next_launch(&date));
            first_fit([name.map(|name| format!("{bare}, {name}")), Some(bare)])
        }
    }
}

/// Civil days to the launch date.
fn launch_in(line: &Line) -> i64 {
    line.launch.map_or(i64::MAX, |launch| launch.calendar)
}

/// "Fennel & Rye has been in Integration for 15 days; the target is 7".
pub(super) fn stalled(t: Locale, nudge: &Nudge, names: bool) -> String {
    let line = &nudge.line;
    let number = format!("#{}", line.display_id);
    let who = names.then(|| t.name(&line.customer));
    let phase = super::words::or(&line.phase, t.its_phase());
    let target = line.target_days;
    let in_phase = |who: &str| {
        t.has_been_in(who, &phase, &t.count_after(line.days_in_phase, Noun::Day), &t.target(target))
    };
    let past = |who: &str| t.is_past_target(who, &t.count(line.days_in_phase, Noun::Day), target);
    first_fit([
        who.as_deref().map(in_phase),
        who.as_deref().map(past),
        Some(in_phase(&number)),
        Some(past(&number)),
    ])
}

/// "You have waited on Halden Freight for 15 business days"; for the escalation user and a stand-in "We have …".
pub(super) fn waiting(t: Locale, nudge: &Nudge, names: bool) -> String {
    let lead = t.have_waited(nudge.escalation || nudge.stands_in.is_some());
    let on = |who: &str| match t.duration_after(nudge.line.age) {
        Some(days) => t.waited_on_for(lead, who, &days),
        None => t.waited_on_since_today(lead, who),
    };
    first_fit([
        names.then(|| on(&t.name(&nudge.line.customer))),
        Some(on(&format!("#{}", nudge.line.display_id))),
    ])
}

/// "Halden Freight and Tallybrook: the next step is with you".
pub(super) fn customer(t: Locale, nudge: &Nudge, names: bool) -> String {
    let workspace = t.name(&nudge.workspace);
    let customer = t.name(&nudge.line.customer);
    first_fit([
        names.then(|| t.next_step_subject(&customer, &workspace)),
        Some(t.next_step_of(&workspace)),
        Some(t.next_step_bare().to_owned()),
    ])
}
