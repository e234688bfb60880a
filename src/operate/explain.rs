//! Why somebody hears, or does not hear, of an onboarding: every gate in order, with the values seen.

use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Utc};

use crate::db::{Conn, DbError};
use crate::domain::calendar::local_date;
use crate::domain::decide::{
    Gate, Hold, Step, Trace, digest_line, next_nudge_at, nudge, step_due, step_reached,
};
use crate::domain::facts::{Channels, Onboarding, Person, Workspace};
use crate::domain::findings::{self, Finding, Meanwhile, Turn};
use crate::domain::forecast::Forecasted;
use crate::domain::routing::{Desk, is_away};
use crate::domain::slots::{Slots, quiet_until};
use crate::domain::values::{Channel, Kind, Mode, NotificationState, Reason};
use crate::operate::forecast;
use crate::operate::queues::{self, Queue};
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
    /// Every rule lets it go; only its queue is stopped, or its channel is down.
    pub waits: bool,
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
    look(conn, onboarding, recipient, at, channels, true).await
}

/// Only those gates of [`explain`] that concern a message of a kind, for whoever needs no look at what was and what is to come.
pub async fn gates(
    conn: &mut Conn,
    onboarding: &onboardings::Onboarding,
    recipient: Option<&str>,
    at: DateTime<Utc>,
    channels: Channels,
    kind: Kind,
) -> Result<Vec<Gate>, DbError> {
    let mut gates = look(conn, onboarding, recipient, at, channels, false).await?.gates;
    gates.retain(|gate| concerns(kind, &gate.gate));
    Ok(gates)
}

/// Whether a gate is one of a message: what holds a nudge back is none of a digest, and the other way round.
fn concerns(kind: Kind, gate: &str) -> bool {
    match kind {
        Kind::StalledPhase | Kind::WaitingOnCustomer => {
            !matches!(gate, "due" | "channel" | "slot" | "quiet_hours" | "queue")
        }
        _ => !gate.starts_with("nudge_"),
    }
}

async fn look(
    conn: &mut Conn,
    onboarding: &onboardings::Onboarding,
    recipient: Option<&str>,
    at: DateTime<Utc>,
    channels: Channels,
    around: bool,
) -> Result<Explanation, DbError> {
    let world = worlds::load(
        conn,
        &onboarding.workspace_id,
        About::Onboarding(&onboarding.id),
        channels,
        at,
    )
    .await?;
    let last = if around {
        notifications::of_onboarding(conn, &onboarding.id, at, 5).await?
    } else {
        Vec::new()
    };
    let mut explanation = Explanation {
        onboarding_id: onboarding.id.clone(),
        next: Vec::new(),
        last,
        snoozed_until: None,
        sends: false,
        reason: Some(Reason::Deleted),
        waits: false,
        gates: Vec::new(),
    };
    let Some((world, tracked)) =
        world.as_ref().and_then(|world| Some((world, world.onboardings.first()?)))
    else {
        explanation.gates.gate("exists", false, || Finding::NotYet);
        return Ok(explanation);
    };
    let mut o = tracked.onboarding.clone();
    explanation.snoozed_until = o.snoozed_until;
    if around {
        let mut next = world.forecast(at, forecast::until(at, AHEAD), |_, _| ());
        next.retain(|item| item.plan.state != NotificationState::Skipped);
        next.truncate(5);
        explanation.next = next;
    }

    let desk = tracked.recipient_id.as_deref().and_then(|id| world.desk_of(id));
    let hears = desk.and_then(|desk| desk.hears(at).or(Some(desk.person)));
    let person = match recipient {
        Some(id) => {
            facts::people(conn, &[id.to_owned()]).await?.remove(id).map(|member| member.person)
        }
        None => hears.cloned(),
    };
    let gates = &mut explanation.gates;
    let (Some(person), Some(desk)) = (person, desk) else {
        gates.gate("recipient", false, || Finding::Nobody);
        explanation.reason = Some(Reason::NoRecipient);
        return Ok(explanation);
    };
    let asked = Asked { workspace: &world.workspace, desk, person: &person, at, channels };
    // The row knows what came since. The question is about that day, before its own digest had told of it.
    let date = local_date(person.zone, at);
    if o.last_reminded_on.is_some_and(|last| last >= date) {
        o.last_reminded_on = notifications::last_digest_before(conn, &o.id, date).await?;
    }
    let turn = turn(conn, &world.workspace, &mut o, at).await?;
    let line = asked.digest_gates(&o, gates);
    if let Ok(channel) = line
        && let Some(seen) = held(conn, &world.workspace.id, &o, &person, date, channel, at).await?
    {
        explanation.waits = true;
        let down = matches!(seen, Finding::ChannelDown { .. });
        explanation.reason = down.then_some(Reason::ChannelDown);
        gates.gate("queue", false, || seen);
    } else {
        explanation.sends = line.is_ok();
        explanation.reason = match line {
            Err(Hold::Because(reason)) => Some(reason),
            Err(Hold::NotDue) | Ok(_) => None,
        };
    }
    asked.ladder_gates(&o, turn, gates);
    Ok(explanation)
}

