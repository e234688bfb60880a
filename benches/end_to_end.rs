//! Digests from the due row to the committed outcome: `scripts/bench` runs it and prints the tables of
//! `docs/figures.md`.
//!
//! ```text
//! cargo bench --bench end_to_end -- [--rounds N] [--only postgres|sqlite|peers]… [--quick]
//! ```
//!
//! Every measurement has a database and a process of its own, so that CPU and memory are its alone. Ours and the peers' take turns in
//! every round: what the machine does otherwise hits all of them, and ratios are taken within a round.

#[path = "support/sample.rs"]
mod sample;
#[path = "support/mod.rs"]
#[expect(dead_code, reason = "shared with the other benchmarks")]
mod support;

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use chrono::{DateTime, Utc};
use pivotal_reminders::clock::Clock;
use pivotal_reminders::db::checkpoint;
use pivotal_reminders::domain::message::Message;
use pivotal_reminders::domain::values::Channel;
use pivotal_reminders::render::{Renderer, samples};
use pivotal_reminders::store::clock_guard::ClockGuard;
use pivotal_reminders::{on, telemetry, worker};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use support::options::{self, Options};
use support::seed::{self, Plan, monday};
use support::{Database, Engine, Process, median, whole};

/// Sessions with the sink. On loopback a session is what a claim waits for; a relay with real round trips needs no more than ten.
const SESSIONS: &str = "64";

fn main() -> anyhow::Result<()> {
    let arguments = options::arguments();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        ["child", "deliver", url, at] => runtime.block_on(deliver(url, at.parse()?)),
        _ => runtime.block_on(run(&Options::read(&arguments, &["postgres", "sqlite", "peers"])?)),
    }
}

async fn run(options: &Options) -> anyhow::Result<()> {
    for engine in [Engine::Postgres, Engine::Sqlite] {
        seed::check(engine, Plan::full_morning(monday())).await?;
    }
    digests(options).await
}

// --- digests, end to end -----------------------------------------------------------------------------------------------------------

/// What one run came to. The peers print the first four by themselves.
#[derive(Clone, Debug, Deserialize, Serialize)]
struct Outcome {
    digests: f64,
    scan_s: f64,
    send_s: f64,
    rss_mb: f64,
    #[serde(default)]
    scan_cpu_s: f64,
    #[serde(default)]
    send_cpu_s: f64,
    /// Of the server's processes for our connections, while sending.
    #[serde(default)]
    server_cpu_s: f64,
}

impl Outcome {
    /// Whether everybody got their digest.
    fn is_complete(&self, plan: Plan) -> bool {
        (self.digests - f64::from(plan.recipients())).abs() < 0.5
    }

    fn per_second(&self) -> f64 {
        self.digests / (self.scan_s + self.send_s)
    }
}

/// Who competes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Contender {
    Ours(Engine),
    Node,
    /// Sends mail as rich as ours: the peer's own is a thirtieth of it.
    NodeWithOurMail,
    Python,
}

impl Contender {
    const ALL: [Self; 5] = [
        Self::Ours(Engine::Postgres),
        Self::Node,
        Self::NodeWithOurMail,
        Self::Ours(Engine::Sqlite),
        Self::Python,
    ];

    const fn group(self) -> &'static str {
        match self {
            Self::Ours(Engine::Postgres) => "postgres",
            Self::Ours(Engine::Sqlite) => "sqlite",
            Self::Node | Self::NodeWithOurMail | Self::Python => "peers",
        }
    }

    fn name(self) -> String {
        match self {
            Self::Ours(engine) => format!("ours, {}", engine.name()),
            Self::Node => "Node peer, PostgreSQL".to_owned(),
            Self::NodeWithOurMail => "Node peer with our mail".to_owned(),
            Self::Python => "Python peer, PostgreSQL".to_owned(),
        }
    }
}

