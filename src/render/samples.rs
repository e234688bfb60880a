//! One morning of an invented vendor, the design kit's: Tallybrook, Tue 17 Nov 2026. Previews, the check at start and tests use it.

use chrono::NaiveDate;

use super::{Brand, Links, OwnPages};
use crate::domain::calendar::{Calendar, add_days, hm};
use crate::domain::digest::{
    Absent, Age, Change, Changed, Digest, Group, Launch, Line, LineStep, Nudge, StandIn, Totals,
};
use crate::domain::link::LinkKey;
use crate::domain::meanwhile::{Event, Meanwhile, What};
use crate::domain::values::Kind;

/// Tue 17 Nov 2026.
pub const TODAY: NaiveDate = date(2026, 11, 17);

const PHASES: [&str; 6] = ["Kickoff", "Design", "Review", "Integration", "UAT", "Launch"];

/// A date known to exist.
const fn date(year: i32, month: u32, day: u32) -> NaiveDate {
    match NaiveDate::from_ymd_opt(year, month, day) {
        Some(date) => date,
        None => NaiveDate::MIN,
    }
}

/// Every link that a message may carry.
#[must_use]
pub fn links() -> Links {
    let base = "https://reminders.tallybrook.test".to_owned();
    let own = Some(OwnPages { base, key: LinkKey::new("tallybrook") });
    Links { onboarding_url: None, own, slack_buttons: true }
}

/// The vendor's own settings.
#[must_use]
pub fn brand() -> Brand {
    Brand { footer_address: Some("4 Millrace Lane, 2100 Northby".to_owned()), ..Brand::default() }
}

/// A line of `group` on [`TODAY`], counted from `since`; nothing changed since yesterday's digest.
#[must_use]
pub fn line(group: Group, display_id: i64, customer: &str, phase: &str, since: NaiveDate) -> Line {
    let age = span(since, TODAY);
    Line {
        onboarding_id: format!("onb_{display_id}"),
        display_id,
        customer: customer.to_owned(),
        phase: phase.to_owned(),
        group,
        age,
        since: matches!(group, Group::Waiting | Group::AtRisk).then_some(since),
        days_in_phase: age.calendar,
        business_in_phase: age.business,
        target_days: 7,
        step: None,
        launch: None,
        change: Change { seen_on: Some(date(2026, 11, 16)), ..Change::default() },
    }
}

fn span(from: NaiveDate, to: NaiveDate) -> Age {
    Age {
        business: Calendar::default().business_days_between(from, to),
        calendar: (to - from).num_days(),
    }
}

/// `line` with a launch date; in [`Group::Launch`] that is its figure too.
#[must_use]
pub fn launching(mut line: Line, on: NaiveDate) -> Line {
    let Age { business, calendar } = span(TODAY, on);
    line.launch = Some(Launch { date: on, calendar, business });
    if line.group == Group::Launch {
        line.age = Age { business: business.abs(), calendar: calendar.abs() };
    }
    line
}

fn figure_before(mut line: Line, figure: i64) -> Line {
    line.change.figure_before = Some(figure);
    line
}

fn waiting_step(number: i64) -> LineStep {
    let steps = [3, 5, 10, 15];
    let at = |n: i64| usize::try_from(n).ok().and_then(|n| steps.get(n).copied());
    LineStep {
        number,
        days: at(number - 1).unwrap_or(3),
        last: number == 4,
        next_days: at(number),
        escalated_to: (number == 4).then(|| "Tomas Vale".to_owned()),
    }
}

fn halden_freight() -> Line {
    let line = line(Group::Waiting, 1042, "Halden Freight", "Review", date(2026, 10, 27));
    let line = figure_before(launching(line, date(2026, 12, 4)), 14);
    Line { step: Some(waiting_step(4)), ..line }
}

fn fennel_and_rye() -> Line {
    let line = line(Group::Stalled, 1049, "Fennel & Rye", "Integration", date(2026, 11, 2));
    let line = figure_before(launching(line, date(2026, 12, 11)), 14);
    let step =
        LineStep { number: 2, days: 15, last: false, next_days: Some(22), escalated_to: None };
    Line { step: Some(step), ..line }
}

