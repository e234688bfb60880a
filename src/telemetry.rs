//! Logs. Libraries that would log what must not be logged (mail bodies, AUTH, tokens) are held at `info`, whatever the level.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::config::Log;

/// Starts logging to standard error.
pub fn start(log: &Log) {
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
    let registry = tracing_subscriber::registry().with(filter);
    // Colours are for a terminal; a file keeps its text searchable.
    let lines = tracing_subscriber::fmt::layer()
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    // A second start in one process (tests) keeps the first subscriber.
    let _ = if log.format == "json" {
        registry.with(lines.json().flatten_event(true)).try_init()
    } else {
        registry.with(lines.compact().with_target(false)).try_init()
    };
}
