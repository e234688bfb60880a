//! Bulk operations on the command line: plan, look, apply with the hash, take back.

use std::collections::HashMap;
use std::time::Duration;

use anyhow::Context;
use clap::{Args, Subcommand};
use serde_json::json;

use super::App;
use super::admin;
use super::author::author;
use super::notifications::Criteria;
use super::operate::{Why, refused};
use super::out::{Out, line};
use super::typed::word;
use crate::db::Conn;
use crate::domain::values::{BulkAction, BulkState, Reason};
use crate::operate::bulk::{self, Operation, Wanted};
use crate::operate::notifications::Because;
use crate::operate::objects::BulkOperation;
use crate::store::{notifications, titles};

#[derive(Debug, Subcommand)]
pub(super) enum Bulk {
    /// Plan an action on everything that matches; prints the plan's id and hash. Nothing is done yet.
    Plan(Box<PlanArgs>),
    /// List operations, newest first.
    List {
        /// Handle or id of the workspace.
        #[arg(long)]
        workspace: String,
    },
    /// Show one with its progress.
    Show(One),
    /// Carry out exactly the plan of this hash.
    Apply(ApplyArgs),
    /// Take back what has not been sent.
    Undo(UndoArgs),
}

#[derive(Debug, Args)]
pub(super) struct PlanArgs {
    /// retry, cancel or resend.
    #[arg(value_parser = word::<BulkAction>)]
    action: BulkAction,
    #[command(flatten)]
    criteria: Criteria,
    /// Only those that stand as they do for this reason: expired, `attempts_exhausted`, …
    #[arg(long, value_parser = word::<Reason>)]
    because: Option<Reason>,
    #[command(flatten)]
    why: Why,
}

#[derive(Debug, Args)]
pub(super) struct One {
    /// Handle or id of the workspace.
    #[arg(long)]
    workspace: String,
    /// Id of the operation.
    id: String,
}

#[derive(Debug, Args)]
pub(super) struct ApplyArgs {
    #[command(flatten)]
    one: One,
    /// The hash that `bulk plan` printed.
    #[arg(long)]
    hash: String,
    /// Do not wait: workers carry it out by themselves.
    #[arg(long)]
    no_wait: bool,
    #[command(flatten)]
    why: Why,
}

#[derive(Debug, Args)]
pub(super) struct UndoArgs {
    #[command(flatten)]
    one: One,
    /// Do not wait: workers carry it out by themselves.
    #[arg(long)]
    no_wait: bool,
    #[command(flatten)]
    why: Why,
}

pub(super) async fn bulk(app: &App, verb: Bulk, out: Out) -> anyhow::Result<()> {
    let now = app.clock.now();
    let author = author();
    match verb {
        Bulk::Plan(args) => {
            let because = Because { author: &author, reason: &args.why.reason };
            let mut conn = app.db.begin().await?;
            let (workspace, wanted) = wanted(&mut conn, &args).await?;
            let planned = bulk::plan(&mut conn, because, &workspace, args.action, &wanted, now)
                .await
                .map_err(refused("plan"))?;
            show(&mut conn, &planned, out).await?;
            conn.commit().await?;
        }
        Bulk::List { workspace } => {
            let mut conn = app.db.read().await?;
            let workspace = admin::workspace(&mut conn, &workspace).await?.id;
            let end = crate::store::ledger::UNTIL_DECIDED;
            let found = bulk::list(&mut conn, &workspace, end, 100, now).await?;
            let rows = found
                .iter()
                .map(|o| {
                    vec![
                        o.created_at.format("%Y-%m-%d %H:%M").to_string(),
                        o.action.to_string(),
                        o.state.to_string(),
                        match o.state {
                            BulkState::Undone => bulk::taken_back(o),
                            _ => format!("{} of {}", o.done, o.count),
                        },
                        o.conflict_count.to_string(),
                        o.reason.clone(),
                        o.id.clone(),
                    ]
                })
                .collect();
            let columns = ["planned", "action", "state", "done", "conflicts", "reason", "id"];
            out.table(
                &columns,
                rows,
                &found.iter().map(|o| json!(BulkOperation::from(o))).collect(),
            );
        }
        Bulk::Show(one) => {
            let mut conn = app.db.read().await?;
            let workspace = admin::workspace(&mut conn, &one.workspace).await?.id;
            let found = bulk::show(&mut conn, &workspace, &one.id, now).await?;
            let found = found.with_context(|| format!("{}: there is no such operation", one.id))?;
            show(&mut conn, &found, out).await?;
        }
        Bulk::Apply(ApplyArgs { one, hash, no_wait, why }) => {
            let because = Because { author: &author, reason: &why.reason };
            let mut conn = app.db.begin().await?;
            let workspace = admin::workspace(&mut conn, &one.workspace).await?.id;
            let mut operation = bulk::apply(&mut conn, because, &workspace, &one.id, &hash, now)
                .await
                .map_err(refused(&one.id))?;
            conn.commit().await?;
            if !no_wait {
                operation = carry_out(app, operation, out).await?;
            }
            out.done(&outcome(&operation), &json!(BulkOperation::from(&operation)));
        }
        Bulk::Undo(UndoArgs { one, no_wait, why }) => {
            let because = Because { author: &author, reason: &why.reason };
            let mut conn = app.db.begin().await?;
            let workspace = admin::workspace(&mut conn, &one.workspace).await?.id;
            let mut operation = bulk::undo(&mut conn, because, &workspace, &one.id, now)
                .await
                .map_err(refused(&one.id))?;
            conn.commit().await?;
            if !no_wait {
                operation = carry_out(app, operation, out).await?;
            }
            out.done(&outcome(&operation), &json!(BulkOperation::from(&operation)));
        }
    }
    Ok(())
}

