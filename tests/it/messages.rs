//! Every message as it travels: mails read by an independent parser, Slack's JSON held against Block Kit's documented limits, previews.

use std::collections::BTreeMap;

use mail_parser::MessageParser;
use pivotal_reminders::deliver::mail_bytes;
use pivotal_reminders::domain::message::{Email, Envelope, Message, SlackPost};
use pivotal_reminders::domain::values::{Kind, Locale};
use pivotal_reminders::on;
use pivotal_reminders::operate::preview::{self, Preview};
use pivotal_reminders::render::{Brand, Renderer, samples};
use pivotal_reminders::store::ledger::{self, Packer};
use rstest::rstest;
use serde_json::{Value, json};

use super::render::catalogue;
use super::support::db::{Backend, TestDb};
use super::support::stage::Stage;

fn all() -> Vec<Preview> {
    preview::of_samples(&Renderer::new().unwrap(), None, None).unwrap()
}

fn mails() -> Vec<(String, Email)> {
    let mail = |preview: Preview| match preview.message {
        Message::Email(email) => Some((preview.name, email)),
        Message::Slack(_) => None,
    };
    all().into_iter().filter_map(mail).collect()
}

/// The mail's octets, before transparency.
fn octets(email: &Email) -> Vec<u8> {
    let envelope = Envelope {
        notification_id: "ntf_01k9zq5w00fqzyj8b5m7q2mvd4".to_owned(),
        address: "maren.holt@tallybrook.test".to_owned(),
        name: "Maren Hølt 👩‍💻".to_owned(),
        from_address: None,
        date: chrono::DateTime::UNIX_EPOCH,
        thread: None,
    };
    let from = "Tallybrook <reminders@tallybrook.test>".parse().unwrap();
    mail_bytes(&from, &envelope, email).unwrap()
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn what_messages_share_is_kept_once_and_every_message_is_read_whoever_packed_it(
    #[case] backend: Backend,
) {
    let db = TestDb::new(backend).await;
    let at = chrono::DateTime::UNIX_EPOCH;
    let examples = Renderer::new().unwrap().examples().unwrap();
    let mut conn = db.db.begin().await.unwrap();
    // Binaries with other templates, and one that is started again.
    let older = Packer::open(&mut conn, &examples[..1], at).await.unwrap();
    let newer = Packer::open(&mut conn, &examples, at).await.unwrap();
    let again = Packer::open(&mut conn, &examples, at).await.unwrap();
    let mut messages = BTreeMap::new();
    for (n, preview) in all().into_iter().enumerate() {
        for (who, packer) in [("older", &older), ("newer", &newer), ("again", &again)] {
            let packed = packer.pack(&preview.message).unwrap();
            if who == "newer"
                && let Message::Email(email) = &preview.message
            {
                let (small, large) = (packed.body.len(), email.html.len());
                assert!(small * 7 < large, "{}: {small} of {large} octets", preview.name);
            }
            let id = format!("ntf_{n}_{who}");
            on!(conn, |c| sqlx::query("INSERT INTO messages (notification_id, body, dictionary_id, rendered_at) VALUES ($1, $2, $3, $4)")
                .bind(&id)
                .bind(&packed.body)
                .bind(&*packed.dictionary_id)
                .bind(at)
                .execute(c)
                .await
                .map(|_| ()))
            .unwrap();
            messages.insert(id, preview.message.clone());
        }
    }
    for (id, message) in messages {
        assert_eq!(ledger::message(&mut conn, &id).await.unwrap(), Some(message), "{id}");
    }
    let dictionaries: (i64,) =
        on!(conn, |c| sqlx::query_as("SELECT count(*) FROM dictionaries").fetch_one(c).await)
            .unwrap();
    assert_eq!(dictionaries.0, 2);
}

#[test]
fn there_is_a_preview_of_every_kind_on_every_channel() {
    let names: Vec<String> = all().into_iter().map(|preview| preview.name).collect();
    insta::assert_snapshot!(names.join("\n"));
}

#[test]
fn every_mail_is_seven_bit_and_keeps_to_the_lengths_of_lines() {
    for (name, email) in mails() {
        let raw = octets(&email);
        assert!(raw.is_ascii(), "{name}");
        let text = String::from_utf8(raw).unwrap();
        assert_eq!(
            text.matches('\n').count(),
            text.matches("\r\n").count(),
            "{name}: a bare line feed"
        );
        assert_eq!(
            text.matches('\r').count(),
            text.matches("\r\n").count(),
            "{name}: a bare carriage return"
        );
        assert!(!text.contains('\0'), "{name}");
        let (head, body) = text.split_once("\r\n\r\n").expect("a head");
        for line in head.split("\r\n") {
            assert!(
                line.len() <= 998 && (line.len() <= 78 || !line.contains(", ")),
                "{name}: {line}"
            );
        }
        // What is signed must not be broken on its way: nothing longer than a relay may wrap (RFC 5322 §2.1.1: 998, sendmail: 990).
        for line in body.split("\r\n") {
            assert!(line.len() <= 990, "{name}: {line}");
        }
        let html = text.split_once("text/html").expect("an HTML part").1;
        assert!(
            html.starts_with("; charset=utf-8\r\nContent-Transfer-Encoding: 7bit\r\n"),
            "{name}: the HTML is encoded, which costs a quarter of a delivery's CPU time: {}",
            &html[..100]
        );
    }
}

#[test]
fn every_header_stands_once_and_the_way_out_is_complete() {
    for (name, email) in mails() {
        let raw = octets(&email);
        let mail = MessageParser::default().parse(&raw).expect("a mail");
        let mut headers: BTreeMap<&str, usize> = BTreeMap::new();
        for header in mail.headers() {
            *headers.entry(header.name()).or_default() += 1;
        }
        assert!(headers.values().all(|n| *n == 1), "{name}: {headers:?}");
        for needed in [
            "From",
            "To",
            "Subject",
            "Date",
            "Message-ID",
            "MIME-Version",
            "Content-Type",
            "Auto-Submitted",
            "X-Notification-Id",
            "List-Unsubscribe",
            "List-Unsubscribe-Post",
        ] {
            assert!(headers.contains_key(needed), "{name}: {needed} is missing");
        }
        assert_eq!(
            headers.contains_key("Reply-To"),
            name.starts_with("customer_reminder"),
            "{name}"
        );
        assert_eq!(mail.subject(), Some(email.subject.as_str()), "{name}");
        assert_eq!(mail.message_id(), Some("n.ntf_01k9zq5w00fqzyj8b5m7q2mvd4@tallybrook.test"));
        let to = mail.to().and_then(|to| to.first()).expect("a recipient");
        assert_eq!(
            (to.name(), to.address()),
            (Some("Maren Hølt 👩‍💻"), Some("maren.holt@tallybrook.test"))
        );
        let from = mail.from().and_then(|from| from.first()).expect("a sender");
        assert_eq!(from.name(), Some(email.from_name.as_str()), "{name}");
        assert_eq!(
            mail.header_raw("List-Unsubscribe-Post").map(str::trim),
            Some("List-Unsubscribe=One-Click")
        );
        let list = mail.header_raw("List-Unsubscribe").unwrap().trim().to_owned();
        assert_eq!(
            Some(list),
            email.list_unsubscribe.as_ref().map(|url| format!("<{url}>")),
            "unfolded, so that every client reads it"
        );
    }
}

#[test]
fn both_parts_of_every_mail_are_read_as_they_were_written() {
    for (name, email) in mails() {
        let raw = octets(&email);
        let mail = MessageParser::default().parse(&raw).expect("a mail");
        assert!(mail.content_type_is_alternative(), "{name}");
        assert_eq!(
            (mail.text_body_count(), mail.html_body_count(), mail.attachment_count()),
            (1, 1, 0),
            "{name}"
        );
        let read = |part: &str| part.replace("\r\n", "\n").trim_end().to_owned();
        assert_eq!(read(&mail.body_text(0).unwrap()), read(&email.text), "{name}");
        assert_eq!(read(&mail.body_html(0).unwrap()), read(&email.html), "{name}");
    }
}

trait Alternative {
    fn content_type_is_alternative(&self) -> bool;
}

impl Alternative for mail_parser::Message<'_> {
    fn content_type_is_alternative(&self) -> bool {
        use mail_parser::MimeHeaders;
        self.content_type().is_some_and(|kind| {
            kind.ctype() == "multipart" && kind.subtype() == Some("alternative")
        })
    }
}

