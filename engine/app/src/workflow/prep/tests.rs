//! Meetings over days, by a clock of their own: what is made when, what a kill or a change of mind leaves, what a call is told.

use std::{cell::Cell, path::Path, sync::Arc};

use reframe_call::audio::Party;
use reframe_consent::{Person, Scope};
use reframe_ingest::socket::protocol::Start;
use reframe_prep::schedule::Why;
use reframe_store::{CallId, SqliteLog, SqliteOptions};
use reframe_workflow::{
    outbox::{Listed, Which},
    verify,
};
use serde_json::json;

use super::*;
use crate::workflow::{
    WorkflowSettings,
    test_call::{ended_call, taken_back},
};

const MIN: i64 = 60_000;
const DAY: i64 = 24 * 60 * MIN;

thread_local! {
    /// Each test has a thread, and so a time, of its own.
    static NOW: Cell<i64> = const { Cell::new(0) };
}

fn clock() -> i64 {
    NOW.get()
}

fn ms(text: &str) -> i64 {
    text.parse::<Zoned>().unwrap().timestamp().as_millisecond()
}

/// Monday at ten.
fn ten() -> i64 {
    ms("2026-03-02T10:00[UTC]")
}

fn event(id: &str, lines: &str) -> String {
    format!(
        "BEGIN:VEVENT\nUID:{id}\nSUMMARY:Acme next steps\nORGANIZER:mailto:ada@us.example\n\
         ATTENDEE:mailto:ada@us.example\nATTENDEE:mailto:dana@acme.example\n{lines}\nEND:VEVENT\n"
    )
}

struct World {
    dir: tempfile::TempDir,
    settings: WorkflowSettings,
}

impl World {
    /// A team with one deal and one call about it, written up; and a calendar.
    fn new(events: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(dir.path().join("crm")).unwrap();
        let mut settings = WorkflowSettings { nightly_at: String::new(), ..WorkflowSettings::default() };
        settings.prep.calendar = Some(dir.path().join("team.ics"));
        let world = Self { dir, settings };
        world.deal("10000");
        let crm = world.path().join("crm");
        std::fs::write(crm.join("companies.csv"), "id,name,domain\no1,Acme Pumps,acme.example\n").unwrap();
        std::fs::write(
            crm.join("contacts.csv"),
            "id,name,email,role,deal_ids,company_id\nc1,Dana Whitfield,Dana@acme.example,champion,7,o1\n",
        )
        .unwrap();
        world.calendar(events);
        NOW.set(ten() - 2 * DAY);
        let office = world.office();
        call(&office.store);
        assert!(office.post_call(&CallId::new("one").unwrap(), None).unwrap().without_deal.is_none());
        world
    }

    fn path(&self) -> &Path {
        self.dir.path()
    }

    fn deal(&self, amount: &str) {
        let rows = format!("id,name,stage,amount,company_id\n7,Acme,proposal,{amount},o1\n");
        std::fs::write(self.path().join("crm/deals.csv"), rows).unwrap();
    }

    fn calendar(&self, events: &str) {
        let text = format!("BEGIN:VCALENDAR\n{events}END:VCALENDAR\n");
        std::fs::write(self.path().join("team.ics"), text).unwrap();
    }

    fn office(&self) -> Office {
        let store = SqliteLog::open(self.path().join("reframe.db"), SqliteOptions::default()).unwrap();
        Office::open(&self.settings, self.path(), Arc::new(store), clock).unwrap()
    }
}

/// What a look at this time makes and drops, by another run of the program every time.
fn look(world: &World, at: i64) -> (Vec<Why>, Vec<String>) {
    NOW.set(at);
    let done = Prep::default().look(&world.office()).unwrap().unwrap();
    assert_eq!(done.failed, 0);
    (done.made.iter().map(|d| d.why).collect(), done.dropped)
}

fn briefs(office: &Office) -> Vec<Kept> {
    office.store.latest_artifacts(Kind::Brief, 100).unwrap()
}

fn proposals(office: &Office) -> Vec<Listed> {
    let all = office.store.proposals(&Which::default(), 1_000).unwrap();
    all.into_iter().filter(|l| l.proposal.from.kind() == "brief").collect()
}

