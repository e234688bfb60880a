//! Civil time: working days, holidays, and the instant at which a wall clock shows a given time.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use chrono::{DateTime, Datelike, Days, NaiveDate, NaiveTime, TimeDelta, TimeZone, Utc, Weekday};
use chrono_tz::Tz;

/// Days of the week, as a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Weekdays(u8);

/// The names used in settings and the API, Monday first.
pub const DAY_NAMES: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

impl Weekdays {
    /// Monday to Friday.
    pub const MON_TO_FRI: Self = Self(0b001_1111);

    /// The set of the given days.
    #[must_use]
    pub fn of(days: impl IntoIterator<Item = Weekday>) -> Self {
        Self(days.into_iter().fold(0, |set, day| set | 1 << day.num_days_from_monday()))
    }

    /// Reads `mon,tue,…`; `None` for an unknown name or an empty set.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut set = 0;
        for name in text.split(',').map(str::trim) {
            set |= 1 << DAY_NAMES.iter().position(|day| *day == name)?;
        }
        (set != 0).then_some(Self(set))
    }

    /// Whether `day` is in the set.
    #[must_use]
    pub const fn contains(self, day: Weekday) -> bool {
        self.0 & (1 << day.num_days_from_monday()) != 0
    }

    /// The names of its days, Monday first.
    #[must_use]
    pub fn names(self) -> Vec<&'static str> {
        DAY_NAMES
            .iter()
            .enumerate()
            .filter(|(n, _)| self.0 & (1 << n) != 0)
            .map(|(_, name)| *name)
            .collect()
    }
}

impl std::fmt::Display for Weekdays {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.names().join(","))
    }
}

/// A workspace's working days and holidays. Business days are counted with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Calendar {
    /// Days of the week on which the workspace works.
    pub working_days: Weekdays,
    /// Dates on which it does not, whatever the weekday.
    pub holidays: BTreeSet<NaiveDate>,
}

impl Default for Calendar {
    fn default() -> Self {
        Self { working_days: Weekdays::MON_TO_FRI, holidays: BTreeSet::new() }
    }
}

impl Calendar {
    /// Whether the workspace works on `date`.
    #[must_use]
    pub fn is_working_day(&self, date: NaiveDate) -> bool {
        self.working_days.contains(date.weekday()) && !self.holidays.contains(&date)
    }

    /// The first working day on or after `date`. A calendar without any (all days holidays for over a year) gives `date` itself.
    #[must_use]
    pub fn roll_forward(&self, date: NaiveDate) -> NaiveDate {
        days_from(date).take(400).find(|day| self.is_working_day(*day)).unwrap_or(date)
    }

    /// The first working day after `date`.
    #[must_use]
    pub fn next_working_day(&self, date: NaiveDate) -> NaiveDate {
        self.roll_forward(next_day(date))
    }

    /// Working days in `(from, to]`; negative when `to` lies before `from`. The unit of the waiting ladder.
    #[must_use]
    pub fn business_days_between(&self, from: NaiveDate, to: NaiveDate) -> i64 {
        match to.cmp(&from) {
            Ordering::Less => return -self.business_days_between(to, from),
            Ordering::Equal => return 0,
            Ordering::Greater => {}
        }
        let days = (to - from).num_days();
        let weeks = days / 7;
        let per_week = i64::try_from(self.working_days.names().len()).unwrap_or(7);
        let rest = days_from(next_day(from))
            .skip(usize::try_from(weeks * 7).unwrap_or(usize::MAX))
            .take(usize::try_from(days % 7).unwrap_or_default())
            .filter(|day| self.working_days.contains(day.weekday()))
            .count();
        let holidays = self
            .holidays
            .range(next_day(from)..=to)
            .filter(|day| self.working_days.contains(day.weekday()))
            .count();
        weeks * per_week + i64::try_from(rest).unwrap_or_default()
            - i64::try_from(holidays).unwrap_or_default()
    }

    /// The date of the `n`-th business day after `from` (`n` ≥ 1), so that [`Calendar::business_days_between`] is `n` there.
    #[must_use]
    pub fn nth_business_day_after(&self, from: NaiveDate, n: u32) -> NaiveDate {
        let mut date = from;
        for _ in 0..n {
            date = self.next_working_day(date);
        }
        date
    }
}

