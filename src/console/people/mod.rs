//! The vendor's people: who there is ([`list`]), what one hears and how ([`show`]), what can be changed about it ([`change`]); the addresses
//! that a provider refused ([`addresses`]), and who wants no messages ([`opt_outs`]).

mod addresses;
mod change;
mod list;
pub(super) mod opt_outs;
mod show;

use axum::Router;
use axum::routing::{get, post};

use super::site::Site;

pub(super) fn router() -> Router<Site> {
    Router::new()
        .route("/admin/w/{workspace}/people", get(list::list).post(change::add))
        .route("/admin/w/{workspace}/people/{id}", get(show::show))
        .route("/admin/w/{workspace}/people/{id}/{form}", post(change::change))
        .route("/admin/w/{workspace}/addresses", get(addresses::list))
        .route("/admin/w/{workspace}/addresses/{id}/{channel}", post(addresses::clear))
        .route("/admin/w/{workspace}/opt-outs", get(opt_outs::list))
        .route("/admin/w/{workspace}/opt-outs/{contact}", post(opt_outs::lift))
}