/// Saturday's call with Dana, who is invited on Monday.
fn call(store: &SqliteLog) {
    let talk = [
        (Party::Rep, "what happens next on your side"),
        (Party::Buyer, "i will send you the zorblaxing contract by friday"),
        (Party::Rep, "great i will send you the security questionnaire by thursday"),
        (Party::Buyer, "we have a budget of forty thousand for it"),
    ];
    ended_call(store, "one", ten() - 2 * DAY - 60 * MIN, &talk);
}

/// Half an hour before, and by every run of the program once; it tells what was said, rests on the meeting and the note, and
/// waits for a person.
#[test]
fn a_brief_is_there_thirty_minutes_before_its_meeting() {
    let world = World::new(&event("m1", "DTSTART:20260302T100000Z\nDTEND:20260302T103000Z"));
    assert_eq!(look(&world, ten() - DAY), (vec![], vec![]));
    let office = world.office();
    let kept = office.meetings(0).unwrap().remove(0);
    assert_eq!(kept.meeting.deal, Some(office.deal_ref("7")), "by who is invited");
    assert_eq!(look(&world, ten() - 31 * MIN).0, []);
    assert_eq!(look(&world, ten() - 30 * MIN).0, [Why::New]);
    for later in [29, 10, 1] {
        assert_eq!(look(&world, ten() - later * MIN), (vec![], vec![]), "{later} minutes before");
    }
    assert_eq!(look(&world, ten() + 60 * MIN), (vec![], vec![]), "over, and kept");

    let all = briefs(&office);
    assert_eq!(all.len(), 1);
    let kept = office.meetings(0).unwrap().remove(0);
    let Kept { artifact, .. } = &all[0];
    assert!(artifact.parents.contains(&kept.artifact) && artifact.is_genuine(Kind::Brief));
    assert!(artifact.parents.iter().any(|p| p.kind() == "note_proposal"), "{:?}", artifact.parents);
    let made = office.brief(&artifact.id).unwrap().unwrap();
    assert!(brief::words(&made) <= 900);
    let prior = &made.parts[2].1;
    let said: Vec<_> = prior.iter().flat_map(Claim::evidence).collect();
    assert!(format!("{said:?}").contains("zorblaxing contract"), "{prior:?}");
    let heard = office.hear(&CallId::new("one").unwrap()).unwrap();
    assert_eq!(verify::check_all(&prior.iter().collect::<Vec<_>>(), heard.sources()), []);
    let waiting = proposals(&office);
    assert_eq!(waiting.len(), 1);
    let Action::CreateNote { about, body, .. } = &waiting[0].proposal.action else { panic!("{waiting:?}") };
    assert!(about.id == "7" && body.starts_with("Brief for \"Acme next steps\", 2 March 2026, 10:00"), "{body}");
    assert!(body.contains("zorblaxing contract"));
}

/// Killed at any moment, nothing is made twice.
#[test]
fn a_run_that_was_killed_leaves_no_second_brief() {
    let world = World::new(&event("m1", "DTSTART:20260302T100000Z\nDTEND:20260302T103000Z"));
    assert_eq!(look(&world, ten() - 30 * MIN).0, [Why::New]);
    let office = world.office();
    let whole = office.meetings(0).unwrap().remove(0);
    // As it is if the run ended before it could note that the brief is there.
    office.put_meeting(&KeptMeeting { brief: None, ..whole.clone() }).unwrap();
    assert_eq!(look(&world, ten() - 29 * MIN).0, [Why::New]);
    assert_eq!((briefs(&office).len(), proposals(&office).len()), (1, 1));
    let again = office.meetings(0).unwrap().remove(0).brief.unwrap();
    assert_eq!((again.artifact, again.proposal), whole.brief.map(|b| (b.artifact, b.proposal)).unwrap());
}

