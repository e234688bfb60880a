//! The first page, the queues, the jobs, and live updates.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use pivotal_reminders::domain::values::OperatorRole;
use reqwest::Method;
use rstest::rstest;
use serde_json::{Value, json};

use super::{Admin, PASSWORD, main, text};
use crate::support::db::Backend;
use crate::support::eventually_so;
use crate::support::fake_smtp::{At, Do, Script};

/// What is the same on every run: processes have names of their own.
fn told(page: &str) -> String {
    let page = main(page);
    let (before, _) = page.split_once("\nProcesses\n").expect("a list of processes");
    before.lines().filter(|line| !line.contains("last pass")).collect::<Vec<_>>().join("\n")
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn the_first_page_says_what_needs_somebody_and_whether_everything_is_accounted_for(
    #[case] backend: Backend,
) {
    let admin = Admin::new(backend).await;
    let browser = admin.signed_in(OperatorRole::Viewer).await;
    insta::assert_snapshot!("overview_empty", told(&browser.read("/admin").await));
    admin.stage.onboard("Halden Freight", json!({ "reminder_slack": false })).await;
    admin.stage.relay.set_script(Script::new().on(At::Dot, Do::reply("554 5.7.1 looks like spam")));
    admin.stage.pass("2026-06-02T07:00:00Z").await;
    admin.stage.at("2026-06-02T08:00:00Z");
    browser.sign_in("viewer@acme.example", PASSWORD).await;
    let page = browser.open("/admin/w/acme").await;
    assert!(page.text.contains("class=\"f-failed\""), "a bar for what failed");
    insta::assert_snapshot!("overview", told(&text(&page.text)));
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn a_queue_is_paused_with_a_reason_shown_on_every_page_obeyed_and_resumed(
    #[case] backend: Backend,
) {
    let admin = Admin::new(backend).await;
    admin.stage.onboard("Halden Freight", json!({ "reminder_slack": false })).await;
    let browser = admin.signed_in(OperatorRole::Operator).await;
    let queue = "/admin/w/acme/queues/email";
    browser.read("/admin/w/acme/queues").await;
    let said = browser.press(&format!("{queue}/pause"), &[("because", "wrong texts")]).await;
    insta::assert_snapshot!("queues_paused", main(&said));
    let elsewhere = browser.read("/admin/w/acme/notifications").await;
    assert!(elsewhere.contains("The queue email is paused."), "{elsewhere}");
    let again = browser.press(&format!("{queue}/pause"), &[("because", "once more")]).await;
    assert!(main(&again).starts_with("Nothing was changed: it is paused already."), "{again}");
    admin.stage.scan("2026-06-02T07:00:00Z").await;
    admin.stage.drain("2026-06-02T07:00:00Z").await;
    assert!(admin.stage.relay.accepted().is_empty(), "workers obey");
    admin.stage.at("2026-06-02T07:10:00Z");
    browser.sign_in("operator@acme.example", PASSWORD).await;
    browser.read("/admin/w/acme/queues").await;
    let said = browser.press(&format!("{queue}/resume"), &[("because", "texts are right")]).await;
    assert!(
        main(&said).starts_with("The queue email goes on. What waited goes out now."),
        "{said}"
    );
    admin.stage.drain("2026-06-02T07:10:00Z").await;
    assert_eq!(admin.stage.relay.accepted().len(), 1);
    let sql = "SELECT event, actor_name, reason FROM audit_log WHERE object = 'queue' ORDER BY created_at, id";
    let by = "Noor Adeyi";
    let deeds = [
        json!({ "event": "queue_paused", "actor_name": by, "reason": "wrong texts" }),
        json!({ "event": "queue_resumed", "actor_name": by, "reason": "texts are right" }),
    ];
    assert_eq!(admin.stage.service.db.rows(sql).await, deeds);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn jobs_are_found_read_and_acted_on_through_their_notifications(#[case] backend: Backend) {
    let admin = Admin::new(backend).await;
    admin.stage.onboard("Halden Freight", json!({ "reminder_slack": false })).await;
    admin.stage.scan("2026-06-02T07:00:00Z").await;
    admin.stage.at("2026-06-02T07:00:01Z");
    let browser = admin.signed_in(OperatorRole::Operator).await;
    let list = browser.open("/admin/w/acme/jobs?queue=email&kind=digest").await;
    assert_eq!(list.status, 200, "{}", text(&list.text));
    let read = text(&list.text);
    assert!(read.contains("| Digest 1 notification | email |"), "{read}");
    assert!(browser.read("/admin/w/acme/jobs?status=failed").await.contains("No job matches"));
    assert_eq!(browser.open("/admin/w/acme/jobs?queue=nothing").await.status, 422);
    let (_, rest) = list.text.split_once("job_").expect("a job");
    let job = format!("/admin/w/acme/jobs/job_{}", rest.split('"').next().unwrap());
    browser.read(&job).await;
    let said = browser.press(&format!("{job}/retry"), &[("because", "now")]).await;
    assert!(main(&said).starts_with("1 notification in it: tried again now."), "{said}");
    let said = browser.press(&format!("{job}/cancel"), &[("because", "not needed")]).await;
    assert!(main(&said).starts_with("1 notification in it: cancelled."), "{said}");
    let said = browser.press(&format!("{job}/run-now"), &[("because", "at once")]).await;
    assert!(main(&said).starts_with("Nothing was changed: it has ended already"), "{said}");
    admin.stage.app.stranger().await;
    assert_eq!(browser.open(&job.replace("/acme/", "/globex/")).await.status, 404);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn what_the_last_run_of_a_job_came_to_is_said_in_words_on_every_surface(
    #[case] backend: Backend,
) {
    let admin = Admin::new(backend).await;
    admin.stage.onboard("Halden Freight", json!({ "reminder_slack": false })).await;
    admin.stage.scan("2026-06-02T07:00:00Z").await;
    let job = admin.stage.app.get("/jobs").await.ok(200)["data"][0].clone();
    assert_eq!(job["last_result"], Value::Null, "it has not run");
    let browser = admin.signed_in(OperatorRole::Viewer).await;
    let id = job["id"].as_str().unwrap();
    let (page, here) = (format!("/admin/w/acme/jobs/{id}"), format!("/jobs/{id}"));
    assert!(!browser.read(&page).await.contains("Last run"));
    let jobs = match backend {
        Backend::Sqlite => "UPDATE Jobs SET last_result",
        Backend::Postgres => "UPDATE apalis.jobs SET last_result",
    };
    // As apalis keeps them: a run that ended well, and one whose worker was lost.
    for (kept, said) in [
        (r#"{"Ok": null}"#, "done"),
        (
            r#"{"Err": "Re-enqueued due to worker heartbeat timeout."}"#,
            "Re-enqueued due to worker heartbeat timeout.",
        ),
    ] {
        admin.stage.sql(&format!("{jobs} = '{kept}'")).await;
        assert_eq!(admin.stage.app.get(&here).await.ok(200)["last_result"], said);
        let shown = ["jobs", "show", id, "--workspace", "acme"];
        let text = admin.stage.service.ok(&shown).await.stdout;
        assert!(text.contains(&format!("last run: {said}\n")), "{text}");
        for page in [&page, "/admin/w/acme/jobs"] {
            let read = browser.read(page).await;
            assert!(read.contains(said) && !read.contains("Ok"), "{read}");
        }
    }
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn a_page_that_is_open_is_told_of_a_change(#[case] backend: Backend) {
    let admin = Admin::new(backend).await;
    let browser = admin.signed_in(OperatorRole::Viewer).await;
    let request = browser.request(Method::GET, "/admin/live");
    let mut stream = request.header("accept-encoding", "gzip").send().await.unwrap();
    assert_eq!(stream.status(), 200);
    assert_eq!(stream.headers()["content-type"], "text/event-stream");
    assert!(stream.headers().get("content-encoding").is_none(), "an event is not held back");
    let heard = Arc::new(Mutex::new(String::new()));
    let into = heard.clone();
    tokio::spawn(async move {
        while let Ok(Some(chunk)) = stream.chunk().await {
            into.lock().unwrap().push_str(&String::from_utf8_lossy(&chunk));
        }
    });
    // The watch begins with a look; whatever happens after it is told.
    let mut number = 0;
    eventually_so(Duration::from_secs(20), async || {
        number += 1;
        admin.stage.app.customer(&format!("Customer {number}")).await;
        heard.lock().unwrap().contains("event: changed\ndata: 1\n")
    })
    .await;
    let door = admin.browser().open("/admin/live").await;
    assert!(text(&door.text).contains("Sign in"), "only for operators");
}
