//! A workspace sees nothing of another: whatever of it is named, the answer is that for what is not there, byte for byte.

use pivotal_reminders::api::reference::{Operation, document, operations};
use reqwest::Method;
use rstest::rstest;
use serde_json::{Value, json};

use crate::support::app::{Answer, TestApp};
use crate::support::db::Backend;

/// Larger than any display id of these tests.
const ABSENT: &str = "987654";

/// How the rows of one noun are named: in the workspace that owns them, in ours, and nowhere.
struct Names {
    theirs: [String; 2],
    absent: [String; 2],
}

struct Two {
    app: TestApp,
    /// A live key of the workspace that looks.
    ours: String,
}

impl Two {
    /// Two workspaces on one database. The first has rows whose display ids the second has not.
    async fn new(backend: Backend) -> Self {
        let app = TestApp::new(backend).await;
        let ours = app.stranger().await;
        for n in 1..=6 {
            let customer = app.customer(&format!("Customer {n}")).await;
            let contact = json!({ "name": "Ann", "email": format!("ann{n}@acme.example") });
            app.post(&format!("/customers/{n}/contacts"), contact).await.ok(201);
            app.onboarding(&customer, json!({})).await;
            let user = json!({ "name": "Dora", "email": format!("dora{n}@acme.example") });
            app.post("/users", user).await.ok(201);
        }
        app.pass("2026-06-02T07:00:00Z").await;
        let refused = "UPDATE users SET email_flagged_at = '2026-06-02T06:00:00+00:00'";
        app.shared_db().execute(refused).await;
        let silent = "UPDATE contacts SET opted_out_at = '2026-06-02T06:00:00+00:00'";
        app.shared_db().execute(silent).await;
        let plan = json!({ "action": "cancel", "filter": { "kind": "digest" } });
        app.post("/bulk_operations", plan).await.ok(201);
        let two = Self { app, ours };
        two.call("POST", "/customers", &json!({ "name": "Ours" })).await.ok(201);
        let contact = json!({ "name": "Our Ann", "email": "ann@globex.example" });
        two.call("POST", "/customers/1/contacts", &contact).await.ok(201);
        two.call("POST", "/onboardings", &json!({ "customer_id": "1" })).await.ok(201);
        two
    }

    /// A request of the workspace that looks.
    async fn call(&self, method: &str, path: &str, body: &Value) -> Answer {
        let method: Method = method.to_uppercase().parse().unwrap();
        if path.ends_with("/holidays") {
            let file = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nEND:VCALENDAR\r\n";
            let request = self.app.request(method, path).bearer_auth(&self.ours);
            return self.app.send(request.header("content-type", "text/calendar").body(file)).await;
        }
        self.app.call(&self.ours, method, path, body).await
    }

    async fn names(&self, noun: &str) -> Names {
        let rows = self.app.get(&format!("/{noun}?limit=100")).await.ok(200);
        let newest = &rows["data"][0];
        let id = newest["id"].as_str().unwrap();
        let absent = format!("{}zzzz", &id[..id.len() - 4]);
        // Keys have no display id, so theirs is as absent as any.
        let display_id = newest["display_id"].as_i64().map_or(ABSENT.to_owned(), |n| n.to_string());
        Names { theirs: [id.to_owned(), display_id], absent: [absent, ABSENT.to_owned()] }
    }

    /// Ids of everything that the other workspace has.
    async fn their_ids(&self) -> Vec<String> {
        let mut ids = vec![self.app.workspace.id.clone()];
        for noun in [
            "customers",
            "contacts",
            "onboardings",
            "users",
            "api_keys",
            "notifications",
            "jobs",
            "bulk_operations",
        ] {
            let path = match noun {
                "contacts" => "/customers/6/contacts",
                noun => &format!("/{noun}?limit=100"),
            };
            let rows = self.app.get(path).await.ok(200);
            ids.extend(rows["data"].as_array().unwrap().iter().map(|row| id(row).to_owned()));
        }
        ids
    }
}

fn id(row: &Value) -> &str {
    row["id"].as_str().unwrap()
}

/// All of an answer that may not differ.
fn seen(answer: &Answer) -> (u16, String, Vec<(String, String)>) {
    let mut headers: Vec<_> = answer
        .headers
        .iter()
        .filter(|(name, _)| !["x-request-id", "date"].contains(&name.as_str()))
        .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
        .collect();
    headers.sort();
    (answer.status.as_u16(), answer.text.clone(), headers)
}

