//! Addresses that nothing is sent to: those that a provider refused, until an operator clears them.

use axum::extract::{Path, State};
use axum::response::Response;
use serde::Serialize;

use crate::console::acting::Acting;
use crate::console::error::PageError;
use crate::console::lists::Link;
use crate::console::sign_in::inside;
use crate::console::site::Site;
use crate::console::visitor::Visitor;
use crate::console::words::{self, When};
use crate::domain::ids::Ref;
use crate::domain::values::{Channel, RecipientType};
use crate::operate::addresses;
use crate::store::contacts;

#[derive(Serialize)]
struct Page {
    flagged: Vec<Flagged>,
}

#[derive(Serialize)]
struct Flagged {
    owner: Option<Link>,
    name: String,
    is_customer: bool,
    channel: &'static str,
    address: String,
    since: When,
    clear: String,
}

/// `GET /admin/w/{workspace}/addresses`
pub(super) async fn list(
    State(site): State<Site>,
    visitor: Visitor,
) -> Result<Response, PageError> {
    let mut conn = site.db.read().await?;
    let mut flagged = Vec::new();
    for found in addresses::list(&mut conn, &visitor.workspace.id).await? {
        let owner = match found.owner {
            RecipientType::User => Some(Link::to_user(&visitor, &found.id, &found.name)),
            RecipientType::Contact => {
                let reference = Ref::Id(found.id.clone());
                let contact = contacts::find(&mut conn, &visitor.workspace.id, &reference).await?;
                contact.map(|c| Link::to_customer(&visitor, &c.customer_id, &found.name))
            }
        };
        flagged.push(Flagged {
            owner,
            name: crate::render::english::name(&found.name),
            is_customer: found.owner == RecipientType::Contact,
            channel: words::channel(found.channel),
            address: found.address,
            since: visitor.when(found.flagged_at),
            clear: visitor.url(&format!("addresses/{}/{}", found.id, found.channel)),
        });
    }
    let view = Page { flagged };
    visitor.page(&site, "addresses", "people", "Refused addresses", &view)
}

/// `POST /admin/w/{workspace}/addresses/{id}/{channel}`: the next message goes there again.
pub(super) async fn clear(
    State(_): State<Site>,
    Path((_, id, channel)): Path<(String, String, String)>,
    acting: Acting,
) -> Result<Response, PageError> {
    let because = acting.because()?;
    let channel: Channel = channel.parse().map_err(|_| PageError::NotFound("channel"))?;
    let back = acting
        .form
        .one("back")
        .map_or_else(|| acting.visitor.url("addresses"), |back| inside(back).to_owned());
    let Some(mut tx) = acting.begin().await? else { return Ok(acting.twice(&back)) };
    let Visitor { workspace, now, .. } = &acting.visitor;
    let done = addresses::clear(&mut tx, because, &workspace.id, &id, channel, *now).await;
    let done = done
        .map(|found| format!("{} is cleared: the next message goes there again.", found.address));
    acting.answer(tx, done, &back).await
}
