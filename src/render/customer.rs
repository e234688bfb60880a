//! Context of the one mail that customers get: no day counts, no states, no dates (`product.md` §2 and the kit's third principle).

use serde::Serialize;

use super::email::{Link, Shell, imprint, visible_first_name};
use super::links::MessageLinks;
use super::locale::Labels;
use super::words;
use super::{Brand, subject, text};
use crate::domain::digest::Nudge;
use crate::domain::values::Locale;

/// Context of `email/customer_reminder`.
#[derive(Serialize)]
pub(super) struct CustomerMail {
    #[serde(flatten)]
    shell: Shell,
    phase: String,
    progress: Option<Progress>,
    short_reply: ShortReply,
    ask: &'static str,
    button: Option<Link>,
    signer: Option<String>,
    team: String,
    unsubscribe: Option<Link>,
    text: CustomerText,
}

#[derive(Serialize)]
struct Progress {
    segments: Vec<Segment>,
    width: usize,
    at: String,
    step: String,
    next: String,
}

#[derive(Serialize)]
struct Segment {
    class: &'static str,
    colour: &'static str,
}

#[derive(Serialize)]
struct CustomerText {
    opening: String,
    progress: Option<String>,
    ask: String,
    helps: [String; 4],
    thanks: String,
    why: String,
    unsubscribe: Option<String>,
}

/// The paragraph around the phase, which HTML shows in bold.
#[derive(Serialize)]
struct ShortReply {
    before: String,
    after: String,
}

impl CustomerMail {
    /// The mail of `nudge`.
    pub(super) fn new(nudge: &Nudge, links: MessageLinks<'_>, brand: &Brand) -> Self {
        let t = brand.locale;
        let subject = subject::customer(t, nudge, brand.names_in_subjects);
        let workspace = t.name(&nudge.workspace);
        let customer = words::or(&nudge.line.customer, "");
        let customer = (!customer.is_empty()).then_some(customer);
        let phase = words::or(&nudge.line.phase, t.its_next_step());
        let signer = signer(nudge);
        let who = signer.as_deref().map_or(t.us(), |name| t.address_name(name));
        let progress = progress(t, nudge, &phase);
        let first_name = visible_first_name(t, &nudge.reader);
        let sender = if signer.is_some() { who } else { workspace.as_str() };
        let why = t.why_customer(customer.as_deref(), sender);
        let ask = t.just_answer(signer.is_some());
        let hello =
            first_name.as_deref().map_or_else(|| t.hello().to_owned(), |name| t.hello_name(name));
        let short_reply = t.short_reply(&workspace, &phase);
        let unsubscribe = links.unsubscribe().map(|url| Link::new(t.unsubscribe_from_notes(), url));
        let carry_on = t.short_reply_to(who);
        Self {
            text: CustomerText {
                opening: format!("{hello}\n\n{}", text::paragraph(&short_reply)),
                progress: progress.as_ref().map(|progress| {
                    text::paragraph(&format!("{} {}", progress.step, progress.next))
                }),
                ask: text::paragraph(ask),
                helps: Labels::of(t).helps().map(text::listed),
                thanks: text::paragraph(Labels::of(t).thanks()),
                why: text::paragraph(&text::ascii(&why)),
                unsubscribe: unsubscribe
                    .as_ref()
                    .map(|link| format!("{}:\n{}", link.words, link.url)),
            },
            button: nudge.csm.as_ref().map(|(_, address)| {
                Link::new(t.reply_to(who), mailto(address, &format!("Re: {subject}")))
            }),
            shell: Shell {
                preheader: match &progress {
                    Some(progress) => format!("{}, {phase}. {carry_on}", progress.at),
                    None => carry_on,
                },
                subject,
                label: t.note_from(&match &signer {
                    Some(name) => t.name_at(t.address_name(name), &workspace),
                    None => workspace.clone(),
                }),
                width: 600,
                side: 40,
                first_name,
                why,
                fine_print: imprint(&workspace, brand),
                workspace: workspace.clone(),
            },
            short_reply: around(&short_reply, &phase),
            phase,
            progress,
            ask,
            signer,
            team: t.team(&workspace),
            unsubscribe,
        }
    }

    /// "Maren Holt, Tallybrook".
    pub(super) fn from_name(nudge: &Nudge, brand: &Brand) -> String {
        let workspace = brand.locale.name(&nudge.workspace);
        match signer(nudge) {
            Some(name) => format!("{name}, {workspace}"),
            None => workspace,
        }
    }
}

/// The CSM, who signs and answers.
fn signer(nudge: &Nudge) -> Option<String> {
    let name = nudge.csm.as_ref().map(|(name, _)| words::or(name, ""))?;
    (!name.is_empty()).then_some(name)
}

/// What stands before and after the last `phase` of a paragraph.
fn around(paragraph: &str, phase: &str) -> ShortReply {
    let (before, after) = paragraph.rsplit_once(phase).unwrap_or((paragraph, ""));
    ShortReply { before: before.to_owned(), after: after.to_owned() }
}

/// How far the onboarding is; `None` when its phase is not one that the customer is shown.
fn progress(t: Locale, nudge: &Nudge, phase: &str) -> Option<Progress> {
    let at = nudge.phases.iter().position(|label| *label == nudge.line.phase)?;
    let all = nudge.phases.len();
    let segments = (0..all)
        .map(|index| match index.cmp(&at) {
            std::cmp::Ordering::Less => Segment { class: "s-done", colour: "#1c1b19" },
            std::cmp::Ordering::Equal => Segment { class: "s-now", colour: "#2f4bc7" },
            std::cmp::Ordering::Greater => Segment { class: "s-next", colour: "#dcd7ce" },
        })
        .collect();
    let step_of = t.step_of(at + 1, all);
    Some(Progress {
        segments,
        width: 100 / all.max(1),
        step: format!("{step_of}: {phase}."),
        at: step_of,
        next: match nudge.phases.get(at + 1) {
            Some(next) => t.next_comes(&words::or(next, t.the_next_step())),
            None => t.last_phase().to_owned(),
        },
    })
}

/// A `mailto:` link with a subject; everything but letters, digits and `-._~@` is percent-encoded.
fn mailto(address: &str, subject: &str) -> String {
    fn encode(text: &str, url: &mut String) {
        use std::fmt::Write;
        for byte in text.bytes() {
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'@' => {
                    url.push(char::from(byte));
                }
                // Writing to a string cannot fail.
                _ => drop(write!(url, "%{byte:02X}")),
            }
        }
    }
    let mut url = "mailto:".to_owned();
    encode(address, &mut url);
    url.push_str("?subject=");
    encode(subject, &mut url);
    url
}
