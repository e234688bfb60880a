//! What happened while the reader was out of office, in words.

use chrono::NaiveDate;
use serde::Serialize;

use super::locale::Noun;
use super::text;
use super::words::{self, int};
use crate::domain::digest::Digest;
use crate::domain::meanwhile::{Event, Meanwhile as Summary, What};
use crate::domain::values::Locale;

/// The summary of an absence, in words.
#[derive(Serialize)]
pub(super) struct Meanwhile {
    /// Heading.
    pub(super) title: &'static str,
    /// Who stood in and how much happened.
    pub(super) opening: String,
    /// One onboarding a sentence.
    pub(super) lines: Vec<String>,
}

impl Meanwhile {
    /// The words of the summary that opens `digest`, if one does.
    pub(super) fn of(t: Locale, digest: &Digest) -> Option<Self> {
        let summary = digest.meanwhile.as_ref()?;
        let mut lines: Vec<String> =
            summary.events.iter().map(|event| line(t, event, digest.date)).collect();
        if summary.more() > 0 {
            lines.push(t.and_more_sentence(summary.more()));
        }
        let opening = opening(t, summary, digest.date);
        Some(Self { title: t.while_you_were_out(), opening, lines })
    }

    /// The same in the text part.
    pub(super) fn text(&self) -> String {
        let opening = text::paragraph(&self.opening);
        let lines = self.lines.iter().map(|line| text::indented(line));
        let lines = lines.collect::<Vec<_>>().join("\n");
        let parts = [self.title.to_uppercase(), text::FRAME.to_owned(), String::new(), opening];
        let head = parts.join("\n");
        if lines.is_empty() { head } else { format!("{head}\n\n{lines}") }
    }
}

fn opening(t: Locale, summary: &Summary, today: NaiveDate) -> String {
    let since = t.day(summary.since, today);
    let words = [
        t.closed(),
        t.moved_to_another_phase(),
        t.answered(),
        t.marked_at_risk_since(),
        t.new_waiting(),
        t.still_waiting(),
    ];
    let counted: Vec<String> = summary
        .counts
        .into_iter()
        .zip(words)
        .filter(|(n, _)| *n > 0)
        .map(|(n, what)| format!("{n} {what}"))
        .collect();
    let happened = if counted.is_empty() {
        t.nothing_changed_since(&since)
    } else {
        let total = t.count(int(summary.counts.iter().sum()), Noun::Onboarding);
        t.to_know_of(&total, &since, &counted.join(", "))
    };
    match &summary.stand_in {
        Some(name) => format!("{} {happened}", t.stood_in(&t.name(name))),
        None => happened,
    }
}

fn line(t: Locale, event: &Event, today: NaiveDate) -> String {
    let who = format!("{} #{}", t.name(&event.customer), event.display_id);
    let by = event
        .by
        .as_ref()
        .map_or_else(String::new, |(name, on)| t.on_by(&t.day(*on, today), &t.name(name)));
    let label = |label: &str| words::or(label, t.no_phase());
    match &event.what {
        What::Closed => t.was_completed(&who, &by),
        What::Moved { from, to } => t.was_moved(&who, &label(from), &label(to), &by),
        What::Answered => t.was_answered(&who, &by),
        What::AtRisk => t.was_at_risk(&who, &by),
        What::Waits => t.waits_now(&who, &by),
        What::StillWaits(age) => {
            let days = t.duration_after(*age).unwrap_or_else(|| t.less_than_a_day().to_owned());
            t.still_waits(&who, &days)
        }
    }
}
