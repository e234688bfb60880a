//! Links that work without login: what they may do, for how long, and how they are signed.
//!
//! A token names a notification, one purpose and, where the purpose needs it, an onboarding; nothing else. Who may act follows from
//! the notification's row, so a token cannot be turned against another person, and nobody's name or address is in it.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use ulid::Ulid;

/// What a link is for: this and nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// Shows an onboarding and what can be done about it.
    Onboarding,
    /// Shows why the reader hears of an onboarding.
    Why,
    /// Lets an onboarding's reminders rest.
    Snooze,
    /// Ends the wait for a customer.
    Replied,
    /// Shows the reader's onboardings.
    Mine,
    /// Shows those of them that rest.
    Quiet,
    /// Shows why the message was sent.
    Message,
    /// Changes the time and the days of the reader's digest.
    Rhythm,
    /// Switches kinds of messages off and on.
    Mute,
    /// Tells until when the reader is out of office.
    Away,
    /// Stops messages like this one.
    Unsubscribe,
}

impl Purpose {
    /// Every purpose.
    pub const ALL: [Self; 11] = [
        Self::Onboarding,
        Self::Why,
        Self::Snooze,
        Self::Replied,
        Self::Mine,
        Self::Quiet,
        Self::Message,
        Self::Rhythm,
        Self::Mute,
        Self::Away,
        Self::Unsubscribe,
    ];

    /// The octet in a token. Links that were sent stay valid, so a number is never used again for something else.
    const fn code(self) -> u8 {
        match self {
            Self::Onboarding => 1,
            Self::Why => 2,
            Self::Snooze => 3,
            Self::Replied => 4,
            Self::Mine => 5,
            Self::Message => 6,
            Self::Rhythm => 7,
            Self::Mute => 8,
            Self::Away => 9,
            Self::Unsubscribe => 10,
            Self::Quiet => 11,
        }
    }

    /// Whether it is about one onboarding.
    #[must_use]
    pub const fn is_about_one(self) -> bool {
        matches!(self, Self::Onboarding | Self::Why | Self::Snooze | Self::Replied)
    }

    /// How long after its notification a link works. Somebody must be able to stop messages long after they got the last one.
    #[must_use]
    pub const fn lifetime(self) -> TimeDelta {
        match self {
            Self::Unsubscribe => TimeDelta::days(400),
            _ => TimeDelta::days(30),
        }
    }
}

/// What a token says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    notification: Ulid,
    /// What it is for.
    pub purpose: Purpose,
    /// The onboarding's small number, for the purposes that are about one.
    pub onboarding: Option<i64>,
}

/// Prefix of a notification's id, before its ULID.
const PREFIX: &str = "ntf_";

impl Link {
    /// A link of a notification; `None` if that is not the id of one.
    #[must_use]
    pub fn of(notification_id: &str, purpose: Purpose, onboarding: Option<i64>) -> Option<Self> {
        let notification =
            Ulid::from_string(&notification_id.strip_prefix(PREFIX)?.to_uppercase()).ok()?;
        Some(Self { notification, purpose, onboarding })
    }

    /// The same notification's link for something else.
    #[must_use]
    pub const fn to(self, purpose: Purpose, onboarding: Option<i64>) -> Self {
        Self { purpose, onboarding, ..self }
    }

    /// The notification's id.
    #[must_use]
    pub fn notification_id(&self) -> String {
        format!("{PREFIX}{}", self.notification.to_string().to_lowercase())
    }

    /// From when on it does nothing any more.
    #[must_use]
    pub fn expires_at(&self) -> DateTime<Utc> {
        let made = i64::try_from(self.notification.timestamp_ms()).unwrap_or_default();
        let made = DateTime::from_timestamp_millis(made).unwrap_or_default();
        made.checked_add_signed(self.purpose.lifetime()).unwrap_or(made)
    }
}

/// Octets of a notification's id.
const ID: usize = 16;

/// Octets of a signature. 88 bits cannot be guessed over the network, and keep a link within the 76 columns of a mail's text part.
const SIGNATURE: usize = 11;

/// Keeps signatures of links apart from whatever else the secret may sign one day.
const CONTEXT: &[u8] = b"pivotal-reminders link 1\0";

/// Signs and reads tokens.
#[derive(Clone)]
pub struct LinkKey(Hmac<Sha256>);

impl fmt::Debug for LinkKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LinkKey")
    }
}

