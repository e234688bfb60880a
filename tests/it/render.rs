//! What people read: snapshots of every message, and the rules of the design kit that a snapshot cannot prove.

pub(crate) mod catalogue;
mod german;
mod subjects;

use chrono::NaiveDate;
use pivotal_reminders::domain::digest::{Change, Changed, Digest, Group, Line, Nudge};
use pivotal_reminders::domain::message::{Email, Message, SlackPost};
use pivotal_reminders::domain::values::{Channel, Kind};
use pivotal_reminders::render::samples::{self, TODAY, digest_of, launching, line};
use pivotal_reminders::render::{Brand, Links, RenderError, Renderer};
use rstest::rstest;

fn renderer() -> Renderer {
    Renderer::new().expect("every sample renders")
}

fn mail(message: Result<Message, RenderError>) -> Email {
    match message.expect("it renders") {
        Message::Email(email) => email,
        Message::Slack(post) => panic!("a mail was expected: {post:?}"),
    }
}

fn post(message: Result<Message, RenderError>) -> SlackPost {
    match message.expect("it renders") {
        Message::Slack(post) => post,
        Message::Email(email) => panic!("a Slack message was expected: {email:?}"),
    }
}

fn digest_mail(digest: &Digest, links: &Links) -> Email {
    mail(renderer().digest(digest, Channel::Email, links, &samples::brand()))
}

fn digest_post(digest: &Digest, links: &Links) -> SlackPost {
    post(renderer().digest(digest, Channel::Slack, links, &samples::brand()))
}

fn nudge_mail(nudge: &Nudge, links: &Links) -> Email {
    mail(renderer().nudge(nudge, Channel::Email, links, &samples::brand()))
}

fn nudge_post(nudge: &Nudge, links: &Links) -> SlackPost {
    post(renderer().nudge(nudge, Channel::Slack, links, &samples::brand()))
}

fn customer_mail(nudge: &Nudge, links: &Links) -> Email {
    mail(renderer().customer_reminder(nudge, links, &samples::brand()))
}

/// A mail as one reads it: its headers, then the text part.
fn as_text(email: &Email) -> String {
    format!(
        "From: {}\nReply-To: {}\nList-Unsubscribe: {}\nSubject: {}\n\n{}",
        email.from_name,
        email.reply_to.as_deref().unwrap_or("-"),
        email.list_unsubscribe.as_deref().unwrap_or("-"),
        email.subject,
        email.text
    )
}

/// Without pages of ours: the workspace's page of an onboarding alone.
fn page_only() -> Links {
    let url = "https://reminders.tallybrook.test/o/{display_id}";
    Links { onboarding_url: Some(url.to_owned()), ..Links::default() }
}

fn day(year: i32, month: u32, day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(year, month, day).expect("a date")
}

fn waiting(id: i64, customer: &str, since: NaiveDate) -> Line {
    line(Group::Waiting, id, customer, "Review", since)
}

/// `n` realistic lines, each with every part a line can have.
fn many(n: u8) -> Digest {
    samples::long_digest(n)
}

// --- the kit ---------------------------------------------------------------------------------------------------------------------

#[test]
fn a_customer_without_a_csm_answers_to_the_team() {
    let mut nudge = Nudge { csm: None, ..samples::customer_reminder() };
    nudge.line.phase = "Launch".to_owned();
    let email = customer_mail(&nudge, &Links::default());
    assert_eq!(email.reply_to, None);
    assert!(!email.html.contains("mailto:"));
    insta::assert_snapshot!(as_text(&email));
}

#[test]
fn what_the_reader_stands_in_for_has_a_heading_of_its_own() {
    let (digest, links) = (samples::stand_in_digest(), samples::links());
    let email = digest_mail(&digest, &links);
    let heading = "For Jonas Reyl, out until Mon&nbsp;23&nbsp;Nov</h2>";
    let parts: Vec<&str> = email.html.split(heading).collect();
    assert_eq!(parts.len(), 2, "one heading in HTML");
    assert!(parts[0].contains("Halden") && parts[1].contains("Ostrow"));
}

#[test]
fn the_first_digest_after_an_absence_opens_with_what_happened() {
    let (digest, links) = (samples::return_digest(), samples::links());
    let email = digest_mail(&digest, &links);
    let (before, after) = email.html.split_once("While you were out</h2>").expect("a heading");
    assert!(!before.contains("<!-- group") && after.contains("Thornbury Vets #1027: completed"));
}

// --- edges -----------------------------------------------------------------------------------------------------------------------

