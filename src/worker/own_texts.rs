//! Templates of workspaces' own, compiled once per revision: the workspace's row, which every delivery loads, says when there is a new one.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, Utc};

use crate::db::{Db, DbError};
use crate::domain::facts::Workspace;
use crate::domain::values::Locale;
use crate::render::custom::Custom;
use crate::store::templates;

/// What was compiled, by workspace: revision, language, and the templates, if it has any.
type Compiled = HashMap<String, (i64, Locale, Option<Arc<Custom>>)>;

/// The templates of this process.
#[derive(Debug, Default)]
pub struct OwnTexts {
    compiled: Mutex<Compiled>,
}

impl OwnTexts {
    /// The templates of a workspace as it is now.
    pub async fn of(&self, db: &Db, ws: &Workspace) -> Result<Option<Arc<Custom>>, DbError> {
        if ws.templates_revision == 0 {
            return Ok(None);
        }
        let lock = || self.compiled.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((revision, locale, custom)) = lock().get(&ws.id)
            && (*revision, *locale) == (ws.templates_revision, ws.locale)
        {
            return Ok(custom.clone());
        }
        let mut conn = db.read().await?;
        let sources = templates::sources(&mut conn, &ws.id).await?;
        let custom = (!sources.is_empty()).then(|| Arc::new(Custom::new(ws.locale, &sources)));
        lock().insert(ws.id.clone(), (ws.templates_revision, ws.locale, custom.clone()));
        Ok(custom)
    }
}

/// Tells operators what failed: in the log, and with the version itself.
pub async fn report(db: &Db, ws: &Workspace, custom: &Custom, now: DateTime<Utc>) {
    for (id, failure) in custom.take_failures() {
        tracing::warn!(
            workspace = ws.id,
            version = id,
            failure,
            "a template of the workspace's own failed, the built-in one was sent"
        );
        let noted = async {
            let mut conn = db.begin().await?;
            templates::note_failure(&mut conn, &id, &failure, now).await?;
            conn.commit().await
        };
        if let Err(error) = noted.await {
            tracing::warn!(%error, "cannot note the failure of a template");
        }
    }
}
