//! A mail relay that does as its script says.
//!
//! Every connection runs through the stages [`At`]; without a rule the relay behaves well. Rules are looked up at every
//! stage in the order they were added; the first that matches acts.

mod script;

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use base64::Engine;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::task::AbortHandle;
use tokio_rustls::TlsAcceptor;

use script::Rule;
pub(crate) use script::{At, Certificate, Do, Protection, Script};

/// A message that the relay took.
#[derive(Clone, Debug)]
pub(crate) struct AcceptedMail {
    pub(crate) from: String,
    pub(crate) to: String,
    /// After removing the dots of transparency, without the final one.
    pub(crate) raw: Vec<u8>,
    /// `X-Notification-Id`.
    pub(crate) notification_id: String,
    /// Number of the connection it came over, from 1.
    pub(crate) connection: usize,
}

struct Shared {
    script: Mutex<Script>,
    accepted: Mutex<Vec<AcceptedMail>>,
    commands: Mutex<Vec<String>>,
    reached: Mutex<Vec<At>>,
    connections: AtomicUsize,
    open: AtomicUsize,
    places: AtomicUsize,
    identities: Mutex<Vec<(Certificate, Identity)>>,
}

#[derive(Clone)]
struct Identity {
    certificate: CertificateDer<'static>,
    acceptor: TlsAcceptor,
}

/// The relay. Ends when dropped.
pub(crate) struct FakeSmtp {
    pub(crate) addr: SocketAddr,
    shared: Arc<Shared>,
    listener: AbortHandle,
}

impl Drop for FakeSmtp {
    fn drop(&mut self) {
        self.listener.abort();
    }
}

impl FakeSmtp {
    pub(crate) async fn start(script: Script) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            script: Mutex::new(script),
            accepted: Mutex::default(),
            commands: Mutex::default(),
            reached: Mutex::default(),
            connections: AtomicUsize::new(0),
            open: AtomicUsize::new(0),
            places: AtomicUsize::new(0),
            identities: Mutex::default(),
        });
        let server = Arc::clone(&shared);
        let listener = tokio::spawn(async move {
            let mut clients = tokio::task::JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let number = server.connections.fetch_add(1, Ordering::SeqCst) + 1;
                server.open.fetch_add(1, Ordering::SeqCst);
                let open = Open(Arc::clone(&server));
                let server = Arc::clone(&server);
                clients.spawn(async move {
                    let _open = open;
                    // A client that goes away ends the conversation; the test looks at what was recorded.
                    let _ = serve(stream, number, server).await;
                });
            }
        });
        Self { addr, shared, listener: listener.abort_handle() }
    }

    /// `smtp://127.0.0.1:port`.
    pub(crate) fn url(&self) -> String {
        format!("smtp://{}", self.addr)
    }

    pub(crate) fn set_script(&self, script: Script) {
        self.shared.reached.lock().unwrap().clear();
        *self.shared.script.lock().unwrap() = script;
    }

    /// What was taken so far, in order.
    pub(crate) fn accepted(&self) -> Vec<AcceptedMail> {
        self.shared.accepted.lock().unwrap().clone()
    }

    /// How many that is.
    pub(crate) fn accepted_count(&self) -> usize {
        self.shared.accepted.lock().unwrap().len()
    }

    /// Connections so far.
    pub(crate) fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::SeqCst)
    }

    /// Connections open now.
    pub(crate) fn open_connections(&self) -> usize {
        self.shared.open.load(Ordering::SeqCst)
    }

    /// Every command line so far.
    pub(crate) fn commands(&self) -> Vec<String> {
        self.shared.commands.lock().unwrap().clone()
    }

    /// How often a stage was reached since the script was set.
    pub(crate) fn reached(&self, at: At) -> usize {
        self.shared.reached.lock().unwrap().iter().filter(|&&reached| reached == at).count()
    }

    /// The certificate that a client must trust to accept this one.
    pub(crate) fn certificate(&self, kind: Certificate) -> CertificateDer<'static> {
        self.shared.identity(kind).certificate
    }
}

