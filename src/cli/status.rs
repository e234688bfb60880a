//! `status`: how the service is, on one screen.

use anyhow::bail;
use chrono::{DateTime, Utc};
use clap::Args;
use serde_json::json;

use super::operate::workspace_id;
use super::out::{Out, line};
use super::{App, AsOf};
use crate::operate::objects::Status;
use crate::operate::queues::QueueState;
use crate::operate::vitals::{Lateness, ProcessState, Severity, Vitals, gravest, lasting, vitals};

/// Arguments of `status`.
#[derive(Debug, Args)]
pub(super) struct StatusArgs {
    /// Handle or id of the workspace; all of them if not given.
    #[arg(long)]
    workspace: Option<String>,
    #[command(flatten)]
    pub(super) as_of: AsOf,
}

/// Fails where something is critical, so that a script may ask.
pub(super) async fn status(app: &App, args: &StatusArgs, out: Out) -> anyhow::Result<()> {
    let mut conn = app.db.read().await?;
    let workspace = workspace_id(&mut conn, args.workspace.as_deref()).await?;
    let found = vitals(&mut conn, workspace.as_deref(), app.clock.now()).await?;
    if out.json {
        line(json!(Status::from(&found)));
    } else {
        show(&found, out);
    }
    match gravest(&found.warnings) {
        Some(Severity::Critical) => bail!("messages do not go out; the warnings say why"),
        _ => Ok(()),
    }
}

fn show(found: &Vitals, out: Out) {
    if found.warnings.is_empty() {
        line("Nothing asks for you.");
    }
    for warning in &found.warnings {
        line(format_args!(
            "{}: {}\n    {}",
            warning.severity.as_str(),
            warning.text,
            warning.advice
        ));
    }
    line("");
    let queues = found.queues.iter().map(|queue| queue_row(queue, found.at));
    out.table(&super::operate::QUEUE_COLUMNS, queues.collect(), &json!(null));
    line("");
    if found.processes.is_empty() {
        line("no processes");
    } else {
        let rows = found.processes.iter().map(|p| process_row(p, found)).collect();
        out.table(&["process", "roles", "last beat", "delivers"], rows, &json!(null));
    }
    line("");
    if let Some(pass) = &found.last_pass {
        let ago = (found.at - pass.at).num_seconds().max(0);
        line(format_args!("last pass {ago} s ago, in {} ms", pass.took_ms));
    }
    if let Some(why) = found.no_pass() {
        line(why);
    }
    line(format_args!(
        "last hour: {}; last 24 hours: {}",
        late(found.late_last_hour),
        late(found.late_last_day)
    ));
    let people: i64 = found.slots.iter().map(|hour| hour.people).sum();
    line(format_args!("{people} people have their slot within the next 24 hours"));
}

/// A queue without the relay's words and the operator's: those stand in the warning about it.
fn queue_row(queue: &QueueState, now: DateTime<Utc>) -> Vec<String> {
    let mut row = super::operate::queue_row(queue, now);
    let paused = queue.paused.as_ref().map(|_| "PAUSED");
    let state: Vec<&str> = paused.into_iter().chain(queue.down.as_ref().map(|_| "DOWN")).collect();
    if let Some(cell) = row.last_mut().filter(|_| !state.is_empty()) {
        *cell = state.join(", ");
    }
    row
}

fn process_row(process: &ProcessState, found: &Vitals) -> Vec<String> {
    let silent = found.at - process.seen_at;
    let running: Vec<String> = process
        .running
        .iter()
        .map(|r| format!("{} {} by {}", r.count, r.kind, r.channel))
        .collect();
    vec![
        process.host.clone(),
        process.roles.join(", "),
        if process.alive {
            format!("{} s ago", silent.num_seconds().max(0))
        } else {
            format!("SILENT for {}", lasting(silent))
        },
        if running.is_empty() { "nothing".to_owned() } else { running.join(", ") },
    ]
}

fn late(late: Lateness) -> String {
    match (late.p50_seconds, late.p95_seconds) {
        (Some(half), Some(most)) => {
            format!(
                "{} sent, half of them within {half} s of their time, 95 of 100 within {most} s",
                late.sent
            )
        }
        _ => "none sent".to_owned(),
    }
}
