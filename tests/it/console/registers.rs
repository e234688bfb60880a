//! Onboardings, customers and people: found, read, acted on.

use pivotal_reminders::domain::values::OperatorRole;
use reqwest::Method;
use rstest::rstest;
use serde_json::{Value, json};

use super::{Admin, PASSWORD, main, text};
use crate::support::db::Backend;
use crate::support::fake_smtp::{At, Do, Script};

/// A morning: Carl's digest about two customers was sent.
async fn morning(backend: Backend) -> Admin {
    let admin = Admin::new(backend).await;
    admin.stage.onboard("Halden Freight", json!({})).await;
    admin.stage.onboard("Osterby Clinics", json!({ "state": "at_risk" })).await;
    admin.stage.pass("2026-06-02T07:00:00Z").await;
    admin.stage.at("2026-06-02T08:00:00Z");
    admin
}

async fn id(admin: &Admin, path: &str) -> String {
    let row: Value = admin.stage.app.get(path).await.ok(200);
    row["id"].as_str().unwrap().to_owned()
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn an_onboarding_says_what_was_sent_what_will_be_and_why(#[case] backend: Backend) {
    let admin = morning(backend).await;
    let browser = admin.signed_in(OperatorRole::Viewer).await;
    let list = browser.read("/admin/w/acme/onboardings").await;
    assert!(list.contains("Halden Freight #1") && list.contains("At risk"), "{list}");
    let found = browser.read("/admin/w/acme/onboardings?q=osterb").await;
    assert!(found.contains("Osterby Clinics #2") && !found.contains("Halden"), "{found}");
    let found = browser.read("/admin/w/acme/onboardings?q=%231").await;
    assert!(found.contains("Halden Freight #1") && !found.contains("Osterby"), "{found}");

    let page = browser.read("/admin/w/acme/onboardings/1").await;
    for part in [
        "Halden Freight #1",
        "A line about it is in the digest of Tue 2 Jun.",
        "The next four weeks",
        "Wed 3 Jun",
        "Carl Csm",
        "What was sent, and what was not",
        "Onboarding created",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    assert!(!page.contains("Snooze"), "a viewer is offered nothing to do: {page}");
    // The same question as the API answers it.
    let tomorrow = browser.read("/admin/w/acme/onboardings/1?at=2026-06-03T08:00").await;
    assert!(tomorrow.contains("A line about it is in the digest of Wed 3 Jun."), "{tomorrow}");
    let olga = browser.read("/admin/w/acme/onboardings/1?who=1&at=2026-06-03T08:00").await;
    assert!(olga.contains("Olga Owner does not hear of this onboarding."), "{olga}");
    let nobody = browser.read("/admin/w/acme/onboardings/1?who=99").await;
    assert!(nobody.contains("There is no user 99."), "{nobody}");
    assert_eq!(browser.open("/admin/w/acme/onboardings/99").await.status, 404);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn snooze_and_wake_are_kept_with_who_and_why(#[case] backend: Backend) {
    let admin = morning(backend).await;
    let browser = admin.signed_in(OperatorRole::Operator).await;
    let page = "/admin/w/acme/onboardings/1";
    browser.read(page).await;
    let snooze = format!("{page}/snooze");
    let past = [("until", "2026-06-02"), ("because", "they are on holiday")];
    let refused = browser.press(&snooze, &past).await;
    assert!(refused.contains("Nothing was changed: until must be a day to come"), "{refused}");
    let done = [("until", "2026-06-10"), ("because", "they are on holiday")];
    let snoozed = browser.press(&snooze, &done).await;
    assert!(snoozed.contains("Snoozed until Wed 10 Jun."), "{snoozed}");
    let tomorrow = browser.read(&format!("{page}?at=2026-06-03T08:00")).await;
    assert!(tomorrow.contains("Nothing is sent on Wed 3 Jun: Snoozed."), "{tomorrow}");
    let list = browser.read("/admin/w/acme/onboardings?show=snoozed").await;
    assert!(list.contains("Halden Freight") && !list.contains("Osterby"), "{list}");
    browser.read(page).await;
    let awake = browser.press(&format!("{page}/wake"), &[("because", "they are back")]).await;
    assert!(awake.contains("Awake"), "{awake}");
    let log = browser.read("/admin/w/acme/audit-log?actor=Noor+Adeyi").await;
    assert!(log.contains("because: they are on holiday"), "{log}");
    assert!(log.contains("because: they are back"), "{log}");
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn an_onboarding_that_comes_to_nobody_is_found_and_given_to_somebody(
    #[case] backend: Backend,
) {
    let admin = Admin::new(backend).await;
    let owner = admin.stage.app.owner.id.clone();
    admin.stage.onboard("Merrow & Sons", json!({ "csm_id": null })).await;
    admin.stage.app.delete(&format!("/users/{owner}")).await.ok(200);
    let browser = admin.signed_in(OperatorRole::Operator).await;
    let list = browser.read("/admin/w/acme/onboardings?show=nobody").await;
    assert!(list.contains("Merrow & Sons #1"), "{list}");
    browser.read("/admin/w/acme/onboardings/1").await;
    let answers = [("csm_id", admin.stage.app.csm.id.as_str()), ("because", "Olga has left")];
    let page = browser.press("/admin/w/acme/onboardings/1/assign", &answers).await;
    assert!(page.contains("Carl Csm is the CSM now."), "{page}");
    let list = browser.read("/admin/w/acme/onboardings?show=nobody").await;
    assert!(list.contains("No onboarding matches"), "{list}");
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn a_refused_address_is_listed_and_cleared(#[case] backend: Backend) {
    let admin = Admin::new(backend).await;
    admin.stage.onboard("Halden Freight", json!({})).await;
    admin
        .stage
        .relay
        .set_script(Script::new().on(At::Rcpt, Do::reply("550 5.1.1 no such mailbox")));
    admin.stage.pass("2026-06-02T07:00:00Z").await;
    admin.stage.at("2026-06-02T08:00:00Z");
    let browser = admin.signed_in(OperatorRole::Operator).await;
    let people = browser.read("/admin/w/acme/people").await;
    assert!(people.contains("1 refused address"), "{people}");
    let list = browser.read("/admin/w/acme/addresses").await;
    assert!(list.contains("carl@acme.example"), "{list}");
    let carl = admin.stage.app.csm.id.clone();
    let person = format!("/admin/w/acme/people/{carl}");
    let page = browser.read(&person).await;
    assert!(page.contains("Their mail address carl@acme.example was refused"), "{page}");
    let clear = format!("/admin/w/acme/addresses/{carl}/email");
    let answers = [("back", person.as_str()), ("because", "the mailbox is back")];
    let page = browser.press(&clear, &answers).await;
    assert!(page.contains("carl@acme.example is cleared"), "{page}");
    assert!(!page.contains("nothing goes there"), "{page}");
    let list = browser.read("/admin/w/acme/addresses").await;
    assert!(list.contains("No address is refused"), "{list}");
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn who_wants_no_messages_is_listed_and_a_contact_who_asks_is_written_to_again(
    #[case] backend: Backend,
) {
    let admin = morning(backend).await;
    let customer = id(&admin, "/customers/1").await;
    let contacts = format!("/customers/{customer}/contacts");
    let ida = json!({ "name": "Ida Bramwell", "email": "ida@halden.example" });
    let ida = admin.stage.app.post(&contacts, ida).await.ok(201)["id"].clone();
    let lift = format!("/admin/w/acme/opt-outs/{}", ida.as_str().unwrap());
    let viewer = admin.signed_in(OperatorRole::Viewer).await;
    let nobody = viewer.read("/admin/w/acme/opt-outs").await;
    assert!(nobody.contains("Everybody wants everything"), "{nobody}");

    admin.stage.sql("UPDATE contacts SET opted_out_at = '2026-06-01T09:30:00+00:00'").await;
    admin.stage.set_carl("digest_enabled = false, muted_kinds = 'stalled_phase'").await;
    let seen = viewer.read("/admin/w/acme/opt-outs").await;
    assert!(seen.contains("Ida Bramwell") && !seen.contains("Lift"), "{seen}");
    let (csrf, form) = (viewer.hidden("csrf"), "a-form-of-nobody-at-all");
    let answers = [("csrf", csrf.as_str()), ("form", form), ("because", "I say so")];
    assert_eq!(viewer.send(viewer.form(&lift, &answers)).await.status, 403);

    let browser = admin.signed_in(OperatorRole::Operator).await;
    for list in ["people", "customers"] {
        let page = browser.open(&format!("/admin/w/acme/{list}")).await.text;
        assert!(page.contains("/opt-outs\">Who wants no messages</a>"), "{list}: {page}");
    }
    let page = browser.read(&format!("/admin/w/acme/customers/{customer}")).await;
    assert!(page.contains("Write to Ida Bramwell again"), "{page}");
    insta::assert_snapshot!("opt_outs", main(&browser.read("/admin/w/acme/opt-outs").await));
    let asked = [("because", "Ida asked by phone")];
    let page = browser.press(&lift, &asked).await;
    assert!(main(&page).starts_with("Ida Bramwell is written to again."), "{page}");
    assert!(!page.contains("ida@halden.example"), "{page}");
    let page = browser.press(&lift, &asked).await;
    assert!(main(&page).starts_with("Nothing was changed: Ida Bramwell has not"), "{page}");
    let audit = "SELECT actor_name, reason FROM audit_log WHERE event = 'contact_resubscribed'";
    let deed = json!({ "actor_name": "Noor Adeyi", "reason": "Ida asked by phone" });
    assert_eq!(admin.stage.service.db.rows(audit).await, [deed]);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn many_opt_outs_are_paged_and_none_is_seen_or_lifted_from_another_workspace(
    #[case] backend: Backend,
) {
    let admin = morning(backend).await;
    let customer = id(&admin, "/customers/1").await;
    let contacts = format!("/customers/{customer}/contacts");
    // The last of the alphabet came first.
    for n in (0..60).rev() {
        let who =
            json!({ "name": format!("Contact {n:02}"), "email": format!("c{n}@halden.example") });
        admin.stage.app.post(&contacts, who).await.ok(201);
    }
    admin.stage.sql("UPDATE contacts SET opted_out_at = '2026-06-01T09:30:00+00:00'").await;
    let browser = admin.signed_in(OperatorRole::Operator).await;
    let first = browser.open("/admin/w/acme/opt-outs").await.text;
    assert_eq!(first.matches("@halden.example").count(), 50, "{first}");
    let (_, rest) = first.split_once("href=\"?after=").expect("a next page");
    let after = rest.split('"').next().unwrap();
    // Whoever the first page ended with changes their mind before the next is asked for; Carl comes behind the contacts.
    admin.stage.sql(&format!("UPDATE contacts SET opted_out_at = NULL WHERE id = '{after}'")).await;
    admin.stage.set_carl("muted_kinds = 'stalled_phase'").await;
    let second = browser.read(&format!("/admin/w/acme/opt-outs?after={after}")).await;
    assert!(second.contains("Contact 50") && second.contains("Contact 59"), "{second}");
    assert!(second.contains("Carl Csm"), "{second}");
    assert!(!second.contains("Contact 49") && !second.contains("Next"), "{second}");
    let unknown = browser.read("/admin/w/acme/opt-outs?after=cont_nobody").await;
    assert!(unknown.contains("Contact 00") && unknown.contains("Next"), "{unknown}");

    admin.stage.app.stranger().await;
    let there = browser.read("/admin/w/globex/opt-outs").await;
    assert!(there.contains("Everybody wants everything"), "{there}");
    let (csrf, form) = (browser.hidden("csrf"), browser.hidden("form"));
    let contact = admin.stage.service.db.rows("SELECT id FROM contacts ORDER BY id").await;
    let lift = format!("/admin/w/globex/opt-outs/{}", contact[0]["id"].as_str().unwrap());
    let answers = [("csrf", csrf.as_str()), ("form", form.as_str()), ("because", "hers")];
    assert_eq!(browser.send(browser.form(&lift, &answers)).await.status, 404);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn a_customer_shows_contacts_onboardings_and_what_was_sent(#[case] backend: Backend) {
    let admin = morning(backend).await;
    let customer = id(&admin, "/customers/1").await;
    let contact = json!({ "name": "Ada <b>Mirren</b>", "email": "ada@halden.example" });
    admin.stage.app.post(&format!("/customers/{customer}/contacts"), contact).await.ok(201);
    let browser = admin.signed_in(OperatorRole::Viewer).await;
    let list = browser.read("/admin/w/acme/customers?q=hald").await;
    assert!(list.contains("Halden Freight #1") && !list.contains("Osterby"), "{list}");
    let answer = browser.open(&format!("/admin/w/acme/customers/{customer}")).await;
    assert_eq!(answer.status, 200);
    assert!(answer.text.contains("Ada &lt;b&gt;Mirren"), "names are escaped: {}", answer.text);
    let page = text(&answer.text);
    for part in [
        "primary",
        "ada@halden.example",
        "Onboardings",
        "2 onboardings",
        "Reminders to customers are off",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn a_person_is_changed_by_the_checks_of_the_api(#[case] backend: Backend) {
    let admin = morning(backend).await;
    let carl = admin.stage.app.csm.id.clone();
    let page = format!("/admin/w/acme/people/{carl}");
    let browser = admin.signed_in(OperatorRole::Admin).await;
    browser.read(&page).await;
    let (csrf, form) = (browser.hidden("csrf"), browser.hidden("form"));
    let hidden = [("csrf", csrf.as_str()), ("form", form.as_str())];
    let person = format!("{page}/person");
    let taken = [("name", "Carl"), ("email", "olga@acme.example"), ("active", "true")];
    let answer = browser.send(browser.form(&person, &[&hidden[..], &taken].concat())).await;
    assert_eq!(answer.status, 422);
    assert!(text(&answer.text).contains("This e-mail is already used."), "{}", answer.text);
    assert!(answer.text.contains("value=\"olga@acme.example\""), "what was typed is kept");
    // What was refused did nothing, so the same form may be sent again.
    let good = [
        ("name", "Carl Csm"),
        ("email", "carl@acme.example"),
        ("active", "true"),
        ("time_zone", "Europe/Berlin"),
    ];
    let answer = browser.send(browser.form(&person, &[&hidden[..], &good].concat())).await;
    assert_eq!(answer.status, 303, "{}", text(&answer.text));
    let user = admin.stage.app.get(&format!("/users/{carl}")).await.ok(200);
    assert_eq!(user["time_zone"], "Europe/Berlin");

    browser.read(&page).await;
    let preferences = [
        ("digest_enabled", "true"),
        ("digest_channel", "slack"),
        ("digest_time", "08:30"),
        ("digest_days", "mon"),
        ("digest_days", "thu"),
        ("working_hours.from", "10:00"),
        ("working_hours.until", "16:00"),
        ("muted_kinds", "stalled_phase"),
    ];
    let said = browser.press(&format!("{page}/preferences"), &preferences).await;
    assert!(said.contains("Digest: 08:30, Monday and Thursday, by Slack."), "{said}");
    let kept =
        admin.stage.app.get(&format!("/users/{carl}/notification_preferences")).await.ok(200);
    assert_eq!(kept["digest_days"], json!(["mon", "thu"]));
    assert_eq!(kept["muted_kinds"], json!(["stalled_phase"]));
    assert_eq!(kept["quiet_hours"], Value::Null);

    browser.read(&page).await;
    let away = [("out_of_office_until", "2026-06-08"), ("backup_user_id", "1")];
    let said = browser.press(&format!("{page}/away"), &away).await;
    assert!(said.contains("Out of office until Mon 8 Jun; Olga Owner stands in."), "{said}");
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn people_are_added_by_an_admin_alone(#[case] backend: Backend) {
    let admin = Admin::new(backend).await;
    let browser = admin.signed_in(OperatorRole::Admin).await;
    browser.read("/admin/w/acme/people").await;
    let answers = [("name", "Maren Holt"), ("email", "Maren@acme.example")];
    let page = browser.press("/admin/w/acme/people", &answers).await;
    assert!(page.contains("Maren Holt was added."), "{page}");
    let list = browser.read("/admin/w/acme/people?q=mar").await;
    assert!(list.contains("maren@acme.example") && !list.contains("carl@"), "{list}");

    let operator = admin.signed_in(OperatorRole::Operator).await;
    let page = operator.read("/admin/w/acme/people").await;
    assert!(!page.contains("Add somebody"), "{page}");
    let (csrf, form) = (operator.hidden("csrf"), operator.hidden("form"));
    let answers =
        [("csrf", csrf.as_str()), ("form", form.as_str()), ("name", "X"), ("email", "x@y.example")];
    let answer = operator.send(operator.form("/admin/w/acme/people", &answers)).await;
    assert_eq!(answer.status, 403);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn why_somebody_got_nothing_takes_one_step(#[case] backend: Backend) {
    let admin = morning(backend).await;
    let browser = admin.signed_in(OperatorRole::Viewer).await;
    let overview = browser.open("/admin/w/acme").await.text;
    let (_, form) = overview.split_once("<form class=\"card form\" action=\"").expect("a form");
    let (action, form) = form.split_once('"').expect("an address");
    let (fields, _) = form.split_once("</form>").expect("its end");
    for field in ["name=\"who\"", "name=\"on\" value=\"2026-06-02\""] {
        assert!(fields.contains(field), "the first page asks for {field}: {fields}");
    }
    let asked = format!("{}?who=carl&on=2026-06-02", action.replace("&#x2f;", "/"));
    let carl = browser.read(&asked).await;
    assert!(carl.contains("1 message went to Carl Csm on Tue 2 Jun."), "{carl}");
    // The address without a workspace, as it may stand in a runbook.
    let carl = browser.read("/admin/explain?who=carl").await;
    assert!(carl.contains("1 message went to Carl Csm on Tue 2 Jun."), "{carl}");
    assert!(carl.contains("2 onboardings"), "{carl}");
    let before = browser.read("/admin/w/acme/explain?who=carl%40acme&on=2026-06-01").await;
    assert!(before.contains("Nothing was written for Carl Csm on Mon 1 Jun."), "{before}");
    assert!(before.contains("Halden Freight #1"), "{before}");
    let olga = browser.read("/admin/w/acme/explain?who=olga").await;
    assert!(olga.contains("They hear of no onboarding."), "{olga}");
    let halden = browser.read("/admin/w/acme/explain?who=hald&on=2026-06-03").await;
    assert!(halden.contains("A line about it is in the digest of Wed 3 Jun."), "{halden}");
    let number = browser.read("/admin/w/acme/explain?who=%232").await;
    assert!(number.contains("Osterby Clinics #2"), "{number}");
    admin.stage.onboard("Carlsen & Co", json!({})).await;
    let either = browser.read("/admin/w/acme/explain?who=carl").await;
    assert!(either.contains("Which do you mean?") && either.contains("Carlsen"), "{either}");
    // The whole name counts before beginnings; of many, how many more there are is said.
    for n in 10..24 {
        admin.stage.onboard(&format!("Carlsen {n}"), json!({})).await;
    }
    let whole = browser.read("/admin/w/acme/explain?who=carlsen+%26+co").await;
    assert!(whole.contains("Carlsen & Co #3") && !whole.contains("Carlsen 10"), "{whole}");
    let many = browser.read("/admin/w/acme/explain?who=carlsen").await;
    assert!(many.contains("and 5 more; type more of the name"), "{many}");
    let nobody = browser.read("/admin/w/acme/explain?who=zebra").await;
    assert!(nobody.contains("Nobody and nothing begins"), "{nobody}");
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn a_schedule_is_run_stopped_and_tried_without_writing(#[case] backend: Backend) {
    let admin = Admin::new(backend).await;
    admin.stage.onboard("Halden Freight", json!({})).await;
    let browser = admin.signed_in(OperatorRole::Operator).await;
    let schedules = "/admin/w/acme/schedules";
    let empty = browser.read(schedules).await;
    assert!(empty.contains("None yet"), "{empty}");
    admin.stage.sql("INSERT INTO schedules (name, cron, next_run_at) VALUES ('scan', '0 * * * * *', '2026-06-01T09:00:00+00:00')").await;
    browser.read(schedules).await;
    let page = browser
        .press(&format!("{schedules}/scan/pause"), &[("because", "the texts are wrong")])
        .await;
    assert!(page.contains("scan is paused") && page.contains("Noor Adeyi"), "{page}");
    assert!(page.contains("the texts are wrong"), "{page}");
    let page =
        browser.press(&format!("{schedules}/scan/run"), &[("because", "only this once")]).await;
    assert!(page.contains("asked for a run"), "{page}");
    let page =
        browser.press(&format!("{schedules}/scan/resume"), &[("because", "they are mended")]).await;
    assert!(page.contains("scan goes on."), "{page}");
    let dry = browser.read(&format!("{schedules}?hours=24")).await;
    assert!(dry.contains("1 × Digest by e-mail") && dry.contains("Halden Freight #1"), "{dry}");
    assert_eq!(admin.stage.ledger().await, "", "a dry run writes nothing");
    let viewer = admin.signed_in(OperatorRole::Viewer).await;
    assert!(!viewer.read(schedules).await.contains("Run now"));
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn an_admin_changes_roles_and_shuts_people_out_but_never_themselves(
    #[case] backend: Backend,
) {
    let admin = morning(backend).await;
    let noor = admin.signed_in(OperatorRole::Admin).await;
    admin.operator("ada@acme.example", "Ada", OperatorRole::Viewer).await;
    let ada = admin.browser();
    ada.sign_in("ada@acme.example", PASSWORD).await;
    let seen = ada.read("/admin/w/acme/operators").await;
    assert!(seen.contains("Ada you") && !seen.contains("Shut"), "{seen}");
    let ids = admin.stage.service.db.rows("SELECT id FROM operators ORDER BY email").await;
    let act = |n: usize, action: &str| {
        format!("/admin/w/acme/operators/{}/{action}", ids[n]["id"].as_str().unwrap())
    };
    let why = ("because", "she runs the night shift");
    let (csrf, form) = (ada.hidden("csrf"), "a-form-of-a-viewer-only");
    let answers = [("csrf", csrf.as_str()), ("form", form), ("role", "admin"), why];
    assert_eq!(ada.send(ada.form(&act(0, "role"), &answers)).await.status, 403);

    let page = noor.read("/admin/w/acme/operators").await;
    insta::assert_snapshot!("operators", main(&page));
    let page = noor.press(&act(0, "role"), &[("role", "operator"), why]).await;
    assert!(main(&page).starts_with("Ada is operator from now on."), "{page}");
    assert!(ada.read("/admin/w/acme/queues").await.contains("Ada, operator"), "at once");
    let page = noor.press(&act(1, "disable"), &[why]).await;
    assert!(main(&page).starts_with("Nothing was changed: this is you;"), "{page}");
    let page = noor.press(&act(0, "disable"), &[("because", "she left")]).await;
    assert!(main(&page).starts_with("Ada is shut out."), "{page}");
    let answer = ada.send(ada.request(Method::GET, "/admin/w/acme/queues")).await;
    assert_eq!(answer.status, 303, "she is asked to sign in");
    let page = noor.press(&act(0, "enable"), &[("because", "she is back")]).await;
    assert!(main(&page).starts_with("Ada may sign in again."), "{page}");
    let log = noor.read("/admin/w/acme/audit-log?object=operator").await;
    for said in ["Operator role changed", "she runs the night shift", "she left", "she is back"] {
        assert!(log.contains(said), "{said}: {log}");
    }
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn a_message_that_waits_for_its_queue_says_so(#[case] backend: Backend) {
    let admin = Admin::new(backend).await;
    admin.stage.onboard("Halden Freight", json!({ "reminder_slack": false })).await;
    admin.stage.scan("2026-06-02T07:00:00Z").await;
    admin.stage.at("2026-06-02T07:00:00Z");
    let waiting = admin.stage.app.get("/notifications").await.ok(200);
    let browser = admin.signed_in(OperatorRole::Operator).await;
    let page =
        format!("/admin/w/acme/notifications/{}", waiting["data"][0]["id"].as_str().unwrap());
    let shown = browser.read(&page).await;
    assert!(shown.contains("It goes out at 07:00:00, if it is still true then."), "{shown}");
    let pause = ["queues", "pause", "email", "--reason", "wrong texts"];
    admin.stage.service.ok(&pause).await;
    let shown = browser.read(&page).await;
    for said in ["wrong texts", "It goes out when that ends, if it is still true then."] {
        assert!(shown.contains(said), "{said}: {shown}");
    }
    assert!(!shown.contains("It goes out at"), "{shown}");
}
