//! Whatever is thrown at it: an answer in the envelope, and never a 500.

use reqwest::Method;
use rstest::rstest;

use crate::support::app::TestApp;
use crate::support::db::Backend;

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn hostile_bodies_are_refused_where_they_are_wrong(#[case] backend: Backend) {
    let app = TestApp::new(backend).await;
    app.customer("Acme").await;
    let deep = format!("{{\"customer_id\":\"1\",\"x\":{}{}}}", "[".repeat(200), "]".repeat(200));
    let frequency =
        |value: &str| format!("{{\"customer_id\":\"1\",\"reminder_frequency_days\":{value}}}");
    let cases = [
        (frequency("-1"), "too_small reminder_frequency_days"),
        (frequency("0"), "too_small reminder_frequency_days"),
        (frequency("31"), "too_big reminder_frequency_days"),
        (frequency("2147483648"), "too_big reminder_frequency_days"),
        (frequency("9223372036854775808"), "too_big reminder_frequency_days"),
        (frequency("1e400"), "too_big reminder_frequency_days"),
        (frequency("-1e400"), "too_small reminder_frequency_days"),
        (frequency("1.5"), "invalid_type reminder_frequency_days"),
        (frequency("\"1\""), "invalid_type reminder_frequency_days"),
        (frequency("NaN"), "invalid_json"),
        (frequency("01"), "invalid_json"),
        (deep, "invalid_json"),
        (r#"{"customer_id":"1","customer_id":"2"}"#.to_owned(), "custom customer_id"),
        (r#"{"customer_id":"1","notes":"\ud800"}"#.to_owned(), "invalid_string notes"),
        (r#"{"customer_id":"1","notes":"a\u0000b"}"#.to_owned(), "invalid_string notes"),
        (r#"{"customer_id":"1","notes":"\u001b[31m"}"#.to_owned(), "invalid_string notes"),
        (r#"{"customer_id":"1\u0000"}"#.to_owned(), "invalid_string customer_id"),
        (r#"{"customer_id":"1","csm_id":"\u0000"}"#.to_owned(), "invalid_string csm_id"),
        (
            r#"{"customer_id":"1","target_launch_date":"0000-01-01T00:00:00Z"}"#.to_owned(),
            "invalid_string target_launch_date",
        ),
        (
            r#"{"customer_id":"1","target_launch_date":"99999-01-01T00:00:00Z"}"#.to_owned(),
            "invalid_string target_launch_date",
        ),
        (
            r#"{"customer_id":"1","target_launch_date":"2026-02-30T00:00:00Z"}"#.to_owned(),
            "invalid_string target_launch_date",
        ),
        ("\u{feff}{}".to_owned(), "invalid_json"),
        (String::new(), "invalid_json"),
        ("null".to_owned(), "invalid_type"),
    ];
    for (body, error) in cases {
        let shown: String = body.chars().take(80).collect();
        let request = app
            .request(Method::POST, "/onboardings")
            .bearer_auth(&app.live)
            .header("content-type", "application/json; charset=utf-8")
            .body(body);
        let answer = app.send(request).await;
        assert_eq!(answer.error(), format!("400 invalid_request_error {error}"), "{shown}");
    }
    let not_text = app
        .request(Method::POST, "/onboardings")
        .bearer_auth(&app.live)
        .header("content-type", "application/json")
        .body(b"{\"customer_id\":\"\xff\xfe\"}".to_vec());
    assert_eq!(app.send(not_text).await.error(), "400 invalid_request_error invalid_json");
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn hostile_paths_name_nothing(#[case] backend: Backend) {
    let app = TestApp::new(backend).await;
    app.customer("Acme").await;
    for id in [
        "0",
        "-1",
        "+1",
        "1.0",
        "99999999999999999999999",
        "%00",
        "1%00",
        "%ff%fe",
        "%27%20OR%201=1--",
        "cust_",
        "%F0%9F%9A%80",
        "%D9%A1",
        &"x".repeat(5000),
    ] {
        for (noun, code) in [
            ("customers", "customer_not_found"),
            ("contacts", "contact_not_found"),
            ("onboardings", "onboarding_not_found"),
        ] {
            let answer = app.get(&format!("/{noun}/{id}")).await;
            assert_eq!(answer.error(), format!("404 not_found {code}"), "{noun}/{id}");
        }
    }
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn metadata_keeps_what_json_can_hold(#[case] backend: Backend) {
    let app = TestApp::new(backend).await;
    let kept = r#"{"b":1,"a":{"\u0000":"\u0000","n":9007199254740993},"":[]}"#;
    let send = async |metadata: &str| {
        let request = app
            .request(Method::POST, "/customers")
            .bearer_auth(&app.live)
            .header("content-type", "application/json")
            .body(format!("{{\"name\":\"N\",\"metadata\":{metadata}}}"));
        app.send(request).await
    };
    let answer = send(kept).await;
    answer.ok(201);
    assert!(answer.text.ends_with(&format!("\"metadata\":{kept}}}")), "{}", answer.text);
    for bad in [r#"{"x":1e400}"#, r#"{"x":"\ud800"}"#] {
        assert_eq!(send(bad).await.error(), "400 invalid_request_error custom metadata");
    }
}
