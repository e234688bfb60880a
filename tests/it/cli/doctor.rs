//! `doctor` finds what is wrong and says what to do.

use crate::support::db::Backend;
use crate::support::fake_slack::{Answer, FakeSlack};
use crate::support::fake_smtp::{FakeSmtp, Script};
use crate::support::service::Service;

/// What it says, a line for each check.
async fn checks(service: &Service) -> (i32, String) {
    let said = service.run(&["doctor", "--json"]).await;
    let checks = said.json();
    let lines = checks.as_array().expect("a list").iter().map(|check| {
        let verdict = if check["ok"] == true { "ok" } else { "FAULT" };
        format!(
            "{}: {verdict}: {}",
            check["check"].as_str().unwrap(),
            check["detail"].as_str().unwrap()
        )
    });
    (said.code, lines.collect::<Vec<_>>().join("\n"))
}

#[tokio::test]
async fn all_is_well() {
    let (relay, slack) = (FakeSmtp::start(Script::new()).await, FakeSlack::start(vec![]).await);
    let mut service = Service::new(Backend::Sqlite).await;
    service.set("SMTP_URL", &relay.url());
    service.set("MAIL_FROM", "reminders@tally.test");
    service.set("SLACK_BOT_TOKEN", "xoxb-canary");
    service.set("SLACK_API_URL", &slack.url());
    let (code, said) = checks(&service).await;
    assert_eq!(code, 0, "{said}");
    let said = said.replace(&relay.addr.to_string(), "RELAY");
    insta::assert_snapshot!(said, @r"
    configuration: ok: readable
    database: ok: sqlite answers
    migrations: ok: up to date
    clock: ok: right, as far as this service can tell
    accounting: ok: 0 unaccounted for
    recipients: ok: every open onboarding has somebody to tell
    templates: ok: none of a workspace's own has failed
    mail: ok: RELAY answers, without TLS, no login
    slack: ok: Slack accepts the token: team Fake, user reminders
    ");
    assert!(relay.accepted().is_empty() && slack.posts().is_empty(), "it bothers nobody");
}

#[tokio::test]
async fn what_is_not_configured_is_no_fault() {
    let service = Service::new(Backend::Sqlite).await;
    let (code, said) = checks(&service).await;
    assert_eq!(code, 0, "{said}");
    insta::assert_snapshot!(said, @r"
    configuration: ok: readable
    database: ok: sqlite answers
    migrations: ok: up to date
    clock: ok: right, as far as this service can tell
    accounting: ok: 0 unaccounted for
    recipients: ok: every open onboarding has somebody to tell
    templates: ok: none of a workspace's own has failed
    mail: ok: captured: mail is kept in the ledger; set SMTP_URL and MAIL_FROM to send it
    slack: ok: captured: Slack messages are kept in the ledger; set SLACK_BOT_TOKEN to send them
    ");
}

#[tokio::test]
async fn nobody_answers_at_the_relay_and_slack_knows_no_such_token() {
    let slack = FakeSlack::start(vec![Answer::error("invalid_auth")]).await;
    let mut service = Service::new(Backend::Sqlite).await;
    // A port that nobody listens on.
    service.set("SMTP_URL", "smtp://maren:hunter2@127.0.0.1:9");
    service.set("MAIL_FROM", "reminders@tally.test");
    service.set("SLACK_BOT_TOKEN", "xoxb-canary");
    service.set("SLACK_API_URL", &slack.url());
    let (code, said) = checks(&service).await;
    assert_eq!(code, 1);
    assert!(!said.contains("hunter2") && !said.contains("canary"), "{said}");
    let said = said.replace(&slack.addr.to_string(), "SLACK");
    insta::assert_snapshot!(said, @r"
    configuration: ok: readable
    database: ok: sqlite answers
    migrations: ok: up to date
    clock: ok: right, as far as this service can tell
    accounting: ok: 0 unaccounted for
    recipients: ok: every open onboarding has somebody to tell
    templates: ok: none of a workspace's own has failed
    mail: FAULT: 127.0.0.1:9: cannot connect to 127.0.0.1:9: Connection refused (os error 111); check host and port in SMTP_URL, and that the relay accepts this machine
    slack: FAULT: http://SLACK/api: invalid_auth; put a valid Bot User OAuth Token into SLACK_BOT_TOKEN and give the app the scope chat:write
    ");
}

#[tokio::test]
async fn the_relay_refuses_the_password() {
    let relay = FakeSmtp::start(Script::new().login("maren", "right")).await;
    let mut service = Service::new(Backend::Sqlite).await;
    service.set("SMTP_URL", &format!("smtp://maren:hunter2@{}", relay.addr));
    service.set("MAIL_FROM", "reminders@tally.test");
    let (code, said) = checks(&service).await;
    assert_eq!(code, 1);
    assert!(!said.contains("hunter2"), "{said}");
    insta::assert_snapshot!(said.replace(&relay.addr.to_string(), "RELAY"), @r"
    configuration: ok: readable
    database: ok: sqlite answers
    migrations: ok: up to date
    clock: ok: right, as far as this service can tell
    accounting: ok: 0 unaccounted for
    recipients: ok: every open onboarding has somebody to tell
    templates: ok: none of a workspace's own has failed
    mail: FAULT: RELAY: 535 5.7.8 wrong user or password; check user and password in SMTP_URL
    slack: ok: not used: no Slack token is configured; set SLACK_BOT_TOKEN
    ");
}

#[tokio::test]
async fn there_is_no_such_database() {
    let mut service = Service::new(Backend::Sqlite).await;
    service.set("DATABASE_URL", "postgres://maren:hunter2@127.0.0.1:9/pivotal");
    service.set("PIVOTAL_DATABASE__ACQUIRE_TIMEOUT_SECONDS", "1");
    let (code, said) = checks(&service).await;
    assert_eq!(code, 1);
    assert!(!said.contains("hunter2"), "{said}");
    insta::assert_snapshot!(said, @r"
    configuration: ok: readable
    database: FAULT: DATABASE_URL: cannot open the database 127.0.0.1:9/pivotal: no answer in time; is the server running there?; check that the server runs and that DATABASE_URL names host, database, user and password
    mail: ok: captured: mail is kept in the ledger; set SMTP_URL and MAIL_FROM to send it
    slack: ok: captured: Slack messages are kept in the ledger; set SLACK_BOT_TOKEN to send them
    ");
}

#[tokio::test]
async fn a_mistyped_path_is_no_database_and_does_not_become_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("typo").join("new.db");
    let mut service = Service::new(Backend::Sqlite).await;
    service.set("DATABASE_URL", &format!("sqlite://{}", path.display()));
    let (code, said) = checks(&service).await;
    assert_eq!(code, 1);
    insta::assert_snapshot!(said.replace(&path.display().to_string(), "PATH"), @r"
    configuration: ok: readable
    database: FAULT: DATABASE_URL: there is no database at PATH; `pivotal-reminders migrate` makes one
    mail: ok: captured: mail is kept in the ledger; set SMTP_URL and MAIL_FROM to send it
    slack: ok: captured: Slack messages are kept in the ledger; set SLACK_BOT_TOKEN to send them
    ");
    for verb in [
        &["workspaces", "list"][..],
        &["scan"],
        &["work", "--drain"],
        &["unroutable"],
        &["queues", "list"],
        &["keys", "create", "--workspace", "w", "--name", "n", "--mode", "live"],
        &["serve", "--no-migrate"],
    ] {
        let said = service.run(verb).await;
        let line = format!(
            "pivotal-reminders: DATABASE_URL: there is no database at {}; `pivotal-reminders migrate` makes one\n",
            path.display()
        );
        assert_eq!((said.code, said.stderr.as_str()), (1, line.as_str()), "{verb:?}");
    }
    assert!(!path.exists() && !folder.path().join("typo").exists(), "nothing was made");
    service.ok(&["migrate"]).await;
    service.ok(&["workspaces", "list"]).await;
}

#[tokio::test]
async fn nobody_has_migrated_the_database() {
    let folder = tempfile::tempdir().unwrap();
    let mut service = Service::new(Backend::Sqlite).await;
    let path = folder.path().join("new.db");
    std::fs::write(&path, "").unwrap();
    service.set("DATABASE_URL", &format!("sqlite://{}", path.display()));
    let (code, said) = checks(&service).await;
    assert_eq!(code, 1);
    insta::assert_snapshot!(said, @r"
    configuration: ok: readable
    database: ok: sqlite answers
    migrations: FAULT: the schema is older than this binary; run `pivotal-reminders migrate`
    clock: ok: not checked: the schema is not there yet
    accounting: ok: not checked: the schema is not there yet
    recipients: ok: not checked: the schema is not there yet
    templates: ok: not checked: the schema is not there yet
    mail: ok: captured: mail is kept in the ledger; set SMTP_URL and MAIL_FROM to send it
    slack: ok: captured: Slack messages are kept in the ledger; set SLACK_BOT_TOKEN to send them
    ");
}

#[tokio::test]
async fn a_setting_is_misspelt() {
    let mut service = Service::new(Backend::Sqlite).await;
    service.set("PIVOTAL_WORKER__LEASE", "3");
    let (code, said) = checks(&service).await;
    assert_eq!(code, 1);
    insta::assert_snapshot!(said, @"configuration: FAULT: lease: there is no such setting (set in `PIVOTAL_` environment variable(s)); config/default.toml lists them all");
}
