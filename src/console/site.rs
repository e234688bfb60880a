//! What every page needs.

use std::ops::Deref;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::live::Pulse;
use crate::clock::Clock;
use crate::db::Db;
use crate::domain::facts::Channels;
use crate::operate::preview::{Studio, Tester};

/// How the console is served.
#[derive(Clone, Debug)]
pub struct Console {
    /// The database.
    pub db: Db,
    /// The time.
    pub clock: Clock,
    /// Base of our own addresses, as the world sees them; `https` makes cookies `Secure`.
    pub public_url: String,
    /// Which channels can be used.
    pub channels: Channels,
    /// Whether messages are only captured, as no provider is configured.
    pub captured: bool,
    /// Whether anybody may read `/outbox`: in a demo, whose data is invented.
    pub open_outbox: bool,
    /// Of what previews are made.
    pub studio: Studio,
    /// Sends test copies.
    pub tester: Tester,
    /// Ends what streams.
    pub stop: CancellationToken,
}

/// The same, shared by all requests.
#[derive(Clone, Debug)]
pub(super) struct Site(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    console: Console,
    pulse: Pulse,
}

impl Site {
    pub(super) fn new(console: Console) -> Self {
        Self(Arc::new(Shared { console, pulse: Pulse::default() }))
    }

    /// Says when something has changed.
    pub(super) fn pulse(&self) -> &Pulse {
        &self.0.pulse
    }

    /// Whether the world reaches us over TLS.
    pub(super) fn is_secure(&self) -> bool {
        self.public_url.starts_with("https://")
    }
}

impl Deref for Site {
    type Target = Console;

    fn deref(&self) -> &Console {
        &self.0.console
    }
}
