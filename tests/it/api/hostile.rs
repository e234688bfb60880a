//! Whatever is thrown at it: an answer in the envelope, and never a 500.

use pivotal_reminders::api::reference::{document, operations};
use reqwest::Method;
use rstest::rstest;
use serde_json::{Value, json};

use crate::support::app::TestApp;
use crate::support::db::Backend;
use crate::support::eventually;
use crate::support::service::PATIENCE;

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
        (r#"{"customer_id":"1","notes":"a\rb"}"#.to_owned(), "invalid_string notes"),
        (r#"{"customer_id":"1","notes":"a\r\n\r"}"#.to_owned(), "invalid_string notes"),
        (r#"{"customer_id":"1","csm_id":"\u0000"}"#.to_owned(), "user_not_found csm_id"),
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

/// Values that some field cannot hold, as JSON text.
fn hostile_values() -> Vec<String> {
    let mut values: Vec<String> = [
        "null",
        "true",
        "0",
        "-0",
        "-1",
        "1.5",
        "1e400",
        "-1e400",
        "1e-400",
        "31",
        "2147483648",
        "9007199254740993",
        "9223372036854775808",
        "-9223372036854775809",
        r#""""#,
        r#"" ""#,
        r#""1""#,
        r#""\u0000""#,
        r#""a\u0000b""#,
        r#""\ud800""#,
        r#""\udc00\ud800""#,
        r#""\u001b[31m""#,
        r#""\r\nBcc: a@b.example""#,
        r#""\u202egnp.exe""#,
        r#""\ufeff""#,
        r#""\uffff""#,
        r#""0000-01-01T00:00:00Z""#,
        r#""9999-12-31T23:59:59-23:59""#,
        r#""0001-01-01T00:00:00+23:59""#,
        r#""99999-01-01T00:00:00Z""#,
        r#""-262144-01-01""#,
        r#""9999-12-31""#,
        r#""0000-01-01""#,
        r#""24:00""#,
        r#"" 7:00""#,
        r#""+7:00""#,
        r#""23:59:60""#,
        r#""' OR 1=1--""#,
        r#""%00""#,
        r#""..""#,
        r#""a@b""#,
        r#""Mars/Base""#,
        "[]",
        "[null]",
        "[[]]",
        r#"["\u0000"]"#,
        r#"["mon","mon"]"#,
        "[0]",
        "[9223372036854775808]",
        "{}",
        r#"{"from":null}"#,
        r#"{"from":"09:00","until":"09:00"}"#,
        r#"{"from":"99:00","until":"18:00"}"#,
        r#"{"a":1,"a":2}"#,
        r#"{"\u0000":"\u0000"}"#,
    ]
    .map(ToOwned::to_owned)
    .to_vec();
    values.push(format!("\"{}\"", "x".repeat(21_000)));
    values.push(format!("\"{}\"", "\u{1f680}".repeat(300)));
    values.push(format!("[{}\"x\"]", "\"x\",".repeat(5_000)));
    values.push(format!("{}{}", "[".repeat(60), "]".repeat(60)));
    values.push(format!("{}1{}", r#"{"a":"#.repeat(60), "}".repeat(60)));
    values.push("9".repeat(400));
    values
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn every_writable_field_takes_every_hostile_value_or_is_named(#[case] backend: Backend) {
    let app = TestApp::new(backend).await;
    let customer = app.customer("Acme").await;
    let contact = json!({ "name": "Ann", "email": "ann@acme.example" });
    app.post("/customers/1/contacts", contact).await.ok(201);
    app.onboarding(&customer, json!({})).await;
    let spare = app.post("/api_keys", json!({ "name": "Spare" })).await.ok(201)["id"].clone();
    app.pass("2026-06-02T07:00:00Z").await;
    app.enter_schedules().await;
    let plan = json!({ "action": "cancel", "filter": { "channel": "slack" } });
    app.post("/bulk_operations", plan).await.ok(201);
    let document = document();
    let values = hostile_values();
    let mut sent = 0_usize;
    for op in operations() {
        let Some(schema) = op.body.filter(|body| !body.contains('/')) else { continue };
        let schema = &document["components"]["schemas"][schema];
        let path = if op.path.starts_with("/api_keys") {
            op.path.replace("{id}", spare.as_str().unwrap())
        } else {
            app.path_of(op.path).await.replace("{key}", "review")
        };
        for property in schema["properties"].as_object().unwrap().keys() {
            for value in &values {
                sent += 1;
                let mut body = format!("{{\"{property}\":{value}");
                for required in schema["required"].as_array().into_iter().flatten() {
                    if required == property {
                        continue;
                    }
                    let good = match required.as_str().unwrap() {
                        "name" | "reason" | "hash" => r#""N""#.to_owned(),
                        "email" => format!("\"a{sent}@acme.example\""),
                        "customer_id" => r#""1""#.to_owned(),
                        "until" => r#""2030-01-01""#.to_owned(),
                        "action" => r#""cancel""#.to_owned(),
                        "filter" => r#"{"kind":"stalled_phase"}"#.to_owned(),
                        new => panic!("what is a good {new}?"),
                    };
                    body.push_str(&format!(",{required}:{good}"));
                }
                body.push('}');
                let request = app
                    .request(op.method.to_uppercase().parse().unwrap(), &path)
                    .bearer_auth(&app.live)
                    .header("content-type", "application/json")
                    .body(body);
                let answer = app.send(request).await;
                let shown: String = value.chars().take(60).collect();
                let what = format!("{} {property}: {shown}: {}", op.id, answer.status);
                match answer.status.as_u16() {
                    200 | 201 => {
                        answer.json();
                    }
                    400 | 404 | 409 => {
                        let error = answer.error();
                        let field = error.split(' ').nth(3).unwrap_or_default();
                        let named = field == property || field.starts_with(&format!("{property}."));
                        // A rotated key is gone, but what is wrong with a body is still said first.
                        let gone =
                            op.id == "rotate-api-key" && error == "404 not_found api_key_not_found";
                        let absent = error == "404 not_found customer_not_found";
                        // A good body for what would have no effect.
                        let refused = error == "409 conflict action_refused";
                        // A good reason alone says nothing of what to save.
                        let lone =
                            op.id == "save-template" && property == "reason" && field == "source";
                        assert!(named || absent || gone || refused || lone, "{what}: {error}");
                    }
                    _ => panic!("{what}: {}", answer.text),
                }
            }
        }
    }
    assert!(sent > 3_000, "{sent}");
    // What was taken can be read again.
    for op in operations().filter(|op| op.method == "get") {
        let path = app.path_of(op.path).await;
        // One of them asks about somebody.
        let query = match op.path {
            "/reminders/explain" => "who=1",
            "/reminders/preview" => "kind=digest",
            _ => "limit=100",
        };
        app.get(&format!("{path}?{query}")).await.ok(op.success.0);
    }
}

#[tokio::test]
async fn connections_that_do_not_go_on_are_closed_while_others_are_served() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let app = TestApp::new(Backend::Sqlite).await;
    let half_body = format!(
        "POST /api/v1/customers HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\nContent-Length: 50\r\n\r\n{{\"name\"",
        app.live
    );
    let started = std::time::Instant::now();
    let closed = std::sync::atomic::AtomicUsize::new(0);
    let slow = futures_util::future::join_all((0..200).map(async |n: usize| {
        let stream = tokio::net::TcpStream::connect(app.addr).await.unwrap();
        let (begun, drips, expected) = match n % 5 {
            0 => ("GET /api/v1/health HTTP/1.1\r\nHo", false, ""),
            1 => ("", false, ""),
            2 => ("GET /api/v1/health HTTP/1.1\r\nHo", true, ""),
            3 => (half_body.as_str(), false, "did not come within"),
            _ => (half_body.as_str(), true, "did not come within"),
        };
        let (mut from, mut to) = stream.into_split();
        to.write_all(begun.as_bytes()).await.unwrap();
        let drip = async {
            let mut second = tokio::time::interval(std::time::Duration::from_secs(1));
            while drips && to.write_all(b"x").await.is_ok() {
                second.tick().await;
            }
            std::future::pending::<()>().await;
        };
        let mut answer = Vec::new();
        tokio::select! {
            // Closed by a reset is closed, too.
            _ = from.read_to_end(&mut answer) => {}
            () = drip => {}
        }
        closed.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let answer = String::from_utf8_lossy(&answer).into_owned();
        assert!(answer.contains(expected), "{n}: {answer}");
        started.elapsed()
    }));
    let others = async {
        let mut slowest = std::time::Duration::ZERO;
        let mut served = 0;
        let all_closed = || closed.load(std::sync::atomic::Ordering::Relaxed) == 200;
        while !all_closed() {
            let asked = std::time::Instant::now();
            app.send(app.request(Method::GET, "/health")).await.ok(200);
            slowest = slowest.max(asked.elapsed());
            served += 1;
            // Twenty a second are enough.
            let next = asked + std::time::Duration::from_millis(50);
            eventually(PATIENCE, || all_closed() || std::time::Instant::now() >= next).await;
        }
        (served, slowest)
    };
    let (ends, (served, slowest)) = tokio::join!(slow, others);
    let last = ends.into_iter().max().unwrap();
    assert!(last < std::time::Duration::from_secs(30), "the last was closed after {last:?}");
    assert!(served > 100 && slowest < std::time::Duration::from_secs(2), "{served}, {slowest:?}");
}

#[tokio::test]
async fn what_is_no_request_is_answered_in_the_envelope_too() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let app = TestApp::new(Backend::Sqlite).await;
    let long = "x".repeat(70_000);
    let many = "x-many: 1\r\n".repeat(200);
    let good = "GET /api/v1/health HTTP/1.1\r\nHost: x\r\n\r\n";
    for (sent, code) in [
        ("\u{1}\u{2}garbage\r\n\r\n".to_owned(), "custom"),
        ("GET /api/v1/health\r\n\r\n".to_owned(), "custom"),
        ("GET / HTTP/1.1\r\nBad Header: x\r\n\r\n".to_owned(), "custom"),
        ("POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n".to_owned(), "custom"),
        (format!("GET /{long} HTTP/1.1\r\nHost: x\r\n\r\n"), "too_big"),
        (format!("GET / HTTP/1.1\r\nHost: x\r\n{many}\r\n"), "too_big"),
        (format!("{good}\u{1}garbage\r\n\r\n"), "custom"),
    ] {
        let mut stream = tokio::net::TcpStream::connect(app.addr).await.unwrap();
        stream.write_all(sent.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        let answer = &answer[answer.rfind("HTTP/1.1 ").unwrap()..];
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{sent:.40}: {head}");
        assert!(head.contains("\r\nx-request-id: req_"), "{head}");
        assert!(head.contains(&format!("\r\ncontent-length: {}\r\n", body.len())), "{head}");
        let body: Value = serde_json::from_str(body).unwrap();
        assert_eq!(body["error"]["type"], "invalid_request_error");
        assert_eq!(body["error"]["code"], code);
    }
}
