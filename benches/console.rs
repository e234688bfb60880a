//! How long every page of the console takes with 1,000,000 notifications, on both databases: `scripts/bench console`.
//!
//! The released binary in a process of its own (`serve --role api`), over loopback, one request after another, as one operator clicks. A
//! page that needs longer than 200 ms at its slowest is marked, and the benchmark fails.

#[path = "support/mod.rs"]
#[expect(dead_code, reason = "shared with the other benchmarks")]
mod support;

use std::net::{SocketAddr, TcpListener};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use chrono::{DateTime, DurationRound, TimeDelta, Utc};
use pivotal_reminders::clock::Clock;
use tokio::io::AsyncWriteExt;
use tokio::process::{Child, Command};

use support::options::{self, Options};
use support::seed::{self, Plan};
use support::{Database, Engine, history, median, whole};

/// Notifications in the ledger.
const NOTIFICATIONS: u32 = 1_000_000;
/// The same, when a look is enough.
const QUICK: u32 = 50_000;
/// What a page may take at its slowest.
const LIMIT_MS: f64 = 200.0;
/// How often each page is asked for, after a first time that warms the caches.
const TIMES: usize = 15;

const EMAIL: &str = "noor@example.test";
const PASSWORD: &str = "a long enough password";

fn main() -> anyhow::Result<()> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(run())
}

async fn run() -> anyhow::Result<()> {
    let options = Options::read(&options::arguments(), &["postgres", "sqlite"])?;
    let count = if options.quick { QUICK } else { NOTIFICATIONS };
    println!(
        "Pages of the console with {} notifications, ms (median / slowest of {TIMES}):\n",
        whole(f64::from(count))
    );
    let mut slow = Vec::new();
    for (part, engine) in [("postgres", Engine::Postgres), ("sqlite", Engine::Sqlite)] {
        if options.wants(part) {
            slow.extend(measure(engine, count).await?);
        }
    }
    ensure!(slow.is_empty(), "slower than {LIMIT_MS} ms: {}", slow.join(", "));
    Ok(())
}

/// A day's slot that is past: midnight, UTC, of today, on which every page looks.
fn morning() -> anyhow::Result<DateTime<Utc>> {
    Ok(Clock::System.now().duration_trunc(TimeDelta::days(1))? + TimeDelta::days(1))
}

/// Prints a row per page; answers with the pages that are too slow.
async fn measure(engine: Engine, count: u32) -> anyhow::Result<Vec<String>> {
    let database = Database::new(engine).await?;
    let plan = Plan { csms: 2_500, each: 8, due: 8, groups: 1, slot: morning()?, nudges: false };
    seed::fill(&database, plan).await?;
    let now = Clock::System.now();
    history::fill(&database, plan, count, now).await?;
    let console = Console::start(&database).await?;
    println!("| {} | median | slowest | |\n|---|---|---|---|", engine.name());
    let mut slow = Vec::new();
    for (name, path) in pages(count, now) {
        let mut millis = Vec::new();
        console.get(&path).await.with_context(|| path.clone())?;
        for _ in 0..TIMES {
            let began = Instant::now();
            console.get(&path).await?;
            millis.push(began.elapsed().as_secs_f64() * 1000.0);
        }
        let slowest = millis.iter().copied().fold(0.0, f64::max);
        let mark = if slowest > LIMIT_MS { "too slow" } else { "" };
        println!("| {name} | {:.0} | {slowest:.0} | {mark} |", median(&millis));
        if slowest > LIMIT_MS {
            slow.push(format!("{name} ({})", engine.name()));
        }
    }
    println!();
    drop(console);
    database.drop_now().await?;
    Ok(slow)
}

