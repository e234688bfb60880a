//! Settings become ways out of the process.

use std::time::Duration;

use rustls::pki_types::CertificateDer;
use secrecy::{ExposeSecret, SecretString};

use crate::config::Config;
use crate::deliver::{
    self, Deliverers, EmailProvider, SlackConfig, SlackProvider, SmtpConfig, SmtpTimeouts,
};
use crate::domain::facts::Channels;

/// How messages leave, as the settings say.
pub struct Ways {
    /// Both providers.
    pub deliverers: Deliverers,
    /// Which channels can be used.
    pub channels: Channels,
    /// Whether messages are only captured.
    pub captured: bool,
}

impl Ways {
    /// Whether messages are only captured, as no provider is configured.
    pub(super) fn captured(config: &Config) -> bool {
        let Config { mail, slack, .. } = config;
        mail.smtp_url.expose_secret().is_empty() && slack.bot_token.expose_secret().is_empty()
    }

    /// The providers. Neither configured: everything is captured. Exactly one: the other channel cannot be reached.
    pub fn of(config: &Config) -> anyhow::Result<Self> {
        let smtp = Self::smtp(config)?;
        let slack = Self::slack(config)?;
        let (email, slack, channels, captured) = match (smtp, slack) {
            (None, None) => (EmailProvider::Captured, SlackProvider::Captured, Channels::ALL, true),
            (Some(smtp), None) => {
                let channels = Channels { email: true, slack: false };
                (EmailProvider::Smtp(smtp), SlackProvider::Unreachable, channels, false)
            }
            (None, Some(slack)) => {
                let channels = Channels { email: false, slack: true };
                (EmailProvider::Unreachable, SlackProvider::Slack(slack), channels, false)
            }
            (Some(smtp), Some(slack)) => {
                (EmailProvider::Smtp(smtp), SlackProvider::Slack(slack), Channels::ALL, false)
            }
        };
        Ok(Self { deliverers: Deliverers::new(email, slack)?, channels, captured })
    }

    fn smtp(config: &Config) -> anyhow::Result<Option<SmtpConfig>> {
        let mail = &config.mail;
        let url = mail.smtp_url.expose_secret();
        if url.is_empty() {
            return Ok(None);
        }
        let password = Some(mail.smtp_password.expose_secret()).filter(|p| !p.is_empty());
        let mut smtp = SmtpConfig::parse(url, &mail.from, password.map(SecretString::from))
            .map_err(anyhow::Error::msg)?;
        smtp.extra_roots = Self::extra_roots(config)?;
        smtp.max_sessions = mail.sessions;
        smtp.timeouts = SmtpTimeouts {
            connect: Duration::from_secs(mail.connect_timeout_seconds),
            banner: Duration::from_secs(mail.banner_timeout_seconds),
            command: Duration::from_secs(mail.command_timeout_seconds),
            body: Duration::from_secs(mail.body_timeout_seconds),
            answer: Duration::from_secs(mail.answer_timeout_seconds),
        };
        Ok(Some(smtp))
    }

    fn slack(config: &Config) -> anyhow::Result<Option<SlackConfig>> {
        let settings = &config.slack;
        let token = settings.bot_token.expose_secret();
        if token.is_empty() {
            return Ok(None);
        }
        let mut slack =
            SlackConfig::parse(token, Some(&settings.api_url)).map_err(anyhow::Error::msg)?;
        slack.extra_roots = Self::extra_roots(config)?;
        slack.per_team = Duration::from_secs(1) / settings.posts_per_second.max(1);
        Ok(Some(slack))
    }

    pub(super) fn extra_roots(config: &Config) -> anyhow::Result<Vec<CertificateDer<'static>>> {
        let path = &config.tls.extra_roots;
        if path.is_empty() { Ok(Vec::new()) } else { Ok(deliver::read_roots(path.as_ref())?) }
    }
}