#[test]
fn it_is_made_again_when_the_facts_change_or_the_meeting_moves_and_dropped_with_it() {
    let world = World::new(&event("m1", "DTSTART:20260302T100000Z\nDTEND:20260302T103000Z"));
    assert_eq!(look(&world, ten() - 30 * MIN).0, [Why::New]);
    let office = world.office();
    world.deal("99000");
    assert_eq!(look(&world, ten() - 29 * MIN).0, [], "not under the reader's eyes");
    assert_eq!(look(&world, ten() - 28 * MIN).0, [Why::FactsChanged]);
    // Nobody had looked: the one proposal has the new text.
    let waiting = proposals(&office);
    assert_eq!(waiting.len(), 1);
    assert!(format!("{:?}", waiting[0].proposal.action).contains("99000"));
    // Somebody has: theirs stays as it is, and the new one comes beside it.
    let ada = Person::new("Ada King").unwrap();
    office.store.shown(&[waiting[0].proposal.id.clone()], &ada, ten() - 27 * MIN).unwrap();
    world.deal("77000");
    assert_eq!(look(&world, ten() - 20 * MIN).0, [Why::FactsChanged]);
    let texts: Vec<String> = proposals(&office).iter().map(|l| format!("{:?}", l.proposal.action)).collect();
    assert!(texts.len() == 2 && texts[0].contains("99000") && texts[1].contains("77000"), "{texts:?}");

    // Two hours later: made for its new time, and not before.
    world.calendar(&event("m1", "SEQUENCE:1\nDTSTART:20260302T120000Z\nDTEND:20260302T123000Z"));
    assert_eq!(look(&world, ten() - 10 * MIN), (vec![], vec![]));
    assert_eq!(office.meetings(0).unwrap()[0].meeting.start_unix_ms, ten() + 120 * MIN);
    assert_eq!(look(&world, ten() + 89 * MIN).0, []);
    assert_eq!(look(&world, ten() + 90 * MIN).0, [Why::Moved]);
    let latest = briefs(&office).remove(0).artifact.body;
    assert_eq!(latest["start_unix_ms"], ten() + 120 * MIN);

    // Called off: nothing of it is of use, and what was proposed cannot be approved.
    world.calendar(&event("m1", "SEQUENCE:2\nSTATUS:CANCELLED\nDTSTART:20260302T120000Z\nDTEND:20260302T123000Z"));
    assert_eq!(look(&world, ten() + 95 * MIN), (vec![], vec!["m1".to_owned()]));
    let kept = office.meetings(0).unwrap().remove(0);
    assert!(kept.brief.is_none() && kept.meeting.cancelled);
    let last = proposals(&office).pop().unwrap();
    assert!(
        !last.standing.may_be_approved() && last.standing.to_string().contains("called off"),
        "{:?}",
        last.standing
    );
    assert_eq!(look(&world, ten() + 96 * MIN), (vec![], vec![]));
}

/// While it is looked after every minute, a deal's calls are read when something of theirs changed, and once in a while.
#[test]
fn calls_are_read_again_when_something_changed_and_not_every_minute() {
    let world = World::new(&event("m1", "DTSTART:20260302T100000Z\nDTEND:20260302T103000Z"));
    let office = world.office();
    let mut prep = Prep::default();
    // What was heard and made so many minutes before the meeting.
    let mut look = |minutes: i64| {
        NOW.set(ten() - minutes * MIN);
        let done = prep.look(&office).unwrap().unwrap();
        assert_eq!(done.failed, 0);
        (done.heard, done.made.len())
    };
    assert_eq!(look(31), (0, 0), "not due yet");
    assert_eq!(look(30), (1, 1));
    for minutes in [29, 28, 27, 26] {
        assert_eq!(look(minutes), (0, 0), "{minutes} minutes before");
    }
    world.deal("99000");
    assert_eq!(look(25), (1, 1), "the amount is another one");
    world.deal("77000");
    assert_eq!(look(24), (1, 0), "known, and not under the reader's eyes");
    assert_eq!(look(23), (1, 1), "made of what was read again for it");
    assert_eq!(look(22), (0, 0));
    mail(&office, "mail/1", ten() - 22 * MIN, "dana@acme.example", "we would like to see the pumps first");
    assert_eq!(look(21), (1, 1), "she wrote");
    assert_eq!(look(20), (0, 0));
    taken_back(&office.store, Scope::Call("one".into()), ten());
    office.store.carry_out_withdrawals(ten()).unwrap();
    assert_eq!(look(19), (1, 1), "her words are gone");
    assert!(!format!("{:?}", briefs(&office)).contains("zorblaxing"));
    assert_eq!(look(18), (0, 0));
    assert_eq!(look(8), (1, 0), "once in ten minutes, whatever the stamp says");
}

