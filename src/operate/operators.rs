//! Operators: who may sign in at the console, and for how long.
//!
//! A password is kept as argon2id. A session is a random token that only the browser has; its hash is in the database, so a session ends for
//! every process at once. Tries are counted per account and per address, in the database too, before the password is looked at; an
//! account that does not exist is counted, answered and timed like one that does.

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use chrono::{DateTime, TimeDelta, Utc};
use rand::Rng;
use rand::distr::Alphanumeric;
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Semaphore;

use super::ActionError;
use super::keys::sha256;
use super::notifications::Because;
use crate::db::{Conn, Db, DbError, is_conflict};
use crate::domain::values::OperatorRole;
use crate::store::audit::{self, Diff, Entry};
use crate::store::directory;
use crate::store::operators::{self, NewOperator};

pub use crate::store::operators::{Operator, Session};

/// Shortest password, in characters.
pub const SHORTEST_PASSWORD: usize = 12;

/// Longest password, in octets: hashing more is work for nothing.
const LONGEST_PASSWORD: usize = 1024;

/// A session that rests this long is over.
const IDLE: TimeDelta = TimeDelta::hours(2);

/// A session is over after this, whatever happens.
const LONGEST_SESSION: TimeDelta = TimeDelta::hours(12);

/// How exactly it is known when a session was used last.
const SEEN_WITHIN: TimeDelta = TimeDelta::minutes(1);

/// Tries are counted within this time from the first.
const WINDOW: TimeDelta = TimeDelta::minutes(15);

/// Wrong passwords for one account from one address within the window: a stranger's tries do not shut its owner out.
const TRIES_PER_ACCOUNT: i64 = 10;

/// Wrong passwords for one account from anywhere within the window.
const TRIES_FROM_ANYWHERE: i64 = 200;

/// Wrong passwords from one address within the window; several people may share it.
const TRIES_PER_ADDRESS: i64 = 50;

/// Passwords hashed at a time: each takes 19 MiB and some tens of milliseconds of a core.
static HASHING: Semaphore = Semaphore::const_new(2);

/// Stands in for an account that does not exist, so that it takes as long to refuse it. The hash of nothing.
const DECOY: &str = "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// A password that may be used.
pub struct Password(SecretString);

impl Password {
    /// Takes a password; says in words what is wrong with one that may not be used.
    pub fn new(text: &str) -> Result<Self, String> {
        if text.chars().count() < SHORTEST_PASSWORD {
            return Err(format!("a password has at least {SHORTEST_PASSWORD} characters"));
        }
        if text.len() > LONGEST_PASSWORD {
            return Err(format!("a password has at most {LONGEST_PASSWORD} octets"));
        }
        Ok(Self(SecretString::from(text)))
    }

    /// As argon2id in PHC's notation, with a salt of its own.
    fn hash(&self) -> Result<String, ActionError> {
        Argon2::default()
            .hash_password(self.0.expose_secret().as_bytes())
            .map(|hash| hash.to_string())
            .map_err(|error| {
                ActionError::Refused(format!("the password cannot be hashed: {error}"))
            })
    }
}

/// The mail address with which somebody may sign in, as it is kept; `None` if it is none.
#[must_use]
pub fn address(text: &str) -> Option<String> {
    let address = text.trim().to_lowercase();
    let (local, host) = address.split_once('@')?;
    let odd = local.is_empty()
        || host.is_empty()
        || address.chars().any(|c| c.is_whitespace() || c.is_control());
    (!odd).then_some(address)
}

/// Somebody who is to sign in.
#[derive(Clone, Copy, Debug)]
pub struct NewAccount<'a> {
    /// With which they sign in.
    pub email: &'a str,
    /// As the audit log names them; the address if not given.
    pub name: Option<&'a str>,
    /// What they may do.
    pub role: OperatorRole,
}

/// Makes an operator. They belong to the installation, so every workspace's audit log says so.
pub async fn create(
    conn: &mut Conn,
    because: Because<'_>,
    new: &NewAccount<'_>,
    password: &Password,
    now: DateTime<Utc>,
) -> Result<Operator, ActionError> {
    let NewAccount { email, name, role } = *new;
    let email = address(email)
        .ok_or_else(|| ActionError::Refused(format!("{email:?} is no e-mail address")))?;
    let hash = password.hash()?;
    let name = name.map_or(email.as_str(), str::trim);
    let new = NewOperator { email: &email, name, role, password_hash: &hash };
    let made = match operators::create(conn, new, now).await {
        Err(error) if is_conflict(&error) => {
            let refusal = format!(
                "there is an operator {email} already; `operators password` sets another password"
            );
            return Err(ActionError::Refused(refusal));
        }
        made => made?,
    };
    log(conn, because, &made, "operator_created", Diff::created(&made), now).await?;
    Ok(made)
}

