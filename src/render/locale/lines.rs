//! What is said about one onboarding.

use super::{Noun, fixed, phrases};
use crate::domain::digest::Group;
use crate::domain::values::Locale;

impl Locale {
    /// Heading of a group.
    pub(crate) const fn group(self, group: Group) -> &'static str {
        match (self, group) {
            (Self::En, Group::Waiting) => "Waiting on customer",
            (Self::En, Group::AtRisk) => "At risk",
            (Self::En, Group::Stalled) => "Stalled",
            (Self::En, Group::Launch) => "Launch date",
            (Self::En, Group::OnTrack) => "On track",
            (Self::De, Group::Waiting) => "Warten auf Kunden",
            (Self::De, Group::AtRisk) => "Gefährdet",
            (Self::De, Group::Stalled) => "Über der Zielzeit",
            (Self::De, Group::Launch) => "Starttermin",
            (Self::De, Group::OnTrack) => "Im Plan",
        }
    }

    /// A group after a number.
    pub(crate) const fn tally(self, group: Group) -> &'static str {
        match (self, group) {
            (Self::En, Group::Waiting) => "waiting on customer",
            (Self::En, Group::AtRisk) => "at risk",
            (Self::En, Group::Stalled) => "stalled",
            (Self::En, Group::Launch) => "launch date",
            (Self::En, Group::OnTrack) => "on track",
            (Self::De, Group::Waiting) => "warten auf Kunden",
            (Self::De, Group::AtRisk) => "gefährdet",
            (Self::De, Group::Stalled) => "über der Zielzeit",
            (Self::De, Group::Launch) => "am Starttermin",
            (Self::De, Group::OnTrack) => "im Plan",
        }
    }

    /// Whose move it is.
    pub(crate) const fn next_move(self, group: Group) -> &'static str {
        match (self, group) {
            (Self::En, Group::Waiting) => "Next move: theirs",
            (Self::En, Group::OnTrack) => "Nothing needed",
            (Self::En, _) => "Next move: ours",
            (Self::De, Group::Waiting) => "Am Zug: der Kunde",
            (Self::De, Group::OnTrack) => "Nichts zu tun",
            (Self::De, _) => "Am Zug: wir",
        }
    }

    /// "21 calendar": the same length in the other unit.
    pub(crate) fn calendar_too(self, n: i64) -> String {
        match self {
            Self::En => format!("{n} calendar"),
            Self::De => self.count(n, Noun::CalendarDay),
        }
    }

    /// A target as it stands after the phrase that announces it: "7".
    pub(crate) fn target(self, days: i64) -> String {
        match self {
            Self::En => days.to_string(),
            Self::De => self.count(days, Noun::Day).replace(' ', "\u{a0}"),
        }
    }

    /// "11 business".
    pub(crate) fn business_too(self, n: i64) -> String {
        match self {
            Self::En => format!("{n} business"),
            Self::De => self.count(n, Noun::BusinessDay),
        }
    }
}

fixed! {
    /// Instead of a name that shows nothing.
    fn no_name { En => "(no name)", De => "(ohne Namen)" }
    /// Instead of a label that shows nothing.
    fn no_phase { En => "(no phase)", De => "(ohne Phase)" }
    /// After the days by which a launch date has passed.
    fn past { En => "past", De => "über Termin" }
    /// After the days to a launch date.
    fn left { En => "left", De => "bis zum Start" }
    /// In a message without room for more.
    fn no_launch_date_yet { En => "No launch date yet.", De => "Noch kein Starttermin." }
    /// The same in a line of text.
    fn launch_no_date { En => "Launch: no date yet.", De => "Start: noch kein Termin." }
    /// The launch date is today.
    fn launch_is_today { En => "The launch date is today.", De => "Der Starttermin ist heute." }
    /// The launch date is tomorrow.
    fn launch_is_tomorrow { En => "The launch date is tomorrow.", De => "Der Starttermin ist morgen." }
    /// In its phase since today.
    fn first_day { En => "First day.", De => "Erster Tag." }
    /// The launch date was today when the last digest showed it.
    fn launch_day { En => "launch day", De => "Starttag" }
    /// What a target belongs to, where the line is about something else.
    fn now_past_target_of_phase { En => "Now past the target of its phase.", De => "Jetzt über der Zielzeit der Phase." }
    /// First step of a stalled phase.
    fn now_past_target { En => "Now past the target.", De => "Jetzt über der Zielzeit." }
    /// Second step of a stalled phase.
    fn now_past_twice { En => "Now past twice the target.", De => "Jetzt über der doppelten Zielzeit." }
    /// Second step, where the line is about something else.
    fn now_past_twice_of_phase { En => "Now past twice the target of its phase.", De => "Jetzt über der doppelten Zielzeit der Phase." }
    /// Third step of a stalled phase.
    fn now_past_thrice { En => "Now past three times the target.", De => "Jetzt über der dreifachen Zielzeit." }
    /// Third step, where the line is about something else.
    fn now_past_thrice_of_phase { En => "Now past three times the target of its phase.", De => "Jetzt über der dreifachen Zielzeit der Phase." }
}

