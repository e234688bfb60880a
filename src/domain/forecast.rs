//! What will be sent to whom and when, if nothing changes: the plans of [`super::plan`], carried forward in memory.
//!
//! Digests of one person depend on nobody else's but of those they stand in for, nudges about one onboarding on no other, so each is
//! walked by itself from slot to slot and from step to step. A simulated quarter of the real service sends the same
//! (`tests/it/forecast.rs`).

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};

use super::facts::{Channels, Contact, Onboarding, Person, Workspace};
use super::plan::{self, Audience, Filed, Planned};
use super::routing::{Desk, is_away};
use super::slots::Slots;

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
        let mut by_recipient: HashMap<&str, Vec<Onboarding>> = HashMap::new();
        for tracked in &self.onboardings {
            if let Some(recipient) = &tracked.recipient_id {
                by_recipient.entry(recipient).or_default().push(tracked.onboarding.clone());
            }
        }
        let mut done = 0;
        for circle in self.circles(from) {
            let files = circle
                .iter()
                .filter_map(|reader| {
                    let theirs = by_recipient.remove(reader.person.id.as_str())?;
                    Some((self.desk(&reader.person), theirs))
                })
                .collect();
            self.digests(&circle, files, from, until, &mut found);
            done += circle.len();
            progress(done, total);
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

    /// The desk of an active user.
    #[must_use]
    pub fn desk_of(&self, id: &str) -> Option<Desk<'_>> {
        let person = self.readers.get(id).map(|reader| &reader.person)?;
        person.active.then(|| self.desk(person))
    }

    fn desk<'a>(&'a self, person: &'a Person) -> Desk<'a> {
        Desk::of(person, |id| self.readers.get(id).map(|reader| &reader.person))
    }

    /// People whose digests depend on one another: whoever is away, and who stands in for them.
    fn circles(&self, from: DateTime<Utc>) -> Vec<Vec<&Reader>> {
        let mut circles: Vec<Vec<&Reader>> = self.readers.values().map(|r| vec![r]).collect();
        let mut place: HashMap<&str, usize> =
            self.readers.values().map(|reader| reader.person.id.as_str()).zip(0..).collect();
        for Reader { person, .. } in self.readers.values().filter(|r| is_away(&r.person, from)) {
            let backup = person.backup_user_id.as_deref().and_then(|id| place.get(id).copied());
            let Some((from, to)) = place.get(person.id.as_str()).copied().zip(backup) else {
                continue;
            };
            if from != to {
                let moved = std::mem::take(&mut circles[from]);
                place.extend(moved.iter().map(|reader| (reader.person.id.as_str(), to)));
                circles[to].extend(moved);
            }
        }
        circles.retain(|circle| !circle.is_empty());
        circles
    }

    fn digests(
        &self,
        circle: &[&Reader],
        mut files: Vec<(Desk<'_>, Vec<Onboarding>)>,
        from: DateTime<Utc>,
        until: DateTime<Utc>,
        found: &mut Vec<Forecasted>,
    ) {
        if files.is_empty() {
            return;
        }
        let mut pending: Vec<_> = circle.iter().map(|reader| reader.next_slot_at).collect();
        while let Some((slot, n)) =
            pending.iter().zip(0..).filter_map(|(slot, n)| Some(((*slot)?, n))).min()
        {
            let at = slot.max(from);
            if at > until {
                return;
            }
            let person = &circle[n].person;
            let seen: Vec<Filed<'_>> = files
                .iter()
                .flat_map(|(desk, theirs)| theirs.iter().map(|o| (o, *desk)))
                .filter(|(o, _)| o.created_at <= at)
                .collect();
            let plans = plan::digests(&self.workspace, person, slot, &seen, at, self.channels);
            for plan in plans {
                if plan.state.counts_as_reminded() {
                    let carried: HashSet<&str> =
                        plan.onboarding_ids.iter().map(String::as_str).collect();
                    for o in files.iter_mut().flat_map(|(_, theirs)| theirs) {
                        if carried.contains(o.id.as_str()) {
                            o.last_reminded_on = Some(plan.slot_date);
                        }
                    }
                }
                found.push(Forecasted { at: plan.not_before, plan });
            }
            pending[n] = Slots::of(&self.workspace, person).next(at).map(|(_, next)| next);
        }
    }

    fn nudges(
        &self,
        tracked: &Tracked,
        from: DateTime<Utc>,
        until: DateTime<Utc>,
        found: &mut Vec<Forecasted>,
    ) {
        let desk = |id: &String| self.desk_of(id);
        let audience = Audience {
            workspace: &self.workspace,
            recipient: tracked.recipient_id.as_ref().and_then(desk),
            escalation: self.workspace.escalation_user_id.as_ref().and_then(desk),
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
