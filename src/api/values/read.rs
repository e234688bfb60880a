//! How values are read: each from its JSON, or with the fault that the conventions have for it.

use std::collections::HashSet;
use std::str::FromStr;

use chrono::{DateTime, Datelike, NaiveDate, Utc};
use serde::Deserialize;
use serde::de::{MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::api::body::{Fault, Properties};
use crate::domain::calendar::{DAY_NAMES, Weekdays, parse_time};
use crate::operate::people;

pub(super) fn string(raw: &RawValue) -> Result<String, Fault> {
    if !raw.get().starts_with('"') {
        return Err(Fault::wrong_type("string", raw));
    }
    serde_json::from_str(raw.get())
        .map_err(|_| Fault::new("invalid_string", "The text has half a surrogate pair"))
}

/// A text of `min` to `max` characters in which `allowed` says which control characters may stand.
pub(super) fn text_with(
    min: usize,
    max: usize,
    allowed: impl Fn(char) -> bool,
) -> impl Fn(&RawValue) -> Result<String, Fault> {
    move |raw| {
        let text = string(raw)?;
        check_text(&text, min, max, &allowed)?;
        Ok(text)
    }
}

fn check_text(
    text: &str,
    min: usize,
    max: usize,
    allowed: impl Fn(char) -> bool,
) -> Result<(), Fault> {
    if text.contains(|c: char| c.is_control() && !allowed(c)) {
        return Err(Fault::new("invalid_string", "Control characters are not allowed"));
    }
    let length = text.chars().count();
    if length < min {
        let message = format!("Text must contain at least {min} character(s)");
        return Err(Fault::new("too_small", message));
    }
    if length > max {
        let message = format!("Text must contain at most {max} character(s)");
        return Err(Fault::new("too_big", message));
    }
    Ok(())
}

/// A name: 1 to 200 characters on one line.
pub(super) fn name(raw: &RawValue) -> Result<String, Fault> {
    text_with(1, 200, |_| false)(raw)
}

/// The same, not of blanks alone.
pub(super) fn line(raw: &RawValue) -> Result<String, Fault> {
    let text = name(raw)?;
    if text.trim().is_empty() {
        return Err(Fault::new("invalid_string", "The text is blank"));
    }
    Ok(text)
}

/// A Slack user by the id that Slack gives them.
pub(super) fn slack_user(raw: &RawValue) -> Result<String, Fault> {
    let text = parent(raw)?;
    if people::is_slack_member(&text) {
        Ok(text)
    } else {
        Err(Fault::new("invalid_string", "Invalid Slack user id"))
    }
}

/// A title: up to 200 characters on one line.
pub(super) fn title(raw: &RawValue) -> Result<String, Fault> {
    text_with(0, 200, |_| false)(raw)
}

/// Notes: up to 20,000 characters, on lines, which browsers end with CR LF. They are kept as they came.
pub(super) fn notes(raw: &RawValue) -> Result<String, Fault> {
    let text = string(raw)?;
    check_text(&text.replace("\r\n", "\n"), 0, usize::MAX, |c| matches!(c, '\n' | '\t'))?;
    check_text(&text, 0, 20_000, |_| true)?;
    Ok(text)
}

/// Any other text, such as a foreign id: kept byte for byte. Only NUL cannot be stored.
pub(super) fn free_text(raw: &RawValue) -> Result<String, Fault> {
    text_with(0, usize::MAX, |c| c != '\0')(raw)
}

/// A reference to something: its id or display id. Any text is one; what names nothing is found out when it is looked up.
pub(super) fn reference(raw: &RawValue) -> Result<String, Fault> {
    string(raw)
}

/// A reference that must not be empty.
pub(super) fn parent(raw: &RawValue) -> Result<String, Fault> {
    text_with(1, usize::MAX, |_| true)(raw)
}

/// A time zone by its IANA name.
pub(super) fn time_zone(raw: &RawValue) -> Result<String, Fault> {
    let text = string(raw)?;
    match text.parse::<chrono_tz::Tz>() {
        Ok(_) => Ok(text),
        Err(_) => Err(Fault::new("invalid_string", "Invalid time zone; give an IANA name")),
    }
}

/// A time of day, `07:00`.
pub(super) fn time(raw: &RawValue) -> Result<String, Fault> {
    let text = string(raw)?;
    match parse_time(&text) {
        Some(_) => Ok(text),
        None => Err(Fault::new("invalid_string", "Invalid time; write 07:00")),
    }
}

/// A date, `2026-05-26`.
pub(super) fn date(raw: &RawValue) -> Result<NaiveDate, Fault> {
    let text = string(raw)?;
    let invalid = || Fault::new("invalid_string", "Invalid date; write 2026-05-26");
    let date = NaiveDate::parse_from_str(&text, "%Y-%m-%d").map_err(|_| invalid())?;
    // The parser would let blanks and signs pass.
    let fits = date.to_string() == text && (1..=9999).contains(&date.year());
    if fits { Ok(date) } else { Err(invalid()) }
}

/// Days of the week, `["mon", …]`, at least one.
pub(super) fn weekdays(raw: &RawValue) -> Result<Weekdays, Fault> {
    let names = list(7, |item| {
        let name = string(item)?;
        if DAY_NAMES.contains(&name.as_str()) {
            Ok(name)
        } else {
            Err(Fault::new("invalid_enum_value", "Invalid enum value"))
        }
    })(raw)?;
    Weekdays::parse(&names.join(","))
        .ok_or_else(|| Fault::new("too_small", "List must contain at least 1 element(s)"))
}

/// A span of the day, `{"from": "09:00", "until": "18:00"}`.
pub(super) fn day_span(raw: &RawValue) -> Result<(String, String), Fault> {
    if !raw.get().starts_with('{') {
        return Err(Fault::wrong_type("object", raw));
    }
    let Properties(pairs) = serde_json::from_str(raw.get())
        .map_err(|_| Fault::new("invalid_type", "Expected object"))?;
    let part = |name: &str| {
        let found = pairs.iter().find(|(key, _)| key == name);
        let missing = || Fault::new("missing_field", format!("{name} is required"));
        let read = found.ok_or_else(missing).and_then(|(_, value)| time(value));
        read.map_err(|fault| fault.at(name))
    };
    Ok((part("from")?, part("until")?))
}

/// A list of at most `max` values.
pub(super) fn list<T>(
    max: usize,
    read: impl Fn(&RawValue) -> Result<T, Fault>,
) -> impl Fn(&RawValue) -> Result<Vec<T>, Fault> {
    move |raw| {
        if !raw.get().starts_with('[') {
            return Err(Fault::wrong_type("array", raw));
        }
        // It was checked as JSON with the whole body, so it can only be an array.
        let items: Vec<Box<RawValue>> = serde_json::from_str(raw.get())
            .map_err(|_| Fault::new("invalid_type", "Expected array"))?;
        if items.len() > max {
            let message = format!("List must contain at most {max} element(s)");
            return Err(Fault::new("too_big", message));
        }
        items
            .iter()
            .enumerate()
            .map(|(index, item)| read(item).map_err(|fault| fault.at(index)))
            .collect()
    }
}

/// A truth value.
pub(in crate::api) fn boolean(raw: &RawValue) -> Result<bool, Fault> {
    match raw.get() {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(Fault::wrong_type("boolean", raw)),
    }
}

/// A whole number from `min` to `max`. `1.0` is one, as it is everywhere in JSON; `1.5` is none.
pub(in crate::api) fn integer(min: i64, max: i64) -> impl Fn(&RawValue) -> Result<i64, Fault> {
    move |raw| {
        let text = raw.get();
        if !text.starts_with(|c: char| c == '-' || c.is_ascii_digit()) {
            return Err(Fault::wrong_type("number", raw));
        }
        let small =
            || Fault::new("too_small", format!("Number must be greater than or equal to {min}"));
        let big = || Fault::new("too_big", format!("Number must be less than or equal to {max}"));
        let value = match text.parse::<i128>() {
            Ok(value) => value,
            Err(_) => whole(text)
                .ok_or_else(|| Fault::new("invalid_type", "Expected integer, received float"))?,
        };
        if value < i128::from(min) {
            return Err(small());
        }
        i64::try_from(value).ok().filter(|value| *value <= max).ok_or_else(big)
    }
}

/// A number that is written with a fraction or an exponent, or is too long, as the nearest whole number of 128 bits.
fn whole(text: &str) -> Option<i128> {
    let number: f64 = text.parse().ok()?;
    if number.is_finite() && number.fract() != 0.0 {
        return None;
    }
    #[expect(
        clippy::cast_possible_truncation,
        reason = "saturates, and whatever saturates is out of every range we accept"
    )]
    Some(number as i128)
}

