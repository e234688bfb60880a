//! Facts to messages: what the design kit shows, for e-mail and Slack.
//!
//! `line`, `summary`, `nudge` and `subject` say things, once for all channels, in the words of `locale`; `email`, `customer` and `slack`
//! lay them out.
//! Mails are templates (`templates/email/<kind>/`), compiled into the program and into memory once; Slack's blocks are values.
//! Everything shown is safe by construction: names pass `words::name`, HTML is escaped by the template engine, mrkdwn by
//! `slack::escape`, JSON by its serialiser, and a value that would show as blank or `None` is an error, which
//! [`Renderer::new`] finds at start by rendering [`samples`].

pub mod alert;
pub mod custom;
mod customer;
mod email;
pub mod english;
mod line;
mod locale;
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
use std::sync::Arc;

use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Serde, Value};
use minijinja::{
    AutoEscape, Environment, Error, ErrorKind, Output, State, UndefinedBehavior, escape_formatter,
};
use serde::Serialize;

use self::custom::{Custom, Must};
use self::locale::Labels;
use crate::domain::digest::{Digest, Line, Nudge};
use crate::domain::facts::Workspace;
use crate::domain::link::{Link, LinkKey, Purpose};
use crate::domain::message::{Email, Message, SlackPost};
use crate::domain::values::{Channel, Kind, Locale, Part, TemplateName};

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
    /// The language of its messages.
    pub locale: Locale,
    /// Its own templates, in the place of ours.
    pub custom: Option<Arc<Custom>>,
}

impl Default for Brand {
    fn default() -> Self {
        Self {
            mail_name: None,
            reply_to: None,
            footer_address: None,
            names_in_subjects: true,
            locale: Locale::En,
            custom: None,
        }
    }
}

