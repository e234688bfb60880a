//! Requests: the properties of a body, declared once. A declaration is what a handler reads a body by, property by property in its own
//! order, and what the reference describes; a property that is not declared cannot be read, and one that nobody reads does not compile.

use std::borrow::Cow;
use std::marker::PhantomData;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::Value as Json;
use serde_json::value::RawValue;

use super::body::{Body, Fault};
use super::error::ApiError;
use super::values::Value;

/// Whether a property may be absent, or null.
pub(super) trait Property {
    /// What is read.
    type Read;

    /// Whether it must be there.
    const REQUIRED: bool = false;

    /// Reads it.
    fn read(body: &Body, name: &'static str) -> Result<Self::Read, ApiError>;

    /// What the reference says of its value.
    fn schema(generator: &mut SchemaGenerator) -> Schema;
}

/// Must be there.
pub(super) struct Required<V>(PhantomData<V>);

/// May be absent, but not null.
pub(super) struct Optional<V>(PhantomData<V>);

/// May be absent, or null to clear it.
pub(super) struct Nullable<V>(PhantomData<V>);

impl<V: Value> Property for Required<V> {
    type Read = V::Read;

    const REQUIRED: bool = true;

    fn read(body: &Body, name: &'static str) -> Result<V::Read, ApiError> {
        body.required(name, V::read)
    }

    fn schema(generator: &mut SchemaGenerator) -> Schema {
        generator.subschema_for::<V>()
    }
}

impl<V: Value> Property for Optional<V> {
    type Read = Option<V::Read>;

    fn read(body: &Body, name: &'static str) -> Result<Option<V::Read>, ApiError> {
        body.optional(name, V::read)
    }

    fn schema(generator: &mut SchemaGenerator) -> Schema {
        generator.subschema_for::<V>()
    }
}

impl<V: Value> Property for Nullable<V> {
    type Read = Option<Option<V::Read>>;

    fn read(body: &Body, name: &'static str) -> Result<Option<Option<V::Read>>, ApiError> {
        body.nullable(name, V::read)
    }

    fn schema(generator: &mut SchemaGenerator) -> Schema {
        generator.subschema_for::<Option<V>>()
    }
}

/// An object that is a request of its own, read property by property.
pub(super) struct Object<R>(PhantomData<R>);

impl<R: From<Body> + JsonSchema> Value for Object<R> {
    type Read = R;

    fn read(raw: &RawValue) -> Result<R, Fault> {
        if !raw.get().starts_with('{') {
            return Err(Fault::wrong_type("object", raw));
        }
        // It was checked as JSON with the whole body.
        Body::read(raw.get().as_bytes()).map_err(|_| Fault::new("invalid_type", "Expected object"))
    }
}

impl<R: JsonSchema> JsonSchema for Object<R> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        R::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        generator.subschema_for::<R>()
    }
}

/// The schema of a request, as its properties are added to it.
pub(super) struct RequestSchema {
    properties: serde_json::Map<String, Json>,
    required: Vec<&'static str>,
}

impl RequestSchema {
    /// Without properties yet.
    pub(super) fn new() -> Self {
        Self { properties: serde_json::Map::new(), required: Vec::new() }
    }

    /// Adds a property.
    pub(super) fn add<P: Property>(
        &mut self,
        generator: &mut SchemaGenerator,
        name: &'static str,
        description: &str,
        default: Option<Json>,
    ) {
        let mut schema = P::schema(generator);
        if !description.is_empty() {
            schema.insert("description".to_owned(), description.trim().into());
        }
        if let Some(default) = default {
            schema.insert("default".to_owned(), default);
        }
        if P::REQUIRED {
            self.required.push(name);
        }
        self.properties.insert(name.to_owned(), schema.to_value());
    }

    /// All of it.
    pub(super) fn finish(self) -> Schema {
        let mut schema = json_schema!({ "type": "object" });
        if !self.required.is_empty() {
            schema.insert("required".to_owned(), self.required.into());
        }
        schema.insert("properties".to_owned(), self.properties.into());
        schema
    }
}

/// Declares a request: its name in the reference, its properties in the order of the schema with what they take, what a reader would
/// not guess about them, and what counts where they are absent.
macro_rules! request {
    ($name:ident { $($(#[doc = $doc:literal])* $field:ident: $kind:ty $(= $default:expr)?),+ $(,)? }) => {
        #[doc = concat!("The request `", stringify!($name), "`.")]
        #[derive(Debug)]
        pub(super) struct $name($crate::api::body::Body);

        impl From<$crate::api::body::Body> for $name {
            fn from(body: $crate::api::body::Body) -> Self {
                Self(body)
            }
        }

        impl $name {
            $(
                $(#[doc = $doc])*
                pub(super) fn $field(&self) -> Result<<$kind as $crate::api::request::Property>::Read, $crate::api::error::ApiError> {
                    <$kind as $crate::api::request::Property>::read(&self.0, stringify!($field))
                }
            )+
        }

        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
                let mut schema = $crate::api::request::RequestSchema::new();
                $({
                    let default = None::<serde_json::Value>$(.or(Some(serde_json::json!($default))))?;
                    schema.add::<$kind>(generator, stringify!($field), concat!($($doc),*), default);
                })+
                schema.finish()
            }
        }
    };
}

pub(super) use request;
