//! Facts to messages: what the design kit shows, for e-mail and Slack.
//!
//! `words`, `line`, `summary`, `nudge` and `subject` say things, once for all channels; `email`, `customer` and `slack` lay them out.
//! Mails are templates (`templates/email/<kind>/`), compiled into the program and into memory once; Slack's blocks are values.
//! Everything shown is safe by construction: names pass `words::name`, HTML is escaped by the template engine, mrkdwn by
//! `slack::escape`, JSON by its serialiser, and a value that would show as blank or `None` is an error, which
//! [`Renderer::new`] finds at start by rendering [`samples`].

pub mod alert;
mod customer;
mod email;
mod line;
mod meanwhile;
mod nudge;
pub mod pages;
pub mod samples;
pub mod settled;
mod slack;
mod subject;
mod summary;
mod text;
mod words;

use std::fmt;

use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Serde, Value};
use minijinja::{
    AutoEscape, Environment, Error, ErrorKind, Output, State, UndefinedBehavior, escape_formatter,
};
use serde::Serialize;

use crate::domain::digest::{Digest, Nudge};
use crate::domain::facts::Workspace;
use crate::domain::link::{Link, LinkKey, Purpose};
use crate::domain::message::{Email, Message, SlackPost};
use crate::domain::values::{Channel, Kind};

/// Why a message cannot be rendered: always a mistake in a template or a call, never in the data.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    /// A template does not compile, names an unknown value, or would show a blank one.
    #[error("template {template} is broken")]
    Template {
        /// Its name.
        template: String,
        /// What the engine says.
        #[source]
        source: Error,
    },
    /// The wrong method for this kind.
    #[error("{0} is not rendered by this method")]
    Kind(Kind),
}

/// Addresses that messages point to. What has no address is left out, not dead.
#[derive(Clone, Debug, Default)]
pub struct Links {
    /// Page of an onboarding elsewhere, with `{display_id}` for its number; without it messages point to our own.
    pub onboarding_url: Option<String>,
    /// Our own pages, which need no login.
    pub own: Option<OwnPages>,
    /// Whether a click on a Slack button reaches us; else Slack's buttons are links too.
    pub slack_buttons: bool,
}

/// Where our own pages are, and the key that signs the links to them.
#[derive(Clone, Debug)]
pub struct OwnPages {
    /// Base of the service, without a slash at its end.
    pub base: String,
    /// Signs the links.
    pub key: LinkKey,
}

impl OwnPages {
    /// Address of the page that a token opens.
    #[must_use]
    pub fn url(&self, link: &Link) -> String {
        format!("{}/l/{}", self.base, self.key.token(link))
    }
}

impl Links {
    /// The links of one message.
    fn of(&self, notification_id: &str) -> MessageLinks<'_> {
        MessageLinks { links: self, itself: Link::of(notification_id, Purpose::Message, None) }
    }
}

/// The links of one message: each for its reader and for one purpose.
#[derive(Clone, Copy)]
struct MessageLinks<'a> {
    links: &'a Links,
    /// The link that explains the message, from which the others are made; `None` for what is no notification.
    itself: Option<Link>,
}