/// A digest of [`TODAY`] with these lines, in their order, after one of yesterday.
#[must_use]
pub fn digest_of(lines: Vec<Line>) -> Digest {
    let mut digest = Digest {
        notification_id: "ntf_01k9zq5w00fqzyj8b5m7q2mvd4".to_owned(),
        workspace: "Tallybrook".to_owned(),
        reader: "Maren Holt".to_owned(),
        date: TODAY,
        time: hm(7, 0),
        zone: "Europe/Copenhagen".to_owned(),
        days: vec!["mon", "tue", "wed", "thu", "fri"],
        late: None,
        since: Some(date(2026, 11, 16)),
        meanwhile: None,
        groups: Vec::new(),
        tally: [0; 5],
        stand_ins: Vec::new(),
        total: lines.len(),
        changed: Changed::of(lines.iter()),
        as_csm: true,
        totals: Totals {
            open: i64::try_from(lines.len()).unwrap_or_default(),
            ..Totals::default()
        },
    };
    for line in lines {
        digest.tally[line.group as usize] += 1;
        match digest.groups.last_mut() {
            Some((group, lines)) if *group == line.group => lines.push(line),
            _ => digest.groups.push((line.group, vec![line])),
        }
    }
    digest
}

/// The kit's digest: five groups, eight lines.
#[must_use]
pub fn digest() -> Digest {
    let osterby = Line {
        step: Some(waiting_step(3)),
        ..figure_before(
            launching(
                line(Group::Waiting, 1057, "Osterby Clinics", "Design", date(2026, 11, 3)),
                date(2026, 12, 18),
            ),
            9,
        )
    };
    let mut quillby = line(Group::Waiting, 1063, "Quillby Books", "Kickoff", date(2026, 11, 16));
    quillby.change = Change { first: true, ..Change::default() };
    let mut brannoch = launching(
        line(Group::AtRisk, 1038, "Brannoch Energy", "UAT", date(2026, 11, 12)),
        date(2026, 11, 27),
    );
    brannoch.change.launch_before = Some(Some(date(2026, 11, 20)));
    let linden = figure_before(
        launching(
            line(Group::Launch, 1019, "Linden Street Laboratories", "UAT", TODAY),
            date(2026, 11, 13),
        ),
        -3,
    );
    let mut sable = launching(
        line(Group::Launch, 1031, "Sable Point Hotels", "Launch", TODAY),
        date(2026, 11, 20),
    );
    sable.change.moved_from = Some("UAT".to_owned());
    let corvale = launching(
        line(Group::OnTrack, 1066, "Corvale Housing", "Kickoff", date(2026, 11, 12)),
        date(2026, 12, 15),
    );
    let lines = vec![
        halden_freight(),
        osterby,
        quillby,
        brannoch,
        fennel_and_rye(),
        linden,
        sable,
        corvale,
    ];
    Digest { totals: Totals { open: 11, snoozed: 2, paused: 1, closed: 0 }, ..digest_of(lines) }
}

/// Somebody's first digest, with a single line and no launch date.
#[must_use]
pub fn first_digest() -> Digest {
    let mut only = line(Group::OnTrack, 1070, "Marlow Dairy", "Kickoff", TODAY);
    only.change = Change { first: true, ..Change::default() };
    Digest { since: None, ..digest_of(vec![only]) }
}

/// The kit's digest, late, with more lines than it shows.
#[must_use]
pub fn late_digest() -> Digest {
    let mut digest = Digest { late: Some(hm(10, 40)), as_csm: false, ..digest() };
    digest.total += 6;
    digest.tally[Group::OnTrack as usize] += 6;
    digest
}

/// The kit's digest with the first lines of somebody for whom the reader stands in.
#[must_use]
pub fn stand_in_digest() -> Digest {
    let mut digest = Digest { as_csm: false, ..digest() };
    let other = digest_of(vec![
        launching(
            line(Group::Waiting, 1071, "Ostrow Mills", "Design", date(2026, 11, 10)),
            date(2026, 12, 1),
        ),
        line(Group::OnTrack, 1072, "Fairlie Optics", "Kickoff", date(2026, 11, 13)),
    ]);
    digest.total += other.total;
    digest.stand_ins = vec![StandIn { absent: jonas(), groups: other.groups, tally: other.tally }];
    digest
}

fn jonas() -> Absent {
    Absent { name: "Jonas Reyl".to_owned(), until: date(2026, 11, 23) }
}

