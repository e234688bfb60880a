//! Relays and Slacks that are down, picky or forgetful, as the ledger sees them.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use rstest::rstest;
use serde_json::json;

use super::checker::check;
use crate::support::crowd::{count, due_now, mail_service, wait_for};
use crate::support::db::Backend;
use crate::support::eventually;
use crate::support::fake_slack::{Answer, FakeSlack};
use crate::support::fake_smtp::{At, Certificate, Do, FakeSmtp, Protection, Script};
use crate::support::service::PATIENCE;
use crate::support::stage::Stage;

#[rstest]
#[case::banner_421(At::Banner, "421 4.3.2 busy")]
#[case::banner_554(At::Banner, "554 5.7.1 go away")]
#[case::ehlo_502(At::Ehlo, "502 5.5.1 what")]
#[case::auth_535(At::Auth, "535 5.7.8 wrong")]
#[case::auth_454(At::Auth, "454 4.7.0 later")]
#[case::auth_530(At::Auth, "530 5.7.0 must")]
#[tokio::test]
async fn fault_29_a_relay_that_is_down_is_one_alert_and_nobodys_attempt(
    #[case] at: At,
    #[case] reply: &str,
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let login = Script::new().login("reminders", "secret");
    let relay = FakeSmtp::start(login.clone().on(at, Do::reply(reply))).await;
    let mut service = mail_service(backend, &relay).await;
    service.set("SMTP_URL", &relay.url().replace("smtp://", "smtp://reminders:secret@"));
    due_now(&service, 20).await;
    let process = service.spawn(&["serve"]);
    eventually(PATIENCE, || process.log().contains("the channel email is down")).await;
    // It is tried again by itself, and that is no second alert.
    let before = relay.connections();
    eventually(PATIENCE, || relay.connections() > before).await;
    assert_eq!(process.log().matches("the channel email is down").count(), 1);
    let untouched = "state = 'scheduled' AND attempt_count = 0";
    assert_eq!(count(&service, untouched).await, 20);
    let flagged = service.db.rows("SELECT id FROM users WHERE email_flagged_at IS NOT NULL").await;
    assert!(flagged.is_empty(), "nobody's address is to blame: {flagged:?}");
    relay.set_script(login);
    wait_for(&service, "state = 'sent'", 20).await;
    eventually(PATIENCE, || process.log().contains("the channel email is up again")).await;
    assert_eq!(check(&service, Some(&relay), None).await, 20);
}

