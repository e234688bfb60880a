//! The pages of a workspace that speaks German.

use std::collections::BTreeSet;

use pivotal_reminders::domain::link::{Link, Purpose};
use serde_json::json;

use super::{BASE, Site, keep, words};
use crate::support::db::Backend;

/// Names, and words that both languages have.
const SHARED: &str = "status phase acme carl csm halden freight in before getting started onboarding onboardings utc slack mit war am an also so do inc mail ntf olga owner team was";

fn each_word(page: &str) -> BTreeSet<String> {
    page.split(|c: char| !c.is_alphabetic())
        .filter(|word| word.chars().count() > 1)
        .map(str::to_lowercase)
        .collect()
}

#[tokio::test]
async fn every_page_is_in_the_language_of_its_workspace() {
    let site = Site::new(Backend::Sqlite).await;
    site.waiting_digest().await;
    let id = site.read(&site.link(Purpose::Mine)).notification_id();
    let about_one = |purpose: Purpose| purpose.is_about_one().then_some(1);
    let url = |purpose| {
        let link = Link::of(&id, purpose, about_one(purpose)).unwrap();
        format!("{BASE}/l/{}", site.key.token(&link))
    };
    let mut english = BTreeSet::new();
    for purpose in Purpose::ALL {
        english.extend(each_word(&words(&site.get(&url(purpose)).await.text)));
    }
    site.stage.patch("/workspace", json!({ "locale": "de" })).await;
    let style = site.get(&format!("{BASE}/l/style.css")).await;
    let (mut said, mut left) = (Vec::new(), BTreeSet::new());
    for purpose in Purpose::ALL {
        let page = site.get(&url(purpose)).await;
        assert_eq!(page.status, 200, "{purpose:?}");
        assert!(page.text.contains("<html lang=\"de\">"), "{purpose:?}");
        keep(&format!("{purpose:?}-de"), &page.text, &style.text);
        let page = words(&page.text).replace(&id, "ntf_1");
        left.extend(each_word(&page).intersection(&english).cloned());
        said.push(format!("{purpose:?}: {page}"));
    }
    insta::assert_snapshot!(said.join("\n\n"));
    left.retain(|word| !SHARED.split(' ').any(|shared| shared == word));
    assert!(left.is_empty(), "English is left: {left:?}");
    let done = words(&site.press(&url(Purpose::Snooze), &[("days", "3")]).await.text);
    assert!(done.contains("ist bis Fr., 5. Juni zurückgestellt"), "{done}");
}

/// What an explanation looked at, in order, in both languages.
async fn gates(site: &Site, why: &str) -> [String; 2] {
    let mut both = [const { String::new() }; 2];
    for (said, (locale, from, to, end)) in both.iter_mut().zip([
        ("en", "in order ", " What comes next", " Snooze it"),
        ("de", "der Reihe nach ", " Was als Nächstes", " Zurückstellen"),
    ]) {
        site.stage.patch("/workspace", json!({ "locale": locale })).await;
        let page = words(&site.get(why).await.text);
        let list = page.split_once(from).expect("a list of gates").1;
        let list = list.split(end).next().unwrap_or_default();
        let list = list.split(to).next().unwrap_or_default();
        *said = list.replace(" ✓ ", "\n✓ ").replace(" ✕ ", "\n✕ ");
    }
    both
}

#[tokio::test]
async fn an_explanation_in_german_names_the_values_that_were_seen() {
    let site = Site::new(Backend::Sqlite).await;
    let path = site.waiting_digest().await;
    let why = site.link(Purpose::Why);
    let preferences = format!("/users/{}/notification_preferences", site.stage.app.csm.id);
    let mut said = vec![("as it is", gates(&site, &why).await)];
    site.stage.patch(&path, json!({ "reminder_frequency_days": 3, "state": "active" })).await;
    let quiet = json!({
        "digest_days": ["fri"], "digest_channel": "slack", "quiet_hours": { "from": "06:30", "until": "08:00" },
    });
    site.stage.patch(&preferences, quiet).await;
    site.stage.at("2026-06-10T09:00:00Z");
    said.push(("another rhythm, a phase that stalls", gates(&site, &why).await));
    site.stage.at("2026-06-12T09:00:00Z");
    said.push(("quiet hours on a Friday", gates(&site, &why).await));
    let backup = &site.stage.app.owner.id;
    let away = json!({ "out_of_office_until": "2026-06-22", "backup_user_id": backup });
    site.stage.patch(&preferences, away).await;
    site.stage.patch(&path, json!({ "reminder_email": false, "reminder_slack": false })).await;
    said.push(("out of office, both channels off", gates(&site, &why).await));
    site.stage.patch(&preferences, json!({ "backup_user_id": null })).await;
    let until = json!({ "until": "2026-07-01" });
    site.stage.app.post(&format!("{path}/snooze"), until).await.ok(201);
    said.push(("nobody stands in, snoozed", gates(&site, &why).await));
    for (when, [english, german]) in &said {
        assert_eq!(english.lines().count(), german.lines().count(), "{when}");
        let (english, german) = (each_word(english), each_word(german));
        let left = german.intersection(&english);
        let left: Vec<&String> =
            left.filter(|word| !SHARED.split(' ').any(|shared| shared == *word)).collect();
        assert!(left.is_empty(), "{when}: English is left: {left:?}");
    }
    let said: Vec<String> =
        said.into_iter().map(|(when, [_, german])| format!("--- {when}\n{german}")).collect();
    insta::assert_snapshot!(said.join("\n\n"));
}

#[tokio::test]
async fn a_page_of_nobodys_is_in_a_language_that_its_reader_understands() {
    let site = Site::new(Backend::Sqlite).await;
    let ask = async |languages: &str| {
        let request = site.client.get(site.address(&format!("{BASE}/l/cut")));
        let page = site.stage.app.send(request.header("accept-language", languages)).await;
        assert_eq!(page.status, 404);
        words(&page.text)
    };
    for german in ["de", "de-AT,en;q=0.8", "fr, de;q=0.7, en;q=0.3"] {
        assert!(ask(german).await.starts_with("Dieser Link ist nicht vollständig."), "{german}");
    }
    for english in ["en-GB,de;q=0.9", "fr", "", "de;q=0", "*"] {
        assert!(ask(english).await.starts_with("This link is not complete."), "{english}");
    }
}

#[tokio::test]
async fn who_guesses_is_slowed_down_and_who_has_a_link_is_not() {
    let site = Site::new(Backend::Sqlite).await;
    site.waiting_digest().await;
    let before = site.state().await;
    let mut refused = 0;
    for n in 0..150 {
        let answer = site.get(&format!("{BASE}/l/guess{n}")).await;
        if answer.status == 429 {
            refused += 1;
            let wait: u64 = answer.header("retry-after").parse().unwrap();
            assert!((1..=60).contains(&wait), "{wait}");
        } else {
            assert_eq!(answer.status, 404);
        }
    }
    assert_eq!(refused, 30);
    assert_eq!(site.get(&site.link(Purpose::Mine)).await.status, 200);
    assert_eq!(site.state().await, before);
    let long = "x".repeat(20 * 1024);
    let id = site.read(&site.link(Purpose::Mine)).notification_id();
    let mute = site.key.token(&Link::of(&id, Purpose::Mute, None).unwrap());
    let answer = site.press(&format!("{BASE}/l/{mute}"), &[("kind", &long)]).await;
    assert_eq!(answer.status, 413);
    assert_eq!(site.state().await, before);
}
