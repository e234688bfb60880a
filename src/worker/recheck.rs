//! The decision again, right before sending, from fresh facts: the world may have changed since the pass.

use chrono::{DateTime, NaiveTime, Utc};

use crate::domain::calendar::{instant, local_date, next_day};
use crate::domain::decide::{Step, customer_reminder, digest_line, nudge, rung_days, step_reached};
use crate::domain::digest::{Absent, Item, Seen};
use crate::domain::facts::{Channels, Onboarding};
use crate::domain::plan::{self, Audience, Planned};
use crate::domain::routing::Desk;
use crate::domain::slots::{Slots, next_working_hour, nudge_deadline, quiet_until};
use crate::domain::values::{Channel, Kind, Mode, Reason};
use crate::store::briefs::Brief;
use crate::store::facts::Journey;
use crate::store::ledger::Claimed;

/// What is still to be sent.
#[derive(Debug)]
pub enum Still {
    /// These lines; the others are no longer due and go back.
    Digest {
        /// Lines to send.
        keep: Vec<Item>,
        /// Lines to give back.
        drop: Vec<(String, Option<Seen>)>,
    },
    /// The nudge or customer reminder, about this onboarding.
    Nudge(Box<Onboarding>),
    /// The nudge, but by this channel: the one it was written for does not reach its recipient any more.
    OtherWay(Channel),
    /// Not by this row: somebody else hears of the onboarding now, and this is theirs.
    HandOn(Box<Planned>),
    /// Nothing yet: what holds it back passes. It is looked at again at `until`, and has until `deadline` then.
    Rests {
        /// When to look again.
        until: DateTime<Utc>,
        /// Latest delivery.
        deadline: DateTime<Utc>,
    },
    /// Nothing.
    Nothing(Reason),
}

/// Decides again.
#[must_use]
pub fn recheck(n: &Claimed, brief: &Brief, channels: Channels, at: DateTime<Utc>) -> Still {
    match n.kind {
        Kind::Digest => digest(n, brief, channels),
        Kind::StalledPhase | Kind::WaitingOnCustomer => {
            let by = |wanted: Channel| {
                about_one(n, brief, at, |journey| {
                    let person = brief.person.as_ref()?;
                    let hears = desk(n, brief, journey).and_then(|desk| desk.hears(at));
                    let right_person = hears.is_some_and(|person| person.id == n.recipient_id);
                    let date = local_date(person.zone, at);
                    let channel =
                        nudge(person, &journey.onboarding, n.kind, date, channels, &mut ()).ok()?;
                    (right_person && channel == wanted).then_some(())
                })
            };
            let still = by(n.channel);
            if !matches!(still, Still::Nothing(Reason::StateChanged)) {
                return still;
            }
            // The step is told by this row or by none, as its key says nothing of channels. Of one in doubt no copy goes another way.
            let other = n.channel.other();
            if !n.resent && matches!(by(other), Still::Nudge(_)) {
                return Still::OtherWay(other);
            }
            if let Some(plan) = handed_on(n, brief, channels, at) {
                return Still::HandOn(Box::new(plan));
            }
            rests(n, brief, channels, at).unwrap_or(still)
        }
        Kind::CustomerReminder => about_one(n, brief, at, |journey| {
            let contact = brief.contact.as_ref()?;
            if n.mode == Mode::Live && contact.mode == Mode::Test {
                return None;
            }
            let date = local_date(brief.workspace.zone, at);
            customer_reminder(
                &brief.workspace,
                contact,
                &journey.onboarding,
                date,
                channels,
                &mut (),
            )
            .ok()?;
            Some(())
        }),
    }
}

/// Until when the message must wait although it is still to be sent, and why: a retry, or a slow queue, may bring it into hours in which
/// nothing arrives.
#[must_use]
pub fn silence(n: &Claimed, brief: &Brief, at: DateTime<Utc>) -> Option<(DateTime<Utc>, Reason)> {
    let person = brief.person.as_ref()?;
    let quiet = quiet_until(person, at).map(|end| (end, Reason::QuietHours));
    match n.kind {
        Kind::Digest => quiet,
        Kind::StalledPhase | Kind::WaitingOnCustomer => {
            let opens = next_working_hour(&brief.workspace, person, at).unwrap_or(n.deadline);
            let reason = quiet.map_or(Reason::OutsideWorkingHours, |(_, reason)| reason);
            (opens > at).then_some((opens, reason))
        }
        Kind::CustomerReminder => None,
    }
}

fn digest(n: &Claimed, brief: &Brief, channels: Channels) -> Still {
    let Some(person) = &brief.person else { return Still::Nothing(Reason::NoRecipient) };
    // Who hears is asked of the slot, as the pass did: somebody who is back since then was away when it was due.
    let slot = Slots::of(&brief.workspace, person).at(n.slot_date);
    let (mut keep, mut drop) = (Vec::new(), Vec::new());
    for (journey, before) in &brief.items {
        // The row already counts this very digest as its last reminder.
        let mut o = journey.onboarding.clone();
        o.last_reminded_on = before.as_ref().map(|seen| seen.on);
        let due = digest_line(person, &o, n.slot_date, channels, &mut ());
        let hears = brief.desk_of(journey).and_then(|desk| desk.hears(slot));
        let theirs = hears.is_some_and(|hears| hears.id == n.recipient_id);
        if theirs && due == Ok(n.channel) && may_carry(n.mode, o.provenance.mode(n.kind)) {
            keep.push(Item {
                absent: absent(brief, journey, n),
                onboarding: o,
                before: before.clone(),
            });
        } else {
            drop.push((o.id, before.clone()));
        }
    }
    if keep.is_empty() {
        Still::Nothing(Reason::StateChanged)
    } else {
        Still::Digest { keep, drop }
    }
}

