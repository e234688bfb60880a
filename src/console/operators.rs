//! Operators: who may sign in here, what they may do, and who is shut out. They are made on the command line, where the first of them must
//! come from, so that no session can make another one.

use axum::Router;
use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::{get, post};
use serde::Serialize;

use super::acting::Acting;
use super::error::PageError;
use super::lists::Choice;
use super::site::Site;
use super::visitor::Visitor;
use super::words::When;
use crate::domain::values::OperatorRole;
use crate::operate::operators::{self, Operator};
use crate::render::english;

pub(super) fn router() -> Router<Site> {
    Router::new()
        .route("/admin/w/{workspace}/operators", get(list))
        .route("/admin/w/{workspace}/operators/{id}/{action}", post(act))
}

#[derive(Serialize)]
struct Page {
    url: String,
    operators: Vec<One>,
}

#[derive(Serialize)]
struct One {
    id: String,
    name: String,
    email: String,
    role: &'static str,
    roles: Vec<Choice>,
    created: When,
    disabled: Option<When>,
    is_me: bool,
}

/// `GET /admin/w/{workspace}/operators`
async fn list(State(site): State<Site>, visitor: Visitor) -> Result<Response, PageError> {
    let mut conn = site.db.read().await?;
    let all = operators::list(&mut conn).await?;
    let one = |operator: &Operator| One {
        id: operator.id.clone(),
        name: english::name(&operator.name),
        email: operator.email.clone(),
        role: operator.role.as_str(),
        roles: OperatorRole::ALL
            .iter()
            .map(|role| Choice::new(role.as_str(), in_words(*role), *role == operator.role))
            .collect(),
        created: visitor.when(operator.created_at),
        disabled: operator.disabled_at.map(|at| visitor.when(at)),
        is_me: operator.id == visitor.operator.id,
    };
    let view = Page { url: visitor.url("operators"), operators: all.iter().map(one).collect() };
    visitor.page(&site, "operators", "operators", "Operators", &view)
}

const fn in_words(role: OperatorRole) -> &'static str {
    match role {
        OperatorRole::Viewer => "Viewer: looks",
        OperatorRole::Operator => "Operator: acts on messages and queues",
        OperatorRole::Admin => "Admin: changes settings, keys and operators, too",
    }
}

/// `POST …/operators/{id}/{action}`: `role`, `disable` or `enable`.
async fn act(
    State(_): State<Site>,
    Path((_, id, action)): Path<(String, String, String)>,
    acting: Acting,
) -> Result<Response, PageError> {
    acting.require(OperatorRole::Admin)?;
    let because = acting.because()?;
    let (back, now) = (acting.visitor.url("operators"), acting.visitor.now);
    let Some(mut tx) = acting.begin().await? else { return Ok(acting.twice(&back)) };
    let done = match action.as_str() {
        "role" => {
            let role = acting.form.one("role").and_then(|word| word.parse().ok());
            let role = role.ok_or_else(|| PageError::Unclear("Choose a role.".to_owned()))?;
            let changed = operators::set_role(&mut tx, because, &id, role, now).await;
            changed.map(|one| format!("{} is {} from now on.", english::name(&one.name), one.role))
        }
        "disable" => {
            let changed = operators::set_enabled(&mut tx, because, &id, false, now).await;
            changed.map(|one| format!("{} is shut out.", english::name(&one.name)))
        }
        "enable" => {
            let changed = operators::set_enabled(&mut tx, because, &id, true, now).await;
            changed.map(|one| format!("{} may sign in again.", english::name(&one.name)))
        }
        _ => return Err(PageError::NotFound("action")),
    };
    acting.answer(tx, done, &back).await
}
