//! What operators do about an onboarding: let its reminders rest, wake it, give it to somebody.

use axum::extract::{Path, State};
use axum::response::Response;
use chrono::NaiveDate;

use crate::console::acting::Acting;
use crate::console::error::PageError;
use crate::console::form::Form;
use crate::console::lists::{date, user_id};
use crate::console::site::Site;
use crate::console::visitor::Visitor;
use crate::db::Conn;
use crate::domain::calendar::local_date;
use crate::domain::ids::Ref;
use crate::operate::notifications::Because;
use crate::operate::{ActionError, snooze};
use crate::render::english;
use crate::store::onboardings::{self, Onboarding, Patch};

/// `POST /admin/w/{workspace}/onboardings/{id}/{action}`
pub(super) async fn act(
    State(_): State<Site>,
    Path((_, id, action)): Path<(String, String, String)>,
    acting: Acting,
) -> Result<Response, PageError> {
    let because = acting.because()?;
    let reference = Ref::parse(&id).ok_or(PageError::NotFound("onboarding"))?;
    let back = acting.visitor.url(&format!("onboardings/{id}"));
    let Some(mut tx) = acting.begin().await? else { return Ok(acting.twice(&back)) };
    let deed = Deed { visitor: &acting.visitor, because, onboarding: &reference };
    let done = match action.as_str() {
        "snooze" => deed.snooze(&mut tx, &acting.form).await,
        "wake" => deed.wake(&mut tx).await,
        "assign" => deed.assign(&mut tx, &acting.form).await,
        _ => return Err(PageError::NotFound("action")),
    };
    acting.answer(tx, done, &back).await
}

/// Who does something about which onboarding, and why.
struct Deed<'a> {
    visitor: &'a Visitor,
    because: Because<'a>,
    onboarding: &'a Ref,
}

impl Deed<'_> {
    fn today(&self) -> NaiveDate {
        local_date(self.visitor.zone(), self.visitor.now)
    }

    async fn snooze(&self, conn: &mut Conn, form: &Form) -> Result<String, ActionError> {
        let until = date(form.one("until")).filter(|until| *until > self.today());
        let until = until.ok_or_else(|| ActionError::Refused(snooze::NOT_TO_COME.to_owned()))?;
        self.rest(conn, Some(until)).await?;
        let day = english::day(until, self.today());
        Ok(format!("Snoozed until {day}. Reminders resume on that day."))
    }

    async fn wake(&self, conn: &mut Conn) -> Result<String, ActionError> {
        self.rest(conn, None).await?;
        Ok("Awake: reminders go on as if it had never been snoozed.".to_owned())
    }

    async fn rest(&self, conn: &mut Conn, until: Option<NaiveDate>) -> Result<(), ActionError> {
        let Because { author, reason } = self.because;
        let Visitor { workspace, now, .. } = self.visitor;
        let reference = self.onboarding;
        snooze::snooze(conn, author, &workspace.id, reference, until, Some(reason), *now)
            .await?
            .map(drop)
            .ok_or(ActionError::NotFound("onboarding"))
    }

    async fn assign(&self, conn: &mut Conn, form: &Form) -> Result<String, ActionError> {
        let Because { author, reason } = self.because;
        let Visitor { workspace, now, .. } = self.visitor;
        let csm_id = match form.one("csm_id") {
            None => None,
            Some(text) => {
                let found = user_id(conn, &workspace.id, text).await?;
                let missing = || ActionError::Refused(format!("there is no user {text}"));
                Some(found.ok_or_else(missing)?)
            }
        };
        let before: Option<Onboarding> =
            onboardings::lock(conn, &workspace.id, self.onboarding).await?;
        let before = before
            .filter(|row| row.deleted_at.is_none())
            .ok_or(ActionError::NotFound("onboarding"))?;
        let name = match &csm_id {
            Some(id) => {
                crate::store::rosters::names(conn, std::slice::from_ref(id)).await?.remove(id)
            }
            None => None,
        };
        let patch = Patch { csm_id: Some(csm_id), ..Patch::default() };
        let zone = self.visitor.zone();
        onboardings::update(conn, author, before, patch, zone, Some(reason), *now).await?;
        Ok(match name {
            Some(name) => {
                format!(
                    "{} is the CSM now. What is not sent yet goes to them.",
                    english::name(&name)
                )
            }
            None => "It has no CSM now; the workspace's owner hears of it.".to_owned(),
        })
    }
}
