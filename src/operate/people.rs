//! How people can be reached, as every surface accepts it.

/// A mail address that can be written to, in lower case; `None` where there is doubt.
#[must_use]
pub fn mail_address(text: &str) -> Option<String> {
    let text = text.to_lowercase();
    let address: lettre::Address = text.parse().ok()?;
    let domain = address.domain();
    // What SMTP servers are known to trip over.
    let dubious = text.len() > 254
        || !domain.contains('.')
        || domain.starts_with(['.', '[', '-'])
        || text.contains(|c: char| c.is_control() || c.is_whitespace());
    (!dubious).then_some(text)
}

/// Whether it is the id of a member of Slack, `U…` or `W…`: a personal message must never be able to name a channel.
#[must_use]
pub fn is_slack_member(id: &str) -> bool {
    id.len() <= 32
        && id.starts_with(['U', 'W'])
        && id.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
}
