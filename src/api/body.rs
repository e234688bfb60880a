//! Request bodies. A body is read into its properties as raw JSON, and each property by the reader of its kind ([`super::values`]), in the
//! order in which the request declares them ([`super::request`]); so the first fault in that order is the one reported, with the
//! documented code and the path of the property.

use std::borrow::Cow;
use std::collections::hash_map::{Entry, HashMap};
use std::time::Duration;

use axum::body::HttpBody as _;
use axum::extract::{FromRequest, Request};
use bytes::Bytes;
use http::header::{CONTENT_TYPE, EXPECT};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::Deserialize;
use serde::de::{MapAccess, Visitor};
use serde_json::value::RawValue;

use super::Api;
use super::error::ApiError;

/// Largest body, in bytes.
pub(super) const MAX_BODY: usize = 1024 * 1024;

/// How much of a larger one is read and thrown away, so that its sender gets to read the answer.
const MAX_DRAINED: usize = 16 * 1024 * 1024;

/// How long a body may take, less than a request as a whole.
const BODY_TIMEOUT: Duration = Duration::from_secs(8);

/// Deepest nesting of a body, the same as `serde_json`'s, which reads `metadata`.
const MAX_DEPTH: usize = 128;

/// The raw bytes of a JSON body.
#[derive(Clone, Debug)]
pub(super) struct JsonBytes(pub Bytes);

impl FromRequest<Api> for JsonBytes {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &Api) -> Result<Self, ApiError> {
        // A body without a type is taken for what it must be.
        if !media_type(&request).is_none_or(|kind| is_json(&kind)) {
            return Err(ApiError::unsupported_media_type("application/json"));
        }
        read(request).await.map(Self)
    }
}

/// The media type of a request's body, in lower case and without parameters.
pub(super) fn media_type(request: &Request) -> Option<String> {
    let value = request.headers().get(CONTENT_TYPE)?;
    let text = value.to_str().unwrap_or_default();
    Some(text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase())
}

fn is_json(media_type: &str) -> bool {
    media_type == "application/json"
        || (media_type.starts_with("application/") && media_type.ends_with("+json"))
}

/// The whole body, if it is not too large and comes in time.
pub(super) async fn read(request: Request) -> Result<Bytes, ApiError> {
    let asks_first = request.headers().contains_key(EXPECT);
    let mut body = request.into_body();
    if body.size_hint().lower() > MAX_BODY as u64 {
        // Who asks before sending is spared it; nothing of the body has been touched, so it is not asked for.
        if !asks_first {
            drain(body);
        }
        return Err(ApiError::body_too_large());
    }
    let whole = Limited::new(&mut body, MAX_BODY).collect();
    match tokio::time::timeout(BODY_TIMEOUT, whole).await {
        Ok(Ok(whole)) => Ok(whole.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => {
            drain(body);
            Err(ApiError::body_too_large())
        }
        Ok(Err(_)) => Err(ApiError::invalid("invalid_json", "The body ended too early.")),
        Err(_) => {
            let message = format!("The body did not come within {} s.", BODY_TIMEOUT.as_secs());
            Err(ApiError::invalid("invalid_json", message))
        }
    }
}

/// Reads a body that is too large to its end while its sender is answered: who is still writing would not read the answer, but find the
/// connection closed.
fn drain(mut body: axum::body::Body) {
    tokio::spawn(tokio::time::timeout(BODY_TIMEOUT, async move {
        let mut drained = 0;
        while let Some(Ok(frame)) = body.frame().await {
            drained += frame.data_ref().map_or(0, Bytes::len);
            if drained > MAX_DRAINED {
                break;
            }
        }
    }));
}

/// The properties of a JSON object, not read any further yet. What stands there twice is a fault where somebody reads it: nobody knows
/// which of the two was meant. What nobody reads is ignored, however often and whatever it is.
#[derive(Debug)]
pub(super) struct Body(HashMap<String, Property>);

#[derive(Debug)]
enum Property {
    Once(Box<RawValue>),
    Repeated,
}

impl Body {
    /// Reads a JSON object as a request.
    pub(super) fn read<R: From<Self>>(bytes: &[u8]) -> Result<R, ApiError> {
        Self::parse(bytes).map(R::from)
    }

    /// Reads a JSON object.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, ApiError> {
        if is_too_deep(bytes) {
            return Err(ApiError::invalid("invalid_json", "The body is nested too deeply."));
        }
        let raw: Box<RawValue> = serde_json::from_slice(bytes).map_err(|error| {
            let (line, column) = (error.line(), error.column());
            let message = format!("The body is not JSON: line {line}, column {column}.");
            ApiError::invalid("invalid_json", message)
        })?;
        if !raw.get().starts_with('{') {
            return Err(ApiError::invalid("invalid_type", "The body must be a JSON object."));
        }
        let Properties(pairs) = serde_json::from_str(raw.get()).map_err(|_| {
            ApiError::invalid("invalid_json", "A key of the body is not a valid string.")
        })?;
        let mut properties = HashMap::with_capacity(pairs.len());
        for (key, value) in pairs {
            match properties.entry(key) {
                Entry::Vacant(free) => drop(free.insert(Property::Once(value))),
                Entry::Occupied(mut taken) => drop(taken.insert(Property::Repeated)),
            }
        }
        Ok(Self(properties))
    }

    /// Whether there is such a property.
    pub(super) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// A property that must be there.
    pub(super) fn required<T>(
        &self,
        name: &'static str,
        read: impl Fn(&RawValue) -> Result<T, Fault>,
    ) -> Result<T, ApiError> {
        self.optional(name, read)?.ok_or_else(|| {
            ApiError::invalid_field(name, "missing_field", format!("{name} is required"))
        })
    }

    /// A property that may be absent, but not null.
    pub(super) fn optional<T>(
        &self,
        name: &'static str,
        read: impl Fn(&RawValue) -> Result<T, Fault>,
    ) -> Result<Option<T>, ApiError> {
        match self.0.get(name) {
            None => Ok(None),
            Some(Property::Once(raw)) => read(raw).map(Some).map_err(|fault| fault.of(name)),
            Some(Property::Repeated) => {
                let message = "This key appears more than once.";
                Err(ApiError::invalid_field(name, "custom", message))
            }
        }
    }

    /// A property that may be absent, or null to clear it.
    #[expect(clippy::option_option, reason = "absent, null and a value are three things here")]
    pub(super) fn nullable<T>(
        &self,
        name: &'static str,
        read: impl Fn(&RawValue) -> Result<T, Fault>,
    ) -> Result<Option<Option<T>>, ApiError> {
        self.optional(name, |raw| if raw.get() == "null" { Ok(None) } else { read(raw).map(Some) })
    }
}

