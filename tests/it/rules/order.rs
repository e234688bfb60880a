//! What a digest says, and in which order.

use pivotal_reminders::domain::digest::{
    Digest, Frame, Group, Item, Seen, Totals, build, line, seen,
};
use pivotal_reminders::domain::facts::Onboarding;
use pivotal_reminders::domain::values::{Phase, State};
use proptest::prelude::*;
use rstest::rstest;

use super::{at, date, onboarding, person, waiting, workspace};

/// Wednesday, 10 June 2026.
const TODAY: &str = "2026-06-10";

fn named(number: i64, o: Onboarding) -> (Onboarding, Option<Seen>) {
    (Onboarding { id: format!("onb_{number}"), display_id: number, ..o }, None)
}

fn digest(items: &[(Onboarding, Option<Seen>)]) -> Digest {
    let frame = Frame {
        notification_id: "ntf_1",
        date: date(TODAY),
        at: at("2026-06-10T07:00:00Z"),
        totals: Totals::default(),
        escalation: None,
        meanwhile: None,
    };
    let item = |(o, before): &(Onboarding, Option<Seen>)| Item {
        onboarding: o.clone(),
        before: before.clone(),
        absent: None,
    };
    build(&workspace(), &person(), &frame, &items.iter().map(item).collect::<Vec<_>>())
}

fn entered(when: &str) -> Onboarding {
    Onboarding { phase_entered_at: at(when), ..onboarding() }
}

fn fresh() -> Onboarding {
    entered("2026-06-09T12:00:00Z")
}

fn launching(on: &str) -> Onboarding {
    Onboarding { launch_date: Some(date(on)), ..fresh() }
}

fn at_risk(since: &str) -> Onboarding {
    Onboarding { state: State::AtRisk, state_entered_at: at(since), ..fresh() }
}

#[test]
fn waiting_comes_first_then_at_risk_stalled_launch_and_the_rest_each_by_urgency() {
    let items = [
        named(1, fresh()),
        named(2, launching("2026-06-17")),
        named(3, entered("2026-06-02T12:00:00Z")),
        named(4, at_risk("2026-06-09T12:00:00Z")),
        named(5, waiting("2026-06-08T12:00:00Z")),
        named(6, waiting("2026-06-02T12:00:00Z")),
        named(7, launching("2026-06-01")),
        named(8, entered("2026-05-20T12:00:00Z")),
        named(9, at_risk("2026-06-03T12:00:00Z")),
        named(10, launching("2026-06-18")),
    ];
    let digest = digest(&items);
    let order: Vec<i64> = digest.lines().map(|line| line.display_id).collect();
    assert_eq!(order, [6, 5, 9, 4, 8, 3, 7, 2, 1, 10]);
    let groups: Vec<Group> = digest.groups.iter().map(|(group, _)| *group).collect();
    assert_eq!(groups, Group::ALL);
    assert_eq!(digest.tally, [2, 2, 2, 2, 2]);
}

#[rstest]
#[case::waiting_over_all(Onboarding { state: State::AtRisk, launch_date: Some(date("2026-06-01")), ..waiting("2026-06-09T12:00:00Z") }, Group::Waiting)]
#[case::at_risk_over_stalled(Onboarding { state: State::AtRisk, ..entered("2026-05-01T12:00:00Z") }, Group::AtRisk)]
#[case::stalled_over_launch(Onboarding { launch_date: Some(date("2026-06-01")), ..entered("2026-05-01T12:00:00Z") }, Group::Stalled)]
#[case::on_target_is_not_stalled(entered("2026-06-03T12:00:00Z"), Group::OnTrack)]
#[case::launch_in_seven_days(launching("2026-06-17"), Group::Launch)]
#[case::launch_in_eight_days(launching("2026-06-18"), Group::OnTrack)]
#[case::launch_passed(launching("2026-01-01"), Group::Launch)]
fn a_line_has_its_strongest_reason(#[case] o: Onboarding, #[case] expected: Group) {
    assert_eq!(line(&workspace(), &o, date(TODAY), None, None).group, expected);
}

#[test]
fn ages_are_business_days_and_calendar_days() {
    let line = line(&workspace(), &waiting("2026-06-03T22:00:00Z"), date(TODAY), None, None);
    assert_eq!((line.age.business, line.age.calendar), (5, 7));
    assert_eq!(line.since, Some(date("2026-06-03")));
}

#[test]
fn twenty_five_lines_are_shown_and_the_rest_is_counted() {
    let items: Vec<_> = (1..=40).map(|n| named(n, fresh())).collect();
    let digest = digest(&items);
    assert_eq!((digest.lines().count(), digest.more(), digest.total), (25, 15, 40));
}

#[test]
fn what_changed_since_the_last_digest_is_said() {
    let yesterday = date("2026-06-09");
    let before = seen(&workspace(), &fresh(), yesterday);
    let mut o = waiting("2026-06-09T15:00:00Z");
    o.phase = Phase::Launch;
    o.launch_date = Some(date("2026-07-01"));
    let change = line(&workspace(), &o, date(TODAY), Some(&before), None).change;
    assert!(change.regrouped && !change.first);
    assert_eq!(change.moved_from.as_deref(), Some("Review"));
    assert_eq!(change.launch_before, Some(None));
    assert_eq!(change.seen_on, Some(yesterday));
    let new = line(&workspace(), &o, date(TODAY), None, None).change;
    assert!(new.first);
}

proptest! {
    #[test]
    fn every_line_is_in_one_group_and_none_is_lost(states in proptest::collection::vec((0_u8..5, 1_u32..28), 0..60)) {
        let items: Vec<_> = states
            .iter()
            .zip(1..)
            .map(|(&(group, day), number)| {
                let then = format!("2026-05-{day:02}T12:00:00Z");
                named(number, match group {
                    0 => waiting(&then),
                    1 => at_risk(&then),
                    2 => entered(&then),
                    3 => launching(&format!("2026-06-{day:02}")),
                    _ => fresh(),
                })
            })
            .collect();
        let digest = digest(&items);
        prop_assert_eq!(digest.total, items.len());
        prop_assert_eq!(digest.tally.iter().sum::<usize>(), items.len());
        prop_assert_eq!(digest.lines().count() + digest.more(), items.len());
        prop_assert!(digest.lines().count() <= 25);
        let groups: Vec<_> = digest.lines().map(|line| line.group).collect();
        prop_assert!(groups.is_sorted());
        for (group, lines) in &digest.groups {
            prop_assert!(!lines.is_empty() && lines.iter().all(|line| line.group == *group));
            if matches!(group, Group::Waiting | Group::AtRisk | Group::Stalled) {
                prop_assert!(lines.is_sorted_by(|a, b| a.age.calendar >= b.age.calendar), "oldest first");
            }
        }
    }

    #[test]
    fn what_a_line_showed_is_read_from_its_text_as_it_was(
        day in 0_u64..3_000,
        group in proptest::sample::select(Group::ALL),
        figure in -400_i64..400,
        phase in proptest::sample::select(Phase::ALL),
        launch in proptest::option::of(0_u64..3_000),
    ) {
        let date = |days| date(TODAY) + chrono::Days::new(days);
        let seen = Seen { on: date(day), group, figure, phase, launch: launch.map(date) };
        prop_assert_eq!(Seen::read(&seen.to_string()), Some(seen));
    }
}
