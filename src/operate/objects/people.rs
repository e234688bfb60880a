//! The vendor's people, and who wants no messages.

use schemars::JsonSchema;
use serde::Serialize;

use super::Instant;
use crate::domain::values::{Channel, Kind, RecipientType};
use crate::operate::addresses::Flagged;
use crate::operate::opt_outs;
use crate::store::users;

/// Somebody of the vendor's.
#[derive(Debug, Serialize, JsonSchema)]
pub struct User<'a> {
    #[schemars(extend("enum" = ["user"]))]
    object: &'static str,
    id: &'a str,
    display_id: i64,
    name: &'a str,
    email: &'a str,
    time_zone: Option<&'a str>,
    slack_user_id: Option<&'a str>,
    active: bool,
    email_flagged_at: Option<Instant>,
    created_at: Instant,
    updated_at: Instant,
}

impl<'a> From<&'a users::User> for User<'a> {
    fn from(user: &'a users::User) -> Self {
        Self {
            object: "user",
            id: &user.id,
            display_id: user.display_id,
            name: &user.name,
            email: &user.email,
            time_zone: user.time_zone.as_deref(),
            slack_user_id: user.slack_user_id.as_deref(),
            active: user.active,
            email_flagged_at: user.email_flagged_at.map(Instant),
            created_at: Instant(user.created_at),
            updated_at: Instant(user.updated_at),
        }
    }
}

/// Somebody and a kind of messages that do not come to them.
#[derive(Debug, Serialize, JsonSchema)]
pub struct OptOut<'a> {
    #[schemars(extend("enum" = ["opt_out"]))]
    object: &'static str,
    recipient: Reader<'a>,
    kind: Kind,
    /// Of users the audit log knows.
    since: Option<Instant>,
}

impl<'a> OptOut<'a> {
    /// Each kind that somebody wants nothing of.
    pub fn each(of: &'a opt_outs::OptOut) -> impl Iterator<Item = Self> {
        of.kinds.iter().map(|kind| Self::new(of, *kind))
    }

    /// That messages of this kind do not come to somebody.
    #[must_use]
    pub fn new(of: &'a opt_outs::OptOut, kind: Kind) -> Self {
        Self {
            object: "opt_out",
            recipient: Reader {
                r#type: of.owner,
                id: &of.id,
                name: &of.name,
                address: &of.address,
            },
            kind,
            since: of.since.map(Instant),
        }
    }
}

/// An address that a provider refused for good; nothing goes there until somebody clears it or it changes.
#[derive(Debug, Serialize, JsonSchema)]
pub struct FlaggedAddress<'a> {
    #[schemars(extend("enum" = ["flagged_address"]))]
    object: &'static str,
    recipient: Reader<'a>,
    channel: Channel,
    flagged_at: Instant,
}

impl<'a> From<&'a Flagged> for FlaggedAddress<'a> {
    fn from(found: &'a Flagged) -> Self {
        Self {
            object: "flagged_address",
            recipient: Reader {
                r#type: found.owner,
                id: &found.id,
                name: &found.name,
                address: &found.address,
            },
            channel: found.channel,
            flagged_at: Instant(found.flagged_at),
        }
    }
}

/// Somebody who could be written to.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline)]
struct Reader<'a> {
    r#type: RecipientType,
    id: &'a str,
    name: &'a str,
    address: &'a str,
}
