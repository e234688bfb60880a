//! What the reference says of the closed vocabularies: those that the contract names stand under their name, others where they are used.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use crate::domain::values::{
    BulkAction, BulkState, Channel, CustomerStatus, JobStatus, Kind, Locale, Mode,
    NotificationState, Part, Phase, Reason, RecipientType, Scope, State, Tier,
};

macro_rules! vocabularies {
    ($($inline:literal $type:ident as $name:literal, $about:literal;)*) => {$(
        impl JsonSchema for $type {
            fn inline_schema() -> bool {
                $inline
            }

            fn schema_name() -> Cow<'static, str> {
                $name.into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                let words: Vec<&str> = Self::ALL.iter().map(|word| word.as_str()).collect();
                let mut schema = json_schema!({ "type": "string", "enum": words });
                if !$about.is_empty() {
                    schema.insert("description".to_owned(), $about.into());
                }
                schema
            }
        }
    )*};
}

vocabularies! {
    false CustomerStatus as "CustomerStatus", "churned and archived silence the customer's onboardings.";
    false Phase as "OnboardingPhase", "In the order of the journey; completed ends all reminders.";
    false State as "OnboardingState", "Engagement health, independent of the phase.";
    true Channel as "Channel", "";
    true Kind as "Kind", "";
    true Locale as "Locale", "";
    true Mode as "Mode", "";
    true NotificationState as "NotificationState", "";
    true Part as "Part", "";
    true Reason as "Reason", "";
    true RecipientType as "RecipientType", "";
    true Scope as "Scope", "";
    true Tier as "Tier", "";
    true JobStatus as "JobStatus", "";
    true BulkAction as "BulkAction", "";
    true BulkState as "BulkState", "";
}
