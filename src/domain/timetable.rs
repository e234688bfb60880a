//! When what runs by the clock is due: cron expressions, seconds first, in UTC. Digests are not among it; their slots come from people's
//! civil dates (`slots`).

use std::str::FromStr;

use chrono::{DateTime, Utc};

use super::values::Schedule;

/// A cron expression of which it is known that it can be read and has a next time.
#[derive(Clone, Debug)]
pub struct Cron {
    text: String,
    schedule: cron::Schedule,
}

impl Cron {
    /// Reads an expression of six or seven fields: second, minute, hour, day of the month, month, day of the week, and maybe year. Refuses
    /// one that never comes after `now`. The error is a sentence without a subject.
    pub fn parse(text: &str, now: DateTime<Utc>) -> Result<Self, String> {
        const HOW: &str = "write second, minute, hour, day of month, month and day of week, such as \"0 7 * * * *\" for 7 minutes past every hour";
        let fields = text.split_whitespace().count();
        if !text.trim_start().starts_with('@') && !(6..=7).contains(&fields) {
            return Err(format!("has {fields} fields instead of 6 or 7; {HOW}"));
        }
        let schedule =
            cron::Schedule::from_str(text).map_err(|_| format!("cannot be read; {HOW}"))?;
        let cron = Self { text: text.to_owned(), schedule };
        if cron.next(now).is_none() {
            return Err("never comes; name a day that exists, in a year to come".to_owned());
        }
        Ok(cron)
    }

    /// The expression as it was written.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The first time after `at`.
    #[must_use]
    pub fn next(&self, at: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.schedule.after(&at).next()
    }
}

/// When each schedule is due.
#[derive(Clone, Debug)]
pub struct Timetable(Vec<(Schedule, Cron)>);

impl Timetable {
    /// A timetable of the expressions given.
    #[must_use]
    pub fn new(crons: Vec<(Schedule, Cron)>) -> Self {
        Self(crons)
    }

    /// Every schedule with its expression.
    pub fn iter(&self) -> impl Iterator<Item = (Schedule, &Cron)> {
        self.0.iter().map(|(schedule, cron)| (*schedule, cron))
    }

    /// The first time of a schedule after `at`; `None` if it has none any more.
    #[must_use]
    pub fn next(&self, schedule: Schedule, at: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.iter().find(|(known, _)| *known == schedule)?.1.next(at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn the_next_time_is_in_utc_and_strictly_after() {
        let cron = Cron::parse("0 7 * * * *", at("2026-11-25T14:07:00Z")).unwrap();
        assert_eq!(cron.next(at("2026-11-25T14:06:59.999Z")), Some(at("2026-11-25T14:07:00Z")));
        assert_eq!(cron.next(at("2026-11-25T14:07:00Z")), Some(at("2026-11-25T15:07:00Z")));
    }

    #[test]
    fn what_cannot_be_read_or_never_comes_is_refused() {
        let said = |text| Cron::parse(text, at("2026-11-25T14:00:00Z")).unwrap_err();
        assert!(said("* * * * *").starts_with("has 5 fields instead of 6 or 7; write"));
        assert!(said("").starts_with("has 0 fields"));
        assert!(said("a b c d e f").starts_with("cannot be read; write second"));
        assert_eq!(
            said("0 0 0 1 1 * 2020"),
            "never comes; name a day that exists, in a year to come"
        );
    }
}