impl MessageLinks<'_> {
    fn own(&self, purpose: Purpose, onboarding: Option<i64>) -> Option<String> {
        let own = self.links.own.as_ref()?;
        Some(own.url(&self.itself?.to(purpose, onboarding)))
    }

    /// Whether a click on a Slack button reaches us.
    const fn clicks(&self) -> bool {
        self.links.slack_buttons
    }

    /// Page of an onboarding: the workspace's own, else ours.
    fn onboarding(&self, display_id: i64) -> Option<String> {
        match &self.links.onboarding_url {
            Some(url) => Some(url.replace("{display_id}", &display_id.to_string())),
            None => self.acts(display_id),
        }
    }

    /// Page with everything that can be done about an onboarding.
    fn acts(&self, display_id: i64) -> Option<String> {
        self.own(Purpose::Onboarding, Some(display_id))
    }

    /// Page that snoozes an onboarding after one more click.
    fn snooze(&self, display_id: i64) -> Option<String> {
        self.own(Purpose::Snooze, Some(display_id))
    }

    /// Page that ends the wait for a customer after one more click.
    fn replied(&self, display_id: i64) -> Option<String> {
        self.own(Purpose::Replied, Some(display_id))
    }

    /// Page that says why the reader hears of an onboarding.
    fn why(&self, display_id: i64) -> Option<String> {
        self.own(Purpose::Why, Some(display_id))
    }

    /// Page of all the reader's onboardings.
    fn mine(&self) -> Option<String> {
        self.own(Purpose::Mine, None)
    }

    /// Page of those that are snoozed or paused.
    fn quiet(&self) -> Option<String> {
        self.own(Purpose::Quiet, None)
    }

    /// Page on which the reader chooses time and days.
    fn rhythm(&self) -> Option<String> {
        self.own(Purpose::Rhythm, None)
    }

    /// Page on which the reader switches kinds of messages off.
    fn mute(&self) -> Option<String> {
        self.own(Purpose::Mute, None)
    }

    /// Page that explains this very message.
    fn explain(&self) -> Option<String> {
        self.own(Purpose::Message, None)
    }

    /// Page that stops messages like this one after one more click; also the one-click address of RFC 8058.
    fn unsubscribe(&self) -> Option<String> {
        self.own(Purpose::Unsubscribe, None)
    }
}

/// What a workspace chose about its messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Brand {
    /// Sender's name of mails to staff, if not made from the workspace's.
    pub mail_name: Option<String>,
    /// Where answers of staff go, if not to the sender.
    pub reply_to: Option<String>,
    /// Postal address at the foot of mails.
    pub footer_address: Option<String>,
    /// Whether customers are named where a lock screen shows it: subject, preheader, Slack's notification text.
    pub names_in_subjects: bool,
}

impl Default for Brand {
    fn default() -> Self {
        Self { mail_name: None, reply_to: None, footer_address: None, names_in_subjects: true }
    }
}

impl Brand {
    /// What a workspace chose; `footer_address` is the installation's.
    #[must_use]
    pub fn of(workspace: &Workspace, footer_address: Option<&str>) -> Self {
        let own = workspace.footer_address.as_deref();
        Self {
            mail_name: workspace.mail_name.clone(),
            reply_to: workspace.reply_to.clone(),
            footer_address: own.or(footer_address).map(str::to_owned),
            names_in_subjects: workspace.names_in_subjects,
        }
    }
}

/// Template files, by the name other templates know them by.
macro_rules! templates {
    ($($name:literal),+ $(,)?) => {
        [$(($name, include_str!(concat!("../../templates/", $name, ".j2")))),+]
    };
}

const TEMPLATES: [(&str, &str); 19] = templates![
    "email/shell.html",
    "email/staff.html",
    "email/row.html",
    "email/button.html",
    "email/nudge.html",
    "email/nudge.txt",
    "email/foot.txt",
    "email/digest/subject.txt",
    "email/digest/body.txt",
    "email/digest/body.html",
    "email/stalled_phase/subject.txt",
    "email/stalled_phase/body.txt",
    "email/stalled_phase/body.html",
    "email/waiting_on_customer/subject.txt",
    "email/waiting_on_customer/body.txt",
    "email/waiting_on_customer/body.html",
    "email/customer_reminder/subject.txt",
    "email/customer_reminder/body.txt",
    "email/customer_reminder/body.html",
];

/// Keeps the client's preview from going on into the mail; ten lines of it, as a line of mail may have 998 octets.
const FILLER: &str = "&#847;&zwnj;&nbsp;&#847;&zwnj;&nbsp;&#847;&zwnj;&nbsp;&#847;&zwnj;&nbsp;&#847;&zwnj;&nbsp;&#847;&zwnj;&nbsp;\n";

/// The one font of our mails: the reader's own.
const FONT: &str = "font-family:-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif;";

/// Turns what is to be said into messages. Compiled once, shared by all workers.
pub struct Renderer {
    templates: Environment<'static>,
}