// --- Slack -----------------------------------------------------------------------------------------------------------------------

fn settled() -> Vec<SlackPost> {
    let of = |locale: &Locale| {
        let brand = Brand { locale: *locale, ..samples::brand() };
        catalogue::settled(&samples::links(), &brand)
    };
    Locale::ALL.iter().flat_map(of).collect()
}

/// A text object: its type, its length, and nothing that turns into a mention or a link of somebody else's making.
fn check_text(text: &Value, limit: usize, kinds: &[&str]) {
    let kind = text["type"].as_str().unwrap();
    assert!(kinds.contains(&kind), "{text}");
    let said = text["text"].as_str().unwrap();
    assert!(
        !said.is_empty() && said.chars().count() <= limit,
        "{} of {limit}: {said}",
        said.chars().count()
    );
    if kind == "mrkdwn" {
        assert_eq!(text["verbatim"], true, "{text}");
        for link in said.split('<').skip(1) {
            assert!(
                link.starts_with("https://reminders.tallybrook.test/l/")
                    && link.contains('|')
                    && link.contains('>'),
                "{said}"
            );
        }
    }
}

fn check_button(button: &Value, primary: &mut usize) {
    assert_eq!(button["type"], "button");
    check_text(&button["text"], 75, &["plain_text"]);
    assert!(
        button["text"]["text"].as_str().unwrap().chars().count() <= 30,
        "Slack cuts it: {button}"
    );
    assert!(
        button["action_id"].as_str().is_some_and(|id| (1..=255).contains(&id.len())),
        "{button}"
    );
    assert!(button["value"].as_str().is_none_or(|value| value.len() <= 2000 && serde_json::from_str::<Value>(value).is_ok()));
    assert!(
        button["url"].as_str().is_none_or(|url| url.len() <= 3000 && url.starts_with("https://"))
    );
    assert!(button["value"].is_string() != button["url"].is_string(), "one of both: {button}");
    assert!(
        button["accessibility_label"]
            .as_str()
            .is_none_or(|label| (1..=75).contains(&label.chars().count()))
    );
    match button["style"].as_str() {
        Some("primary") => *primary += 1,
        other => assert_eq!(other, None),
    }
    let known = ["type", "text", "action_id", "value", "url", "style", "accessibility_label"];
    for key in button.as_object().unwrap().keys() {
        assert!(known.contains(&key.as_str()), "{key}");
    }
}