/// Every operator, by address.
pub async fn list(conn: &mut Conn) -> Result<Vec<Operator>, DbError> {
    operators::list(conn).await
}

/// Shuts an operator out at once, wherever they are signed in; or lets one in again.
pub async fn set_enabled(
    conn: &mut Conn,
    because: Because<'_>,
    which: &str,
    enabled: bool,
    now: DateTime<Utc>,
) -> Result<Operator, ActionError> {
    let operator = named(conn, because, which).await?;
    not_oneself(because, &operator, enabled)?;
    if enabled == operator.disabled_at.is_none() {
        let is = if enabled { "enabled" } else { "disabled" };
        return Err(ActionError::Refused(format!("{} is {is} already", operator.email)));
    }
    let disabled_at = (!enabled).then_some(now);
    operators::set_disabled_at(conn, &operator.id, disabled_at).await?;
    operators::end_sessions(conn, &operator.id).await?;
    let event = if enabled { "operator_enabled" } else { "operator_disabled" };
    let diff = Diff::field("enabled", !enabled, enabled);
    log(conn, because, &operator, event, diff, now).await?;
    Ok(Operator { disabled_at, ..operator })
}

/// Lets an operator do more or less, from their next request on.
pub async fn set_role(
    conn: &mut Conn,
    because: Because<'_>,
    which: &str,
    role: OperatorRole,
    now: DateTime<Utc>,
) -> Result<Operator, ActionError> {
    let operator = named(conn, because, which).await?;
    not_oneself(because, &operator, false)?;
    if operator.role == role {
        return Err(ActionError::Refused(format!("{} is {role} already", operator.email)));
    }
    operators::set_role(conn, &operator.id, role).await?;
    let diff = Diff::field("role", operator.role.as_str(), role.as_str());
    log(conn, because, &operator, "operator_role_changed", diff, now).await?;
    Ok(Operator { role, ..operator })
}

/// Nobody shuts themselves out by a slip; another admin, or the command line, does that.
fn not_oneself(
    because: Because<'_>,
    operator: &Operator,
    allowed: bool,
) -> Result<(), ActionError> {
    if because.author.actor_id.as_deref() == Some(&*operator.id) && !allowed {
        return Err(ActionError::Refused(
            "this is you; another admin, or the command line, can do that".to_owned(),
        ));
    }
    Ok(())
}

/// Sets another password and ends every session that began with the old one.
pub async fn set_password(
    conn: &mut Conn,
    because: Because<'_>,
    which: &str,
    password: &Password,
    now: DateTime<Utc>,
) -> Result<(), ActionError> {
    let operator = named(conn, because, which).await?;
    operators::set_password(conn, &operator.id, &password.hash()?).await?;
    operators::end_sessions(conn, &operator.id).await?;
    operators::forget_tries(conn, &account(&operator.email)).await?;
    Ok(log(conn, because, &operator, "operator_password_set", Diff::default(), now).await?)
}

/// The operator of an address or id. All of them stay as they are until the transaction ends, so that two admins who change each other at once
/// do not leave the installation without one.
async fn named(
    conn: &mut Conn,
    because: Because<'_>,
    which: &str,
) -> Result<Operator, ActionError> {
    let which = which.trim().to_lowercase();
    let all = operators::lock(conn).await?;
    let author = because.author.actor_id.as_deref();
    let acting = all.iter().find(|one| author == Some(&*one.id));
    if acting.is_some_and(|one| one.role < OperatorRole::Admin || one.disabled_at.is_some()) {
        return Err(ActionError::Refused("you are no admin any more".to_owned()));
    }
    let found = all.into_iter().find(|one| one.email == which || one.id == which);
    found.ok_or(ActionError::NotFound("operator"))
}

/// Operators belong to nobody alone, so what happens to them is in everybody's audit log.
async fn log(
    conn: &mut Conn,
    because: Because<'_>,
    operator: &Operator,
    event: &str,
    diff: Diff,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    for workspace in directory::workspaces(conn).await? {
        let entry = Entry {
            workspace_id: &workspace.id,
            event,
            object: "operator",
            object_id: &operator.id,
            diff: diff.clone(),
            reason: Some(because.reason).filter(|reason| !reason.is_empty()),
        };
        audit::append(conn, because.author, entry, now).await?;
    }
    Ok(())
}

