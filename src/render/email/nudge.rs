//! Context of the nudges.

use serde::Serialize;

use super::{
    Action, FinePrint, Link, Row, Shell, Staff, row, row_actions, text_line, text_links,
    visible_first_name, why_lead,
};
use crate::domain::digest::Nudge;
use crate::domain::values::Kind;
use crate::render::line::Said;
use crate::render::nudge::{NudgeSaid, statement};
use crate::render::words::{self, NBSP, full_day, plain};
use crate::render::{Brand, MessageLinks, subject, text};

/// Context of `email/stalled_phase` and `email/waiting_on_customer`.
#[derive(Serialize)]
pub(in crate::render) struct NudgeMail {
    #[serde(flatten)]
    staff: Staff,
    row: Row,
    text: NudgeText,
}

#[derive(Serialize)]
struct NudgeText {
    opening: String,
    line: String,
    why: String,
    links: Vec<String>,
    fine_print: String,
}

impl NudgeMail {
    /// The mail of `nudge`.
    pub(in crate::render) fn new(nudge: &Nudge, links: MessageLinks<'_>, brand: &Brand) -> Self {
        let said = NudgeSaid::new(nudge);
        let stalled = nudge.kind == Kind::StalledPhase;
        let subject = if stalled { subject::stalled } else { subject::waiting }(
            nudge,
            brand.names_in_subjects,
        );
        let headline = statement(nudge, &said.line.customer, &said.line.phase, |days| {
            days.replace(' ', &NBSP.to_string())
        });
        let moves = said.moves();
        let first_name = visible_first_name(&nudge.reader);
        let workspace = words::name(&nudge.workspace);
        let reference = format!("Reference {}", nudge.notification_id);
        let fine = FinePrint { workspace: &workspace, as_of: Some(reference), brand };
        let footer_links: Vec<Link> = [
            ("Why this message", links.explain()),
            ("Change what you get", links.mute()),
            ("Unsubscribe from e-mail nudges", links.unsubscribe()),
        ]
        .into_iter()
        .filter_map(|(words, url)| url.map(|url| Link { words: words.to_owned(), url }))
        .collect();
        let id = said.line.display_id;
        let actions = actions(nudge, &said.line, links);
        Self {
            text: NudgeText {
                opening: [&headline, &moves].map(|s| text::paragraph(s)).join("\n"),
                line: text_line(&said.line, Some(said.ladder.clone()), links),
                why: text::paragraph(&why_lead(first_name.as_deref(), &said.why)),
                links: text_links(&footer_links),
                fine_print: text::paragraph(&fine.text()),
            },
            staff: Staff {
                shell: Shell {
                    subject,
                    preheader: plain(&format!("{moves} {}", said.line.launch_sentence()))
                        .into_owned(),
                    label: "Onboarding nudge".to_owned(),
                    width: 640,
                    side: 32,
                    fine_print: fine.html(),
                    workspace,
                    first_name,
                    why: said.why,
                },
                date: full_day(nudge.date),
                headline,
                under_headline: vec![moves],
                footer_links,
                button: links.onboarding(id).map(|url| Link { words: format!("Open #{id}"), url }),
            },
            row: Row { actions, level: 2, ..row(said.line, Some(said.ladder), false, links) },
        }
    }
}

/// What ends it, what delays it, what explains it; the escalation user only looks on.
fn actions(nudge: &Nudge, said: &Said, links: MessageLinks<'_>) -> Vec<Action> {
    let mut actions = Vec::new();
    let replied = links
        .replied(said.display_id)
        .filter(|_| nudge.kind == Kind::WaitingOnCustomer && !nudge.escalation);
    actions.extend(replied.map(|url| Action::new("The customer\u{a0}replied", url, said)));
    actions.extend(row_actions(said, links).into_iter().skip(usize::from(nudge.escalation)));
    actions
}
