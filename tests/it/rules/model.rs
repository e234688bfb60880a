//! The rules against a model by brute force: years of random edits, lived through slot by slot and hour by hour, in memory.
//!
//! What runs is what the scheduler runs, `plan` with `transition`; what it is held against walks from date to date and knows nothing of
//! slots, hints or next dates.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Datelike, NaiveDate, TimeDelta, Utc, Weekday};
use chrono_tz::Tz;
use pivotal_reminders::domain::calendar::{Weekdays, exists, instant, local_date};
use pivotal_reminders::domain::facts::{Channels, Onboarding, Person, Workspace};
use pivotal_reminders::domain::plan::{self, Audience, Filed};
use pivotal_reminders::domain::routing::Desk;
use pivotal_reminders::domain::slots::Slots;
use pivotal_reminders::domain::transition::{Course, Wish};
use pivotal_reminders::domain::values::{Channel, Kind, Mode, NotificationState, Phase, State};
use proptest::prelude::*;

use super::civil::{calendar, wall, zone};
use super::{at, date, onboarding, person, workspace};

fn every_day() -> Weekdays {
    Weekdays::of((0..7).map(|n| Weekday::try_from(n).unwrap()))
}

/// A change of one onboarding's settings, some days after the start.
#[derive(Clone, Debug)]
struct Edit {
    hours: i64,
    which: usize,
    what: What,
}

#[derive(Clone, Debug)]
enum What {
    Frequency(i64),
    Email(bool),
    Slack(bool),
    Paused(bool),
    Snooze(i64),
    TestCsm(bool),
    Completed(bool),
}

fn edit(days: i64, onboardings: usize) -> impl Strategy<Value = Edit> {
    let what = prop_oneof![
        (1_i64..=30).prop_map(What::Frequency),
        any::<bool>().prop_map(What::Email),
        any::<bool>().prop_map(What::Slack),
        any::<bool>().prop_map(What::Paused),
        (1_i64..40).prop_map(What::Snooze),
        any::<bool>().prop_map(What::TestCsm),
        any::<bool>().prop_map(What::Completed),
    ];
    (0..days * 24, 0..onboardings, what).prop_map(|(hours, which, what)| Edit {
        hours,
        which,
        what,
    })
}

impl Edit {
    fn apply(&self, o: &mut Onboarding, now: DateTime<Utc>) {
        match self.what {
            What::Frequency(days) => o.frequency_days = days,
            What::Email(on) => o.reminder_email = on,
            What::Slack(on) => o.reminder_slack = on,
            What::Paused(on) => o.state = if on { State::Paused } else { State::Active },
            What::Snooze(days) => o.snoozed_until = Some(now.date_naive() + TimeDelta::days(days)),
            What::TestCsm(on) => o.provenance.csm = if on { Mode::Test } else { Mode::Live },
            What::Completed(on) => o.phase = if on { Phase::Completed } else { Phase::Review },
        }
    }
}

type Digests = BTreeMap<(NaiveDate, Mode, Channel), BTreeSet<String>>;