impl Brand {
    /// What a workspace chose; `footer_address` is the installation's, `custom` what it wrote itself.
    #[must_use]
    pub fn of(
        workspace: &Workspace,
        footer_address: Option<&str>,
        custom: Option<Arc<Custom>>,
    ) -> Self {
        let own = workspace.footer_address.as_deref();
        Self {
            mail_name: workspace.mail_name.clone(),
            reply_to: workspace.reply_to.clone(),
            footer_address: own.or(footer_address).map(str::to_owned),
            names_in_subjects: workspace.names_in_subjects,
            locale: workspace.locale,
            custom,
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
    /// One for each language, in the order of [`Locale::ALL`].
    templates: Vec<Environment<'static>>,
}

impl Renderer {
    /// Compiles the templates and renders every sample with and without links.
    ///
    /// # Errors
    /// A template is broken.
    pub fn new() -> Result<Self, RenderError> {
        let templates =
            Locale::ALL.iter().map(|locale| compile(*locale)).collect::<Result<_, _>>()?;
        let renderer = Self { templates };
        renderer.check()?;
        Ok(renderer)
    }

    /// Renders every sample, so that a broken template is found before a message needs it.
    ///
    /// # Errors
    /// The first that cannot be rendered.
    pub fn check(&self) -> Result<(), RenderError> {
        let bare = Brand { names_in_subjects: false, ..Brand::default() };
        for locale in Locale::ALL {
            for (links, brand) in
                [(samples::links(), samples::brand()), (Links::default(), bare.clone())]
            {
                let brand = Brand { locale: *locale, ..brand };
                for kind in Kind::ALL {
                    self.render_samples(*kind, &links, &brand)?;
                }
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

    /// Renders every sample of a kind for every channel.
    ///
    /// # Errors
    /// The first that cannot be rendered.
    pub fn render_samples(
        &self,
        kind: Kind,
        links: &Links,
        brand: &Brand,
    ) -> Result<(), RenderError> {
        for channel in [Channel::Email, Channel::Slack] {
            match kind {
                Kind::Digest => {
                    for digest in samples::digests() {
                        self.digest(&digest, channel, links, brand)?;
                    }
                }
                Kind::StalledPhase | Kind::WaitingOnCustomer => {
                    for nudge in samples::nudges().iter().filter(|nudge| nudge.kind == kind) {
                        self.nudge(nudge, channel, links, brand)?;
                    }
                }
                Kind::CustomerReminder => {
                    self.customer_reminder(&samples::customer_reminder(), links, brand)?;
                }
            }
        }
        Ok(())
    }

    /// The built-in template of a part; `None` where we build it without one.
    #[must_use]
    pub fn built_in(&self, name: TemplateName) -> Option<&'static str> {
        let file = part_file(name.kind, name.part)?;
        TEMPLATES.iter().find(|(name, _)| *name == file).map(|(_, source)| *source)
    }

    /// What templates of a kind may name, with the values of a sample.
    #[must_use]
    pub fn values(&self, kind: Kind, brand: &Brand) -> serde_json::Value {
        let links = samples::links();
        let nudge = match kind {
            Kind::StalledPhase => samples::stalled_phase(),
            Kind::CustomerReminder => samples::customer_reminder(),
            _ => samples::waiting_on_customer(),
        };
        let of = links.of(&nudge.notification_id);
        let values = match kind {
            Kind::Digest => {
                let digest = samples::digest();
                let of = links.of(&digest.notification_id);
                serde_json::to_value(email::DigestMail::new(&digest, of, brand))
            }
            Kind::CustomerReminder => {
                serde_json::to_value(customer::CustomerMail::new(&nudge, of, brand))
            }
            _ => serde_json::to_value(email::NudgeMail::new(&nudge, of, brand)),
        };
        values.unwrap_or_default()
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
        let links = links.of(&digest.notification_id);
        let kind = Kind::Digest;
        let must = || Must::of(brand, digest.lines(), links);
        match channel {
            Channel::Slack => {
                let mut post = slack::digest(digest, links, brand);
                if let Some(own) = brand.own(kind, Part::Slack) {
                    let mail = email::DigestMail::new(digest, links, brand);
                    let said = own.part(kind, Part::Slack, &Value::from(Serde(&mail)), &must());
                    if let Some(said) = said {
                        slack::say(&mut post, None, &said);
                    }
                }
                Ok(Message::Slack(post))
            }
            Channel::Email => {
                let mail = email::DigestMail::new(digest, links, brand);
                let from = From {
                    name: email::from_name(&digest.workspace, brand),
                    reply_to: brand.reply_to.clone(),
                };
                self.email(kind, brand, &mail, from, links, must)
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
        let must = || Must::of(brand, [&nudge.line], links);
        match channel {
            Channel::Slack => {
                let mut post = slack::nudge(nudge, links, brand);
                if let Some(own) = brand.own(nudge.kind, Part::Slack) {
                    let mail = email::NudgeMail::new(nudge, links, brand);
                    let context = Value::from(Serde(&mail));
                    if let Some(said) = own.part(nudge.kind, Part::Slack, &context, &must()) {
                        slack::say(&mut post, Some(nudge.kind), &said);
                    }
                }
                Ok(Message::Slack(post))
            }
            Channel::Email => {
                let mail = email::NudgeMail::new(nudge, links, brand);
                let from = From {
                    name: email::from_name(&nudge.workspace, brand),
                    reply_to: brand.reply_to.clone(),
                };
                self.email(nudge.kind, brand, &mail, from, links, must)
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
        let from = From {
            name: customer::CustomerMail::from_name(nudge, brand),
            reply_to: nudge.csm.as_ref().map(|(_, address)| address.clone()),
        };
        self.email(nudge.kind, brand, &mail, from, links, || Must::of(brand, [&nudge.line], links))
    }

    /// A nudge on Slack whose reason has gone, in its new words.
    #[must_use]
    pub fn settled(&self, settled: &settled::Settled, links: &Links, brand: &Brand) -> SlackPost {
        settled::post(settled, links.of(&settled.notification_id), brand)
    }

    fn email(
        &self,
        kind: Kind,
        brand: &Brand,
        context: &impl Serialize,
        from: From,
        links: MessageLinks<'_>,
        must: impl Fn() -> Must,
    ) -> Result<Message, RenderError> {
        let context = Value::from(Serde(context));
        let own = brand.custom.as_deref().map(|custom| (custom, must()));
        let part = |part: Part| {
            let own = own.as_ref();
            if let Some(said) = own.and_then(|(own, must)| own.part(kind, part, &context, must)) {
                return Ok(said);
            }
            let name = part_file(kind, part).unwrap_or_default();
            let template = self.templates[brand.locale as usize].get_template(&name);
            template
                .and_then(|template| template.render(context.clone()))
                .map_err(|source| broken(&name, source))
        };
        Ok(Message::Email(Email {
            from_name: from.name,
            subject: part(Part::Subject)?,
            text: part(Part::Text)?,
            html: part(Part::Html)?,
            reply_to: from.reply_to,
            // RFC 8058 knows one-click addresses by https alone.
            list_unsubscribe: links.unsubscribe().filter(|url| url.starts_with("https://")),
        }))
    }
}

/// Who a mail comes from.
struct From {
    name: String,
    reply_to: Option<String>,
}

/// Name of the built-in template of a part.
fn part_file(kind: Kind, part: Part) -> Option<String> {
    let file = match part {
        Part::Subject => "subject.txt",
        Part::Text => "body.txt",
        Part::Html => "body.html",
        Part::Slack => return None,
    };
    Some(format!("email/{kind}/{file}"))
}

impl Brand {
    /// The workspace's own templates, if they have this part.
    fn own(&self, kind: Kind, part: Part) -> Option<&Custom> {
        self.custom.as_deref().filter(|custom| custom.has(kind, part))
    }
}

impl Must {
    fn of<'a>(
        brand: &Brand,
        lines: impl IntoIterator<Item = &'a Line>,
        links: MessageLinks<'_>,
    ) -> Self {
        let hidden = lines.into_iter().filter(|_| !brand.names_in_subjects);
        Self {
            hidden_names: hidden.map(|line| brand.locale.name(&line.customer)).collect(),
            unsubscribe: links.unsubscribe(),
        }
    }
}

/// The templates with the words of a language.
fn compile(locale: Locale) -> Result<Environment<'static>, RenderError> {
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
    templates.add_global("t", Value::from(Serde(Labels::of(locale))));
    templates.add_global("font", Value::from_safe_string(FONT.to_owned()));
    templates.add_global("filler", Value::from_safe_string(FILLER.repeat(10)));
    templates.add_global("frame", text::FRAME);
    for (name, source) in TEMPLATES {
        templates.add_template(name, source).map_err(|source| broken(name, source))?;
    }
    Ok(templates)
}

fn broken(template: &str, source: Error) -> RenderError {
    RenderError::Template { template: template.to_owned(), source }
}

/// Refuses to show a value as nothing, or as the word "none"; escapes text for HTML.
fn no_blanks(out: &mut Output, state: &mut State, value: &Value) -> Result<(), Error> {
    if is_blank(value) {
        return Err(blank());
    }
    match value.as_str() {
        Some(text) if matches!(state.auto_escape(), AutoEscape::Html) && !value.is_safe() => {
            escape_html(out, text).map_err(Error::from)
        }
        _ => escape_formatter(out, state, value),
    }
}

/// Whether a value would show as nothing, or as the word "none".
fn is_blank(value: &Value) -> bool {
    value.is_none() || value.as_str().is_some_and(|text| text.trim().is_empty())
}

fn blank() -> Error {
    Error::new(ErrorKind::InvalidOperation, "a value would be shown as blank")
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
