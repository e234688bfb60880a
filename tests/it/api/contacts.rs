//! Contacts, and who of them is primary.

use rstest::rstest;
use serde_json::{Value, json};

use crate::support::app::TestApp;
use crate::support::db::Backend;

async fn add(app: &TestApp, name: &str, more: Value) -> Value {
    let mut body = json!({ "name": name, "email": format!("{name}@acme.example") });
    for (key, value) in more.as_object().unwrap() {
        body[key] = value.clone();
    }
    app.post("/customers/1/contacts", body).await.ok(201)
}

/// Names of the customer's contacts, newest first, the primary one with a star.
async fn stars(app: &TestApp) -> String {
    let list = app.get("/customers/1/contacts").await.ok(200);
    let names = list["data"].as_array().unwrap().iter().map(|contact| {
        let star = if contact["is_primary"] == true { "*" } else { "" };
        format!("{}{star}", contact["name"].as_str().unwrap())
    });
    names.collect::<Vec<_>>().join(" ")
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn a_contact_has_every_key_in_the_order_of_the_schema(#[case] backend: Backend) {
    let app = TestApp::new(backend).await;
    app.customer("Acme").await;
    let body = json!({ "name": "Ann", "email": "Ann@ACME.example", "title": "CTO", "labels": ["vip", "eu"] });
    let created = app.post("/customers/1/contacts", body).await;
    created.ok(201);
    insta::with_settings!({filters => vec![(r"(cust|cont)_[0-9a-z]{26}", "[$1]")]}, {
        insta::assert_snapshot!(created.text);
    });
    assert_eq!(app.get("/contacts/1").await.text, created.text);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn exactly_one_contact_is_primary_whatever_happens(#[case] backend: Backend) {
    let app = TestApp::new(backend).await;
    app.customer("Acme").await;
    add(&app, "ann", json!({ "is_primary": false })).await;
    add(&app, "bob", json!({})).await;
    assert_eq!(stars(&app).await, "bob ann*");
    add(&app, "cid", json!({ "is_primary": true })).await;
    assert_eq!(stars(&app).await, "cid* bob ann");
    app.patch("/contacts/2", json!({ "is_primary": true })).await.ok(200);
    assert_eq!(stars(&app).await, "cid bob* ann");
    let refused = app.patch("/contacts/2", json!({ "is_primary": false })).await;
    assert_eq!(refused.error(), "400 invalid_request_error custom is_primary");
    app.patch("/contacts/1", json!({ "is_primary": false })).await.ok(200);
    app.delete("/contacts/2").await.ok(200);
    assert_eq!(stars(&app).await, "cid ann*");
    app.delete("/contacts/1").await.ok(200);
    app.delete("/contacts/3").await.ok(200);
    assert_eq!(stars(&app).await, "");
    add(&app, "dan", json!({})).await;
    assert_eq!(stars(&app).await, "dan*");
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn contacts_made_at_once_leave_one_primary(#[case] backend: Backend) {
    let app = TestApp::new(backend).await;
    app.customer("Acme").await;
    let names = ["a", "b", "c", "d", "e", "f", "g", "h"];
    let calls = names.map(|name| add(&app, name, json!({ "is_primary": true })));
    futures_util::future::join_all(calls).await;
    assert_eq!(stars(&app).await.matches('*').count(), 1);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn an_address_is_used_once_per_customer_until_it_is_deleted(#[case] backend: Backend) {
    let app = TestApp::new(backend).await;
    app.customer("Acme").await;
    app.customer("Globex").await;
    add(&app, "ann", json!({})).await;
    add(&app, "bob", json!({})).await;
    let again = json!({ "name": "Ann", "email": "ANN@acme.example" });
    let taken = app.post("/customers/1/contacts", again.clone()).await;
    assert_eq!(taken.error(), "409 conflict email_taken email");
    let taken = app.patch("/contacts/2", json!({ "email": "ann@acme.example" })).await;
    assert_eq!(taken.error(), "409 conflict email_taken email");
    app.patch("/contacts/1", json!({ "email": "ann@acme.example" })).await.ok(200);
    app.post("/customers/2/contacts", again.clone()).await.ok(201);
    app.delete("/contacts/1").await.ok(200);
    app.post("/customers/1/contacts", again).await.ok(201);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn the_faults_of_a_contact_are_reported(#[case] backend: Backend) {
    let app = TestApp::new(backend).await;
    app.customer("Acme").await;
    let cases = [
        (json!({ "name": "A" }), "missing_field email"),
        (json!({ "name": "A", "email": "nobody" }), "invalid_string email"),
        (json!({ "name": "A", "email": 1 }), "invalid_type email"),
        (json!({ "name": "A", "email": "a@b.c", "title": "x".repeat(201) }), "too_big title"),
        (json!({ "name": "A", "email": "a@b.c", "labels": "vip" }), "invalid_type labels"),
        (json!({ "name": "A", "email": "a@b.c", "labels": ["ok", 1] }), "invalid_type labels.1"),
        (json!({ "name": "A", "email": "a@b.c", "is_primary": "yes" }), "invalid_type is_primary"),
    ];
    for (body, error) in cases {
        let answer = app.post("/customers/1/contacts", body).await;
        assert_eq!(answer.error(), format!("400 invalid_request_error {error}"));
    }
    let nowhere = app.post("/customers/9/contacts", json!({ "name": "A", "email": "a@b.c" })).await;
    assert_eq!(nowhere.error(), "404 not_found customer_not_found");
}