impl LinkKey {
    /// The key made from `LINK_SECRET`.
    #[must_use]
    #[expect(
        clippy::expect_used,
        clippy::missing_panics_doc,
        reason = "HMAC takes keys of every length"
    )]
    pub fn new(secret: &str) -> Self {
        let mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("any length");
        Self(mac.chain_update(CONTEXT))
    }

    /// The token of `link`, for a path.
    #[must_use]
    pub fn token(&self, link: &Link) -> String {
        let mut octets = Vec::with_capacity(ID + 1 + 8 + SIGNATURE);
        octets.extend(link.notification.to_bytes());
        octets.push(link.purpose.code());
        if let Some(number) = link.onboarding {
            octets.extend(number.to_be_bytes().iter().skip_while(|octet| **octet == 0));
        }
        let signature = self.0.clone().chain_update(&octets).finalize().into_bytes();
        octets.extend(&signature[..SIGNATURE]);
        URL_SAFE_NO_PAD.encode(octets)
    }

    /// What a token says; `None` when it was not made with this key, or changed since.
    #[must_use]
    pub fn read(&self, token: &str) -> Option<Link> {
        if token.len() > 64 {
            return None;
        }
        let octets = URL_SAFE_NO_PAD.decode(token).ok()?;
        let (said, signature) = octets.split_at_checked(octets.len().checked_sub(SIGNATURE)?)?;
        self.0.clone().chain_update(said).verify_truncated_left(signature).ok()?;
        let (id, said) = said.split_first_chunk::<ID>()?;
        let (code, number) = said.split_first()?;
        let purpose = Purpose::ALL.into_iter().find(|purpose| purpose.code() == *code)?;
        let onboarding = purpose
            .is_about_one()
            .then(|| number.iter().fold(0_i64, |sum, octet| (sum << 8) | i64::from(*octet)));
        Some(Link { notification: Ulid::from_bytes(*id), purpose, onboarding })
    }
}

/// Where links to our own pages lead, before the token.
pub const PATH: &str = "/l/";

/// What stands in the place of a token where somebody else reads a message.
const BLINDED: &str = "for-the-recipient-only";

/// The same text with links that act for nobody: whoever holds a token acts as the message's recipient, so it is shown to nobody else.
#[must_use]
pub fn blind(text: &str) -> String {
    // Of an id, a purpose and a signature.
    const SHORTEST: usize = (ID + 1 + SIGNATURE) * 4 / 3;
    let mut blinded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(PATH) {
        let (before, behind) = rest.split_at(at + PATH.len());
        let is_token = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
        let end = behind.bytes().position(|b| !is_token(b)).unwrap_or(behind.len());
        blinded.push_str(before);
        blinded.push_str(if end >= SHORTEST { BLINDED } else { &behind[..end] });
        rest = &behind[end..];
    }
    blinded.push_str(rest);
    blinded
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ID: &str = "ntf_01k0bench0000000000000000a";

    fn link(purpose: Purpose) -> Link {
        Link::of(ID, purpose, purpose.is_about_one().then_some(1042)).unwrap()
    }

    #[test]
    fn a_token_says_what_was_signed() {
        let key = LinkKey::new("secret");
        for purpose in Purpose::ALL {
            let read = key.read(&key.token(&link(purpose))).unwrap();
            assert_eq!(read, link(purpose));
            assert_eq!(read.notification_id(), ID);
        }
    }

    #[test]
    fn a_token_of_another_key_or_of_none_says_nothing() {
        let token = LinkKey::new("secret").token(&link(Purpose::Snooze));
        assert_eq!(LinkKey::new("Secret").read(&token), None);
        for nothing in
            ["", "AAAA", &token[..token.len() - 4], &format!("{token}AAAA"), &"A".repeat(500)]
        {
            assert_eq!(LinkKey::new("secret").read(nothing), None, "{nothing}");
        }
    }

    #[test]
    fn a_link_ends_after_thirty_days_and_the_way_out_after_more_than_a_year() {
        let days =
            |purpose| (link(purpose).expires_at() - link(Purpose::Why).expires_at()).num_days();
        assert_eq!((days(Purpose::Snooze), days(Purpose::Unsubscribe)), (0, 370));
    }

    proptest! {
        #[test]
        fn no_changed_octet_goes_unnoticed(number in 0_i64.., at in any::<prop::sample::Index>(), flip in 1_u8..) {
            let key = LinkKey::new("secret");
            let link = Link::of(ID, Purpose::Replied, Some(number)).unwrap();
            let mut octets = URL_SAFE_NO_PAD.decode(key.token(&link)).unwrap();
            prop_assert_eq!(key.read(&URL_SAFE_NO_PAD.encode(&octets)), Some(link));
            let at = at.index(octets.len());
            octets[at] ^= flip;
            prop_assert_eq!(key.read(&URL_SAFE_NO_PAD.encode(&octets)), None);
        }
    }
}
