//! Which mail addresses are never handed to a relay.

use std::net::IpAddr;

use lettre::Address;

/// Why nothing may be sent to this address, or `None` if it looks deliverable.
///
/// Stricter than RFC 5321 where leniency hurts: a leading `-` could become an option of a relay's program, a domain
/// without a dot is a typing error (unless it is this machine), and 254 octets is the most a path can carry.
#[must_use]
pub fn refusal(address: &str) -> Option<&'static str> {
    if address.len() > 254 {
        return Some("the address is longer than 254 characters");
    }
    if address.starts_with('-') {
        return Some("the address starts with a hyphen");
    }
    let Ok(parsed) = address.parse::<Address>() else {
        return Some("this is not a mail address");
    };
    let domain = parsed.domain();
    let literal =
        domain.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(domain);
    if let Ok(ip) = literal.strip_prefix("IPv6:").unwrap_or(literal).parse::<IpAddr>() {
        return (!ip.is_loopback()).then_some("the address names a machine by number");
    }
    if domain != "localhost" && !domain.contains('.') {
        return Some("the domain of the address has no dot");
    }
    None
}

/// The form for the wire: a domain outside ASCII in its ASCII form (RFC 5891). The part before the `@` stays as it is.
pub(super) fn ascii_domain(address: &str) -> String {
    if address.is_ascii() {
        return address.to_owned();
    }
    match address.rsplit_once('@') {
        Some((local, domain)) => match url::Host::parse(domain) {
            Ok(host) => format!("{local}@{host}"),
            Err(_) => address.to_owned(),
        },
        None => address.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_that_a_relay_can_deliver_pass() {
        for good in [
            "anna@example.org",
            "a.b+c@sub.example.org",
            "root@localhost",
            "x@[127.0.0.1]",
            "ü@bücher.example",
        ] {
            assert_eq!(refusal(good), None, "{good}");
        }
        for bad in [
            "-oQ/x@example.org",
            "a@intranet",
            "a@[10.0.0.1]",
            "a b@example.org",
            "a@b.c\r\nRCPT TO:<x@y.z>",
            "",
            "@",
        ] {
            assert!(refusal(bad).is_some(), "{bad}");
        }
        assert!(refusal(&format!("{}@example.org", "a".repeat(260))).is_some());
    }

    #[test]
    fn a_domain_outside_ascii_gets_its_ascii_form() {
        assert_eq!(ascii_domain("anna@bücher.example"), "anna@xn--bcher-kva.example");
    }
}
