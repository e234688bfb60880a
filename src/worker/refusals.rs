//! How many of the messages that reached a channel it refused for what they say: one in twenty is more than single messages' fault.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::domain::values::Channel;

/// How far back refusals are counted, and the least time between two warnings.
const WINDOW: Duration = Duration::from_mins(10);

/// Fewer messages than this say nothing about a share.
const LEAST: usize = 20;

/// The last minutes of every channel, as one process saw them.
#[derive(Debug, Default)]
pub struct Refusals(Mutex<HashMap<Channel, Recent>>);

#[derive(Debug, Default)]
struct Recent {
    /// When each message was answered, and whether it was refused.
    answers: VecDeque<(Instant, bool)>,
    refused: usize,
    warned: Option<Instant>,
}

impl Refusals {
    /// Notes the answer to a message; `Some((refused, all))` when at least 5 % were refused and nobody was warned for a while.
    pub fn note(&self, channel: Channel, refused: bool, at: Instant) -> Option<(usize, usize)> {
        // Plain counts; a panic elsewhere cannot leave them half-written.
        let mut channels = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let recent = channels.entry(channel).or_default();
        recent.answers.push_back((at, refused));
        recent.refused += usize::from(refused);
        while let Some((first, was)) = recent.answers.front().copied()
            && at.duration_since(first) > WINDOW
        {
            recent.answers.pop_front();
            recent.refused -= usize::from(was);
        }
        let (refused, all) = (recent.refused, recent.answers.len());
        let quiet = recent.warned.is_none_or(|warned| at.duration_since(warned) > WINDOW);
        if all < LEAST || refused * 20 < all || !quiet {
            return None;
        }
        recent.warned = Some(at);
        Some((refused, all))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_in_twenty_within_ten_minutes_is_warned_of_once() {
        let (refusals, start) = (Refusals::default(), Instant::now());
        let note = |refused, minutes: u64| {
            refusals.note(Channel::Email, refused, start + Duration::from_secs(60 * minutes))
        };
        assert_eq!(note(true, 0), None, "one of one says nothing");
        for _ in 0..18 {
            assert_eq!(note(false, 1), None);
        }
        assert_eq!(note(false, 1), Some((1, 20)));
        assert_eq!(note(true, 2), None, "warned already");
        // The first has left the window, and so has the warning.
        for _ in 0..20 {
            assert_eq!(note(false, 13), None, "one of at most 21, seen 11 minutes ago");
        }
        assert_eq!(note(true, 13), None, "one of 21");
        assert_eq!(note(true, 13), Some((2, 22)));
        assert_eq!(refusals.note(Channel::Slack, true, start), None, "channels are apart");
    }
}