async fn digests(options: &Options) -> anyhow::Result<()> {
    let plan = if options.quick {
        Plan { csms: 500, ..Plan::full_morning(monday()) }
    } else {
        Plan::full_morning(monday())
    };
    let contenders: Vec<Contender> =
        Contender::ALL.into_iter().filter(|c| options.wants(c.group())).collect();
    let mut outcomes: Vec<Vec<Outcome>> = vec![Vec::new(); contenders.len()];
    for round in 1..=options.rounds {
        for (contender, outcomes) in contenders.iter().zip(&mut outcomes) {
            let outcome = match contender {
                Contender::Ours(engine) => ours(*engine, plan).await,
                Contender::Node => peer(plan, "node", &peers()?).await,
                Contender::NodeWithOurMail => peer(plan, "node", &peers_with_our_mail()?).await,
                Contender::Python => peer(plan, "python", &peers()?).await,
            }
            .with_context(|| contender.name())?;
            println!(
                "round {round}: {}: {}/s (scan {:.3} s, send {:.3} s)",
                contender.name(),
                whole(outcome.per_second()),
                outcome.scan_s,
                outcome.send_s
            );
            outcomes.push(outcome);
        }
    }
    let onboardings = f64::from(plan.csms * plan.each);
    println!(
        "\n{} due onboardings of {} CSMs, {} rounds; median (min–max)\n",
        whole(onboardings),
        whole(f64::from(plan.csms)),
        options.rounds
    );
    println!(
        "| | digests/s end to end | scan, onboardings/s | send, digests/s | CPU µs/digest, sending: ours | PostgreSQL's | peak RSS, MB | × Node | × Node with our mail | × Python |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|");
    let of =
        |who: Contender| contenders.iter().position(|c| *c == who).map(|at| outcomes[at].clone());
    let (node, rich, python) =
        (of(Contender::Node), of(Contender::NodeWithOurMail), of(Contender::Python));
    for (contender, outcomes) in contenders.iter().zip(&outcomes) {
        let range = |value: &dyn Fn(&Outcome) -> f64| {
            let values: Vec<f64> = outcomes.iter().map(value).collect();
            let (min, max) = values
                .iter()
                .fold((f64::MAX, f64::MIN), |(min, max), v| (min.min(*v), max.max(*v)));
            format!("{} ({}–{})", whole(median(&values)), whole(min), whole(max))
        };
        let ratio = |other: &Option<Vec<Outcome>>| {
            let Some(other) = other else { return "–".to_owned() };
            let ratios: Vec<f64> =
                outcomes.iter().zip(other).map(|(a, b)| a.per_second() / b.per_second()).collect();
            format!("{:.1}", median(&ratios))
        };
        println!(
            "| {} | {} | {} | {} | {} | {} | {} | {} | {} | {} |",
            contender.name(),
            range(&Outcome::per_second),
            range(&|o| onboardings / o.scan_s),
            range(&|o| o.digests / o.send_s),
            if matches!(contender, Contender::Ours(_)) {
                range(&|o| o.send_cpu_s * 1e6 / o.digests)
            } else {
                "–".to_owned()
            },
            if *contender == Contender::Ours(Engine::Postgres) {
                range(&|o| o.server_cpu_s * 1e6 / o.digests)
            } else {
                "–".to_owned()
            },
            range(&|o| o.rss_mb),
            ratio(&node),
            ratio(&rich),
            ratio(&python),
        );
    }
    println!();
    Ok(())
}

async fn ours(engine: Engine, plan: Plan) -> anyhow::Result<Outcome> {
    let database = Database::new(engine).await?;
    seed::fill(&database, plan).await?;
    let outcome: Outcome = serde_json::from_value(child("deliver", &database, plan.slot).await?)?;
    ensure!(outcome.is_complete(plan), "{} digests were sent", outcome.digests);
    database.drop_now().await?;
    Ok(outcome)
}

/// Starts this program again for one measurement, and reads the line it prints.
async fn child(what: &str, database: &Database, at: DateTime<Utc>) -> anyhow::Result<Value> {
    let output = tokio::process::Command::new(std::env::current_exe()?)
        .args(["child", what, &database.url, &at.to_rfc3339()])
        .env("SMTP_URL", format!("smtp://127.0.0.1:{}", sink_port()?))
        .env("MAIL_FROM", "reminders@example.test")
        .env("PIVOTAL_MAIL__SESSIONS", SESSIONS)
        .stderr(Stdio::inherit())
        .output()
        .await?;
    ensure!(output.status.success(), "the measurement failed");
    Ok(serde_json::from_slice(&output.stdout)?)
}

fn sink_port() -> anyhow::Result<u16> {
    let port = std::env::var("BENCH_SMTP_PORT")
        .context("BENCH_SMTP_PORT is not set; run scripts/bench, which starts a sink for it")?;
    Ok(port.parse()?)
}

/// Where `scripts/bench` has prepared the peers.
fn peers() -> anyhow::Result<PathBuf> {
    let folder = std::env::var("BENCH_PEERS")
        .context("BENCH_PEERS is not set; run scripts/bench, which prepares the peers")?;
    Ok(PathBuf::from(folder))
}

