//! Settings, keys, previews and the audit log.

use pivotal_reminders::domain::values::OperatorRole;
use rstest::rstest;
use serde_json::json;

use super::{Admin, text};
use crate::support::db::Backend;

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn a_key_is_shown_once_and_rotating_it_ends_the_old_one(#[case] backend: Backend) {
    let admin = Admin::new(backend).await;
    let browser = admin.signed_in(OperatorRole::Admin).await;
    // The address without a workspace, which the documentation names.
    let list = browser.read("/admin/api-keys").await;
    assert!(list.contains("CRM sync") && list.contains("Sandbox"), "{list}");
    let billing = [("name", "Billing"), ("mode", "live"), ("tier", "standard"), ("scopes", "read")];
    let first = made(&browser, "/admin/w/acme/api-keys", &billing).await;
    assert!(first.starts_with("pivotal_"), "{first}");
    let me = admin.stage.app.call(&first, reqwest::Method::GET, "/me", &json!(null)).await.ok(200);
    let id = me["api_key"]["id"].as_str().unwrap().to_owned();

    let list = browser.open("/admin/w/acme/api-keys").await.text;
    assert!(!list.contains(&first), "it is never shown again");
    let rotate = format!("/admin/w/acme/api-keys/{id}/rotate");
    let second = made(&browser, &rotate, &[("overlap_seconds", "0")]).await;
    assert_ne!(first, second);
    let get = |key: String| {
        let app = &admin.stage.app;
        async move { app.call(&key, reqwest::Method::GET, "/me", &json!(null)).await }
    };
    assert_eq!(get(first.clone()).await.error(), "401 authentication_error api_key_revoked");
    let me = get(second.clone()).await.ok(200);
    let id = me["api_key"]["id"].as_str().unwrap().to_owned();

    browser.read("/admin/w/acme/api-keys").await;
    let page = browser.press(&format!("/admin/w/acme/api-keys/{id}/revoke"), &[]).await;
    assert!(page.contains("Billing is revoked"), "{page}");
    assert_eq!(get(second).await.status, 401);
    let log = browser.read("/admin/w/acme/audit-log?object=api_key&actor=Noor+Adeyi").await;
    assert_eq!(log.matches("API key created").count(), 2, "{log}");
    assert_eq!(log.matches("API key revoked").count(), 2, "{log}");
}

