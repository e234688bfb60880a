//! What the service tells of itself: logs here, figures in [`metrics`], traces in [`traces`].
//!
//! Libraries that would log what must not be logged (mail bodies, AUTH, tokens) are held at `info`, whatever the level.

pub mod metrics;
pub mod traces;

use std::io::IsTerminal;

use opentelemetry_sdk::trace::SdkTracer;
use tracing_subscriber::filter::dynamic_filter_fn;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

use crate::config::Log;

/// Starts logging to standard error, and sends spans to `tracer`, if there is one.
pub fn start(log: &Log, tracer: Option<SdkTracer>) {
    let mut filter = EnvFilter::builder().parse_lossy(&log.level);
    // sqlx reports every statement at info when asked for slow ones; apalis tells its own story at debug.
    for held in [
        "lettre=info",
        "slack_morphism=info",
        "hyper=info",
        "sqlx=warn",
        "apalis=warn",
        "apalis_core=warn",
        "h2=info",
        "rustls=info",
    ] {
        if let Ok(directive) = held.parse() {
            filter = filter.add_directive(directive);
        }
    }
    // Only our own spans, whatever the level of the log; events may carry a provider's words. Asked for every span: where the answer is
    // kept per place in the code, somebody's `enabled!` on the same thread (sqlx on PostgreSQL) leaves its own answer for the next span.
    let spans = tracer.map(|tracer| {
        let ours = dynamic_filter_fn(|meta, _| {
            meta.is_span() && meta.target().starts_with("pivotal_reminders")
        });
        tracing_opentelemetry::layer().with_tracer(tracer).with_location(false).with_filter(ours)
    });
    let registry = tracing_subscriber::registry().with(spans);
    // Colours are for a terminal; a file keeps its text searchable.
    let lines = tracing_subscriber::fmt::layer()
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    // A second start in one process (tests) keeps the first subscriber.
    let _ = if log.format == "json" {
        registry.with(lines.json().flatten_event(true).with_filter(filter)).try_init()
    } else {
        registry.with(lines.compact().with_target(false).with_filter(filter)).try_init()
    };
}