#[test]
fn every_slack_message_keeps_block_kits_documented_limits() {
    let posts = all().into_iter().filter_map(|preview| match preview.message {
        Message::Slack(post) => Some(post),
        Message::Email(_) => None,
    });
    for post in posts.chain(settled()) {
        assert!((1..=300).contains(&post.text.chars().count()), "{}", post.text);
        assert!((1..=50).contains(&post.blocks.len()));
        assert!(json!(post.blocks).to_string().chars().count() <= 12_000);
        assert!(post.event_type.len() <= 255);
        let mut ids = std::collections::BTreeSet::new();
        let mut primary = 0;
        for block in &post.blocks {
            let id = block["block_id"].as_str().unwrap();
            assert!(id.len() <= 255 && ids.insert(id), "{block}");
            match block["type"].as_str().unwrap() {
                "header" => check_text(&block["text"], 150, &["plain_text"]),
                "section" => check_text(&block["text"], 3000, &["mrkdwn"]),
                "context" => {
                    let elements = block["elements"].as_array().unwrap();
                    assert!((1..=10).contains(&elements.len()));
                    for element in elements {
                        check_text(element, 3000, &["mrkdwn", "plain_text"]);
                    }
                }
                "actions" => {
                    let elements = block["elements"].as_array().unwrap();
                    assert!((1..=4).contains(&elements.len()), "ours, of Slack's 25");
                    for button in elements {
                        check_button(button, &mut primary);
                    }
                }
                other => panic!("a block that nobody has checked: {other}"),
            }
        }
        assert!(primary <= 1, "one button at most is filled");
    }
}

