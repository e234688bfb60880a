//! Reminders of an onboarding over the API: explained, snoozed, forecast.

use chrono::TimeDelta;
use rstest::rstest;
use serde_json::{Value, json};

use crate::support::app::TestApp;
use crate::support::db::Backend;

/// An onboarding of the CSM, created on Monday, 1 June 2026, in a workspace that counts in UTC.
async fn onboarding(app: &TestApp) -> Value {
    let customer = app.customer("Acme").await;
    app.onboarding(&customer, json!({ "csm_id": app.csm.id })).await
}

/// The dates of the digests that are foreseen for the next week.
async fn digests(app: &TestApp, query: &str) -> Vec<String> {
    let answer = app.get(&format!("/reminders/forecast?days=7{query}")).await.ok(200);
    let items = answer["data"].as_array().unwrap().clone();
    items
        .iter()
        .filter(|item| item["kind"] == "digest")
        .map(|item| item["at"].as_str().unwrap()[..10].to_owned())
        .collect()
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn a_snoozed_onboarding_is_reminded_of_again_on_the_day_the_snooze_ends(
    #[case] backend: Backend,
) {
    let app = TestApp::new(backend).await;
    onboarding(&app).await;
    assert_eq!(
        digests(&app, "").await,
        ["2026-06-02", "2026-06-03", "2026-06-04", "2026-06-05", "2026-06-08"]
    );

    let body = json!({ "until": "2026-06-04", "reason": "on holiday" });
    let snoozed = app.post("/onboardings/1/snooze", body).await.ok(201);
    assert_eq!(snoozed["snoozed_until"], "2026-06-04");
    assert_eq!((&snoozed["verdict"], &snoozed["reason"]), (&json!("hold"), &json!("snoozed")));
    assert_eq!(digests(&app, "").await, ["2026-06-04", "2026-06-05", "2026-06-08"]);

    let audit = app.get("/audit_log?event=onboarding_snoozed").await.ok(200);
    assert_eq!(audit["data"][0]["reason"], "on holiday");

    let woken = app.delete("/onboardings/1/snooze").await.ok(200);
    assert_eq!(woken["snoozed_until"], Value::Null);
    assert_eq!(digests(&app, "").await.len(), 5);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn a_snooze_must_end_on_a_day_to_come(#[case] backend: Backend) {
    let app = TestApp::new(backend).await;
    onboarding(&app).await;
    for (until, error) in [
        (json!("2026-06-01"), "400 invalid_request_error too_small until"),
        (json!("someday"), "400 invalid_request_error invalid_string until"),
        (json!(5), "400 invalid_request_error invalid_type until"),
    ] {
        assert_eq!(
            app.post("/onboardings/1/snooze", json!({ "until": until })).await.error(),
            error
        );
    }
    let missing = app.post("/onboardings/1/snooze", json!({})).await;
    assert_eq!(missing.error(), "400 invalid_request_error missing_field until");
    let absent = app.post("/onboardings/9/snooze", json!({ "until": "2026-06-09" })).await;
    assert_eq!(absent.error(), "404 not_found onboarding_not_found");
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn an_explanation_names_every_gate_and_the_first_that_is_shut(#[case] backend: Backend) {
    let app = TestApp::new(backend).await;
    onboarding(&app).await;
    // On the day of creation nothing is due; the day after, it is.
    let today = app.get("/onboardings/1/reminders").await.ok(200);
    assert_eq!((&today["verdict"], &today["reason"]), (&json!("hold"), &Value::Null));
    let due = today["gates"]
        .as_array()
        .unwrap()
        .iter()
        .find(|gate| gate["gate"] == "due")
        .unwrap()
        .clone();
    assert_eq!(due["passed"], false);
    let tomorrow = app.get("/onboardings/1/reminders?at=2026-06-02T07:00:00Z").await.ok(200);
    assert_eq!(tomorrow["verdict"], "send", "{tomorrow}");

    app.patch("/onboardings/1", json!({ "state": "paused" })).await.ok(200);
    let paused = app.get("/onboardings/1/reminders?at=2026-06-02T07:00:00Z").await.ok(200);
    assert_eq!((&paused["verdict"], &paused["reason"]), (&json!("hold"), &json!("paused")));
    assert_eq!(paused["next"], json!([]));

    app.patch("/onboardings/1", json!({ "state": "active" })).await.ok(200);
    let other =
        format!("/onboardings/1/reminders?at=2026-06-02T07:00:00Z&recipient_id={}", app.owner.id);
    let other = app.get(&other).await.ok(200);
    assert_eq!(other["verdict"], "hold", "the owner is not the one who hears of it");
    let unknown = app.get("/onboardings/1/reminders?recipient_id=user_nobody").await;
    assert_eq!(unknown.error(), "400 invalid_request_error user_not_found recipient_id");
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn what_a_test_key_wrote_is_explained_as_kept_back(#[case] backend: Backend) {
    let app = TestApp::new(backend).await;
    onboarding(&app).await;
    app.advance(TimeDelta::seconds(1));
    let body = json!({ "csm_id": app.csm.id });
    app.call(&app.test, reqwest::Method::PATCH, "/onboardings/1", &body).await.ok(200);
    let explained = app.get("/onboardings/1/reminders?at=2026-06-02T07:00:00Z").await.ok(200);
    assert_eq!(
        (&explained["verdict"], &explained["reason"]),
        (&json!("hold"), &json!("test_mode"))
    );
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn a_forecast_can_imagine_a_change_without_making_it(#[case] backend: Backend) {
    let app = TestApp::new(backend).await;
    onboarding(&app).await;
    let as_if = |patch: &str| {
        let encoded: String = form_urlencoded::byte_serialize(patch.as_bytes()).collect();
        format!("&as_if={encoded}")
    };
    let weekly = as_if(r#"{"onboarding_id":"1","reminder_frequency_days":3}"#);
    assert_eq!(digests(&app, &weekly).await, ["2026-06-04", "2026-06-08"]);
    let paused = as_if(r#"{"onboarding_id":"1","state":"paused"}"#);
    assert!(digests(&app, &paused).await.is_empty());
    assert_eq!(app.get("/onboardings/1").await.ok(200)["reminder_frequency_days"], 1);
    assert_eq!(digests(&app, "").await.len(), 5, "nothing was changed");

    let absent =
        app.get(&format!("/reminders/forecast?{}", &as_if(r#"{"onboarding_id":"9"}"#)[1..])).await;
    assert_eq!(absent.error(), "404 not_found onboarding_not_found");
    let wrong = app
        .get(&format!(
            "/reminders/forecast?{}",
            &as_if(r#"{"onboarding_id":"1","state":"gone"}"#)[1..]
        ))
        .await;
    assert_eq!(wrong.error(), "400 invalid_request_error invalid_enum_value state");
    assert_eq!(
        app.get("/reminders/forecast?days=0").await.error(),
        "400 invalid_request_error too_small days"
    );
    assert_eq!(digests(&app, "&csm_id=user_nobody").await, Vec::<String>::new());
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn a_forecast_and_the_phases_are_whole_or_in_pages_that_lose_and_double_nothing(
    #[case] backend: Backend,
) {
    let app = TestApp::new(backend).await;
    // Three people whose digests are due at one instant, and nudges of theirs.
    for (n, csm) in [(1, &app.csm.id), (2, &app.owner.id), (3, &app.csm.id)] {
        let customer = app.customer(&format!("Customer {n}")).await;
        app.onboarding(&customer, json!({ "csm_id": csm })).await;
    }
    for path in ["/reminders/forecast?days=30", "/phases?"] {
        let whole = app.get(path).await.ok(200);
        assert_eq!((&whole["has_more"], &whole["next_cursor"]), (&json!(false), &Value::Null));
        let whole = whole["data"].as_array().unwrap();
        assert!(whole.len() >= 7, "{path}: {}", whole.len());
        for limit in [1, 2, 5, 100] {
            let (mut pages, mut cursor) = (Vec::new(), String::new());
            loop {
                let page = app.get(&format!("{path}&limit={limit}{cursor}")).await.ok(200);
                let data = page["data"].as_array().unwrap();
                assert!(data.len() <= limit && !data.is_empty(), "{path} {limit}");
                pages.extend(data.iter().cloned());
                let Some(next) = page["next_cursor"].as_str() else {
                    assert_eq!(page["has_more"], false);
                    break;
                };
                assert_eq!(page["has_more"], true);
                cursor = format!("&cursor={next}");
            }
            assert_eq!(&pages, whole, "{path} {limit}");
        }
        for (page, fault) in [("limit=0", "too_small limit"), ("cursor=x", "invalid_string cursor")]
        {
            let answer = app.get(&format!("{path}&{page}")).await;
            assert_eq!(answer.error(), format!("400 invalid_request_error {fault}"));
        }
    }
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn a_message_is_shown_before_it_is_due_and_nothing_is_written(#[case] backend: Backend) {
    let app = TestApp::new(backend).await;
    onboarding(&app).await;
    app.patch("/onboardings/1", json!({ "waiting_on_customer": true })).await.ok(200);
    let user = app.csm.display_id;
    let show = async |query: &str| app.get(&format!("/reminders/preview?{query}")).await;

    let digest = show(&format!("kind=digest&user_id={user}")).await.ok(200);
    assert_eq!((&digest["kind"], &digest["channel"]), (&json!("digest"), &json!("email")));
    let subject = digest["subject"].as_str().unwrap();
    assert!(subject.contains("Acme"), "{subject}");
    for part in ["text", "html"] {
        assert!(digest[part].as_str().unwrap().contains("Acme"), "{part}");
    }
    assert_eq!(digest["blocks"], Value::Null);
    let nudge = show("kind=waiting_on_customer&onboarding_id=1&channel=slack").await.ok(200);
    assert!(nudge["blocks"].to_string().contains("Acme"), "{nudge}");
    assert_eq!((&nudge["html"], &nudge["from_name"]), (&Value::Null, &Value::Null));
    let sample = show("kind=customer_reminder&channel=slack").await.ok(200);
    assert_eq!(sample["channel"], "email", "customers are written to by mail alone");
    assert_eq!(app.get("/notifications").await.ok(200)["data"], json!([]));

    for (query, error) in [
        ("", "400 invalid_request_error missing_field kind"),
        ("kind=letter", "400 invalid_request_error invalid_enum_value kind"),
        ("kind=digest&onboarding_id=1", "404 not_found nothing_to_preview"),
        ("kind=stalled_phase&user_id=1", "404 not_found nothing_to_preview"),
        ("kind=digest&user_id=99", "400 invalid_request_error user_not_found user_id"),
        ("kind=stalled_phase&onboarding_id=99", "404 not_found onboarding_not_found"),
        ("kind=customer_reminder&onboarding_id=1", "404 not_found nothing_to_preview"),
        ("kind=digest&user_id=1", "404 not_found nothing_to_preview"),
    ] {
        assert_eq!(show(query).await.error(), error, "{query}");
    }
    let nobody = show("kind=customer_reminder&onboarding_id=1").await;
    assert_eq!(nobody.json()["error"]["message"], "The customer has no contact.");
    let stranger = app.stranger().await;
    let path = format!("/reminders/preview?kind=digest&user_id={}", app.csm.id);
    let theirs = app.call(&stranger, reqwest::Method::GET, &path, &Value::Null).await;
    assert_eq!(theirs.error(), "400 invalid_request_error user_not_found user_id");
}
