//! What people do from a message.

use pivotal_reminders::domain::link::Purpose;
use rstest::rstest;
use serde_json::json;

use super::{Site, words};
use crate::support::db::Backend;

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn the_customer_replied_ends_the_wait_once(#[case] backend: Backend) {
    let site = Site::new(backend).await;
    let path = site.stage.onboard("Halden Freight", json!({ "state": "waiting" })).await;
    site.stage.set_carl("digest_enabled = false").await;
    site.stage.pass("2026-06-04T09:00:00Z").await;
    site.stage.at("2026-06-04T09:30:00Z");
    let url = site.link(Purpose::Replied);
    insta::assert_snapshot!("replied_page", words(&site.get(&url).await.text));
    let done = site.press(&url, &[]).await;
    insta::assert_snapshot!("replied_done", words(&done.text));
    let onboarding = site.onboarding(&path).await;
    assert_eq!(
        (&onboarding["state"], &onboarding["waiting_on_customer"]),
        (&json!("active"), &json!(false))
    );
    let after = site.state().await;
    let again = words(&site.press(&url, &[]).await.text);
    assert!(again.contains("Already done: Carl Csm ended the wait at 09:30."), "{again}");
    assert!(words(&site.get(&url).await.text).contains("Already done"), "the page says so too");
    assert_eq!(site.state().await, after);
    assert_eq!(site.audited().await, ["onboarding_updated user Carl Csm"]);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn what_was_settled_elsewhere_is_said_with_its_author(#[case] backend: Backend) {
    let site = Site::new(backend).await;
    let path = site.stage.onboard("Halden Freight", json!({ "state": "waiting" })).await;
    site.stage.pass("2026-06-04T09:00:00Z").await;
    let url = site.link(Purpose::Replied);
    site.stage.at("2026-06-04T10:57:00Z");
    site.stage.patch(&path, json!({ "waiting_on_customer": false })).await;
    site.stage.at("2026-06-05T11:00:00Z");
    let before = site.state().await;
    let page = words(&site.press(&url, &[]).await.text);
    assert!(
        page.contains("Already done: API: CRM sync ended the wait on Thu 4 Jun at 10:57."),
        "{page}"
    );
    // A wait that began later is another one, and this message knows nothing of it.
    site.stage.patch(&path, json!({ "waiting_on_customer": true })).await;
    let page = words(&site.press(&url, &[]).await.text);
    assert!(
        page.contains("A new wait for Halden Freight #1 has begun since this message."),
        "{page}"
    );
    assert_eq!(site.onboarding(&path).await["waiting_on_customer"], true);
    assert_ne!(site.state().await, before, "only the new wait");
}

#[rstest]
#[case::three_days(&[("days", "3")], "2026-06-05")]
#[case::a_week(&[("days", "7"), ("until", "")], "2026-06-09")]
#[case::a_date(&[("days", "date"), ("until", "2026-07-01")], "2026-07-01")]
#[tokio::test]
async fn a_snooze_rests_until_the_day_chosen_and_its_link_works_once(
    #[case] form: &[(&str, &str)],
    #[case] until: &str,
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let site = Site::new(backend).await;
    let path = site.waiting_digest().await;
    let url = site.link(Purpose::Snooze);
    let page = site.press(&url, form).await;
    assert!(words(&page.text).contains("is snoozed until"), "{}", page.text);
    let reminders = site.stage.app.get(&format!("{path}/reminders")).await.ok(200);
    assert_eq!(reminders["snoozed_until"], until);
    // The same link a week later, by whoever finds it in the mailbox.
    site.stage.at("2026-06-08T09:00:00Z");
    let before = site.state().await;
    let page = words(&site.press(&url, &[("days", "7")]).await.text);
    assert!(
        page.contains("Already done: Carl Csm snoozed Halden Freight #1 on Tue 2 Jun at 09:00"),
        "{page}"
    );
    assert_eq!(site.state().await, before);
    assert_eq!(site.audited().await, ["onboarding_snoozed user Carl Csm"]);
}

#[rstest]
#[case::nothing(&[], "Choose for how long.")]
#[case::no_number(&[("days", "soon")], "Choose for how long.")]
#[case::the_past(&[("days", "date"), ("until", "2026-06-02")], "Choose a day to come")]
#[case::years(&[("days", "date"), ("until", "2036-06-02")], "Choose a day to come")]
#[case::no_date(&[("days", "date"), ("until", "tomorrow")], "Choose for how long.")]
#[tokio::test]
async fn a_form_that_says_nothing_useful_changes_nothing(
    #[case] form: &[(&str, &str)],
    #[case] said: &str,
) {
    let site = Site::new(Backend::Sqlite).await;
    site.waiting_digest().await;
    let before = site.state().await;
    let page = words(&site.press(&site.link(Purpose::Snooze), form).await.text);
    assert!(page.contains(said), "{page}");
    assert_eq!(site.state().await, before);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn people_choose_when_what_and_whether_messages_come(#[case] backend: Backend) {
    let site = Site::new(backend).await;
    site.waiting_digest().await;
    let preferences = format!("/users/{}/notification_preferences", site.stage.app.csm.id);
    let rhythm = site.link(Purpose::Rhythm);
    insta::assert_snapshot!("rhythm_page", words(&site.get(&rhythm).await.text));
    let page = site.press(&rhythm, &[("time", "08:30"), ("day", "mon"), ("day", "thu")]).await;
    assert!(
        words(&page.text).contains("Your digest comes at 08:30 from the next one on."),
        "{}",
        page.text
    );
    let found = site.stage.app.get(&preferences).await.ok(200);
    assert_eq!(
        (&found["digest_time"], &found["digest_days"]),
        (&json!("08:30"), &json!(["mon", "thu"]))
    );

    // The other pages of the settings are one step away.
    let token = |purpose| {
        let link = pivotal_reminders::domain::link::Link::of(
            &site.read(&rhythm).notification_id(),
            purpose,
            None,
        )
        .unwrap();
        format!("{}/l/{}", super::BASE, site.key.token(&link))
    };
    let page = site.press(&token(Purpose::Mute), &[("kind", "waiting_on_customer")]).await;
    assert!(
        words(&page.text).contains("You get: nudges about customers we wait on."),
        "{}",
        page.text
    );
    let found = site.stage.app.get(&preferences).await.ok(200);
    assert_eq!(
        (&found["digest_enabled"], &found["muted_kinds"]),
        (&json!(false), &json!(["stalled_phase"]))
    );

    let away = token(Purpose::Away);
    let page =
        site.press(&away, &[("until", "2026-06-15"), ("backup", &site.stage.app.owner.id)]).await;
    assert!(
        words(&page.text).contains(
            "You are out of office until Mon 15 Jun. Meanwhile Olga Owner gets your messages."
        ),
        "{}",
        page.text
    );
    let found = site.stage.app.get(&preferences).await.ok(200);
    assert_eq!(
        (&found["out_of_office_until"], &found["backup_user_id"]),
        (&json!("2026-06-15"), &json!(site.stage.app.owner.id))
    );
    insta::assert_snapshot!("away_page", words(&site.get(&away).await.text));
    let before = site.state().await;
    for (form, said) in [
        (vec![("until", "2026-06-01")], "Choose a day to come"),
        (vec![("until", "soon")], "Choose a day, like"),
        (
            vec![("until", "2026-06-20"), ("backup", "user_nobody")],
            "Choose a colleague who is here.",
        ),
        (
            vec![("until", "2026-06-20"), ("backup", site.stage.app.csm.id.as_str())],
            "Choose a colleague who is here.",
        ),
    ] {
        let page = words(&site.press(&away, &form).await.text);
        assert!(page.contains(said), "{page}");
    }
    for form in [
        vec![("time", "25:00"), ("day", "mon")],
        vec![("time", "08:00")],
        vec![("time", "08:00"), ("day", "someday")],
    ] {
        assert!(words(&site.press(&rhythm, &form).await.text).contains("Nothing was changed"));
    }
    assert_eq!(site.state().await, before);
    assert_eq!(site.audited().await, ["user_updated user Carl Csm"; 3]);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn pages_show_ones_onboardings_and_say_why(#[case] backend: Backend) {
    let site = Site::new(backend).await;
    site.stage.onboard("Fennel & Rye <b>", json!({ "reminder_frequency_days": 1 })).await;
    let paused = site.stage.onboard("Merrow & Finch", json!({})).await;
    site.stage.patch(&paused, json!({ "state": "paused" })).await;
    site.waiting_digest().await;
    insta::assert_snapshot!("mine_page", words(&site.get(&site.link(Purpose::Mine)).await.text));
    insta::assert_snapshot!("quiet_page", words(&site.get(&site.link(Purpose::Quiet)).await.text));
    insta::assert_snapshot!(
        "onboarding_page",
        words(&site.get(&site.link(Purpose::Onboarding)).await.text)
    );
    insta::assert_snapshot!("why_page", words(&site.get(&site.link(Purpose::Why)).await.text));
    let page = words(&site.get(&site.link(Purpose::Message)).await.text);
    assert!(
        page.contains("Why you got the digest of Tue 2 Jun")
            && page.contains("Why Fennel & Rye <b> #1?"),
        "{page}"
    );
    // Pages without a button act on nothing.
    let before = site.state().await;
    assert_eq!(site.press(&site.link(Purpose::Mine), &[]).await.status, 405);
    assert_eq!(site.state().await, before);
}
