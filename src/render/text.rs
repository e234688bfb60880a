//! The plain-text part: wrapped lines in an ASCII frame.

use textwrap::{Options, WordSeparator, WordSplitter};

use super::words::plain;

/// Columns of the text part; below the 76 that survive every gateway.
const WIDTH: usize = 72;

/// The rule under a heading.
pub(super) const FRAME: &str =
    "------------------------------------------------------------------------";

/// `text` wrapped, its first line indented by `first`, the others by `rest`. Neither a name nor a link is ever broken.
pub(super) fn wrap(text: &str, first: &str, rest: &str) -> String {
    // Most of what we say fits: nothing is wider than it is long in octets.
    if first.len() + text.len() <= WIDTH && !text.contains('\n') {
        let line = format!("{first}{}", text.trim_end_matches(' '));
        return plain(&line).into_owned();
    }
    let options = Options::new(WIDTH)
        .initial_indent(first)
        .subsequent_indent(rest)
        .word_separator(WordSeparator::AsciiSpace)
        .word_splitter(WordSplitter::NoHyphenation)
        .break_words(false);
    plain(&textwrap::fill(text, options)).into_owned()
}

/// A paragraph.
pub(super) fn paragraph(text: &str) -> String {
    wrap(text, "", "")
}

/// An item of a list.
pub(super) fn listed(text: &str) -> String {
    wrap(text, "  * ", "    ")
}

/// With the apostrophe of a typewriter.
pub(super) fn ascii(text: &str) -> String {
    text.replace('’', "'")
}

/// Sentences about an onboarding, under its first line.
pub(super) fn indented(text: &str) -> String {
    wrap(text, "   ", "   ")
}

/// A link under its words, alone on its line, for it is long and must not be broken.
pub(super) fn link(words: &str, url: &str) -> String {
    let short = format!("   {words}: {url}");
    if short.chars().count() <= WIDTH + 4 { short } else { format!("   {words}:\n{url}") }
}

/// Labels and links as two columns, each link at the end of its line.
pub(super) fn links(links: &[(&str, &str)]) -> Vec<String> {
    let width = links.iter().map(|(label, _)| label.chars().count()).max().unwrap_or_default() + 1;
    links
        .iter()
        .map(|(label, url)| {
            let aligned = format!("{:width$}  {url}", format!("{label}:"));
            if aligned.chars().count() <= WIDTH + 4 { aligned } else { format!("{label}:\n{url}") }
        })
        .collect()
}
