//! What will be sent to whom when: as things are, or as they would be after a change that nobody has made.

use chrono::{DateTime, TimeDelta, Utc};

use crate::db::{Db, DbError};
use crate::domain::facts::Channels;
use crate::domain::forecast::Forecasted;
use crate::domain::ids::Ref;
use crate::store::audit::Author;
use crate::store::ledger::UNTIL_DECIDED;
use crate::store::onboardings::{self, Patch};
use crate::store::worlds::{self, About};

/// A change of an onboarding, to be imagined.
#[derive(Clone, Debug)]
pub struct AsIf {
    /// Which one.
    pub onboarding: Ref,
    /// What would be written.
    pub patch: Patch,
}

/// A question about the future of a workspace.
#[derive(Clone, Debug)]
pub struct Question<'a> {
    /// The workspace.
    pub workspace_id: &'a str,
    /// Which onboardings.
    pub about: About<'a>,
    /// How many days ahead.
    pub days: i64,
    /// A change to imagine first.
    pub as_if: Option<AsIf>,
    /// Which channels exist here.
    pub channels: Channels,
}

/// Why there is no forecast.
#[derive(Debug, thiserror::Error)]
pub enum ForecastError {
    /// The onboarding of the imagined change does not exist.
    #[error("there is no such onboarding")]
    NoOnboarding,
    /// The database did not answer.
    #[error(transparent)]
    Database(#[from] DbError),
}

/// The end of a look ahead: never in a year of five digits, which no timestamp of ours can say.
#[must_use]
pub fn until(now: DateTime<Utc>, ahead: TimeDelta) -> DateTime<Utc> {
    (now + ahead).min(UNTIL_DECIDED).max(now)
}

/// Everything that passes would write in the days after `now`, skipped notifications included.
pub async fn forecast(
    db: &Db,
    question: Question<'_>,
    now: DateTime<Utc>,
    progress: impl FnMut(usize, usize),
) -> Result<Vec<Forecasted>, ForecastError> {
    let Question { workspace_id, about, days, as_if, channels } = question;
    let world = if let Some(AsIf { onboarding, patch }) = as_if {
        // The change is really made, by the very code that would make it, looked at, and never committed.
        let mut tx = db.begin().await?;
        let found = onboardings::lock(&mut tx, workspace_id, &onboarding).await?;
        let before = found.filter(|o| o.deleted_at.is_none()).ok_or(ForecastError::NoOnboarding)?;
        let workspace = crate::store::workspaces::get(&mut tx, workspace_id).await?;
        let zone =
            crate::store::facts::zone(workspace.as_ref().map_or("UTC", |w| w.time_zone.as_str()));
        onboardings::update(&mut tx, &Author::system(), before, patch, zone, None, now).await?;
        worlds::load(&mut tx, workspace_id, about, channels, now).await?
    } else {
        let mut conn = db.read().await?;
        worlds::load(&mut conn, workspace_id, about, channels, now).await?
    };
    let until = until(now, TimeDelta::try_days(days).unwrap_or_default());
    let mut items = world.map(|w| w.forecast(now, until, progress)).unwrap_or_default();
    if let About::Recipient(id) = about {
        items.retain(|item| item.plan.recipient_id == id);
    }
    Ok(items)
}
