//! Nudges: the two ladders, what stops them, when a nudge may go out.

use chrono::{DateTime, TimeDelta, Utc};
use pivotal_reminders::domain::calendar::{DaySpan, instant};
use pivotal_reminders::domain::decide::{
    Hold as Held, Step, next_nudge_at, nudge, step_due, step_reached,
};
use pivotal_reminders::domain::facts::{Channels, Hold, Onboarding, Person, Workspace};
use pivotal_reminders::domain::routing::Desk;
use pivotal_reminders::domain::slots::{next_working_hour, nudge_deadline};
use pivotal_reminders::domain::values::{Channel, Kind, Phase, Reason, State};
use proptest::prelude::*;
use rstest::rstest;

use super::civil::{calendar, day, wall, zone};
use super::{at, date, onboarding, person, span, waiting, workspace};

fn alone(person: &Person) -> Desk<'_> {
    Desk { person, backup: None }
}

fn rung(step: Option<Step>) -> Option<(Kind, i64, i64, bool)> {
    step.map(|step| (step.kind, step.number, step.days, step.last))
}

#[rstest]
#[case::on_target_is_not_stalled("2026-06-08", None)]
#[case::target_and_a_day("2026-06-09", Some((1, 8, false)))]
#[case::twice_the_target_not_yet("2026-06-15", Some((1, 8, false)))]
#[case::twice_and_a_day("2026-06-16", Some((2, 15, false)))]
#[case::three_times_and_a_day("2026-06-23", Some((3, 22, false)))]
#[case::then_every_seven_days("2026-06-30", Some((4, 29, false)))]
#[case::the_fifth("2026-07-07", Some((5, 36, false)))]
#[case::at_most_six("2026-07-14", Some((6, 43, true)))]
#[case::never_a_seventh("2027-01-01", Some((6, 43, true)))]
fn a_phase_stalls_at_these_days(#[case] today: &str, #[case] expected: Option<(i64, i64, bool)>) {
    let expected = expected.map(|(number, days, last)| (Kind::StalledPhase, number, days, last));
    assert_eq!(rung(step_reached(&workspace(), &onboarding(), date(today))), expected);
}

#[rstest]
#[case::second_business_day("2026-06-03", None)]
#[case::third("2026-06-04", Some((1, 3, false)))]
#[case::fifth("2026-06-08", Some((2, 5, false)))]
#[case::tenth("2026-06-15", Some((3, 10, false)))]
#[case::fifteenth("2026-06-22", Some((4, 15, true)))]
fn waiting_is_told_on_these_business_days(
    #[case] today: &str,
    #[case] expected: Option<(i64, i64, bool)>,
) {
    let expected =
        expected.map(|(number, days, last)| (Kind::WaitingOnCustomer, number, days, last));
    let waiting = waiting("2026-06-01T15:00:00Z");
    assert_eq!(rung(step_reached(&workspace(), &waiting, date(today))), expected);
}

#[test]
fn the_workspaces_own_target_counts() {
    let mut workspace = workspace();
    workspace.phases.get_mut(&Phase::Review).unwrap().target_days = 2;
    let reached = |day| rung(step_reached(&workspace, &onboarding(), date(day)));
    assert_eq!(reached("2026-06-03"), None);
    assert_eq!(reached("2026-06-04"), Some((Kind::StalledPhase, 1, 3, false)));
}

#[test]
fn a_step_that_was_dealt_with_is_not_due_again() {
    let mut o = onboarding();
    o.stalled_step = 1;
    assert_eq!(step_due(&workspace(), &o, date("2026-06-15")), None);
    assert_eq!(rung(step_due(&workspace(), &o, date("2026-06-16"))).unwrap().1, 2);
}

#[rstest]
#[case::since_entry(None, None, "2026-06-11", 10)]
#[case::the_day_of_entry_is_none(None, None, "2026-06-01", 0)]
#[case::less_dates_wholly_on_hold(Some(("2026-06-03T09:00:00Z", "2026-06-06T09:00:00Z")), None, "2026-06-11", 8)]
#[case::a_hold_within_two_dates_takes_none(Some(("2026-06-03T01:00:00Z", "2026-06-04T23:00:00Z")), None, "2026-06-11", 10)]
#[case::from_midnight_to_midnight_takes_one(Some(("2026-06-03T00:00:00Z", "2026-06-04T00:00:00Z")), None, "2026-06-11", 9)]
#[case::an_open_hold_takes_today_too(None, Some("2026-06-05T09:00:00Z"), "2026-06-11", 4)]
#[case::not_the_date_on_which_it_begins(None, Some("2026-06-11T09:00:00Z"), "2026-06-11", 10)]
#[case::a_hold_since_before_the_entry(None, Some("2026-05-01T09:00:00Z"), "2026-06-11", 0)]
fn days_in_phase_are_dates_since_entry_less_dates_wholly_on_hold(
    #[case] closed: Option<(&str, &str)>,
    #[case] open: Option<&str>,
    #[case] today: &str,
    #[case] expected: i64,
) {
    let mut o = onboarding();
    o.holds =
        closed.map(|(from, until)| Hold { from: at(from), until: at(until) }).into_iter().collect();
    o.held_since = open.map(at);
    assert_eq!(o.days_in_phase(chrono_tz::Tz::UTC, date(today)), expected);
}

