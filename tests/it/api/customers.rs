//! Customers.

use chrono::TimeDelta;
use reqwest::Method;
use rstest::rstest;
use serde_json::json;

use crate::support::app::TestApp;
use crate::support::db::Backend;

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn a_customer_has_every_key_in_the_order_of_the_schema(#[case] backend: Backend) {
    let app = TestApp::new(backend).await;
    let body = json!({
        "name": "Acme Rockets", "domain": "Acme.Example", "status": "onboarding", "plan": "Pro", "mrr": 120_000,
        "hubspot_company_id": "hs-1", "metadata": { "z": 1, "a": { "b": [null, 1.50, "ü"] } }, "nonsense": true
    });
    let created = app.post("/customers", body).await;
    created.ok(201);
    insta::with_settings!({filters => vec![(r"cust_[0-9a-z]{26}", "[id]")]}, {
        insta::assert_snapshot!(created.text);
    });
    let id = created.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(app.get(&format!("/customers/{id}")).await.text, created.text);
    assert_eq!(app.get("/customers/1").await.text, created.text);
    assert_eq!(
        app.get("/customers/acme-rockets").await.error(),
        "404 not_found customer_not_found"
    );
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn a_slug_is_derived_from_the_name_until_it_is_free(#[case] backend: Backend) {
    let app = TestApp::new(backend).await;
    for (name, slug) in [
        ("Müller & Söhne GmbH", "muller-sohne-gmbh"),
        ("Muller  Sohne GmbH!", "muller-sohne-gmbh-2"),
        ("muller sohne gmbh", "muller-sohne-gmbh-3"),
        ("???", "customer"),
    ] {
        assert_eq!(app.customer(name).await["slug"], slug);
    }
    let taken = app.post("/customers", json!({ "name": "X", "slug": "customer" })).await;
    assert_eq!(taken.error(), "409 conflict slug_taken slug");
    let taken = app.patch("/customers/1", json!({ "slug": "customer" })).await;
    assert_eq!(taken.error(), "409 conflict slug_taken slug");
    app.patch("/customers/4", json!({ "slug": "customer" })).await.ok(200);
    app.delete("/customers/4").await.ok(200);
    app.post("/customers", json!({ "name": "X", "slug": "customer" })).await.ok(201);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn customers_made_at_once_get_numbers_and_slugs_of_their_own(#[case] backend: Backend) {
    let app = TestApp::new(backend).await;
    let created = futures_util::future::join_all((0..12).map(|_| app.customer("Acme"))).await;
    for key in ["id", "display_id", "slug", "created_at"] {
        let distinct: std::collections::BTreeSet<_> =
            created.iter().map(|customer| customer[key].to_string()).collect();
        assert_eq!(distinct.len(), 12, "{key}");
    }
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn a_patch_changes_what_it_names_and_null_clears(#[case] backend: Backend) {
    let app = TestApp::new(backend).await;
    let before = app
        .post(
            "/customers",
            json!({ "name": "Acme", "plan": "Pro", "mrr": 5, "domain": "acme.example" }),
        )
        .await
        .ok(201);
    app.advance(TimeDelta::seconds(1));
    assert_eq!(app.patch("/customers/1", json!({})).await.ok(200), before);
    assert_eq!(app.patch("/customers/1", json!({ "plan": "Pro", "x": 1 })).await.ok(200), before);
    let after = app.patch("/customers/1", json!({ "plan": null, "mrr": 6 })).await.ok(200);
    let mut expected = before.clone();
    expected["plan"] = json!(null);
    expected["mrr"] = json!(6);
    expected["updated_at"] = json!("2026-06-01T08:00:01.000Z");
    assert_eq!(after, expected);
    for (body, error) in [
        (json!({ "name": null }), "invalid_type name"),
        (json!({ "status": null }), "invalid_type status"),
        (json!({ "mrr": -1 }), "too_small mrr"),
        (json!({ "mrr": "5" }), "invalid_type mrr"),
        (json!({ "metadata": [] }), "invalid_type metadata"),
        (json!({ "metadata": { "x": "y".repeat(16 * 1024) } }), "too_big metadata"),
        (json!({ "slug": "Not A Slug" }), "invalid_string slug"),
        (json!({ "status": "gone", "plan": 1 }), "invalid_enum_value status"),
    ] {
        let answer = app.patch("/customers/1", body).await;
        assert_eq!(answer.error(), format!("400 invalid_request_error {error}"));
    }
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn the_first_fault_in_the_order_of_the_schema_is_reported(#[case] backend: Backend) {
    let app = TestApp::new(backend).await;
    let cases = [
        (json!({}), "missing_field name"),
        (json!({ "mrr": "x", "slug": "NO" }), "missing_field name"),
        (json!({ "mrr": "x", "slug": "NO", "name": "" }), "too_small name"),
        (json!({ "mrr": "x", "slug": "NO", "name": "N" }), "invalid_string slug"),
        (json!({ "mrr": "x", "name": "x".repeat(201) }), "too_big name"),
        (json!({ "name": "line\nbreak" }), "invalid_string name"),
        (json!({ "name": null }), "invalid_type name"),
        (json!({ "name": "N", "metadata": null }), "invalid_type metadata"),
    ];
    for (body, error) in cases {
        let answer = app.post("/customers", body).await;
        assert_eq!(answer.error(), format!("400 invalid_request_error {error}"));
    }
    app.post("/customers", json!({ "name": "x".repeat(200) })).await.ok(201);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn text_that_turns_around_is_escaped_but_stays_what_it_is(#[case] backend: Backend) {
    let app = TestApp::new(backend).await;
    let answer = app.post("/customers", json!({ "name": "Acme \u{202e}gnp.exe" })).await;
    assert_eq!(answer.ok(201)["name"], "Acme \u{202e}gnp.exe");
    assert!(answer.text.contains("Acme \\u202egnp.exe"), "{}", answer.text);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn what_belongs_to_others_looks_like_what_is_not_there(#[case] backend: Backend) {
    let app = TestApp::new(backend).await;
    let stranger = app.stranger().await;
    let customer = app.customer("Acme").await;
    let contact = app
        .post("/customers/1/contacts", json!({ "name": "Ann", "email": "ann@acme.example" }))
        .await
        .ok(201);
    let onboarding = app.onboarding(&customer, json!({})).await;
    for (noun, row) in
        [("customers", &customer), ("contacts", &contact), ("onboardings", &onboarding)]
    {
        for path in [
            format!("/{noun}/{}", row["id"].as_str().unwrap()),
            format!("/{noun}/{}", row["display_id"]),
        ] {
            for method in [Method::GET, Method::PATCH, Method::DELETE] {
                let theirs = app.call(&stranger, method.clone(), &path, &json!({})).await;
                let absent = app.call(&stranger, method, &format!("/{noun}/999"), &json!({})).await;
                assert_eq!(theirs.status, 404);
                assert_eq!(theirs.text, absent.text);
            }
        }
    }
    let body = json!({ "customer_id": customer["id"] });
    let theirs = app.call(&stranger, Method::POST, "/onboardings", &body).await;
    assert_eq!(theirs.error(), "404 not_found customer_not_found");
    let path = format!("/onboardings?customer_id={}", customer["id"].as_str().unwrap());
    let list = app.call(&stranger, Method::GET, &path, &json!(null)).await.ok(200);
    assert_eq!(list["data"], json!([]));
    let list = app.call(&stranger, Method::GET, "/customers", &json!(null)).await.ok(200);
    assert_eq!(list["data"], json!([]));
}
