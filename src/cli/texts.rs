//! A workspace's own templates, and who wants no messages.

use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::App;
use super::admin;
use super::author::author;
use super::operate::{Why, refused};
use super::out::{Out, line};
use super::typed::{self, word};
use crate::domain::ids::Ref;
use crate::domain::values::{Kind, TemplateName};
use crate::operate::notifications::Because;
use crate::operate::objects::OptOut;
use crate::operate::{opt_outs, templates};
use crate::store::facts;

#[derive(Debug, Subcommand)]
pub(super) enum Templates {
    /// Every part of every message, and which the workspace has written itself.
    List {
        /// Handle or id of the workspace.
        #[arg(long)]
        workspace: String,
    },
    /// One part: its template, its versions, and with --values what it may name.
    #[command(disable_version_flag = true)]
    Show {
        #[command(flatten)]
        part: PartArgs,
        /// An earlier version; 0 is the built-in one.
        #[arg(long)]
        version: Option<i64>,
        /// What a template may name, with the values of a sample, instead of the template.
        #[arg(long)]
        values: bool,
    },
    /// Render a file with every sample, as the workspace would send it; nothing is saved.
    Check {
        #[command(flatten)]
        part: PartArgs,
        /// File with the template.
        file: PathBuf,
    },
    /// Check a file, and use it from the next message on.
    Save {
        #[command(flatten)]
        part: PartArgs,
        /// File with the template.
        file: PathBuf,
        #[command(flatten)]
        why: Why,
    },
    /// Use an earlier version again, from the next message on.
    Rollback {
        #[command(flatten)]
        part: PartArgs,
        /// Which version; 0 is the built-in one.
        #[arg(long)]
        to: i64,
        #[command(flatten)]
        why: Why,
    },
}

#[derive(Debug, Args)]
pub(super) struct PartArgs {
    /// Such as `digest.subject` or `customer_reminder.html`; `templates list` has them all.
    #[arg(value_parser = word::<TemplateName>)]
    name: TemplateName,
    /// Handle or id of the workspace.
    #[arg(long)]
    workspace: String,
}

#[derive(Debug, Subcommand)]
pub(super) enum OptOuts {
    /// Who wants no messages of which kind.
    List {
        /// Handle or id of the workspace.
        #[arg(long)]
        workspace: String,
    },
    /// Write again to a customer's contact who asked for it.
    Lift {
        /// Handle or id of the workspace.
        #[arg(long)]
        workspace: String,
        /// Id of the contact.
        #[arg(value_parser = typed::reference)]
        id: Ref,
        #[command(flatten)]
        why: Why,
    },
}

pub(super) async fn templates(app: &App, verb: Templates, out: Out) -> anyhow::Result<()> {
    match verb {
        Templates::List { workspace } => {
            let mut conn = app.db.read().await?;
            let workspace = admin::workspace(&mut conn, &workspace).await?;
            let found = templates::list(&mut conn, &workspace.id).await?;
            let rows = found.iter().map(row).collect();
            let json = found.iter().map(|t| json!({ "name": t.name.to_string(), "own": t.own }));
            out.table(&["part", "in use", "by", "since", "why", "state"], rows, &json.collect());
        }
        Templates::Show { part, version, values } => show(app, &part, version, values, out).await?,
        Templates::Check { part, file } => {
            let source = read(&file)?;
            let mut conn = app.db.read().await?;
            let id = admin::workspace(&mut conn, &part.workspace).await?.id;
            let found = facts::workspaces(&mut conn, std::slice::from_ref(&id)).await?.remove(&id);
            let workspace = found.context("the workspace is gone")?;
            templates::check(&workspace, part.name, &source)
                .map_err(|failure| anyhow::anyhow!("{}: {failure}", file.display()))?;
            out.done(
                &format!("{} can be used as {}", file.display(), part.name),
                &json!({ "valid": true }),
            );
        }
        Templates::Save { part, file, why } => {
            let source = read(&file)?;
            let mut conn = app.db.begin().await?;
            let workspace = admin::workspace(&mut conn, &part.workspace).await?;
            let author = author();
            let because = Because { author: &author, reason: &why.reason };
            templates::save(
                &mut conn,
                because,
                &workspace.id,
                part.name,
                Some(&source),
                app.clock.now(),
            )
            .await
            .map_err(refused(&file.display().to_string()))?;
            conn.commit().await?;
            let said = format!("{} is in use from the next message on", part.name);
            out.done(&said, &json!({ "name": part.name.to_string(), "saved": true }));
        }
        Templates::Rollback { part, to, why } => {
            let mut conn = app.db.begin().await?;
            let workspace = admin::workspace(&mut conn, &part.workspace).await?;
            let author = author();
            let because = Because { author: &author, reason: &why.reason };
            templates::roll_back(&mut conn, because, &workspace.id, part.name, to, app.clock.now())
                .await
                .map_err(refused(&part.name.to_string()))?;
            conn.commit().await?;
            let which =
                if to == 0 { "the built-in template".to_owned() } else { format!("version {to}") };
            let said = format!("{which} of {} is in use from the next message on", part.name);
            out.done(&said, &json!({ "name": part.name.to_string(), "to": to }));
        }
    }
    Ok(())
}