/// The pairs of an object in their order, repeated keys included.
pub(super) struct Properties(pub(super) Vec<(String, Box<RawValue>)>);

impl<'de> Deserialize<'de> for Properties {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pairs;
        impl<'de> Visitor<'de> for Pairs {
            type Value = Properties;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Properties, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Properties(pairs))
            }
        }
        deserializer.deserialize_map(Pairs)
    }
}

fn is_too_deep(json: &[u8]) -> bool {
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    for byte in json {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'{' | b'[' if !in_string => depth += 1,
            b'}' | b']' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > MAX_DEPTH {
            return true;
        }
    }
    false
}

/// What is wrong with a value.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) code: &'static str,
    message: Cow<'static, str>,
    /// Where inside the property, if not the property as a whole.
    inside: Option<String>,
}

impl Fault {
    /// A fault with its documented code.
    pub(super) fn new(code: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Self { code, message: message.into(), inside: None }
    }

    /// A value of another type than `expected`.
    pub(super) fn wrong_type(expected: &str, raw: &RawValue) -> Self {
        let received = match raw.get().as_bytes().first() {
            Some(b'"') => "string",
            Some(b'{') => "object",
            Some(b'[') => "array",
            Some(b't' | b'f') => "boolean",
            Some(b'n') => "null",
            _ => "number",
        };
        Self::new("invalid_type", format!("Expected {expected}, received {received}"))
    }

    /// A fault in a part of the value.
    pub(super) fn at(self, inside: impl std::fmt::Display + Copy) -> Self {
        Self { inside: Some(inside.to_string()), ..self }
    }

    /// The answer, if the value is the property `name`.
    #[must_use]
    pub(super) fn of(self, name: &'static str) -> ApiError {
        let field = match self.inside {
            Some(inside) => Cow::Owned(format!("{name}.{inside}")),
            None => Cow::Borrowed(name),
        };
        ApiError::invalid_field(field, self.code, self.message)
    }
}

#[cfg(test)]
mod tests {
    use super::super::values::{boolean, integer};
    use super::*;

    #[test]
    fn a_repeated_key_is_refused_where_it_is_read_and_deep_nesting_everywhere() {
        let body = Body::parse(br#"{"a":1,"a":2,"b":true}"#).unwrap();
        assert!(body.optional("a", integer(1, 2)).is_err());
        assert!(body.optional("b", boolean).is_ok());
        for (depth, good) in [(127, true), (128, false), (200, false)] {
            let deep = format!("{{\"x\":{}{}}}", "[".repeat(depth), "]".repeat(depth));
            assert_eq!(Body::parse(deep.as_bytes()).is_ok(), good, "{depth}");
        }
        assert!(Body::parse(br#"{"x":"[[[[\"{{{{"}"#).is_ok());
        for broken in ["", "[]", "nul", "{\"a\":}", "{} x", "\u{feff}{}"] {
            assert!(Body::parse(broken.as_bytes()).is_err(), "{broken:?}");
        }
    }
}