// --- previews --------------------------------------------------------------------------------------------------------------------

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn a_preview_of_real_data_is_what_will_be_sent_and_sends_nothing(#[case] backend: Backend) {
    let mut stage = Stage::mail_only(backend).await;
    stage.service.set("PUBLIC_URL", "https://reminders.acme.example");
    stage
        .onboard("Halden Freight", json!({ "state": "waiting", "reminder_frequency_days": 1 }))
        .await;
    let number = stage.app.csm.display_id.to_string();
    let at = ["--now", "2026-06-01T20:00:00Z"];
    let run = async |args: &[&str]| {
        let all = [&["preview"], args, &["--workspace", "acme"], &at].concat();
        stage.service.ok(&all).await.stdout
    };
    let before = stage.service.db.rows("SELECT * FROM onboardings").await;
    let digest = run(&["digest", "--user", &number]).await;
    let nudge = run(&["waiting_on_customer", "--onboarding", "1"]).await;
    let blocks = run(&["waiting_on_customer", "--onboarding", "1", "--channel", "slack"]).await;
    assert!(blocks.contains("\"blocks\"") && nudge.contains("Halden Freight"), "{blocks}{nudge}");
    assert_eq!(stage.service.db.rows("SELECT id FROM notifications").await, Vec::<Value>::new());
    assert_eq!(stage.service.db.rows("SELECT * FROM onboardings").await, before);
    assert!(stage.relay.accepted().is_empty());
    // The real one says the same, except for its reference and what its links carry.
    stage.pass("2026-06-02T07:00:00Z").await;
    let mail = stage.relay.accepted().pop().unwrap();
    let sent =
        MessageParser::default().parse(&mail.raw).unwrap().body_text(0).unwrap().into_owned();
    let neutral = |text: &str| {
        let lines = text
            .lines()
            .filter(|line| !line.contains("https://") && !line.contains("ntf_"))
            .map(str::trim_end);
        lines
            .skip_while(|line| !line.starts_with("You are"))
            .collect::<Vec<_>>()
            .join("\n")
            .trim()
            .to_owned()
    };
    assert_eq!(neutral(&digest), neutral(&sent));

    let refused = stage.service.run(&["preview", "digest", "--workspace", "acme"]).await;
    assert_eq!(
        (refused.code, refused.stderr.contains("name them with --user")),
        (2, true),
        "{}",
        refused.stderr
    );
    let refused = stage.service.run(&["preview", "letter"]).await;
    assert_eq!(
        (refused.code, refused.stderr.contains("choose digest,")),
        (2, true),
        "{}",
        refused.stderr
    );
    // A test copy says that it is one, and its way out leads nowhere.
    stage.service.ok(&["preview", "digest", "--to", "noor@acme.example"]).await;
    let copy = stage.relay.accepted().pop().unwrap();
    let copy = (
        copy.to.clone(),
        MessageParser::default().parse(&copy.raw).unwrap().subject().unwrap().to_owned(),
    );
    assert_eq!(copy.0, "noor@acme.example");
    assert!(copy.1.starts_with("[Test] You are waiting on"), "{}", copy.1);
}

