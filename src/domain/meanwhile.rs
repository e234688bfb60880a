//! What happened while somebody was out of office: it opens their first digest after the return (`product.md` §2).

use chrono::{DateTime, NaiveDate, Utc};
use serde::Deserialize;

use super::calendar::local_date;
use super::digest::Age;
use super::facts::{Onboarding, Workspace};
use super::values::{Phase, State};

/// Days after the return within which a first digest still tells of the absence.
pub const TELLS_WITHIN: i64 = 31;

/// Most onboardings that are named.
const NAMED: usize = 10;

/// What a write changed of an onboarding's course, before and after.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Changes {
    /// Its phase.
    pub phase: Option<(Phase, Phase)>,
    /// Its state.
    pub state: Option<(State, State)>,
    /// Whether the customer owes the next step.
    pub waiting_on_customer: Option<(bool, bool)>,
}

/// One write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// Whose name stands behind it.
    pub by: String,
    /// When.
    pub at: DateTime<Utc>,
    /// What it changed.
    pub changes: Changes,
}

/// The strongest thing that happened to one onboarding; the order of declaration is that of the summary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// It was completed.
    Closed,
    /// It is in another phase.
    Moved {
        /// Label of the phase before.
        from: String,
        /// Label of the phase now.
        to: String,
    },
    /// The customer does not owe the next step any more.
    Answered,
    /// It was marked at risk.
    AtRisk,
    /// The customer has come to owe the next step.
    Waits,
    /// The customer owed the next step before and still does.
    StillWaits(Age),
}

impl What {
    /// Its place in [`Meanwhile::counts`].
    const fn place(&self) -> usize {
        match self {
            Self::Closed => 0,
            Self::Moved { .. } => 1,
            Self::Answered => 2,
            Self::AtRisk => 3,
            Self::Waits => 4,
            Self::StillWaits(_) => 5,
        }
    }
}

/// What happened to one onboarding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// The small number people use.
    pub display_id: i64,
    /// The customer's name as typed.
    pub customer: String,
    /// What.
    pub what: What,
    /// Who did it and on which date; nobody has to do anything for a customer to keep owing.
    pub by: Option<(String, NaiveDate)>,
}

/// The summary of an absence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Meanwhile {
    /// Date of the last digest before it.
    pub since: NaiveDate,
    /// Who stood in.
    pub stand_in: Option<String>,
    /// How many onboardings were closed, moved, answered, marked at risk, have come to wait, and still wait.
    pub counts: [usize; 6],
    /// The first of them, in that order.
    pub events: Vec<Event>,
}

impl Meanwhile {
    /// How many did not fit.
    #[must_use]
    pub fn more(&self) -> usize {
        self.counts.iter().sum::<usize>() - self.events.len()
    }
}

/// Sums up what `edits`, oldest first, did to the reader's onboardings since the digest of `since`. `today` is the date of the digest.
#[must_use]
pub fn sum_up<'a>(
    ws: &Workspace,
    since: NaiveDate,
    today: NaiveDate,
    stand_in: Option<String>,
    onboardings: impl IntoIterator<Item = (&'a Onboarding, &'a [Edit])>,
) -> Meanwhile {
    let mut events: Vec<Event> = onboardings
        .into_iter()
        .filter_map(|(o, edits)| event(ws, since, today, o, edits))
        .collect();
    let waits = |what: &What| match what {
        What::StillWaits(age) => age.calendar,
        _ => 0,
    };
    events.sort_by_key(|e| (e.what.place(), std::cmp::Reverse(waits(&e.what)), e.display_id));
    let mut counts = [0; 6];
    for event in &events {
        counts[event.what.place()] += 1;
    }
    events.truncate(NAMED);
    Meanwhile { since, stand_in, counts, events }
}

fn event(
    ws: &Workspace,
    since: NaiveDate,
    today: NaiveDate,
    o: &Onboarding,
    edits: &[Edit],
) -> Option<Event> {
    let open = !o.phase.is_terminal();
    // There and back again is no news.
    let phase = edits.iter().find_map(|e| e.changes.phase).map(|(from, _)| from);
    let moved = phase.filter(|from| *from != o.phase);
    let waited = edits.iter().find_map(|e| e.changes.waiting_on_customer).map(|(was, _)| was);
    let was_state = edits.iter().find_map(|e| e.changes.state).map(|(was, _)| was);
    let (what, by) = match (moved, waited) {
        (Some(_), _) if !open => (What::Closed, last(edits, |c| c.phase.is_some())),
        (Some(from), _) => {
            let (from, to) = (ws.label(from).to_owned(), ws.label(o.phase).to_owned());
            (What::Moved { from, to }, last(edits, |c| c.phase.is_some()))
        }
        _ if !open => return None,
        (None, Some(true)) if !o.waiting_on_customer => {
            (What::Answered, last(edits, |c| c.waiting_on_customer.is_some()))
        }
        _ if o.state == State::AtRisk && was_state.is_some_and(|was| was != State::AtRisk) => {
            (What::AtRisk, last(edits, |c| c.state.is_some()))
        }
        _ if o.waiting_on_customer => {
            let began = local_date(ws.zone, o.waiting_since?);
            if began > since {
                (What::Waits, last(edits, |c| c.waiting_on_customer.is_some()))
            } else {
                let business = ws.calendar.business_days_between(began, today);
                let age = Age { business, calendar: (today - began).num_days() };
                (What::StillWaits(age), None)
            }
        }
        _ => return None,
    };
    Some(Event {
        display_id: o.display_id,
        customer: o.customer_name.clone(),
        what,
        by: by.map(|edit| (edit.by.clone(), local_date(ws.zone, edit.at))),
    })
}

fn last(edits: &[Edit], concerns: impl Fn(&Changes) -> bool) -> Option<&Edit> {
    edits.iter().rfind(|edit| concerns(&edit.changes))
}
