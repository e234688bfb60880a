//! What it costs to look: a pass with nothing due and with 25,000 due of 1,000,000, and a forecast of a year. `scripts/bench scan` runs it.
//!
//! ```text
//! cargo bench --bench scan -- [--rounds N] [--only postgres|sqlite|forecast]… [--quick]
//! ```
//!
//! Every measurement has a database and a process of its own.

#[path = "support/mod.rs"]
#[expect(dead_code, reason = "shared with the other benchmarks")]
mod support;

use std::process::Stdio;
use std::time::Instant;

use anyhow::ensure;
use chrono::{DateTime, TimeDelta, Utc};
use pivotal_reminders::clock::Clock;
use pivotal_reminders::domain::facts::Channels;
use pivotal_reminders::operate::forecast::{Question, forecast};
use pivotal_reminders::store::worlds::About;
use pivotal_reminders::telemetry;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use support::options::{self, Options};
use support::seed::{self, Plan, monday};
use support::{Database, Engine, Process, median, whole};

/// Passes that find nothing, per round.
const IDLE_PASSES: usize = 51;

/// Onboardings of which a forecast tells a year.
const FORESEEN: u32 = 10_000;

fn main() -> anyhow::Result<()> {
    let arguments = options::arguments();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        ["child", "passes", url, at] => runtime.block_on(passes(url, at.parse()?)),
        ["child", "forecast", url, at] => runtime.block_on(a_year(url, at.parse()?)),
        _ => {
            runtime.block_on(run(&Options::read(&arguments, &["postgres", "sqlite", "forecast"])?))
        }
    }
}

async fn run(options: &Options) -> anyhow::Result<()> {
    let sizes: &[u32] = if options.quick { &[10_000] } else { &[10_000, 100_000, 1_000_000] };
    for (engine, name) in [(Engine::Postgres, "postgres"), (Engine::Sqlite, "sqlite")] {
        if options.wants(name) {
            seed::check(engine, Plan::ordinary_morning(2_000, monday())).await?;
            for onboardings in sizes {
                pass(options, engine, *onboardings).await?;
            }
        }
        if options.wants("forecast") {
            foresee(engine).await?;
        }
    }
    Ok(())
}

/// Runs this program again for one measurement.
async fn child(what: &str, database: &Database, at: DateTime<Utc>) -> anyhow::Result<Value> {
    let output = tokio::process::Command::new(std::env::current_exe()?)
        .args(["child", what, &database.url, &at.to_rfc3339()])
        .stderr(Stdio::inherit())
        .output()
        .await?;
    ensure!(output.status.success(), "the measurement failed");
    Ok(serde_json::from_slice(&output.stdout)?)
}

// --- a pass ------------------------------------------------------------------------------------------------------------------------

/// Figures of one process that runs passes.
#[derive(Debug, Deserialize, Serialize)]
struct Passes {
    idle_ms: Vec<f64>,
    due_s: f64,
    recipients: i64,
}

async fn pass(options: &Options, engine: Engine, onboardings: u32) -> anyhow::Result<()> {
    let plan = Plan::ordinary_morning(onboardings, monday());
    let database = Database::new(engine).await?;
    seed::fill(&database, plan).await?;
    let due = f64::from(plan.recipients() * plan.due);
    let (mut idle, mut rates) = (Vec::new(), Vec::new());
    // A fifth of the people has its slot on Monday, the next fifth on Tuesday, so that there are five fresh rounds.
    for day in 0..options.rounds.min(5) {
        database.settle().await?;
        let at = plan.slot + TimeDelta::days(i64::try_from(day)?);
        let passes: Passes = serde_json::from_value(child("passes", &database, at).await?)?;
        ensure!(passes.recipients == i64::from(plan.recipients()), "{passes:?}");
        idle.extend(passes.idle_ms);
        rates.push(due / passes.due_s);
    }
    let max = idle.iter().copied().fold(f64::MIN, f64::max);
    let (slowest, fastest) =
        rates.iter().fold((f64::MAX, f64::MIN), |(min, max), v| (min.min(*v), max.max(*v)));
    println!(
        "one pass on {} over {} onboardings: nothing due {:.2} ms (longest of {}: {:.2} ms); {} due {} onboardings/s ({}–{})",
        engine.name(),
        whole(f64::from(onboardings)),
        median(&idle),
        idle.len(),
        max,
        whole(due),
        whole(median(&rates)),
        whole(slowest),
        whole(fastest)
    );
    database.drop_now().await
}

/// The measurement: passes an hour before the slot, which find nothing, then the pass of the slot.
async fn passes(url: &str, at: DateTime<Utc>) -> anyhow::Result<()> {
    let app = support::open(url, Clock::manual(at - TimeDelta::hours(1))).await?;
    telemetry::start(&app.config.log, None);
    let mut idle_ms = Vec::new();
    for _ in 0..IDLE_PASSES {
        let began = Instant::now();
        let summary = app.scan(|_| ()).await?;
        idle_ms.push(began.elapsed().as_secs_f64() * 1000.0);
        ensure!(summary.recipients == 0 && summary.nudges == 0, "{summary:?}");
    }
    app.clock.advance(TimeDelta::hours(1));
    let began = Instant::now();
    let summary = app.scan(|_| ()).await?;
    let due_s = began.elapsed().as_secs_f64();
    ensure!(summary.unaccounted() == 0 && summary.skipped == 0, "{summary:?}");
    println!(
        "{}",
        serde_json::to_string(&Passes { idle_ms, due_s, recipients: summary.recipients })?
    );
    Ok(())
}

// --- a forecast --------------------------------------------------------------------------------------------------------------------

/// Figures of one process that foresees a year.
#[derive(Debug, Deserialize, Serialize)]
struct Foreseen {
    seconds: f64,
    notifications: usize,
    rss_mb: f64,
}

async fn foresee(engine: Engine) -> anyhow::Result<()> {
    let plan = Plan::ordinary_morning(FORESEEN, monday());
    let database = Database::new(engine).await?;
    seed::fill(&database, plan).await?;
    let at = plan.slot - TimeDelta::hours(1);
    let found: Foreseen = serde_json::from_value(child("forecast", &database, at).await?)?;
    #[expect(clippy::cast_precision_loss, reason = "thousands")]
    let notifications = found.notifications as f64;
    println!(
        "a year of {} onboardings foreseen on {}: {:.2} s, {} notifications, {:.0} MB",
        whole(f64::from(FORESEEN)),
        engine.name(),
        found.seconds,
        whole(notifications),
        found.rss_mb
    );
    database.drop_now().await
}

/// The measurement: everything of one workspace, a year ahead.
async fn a_year(url: &str, at: DateTime<Utc>) -> anyhow::Result<()> {
    let app = support::open(url, Clock::Fixed(at)).await?;
    telemetry::start(&app.config.log, None);
    let question = Question {
        workspace_id: seed::WORKSPACE,
        about: About::Everything,
        days: 365,
        as_if: None,
        channels: Channels::ALL,
    };
    let began = Instant::now();
    let found = forecast(&app.db, question, at, |_, _| ()).await?;
    let foreseen = Foreseen {
        seconds: began.elapsed().as_secs_f64(),
        notifications: found.len(),
        rss_mb: Process::this().memory_mb("VmHWM")?,
    };
    println!("{}", serde_json::to_string(&foreseen)?);
    Ok(())
}
