//! Onboardings on the command line: their reminders rest, and go on.

use anyhow::bail;
use chrono::NaiveDate;
use clap::{Args, Subcommand};
use serde_json::json;

use super::author::author;
use super::foresee::which;
use super::operate::Why;
use super::out::Out;
use super::typed::{self, Usage};
use super::{App, admin};
use crate::domain::calendar::local_date;
use crate::domain::ids::Ref;
use crate::operate::objects::OnboardingReminders;
use crate::operate::seek::{Meant, seek_onboarding};
use crate::operate::{explain, snooze};
use crate::store::facts;

#[derive(Debug, Subcommand)]
pub(super) enum Onboardings {
    /// Let the reminders of an onboarding rest until a day.
    Snooze {
        #[command(flatten)]
        one: One,
        /// The day on which reminders resume, such as 2026-06-15.
        #[arg(long, value_name = "DATE", value_parser = typed::date)]
        until: NaiveDate,
        #[command(flatten)]
        why: Why,
    },
    /// Let them go on, as if they had never rested.
    Wake {
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
    /// The onboarding: its id or number, or its customer's name, whole or as it begins.
    onboarding: String,
}

pub(super) async fn onboardings(app: &App, verb: Onboardings, out: Out) -> anyhow::Result<()> {
    let (one, until, why) = match &verb {
        Onboardings::Snooze { one, until, why } => (one, Some(*until), why),
        Onboardings::Wake { one, why } => (one, None, why),
    };
    let (now, channels) = (app.clock.now(), app.ways()?.channels);
    let mut conn = app.db.begin().await?;
    let workspace = admin::workspace(&mut conn, &one.workspace).await?;
    if until.is_some_and(|until| until <= local_date(facts::zone(&workspace.time_zone), now)) {
        return Err(Usage(snooze::NOT_TO_COME.to_owned()).into());
    }
    let id = match seek_onboarding(&mut conn, &workspace.id, &one.onboarding).await? {
        Meant::Onboarding(found) => Ref::Id(found.id),
        Meant::Several(several) => return Err(Usage(which(&one.onboarding, &several)).into()),
        Meant::Person(_) | Meant::Nothing => bail!("there is no onboarding {}", one.onboarding),
    };
    let reason = Some(why.reason.as_str());
    let rested =
        snooze::snooze(&mut conn, &author(), &workspace.id, &id, until, reason, now).await?;
    let Some(found) = rested else { bail!("there is no onboarding {}", one.onboarding) };
    let seen = explain::explain(&mut conn, &found, None, now, channels).await?;
    conn.commit().await?;
    let said = until.map_or_else(
        || format!("onboarding #{} is awake", found.display_id),
        |until| format!("onboarding #{} is snoozed; reminders resume on {until}", found.display_id),
    );
    out.done(&said, &json!(OnboardingReminders::from(&seen)));
    Ok(())
}
