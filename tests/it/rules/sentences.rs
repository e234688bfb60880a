//! The rules, sentence by sentence, with the tests that show each: with values in tables where one decision is enough, over HTTP with
//! passes and deliveries where it takes days.

use crate::architecture::texts;

/// A sentence of the rules, and what shows it.
const SENTENCES: [(&str, &[&str]); 31] = [
    (
        "a digest once per local working day at the CSM's slot, if at least one onboarding is due",
        &[
            "exactly_one_digest_per_recipient_channel_mode_and_local_date_with_something_due",
            "an_onboarding_created_over_http_reaches_its_csm_as_a_digest_by_mail",
        ],
    ),
    (
        "due: its frequency after its last reminder, else its creation, in the recipient's dates; never on the day of creation",
        &[
            "an_onboarding_is_due_its_frequency_after_its_last_reminder",
            "the_day_of_creation_is_one_of_the_recipients_zone",
            "a_frequency_of_three_reminds_every_third_civil_day",
            "a_frequency_is_kept_in_civil_days_over_365_cycles",
        ],
    ),
    (
        "the last reminder is the newest digest that is open, sent or suppressed; the others give the date back; nudges never count",
        &[
            "the_last_reminder_is_the_newest_digest_that_is_open_sent_or_suppressed",
            "a_cancelled_digest_is_not_sent_and_its_lines_join_the_next",
            "a_nudge_is_sent_on_its_day_whether_or_not_a_digest_carried_the_onboarding_and_replaces_no_line",
        ],
    ),
    (
        "a changed frequency counts from the last reminder; if that is past, the next regular slot, never at once",
        &[
            "a_changed_frequency_counts_from_the_last_reminder_and_if_that_is_past_the_next_slot_never_at_once",
        ],
    ),
    (
        "a line goes by the preferred channel, else the other, else none",
        &[
            "a_line_goes_by_the_preferred_channel_else_the_other",
            "who_is_unreachable_on_one_channel_is_told_on_the_other",
            "lines_for_different_channels_make_a_digest_each",
        ],
    ),
    (
        "a nudge goes by Slack, else by mail, else it is skipped: channel_off",
        &[
            "a_nudge_goes_by_slack_else_by_mail",
            "whoever_switched_something_off_does_not_get_it_and_the_ledger_says_why",
        ],
    ),
    (
        "the flags do not concern customer mail",
        &["the_primary_contact_is_reminded_at_the_same_steps_whatever_the_flags_say"],
    ),
    ("a personal message never goes to a channel", &["only_people_are_written_to"]),
    (
        "eligible: open, not paused, the customer in business, nothing deleted, not snoozed, somebody active, a channel",
        &[
            "what_is_not_eligible_is_not_in_the_digest",
            "what_is_open_is_in_the_digest",
            "who_wants_none_gets_none",
        ],
    ),
    (
        "the CSM hears; if missing or deactivated, the owner; else nobody, and operators see it",
        &[
            "the_csm_hears_if_missing_or_deactivated_the_workspace_owner_else_nobody",
            "what_nobody_hears_is_skipped_as_often_as_it_would_be_reminded_of_and_listed",
        ],
    ),
    (
        "the slot: 07:00 on working days in the person's zone, or their own time and days; a day off rolls to the next working day",
        &[
            "the_next_slot",
            "the_workspaces_time_counts_for_whoever_chose_none",
            "a_holiday_has_no_slot_no_nudge_and_is_no_business_day",
            "a_change_of_zone_takes_effect_at_the_next_slot",
        ],
    ),
    (
        "a wall time that does not exist is the end of the gap, an ambiguous one the first",
        &[
            "a_skipped_wall_time_means_the_end_of_the_gap_and_a_repeated_one_the_first",
            "a_daily_digest_keeps_its_wall_time_and_misses_no_date_across_a_transition",
        ],
    ),
    (
        "exactly once by key, whatever crashes or races",
        &[
            "two_passes_at_once_in_two_processes_write_one_digest_per_csm",
            "passes_as_of_any_instants_in_any_order_find_whose_newest_slot_has_no_digest_yet",
            "fault_42_who_cannot_be_written_to_on_slack_is_written_a_mail_next_time",
            "two_onboardings_of_one_customer_make_one_note_a_day",
        ],
    ),
    (
        "stalled: target+1, 2×target+1, 3×target+1, then every 7 days, at most 6 per phase entry",
        &[
            "a_phase_stalls_at_these_days",
            "the_workspaces_own_target_counts",
            "ladders_never_exceed_their_caps_and_waiting_and_stalled_never_come_together",
        ],
    ),
    (
        "days in phase: civil dates in the workspace's zone since entry, less dates wholly waiting or paused",
        &[
            "days_in_phase_are_dates_since_entry_less_dates_wholly_on_hold",
            "days_in_phase_are_counted_in_the_workspaces_zone",
            "time_spent_waiting_or_paused_does_not_stall",
        ],
    ),
    (
        "a new phase entry starts anew, moving back too",
        &["a_new_phase_entry_starts_the_ladder_anew_moving_back_too"],
    ),
    (
        "waiting: the 3rd, 5th, 10th, 15th business day; the last also to the escalation user",
        &[
            "waiting_is_told_on_these_business_days",
            "waiting_is_told_on_its_business_days_and_the_last_time_to_the_escalation_user_too",
        ],
    ),
    (
        "several toggles a day are one wait",
        &["fault_56_a_flag_toggled_a_hundred_times_across_midnight_is_one_wait"],
    ),
    (
        "of several steps passed unseen only the highest is sent",
        &["of_several_steps_passed_unseen_only_the_highest_is_sent"],
    ),
    (
        "a nudge goes out inside working hours, its row is written when it may",
        &[
            "a_nudge_waits_for_working_hours",
            "a_nudge_that_comes_up_in_the_evening_waits_for_the_morning",
        ],
    ),
    (
        "a nudge is sent on its day whether or not a digest carried the onboarding, and replaces no line",
        &[
            "a_nudge_is_sent_on_its_day_whether_or_not_a_digest_carried_the_onboarding_and_replaces_no_line",
        ],
    ),
    (
        "order: waiting, at risk, stalled, launch, rest; one strongest reason a line; 25 lines; both ages; what changed",
        &[
            "waiting_comes_first_then_at_risk_stalled_launch_and_the_rest_each_by_urgency",
            "a_line_has_its_strongest_reason",
            "twenty_five_lines_are_shown_and_the_rest_is_counted",
            "ages_are_business_days_and_calendar_days",
            "what_changed_since_the_last_digest_is_said",
        ],
    ),
    (
        "quiet hours defer; a digest whose deadline passes meanwhile is skipped: quiet_hours, and its items join the next",
        &[
            "quiet_hours_last_until_their_end",
            "quiet_hours_put_a_digest_off_until_they_end",
            "a_digest_whose_deadline_passes_in_quiet_hours_is_skipped_and_joins_the_next",
        ],
    ),
    (
        "deadlines: a digest 18:00, a nudge the end of the next working day, customer mail 24 h; passed, the items are free",
        &[
            "a_digest_is_given_up_at_1800_local",
            "a_nudge_is_given_up_at_the_end_of_the_next_working_day",
            "a_note_to_a_customer_is_given_up_after_24_hours",
            "a_digest_that_nobody_delivered_by_1800_expires_and_its_line_joins_the_next",
        ],
    ),
    (
        "after an outage today's digest, and one row for the missed slots; never a burst",
        &[
            "after_an_outage_of_days_there_is_one_digest_and_one_row_for_the_missed_slots",
            "after_1800_there_is_no_digest_that_day",
        ],
    ),
    (
        "the worker decides again; no longer due is skipped: state_changed; a reassigned line goes to the new CSM",
        &[
            "what_is_no_longer_due_when_it_is_delivered_is_skipped_and_gets_its_date_back",
            "a_line_that_was_reassigned_goes_to_the_new_csm_at_their_next_slot",
            "a_nudge_that_was_reassigned_before_it_went_out_goes_to_the_new_csm_once",
            "what_was_deleted_since_the_pass_is_not_delivered",
        ],
    ),
    (
        "a snooze covers digest lines, nudges and customer mail, and all resume on its date",
        &[
            "a_snooze_covers_digest_lines_nudges_and_customer_mail_and_all_resume_on_its_date",
            "a_nudge_about_what_is_snoozed_meanwhile_waits_for_the_end_of_the_snooze",
        ],
    ),
    (
        "out of office: the backup hears under a heading of its own, the return opens with what happened; without a backup a snooze",
        &[
            "the_one_who_hears",
            "the_backup_gets_one_digest_with_a_heading_of_its_own_and_the_return_opens_with_what_happened",
            "without_somebody_who_stands_in_reminders_rest_until_the_return",
            "a_nudge_whose_recipient_goes_away_without_a_backup_waits_for_their_return",
        ],
    ),
    (
        "customers: off by default, the primary contact, the same steps, at most one a day, with a way to stop it",
        &[
            "a_customer_is_reminded_of_nothing_unless_the_workspace_wants_it",
            "the_primary_contact_is_reminded_at_the_same_steps_whatever_the_flags_say",
            "two_onboardings_of_one_customer_make_one_note_a_day",
            "a_customer_stops_the_notes_with_one_click",
        ],
    ),
    (
        "test: whatever a test key created or wrote last, until a live write of that field; modes never share a digest",
        &[
            "what_a_test_key_wrote_last_makes_a_message_test",
            "what_a_test_key_wrote_last_is_test_until_a_live_write_of_that_field_lifts_it",
            "live_and_test_onboardings_of_one_csm_never_share_a_digest",
            "a_contact_of_a_test_key_hears_nothing_until_a_live_key_writes_the_same",
            "a_retry_of_what_was_suppressed_reaches_nobody_either",
        ],
    ),
    (
        "the forecast is what a simulated clock then really sends",
        &["what_is_sent_is_what_the_forecast_said"],
    ),
];

#[test]
fn every_sentence_of_the_rules_has_its_tests() {
    let texts = texts();
    for (sentence, shown_by) in SENTENCES {
        assert!(!shown_by.is_empty(), "nothing shows: {sentence}");
        for name in shown_by {
            let exists = texts.iter().any(|text| text.contains(&format!("fn {name}(")));
            assert!(exists, "{sentence}: there is no test {name}");
        }
    }
}