/// What the passes write: one at every slot and at many other times, each edit at its hour.
fn lived(
    workspace: &Workspace,
    person: &Person,
    mut onboardings: Vec<Onboarding>,
    edits: &[Edit],
    start: DateTime<Utc>,
    days: i64,
) -> Result<Digests, TestCaseError> {
    let slots = Slots::of(workspace, person);
    let desk = Desk { person, backup: None };
    let mut pending = slots.next(start).map(|(_, at)| at);
    let mut digests = Digests::new();
    let mut edits = edits.iter().peekable();
    for hour in 0..days * 24 {
        let now = start + TimeDelta::hours(hour);
        while let Some(edit) = edits.next_if(|edit| edit.hours == hour) {
            edit.apply(&mut onboardings[edit.which], now);
        }
        // A pass at the slot itself, when it lies in this hour, and one at its end that must find nothing.
        while let Some(slot) = pending.filter(|slot| *slot < now + TimeDelta::hours(1)) {
            for again in [false, true] {
                let seen: Vec<Filed<'_>> = onboardings
                    .iter()
                    .filter(|o| o.created_at <= slot)
                    .map(|o| (o, desk))
                    .collect();
                let since = if again { slots.next(slot).map_or(slot, |(_, at)| at) } else { slot };
                for plan in plan::digests(workspace, person, since, &seen, slot, Channels::ALL) {
                    prop_assert!(!again, "a second pass at the same slot wrote {plan:?}");
                    prop_assert_eq!(plan.state, NotificationState::Scheduled);
                    let lines: BTreeSet<String> = plan.onboarding_ids.iter().cloned().collect();
                    for o in onboardings.iter_mut().filter(|o| lines.contains(&o.id)) {
                        prop_assert!(
                            plan.slot_date > local_date(person.zone, o.created_at),
                            "on the day of creation"
                        );
                        o.last_reminded_on = Some(plan.slot_date);
                    }
                    let key = (plan.slot_date, plan.mode, plan.channel);
                    prop_assert!(digests.insert(key, lines).is_none(), "two digests of {key:?}");
                }
            }
            pending = slots.next(slot).map(|(_, at)| at);
        }
    }
    Ok(digests)
}

/// The same by a walk over civil dates.
fn modelled(
    workspace: &Workspace,
    person: &Person,
    mut onboardings: Vec<Onboarding>,
    edits: &[Edit],
    start: DateTime<Utc>,
    days: i64,
) -> Digests {
    let mut digests = Digests::new();
    let mut last: BTreeMap<String, NaiveDate> = onboardings
        .iter()
        .map(|o| (o.id.clone(), o.created_at.with_timezone(&person.zone).date_naive()))
        .collect();
    let mut edits = edits.iter().peekable();
    let end = start + TimeDelta::days(days);
    let works = |date: NaiveDate| {
        workspace.calendar.working_days.contains(date.weekday())
            && !workspace.calendar.holidays.contains(&date)
            && exists(person.zone, date)
    };
    let chosen = person.digest_days.unwrap_or(workspace.calendar.working_days);
    let mut date = start.date_naive() - TimeDelta::days(30);
    let mut owed = false;
    while date < end.date_naive() + TimeDelta::days(3) {
        owed |= chosen.contains(date.weekday());
        let slot = instant(person.zone, date, person.digest_time.unwrap_or(workspace.digest_time));
        let today = date;
        date += TimeDelta::days(1);
        if !(owed && works(today)) {
            continue;
        }
        owed = false;
        if slot <= start || slot >= end {
            continue;
        }
        while let Some(edit) = edits.next_if(|e| start + TimeDelta::hours(e.hours) <= slot) {
            edit.apply(&mut onboardings[edit.which], start + TimeDelta::hours(edit.hours));
        }
        for o in &onboardings {
            let quiet = o.state == State::Paused
                || o.phase == Phase::Completed
                || o.snoozed_until.is_some_and(|until| today < until)
                || o.created_at > slot;
            let channel = match (person.digest_channel, o.reminder_email, o.reminder_slack) {
                (Channel::Email, true, _) | (Channel::Slack, true, false) => Channel::Email,
                (Channel::Slack, _, true) | (Channel::Email, false, true) => Channel::Slack,
                (_, false, false) => continue,
            };
            if !quiet && today >= last[&o.id] + TimeDelta::days(o.frequency_days) {
                last.insert(o.id.clone(), today);
                digests.entry((today, o.provenance.csm, channel)).or_default().insert(o.id.clone());
            }
        }
    }
    digests
}

fn cases(few: u32) -> ProptestConfig {
    let many = std::env::var("LONG_TESTS").is_ok();
    ProptestConfig::with_cases(if many { few * 10 } else { few })
}

