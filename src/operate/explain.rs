//! Why somebody hears, or does not hear, of an onboarding: every gate in order, with the values seen.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};

use crate::db::{Conn, DbError};
use crate::domain::calendar::local_date;
use crate::domain::decide::{Gate, Hold, Slots, Trace, digest_line, nudge, step_due, step_reached};
use crate::domain::facts::{Channels, Onboarding, Person, Workspace};
use crate::domain::forecast::Forecasted;
use crate::domain::values::{Kind, Mode, NotificationState, Reason};
use crate::store::notifications::{self, Notification};
use crate::store::worlds::{self, About};
use crate::store::{facts, onboardings};

/// The reminders of one onboarding: to come, past, and why.
#[derive(Clone, Debug)]
pub struct Explanation {
    /// Its id.
    pub onboarding_id: String,
    /// The next notifications, if nothing changes.
    pub next: Vec<Forecasted>,
    /// The last ones, newest first.
    pub last: Vec<Notification>,
    /// Reminders resume on this date.
    pub snoozed_until: Option<NaiveDate>,
    /// Whether a digest line would be sent to the recipient on the day asked about.
    pub sends: bool,
    /// What holds it back, where that is one of the ledger's reasons.
    pub reason: Option<Reason>,
    /// Every gate that was tried, in order.
    pub gates: Vec<Gate>,
}

/// How far ahead the next notifications are looked for.
const AHEAD: TimeDelta = TimeDelta::days(60);

/// Explains an onboarding that exists. `recipient` asks about another person than the one who would hear of it, `at` about another time.
pub async fn explain(
    conn: &mut Conn,
    onboarding: &onboardings::Onboarding,
    recipient: Option<&str>,
    at: DateTime<Utc>,
    channels: Channels,
) -> Result<Explanation, DbError> {
    let world = worlds::load(
        conn,
        &onboarding.workspace_id,
        About::Onboarding(&onboarding.id),
        channels,
        at,
    )
    .await?;
    let last = notifications::of_onboarding(conn, &onboarding.id, at, 5).await?;
    let mut explanation = Explanation {
        onboarding_id: onboarding.id.clone(),
        next: Vec::new(),
        last,
        snoozed_until: None,
        sends: false,
        reason: Some(Reason::Deleted),
        gates: Vec::new(),
    };
    let Some((world, tracked)) =
        world.as_ref().and_then(|world| Some((world, world.onboardings.first()?)))
    else {
        explanation
            .gates
            .gate("exists", false, || "The onboarding did not exist at that time.".to_owned());
        return Ok(explanation);
    };
    let o = &tracked.onboarding;
    explanation.snoozed_until = o.snoozed_until;
    let mut next = world.forecast(at, at + AHEAD, |_, _| ());
    next.retain(|item| item.plan.state != NotificationState::Skipped);
    next.truncate(5);
    explanation.next = next;

    let routed = tracked.recipient_id.as_deref();
    let asked = recipient.or(routed);
    let person = match asked {
        Some(id) => {
            facts::people(conn, &[id.to_owned()]).await?.remove(id).map(|member| member.person)
        }
        None => None,
    };
    let gates = &mut explanation.gates;
    let Some(person) = person else {
        gates.gate("recipient", false, || {
            "There is no active CSM and no active workspace owner.".to_owned()
        });
        explanation.reason = Some(Reason::NoRecipient);
        return Ok(explanation);
    };
    let hold = gates_of(&world.workspace, o, &person, routed, at, channels, gates);
    explanation.sends = hold.is_none();
    explanation.reason = match hold {
        Some(Hold::Because(reason)) => Some(reason),
        Some(Hold::NotDue) | None => None,
    };
    Ok(explanation)
}

/// The gates of a digest line on the local date of `at`, then those of the ladders. Answers with the first that is shut, of the line.
fn gates_of(
    workspace: &Workspace,
    o: &Onboarding,
    person: &Person,
    routed: Option<&str>,
    at: DateTime<Utc>,
    channels: Channels,
    gates: &mut Vec<Gate>,
) -> Option<Hold> {
    let date = local_date(person.zone, at);
    let theirs = routed == Some(person.id.as_str());
    let csm = o.csm_id.as_deref() == Some(person.id.as_str());
    gates.gate("recipient", theirs, || match (theirs, csm) {
        (true, true) => format!("{} is the CSM.", person.name),
        (true, false) => format!("{} owns the workspace, and there is no active CSM.", person.name),
        _ => format!("{} is not the one who hears of this onboarding.", person.name),
    });
    let line = digest_line(person, o, date, channels, gates);
    let slots = Slots::of(workspace, person);
    let slot = slots.newest(slots.at(date)).filter(|(day, _)| *day == date);
    gates.gate("slot", slot.is_some(), || match slot {
        Some((_, at)) => format!(
            "{}'s digest of {date} is due at {} ({}).",
            person.name,
            at.with_timezone(&person.zone).format("%H:%M"),
            person.zone
        ),
        None => match slots.next(at) {
            Some((day, _)) => {
                format!("{date} has no digest slot for {}; the next one is {day}.", person.name)
            }
            None => format!("{} has no digest slot within a year.", person.name),
        },
    });
    let mode = o.provenance.mode(Kind::Digest);
    gates.gate("live", mode == Mode::Live, || match mode {
        Mode::Live => "Nothing about it was written by a test key.".to_owned(),
        Mode::Test => "A test key created it or last wrote its CSM or reminder settings: rendered and kept, never sent.".to_owned(),
    });
    ladder_gates(workspace, o, person, at, channels, gates);
    let line = line.err();
    let others = [
        (!theirs).then_some(Hold::Because(Reason::NoRecipient)),
        slot.is_none().then_some(Hold::NotDue),
        (mode == Mode::Test).then_some(Hold::Because(Reason::TestMode)),
    ];
    line.or(others.into_iter().flatten().next())
}

fn ladder_gates(
    workspace: &Workspace,
    o: &Onboarding,
    person: &Person,
    at: DateTime<Utc>,
    channels: Channels,
    gates: &mut Vec<Gate>,
) {
    let today = local_date(workspace.zone, at);
    let reached = step_reached(workspace, o, today);
    let due = step_due(workspace, o, today);
    gates.gate("nudge_step", due.is_some(), || match (reached, due) {
        (_, Some(step)) => format!(
            "Step {} of the ladder {} ({} days) is reached and not told yet.",
            step.number, step.kind, step.days
        ),
        (Some(step), None) => format!(
            "Step {} of the ladder {} ({} days) was told already.",
            step.number, step.kind, step.days
        ),
        (None, None) => "No step of a ladder is reached.".to_owned(),
    });
    if let Some(step) = due {
        let channel = nudge(person, o, step.kind, local_date(person.zone, at), channels, &mut ());
        gates.gate("nudge_channel", channel.is_ok(), || match channel {
            Ok(channel) => format!("The nudge goes out by {channel}."),
            Err(Hold::Because(reason)) => {
                format!("The nudge is not sent: {}.", reason.as_str().replace('_', " "))
            }
            Err(Hold::NotDue) => "The nudge is not due.".to_owned(),
        });
    }
}