fn row(template: &templates::Template) -> Vec<String> {
    let name = template.name.to_string();
    let Some(own) = &template.own else {
        return vec![
            name,
            "built-in".to_owned(),
            String::new(),
            String::new(),
            String::new(),
            String::new(),
        ];
    };
    vec![
        name,
        format!("version {}", own.version),
        own.author_name.clone(),
        own.created_at.format("%Y-%m-%d %H:%M").to_string(),
        own.reason.clone(),
        own.failure
            .as_ref()
            .map_or_else(String::new, |failure| format!("FAILS, built-in sent: {failure}")),
    ]
}

async fn show(
    app: &App,
    part: &PartArgs,
    version: Option<i64>,
    values: bool,
    out: Out,
) -> anyhow::Result<()> {
    let mut conn = app.db.read().await?;
    let workspace = admin::workspace(&mut conn, &part.workspace).await?;
    let detail = templates::show(&mut conn, &workspace.id, part.name).await?;
    if values {
        line(format!("{:#}", detail.values));
        return Ok(());
    }
    let wanted =
        version.or_else(|| detail.template.own.as_ref().map(|own| own.version)).unwrap_or(0);
    let source = if wanted == 0 {
        detail.built_in
    } else {
        let found = detail.versions.iter().find(|v| v.version == wanted);
        let found = found.with_context(|| format!("{} has no version {wanted}", part.name))?;
        found.source.as_deref().or(detail.built_in)
    };
    let source =
        source.unwrap_or("(built without a template; one of your own replaces its first sentence)");
    if out.json {
        let versions: Vec<Value> = detail.versions.iter().map(|v| json!(v)).collect();
        line(
            json!({ "name": part.name.to_string(), "version": wanted, "source": source, "versions": versions }),
        );
        return Ok(());
    }
    for v in &detail.versions {
        eprintln!(
            "version {}, {} by {}: {}",
            v.version,
            v.created_at.format("%Y-%m-%d %H:%M"),
            v.author_name,
            v.reason
        );
    }
    line(source.strip_suffix('\n').unwrap_or(source));
    Ok(())
}

fn read(file: &Path) -> anyhow::Result<String> {
    std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))
}

pub(super) async fn opt_outs(app: &App, verb: OptOuts, out: Out) -> anyhow::Result<()> {
    match verb {
        OptOuts::List { workspace } => {
            let mut conn = app.db.read().await?;
            let workspace = admin::workspace(&mut conn, &workspace).await?;
            let found = opt_outs::all(&mut conn, &workspace.id).await?;
            let rows = found
                .iter()
                .map(|o| {
                    let since = o
                        .since
                        .map_or_else(String::new, |at| at.format("%Y-%m-%d %H:%M").to_string());
                    let kinds: Vec<_> = o.kinds.iter().map(|kind| kind.as_str()).collect();
                    vec![o.name.clone(), kinds.join(", "), since, o.address.clone(), o.id.clone()]
                })
                .collect();
            out.table(
                &["name", "gets no", "since", "address", "id"],
                rows,
                &found.iter().flat_map(OptOut::each).map(|o| json!(o)).collect(),
            );
        }
        OptOuts::Lift { workspace, id, why } => {
            let mut conn = app.db.begin().await?;
            let workspace = admin::workspace(&mut conn, &workspace).await?;
            let author = author();
            let because = Because { author: &author, reason: &why.reason };
            let lifted = opt_outs::lift(&mut conn, because, &workspace.id, &id, app.clock.now())
                .await
                .map_err(refused(&id.to_string()))?;
            conn.commit().await?;
            let json = json!(OptOut::new(&lifted, Kind::CustomerReminder));
            out.done(&format!("{} is written to again", lifted.name), &json);
        }
    }
    Ok(())
}
