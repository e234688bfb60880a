//! Settings: the documented defaults of `config/default.toml`, overlaid by `config/local.toml`, then the environment, then flags.
//!
//! Every error is one line that names the setting and says what to do; no error and no `Debug` shows a secret.

use std::time::Duration;

use figment::Figment;
use figment::providers::{Env, Format, Serialized, Toml};
use ipnet::IpNet;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use crate::db::DbOptions;

/// The defaults, as shipped.
pub const DEFAULTS: &str = include_str!("../config/default.toml");

/// A century: the longest that anything can be kept.
const MOST_DAYS: u32 = 36_500;

/// Environment variables with a name of their own, and the settings they set.
const NAMED: [(&str, &str); 12] = [
    ("DATABASE_URL", "database.url"),
    ("LISTEN", "http.listen"),
    ("PUBLIC_URL", "http.public_url"),
    ("SMTP_URL", "mail.smtp_url"),
    ("SMTP_PASSWORD", "mail.smtp_password"),
    ("MAIL_FROM", "mail.from"),
    ("SLACK_BOT_TOKEN", "slack.bot_token"),
    ("SLACK_API_URL", "slack.api_url"),
    ("SLACK_SIGNING_SECRET", "slack.signing_secret"),
    ("LINK_SECRET", "links.secret"),
    ("ONBOARDING_URL", "links.onboarding_url"),
    ("OTEL_EXPORTER_OTLP_ENDPOINT", "traces.endpoint"),
];

/// Everything that can be set.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The database.
    pub database: Database,
    /// The HTTP server.
    pub http: Http,
    /// Outgoing mail.
    pub mail: Mail,
    /// Slack.
    pub slack: Slack,
    /// Links in messages.
    pub links: Links,
    /// What runs by the clock.
    pub schedules: Schedules,
    /// The worker.
    pub worker: Worker,
    /// How long things are kept.
    pub retention: Retention,
    /// Certificates.
    pub tls: Tls,
    /// Logs.
    pub log: Log,
    /// Figures for Prometheus.
    pub metrics: Metrics,
    /// Traces.
    pub traces: Traces,
    /// Who is told when something asks for an operator.
    pub alerts: Alerts,
}

/// `[database]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Database {
    /// Where it is; may hold a password.
    pub url: SecretString,
    /// Pool of the API.
    pub connections: u32,
    /// Pool of scheduler and worker.
    pub worker_connections: u32,
    /// Wait for a free connection.
    pub acquire_timeout_seconds: u64,
    /// Longest statement, longest wait for a lock.
    pub statement_timeout_seconds: u64,
}

/// `[http]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Http {
    /// Address to listen on.
    pub listen: String,
    /// Base of links; empty for `http://<listen>`.
    pub public_url: String,
    /// Proxies in front of us, whose word for the caller's address is taken.
    pub trusted_proxies: Vec<IpNet>,
}

/// `[mail]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mail {
    /// Where the relay is; empty for none. May hold a password.
    pub smtp_url: SecretString,
    /// Password, if not in the URL.
    pub smtp_password: SecretString,
    /// Sender.
    pub from: String,
    /// Connections at most.
    pub sessions: usize,
    /// TCP connect and TLS.
    pub connect_timeout_seconds: u64,
    /// The greeting.
    pub banner_timeout_seconds: u64,
    /// Each command.
    pub command_timeout_seconds: u64,
    /// Sending the message.
    pub body_timeout_seconds: u64,
    /// Waiting for its acceptance.
    pub answer_timeout_seconds: u64,
    /// Postal address under mails.
    pub footer_address: String,
}

/// `[slack]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Slack {
    /// Bot token; empty for none.
    pub bot_token: SecretString,
    /// Slack's API, or a fake of it.
    pub api_url: String,
    /// Verifies what Slack sends to us.
    pub signing_secret: SecretString,
    /// Posts per second at most.
    pub posts_per_second: u32,
}

/// `[links]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Links {
    /// Where a message links to, with `{display_id}`; empty for no links.
    pub onboarding_url: String,
    /// Signs links without login.
    pub secret: SecretString,
}

/// `[schedules]`: cron expressions, seconds first, in UTC.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Schedules {
    /// The pass.
    pub scan: String,
    /// Messages as they were rendered.
    pub prune_messages: String,
    /// The ledger.
    pub prune_notifications: String,
    /// Finished jobs.
    pub prune_jobs: String,
    /// Answers kept for repeated requests.
    pub prune_answers: String,
}

