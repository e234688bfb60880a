//! Operators on the command line: who may sign in at the console.

use std::io::{BufRead, IsTerminal};

use anyhow::{Context, bail, ensure};
use clap::{Args, Subcommand};
use serde_json::json;

use super::App;
use super::author::author;
use super::out::Out;
use super::typed::{self, word};
use crate::domain::values::OperatorRole;
use crate::operate::notifications::Because;
use crate::operate::operators::{self, NewAccount, Password};
use crate::store::audit::Author;

#[derive(Debug, Subcommand)]
pub(super) enum Operators {
    /// Let somebody sign in at /admin; asks for the password, or reads it from standard input. Prints the id alone on the last line.
    Create {
        #[command(flatten)]
        whose: Whose,
        /// As the audit log names them; the address if not given.
        #[arg(long, value_parser = typed::name)]
        name: Option<String>,
        /// viewer: looks; operator: acts on messages; admin: changes settings and keys, too.
        #[arg(long, default_value = "operator", value_parser = word::<OperatorRole>)]
        role: OperatorRole,
    },
    /// List operators.
    List,
    /// Let somebody do more or less, from their next request on.
    Role {
        #[command(flatten)]
        whose: Whose,
        /// viewer, operator or admin.
        #[arg(long, value_parser = word::<OperatorRole>)]
        role: OperatorRole,
    },
    /// Shut somebody out at once, wherever they are signed in.
    Disable {
        #[command(flatten)]
        whose: Whose,
    },
    /// Let somebody in again.
    Enable {
        #[command(flatten)]
        whose: Whose,
    },
    /// Set another password; asks for it, or reads it from standard input. Ends their sessions.
    Password {
        #[command(flatten)]
        whose: Whose,
    },
}

/// Which operator, and why.
#[derive(Debug, Args)]
pub(super) struct Whose {
    /// Their mail address.
    #[arg(long, value_parser = typed::account)]
    email: String,
    /// Why; kept in the audit log.
    #[arg(long, value_parser = typed::reason)]
    reason: Option<String>,
}

pub(super) async fn operators(app: &App, verb: Operators, out: Out) -> anyhow::Result<()> {
    let (author, now) = (author(), app.clock.now());
    match verb {
        Operators::Create { whose, name, role } => {
            let password = ask()?;
            let mut tx = app.db.begin().await?;
            let new = NewAccount { email: &whose.email, name: name.as_deref(), role };
            let because = whose.because(&author);
            let made = operators::create(&mut tx, because, &new, &password, now).await?;
            tx.commit().await?;
            let sentence = format!(
                "operator {} ({role}) made; they sign in at {}/admin",
                made.email,
                app.config.public_url()
            );
            out.made(&sentence, &made.id, &json!(made));
        }
        Operators::List => {
            let all = operators::list(&mut app.db.read().await?).await?;
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
            out.table(&["e-mail", "name", "role", ""], rows, &json!(all));
        }
        Operators::Role { whose, role } => {
            let mut tx = app.db.begin().await?;
            let because = whose.because(&author);
            let changed = operators::set_role(&mut tx, because, &whose.email, role, now).await?;
            tx.commit().await?;
            out.done(&format!("{} is {role} now", changed.email), &json!(changed));
        }
        Operators::Disable { whose } => {
            let mut tx = app.db.begin().await?;
            let because = whose.because(&author);
            let changed =
                operators::set_enabled(&mut tx, because, &whose.email, false, now).await?;
            tx.commit().await?;
            out.done(&format!("{} is shut out", changed.email), &json!(changed));
        }
        Operators::Enable { whose } => {
            let mut tx = app.db.begin().await?;
            let because = whose.because(&author);
            let changed = operators::set_enabled(&mut tx, because, &whose.email, true, now).await?;
            tx.commit().await?;
            out.done(&format!("{} may sign in", changed.email), &json!(changed));
        }
        Operators::Password { whose } => {
            let password = ask()?;
            let mut tx = app.db.begin().await?;
            let because = whose.because(&author);
            operators::set_password(&mut tx, because, &whose.email, &password, now).await?;
            tx.commit().await?;
            out.done(
                &format!("{} has another password; every session of theirs is over", whose.email),
                &json!({ "email": whose.email }),
            );
        }
    }
    Ok(())
}

impl Whose {
    fn because<'a>(&'a self, author: &'a Author) -> Because<'a> {
        Because { author, reason: self.reason.as_deref().unwrap_or_default() }
    }
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
