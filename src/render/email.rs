//! Contexts of the mails: every value a template shows, already in words.

use serde::Serialize;

use super::line::{LaunchSaid, Look, Said, look};
use super::nudge::{NudgeSaid, statement};
use super::words::{self, NBSP, clock, count, first_name, full_day, int, plain};
use super::{Brand, Links, subject, summary, text};
use crate::domain::digest::{Digest, Nudge};
use crate::domain::values::Kind;

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

/// Context of `email/digest`.
#[derive(Serialize)]
pub(super) struct DigestMail {
    #[serde(flatten)]
    staff: Staff,
    tally: Vec<Cell>,
    tally_rest: Option<u8>,
    groups: Vec<GroupMail>,
    more: Option<More>,
    rest: String,
    quiet: Option<Link>,
    text: DigestText,
}

#[derive(Serialize)]
struct DigestText {
    opening: String,
    tally: String,
    groups: Vec<GroupText>,
    more: Option<String>,
    rest: String,
    why: String,
    links: Vec<String>,
    fine_print: String,
}

#[derive(Serialize)]
struct GroupText {
    heading: String,
    lines: Vec<String>,
}

#[derive(Serialize)]
struct Cell {
    n: usize,
    words: &'static str,
    class: &'static str,
    colour: &'static str,
    shape: &'static str,
    width: u8,
}

#[derive(Serialize)]
struct GroupMail {
    title: &'static str,
    class: &'static str,
    colour: &'static str,
    shape: &'static str,
    next_move: &'static str,
    n: usize,
    rows: Vec<Row>,
}

#[derive(Serialize)]
struct More {
    words: String,
    url: Option<String>,
}

