//! Words for pages and answers: names, dates and onboardings as messages say them.

use chrono::{NaiveDate, NaiveDateTime};

use super::{line, slack, words};
use crate::domain::digest::{Group, Line};
use crate::domain::values::Locale;

pub(crate) use super::locale::Noun;

/// "Fri 4 Dec"; with the year when it is not `today`'s.
#[must_use]
pub fn day(t: Locale, date: NaiveDate, today: NaiveDate) -> String {
    words::plain(&t.day(date, today)).into_owned()
}

/// "at 08:57", with the day when it is not today.
#[must_use]
pub fn when(t: Locale, local: NaiveDateTime, today: NaiveDate) -> String {
    let time = super::locale::clock(local.time());
    if local.date() == today { t.at(&time) } else { t.on_at(&day(t, local.date(), today), &time) }
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
pub fn group(t: Locale, group: Group) -> String {
    format!("{} {}", line::look(group).shape, t.group(group))
}

/// An onboarding as its figure ("15 business days (21 calendar)") and the sentences under it.
#[must_use]
pub fn in_words(t: Locale, line: &Line, today: NaiveDate) -> (String, String) {
    let said = line::Said::new(t, line, today, None);
    let figure = format!("{} {} {}", said.figure, said.unit, said.note());
    let sentences = [said.reason.clone(), said.launch_sentence(t)].join(" ");
    (figure, words::plain(&sentences).into_owned())
}
