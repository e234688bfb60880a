//! Tokens that do not say what they should: a clear page, and nothing changed.

use pivotal_reminders::domain::link::{Link, LinkKey, Purpose};
use rstest::rstest;
use serde_json::{Value, json};

use super::{BASE, Site, words};
use crate::support::db::Backend;

/// Shows and presses; answers with the page and makes sure that nothing has changed.
async fn harmless(site: &Site, url: &str) -> (u16, String) {
    let before = site.state().await;
    let shown = site.get(url).await;
    let pressed = site.press(url, &[("days", "3")]).await;
    assert_eq!(shown.status, pressed.status);
    assert_eq!(site.state().await, before);
    assert!(!shown.text.contains("<button"), "{}", shown.text);
    (pressed.status.as_u16(), words(&pressed.text))
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn tampered_and_foreign_tokens_are_refused(#[case] backend: Backend) {
    let site = Site::new(backend).await;
    site.waiting_digest().await;
    let url = site.link(Purpose::Snooze);
    let link = site.read(&url);
    let other = LinkKey::new("another secret of thirty-two characters, or more");
    let flipped = if url.ends_with('A') {
        format!("{}B", &url[..url.len() - 1])
    } else {
        format!("{}A", &url[..url.len() - 1])
    };
    let (lead, token) = url.rsplit_once('/').unwrap();
    for wrong in [
        flipped,
        format!("{BASE}/l/{}", other.token(&link)),
        format!("{lead}/{}", &token[..20]),
        format!("{lead}/{token}{token}"),
        format!("{lead}/%00%FF"),
        format!("{lead}/..%2F..%2Fetc"),
    ] {
        let (status, page) = harmless(&site, &wrong).await;
        assert_eq!(
            status,
            if wrong.contains('%') && page.is_empty() { 400 } else { 404 },
            "{wrong}: {page}"
        );
        assert!(page.contains("This link is not complete.") || status == 400, "{page}");
    }
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn expired_tokens_say_so_and_the_way_out_lasts(#[case] backend: Backend) {
    let site = Site::new(backend).await;
    site.waiting_digest().await;
    let (snooze, stop) = (site.link(Purpose::Snooze), site.link(Purpose::Unsubscribe));
    site.stage.at("2026-07-02T06:59:59Z");
    assert_eq!(site.get(&snooze).await.status, 200);
    site.stage.at("2026-07-02T07:00:00Z");
    let (status, page) = harmless(&site, &snooze).await;
    assert_eq!(status, 410);
    insta::assert_snapshot!(page, @"This link is too old. Links work for thirty days. The newest message has new ones. Nothing was changed.");
    site.stage.at("2027-05-01T07:00:00Z");
    assert_eq!(site.press(&stop, &[]).await.status, 200);
    assert_eq!(site.audited().await, ["user_updated user Carl Csm"]);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn an_onboarding_that_moved_to_another_is_not_the_readers_any_more(#[case] backend: Backend) {
    let site = Site::new(backend).await;
    let path = site.waiting_digest().await;
    let url = site.link(Purpose::Snooze);
    let jonas = json!({ "name": "Jonas Reyl", "email": "jonas@acme.example" });
    let jonas = site.stage.app.post("/users", jonas).await.ok(201);
    site.stage.patch(&path, json!({ "csm_id": jonas["id"] })).await;
    let (_, page) = harmless(&site, &url).await;
    assert!(page.contains("Halden Freight #1 moved to Jonas Reyl. Nothing was changed."), "{page}");
    // Somebody who has left may do nothing at all.
    let carl = format!("/users/{}", site.stage.app.csm.id);
    site.stage.patch(&path, json!({ "csm_id": site.stage.app.csm.id })).await;
    site.stage.app.delete(&carl).await.ok(200);
    let (status, page) = harmless(&site, &url).await;
    assert_eq!((status, page.contains("This link is not yours any more.")), (410, true), "{page}");
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn a_closed_onboarding_stays_as_it_is(#[case] backend: Backend) {
    let site = Site::new(backend).await;
    let path = site.waiting_digest().await;
    let url = site.link(Purpose::Snooze);
    site.stage.patch(&path, json!({ "phase": "completed" })).await;
    let (_, page) = harmless(&site, &url).await;
    assert!(page.contains("Halden Freight #1 is closed. Nothing was changed."), "{page}");
    site.stage.app.delete(&path).await.ok(200);
    let (_, page) = harmless(&site, &url).await;
    assert!(page.contains("Halden Freight #1 is closed. Nothing was changed."), "{page}");
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn links_of_previews_and_of_suppressed_messages_lead_nowhere(#[case] backend: Backend) {
    let site = Site::new(backend).await;
    let preview = Link::of("ntf_01k9zq5w00fqzyj8b5m7q2mvd4", Purpose::Rhythm, None).unwrap();
    site.stage.app.advance(super::at("2025-11-20T00:00:00Z") - site.stage.app.now());
    let (status, page) = harmless(&site, &format!("{BASE}/l/{}", site.key.token(&preview))).await;
    assert_eq!(
        (status, page.contains("This link belongs to no message that was sent.")),
        (404, true),
        "{page}"
    );

    site.stage.at("2026-06-01T08:00:00Z");
    let key = site.stage.app.test.clone();
    site.stage
        .onboard_with(&key, "Testbed", json!({ "state": "waiting", "reminder_frequency_days": 1 }))
        .await;
    site.stage.pass("2026-06-02T07:00:00Z").await;
    site.stage.at("2026-06-02T09:00:00Z");
    let rows: Vec<Value> = site.stage.service.db.rows("SELECT id, state FROM notifications").await;
    assert_eq!(rows[0]["state"], "suppressed");
    let link = Link::of(rows[0]["id"].as_str().unwrap(), Purpose::Snooze, Some(1)).unwrap();
    let (status, page) = harmless(&site, &format!("{BASE}/l/{}", site.key.token(&link))).await;
    assert_eq!((status, page.contains("This message was not sent.")), (410, true), "{page}");
}
