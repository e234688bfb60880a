//! A message and its envelope → the bytes for DATA, dot-stuffed, with the final dot.

use std::time::{Duration, SystemTime};

use chrono::{DateTime, Utc};
use lettre::Address;
use lettre::message::header::{Header, HeaderName, HeaderValue};
use lettre::message::{Body, Mailbox, Message, MultiPart};
use memchr::{memchr_iter, memmem};

use super::super::text::{body_text, header_text};
use super::address::ascii_domain;
use crate::domain::message::{Email, Envelope};

/// Longest display name and subject, in characters.
const MAX_NAME: usize = 200;

/// A mail ready for the wire.
pub(super) struct Mail {
    /// `MAIL FROM`.
    pub(super) from: String,
    /// `RCPT TO`.
    pub(super) to: String,
    /// What follows `354`, final dot included.
    pub(super) data: Vec<u8>,
}

/// Makes the mail; `mail_from` is the installation's sender.
///
/// # Errors
/// One line that says which part cannot be put into a mail.
pub(super) fn mail(
    mail_from: &Mailbox,
    envelope: &Envelope,
    email: &Email,
) -> Result<Mail, String> {
    let from = match &envelope.from_address {
        Some(address) => parsed(address, "sender")?,
        None => mail_from.email.clone(),
    };
    let to = parsed(&envelope.address, "recipient")?;
    let bytes = formatted(mail_from, envelope, email, &from, &to)?;
    Ok(Mail { from: from.to_string(), to: to.to_string(), data: dot_stuffed(bytes) })
}

/// The mail as a reader would save it (`.eml`), before dot-stuffing.
///
/// # Errors
/// One line that says which part cannot be put into a mail.
pub fn mail_bytes(
    mail_from: &Mailbox,
    envelope: &Envelope,
    email: &Email,
) -> Result<Vec<u8>, String> {
    let from = match &envelope.from_address {
        Some(address) => parsed(address, "sender")?,
        None => mail_from.email.clone(),
    };
    formatted(mail_from, envelope, email, &from, &parsed(&envelope.address, "recipient")?)
}

fn formatted(
    mail_from: &Mailbox,
    envelope: &Envelope,
    email: &Email,
    from: &Address,
    to: &Address,
) -> Result<Vec<u8>, String> {
    let fallback = mail_from.name.as_deref().unwrap_or_default();
    let from_name = if email.from_name.trim().is_empty() { fallback } else { &email.from_name };
    let id: String = envelope
        .notification_id
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
        .collect();
    let smtp_envelope = lettre::address::Envelope::new(Some(from.clone()), vec![to.clone()])
        .map_err(|error| error.to_string())?;
    let mut builder = Message::builder()
        .envelope(smtp_envelope)
        .from(mailbox(from_name, from))
        .to(mailbox(&envelope.name, to))
        .subject(header_text(&email.subject, MAX_NAME))
        .date(header_date(envelope.date))
        .message_id(Some(format!("<n.{id}@{}>", ascii_domain_of(from))))
        .header(Line::<NotificationId>::new(id))
        .header(Line::<AutoSubmitted>::new("auto-generated".to_owned()));
    if let Some(reply_to) = &email.reply_to {
        // A mail whose answers go to the sender is better than none.
        if let Ok(address) = parsed(reply_to, "Reply-To") {
            builder = builder.reply_to(mailbox("", &address));
        }
    }
    if let Some(link) = &email.list_unsubscribe {
        if !link.is_ascii()
            || link.len() > 900
            || link.contains(|c: char| c.is_control() || matches!(c, ' ' | '<' | '>'))
        {
            return Err("the List-Unsubscribe link is not a plain URL".to_owned());
        }
        builder = builder.header(Line::<ListUnsubscribe>::new(format!("<{link}>"))).header(Line::<
            ListUnsubscribePost,
        >::new(
            "List-Unsubscribe=One-Click".to_owned(),
        ));
    }
    let parts = MultiPart::alternative().build();
    let boundary = parts.boundary();
    let message =
        builder.multipart(parts).map_err(|error| format!("the mail cannot be built: {error}"))?;
    let header = message.formatted();
    let end = memmem::find(&header, b"\r\n\r\n").ok_or("the mail has no header")? + 4;
    Ok(with_body(&header[..end], &boundary, email))
}

