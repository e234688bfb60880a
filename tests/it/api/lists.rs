//! Pages and filters.

use rstest::rstest;
use serde_json::{Value, json};

use crate::support::app::TestApp;
use crate::support::db::Backend;

fn numbers(list: &Value) -> Vec<i64> {
    list["data"].as_array().unwrap().iter().map(|row| row["display_id"].as_i64().unwrap()).collect()
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn a_walk_sees_every_row_once_though_all_were_made_in_one_instant(#[case] backend: Backend) {
    let app = TestApp::new(backend).await;
    for n in 1..=7 {
        app.customer(&format!("Customer {n}")).await;
    }
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = app.get(&format!("/customers?limit=3{cursor}")).await.ok(200);
        seen.extend(numbers(&page));
        assert_eq!(page["has_more"], page["next_cursor"].is_string());
        let Some(next) = page["next_cursor"].as_str() else { break };
        assert_eq!(next.len(), "2026-06-01T08:00:00.000Z".len());
        cursor = format!("&cursor={next}");
        // A row that goes while somebody walks costs nobody else its place.
        app.delete("/customers/7").await.ok(200);
    }
    assert_eq!(seen, [7, 6, 5, 4, 3, 2, 1]);
    let keys: Vec<_> =
        app.get("/customers").await.ok(200).as_object().unwrap().keys().cloned().collect();
    assert_eq!(keys, ["object", "data", "has_more", "next_cursor"]);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn a_bad_page_is_refused_and_an_odd_one_is_not(#[case] backend: Backend) {
    let app = TestApp::new(backend).await;
    app.customer("Acme").await;
    let long = "9".repeat(10_000);
    for (query, error) in [
        ("limit=0", "too_small limit"),
        ("limit=-99999999999999999999", "too_small limit"),
        ("limit=101", "too_big limit"),
        ("limit=99999999999999999999", "too_big limit"),
        ("limit=ten", "invalid_type limit"),
        ("limit=1.5", "invalid_type limit"),
        ("limit=", "invalid_type limit"),
        ("limit=0&cursor=x", "too_small limit"),
        ("cursor=", "invalid_string cursor"),
        ("cursor=2026-06-01", "invalid_string cursor"),
        ("cursor=2026-06-01T08:00:00.000", "invalid_string cursor"),
        ("cursor=%00", "invalid_string cursor"),
        ("cursor='%20OR%201=1--", "invalid_string cursor"),
        (&format!("cursor={long}"), "invalid_string cursor"),
        ("cursor=0000-01-01T00:00:00Z", "invalid_string cursor"),
        ("status=gone", "invalid_enum_value status"),
        ("slug=", "too_small slug"),
    ] {
        let answer = app.get(&format!("/customers?{query}")).await;
        assert_eq!(answer.error(), format!("400 invalid_request_error {error}"), "{query}");
    }
    for (query, count) in [
        ("limit=100&unknown=1", 1),
        ("cursor=2026-06-01T10:00:00.001+02:00", 1),
        ("cursor=2026-06-01T08:00:00Z", 0),
        ("cursor=2026-06-01T08:00:00.001Z", 1),
        ("cursor=9999-12-31T23:59:59.999Z", 1),
        ("cursor=0001-01-01T00:00:00Z", 0),
        ("slug=acme", 1),
        ("slug=ACME", 0),
        ("slug=%00", 0),
        ("status=active", 1),
        ("status=churned", 0),
    ] {
        let list = app.get(&format!("/customers?{query}")).await.ok(200);
        assert_eq!(numbers(&list).len(), count, "{query}");
    }
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn onboardings_are_filtered_by_customer_state_and_phase(#[case] backend: Backend) {
    let app = TestApp::new(backend).await;
    let (acme, globex) = (app.customer("Acme").await, app.customer("Globex").await);
    app.onboarding(&acme, json!({})).await;
    app.onboarding(&acme, json!({ "state": "waiting" })).await;
    app.onboarding(&globex, json!({ "state": "at_risk", "phase": "launch" })).await;
    app.patch("/onboardings/3", json!({ "waiting_on_customer": true })).await.ok(200);
    let acme_id = acme["id"].as_str().unwrap();
    for (path, expected) in [
        ("/onboardings", vec![3, 2, 1]),
        ("/onboardings?state=waiting", vec![3, 2]),
        ("/onboardings?state=at_risk", vec![3]),
        ("/onboardings?state=active", vec![1]),
        ("/onboardings?phase=launch", vec![3]),
        ("/onboardings?customer_id=1", vec![2, 1]),
        (&format!("/onboardings?customer_id={acme_id}&state=waiting"), vec![2]),
        ("/onboardings?customer_id=99999999999999999999999", vec![]),
        ("/onboardings?customer_id=cust_nobody", vec![]),
        ("/customers/1/onboardings", vec![2, 1]),
        (&format!("/customers/{acme_id}/onboardings?limit=1"), vec![2]),
    ] {
        assert_eq!(numbers(&app.get(path).await.ok(200)), expected, "{path}");
    }
    let answer = app.get("/onboardings?phase=kickoff&state=lost").await;
    assert_eq!(answer.error(), "400 invalid_request_error invalid_enum_value state");
    let answer = app.get("/customers/9/onboardings").await;
    assert_eq!(answer.error(), "404 not_found customer_not_found");
}
