//! The real router on a real port, over a database of its own, with a clock that the test moves.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use chrono::{DateTime, TimeDelta, Utc};
use pivotal_reminders::api::{self, Api};
use pivotal_reminders::clock::Clock;
use pivotal_reminders::db::Db;
use pivotal_reminders::domain::values::{Mode, Scope, Tier};
use pivotal_reminders::operate::keys::{self, NewKey};
use pivotal_reminders::store::audit::Author;
use pivotal_reminders::store::users::{self, NewUser, User};
use pivotal_reminders::store::workspaces::{self, Workspace};
use reqwest::{Method, StatusCode};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::db::{Backend, TestDb};

/// Monday, 1 June 2026, 08:00 UTC: where the clock of every test starts.
pub(crate) const START: &str = "2026-06-01T08:00:00.000Z";

/// The API of one workspace, as a caller sees it.
pub(crate) struct TestApp {
    /// Where it listens.
    pub addr: SocketAddr,
    /// What it runs on.
    pub api: Api,
    /// Its workspace.
    pub workspace: Workspace,
    /// The workspace's owner.
    pub owner: User,
    /// A CSM.
    pub csm: User,
    /// A live key with every scope and no limit.
    pub live: String,
    /// A test key with every scope and no limit.
    pub test: String,
    client: reqwest::Client,
    shutdown: CancellationToken,
    server: Mutex<Option<JoinHandle<()>>>,
    db: Arc<TestDb>,
}

/// An answer, read to its end.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    /// HTTP status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: reqwest::header::HeaderMap,
    /// Its body, byte for byte.
    pub text: String,
}

impl Answer {
    /// The body as JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("not JSON: {}", self.text))
    }

    /// A header, or "".
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The body, after making sure of the status.
    #[track_caller]
    pub(crate) fn ok(&self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.text);
        self.json()
    }

    /// Makes sure that it is an error in the envelope; gives status, type, code and field, separated by spaces.
    #[track_caller]
    pub(crate) fn error(&self) -> String {
        let body = self.json();
        let error = body["error"].as_object().unwrap_or_else(|| panic!("no error: {}", self.text));
        assert_eq!(body.as_object().unwrap().len(), 1, "{}", self.text);
        assert!(error["message"].as_str().is_some_and(|m| !m.is_empty()), "{}", self.text);
        assert!(!self.header("x-request-id").is_empty());
        let word = |key: &str| error.get(key).map_or("", |value| value.as_str().unwrap());
        format!("{} {} {} {}", self.status.as_u16(), word("type"), word("code"), word("field"))
            .trim_end()
            .to_owned()
    }
}

impl TestApp {
    /// A workspace `acme` in UTC with an owner and a CSM.
    pub(crate) async fn new(backend: Backend) -> Self {
        Self::over(TestDb::new(backend).await).await
    }

    /// The same over a given database.
    pub(crate) async fn over(db: TestDb) -> Self {
        let clock = Clock::manual(START.parse().unwrap());
        let (workspace, owner, csm, live, test) = seed(&db.db, &clock, "acme").await;
        let api = Api::new(db.db.clone(), clock);
        let (addr, shutdown, server) = start(&api).await;
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let db = Arc::new(db);
        Self { addr, api, workspace, owner, csm, live, test, client, shutdown, server, db }
    }

    /// The same workspace as a second process serves it: over connections of its own.
    pub(crate) async fn another_process(&self) -> Self {
        let api = Api::new(super::db::open(&self.db.url, 5).await, self.api.clock.clone());
        let (addr, shutdown, server) = start(&api).await;
        Self {
            addr,
            api,
            workspace: self.workspace.clone(),
            owner: self.owner.clone(),
            csm: self.csm.clone(),
            live: self.live.clone(),
            test: self.test.clone(),
            client: self.client.clone(),
            shutdown,
            server,
            db: self.db.clone(),
        }
    }

    /// The database.
    pub(crate) fn db(&self) -> &Db {
        &self.db.db
    }

    /// The database, for others who use it too.
    pub(crate) fn shared_db(&self) -> Arc<TestDb> {
        Arc::clone(&self.db)
    }

    /// Tells the server to stop; the future is ready when it has.
    pub(crate) fn stop(&self) -> impl Future<Output = ()> + use<> {
        self.shutdown.cancel();
        let server = self.server.lock().unwrap().take();
        async { server.unwrap().await.unwrap() }
    }