#[test]
fn with_no_page_but_the_onboardings_nothing_dangles() {
    let digest = samples::digest();
    let email = digest_mail(&digest, &page_only());
    insta::assert_snapshot!("page_only_text", as_text(&email));
    insta::assert_snapshot!("page_only_html", email.html);
    insta::assert_json_snapshot!("page_only_slack", digest_post(&digest, &page_only()));
}

#[test]
fn without_any_link_there_is_no_anchor_and_no_button() {
    for digest in samples::digests() {
        let email = digest_mail(&digest, &Links::default());
        assert!(!email.html.contains("<a "), "{}", email.html);
        assert!(!email.text.contains("http"));
        let json = serde_json::to_string(&digest_post(&digest, &Links::default())).unwrap();
        assert!(!json.contains("http") && !json.contains("\"actions\""), "{json}");
    }
    for nudge in samples::nudges() {
        assert!(!nudge_mail(&nudge, &Links::default()).html.contains("<a "));
        assert_eq!(nudge_post(&nudge, &Links::default()).blocks.len(), 2);
    }
}

#[test]
fn a_first_digest_explains_itself_and_calls_nothing_new() {
    let email = digest_mail(&samples::first_digest(), &page_only());
    insta::assert_snapshot!(as_text(&email));
    assert!(email.html.contains("This is your first digest"));
    assert!(email.html.contains("no date yet"));
}

#[test]
fn a_late_digest_says_so_and_a_cut_one_ends_in_how_many_more() {
    let digest = samples::late_digest();
    let email = digest_mail(&digest, &samples::links());
    assert!(
        email.text.contains("\nLate today: sent at 10:40 instead of 07:00.\n"),
        "{}",
        email.text
    );
    let post = serde_json::to_string(&digest_post(&digest, &page_only()).blocks).unwrap();
    assert!(post.contains("and 6 more, which do not fit here"), "{post}");
    assert!(digest_mail(&digest, &samples::links()).html.contains(">and 6 more</a>"));
    assert!(
        digest_mail(&digest, &page_only()).html.contains(">and 6 more, which do not fit here<")
    );
}

#[test]
fn the_twenty_sixth_line_becomes_one_more() {
    let digest = many(26);
    let email = digest_mail(&digest, &samples::links());
    assert_eq!(email.html.matches("<h3").count(), 25);
    assert!(email.html.contains(">and 1 more</a>"));
    assert!(email.text.contains("WAITING ON CUSTOMER (26)"));
    assert_eq!(email.subject, "26 onboardings today: waiting on 26 customers");
}

#[test]
fn a_monday_looks_back_to_friday() {
    let monday = day(2026, 11, 16);
    let friday = day(2026, 11, 13);
    let mut old = waiting(1042, "Halden Freight", day(2026, 10, 27));
    old.change = Change { seen_on: Some(friday), figure_before: Some(13), ..Change::default() };
    let mut moved =
        launching(waiting(1057, "Osterby Clinics", day(2026, 11, 3)), day(2026, 12, 18));
    moved.change = Change {
        seen_on: Some(friday),
        moved_from: Some("Design".to_owned()),
        launch_before: Some(None),
        ..Change::default()
    };
    let mut new = waiting(1063, "Quillby Books", day(2026, 11, 14));
    new.change = Change { first: true, ..Change::default() };
    let mut far = launching(
        line(Group::AtRisk, 1070, "Marlow Dairy", "UAT", day(2026, 11, 2)),
        day(2027, 1, 8),
    );
    far.change = Change { seen_on: Some(day(2026, 11, 2)), regrouped: true, ..Change::default() };
    let lines = vec![old, moved, new, far];
    let digest = Digest { date: monday, since: Some(friday), ..digest_of(lines) };
    insta::assert_snapshot!(as_text(&digest_mail(&digest, &page_only())));
}

#[test]
fn a_quiet_day_says_that_nothing_changed() {
    let digest = digest_of(vec![line(Group::OnTrack, 1, "Corvale Housing", "Kickoff", TODAY)]);
    assert!(digest_mail(&digest, &page_only()).text.contains("\nNo change since yesterday.\n"));
    let mut closed = digest;
    closed.totals.closed = 2;
    let text = digest_mail(&closed, &page_only()).text;
    assert!(text.contains("\nSince yesterday: 2 closed, no other change.\n"), "{text}");
}

#[test]
fn zeros_are_left_out_of_the_tally() {
    let digest = digest_of(vec![waiting(1, "Halden Freight", day(2026, 10, 27))]);
    let email = digest_mail(&digest, &page_only());
    assert!(email.text.contains("\n1 waiting on customer\n"));
    assert!(!email.html.contains("on track") && !email.html.contains("at risk"));
    assert!(email.text.starts_with("You are waiting on 1 customer; the next move is theirs.\n"));
}

