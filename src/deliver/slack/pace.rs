//! When the next post may go: spacing per team and per conversation, and the pause that Slack asks for.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use super::SlackConfig;

/// Conversations remembered before those whose turn has passed are forgotten.
const REMEMBERED: usize = 1_024;

pub(super) struct Pace {
    slots: Mutex<Slots>,
}

/// The next free slots. Time is a parameter.
struct Slots {
    per_team: Duration,
    per_conversation: Duration,
    max_turn: Duration,
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
        Self { slots: Mutex::new(Slots::new(config)) }
    }

    /// Waits for the next free slot of this process. `Err`: how long Slack's pause still lasts.
    pub(super) async fn team_turn(&self) -> Result<(), Duration> {
        let at = self.slots().team_slot(Instant::now())?;
        sleep_until(at).await;
        self.slots().pause_left(Instant::now()).map_or(Ok(()), Err)
    }

    /// Waits for the next free slot of this conversation, if that is soon.
    pub(super) async fn conversation_turn(&self, conversation: &str) -> Turn {
        let slot = self.slots().conversation_slot(conversation, Instant::now());
        match slot {
            Ok(at) => sleep_until(at).await,
            Err(turn) => return turn,
        }
        self.slots().pause_left(Instant::now()).map_or(Turn::Now, Turn::Paused)
    }

    /// Nobody posts for this long.
    pub(super) fn pause(&self, pause: Duration) {
        self.slots().pause_until(Instant::now() + pause);
    }

    fn slots(&self) -> MutexGuard<'_, Slots> {
        // Nothing panics while it is held.
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Slots {
    fn new(config: &SlackConfig) -> Self {
        Self {
            per_team: config.per_team,
            per_conversation: config.per_conversation,
            max_turn: config.max_turn,
            team: None,
            conversations: HashMap::new(),
            paused_until: None,
        }
    }

    fn team_slot(&mut self, now: Instant) -> Result<Instant, Duration> {
        if let Some(left) = self.pause_left(now) {
            return Err(left);
        }
        let at = self.team.unwrap_or(now).max(now);
        self.team = Some(at + self.per_team);
        Ok(at)
    }

    fn conversation_slot(&mut self, conversation: &str, now: Instant) -> Result<Instant, Turn> {
        if let Some(left) = self.pause_left(now) {
            return Err(Turn::Paused(left));
        }
        if self.conversations.len() >= REMEMBERED {
            self.conversations.retain(|_, next| *next > now);
        }
        let at = self.conversations.get(conversation).copied().unwrap_or(now).max(now);
        if at - now > self.max_turn {
            return Err(Turn::Later(at - now));
        }
        self.conversations.insert(conversation.to_owned(), at + self.per_conversation);
        Ok(at)
    }

    fn pause_until(&mut self, until: Instant) {
        self.paused_until = Some(self.paused_until.map_or(until, |earlier| earlier.max(until)));
    }

    fn pause_left(&mut self, now: Instant) -> Option<Duration> {
        let left = self.paused_until?.checked_duration_since(now).filter(|left| !left.is_zero());
        if left.is_none() {
            self.paused_until = None;
        }
        left
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn slots() -> Slots {
        Slots::new(&SlackConfig::parse("xoxb-test", None).unwrap())
    }

    #[test]
    fn one_person_gets_one_post_per_second_and_others_do_not_wait() {
        let (mut slots, now) = (slots(), Instant::now());
        for n in 0..3 {
            assert_eq!(slots.conversation_slot("U1", now), Ok(now + SECOND * n));
        }
        assert_eq!(slots.conversation_slot("U2", now), Ok(now));
        assert_eq!(slots.conversation_slot("U1", now + SECOND * 60), Ok(now + SECOND * 60));
    }

    #[test]
    fn a_long_queue_for_one_person_is_not_waited_for() {
        let (mut slots, now) = (slots(), Instant::now());
        let turns: Vec<_> = (0..15).map(|_| slots.conversation_slot("U1", now)).collect();
        assert_eq!(turns.iter().filter(|turn| turn.is_ok()).count(), 11);
        assert_eq!(turns[14], Err(Turn::Later(SECOND * 11)));
    }

    #[test]
    fn a_team_posts_twenty_times_per_second() {
        let (mut slots, now) = (slots(), Instant::now());
        let last = (0..=20).map(|_| slots.team_slot(now).unwrap()).last().unwrap();
        assert_eq!(last, now + SECOND);
    }

    #[test]
    fn a_pause_is_everybodys_and_the_longest_counts() {
        let (mut slots, now) = (slots(), Instant::now());
        slots.pause_until(now + SECOND * 30);
        slots.pause_until(now + SECOND);
        assert_eq!(slots.conversation_slot("U9", now), Err(Turn::Paused(SECOND * 30)));
        assert_eq!(slots.team_slot(now + SECOND * 29), Err(SECOND));
        assert_eq!(slots.conversation_slot("U9", now + SECOND * 30), Ok(now + SECOND * 30));
    }

    #[test]
    fn conversations_of_the_past_are_forgotten() {
        let (mut slots, now) = (slots(), Instant::now());
        for n in 0..5_000_u32 {
            slots.conversation_slot(&format!("U{n}"), now + SECOND * n).unwrap();
        }
        assert!(slots.conversations.len() <= REMEMBERED);
    }
}
