//! The verbs that do the work: serve, scan, work.

use std::collections::BTreeSet;

use anyhow::bail;
use clap::Args;
use tokio_util::sync::CancellationToken;

use super::out::Out;
use super::{App, AsOf, Clock, Config, Role};
use crate::app;

/// Arguments of `serve`.
#[derive(Debug, Args)]
pub(super) struct ServeArgs {
    /// Which parts to run; all by default.
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = [Role::Api, Role::Scheduler, Role::Worker])]
    role: Vec<Role>,
    /// Do not migrate the database first.
    #[arg(long)]
    no_migrate: bool,
}

/// Arguments of `work`.
#[derive(Debug, Args)]
pub(super) struct WorkArgs {
    /// Deliver everything that is ready, then end.
    #[arg(long, required = true)]
    drain: bool,
    #[command(flatten)]
    pub(super) as_of: AsOf,
}

pub(super) async fn serve(config: Config, args: ServeArgs) -> anyhow::Result<()> {
    let roles: BTreeSet<Role> = args.role.into_iter().collect();
    let listener = if roles.contains(&Role::Api) {
        Some(app::listen(&config.http.listen, "LISTEN").await?)
    } else {
        None
    };
    let app = if args.no_migrate {
        App::open(config, Clock::System).await?
    } else {
        App::create(config, Clock::System).await?
    };
    if args.no_migrate {
        app.require_schema().await?;
    } else {
        app.migrate().await?;
    }
    let ways = app.ways()?;
    if ways.captured {
        tracing::warn!(
            "neither SMTP_URL nor SLACK_BOT_TOKEN is set: messages are captured in the ledger, nobody gets any"
        );
    } else if !ways.channels.email {
        tracing::warn!("SMTP_URL is not set: mail cannot be sent, everything goes by Slack");
    } else if !ways.channels.slack {
        tracing::warn!(
            "SLACK_BOT_TOKEN is not set: Slack messages cannot be sent, everything goes by mail"
        );
    }
    let stop = CancellationToken::new();
    app::stop_on_signal(stop.clone())?;
    let names: Vec<_> = roles.iter().map(|role| role.as_str()).collect();
    if let Some(listener) = &listener {
        tracing::info!(roles = names.join(","), "serving at http://{}", listener.local_addr()?);
    } else {
        tracing::info!(roles = names.join(","), "serving");
    }
    let result = app.serve(&roles, listener, false, stop).await;
    app.db.close().await;
    result
}

pub(super) async fn scan(app: &App, out: Out) -> anyhow::Result<()> {
    let bar = out.progress("scanning");
    let summary = app
        .scan(|so_far| {
            bar.set_prefix(format!(
                "{} people, {} onboardings, {} notifications",
                so_far.recipients, so_far.nudges, so_far.written
            ));
            bar.tick();
        })
        .await?;
    bar.finish_and_clear();
    let at = app.clock.now();
    out.done(
        &format!(
            "pass as of {}: {} people and {} onboardings looked at, {} notifications written ({} to send, {} skipped), {} unaccounted for",
            at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true),
            summary.recipients,
            summary.nudges,
            summary.written,
            summary.scheduled,
            summary.skipped,
            summary.unaccounted()
        ),
        &serde_json::json!({
            "at": at.to_rfc3339_opts(chrono::SecondsFormat::Millis, true),
            "recipients": summary.recipients,
            "nudges": summary.nudges,
            "expected": summary.expected,
            "written": summary.written,
            "scheduled": summary.scheduled,
            "skipped": summary.skipped,
            "unaccounted": summary.unaccounted(),
        }),
    );
    if summary.unaccounted() != 0 {
        bail!("{} notifications are unaccounted for", summary.unaccounted());
    }
    Ok(())
}

pub(super) async fn work(app: &App, args: &WorkArgs, out: Out) -> anyhow::Result<()> {
    debug_assert!(args.drain, "clap requires it: serving is `serve --role worker`");
    let bar = out.progress("delivering");
    let (done, left) = app
        .drain(|backlog| {
            bar.set_prefix(format!("{} left, {} under way", backlog.ready, backlog.leased));
            bar.tick();
        })
        .await?;
    bar.finish_and_clear();
    let waiting = left.held;
    let mut sentence = if done.is_empty() {
        "nothing was ready".to_owned()
    } else {
        let parts: Vec<_> = done.iter().map(|(state, count)| format!("{count} {state}")).collect();
        parts.join(", ")
    };
    if waiting > 0 {
        sentence.push_str(&format!(
            "; {waiting} wait because a channel is down or a queue is paused, `pivotal-reminders queues list` says which"
        ));
    }
    out.done(&sentence, &serde_json::json!({ "outcomes": done, "waiting": waiting }));
    Ok(())
}
