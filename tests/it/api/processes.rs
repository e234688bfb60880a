//! The API as several processes serve it: the real binary, over one database.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use chrono::TimeDelta;
use futures_util::future::join_all;
use pivotal_reminders::clock::Clock;
use pivotal_reminders::store::idempotency::{self, Stored};
use reqwest::Method;
use rstest::rstest;
use serde_json::{Value, json};

use crate::support::db::Backend;
use crate::support::eventually;
use crate::support::proxy::freezable;
use crate::support::service::{PATIENCE, Running, Service};

/// Processes that serve one workspace's API. SQLite carries one `serve`.
struct Processes {
    service: Service,
    addresses: Vec<SocketAddr>,
    client: reqwest::Client,
    _running: Vec<Running>,
}

impl Processes {
    async fn start(backend: Backend) -> Self {
        let service = Service::new(backend).await;
        service.workspace("Europe/Copenhagen").await;
        let (mut running, mut addresses) = (Vec::new(), Vec::new());
        let count = if backend == Backend::Postgres { 2 } else { 1 };
        for _ in 0..count {
            let (process, address) = service.api().await;
            running.push(process);
            addresses.push(address);
        }
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { service, addresses, client, _running: running }
    }

    /// A key with every scope.
    async fn key(&self, tier: &str) -> String {
        let args = "keys create --workspace tally --mode live --scopes read,write,operate,admin";
        let mut args: Vec<_> = args.split(' ').collect();
        args.extend(["--name", "CRM sync", "--tier", tier]);
        self.service.ok(&args).await.last()
    }

    /// A request to the processes in turn.
    fn request(&self, turn: usize, method: Method, path: &str) -> reqwest::RequestBuilder {
        let address = self.addresses[turn % self.addresses.len()];
        self.client.request(method, format!("http://{address}/api/v1{path}"))
    }
}

