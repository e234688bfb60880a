//! Whom or what somebody means who types a name, an address, a number or an id.

use crate::db::{Conn, DbError};
use crate::domain::ids::Ref;
use crate::store::onboardings::{self, Onboarding};
use crate::store::rosters::{self, Colleague, Journey, Journeys, Page};
use crate::store::users::{self, User};

/// Names among which is chosen.
pub const CHOICES: usize = 10;

/// Names that are counted; who types so little of one is told that there are more.
const COUNTED: i64 = 500;

/// What was meant.
#[derive(Debug)]
pub enum Meant {
    /// One person.
    Person(Box<User>),
    /// One onboarding.
    Onboarding(Box<Onboarding>),
    /// One of several, at most [`CHOICES`] of each.
    Several(Several),
    /// Nobody and nothing.
    Nothing,
}

/// People and onboardings among which is to be chosen.
#[derive(Debug)]
pub struct Several {
    /// The people.
    pub people: Vec<Colleague>,
    /// The onboardings.
    pub journeys: Vec<Journey>,
    /// How many more begin so.
    pub more: usize,
}

/// Looks for it in a workspace: an id or a number (of an onboarding, with or without `#`) as it is; a name or address in any case, first
/// whole, then by how it begins.
pub async fn seek(conn: &mut Conn, workspace_id: &str, text: &str) -> Result<Meant, DbError> {
    look(conn, workspace_id, text, true).await
}

/// The same among onboardings alone, by their customers' names: a colleague's does not get in the way.
pub async fn seek_onboarding(
    conn: &mut Conn,
    workspace_id: &str,
    text: &str,
) -> Result<Meant, DbError> {
    look(conn, workspace_id, text, false).await
}

async fn look(
    conn: &mut Conn,
    workspace_id: &str,
    text: &str,
    among_people: bool,
) -> Result<Meant, DbError> {
    let text = text.trim();
    if let Some(reference) = Ref::parse(text.strip_prefix('#').unwrap_or(text)) {
        if let Ref::Id(id) = &reference
            && id.starts_with("user_")
            && among_people
        {
            return person(conn, workspace_id, &reference).await;
        }
        if matches!(&reference, Ref::Number(_)) || text.starts_with("onb_") {
            return onboarding(conn, workspace_id, &reference).await;
        }
    }
    if text.is_empty() {
        return Ok(Meant::Nothing);
    }
    let page = Page { before: i64::MAX, limit: COUNTED };
    for whole in [true, false] {
        let people = if among_people {
            rosters::people_called(conn, workspace_id, text, whole, page).await?
        } else {
            Vec::new()
        };
        let which = Journeys { begins: Some(text), whole, ..Journeys::default() };
        let journeys = rosters::journeys(conn, workspace_id, &which, page).await?;
        match (people.as_slice(), journeys.as_slice()) {
            ([], []) => {}
            ([one], []) => return person(conn, workspace_id, &Ref::Id(one.id.clone())).await,
            ([], [one]) => return onboarding(conn, workspace_id, &Ref::Id(one.id.clone())).await,
            _ => return Ok(Meant::Several(choice(people, journeys))),
        }
    }
    Ok(Meant::Nothing)
}

fn choice(mut people: Vec<Colleague>, mut journeys: Vec<Journey>) -> Several {
    let all = people.len() + journeys.len();
    people.truncate(CHOICES);
    journeys.truncate(CHOICES);
    Several { more: all - people.len() - journeys.len(), people, journeys }
}

async fn person(conn: &mut Conn, workspace_id: &str, named: &Ref) -> Result<Meant, DbError> {
    let found = users::find(conn, workspace_id, named).await?;
    Ok(found.map_or(Meant::Nothing, |user| Meant::Person(Box::new(user))))
}

async fn onboarding(conn: &mut Conn, workspace_id: &str, named: &Ref) -> Result<Meant, DbError> {
    let found = onboardings::find(conn, workspace_id, named).await?;
    Ok(found.map_or(Meant::Nothing, |one| Meant::Onboarding(Box::new(one))))
}
