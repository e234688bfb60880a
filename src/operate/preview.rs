//! Messages as they would look: of the design kit's morning, or of real data as of an instant. Nothing is written and nothing is sent.
//!
//! A preview names a notification that does not exist, so its links lead nowhere.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future::BoxFuture;

use crate::db::{Conn, DbError};
use crate::domain::calendar::local_date;
use crate::domain::decide::{Step, rung_days, step_reached};
use crate::domain::digest::{self, Frame, Item, Nudge, Totals};
use crate::domain::facts::{Channels, Onboarding, Person, Workspace};
use crate::domain::ids::IdKind;
use crate::domain::message::{Email, Message};
use crate::domain::values::{Channel, Kind, Locale, Phase, State};
use crate::render::{Brand, Links, RenderError, Renderer, samples};
use crate::store::facts;
use crate::store::worlds::{self, About};

/// How far ahead the next digest is looked for.
const AHEAD: TimeDelta = TimeDelta::days(60);

/// A message that is nobody's.
#[derive(Clone, Debug)]
pub struct Preview {
    /// What it shows, fit for a file name: `digest-first-email`.
    pub name: String,
    /// The message.
    pub message: Message,
}

/// Why there is no preview.
#[derive(Debug, thiserror::Error)]
pub enum PreviewError {
    /// There is nothing to show; says what is missing.
    #[error("{0}")]
    Nothing(String),
    /// A template is broken.
    #[error("{0}")]
    Render(#[from] RenderError),
    /// The database did not answer.
    #[error(transparent)]
    Database(#[from] DbError),
}

/// The mail of a preview as a test copy: its subject says so, and no link in its head changes anybody's settings or writes to a CSM.
fn as_test(mut email: Email) -> Email {
    email.subject = format!("[Test] {}", email.subject);
    (email.list_unsubscribe, email.reply_to) = (None, None);
    email
}

/// What became of a test copy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TestCopy {
    /// The provider has taken it.
    Sent,
    /// Messages are only captured here, so it went nowhere.
    Captured,
    /// It was not taken: why, in the provider's words.
    NotSent(String),
}

/// How a test copy goes out, as the composition root has set it up: nobody here knows providers.
#[derive(Clone)]
pub struct Tester(Arc<SendTest>);

type SendTest = dyn Fn(String, Email) -> BoxFuture<'static, TestCopy> + Send + Sync;

impl Tester {
    /// By this function, which is given an address and a mail.
    pub fn new(
        send: impl Fn(String, Email) -> BoxFuture<'static, TestCopy> + Send + Sync + 'static,
    ) -> Self {
        Self(Arc::new(send))
    }

    /// Sends a mail, marked as a test, to whoever asked for it.
    pub async fn send(&self, address: &str, email: Email) -> TestCopy {
        (self.0)(address.to_owned(), as_test(email)).await
    }
}

impl std::fmt::Debug for Tester {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tester")
    }
}

/// What makes the words.
pub fn renderer() -> Result<Renderer, RenderError> {
    Renderer::new()
}

