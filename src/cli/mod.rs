//! The command line: one verb per role and per operator's need.
//!
//! Tables for people, `--json` for programs, results on standard output and everything else on standard error. Exit codes: 0 done,
//! 1 failed, 2 usage. `anyhow` lives here and in `app`: whatever goes wrong ends as one line.

mod admin;
mod as_if;
mod audit;
mod author;
mod bulk;
mod demo;
mod demo_data;
mod doctor;
mod foresee;
mod jobs;
mod notifications;
mod onboardings;
mod operate;
mod operators;
mod out;
mod preview;
mod run;
mod schedules;
mod settings;
mod status;
mod texts;
mod typed;
mod users;

use std::process::ExitCode;

use chrono::{DateTime, Utc};
use clap::error::ErrorKind;
use clap::{Args, CommandFactory, Parser, Subcommand};

use crate::app::{self, App, Role};
use crate::clock::Clock;
use crate::config::Config;
use crate::telemetry;
use out::Out;
use typed::Usage;

/// Makes sure that no customer onboarding stalls because somebody forgot.
#[derive(Debug, Parser)]
#[command(name = "pivotal-reminders", version, about, propagate_version = true)]
pub struct Cli {
    /// Answer with JSON instead of tables.
    #[arg(long, global = true)]
    json: bool,
    /// `sqlite://path` or `postgres://user:password@host/name`; overrides `DATABASE_URL`.
    #[arg(long, global = true, value_name = "URL")]
    database_url: Option<String>,
    /// error, warn, info, debug, or a tracing filter.
    #[arg(long, global = true, value_name = "LEVEL")]
    log: Option<String>,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Try it: everything in one process, demo data, messages captured at /outbox.
    Demo(demo::Args),
    /// Run the service.
    Serve(run::ServeArgs),
    /// Bring the database's schema up to date.
    Migrate,
    /// Run one scheduler pass.
    Scan(AsOf),
    /// Deliver what is ready.
    Work(run::WorkArgs),
    /// Workspaces: create, show, update, list.
    #[command(subcommand)]
    Workspaces(admin::Workspaces),
    /// The phases of a workspace: list, update.
    #[command(subcommand)]
    Phases(admin::Phases),
    /// Users of a workspace: create, list, show, update, preferences.
    #[command(subcommand)]
    Users(users::Users),
    /// API keys: create, list, rotate, revoke.
    #[command(subcommand)]
    Keys(admin::Keys),
    /// Operators, who sign in at /admin: create, list, role, disable, enable, password.
    #[command(subcommand)]
    Operators(operators::Operators),
    /// Notifications: list, show, retry, cancel, resend, delivered.
    #[command(subcommand)]
    Notifications(notifications::Notifications),
    /// Queues: list, pause, resume.
    #[command(subcommand)]
    Queues(operate::Queues),
    /// Jobs, the wake-ups of the queues: list, show, retry, cancel, run-now.
    #[command(subcommand)]
    Jobs(jobs::Jobs),
    /// One action on everything that matches: plan, list, show, apply, undo.
    #[command(subcommand)]
    Bulk(bulk::Bulk),
    /// What runs by the clock: list, run, pause, resume.
    #[command(subcommand)]
    Schedules(schedules::Schedules),
    /// Addresses that were refused: list, clear.
    #[command(subcommand)]
    Addresses(operate::Addresses),
    /// Texts of a workspace's own: list, show, check, save, rollback.
    #[command(subcommand)]
    Templates(texts::Templates),
    /// Who wants no messages: list, lift.
    #[command(subcommand)]
    OptOuts(texts::OptOuts),
    /// What will be sent to whom, when, if nothing changes.
    Forecast(foresee::ForecastArgs),
    /// Why somebody hears, or does not hear, of an onboarding.
    Explain(foresee::ExplainArgs),
    /// What messages look like, on samples or on real data.
    Preview(Box<preview::PreviewArgs>),
    /// Reminders of an onboarding: snooze, wake.
    #[command(subcommand)]
    Onboardings(onboardings::Onboardings),
    /// Onboardings that nobody hears of: no active CSM, and no active workspace owner.
    Unroutable(foresee::UnroutableArgs),
    /// Who changed what, when and why: list.
    #[command(subcommand)]
    AuditLog(audit::AuditLog),
    /// How the service is: what waits, what runs, what asks for an operator.
    Status(status::StatusArgs),
    /// Print completions for a shell: bash, zsh, fish, elvish or powershell.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
    /// Check configuration, database, migrations, mail and Slack; says what to do about each fault.
    Doctor(doctor::Args),
}

/// An instant that takes the clock's place.
#[derive(Clone, Copy, Debug, Args)]
struct AsOf {
    /// Act as of this instant (RFC 3339, such as 2026-11-23T07:00:00+01:00) instead of now.
    #[arg(long, value_name = "RFC3339", value_parser = typed::instant)]
    now: Option<DateTime<Utc>>,
}

impl AsOf {
    fn clock(self) -> Clock {
        self.now.map_or(Clock::System, Clock::Fixed)
    }
}

/// Exit code where what was typed is wrong.
const WRONG_USAGE: u8 = 2;

