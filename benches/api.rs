//! The API's latency and throughput while the worker is idle and busy, memory, and the time to the first answer: `scripts/bench api`.
//!
//! Every figure is taken from the released binary in a process of its own, over loopback. Requests are sent at fixed instants whether
//! or not earlier ones were answered, and a latency counts from the instant at which its request was due, so a service that stalls
//! cannot hide it. The worker is paced by its relay: a sink in this process that accepts 500 mails a second and no more.

#[path = "support/mod.rs"]
#[expect(dead_code, reason = "shared with the other benchmarks")]
mod support;

use std::net::SocketAddr;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use chrono::{DateTime, DurationRound, TimeDelta, Utc};
use pivotal_reminders::clock::Clock;
use pivotal_reminders::domain::values::{Mode, Tier};
use pivotal_reminders::operate::keys::{self, DEFAULT_SCOPES, NewKey};
use pivotal_reminders::store::audit::Author;
use secrecy::ExposeSecret;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, Command};
use tokio::sync::{Mutex, mpsc};

use support::seed::{self, Plan, WORKSPACE};
use support::{Database, Engine, Process, Raw, median};

/// Requests per second, half of them GET, half PATCH.
const RATE: u32 = 1_000;
/// How long they go on.
const SECONDS: u32 = 10;
/// Connections that carry them.
const CONNECTIONS: usize = 32;
/// Requests that may wait for a free connection before the service has failed.
const WAITING: usize = 2_000;
/// Mails per second that the sink accepts.
const MAILS: u32 = 500;
/// Enough of them for the pass and the whole measurement.
const CSMS: u32 = 16_000;
/// How long each kind of request is sent as fast as it is answered.
const AT_MOST: Duration = Duration::from_secs(2);
/// How often the time to the first answer is measured.
const STARTS: usize = 5;

fn main() -> anyhow::Result<()> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(run())
}

async fn run() -> anyhow::Result<()> {
    println!(
        "{RATE} requests per second, half of them GET by id, half PATCH, latency p50 / p99 in ms:\n"
    );
    println!(
        "| | worker | GET | PATCH | mails/s meanwhile | RSS at rest, MB | peak RSS, MB | CPU, cores |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    let mut limits = String::new();
    for engine in [Engine::Postgres, Engine::Sqlite] {
        for busy in [false, true] {
            limits += &measure(engine, busy).await?;
        }
    }
    println!(
        "\nAs many as are answered on {CONNECTIONS} connections, requests per second (p50 / p99 in ms):\n"
    );
    println!("| | worker | GET by id | PATCH | list of 25 | create |");
    println!("|---|---|---|---|---|---|");
    println!("{limits}");
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let mut millis = Vec::new();
        let database = Database::new(engine).await?;
        for _ in 0..STARTS {
            millis.push(Service::start(&database, &[]).await?.first_answer.as_secs_f64() * 1000.0);
        }
        println!(
            "start to first answer, {}, migrated: {:.0} ms (median of {STARTS})",
            engine.name(),
            median(&millis)
        );
        database.drop_now().await?;
    }
    Ok(())
}

/// The minute that has begun: a slot that has just come, whatever the time of day.
fn this_minute() -> anyhow::Result<DateTime<Utc>> {
    Ok(Clock::System.now().duration_trunc(TimeDelta::minutes(1))?)
}