impl Renderer {
    /// Compiles the templates and renders every sample with and without links.
    ///
    /// # Errors
    /// A template is broken.
    pub fn new() -> Result<Self, RenderError> {
        let mut templates = Environment::new();
        let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build();
        let syntax = syntax.map_err(|source| broken("(syntax)", source))?;
        templates.set_syntax(syntax);
        templates.set_undefined_behavior(UndefinedBehavior::Strict);
        templates.set_auto_escape_callback(|name| match name.rsplit_once('.') {
            Some((_, "html")) => AutoEscape::Html,
            _ => AutoEscape::None,
        });
        templates.set_formatter(no_blanks);
        templates.add_global("font", Value::from_safe_string(FONT.to_owned()));
        templates.add_global("filler", Value::from_safe_string(FILLER.repeat(10)));
        templates.add_global("frame", text::FRAME);
        for (name, source) in TEMPLATES {
            templates.add_template(name, source).map_err(|source| broken(name, source))?;
        }
        let renderer = Self { templates };
        renderer.check()?;
        Ok(renderer)
    }

    /// Renders every sample, so that a broken template is found before a message needs it.
    ///
    /// # Errors
    /// The first that cannot be rendered.
    pub fn check(&self) -> Result<(), RenderError> {
        for links in [samples::links(), Links::default()] {
            for brand in [samples::brand(), Brand { names_in_subjects: false, ..Brand::default() }]
            {
                for digest in samples::digests() {
                    self.digest(&digest, Channel::Email, &links, &brand)?;
                    self.digest(&digest, Channel::Slack, &links, &brand)?;
                }
                for nudge in samples::nudges() {
                    self.nudge(&nudge, Channel::Email, &links, &brand)?;
                    self.nudge(&nudge, Channel::Slack, &links, &brand)?;
                }
                self.customer_reminder(&samples::customer_reminder(), &links, &brand)?;
            }
        }
        Ok(())
    }

    /// One message of each kind and channel, with all that messages have in common.
    ///
    /// # Errors
    /// A template is broken.
    pub fn examples(&self) -> Result<Vec<Message>, RenderError> {
        let (links, brand) = (samples::links(), samples::brand());
        let (stalled, waiting) = (samples::stalled_phase(), samples::waiting_on_customer());
        let digest = samples::digest();
        Ok(vec![
            self.nudge(&stalled, Channel::Slack, &links, &brand)?,
            self.nudge(&waiting, Channel::Slack, &links, &brand)?,
            self.digest(&digest, Channel::Slack, &links, &brand)?,
            self.customer_reminder(&samples::customer_reminder(), &links, &brand)?,
            self.nudge(&stalled, Channel::Email, &links, &brand)?,
            self.nudge(&waiting, Channel::Email, &links, &brand)?,
            self.digest(&digest, Channel::Email, &links, &brand)?,
        ])
    }

    /// The digest for `channel`.
    ///
    /// # Errors
    /// A template is broken.
    pub fn digest(
        &self,
        digest: &Digest,
        channel: Channel,
        links: &Links,
        brand: &Brand,
    ) -> Result<Message, RenderError> {
        match channel {
            Channel::Slack => {
                let links = links.of(&digest.notification_id);
                Ok(Message::Slack(slack::digest(digest, links, brand)))
            }
            Channel::Email => {
                let links = links.of(&digest.notification_id);
                let mail = email::DigestMail::new(digest, links, brand);
                let from_name = email::from_name(&digest.workspace, brand);
                self.email(Kind::Digest, &mail, from_name, brand.reply_to.clone(), links)
            }
        }
    }

    /// A nudge to staff (`stalled_phase`, `waiting_on_customer`) for `channel`.
    ///
    /// # Errors
    /// A template is broken, or it is another kind.
    pub fn nudge(
        &self,
        nudge: &Nudge,
        channel: Channel,
        links: &Links,
        brand: &Brand,
    ) -> Result<Message, RenderError> {
        if !matches!(nudge.kind, Kind::StalledPhase | Kind::WaitingOnCustomer) {
            return Err(RenderError::Kind(nudge.kind));
        }
        let links = links.of(&nudge.notification_id);
        match channel {
            Channel::Slack => Ok(Message::Slack(slack::nudge(nudge, links, brand))),
            Channel::Email => {
                let mail = email::NudgeMail::new(nudge, links, brand);
                let from_name = email::from_name(&nudge.workspace, brand);
                self.email(nudge.kind, &mail, from_name, brand.reply_to.clone(), links)
            }
        }
    }

