//! Schedules on the command line.

use clap::{Args, Subcommand};
use serde_json::json;

use super::App;
use super::admin;
use super::author::author;
use super::operate::{Why, refused};
use super::out::Out;
use super::typed::{Usage, reason, word};
use crate::domain::values::{self, NotificationState};
use crate::operate::notifications::Because;
use crate::operate::objects::{PlannedNotification, Schedule};
use crate::operate::schedules::{self, Standing};

#[derive(Debug, Subcommand)]
pub(super) enum Schedules {
    /// What runs by the clock: when it ran last, what came of it, when it runs next.
    List,
    /// Ask for a run now, paused or not; or see what passes would write.
    Run(RunArgs),
    /// Stop a schedule: what runs comes to its end, nothing more begins.
    Pause(ScheduleArgs),
    /// Let a schedule go on.
    Resume(ScheduleArgs),
}

#[derive(Debug, Args)]
pub(super) struct ScheduleArgs {
    /// scan, `prune_messages`, `prune_notifications`, `prune_jobs` or `prune_answers`.
    #[arg(value_parser = word::<values::Schedule>)]
    name: values::Schedule,
    #[command(flatten)]
    why: Why,
}

#[derive(Debug, Args)]
pub(super) struct RunArgs {
    /// scan, `prune_messages`, `prune_notifications`, `prune_jobs` or `prune_answers`.
    #[arg(value_parser = word::<values::Schedule>)]
    name: values::Schedule,
    /// Why; kept in the audit log.
    #[arg(long, value_parser = reason, required_unless_present = "dry_run")]
    reason: Option<String>,
    /// Write nothing, and show what the passes of the next hours would write.
    #[arg(long, requires = "workspace")]
    dry_run: bool,
    /// With --dry-run: handle or id of the workspace.
    #[arg(long)]
    workspace: Option<String>,
    /// With --dry-run: how many hours ahead.
    #[arg(long, default_value_t = 24, value_parser = clap::value_parser!(i64).range(1..=744))]
    hours: i64,
}

pub(super) async fn schedules(app: &App, verb: Schedules, out: Out) -> anyhow::Result<()> {
    let now = app.clock.now();
    let author = author();
    match verb {
        Schedules::List => {
            let mut conn = app.db.read().await?;
            let found = schedules::list(&mut conn).await?;
            let rows = found.iter().map(row).collect();
            let columns = ["schedule", "cron", "last run", "result", "next run", "state"];
            out.table(
                &columns,
                rows,
                &found.iter().map(|standing| json!(Schedule::from(standing))).collect(),
            );
        }
        Schedules::Run(args) if args.dry_run => return dry_run(app, &args, out).await,
        Schedules::Run(args) => {
            let mut conn = app.db.begin().await?;
            let reason = args.reason.unwrap_or_default();
            let because = Because { author: &author, reason: &reason };
            let standing = schedules::run(&mut conn, because, args.name.as_str(), now)
                .await
                .map_err(refused(args.name.as_str()))?;
            conn.commit().await?;
            out.done(
                &format!("{} is asked for; whichever process runs it begins at once", args.name),
                &json!(Schedule::from(&standing)),
            );
        }
        Schedules::Pause(args) => {
            let mut conn = app.db.begin().await?;
            let because = Because { author: &author, reason: &args.why.reason };
            let standing = schedules::pause(&mut conn, because, args.name.as_str(), now)
                .await
                .map_err(refused(args.name.as_str()))?;
            conn.commit().await?;
            let words = format!("{} is paused until `schedules resume`", args.name);
            out.done(&words, &json!(Schedule::from(&standing)));
        }
        Schedules::Resume(args) => {
            let mut conn = app.db.begin().await?;
            let because = Because { author: &author, reason: &args.why.reason };
            let standing = schedules::resume(&mut conn, because, args.name.as_str(), now)
                .await
                .map_err(refused(args.name.as_str()))?;
            conn.commit().await?;
            out.done(&format!("{} goes on", args.name), &json!(Schedule::from(&standing)));
        }
    }
    Ok(())
}

fn row(standing: &Standing) -> Vec<String> {
    let at = |at: chrono::DateTime<chrono::Utc>| at.format("%Y-%m-%d %H:%M:%S UTC").to_string();
    let state = match (&standing.paused_by, &standing.paused_reason, standing.requested_at) {
        (Some(by), reason, _) => {
            format!("PAUSED by {by}: {}", reason.as_deref().unwrap_or_default())
        }
        (None, _, Some(_)) => "asked for".to_owned(),
        _ => "runs".to_owned(),
    };
    vec![
        standing.name.clone(),
        standing.cron.clone(),
        standing.last_run_at.map(at).unwrap_or_default(),
        standing.last_result.clone().unwrap_or_default(),
        if standing.is_paused() { String::new() } else { at(standing.next_run_at) },
        state,
    ]
}

async fn dry_run(app: &App, args: &RunArgs, out: Out) -> anyhow::Result<()> {
    if args.name != values::Schedule::Scan {
        return Err(Usage(format!("{}: only scan has a dry run", args.name)).into());
    }
    let mut conn = app.db.read().await?;
    let handle = args.workspace.as_deref().unwrap_or_default();
    let workspace = admin::workspace(&mut conn, handle).await?;
    drop(conn);
    let channels = app.ways()?.channels;
    let now = app.clock.now();
    let items = schedules::dry_run(&app.db, &workspace.id, args.hours, channels, now).await?;
    let json = items.iter().map(|item| json!(PlannedNotification::from(item))).collect();
    let rows = items
        .iter()
        .map(|item| {
            let state = match item.plan.state {
                NotificationState::Skipped => "skipped",
                _ => "to send",
            };
            vec![
                item.at.format("%Y-%m-%d %H:%M UTC").to_string(),
                item.plan.kind.to_string(),
                item.plan.channel.to_string(),
                state.to_owned(),
                item.plan.onboarding_ids.len().to_string(),
                item.plan.recipient_id.clone(),
            ]
        })
        .collect();
    out.table(&["at", "kind", "channel", "state", "onboardings", "to"], rows, &json);
    Ok(())
}
