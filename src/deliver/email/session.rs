//! One SMTP session, phase by phase, with the phase known whenever something goes wrong.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use secrecy::ExposeSecret;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::build::Mail;
use super::classify::{fault, refusal};
use super::config::{Security, SmtpConfig, SmtpTimeouts};
use super::reply::Reply;
use super::wire::{Stream, Wire, WireError};
use crate::domain::message::{Report, Stage, Verdict};
use crate::domain::values::Reason;

/// What the server said it can do.
#[derive(Clone, Debug, Default)]
struct Extensions {
    starttls: bool,
    pipelining: bool,
    smtputf8: bool,
    auth: Vec<String>,
}

impl Extensions {
    fn read(reply: &Reply) -> Self {
        let mut found = Self::default();
        for line in reply.lines.iter().skip(1) {
            let line = line.to_ascii_uppercase();
            let mut words = line.split([' ', '=']);
            match words.next() {
                Some("STARTTLS") => found.starttls = true,
                Some("PIPELINING") => found.pipelining = true,
                Some("SMTPUTF8") => found.smtputf8 = true,
                Some("AUTH") => found.auth.extend(words.map(str::to_owned)),
                _ => {}
            }
        }
        found
    }
}

/// A session that is greeted, protected and logged in.
pub(super) struct Connection {
    wire: Wire,
    extensions: Extensions,
    timeouts: SmtpTimeouts,
    /// Whether a message went over it before.
    pub(super) reused: bool,
}

/// Why a message was not taken.
pub(super) struct Refused {
    pub(super) report: Report,
    /// The server hung up before it heard anything of this message: another session may try at once.
    pub(super) untouched: bool,
    /// The server answered and is still there.
    pub(super) answers: bool,
}

fn stage_of(stage: Stage) -> impl Fn(WireError) -> Report {
    move |error| fault(stage, &error.to_string())
}

impl Connection {
    /// Connects, greets, protects, logs in.
    ///
    /// # Errors
    /// Always a report on the channel, never on a message.
    pub(super) async fn open(
        config: &SmtpConfig,
        tls: Option<&Arc<ClientConfig>>,
    ) -> Result<Self, Report> {
        let times = config.timeouts;
        let connect =
            timeout(times.connect, TcpStream::connect((config.host.as_str(), config.port)));
        let tcp = match connect.await {
            Ok(Ok(tcp)) => tcp,
            Ok(Err(error)) => {
                return Err(fault(
                    Stage::Connect,
                    &format!("cannot connect to {}: {error}", config.server()),
                ));
            }
            Err(_) => {
                return Err(fault(
                    Stage::Connect,
                    &format!(
                        "cannot connect to {}: no answer in {:?}",
                        config.server(),
                        times.connect
                    ),
                ));
            }
        };
        tcp.set_nodelay(true).map_err(|error| fault(Stage::Connect, &error.to_string()))?;
        let protected_network =
            tcp.peer_addr().is_ok_and(|peer| peer.ip().to_canonical().is_loopback());
        let mut wire = match config.security {
            Security::Implicit => Wire::new(handshake(config, tls, tcp).await?),
            Security::Plain | Security::StartTls => Wire::new(Stream::Plain(tcp)),
        };
        let banner = wire.reply(times.banner).await.map_err(stage_of(Stage::Connect))?;
        if banner.code != 220 {
            return Err(refusal(Stage::Connect, &banner));
        }
        let mut extensions = greet(&mut wire, config).await?;
        if config.security == Security::StartTls {
            wire = start_tls(wire, &extensions, config, tls).await?;
            // What was said before TLS may have been said by anybody.
            extensions = greet(&mut wire, config).await?;
        }
        if config.login.is_some() {
            if config.security == Security::Plain && !protected_network {
                return Err(fault(
                    Stage::Auth,
                    "refused to send the password without TLS; set SMTP_URL to smtps://… or add ?tls=required",
                ));
            }
            log_in(&mut wire, &extensions, config).await?;
        }
        Ok(Self { wire, extensions, timeouts: times, reused: false })
    }

    /// Whether the session can be used again: nothing unasked was said, and nobody hung up.
    pub(super) fn is_quiet(&mut self) -> bool {
        self.wire.is_quiet()
    }

    /// Leaves politely, without waiting.
    pub(super) async fn quit(self) {
        self.wire.quit().await;
    }

    /// Sends one mail to one recipient. After anything but `Ok` the session must not be used again.
    pub(super) async fn transact(&mut self, mail: &Mail) -> Result<Reply, Refused> {
        let mut extra = "";
        if !mail.to.is_ascii() || !mail.from.is_ascii() {
            if !self.extensions.smtputf8 {
                return Err(outside_ascii(mail));
            }
            extra = " SMTPUTF8";
        }
        let commands = [
            (Stage::Mail, format!("MAIL FROM:<{}>{extra}\r\n", mail.from)),
            (Stage::Recipient, format!("RCPT TO:<{}>\r\n", mail.to)),
            (Stage::Data, "DATA\r\n".to_owned()),
        ];
        // With PIPELINING (RFC 2920) the three go out in one write; their answers still come one by one.
        if self.extensions.pipelining {
            let all: String = commands.iter().map(|(_, line)| line.as_str()).collect();
            self.wire
                .write(all.as_bytes(), self.timeouts.command)
                .await
                .map_err(|error| lost(Stage::Mail, &error))?;
        }
        for (stage, line) in &commands {
            if !self.extensions.pipelining {
                self.wire
                    .write(line.as_bytes(), self.timeouts.command)
                    .await
                    .map_err(|error| lost(*stage, &error))?;
            }
            let reply = self
                .wire
                .reply(self.timeouts.command)
                .await
                .map_err(|error| lost(*stage, &error))?;
            let welcome =
                if *stage == Stage::Data { reply.code == 354 } else { reply.is_positive() };
            if !welcome {
                let hung_up = *stage == Stage::Mail && reply.code == 421;
                let answers = reply.code >= 400
                    && reply.code != 421
                    && *stage != Stage::Data
                    && !self.extensions.pipelining;
                return Err(Refused {
                    report: refusal(*stage, &reply),
                    untouched: hung_up,
                    answers,
                });
            }
        }
        if let Err(error) = self.wire.write(&mail.data, self.timeouts.body).await {
            // The last octets never left this machine, so the server cannot have seen the final dot.
            let mut report = fault(Stage::Data, &error.to_string());
            if !matches!(error, WireError::Protocol(_)) {
                report.stage = Stage::Body;
            }
            return Err(Refused { report, untouched: false, answers: false });
        }
        let reply = self
            .wire
            .reply(self.timeouts.answer)
            .await
            .map_err(|error| lost(Stage::Body, &error))?;
        if !reply.is_positive() {
            return Err(Refused {
                report: refusal(Stage::Body, &reply),
                untouched: false,
                answers: reply.code >= 400 && reply.code != 421,
            });
        }
        self.reused = true;
        Ok(reply)
    }
}

