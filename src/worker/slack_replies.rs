//! Keeps nudges on Slack true, and answers who clicked: what `store::slack_replies` collects, one call to Slack each.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::courier::Courier;
use crate::db::{Conn, DbError};
use crate::domain::calendar::local_date;
use crate::domain::facts::{Person, Workspace};
use crate::domain::message::{Click, Message, SlackPost, Verdict};
use crate::domain::values::{Kind, Locale, State};
use crate::render::Brand;
use crate::render::pages;
use crate::render::settled::{Settled, What};
use crate::store::audit::{self, Line};
use crate::store::message_actions::{self, Action};
use crate::store::sent::{self, Sent};
use crate::store::slack_replies::{self, Edit};
use crate::store::{facts, ledger};

/// How often there is something to look at. Whoever clicked waits for it.
const EVERY: Duration = Duration::from_millis(500);

/// Looks again and again until told to stop.
pub async fn run(courier: Arc<Courier>, stop: CancellationToken) {
    let mut failed = false;
    loop {
        match catch_up(&courier).await {
            Ok(_) => failed = false,
            Err(error) if !failed => {
                failed = true;
                tracing::warn!(%error, "cannot look after messages on Slack, trying again");
            }
            Err(_) => {}
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(EVERY) => {}
        }
    }
}

/// Makes the edits and gives the answers that are due; answers with how many there were.
pub async fn catch_up(courier: &Courier) -> Result<usize, DbError> {
    let now = courier.clock.now();
    let mut read = courier.db.read().await?;
    if !slack_replies::is_due(&mut read, now).await? {
        return Ok(0);
    }
    drop(read);
    let mut conn = courier.db.begin().await?;
    let edits = slack_replies::take_edits(&mut conn, now).await?;
    let whispers = slack_replies::take_whispers(&mut conn, now).await?;
    conn.commit().await?;
    let count = edits.len() + whispers.len();
    for edit in edits {
        make(courier, &edit, now).await?;
    }
    for whisper in whispers {
        let to = courier.deliverers.whisper_on_slack(
            &whisper.channel,
            &whisper.slack_user_id,
            &whisper.text,
        );
        if is_over(&to.await.verdict, whisper.attempts) {
            let mut conn = courier.db.begin().await?;
            slack_replies::whispered(&mut conn, &whisper.id).await?;
            conn.commit().await?;
        }
    }
    Ok(count)
}

/// Whether there is no point in trying again. An edit or an answer of unknown outcome is made again: twice is as good as once.
fn is_over(verdict: &Verdict, attempts: i64) -> bool {
    matches!(verdict, Verdict::Accepted { .. } | Verdict::Permanent { .. })
        || slack_replies::is_hopeless(attempts)
}

async fn make(courier: &Courier, edit: &Edit, now: DateTime<Utc>) -> Result<(), DbError> {
    let mut read = courier.db.read().await?;
    let words = words(courier, &mut read, edit, now).await?;
    drop(read);
    let said = match words {
        Some((channel, ts, post, said)) => {
            let report = courier.deliverers.edit_on_slack(&channel, &ts, &post).await;
            if !is_over(&report.verdict, edit.attempts) {
                return Ok(());
            }
            said
        }
        None => edit.said.clone(),
    };
    let mut conn = courier.db.begin().await?;
    slack_replies::edited(&mut conn, edit, said.as_deref()).await?;
    conn.commit().await
}

/// Where the message is, what it is to say, and that as text (none: what was sent); `None` when it says so already.
async fn words(
    courier: &Courier,
    conn: &mut Conn,
    edit: &Edit,
    now: DateTime<Utc>,
) -> Result<Option<(String, String, SlackPost, Option<String>)>, DbError> {
    let Some(n) = sent::find(conn, &edit.notification_id).await? else { return Ok(None) };
    let Some((channel, ts)) = n.on_slack() else { return Ok(None) };
    let settled = settled(conn, &n, now).await?;
    let (post, said) = if let Some((settled, brand)) = settled {
        let post = courier.renderer.settled(&settled, &courier.links, &brand);
        // The button is part of what it says.
        let said = format!("{} {:?}", post.text, settled.undo);
        (post, Some(said))
    } else {
        let Some(Message::Slack(post)) = ledger::message(conn, &n.id).await? else {
            return Ok(None);
        };
        (post, None)
    };
    Ok((said != edit.said).then(|| (channel.to_owned(), ts.to_owned(), post, said)))
}

