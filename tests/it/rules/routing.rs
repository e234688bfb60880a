//! Who hears while somebody is out of office, and what they are told on coming back.

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use pivotal_reminders::domain::facts::{Onboarding, Person};
use pivotal_reminders::domain::meanwhile::{Changes, Edit, What, sum_up};
use pivotal_reminders::domain::routing::Desk;
use pivotal_reminders::domain::slots::{Slots, next_working_hour};
use pivotal_reminders::domain::values::{Phase, State};
use proptest::prelude::*;
use rstest::rstest;

use super::civil::{calendar, day, zone};
use super::{at, date, onboarding, person, waiting, workspace};

fn away(until: &str) -> Person {
    Person { out_of_office_until: (!until.is_empty()).then(|| date(until)), ..person() }
}

fn backup(until: &str, active: bool) -> Person {
    Person { id: "user_2".to_owned(), active, ..away(until) }
}

#[rstest]
#[case::present("", None, "2026-06-03T07:00:00Z", Some("user_1"))]
#[case::away_and_somebody_stands_in("2026-06-08", Some(("", true)), "2026-06-07T23:59:59Z", Some("user_2"))]
#[case::back_from_the_first_minute("2026-06-08", Some(("", true)), "2026-06-08T00:00:00Z", Some("user_1"))]
#[case::nobody_stands_in("2026-06-08", None, "2026-06-03T07:00:00Z", None)]
#[case::the_backup_is_away("2026-06-08", Some(("2026-06-04", true)), "2026-06-03T07:00:00Z", None)]
#[case::the_backup_is_back_first("2026-06-08", Some(("2026-06-04", true)), "2026-06-04T07:00:00Z", Some("user_2"))]
#[case::the_backup_was_deactivated("2026-06-08", Some(("", false)), "2026-06-03T07:00:00Z", None)]
fn the_one_who_hears(
    #[case] until: &str,
    #[case] stand_in: Option<(&str, bool)>,
    #[case] now: &str,
    #[case] expected: Option<&str>,
) {
    let person = away(until);
    let backup = stand_in.map(|(until, active)| backup(until, active));
    let desk = Desk { person: &person, backup: backup.as_ref() };
    assert_eq!(desk.hears(at(now)).map(|person| person.id.as_str()), expected);
}

#[test]
fn somebody_away_has_no_slot_before_the_first_day_back() {
    let (workspace, person) = (workspace(), away("2026-06-04"));
    let slots = Slots::of(&workspace, &person);
    assert_eq!(slots.newest(at("2026-06-03T12:00:00Z")), None);
    let first = slots.next(at("2026-06-01T00:00:00Z")).unwrap();
    assert_eq!(first, (date("2026-06-04"), at("2026-06-04T07:00:00Z")));
    assert_eq!(slots.count(at("2026-06-01T00:00:00Z"), at("2026-06-06T00:00:00Z")), 2);
    let far = away("2031-06-05");
    assert_eq!(
        Slots::of(&workspace, &far).next(at("2026-06-01T00:00:00Z")).unwrap().0,
        date("2031-06-05")
    );
}

proptest! {
    #[test]
    fn the_next_hour_at_a_desk_is_the_first_minute_that_is_one_of_whoever_hears_then(
        calendar in calendar(), zones in (zone(), zone()), day in day(), minutes in 0_i64..1440,
        absences in (proptest::option::of(-3_i64..8), proptest::option::of(-3_i64..8)), has_backup in any::<bool>(),
    ) {
        let workspace = pivotal_reminders::domain::facts::Workspace { calendar, ..workspace() };
        let away = |zone: Tz, days: Option<i64>| Person {
            zone,
            out_of_office_until: days.map(|days| day + TimeDelta::days(days)),
            ..person()
        };
        let person = away(zones.0, absences.0);
        let backup = Person { id: "user_2".to_owned(), ..away(zones.1, absences.1) };
        let desk = Desk { person: &person, backup: has_backup.then_some(&backup) };
        let now = day.and_hms_opt(0, 0, 0).unwrap().and_utc() + TimeDelta::minutes(minutes);
        let open = |at: &DateTime<Utc>| {
            let hears = desk.hears(*at)?;
            (next_working_hour(&workspace, hears, *at) == Some(*at)).then(|| hears.id.clone())
        };
        let walked = (0..2_000).map(|n| now + TimeDelta::minutes(n * 15)).find(|at| open(at).is_some());
        let found = desk.next_hour(&workspace, now);
        if let Some((at, hears)) = found {
            prop_assert!(at >= now);
            prop_assert_eq!(open(&at), Some(hears.id.clone()));
        }
        // The walk steps by a quarter of an hour and may be later, never earlier.
        if let Some(walked) = walked {
            let found = found.expect("an hour").0;
            prop_assert!(found <= walked && walked - found < TimeDelta::minutes(15), "{found} {walked}");
        }
    }
}

