//! What messages look like: on the samples, and on an onboarding or a person of the workspace; as HTML, text and Slack blocks, in light
//! and dark, on a phone and on a desk. A test copy goes to the operator's own address and to nobody else.

use axum::Router;
use axum::extract::{RawQuery, State};
use axum::response::Response;
use axum::routing::{get, post};
use serde::Serialize;

use super::acting::Acting;
use super::error::PageError;
use super::form::{Form, query};
use super::lists::{self, Choice, choices};
use super::site::Site;
use super::visitor::Visitor;
use super::{blocks, frame, words};
use crate::db::Conn;
use crate::domain::ids::Ref;
use crate::domain::message::Message;
use crate::domain::values::{Channel, Kind, OperatorRole};
use crate::operate::preview::{self, Desk, Preview, PreviewError, TestCopy};
use crate::render::{RenderError, english};
use crate::store::onboardings;

pub(super) fn router() -> Router<Site> {
    Router::new()
        .route("/admin/w/{workspace}/messages", get(show))
        .route("/admin/w/{workspace}/messages/html", get(html))
        .route("/admin/w/{workspace}/messages/test", post(test))
}

/// How dark mode is asked for in a mail; a preview answers in the reader's place.
const DARK: &str = "@media (prefers-color-scheme:dark)";

#[derive(Serialize)]
struct Page {
    here: String,
    samples: Vec<Choice>,
    kinds: Vec<Choice>,
    channels: Vec<Choice>,
    about: String,
    /// What the message is, or why there is none.
    shown: Option<Shown>,
    nothing: Option<String>,
    themes: Vec<Way>,
    widths: Vec<Way>,
    on_phone: bool,
    operator_email: String,
}

#[derive(Serialize)]
struct Shown {
    title: String,
    from: Option<String>,
    subject: Option<String>,
    text: String,
    html: Option<String>,
    blocks: Option<String>,
    /// The parts of the address that choose it, for the form that sends a test.
    chosen: Vec<(&'static str, String)>,
}

/// Another way to look at it.
#[derive(Serialize)]
struct Way {
    words: &'static str,
    url: String,
    current: bool,
}

/// Which message an address asks for.
struct Asked<'a> {
    form: &'a Form,
    kind: Kind,
    channel: Channel,
}

impl<'a> Asked<'a> {
    fn read(form: &'a Form) -> Self {
        Self {
            form,
            kind: lists::choice(form.one("kind")).unwrap_or(Kind::Digest),
            channel: lists::choice(form.one("channel")).unwrap_or(Channel::Email),
        }
    }

    fn one(&self, name: &str) -> &'a str {
        self.form.one(name).unwrap_or_default()
    }

    /// What chooses the message, without how it is looked at.
    fn chosen(&self) -> Vec<(&'static str, String)> {
        ["sample", "kind", "channel", "about"]
            .into_iter()
            .map(|name| (name, self.one(name).to_owned()))
            .filter(|(_, value)| !value.is_empty())
            .collect()
    }

    /// The address of the same message, looked at otherwise.
    fn with(&self, page: &str, name: &'static str, value: &'static str) -> String {
        let mut pairs = self.chosen();
        for kept in ["theme", "width"] {
            let value = if kept == name { value } else { self.one(kept) };
            pairs.push((kept, value.to_owned()));
        }
        page.to_owned() + &query(pairs.iter().map(|(name, value)| (*name, value.as_str())))
    }
}

/// The message that is asked for, or why there is none.
async fn find(
    site: &Site,
    visitor: &Visitor,
    asked: &Asked<'_>,
) -> Result<Result<Preview, String>, PageError> {
    let renderer = preview::renderer().map_err(broken)?;
    let about = asked.one("about").trim_start_matches('#');
    if about.is_empty() {
        let all = preview::of_samples(&renderer, None, None).map_err(broken)?;
        let wanted = asked.form.one("sample");
        let found = all.into_iter().find(|one| wanted.is_none_or(|name| one.name == name));
        return Ok(found.ok_or_else(|| "There is no such sample.".to_owned()));
    }
    let desk = Desk {
        renderer: &renderer,
        studio: &site.studio,
        channels: site.channels,
        at: visitor.now,
    };
    let mut conn = site.db.read().await?;
    let found = real(&mut conn, visitor, &desk, asked, about).await;
    match found {
        Ok(found) => Ok(Ok(found)),
        Err(PreviewError::Nothing(why)) => Ok(Err(words::sentence(&why))),
        Err(PreviewError::Render(error)) => Err(broken(error)),
        Err(PreviewError::Database(error)) => Err(error.into()),
    }
}

async fn real(
    conn: &mut Conn,
    visitor: &Visitor,
    desk: &Desk<'_>,
    asked: &Asked<'_>,
    about: &str,
) -> Result<Preview, PreviewError> {
    let workspace = &visitor.workspace.id;
    let nothing = |what: &str| PreviewError::Nothing(format!("there is no {what} {about}"));
    if asked.kind == Kind::Digest {
        let user = lists::user_id(conn, workspace, about).await?;
        let user = user.ok_or_else(|| nothing("user"))?;
        return desk.digest(conn, workspace, &user).await;
    }
    let reference = Ref::parse(about).ok_or_else(|| nothing("onboarding"))?;
    let found = onboardings::find(conn, workspace, &reference).await?;
    let found = found.filter(|row| row.deleted_at.is_none());
    let found = found.ok_or_else(|| nothing("onboarding"))?;
    desk.nudge(conn, workspace, &found.id, asked.kind, asked.channel).await
}

