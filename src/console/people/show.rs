//! One person: what they hear of, when and how, and their preferences.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use chrono::NaiveDate;
use serde::Serialize;

use crate::console::answers::{Filled, Wrong};
use crate::console::calendar::{self, Calendar};
use crate::console::error::PageError;
use crate::console::form::query;
use crate::console::lists::Link;
use crate::console::notifications as ledger;
use crate::console::site::Site;
use crate::console::visitor::Visitor;
use crate::console::words::{self, When};
use crate::domain::calendar::{DAY_NAMES, add_days, local_date};
use crate::domain::ids::Ref;
use crate::domain::values::{Channel, Kind};
use crate::operate::addresses::{self, Flagged};
use crate::operate::notifications::{self, Cursor, Filter};
use crate::render::english;
use crate::store::rosters;
use crate::store::users::{self, User};
use crate::store::worlds::About;

/// Messages of the past that the page shows.
const PAST: i64 = 10;

#[derive(Serialize)]
struct Page {
    name: String,
    display_id: i64,
    id: String,
    url: String,
    active: bool,
    email: String,
    slack: Option<String>,
    zone: String,
    zone_is_own: bool,
    /// "07:00, Monday to Friday, by e-mail"
    rhythm: String,
    quiet: Option<String>,
    away_until: Option<String>,
    backup: Option<Link>,
    flagged: Vec<Refused>,
    hears_url: String,
    calendar: Calendar,
    past: Vec<ledger::Row>,
    past_url: String,
    changes_url: String,
    tomorrow: NaiveDate,
    kinds: Vec<(&'static str, &'static str)>,
    days: Vec<(&'static str, &'static str)>,
    default_time: String,
    /// What the forms are filled with.
    forms: Forms,
    wrong: Option<Wrong>,
}

#[derive(Serialize)]
struct Forms {
    person: Filled,
    preferences: Filled,
    away: Filled,
}

/// An address of theirs that a provider refused.
#[derive(Serialize)]
struct Refused {
    channel: &'static str,
    address: String,
    since: When,
    clear: String,
}

/// `GET /admin/w/{workspace}/people/{id}`
pub(super) async fn show(
    State(site): State<Site>,
    Path((_, id)): Path<(String, String)>,
    visitor: Visitor,
) -> Result<Response, PageError> {
    let reference = Ref::parse(&id).ok_or(PageError::NotFound("user"))?;
    page(&site, &visitor, &reference, None).await
}

/// The page again, with a form that was wrong as it was sent.
pub(super) async fn again(
    site: &Site,
    visitor: &Visitor,
    reference: &Ref,
    sent: Filled,
    wrong: Wrong,
) -> Result<Response, PageError> {
    let mut response = page(site, visitor, reference, Some((sent, wrong))).await?;
    *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
    Ok(response)
}

