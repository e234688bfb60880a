//! Operators on the command line: who may sign in at the console.

use std::io::{BufRead, IsTerminal};

use anyhow::{Context, bail, ensure};
use clap::Subcommand;
use serde_json::json;

use super::App;
use super::author::author;
use super::out::Out;
use super::typed::{self, word};
use crate::domain::values::OperatorRole;
use crate::operate::operators::{self, Password};

#[derive(Debug, Subcommand)]
pub(super) enum Operators {
    /// Let somebody sign in at /admin; asks for the password, or reads it from standard input. Prints the id alone on the last line.
    Create {
        /// Mail address, with which they sign in.
        #[arg(long, value_parser = typed::account)]
        email: String,
        /// As the audit log names them; the address if not given.
        #[arg(long, value_parser = typed::name)]
        name: Option<String>,
        /// viewer: looks; operator: acts on messages; admin: changes settings and keys, too.
        #[arg(long, default_value = "operator", value_parser = word::<OperatorRole>)]
        role: OperatorRole,
    },
    /// List operators.
    List,
    /// Shut somebody out at once, wherever they are signed in.
    Disable {
        /// Their mail address.
        #[arg(long, value_parser = typed::account)]
        email: String,
    },
    /// Let somebody in again.
    Enable {
        /// Their mail address.
        #[arg(long, value_parser = typed::account)]
        email: String,
    },
    /// Set another password; asks for it, or reads it from standard input. Ends their sessions.
    Password {
        /// Their mail address.
        #[arg(long, value_parser = typed::account)]
        email: String,
    },
}

pub(super) async fn operators(app: &App, verb: Operators, out: Out) -> anyhow::Result<()> {
    let (author, now) = (author(), app.clock.now());
    match verb {
        Operators::Create { email, name, role } => {
            let password = ask()?;
            let mut tx = app.db.begin().await?;
            let name = name.as_deref();
            let made =
                operators::create(&mut tx, &author, &email, name, role, &password, now).await?;
            tx.commit().await?;
            let sentence = format!(
                "operator {} ({role}) made; they sign in at {}/admin",
                made.email,
                app.config.public_url()
            );
            out.made(&sentence, &made.id, &serde_json::to_value(&made)?);
        }
        Operators::List => {
            let mut conn = app.db.read().await?;
            let all = operators::list(&mut conn).await?;
            let rows = all
                .iter()
                .map(|operator| {
                    let state = if operator.disabled_at.is_some() { "disabled" } else { "" };
                    vec![
                        operator.email.clone(),
                        operator.name.clone(),
                        operator.role.to_string(),
                        state.to_owned(),
                    ]
                })
                .collect();
            out.table(&["e-mail", "name", "role", ""], rows, &serde_json::to_value(&all)?);
        }
        Operators::Disable { email } => {
            let mut tx = app.db.begin().await?;
            operators::set_enabled(&mut tx, &author, &email, false, now).await?;
            tx.commit().await?;
            out.done(&format!("{email} is shut out"), &json!({ "email": email, "enabled": false }));
        }
        Operators::Enable { email } => {
            let mut tx = app.db.begin().await?;
            operators::set_enabled(&mut tx, &author, &email, true, now).await?;
            tx.commit().await?;
            out.done(&format!("{email} may sign in"), &json!({ "email": email, "enabled": true }));
        }
        Operators::Password { email } => {
            let password = ask()?;
            let mut tx = app.db.begin().await?;
            operators::set_password(&mut tx, &author, &email, &password, now).await?;
            tx.commit().await?;
            out.done(
                &format!("{email} has another password; every session of theirs is over"),
                &json!({ "email": email }),
            );
        }
    }
    Ok(())
}

/// A password: asked for twice at a terminal, else the first line of standard input.
fn ask() -> anyhow::Result<Password> {
    let stdin = std::io::stdin();
    let text = if stdin.is_terminal() {
        let text = rpassword::prompt_password("Password: ").context("no password was given")?;
        let again = rpassword::prompt_password("Again: ").context("no password was given")?;
        ensure!(text == again, "the two passwords differ; nothing was done");
        text
    } else {
        let mut line = String::new();
        stdin.lock().read_line(&mut line).context("the password cannot be read")?;
        line.trim_end_matches(['\r', '\n']).to_owned()
    };
    match Password::new(&text) {
        Ok(password) => Ok(password),
        Err(fault) => {
            bail!("{fault}; give it at the prompt, or as the first line of standard input")
        }
    }
}
