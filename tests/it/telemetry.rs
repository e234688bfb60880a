//! What the service tells of itself: figures, traces, alerts.

mod alerts;
mod figures;
mod traces;