fn lost(stage: Stage, error: &WireError) -> Refused {
    // Words that nobody asked for, on a session that waited, are the server's farewell.
    let gone = !matches!(error, WireError::Silence(_));
    Refused {
        report: fault(stage, &error.to_string()),
        untouched: stage == Stage::Mail && gone,
        answers: false,
    }
}

fn outside_ascii(mail: &Mail) -> Refused {
    let (reason, whose) = if mail.to.is_ascii() {
        (Reason::MessageRefused, "sender's")
    } else {
        (Reason::AddressRefused, "recipient's")
    };
    let reply =
        format!("the relay takes ASCII addresses only (no SMTPUTF8), and the {whose} is not");
    Refused {
        report: Report { verdict: Verdict::Permanent { reason }, stage: Stage::Recipient, reply },
        untouched: false,
        answers: true,
    }
}

async fn greet(wire: &mut Wire, config: &SmtpConfig) -> Result<Extensions, Report> {
    let reply =
        ask(wire, &format!("EHLO {}\r\n", config.ehlo_name), Stage::Handshake, config).await?;
    if reply.code != 250 {
        return Err(refusal(Stage::Handshake, &reply));
    }
    Ok(Extensions::read(&reply))
}

async fn ask(
    wire: &mut Wire,
    line: &str,
    stage: Stage,
    config: &SmtpConfig,
) -> Result<Reply, Report> {
    wire.write(line.as_bytes(), config.timeouts.command).await.map_err(stage_of(stage))?;
    wire.reply(config.timeouts.command).await.map_err(stage_of(stage))
}

/// STARTTLS (RFC 3207). Plaintext behind the answer would be taken for the protected server's words: refused.
async fn start_tls(
    mut wire: Wire,
    extensions: &Extensions,
    config: &SmtpConfig,
    tls: Option<&Arc<ClientConfig>>,
) -> Result<Wire, Report> {
    if !extensions.starttls {
        return Err(fault(
            Stage::Handshake,
            "the server does not offer STARTTLS, which SMTP_URL requires",
        ));
    }
    let reply = ask(&mut wire, "STARTTLS\r\n", Stage::Handshake, config).await?;
    if reply.code != 220 {
        return Err(refusal(Stage::Handshake, &reply));
    }
    let tcp = wire.into_tcp().map_err(stage_of(Stage::Handshake))?;
    Ok(Wire::new(handshake(config, tls, tcp).await?))
}

async fn handshake(
    config: &SmtpConfig,
    tls: Option<&Arc<ClientConfig>>,
    tcp: TcpStream,
) -> Result<Stream, Report> {
    let failed =
        |why: &str| fault(Stage::Handshake, &format!("TLS with {} failed: {why}", config.server()));
    let tls = tls.ok_or_else(|| failed("not prepared"))?;
    let name = ServerName::try_from(config.host.clone())
        .map_err(|_| failed("the host is not a name for certificates"))?;
    match timeout(config.timeouts.connect, TlsConnector::from(Arc::clone(tls)).connect(name, tcp))
        .await
    {
        Ok(Ok(stream)) => Ok(Stream::Tls(Box::new(stream))),
        Ok(Err(error)) => Err(failed(&error.to_string())),
        Err(_) => Err(failed("no answer")),
    }
}

async fn log_in(
    wire: &mut Wire,
    extensions: &Extensions,
    config: &SmtpConfig,
) -> Result<(), Report> {
    let Some((user, password)) = &config.login else { return Ok(()) };
    let offers = |mechanism: &str| extensions.auth.iter().any(|offered| offered == mechanism);
    let reply = if offers("PLAIN") {
        let secret = BASE64.encode(format!("\0{user}\0{}", password.expose_secret()));
        ask(wire, &format!("AUTH PLAIN {secret}\r\n"), Stage::Auth, config).await?
    } else if offers("LOGIN") {
        let mut reply = ask(wire, "AUTH LOGIN\r\n", Stage::Auth, config).await?;
        for answer in [user.as_str(), password.expose_secret()] {
            if reply.code != 334 {
                return Err(refusal(Stage::Auth, &reply));
            }
            reply =
                ask(wire, &format!("{}\r\n", BASE64.encode(answer)), Stage::Auth, config).await?;
        }
        reply
    } else {
        return Err(fault(
            Stage::Auth,
            "the server offers neither AUTH PLAIN nor AUTH LOGIN, but SMTP_URL has a user",
        ));
    };
    if reply.code == 235 { Ok(()) } else { Err(refusal(Stage::Auth, &reply)) }
}
