//! Text that may leave the process: replies without control characters, secrets or whole addresses.

use std::borrow::Cow;

/// Longest text kept of a provider's answer, in characters.
const MAX_REPLY: usize = 500;

/// `anna@example.org` → `a***@example.org`; text without an `@` becomes `***`.
#[must_use]
pub fn mask_email(address: &str) -> String {
    match address.rsplit_once('@') {
        Some((local, domain)) => {
            let first = local.chars().next().map(String::from).unwrap_or_default();
            format!("{first}***@{domain}")
        }
        None => "***".to_owned(),
    }
}

/// One line of at most [`MAX_REPLY`] characters: control and direction characters become spaces, runs of blanks one
/// blank, mail addresses are masked.
#[must_use]
pub fn clean_reply(text: &str) -> String {
    let mut line = String::with_capacity(text.len().min(2 * MAX_REPLY));
    // Bounded before anything else: a hostile provider may answer with megabytes.
    for word in
        text.split(|c: char| c.is_whitespace() || is_hostile(c)).filter(|word| !word.is_empty())
    {
        if !line.is_empty() {
            line.push(' ');
        }
        if word.contains('@') {
            line.push_str(&mask_within(word));
        } else {
            line.push_str(word);
        }
        if line.len() > 4 * MAX_REPLY {
            break;
        }
    }
    match line.char_indices().nth(MAX_REPLY) {
        Some((end, _)) => {
            line.truncate(line.char_indices().nth(MAX_REPLY - 1).map_or(end, |(at, _)| at));
            line.push('…');
            line
        }
        None => line,
    }
}

/// Masks every address in a word such as `<anna@example.org>:` or `RCPT:a@b.c,d@e.f`.
fn mask_within(word: &str) -> String {
    let mut out = String::with_capacity(word.len());
    let mut token = String::new();
    let flush = |token: &mut String, out: &mut String| {
        if token.contains('@') {
            out.push_str(&mask_email(token));
        } else {
            out.push_str(token);
        }
        token.clear();
    };
    for c in word.chars() {
        if matches!(
            c,
            '<' | '>' | '(' | ')' | '[' | ']' | ',' | ';' | ':' | '"' | '\'' | '=' | '/' | '|'
        ) {
            flush(&mut token, &mut out);
            out.push(c);
        } else {
            token.push(c);
        }
    }
    flush(&mut token, &mut out);
    out
}

/// A display name or subject that cannot break out of its header: no control, line-separating or direction characters,
/// no encoded-word of RFC 2047 that a reader would decode, at most `max` characters.
#[must_use]
pub(crate) fn header_text(text: &str, max: usize) -> String {
    let mut out = String::with_capacity(text.len().min(4 * max));
    for c in text.chars().take(max) {
        let c = if c.is_whitespace() || is_hostile(c) { ' ' } else { c };
        if c == '?' && out.ends_with('=') {
            out.push(' ');
        }
        if !(c == ' ' && (out.is_empty() || out.ends_with(' '))) {
            out.push(c);
        }
    }
    out.truncate(out.trim_end().len());
    out
}

/// A body as mail wants it: CRLF at every line's end, no other control character but the tab.
pub(crate) fn body_text(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 32 + 2);
    let mut rest = text;
    // By octets, because every mail passes here: 0xC2 begins all C1 controls, and a few characters that stay.
    while let Some(at) =
        rest.bytes().position(|b| (b < b' ' && b != b'\t') || b == 0x7f || b == 0xc2)
    {
        let (before, tail) = rest.split_at(at);
        out.push_str(before);
        let Some(first) = tail.chars().next() else { break };
        let taken = if tail.starts_with("\r\n") { 2 } else { first.len_utf8() };
        match first {
            '\r' | '\n' => out.push_str("\r\n"),
            control if control.is_control() => {}
            stays => out.push(stays),
        }
        rest = &tail[taken..];
    }
    out.push_str(rest);
    out
}

/// At most `max` characters of a text.
pub(crate) fn clipped(text: &str, max: usize) -> Cow<'_, str> {
    match text.char_indices().nth(max) {
        Some((end, _)) => Cow::Owned(format!("{}…", &text[..end])),
        None => Cow::Borrowed(text),
    }
}

/// Control characters, line separators, and characters that change the direction of what follows.
fn is_hostile(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{2028}' | '\u{2029}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_is_one_short_line_without_whole_addresses() {
        assert_eq!(
            clean_reply("5.1.1 <anna@example.org>:\r\nno\0such\u{202e} user"),
            "5.1.1 <a***@example.org>: no such user"
        );
        assert_eq!(clean_reply(&"x".repeat(5_000_000)).chars().count(), MAX_REPLY);
        assert_eq!(clean_reply(&"é ".repeat(5_000)).chars().count(), MAX_REPLY);
    }

    #[test]
    fn names_cannot_carry_line_breaks_or_encoded_words() {
        assert_eq!(header_text("Eve\r\nBcc: x@y.z\u{2028}\u{85}", 80), "Eve Bcc: x@y.z");
        assert_eq!(header_text("=?utf-8?q?evil?=", 80), "= ?utf-8?q?evil?=");
        assert_eq!(header_text(&"n".repeat(5_000), 80).len(), 80);
    }

    #[test]
    fn bodies_end_every_line_with_crlf() {
        assert_eq!(body_text("a\nb\r\nc\rd\0e\tf"), "a\r\nb\r\nc\r\nde\tf");
        assert_eq!(body_text("§\u{85}ü\u{9f}·\u{7f}€\n"), "§ü·€\r\n");
    }
}
