//! TLS and logins.

use pivotal_reminders::deliver::SmtpConfig;
use pivotal_reminders::domain::message::{Stage, Verdict};
use rstest::rstest;

use super::{CHANNEL, deliverers, mail};
use crate::support::fake_smtp::{At, Certificate, Do, FakeSmtp, Protection, Script};

#[rstest]
#[case::starttls(Protection::StartTls(Certificate::Good))]
#[case::implicit(Protection::Implicit(Certificate::Good))]
#[tokio::test]
async fn a_protected_relay_with_a_login_takes_mail(
    #[case] protection: Protection,
    #[values("AUTH PLAIN", "AUTH LOGIN")] auth: &str,
) {
    let script = Script::new()
        .extensions(&["PIPELINING", auth])
        .protection(protection)
        .login("anna", "p w/ä");
    let smtp = FakeSmtp::start(script).await;
    let deliverers = deliverers(protected(&smtp, protection, "anna:p%20w%2F%C3%A4@"));
    for id in ["n1", "n2"] {
        let report = mail(&deliverers, id).await;
        assert!(matches!(report.verdict, Verdict::Accepted { .. }), "{report:?}");
    }
    assert_eq!(smtp.connections(), 1);
    let line = deliverers.check_email().await.unwrap();
    assert!(line.contains("login accepted") && line.contains("TLS"), "{line}");
}

fn protected(smtp: &FakeSmtp, protection: Protection, login: &str) -> SmtpConfig {
    let addr = smtp.addr;
    let (url, kind) = match protection {
        Protection::None => (format!("smtp://{login}{addr}"), None),
        Protection::StartTls(kind) => (format!("smtp://{login}{addr}?tls=required"), Some(kind)),
        Protection::Implicit(kind) => (format!("smtps://{login}{addr}"), Some(kind)),
    };
    let mut config = SmtpConfig::parse(&url, "reminders@tallybrook.example", None).unwrap();
    config.extra_roots.extend(kind.map(|kind| smtp.certificate(kind)));
    config
}

#[rstest]
#[case(Certificate::OtherHost)]
#[case(Certificate::Expired)]
#[tokio::test]
async fn a_wrong_certificate_is_refused(
    #[case] kind: Certificate,
    #[values(true, false)] implicit: bool,
) {
    let protection = if implicit { Protection::Implicit(kind) } else { Protection::StartTls(kind) };
    let smtp = FakeSmtp::start(Script::new().protection(protection)).await;
    let report = mail(&deliverers(protected(&smtp, protection, "")), "n1").await;
    assert_eq!((report.verdict, report.stage), (CHANNEL, Stage::Handshake));
    assert!(report.reply.contains("certificate"), "{}", report.reply);
}

#[tokio::test]
async fn a_certificate_that_nobody_vouches_for_is_refused() {
    let protection = Protection::StartTls(Certificate::Good);
    let smtp = FakeSmtp::start(Script::new().protection(protection)).await;
    let mut config = protected(&smtp, protection, "");
    // Somebody else's certificate, so that there is one to trust even on a machine without any.
    config.extra_roots = vec![smtp.certificate(Certificate::OtherHost)];
    let report = mail(&deliverers(config), "n1").await;
    assert_eq!((report.verdict, report.stage), (CHANNEL, Stage::Handshake));
}

/// A server whose newest TLS is 1.0: it answers the greeting with its own version, and keeps what is said to that.
async fn tls_1_0_only() -> (std::net::SocketAddr, tokio::task::JoinHandle<Vec<u8>>) {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let said = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut head = [0; 5];
        stream.read_exact(&mut head).await.unwrap();
        let mut hello = vec![0; usize::from(u16::from_be_bytes([head[3], head[4]]))];
        stream.read_exact(&mut hello).await.unwrap();
        // ServerHello: version 3.1, random, no session, TLS_RSA_WITH_AES_128_CBC_SHA, no compression.
        let mut answer = vec![0x16, 3, 1, 0, 42, 2, 0, 0, 38, 3, 1];
        answer.extend([7; 32]);
        answer.extend([0, 0, 0x2f, 0]);
        stream.write_all(&answer).await.unwrap();
        let mut said = Vec::new();
        let _ = stream.read_to_end(&mut said).await;
        said
    });
    (addr, said)
}

