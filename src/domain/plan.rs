//! What a pass writes, decided: which notifications a person's slot or an onboarding's next step leads to, and where both stand afterwards.
//!
//! The scheduler writes these plans into the ledger, the forecast only looks at them; neither decides anything itself.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};

use super::calendar::{add_days, local_date};
use super::decide::{
    Hold, Step, customer_reminder, digest_line, due_on, eligible, next_nudge_at, nudge, rung_days,
    step_due,
};
use super::facts::{Channels, Contact, Onboarding, Person, Workspace};
use super::routing::Desk;
use super::slots::{Slots, nudge_deadline, quiet_until};
use super::values::{Channel, Kind, Mode, NotificationState, Reason, RecipientType};

/// A notification that the rules ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Planned {
    /// What it is about.
    pub kind: Kind,
    /// How it goes out.
    pub channel: Channel,
    /// Whether it may reach anybody.
    pub mode: Mode,
    /// Whom it is for.
    pub recipient_type: RecipientType,
    /// Their id.
    pub recipient_id: String,
    /// The onboarding of a nudge.
    pub subject_id: Option<String>,
    /// Local date of its slot or step.
    pub slot_date: NaiveDate,
    /// Rung of the ladder and what it counts.
    pub step: Option<(i64, i64)>,
    /// Whether the recipient is the escalation user.
    pub escalation: bool,
    /// The business key that makes it unique (`product.md` §2, "exactly once by key").
    pub dedupe_key: String,
    /// `scheduled`, `deferred` or `skipped`.
    pub state: NotificationState,
    /// Why, if it is not simply scheduled.
    pub reason: Option<Reason>,
    /// The reason's numbers.
    pub detail: Option<String>,
    /// The instant it is meant for: its slot, the opening of working hours, the end of quiet ones. Lateness counts from here.
    pub due_at: DateTime<Utc>,
    /// Earliest delivery.
    pub not_before: DateTime<Utc>,
    /// Latest delivery.
    pub deadline: DateTime<Utc>,
    /// The onboardings it is about.
    pub onboarding_ids: Vec<String>,
}

impl Planned {
    fn skipped(mut self, reason: Reason, detail: String) -> Self {
        self.state = NotificationState::Skipped;
        self.reason = Some(reason);
        self.detail = Some(detail);
        self
    }
}

// --- digests ---------------------------------------------------------------------------------------------------------------------

/// An onboarding that may be in a digest, and at whose desk it lies.
pub type Filed<'a> = (&'a Onboarding, Desk<'a>);

/// What one person's slot leads to at `at`: the digests of the newest slot if its deadline has not passed, and one row for the slots that
/// were missed since `pending`, the slot that had been next. `filed` holds what may be due at their own desk and at those for which they
/// stand in.
#[must_use]
pub fn digests(
    workspace: &Workspace,
    person: &Person,
    pending: DateTime<Utc>,
    filed: &[Filed<'_>],
    at: DateTime<Utc>,
    channels: Channels,
) -> Vec<Planned> {
    let slots = Slots::of(workspace, person);
    let Some((date, slot)) = slots.newest(at).filter(|(_, slot)| *slot >= pending) else {
        return Vec::new();
    };
    let mut plans = Vec::new();
    let expired = at >= slots.deadline(date);
    let missed = slots.count(pending, slot) + usize::from(expired);
    let missed_date = if expired {
        Some(date)
    } else if missed > 0 {
        slots.newest(slot - TimeDelta::milliseconds(1)).map(|(date, _)| date)
    } else {
        None
    };
    if let Some(missed_date) = missed_date {
        // One row per person, whatever the number of slots and channels; live lines speak for it if there are any.
        let first = lines(person, &slots, filed, missed_date, channels).into_iter().next();
        let detail =
            if missed == 1 { "1 slot missed".to_owned() } else { format!("{missed} slots missed") };
        plans.extend(first.map(|(way, ids)| {
            digest(person, &slots, missed_date, way, ids, at).skipped(Reason::MissedSlot, detail)
        }));
    }
    if !expired {
        for (way, ids) in lines(person, &slots, filed, date, channels) {
            let mut plan = digest(person, &slots, date, way, ids, at);
            if let Some(end) = quiet_until(person, at) {
                plan.reason = Some(Reason::QuietHours);
                if end < plan.deadline {
                    plan.state = NotificationState::Deferred;
                    plan.not_before = end;
                    plan.due_at = end;
                } else {
                    plan.state = NotificationState::Skipped;
                }
            }
            plans.push(plan);
        }
    }
    plans
}

/// The lines due on `date`, apart by mode and channel; live before test.
fn lines(
    person: &Person,
    slots: &Slots<'_>,
    filed: &[Filed<'_>],
    date: NaiveDate,
    channels: Channels,
) -> BTreeMap<(Mode, Channel), Vec<String>> {
    let slot = slots.at(date);
    let mut lines: BTreeMap<_, Vec<String>> = BTreeMap::new();
    for (o, desk) in filed {
        if desk.hears(slot).is_none_or(|hears| hears.id != person.id) {
            continue;
        }
        if let Ok(channel) = digest_line(person, o, date, channels, &mut ()) {
            lines.entry((o.provenance.mode(Kind::Digest), channel)).or_default().push(o.id.clone());
        }
    }
    lines
}

fn digest(
    person: &Person,
    slots: &Slots<'_>,
    date: NaiveDate,
    (mode, channel): (Mode, Channel),
    onboarding_ids: Vec<String>,
    at: DateTime<Utc>,
) -> Planned {
    Planned {
        kind: Kind::Digest,
        channel,
        mode,
        recipient_type: RecipientType::User,
        recipient_id: person.id.clone(),
        subject_id: None,
        slot_date: date,
        step: None,
        escalation: false,
        dedupe_key: format!("{}:{}:{channel}:{mode}:{date}", Kind::Digest, person.id),
        state: NotificationState::Scheduled,
        reason: None,
        detail: None,
        due_at: slots.at(date),
        not_before: at,
        deadline: slots.deadline(date),
        onboarding_ids,
    }
}

// --- nudges ----------------------------------------------------------------------------------------------------------------------

/// Who may hear of one onboarding.
#[derive(Clone, Copy, Debug)]
pub struct Audience<'a> {
    /// The workspace.
    pub workspace: &'a Workspace,
    /// The desk of the active CSM, else of the active owner.
    pub recipient: Option<Desk<'a>>,
    /// The desk of the active escalation user.
    pub escalation: Option<Desk<'a>>,
    /// The customer's primary contact, where the workspace reminds customers.
    pub contact: Option<&'a Contact>,
    /// Which channels exist.
    pub channels: Channels,
}

/// Where an onboarding stands on its ladders after its plans.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Highest stalled step dealt with.
    pub stalled_step: i64,
    /// Highest waiting step dealt with.
    pub waiting_step: i64,
    /// When to look at it again.
    pub next_nudge_at: Option<DateTime<Utc>>,
}

