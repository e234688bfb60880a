//! Notifications, queues and addresses on the command line.

use chrono_tz::Tz;
use rstest::rstest;
use serde_json::{Value, json};

use crate::flow::monday;
use crate::support::db::Backend;
use crate::support::fake_smtp::{At, Do, FakeSmtp, Script};
use crate::support::service::{Client, Service};

const WHY: [&str; 2] = ["--reason", "a customer asked"];

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn an_operator_finds_a_failed_message_clears_the_address_and_has_it_sent(
    #[case] backend: Backend,
) {
    let refusal = Do::reply("550 5.1.1 no such user");
    let relay = FakeSmtp::start(Script::new().on(At::Rcpt, refusal)).await;
    let mut service = Service::new(backend).await;
    service.set("SMTP_URL", &relay.url());
    service.set("MAIL_FROM", "reminders@tally.test");
    let csm = service.workspace("Europe/Copenhagen").await;
    let key = service.key("live").await;
    let (_api, address) = service.api().await;
    Client::new(address, &key).onboarding("Halden Freight", &csm).await;
    let monday = monday(Tz::Europe__Copenhagen).to_rfc3339();
    service.ok(&["scan", "--now", &monday]).await;
    service.ok(&["work", "--drain", "--now", &monday]).await;
    relay.set_script(Script::new());

    let verb = async |args: &[&str]| {
        let args: Vec<&str> = args.iter().copied().chain(["--workspace", "tally"]).collect();
        service.run(&args).await
    };
    let list = verb(&["notifications", "list", "--state", "failed", "--json"]).await.json();
    let id = list[0]["id"].as_str().unwrap().to_owned();
    assert_eq!(list[0]["recipient_address"], "maren@tally.test");
    let table = verb(&["notifications", "list", "--recipient", "1"]).await.stdout;
    assert!(table.contains("failed: address refused") && table.contains(&id), "{table}");
    let page = verb(&["notifications", "list", "--state", "failed", "--after", &id]).await.stdout;
    assert_eq!(page, "none\n");
    let shown = verb(&["notifications", "show", &id]).await.stdout;
    assert!(shown.contains("Halden Freight") && shown.contains("550 5.1.1"), "{shown}");
    let all: Value = verb(&["notifications", "show", &id, "--json"]).await.json();
    assert_eq!(all["attempts"][0]["phase"], "recipient");

    let refused = verb(&["notifications", "retry", &id, WHY[0], WHY[1]]).await;
    assert_eq!(refused.code, 1);
    assert!(
        refused.stderr.contains("was refused on") && refused.stderr.lines().count() == 1,
        "{}",
        refused.stderr
    );
    let flagged = verb(&["addresses", "list"]).await.stdout;
    assert!(flagged.contains("maren@tally.test"), "{flagged}");
    let cleared = verb(&["addresses", "clear", &csm, WHY[0], WHY[1]]).await;
    assert_eq!(cleared.stdout, "maren@tally.test of Maren Holt is tried again\n");
    assert_eq!(verb(&["notifications", "retry", &id, WHY[0], WHY[1]]).await.code, 0);
    service.ok(&["work", "--drain", "--now", &monday]).await;
    assert_eq!(relay.accepted().len(), 1);
    let again = verb(&["notifications", "resend", &id, WHY[0], WHY[1]]).await;
    assert_eq!(again.code, 0, "{}", again.stderr);
    let again = again.last();
    assert_eq!(
        verb(&["notifications", "cancel", &again, WHY[0], WHY[1]]).await.stdout,
        format!("{again} is cancelled\n")
    );
    let unsure = verb(&["notifications", "delivered", &again, WHY[0], WHY[1]]).await;
    assert_eq!(unsure.code, 1);
    let why = verb(&["notifications", "cancel", &again, "--reason", " "]).await;
    assert_eq!(why.code, 2, "{}", why.stderr);
    let nobody = verb(&["notifications", "show", "ntf_nobody"]).await;
    insta::assert_snapshot!(nobody.stderr, @"pivotal-reminders: ntf_nobody: there is no such notification");
}

#[tokio::test]
async fn queues_are_listed_paused_and_resumed() {
    let service = Service::new(Backend::Sqlite).await;
    service.workspace("Europe/Copenhagen").await;
    service.ok(&["queues", "pause", "slack", "--reason", "Slack is being moved"]).await;
    let table = service.ok(&["queues", "list"]).await.stdout;
    assert!(table.contains("PAUSED by system: Slack is being moved"), "{table}");
    let twice = service.run(&["queues", "pause", "slack", "--reason", "again"]).await;
    insta::assert_snapshot!(twice.stderr, @"pivotal-reminders: slack: it is paused already");
    service.ok(&["queues", "resume", "slack", "--reason", "it has moved"]).await;
    let json = service.ok(&["queues", "list", "--workspace", "tally", "--json"]).await.json();
    assert_eq!(json[1]["paused"], json!(null));
    let unknown = service.run(&["queues", "pause", "pigeons", "--reason", "x"]).await;
    insta::assert_snapshot!(unknown.stderr, @"pivotal-reminders: pigeons: there is no such queue");
}