/// Parses the arguments and runs the verb.
#[must_use]
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            let asked = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
            return if asked { ExitCode::SUCCESS } else { WRONG_USAGE.into() };
        }
    };
    // One TLS provider for the whole process, before anything can ask for another.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&anyhow::Error::new(error)),
    };
    let result = runtime.block_on(run(cli));
    telemetry::traces::stop();
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(&error),
    }
}

/// One line: what failed, and why.
fn failed(error: &anyhow::Error) -> ExitCode {
    let line = format!("{error:#}").lines().collect::<Vec<_>>().join(" ");
    eprintln!("pivotal-reminders: {line}");
    if error.is::<Usage>() { WRONG_USAGE.into() } else { ExitCode::FAILURE }
}

async fn run(cli: Cli) -> anyhow::Result<()> {
    let mut flags = Vec::new();
    flags.extend(cli.database_url.map(|url| ("database.url", url)));
    flags.extend(cli.log.map(|level| ("log.level", level)));
    let out = Out { json: cli.json };
    if let Verb::Completions { shell } = cli.verb {
        let mut script = Vec::new();
        clap_complete::generate(shell, &mut command(), "pivotal-reminders", &mut script);
        out::line(String::from_utf8_lossy(&script).trim_end());
        return Ok(());
    }
    if let Verb::Demo(args) = cli.verb {
        return demo::run(args, &flags, out).await;
    }
    let config = match Config::load(&flags) {
        Ok(config) => config,
        Err(error) if matches!(cli.verb, Verb::Doctor(_)) => {
            return doctor::without_config(&error, out);
        }
        Err(error) => return Err(error.into()),
    };
    app::start_telemetry(&config)?;
    match cli.verb {
        Verb::Demo(_) | Verb::Completions { .. } => Ok(()),
        Verb::Doctor(args) => doctor::run(config, &args, out).await,
        Verb::Serve(args) => run::serve(config, args).await,
        Verb::Migrate => {
            let app = App::create(config, Clock::System).await?;
            app.migrate().await?;
            out.done(
                &format!("the {} schema is up to date", app.db.name()),
                &serde_json::json!({ "migrated": true }),
            );
            Ok(())
        }
        Verb::Scan(as_of) => run::scan(&ready(config, as_of.clock()).await?, out).await,
        Verb::Work(args) => {
            let clock = args.as_of.clock();
            run::work(&ready(config, clock).await?, &args, out).await
        }
        Verb::Forecast(args) => {
            let clock = args.as_of.clock();
            foresee::forecast(&ready(config, clock).await?, &args, out).await
        }
        Verb::Explain(args) => {
            let clock = args.as_of.clock();
            foresee::explain(&ready(config, clock).await?, &args, out).await
        }
        Verb::Preview(args) => preview::preview(config, &args, out).await,
        Verb::Unroutable(args) => {
            foresee::unroutable(&ready(config, Clock::System).await?, &args, out).await
        }
        Verb::Status(args) => {
            let clock = args.as_of.clock();
            status::status(&ready(config, clock).await?, &args, out).await
        }
        Verb::Workspaces(verb) => {
            admin::workspaces(&ready(config, Clock::System).await?, verb, out).await
        }
        Verb::Phases(verb) => admin::phases(&ready(config, Clock::System).await?, verb, out).await,
        Verb::Users(verb) => users::users(&ready(config, Clock::System).await?, verb, out).await,
        Verb::Onboardings(verb) => {
            onboardings::onboardings(&ready(config, Clock::System).await?, verb, out).await
        }
        Verb::AuditLog(verb) => {
            audit::audit_log(&ready(config, Clock::System).await?, verb, out).await
        }
        Verb::Keys(verb) => admin::keys(&ready(config, Clock::System).await?, verb, out).await,
        Verb::Operators(verb) => {
            operators::operators(&ready(config, Clock::System).await?, verb, out).await
        }
        Verb::Notifications(verb) => {
            notifications::notifications(&ready(config, Clock::System).await?, verb, out).await
        }
        Verb::Queues(verb) => {
            operate::queues(&ready(config, Clock::System).await?, verb, out).await
        }
        Verb::Jobs(verb) => jobs::jobs(&ready(config, Clock::System).await?, verb, out).await,
        Verb::Bulk(verb) => bulk::bulk(&ready(config, Clock::System).await?, verb, out).await,
        Verb::Schedules(verb) => {
            schedules::schedules(&ready(config, Clock::System).await?, verb, out).await
        }
        Verb::Templates(verb) => {
            texts::templates(&ready(config, Clock::System).await?, verb, out).await
        }
        Verb::OptOuts(verb) => {
            texts::opt_outs(&ready(config, Clock::System).await?, verb, out).await
        }
        Verb::Addresses(verb) => {
            operate::addresses(&ready(config, Clock::System).await?, verb, out).await
        }
    }
}

/// An app on a schema that fits.
async fn ready(config: Config, clock: Clock) -> anyhow::Result<App> {
    let app = App::open(config, clock).await?;
    app.require_schema().await?;
    Ok(app)
}

/// The command as clap sees it, for help texts, completions and tests.
#[must_use]
pub fn command() -> clap::Command {
    Cli::command()
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_command_line_is_well_formed() {
        super::command().debug_assert();
    }
}
