//! Queues that are paused and let go again.

use std::time::{Duration, Instant};

use pivotal_reminders::operate::notifications::Because;
use pivotal_reminders::operate::objects::Queue;
use pivotal_reminders::operate::queues::{list, pause, resume};
use pivotal_reminders::store::audit::Author;
use rstest::rstest;
use serde_json::{Value, json};

use super::test_key;
use crate::support::db::Backend;
use crate::support::stage::Stage;

/// Pauses or resumes, for everybody or for the stage's workspace; answers with the refusal, if any.
async fn switch(
    stage: &Stage,
    author: &Author,
    stop: bool,
    workspace: Option<&str>,
) -> Option<String> {
    let because = Because { author, reason: "wrong texts" };
    let mut conn = stage.app.db().begin().await.unwrap();
    let done = if stop {
        pause(&mut conn, because, workspace, "email", stage.app.now()).await
    } else {
        resume(&mut conn, because, workspace, "email", stage.app.now()).await
    };
    conn.commit().await.unwrap();
    done.err().map(|refusal| refusal.to_string())
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn what_is_in_a_paused_queue_waits_and_goes_out_when_it_is_resumed(#[case] backend: Backend) {
    let stage = Stage::new(backend).await;
    let workspace = stage.app.workspace.id.clone();
    let ada = Author::operator("op_1", "Ada");
    stage.onboard("Halden Freight", json!({})).await;
    stage.onboard("Osterby Clinics", json!({ "reminder_email": false })).await;
    stage.scan("2026-06-02T07:00:00Z").await;
    stage.at("2026-06-02T07:00:00Z");
    for mine in [Some(workspace.as_str()), None] {
        assert_eq!(switch(&stage, &ada, true, mine).await, None);
    }
    assert_eq!(switch(&stage, &ada, true, None).await.as_deref(), Some("it is paused already"));
    assert_eq!(stage.drain("2026-06-02T07:00:00Z").await["waiting"], 1);
    assert_eq!(stage.slack.posted().len(), 1, "other queues go on");
    let mut conn = stage.app.db().read().await.unwrap();
    let queues = list(&mut conn, Some(&workspace), stage.app.now()).await.unwrap();
    drop(conn);
    insta::assert_json_snapshot!(Queue::from(&queues[0]));

    stage.at("2026-06-02T07:01:00Z");
    // The pause of the workspace alone can be ended by it, the other only by whoever may pause everybody.
    assert_eq!(switch(&stage, &ada, false, Some(&workspace)).await, None);
    assert_eq!(stage.drain("2026-06-02T07:01:00Z").await["waiting"], 1);
    assert_eq!(
        switch(&stage, &ada, false, Some(&workspace)).await.as_deref(),
        Some("it is paused for every workspace; only that pause can be ended")
    );
    assert_eq!(
        switch(&stage, &test_key(), false, None).await.as_deref(),
        Some("a test key cannot have live messages sent")
    );
    assert_eq!(switch(&stage, &ada, false, None).await, None);
    assert_eq!(switch(&stage, &ada, false, None).await.as_deref(), Some("it is not paused"));
    assert_eq!(stage.drain("2026-06-02T07:02:00Z").await["waiting"], 0);
    assert_eq!(stage.relay.accepted().len(), 1);
    let audit = stage
        .service
        .db
        .rows("SELECT event FROM audit_log WHERE object = 'queue' ORDER BY created_at, event")
        .await;
    let events: Vec<&str> = audit.iter().filter_map(|row| row["event"].as_str()).collect();
    assert_eq!(events, ["queue_paused", "queue_paused", "queue_resumed", "queue_resumed"]);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn what_waits_in_a_paused_queue_beyond_its_deadline_expires(#[case] backend: Backend) {
    let stage = Stage::new(backend).await;
    stage.onboard("Halden Freight", json!({})).await;
    stage.scan("2026-06-02T07:00:00Z").await;
    switch(&stage, &Author::system(), true, None).await;
    let said: Value = stage.drain("2026-06-02T18:00:00Z").await;
    assert_eq!(said["waiting"], 0, "{said}");
    insta::assert_snapshot!(stage.ledger().await, @"2026-06-02 digest live email to Carl: skipped (expired) [Halden Freight]");
}

#[tokio::test]
async fn another_workspace_goes_on_while_one_has_paused_its_queue() {
    let stage = Stage::new(Backend::Postgres).await;
    stage.onboard("Halden Freight", json!({})).await;
    stage.scan("2026-06-02T07:00:00Z").await;
    switch(&stage, &Author::system(), true, Some("ws_of_others")).await;
    assert_eq!(stage.drain("2026-06-02T07:00:00Z").await["waiting"], 0);
    assert_eq!(stage.relay.accepted().len(), 1);
}

/// The longest that workers may go on taking from a queue after it was paused.
const OBEYED_WITHIN: Duration = Duration::from_secs(2);

#[tokio::test]
async fn running_workers_obey_within_two_seconds() {
    use crate::support::crowd::{due_now, mail_service, wait_for};
    use crate::support::eventually;
    use crate::support::fake_smtp::{At, Do, FakeSmtp, Script};
    use crate::support::service::PATIENCE;

    let slow = Do::Delay(Duration::from_millis(50), Box::new(Do::reply("250 2.0.0 ok")));
    let relay = FakeSmtp::start(Script::new().on(At::Dot, slow)).await;
    let mut service = mail_service(Backend::Postgres, &relay).await;
    service.set("PIVOTAL_WORKER__IN_FLIGHT", "2");
    due_now(&service, 300).await;
    let _process = service.spawn(&["serve"]);
    let _second = service.spawn(&["serve", "--role", "worker"]);
    eventually(PATIENCE, || relay.accepted().len() >= 5).await;
    service.ok(&["queues", "pause", "email", "--reason", "wrong texts"]).await;
    let paused = Instant::now();
    let mut last = (relay.reached(At::Dot), Instant::now());
    // Quiet for half a second: nothing is taken any more.
    eventually(PATIENCE, || {
        let reached = relay.reached(At::Dot);
        if reached != last.0 {
            last = (reached, Instant::now());
        }
        last.1.elapsed() > Duration::from_millis(500)
    })
    .await;
    assert!(last.1 - paused < OBEYED_WITHIN, "{:?}", last.1 - paused);
    assert!(last.0 < 300, "there was more to take");
    service.ok(&["queues", "resume", "email", "--reason", "texts are right"]).await;
    wait_for(&service, "state = 'sent'", 300).await;
    assert_eq!(relay.accepted().len(), 300, "each once");
}

/// The gates of an answer that are shut: name and what was seen.
fn shut(answer: &Value) -> Vec<String> {
    let gates = answer["gates"].as_array().unwrap().iter();
    gates
        .filter(|gate| gate["passed"] == false)
        .map(|gate| {
            format!("{}: {}", gate["gate"].as_str().unwrap(), gate["detail"].as_str().unwrap())
        })
        .collect()
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn who_got_nothing_since_a_queue_was_stopped_is_told_who_stopped_it_and_why(
    #[case] backend: Backend,
) {
    let stage = Stage::new(backend).await;
    let ada = Author::operator("op_1", "Ada");
    let path = stage.onboard("Halden Freight", json!({ "reminder_slack": false })).await;
    let asked = format!("{path}/reminders?at=2026-06-02T07:00:00Z");
    stage.at("2026-06-02T06:50:00Z");
    switch(&stage, &ada, true, None).await;
    let foreseen = stage.app.get(&asked).await.ok(200);
    stage.scan("2026-06-02T07:00:00Z").await;
    stage.at("2026-06-02T09:00:00Z");
    let waiting = "queue: It waits: Ada has paused the queue email since Tue 2 Jun 2026 at 06:50 UTC, because: wrong texts.";
    let explained = stage.app.get(&asked).await.ok(200);
    for answer in [&foreseen, &explained] {
        assert_eq!((&answer["verdict"], &answer["reason"]), (&json!("hold"), &Value::Null));
        assert_eq!(shut(answer), [waiting]);
    }
    let list = stage.app.get("/notifications").await.ok(200);
    let ntf = format!("/notifications/{}", list["data"][0]["id"].as_str().unwrap());
    assert_eq!(shut(&stage.app.get(&ntf).await.ok(200)), [waiting]);
    let cli = ["explain", "1", "--workspace", "acme", "--now", "2026-06-02T09:00:00Z"];
    let said = stage.service.ok(&cli).await.stdout;
    assert!(
        said.starts_with("Onboarding #1: it is in a digest that day, which waits.\n"),
        "{said}"
    );
    let last = "Last: digest of Tue 2 Jun 2026, scheduled: to be written when it goes out\n";
    assert!(said.contains(last), "{said}");

    // What it waited for then is of no interest once it has gone out, or asked about the days before.
    switch(&stage, &ada, false, None).await;
    stage.drain("2026-06-02T09:05:00Z").await;
    stage.at("2026-06-02T09:10:00Z");
    switch(&stage, &ada, true, None).await;
    let sent = stage.app.get(&asked).await.ok(200);
    assert_eq!((sent["verdict"].as_str(), shut(&sent)), (Some("send"), vec![]));
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn who_got_nothing_since_the_relay_is_down_is_told_its_answer_and_the_next_try(
    #[case] backend: Backend,
) {
    let stage = Stage::new(backend).await;
    let path = stage.onboard("Halden Freight", json!({ "reminder_slack": false })).await;
    stage.scan("2026-06-02T07:00:00Z").await;
    stage
        .sql("INSERT INTO channel_pauses (channel, until, failures, reason, since)
              VALUES ('email', '2026-06-02T07:14:00+00:00', 5, '421 4.3.2 try later', '2026-06-02T07:00:05+00:00')")
        .await;
    let asked = format!("{path}/reminders?at=2026-06-02T07:00:00Z");
    let explained = stage.app.get(&asked).await.ok(200);
    assert_eq!(
        (&explained["verdict"], &explained["reason"]),
        (&json!("hold"), &json!("channel_down"))
    );
    insta::assert_snapshot!(shut(&explained).join("\n"), @"queue: It waits: e-mail has been down since Tue 2 Jun 2026 at 07:00 UTC, the next try is at 07:14:00 UTC; the last answer: 421 4.3.2 try later.");
    let list = stage.app.get("/notifications").await.ok(200);
    let ntf = format!("/notifications/{}", list["data"][0]["id"].as_str().unwrap());
    assert_eq!(shut(&stage.app.get(&ntf).await.ok(200)), shut(&explained));
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn only_gates_that_concern_a_message_are_listed(#[case] backend: Backend) {
    let stage = Stage::new(backend).await;
    let path = stage.onboard("Halden Freight", json!({ "state": "waiting" })).await;
    let named = |answer: &Value| -> Vec<String> {
        let gates = answer["gates"].as_array().unwrap().iter();
        gates.map(|gate| gate["gate"].as_str().unwrap().to_owned()).collect()
    };
    // No step is reached on the first morning, so there is no nudge to explain.
    let first = stage.app.get(&format!("{path}/reminders?at=2026-06-02T07:00:00Z")).await.ok(200);
    assert!(!named(&first).iter().any(|gate| gate.starts_with("nudge_")), "{first}");
    stage.scan("2026-06-04T10:00:00Z").await;
    let of_kind = async |kind: &str| {
        let list = stage.app.get(&format!("/notifications?kind={kind}")).await.ok(200);
        let id = list["data"][0]["id"].as_str().unwrap().to_owned();
        named(&stage.app.get(&format!("/notifications/{id}")).await.ok(200))
    };
    let digest = of_kind("digest").await;
    assert!(!digest.iter().any(|gate| gate.starts_with("nudge_")), "{digest:?}");
    let nudge = of_kind("waiting_on_customer").await;
    assert!(nudge.contains(&"nudge_step".to_owned()), "{nudge:?}");
    assert!(!nudge.contains(&"slot".to_owned()), "{nudge:?}");
}
