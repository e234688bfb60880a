//! What must not be found in a log, however much is logged.

use std::io::Write;
use std::sync::{Arc, Mutex};

use rstest::rstest;
use serde_json::{Value, json};

use crate::support::app::TestApp;
use crate::support::db::Backend;
use crate::support::fake_slack::{Answer, FakeSlack};
use crate::support::fake_smtp::{At, Do, FakeSmtp, Script};
use crate::support::service::{Client, Service};

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn no_key_and_no_address_is_logged_even_at_trace(#[case] backend: Backend) {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(move || writer.clone())
        .finish();
    // For this thread, on which the test's runtime runs everything.
    let _guard = tracing::subscriber::set_default(subscriber);
    let app = TestApp::new(backend).await;
    app.customer("Acme").await;
    let contact = json!({ "name": "Ann", "email": "canary@acme.example" });
    app.post("/customers/1/contacts", contact.clone()).await.ok(201);
    app.post("/customers/1/contacts", contact).await.error();
    let made = app.post("/api_keys", json!({ "name": "Zapier" })).await.ok(201);
    let wrong = app.request(reqwest::Method::GET, "/me").bearer_auth("pivotal_canarycanarycanary");
    app.send(wrong).await.error();
    let text = String::from_utf8_lossy(&log.0.lock().unwrap()).into_owned();
    assert!(text.contains("answered"), "nothing was captured");
    let made = made["key"].as_str().unwrap();
    for secret in [app.live.as_str(), made, "pivotal_canary", "canary@acme.example"] {
        let line = text.lines().find(|line| line.contains(secret));
        assert_eq!(line, None);
    }
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn no_process_logs_a_secret_an_address_or_a_message_whatever_it_does(
    #[case] backend: Backend,
) {
    const PASSWORD: &str = "canary-smtp-password";
    const TOKEN: &str = "xoxb-canary-token";
    // A relay that repeats an address in what it refuses, and a Slack that is broken at first.
    let refusal = Do::reply("550 5.1.1 <tomas@tally.test>: canary-reply, unknown to us");
    let script = Script::new().login("reminders", PASSWORD);
    let relay = FakeSmtp::start(script.on_recipient("tomas@tally.test", At::Rcpt, refusal)).await;
    let slack =
        FakeSlack::start(vec![Answer::status(500, None), Answer::error("ratelimited")]).await;
    let mut service = Service::new(backend).await;
    service.set("PIVOTAL_LOG__LEVEL", "trace");
    let login = format!("smtp://reminders:{PASSWORD}@");
    service.set("SMTP_URL", &relay.url().replace("smtp://", &login));
    service.set("MAIL_FROM", "canary-sender@tally.test");
    service.set("SLACK_BOT_TOKEN", TOKEN);
    service.set("SLACK_API_URL", &slack.url());
    let maren = service.workspace("Europe/Copenhagen").await;
    let tomas = service.user("Tomas Vale", "tomas@tally.test", None).await;
    let jonas = service.user("Jonas Reyl", "jonas@tally.test", Some("U0JONAS")).await;
    let args = "keys create --workspace tally --name CRM --mode live --tier unlimited --scopes read,write,admin";
    let made = service.ok(&args.split(' ').collect::<Vec<_>>()).await;
    let key = made.last();
    let (api, address) = service.api().await;
    let client = Client::new(address, &key);
    let path = format!("/users/{jonas}/notification_preferences");
    client.send("PATCH", &path, json!({ "digest_channel": "slack" })).await;
    for csm in [&maren, &tomas, &jonas] {
        client.onboarding("Canary Freight", csm).await;
    }
    let contact = json!({ "name": "Ann", "email": "canary-contact@acme.example" });
    client.post("/customers/1/contacts", contact.clone()).await;
    let refused = [
        client.send("POST", "/customers/1/contacts", contact).await,
        client.send("PATCH", "/onboardings/1", json!({ "notes": ["canary-body"] })).await,
        client.send("PATCH", "/onboardings/1", json!({ "csm_id": "canary-body" })).await,
        Client::new(address, "pivotal_canarykey").send("GET", "/me", Value::Null).await,
    ];
    assert_eq!(refused.each_ref().map(|(status, _)| *status), [409, 400, 400, 401]);
    client.send("PATCH", "/onboardings/1", json!({ "notes": "canary-body" })).await;
    let now = "2099-01-05T07:00:00+01:00";
    let scan = service.ok(&["scan", "--now", now]).await;
    // First with a login that the relay refuses, then with the right one.
    let wrong = relay.url().replace("smtp://", "smtp://reminders:canary-wrong-password@");
    service.set("SMTP_URL", &wrong);
    let down = service.ok(&["work", "--drain", "--now", now]).await;
    assert!(down.stderr.contains("the channel email is down"), "{}", down.stderr);
    service.set("SMTP_URL", &relay.url().replace("smtp://", &login));
    let later = "2099-01-05T08:00:00+01:00";
    let work = service.ok(&["work", "--drain", "--now", later]).await;
    let doctor = service.run(&["doctor"]).await;
    assert!(
        relay.reached(At::Auth) > 0 && !relay.accepted().is_empty() && !slack.posts().is_empty()
    );

    let errors: String = refused.iter().map(|(_, body)| body.to_string()).collect();
    let jobs = if backend == Backend::Postgres {
        "SELECT CAST(job AS TEXT) AS job FROM apalis.jobs"
    } else {
        "SELECT CAST(job AS TEXT) AS job FROM Jobs"
    };
    let jobs: String = service.db.rows(jobs).await.iter().map(ToString::to_string).collect();
    assert!(!jobs.is_empty());
    for (what, text) in [
        ("keys create", &made.stderr),
        ("serve", &api.log()),
        ("scan", &scan.stderr),
        ("work while mail is down", &(down.stderr + &down.stdout)),
        ("work", &(work.stderr + &work.stdout)),
        ("doctor", &(doctor.stderr + &doctor.stdout)),
        ("error bodies", &errors),
        ("jobs", &jobs),
    ] {
        for secret in [
            &key,
            PASSWORD,
            "canary-wrong-password",
            TOKEN,
            "pivotal_canarykey",
            "maren@tally.test",
            "tomas@tally.test",
            "jonas@tally.test",
            "canary-contact@acme.example",
            "canary-body",
            "Canary Freight",
        ] {
            let line = text.lines().find(|line| line.contains(secret));
            assert_eq!(line, None, "{what} shows {secret}");
        }
    }
    assert!(api.log().contains("DEBUG"), "next to nothing is logged: {}", api.log());
}