    /// What time it is.
    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.api.clock.now()
    }

    /// Moves the clock.
    pub(crate) fn advance(&self, by: TimeDelta) {
        self.api.clock.advance(by);
    }

    /// A key of the workspace.
    pub(crate) async fn key(&self, mode: Mode, tier: Tier, scopes: &[Scope]) -> String {
        make_key(self.db(), &self.workspace.id, "limited", mode, tier, scopes, self.now()).await
    }

    /// A pass, as of this instant, in this process.
    pub(crate) async fn pass(&self, at: &str) {
        let channels = pivotal_reminders::domain::facts::Channels::ALL;
        let at = at.parse().unwrap();
        pivotal_reminders::scheduler::pass(self.db(), at, TimeDelta::zero(), channels, |_| ())
            .await
            .unwrap();
    }

    /// Makes known what runs by the clock, as a serving process does.
    pub(crate) async fn enter_schedules(&self) {
        use pivotal_reminders::domain::timetable::{Cron, Timetable};
        use pivotal_reminders::domain::values::Schedule;
        let now = self.now();
        let cron = || Cron::parse("0 7 * * * *", now).unwrap();
        let crons = Schedule::ALL.iter().map(|schedule| (*schedule, cron())).collect();
        let mut tx = self.db().begin().await.unwrap();
        let timetable = Timetable::new(crons);
        pivotal_reminders::store::schedules::enter(&mut tx, &timetable, now).await.unwrap();
        tx.commit().await.unwrap();
    }

    /// A path of the reference with something that exists in it.
    pub(crate) async fn path_of(&self, path: &str) -> String {
        let noun = path.split('/').nth(1).unwrap();
        let id = match noun {
            "notifications" | "jobs" | "bulk_operations" if path.contains("{id}") => {
                let list = self.get(&format!("/{noun}")).await.ok(200);
                list["data"][0]["id"].as_str().unwrap().to_owned()
            }
            "opt_outs" | "addresses" if path.contains("{id}") => {
                let noun = if noun == "addresses" { "/users" } else { "/customers/1/contacts" };
                self.get(noun).await.ok(200)["data"][0]["id"].as_str().unwrap().to_owned()
            }
            _ => "1".to_owned(),
        };
        let name = match noun {
            "schedules" => "scan",
            "templates" => "digest.subject",
            _ => "email",
        };
        path.replace("{id}", &id).replace("{customerId}", "1").replace("{name}", name)
    }

    /// The live key of another workspace on the same database.
    pub(crate) async fn stranger(&self) -> String {
        seed(self.db(), &self.api.clock, "globex").await.3
    }

    /// A request under `/api/v1`, without a key.
    pub(crate) fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.client.request(method, format!("http://{}/api/v1{path}", self.addr))
    }

    /// Sends a request.
    pub(crate) async fn send(&self, request: reqwest::RequestBuilder) -> Answer {
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        Answer { status, headers, text: response.text().await.unwrap() }
    }

    /// A request with a key and, unless it is null, a JSON body.
    pub(crate) async fn call(&self, key: &str, method: Method, path: &str, body: &Value) -> Answer {
        let mut request = self.request(method, path).bearer_auth(key);
        if !body.is_null() {
            request = request.json(body);
        }
        self.send(request).await
    }

    /// GET with the live key.
    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.call(&self.live, Method::GET, path, &Value::Null).await
    }

    /// POST with the live key.
    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        self.call(&self.live, Method::POST, path, &body).await
    }

    /// PATCH with the live key.
    pub(crate) async fn patch(&self, path: &str, body: Value) -> Answer {
        self.call(&self.live, Method::PATCH, path, &body).await
    }

    /// DELETE with the live key.
    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.call(&self.live, Method::DELETE, path, &Value::Null).await
    }

    /// A new customer.
    pub(crate) async fn customer(&self, name: &str) -> Value {
        self.post("/customers", json!({ "name": name })).await.ok(201)
    }

    /// A new onboarding of a customer; `fields` are added to the body.
    pub(crate) async fn onboarding(&self, customer: &Value, fields: Value) -> Value {
        let mut body = json!({ "customer_id": customer["id"] });
        for (key, value) in fields.as_object().unwrap() {
            body[key] = value.clone();
        }
        self.post("/onboardings", body).await.ok(201)
    }
}

async fn start(api: &Api) -> (SocketAddr, CancellationToken, Mutex<Option<JoinHandle<()>>>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let shutdown = CancellationToken::new();
    let serving = api::serve(listener, api::router(api.clone()), &[], shutdown.clone());
    let server = tokio::spawn(async { serving.await.unwrap() });
    (addr, shutdown, Mutex::new(Some(server)))
}

impl Drop for TestApp {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

async fn seed(db: &Db, clock: &Clock, slug: &str) -> (Workspace, User, User, String, String) {
    let (author, now) = (Author::system(), clock.now());
    let mut tx = db.begin().await.unwrap();
    let workspace = workspaces::create(&mut tx, &author, slug, &format!("{slug} Inc."), "UTC", now)
        .await
        .unwrap();
    let mut people = Vec::new();
    for name in ["Olga Owner", "Carl Csm"] {
        let email = format!("{}@{slug}.example", name.split(' ').next().unwrap());
        let new = NewUser {
            workspace_id: &workspace.id,
            name,
            email: &email,
            time_zone: None,
            slack_user_id: None,
        };
        people.push(users::create(&mut tx, &author, new, now).await.unwrap());
    }
    tx.commit().await.unwrap();
    let [owner, csm]: [User; 2] = people.try_into().unwrap();
    let live =
        make_key(db, &workspace.id, "CRM sync", Mode::Live, Tier::Unlimited, Scope::ALL, now).await;
    let test =
        make_key(db, &workspace.id, "Sandbox", Mode::Test, Tier::Unlimited, Scope::ALL, now).await;
    (workspace, owner, csm, live, test)
}

async fn make_key(
    db: &Db,
    workspace_id: &str,
    name: &str,
    mode: Mode,
    tier: Tier,
    scopes: &[Scope],
    now: DateTime<Utc>,
) -> String {
    let mut tx = db.begin().await.unwrap();
    let new = NewKey { workspace_id, name, mode, tier, scopes };
    let (_, secret) = keys::create(&mut tx, &Author::system(), new, now).await.unwrap();
    tx.commit().await.unwrap();
    secret.expose_secret().to_owned()
}
