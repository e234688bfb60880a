//! Who gets in, who may act, and what a form needs.

use chrono::TimeDelta;
use pivotal_reminders::domain::values::OperatorRole;
use reqwest::Method;
use rstest::rstest;
use serde_json::json;

use super::{Admin, PASSWORD, main, text};
use crate::support::db::Backend;
use crate::support::stage::Stage;

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn who_is_not_signed_in_sees_a_door_and_comes_to_the_page_behind_it(
    #[case] backend: Backend,
) {
    let admin = Admin::new(backend).await;
    admin.operator("noor@acme.example", "Noor Adeyi", OperatorRole::Operator).await;
    let browser = admin.browser();
    let asked = "/admin/w/acme/notifications?state=failed";
    let answer = browser.send(browser.request(Method::GET, asked)).await;
    assert_eq!(answer.status, 303);
    let door = answer.header("location").to_owned();
    assert_eq!(door, "/admin/sign-in?next=%2Fadmin%2Fw%2Facme%2Fnotifications%3Fstate%3Dfailed");
    insta::assert_snapshot!("door", browser.read(&door).await);
    let next = browser.hidden("next");
    let answers =
        [("email", " Noor@Acme.example "), ("password", PASSWORD), ("next", next.as_str())];
    let answer = browser.send(browser.form("/admin/sign-in", &answers)).await;
    assert_eq!(answer.header("location"), asked);
    let cookie = answer.header("set-cookie");
    assert!(cookie.starts_with("pivotal_session="), "{cookie}");
    for guard in ["HttpOnly", "SameSite=Strict", "Path=/admin", "Secure"] {
        assert!(cookie.contains(guard), "{cookie}");
    }
    let page = browser.open(asked).await;
    assert_eq!(page.status, 200);
    for (name, value) in [
        ("x-frame-options", "DENY"),
        ("referrer-policy", "same-origin"),
        ("x-content-type-options", "nosniff"),
        ("cache-control", "no-store"),
    ] {
        assert_eq!(page.header(name), value);
    }
    let policy = page.header("content-security-policy");
    assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    assert!(!page.text.contains(" style="), "no inline style");
    // Signed in, the door leads on.
    let answer = browser.send(browser.request(Method::GET, &door)).await;
    assert_eq!((answer.status.as_u16(), answer.header("location")), (303, asked));
    // And out again, everywhere.
    let hidden = [("csrf", browser.hidden("csrf")), ("form", browser.hidden("form"))];
    let hidden: Vec<(&str, &str)> =
        hidden.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let token = answer_cookie(&browser.request(Method::GET, asked));
    browser.send(browser.form("/admin/sign-out", &hidden)).await;
    let thief = admin.browser();
    let answer = thief.send(thief.request(Method::GET, asked).header("cookie", token)).await;
    assert_eq!(answer.status, 303, "the token is worth nothing any more");
}

