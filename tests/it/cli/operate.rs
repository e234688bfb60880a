//! The operators' story on the command line: find what failed, read why, have it sent; act on many at once; queues and jobs.

use chrono_tz::Tz;
use rstest::rstest;
use serde_json::{Value, json};

use crate::flow::monday;
use crate::support::db::Backend;
use crate::support::eventually_so;
use crate::support::fake_smtp::{At, Do, FakeSmtp, Script};
use crate::support::service::{Client, PATIENCE, Said, Service};

const WHY: [&str; 2] = ["--reason", "a customer asked"];

/// A coming Monday, of which the relay has refused some digests. It accepts all by now.
struct Refused {
    service: Service,
    relay: FakeSmtp,
    csm: String,
    monday: String,
}

impl Refused {
    /// Maren and these colleagues have an onboarding each.
    async fn new(backend: Backend, script: Script, colleagues: &[&str]) -> Self {
        let relay = FakeSmtp::start(script).await;
        let mut service = Service::new(backend).await;
        service.set("SMTP_URL", &relay.url());
        service.set("MAIL_FROM", "reminders@tally.test");
        let csm = service.workspace("Europe/Copenhagen").await;
        let key = service.key("live").await;
        let (_api, address) = service.api().await;
        let client = Client::new(address, &key);
        client.onboarding("Halden Freight", &csm).await;
        for name in colleagues {
            let csm = service.user(name, &format!("{name}@tally.test"), None).await;
            client.onboarding(&format!("Customer of {name}"), &csm).await;
        }
        let monday = monday(Tz::Europe__Copenhagen).to_rfc3339();
        let refused = Self { service, relay, csm, monday };
        refused.service.ok(&["scan", "--now", &refused.monday]).await;
        refused.drain().await;
        refused.relay.set_script(Script::new());
        refused
    }

    /// Runs a verb in the workspace.
    async fn verb(&self, args: &[&str]) -> Said {
        self.service.run(&[args, &["--workspace", "tally"]].concat()).await
    }

    /// The same for one that acts, which must succeed; answers with what it prints.
    async fn act(&self, args: &[&str]) -> String {
        let said = self.verb(&[args, &WHY].concat()).await;
        assert_eq!(said.code, 0, "{args:?}: {}", said.stderr);
        said.stdout
    }

    /// The first thing in a list.
    async fn first(&self, args: &[&str]) -> Value {
        self.verb(&[args, &["--json"]].concat()).await.json()[0].clone()
    }

    /// Delivers what is ready on that morning.
    async fn drain(&self) {
        self.service.ok(&["work", "--drain", "--now", &self.monday]).await;
    }

    /// How many notifications stand in a state.
    async fn count(&self, state: &str) -> usize {
        let list = self.verb(&["notifications", "list", "--state", state, "--json"]).await.json();
        list.as_array().unwrap().len()
    }
}

