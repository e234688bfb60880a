//! Bytes that others send: whatever they are, nothing is taken for more than it is, nothing hangs, nothing panics.

use std::time::Duration;

use pivotal_reminders::deliver::{
    Deliverers, EmailProvider, SlackConfig, SlackProvider, SmtpConfig, SmtpTimeouts,
};
use pivotal_reminders::domain::message::{Email, Envelope, Message, Report, SlackPost, Verdict};
use pivotal_reminders::domain::values::{Channel, Mode};
use pivotal_reminders::queue::{PAYLOAD_VERSION, Payload};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError};

use crate::support::app::TestApp;
use crate::support::db::Backend;
use crate::support::fake_slack::{Answer, FakeSlack};
use crate::support::fake_smtp::{At, Do, FakeSmtp, Script};

const SHORT: Duration = Duration::from_millis(150);

fn envelope(address: &str) -> Envelope {
    Envelope {
        notification_id: "ntf_1".to_owned(),
        address: address.to_owned(),
        name: "Anna".to_owned(),
        from_address: None,
        date: "2026-06-01T08:00:00Z".parse().unwrap(),
        thread: None,
    }
}

async fn send(
    deliverers: &Deliverers,
    channel: Channel,
    to: &Envelope,
    message: &Message,
) -> Report {
    match deliverers.session(Mode::Live, channel).await {
        Ok(session) => session.send(to, message).await,
        Err(report) => report,
    }
}

fn mail(subject: &str) -> Message {
    Message::Email(Email {
        from_name: "Reminders".to_owned(),
        subject: subject.to_owned(),
        text: "Text\n".to_owned(),
        html: "<p>Text</p>\n".to_owned(),
        reply_to: None,
        list_unsubscribe: None,
    })
}

/// Replies as servers write them, and worse: codes, separators, line ends and noise in any order.
fn reply() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        4 => prop::sample::select(vec!["250", "251", "354", "421", "450", "550", "554", "999", "2", "25"]),
        4 => prop::sample::select(vec![" ", "-", "_", " ok", " 5.1.1 x", "\0", "é", "queued as X"]),
        4 => prop::sample::select(vec!["\r\n", "\n", "\r", ""]),
    ];
    let pieces = prop::collection::vec(piece.prop_map(|piece| piece.as_bytes().to_vec()), 1..12);
    prop_oneof![
        3 => pieces.prop_map(|pieces| pieces.concat()),
        1 => prop::collection::vec(any::<u8>(), 0..200),
    ]
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

proptest! {
    #![proptest_config(Config { cases: 500, failure_persistence: None, ..Config::default() })]

    /// A job says what was put into it, or nothing at all: never fewer ids, never others.
    #[test]
    fn a_job_is_read_as_it_was_written_or_not_at_all(
        ids in prop::collection::vec("[ -~é]{0,40}", 1..=25),
        cut in any::<prop::sample::Index>(),
        noise in prop::collection::vec(any::<u8>(), 0..80),
    ) {
        let payload = Payload { v: PAYLOAD_VERSION, ids };
        let bytes = serde_json::to_vec(&payload).unwrap();
        prop_assert_eq!(&serde_json::from_slice::<Payload>(&bytes).unwrap(), &payload);
        prop_assert!(serde_json::from_slice::<Payload>(&bytes[..cut.index(bytes.len())]).is_err());
        if let Ok(read) = serde_json::from_slice::<Payload>(&noise) {
            let again = serde_json::to_vec(&read).unwrap();
            prop_assert_eq!(serde_json::from_slice::<Payload>(&again).unwrap(), read);
        }
        // What a later version adds does not hide what this one knows.
        let mut newer = serde_json::to_value(&payload).unwrap();
        newer["v"] = (PAYLOAD_VERSION + 1).into();
        newer["more"] = serde_json::json!({ "x": [1] });
        let newer: Payload = serde_json::from_value(newer).unwrap();
        prop_assert!(newer.v > PAYLOAD_VERSION);
        prop_assert_eq!(newer.ids, payload.ids);
    }
}

