//! One integration binary: everything is tested through the front door.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod api;
mod support;
