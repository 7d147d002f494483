//! What the page says of a whole walk, and of each link that is taken out of one.

use reframe_funnel::{
    account::{Account, AccountState},
    fact::{Fact, Happened, Step},
};
use reframe_workflow::{
    artifact::{ArtifactId, Kind},
    gate::ProposalId,
    system::{RecordKind, RecordRef},
};

use super::{Answer, Booked, JourneyPage, NewSignal, RowState, Telling, Told, journey};

const HOUR: i64 = 3_600_000;
/// When the call began; the meeting was to begin then.
const CALL: i64 = 5 * HOUR;
const EVENT: &str = "signal/0123456789abcdef01234567";

fn id(kind: Kind) -> ArtifactId {
    ArtifactId::of(kind.as_str(), b"one")
}

fn write(action: &str) -> ProposalId {
    ProposalId(ArtifactId::of("proposal", action.as_bytes()))
}

/// A walk that is whole, but for these things.
fn page(without: &str) -> JourneyPage {
    let has = |what: &str| without.split(" + ").all(|gone| gone != what);
    let deal = RecordRef { system: "local".into(), kind: RecordKind::Deal, id: "1".into() };
    let mut facts: Vec<Fact> = Vec::new();
    let mut seq = 0;
    let mut add = |at_unix_ms: i64, what: Happened| facts.push(Fact { at_unix_ms, what });
    let made = |kind: Kind, from: Option<Kind>, call: Option<&str>, title: &str| Happened::Made {
        kind,
        id: id(kind),
        parents: from
            .filter(|from| has(&format!("{} of {}", kind.as_str(), from.as_str())))
            .map(id)
            .into_iter()
            .collect(),
        about: vec![deal.clone()],
        call: call.map(str::to_owned),
        title: title.to_owned(),
    };
    let put = |from: Kind, action: &str| Happened::Proposed {
        proposal: write(action),
        from: id(from),
        action: action.to_owned(),
        system: "local".into(),
        target: Some(deal.clone()),
        rests_on: vec![],
    };
    let mut steps = |action: &str, done: bool| -> Vec<Happened> {
        let all = [Step::Put, Step::Shown, Step::Approved, Step::Tried, Step::Done];
        let taken = if done { &all[..] } else { &all[..1] };
        let step = |step: &Step| {
            seq += 1;
            Happened::Stepped { seq, proposal: write(action), step: *step, by: "person ada".into() }
        };
        taken.iter().map(step).collect()
    };
    if has("card") {
        add(HOUR, made(Kind::SignalCard, None, None, ""));
    }
    if has("draft") {
        add(2 * HOUR, made(Kind::Draft, Some(Kind::SignalCard), None, ""));
        add(2 * HOUR + 1, put(Kind::Draft, "send_mail"));
        for (step, after) in steps("send_mail", has("sent")).into_iter().zip(2..) {
            add(2 * HOUR + after, step);
        }
    }
    if has("meeting") {
        add(3 * HOUR, made(Kind::Meeting, Some(Kind::Draft), None, "Northwind"));
    }
    if has("meeting") && has("brief") && has("brief ahead") {
        add(4 * HOUR, made(Kind::Brief, Some(Kind::Meeting), None, ""));
    }
    if has("brief ahead") {
        let (call, title) = ("call-1".to_owned(), "Northwind, first call".to_owned());
        add(CALL, Happened::Called { call, ended_unix_ms: CALL + HOUR, deal: Some(deal.clone()), title });
        if has("transcript") {
            add(CALL + HOUR, made(Kind::CallTranscript, Some(Kind::Brief), Some("call-1"), ""));
        }
        if has("note") {
            add(CALL + HOUR + 1, made(Kind::NoteProposal, Some(Kind::CallTranscript), Some("call-1"), ""));
            add(CALL + HOUR + 2, put(Kind::NoteProposal, "create_note"));
            for (step, after) in steps("create_note", has("write")).into_iter().zip(3..) {
                add(CALL + HOUR + after, step);
            }
        }
    }
    let account = Account { id: "local:company/1".into(), name: "Northwind".into(), records: vec![deal.clone()] };
    let state = AccountState::replay(account, &facts.iter().collect::<Vec<_>>());
    let cited = if has("cites") { vec![EVENT.to_owned()] } else { Vec::new() };
    let answer =
        Answer { item: "mail/1".into(), at_unix_ms: 2 * HOUR + 9, to: id(Kind::Draft), telling: Telling::default() };
    let new = NewSignal {
        item: "signal/new".into(),
        at_unix_ms: CALL,
        of: write("create_note"),
        telling: Telling::default(),
    };
    let told = Told {
        now_unix_ms: if has("brief ahead") { 9 * HOUR } else { 4 * HOUR },
        meetings: [(id(Kind::Meeting), Booked { event: "m1".into(), start_unix_ms: CALL, cancelled: !has("held") })]
            .into(),
        answers: has("answer").then_some(answer).into_iter().collect(),
        new_signals: (has("new signal") && has("write") && has("note")).then_some(new).into_iter().collect(),
        cited: [(id(Kind::SignalCard), cited)].into(),
        ..Told::default()
    };
    journey(&state, None, &told, "UTC").unwrap()
}

