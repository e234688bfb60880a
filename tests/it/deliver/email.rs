//! Mail.

mod protection;
mod sessions;

use std::time::Duration;

use mail_parser::MessageParser;
use pivotal_reminders::deliver::{
    Deliverers, EmailProvider, SlackProvider, SmtpConfig, SmtpTimeouts,
};
use pivotal_reminders::domain::message::{Message, Report, Stage, Verdict};
use pivotal_reminders::domain::values::{Channel, Mode, Reason};
use pivotal_reminders::operate::preview;
use pivotal_reminders::render::Renderer;
use rstest::rstest;

use super::{email, envelope, send};
use crate::support::fake_smtp::{At, Do, FakeSmtp, Script};

/// Long enough for a busy machine; only what must happen waits for it.
const SOON: Duration = Duration::from_secs(20);
/// How long the client waits for a server that stays silent.
const PATIENCE: Duration = Duration::from_millis(300);

const CHANNEL: Verdict = Verdict::Channel { after: None };
const TRANSIENT: Verdict = Verdict::Transient { after: None };
const GREYLISTED: Verdict = Verdict::Transient { after: Some(Duration::from_mins(5)) };
const ADDRESS: Verdict = Verdict::Permanent { reason: Reason::AddressRefused };
const MESSAGE: Verdict = Verdict::Permanent { reason: Reason::MessageRefused };

const PLAIN: &[&str] = &["8BITMIME"];
const PIPELINING: &[&str] = &["PIPELINING", "8BITMIME"];

fn config(smtp: &FakeSmtp) -> SmtpConfig {
    SmtpConfig::parse(&smtp.url(), "Reminders <reminders@tallybrook.example>", None).unwrap()
}

pub(super) fn provider(smtp: &FakeSmtp) -> EmailProvider {
    EmailProvider::Smtp(config(smtp))
}

fn deliverers(config: SmtpConfig) -> Deliverers {
    Deliverers::new(EmailProvider::Smtp(config), SlackProvider::Unreachable).unwrap()
}

async fn mail(deliverers: &Deliverers, id: &str) -> Report {
    mail_to(deliverers, id, "anna@example.org").await
}

async fn mail_to(deliverers: &Deliverers, id: &str, address: &str) -> Report {
    send(deliverers, Mode::Live, Channel::Email, &envelope(id, address), &Message::Email(email()))
        .await
}

#[tokio::test]
async fn an_accepted_mail_carries_its_identity() {
    let smtp = FakeSmtp::start(Script::new()).await;
    let mut words = email();
    words.reply_to = Some("csm@tallybrook.example".to_owned());
    words.list_unsubscribe = Some("https://tallybrook.example/u/1".to_owned());
    let report = send(
        &deliverers(config(&smtp)),
        Mode::Live,
        Channel::Email,
        &envelope("01J", "anna@example.org"),
        &Message::Email(words),
    )
    .await;
    assert_eq!(report.verdict, Verdict::Accepted { provider_ref: Some("F1".to_owned()) });
    assert_eq!(
        (report.stage, report.reply.as_str()),
        (Stage::Accepted, "250 2.0.0 Ok: queued as F1")
    );

    let taken = smtp.accepted().remove(0);
    assert_eq!(
        (taken.from.as_str(), taken.to.as_str()),
        ("reminders@tallybrook.example", "anna@example.org")
    );
    assert_eq!(taken.notification_id, "01J");
    assert!(taken.raw.is_ascii());
    let parsed = MessageParser::default().parse(&taken.raw).unwrap();
    let header = |name: &str| parsed.header_raw(name).unwrap().trim().to_owned();
    assert_eq!(parsed.message_id().unwrap(), "n.01J@tallybrook.example");
    assert_eq!(parsed.date().unwrap().to_rfc3339(), "2027-03-01T08:00:00Z");
    assert_eq!(parsed.from().unwrap().first().unwrap().name(), Some("Tallybrook onboardings"));
    assert_eq!(parsed.to().unwrap().first().unwrap().name(), Some("Anna Müller"));
    assert_eq!(header("Auto-Submitted"), "auto-generated");
    assert_eq!(header("List-Unsubscribe"), "<https://tallybrook.example/u/1>");
    assert_eq!(header("List-Unsubscribe-Post"), "List-Unsubscribe=One-Click");
    assert_eq!(
        parsed.reply_to().unwrap().first().unwrap().address(),
        Some("csm@tallybrook.example")
    );
    assert_eq!(
        parsed.body_text(0).unwrap().replace("\r\n", "\n").trim_end(),
        "Grüße\n.a line with a dot"
    );
    assert_eq!(parsed.body_html(0).unwrap().trim_end(), "<p>Grüße</p>");
}

