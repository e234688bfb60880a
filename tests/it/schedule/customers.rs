//! What customers hear: nothing by default, at most one note a day, never by mistake.

use reqwest::Method;
use rstest::rstest;
use serde_json::{Value, json};

use crate::support::db::Backend;
use crate::support::fake_smtp::{At, Do, Script};
use crate::support::stage::Stage;

/// Ida is the contact of Halden Freight, with which Acme has been waiting since 1 June; Carl is told nothing himself.
struct Reminded {
    stage: Stage,
    onboarding: String,
    customer: String,
    contact: String,
}

impl Reminded {
    async fn not(backend: Backend) -> Self {
        let stage = Stage::mail_only(backend).await;
        let carl = format!("/users/{}/notification_preferences", stage.app.csm.id);
        let quiet = json!({ "digest_enabled": false, "muted_kinds": ["waiting_on_customer", "stalled_phase"] });
        stage.patch(&carl, quiet).await;
        let onboarding = stage.onboard("Halden Freight", json!({ "state": "waiting" })).await;
        let found = stage.app.get(&onboarding).await.ok(200);
        let customer = format!("/customers/{}", found["customer_id"].as_str().unwrap());
        let ida = json!({ "name": "Ida Bramwell", "email": "ida@halden.example" });
        let made = stage.app.post(&format!("{customer}/contacts"), ida).await.ok(201);
        let contact = format!("/contacts/{}", made["id"].as_str().unwrap());
        Self { stage, onboarding, customer, contact }
    }

    /// The workspace reminds its customers.
    async fn wanted(backend: Backend) -> Self {
        let site = Self::not(backend).await;
        site.stage.patch("/workspace", json!({ "customer_reminders": true })).await;
        site
    }

    async fn test(&self, path: &str, body: Value) {
        self.stage.app.call(&self.stage.app.test, Method::PATCH, path, &body).await.ok(200);
    }

    /// Every note to a customer, oldest first.
    async fn notes(&self) -> Vec<String> {
        let sql = "SELECT n.slot_date, n.step, n.mode, n.state, n.reason, c.email FROM notifications n JOIN contacts c ON c.id = n.recipient_id
             WHERE n.kind = 'customer_reminder' ORDER BY n.id";
        let rows = self.stage.service.db.rows(sql).await;
        let word = |row: &Value, key: &str| row[key].as_str().unwrap_or("-").to_owned();
        rows.iter()
            .map(|row| {
                let [date, mode, state, reason, email] =
                    ["slot_date", "mode", "state", "reason", "email"].map(|key| word(row, key));
                format!("{date} step {} {mode} to {email}: {state} {reason}", row["step"])
            })
            .collect()
    }