/// What came of a try to sign in.
#[derive(Debug)]
pub enum SignIn {
    /// The token of a new session; the only time that anybody sees it.
    In(SecretString),
    /// No such account, or another password, or disabled: nobody is told which.
    Wrong,
    /// Too many tries; they count anew from this instant.
    Throttled(DateTime<Utc>),
}

/// Tries to sign in, from a network address.
pub async fn sign_in(
    db: &Db,
    email: &str,
    password: &SecretString,
    address: &str,
    now: DateTime<Utc>,
) -> Result<SignIn, DbError> {
    let email = email.trim().to_lowercase();
    let anywhere = account(&email);
    let here = format!("{anywhere} from {address}");
    let address = format!("address {address}");
    let mut tx = db.begin().await?;
    let mut throttled = None;
    // Always in the same order, so that two tries cannot wait for each other.
    for (subject, limit) in [
        (&anywhere, TRIES_FROM_ANYWHERE),
        (&here, TRIES_PER_ACCOUNT),
        (&address, TRIES_PER_ADDRESS),
    ] {
        let (tries, since) = operators::count_try(&mut tx, subject, now - WINDOW, now).await?;
        if tries > limit {
            throttled = throttled.max(Some(since + WINDOW));
        }
    }
    tx.commit().await?;
    // Without what was typed: people type passwords into the wrong field.
    if let Some(until) = throttled {
        tracing::warn!(from = address, %until, "a sign-in was turned away after too many tries");
        return Ok(SignIn::Throttled(until));
    }
    let mut conn = db.read().await?;
    let operator = operators::find(&mut conn, &email).await?;
    drop(conn);
    let hash = operator.as_ref().map_or(DECOY, |operator| &operator.password_hash).to_owned();
    let right = is_right(password.clone(), hash).await;
    let Some(operator) = operator.filter(|operator| right && operator.disabled_at.is_none()) else {
        tracing::warn!(from = address, "a sign-in failed");
        return Ok(SignIn::Wrong);
    };
    let token: String = rand::rng().sample_iter(Alphanumeric).take(43).map(char::from).collect();
    let mut tx = db.begin().await?;
    operators::forget_tries(&mut tx, &here).await?;
    operators::forgive_try(&mut tx, &anywhere).await?;
    operators::forgive_try(&mut tx, &address).await?;
    let until = now + LONGEST_SESSION;
    operators::begin_session(&mut tx, &sha256(&token), &operator.id, now, until).await?;
    tx.commit().await?;
    tracing::info!(operator = operator.id, "signed in");
    Ok(SignIn::In(token.into()))
}

fn account(email: &str) -> String {
    // Hashed, because people type passwords into the wrong field.
    format!("account {}", sha256(email))
}

/// Whether a password fits a hash; on a thread that may take its time.
async fn is_right(password: SecretString, hash: String) -> bool {
    let Ok(_permit) = HASHING.acquire().await else { return false };
    let verify = move || {
        let password = password.expose_secret().as_bytes();
        let password = &password[..password.len().min(LONGEST_PASSWORD + 1)];
        PasswordHash::new(&hash)
            .is_ok_and(|hash| Argon2::default().verify_password(password, &hash).is_ok())
    };
    tokio::task::spawn_blocking(verify).await.unwrap_or(false)
}

/// Who is signed in with a token, and notes that they are there; `None` when the session is over.
pub async fn signed_in(
    db: &Db,
    token: &str,
    now: DateTime<Utc>,
) -> Result<Option<Operator>, DbError> {
    let hash = sha256(token);
    let mut conn = db.read().await?;
    let Some(session) = operators::session(&mut conn, &hash).await? else { return Ok(None) };
    drop(conn);
    let over = now >= session.expires_at || now >= session.seen_at + IDLE;
    if over || session.operator.disabled_at.is_some() {
        return Ok(None);
    }
    if now >= session.seen_at + SEEN_WITHIN {
        let mut conn = db.statement().await?;
        operators::note_seen(&mut conn, &hash, now).await?;
        conn.commit().await?;
    }
    Ok(Some(session.operator))
}

/// Ends a session.
pub async fn sign_out(db: &Db, token: &str) -> Result<(), DbError> {
    let mut conn = db.statement().await?;
    operators::end_session(&mut conn, &sha256(token)).await?;
    conn.commit().await
}

/// Notes that a form was sent, in the transaction of what it does; `false` if it was sent before, and so has nothing left to do.
pub async fn note_form(conn: &mut Conn, id: &str, now: DateTime<Utc>) -> Result<bool, DbError> {
    operators::note_form(conn, id, now).await
}
