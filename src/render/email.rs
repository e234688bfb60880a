//! Contexts of the mails to staff: every value a template shows, already in words. What digest and nudges share is here.

mod digest;
mod nudge;

use serde::Serialize;

pub(super) use self::digest::{DigestMail, open, open_mine};
pub(super) use self::nudge::NudgeMail;
use super::line::{LaunchSaid, Said, look};
use super::links::MessageLinks;
use super::locale::Labels;
use super::words;
use super::{Brand, text};
use crate::domain::values::Locale;

/// A link in words.
#[derive(Serialize)]
pub(super) struct Link {
    pub(super) words: String,
    pub(super) url: String,
    /// Fewer words for the text part, if there are any.
    #[serde(skip)]
    short: Option<&'static str>,
}

impl Link {
    pub(super) fn new(words: impl Into<String>, url: String) -> Self {
        Self { words: words.into(), url, short: None }
    }

    /// A link that has fewer words in the text part.
    fn shortened(words: &str, short: &'static str, url: String) -> Self {
        Self { short: Some(short), ..Self::new(words, url) }
    }
}

/// What the shell of every mail needs.
#[derive(Serialize)]
pub(super) struct Shell {
    pub(super) subject: String,
    pub(super) preheader: String,
    pub(super) label: String,
    pub(super) width: u16,
    pub(super) side: u16,
    pub(super) workspace: String,
    pub(super) first_name: Option<String>,
    pub(super) why: String,
    pub(super) fine_print: String,
}

/// What the digest and the nudges share.
#[derive(Serialize)]
struct Staff {
    #[serde(flatten)]
    shell: Shell,
    date: String,
    headline: String,
    under_headline: Vec<String>,
    footer_links: Vec<Link>,
    button: Option<Link>,
}

/// One onboarding.
#[derive(Serialize)]
struct Row {
    level: u8,
    ruled: bool,
    class: &'static str,
    colour: &'static str,
    figure: i64,
    unit: &'static str,
    note: String,
    customer: String,
    url: Option<String>,
    display_id: i64,
    phase: String,
    reason: String,
    detail: Option<String>,
    launch: Option<LaunchMail>,
    actions: Vec<Action>,
}

#[derive(Serialize)]
struct LaunchMail {
    date: String,
    distance: String,
}

#[derive(Serialize)]
struct Action {
    url: String,
    words: &'static str,
    label: String,
}

/// "Tallybrook onboardings": who a mail to staff comes from.
pub(super) fn from_name(workspace: &str, brand: &Brand) -> String {
    let t = brand.locale;
    match &brand.mail_name {
        Some(name) => t.name(name),
        None => t.mail_name_of(&t.name(workspace)),
    }
}

fn text_links(links: &[Link]) -> Vec<String> {
    let pairs: Vec<(&str, &str)> =
        links.iter().map(|link| (link.short.unwrap_or(&link.words), link.url.as_str())).collect();
    text::links(&pairs)
}

fn why_lead(t: Locale, first_name: Option<&str>, why: &str) -> String {
    let lead = Labels::of(t).why_you_get_this();
    match first_name {
        Some(name) => format!("{lead}, {name}: {why}"),
        None => format!("{lead}: {why}"),
    }
}

/// The name to speak to somebody by; `None` when there is nothing to read.
pub(super) fn visible_first_name(t: Locale, raw: &str) -> Option<String> {
    let clean = words::or(raw, "");
    (!clean.is_empty()).then(|| t.address_name(&clean).to_owned())
}

/// The last lines of a staff mail. `as_of` is a sentence without its end.
fn fine_print(workspace: &str, as_of: &str, brand: &Brand) -> String {
    let calendar = brand.locale.calendar_of(workspace);
    format!("{calendar} {as_of}. {}", words::stop(&imprint(workspace, brand)))
}

/// Who sends, and from where.
pub(super) fn imprint(workspace: &str, brand: &Brand) -> String {
    let address = brand.footer_address.as_deref().map(|a| words::or(a, "")).unwrap_or_default();
    if address.is_empty() { workspace.to_owned() } else { format!("{workspace}, {address}") }
}

/// The onboarding as a row, saying `detail`.
fn row(t: Locale, said: Said, detail: Option<String>, ruled: bool, links: MessageLinks<'_>) -> Row {
    let look = look(said.group);
    let actions = row_actions(t, &said, links);
    Row {
        level: 3,
        ruled,
        class: look.class,
        colour: look.colour,
        figure: said.figure,
        note: said.note(),
        unit: said.unit,
        url: links.onboarding(said.display_id),
        customer: said.customer,
        display_id: said.display_id,
        phase: said.phase,
        reason: said.reason,
        detail,
        launch: said.launch.map(|LaunchSaid { date, distance }| LaunchMail { date, distance }),
        actions,
    }
}

impl Action {
    /// A link; its label begins with its words, so that who says what they see reaches it, and names the customer, as one of many.
    fn new(words: &'static str, url: String, said: &Said) -> Self {
        Self { url, words, label: format!("{words}: {}", said.customer) }
    }
}

/// What delays an onboarding's reminders, and what explains them.
fn row_actions(t: Locale, said: &Said, links: MessageLinks<'_>) -> Vec<Action> {
    let snooze = links.snooze(said.display_id);
    let why = links.why(said.display_id);
    snooze
        .map(|url| Action::new(t.snooze_3_days(), url, said))
        .into_iter()
        .chain(why.map(|url| Action::new(t.why_is_this_here(), url, said)))
        .collect()
}

/// The onboarding in the text part.
fn text_line(t: Locale, said: &Said, detail: Option<String>, links: MessageLinks<'_>) -> String {
    let Said { figure, unit, customer, display_id, phase, reason, .. } = said;
    let note = said.note();
    let mut block = vec![
        text::wrap(
            &format!("{figure} {unit} {note}: {customer} #{display_id}, {phase}"),
            "",
            "   ",
        ),
        text::indented(reason),
    ];
    block.extend(detail.map(|detail| text::indented(&detail)));
    block.push(text::indented(&said.launch_sentence(t)));
    let acts = links.acts(*display_id).map(|url| (t.open_snooze_or_ask(), url));
    let opens = || links.onboarding(*display_id).map(|url| (t.open(), url));
    block.extend(acts.or_else(opens).map(|(words, url)| text::link(words, &url)));
    block.join("\n")
}
