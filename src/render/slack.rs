//! Block Kit, built as values: JSON is escaped by the serialiser, and text reaches mrkdwn only through [`escape`].

use serde_json::{Value, json};

use super::email::{open, open_mine};
use super::line::{Look, Said, look};
use super::links::MessageLinks;
use super::locale::{Labels, clock};
use super::meanwhile::Meanwhile;
use super::nudge::{NudgeSaid, statement};
use super::words::{capital, plain};
use super::{Brand, summary};
use crate::domain::digest::{Digest, Group, Nudge};
use crate::domain::message::{Click, SlackPost};
use crate::domain::values::{Kind, Locale};

/// Most characters of all blocks together, serialised. Slack documents none and refuses near 13,200.
pub(super) const BLOCKS: usize = 12_000;

/// Characters of a section after which a group goes on in a further one; Slack's limit is 3000.
const SECTION: usize = 2_800;

/// Most characters of the summary of an absence: the lines need the rest.
const AWAY: usize = 1_500;

/// Most characters of `text`.
const TEXT: usize = 300;

/// Most characters of a button's `accessibility_label`.
const LABEL: usize = 75;

/// The three characters that mean something in Slack's text.
pub(super) fn escape(text: &str) -> String {
    plain(text).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// A link whose label is a name; the bare name without an address.
pub(super) fn link(url: Option<&str>, label: &str) -> String {
    match url {
        Some(url) => {
            let url = url
                .replace('&', "&amp;")
                .replace('<', "%3C")
                .replace('>', "%3E")
                .replace('|', "%7C");
            format!("<{url}|{}>", escape(label))
        }
        None => escape(label),
    }
}

fn mrkdwn(text: &str) -> Value {
    json!({ "type": "mrkdwn", "verbatim": true, "text": text })
}

pub(super) fn section(id: &str, text: &str) -> Value {
    json!({ "type": "section", "block_id": id, "text": mrkdwn(text) })
}

fn context(id: &str, text: &str) -> Value {
    json!({ "type": "context", "block_id": id, "elements": [mrkdwn(text)] })
}

fn button(action: &str, url: &str, text: &str, label: &str, primary: bool) -> Value {
    let mut button = json!({
        "type": "button", "action_id": action, "url": url,
        "text": { "type": "plain_text", "text": text }, "accessibility_label": label,
    });
    if primary && let Some(fields) = button.as_object_mut() {
        fields.insert("style".to_owned(), json!("primary"));
    }
    button
}

// --- digest ----------------------------------------------------------------------------------------------------------------------

/// One line of a digest, its part about the last digest apart, for that goes first when there is no room.
struct SlackLine {
    /// The part of the digest that it is in, and the heading of that part.
    part: usize,
    heading: Option<String>,
    look: &'static Look,
    group: Group,
    /// How many lines the group has in this part.
    n: usize,
    before: String,
    change: Option<String>,
    after: String,
}

impl SlackLine {
    fn new(
        t: Locale,
        part: usize,
        heading: Option<&str>,
        n: usize,
        said: &Said,
        links: MessageLinks<'_>,
    ) -> Self {
        let Said { figure, unit, display_id, .. } = said;
        let side = said.side.map(|side| format!(" {side}")).unwrap_or_default();
        let name = link(links.onboarding(*display_id).as_deref(), &said.customer);
        let mut after = Vec::new();
        after.extend(said.short_step.as_deref().map(escape));
        if said.group != Group::Launch {
            after.push(said.launch.as_ref().map_or_else(
                || t.no_launch_date_yet().to_owned(),
                |launch| escape(&t.launch_short(&launch.date)),
            ));
        }
        after.extend(links.why(*display_id).map(|url| link(Some(&url), t.why())));
        Self {
            part,
            heading: heading.map(escape),
            look: look(said.group),
            group: said.group,
            n,
            before: format!(
                "*{figure} {unit}{side}* {}: {name} #{display_id}, {}\n{}",
                said.other_unit,
                escape(&said.phase),
                escape(&said.short_reason)
            ),
            change: said.change.as_deref().map(escape),
            after: after.join(" "),
        }
    }

    fn text(&self) -> String {
        let parts = [Some(self.before.as_str()), self.change.as_deref(), Some(self.after.as_str())];
        parts.into_iter().flatten().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
    }
}

/// The Slack message of `digest`.
pub(super) fn digest(digest: &Digest, links: MessageLinks<'_>, brand: &Brand) -> SlackPost {
    let t = brand.locale;
    let mut shown: Vec<SlackLine> = Vec::new();
    for (at, part) in summary::parts(t, digest).iter().enumerate() {
        for (_, n, lines) in &part.groups {
            shown.extend(lines.iter().map(|line| {
                let said = Said::new(t, line, digest.date, digest.since);
                SlackLine::new(t, at, part.heading.as_deref(), *n, &said, links)
            }));
        }
    }
    let frame = Frame::new(t, digest, links);
    let mut blocks = frame.around(t, digest, links, &shown);
    // Too long after all: what the last digest showed goes first, then whole lines, both from the end upwards.
    while size(&blocks) > BLOCKS {
        let mut excess = size(&blocks) - BLOCKS;
        while excess > 0 {
            let dropped = match shown.iter_mut().rev().find_map(|line| line.change.take()) {
                Some(change) => change.chars().count(),
                None => match shown.pop() {
                    Some(line) => line.text().chars().count(),
                    None => break,
                },
            };
            excess = excess.saturating_sub(dropped.max(1));
        }
        let was_empty = shown.is_empty();
        blocks = frame.around(t, digest, links, &shown);
        if was_empty {
            break;
        }
    }
    SlackPost { text: text(digest, brand), blocks, event_type: "digest".to_owned() }
}

/// Characters of `blocks` as they are sent.
pub(super) fn size(blocks: &[Value]) -> usize {
    blocks.iter().map(|block| block.to_string().chars().count() + 1).sum::<usize>() + 1
}

fn text(digest: &Digest, brand: &Brand) -> String {
    let t = brand.locale;
    let headline = escape(&summary::headline(t, digest));
    let waiting = digest.lines().filter(|line| line.group == Group::Waiting);
    let Some((longest, days)) =
        waiting.take(1).find_map(|line| Some((line, t.duration(line.age)?)))
    else {
        return headline;
    };
    let name = escape(&t.name(&longest.customer));
    let named = format!("{headline} {}", t.longest_wait_of(&name, &days));
    if brand.names_in_subjects && named.chars().count() <= TEXT {
        named
    } else {
        format!("{headline} {}", t.longest_wait(&days))
    }
}

/// The blocks before and after the lines.
struct Frame {
    head: Vec<Value>,
    tail: Vec<Value>,
}

impl Frame {
    fn new(t: Locale, digest: &Digest, links: MessageLinks<'_>) -> Self {
        let mut said = vec![format!("{}.", t.full_day(digest.date)), summary::delta(t, digest)];
        said.extend(summary::late(t, digest));
        let mut head = vec![
            json!({ "type": "header", "block_id": "sum", "text": {
                "type": "plain_text", "emoji": false, "text": plain(&summary::headline(t, digest)) } }),
            context("delta", &escape(&said.join(" "))),
        ];
        head.extend(
            Meanwhile::of(t, digest).map(|meanwhile| section("meanwhile", &away(&meanwhile))),
        );
        let mut tail = Vec::new();
        let mut buttons = Vec::new();
        if let Some(url) = links.mine() {
            let label = open_mine(t, digest);
            let text = t.open_my(open(digest));
            buttons.push(button("open_mine", &url, &text, &label, true));
        }
        if let Some(url) = links.rhythm() {
            let words = t.change_time_or_days();
            buttons.push(button("open_prefs", &url, words, words, false));
        }
        if !buttons.is_empty() {
            tail.push(json!({ "type": "actions", "block_id": "go", "elements": buttons }));
        }
        let quiet = summary::quiet(t, digest).map(|(words, _)| format!(" {}", t.not_here(&words)));
        let days = capital(&t.weekdays(&digest.days));
        let why = format!(
            "{}: {} {}{}",
            Labels::of(t).why_you_get_this(),
            summary::short_why(t, digest),
            t.days_at(&days, &clock(digest.time), &digest.zone),
            quiet.unwrap_or_default()
        );
        let stop = links.unsubscribe().map(|url| link(Some(&url), t.stop_slack_digests()));
        let why: Vec<String> = std::iter::once(escape(&why)).chain(stop).collect();
        tail.push(context("why", &why.join(" ")));
        Self { head, tail }
    }

    fn around(
        &self,
        t: Locale,
        digest: &Digest,
        links: MessageLinks<'_>,
        shown: &[SlackLine],
    ) -> Vec<Value> {
        let mut blocks = self.head.clone();
        for group in shown.chunk_by(|a, b| (a.part, a.group) == (b.part, b.group)) {
            blocks.extend(sections(t, group));
        }
        let more = digest.total.saturating_sub(shown.len());
        if more > 0 {
            let words = match links.mine() {
                Some(url) => link(Some(&url), &t.and_more(more)),
                None => format!("{}.", t.and_more_elsewhere(more)),
            };
            blocks.push(section("more", &words));
        }
        blocks.extend(self.tail.iter().cloned());
        blocks
    }
}

/// A group as one section, or several when it is long.
fn sections(t: Locale, lines: &[SlackLine]) -> Vec<Value> {
    let Some(first) = lines.first() else { return Vec::new() };
    let look = first.look;
    let heading = first.heading.as_ref().map(|words| format!("*{words}*\n\n"));
    let mut said = format!(
        "{}{} *{} ({})*, {}",
        heading.unwrap_or_default(),
        look.shape,
        t.group(first.group),
        first.n,
        uncapital(t.next_move(first.group))
    );
    let block = match first.part {
        0 => look.block.to_owned(),
        part => format!("{}_for_{part}", look.block),
    };
    let mut sections = Vec::new();
    for line in lines.iter().map(SlackLine::text) {
        if said.chars().count() + line.chars().count() + 2 > SECTION {
            sections.push(std::mem::replace(&mut said, line));
        } else {
            said.push_str("\n\n");
            said.push_str(&line);
        }
    }
    sections.push(said);
    sections
        .iter()
        .enumerate()
        .map(|(index, text)| match index {
            0 => section(&block, text),
            _ => section(&format!("{block}_{}", index + 1), text),
        })
        .collect()
}

/// What happened while the reader was out, as far as there is room.
fn away(meanwhile: &Meanwhile) -> String {
    let mut said = format!("*{}*\n{}", meanwhile.title, escape(&meanwhile.opening));
    for line in meanwhile.lines.iter().map(|line| escape(line)) {
        if said.chars().count() + line.chars().count() > AWAY {
            break;
        }
        said.push('\n');
        said.push_str(&line);
    }
    said
}

/// "Next move: theirs" within a sentence.
fn uncapital(text: &str) -> String {
    let mut rest = text.chars();
    rest.next().map_or_else(String::new, |first| first.to_lowercase().chain(rest).collect())
}

/// Says a sentence of the workspace's own in the place of ours: first block and notification. It is text, whatever it looks like.
pub(super) fn say(post: &mut SlackPost, nudge: Option<Kind>, sentence: &str) {
    post.text = escape(sentence);
    let Some(first) = post.blocks.first_mut() else { return };
    match nudge {
        None => first["text"]["text"] = json!(plain(sentence)),
        Some(kind) => {
            let stalled = kind == Kind::StalledPhase;
            let shape = look(if stalled { Group::Stalled } else { Group::Waiting }).shape;
            first["text"]["text"] = json!(format!("{shape} {}", post.text));
        }
    }
}

// --- nudges ----------------------------------------------------------------------------------------------------------------------

/// The Slack message of `nudge`.
pub(super) fn nudge(nudge: &Nudge, links: MessageLinks<'_>, brand: &Brand) -> SlackPost {
    let t = brand.locale;
    let said = NudgeSaid::new(t, nudge);
    let Said { customer, display_id, phase, group, .. } = &said.line;
    let url = links.onboarding(*display_id);
    let phase = escape(phase);
    let moves = escape(&said.moves());
    let who = if brand.names_in_subjects { escape(customer) } else { format!("#{display_id}") };
    let plain_words = statement(t, nudge, &who, &phase, str::to_owned);
    let linked =
        statement(t, nudge, &link(url.as_deref(), customer), &phase, |days| format!("*{days}*"));
    let mut blocks = vec![
        section("say", &format!("{} {linked} {moves}", look(*group).shape)),
        context("facts", &escape(&said.facts.join(" "))),
    ];
    let buttons = buttons(t, nudge, &said.line, links);
    if !buttons.is_empty() {
        blocks.push(json!({ "type": "actions", "block_id": "do", "elements": buttons }));
    }
    SlackPost {
        text: format!("{plain_words} {moves}"),
        blocks,
        event_type: nudge.kind.as_str().to_owned(),
    }
}

/// What ends it, what delays it, what shows it, what explains it, the first of them primary. The escalation user only looks on.
fn buttons(t: Locale, nudge: &Nudge, said: &Said, links: MessageLinks<'_>) -> Vec<Value> {
    let Said { customer, display_id, .. } = said;
    let label = |words: fn(Locale, &str) -> String| button_label(t, words, customer, *display_id);
    let mut buttons = Vec::new();
    let waiting = nudge.kind == Kind::WaitingOnCustomer;
    let mut act = |action: Click, url: Option<String>, text: &str, label: &str| {
        let target = if links.clicks() {
            Some(Target::Click(&nudge.notification_id))
        } else {
            url.as_deref().map(Target::Page)
        };
        buttons.extend(target.map(|target| target.button(action.as_str(), text, label)));
    };
    if waiting && !nudge.escalation {
        let url = links.replied(*display_id);
        act(Click::Replied, url, t.customer_replied(), &label(Locale::label_replied));
    }
    if !nudge.escalation {
        let url = links.snooze(*display_id);
        act(Click::Snooze, url, &plain(t.snooze_3_days()), &label(Locale::label_snooze));
    }
    act(Click::Why, links.why(*display_id), t.why(), &label(Locale::label_why));
    if let Some(url) = links.onboarding(*display_id) {
        let open = Target::Page(&url).button("open", t.open(), &label(Locale::label_open));
        // A stalled phase is the reader's to move: looking at it comes first.
        let at = if waiting && !nudge.escalation { buttons.len().saturating_sub(1) } else { 0 };
        buttons.insert(at, open);
    }
    if let Some(first) = buttons.first_mut().and_then(Value::as_object_mut) {
        first.insert("style".to_owned(), json!("primary"));
    }
    buttons
}

/// What a button leads to.
#[derive(Clone, Copy)]
enum Target<'a> {
    /// A page.
    Page(&'a str),
    /// A click that Slack tells us of, about a notification. What it may do is decided from the row, never from what it carries.
    Click(&'a str),
}

impl Target<'_> {
    fn button(self, action: &str, text: &str, label: &str) -> Value {
        let mut button = json!({ "type": "button", "action_id": action });
        match self {
            Self::Page(url) => button["url"] = json!(url),
            Self::Click(id) => button["value"] = json!(json!({ "v": 1, "n": id }).to_string()),
        }
        button["text"] = json!({ "type": "plain_text", "text": text });
        button["accessibility_label"] = json!(label);
        button
    }
}

/// What a screen reader says for a button. It is plain text, where nothing is escaped: a name that looks like markup stays out.
fn button_label(t: Locale, words: fn(Locale, &str) -> String, customer: &str, id: i64) -> String {
    let named = words(t, customer);
    if named.chars().count() <= LABEL && !customer.contains(['<', '>']) {
        named
    } else {
        words(t, &format!("#{id}"))
    }
}
