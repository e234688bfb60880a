//! What a digest says as a whole: its first sentence, what changed, why one gets it.

use chrono::NaiveDate;

use super::line::{self, look};
use super::words::{self, NBSP, clock, count, int, noun};
use crate::domain::digest::{Absent, Digest, Group, Line};

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
pub(super) fn headline(digest: &Digest) -> String {
    let tally = Tally::of(digest);
    let waiting = format!("{}{NBSP}{}", tally.waiting, noun(tally.waiting, "customer"));
    let ours = format!(
        "{}{NBSP}{} a move from us",
        tally.ours(),
        if tally.ours() == 1 { "onboarding needs" } else { "onboardings need" }
    );
    match (tally.waiting, tally.ours(), tally.total) {
        (1.., 1.., _) => format!("You are waiting on {waiting}, and {ours}."),
        (1.., _, _) => format!("You are waiting on {waiting}; the next move is theirs."),
        (_, 1.., _) => format!("{ours}."),
        (_, _, 1) => "The onboarding due today is on track.".to_owned(),
        (_, _, total) => format!("All {total} onboardings due today are on track."),
    }
}

/// "yesterday", "Friday", "Mon 2 Nov": the reader's last digest; `None` in a first one.
pub(super) fn last_digest(digest: &Digest) -> Option<String> {
    digest.since.map(|since| words::earlier(since, digest.date))
}

/// What is new since the last digest.
pub(super) fn delta(digest: &Digest) -> String {
    let Some(since) = last_digest(digest) else {
        return "This is your first digest; from the next one on it says what has changed."
            .to_owned();
    };
    let changed = digest.changed;
    let parts: Vec<String> = [
        (changed.new, "new", "new"),
        (changed.regrouped, "in another group", "in another group"),
        (changed.moved, "phase moved", "phases moved"),
        (changed.relaunched, "launch date moved", "launch dates moved"),
    ]
    .into_iter()
    .filter(|(n, ..)| *n > 0)
    .map(|(n, one, many)| format!("{n} {}", if n == 1 { one } else { many }))
    .collect();
    match (parts.is_empty(), digest.totals.closed) {
        (true, ..=0) => format!("No change since {since}."),
        (true, closed) => format!("Since {since}: {closed} closed, no other change."),
        (false, ..=0) => format!("Since {since}: {}. None closed.", parts.join(", ")),
        (false, closed) => format!("Since {since}: {}, {closed} closed.", parts.join(", ")),
    }
}

/// Owns up to a late digest.
pub(super) fn late(digest: &Digest) -> Option<String> {
    digest
        .late
        .map(|at| format!("Late today: sent at {} instead of {}.", clock(at), clock(digest.time)))
}

/// "3 waiting on customer, 1 at risk", without zeros.
pub(super) fn tally(digest: &Digest) -> String {
    counted(digest)
        .map(|(group, n)| format!("{n} {}", look(group).tally))
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
pub(super) fn parts(digest: &Digest) -> Vec<Part<'_>> {
    let own = Part::of(None, &digest.groups, digest.tally);
    let others = digest.stand_ins.iter().map(|other| {
        Part::of(Some(stands_in(&other.absent, digest.date)), &other.groups, other.tally)
    });
    std::iter::once(own).chain(others).filter(|part| !part.groups.is_empty()).collect()
}

/// "For Maren Holt, out until Mon 23 Nov".
pub(super) fn stands_in(absent: &Absent, today: NaiveDate) -> String {
    format!("For {}, out until {}", words::name(&absent.name), words::day(absent.until, today))
}

/// Most characters of a preheader that any client shows.
const PREHEADER: usize = 150;

/// Goes on where the subject stops; without names when they are kept out of subjects, for it shows on the same screens.
pub(super) fn preheader(digest: &Digest, names: bool) -> String {
    let mut said = String::new();
    if names {
        let waiting = digest.lines().filter(|line| line.group == Group::Waiting);
        add(&mut said, "", waiting.enumerate().map(|(n, line)| waits(line, n == 0)));
        let mut ours: Vec<&Line> = digest.lines().filter(|line| pressing(line).is_some()).collect();
        ours.sort_by_key(|line| pressing(line));
        let lead = if said.is_empty() { "" } else { " On our side: " };
        add(&mut said, lead, ours.into_iter().map(|line| needs(line, digest)));
    }
    if said.is_empty() {
        let sentences = [format!("{}.", tally(digest)), delta(digest)];
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
        said.push_str(&sentence);
        said.push('.');
    }
}

fn waits(line: &Line, with_unit: bool) -> String {
    let name = words::name(&line.customer);
    match line::duration(line.age) {
        _ if line.change.first => format!("{name} new"),
        None => format!("{name} since today"),
        Some(_) if !with_unit && line.age.business > 0 => format!("{name} {}", line.age.business),
        Some(days) => format!("{name} {days}"),
    }
}

fn needs(line: &Line, digest: &Digest) -> String {
    let name = words::name(&line.customer);
    match (line.group, line.launch) {
        (Group::AtRisk, _) => format!("{name} at risk"),
        (Group::Launch, Some(launch)) if launch.calendar < 0 => {
            format!("{name} {} past its launch date", count(-launch.calendar, "day"))
        }
        (Group::Launch, Some(launch)) => {
            let day = match launch.calendar {
                0 => "today".to_owned(),
                1 => "tomorrow".to_owned(),
                2..=6 => words::weekday(launch.date).to_owned(),
                _ => words::day(launch.date, digest.date),
            };
            words::plain(&format!("{name} launches {day}")).into_owned()
        }
        _ => format!("{name} stalled"),
    }
}

/// Why this reader gets this digest, without the address.
pub(super) fn why(digest: &Digest) -> String {
    let n = int(digest.total);
    let these = match n {
        1 => "this onboarding".to_owned(),
        _ => format!("these {n} onboardings"),
    };
    let due = if n == 1 { "it was due today" } else { "each of them was due today" };
    format!("{} {these}, and {due}.", role(digest))
}

/// The same in fewer words.
pub(super) fn short_why(digest: &Digest) -> String {
    match int(digest.total) {
        1 => format!("{} this one, and it was due today.", role(digest)),
        n => format!("{} these {n}, and each was due today.", role(digest)),
    }
}

fn role(digest: &Digest) -> &'static str {
    if digest.as_csm {
        "you are the CSM of"
    } else {
        "you are the CSM, or stand in for the CSM, of"
    }
}

/// When digests come.
pub(super) fn rhythm(digest: &Digest) -> String {
    use chrono::Timelike;
    let days = words::weekdays(&digest.days);
    let time = clock(digest.time);
    let zone = &digest.zone;
    if days == "Monday to Friday" && digest.time.hour() < 12 {
        format!("One digest each working morning, {days} at {time} ({zone}).")
    } else {
        format!("At most one digest a day, {days} at {time} ({zone}).")
    }
}

/// "2 snoozed, 1 paused": what is the reader's and not listed; `None` when there is none.
pub(super) fn quiet(digest: &Digest) -> Option<(String, i64)> {
    let totals = digest.totals;
    let parts: Vec<String> = [(totals.snoozed, "snoozed"), (totals.paused, "paused")]
        .into_iter()
        .filter(|(n, _)| *n > 0)
        .map(|(n, word)| format!("{n} {word}"))
        .collect();
    (!parts.is_empty()).then(|| (parts.join(", "), totals.snoozed.max(0) + totals.paused.max(0)))
}
