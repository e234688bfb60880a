//! Dates, days of the week, times. They hold together by no-break spaces, which `words::plain` undoes where there is no HTML.

use chrono::{Datelike, NaiveDate, NaiveTime};

use super::super::words::NBSP;
use super::{fixed, phrases};
use crate::domain::calendar::DAY_NAMES;
use crate::domain::values::Locale;

const DAYS: [[&str; 7]; 2] = [
    ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"],
    ["Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag", "Sonntag"],
];
const MONTHS: [[&str; 12]; 2] = [
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"],
    [
        "Jan.", "Feb.", "März", "Apr.", "Mai", "Juni", "Juli", "Aug.", "Sept.", "Okt.", "Nov.",
        "Dez.",
    ],
];

impl Locale {
    /// Days of the week, Monday first.
    pub(crate) const fn days(self) -> [&'static str; 7] {
        DAYS[self as usize]
    }

    /// "Wednesday".
    pub(crate) fn weekday(self, date: NaiveDate) -> &'static str {
        self.days()[date.weekday() as usize]
    }

    /// "Fri 4 Dec"; with the year when it is not `today`'s.
    pub(crate) fn day(self, date: NaiveDate, today: NaiveDate) -> String {
        let weekday = self.weekday(date);
        let month = MONTHS[self as usize][date.month0() as usize];
        let day = date.day();
        let said = match self {
            Self::En => format!("{}{NBSP}{day}{NBSP}{month}", &weekday[..3]),
            Self::De => format!("{}.,{NBSP}{day}.{NBSP}{month}", &weekday[..2]),
        };
        if date.year() == today.year() { said } else { format!("{said}{NBSP}{}", date.year()) }
    }

    /// "Tue 17 Nov 2026".
    pub(crate) fn full_day(self, date: NaiveDate) -> String {
        format!("{}{NBSP}{}", self.day(date, date), date.year())
    }

    /// The date of an earlier digest, as one says it: "yesterday", "Friday", "Mon 2 Nov".
    pub(crate) fn earlier(self, then: NaiveDate, today: NaiveDate) -> String {
        match (today - then).num_days() {
            ..=0 => self.earlier_today().to_owned(),
            1 => self.yesterday().to_owned(),
            2..=6 => self.weekday(then).to_owned(),
            _ => self.day(then, today),
        }
    }

    /// When something changed that the digest of `then` still showed otherwise: "yesterday", "since Friday".
    pub(crate) fn in_the_meantime(self, then: NaiveDate, today: NaiveDate) -> String {
        let earlier = self.earlier(then, today);
        if (today - then).num_days() <= 1 { earlier } else { self.since(&earlier) }
    }

    /// "today", "tomorrow", "in 3 days".
    pub(crate) fn in_days(self, days: i64) -> String {
        match days {
            ..=0 => self.today().to_owned(),
            1 => self.tomorrow().to_owned(),
            _ => self.in_time(&self.count_after(days, super::Noun::Day)),
        }
    }

    /// Days of the week as a reader says them: "Monday to Friday", "Monday, Wednesday and Friday", "every day".
    pub(crate) fn weekdays(self, days: &[&str]) -> String {
        let names = self.days();
        let indices: Vec<usize> =
            days.iter().filter_map(|day| DAY_NAMES.iter().position(|name| name == day)).collect();
        match indices.as_slice() {
            [] => self.on_no_day().to_owned(),
            all if all.len() == 7 => self.every_day().to_owned(),
            [first, .., last] if indices.len() > 2 && last - first + 1 == indices.len() => {
                self.stretch(names[*first], names[*last])
            }
            some => self.listed(&some.iter().map(|day| names[*day].to_owned()).collect::<Vec<_>>()),
        }
    }
}

/// "10:40".
pub(in crate::render) fn clock(time: NaiveTime) -> String {
    time.format("%H:%M").to_string()
}

fixed! {
    /// Of a digest on the same day.
    fn earlier_today { En => "earlier today", De => "heute früher" }
    /// The day before.
    fn yesterday { En => "yesterday", De => "gestern" }
    /// This day.
    fn today { En => "today", De => "heute" }
    /// The next day.
    fn tomorrow { En => "tomorrow", De => "morgen" }
    /// No days at all.
    fn on_no_day { En => "on no day", De => "an keinem Tag" }
    /// All seven.
    fn every_day { En => "every day", De => "jeden Tag" }
}

phrases! {
    /// From then on.
    fn since(then: &str) { En => "since {then}", De => "seit {then}" }
    /// So much later.
    fn in_time(time: &str) { En => "in {time}", De => "in {time}" }
    /// So much earlier.
    fn ago(time: &str) { En => "{time} ago", De => "vor {time}" }
    /// A stretch of days.
    fn stretch(first: &str, last: &str) { En => "{first} to {last}", De => "{first} bis {last}" }
    /// On a day of the week, or on a date.
    fn on(day: &str) { En => "on {day}", De => "am {day}" }
    /// A time of day, today.
    fn at(time: &str) { En => "at {time}", De => "um {time} Uhr" }
    /// A day and a time.
    fn on_at(day: &str, time: &str) { En => "on {day} at {time}", De => "am {day} um {time} Uhr" }
}
