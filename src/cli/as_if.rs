//! `--as-if`: a PATCH that nobody makes, in the API's words.

#![expect(clippy::option_option, reason = "absent, null and a value are three things here")]

use chrono::{DateTime, Utc};
use serde::de::Error;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::domain::ids::Ref;
use crate::domain::transition::Wish;
use crate::domain::values::{Phase, State};
use crate::operate::forecast::AsIf;
use crate::store::onboardings::Patch;

/// The fields of a PATCH on which reminders depend.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Imagined {
    #[serde(deserialize_with = "reference")]
    onboarding_id: Ref,
    phase: Option<Phase>,
    state: Option<State>,
    waiting_on_customer: Option<bool>,
    #[serde(default, deserialize_with = "given")]
    target_launch_date: Option<Option<DateTime<Utc>>>,
    /// Id or number of a user, or null.
    #[serde(default, deserialize_with = "person")]
    pub(super) csm_id: Option<Option<Ref>>,
    reminder_email: Option<bool>,
    reminder_slack: Option<bool>,
    reminder_frequency_days: Option<i64>,
}

/// A field that was given, null or not.
fn given<'de, T: Deserialize<'de>, D: Deserializer<'de>>(from: D) -> Result<Option<T>, D::Error> {
    T::deserialize(from).map(Some)
}

fn reference<'de, D: Deserializer<'de>>(from: D) -> Result<Ref, D::Error> {
    named("onboarding_id", &Value::deserialize(from)?)
}

fn person<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Option<Ref>>, D::Error> {
    let value = Value::deserialize(from)?;
    Ok(Some(if value.is_null() { None } else { Some(named("csm_id", &value)?) }))
}

fn named<E: Error>(field: &str, value: &Value) -> Result<Ref, E> {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    Ref::parse(&text).ok_or_else(|| E::custom(format!("{field}: {text} is no id and no number")))
}

/// Reads the JSON.
pub(super) fn parse(text: &str) -> Result<Imagined, String> {
    let imagined: Imagined = serde_json::from_str(text).map_err(|e| e.to_string())?;
    if imagined.reminder_frequency_days.is_some_and(|days| !(1..=30).contains(&days)) {
        return Err("reminder_frequency_days: write a number from 1 to 30".to_owned());
    }
    Ok(imagined)
}

impl Imagined {
    /// The change, with the CSM looked up.
    pub(super) fn as_if(&self, csm_id: Option<Option<String>>) -> AsIf {
        AsIf {
            onboarding: self.onboarding_id.clone(),
            patch: Patch {
                wish: Wish {
                    phase: self.phase,
                    state: self.state,
                    waiting_on_customer: self.waiting_on_customer,
                },
                target_launch_date: self.target_launch_date,
                csm_id,
                reminder_email: self.reminder_email,
                reminder_slack: self.reminder_slack,
                reminder_frequency_days: self.reminder_frequency_days,
                ..Patch::default()
            },
        }
    }
}
