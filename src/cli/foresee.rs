//! `forecast`, `explain` and `unroutable`: what comes, why, and what comes to nobody.

use anyhow::Context;
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

use super::out::{Out, line};
use super::typed::Usage;
use super::{App, AsOf, admin, as_if, typed};
use crate::db::Conn;
use crate::domain::calendar::local_date;
use crate::domain::forecast::Forecasted;
use crate::domain::ids::Ref;
use crate::domain::values::NotificationState;
use crate::operate::forecast::{self, Question};
use crate::operate::objects::{
    ForecastItem, OnboardingReminders, RemindersExplanation, UnroutableOnboarding,
};
use crate::operate::seek::{Meant, Several, seek};
use crate::operate::{explain, silence};
use crate::store::hints::{self, Unroutable};
use crate::store::users::User;
use crate::store::worlds::About;
use crate::store::{facts, onboardings, users};

/// Arguments of `forecast`.
#[derive(Debug, Args)]
pub(super) struct ForecastArgs {
    /// Handle or id of the workspace.
    #[arg(long)]
    workspace: String,
    /// How many days ahead.
    #[arg(long, default_value_t = 14, value_parser = clap::value_parser!(i64).range(1..=3660))]
    days: i64,
    /// Only to this user (id or number).
    #[arg(long, value_parser = typed::reference)]
    csm: Option<Ref>,
    /// Only about this onboarding (id or number).
    #[arg(long, conflicts_with = "csm", value_parser = typed::reference)]
    onboarding: Option<Ref>,
    /// As if this were written first: the JSON of a PATCH with its onboarding, such as `{"onboarding_id": 42, "state": "paused"}`.
    #[arg(long, value_name = "JSON", value_parser = as_if::parse)]
    as_if: Option<as_if::Imagined>,
    #[command(flatten)]
    pub(super) as_of: AsOf,
}

/// Arguments of `unroutable`.
#[derive(Debug, Args)]
pub(super) struct UnroutableArgs {
    /// Handle or id of the workspace; all of them without.
    #[arg(long)]
    workspace: Option<String>,
}

pub(super) async fn unroutable(app: &App, args: &UnroutableArgs, out: Out) -> anyhow::Result<()> {
    let mut conn = app.db.read().await?;
    let workspace = match &args.workspace {
        Some(text) => Some(admin::workspace(&mut conn, text).await?.id),
        None => None,
    };
    let found = hints::unroutable(&mut conn, workspace.as_deref()).await?;
    let csm = |u: &Unroutable| match &u.csm {
        Some(name) => format!("{name}, deactivated"),
        None => "none".to_owned(),
    };
    let rows = found
        .iter()
        .map(|u| {
            let number = format!("#{}", u.display_id);
            vec![u.workspace.clone(), number, u.customer.clone(), csm(u), u.mode.to_string()]
        })
        .collect();
    let json = found.iter().map(|u| json!(UnroutableOnboarding::from(u))).collect();
    out.table(&["workspace", "onboarding", "customer", "csm", "mode"], rows, &json);
    Ok(())
}

/// Arguments of `explain`.
#[derive(Debug, Args)]
pub(super) struct ExplainArgs {
    /// Handle or id of the workspace.
    #[arg(long)]
    workspace: String,
    /// An onboarding (id or number); or a customer or a person, by name or address, whole or as it begins.
    who: String,
    /// Ask about this user (id or number) instead of the one who would hear of it.
    #[arg(long, value_parser = typed::reference)]
    recipient: Option<Ref>,
    #[command(flatten)]
    pub(super) as_of: AsOf,
}

