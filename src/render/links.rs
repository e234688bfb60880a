//! Where messages point to.

use crate::domain::link::{Link, LinkKey, PATH, Purpose};

/// Addresses that messages point to. What has no address is left out, not dead.
#[derive(Clone, Debug, Default)]
pub struct Links {
    /// Page of an onboarding elsewhere, with `{display_id}` for its number; without it messages point to our own.
    pub onboarding_url: Option<String>,
    /// Our own pages, which need no login.
    pub own: Option<OwnPages>,
    /// Whether a click on a Slack button reaches us; else Slack's buttons are links too.
    pub slack_buttons: bool,
}

/// Where our own pages are, and the key that signs the links to them.
#[derive(Clone, Debug)]
pub struct OwnPages {
    /// Base of the service, without a slash at its end.
    pub base: String,
    /// Signs the links.
    pub key: LinkKey,
}

impl OwnPages {
    /// Address of the page that a token opens.
    #[must_use]
    pub fn url(&self, link: &Link) -> String {
        format!("{}{PATH}{}", self.base, self.key.token(link))
    }
}

impl Links {
    /// The links of one message.
    pub(super) fn of(&self, notification_id: &str) -> MessageLinks<'_> {
        MessageLinks { links: self, itself: Link::of(notification_id, Purpose::Message, None) }
    }
}

/// The links of one message: each for its reader and for one purpose.
#[derive(Clone, Copy)]
pub(super) struct MessageLinks<'a> {
    links: &'a Links,
    /// The link that explains the message, from which the others are made; `None` for what is no notification.
    itself: Option<Link>,
}

impl MessageLinks<'_> {
    fn own(&self, purpose: Purpose, onboarding: Option<i64>) -> Option<String> {
        let own = self.links.own.as_ref()?;
        Some(own.url(&self.itself?.to(purpose, onboarding)))
    }

    /// Whether a click on a Slack button reaches us.
    pub(super) const fn clicks(&self) -> bool {
        self.links.slack_buttons
    }

    /// Page of an onboarding: the workspace's own, else ours.
    pub(super) fn onboarding(&self, display_id: i64) -> Option<String> {
        match &self.links.onboarding_url {
            Some(url) => Some(url.replace("{display_id}", &display_id.to_string())),
            None => self.acts(display_id),
        }
    }

    /// Page with everything that can be done about an onboarding.
    pub(super) fn acts(&self, display_id: i64) -> Option<String> {
        self.own(Purpose::Onboarding, Some(display_id))
    }

    /// Page that snoozes an onboarding after one more click.
    pub(super) fn snooze(&self, display_id: i64) -> Option<String> {
        self.own(Purpose::Snooze, Some(display_id))
    }

    /// Page that ends the wait for a customer after one more click.
    pub(super) fn replied(&self, display_id: i64) -> Option<String> {
        self.own(Purpose::Replied, Some(display_id))
    }

    /// Page that says why the reader hears of an onboarding.
    pub(super) fn why(&self, display_id: i64) -> Option<String> {
        self.own(Purpose::Why, Some(display_id))
    }

    /// Page of all the reader's onboardings.
    pub(super) fn mine(&self) -> Option<String> {
        self.own(Purpose::Mine, None)
    }

    /// Page of those that are snoozed or paused.
    pub(super) fn quiet(&self) -> Option<String> {
        self.own(Purpose::Quiet, None)
    }

    /// Page on which the reader chooses time and days.
    pub(super) fn rhythm(&self) -> Option<String> {
        self.own(Purpose::Rhythm, None)
    }

    /// Page on which the reader switches kinds of messages off.
    pub(super) fn mute(&self) -> Option<String> {
        self.own(Purpose::Mute, None)
    }

    /// Page that explains this very message.
    pub(super) fn explain(&self) -> Option<String> {
        self.own(Purpose::Message, None)
    }

    /// Page that stops messages like this one after one more click; also the one-click address of RFC 8058.
    pub(super) fn unsubscribe(&self) -> Option<String> {
        self.own(Purpose::Unsubscribe, None)
    }
}
