//! Context of the nudges.

use serde::Serialize;

use super::{
    Action, Link, Row, Shell, Staff, fine_print, row, row_actions, text_line, text_links,
    visible_first_name, why_lead,
};
use crate::domain::digest::Nudge;
use crate::domain::values::{Kind, Locale};
use crate::render::line::Said;
use crate::render::nudge::{NudgeSaid, statement};
use crate::render::words::{NBSP, plain};
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
        let t = brand.locale;
        let said = NudgeSaid::new(t, nudge);
        let stalled = nudge.kind == Kind::StalledPhase;
        let subject = if stalled { subject::stalled } else { subject::waiting }(
            t,
            nudge,
            brand.names_in_subjects,
        );
        let headline = statement(t, nudge, &said.line.customer, &said.line.phase, |days| {
            days.replace(' ', &NBSP.to_string())
        });
        let moves = said.moves();
        let first_name = visible_first_name(t, &nudge.reader);
        let workspace = t.name(&nudge.workspace);
        let fine_print = fine_print(&workspace, &t.reference(&nudge.notification_id), brand);
        let footer_links: Vec<Link> = [
            links.explain().map(|url| Link::new(t.why_this_message(), url)),
            links.mute().map(|url| Link::new(t.change_what_you_get(), url)),
            links
                .unsubscribe()
                .map(|url| Link::shortened(t.unsubscribe_from_nudges(), t.unsubscribe(), url)),
        ]
        .into_iter()
        .flatten()
        .collect();
        let id = said.line.display_id;
        let actions = actions(t, nudge, &said.line, links);
        Self {
            text: NudgeText {
                opening: [&headline, &moves].map(|s| text::paragraph(s)).join("\n"),
                line: text_line(t, &said.line, Some(said.ladder.clone()), links),
                why: text::paragraph(&why_lead(t, first_name.as_deref(), &said.why)),
                links: text_links(&footer_links),
                fine_print: text::paragraph(&text::ascii(&fine_print)),
            },
            staff: Staff {
                shell: Shell {
                    subject,
                    preheader: plain(&format!("{moves} {}", said.line.launch_sentence(t)))
                        .into_owned(),
                    label: t.nudge_label().to_owned(),
                    width: 640,
                    side: 32,
                    fine_print,
                    workspace,
                    first_name,
                    why: said.why,
                },
                date: t.full_day(nudge.date),
                headline,
                under_headline: vec![moves],
                footer_links,
                button: links.onboarding(id).map(|url| Link::new(t.open_number(id), url)),
            },
            row: Row { actions, level: 2, ..row(t, said.line, Some(said.ladder), false, links) },
        }
    }
}

/// What ends it, what delays it, what explains it; the escalation user only looks on.
fn actions(t: Locale, nudge: &Nudge, said: &Said, links: MessageLinks<'_>) -> Vec<Action> {
    let mut actions = Vec::new();
    let replied = links
        .replied(said.display_id)
        .filter(|_| nudge.kind == Kind::WaitingOnCustomer && !nudge.escalation);
    actions.extend(replied.map(|url| Action::new(t.the_customer_replied(), url, said)));
    actions.extend(row_actions(t, said, links).into_iter().skip(usize::from(nudge.escalation)));
    actions
}