proptest! {
    #![proptest_config(cases(24))]

    #[test]
    fn exactly_one_digest_per_recipient_channel_mode_and_local_date_with_something_due(
        zone in zone(), calendar in calendar(), digest_time in proptest::option::of(wall()),
        chosen in proptest::option::of(1_u8..128), by_slack in any::<bool>(), year in 0_i32..4,
        ages in proptest::collection::vec(0_i64..6000, 1..5), mut edits in proptest::collection::vec(edit(800, 4), 0..60),
    ) {
        // Around the days on which Apia lost one, Sao Paulo kept summer time, 2028 leaps, and now.
        let start = at(["2011-06-01T00:00:00Z", "2017-09-01T00:00:00Z", "2027-01-15T00:00:00Z", "2026-01-01T00:00:00Z"]
            [usize::try_from(year).unwrap()]);
        let days = 800;
        let workspace = Workspace { calendar, ..workspace() };
        let digest_days = chosen.map(|set| Weekdays::of(
            (0_u8..7).filter(|n| set & (1 << n) != 0).map(|n| Weekday::try_from(n).unwrap())));
        // Slots in the evening have deadlines of their own, tested elsewhere; quarter hours keep slots apart from edits.
        let digest_time = digest_time.map(|time| time.max(super::time("00:10")));
        let person = Person {
            zone,
            digest_time,
            digest_days,
            digest_channel: if by_slack { Channel::Slack } else { Channel::Email },
            ..person()
        };
        let onboardings: Vec<Onboarding> = ages.iter().zip(0..).map(|(hours, n)| Onboarding {
            id: format!("onb_{n}"),
            created_at: start + TimeDelta::hours(*hours) + TimeDelta::minutes(1),
            frequency_days: 1 + hours % 9,
            ..onboarding()
        }).collect();
        edits.retain(|edit| edit.which < onboardings.len());
        edits.sort_by_key(|edit| edit.hours);
        let lived = lived(&workspace, &person, onboardings.clone(), &edits, start, days)?;
        let modelled = modelled(&workspace, &person, onboardings, &edits, start, days);
        prop_assert_eq!(lived, modelled);
    }

    #[test]
    fn a_frequency_is_kept_in_civil_days_over_365_cycles(
        zone in zone(), digest_time in wall(), frequency in prop_oneof![Just(1_i64), Just(30), 2_i64..30],
        start in prop_oneof![Just("2027-12-20T12:00:00Z"), Just("2023-02-25T12:00:00Z"), Just("2012-03-01T12:00:00Z")],
    ) {
        let mut workspace = workspace();
        workspace.calendar.working_days = every_day();
        let person = Person { zone, digest_time: Some(digest_time), ..person() };
        let slots = Slots::of(&workspace, &person);
        let desk = Desk { person: &person, backup: None };
        let mut o = Onboarding { created_at: at(start), frequency_days: frequency, ..onboarding() };
        let created = local_date(zone, o.created_at);
        let mut next = slots.next(o.created_at);
        let mut cycles = 0;
        while cycles < 365 {
            let (_, slot) = next.unwrap();
            for plan in plan::digests(&workspace, &person, slot, &[(&o, desk)], slot, Channels::ALL) {
                cycles += 1;
                prop_assert_eq!(plan.slot_date, created + TimeDelta::days(frequency * cycles));
                o.last_reminded_on = Some(plan.slot_date);
            }
            next = slots.next(slot);
        }
    }
}

/// What somebody does to an onboarding's course, some hours after the start.
fn wish() -> impl Strategy<Value = Wish> {
    let phase = proptest::option::weighted(0.2, (0..Phase::ALL.len()).prop_map(|n| Phase::ALL[n]));
    let state = proptest::option::weighted(0.3, (0..State::ALL.len()).prop_map(|n| State::ALL[n]));
    let flag = proptest::option::weighted(0.3, any::<bool>());
    (phase, state, flag).prop_map(|(phase, state, waiting_on_customer)| Wish {
        phase,
        state,
        waiting_on_customer,
    })
}

fn follow(o: &mut Onboarding, course: &Course) {
    o.phase = course.phase;
    o.state = course.state;
    o.waiting_on_customer = course.waiting_on_customer;
    o.waiting_since = course.waiting_since;
    o.phase_entered_at = course.phase_entered_at;
    o.state_entered_at = course.state_entered_at;
    o.held_since = course.held_since;
    o.holds.clone_from(&course.holds);
}

