//! `/metrics`, and what `/readyz` says besides.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::Path;

use rstest::rstest;
use serde_json::{Value, json};

use crate::support::crowd::{due_now, mail_service, wait_for};
use crate::support::db::Backend;
use crate::support::eventually_so;
use crate::support::fake_smtp::{At, Do, FakeSmtp, Script};
use crate::support::service::{PATIENCE, Running, Service};

async fn page(address: SocketAddr) -> (u16, String) {
    let answer = reqwest::get(format!("http://{address}/metrics")).await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

/// Waits until the page has this line.
async fn has(address: SocketAddr, line: &str) {
    eventually_so(PATIENCE, async || page(address).await.1.lines().any(|found| found == line))
        .await;
}

/// A service that has delivered three digests and answered a few requests.
async fn busy(backend: Backend) -> (Service, Running, SocketAddr, FakeSmtp) {
    let relay = FakeSmtp::start(Script::new()).await;
    let service = mail_service(backend, &relay).await;
    due_now(&service, 3).await;
    let key = service.key("live").await;
    let process = service.spawn(&["serve"]);
    let address = process.address().await;
    wait_for(&service, "state = 'sent'", 3).await;
    let client = reqwest::Client::new();
    for path in ["/api/v1/onboardings/1", "/api/v1/onboardings/onb_none", "/nowhere"] {
        client.get(format!("http://{address}{path}")).bearer_auth(&key).send().await.unwrap();
    }
    (service, process, address, relay)
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn what_was_delivered_asked_for_and_passed_is_counted(#[case] backend: Backend) {
    let (_service, _process, address, _relay) = busy(backend).await;
    for line in [
        r#"pivotal_delivery_attempts_total{channel="email",outcome="accepted"} 3"#,
        r#"pivotal_delivery_attempts_total{channel="email",outcome="transient"} 0"#,
        r#"pivotal_delivery_duration_seconds_count{channel="email"} 3"#,
        r#"pivotal_delivery_lateness_seconds_count{channel="email"} 3"#,
        r#"pivotal_notifications_finished_total{channel="email",outcome="sent"} 3"#,
        "pivotal_notifications_written_total 3",
        r#"pivotal_http_requests_total{route="/api/v1/onboardings/{id}",method="GET",status="200"} 1"#,
        r#"pivotal_http_requests_total{route="/api/v1/onboardings/{id}",method="GET",status="404"} 1"#,
        r#"pivotal_http_requests_total{route="none",method="GET",status="404"} 1"#,
        r#"pivotal_processes{role="worker"} 1"#,
        r#"pivotal_channel_up{channel="email"} 1"#,
        r#"pivotal_queue_notifications{queue="email",state="ready"} 0"#,
        "pivotal_unaccounted_notifications 0",
        "pivotal_database_up 1",
        "pivotal_clock_trusted 1",
    ] {
        has(address, line).await;
    }
}

#[tokio::test]
async fn no_id_no_address_and_no_name_is_a_label() {
    let (_service, _process, address, _relay) = busy(Backend::Sqlite).await;
    let (_, text) = page(address).await;
    for word in ["onb_", "ntf_", "user_", "key_", "@", "Halden", "Maren", "tally", "nowhere"] {
        let line = text.lines().find(|line| line.contains(word));
        assert_eq!(line, None, "{word}");
    }
    assert!(text.lines().count() < 1_000, "few series: {}", text.lines().count());
}

/// Every name that begins like ours, without what Prometheus adds to a histogram's.
fn names(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let ours = words.filter(|word| word.starts_with("pivotal_") || word.starts_with("process_"));
    let plain = |word: &str| {
        let ends = ["_bucket", "_sum", "_count"];
        ends.iter().find_map(|end| word.strip_suffix(end)).unwrap_or(word).to_owned()
    };
    ours.map(plain).collect()
}

#[tokio::test]
async fn every_figure_that_rules_and_dashboard_name_is_there_and_every_one_of_ours_is_drawn() {
    let (_service, _process, address, _relay) = busy(Backend::Sqlite).await;
    has(address, "pivotal_database_up 1").await;
    let there = names(&page(address).await.1);
    let config = Path::new(env!("CARGO_MANIFEST_DIR")).join("config");
    let read = |name: &str| std::fs::read_to_string(config.join(name)).unwrap();
    let dashboard = read("grafana-dashboard.json");
    let _: Value = serde_json::from_str(&dashboard).expect("the dashboard is JSON");
    let named = names(&(read("prometheus-rules.yml") + &dashboard));
    assert!(named.len() > 20, "{named:?}");
    let missing: Vec<_> = named.difference(&there).collect();
    assert!(missing.is_empty(), "named, and not in /metrics: {missing:?}");
    let ours = there.iter().filter(|name| name.starts_with("pivotal_"));
    let unused: Vec<_> = ours.filter(|name| !named.contains(*name)).collect();
    assert!(unused.is_empty(), "in /metrics, and of no use to anybody: {unused:?}");
}

#[tokio::test]
async fn metrics_may_have_an_address_of_their_own_and_then_are_nowhere_else() {
    let relay = FakeSmtp::start(Script::new()).await;
    let mut service = mail_service(Backend::Sqlite, &relay).await;
    service.set("PIVOTAL_METRICS__LISTEN", "127.0.0.1:0");
    let process = service.spawn(&["serve"]);
    let api = process.address().await;
    let said = || {
        let log = process.log();
        let at = log.find("metrics at ")? + "metrics at ".len();
        log[at..].split_whitespace().next()?.parse::<SocketAddr>().ok()
    };
    crate::support::eventually(PATIENCE, || said().is_some()).await;
    has(said().unwrap(), "pivotal_database_up 1").await;
    assert_eq!(page(api).await.0, 404);
    service.set("PIVOTAL_METRICS__LISTEN", "nowhere");
    let wrong = service.run(&["serve"]).await;
    assert_eq!(wrong.code, 1);
    assert!(wrong.stderr.contains("metrics.listen"), "{}", wrong.stderr);
}

#[tokio::test]
async fn a_relay_that_is_down_shows_in_metrics_and_in_readyz_which_stays_ready() {
    let relay = FakeSmtp::start(Script::new().on(At::Banner, Do::reply("554 5.3.2 closed"))).await;
    let service = mail_service(Backend::Sqlite, &relay).await;
    due_now(&service, 1).await;
    let process = service.spawn(&["serve"]);
    let address = process.address().await;
    has(address, r#"pivotal_channel_up{channel="email"} 0"#).await;
    let answer = reqwest::get(format!("http://{address}/readyz")).await.unwrap();
    assert_eq!(answer.status(), 200, "the API is usable");
    let said: Value = answer.json().await.unwrap();
    let noted =
        json!({ "code": "channel_down:email", "severity": "warning", "title": "Mail is down" });
    assert!(said["warnings"].as_array().unwrap().contains(&noted), "{said}");
    assert!(!said.to_string().contains("closed"), "what a provider says is not for everybody");
    relay.set_script(Script::new());
    has(address, r#"pivotal_channel_up{channel="email"} 1"#).await;
}