#[tokio::test]
async fn everything_can_be_written_into_a_folder_for_review() {
    let stage = Stage::mail_only(Backend::Sqlite).await;
    let folder = tempfile::tempdir().unwrap();
    stage.service.ok(&["preview", "--all", "--out", folder.path().to_str().unwrap()]).await;
    let mut files: Vec<String> = std::fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    files.sort();
    insta::assert_snapshot!(files.join("\n"));
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn a_workspace_has_its_own_sender_answers_foot_and_subjects(#[case] backend: Backend) {
    let stage = Stage::mail_only(backend).await;
    let path = stage
        .onboard("Halden Freight", json!({ "state": "waiting", "reminder_frequency_days": 1 }))
        .await;
    let texts = json!({
        "mail_name": "Acme success", "reply_to": "Success@Acme.example", "footer_address": "1 Quay, 2100 Northby", "names_in_subjects": false,
    });
    let workspace = stage.app.patch("/workspace", texts).await.ok(200);
    assert_eq!(
        (&workspace["reply_to"], &workspace["names_in_subjects"]),
        (&json!("success@acme.example"), &json!(false))
    );
    let phase = json!({ "label": "Kick-off & scope" });
    stage.app.patch("/phases/before_getting_started", phase).await.ok(200);
    stage.pass("2026-06-02T07:00:00Z").await;
    let raw = stage.relay.accepted().pop().unwrap().raw;
    let mail = MessageParser::default().parse(&raw).unwrap();
    assert_eq!(mail.from().unwrap().first().unwrap().name(), Some("Acme success"));
    assert_eq!(mail.reply_to().unwrap().first().unwrap().address(), Some("success@acme.example"));
    assert_eq!(mail.subject(), Some("You are waiting on 1 customer, for 1 business day"));
    let text = mail.body_text(0).unwrap();
    assert!(text.contains("acme Inc., 1 Quay, 2100 Northby."), "{text}");
    assert!(text.contains("Halden Freight #1, Kick-off & scope\r\n"), "{text}");
    assert!(mail.body_html(0).unwrap().contains(">Kick-off &amp; scope</span>"));
    stage
        .app
        .patch(
            "/workspace",
            json!({ "mail_name": null, "reply_to": null, "names_in_subjects": true }),
        )
        .await
        .ok(200);
    stage.patch(&path, json!({ "notes": "x" })).await;
    stage.pass("2026-06-03T07:00:00Z").await;
    let raw = stage.relay.accepted().pop().unwrap().raw;
    let mail = MessageParser::default().parse(&raw).unwrap();
    assert_eq!(mail.from().unwrap().first().unwrap().name(), Some("acme Inc. onboardings"));
    assert!(mail.reply_to().is_none() && mail.subject().unwrap().contains("Halden Freight"));
    let rows = stage.service.db.rows("SELECT diff FROM audit_log WHERE event = 'workspace_updated' AND actor_type = 'api_key'").await;
    assert_eq!(rows.len(), 2, "who changed what is kept");
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn a_workspace_chooses_the_language_of_its_messages(#[case] backend: Backend) {
    let stage = Stage::mail_only(backend).await;
    stage
        .onboard("Halden Freight", json!({ "state": "waiting", "reminder_frequency_days": 1 }))
        .await;
    assert_eq!(stage.app.get("/workspace").await.ok(200)["locale"], "en");
    let refused = stage.app.patch("/workspace", json!({ "locale": "tlh" })).await;
    assert_eq!(refused.error(), "400 invalid_request_error invalid_enum_value locale");
    stage.patch("/workspace", json!({ "locale": "de" })).await;
    stage.pass("2026-06-02T07:00:00Z").await;
    let raw = stage.relay.accepted().pop().unwrap().raw;
    let mail = MessageParser::default().parse(&raw).unwrap();
    assert_eq!(mail.subject(), Some("Sie warten auf Halden Freight (1 Arbeitstag)"));
    let text = mail.body_text(0).unwrap();
    assert!(text.contains("Wir warten seit Mo., 1. Juni auf den Kunden."), "{text}");
    assert!(mail.body_html(0).unwrap().contains("<html lang=\"de\""));
    let speak = ["workspaces", "update", "--workspace", "acme", "locale=en"];
    stage.service.ok(&speak).await;
    stage.pass("2026-06-03T07:00:00Z").await;
    let raw = stage.relay.accepted().pop().unwrap().raw;
    let mail = MessageParser::default().parse(&raw).unwrap();
    assert_eq!(mail.subject(), Some("You are waiting on Halden Freight (2 business days)"));
}

#[test]
fn kinds_have_their_samples() {
    for kind in Kind::ALL {
        assert!(
            !preview::of_samples(&Renderer::new().unwrap(), Some(*kind), None).unwrap().is_empty(),
            "{kind}"
        );
    }
}
