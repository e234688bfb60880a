//! What a change of phase, state or waiting flag entails (`product.md` §1 and §3): the coupling of the three, the instants the server
//! owns, the holds that stop the ladders, and whose mode stands behind what.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use chrono_tz::Tz;

use super::calendar::local_date;
use super::facts::Hold;
use super::values::{Mode, Phase, State};

/// A hold shorter than this cannot cover a whole date, not even one of 23 hours, and is not kept.
const SHORTEST_HOLD: TimeDelta = TimeDelta::hours(23);

/// The part of an onboarding that moves together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Course {
    /// Where it stands.
    pub phase: Phase,
    /// How it goes.
    pub state: State,
    /// Whether the customer owes the next step.
    pub waiting_on_customer: bool,
    /// Since when.
    pub waiting_since: Option<DateTime<Utc>>,
    /// Date, in the workspace's zone, on which the newest waiting episode began; kept when it ends.
    pub waiting_began_on: Option<NaiveDate>,
    /// When it entered `completed`, while it is there.
    pub completed_at: Option<DateTime<Utc>>,
    /// When it entered its phase.
    pub phase_entered_at: DateTime<Utc>,
    /// When it entered its state.
    pub state_entered_at: DateTime<Utc>,
    /// Start of the open hold.
    pub held_since: Option<DateTime<Utc>>,
    /// Closed holds of this phase entry that may cover a whole date.
    pub holds: Vec<Hold>,
    /// Highest stalled step dealt with in this phase entry.
    pub stalled_step: i64,
    /// Highest waiting step dealt with in this episode.
    pub waiting_step: i64,
    /// Mode of the last writer of the phase.
    pub phase_mode: Mode,
    /// Mode of the last writer of the waiting flag.
    pub waiting_mode: Mode,
}

/// What a writer asks for; what is `None` was not sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wish {
    /// The phase to enter.
    pub phase: Option<Phase>,
    /// The state to enter.
    pub state: Option<State>,
    /// The waiting flag.
    pub waiting_on_customer: Option<bool>,
}

impl Course {
    /// The course of a new onboarding.
    #[must_use]
    pub fn begin(phase: Phase, state: State, zone: Tz, mode: Mode, now: DateTime<Utc>) -> Self {
        let waiting = state == State::Waiting;
        Self {
            phase,
            state,
            waiting_on_customer: waiting,
            waiting_since: waiting.then_some(now),
            waiting_began_on: waiting.then(|| local_date(zone, now)),
            completed_at: phase.is_terminal().then_some(now),
            phase_entered_at: now,
            state_entered_at: now,
            held_since: (waiting || state == State::Paused).then_some(now),
            holds: Vec::new(),
            stalled_step: 0,
            waiting_step: 0,
            phase_mode: mode,
            waiting_mode: mode,
        }
    }

    /// The course after a write by a key of `mode`.
    #[must_use]
    pub fn apply(&self, wish: Wish, zone: Tz, mode: Mode, now: DateTime<Utc>) -> Self {
        let (state, waiting) = self.couple(wish);
        let mut next = self.clone();
        next.enter_state(state, now);
        next.wait(waiting, zone, now);
        next.hold(now);
        if let Some(phase) = wish.phase {
            next.enter_phase(phase, now);
            next.phase_mode = mode;
        }
        // Who sends a value has written it, also when it was there already: this is how a live key lifts a test key's write.
        if wish.waiting_on_customer.is_some()
            || wish.state == Some(State::Waiting)
            || waiting != self.waiting_on_customer
        {
            next.waiting_mode = mode;
        }
        next
    }

    /// State and flag after the wish.
    fn couple(&self, wish: Wish) -> (State, bool) {
        let asked = wish.waiting_on_customer;
        match (self.state, wish.state) {
            (_, Some(State::Waiting)) => (State::Waiting, true),
            (State::Waiting, Some(other)) => (other, asked.unwrap_or(false)),
            (_, Some(other)) => (other, asked.unwrap_or(self.waiting_on_customer)),
            (State::Waiting, None) if asked == Some(false) => (State::Active, false),
            (current, None) => (current, asked.unwrap_or(self.waiting_on_customer)),
        }
    }

    fn enter_state(&mut self, state: State, now: DateTime<Utc>) {
        if state != self.state {
            self.state = state;
            self.state_entered_at = now;
        }
    }

    fn wait(&mut self, waiting: bool, zone: Tz, now: DateTime<Utc>) {
        if waiting == self.waiting_on_customer {
            return;
        }
        self.waiting_on_customer = waiting;
        self.waiting_since = waiting.then_some(now);
        if waiting {
            // Several toggles a day count as one episode, or each would start the ladder, and its messages, anew.
            let today = local_date(zone, now);
            if self.waiting_began_on != Some(today) {
                self.waiting_step = 0;
            }
            self.waiting_began_on = Some(today);
        }
    }

