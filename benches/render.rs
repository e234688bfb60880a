//! Digests per second and core, from what a digest says to the message that a provider gets.
//!
//! `cargo bench --bench render`. Mail includes the MIME message as it goes over the wire, Slack the JSON.

#[path = "support/sample.rs"]
mod sample;

use std::time::{Duration, Instant};

use anyhow::Context;
use pivotal_reminders::deliver::mail_bytes;
use pivotal_reminders::domain::digest::Digest;
use pivotal_reminders::domain::message::{Envelope, Message};
use pivotal_reminders::domain::values::{Channel, Locale};
use pivotal_reminders::render::{Brand, Renderer, samples};

/// How long each row is measured, and how often.
const ROUND: Duration = Duration::from_millis(500);
const ROUNDS: usize = 5;

fn main() -> anyhow::Result<()> {
    let renderer = Renderer::new()?;
    println!("| digests/s on one core (octets of one) | 5 lines | 25 lines |");
    println!("|---|---|---|");
    for locale in Locale::ALL {
        for (name, channel) in [("mail", Channel::Email), ("Slack", Channel::Slack)] {
            let mut row = Vec::new();
            for lines in [5, 25] {
                let (rate, octets) = rate(&renderer, &sample::digest(lines), channel, *locale)?;
                row.push(format!("{rate:.0} ({octets})"));
            }
            println!("| {name}, {locale} | {} |", row.join(" | "));
        }
    }
    Ok(())
}

fn rate(
    renderer: &Renderer,
    digest: &Digest,
    channel: Channel,
    locale: Locale,
) -> anyhow::Result<(f64, usize)> {
    let (links, brand) = (samples::links(), Brand { locale, ..samples::brand() });
    let from = "Tallybrook <reminders@example.test>".parse().context("a mailbox")?;
    let envelope = Envelope {
        notification_id: "ntf_01k0bench0000000000000000a".to_owned(),
        address: "maren@example.test".to_owned(),
        name: "Maren Holt".to_owned(),
        from_address: None,
        date: chrono::DateTime::UNIX_EPOCH,
        thread: None,
    };
    let (mut rates, mut octets) = (Vec::new(), 0);
    for _ in 0..ROUNDS {
        let (began, mut made) = (Instant::now(), 0_u32);
        while began.elapsed() < ROUND {
            let message = renderer.digest(digest, channel, &links, &brand)?;
            octets = match &message {
                Message::Email(email) => {
                    mail_bytes(&from, &envelope, email).map_err(anyhow::Error::msg)?.len()
                }
                Message::Slack(_) => serde_json::to_vec(&message)?.len(),
            };
            std::hint::black_box(message);
            made += 1;
        }
        rates.push(f64::from(made) / began.elapsed().as_secs_f64());
    }
    rates.sort_by(f64::total_cmp);
    Ok((rates[ROUNDS / 2], octets))
}