/// For whom the recipient stands in with this line, if not for themselves.
fn absent(brief: &Brief, journey: &Journey, n: &Claimed) -> Option<Absent> {
    let person = brief.desk_of(journey)?.person;
    let until = person.out_of_office_until.filter(|_| person.id != n.recipient_id)?;
    Some(Absent { name: person.name.clone(), until })
}

fn about_one(
    n: &Claimed,
    brief: &Brief,
    at: DateTime<Utc>,
    allowed: impl FnOnce(&Journey) -> Option<()>,
) -> Still {
    let Some((journey, _)) = brief.items.first() else { return Still::Nothing(Reason::Deleted) };
    let o = &journey.onboarding;
    let today = local_date(brief.workspace.zone, at);
    let ladder = if n.kind == Kind::CustomerReminder { Kind::WaitingOnCustomer } else { n.kind };
    // The reason must still stand: the same ladder, at least as high.
    let reached = step_reached(&brief.workspace, o, today).filter(|step| step.kind == ladder);
    let stands = reached.is_some_and(|step| Some(step.number) >= n.step);
    // Of steps that went by while it rested only the highest is sent, in a row of its own.
    let rested = n.reason.as_deref() == Some(Reason::Snoozed.as_str());
    if rested && reached.is_some_and(|step| Some(step.number) > n.step) {
        return Still::Nothing(Reason::Superseded);
    }
    if stands && may_carry(n.mode, o.provenance.mode(n.kind)) && allowed(journey).is_some() {
        Still::Nudge(Box::new(o.clone()))
    } else {
        Still::Nothing(Reason::StateChanged)
    }
}

/// The nudge as the person gets it who hears of the onboarding by now; `None` when that is the recipient still, or nobody.
fn handed_on(n: &Claimed, brief: &Brief, channels: Channels, at: DateTime<Utc>) -> Option<Planned> {
    let (journey, _) = brief.items.first().filter(|_| !n.escalation)?;
    let (workspace, o) = (&brief.workspace, &journey.onboarding);
    let reached = step_reached(workspace, o, local_date(workspace.zone, at))?;
    let number = n.step.filter(|step| reached.kind == n.kind && reached.number >= *step)?;
    let desk = brief.desk_of(journey)?;
    let (opens, person) = desk.next_hour(workspace, at)?;
    if person.id == n.recipient_id {
        return None;
    }
    let days = rung_days(workspace, o, n.kind, number);
    let step = Step { number, days, ..reached };
    let audience =
        Audience { workspace, recipient: Some(desk), escalation: None, contact: None, channels };
    let plan = plan::nudge_to(&audience, o, (opens, person), step, false, at);
    plan.state.is_open().then_some(plan)
}

/// A nudge whose recipient is away without anybody who stands in, or whose onboarding is snoozed: its step must not be lost. It rests until
/// the next day's working hours and is looked at again then, as somebody may be back, or wake it, any day.
fn rests(n: &Claimed, brief: &Brief, channels: Channels, at: DateTime<Utc>) -> Option<Still> {
    let (journey, _) = brief.items.first().filter(|_| !n.resent)?;
    let (workspace, o) = (&brief.workspace, &journey.onboarding);
    let reached = step_reached(workspace, o, local_date(workspace.zone, at))?;
    let stands = reached.kind == n.kind && Some(reached.number) == n.step;
    let desk = desk(n, brief, journey).filter(|desk| desk.person.id == n.recipient_id)?;
    let date = local_date(desk.person.zone, at);
    let snoozed = o.snoozed_until.is_some_and(|until| date < until);
    let awake = Onboarding { snoozed_until: None, ..o.clone() };
    let wanted = nudge(desk.person, &awake, n.kind, date, channels, &mut ()) == Ok(n.channel);
    let held = snoozed || desk.hears(at).is_none();
    if !(stands && held && wanted && may_carry(n.mode, o.provenance.mode(n.kind))) {
        return None;
    }
    let tomorrow = instant(desk.person.zone, next_day(date), NaiveTime::MIN);
    let until = next_working_hour(workspace, desk.person, tomorrow)?;
    Some(Still::Rests { until, deadline: nudge_deadline(workspace, desk.person, until) })
}

/// The desk at which a nudge lies.
fn desk<'a>(n: &Claimed, brief: &'a Brief, journey: &Journey) -> Option<Desk<'a>> {
    if n.escalation {
        brief.workspace.escalation_user_id.as_deref().and_then(|id| brief.desk(id))
    } else {
        brief.desk_of(journey)
    }
}

/// A live message must not carry what a test key has caused meanwhile; a suppressed one may carry anything.
const fn may_carry(message: Mode, line: Mode) -> bool {
    !matches!((message, line), (Mode::Live, Mode::Test))
}