/// One onboarding.
#[derive(Serialize)]
struct Row {
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

impl DigestMail {
    /// The mail of `digest`.
    pub(super) fn new(digest: &Digest, links: &Links, brand: &Brand) -> Self {
        let subject = subject::digest(digest, brand.names_in_subjects);
        let said: Vec<(&'static Look, usize, Vec<Said>)> = digest
            .groups
            .iter()
            .map(|(group, lines)| {
                let words = |line| Said::new(line, digest.date, digest.since);
                (look(*group), summary::in_group(digest, *group), lines.iter().map(words).collect())
            })
            .collect();
        let tally: Vec<Cell> = summary::counted(digest).map(|(g, n)| cell(look(g), n)).collect();
        let used: u8 = tally.iter().map(|cell| cell.width).sum();
        let mut under_headline = vec![summary::delta(digest)];
        under_headline.extend(summary::late(digest));
        let headline = summary::headline(digest);
        let more = more(digest, links);
        let (rest, quiet) = rest(digest, links);
        let footer = footer(digest, links);
        let why =
            format!("{} {} Nothing due, no mail.", summary::why(digest), summary::rhythm(digest));
        let first_name = visible_first_name(&digest.reader);
        let workspace = words::name(&digest.workspace);
        let as_of = format!(
            "As of {}; reference {}",
            clock(digest.late.unwrap_or(digest.time)),
            digest.notification_id
        );
        let fine = FinePrint { workspace: &workspace, as_of: Some(as_of), brand };
        let text = DigestText {
            opening: std::iter::once(&headline)
                .chain(&under_headline)
                .map(|sentence| text::paragraph(sentence))
                .collect::<Vec<_>>()
                .join("\n"),
            tally: text::paragraph(&summary::tally(digest)),
            groups: said
                .iter()
                .map(|(look, n, lines)| GroupText {
                    heading: format!("{} ({n}). {}.", look.title.to_uppercase(), look.next_move),
                    lines: lines.iter().map(|said| text_line(said, said.detail(), links)).collect(),
                })
                .collect(),
            more: more.as_ref().map(|more| match &more.url {
                Some(url) => text::paragraph(&format!("{}: {url}", more.words)),
                None => text::paragraph(&format!("{}.", more.words)),
            }),
            rest: text_rest(digest, &rest, quiet.as_ref(), links),
            why: text::paragraph(&why_lead(first_name.as_deref(), &why)),
            links: text_links(&footer),
            fine_print: text::paragraph(&fine.text()),
        };
        Self {
            staff: Staff {
                shell: Shell {
                    preheader: summary::preheader(digest, brand.names_in_subjects),
                    subject,
                    label: "Onboarding digest".to_owned(),
                    width: 640,
                    side: 32,
                    fine_print: fine.html(),
                    workspace,
                    first_name,
                    why,
                },
                date: full_day(digest.date),
                headline,
                under_headline,
                footer_links: footer,
                button: links.mine_url.clone().map(|url| Link { words: open_mine(digest), url }),
            },
            tally_rest: (used < 100).then(|| 100 - used),
            tally,
            groups: said
                .into_iter()
                .map(|(look, n, lines)| GroupMail {
                    title: look.title,
                    class: look.class,
                    colour: look.colour,
                    shape: look.shape,
                    next_move: look.next_move,
                    n,
                    rows: lines
                        .into_iter()
                        .enumerate()
                        .map(|(index, said)| {
                            let detail = said.detail();
                            row(said, detail, index > 0, links)
                        })
                        .collect(),
                })
                .collect(),
            more,
            rest: rest.join(" "),
            quiet,
            text,
        }
    }
}

/// "Tallybrook onboardings": who a mail to staff comes from.
pub(super) fn from_name(workspace: &str) -> String {
    format!("{} onboardings", words::name(workspace))
}

/// "Open my 11 onboardings".
pub(super) fn open_mine(digest: &Digest) -> String {
    format!("Open my {}", count(digest.totals.open.max(int(digest.total)), "onboarding"))
}

fn cell(look: &'static Look, n: usize) -> Cell {
    Cell {
        n,
        words: look.tally,
        class: look.class,
        colour: look.colour,
        shape: look.shape,
        width: look.width,
    }
}

fn more(digest: &Digest, links: &Links) -> Option<More> {
    let n = digest.more();
    (n > 0).then(|| More {
        words: if links.mine_url.is_some() {
            format!("and {n} more")
        } else {
            format!("and {n} more, which do not fit here")
        },
        url: links.mine_url.clone(),
    })
}

/// What the reader has beside the lines, as sentences, and the link to the quiet ones.
fn rest(digest: &Digest, links: &Links) -> (Vec<String>, Option<Link>) {
    let open = digest.totals.open.max(int(digest.total));
    let mut sentences = Vec::new();
    if links.mine_url.is_none() {
        sentences.push(format!("You have {} in all.", count(open, "open onboarding")));
    }
    let quiet = summary::quiet(digest);
    if let Some((words, _)) = &quiet {
        sentences.push(format!("Not in this digest: {words}."));
    } else if links.mine_url.is_some() {
        sentences.push("Nothing is snoozed or paused.".to_owned());
    }
    let link = quiet.and_then(|(_, n)| {
        let words = if n == 1 { "See it".to_owned() } else { format!("See those {n}") };
        links.quiet_url.clone().map(|url| Link { words, url })
    });
    (sentences, link)
}

fn text_rest(digest: &Digest, rest: &[String], quiet: Option<&Link>, links: &Links) -> String {
    let open = digest.totals.open.max(int(digest.total));
    let mine = links.mine_url.as_ref().map(|url| format!("{}: {url}", count(open, "onboarding")));
    let quiet = quiet.map(|link| format!("{}: {}", link.words, link.url));
    mine.iter().chain(rest).chain(&quiet).map(|l| text::paragraph(l)).collect::<Vec<_>>().join("\n")
}

/// Links of the footer, those that exist.
fn footer(digest: &Digest, links: &Links) -> Vec<Link> {
    let snoozed = (digest.totals.snoozed > 0)
        .then(|| (format!("Snoozed ({})", digest.totals.snoozed), &links.snoozed_url));
    [("Change time or days".to_owned(), &links.prefs_url)]
        .into_iter()
        .chain(snoozed)
        .chain([
            ("Explain this digest".to_owned(), &links.explain_url),
            ("Unsubscribe from e-mail digests".to_owned(), &links.unsubscribe_url),
        ])
        .filter_map(|(words, url)| url.clone().map(|url| Link { words, url }))
        .collect()
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
fn row(said: Said, detail: Option<String>, ruled: bool, links: &Links) -> Row {
    let look = look(said.group);
    let mut actions = Vec::new();
    if let Some(url) = links.snooze(said.display_id) {
        let label = format!("Snooze {} for 3 days", said.customer);
        actions.push(Action { url, words: "Snooze 3\u{a0}days", label });
    }
    if let Some(url) = links.why(said.display_id) {
        let label = format!("Why is {} here?", said.customer);
        actions.push(Action { url, words: "Why is this here?", label });
    }
    Row {
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

/// The onboarding in the text part.
fn text_line(said: &Said, detail: Option<String>, links: &Links) -> String {
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
    block.extend(links.onboarding(*display_id).map(|url| {
        let acts = if links.why_url.is_some() { "Open, snooze or ask why" } else { "Open" };
        text::indented(&format!("{acts}: {url}"))
    }));
    block.join("\n")
}

/// Context of `email/stalled_phase` and `email/waiting_on_customer`.
#[derive(Serialize)]
pub(super) struct NudgeMail {
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
    pub(super) fn new(nudge: &Nudge, links: &Links, brand: &Brand) -> Self {
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
            ("Why this message", &links.explain_url),
            ("Change what you get", &links.prefs_url),
            ("Unsubscribe from e-mail nudges", &links.unsubscribe_url),
        ]
        .into_iter()
        .filter_map(|(words, url)| url.clone().map(|url| Link { words: words.to_owned(), url }))
        .collect();
        let id = said.line.display_id;
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
            row: row(said.line, Some(said.ladder), false, links),
        }
    }
}
