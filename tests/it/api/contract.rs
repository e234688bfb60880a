//! The reference against the public contract, `tests/contract/openapi.yaml`: everything that stands there stands here too, and
//! nothing is narrower.

use std::collections::BTreeSet;

use pivotal_reminders::api::reference;
use serde_json::{Map, Value, json};

/// Keywords that take values away.
const LIMITS: [&str; 13] = [
    "pattern",
    "format",
    "enum",
    "const",
    "minLength",
    "maxLength",
    "minimum",
    "maximum",
    "multipleOf",
    "minItems",
    "maxItems",
    "uniqueItems",
    "maxProperties",
];

/// The limits on requests that the contract has in words only: of which properties, as which keyword, and where it says so.
const STATED: [(&[&str], &str, &str, &str); 5] = [
    (
        &["name", "title", "labels[]"],
        "maxLength",
        "200",
        "conventions: names, titles, labels 200 characters",
    ),
    (
        &["name", "title", "labels[]"],
        "pattern",
        r#""^[^\\u0000-\\u001f\\u007f-\\u009f]*$""#,
        "conventions: and no control characters",
    ),
    (
        &["notes"],
        "pattern",
        r#""^([^\\u0000-\\u0008\\u000b-\\u001f\\u007f-\\u009f]|\\r\\n)*$""#,
        "conventions: newline and tab allowed; browsers write a newline as CR LF",
    ),
    (
        &[
            "domain",
            "plan",
            "hubspot_company_id",
            "hubspot_deal_id",
            "stripe_customer_id",
            "intercom_company_id",
            "slack_channel_id",
        ],
        "pattern",
        r#""^[^\\u0000]*$""#,
        "reliability 61: NUL and controls → 4xx; no database keeps a NUL in a text",
    ),
    (&["mrr", "monthly_orders"], "maximum", "9223372036854775807", "reliability 61: 2⁶³ → 4xx"),
];

const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

/// Two documents, and what was found between them.
struct Comparison {
    contract: Value,
    ours: Value,
    findings: Vec<String>,
}

/// Which way a value goes: what comes in may be more than promised, what goes out may not be of another type.
#[derive(Clone, Copy, PartialEq)]
enum Direction {
    Request,
    Response,
}

fn contract() -> Value {
    serde_norway::from_str(include_str!("../../contract/openapi.yaml")).unwrap()
}

/// What a `$ref` stands for, with what is written beside it.
fn resolve(document: &Value, value: &Value) -> Value {
    let Some(target) = value.get("$ref").and_then(Value::as_str) else { return value.clone() };
    let mut found = resolve(document, document.pointer(&target[1..]).expect(target));
    for (key, beside) in value.as_object().unwrap().iter().filter(|(key, _)| *key != "$ref") {
        found[key] = beside.clone();
    }
    found
}

fn words(value: &Value) -> BTreeSet<String> {
    match value {
        Value::Null => BTreeSet::new(),
        Value::Array(items) => items.iter().map(|item| item.to_string().replace('"', "")).collect(),
        one => BTreeSet::from([one.as_str().unwrap().to_owned()]),
    }
}

fn object(value: &Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap_or_default()
}

/// The parameters of an operation, with those of its path.
fn parameters(document: &Value, path: &Value, method: &str) -> Vec<Value> {
    let lists = [&path[method]["parameters"], &path["parameters"]];
    let all = lists.into_iter().filter_map(Value::as_array).flatten();
    all.map(|parameter| resolve(document, parameter)).collect()
}

impl Comparison {
    fn find(&mut self, at: &str, what: impl std::fmt::Display) {
        self.findings.push(format!("{at}: {what}"));
    }

    fn document(&mut self) {
        for (path, theirs) in object(&self.contract["paths"]) {
            let ours = self.ours["paths"][&path].clone();
            for method in METHODS.into_iter().filter(|method| theirs.get(*method).is_some()) {
                let at = format!("{method} {path}");
                if ours.get(method).is_none() {
                    self.find(&at, "missing");
                    continue;
                }
                let parameters = [
                    parameters(&self.contract, &theirs, method),
                    parameters(&self.ours, &ours, method),
                ];
                self.operation(&at, &theirs[method], &ours[method], &parameters);
            }
        }
    }