pub(super) async fn forecast(app: &App, args: &ForecastArgs, out: Out) -> anyhow::Result<()> {
    let mut conn = app.db.read().await?;
    let workspace = admin::workspace(&mut conn, &args.workspace).await?;
    let csm = match &args.csm {
        Some(named) => Some(user(&mut conn, &workspace.id, named).await?),
        None => None,
    };
    let onboarding = match &args.onboarding {
        Some(named) => Some(find(&mut conn, &workspace.id, named).await?.id),
        None => None,
    };
    let about = match (&csm, &onboarding) {
        (Some(id), _) => About::Recipient(id),
        (_, Some(id)) => About::Onboarding(id),
        _ => About::Everything,
    };
    let channels = app.ways()?.channels;
    let as_if = match &args.as_if {
        Some(imagined) => {
            let csm = match &imagined.csm_id {
                Some(Some(named)) => Some(Some(user(&mut conn, &workspace.id, named).await?)),
                Some(None) => Some(None),
                None => None,
            };
            Some(imagined.as_if(csm))
        }
        None => None,
    };
    let question =
        Question { workspace_id: &workspace.id, about, days: args.days, as_if, channels };
    let bar = if out.json { ProgressBar::hidden() } else { ProgressBar::new(0) };
    bar.set_style(
        ProgressStyle::with_template("{bar:40} {pos}/{len} people and onboardings")
            .unwrap_or_else(|_| ProgressStyle::default_bar()),
    );
    drop(conn);
    let items = forecast::forecast(&app.db, question, app.clock.now(), |done, total| {
        bar.set_length(total as u64);
        bar.set_position(done as u64);
    })
    .await?;
    bar.finish_and_clear();
    let to_come: Vec<&Forecasted> =
        items.iter().filter(|item| item.plan.state != NotificationState::Skipped).collect();
    let mut conn = app.db.read().await?;
    let ids: std::collections::HashSet<String> =
        to_come.iter().map(|item| item.plan.recipient_id.clone()).collect();
    let people = facts::people(&mut conn, &ids.into_iter().collect::<Vec<_>>()).await?;
    let zone = facts::zone(&workspace.time_zone);
    let rows = to_come
        .iter()
        .map(|item| {
            let plan = &item.plan;
            let who = people
                .get(&plan.recipient_id)
                .map_or(plan.recipient_id.as_str(), |m| m.person.name.as_str());
            let about = match plan.onboarding_ids.len() {
                1 => "1 onboarding".to_owned(),
                n => format!("{n} onboardings"),
            };
            let zone = people.get(&plan.recipient_id).map_or(zone, |m| m.person.zone);
            let at = item.at.with_timezone(&zone).format("%a %Y-%m-%d %H:%M %Z").to_string();
            vec![
                at,
                who.to_owned(),
                plan.kind.to_string(),
                plan.channel.to_string(),
                plan.mode.to_string(),
                about,
            ]
        })
        .collect();
    let json = to_come.iter().map(|item| json!(ForecastItem::from(*item))).collect();
    out.table(&["at", "to", "kind", "channel", "mode", "about"], rows, &json);
    Ok(())
}

