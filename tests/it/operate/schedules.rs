//! What runs by the clock.

use std::time::Duration;

use rstest::rstest;
use serde_json::{Value, json};

use crate::support::db::Backend;
use crate::support::eventually_so;
use crate::support::service::{PATIENCE, Service};

async fn standing(service: &Service, name: &str) -> Value {
    let all = service.ok(&["schedules", "list", "--json"]).await.json();
    let found = all.as_array().unwrap().iter().find(|row| row["name"] == name);
    found.unwrap_or_else(|| panic!("{all}")).clone()
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn a_paused_scan_runs_when_asked_for_and_only_then(#[case] backend: Backend) {
    let service = Service::new(backend).await;
    service.workspace("Europe/Copenhagen").await;
    let scheduler = service.spawn(&["serve", "--role", "scheduler"]);
    eventually_so(PATIENCE, async || {
        let rows = service.db.rows("SELECT last_run_at FROM schedules WHERE name = 'scan'").await;
        rows.first().is_some_and(|row| !row["last_run_at"].is_null())
    })
    .await;
    service.ok(&["schedules", "pause", "scan", "--reason", "wrong texts"]).await;
    let paused = standing(&service, "scan").await;
    assert_eq!(
        (&paused["paused_by"], &paused["cron"]),
        (&json!("noor (command line)"), &json!("* * * * * *"))
    );
    let twice = service.run(&["schedules", "pause", "scan", "--reason", "again"]).await;
    insta::assert_snapshot!(twice.stderr, @"pivotal-reminders: scan: it is paused already");
    service.ok(&["schedules", "run", "scan", "--reason", "once"]).await;
    let asked = std::time::Instant::now();
    eventually_so(PATIENCE, async || {
        let now = standing(&service, "scan").await;
        now["last_run_at"] != paused["last_run_at"] && now["requested_at"].is_null()
    })
    .await;
    assert!(asked.elapsed() < Duration::from_secs(10), "{:?}", asked.elapsed());
    service.ok(&["schedules", "resume", "scan", "--reason", "mended"]).await;
    let resumed = service.run(&["schedules", "resume", "scan", "--reason", "again"]).await;
    insta::assert_snapshot!(resumed.stderr, @"pivotal-reminders: scan: it is not paused");
    let unknown = service.run(&["schedules", "run", "pigeons", "--reason", "x"]).await;
    assert_eq!(unknown.code, 2, "{}", unknown.stderr);
    let table = service.ok(&["schedules", "list"]).await.stdout;
    assert!(table.contains("prune_messages") && table.contains("nothing was too old"), "{table}");
    let events = service
        .db
        .rows("SELECT event FROM audit_log WHERE object = 'schedule' ORDER BY created_at, id")
        .await;
    let events: Vec<&str> = events.iter().map(|row| row["event"].as_str().unwrap()).collect();
    assert_eq!(events, ["schedule_paused", "schedule_run", "schedule_resumed"]);
    scheduler.signal("TERM").await;
    assert_eq!(scheduler.end().await, 0);
}

#[tokio::test]
async fn a_cron_expression_that_never_comes_is_refused_at_start_by_its_setting() {
    let mut service = Service::new(Backend::Sqlite).await;
    service.set("PIVOTAL_SCHEDULES__PRUNE_JOBS", "0 7 * * *");
    let said = service.run(&["migrate"]).await;
    assert_eq!(said.code, 1);
    insta::assert_snapshot!(said.stderr, @r#"pivotal-reminders: schedules.prune_jobs: "0 7 * * *" has 5 fields instead of 6 or 7; write second, minute, hour, day of month, month and day of week, such as "0 7 * * * *" for 7 minutes past every hour"#);
}

#[tokio::test]
async fn a_dry_run_shows_what_passes_will_write_and_writes_nothing() {
    let service = Service::new(Backend::Sqlite).await;
    let csm = service.workspace("Europe/Copenhagen").await;
    let key = service.key("live").await;
    let (api, address) = service.api().await;
    crate::support::service::Client::new(address, &key).onboarding("Halden Freight", &csm).await;
    api.kill().await;
    let run = ["schedules", "run", "scan", "--dry-run", "--workspace", "tally", "--hours", "168"];
    let shown = service.ok(&run).await.stdout;
    assert!(shown.contains("digest") && shown.contains(&csm), "{shown}");
    assert!(service.db.rows("SELECT id FROM notifications").await.is_empty());
    let other = ["schedules", "run", "prune_jobs", "--dry-run", "--workspace", "tally"];
    let refused = service.run(&other).await;
    assert_eq!(refused.code, 2);
    insta::assert_snapshot!(refused.stderr, @"pivotal-reminders: prune_jobs: only scan has a dry run");
}