/// What is true now instead of what the nudge says, and how the workspace says it; `None` while its reason stands.
async fn settled(
    conn: &mut Conn,
    n: &Sent,
    now: DateTime<Utc>,
) -> Result<Option<(Settled, Brand)>, DbError> {
    let Some(id) = &n.subject_id else { return Ok(None) };
    let journey = facts::onboardings(conn, std::slice::from_ref(id)).await?.into_iter().next();
    let workspace = facts::workspaces(conn, std::slice::from_ref(&n.workspace_id))
        .await?
        .remove(&n.workspace_id);
    let ids: Vec<String> = std::iter::once(&n.recipient_id)
        .chain(journey.as_ref().and_then(|journey| journey.recipient_id.as_ref()))
        .cloned()
        .collect();
    let people = facts::people(conn, &ids).await?;
    let Some(((journey, workspace), reader)) =
        journey.zip(workspace).zip(people.get(&n.recipient_id).map(|member| &member.person))
    else {
        return Ok(None);
    };
    let o = &journey.onboarding;
    let t = workspace.locale;
    let today = local_date(reader.zone, now);
    let mut latest =
        async |is_like: fn(&Value) -> bool| audit::latest(conn, id, n.created_at, is_like).await;
    let waits = o.waiting_on_customer;
    let about_wait = n.kind == Kind::WaitingOnCustomer;
    let what = if o.deleted || o.customer_deleted || o.phase.is_terminal() {
        Some(What::Closed)
    } else if about_wait && (!waits || o.waiting_since > Some(n.created_at)) {
        let line = latest(audit::ends_wait).await?;
        let waited = line.as_ref().and_then(|line| waited(&workspace, line));
        Some(What::Replied { by: by(t, reader, line.as_ref(), today), waited })
    } else if !about_wait && o.phase_entered_at > n.created_at {
        let line = latest(|diff| diff["phase"].is_array()).await?;
        let to = workspace.label(o.phase).to_owned();
        Some(What::Moved { by: by(t, reader, line.as_ref(), today), to })
    } else if !about_wait && waits {
        let line = latest(|diff| diff["waiting_on_customer"][1] == true).await?;
        Some(What::Waits { by: by(t, reader, line.as_ref(), today) })
    } else if o.state == State::Paused {
        let line = latest(|diff| diff["state"][1] == "paused").await?;
        Some(What::Paused { by: by(t, reader, line.as_ref(), today) })
    } else if let Some(until) = o.snoozed_until.filter(|until| *until > today) {
        let line = latest(|diff| diff["snoozed_until"].is_array()).await?;
        Some(What::Snoozed { until, by: line.map(|line| line.actor_name) })
    } else if !n.escalation && journey.recipient_id.as_ref() != Some(&n.recipient_id) {
        let to = journey.recipient_id.as_ref().and_then(|id| people.get(id));
        to.map(|member| What::Reassigned { to: t.name(&member.person.name) })
    } else {
        None
    };
    let Some(what) = what else { return Ok(None) };
    let undo = match what {
        What::Replied { .. } => Some((Action::Replied, Click::UndoReplied)),
        What::Snoozed { .. } => Some((Action::Snoozed, Click::UndoSnooze)),
        _ => None,
    };
    let undo = match undo {
        Some((action, click)) => {
            let done = message_actions::find(conn, &n.id, id, action).await?;
            done.filter(|done| done.can_be_undone(now)).map(|_| click)
        }
        None => None,
    };
    let settled = Settled {
        notification_id: n.id.clone(),
        event_type: n.kind.as_str().to_owned(),
        display_id: o.display_id,
        customer: o.customer_name.clone(),
        today,
        what,
        undo,
    };
    Ok(Some((settled, Brand::of(&workspace, None, None))))
}

/// "Maren Holt at 09:04", with the day when it is not the reader's today.
fn by(t: Locale, reader: &Person, line: Option<&Line>, today: chrono::NaiveDate) -> Option<String> {
    let line = line?;
    let local = line.created_at.with_timezone(&reader.zone).naive_local();
    Some(t.who_when(&line.actor_name, &pages::when(t, local, today)))
}

/// How many business days a wait took that this entry ended.
fn waited(workspace: &Workspace, line: &Line) -> Option<i64> {
    let since: DateTime<Utc> =
        line.diff.0["waiting_on_customer_since"][0].as_str()?.parse().ok()?;
    let (from, to) =
        (local_date(workspace.zone, since), local_date(workspace.zone, line.created_at));
    Some(workspace.calendar.business_days_between(from, to))
}

/// The message of an earlier nudge under which this one belongs, as Slack names it.
pub async fn thread(conn: &mut Conn, n: &ledger::Claimed) -> Result<Option<String>, DbError> {
    let Some(subject) = n.subject_id.as_deref().filter(|_| n.kind != Kind::Digest) else {
        return Ok(None);
    };
    let since = n.first_attempt_at - TimeDelta::days(30);
    let earlier = sent::slack_nudges(conn, subject, since).await?;
    let first =
        earlier.iter().find(|other| other.recipient_id == n.recipient_id && other.id != n.id);
    Ok(first.and_then(Sent::on_slack).map(|(_, ts)| ts.to_owned()))
}
