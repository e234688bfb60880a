//! The kinds of values that requests are made of: how each is read, and what the reference says of it. The two stand side by side, so
//! that neither can promise what the other does not keep.

mod read;

use std::borrow::Cow;
use std::marker::PhantomData;
use std::str::FromStr;

use chrono::{DateTime, NaiveDate, Utc};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::value::RawValue;

pub(super) use self::read::{boolean, integer, parse_instant};
use self::read::{
    date, day_span, email, free_text, instant, line, list, metadata, name, notes, parent,
    reference, slack_user, slug, time, time_zone, title, weekdays, word,
};
use super::body::Fault;
use crate::domain::calendar::Weekdays;

/// A kind of value.
pub(super) trait Value: JsonSchema {
    /// What is made of it.
    type Read;

    /// Reads it.
    fn read(raw: &RawValue) -> Result<Self::Read, Fault>;
}

/// Kinds with their readers and schemas.
macro_rules! values {
    ($($(#[doc = $about:literal])* $name:ident -> $read:ty = $reader:expr, $schema:tt;)*) => {$(
        $(#[doc = $about])*
        pub(super) enum $name {}

        impl Value for $name {
            type Read = $read;

            fn read(raw: &RawValue) -> Result<$read, Fault> {
                $reader(raw)
            }
        }

        impl JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!($schema)
            }
        }
    )*};
}

values! {
    /// 1 to 200 characters on one line.
    Name -> String = name, {
        "type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[^\\u0000-\\u001f\\u007f-\\u009f]*$"
    };
    /// The same, not of blanks alone.
    Line -> String = line, {
        "type": "string", "minLength": 1, "maxLength": 200,
        "pattern": "^[^\\u0000-\\u001f\\u007f-\\u009f]*[^\\s\\u0000-\\u001f\\u007f-\\u009f][^\\u0000-\\u001f\\u007f-\\u009f]*$"
    };
    /// Up to 200 characters on one line.
    Title -> String = title, {
        "type": "string", "maxLength": 200, "pattern": "^[^\\u0000-\\u001f\\u007f-\\u009f]*$"
    };
    /// Up to 20,000 characters, on lines.
    Notes -> String = notes, {
        "type": "string", "maxLength": 20000, "pattern": "^([^\\u0000-\\u0008\\u000b-\\u001f\\u007f-\\u009f]|\\r\\n)*$"
    };
    /// Any other text, such as a foreign id.
    FreeText -> String = free_text, { "type": "string", "pattern": "^[^\\u0000]*$" };
    /// A template of a part of a message.
    TemplateSource -> String = free_text, { "type": "string", "format": "minijinja" };
    /// An id or display id of something that need not exist.
    Reference -> String = reference, { "type": "string" };
    /// An id or display id.
    Parent -> String = parent, { "type": "string", "minLength": 1 };
    /// The IANA name of a time zone.
    TimeZone -> String = time_zone, { "type": "string" };
    /// A time of day.
    Time -> String = time, { "type": "string", "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9]$" };
    /// A date.
    Date -> NaiveDate = date, { "type": "string", "format": "date" };
    /// Days of the week.
    Days -> Weekdays = weekdays, {
        "type": "array", "items": { "type": "string", "enum": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"] },
        "minItems": 1, "maxItems": 7
    };
    /// A span of the day.
    DaySpan -> (String, String) = day_span, {
        "type": "object",
        "properties": {
            "from": { "type": "string", "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9]$" },
            "until": { "type": "string", "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9]$" }
        },
        "required": ["from", "until"]
    };
    /// A truth value.
    Boolean -> bool = boolean, { "type": "boolean" };
    /// An instant.
    At -> DateTime<Utc> = instant, { "type": "string", "format": "date-time" };
    /// A mail address.
    Email -> String = email, { "type": "string", "format": "email" };
    /// A handle for URLs.
    Slug -> String = slug, { "type": "string", "minLength": 1, "pattern": "^[a-z0-9]+(-[a-z0-9]+)*$" };
    /// A Slack user.
    SlackUser -> String = slack_user, { "type": "string", "maxLength": 32, "pattern": "^[UW][0-9A-Z]*$" };
    /// A JSON object.
    Metadata -> String = metadata, { "type": "object", "additionalProperties": true };
}

/// A whole number from `MIN` to `MAX`.
pub(super) enum Integer<const MIN: i64, const MAX: i64> {}

impl<const MIN: i64, const MAX: i64> Value for Integer<MIN, MAX> {
    type Read = i64;

    fn read(raw: &RawValue) -> Result<i64, Fault> {
        integer(MIN, MAX)(raw)
    }
}

impl<const MIN: i64, const MAX: i64> JsonSchema for Integer<MIN, MAX> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("IntegerFrom{MIN}To{MAX}").into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "integer", "minimum": MIN, "maximum": MAX })
    }
}

/// One word of a closed vocabulary.
pub(super) struct Word<T>(PhantomData<T>);

impl<T: FromStr + JsonSchema> Value for Word<T> {
    type Read = T;

    fn read(raw: &RawValue) -> Result<T, Fault> {
        word(raw)
    }
}

impl<T: JsonSchema> JsonSchema for Word<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        generator.subschema_for::<T>()
    }
}

/// A list of at least `MIN` and at most `MAX` values.
pub(super) struct ListOf<V, const MIN: usize, const MAX: usize>(PhantomData<V>);

impl<V: Value, const MIN: usize, const MAX: usize> Value for ListOf<V, MIN, MAX> {
    type Read = Vec<V::Read>;

    fn read(raw: &RawValue) -> Result<Vec<V::Read>, Fault> {
        let values = list(MAX, V::read)(raw)?;
        if values.len() < MIN {
            let message = format!("List must contain at least {MIN} element(s)");
            return Err(Fault::new("too_small", message));
        }
        Ok(values)
    }
}

impl<V: JsonSchema, const MIN: usize, const MAX: usize> JsonSchema for ListOf<V, MIN, MAX> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("ListOf{}", V::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut schema = json_schema!({ "type": "array", "items": generator.subschema_for::<V>() });
        if MIN > 0 {
            schema.insert("minItems".to_owned(), MIN.into());
        }
        if MAX < usize::MAX {
            schema.insert("maxItems".to_owned(), MAX.into());
        }
        schema
    }
}