impl Standing {
    fn of(o: &Onboarding, next_nudge_at: Option<DateTime<Utc>>) -> Self {
        Self { stalled_step: o.stalled_step, waiting_step: o.waiting_step, next_nudge_at }
    }
}

/// What the step that one onboarding has reached at `at` leads to, and where it stands afterwards.
#[must_use]
pub fn nudges(
    audience: &Audience<'_>,
    o: &Onboarding,
    at: DateTime<Utc>,
) -> (Vec<Planned>, Standing) {
    let workspace = audience.workspace;
    let Some(desk) = audience.recipient else { return unroutable(workspace, o, at) };
    // Rows are written when they may go out; outside working hours the onboarding is only looked at later.
    let person = match desk.next_hour(workspace, at) {
        Some((opens, person)) if opens == at => person,
        later => return (Vec::new(), Standing::of(o, later.map(|(opens, _)| opens))),
    };
    let (today, date) = (local_date(workspace.zone, at), local_date(person.zone, at));
    let mut plans = Vec::new();
    let mut after = o.clone();
    if let Some(step) = step_due(workspace, o, today)
        && eligible(o, date, &mut ()).is_ok()
    {
        plans = steps(audience, o, person, step, at);
        match step.kind {
            Kind::WaitingOnCustomer => after.waiting_step = step.number,
            _ => after.stalled_step = step.number,
        }
    }
    // A step that could not be taken now must not be found again by this very pass.
    let later = at + TimeDelta::hours(1);
    let next = next_nudge_at(workspace, Some(desk), &after, at);
    (plans, Standing::of(&after, next.map(|next| if next > at { next } else { later })))
}

/// What nobody hears of: as often as it would be reminded of, a row says so.
fn unroutable(
    workspace: &Workspace,
    o: &Onboarding,
    at: DateTime<Utc>,
) -> (Vec<Planned>, Standing) {
    let date = local_date(workspace.zone, at);
    let slots = Slots::of_workspace(workspace);
    if date < due_on(o, workspace.zone) || eligible(o, date, &mut ()).is_err() {
        return (Vec::new(), Standing::of(o, next_nudge_at(workspace, None, o, at)));
    }
    let mode = o.provenance.mode(Kind::Digest);
    // Whoever would hear of it if they were there; the row must name somebody.
    let nobody = [&o.csm_id, &workspace.owner_user_id].into_iter().flatten().next();
    let plan = Planned {
        kind: Kind::Digest,
        channel: Channel::Email,
        mode,
        recipient_type: RecipientType::User,
        recipient_id: nobody.unwrap_or(&workspace.id).clone(),
        subject_id: Some(o.id.clone()),
        slot_date: date,
        step: None,
        escalation: false,
        dedupe_key: format!("{}:{}:{}:{mode}:{date}", Kind::Digest, o.id, Reason::NoRecipient),
        state: NotificationState::Scheduled,
        reason: None,
        detail: None,
        due_at: at,
        not_before: at,
        deadline: slots.deadline(date),
        onboarding_ids: vec![o.id.clone()],
    };
    let detail = "no active CSM and no active workspace owner".to_owned();
    let again = add_days(date, o.frequency_days.max(1));
    let next = slots.first(again, at).map(|(_, at)| at);
    (vec![plan.skipped(Reason::NoRecipient, detail)], Standing::of(o, next))
}

