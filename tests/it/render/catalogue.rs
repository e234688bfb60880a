//! Every message there is: each kind on each channel in each language, with the edge cases, in all its parts. A sample that is added to
//! the previews is held here by itself.

use std::fmt::Write;

use pivotal_reminders::domain::message::Click;
use pivotal_reminders::domain::values::Locale;
use pivotal_reminders::operate::preview;
use pivotal_reminders::render::pages;
use pivotal_reminders::render::settled::{Settled, What};

use super::*;

/// Previews whose HTML is held octet by octet, one of each kind; others differ in what they say, and are held as they read.
const WHOLE: [&str; 4] = [
    "digest-usual-email",
    "stalled_phase-usual-email",
    "waiting_on_customer-last-step-email",
    "customer_reminder-usual-email",
];

/// Shows what [`as_read`] shows for 26 lines as well, save one of the lines.
const LEFT_OUT: &str = "digest-25-lines";

#[rstest]
fn every_message_in_every_language_with_all_its_parts(
    #[values(Kind::Digest, Kind::StalledPhase, Kind::WaitingOnCustomer, Kind::CustomerReminder)]
    kind: Kind,
    #[values(Locale::En, Locale::De)] locale: Locale,
) {
    let previews = preview::of_samples(&renderer(), Some(kind), Some(locale)).expect("previews");
    for preview in previews.iter().filter(|preview| !preview.name.starts_with(LEFT_OUT)) {
        let name = preview.name.as_str();
        match &preview.message {
            Message::Slack(post) => insta::assert_json_snapshot!(name, post),
            Message::Email(email) => {
                let read = format!("{}\n\n=== HTML\n{}", as_text(email), as_read(&email.html));
                insta::assert_snapshot!(name, read);
                if WHOLE.contains(&name.trim_end_matches("-de")) {
                    insta::assert_snapshot!(format!("{name}-html"), email.html);
                }
            }
        }
    }
}

#[rstest]
#[case(Locale::En)]
#[case(Locale::De)]
fn every_nudge_whose_reason_has_gone_says_what_is_true_now(#[case] locale: Locale) {
    let brand = Brand { locale, ..samples::brand() };
    insta::assert_json_snapshot!(format!("settled-{locale}"), settled(&samples::links(), &brand));
}

/// A nudge on Slack after everything that may settle it.
pub(crate) fn settled(links: &Links, brand: &Brand) -> Vec<SlackPost> {
    let renderer = renderer();
    let when = pages::when(brand.locale, TODAY.and_hms_opt(9, 4, 0).expect("a time"), TODAY);
    let by = || Some(format!("Maren Holt {when}"));
    let until = day(2026, 12, 1);
    let all = [
        (What::Replied { by: by(), waited: Some(15) }, Some(Click::UndoReplied)),
        (What::Replied { by: None, waited: None }, None),
        (What::Moved { by: by(), to: "UAT & Go-live <b>".to_owned() }, None),
        (What::Waits { by: by() }, None),
        (What::Paused { by: by() }, None),
        (What::Snoozed { until, by: by() }, Some(Click::UndoSnooze)),
        (What::Reassigned { to: "Jonas Reyl".to_owned() }, None),
        (What::Closed, None),
    ];
    let posts = all.into_iter().map(|(what, undo)| {
        let settled = Settled {
            notification_id: "ntf_01k9zq5w00m4h0d8t95d1xh7ve".to_owned(),
            event_type: "waiting_on_customer".to_owned(),
            display_id: 1042,
            customer: "Halden <!channel> Freight".to_owned(),
            today: TODAY,
            what,
            undo,
        };
        renderer.settled(&settled, links, brand)
    });
    posts.collect()
}

#[test]
fn the_longest_of_the_odd_names_has_200_characters() {
    let lengths = samples::odd_names().map(|name| name.chars().count());
    assert_eq!(lengths.into_iter().max(), Some(200));
}

/// HTML as somebody reads it: a line for each cell, heading and paragraph, and the label of what has another than its text.
pub(crate) fn as_read(html: &str) -> String {
    let mut read = String::new();
    for part in html.split_once("<body").expect("a body").1.split('<').skip(1) {
        let (tag, text) = part.split_once('>').unwrap_or((part, ""));
        // What only Outlook sees is a comment, and says nothing.
        if tag.starts_with("!--") || tag.starts_with('!') {
            continue;
        }
        let label = tag.split_once("aria-label=\"").and_then(|(_, rest)| rest.split('"').next());
        if let Some(label) = label {
            write!(read, "[{label}] ").expect("a string takes everything");
        }
        let name = tag.trim_start_matches('/').split([' ', '/']).next().unwrap_or_default();
        if matches!(name, "td" | "div" | "p" | "h1" | "h2" | "h3" | "br" | "li" | "tr") {
            read.push('\n');
        }
        read.push_str(text);
    }
    let lines = read.lines().map(|line| {
        let words: Vec<&str> = line.split([' ', '\t']).filter(|word| !word.is_empty()).collect();
        without_entities(&words.join(" "))
    });
    lines.filter(|line| !line.trim().is_empty()).collect::<Vec<_>>().join("\n")
}

/// Text with its characters instead of their numbers and names.
fn without_entities(text: &str) -> String {
    let mut parts = text.split('&');
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (entity, rest) = part.split_once(';').expect("an entity ends");
        let number = entity.strip_prefix('#').and_then(|n| n.parse().ok()).and_then(char::from_u32);
        match (entity, number) {
            // The filler of the preheader, which nobody sees.
            ("zwnj" | "#847", _) => {}
            ("amp", _) => plain.push('&'),
            ("lt", _) => plain.push('<'),
            ("gt", _) => plain.push('>'),
            ("quot", _) => plain.push('"'),
            ("nbsp", _) => plain.push(' '),
            ("middot", _) => plain.push('·'),
            (_, Some(c)) => plain.push(c),
            (other, None) => panic!("an entity that nobody has met: {other}"),
        }
        plain.push_str(rest);
    }
    plain
}