#[expect(clippy::needless_pass_by_value, reason = "the shape that `map_err` wants")]
fn broken(error: RenderError) -> PageError {
    tracing::error!(%error, "a message cannot be previewed");
    PageError::Unclear(format!("a template is broken: {error}"))
}

/// `GET /admin/w/{workspace}/messages`
async fn show(
    State(site): State<Site>,
    RawQuery(query): RawQuery,
    visitor: Visitor,
) -> Result<Response, PageError> {
    let form = Form::read(query.unwrap_or_default().as_bytes());
    let asked = Asked::read(&form);
    let here = visitor.url("messages");
    let renderer = preview::renderer().map_err(broken)?;
    let names: Vec<String> = preview::of_samples(&renderer, None, None)
        .map_err(broken)?
        .into_iter()
        .map(|sample| sample.name)
        .collect();
    let found = find(&site, &visitor, &asked).await?;
    let (shown, nothing) = match found {
        Ok(found) => (Some(shown(&asked, &here, found)), None),
        Err(why) => (None, Some(why)),
    };
    let themes = [("As the system", ""), ("Light", "light"), ("Dark", "dark")];
    let widths = [("Desk", ""), ("Phone", "phone")];
    let ways = |name: &'static str, all: &[(&'static str, &'static str)]| {
        all.iter()
            .map(|(words, value)| Way {
                words,
                url: asked.with(&here, name, value),
                current: asked.one(name) == *value,
            })
            .collect()
    };
    let view = Page {
        samples: choices(
            "The first sample",
            names.iter().map(|name| (name.as_str(), english::capital(&name.replace('-', ", ")))),
            form.one("sample"),
        ),
        kinds: Kind::ALL
            .iter()
            .map(|kind| Choice::new(kind.as_str(), words::kind(*kind), *kind == asked.kind))
            .collect(),
        channels: Channel::ALL
            .iter()
            .map(|one| Choice::new(one.as_str(), words::channel(*one), *one == asked.channel))
            .collect(),
        about: asked.one("about").to_owned(),
        shown,
        nothing,
        themes: ways("theme", &themes),
        widths: ways("width", &widths),
        on_phone: asked.one("width") == "phone",
        operator_email: visitor.operator.email.clone(),
        here,
    };
    visitor.page(&site, "messages", "messages", "Messages", &view)
}

fn shown(asked: &Asked<'_>, here: &str, found: Preview) -> Shown {
    let title = english::capital(&found.name.replace('-', ", "));
    let chosen = asked.chosen();
    match found.message {
        Message::Email(email) => Shown {
            title,
            from: Some(email.from_name),
            subject: Some(email.subject),
            text: email.text,
            html: Some(asked.with(&format!("{here}/html"), "", "")),
            blocks: None,
            chosen,
        },
        Message::Slack(post) => Shown {
            title,
            from: None,
            subject: None,
            text: post.text,
            html: None,
            blocks: Some(blocks::html(&post.blocks)),
            chosen,
        },
    }
}

/// `GET /admin/w/{workspace}/messages/html`: the mail alone, for a frame.
async fn html(
    State(site): State<Site>,
    RawQuery(query): RawQuery,
    visitor: Visitor,
) -> Result<Response, PageError> {
    let form = Form::read(query.unwrap_or_default().as_bytes());
    let asked = Asked::read(&form);
    match find(&site, &visitor, &asked).await? {
        Ok(Preview { message: Message::Email(email), .. }) => {
            Ok(frame::message(themed(&email.html, asked.one("theme"))))
        }
        _ => Err(PageError::NotFound("mail")),
    }
}

/// The mail as a reader sees it who prefers this theme.
fn themed(html: &str, theme: &str) -> String {
    match theme {
        "dark" => html.replace(DARK, "@media all"),
        "light" => html.replace(DARK, "@media not all"),
        _ => html.to_owned(),
    }
}

/// `POST /admin/w/{workspace}/messages/test`: a test copy to whoever asks.
async fn test(State(site): State<Site>, acting: Acting) -> Result<Response, PageError> {
    acting.require(OperatorRole::Operator)?;
    let visitor = &acting.visitor;
    let asked = Asked::read(&acting.form);
    let back = asked.with(&visitor.url("messages"), "", "");
    let Some(tx) = acting.begin().await? else { return Ok(acting.twice(&back)) };
    let to = visitor.operator.email.as_str();
    // Nobody waits for a relay inside a transaction.
    tx.commit().await?;
    let sent = match find(&site, visitor, &asked).await? {
        Ok(Preview { message: Message::Email(email), .. }) => {
            match site.tester.send(to, email).await {
                TestCopy::Sent => Ok(format!("A test copy is on its way to {to}.")),
                TestCopy::Captured => Err(
                    "No test was sent: messages are only captured here, as no relay is configured."
                        .to_owned(),
                ),
                TestCopy::NotSent(reply) => Err(format!("The test was not sent: {reply}")),
            }
        }
        Ok(_) => Err("A test copy is a mail; choose the channel e-mail.".to_owned()),
        Err(why) => Err(why),
    };
    Ok(match sent {
        Ok(done) => acting.back(&back, true, &done),
        Err(why) => acting.back(&back, false, &why),
    })
}