#[test]
fn days_in_phase_are_counted_in_the_workspaces_zone() {
    let mut o = onboarding();
    o.phase_entered_at = at("2026-06-01T23:30:00Z");
    assert_eq!(o.days_in_phase(chrono_tz::Tz::UTC, date("2026-06-10")), 9);
    assert_eq!(o.days_in_phase(chrono_tz::Tz::Europe__Berlin, date("2026-06-10")), 8);
}

#[rstest]
#[case::both(true, true, Channels::ALL, Ok(Channel::Slack))]
#[case::slack_off(true, false, Channels::ALL, Ok(Channel::Email))]
#[case::mail_off(false, true, Channels::ALL, Ok(Channel::Slack))]
#[case::no_slack_here(true, true, Channels { email: true, slack: false }, Ok(Channel::Email))]
#[case::both_off(false, false, Channels::ALL, Err(Held::Because(Reason::ChannelOff)))]
#[case::only_slack_on_and_not_here(false, true, Channels { email: true, slack: false }, Err(Held::Because(Reason::ChannelOff)))]
fn a_nudge_goes_by_slack_else_by_mail(
    #[case] email: bool,
    #[case] slack: bool,
    #[case] channels: Channels,
    #[case] expected: Result<Channel, Held>,
) {
    let o = Onboarding { reminder_email: email, reminder_slack: slack, ..onboarding() };
    let decided = nudge(&person(), &o, Kind::StalledPhase, date("2026-06-09"), channels, &mut ());
    assert_eq!(decided, expected);
}

#[test]
fn somebody_who_switched_a_kind_off_is_not_nudged_with_it() {
    let person = Person { muted_kinds: vec![Kind::StalledPhase], ..person() };
    let decided =
        |kind| nudge(&person, &onboarding(), kind, date("2026-06-09"), Channels::ALL, &mut ());
    assert_eq!(decided(Kind::StalledPhase), Err(Held::Because(Reason::OptedOut)));
    assert_eq!(decided(Kind::WaitingOnCustomer), Ok(Channel::Slack));
}

#[rstest]
#[case::at_the_start_of_the_day_it_is_reached(
    onboarding(),
    "2026-06-02T10:00:00Z",
    Some("2026-06-09T09:00:00Z")
)]
#[case::at_once_if_it_was_reached_before(
    onboarding(),
    "2026-06-10T10:00:00Z",
    Some("2026-06-10T10:00:00Z")
)]
#[case::not_on_a_weekend(onboarding(), "2026-06-13T10:00:00Z", Some("2026-06-15T09:00:00Z"))]
#[case::waiting_counts_business_days(
    waiting("2026-06-05T10:00:00Z"),
    "2026-06-05T10:00:00Z",
    Some("2026-06-10T09:00:00Z")
)]
#[case::not_while_paused(Onboarding { state: State::Paused, ..onboarding() }, "2026-06-02T10:00:00Z", None)]
#[case::not_when_completed(Onboarding { phase: Phase::Completed, ..onboarding() }, "2026-06-02T10:00:00Z", None)]
#[case::not_after_the_last_step(Onboarding { stalled_step: 6, ..onboarding() }, "2026-06-02T10:00:00Z", None)]
#[case::when_the_snooze_ends(Onboarding { snoozed_until: Some("2026-06-12".parse().unwrap()), ..onboarding() }, "2026-06-02T10:00:00Z", Some("2026-06-12T09:00:00Z"))]
fn the_next_nudge_may_go_out(
    #[case] o: Onboarding,
    #[case] now: &str,
    #[case] expected: Option<&str>,
) {
    assert_eq!(next_nudge_at(&workspace(), Some(alone(&person())), &o, at(now)), expected.map(at));
}