/// One word of a closed vocabulary.
pub(super) fn word<T: FromStr>(raw: &RawValue) -> Result<T, Fault> {
    string(raw)?.parse().map_err(|_| Fault::new("invalid_enum_value", "Invalid enum value"))
}

/// An RFC 3339 instant with any offset, kept to the millisecond.
pub(super) fn instant(raw: &RawValue) -> Result<DateTime<Utc>, Fault> {
    parse_instant(&string(raw)?).ok_or_else(|| Fault::new("invalid_string", "Invalid datetime"))
}

/// Reads an RFC 3339 instant. Years outside 1 to 9999 have no RFC 3339 form in UTC, and are refused.
#[must_use]
pub(in crate::api) fn parse_instant(text: &str) -> Option<DateTime<Utc>> {
    let at = DateTime::parse_from_rfc3339(text).ok()?.to_utc();
    // A leap second becomes the second after it.
    let at = DateTime::from_timestamp_millis(at.timestamp_millis())?;
    (1..=9999).contains(&at.year()).then_some(at)
}

/// A mail address that can be written to, in lower case.
pub(super) fn email(raw: &RawValue) -> Result<String, Fault> {
    people::mail_address(&string(raw)?).ok_or_else(|| Fault::new("invalid_string", "Invalid email"))
}