/// Every page, and the searches that operators make; with those that find nothing, which look longest.
fn pages(count: u32, now: DateTime<Utc>) -> Vec<(&'static str, String)> {
    let w = |page: &str| format!("/admin/w/tally/{page}");
    let onboarding = seed::onboarding_id(0);
    let (customer, user) = (seed::customer_id(0), seed::user_id(0));
    let today = now.format("%Y-%m-%d");
    vec![
        ("overview", "/admin/w/tally".to_owned()),
        ("notifications", w("notifications")),
        ("… failed", w("notifications?state=failed")),
        ("… ambiguous: none", w("notifications?state=ambiguous")),
        ("… of today", w(&format!("notifications?on={today}"))),
        ("… by reason: none", w("notifications?reason=attempts_exhausted")),
        ("… customer begins with", w("notifications?q=customer+777")),
        ("… person begins with", w("notifications?q=csm+1")),
        ("… text: none", w("notifications?q=zzz")),
        ("… of a person", w(&format!("notifications?person={user}"))),
        ("… of an onboarding", w(&format!("notifications?onboarding={onboarding}"))),
        ("… of a customer", w(&format!("notifications?customer={customer}"))),
        (
            "one notification",
            w(&format!("notifications/{}", history::notification_id(now, count / 2))),
        ),
        ("queues", w("queues")),
        ("jobs", w("jobs")),
        ("onboardings", w("onboardings")),
        ("… customer begins with", w("onboardings?q=customer+1")),
        ("… text: none", w("onboardings?q=zzz")),
        ("… that come to nobody: none", w("onboardings?show=nobody")),
        ("… snoozed: none", w("onboardings?show=snoozed")),
        ("one onboarding", w(&format!("onboardings/{onboarding}"))),
        ("customers", w("customers")),
        ("… text: none", w("customers?q=zzz")),
        ("one customer", w(&format!("customers/{customer}"))),
        ("people", w("people")),
        ("… text: none", w("people?q=zzz")),
        ("one person", w(&format!("people/{user}"))),
        ("schedules", w("schedules")),
        ("settings", w("settings")),
        ("API keys", w("api-keys")),
        ("audit log", w("audit-log")),
        ("… by event", w("audit-log?event=onboarding_updated")),
        ("… by actor", w("audit-log?actor=API%3A+CRM+sync")),
        ("… by event: none", w("audit-log?event=nothing")),
        ("… about one", w(&format!("audit-log?id={onboarding}"))),
    ]
}

/// `serve --role api`, with an operator who is signed in.
struct Console {
    _child: Child,
    client: reqwest::Client,
    base: String,
    cookie: String,
}

impl Console {
    async fn start(database: &Database) -> anyhow::Result<Self> {
        operator(database).await?;
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let child = command(database)
            .args(["serve", "--role", "api"])
            .env("LISTEN", address.to_string())
            .env("PIVOTAL_LOG__LEVEL", "warn")
            .stdout(Stdio::null())
            .spawn()?;
        let client = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .build()?;
        let base = format!("http://{address}");
        ready(address).await?;
        let cookie = sign_in(&client, &base).await?;
        Ok(Self { _child: child, client, base, cookie })
    }

    /// Reads a page to its end.
    async fn get(&self, path: &str) -> anyhow::Result<()> {
        let request = self.client.get(format!("{}{path}", self.base));
        let answer = request.header("cookie", &self.cookie).send().await?;
        let status = answer.status();
        let text = answer.text().await?;
        ensure!(status == 200, "{path} was answered with {status}: {text}");
        Ok(())
    }
}

fn command(database: &Database) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pivotal-reminders"));
    command.env("DATABASE_URL", &database.url).kill_on_drop(true);
    command
}

async fn operator(database: &Database) -> anyhow::Result<()> {
    let mut child = command(database)
        .args(["operators", "create", "--email", EMAIL, "--role", "admin"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()?;
    let mut stdin = child.stdin.take().context("it reads the password")?;
    stdin.write_all(format!("{PASSWORD}\n").as_bytes()).await?;
    drop(stdin);
    ensure!(child.wait().await?.success(), "the operator cannot be made");
    Ok(())
}

async fn ready(address: SocketAddr) -> anyhow::Result<()> {
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(30) {
        if tokio::net::TcpStream::connect(address).await.is_ok() {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    bail!("the service does not answer")
}

async fn sign_in(client: &reqwest::Client, base: &str) -> anyhow::Result<String> {
    let form = form_urlencoded::Serializer::new(String::new())
        .extend_pairs([("email", EMAIL), ("password", PASSWORD)])
        .finish();
    let answer = client
        .post(format!("{base}/admin/sign-in"))
        .header("content-type", "application/x-www-form-urlencoded")
        .header("sec-fetch-site", "same-origin")
        .body(form)
        .send()
        .await?;
    let cookie = answer.headers().get("set-cookie").context("nobody was signed in")?;
    let pair = cookie.to_str()?.split(';').next().unwrap_or_default();
    Ok(pair.to_owned())
}
