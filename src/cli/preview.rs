//! `preview`: what messages look like, on samples and on real data, and a test copy to whoever asks.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::Args;
use serde_json::json;

use super::out::{Out, line};
use super::typed::{self, Usage};
use super::{App, AsOf, admin, foresee};
use crate::clock::Clock;
use crate::domain::ids::Ref;
use crate::domain::message::Message;
use crate::domain::values::{Channel, Kind, Locale};
use crate::operate::objects::MessagePreview;
use crate::operate::preview::{self, Desk, Preview, TestCopy};

/// Arguments of `preview`.
#[derive(Debug, Args)]
pub(super) struct PreviewArgs {
    /// `digest`, `stalled_phase`, `waiting_on_customer` or `customer_reminder`.
    #[arg(required_unless_present = "all", value_parser = kind)]
    kind: Option<Kind>,
    /// Every kind, channel and case, into the folder of --out.
    #[arg(long, requires = "out", conflicts_with_all = ["kind", "workspace", "to"])]
    all: bool,
    /// Folder for the files: .html, .txt, .json.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Handle or id of the workspace; without it the message is a sample.
    #[arg(long)]
    workspace: Option<String>,
    /// Of a nudge or customer reminder: the onboarding (id or number).
    #[arg(long, requires = "workspace", value_parser = typed::reference)]
    onboarding: Option<Ref>,
    /// Of a digest: the user (id or number) whose next one it is.
    #[arg(long, requires = "workspace", conflicts_with = "onboarding", value_parser = typed::reference)]
    user: Option<Ref>,
    /// email or slack.
    #[arg(long, default_value = "email", value_parser = channel)]
    channel: Channel,
    /// Of a sample: en or de; every language if not given. A message of real data is in its workspace's.
    #[arg(long, conflicts_with = "workspace", value_parser = typed::word::<Locale>)]
    locale: Option<Locale>,
    /// Show the HTML part instead of the text part.
    #[arg(long)]
    html: bool,
    /// Send a test copy to this address.
    #[arg(long, value_name = "ADDRESS", value_parser = typed::email)]
    to: Option<String>,
    #[command(flatten)]
    pub(super) as_of: AsOf,
}

fn kind(text: &str) -> Result<Kind, String> {
    text.parse().map_err(|_| {
        "choose digest, stalled_phase, waiting_on_customer or customer_reminder".to_owned()
    })
}

fn channel(text: &str) -> Result<Channel, String> {
    text.parse().map_err(|_| "choose email or slack".to_owned())
}

pub(super) async fn preview(
    config: super::Config,
    args: &PreviewArgs,
    out: Out,
) -> anyhow::Result<()> {
    let previews = match (&args.workspace, args.kind) {
        (Some(workspace), Some(kind)) => {
            let app = super::ready(config.clone(), args.as_of.clock()).await?;
            vec![real(&app, workspace, kind, args).await?]
        }
        _ => preview::of_samples(
            &preview::renderer().context("a template is broken")?,
            args.kind,
            args.locale,
        )?,
    };
    if let Some(folder) = &args.out {
        write(folder, &previews)?;
        let names: Vec<&str> = previews.iter().map(|preview| preview.name.as_str()).collect();
        out.done(
            &format!("{} messages written to {}", previews.len(), folder.display()),
            &json!({ "previews": names }),
        );
    }
    // One is enough to look at; --out writes them all.
    let wanted = previews.into_iter().find(|preview| match &preview.message {
        Message::Email(_) => args.channel == Channel::Email,
        Message::Slack(_) => args.channel == Channel::Slack,
    });
    let Some(Preview { message, .. }) = wanted else {
        bail!("there is no such message by {}", args.channel)
    };
    if let Some(address) = &args.to {
        let app = super::ready(config, Clock::System).await?;
        return send(&app, address, message, out).await;
    }
    if args.out.is_none() {
        show(args.kind, &message, args.html, out);
    }
    Ok(())
}

async fn real(
    app: &App,
    workspace: &str,
    kind: Kind,
    args: &PreviewArgs,
) -> anyhow::Result<Preview> {
    let renderer = preview::renderer()?;
    let studio = app.studio().await?;
    let mut conn = app.db.read().await?;
    let workspace = admin::workspace(&mut conn, workspace).await?;
    let desk = Desk {
        renderer: &renderer,
        studio: &studio,
        channels: app.ways()?.channels,
        at: app.clock.now(),
    };
    match (kind, &args.onboarding, &args.user) {
        (Kind::Digest, None, Some(user)) => {
            let user = foresee::user(&mut conn, &workspace.id, user).await?;
            Ok(desk.digest(&mut conn, &workspace.id, &user).await?)
        }
        (Kind::Digest, ..) => {
            Err(Usage("a digest is somebody's: name them with --user".to_owned()).into())
        }
        (_, Some(onboarding), _) => {
            let found = foresee::find(&mut conn, &workspace.id, onboarding).await?;
            Ok(desk.nudge(&mut conn, &workspace.id, &found.id, kind, args.channel).await?)
        }
        _ => {
            Err(Usage(format!("a {kind} is about an onboarding: name it with --onboarding")).into())
        }
    }
}

fn show(kind: Option<Kind>, message: &Message, html: bool, out: Out) {
    if out.json {
        return line(json!(kind.map(|kind| MessagePreview::new(kind, message))));
    }
    match message {
        Message::Email(email) if html => line(&email.html),
        Message::Email(email) => {
            line(format!(
                "From: {}\nSubject: {}\n\n{}",
                email.from_name, email.subject, email.text
            ));
        }
        Message::Slack(post) => {
            line(format!("{:#}", json!({ "text": post.text, "blocks": post.blocks })));
        }
    }
}

fn write(folder: &Path, previews: &[Preview]) -> anyhow::Result<()> {
    let cannot = || format!("cannot write to {}", folder.display());
    std::fs::create_dir_all(folder).with_context(cannot)?;
    for Preview { name, message } in previews {
        let files = match message {
            Message::Email(email) => vec![
                ("html", email.html.clone()),
                ("txt", format!("Subject: {}\n\n{}", email.subject, email.text)),
            ],
            Message::Slack(post) => {
                vec![("json", format!("{:#}", json!({ "text": post.text, "blocks": post.blocks })))]
            }
        };
        for (ending, content) in files {
            std::fs::write(folder.join(format!("{name}.{ending}")), content)
                .with_context(cannot)?;
        }
    }
    Ok(())
}

async fn send(app: &App, address: &str, message: Message, out: Out) -> anyhow::Result<()> {
    let Message::Email(email) = message else {
        return Err(Usage("--to takes a mail address; leave out --channel slack".to_owned()).into());
    };
    match app.tester().send(address, email).await {
        TestCopy::Sent => {
            out.done(&format!("sent to {address}"), &json!({ "sent": true }));
            Ok(())
        }
        TestCopy::Captured => bail!(
            "nothing was sent: neither SMTP_URL nor SLACK_BOT_TOKEN is set, so messages are captured"
        ),
        TestCopy::NotSent(reply) => bail!("the test was not sent: {reply}"),
    }
}