/// Prints the row of the paced load and answers with the row of the limits.
async fn measure(engine: Engine, busy: bool) -> anyhow::Result<String> {
    let database = Database::new(engine).await?;
    // Without work for the worker: everybody's slot is tomorrow.
    let slot = this_minute()? + if busy { TimeDelta::zero() } else { TimeDelta::days(1) };
    let plan = Plan { csms: CSMS, nudges: false, ..Plan::full_morning(slot) };
    seed::fill(&database, plan).await?;
    let key = key(&database).await?;
    let sink = Sink::start().await?;
    let url = format!("smtp://{}", sink.address);
    let service =
        Service::start(&database, &[("SMTP_URL", &url), ("MAIL_FROM", "reminders@example.test")])
            .await?;
    let mut ledger = database.raw().await?;
    let process = Process::of(service.child.id().context("it runs")?);
    if busy {
        // The pass is over, and the worker goes on for a long time.
        while sink.accepted() < u64::from(MAILS) || planned(&mut ledger).await? < i64::from(CSMS) {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        let left = u64::from(CSMS).saturating_sub(sink.accepted());
        ensure!(
            left > u64::from(MAILS * SECONDS),
            "the pass took so long that {left} mails are left"
        );
    } else {
        tokio::time::sleep(Duration::from_secs(2)).await;
    }
    let rest = process.memory_mb("VmRSS")?;
    let (mails, cpu) = (sink.accepted(), process.cpu_seconds()?);
    let target = Target { address: service.address, key, onboardings: plan.csms * plan.each };
    let [gets, patches] = load(&target).await?;
    let mails = (sink.accepted() - mails) / u64::from(SECONDS);
    let worker = if busy { "paced" } else { "idle" };
    println!(
        "| {} | {worker} | {} | {} | {mails} | {} | {:.0} | {:.2} |",
        engine.name(),
        percentiles(gets),
        percentiles(patches),
        if busy { "–".to_owned() } else { format!("{rest:.0}") },
        process.memory_mb("VmHWM")?,
        (process.cpu_seconds()? - cpu) / f64::from(SECONDS),
    );
    let mut limits = format!("| {} | {worker} |", engine.name());
    for call in [Call::Get, Call::Patch, Call::List, Call::Create] {
        let millis = saturate(&target, call).await?;
        let rate = millis.len() / usize::try_from(AT_MOST.as_secs())?;
        limits += &format!(" {rate} ({}) |", percentiles(millis));
    }
    drop(service);
    database.drop_now().await?;
    Ok(limits + "\n")
}

/// Notifications in the ledger.
async fn planned(ledger: &mut Raw) -> anyhow::Result<i64> {
    const SQL: &str = "SELECT count(*) FROM notifications";
    Ok(match ledger {
        Raw::Postgres(c) => sqlx::query_scalar(SQL).fetch_one(c).await?,
        Raw::Sqlite(c) => sqlx::query_scalar(SQL).fetch_one(c).await?,
    })
}

fn percentiles(mut millis: Vec<f64>) -> String {
    millis.sort_by(f64::total_cmp);
    let at = |percent: usize| millis.get(millis.len() * percent / 100).copied().unwrap_or(f64::NAN);
    format!("{:.1} / {:.1}", at(50), at(99))
}

async fn key(database: &Database) -> anyhow::Result<String> {
    let app = database.app(Clock::System).await?;
    let mut tx = app.db.begin().await?;
    let new = NewKey {
        workspace_id: WORKSPACE,
        name: "CRM sync",
        mode: Mode::Live,
        tier: Tier::Unlimited,
        scopes: DEFAULT_SCOPES,
    };
    let (_, secret) = keys::create(&mut tx, &Author::system(), new, app.clock.now()).await?;
    tx.commit().await?;
    app.db.close().await;
    Ok(secret.expose_secret().to_owned())
}

// --- the service -------------------------------------------------------------------------------------------------------------------

/// `serve` with all roles; killed when dropped.
struct Service {
    child: Child,
    address: SocketAddr,
    first_answer: Duration,
}

impl Service {
    async fn start(database: &Database, environment: &[(&str, &str)]) -> anyhow::Result<Self> {
        let address = TcpListener::bind("127.0.0.1:0").await?.local_addr()?;
        let began = Instant::now();
        let child = Command::new(env!("CARGO_BIN_EXE_pivotal-reminders"))
            .arg("serve")
            .env("DATABASE_URL", &database.url)
            .env("LISTEN", address.to_string())
            .env("PIVOTAL_LOG__LEVEL", "warn")
            .envs(environment.iter().copied())
            .stdout(Stdio::null())
            .kill_on_drop(true)
            .spawn()?;
        while began.elapsed() < Duration::from_secs(30) {
            if let Ok(mut client) = Http::connect(address).await
                && client
                    .send("GET /api/v1/health HTTP/1.1\r\nhost: bench\r\n\r\n")
                    .await
                    .is_ok_and(|status| status == 200)
            {
                return Ok(Self { child, address, first_answer: began.elapsed() });
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        bail!("the service does not answer")
    }
}

// --- the load ----------------------------------------------------------------------------------------------------------------------

/// A connection that carries one request at a time.
struct Http(BufReader<TcpStream>);

impl Http {
    async fn connect(address: SocketAddr) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self(BufReader::new(stream)))
    }

    /// Sends a request, reads the whole answer, gives its status.
    async fn send(&mut self, request: &str) -> anyhow::Result<u16> {
        self.0.write_all(request.as_bytes()).await?;
        let (mut line, mut status, mut length) = (String::new(), 0, 0);
        loop {
            line.clear();
            ensure!(self.0.read_line(&mut line).await? > 0, "the connection was closed");
            let text = line.trim_end();
            if let Some(rest) = text.strip_prefix("HTTP/1.1 ") {
                status = rest.split(' ').next().unwrap_or_default().parse()?;
            } else if let Some((name, value)) = text.split_once(':') {
                if name.eq_ignore_ascii_case("content-length") {
                    length = value.trim().parse()?;
                }
            } else if text.is_empty() {
                break;
            }
        }
        let mut body = vec![0; length];
        self.0.read_exact(&mut body).await?;
        Ok(status)
    }
}

/// Where requests go and what they may name.
#[derive(Clone)]
struct Target {
    address: SocketAddr,
    key: String,
    onboardings: u32,
}

#[derive(Clone, Copy)]
enum Call {
    Get,
    Patch,
    List,
    Create,
}

impl Target {
    /// The `n`th request of a kind, as bytes.
    fn request(&self, call: Call, n: u32) -> String {
        let id = seed::onboarding_id(n.wrapping_mul(7_919) % self.onboardings);
        let (line, body) = match call {
            Call::Get => (format!("GET /api/v1/onboardings/{id}"), None),
            Call::List => ("GET /api/v1/onboardings?limit=25".to_owned(), None),
            Call::Patch => (
                format!("PATCH /api/v1/onboardings/{id}"),
                Some(format!("{{\"notes\":\"call number {n}\"}}")),
            ),
            Call::Create => {
                ("POST /api/v1/onboardings".to_owned(), Some("{\"customer_id\":\"1\"}".to_owned()))
            }
        };
        let head =
            format!("{line} HTTP/1.1\r\nhost: bench\r\nauthorization: Bearer {}\r\n", self.key);
        match body {
            None => head + "\r\n",
            Some(body) => {
                format!(
                    "{head}content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
                    body.len()
                )
            }
        }
    }

    async fn call(&self, http: &mut Http, call: Call, n: u32) -> anyhow::Result<()> {
        let status = http.send(&self.request(call, n)).await?;
        ensure!(status == 200 || status == 201, "request {n} was answered with {status}");
        Ok(())
    }
}

/// Sends one kind of request on every connection as fast as it is answered; latencies in milliseconds.
async fn saturate(target: &Target, call: Call) -> anyhow::Result<Vec<f64>> {
    let mut connections = tokio::task::JoinSet::new();
    let end = Instant::now() + AT_MOST;
    for connection in 0..u32::try_from(CONNECTIONS)? {
        let target = target.clone();
        connections.spawn(async move {
            let mut http = Http::connect(target.address).await?;
            let mut millis = Vec::new();
            let mut n = connection * 1_000_003;
            while Instant::now() < end {
                let began = Instant::now();
                target.call(&mut http, call, n).await?;
                millis.push(began.elapsed().as_secs_f64() * 1000.0);
                n += 1;
            }
            anyhow::Ok(millis)
        });
    }
    let mut all = Vec::new();
    while let Some(finished) = connections.join_next().await {
        all.extend(finished??);
    }
    Ok(all)
}

/// Sends [`RATE`] requests a second and answers with the latencies in milliseconds, of GET and of PATCH.
async fn load(target: &Target) -> anyhow::Result<[Vec<f64>; 2]> {
    let (sender, receiver) = mpsc::channel::<(u32, Instant)>(WAITING);
    let receiver = Arc::new(Mutex::new(receiver));
    let mut connections = tokio::task::JoinSet::new();
    for _ in 0..CONNECTIONS {
        let receiver = Arc::clone(&receiver);
        let target = target.clone();
        let mut http = Http::connect(target.address).await?;
        connections.spawn(async move {
            let mut latencies = [Vec::new(), Vec::new()];
            loop {
                let next = receiver.lock().await.recv().await;
                let Some((n, due)) = next else { return anyhow::Ok(latencies) };
                let call = if n % 2 == 0 { Call::Get } else { Call::Patch };
                target.call(&mut http, call, n).await?;
                latencies[usize::from(n % 2 == 1)].push(due.elapsed().as_secs_f64() * 1000.0);
            }
        });
    }
    // A thread of its own: the runtime's timers only know whole milliseconds.
    let clock = std::thread::spawn(move || {
        let began = Instant::now();
        for n in 0..RATE * SECONDS {
            let due = began + Duration::from_secs(1) / RATE * n;
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
            if sender.try_send((n, due)).is_err() {
                return false;
            }
        }
        true
    });
    let mut latencies = [Vec::new(), Vec::new()];
    while let Some(finished) = connections.join_next().await {
        for (all, some) in latencies.iter_mut().zip(finished??) {
            all.extend(some);
        }
    }
    ensure!(
        clock.join().is_ok_and(|sent| sent),
        "the service does not keep up with {RATE} requests per second"
    );
    Ok(latencies)
}

// --- the sink ----------------------------------------------------------------------------------------------------------------------

/// A relay that accepts [`MAILS`] per second.
struct Sink {
    address: SocketAddr,
    pace: Arc<Pace>,
}

#[derive(Default)]
struct Pace {
    next: Mutex<Option<tokio::time::Instant>>,
    accepted: AtomicU64,
}

impl Pace {
    async fn turn(&self) {
        let mut next = self.next.lock().await;
        let turn = next.map_or_else(tokio::time::Instant::now, |last| {
            last.max(tokio::time::Instant::now() - Duration::from_millis(10))
        }) + Duration::from_secs(1) / MAILS;
        *next = Some(turn);
        drop(next);
        tokio::time::sleep_until(turn).await;
        self.accepted.fetch_add(1, Ordering::Relaxed);
    }
}

impl Sink {
    async fn start() -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let sink = Self { address: listener.local_addr()?, pace: Arc::default() };
        let pace = Arc::clone(&sink.pace);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(session(stream, Arc::clone(&pace)));
            }
        });
        Ok(sink)
    }

    fn accepted(&self) -> u64 {
        self.pace.accepted.load(Ordering::Relaxed)
    }
}

/// As much SMTP as a sender that makes no mistakes needs.
async fn session(stream: TcpStream, pace: Arc<Pace>) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut stream = BufReader::new(stream);
    stream.write_all(b"220 sink\r\n").await?;
    let (mut line, mut in_body) = (Vec::new(), false);
    loop {
        line.clear();
        if stream.read_until(b'\n', &mut line).await? == 0 {
            return Ok(());
        }
        let answer: &[u8] = if in_body {
            if line != b".\r\n" {
                continue;
            }
            in_body = false;
            pace.turn().await;
            b"250 2.0.0 Ok: queued\r\n"
        } else if line.starts_with(b"EHLO") {
            b"250-sink\r\n250 PIPELINING\r\n"
        } else if line.starts_with(b"DATA") {
            in_body = true;
            b"354 go on\r\n"
        } else if line.starts_with(b"QUIT") {
            return stream.write_all(b"221 bye\r\n").await;
        } else {
            b"250 Ok\r\n"
        };
        stream.write_all(answer).await?;
    }
}