#[test]
fn a_wait_that_began_today_counts_no_days_in_sentences() {
    let digest = digest_of(vec![waiting(1, "Halden Freight", TODAY)]);
    let email = digest_mail(&digest, &page_only());
    assert_eq!(email.subject, "You are waiting on Halden Freight, since today");
    let mut nudge = samples::waiting_on_customer();
    nudge.line = waiting(1, "Halden Freight", TODAY);
    assert_eq!(
        nudge_post(&nudge, &page_only()).text,
        "You have waited on Halden Freight since today. Next move: theirs."
    );
}

// --- limits ----------------------------------------------------------------------------------------------------------------------

#[test]
fn twenty_five_lines_of_html_stay_under_100_kb_and_a_row_under_2900_bytes() {
    let size = |n| digest_mail(&many(n), &samples::links()).html.len();
    assert!(size(25) <= 100_000, "{}", size(25));
    assert!((size(25) - size(1)) / 24 <= 2_900, "{}", (size(25) - size(1)) / 24);
}

#[test]
fn the_text_part_keeps_to_76_columns_and_ends_lines_with_links() {
    for digest in [samples::digest(), samples::late_digest(), many(25)] {
        for line in digest_mail(&digest, &samples::links()).text.lines() {
            assert!(line.chars().count() <= 76, "{line}");
            if let Some((_, url)) = line.split_once("https://") {
                assert!(!url.contains(' '), "{line}");
            }
        }
    }
}

#[test]
fn twenty_five_lines_on_slack_keep_every_limit() {
    for digest in [many(25), many(26), { long_names(25) }] {
        let post = digest_post(&digest, &samples::links());
        let json = serde_json::to_string(&post.blocks).unwrap();
        assert!(json.chars().count() <= 12_000, "{}", json.chars().count());
        assert!(post.blocks.len() <= 50 && post.text.chars().count() <= 300);
        let mut ids = std::collections::BTreeSet::new();
        for block in &post.blocks {
            assert!(ids.insert(block["block_id"].as_str().unwrap().to_owned()), "{block}");
            let text = block["text"]["text"].as_str().unwrap_or_default();
            let limit = if block["type"] == "header" { 120 } else { 2_800 };
            assert!(text.chars().count() <= limit, "{text}");
        }
    }
}

/// Names of 200 characters, which Slack's limit cannot hold 25 times.
fn long_names(n: u8) -> Digest {
    let mut digest = many(n);
    for (_, lines) in &mut digest.groups {
        for line in lines {
            line.customer = "Ñ".repeat(200);
        }
    }
    digest
}

#[test]
fn slack_drops_yesterday_first_then_lines_and_says_how_many() {
    let all = |post: &SlackPost| serde_json::to_string(&post.blocks).unwrap();
    let roomy = all(&digest_post(&many(10), &samples::links()));
    assert_eq!(roomy.matches("Yesterday").count(), 10);
    let tight = all(&digest_post(&long_names(25), &samples::links()));
    let lines = tight.matches(&"Ñ".repeat(200)).count();
    assert_eq!(tight.matches("Yesterday").count(), 0);
    assert!((15..25).contains(&lines), "{lines}");
    assert!(tight.contains(&format!("and {} more>", 25 - lines)));
    assert_eq!(tight.matches('Ñ').count() % 200, 0, "a name was cut");
}

// --- hostile names ---------------------------------------------------------------------------------------------------------------