// --- the return ------------------------------------------------------------------------------------------------------------------

fn edit(when: &str, changes: Changes) -> Edit {
    Edit { by: "Jonas Reyl".to_owned(), at: at(when), changes }
}

fn phase(from: Phase, to: Phase) -> Changes {
    Changes { phase: Some((from, to)), ..Changes::default() }
}

fn flag(before: bool, after: bool) -> Changes {
    Changes { waiting_on_customer: Some((before, after)), ..Changes::default() }
}

fn risk() -> Changes {
    Changes { state: Some((State::Active, State::AtRisk)), ..Changes::default() }
}

fn told(o: &Onboarding, edits: &[Edit]) -> Option<(What, Option<String>)> {
    let (since, today) = (date("2026-06-05"), date("2026-06-15"));
    let summary = sum_up(&workspace(), since, today, None, [(o, edits)]);
    assert_eq!(summary.more(), 0);
    let event = summary.events.into_iter().next()?;
    Some((event.what, event.by.map(|(by, on)| format!("{by} {on}"))))
}

#[test]
fn the_strongest_thing_that_happened_is_told_of_each_onboarding() {
    let by = |day: &str| Some(format!("Jonas Reyl {day}"));
    let in_phase = |phase| Onboarding { phase, ..onboarding() };
    let moved = |from: &str, to: &str| What::Moved { from: from.to_owned(), to: to.to_owned() };
    let edits = [
        edit("2026-06-08T10:00:00Z", phase(Phase::ProgramDesign, Phase::Review)),
        edit("2026-06-10T10:00:00Z", phase(Phase::Review, Phase::Launch)),
    ];
    assert_eq!(
        told(&in_phase(Phase::Launch), &edits),
        Some((moved("Program design", "Launch"), by("2026-06-10"))),
        "from the first to the last"
    );
    let there_and_back = [
        edit("2026-06-08T10:00:00Z", phase(Phase::Review, Phase::Launch)),
        edit("2026-06-10T10:00:00Z", phase(Phase::Launch, Phase::Review)),
    ];
    assert_eq!(told(&onboarding(), &there_and_back), None);
    let done = [edit("2026-06-09T10:00:00Z", phase(Phase::Launch, Phase::Completed))];
    assert_eq!(told(&in_phase(Phase::Completed), &done), Some((What::Closed, by("2026-06-09"))));
    let answered = [edit("2026-06-09T10:00:00Z", flag(true, false))];
    assert_eq!(told(&onboarding(), &answered), Some((What::Answered, by("2026-06-09"))));
    let at_risk = Onboarding { state: State::AtRisk, ..onboarding() };
    let marked = [edit("2026-06-09T10:00:00Z", risk())];
    assert_eq!(told(&at_risk, &marked), Some((What::AtRisk, by("2026-06-09"))));
    let began = [edit("2026-06-09T10:00:00Z", flag(false, true))];
    assert_eq!(
        told(&waiting("2026-06-09T10:00:00Z"), &began),
        Some((What::Waits, by("2026-06-09")))
    );
    let Some((What::StillWaits(age), None)) = told(&waiting("2026-06-01T10:00:00Z"), &[]) else {
        panic!("it still waits");
    };
    assert_eq!((age.business, age.calendar), (10, 14));
    assert_eq!(told(&onboarding(), &[]), None);
}

#[test]
fn a_long_summary_names_ten_and_counts_the_rest() {
    let all: Vec<Onboarding> =
        (1..=13).map(|n| Onboarding { display_id: n, ..waiting("2026-06-01T10:00:00Z") }).collect();
    let none: &[Edit] = &[];
    let summary = sum_up(
        &workspace(),
        date("2026-06-05"),
        date("2026-06-15"),
        None,
        all.iter().map(|o| (o, none)),
    );
    assert_eq!(
        (summary.events.len(), summary.more(), summary.counts),
        (10, 3, [0, 0, 0, 0, 0, 13])
    );
}