/// From here on snapshots have kinds of ids in place of ids, and nothing that hangs on the time.
fn without_ids() -> insta::internals::SettingsBindDropGuard {
    let mut settings = insta::Settings::clone_current();
    for (pattern, name) in [
        (r"\b(ntf|bulk|job|proc)_\w+", "[$1]"),
        (r"\b[0-9a-f]{64}\b", "[hash]"),
        (r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d)?(Z| UTC)?", "[time]"),
        (r"(?m) +$", ""),
    ] {
        settings.add_filter(pattern, name);
    }
    settings.bind_to_scope()
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn an_operator_finds_a_failed_message_clears_the_address_and_has_it_sent(
    #[case] backend: Backend,
) {
    let refusal = Do::reply("550 5.1.1 no such user");
    let refused = Refused::new(backend, Script::new().on(At::Rcpt, refusal), &[]).await;
    let (relay, csm) = (&refused.relay, &refused.csm);
    let verb = async |args: &[&str]| refused.verb(args).await;
    let list = verb(&["notifications", "list", "--state", "failed", "--json"]).await.json();
    let id = list[0]["id"].as_str().unwrap().to_owned();
    assert_eq!(list[0]["recipient"]["address"], "maren@tally.test");
    let table = verb(&["notifications", "list", "--recipient", "1"]).await.stdout;
    assert!(table.contains("failed: address refused") && table.contains(&id), "{table}");
    let page = verb(&["notifications", "list", "--state", "failed", "--after", &id]).await.stdout;
    assert_eq!(page, "none\n");
    let shown = verb(&["notifications", "show", &id]).await.stdout;
    assert!(shown.contains("Halden Freight") && shown.contains("550 5.1.1"), "{shown}");
    let all: Value = verb(&["notifications", "show", &id, "--json"]).await.json();
    assert_eq!(all["attempts"][0]["phase"], "recipient");

    let flagged = verb(&["notifications", "retry", &id, WHY[0], WHY[1]]).await;
    assert_eq!(flagged.code, 1);
    assert!(
        flagged.stderr.contains("was refused on") && flagged.stderr.lines().count() == 1,
        "{}",
        flagged.stderr
    );
    let flagged = verb(&["addresses", "list"]).await.stdout;
    assert!(flagged.contains("maren@tally.test"), "{flagged}");
    let cleared = verb(&["addresses", "clear", csm, WHY[0], WHY[1]]).await;
    assert_eq!(cleared.stdout, "maren@tally.test of Maren Holt is tried again\n");
    assert_eq!(verb(&["notifications", "retry", &id, WHY[0], WHY[1]]).await.code, 0);
    refused.drain().await;
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

/// The sample by what is in it: ids of one instant come in any order.
fn by_name(text: &str) -> String {
    let mut lines: Vec<&str> = text.lines().collect();
    let named = |line: &str| line.trim().split_once("  ").map(|(_, name)| name.to_owned());
    if let Some(first) = lines.iter().position(|line| named(line).is_some()) {
        let sample = lines[first..].iter().take_while(|line| named(line).is_some()).count();
        lines[first..first + sample].sort_by_key(|line| named(line));
    }
    lines.join("\n")
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn everything_that_failed_is_planned_applied_by_a_worker_taken_back_and_sent(
    #[case] backend: Backend,
) {
    let _scope = without_ids();
    let refusal = Do::reply("554 5.7.1 looks like spam");
    let script = Script::new()
        .on_recipient("maren", At::Dot, refusal.clone())
        .on_recipient("jonas", At::Dot, refusal)
        .on_recipient("dario", At::Rcpt, Do::reply("550 5.1.1 no such user"));
    let refused = Refused::new(backend, script, &["jonas", "dario"]).await;
    assert_eq!(refused.count("failed").await, 3);
    let plan = ["bulk", "plan", "retry", "--state", "failed"];
    insta::assert_snapshot!(by_name(&refused.act(&plan).await), @r"
    [bulk]: retry of 2 notifications, planned, 0 done
    because: a customer asked
    1 more match and refuse it:
      [ntf]: the recipient's mail address was refused on [time]; correct or clear it first
      [ntf]  digest to Maren Holt about Halden Freight #1: 1 onboarding on track; no launch date yet
      [ntf]  digest to jonas about Customer of jonas #2: 1 onboarding on track; no launch date yet
    hash [hash]
    ");
    let planned = refused.first(&["bulk", "list"]).await;
    assert_eq!((&planned["count"], &planned["conflict_count"]), (&json!(2), &json!(1)));
    let (id, hash) = (planned["id"].as_str().unwrap(), planned["hash"].as_str().unwrap());
    let other = ["bulk", "apply", id, "--hash", "0123", WHY[0], WHY[1]];
    let other = refused.verb(&other).await;
    assert_eq!(other.code, 1);
    insta::assert_snapshot!(other.stderr, @"pivotal-reminders: [bulk]: the hash is not that of the plan; look at the plan again");
    assert_eq!(refused.count("failed").await, 3, "nothing was done yet");

    // In a queue that stands still, nothing can be sent before it is taken back.
    refused.service.ok(&["queues", "pause", "email", WHY[0], WHY[1]]).await;
    let apply = refused.act(&["bulk", "apply", id, "--hash", hash, "--no-wait"]).await;
    insta::assert_snapshot!(apply, @"[bulk]: applying, 0 of 2");
    let worker = refused.service.spawn(&["serve", "--role", "worker"]);
    let state = async || refused.first(&["bulk", "list"]).await["state"].clone();
    eventually_so(PATIENCE, async || state().await == "applied").await;
    assert_eq!((refused.count("scheduled").await, refused.count("failed").await), (2, 1));
    let shown = refused.verb(&["bulk", "show", id]).await.stdout;
    insta::assert_snapshot!(by_name(&shown), @r"
    [bulk]: retry of 2 notifications, applied, 2 done
    because: a customer asked
    1 more match and refuse it:
      [ntf]: the recipient's mail address was refused on [time]; correct or clear it first
      [ntf]  digest to Maren Holt about Halden Freight #1: 1 onboarding on track; no launch date yet
      [ntf]  digest to jonas about Customer of jonas #2: 1 onboarding on track; no launch date yet
    ");
    insta::assert_snapshot!(refused.act(&["bulk", "undo", id]).await, @"[bulk]: 2 taken back, 0 had gone out or changed, 0 refused");
    assert_eq!((refused.count("scheduled").await, refused.count("failed").await), (0, 3));
    let twice = refused.verb(&["bulk", "undo", id, WHY[0], WHY[1]]).await;
    assert_eq!(twice.code, 1);
    insta::assert_snapshot!(twice.stderr, @"pivotal-reminders: [bulk]: it was taken back already");
    worker.kill().await;
    refused.service.ok(&["queues", "resume", "email", WHY[0], WHY[1]]).await;

    // Once more, without a worker: the verb carries it out itself, and what was sent then stays sent.
    refused.act(&plan).await;
    let again = refused.first(&["bulk", "list"]).await;
    let (id, hash) = (again["id"].as_str().unwrap(), again["hash"].as_str().unwrap());
    let apply = refused.act(&["bulk", "apply", id, "--hash", hash]).await;
    insta::assert_snapshot!(apply, @"[bulk]: retry of 2 done");
    refused.drain().await;
    assert_eq!(refused.relay.accepted().len(), 2);
    refused.act(&["bulk", "undo", id]).await;
    assert_eq!((refused.count("sent").await, refused.count("failed").await), (2, 1));
    let deeds = "SELECT event, reason FROM audit_log WHERE object = 'bulk_operation' ORDER BY created_at, id";
    let deeds = refused.service.db.rows(deeds).await;
    let events: Vec<&Value> = deeds.iter().map(|deed| &deed["event"]).collect();
    let once = ["bulk_planned", "bulk_applied", "bulk_undone"];
    assert_eq!(events, [once, once].concat());
    assert!(deeds.iter().all(|deed| deed["reason"] == WHY[1]), "{deeds:?}");
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn jobs_are_listed_shown_retried_and_cancelled(#[case] backend: Backend) {
    let _scope = without_ids();
    let refusal = Do::reply("554 5.7.1 looks like spam");
    let refused = Refused::new(backend, Script::new().on(At::Dot, refusal), &[]).await;
    let failed = refused.first(&["notifications", "list", "--state", "failed"]).await;
    let failed = failed["id"].as_str().unwrap();
    let job = async |status: &str, notification: &str| {
        let list = ["jobs", "list", "--status", status, "--notification", notification];
        let found = refused.first(&list).await;
        found["id"].as_str().unwrap().to_owned()
    };
    let first = job("done", failed).await;
    let list = ["jobs", "list", "--queue", "email", "--kind", "digest", "--status", "done"];
    let table = refused.verb(&list).await.stdout;
    assert!(table.contains("notifications") && table.contains(&first), "{table}");
    assert_eq!(refused.verb(&["jobs", "list", "--queue", "slack"]).await.stdout, "none\n");
    let shown = refused.verb(&["jobs", "show", &first]).await.stdout;
    assert!(shown.contains(failed), "{shown}");
    insta::assert_snapshot!(shown, @r"
    [job] in email: done
    pushed [time], due [time], runs 1
    held by email-[proc]
    ended [time]
    last run: done
    [ntf]
    ");
    insta::assert_snapshot!(refused.act(&["jobs", "retry", &first]).await, @"1 of its notifications will be tried again at once");
    refused.drain().await;
    assert_eq!(refused.relay.accepted().len(), 1);
    let over = refused.verb(&["jobs", "run-now", &first, WHY[0], WHY[1]]).await;
    assert_eq!(over.code, 1);
    insta::assert_snapshot!(over.stderr, @"pivotal-reminders: [job]: it has ended already, as sent");

    let anew = refused.verb(&["notifications", "resend", failed, WHY[0], WHY[1]]).await.last();
    let second = job("pending", &anew).await;
    assert_ne!(second, first);
    insta::assert_snapshot!(refused.act(&["jobs", "cancel", &second]).await, @"1 of its notifications cancelled");
    refused.drain().await;
    assert_eq!((refused.relay.accepted().len(), refused.count("cancelled").await), (1, 1));
    let unknown = refused.verb(&["jobs", "show", "job_nobody"]).await;
    insta::assert_snapshot!(unknown.stderr, @"pivotal-reminders: [job]: there is no such job");
}

#[tokio::test]
async fn queues_are_listed_paused_and_resumed() {
    let service = Service::new(Backend::Sqlite).await;
    service.workspace("Europe/Copenhagen").await;
    service.ok(&["queues", "pause", "slack", "--reason", "Slack is being moved"]).await;
    let table = service.ok(&["queues", "list"]).await.stdout;
    assert!(table.contains("PAUSED by noor (command line): Slack is being moved"), "{table}");
    let twice = service.run(&["queues", "pause", "slack", "--reason", "again"]).await;
    insta::assert_snapshot!(twice.stderr, @"pivotal-reminders: slack: it is paused already");
    service.ok(&["queues", "resume", "slack", "--reason", "it has moved"]).await;
    let json = service.ok(&["queues", "list", "--workspace", "tally", "--json"]).await.json();
    assert_eq!((&json[1]["object"], &json[1]["paused"]), (&json!("queue"), &json!(false)));
    let unknown = service.run(&["queues", "pause", "pigeons", "--reason", "x"]).await;
    assert_eq!(unknown.code, 2, "{}", unknown.stderr);
}