#[rstest]
#[case::html("<script>alert(1)</script>")]
#[case::attribute("\" onmouseover=\"x' onclick='y")]
#[case::entity("Fennel &amp; Rye & Co")]
#[case::mention("<!channel> <@U1> <https://evil.test|Halden>")]
#[case::header("Halden\r\nBcc: all@tallybrook.test")]
#[case::template("{{ 7 * 7 }}{% raw %}")]
#[case::bidi("Halden \u{202e}thgierF\u{2066}\u{200f}")]
#[case::control("Halden\u{0}\u{1b}[31m\u{9b}\u{85}Freight")]
#[case::emoji("👩‍👩‍👧 Família 🇳🇴")]
#[case::blank(" \u{200b}\u{202e} ")]
#[case::json("\\\"},{\"type\":\"section\"")]
#[case::long(&"Ab ".repeat(66))]
fn a_hostile_name_stays_a_name(#[case] name: &str) {
    let renderer = renderer();
    let (links, brand) = (samples::links(), samples::brand());
    let mut digest = samples::digest();
    for (_, lines) in &mut digest.groups {
        for line in lines {
            line.customer = name.to_owned();
            line.phase = name.to_owned();
        }
    }
    digest.workspace = name.to_owned();
    digest.reader = name.to_owned();
    let mut messages = vec![
        renderer.digest(&digest, Channel::Email, &links, &brand),
        renderer.digest(&digest, Channel::Slack, &links, &brand),
    ];
    for nudge in samples::nudges().into_iter().chain([samples::customer_reminder()]) {
        let mut nudge = Nudge {
            workspace: name.to_owned(),
            reader: name.to_owned(),
            csm: Some((name.to_owned(), "maren.holt@tallybrook.test".to_owned())),
            phases: vec![name.to_owned()],
            ..nudge
        };
        nudge.line.customer = name.to_owned();
        nudge.line.phase = name.to_owned();
        if nudge.kind == Kind::CustomerReminder {
            messages.push(renderer.customer_reminder(&nudge, &links, &brand));
        } else {
            messages.push(renderer.nudge(&nudge, Channel::Email, &links, &brand));
            messages.push(renderer.nudge(&nudge, Channel::Slack, &links, &brand));
        }
    }
    for message in messages {
        let message = message.expect("it renders");
        let parts: Vec<String> = match &message {
            Message::Email(Email { from_name, subject, text, html, .. }) => {
                assert!(!subject.contains(['\r', '\n']) && !from_name.contains(['\r', '\n']));
                assert!(subject.chars().count() <= 75, "{subject}");
                assert!(!html.contains("<script") && !html.contains("\" onmouseover"), "{html}");
                assert!(!html.contains("' onclick") && !html.contains("<!channel"));
                assert!(html.len() < 100_000);
                vec![from_name.clone(), subject.clone(), text.clone(), html.clone()]
            }
            Message::Slack(SlackPost { text, blocks, .. }) => {
                let json = serde_json::to_string(blocks).unwrap();
                assert!(!json.contains("<!channel") && !json.contains("<@U1"), "{json}");
                assert!(!json.contains("<https://evil") && !text.contains("<!channel"), "{json}");
                assert!(text.chars().count() <= 4_000);
                vec![text.clone(), json]
            }
        };
        for part in parts {
            let stray = |c: char| {
                (c.is_control() && c != '\n')
                    || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}')
            };
            assert!(!part.contains(stray), "{part:?}");
            assert!(!part.contains("49{%"), "a name was run as a template");
        }
    }
}

#[test]
fn a_hostile_name_reads_as_it_was_typed() {
    let name = "Åse & Søn <b>\"x\"</b> <!channel> 👩‍👩‍👧";
    let digest = digest_of(vec![waiting(1, name, day(2026, 10, 27))]);
    let email = digest_mail(&digest, &page_only());
    assert!(email.text.contains(name), "{}", email.text);
    let html = "&#197;se &amp; S&#248;n &lt;b&gt;&quot;x&quot;&lt;/b&gt; &lt;!channel&gt; &#128105;&#8205;&#128105;&#8205;&#128103;";
    assert!(email.html.contains(html));
    assert!(email.html.is_ascii(), "every relay passes it on as it is");
    assert!(
        digest_post(&digest, &page_only())
            .text
            .contains("Åse &amp; Søn &lt;b&gt;\"x\"&lt;/b&gt; &lt;!channel&gt; 👩‍👩‍👧")
    );
}

#[test]
fn a_kind_is_rendered_by_its_own_method_only() {
    let (links, brand) = (Links::default(), Brand::default());
    let renderer = renderer();
    let customer = renderer.nudge(&samples::customer_reminder(), Channel::Email, &links, &brand);
    assert!(matches!(customer, Err(RenderError::Kind(Kind::CustomerReminder))));
    let staff = renderer.customer_reminder(&samples::stalled_phase(), &links, &brand);
    assert!(matches!(staff, Err(RenderError::Kind(Kind::StalledPhase))));
}

#[test]
fn nothing_ever_reads_none_or_null() {
    let changed = Changed::default();
    for links in [samples::links(), page_only(), Links::default()] {
        for digest in samples::digests() {
            let email = digest_mail(&Digest { changed, ..digest.clone() }, &links);
            let slack = serde_json::to_string(&digest_post(&digest, &links)).unwrap();
            for part in [&email.subject, &email.text, &slack] {
                assert!(
                    !part.contains("null") && !part.replace("None closed", "").contains("None"),
                    "{part}"
                );
                assert!(!part.contains(" ,") && !part.contains(" .") && !part.contains("()"));
            }
        }
    }
}