/// The peers beside themselves, with a template that makes a mail of our size.
fn peers_with_our_mail() -> anyhow::Result<PathBuf> {
    let (plain, rich) = (peers()?, peers()?.with_extension("rich"));
    let message = Renderer::new()?.digest(
        &sample::digest(5),
        Channel::Email,
        &samples::links(),
        &samples::brand(),
    )?;
    let Message::Email(email) = message else { bail!("a mail was expected") };
    let mut html = email.html;
    for n in 0..5 {
        html = html.replacen(sample::CUSTOMER, &format!("{{{{ items[{n}].customer }}}}"), 1);
    }
    std::fs::create_dir_all(&rich)?;
    std::fs::copy(plain.join("node_peer.mjs"), rich.join("node_peer.mjs"))?;
    std::fs::write(rich.join("digest.html.njk"), html)?;
    let modules = rich.join("node_modules");
    if !modules.exists() {
        std::os::unix::fs::symlink(plain.join("node_modules"), modules)?;
    }
    Ok(rich)
}

/// A peer, on a database of its own, seeded with the workload that all peers share.
async fn peer(plan: Plan, which: &str, folder: &Path) -> anyhow::Result<Outcome> {
    let database = Database::empty(Engine::Postgres).await?;
    let sql = include_str!("peers/seed.sql")
        .replace(":csms", &plan.csms.to_string())
        .replace(":due", &(plan.csms * plan.each).to_string());
    database.raw().await?.run(sql).await?;
    database.settle().await?;
    let mut command = if which == "node" {
        let mut command = tokio::process::Command::new("node");
        command.arg("node_peer.mjs").env("LOCALQ", "1");
        command
    } else {
        let mut command = tokio::process::Command::new(folder.join("venv/bin/python"));
        command.arg("python_peer.py");
        command
    };
    let output = command
        .current_dir(folder)
        .env("DATABASE_URL", &database.url)
        .env("SMTP_PORT", sink_port()?.to_string())
        .env("SMTP_CONNS", "10")
        .stderr(Stdio::null())
        .output()
        .await?;
    let text = String::from_utf8_lossy(&output.stdout);
    let line = text
        .lines()
        .rfind(|line| line.starts_with('{'))
        .with_context(|| format!("{which} printed no figures: {text}"))?;
    let outcome: Outcome = serde_json::from_str(line)?;
    ensure!(outcome.is_complete(plan), "{} digests were sent", outcome.digests);
    database.drop_now().await?;
    Ok(outcome)
}

/// The measurement: one pass, then deliveries as `serve` makes them, until the last outcome is committed.
async fn deliver(url: &str, at: DateTime<Utc>) -> anyhow::Result<()> {
    let app = support::open(url, Clock::Fixed(at)).await?;
    telemetry::start(&app.config.log, None);
    let us = Process::this();
    let (began, cpu) = (Instant::now(), us.cpu_seconds()?);
    let summary = app.scan(|_| ()).await?;
    let (scan_s, scan_cpu_s) = (began.elapsed().as_secs_f64(), us.cpu_seconds()? - cpu);
    ensure!(summary.unaccounted() == 0 && summary.skipped == 0, "{summary:?}");

    let name = url.rsplit('/').next().unwrap_or_default();
    let (began, cpu, server) = (Instant::now(), us.cpu_seconds()?, support::server_cpu(name)?);
    let stop = CancellationToken::new();
    let courier = app.courier(ClockGuard::open()).await?;
    let log = tokio::spawn(checkpoint::keep(app.db.clone(), stop.clone()));
    let work = tokio::spawn(worker::run(
        Arc::clone(&courier),
        "worker".to_owned(),
        Duration::from_secs(10),
        stop.clone(),
    ));
    while anything_open(&app).await? {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let (send_s, send_cpu_s) = (began.elapsed().as_secs_f64(), us.cpu_seconds()? - cpu);
    let server_cpu_s = support::server_cpu(name)? - server;
    let rss_mb = us.memory_mb("VmHWM")?;
    stop.cancel();
    work.await?;
    log.await?;

    let mut conn = app.db.read().await?;
    let sent: (i64,) = on!(conn, |c| {
        sqlx::query_as(
        "SELECT count(*) FROM notifications n JOIN attempts a ON a.notification_id = n.id AND a.number = 1
         WHERE n.state = 'sent' AND n.attempt_count = 1 AND a.outcome = 'accepted'"
    )
    .fetch_one(c)
    .await?
    });
    #[expect(clippy::cast_precision_loss, reason = "thousands")]
    let digests = sent.0 as f64;
    let outcome = Outcome { digests, scan_s, send_s, rss_mb, scan_cpu_s, send_cpu_s, server_cpu_s };
    println!("{}", serde_json::to_string(&outcome)?);
    Ok(())
}

async fn anything_open(app: &pivotal_reminders::app::App) -> anyhow::Result<bool> {
    let mut conn = app.db.read().await?;
    let row: Option<(i64,)> = on!(conn, |c| sqlx::query_as(
        "SELECT CAST(1 AS BIGINT) FROM notifications WHERE finished_at IS NULL LIMIT 1"
    )
    .fetch_optional(c)
    .await?);
    Ok(row.is_some())
}