async fn page(
    site: &Site,
    visitor: &Visitor,
    reference: &Ref,
    sent: Option<(Filled, Wrong)>,
) -> Result<Response, PageError> {
    let mut conn = site.db.read().await?;
    let workspace = &visitor.workspace;
    let user = users::find(&mut conn, &workspace.id, reference).await?;
    let user = user.ok_or(PageError::NotFound("user"))?;
    let flagged = addresses::list(&mut conn, &workspace.id).await?;
    let flagged = flagged.iter().filter(|flagged| flagged.id == user.id);
    let flagged = flagged.map(|flagged| refused(visitor, flagged)).collect();
    let filter = Filter { recipient_id: Some(&user.id), ..Filter::default() };
    let past =
        notifications::list(&mut conn, &workspace.id, &filter, &Cursor::start(), PAST).await?;
    let past = ledger::rows(&mut conn, visitor, &past).await?;
    let backup = match &user.backup_user_id {
        Some(id) => {
            let names = rosters::names(&mut conn, std::slice::from_ref(id)).await?;
            names.get(id).map(|name| Link::to_user(visitor, id, name))
        }
        None => None,
    };
    drop(conn);
    let today = local_date(visitor.zone(), visitor.now);
    let mut forms = Forms::of(&user);
    let mut wrong = None;
    if let Some((sent, fault)) = sent {
        match fault.form() {
            "person" => forms.person = sent,
            "preferences" => forms.preferences = sent,
            _ => forms.away = sent,
        }
        wrong = Some(fault);
    }
    let quiet = user.quiet_from.as_ref().zip(user.quiet_until.as_ref());
    let view = Page {
        name: english::name(&user.name),
        display_id: user.display_id,
        id: user.id.clone(),
        url: visitor.url(&format!("people/{}", user.id)),
        active: user.active,
        email: user.email.clone(),
        slack: user.slack_user_id.clone(),
        zone: user.time_zone.clone().unwrap_or_else(|| workspace.time_zone.clone()),
        zone_is_own: user.time_zone.is_some(),
        rhythm: rhythm(&user, visitor),
        quiet: quiet.map(|(from, until)| format!("{from} to {until}")),
        away_until: user
            .out_of_office_until
            .filter(|until| *until > today)
            .map(|until| english::day(until, today)),
        backup,
        flagged,
        hears_url: visitor.url("onboardings") + &query([("person", user.id.as_str())]),
        calendar: calendar::of(site, visitor, About::Recipient(&user.id)).await?,
        past,
        past_url: visitor.url("notifications") + &query([("person", user.id.as_str())]),
        changes_url: visitor.url("audit-log") + &query([("id", user.id.as_str())]),
        tomorrow: add_days(today, 1),
        kinds: Kind::ALL
            .iter()
            .filter(|kind| **kind != Kind::CustomerReminder)
            .map(|kind| (kind.as_str(), words::kind(*kind)))
            .collect(),
        days: DAY_NAMES.into_iter().zip(english::WEEKDAYS).collect(),
        default_time: workspace.digest_time.clone(),
        forms,
        wrong,
    };
    visitor.page(site, "person", "people", &view.name, &view)
}

fn refused(visitor: &Visitor, flagged: &Flagged) -> Refused {
    Refused {
        channel: match flagged.channel {
            Channel::Email => "mail address",
            Channel::Slack => "Slack id",
        },
        address: flagged.address.clone(),
        since: visitor.when(flagged.flagged_at),
        clear: visitor.url(&format!("addresses/{}/{}", flagged.id, flagged.channel)),
    }
}

/// When and how digests come.
fn rhythm(user: &User, visitor: &Visitor) -> String {
    if !user.digest_enabled {
        return "no digests".to_owned();
    }
    let time = user.digest_time.as_deref().unwrap_or(&visitor.workspace.digest_time);
    let days = user.digest_days.as_deref().unwrap_or(&visitor.workspace.working_days);
    let days: Vec<&str> = days.split(',').collect();
    format!("{time}, {}, by {}", english::weekdays(&days), user.digest_channel.in_words())
}

impl Forms {
    /// Before anybody types.
    fn of(user: &User) -> Self {
        let several = |text: &str| {
            text.split(',').filter(|part| !part.is_empty()).map(str::to_owned).collect::<Vec<_>>()
        };
        Self {
            person: Filled::default()
                .text("name", &user.name)
                .text("email", &user.email)
                .maybe("time_zone", user.time_zone.as_deref())
                .maybe("slack_user_id", user.slack_user_id.as_deref())
                .truth("active", user.active),
            preferences: Filled::default()
                .truth("digest_enabled", user.digest_enabled)
                .text("digest_channel", user.digest_channel.as_str())
                .maybe("digest_time", user.digest_time.as_deref())
                .list("digest_days", user.digest_days.as_deref().map(several).unwrap_or_default())
                .text("working_hours.from", &user.working_from)
                .text("working_hours.until", &user.working_until)
                .maybe("quiet_hours.from", user.quiet_from.as_deref())
                .maybe("quiet_hours.until", user.quiet_until.as_deref())
                .list("muted_kinds", several(&user.muted_kinds)),
            away: Filled::default()
                .maybe("out_of_office_until", user.out_of_office_until.map(|date| date.to_string()))
                .maybe("backup_user_id", user.backup_user_id.as_deref()),
        }
    }
}
