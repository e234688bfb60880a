//! Facts to messages: what the design kit shows, for e-mail and Slack.
//!
//! `line`, `summary`, `nudge` and `subject` say things, once for all channels, in the words of `locale`; `email`, `customer` and `slack`
//! lay them out.
//! Mails are templates (`templates/email/<kind>/`), compiled into the program and into memory once; Slack's blocks are values.
//! Everything shown is safe by construction: names pass `words::name`, HTML is escaped by the template engine, mrkdwn by
//! `slack::escape`, JSON by its serialiser, and a value that would show as blank or `None` is an error, which
//! [`Renderer::new`] finds at start by rendering [`samples`].

pub mod alert;
mod brand;
pub mod custom;
mod customer;
mod email;
pub mod english;
mod line;
mod links;
mod locale;
mod meanwhile;
mod nudge;
pub mod pages;
pub mod samples;
pub mod settled;
mod slack;
mod subject;
mod summary;
mod templates;
mod text;
mod words;

use minijinja::value::{Serde, Value};
use minijinja::{Environment, Error};
use serde::Serialize;

pub use self::brand::Brand;
use self::custom::Must;
use self::links::MessageLinks;
pub use self::links::{Links, OwnPages};
use self::templates::{broken, part_file};
use crate::domain::digest::{Digest, Line, Nudge};
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
        let templates = Locale::ALL
            .iter()
            .map(|locale| templates::compile(*locale))
            .collect::<Result<_, _>>()?;
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
        templates::source(&part_file(name.kind, name.part)?)
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
