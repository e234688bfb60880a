//! The reference as a page: the document in tables, made once, readable without script.

use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, UndefinedBehavior};
use serde::Serialize;
use serde_json::{Map, Value};

#[derive(Serialize)]
struct Page {
    about: String,
    chapters: Vec<Chapter>,
}

#[derive(Serialize)]
struct Chapter {
    name: String,
    operations: Vec<Operation>,
}

#[derive(Serialize)]
struct Operation {
    id: String,
    method: String,
    path: String,
    summary: String,
    description: String,
    tables: Vec<Table>,
}

#[derive(Serialize)]
struct Table {
    title: String,
    rows: Vec<[String; 3]>,
}

/// The page of a document.
pub(super) fn render(document: &Value) -> Result<String, minijinja::Error> {
    let mut templates = Environment::new();
    templates.set_undefined_behavior(UndefinedBehavior::Strict);
    templates.set_auto_escape_callback(|_| AutoEscape::Html);
    templates.add_template("docs", include_str!("docs.html.j2"))?;
    templates.get_template("docs")?.render(minijinja::Value::from(Serde(page(document))))
}

fn page(document: &Value) -> Page {
    let info = &document["info"];
    let mut chapters: Vec<Chapter> = Vec::new();
    for (path, methods) in entries(&document["paths"]) {
        for (method, op) in entries(methods) {
            let name = text(&op["tags"][0]);
            let operation = operation(document, path, method, op);
            match chapters.iter_mut().find(|chapter| chapter.name == name) {
                Some(chapter) => chapter.operations.push(operation),
                None => chapters.push(Chapter { name, operations: vec![operation] }),
            }
        }
    }
    Page { about: format!("{} {}", text(&info["summary"]), text(&info["description"])), chapters }
}

fn operation(document: &Value, path: &str, method: &str, op: &Value) -> Operation {
    let scope = op.get("x-scope").map(|scope| format!("Scope: {}.", text(scope)));
    let description =
        [Some(text(&op["description"])), scope].into_iter().flatten().collect::<Vec<_>>().join(" ");
    let parameters = op["parameters"].as_array().into_iter().flatten().map(|parameter| {
        let kind = format!("{}, {}", text(&parameter["in"]), kind(&parameter["schema"]));
        [text(&parameter["name"]), kind, text(&parameter["description"])]
    });
    let mut tables = vec![Table { title: "Parameters".to_owned(), rows: parameters.collect() }];
    if let Some(name) = named(&op["requestBody"]["content"]["application/json"]["schema"]) {
        tables.push(Table { title: format!("Body: {name}"), rows: fields(document, name) });
    }
    let mut errors = Vec::new();
    for (status, answer) in entries(&op["responses"]) {
        let answer =
            named(answer).map_or(answer, |name| &document["components"]["responses"][name]);
        let schema = named(&answer["content"]["application/json"]["schema"]);
        match schema.filter(|name| *name != "Error") {
            Some(name) => {
                let rows = fields(document, name);
                tables.push(Table { title: format!("Answer {status}: {name}"), rows });
            }
            None => errors.push([status.clone(), String::new(), text(&answer["description"])]),
        }
    }
    tables.push(Table { title: "Errors".to_owned(), rows: errors });
    Operation {
        id: text(&op["operationId"]),
        method: method.to_owned(),
        path: path.to_owned(),
        summary: text(&op["summary"]),
        description,
        tables,
    }
}

/// The properties of a schema: name, type, meaning.
fn fields(document: &Value, name: &str) -> Vec<[String; 3]> {
    let schema = &document["components"]["schemas"][name];
    let required = schema["required"].as_array();
    let rows = entries(&schema["properties"]).map(|(key, property)| {
        let always = required.is_some_and(|keys| keys.iter().any(|required| required == key));
        let meaning = text(&property["description"]);
        let words = [if always { "always" } else { "" }, &meaning];
        let words: Vec<_> = words.into_iter().filter(|word| !word.is_empty()).collect();
        [key.clone(), kind(property), words.join("; ")]
    });
    rows.collect()
}

/// The type of a value in words, with its limits.
fn kind(schema: &Value) -> String {
    if let Some(name) = named(schema) {
        return name.to_owned();
    }
    let words = |value: &Value, between: &str| match value {
        Value::Array(words) => words.iter().map(text).collect::<Vec<_>>().join(between),
        word => text(word),
    };
    let kind = if !schema["enum"].is_null() {
        words(&schema["enum"], " | ")
    } else if schema["type"] == "array" {
        format!("list of {}", kind(&schema["items"]))
    } else {
        words(&schema["type"], " or ")
    };
    let least = schema.get("minimum").or_else(|| schema.get("minLength"));
    let most = schema.get("maximum").or_else(|| schema.get("maxLength"));
    let range = match (least, most) {
        (None, None) => String::new(),
        (least, most) => {
            let shown = |limit: Option<&Value>| limit.map(Value::to_string).unwrap_or_default();
            format!("{}…{}", shown(least), shown(most))
        }
    };
    let limits = [text(&schema["format"]), range];
    let limits: Vec<_> = limits.into_iter().filter(|limit| !limit.is_empty()).collect();
    if limits.is_empty() { kind } else { format!("{kind} ({})", limits.join(", ")) }
}

/// What a reference names.
fn named(schema: &Value) -> Option<&str> {
    schema["$ref"].as_str()?.rsplit('/').next()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn entries(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flat_map(Map::iter)
}
