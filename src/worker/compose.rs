//! Facts become a message: what is to be said is put together here, the words are `render`'s.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::domain::calendar::local_date;
use crate::domain::decide::{Step, step_reached};
use crate::domain::digest::{self, Absent, Frame, Item, Nudge};
use crate::domain::facts::Onboarding;
use crate::domain::message::{Envelope, Message};
use crate::domain::values::{Channel, Kind, Phase};
use crate::render::custom::Custom;
use crate::render::{Brand, Links, Renderer};
use crate::store::briefs::Brief;
use crate::store::ledger::Claimed;

/// Makes messages.
#[derive(Clone, Copy)]
pub struct Composer<'a> {
    /// Templates.
    pub renderer: &'a Renderer,
    /// Links in messages.
    pub links: &'a Links,
    /// Postal address under mails of workspaces that have none of their own.
    pub footer_address: Option<&'a str>,
    /// Templates of the workspace's own.
    pub custom: Option<&'a Arc<Custom>>,
}

impl Composer<'_> {
    /// The digest with the given lines, as of `at`.
    ///
    /// # Errors
    /// One line: what is missing, or which template is broken.
    pub fn digest(
        self,
        n: &Claimed,
        brief: &Brief,
        items: &[Item],
        at: DateTime<Utc>,
    ) -> Result<Message, String> {
        let person = brief.person.as_ref().ok_or("a digest without a reader")?;
        let frame = Frame {
            notification_id: &n.id,
            date: n.slot_date,
            at,
            totals: brief.totals,
            escalation: brief.escalation.as_deref(),
            meanwhile: brief.meanwhile.clone(),
        };
        let digest = digest::build(&brief.workspace, person, &frame, items);
        self.renderer
            .digest(&digest, n.channel, self.links, &self.brand(brief))
            .map_err(|e| e.to_string())
    }

    /// The nudge, or customer reminder, about `o`, as of `at`.
    ///
    /// # Errors
    /// One line: what is missing, or which template is broken.
    pub fn nudge(
        self,
        n: &Claimed,
        brief: &Brief,
        o: &Onboarding,
        at: DateTime<Utc>,
    ) -> Result<Message, String> {
        let workspace = &brief.workspace;
        let today = local_date(workspace.zone, at);
        let reached = step_reached(workspace, o, today).ok_or("a nudge without a step")?;
        let number = n.step.unwrap_or(reached.number);
        let step = Step { number, ..reached };
        let reader = match n.kind {
            Kind::CustomerReminder => brief.contact.as_ref().map(|c| (c.name.clone(), today)),
            _ => brief.person.as_ref().map(|p| (p.name.clone(), local_date(p.zone, at))),
        };
        let (reader, date) = reader.ok_or("a nudge without a reader")?;
        let nudge = Nudge {
            notification_id: n.id.clone(),
            workspace: workspace.name.clone(),
            kind: n.kind,
            reader,
            escalation: n.escalation,
            stands_in: self::absent(n, brief),
            csm: brief.csm.as_ref().map(|p| (p.name.clone(), p.email.clone())),
            date,
            step: digest::line_step(workspace, o, step, brief.escalation.as_deref()),
            line: digest::line(workspace, o, today, None, brief.escalation.as_deref()),
            phases: Phase::ALL
                .iter()
                .filter(|phase| !phase.is_terminal())
                .map(|phase| workspace.label(*phase).to_owned())
                .collect(),
        };
        let brand = self.brand(brief);
        let message = match n.kind {
            Kind::CustomerReminder => self.renderer.customer_reminder(&nudge, self.links, &brand),
            _ => self.renderer.nudge(&nudge, n.channel, self.links, &brand),
        };
        message.map_err(|e| e.to_string())
    }

    fn brand(self, brief: &Brief) -> Brand {
        Brand::of(&brief.workspace, self.footer_address, self.custom.cloned())
    }
}

/// Where the message goes; `None` when the recipient has no address on the channel any more.
#[must_use]
pub fn envelope(n: &Claimed, brief: &Brief) -> Option<Envelope> {
    let person = brief.person.as_ref();
    let (address, name) = match (n.kind, n.channel) {
        (Kind::CustomerReminder, _) => {
            brief.contact.as_ref().map(|c| (c.email.clone(), c.name.clone()))
        }
        (_, Channel::Email) => person.map(|p| (p.email.clone(), p.name.clone())),
        (_, Channel::Slack) => {
            person.and_then(|p| Some((p.slack_user_id.clone()?, p.name.clone())))
        }
    }?;
    Some(Envelope {
        notification_id: n.id.clone(),
        address,
        name,
        from_address: brief.workspace.mail_from.clone(),
        date: n.first_attempt_at,
        thread: None,
    })
}

/// For whom the recipient of a nudge stands in, if not for themselves.
fn absent(n: &Claimed, brief: &Brief) -> Option<Absent> {
    let desk = if n.escalation {
        brief.desk(brief.workspace.escalation_user_id.as_deref()?)?
    } else {
        brief.desk_of(&brief.items.first()?.0)?
    };
    let until = desk.person.out_of_office_until.filter(|_| desk.person.id != n.recipient_id)?;
    Some(Absent { name: desk.person.name.clone(), until })
}