    fn operation(&mut self, at: &str, theirs: &Value, ours: &Value, [all, mine]: &[Vec<Value>; 2]) {
        for key in ["operationId", "security"] {
            if theirs[key] != ours[key] {
                self.find(at, format!("{key} is {} instead of {}", ours[key], theirs[key]));
            }
        }
        let same = |a: &Value, b: &Value| a["name"] == b["name"] && a["in"] == b["in"];
        for parameter in all {
            let at = format!("{at}, {} {}", parameter["in"], parameter["name"]);
            match mine.iter().find(|ours| same(ours, parameter)) {
                None => self.find(&at, "missing"),
                Some(ours) => {
                    if ours["required"] == true && parameter["required"] != true {
                        self.find(&at, "required");
                    }
                    self.schema(&at, &parameter["schema"], &ours["schema"], Direction::Request);
                }
            }
        }
        for ours in mine.iter().filter(|ours| ours["required"] == true) {
            if !all.iter().any(|theirs| same(theirs, ours)) {
                self.find(at, format!("{} is required and unknown to the contract", ours["name"]));
            }
        }
        if let Some(body) = theirs.get("requestBody") {
            let ours = &ours["requestBody"];
            if ours["required"] == true && body["required"] != true {
                self.find(at, "its body is required");
            }
            self.content(&format!("{at}, body"), body, ours, Direction::Request);
        } else if ours["requestBody"]["required"] == true {
            self.find(at, "wants a body");
        }
        for (status, theirs) in object(&theirs["responses"]) {
            let at = format!("{at}, {status}");
            let Some(ours) = ours["responses"].get(&status) else {
                self.find(&at, "missing");
                continue;
            };
            let (theirs, ours) = (resolve(&self.contract, &theirs), resolve(&self.ours, ours));
            for (header, value) in object(&theirs["headers"]) {
                let at = format!("{at}, header {header}");
                let Some(ours) = ours["headers"].get(&header) else {
                    self.find(&at, "missing");
                    continue;
                };
                let (theirs, ours) = (resolve(&self.contract, &value), resolve(&self.ours, ours));
                self.schema(&at, &theirs["schema"], &ours["schema"], Direction::Response);
            }
            self.content(&at, &theirs, &ours, Direction::Response);
        }
    }

    fn content(&mut self, at: &str, theirs: &Value, ours: &Value, direction: Direction) {
        for (kind, content) in object(&theirs["content"]) {
            match ours["content"].get(&kind) {
                None => self.find(at, format!("{kind} is missing")),
                Some(ours) => self.schema(at, &content["schema"], &ours["schema"], direction),
            }
        }
    }

    fn schema(&mut self, at: &str, theirs: &Value, ours: &Value, direction: Direction) {
        let (theirs, ours) = (resolve(&self.contract, theirs), resolve(&self.ours, ours));
        let (their_types, our_types) = (words(&theirs["type"]), words(&ours["type"]));
        let fits = match direction {
            Direction::Request => our_types.is_empty() || our_types.is_superset(&their_types),
            Direction::Response => our_types == their_types,
        };
        if !fits {
            self.find(at, format!("type {our_types:?} instead of {their_types:?}"));
        }
        let missing: Vec<_> =
            words(&theirs["enum"]).difference(&words(&ours["enum"])).cloned().collect();
        if !missing.is_empty() || (theirs["enum"].is_null() && !ours["enum"].is_null()) {
            self.find(at, format!("its values do not hold {missing:?}"));
        }
        for key in ["format", "default"] {
            if theirs[key] != ours[key] {
                self.find(at, format!("{key} {} instead of {}", ours[key], theirs[key]));
            }
        }
        self.limits(at, &theirs, &ours, direction);
        let (required, our_required) = (words(&theirs["required"]), words(&ours["required"]));
        match direction {
            Direction::Request if !our_required.is_subset(&required) => {
                self.find(at, format!("requires {our_required:?}"));
            }
            Direction::Response if !our_required.is_superset(&required) => {
                self.find(at, format!("promises only {our_required:?}"));
            }
            _ => {}
        }
        let ours_properties = object(&ours["properties"]);
        for (name, property) in object(&theirs["properties"]) {
            let at = format!("{at}.{name}");
            match ours_properties.get(&name) {
                None => self.find(&at, "missing"),
                Some(ours) => self.schema(&at, &property, ours, direction),
            }
        }
        if direction == Direction::Response
            && let Some(order) = theirs["required"].as_array()
        {
            let order: Vec<_> = order.iter().map(|key| key.as_str().unwrap()).collect();
            let ours: Vec<_> = ours_properties.keys().take(order.len()).collect();
            if ours != order {
                self.find(at, format!("keys in the order {ours:?} instead of {order:?}"));
            }
        }
        if theirs.get("items").is_some() {
            self.schema(&format!("{at}[]"), &theirs["items"], &ours["items"], direction);
        }
    }

