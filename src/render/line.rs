//! What is said about one onboarding, the same on every channel; the channels only lay it out.

use chrono::NaiveDate;

use super::locale::Noun;
use super::words::{self, capital};
use crate::domain::digest::{Age, Change, Group, Launch, Line, LineStep};
use crate::domain::values::Locale;

/// How a group looks.
pub(super) struct Look {
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
        Group::Waiting => {
            &Look { shape: "●", class: "waiting", block: "waiting", colour: "#8a5200", width: 25 }
        }
        Group::AtRisk => {
            &Look { shape: "▲", class: "risk", block: "at_risk", colour: "#b42318", width: 19 }
        }
        Group::Stalled => {
            &Look { shape: "■", class: "stalled", block: "stalled", colour: "#6941a5", width: 18 }
        }
        Group::Launch => {
            &Look { shape: "◆", class: "launch", block: "launch", colour: "#0b6a70", width: 21 }
        }
        Group::OnTrack => {
            &Look { shape: "○", class: "track", block: "on_track", colour: "#2f6b3f", width: 17 }
        }
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
    pub(super) unit: &'static str,
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
    pub(super) fn new(t: Locale, line: &Line, today: NaiveDate, since: Option<NaiveDate>) -> Self {
        let Line { group, age, .. } = *line;
        let phase = words::or(&line.phase, t.no_phase());
        let (figure, unit, other_unit) = match group {
            Group::Waiting | Group::AtRisk => {
                (age.business, Noun::BusinessDay, t.calendar_too(age.calendar))
            }
            _ => (age.calendar, Noun::CalendarDay, t.business_too(age.business)),
        };
        let side =
            (group == Group::Launch).then(|| if is_past(line) { t.past() } else { t.left() });
        let (reason, short_reason) = reason(t, line, &phase, today);
        Self {
            display_id: line.display_id,
            customer: t.name(&line.customer),
            group,
            figure,
            unit: t.noun(figure, unit),
            side,
            other_unit: format!("({other_unit})"),
            reason,
            short_reason,
            change: since.and_then(|since| change(t, line, &phase, since, today)),
            step: line.step.as_ref().map(|step| step_today(t, line, step)),
            short_step: line
                .step
                .as_ref()
                .filter(|_| group == Group::Waiting)
                .map(|step| short_step(t, step)),
            launch: line.launch.map(|launch| LaunchSaid {
                date: t.day(launch.date, today),
                distance: distance(t, launch),
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
    pub(super) fn launch_sentence(&self, t: Locale) -> String {
        self.launch.as_ref().map_or_else(
            || t.launch_no_date().to_owned(),
            |launch| t.launch_sentence(&launch.date, &launch.distance),
        )
    }
}

/// Whether the launch date has passed.
pub(super) fn is_past(line: &Line) -> bool {
    line.launch.is_some_and(|launch| launch.calendar < 0)
}

/// "in 13 business days", "2 business days ago", "today".
fn distance(t: Locale, launch: Launch) -> String {
    let age = Age { business: launch.business.abs(), calendar: launch.calendar.abs() };
    match t.duration_after(age) {
        None => t.today().to_owned(),
        Some(days) if launch.calendar < 0 => t.ago(&days),
        Some(days) => t.in_time(&days),
    }
}

fn reason(t: Locale, line: &Line, phase: &str, today: NaiveDate) -> (String, String) {
    let since = line.since.unwrap_or(today);
    match (line.group, line.launch) {
        (Group::Waiting, _) => {
            let since = t.day(since, today);
            (t.waiting_since(&since), t.since_day(&since))
        }
        (Group::AtRisk, _) => {
            let since = t.day(since, today);
            (t.marked_at_risk(&since), t.marked_on(&since))
        }
        (Group::Stalled, _) => {
            let target = t.target_is(&t.target(line.target_days));
            let days = t.days_in(&t.count(line.days_in_phase, Noun::Day), phase);
            (format!("{days} {target}"), target)
        }
        (Group::Launch, Some(launch)) => {
            let date = t.day(launch.date, today);
            let short = if launch.calendar < 0 { t.it_was(&date) } else { t.date_alone(&date) };
            let long = match launch.calendar {
                ..=-1 => t.launch_was(&date),
                0 => t.launch_is_today().to_owned(),
                1 => t.launch_is_tomorrow().to_owned(),
                _ if in_same_week(launch.date, today) => t.launch_is_this(t.weekday(launch.date)),
                _ => t.launch_is(&date),
            };
            (long, short)
        }
        (Group::Launch | Group::OnTrack, _) if line.days_in_phase < 1 => {
            let target = t.target_is(&t.target(line.target_days));
            let first_day = t.first_day();
            (format!("{} {target}", t.under_a_day_in(phase)), format!("{first_day} {target}"))
        }
        (Group::Launch | Group::OnTrack, _) => {
            let (day, target) = (line.days_in_phase, line.target_days);
            (t.day_of_in(day, target, phase), t.day_of(day, target))
        }
    }
}

/// Whether both lie between the same Monday and Sunday.
pub(super) fn in_same_week(date: NaiveDate, today: NaiveDate) -> bool {
    use chrono::Datelike;
    date.iso_week() == today.iso_week()
}

/// The strongest of what is new; the same figure in the same place is no news, nor is one more day on track.
fn change(
    t: Locale,
    line: &Line,
    phase: &str,
    since: NaiveDate,
    today: NaiveDate,
) -> Option<String> {
    let Change { first, seen_on, regrouped, figure_before, moved_from, launch_before } =
        &line.change;
    if *first {
        return Some(t.new_since(&t.earlier(since, today)));
    }
    let then = (*seen_on)?;
    let meantime = t.in_the_meantime(then, today);
    let mut said = Vec::new();
    if let Some(from) = moved_from {
        said.push(t.moved(&words::or(from, t.no_phase()), phase, &meantime));
    }
    match launch_before {
        Some(Some(before)) if line.launch.is_some() => {
            said.push(t.launch_moved(&meantime, &t.day(*before, today)));
        }
        Some(Some(before)) => {
            said.push(t.launch_removed(&meantime, &t.day(*before, today)));
        }
        Some(None) => said.push(t.launch_set(&meantime)),
        None => {}
    }
    if said.is_empty() {
        let earlier = t.earlier(then, today);
        said.push(match figure_before {
            _ if *regrouped => t.new_in_group_since(&earlier),
            Some(figure) if line.group != Group::OnTrack => {
                format!("{}: {}.", capital(&earlier), figure_then(t, line.group, *figure))
            }
            _ => t.no_change_since(&earlier),
        });
        if is_past(line) && line.group == Group::Launch {
            said.push(t.still_in(phase));
        }
    }
    Some(said.join(" "))
}

/// The large figure as it was last time.
fn figure_then(t: Locale, group: Group, figure: i64) -> String {
    let days = |n| t.count(n, Noun::Day);
    match (group, figure) {
        (Group::Launch, 0) => t.launch_day().to_owned(),
        (Group::Launch, ..0) => t.days_past(&days(-figure)),
        (Group::Launch, _) => t.days_left(&days(figure)),
        _ => figure.to_string(),
    }
}

/// The rung reached today, in a digest.
fn step_today(t: Locale, line: &Line, step: &LineStep) -> String {
    if line.group == Group::Waiting {
        return match &step.escalated_to {
            Some(name) => t.step_today_and(step.days, &t.name(name)),
            None => t.step_today(step.days),
        };
    }
    let about_phase = line.group == Group::Stalled;
    let passed = match (step.number, about_phase) {
        (1, true) => t.now_past_target(),
        (1, false) => t.now_past_target_of_phase(),
        (2, true) => t.now_past_twice(),
        (2, false) => t.now_past_twice_of_phase(),
        (3, true) => t.now_past_thrice(),
        (3, false) => t.now_past_thrice_of_phase(),
        _ => return t.step_today(step.days),
    };
    passed.to_owned()
}

fn short_step(t: Locale, step: &LineStep) -> String {
    match &step.escalated_to {
        Some(name) => t.step_and(step.days, &t.name(name)),
        None => t.step(step.days),
    }
}
