//! Where mail goes: `SMTP_URL` and `MAIL_FROM`, read once at start.

use std::net::IpAddr;
use std::time::Duration;

use lettre::message::Mailbox;
use percent_encoding::percent_decode_str;
use rustls::pki_types::CertificateDer;
use secrecy::SecretString;
use url::{Host, Url};

use super::address;

/// How the connection is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Security {
    /// Not at all (`smtp://`), for a relay on the same machine or network.
    Plain,
    /// TLS by STARTTLS, and nothing is said before it (`smtp://…?tls=required`).
    StartTls,
    /// TLS from the first byte (`smtps://`).
    Implicit,
}

/// The longest wait in each phase. RFC 5321 §4.5.3.2 would allow minutes; a submission relay answers in seconds.
#[derive(Clone, Copy, Debug)]
pub struct SmtpTimeouts {
    /// TCP connect, and the TLS handshake.
    pub connect: Duration,
    /// The server's greeting.
    pub banner: Duration,
    /// EHLO, STARTTLS, AUTH, MAIL, RCPT, DATA.
    pub command: Duration,
    /// Writing the message.
    pub body: Duration,
    /// The answer to its final dot.
    pub answer: Duration,
}

impl Default for SmtpTimeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            banner: Duration::from_secs(30),
            command: Duration::from_secs(30),
            body: Duration::from_mins(1),
            answer: Duration::from_mins(2),
        }
    }
}

impl SmtpTimeouts {
    /// The same short time for every phase.
    #[must_use]
    pub fn all(each: Duration) -> Self {
        Self { connect: each, banner: each, command: each, body: each, answer: each }
    }
}

/// Everything that is needed to reach the relay. [`SmtpConfig::parse`] makes one; the public fields may be changed after.
#[derive(Clone, Debug)]
pub struct SmtpConfig {
    /// Name or number of the relay.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// Protection of the connection.
    pub security: Security,
    /// User and password, if the relay wants a login.
    pub login: Option<(String, SecretString)>,
    /// `MAIL_FROM`: the installation's sender.
    pub from: Mailbox,
    /// Most sessions open at once.
    pub max_sessions: usize,
    /// Longest wait in each phase.
    pub timeouts: SmtpTimeouts,
    /// How long an unused session stays open.
    pub idle: Duration,
    /// How this machine introduces itself in EHLO.
    pub ehlo_name: String,
    /// Certificates that are trusted besides the system's, for a relay with a certificate of its own.
    pub extra_roots: Vec<CertificateDer<'static>>,
}

impl SmtpConfig {
    /// Reads `SMTP_URL` (`smtp://`, `smtps://`, `smtp://…?tls=required`; user and password percent-encoded in it) and
    /// `MAIL_FROM` (`a@b.c` or `Name <a@b.c>`). `password` is one kept in a file; it wins over the URL's.
    ///
    /// # Errors
    /// One line that names the setting and says what to do; never the URL itself, which may hold a password.
    pub fn parse(
        smtp_url: &str,
        mail_from: &str,
        password: Option<SecretString>,
    ) -> Result<Self, String> {
        const SHAPE: &str = "smtp://host:port, smtps://user:password@host or smtp://user:password@host:587?tls=required";
        let url = Url::parse(smtp_url.trim())
            .map_err(|error| format!("SMTP_URL is not a URL ({error}); write {SHAPE}"))?;
        let mut tls = None;
        for (key, value) in url.query_pairs() {
            match key.as_ref() {
                "tls" => tls = Some(value.into_owned()),
                other => {
                    return Err(format!(
                        "SMTP_URL has an unknown parameter {other:?}; the only one is tls=required"
                    ));
                }
            }
        }
        let security = match (url.scheme(), tls.as_deref()) {
            ("smtp", None | Some("none")) => Security::Plain,
            ("smtp", Some("required")) => Security::StartTls,
            ("smtps", None | Some("wrapper")) => Security::Implicit,
            ("smtp" | "smtps", Some(other)) => {
                return Err(format!(
                    "SMTP_URL says tls={other:?}, which is not safe or not known; write smtp://…?tls=required or smtps://…"
                ));
            }
            (other, _) => return Err(format!("SMTP_URL starts with {other:?}; write {SHAPE}")),
        };
        if !matches!(url.path(), "" | "/") {
            return Err(format!("SMTP_URL has a path; write {SHAPE}"));
        }
        // Non-special schemes keep hosts as opaque text, so number and name are told apart here.
        let host = match url.host() {
            Some(Host::Domain(name)) if !name.is_empty() => decoded(name, "host")?,
            Some(Host::Ipv4(ip)) => ip.to_string(),
            Some(Host::Ipv6(ip)) => ip.to_string(),
            _ => return Err(format!("SMTP_URL names no host; write {SHAPE}")),
        };
        let port = url.port().unwrap_or(match security {
            Security::Plain => 25,
            Security::StartTls => 587,
            Security::Implicit => 465,
        });
        let user = decoded(url.username(), "user")?;
        let password = match (password, url.password()) {
            (Some(password), _) => Some(password),
            (None, Some(text)) => Some(decoded(text, "password")?.into()),
            (None, None) => None,
        };
        let login = match (user.is_empty(), password) {
            (true, None) => None,
            (false, Some(password)) => Some((user, password)),
            (true, Some(_)) => {
                return Err(
                    "SMTP_URL has a password but no user; write smtps://user@host".to_owned()
                );
            }
            (false, None) => {
                return Err(
                    "SMTP_URL has a user but no password; put it into the URL (percent-encoded) or into a password file".to_owned()
                );
            }
        };
        if login.is_some() && security == Security::Plain && !is_loopback_name(&host) {
            return Err("SMTP_URL would send the password without TLS; write smtps://… or add ?tls=required".to_owned());
        }
        Ok(Self {
            host,
            port,
            security,
            login,
            from: parse_from(mail_from)?,
            max_sessions: 10,
            timeouts: SmtpTimeouts::default(),
            idle: Duration::from_secs(30),
            ehlo_name: lettre::transport::smtp::extension::ClientId::default().to_string(),
            extra_roots: Vec::new(),
        })
    }

