//! Figures for Prometheus. No id, address or name is ever a label: every label has a handful of values, fixed by the code.
//!
//! What a process does is counted where it is done; what the database knows is read when somebody scrapes.

use std::sync::OnceLock;
use std::time::Duration;

use metrics::{
    Label, Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram,
};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

const ATTEMPTS: &str = "pivotal_delivery_attempts_total";
const DELIVERY: &str = "pivotal_delivery_duration_seconds";
const LATENESS: &str = "pivotal_delivery_lateness_seconds";
const FINISHED: &str = "pivotal_notifications_finished_total";
const PASSES: &str = "pivotal_passes_total";
const PASS: &str = "pivotal_pass_duration_seconds";
const WRITTEN: &str = "pivotal_notifications_written_total";
const REQUESTS: &str = "pivotal_http_requests_total";
const REQUEST: &str = "pivotal_http_request_duration_seconds";
const LIMITED: &str = "pivotal_http_rate_limited_total";
const ACQUIRE: &str = "pivotal_database_acquire_duration_seconds";
const BUILD: &str = "pivotal_build_info";

/// Read from the database or the pool when somebody scrapes.
const GAUGES: [(&str, &str); 17] = [
    (
        "pivotal_database_up",
        "Whether the database answers and takes what is written. If it does not answer, what it would have said is left as it was.",
    ),
    (
        "pivotal_database_connections",
        "Connections of this process's pool of API and console, by state.",
    ),
    (
        "pivotal_queue_notifications",
        "Notifications in a queue, by state: ready, scheduled, running.",
    ),
    (
        "pivotal_queue_oldest_ready_age_seconds",
        "How long the notification that waits longest in a queue could have gone out; 0 if none waits.",
    ),
    ("pivotal_queue_paused", "Whether an operator has paused a queue for everybody."),
    ("pivotal_channel_up", "Whether a channel works, as the last delivery found it."),
    (
        "pivotal_unaccounted_notifications",
        "Notifications of the last 7 days that the rules asked for and that are in no row. Must be 0.",
    ),
    (
        "pivotal_ambiguous_notifications",
        "Notifications of which somebody must say whether they arrived.",
    ),
    (
        "pivotal_failed_notifications",
        "Notifications that failed in the last 24 hours, without those of test mode.",
    ),
    ("pivotal_unroutable_onboardings", "Open onboardings that nobody hears of."),
    ("pivotal_flagged_addresses", "Addresses that a provider refused for good."),
    ("pivotal_processes", "Processes whose heartbeat is recent, by role."),
    (
        "pivotal_last_pass_timestamp_seconds",
        "When the last pass came to its end, in seconds since 1970; 0 if none has.",
    ),
    (
        "pivotal_clock_trusted",
        "Whether the clock is right, as far as the service can tell; if not, nothing is sent.",
    ),
    ("pivotal_warnings", "What asks for an operator, by severity."),
    ("pivotal_slots_next_hour", "People whose digest slot lies within the hour to come."),
    ("pivotal_http_requests_in_flight", "Requests to the API that are being answered."),
];

/// From a fast write to a relay that takes its time.
const SHORT: [f64; 12] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];
/// From "on time" to "the next morning".
const LONG: [f64; 12] =
    [1.0, 5.0, 15.0, 30.0, 60.0, 120.0, 300.0, 900.0, 1800.0, 3600.0, 14_400.0, 43_200.0];

static HANDLE: OnceLock<Option<PrometheusHandle>> = OnceLock::new();

/// The words that labels may have, so that every series is there from the first scrape on.
#[derive(Clone, Debug)]
pub struct Words {
    /// `email`, `slack`.
    pub channels: Vec<&'static str>,
    /// How attempts end.
    pub attempts: Vec<&'static str>,
    /// How notifications end.
    pub outcomes: Vec<&'static str>,
}

/// Begins to count. A second call in one process changes nothing.
pub fn start(words: &Words) {
    HANDLE.get_or_init(|| {
        let handle = install()?;
        describe();
        introduce(words);
        Some(handle)
    });
}

fn install() -> Option<PrometheusHandle> {
    let mut builder = PrometheusBuilder::new();
    for (name, buckets) in [
        (DELIVERY, &SHORT),
        (LATENESS, &LONG),
        (PASS, &SHORT),
        (REQUEST, &SHORT),
        (ACQUIRE, &SHORT),
    ] {
        builder = builder.set_buckets_for_metric(Matcher::Full(name.to_owned()), buckets).ok()?;
    }
    // Somebody else's recorder (a test's) stays.
    builder.install_recorder().ok()
}

