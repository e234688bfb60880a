//! Words for the console, whose operators read English: names, dates, counts and onboardings as English messages say them.

use chrono::NaiveDate;

use super::pages;
use crate::domain::digest::Line;
use crate::domain::values::Locale;

pub use super::pages::capital;

/// Days of the week, Monday first.
pub const WEEKDAYS: [&str; 7] = Locale::En.days();

/// A name as typed, made safe to stand in any line of ours.
#[must_use]
pub fn name(raw: &str) -> String {
    Locale::En.name(raw)
}

/// "Fri 4 Dec"; with the year when it is not `today`'s.
#[must_use]
pub fn day(date: NaiveDate, today: NaiveDate) -> String {
    pages::day(Locale::En, date, today)
}

/// Days by their short names, as a reader says them: "Monday to Friday", "every day".
#[must_use]
pub fn weekdays(days: &[&str]) -> String {
    Locale::En.weekdays(days)
}

/// "1 minute", "2 minutes": whatever the console counts takes an "s".
#[must_use]
pub fn count(n: i64, singular: &str) -> String {
    let plural = if n == 1 { "" } else { "s" };
    format!("{n} {singular}{plural}")
}

/// An onboarding as its figure ("15 business days (21 calendar)") and the sentences under it.
#[must_use]
pub fn in_words(line: &Line, today: NaiveDate) -> (String, String) {
    pages::in_words(Locale::En, line, today)
}
