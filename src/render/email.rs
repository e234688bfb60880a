//! Contexts of the mails to staff: every value a template shows, already in words. What digest and nudges share is here.

mod digest;
mod nudge;

use serde::Serialize;

pub(super) use self::digest::{DigestMail, open_mine};
pub(super) use self::nudge::NudgeMail;
use super::line::{LaunchSaid, Said, look};
use super::words::{self, first_name};
use super::{Brand, MessageLinks, text};

/// A link in words.
#[derive(Serialize)]
pub(super) struct Link {
    pub(super) words: String,
    pub(super) url: String,
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
    unit: String,
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
    match &brand.mail_name {
        Some(name) => words::name(name),
        None => format!("{} onboardings", words::name(workspace)),
    }
}

fn text_links(links: &[Link]) -> Vec<String> {
    let pairs: Vec<(String, String)> = links
        .iter()
        .map(|link| {
            let short = link.words.split(" from e-mail").next().unwrap_or_default();
            (short.to_owned(), link.url.clone())
        })
        .collect();
    text::links(&pairs)
}

fn why_lead(first_name: Option<&str>, why: &str) -> String {
    match first_name {
        Some(name) => format!("Why you get this, {name}: {why}"),
        None => format!("Why you get this: {why}"),
    }
}

/// The name to speak to somebody by; `None` when there is nothing to read.
pub(super) fn visible_first_name(raw: &str) -> Option<String> {
    let clean = words::or(raw, "");
    (!clean.is_empty()).then(|| first_name(&clean).to_owned())
}

/// The last lines of a staff mail: with a typographic apostrophe in HTML, an ASCII one in text.
struct FinePrint<'a> {
    workspace: &'a str,
    as_of: Option<String>,
    brand: &'a Brand,
}

impl FinePrint<'_> {
    fn html(&self) -> String {
        self.say('’')
    }

    fn text(&self) -> String {
        self.say('\'')
    }

    fn say(&self, apostrophe: char) -> String {
        let mut said = format!("Business days follow {}{apostrophe}s calendar. ", self.workspace);
        if let Some(as_of) = &self.as_of {
            said.push_str(as_of);
            said.push_str(". ");
        }
        said.push_str(&imprint(self.workspace, self.brand));
        said.push('.');
        said
    }
}

/// Who sends, and from where.
pub(super) fn imprint(workspace: &str, brand: &Brand) -> String {
    let address = brand.footer_address.as_deref().map(|a| words::or(a, "")).unwrap_or_default();
    if address.is_empty() { workspace.to_owned() } else { format!("{workspace}, {address}") }
}

/// The onboarding as a row, saying `detail`.
fn row(said: Said, detail: Option<String>, ruled: bool, links: MessageLinks<'_>) -> Row {
    let look = look(said.group);
    let actions = row_actions(&said, links);
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
fn row_actions(said: &Said, links: MessageLinks<'_>) -> Vec<Action> {
    let snooze = links.snooze(said.display_id);
    let why = links.why(said.display_id);
    snooze
        .map(|url| Action::new("Snooze 3\u{a0}days", url, said))
        .into_iter()
        .chain(why.map(|url| Action::new("Why is this here?", url, said)))
        .collect()
}

/// The onboarding in the text part.
fn text_line(said: &Said, detail: Option<String>, links: MessageLinks<'_>) -> String {
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
    block.push(text::indented(&said.launch_sentence()));
    let acts = links.acts(*display_id).map(|url| ("Open, snooze or ask why", url));
    let opens = || links.onboarding(*display_id).map(|url| ("Open", url));
    block.extend(acts.or_else(opens).map(|(words, url)| text::link(words, &url)));
    block.join("\n")
}