#[test]
fn a_whole_walk_leads_back_from_the_new_signal_to_the_first() {
    let whole = page("");
    let open: Vec<_> = whole.rows.iter().filter(|row| row.state != RowState::Done).map(|row| &row.title).collect();
    assert_eq!(open, ["CRM hygiene"], "no night has reviewed the deal");
    assert!(whole.rows.iter().all(|row| row.missing.is_empty()), "{:?}", whole.rows);
    let way = [Kind::NoteProposal, Kind::CallTranscript, Kind::Brief, Kind::Meeting, Kind::Draft, Kind::SignalCard];
    let mut expected = vec!["signal/new".to_owned(), write("create_note").to_string()];
    expected.extend(way.map(|kind| id(kind).to_string()));
    expected.push(EVENT.to_owned());
    assert_eq!((whole.trail, whole.gap), (expected, None));
    let sent = whole.rows[1].made.iter().find_map(|made| made.decided.as_ref()).unwrap();
    assert_eq!((sent.by.as_deref(), sent.done_unix_ms), (Some("person ada"), Some(2 * HOUR + 6)));
}

/// Each link that is taken out is said in its own row, and nothing stands in for it; the way back says where it breaks.
#[test]
fn every_missing_link_is_said_where_it_is_missing() {
    for (without, row, state, says, whole) in [
        ("card", 0, RowState::Missing, "no signal led here: this walk began with outreach", false),
        ("cites", 0, RowState::Missing, "cites no signal", false),
        ("draft of signal_card", 1, RowState::Missing, "does not say which signal card it came from", false),
        ("draft", 1, RowState::Missing, "no message was drafted: the meeting came another way", false),
        ("sent", 1, RowState::Waits, "no message went out", true),
        ("answer", 1, RowState::Missing, "no answer is on record between the message and the meeting", true),
        ("meeting", 2, RowState::Missing, "no meeting was booked, so no brief was made", false),
        ("meeting of draft", 2, RowState::Missing, "does not say which message it came from: Northwind", false),
        ("brief", 2, RowState::Missing, "no brief was made for this meeting: Northwind", false),
        ("brief", 3, RowState::Missing, "no brief was there when this call began: Northwind, first call", false),
        ("call_transcript of brief", 3, RowState::Missing, "no brief was there when this call began", false),
        ("transcript", 3, RowState::Missing, "this call was not written up: Northwind, first call", false),
        ("note", 4, RowState::Missing, "no note was drafted of this call: Northwind, first call", true),
        ("write", 4, RowState::Waits, "nothing of it stands in the system of record", true),
        ("new signal", 6, RowState::Missing, "has become no signal", true),
    ] {
        let page = page(without);
        let found = &page.rows[row];
        assert_eq!(found.state, state, "{without}: {found:?}");
        assert!(found.missing.iter().any(|text| text.contains(says)), "{without}: {:?}", found.missing);
        assert_eq!(page.gap.is_none(), whole, "{without}: {:?}", page.gap);
    }
}

/// A meeting that lies ahead need not have its brief yet, one that was called off never; and what has not begun is not
/// missing.
#[test]
fn what_is_not_due_is_not_missing() {
    let ahead = page("brief ahead");
    assert!(ahead.rows.iter().all(|row| row.missing.is_empty()), "{:?}", ahead.rows);
    let states: Vec<RowState> = ahead.rows.iter().map(|row| row.state).collect();
    assert_eq!(states[..3], [RowState::Done; 3]);
    assert_eq!(states[3..], [RowState::NotYet; 4]);
    assert!(!page("brief").rows[2].missing.is_empty());
    assert!(page("held + brief").rows[2].missing.is_empty());

    let account = Account { id: "local:company/2".into(), name: "Contoso".into(), records: vec![] };
    let state = AccountState::new(account);
    let empty = journey(&state, None, &Told::default(), "UTC").unwrap();
    assert_eq!((empty.walk, empty.rows.len(), empty.gap), (0, 7, None));
    assert!(empty.rows.iter().all(|row| row.state == RowState::NotYet));
    assert_eq!(journey(&state, Some(1), &Told::default(), "UTC"), None);
}
