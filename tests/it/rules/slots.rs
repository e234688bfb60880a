//! When digests are due: slots, deadlines, quiet hours.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use chrono_tz::Tz;
use pivotal_reminders::domain::calendar::{Weekdays, exists, instant, local_date};
use pivotal_reminders::domain::facts::{Person, Workspace};
use pivotal_reminders::domain::slots::{Slots, quiet_until};
use proptest::prelude::*;
use rstest::rstest;

use super::civil::{calendar, day, wall, zone};
use super::{at, date, person, span, time, workspace};

fn somebody(zone: &str, time: &str, days: &str) -> Person {
    Person {
        zone: zone.parse().unwrap(),
        digest_time: (!time.is_empty()).then(|| super::time(time)),
        digest_days: Weekdays::parse(days),
        ..person()
    }
}

/// Monday to Friday, not on Wednesday, 3 June 2026.
fn office() -> Workspace {
    let mut workspace = workspace();
    workspace.calendar.holidays = [date("2026-06-03")].into();
    workspace
}

#[rstest]
#[case::seven_oclock_by_default("UTC", "", "", "2026-06-01T06:59:59Z", "2026-06-01T07:00:00Z")]
#[case::strictly_after("UTC", "", "", "2026-06-01T07:00:00Z", "2026-06-02T07:00:00Z")]
#[case::in_their_own_zone("Asia/Kathmandu", "", "", "2026-06-01T00:00:00Z", "2026-06-01T01:15:00Z")]
#[case::at_their_own_time("UTC", "16:45", "", "2026-06-01T07:00:00Z", "2026-06-01T16:45:00Z")]
#[case::a_weekend_rolls_to_monday("UTC", "", "", "2026-06-05T08:00:00Z", "2026-06-08T07:00:00Z")]
#[case::a_holiday_rolls_to_the_day_after(
    "UTC",
    "",
    "",
    "2026-06-02T08:00:00Z",
    "2026-06-04T07:00:00Z"
)]
#[case::on_their_own_days("UTC", "", "tue,fri", "2026-06-02T08:00:00Z", "2026-06-05T07:00:00Z")]
#[case::a_chosen_holiday_rolls("UTC", "", "wed", "2026-06-01T08:00:00Z", "2026-06-04T07:00:00Z")]
#[case::a_chosen_sunday_rolls_to_monday(
    "UTC",
    "",
    "sun",
    "2026-06-04T08:00:00Z",
    "2026-06-08T07:00:00Z"
)]
#[case::two_chosen_days_off_roll_to_one(
    "UTC",
    "",
    "sat,sun",
    "2026-06-08T08:00:00Z",
    "2026-06-15T07:00:00Z"
)]
#[case::a_skipped_hour(
    "Europe/Berlin",
    "02:30",
    "sun",
    "2026-03-28T12:00:00Z",
    "2026-03-30T00:30:00Z"
)]
fn the_next_slot(
    #[case] zone: &str,
    #[case] time: &str,
    #[case] days: &str,
    #[case] after: &str,
    #[case] expected: &str,
) {
    let (workspace, person) = (office(), somebody(zone, time, days));
    let slots = Slots::of(&workspace, &person);
    let (day, next) = slots.next(at(after)).unwrap();
    assert_eq!(next, at(expected));
    assert_eq!(day, local_date(person.zone, next));
    assert_eq!(slots.newest(next), Some((day, next)));
}

#[test]
fn the_workspaces_time_counts_for_whoever_chose_none() {
    let workspace = Workspace { digest_time: time("08:30"), ..workspace() };
    let person = person();
    let next = Slots::of(&workspace, &person).next(at("2026-06-01T00:00:00Z"));
    assert_eq!(next.map(|(_, at)| at), Some(at("2026-06-01T08:30:00Z")));
}

#[rstest]
#[case::eighteen_oclock("UTC", "07:00", "2026-06-01", "2026-06-01T18:00:00Z")]
#[case::local("Europe/Berlin", "07:00", "2026-06-01", "2026-06-01T16:00:00Z")]
#[case::an_hour_for_a_slot_in_the_evening("UTC", "20:15", "2026-06-01", "2026-06-01T21:15:00Z")]
fn a_digest_is_given_up_at_1800_local(
    #[case] zone: &str,
    #[case] time: &str,
    #[case] day: &str,
    #[case] expected: &str,
) {
    let (workspace, person) = (workspace(), somebody(zone, time, ""));
    assert_eq!(Slots::of(&workspace, &person).deadline(date(day)), at(expected));
}

