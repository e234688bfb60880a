//! Links without login: what people can do from a message, and what nobody can.

mod acts;
mod german;
mod tokens;
mod unsubscribe;

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use mail_parser::MessageParser;
use pivotal_reminders::api;
use pivotal_reminders::console::links::{LinkPages, router};
use pivotal_reminders::domain::facts::Channels;
use pivotal_reminders::domain::link::{Link, LinkKey, Purpose};
use rstest::rstest;
use serde_json::{Value, json};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::support::app::Answer;
use super::support::db::Backend;
use super::support::fake_smtp::AcceptedMail;
use super::support::stage::Stage;

const SECRET: &str = "a secret of tests, thirty-two characters at least";
const BASE: &str = "https://reminders.acme.example";

/// The stage, with the pages behind the links in its mails.
pub(crate) struct Site {
    pub(crate) stage: Stage,
    pub(crate) key: LinkKey,
    client: reqwest::Client,
    url: String,
    _server: DropGuard,
}

impl Site {
    /// Mail alone is configured.
    pub(crate) async fn new(backend: Backend) -> Self {
        Self::over(Stage::mail_only(backend).await).await
    }

    pub(crate) async fn over(mut stage: Stage) -> Self {
        stage.service.set("LINK_SECRET", SECRET);
        stage.service.set("PUBLIC_URL", BASE);
        let key = LinkKey::new(SECRET);
        let pages = LinkPages {
            db: stage.app.db().clone(),
            clock: stage.app.api.clock.clone(),
            key: key.clone(),
            channels: Channels::ALL,
            onboarding_url: None,
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let stop = CancellationToken::new();
        tokio::spawn(api::serve(listener, router(pages), &[], stop.clone()));
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { stage, key, client, url, _server: stop.drop_guard() }
    }

    /// One onboarding of Carl's that waits since 1 June, and his digest of the next morning; answers with the onboarding's path.
    pub(crate) async fn waiting_digest(&self) -> String {
        let path = self
            .stage
            .onboard("Halden Freight", json!({ "state": "waiting", "reminder_frequency_days": 1 }))
            .await;
        self.stage.pass("2026-06-02T07:00:00Z").await;
        self.stage.at("2026-06-02T09:00:00Z");
        path
    }

    /// The newest mail.
    pub(crate) fn mail(&self) -> AcceptedMail {
        self.stage.relay.accepted().pop().expect("a mail")
    }

    /// The newest link for a purpose.
    pub(crate) fn link(&self, purpose: Purpose) -> String {
        let mails = self.stage.relay.accepted();
        let mut all = mails.iter().rev().flat_map(links);
        all.find(|url| self.read(url).purpose == purpose)
            .unwrap_or_else(|| panic!("no link for {purpose:?}"))
    }

    /// What a link says.
    pub(crate) fn read(&self, url: &str) -> Link {
        self.key.read(url.rsplit('/').next().unwrap()).expect("a token of ours")
    }

    fn address(&self, url: &str) -> String {
        url.replace(BASE, &self.url)
    }

    pub(crate) async fn get(&self, url: &str) -> Answer {
        self.stage.app.send(self.client.get(self.address(url))).await
    }

    /// Presses the button, with these answers in the form.
    pub(crate) async fn press(&self, url: &str, form: &[(&str, &str)]) -> Answer {
        let body: String =
            form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let request = self
            .client
            .post(self.address(url))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(body);
        self.stage.app.send(request).await
    }

    /// The onboarding as the API shows it.
    pub(crate) async fn onboarding(&self, path: &str) -> Value {
        self.stage.app.get(path).await.ok(200)
    }

    /// Everything that people and rules can change, as text.
    pub(crate) async fn state(&self) -> String {
        let tables = [
            "workspaces",
            "users",
            "customers",
            "contacts",
            "onboardings",
            "notifications",
            "notification_items",
            "attempts",
            "messages",
            "audit_log",
            "message_actions",
            "slack_edits",
            "slack_whispers",
            "settings",
        ];
        let mut state = String::new();
        for table in tables {
            let columns = if table == "messages" { "notification_id, rendered_at" } else { "*" };
            let mut rows: Vec<String> = self
                .stage
                .service
                .db
                .rows(&format!("SELECT {columns} FROM {table}"))
                .await
                .iter()
                .map(Value::to_string)
                .collect();
            rows.sort();
            state.push_str(&format!("{table}: {rows:#?}\n"));
        }
        state
    }

    /// The newest entries of the audit log: event, kind of actor, name.
    pub(crate) async fn audited(&self) -> Vec<String> {
        let rows = self.stage.service.db.rows(
            "SELECT event, actor_type, actor_name FROM audit_log WHERE actor_type IN ('user', 'contact') ORDER BY created_at, id",
        ).await;
        rows.iter()
            .map(|row| {
                ["event", "actor_type", "actor_name"]
                    .map(|key| row[key].as_str().unwrap())
                    .join(" ")
            })
            .collect()
    }
}

/// Every link of ours in a mail, in its HTML, its text and its headers.
pub(crate) fn links(mail: &AcceptedMail) -> Vec<String> {
    let parsed = MessageParser::default().parse(&mail.raw).expect("a mail");
    let header = parsed.header_raw("List-Unsubscribe").unwrap_or_default().to_owned();
    let all = [
        parsed.body_html(0).unwrap_or_default().into_owned(),
        parsed.body_text(0).unwrap_or_default().into_owned(),
        header,
    ]
    .join("\n");
    tokens(&all, &format!("{BASE}/l/"))
        .into_iter()
        .map(|token| format!("{BASE}/l/{token}"))
        .collect()
}

/// What follows `lead` wherever it stands, up to the end of the token; each once.
fn tokens(text: &str, lead: &str) -> Vec<String> {
    let ends = |c: char| !(c.is_ascii_alphanumeric() || c == '-' || c == '_');
    let all: BTreeSet<String> = text
        .split(lead)
        .skip(1)
        .map(|rest| rest.split(ends).next().unwrap().to_owned())
        .filter(|token| token.len() > 30)
        .collect();
    all.into_iter().collect()
}

/// A page in plain words: tags gone, entities read, spaces folded.
pub(crate) fn words(html: &str) -> String {
    let body = html.split("<main").nth(1).unwrap_or(html);
    let mut text = String::new();
    let mut inside = true;
    for c in body.chars() {
        match c {
            '<' => inside = true,
            '>' => {
                inside = false;
                text.push(' ');
            }
            _ if !inside => text.push(c),
            _ => {}
        }
    }
    let text =
        text.replace("&amp;", "&").replace("&#x27;", "'").replace("&lt;", "<").replace("&gt;", ">");
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Leaves a page where `scripts/long/looks` looks at it with a browser, if it asked for that.
fn keep(name: &str, page: &str, style: &str) {
    if let Ok(folder) = std::env::var("PAGES_DIR") {
        let link = "<link rel=\"stylesheet\" href=\"style.css\">";
        let page = page.replace(link, &format!("<style>{style}</style>"));
        std::fs::write(format!("{folder}/page-{}.html", name.to_lowercase()), page).unwrap();
    }
}

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn a_scanner_that_follows_every_link_changes_nothing(#[case] backend: Backend) {
    let site = Site::new(backend).await;
    site.stage.sql("UPDATE workspaces SET customer_reminders = true").await;
    site.stage.onboard("Fennel & Rye <b>", json!({ "reminder_frequency_days": 1 })).await;
    let paused = site.stage.onboard("Merrow & Finch", json!({})).await;
    site.stage.patch(&paused, json!({ "state": "paused" })).await;
    let path = site.waiting_digest().await;
    let customer = site.onboarding(&path).await["customer_id"].as_str().unwrap().to_owned();
    let contact = json!({ "name": "Ida Bramwell", "email": "ida@halden.example" });
    site.stage.app.post(&format!("/customers/{customer}/contacts"), contact).await.ok(201);
    // The third business day, then the stalled one.
    site.stage.pass("2026-06-04T09:00:00Z").await;
    site.stage.pass("2026-06-09T09:00:00Z").await;
    let mails = site.stage.relay.accepted();
    let to: BTreeSet<&str> = mails.iter().map(|mail| mail.to.as_str()).collect();
    assert!(
        to.contains("ida@halden.example") && to.contains("carl@acme.example") && mails.len() >= 4,
        "{to:?}"
    );

    let before = site.state().await;
    let style = site.get(&format!("{BASE}/l/style.css")).await;
    let mut seen = BTreeSet::new();
    let mut ahead: Vec<String> = mails.iter().flat_map(links).collect();
    let mut purposes = BTreeSet::new();
    while let Some(url) = ahead.pop() {
        if !seen.insert(url.clone()) {
            continue;
        }
        let purpose = format!("{:?}", site.read(&url).purpose);
        let page = site.get(&url).await;
        assert_eq!(page.status, 200, "{url}: {}", page.text);
        if purposes.insert(purpose.clone()) {
            keep(&purpose, &page.text, &style.text);
        }
        let head = site.stage.app.send(site.client.head(site.address(&url))).await;
        assert_eq!(head.status, 200);
        // A page offers one button at most, and leads only to other pages of its own.
        assert!(page.text.matches("<button").count() <= 1, "{}", page.text);
        assert!(
            !page.text.contains("<script")
                && !page.text.contains("style=\"")
                && !page.text.contains("http"),
            "{}",
            page.text
        );
        let policy = page.header("content-security-policy");
        assert!(
            policy.starts_with("default-src 'none'; style-src 'self'; form-action 'self'"),
            "{policy}"
        );
        assert_eq!(
            [page.header("referrer-policy"), page.header("cache-control")],
            ["no-referrer", "no-store"]
        );
        ahead.extend(
            tokens(&page.text, "href=\"").into_iter().map(|token| format!("{BASE}/l/{token}")),
        );
    }
    assert_eq!(purposes.len(), Purpose::ALL.len(), "{purposes:?}");
    assert_eq!(site.state().await, before);
    let style = site.get(&format!("{BASE}/l/style.css")).await;
    assert!(
        style.status == 200 && style.text.contains("--accent") && !style.text.contains("url("),
        "{}",
        style.status
    );
}