#[tokio::test]
async fn a_repeat_is_the_same_mail_and_the_workspace_may_have_its_own_sender() {
    let smtp = FakeSmtp::start(Script::new()).await;
    let deliverers = deliverers(config(&smtp));
    let mut to = envelope("n7", "anna@example.org");
    to.from_address = Some("hello@customer.example".to_owned());
    for _ in 0..2 {
        send(&deliverers, Mode::Live, Channel::Email, &to, &Message::Email(email())).await;
    }
    let ids: Vec<String> = smtp
        .accepted()
        .iter()
        .map(|taken| {
            MessageParser::default().parse(&taken.raw).unwrap().message_id().unwrap().to_owned()
        })
        .collect();
    assert_eq!(ids, ["n.n7@customer.example", "n.n7@customer.example"]);
    assert_eq!(smtp.accepted()[0].from, "hello@customer.example");
}

#[rstest]
#[case::banner_421(At::Banner, "421 4.3.2 busy", CHANNEL, Stage::Connect)]
#[case::banner_554(At::Banner, "554 5.7.1 go away", CHANNEL, Stage::Connect)]
#[case::banner_200(At::Banner, "200 hello", CHANNEL, Stage::Connect)]
#[case::ehlo_502(At::Ehlo, "502 5.5.1 what", CHANNEL, Stage::Handshake)]
#[case::mail_421(At::Mail, "421 4.3.2 closing", TRANSIENT, Stage::Mail)]
#[case::mail_450(At::Mail, "450 4.1.0 later", TRANSIENT, Stage::Mail)]
#[case::mail_451(At::Mail, "451 4.3.0 later", TRANSIENT, Stage::Mail)]
#[case::mail_452(At::Mail, "452 4.3.1 full", TRANSIENT, Stage::Mail)]
#[case::mail_550(At::Mail, "550 5.7.1 sender refused", MESSAGE, Stage::Mail)]
#[case::mail_530(At::Mail, "530 5.7.0 log in first", CHANNEL, Stage::Mail)]
#[case::mail_354(At::Mail, "354 what", TRANSIENT, Stage::Mail)]
#[case::rcpt_421(At::Rcpt, "421 4.3.2 closing", TRANSIENT, Stage::Recipient)]
#[case::rcpt_450(At::Rcpt, "450 4.2.0 greylisted", GREYLISTED, Stage::Recipient)]
#[case::rcpt_451(At::Rcpt, "451 4.7.1 greylisted", GREYLISTED, Stage::Recipient)]
#[case::rcpt_452(At::Rcpt, "452 4.2.2 full", TRANSIENT, Stage::Recipient)]
#[case::rcpt_550(At::Rcpt, "550 5.1.1 no such user", ADDRESS, Stage::Recipient)]
#[case::rcpt_553(At::Rcpt, "553 no such user", ADDRESS, Stage::Recipient)]
#[case::rcpt_552(At::Rcpt, "552 5.2.2 mailbox full", TRANSIENT, Stage::Recipient)]
#[case::rcpt_enhanced_wins(At::Rcpt, "550 4.2.1 try later", TRANSIENT, Stage::Recipient)]
#[case::rcpt_enhanced_wins_both_ways(At::Rcpt, "450 5.1.1 gone", ADDRESS, Stage::Recipient)]
#[case::data_451(At::Data, "451 4.7.1 greylisted", GREYLISTED, Stage::Data)]
#[case::data_554(At::Data, "554 5.5.1 no", MESSAGE, Stage::Data)]
#[case::data_250(At::Data, "250 2.0.0 ok", TRANSIENT, Stage::Data)]
#[case::dot_451_greylist(At::Dot, "451 4.7.1 greylisted", GREYLISTED, Stage::Body)]
#[case::dot_452(At::Dot, "452 4.3.1 full", TRANSIENT, Stage::Body)]
#[case::dot_421(At::Dot, "421 4.3.2 closing", TRANSIENT, Stage::Body)]
#[case::dot_554(At::Dot, "554 5.7.1 spam", MESSAGE, Stage::Body)]
#[case::dot_354(At::Dot, "354 more", Verdict::Ambiguous, Stage::Body)]
#[tokio::test]
async fn an_answer_is_classified_by_its_phase(
    #[case] at: At,
    #[case] reply: &str,
    #[case] verdict: Verdict,
    #[case] stage: Stage,
    #[values(PLAIN, PIPELINING)] extensions: &[&str],
) {
    let smtp =
        FakeSmtp::start(Script::new().extensions(extensions).on_nth(at, 1, Do::reply(reply))).await;
    let deliverers = deliverers(config(&smtp));
    let report = mail(&deliverers, "n1").await;
    assert_eq!((&report.verdict, report.stage), (&verdict, stage), "{report:?}");
    assert!(report.reply.contains(reply), "{report:?}");
    assert_eq!(smtp.accepted().len(), 0);
    // Nothing of the failed session is used again, and the next mail goes through.
    assert!(matches!(mail(&deliverers, "n2").await.verdict, Verdict::Accepted { .. }));
    assert_eq!(smtp.accepted()[0].connection, 2);
}