#[rstest]
#[case::before("12:00-14:00", "2026-06-01T11:59:59Z", None)]
#[case::from_the_first_minute("12:00-14:00", "2026-06-01T12:00:00Z", Some("2026-06-01T14:00:00Z"))]
#[case::not_in_the_last("12:00-14:00", "2026-06-01T14:00:00Z", None)]
#[case::over_midnight("22:00-06:30", "2026-06-01T23:00:00Z", Some("2026-06-02T06:30:00Z"))]
#[case::after_midnight("22:00-06:30", "2026-06-02T05:00:00Z", Some("2026-06-02T06:30:00Z"))]
#[case::not_by_day("22:00-06:30", "2026-06-02T06:30:00Z", None)]
fn quiet_hours_last_until_their_end(
    #[case] hours: &str,
    #[case] now: &str,
    #[case] expected: Option<&str>,
) {
    let person = Person { quiet_hours: Some(span(hours)), ..person() };
    assert_eq!(quiet_until(&person, at(now)), expected.map(at));
}

/// The slots by a walk from date to date: a working day that was chosen, or the first working day after a chosen one.
fn walked(
    workspace: &Workspace,
    person: &Person,
    around: NaiveDate,
) -> Vec<(NaiveDate, DateTime<Utc>)> {
    // Apia never had 30 December 2011.
    let works = |day: NaiveDate| workspace.calendar.is_working_day(day) && exists(person.zone, day);
    let chosen = person.digest_days.unwrap_or(workspace.calendar.working_days);
    let mut owed = false;
    let mut slots = Vec::new();
    for day in (-60..60).map(|n| around + TimeDelta::days(n)) {
        owed |= chosen.contains(chrono::Datelike::weekday(&day));
        if owed && works(day) {
            slots.push((
                day,
                instant(person.zone, day, person.digest_time.unwrap_or(workspace.digest_time)),
            ));
            owed = false;
        }
    }
    slots
}

proptest! {
    #[test]
    fn next_newest_and_count_agree_with_a_walk_from_date_to_date(
        zone in zone(), calendar in calendar(), time in proptest::option::of(wall()), days in proptest::option::of(1_u8..128),
        around in day(), minutes in -3000_i64..3000, length in 0_i64..30_000,
    ) {
        let workspace = Workspace { calendar, ..workspace() };
        let weekdays = days.map(|set| Weekdays::of(
            (0_u8..7).filter(|n| set & (1 << n) != 0).map(|n| chrono::Weekday::try_from(n).unwrap())));
        let person = Person { zone, digest_time: time, digest_days: weekdays, ..person() };
        let slots = Slots::of(&workspace, &person);
        let all = walked(&workspace, &person, around);
        let now = around.and_hms_opt(12, 0, 0).unwrap().and_utc() + TimeDelta::minutes(minutes);
        prop_assert_eq!(slots.next(now), all.iter().copied().find(|(_, at)| *at > now));
        prop_assert_eq!(slots.newest(now), all.iter().copied().rfind(|(_, at)| *at <= now));
        let until = now + TimeDelta::minutes(length);
        let within = all.iter().filter(|(_, at)| now <= *at && *at < until).count();
        prop_assert_eq!(slots.count(now, until), within);
        // From a slot to a slot, which is how the scan counts the missed ones.
        if let (Some((_, from)), Some((_, to))) = (slots.newest(now), slots.newest(until)) {
            let within = all.iter().filter(|(_, at)| from <= *at && *at < to).count();
            prop_assert_eq!(slots.count(from, to), within);
        }
    }

    #[test]
    fn following_the_slots_gives_every_date_once_and_in_order(zone in zone(), time in wall(), around in day()) {
        let workspace = Workspace {
            calendar: pivotal_reminders::domain::calendar::Calendar {
                working_days: Weekdays::of((0..7).map(|n| chrono::Weekday::try_from(n).unwrap())),
                holidays: std::collections::BTreeSet::new(),
            },
            ..workspace()
        };
        let person = Person { zone, digest_time: Some(time), ..person() };
        let slots = Slots::of(&workspace, &person);
        let mut now = around.and_hms_opt(0, 0, 0).unwrap().and_utc() - TimeDelta::days(5);
        let mut last: Option<NaiveDate> = None;
        for _ in 0..10 {
            let (day, at) = slots.next(now).unwrap();
            prop_assert!(at > now);
            let next = |last: NaiveDate| {
                (1..3).map(|n| last + TimeDelta::days(n)).find(|day| exists(zone, *day)).unwrap()
            };
            prop_assert!(last.is_none_or(|last| next(last) == day), "{last:?} then {day}");
            (now, last) = (at, Some(day));
        }
    }

    #[test]
    fn quiet_hours_end_at_the_first_minute_that_is_not_quiet(
        zone in zone(), from in wall(), until in wall(), day in day(), minutes in 0_i64..1440,
    ) {
        prop_assume!(from != until);
        let hours = pivotal_reminders::domain::calendar::DaySpan { from, until };
        let person = Person { zone, quiet_hours: Some(hours), ..person() };
        let now = day.and_hms_opt(0, 0, 0).unwrap().and_utc() + TimeDelta::minutes(minutes);
        let quiet = |at: DateTime<Utc>| hours.contains(at.with_timezone(&zone).time());
        let end = (0..3000).map(|n| now + TimeDelta::minutes(n)).find(|at| !quiet(*at)).unwrap();
        prop_assert_eq!(quiet_until(&person, now).unwrap_or(now), end);
    }
}