    /// Where the contract sets no limit, ours may have only those that are stated in words.
    fn limits(&mut self, at: &str, theirs: &Value, ours: &Value, direction: Direction) {
        if direction == Direction::Request {
            let name = at.rsplit(['.', ' ']).next().unwrap_or_default();
            for key in LIMITS.iter().filter(|key| theirs[**key].is_null() && !ours[**key].is_null())
            {
                let limit = ours[*key].to_string();
                let stated = STATED.iter().any(|(names, in_words, value, _)| {
                    names.contains(&name) && in_words == key && limit == *value
                });
                if !stated {
                    self.find(at, format!("{key} {limit}, where the contract has none"));
                }
            }
        }
        for key in ["pattern", "minItems", "maxItems", "uniqueItems", "const", "multipleOf"] {
            let lost = direction == Direction::Response && ours[key].is_null();
            if !theirs[key].is_null() && theirs[key] != ours[key] && (lost || !ours[key].is_null())
            {
                self.find(at, format!("{key} {} instead of {}", ours[key], theirs[key]));
            }
        }
        for (key, lower) in
            [("minimum", true), ("minLength", true), ("maximum", false), ("maxLength", false)]
        {
            let (Some(theirs), ours) = (theirs[key].as_i64(), ours[key].as_i64()) else { continue };
            let fits = match (direction, ours) {
                (Direction::Request, None) => true,
                (Direction::Response, None) => false,
                (_, Some(ours)) if theirs == ours => true,
                (Direction::Request, Some(ours)) => (ours < theirs) == lower,
                (Direction::Response, Some(ours)) => (ours > theirs) == lower,
            };
            if !fits {
                self.find(at, format!("{key} {ours:?} instead of {theirs}"));
            }
        }
    }
}

#[test]
fn nothing_of_the_contract_is_missing_or_narrowed() {
    let mut comparison =
        Comparison { contract: contract(), ours: reference::document(), findings: Vec::new() };
    comparison.document();
    assert!(comparison.findings.is_empty(), "\n{}", comparison.findings.join("\n"));
}

/// A comparison that finds nothing proves nothing unless it would have found something.
#[test]
fn what_is_missing_or_narrowed_is_found() {
    let found = |pointer: &str, change: &dyn Fn(&mut Value)| {
        let mut ours = contract();
        change(ours.pointer_mut(pointer).expect(pointer));
        let mut comparison = Comparison { contract: contract(), ours, findings: Vec::new() };
        comparison.document();
        !comparison.findings.is_empty()
    };
    assert!(!found("/info", &|_| {}), "a document is like itself");
    for (pointer, key) in [
        ("/paths", "/api/v1/me"),
        ("/paths/~1api~1v1~1customers", "post"),
        ("/paths/~1api~1v1~1me/get/responses", "401"),
        ("/paths/~1api~1v1~1me/get/responses/200/headers", "X-Request-Id"),
        ("/components/schemas/Customer/properties", "slug"),
        ("/components/schemas/ContactUpdate/properties", "title"),
    ] {
        let removed = found(pointer, &|map| {
            map.as_object_mut().unwrap().shift_remove(key).expect(key);
        });
        assert!(removed, "{pointer}/{key} removed");
    }
    for (pointer, value) in [
        ("/components/parameters/Limit/schema/maximum", json!(50)),
        ("/components/parameters/Limit/schema/default", json!(20)),
        ("/components/parameters/Cursor/name", json!("after")),
        ("/components/parameters/Cursor/required", json!(true)),
        ("/components/schemas/OnboardingCreate/required", json!(["customer_id", "phase"])),
        ("/components/schemas/OnboardingCreate/properties/csm_id/type", json!("string")),
        ("/components/schemas/OnboardingPhase/enum", json!(["launch"])),
        ("/components/schemas/CustomerCreate/properties/slug/pattern", json!("^[a-z]+$")),
        (
            "/components/schemas/CustomerCreate/properties/plan",
            json!({ "type": ["string", "null"], "maxLength": 2000 }),
        ),
        (
            "/components/schemas/CustomerCreate/properties/mrr",
            json!({ "type": ["integer", "null"], "minimum": 0, "maximum": 9 }),
        ),
        (
            "/components/schemas/ContactCreate/properties/labels",
            json!({ "type": "array", "items": { "type": "string" }, "maxItems": 100 }),
        ),
        (
            "/components/schemas/ContactCreate/properties/labels/items",
            json!({ "type": "string", "minLength": 1 }),
        ),
        (
            "/components/schemas/OnboardingCreate/properties/csm_id",
            json!({ "type": ["string", "null"], "minLength": 1 }),
        ),
        ("/components/schemas/Deleted/required", json!(["object", "id", "deleted"])),
        ("/components/schemas/Deleted/properties/display_id/type", json!(["integer", "null"])),
    ] {
        assert!(found(pointer, &|old| *old = value.clone()), "{pointer} changed");
    }
}
