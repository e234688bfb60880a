//! Context of the digest.

use serde::Serialize;

use super::{
    FinePrint, Link, Row, Shell, Staff, row, text_line, text_links, visible_first_name, why_lead,
};
use crate::domain::digest::{Digest, Group, Line};
use crate::render::line::{Look, Said, look};
use crate::render::meanwhile::Meanwhile;
use crate::render::words::{self, clock, count, full_day, int};
use crate::render::{Brand, MessageLinks, subject, summary, text};

/// Context of `email/digest`.
#[derive(Serialize)]
pub(in crate::render) struct DigestMail {
    #[serde(flatten)]
    staff: Staff,
    tally: Vec<Cell>,
    tally_rest: Option<u8>,
    meanwhile: Option<Meanwhile>,
    parts: Vec<PartMail>,
    more: Option<More>,
    rest: String,
    quiet: Option<Link>,
    text: DigestText,
}

#[derive(Serialize)]
struct DigestText {
    opening: String,
    tally: String,
    meanwhile: Option<String>,
    parts: Vec<PartText>,
    more: Option<String>,
    rest: String,
    why: String,
    links: Vec<String>,
    fine_print: String,
}

#[derive(Serialize)]
struct PartText {
    heading: Option<String>,
    groups: Vec<GroupText>,
}

#[derive(Serialize)]
struct PartMail {
    heading: Option<String>,
    groups: Vec<GroupMail>,
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

/// A part of the digest in words, said once for text and HTML.
struct PartSaid {
    heading: Option<String>,
    groups: Vec<(Group, usize, Vec<Said>)>,
}

impl PartSaid {
    fn new(part: summary::Part<'_>, digest: &Digest) -> Self {
        let say = |line: &Line| Said::new(line, digest.date, digest.since);
        let groups = part.groups.into_iter();
        Self {
            heading: part.heading,
            groups: groups.map(|(g, n, lines)| (g, n, lines.iter().map(say).collect())).collect(),
        }
    }
}

impl DigestMail {
    /// The mail of `digest`.
    pub(in crate::render) fn new(digest: &Digest, links: MessageLinks<'_>, brand: &Brand) -> Self {
        let subject = subject::digest(digest, brand.names_in_subjects);
        let parts: Vec<PartSaid> =
            summary::parts(digest).into_iter().map(|part| PartSaid::new(part, digest)).collect();
        let meanwhile = Meanwhile::of(digest);
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
            meanwhile: meanwhile.as_ref().map(Meanwhile::text),
            parts: parts
                .iter()
                .map(|part| PartText {
                    heading: part.heading.as_deref().map(text::paragraph),
                    groups: part
                        .groups
                        .iter()
                        .map(|(group, n, lines)| GroupText {
                            heading: group_heading(look(*group), *n),
                            lines: lines
                                .iter()
                                .map(|said| text_line(said, said.detail(), links))
                                .collect(),
                        })
                        .collect(),
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
                button: links.mine().map(|url| Link { words: open_mine(digest), url }),
            },
            tally_rest: (used < 100).then(|| 100 - used),
            tally,
            meanwhile,
            parts: parts
                .into_iter()
                .map(|part| PartMail {
                    heading: part.heading,
                    groups: part
                        .groups
                        .into_iter()
                        .map(|(group, n, lines)| group_mail(look(group), n, lines, links))
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

fn group_heading(look: &Look, n: usize) -> String {
    format!("{} ({n}). {}.", look.title.to_uppercase(), look.next_move)
}

fn group_mail(
    look: &'static Look,
    n: usize,
    lines: Vec<Said>,
    links: MessageLinks<'_>,
) -> GroupMail {
    let rows = lines.into_iter().enumerate().map(|(index, said)| {
        let detail = said.detail();
        row(said, detail, index > 0, links)
    });
    GroupMail {
        title: look.title,
        class: look.class,
        colour: look.colour,
        shape: look.shape,
        next_move: look.next_move,
        n,
        rows: rows.collect(),
    }
}

/// "Open my 11 onboardings".
pub(in crate::render) fn open_mine(digest: &Digest) -> String {
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

fn more(digest: &Digest, links: MessageLinks<'_>) -> Option<More> {
    let n = digest.more();
    (n > 0).then(|| More {
        words: if links.mine().is_some() {
            format!("and {n} more")
        } else {
            format!("and {n} more, which do not fit here")
        },
        url: links.mine(),
    })
}

/// What the reader has beside the lines, as sentences, and the link to the quiet ones.
fn rest(digest: &Digest, links: MessageLinks<'_>) -> (Vec<String>, Option<Link>) {
    let open = digest.totals.open.max(int(digest.total));
    let mut sentences = Vec::new();
    if links.mine().is_none() {
        sentences.push(format!("You have {} in all.", count(open, "open onboarding")));
    }
    let quiet = summary::quiet(digest);
    if let Some((words, _)) = &quiet {
        sentences.push(format!("Not in this digest: {words}."));
    } else if links.mine().is_some() {
        sentences.push("Nothing is snoozed or paused.".to_owned());
    }
    let link = quiet.and_then(|(_, n)| {
        let words = if n == 1 { "See it".to_owned() } else { format!("See those {n}") };
        links.quiet().map(|url| Link { words, url })
    });
    (sentences, link)
}

fn text_rest(
    digest: &Digest,
    rest: &[String],
    quiet: Option<&Link>,
    links: MessageLinks<'_>,
) -> String {
    let open = digest.totals.open.max(int(digest.total));
    let mine = links.mine().map(|url| format!("{}: {url}", count(open, "onboarding")));
    let quiet = quiet.map(|link| format!("{}: {}", link.words, link.url));
    mine.iter().chain(rest).chain(&quiet).map(|l| text::paragraph(l)).collect::<Vec<_>>().join("\n")
}

/// Links of the footer, those that exist.
fn footer(digest: &Digest, links: MessageLinks<'_>) -> Vec<Link> {
    let snoozed = (digest.totals.snoozed > 0)
        .then(|| (format!("Snoozed ({})", digest.totals.snoozed), links.quiet()));
    [("Change time or days".to_owned(), links.rhythm())]
        .into_iter()
        .chain(snoozed)
        .chain([
            ("Explain this digest".to_owned(), links.explain()),
            ("Unsubscribe from e-mail digests".to_owned(), links.unsubscribe()),
        ])
        .filter_map(|(words, url)| url.map(|url| Link { words, url }))
        .collect()
}