#[rstest]
#[case::close_at_banner(At::Banner, Do::Close, CHANNEL, Stage::Connect)]
#[case::close_at_ehlo(At::Ehlo, Do::Close, CHANNEL, Stage::Handshake)]
#[case::close_at_mail(At::Mail, Do::Close, TRANSIENT, Stage::Mail)]
#[case::close_at_rcpt(At::Rcpt, Do::Close, TRANSIENT, Stage::Recipient)]
#[case::close_at_data(At::Data, Do::Close, TRANSIENT, Stage::Data)]
#[case::close_after_the_dot(At::Dot, Do::Close, Verdict::Ambiguous, Stage::Body)]
#[case::silence_at_banner(At::Banner, Do::Silence, CHANNEL, Stage::Connect)]
#[case::silence_at_ehlo(At::Ehlo, Do::Silence, CHANNEL, Stage::Handshake)]
#[case::silence_at_mail(At::Mail, Do::Silence, TRANSIENT, Stage::Mail)]
#[case::silence_at_rcpt(At::Rcpt, Do::Silence, TRANSIENT, Stage::Recipient)]
#[case::silence_at_data(At::Data, Do::Silence, TRANSIENT, Stage::Data)]
#[case::silence_after_the_dot(At::Dot, Do::Silence, Verdict::Ambiguous, Stage::Body)]
#[case::garbage_at_banner(At::Banner, Do::Raw(b"SSH-2.0-OpenSSH\r\n".to_vec()), CHANNEL, Stage::Connect)]
#[case::garbage_at_rcpt(At::Rcpt, Do::Raw(b"2x0 ok\r\n".to_vec()), TRANSIENT, Stage::Recipient)]
#[case::bare_lf_at_mail(At::Mail, Do::Raw(b"250 ok\n".to_vec()), TRANSIENT, Stage::Mail)]
#[case::bare_lf_after_the_dot(At::Dot, Do::Raw(b"250 ok\n".to_vec()), Verdict::Ambiguous, Stage::Body)]
#[case::huge_line_at_rcpt(At::Rcpt, Do::Raw(vec![b'2'; 5_000_000]), TRANSIENT, Stage::Recipient)]
#[case::endless_lines_after_the_dot(At::Dot, Do::Raw(b"250-more\r\n".repeat(500_000)), Verdict::Ambiguous, Stage::Body)]
#[case::two_codes_after_the_dot(At::Dot, Do::Raw(b"250-a\r\n550 b\r\n".to_vec()), Verdict::Ambiguous, Stage::Body)]
#[case::answers_too_early(At::Data, Do::Raw(b"354 go\r\n250 2.0.0 accepted\r\n".to_vec()), TRANSIENT, Stage::Data)]
#[tokio::test]
async fn silence_closing_and_garbage_are_classified_by_their_phase(
    #[case] at: At,
    #[case] act: Do,
    #[case] verdict: Verdict,
    #[case] stage: Stage,
    #[values(PLAIN, PIPELINING)] extensions: &[&str],
) {
    let smtp =
        FakeSmtp::start(Script::new().extensions(extensions).on_nth(at, 1, act.clone())).await;
    let mut config = config(&smtp);
    if matches!(act, Do::Silence) {
        config.timeouts = SmtpTimeouts::all(PATIENCE);
    }
    let deliverers = deliverers(config);
    let report = mail(&deliverers, "n1").await;
    assert_eq!((&report.verdict, report.stage), (&verdict, stage), "{report:?}");
    assert!(!report.reply.is_empty() && report.reply.chars().count() <= 500);
    assert_eq!(smtp.accepted().len(), 0);
    assert!(matches!(mail(&deliverers, "n2").await.verdict, Verdict::Accepted { .. }));
    assert_eq!(smtp.accepted()[0].connection, 2);
}