fn mail(office: &Office, id: &str, at: i64, from: &str, text: &str) {
    let body = json!({ "from": from, "subject": "Hello", "text": text });
    let item = Item { kind: ItemKind::Mail, id: id.to_owned(), account: None, at_unix_ms: at, body };
    assert_eq!(office.store.keep_items(&[item]).unwrap(), 1);
}

/// However much came from others: the latest mail of whoever is met is in the brief, and so is what happened at the account.
#[test]
fn what_others_wrote_since_hides_nothing_of_the_account() {
    let world = World::new("");
    let office = world.office();
    NOW.set(ten());
    let others = |kind: ItemKind, at: i64| {
        let item = move |n: i64| Item {
            kind,
            id: format!("{kind:?}/{n}"),
            account: Some(format!("domain:other{n}.example")),
            at_unix_ms: at + n,
            body: json!({ "from": "x@other.example", "title": "Somebody else says something", "text": "and so on and on" }),
        };
        (0..2_100).map(item).collect::<Vec<_>>()
    };
    // Mails of others are older than hers, and what happened at others is newer than what happened at Acme.
    office.store.keep_items(&others(ItemKind::Mail, ten() - 90 * DAY)).unwrap();
    office.store.keep_items(&others(ItemKind::Signal, ten() - 5 * DAY)).unwrap();
    mail(&office, "mail/hers", ten() - DAY, "Dana@acme.example", "the board has moved it to the autumn");
    let news = Item {
        kind: ItemKind::Signal,
        id: "signal/plant".into(),
        account: Some("domain:acme.example".into()),
        at_unix_ms: ten() - 20 * DAY,
        body: json!({ "title": "Acme opens a second plant in Essen" }),
    };
    office.store.keep_items(&[news]).unwrap();
    let meeting = Meeting {
        event: "m1".into(),
        title: "Acme".into(),
        start_unix_ms: ten() + DAY,
        end_unix_ms: ten() + DAY,
        invited: vec!["dana@acme.example".into()],
        ..Meeting::default()
    };
    let (_, made) = office.brief_now(meeting).unwrap();
    let told = format!("{:?}", made.parts);
    for words in ["the board has moved it to the autumn", "Acme opens a second plant in Essen"] {
        assert!(told.contains(words), "{words}: {told}");
    }
}

/// Berlin's clocks go forward on 29 March: the meeting at nine has its brief at half past eight on either side.
#[test]
fn summer_time_shifts_no_brief() {
    let mut world = World::new(&event("m1", "DTSTART;TZID=Europe/Berlin:20260322T090000\nRRULE:FREQ=WEEKLY;COUNT=2"));
    world.settings.zone = "Europe/Berlin".into();
    for day in ["2026-03-22", "2026-03-29"] {
        let half_past = ms(&format!("{day}T08:30[Europe/Berlin]"));
        assert_eq!(look(&world, half_past - MIN).0, [], "{day}");
        assert_eq!(look(&world, half_past).0, [Why::New], "{day}");
    }
    let zoned = world.office().zoned(ms("2026-03-29T09:00[Europe/Berlin]")).unwrap();
    assert_eq!(zoned.strftime("%H:%M %Q").to_string(), "09:00 Europe/Berlin");
    assert_eq!(briefs(&world.office()).len(), 2);
}

