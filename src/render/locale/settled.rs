//! What a nudge on Slack says when its reason has gone.

use super::{fixed, phrases};

phrases! {
    /// The wait has ended.
    fn replied(who: &str, by: &str, ended: &str) { En => "{who} replied{by}.{ended} Next move: ours.", De => "{who} hat geantwortet{by}.{ended} Am Zug: wir." }
    /// How long it was.
    fn waiting_ended(days: &str) { En => " Waiting ended after {days}.", De => " Das Warten endete nach {days}." }
    /// It is in another phase now.
    fn has_moved(who: &str, to: &str, by: &str) { En => "{who} has moved to {to}{by}. Nothing is needed here.", De => "{who} ist jetzt in {to}{by}. Hier ist nichts zu tun." }
    /// The customer owes the next step.
    fn owes_next_step(who: &str, by: &str) { En => "{who} owes the next step now{by}. Next move: theirs.", De => "Bei {who} liegt jetzt der nächste Schritt{by}. Am Zug: der Kunde." }
    /// Paused.
    fn is_paused(who: &str, by: &str) { En => "{who} is paused{by}. Nothing is needed here.", De => "{who} ist pausiert{by}. Hier ist nichts zu tun." }
    /// Its reminders rest.
    fn is_snoozed(who: &str, until: &str, by: &str) { En => "{who} is snoozed until {until}{by}.", De => "{who} ist bis {until} zurückgestellt{by}." }
    /// It is somebody else's.
    fn is_anothers(who: &str, to: &str) { En => "{who} is {to}'s now. Nothing is needed here.", De => "{who} ist jetzt bei {to}. Hier ist nichts zu tun." }
    /// It is closed.
    fn is_closed_here(who: &str) { En => "{who} is closed. Nothing is needed here.", De => "{who} ist abgeschlossen. Hier ist nichts zu tun." }
    /// Who did it.
    fn comma_by(whom: &str) { En => ", by {whom}", De => ", durch {whom}" }
    /// Who did it.
    fn space_by(whom: &str) { En => " by {whom}", De => ", durch {whom}" }
    /// Who said so.
    fn marked_by(whom: &str) { En => ", marked by {whom}", De => ", vermerkt durch {whom}" }
    /// Who, and when.
    fn who_when(who: &str, when: &str) { En => "{who} {when}", De => "{who} {when}" }
}

fixed! {
    /// After everything that did nothing.
    fn nothing_was_changed { En => "Nothing was changed.", De => "Nichts wurde geändert." }
}
