//! What holds for every request.

use reqwest::Method;
use rstest::rstest;
use serde_json::{Value, json};

use crate::support::app::TestApp;
use crate::support::db::Backend;

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn health_needs_no_key_and_me_tells_who_the_key_is(#[case] backend: Backend) {
    let app = TestApp::new(backend).await;
    let health = app.send(app.request(Method::GET, "/health")).await;
    assert_eq!(
        health.text,
        format!(
            r#"{{"status":"ok","timestamp":"2026-06-01T08:00:00.000Z","version":"{}"}}"#,
            env!("CARGO_PKG_VERSION")
        )
    );
    assert_eq!(health.header("x-ratelimit-limit"), "");
    let me = app.get("/me").await;
    let body = me.ok(200);
    insta::assert_json_snapshot!(body, {
        ".api_key.id" => "[id]", ".api_key.prefix" => "[prefix]", ".organization.id" => "[id]"
    });
    assert_eq!(body["api_key"]["prefix"], app.live["pivotal_".len()..][..4]);
    assert_eq!(me.header("x-ratelimit-limit"), "2147483647");
    assert_eq!(app.call(&app.test, Method::GET, "/me", &Value::Null).await.ok(200)["mode"], "test");
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn whatever_is_wrong_is_said_in_the_envelope(#[case] backend: Backend) {
    let app = TestApp::new(backend).await;
    let unknown = app.get("/nothing").await;
    assert_eq!(unknown.error(), "404 not_found route_not_found");
    assert_eq!(unknown.header("x-ratelimit-limit"), "2147483647");
    let outside = app.send(app.request(Method::GET, "/../../x")).await;
    assert_eq!(outside.error(), "404 not_found route_not_found");

    let wrong = app.call(&app.live, Method::PUT, "/customers", &json!({})).await;
    assert_eq!(wrong.error(), "405 invalid_request_error method_not_allowed");
    assert_eq!(wrong.header("allow"), "GET,HEAD,POST");

    let broken = app.request(Method::POST, "/customers").bearer_auth(&app.live).body("{\"name\":");
    assert_eq!(app.send(broken).await.error(), "400 invalid_request_error invalid_json");
    let text = app
        .request(Method::POST, "/customers")
        .bearer_auth(&app.live)
        .header("content-type", "text/plain")
        .body("{}");
    assert_eq!(app.send(text).await.error(), "415 invalid_request_error unsupported_media_type");
    let huge = json!({ "name": "x".repeat(3 * 1024 * 1024) });
    let huge = app.post("/customers", huge).await;
    assert_eq!(huge.error(), "413 invalid_request_error body_too_large");
    assert_eq!(
        app.post("/customers", json!([1])).await.error(),
        "400 invalid_request_error invalid_type"
    );
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn a_request_id_is_taken_over_if_it_is_a_good_one(#[case] backend: Backend) {
    let app = TestApp::new(backend).await;
    let ask = async |id: &str| {
        let request = app.request(Method::GET, "/health").header("x-request-id", id);
        app.send(request).await.header("x-request-id").to_owned()
    };
    assert_eq!(ask("abc-123").await, "abc-123");
    assert!(ask("has space").await.starts_with("req_"));
    assert!(ask(&"x".repeat(129)).await.starts_with("req_"));
    assert_eq!(ask(&"x".repeat(128)).await.len(), 128);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn a_database_that_is_gone_is_a_503_with_retry_after(#[case] backend: Backend) {
    let app = TestApp::new(backend).await;
    app.db().close().await;
    for answer in [app.get("/customers").await, app.post("/customers", json!({})).await] {
        assert_eq!(answer.error(), "503 internal_error unavailable");
        assert_eq!(answer.header("retry-after"), "1");
    }
    let health = app.send(app.request(Method::GET, "/health")).await;
    health.ok(200);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn a_statement_that_fails_is_a_500_that_tells_nothing(#[case] backend: Backend) {
    let app = TestApp::new(backend).await;
    let mut tx = app.db().begin().await.unwrap();
    pivotal_reminders::on!(tx, |c| sqlx::query("ALTER TABLE contacts RENAME TO elsewhere")
        .execute(c)
        .await
        .map(|_| ()))
    .unwrap();
    tx.commit().await.unwrap();
    let answer = app.get("/contacts/1").await;
    assert_eq!(answer.error(), "500 internal_error internal_error");
    assert!(!answer.text.contains("contacts"), "{}", answer.text);
}

#[tokio::test]
async fn connections_that_send_nothing_keep_nobody_out_and_no_shutdown_up() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let app = TestApp::new(Backend::Sqlite).await;
    let mut silent = Vec::new();
    for n in 0..1_100 {
        match tokio::net::TcpStream::connect(app.addr).await {
            Ok(mut stream) => {
                if n % 2 == 0 {
                    let _ = stream.write_all(b"GET /api/v1/health HTTP/1.1\r\nHo").await;
                }
                silent.push(stream);
            }
            // The test's own file descriptors are as limited as the server's.
            Err(_) => break,
        }
        if n % 100 == 0 {
            app.send(app.request(Method::GET, "/health")).await.ok(200);
        }
    }
    silent.truncate(100);
    app.send(app.request(Method::GET, "/health")).await.ok(200);
    let started = std::time::Instant::now();
    app.stop().await;
    assert!(started.elapsed() < std::time::Duration::from_secs(5));
    let mut rest = Vec::new();
    let _ = silent[0].read_to_end(&mut rest).await;
    assert!(rest.is_empty());
}

#[tokio::test]
async fn a_request_that_is_running_at_a_shutdown_is_answered() {
    let app = TestApp::new(Backend::Sqlite).await;
    // The only writer is taken, so the request waits until we let go.
    let writer = app.db().begin().await.unwrap();
    let request = tokio::spawn(
        app.request(Method::POST, "/customers")
            .bearer_auth(&app.live)
            .json(&json!({ "name": "Acme" }))
            .send(),
    );
    while app.api.in_flight() == 0 {
        tokio::task::yield_now().await;
    }
    let stopped = app.stop();
    drop(writer);
    assert_eq!(request.await.unwrap().unwrap().status(), 201);
    stopped.await;
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn many_at_once_share_a_small_pool(#[case] backend: Backend) {
    let app = TestApp::over(crate::support::db::TestDb::with_connections(backend, 2).await).await;
    let calls = (0..200).map(async |n| {
        if n % 4 == 0 {
            app.post("/customers", json!({ "name": "Acme" })).await.ok(201);
        } else {
            app.get("/customers?limit=1").await.ok(200);
        }
    });
    futures_util::future::join_all(calls).await;
}

async fn probe(app: &TestApp, path: &str) -> (u16, String, Value) {
    let answer = reqwest::get(format!("http://{}{path}", app.addr)).await.unwrap();
    let retry_after = answer.headers().get("retry-after").map(|v| v.to_str().unwrap().to_owned());
    let status = answer.status().as_u16();
    (status, retry_after.unwrap_or_default(), answer.json().await.unwrap())
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn a_process_is_ready_when_its_database_answers_with_the_schema_it_knows(
    #[case] backend: Backend,
) {
    let app = TestApp::new(backend).await;
    assert_eq!(probe(&app, "/healthz").await, (200, String::new(), json!({ "status": "ok" })));
    let silent =
        |code: &str, title: &str| json!({ "code": code, "severity": "critical", "title": title });
    let ready = json!({ "status": "ready", "database": "ok", "schema": "ok", "captured": false, "warnings": [
        silent("no_worker", "No worker answers"), silent("no_scheduler", "No scheduler answers"),
    ] });
    assert_eq!(probe(&app, "/readyz").await, (200, String::new(), ready));

    let mut tx = app.db().begin().await.unwrap();
    pivotal_reminders::on!(tx, |c| sqlx::query("UPDATE _sqlx_migrations SET version = 9999")
        .execute(c)
        .await
        .map(|_| ()))
    .unwrap();
    tx.commit().await.unwrap();
    let (status, retry_after, said) = probe(&app, "/readyz").await;
    assert_eq!((status, retry_after.as_str(), &said["database"]), (503, "1", &json!("ok")));
    assert_eq!(said["schema"], "version 9999 is newer than this binary knows");

    app.db().close().await;
    let (status, _, said) = probe(&app, "/readyz").await;
    assert_eq!((status, &said["database"]), (503, &json!("does not answer")));
    assert_eq!(probe(&app, "/healthz").await.0, 200);
}

#[tokio::test]
async fn probes_answer_while_requests_are_turned_away() {
    let app = TestApp::new(Backend::Sqlite).await;
    // The only writer is taken, so every request waits until there is no place left.
    let writer = app.db().begin().await.unwrap();
    let waiting: Vec<_> = (0..512)
        .map(|_| {
            tokio::spawn(
                app.request(Method::POST, "/customers")
                    .bearer_auth(&app.live)
                    .json(&json!({ "name": "Acme" }))
                    .send(),
            )
        })
        .collect();
    crate::support::eventually(crate::support::service::PATIENCE, || app.api.in_flight() == 512)
        .await;
    let shed = app.send(app.request(Method::GET, "/health")).await;
    assert_eq!(shed.error(), "503 internal_error unavailable");
    assert_eq!(probe(&app, "/healthz").await.0, 200);
    assert_eq!(probe(&app, "/readyz").await.0, 200);
    drop(writer);
    for request in waiting {
        request.abort();
    }
}