fn steps(
    audience: &Audience<'_>,
    o: &Onboarding,
    person: &Person,
    step: Step,
    at: DateTime<Utc>,
) -> Vec<Planned> {
    let waiting = step.kind == Kind::WaitingOnCustomer;
    let done = if waiting { o.waiting_step } else { o.stalled_step };
    let mut plans: Vec<Planned> = (done + 1..step.number)
        .map(|number| {
            let days = rung_days(audience.workspace, o, step.kind, number);
            let passed = Step { number, days, last: false, ..step };
            let detail = format!("step {} was reached first", step.number);
            nudge_to(audience, o, (at, person), passed, false, at)
                .skipped(Reason::Superseded, detail)
        })
        .collect();
    plans.push(nudge_to(audience, o, (at, person), step, false, at));
    if waiting && step.last {
        let escalation = audience
            .escalation
            .and_then(|desk| desk.next_hour(audience.workspace, at))
            .filter(|(_, other)| other.id != person.id);
        plans.extend(escalation.map(|other| nudge_to(audience, o, other, step, true, at)));
    }
    if waiting {
        plans.extend(
            audience.contact.and_then(|contact| reminder_to(audience, o, contact, step, at)),
        );
    }
    plans
}

/// The nudge about a step for `person`, who may hear it from `not_before`.
#[must_use]
pub fn nudge_to(
    audience: &Audience<'_>,
    o: &Onboarding,
    (not_before, person): (DateTime<Utc>, &Person),
    step: Step,
    escalation: bool,
    at: DateTime<Utc>,
) -> Planned {
    let workspace = audience.workspace;
    let date = local_date(person.zone, at);
    let mode = o.provenance.mode(step.kind);
    let episode = match step.kind {
        // Several toggles a day are one episode.
        Kind::WaitingOnCustomer => {
            local_date(workspace.zone, o.waiting_since.unwrap_or(at)).to_string()
        }
        _ => o.phase_entered_at.timestamp_millis().to_string(),
    };
    let (channel, state, reason) =
        match nudge(person, o, step.kind, date, audience.channels, &mut ()) {
            Ok(channel) if not_before > at => {
                (channel, NotificationState::Deferred, Some(Reason::OutsideWorkingHours))
            }
            Ok(channel) => (channel, NotificationState::Scheduled, None),
            Err(hold) => (Channel::Slack, NotificationState::Skipped, Some(reason_of(hold))),
        };
    Planned {
        kind: step.kind,
        channel,
        mode,
        recipient_type: RecipientType::User,
        recipient_id: person.id.clone(),
        subject_id: Some(o.id.clone()),
        slot_date: date,
        step: Some((step.number, step.days)),
        escalation,
        dedupe_key: format!(
            "{}:{}:{episode}:{}:{}:{mode}",
            step.kind, o.id, step.number, person.id
        ),
        state,
        reason,
        detail: None,
        due_at: not_before,
        not_before,
        deadline: nudge_deadline(workspace, person, not_before),
        onboarding_ids: vec![o.id.clone()],
    }
}

fn reminder_to(
    audience: &Audience<'_>,
    o: &Onboarding,
    contact: &Contact,
    step: Step,
    at: DateTime<Utc>,
) -> Option<Planned> {
    let workspace = audience.workspace;
    if !workspace.customer_reminders {
        return None;
    }
    let date = local_date(workspace.zone, at);
    let mode = match (o.provenance.mode(Kind::CustomerReminder), contact.mode) {
        (Mode::Live, Mode::Live) => Mode::Live,
        _ => Mode::Test,
    };
    let (state, reason) =
        match customer_reminder(workspace, contact, o, date, audience.channels, &mut ()) {
            Ok(_) => (NotificationState::Scheduled, None),
            Err(hold) => (NotificationState::Skipped, Some(reason_of(hold))),
        };
    Some(Planned {
        kind: Kind::CustomerReminder,
        channel: Channel::Email,
        mode,
        recipient_type: RecipientType::Contact,
        recipient_id: contact.id.clone(),
        subject_id: Some(o.id.clone()),
        slot_date: date,
        step: Some((step.number, step.days)),
        escalation: false,
        dedupe_key: format!("{}:{}:{date}:{mode}", Kind::CustomerReminder, contact.id),
        state,
        reason,
        detail: None,
        due_at: at,
        not_before: at,
        deadline: at + TimeDelta::hours(24),
        onboarding_ids: vec![o.id.clone()],
    })
}

const fn reason_of(hold: Hold) -> Reason {
    match hold {
        Hold::Because(reason) => reason,
        Hold::NotDue => Reason::StateChanged,
    }
}
