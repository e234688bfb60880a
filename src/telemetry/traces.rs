//! OpenTelemetry traces: from a write over the API through the pass to the provider. Off unless an endpoint is set.
//!
//! A trace context travels as a W3C `traceparent` text in the database: the request's with the onboarding that it wrote, the pass's with
//! the notification. Spans carry ids and outcomes, never names, addresses or words of messages.

use std::sync::OnceLock;
use std::time::Duration;

use opentelemetry::propagation::TextMapPropagator;
use opentelemetry::trace::{TraceContextExt, TracerProvider};
use opentelemetry::{Context, KeyValue};
use opentelemetry_http::HttpClient;
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider};
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;

/// How long the collector may take to answer.
const PATIENCE: Duration = Duration::from_secs(3);

static PROVIDER: OnceLock<SdkTracerProvider> = OnceLock::new();

/// Begins to export spans to `endpoint` (`http://host:4318`, OTLP over HTTP) through `client`; answers with the tracer that spans go to.
///
/// # Errors
/// The endpoint is none.
pub fn start(endpoint: &str, client: impl HttpClient + 'static) -> Result<SdkTracer, String> {
    let exporter = SpanExporter::builder()
        .with_http()
        .with_http_client(client)
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(format!("{}/v1/traces", endpoint.trim_end_matches('/')))
        .with_timeout(PATIENCE)
        .build()
        .map_err(|error| error.to_string())?;
    let resource = Resource::builder()
        .with_service_name("pivotal-reminders")
        .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
        .build();
    let provider =
        SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource).build();
    let tracer = provider.tracer("pivotal-reminders");
    // A second start in one process (tests) keeps the first.
    let _ = PROVIDER.set(provider);
    Ok(tracer)
}

/// Whether spans are exported. Nothing is read or written for traces where they are not.
#[must_use]
pub fn on() -> bool {
    PROVIDER.get().is_some()
}

/// Exports what has ended; for the end of a process.
pub fn stop() {
    if let Some(provider) = PROVIDER.get()
        && let Err(error) = provider.shutdown()
    {
        tracing::debug!(%error, "the last spans were not exported");
    }
}

/// The current span as a `traceparent`, for others to refer to.
#[must_use]
pub fn current() -> Option<String> {
    if !on() {
        return None;
    }
    let mut carrier = std::collections::HashMap::new();
    TraceContextPropagator::new().inject_context(&Span::current().context(), &mut carrier);
    carrier.remove("traceparent")
}

/// Makes `span` a part of the trace that the `traceparent` names.
pub fn continue_from(span: &Span, traceparent: &str) {
    if let Some(context) = read(traceparent) {
        // A span that is not recorded has no place in a trace.
        let _ = span.set_parent(context);
    }
}

/// Says that `span` has to do with the one that the `traceparent` names.
pub fn link(span: &Span, traceparent: &str) {
    if let Some(context) = read(traceparent) {
        span.add_link(context.span().span_context().clone());
    }
}

fn read(traceparent: &str) -> Option<Context> {
    let carrier =
        std::collections::HashMap::from([("traceparent".to_owned(), traceparent.to_owned())]);
    let context = TraceContextPropagator::new().extract(&carrier);
    context.span().span_context().is_valid().then_some(context)
}
