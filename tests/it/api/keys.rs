//! Authentication, scopes, limits, and what becomes of a key.

use chrono::TimeDelta;
use pivotal_reminders::domain::values::{Mode, Scope, Tier};
use pivotal_reminders::store::api_keys;
use reqwest::Method;
use rstest::rstest;
use serde_json::{Value, json};

use crate::support::app::TestApp;
use crate::support::db::Backend;

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn only_a_bearer_key_that_is_known_opens_anything(#[case] backend: Backend) {
    let app = TestApp::new(backend).await;
    let ask = async |value: Option<String>| {
        let mut request = app.request(Method::GET, "/me");
        if let Some(value) = value {
            request = request.header("authorization", value);
        }
        let answer = app.send(request).await;
        if answer.status == 401 {
            assert_eq!(answer.header("www-authenticate"), "Bearer");
            assert_eq!(answer.header("x-ratelimit-limit"), "");
            answer.error()
        } else {
            answer.status.to_string()
        }
    };
    let missing = "401 authentication_error missing_api_key";
    let invalid = "401 authentication_error invalid_api_key";
    assert_eq!(ask(None).await, missing);
    assert_eq!(ask(Some(app.live.clone())).await, missing);
    assert_eq!(ask(Some(format!("Basic {}", app.live))).await, missing);
    assert_eq!(ask(Some("Bearer pivotal_nonsense".to_owned())).await, invalid);
    assert_eq!(ask(Some(format!("Bearer {}x", app.live))).await, invalid);
    assert_eq!(ask(Some("Bearer é".to_owned())).await, invalid);
    assert_eq!(ask(Some(format!("bEARER  {}", app.live))).await, "200 OK");
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn a_key_does_what_its_scopes_say(#[case] backend: Backend) {
    let app = TestApp::new(backend).await;
    let customer = app.customer("Acme").await;
    let path = format!("/customers/{}", customer["display_id"]);
    let reader = app.key(Mode::Live, Tier::Standard, &[Scope::Read]).await;
    let writer = app.key(Mode::Live, Tier::Standard, &[Scope::Write]).await;
    app.call(&reader, Method::GET, &path, &Value::Null).await.ok(200);
    let refused = app.call(&reader, Method::PATCH, &path, &json!({})).await;
    assert_eq!(refused.error(), "403 permission_error insufficient_scope");
    assert_eq!(refused.header("x-ratelimit-remaining"), "58");
    app.call(&writer, Method::PATCH, &path, &json!({})).await.ok(200);
    let refused = app.call(&writer, Method::GET, &path, &Value::Null).await;
    assert_eq!(refused.error(), "403 permission_error insufficient_scope");
    let refused = app.call(&writer, Method::GET, "/me", &Value::Null).await;
    assert_eq!(refused.error(), "403 permission_error insufficient_scope");
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn a_window_slides_and_retry_after_is_exact(#[case] backend: Backend) {
    let app = TestApp::new(backend).await;
    let key = app.key(Mode::Test, Tier::Standard, &[Scope::Read]).await;
    let me = async || app.call(&key, Method::GET, "/me", &Value::Null).await;
    let start = app.now().timestamp();
    for n in 1..=30 {
        let answer = me().await;
        answer.ok(200);
        assert_eq!(answer.header("x-ratelimit-limit"), "30");
        assert_eq!(answer.header("x-ratelimit-remaining"), (30 - n).to_string());
        assert_eq!(answer.header("x-ratelimit-reset"), (start + 60).to_string());
        app.advance(TimeDelta::milliseconds(500));
    }
    // 15 s have passed; the first request leaves the window in 45.
    let turned_away = me().await;
    assert_eq!(turned_away.error(), "429 rate_limit_error rate_limited");
    assert_eq!(turned_away.header("retry-after"), "45");
    assert_eq!(turned_away.header("x-ratelimit-remaining"), "0");
    app.advance(TimeDelta::milliseconds(44_999));
    assert_eq!(me().await.header("retry-after"), "1");
    app.advance(TimeDelta::milliseconds(1));
    me().await.ok(200);
    assert_eq!(me().await.status, 429);
    // Another key has a window of its own, and health none.
    app.get("/me").await.ok(200);
    app.send(app.request(Method::GET, "/health")).await.ok(200);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn parallel_requests_are_counted_one_by_one(#[case] backend: Backend) {
    let app = TestApp::new(backend).await;
    let key = app.key(Mode::Live, Tier::Standard, &[Scope::Read]).await;
    let calls = (0..80).map(|_| app.call(&key, Method::GET, "/me", &Value::Null));
    let answers = futures_util::future::join_all(calls).await;
    let good = answers.iter().filter(|answer| answer.status == 200).count();
    let turned_away = answers.iter().filter(|answer| answer.status == 429).count();
    assert_eq!((good, turned_away), (60, 20));
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn a_rotated_key_opens_until_its_overlap_ends_and_without_one_no_more(
    #[case] backend: Backend,
) {
    let app = TestApp::new(backend).await;
    let me = async |key: &str| app.call(key, Method::GET, "/me", &Value::Null).await;
    let old_id = me(&app.live).await.ok(200)["api_key"]["id"].as_str().unwrap().to_owned();
    let hour = json!({ "overlap_seconds": 3600 });
    let new = app.post(&format!("/api_keys/{old_id}/rotate"), hour).await.ok(201);
    let new = new["key"].as_str().unwrap();
    app.advance(TimeDelta::minutes(59));
    me(&app.live).await.ok(200);
    assert_eq!(me(new).await.ok(200)["api_key"]["name"], "CRM sync");
    app.advance(TimeDelta::minutes(1));
    assert_eq!(me(&app.live).await.error(), "401 authentication_error api_key_revoked");
    me(new).await.ok(200);
    let at_once = me(new).await.ok(200)["api_key"]["id"].as_str().unwrap().to_owned();
    let newest = app
        .call(new, Method::POST, &format!("/api_keys/{at_once}/rotate"), &json!({}))
        .await
        .ok(201);
    assert_eq!(me(new).await.error(), "401 authentication_error api_key_revoked");
    me(newest["key"].as_str().unwrap()).await.ok(200);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn the_use_of_a_key_is_written_beside_the_requests(#[case] backend: Backend) {
    let app = TestApp::new(backend).await;
    for _ in 0..3 {
        app.get("/me").await.ok(200);
    }
    app.advance(TimeDelta::seconds(5));
    let me = app.get("/me").await.ok(200);
    app.api.usage.flush(app.db()).await.unwrap();
    let mut tx = app.db().begin().await.unwrap();
    let key = api_keys::lock(&mut tx, &app.workspace.id, me["api_key"]["id"].as_str().unwrap())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(key.request_count, 4);
    assert_eq!(key.last_used_at, Some(app.now()));
    assert_eq!(key.last_used_ip.as_deref(), Some("127.0.0.1"));
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn a_window_is_the_same_whichever_process_answers(#[case] backend: Backend) {
    let app = TestApp::new(backend).await;
    let other = app.another_process().await;
    let key = app.key(Mode::Live, Tier::Standard, &[Scope::Read]).await;
    for n in 0..60 {
        let process = if n % 2 == 0 { &app } else { &other };
        let answer = process.call(&key, Method::GET, "/me", &Value::Null).await;
        assert_eq!(answer.header("x-ratelimit-remaining"), (59 - n).to_string());
    }
    for process in [&app, &other] {
        assert_eq!(process.call(&key, Method::GET, "/me", &Value::Null).await.status, 429);
    }
}
