//! Addresses that were refused, and how they are tried again.

use pivotal_reminders::domain::values::Channel;
use pivotal_reminders::operate::addresses::{clear, list};
use pivotal_reminders::operate::notifications::Because;
use pivotal_reminders::store::audit::Author;
use rstest::rstest;
use serde_json::json;

use super::{Act, act, only, test_key};
use crate::support::db::Backend;
use crate::support::fake_smtp::{At, Do, Script};
use crate::support::stage::Stage;

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn a_refused_address_is_listed_until_it_is_cleared_and_then_tried_again(
    #[case] backend: Backend,
) {
    let stage = Stage::mail_only(backend).await;
    stage.onboard("Halden Freight", json!({})).await;
    stage.relay.set_script(Script::new().on(At::Rcpt, Do::reply("550 5.1.1 no such user")));
    stage.pass("2026-06-02T07:00:00Z").await;
    let digest = only(&stage).await;
    stage.relay.set_script(Script::new());
    stage.at("2026-06-02T08:00:00Z");
    insta::assert_snapshot!(act(&stage, Act::Retry, &digest).await.unwrap_err(), @"the recipient's mail address was refused on 2026-06-02T07:00:00Z; correct or clear it first");

    let (workspace, carl, now) = (&stage.app.workspace.id, &stage.app.csm.id, stage.app.now());
    let mut conn = stage.app.db().begin().await.unwrap();
    let flagged = list(&mut conn, workspace).await.unwrap();
    assert_eq!(flagged.len(), 1);
    assert_eq!(
        (flagged[0].id.as_str(), flagged[0].address.as_str()),
        (carl.as_str(), "carl@acme.example")
    );
    let operator = Author::operator("op_1", "Ada");
    let why = Because { author: &operator, reason: "the mailbox is back" };
    for (author, channel, refusal) in [
        (test_key(), Channel::Email, "a test key cannot have live messages sent to an address"),
        (operator.clone(), Channel::Slack, "their address on slack is not refused"),
    ] {
        let because = Because { author: &author, ..why };
        let refused = clear(&mut conn, because, workspace, carl, channel, now).await;
        assert_eq!(refused.unwrap_err().to_string(), refusal);
    }
    clear(&mut conn, why, workspace, carl, Channel::Email, now).await.unwrap();
    conn.commit().await.unwrap();
    act(&stage, Act::Retry, &digest).await.unwrap();
    stage.drain("2026-06-02T08:00:00Z").await;
    assert_eq!(stage.relay.accepted().len(), 1);
    let audit = stage.service.db.rows("SELECT event, object_id, reason FROM audit_log WHERE event LIKE 'address%' ORDER BY created_at").await;
    assert_eq!(
        audit,
        [
            json!({ "event": "address_refused", "object_id": carl, "reason": null }),
            json!({ "event": "address_cleared", "object_id": carl, "reason": "the mailbox is back" }),
        ]
    );
}
