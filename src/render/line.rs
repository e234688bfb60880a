//! What is said about one onboarding, the same on every channel; the channels only lay it out.

use chrono::NaiveDate;

use super::words::{self, NBSP, capital, count, day, noun};
use crate::domain::digest::{Age, Change, Group, Launch, Line, LineStep};

/// How a group looks and what it is called.
pub(super) struct Look {
    /// Heading.
    pub(super) title: &'static str,
    /// After a number in the tally.
    pub(super) tally: &'static str,
    /// Whose move it is, in a heading.
    pub(super) next_move: &'static str,
    /// Its shape; colour is never alone.
    pub(super) shape: &'static str,
    /// Class that turns its colour in dark mode, and Slack's `block_id`.
    pub(super) class: &'static str,
    /// Slack's `block_id`.
    pub(super) block: &'static str,
    /// Its colour on paper.
    pub(super) colour: &'static str,
    /// Share of the tally's width, in percent.
    pub(super) width: u8,
}

/// The look of `group` (the kit's table of states).
pub(super) const fn look(group: Group) -> &'static Look {
    match group {
        Group::Waiting => &Look {
            title: "Waiting on customer",
            tally: "waiting on customer",
            next_move: "Next move: theirs",
            shape: "●",
            class: "waiting",
            block: "waiting",
            colour: "#8a5200",
            width: 29,
        },
        Group::AtRisk => &Look {
            title: "At risk",
            tally: "at risk",
            next_move: "Next move: ours",
            shape: "▲",
            class: "risk",
            block: "at_risk",
            colour: "#b42318",
            width: 16,
        },
        Group::Stalled => &Look {
            title: "Stalled",
            tally: "stalled",
            next_move: "Next move: ours",
            shape: "■",
            class: "stalled",
            block: "stalled",
            colour: "#6941a5",
            width: 17,
        },
        Group::Launch => &Look {
            title: "Launch date",
            tally: "launch date",
            next_move: "Next move: ours",
            shape: "◆",
            class: "launch",
            block: "launch",
            colour: "#0b6a70",
            width: 21,
        },
        Group::OnTrack => &Look {
            title: "On track",
            tally: "on track",
            next_move: "Nothing needed",
            shape: "○",
            class: "track",
            block: "on_track",
            colour: "#2f6b3f",
            width: 17,
        },
    }
}

/// A line in words. Dates hold together by no-break spaces.
pub(super) struct Said {
    /// The small number people use.
    pub(super) display_id: i64,
    /// The customer.
    pub(super) customer: String,
    /// Label of the phase.
    pub(super) phase: String,
    /// The strongest reason.
    pub(super) group: Group,
    /// The large figure.
    pub(super) figure: i64,
    /// What it counts.
    pub(super) unit: String,
    /// "past" or "left", for a launch date.
    pub(super) side: Option<&'static str>,
    /// The same in the other unit: "(21 calendar)".
    pub(super) other_unit: String,
    /// The reason, as a sentence.
    pub(super) reason: String,
    /// The reason where the customer and the figure stand on the line above.
    pub(super) short_reason: String,
    /// What changed since the digest that showed it last.
    pub(super) change: Option<String>,
    /// Which step is reached today.
    pub(super) step: Option<String>,
    /// The step in fewer words, where it is worth any.
    pub(super) short_step: Option<String>,
    /// The launch date, if there is one.
    pub(super) launch: Option<LaunchSaid>,
}

/// A launch date in words.
pub(super) struct LaunchSaid {
    /// "Fri 4 Dec".
    pub(super) date: String,
    /// "in 13 business days".
    pub(super) distance: String,
}

