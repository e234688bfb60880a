//! The main job, end to end: an onboarding created over HTTP becomes a digest in somebody's hands.

use chrono::{DateTime, Datelike, Days, NaiveDate, TimeZone, Utc, Weekday};
use chrono_tz::Tz;
use mail_parser::MessageParser;
use rstest::rstest;
use serde_json::{Value, json};

use super::support::db::Backend;
use super::support::eventually;
use super::support::fake_slack::FakeSlack;
use super::support::fake_smtp::{At, Do, FakeSmtp, Script};
use super::support::service::{Client, PATIENCE, Service};

/// 07:00 in `zone` of a Monday that is at least a day away, so that what is created now is due on it.
pub(crate) fn monday(zone: Tz) -> DateTime<Utc> {
    #[expect(
        clippy::disallowed_methods,
        reason = "data is created by a real process at the real time"
    )]
    let today = Utc::now().with_timezone(&zone).date_naive();
    let mut date: NaiveDate = today + Days::new(1);
    while date.weekday() != Weekday::Mon {
        date = date + Days::new(1);
    }
    zone.from_local_datetime(&date.and_hms_opt(7, 0, 0).expect("seven o'clock"))
        .earliest()
        .expect("no gap at seven")
        .to_utc()
}

fn rfc3339(at: DateTime<Utc>) -> String {
    at.to_rfc3339()
}

async fn ledger(service: &Service, sql: &'static str) -> Vec<Value> {
    service.db.rows(sql).await
}

