//! Users, preferences, workspace, phases, keys, audit log.

use chrono::TimeDelta;
use pivotal_reminders::domain::values::{Mode, Scope, Tier};
use reqwest::Method;
use rstest::rstest;
use serde_json::{Value, json};

use crate::support::app::TestApp;
use crate::support::db::Backend;

fn keys(value: &Value) -> String {
    value.as_object().unwrap().keys().cloned().collect::<Vec<_>>().join(", ")
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn users_are_added_changed_and_deactivated(#[case] backend: Backend) {
    let app = TestApp::new(backend).await;
    let body = json!({ "name": "Dora", "email": "Dora@acme.example", "time_zone": "Asia/Tokyo", "slack_user_id": "U024BE7LH" });
    let dora = app.post("/users", body.clone()).await.ok(201);
    assert_eq!(
        keys(&dora),
        "object, id, display_id, name, email, time_zone, slack_user_id, active, email_flagged_at, created_at, updated_at"
    );
    assert_eq!((&dora["email"], &dora["display_id"]), (&json!("dora@acme.example"), &json!(3)));
    assert_eq!(app.post("/users", body).await.error(), "409 conflict email_taken email");
    assert_eq!(app.get("/users/3").await.ok(200), dora);
    let changed =
        app.patch("/users/3", json!({ "time_zone": null, "name": "Dora D." })).await.ok(200);
    assert_eq!((&changed["time_zone"], &changed["name"]), (&Value::Null, &json!("Dora D.")));
    let gone = app.delete("/users/3").await;
    assert_eq!(gone.ok(200)["object"], "deleted");
    assert_eq!(app.delete("/users/3").await.text, gone.text);
    assert_eq!(app.get("/users/3").await.ok(200)["active"], false);
    let list = app.get("/users?limit=2").await.ok(200);
    assert_eq!(list["data"].as_array().unwrap().len(), 2);
    assert_eq!(list["has_more"], true);
    for (body, error) in [
        (json!({}), "missing_field name"),
        (json!({ "name": "X" }), "missing_field email"),
        (
            json!({ "name": "X", "email": "x@y.zz", "time_zone": "Mars/Base" }),
            "invalid_string time_zone",
        ),
        (
            json!({ "name": "X", "email": "x@y.zz", "slack_user_id": "@x" }),
            "invalid_string slack_user_id",
        ),
    ] {
        assert_eq!(
            app.post("/users", body).await.error(),
            format!("400 invalid_request_error {error}")
        );
    }
    assert_eq!(app.get("/users/99").await.error(), "404 not_found user_not_found");
    let stranger = app.stranger().await;
    let path = format!("/users/{}", app.csm.id);
    let theirs = app.call(&stranger, Method::GET, &path, &Value::Null).await;
    assert_eq!(theirs.error(), "404 not_found user_not_found");
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn a_person_chooses_when_and_where_to_hear(#[case] backend: Backend) {
    let app = TestApp::new(backend).await;
    let before = app.get("/users/2/notification_preferences").await.ok(200);
    insta::assert_json_snapshot!(before, { ".user_id" => "[id]" });
    app.advance(TimeDelta::seconds(1));
    let after = app
        .patch(
            "/users/2/notification_preferences",
            json!({ "digest_channel": "slack", "digest_time": "09:30", "digest_days": ["wed", "mon"],
                "working_hours": { "from": "10:00", "until": "16:00" }, "quiet_hours": { "from": "22:00", "until": "06:00" },
                "out_of_office_until": "2026-07-01", "backup_user_id": "1", "muted_kinds": ["stalled_phase"] }),
        )
        .await
        .ok(200);
    assert_eq!(after["digest_days"], json!(["mon", "wed"]));
    assert_eq!(after["backup_user_id"], app.owner.id);
    assert_eq!(after["updated_at"], "2026-06-01T08:00:01.000Z");
    assert_eq!(keys(&after), keys(&before));
    let back = app
        .patch(
            "/users/2/notification_preferences",
            json!({ "digest_channel": "email", "digest_time": null, "digest_days": null, "working_hours": { "from": "09:00", "until": "18:00" },
                "quiet_hours": null, "out_of_office_until": null, "backup_user_id": null, "muted_kinds": [] }),
        )
        .await
        .ok(200);
    assert_eq!(back["digest_time"], before["digest_time"]);
    // Hours that end when they begin hold nothing back.
    let always = json!({ "from": "09:00", "until": "09:00" });
    let body = json!({ "working_hours": always, "quiet_hours": always });
    let open = app.patch("/users/2/notification_preferences", body).await.ok(200);
    assert_eq!((&open["working_hours"], &open["quiet_hours"]), (&always, &Value::Null));
    for (body, error) in [
        (json!({ "digest_time": "7:00" }), "invalid_string digest_time"),
        (json!({ "digest_days": [] }), "too_small digest_days"),
        (json!({ "digest_days": ["mon", "someday"] }), "invalid_enum_value digest_days.1"),
        (json!({ "working_hours": null }), "invalid_type working_hours"),
        (json!({ "working_hours": { "from": "09:00" } }), "missing_field working_hours.until"),
        (
            json!({ "quiet_hours": { "from": "09:00", "until": "25:00" } }),
            "invalid_string quiet_hours.until",
        ),
        (json!({ "out_of_office_until": "tomorrow" }), "invalid_string out_of_office_until"),
        (json!({ "backup_user_id": "2" }), "custom backup_user_id"),
        (json!({ "backup_user_id": "77" }), "user_not_found backup_user_id"),
        (json!({ "muted_kinds": ["spam"] }), "invalid_enum_value muted_kinds.0"),
    ] {
        let answer = app.patch("/users/2/notification_preferences", body).await;
        assert_eq!(answer.error(), format!("400 invalid_request_error {error}"));
    }
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn a_workspace_is_set_up_and_its_holidays_come_from_a_calendar(#[case] backend: Backend) {
    let app = TestApp::new(backend).await;
    let before = app.get("/workspace").await.ok(200);
    insta::assert_json_snapshot!(before, { ".id" => "[id]", ".owner_user_id" => "[id]" });
    let after = app
        .patch(
            "/workspace",
            json!({ "name": "Acme", "time_zone": "Europe/Berlin", "working_days": ["mon", "tue"], "holidays": ["2026-12-25"],
                "digest_time": "08:00", "waiting_steps": [4, 2, 4], "escalation_user_id": "2", "customer_reminders": true,
                "mail_from": "Hello@acme.example", "slug": "ignored" }),
        )
        .await
        .ok(200);
    assert_eq!(after["slug"], "acme");
    assert_eq!(after["waiting_steps"], json!([2, 4]));
    assert_eq!(after["escalation_user_id"], app.csm.id);
    assert_eq!(after["mail_from"], "hello@acme.example");
    let file = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTAMP:20260101T000000Z\r\nDTSTART;VALUE=DATE:20261224\r\nDTEND;VALUE=DATE:20261226\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";
    let import = |kind: &str, file: &'static str| {
        app.request(Method::POST, "/workspace/holidays")
            .bearer_auth(&app.live)
            .header("content-type", kind.to_owned())
            .body(file)
    };
    for _ in 0..2 {
        let answer = app.send(import("text/calendar; charset=utf-8", file)).await;
        assert_eq!(answer.ok(200)["holidays"], json!(["2026-12-24", "2026-12-25"]));
    }
    let answer = app.send(import("application/json", "{}")).await;
    assert_eq!(answer.error(), "415 invalid_request_error unsupported_media_type");
    let answer = app.send(import("text/calendar", "hello")).await;
    assert_eq!(answer.error(), "400 invalid_request_error invalid_string");
    for (body, error) in [
        (json!({ "time_zone": "CET+1" }), "invalid_string time_zone"),
        (json!({ "working_days": [] }), "too_small working_days"),
        (json!({ "waiting_steps": [0] }), "too_small waiting_steps.0"),
        (json!({ "owner_user_id": "9" }), "user_not_found owner_user_id"),
    ] {
        assert_eq!(
            app.patch("/workspace", body).await.error(),
            format!("400 invalid_request_error {error}")
        );
    }
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn phases_keep_their_keys_but_not_their_names_or_places(#[case] backend: Backend) {
    let app = TestApp::new(backend).await;
    let phases = app.get("/phases").await.ok(200);
    insta::assert_json_snapshot!(phases["data"][6]);
    let changed = app
        .patch("/phases/internal_qa", json!({ "label": "QA", "position": 1, "target_days": 3 }))
        .await
        .ok(200);
    assert_eq!((&changed["label"], &changed["target_days"]), (&json!("QA"), &json!(3)));
    let order: Vec<_> = app.get("/phases").await.ok(200)["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|phase| format!("{} {}", phase["position"], phase["key"].as_str().unwrap()))
        .collect();
    assert_eq!(
        order,
        [
            "0 before_getting_started",
            "1 internal_qa",
            "2 program_design",
            "3 review",
            "4 program_buildout",
            "5 launch",
            "6 completed"
        ]
    );
    assert_eq!(
        app.patch("/phases/kickoff", json!({})).await.error(),
        "404 not_found phase_not_found"
    );
    assert_eq!(app.patch("/phases/%ff", json!({})).await.error(), "404 not_found phase_not_found");
    let answer = app.patch("/phases/review", json!({ "position": 7 })).await;
    assert_eq!(answer.error(), "400 invalid_request_error too_big position");
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn a_key_is_shown_once_and_works_until_it_is_revoked(#[case] backend: Backend) {
    let app = TestApp::new(backend).await;
    let post = async |path: &str, idempotency_key: &str, body: Value| {
        let request = app
            .request(Method::POST, path)
            .bearer_auth(&app.live)
            .header("idempotency-key", idempotency_key)
            .json(&body);
        app.send(request).await
    };
    let me =
        async |key: &Value| app.call(key.as_str().unwrap(), Method::GET, "/me", &Value::Null).await;
    let body = json!({ "name": "Zapier", "mode": "test", "scopes": ["write", "read", "read"] });
    let created = post("/api_keys", "k1", body.clone()).await.ok(201);
    assert_eq!(
        keys(&created),
        "object, id, name, prefix, mode, tier, scopes, last_used_at, last_used_ip, request_count, created_at, revoked_at, key"
    );
    let secret = created["key"].as_str().unwrap();
    assert_eq!(secret.len(), "pivotal_test_".len() + 32);
    assert_eq!(secret["pivotal_test_".len()..][..4], *created["prefix"].as_str().unwrap());
    assert_eq!(created["scopes"], json!(["read", "write"]));
    // A repetition makes no second key, and does not show the first again.
    let again = post("/api_keys", "k1", body).await;
    assert_eq!(again.header("idempotency-replay"), "true");
    assert_eq!((&again.json()["id"], again.json().get("key")), (&created["id"], None));

    me(&created["key"]).await.ok(200);
    let id = created["id"].as_str().unwrap();
    let rotate = format!("/api_keys/{id}/rotate");
    let rotated = post(&rotate, "k2", json!({ "overlap_seconds": 60 })).await.ok(201);
    for key in ["name", "mode", "tier", "scopes"] {
        assert_eq!(rotated[key], created[key]);
    }
    me(&created["key"]).await.ok(200);
    me(&rotated["key"]).await.ok(200);
    app.advance(TimeDelta::minutes(1));
    assert_eq!(me(&created["key"]).await.error(), "401 authentication_error api_key_revoked");
    let path = format!("/api_keys/{}", rotated["id"].as_str().unwrap());
    app.delete(&path).await.ok(200);
    app.delete(&path).await.ok(200);
    assert_eq!(me(&rotated["key"]).await.error(), "401 authentication_error api_key_revoked");
    let answer = app.post(&rotate, json!({})).await;
    assert_eq!(answer.error(), "404 not_found api_key_not_found");

    let list = app.get("/api_keys").await.ok(200);
    assert_eq!(list["data"][0]["id"], rotated["id"]);
    assert_eq!(list["data"][1]["request_count"], 2);
    assert_eq!(list["data"][1]["last_used_ip"], "127.0.0.1");
    assert!(list["data"][1].get("key").is_none());
    let mut conn = app.db().read().await.unwrap();
    let (stored,): (i64,) = pivotal_reminders::on!(conn, |c| sqlx::query_as(
        "SELECT count(*) FROM idempotency_keys WHERE body LIKE '%' || $1 || '%'"
    )
    .bind(secret)
    .fetch_one(c)
    .await)
    .unwrap();
    assert_eq!(stored, 0);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn settings_want_the_scope_admin_and_a_live_key_to_write(#[case] backend: Backend) {
    let app = TestApp::new(backend).await;
    let plain =
        app.key(Mode::Live, Tier::Unlimited, &[Scope::Read, Scope::Write, Scope::Operate]).await;
    let refused = "403 permission_error insufficient_scope";
    let calls = [
        (Method::POST, "/users", json!({ "name": "X", "email": "x@y.zz" })),
        (Method::PATCH, "/users/1", json!({})),
        (Method::DELETE, "/users/1", Value::Null),
        (Method::PATCH, "/users/1/notification_preferences", json!({})),
        (Method::PATCH, "/workspace", json!({ "customer_reminders": true })),
        (Method::PATCH, "/phases/review", json!({})),
        (Method::POST, "/api_keys", json!({ "name": "X" })),
    ];
    for (method, path, body) in calls {
        for key in [&plain, &app.test] {
            let answer = app.call(key, method.clone(), path, &body).await;
            assert_eq!(answer.error(), refused, "{method} {path}");
        }
    }
    for path in
        ["/users", "/users/1", "/users/1/notification_preferences", "/workspace", "/api_keys"]
    {
        assert_eq!(app.call(&plain, Method::GET, path, &Value::Null).await.error(), refused);
        app.call(&app.test, Method::GET, path, &Value::Null).await.ok(200);
    }
    app.call(&plain, Method::GET, "/phases", &Value::Null).await.ok(200);
    app.call(&plain, Method::GET, "/audit_log", &Value::Null).await.ok(200);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn the_audit_log_is_filtered_paged_and_exported(#[case] backend: Backend) {
    let app = TestApp::new(backend).await;
    app.advance(TimeDelta::minutes(1));
    let customer = app.customer("=cmd|calc").await;
    let onboarding = app.onboarding(&customer, json!({ "reason": "=1+1" })).await;
    app.advance(TimeDelta::minutes(1));
    app.patch("/onboardings/1", json!({ "phase": "launch" })).await.ok(200);
    let id = onboarding["id"].as_str().unwrap();
    let events = async |query: &str| {
        let list = app.get(&format!("/audit_log?{query}")).await.ok(200);
        let data = list["data"].as_array().unwrap().clone();
        let mut events: Vec<_> =
            data.iter().map(|entry| entry["event"].as_str().unwrap().to_owned()).collect();
        events.sort();
        events.join(" ")
    };
    assert_eq!(events(&format!("id={id}")).await, "onboarding_created onboarding_updated");
    assert_eq!(events("object=customer").await, "customer_created onboarding_phase_changed");
    assert_eq!(events("event=onboarding_created").await, "onboarding_created");
    assert_eq!(
        events("actor=API:%20CRM%20sync&before=2026-06-01T08:02:00Z").await,
        "customer_created onboarding_created"
    );
    assert_eq!(
        events("after=2026-06-01T08:02:00Z").await,
        "onboarding_phase_changed onboarding_updated"
    );
    assert_eq!(events("id=nobody").await, "");
    let list = app.get(&format!("/audit_log?id={id}")).await.ok(200);
    insta::assert_json_snapshot!(list["data"][0], {
        ".id" => "[id]", ".actor.id" => "[id]", ".target.id" => "[id]", ".request_id" => "[id]"
    });

    // Pages never tear one instant apart, so a walk sees every line once.
    let all = app.get("/audit_log?limit=100").await.ok(200)["data"].as_array().unwrap().len();
    let (mut seen, mut cursor) = (std::collections::BTreeSet::new(), String::new());
    loop {
        let page = app.get(&format!("/audit_log?limit=1{cursor}")).await.ok(200);
        for entry in page["data"].as_array().unwrap() {
            assert!(seen.insert(entry["id"].to_string()));
        }
        let Some(next) = page["next_cursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(seen.len(), all);

    let export = app
        .request(Method::GET, "/audit_log?event=onboarding_created")
        .bearer_auth(&app.live)
        .header("accept", "text/csv");
    let export = app.send(export).await;
    assert_eq!(export.header("content-type"), "text/csv; charset=utf-8");
    let lines: Vec<_> = export.text.lines().collect();
    assert_eq!(
        lines[0],
        "id,event,actor_type,actor_id,actor_name,object,object_id,diff,reason,request_id,created_at"
    );
    assert_eq!(lines.len(), 2);
    assert!(lines[1].contains(",'=1+1,"), "{}", lines[1]);
}
