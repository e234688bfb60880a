//! Notifications on the command line: what operators look at, and what they do about it.

use anyhow::Context;
use chrono::{DateTime, Utc};
use clap::{Args, Subcommand};
use serde_json::json;

use super::admin;
use super::author::author;
use super::operate::{Why, refused};
use super::out::{Out, line};
use super::typed::{self, word};
use super::{App, foresee};
use crate::db::Conn;
use crate::domain::ids::Ref;
use crate::domain::message::Message;
use crate::domain::values::{Channel, Kind, Mode, NotificationState, Reason};
use crate::operate::notifications::{self, Because, Cursor, Details, Filter, Notification};
use crate::operate::objects::{self, NotificationDetails};
use crate::operate::{ActionError, gates};
use crate::store::customers;

#[derive(Debug, Subcommand)]
pub(super) enum Notifications {
    /// List notifications, newest first.
    List(ListArgs),
    /// Show one with its message and every attempt to deliver it.
    Show {
        #[command(flatten)]
        one: One,
    },
    /// Try one again at once; one in doubt is sent a second time.
    Retry {
        #[command(flatten)]
        one: One,
        #[command(flatten)]
        why: Why,
    },
    /// Cancel one that has not gone out.
    Cancel {
        #[command(flatten)]
        one: One,
        #[command(flatten)]
        why: Why,
    },
    /// Send one that has come to its end once more, as a notification of its own; prints its id alone on the last line.
    Resend {
        #[command(flatten)]
        one: One,
        #[command(flatten)]
        why: Why,
    },
    /// Say that one in doubt did arrive.
    Delivered {
        #[command(flatten)]
        one: One,
        #[command(flatten)]
        why: Why,
    },
}

#[derive(Debug, Args)]
pub(super) struct One {
    /// Handle or id of the workspace.
    #[arg(long)]
    workspace: String,
    /// Id of the notification.
    id: String,
}

