//! A POST with an `Idempotency-Key` happens once.

use chrono::TimeDelta;
use reqwest::Method;
use rstest::rstest;
use serde_json::{Value, json};

use crate::support::app::{Answer, TestApp};
use crate::support::db::Backend;

async fn post(app: &TestApp, api_key: &str, key: &str, path: &str, body: &Value) -> Answer {
    let request = app
        .request(Method::POST, path)
        .bearer_auth(api_key)
        .header("idempotency-key", key)
        .json(body);
    app.send(request).await
}

async fn customers(app: &TestApp) -> usize {
    app.get("/customers").await.ok(200)["data"].as_array().unwrap().len()
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn a_repetition_is_the_first_answer_byte_for_byte(#[case] backend: Backend) {
    let app = TestApp::new(backend).await;
    let body = json!({ "name": "Acme" });
    let first = post(&app, &app.live, "k1", "/customers", &body).await;
    assert_eq!((first.status.as_u16(), first.header("idempotency-replay")), (201, ""));
    app.patch("/customers/1", json!({ "name": "Changed since" })).await.ok(200);
    app.advance(TimeDelta::hours(23));
    let again = post(&app, &app.live, "k1", "/customers", &body).await;
    assert_eq!((again.status.as_u16(), again.header("idempotency-replay")), (201, "true"));
    assert_eq!(again.text, first.text);
    let other = post(&app, &app.live, "k1", "/customers", &json!({ "name": "Other" })).await;
    assert_eq!(other.error(), "409 conflict idempotency_key_reused");
    assert_eq!(customers(&app).await, 1);
    app.advance(TimeDelta::hours(1));
    let late = post(&app, &app.live, "k1", "/customers", &body).await;
    assert_eq!((late.status.as_u16(), late.header("idempotency-replay")), (201, ""));
    assert_eq!(customers(&app).await, 2);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn a_key_belongs_to_workspace_mode_and_path(#[case] backend: Backend) {
    let app = TestApp::new(backend).await;
    let stranger = app.stranger().await;
    let body = json!({ "name": "Acme", "email": "ann@acme.example" });
    for key in [&app.live, &app.test, &stranger] {
        let answer = post(&app, key, "k1", "/customers", &body).await;
        assert_eq!((answer.status.as_u16(), answer.header("idempotency-replay")), (201, ""));
    }
    for customer in [1, 2] {
        let path = format!("/customers/{customer}/contacts");
        let answer = post(&app, &app.live, "k1", &path, &body).await;
        assert_eq!((answer.status.as_u16(), answer.header("idempotency-replay")), (201, ""));
    }
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn only_success_is_remembered(#[case] backend: Backend) {
    let app = TestApp::new(backend).await;
    let bad = post(&app, &app.live, "k1", "/customers", &json!({})).await;
    assert_eq!(bad.error(), "400 invalid_request_error missing_field name");
    app.customer("Acme").await;
    let taken = json!({ "name": "A", "slug": "acme" });
    let taken = post(&app, &app.live, "k1", "/customers", &taken).await;
    assert_eq!(taken.error(), "409 conflict slug_taken slug");
    let good = post(&app, &app.live, "k1", "/customers", &json!({ "name": "A" })).await;
    good.ok(201);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn many_at_once_make_one(#[case] backend: Backend) {
    let app = TestApp::new(backend).await;
    let body = json!({ "name": "Acme" });
    let calls = (0..20).map(|_| post(&app, &app.live, "k1", "/customers", &body));
    let answers = futures_util::future::join_all(calls).await;
    assert_eq!(customers(&app).await, 1);
    let created: Vec<_> = answers.iter().filter(|answer| answer.status == 201).collect();
    assert!(created.iter().all(|answer| answer.text == created[0].text));
    let firsts = created.iter().filter(|answer| answer.header("idempotency-replay").is_empty());
    assert_eq!(firsts.count(), 1);
    for answer in answers.iter().filter(|answer| answer.status != 201) {
        assert_eq!(answer.error(), "409 conflict idempotency_in_progress");
    }
}

#[tokio::test]
async fn while_the_first_is_running_a_repetition_is_told_so() {
    // On SQLite there is nothing to see: the repetition waits for the writer and then finds the answer.
    let app = TestApp::new(Backend::Postgres).await;
    let mut running = app.db().begin().await.unwrap();
    let scope = format!("{} live POST /api/v1/customers", app.workspace.id);
    pivotal_reminders::store::idempotency::claim(&mut running, &scope, "k1", app.now())
        .await
        .unwrap();
    let body = json!({ "name": "Acme" });
    let meanwhile = post(&app, &app.live, "k1", "/customers", &body).await;
    assert_eq!(meanwhile.error(), "409 conflict idempotency_in_progress");
    // The process that ran it dies; its transaction, and with it the claim, is gone.
    drop(running);
    let mut answer = post(&app, &app.live, "k1", "/customers", &body).await;
    while answer.status == 409 {
        answer = post(&app, &app.live, "k1", "/customers", &body).await;
    }
    answer.ok(201);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn a_key_has_1_to_255_bytes(#[case] backend: Backend) {
    let app = TestApp::new(backend).await;
    let body = json!({ "name": "Acme" });
    post(&app, &app.live, &"x".repeat(255), "/customers", &body).await.ok(201);
    let long = post(&app, &app.live, &"x".repeat(256), "/customers", &body).await;
    assert_eq!(long.error(), "400 invalid_request_error too_big Idempotency-Key");
    let empty = post(&app, &app.live, "", "/customers", &body).await;
    assert_eq!(empty.error(), "400 invalid_request_error too_small Idempotency-Key");
}
