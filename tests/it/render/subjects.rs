//! The subject says the strongest fact, row by row as the design kit lists them.

use chrono::NaiveDate;
use pivotal_reminders::domain::digest::{Change, Digest, Group, Launch, Line};
use pivotal_reminders::domain::message::Message;
use pivotal_reminders::domain::values::Channel;
use pivotal_reminders::render::Brand;
use pivotal_reminders::render::samples::{self, TODAY, digest_of, launching, line};
use rstest::rstest;

use super::{day, mail, page_only, post, renderer, waiting};

/// A digest of Mon 16 Nov 2026 after one of Friday.
fn on_monday(lines: Vec<Line>) -> Digest {
    let (date, since) = (day(2026, 11, 16), Some(day(2026, 11, 13)));
    Digest { date, since, ..digest_of(lines) }
}

/// `line` with a launch `days` from its digest.
fn in_days(line: Line, from: NaiveDate, days: i64) -> Line {
    let date = from + chrono::TimeDelta::days(days);
    Line { launch: Some(Launch { date, calendar: days, business: days }), ..line }
}

fn three_waits() -> Vec<Line> {
    vec![
        waiting(1042, "Halden Freight", day(2026, 10, 27)),
        waiting(1057, "Osterby Clinics", day(2026, 11, 3)),
        waiting(1063, "Quillby Books", day(2026, 11, 16)),
    ]
}

fn first(mut line: Line) -> Line {
    line.change = Change { first: true, ..Change::default() };
    line
}

fn sable(days: i64, from: NaiveDate) -> Line {
    in_days(line(Group::Launch, 1031, "Sable Point Hotels", "Launch", from), from, days)
}

/// The rows of the kit's table.
pub(super) const ROWS: [fn() -> Digest; 10] =
    [row_1, row_2, row_3, row_4, row_5, row_6, row_7, row_8, row_9, row_10];

pub(super) fn row_1() -> Digest {
    digest_of(three_waits())
}

pub(super) fn row_2() -> Digest {
    let mut lines = three_waits();
    lines.truncate(2);
    lines.push(sable(3, TODAY));
    digest_of(lines)
}

pub(super) fn row_3() -> Digest {
    let linden = line(Group::Launch, 1019, "Linden Street Laboratories", "UAT", TODAY);
    digest_of(vec![in_days(linden, TODAY, -4)])
}

pub(super) fn row_4() -> Digest {
    let stalled = |id, name| line(Group::Stalled, id, name, "Integration", day(2026, 11, 2));
    digest_of(vec![stalled(1049, "Fennel & Rye"), stalled(1050, "Ostrow Mills")])
}

pub(super) fn row_5() -> Digest {
    let brannoch = line(Group::AtRisk, 1038, "Brannoch Energy", "UAT", day(2026, 11, 12));
    digest_of(vec![launching(brannoch, day(2026, 11, 27))])
}

pub(super) fn row_6() -> Digest {
    let lines = vec![
        waiting(1042, "Halden Freight", day(2026, 10, 27)),
        first(waiting(1063, "Quillby Books", day(2026, 11, 14))),
    ];
    on_monday(lines)
}

pub(super) fn row_7() -> Digest {
    let monday = day(2026, 11, 16);
    let launch =
        |id, name, days| in_days(line(Group::Launch, id, name, "Launch", monday), monday, days);
    on_monday(vec![
        waiting(1042, "Halden Freight", day(2026, 10, 27)),
        launch(1, "Ostrow Mills", 2),
        launch(2, "Sable Point Hotels", 4),
        launch(3, "Quillby Books", 5),
    ])
}

pub(super) fn row_8() -> Digest {
    let digest = row_1();
    Digest { total: 31, tally: [9, 3, 4, 5, 10], ..digest }
}

pub(super) fn row_9() -> Digest {
    let track = |id: i64, name| line(Group::OnTrack, id, name, "Kickoff", day(2026, 11, 12));
    let mut lines: Vec<Line> = (1..6).map(|id| track(id, "Corvale Housing")).collect();
    lines.push(launching(track(6, "Sable Point Hotels"), day(2026, 11, 27)));
    digest_of(lines)
}

pub(super) fn row_10() -> Digest {
    Digest { late: samples::late_digest().late, ..row_1() }
}