/// What the digest of a day waits for. One that has come to its end waits for nothing; what held a queue only later has not held one that is
/// not written.
async fn held(
    conn: &mut Conn,
    workspace_id: &str,
    o: &Onboarding,
    person: &Person,
    date: NaiveDate,
    channel: Channel,
    at: DateTime<Utc>,
) -> Result<Option<Finding>, DbError> {
    let queue = Queue::of(Kind::Digest, channel);
    let Some((since, seen)) = queues::held(conn, workspace_id, queue).await? else {
        return Ok(None);
    };
    let written = notifications::digest_of(conn, &o.id, &person.id, date).await?;
    let waits = written.map_or(since <= at, NotificationState::is_open);
    Ok(waits.then_some(seen))
}

/// How far the step has come that the onboarding had reached at `at`. Of a nudge written later the onboarding knows nothing then.
async fn turn(
    conn: &mut Conn,
    workspace: &Workspace,
    o: &mut Onboarding,
    at: DateTime<Utc>,
) -> Result<Turn, DbError> {
    let today = local_date(workspace.zone, at);
    let Some(step) = step_reached(workspace, o, today) else { return Ok(Turn::Over) };
    if step_due(workspace, o, today).is_some() {
        return Ok(Turn::Now);
    }
    let nudge = notifications::nudge_of_step(conn, &o.id, step.kind, step.number).await?;
    Ok(match nudge {
        Some((written, _)) if written > at => {
            let told = match step.kind {
                Kind::WaitingOnCustomer => &mut o.waiting_step,
                _ => &mut o.stalled_step,
            };
            *told = step.number - 1;
            Turn::Now
        }
        Some((_, state)) if state.is_open() => Turn::OnItsWay,
        Some((_, NotificationState::Sent | NotificationState::Suppressed)) => Turn::Told,
        _ => Turn::Over,
    })
}

/// Somebody and a time that a question is about.
struct Asked<'a> {
    workspace: &'a Workspace,
    /// Where the onboarding lies.
    desk: Desk<'a>,
    /// About whom is asked.
    person: &'a Person,
    at: DateTime<Utc>,
    channels: Channels,
}

