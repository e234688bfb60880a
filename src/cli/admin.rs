//! Workspaces, their phases and keys on the command line.

use anyhow::{Context, bail};
use chrono::TimeDelta;
use clap::Subcommand;
use secrecy::ExposeSecret;
use serde_json::json;

use super::App;
use super::author::author;
use super::out::Out;
use super::settings::{self, Setting};
use super::typed::{self, Scopes, word};
use crate::api::settings::{self as api, Settings};
use crate::db::{Conn, is_conflict};
use crate::domain::values::{Locale, Mode, Phase, Tier};
use crate::operate::keys::{self, DEFAULT_SCOPES, NewKey};
use crate::operate::objects;
use crate::store::workspaces::Workspace;
use crate::store::{directory, phases, workspaces};

#[derive(Debug, Subcommand)]
pub(super) enum Workspaces {
    /// Make a workspace; prints its id alone on the last line.
    Create {
        /// Handle for the command line: a-z, 0-9, hyphens.
        #[arg(long, value_parser = typed::slug)]
        slug: String,
        /// Name as shown to people.
        #[arg(long, value_parser = typed::name)]
        name: String,
        /// IANA name, such as Europe/Copenhagen.
        #[arg(long, default_value = "UTC", value_parser = typed::zone)]
        time_zone: String,
        /// Language of its messages: en, de.
        #[arg(long, default_value = "en")]
        locale: Locale,
    },
    /// The settings of a workspace.
    Show {
        /// Handle or id of the workspace.
        #[arg(long)]
        workspace: String,
    },
    /// Change the settings of a workspace; `show` prints them as they are typed.
    Update {
        /// Handle or id of the workspace.
        #[arg(long)]
        workspace: String,
        /// Such as `time_zone=Europe/Copenhagen`, `working_days=mon,tue,wed` or `escalation_user_id=null`.
        #[arg(required = true, value_name = "NAME=VALUE", value_parser = settings::setting)]
        settings: Vec<Setting>,
    },
    /// List workspaces.
    List,
}