    /// The mail to a customer's contact. An answer goes to the CSM.
    ///
    /// # Errors
    /// A template is broken, or it is another kind.
    pub fn customer_reminder(
        &self,
        nudge: &Nudge,
        links: &Links,
        brand: &Brand,
    ) -> Result<Message, RenderError> {
        if nudge.kind != Kind::CustomerReminder {
            return Err(RenderError::Kind(nudge.kind));
        }
        let links = links.of(&nudge.notification_id);
        let mail = customer::CustomerMail::new(nudge, links, brand);
        let reply_to = nudge.csm.as_ref().map(|(_, address)| address.clone());
        self.email(nudge.kind, &mail, customer::CustomerMail::from_name(nudge), reply_to, links)
    }

    /// A nudge on Slack whose reason has gone, in its new words.
    #[must_use]
    pub fn settled(&self, settled: &settled::Settled, links: &Links, brand: &Brand) -> SlackPost {
        settled::post(settled, links.of(&settled.notification_id), brand)
    }

    fn email(
        &self,
        kind: Kind,
        context: &impl Serialize,
        from_name: String,
        reply_to: Option<String>,
        links: MessageLinks<'_>,
    ) -> Result<Message, RenderError> {
        let context = Value::from(Serde(context));
        let part = |file: &str| {
            let name = format!("email/{kind}/{file}");
            let template = self.templates.get_template(&name);
            template
                .and_then(|template| template.render(context.clone()))
                .map_err(|source| broken(&name, source))
        };
        Ok(Message::Email(Email {
            from_name,
            subject: part("subject.txt")?,
            text: part("body.txt")?,
            html: part("body.html")?,
            reply_to,
            // RFC 8058 knows one-click addresses by https alone.
            list_unsubscribe: links.unsubscribe().filter(|url| url.starts_with("https://")),
        }))
    }
}

fn broken(template: &str, source: Error) -> RenderError {
    RenderError::Template { template: template.to_owned(), source }
}

/// Refuses to show a value as nothing, or as the word "none"; escapes text for HTML.
fn no_blanks(out: &mut Output, state: &mut State, value: &Value) -> Result<(), Error> {
    let text = value.as_str();
    if value.is_none() || text.is_some_and(|text| text.trim().is_empty()) {
        return Err(Error::new(ErrorKind::InvalidOperation, "a value would be shown as blank"));
    }
    match text {
        Some(text) if matches!(state.auto_escape(), AutoEscape::Html) && !value.is_safe() => {
            escape_html(out, text).map_err(Error::from)
        }
        _ => escape_formatter(out, state, value),
    }
}

/// Escapes text for HTML, as plain ASCII: a mail of it travels as it is, through every relay. Slashes stay, unlike in the engine's own
/// escaping: addresses are to be readable, and 25 lines have a hundred of them.
fn escape_html(out: &mut Output, mut text: &str) -> fmt::Result {
    // By octets: all that is special begins with one of these, or outside ASCII.
    while let Some(at) =
        text.bytes().position(|b| matches!(b, b'&' | b'<' | b'>' | b'"' | b'\'') || !b.is_ascii())
    {
        let (before, special) = text.split_at(at);
        out.write_str(before)?;
        let mut rest = special.chars();
        match rest.next() {
            Some('&') => out.write_str("&amp;")?,
            Some('<') => out.write_str("&lt;")?,
            Some('>') => out.write_str("&gt;")?,
            Some('"') => out.write_str("&quot;")?,
            Some('\'') => out.write_str("&#39;")?,
            Some(words::NBSP) => out.write_str("&nbsp;")?,
            Some(other) => write!(out, "&#{};", u32::from(other))?,
            None => {}
        }
        text = rest.as_str();
    }
    out.write_str(text)
}