/// Counts an open connection.
struct Open(Arc<Shared>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Gives up a place.
struct Place(Arc<Shared>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.places.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Shared {
    fn identity(&self, kind: Certificate) -> Identity {
        let mut identities = self.identities.lock().unwrap();
        if let Some((_, identity)) = identities.iter().find(|(of, _)| *of == kind) {
            return identity.clone();
        }
        let names = match kind {
            Certificate::OtherHost => vec!["mail.elsewhere.example".to_owned()],
            Certificate::Good | Certificate::Expired => {
                vec!["localhost".to_owned(), "127.0.0.1".to_owned()]
            }
        };
        let mut params = rcgen::CertificateParams::new(names).unwrap();
        if kind == Certificate::Expired {
            params.not_before = rcgen::date_time_ymd(2001, 1, 1);
            params.not_after = rcgen::date_time_ymd(2002, 1, 1);
        }
        let key = rcgen::KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap().der().clone();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(
                vec![certificate.clone()],
                PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
            )
            .unwrap();
        let identity = Identity { certificate, acceptor: TlsAcceptor::from(Arc::new(config)) };
        identities.push((kind, identity.clone()));
        identity
    }

    fn script(&self) -> Script {
        self.script.lock().unwrap().clone()
    }

    /// The rule for this moment, if there is one.
    fn act(&self, at: At, connection: usize, to: &str) -> Option<Do> {
        let nth = {
            let mut reached = self.reached.lock().unwrap();
            reached.push(at);
            reached.iter().filter(|&&stage| stage == at).count()
        };
        let script = self.script.lock().unwrap();
        let matches = |rule: &&Rule| {
            rule.at == at
                && rule.connection.is_none_or(|number| number == connection)
                && rule.nth.is_none_or(|number| number == nth)
                && rule.to.as_deref().is_none_or(|part| to.contains(part))
        };
        script.rules.iter().find(matches).map(|rule| rule.act.clone())
    }
}

type Client = BufReader<Box<dyn Duplex>>;

trait Duplex: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Duplex for T {}

/// One conversation, with the state that rules and recording need.
struct Talk {
    client: Client,
    shared: Arc<Shared>,
    number: usize,
    from: String,
    to: String,
}

/// The end of a conversation.
#[derive(Debug)]
struct End;

impl From<std::io::Error> for End {
    fn from(_: std::io::Error) -> Self {
        Self
    }
}

async fn serve(
    stream: tokio::net::TcpStream,
    number: usize,
    shared: Arc<Shared>,
) -> Result<(), End> {
    stream.set_nodelay(true)?;
    let script = shared.script();
    let boxed: Box<dyn Duplex> = match script.protection {
        Protection::Implicit(kind) => {
            let acceptor = shared.identity(kind).acceptor;
            Box::new(acceptor.accept(stream).await?)
        }
        Protection::None | Protection::StartTls(_) => Box::new(stream),
    };
    let mut talk = Talk {
        client: BufReader::new(boxed),
        shared: Arc::clone(&shared),
        number,
        from: String::new(),
        to: String::new(),
    };
    // Greeted ones count, so that one of many who come at once is let in.
    if shared.places.fetch_add(1, Ordering::SeqCst) >= script.max_connections {
        shared.places.fetch_sub(1, Ordering::SeqCst);
        return talk.say("421 4.7.0 too many connections").await;
    }
    let _place = Place(Arc::clone(&shared));
    talk.answer(At::Banner, "220 fake ESMTP").await?;
    let mut secure = matches!(script.protection, Protection::Implicit(_));
    let mut messages = 0;
    loop {
        let line = talk.line().await?;
        shared.commands.lock().unwrap().push(line.clone());
        let upper = line.to_ascii_uppercase();
        let script = shared.script();
        if upper.starts_with("EHLO") {
            let mut lines = vec!["fake".to_owned()];
            lines.extend(script.extensions.iter().cloned());
            if matches!(script.protection, Protection::StartTls(_)) && !secure {
                lines.push("STARTTLS".to_owned());
            }
            if script.credentials.is_some()
                && !script.extensions.iter().any(|extension| extension.starts_with("AUTH"))
            {
                lines.push("AUTH PLAIN".to_owned());
            }
            let last = lines.len() - 1;
            let text: Vec<String> = lines
                .iter()
                .enumerate()
                .map(|(at, line)| format!("250{}{line}", if at == last { ' ' } else { '-' }))
                .collect();
            talk.answer(At::Ehlo, &text.join("\r\n")).await?;
        } else if upper == "STARTTLS" {
            talk.answer(At::StartTls, "220 2.0.0 go ahead").await?;
            let Protection::StartTls(kind) = script.protection else { return Err(End) };
            let acceptor = shared.identity(kind).acceptor;
            talk.client =
                BufReader::new(Box::new(acceptor.accept(talk.client.into_inner()).await?));
            secure = true;
        } else if upper.starts_with("AUTH") {
            let given = talk.credentials(&line).await?;
            let right = script.credentials.is_none_or(|wanted| given == Some(wanted));
            talk.answer(
                At::Auth,
                if right { "235 2.7.0 welcome" } else { "535 5.7.8 wrong user or password" },
            )
            .await?;
        } else if upper.starts_with("MAIL FROM:") {
            if messages >= script.drop_after {
                return talk.say("421 4.7.0 enough for one connection").await;
            }
            talk.from = path(&line);
            talk.answer(At::Mail, "250 2.1.0 ok").await?;
        } else if upper.starts_with("RCPT TO:") {
            talk.to = path(&line);
            talk.answer(At::Rcpt, "250 2.1.5 ok").await?;
        } else if upper == "DATA" {
            if !talk.answer(At::Data, "354 go ahead").await?.starts_with("354") {
                continue;
            }
            let raw = talk.body().await?;
            messages += 1;
            talk.finish(raw).await?;
        } else if upper == "QUIT" {
            return talk.say("221 2.0.0 bye").await;
        } else {
            talk.say("250 2.0.0 ok").await?;
        }
    }
}

fn path(line: &str) -> String {
    line.split_once('<')
        .and_then(|(_, rest)| rest.split_once('>'))
        .map(|(path, _)| path.to_owned())
        .unwrap_or_default()
}

impl Talk {
    async fn line(&mut self) -> Result<String, End> {
        let mut line = Vec::new();
        if self.client.read_until(b'\n', &mut line).await? == 0 {
            return Err(End);
        }
        Ok(String::from_utf8_lossy(&line).trim_end().to_owned())
    }

    async fn say(&mut self, text: &str) -> Result<(), End> {
        self.raw(format!("{text}\r\n").as_bytes()).await
    }

    async fn raw(&mut self, octets: &[u8]) -> Result<(), End> {
        self.client.write_all(octets).await?;
        Ok(self.client.flush().await?)
    }

    /// What the rule says, or else `usual`. Returns what was said.
    async fn answer(&mut self, at: At, usual: &str) -> Result<String, End> {
        match self.shared.act(at, self.number, &self.to) {
            None => {
                self.say(usual).await?;
                Ok(usual.to_owned())
            }
            Some(act) => self.perform(act, usual).await,
        }
    }

    async fn perform(&mut self, mut act: Do, usual: &str) -> Result<String, End> {
        loop {
            match act {
                Do::Reply(text) => {
                    self.say(&text).await?;
                    return Ok(text);
                }
                Do::Raw(octets) => {
                    self.raw(&octets).await?;
                    return Ok(String::from_utf8_lossy(&octets).into_owned());
                }
                Do::ReplyThenClose(text) => {
                    self.say(&text).await?;
                    return Err(End);
                }
                Do::Close => return Err(End),
                Do::Silence => {
                    let mut sink = Vec::new();
                    self.client.read_to_end(&mut sink).await?;
                    return Err(End);
                }
                Do::Delay(time, next) => {
                    tokio::time::sleep(time).await;
                    act = *next;
                }
                Do::Hold(permits) => {
                    permits.acquire().await.map_err(|_| End)?.forget();
                    act = Do::reply(usual);
                }
                Do::Take(next) => act = *next,
            }
        }
    }

    async fn credentials(&mut self, line: &str) -> Result<Option<(String, String)>, End> {
        let decode = |text: &str| {
            let octets =
                base64::engine::general_purpose::STANDARD.decode(text.trim()).unwrap_or_default();
            String::from_utf8_lossy(&octets).into_owned()
        };
        if line.eq_ignore_ascii_case("AUTH LOGIN") {
            self.say("334 VXNlcm5hbWU6").await?;
            let user = decode(&self.line().await?);
            self.say("334 UGFzc3dvcmQ6").await?;
            return Ok(Some((user, decode(&self.line().await?))));
        }
        let plain = decode(line.rsplit(' ').next().unwrap_or_default());
        let mut parts = plain.split('\0').skip(1);
        Ok(parts
            .next()
            .zip(parts.next())
            .map(|(user, password)| (user.to_owned(), password.to_owned())))
    }

    /// Everything up to the final dot, transparency undone.
    async fn body(&mut self) -> Result<Vec<u8>, End> {
        let mut raw = Vec::new();
        loop {
            let mut line = Vec::new();
            if self.client.read_until(b'\n', &mut line).await? == 0 {
                return Err(End);
            }
            if line == b".\r\n" {
                return Ok(raw);
            }
            raw.extend_from_slice(line.strip_prefix(b".").unwrap_or(&line));
        }
    }

    async fn finish(&mut self, raw: Vec<u8>) -> Result<(), End> {
        let usual =
            format!("250 2.0.0 Ok: queued as F{}", self.shared.accepted.lock().unwrap().len() + 1);
        let act = self
            .shared
            .act(At::Dot, self.number, &self.to)
            .unwrap_or(Do::Hold(Arc::new(Semaphore::new(1))));
        let taken = match &act {
            Do::Take(_) => true,
            Do::Reply(text) | Do::ReplyThenClose(text) => text.starts_with('2'),
            Do::Delay(_, next) => {
                matches!(&**next, Do::Take(_))
                    || matches!(&**next, Do::Reply(text) if text.starts_with('2'))
            }
            Do::Raw(_) | Do::Close | Do::Silence | Do::Hold(_) => false,
        };
        if taken {
            self.take(&raw);
            return self.perform(act, &usual).await.map(drop);
        }
        if let Do::Hold(permits) = act {
            // Taken when the test lets it, and before the client can know.
            permits.acquire().await.map_err(|_| End)?.forget();
            self.take(&raw);
            return self.say(&usual).await;
        }
        self.perform(act, &usual).await.map(drop)
    }

    fn take(&self, raw: &[u8]) {
        let text = String::from_utf8_lossy(raw);
        let id = text
            .lines()
            .find_map(|line| line.strip_prefix("X-Notification-Id: "))
            .unwrap_or_default()
            .trim()
            .to_owned();
        self.shared.accepted.lock().unwrap().push(AcceptedMail {
            from: self.from.clone(),
            to: self.to.clone(),
            raw: raw.to_vec(),
            notification_id: id,
            connection: self.number,
        });
    }
}
