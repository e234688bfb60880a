//! Cookies: all of them only for `/admin`, never for script, never sent along from another site, and over TLS alone where we have it.

use axum::http::{HeaderMap, header};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use cookie::time::Duration;
use cookie::{Cookie, SameSite};

use super::site::Site;

const SESSION: &str = "pivotal_session";
const FLASH: &str = "pivotal_flash";
const THEME: &str = "pivotal_theme";
const WORKSPACE: &str = "pivotal_workspace";

/// How long a choice about looks is kept.
const A_YEAR: Duration = Duration::days(365);

/// A sentence survives the redirect and no more.
const A_MINUTE: Duration = Duration::minutes(1);

/// The value of a cookie that the browser sent.
fn read<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(key, value)| *key == name && !value.is_empty())
        .map(|(_, value)| value)
}

fn write(site: &Site, name: &'static str, value: &str, age: Option<Duration>) -> String {
    let mut cookie = Cookie::build((name, value))
        .path("/admin")
        .http_only(true)
        .same_site(SameSite::Strict)
        .secure(site.is_secure());
    if let Some(age) = age {
        cookie = cookie.max_age(age);
    }
    cookie.build().to_string()
}

/// The token of the session.
pub(super) fn session(headers: &HeaderMap) -> Option<&str> {
    read(headers, SESSION)
}

/// Begins a session, or with `""` ends it. It lasts as long as the browser is open; the server ends it earlier.
pub(super) fn set_session(site: &Site, token: &str) -> String {
    write(site, SESSION, token, token.is_empty().then_some(Duration::ZERO))
}

/// The chosen theme.
pub(super) fn chosen_theme(headers: &HeaderMap) -> Option<&'static str> {
    ["light", "dark"].into_iter().find(|theme| read(headers, THEME) == Some(theme))
}

pub(super) fn theme(site: &Site, theme: &str) -> String {
    write(site, THEME, theme, Some(if theme.is_empty() { Duration::ZERO } else { A_YEAR }))
}

/// The handle of the workspace looked at last.
pub(super) fn workspace(headers: &HeaderMap) -> Option<&str> {
    read(headers, WORKSPACE)
}

pub(super) fn set_workspace(site: &Site, slug: &str) -> String {
    write(site, WORKSPACE, slug, Some(A_YEAR))
}

/// What the last form came to, as a sentence, and whether it was done.
pub(super) fn flash(headers: &HeaderMap) -> Option<(bool, String)> {
    let octets = BASE64_URL_SAFE_NO_PAD.decode(read(headers, FLASH)?).ok()?;
    let text = String::from_utf8(octets).ok()?;
    let (done, sentence) = text.split_once(' ')?;
    Some((done == "done", sentence.to_owned()))
}

pub(super) fn set_flash(site: &Site, done: bool, sentence: &str) -> String {
    let word = if done { "done" } else { "not" };
    // A cookie holds 4 KiB; a sentence that long would help nobody.
    let sentence: String = sentence.chars().take(500).collect();
    let value = BASE64_URL_SAFE_NO_PAD.encode(format!("{word} {sentence}"));
    write(site, FLASH, &value, Some(A_MINUTE))
}

pub(super) fn forget_flash(site: &Site) -> String {
    write(site, FLASH, "", Some(Duration::ZERO))
}
