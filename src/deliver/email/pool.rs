//! A few sessions, kept open between mails and never shared: whoever has one has it alone.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use rustls::ClientConfig;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use super::address;
use super::build;
use super::classify::fault;
use super::config::{Security, SmtpConfig};
use super::session::Connection;
use crate::deliver::{DeliverError, tls};
use crate::domain::message::{Email, Envelope, Report, Stage, Verdict};
use crate::domain::values::Reason;

/// After a relay refused one more connection while it served others: how long before the next try.
const CROWDED: Duration = Duration::from_secs(5);

/// How often one mail may meet a session that the server had closed meanwhile.
const STALE_SESSIONS: usize = 3;

/// The relay's sessions.
pub(in crate::deliver) struct Pool {
    config: SmtpConfig,
    tls: Option<Arc<ClientConfig>>,
    permits: Arc<Semaphore>,
    state: Mutex<State>,
    /// A session came back, ended, or was tried for.
    changed: Notify,
}

#[derive(Default)]
struct State {
    /// Oldest first.
    idle: Vec<(Connection, Instant)>,
    /// Sessions that are open, idle ones included.
    alive: usize,
    /// Sessions being opened.
    opening: usize,
    crowded_until: Option<Instant>,
    reaping: bool,
}

/// A connection that could not be opened.
struct Failure {
    report: Report,
    /// Whether other sessions were alive meanwhile, so that the relay is not down but full.
    others_served: bool,
}

enum Step {
    Take(Box<Connection>),
    Open,
    Wait(Instant),
}

impl Pool {
    pub(in crate::deliver) fn new(config: SmtpConfig) -> Result<Arc<Self>, DeliverError> {
        let tls = match config.security {
            Security::Plain => None,
            Security::StartTls | Security::Implicit => {
                Some(tls::client_config(&config.extra_roots)?)
            }
        };
        let permits =
            Arc::new(Semaphore::new(config.max_sessions.clamp(1, Semaphore::MAX_PERMITS)));
        Ok(Arc::new(Self { config, tls, permits, state: Mutex::default(), changed: Notify::new() }))
    }

    /// A session of one's own, idle or new. Waits while all are in use.
    ///
    /// # Errors
    /// The report on the channel, when no session can be opened and none is left to wait for.
    pub(in crate::deliver) async fn session(self: &Arc<Self>) -> Result<SmtpSession, Report> {
        let permit = Arc::clone(&self.permits)
            .acquire_owned()
            .await
            .map_err(|_| fault(Stage::Connect, "shutting down"))?;
        let connection = self.obtain(false).await?;
        Ok(SmtpSession {
            connection: Some(connection),
            counted: true,
            pool: Arc::clone(self),
            _permit: permit,
        })
    }

    /// Connects, protects, logs in, leaves.
    pub(in crate::deliver) async fn check(&self) -> Result<String, String> {
        let server = self.config.server();
        match Connection::open(&self.config, self.tls.as_ref()).await {
            Ok(connection) => {
                connection.quit().await;
                let protection = match self.config.security {
                    Security::Plain => "without TLS",
                    Security::StartTls => "TLS by STARTTLS",
                    Security::Implicit => "TLS",
                };
                let login = if self.config.login.is_some() { "login accepted" } else { "no login" };
                Ok(format!("{server} answers, {protection}, {login}"))
            }
            Err(report) => {
                let advice = match report.stage {
                    Stage::Auth => "check user and password in SMTP_URL",
                    Stage::Handshake => {
                        "check the scheme of SMTP_URL (smtps://, ?tls=required) and the server's certificate"
                    }
                    _ => "check host and port in SMTP_URL, and that the relay accepts this machine",
                };
                Err(format!("{server}: {}; {advice}", report.reply))
            }
        }
    }

    /// `fresh` avoids idle sessions as long as a new one can be had.
    async fn obtain(&self, fresh: bool) -> Result<Connection, Report> {
        let mut failure: Option<Failure> = None;
        loop {
            // Registered before the state is read: no change in between is missed.
            let changed = self.changed.notified();
            match self.next_step(fresh, &mut failure)? {
                Step::Take(connection) => return Ok(*connection),
                Step::Open => {
                    let opening = Opening(self);
                    match Connection::open(&self.config, self.tls.as_ref()).await {
                        Ok(connection) => {
                            self.state().alive += 1;
                            drop(opening);
                            return Ok(connection);
                        }
                        Err(report) => failure = Some(Failure { report, others_served: false }),
                    }
                }
                Step::Wait(until) => {
                    let _ = tokio::time::timeout_at(until, changed).await;
                }
            }
        }
    }

