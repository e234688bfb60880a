//! One action on everything that matches a filter.

use pivotal_reminders::domain::values::{BulkAction, BulkState, NotificationState};
use pivotal_reminders::operate::ActionError;
use pivotal_reminders::operate::bulk::{self, Operation, Wanted};
use pivotal_reminders::operate::notifications::Because;
use pivotal_reminders::store::audit::Author;
use rstest::rstest;
use serde_json::json;

use super::{deeds, test_key};
use crate::support::db::Backend;
use crate::support::fake_smtp::{At, Do, Script};
use crate::support::stage::Stage;

fn ada() -> Author {
    Author::operator("op_1", "Ada")
}

/// What is done.
enum Deed {
    Plan(BulkAction, Wanted),
    Apply(Operation),
    Undo(Operation),
}

/// Does it at the stage's time; answers with the operation, or the refusal in words.
async fn act(stage: &Stage, author: &Author, deed: Deed) -> Result<Operation, String> {
    let because = Because { author, reason: "the relay was down" };
    let (workspace, now) = (&stage.app.workspace.id, stage.app.now());
    let mut conn = stage.app.db().begin().await.unwrap();
    let done = match deed {
        Deed::Plan(action, wanted) => {
            bulk::plan(&mut conn, because, workspace, action, &wanted, now).await
        }
        Deed::Apply(o) => bulk::apply(&mut conn, because, workspace, &o.id, &o.hash, now).await,
        Deed::Undo(o) => bulk::undo(&mut conn, because, workspace, &o.id, now).await,
    };
    match done {
        Ok(operation) => {
            conn.commit().await.unwrap();
            Ok(operation)
        }
        Err(ActionError::Db(error)) => panic!("{error}"),
        Err(refusal) => Err(refusal.to_string()),
    }
}

/// What workers do until nothing is left to do.
async fn work(stage: &Stage) {
    while bulk::step(stage.app.db(), stage.app.now()).await.unwrap() {}
}

async fn seen(stage: &Stage, id: &str) -> Operation {
    let mut conn = stage.app.db().read().await.unwrap();
    let now = stage.app.now();
    bulk::show(&mut conn, &stage.app.workspace.id, id, now).await.unwrap().unwrap()
}

fn failed() -> Wanted {
    Wanted { state: Some(NotificationState::Failed), ..Wanted::default() }
}

