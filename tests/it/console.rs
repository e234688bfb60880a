//! The console as operators meet it: pages over HTTP, with cookies, forms and redirects, as a browser without script.

mod bulk;
mod doors;
mod notifications;
mod overview;
mod registers;
mod settings;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use pivotal_reminders::api;
use pivotal_reminders::console::{Console, router};
use pivotal_reminders::domain::facts::Channels;
use pivotal_reminders::domain::values::OperatorRole;
use pivotal_reminders::operate::notifications::Because;
use pivotal_reminders::operate::operators::{self, NewAccount, Password};
use pivotal_reminders::operate::preview::{Studio, TestCopy, Tester};
use pivotal_reminders::store::audit::Author;
use reqwest::redirect::Policy;
use reqwest::{Method, RequestBuilder};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::support::app::Answer;
use super::support::db::Backend;
use super::support::stage::Stage;

/// Of every operator in these tests.
pub(crate) const PASSWORD: &str = "correct horse battery staple";

/// The stage, with its console.
pub(crate) struct Admin {
    pub(crate) stage: Stage,
    /// Test copies that were sent: to whom, and their subjects.
    pub(crate) tests: Arc<Mutex<Vec<(String, String)>>>,
    url: String,
    _server: DropGuard,
}

impl Admin {
    /// Mail and Slack are configured.
    pub(crate) async fn new(backend: Backend) -> Self {
        Self::over(Stage::new(backend).await, "https://reminders.acme.example", false).await
    }

    pub(crate) async fn over(stage: Stage, public_url: &str, open_outbox: bool) -> Self {
        let stop = CancellationToken::new();
        let tests: Arc<Mutex<Vec<(String, String)>>> = Arc::default();
        let console = Console {
            db: stage.app.db().clone(),
            clock: stage.app.api.clock.clone(),
            public_url: public_url.to_owned(),
            channels: Channels::ALL,
            captured: false,
            open_outbox,
            studio: Studio::default(),
            tester: Tester::new({
                let tests = Arc::clone(&tests);
                move |address, email| {
                    tests.lock().unwrap().push((address, email.subject));
                    Box::pin(async { TestCopy::Sent })
                }
            }),
            stop: stop.clone(),
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        // The tests come from a proxy that is trusted, which says nothing of the caller unless they do.
        let (proxies, stopped) = (["127.0.0.1/32".parse().unwrap()], stop.clone());
        tokio::spawn(async move { api::serve(listener, router(console), &proxies, stopped).await });
        Self { stage, tests, url, _server: stop.drop_guard() }
    }

    /// A new operator.
    pub(crate) async fn operator(&self, email: &str, name: &str, role: OperatorRole) {
        let password = Password::new(PASSWORD).unwrap();
        let mut conn = self.stage.app.db().begin().await.unwrap();
        let (author, now) = (Author::system(), self.stage.app.now());
        let because = Because { author: &author, reason: "" };
        let new = NewAccount { email, name: Some(name), role };
        operators::create(&mut conn, because, &new, &password, now).await.unwrap();
        conn.commit().await.unwrap();
    }

    /// A browser in which nobody is signed in.
    pub(crate) fn browser(&self) -> Browser<'_> {
        let client =
            reqwest::Client::builder().no_proxy().redirect(Policy::none()).build().unwrap();
        Browser { admin: self, client, cookies: Mutex::default(), page: Mutex::default() }
    }

    /// A browser in which a new operator of this role is signed in.
    pub(crate) async fn signed_in(&self, role: OperatorRole) -> Browser<'_> {
        let email = format!("{role}@acme.example");
        self.operator(&email, "Noor Adeyi", role).await;
        let browser = self.browser();
        let answer = browser.sign_in(&email, PASSWORD).await;
        assert_eq!(answer.status, 303, "{}", answer.text);
        browser
    }
}

/// Cookies, and the page that was opened last.
pub(crate) struct Browser<'a> {
    admin: &'a Admin,
    client: reqwest::Client,
    cookies: Mutex<BTreeMap<String, String>>,
    page: Mutex<String>,
}