impl Said {
    /// Words for `line` in a message of `today`. `since` is the date of the reader's last digest; without one nothing is news.
    pub(super) fn new(line: &Line, today: NaiveDate, since: Option<NaiveDate>) -> Self {
        let Line { group, age, .. } = *line;
        let phase = words::or(&line.phase, "(no phase)");
        let (figure, unit, other_unit) = match group {
            Group::Waiting | Group::AtRisk => (
                age.business,
                noun(age.business, "business day"),
                format!("{} calendar", age.calendar),
            ),
            _ => (
                age.calendar,
                noun(age.calendar, "calendar day"),
                format!("{} business", age.business),
            ),
        };
        let side = (group == Group::Launch).then(|| if is_past(line) { "past" } else { "left" });
        let (reason, short_reason) = reason(line, &phase, today);
        Self {
            display_id: line.display_id,
            customer: words::name(&line.customer),
            group,
            figure,
            unit,
            side,
            other_unit: format!("({other_unit})"),
            reason,
            short_reason,
            change: since.and_then(|since| change(line, &phase, since, today)),
            step: line.step.as_ref().map(|step| step_today(line, step)),
            short_step: line.step.as_ref().filter(|_| group == Group::Waiting).map(short_step),
            launch: line.launch.map(|launch| LaunchSaid {
                date: day(launch.date, today),
                distance: distance(launch),
            }),
            phase,
        }
    }

    /// "past (2 business)", "(21 calendar)".
    pub(super) fn note(&self) -> String {
        self.side
            .map_or_else(|| self.other_unit.clone(), |side| format!("{side} {}", self.other_unit))
    }

    /// What changed and which step it is, in one paragraph; `None` when there is nothing to say.
    pub(super) fn detail(&self) -> Option<String> {
        match (&self.change, &self.step) {
            (Some(change), Some(step)) => Some(format!("{change} {step}")),
            (one, other) => one.as_ref().or(other.as_ref()).cloned(),
        }
    }

    /// "Launch Fri 4 Dec, in 13 business days."
    pub(super) fn launch_sentence(&self) -> String {
        self.launch.as_ref().map_or_else(
            || "Launch: no date yet.".to_owned(),
            |launch| format!("Launch {}, {}.", launch.date, launch.distance),
        )
    }
}

/// Whether the launch date has passed.
pub(super) fn is_past(line: &Line) -> bool {
    line.launch.is_some_and(|launch| launch.calendar < 0)
}

/// How long somebody has waited: "15 business days", over a weekend "1 calendar day"; `None` when it began today.
pub(super) fn duration(age: Age) -> Option<String> {
    match age {
        Age { business: 1.., .. } => Some(count(age.business, "business day")),
        Age { calendar: 1.., .. } => Some(count(age.calendar, "calendar day")),
        _ => None,
    }
}

/// "in 13 business days", "2 business days ago", "today".
fn distance(launch: Launch) -> String {
    let age = Age { business: launch.business.abs(), calendar: launch.calendar.abs() };
    match duration(age) {
        None => "today".to_owned(),
        Some(days) if launch.calendar < 0 => format!("{days} ago"),
        Some(days) => format!("in {days}"),
    }
}

fn reason(line: &Line, phase: &str, today: NaiveDate) -> (String, String) {
    let since = line.since.unwrap_or(today);
    match (line.group, line.launch) {
        (Group::Waiting, _) => {
            let since = day(since, today);
            (format!("Waiting on the customer since {since}."), format!("Since {since}."))
        }
        (Group::AtRisk, _) => {
            let since = day(since, today);
            (format!("Marked at risk on {since}."), format!("Marked on {since}."))
        }
        (Group::Stalled, _) => {
            let target = format!("The target is{NBSP}{}.", line.target_days);
            (format!("{} in {phase}. {target}", count(line.days_in_phase, "day")), target)
        }
        (Group::Launch, Some(launch)) => {
            let date = day(launch.date, today);
            let short =
                if launch.calendar < 0 { format!("It was {date}.") } else { format!("{date}.") };
            let long = match launch.calendar {
                ..=-1 => format!("The launch date was {date}."),
                0 => "The launch date is today.".to_owned(),
                1 => "The launch date is tomorrow.".to_owned(),
                _ if in_same_week(launch.date, today) => {
                    format!("The launch date is this {}.", words::weekday(launch.date))
                }
                _ => format!("The launch date is {date}."),
            };
            (long, short)
        }
        (Group::Launch | Group::OnTrack, _) if line.days_in_phase < 1 => {
            let target = format!("The target is{NBSP}{}.", line.target_days);
            (format!("Under a day in {phase}. {target}"), format!("First day. {target}"))
        }
        (Group::Launch | Group::OnTrack, _) => {
            let day_of = format!("Day {} of{NBSP}{}", line.days_in_phase, line.target_days);
            (format!("{day_of} in {phase}."), format!("{day_of}."))
        }
    }
}