/// A mail and a Slack digest of Tuesday, 2 June; the mail was refused for what it says.
async fn with_a_failed_mail(backend: Backend) -> Stage {
    let stage = Stage::new(backend).await;
    stage.onboard("Halden Freight", json!({})).await;
    stage.onboard("Osterby Clinics", json!({ "reminder_email": false })).await;
    let refusal = Do::reply("554 5.7.1 refused for its content");
    stage.relay.set_script(Script::new().on(At::Dot, refusal));
    stage.pass("2026-06-02T07:00:00Z").await;
    stage.relay.set_script(Script::new());
    stage.at("2026-06-02T08:00:00Z");
    stage
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn taken_back_says_on_each_surface_what_had_gone_out_and_why_it_was_taken_back(
    #[case] backend: Backend,
) {
    let stage = Stage::new(backend).await;
    stage.onboard("Halden Freight", json!({})).await;
    stage.onboard("Osterby Clinics", json!({ "reminder_email": false })).await;
    stage.pass("2026-06-02T07:00:00Z").await;
    stage.at("2026-06-02T08:00:00Z");
    let sent = Wanted { state: Some(NotificationState::Sent), ..Wanted::default() };
    let planned = act(&stage, &ada(), Deed::Plan(BulkAction::Resend, sent)).await.unwrap();
    act(&stage, &ada(), Deed::Apply(planned.clone())).await.unwrap();
    work(&stage).await;
    // The mail goes out before it is taken back, the Slack message does not.
    stage.sql("INSERT INTO queue_pauses (queue, workspace_id, paused_by, reason, since) VALUES ('slack', '', 'Ada', 'x', '2026-06-02T08:00:00+00:00')").await;
    stage.drain("2026-06-02T08:00:00Z").await;
    let path = format!("/bulk_operations/{}", planned.id);
    stage.app.post(&format!("{path}/undo"), json!({ "reason": "a mistake" })).await.ok(200);
    work(&stage).await;
    let undone = stage.app.get(&path).await.ok(200);
    let figures = ["state", "done", "undone", "kept", "refused"].map(|key| undone[key].to_string());
    assert_eq!(figures, ["\"undone\"", "2", "1", "1", "0"]);
    assert_eq!(undone["conflicts"][0]["reason"], "it has ended already, as sent", "{undone}");
    let said = stage.service.ok(&["bulk", "show", "--workspace", "acme", &planned.id]).await.stdout;
    assert!(said.contains("1 taken back, 1 had gone out or changed, 0 refused"), "{said}");
    assert!(said.contains("  digest to Carl Csm about Osterby Clinics #2"), "{said}");
    let log = stage.app.get("/audit_log?event=notification_cancelled").await.ok(200);
    let entry = &log["data"][0];
    assert_eq!(
        (&entry["reason"], &entry["actor"]["type"]),
        (&json!("a mistake"), &json!("api_key"))
    );
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn what_failed_is_planned_retried_and_taken_back_before_it_is_sent(#[case] backend: Backend) {
    let stage = with_a_failed_mail(backend).await;
    let before = stage.ledger().await;
    let planned = act(&stage, &ada(), Deed::Plan(BulkAction::Retry, failed())).await.unwrap();
    assert_eq!((planned.count, planned.conflict_count), (1, 0));
    assert_eq!(stage.ledger().await, before, "a plan does nothing");
    let mut wrong = planned.clone();
    wrong.hash = "0".repeat(64);
    assert_eq!(
        act(&stage, &ada(), Deed::Apply(wrong)).await.unwrap_err(),
        "the hash is not that of the plan; look at the plan again"
    );
    act(&stage, &ada(), Deed::Apply(planned.clone())).await.unwrap();
    assert_eq!(seen(&stage, &planned.id).await.state, BulkState::Applying);
    work(&stage).await;
    let applied = seen(&stage, &planned.id).await;
    assert_eq!((applied.state, applied.done, applied.refused), (BulkState::Applied, 1, 0));
    assert!(stage.ledger().await.contains("email to Carl: scheduled"));
    assert_eq!(
        act(&stage, &ada(), Deed::Apply(planned.clone())).await.unwrap_err(),
        "it was applied already"
    );
    act(&stage, &ada(), Deed::Undo(planned.clone())).await.unwrap();
    work(&stage).await;
    assert_eq!(seen(&stage, &planned.id).await.state, BulkState::Undone);
    assert_eq!(stage.ledger().await, before, "it is as it was");
    assert_eq!(
        act(&stage, &ada(), Deed::Undo(planned)).await.unwrap_err(),
        "it was taken back already"
    );
    let deeds = deeds(&stage).await;
    for event in [
        "bulk_operation bulk_planned by Ada: the relay was down",
        "bulk_operation bulk_applied by Ada: the relay was down",
        "notification notification_retried by Ada: the relay was down",
        "bulk_operation bulk_undone by Ada: the relay was down",
        "notification notification_restored by Ada: the relay was down",
    ] {
        assert!(deeds.contains(event), "{event}: {deeds}");
    }
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn what_was_sent_meanwhile_stays_sent_when_the_rest_is_taken_back(#[case] backend: Backend) {
    let stage = with_a_failed_mail(backend).await;
    let planned = act(&stage, &ada(), Deed::Plan(BulkAction::Retry, failed())).await.unwrap();
    act(&stage, &ada(), Deed::Apply(planned.clone())).await.unwrap();
    work(&stage).await;
    stage.drain("2026-06-02T08:00:00Z").await;
    assert_eq!(stage.relay.accepted().len(), 1);
    act(&stage, &ada(), Deed::Undo(planned.clone())).await.unwrap();
    work(&stage).await;
    assert!(stage.ledger().await.contains("email to Carl: sent"));
    let item = stage.service.db.rows("SELECT result, words FROM bulk_items").await;
    assert_eq!(
        item,
        [json!({ "result": "kept", "words": "a worker has had it since; it is sent" })]
    );
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn cancelled_messages_come_back_with_their_reminders(#[case] backend: Backend) {
    let stage = Stage::new(backend).await;
    for n in 0..3 {
        stage.onboard(&format!("Customer {n}"), json!({})).await;
    }
    stage.scan("2026-06-02T07:00:00Z").await;
    stage.at("2026-06-02T07:00:00Z");
    let wanted = Wanted { q: Some("customer 1".to_owned()), ..Wanted::default() };
    let planned = act(&stage, &ada(), Deed::Plan(BulkAction::Cancel, wanted)).await.unwrap();
    assert_eq!(planned.count, 1);
    let rows = stage.service.db.rows("SELECT state FROM notifications").await;
    assert_eq!(rows, [json!({ "state": "scheduled" })]);
    act(&stage, &ada(), Deed::Apply(planned.clone())).await.unwrap();
    work(&stage).await;
    assert!(stage.ledger().await.contains("cancelled (cancelled_by_operator)"));
    act(&stage, &ada(), Deed::Undo(planned)).await.unwrap();
    work(&stage).await;
    stage.drain("2026-06-02T07:00:00Z").await;
    assert_eq!(stage.relay.accepted().len(), 1, "it goes out after all");
    stage.pass("2026-06-02T07:30:00Z").await;
    assert_eq!(stage.relay.accepted().len(), 1, "and counts as the reminder of the day");
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn what_would_refuse_is_left_out_of_the_plan_with_its_words(#[case] backend: Backend) {
    let stage = with_a_failed_mail(backend).await;
    let everything = || Wanted { user_id: Some(stage.app.csm.id.clone()), ..Wanted::default() };
    let planned = act(&stage, &ada(), Deed::Plan(BulkAction::Retry, everything())).await.unwrap();
    assert_eq!((planned.count, planned.conflict_count), (1, 1));
    assert_eq!(planned.conflicts[0].reason, "it was sent; re-send it instead");
    let none = act(&stage, &ada(), Deed::Plan(BulkAction::Retry, Wanted::default())).await;
    assert!(none.unwrap_err().starts_with("an empty filter means everything"));
    // What changes between plan and application refuses for itself.
    stage
        .sql("UPDATE notifications SET state = 'sent', reason = NULL WHERE state = 'failed'")
        .await;
    act(&stage, &ada(), Deed::Apply(planned.clone())).await.unwrap();
    work(&stage).await;
    let applied = seen(&stage, &planned.id).await;
    assert_eq!((applied.state, applied.done, applied.refused), (BulkState::Applied, 1, 1));
    assert_eq!(applied.conflicts.len(), 2);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn a_test_key_moves_nothing_live_by_the_hundred_either(#[case] backend: Backend) {
    let stage = with_a_failed_mail(backend).await;
    let by_test = act(&stage, &test_key(), Deed::Plan(BulkAction::Retry, failed())).await.unwrap();
    assert_eq!((by_test.count, by_test.conflict_count), (0, 1));
    assert_eq!(by_test.conflicts[0].reason, "a test key cannot have a live notification sent");
    let by_live = act(&stage, &ada(), Deed::Plan(BulkAction::Retry, failed())).await.unwrap();
    assert_eq!(
        act(&stage, &test_key(), Deed::Apply(by_live)).await.unwrap_err(),
        "a test key cannot have a live notification sent"
    );
    // Silence is the safe side; speaking again is not.
    stage.scan("2026-06-03T07:00:00Z").await;
    stage.at("2026-06-03T07:00:00Z");
    let open = Wanted { state: Some(NotificationState::Scheduled), ..Wanted::default() };
    let cancel = act(&stage, &test_key(), Deed::Plan(BulkAction::Cancel, open)).await.unwrap();
    assert!(cancel.count > 0, "{cancel:?}");
    act(&stage, &test_key(), Deed::Apply(cancel.clone())).await.unwrap();
    work(&stage).await;
    act(&stage, &test_key(), Deed::Undo(cancel.clone())).await.unwrap();
    work(&stage).await;
    assert!(!stage.ledger().await.contains("2026-06-03 digest live email to Carl: scheduled"));
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn an_old_plan_expires_and_what_was_applied_long_ago_stays(#[case] backend: Backend) {
    let stage = with_a_failed_mail(backend).await;
    let old = act(&stage, &ada(), Deed::Plan(BulkAction::Retry, failed())).await.unwrap();
    stage.at("2026-06-02T09:00:00Z");
    assert_eq!(seen(&stage, &old.id).await.state, BulkState::Expired);
    assert_eq!(
        act(&stage, &ada(), Deed::Apply(old)).await.unwrap_err(),
        "the plan is older than an hour; plan it anew"
    );
    let new = act(&stage, &ada(), Deed::Plan(BulkAction::Retry, failed())).await.unwrap();
    act(&stage, &ada(), Deed::Apply(new.clone())).await.unwrap();
    work(&stage).await;
    stage.at("2026-06-02T09:10:00Z");
    assert_eq!(
        act(&stage, &ada(), Deed::Undo(new)).await.unwrap_err(),
        "it could be taken back until 2026-06-02T09:10:00Z"
    );
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn whoever_goes_on_after_a_crash_goes_on_exactly_there(#[case] backend: Backend) {
    let stage = Stage::new(backend).await;
    stage.onboard("Halden Freight", json!({})).await;
    stage.scan("2026-06-02T07:00:00Z").await;
    // Sixty more like it.
    let columns = "workspace_id, kind, channel, mode, recipient_type, recipient_id, slot_date, escalation, state, not_before, deadline,
        attempt_count, delivery_count, claim_count, resent, pushed_at, created_at, updated_at";
    stage
        .sql(&format!(
            "INSERT INTO notifications (id, dedupe_key, {columns})
             WITH RECURSIVE seq (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM seq WHERE n < 60)
             SELECT 'ntf_copy' || n, 'copy' || n, {columns} FROM notifications, seq"
        ))
        .await;
    stage.at("2026-06-02T07:00:00Z");
    let open = Wanted { state: Some(NotificationState::Scheduled), ..Wanted::default() };
    let planned = act(&stage, &ada(), Deed::Plan(BulkAction::Cancel, open)).await.unwrap();
    assert_eq!(planned.count, 61);
    act(&stage, &ada(), Deed::Apply(planned.clone())).await.unwrap();
    assert!(bulk::step(stage.app.db(), stage.app.now()).await.unwrap());
    let half = seen(&stage, &planned.id).await;
    assert_eq!((half.state, half.done), (BulkState::Applying, 25));
    // A process that is killed here has committed just that; another one goes on.
    let other = stage.app.another_process().await;
    while bulk::step(&other.api.db, stage.app.now()).await.unwrap() {}
    let whole = seen(&stage, &planned.id).await;
    assert_eq!((whole.state, whole.done, whole.refused), (BulkState::Applied, 61, 0));
    let logged = stage
        .service
        .db
        .rows("SELECT count(*) AS n FROM audit_log WHERE event = 'notification_cancelled'")
        .await;
    assert_eq!(logged, [json!({ "n": 61 })], "nothing was done twice");
}