/// The whole mail. lettre makes its header; the body, thirty times as long, is copied once.
fn with_body(header: &[u8], boundary: &str, email: &Email) -> Vec<u8> {
    let (text, html) = (email.text.as_str(), email.html.as_str());
    let mut mail = Vec::with_capacity(header.len() + text.len() + html.len() + 4096);
    mail.extend_from_slice(header);
    for (kind, body) in [("plain", text), ("html", html)] {
        mail.extend_from_slice(format!("--{boundary}\r\nContent-Type: text/{kind}; charset=utf-8\r\nContent-Transfer-Encoding: ").as_bytes());
        if is_plain(body) {
            mail.extend_from_slice(b"7bit\r\n\r\n");
            push_lines(&mut mail, body);
        } else {
            let body = Body::new(body_text(body));
            mail.extend_from_slice(format!("{}\r\n\r\n", body.encoding()).as_bytes());
            mail.extend_from_slice(body.as_ref());
        }
        mail.extend_from_slice(b"\r\n");
    }
    mail.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
    mail
}

/// Longest line that every relay passes on as it is, without its end; RFC 5322 §2.1.1 allows 998, some wrap at 990.
const MAX_LINE: usize = 980;

/// What our templates render is plain ASCII in lines that may be sent, so it needs no encoding, which saves a quarter of a delivery's CPU
/// time. lettre would encode whatever is longer than 76.
fn is_plain(body: &str) -> bool {
    // Without a way out half-way, so that the compiler can take many octets at once.
    let printable =
        body.bytes().fold(true, |all, b| all & ((b == b'\n') | matches!(b, b' '..=b'~')));
    let mut begin = 0;
    printable
        && memchr_iter(b'\n', body.as_bytes()).chain([body.len()]).all(|end| {
            let length = end - begin;
            begin = end + 1;
            length <= MAX_LINE
        })
}

/// Appends a body with CRLF at every line's end.
fn push_lines(mail: &mut Vec<u8>, body: &str) {
    let body = body.as_bytes();
    let mut begin = 0;
    for end in memchr_iter(b'\n', body) {
        mail.extend_from_slice(&body[begin..end]);
        mail.extend_from_slice(b"\r\n");
        begin = end + 1;
    }
    mail.extend_from_slice(&body[begin..]);
}

/// Whole seconds within the years that a `Date` can show; outside of them the header's formatter would panic.
fn header_date(date: DateTime<Utc>) -> SystemTime {
    const LAST: u64 = 253_402_300_799;
    let seconds = u64::try_from(date.timestamp()).unwrap_or(0).min(LAST);
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

fn parsed(address: &str, what: &str) -> Result<Address, String> {
    ascii_domain(address).parse().map_err(|_| format!("the {what} is not a mail address"))
}

fn mailbox(name: &str, address: &Address) -> Mailbox {
    let name = header_text(name, MAX_NAME);
    Mailbox::new((!name.is_empty()).then_some(name), address.clone())
}

fn ascii_domain_of(address: &Address) -> &str {
    address.domain().trim_matches(['[', ']'])
}

/// RFC 5321 §4.5.2, and the end of data. `mail` has CRLF line ends only.
fn dot_stuffed(mail: Vec<u8>) -> Vec<u8> {
    let mut out = Vec::new();
    if mail.starts_with(b".") {
        out.push(b'.');
    }
    let mut copied = 0;
    for at in memmem::find_iter(&mail, b"\n.") {
        out.extend_from_slice(&mail[copied..=at]);
        out.push(b'.');
        copied = at + 1;
    }
    if out.is_empty() {
        // Hardly any mail has such a line.
        out = mail;
    } else {
        out.extend_from_slice(&mail[copied..]);
    }
    if !out.ends_with(b"\r\n") {
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(b".\r\n");
    out
}

/// A header of ours with an ASCII value that was checked before.
#[derive(Clone)]
struct Line<N>(String, std::marker::PhantomData<N>);

impl<N> Line<N> {
    fn new(value: String) -> Self {
        Self(value, std::marker::PhantomData)
    }
}

trait Named: Clone {
    const NAME: &'static str;
}

impl<N: Named> Header for Line<N> {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str(N::NAME)
    }

    fn parse(value: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self::new(value.to_owned()))
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), self.0.clone())
    }
}