    /// `host:port`, for messages to people.
    #[must_use]
    pub fn server(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }
}

fn parse_from(mail_from: &str) -> Result<Mailbox, String> {
    const DO: &str =
        "write MAIL_FROM=reminders@example.org or MAIL_FROM=\"Reminders <reminders@example.org>\"";
    let text = mail_from.trim();
    if text.is_empty() {
        return Err(format!("MAIL_FROM is not set; {DO}"));
    }
    if text.chars().any(char::is_control) {
        return Err(format!("MAIL_FROM contains control characters; {DO}"));
    }
    let mailbox: Mailbox =
        text.parse().map_err(|_| format!("MAIL_FROM is not a mail address; {DO}"))?;
    if let Some(why) = address::refusal(mailbox.email.as_ref()) {
        return Err(format!("MAIL_FROM cannot be used: {why}; {DO}"));
    }
    let email = address::ascii_domain(mailbox.email.as_ref())
        .parse()
        .map_err(|_| format!("MAIL_FROM has a domain that cannot exist; {DO}"))?;
    Ok(Mailbox::new(mailbox.name, email))
}

fn decoded(text: &str, part: &str) -> Result<String, String> {
    let text = percent_decode_str(text)
        .decode_utf8()
        .map_err(|_| format!("SMTP_URL has a {part} that is not UTF-8 after percent-decoding"))?;
    if text.chars().any(char::is_control) {
        return Err(format!("SMTP_URL has a {part} with control characters"));
    }
    Ok(text.into_owned())
}

fn is_loopback_name(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn the_three_forms_of_the_url_are_understood() {
        let plain = SmtpConfig::parse("smtp://127.0.0.1:2525", "a@example.org", None).unwrap();
        assert_eq!((plain.server().as_str(), plain.security), ("127.0.0.1:2525", Security::Plain));
        let starttls = SmtpConfig::parse(
            "smtp://anna%40x:p%2Fw%20d@mail.example.org?tls=required",
            "Post <a@example.org>",
            None,
        )
        .unwrap();
        assert_eq!(
            (starttls.server().as_str(), starttls.security),
            ("mail.example.org:587", Security::StartTls)
        );
        let (user, password) = starttls.login.unwrap();
        assert_eq!((user.as_str(), password.expose_secret()), ("anna@x", "p/w d"));
        assert_eq!(starttls.from.name.as_deref(), Some("Post"));
        let implicit = SmtpConfig::parse("smtps://[::1]", "a@example.org", None).unwrap();
        assert_eq!(
            (implicit.host.as_str(), implicit.port, implicit.security),
            ("::1", 465, Security::Implicit)
        );
    }

    #[test]
    fn a_wrong_setting_is_named_without_its_secret() {
        let cases = [
            ("smtp://user:hunter2@mail.example.org", "a@example.org", "without TLS"),
            ("smtp://user:hunter2@mail.example.org?tls=opportunistic", "a@example.org", "tls"),
            ("http://user:hunter2@mail.example.org", "a@example.org", "SMTP_URL"),
            ("smtps://:hunter2@mail.example.org", "a@example.org", "no user"),
            ("smtps://user@mail.example.org", "a@example.org", "no password"),
            ("smtps://user:hunter2@mail.example.org:99999", "a@example.org", "SMTP_URL"),
            ("smtps://user:hunter2@mail.example.org", "nobody", "MAIL_FROM"),
            ("smtps://user:hunter2@mail.example.org", "", "MAIL_FROM"),
            ("smtps://user:hunter2@mail.example.org?x=1", "a@example.org", "unknown parameter"),
        ];
        for (url, from, expected) in cases {
            let error = SmtpConfig::parse(url, from, None).unwrap_err();
            assert!(error.contains(expected), "{url}: {error}");
            assert!(!error.contains("hunter2") && !error.contains('\n'), "{error}");
        }
        let config =
            SmtpConfig::parse("smtps://user:hunter2@mail.example.org", "a@example.org", None)
                .unwrap();
        assert!(!format!("{config:?}").contains("hunter2"));
    }
}