impl Schedules {
    /// Each setting by its key.
    #[must_use]
    pub fn by_name(&self) -> [(&'static str, &str); 5] {
        [
            ("scan", &self.scan),
            ("prune_messages", &self.prune_messages),
            ("prune_notifications", &self.prune_notifications),
            ("prune_jobs", &self.prune_jobs),
            ("prune_answers", &self.prune_answers),
        ]
    }
}

/// `[worker]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Worker {
    /// Deliveries at once.
    pub in_flight: u32,
    /// Lease without a heartbeat.
    pub lease_seconds: u64,
    /// Time to finish after SIGTERM.
    pub grace_seconds: u64,
    /// Second copy of staff mail of unknown outcome.
    pub resend_after_seconds: i64,
}

/// `[retention]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Retention {
    /// Messages as they were rendered.
    pub messages_days: u32,
    /// The ledger.
    pub notifications_days: u32,
    /// Finished jobs.
    pub jobs_days: u32,
}

/// `[tls]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// File of certificates that are trusted besides the system's; empty for none.
    pub extra_roots: String,
}

/// `[log]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Log {
    /// `human` or `json`.
    pub format: String,
    /// A level or a tracing filter.
    pub level: String,
}

/// `[metrics]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Metrics {
    /// Address of its own for `/metrics` and the probes; empty for beside the API.
    pub listen: String,
}

/// `[traces]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Traces {
    /// Where spans go, by OTLP over HTTP; empty for nowhere.
    pub endpoint: String,
}

/// `[alerts]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Alerts {
    /// Mail address of the operators; empty for none.
    pub email: String,
    /// Slack id of an operator; empty for none.
    pub slack: String,
    /// Asked for after each healthy minute; empty for none. May hold a secret.
    pub ping_url: SecretString,
}

/// A setting is missing or wrong: one line that names it.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct ConfigError(pub String);

impl Config {
    /// Reads all layers. `flags` are settings given on the command line, by key (`database.url`).
    pub fn load(flags: &[(&str, String)]) -> Result<Self, ConfigError> {
        let mut layers =
            Figment::from(Toml::string(DEFAULTS)).merge(Toml::file("config/local.toml"));
        layers = layers.merge(Env::prefixed("PIVOTAL_").split("__"));
        for (variable, key) in NAMED {
            if let Some(value) = named(variable)? {
                layers = layers.merge(Serialized::default(key, value));
            }
        }
        for (key, value) in flags {
            layers = layers.merge(Serialized::default(key, value));
        }
        let config: Self = layers.extract().map_err(|error| ConfigError(explain(&error)))?;
        config.validate()?;
        Ok(config)
    }