proptest! {
    #![proptest_config(cases(24))]

    #[test]
    fn ladders_never_exceed_their_caps_and_waiting_and_stalled_never_come_together(
        zones in (zone(), zone()), calendar in calendar(), target in 1_i64..20,
        mut wishes in proptest::collection::vec((0_i64..500 * 24, wish()), 0..40),
    ) {
        let start = at("2027-10-01T08:00:00Z");
        let mut workspace = Workspace { calendar, zone: zones.0, ..workspace() };
        for settings in workspace.phases.values_mut() {
            settings.target_days = target;
        }
        let person = Person { zone: zones.1, ..person() };
        let audience = Audience {
            workspace: &workspace,
            recipient: Some(Desk { person: &person, backup: None }),
            escalation: None,
            contact: None,
            channels: Channels::ALL,
        };
        wishes.sort_by_key(|(hours, _)| *hours);
        let mut wishes = wishes.into_iter().peekable();
        let mut course = Course::begin(Phase::Review, State::Active, zones.0, Mode::Live, start);
        let mut o = Onboarding { created_at: start, ..onboarding() };
        // Steps sent per entry into a phase, and per local date on which waiting began.
        let mut stalled: BTreeMap<DateTime<Utc>, BTreeSet<i64>> = BTreeMap::new();
        let mut waiting: BTreeMap<NaiveDate, BTreeSet<i64>> = BTreeMap::new();
        let mut keys = BTreeSet::new();
        for hour in 0..500 * 24 {
            let now = start + TimeDelta::hours(hour);
            while let Some((_, wish)) = wishes.next_if(|(at, _)| *at == hour) {
                course = course.apply(wish, workspace.zone, Mode::Live, now);
            }
            follow(&mut o, &course);
            (o.stalled_step, o.waiting_step) = (course.stalled_step, course.waiting_step);
            let (plans, standing) = plan::nudges(&audience, &o, now);
            course.stalled_step = standing.stalled_step;
            course.waiting_step = standing.waiting_step;
            let sent = plans.iter().filter(|plan| plan.state == NotificationState::Scheduled);
            let sent: Vec<_> = sent.filter(|plan| keys.insert(plan.dedupe_key.clone())).collect();
            prop_assert!(sent.len() <= 1, "a burst: {sent:?}");
            for plan in sent {
                let (step, _) = plan.step.unwrap();
                prop_assert!(!o.phase.is_terminal() && o.state != State::Paused);
                prop_assert_eq!(plan.kind == Kind::WaitingOnCustomer, o.waiting_on_customer);
                if plan.kind == Kind::StalledPhase {
                    prop_assert!(stalled.entry(o.phase_entered_at).or_default().insert(step));
                } else {
                    let began = local_date(workspace.zone, o.waiting_since.unwrap());
                    prop_assert!(waiting.entry(began).or_default().insert(step));
                }
            }
        }
        prop_assert!(stalled.values().all(|steps| steps.len() <= 6));
        prop_assert!(waiting.values().all(|steps| steps.len() <= 4));
    }
}

#[test]
fn leap_day_and_year_end_are_days_like_others() {
    let mut workspace = workspace();
    workspace.calendar.working_days = every_day();
    let person = Person { zone: Tz::Europe__Berlin, ..person() };
    let slots = Slots::of(&workspace, &person);
    let desk = Desk { person: &person, backup: None };
    let mut o =
        Onboarding { created_at: at("2027-12-30T12:00:00Z"), frequency_days: 30, ..onboarding() };
    let mut dates = Vec::new();
    let mut slot = o.created_at;
    for _ in 0..125 {
        slot = slots.next(slot).unwrap().1;
        for plan in plan::digests(&workspace, &person, slot, &[(&o, desk)], slot, Channels::ALL) {
            o.last_reminded_on = Some(plan.slot_date);
            dates.push(plan.slot_date);
        }
    }
    assert_eq!(dates, ["2028-01-29", "2028-02-28", "2028-03-29", "2028-04-28"].map(date));
}
