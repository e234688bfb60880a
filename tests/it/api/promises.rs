//! What conventions.md promises in passing, each sentence of it with a request that once broke it.

use pivotal_reminders::api::reference::operations;
use reqwest::Method;
use rstest::rstest;
use serde_json::{Value, json};

use crate::support::app::{Answer, TestApp};
use crate::support::db::Backend;

/// POST of a body as it stands.
async fn post_raw(app: &TestApp, path: &str, body: String) -> Answer {
    let request = app
        .request(Method::POST, path)
        .bearer_auth(&app.live)
        .header("content-type", "application/json")
        .body(body);
    app.send(request).await
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn whatever_has_no_limit_is_stored_byte_for_byte(#[case] backend: Backend) {
    let app = TestApp::new(backend).await;
    let long = "x".repeat(5_000);
    let slug = format!("a-{}", "b".repeat(10_000));
    let fields = json!({
        "name": " ", "slug": slug, "domain": "A_b.Example.", "plan": long, "mrr": i64::MAX, "hubspot_company_id": "",
        "hubspot_deal_id": "\r\n\u{1b}", "slack_channel_id": "\u{1f680}"
    });
    let created = app.post("/customers", fields.clone()).await.ok(201);
    for (key, value) in fields.as_object().unwrap() {
        assert_eq!(&created[key], value, "{key}");
    }
    let again = app.post("/customers", json!({ "name": "Again", "slug": slug })).await;
    assert_eq!(again.error(), "409 conflict slug_taken slug");
    let next = format!("{slug}c");
    app.post("/customers", json!({ "name": "Next", "slug": next })).await.ok(201);
    let found = app.get(&format!("/customers?slug={slug}")).await.ok(200);
    assert_eq!(found["data"][0]["id"], created["id"]);
    assert_eq!(app.patch("/customers/1", json!({ "domain": "" })).await.ok(200)["domain"], "");

    let labels: Vec<String> = (0..150).map(|n| n.to_string()).chain([String::new()]).collect();
    let contact = json!({ "name": "A", "email": "-a@b.example", "labels": labels });
    let contact = app.post("/customers/1/contacts", contact).await.ok(201);
    assert_eq!(contact["labels"], json!(labels));
    assert_eq!(contact["email"], "-a@b.example");
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn notes_keep_the_line_ends_of_browsers(#[case] backend: Backend) {
    let app = TestApp::new(backend).await;
    app.post("/customers", json!({ "name": "Halden Freight" })).await.ok(201);
    let notes = "Asked twice.\r\n\r\n\tNo answer.\r\n";
    let made = json!({ "customer_id": "1", "notes": notes });
    assert_eq!(app.post("/onboardings", made).await.ok(201)["notes"], notes);
    let patched = app.patch("/onboardings/1", json!({ "notes": "\r\n", "reason": notes })).await;
    assert_eq!(patched.ok(200)["notes"], "\r\n");
    let lone = app.patch("/onboardings/1", json!({ "notes": "a\rb" })).await;
    assert_eq!(lone.error(), "400 invalid_request_error invalid_string notes");
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn a_path_that_names_nothing_comes_before_whatever_else_is_wrong(#[case] backend: Backend) {
    let app = TestApp::new(backend).await;
    let mut looked = 0;
    for op in operations().filter(|op| op.path.contains('{')) {
        let (start, end) = (op.path.find('{').unwrap(), op.path.find('}').unwrap() + 1);
        for absent in ["987654", "zzz_nothing"] {
            let path = format!("{}{absent}{}", &op.path[..start], &op.path[end..]);
            let bodies: &[&str] =
                if op.body.is_some() { &["{\"a\":", "[1]", "{\"name\":1}"] } else { &[""] };
            for body in bodies {
                let path = format!("{path}?limit=0&cursor=x&at=x");
                let method = op.method.to_uppercase().parse().unwrap();
                let request = app.request(method, &path).bearer_auth(&app.live);
                let request = request.header("content-type", "application/json");
                let answer = app.send(request.body((*body).to_owned())).await;
                assert_eq!(answer.status, 404, "{} {absent} {body}: {}", op.id, answer.text);
                looked += 1;
            }
        }
    }
    assert!(looked > 40, "{looked}");
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn a_user_who_is_nobody_is_not_found_whatever_the_name(#[case] backend: Backend) {
    let app = TestApp::new(backend).await;
    let customer = app.customer("Acme").await;
    app.onboarding(&customer, json!({})).await;
    for name in ["", " ", "\0", "nobody", "%00", "0", &"9".repeat(30), &"x".repeat(3_000)] {
        for field in ["csm_id", "se_id", "designer_id", "product_ops_id"] {
            let wanted = format!("400 invalid_request_error user_not_found {field}");
            let body = json!({ "customer_id": "1", field: name });
            assert_eq!(app.post("/onboardings", body).await.error(), wanted, "{name:?}");
            let patched = app.patch("/onboardings/1", json!({ field: name })).await;
            assert_eq!(patched.error(), wanted, "{name:?}");
        }
    }
    for customer in ["\0", " ", "x y", &"x".repeat(3_000)] {
        let answer = app.post("/onboardings", json!({ "customer_id": customer })).await;
        assert_eq!(answer.error(), "404 not_found customer_not_found", "{customer:?}");
    }
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn unknown_keys_are_ignored_however_they_look(#[case] backend: Backend) {
    let app = TestApp::new(backend).await;
    let deep = format!("{}{}", "[".repeat(100), "]".repeat(100));
    let body = format!(r#"{{"name":"A","x":1,"x":{deep},"y":1e400,"z":"\ud800"}}"#);
    post_raw(&app, "/customers", body).await.ok(201);
    let repeated = post_raw(&app, "/customers", r#"{"name":"A","name":"B"}"#.to_owned()).await;
    assert_eq!(repeated.error(), "400 invalid_request_error custom name");
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn metadata_comes_back_as_it_was_sent(#[case] backend: Backend) {
    let app = TestApp::new(backend).await;
    let kept = r#"{ "big": 123456789012345678901234567890, "e": 1e2, "z": 1.50, "s": "\u00e9\/" }"#;
    let body = format!(r#"{{"name":"A","metadata":{kept}}}"#);
    let created = post_raw(&app, "/customers", body).await;
    assert!(created.text.ends_with(&format!("\"metadata\":{kept}}}")), "{}", created.text);
    assert_eq!(app.get("/customers/1").await.text, created.text);
    let twice =
        post_raw(&app, "/customers", r#"{"name":"A","metadata":{"a":{"b":1,"b":2}}}"#.to_owned());
    assert_eq!(twice.await.error(), "400 invalid_request_error custom metadata");
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn of_two_faults_the_first_in_the_schema_is_said_also_if_it_is_a_reference(
    #[case] backend: Backend,
) {
    let app = TestApp::new(backend).await;
    let customer = app.customer("Acme").await;
    app.onboarding(&customer, json!({})).await;
    for (body, error) in [
        (json!({ "customer_id": "nope", "phase": "bad" }), "404 not_found customer_not_found"),
        (
            json!({ "customer_id": "1", "template_id": "x", "phase": "bad" }),
            "400 invalid_request_error template_not_found template_id",
        ),
        (
            json!({ "customer_id": "1", "csm_id": "x", "notes": 1 }),
            "400 invalid_request_error user_not_found csm_id",
        ),
        (
            json!({ "customer_id": "1", "csm_id": "x", "phase": "bad" }),
            "400 invalid_request_error invalid_enum_value phase",
        ),
    ] {
        assert_eq!(app.post("/onboardings", body).await.error(), error);
    }
    let taken = app.post("/customers", json!({ "name": "B", "slug": "acme", "mrr": -1 })).await;
    assert_eq!(taken.error(), "409 conflict slug_taken slug");
    let patch = json!({ "template_id": "x", "phase": "bad" });
    let answer = app.patch("/onboardings/1", patch).await;
    assert_eq!(answer.error(), "400 invalid_request_error template_not_found template_id");
    app.patch("/onboardings/1", json!({ "template_id": null })).await.ok(200);
    let answer = app.patch("/onboardings/1", json!({ "template_id": 1 })).await;
    assert_eq!(answer.error(), "400 invalid_request_error invalid_type template_id");
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn a_key_is_reused_whatever_the_other_body_and_however_the_path_names_the_row(
    #[case] backend: Backend,
) {
    let app = TestApp::new(backend).await;
    let customer = app.customer("Acme").await;
    let send = async |path: &str, body: &str| {
        let request = app
            .request(Method::POST, path)
            .bearer_auth(&app.live)
            .header("content-type", "application/json")
            .header("idempotency-key", "k1")
            .body(body.to_owned());
        app.send(request).await
    };
    let ann = r#"{"name":"Ann","email":"ann@acme.example"}"#;
    let by_id = format!("/customers/{}/contacts", customer["id"].as_str().unwrap());
    let first = send(&by_id, ann).await;
    first.ok(201);
    for path in ["/customers/1/contacts", "/customers/01/contacts", "/customers/%31/contacts"] {
        let again = send(path, ann).await;
        assert_eq!(again.header("idempotency-replay"), "true", "{path}: {}", again.text);
        assert_eq!(again.text, first.text);
        for other in ["{}", "[]", "{", r#"{"name":"Bob","email":"bob@acme.example"}"#] {
            assert_eq!(send(path, other).await.error(), "409 conflict idempotency_key_reused");
        }
    }
    app.delete("/customers/1").await.ok(200);
    assert_eq!(send(&by_id, ann).await.text, first.text);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn a_workspace_without_a_chosen_owner_has_its_first_active_user(#[case] backend: Backend) {
    let app = TestApp::new(backend).await;
    let set = async |owner: Value| {
        let patch = json!({ "owner_user_id": owner });
        app.patch("/workspace", patch).await.ok(200)["owner_user_id"].clone()
    };
    assert_eq!(set(json!("2")).await, app.csm.id);
    assert_eq!(set(Value::Null).await, app.owner.id);
    app.delete("/users/1").await.ok(200);
    assert_eq!(set(Value::Null).await, app.csm.id);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn a_filter_that_nothing_can_equal_finds_nothing(#[case] backend: Backend) {
    let app = TestApp::new(backend).await;
    let customer = app.customer("Acme").await;
    app.onboarding(&customer, json!({})).await;
    for path in ["/onboardings?customer_id=%00", "/customers?slug=%00", "/audit_log?actor=%00"] {
        assert_eq!(app.get(path).await.ok(200)["data"], json!([]), "{path}");
    }
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn a_calendar_that_cannot_be_taken_is_refused_by_name(#[case] backend: Backend) {
    let app = TestApp::new(backend).await;
    for (lines, error) in [
        ("DTSTART;VALUE=DATE:20261299", "invalid_string DTSTART"),
        ("DTSTART:20270101T090000Z\r\nDTEND:20270101T100000Z", "custom DTSTART"),
        ("DTSTART;VALUE=DATE:20261225\r\nDTEND;VALUE=DATE:soon", "invalid_string DTEND"),
    ] {
        let file = format!(
            "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTAMP:20260101T000000Z\r\n{lines}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
        );
        let request = app
            .request(Method::POST, "/workspace/holidays")
            .bearer_auth(&app.live)
            .header("content-type", "text/calendar")
            .body(file);
        assert_eq!(app.send(request).await.error(), format!("400 invalid_request_error {error}"));
    }
    assert_eq!(app.get("/workspace").await.ok(200)["holidays"], json!([]));
}

#[tokio::test]
async fn every_answer_has_a_request_id_and_large_ones_are_compressed_for_who_asks() {
    let app = TestApp::new(Backend::Sqlite).await;
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let fetch = async |path: &str, encoding: &str| {
        let url = format!("http://{}{path}", app.addr);
        let request = client.get(url).header("accept-encoding", encoding);
        request.header("x-request-id", "mine").send().await.unwrap()
    };
    for path in ["/healthz", "/readyz", "/docs", "/openapi.json", "/llms.txt", "/nothing"] {
        assert_eq!(fetch(path, "identity").await.headers()["x-request-id"], "mine", "{path}");
    }
    let plain = fetch("/openapi.json", "identity").await;
    assert!(!plain.headers().contains_key("content-encoding"));
    let small = fetch("/healthz", "gzip").await;
    assert!(!small.headers().contains_key("content-encoding"));
    let packed = fetch("/openapi.json", "gzip").await;
    assert_eq!(packed.headers()["content-encoding"], "gzip");
    assert_eq!(packed.headers()["vary"], "accept-encoding");
    let (plain, packed) = (plain.bytes().await.unwrap(), packed.bytes().await.unwrap());
    assert!(packed.starts_with(&[0x1f, 0x8b]) && packed.len() < plain.len() / 4);
}

#[tokio::test]
async fn who_asks_before_sending_too_much_is_told_at_once() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let app = TestApp::new(Backend::Sqlite).await;
    let mut stream = tokio::net::TcpStream::connect(app.addr).await.unwrap();
    let head = format!(
        "POST /api/v1/customers HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\nContent-Length: 3000000\r\nExpect: 100-continue\r\n\r\n",
        app.live
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    assert!(answer.contains("body_too_large"), "{answer}");
}