#[derive(Debug, Subcommand)]
pub(super) enum Phases {
    /// The seven phases in order: what they are called, and how many days each should take.
    List {
        /// Handle or id of the workspace.
        #[arg(long)]
        workspace: String,
    },
    /// Change a phase.
    Update {
        /// Handle or id of the workspace.
        #[arg(long)]
        workspace: String,
        /// Its key, such as `launch`.
        #[arg(value_parser = word::<Phase>)]
        key: Phase,
        /// `label`, `position` or `target_days`.
        #[arg(required = true, value_name = "NAME=VALUE", value_parser = settings::setting)]
        settings: Vec<Setting>,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum Keys {
    /// Make a key; prints it once, alone on the last line.
    Create {
        /// Handle or id of the workspace.
        #[arg(long)]
        workspace: String,
        /// What the key is for; the actor of its writes.
        #[arg(long, value_parser = typed::name)]
        name: String,
        /// live, or test: nothing a test key causes ever reaches a person.
        #[arg(long, value_parser = word::<Mode>)]
        mode: Mode,
        /// standard, plus or unlimited.
        #[arg(long, default_value = "standard", value_parser = word::<Tier>)]
        tier: Tier,
        /// read, write, operate, admin, separated by commas or spaces; read and write if not given.
        #[arg(long, value_parser = typed::scopes)]
        scopes: Option<Scopes>,
    },
    /// List the keys of a workspace.
    List {
        /// Handle or id of the workspace.
        #[arg(long)]
        workspace: String,
    },
    /// Make a new key in place of one; prints it once, alone on the last line.
    Rotate {
        /// Handle or id of the workspace.
        #[arg(long)]
        workspace: String,
        /// Id of the old key.
        id: String,
        /// How long the old key goes on working.
        #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(i64).range(0..=2_592_000))]
        overlap_seconds: i64,
    },
    /// Revoke a key at once.
    Revoke {
        /// Handle or id of the workspace.
        #[arg(long)]
        workspace: String,
        /// Id of the key.
        id: String,
    },
}

pub(super) async fn workspace(conn: &mut Conn, handle: &str) -> anyhow::Result<Workspace> {
    let found = match workspaces::find_by_slug(conn, handle).await? {
        Some(found) => Some(found),
        None => workspaces::get(conn, handle).await?,
    };
    found.with_context(|| {
        format!("there is no workspace {handle:?}; `pivotal-reminders workspaces list` shows them")
    })
}

pub(super) async fn workspaces(app: &App, verb: Workspaces, out: Out) -> anyhow::Result<()> {
    match verb {
        Workspaces::Create { slug, name: title, time_zone, locale } => {
            let mut conn = app.db.begin().await?;
            let made = workspaces::create(
                &mut conn,
                &author(),
                &slug,
                &title,
                &time_zone,
                app.clock.now(),
            )
            .await;
            let made = match made {
                Err(error) if is_conflict(&error) => {
                    bail!("--slug: there is a workspace {slug:?} already")
                }
                other => other?,
            };
            let body = json!({ "locale": locale }).to_string();
            let now = app.clock.now();
            let made = api::change_workspace(&mut conn, &author(), made, body.as_bytes(), now)
                .await
                .map_err(settings::refused("workspace"))?;
            conn.commit().await?;
            out.made(
                &format!("made workspace {slug}"),
                &made.id,
                &json!({ "id": made.id, "slug": slug }),
            );
        }
        Workspaces::Show { workspace } => {
            let mut conn = app.db.read().await?;
            let found = self::workspace(&mut conn, &workspace).await?;
            settings::show(Settings::Workspace, &api::workspace(&mut conn, &found).await?, out);
        }
        Workspaces::Update { workspace, settings } => {
            let body = settings::body(Settings::Workspace, &settings)?;
            let mut conn = app.db.begin().await?;
            let found = self::workspace(&mut conn, &workspace).await?;
            let before = workspaces::lock(&mut conn, &found.id).await?.unwrap_or(found);
            let now = app.clock.now();
            let after = api::change_workspace(&mut conn, &author(), before, &body, now)
                .await
                .map_err(settings::refused("workspace"))?;
            let json = api::workspace(&mut conn, &after).await?;
            conn.commit().await?;
            out.done(&format!("the settings of {} are kept", after.slug), &json);
        }
        Workspaces::List => {
            let mut conn = app.db.read().await?;
            let all = directory::workspaces(&mut conn).await?;
            let rows = all
                .iter()
                .map(|w| {
                    vec![
                        w.slug.clone(),
                        w.name.clone(),
                        w.time_zone.clone(),
                        w.locale.clone(),
                        w.id.clone(),
                    ]
                })
                .collect();
            let json = all.iter().map(|w| json!({ "id": w.id, "slug": w.slug, "name": w.name, "time_zone": w.time_zone, "locale": w.locale })).collect();
            out.table(&["slug", "name", "time zone", "locale", "id"], rows, &json);
        }
    }
    Ok(())
}

pub(super) async fn phases(app: &App, verb: Phases, out: Out) -> anyhow::Result<()> {
    match verb {
        Phases::List { workspace } => {
            let mut conn = app.db.read().await?;
            let workspace = self::workspace(&mut conn, &workspace).await?;
            let all = phases::list(&mut conn, &workspace.id).await?;
            let rows = all
                .iter()
                .map(|phase| {
                    let days = phase.target_days.to_string();
                    let position = phase.position.to_string();
                    vec![position, phase.key.to_string(), phase.label.clone(), days]
                })
                .collect();
            let json = all.iter().map(api::phase).collect();
            out.table(&["position", "key", "label", "target days"], rows, &json);
        }
        Phases::Update { workspace, key, settings } => {
            let body = settings::body(Settings::Phase, &settings)?;
            let mut conn = app.db.begin().await?;
            let workspace = self::workspace(&mut conn, &workspace).await?;
            let (now, id) = (app.clock.now(), &workspace.id);
            let after = api::change_phase(&mut conn, &author(), id, key, &body, now)
                .await
                .map_err(settings::refused("phase"))?;
            conn.commit().await?;
            out.done(&format!("the phase {} is kept", after.label), &api::phase(&after));
        }
    }
    Ok(())
}

pub(super) async fn keys(app: &App, verb: Keys, out: Out) -> anyhow::Result<()> {
    let now = app.clock.now();
    match verb {
        Keys::Create { workspace: handle, name: title, mode, tier, scopes } => {
            let mut conn = app.db.begin().await?;
            let workspace = workspace(&mut conn, &handle).await?;
            let scopes = scopes.as_ref().map_or(DEFAULT_SCOPES, |scopes| &scopes.0);
            let new = NewKey { workspace_id: &workspace.id, name: &title, mode, tier, scopes };
            let (key, secret) = keys::create(&mut conn, &author(), new, now).await?;
            conn.commit().await?;
            let secret = secret.expose_secret();
            out.made(
                &format!("made {mode} key {title} ({}); it is shown only this once", key.id),
                secret,
                &json!(objects::ApiKey::from(&key).with_secret(secret)),
            );
        }
        Keys::List { workspace: handle } => {
            let mut conn = app.db.read().await?;
            let workspace = workspace(&mut conn, &handle).await?;
            let all = directory::keys(&mut conn, &workspace.id).await?;
            let rows = all
                .iter()
                .map(|k| {
                    let used = k.last_used_at.map_or_else(
                        || "never".to_owned(),
                        |at| at.format("%Y-%m-%d %H:%M").to_string(),
                    );
                    let state = if k.is_revoked(now) { "revoked" } else { "active" };
                    vec![
                        k.name.clone(),
                        k.mode.to_string(),
                        k.tier.to_string(),
                        k.scopes.clone(),
                        format!("{}…", k.prefix),
                        used,
                        k.last_used_ip.clone().unwrap_or_default(),
                        k.request_count.to_string(),
                        state.to_owned(),
                        k.id.clone(),
                    ]
                })
                .collect();
            out.table(
                &[
                    "name",
                    "mode",
                    "tier",
                    "scopes",
                    "prefix",
                    "last used",
                    "from",
                    "requests",
                    "state",
                    "id",
                ],
                rows,
                &all.iter().map(|k| json!(objects::ApiKey::from(k))).collect(),
            );
        }
        Keys::Rotate { workspace: handle, id, overlap_seconds } => {
            let mut conn = app.db.begin().await?;
            let workspace = workspace(&mut conn, &handle).await?;
            let rotated = keys::rotate(
                &mut conn,
                &author(),
                &workspace.id,
                &id,
                TimeDelta::seconds(overlap_seconds),
                now,
            )
            .await?;
            let (key, secret) = rotated.with_context(|| no_key(&handle, &id))?;
            conn.commit().await?;
            let secret = secret.expose_secret();
            out.made(
                &format!("made {} in place of {id}; it is shown only this once", key.id),
                secret,
                &json!(objects::ApiKey::from(&key).with_secret(secret)),
            );
        }
        Keys::Revoke { workspace: handle, id } => {
            let mut conn = app.db.begin().await?;
            let workspace = workspace(&mut conn, &handle).await?;
            let revoked = keys::revoke(&mut conn, &author(), &workspace.id, &id, now).await?;
            let key = revoked.with_context(|| no_key(&handle, &id))?;
            conn.commit().await?;
            out.done(&format!("revoked {}", key.name), &json!(objects::ApiKey::from(&key)));
        }
    }
    Ok(())
}

fn no_key(handle: &str, id: &str) -> String {
    format!(
        "{handle} has no key {id:?}; `pivotal-reminders keys list --workspace {handle}` shows them"
    )
}