    async fn passes(&self, days: impl IntoIterator<Item = u8>) {
        for day in days {
            let now = format!("2026-06-{day:02}T10:00:00Z");
            self.stage.scan(&now).await;
            self.stage.drain(&now).await;
        }
    }
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn a_customer_is_reminded_of_nothing_unless_the_workspace_wants_it(#[case] backend: Backend) {
    let site = Reminded::not(backend).await;
    site.passes(1..=30).await;
    assert!(site.notes().await.is_empty());
    assert_eq!(site.stage.relay.connections(), 0);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn the_primary_contact_is_reminded_at_the_same_steps_whatever_the_flags_say(
    #[case] backend: Backend,
) {
    let site = Reminded::wanted(backend).await;
    let other = json!({ "name": "Otto", "email": "otto@halden.example" });
    site.stage.app.post(&format!("{}/contacts", site.customer), other).await.ok(201);
    let off = json!({ "reminder_email": false, "reminder_slack": false });
    site.stage.patch(&site.onboarding, off).await;
    site.passes(1..=30).await;
    insta::assert_snapshot!(site.notes().await.join("\n"), @r"
    2026-06-04 step 1 live to ida@halden.example: sent -
    2026-06-08 step 2 live to ida@halden.example: sent -
    2026-06-15 step 3 live to ida@halden.example: sent -
    2026-06-22 step 4 live to ida@halden.example: sent -
    ");
    assert!(site.stage.relay.accepted().iter().all(|mail| mail.to == "ida@halden.example"));
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn two_onboardings_of_one_customer_make_one_note_a_day(#[case] backend: Backend) {
    let site = Reminded::wanted(backend).await;
    let id = site.customer.rsplit('/').next().unwrap();
    for _ in 0..2 {
        let another =
            json!({ "customer_id": id, "csm_id": site.stage.app.csm.id, "state": "waiting" });
        site.stage.app.post("/onboardings", another).await.ok(201);
    }
    site.passes([4, 5]).await;
    insta::assert_snapshot!(site.notes().await.join("\n"), @"2026-06-04 step 1 live to ida@halden.example: sent -");
    assert_eq!(site.stage.relay.accepted().len(), 1);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn a_contact_of_a_test_key_hears_nothing_until_a_live_key_writes_the_same(
    #[case] backend: Backend,
    #[values("email", "is_primary")] field: &str,
) {
    let site = Reminded::wanted(backend).await;
    let value = if field == "email" { json!("ida@halden.example") } else { json!(true) };
    site.test(&site.contact, json!({ field: value })).await;
    site.passes([4]).await;
    assert_eq!(site.stage.relay.connections(), 0, "written by a test key");
    site.stage.at("2026-06-05T08:00:00Z");
    site.stage.patch(&site.contact, json!({ field: value })).await;
    site.passes([8]).await;
    // Between the pass and the delivery it is not too late either.
    site.stage.scan("2026-06-15T10:00:00Z").await;
    site.stage.at("2026-06-15T10:00:01Z");
    site.test(&site.contact, json!({ field: value })).await;
    site.stage.drain("2026-06-15T10:00:02Z").await;
    insta::assert_snapshot!(site.notes().await.join("\n"), @r"
    2026-06-04 step 1 test to ida@halden.example: suppressed test_mode
    2026-06-08 step 2 live to ida@halden.example: sent -
    2026-06-15 step 3 live to ida@halden.example: skipped state_changed
    ");
    assert_eq!(site.stage.relay.accepted().len(), 1);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn a_contact_whom_a_test_key_made_or_a_wait_that_one_began_reaches_nobody(
    #[case] backend: Backend,
) {
    let site = Reminded::wanted(backend).await;
    let made = json!({ "name": "Tess", "email": "tess@halden.example", "is_primary": true });
    let path = format!("{}/contacts", site.customer);
    site.stage.app.call(&site.stage.app.test, Method::POST, &path, &made).await.ok(201);
    site.passes([4]).await;
    // The star goes back by a live key, but the wait is a test key's by now.
    site.stage.at("2026-06-05T08:00:00Z");
    site.stage.patch(&site.contact, json!({ "is_primary": true })).await;
    site.test(&site.onboarding, json!({ "waiting_on_customer": true })).await;
    site.passes([8]).await;
    insta::assert_snapshot!(site.notes().await.join("\n"), @r"
    2026-06-04 step 1 test to tess@halden.example: suppressed test_mode
    2026-06-08 step 2 test to ida@halden.example: suppressed test_mode
    ");
    assert_eq!(site.stage.relay.connections(), 0);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn an_address_that_was_refused_is_not_written_to_again(#[case] backend: Backend) {
    let site = Reminded::wanted(backend).await;
    site.stage.relay.set_script(Script::new().on(At::Rcpt, Do::reply("550 5.1.1 no such user")));
    site.passes([4]).await;
    site.stage.relay.set_script(Script::new());
    site.passes([8]).await;
    // A new address is another chance.
    site.stage.at("2026-06-09T08:00:00Z");
    site.stage.patch(&site.contact, json!({ "email": "ida.b@halden.example" })).await;
    site.passes([15]).await;
    insta::assert_snapshot!(site.notes().await.join("\n"), @r"
    2026-06-04 step 1 live to ida.b@halden.example: failed address_refused
    2026-06-08 step 2 live to ida.b@halden.example: skipped channel_off
    2026-06-15 step 3 live to ida.b@halden.example: sent -
    ");
}

#[rstest]
#[case::paused_sqlite(Backend::Sqlite, json!({ "state": "paused", "waiting_on_customer": true }))]
#[case::paused_postgres(Backend::Postgres, json!({ "state": "paused", "waiting_on_customer": true }))]
#[case::not_waiting_sqlite(Backend::Sqlite, json!({ "waiting_on_customer": false }))]
#[case::not_waiting_postgres(Backend::Postgres, json!({ "waiting_on_customer": false }))]
#[case::completed_sqlite(Backend::Sqlite, json!({ "phase": "completed" }))]
#[case::completed_postgres(Backend::Postgres, json!({ "phase": "completed" }))]
#[tokio::test]
async fn whoever_need_not_answer_any_more_is_not_asked(
    #[case] backend: Backend,
    #[case] change: Value,
) {
    let site = Reminded::wanted(backend).await;
    site.stage.scan("2026-06-04T10:00:00Z").await;
    site.stage.at("2026-06-04T10:00:01Z");
    site.stage.patch(&site.onboarding, change).await;
    site.stage.drain("2026-06-04T10:00:02Z").await;
    site.passes([5, 8, 15, 22]).await;
    assert_eq!(
        site.notes().await,
        ["2026-06-04 step 1 live to ida@halden.example: skipped state_changed"]
    );
    assert_eq!(site.stage.relay.accepted().len(), 0);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn a_note_to_a_customer_is_given_up_after_24_hours(#[case] backend: Backend) {
    let site = Reminded::wanted(backend).await;
    site.stage.scan("2026-06-04T10:00:00Z").await;
    site.stage.drain("2026-06-05T10:00:00Z").await;
    assert_eq!(
        site.notes().await,
        ["2026-06-04 step 1 live to ida@halden.example: skipped expired"]
    );
}
