//! Civil time: where a wall clock jumps, and how business days are counted.

use chrono::{Days, NaiveDate, NaiveTime, TimeDelta, Timelike, Weekday};
use chrono_tz::Tz;
use pivotal_reminders::domain::calendar::{Calendar, Weekdays, instant};
use proptest::prelude::*;
use rstest::rstest;

use super::{at, date, time};

/// Zones that jump by an hour, at midnight, by half an hour, by a whole day, a minute after midnight, and never.
pub(super) const ZONES: [Tz; 7] = [
    Tz::Europe__Berlin,
    Tz::America__Sao_Paulo,
    Tz::Asia__Kathmandu,
    Tz::Pacific__Apia,
    Tz::Australia__Lord_Howe,
    Tz::America__St_Johns,
    Tz::UTC,
];

#[rstest]
#[case::berlin_in_winter("Europe/Berlin", "2026-01-15", "07:00", "2026-01-15T06:00:00Z")]
#[case::berlin_skips_an_hour("Europe/Berlin", "2026-03-29", "02:30", "2026-03-29T01:00:00Z")]
#[case::berlin_repeats_an_hour("Europe/Berlin", "2026-10-25", "02:30", "2026-10-25T00:30:00Z")]
#[case::sao_paulo_skips_midnight(
    "America/Sao_Paulo",
    "2018-11-04",
    "00:00",
    "2018-11-04T03:00:00Z"
)]
#[case::sao_paulo_repeats_the_hour_before(
    "America/Sao_Paulo",
    "2018-02-17",
    "23:30",
    "2018-02-18T01:30:00Z"
)]
#[case::kathmandu_is_a_quarter_off("Asia/Kathmandu", "2026-06-01", "07:00", "2026-06-01T01:15:00Z")]
#[case::kathmandu_skipped_a_quarter(
    "Asia/Kathmandu",
    "1986-01-01",
    "00:10",
    "1985-12-31T18:30:00Z"
)]
#[case::apia_skipped_a_whole_day("Pacific/Apia", "2011-12-30", "07:00", "2011-12-30T10:00:00Z")]
#[case::lord_howe_skips_half_an_hour(
    "Australia/Lord_Howe",
    "2026-10-04",
    "02:15",
    "2026-10-03T15:30:00Z"
)]
#[case::lord_howe_repeats_half_an_hour(
    "Australia/Lord_Howe",
    "2026-04-05",
    "01:45",
    "2026-04-04T14:45:00Z"
)]
fn a_skipped_wall_time_means_the_end_of_the_gap_and_a_repeated_one_the_first(
    #[case] zone: Tz,
    #[case] day: &str,
    #[case] wall: &str,
    #[case] expected: &str,
) {
    assert_eq!(instant(zone, date(day), time(wall)), at(expected));
}

#[rstest]
#[case::same_day("2026-06-01", "2026-06-01", 0)]
#[case::next_day("2026-06-01", "2026-06-02", 1)]
#[case::the_weekend_does_not_count("2026-06-05", "2026-06-08", 1)]
#[case::from_a_weekend("2026-06-06", "2026-06-08", 1)]
#[case::backwards("2026-06-08", "2026-06-05", -1)]
#[case::a_holiday_does_not_count("2026-06-01", "2026-06-05", 3)]
#[case::a_holiday_on_a_weekend_is_none("2026-06-05", "2026-06-15", 6)]
fn business_days_are_counted_after_the_first_day_up_to_the_last(
    #[case] from: &str,
    #[case] to: &str,
    #[case] expected: i64,
) {
    let holidays = [date("2026-06-03"), date("2026-06-06")].into();
    let calendar = Calendar { holidays, ..Calendar::default() };
    assert_eq!(calendar.business_days_between(date(from), date(to)), expected);
}

