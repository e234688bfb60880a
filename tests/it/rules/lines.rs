//! Which onboardings a digest carries, on which channel, in which mode.

use pivotal_reminders::domain::decide::{Gate, Hold, digest_line, due_on};
use pivotal_reminders::domain::facts::{Channels, Onboarding, Person, Provenance};
use pivotal_reminders::domain::values::{
    Channel, CustomerStatus, Kind, Mode, Phase, Reason, State,
};
use rstest::rstest;

use super::{LIVE, at, date, onboarding, person, waiting};

const MAIL_ONLY: Channels = Channels { email: true, slack: false };
const SLACK_ONLY: Channels = Channels { email: false, slack: true };

fn decide(person: &Person, o: &Onboarding, day: &str, channels: Channels) -> Result<Channel, Hold> {
    digest_line(person, o, date(day), channels, &mut ())
}

#[rstest]
#[case::never_on_the_day_of_creation(1, None, "2026-06-01", false)]
#[case::daily_from_the_day_after(1, None, "2026-06-02", true)]
#[case::every_third_day_counts_from_creation(3, None, "2026-06-03", false)]
#[case::on_the_third(3, None, "2026-06-04", true)]
#[case::then_from_the_last_reminder(3, Some("2026-06-05"), "2026-06-07", false)]
#[case::three_days_later(3, Some("2026-06-05"), "2026-06-08", true)]
#[case::a_slot_after_the_due_date(3, Some("2026-06-05"), "2026-06-30", true)]
#[case::over_a_leap_day(30, Some("2028-01-31"), "2028-02-29", false)]
#[case::thirty_days_over_a_leap_day(30, Some("2028-01-31"), "2028-03-01", true)]
fn an_onboarding_is_due_its_frequency_after_its_last_reminder(
    #[case] frequency_days: i64,
    #[case] last: Option<&str>,
    #[case] slot: &str,
    #[case] due: bool,
) {
    let o = Onboarding { frequency_days, last_reminded_on: last.map(date), ..onboarding() };
    let expected = if due { Ok(Channel::Email) } else { Err(Hold::NotDue) };
    assert_eq!(decide(&person(), &o, slot, Channels::ALL), expected);
}

#[test]
fn the_day_of_creation_is_one_of_the_recipients_zone() {
    let o = Onboarding { created_at: at("2026-06-01T23:30:00Z"), ..onboarding() };
    assert_eq!(due_on(&o, chrono_tz::Tz::UTC), date("2026-06-02"));
    assert_eq!(due_on(&o, chrono_tz::Tz::Europe__Berlin), date("2026-06-03"));
    assert_eq!(due_on(&o, chrono_tz::Tz::America__Sao_Paulo), date("2026-06-02"));
}

#[test]
fn daily_reminders_do_not_drift_in_a_year() {
    for frequency_days in [1, 30] {
        let mut o = Onboarding { frequency_days, ..onboarding() };
        for _ in 0..365 {
            o.last_reminded_on = Some(due_on(&o, chrono_tz::Tz::UTC));
        }
        let days = (o.last_reminded_on.unwrap() - date("2026-06-01")).num_days();
        assert_eq!(days, 365 * frequency_days);
    }
}

#[rstest]
#[case::mail_by_default(Channel::Email, true, true, Channels::ALL, Some(Channel::Email))]
#[case::slack_if_preferred(Channel::Slack, true, true, Channels::ALL, Some(Channel::Slack))]
#[case::the_other_if_the_flag_is_off(
    Channel::Email,
    false,
    true,
    Channels::ALL,
    Some(Channel::Slack)
)]
#[case::the_other_if_unreachable(Channel::Slack, true, true, MAIL_ONLY, Some(Channel::Email))]
#[case::the_other_only_if_its_flag_is_on(Channel::Slack, false, true, MAIL_ONLY, None)]
#[case::none_if_both_flags_are_off(Channel::Email, false, false, Channels::ALL, None)]
#[case::mail_is_not_here(Channel::Email, true, true, SLACK_ONLY, Some(Channel::Slack))]
fn a_line_goes_by_the_preferred_channel_else_the_other(
    #[case] digest_channel: Channel,
    #[case] reminder_email: bool,
    #[case] reminder_slack: bool,
    #[case] channels: Channels,
    #[case] expected: Option<Channel>,
) {
    let person = Person { digest_channel, ..person() };
    let o = Onboarding { reminder_email, reminder_slack, ..onboarding() };
    let expected = expected.ok_or(Hold::Because(Reason::ChannelOff));
    assert_eq!(decide(&person, &o, "2026-06-02", channels), expected);
}

#[rstest]
#[case::a_flagged_address(Person { email_flagged: true, ..person() }, Some(Channel::Slack))]
#[case::no_slack_id(Person { slack_user_id: None, digest_channel: Channel::Slack, ..person() }, Some(Channel::Email))]
#[case::a_flagged_slack_id(Person { slack_flagged: true, digest_channel: Channel::Slack, ..person() }, Some(Channel::Email))]
#[case::neither(Person { email_flagged: true, slack_user_id: None, ..person() }, None)]
fn who_is_unreachable_on_one_channel_is_told_on_the_other(
    #[case] person: Person,
    #[case] expected: Option<Channel>,
) {
    let expected = expected.ok_or(Hold::Because(Reason::ChannelOff));
    assert_eq!(decide(&person, &onboarding(), "2026-06-02", Channels::ALL), expected);
}