/// The kit's digest, the first one after an absence.
#[must_use]
pub fn return_digest() -> Digest {
    let event = |display_id, customer: &str, what, by: Option<&str>| Event {
        display_id,
        customer: customer.to_owned(),
        what,
        by: by.map(|by| (by.to_owned(), date(2026, 11, 11))),
    };
    let moved = What::Moved { from: "Design".to_owned(), to: "Review".to_owned() };
    let still = What::StillWaits(Age { business: 15, calendar: 21 });
    let meanwhile = Meanwhile {
        since: date(2026, 11, 6),
        stand_in: Some("Jonas Reyl".to_owned()),
        counts: [1, 1, 1, 1, 1, 3],
        events: vec![
            event(1027, "Thornbury Vets", What::Closed, Some("Jonas Reyl")),
            event(1033, "Calder & Voss", moved, Some("API: CRM sync")),
            event(1066, "Corvale Housing", What::Answered, Some("Jonas Reyl")),
            event(1038, "Brannoch Energy", What::AtRisk, Some("Jonas Reyl")),
            event(1063, "Quillby Books", What::Waits, Some("Jonas Reyl")),
            event(1042, "Halden Freight", still, None),
        ],
    };
    Digest { meanwhile: Some(meanwhile), since: Some(date(2026, 11, 6)), ..digest() }
}

/// A Monday that looks back to Friday: one that is new, one that moved and got a launch date, one whose date is in another year.
#[must_use]
pub fn monday_digest() -> Digest {
    let friday = date(2026, 11, 13);
    let seen = Change { seen_on: Some(friday), ..Change::default() };
    let mut old = figure_before(
        line(Group::Waiting, 1042, "Halden Freight", "Review", date(2026, 10, 27)),
        13,
    );
    old.change.seen_on = Some(friday);
    let mut moved = launching(
        line(Group::Waiting, 1057, "Osterby Clinics", "Review", date(2026, 11, 3)),
        date(2026, 12, 18),
    );
    moved.change =
        Change { moved_from: Some("Design".to_owned()), launch_before: Some(None), ..seen.clone() };
    let mut new = line(Group::Waiting, 1063, "Quillby Books", "Kickoff", date(2026, 11, 14));
    new.change = Change { first: true, ..Change::default() };
    let mut far = launching(
        line(Group::AtRisk, 1070, "Marlow Dairy", "UAT", date(2026, 11, 2)),
        date(2027, 1, 8),
    );
    far.change = Change { regrouped: true, launch_before: Some(Some(date(2026, 12, 18))), ..seen };
    let digest = digest_of(vec![old, moved, new, far]);
    Digest { date: date(2026, 11, 16), since: Some(friday), ..digest }
}

/// A digest of `n` lines with every part that a line can have, of which it shows 25.
#[must_use]
pub fn long_digest(n: u8) -> Digest {
    let names = [
        "Northwind Community Health Partners",
        "Linden Street Laboratories",
        "Åsgård & Söner Försäkringar",
        "Brannoch Energy",
        "O'Reilly, Quillby and Daughters",
    ];
    let lines = (0..n).map(|i| Line {
        display_id: 1000 + i64::from(i),
        customer: names[usize::from(i) % names.len()].to_owned(),
        phase: "Program buildout".to_owned(),
        ..halden_freight()
    });
    let mut digest = digest_of(lines.collect());
    for (_, lines) in &mut digest.groups {
        lines.truncate(25);
    }
    digest
}

/// Names that must not break a message: markup, a header of their own, marks that turn the text around, emoji, Slack's and our own
/// syntax, and 200 characters of long words that end in a full stop.
#[must_use]
pub fn odd_names() -> [String; 6] {
    let long = ["Rechtsschutzversicherungsgesellschaften"; 5].join(" ") + ".";
    [
        "Fennel & Rye <b>Foods</b>".to_owned(),
        "Halden\r\nBcc: all@tallybrook.test".to_owned(),
        "Osterby \u{202e}scinilC\u{2066}".to_owned(),
        "👩‍👩‍👧 Família 🇳🇴".to_owned(),
        "<!channel> {{ 7 * 7 }}".to_owned(),
        long,
    ]
}

