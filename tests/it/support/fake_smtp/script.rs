//! What a fake relay is told to do.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;

/// Where in the conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum At {
    Banner,
    Ehlo,
    StartTls,
    Auth,
    Mail,
    Rcpt,
    Data,
    /// After the body and its final dot.
    Dot,
}

/// What happens there.
#[derive(Clone, Debug)]
pub(crate) enum Do {
    /// An answer; line ends are added. At [`At::Dot`], a 2xx answer takes the message.
    Reply(String),
    /// Octets as they are. Takes no message.
    Raw(Vec<u8>),
    /// An answer, then the end.
    ReplyThenClose(String),
    Close,
    /// Nothing, until the client goes.
    Silence,
    /// Waits, then does the other thing.
    Delay(Duration, Box<Do>),
    /// Waits for a permit of the test, then behaves well.
    Hold(Arc<Semaphore>),
    /// Takes the message, then does the other thing: the lost answer.
    Take(Box<Do>),
}

impl Do {
    pub(crate) fn reply(text: &str) -> Self {
        Self::Reply(text.to_owned())
    }
}

#[derive(Clone, Debug)]
pub(super) struct Rule {
    pub(super) at: At,
    /// The connection's number, from 1.
    pub(super) connection: Option<usize>,
    /// How often this stage was reached on this server, from 1.
    pub(super) nth: Option<usize>,
    /// A part of the recipient's address.
    pub(super) to: Option<String>,
    pub(super) act: Do,
}

/// The server's certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Certificate {
    /// For 127.0.0.1 and localhost.
    Good,
    /// For another host.
    OtherHost,
    /// For this host, some years ago.
    Expired,
}

/// Which protection the relay has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protection {
    None,
    StartTls(Certificate),
    Implicit(Certificate),
}

/// What the relay does; see the module.
#[derive(Clone, Debug)]
pub(crate) struct Script {
    pub(super) rules: Vec<Rule>,
    pub(super) extensions: Vec<String>,
    pub(super) protection: Protection,
    pub(super) credentials: Option<(String, String)>,
    pub(super) max_connections: usize,
    pub(super) drop_after: usize,
}

impl Default for Script {
    fn default() -> Self {
        Self {
            rules: Vec::new(),
            extensions: ["PIPELINING", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES"]
                .map(str::to_owned)
                .to_vec(),
            protection: Protection::None,
            credentials: None,
            max_connections: usize::MAX,
            drop_after: usize::MAX,
        }
    }
}

impl Script {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Always, at this stage.
    pub(crate) fn on(self, at: At, act: Do) -> Self {
        self.rule(Rule { at, connection: None, nth: None, to: None, act })
    }

    /// Only the nth time that any connection reaches this stage.
    pub(crate) fn on_nth(self, at: At, nth: usize, act: Do) -> Self {
        self.rule(Rule { at, connection: None, nth: Some(nth), to: None, act })
    }

    /// Only on the nth connection.
    pub(crate) fn on_connection(self, connection: usize, at: At, act: Do) -> Self {
        self.rule(Rule { at, connection: Some(connection), nth: None, to: None, act })
    }

    /// Only for recipients that contain this text (from RCPT on).
    pub(crate) fn on_recipient(self, to: &str, at: At, act: Do) -> Self {
        self.rule(Rule { at, connection: None, nth: None, to: Some(to.to_owned()), act })
    }

    pub(crate) fn extensions(mut self, extensions: &[&str]) -> Self {
        self.extensions = extensions.iter().map(|&extension| extension.to_owned()).collect();
        self
    }

    pub(crate) fn protection(mut self, protection: Protection) -> Self {
        self.protection = protection;
        self
    }

    /// Wants this login (and offers AUTH PLAIN unless the extensions name AUTH).
    pub(crate) fn login(mut self, user: &str, password: &str) -> Self {
        self.credentials = Some((user.to_owned(), password.to_owned()));
        self
    }

    /// Greets any more with 421.
    pub(crate) fn max_connections(mut self, count: usize) -> Self {
        self.max_connections = count;
        self
    }

    /// Answers 421 and closes at the MAIL that follows this many messages on one connection.
    pub(crate) fn drop_after(mut self, messages: usize) -> Self {
        self.drop_after = messages;
        self
    }

    fn rule(mut self, rule: Rule) -> Self {
        self.rules.push(rule);
        self
    }
}
