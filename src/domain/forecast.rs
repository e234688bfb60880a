//! What will be sent to whom and when, if nothing changes: the plans of [`super::plan`], carried forward in memory.
//!
//! Digests of one person depend on nobody else's, nudges about one onboarding on no other, so each is walked by itself from slot to slot
//! and from step to step. A simulated quarter of the real service sends the same (`tests/it/forecast.rs`).

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};

use super::decide::Slots;
use super::facts::{Channels, Contact, Onboarding, Person, Workspace};
use super::plan::{self, Audience, Planned};

/// An onboarding with the computed columns of its row.
#[derive(Clone, Debug)]
pub struct Tracked {
    /// The onboarding.
    pub onboarding: Onboarding,
    /// Who hears of it.
    pub recipient_id: Option<String>,
    /// When its next nudge may go out.
    pub next_nudge_at: Option<DateTime<Utc>>,
}

/// A person with the computed column of their row.
#[derive(Clone, Debug)]
pub struct Reader {
    /// The person.
    pub person: Person,
    /// Their next slot.
    pub next_slot_at: Option<DateTime<Utc>>,
}

/// All that a forecast needs of one workspace.
#[derive(Clone, Debug)]
pub struct World {
    /// The workspace.
    pub workspace: Workspace,
    /// Its people, by id.
    pub readers: HashMap<String, Reader>,
    /// Its onboardings.
    pub onboardings: Vec<Tracked>,
    /// Primary contacts, by customer; empty where customers are not reminded.
    pub contacts: HashMap<String, Contact>,
    /// Which channels exist.
    pub channels: Channels,
}

/// A notification to come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forecasted {
    /// When it may go out.
    pub at: DateTime<Utc>,
    /// The notification.
    pub plan: Planned,
}

impl World {
    /// Everything that a pass would write in `(from, until]`, in order of time, skipped ones included. `progress` hears how many of the
    /// people and onboardings are done.
    #[must_use]
    pub fn forecast(
        &self,
        from: DateTime<Utc>,
        until: DateTime<Utc>,
        mut progress: impl FnMut(usize, usize),
    ) -> Vec<Forecasted> {
        let total = self.readers.len() + self.onboardings.len();
        let mut found = Vec::new();
        let mut by_recipient: HashMap<&str, Vec<&Onboarding>> = HashMap::new();
        for tracked in &self.onboardings {
            if let Some(recipient) = &tracked.recipient_id {
                by_recipient.entry(recipient).or_default().push(&tracked.onboarding);
            }
        }
        for (done, reader) in self.readers.values().enumerate() {
            let theirs = by_recipient.remove(reader.person.id.as_str()).unwrap_or_default();
            self.digests(reader, &theirs, from, until, &mut found);
            progress(done + 1, total);
        }
        for (done, tracked) in self.onboardings.iter().enumerate() {
            self.nudges(tracked, from, until, &mut found);
            progress(self.readers.len() + done + 1, total);
        }
        found.sort_by(|a, b| (a.at, &a.plan.dedupe_key).cmp(&(b.at, &b.plan.dedupe_key)));
        // The ledger has one row per key, whoever asks for it first.
        let mut keys = HashSet::new();
        found.retain(|item| keys.insert(item.plan.dedupe_key.clone()));
        found
    }

    fn digests(
        &self,
        reader: &Reader,
        theirs: &[&Onboarding],
        from: DateTime<Utc>,
        until: DateTime<Utc>,
        found: &mut Vec<Forecasted>,
    ) {
        if theirs.is_empty() {
            return;
        }
        let slots = Slots::of(&self.workspace, &reader.person);
        let mut theirs: Vec<Onboarding> = theirs.iter().map(|o| (*o).clone()).collect();
        let mut pending = reader.next_slot_at;
        while let Some(slot) = pending {
            let at = slot.max(from);
            if at > until {
                return;
            }
            let seen: Vec<&Onboarding> = theirs.iter().filter(|o| o.created_at <= at).collect();
            let plans =
                plan::digests(&self.workspace, &reader.person, slot, &seen, at, self.channels);
            for plan in plans {
                if plan.state.counts_as_reminded() {
                    let carried: HashSet<&str> =
                        plan.onboarding_ids.iter().map(String::as_str).collect();
                    for o in theirs.iter_mut().filter(|o| carried.contains(o.id.as_str())) {
                        o.last_reminded_on = Some(plan.slot_date);
                    }
                }
                found.push(Forecasted { at: plan.not_before, plan });
            }
            pending = slots.next(at).map(|(_, next)| next);
        }
    }

    fn nudges(
        &self,
        tracked: &Tracked,
        from: DateTime<Utc>,
        until: DateTime<Utc>,
        found: &mut Vec<Forecasted>,
    ) {
        let active = |id: &String| self.readers.get(id).map(|r| &r.person).filter(|p| p.active);
        let audience = Audience {
            workspace: &self.workspace,
            recipient: tracked.recipient_id.as_ref().and_then(active),
            escalation: self.workspace.escalation_user_id.as_ref().and_then(active),
            contact: self.contacts.get(&tracked.onboarding.customer_id),
            channels: self.channels,
        };
        let mut o = tracked.onboarding.clone();
        let mut next = tracked.next_nudge_at;
        while let Some(due) = next {
            let at = due.max(from);
            if at > until {
                return;
            }
            let (plans, standing) = plan::nudges(&audience, &o, at);
            found.extend(plans.into_iter().map(|plan| Forecasted { at: plan.not_before, plan }));
            o.stalled_step = standing.stalled_step;
            o.waiting_step = standing.waiting_step;
            next = standing.next_nudge_at;
        }
    }
}
