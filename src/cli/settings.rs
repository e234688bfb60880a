//! Settings as they are typed, `NAME=VALUE`: they become the JSON of a request, which is read by the very type that the API and its
//! reference have, so that a value means the same and a fault has the same words.

use serde_json::{Map, Value, json};

use super::out::Out;
use super::typed::Usage;
use crate::api::settings::{SettingError, Settings};

/// One setting.
#[derive(Clone, Debug)]
pub(super) struct Setting {
    name: String,
    value: String,
}

/// Reads one setting.
pub(super) fn setting(text: &str) -> Result<Setting, String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => {
            Ok(Setting { name: name.to_owned(), value: value.to_owned() })
        }
        _ => Err("write NAME=VALUE, such as digest_time=07:30".to_owned()),
    }
}

/// The body of a request that makes these settings.
pub(super) fn body(of: Settings, settings: &[Setting]) -> Result<Vec<u8>, Usage> {
    let known = of.properties();
    let mut json = Map::new();
    for Setting { name, value } in settings {
        let Some(schema) = known.get(name) else {
            let names: Vec<&str> = known.keys().map(String::as_str).collect();
            return Err(Usage(format!("{name}: no such setting; there are {}", names.join(", "))));
        };
        let read = read(schema, value).map_err(|fault| Usage(format!("{name}: {fault}")))?;
        if json.insert(name.clone(), read).is_some() {
            return Err(Usage(format!("{name}: it is set twice")));
        }
    }
    Ok(Value::Object(json).to_string().into_bytes())
}

/// A value as its schema has it. What does not fit stays a text, which the reader of the request refuses in words.
fn read(schema: &Value, text: &str) -> Result<Value, &'static str> {
    let may_be = |wanted: &str| match &schema["type"] {
        Value::Array(types) => types.iter().any(|one| one == wanted),
        one => one == wanted,
    };
    if text == "null" && may_be("null") {
        return Ok(Value::Null);
    }
    if may_be("array") {
        let parts = text.split([',', ' ']).filter(|part| !part.is_empty());
        return parts.map(|part| read(&schema["items"], part)).collect();
    }
    if may_be("object") {
        let span =
            text.split_once('-').map(|(from, until)| json!({ "from": from, "until": until }));
        return span.ok_or("write a span of the day, such as 18:00-08:00");
    }
    let as_text = || Value::String(text.to_owned());
    if may_be("string") {
        return Ok(as_text());
    }
    Ok(serde_json::from_str(text).unwrap_or_else(|_| as_text()))
}

/// A value as it is typed.
fn typed(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(parts) => parts.iter().map(typed).collect::<Vec<_>>().join(","),
        Value::Object(span) => span.values().map(typed).collect::<Vec<_>>().join("-"),
        other => other.to_string(),
    }
}

/// Shows settings as they are typed, one a line; programs get all of the object.
pub(super) fn show(of: Settings, json: &Value, out: Out) {
    let known = of.properties();
    let rows = json.as_object().into_iter().flatten().filter(|(name, _)| known.contains_key(*name));
    let rows = rows.map(|(name, value)| vec![name.clone(), typed(value)]).collect();
    out.table(&["setting", "value"], rows, json);
}

/// Why settings were not made, as this command line says it.
pub(super) fn refused(what: &str) -> impl FnOnce(SettingError) -> anyhow::Error {
    move |error| match error {
        SettingError::Refused { field, message } if field.is_empty() => Usage(message).into(),
        SettingError::Refused { field, message } => Usage(format!("{field}: {message}")).into(),
        SettingError::Gone => anyhow::anyhow!("there is no {what}"),
        SettingError::Failed => {
            anyhow::anyhow!("{what}: the database did not do it; the log says why")
        }
    }
}