/// Every sample of a kind (of all kinds) in a language (in all), on every channel that it goes out by.
pub fn of_samples(
    renderer: &Renderer,
    kind: Option<Kind>,
    locale: Option<Locale>,
) -> Result<Vec<Preview>, RenderError> {
    let links = samples::links();
    let mut previews = Vec::new();
    for locale in Locale::ALL.iter().filter(|other| locale.is_none_or(|locale| locale == **other)) {
        let brand = Brand { locale: *locale, ..samples::brand() };
        let language = if *locale == Locale::En { String::new() } else { format!("-{locale}") };
        let mut add = |kind: Kind, name: &str, channel: Channel, message: Message| {
            previews.push(Preview { name: format!("{kind}-{name}-{channel}{language}"), message });
        };
        let wanted = |other: Kind| kind.is_none_or(|kind| kind == other);
        for channel in [Channel::Email, Channel::Slack] {
            let names = ["usual", "first", "late", "stand-in", "return", "monday"];
            let digests = names.into_iter().zip(samples::digests());
            let edges = [
                ("25-lines", samples::long_digest(25)),
                ("26-lines", samples::long_digest(26)),
                ("odd-names", samples::odd_digest()),
            ];
            for (name, digest) in digests.chain(edges).filter(|_| wanted(Kind::Digest)) {
                let message = renderer.digest(&digest, channel, &links, &brand)?;
                add(Kind::Digest, name, channel, message);
            }
            let names = ["usual", "last-step", "escalation", "early", "stand-in"];
            let nudges = names.into_iter().zip(samples::nudges());
            for (name, nudge) in nudges.chain([("odd-names", samples::odd_nudge())]) {
                if wanted(nudge.kind) {
                    let message = renderer.nudge(&nudge, channel, &links, &brand)?;
                    add(nudge.kind, name, channel, message);
                }
            }
        }
        if wanted(Kind::CustomerReminder) {
            let mails = [
                ("usual", samples::customer_reminder()),
                ("odd-names", samples::odd_customer_reminder()),
            ];
            for (name, nudge) in mails {
                let message = renderer.customer_reminder(&nudge, &links, &brand)?;
                add(Kind::CustomerReminder, name, Channel::Email, message);
            }
        }
    }
    Ok(previews)
}

/// What messages of this installation have in common.
#[derive(Clone, Debug, Default)]
pub struct Studio {
    /// Links as messages carry them.
    pub links: Links,
    /// Postal address under mails, unless a workspace has its own.
    pub footer_address: Option<String>,
}

/// What previews of real data need.
#[derive(Clone, Copy)]
pub struct Desk<'a> {
    /// Makes the words.
    pub renderer: &'a Renderer,
    /// What messages have in common.
    pub studio: &'a Studio,
    /// Which channels exist.
    pub channels: Channels,
    /// As of when.
    pub at: DateTime<Utc>,
}

