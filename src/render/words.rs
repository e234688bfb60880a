//! Small words: names, counts, dates. Whatever must stay together is joined by a no-break space, which [`plain`] undoes where there is no HTML.

use std::borrow::Cow;

use chrono::{Datelike, NaiveDate, NaiveTime};
use unicode_width::UnicodeWidthChar;

/// Holds a date or a count together when a line is wrapped.
pub(super) const NBSP: char = '\u{a0}';

/// A name as typed, made safe to stand in any of our lines: one line, without controls, without marks that turn the text around it.
pub(super) fn name(raw: &str) -> String {
    or(raw, "(no name)")
}

/// `raw` cleaned as a [`name`], or `otherwise` when nothing visible is left.
pub(super) fn or(raw: &str, otherwise: &str) -> String {
    let mut clean = String::with_capacity(raw.len());
    for c in raw.chars().filter(|c| !is_invisible(*c)) {
        if c.is_control() || c.is_whitespace() {
            if !clean.is_empty() && !clean.ends_with(' ') {
                clean.push(' ');
            }
        } else {
            clean.push(c);
        }
    }
    clean.truncate(clean.trim_end().len());
    if clean.chars().any(|c| c != ' ' && c.width().unwrap_or_default() > 0) {
        clean
    } else {
        otherwise.to_owned()
    }
}

/// Marks that change direction, and those that only hide. The joiners stay: emoji and some scripts are spelt with them.
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// The name by which a person is spoken to: the first word, unless that is a title or an initial.
pub(super) fn first_name(clean: &str) -> &str {
    match clean.split_once(' ') {
        Some((first, _)) if !first.ends_with('.') && first.chars().count() > 1 => first,
        _ => clean,
    }
}

/// Ordinary spaces throughout.
pub(super) fn plain(text: &str) -> Cow<'_, str> {
    if text.contains(NBSP) { Cow::Owned(text.replace(NBSP, " ")) } else { Cow::Borrowed(text) }
}

/// The first letter as a capital.
pub(super) fn capital(text: &str) -> String {
    let mut rest = text.chars();
    rest.next().map_or_else(String::new, |first| first.to_uppercase().chain(rest).collect())
}

/// `singular` as it goes with `n`: all our nouns take an "s" at the end.
pub(super) fn noun(n: i64, singular: &str) -> String {
    if n == 1 { singular.to_owned() } else { format!("{singular}s") }
}

/// "1 business day", "2 business days".
pub(super) fn count(n: i64, singular: &str) -> String {
    format!("{n} {}", noun(n, singular))
}

/// The number of lines as the other words count.
pub(super) fn int(n: usize) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

/// "a", "a and b", "a, b and c".
pub(super) fn listed(items: &[String]) -> String {
    match items {
        [] => String::new(),
        [only] => only.clone(),
        [head @ .., last] => format!("{} and {last}", head.join(", ")),
    }
}

pub(super) const DAYS: [&str; 7] =
    ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// "Wednesday".
pub(super) fn weekday(date: NaiveDate) -> &'static str {
    DAYS[date.weekday() as usize]
}

/// "Fri 4 Dec"; with the year when it is not `today`'s.
pub(super) fn day(date: NaiveDate, today: NaiveDate) -> String {
    if date.year() == today.year() {
        format!(
            "{}{NBSP}{}{NBSP}{}",
            &weekday(date)[..3],
            date.day(),
            MONTHS[date.month0() as usize]
        )
    } else {
        full_day(date)
    }
}

/// "Tue 17 Nov 2026".
pub(super) fn full_day(date: NaiveDate) -> String {
    format!(
        "{}{NBSP}{}{NBSP}{}{NBSP}{}",
        &weekday(date)[..3],
        date.day(),
        MONTHS[date.month0() as usize],
        date.year()
    )
}

/// "10:40".
pub(super) fn clock(time: NaiveTime) -> String {
    time.format("%H:%M").to_string()
}

/// The date of an earlier digest, as one says it: "yesterday", "Friday", "Mon 2 Nov".
pub(super) fn earlier(then: NaiveDate, today: NaiveDate) -> String {
    match (today - then).num_days() {
        ..=0 => "earlier today".to_owned(),
        1 => "yesterday".to_owned(),
        2..=6 => weekday(then).to_owned(),
        _ => day(then, today),
    }
}

/// When something changed that the digest of `then` still showed otherwise: "yesterday", "since Friday".
pub(super) fn in_the_meantime(then: NaiveDate, today: NaiveDate) -> String {
    match (today - then).num_days() {
        ..=1 => earlier(then, today),
        _ => format!("since {}", earlier(then, today)),
    }
}

/// Days of the week as a reader says them: "Monday to Friday", "Monday, Wednesday and Friday", "every day".
pub(super) fn weekdays(days: &[&str]) -> String {
    let indices: Vec<usize> = days
        .iter()
        .filter_map(|day| crate::domain::calendar::DAY_NAMES.iter().position(|name| name == day))
        .collect();
    match indices.as_slice() {
        [] => "on no day".to_owned(),
        all if all.len() == 7 => "every day".to_owned(),
        [first, .., last] if indices.len() > 2 && last - first + 1 == indices.len() => {
            format!("{} to {}", DAYS[*first], DAYS[*last])
        }
        some => listed(&some.iter().map(|day| DAYS[*day].to_owned()).collect::<Vec<_>>()),
    }
}