#[rstest]
#[case::deleted(Onboarding { deleted: true, ..onboarding() }, Reason::Deleted)]
#[case::customer_deleted(Onboarding { customer_deleted: true, ..onboarding() }, Reason::CustomerInactive)]
#[case::churned(Onboarding { customer_status: CustomerStatus::Churned, ..onboarding() }, Reason::CustomerInactive)]
#[case::archived(Onboarding { customer_status: CustomerStatus::Archived, ..onboarding() }, Reason::CustomerInactive)]
#[case::completed(Onboarding { phase: Phase::Completed, ..onboarding() }, Reason::Completed)]
#[case::paused(Onboarding { state: State::Paused, ..onboarding() }, Reason::Paused)]
#[case::snoozed(Onboarding { snoozed_until: Some(date("2026-06-03")), ..onboarding() }, Reason::Snoozed)]
fn what_is_not_eligible_is_not_in_the_digest(#[case] o: Onboarding, #[case] reason: Reason) {
    assert_eq!(decide(&person(), &o, "2026-06-02", Channels::ALL), Err(Hold::Because(reason)));
}

#[rstest]
#[case::launch_still_reminds(Onboarding { phase: Phase::Launch, ..onboarding() })]
#[case::at_risk_reminds_as_active(Onboarding { state: State::AtRisk, ..onboarding() })]
#[case::waiting_is_reminded_of(waiting("2026-06-01T12:00:00Z"))]
#[case::on_the_day_a_snooze_ends(Onboarding { snoozed_until: Some(date("2026-06-02")), ..onboarding() })]
fn what_is_open_is_in_the_digest(#[case] o: Onboarding) {
    assert_eq!(decide(&person(), &o, "2026-06-02", Channels::ALL), Ok(Channel::Email));
}

#[rstest]
#[case::deactivated(Person { active: false, ..person() }, Reason::NoRecipient)]
#[case::digests_off(Person { digest_enabled: false, ..person() }, Reason::OptedOut)]
#[case::kind_off(Person { muted_kinds: vec![Kind::Digest], ..person() }, Reason::OptedOut)]
fn who_wants_none_gets_none(#[case] person: Person, #[case] reason: Reason) {
    let decided = decide(&person, &onboarding(), "2026-06-02", Channels::ALL);
    assert_eq!(decided, Err(Hold::Because(reason)));
}

#[test]
fn a_trace_names_every_gate_up_to_the_one_that_is_shut() {
    let o = Onboarding { frequency_days: 3, ..onboarding() };
    let mut gates: Vec<Gate> = Vec::new();
    let decided = digest_line(&person(), &o, date("2026-06-02"), Channels::ALL, &mut gates);
    assert_eq!(decided, Err(Hold::NotDue));
    let seen: Vec<String> = gates
        .iter()
        .map(|gate| format!("{} {}: {}", if gate.passed { "✓" } else { "✗" }, gate.gate, gate.seen))
        .collect();
    insta::assert_snapshot!(seen.join("\n"), @r#"
    ✓ exists: The onboarding exists.
    ✓ customer_in_business: Halden Freight's status is "onboarding".
    ✓ phase_open: The onboarding is not completed.
    ✓ not_paused: The onboarding's state is "active".
    ✓ not_snoozed: It is not snoozed.
    ✓ recipient_active: Maren Holt is active.
    ✓ wanted: Maren Holt has digests switched on.
    ✓ channel: It goes out by e-mail.
    ✗ due: It is reminded of every 3 days, and it was created on Mon 1 Jun 2026: due from Thu 4 Jun 2026; asked about Tue 2 Jun 2026.
    "#);
}

fn with(field: usize) -> Provenance {
    let mode = |at: usize| if at == field { Mode::Test } else { Mode::Live };
    Provenance {
        onboarding: mode(0),
        customer: mode(1),
        csm: mode(2),
        reminders: mode(3),
        phase: mode(4),
        waiting: mode(5),
    }
}

#[rstest]
#[case::nothing(LIVE, [Mode::Live, Mode::Live, Mode::Live])]
#[case::the_onboarding(with(0), [Mode::Test, Mode::Test, Mode::Test])]
#[case::the_customer(with(1), [Mode::Test, Mode::Test, Mode::Test])]
#[case::the_csm(with(2), [Mode::Test, Mode::Test, Mode::Test])]
#[case::the_settings(with(3), [Mode::Test, Mode::Test, Mode::Test])]
#[case::the_phase_only_for_its_nudge(with(4), [Mode::Live, Mode::Test, Mode::Live])]
#[case::the_waiting_flag_only_for_its_nudge(with(5), [Mode::Live, Mode::Live, Mode::Test])]
fn what_a_test_key_wrote_last_makes_a_message_test(
    #[case] provenance: Provenance,
    #[case] expected: [Mode; 3],
) {
    let kinds = [Kind::Digest, Kind::StalledPhase, Kind::WaitingOnCustomer];
    assert_eq!(kinds.map(|kind| provenance.mode(kind)), expected);
    assert_eq!(provenance.mode(Kind::CustomerReminder), expected[2]);
}