/// Sends a form of the page opened last that makes a key; answers with the key.
async fn made(browser: &super::Browser<'_>, path: &str, answers: &[(&str, &str)]) -> String {
    let (csrf, form) = (browser.hidden("csrf"), browser.hidden("form"));
    let hidden = [("csrf", csrf.as_str()), ("form", form.as_str())];
    let all = [&hidden[..], answers].concat();
    let answer = browser.send(browser.form(path, &all)).await;
    assert_eq!(answer.status, 200, "{}", text(&answer.text));
    assert_eq!(answer.header("cache-control"), "no-store");
    let (_, rest) = answer.text.split_once("id=\"secret\">").expect("a key is shown");
    let secret = rest.split('<').next().unwrap().to_owned();
    // Sent twice, it makes nothing twice.
    let again = browser.send(browser.form(path, &all)).await;
    assert_eq!(again.status, 303);
    browser.read("/admin/w/acme/api-keys").await;
    secret
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn a_key_without_a_name_or_scope_is_refused_at_its_field(#[case] backend: Backend) {
    let admin = Admin::new(backend).await;
    let browser = admin.signed_in(OperatorRole::Admin).await;
    browser.read("/admin/w/acme/api-keys").await;
    let (csrf, form) = (browser.hidden("csrf"), browser.hidden("form"));
    let hidden = [("csrf", csrf.as_str()), ("form", form.as_str())];
    let keys = "/admin/w/acme/api-keys";
    for (answers, message) in [
        (&[("scopes", "read")][..], "Text must contain at least 1 character(s)."),
        (
            &[("name", "x"), ("mode", "live"), ("tier", "standard")],
            "List must contain at least 1 element(s).",
        ),
    ] {
        let answer = browser.send(browser.form(keys, &[&hidden[..], answers].concat())).await;
        assert_eq!(answer.status, 422);
        assert!(text(&answer.text).contains(message), "{}", text(&answer.text));
    }
    assert_eq!(admin.stage.app.get("/api_keys").await.ok(200)["data"].as_array().unwrap().len(), 2);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn the_workspace_and_its_phases_are_changed_by_the_checks_of_the_api(
    #[case] backend: Backend,
) {
    let admin = Admin::new(backend).await;
    let browser = admin.signed_in(OperatorRole::Admin).await;
    let settings = "/admin/w/acme/settings";
    browser.read(settings).await;
    let good = [
        ("name", "Acme"),
        ("time_zone", "Europe/Copenhagen"),
        ("working_days", "mon"),
        ("working_days", "tue"),
        ("holidays", "2026-12-25\n2026-12-24"),
        ("digest_time", "06:45"),
        ("waiting_steps", "2, 4"),
        ("owner_user_id", admin.stage.app.csm.id.as_str()),
        ("names_in_subjects", "true"),
        ("locale", "de"),
    ];
    let page = browser.press(settings, &good).await;
    assert!(page.contains("The settings are kept."), "{page}");
    let kept = admin.stage.app.get("/workspace").await.ok(200);
    assert_eq!(kept["holidays"], json!(["2026-12-24", "2026-12-25"]));
    assert_eq!(kept["waiting_steps"], json!([2, 4]));
    assert_eq!(kept["working_days"], json!(["mon", "tue"]));
    assert_eq!(kept["owner_user_id"], json!(admin.stage.app.csm.id));
    assert_eq!(kept["customer_reminders"], json!(false));
    assert_eq!(kept["locale"], "de");

    browser.read(settings).await;
    let (csrf, form) = (browser.hidden("csrf"), browser.hidden("form"));
    let hidden = [("csrf", csrf.as_str()), ("form", form.as_str())];
    let mut bad = good;
    bad[1] = ("time_zone", "Mars");
    let answer = browser.send(browser.form(settings, &[&hidden[..], &bad].concat())).await;
    assert_eq!(answer.status, 422);
    assert!(
        text(&answer.text).contains("Invalid time zone; give an IANA name."),
        "{}",
        answer.text
    );
    assert!(
        answer.text.contains("value=\"Mars\" autocomplete=\"off\" required aria-invalid=\"true\""),
        "{}",
        answer.text
    );

    browser.read(settings).await;
    let phase = [("label", "Kick-off"), ("position", "0"), ("target_days", "3")];
    let page = browser.press(&format!("{settings}/phases/before_getting_started"), &phase).await;
    assert!(page.contains("The phase Kick-off is kept."), "{page}");
    browser.read(settings).await;
    let (csrf, form) = (browser.hidden("csrf"), browser.hidden("form"));
    let hidden = [("csrf", csrf.as_str()), ("form", form.as_str())];
    let phase = [("label", "Kick-off"), ("position", "0"), ("target_days", "0")];
    let path = format!("{settings}/phases/before_getting_started");
    let answer = browser.send(browser.form(&path, &[&hidden[..], &phase].concat())).await;
    assert_eq!(answer.status, 422);
    assert!(
        text(&answer.text).contains("Number must be greater than or equal to 1."),
        "{}",
        answer.text
    );
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn operators_below_admin_read_settings_and_change_none(#[case] backend: Backend) {
    let admin = Admin::new(backend).await;
    let browser = admin.signed_in(OperatorRole::Operator).await;
    let page = browser.read("/admin/w/acme/settings").await;
    assert!(!page.contains("Keep the settings"), "{page}");
    let page = browser.read("/admin/w/acme/api-keys").await;
    assert!(!page.contains("Make the key"), "{page}");
    let (csrf, form) = (browser.hidden("csrf"), browser.hidden("form"));
    let answers = [("csrf", csrf.as_str()), ("form", form.as_str()), ("name", "x")];
    for path in [
        "settings",
        "settings/phases/review",
        "api-keys",
        "api-keys/key_1/rotate",
        "api-keys/key_1/revoke",
    ] {
        let path = format!("/admin/w/acme/{path}");
        let answer = browser.send(browser.form(&path, &answers)).await;
        assert_eq!(answer.status, 403, "{path}");
    }
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn messages_are_previewed_on_samples_and_on_real_data(#[case] backend: Backend) {
    let admin = Admin::new(backend).await;
    admin.stage.onboard("Halden Freight", json!({ "state": "waiting" })).await;
    let browser = admin.signed_in(OperatorRole::Operator).await;
    let sample = browser.read("/admin/w/acme/messages").await;
    assert!(sample.contains("Send me a test"), "{sample}");
    let mail = browser.open("/admin/w/acme/messages/html?theme=dark").await;
    assert!(mail.header("content-security-policy").contains("sandbox"));
    assert!(mail.text.contains("@media all") && !mail.text.contains("prefers-color-scheme"));
    for (query, part) in [
        ("sample=digest-first-slack", "Digest, first, slack"),
        ("kind=digest&about=2", "Halden Freight"),
        ("kind=waiting_on_customer&channel=slack&about=%231", "Halden Freight"),
        ("kind=stalled_phase&about=1", "Halden Freight"),
        ("kind=digest&about=99", "There is no user 99."),
        ("kind=customer_reminder&about=1", "The customer has no contact."),
    ] {
        let page = browser.read(&format!("/admin/w/acme/messages?{query}")).await;
        assert!(page.contains(part), "{query}: {page}");
    }
    browser.read("/admin/w/acme/messages?kind=digest&about=2").await;
    let said =
        browser.press("/admin/w/acme/messages/test", &[("kind", "digest"), ("about", "2")]).await;
    assert!(said.contains("A test copy is on its way to operator@acme.example."), "{said}");
    let sent = admin.tests.lock().unwrap().clone();
    let [(address, subject)] = &sent[..] else { panic!("{sent:?}") };
    assert_eq!(address, "operator@acme.example");
    assert!(subject.starts_with("[Test] "), "{subject}");
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn the_audit_log_is_filtered_and_saved_as_a_file(#[case] backend: Backend) {
    let admin = Admin::new(backend).await;
    let path = admin.stage.onboard("=HYPERLINK(1)", json!({})).await;
    admin.stage.at("2026-06-03T08:00:00Z");
    admin.stage.patch(&path, json!({ "state": "at_risk", "reason": "no answer" })).await;
    let browser = admin.signed_in(OperatorRole::Viewer).await;
    let log = browser.read("/admin/w/acme/audit-log?object=onboarding").await;
    assert!(log.contains("Onboarding updated") && log.contains("because: no answer"), "{log}");
    assert!(log.contains("active → at_risk"), "{log}");
    let log =
        browser.read("/admin/w/acme/audit-log?event=onboarding_created&until=2026-06-02").await;
    assert!(log.contains("Onboarding created") && !log.contains("Onboarding updated"), "{log}");
    let log = browser.read("/admin/w/acme/audit-log?event=nothing").await;
    assert!(log.contains("No entry matches"), "{log}");
    let file = browser.open("/admin/w/acme/audit-log.csv?object=onboarding&from=2026-06-03").await;
    assert_eq!(file.header("content-type"), "text/csv; charset=utf-8");
    let lines: Vec<&str> = file.text.lines().collect();
    assert_eq!(lines.len(), 2, "{}", file.text);
    assert!(lines[1].contains("onboarding_updated,api_key,"), "{}", file.text);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn a_text_of_ones_own_is_checked_kept_and_taken_back(#[case] backend: Backend) {
    let admin = Admin::new(backend).await;
    let browser = admin.signed_in(OperatorRole::Admin).await;
    let list = browser.read("/admin/w/acme/texts").await;
    assert!(list.contains("Digest, subject") && list.contains("built in"), "{list}");
    let page = "/admin/w/acme/texts/digest.subject";
    let text = browser.read(page).await;
    assert!(text.contains("The built-in text is in use."), "{text}");
    let (csrf, form) = (browser.hidden("csrf"), browser.hidden("form"));
    let hidden = [("csrf", csrf.as_str()), ("form", form.as_str())];
    let broken = [("source", "Hello {{ nobody }}"), ("because", "friendlier")];
    let answer = browser.send(browser.form(page, &[&hidden[..], &broken].concat())).await;
    assert_eq!(answer.status, 422);
    assert!(answer.text.contains("Hello {{ nobody }}"), "what was typed is kept: {}", answer.text);
    browser.read(page).await;
    let good = [("source", "Your morning"), ("because", "friendlier")];
    let kept = browser.press(page, &good).await;
    assert!(kept.contains("Version 1 is in use.") && kept.contains("friendlier"), "{kept}");
    let preview = browser.read("/admin/w/acme/texts").await;
    assert!(preview.contains("version 1"), "{preview}");
    browser.read(page).await;
    let back = [("to", "0"), ("because", "too friendly")];
    let gone = browser.press(&format!("{page}/roll-back"), &back).await;
    assert!(gone.contains("The built-in text is in use."), "{gone}");
    assert_eq!(browser.open("/admin/w/acme/texts/digest.nothing").await.status, 404);
}
