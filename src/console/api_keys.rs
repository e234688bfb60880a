//! Keys of the public API: what they were used for; making, rotating and revoking them.

use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;

use super::acting::Acting;
use super::answers::{Answers, Filled, Wrong};
use super::error::PageError;
use super::site::Site;
use super::visitor::Visitor;
use super::words::When;
use crate::api::settings::{self, SettingError};
use crate::domain::values::{Mode, OperatorRole, Scope, Tier};
use crate::operate::{ActionError, keys};
use crate::render::english;
use crate::store::api_keys::ApiKey;
use crate::store::directory;

/// How long the old key goes on working, in seconds and in words.
const OVERLAPS: [(&str, &str); 5] = [
    ("0", "at once"),
    ("3600", "in an hour"),
    ("86400", "in a day"),
    ("604800", "in a week"),
    ("2592000", "in 30 days"),
];

pub(super) fn router() -> Router<Site> {
    Router::new()
        .route("/admin/w/{workspace}/api-keys", get(list).post(create))
        .route("/admin/w/{workspace}/api-keys/{id}/rotate", post(rotate))
        .route("/admin/w/{workspace}/api-keys/{id}/revoke", post(revoke))
}

#[derive(Serialize)]
struct Page {
    url: String,
    keys: Vec<Key>,
    ended: Vec<Key>,
    /// A key that was made just now: the only time that anybody sees it.
    shown: Option<Shown>,
    modes: Vec<(&'static str, &'static str)>,
    tiers: Vec<(&'static str, String)>,
    scopes: Vec<(&'static str, &'static str)>,
    overlaps: Vec<(&'static str, &'static str)>,
    filled: Filled,
    wrong: Option<Wrong>,
}

#[derive(Serialize)]
struct Key {
    id: String,
    name: String,
    /// `pivotal_test_ab12…`
    begins: String,
    is_test: bool,
    tier: &'static str,
    scopes: String,
    last_used: Option<When>,
    last_ip: Option<String>,
    requests: i64,
    created: When,
    /// From when on it opens nothing; may lie ahead.
    ends: Option<When>,
    ended: bool,
}

#[derive(Serialize)]
struct Shown {
    name: String,
    secret: String,
    /// The one that it takes the place of goes on working until then.
    old_ends: Option<When>,
}

impl Key {
    fn new(visitor: &Visitor, key: &ApiKey) -> Self {
        let prefix = match key.mode {
            Mode::Live => "pivotal_",
            Mode::Test => "pivotal_test_",
        };
        let scopes: Vec<&str> = key.scopes().into_iter().map(Scope::as_str).collect();
        Self {
            id: key.id.clone(),
            name: english::name(&key.name),
            begins: format!("{prefix}{}…", key.prefix),
            is_test: key.mode == Mode::Test,
            tier: key.tier.as_str(),
            scopes: scopes.join(", "),
            last_used: key.last_used_at.map(|at| visitor.when(at)),
            last_ip: key.last_used_ip.clone(),
            requests: key.request_count,
            created: visitor.when(key.created_at),
            ends: key.revoked_at.map(|at| visitor.when(at)),
            ended: key.is_revoked(visitor.now),
        }
    }
}

/// `GET /admin/w/{workspace}/api-keys`
async fn list(State(site): State<Site>, visitor: Visitor) -> Result<Response, PageError> {
    page(&site, &visitor, None, unfilled(), None).await
}

/// What the form that makes a key shows before anybody types.
fn unfilled() -> Filled {
    let scopes = keys::DEFAULT_SCOPES.iter().map(|scope| scope.as_str().to_owned());
    Filled::default().text("mode", Mode::Live.as_str()).list("scopes", scopes)
}

async fn page(
    site: &Site,
    visitor: &Visitor,
    shown: Option<Shown>,
    filled: Filled,
    wrong: Option<Wrong>,
) -> Result<Response, PageError> {
    let mut conn = site.db.read().await?;
    let rows = directory::keys(&mut conn, &visitor.workspace.id).await?;
    let keys = rows.iter().map(|key| Key::new(visitor, key));
    let (ended, keys) = keys.partition(|key| key.ended);
    let is_wrong = wrong.is_some();
    let view = Page {
        url: visitor.url("api-keys"),
        keys,
        ended,
        shown,
        modes: vec![
            (Mode::Live.as_str(), "Live"),
            (Mode::Test.as_str(), "Test: nothing it causes reaches a person"),
        ],
        tiers: Tier::ALL.iter().map(|tier| (tier.as_str(), tier_in_words(*tier))).collect(),
        scopes: Scope::ALL.iter().map(|scope| (scope.as_str(), scope_in_words(*scope))).collect(),
        overlaps: OVERLAPS.to_vec(),
        filled,
        wrong,
    };
    let mut response = visitor.page(site, "api_keys", "api-keys", "API keys", &view)?;
    if is_wrong {
        *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
    }
    Ok(response)
}

fn tier_in_words(tier: Tier) -> String {
    match tier {
        Tier::Unlimited => "Unlimited".to_owned(),
        tier => format!(
            "{}: {} requests a minute",
            english::capital(tier.as_str()),
            tier.limit(Mode::Live)
        ),
    }
}

const fn scope_in_words(scope: Scope) -> &'static str {
    match scope {
        Scope::Read => "Read customers, onboardings and what was sent",
        Scope::Write => "Write customers, contacts and onboardings",
        Scope::Operate => "Retry, cancel, pause",
        Scope::Admin => "Change settings, users and keys",
    }
}