/// `date`, the day after, and so on, up to the end of the calendar.
fn days_from(date: NaiveDate) -> impl Iterator<Item = NaiveDate> {
    std::iter::successors(Some(date), |day| day.checked_add_days(Days::new(1)))
}

/// The day after `date`; the last date that exists has none and stays.
#[must_use]
pub fn next_day(date: NaiveDate) -> NaiveDate {
    add_days(date, 1)
}

/// `date` plus `days` (may be negative), clamped to the dates that exist.
#[must_use]
pub fn add_days(date: NaiveDate, days: i64) -> NaiveDate {
    date.checked_add_signed(TimeDelta::try_days(days).unwrap_or_default()).unwrap_or(if days < 0 {
        NaiveDate::MIN
    } else {
        NaiveDate::MAX
    })
}

/// The first instant at which a clock in `zone` shows `time` on `date`, or, where that time is skipped, the first instant after the gap.
#[must_use]
pub fn instant(zone: Tz, date: NaiveDate, time: NaiveTime) -> DateTime<Utc> {
    let wall = date.and_time(time);
    if let Some(found) = zone.from_local_datetime(&wall).earliest() {
        return found.with_timezone(&Utc);
    }
    // A gap: no zone has ever jumped by more than a day. Find the first instant whose wall time is not before the wish, to the second.
    let (mut before, mut after) =
        (wall.and_utc() - TimeDelta::hours(38), wall.and_utc() + TimeDelta::hours(38));
    while after - before > TimeDelta::seconds(1) {
        let middle = before + TimeDelta::seconds((after - before).num_seconds() / 2);
        if zone.from_utc_datetime(&middle.naive_utc()).naive_local() < wall {
            before = middle;
        } else {
            after = middle;
        }
    }
    after
}

/// Every instant at which a clock in `zone` comes to `time` on `date`: one, two where the clock is set back over it. A time that is
/// skipped counts as the end of the gap.
#[must_use]
pub fn occurrences(zone: Tz, date: NaiveDate, time: NaiveTime) -> Vec<DateTime<Utc>> {
    let first = instant(zone, date, time);
    let last = zone.from_local_datetime(&date.and_time(time)).latest();
    let last = last.map(|at| at.with_timezone(&Utc)).filter(|last| *last != first);
    [first].into_iter().chain(last).collect()
}

/// Whether `date` occurs in `zone`: a zone that crosses the date line leaves one out.
#[must_use]
pub fn exists(zone: Tz, date: NaiveDate) -> bool {
    local_date(zone, instant(zone, date, NaiveTime::MIN)) == date
}

/// The date that a clock in `zone` shows at `at`.
#[must_use]
pub fn local_date(zone: Tz, at: DateTime<Utc>) -> NaiveDate {
    at.with_timezone(&zone).date_naive()
}

/// A half-open span of the day, `[from, until)`; it wraps midnight when `until` ≤ `from`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DaySpan {
    /// First minute inside.
    pub from: NaiveTime,
    /// First minute outside.
    pub until: NaiveTime,
}

impl DaySpan {
    /// 09:00 to 18:00.
    pub const OFFICE: Self = Self { from: hm(9, 0), until: hm(18, 0) };

    /// Whether `time` is inside.
    #[must_use]
    pub fn contains(self, time: NaiveTime) -> bool {
        if self.from < self.until {
            self.from <= time && time < self.until
        } else {
            time >= self.from || time < self.until
        }
    }
}

/// A time of day known to exist.
#[must_use]
pub const fn hm(hour: u32, minute: u32) -> NaiveTime {
    match NaiveTime::from_hms_opt(hour, minute, 0) {
        Some(time) => time,
        None => NaiveTime::MIN,
    }
}

/// Reads `07:00`; seconds are not accepted.
#[must_use]
pub fn parse_time(text: &str) -> Option<NaiveTime> {
    let time = NaiveTime::parse_from_str(text, "%H:%M").ok()?;
    // The parser would let blanks and signs pass.
    (time.format("%H:%M").to_string() == text).then_some(time)
}