macro_rules! named {
    ($($name:ident = $text:literal),+) => { $(
        #[derive(Clone)]
        struct $name;
        impl Named for $name { const NAME: &'static str = $text; }
    )+ };
}

named!(
    NotificationId = "X-Notification-Id",
    AutoSubmitted = "Auto-Submitted",
    ListUnsubscribe = "List-Unsubscribe",
    ListUnsubscribePost = "List-Unsubscribe-Post"
);

#[cfg(test)]
mod tests {
    use chrono::TimeZone;
    use mail_parser::MessageParser;
    use proptest::prelude::*;

    use super::*;

    fn email(name: &str, text: &str) -> Email {
        Email {
            from_name: name.to_owned(),
            subject: name.to_owned(),
            text: text.to_owned(),
            html: format!("<p>{text}</p>"),
            reply_to: Some("csm@example.org".to_owned()),
            list_unsubscribe: Some("https://example.org/u/abc".to_owned()),
        }
    }

    fn envelope(name: &str) -> Envelope {
        Envelope {
            notification_id: "01J".to_owned(),
            address: "anna@example.org".to_owned(),
            name: name.to_owned(),
            from_address: None,
            date: Utc.with_ymd_and_hms(2027, 3, 1, 8, 0, 0).unwrap(),
            thread: None,
        }
    }

    fn built(name: &str, text: &str) -> Vec<u8> {
        mail_bytes(&"post@example.org".parse().unwrap(), &envelope(name), &email(name, text))
            .unwrap()
    }

    #[test]
    fn dots_are_doubled_and_the_mail_ends_with_one() {
        assert_eq!(dot_stuffed(b".a\r\n..b\r\nc".to_vec()), b"..a\r\n...b\r\nc\r\n.\r\n");
        assert_eq!(dot_stuffed(b"x\r\n".to_vec()), b"x\r\n.\r\n");
    }

    #[test]
    fn a_clock_gone_mad_makes_no_panic() {
        for date in [DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MAX_UTC, DateTime::UNIX_EPOCH] {
            let to = Envelope { date, ..envelope("Anna") };
            mail_bytes(&"post@example.org".parse().unwrap(), &to, &email("x", "x")).unwrap();
        }
    }

    #[test]
    fn a_mail_without_a_name_is_built() {
        let mail = mail_bytes(&"post@example.org".parse().unwrap(), &envelope(""), &email("", "x"))
            .unwrap();
        assert!(!String::from_utf8(mail).unwrap().contains("\"\""));
    }

    proptest! {
        #[test]
        fn hostile_names_never_change_the_headers(name in any::<String>(), nasty in r#"[\r\n\x00"\\<>(),:;@=? a-z\u{202e}\u{2028}\u{80}-\u{9f}é🦀]{0,300}"#) {
            for name in [name, nasty] {
                let raw = built(&name, &name);
                let mail = MessageParser::default().parse(&raw).unwrap();
                let names: Vec<&str> = mail.headers().iter().map(mail_parser::Header::name).collect();
                let expected = ["From", "To", "Subject", "Date", "Message-ID", "X-Notification-Id", "Auto-Submitted", "Reply-To", "List-Unsubscribe", "List-Unsubscribe-Post", "MIME-Version", "Content-Type"];
                let mut sorted: Vec<&str> = names.clone(); sorted.sort_unstable();
                let mut wanted = expected.to_vec(); wanted.sort_unstable();
                // A name that is nothing but control characters leaves an empty subject, which is still one header.
                prop_assert_eq!(sorted, wanted);
                prop_assert_eq!(mail.to().unwrap().first().unwrap().address().unwrap(), "anna@example.org");
                prop_assert!(raw.is_ascii());
                prop_assert!(raw.split(|&b| b == b'\n').all(|line| line.len() <= 999 && (line.is_empty() || line.ends_with(b"\r"))));
            }
        }
    }
}
