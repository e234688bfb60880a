//! Onboardings: which there are ([`list`]), what one has said and will say, and why ([`show`]), and what can be done about it ([`act`]).

mod act;
pub(super) mod list;
mod show;

use axum::Router;
use axum::routing::{get, post};

use super::site::Site;
use crate::domain::values::{Phase, State};

pub(super) fn router() -> Router<Site> {
    Router::new()
        .route("/admin/w/{workspace}/onboardings", get(list::list))
        .route("/admin/w/{workspace}/onboardings/{id}", get(show::show))
        .route("/admin/w/{workspace}/onboardings/{id}/{action}", post(act::act))
}

/// How a state looks: the design kit's shape, the class of its colour, its words.
#[derive(Clone, Copy, serde::Serialize)]
pub(super) struct Look {
    shape: &'static str,
    class: &'static str,
    words: &'static str,
}

/// The look of an onboarding as it stands; `waiting` is its flag.
pub(super) const fn look(phase: Phase, state: State, waiting: bool) -> Look {
    match (phase, state, waiting) {
        (Phase::Completed, ..) => Look { shape: "✓", class: "on-track", words: "Completed" },
        (_, State::Paused, _) => Look { shape: "‖", class: "paused", words: "Paused" },
        (_, State::AtRisk, _) => Look { shape: "▲", class: "at-risk", words: "At risk" },
        (_, _, true) => Look { shape: "●", class: "waiting", words: "Waiting on customer" },
        _ => Look { shape: "○", class: "on-track", words: "Active" },
    }
}

/// What the workspace calls its phases.
pub(super) fn label(phases: &[crate::store::phases::Phase], phase: Phase) -> &str {
    let found = phases.iter().find(|settings| settings.key == phase);
    found.map_or(phase.default_label(), |settings| settings.label.as_str())
}