/// Nobody would ask it, as nobody's message waits; it would stay down until the next morning.
#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn fault_29_a_relay_that_was_down_is_up_again_though_nothing_waits_for_it(
    #[case] backend: Backend,
) {
    let relay = FakeSmtp::start(Script::new().on(At::Banner, Do::reply("421 4.3.2 busy"))).await;
    let service = mail_service(backend, &relay).await;
    due_now(&service, 1).await;
    let process = service.spawn(&["serve"]);
    eventually(PATIENCE, || process.log().contains("the channel email is down")).await;
    service.db.execute("UPDATE notifications SET state = 'cancelled', reason = 'cancelled_by_operator', finished_at = updated_at").await;
    relay.set_script(Script::new());
    eventually(PATIENCE, || process.log().contains("the channel email is up again")).await;
    assert_eq!(relay.accepted_count(), 0);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn fault_29_one_recipient_for_whom_the_relay_hangs_up_delays_nobody_else(
    #[case] backend: Backend,
) {
    let stage = Stage::new(backend).await;
    stage.set_carl("digest_channel = 'email'").await;
    stage.onboard("Halden Freight", json!({})).await;
    let closing = Do::reply("421 4.7.0 closing");
    stage.relay.set_script(Script::new().on(At::Rcpt, closing));
    stage.pass("2026-06-02T07:00:00Z").await;
    let rows = stage.service.db.rows("SELECT state, attempt_count FROM notifications").await;
    assert_eq!(rows, [json!({ "state": "scheduled", "attempt_count": 1 })]);
    let down = stage.service.db.rows("SELECT channel FROM channel_pauses").await;
    assert!(down.is_empty(), "{down:?}");
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn fault_30_greylisting_is_given_five_minutes(#[case] backend: Backend) {
    let stage = Stage::new(backend).await;
    stage.onboard("Halden Freight", json!({})).await;
    stage.relay.set_script(Script::new().on(At::Dot, Do::reply("451 4.7.1 greylisted")));
    stage.pass("2026-06-02T07:00:00Z").await;
    let row = stage.service.db.rows("SELECT not_before FROM notifications").await.remove(0);
    let again: DateTime<Utc> = row["not_before"].as_str().unwrap().parse().unwrap();
    let first: DateTime<Utc> = "2026-06-02T07:00:00Z".parse().unwrap();
    assert!(again - first >= TimeDelta::minutes(5), "{again}");
    stage.relay.set_script(Script::new());
    stage.drain("2026-06-02T07:20:00Z").await;
    assert_eq!(check(&stage.service, Some(&stage.relay), None).await, 1);
}

#[tokio::test]
async fn fault_32_a_relay_that_takes_us_for_spam_is_said_aloud_once() {
    let spam = Do::reply("554 5.7.1 looks like spam");
    let script = Script::new().on_recipient("csm1", At::Dot, spam);
    let relay = FakeSmtp::start(script).await;
    let service = mail_service(Backend::Postgres, &relay).await;
    due_now(&service, 60).await;
    let process = service.spawn(&["serve"]);
    // csm1 and csm10 to csm19: eleven of sixty.
    wait_for(&service, "state = 'failed' AND reason = 'message_refused'", 11).await;
    wait_for(&service, "state = 'sent'", 49).await;
    assert_eq!(process.log().matches("may take us for spam").count(), 1, "{}", process.log());
    check(&service, Some(&relay), None).await;
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn fault_42_who_cannot_be_written_to_on_slack_is_written_a_mail_next_time(
    #[case] backend: Backend,
) {
    let stage = Stage::new(backend).await;
    let path = stage.onboard("Halden Freight", json!({})).await;
    stage.slack.then(vec![Answer::error("channel_not_found")]);
    // Stalled on the eighth day and again on the fifteenth.
    stage.pass("2026-06-09T10:00:00Z").await;
    stage.at("2026-06-09T11:00:00Z");
    stage.patch(&path, json!({ "reminder_frequency_days": 30 })).await;
    stage.pass("2026-06-16T10:00:00Z").await;
    let nudges = stage.service.db.rows("SELECT channel, state, reason FROM notifications WHERE kind = 'stalled_phase' ORDER BY created_at").await;
    assert_eq!(
        nudges,
        [
            json!({ "channel": "slack", "state": "failed", "reason": "address_refused" }),
            json!({ "channel": "email", "state": "sent", "reason": null }),
        ]
    );
    assert!(stage.slack.posts().iter().all(|post| post.channel == "U0CARL"), "never anywhere else");
    check(&stage.service, Some(&stage.relay), Some(&stage.slack)).await;
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn fault_43_a_revoked_token_pauses_slack_until_there_is_another(#[case] backend: Backend) {
    let slack =
        FakeSlack::start(vec![Answer::error("token_revoked"), Answer::error("token_revoked")])
            .await;
    let relay = FakeSmtp::start(Script::new()).await;
    let mut service = mail_service(backend, &relay).await;
    service.set("SLACK_BOT_TOKEN", "xoxb-old");
    service.set("SLACK_API_URL", &slack.url());
    due_now(&service, 2).await;
    service
        .db
        .execute(
            "UPDATE users SET digest_channel = 'slack', slack_user_id = 'U0SOMEONE' || display_id",
        )
        .await;
    service.db.execute("UPDATE onboardings SET reminder_slack = true").await;
    let said = service.ok(&["scan"]).await;
    assert!(said.stdout.contains("2 to send"), "{}", said.stdout);
    let said = service.ok(&["work", "--drain"]).await;
    assert_eq!(said.stderr.matches("the channel slack is down").count(), 1, "{}", said.stderr);
    assert_eq!(count(&service, "state = 'scheduled' AND attempt_count = 0").await, 2);
    service.set("SLACK_BOT_TOKEN", "xoxb-new");
    let _process = service.spawn(&["serve", "--role", "worker"]);
    wait_for(&service, "state = 'sent'", 2).await;
    assert!(slack.posted().iter().all(|post| post.authorization == "Bearer xoxb-new"));
    assert_eq!(check(&service, Some(&relay), Some(&slack)).await, 2);
}

#[tokio::test]
async fn fault_35_a_relay_with_a_certificate_of_its_own_is_trusted_where_a_setting_says_so() {
    let script = Script::new().protection(Protection::Implicit(Certificate::Good));
    let relay = FakeSmtp::start(script).await;
    let mut service = mail_service(Backend::Sqlite, &relay).await;
    service.set("SMTP_URL", &relay.url().replace("smtp://", "smtps://"));
    due_now(&service, 1).await;
    service.ok(&["scan"]).await;
    let said = service.ok(&["work", "--drain"]).await;
    assert!(said.stdout.contains("1 wait because a channel is down"), "{}", said.stdout);
    let folder = tempfile::tempdir().unwrap();
    let pem = folder.path().join("relay.pem");
    let path = pem.display().to_string();
    service.set("PIVOTAL_TLS__EXTRA_ROOTS", &path);
    let missing = service.run(&["work", "--drain"]).await;
    assert!(missing.code == 1 && missing.stderr.contains("tls.extra_roots"), "{}", missing.stderr);
    let body = base64::Engine::encode(
        &base64::engine::general_purpose::STANDARD,
        relay.certificate(Certificate::Good),
    );
    std::fs::write(
        &pem,
        format!("-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n"),
    )
    .unwrap();
    let _worker = service.spawn(&["serve", "--role", "worker"]);
    wait_for(&service, "state = 'sent'", 1).await;
    assert_eq!(check(&service, Some(&relay), None).await, 1);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn fault_39_a_digest_of_two_thousand_onboardings_is_one_mail_of_a_size_that_is_taken(
    #[case] backend: Backend,
) {
    let relay = FakeSmtp::start(Script::new()).await;
    let service = mail_service(backend, &relay).await;
    due_now(&service, 2_000).await;
    let first = service.db.rows("SELECT id FROM users WHERE display_id = 1").await.remove(0);
    let first = first["id"].as_str().unwrap();
    service.db.execute(&format!("UPDATE onboardings SET csm_id = '{first}'")).await;
    service.db.execute(&format!("UPDATE reminder_state SET recipient_id = '{first}'")).await;
    service.ok(&["scan"]).await;
    service.ok(&["work", "--drain"]).await;
    let mails = relay.accepted();
    assert_eq!(mails.len(), 1);
    assert!(mails[0].raw.len() < 300_000, "{}", mails[0].raw.len());
    let mail = mail_parser::MessageParser::default().parse(&mails[0].raw).unwrap();
    assert!(mail.body_html(0).unwrap().len() < 100_000);
    assert!(mail.body_text(0).unwrap().contains("1975 more"), "25 lines and the rest counted");
    assert!(mails[0].raw.split(|byte| *byte == b'\n').all(|line| line.len() <= 999));
    check(&service, Some(&relay), None).await;
}

/// Silence at any point ends within the deadlines that the settings name.
#[tokio::test]
async fn fault_28_a_silent_relay_is_given_up_within_the_deadlines_of_the_settings() {
    let relay = FakeSmtp::start(Script::new().on(At::Rcpt, Do::Silence)).await;
    let mut service = mail_service(Backend::Sqlite, &relay).await;
    service.set("PIVOTAL_MAIL__COMMAND_TIMEOUT_SECONDS", "1");
    due_now(&service, 3).await;
    let began = std::time::Instant::now();
    service.ok(&["scan"]).await;
    service.ok(&["work", "--drain"]).await;
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    assert_eq!(count(&service, "state = 'scheduled' AND attempt_count = 1").await, 3);
    check(&service, Some(&relay), None).await;
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn fault_45_a_post_whose_answer_was_lost_is_looked_for_by_its_metadata_and_never_repeated(
    #[case] backend: Backend,
) {
    let stage = Stage::new(backend).await;
    stage.onboard("Halden Freight", json!({ "reminder_email": false })).await;
    stage.scan("2026-06-02T07:00:00Z").await;
    stage.slack.then(vec![Answer::Posted(Box::new(Answer::Close))]);
    stage.drain("2026-06-02T07:00:00Z").await;
    let row = stage.service.db.rows("SELECT id, state FROM notifications").await.remove(0);
    assert_eq!(row["state"], "ambiguous");
    // The token may not look yet: it stays in doubt, for an operator.
    stage.slack.then(vec![Answer::error("missing_scope")]);
    stage.drain("2026-06-02T07:01:00Z").await;
    let state = || async { stage.service.db.rows("SELECT state FROM notifications").await };
    assert_eq!(state().await, [json!({ "state": "ambiguous" })]);
    // It may, and finds what somebody else said, and ours.
    let history = json!({ "ok": true, "messages": [
        { "ts": "1.1", "text": "hello" },
        { "ts": "1.2", "metadata": { "event_type": "x", "event_payload": { "ticket": 7 } } },
        { "ts": "1.3", "metadata": { "event_type": "digest", "event_payload": { "notification_id": row["id"] } } },
    ] });
    stage.slack.then(vec![
        Answer::json(r#"{"ok":true,"channel":{"id":"D7"}}"#),
        Answer::json(&history.to_string()),
    ]);
    stage.drain("2026-06-02T07:02:00Z").await;
    assert_eq!(
        stage.service.db.rows("SELECT state, provider_ref FROM notifications").await,
        [json!({ "state": "sent", "provider_ref": "D7:1.3" })]
    );
    assert_eq!(stage.slack.posts().len(), 1, "posted once");
    let asked: Vec<String> = stage.slack.calls().into_iter().map(|(method, _)| method).collect();
    assert_eq!(asked, ["conversations.open", "conversations.open", "conversations.history"]);
}