pub(super) async fn explain(app: &App, args: &ExplainArgs, out: Out) -> anyhow::Result<()> {
    let mut conn = app.db.read().await?;
    let workspace = admin::workspace(&mut conn, &args.workspace).await?;
    let onboarding = match seek(&mut conn, &workspace.id, &args.who).await? {
        Meant::Onboarding(found) => *found,
        Meant::Person(found) => return silence(app, &mut conn, &found, out).await,
        Meant::Several(several) => return Err(Usage(which(&args.who, &several)).into()),
        Meant::Nothing => {
            anyhow::bail!("there is no onboarding {}, and nobody called so", args.who)
        }
    };
    let recipient = match &args.recipient {
        Some(named) => Some(user(&mut conn, &workspace.id, named).await?),
        None => None,
    };
    let channels = app.ways()?.channels;
    let found =
        explain::explain(&mut conn, &onboarding, recipient.as_deref(), app.clock.now(), channels)
            .await?;
    if !out.json {
        let verdict = match (found.sends, found.reason) {
            _ if found.waits => "it is in a digest that day, which waits.".to_owned(),
            (true, _) => "it is in a digest that day.".to_owned(),
            (false, Some(reason)) => {
                format!("it is in no digest that day: {}.", reason.as_str().replace('_', " "))
            }
            (false, None) => "it is in no digest that day, as none is due.".to_owned(),
        };
        line(format!("Onboarding #{}: {verdict}", onboarding.display_id));
        let zone = facts::zone(&workspace.time_zone);
        for next in &found.next {
            let at = next.at.with_timezone(&zone).format("%a %-d %b %Y at %H:%M %Z");
            line(format!("Next: {}, {at}, by {}.", next.plan.kind.in_words(), next.plan.channel));
        }
        for last in &found.last {
            let open = last.state.parse().is_ok_and(NotificationState::is_open);
            let unwritten = if open { "to be written when it goes out" } else { "never written" };
            let subject = last.subject.as_deref().unwrap_or(unwritten);
            let because =
                last.reason.as_deref().map(|reason| format!(", {}", reason.replace('_', " ")));
            line(format!(
                "Last: {} of {}, {}{}: {subject}",
                last.kind.replace('_', " "),
                last.slot_date.format("%a %-d %b %Y"),
                last.state,
                because.unwrap_or_default()
            ));
        }
    }
    let rows = found
        .gates
        .iter()
        .map(|gate| {
            vec![
                gate.gate.clone(),
                if gate.passed { "open" } else { "SHUT" }.to_owned(),
                gate.seen.to_string(),
            ]
        })
        .collect();
    out.table(&["gate", "", "seen"], rows, &json!(OnboardingReminders::from(&found)));
    Ok(())
}

/// The choice, as one line.
pub(super) fn which(who: &str, several: &Several) -> String {
    let people = several.people.iter().map(|one| format!("{} <{}>", one.name, one.email));
    let journeys =
        several.journeys.iter().map(|one| format!("#{} {}", one.display_id, one.customer_name));
    let all: Vec<String> = people.chain(journeys).collect();
    let more = match several.more {
        0 => String::new(),
        more => format!(", and {more} more"),
    };
    format!("\"{who}\" may be any of: {}{more}", all.join(", "))
}

/// What somebody got on the day, and of what they did not hear.
async fn silence(app: &App, conn: &mut Conn, user: &User, out: Out) -> anyhow::Result<()> {
    let (now, channels) = (app.clock.now(), app.ways()?.channels);
    let workspaces = facts::workspaces(conn, std::slice::from_ref(&user.workspace_id)).await?;
    let zone =
        workspaces.get(&user.workspace_id).map_or(chrono_tz::UTC, |workspace| workspace.zone);
    let found = silence::of_person(conn, user, local_date(zone, now), channels, now).await?;
    if !out.json {
        line(&found.sentence);
        for message in &found.messages {
            let because = message.reason.as_deref().map(|reason| reason.replace('_', " "));
            let because = because.map(|reason| format!(", {reason}")).unwrap_or_default();
            let kind = message.kind.replace('_', " ");
            line(format!(
                "{}: {kind} by {}, {}{because}",
                message.id, message.channel, message.state
            ));
        }
    }
    let verdict = |sends| if sends { "due" } else { "HELD" }.to_owned();
    let rows = found
        .verdicts
        .iter()
        .map(|one| {
            let name = format!("#{} {}", one.display_id, one.customer_name);
            vec![name, verdict(one.sends), one.why.clone()]
        })
        .collect();
    let json = json!(RemindersExplanation::new(Some(&user.id), &found));
    out.table(&["onboarding", "", "because"], rows, &json);
    Ok(())
}

/// The onboarding that is meant.
pub(super) async fn find(
    conn: &mut Conn,
    workspace_id: &str,
    named: &Ref,
) -> anyhow::Result<onboardings::Onboarding> {
    let found = onboardings::find(conn, workspace_id, named).await?;
    found.with_context(|| format!("there is no onboarding {named}"))
}

/// The id of the user who is meant.
pub(super) async fn user(
    conn: &mut Conn,
    workspace_id: &str,
    named: &Ref,
) -> anyhow::Result<String> {
    let found = users::find(conn, workspace_id, named).await?;
    Ok(found.with_context(|| format!("there is no user {named}"))?.id)
}
