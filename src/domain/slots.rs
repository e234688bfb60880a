//! When something may arrive: the slots of digests, quiet hours, working hours.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use chrono_tz::Tz;

use super::calendar::{
    Calendar, DaySpan, Weekdays, add_days, exists, instant, local_date, next_day, occurrences,
    parse_time,
};
use super::facts::{Person, Workspace};

/// Hour at which a digest that has not gone out is dropped, in the recipient's zone.
pub const DIGEST_DEADLINE: &str = "18:00";

/// When digests are due for one person: on which dates, at what local time.
#[derive(Clone, Debug)]
pub struct Slots<'a> {
    calendar: &'a Calendar,
    days: Weekdays,
    time: chrono::NaiveTime,
    zone: Tz,
    /// First date that has a slot: the person is out of office before.
    back: Option<NaiveDate>,
}

impl<'a> Slots<'a> {
    /// The slots of `person` in `workspace`.
    #[must_use]
    pub fn of(workspace: &'a Workspace, person: &Person) -> Self {
        Self {
            calendar: &workspace.calendar,
            days: person.digest_days.unwrap_or(workspace.calendar.working_days),
            time: person.digest_time.unwrap_or(workspace.digest_time),
            zone: person.zone,
            back: person.out_of_office_until,
        }
    }

    /// The slots of `workspace` itself, for what belongs to nobody.
    #[must_use]
    pub fn of_workspace(workspace: &'a Workspace) -> Self {
        Self {
            calendar: &workspace.calendar,
            days: workspace.calendar.working_days,
            time: workspace.digest_time,
            zone: workspace.zone,
            back: None,
        }
    }

    /// Whether a digest is due on `date`: a working day, chosen itself or the first one after a chosen day off.
    fn is_slot(&self, date: NaiveDate) -> bool {
        let works = |date| self.calendar.is_working_day(date) && exists(self.zone, date);
        if !works(date) || self.back.is_some_and(|back| date < back) {
            return false;
        }
        let mut day = date;
        loop {
            if self.days.contains(chrono::Datelike::weekday(&day)) {
                return true;
            }
            day = add_days(day, -1);
            if works(day) || (date - day).num_days() > 7 {
                return false;
            }
        }
    }

    /// The instant of the slot on `date`.
    #[must_use]
    pub fn at(&self, date: NaiveDate) -> DateTime<Utc> {
        instant(self.zone, date, self.time)
    }

    /// The first slot strictly after `after`, or `None` where the calendar has no working day for over a year.
    #[must_use]
    pub fn next(&self, after: DateTime<Utc>) -> Option<(NaiveDate, DateTime<Utc>)> {
        let mut date = self.from(local_date(self.zone, after));
        for _ in 0..800 {
            if self.is_slot(date) && self.at(date) > after {
                return Some((date, self.at(date)));
            }
            date = next_day(date);
        }
        None
    }

    /// The newest slot at or before `at`, not looking further back than two years.
    #[must_use]
    pub fn newest(&self, at: DateTime<Utc>) -> Option<(NaiveDate, DateTime<Utc>)> {
        // A clock set back over midnight shows yesterday again after today's slot.
        let mut date = next_day(local_date(self.zone, at));
        for _ in 0..800 {
            if self.is_slot(date) && self.at(date) <= at {
                return Some((date, self.at(date)));
            }
            date = add_days(date, -1);
        }
        None
    }

    /// `date`, or the first day back if that is later.
    fn from(&self, date: NaiveDate) -> NaiveDate {
        self.back.map_or(date, |back| back.max(date))
    }

    /// The first slot at or after `from` whose date is not before `date`.
    #[must_use]
    pub fn first(
        &self,
        date: NaiveDate,
        from: DateTime<Utc>,
    ) -> Option<(NaiveDate, DateTime<Utc>)> {
        let midnight = instant(self.zone, date, chrono::NaiveTime::MIN);
        self.next(midnight.max(from) - TimeDelta::milliseconds(1))
    }

    /// How many slots lie in `[from, to)`.
    #[must_use]
    pub fn count(&self, from: DateTime<Utc>, to: DateTime<Utc>) -> usize {
        let mut date = self.from(local_date(self.zone, from));
        let last = next_day(local_date(self.zone, to));
        let mut count = 0;
        while date <= last {
            let at = self.at(date);
            if self.is_slot(date) && from <= at && at < to {
                count += 1;
            }
            date = next_day(date);
        }
        count
    }

    /// When the digest of `date` is given up: 18:00 local, or an hour after a slot that is later than that.
    #[must_use]
    pub fn deadline(&self, date: NaiveDate) -> DateTime<Utc> {
        let evening = instant(self.zone, date, parse_time(DIGEST_DEADLINE).unwrap_or_default());
        let slot = self.at(date);
        if slot < evening { evening } else { slot + TimeDelta::hours(1) }
    }
}

/// The end of the quiet hours that `at` falls into, if it does.
#[must_use]
pub fn quiet_until(person: &Person, at: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let span = person.quiet_hours?;
    let local = at.with_timezone(&person.zone);
    if !span.contains(local.time()) {
        return None;
    }
    let today = local.date_naive();
    let ends: Vec<_> = (0..3)
        .map(|days| add_days(today, days))
        .flat_map(|date| occurrences(person.zone, date, span.until))
        .filter(|end| *end > at)
        .collect();
    // A clock that jumps may land in the quiet hours again; hours that never end are left at their first end.
    let quiet = |end: &DateTime<Utc>| span.contains(end.with_timezone(&person.zone).time());
    ends.iter().copied().find(|end| !quiet(end)).or(ends.first().copied())
}

/// The first instant at or after `from` inside `person`'s working hours and outside their quiet hours, within a year.
#[must_use]
pub fn next_working_hour(
    ws: &Workspace,
    person: &Person,
    from: DateTime<Utc>,
) -> Option<DateTime<Utc>> {
    let mut at = from;
    for _ in 0..800 {
        let local = at.with_timezone(&person.zone);
        let date = local.date_naive();
        let tomorrow =
            || instant(person.zone, ws.calendar.next_working_day(date), chrono::NaiveTime::MIN);
        at = if !ws.calendar.is_working_day(date) {
            tomorrow()
        } else if person.working_hours.contains(local.time()) {
            match quiet_until(person, at) {
                None => return Some(at),
                Some(end) => end,
            }
        } else {
            let opens = occurrences(person.zone, date, person.working_hours.from);
            opens.into_iter().find(|opens| *opens > at).unwrap_or_else(tomorrow)
        };
    }
    None
}

/// When a nudge that may go out from `at` is given up: the end of the next working day's working hours.
#[must_use]
pub fn nudge_deadline(ws: &Workspace, person: &Person, at: DateTime<Utc>) -> DateTime<Utc> {
    let next = ws.calendar.next_working_day(local_date(person.zone, at));
    let DaySpan { from, until } = person.working_hours;
    let date = if until <= from { next_day(next) } else { next };
    instant(person.zone, date, until)
}
