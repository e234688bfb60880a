//! Nothing is lost silently: what nobody can hear, and what nobody wrote, is there to be seen.

use rstest::rstest;
use serde_json::json;

use crate::support::db::Backend;
use crate::support::stage::Stage;

/// Without Carl and without an owner nobody hears.
async fn nobody_is_left(stage: &Stage) {
    stage.sql("UPDATE workspaces SET owner_user_id = NULL").await;
    stage.app.delete(&format!("/users/{}", stage.app.csm.id)).await.ok(200);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn what_nobody_hears_is_skipped_as_often_as_it_would_be_reminded_of_and_listed(
    #[case] backend: Backend,
) {
    let stage = Stage::new(backend).await;
    stage.onboard("Halden Freight", json!({ "reminder_frequency_days": 3 })).await;
    let paused = stage.onboard("Quillby Books", json!({})).await;
    stage.patch(&paused, json!({ "state": "paused" })).await;
    nobody_is_left(&stage).await;
    for day in 1..=12 {
        stage.pass(&format!("2026-06-{day:02}T07:00:00Z")).await;
    }
    insta::assert_snapshot!(stage.ledger().await, @r"
    2026-06-04 digest live email to Carl: skipped (no_recipient), no active CSM and no active workspace owner [Halden Freight]
    2026-06-08 digest live email to Carl: skipped (no_recipient), no active CSM and no active workspace owner [Halden Freight]
    2026-06-11 digest live email to Carl: skipped (no_recipient), no active CSM and no active workspace owner [Halden Freight]
    ");
    let noted = stage
        .service
        .db
        .rows("SELECT reason FROM audit_log WHERE event = 'notification_skipped'")
        .await;
    assert_eq!(noted.len(), 3, "{noted:?}");
    assert!(noted.iter().all(|row| row["reason"] == "no_recipient"), "{noted:?}");
    let listed = stage.service.ok(&["unroutable", "--json"]).await.json();
    assert_eq!(listed.as_array().unwrap().len(), 1, "{listed}");
    assert_eq!(
        (&listed[0]["customer_name"], &listed[0]["csm_name"]),
        (&json!("Halden Freight"), &json!("Carl Csm"))
    );
    let doctor = stage.service.run(&["doctor", "--json"]).await;
    assert_eq!(doctor.code, 1);
    assert!(doctor.stdout.contains("1 onboarding is without an active CSM"), "{}", doctor.stdout);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn an_onboarding_that_finds_somebody_again_is_reminded_of_at_their_next_slot(
    #[case] backend: Backend,
) {
    let stage = Stage::new(backend).await;
    let path = stage.onboard("Halden Freight", json!({})).await;
    nobody_is_left(&stage).await;
    stage.pass("2026-06-02T07:00:00Z").await;
    stage.at("2026-06-02T12:00:00Z");
    stage.patch(&path, json!({ "csm_id": stage.app.owner.id })).await;
    stage.pass("2026-06-03T07:00:00Z").await;
    insta::assert_snapshot!(stage.ledger().await, @r"
    2026-06-02 digest live email to Carl: skipped (no_recipient), no active CSM and no active workspace owner [Halden Freight]
    2026-06-03 digest live email to Olga: sent, attempts 1 [Halden Freight]
    ");
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn a_row_that_the_database_swallows_is_counted_and_the_doctor_names_its_cohort(
    #[case] backend: Backend,
) {
    let stage = Stage::new(backend).await;
    stage.onboard("Halden Freight", json!({})).await;
    stage.onboard("Osterby Clinics", json!({ "csm_id": stage.app.owner.id })).await;
    let carl = &stage.app.csm.id;
    match backend {
        Backend::Sqlite => {
            stage.sql(&format!("CREATE TRIGGER swallow BEFORE INSERT ON notifications WHEN NEW.recipient_id = '{carl}' BEGIN SELECT RAISE(IGNORE); END")).await;
        }
        Backend::Postgres => {
            stage.sql("CREATE FUNCTION swallow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'").await;
            stage.sql(&format!("CREATE TRIGGER swallow BEFORE INSERT ON notifications FOR EACH ROW WHEN (NEW.recipient_id = '{carl}') EXECUTE FUNCTION swallow()")).await;
        }
    }
    let said = stage.service.run(&["scan", "--json", "--now", "2026-06-02T07:00:00Z"]).await;
    assert_eq!(said.code, 1, "a loss is no success");
    let summary = said.json();
    assert_eq!(
        (&summary["expected"], &summary["unaccounted"]),
        (&json!(2), &json!(1)),
        "{summary}"
    );
    // The doctor asks for the last days by the machine's clock.
    #[expect(clippy::disallowed_methods, reason = "the doctor's clock is the machine's")]
    let today = chrono::Utc::now().format("%Y-%m-%dT%H:%M:%S+00:00");
    stage.sql(&format!("UPDATE cohorts SET created_at = '{today}'")).await;
    let doctor = stage.service.run(&["doctor", "--json"]).await;
    assert_eq!(doctor.code, 1);
    let findings = doctor.json();
    let finding = findings.as_array().unwrap().iter().find(|f| f["check"] == "accounting").unwrap();
    let detail = finding["detail"].as_str().unwrap();
    assert!(detail.contains("1 of 2 (digest, 2026-06-02)"), "{detail}");
}
