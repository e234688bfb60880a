//! Jobs on the command line.

use anyhow::Context;
use clap::{Args, Subcommand};
use serde_json::json;

use super::App;
use super::admin;
use super::author::author;
use super::operate::{Why, refused};
use super::out::{Out, line};
use super::typed::{self, word};
use crate::domain::values::{JobStatus, Kind};
use crate::operate::jobs::{self, Act, Filter, Job};
use crate::operate::notifications::Because;
use crate::operate::objects;
use crate::operate::queues::Queue;

#[derive(Debug, Subcommand)]
pub(super) enum Jobs {
    /// List jobs, newest first.
    List(ListArgs),
    /// Show one with what is in it.
    Show(One),
    /// Try at once what failed in a job, waits for its next try, or is in doubt.
    Retry(ActArgs),
    /// Cancel what has not gone out.
    Cancel(ActArgs),
    /// Send at once what waits for its time.
    RunNow(ActArgs),
}

#[derive(Debug, Args)]
pub(super) struct One {
    /// Handle or id of the workspace.
    #[arg(long)]
    workspace: String,
    /// Id of the job.
    id: String,
}

#[derive(Debug, Args)]
pub(super) struct ActArgs {
    #[command(flatten)]
    one: One,
    #[command(flatten)]
    why: Why,
}

#[derive(Debug, Args)]
pub(super) struct ListArgs {
    /// Handle or id of the workspace; all of them if not given.
    #[arg(long)]
    workspace: Option<String>,
    /// email, slack or customer.
    #[arg(long, value_parser = typed::queue)]
    queue: Option<Queue>,
    /// pending, queued, running, done, failed or killed.
    #[arg(long, value_parser = word::<JobStatus>)]
    status: Option<JobStatus>,
    /// With a notification of this kind.
    #[arg(long, value_parser = word::<Kind>)]
    kind: Option<Kind>,
    /// With this notification.
    #[arg(long, value_name = "ID")]
    notification: Option<String>,
    /// Pushed at this instant or later.
    #[arg(long, value_name = "RFC3339", value_parser = typed::instant)]
    since: Option<chrono::DateTime<chrono::Utc>>,
    /// Pushed before this instant.
    #[arg(long, value_name = "RFC3339", value_parser = typed::instant)]
    until: Option<chrono::DateTime<chrono::Utc>>,
    /// How many.
    #[arg(long, default_value_t = 25, value_parser = clap::value_parser!(u16).range(1..=1000))]
    limit: u16,
    /// Only those behind this one (id): the next page.
    #[arg(long, value_name = "ID")]
    after: Option<String>,
}

pub(super) async fn jobs(app: &App, verb: Jobs, out: Out) -> anyhow::Result<()> {
    match verb {
        Jobs::List(args) => list(app, &args, out).await,
        Jobs::Show(one) => {
            let mut conn = app.db.read().await?;
            let workspace = admin::workspace(&mut conn, &one.workspace).await?.id;
            let found = jobs::show(&mut conn, Some(&workspace), &one.id).await?;
            show(&found.with_context(|| format!("{}: there is no such job", one.id))?, out);
            Ok(())
        }
        Jobs::Retry(args) => act(app, &args, Act::Retry, "will be tried again at once", out).await,
        Jobs::Cancel(args) => act(app, &args, Act::Cancel, "cancelled", out).await,
        Jobs::RunNow(args) => act(app, &args, Act::RunNow, "go out at once", out).await,
    }
}

async fn list(app: &App, args: &ListArgs, out: Out) -> anyhow::Result<()> {
    let mut conn = app.db.read().await?;
    let workspace = match &args.workspace {
        Some(handle) => Some(admin::workspace(&mut conn, handle).await?.id),
        None => None,
    };
    let filter = Filter {
        queue: args.queue.map(Queue::name),
        status: args.status,
        kind: args.kind,
        notification_id: args.notification.as_deref(),
        since: args.since,
        until: args.until,
    };
    let limit = usize::from(args.limit);
    let page =
        jobs::list(&mut conn, workspace.as_deref(), &filter, args.after.as_deref(), limit).await?;
    let rows = page
        .jobs
        .iter()
        .map(|job| {
            vec![
                job.created_at.format("%Y-%m-%d %H:%M:%S").to_string(),
                job.queue.clone(),
                job.kind.map(|kind| kind.to_string()).unwrap_or_default(),
                job.status.to_string(),
                job.attempts.to_string(),
                job.notification_ids.len().to_string(),
                job.id.clone(),
            ]
        })
        .collect();
    let columns = ["pushed", "queue", "kind", "status", "runs", "notifications", "id"];
    out.table(
        &columns,
        rows,
        &page.jobs.iter().map(|job| json!(objects::Job::from(job))).collect(),
    );
    Ok(())
}

fn show(job: &Job, out: Out) {
    if out.json {
        out.done("", &json!(objects::Job::from(job)));
        return;
    }
    let at = |at: chrono::DateTime<chrono::Utc>| at.format("%Y-%m-%d %H:%M:%S UTC").to_string();
    line(format!("{} in {}: {}", job.id, job.queue, job.status));
    line(format!("pushed {}, due {}, runs {}", at(job.created_at), at(job.run_at), job.attempts));
    if let Some(worker) = &job.locked_by {
        line(format!("held by {worker}"));
    }
    if let Some(end) = job.finished_at {
        line(format!("ended {}", at(end)));
    }
    if let Some(result) = &job.last_result {
        line(format!("last run: {result}"));
    }
    for id in &job.notification_ids {
        line(id);
    }
}

async fn act(app: &App, args: &ActArgs, act: Act, what: &str, out: Out) -> anyhow::Result<()> {
    let author = author();
    let because = Because { author: &author, reason: &args.why.reason };
    let ActArgs { one, .. } = args;
    let mut conn = app.db.begin().await?;
    let workspace = admin::workspace(&mut conn, &one.workspace).await?.id;
    let done = jobs::act(&mut conn, because, &workspace, &one.id, act, app.clock.now())
        .await
        .map_err(refused(&one.id))?;
    let job = jobs::show(&mut conn, Some(&workspace), &one.id).await?;
    conn.commit().await?;
    let json = json!(job.as_ref().map(objects::Job::from));
    out.done(&format!("{done} of its notifications {what}"), &json);
    Ok(())
}