async fn answer(request: reqwest::RequestBuilder) -> (u16, String) {
    let answer = request.send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn two_hundred_creations_with_one_key_make_one_row(#[case] backend: Backend) {
    let processes = Processes::start(backend).await;
    let key = processes.key("unlimited").await;
    let answers = join_all((0..200).map(|turn| {
        let request = processes.request(turn, Method::POST, "/customers").bearer_auth(&key);
        let body = json!({ "name": "Acme", "metadata": { "a": 1 } });
        answer(request.header("idempotency-key", "once").json(&body))
    }))
    .await;
    let rows = processes.service.db.rows("SELECT id FROM customers").await;
    assert_eq!(rows.len(), 1);
    let (created, turned_away): (Vec<_>, Vec<_>) =
        answers.iter().partition(|(status, _)| *status == 201);
    assert!(!created.is_empty());
    for (_, text) in created {
        assert_eq!(*text, answers.iter().find(|(status, _)| *status == 201).unwrap().1);
        assert!(text.contains(rows[0]["id"].as_str().unwrap()));
    }
    for (status, text) in turned_away {
        let code = serde_json::from_str::<Value>(text).unwrap()["error"]["code"].clone();
        assert_eq!((*status, code), (409, json!("idempotency_in_progress")), "{text}");
    }
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn no_request_begun_after_a_revocation_is_let_in(#[case] backend: Backend) {
    const CALLERS: usize = 12;
    let processes = Processes::start(backend).await;
    let (admin, leaked) = (processes.key("unlimited").await, processes.key("unlimited").await);
    let me = async |turn: usize| {
        answer(processes.request(turn, Method::GET, "/me").bearer_auth(&leaked)).await
    };
    let id = serde_json::from_str::<Value>(&me(0).await.1).unwrap()["api_key"]["id"].clone();
    let (revoked, let_in) = (AtomicBool::new(false), AtomicUsize::new(0));
    let callers = join_all((0..CALLERS).map(async |caller| {
        let mut after = 0;
        let mut turn = caller;
        while after < 10 {
            // Known before the request begins.
            let is_revoked = revoked.load(Ordering::SeqCst);
            let (status, text) = me(turn).await;
            if is_revoked {
                assert_eq!(status, 401, "{text}");
                assert!(text.contains("api_key_revoked"), "{text}");
                after += 1;
            } else if status == 200 {
                let_in.fetch_add(1, Ordering::SeqCst);
            } else {
                assert_eq!(status, 401, "{text}");
            }
            turn += 1;
        }
    }));
    let revocation = async {
        eventually(PATIENCE, || let_in.load(Ordering::SeqCst) > 100).await;
        let path = format!("/api_keys/{}", id.as_str().unwrap());
        let request = processes.request(0, Method::DELETE, &path).bearer_auth(&admin);
        assert_eq!(answer(request).await.0, 200);
        revoked.store(true, Ordering::SeqCst);
    };
    tokio::join!(callers, revocation);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn a_limit_is_one_limit_over_all_processes(#[case] backend: Backend) {
    let processes = Processes::start(backend).await;
    let key = processes.key("standard").await;
    let answers = join_all((0..90).map(async |turn| {
        let request = processes.request(turn, Method::GET, "/me").bearer_auth(&key);
        let answer = request.send().await.unwrap();
        let number = |name: &str| -> i64 {
            answer.headers().get(name).map_or(-1, |value| value.to_str().unwrap().parse().unwrap())
        };
        assert_eq!(number("x-ratelimit-limit"), 60);
        (answer.status().as_u16(), number("x-ratelimit-remaining"), number("retry-after"))
    }))
    .await;
    let mut left: Vec<_> =
        answers.iter().filter(|answer| answer.0 == 200).map(|answer| answer.1).collect();
    left.sort_unstable();
    assert_eq!(left, (0..60).collect::<Vec<_>>(), "every request counts once");
    let mut statuses: BTreeMap<u16, usize> = BTreeMap::new();
    for (status, remaining, retry_after) in &answers {
        *statuses.entry(*status).or_default() += 1;
        if *status == 429 {
            assert_eq!(*remaining, 0);
            assert!((1..=60).contains(retry_after), "{retry_after}");
        }
    }
    assert_eq!(statuses, BTreeMap::from([(200, 60), (429, 30)]));
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn a_serving_process_forgets_answers_too_old_to_be_replayed(#[case] backend: Backend) {
    let mut service = Service::new(backend).await;
    service.set("PIVOTAL_LOG__LEVEL", "debug");
    let mut tx = service.db.db.begin().await.unwrap();
    for (key, hours) in [("old", 25), ("young", 23)] {
        let answer = Stored { request_hash: String::new(), status: 201, body: "{}".to_owned() };
        let at = Clock::System.now() - TimeDelta::hours(hours);
        idempotency::store(&mut tx, "scope", key, &answer, at).await.unwrap();
    }
    tx.commit().await.unwrap();
    let (process, _) = service.api().await;
    eventually(PATIENCE, || process.log().contains("answers that are too old")).await;
    let left = service.db.rows("SELECT key FROM idempotency_keys").await;
    assert_eq!(left, [json!({ "key": "young" })]);
}

#[tokio::test]
async fn a_process_that_only_captures_says_so_when_it_is_ready() {
    let mut service = Service::new(Backend::Sqlite).await;
    let readyz = async |address: SocketAddr| -> Value {
        reqwest::get(format!("http://{address}/readyz")).await.unwrap().json().await.unwrap()
    };
    let (process, address) = service.api().await;
    assert_eq!(readyz(address).await["captured"], true);
    process.kill().await;
    service.set("SLACK_BOT_TOKEN", "xoxb-canary");
    let (_process, address) = service.api().await;
    assert_eq!(readyz(address).await["captured"], false);
}

#[tokio::test]
async fn a_database_that_falls_silent_is_a_503_in_time_and_then_over() {
    let mut processes = Processes::start(Backend::Postgres).await;
    let key = processes.key("unlimited").await;
    let (through, freeze) = freezable(&processes.service.db.url).await;
    processes.service.set("DATABASE_URL", &through);
    let (_process, address) = processes.service.api().await;
    processes.addresses = vec![address];
    let ask = async || {
        let asked = std::time::Instant::now();
        let request = processes.request(0, Method::GET, "/customers").bearer_auth(&key);
        let (status, text) = answer(request).await;
        assert!(asked.elapsed() < Duration::from_secs(12), "{:?}", asked.elapsed());
        (status, text)
    };
    assert_eq!(ask().await.0, 200);
    freeze.send(true).unwrap();
    for (status, text) in join_all((0..20).map(|_| ask())).await {
        assert_eq!(status, 503, "{text}");
        assert!(text.contains("unavailable"), "{text}");
    }
    let probe =
        async |path: &str| answer(processes.client.get(format!("http://{address}{path}"))).await.0;
    assert_eq!((probe("/healthz").await, probe("/readyz").await), (200, 503));
    freeze.send(false).unwrap();
    let mut status = 503;
    while status == 503 {
        status = ask().await.0;
    }
    assert_eq!(status, 200);
}