    fn next_step(&self, fresh: bool, failure: &mut Option<Failure>) -> Result<Step, Report> {
        let mut state = self.state();
        let now = Instant::now();
        if !fresh || failure.is_some() {
            while let Some((mut connection, since)) = state.idle.pop() {
                if now.duration_since(since) < self.config.idle && connection.is_quiet() {
                    return Ok(Step::Take(Box::new(connection)));
                }
                state.alive -= 1;
            }
        }
        let busy = state.alive + state.opening > 0;
        if let Some(mut failed) = failure.take() {
            failed.others_served |= state.alive > 0;
            if !busy && !failed.others_served {
                return Err(failed.report);
            }
            // Others have what was refused here: a relay with few places. Their end is our turn.
            let until = *state.crowded_until.get_or_insert(now + CROWDED);
            if busy && now < until {
                *failure = Some(failed);
                return Ok(Step::Wait(until));
            }
        } else if busy && !fresh {
            match state.crowded_until {
                Some(until) if now < until => return Ok(Step::Wait(until)),
                _ => {}
            }
        }
        state.crowded_until = None;
        state.opening += 1;
        Ok(Step::Open)
    }

    fn put_back(self: &Arc<Self>, connection: Connection) {
        let mut state = self.state();
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => {
                state.idle.push((connection, Instant::now()));
                if !state.reaping {
                    state.reaping = true;
                    runtime.spawn(reap(Arc::downgrade(self), Instant::now() + self.config.idle));
                }
            }
            Err(_) => state.alive -= 1,
        }
        drop(state);
        self.changed.notify_waiters();
    }

    fn one_less(&self) {
        self.state().alive -= 1;
        self.changed.notify_waiters();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it is held; if something did, counts are still whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Closes sessions that nobody used for a while; ends when none is idle or the pool is gone.
async fn reap(pool: Weak<Pool>, mut due: Instant) {
    loop {
        tokio::time::sleep_until(due).await;
        let Some(pool) = pool.upgrade() else { return };
        let (expired, next) = {
            let mut state = pool.state();
            let now = Instant::now();
            let count = state
                .idle
                .iter()
                .take_while(|(_, since)| now.duration_since(*since) >= pool.config.idle)
                .count();
            state.alive -= count;
            let expired: Vec<Connection> =
                state.idle.drain(..count).map(|(connection, _)| connection).collect();
            let next = state.idle.first().map(|(_, since)| *since + pool.config.idle);
            state.reaping = next.is_some();
            (expired, next)
        };
        pool.changed.notify_waiters();
        for connection in expired {
            connection.quit().await;
        }
        match next {
            Some(at) => due = at,
            None => return,
        }
    }
}

/// Counts an attempt to connect for as long as it lasts, even if it is cancelled.
struct Opening<'a>(&'a Pool);

impl Drop for Opening<'_> {
    fn drop(&mut self) {
        self.0.state().opening -= 1;
        self.0.changed.notify_waiters();
    }
}

/// One session, for one mail. Dropped unused, it goes back to the pool; after anything but a clean success it is closed.
pub(in crate::deliver) struct SmtpSession {
    connection: Option<Connection>,
    /// Whether the pool counts this session as alive.
    counted: bool,
    pool: Arc<Pool>,
    _permit: OwnedSemaphorePermit,
}

impl SmtpSession {
    pub(in crate::deliver) async fn send(mut self, envelope: &Envelope, email: &Email) -> Report {
        if let Some(why) = address::refusal(&envelope.address) {
            return permanent(Reason::AddressRefused, Stage::Claimed, why.to_owned());
        }
        let mail = match build::mail(&self.pool.config.from, envelope, email) {
            Ok(mail) => mail,
            Err(why) => return permanent(Reason::MessageRefused, Stage::Claimed, why),
        };
        for attempt in 1.. {
            // Taken out: if this future is dropped half-way, the session is closed and not parked.
            let Some(mut connection) = self.connection.take() else { break };
            match connection.transact(&mail).await {
                Ok(reply) => {
                    self.connection = Some(connection);
                    return Report {
                        verdict: Verdict::Accepted { provider_ref: reply.queue_id() },
                        stage: Stage::Accepted,
                        reply: reply.text(),
                    };
                }
                Err(refused) => {
                    let again = refused.untouched && connection.reused && attempt < STALE_SESSIONS;
                    if refused.answers {
                        connection.quit().await;
                    } else {
                        drop(connection);
                    }
                    if !again {
                        return refused.report;
                    }
                    self.counted = false;
                    self.pool.one_less();
                    match self.pool.obtain(true).await {
                        Ok(connection) => {
                            self.connection = Some(connection);
                            self.counted = true;
                        }
                        Err(report) => return report,
                    }
                }
            }
        }
        fault(Stage::Connect, "the session is gone")
    }
}

impl Drop for SmtpSession {
    fn drop(&mut self) {
        match self.connection.take() {
            Some(connection) => self.pool.put_back(connection),
            None if self.counted => self.pool.one_less(),
            None => {}
        }
    }
}

fn permanent(reason: Reason, stage: Stage, reply: String) -> Report {
    Report { verdict: Verdict::Permanent { reason }, stage, reply }
}