#[tokio::test]
async fn a_lost_answer_after_the_dot_is_ambiguous_even_if_the_mail_was_taken() {
    let smtp = FakeSmtp::start(Script::new().on(At::Dot, Do::Take(Box::new(Do::Close)))).await;
    let report = mail(&deliverers(config(&smtp)), "n1").await;
    assert_eq!((report.verdict, smtp.accepted().len()), (Verdict::Ambiguous, 1));
}

#[tokio::test]
async fn a_body_that_never_left_this_machine_whole_is_safe_to_send_again() {
    let script = Script::new().on_nth(At::Data, 1, Do::ReplyThenClose("354 go".to_owned()));
    let smtp = FakeSmtp::start(script).await;
    let mut words = email();
    // More than the operating system's buffers hold.
    words.text = "a line of a very long mail\n".repeat(800_000);
    let to = envelope("n1", "anna@example.org");
    let message = Message::Email(words);
    let report = send(&deliverers(config(&smtp)), Mode::Live, Channel::Email, &to, &message).await;
    assert_eq!((report.verdict, report.stage), (TRANSIENT, Stage::Body), "{}", report.reply);
}

#[tokio::test]
async fn nobody_listening_is_the_channels_fault() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("smtp://{}", listener.local_addr().unwrap());
    drop(listener);
    let closed = SmtpConfig::parse(&url, "reminders@tallybrook.example", None).unwrap();
    let deliverers = deliverers(closed);
    let reports = futures_util::future::join_all((0..20).map(|_| mail(&deliverers, "n1"))).await;
    for report in reports {
        assert_eq!((report.verdict, report.stage), (CHANNEL, Stage::Connect));
    }
    assert!(deliverers.check_email().await.unwrap_err().contains("SMTP_URL"));
}

#[rstest]
#[case("jörg@example.org")]
#[case("-oQ/x@example.org")]
#[case("anna@intranet")]
#[case("anna@example.org\r\nRCPT TO:<eve@example.org>")]
#[tokio::test]
async fn an_address_that_cannot_be_served_is_refused_here(#[case] address: &str) {
    let smtp = FakeSmtp::start(Script::new().extensions(PIPELINING)).await;
    let report = mail_to(&deliverers(config(&smtp)), "n1", address).await;
    assert_eq!(report.verdict, ADDRESS);
    assert!(!smtp.commands().iter().any(|line| line.starts_with("MAIL")));
}

#[tokio::test]
async fn addresses_outside_ascii_go_to_relays_that_take_them() {
    let smtp = FakeSmtp::start(Script::new()).await;
    let deliverers = deliverers(config(&smtp));
    for address in ["jörg@example.org", "anna@bücher.example"] {
        assert!(matches!(
            mail_to(&deliverers, "n1", address).await.verdict,
            Verdict::Accepted { .. }
        ));
    }
    let to: Vec<String> = smtp.accepted().into_iter().map(|taken| taken.to).collect();
    assert_eq!(to, ["jörg@example.org", "anna@xn--bcher-kva.example"]);
    assert!(
        smtp.commands().contains(&"MAIL FROM:<reminders@tallybrook.example> SMTPUTF8".to_owned())
    );
}

#[tokio::test]
async fn a_relay_that_knows_neither_8bitmime_nor_smtputf8_gets_every_mail_as_it_was_written() {
    let smtp = FakeSmtp::start(Script::new().extensions(&[])).await;
    let deliverers = deliverers(config(&smtp));
    let previews = preview::of_samples(&Renderer::new().unwrap(), None, None).unwrap();
    let mut mails = 0;
    for preview in previews {
        let Message::Email(email) = &preview.message else { continue };
        let mut to = envelope("n1", "anna@example.org");
        to.name = "Jörg 🦀".to_owned();
        let report = send(&deliverers, Mode::Live, Channel::Email, &to, &preview.message).await;
        assert!(matches!(report.verdict, Verdict::Accepted { .. }), "{}: {report:?}", preview.name);
        let taken = smtp.accepted().pop().unwrap();
        assert!(taken.raw.is_ascii(), "{}", preview.name);
        let read = MessageParser::default().parse(&taken.raw).unwrap();
        let part = |text: &str| text.replace("\r\n", "\n").trim_end().to_owned();
        assert_eq!(read.subject(), Some(email.subject.as_str()));
        assert_eq!(read.to().unwrap().first().unwrap().name(), Some("Jörg 🦀"));
        assert_eq!(part(&read.body_text(0).unwrap()), part(&email.text), "{}", preview.name);
        assert_eq!(part(&read.body_html(0).unwrap()), part(&email.html), "{}", preview.name);
        mails += 1;
    }
    assert!(mails > 20, "{mails}");
    assert!(
        !smtp.commands().iter().any(|line| line.contains("BODY=") || line.contains("SMTPUTF8"))
    );
}