/// The least body that the operation takes.
fn least_body(op: &Operation) -> Value {
    match op.body {
        Some("CustomerCreate" | "ApiKeyCreate") => json!({ "name": "N" }),
        Some("ContactCreate" | "UserCreate") => json!({ "name": "N", "email": "n@globex.example" }),
        Some("OnboardingCreate") => json!({ "customer_id": "1" }),
        Some("SnoozeCreate") => json!({ "until": "2030-01-01" }),
        Some("ReasonGiven") => json!({ "reason": "a customer asked" }),
        Some("BulkPlan") => json!({ "action": "cancel", "filter": { "kind": "digest" } }),
        Some("BulkApply") => json!({ "hash": "0" }),
        Some(_) => json!({}),
        None => Value::Null,
    }
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn what_is_theirs_is_absent_in_every_path(#[case] backend: Backend) {
    let two = Two::new(backend).await;
    let mut looked = 0;
    // Phases, queues and schedules have the same names everywhere.
    let is_named_alike = |path: &str| path.contains("{key}") || path.contains("{name}");
    for op in operations().filter(|op| op.path.contains('{') && !is_named_alike(op.path)) {
        let noun = op.path.split('/').nth(1).unwrap();
        let names = match noun {
            "contacts" | "opt_outs" => {
                let rows = two.app.get("/customers/6/contacts").await.ok(200);
                let theirs = [id(&rows["data"][0]).to_owned(), "6".to_owned()];
                Names { theirs, absent: ["cont_zzzz".to_owned(), ABSENT.to_owned()] }
            }
            // People have numbers, addresses have none, so theirs is as absent as any.
            "addresses" => {
                let Names { theirs: [id, _], absent } = two.names("users").await;
                Names { theirs: [id, ABSENT.to_owned()], absent }
            }
            noun => two.names(noun).await,
        };
        for (theirs, absent) in names.theirs.iter().zip(&names.absent) {
            let path = |id: &str| op.path.replace("{id}", id).replace("{customerId}", id);
            let body = least_body(op);
            let answer = two.call(op.method, &path(theirs), &body).await;
            assert_eq!(answer.status, 404, "{} {theirs}: {}", op.id, answer.text);
            let none = two.call(op.method, &path(absent), &body).await;
            assert_eq!(seen(&answer), seen(&none), "{}", op.id);
            // Nor has anybody used an idempotency key there.
            if op.method == "post" && theirs != ABSENT {
                let mut answers = Vec::new();
                for (key, id) in [(&two.app.live, theirs), (&two.ours, theirs), (&two.ours, absent)]
                {
                    let request = two.app.request(Method::POST, &path(id)).bearer_auth(key);
                    let request = request.header("idempotency-key", "shared").json(&body);
                    answers.push(two.app.send(request).await);
                }
                assert_ne!(answers[0].status, 404, "{}: it is theirs", op.id);
                assert_eq!(seen(&answers[1]), seen(&answers[2]), "{}", op.id);
            }
            looked += 1;
        }
    }
    assert!(looked >= 2 * 16, "{looked}");
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn what_is_theirs_is_absent_in_every_body(#[case] backend: Backend) {
    const FOREIGN: [&str; 6] = [
        "hubspot_company_id",
        "hubspot_deal_id",
        "stripe_customer_id",
        "intercom_company_id",
        "slack_channel_id",
        "slack_user_id",
    ];
    let two = Two::new(backend).await;
    let (customers, users) = (two.names("customers").await, two.names("users").await);
    let document = document();
    let mut looked = Vec::new();
    for op in operations() {
        let Some(properties) = op
            .body
            .and_then(|name| document["components"]["schemas"][name]["properties"].as_object())
        else {
            continue;
        };
        for property in properties.keys().filter(|key| key.ends_with("_id")) {
            if FOREIGN.contains(&property.as_str()) {
                continue;
            }
            let names = if property == "customer_id" { &customers } else { &users };
            for (theirs, absent) in names.theirs.iter().zip(&names.absent) {
                let path = op.path.replace("{id}", "1").replace("{customerId}", "1");
                let mut body = least_body(op);
                body[property] = json!(theirs);
                let answer = two.call(op.method, &path, &body).await;
                body[property] = json!(absent);
                let none = two.call(op.method, &path, &body).await;
                assert_eq!(seen(&answer), seen(&none), "{} {property}", op.id);
                assert!(
                    answer.error().ends_with(&format!("user_not_found {property}"))
                        || answer.error() == "404 not_found customer_not_found"
                        || answer.error().ends_with("template_not_found template_id"),
                    "{} {property}: {}",
                    op.id,
                    answer.text
                );
            }
            looked.push(property.clone());
        }
    }
    looked.sort();
    looked.dedup();
    let expected = [
        "backup_user_id",
        "csm_id",
        "customer_id",
        "designer_id",
        "escalation_user_id",
        "owner_user_id",
        "product_ops_id",
        "se_id",
        "template_id",
    ];
    assert_eq!(looked, expected, "a new reference wants a look here");
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn what_is_theirs_is_absent_in_every_list_filter_and_cursor(#[case] backend: Backend) {
    let two = Two::new(backend).await;
    let their_ids = two.their_ids().await;
    let key = two.app.get("/me").await.ok(200)["api_key"]["id"].as_str().unwrap().to_owned();
    let onboarding = two.names("onboardings").await;
    let customer = two.names("customers").await;
    let (users, notifications) = (two.names("users").await, two.names("notifications").await);
    let clean = |answer: &Answer, what: &str| {
        let found = their_ids.iter().find(|id| answer.text.contains(id.as_str()));
        assert_eq!(found, None, "{what}: {}", answer.text);
    };
    let mut looked = 0;
    for op in operations().filter(|op| op.method == "get" && op.success.1.ends_with("List")) {
        let path = op.path.replace("{customerId}", "1").replace("{name}", "scan");
        let all = two.call("get", &path, &Value::Null).await;
        all.ok(200);
        clean(&all, op.id);
        // Their rows are older and newer than ours, so their cursors cut ours somewhere; nothing of theirs may fill the gap.
        for theirs in
            ["2026-06-01T08:00:00.001Z", "2026-06-01T08:00:00.005Z", "2027-01-01T00:00:00Z"]
        {
            let page = two.call("get", &format!("{path}?cursor={theirs}"), &Value::Null).await;
            page.ok(200);
            clean(&page, op.id);
        }
        for (filter, _, _) in op.query {
            let (theirs, absent): (&[String], &[String]) = match *filter {
                "customer_id" => (&customer.theirs, &customer.absent),
                "id" | "onboarding_id" => (&onboarding.theirs, &onboarding.absent),
                "actor" => (std::slice::from_ref(&key), &["key_zzzz".to_owned()]),
                "slug" => (&["customer-6".to_owned()], &["nobody".to_owned()]),
                "user_id" => (&users.theirs, &users.absent),
                "notification_id" => (&notifications.theirs, &notifications.absent),
                "kind" | "channel" | "reason" | "mode" | "created_after" | "created_before" | "q" | "queue"
                | "status" | "state" | "phase" | "object" | "event" | "after" | "before" | "days" | "hours"
                // Shown in reminders.rs: what is not ours has nothing to come, and cannot be imagined otherwise.
                | "csm_id" | "as_if" => continue,
                new => panic!("the filter {new} of {} wants a look here", op.id),
            };
            for (theirs, absent) in theirs.iter().zip(absent) {
                let ask = async |value: &str| {
                    two.call("get", &format!("{path}?{filter}={value}"), &Value::Null).await
                };
                let (answer, none) = (ask(theirs).await, ask(absent).await);
                assert_eq!(answer.ok(200)["data"], json!([]), "{} {filter}={theirs}", op.id);
                assert_eq!(seen(&answer), seen(&none), "{} {filter}={theirs}", op.id);
                looked += 1;
            }
        }
    }
    assert!(looked >= 6, "{looked}");
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn their_idempotency_keys_are_not_ours(#[case] backend: Backend) {
    let two = Two::new(backend).await;
    for (path, body) in [
        ("/customers", json!({ "name": "Same" })),
        ("/customers/1/contacts", json!({ "name": "Same", "email": "same@same.example" })),
        ("/onboardings", json!({ "customer_id": "1" })),
        ("/users", json!({ "name": "Same", "email": "same@same.example" })),
        ("/api_keys", json!({ "name": "Same" })),
    ] {
        let mut ids = Vec::new();
        for key in [&two.app.live, &two.ours] {
            let request = two.app.request(Method::POST, path).bearer_auth(key);
            let answer = two.app.send(request.header("idempotency-key", "same").json(&body)).await;
            assert_eq!(answer.header("idempotency-replay"), "", "{path}");
            ids.push(id(&answer.ok(201)).to_owned());
        }
        assert_ne!(ids[0], ids[1], "{path}");
    }
}