async fn wanted(conn: &mut Conn, args: &PlanArgs) -> anyhow::Result<(String, Wanted)> {
    let criteria = &args.criteria;
    let named = criteria.resolve(conn).await?;
    let wanted = Wanted {
        kind: criteria.kind,
        channel: criteria.channel,
        state: criteria.state,
        reason: args.because,
        mode: criteria.mode,
        onboarding_id: named.onboarding,
        customer_id: named.customer,
        user_id: named.recipient,
        created_after: criteria.since,
        created_before: criteria.until,
        q: criteria.text.clone(),
    };
    Ok((named.workspace, wanted))
}

/// Helps the workers, if there are any, and shows how far it is. Stopped in between, workers go on where it was.
async fn carry_out(app: &App, operation: Operation, out: Out) -> anyhow::Result<Operation> {
    let count = u64::try_from(operation.count).unwrap_or_default();
    let bar = out.bar(count);
    let mut seen = operation;
    while matches!(seen.state, BulkState::Applying | BulkState::Undoing) {
        bar.set_position(u64::try_from(seen.cursor).unwrap_or_default());
        if !bulk::step(&app.db, app.clock.now()).await? {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let mut conn = app.db.read().await?;
        let now = app.clock.now();
        let found = bulk::show(&mut conn, &seen.workspace_id, &seen.id, now).await?;
        seen = found.with_context(|| format!("{}: there is no such operation", seen.id))?;
    }
    bar.finish_and_clear();
    Ok(seen)
}

fn outcome(operation: &Operation) -> String {
    let Operation { id, action, state, count, done, refused, .. } = operation;
    match state {
        BulkState::Applied if *refused > 0 => {
            format!(
                "{id}: {action} of {} done, {refused} had changed and refused it",
                count - refused
            )
        }
        BulkState::Applied => format!("{id}: {action} of {count} done"),
        BulkState::Undone => format!("{id}: {}", bulk::taken_back(operation)),
        BulkState::Undoing => format!("{id}: {state}, {} of {count} to go", operation.cursor),
        _ => format!("{id}: {state}, {done} of {count}"),
    }
}

async fn show(conn: &mut Conn, operation: &Operation, out: Out) -> anyhow::Result<()> {
    if out.json {
        out.done("", &json!(BulkOperation::from(operation)));
        return Ok(());
    }
    let Operation { id, action, state, count, done, conflict_count, .. } = operation;
    line(format!("{id}: {action} of {count} notifications, {state}, {done} done"));
    if *state == BulkState::Undone {
        line(bulk::taken_back(operation));
    }
    line(format!("because: {}", operation.reason));
    if *conflict_count > 0 {
        line(format!("{conflict_count} more match and refuse it:"));
    }
    for conflict in operation.conflicts.iter() {
        line(format!("  {}: {}", conflict.notification_id, conflict.reason));
    }
    let names = named(conn, &operation.sample).await?;
    for id in operation.sample.iter() {
        line(format!("  {id}  {}", names.get(id).map_or("", String::as_str)));
    }
    if let Some(more) =
        usize::try_from(*count).ok().and_then(|n| n.checked_sub(operation.sample.len()))
        && more > 0
    {
        line(format!("  and {more} more"));
    }
    if *state == BulkState::Planned {
        line(format!("hash {}", operation.hash));
    }
    Ok(())
}

/// What each of these notifications is, to whom, and about what.
async fn named(conn: &mut Conn, ids: &[String]) -> anyhow::Result<HashMap<String, String>> {
    let found = notifications::of_ids(conn, ids).await?;
    let about = |ids: &Option<String>| -> Vec<String> {
        ids.iter().flat_map(|ids| ids.split(',')).map(str::to_owned).collect()
    };
    let all: Vec<String> = found.iter().flat_map(|one| about(&one.onboarding_ids)).collect();
    let titles = titles::of(conn, &all).await?;
    Ok(found
        .into_iter()
        .map(|one| {
            let names: Vec<String> = about(&one.onboarding_ids)
                .iter()
                .filter_map(|id| titles.get(id))
                .map(|title| format!("{} #{}", title.customer, title.display_id))
                .collect();
            let about = match names.as_slice() {
                [] => String::new(),
                [one] => format!(" about {one}"),
                [first, rest @ ..] => format!(" about {first} and {} more", rest.len()),
            };
            let whom = one.recipient_name.as_deref().unwrap_or(&one.recipient_id);
            let subject = one.subject.map(|subject| format!(": {subject}")).unwrap_or_default();
            let words = format!("{} to {whom}{about}{subject}", one.kind.replace('_', " "));
            (one.id, words)
        })
        .collect())
}
