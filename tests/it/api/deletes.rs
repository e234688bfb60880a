//! Deleting: soft, repeatable, and the end of what was about to be sent.

use rstest::rstest;
use serde_json::{Value, json};

use crate::support::app::TestApp;
use crate::support::db::Backend;

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn a_deletion_can_be_repeated_and_the_row_is_gone(#[case] backend: Backend) {
    let app = TestApp::new(backend).await;
    let customer = app.customer("Acme").await;
    app.post("/customers/1/contacts", json!({ "name": "Ann", "email": "ann@acme.example" }))
        .await
        .ok(201);
    app.onboarding(&customer, json!({})).await;
    for noun in ["onboarding", "contact", "customer"] {
        let path = format!("/{noun}s/1");
        let first = app.delete(&path).await;
        let body = first.ok(200);
        assert_eq!(
            first.text,
            format!(r#"{{"object":"deleted","id":{},"display_id":1,"deleted":true}}"#, body["id"])
        );
        assert_eq!(app.delete(&path).await.text, first.text);
        let gone = format!("404 not_found {noun}_not_found");
        assert_eq!(app.get(&path).await.error(), gone);
        assert_eq!(app.patch(&path, json!({})).await.error(), gone);
        assert_eq!(app.delete(&format!("/{noun}s/2")).await.error(), gone);
    }
    assert_eq!(app.get("/customers").await.ok(200)["data"], json!([]));
    assert_eq!(app.get("/onboardings").await.ok(200)["data"], json!([]));
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn what_a_deleted_customer_leaves_behind_answers_by_id_but_is_in_no_list(
    #[case] backend: Backend,
) {
    let app = TestApp::new(backend).await;
    let customer = app.customer("Acme").await;
    app.post("/customers/1/contacts", json!({ "name": "Ann", "email": "ann@acme.example" }))
        .await
        .ok(201);
    app.onboarding(&customer, json!({})).await;
    app.delete("/customers/1").await.ok(200);
    app.get("/contacts/1").await.ok(200);
    app.get("/onboardings/1").await.ok(200);
    app.patch("/onboardings/1", json!({ "phase": "launch" })).await.ok(200);
    for path in ["/onboardings", "/onboardings?customer_id=1", "/onboardings?phase=launch"] {
        assert_eq!(app.get(path).await.ok(200)["data"], json!([]), "{path}");
    }
    for path in ["/customers/1/contacts", "/customers/1/onboardings"] {
        assert_eq!(app.get(path).await.error(), "404 not_found customer_not_found");
    }
    let new = app.post("/onboardings", json!({ "customer_id": "1" })).await;
    assert_eq!(new.error(), "404 not_found customer_not_found");
}

/// A pending notification about some onboardings; a nudge if it has a subject.
async fn pending(app: &TestApp, id: &str, state: &str, subject: Option<&Value>, items: &[&Value]) {
    let mut tx = app.db().begin().await.unwrap();
    let (kind, recipient) =
        if subject.is_some() { ("stalled_phase", "slack") } else { ("digest", "email") };
    pivotal_reminders::on!(tx, |c| sqlx::query(
        "INSERT INTO notifications (id, workspace_id, kind, channel, mode, recipient_type, recipient_id, subject_id, slot_date, escalation,
            dedupe_key, state, not_before, deadline, attempt_count, delivery_count, claim_count, resent, pushed_at, created_at, updated_at)
         VALUES ($1, $2, $3, $4, 'live', 'user', $5, $6, $7, $8, $1, $9, $10, $10, 0, 0, 0, $8, $10, $10, $10)"
    )
    .bind(id)
    .bind(&app.workspace.id)
    .bind(kind)
    .bind(recipient)
    .bind(&app.csm.id)
    .bind(subject.map(|o| o["id"].as_str().unwrap()))
    .bind(app.now().date_naive())
    .bind(false)
    .bind(state)
    .bind(app.now())
    .execute(c)
    .await
    .map(|_| ()))
    .unwrap();
    for item in items {
        pivotal_reminders::on!(tx, |c| sqlx::query(
            "INSERT INTO notification_items (notification_id, onboarding_id) VALUES ($1, $2)"
        )
        .bind(id)
        .bind(item["id"].as_str().unwrap())
        .execute(c)
        .await
        .map(|_| ()))
        .unwrap();
    }
    tx.commit().await.unwrap();
}

async fn states(app: &TestApp) -> String {
    let mut conn = app.db().read().await.unwrap();
    let rows: Vec<(String, String, Option<String>, bool)> =
        pivotal_reminders::on!(conn, |c| sqlx::query_as(
            "SELECT id, state, reason, finished_at IS NOT NULL FROM notifications ORDER BY id"
        )
        .fetch_all(c)
        .await)
        .unwrap();
    rows.iter()
        .map(|(id, state, reason, finished)| {
            assert_eq!(*finished, state == "cancelled");
            format!(
                "{id} {state}{}",
                reason.as_deref().map(|r| format!(" {r}")).unwrap_or_default()
            )
        })
        .collect::<Vec<_>>()
        .join(", ")
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn what_was_about_to_be_sent_is_cancelled_in_the_same_transaction(#[case] backend: Backend) {
    let app = TestApp::new(backend).await;
    let (acme, globex) = (app.customer("Acme").await, app.customer("Globex").await);
    let a = app.onboarding(&acme, json!({})).await;
    let b = app.onboarding(&acme, json!({})).await;
    let g = app.onboarding(&globex, json!({})).await;
    pending(&app, "n1", "scheduled", Some(&a), &[&a]).await;
    pending(&app, "n2", "deferred", None, &[&a, &b]).await;
    pending(&app, "n3", "scheduled", None, &[&a, &g]).await;
    pending(&app, "n4", "sending", Some(&a), &[&a]).await;
    app.delete("/onboardings/1").await.ok(200);
    assert_eq!(states(&app).await, "n1 cancelled deleted, n2 deferred, n3 scheduled, n4 sending");
    app.delete("/customers/1").await.ok(200);
    assert_eq!(
        states(&app).await,
        "n1 cancelled deleted, n2 cancelled deleted, n3 scheduled, n4 sending"
    );
    app.delete("/onboardings/3").await.ok(200);
    assert!(states(&app).await.contains("n3 cancelled deleted"));
    let said = app.get("/audit_log?event=notification_skipped").await.ok(200);
    let mut said: Vec<String> = said["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| format!("{} {}", entry["target"]["id"], entry["reason"]))
        .collect();
    said.sort();
    let expected = [&a, &b, &g].map(|o| format!("{} \"deleted\"", o["id"]));
    assert_eq!(said, expected, "one entry per onboarding, however many messages it was");
}
