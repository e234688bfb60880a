//! Words for pages and answers: names, dates and onboardings as messages say them.

use chrono::NaiveDate;

use super::{line, slack, words};
use crate::domain::digest::{Group, Line};

/// Days of the week, Monday first.
pub const WEEKDAYS: [&str; 7] = words::DAYS;

/// A name as typed, made safe to stand in any line of ours.
#[must_use]
pub fn name(raw: &str) -> String {
    words::name(raw)
}

/// "Fri 4 Dec"; with the year when it is not `today`'s.
#[must_use]
pub fn day(date: NaiveDate, today: NaiveDate) -> String {
    words::plain(&words::day(date, today)).into_owned()
}

/// "1 business day", "2 business days".
#[must_use]
pub fn count(n: i64, singular: &str) -> String {
    words::count(n, singular)
}

/// The first letter as a capital.
#[must_use]
pub fn capital(text: &str) -> String {
    words::capital(text)
}

/// Text as Slack's mrkdwn shows it literally.
#[must_use]
pub fn mrkdwn(text: &str) -> String {
    slack::escape(text)
}

/// What a group is called, with its shape: "● Waiting on customer".
#[must_use]
pub fn group(group: Group) -> String {
    let look = line::look(group);
    format!("{} {}", look.shape, look.title)
}

/// An onboarding as its figure ("15 business days (21 calendar)") and the sentences under it.
#[must_use]
pub fn in_words(line: &Line, today: NaiveDate) -> (String, String) {
    let said = line::Said::new(line, today, None);
    let figure = format!("{} {} {}", said.figure, said.unit, said.note());
    let sentences = [said.reason.clone(), said.launch_sentence()].join(" ");
    (figure, words::plain(&sentences).into_owned())
}