/// `POST /admin/w/{workspace}/api-keys`: the answer shows the key, once.
async fn create(State(site): State<Site>, acting: Acting) -> Result<Response, PageError> {
    acting.require(OperatorRole::Admin)?;
    let visitor = &acting.visitor;
    let Some(mut tx) = acting.begin().await? else {
        return Ok(acting.twice(&visitor.url("api-keys")));
    };
    let (workspace, now) = (&visitor.workspace.id, visitor.now);
    let answers = Answers::of(&acting.form).text("name").text("mode").text("tier").list("scopes");
    let json = answers.json();
    let made = settings::make_key(&mut tx, acting.author(), workspace, &json, now).await;
    match made {
        Ok((key, secret)) => {
            tx.commit().await?;
            let shown = Shown::new(&key, &secret, None);
            page(&site, visitor, Some(shown), unfilled(), None).await
        }
        Err(error) => {
            drop(tx);
            let wrong = Wrong::of("create", error)?;
            let filled = Filled::from_form(&acting.form);
            page(&site, visitor, None, filled, Some(wrong)).await
        }
    }
}

impl Shown {
    fn new(key: &ApiKey, secret: &SecretString, old_ends: Option<When>) -> Self {
        let secret = secret.expose_secret().to_owned();
        Self { name: english::name(&key.name), secret, old_ends }
    }
}

/// `POST /admin/w/{workspace}/api-keys/{id}/rotate`
async fn rotate(
    State(site): State<Site>,
    Path((_, id)): Path<(String, String)>,
    acting: Acting,
) -> Result<Response, PageError> {
    acting.require(OperatorRole::Admin)?;
    let visitor = &acting.visitor;
    let Some(mut tx) = acting.begin().await? else {
        return Ok(acting.twice(&visitor.url("api-keys")));
    };
    let (workspace, now) = (&visitor.workspace.id, visitor.now);
    let json = Answers::of(&acting.form).number("overlap_seconds").json();
    let rotated = settings::rotate_key(&mut tx, acting.author(), workspace, &id, &json, now).await;
    match rotated {
        Ok((key, secret)) => {
            tx.commit().await?;
            let mut conn = site.db.read().await?;
            let keys = directory::keys(&mut conn, workspace).await?;
            let old = keys.iter().find(|key| key.id == id);
            let ends = old.and_then(|old| old.revoked_at).filter(|at| *at > now);
            let shown = Shown::new(&key, &secret, ends.map(|at| visitor.when(at)));
            drop(conn);
            page(&site, visitor, Some(shown), unfilled(), None).await
        }
        Err(SettingError::Gone) => Err(PageError::NotFound("key, or it was revoked already")),
        Err(error) => {
            drop(tx);
            let wrong = Wrong::of(&id, error)?;
            page(&site, visitor, None, unfilled(), Some(wrong)).await
        }
    }
}

/// `POST /admin/w/{workspace}/api-keys/{id}/revoke`
async fn revoke(
    State(_): State<Site>,
    Path((_, id)): Path<(String, String)>,
    acting: Acting,
) -> Result<Response, PageError> {
    acting.require(OperatorRole::Admin)?;
    let visitor = &acting.visitor;
    let back = visitor.url("api-keys");
    let Some(mut tx) = acting.begin().await? else { return Ok(acting.twice(&back)) };
    let (workspace, now) = (&visitor.workspace.id, visitor.now);
    let revoked = keys::revoke(&mut tx, acting.author(), workspace, &id, now).await?;
    let done = revoked.ok_or(ActionError::NotFound("key")).map(|key| {
        format!(
            "{} is revoked: from the next request on it opens nothing.",
            english::name(&key.name)
        )
    });
    acting.answer(tx, done, &back).await
}