#[rstest]
#[case::within("2026-06-01T09:00:00Z", "2026-06-01T09:00:00Z")]
#[case::before("2026-06-01T08:59:59Z", "2026-06-01T09:00:00Z")]
#[case::the_end_is_outside("2026-06-01T18:00:00Z", "2026-06-02T09:00:00Z")]
#[case::friday_evening("2026-06-05T18:00:00Z", "2026-06-08T09:00:00Z")]
#[case::quiet_at_noon("2026-06-01T12:30:00Z", "2026-06-01T13:00:00Z")]
fn a_nudge_waits_for_working_hours(#[case] from: &str, #[case] expected: &str) {
    let person = Person { quiet_hours: Some(span("12:00-13:00")), ..person() };
    assert_eq!(next_working_hour(&workspace(), &person, at(from)), Some(at(expected)));
}

#[test]
fn hours_that_end_when_they_begin_are_the_whole_day() {
    let person = Person { working_hours: span("09:00-09:00"), ..person() };
    for at in ["2026-06-01T00:00:00Z", "2026-06-01T09:00:00Z", "2026-06-05T23:59:00Z"].map(at) {
        assert_eq!(next_working_hour(&workspace(), &person, at), Some(at));
    }
    let saturday = next_working_hour(&workspace(), &person, at("2026-06-06T10:00:00Z"));
    assert_eq!(saturday, Some(at("2026-06-08T00:00:00Z")));
    let given_up = nudge_deadline(&workspace(), &person, at("2026-06-01T10:00:00Z"));
    assert_eq!(given_up, at("2026-06-03T09:00:00Z"), "the end of the hours that begin on Tuesday");
}

#[rstest]
#[case::monday("2026-06-01T10:00:00Z", "2026-06-02T18:00:00Z")]
#[case::friday("2026-06-05T10:00:00Z", "2026-06-08T18:00:00Z")]
fn a_nudge_is_given_up_at_the_end_of_the_next_working_day(#[case] from: &str, #[case] end: &str) {
    assert_eq!(nudge_deadline(&workspace(), &person(), at(from)), at(end));
}

proptest! {
    #[test]
    fn the_next_working_hour_is_the_first_minute_that_is_one(
        zone in zone(), calendar in calendar(), day in day(), minutes in 0_i64..1440,
        from in wall(), until in wall(), quiet in proptest::option::of((wall(), wall())),
    ) {
        prop_assume!(quiet.is_none_or(|(from, until)| from != until));
        let workspace = Workspace { calendar, ..workspace() };
        let hours = DaySpan { from, until };
        let quiet = quiet.map(|(from, until)| DaySpan { from, until });
        let person = Person { zone, working_hours: hours, quiet_hours: quiet, ..person() };
        let now = day.and_hms_opt(0, 0, 0).unwrap().and_utc() + TimeDelta::minutes(minutes);
        let open = |at: &DateTime<Utc>| {
            let local = at.with_timezone(&zone);
            workspace.calendar.is_working_day(local.date_naive())
                && hours.contains(local.time())
                && quiet.is_none_or(|quiet| !quiet.contains(local.time()))
        };
        let walked = (0..20_000).map(|n| now + TimeDelta::minutes(n)).find(open);
        if let Some(walked) = walked {
            prop_assert_eq!(next_working_hour(&workspace, &person, now), Some(walked));
        }
    }

    #[test]
    fn the_next_nudge_is_due_when_it_may_go_out_and_not_a_day_before(
        zone in zone(), calendar in calendar(), target in 1_i64..20, done in 0_i64..6, waits in any::<bool>(),
        days in 0_i64..60,
    ) {
        let mut workspace = Workspace { calendar, zone, ..workspace() };
        for settings in workspace.phases.values_mut() {
            settings.target_days = target;
        }
        let person = Person { zone, ..person() };
        let o = if waits { waiting("2026-06-01T12:00:00Z") } else { onboarding() };
        let o = Onboarding { stalled_step: done, waiting_step: done.min(3), ..o };
        let now = at("2026-06-01T12:00:00Z") + TimeDelta::days(days);
        if let Some(next) = next_nudge_at(&workspace, Some(alone(&person)), &o, now) {
            prop_assert!(next >= now);
            let today = next.with_timezone(&zone).date_naive();
            prop_assert!(step_due(&workspace, &o, today).is_some(), "due on {today}");
            // Whatever working moment lies between now and then, the step is not due in it.
            let mut day = now.with_timezone(&zone).date_naive();
            while day < today {
                let opens = instant(zone, day, person.working_hours.from).max(now);
                let inside = next_working_hour(&workspace, &person, opens) == Some(opens);
                prop_assert!(!inside || step_due(&workspace, &o, day).is_none(), "already on {day}");
                day += TimeDelta::days(1);
            }
        }
    }
}