phrases! {
    /// A date as a sentence.
    fn date_alone(date: &str) { En => "{date}.", De => "{date}." }
    /// The reason of waiting.
    fn waiting_since(since: &str) { En => "Waiting on the customer since {since}.", De => "Wir warten seit {since} auf den Kunden." }
    /// The same, short.
    fn since_day(since: &str) { En => "Since {since}.", De => "Seit {since}." }
    /// The reason of being at risk.
    fn marked_at_risk(since: &str) { En => "Marked at risk on {since}.", De => "Am {since} als gefährdet markiert." }
    /// The same, short.
    fn marked_on(since: &str) { En => "Marked on {since}.", De => "Markiert am {since}." }
    /// What a phase should take at most.
    fn target_is(target: &str) { En => "The target is\u{a0}{target}.", De => "Zielzeit: {target}." }
    /// How long it has been in its phase.
    fn days_in(days: &str, phase: &str) { En => "{days} in {phase}.", De => "{days} in {phase}." }
    /// A launch date that has passed, where the line says that it is about it.
    fn it_was(date: &str) { En => "It was {date}.", De => "Er war am {date}." }
    /// A launch date that has passed.
    fn launch_was(date: &str) { En => "The launch date was {date}.", De => "Der Starttermin war am {date}." }
    /// A launch date within the week.
    fn launch_is_this(weekday: &str) { En => "The launch date is this {weekday}.", De => "Der Starttermin ist diesen {weekday}." }
    /// A launch date.
    fn launch_is(date: &str) { En => "The launch date is {date}.", De => "Der Starttermin ist am {date}." }
    /// In its phase since today.
    fn under_a_day_in(phase: &str) { En => "Under a day in {phase}.", De => "Weniger als ein Tag in {phase}." }
    /// How far it is in its phase.
    fn day_of(day: i64, target: i64) { En => "Day {day} of\u{a0}{target}.", De => "Tag {day} von\u{a0}{target}." }
    /// The same with the phase.
    fn day_of_in(day: i64, target: i64, phase: &str) { En => "Day {day} of\u{a0}{target} in {phase}.", De => "Tag {day} von\u{a0}{target} in {phase}." }
    /// The launch date at the end of a paragraph.
    fn launch_sentence(date: &str, distance: &str) { En => "Launch {date}, {distance}.", De => "Start am {date}, {distance}." }
    /// The launch date in a message without room for more.
    fn launch_short(date: &str) { En => "Launch {date}.", De => "Start am {date}." }
    /// Not in the last digest.
    fn new_since(earlier: &str) { En => "New since {earlier}.", De => "Neu seit {earlier}." }
    /// In another group in the last digest.
    fn new_in_group_since(earlier: &str) { En => "New in this group since {earlier}.", De => "Neu in dieser Gruppe seit {earlier}." }
    /// The same as in the last digest.
    fn no_change_since(earlier: &str) { En => "No change since {earlier}.", De => "Keine Änderung seit {earlier}." }
    /// Its phase has changed.
    fn moved(from: &str, to: &str, meantime: &str) { En => "Moved from {from} to {to} {meantime}.", De => "Phase {meantime} gewechselt, von {from} zu {to}." }
    /// Its launch date has changed.
    fn launch_moved(meantime: &str, before: &str) { En => "Launch date moved {meantime}, from {before}.", De => "Starttermin {meantime} verschoben, vorher {before}." }
    /// Its launch date is gone.
    fn launch_removed(meantime: &str, before: &str) { En => "Launch date removed {meantime}, it was {before}.", De => "Starttermin {meantime} gestrichen, vorher {before}." }
    /// It has a launch date now.
    fn launch_set(meantime: &str) { En => "Launch date set {meantime}.", De => "Starttermin {meantime} festgelegt." }
    /// It has not moved although its launch date has passed.
    fn still_in(phase: &str) { En => "Still in {phase}.", De => "Noch in {phase}." }
    /// By how much its launch date had passed.
    fn days_past(days: &str) { En => "{days} past", De => "{days} über Termin" }
    /// How far its launch date was away.
    fn days_left(days: &str) { En => "{days} left", De => "{days} bis zum Start" }
    /// A step, and somebody who is told of it.
    fn step_today_and(days: i64, name: &str) { En => "Today is the {days}-day step, so {name} is told too.", De => "Heute ist die {days}-Tage-Stufe erreicht, darum erfährt auch {name} davon." }
    /// A step.
    fn step_today(days: i64) { En => "Today is the {days}-day step.", De => "Heute ist die {days}-Tage-Stufe erreicht." }
    /// A step, and somebody who is told of it, short.
    fn step_and(days: i64, name: &str) { En => "{days}-day step, {name} is told too.", De => "{days}-Tage-Stufe, auch {name} erfährt davon." }
    /// A step, short.
    fn step(days: i64) { En => "{days}-day step.", De => "{days}-Tage-Stufe." }
}