#[tokio::test]
async fn hostile_names_and_long_lines_make_a_valid_mail() {
    let smtp = FakeSmtp::start(Script::new()).await;
    let deliverers = deliverers(config(&smtp));
    let plain = {
        mail(&deliverers, "n0").await;
        header_names(&smtp.accepted()[0].raw)
    };
    let long = "N".repeat(5_000);
    for name in [
        "Eve\r\nBcc: eve@example.org",
        "a\0b",
        "\u{202e}txt",
        "a\u{2028}b\u{85}c",
        "=?utf-8?q?x=0D=0A?=",
        "\"q\" <e@v.il>, \\",
        "🦀",
        &long,
    ] {
        let mut to = envelope("n1", "anna@example.org");
        to.name = name.to_owned();
        let mut words = email();
        words.from_name = name.to_owned();
        words.subject = format!("{name} waits");
        words.text = format!("{}\n.\n..\n.{name}\n", "x".repeat(3_000));
        words.html = words.text.clone();
        let report =
            send(&deliverers, Mode::Live, Channel::Email, &to, &Message::Email(words)).await;
        assert!(matches!(report.verdict, Verdict::Accepted { .. }), "{name:?}: {report:?}");
        let taken = smtp.accepted().pop().unwrap();
        assert_eq!(header_names(&taken.raw), plain, "{name:?}");
        assert!(taken.raw.split(|&octet| octet == b'\n').all(|line| line.len() <= 999));
        let text = MessageParser::default()
            .parse(&taken.raw)
            .unwrap()
            .body_text(0)
            .unwrap()
            .replace("\r\n", "\n");
        assert!(text.starts_with(&format!("{}\n.\n..\n.", "x".repeat(3_000))), "{name:?}");
    }
    assert_eq!(smtp.connections(), 1);
}

fn header_names(raw: &[u8]) -> Vec<String> {
    MessageParser::default()
        .parse(raw)
        .unwrap()
        .headers()
        .iter()
        .map(|header| header.name().to_owned())
        .collect()
}

#[tokio::test]
async fn a_reply_is_kept_without_whole_addresses_and_control_characters() {
    let reply = "550 5.1.1 <anna@example.org>:\u{1b}[31m unknown \u{202e}user";
    let smtp = FakeSmtp::start(Script::new().on(At::Rcpt, Do::reply(reply))).await;
    let report = mail(&deliverers(config(&smtp)), "n1").await;
    assert_eq!(report.reply, "550 5.1.1 <a***@example.org>: [31m unknown user");
}

#[tokio::test]
async fn many_mails_over_few_sessions_arrive_once_each() {
    let smtp = FakeSmtp::start(Script::new()).await;
    let deliverers = deliverers(SmtpConfig { max_sessions: 2, ..config(&smtp) });
    let tasks: Vec<_> = (0..200)
        .map(|n| {
            let deliverers = deliverers.clone();
            tokio::spawn(async move { mail(&deliverers, &format!("n{n}")).await })
        })
        .collect();
    for task in tasks {
        assert!(matches!(task.await.unwrap().verdict, Verdict::Accepted { .. }));
    }
    let mut ids: Vec<String> =
        smtp.accepted().into_iter().map(|taken| taken.notification_id).collect();
    ids.sort();
    ids.dedup();
    assert_eq!((ids.len(), smtp.accepted().len()), (200, 200));
    assert!(smtp.connections() <= 2);
}

#[tokio::test]
async fn a_new_script_rules_over_sessions_that_are_open() {
    let smtp = FakeSmtp::start(Script::new()).await;
    let deliverers = deliverers(config(&smtp));
    mail(&deliverers, "n1").await;
    smtp.set_script(Script::new().on_connection(
        1,
        At::Rcpt,
        Do::ReplyThenClose("452 4.2.2 full".to_owned()),
    ));
    assert_eq!(mail(&deliverers, "n2").await.verdict, TRANSIENT);
    smtp.set_script(Script::new().on(
        At::Dot,
        Do::Delay(Duration::from_millis(1), Box::new(Do::reply("250 2.0.0 at last"))),
    ));
    assert!(matches!(
        mail(&deliverers, "n3").await.verdict,
        Verdict::Accepted { provider_ref: None }
    ));
    assert_eq!(smtp.accepted().len(), 2);
}
