//! What a nudge says: one statement, a few facts, and which step of its ladder it is.

use super::line::{self, Said};
use super::summary;
use super::words::{self, count, day};
use crate::domain::decide::STALLED_STEPS;
use crate::domain::digest::{Age, Group, Line, Nudge};
use crate::domain::values::Kind;

/// A nudge in words.
pub(super) struct NudgeSaid {
    /// The onboarding as in a digest, under the reason of this nudge.
    pub(super) line: Said,
    /// "Next move: theirs."
    pub(super) next_move: String,
    /// "CSM: Maren Holt.", for the escalation user.
    pub(super) csm: Option<String>,
    /// "For Maren Holt, out until Mon 23 Nov.", for whoever stands in.
    pub(super) stands_in: Option<String>,
    /// Which step it is and when the next one comes.
    pub(super) ladder: String,
    /// Everything else worth knowing, as sentences.
    pub(super) facts: Vec<String>,
    /// Why this reader gets it.
    pub(super) why: String,
}

impl NudgeSaid {
    /// Words for `nudge`.
    pub(super) fn new(nudge: &Nudge) -> Self {
        let line = Said::new(&subject_line(nudge), nudge.date, None);
        let ladder = ladder(nudge);
        let age = if nudge.kind == Kind::StalledPhase {
            let days = count(line.figure, "calendar day");
            vec![
                format!("#{}.", line.display_id),
                format!("{days} {}, waiting and pauses not counted.", line.other_unit),
            ]
        } else {
            let since = day(nudge.line.since.unwrap_or(nudge.date), nudge.date);
            let days = count(nudge.line.age.calendar, "calendar day");
            vec![
                format!("#{}, {}.", line.display_id, line.phase),
                format!("Since {since}, {days}."),
            ]
        };
        let launch = line.launch_sentence();
        Self {
            next_move: format!("{}.", line::look(line.group).next_move),
            csm: nudge
                .csm
                .as_ref()
                .filter(|_| nudge.escalation)
                .map(|(name, _)| format!("CSM: {}.", words::name(name))),
            stands_in: nudge
                .stands_in
                .as_ref()
                .map(|absent| format!("{}.", summary::stands_in(absent, nudge.date))),
            facts: age.into_iter().chain([launch, ladder.clone()]).collect(),
            why: why(nudge),
            ladder,
            line,
        }
    }

    /// The sentences after the statement.
    pub(super) fn moves(&self) -> String {
        let parts = [Some(&self.next_move), self.csm.as_ref(), self.stands_in.as_ref()];
        parts.into_iter().flatten().map(String::as_str).collect::<Vec<_>>().join(" ")
    }
}

/// The statement, around a name and a phase that are escaped already; `strong` dresses the length of time.
pub(super) fn statement(
    nudge: &Nudge,
    who: &str,
    phase: &str,
    strong: impl Fn(&str) -> String,
) -> String {
    if nudge.kind == Kind::StalledPhase {
        let days = strong(&count(nudge.line.days_in_phase, "day"));
        let target = nudge.line.target_days;
        format!("{who} has been in {phase} for {days}; the target is {target}.")
    } else {
        let ours = nudge.escalation || nudge.stands_in.is_some();
        let lead = if ours { "We have waited" } else { "You have waited" };
        match line::duration(nudge.line.age) {
            Some(days) => format!("{lead} on {who} for {}.", strong(&days)),
            None => format!("{lead} on {who} since today."),
        }
    }
}

/// "for 15 business days".
pub(super) fn waited(nudge: &Nudge) -> String {
    line::duration(nudge.line.age)
        .map_or_else(|| "since today".to_owned(), |days| format!("for {days}"))
}

/// The onboarding under the reason of the nudge: one that is at risk as well has been long in its phase all the same.
fn subject_line(nudge: &Nudge) -> Line {
    let mut line = nudge.line.clone();
    line.step = None;
    if nudge.kind == Kind::StalledPhase {
        line.group = Group::Stalled;
        line.age = Age { business: line.business_in_phase, calendar: line.days_in_phase };
    } else {
        line.group = Group::Waiting;
    }
    line
}

fn ladder(nudge: &Nudge) -> String {
    let step = &nudge.step;
    if nudge.kind == Kind::StalledPhase {
        let number = step.number;
        return match step.next_days {
            Some(next) => {
                let after = count(next - 1, "day");
                format!("Nudge {number} of at most {STALLED_STEPS}; the next one after {after}.")
            }
            None => {
                format!("Nudge {number} of at most {STALLED_STEPS}, the last one for this phase.")
            }
        };
    }
    match (&step.escalated_to, step.next_days) {
        _ if nudge.escalation => "This is the last step, so you are told too.".to_owned(),
        (Some(name), _) => {
            format!("This is the last step; {} was told too.", words::name(name))
        }
        (None, Some(next)) => {
            let next = count(next, "business day");
            format!("This is the {}-day step; the next one comes after {next}.", step.days)
        }
        (None, None) => "This is the last step.".to_owned(),
    }
}

fn why(nudge: &Nudge) -> String {
    let workspace = words::name(&nudge.workspace);
    let onboarding = format!("{} #{}", words::name(&nudge.line.customer), nudge.line.display_id);
    let role = match &nudge.csm {
        _ if let Some(absent) = nudge.stands_in.as_ref().filter(|_| nudge.escalation) => format!(
            "you stand in for {}, who hears of the last step of every long wait in {workspace}, and {onboarding} has reached it",
            words::name(&absent.name)
        ),
        _ if nudge.escalation => format!(
            "you hear of the last step of every long wait in {workspace}, and {onboarding} has reached it"
        ),
        Some((name, _)) if *name == nudge.reader => format!("you are the CSM of {onboarding}"),
        Some((name, _)) => {
            format!("you stand in for {}, the CSM of {onboarding}", words::name(name))
        }
        None => format!("{onboarding} has no CSM, and you stand in"),
    };
    let when = if nudge.kind == Kind::StalledPhase {
        "A nudge comes when a phase is past its target, at most six times."
    } else {
        "A nudge comes on its steps only, while the next move is theirs."
    };
    format!("{role}. {when}")
}
