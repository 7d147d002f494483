//! An invented meeting with its brief, and one that has none yet, for the page that shows them. It cites the demo's call.

use reframe_serve::accounts::briefs::{
    Answering, Armed, BriefPage, BriefsPage, Expected, Heard, MeetingRow, Missing, Promised,
};
use reframe_workflow::{
    artifact::{Claim, Evidence},
    system::{RecordKind, RecordRef},
};

const ZONE: &str = "Europe/Berlin";
/// Thursday, 3 December 2026, 09:40 in Berlin.
const NOW: i64 = 1_796_287_200_000;
const MIN: i64 = 60_000;
/// The meeting with a brief, and one whose names are not to become markup.
pub const MEETING: &str = "northwind-next";
const LATER: &str = "later/20261204T100000Z";

/// Words of the demo's call, by its turn and where they begin and end.
fn said(text: &str, utterance: u32, from_ms: u64, to_ms: u64, quote: &str) -> Claim {
    let (call, quote) = ("call-7".to_owned(), quote.to_owned());
    claim(text, vec![Evidence::Words { call, utterance, from_ms, to_ms, quote }], 0.9)
}

fn claim(text: &str, evidence: Vec<Evidence>, confidence: f32) -> Claim {
    Claim::new(text, evidence, confidence).expect("it has evidence")
}

fn field(text: &str, kind: RecordKind, id: &str, field: &str, value: &str) -> Claim {
    let record = RecordRef { system: "local".into(), kind, id: id.into() };
    let read = Evidence::Field { record, field: field.into(), value: Some(value.into()), read_unix_ms: NOW };
    claim(text, vec![read], 1.0)
}

fn rows() -> [MeetingRow; 2] {
    let start = NOW + 20 * MIN;
    [
        MeetingRow {
            id: MEETING.into(),
            title: "Northwind: the offer for eighteen seats".into(),
            start_unix_ms: start,
            end_unix_ms: start + 30 * MIN,
            invited: 3,
            deal: Some("local:deal/northwind-42".into()),
            made_unix_ms: Some(NOW - 10 * MIN),
            due_unix_ms: start - 30 * MIN,
            first: Some("price".into()),
            empty: vec!["next-step targets".into()],
        },
        MeetingRow {
            id: LATER.into(),
            title: "Contoso <b>Ltd</b> <img src=x onerror=\"window.hacked = 1\">".into(),
            start_unix_ms: start + 24 * 60 * MIN,
            end_unix_ms: 0,
            invited: 1,
            due_unix_ms: start + (24 * 60 - 30) * MIN,
            ..MeetingRow::default()
        },
    ]
}

/// The meetings ahead.
#[must_use]
pub fn list() -> BriefsPage {
    BriefsPage { zone: ZONE.into(), now_unix_ms: NOW, calendar: true, meetings: rows().into(), more: 0 }
}

/// One of them with its brief.
#[must_use]
pub fn one(id: &str) -> Option<BriefPage> {
    let [first, later] = rows();
    let made = NOW - 10 * MIN;
    if id == LATER {
        let missing = Missing { what: "deal".into(), fill: "invite <i>somebody</i> the CRM knows".into() };
        let (meeting, zone) = (later, ZONE.to_owned());
        return Some(BriefPage { meeting, zone, made_unix_ms: NOW, missing: vec![missing], ..BriefPage::default() });
    }
    if id != MEETING {
        return None;
    }
    let expensive = "it is honestly just too expensive for forty seats";
    let price = said("price (71 %): raised in one call and left open", 8, 81_030, 83_790, expensive);
    let budget = "we budgeted about thirty two thousand for the year";
    let pack = "i will send you the security pack by wednesday";
    let answer = "i will get back to you on friday with his answer";
    let both = claim(
        "The budget: \"forty seats\" are too much on 27 November, and \"thirty two thousand\" are there on the same day",
        [(8, 81_030, 83_790, expensive), (10, 90_340, 93_100, budget)]
            .map(|(utterance, from_ms, to_ms, quote)| Evidence::Words {
                call: "call-7".into(),
                utterance,
                from_ms,
                to_ms,
                quote: quote.into(),
            })
            .to_vec(),
        0.8,
    );
    let dana = field("Dana Whitfield, VP Sales, role: champion", RecordKind::Contact, "c1", "role", "champion");
    let marcus = "let me put that to marcus he signs everything above twenty";
    let question = |text| said(text, 12, 103_370, 106_750, marcus);
    let mine = "Security pack to Priya";
    Some(BriefPage {
        zone: ZONE.into(),
        url: Some("https://meet.example/northwind".into()),
        invited: vec!["dana@northwind.example".into()],
        made_unix_ms: made,
        kept: true,
        words: 312,
        objections: vec![
            Expected {
                label: "price".into(),
                likelihood: 0.71,
                because: price.clone(),
                card: Some(Answering {
                    play: "price-too-high".into(),
                    title: "Too expensive".into(),
                    say: vec![
                        "Compared with what it costs you today, or with another offer?".into(),
                        "Eighteen seats fit what you budgeted; the rest can follow.".into(),
                    ],
                    ask: Some("What would it have to bring in to pay for itself by summer?".into()),
                }),
            },
            Expected {
                label: "security_review".into(),
                likelihood: 0.38,
                because: said(
                    "security review (38 %): open: the data processing agreement",
                    17,
                    129_590,
                    132_660,
                    "legal needs the data processing agreement two weeks before that",
                ),
                card: None,
            },
        ],
        contradictions: vec![both],
        promises: vec![
            Promised {
                what: said(mine, 5, 68_770, 71_530, pack),
                who: "Rae Linden".into(),
                due: Some("2026-12-02".into()),
                state: "late".into(),
            },
            Promised {
                what: said("Marcus's answer", 14, 114_230, 117_610, answer),
                who: "Dana Whitfield".into(),
                due: Some("2026-12-04".into()),
                state: "open".into(),
            },
        ],
        people: vec![dana],
        heard: vec![Heard {
            name: "Marcus".into(),
            side: "absent".into(),
            calls: 1,
            shown: question("Marcus is spoken of"),
        }],
        questions: ["Who signs above twenty?", "Who else decides?", "By when?", "What if legal is late?"]
            .map(question)
            .into(),
        plays: vec![
            Armed { play: "price-too-high".into(), title: Some("Too expensive".into()) },
            Armed { play: "gone".into(), title: None },
        ],
        missing: vec![Missing { what: "next-step targets".into(), fill: "a deal with a stage, or promises".into() }],
        parts: vec![("likely objections".into(), vec![price]), ("next-step targets".into(), vec![])],
        meeting: first,
    })
}
