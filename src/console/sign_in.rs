//! Signing in and out.

use std::net::SocketAddr;

use axum::extract::{ConnectInfo, FromRequestParts, Query, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use minijinja::context;
use secrecy::ExposeSecret;
use serde::Deserialize;

use super::acting::{self, Sent};
use super::cookies;
use super::error::PageError;
use super::frame;
use super::site::Site;
use super::templates;
use crate::operate::operators::{self, SignIn};

#[derive(Deserialize)]
pub(super) struct Next {
    next: Option<String>,
}

/// `GET /admin/sign-in`
pub(super) async fn show(
    State(site): State<Site>,
    Query(next): Query<Next>,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    let next = inside(next.next.as_deref().unwrap_or_default()).to_owned();
    if let Some(token) = cookies::session(&headers)
        && operators::signed_in(&site.db, token, site.clock.now()).await?.is_some()
    {
        return Ok(frame::to(&next));
    }
    page(StatusCode::OK, &headers, "", &next, None)
}

/// `POST /admin/sign-in`
pub(super) async fn send(
    State(site): State<Site>,
    request: Request,
) -> Result<Response, PageError> {
    let (mut parts, body) = request.into_parts();
    let headers = parts.headers.clone();
    acting::require_same_origin(&headers, &site)?;
    let peer = ConnectInfo::<SocketAddr>::from_request_parts(&mut parts, &site).await;
    let peer =
        peer.map_or_else(|_| "unknown".to_owned(), |ConnectInfo(peer)| peer.ip().to_string());
    let form = acting::read(Request::from_parts(parts, body), &site).await?;
    let (email, next) = (
        form.one("email").unwrap_or_default(),
        inside(form.one("next").unwrap_or_default()).to_owned(),
    );
    let password = form.exactly("password").unwrap_or_default().to_owned().into();
    let now = site.clock.now();
    match operators::sign_in(&site.db, email, &password, &peer, now).await? {
        SignIn::In(token) => {
            let cookie = cookies::set_session(&site, token.expose_secret());
            Ok(([(header::SET_COOKIE, cookie)], frame::to(&next)).into_response())
        }
        SignIn::Wrong => {
            let fault = "This address and this password do not belong together.".to_owned();
            page(StatusCode::UNAUTHORIZED, &headers, email, &next, Some(&fault))
        }
        SignIn::Throttled(until) => {
            let seconds = (until - now).num_seconds().max(1);
            let minutes = crate::render::english::count((seconds + 59) / 60, "minute");
            let fault = format!("Too many tries. Wait {minutes}, then try again.");
            let page = page(StatusCode::TOO_MANY_REQUESTS, &headers, email, &next, Some(&fault))?;
            Ok(([(header::RETRY_AFTER, seconds.to_string())], page).into_response())
        }
    }
}

fn page(
    status: StatusCode,
    headers: &HeaderMap,
    email: &str,
    next: &str,
    fault: Option<&str>,
) -> Result<Response, PageError> {
    let context = context! {
        email => email,
        next => next,
        fault => fault,
        theme => cookies::chosen_theme(headers),
        version => templates::VERSION.as_str(),
    };
    Ok((status, templates::render("sign_in", context)?).into_response())
}

/// `POST /admin/sign-out`
pub(super) async fn out(State(site): State<Site>, sent: Sent) -> Result<Response, PageError> {
    operators::sign_out(&site.db, &sent.visitor.token).await?;
    let cookie = cookies::set_session(&site, "");
    Ok(([(header::SET_COOKIE, cookie)], frame::to("/admin/sign-in")).into_response())
}

/// An address of the console; whatever else it is, the console's first page instead.
pub(super) fn inside(address: &str) -> &str {
    let plain = address.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    let within =
        address == "/admin" || address.starts_with("/admin/") || address.starts_with("/admin?");
    if plain && within { address } else { "/admin" }
}

#[cfg(test)]
mod tests {
    use super::inside;

    #[test]
    fn nobody_is_led_elsewhere_after_signing_in() {
        for address in ["/admin", "/admin/w/acme/notifications?state=failed", "/admin?x=1"] {
            assert_eq!(inside(address), address);
        }
        for address in [
            "",
            "//evil.example",
            "/adminevil",
            "https://evil.example/admin",
            "/admin/\r\nX: y",
            "/admin\\..\\x",
        ] {
            assert_eq!(inside(address), "/admin", "{address:?}");
        }
    }
}
