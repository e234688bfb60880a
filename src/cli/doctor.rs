//! `doctor`: everything that must be right, one line each, and what to do about what is not.

use anyhow::bail;
use secrecy::ExposeSecret;
use serde_json::json;

use super::out::Out;
use super::{App, Clock, Config};
use crate::app::Ways;
use crate::config::ConfigError;
use crate::db::SchemaState;
use crate::store::{clock_guard, cohorts, hints, templates};

/// Arguments of `doctor`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The clock is right, although it went backwards or far ahead: send again.
    #[arg(long)]
    accept_clock: bool,
}

const NOT_CHECKED: &str = "not checked: the schema is not there yet";

struct Finding {
    what: &'static str,
    result: Result<String, String>,
}

/// The settings themselves cannot be read.
pub(super) fn without_config(error: &ConfigError, out: Out) -> anyhow::Result<()> {
    report(&[Finding { what: "configuration", result: Err(error.to_string()) }], out)
}

pub(super) async fn run(config: Config, args: &Args, out: Out) -> anyhow::Result<()> {
    let mut findings = vec![Finding { what: "configuration", result: Ok("readable".to_owned()) }];
    let url = config.database.url.expose_secret().to_owned();
    let ways = Ways::of(&config);
    match App::open(config, Clock::System).await {
        Ok(app) => {
            findings.push(Finding {
                what: "database",
                result: Ok(format!("{} answers", app.db.name())),
            });
            findings.push(Finding { what: "migrations", result: migrations(&app).await });
            findings.push(Finding { what: "clock", result: clock(&app, args.accept_clock).await });
            findings.push(Finding { what: "accounting", result: accounting(&app).await });
            findings.push(Finding { what: "recipients", result: recipients(&app).await });
            findings.push(Finding { what: "templates", result: own_templates(&app).await });
        }
        Err(error) => {
            let hint = if url.starts_with("postgres") {
                "; check that the server runs and that DATABASE_URL names host, database, user and password"
            } else {
                ""
            };
            findings.push(Finding { what: "database", result: Err(format!("{error:#}{hint}")) });
        }
    }
    match ways {
        Ok(ways) => {
            findings.push(Finding {
                what: "mail",
                result: optional(ways.deliverers.check_email().await, ways.channels.email),
            });
            findings.push(Finding {
                what: "slack",
                result: optional(ways.deliverers.check_slack().await, ways.channels.slack),
            });
        }
        Err(error) => {
            findings.push(Finding { what: "mail and slack", result: Err(format!("{error:#}")) });
        }
    }
    report(&findings, out)
}

async fn clock(app: &App, accept: bool) -> Result<String, String> {
    if accept {
        app.accept_clock().await.map_err(|error| format!("cannot be accepted: {error:#}"))?;
        return Ok("accepted as right".to_owned());
    }
    let checked = async {
        let mut conn = app.db.read().await?;
        clock_guard::check(&mut conn, app.clock.now()).await
    };
    match checked.await {
        Ok(None) => Ok("right, as far as this service can tell".to_owned()),
        Ok(Some(fault)) => Err(fault),
        Err(_) => Ok(NOT_CHECKED.to_owned()),
    }
}

/// Every notification that the rules asked for must be in the ledger.
async fn accounting(app: &App) -> Result<String, String> {
    let lost = async {
        let mut conn = app.db.read().await?;
        cohorts::unaccounted(&mut conn, app.clock.now()).await
    };
    let Ok(lost) = lost.await else { return Ok(NOT_CHECKED.to_owned()) };
    if lost.is_empty() {
        return Ok("0 unaccounted for".to_owned());
    }
    let each: Vec<String> = lost
        .iter()
        .map(|c| format!("{} of {} ({}, {})", c.unaccounted(), c.expected, c.kind, c.slot_date))
        .collect();
    Err(format!(
        "notifications were asked for and are in no row: {}; nobody was told of them, so look at the database's log of that time",
        each.join(", ")
    ))
}

/// A workspace's own template that failed was replaced by the built-in one.
async fn own_templates(app: &App) -> Result<String, String> {
    let failing = async {
        let mut conn = app.db.read().await?;
        templates::failing(&mut conn).await
    };
    let Ok(failing) = failing.await else { return Ok(NOT_CHECKED.to_owned()) };
    if failing.is_empty() {
        return Ok("none of a workspace's own has failed".to_owned());
    }
    let each: Vec<String> =
        failing.iter().map(|(slug, name, why)| format!("{name} of {slug} ({why})")).collect();
    Err(format!(
        "the built-in ones were sent instead of {}; mend them with `templates save`, or go back with `templates rollback`",
        each.join(", ")
    ))
}

/// Every open onboarding must have somebody to tell.
async fn recipients(app: &App) -> Result<String, String> {
    let found = async {
        let mut conn = app.db.read().await?;
        hints::unroutable(&mut conn, None).await
    };
    match found.await {
        Err(_) => Ok(NOT_CHECKED.to_owned()),
        Ok(found) if found.is_empty() => {
            Ok("every open onboarding has somebody to tell".to_owned())
        }
        Ok(found) => Err(format!(
            "{} without an active CSM and without an active workspace owner, so nobody is told; `pivotal-reminders unroutable` lists them",
            if found.len() == 1 {
                "1 onboarding is".to_owned()
            } else {
                format!("{} onboardings are", found.len())
            }
        )),
    }
}

async fn migrations(app: &App) -> Result<String, String> {
    match app.db.schema_state().await {
        Ok(SchemaState::Current) => Ok("up to date".to_owned()),
        Ok(SchemaState::Behind(_)) => {
            Err("the schema is older than this binary; run `pivotal-reminders migrate`".to_owned())
        }
        Ok(SchemaState::Ahead(_)) => Err(
            "the schema is newer than this binary; use the binary that migrated it, or a newer one"
                .to_owned(),
        ),
        Err(error) => Err(format!("cannot be read: {error}")),
    }
}

/// A channel that is left out on purpose is worth a word, not an alarm.
fn optional(result: Result<String, String>, configured: bool) -> Result<String, String> {
    match result {
        Err(note) if !configured => Ok(format!("not used: {note}")),
        other => other,
    }
}

fn report(findings: &[Finding], out: Out) -> anyhow::Result<()> {
    let rows = findings
        .iter()
        .map(|f| match &f.result {
            Ok(note) => vec![f.what.to_owned(), "ok".to_owned(), note.clone()],
            Err(fault) => vec![f.what.to_owned(), "FAULT".to_owned(), fault.clone()],
        })
        .collect();
    let json = findings
        .iter()
        .map(|f| match &f.result {
            Ok(note) => json!({ "check": f.what, "ok": true, "detail": note }),
            Err(fault) => json!({ "check": f.what, "ok": false, "detail": fault }),
        })
        .collect();
    out.table(&["check", "", "detail"], rows, &json);
    let faults = findings.iter().filter(|f| f.result.is_err()).count();
    match faults {
        0 => Ok(()),
        1 => bail!("1 check failed"),
        n => bail!("{n} checks failed"),
    }
}
