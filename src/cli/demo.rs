//! `demo`: the whole service in one process on an embedded file, with data to look at and nobody to bother.

use std::collections::BTreeSet;
use std::fs::{File, TryLockError};
use std::path::Path;

use anyhow::{Context, bail};
use chrono::{DateTime, NaiveDate, Utc};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::demo_data;
use super::out::Out;
use super::typed::Usage;
use super::{App, Clock, Config, Role};
use crate::app;
use crate::domain::calendar::{Calendar, add_days, hm, instant, local_date};
use crate::store::settings;

/// Arguments of `demo`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Throw the demo's data away and begin anew.
    #[arg(long)]
    reset: bool,
}

/// Where the demo keeps its data, whatever `DATABASE_URL` says: it must never touch a real database.
const FILE: &str = "data/demo.db";

pub(super) async fn run(args: Args, flags: &[(&str, String)], out: Out) -> anyhow::Result<()> {
    if flags.iter().any(|(key, _)| *key == "database.url") {
        let said =
            format!("demo keeps its data in {FILE} and takes no --database-url; `serve` does");
        return Err(Usage(said).into());
    }
    let config = demo_config(flags)?;
    app::start_telemetry(&config)?;
    // First the port: a demo that cannot be shown must not change anything.
    let listener = app::listen(&config.http.listen, "LISTEN").await?;
    let address = listener.local_addr()?;
    let _alone = alone()?;
    if args.reset {
        throw_away()?;
    }
    let now = Clock::System.now();
    let mut app = open(&config).await?;
    let kept = keys(&app).await?;
    let keys = if let Some(keys) = &kept {
        keys.clone()
    } else {
        // Whatever is there is of a start that did not come to its end: the keys are written last.
        app.db.close().await;
        throw_away()?;
        app = open(&config).await?;
        let keys = demo_data::write(&app, now).await?;
        first_pass(&app, now, out).await?;
        demo_data::remember(&app, &keys, now).await?;
        keys
    };
    // Invented data goes nowhere, however long the demo rested.
    app.accept_clock().await?;
    let counts = demo_data::counts(&app).await?;
    let start = if kept.is_some() { "Kept from last time" } else { "Made" };
    let json = json!({
        "url": format!("http://{address}"), "live_key": keys.live, "test_key": keys.test,
        "operator": { "email": demo_data::OPERATOR, "password": keys.password }, "kept": kept.is_some(),
        "customers": counts.customers, "onboardings": counts.onboardings, "messages": counts.messages, "suppressed": counts.suppressed,
    });
    let said = format!(
        "
{start}: {} customers, {} onboardings, {} messages ({} of them suppressed: test mode), in {FILE}.
{}
  Messages, as people would see them   http://{address}/outbox
  Console                              http://{address}/admin
  Operator                             {} with the password {}
  API                                  http://{address}/api/v1
  Live key                             {}
  Test key                             {}

Try:
  curl -s http://{address}/api/v1/me -H 'Authorization: Bearer {}'
  curl -s 'http://{address}/api/v1/onboardings?state=waiting&limit=3' -H 'Authorization: Bearer {}'

From here on the real clock runs: the next digests come at 09:00 of each CSM's next working day.
Ctrl-C stops it; `demo` again goes on where it was, `demo --reset` begins anew.
",
        counts.customers,
        counts.onboardings,
        counts.messages,
        counts.suppressed,
        if kept.is_some() {
            "Nothing is sent twice."
        } else {
            "Nothing leaves this machine: mail and Slack messages are captured."
        },
        demo_data::OPERATOR,
        keys.password,
        keys.live,
        keys.test,
        keys.live,
        keys.live,
    );
    let stop = CancellationToken::new();
    app::stop_on_signal(stop.clone())?;
    out.done(&said, &json);
    let roles = BTreeSet::from([Role::Api, Role::Scheduler, Role::Worker]);
    let result = app.serve(&roles, Some(listener), true, stop).await;
    app.db.close().await;
    result
}

/// The settings, with everything that could reach the world taken out.
fn demo_config(flags: &[(&str, String)]) -> anyhow::Result<Config> {
    let mut flags = flags.to_vec();
    flags.push(("database.url", format!("sqlite://{FILE}")));
    flags.extend(
        ["mail.smtp_url", "mail.smtp_password", "slack.bot_token"].map(|key| (key, String::new())),
    );
    if !flags.iter().any(|(key, _)| *key == "log.level")
        && std::env::var("PIVOTAL_LOG__LEVEL").is_err()
    {
        flags.push(("log.level", "warn".to_owned()));
    }
    Ok(Config::load(&flags)?)
}

async fn open(config: &Config) -> anyhow::Result<App> {
    let app = App::create(config.clone(), Clock::System).await?;
    app.migrate().await?;
    Ok(app)
}

/// Held as long as this demo runs: two of them would write into one file, and `--reset` would take it from under the other.
fn alone() -> anyhow::Result<File> {
    let path = format!("{FILE}.lock");
    std::fs::create_dir_all("data").context("cannot make the folder data")?;
    let file = File::create(&path).with_context(|| format!("cannot write {path}"))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            bail!(
                "another demo is running on {FILE}; stop it first, or start this one in another folder"
            )
        }
        Err(TryLockError::Error(error)) => {
            Err(error).with_context(|| format!("cannot lock {path}"))
        }
    }
}

fn throw_away() -> anyhow::Result<()> {
    for suffix in ["", "-wal", "-shm"] {
        let path = format!("{FILE}{suffix}");
        if Path::new(&path).exists() {
            std::fs::remove_file(&path).with_context(|| format!("cannot remove {path}"))?;
        }
    }
    Ok(())
}

async fn keys(app: &App) -> anyhow::Result<Option<demo_data::Keys>> {
    let mut conn = app.db.read().await?;
    let live = settings::get(&mut conn, demo_data::LIVE_KEY).await?;
    let test = settings::get(&mut conn, demo_data::TEST_KEY).await?;
    let password = settings::get(&mut conn, demo_data::PASSWORD).await?;
    Ok(live.zip(test).zip(password).map(|((live, test), password)| demo_data::Keys {
        live,
        test,
        password,
    }))
}

/// One pass as of 09:00 of the latest past working day of each CSM's zone, in the order in which these mornings came.
async fn first_pass(app: &App, now: DateTime<Utc>, out: Out) -> anyhow::Result<()> {
    let mut mornings: Vec<DateTime<Utc>> =
        demo_data::ZONES.iter().map(|zone| morning(*zone, now).1).collect();
    mornings.sort_unstable();
    mornings.dedup();
    let bar = out.progress("first pass");
    for at in mornings {
        let then = App::over(app.config.clone(), Clock::Fixed(at), app.db.clone());
        then.scan(|_| bar.tick()).await?;
        then.drain(|_| bar.tick()).await?;
    }
    bar.finish_and_clear();
    Ok(())
}

/// The latest working day in `zone` whose 09:00 has passed, and that instant.
pub(super) fn morning(zone: chrono_tz::Tz, now: DateTime<Utc>) -> (NaiveDate, DateTime<Utc>) {
    let calendar = Calendar::default();
    let mut date = local_date(zone, now);
    loop {
        let at = instant(zone, date, hm(9, 0));
        if calendar.is_working_day(date) && at <= now {
            return (date, at);
        }
        date = add_days(date, -1);
    }
}
