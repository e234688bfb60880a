//! What a digest says as a whole: its first sentence, what changed, why one gets it.

use chrono::NaiveDate;

use super::line;
use super::locale::{Noun, clock};
use super::words::{self, NBSP, capital, int, stop};
use crate::domain::digest::{Absent, Digest, Group, Line};
use crate::domain::values::Locale;

/// Onboardings per group, shown or not.
pub(super) struct Tally {
    /// The customer owes the next step.
    pub(super) waiting: i64,
    /// Somebody marked them at risk.
    pub(super) at_risk: i64,
    /// Past their target.
    pub(super) stalled: i64,
    /// Near or past their launch date.
    pub(super) launch: i64,
    /// All together.
    pub(super) total: i64,
}

impl Tally {
    /// The figures of `digest`.
    pub(super) fn of(digest: &Digest) -> Self {
        let [waiting, at_risk, stalled, launch, _] = digest.tally_of_all().map(int);
        Self { waiting, at_risk, stalled, launch, total: int(digest.total) }
    }

    /// Those on which we must act.
    pub(super) fn ours(&self) -> i64 {
        self.at_risk + self.stalled + self.launch
    }
}

/// The whole message in one sentence.
pub(super) fn headline(t: Locale, digest: &Digest) -> String {
    let tally = Tally::of(digest);
    let together = |count: String| count.replacen(' ', &NBSP.to_string(), 1);
    let waiting = together(t.customers_waited_on(tally.waiting));
    let ours = together(t.ours_need(tally.ours()));
    match (tally.waiting, tally.ours()) {
        (1.., 1..) => t.waiting_and(&waiting, &ours),
        (1.., _) => t.waiting_only(tally.waiting, &waiting),
        (_, 1..) => stop(&capital(&ours)),
        _ => t.all_on_track(tally.total),
    }
}

/// "yesterday", "Friday", "Mon 2 Nov": the reader's last digest; `None` in a first one.
pub(super) fn last_digest(t: Locale, digest: &Digest) -> Option<String> {
    digest.since.map(|since| t.earlier(since, digest.date))
}

/// What is new since the last digest.
pub(super) fn delta(t: Locale, digest: &Digest) -> String {
    let Some(since) = last_digest(t, digest) else {
        return t.first_digest().to_owned();
    };
    let changed = digest.changed;
    let parts: Vec<String> = [
        (changed.new, format!("{} {}", changed.new, t.newly_shown())),
        (changed.regrouped, format!("{} {}", changed.regrouped, t.in_another_group())),
        (changed.moved, t.phases_moved(int(changed.moved))),
        (changed.relaunched, t.launch_dates_moved(int(changed.relaunched))),
    ]
    .into_iter()
    .filter(|(n, _)| *n > 0)
    .map(|(_, said)| said)
    .collect();
    match (parts.is_empty(), digest.totals.closed) {
        (true, ..=0) => t.no_change_since(&since),
        (true, closed) => t.since_closed_only(&since, closed),
        (false, ..=0) => t.since_none_closed(&since, &parts.join(", ")),
        (false, closed) => t.since_and_closed(&since, &parts.join(", "), closed),
    }
}

/// Owns up to a late digest.
pub(super) fn late(t: Locale, digest: &Digest) -> Option<String> {
    digest.late.map(|at| t.late_today(&clock(at), &clock(digest.time)))
}

/// "3 waiting on customer, 1 at risk", without zeros.
pub(super) fn tally(t: Locale, digest: &Digest) -> String {
    counted(digest)
        .map(|(group, n)| format!("{n} {}", t.tally(group)))
        .collect::<Vec<_>>()
        .join(", ")
}

/// Groups that have lines, shown or not, with their number.
pub(super) fn counted(digest: &Digest) -> impl Iterator<Item = (Group, usize)> {
    Group::ALL.iter().copied().zip(digest.tally_of_all()).filter(|(_, n)| *n > 0)
}

/// A stretch of a digest under one heading: the reader's own lines have none.
pub(super) struct Part<'a> {
    /// "For Maren Holt, out until Mon 23 Nov".
    pub(super) heading: Option<String>,
    /// Its groups: lines in all, lines shown.
    pub(super) groups: Vec<(Group, usize, &'a [Line])>,
}

impl<'a> Part<'a> {
    fn of(heading: Option<String>, groups: &'a [(Group, Vec<Line>)], tally: [usize; 5]) -> Self {
        let group = |(group, lines): &'a (Group, Vec<Line>)| {
            (*group, tally[*group as usize], lines.as_slice())
        };
        Self { heading, groups: groups.iter().map(group).collect() }
    }
}

/// The parts of `digest` that have lines to show.
pub(super) fn parts(t: Locale, digest: &Digest) -> Vec<Part<'_>> {
    let own = Part::of(None, &digest.groups, digest.tally);
    let others = digest.stand_ins.iter().map(|other| {
        Part::of(Some(stands_in(t, &other.absent, digest.date)), &other.groups, other.tally)
    });
    std::iter::once(own).chain(others).filter(|part| !part.groups.is_empty()).collect()
}

