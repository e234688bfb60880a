//! A workspace whose time the test tells: HTTP writes happen when the test says, passes and deliveries are processes run `--now`.

use std::fmt::Write;

use chrono::{DateTime, Utc};
use pivotal_reminders::store::hints::{self, Touched};
use reqwest::Method;
use serde_json::{Value, json};

use super::app::TestApp;
use super::db::Backend;
use super::fake_slack::FakeSlack;
use super::fake_smtp::{FakeSmtp, Script};
use super::service::Service;

/// The workspace `acme` in UTC, on Monday, 1 June 2026, 08:00: Olga owns it, Carl is the CSM, both with a Slack id.
pub(crate) struct Stage {
    pub(crate) app: TestApp,
    pub(crate) service: Service,
    pub(crate) relay: FakeSmtp,
    pub(crate) slack: FakeSlack,
}

impl Stage {
    /// Mail and Slack are configured.
    pub(crate) async fn new(backend: Backend) -> Self {
        let mut stage = Self::mail_only(backend).await;
        stage.service.set("SLACK_BOT_TOKEN", "xoxb-canary");
        stage.service.set("SLACK_API_URL", &stage.slack.url());
        stage
    }

    /// Only mail is configured.
    pub(crate) async fn mail_only(backend: Backend) -> Self {
        let app = TestApp::new(backend).await;
        let mut service = Service::over(app.shared_db());
        let (relay, slack) = (FakeSmtp::start(Script::new()).await, FakeSlack::start(vec![]).await);
        service.set("SMTP_URL", &relay.url());
        service.set("MAIL_FROM", "Acme <reminders@acme.example>");
        let stage = Self { app, service, relay, slack };
        stage.sql("UPDATE users SET slack_user_id = 'U0' || upper(substr(name, 1, 4))").await;
        stage
    }

    /// Writes over HTTP happen at this instant from now on.
    pub(crate) fn at(&self, now: &str) {
        self.app.advance(instant(now) - self.app.now());
    }

    /// One pass; answers with its summary.
    pub(crate) async fn scan(&self, now: &str) -> Value {
        let summary = self.service.ok(&["scan", "--json", "--now", now]).await.json();
        assert_eq!(summary["unaccounted"], 0, "{summary}");
        summary
    }

    /// Delivers what is ready.
    pub(crate) async fn drain(&self, now: &str) -> Value {
        self.service.ok(&["work", "--drain", "--json", "--now", now]).await.json()
    }

    /// One pass, and what it wrote is delivered.
    pub(crate) async fn pass(&self, now: &str) {
        if self.scan(now).await["scheduled"] != 0 {
            self.drain(now).await;
        }
    }

    /// An onboarding of a new customer for Carl, with reminders on both channels; `fields` go into the body. Answers with its path.
    pub(crate) async fn onboard(&self, customer: &str, fields: Value) -> String {
        let key = self.app.live.clone();
        self.onboard_with(&key, customer, fields).await
    }

    /// The same, created with another key.
    pub(crate) async fn onboard_with(&self, key: &str, customer: &str, fields: Value) -> String {
        let customer = self
            .app
            .call(key, Method::POST, "/customers", &json!({ "name": customer }))
            .await
            .ok(201);
        let mut body = json!({
            "customer_id": customer["id"], "csm_id": self.app.csm.id, "reminder_email": true, "reminder_slack": true,
        });
        for (name, value) in fields.as_object().unwrap() {
            body[name] = value.clone();
        }
        let made = self.app.call(key, Method::POST, "/onboardings", &body).await.ok(201);
        format!("/onboardings/{}", made["id"].as_str().unwrap())
    }

    /// PATCH with the live key.
    pub(crate) async fn patch(&self, path: &str, body: Value) {
        self.app.patch(path, body).await.ok(200);
    }

    pub(crate) async fn sql(&self, sql: &str) {
        self.service.db.execute(sql).await;
    }

    /// Changes Carl's row and recomputes what depends on it, as the API of users will.
    pub(crate) async fn set_carl(&self, columns: &str) {
        let id = &self.app.csm.id;
        self.sql(&format!("UPDATE users SET {columns} WHERE id = '{id}'")).await;
        let mut conn = self.app.db().begin().await.unwrap();
        hints::refresh(&mut conn, Touched::User(id), self.app.now()).await.unwrap();
        conn.commit().await.unwrap();
    }

    /// The ledger for people: a line for each notification, oldest slot first.
    pub(crate) async fn ledger(&self) -> String {
        let rows = self.service.db.rows(
            "SELECT n.id, n.slot_date, n.kind, n.step, n.channel, n.mode, n.state, n.reason, n.detail, n.attempt_count, u.name AS recipient
             FROM notifications n JOIN users u ON u.id = n.recipient_id ORDER BY n.slot_date, n.kind, n.step, n.mode, n.channel, u.name",
        ).await;
        let items = self.service.db.rows(
            "SELECT i.notification_id, c.name FROM notification_items i JOIN onboardings o ON o.id = i.onboarding_id
             JOIN customers c ON c.id = o.customer_id ORDER BY o.display_id",
        ).await;
        let mut text = String::new();
        for row in rows {
            let word = |key: &str| row[key].as_str().unwrap_or_default();
            let names: Vec<&str> = items
                .iter()
                .filter(|item| item["notification_id"] == row["id"])
                .filter_map(|item| item["name"].as_str())
                .collect();
            let name = word("recipient").split(' ').next().unwrap();
            write!(text, "{} {}", word("slot_date"), word("kind")).unwrap();
            if let Some(step) = row["step"].as_i64() {
                write!(text, " {step}").unwrap();
            }
            write!(text, " {} {} to {name}: {}", word("mode"), word("channel"), word("state"))
                .unwrap();
            if !row["reason"].is_null() {
                write!(text, " ({})", word("reason")).unwrap();
            }
            if !row["detail"].is_null() {
                write!(text, ", {}", word("detail")).unwrap();
            }
            if let Some(attempts @ 1..) = row["attempt_count"].as_i64() {
                write!(text, ", attempts {attempts}").unwrap();
            }
            writeln!(text, " [{}]", names.join(", ")).unwrap();
        }
        text
    }
}

pub(crate) fn instant(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}