const LEDGER: &str = "SELECT kind, channel, mode, state, reason, attempt_count, subject FROM notifications WHERE state <> 'skipped' ORDER BY id";

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn an_onboarding_created_over_http_reaches_its_csm_as_a_digest_by_mail(
    #[case] backend: Backend,
) {
    let relay = FakeSmtp::start(Script::new()).await;
    let mut service = Service::new(backend).await;
    service.set("SMTP_URL", &relay.url());
    service.set("MAIL_FROM", "Tallybrook <reminders@tally.test>");
    let csm = service.workspace("Europe/Copenhagen").await;
    let key = service.key("live").await;
    let (_api, address) = service.api().await;
    let client = Client::new(address, &key);
    client.onboarding("Halden Freight", &csm).await;
    let waiting = client.onboarding("Fennel & Rye <b>", &csm).await;
    let (status, _) = client
        .send(
            "PATCH",
            &format!("/onboardings/{}", waiting["display_id"]),
            json!({ "state": "waiting" }),
        )
        .await;
    assert_eq!(status, 200);

    let monday = monday(Tz::Europe__Copenhagen);
    let scan = service.ok(&["scan", "--json", "--now", &rfc3339(monday)]).await.json();
    assert_eq!(scan["unaccounted"], 0, "{scan}");
    assert_eq!(scan["scheduled"], 1, "{scan}");
    service.ok(&["work", "--drain", "--now", &rfc3339(monday)]).await;

    let mails = relay.accepted();
    assert_eq!(mails.len(), 1, "exactly one digest");
    assert_eq!(mails[0].to, "maren@tally.test");
    let mail = MessageParser::default().parse(&mails[0].raw).expect("a mail");
    let text = mail.body_text(0).expect("a text part");
    assert!(text.contains("Halden Freight") && text.contains("Fennel & Rye <b>"), "{text}");
    assert!(
        text.find("Fennel").expect("there") < text.find("Halden").expect("there"),
        "waiting first: {text}"
    );
    let html = mail.body_html(0).expect("an HTML part");
    assert!(html.contains("Fennel &amp; Rye &lt;b&gt;"), "escaped");
    assert_eq!(mail.header_raw("Auto-Submitted").map(str::trim), Some("auto-generated"));
    let rows = ledger(&service, LEDGER).await;
    assert_eq!(rows.len(), 1);
    assert_eq!(
        (rows[0]["state"].as_str(), rows[0]["attempt_count"].as_i64()),
        (Some("sent"), Some(1)),
        "{rows:?}"
    );

    // Again: nothing is due any more, and nothing is sent twice.
    service.ok(&["scan", "--now", &rfc3339(monday)]).await;
    service.ok(&["work", "--drain", "--now", &rfc3339(monday)]).await;
    assert_eq!(relay.accepted().len(), 1);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn a_csm_who_can_only_be_reached_on_slack_gets_the_digest_there(#[case] backend: Backend) {
    let slack = FakeSlack::start(vec![]).await;
    let mut service = Service::new(backend).await;
    service.set("SLACK_BOT_TOKEN", "xoxb-canary");
    service.set("SLACK_API_URL", &slack.url());
    let csm = service.workspace("America/Sao_Paulo").await;
    let key = service.key("live").await;
    let (_api, address) = service.api().await;
    Client::new(address, &key).onboarding("Halden <!channel> Freight", &csm).await;

    let monday = monday(Tz::America__Sao_Paulo);
    service.ok(&["scan", "--now", &rfc3339(monday)]).await;
    service.ok(&["work", "--drain", "--now", &rfc3339(monday)]).await;

    let posts = slack.posted();
    assert_eq!(posts.len(), 1);
    assert_eq!(posts[0].channel, "U0MAREN");
    assert_eq!(posts[0].metadata["event_type"], "digest");
    assert!(
        posts[0].blocks.to_string().contains("Halden &lt;!channel&gt; Freight"),
        "{}",
        posts[0].blocks
    );
    assert_eq!(posts[0].body["unfurl_links"], false);
    let rows = ledger(&service, LEDGER).await;
    assert_eq!(rows[0]["state"], "sent", "{rows:?}");
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn what_a_test_key_causes_is_rendered_and_kept_and_reaches_nobody(#[case] backend: Backend) {
    let relay = FakeSmtp::start(Script::new()).await;
    let slack = FakeSlack::start(vec![]).await;
    let mut service = Service::new(backend).await;
    service.set("SMTP_URL", &relay.url());
    service.set("MAIL_FROM", "reminders@tally.test");
    service.set("SLACK_BOT_TOKEN", "xoxb-canary");
    service.set("SLACK_API_URL", &slack.url());
    let csm = service.workspace("Europe/Copenhagen").await;
    let key = service.key("test").await;
    let (_api, address) = service.api().await;
    Client::new(address, &key).onboarding("Halden Freight", &csm).await;

    let monday = monday(Tz::Europe__Copenhagen);
    service.ok(&["scan", "--now", &rfc3339(monday)]).await;
    service.ok(&["work", "--drain", "--now", &rfc3339(monday)]).await;

    assert_eq!(relay.connections(), 0, "the relay saw no connection at all");
    assert!(slack.posts().is_empty());
    let rows = ledger(&service, LEDGER).await;
    assert_eq!(rows.len(), 1);
    assert_eq!(
        (&rows[0]["mode"], &rows[0]["state"], &rows[0]["reason"]),
        (&json!("test"), &json!("suppressed"), &json!("test_mode"))
    );
    assert!(
        rows[0]["subject"].as_str().is_some_and(|subject| !subject.is_empty()),
        "rendered: {rows:?}"
    );
    let kept = ledger(&service, "SELECT notification_id FROM messages").await;
    assert_eq!(kept.len(), 1, "the message is kept");
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn two_passes_at_once_in_two_processes_write_one_digest_per_csm(#[case] backend: Backend) {
    const CSMS: usize = 20;
    let service = Service::new(backend).await;
    let owner = service.workspace("Europe/Copenhagen").await;
    let mut csms = vec![owner];
    for n in 1..CSMS {
        csms.push(service.user(&format!("Csm {n}"), &format!("csm{n}@tally.test"), None).await);
    }
    let key = service.key("live").await;
    let (_api, address) = service.api().await;
    let client = Client::new(address, &key);
    let customer = client.post("/customers", json!({ "name": "Halden Freight" })).await;
    for n in 0..1000 {
        client
            .post(
                "/onboardings",
                json!({ "customer_id": customer["id"], "csm_id": csms[n % CSMS] }),
            )
            .await;
    }

    let now = rfc3339(monday(Tz::Europe__Copenhagen));
    let args = ["scan", "--json", "--now", now.as_str()];
    let (one, two) = tokio::join!(service.ok(&args), service.ok(&args));

    let written = one.json()["scheduled"].as_i64().unwrap_or(-1)
        + two.json()["scheduled"].as_i64().unwrap_or(-1);
    assert_eq!(written, 20, "{} {}", one.stdout, two.stdout);
    let digests = ledger(
        &service,
        "SELECT recipient_id FROM notifications WHERE kind = 'digest' AND state = 'scheduled'",
    )
    .await;
    assert_eq!(digests.len(), CSMS, "one per CSM");
    let lines = ledger(&service, "SELECT i.onboarding_id FROM notification_items i JOIN notifications n ON n.id = i.notification_id WHERE n.state = 'scheduled'").await;
    assert_eq!(lines.len(), 1000, "every onboarding once");
    for log in [one.stderr, two.stderr] {
        assert!(!log.contains("ERROR"), "{log}");
    }
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn a_worker_killed_in_the_middle_of_200_deliveries_loses_none_and_explains_every_copy(
    #[case] backend: Backend,
) {
    const CSMS: usize = 200;
    let relay = FakeSmtp::start(Script::new()).await;
    let mut service = Service::new(backend).await;
    service.set("SMTP_URL", &relay.url());
    service.set("MAIL_FROM", "reminders@tally.test");
    service.set("PIVOTAL_WORKER__LEASE_SECONDS", "3");
    // On the clock that stands still below, the second copy is due at once.
    service.set("PIVOTAL_WORKER__RESEND_AFTER_SECONDS", "0");
    let mut csms = vec![service.workspace("Europe/Copenhagen").await];
    let key = service.key("live").await;
    for n in 1..CSMS {
        csms.push(service.db.user(&format!("csm{n}@tally.test")).await);
    }
    let (_api, address) = service.api().await;
    let client = Client::new(address, &key);
    let customer = client.post("/customers", json!({ "name": "Halden Freight" })).await;
    for csm in &csms {
        client.post("/onboardings", json!({ "customer_id": customer["id"], "csm_id": csm })).await;
    }
    let now = rfc3339(monday(Tz::Europe__Copenhagen));
    service.ok(&["scan", "--now", &now]).await;

    // The relay answers the 60th mail and every one after it never: the worker is killed with deliveries at every stage.
    relay.set_script(Script::new().on_nth(At::Dot, 60, Do::Silence));
    let worker = service.spawn(&["work", "--drain", "--now", &now]);
    eventually(PATIENCE, || relay.accepted().len() >= 50).await;
    worker.kill().await;
    relay.set_script(Script::new());
    service.ok(&["work", "--drain", "--now", &now]).await;

    let mut copies: std::collections::BTreeMap<String, usize> = std::collections::BTreeMap::new();
    for mail in relay.accepted() {
        *copies.entry(mail.notification_id).or_default() += 1;
    }
    let rows =
        ledger(&service, "SELECT id, state FROM notifications WHERE state <> 'skipped'").await;
    assert_eq!(rows.len(), CSMS);
    for row in &rows {
        assert_eq!(row["state"], "sent", "{row}");
        assert!(copies.contains_key(row["id"].as_str().expect("an id")), "{row} did not arrive");
    }
    let explained: Vec<String> =
        ledger(&service, "SELECT notification_id AS id FROM attempts WHERE outcome = 'ambiguous'")
            .await
            .iter()
            .filter_map(|row| row["id"].as_str().map(str::to_owned))
            .collect();
    for (id, count) in copies {
        assert!(
            count == 1 || (count == 2 && explained.contains(&id)),
            "{id} arrived {count} times, unexplained"
        );
    }
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn an_unreachable_relay_loses_nothing_and_uses_up_no_attempt(#[case] backend: Backend) {
    let relay = FakeSmtp::start(Script::new()).await;
    let mut service = Service::new(backend).await;
    service.set("MAIL_FROM", "reminders@tally.test");
    // A port that nobody listens on.
    service.set("SMTP_URL", "smtp://127.0.0.1:9");
    let csm = service.workspace("Europe/Copenhagen").await;
    let key = service.key("live").await;
    let (_api, address) = service.api().await;
    Client::new(address, &key).onboarding("Halden Freight", &csm).await;
    let monday = monday(Tz::Europe__Copenhagen);
    service.ok(&["scan", "--now", &rfc3339(monday)]).await;
    let said = service.ok(&["work", "--drain", "--now", &rfc3339(monday)]).await;
    assert!(said.stdout.contains("1 wait because a channel is down"), "{}", said.stdout);
    let rows = ledger(&service, LEDGER).await;
    assert_eq!(
        (rows[0]["state"].as_str(), rows[0]["attempt_count"].as_i64()),
        (Some("scheduled"), Some(0)),
        "{rows:?}"
    );

    service.set("SMTP_URL", &relay.url());
    let later = rfc3339(monday + chrono::TimeDelta::minutes(10));
    service.ok(&["work", "--drain", "--now", &later]).await;
    assert_eq!(relay.accepted().len(), 1);
}

#[tokio::test]
async fn bad_input_gets_one_clear_line() {
    let mut service = Service::new(Backend::Sqlite).await;
    service.workspace("Europe/Copenhagen").await;
    let usage = service.run(&["scan", "--now", "yesterday"]).await;
    assert_eq!(usage.code, 2);
    let key = ["keys", "create", "--workspace", "tally", "--name", "X", "--mode", "live"];
    for nothing in ["", " , "] {
        let said = service.run(&[&key[..], &["--scopes", nothing]].concat()).await;
        assert_eq!(said.code, 2);
        assert!(
            said.stderr
                .contains("a key without scopes opens nothing; name read, write, operate or admin"),
            "{}",
            said.stderr
        );
    }
    service.set("DATABASE_URL", "mysql://root:hunter2@localhost/x");
    let url = service.run(&["scan"]).await;
    assert_eq!(url.code, 1);
    insta::assert_snapshot!(url.stderr, @r#"pivotal-reminders: DATABASE_URL: "mysql" is no database this service knows; use sqlite://path or postgres://user:password@host/name"#);
    service.set("DATABASE_URL", "postgres://u:hunter2@127.0.0.1:9/x");
    let down = service.run(&["scan"]).await;
    assert_eq!(down.code, 1);
    assert!(
        down.stderr.lines().count() == 1 && !down.stderr.contains("hunter2"),
        "{}",
        down.stderr
    );
    service.set("LISTEN", "nowhere");
    let listen = service.run(&["serve"]).await;
    assert_eq!(listen.code, 1);
    assert!(
        listen.stderr.contains("LISTEN") && listen.stderr.lines().count() == 1,
        "{}",
        listen.stderr
    );
}
