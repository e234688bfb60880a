//! OpenTelemetry: a request, the pass that it led to and the delivery hang together.

use std::sync::{Arc, Mutex};

use axum::body::Bytes;
use axum::routing::post;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use rstest::rstest;
use serde_json::json;

use crate::support::crowd::{due_now, mail_service, wait_for};
use crate::support::db::Backend;
use crate::support::fake_smtp::{FakeSmtp, Script};

/// A collector that takes OTLP over HTTP.
struct Collector {
    url: String,
    spans: Arc<Mutex<Vec<Span>>>,
    bytes: Arc<Mutex<Vec<u8>>>,
}

impl Collector {
    async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (spans, bytes) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new(Vec::new())));
        let (kept, raw) = (Arc::clone(&spans), Arc::clone(&bytes));
        let take = move |body: Bytes| {
            raw.lock().unwrap().extend_from_slice(&body);
            let export = ExportTraceServiceRequest::decode(body).unwrap();
            for resource in export.resource_spans {
                for scope in resource.scope_spans {
                    kept.lock().unwrap().extend(scope.spans);
                }
            }
            std::future::ready(())
        };
        let router = axum::Router::new().route("/v1/traces", post(take));
        tokio::spawn(async { axum::serve(listener, router).await.unwrap() });
        Self { url, spans, bytes }
    }

    fn named(&self, name: &str) -> Span {
        let spans = self.spans.lock().unwrap();
        let names: Vec<&str> = spans.iter().map(|span| span.name.as_str()).collect();
        spans.iter().find(|s| s.name == name).cloned().unwrap_or_else(|| panic!("{names:?}"))
    }
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn a_send_is_linked_to_its_pass_and_to_the_request_that_wrote_its_onboarding(
    #[case] backend: Backend,
) {
    const CALLER: &str = "0af7651916cd43dd8448eb211c80319c";
    let relay = FakeSmtp::start(Script::new()).await;
    let mut service = mail_service(backend, &relay).await;
    due_now(&service, 1).await;
    let key = service.key("live").await;
    let collector = Collector::start().await;
    service.set("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.url);
    let (api, address) = service.api().await;
    let request = reqwest::Client::new()
        .patch(format!("http://{address}/api/v1/onboardings/1"))
        .bearer_auth(&key)
        .header("traceparent", format!("00-{CALLER}-b7ad6b7169203331-01"))
        .json(&json!({ "notes": "canary-note" }));
    assert_eq!(request.send().await.unwrap().status(), 200);
    api.signal("TERM").await;
    assert_eq!(api.end().await, 0);
    let rest = service.spawn(&["serve", "--role", "scheduler,worker"]);
    wait_for(&service, "state = 'sent'", 1).await;
    rest.signal("TERM").await;
    assert_eq!(rest.end().await, 0);

    let (request, pass) = (collector.named("request"), collector.named("pass"));
    let (deliver, send) = (collector.named("deliver"), collector.named("send"));
    let caller: Vec<u8> =
        (0..16).map(|i| u8::from_str_radix(&CALLER[2 * i..2 * i + 2], 16).unwrap()).collect();
    assert_eq!(request.trace_id, caller, "the request goes on with its caller's trace");
    assert_eq!(pass.links[0].span_id, request.span_id, "the pass knows what it follows from");
    assert_eq!((&deliver.trace_id, &deliver.parent_span_id), (&pass.trace_id, &pass.span_id));
    assert_eq!(deliver.links[0].span_id, request.span_id);
    assert_eq!(send.parent_span_id, deliver.span_id);
    let outcome = deliver.attributes.iter().find(|a| a.key == "outcome").cloned();
    assert!(format!("{outcome:?}").contains("accepted"), "{outcome:?}");
    let bytes = collector.bytes.lock().unwrap();
    let text = String::from_utf8_lossy(&bytes);
    for secret in ["canary-note", "maren@", "tally.test", "Halden", key.as_str()] {
        assert!(!text.contains(secret), "{secret} was exported");
    }
}

#[tokio::test]
async fn without_an_endpoint_nothing_is_kept_and_a_wrong_one_is_named() {
    let relay = FakeSmtp::start(Script::new()).await;
    let mut service = mail_service(Backend::Sqlite, &relay).await;
    due_now(&service, 1).await;
    let _process = service.spawn(&["serve"]);
    wait_for(&service, "state = 'sent' AND trace IS NULL", 1).await;
    service.set("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4317");
    let said = service.run(&["serve"]).await;
    assert_eq!(said.code, 1);
    assert!(said.stderr.contains("OTEL_EXPORTER_OTLP_ENDPOINT"), "{}", said.stderr);
}

#[tokio::test]
async fn a_collector_that_is_gone_delays_nobody() {
    let relay = FakeSmtp::start(Script::new()).await;
    let mut service = mail_service(Backend::Sqlite, &relay).await;
    service.set("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9");
    due_now(&service, 3).await;
    let process = service.spawn(&["serve"]);
    wait_for(&service, "state = 'sent'", 3).await;
    process.signal("TERM").await;
    assert_eq!(process.end().await, 0);
}
