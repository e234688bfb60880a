//! Onboardings: defaults, what moves together, whose mode stands behind what, and the trail it leaves.

use chrono::TimeDelta;
use pivotal_reminders::domain::ids::Ref;
use pivotal_reminders::domain::values::Mode;
use pivotal_reminders::store::onboardings;
use reqwest::Method;
use rstest::rstest;
use serde_json::{Value, json};

use crate::support::app::TestApp;
use crate::support::db::Backend;

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn an_onboarding_has_its_defaults_and_every_key_in_order(#[case] backend: Backend) {
    let app = TestApp::new(backend).await;
    app.customer("Acme").await;
    let created =
        app.post("/onboardings", json!({ "customer_id": "1", "waiting_on_customer": true })).await;
    created.ok(201);
    insta::with_settings!({filters => vec![(r"(cust|onb)_[0-9a-z]{26}", "[$1]")]}, {
        insta::assert_snapshot!(created.text);
    });
    assert_eq!(app.get("/onboardings/1").await.text, created.text);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn people_are_given_by_id_or_number_and_shown_by_id(#[case] backend: Backend) {
    let app = TestApp::new(backend).await;
    let customer = app.customer("Acme").await;
    let created = app
        .onboarding(
            &customer,
            json!({ "csm_id": app.csm.display_id.to_string(), "se_id": app.owner.id, "designer_id": null,
                "target_launch_date": "2026-07-01T01:00:00+02:00", "notes": "line\n\ttab" }),
        )
        .await;
    assert_eq!(created["csm_id"], app.csm.id);
    assert_eq!(created["se_id"], app.owner.id);
    assert_eq!(created["target_launch_date"], "2026-06-30T23:00:00.000Z");
    let cleared = app
        .patch(
            "/onboardings/1",
            json!({ "csm_id": null, "target_launch_date": null, "notes": null }),
        )
        .await
        .ok(200);
    for key in ["csm_id", "target_launch_date", "notes"] {
        assert_eq!(cleared[key], Value::Null);
    }
    let stranger = app.patch("/onboardings/1", json!({ "designer_id": "user_nobody" })).await;
    assert_eq!(stranger.error(), "400 invalid_request_error user_not_found designer_id");
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn the_faults_of_an_onboarding_are_reported(#[case] backend: Backend) {
    let app = TestApp::new(backend).await;
    app.customer("Acme").await;
    let cases = [
        (json!({}), "400 invalid_request_error missing_field customer_id"),
        (json!({ "customer_id": 1 }), "400 invalid_request_error invalid_type customer_id"),
        (json!({ "customer_id": "" }), "400 invalid_request_error too_small customer_id"),
        (json!({ "customer_id": "acme" }), "404 not_found customer_not_found"),
        (
            json!({ "customer_id": "1", "template_id": null }),
            "400 invalid_request_error invalid_type template_id",
        ),
        (
            json!({ "customer_id": "1", "template_id": "t" }),
            "400 invalid_request_error template_not_found template_id",
        ),
        (
            json!({ "customer_id": "1", "phase": "kickoff" }),
            "400 invalid_request_error invalid_enum_value phase",
        ),
        (
            json!({ "customer_id": "1", "state": null }),
            "400 invalid_request_error invalid_type state",
        ),
        (
            json!({ "customer_id": "1", "target_launch_date": null }),
            "400 invalid_request_error invalid_type target_launch_date",
        ),
        (
            json!({ "customer_id": "1", "target_launch_date": "2026-06-01" }),
            "400 invalid_request_error invalid_string target_launch_date",
        ),
        (
            json!({ "customer_id": "1", "csm_id": "nobody" }),
            "400 invalid_request_error user_not_found csm_id",
        ),
        (
            json!({ "customer_id": "1", "notes": null }),
            "400 invalid_request_error invalid_type notes",
        ),
        (
            json!({ "customer_id": "1", "notes": "x".repeat(20_001) }),
            "400 invalid_request_error too_big notes",
        ),
        (
            json!({ "customer_id": "1", "reminder_email": 1 }),
            "400 invalid_request_error invalid_type reminder_email",
        ),
        (
            json!({ "customer_id": "1", "reminder_frequency_days": 31 }),
            "400 invalid_request_error too_big reminder_frequency_days",
        ),
    ];
    for (body, error) in cases {
        assert_eq!(app.post("/onboardings", body).await.error(), error);
    }
    assert_eq!(app.get("/onboardings").await.ok(200)["data"], json!([]));
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn phase_state_and_flag_move_together(#[case] backend: Backend) {
    let app = TestApp::new(backend).await;
    let customer = app.customer("Acme").await;
    app.onboarding(&customer, json!({})).await;
    let show = |o: &Value| {
        let since =
            o["waiting_on_customer_since"].as_str().map_or("-", |at| &at[11..16]).to_owned();
        let done = o["completed_at"].as_str().map_or("-", |at| &at[11..16]).to_owned();
        format!(
            "{} {} {} {since} {done}",
            o["phase"].as_str().unwrap(),
            o["state"].as_str().unwrap(),
            o["waiting_on_customer"]
        )
    };
    for (patch, expected) in [
        (
            json!({ "state": "waiting", "waiting_on_customer": false }),
            "before_getting_started waiting true 09:00 -",
        ),
        (json!({ "waiting_on_customer": true }), "before_getting_started waiting true 09:00 -"),
        (json!({ "waiting_on_customer": false }), "before_getting_started active false - -"),
        (
            json!({ "waiting_on_customer": true, "state": "at_risk" }),
            "before_getting_started at_risk true 12:00 -",
        ),
        (json!({ "phase": "completed" }), "completed at_risk true 12:00 13:00"),
        (json!({ "phase": "completed", "state": "waiting" }), "completed waiting true 12:00 13:00"),
        (json!({ "phase": "launch", "state": "active" }), "launch active false - -"),
        (
            json!({ "completed_at": "2020-01-01T00:00:00Z", "started_at": null, "waiting_on_customer_since": 5 }),
            "launch active false - -",
        ),
    ] {
        app.advance(TimeDelta::hours(1));
        let after = app.patch("/onboardings/1", patch.clone()).await.ok(200);
        assert_eq!(show(&after), expected, "{patch}");
    }
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn a_patch_that_changes_nothing_leaves_no_trace(#[case] backend: Backend) {
    let app = TestApp::new(backend).await;
    let customer = app.customer("Acme").await;
    let before = app.onboarding(&customer, json!({})).await;
    app.advance(TimeDelta::hours(1));
    for body in [json!({}), json!({ "state": "active", "nonsense": [] })] {
        assert_eq!(app.patch("/onboardings/1", body).await.ok(200), before);
    }
    let after = app.patch("/onboardings/1", json!({ "reminder_frequency_days": 7 })).await.ok(200);
    assert_eq!(after["updated_at"], "2026-06-01T09:00:00.000Z");
    let audit = audit(&app, "onboarding").await;
    assert_eq!(
        audit,
        [
            "onboarding_created by API: CRM sync, …",
            r#"onboarding_updated by API: CRM sync, {"reminder_frequency_days":[1,7]}"#,
        ]
    );
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn a_phase_change_is_told_to_the_customers_timeline_with_its_reason(
    #[case] backend: Backend,
) {
    let app = TestApp::new(backend).await;
    let customer = app.customer("Acme").await;
    app.onboarding(&customer, json!({})).await;
    app.advance(TimeDelta::seconds(1));
    let request = app
        .request(Method::PATCH, "/onboardings/1")
        .bearer_auth(&app.live)
        .header("x-request-id", "trace-me")
        .json(&json!({ "phase": "launch", "reason": "contract signed" }));
    app.send(request).await.ok(200);
    assert_eq!(
        audit(&app, "customer").await,
        [
            "customer_created by API: CRM sync, …",
            r#"onboarding_phase_changed by API: CRM sync, {"phase":["before_getting_started","launch"]} (contract signed, trace-me)"#,
        ]
    );
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn fields_keep_the_mode_of_their_last_writer(#[case] backend: Backend) {
    let app = TestApp::new(backend).await;
    let customer = app.customer("Acme").await;
    let before = app.onboarding(&customer, json!({ "csm_id": app.csm.id })).await;
    let modes = async || {
        let mut conn = app.db().read().await.unwrap();
        let row = onboardings::find(&mut conn, &app.workspace.id, &Ref::Number(1))
            .await
            .unwrap()
            .unwrap();
        [row.mode, row.csm_mode, row.reminders_mode, row.phase_mode, row.waiting_mode]
            .map(Mode::as_str)
    };
    assert_eq!(modes().await, ["live"; 5]);
    let test = async |body: Value| {
        app.call(&app.test, Method::PATCH, "/onboardings/1", &body).await.ok(200)
    };
    // The same value is a write too, though nobody can see it.
    assert_eq!(test(json!({ "csm_id": app.csm.id })).await, before);
    assert_eq!(modes().await, ["live", "test", "live", "live", "live"]);
    test(json!({ "reminder_slack": true, "phase": "review", "state": "waiting", "notes": "x" }))
        .await;
    assert_eq!(modes().await, ["live", "test", "test", "test", "test"]);
    app.patch("/onboardings/1", json!({ "csm_id": app.csm.id, "phase": "review" })).await.ok(200);
    assert_eq!(modes().await, ["live", "live", "test", "live", "test"]);
    app.patch("/onboardings/1", json!({ "state": "active", "reminder_email": true })).await.ok(200);
    assert_eq!(modes().await, ["live"; 5]);
}

/// The audit log of an object type in words, oldest first; what a creation sets is left out.
async fn audit(app: &TestApp, object: &str) -> Vec<String> {
    #[derive(sqlx::FromRow)]
    struct Row {
        event: String,
        actor_name: String,
        diff: sqlx::types::Json<Value>,
        reason: Option<String>,
        request_id: Option<String>,
    }
    let mut conn = app.db().read().await.unwrap();
    let rows: Vec<Row> = pivotal_reminders::on!(conn, |c| sqlx::query_as(
        "SELECT event, actor_name, diff, reason, request_id FROM audit_log WHERE object = $1 ORDER BY created_at, id"
    )
    .bind(object)
    .fetch_all(c)
    .await)
    .unwrap();
    rows.iter()
        .map(|row| {
            let diff = if row.event.ends_with("_created") {
                "…".to_owned()
            } else {
                row.diff.0.to_string()
            };
            let why = row.reason.as_ref().map_or(String::new(), |reason| {
                format!(" ({reason}, {})", row.request_id.as_deref().unwrap())
            });
            format!("{} by {}, {diff}{why}", row.event, row.actor_name)
        })
        .collect()
}
