//! One-click unsubscribe (RFC 8058): at once, and by every path.

use mail_parser::MessageParser;
use pivotal_reminders::domain::link::Purpose;
use rstest::rstest;
use serde_json::json;

use super::{BASE, Site, words};
use crate::support::app::Answer;
use crate::support::db::Backend;

/// What a mail client sends when its user presses "unsubscribe": a form of its own, without cookies.
async fn one_click(site: &Site) -> Answer {
    let mail = site.mail();
    let mail = MessageParser::default().parse(&mail.raw).expect("a mail");
    let header = |name| mail.header_raw(name).map(str::trim).unwrap_or_default().to_owned();
    assert_eq!(header("List-Unsubscribe-Post"), "List-Unsubscribe=One-Click");
    let list = header("List-Unsubscribe");
    let url = list
        .strip_prefix('<')
        .and_then(|url| url.strip_suffix('>'))
        .expect("an address in brackets");
    assert!(url.starts_with("https://"), "{url}");
    let body = "--x\r\nContent-Disposition: form-data; name=\"List-Unsubscribe\"\r\n\r\nOne-Click\r\n--x--\r\n";
    let request = site
        .client
        .post(site.address(url))
        .header("content-type", "multipart/form-data; boundary=x")
        .body(body);
    site.stage.app.send(request).await
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn a_digest_is_stopped_with_one_click_even_when_the_next_is_written_already(
    #[case] backend: Backend,
) {
    let site = Site::new(backend).await;
    site.waiting_digest().await;
    // The next one is decided, and not sent yet.
    site.stage.scan("2026-06-03T07:00:00Z").await;
    site.stage.at("2026-06-03T07:00:01Z");
    assert_eq!(one_click(&site).await.status, 200);
    let after = site.state().await;
    assert_eq!(one_click(&site).await.status, 200, "twice is once");
    assert_eq!(site.state().await, after);
    site.stage.drain("2026-06-03T07:00:02Z").await;
    for day in 4..9 {
        site.stage.pass(&format!("2026-06-{day:02}T07:00:00Z")).await;
    }
    assert_eq!(site.stage.relay.accepted().len(), 1, "the first and no other");
    let ledger = site.stage.ledger().await;
    assert!(ledger.contains("2026-06-03 digest live email to Carl: skipped"), "{ledger}");
    let found = site
        .stage
        .app
        .get(&format!("/users/{}/notification_preferences", site.stage.app.csm.id))
        .await
        .ok(200);
    assert_eq!(found["digest_enabled"], false, "and operators see it");
    assert_eq!(site.audited().await, ["user_updated user Carl Csm"]);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn a_customer_stops_the_notes_with_one_click(#[case] backend: Backend) {
    let site = Site::new(backend).await;
    site.stage.sql("UPDATE workspaces SET customer_reminders = true").await;
    site.stage.set_carl("digest_enabled = false, muted_kinds = 'waiting_on_customer'").await;
    let path = site.stage.onboard("Halden Freight", json!({ "state": "waiting" })).await;
    let customer = site.onboarding(&path).await["customer_id"].as_str().unwrap().to_owned();
    let ida = json!({ "name": "Ida Bramwell", "email": "ida@halden.example" });
    site.stage.app.post(&format!("/customers/{customer}/contacts"), ida).await.ok(201);
    site.stage.pass("2026-06-04T09:00:00Z").await;
    let mail = site.mail();
    assert_eq!(mail.to, "ida@halden.example");
    site.stage.at("2026-06-04T10:00:00Z");
    let page = site.get(&site.link(Purpose::Unsubscribe)).await;
    insta::assert_snapshot!(words(&page.text), @"acme Inc. For Ida Bramwell Stop these notes? No more notes about your onboarding will come to your address. Your contact can still write to you. Unsubscribe");
    // The next one is decided, and not sent yet.
    site.stage.scan("2026-06-08T09:00:00Z").await;
    site.stage.at("2026-06-08T09:00:01Z");
    let page = one_click(&site).await;
    insta::assert_snapshot!(words(&page.text), @"acme Inc. For Ida Bramwell Done You get no more of these notes. If you change your mind, write to your contact.");
    site.stage.drain("2026-06-08T09:00:02Z").await;
    site.stage.pass("2026-06-15T09:00:00Z").await;
    assert_eq!(site.stage.relay.accepted().len(), 1);
    let rows = site
        .stage
        .service
        .db
        .rows(
            "SELECT state, reason FROM notifications WHERE kind = 'customer_reminder' ORDER BY id",
        )
        .await;
    let ends: Vec<String> = rows
        .iter()
        .map(|row| {
            format!("{} {}", row["state"].as_str().unwrap(), row["reason"].as_str().unwrap_or("-"))
        })
        .collect();
    assert_eq!(ends, ["sent -", "skipped state_changed", "skipped opted_out"]);
    assert_eq!(site.audited().await, ["contact_unsubscribed contact Ida Bramwell"]);
    // A contact's link is for nothing else.
    let other = pivotal_reminders::domain::link::Link::of(
        &site.read(&site.link(Purpose::Unsubscribe)).notification_id(),
        Purpose::Mine,
        None,
    )
    .unwrap();
    assert_eq!(site.get(&format!("{BASE}/l/{}", site.key.token(&other))).await.status, 404);
}