    fn hold(&mut self, now: DateTime<Utc>) {
        let held = self.waiting_on_customer || self.state == State::Paused;
        match (self.held_since, held) {
            (None, true) => self.held_since = Some(now),
            (Some(from), false) => {
                self.held_since = None;
                if now - from >= SHORTEST_HOLD {
                    self.holds.push(Hold { from, until: now });
                }
            }
            _ => {}
        }
    }

    fn enter_phase(&mut self, phase: Phase, now: DateTime<Utc>) {
        if phase == self.phase {
            return;
        }
        self.phase = phase;
        self.phase_entered_at = now;
        self.completed_at = phase.is_terminal().then_some(now);
        self.stalled_step = 0;
        self.holds.clear();
        // Days in phase count from the entry, so a hold that goes on starts with it.
        self.held_since = self.held_since.map(|_| now);
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeZone;
    use rstest::rstest;

    use super::*;

    fn at(day: u32, hour: u32) -> DateTime<Utc> {
        Utc.with_ymd_and_hms(2026, 6, day, hour, 0, 0).unwrap()
    }

    fn course(state: State, waiting: bool) -> Course {
        let mut course = Course::begin(Phase::Review, State::Active, Tz::UTC, Mode::Live, at(1, 8));
        course.state = state;
        course.waiting_on_customer = waiting;
        course.waiting_since = waiting.then(|| at(1, 8));
        course.waiting_began_on = waiting.then(|| at(1, 8).date_naive());
        course.held_since = (waiting || state == State::Paused).then(|| at(1, 8));
        course
    }

    fn set(state: Option<State>, waiting_on_customer: Option<bool>) -> Wish {
        Wish { state, waiting_on_customer, phase: None }
    }

    fn enter(phase: Phase) -> Wish {
        Wish { phase: Some(phase), ..Wish::default() }
    }

    #[rstest]
    #[case::state_waiting_sets_the_flag(
        State::Active,
        false,
        Some(State::Waiting),
        None,
        State::Waiting,
        true
    )]
    #[case::also_against_an_explicit_false(
        State::Active,
        false,
        Some(State::Waiting),
        Some(false),
        State::Waiting,
        true
    )]
    #[case::the_flag_alone_leaves_the_state(
        State::AtRisk,
        false,
        None,
        Some(true),
        State::AtRisk,
        true
    )]
    #[case::flag_off_while_waiting_becomes_active(
        State::Waiting,
        true,
        None,
        Some(false),
        State::Active,
        false
    )]
    #[case::flag_off_with_another_state_takes_it(
        State::Waiting,
        true,
        Some(State::Paused),
        Some(false),
        State::Paused,
        false
    )]
    #[case::leaving_waiting_clears_the_flag(
        State::Waiting,
        true,
        Some(State::AtRisk),
        None,
        State::AtRisk,
        false
    )]
    #[case::unless_the_same_patch_sets_it(
        State::Waiting,
        true,
        Some(State::Active),
        Some(true),
        State::Active,
        true
    )]
    #[case::another_state_keeps_a_flag_set_alone(
        State::Active,
        true,
        Some(State::AtRisk),
        None,
        State::AtRisk,
        true
    )]
    #[case::waiting_again_stays(
        State::Waiting,
        true,
        Some(State::Waiting),
        None,
        State::Waiting,
        true
    )]
    #[case::the_flag_again_stays(State::Waiting, true, None, Some(true), State::Waiting, true)]
    #[case::nothing_asked_nothing_done(State::Paused, false, None, None, State::Paused, false)]
    fn state_and_flag_are_coupled(
        #[case] state: State,
        #[case] waiting: bool,
        #[case] new_state: Option<State>,
        #[case] flag: Option<bool>,
        #[case] expected_state: State,
        #[case] expected_flag: bool,
    ) {
        let next =
            course(state, waiting).apply(set(new_state, flag), Tz::UTC, Mode::Live, at(5, 8));
        assert_eq!((next.state, next.waiting_on_customer), (expected_state, expected_flag));
        let since = match (waiting, expected_flag) {
            (true, true) => Some(at(1, 8)),
            (false, true) => Some(at(5, 8)),
            (_, false) => None,
        };
        assert_eq!(next.waiting_since, since);
        let entered = if state == expected_state { at(1, 8) } else { at(5, 8) };
        assert_eq!(next.state_entered_at, entered);
    }

    #[rstest]
    #[case::active(State::Active, false, None)]
    #[case::paused(State::Paused, false, Some(at(1, 8)))]
    #[case::waiting(State::Waiting, true, Some(at(1, 8)))]
    fn a_new_onboarding_starts_its_clocks(
        #[case] state: State,
        #[case] waiting: bool,
        #[case] held: Option<DateTime<Utc>>,
    ) {
        let course = Course::begin(Phase::Review, state, Tz::UTC, Mode::Test, at(1, 8));
        assert_eq!((course.waiting_on_customer, course.held_since), (waiting, held));
        assert_eq!((course.phase_mode, course.waiting_mode), (Mode::Test, Mode::Test));
        assert_eq!(course.completed_at, None);
    }

    #[test]
    fn completed_at_is_set_on_entering_and_cleared_on_leaving() {
        let done = course(State::Active, false).apply(
            enter(Phase::Completed),
            Tz::UTC,
            Mode::Live,
            at(5, 8),
        );
        assert_eq!(done.completed_at, Some(at(5, 8)));
        let again = done.apply(enter(Phase::Completed), Tz::UTC, Mode::Live, at(6, 8));
        assert_eq!(again.completed_at, Some(at(5, 8)));
        let back = again.apply(enter(Phase::Launch), Tz::UTC, Mode::Live, at(7, 8));
        assert_eq!(back.completed_at, None);
    }

    #[test]
    fn a_phase_entry_starts_anew_and_restarts_an_open_hold() {
        let mut waiting = course(State::Active, true);
        waiting.stalled_step = 2;
        waiting.holds.push(Hold { from: at(1, 0), until: at(3, 0) });
        let next = waiting.apply(enter(Phase::Launch), Tz::UTC, Mode::Live, at(5, 8));
        assert_eq!(next.phase_entered_at, at(5, 8));
        assert_eq!((next.stalled_step, next.holds.len()), (0, 0));
        assert_eq!(next.held_since, Some(at(5, 8)));
        assert_eq!(next.waiting_since, Some(at(1, 8)));
    }

    #[test]
    fn a_hold_that_ends_with_the_phase_is_forgotten() {
        let wish = Wish {
            phase: Some(Phase::Launch),
            state: Some(State::Active),
            waiting_on_customer: None,
        };
        let next = course(State::Paused, false).apply(wish, Tz::UTC, Mode::Live, at(9, 8));
        assert_eq!((next.held_since, next.holds.len()), (None, 0));
    }

    #[rstest]
    #[case::too_short_for_a_date(at(2, 6), 0)]
    #[case::long_enough_for_a_short_date(at(2, 7), 1)]
    fn a_closed_hold_is_kept_if_it_may_cover_a_date(
        #[case] end: DateTime<Utc>,
        #[case] kept: usize,
    ) {
        let next = course(State::Paused, false).apply(
            set(Some(State::Active), None),
            Tz::UTC,
            Mode::Live,
            end,
        );
        assert_eq!((next.held_since, next.holds.len()), (None, kept));
    }

    #[test]
    fn paused_while_waiting_is_one_hold() {
        let both = course(State::Active, true).apply(
            set(Some(State::Paused), None),
            Tz::UTC,
            Mode::Live,
            at(3, 8),
        );
        assert_eq!(both.held_since, Some(at(1, 8)));
        let paused = both.apply(set(None, Some(false)), Tz::UTC, Mode::Live, at(4, 8));
        assert_eq!(paused.held_since, Some(at(1, 8)));
    }

    #[rstest]
    #[case::same_date_goes_on(Tz::UTC, at(1, 23), 2)]
    #[case::next_date_starts_anew(Tz::UTC, at(2, 1), 0)]
    #[case::the_workspaces_date_counts(Tz::Asia__Tokyo, at(1, 16), 0)]
    fn several_toggles_a_day_count_as_one(
        #[case] zone: Tz,
        #[case] again: DateTime<Utc>,
        #[case] step: i64,
    ) {
        let mut waiting = course(State::Active, true);
        waiting.waiting_step = 2;
        let off = waiting.apply(set(None, Some(false)), zone, Mode::Live, at(1, 9));
        let on = off.apply(set(None, Some(true)), zone, Mode::Live, again);
        assert_eq!((on.waiting_step, on.waiting_since), (step, Some(again)));
    }

    #[rstest]
    #[case::sending_the_phase(enter(Phase::Review), Mode::Test, Mode::Live)]
    #[case::sending_the_flag(set(None, Some(false)), Mode::Live, Mode::Test)]
    #[case::waiting_by_state(set(Some(State::Waiting), None), Mode::Live, Mode::Test)]
    #[case::another_state(set(Some(State::AtRisk), None), Mode::Live, Mode::Live)]
    fn the_last_writer_of_a_field_lends_it_its_mode(
        #[case] wish: Wish,
        #[case] phase: Mode,
        #[case] waiting: Mode,
    ) {
        let next = course(State::Active, false).apply(wish, Tz::UTC, Mode::Test, at(5, 8));
        assert_eq!((next.phase_mode, next.waiting_mode), (phase, waiting));
    }
}
