//! The schemas of the reference, made from the very types that requests are read by and answers are written from.

use schemars::generate::SchemaSettings;
use schemars::transform::RecursiveTransform;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Map, Value, json};

use crate::api::error::Envelope;
use crate::api::wire::{Deleted, List};
use crate::api::{
    api_keys, bulk_operations, contacts, customers, meta, notifications, onboardings, phases,
    preferences, reminders, schedules, templates, unwanted, users, workspace,
};
use crate::domain::values::{Channel, JobStatus, Kind, Mode, NotificationState, Reason};
use crate::operate::objects;

/// Every schema by its name.
pub(super) fn all() -> Map<String, Value> {
    let settings = SchemaSettings::draft2020_12().for_serialize().with(|settings| {
        settings.definitions_path = "/components/schemas".into();
        settings.transforms.push(Box::new(RecursiveTransform(plain)));
    });
    let mut generator = settings.into_generator();
    let g = &mut generator;
    add::<Envelope<'_>>(g);
    add::<meta::Me<'_>>(g);
    add::<meta::Health>(g);
    add::<List<customers::View<'_>>>(g);
    add::<customers::CustomerCreate>(g);
    add::<customers::CustomerUpdate>(g);
    add::<List<contacts::View<'_>>>(g);
    add::<contacts::ContactCreate>(g);
    add::<contacts::ContactUpdate>(g);
    add::<List<onboardings::View<'_>>>(g);
    add::<onboardings::OnboardingCreate>(g);
    add::<onboardings::OnboardingUpdate>(g);
    add::<Deleted<'_>>(g);
    add::<objects::OnboardingReminders<'_>>(g);
    add::<objects::RemindersExplanation<'_>>(g);
    add::<reminders::SnoozeCreate>(g);
    add::<reminders::ForecastDays>(g);
    add::<reminders::AsIfText>(g);
    add::<List<objects::ForecastItem<'_>>>(g);
    add::<List<objects::UnroutableOnboarding<'_>>>(g);
    add::<objects::MessagePreview<'_>>(g);
    add::<List<objects::User<'_>>>(g);
    add::<users::UserCreate>(g);
    add::<users::UserUpdate>(g);
    add::<preferences::View<'_>>(g);
    add::<preferences::NotificationPreferencesUpdate>(g);
    add::<workspace::View<'_>>(g);
    add::<workspace::WorkspaceUpdate>(g);
    add::<List<phases::View<'_>>>(g);
    add::<phases::PhaseUpdate>(g);
    add::<List<objects::ApiKey<'_>>>(g);
    add::<api_keys::ApiKeyCreate>(g);
    add::<api_keys::ApiKeyRotate>(g);
    add::<api_keys::Deleted<'_>>(g);
    add::<List<objects::Notification<'_>>>(g);
    add::<objects::NotificationDetails<'_>>(g);
    add::<notifications::ReasonGiven>(g);
    add::<notifications::ReasonMaybe>(g);
    add::<List<objects::Queue<'_>>>(g);
    add::<List<objects::Job<'_>>>(g);
    add::<List<objects::BulkOperation<'_>>>(g);
    add::<bulk_operations::BulkPlan>(g);
    add::<bulk_operations::BulkApply>(g);
    add::<List<objects::Schedule<'_>>>(g);
    add::<List<objects::PlannedNotification<'_>>>(g);
    add::<schedules::DryRunHours>(g);
    add::<objects::Status<'_>>(g);
    add::<List<objects::AuditEntry<'_>>>(g);
    add::<List<templates::View<'_>>>(g);
    add::<templates::TemplateDetail<'_>>(g);
    add::<templates::TemplateUpdate>(g);
    add::<List<objects::OptOut<'_>>>(g);
    add::<List<objects::FlaggedAddress<'_>>>(g);
    add::<unwanted::AddressClear>(g);
    // Vocabularies that queries name; elsewhere they stand where they are used.
    let words = [
        ("Kind", Kind::json_schema(g)),
        ("Channel", Channel::json_schema(g)),
        ("Mode", Mode::json_schema(g)),
        ("NotificationState", NotificationState::json_schema(g)),
        ("Reason", Reason::json_schema(g)),
        ("JobStatus", JobStatus::json_schema(g)),
    ];
    let mut all = generator.take_definitions(true);
    all.extend(words.map(|(name, schema)| (name.to_owned(), schema.to_value())));
    // Which a list of properties cannot say.
    let filter = all.get("NotificationFilter").and_then(|filter| filter["properties"].as_object());
    let one_of_these: Vec<Value> =
        filter.into_iter().flat_map(Map::keys).map(|name| json!({ "required": [name] })).collect();
    if let Some(plan) = all.get_mut("BulkPlan") {
        plan["properties"]["filter"]["anyOf"] = one_of_these.into();
    }
    if let Some(update) = all.get_mut("TemplateUpdate") {
        update["oneOf"] = json!([{ "required": ["source"] }, { "required": ["version"] }]);
    }
    all
}

/// A type, with all that it refers to.
fn add<T: JsonSchema>(generator: &mut SchemaGenerator) {
    generator.subschema_for::<T>();
}

/// How wide a machine's integer is, is nobody's business; and "anything" is a schema that asks nothing, which every generator reads.
fn plain(schema: &mut Schema) {
    if schema.as_bool() == Some(true) {
        *schema = json_schema!({});
    }
    let format = schema.get("format").and_then(Value::as_str);
    if format.is_some_and(|format| format.starts_with("int") || format.starts_with("uint")) {
        schema.remove("format");
    }
}
