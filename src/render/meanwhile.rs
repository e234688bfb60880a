//! What happened while the reader was out of office, in words.

use chrono::NaiveDate;
use serde::Serialize;

use super::text;
use super::words::{self, count, day, int};
use crate::domain::digest::Digest;
use crate::domain::meanwhile::{Event, Meanwhile as Summary, What};

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
    pub(super) fn of(digest: &Digest) -> Option<Self> {
        let summary = digest.meanwhile.as_ref()?;
        let mut lines: Vec<String> =
            summary.events.iter().map(|event| line(event, digest.date)).collect();
        if summary.more() > 0 {
            lines.push(format!("and {} more.", summary.more()));
        }
        let opening = opening(summary, digest.date);
        Some(Self { title: "While you were out", opening, lines })
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

fn opening(summary: &Summary, today: NaiveDate) -> String {
    let since = day(summary.since, today);
    let words = [
        "closed",
        "moved to another phase",
        "answered",
        "marked at risk",
        "new waiting",
        "still waiting",
    ];
    let counted: Vec<String> = summary
        .counts
        .into_iter()
        .zip(words)
        .filter(|(n, _)| *n > 0)
        .map(|(n, what)| format!("{n} {what}"))
        .collect();
    let happened = if counted.is_empty() {
        format!("Nothing has changed since {since}.")
    } else {
        let total = count(int(summary.counts.iter().sum()), "onboarding");
        format!("{total} to know of since {since}: {}.", counted.join(", "))
    };
    match &summary.stand_in {
        Some(name) => format!("{} stood in for you. {happened}", words::name(name)),
        None => happened,
    }
}

fn line(event: &Event, today: NaiveDate) -> String {
    let who = format!("{} #{}", words::name(&event.customer), event.display_id);
    let by = event.by.as_ref().map_or_else(String::new, |(name, on)| {
        format!(" on {}, by {}", day(*on, today), words::name(name))
    });
    let label = |label: &str| words::or(label, "(no phase)");
    match &event.what {
        What::Closed => format!("{who}: completed{by}."),
        What::Moved { from, to } => {
            format!("{who}: moved from {} to {}{by}.", label(from), label(to))
        }
        What::Answered => format!("{who}: no longer waiting on the customer, marked{by}."),
        What::AtRisk => format!("{who}: marked at risk{by}."),
        What::Waits => format!("{who}: waiting on the customer, marked{by}."),
        What::StillWaits(age) => {
            let days = super::line::duration(*age).unwrap_or_else(|| "less than a day".to_owned());
            format!("{who}: still waiting on the customer, for {days}.")
        }
    }
}
