//! The operators' story over the API: find what failed, read why, have it sent; stop a queue; act on many at once.

use chrono::{DateTime, TimeDelta, Utc};
use pivotal_reminders::domain::values::{Mode, Scope, Tier};
use reqwest::Method;
use rstest::rstest;
use serde_json::{Value, json};

use crate::support::db::Backend;
use crate::support::fake_smtp::{At, Do, Script};
use crate::support::stage::Stage;

const WHY: &str = "the relay was mended";

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
async fn an_operator_finds_what_failed_reads_why_and_has_it_sent(#[case] backend: Backend) {
    let stage = with_a_failed_mail(backend).await;
    let app = &stage.app;
    let found = app.get("/notifications?state=failed&q=halden").await.ok(200);
    assert_eq!(found["data"].as_array().unwrap().len(), 1, "{found}");
    let id = found["data"][0]["id"].as_str().unwrap().to_owned();
    let one = app.get(&format!("/notifications/{id}")).await.ok(200);
    assert_eq!((&one["state"], &one["reason"]), (&json!("failed"), &json!("message_refused")));
    let reply = one["attempts"][0]["reply"].as_str().unwrap();
    assert!(reply.contains("refused for its content"), "{reply}");
    let keys: Vec<&str> = one["message"].as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(keys, ["subject", "text", "html", "blocks"]);
    let gates: Vec<(&str, bool)> = one["gates"]
        .as_array()
        .unwrap()
        .iter()
        .map(|gate| (gate["gate"].as_str().unwrap(), gate["passed"].as_bool().unwrap()))
        .collect();
    let expected =
        [("due", true), ("deadline", true), ("delivery", false), ("message_refused", false)];
    assert_eq!(gates, expected);
    assert_eq!(one["onboardings"][0]["customer_name"], "Halden Freight");
    let retry = format!("/notifications/{id}/retry");
    assert_eq!(
        app.post(&retry, json!({})).await.error(),
        "400 invalid_request_error missing_field reason"
    );
    let retried = app.post(&retry, json!({ "reason": WHY })).await.ok(200);
    assert_eq!(retried["state"], "scheduled");
    let open = app.get(&format!("/notifications/{id}")).await.ok(200);
    let gates = open["gates"].as_array().unwrap();
    let of = |name: &str| gates.iter().find(|gate| gate["gate"] == name);
    assert!(of("recipient").is_some_and(|gate| gate["onboarding_id"] == open["onboarding_ids"][0]));
    stage.drain("2026-06-02T08:00:00Z").await;
    assert_eq!(stage.relay.accepted().len(), 1);
    let again = app.post(&retry, json!({ "reason": WHY })).await;
    assert_eq!(again.error(), "409 conflict action_refused");
    assert_eq!(again.json()["error"]["message"], "It was sent; re-send it instead.");
    let entries = app.get(&format!("/audit_log?id={id}")).await.ok(200);
    assert_eq!(entries["data"][0]["event"], "notification_retried");
    assert_eq!(entries["data"][0]["reason"], WHY);
    assert_eq!(entries["data"][0]["actor"]["name"], "API: CRM sync");
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn what_has_ended_is_sent_anew_and_what_is_in_doubt_is_decided(#[case] backend: Backend) {
    let stage = with_a_failed_mail(backend).await;
    let app = &stage.app;
    let failed = app.get("/notifications?state=failed").await.ok(200)["data"][0].clone();
    let id = failed["id"].as_str().unwrap();
    let why = json!({ "reason": WHY });
    let not_in_doubt = app.post(&format!("/notifications/{id}/delivered"), why.clone()).await;
    assert_eq!(not_in_doubt.error(), "409 conflict action_refused");
    let anew = app.post(&format!("/notifications/{id}/resend"), why.clone()).await.ok(201);
    assert_ne!(anew["id"], failed["id"]);
    assert_eq!(
        app.get(&format!("/notifications/{}", anew["id"].as_str().unwrap())).await.ok(200)["resend_of"],
        id
    );
    stage.relay.set_script(Script::new().on(At::Dot, Do::Take(Box::new(Do::Close))));
    stage.drain("2026-06-02T08:00:00Z").await;
    stage.relay.set_script(Script::new());
    stage.sql("UPDATE notifications SET state = 'ambiguous', reason = 'outcome_unknown' WHERE resend_of IS NOT NULL").await;
    let doubted = format!("/notifications/{}/delivered", anew["id"].as_str().unwrap());
    let read_only = app.key(Mode::Live, Tier::Unlimited, &[Scope::Read]).await;
    let no_scope = app.call(&read_only, Method::POST, &doubted, &why).await;
    assert_eq!(no_scope.error(), "403 permission_error insufficient_scope");
    assert_eq!(app.post(&doubted, why).await.ok(200)["state"], "sent");
    let log = app.get("/audit_log?object=notification").await.ok(200);
    let events = log["data"].as_array().unwrap().iter().map(|entry| &entry["event"]);
    for event in ["notification_delivered", "notification_resent"] {
        assert!(events.clone().any(|seen| seen == event), "{log}");
    }
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn who_is_not_written_to_is_listed_and_written_to_again(#[case] backend: Backend) {
    let stage = Stage::new(backend).await;
    let app = &stage.app;
    stage.onboard("Halden Freight", json!({})).await;
    let contact = json!({ "name": "Ida", "email": "ida@halden.example" });
    let ida = app.post("/customers/1/contacts", contact).await.ok(201)["id"].clone();
    let (carl, ida) = (app.csm.id.clone(), ida.as_str().unwrap().to_owned());
    stage.sql("UPDATE users SET email_flagged_at = '2026-06-01T09:00:00+00:00' WHERE name LIKE 'Carl%'").await;
    stage.sql("UPDATE contacts SET opted_out_at = '2026-06-01T09:00:00+00:00'").await;
    let refused = app.get("/addresses").await.ok(200)["data"][0].clone();
    assert_eq!(
        refused,
        json!({
            "object": "flagged_address",
            "recipient": { "type": "user", "id": carl, "name": "Carl Csm", "address": "carl@acme.example" },
            "channel": "email",
            "flagged_at": "2026-06-01T09:00:00.000Z",
        })
    );
    let why = json!({ "reason": WHY });
    let clear = format!("/addresses/{carl}/clear");
    let by_test = app.call(&app.test, Method::POST, &clear, &why).await;
    assert_eq!(by_test.error(), "409 conflict action_refused");
    assert_eq!(
        app.post(&clear, json!({ "reason": WHY, "channel": "slack" })).await.error(),
        "409 conflict action_refused"
    );
    let once = async || {
        let request = app.request(Method::POST, &clear).bearer_auth(&app.live).json(&why);
        app.send(request.header("idempotency-key", "clear-carl")).await
    };
    assert_eq!(once().await.ok(200), refused);
    assert_eq!(once().await.ok(200), refused, "answered again, and done once");
    assert_eq!(app.post(&clear, why.clone()).await.error(), "409 conflict action_refused");
    assert_eq!(app.get("/addresses").await.ok(200)["data"], json!([]));

    let lift = format!("/opt_outs/{ida}/lift");
    let by_test = app.call(&app.test, Method::POST, &lift, &why).await;
    assert_eq!(by_test.error(), "409 conflict action_refused");
    let lifted = app.post(&lift, why.clone()).await.ok(200);
    assert_eq!(
        (&lifted["recipient"]["name"], &lifted["kind"]),
        (&json!("Ida"), &json!("customer_reminder"))
    );
    assert_eq!(app.post(&lift, why).await.json()["error"]["message"], "Ida has not unsubscribed.");
    assert_eq!(app.get("/opt_outs").await.ok(200)["data"], json!([]));
    for (event, id) in [("address_cleared", &carl), ("contact_resubscribed", &ida)] {
        let entry = &app.get(&format!("/audit_log?event={event}")).await.ok(200)["data"][0];
        assert_eq!((&entry["target"]["id"], &entry["reason"]), (&json!(id), &json!(WHY)));
    }
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn what_comes_to_nobody_what_a_pass_would_write_and_how_the_service_is(
    #[case] backend: Backend,
) {
    let stage = Stage::new(backend).await;
    let app = &stage.app;
    stage.onboard("Halden Freight", json!({})).await;
    app.enter_schedules().await;
    stage.at("2026-06-01T20:00:00Z");
    let planned = app.get("/schedules/scan/dry_run").await.ok(200)["data"][0].clone();
    assert_eq!(
        (&planned["at"], &planned["kind"], &planned["state"], &planned["recipient"]["id"]),
        (
            &json!("2026-06-02T07:00:00.000Z"),
            &json!("digest"),
            &json!("scheduled"),
            &json!(app.csm.id)
        )
    );
    assert_eq!(app.get("/schedules/scan/dry_run?hours=2").await.ok(200)["data"], json!([]));
    assert!(stage.ledger().await.is_empty(), "nothing was written");
    for (query, error) in [
        ("scan/dry_run?hours=0", "400 invalid_request_error too_small hours"),
        ("scan/dry_run?hours=745", "400 invalid_request_error too_big hours"),
        ("scan/dry_run?hours=x", "400 invalid_request_error invalid_type hours"),
        ("prune_jobs/dry_run", "409 conflict action_refused"),
        ("pigeons/dry_run", "404 not_found schedule_not_found"),
    ] {
        assert_eq!(app.get(&format!("/schedules/{query}")).await.error(), error);
    }
    let status = app.get("/status").await.ok(200);
    assert_eq!((&status["object"], &status["unroutable"]), (&json!("status"), &json!(0)));
    stage.sql("UPDATE users SET active = false").await;
    stage.sql("UPDATE reminder_state SET recipient_id = ''").await;
    let nobody = app.get("/reminders/unroutable").await.ok(200)["data"][0].clone();
    assert_eq!(
        (&nobody["display_id"], &nobody["customer_name"], &nobody["csm_name"]),
        (&json!(1), &json!("Halden Freight"), &json!("Carl Csm"))
    );
    let status = app.get("/status").await.ok(200);
    assert_eq!((&status["unroutable"], &status["unaccounted"]), (&json!(1), &json!(0)));
    assert_eq!(nobody["mode"], "live");
    assert!(status["warnings"].to_string().contains("unroutable"), "{}", status["warnings"]);
    // What all workspaces do together is nobody's who has one of several.
    app.stranger().await;
    let status = app.get("/status").await.ok(200);
    assert_eq!((&status["unaccounted"], &status["last_found"]), (&Value::Null, &Value::Null));
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn a_queue_is_stopped_for_the_workspace_and_goes_on(#[case] backend: Backend) {
    let stage = Stage::new(backend).await;
    let app = &stage.app;
    stage.onboard("Halden Freight", json!({})).await;
    stage.scan("2026-06-02T07:00:00Z").await;
    stage.at("2026-06-02T07:00:00Z");
    let body = json!({ "reason": "wrong texts" });
    let paused = app.post("/queues/email/pause", body.clone()).await.ok(200);
    assert_eq!(paused["paused_by"], "API: CRM sync");
    assert_eq!((&paused["paused"], &paused["ready"]), (&json!(true), &json!(1)));
    stage.drain("2026-06-02T07:00:00Z").await;
    assert_eq!(stage.relay.accepted().len(), 0, "workers obey");
    let twice = app.post("/queues/email/pause", body.clone()).await;
    assert_eq!(twice.json()["error"]["message"], "It is paused already.");
    let test = app.test.clone();
    let by_test = app.call(&test, Method::POST, "/queues/email/resume", &body).await;
    assert_eq!(by_test.error(), "409 conflict action_refused");
    app.post("/queues/email/resume", body.clone()).await.ok(200);
    stage.drain("2026-06-02T07:00:00Z").await;
    assert_eq!(stage.relay.accepted().len(), 1);
    let nowhere = app.post("/queues/pigeons/pause", body).await;
    assert_eq!(nowhere.error(), "404 not_found queue_not_found");
    let reader = app.key(Mode::Live, Tier::Unlimited, &[Scope::Read]).await;
    let refused = app.call(&reader, Method::GET, "/queues", &Value::Null).await;
    assert_eq!(refused.error(), "403 permission_error insufficient_scope");
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn many_are_planned_applied_by_a_worker_and_taken_back(#[case] backend: Backend) {
    let stage = with_a_failed_mail(backend).await;
    let app = &stage.app;
    let plan = json!({ "action": "retry", "filter": { "state": "failed" }, "reason": WHY });
    let planned = app.post("/bulk_operations", plan).await.ok(201);
    assert_eq!((&planned["state"], &planned["count"]), (&json!("planned"), &json!(1)));
    let id = planned["id"].as_str().unwrap();
    let wrong = app.post(&format!("/bulk_operations/{id}/apply"), json!({ "hash": "0" })).await;
    assert_eq!(wrong.error(), "409 conflict action_refused");
    let hash = json!({ "hash": planned["hash"] });
    let applying = app.post(&format!("/bulk_operations/{id}/apply"), hash).await.ok(200);
    assert_eq!(applying["state"], "applying");
    while pivotal_reminders::operate::bulk::step(app.db(), app.now()).await.unwrap() {}
    let applied = app.get(&format!("/bulk_operations/{id}")).await.ok(200);
    assert_eq!((&applied["state"], &applied["done"]), (&json!("applied"), &json!(1)));
    app.post(&format!("/bulk_operations/{id}/undo"), json!({})).await.ok(200);
    while pivotal_reminders::operate::bulk::step(app.db(), app.now()).await.unwrap() {}
    let list = app.get("/bulk_operations").await.ok(200);
    assert_eq!(list["data"][0]["state"], "undone");
    let failed = app.get("/notifications?state=failed").await.ok(200);
    assert_eq!(failed["data"].as_array().unwrap().len(), 1);
    for (body, error) in [
        (json!({ "filter": {} }), "missing_field action"),
        (json!({ "action": "retry" }), "missing_field filter"),
        (json!({ "action": "burn", "filter": {} }), "invalid_enum_value action"),
        (json!({ "action": "retry", "filter": {} }), "custom filter"),
        (json!({ "action": "retry", "filter": [] }), "invalid_type filter"),
        (
            json!({ "action": "retry", "filter": { "state": "lost" } }),
            "invalid_enum_value filter.state",
        ),
    ] {
        let answer = app.post("/bulk_operations", body).await;
        assert_eq!(answer.error(), format!("400 invalid_request_error {error}"));
    }
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn a_list_written_in_one_instant_is_paged_without_loss_and_given_as_a_file(
    #[case] backend: Backend,
) {
    let stage = Stage::new(backend).await;
    let app = &stage.app;
    stage.onboard("Halden Freight", json!({})).await;
    stage.scan("2026-06-02T07:00:00Z").await;
    let columns = "workspace_id, kind, channel, mode, recipient_type, recipient_id, slot_date, escalation, state, not_before, deadline,
        attempt_count, delivery_count, claim_count, resent, pushed_at, created_at, updated_at";
    // Ids as a pass makes them: of one millisecond, apart in their random part.
    let at: DateTime<Utc> = "2026-06-02T07:00:00Z".parse().unwrap();
    let id = pivotal_reminders::domain::ids::IdKind::Notification.first(at);
    let head = &id[..id.len() - 16];
    for n in 0..40 {
        let tail = format!("{:04}{:012}", n * 13, n);
        stage
            .sql(&format!(
                "INSERT INTO notifications (id, dedupe_key, {columns}) SELECT '{head}{tail}', 'copy{n}', {columns} FROM notifications LIMIT 1"
            ))
            .await;
    }
    let mut seen = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = app.get(&format!("/notifications?limit=7{cursor}")).await.ok(200);
        let rows = page["data"].as_array().unwrap();
        assert!(rows.len() <= 7 && !rows.is_empty());
        seen.extend(rows.iter().map(|row| row["id"].as_str().unwrap().to_owned()));
        let Some(next) = page["next_cursor"].as_str() else { break };
        assert_eq!(page["has_more"], true);
        cursor = format!("&cursor={next}");
    }
    assert_eq!(seen.len(), 41);
    let mut sorted = seen.clone();
    sorted.sort_by(|a, b| b.cmp(a));
    sorted.dedup();
    assert_eq!(seen, sorted, "newest first, none twice");
    let before = app.get("/notifications?cursor=2026-06-02T07:00:00.000Z").await.ok(200);
    assert_eq!(before["data"], json!([]), "strictly older");
    let ahead = (at + TimeDelta::milliseconds(1)).to_rfc3339().replace('+', "%2B");
    let after = app.get(&format!("/notifications?limit=100&cursor={ahead}")).await.ok(200);
    assert_eq!(after["data"].as_array().unwrap().len(), 41);
    let request = app.request(Method::GET, "/notifications?kind=digest").bearer_auth(&app.live);
    let file = app.send(request.header("accept", "text/csv")).await;
    assert_eq!(file.header("content-type"), "text/csv; charset=utf-8");
    assert_eq!(file.text.lines().count(), 42);
    assert!(file.text.starts_with("id,kind,channel,mode,state,reason,recipient_type,"));
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn jobs_and_schedules_are_seen_and_moved_over_the_api(#[case] backend: Backend) {
    let stage = with_a_failed_mail(backend).await;
    let app = &stage.app;
    let failed = app.get("/notifications?state=failed").await.ok(200);
    let id = failed["data"][0]["id"].as_str().unwrap();
    let jobs = app.get(&format!("/jobs?notification_id={id}")).await.ok(200);
    let job = jobs["data"][0]["id"].as_str().unwrap();
    let one = app.get(&format!("/jobs/{job}")).await.ok(200);
    assert_eq!(one["notification_ids"], json!([id]));
    app.post(&format!("/jobs/{job}/retry"), json!({})).await.ok(200);
    stage.drain("2026-06-02T08:00:00Z").await;
    assert_eq!(stage.relay.accepted().len(), 1);
    let nothing = app.post(&format!("/jobs/{job}/run_now"), json!({})).await;
    assert_eq!(nothing.json()["error"]["message"], "It has ended already, as sent.");

    app.enter_schedules().await;
    let all = app.get("/schedules").await.ok(200);
    assert_eq!(all["data"][0]["name"], "scan");
    let paused = app.post("/schedules/scan/pause", json!({})).await.ok(200);
    assert_eq!((&paused["paused"], &paused["next_run_at"]), (&json!(true), &Value::Null));
    let test = app.test.clone();
    let by_test = app.call(&test, Method::POST, "/schedules/scan/run", &json!({})).await;
    assert_eq!(by_test.error(), "409 conflict action_refused");
    let asked = app.post("/schedules/scan/run", json!({})).await.ok(200);
    assert!(asked["requested_at"].is_string());
    app.post("/schedules/scan/resume", json!({})).await.ok(200);
    // With a second vendor on the installation, no key of one moves what is everybody's.
    app.stranger().await;
    let refused = app.post("/schedules/scan/pause", json!({})).await;
    assert!(refused.text.contains("a key opens only one"), "{}", refused.text);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn whoever_clears_addresses_page_by_page_meets_each_of_them(#[case] backend: Backend) {
    let stage = Stage::new(backend).await;
    let app = &stage.app;
    for n in 1..=7 {
        let user = json!({ "name": format!("Dora {n}"), "email": format!("dora{n}@acme.example") });
        app.post("/users", user).await.ok(201);
    }
    stage.sql("UPDATE users SET email_flagged_at = '2026-06-01T09:00:00+00:00'").await;
    let (mut cleared, mut cursor) = (0, String::new());
    loop {
        let page = app.get(&format!("/addresses?limit=2{cursor}")).await.ok(200);
        for one in page["data"].as_array().unwrap() {
            let clear = format!("/addresses/{}/clear", one["recipient"]["id"].as_str().unwrap());
            app.post(&clear, json!({ "reason": WHY })).await.ok(200);
            cleared += 1;
        }
        let Some(next) = page["next_cursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(cleared, 9, "Olga, Carl and the seven");
    assert_eq!(app.get("/addresses").await.ok(200)["data"], json!([]));
}