#[rstest]
#[case::row_1(
    row_1(),
    "You are waiting on 3 customers, Halden Freight longest (15 business days)",
    "You are waiting on 3 customers, the longest 15 business days"
)]
#[case::row_1_of_one(
    digest_of(three_waits().into_iter().take(1).collect()),
    "You are waiting on Halden Freight (15 business days)",
    "You are waiting on 1 customer, for 15 business days"
)]
#[case::row_2(
    row_2(),
    "Sable Point Hotels launches in 3 days; you are waiting on 2 customers",
    "1 customer launches in 3 days; you are waiting on 2 customers"
)]
#[case::row_2_yields_to_the_last_step(
    samples::digest(),
    "You are waiting on 3 customers, Halden Freight longest (15 business days)",
    "You are waiting on 3 customers, the longest 15 business days"
)]
#[case::row_2_of_one_that_waits(
    digest_of(vec![in_days(waiting(1, "Halden Freight", day(2026, 10, 27)), TODAY, 1)]),
    "Halden Freight launches tomorrow; you are waiting on them",
    "1 customer launches tomorrow; you are waiting on them"
)]
#[case::row_3(
    row_3(),
    "Linden Street Laboratories is 4 days past its launch date",
    "1 onboarding is 4 days past its launch date"
)]
#[case::row_4(
    row_4(),
    "2 onboardings are past their phase target; the next move is ours",
    "2 onboardings are past their phase target; the next move is ours"
)]
#[case::row_5(
    row_5(),
    "Brannoch Energy is at risk, 8 business days to launch",
    "1 onboarding is at risk, 8 business days to launch"
)]
#[case::row_6(
    row_6(),
    "New since Friday: you are waiting on Quillby Books",
    "New since Friday: you are waiting on 1 more customer"
)]
#[case::row_7(
    row_7(),
    "3 launch dates this week, the first on Wednesday (Ostrow Mills)",
    "3 launch dates this week, the first on Wednesday"
)]
#[case::row_8(
    row_8(),
    "31 onboardings today: waiting on 9 customers, 3 at risk",
    "31 onboardings today: waiting on 9 customers, 3 at risk"
)]
#[case::row_9(
    row_9(),
    "All 6 on track; next launch Fri 27 Nov, Sable Point Hotels",
    "All 6 on track; next launch Fri 27 Nov"
)]
#[case::row_10(
    row_10(),
    "Late today, sent 10:40: you are waiting on 3 customers",
    "Late today, sent 10:40: you are waiting on 3 customers"
)]
#[case::a_launch_within_the_week(
    digest_of(vec![sable(6, TODAY)]),
    "Sable Point Hotels launches in 6 days",
    "1 customer launches in 6 days"
)]
#[case::a_mixture_of_ours(
    digest_of(row_5().lines().chain(row_4().lines()).cloned().collect()),
    "3 onboardings need a move from us; Brannoch Energy is at risk",
    "3 onboardings need a move from us, 1 at risk"
)]
#[case::one_on_track_without_a_date(
    samples::first_digest(),
    "1 onboarding on track; no launch date yet",
    "1 onboarding on track; no launch date yet"
)]
fn the_subject_states_the_strongest_fact(
    #[case] digest: Digest,
    #[case] named: &str,
    #[case] nameless: &str,
) {
    let subject = |names_in_subjects| {
        let brand = Brand { names_in_subjects, ..samples::brand() };
        mail(renderer().digest(&digest, Channel::Email, &page_only(), &brand)).subject
    };
    assert_eq!([subject(true), subject(false)], [named, nameless]);
}

#[test]
fn subjects_keep_their_length_whatever_the_names_are() {
    let renderer = renderer();
    for row in ROWS {
        for length in [1, 3, 12, 25, 40, 60, 200] {
            let name = "Q".repeat(length);
            let mut digest = row();
            for (_, lines) in &mut digest.groups {
                for line in lines {
                    line.customer.clone_from(&name);
                }
            }
            let message = renderer.digest(&digest, Channel::Email, &page_only(), &samples::brand());
            let subject = mail(message).subject;
            assert!(subject.chars().count() <= 75, "{subject}");
            let start: String = subject.chars().take(40).collect();
            assert!(start.contains(&name[..1]) || start.contains(|c: char| c.is_ascii_digit()));
            let named = subject.matches('Q').count();
            assert!(named == 0 || named == length, "a name was cut: {subject}");
        }
    }
}

#[test]
fn names_that_are_off_in_subjects_are_off_in_the_preheader_and_in_slacks_notification() {
    let brand = Brand { names_in_subjects: false, ..samples::brand() };
    let digest = samples::digest();
    let email = mail(renderer().digest(&digest, Channel::Email, &page_only(), &brand));
    let hidden = email.html.split("role=\"article\"").next().expect("a head");
    assert!(!hidden.contains("Halden") && !hidden.contains("Sable"), "{hidden}");
    let post = post(renderer().digest(&digest, Channel::Slack, &page_only(), &brand));
    assert!(post.text.ends_with("Longest wait: 15 business days."), "{}", post.text);
    let nudge = samples::waiting_on_customer();
    let message = renderer().nudge(&nudge, Channel::Slack, &page_only(), &brand);
    let Ok(Message::Slack(post)) = message else { panic!("a Slack message was expected") };
    assert_eq!(post.text, "You have waited on #1042 for 15 business days. Next move: theirs.");
}