#[test]
fn a_calendar_without_a_working_day_has_no_slot() {
    let mut workspace = workspace();
    workspace.calendar.working_days = Weekdays::of([chrono::Weekday::Mon]);
    let mut monday = date("2026-06-01");
    while monday < date("2029-06-01") {
        workspace.calendar.holidays.insert(monday);
        monday += TimeDelta::days(7);
    }
    let somebody = Person { zone: Tz::UTC, ..person() };
    assert_eq!(Slots::of(&workspace, &somebody).next(at("2026-06-01T00:00:00Z")), None);
}

#[rstest]
#[case::berlin_into_summer("Europe/Berlin", "2026-03-28", &["2026-03-28 06:00", "2026-03-29 05:00", "2026-03-30 05:00"])]
#[case::berlin_into_winter("Europe/Berlin", "2026-10-24", &["2026-10-24 05:00", "2026-10-25 06:00", "2026-10-26 06:00"])]
#[case::sao_paulo_skips_midnight("America/Sao_Paulo", "2018-11-03", &["2018-11-03 10:00", "2018-11-04 09:00", "2018-11-05 09:00"])]
#[case::sao_paulo_repeats_it("America/Sao_Paulo", "2018-02-17", &["2018-02-17 09:00", "2018-02-18 10:00", "2018-02-19 10:00"])]
#[case::kathmandu_moves_by_a_quarter("Asia/Kathmandu", "1985-12-31", &["1985-12-31 01:30", "1986-01-01 01:15", "1986-01-02 01:15"])]
#[case::apia_has_no_friday("Pacific/Apia", "2011-12-29", &["2011-12-29 17:00", "2011-12-30 17:00", "2011-12-31 17:00"])]
#[case::lord_howe_moves_by_half_an_hour("Australia/Lord_Howe", "2026-04-04", &["2026-04-03 20:00", "2026-04-04 20:30", "2026-04-05 20:30"])]
fn a_daily_digest_keeps_its_wall_time_and_misses_no_date_across_a_transition(
    #[case] zone: &str,
    #[case] first: &str,
    #[case] expected: &[&str],
) {
    let mut workspace = workspace();
    workspace.calendar.working_days =
        Weekdays::of((0..7).map(|n| chrono::Weekday::try_from(n).unwrap()));
    let person = somebody(zone, "", "");
    let slots = Slots::of(&workspace, &person);
    let mut from = instant(person.zone, date(first), chrono::NaiveTime::MIN);
    let mut found = Vec::new();
    for _ in 0..expected.len() {
        let (day, slot) = slots.next(from).unwrap();
        assert_eq!(slot.with_timezone(&person.zone).naive_local(), day.and_time(time("07:00")));
        found.push(slot.format("%Y-%m-%d %H:%M").to_string());
        from = slot;
    }
    assert_eq!(found, expected);
}