/// What cannot be read is not called off.
#[test]
fn a_calendar_that_is_gone_or_broken_drops_nothing() {
    let both = [event("m1", "DTSTART:20260302T100000Z"), event("m2", "DTSTART:20260302T110000Z")].concat();
    let world = World::new(&both);
    assert_eq!(look(&world, ten() - 30 * MIN).0, [Why::New]);
    std::fs::remove_file(world.path().join("team.ics")).unwrap();
    NOW.set(ten() - 25 * MIN);
    let error = Prep::default().look(&world.office()).unwrap_err().to_string();
    assert!(error.contains("team.ics cannot be read"), "{error}");
    world.calendar(&[event("m1", "DTSTART:nonsense"), event("m2", "DTSTART:20260302T110000Z")].concat());
    assert_eq!(look(&world, ten() - 20 * MIN), (vec![], vec![]));
    assert_eq!(world.office().meetings(0).unwrap().len(), 2);
    world.calendar(&event("m2", "DTSTART:20260302T110000Z"));
    assert_eq!(look(&world, ten() - 15 * MIN), (vec![], vec!["m1".to_owned()]));
    assert_eq!(world.office().meetings(0).unwrap().len(), 1);
}

/// Whoever takes consent back is in no brief any more, and in nothing that a call is told.
#[test]
fn consent_that_is_taken_back_takes_the_brief_with_it() {
    let world = World::new(&event("m1", "DTSTART:20260302T100000Z\nDTEND:20260302T103000Z"));
    assert_eq!(look(&world, ten() - 30 * MIN).0, [Why::New]);
    let office = world.office();
    taken_back(&office.store, Scope::Call("one".into()), ten());
    office.store.carry_out_withdrawals(ten()).unwrap();
    let left = format!("{:?} {:?}", briefs(&office), proposals(&office));
    assert!(!left.contains("zorblaxing"), "{left}");
    let kept = office.meetings(0).unwrap().remove(0).brief.unwrap();
    assert_eq!(office.brief(&kept.artifact).unwrap(), None);
    NOW.set(ten());
    assert_eq!(office.arm(&start(json!({ "deal": { "crm_id": "7" } }))), None);
    assert_eq!(look(&world, ten() - 20 * MIN).0, [Why::FactsChanged], "made again of what is left");
    assert!(!format!("{:?}", briefs(&office)).contains("zorblaxing"));
}

fn start(more: serde_json::Value) -> Start {
    let mut start = json!({ "version": 1, "mode": "live", "tracks": [] });
    start.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    serde_json::from_value(start).unwrap()
}

/// A call is its meeting's by the deal its bot names, by who is on it, or by its title; and is told names, deal and plays.
#[test]
fn a_call_is_told_what_its_brief_knows() {
    let mut world = World::new(&event("m1", "DTSTART:20260302T100000Z\nDTEND:20260302T103000Z"));
    world.settings.prep.minutes_before = 60;
    assert_eq!(look(&world, ten() - 60 * MIN).0, [Why::New]);
    let office = world.office();
    let track = |email: &str| {
        json!({ "tracks": [{ "track": 1, "name": "D", "party": "buyer", "codec": "opus", "rate_hz": 48000,
                             "consent": null, "email": email }] })
    };
    let told = |at: i64, more: serde_json::Value| {
        NOW.set(at);
        office.arm(&start(more))
    };
    let arm = told(ten(), track("DANA@acme.example")).unwrap();
    for name in ["dana whitfield", "whitfield", "acme pumps"] {
        assert!(arm.context.iter().any(|c| c == name), "{name}: {:?}", arm.context);
    }
    assert_eq!((arm.deal.crm_id.as_deref(), arm.deal.stage.as_deref()), (Some("7"), Some("proposal")));
    assert_eq!(arm.deal.check(), Ok(()));
    assert_eq!(told(ten() + 5 * MIN, json!({ "deal": { "crm_id": "7" } })).as_ref(), Some(&arm));
    let by_title = told(ten() - 5 * MIN, json!({ "title": "acme next steps" })).unwrap();
    assert_eq!((by_title.deal.crm_id, by_title.context), (None, arm.context.clone()), "a title decides no deal");

    assert_eq!(told(ten(), json!({ "title": "Something else" })), None);
    assert_eq!(told(ten(), track("ada@us.example")), None, "our own people are in all of our meetings");
    assert_eq!(told(ten(), json!({ "deal": { "crm_id": "8" } })), None, "another deal, whoever is on it");
    assert_eq!(told(ten() - 16 * MIN, track("dana@acme.example")), None, "too early");
    assert_eq!(told(ten() + 61 * MIN, track("dana@acme.example")), None, "over");
}