impl Asked<'_> {
    /// The gates of a digest line on the local date of the question. Answers with its channel, or with the first gate that is shut.
    fn digest_gates(&self, o: &Onboarding, gates: &mut Vec<Gate>) -> Result<Channel, Hold> {
        let Self { workspace, person, at, channels, .. } = *self;
        let routed = self.routing_gates(o, gates);
        let date = local_date(person.zone, at);
        let line = digest_line(person, o, date, channels, gates);
        let slots = Slots::of(workspace, person);
        let slot = slots.newest(slots.at(date)).filter(|(day, _)| *day == date);
        let name = || person.name.clone();
        gates.gate("slot", slot.is_some(), || {
            if let Some((_, at)) = slot {
                Finding::Slot { person: name(), date, time: time(at, person), zone: person.zone }
            } else {
                let next = slots.next(at).map(|(next, _)| next);
                Finding::NoSlot { person: name(), date, next }
            }
        });
        let quiet = slot.and_then(|(_, slot)| quiet_until(person, slot));
        let too_late = quiet.is_some_and(|end| end >= slots.deadline(date));
        gates.gate("quiet_hours", !too_late, || match (quiet, person.quiet_hours) {
            (Some(end), _) if too_late => Finding::TooQuiet(time(end, person)),
            (Some(end), _) => Finding::QuietUntil(time(end, person)),
            (None, Some(_)) => Finding::NotQuiet,
            (None, None) => Finding::NoQuietHours { person: name() },
        });
        let mode = o.provenance.mode(Kind::Digest);
        gates.gate("live", mode == Mode::Live, || Finding::Mode(mode));
        let others = [
            slot.is_none().then_some(Hold::NotDue),
            too_late.then_some(Hold::Because(Reason::QuietHours)),
            (mode == Mode::Test).then_some(Hold::Because(Reason::TestMode)),
        ];
        let channel = routed.map_or(line, Err)?;
        others.into_iter().flatten().next().map_or(Ok(channel), Err)
    }

    /// Whether the person is the one who hears: at whose desk it lies, and who is in the office.
    fn routing_gates(&self, o: &Onboarding, gates: &mut Vec<Gate>) -> Option<Hold> {
        let Self { desk, person, at, .. } = *self;
        let owner = desk.person;
        let csm = o.csm_id.as_deref() == Some(owner.id.as_str());
        let own = owner.id == person.id;
        let backup = desk.backup.is_some_and(|backup| backup.id == person.id);
        gates.gate("recipient", own || backup, || Finding::Desk {
            owner: owner.name.clone(),
            csm,
            asked: match (own, backup) {
                (true, _) => findings::Asked::Owner,
                (_, true) => findings::Asked::Backup(person.name.clone()),
                _ => findings::Asked::Stranger(person.name.clone()),
            },
        });
        if !own && !backup {
            return Some(Hold::Because(Reason::NoRecipient));
        }
        let hears = desk.hears(at);
        let theirs = hears.is_some_and(|hears| hears.id == person.id);
        gates.gate("in_office", theirs, || {
            let name = owner.name.clone();
            let Some(until) = owner.out_of_office_until.filter(|_| is_away(owner, at)) else {
                return Finding::InOffice { owner: name };
            };
            let meanwhile = match (hears, desk.backup) {
                (Some(hears), _) => Meanwhile::StandsIn(hears.name.clone()),
                (None, None) => Meanwhile::NoBackup,
                (None, Some(backup)) if backup.active => Meanwhile::BackupAway(backup.name.clone()),
                (None, Some(backup)) => Meanwhile::BackupGone(backup.name.clone()),
            };
            Finding::Away { owner: name, until, meanwhile }
        });
        match (theirs, hears) {
            (true, _) => None,
            (false, Some(_)) => Some(Hold::Because(Reason::NoRecipient)),
            (false, None) => Some(Hold::Because(Reason::Snoozed)),
        }
    }

    /// The gates of a nudge. Where no step is reached they concern nothing.
    fn ladder_gates(&self, o: &Onboarding, turn: Turn, gates: &mut Vec<Gate>) {
        let Self { workspace, desk, person, at, channels } = *self;
        let today = local_date(workspace.zone, at);
        let due = step_due(workspace, o, today);
        let Some(Step { kind, number, days, .. }) = due.or(step_reached(workspace, o, today))
        else {
            return;
        };
        gates.gate("nudge_step", due.is_some(), || Finding::Step { kind, number, days, turn });
        if due.is_none() {
            return;
        }
        let date = local_date(person.zone, at);
        let channel = nudge(person, o, kind, date, channels, &mut ());
        gates.gate("nudge_channel", channel.is_ok(), || match channel {
            Ok(channel) => Finding::NudgeChannel(channel),
            Err(Hold::Because(reason)) => Finding::NudgeHeld(Some(reason)),
            Err(Hold::NotDue) => Finding::NudgeHeld(None),
        });
        let next = next_nudge_at(workspace, Some(desk), o, at);
        gates.gate("nudge_hours", next == Some(at), || match next {
            Some(next) if next == at => Finding::WorkingHours { person: person.name.clone() },
            Some(next) => Finding::NextNudge {
                date: local_date(person.zone, next),
                time: time(next, person),
                zone: person.zone,
            },
            None => Finding::NoNudge,
        });
    }
}

/// The time of day where the person is.
fn time(at: DateTime<Utc>, person: &Person) -> NaiveTime {
    at.with_timezone(&person.zone).time()
}