#[rstest]
#[case::before_a_weekend("2026-06-05", "2026-06-08")]
#[case::before_a_holiday("2026-06-02", "2026-06-04")]
#[case::not_the_day_itself("2026-06-01", "2026-06-02")]
fn the_next_working_day_is_after_weekends_and_holidays(#[case] day: &str, #[case] next: &str) {
    let calendar = Calendar { holidays: [date("2026-06-03")].into(), ..Calendar::default() };
    assert_eq!(calendar.next_working_day(date(day)), date(next));
}

/// A day between 1985 and 2035, more often than not near one on which a clock of [`ZONES`] jumped.
pub(super) fn day() -> impl Strategy<Value = NaiveDate> {
    let jumps = [
        "2026-03-29",
        "2026-10-25",
        "2018-11-04",
        "2018-02-17",
        "1986-01-01",
        "2011-12-30",
        "2026-10-04",
        "2026-04-05",
        "2009-11-01",
        "2010-03-14",
    ];
    let near = (0..jumps.len(), -3_i64..4)
        .prop_map(move |(jump, days)| date(jumps[jump]) + TimeDelta::days(days));
    let any = (0_u64..18_000).prop_map(|days| date("1985-06-01") + Days::new(days));
    prop_oneof![3 => near, 1 => any]
}

pub(super) fn wall() -> impl Strategy<Value = NaiveTime> {
    let edge =
        (0_usize..6).prop_map(|n| time(["00:00", "00:10", "01:45", "02:15", "02:30", "23:30"][n]));
    let any = (0_u32..1440)
        .prop_map(|minute| NaiveTime::from_hms_opt(minute / 60, minute % 60, 0).unwrap());
    prop_oneof![edge, any]
}

pub(super) fn zone() -> impl Strategy<Value = Tz> {
    (0..ZONES.len()).prop_map(|n| ZONES[n])
}

pub(super) fn calendar() -> impl Strategy<Value = Calendar> {
    let days = proptest::collection::btree_set(0_u8..7, 1..=7);
    let holidays = proptest::collection::btree_set(day(), 0..12);
    (days, holidays).prop_map(|(days, holidays)| {
        let days = days.into_iter().map(|day| Weekday::try_from(day).unwrap());
        Calendar { working_days: Weekdays::of(days), holidays }
    })
}

proptest! {
    #[test]
    fn an_instant_is_the_first_at_which_the_wall_clock_has_reached_the_wish(
        zone in zone(), day in day(), wall in wall(),
    ) {
        let wish = day.and_time(wall);
        let found = instant(zone, day, wall);
        let shown = |at: chrono::DateTime<chrono::Utc>| at.with_timezone(&zone).naive_local();
        prop_assert!(shown(found) >= wish);
        prop_assert!(shown(found - TimeDelta::seconds(1)) < wish);
        for minute in 1..40 * 60 {
            prop_assert!(shown(found - TimeDelta::minutes(minute)) < wish, "{minute} minutes before");
        }
        prop_assert_eq!(found.nanosecond(), 0);
    }

    #[test]
    fn business_days_agree_with_a_walk_from_day_to_day(
        calendar in calendar(), from in day(), length in 0_i64..200,
    ) {
        let to = from + TimeDelta::days(length);
        let walked = (1..=length)
            .filter(|n| calendar.is_working_day(from + TimeDelta::days(*n)))
            .count();
        let walked = i64::try_from(walked).unwrap();
        prop_assert_eq!(calendar.business_days_between(from, to), walked);
        prop_assert_eq!(calendar.business_days_between(to, from), -walked);
    }

    #[test]
    fn the_nth_business_day_is_the_first_date_with_n_business_days(
        calendar in calendar(), from in day(), n in 1_u32..20,
    ) {
        let found = calendar.nth_business_day_after(from, n);
        prop_assert_eq!(calendar.business_days_between(from, found), i64::from(n));
        let before = found - TimeDelta::days(1);
        prop_assert_eq!(calendar.business_days_between(from, before), i64::from(n) - 1);
    }
}
