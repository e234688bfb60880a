//! Quoted-printable (RFC 2045 §6.7), in one pass.
//!
//! lettre can do this too, in three passes and octet by octet; that was a quarter of all CPU time of a delivery (`docs/figures.md`).

/// Longest encoded line, the soft line break's `=` included.
const LINE: usize = 76;

const HEX: &[u8; 16] = b"0123456789ABCDEF";

/// Octets that stand for themselves: printable ASCII and the blank, but not `=`.
const PLAIN: [bool; 256] = {
    let mut plain = [false; 256];
    let mut octet = 0x20;
    while octet < 0x7f {
        plain[octet] = octet != b'=' as usize;
        octet += 1;
    }
    plain
};

/// Encodes a text whose lines end with CRLF.
pub(super) fn encode(text: &str) -> Vec<u8> {
    let mut out = Lines { octets: Vec::with_capacity(text.len() + text.len() / 8), column: 0 };
    let mut rest = text.as_bytes();
    while !rest.is_empty() {
        let end = rest.iter().position(|octet| !PLAIN[usize::from(*octet)]).unwrap_or(rest.len());
        let (run, tail) = rest.split_at(end);
        // A blank at the end of a line would be lost on the way.
        match run {
            [before @ .., b' '] if tail.is_empty() || tail.starts_with(b"\r\n") => {
                out.plain(before);
                out.escaped(b' ');
            }
            run => out.plain(run),
        }
        rest = match tail {
            [b'\r', b'\n', next @ ..] => {
                out.end_line();
                next
            }
            [octet, next @ ..] => {
                out.escaped(*octet);
                next
            }
            [] => tail,
        };
    }
    out.octets
}

struct Lines {
    octets: Vec<u8>,
    column: usize,
}

impl Lines {
    fn plain(&mut self, mut run: &[u8]) {
        while self.column + run.len() > LINE - 1 {
            let (now, later) = run.split_at(LINE - 1 - self.column);
            self.octets.extend_from_slice(now);
            self.octets.push(b'=');
            self.end_line();
            run = later;
        }
        self.octets.extend_from_slice(run);
        self.column += run.len();
    }

    fn escaped(&mut self, octet: u8) {
        if self.column + 3 > LINE - 1 {
            self.octets.push(b'=');
            self.end_line();
        }
        let digit = |nibble: u8| HEX[usize::from(nibble)];
        self.octets.extend_from_slice(&[b'=', digit(octet >> 4), digit(octet & 0xf)]);
        self.column += 3;
    }

    fn end_line(&mut self) {
        self.octets.extend_from_slice(b"\r\n");
        self.column = 0;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Decodes as RFC 2045 says, with the blanks at the ends of lines gone, as on the worst of ways.
    fn decode(encoded: &[u8]) -> Vec<u8> {
        let text = std::str::from_utf8(encoded).unwrap();
        let mut out = Vec::new();
        for line in text.split_inclusive("\r\n") {
            let (line, ended) =
                line.strip_suffix("\r\n").map_or((line, false), |line| (line, true));
            let line = line.trim_end_matches([' ', '\t']);
            let (line, soft) = line.strip_suffix('=').map_or((line, false), |line| (line, true));
            let mut octets = line.bytes();
            while let Some(octet) = octets.next() {
                if octet == b'=' {
                    let hex = [octets.next().unwrap(), octets.next().unwrap()];
                    out.push(u8::from_str_radix(std::str::from_utf8(&hex).unwrap(), 16).unwrap());
                } else {
                    out.push(octet);
                }
            }
            if ended && !soft {
                out.extend_from_slice(b"\r\n");
            }
        }
        out
    }

    #[test]
    fn what_is_special_is_escaped_and_the_rest_stays() {
        assert_eq!(encode("a=b \r\n\r\n.c \u{fc}\t"), b"a=3Db=20\r\n\r\n.c =C3=BC=09");
    }

    proptest! {
        #[test]
        fn every_text_comes_back_and_no_line_is_too_long(lines in prop::collection::vec("([ -~]{0,90}|[ =.\t\u{e9}\u{1f980}]{0,60})", 0..6)) {
            let text = lines.join("\r\n");
            let encoded = encode(&text);
            prop_assert_eq!(decode(&encoded), text.as_bytes());
            prop_assert!(encoded.is_ascii());
            prop_assert!(encoded.split(|octet| *octet == b'\n').all(|line| line.len() <= LINE + 1));
        }
    }
}
