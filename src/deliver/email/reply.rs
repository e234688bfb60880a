//! A server's answer, read strictly (RFC 5321 §4.2, enhanced codes of RFC 3463).

use super::super::text::clean_reply;

/// A complete answer of one or more lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reply {
    /// The three digits.
    pub(super) code: u16,
    /// The text of every line, without code and line end.
    pub(super) lines: Vec<String>,
}

impl Reply {
    pub(super) fn is_positive(&self) -> bool {
        (200..300).contains(&self.code)
    }

    /// The enhanced status code at the head of the text, if its digits are plausible.
    pub(super) fn enhanced(&self) -> Option<(u16, u16, u16)> {
        let word = self.lines.first()?.split_whitespace().next()?;
        let mut parts = word.split('.');
        let class = parts.next()?;
        let (subject, detail) = (parts.next()?, parts.next()?);
        if parts.next().is_some()
            || !matches!(class, "2" | "4" | "5")
            || subject.len() > 3
            || detail.len() > 3
        {
            return None;
        }
        Some((class.parse().ok()?, subject.parse().ok()?, detail.parse().ok()?))
    }

    /// The digit that decides: the enhanced code's class if there is one, else the first digit of the reply code.
    pub(super) fn class(&self) -> u16 {
        self.enhanced().map_or(self.code / 100, |(class, ..)| class)
    }

    /// One clean line: code and text.
    pub(super) fn text(&self) -> String {
        clean_reply(&format!("{} {}", self.code, self.lines.join(" ")))
    }

    /// What the server calls the message, where it says so ("queued as 4XbF2k").
    pub(super) fn queue_id(&self) -> Option<String> {
        let text = self.lines.join(" ");
        let (_, after) = text.split_once("queued as ")?;
        let id: String = after
            .chars()
            .take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
            .take(100)
            .collect();
        (!id.is_empty()).then_some(id)
    }
}

/// One line of an answer, without its CRLF: code, whether it is the last one, text. `None` if it is not one.
pub(super) fn parse_line(line: &[u8]) -> Option<(u16, bool, String)> {
    let (digits, rest) = line.split_at_checked(3)?;
    if !matches!(digits[0], b'2'..=b'5') || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let code = digits.iter().fold(0, |code, digit| code * 10 + u16::from(digit - b'0'));
    let (last, text) = match rest.split_first() {
        None => (true, rest),
        Some((b' ', text)) => (true, text),
        Some((b'-', text)) => (false, text),
        Some(_) => return None,
    };
    if text.contains(&b'\r') || text.contains(&0) {
        return None;
    }
    Some((code, last, String::from_utf8_lossy(text).into_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(code: u16, text: &str) -> Reply {
        Reply { code, lines: vec![text.to_owned()] }
    }

    #[test]
    fn the_enhanced_class_wins_over_the_code() {
        assert_eq!(reply(550, "4.7.1 later").class(), 4);
        assert_eq!(reply(450, "5.1.1 gone").class(), 5);
        assert_eq!(reply(550, "no such user").class(), 5);
        assert_eq!(reply(550, "192.168.1.1 is listed").class(), 5);
        assert_eq!(reply(450, "9.9.9 what").class(), 4);
    }

    #[test]
    fn anything_but_three_digits_and_a_text_is_no_line() {
        assert_eq!(parse_line(b"250-SIZE 10"), Some((250, false, "SIZE 10".to_owned())));
        assert_eq!(parse_line(b"354"), Some((354, true, String::new())));
        for bad in [
            &b"25"[..],
            b"2x0 ok",
            b"999 ok",
            b"250_ok",
            b"100 ok",
            b"250 a\rb",
            b"250 a\0b",
            b"HTTP/1.1 400",
        ] {
            assert_eq!(parse_line(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn the_queue_id_is_the_servers_name_for_the_message() {
        assert_eq!(
            reply(250, "2.0.0 Ok: queued as 4XbF2k (x)").queue_id().as_deref(),
            Some("4XbF2k")
        );
        assert_eq!(reply(250, "ok").queue_id(), None);
    }
}