proptest! {
    #![proptest_config(Config { cases: 60, failure_persistence: None, ..Config::default() })]

    /// Only a complete 2xx after the final dot is an acceptance; before the dot nothing is in doubt.
    #[test]
    fn whatever_a_relay_says_is_no_acceptance_unless_it_is_one(
        at in prop::sample::select(vec![At::Banner, At::Ehlo, At::Mail, At::Rcpt, At::Data, At::Dot]),
        said in reply(),
    ) {
        let report = block_on(async {
            let relay = FakeSmtp::start(Script::new().on(at, Do::Raw(said.clone()))).await;
            let mut config = SmtpConfig::parse(&relay.url(), "a@example.org", None).unwrap();
            config.timeouts = SmtpTimeouts::all(SHORT);
            let deliverers = Deliverers::new(EmailProvider::Smtp(config), SlackProvider::Unreachable).unwrap();
            tokio::time::timeout(SHORT * 20, send(&deliverers, Channel::Email, &envelope("b@example.org"), &mail("Hi"))).await
        });
        let report = report.map_err(|_| TestCaseError::fail("it hangs"))?;
        prop_assert!(!report.reply.chars().any(char::is_control), "{report:?}");
        // The first line that ends properly and is the last of its reply decides.
        let positive = said.starts_with(b"2") && said.windows(2).any(|two| two == b"\r\n");
        if let Verdict::Accepted { .. } = report.verdict {
            prop_assert!(positive, "{report:?} after {}", String::from_utf8_lossy(&said));
        }
        if at != At::Dot {
            prop_assert!(report.verdict != Verdict::Ambiguous || positive || said.starts_with(b"354"), "{report:?}");
        }
    }

    /// Only `ok: true` with channel and time is a post.
    #[test]
    fn whatever_slack_answers_is_no_post_unless_it_is_one(
        status in prop::sample::select(vec![200_u16, 200, 200, 204, 302, 400, 404, 429, 500, 503]),
        body in prop_oneof![
            any::<String>(),
            prop::sample::select(vec![
                r#"{"ok":true,"channel":"D1","ts":"1.0"}"#, r#"{"ok":true}"#, r#"{"ok":"true"}"#, r#"{"ok":1}"#, "[]", "null", "<html>",
                r#"{"ok":false}"#, r#"{"ok":false,"error":7}"#, r#"{"ok":false,"error":"\u0000\r\nX"}"#, r#"{"ok":true,"channel":1,"ts":2}"#,
            ]).prop_map(str::to_owned),
        ],
    ) {
        let report = block_on(async {
            let answer = Answer::Http { status, headers: Vec::new(), body: body.clone() };
            let slack = FakeSlack::start(vec![answer.clone(), answer]).await;
            let mut config = SlackConfig::parse("xoxb-1", Some(&slack.url())).unwrap();
            config.per_conversation = Duration::ZERO;
            let deliverers = Deliverers::new(EmailProvider::Unreachable, SlackProvider::Slack(config)).unwrap();
            let post = SlackPost { text: "Hi".to_owned(), blocks: Vec::new(), event_type: "digest".to_owned() };
            send(&deliverers, Channel::Slack, &envelope("U0ANNA"), &Message::Slack(post)).await
        });
        prop_assert!(!report.reply.chars().any(char::is_control), "{report:?}");
        let posted = status == 200 && body == r#"{"ok":true,"channel":"D1","ts":"1.0"}"#;
        prop_assert_eq!(matches!(report.verdict, Verdict::Accepted { .. }), posted, "{:?} after {} {}", report, status, body);
    }

    /// A name never makes a header, whatever it holds.
    #[test]
    fn whatever_a_name_holds_a_mail_has_the_same_headers(name in ".{0,80}", subject in ".{0,200}") {
        let headers = |name: &str, subject: &str| block_on(async {
            let relay = FakeSmtp::start(Script::new()).await;
            let config = SmtpConfig::parse(&relay.url(), "a@example.org", None).unwrap();
            let deliverers = Deliverers::new(EmailProvider::Smtp(config), SlackProvider::Unreachable).unwrap();
            let to = Envelope { name: name.to_owned(), ..envelope("b@example.org") };
            send(&deliverers, Channel::Email, &to, &mail(subject)).await;
            let taken = relay.accepted();
            taken.first().map(|taken| {
                let mail = mail_parser::MessageParser::default().parse(&taken.raw).unwrap();
                mail.headers().iter().map(|h| h.name().to_owned()).collect::<Vec<_>>()
            })
        });
        prop_assert_eq!(headers(&name, &subject), headers("Anna", "Hi"));
    }
}

/// A cursor is an instant or a 400, never a 500 and never a page of something else.
#[test]
fn whatever_a_cursor_is_it_is_a_page_or_a_refusal() {
    let (runtime, app) = {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let app = runtime.block_on(TestApp::new(Backend::Sqlite));
        (runtime, app)
    };
    let instants = "[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\\.[0-9]{0,12})?(Z|[+-][0-9]{2}:[0-9]{2})?";
    let cursors = prop_oneof![any::<String>(), instants];
    let mut runner = proptest::test_runner::TestRunner::new(Config {
        cases: 200,
        failure_persistence: None,
        ..Config::default()
    });
    runner
        .run(&cursors, |cursor| {
            let encoded: String = form_urlencoded::byte_serialize(cursor.as_bytes()).collect();
            let answer = runtime.block_on(app.get(&format!("/customers?cursor={encoded}")));
            let status = answer.status.as_u16();
            if status == 200 {
                prop_assert!(
                    cursor.contains('T') || cursor.contains('t') || cursor.contains(' '),
                    "{cursor}"
                );
            } else {
                prop_assert_eq!(answer.error(), "400 invalid_request_error invalid_string cursor");
            }
            Ok(())
        })
        .unwrap();
    runtime.block_on(async { drop(app) });
}