impl Browser<'_> {
    /// A request with the cookies.
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let cookies = self.cookies.lock().unwrap();
        let line: Vec<String> =
            cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let request = self.client.request(method, format!("{}{path}", self.admin.url));
        if line.is_empty() { request } else { request.header("cookie", line.join("; ")) }
    }

    /// Sends a request, and keeps the cookies of the answer.
    pub(crate) async fn send(&self, request: RequestBuilder) -> Answer {
        let answer = self.admin.stage.app.send(request).await;
        let mut cookies = self.cookies.lock().unwrap();
        for line in answer.headers.get_all("set-cookie") {
            let line = line.to_str().unwrap();
            let (name, value) = line.split(';').next().unwrap().split_once('=').unwrap();
            if value.is_empty() || line.contains("Max-Age=0") {
                cookies.remove(name);
            } else {
                cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        answer
    }

    /// Opens a page, wherever it leads.
    pub(crate) async fn open(&self, path: &str) -> Answer {
        let mut path = path.to_owned();
        for _ in 0..5 {
            let answer = self.send(self.request(Method::GET, &path)).await;
            if answer.status != 303 {
                answer.text.clone_into(&mut self.page.lock().unwrap());
                return answer;
            }
            answer.header("location").clone_into(&mut path);
        }
        panic!("{path} leads in circles");
    }

    /// Opens a page that must be there; answers with its text.
    #[track_caller]
    pub(crate) fn read(&self, path: &str) -> impl Future<Output = String> + use<'_> {
        let (path, caller) = (path.to_owned(), std::panic::Location::caller());
        async move {
            let answer = self.open(&path).await;
            assert_eq!(answer.status, 200, "{caller}: {path}: {}", text(&answer.text));
            text(&answer.text)
        }
    }

    /// The hidden answers of the forms on the page that was opened last.
    pub(crate) fn hidden(&self, name: &str) -> String {
        let page = self.page.lock().unwrap();
        let before = format!("name=\"{name}\" value=\"");
        page.split_once(&before)
            .and_then(|(_, rest)| rest.split_once('"'))
            .map_or_else(|| panic!("no form with {name}"), |(value, _)| unescaped(value))
    }

    /// A form sent from this site.
    pub(crate) fn form(&self, path: &str, answers: &[(&str, &str)]) -> RequestBuilder {
        let body: String =
            form_urlencoded::Serializer::new(String::new()).extend_pairs(answers).finish();
        self.request(Method::POST, path)
            .header("sec-fetch-site", "same-origin")
            .header("content-type", "application/x-www-form-urlencoded")
            .body(body)
    }

    /// Presses a button of the page that was opened last: sends its form, and opens the page to which it leads. Answers with its text.
    pub(crate) async fn press(&self, path: &str, answers: &[(&str, &str)]) -> String {
        let (csrf, form) = (self.hidden("csrf"), self.hidden("form"));
        let hidden = [("csrf", csrf.as_str()), ("form", form.as_str())];
        let answer = self.send(self.form(path, &[&hidden, answers].concat())).await;
        assert_eq!(answer.status, 303, "{path}: {}", text(&answer.text));
        let there = self.open(answer.header("location")).await;
        text(&there.text)
    }

    pub(crate) async fn sign_in(&self, email: &str, password: &str) -> Answer {
        let answers = [("email", email), ("password", password)];
        self.send(self.form("/admin/sign-in", &answers)).await
    }
}

/// What a person reads on a page: its text, a line per line.
pub(crate) fn text(html: &str) -> String {
    let body = html.split_once("<body>").map_or(html, |(_, body)| body);
    let mut text = String::new();
    let mut rest = body;
    while let Some((before, after)) = rest.split_once('<') {
        text.push_str(before);
        let (tag, behind) = after.split_once('>').unwrap_or((after, ""));
        let name = tag.trim_start_matches('/').split([' ', '/', '\n']).next().unwrap_or_default();
        match name {
            "svg" if !tag.starts_with('/') => {
                rest = behind.split_once("</svg>").map_or("", |(_, rest)| rest);
                continue;
            }
            "td" | "th" if tag.starts_with('/') => text.push_str(" | "),
            "a" | "strong" | "code" | "time" | "button" | "td" | "th" => {}
            "span" | "label" | "dt" | "option" => text.push(' '),
            _ => text.push('\n'),
        }
        rest = behind;
    }
    text.push_str(rest);
    let text = unescaped(&text);
    let lines = text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
    let lines: Vec<String> = lines.filter(|line| !line.is_empty()).collect();
    lines.join("\n")
}

/// The part of a page's text that is its own: without navigation and foot.
pub(crate) fn main(text: &str) -> &str {
    text.split_once("Sign out\n").map_or(text, |(_, main)| main)
}

fn unescaped(html: &str) -> String {
    let entities =
        [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#x27;", "'"), ("&#x2f;", "/")];
    let plain = entities.iter().fold(html.to_owned(), |text, (entity, c)| text.replace(entity, c));
    plain.replace("&amp;", "&")
}
