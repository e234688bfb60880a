//! The ledger on the console: finding, reading, acting.

use pivotal_reminders::domain::values::OperatorRole;
use rstest::rstest;
use serde_json::json;

use super::{Admin, Browser, main, text};
use crate::support::crowd::copy;
use crate::support::db::Backend;
use crate::support::fake_smtp::{At, Do, Script};

/// The address of the page of the only notification in this state.
async fn page_of(admin: &Admin, state: &str) -> String {
    let sql = format!("SELECT id FROM notifications WHERE state = '{state}'");
    let rows = admin.stage.service.db.rows(&sql).await;
    assert_eq!(rows.len(), 1, "{rows:?}");
    format!("/admin/w/acme/notifications/{}", rows[0]["id"].as_str().unwrap())
}

/// Binds snapshots that do not depend on ids and durations.
fn settled(check: impl FnOnce()) {
    let mut settings = insta::Settings::clone_current();
    settings.add_filter(r"(ntf|proc|onb|user|cont)_[0-9a-z]{26}", "${1}_…");
    settings.add_filter(r"\d+ ms", "[n] ms");
    settings.add_filter(r"/l/[A-Za-z0-9_-]+", "/l/[token]");
    settings.bind(check);
}

/// A digest that the relay refuses.
async fn failed(admin: &Admin) -> String {
    admin.stage.onboard("Halden Freight", json!({ "reminder_slack": false })).await;
    admin
        .stage
        .relay
        .set_script(Script::new().on(At::Dot, Do::reply("554 5.7.1 looks like <spam>")));
    admin.stage.pass("2026-06-02T07:00:00Z").await;
    admin.stage.at("2026-06-02T08:00:00Z");
    page_of(admin, "failed").await
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn what_would_be_refused_is_not_offered_and_the_page_says_why(#[case] backend: Backend) {
    let admin = Admin::new(backend).await;
    let page = failed(&admin).await;
    let browser = admin.signed_in(OperatorRole::Operator).await;
    assert!(browser.read(&page).await.contains("Try again"));
    admin.stage.sql("UPDATE notifications SET deadline = '2026-06-02T07:30:00+00:00'").await;
    let late = browser.read(&page).await;
    assert!(!late.contains("Try again") && late.contains("Send it anew"), "{late}");
    let why = "Its deadline, 2026-06-02T07:30:00Z, has passed; re-send it instead.";
    assert!(text(&late).contains(why), "{}", text(&late));
}

/// What is a link's token, behind the address of our own pages.
fn tokens(text: &str) -> Vec<&str> {
    let words = text.split("/l/").skip(1).map(|rest| {
        rest.split(|c: char| !c.is_ascii_alphanumeric() && !"-_".contains(c)).next().unwrap()
    });
    words.filter(|word| !word.is_empty() && *word != "style").collect()
}

/// Whoever holds a token acts as the recipient: a viewer would, and a key that may only read.
#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn links_of_a_message_are_its_recipients_alone(#[case] backend: Backend) {
    let admin = Admin::new(backend).await;
    admin.stage.onboard("Halden Freight", json!({})).await;
    admin.stage.pass("2026-06-02T07:00:00Z").await;
    admin.stage.at("2026-06-02T08:00:00Z");
    let sent = admin.stage.relay.accepted().pop().unwrap();
    let sent = String::from_utf8_lossy(&sent.raw).into_owned();
    assert!(tokens(&sent).len() > 5, "its recipient can act: {sent}");

    let page = page_of(&admin, "sent").await;
    let id = page.rsplit('/').next().unwrap().to_owned();
    let viewer = admin.signed_in(OperatorRole::Viewer).await;
    let mut read = vec![viewer.read(&page).await, viewer.open(&format!("{page}/html")).await.text];
    read.push(admin.stage.app.get(&format!("/notifications/{id}")).await.text);
    let show = ["notifications", "show", "--workspace", "acme", &id, "--json"];
    for how in [&show[..], &show[..5]] {
        read.push(admin.stage.service.ok(how).await.stdout);
    }
    for read in read {
        let found = tokens(&read);
        assert!(
            !found.is_empty() && found.iter().all(|t| *t == "for-the-recipient-only"),
            "{found:?} in {read}"
        );
    }
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn a_failed_notification_is_found_read_retried_and_seen_sent(#[case] backend: Backend) {
    let admin = Admin::new(backend).await;
    let page = failed(&admin).await;
    let browser = admin.signed_in(OperatorRole::Operator).await;
    let list = browser.read("/admin/w/acme/notifications?state=failed").await;
    settled(|| insta::assert_snapshot!("list", main(&list)));
    let found = browser.read(&page).await;
    settled(|| insta::assert_snapshot!("failed", main(&found)));
    // The mail as HTML is a document of its own that can do nothing.
    let mail = browser.open(&format!("{page}/html")).await;
    assert!(mail.header("content-security-policy").ends_with("; sandbox"));
    assert_eq!(mail.header("x-frame-options"), "SAMEORIGIN");
    assert!(mail.text.contains("Halden Freight"));

    admin.stage.relay.set_script(Script::new());
    browser.read(&page).await;
    let (csrf, form) = (browser.hidden("csrf"), browser.hidden("form"));
    let said = browser.press(&format!("{page}/retry"), &[("because", "the relay is back")]).await;
    assert!(main(&said).starts_with("It is tried again now."), "{said}");
    // A double click, or the same form from another tab, does nothing twice.
    let again =
        [("csrf", csrf.as_str()), ("form", form.as_str()), ("because", "the relay is back")];
    let answer = browser.send(browser.form(&format!("{page}/retry"), &again)).await;
    assert_eq!(answer.status, 303);
    let said = browser.read(&page).await;
    assert!(
        main(&said).starts_with(
            "This form was sent before and has done its work; nothing was done twice."
        ),
        "{said}"
    );
    let told = browser.read(&page).await;
    assert!(!told.contains("This form was sent"), "said once");
    admin.stage.drain("2026-06-02T08:00:10Z").await;
    admin.stage.at("2026-06-02T08:01:00Z");
    let sent = browser.read(&page).await;
    settled(|| insta::assert_snapshot!("sent", main(&sent)));
    let deeds = admin.stage.service.db.rows("SELECT event, actor_type, actor_name, reason FROM audit_log WHERE object = 'notification' AND event = 'notification_retried'").await;
    assert_eq!(
        deeds,
        [
            json!({ "event": "notification_retried", "actor_type": "operator", "actor_name": "Noor Adeyi", "reason": "the relay is back" })
        ]
    );
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn what_has_no_effect_is_said_and_changes_nothing(#[case] backend: Backend) {
    let admin = Admin::new(backend).await;
    let page = failed(&admin).await;
    let browser = admin.signed_in(OperatorRole::Operator).await;
    browser.read(&page).await;
    let said = browser.press(&format!("{page}/delivered"), &[("because", "I saw it")]).await;
    assert!(
        main(&said).starts_with("Nothing was changed: there is no doubt about it: it is failed."),
        "{said}"
    );
    let said = browser.press(&format!("{page}/resend"), &[("because", "once more")]).await;
    assert!(
        main(&said).starts_with("This is the repeat: a message of its own, on its way."),
        "{said}"
    );
    assert!(said.contains("Repeats"), "{said}");
    let repeat = page_of(&admin, "scheduled").await;
    browser.read(&repeat).await;
    let said = browser.press(&format!("{repeat}/cancel"), &[("because", "not needed")]).await;
    assert!(main(&said).starts_with("It is cancelled."), "{said}");
    let (csrf, form) = (browser.hidden("csrf"), browser.hidden("form"));
    let answers = [("csrf", csrf.as_str()), ("form", form.as_str()), ("because", "x")];
    let answer = browser.send(browser.form(&format!("{page}/shout"), &answers)).await;
    assert_eq!(answer.status, 404);
}

async fn rows(browser: &Browser<'_>, query: &str) -> Vec<String> {
    let page = browser.read(&format!("/admin/w/acme/notifications?{query}")).await;
    page.lines()
        .filter(|line| line.contains(" | ") && !line.starts_with("When"))
        .map(ToOwned::to_owned)
        .collect()
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn a_list_is_narrowed_by_everything_and_every_view_has_an_address(#[case] backend: Backend) {
    let admin = Admin::new(backend).await;
    admin.stage.onboard("Halden Freight", json!({ "reminder_slack": false })).await;
    let other = admin.stage.app.test.clone();
    admin.stage.onboard_with(&other, "Testbed", json!({ "reminder_slack": false })).await;
    admin.stage.pass("2026-06-02T07:00:00Z").await;
    admin.stage.at("2026-06-02T08:00:00Z");
    let browser = admin.signed_in(OperatorRole::Viewer).await;
    let carl = admin.stage.app.csm.id.clone();
    for (query, count) in [
        ("", 2),
        ("state=sent", 1),
        ("state=suppressed", 1),
        ("reason=test_mode", 1),
        ("mode=live", 1),
        ("kind=digest", 2),
        ("kind=stalled_phase", 0),
        ("channel=slack", 0),
        ("channel=email", 2),
        ("on=2026-06-02", 2),
        ("on=2026-06-03", 0),
        ("onboarding=%231", 1),
        ("onboarding=2&state=sent", 0),
        ("customer=1", 1),
        ("q=carl", 2),
        ("q=nobody", 0),
    ] {
        let found = rows(&browser, query).await;
        assert_eq!(found.len(), count, "{query}: {found:?}");
    }
    assert_eq!(rows(&browser, &format!("person={carl}")).await.len(), 2);
    let page =
        browser.read("/admin/w/acme/notifications?state=failed&kind=digest&on=2026-06-02").await;
    insta::assert_snapshot!("nothing_matches", main(&page));
    for query in ["state=lost", "on=tomorrow", "before=x"] {
        let answer = browser.open(&format!("/admin/w/acme/notifications?{query}")).await;
        assert_eq!(answer.status, 422, "{query}");
        let word = query.split('=').next().unwrap();
        assert!(text(&answer.text).to_lowercase().contains(word), "{}", answer.text);
    }
    for query in ["onboarding=99", "customer=cust_1", "person=%2F"] {
        assert_eq!(
            browser.open(&format!("/admin/w/acme/notifications?{query}")).await.status,
            404,
            "{query}"
        );
    }
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn a_long_list_goes_on_behind_its_last_row_and_names_are_text(#[case] backend: Backend) {
    let admin = Admin::new(backend).await;
    let hostile = "<script>alert(\"x\")</script>{{ 7*7 }}";
    admin
        .stage
        .onboard(hostile, json!({ "reminder_slack": false, "reminder_frequency_days": 1 }))
        .await;
    let browser = admin.signed_in(OperatorRole::Viewer).await;
    // Sixty mornings, one digest each.
    let mut day = "2026-06-02T07:00:00Z".parse::<chrono::DateTime<chrono::Utc>>().unwrap();
    for _ in 0..84 {
        admin.stage.scan(&day.to_rfc3339()).await;
        day += chrono::TimeDelta::days(1);
    }
    let count =
        admin.stage.service.db.rows("SELECT count(*) AS n FROM notifications").await[0]["n"]
            .as_i64()
            .unwrap();
    assert!(count > 50, "{count}");
    let first = browser.open("/admin/w/acme/notifications").await;
    assert!(
        first.text.contains("&lt;script&gt;alert(&quot;x&quot;)&lt;&#x2f;script&gt;{{ 7*7 }}"),
        "{}",
        first.text
    );
    assert!(!first.text.contains("<script>alert"));
    let older = first
        .text
        .split_once("rel=\"next\"")
        .unwrap()
        .0
        .rsplit_once("href=\"")
        .unwrap()
        .1
        .trim_end_matches(['"', ' ']);
    let older = older.replace("&amp;", "&").replace("&#x2f;", "/");
    let second = browser.open(&older).await;
    let ids = |page: &str| -> std::collections::BTreeSet<String> {
        page.match_indices("notifications&#x2f;ntf_")
            .chain(page.match_indices("notifications/ntf_"))
            .map(|(at, _)| page[at..].chars().take_while(|c| *c != '"').collect())
            .collect()
    };
    let (one, two) = (ids(&first.text), ids(&second.text));
    assert_eq!(one.len(), 50);
    assert_eq!(i64::try_from(one.union(&two).count()).unwrap(), count, "none twice, none lost");
    assert!(!second.text.contains("rel=\"next\""));
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn another_workspace_sees_nothing_of_it(#[case] backend: Backend) {
    let admin = Admin::new(backend).await;
    admin.stage.app.stranger().await;
    let page = failed(&admin).await.replace("/w/acme/", "/w/globex/");
    let browser = admin.signed_in(OperatorRole::Admin).await;
    insta::assert_snapshot!(
        "another_workspace",
        main(&browser.read("/admin/w/globex/notifications").await)
    );
    assert_eq!(browser.open(&page).await.status, 404);
    assert_eq!(browser.open(&format!("{page}/html")).await.status, 404);
    browser.read("/admin/w/globex/notifications").await;
    let (csrf, form) = (browser.hidden("csrf"), browser.hidden("form"));
    let answers = [("csrf", csrf.as_str()), ("form", form.as_str()), ("because", "mine")];
    let answer = browser.send(browser.form(&format!("{page}/retry"), &answers)).await;
    assert_eq!(answer.status, 404);
    assert_eq!(
        admin.stage.service.db.rows("SELECT state FROM notifications").await,
        [json!({ "state": "failed" })]
    );
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn a_count_ends_at_ten_thousand_and_so_does_a_plan(#[case] backend: Backend) {
    let admin = Admin::new(backend).await;
    let (stage, app) = (&admin.stage, &admin.stage.app);
    stage.onboard("Halden Freight", json!({ "reminder_slack": false })).await;
    stage.scan("2026-06-02T07:00:00Z").await;
    let rows = stage.service.db.rows("SELECT id FROM notifications").await;
    let first = ("id", rows[0]["id"].as_str().unwrap());
    let own = [("id", "'ntf_copy' || n"), ("dedupe_key", "'copy' || n")];
    copy(&stage.service, "notifications", first, 10_000, &own).await;
    stage.at("2026-06-02T08:00:00Z");
    let browser = admin.signed_in(OperatorRole::Viewer).await;
    // By the instant they were written, by where they stand, by the recipient's name.
    let asked = ["", "?state=scheduled", "?q=carl"];
    for asked in asked {
        let list = browser.read(&format!("/admin/w/acme/notifications{asked}")).await;
        assert!(list.contains("10,000+ notifications, newest first"), "{asked}: {list}");
    }
    let words =
        "more than 10,000 notifications match; narrow the filter, by created_before for example";
    let plan = json!({ "action": "cancel", "filter": { "state": "scheduled" } });
    let over_the_api = app.post("/bulk_operations", plan.clone()).await;
    assert_eq!(over_the_api.error(), "409 conflict action_refused");
    let said = over_the_api.json()["error"]["message"].as_str().unwrap().to_lowercase();
    assert_eq!(said, format!("{words}."));
    let verb = ["bulk", "plan", "cancel", "--state", "scheduled", "--workspace", "acme"];
    let typed = stage.service.run(&[&verb[..], &["--reason", "x"]].concat()).await;
    assert_eq!((typed.code, typed.stderr), (1, format!("pivotal-reminders: plan: {words}\n")));

    // One less is a number, and can be planned.
    stage.sql("DELETE FROM notifications WHERE id = 'ntf_copy10000'").await;
    for asked in asked {
        let list = browser.read(&format!("/admin/w/acme/notifications{asked}")).await;
        assert!(list.contains("10,000 notifications, newest first"), "{asked}: {list}");
    }
    assert_eq!(app.post("/bulk_operations", plan).await.ok(201)["count"], 10_000);
}
