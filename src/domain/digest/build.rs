//! A digest from its lines.

use chrono::{DateTime, NaiveDate, Utc};

use super::line::line;
use super::{Absent, Changed, Digest, Group, Line, Seen, StandIn, Totals};
use crate::domain::calendar::instant;
use crate::domain::decide::DIGEST_LINES;
use crate::domain::facts::{Onboarding, Person, Workspace};
use crate::domain::meanwhile::Meanwhile;

/// Everything about a digest that is not its lines.
#[derive(Clone, Debug)]
pub struct Frame<'a> {
    /// The ledger's id.
    pub notification_id: &'a str,
    /// Date of the slot.
    pub date: NaiveDate,
    /// Instant of sending.
    pub at: DateTime<Utc>,
    /// The reader's totals.
    pub totals: Totals,
    /// Name of the escalation user.
    pub escalation: Option<&'a str>,
    /// What happened while the reader was away.
    pub meanwhile: Option<Meanwhile>,
}

/// What a digest carries.
#[derive(Clone, Debug)]
pub struct Item {
    /// The onboarding.
    pub onboarding: Onboarding,
    /// What the last digest showed of it.
    pub before: Option<Seen>,
    /// For whom the reader stands in with it, if not for themselves.
    pub absent: Option<Absent>,
}

/// Puts a digest together: groups and sorts the lines and cuts them at 25.
#[must_use]
pub fn build(ws: &Workspace, reader: &Person, frame: &Frame<'_>, items: &[Item]) -> Digest {
    let own = |item: &&Item| item.absent.is_none();
    let mut lines: Vec<(Option<&Absent>, Line)> = items
        .iter()
        .map(|item| {
            let before = item.before.as_ref();
            let line = line(ws, &item.onboarding, frame.date, before, frame.escalation);
            (item.absent.as_ref(), line)
        })
        .collect();
    lines.sort_by_key(|(absent, line)| {
        let urgency = match line.group {
            Group::Launch => line.launch.map_or(0, |l| l.calendar),
            _ => -line.age.calendar,
        };
        (*absent, line.group, urgency, line.display_id)
    });
    let total = lines.len();
    let changed = Changed::of(lines.iter().map(|(_, line)| line));
    let mut room = DIGEST_LINES;
    let mut parts = lines.chunk_by(|a, b| a.0 == b.0).map(|lines| {
        let shown = &lines[..lines.len().min(room)];
        room -= shown.len();
        (lines[0].0, grouped(shown), tally(lines))
    });
    let (mut groups, mut own_tally, mut stand_ins) = (Vec::new(), [0; 5], Vec::new());
    for (absent, shown, tally) in &mut parts {
        match absent {
            None => (groups, own_tally) = (shown, tally),
            Some(absent) => {
                stand_ins.push(StandIn { absent: absent.clone(), groups: shown, tally });
            }
        }
    }
    // The last digest is the reader's own; that of somebody else only where there is nothing of theirs.
    let seen_on = |item: &Item| item.before.as_ref().map(|seen| seen.on);
    let since = items.iter().filter(own).filter_map(seen_on).max();
    let time = reader.digest_time.unwrap_or(ws.digest_time);
    let slot = instant(reader.zone, frame.date, time);
    let late = frame.at - slot > chrono::TimeDelta::hours(1);
    Digest {
        notification_id: frame.notification_id.to_owned(),
        workspace: ws.name.clone(),
        reader: reader.name.clone(),
        date: frame.date,
        time,
        zone: reader.zone.name().to_owned(),
        days: reader.digest_days.unwrap_or(ws.calendar.working_days).names(),
        late: late.then(|| frame.at.with_timezone(&reader.zone).time()),
        since: since.or_else(|| items.iter().filter_map(seen_on).max()),
        meanwhile: frame.meanwhile.clone(),
        groups,
        tally: own_tally,
        stand_ins,
        total,
        changed,
        as_csm: items.iter().all(|i| i.onboarding.csm_id.as_deref() == Some(reader.id.as_str())),
        totals: frame.totals,
    }
}

/// Lines in order, as groups.
fn grouped(lines: &[(Option<&Absent>, Line)]) -> Vec<(Group, Vec<Line>)> {
    lines
        .chunk_by(|(_, a), (_, b)| a.group == b.group)
        .map(|group| (group[0].1.group, group.iter().map(|(_, line)| line.clone()).collect()))
        .collect()
}

fn tally(lines: &[(Option<&Absent>, Line)]) -> [usize; 5] {
    let mut tally = [0; 5];
    for (_, line) in lines {
        tally[line.group as usize] += 1;
    }
    tally
}
