//! One integration binary: everything is tested through the front door.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on ends there")]

mod api;
mod architecture;
mod cli;
mod console;
mod deliver;
mod faults;
mod flow;
mod forecast;
mod links;
mod messages;
mod operate;
mod processes;
mod render;
mod rules;
mod schedule;
mod schema;
mod slack;
mod statements;
mod support;
mod telemetry;
mod templates;
