//! Everything once more in German: what it says, that nothing is left in English, and that it keeps to the same limits.

use std::collections::BTreeSet;

use pivotal_reminders::domain::values::Locale;
use serde_json::Value;

use super::subjects::{ROWS, row_2, row_3, row_4, row_5, row_6, row_7, row_8, row_9};
use super::*;

fn german() -> Brand {
    Brand { locale: Locale::De, ..samples::brand() }
}

fn german_mail(digest: &Digest) -> Email {
    mail(renderer().digest(digest, Channel::Email, &samples::links(), &german()))
}

fn german_post(digest: &Digest) -> SlackPost {
    post(renderer().digest(digest, Channel::Slack, &samples::links(), &german()))
}

#[test]
fn subjects_in_german_keep_their_length_and_their_facts() {
    let renderer = renderer();
    let mut said = Vec::new();
    for row in ROWS {
        for names_in_subjects in [true, false] {
            let brand = Brand { names_in_subjects, ..german() };
            let message = renderer.digest(&row(), Channel::Email, &page_only(), &brand);
            let subject = mail(message).subject;
            assert!(subject.chars().count() <= 75, "{subject}");
            said.push(subject);
        }
    }
    insta::assert_snapshot!(said.join("\n"));
}

#[test]
fn twenty_five_lines_in_german_keep_every_limit() {
    for n in [25, 26] {
        let email = german_mail(&samples::long_digest(n));
        assert!(email.html.len() <= 100_000, "{}", email.html.len());
        assert!(email.html.is_ascii());
        for line in email.text.lines() {
            assert!(line.chars().count() <= 76, "{line}");
        }
        let post = german_post(&samples::long_digest(n));
        let json = serde_json::to_string(&post.blocks).unwrap();
        assert!(json.chars().count() <= 12_000, "{}", json.chars().count());
        assert_eq!(json.matches("Warum?").count(), 25, "a line was dropped");
    }
}

/// Words that are the same in both languages, or are names: people, customers, phases, zones.
const SHARED: &str = "am an and person channel go gt live lt april bei books brannoch buildout calder carve clinics color community copenhagen crm csm daughters dairy de design
    dir digest die duarte email energy europe fennel fairlie freight friday halden health hotels housing ida ines in integration jonas kickoff
    laboratories lane launch linden marlow maren holt mills millrace no northby northwind onboarding onboardings optics osterby ostrow partners point
    phase program quillby review reyl rye sable slack street sync tallybrook thornbury tomas uat vale vets voss api was war warum amp do försäkringar jan mail nov rd reilly sg stand söner åsgård bramwell corvale so
    name us test ntf to auto dialog button primary section context header mrkdwn actions plain text";

/// The words that a reader sees, in lower case.
fn words(said: &str) -> BTreeSet<String> {
    let text: Vec<&str> = said
        .split_whitespace()
        .filter(|word| !word.contains("://") && !word.contains("ntf_"))
        .collect();
    text.join(" ")
        .split(|c: char| !c.is_alphabetic())
        .filter(|word| word.chars().count() > 1)
        .map(str::to_lowercase)
        .collect()
}

/// Every text in blocks.
fn texts(value: &Value, said: &mut String) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                match (key.as_str(), value) {
                    ("text" | "accessibility_label", Value::String(text)) => {
                        // A link is an address and its words.
                        said.push_str(&text.replace(['<', '|'], " ").replace('>', " "));
                        said.push(' ');
                    }
                    _ => texts(value, said),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| texts(item, said)),
        _ => {}
    }
}

fn said(message: &Message) -> BTreeSet<String> {
    match message {
        Message::Email(email) => {
            let parts =
                [&email.from_name, &email.subject, &email.text, &catalogue::as_read(&email.html)];
            parts.into_iter().flat_map(|part| words(part)).collect()
        }
        Message::Slack(post) => {
            let mut text = post.text.clone();
            text.push(' ');
            texts(&Value::from(post.blocks.clone()), &mut text);
            words(&text)
        }
    }
}

/// Every message there is, in a language.
fn everything(locale: Locale) -> Vec<Message> {
    let (renderer, mut all) = (renderer(), Vec::new());
    for links in [samples::links(), Links::default()] {
        for names_in_subjects in [true, false] {
            let brand = Brand { locale, names_in_subjects, ..samples::brand() };
            let quiet = Digest { changed: Changed::default(), ..samples::digest() };
            let more = [
                samples::long_digest(26),
                quiet,
                row_2(),
                row_3(),
                row_4(),
                row_5(),
                row_6(),
                row_7(),
                row_8(),
                row_9(),
            ];
            for digest in samples::digests().into_iter().chain(more) {
                for channel in [Channel::Email, Channel::Slack] {
                    all.push(renderer.digest(&digest, channel, &links, &brand).unwrap());
                }
            }
            for nudge in samples::nudges() {
                for channel in [Channel::Email, Channel::Slack] {
                    all.push(renderer.nudge(&nudge, channel, &links, &brand).unwrap());
                }
            }
            let customer = samples::customer_reminder();
            all.push(renderer.customer_reminder(&customer, &links, &brand).unwrap());
            let nobody = Nudge { csm: None, reader: String::new(), ..customer };
            all.push(renderer.customer_reminder(&nobody, &links, &brand).unwrap());
            all.extend(catalogue::settled(&links, &brand).into_iter().map(Message::Slack));
        }
    }
    all
}

#[test]
fn no_english_word_is_left_in_german() {
    let shared: BTreeSet<&str> = SHARED.split_whitespace().collect();
    let of = |locale| everything(locale).iter().flat_map(said).collect::<BTreeSet<String>>();
    let (english, german) = (of(Locale::En), of(Locale::De));
    assert!(english.len() > 250 && german.len() > 250, "{} {}", english.len(), german.len());
    let left: Vec<&String> =
        german.intersection(&english).filter(|word| !shared.contains(word.as_str())).collect();
    assert!(left.is_empty(), "{left:?}");
}
