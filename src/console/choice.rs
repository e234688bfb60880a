//! What a select offers.

use serde::Serialize;

/// One answer.
#[derive(Serialize)]
pub(super) struct Choice {
    value: &'static str,
    words: &'static str,
    chosen: bool,
}

/// All answers, after one that asks for nothing.
pub(super) fn choices<T: Copy + PartialEq>(
    any: &'static str,
    all: &[T],
    chosen: Option<T>,
    value: fn(T) -> &'static str,
    words: fn(T) -> &'static str,
) -> Vec<Choice> {
    let any = Choice { value: "", words: any, chosen: chosen.is_none() };
    std::iter::once(any)
        .chain(all.iter().map(|one| Choice {
            value: value(*one),
            words: words(*one),
            chosen: chosen == Some(*one),
        }))
        .collect()
}