fn answer_cookie(request: &reqwest::RequestBuilder) -> String {
    let request = request.try_clone().unwrap().build().unwrap();
    request.headers()["cookie"].to_str().unwrap().to_owned()
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn a_wrong_password_and_an_unknown_account_get_the_same_answer_and_are_slowed_down_alike(
    #[case] backend: Backend,
) {
    let admin = Admin::new(backend).await;
    admin.operator("noor@acme.example", "Noor Adeyi", OperatorRole::Operator).await;
    let mut said = Vec::new();
    for email in ["noor@acme.example", "nobody@acme.example"] {
        let mut answers = Vec::new();
        for _ in 0..11 {
            let browser = admin.browser();
            let answer = browser.sign_in(email, "not the password").await;
            let words = text(&answer.text).replace(email, "EMAIL");
            answers.push((answer.status.as_u16(), words, answer.header("retry-after").to_owned()));
        }
        assert_eq!(answers[0].0, 401);
        assert!(answers[..10].iter().all(|answer| *answer == answers[0]), "{answers:?}");
        assert_eq!((answers[10].0, answers[10].2.as_str()), (429, "900"));
        assert!(
            answers[10].1.contains("Too many tries. Wait 15 minutes, then try again."),
            "{answers:?}"
        );
        said.push(answers);
    }
    assert_eq!(said[0], said[1], "nobody learns which accounts exist");
    // The right password waits as well, in every process; when the window is over, it opens.
    let browser = admin.browser();
    assert_eq!(browser.sign_in("noor@acme.example", PASSWORD).await.status, 429);
    admin.stage.app.advance(TimeDelta::minutes(15));
    assert_eq!(browser.sign_in("noor@acme.example", PASSWORD).await.status, 303);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn a_stranger_behind_the_same_proxy_shuts_nobody_out(#[case] backend: Backend) {
    let admin = Admin::new(backend).await;
    admin.operator("noor@acme.example", "Noor Adeyi", OperatorRole::Operator).await;
    let try_from = async |caller: &str, password: &str| {
        let browser = admin.browser();
        let answers = [("email", "noor@acme.example"), ("password", password)];
        let form = browser.form("/admin/sign-in", &answers).header("x-forwarded-for", caller);
        browser.send(form).await.status.as_u16()
    };
    // What stands on the left anybody may write.
    for n in 0..60 {
        let expected = if n < 10 { 401 } else { 429 };
        assert_eq!(try_from(&format!("198.51.100.{n}, 203.0.113.9"), "guess").await, expected);
    }
    assert_eq!(try_from("203.0.113.9", PASSWORD).await, 429, "the stranger's own address");
    assert_eq!(try_from("192.0.2.7", PASSWORD).await, 303);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn a_session_ends_when_it_rests_when_it_is_old_and_when_its_operator_is_shut_out(
    #[case] backend: Backend,
) {
    let admin = Admin::new(backend).await;
    let browser = admin.signed_in(OperatorRole::Operator).await;
    let is_in = async || {
        browser.send(browser.request(Method::GET, "/admin/w/acme/notifications")).await.status
            == 200
    };
    for _ in 0..7 {
        admin.stage.app.advance(TimeDelta::minutes(100));
        assert!(is_in().await, "it is used");
    }
    admin.stage.app.advance(TimeDelta::minutes(20));
    assert!(!is_in().await, "twelve hours are over");
    browser.sign_in("operator@acme.example", PASSWORD).await;
    assert!(is_in().await);
    admin.stage.app.advance(TimeDelta::minutes(120));
    assert!(!is_in().await, "it rested for two hours");
    browser.sign_in("operator@acme.example", PASSWORD).await;
    assert!(is_in().await);
    admin.stage.service.ok(&["operators", "disable", "--email", "operator@acme.example"]).await;
    assert!(!is_in().await);
    assert_eq!(browser.sign_in("operator@acme.example", PASSWORD).await.status, 401);
    admin.stage.service.ok(&["operators", "enable", "--email", "operator@acme.example"]).await;
    assert_eq!(browser.sign_in("operator@acme.example", PASSWORD).await.status, 303);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn a_form_needs_our_origin_the_sessions_token_a_reason_and_somebody_who_may(
    #[case] backend: Backend,
) {
    let admin = Admin::new(backend).await;
    admin.stage.onboard("Halden Freight", json!({})).await;
    admin.stage.scan("2026-06-02T07:00:00Z").await;
    admin.stage.at("2026-06-02T07:00:01Z");
    let id = admin.stage.service.db.rows("SELECT id FROM notifications").await[0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let page = format!("/admin/w/acme/notifications/{id}");
    let cancel = format!("{page}/cancel");
    let browser = admin.signed_in(OperatorRole::Operator).await;
    browser.read(&page).await;
    let (csrf, form) = (browser.hidden("csrf"), browser.hidden("form"));
    let full = [("csrf", csrf.as_str()), ("form", form.as_str()), ("because", "wrong texts")];
    let refused = async |request: reqwest::RequestBuilder, status: u16, words: &str| {
        let answer = browser.send(request).await;
        assert_eq!(answer.status, status, "{}", answer.text);
        let said = text(&answer.text);
        assert!(said.contains(words) && said.contains("Nothing was changed."), "{said}");
    };
    // From another site, with and without the header that says so; without any word of where it comes from.
    for (name, value) in [
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
        ("origin", "https://evil.example"),
        ("x-nothing", ""),
    ] {
        let request = browser.form(&cancel, &full).build().unwrap();
        let mut headers = request.headers().clone();
        headers.remove("sec-fetch-site");
        headers
            .insert(name.parse::<reqwest::header::HeaderName>().unwrap(), value.parse().unwrap());
        let body = request.body().unwrap().as_bytes().unwrap().to_vec();
        let request = browser.request(Method::POST, &cancel).headers(headers).body(body);
        refused(request, 403, "another site").await;
    }
    refused(browser.form(&cancel, &full[1..]), 403, "not of this session").await;
    refused(
        browser.form(&cancel, &[("csrf", "guessed"), full[1], full[2]]),
        403,
        "not of this session",
    )
    .await;
    refused(browser.form(&cancel, &full[..2]), 422, "Say why").await;
    refused(browser.form(&cancel, &[full[0], full[2]]), 422, "The form is not complete").await;
    let long = "x".repeat(501);
    refused(browser.form(&cancel, &[full[0], full[1], ("because", &long)]), 422, "longer than 500")
        .await;
    // A viewer has no button, and cannot press one.
    let viewer = admin.signed_in(OperatorRole::Viewer).await;
    let seen = viewer.read(&page).await;
    assert!(!seen.contains("Cancel it") && !seen.contains("Do something"), "{seen}");
    let (csrf, form) = (viewer.hidden("csrf"), viewer.hidden("form"));
    let answer = viewer
        .send(viewer.form(&cancel, &[("csrf", &csrf), ("form", &form), ("because", "mine")]))
        .await;
    assert_eq!(answer.status, 403);
    insta::assert_snapshot!("viewer_refused", text(&answer.text));
    let states = admin.stage.service.db.rows("SELECT state FROM notifications").await;
    assert_eq!(states, [json!({ "state": "scheduled" })]);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn opened_from_another_site_a_page_asks_for_itself_once_more_before_it_asks_who_is_there(
    #[case] backend: Backend,
) {
    // A browser keeps our cookie back when a link in a mail leads here.
    let admin = Admin::new(backend).await;
    let browser = admin.browser();
    let page = "/admin/w/acme/notifications?q=\"><script>";
    let request = browser.request(Method::GET, page).header("sec-fetch-site", "cross-site");
    let answer = browser.send(request).await;
    assert_eq!(answer.status, 200);
    assert!(answer.text.contains("http-equiv=\"refresh\""), "{}", answer.text);
    assert!(!answer.text.contains("<script>"), "{}", answer.text);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn the_outbox_is_open_in_a_demo_and_behind_the_login_otherwise(#[case] backend: Backend) {
    let admin = Admin::new(backend).await;
    let browser = admin.browser();
    assert!(text(&browser.open("/outbox").await.text).contains("Sign in"));
    let browser = admin.signed_in(OperatorRole::Viewer).await;
    insta::assert_snapshot!("outbox_empty", main(&browser.read("/outbox").await));
    let demo = Admin::over(Stage::new(backend).await, "http://127.0.0.1:8080", true).await;
    let browser = demo.browser();
    insta::assert_snapshot!("outbox_demo", browser.read("/outbox").await);
}

#[tokio::test]
async fn there_is_an_icon_for_whoever_asks_and_every_page_names_it() {
    let admin = Admin::new(Backend::Sqlite).await;
    let icon = admin.browser().open("/favicon.ico").await;
    assert_eq!((icon.status.as_u16(), icon.header("content-type")), (200, "image/svg+xml"));
    assert!(icon.text.starts_with("<svg "), "{}", icon.text);
    let named = "<link rel=\"icon\" href=\"/favicon.ico\" type=\"image/svg+xml\">";
    let door = admin.browser().open("/admin").await;
    assert!(door.text.contains(named), "{}", door.text);
    let page = admin.signed_in(OperatorRole::Viewer).await.open("/admin").await;
    assert!(page.text.contains(named), "{}", page.text);
    assert!(page.header("content-security-policy").contains("img-src 'self'"));
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn a_theme_is_kept_and_a_workspace_is_chosen_by_its_address(#[case] backend: Backend) {
    let admin = Admin::new(backend).await;
    admin.stage.app.stranger().await;
    let browser = admin.signed_in(OperatorRole::Viewer).await;
    let page = browser.open("/admin/w/globex/notifications").await;
    assert!(text(&page.text).starts_with("Skip to content\nglobex Inc."), "{}", text(&page.text));
    assert!(!page.text.contains("data-theme"));
    // An address without a workspace leads to the one looked at last.
    let answer = browser.send(browser.request(Method::GET, "/admin/api-keys?x=1")).await;
    assert_eq!(answer.header("location"), "/admin/w/globex/api-keys?x=1");
    browser.read("/admin/w/acme/notifications").await;
    let answer = browser.send(browser.request(Method::GET, "/admin/api-keys")).await;
    assert_eq!(answer.header("location"), "/admin/w/acme/api-keys");
    browser
        .press("/admin/theme", &[("theme", "dark"), ("back", "/admin/w/acme/notifications")])
        .await;
    assert!(browser.open("/admin/w/acme/notifications").await.text.contains("data-theme=\"dark\""));
    for page in [
        "/admin/w/initech/notifications",
        "/admin/w/acme/nothing",
        "/admin/w/acme/notifications/ntf_1",
    ] {
        let answer = browser.open(page).await;
        assert_eq!(answer.status, 404, "{page}");
    }
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn operators_are_made_listed_and_given_passwords_on_the_command_line(
    #[case] backend: Backend,
) {
    let admin = Admin::new(backend).await;
    let service = &admin.stage.service;
    let short = service
        .run_with_input(&["operators", "create", "--email", "ada@acme.example"], "too short\n")
        .await;
    assert_eq!(short.code, 1);
    assert!(short.stderr.contains("a password has at least 12 characters"), "{}", short.stderr);
    let made = service
        .run_with_input(
            &[
                "operators",
                "create",
                "--email",
                "Ada@Acme.example",
                "--name",
                "Ada",
                "--role",
                "admin",
            ],
            "a first password\n",
        )
        .await;
    assert_eq!(made.code, 0, "{}", made.stderr);
    assert!(made.last().starts_with("op_"), "{}", made.stdout);
    let twice = service
        .run_with_input(
            &["operators", "create", "--email", "ada@acme.example"],
            "another password\n",
        )
        .await;
    assert!(
        twice.stderr.contains("there is an operator ada@acme.example already"),
        "{}",
        twice.stderr
    );
    let listed = service.ok(&["operators", "list", "--json"]).await;
    assert!(
        !listed.stdout.contains("argon2") && !listed.stdout.contains("password"),
        "{}",
        listed.stdout
    );
    assert_eq!(listed.json()[0]["role"], "admin");
    let stored = service.db.rows("SELECT password_hash FROM operators").await;
    assert!(
        stored[0]["password_hash"].as_str().unwrap().starts_with("$argon2id$v=19$m=19456,t=2,p=1$")
    );
    let browser = admin.browser();
    assert_eq!(browser.sign_in("ada@acme.example", "a first password").await.status, 303);
    service
        .run_with_input(
            &["operators", "password", "--email", "ada@acme.example"],
            "a second password\n",
        )
        .await;
    let answer = browser.send(browser.request(Method::GET, "/admin/w/acme/notifications")).await;
    assert_eq!(answer.status, 303, "sessions of the old password are over");
    assert_eq!(browser.sign_in("ada@acme.example", "a first password").await.status, 401);
    assert_eq!(browser.sign_in("ada@acme.example", "a second password").await.status, 303);
    let log = service.db.rows("SELECT event, actor_name FROM audit_log WHERE object = 'operator' ORDER BY created_at, id").await;
    let events: Vec<&str> = log.iter().map(|line| line["event"].as_str().unwrap()).collect();
    assert_eq!(events, ["operator_created", "operator_password_set"]);
}