/// Whether both lie between the same Monday and Sunday.
pub(super) fn in_same_week(date: NaiveDate, today: NaiveDate) -> bool {
    use chrono::Datelike;
    date.iso_week() == today.iso_week()
}

/// The strongest of what is new; the same figure in the same place is no news, nor is one more day on track.
fn change(line: &Line, phase: &str, since: NaiveDate, today: NaiveDate) -> Option<String> {
    let Change { first, seen_on, regrouped, figure_before, moved_from, launch_before } =
        &line.change;
    if *first {
        return Some(format!("New since {}.", words::earlier(since, today)));
    }
    let then = (*seen_on)?;
    let meantime = words::in_the_meantime(then, today);
    let mut said = Vec::new();
    if let Some(from) = moved_from {
        said.push(format!("Moved from {} to {phase} {meantime}.", words::or(from, "(no phase)")));
    }
    match launch_before {
        Some(Some(before)) if line.launch.is_some() => {
            said.push(format!("Launch date moved {meantime}, from {}.", day(*before, today)));
        }
        Some(Some(before)) => {
            said.push(format!("Launch date removed {meantime}, it was {}.", day(*before, today)));
        }
        Some(None) => said.push(format!("Launch date set {meantime}.")),
        None => {}
    }
    if said.is_empty() {
        let earlier = words::earlier(then, today);
        said.push(match figure_before {
            _ if *regrouped => format!("New in this group since {earlier}."),
            Some(figure) if line.group != Group::OnTrack => {
                format!("{}: {}.", capital(&earlier), figure_then(line.group, *figure))
            }
            _ => format!("No change since {earlier}."),
        });
        if is_past(line) && line.group == Group::Launch {
            said.push(format!("Still in {phase}."));
        }
    }
    Some(said.join(" "))
}

/// The large figure as it was last time.
fn figure_then(group: Group, figure: i64) -> String {
    match (group, figure) {
        (Group::Launch, 0) => "launch day".to_owned(),
        (Group::Launch, ..0) => format!("{} past", count(-figure, "day")),
        (Group::Launch, _) => format!("{} left", count(figure, "day")),
        _ => figure.to_string(),
    }
}

/// The rung reached today, in a digest.
fn step_today(line: &Line, step: &LineStep) -> String {
    if line.group == Group::Waiting {
        return match &step.escalated_to {
            Some(name) => {
                format!(
                    "Today is the {}-day step, so {} is told too.",
                    step.days,
                    words::name(name)
                )
            }
            None => format!("Today is the {}-day step.", step.days),
        };
    }
    let target = if line.group == Group::Stalled { "target" } else { "target of its phase" };
    match step.number {
        1 => format!("Now past the {target}."),
        2 => format!("Now past twice the {target}."),
        3 => format!("Now past three times the {target}."),
        _ => format!("Today is the {}-day step.", step.days),
    }
}

fn short_step(step: &LineStep) -> String {
    match &step.escalated_to {
        Some(name) => format!("{}-day step, {} is told too.", step.days, words::name(name)),
        None => format!("{}-day step.", step.days),
    }
}
