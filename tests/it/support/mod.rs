//! What the tests share.

pub(crate) mod app;
pub(crate) mod crowd;
pub(crate) mod db;
pub(crate) mod fake_slack;
pub(crate) mod fake_smtp;
pub(crate) mod proxy;
pub(crate) mod service;
pub(crate) mod sql;
pub(crate) mod stage;

use std::time::Duration;

/// Waits until `condition` holds.
pub(crate) async fn eventually(deadline: Duration, mut condition: impl FnMut() -> bool) {
    eventually_so(deadline, async || condition()).await;
}

/// Waits until `condition` holds. The only place where a test polls, so that no test sleeps.
pub(crate) async fn eventually_so(deadline: Duration, mut condition: impl AsyncFnMut() -> bool) {
    let end = tokio::time::Instant::now() + deadline;
    while !condition().await {
        assert!(
            tokio::time::Instant::now() < end,
            "the condition did not hold within {deadline:?}"
        );
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
