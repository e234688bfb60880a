//! What the providers accepted, held against the ledger: rules i, iii, iv, v and vi of the fault list.

use std::collections::{BTreeMap, BTreeSet};

use crate::support::fake_slack::{FakeSlack, Post};
use crate::support::fake_smtp::FakeSmtp;
use crate::support::service::{Running, Service};

/// Most memory that a process may take up, in bytes.
const MOST_MEMORY: u64 = 200 * 1024 * 1024;

/// After a run: what is sent has arrived, nothing arrived twice without a doubt that explains it and never three times, nothing is stuck
/// in anybody's hands, and nothing that a test key caused reached a provider. Answers with how many messages arrived.
pub(crate) async fn check(
    service: &Service,
    relay: Option<&FakeSmtp>,
    slack: Option<&FakeSlack>,
) -> usize {
    let mut arrived: BTreeMap<String, usize> = BTreeMap::new();
    let mails = relay.map(FakeSmtp::accepted).unwrap_or_default();
    let posts = slack.map(FakeSlack::posted).unwrap_or_default();
    let ids = mails.iter().map(|m| m.notification_id.clone());
    for id in ids.chain(posts.iter().map(Post::notification_id)) {
        *arrived.entry(id).or_default() += 1;
    }
    let rows = service.db.rows("SELECT id, mode, state, lease_owner FROM notifications").await;
    let doubts: BTreeSet<String> = service
        .db
        .rows("SELECT notification_id AS id FROM attempts WHERE outcome = 'ambiguous'")
        .await
        .iter()
        .map(|row| row["id"].as_str().unwrap().to_owned())
        .collect();
    let mut known = BTreeSet::new();
    for row in &rows {
        let id = row["id"].as_str().unwrap();
        let copies = arrived.get(id).copied().unwrap_or_default();
        if row["mode"] == "test" {
            assert_eq!(copies, 0, "{row} reached a provider");
        } else if row["state"] == "sent" {
            assert!(copies > 0, "{row} did not arrive");
        }
        let most = if doubts.contains(id) { 2 } else { 1 };
        assert!(copies <= most, "{row} arrived {copies} times, {most} can be explained");
        assert!(row["state"] != "sending" && row["lease_owner"].is_null(), "{row} is stuck");
        known.insert(id);
    }
    for id in arrived.keys() {
        assert!(known.contains(id.as_str()), "{id} arrived and is in no ledger");
    }
    arrived.values().sum()
}

/// The process is alive and small.
pub(crate) fn is_well(process: &Running) {
    let pid = process.child.id().expect("it runs");
    let statm = std::fs::read_to_string(format!("/proc/{pid}/statm")).expect("it is alive");
    let pages: u64 = statm.split(' ').nth(1).unwrap().parse().unwrap();
    assert!(pages * 4096 < MOST_MEMORY, "{} MB", pages * 4096 / 1024 / 1024);
}
