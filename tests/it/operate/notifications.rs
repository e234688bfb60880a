//! Retry, cancel, re-send, and the word of somebody who knows.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use mail_parser::MessageParser;
use pivotal_reminders::domain::values::{Channel, Kind, NotificationState, Reason};
use pivotal_reminders::operate::notifications::{Cursor, Filter, count_up_to, list, show};
use rstest::rstest;
use serde_json::{Value, json};

use super::{Act, act, act_as, deeds, only, test_key};
use crate::support::db::Backend;
use crate::support::fake_smtp::{At, Do, Script};
use crate::support::stage::Stage;

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn a_failed_digest_that_is_retried_counts_as_the_last_reminder_again(
    #[case] backend: Backend,
) {
    let stage = Stage::new(backend).await;
    stage.onboard("Halden Freight", json!({ "reminder_frequency_days": 3 })).await;
    stage.relay.set_script(Script::new().on(At::Dot, Do::reply("554 5.7.1 looks like spam")));
    stage.pass("2026-06-04T07:00:00Z").await;
    let digest = only(&stage).await;
    let reminded = "SELECT last_reminded_on FROM reminder_state";
    assert_eq!(stage.service.db.rows(reminded).await, [json!({ "last_reminded_on": null })]);

    stage.relay.set_script(Script::new());
    stage.at("2026-06-04T08:00:00Z");
    let row = act(&stage, Act::Retry, &digest).await.unwrap();
    assert_eq!((row.state.as_str(), row.attempt_count), ("scheduled", 0));
    stage.drain("2026-06-04T08:00:00Z").await;
    assert_eq!(stage.relay.accepted().len(), 1);
    assert_eq!(
        stage.service.db.rows(reminded).await,
        [json!({ "last_reminded_on": "2026-06-04" })]
    );
    // The next one is due three days after it, on Monday the 8th (the 7th is a Sunday).
    stage.pass("2026-06-05T07:00:00Z").await;
    stage.pass("2026-06-08T07:00:00Z").await;
    insta::assert_snapshot!(stage.ledger().await, @r"
    2026-06-04 digest live email to Carl: sent, attempts 1 [Halden Freight]
    2026-06-08 digest live email to Carl: sent, attempts 1 [Halden Freight]
    ");
    insta::assert_snapshot!(deeds(&stage).await, @"notification notification_retried by Ada: a customer asked");
    let mut conn = stage.app.db().read().await.unwrap();
    let found = show(&mut conn, &stage.app.workspace.id, &digest).await.unwrap().unwrap();
    let outcomes: Vec<&str> = found.attempts.iter().map(|a| a.outcome.as_str()).collect();
    assert_eq!(outcomes, ["permanent", "accepted"], "no attempt is forgotten");
    assert!(found.message.is_some());
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn a_cancelled_digest_is_not_sent_and_its_lines_join_the_next(#[case] backend: Backend) {
    let stage = Stage::new(backend).await;
    stage.onboard("Halden Freight", json!({ "reminder_frequency_days": 7 })).await;
    stage.scan("2026-06-08T07:00:00Z").await;
    let digest = only(&stage).await;
    stage.at("2026-06-08T07:00:01Z");
    act(&stage, Act::Cancel, &digest).await.unwrap();
    stage.drain("2026-06-08T07:00:02Z").await;
    assert!(stage.relay.accepted().is_empty());
    stage.pass("2026-06-09T07:00:00Z").await;
    insta::assert_snapshot!(stage.ledger().await, @r"
    2026-06-08 digest live email to Carl: cancelled (cancelled_by_operator) [Halden Freight]
    2026-06-09 digest live email to Carl: sent, attempts 1 [Halden Freight]
    ");
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn a_cancelled_digest_can_be_taken_back_before_its_deadline(#[case] backend: Backend) {
    let stage = Stage::new(backend).await;
    stage.onboard("Halden Freight", json!({})).await;
    stage.scan("2026-06-02T07:00:00Z").await;
    let digest = only(&stage).await;
    stage.at("2026-06-02T07:10:00Z");
    act(&stage, Act::Cancel, &digest).await.unwrap();
    act(&stage, Act::Retry, &digest).await.unwrap();
    stage.drain("2026-06-02T07:10:00Z").await;
    assert_eq!(stage.relay.accepted().len(), 1);
    stage.at("2026-06-02T07:20:00Z");
    assert_eq!(
        act(&stage, Act::Cancel, &digest).await.unwrap_err(),
        "it has ended already, as sent"
    );
    assert_eq!(
        act(&stage, Act::Retry, &digest).await.unwrap_err(),
        "it was sent; re-send it instead"
    );
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn a_message_sent_anew_is_a_notification_of_its_own_that_names_the_first(
    #[case] backend: Backend,
) {
    let stage = Stage::new(backend).await;
    stage.onboard("Halden Freight", json!({ "reminder_frequency_days": 3 })).await;
    stage.pass("2026-06-04T07:00:00Z").await;
    let first = only(&stage).await;
    stage.at("2026-06-04T15:00:00Z");
    let again = act(&stage, Act::Resend, &first).await.unwrap();
    assert_eq!(again.resend_of.as_deref(), Some(first.as_str()));
    assert_eq!(
        act(&stage, Act::Resend, &first).await.unwrap_err(),
        format!("it is being sent anew already, as {}", again.id)
    );
    stage.drain("2026-06-04T15:00:00Z").await;
    let mails = stage.relay.accepted();
    assert_eq!(mails.len(), 2);
    assert_eq!((&mails[0].notification_id, &mails[1].notification_id), (&first, &again.id));
    // A repeat of the repeat names the first too, and none of them moves the next reminder.
    stage.at("2026-06-04T16:00:00Z");
    let third = act(&stage, Act::Resend, &again.id).await.unwrap();
    assert_eq!(third.resend_of.as_deref(), Some(first.as_str()));
    stage.at("2026-06-04T16:01:00Z");
    act(&stage, Act::Cancel, &third.id).await.unwrap();
    let rows = stage
        .service
        .db
        .rows("SELECT last_reminded_on, next_due_on, last_seen FROM reminder_state")
        .await;
    assert_eq!(
        (&rows[0]["last_reminded_on"], &rows[0]["next_due_on"]),
        (&json!("2026-06-04"), &json!("2026-06-07"))
    );
    assert!(!rows[0]["last_seen"].is_null(), "what the first one showed is not forgotten");
    let mut conn = stage.app.db().read().await.unwrap();
    let found = show(&mut conn, &stage.app.workspace.id, &first).await.unwrap().unwrap();
    assert_eq!(found.resends, [again.id, third.id]);
    insta::assert_snapshot!(deeds(&stage).await, @r"
    notification notification_resent by Ada: a customer asked
    notification notification_resent by Ada: a customer asked
    notification notification_cancelled by Ada: a customer asked
    ");
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn a_mail_in_doubt_is_sent_once_more_at_most_whoever_asks(#[case] backend: Backend) {
    let stage = Stage::new(backend).await;
    stage.onboard("Halden Freight", json!({})).await;
    stage.relay.set_script(Script::new().on(At::Dot, Do::Take(Box::new(Do::Close))));
    stage.pass("2026-06-02T07:00:00Z").await;
    let digest = only(&stage).await;
    stage.at("2026-06-02T07:01:00Z");
    act(&stage, Act::Retry, &digest).await.unwrap();
    stage.drain("2026-06-02T07:01:00Z").await;
    insta::assert_snapshot!(stage.ledger().await, @"2026-06-02 digest live email to Carl: failed (outcome_unknown), attempts 2 [Halden Freight]");
    let mails = stage.relay.accepted();
    assert_eq!(mails.len(), 2);
    let identity = |raw: &[u8]| {
        let mail = MessageParser::default().parse(raw).unwrap();
        (mail.message_id().unwrap().to_owned(), mail.date().unwrap().to_rfc3339())
    };
    assert_eq!(identity(&mails[0].raw), identity(&mails[1].raw), "the same mail");
    stage.at("2026-06-02T07:02:00Z");
    assert_eq!(
        act(&stage, Act::Retry, &digest).await.unwrap_err(),
        "its one extra copy was sent already; look whether it arrived, then say so or re-send it"
    );
    let row = act(&stage, Act::Delivered, &digest).await.unwrap();
    assert_eq!((row.state.as_str(), row.reason.as_deref()), ("sent", None));
    assert_eq!(row.sent_at, Some("2026-06-02T07:01:00Z".parse::<DateTime<Utc>>().unwrap()));
    let rows = stage.service.db.rows("SELECT last_reminded_on FROM reminder_state").await;
    assert_eq!(rows, [json!({ "last_reminded_on": "2026-06-02" })], "it counts again");
    assert_eq!(
        act(&stage, Act::Delivered, &digest).await.unwrap_err(),
        "there is no doubt about it: it is sent"
    );
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn the_word_of_somebody_who_knows_ends_a_doubt_without_a_copy(#[case] backend: Backend) {
    let stage = Stage::new(backend).await;
    stage.onboard("Halden Freight", json!({})).await;
    stage.relay.set_script(Script::new().on(At::Dot, Do::Take(Box::new(Do::Close))));
    stage.pass("2026-06-02T07:00:00Z").await;
    let digest = only(&stage).await;
    stage.at("2026-06-02T07:05:00Z");
    act(&stage, Act::Delivered, &digest).await.unwrap();
    stage.drain("2026-06-02T08:00:00Z").await;
    assert_eq!(stage.relay.accepted().len(), 1);
    insta::assert_snapshot!(stage.ledger().await, @"2026-06-02 digest live email to Carl: sent, attempts 1 [Halden Freight]");
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn mode_is_kept_and_a_test_key_moves_nothing_live(#[case] backend: Backend) {
    let stage = Stage::new(backend).await;
    stage.onboard("Halden Freight", json!({})).await;
    let test = stage.app.test.clone();
    stage.onboard_with(&test, "Sandbox Ltd", json!({})).await;
    stage.pass("2026-06-02T07:00:00Z").await;
    let rows = stage.service.db.rows("SELECT id, mode FROM notifications").await;
    let id = |mode: &str| -> String {
        rows.iter().find(|row| row["mode"] == mode).unwrap()["id"].as_str().unwrap().to_owned()
    };
    stage.at("2026-06-02T08:00:00Z");
    assert_eq!(
        act_as(&stage, &test_key(), Act::Resend, &id("live")).await.unwrap_err(),
        "a test key cannot have a live notification sent"
    );
    assert_eq!(
        act(&stage, Act::Retry, &id("test")).await.unwrap_err(),
        "a test key caused it, so it is never sent; re-send it to render it anew"
    );
    let again = act(&stage, Act::Resend, &id("test")).await.unwrap();
    assert_eq!(again.mode, "test");
    stage.drain("2026-06-02T08:00:00Z").await;
    assert_eq!(stage.relay.accepted().len(), 1, "only the live one, only once");
    let row = stage
        .service
        .db
        .rows(&format!("SELECT state FROM notifications WHERE id = '{}'", again.id))
        .await;
    assert_eq!(row, [json!({ "state": "suppressed" })]);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn what_would_have_no_effect_is_refused_in_words(#[case] backend: Backend) {
    let stage = Stage::new(backend).await;
    stage.onboard("Halden Freight", json!({})).await;
    stage.scan("2026-06-02T07:00:00Z").await;
    let digest = only(&stage).await;
    stage.at("2026-06-02T08:00:00Z");
    let mut said = String::new();
    for (columns, acts) in [
        ("state = 'sending', lease_token = 't'", &[Act::Retry, Act::Cancel, Act::Resend][..]),
        (
            "state = 'deferred', lease_token = NULL, not_before = '2026-06-02 09:00:00+00:00'",
            &[Act::Retry],
        ),
        (
            "state = 'scheduled', deadline = '2026-06-02 07:30:00+00:00'",
            &[Act::Retry, Act::Resend, Act::Delivered],
        ),
        (
            "state = 'skipped', reason = 'superseded', finished_at = not_before",
            &[Act::Retry, Act::Cancel, Act::Resend],
        ),
        ("state = 'cancelled', reason = 'deleted'", &[Act::Retry, Act::Resend]),
    ] {
        stage.sql(&format!("UPDATE notifications SET {columns}")).await;
        for deed in acts {
            let refusal = act(&stage, *deed, &digest).await.unwrap_err();
            said.push_str(&format!("{deed:?}: {refusal}\n"));
        }
    }
    said.push_str(&act(&stage, Act::Retry, "ntf_nobody").await.unwrap_err());
    insta::assert_snapshot!(said);
    assert_eq!(deeds(&stage).await, "", "what was refused was not done");
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn the_ledger_is_filtered_and_paged_though_all_was_written_in_one_instant(
    #[case] backend: Backend,
) {
    let stage = Stage::new(backend).await;
    for n in 0..7 {
        stage.onboard(&format!("Customer 100% {n}"), json!({})).await;
    }
    let other = stage.onboard("Osterby_Clinics", json!({ "reminder_email": false })).await;
    stage.pass("2026-06-02T07:00:00Z").await;
    stage.pass("2026-06-03T07:00:00Z").await;
    let workspace = &stage.app.workspace.id;
    let mut conn = stage.app.db().read().await.unwrap();
    let mut cursor = Cursor::start();
    let mut seen = BTreeMap::new();
    loop {
        let page = list(&mut conn, workspace, &Filter::default(), &cursor, 3).await.unwrap();
        let Some(last) = page.last() else { break };
        cursor = Cursor::behind(last);
        for row in page {
            assert!(seen.insert(row.id.clone(), row).is_none(), "no row twice");
        }
    }
    assert_eq!(seen.len(), 4, "a mail and a Slack digest on two days");
    let onboarding = other.trim_start_matches("/onboardings/");
    let customer: Value = stage.app.get(&other).await.ok(200);
    let since = Some("2026-06-03T00:00:00Z".parse().unwrap());
    let nobody = "user_nobody";
    for (filter, expected) in [
        (Filter { channel: Some(Channel::Slack), ..Filter::default() }, 2),
        (Filter { kind: Some(Kind::StalledPhase), ..Filter::default() }, 0),
        (Filter { state: Some(NotificationState::Sent), since, ..Filter::default() }, 2),
        (Filter { until: since, ..Filter::default() }, 2),
        (Filter { reason: Some(Reason::Expired), ..Filter::default() }, 0),
        (Filter { onboarding_id: Some(onboarding), ..Filter::default() }, 2),
        (Filter { customer_id: customer["customer_id"].as_str(), ..Filter::default() }, 2),
        (Filter { recipient_id: Some(&stage.app.csm.id), ..Filter::default() }, 4),
        (
            Filter {
                recipient_id: Some(nobody),
                onboarding_id: Some(onboarding),
                ..Filter::default()
            },
            0,
        ),
        (Filter { text: Some("carl csm"), ..Filter::default() }, 4),
        (Filter { text: Some("CARL@"), ..Filter::default() }, 4),
        (Filter { text: Some("csm"), ..Filter::default() }, 0),
        (Filter { text: Some("osterby_cl"), ..Filter::default() }, 2),
        (
            Filter {
                text: Some("customer 100%"),
                channel: Some(Channel::Email),
                ..Filter::default()
            },
            2,
        ),
        (
            Filter {
                text: Some("customer 100%"),
                channel: Some(Channel::Slack),
                ..Filter::default()
            },
            0,
        ),
        (
            Filter {
                text: Some("Carl"),
                customer_id: customer["customer_id"].as_str(),
                ..Filter::default()
            },
            2,
        ),
        (Filter { state: Some(NotificationState::Failed), ..Filter::default() }, 0),
        (Filter { state: Some(NotificationState::Scheduled), ..Filter::default() }, 0),
        (Filter { text: Some("c_rl"), ..Filter::default() }, 0),
        (Filter { text: Some("%"), ..Filter::default() }, 0),
    ] {
        let found = list(&mut conn, workspace, &filter, &Cursor::start(), 100).await.unwrap();
        assert_eq!(found.len(), expected, "{filter:?}: {found:#?}");
        let counted = count_up_to(&mut conn, workspace, &filter, 3).await.unwrap();
        assert_eq!(counted, i64::try_from(expected).unwrap().min(3), "{filter:?}");
    }
    assert!(
        list(&mut conn, "ws_other", &Filter::default(), &Cursor::start(), 100)
            .await
            .unwrap()
            .is_empty()
    );
}
