//! Context of the digest.

use serde::Serialize;

use super::{
    Link, Row, Shell, Staff, fine_print, row, text_line, text_links, visible_first_name, why_lead,
};
use crate::domain::digest::{Digest, Group, Line};
use crate::domain::values::Locale;
use crate::render::line::{Said, look};
use crate::render::locale::{Noun, clock};
use crate::render::meanwhile::Meanwhile;
use crate::render::words::int;
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
    fn new(t: Locale, part: summary::Part<'_>, digest: &Digest) -> Self {
        let say = |line: &Line| Said::new(t, line, digest.date, digest.since);
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
        let t = brand.locale;
        let subject = subject::digest(t, digest, brand.names_in_subjects);
        let parts: Vec<PartSaid> = summary::parts(t, digest)
            .into_iter()
            .map(|part| PartSaid::new(t, part, digest))
            .collect();
        let meanwhile = Meanwhile::of(t, digest);
        let tally: Vec<Cell> =
            summary::counted(digest).map(|(group, n)| cell(t, group, n)).collect();
        let used: u8 = tally.iter().map(|cell| cell.width).sum();
        let mut under_headline = vec![summary::delta(t, digest)];
        under_headline.extend(summary::late(t, digest));
        let headline = summary::headline(t, digest);
        let more = more(t, digest, links);
        let (rest, quiet) = rest(t, digest, links);
        let footer = footer(t, digest, links);
        let why =
            [summary::why(t, digest), summary::rhythm(t, digest), t.nothing_due_no_mail().into()]
                .join(" ");
        let first_name = visible_first_name(t, &digest.reader);
        let workspace = t.name(&digest.workspace);
        let at = clock(digest.late.unwrap_or(digest.time));
        let fine_print = fine_print(&workspace, &t.as_of(&at, &digest.notification_id), brand);
        let text = DigestText {
            opening: std::iter::once(&headline)
                .chain(&under_headline)
                .map(|sentence| text::paragraph(sentence))
                .collect::<Vec<_>>()
                .join("\n"),
            tally: text::paragraph(&summary::tally(t, digest)),
            meanwhile: meanwhile.as_ref().map(Meanwhile::text),
            parts: parts
                .iter()
                .map(|part| PartText {
                    heading: part.heading.as_deref().map(text::paragraph),
                    groups: part
                        .groups
                        .iter()
                        .map(|(group, n, lines)| GroupText {
                            heading: group_heading(t, *group, *n),
                            lines: lines
                                .iter()
                                .map(|said| text_line(t, said, said.detail(), links))
                                .collect(),
                        })
                        .collect(),
                })
                .collect(),
            more: more.as_ref().map(|more| match &more.url {
                Some(url) => text::paragraph(&format!("{}: {url}", more.words)),
                None => text::paragraph(&format!("{}.", more.words)),
            }),
            rest: text_rest(t, digest, &rest, quiet.as_ref(), links),
            why: text::paragraph(&why_lead(t, first_name.as_deref(), &why)),
            links: text_links(&footer),
            fine_print: text::paragraph(&text::ascii(&fine_print)),
        };
        Self {
            staff: Staff {
                shell: Shell {
                    preheader: summary::preheader(t, digest, brand.names_in_subjects),
                    subject,
                    label: t.digest_label().to_owned(),
                    width: 640,
                    side: 32,
                    fine_print,
                    workspace,
                    first_name,
                    why,
                },
                date: t.full_day(digest.date),
                headline,
                under_headline,
                footer_links: footer,
                button: links.mine().map(|url| Link::new(open_mine(t, digest), url)),
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
                        .map(|(group, n, lines)| group_mail(t, group, n, lines, links))
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

fn group_heading(t: Locale, group: Group, n: usize) -> String {
    format!("{} ({n}). {}.", t.group(group).to_uppercase(), t.next_move(group))
}

fn group_mail(
    t: Locale,
    group: Group,
    n: usize,
    lines: Vec<Said>,
    links: MessageLinks<'_>,
) -> GroupMail {
    let look = look(group);
    let rows = lines.into_iter().enumerate().map(|(index, said)| {
        let detail = said.detail();
        row(t, said, detail, index > 0, links)
    });
    GroupMail {
        title: t.group(group),
        class: look.class,
        colour: look.colour,
        shape: look.shape,
        next_move: t.next_move(group),
        n,
        rows: rows.collect(),
    }
}

/// All that the reader has, shown or not.
pub(in crate::render) fn open(digest: &Digest) -> i64 {
    digest.totals.open.max(int(digest.total))
}

/// "Open my 11 onboardings".
pub(in crate::render) fn open_mine(t: Locale, digest: &Digest) -> String {
    t.open_my_onboardings(open(digest))
}

fn cell(t: Locale, group: Group, n: usize) -> Cell {
    let look = look(group);
    Cell {
        n,
        words: t.tally(group),
        class: look.class,
        colour: look.colour,
        shape: look.shape,
        width: look.width,
    }
}

fn more(t: Locale, digest: &Digest, links: MessageLinks<'_>) -> Option<More> {
    let n = digest.more();
    let url = links.mine();
    (n > 0).then(|| More {
        words: if url.is_some() { t.and_more(n) } else { t.and_more_elsewhere(n) },
        url,
    })
}

/// What the reader has beside the lines, as sentences, and the link to the quiet ones.
fn rest(t: Locale, digest: &Digest, links: MessageLinks<'_>) -> (Vec<String>, Option<Link>) {
    let mut sentences = Vec::new();
    if links.mine().is_none() {
        sentences.push(t.you_have_in_all(open(digest)));
    }
    let quiet = summary::quiet(t, digest);
    if let Some((words, _)) = &quiet {
        sentences.push(t.not_in_digest(words));
    } else if links.mine().is_some() {
        sentences.push(t.nothing_rests().to_owned());
    }
    let link = quiet.and_then(|(_, n)| links.quiet().map(|url| Link::new(t.see_those(n), url)));
    (sentences, link)
}

fn text_rest(
    t: Locale,
    digest: &Digest,
    rest: &[String],
    quiet: Option<&Link>,
    links: MessageLinks<'_>,
) -> String {
    let all = t.count(open(digest), Noun::Onboarding);
    let mine = links.mine().map(|url| format!("{all}: {url}"));
    let quiet = quiet.map(|link| format!("{}: {}", link.words, link.url));
    mine.iter().chain(rest).chain(&quiet).map(|l| text::paragraph(l)).collect::<Vec<_>>().join("\n")
}

/// Links of the footer, those that exist.
fn footer(t: Locale, digest: &Digest, links: MessageLinks<'_>) -> Vec<Link> {
    let snoozed = digest.totals.snoozed;
    [
        links.rhythm().map(|url| Link::new(t.change_time_or_days(), url)),
        links.quiet().filter(|_| snoozed > 0).map(|url| Link::new(t.snoozed_n(snoozed), url)),
        links.explain().map(|url| Link::new(t.explain_this_digest(), url)),
        links
            .unsubscribe()
            .map(|url| Link::shortened(t.unsubscribe_from_digests(), t.unsubscribe(), url)),
    ]
    .into_iter()
    .flatten()
    .collect()
}
