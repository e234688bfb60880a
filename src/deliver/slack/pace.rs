//! When the next post may go: spacing per team and per conversation, and the pause that Slack asks for.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use super::SlackConfig;

/// Conversations remembered before those whose turn has passed are forgotten.
const REMEMBERED: usize = 1_024;

pub(super) struct Pace {
    per_team: Duration,
    per_conversation: Duration,
    max_turn: Duration,
    slots: Mutex<Slots>,
}

#[derive(Default)]
struct Slots {
    team: Option<Instant>,
    conversations: HashMap<String, Instant>,
    paused_until: Option<Instant>,
}

/// Whether it is a post's turn.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// Go.
    Now,
    /// Slack asked everybody to wait this long.
    Paused(Duration),
    /// The conversation is busy for this long, which is more than a post should wait.
    Later(Duration),
}

impl Pace {
    pub(super) fn new(config: &SlackConfig) -> Self {
        let (per_team, per_conversation) = (config.per_team, config.per_conversation);
        Self { per_team, per_conversation, max_turn: config.max_turn, slots: Mutex::default() }
    }

    /// Waits for the next free slot of this process. `Err`: how long Slack's pause still lasts.
    pub(super) async fn team_turn(&self) -> Result<(), Duration> {
        let at = {
            let mut slots = self.slots();
            if let Some(left) = slots.pause_left() {
                return Err(left);
            }
            let at = slots.team.unwrap_or_else(Instant::now).max(Instant::now());
            slots.team = Some(at + self.per_team);
            at
        };
        sleep_until(at).await;
        self.slots().pause_left().map_or(Ok(()), Err)
    }

    /// Waits for the next free slot of this conversation, if that is soon.
    pub(super) async fn conversation_turn(&self, conversation: &str) -> Turn {
        let at = {
            let mut slots = self.slots();
            if let Some(left) = slots.pause_left() {
                return Turn::Paused(left);
            }
            let now = Instant::now();
            if slots.conversations.len() >= REMEMBERED {
                slots.conversations.retain(|_, next| *next > now);
            }
            let at = slots.conversations.get(conversation).copied().unwrap_or(now).max(now);
            if at - now > self.max_turn {
                return Turn::Later(at - now);
            }
            slots.conversations.insert(conversation.to_owned(), at + self.per_conversation);
            at
        };
        sleep_until(at).await;
        self.slots().pause_left().map_or(Turn::Now, Turn::Paused)
    }

    /// Nobody posts for this long.
    pub(super) fn pause(&self, pause: Duration) {
        let until = Instant::now() + pause;
        let mut slots = self.slots();
        slots.paused_until = Some(slots.paused_until.map_or(until, |earlier| earlier.max(until)));
    }

    fn slots(&self) -> MutexGuard<'_, Slots> {
        // Nothing panics while it is held.
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Slots {
    fn pause_left(&mut self) -> Option<Duration> {
        let left = self
            .paused_until?
            .checked_duration_since(Instant::now())
            .filter(|left| !left.is_zero());
        if left.is_none() {
            self.paused_until = None;
        }
        left
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pace() -> Pace {
        Pace::new(&SlackConfig::parse("xoxb-test", None).unwrap())
    }

    #[tokio::test(start_paused = true)]
    async fn one_person_gets_one_post_per_second_and_others_do_not_wait() {
        let (pace, start) = (pace(), Instant::now());
        for _ in 0..3 {
            assert_eq!(pace.conversation_turn("U1").await, Turn::Now);
        }
        assert_eq!(start.elapsed(), Duration::from_secs(2));
        assert_eq!(pace.conversation_turn("U2").await, Turn::Now);
        assert_eq!(start.elapsed(), Duration::from_secs(2));
    }

    #[tokio::test(start_paused = true)]
    async fn a_long_queue_for_one_person_is_not_waited_for() {
        let pace = pace();
        let turns =
            futures_util::future::join_all((0..15).map(|_| pace.conversation_turn("U1"))).await;
        assert_eq!(turns.iter().filter(|turn| **turn == Turn::Now).count(), 11);
        assert!(matches!(turns[14], Turn::Later(_)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_team_posts_twenty_times_per_second() {
        let (pace, start) = (pace(), Instant::now());
        for _ in 0..21 {
            pace.team_turn().await.unwrap();
        }
        assert_eq!(start.elapsed(), Duration::from_secs(1));
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_is_everybodys_and_ends() {
        let pace = pace();
        pace.pause(Duration::from_secs(30));
        pace.pause(Duration::from_secs(1));
        assert_eq!(pace.conversation_turn("U9").await, Turn::Paused(Duration::from_secs(30)));
        assert_eq!(pace.team_turn().await, Err(Duration::from_secs(30)));
        tokio::time::advance(Duration::from_secs(30)).await;
        assert_eq!(pace.conversation_turn("U9").await, Turn::Now);
    }
}