/// A handle for URLs.
pub(super) fn slug(raw: &RawValue) -> Result<String, Fault> {
    let text = text_with(1, usize::MAX, |_| true)(raw)?;
    let fits = text.split('-').all(|part| {
        !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
    });
    if fits { Ok(text) } else { Err(Fault::new("invalid_string", "Invalid slug")) }
}

/// A JSON object of up to 16 KiB, as the text it came in: a number that is read and written again would not be the same.
pub(super) fn metadata(raw: &RawValue) -> Result<String, Fault> {
    if !raw.get().starts_with('{') {
        return Err(Fault::wrong_type("object", raw));
    }
    if raw.get().len() > 16 * 1024 {
        return Err(Fault::new("too_big", "Metadata must be at most 16 KiB"));
    }
    let Readable = serde_json::from_str(raw.get()).map_err(|_| {
        let message = "It holds a number out of range, half a surrogate pair, or a key twice";
        Fault::new("custom", message)
    })?;
    Ok(raw.get().to_owned())
}

/// JSON that every reader reads in the same way. Makes nothing of it.
struct Readable;

impl<'de> Deserialize<'de> for Readable {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Self)
    }
}

impl<'de> Visitor<'de> for Readable {
    type Value = Self;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_str<E>(self, _: &str) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self, A::Error> {
        while items.next_element::<Self>()?.is_some() {}
        Ok(self)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut pairs: A) -> Result<Self, A::Error> {
        let mut keys = HashSet::new();
        while let Some((key, Self)) = pairs.next_entry::<String, Self>()? {
            if !keys.insert(key) {
                return Err(serde::de::Error::custom("a key twice"));
            }
        }
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn raw(json: &str) -> Box<RawValue> {
        RawValue::from_string(json.to_owned()).unwrap()
    }

    #[rstest]
    #[case("1", Ok(1))]
    #[case("30", Ok(30))]
    #[case("1.0", Ok(1))]
    #[case("3e0", Ok(3))]
    #[case("0", Err("too_small"))]
    #[case("-1", Err("too_small"))]
    #[case("-9223372036854775809", Err("too_small"))]
    #[case("-1e400", Err("too_small"))]
    #[case("31", Err("too_big"))]
    #[case("9223372036854775808", Err("too_big"))]
    #[case("1e400", Err("too_big"))]
    #[case("1.5", Err("invalid_type"))]
    #[case("\"1\"", Err("invalid_type"))]
    #[case("null", Err("invalid_type"))]
    #[case("true", Err("invalid_type"))]
    #[case("[1]", Err("invalid_type"))]
    fn a_whole_number_is_read_whatever_way_it_is_written(
        #[case] json: &str,
        #[case] expected: Result<i64, &str>,
    ) {
        assert_eq!(integer(1, 30)(&raw(json)).map_err(|fault| fault.code), expected);
    }

    #[rstest]
    #[case("2026-05-26T17:21:09.4129Z", Some("2026-05-26T17:21:09.412Z"))]
    #[case("2026-05-26T19:21:09+02:00", Some("2026-05-26T17:21:09Z"))]
    #[case("2026-06-30T23:59:60Z", Some("2026-07-01T00:00:00Z"))]
    #[case("2026-05-26", None)]
    #[case("0000-01-01T00:00:00Z", None)]
    #[case("9999-12-31T23:59:59-01:00", None)]
    #[case("99999-01-01T00:00:00Z", None)]
    #[case("", None)]
    fn an_instant_may_have_any_offset_but_not_any_year(
        #[case] text: &str,
        #[case] expected: Option<&str>,
    ) {
        assert_eq!(parse_instant(text), expected.map(|text| text.parse().unwrap()));
    }

    #[rstest]
    #[case("a@acme.com", true)]
    #[case("A.B+c@Acme.COM", true)]
    #[case("a@localhost", false)]
    #[case("a@[127.0.0.1]", false)]
    #[case("-oQ/tmp@b.c", true)]
    #[case("a b@acme.com", false)]
    #[case("a@acme.com\\r\\nBcc: x@y.z", false)]
    #[case("acme.com", false)]
    fn an_address_must_be_one_that_mail_can_go_to(#[case] text: &str, #[case] good: bool) {
        let read = email(&raw(&format!("\"{text}\"")));
        assert_eq!(read.is_ok(), good);
        if let Ok(address) = read {
            assert_eq!(address, text.to_lowercase());
        }
    }

    #[rstest]
    #[case("07:00", true)]
    #[case("23:59", true)]
    #[case("24:00", false)]
    #[case(" 7:00", false)]
    #[case("+7:00", false)]
    #[case("7:00", false)]
    #[case("07:60", false)]
    fn a_time_is_written_in_one_way(#[case] text: &str, #[case] good: bool) {
        assert_eq!(time(&raw(&format!("\"{text}\""))).is_ok(), good);
    }

    #[rstest]
    #[case("2026-05-26", true)]
    #[case("0001-01-01", true)]
    #[case("0000-01-01", false)]
    #[case("2026-02-30", false)]
    #[case("2026- 5-26", false)]
    #[case("+2026-5-26", false)]
    #[case("10000-01-01", false)]
    fn a_date_is_written_in_one_way(#[case] text: &str, #[case] good: bool) {
        assert_eq!(date(&raw(&format!("\"{text}\""))).is_ok(), good);
    }
}
