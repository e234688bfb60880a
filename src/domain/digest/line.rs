//! One line: in which group an onboarding stands, how old that is, and what has changed.

use chrono::NaiveDate;

use super::{Age, Change, Group, LAUNCH_NEAR, Launch, Line, LineStep, Seen};
use crate::domain::calendar::{add_days, local_date};
use crate::domain::decide::{Step, stalled_threshold, step_reached};
use crate::domain::facts::{Onboarding, Workspace};
use crate::domain::values::{Kind, State};

/// The line about `o` on `today`, a date in the workspace's calendar. `escalation` names who hears of the last waiting step.
#[must_use]
pub fn line(
    ws: &Workspace,
    o: &Onboarding,
    today: NaiveDate,
    before: Option<&Seen>,
    escalation: Option<&str>,
) -> Line {
    let span = |from: NaiveDate, to: NaiveDate| Age {
        business: ws.calendar.business_days_between(from, to),
        calendar: (to - from).num_days(),
    };
    let days_in_phase = o.days_in_phase(ws.zone, today);
    let target_days = ws.target_days(o.phase);
    let launch = o.launch_date.map(|date| {
        let Age { business, calendar } = span(today, date);
        Launch { date, calendar, business }
    });
    let group = group(o, days_in_phase, target_days, launch);
    let in_phase = Age {
        business: ws.calendar.business_days_between(add_days(today, -days_in_phase), today),
        calendar: days_in_phase,
    };
    let waiting_since = o.waiting_since.map(|at| local_date(ws.zone, at));
    let risk_since = local_date(ws.zone, o.state_entered_at);
    let (age, since) = match group {
        Group::Waiting => {
            let since = waiting_since.unwrap_or(today);
            (span(since, today), Some(since))
        }
        Group::AtRisk => (span(risk_since, today), Some(risk_since)),
        Group::Launch => {
            let distance = launch.map_or(Age { business: 0, calendar: 0 }, |l| Age {
                business: l.business.abs(),
                calendar: l.calendar.abs(),
            });
            (distance, None)
        }
        Group::Stalled | Group::OnTrack => (in_phase, None),
    };
    let figure = figure(group, age, launch);
    Line {
        onboarding_id: o.id.clone(),
        display_id: o.display_id,
        customer: o.customer_name.clone(),
        phase: ws.label(o.phase).to_owned(),
        group,
        age,
        since,
        days_in_phase,
        business_in_phase: in_phase.business,
        target_days,
        step: step_today(ws, o, today, escalation),
        launch,
        change: change(ws, o, before, group, figure),
    }
}

/// What is kept of a line for the next digest.
#[must_use]
pub fn seen(ws: &Workspace, o: &Onboarding, today: NaiveDate) -> Seen {
    let line = line(ws, o, today, None, None);
    Seen {
        on: today,
        group: line.group,
        figure: figure(line.group, line.age, line.launch),
        phase: o.phase,
        launch: o.launch_date,
    }
}

/// The large figure of a line, in the unit its rule counts in; a launch date that has passed counts negative.
fn figure(group: Group, age: Age, launch: Option<Launch>) -> i64 {
    match group {
        Group::Waiting | Group::AtRisk => age.business,
        Group::Stalled | Group::OnTrack => age.calendar,
        Group::Launch => launch.map_or(0, |l| l.calendar),
    }
}

fn group(o: &Onboarding, days_in_phase: i64, target: i64, launch: Option<Launch>) -> Group {
    if o.waiting_on_customer {
        Group::Waiting
    } else if o.state == State::AtRisk {
        Group::AtRisk
    } else if days_in_phase > target {
        Group::Stalled
    } else if launch.is_some_and(|l| l.calendar <= LAUNCH_NEAR) {
        Group::Launch
    } else {
        Group::OnTrack
    }
}

fn step_today(
    ws: &Workspace,
    o: &Onboarding,
    today: NaiveDate,
    escalation: Option<&str>,
) -> Option<LineStep> {
    let step = step_reached(ws, o, today)?;
    let yesterday = step_reached(ws, o, add_days(today, -1));
    if yesterday == Some(step) {
        return None;
    }
    Some(line_step(ws, o, step, escalation))
}

/// A rung in the terms of a line.
#[must_use]
pub fn line_step(ws: &Workspace, o: &Onboarding, step: Step, escalation: Option<&str>) -> LineStep {
    let waiting = step.kind == Kind::WaitingOnCustomer;
    let next_days = (!step.last).then(|| {
        if waiting {
            let next = usize::try_from(step.number).unwrap_or_default();
            ws.waiting_steps.get(next).map_or(0, |days| i64::from(*days))
        } else {
            stalled_threshold(ws.target_days(o.phase), step.number + 1)
        }
    });
    LineStep {
        number: step.number,
        days: step.days,
        last: step.last,
        next_days,
        escalated_to: (waiting && step.last).then(|| escalation.map(str::to_owned)).flatten(),
    }
}

fn change(
    ws: &Workspace,
    o: &Onboarding,
    before: Option<&Seen>,
    group: Group,
    figure: i64,
) -> Change {
    let Some(before) = before else {
        return Change { first: true, ..Change::default() };
    };
    let same_group = before.group == group;
    Change {
        first: false,
        seen_on: Some(before.on),
        regrouped: !same_group,
        figure_before: (same_group && before.figure != figure).then_some(before.figure),
        moved_from: (before.phase != o.phase).then(|| ws.label(before.phase).to_owned()),
        launch_before: (before.launch != o.launch_date).then_some(before.launch),
    }
}