#[tokio::test]
async fn fault_35_a_relay_that_knows_no_tls_but_1_0_is_refused() {
    let (addr, said) = tls_1_0_only().await;
    let smtp = FakeSmtp::start(Script::new()).await;
    let mut config =
        SmtpConfig::parse(&format!("smtps://{addr}"), "reminders@tallybrook.example", None)
            .unwrap();
    config.extra_roots = vec![smtp.certificate(Certificate::Good)];
    let report = mail(&deliverers(config), "n1").await;
    assert_eq!((report.verdict, report.stage), (CHANNEL, Stage::Handshake), "{}", report.reply);
    let said = said.await.unwrap();
    // A fatal alert, protocol_version (RFC 8446 §6.2).
    assert_eq!((said[0], &said[5..7]), (0x15, &[2, 70][..]), "{said:?}");
}

#[tokio::test]
async fn starttls_is_required_when_asked_for() {
    let smtp = FakeSmtp::start(Script::new()).await;
    let report =
        mail(&deliverers(protected(&smtp, Protection::StartTls(Certificate::Good), "")), "n1")
            .await;
    assert_eq!((report.verdict, report.stage), (CHANNEL, Stage::Handshake));
    assert!(!smtp.commands().iter().any(|line| line.starts_with("MAIL")), "{:?}", smtp.commands());
}

#[rstest]
#[case::refused(Do::reply("454 4.7.0 TLS not available"), "454")]
#[case::injected(Do::Raw(b"220 go ahead\r\n250 2.0.0 injected\r\n".to_vec()), "plaintext")]
#[case::injected_in_pieces(Do::Raw(b"220 go ahead\r\n250-inj".to_vec()), "plaintext")]
#[tokio::test]
async fn plaintext_behind_starttls_and_its_refusal_end_the_session(
    #[case] act: Do,
    #[case] expected: &str,
) {
    let protection = Protection::StartTls(Certificate::Good);
    let smtp = FakeSmtp::start(Script::new().protection(protection).on(At::StartTls, act)).await;
    let report = mail(&deliverers(protected(&smtp, protection, "")), "n1").await;
    assert_eq!((report.verdict, report.stage), (CHANNEL, Stage::Handshake));
    assert!(report.reply.contains(expected), "{}", report.reply);
}

#[rstest]
#[case::wrong_password(Script::new().login("anna", "other"), "535")]
#[case::temporary(Script::new().login("anna", "secret").on(At::Auth, Do::reply("454 4.7.0 later")), "454")]
#[case::not_offered(Script::new(), "AUTH")]
#[case::unknown_mechanism(Script::new().extensions(&["AUTH GSSAPI"]), "AUTH")]
#[case::must_start_tls(Script::new().login("anna", "secret").on(At::Auth, Do::reply("530 5.7.0 STARTTLS first")), "530")]
#[tokio::test]
async fn a_login_that_fails_is_the_channels_fault_and_names_no_secret(
    #[case] script: Script,
    #[case] expected: &str,
) {
    let smtp = FakeSmtp::start(script).await;
    let deliverers = deliverers(protected(&smtp, Protection::None, "anna:secret@"));
    let report = mail(&deliverers, "n1").await;
    assert_eq!((report.verdict, report.stage), (CHANNEL, Stage::Auth));
    assert!(
        report.reply.contains(expected) && !report.reply.contains("secret"),
        "{}",
        report.reply
    );
    let line = deliverers.check_email().await.unwrap_err();
    assert!(line.contains("SMTP_URL") && !line.contains("secret"), "{line}");
}
