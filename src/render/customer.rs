//! Context of the one mail that customers get: no day counts, no states, no dates (`product.md` §2 and the kit's third principle).

use serde::Serialize;

use super::email::{Link, Shell, imprint, visible_first_name};
use super::words;
use super::{Brand, MessageLinks, subject, text};
use crate::domain::digest::Nudge;

/// Context of `email/customer_reminder`.
#[derive(Serialize)]
pub(super) struct CustomerMail {
    #[serde(flatten)]
    shell: Shell,
    phase: String,
    progress: Option<Progress>,
    ask: String,
    helps: [&'static str; 4],
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
    thanks: String,
    why: String,
    unsubscribe: Option<String>,
}

const HELPS: [&str; 4] = [
    "what you have so far, even if it is not complete",
    "a day that suits you better",
    "a question, if we have not been clear",
    "the name of a colleague who is the better person to ask",
];

const THANKS: &str =
    "If your answer is already on its way: thank you, and please ignore this note.";

impl CustomerMail {
    /// The mail of `nudge`.
    pub(super) fn new(nudge: &Nudge, links: MessageLinks<'_>, brand: &Brand) -> Self {
        let subject = subject::customer(nudge, brand.names_in_subjects);
        let workspace = words::name(&nudge.workspace);
        let customer = words::or(&nudge.line.customer, "the customer");
        let phase = words::or(&nudge.line.phase, "its next step");
        let signer = signer(nudge);
        let who = signer.as_deref().map_or("us", words::first_name);
        let progress = progress(nudge, &phase);
        let first_name = visible_first_name(&nudge.reader);
        let why = |apostrophe: char| {
            let sender = if signer.is_some() { who } else { workspace.as_str() };
            format!(
                "You get this note because you are {customer}{apostrophe}s contact for this onboarding. \
                 It is sent automatically for {sender}, at most once a day, and only while the next step is with you."
            )
        };
        let ask = if signer.is_some() {
            "Just answer this mail. It comes to me, and any of these helps:"
        } else {
            "Just answer this mail. It comes to us, and any of these helps:"
        };
        let hello =
            first_name.as_ref().map_or("Hello,".to_owned(), |name| format!("Hello {name},"));
        let short_reply = format!(
            "Your {workspace} onboarding is at {phase}, and a short reply from you is enough for us to carry on."
        );
        let unsubscribe = links
            .unsubscribe()
            .map(|url| Link { words: "Unsubscribe from these notes".to_owned(), url });
        Self {
            text: CustomerText {
                opening: format!("{hello}\n\n{}", text::paragraph(&short_reply)),
                progress: progress.as_ref().map(|progress| {
                    text::paragraph(&format!("{} {}", progress.step, progress.next))
                }),
                ask: text::paragraph(ask),
                thanks: text::paragraph(THANKS),
                why: text::paragraph(&why('\'')),
                unsubscribe: unsubscribe
                    .as_ref()
                    .map(|link| format!("{}:\n{}", link.words, link.url)),
            },
            button: nudge.csm.as_ref().map(|(_, address)| Link {
                words: format!("Reply to {who}"),
                url: mailto(address, &format!("Re: {subject}")),
            }),
            shell: Shell {
                preheader: match &progress {
                    Some(progress) => format!(
                        "{}, {phase}. A short reply to {who} is enough for us to carry on.",
                        progress.step.split(':').next().unwrap_or_default()
                    ),
                    None => format!("A short reply to {who} is enough for us to carry on."),
                },
                subject,
                label: format!("A note from {}", from_whom(signer.as_deref(), &workspace)),
                width: 600,
                side: 40,
                first_name,
                why: why('’'),
                fine_print: imprint(&workspace, brand),
                workspace: workspace.clone(),
            },
            phase,
            progress,
            ask: ask.to_owned(),
            helps: HELPS,
            signer,
            team: format!("Customer success, {workspace}"),
            unsubscribe,
        }
    }

    /// "Maren Holt, Tallybrook".
    pub(super) fn from_name(nudge: &Nudge) -> String {
        let workspace = words::name(&nudge.workspace);
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

fn from_whom(signer: Option<&str>, workspace: &str) -> String {
    match signer {
        Some(name) => format!("{} at {workspace}", words::first_name(name)),
        None => workspace.to_owned(),
    }
}

/// How far the onboarding is; `None` when its phase is not one that the customer is shown.
fn progress(nudge: &Nudge, phase: &str) -> Option<Progress> {
    let at = nudge.phases.iter().position(|label| *label == nudge.line.phase)?;
    let all = nudge.phases.len();
    let segments = (0..all)
        .map(|index| match index.cmp(&at) {
            std::cmp::Ordering::Less => Segment { class: "s-done", colour: "#1c1b19" },
            std::cmp::Ordering::Equal => Segment { class: "s-now", colour: "#2f4bc7" },
            std::cmp::Ordering::Greater => Segment { class: "s-next", colour: "#dcd7ce" },
        })
        .collect();
    Some(Progress {
        segments,
        width: 100 / all.max(1),
        step: format!("Step {} of {all}: {phase}.", at + 1),
        next: match nudge.phases.get(at + 1) {
            Some(next) => format!("Next comes {}.", words::or(next, "the next step")),
            None => "It is the last one.".to_owned(),
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