impl Desk<'_> {
    /// The next digest of a user after the instant, if nothing changes.
    pub async fn digest(
        &self,
        conn: &mut Conn,
        workspace_id: &str,
        user_id: &str,
    ) -> Result<Preview, PreviewError> {
        let about = About::Recipient(user_id);
        let world = worlds::load(conn, workspace_id, about, self.channels, self.at).await?;
        let world = world.ok_or_else(|| nothing("there is no such workspace"))?;
        let person = world.readers.get(user_id).map(|reader| &reader.person);
        let person = person.ok_or_else(|| nothing("the user hears of no onboarding"))?;
        let items = world.forecast(self.at, self.at + AHEAD, |_, _| ());
        let next = items
            .iter()
            .find(|item| {
                item.plan.kind == Kind::Digest
                    && item.plan.recipient_id == user_id
                    && item.plan.state.is_open()
            })
            .ok_or_else(|| nothing("no digest is due to the user within 60 days"))?;
        let journeys = facts::onboardings(conn, &next.plan.onboarding_ids).await?;
        let lines: Vec<Item> = journeys
            .into_iter()
            .map(|journey| Item {
                onboarding: journey.onboarding,
                before: journey.last_seen,
                absent: None,
            })
            .collect();
        let date = next.plan.slot_date;
        let resting = |o: &&Onboarding| o.snoozed_until.is_some_and(|until| until > date);
        let open =
            || world.onboardings.iter().map(|t| &t.onboarding).filter(|o| !o.phase.is_terminal());
        let count = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
        let totals = Totals {
            open: count(open().count()),
            snoozed: count(open().filter(resting).count()),
            paused: count(open().filter(|o| o.state == State::Paused && !resting(o)).count()),
            closed: 0,
        };
        let escalation = name(conn, world.workspace.escalation_user_id.as_deref()).await?;
        let id = IdKind::Notification.fresh(self.at);
        let frame = Frame {
            notification_id: &id,
            date,
            at: next.at,
            totals,
            escalation: escalation.as_deref(),
            meanwhile: None,
        };
        let digest = digest::build(&world.workspace, person, &frame, &lines);
        let channel = next.plan.channel;
        let brand = self.brand(conn, &world.workspace).await?;
        let message = self.renderer.digest(&digest, channel, &self.studio.links, &brand)?;
        Ok(Preview { name: format!("{}-{channel}", Kind::Digest), message })
    }

    /// A nudge, or the customer's reminder, about an onboarding, as if its step were reached at the instant.
    pub async fn nudge(
        &self,
        conn: &mut Conn,
        workspace_id: &str,
        onboarding_id: &str,
        kind: Kind,
        channel: Channel,
    ) -> Result<Preview, PreviewError> {
        let workspace =
            facts::workspaces(conn, &[workspace_id.to_owned()]).await?.remove(workspace_id);
        let journey =
            facts::onboardings(conn, &[onboarding_id.to_owned()]).await?.into_iter().next();
        let (Some(workspace), Some(journey)) = (workspace, journey) else {
            return Err(nothing("there is no such onboarding"));
        };
        let o = &journey.onboarding;
        if kind != Kind::StalledPhase && !o.waiting_on_customer {
            return Err(nothing(
                "the customer is not waited on, so there is no such message about it; choose another onboarding, or stalled_phase",
            ));
        }
        let today = local_date(workspace.zone, self.at);
        let ladder = if kind == Kind::StalledPhase { kind } else { Kind::WaitingOnCustomer };
        let first = Step {
            kind: ladder,
            number: 1,
            days: rung_days(&workspace, o, ladder, 1),
            last: false,
        };
        let step =
            step_reached(&workspace, o, today).filter(|step| step.kind == ladder).unwrap_or(first);
        let escalation = name(conn, workspace.escalation_user_id.as_deref()).await?;
        let csm = person(conn, o.csm_id.as_deref()).await?;
        let reader = if kind == Kind::CustomerReminder {
            let contacts =
                facts::primary_contacts(conn, std::slice::from_ref(&o.customer_id)).await?;
            let contact = contacts.get(&o.customer_id).map(|contact| contact.name.clone());
            contact.ok_or_else(|| nothing("the customer has no contact"))?
        } else {
            let recipient = person(conn, journey.recipient_id.as_deref()).await?;
            recipient.ok_or_else(|| nothing("nobody hears of the onboarding"))?.name
        };
        let nudge = Nudge {
            notification_id: IdKind::Notification.fresh(self.at),
            workspace: workspace.name.clone(),
            kind,
            reader,
            escalation: false,
            stands_in: None,
            csm: csm.map(|person| (person.name, person.email)),
            date: today,
            step: digest::line_step(&workspace, o, step, escalation.as_deref()),
            line: digest::line(&workspace, o, today, None, escalation.as_deref()),
            phases: Phase::ALL
                .iter()
                .filter(|phase| !phase.is_terminal())
                .map(|phase| workspace.label(*phase).to_owned())
                .collect(),
        };
        let brand = self.brand(conn, &workspace).await?;
        let (channel, message) = if kind == Kind::CustomerReminder {
            (Channel::Email, self.renderer.customer_reminder(&nudge, &self.studio.links, &brand)?)
        } else {
            (channel, self.renderer.nudge(&nudge, channel, &self.studio.links, &brand)?)
        };
        Ok(Preview { name: format!("{kind}-{channel}"), message })
    }

    async fn brand(&self, conn: &mut Conn, workspace: &Workspace) -> Result<Brand, DbError> {
        let custom = super::templates::custom(conn, workspace).await?;
        Ok(Brand::of(workspace, self.studio.footer_address.as_deref(), custom))
    }
}

fn nothing(what: &str) -> PreviewError {
    PreviewError::Nothing(what.to_owned())
}

async fn person(conn: &mut Conn, id: Option<&str>) -> Result<Option<Person>, DbError> {
    let Some(id) = id else { return Ok(None) };
    Ok(facts::people(conn, &[id.to_owned()]).await?.remove(id).map(|member| member.person))
}

async fn name(conn: &mut Conn, id: Option<&str>) -> Result<Option<String>, DbError> {
    Ok(person(conn, id).await?.filter(|person| person.active).map(|person| person.name))
}
