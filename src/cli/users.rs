//! Users on the command line: who they are, and when and where they want to hear.

use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::App;
use super::admin::workspace;
use super::author::author;
use super::out::Out;
use super::settings::{self, Setting};
use super::typed;
use crate::api::settings::{self as api, Settings};
use crate::db::{Conn, is_conflict};
use crate::domain::ids::Ref;
use crate::operate::objects;
use crate::store::users::{NewUser, User};
use crate::store::{directory, users};

#[derive(Debug, Subcommand)]
pub(super) enum Users {
    /// Add a user; the first one owns the workspace. Prints the id alone on the last line.
    Create {
        /// Handle or id of the workspace.
        #[arg(long)]
        workspace: String,
        /// Name as shown to people.
        #[arg(long, value_parser = typed::name)]
        name: String,
        /// Mail address.
        #[arg(long, value_parser = typed::email)]
        email: String,
        /// IANA name; the workspace's if not given.
        #[arg(long, value_parser = typed::zone)]
        time_zone: Option<String>,
        /// Slack user id (U…), for direct messages.
        #[arg(long, value_parser = typed::slack_member)]
        slack_user_id: Option<String>,
    },
    /// List the users of a workspace.
    List {
        /// Handle or id of the workspace.
        #[arg(long)]
        workspace: String,
    },
    /// Who somebody is.
    Show {
        #[command(flatten)]
        whose: Whose,
    },
    /// Change who somebody is; `email_flagged_at=null` takes the flag of a refused address away.
    Update {
        #[command(flatten)]
        whose: Whose,
        /// Such as `time_zone=Europe/Copenhagen` or `active=false`.
        #[arg(required = true, value_name = "NAME=VALUE", value_parser = settings::setting)]
        settings: Vec<Setting>,
    },
    /// When and where somebody wants to hear; or change it.
    Preferences {
        #[command(flatten)]
        whose: Whose,
        /// Such as `digest_time=07:30`, `quiet_hours=18:00-08:00` or `out_of_office_until=2026-07-27`; without any they are shown.
        #[arg(value_name = "NAME=VALUE", value_parser = settings::setting)]
        settings: Vec<Setting>,
    },
}

/// One user.
#[derive(Debug, Args)]
pub(super) struct Whose {
    /// Handle or id of the workspace.
    #[arg(long)]
    workspace: String,
    /// The user (id or number).
    #[arg(value_parser = typed::reference)]
    user: Ref,
}

pub(super) async fn users(app: &App, verb: Users, out: Out) -> anyhow::Result<()> {
    match verb {
        Users::Create { workspace: handle, name: title, email, time_zone, slack_user_id } => {
            let mut conn = app.db.begin().await?;
            let workspace = workspace(&mut conn, &handle).await?;
            let new = NewUser {
                workspace_id: &workspace.id,
                name: &title,
                email: &email,
                time_zone: time_zone.as_deref(),
                slack_user_id: slack_user_id.as_deref(),
            };
            let made = match users::create(&mut conn, &author(), new, app.clock.now()).await {
                Err(error) if is_conflict(&error) => {
                    bail!("--email: {handle} has a user with this address already")
                }
                other => other?,
            };
            conn.commit().await?;
            out.made(
                &format!("made user {title} in {handle}"),
                &made.id,
                &json!(objects::User::from(&made)),
            );
        }
        Users::List { workspace: handle } => {
            let mut conn = app.db.read().await?;
            let workspace = workspace(&mut conn, &handle).await?;
            let all = directory::users(&mut conn, &workspace.id).await?;
            let rows = all
                .iter()
                .map(|u| {
                    let zone = u
                        .time_zone
                        .clone()
                        .unwrap_or_else(|| format!("{} (workspace)", workspace.time_zone));
                    let slack = u.slack_user_id.clone().unwrap_or_default();
                    let state = if u.active { "active" } else { "deactivated" };
                    vec![
                        u.display_id.to_string(),
                        u.name.clone(),
                        u.email.clone(),
                        zone,
                        slack,
                        state.to_owned(),
                        u.id.clone(),
                    ]
                })
                .collect();
            out.table(
                &["#", "name", "email", "time zone", "slack", "state", "id"],
                rows,
                &all.iter().map(|u| json!(objects::User::from(u))).collect(),
            );
        }
        Users::Show { whose } => {
            let mut conn = app.db.read().await?;
            let workspace = workspace(&mut conn, &whose.workspace).await?;
            let found = users::find(&mut conn, &workspace.id, &whose.user).await?;
            let user = found.with_context(|| whose.nobody())?;
            settings::show(Settings::User, &json!(objects::User::from(&user)), out);
        }
        Users::Update { whose, settings } => {
            let body = settings::body(Settings::User, &settings)?;
            let mut conn = app.db.begin().await?;
            let before = whose.lock(&mut conn).await?;
            let user = api::change_user(&mut conn, &author(), before, &body, app.clock.now())
                .await
                .map_err(settings::refused("user"))?;
            conn.commit().await?;
            out.done(&format!("{} was changed", user.name), &json!(objects::User::from(&user)));
        }
        Users::Preferences { whose, settings } if settings.is_empty() => {
            let mut conn = app.db.read().await?;
            let workspace = workspace(&mut conn, &whose.workspace).await?;
            let found = users::find(&mut conn, &workspace.id, &whose.user).await?;
            let user = found.with_context(|| whose.nobody())?;
            let mut json = api::preferences(&mut conn, &user).await?;
            if !out.json && user.digest_time.is_none() {
                // Programs see when it comes; to type that would be to choose it.
                json["digest_time"] = Value::Null;
            }
            settings::show(Settings::Preferences, &json, out);
        }
        Users::Preferences { whose, settings } => {
            let body = settings::body(Settings::Preferences, &settings)?;
            let mut conn = app.db.begin().await?;
            let before = whose.lock(&mut conn).await?;
            let now = app.clock.now();
            let user = api::change_preferences(&mut conn, &author(), before, &body, now)
                .await
                .map_err(settings::refused("user"))?;
            let json = api::preferences(&mut conn, &user).await?;
            conn.commit().await?;
            out.done(&format!("the preferences of {} are kept", user.name), &json);
        }
    }
    Ok(())
}

impl Whose {
    async fn lock(&self, conn: &mut Conn) -> anyhow::Result<User> {
        let workspace = workspace(conn, &self.workspace).await?;
        let found = users::lock(conn, &workspace.id, &self.user).await?;
        found.with_context(|| self.nobody())
    }

    fn nobody(&self) -> String {
        format!("there is no user {}", self.user)
    }
}
