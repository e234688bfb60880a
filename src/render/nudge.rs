//! What a nudge says: one statement, a few facts, and which step of its ladder it is.

use super::line::Said;
use super::locale::Noun;
use super::summary;
use super::words::stop;
use crate::domain::decide::STALLED_STEPS;
use crate::domain::digest::{Age, Group, Line, Nudge};
use crate::domain::values::{Kind, Locale};

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
    pub(super) fn new(t: Locale, nudge: &Nudge) -> Self {
        let line = Said::new(t, &subject_line(nudge), nudge.date, None);
        let ladder = ladder(t, nudge);
        let age = if nudge.kind == Kind::StalledPhase {
            let days = t.count(line.figure, Noun::CalendarDay);
            vec![
                format!("#{}.", line.display_id),
                format!("{days} {}, {}.", line.other_unit, t.holds_not_counted()),
            ]
        } else {
            let since = t.day(nudge.line.since.unwrap_or(nudge.date), nudge.date);
            let days = t.count(nudge.line.age.calendar, Noun::CalendarDay);
            vec![format!("#{}, {}.", line.display_id, line.phase), t.since_for(&since, &days)]
        };
        let launch = line.launch_sentence(t);
        let csm = nudge.csm.as_ref().filter(|_| nudge.escalation);
        Self {
            next_move: format!("{}.", t.next_move(line.group)),
            csm: csm.map(|(name, _)| t.csm(&t.name(name))),
            stands_in: nudge
                .stands_in
                .as_ref()
                .map(|absent| stop(&summary::stands_in(t, absent, nudge.date))),
            facts: age.into_iter().chain([launch, ladder.clone()]).collect(),
            why: why(t, nudge),
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
    t: Locale,
    nudge: &Nudge,
    who: &str,
    phase: &str,
    strong: impl Fn(&str) -> String,
) -> String {
    let said = if nudge.kind == Kind::StalledPhase {
        let days = strong(&t.count_after(nudge.line.days_in_phase, Noun::Day));
        t.has_been_in(who, phase, &days, &t.target(nudge.line.target_days))
    } else {
        let lead = t.have_waited(nudge.escalation || nudge.stands_in.is_some());
        match t.duration_after(nudge.line.age) {
            Some(days) => t.waited_on_for(lead, who, &strong(&days)),
            None => t.waited_on_since_today(lead, who),
        }
    };
    stop(&said)
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

fn ladder(t: Locale, nudge: &Nudge) -> String {
    let step = &nudge.step;
    if nudge.kind == Kind::StalledPhase {
        return match step.next_days {
            Some(next) => {
                let after = t.count_after(next - 1, Noun::Day);
                t.nudge_of(step.number, STALLED_STEPS, &after)
            }
            None => t.nudge_last(step.number, STALLED_STEPS),
        };
    }
    match (&step.escalated_to, step.next_days) {
        _ if nudge.escalation => t.last_step_you_too().to_owned(),
        (Some(name), _) => t.last_step_told(&t.name(name)),
        (None, Some(next)) => t.this_step(step.days, &t.count_after(next, Noun::BusinessDay)),
        (None, None) => t.last_step().to_owned(),
    }
}

fn why(t: Locale, nudge: &Nudge) -> String {
    let workspace = t.name(&nudge.workspace);
    let onboarding = format!("{} #{}", t.name(&nudge.line.customer), nudge.line.display_id);
    let role = match &nudge.csm {
        _ if nudge.escalation => match &nudge.stands_in {
            Some(absent) => t.why_escalated_for(&t.name(&absent.name), &workspace, &onboarding),
            None => t.why_escalated(&workspace, &onboarding),
        },
        Some((name, _)) if *name == nudge.reader => t.you_are_csm_of(&onboarding),
        Some((name, _)) => t.you_stand_in_for_csm(&t.name(name), &onboarding),
        None => t.no_csm_you_stand_in(&onboarding),
    };
    let when = if nudge.kind == Kind::StalledPhase { t.when_stalled() } else { t.when_waiting() };
    format!("{role}. {when}")
}
