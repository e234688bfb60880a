//! The reference says what the router does.

use pivotal_reminders::api::reference::{document, operations};
use pivotal_reminders::domain::values::{Mode, Scope, Tier};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::app::TestApp;
use crate::support::db::Backend;

#[tokio::test]
async fn every_operation_is_routed_and_wants_its_scope() {
    let app = TestApp::new(Backend::Sqlite).await;
    for op in operations() {
        let method: Method = op.method.to_uppercase().parse().unwrap();
        let path = op
            .path
            .replace("{key}", "review")
            .replace("{name}", "email")
            .replace("{id}", "999")
            .replace("{customerId}", "999");
        let without = app.send(app.request(method.clone(), &path)).await;
        let Some(scope) = op.scope else {
            without.ok(op.success.0);
            continue;
        };
        assert_eq!(without.error(), "401 authentication_error missing_api_key", "{}", op.id);
        let others: Vec<Scope> =
            Scope::ALL.iter().copied().filter(|s| s.as_str() != scope).collect();
        let key = app.key(Mode::Live, Tier::Unlimited, &others).await;
        let refused = app.call(&key, method, &path, &json!({})).await;
        assert_eq!(refused.error(), "403 permission_error insufficient_scope", "{}", op.id);
    }
}

#[tokio::test]
async fn answers_have_exactly_the_keys_of_their_schema_in_its_order() {
    let app = TestApp::new(Backend::Sqlite).await;
    let customer = app.customer("Acme").await;
    app.post("/customers/1/contacts", json!({ "name": "Ann", "email": "ann@acme.example" }))
        .await
        .ok(201);
    app.onboarding(&customer, json!({})).await;
    app.pass("2026-06-02T07:00:00Z").await;
    app.enter_schedules().await;
    let plan = json!({ "action": "cancel", "filter": { "kind": "digest" } });
    app.post("/bulk_operations", plan).await.ok(201);
    let document = document();
    for op in operations().filter(|op| op.method == "get") {
        let mut path = app.path_of(op.path).await;
        path += match op.id {
            "explain-reminders" => "?who=%231",
            "preview-message" => "?kind=digest",
            _ => "",
        };
        let body = app.get(&path).await.ok(op.success.0);
        let name = op.success.1;
        assert_keys(&document, name, &body, op.id);
        if let Some(row) = body["data"].get(0) {
            assert_keys(&document, name.strip_suffix("List").unwrap(), row, op.id);
        }
    }
}

fn assert_keys(document: &Value, schema: &str, body: &Value, operation: &str) {
    let properties = document["components"]["schemas"][schema]["properties"].as_object().unwrap();
    let expected: Vec<_> =
        properties.keys().filter(|key| (schema, key.as_str()) != ("ApiKey", "key")).collect();
    let keys: Vec<_> = body.as_object().unwrap().keys().collect();
    assert_eq!(keys, expected, "{operation}: {schema}");
}

#[tokio::test]
async fn the_reference_is_served_to_machines_people_and_models() {
    let app = TestApp::new(Backend::Sqlite).await;
    let fetch = async |path: &str| {
        let url = format!("http://{}{path}", app.addr);
        let response = reqwest::get(url).await.unwrap();
        let kind = response.headers()["content-type"].to_str().unwrap().to_owned();
        (kind, response.text().await.unwrap())
    };
    let (kind, text) = fetch("/openapi.json").await;
    assert_eq!(kind, "application/json");
    assert_eq!(serde_json::from_str::<Value>(&text).unwrap()["openapi"], "3.1.0");
    let (kind, text) = fetch("/docs").await;
    assert_eq!(kind, "text/html; charset=utf-8");
    // It must work where there is no internet.
    assert!(!text.contains("http://") && !text.contains("https://"));
    // And where there is no script.
    assert!(!text.contains("<script") && !text.contains("Loading"));
    for op in operations() {
        assert!(text.contains(&format!("<details id=\"{}\">", op.id)), "{}", op.id);
    }
    assert!(text.contains("<td><code>reminder_frequency_days</code></td><td>integer (1…30)</td>"));
    let (kind, text) = fetch("/llms.txt").await;
    assert_eq!(kind, "text/plain; charset=utf-8");
    assert!(text.contains("- POST /api/v1/onboardings (write): Create an onboarding"));
}