    fn validate(&self) -> Result<(), ConfigError> {
        let wrong = |message: &str| Err(ConfigError(message.to_owned()));
        let is_address = |listen: &str| {
            listen
                .rsplit_once(':')
                .is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok())
        };
        let metrics = &self.metrics.listen;
        if !metrics.is_empty() && !is_address(metrics) {
            return wrong(&format!(
                "metrics.listen: {metrics:?} is no address; write one like 127.0.0.1:9464, or nothing for the API's"
            ));
        }
        for (name, url) in [
            ("OTEL_EXPORTER_OTLP_ENDPOINT (traces.endpoint)", self.traces.endpoint.as_str()),
            ("alerts.ping_url", self.alerts.ping_url.expose_secret()),
        ] {
            let is_url = url::Url::parse(url).is_ok_and(|u| matches!(u.scheme(), "http" | "https"));
            if !url.is_empty() && !is_url {
                return wrong(&format!("{name}: must be an http(s) address"));
            }
        }
        let Alerts { email, slack, .. } = &self.alerts;
        if !email.is_empty() && !email.contains('@') {
            return wrong("alerts.email: must be a mail address");
        }
        if !slack.is_empty() && !slack.starts_with(['U', 'W', 'D']) {
            return wrong(
                "alerts.slack: must be the id of a person or a direct conversation on Slack, like U012AB3CD; what operators are told names customers' troubles, and a channel may have guests",
            );
        }
        if !is_address(&self.http.listen) {
            return wrong(&format!(
                "LISTEN (http.listen): {:?} is no address; write one like 127.0.0.1:8080",
                self.http.listen
            ));
        }
        if self.database.connections == 0 || self.database.worker_connections == 0 {
            return wrong(
                "database.connections and database.worker_connections must be at least 1",
            );
        }
        if self.worker.in_flight == 0 || self.mail.sessions == 0 {
            return wrong("worker.in_flight and mail.sessions must be at least 1");
        }
        if self.worker.lease_seconds < 3 {
            return wrong(
                "worker.lease_seconds must be at least 3, or a heartbeat that is a little late loses every lease",
            );
        }
        if !(0..=86_400).contains(&self.worker.resend_after_seconds) {
            return wrong("worker.resend_after_seconds must be between 0 and 86400");
        }
        if !self.mail.smtp_url.expose_secret().is_empty() && self.mail.from.is_empty() {
            return wrong(
                "MAIL_FROM (mail.from): SMTP_URL is set, so a sender is needed; write \"Reminders <reminders@example.com>\"",
            );
        }
        let Retention { messages_days, notifications_days, jobs_days } = self.retention;
        if ![messages_days, jobs_days].iter().all(|days| (1..=MOST_DAYS).contains(days)) {
            return wrong(
                "retention.messages_days and retention.jobs_days must be between 1 and 36500",
            );
        }
        if !(400..=MOST_DAYS).contains(&notifications_days) {
            return wrong(
                "retention.notifications_days must be between 400 and 36500: the keys in the ledger keep a reminder from being sent twice",
            );
        }
        let url = &self.links.onboarding_url;
        if !url.is_empty() && (!url.contains("{display_id}") || !url.starts_with("http")) {
            return wrong(
                "links.onboarding_url must be an http(s) address that contains {display_id}",
            );
        }
        if (1..32).contains(&self.links.secret.expose_secret().len()) {
            return wrong(
                "LINK_SECRET (links.secret) must have at least 32 characters, or be left out: then one is made and kept in the database",
            );
        }
        if !matches!(self.log.format.as_str(), "human" | "json") {
            return wrong("log.format must be human or json");
        }
        if let Err(error) = tracing_subscriber::EnvFilter::try_new(&self.log.level) {
            return wrong(&format!(
                "log.level: {error}; write a level like info, or levels by module like info,sqlx=debug"
            ));
        }
        Ok(())
    }

    /// How to open the database for whoever asks for something.
    #[must_use]
    pub fn database(&self) -> DbOptions {
        DbOptions {
            url: self.database.url.expose_secret().to_owned(),
            connections: self.database.connections,
            acquire_timeout: Duration::from_secs(self.database.acquire_timeout_seconds),
            statement_timeout: Duration::from_secs(self.database.statement_timeout_seconds),
            steady_plans: false,
            create: false,
        }
    }

    /// How to open the database for passes and deliveries.
    #[must_use]
    pub fn pipeline_database(&self) -> DbOptions {
        let connections = self.database.worker_connections;
        DbOptions { connections, steady_plans: true, ..self.database() }
    }

    /// Base of links to this service.
    #[must_use]
    pub fn public_url(&self) -> String {
        if self.http.public_url.is_empty() {
            format!("http://{}", self.http.listen)
        } else {
            self.http.public_url.trim_end_matches('/').to_owned()
        }
    }
}

/// The value of a named variable, or of the file that `NAME_FILE` names.
fn named(variable: &str) -> Result<Option<String>, ConfigError> {
    let file = format!("{variable}_FILE");
    if let Ok(path) = std::env::var(&file) {
        let text = std::fs::read_to_string(&path)
            .map_err(|error| ConfigError(format!("{file}: cannot read {path}: {error}")))?;
        return Ok(Some(text.trim_end_matches(['\r', '\n']).to_owned()));
    }
    Ok(std::env::var(variable).ok())
}

/// The first fault, with the key and where it was set, without the value: it may be a secret.
fn explain(error: &figment::Error) -> String {
    use figment::error::Kind;
    let Some(first) = error.clone().into_iter().next() else {
        return "the settings cannot be read".to_owned();
    };
    let key = first.path.join(".");
    let place = first
        .metadata
        .as_ref()
        .map_or(String::new(), |metadata| format!(" (set in {})", metadata.name));
    match &first.kind {
        Kind::InvalidType(_, expected) | Kind::InvalidValue(_, expected) => {
            let expected = match expected.as_str() {
                "u16" | "u32" | "u64" | "usize" => "a whole number, 0 or more".to_owned(),
                "i32" | "i64" => "a whole number".to_owned(),
                other => other.to_owned(),
            };
            format!("{key}: must be {expected}{place}")
        }
        Kind::UnknownField(field, _) => {
            format!("{field}: there is no such setting{place}; config/default.toml lists them all")
        }
        Kind::MissingField(field) => format!("{field}: is missing{place}"),
        other => format!("{key}: {other}{place}").lines().collect::<Vec<_>>().join(" "),
    }
}