fn describe() {
    describe_counter!(ATTEMPTS, "Tries to deliver, by channel and outcome.");
    describe_counter!(
        FINISHED,
        "Notifications that came to their end in this process, by channel and outcome."
    );
    describe_counter!(PASSES, "Scheduler passes, by result.");
    describe_counter!(WRITTEN, "Notifications that passes of this process wrote.");
    describe_counter!(REQUESTS, "HTTP requests, by route, method and status.");
    describe_counter!(LIMITED, "Requests that were over their key's limit.");
    let seconds = Unit::Seconds;
    describe_histogram!(
        DELIVERY,
        seconds,
        "From the claim of a notification to the provider's answer."
    );
    describe_histogram!(
        LATENESS,
        seconds,
        "How long after the instant it was meant for a message was sent."
    );
    describe_histogram!(PASS, seconds, "How long a scheduler pass took.");
    describe_histogram!(REQUEST, seconds, "How long a request took, by route and method.");
    describe_histogram!(
        ACQUIRE,
        seconds,
        "How long this process waited for a connection to the database."
    );
    describe_gauge!(BUILD, "Always 1; the version is in its label.");
    for (name, help) in GAUGES {
        describe_gauge!(name, help);
    }
    metrics_process::Collector::default().describe();
}

fn introduce(words: &Words) {
    gauge!(BUILD, "version" => env!("CARGO_PKG_VERSION")).set(1.0);
    for channel in &words.channels {
        for outcome in &words.attempts {
            counter!(ATTEMPTS, "channel" => *channel, "outcome" => *outcome).increment(0);
        }
        for outcome in &words.outcomes {
            counter!(FINISHED, "channel" => *channel, "outcome" => *outcome).increment(0);
        }
        let _ = histogram!(DELIVERY, "channel" => *channel);
        let _ = histogram!(LATENESS, "channel" => *channel);
    }
    for result in ["ok", "error"] {
        counter!(PASSES, "result" => result).increment(0);
    }
    counter!(WRITTEN).increment(0);
    counter!(LIMITED).increment(0);
    let _ = histogram!(PASS);
    for access in ["read", "write"] {
        let _ = histogram!(ACQUIRE, "access" => access);
    }
}

/// The page that Prometheus reads; `None` where nothing is counted.
#[must_use]
pub fn page() -> Option<String> {
    let handle = HANDLE.get()?.as_ref()?;
    metrics_process::Collector::default().collect();
    Some(handle.render())
}

/// Sums up what was observed since the last time. Without it a process that nobody scrapes would keep every single value.
pub fn tidy() {
    if let Some(Some(handle)) = HANDLE.get() {
        handle.run_upkeep();
    }
}

/// A try to deliver has ended.
pub fn attempt(channel: &'static str, outcome: &'static str, took: Duration) {
    counter!(ATTEMPTS, "channel" => channel, "outcome" => outcome).increment(1);
    histogram!(DELIVERY, "channel" => channel).record(took.as_secs_f64());
}

/// A notification has come to its end; `late` seconds after its time, if it was sent.
pub fn finished(channel: &'static str, outcome: &'static str, late: Option<f64>) {
    counter!(FINISHED, "channel" => channel, "outcome" => outcome).increment(1);
    if let Some(late) = late {
        histogram!(LATENESS, "channel" => channel).record(late.max(0.0));
    }
}

/// A pass has ended; `written` notifications, or `None` if it broke off.
pub fn pass(took: Duration, written: Option<i64>) {
    counter!(PASSES, "result" => if written.is_some() { "ok" } else { "error" }).increment(1);
    counter!(WRITTEN).increment(written.and_then(|n| u64::try_from(n).ok()).unwrap_or_default());
    histogram!(PASS).record(took.as_secs_f64());
}

/// A request was answered. `route` is the pattern that it matched, never the path.
pub fn request(route: &str, method: &'static str, status: u16, took: Duration) {
    let route = route.to_owned();
    counter!(REQUESTS, "route" => route.clone(), "method" => method, "status" => status.to_string()).increment(1);
    histogram!(REQUEST, "route" => route, "method" => method).record(took.as_secs_f64());
    if status == 429 {
        counter!(LIMITED).increment(1);
    }
}

/// A connection was had after this wait. `access` is `read` or `write`.
pub fn acquired(access: &'static str, waited: Duration) {
    histogram!(ACQUIRE, "access" => access).record(waited.as_secs_f64());
}

/// Sets one of the figures that are read when somebody scrapes. The label, if any, is a name and one of its few values.
#[expect(clippy::cast_precision_loss, reason = "counts below 2^52")]
pub fn set(name: &'static str, labels: &[(&'static str, &'static str)], value: i64) {
    let labels: Vec<Label> = labels.iter().map(Label::from).collect();
    gauge!(name, labels).set(value as f64);
}