/// "For Maren Holt, out until Mon 23 Nov".
pub(super) fn stands_in(t: Locale, absent: &Absent, today: NaiveDate) -> String {
    t.stands_in(&t.name(&absent.name), &t.day(absent.until, today))
}

/// Most characters of a preheader that any client shows.
const PREHEADER: usize = 150;

/// Goes on where the subject stops; without names when they are kept out of subjects, for it shows on the same screens.
pub(super) fn preheader(t: Locale, digest: &Digest, names: bool) -> String {
    let mut said = String::new();
    if names {
        let waiting = digest.lines().filter(|line| line.group == Group::Waiting);
        add(&mut said, "", waiting.enumerate().map(|(n, line)| waits(t, line, n == 0)));
        let mut ours: Vec<&Line> = digest.lines().filter(|line| pressing(line).is_some()).collect();
        ours.sort_by_key(|line| pressing(line));
        let lead = if said.is_empty() { "" } else { t.on_our_side() };
        add(&mut said, lead, ours.into_iter().map(|line| needs(t, line, digest)));
    }
    if said.is_empty() {
        let sentences = [format!("{}.", tally(t, digest)), delta(t, digest)];
        said = words::plain(&sentences.join(" ")).into_owned();
    }
    said
}

/// How much an onboarding presses us: at risk before a launch ahead before what has been so for long.
fn pressing(line: &Line) -> Option<u8> {
    match line.group {
        Group::Waiting | Group::OnTrack => None,
        Group::AtRisk => Some(0),
        Group::Launch if !line::is_past(line) => Some(1),
        Group::Launch | Group::Stalled => Some(2),
    }
}

/// Appends up to three items as a sentence, as far as there is room.
fn add(said: &mut String, lead: &str, items: impl Iterator<Item = String>) {
    let mut sentence = String::new();
    for item in items.take(3) {
        let start = if sentence.is_empty() { lead } else { ", " };
        let parts = [said.as_str(), &sentence, start, &item];
        if parts.iter().map(|part| part.chars().count()).sum::<usize>() >= PREHEADER {
            break;
        }
        sentence.push_str(start);
        sentence.push_str(&item);
    }
    if !sentence.is_empty() {
        said.push_str(&stop(&sentence));
    }
}

fn waits(t: Locale, line: &Line, with_unit: bool) -> String {
    let name = t.name(&line.customer);
    match t.duration(line.age) {
        _ if line.change.first => t.is_new(&name),
        None => t.waits_since_today(&name),
        Some(_) if !with_unit && line.age.business > 0 => format!("{name} {}", line.age.business),
        Some(days) => format!("{name} {days}"),
    }
}

fn needs(t: Locale, line: &Line, digest: &Digest) -> String {
    let name = t.name(&line.customer);
    match (line.group, line.launch) {
        (Group::AtRisk, _) => t.at_risk_short(&name),
        (Group::Launch, Some(launch)) if launch.calendar < 0 => {
            t.past_launch_short(&name, &t.count(-launch.calendar, Noun::Day))
        }
        (Group::Launch, Some(launch)) => {
            let day = match launch.calendar {
                0 => t.today().to_owned(),
                1 => t.tomorrow().to_owned(),
                2..=6 => t.launch_weekday(t.weekday(launch.date)),
                _ => t.launch_weekday(&t.day(launch.date, digest.date)),
            };
            words::plain(&t.launches(&name, &day)).into_owned()
        }
        _ => t.stalled_short(&name),
    }
}

/// Why this reader gets this digest, without the address.
pub(super) fn why(t: Locale, digest: &Digest) -> String {
    t.why_digest(int(digest.total), digest.as_csm)
}

/// The same in fewer words.
pub(super) fn short_why(t: Locale, digest: &Digest) -> String {
    t.why_digest_short(int(digest.total), digest.as_csm)
}

/// When digests come.
pub(super) fn rhythm(t: Locale, digest: &Digest) -> String {
    use chrono::Timelike;
    let days = t.weekdays(&digest.days);
    let time = clock(digest.time);
    let zone = &digest.zone;
    if digest.days == ["mon", "tue", "wed", "thu", "fri"] && digest.time.hour() < 12 {
        t.each_working_morning(&days, &time, zone)
    } else {
        t.at_most_one_a_day(&days, &time, zone)
    }
}

/// "2 snoozed, 1 paused": what is the reader's and not listed; `None` when there is none.
pub(super) fn quiet(t: Locale, digest: &Digest) -> Option<(String, i64)> {
    let totals = digest.totals;
    let parts: Vec<String> = [(totals.snoozed, t.snoozed()), (totals.paused, t.paused())]
        .into_iter()
        .filter(|(n, _)| *n > 0)
        .map(|(n, word)| format!("{n} {word}"))
        .collect();
    (!parts.is_empty()).then(|| (parts.join(", "), totals.snoozed.max(0) + totals.paused.max(0)))
}
