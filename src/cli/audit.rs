//! The audit log on the command line: who changed what, when and why.

use std::io::Write;

use chrono::{DateTime, SecondsFormat, Utc};
use clap::{Args, Subcommand};
use serde_json::json;

use super::App;
use super::admin;
use super::out::Out;
use super::typed;
use crate::operate::audit_log::{self, Filter, Line};
use crate::operate::objects::AuditEntry;
use crate::store::ledger::UNTIL_DECIDED;

#[derive(Debug, Subcommand)]
pub(super) enum AuditLog {
    /// List changes, newest first.
    List(ListArgs),
}

#[derive(Debug, Args)]
pub(super) struct ListArgs {
    /// Handle or id of the workspace.
    #[arg(long)]
    workspace: String,
    /// Only about this type of object: onboarding, notification, queue, …
    #[arg(long)]
    object: Option<String>,
    /// Only about the object of this id.
    #[arg(long)]
    id: Option<String>,
    /// Only by the actor of this id or name.
    #[arg(long)]
    actor: Option<String>,
    /// Only this event, such as `queue_paused`.
    #[arg(long)]
    event: Option<String>,
    /// From this instant on.
    #[arg(long, value_name = "RFC3339", value_parser = typed::instant)]
    since: Option<DateTime<Utc>>,
    /// Only older ones.
    #[arg(long, value_name = "RFC3339", value_parser = typed::instant)]
    until: Option<DateTime<Utc>>,
    /// About how many: what was written in one instant stays together.
    #[arg(long, default_value_t = 25, value_parser = clap::value_parser!(u16).range(1..=1000))]
    limit: u16,
    /// As a CSV file with up to 10,000 lines.
    #[arg(long, conflicts_with = "json")]
    csv: bool,
}

pub(super) async fn audit_log(app: &App, verb: AuditLog, out: Out) -> anyhow::Result<()> {
    let AuditLog::List(args) = verb;
    let mut conn = app.db.read().await?;
    let workspace = admin::workspace(&mut conn, &args.workspace).await?;
    let filter = Filter {
        object: args.object.as_deref(),
        object_id: args.id.as_deref(),
        actor: args.actor.as_deref(),
        event: args.event.as_deref(),
        after: args.since.unwrap_or(DateTime::UNIX_EPOCH),
        before: args.until.unwrap_or(UNTIL_DECIDED),
        operators: true,
    };
    if args.csv {
        let file = audit_log::export(&mut conn, &workspace.id, filter).await?;
        // A reader that has gone away has seen enough.
        let _ = std::io::stdout().write_all(&file);
        return Ok(());
    }
    let (lines, next) =
        audit_log::page(&mut conn, &workspace.id, filter, usize::from(args.limit)).await?;
    let rows = lines.iter().map(row).collect();
    let json = lines.iter().map(|line| json!(AuditEntry::from(line))).collect();
    out.table(&["at", "event", "who", "about", "changed", "why"], rows, &json);
    if let Some(next) = next {
        let next = next.to_rfc3339_opts(SecondsFormat::Millis, true);
        eprintln!("There are more: --until {next}");
    }
    Ok(())
}

fn row(line: &Line) -> Vec<String> {
    let fields = line.diff.0.as_object().into_iter().flatten();
    let changed: Vec<&str> = fields.map(|(field, _)| field.as_str()).collect();
    vec![
        line.created_at.format("%Y-%m-%d %H:%M:%S").to_string(),
        line.event.clone(),
        line.actor_name.clone(),
        line.object_id.clone(),
        changed.join(", "),
        line.reason.clone().unwrap_or_default(),
    ]
}
