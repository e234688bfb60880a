//! How the service is.

use schemars::JsonSchema;
use serde::Serialize;

use super::{Instant, Queue, Schedule};
use crate::operate::vitals::{
    Hour, LastFound, LastPass, Lateness, ProcessState, SlotHour, UNACCOUNTED, Vitals, Warning,
};

/// What waits, what runs, what ended, what comes, and what asks for an operator.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Status<'a> {
    #[schemars(extend("enum" = ["status"]))]
    object: &'static str,
    at: Instant,
    /// What asks for an operator, gravest first.
    warnings: Vec<&'a Warning>,
    queues: Vec<Queue<'a>>,
    /// Every process that serves, for whichever workspace.
    processes: &'a [ProcessState],
    last_pass: Option<&'a LastPass>,
    schedule: Option<Schedule<'a>>,
    /// The last pass that found something, for whichever workspace; null over the API where there are several.
    last_found: Option<&'a LastFound>,
    /// Notifications that the rules asked for and that are in no row, of whichever workspace. Must be 0; null likewise.
    unaccounted: Option<i64>,
    /// Of which somebody must say whether they arrived.
    ambiguous: i64,
    /// In the last 24 hours, without those of test mode.
    failed: i64,
    /// Open onboardings that nobody hears of, without those that a test key made so.
    unroutable: i64,
    flagged_addresses: i64,
    late_last_hour: Lateness,
    late_last_day: Lateness,
    /// What ended in each of the last hours, oldest first.
    hours: &'a [Hour],
    /// People whose slot lies in each of the hours to come.
    slots: &'a [SlotHour],
    /// What is wrong with the clock; nothing is sent until it is right.
    clock: Option<&'a str>,
}

impl<'a> From<&'a Vitals> for Status<'a> {
    fn from(vitals: &'a Vitals) -> Self {
        Self {
            object: "status",
            at: Instant(vitals.at),
            warnings: vitals.warnings.iter().collect(),
            queues: vitals.queues.iter().map(Queue::from).collect(),
            processes: &vitals.processes,
            last_pass: vitals.last_pass.as_ref(),
            schedule: vitals.schedule.as_ref().map(Schedule::from),
            last_found: vitals.last_found.as_ref(),
            unaccounted: Some(vitals.unaccounted),
            ambiguous: vitals.ambiguous,
            failed: vitals.failed,
            unroutable: vitals.unroutable,
            flagged_addresses: vitals.flagged_addresses,
            late_last_hour: vitals.late_last_hour,
            late_last_day: vitals.late_last_day,
            hours: &vitals.hours,
            slots: &vitals.slots,
            clock: vitals.clock.as_deref(),
        }
    }
}

impl Status<'_> {
    /// The same for whoever may not know how much other workspaces do: passes and their accounts are everybody's.
    #[must_use]
    pub fn of_one_among_several(mut self) -> Self {
        self.warnings.retain(|warning| warning.code != UNACCOUNTED);
        Self { last_found: None, unaccounted: None, ..self }
    }
}
