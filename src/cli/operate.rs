//! Queues and refused addresses on the command line.

use chrono::{DateTime, Utc};
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::App;
use super::admin;
use super::author::author;
use super::out::Out;
use super::typed::{self, word};
use crate::db::Conn;
use crate::domain::values::Channel;
use crate::operate::notifications::Because;
use crate::operate::queues::{Queue, QueueState};
use crate::operate::{ActionError, addresses, objects, queues};

#[derive(Debug, Args)]
pub(super) struct Why {
    /// Why; kept in the audit log.
    #[arg(long, value_parser = typed::reason)]
    pub(super) reason: String,
}

#[derive(Debug, Subcommand)]
pub(super) enum Queues {
    /// What waits in each queue, which is paused, which channel is down.
    List {
        /// Handle or id of the workspace; all of them if not given.
        #[arg(long)]
        workspace: Option<String>,
    },
    /// Stop a queue: what is being delivered comes to its end, nothing more is taken.
    Pause(QueueArgs),
    /// Let a queue go on.
    Resume(QueueArgs),
}

#[derive(Debug, Args)]
pub(super) struct QueueArgs {
    /// email, slack or customer.
    #[arg(value_parser = typed::queue)]
    name: Queue,
    /// Handle or id of the workspace; everybody's messages if not given.
    #[arg(long)]
    workspace: Option<String>,
    #[command(flatten)]
    why: Why,
}

#[derive(Debug, Subcommand)]
pub(super) enum Addresses {
    /// List addresses that a provider refused for good.
    List {
        /// Handle or id of the workspace.
        #[arg(long)]
        workspace: String,
    },
    /// Try an address again from now on.
    Clear {
        /// Handle or id of the workspace.
        #[arg(long)]
        workspace: String,
        /// Id of the user or contact.
        id: String,
        /// email or slack.
        #[arg(long, default_value = "email", value_parser = word::<Channel>)]
        channel: Channel,
        #[command(flatten)]
        why: Why,
    },
}

/// What was refused, named, so that the line is readable alone.
pub(super) fn refused(what: &str) -> impl FnOnce(ActionError) -> anyhow::Error {
    move |error| match error {
        ActionError::Db(error) => error.into(),
        ActionError::NotFound(_) | ActionError::Refused(_) => anyhow::anyhow!("{what}: {error}"),
    }
}

pub(super) async fn queues(app: &App, verb: Queues, out: Out) -> anyhow::Result<()> {
    let now = app.clock.now();
    let author = author();
    match verb {
        Queues::List { workspace } => {
            let mut conn = app.db.read().await?;
            let workspace = workspace_id(&mut conn, workspace.as_deref()).await?;
            let found = queues::list(&mut conn, workspace.as_deref(), now).await?;
            let rows = found.iter().map(|queue| queue_row(queue, now)).collect();
            let json = found.iter().map(|queue| json!(objects::Queue::from(queue))).collect();
            out.table(&QUEUE_COLUMNS, rows, &json);
        }
        Queues::Pause(args) => {
            let mut conn = app.db.begin().await?;
            let workspace = workspace_id(&mut conn, args.workspace.as_deref()).await?;
            let because = Because { author: &author, reason: &args.why.reason };
            queues::pause(&mut conn, because, workspace.as_deref(), args.name.name(), now)
                .await
                .map_err(refused(args.name.name()))?;
            let json = as_it_is(&mut conn, workspace.as_deref(), args.name.name(), now).await?;
            conn.commit().await?;
            let said = "is paused; nothing goes out of it until `queues resume`";
            out.done(&format!("queue {} {said}", args.name.name()), &json);
        }
        Queues::Resume(args) => {
            let mut conn = app.db.begin().await?;
            let workspace = workspace_id(&mut conn, args.workspace.as_deref()).await?;
            let because = Because { author: &author, reason: &args.why.reason };
            queues::resume(&mut conn, because, workspace.as_deref(), args.name.name(), now)
                .await
                .map_err(refused(args.name.name()))?;
            let json = as_it_is(&mut conn, workspace.as_deref(), args.name.name(), now).await?;
            conn.commit().await?;
            out.done(&format!("queue {} goes on", args.name.name()), &json);
        }
    }
    Ok(())
}

/// A queue after what was done to it, for programs.
async fn as_it_is(
    conn: &mut Conn,
    workspace: Option<&str>,
    name: &str,
    now: DateTime<Utc>,
) -> anyhow::Result<Value> {
    let queue = queues::show(conn, workspace, name, now).await?;
    Ok(json!(queue.as_ref().map(objects::Queue::from)))
}

pub(super) async fn workspace_id(
    conn: &mut Conn,
    handle: Option<&str>,
) -> anyhow::Result<Option<String>> {
    Ok(match handle {
        Some(handle) => Some(admin::workspace(conn, handle).await?.id),
        None => None,
    })
}

/// Headings of [`queue_row`].
pub(super) const QUEUE_COLUMNS: [&str; 7] =
    ["queue", "ready", "waits since", "later", "running", "failed", "state"];

pub(super) fn queue_row(queue: &QueueState, now: DateTime<Utc>) -> Vec<String> {
    let counts = &queue.counts;
    let waits = counts.oldest_ready_at.map_or_else(String::new, |at| {
        let seconds = (now - at).num_seconds().max(0);
        format!("{} min {} s", seconds / 60, seconds % 60)
    });
    let paused = queue.paused.as_ref().map(|p| format!("PAUSED by {}: {}", p.by, p.reason));
    let down = queue.down.as_ref().map(|d| {
        format!("{} DOWN, next try {}: {}", queue.channel, d.until.format("%H:%M:%S UTC"), d.reason)
    });
    let state: Vec<String> = paused.into_iter().chain(down).collect();
    vec![
        queue.name.to_owned(),
        counts.ready.to_string(),
        waits,
        counts.scheduled.to_string(),
        counts.running.to_string(),
        counts.failed.to_string(),
        if state.is_empty() { "runs".to_owned() } else { state.join("; ") },
    ]
}

pub(super) async fn addresses(app: &App, verb: Addresses, out: Out) -> anyhow::Result<()> {
    match verb {
        Addresses::List { workspace } => {
            let mut conn = app.db.read().await?;
            let workspace = admin::workspace(&mut conn, &workspace).await?;
            let found = addresses::list(&mut conn, &workspace.id).await?;
            let rows = found
                .iter()
                .map(|a| {
                    vec![
                        a.name.clone(),
                        a.channel.to_string(),
                        a.address.clone(),
                        a.flagged_at.format("%Y-%m-%d %H:%M").to_string(),
                        a.id.clone(),
                    ]
                })
                .collect();
            let json = found.iter().map(|a| json!(objects::FlaggedAddress::from(a))).collect();
            out.table(&["name", "channel", "address", "refused", "id"], rows, &json);
        }
        Addresses::Clear { workspace, id, channel, why } => {
            let mut conn = app.db.begin().await?;
            let workspace = admin::workspace(&mut conn, &workspace).await?;
            let author = author();
            let because = Because { author: &author, reason: &why.reason };
            let now = app.clock.now();
            let cleared = addresses::clear(&mut conn, because, &workspace.id, &id, channel, now)
                .await
                .map_err(refused(&id))?;
            conn.commit().await?;
            out.done(
                &format!("{} of {} is tried again", cleared.address, cleared.name),
                &json!(objects::FlaggedAddress::from(&cleared)),
            );
        }
    }
    Ok(())
}
