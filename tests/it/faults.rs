//! Faults to survive, each by the number it has in the project's list, and the tests that show it. Those named after a fault stand below;
//! the others stand with what they are about.

mod bytes;
mod checker;
mod crash;
mod database;
mod providers;
mod queue;
mod soak;
mod time;

use super::architecture::texts;

/// Fault, what it is, and the tests that show that it is survived.
const FAULTS: [(u8, &str, &[&str]); 53] = [
    (
        2,
        "kill -9 before the banner",
        &["fault_2_a_worker_killed_before_the_banner_has_touched_nothing"],
    ),
    (
        3,
        "kill -9 between the final dot and our commit",
        &[
            "fault_3_a_worker_killed_between_the_final_dot_and_its_own_commit_leaves_a_doubt",
            "a_worker_killed_in_the_middle_of_200_deliveries_loses_none_and_explains_every_copy",
        ],
    ),
    (
        5,
        "SIGSTOP for longer than the lease, then SIGCONT",
        &["a_worker_that_slept_through_its_lease_cannot_undo_what_another_did"],
    ),
    (
        6,
        "SIGTERM while many are being sent",
        &["a_process_told_to_stop_finishes_what_it_began_and_begins_nothing_more"],
    ),
    (
        7,
        "SIGTERM twice",
        &["fault_7_a_second_signal_ends_a_process_at_once_and_leaves_no_half_row"],
    ),
    (
        8,
        "a start right after a kill",
        &["fault_8_a_process_started_right_after_a_kill_works_under_a_new_name"],
    ),
    (
        9,
        "one delivery of fifty panics",
        &["fault_9_one_delivery_that_panics_is_one_attempt_and_delays_nobody"],
    ),
    (
        11,
        "a hundred jobs for one message",
        &["fault_11_a_hundred_jobs_for_one_message_send_it_once"],
    ),
    (12, "all jobs deleted", &["fault_12_jobs_that_were_deleted_are_made_again_by_the_sweeper"]),
    (
        13,
        "two passes at the same instant",
        &["two_passes_at_once_in_two_processes_write_one_digest_per_csm"],
    ),
    (
        14,
        "a pass killed between ledger and job",
        &["fault_14_a_pass_that_is_killed_leaves_no_row_without_its_job"],
    ),
    (
        15,
        "old finished jobs, while the API runs",
        &[
            "fault_15_what_is_too_old_goes_in_chunks_and_what_is_not_stays",
            "fault_15_callers_hardly_notice_while_300_000_jobs_are_forgotten",
        ],
    ),
    (
        16,
        "jobs of other versions, unreadable jobs and rows",
        &[
            "fault_16_a_job_of_a_newer_version_waits_untouched_and_an_unreadable_one_costs_nothing",
            "fault_16_a_row_of_unknown_words_fails_after_three_deliveries_and_delays_nobody",
            "fault_16_a_job_that_cannot_even_be_fetched_is_put_aside_and_delays_nobody",
            "fault_16_a_job_is_due_at_once_whatever_this_machines_clock_says",
        ],
    ),
    (
        18,
        "half-open connections to PostgreSQL",
        &[
            "a_database_that_falls_silent_is_a_503_in_time_and_then_over",
            "fault_18_workers_behind_a_silent_network_go_on_when_it_speaks_again",
        ],
    ),
    (
        19,
        "no notifications of the database, connections killed",
        &[
            "fault_19_a_message_that_becomes_ready_is_sent_within_seconds_without_any_notification_of_the_database",
            "a_storm_of_killed_connections_loses_and_doubles_nothing",
        ],
    ),
    (
        20,
        "an SQLite file locked by another process",
        &["fault_20_a_locked_file_makes_writers_wait_and_callers_come_back"],
    ),
    (21, "a full disk", &["fault_21_a_full_disk_is_a_503_and_work_goes_on_when_there_is_room"]),
    (
        22,
        "a power cut of SQLite",
        &["fault_22_what_was_acknowledged_survives_a_kill_and_is_on_the_disk"],
    ),
    (
        23,
        "a database that cannot be used at start",
        &[
            "fault_23_a_database_that_cannot_be_used_ends_the_start_with_one_line",
            "bad_input_gets_one_clear_line",
        ],
    ),
    (
        24,
        "six migrations at once; a newer schema",
        &[
            "fault_24_six_processes_migrate_an_empty_database_at_once",
            "a_schema_that_does_not_fit_is_refused_in_one_line",
        ],
    ),
    (
        25,
        "pool exhaustion",
        &[
            "fault_25_two_hundred_calls_on_a_small_pool_starve_no_heartbeat",
            "many_at_once_share_a_small_pool",
        ],
    ),
    (
        26,
        "a fail-over to read-only",
        &["fault_26_a_database_that_has_become_read_only_is_waited_for"],
    ),
    (
        28,
        "silence at any point",
        &[
            "fault_28_a_silent_relay_is_given_up_within_the_deadlines_of_the_settings",
            "silence_closing_and_garbage_are_classified_by_their_phase",
        ],
    ),
    (
        29,
        "banner, EHLO, STARTTLS, AUTH refused",
        &[
            "fault_29_a_relay_that_is_down_is_one_alert_and_nobodys_attempt",
            "fault_29_a_relay_that_was_down_is_up_again_though_nothing_waits_for_it",
            "fault_29_one_recipient_for_whom_the_relay_hangs_up_delays_nobody_else",
            "an_answer_is_classified_by_its_phase",
            "plaintext_behind_starttls_and_its_refusal_end_the_session",
        ],
    ),
    (
        30,
        "4xx, greylisting",
        &["fault_30_greylisting_is_given_five_minutes", "a_refusal_for_now_is_tried_again_later"],
    ),
    (
        31,
        "a recipient refused for good",
        &[
            "a_refused_address_fails_at_once_and_the_next_digest_goes_by_slack",
            "a_refused_address_is_listed_until_it_is_cleared_and_then_tried_again",
        ],
    ),
    (
        32,
        "taken for spam",
        &[
            "fault_32_a_relay_that_takes_us_for_spam_is_said_aloud_once",
            "one_in_twenty_within_ten_minutes_is_warned_of_once",
        ],
    ),
    (
        33,
        "closed before and after the dot",
        &[
            "silence_closing_and_garbage_are_classified_by_their_phase",
            "a_lost_answer_after_the_dot_is_ambiguous_even_if_the_mail_was_taken",
        ],
    ),
    (
        34,
        "answers that break the protocol",
        &[
            "silence_closing_and_garbage_are_classified_by_their_phase",
            "whatever_a_relay_says_is_no_acceptance_unless_it_is_one",
        ],
    ),
    (
        35,
        "TLS that cannot be trusted",
        &[
            "fault_35_a_relay_that_knows_no_tls_but_1_0_is_refused",
            "a_wrong_certificate_is_refused",
            "a_certificate_that_nobody_vouches_for_is_refused",
            "starttls_is_required_when_asked_for",
            "plaintext_behind_starttls_and_its_refusal_end_the_session",
            "fault_35_a_relay_with_a_certificate_of_its_own_is_trusted_where_a_setting_says_so",
        ],
    ),
    (
        36,
        "no 8BITMIME, no SMTPUTF8",
        &[
            "a_relay_that_knows_neither_8bitmime_nor_smtputf8_gets_every_mail_as_it_was_written",
            "addresses_outside_ascii_go_to_relays_that_take_them",
        ],
    ),
    (
        37,
        "hostile names",
        &[
            "hostile_names_and_long_lines_make_a_valid_mail",
            "a_hostile_name_stays_a_name",
            "whatever_a_name_holds_a_mail_has_the_same_headers",
        ],
    ),
    (
        38,
        "one connection only, ten messages each",
        &[
            "a_relay_with_one_place_makes_the_others_wait",
            "a_relay_that_drops_after_some_messages_loses_none",
        ],
    ),
    (
        39,
        "long lines, leading dots, 2,000 onboardings",
        &[
            "fault_39_a_digest_of_two_thousand_onboardings_is_one_mail_of_a_size_that_is_taken",
            "hostile_names_and_long_lines_make_a_valid_mail",
        ],
    ),
    (
        40,
        "429 with every form of Retry-After",
        &[
            "too_many_requests_pause_every_conversation",
            "a_pause_is_read_in_every_form_and_kept_within_reason",
        ],
    ),
    (41, "a rate limit inside an ok answer", &["a_rate_limit_inside_an_ok_answer_is_one_too"]),
    (
        42,
        "somebody who cannot be written to",
        &[
            "fault_42_who_cannot_be_written_to_on_slack_is_written_a_mail_next_time",
            "every_error_code_has_its_meaning",
        ],
    ),
    (
        43,
        "a revoked token",
        &[
            "fault_43_a_revoked_token_pauses_slack_until_there_is_another",
            "every_error_code_has_its_meaning",
        ],
    ),
    (44, "blocks that Slack does not take", &["refused_blocks_are_repeated_once_as_plain_text"]),
    (
        45,
        "5xx, HTML, no answer",
        &[
            "a_lost_answer_is_ambiguous",
            "fault_45_a_post_whose_answer_was_lost_is_looked_for_by_its_metadata_and_never_repeated",
            "an_answer_that_is_not_slacks_is_the_channels_fault",
            "nobody_listening_is_the_channels_fault",
            "whatever_slack_answers_is_no_post_unless_it_is_one",
        ],
    ),
    (
        46,
        "mentions and links in names",
        &[
            "a_hostile_name_reads_as_it_was_typed",
            "a_csm_who_can_only_be_reached_on_slack_gets_the_digest_there",
        ],
    ),
    (47, "an endless answer", &["an_answer_that_does_not_come_in_time_is_ambiguous"]),
    (
        52,
        "a clock that is wrong",
        &[
            "fault_52_a_clock_that_jumped_sends_nothing_until_an_operator_accepts_it",
            "an_hour_back_and_thirty_days_ahead_are_borne_and_more_is_not",
        ],
    ),
    (
        53,
        "leap days, ends of months and years",
        &[
            "daily_reminders_do_not_drift_in_a_year",
            "an_onboarding_is_due_its_frequency_after_its_last_reminder",
        ],
    ),
    (
        54,
        "a suspended machine",
        &[
            "fault_54_a_service_that_was_suspended_catches_up_once",
            "after_an_outage_of_days_there_is_one_digest_and_one_row_for_the_missed_slots",
        ],
    ),
    (
        55,
        "zones that changed or are gone",
        &[
            "fault_55_a_zone_that_is_gone_counts_as_utc_aloud",
            "following_the_slots_gives_every_date_once_and_in_order",
        ],
    ),
    (
        56,
        "a flag toggled over and over",
        &["fault_56_a_flag_toggled_a_hundred_times_across_midnight_is_one_wait"],
    ),
    (
        59,
        "ids of another workspace",
        &[
            "what_is_theirs_is_absent_in_every_path",
            "what_is_theirs_is_absent_in_every_body",
            "what_is_theirs_is_absent_in_every_list_filter_and_cursor",
            "their_idempotency_keys_are_not_ours",
        ],
    ),
    (
        60,
        "hostile cursors, ties, deletions",
        &[
            "a_walk_sees_every_row_once_though_all_were_made_in_one_instant",
            "a_bad_page_is_refused_and_an_odd_one_is_not",
            "a_walk_over_ten_thousand_rows_loses_and_doubles_none_though_others_go",
            "whatever_a_cursor_is_it_is_a_page_or_a_refusal",
        ],
    ),
    (
        61,
        "hostile bodies",
        &[
            "hostile_bodies_are_refused_where_they_are_wrong",
            "every_writable_field_takes_every_hostile_value_or_is_named",
        ],
    ),
    (
        62,
        "slow connections by the thousand",
        &[
            "connections_that_do_not_go_on_are_closed_while_others_are_served",
            "connections_that_send_nothing_keep_nobody_out_and_no_shutdown_up",
        ],
    ),
    (
        63,
        "the operators' surface from elsewhere",
        &["every_operation_is_routed_and_wants_its_scope"],
    ),
    (
        64,
        "secrets in logs, errors and jobs",
        &[
            "no_process_logs_a_secret_an_address_or_a_message_whatever_it_does",
            "no_key_and_no_address_is_logged_even_at_trace",
        ],
    ),
];

#[test]
fn every_fault_has_tests_and_every_test_named_here_exists() {
    let texts = texts();
    let exists = |name: &str| texts.iter().any(|text| text.contains(&format!("fn {name}(")));
    for (number, what, shown_by) in FAULTS {
        assert!(!shown_by.is_empty(), "nothing shows fault {number}, {what}");
        for name in shown_by {
            assert!(exists(name), "fault {number}, {what}: there is no test {name}");
        }
    }
    // And the other way round: what is named after a fault is in the list.
    for text in &texts {
        for (at, _) in text.match_indices("fn fault_") {
            let name = text[at + 3..].split('(').next().unwrap_or_default();
            let number = name.split('_').nth(1).unwrap_or_default();
            let listed =
                FAULTS.iter().any(|(n, _, tests)| n.to_string() == number && tests.contains(&name));
            assert!(listed || name.contains('"') || name.is_empty(), "{name} is not in the list");
        }
    }
}