/// Which notifications.
#[derive(Debug, Args)]
pub(super) struct Criteria {
    /// Handle or id of the workspace.
    #[arg(long)]
    workspace: String,
    /// scheduled, deferred, sending, ambiguous, sent, suppressed, skipped, failed or cancelled.
    #[arg(long, value_parser = word::<NotificationState>)]
    pub(super) state: Option<NotificationState>,
    /// digest, `stalled_phase`, `waiting_on_customer` or `customer_reminder`.
    #[arg(long, value_parser = word::<Kind>)]
    pub(super) kind: Option<Kind>,
    /// email or slack.
    #[arg(long, value_parser = word::<Channel>)]
    pub(super) channel: Option<Channel>,
    /// live or test.
    #[arg(long, value_parser = word::<Mode>)]
    pub(super) mode: Option<Mode>,
    /// Only to this user (id or number) or contact (id).
    #[arg(long, value_parser = typed::reference)]
    recipient: Option<Ref>,
    /// Only about this onboarding (id or number).
    #[arg(long, value_parser = typed::reference)]
    onboarding: Option<Ref>,
    /// Only about this customer (id or number).
    #[arg(long, value_parser = typed::reference)]
    customer: Option<Ref>,
    /// Written at this instant or later.
    #[arg(long, value_name = "RFC3339", value_parser = typed::instant)]
    pub(super) since: Option<DateTime<Utc>>,
    /// Written before this instant.
    #[arg(long, value_name = "RFC3339", value_parser = typed::instant)]
    pub(super) until: Option<DateTime<Utc>>,
    /// What the subject, the recipient's name or address, or the customer's name begins with.
    #[arg(long)]
    pub(super) text: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct ListArgs {
    #[command(flatten)]
    criteria: Criteria,
    /// Why it stands as it does: expired, `attempts_exhausted`, …
    #[arg(long, value_parser = word::<Reason>)]
    reason: Option<Reason>,
    /// How many.
    #[arg(long, default_value_t = 25, value_parser = clap::value_parser!(i64).range(1..=1000))]
    limit: i64,
    /// Only those behind this one (id): the next page.
    #[arg(long, value_name = "ID")]
    after: Option<String>,
}

/// What the criteria name, by its ids.
pub(super) struct Named {
    pub(super) workspace: String,
    pub(super) recipient: Option<String>,
    pub(super) onboarding: Option<String>,
    pub(super) customer: Option<String>,
}

impl Criteria {
    /// Looks up what is named.
    pub(super) async fn resolve(&self, conn: &mut Conn) -> anyhow::Result<Named> {
        let workspace = admin::workspace(conn, &self.workspace).await?.id;
        let recipient = match &self.recipient {
            // Contacts are numbered per customer's list, so only users have a number of their own here.
            Some(Ref::Id(id)) if id.starts_with("cont_") => Some(id.clone()),
            Some(user) => Some(foresee::user(conn, &workspace, user).await?),
            None => None,
        };
        let onboarding = match &self.onboarding {
            Some(named) => Some(foresee::find(conn, &workspace, named).await?.id),
            None => None,
        };
        let customer = match &self.customer {
            Some(named) => {
                let found = customers::find(conn, &workspace, named).await?;
                Some(found.with_context(|| format!("there is no customer {named}"))?.id)
            }
            None => None,
        };
        Ok(Named { workspace, recipient, onboarding, customer })
    }
}

pub(super) async fn notifications(app: &App, verb: Notifications, out: Out) -> anyhow::Result<()> {
    match verb {
        Notifications::List(args) => return list(app, &args, out).await,
        Notifications::Show { one } => {
            let mut conn = app.db.read().await?;
            let workspace = admin::workspace(&mut conn, &one.workspace).await?;
            let found = notifications::show(&mut conn, &workspace.id, &one.id).await?;
            let found =
                found.with_context(|| format!("{}: there is no such notification", one.id))?;
            if out.json {
                let channels = app.ways()?.channels;
                let gates = gates::of(&mut conn, &found, channels, app.clock.now()).await?;
                out.done("", &json!(NotificationDetails::new(&found, &gates)));
            } else {
                show(&found, out);
            }
        }
        Notifications::Retry { one, why } => {
            let n = act(app, &one, &why, notifications::retry).await?;
            let said = format!("{} is ready to be sent again", n.id);
            out.done(&said, &json!(objects::Notification::from(&n)));
        }
        Notifications::Cancel { one, why } => {
            let n = act(app, &one, &why, notifications::cancel).await?;
            out.done(&format!("{} is cancelled", n.id), &json!(objects::Notification::from(&n)));
        }
        Notifications::Resend { one, why } => {
            let n = act(app, &one, &why, notifications::resend).await?;
            let said = format!("{} is sent anew as {}", one.id, n.id);
            out.made(&said, &n.id, &json!(objects::Notification::from(&n)));
        }
        Notifications::Delivered { one, why } => {
            let n = act(app, &one, &why, notifications::delivered).await?;
            out.done(&format!("{} counts as sent", n.id), &json!(objects::Notification::from(&n)));
        }
    }
    Ok(())
}

/// Does something to one of them; answers with what it was done to, or with the new one.
async fn act(
    app: &App,
    one: &One,
    why: &Why,
    deed: impl AsyncFnOnce(
        &mut Conn,
        Because<'_>,
        &str,
        &str,
        DateTime<Utc>,
    ) -> Result<Notification, ActionError>,
) -> anyhow::Result<Notification> {
    let mut conn = app.db.begin().await?;
    let workspace = admin::workspace(&mut conn, &one.workspace).await?;
    let author = author();
    let because = Because { author: &author, reason: &why.reason };
    let done = deed(&mut conn, because, &workspace.id, &one.id, app.clock.now())
        .await
        .map_err(refused(&one.id))?;
    conn.commit().await?;
    Ok(done)
}

async fn list(app: &App, args: &ListArgs, out: Out) -> anyhow::Result<()> {
    let mut conn = app.db.read().await?;
    let Named { workspace, recipient, onboarding, customer } =
        args.criteria.resolve(&mut conn).await?;
    let cursor = match &args.after {
        Some(id) => {
            let found = notifications::show(&mut conn, &workspace, id).await?;
            let found = found.with_context(|| format!("--after: there is no notification {id}"))?;
            Cursor::behind(&found.notification)
        }
        None => Cursor::start(),
    };
    let filter = Filter {
        kind: args.criteria.kind,
        channel: args.criteria.channel,
        mode: args.criteria.mode,
        state: args.criteria.state,
        reason: args.reason,
        recipient_id: recipient.as_deref(),
        onboarding_id: onboarding.as_deref(),
        customer_id: customer.as_deref(),
        since: args.criteria.since,
        until: args.criteria.until,
        text: args.criteria.text.as_deref(),
    };
    let found = notifications::list(&mut conn, &workspace, &filter, &cursor, args.limit).await?;
    let rows = found
        .iter()
        .map(|n| {
            vec![
                n.created_at.format("%Y-%m-%d %H:%M").to_string(),
                n.kind.clone(),
                n.channel.clone(),
                recipient_name(n),
                standing(n),
                n.attempt_count.to_string(),
                n.subject.clone().unwrap_or_default(),
                n.id.clone(),
            ]
        })
        .collect();
    out.table(
        &["written", "kind", "channel", "to", "state", "attempts", "subject", "id"],
        rows,
        &found.iter().map(|n| json!(objects::Notification::from(n))).collect(),
    );
    Ok(())
}

fn recipient_name(n: &Notification) -> String {
    n.recipient_name.clone().unwrap_or_else(|| n.recipient_id.clone())
}

fn standing(n: &Notification) -> String {
    let mode = if n.mode == Mode::Test.as_str() { " (test)" } else { "" };
    match &n.reason {
        Some(reason) => format!("{}: {}{mode}", n.state, reason.replace('_', " ")),
        None => format!("{}{mode}", n.state),
    }
}

fn show(found: &Details, out: Out) {
    let n = &found.notification;
    let at = |at: DateTime<Utc>| at.format("%Y-%m-%d %H:%M:%S UTC").to_string();
    line(format!("{} to {} by {}: {}", n.kind, recipient_name(n), n.channel, standing(n)));
    line(format!("of {}, written {}, deadline {}", n.slot_date, at(n.created_at), at(n.deadline)));
    if let Some(detail) = &n.detail {
        line(detail);
    }
    if let Some(first) = &n.resend_of {
        line(format!("sent anew in place of {first}"));
    }
    for id in &found.resends {
        line(format!("sent anew as {id}"));
    }
    let rows = found
        .attempts
        .iter()
        .map(|a| {
            vec![
                a.number.to_string(),
                at(a.at),
                a.phase.clone(),
                a.outcome.clone(),
                format!("{} ms", a.duration_ms),
                a.reply.clone(),
            ]
        })
        .collect();
    out.table(&["attempt", "at", "phase", "outcome", "took", "answer"], rows, &json!(null));
    if let Some(message) = &found.message {
        line(format!("\n{}\n", message.headline()));
        match message {
            Message::Email(email) => line(email.text.trim_end()),
            Message::Slack(post) => line(post.text.trim_end()),
        }
    }
}
