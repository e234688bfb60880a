//! How a workspace wants to sound and look.

use std::sync::Arc;

use super::custom::Custom;
use crate::domain::facts::Workspace;
use crate::domain::values::{Kind, Locale, Part};

/// What a workspace chose about its messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Brand {
    /// Sender's name of mails to staff, if not made from the workspace's.
    pub mail_name: Option<String>,
    /// Where answers of staff go, if not to the sender.
    pub reply_to: Option<String>,
    /// Postal address at the foot of mails.
    pub footer_address: Option<String>,
    /// Whether customers are named where a lock screen shows it: subject, preheader, Slack's notification text.
    pub names_in_subjects: bool,
    /// The language of its messages.
    pub locale: Locale,
    /// Its own templates, in the place of ours.
    pub custom: Option<Arc<Custom>>,
}

impl Default for Brand {
    fn default() -> Self {
        Self {
            mail_name: None,
            reply_to: None,
            footer_address: None,
            names_in_subjects: true,
            locale: Locale::En,
            custom: None,
        }
    }
}

impl Brand {
    /// What a workspace chose; `footer_address` is the installation's, `custom` what it wrote itself.
    #[must_use]
    pub fn of(
        workspace: &Workspace,
        footer_address: Option<&str>,
        custom: Option<Arc<Custom>>,
    ) -> Self {
        let own = workspace.footer_address.as_deref();
        Self {
            mail_name: workspace.mail_name.clone(),
            reply_to: workspace.reply_to.clone(),
            footer_address: own.or(footer_address).map(str::to_owned),
            names_in_subjects: workspace.names_in_subjects,
            locale: workspace.locale,
            custom,
        }
    }

    /// The workspace's own templates, if they have this part.
    pub(super) fn own(&self, kind: Kind, part: Part) -> Option<&Custom> {
        self.custom.as_deref().filter(|custom| custom.has(kind, part))
    }
}