/// A digest of [`odd_names`], none of them with a launch date but the longest.
#[must_use]
pub fn odd_digest() -> Digest {
    let [markup, header, bidi, emoji, syntax, long] = odd_names();
    let lines = vec![
        line(Group::Waiting, 1, &markup, &emoji, date(2026, 11, 10)),
        line(Group::Waiting, 2, &header, "Review", date(2026, 11, 13)),
        line(Group::AtRisk, 3, &bidi, &long, date(2026, 11, 12)),
        line(Group::Stalled, 4, &emoji, &markup, date(2026, 11, 2)),
        launching(line(Group::Launch, 5, &long, "Launch", TODAY), date(2026, 11, 20)),
        line(Group::OnTrack, 6, &syntax, "Kickoff", date(2026, 11, 16)),
    ];
    Digest { reader: markup, ..digest_of(lines) }
}

/// A nudge about the longest of [`odd_names`].
#[must_use]
pub fn odd_nudge() -> Nudge {
    let [.., long] = odd_names();
    let mut nudge = stalled_phase();
    nudge.line.customer = long;
    nudge
}

/// A mail to a customer with markup for a name.
#[must_use]
pub fn odd_customer_reminder() -> Nudge {
    let [markup, _, _, emoji, ..] = odd_names();
    let mut nudge = Nudge { reader: emoji, ..customer_reminder() };
    nudge.line.customer = markup;
    nudge
}

/// Digests that between them use every part of the templates.
#[must_use]
pub fn digests() -> Vec<Digest> {
    vec![
        digest(),
        first_digest(),
        late_digest(),
        stand_in_digest(),
        return_digest(),
        monday_digest(),
    ]
}

fn nudge(kind: Kind, line: Line) -> Nudge {
    Nudge {
        notification_id: "ntf_01k9zq5w00m4h0d8t95d1xh7ve".to_owned(),
        workspace: "Tallybrook".to_owned(),
        kind,
        reader: "Maren Holt".to_owned(),
        escalation: false,
        stands_in: None,
        csm: Some(("Maren Holt".to_owned(), "maren.holt@tallybrook.test".to_owned())),
        date: TODAY,
        step: line.step.clone().unwrap_or_else(|| waiting_step(1)),
        line,
        phases: PHASES.map(str::to_owned).to_vec(),
    }
}

/// The kit's nudge about a phase that stalls.
#[must_use]
pub fn stalled_phase() -> Nudge {
    let nudge = nudge(Kind::StalledPhase, fennel_and_rye());
    Nudge { notification_id: "ntf_01k9zq5w00x6p3tnwe2mk8w0pa".to_owned(), ..nudge }
}

/// The kit's nudge about a long wait.
#[must_use]
pub fn waiting_on_customer() -> Nudge {
    nudge(Kind::WaitingOnCustomer, halden_freight())
}

/// The copy for the escalation user.
#[must_use]
pub fn escalation() -> Nudge {
    Nudge { reader: "Tomas Vale".to_owned(), escalation: true, ..waiting_on_customer() }
}

/// A wait without a launch date on one of its first steps, told to somebody who stands in.
#[must_use]
pub fn early_wait() -> Nudge {
    let line = line(Group::Waiting, 1071, "Ostrow Mills", "Design", add_days(TODAY, -7));
    let step = waiting_step(2);
    Nudge { reader: "Jonas Reyl".to_owned(), step, ..nudge(Kind::WaitingOnCustomer, line) }
}

/// The kit's nudge about a long wait, told to whoever stands in while the CSM is out of office.
#[must_use]
pub fn stand_in_nudge() -> Nudge {
    let stands_in = Absent { name: "Maren Holt".to_owned(), until: date(2026, 11, 23) };
    Nudge { reader: "Ines Duarte".to_owned(), stands_in: Some(stands_in), ..waiting_on_customer() }
}

/// Nudges that between them use every part of the templates.
#[must_use]
pub fn nudges() -> Vec<Nudge> {
    vec![stalled_phase(), waiting_on_customer(), escalation(), early_wait(), stand_in_nudge()]
}

/// The kit's mail to a customer.
#[must_use]
pub fn customer_reminder() -> Nudge {
    Nudge { reader: "Ida Bramwell".to_owned(), ..nudge(Kind::CustomerReminder, halden_freight()) }
}
