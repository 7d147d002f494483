//! A made-up portfolio: sound deals, near misses, and deals with one planted fault each.
#![allow(dead_code, reason = "a test and an example use different parts")]

use std::collections::BTreeMap;

use jiff::{Span, Timestamp, Zoned, tz::TimeZone};
use reframe_call::date::Date;
use reframe_workflow::{
    artifact::{Claim, Evidence},
    handoff::{CallTranscript, Commitment, Handling, HeardWord, ObjectionRaised, Owner, Participant, Turn},
    hygiene::{BuyerActivity, CallDigest, CloseDateChange, DealView, History, PastDeal, Rules, StageChange},
    system::{Record, RecordKind, RecordRef},
};

pub const DAY_MS: i64 = 86_400_000;
pub const STAGES: [&str; 4] = ["discovery", "evaluation", "proposal", "negotiation"];

/// A Friday, at two in the morning.
pub fn now() -> Zoned {
    "2026-11-20T02:00:00-05:00[America/New_York]".parse().expect("a time")
}

pub fn ms(days_ago: i64) -> i64 {
    now().timestamp().as_millisecond() - days_ago * DAY_MS
}

pub fn day(ahead: i64) -> Date {
    let date = now().date().checked_add(Span::new().days(ahead)).expect("in the calendar");
    date.to_string().parse().expect("a day")
}

pub fn record(kind: RecordKind, id: &str, fields: &[(&str, &str)]) -> Record {
    Record {
        at: RecordRef { system: "local".into(), kind, id: id.into() },
        version: "1".into(),
        updated_unix_ms: ms(1),
        fields: fields.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect::<BTreeMap<_, _>>(),
        linked: vec![],
        history: BTreeMap::new(),
    }
}

/// One line of a made-up call, and evidence for all of it.
pub fn say(call: &mut CallTranscript, text: &str, confidence: f32) -> Claim {
    let from = call.turns.len() as u64 * 10_000;
    let word = |(i, w): (usize, &str)| {
        let from_ms = from + i as u64 * 400;
        HeardWord { text: w.into(), from_ms, to_ms: from_ms + 300, confidence: 1.0 }
    };
    let words: Vec<_> = text.split(' ').enumerate().map(word).collect();
    let (utterance, n) = (call.turns.len() as u32, words.len());
    call.turns.push(Turn { utterance, speaker: 1, words });
    Claim::new(text, vec![call.quote(&call.turns[utterance as usize], 0..n)], confidence).expect("evidence")
}

pub struct Case {
    pub view: DealView,
    pub call: CallTranscript,
}

impl Case {
    pub fn slot(&mut self, slot: &str, text: &str) {
        let claim = say(&mut self.call, text, 0.9);
        self.view.calls[0].slots.push((slot.into(), claim));
    }
    pub fn set(&mut self, field: &str, value: &str) {
        self.view.deal.fields.insert(field.into(), value.into());
    }
    pub fn empty(&mut self, field: &str) {
        self.view.deal.fields.remove(field);
    }
    pub fn without_slot(&mut self, slot: &str) {
        self.view.calls[0].slots.retain(|(name, _)| name != slot);
    }
    pub fn contact(&mut self, role: &str) {
        let id = format!("{}-{}", self.view.deal.at.id, self.view.contacts.len());
        self.view.contacts.push(record(RecordKind::Contact, &id, &[("role", role)]));
    }
    pub fn without_contact(&mut self, role: &str) {
        self.view.contacts.retain(|c| c.field("role") != Some(role));
    }
    pub fn task(&mut self, subject: &str, due: i64, status: &str) {
        let id = format!("{}-{}", self.view.deal.at.id, self.view.tasks.len());
        let due = day(due).to_string();
        let fields = [("subject", subject), ("due", due.as_str()), ("status", status)];
        self.view.tasks.push(record(RecordKind::Task, &id, &fields));
    }
    pub fn promise(&mut self, side: &str, what: &str, due: i64) {
        let what = say(&mut self.call, what, 0.9);
        let owner = Owner { side: side.into(), name: None };
        let promise = Commitment { what, owner, due: Some(day(due)), due_words: None, unsure: false };
        self.view.calls[0].commitments.push(promise);
    }
    pub fn objection(&mut self, label: &str, handling: Handling) {
        let raised = say(&mut self.call, "that is a lot of money", 0.9);
        self.view.calls[0].objections.push(ObjectionRaised { label: label.into(), raised, handling, answer: None });
    }
    pub fn last_heard(&mut self, days_ago: i64) {
        self.view.buyer_activity.retain(|a| a.at_unix_ms <= ms(days_ago));
        let evidence = Evidence::Event { call: self.call.call.clone(), seq: 1 };
        self.view.buyer_activity.push(BuyerActivity { at_unix_ms: ms(days_ago), evidence });
    }
    pub fn in_stage_for(&mut self, days: i64) {
        if let Some(last) = self.view.stages.last_mut() {
            last.at_unix_ms = ms(days);
        }
    }
    pub fn pushed(&mut self, times: usize) {
        let push = |i| CloseDateChange { at_unix_ms: ms(40 - i), from: day(i), to: day(i + 1) };
        self.view.close_dates = (0..times as i64).map(push).collect();
    }
}

/// A deal in which everything is as it should be.
pub fn sound(i: usize, stage: usize) -> Case {
    let deal = format!("{i:05}");
    let at = RecordRef { system: "local".into(), kind: RecordKind::Deal, id: deal.clone() };
    let mut call = CallTranscript {
        call: format!("call-{deal}"),
        title: String::new(),
        started_unix_ms: ms(12),
        zone: "America/New_York".into(),
        deal: Some(at),
        participants: ["rep", "buyer"].map(|s| Participant { name: s.into(), side: s.into(), email: None }).into(),
        turns: vec![],
        objections: vec![],
        cards: vec![],
        notes: vec![],
        missing_ms: 0,
    };
    let first = say(&mut call, "the money is with our finance chief", 0.9);
    let digest = CallDigest {
        call: call.call.clone(),
        at_unix_ms: call.started_unix_ms,
        slots: vec![("authority".into(), first)],
        objections: vec![],
        commitments: vec![],
        absent: vec![],
    };
    let (close, next) = (day(120).to_string(), day(5).to_string());
    let fields = [
        ("stage", STAGES[stage]),
        ("close_date", close.as_str()),
        ("amount", "24,000"),
        ("next_step", "Walk their finance chief through the numbers"),
        ("next_step_date", next.as_str()),
        ("forecast_commit", "24000"),
    ];
    let view = DealView {
        deal: record(RecordKind::Deal, &deal, &fields),
        read_unix_ms: ms(0),
        contacts: vec![],
        notes: vec![],
        tasks: vec![],
        calls: vec![digest],
        buyer_activity: vec![],
        stages: vec![StageChange { stage: STAGES[stage].into(), at_unix_ms: ms(20) }],
        close_dates: vec![],
    };
    let mut case = Case { view, call };
    case.last_heard(12);
    for role in ["champion", "economic_buyer", "executive_sponsor"] {
        case.contact(role);
    }
    if stage >= 1 {
        case.slot("need", "we lose two days a week to this");
    }
    if stage >= 2 {
        case.slot("decision_criteria", "it has to pass our security review");
        case.slot("decision_process", "the board signs anything above twenty thousand");
        case.slot("budget", "we set aside thirty thousand for it");
    }
    if stage >= 3 {
        case.contact("legal");
    }
    case
}

/// Past deals: silences of 4 to 33 days that they survived, and ways of 30 to 59 days from every stage.
pub fn history(rules: &Rules) -> History {
    let past = |i: i64| {
        let mut deals = Vec::new();
        for stage in STAGES {
            let at = |d: i64| Timestamp::UNIX_EPOCH.as_millisecond() + d * DAY_MS;
            let won = StageChange { stage: "closed_won".into(), at_unix_ms: at(30 + i) };
            let stages = vec![StageChange { stage: stage.into(), at_unix_ms: at(0) }, won];
            // A sign of life every two days but for one silence of `4 + i / 2` days.
            let days = (0..=30 + i).filter(|d| d % 2 == 0 && !(10..13 + i / 2).contains(d));
            deals.push(PastDeal { stages, buyer_activity_unix_ms: days.map(at).collect() });
        }
        deals
    };
    History::of(&(0..30).flat_map(past).collect::<Vec<_>>(), rules)
}

/// A planted fault: its name, the stage it is planted in, what does it, and every rule that must find something.
pub type Fault = (&'static str, usize, fn(&mut Case), &'static [&'static str]);

pub const FAULTS: &[Fault] = &[
    (
        "silent",
        2,
        |c| {
            c.in_stage_for(60);
            c.last_heard(50)
        },
        &["stale/proposal"],
    ),
    (
        "silent in discovery",
        0,
        |c| {
            c.in_stage_for(60);
            c.last_heard(45)
        },
        &["stale/discovery"],
    ),
    ("close date past", 2, |c| c.set("close_date", &day(-5).to_string()), &["close-date/past"]),
    ("close date moved", 1, |c| c.pushed(3), &["close-date/pushed"]),
    ("close date soon", 2, |c| c.set("close_date", &day(3).to_string()), &["close-date/soon"]),
    ("close date unreadable", 1, |c| c.set("close_date", "soonish"), &["close-date/unreadable"]),
    ("no close date", 1, |c| c.empty("close_date"), &["missing/close_date", "stage-unmet/discovery"]),
    ("no amount", 2, |c| c.empty("amount"), &["missing/amount"]),
    (
        "amount said",
        2,
        |c| {
            c.empty("amount");
            c.slot("amount", "42000")
        },
        &["missing/amount"],
    ),
    ("no economic buyer", 2, |c| c.without_contact("economic_buyer"), &["contact/economic_buyer"]),
    ("one contact", 1, |c| c.view.contacts.truncate(1), &["contact/too-few"]),
    (
        "no criteria",
        2,
        |c| c.without_slot("decision_criteria"),
        &["decision-criteria/missing", "stage-unmet/evaluation"],
    ),
    (
        "vague criteria",
        2,
        |c| {
            c.without_slot("decision_criteria");
            c.slot("decision_criteria", "the best fit overall")
        },
        &["decision-criteria/vague"],
    ),
    (
        "no next step",
        1,
        |c| {
            c.empty("next_step");
            c.empty("next_step_date")
        },
        &["next-step/missing"],
    ),
    (
        "next step promised",
        1,
        |c| {
            c.empty("next_step");
            c.empty("next_step_date");
            c.promise("rep", "send the pilot plan", 4)
        },
        &["next-step/missing"],
    ),
    ("vague next step", 0, |c| c.set("next_step", "Follow up / touch base"), &["next-step/vague"]),
    ("next step without a day", 3, |c| c.empty("next_step_date"), &["next-step/undated"]),
    ("next step lapsed", 3, |c| c.set("next_step_date", &day(-6).to_string()), &["next-step/lapsed"]),
    ("task late", 1, |c| c.task("Send the price list", -10, "open"), &["task/lapsed"]),
    ("buyer's promise late", 2, |c| c.promise("buyer", "send the volume numbers", -8), &["commitment/lapsed"]),
    ("our promise late", 2, |c| c.promise("rep", "send the security pack", -8), &["commitment/lapsed"]),
    ("ready for more", 0, |c| c.slot("need", "we lose two days a week to this"), &["stage-exit/discovery"]),
    ("not there yet", 2, |c| c.without_slot("decision_process"), &["stage-unmet/evaluation"]),
    ("never heard", 1, |c| c.view.calls.clear(), &["stage-unproven/discovery"]),
    ("no such stage", 1, |c| c.set("stage", "frobnication"), &["stage-unknown"]),
    ("no stage", 1, |c| c.empty("stage"), &["stage-unknown"]),
    ("no sponsor", 2, |c| c.without_contact("executive_sponsor"), &["risk/no-executive-sponsor"]),
    ("large without budget", 0, |c| c.set("amount", "80000"), &["risk/no-budget-large-deal"]),
    (
        "compares, not asked",
        1,
        |c| c.slot("competitive_language", "when comparing options"),
        &["risk/competitor-not-asked"],
    ),
    ("price open", 2, |c| c.objection("price", Handling::Open), &["risk/price-open-late"]),
    (
        "blocker",
        1,
        |c| {
            c.contact("blocker");
            c.objection("security", Handling::Answered)
        },
        &["risk/blocker-unmet"],
    ),
    (
        "process unknown near close",
        1,
        |c| c.set("close_date", &day(25).to_string()),
        &["risk/process-unknown-near-close"],
    ),
    (
        "no one for the contract",
        3,
        |c| c.without_contact("legal"),
        &["risk/nobody-for-the-contract", "stage-unmet/proposal"],
    ),
    (
        "single-threaded",
        3,
        |c| c.view.contacts.truncate(0),
        &[
            "contact/economic_buyer",
            "contact/too-few",
            "risk/no-executive-sponsor",
            "risk/nobody-for-the-contract",
            "risk/single-threaded",
            "stage-unmet/evaluation",
        ],
    ),
];

/// A sound deal that looks a little like a faulty one: how, its stage, and what makes it so.
pub type NearMiss = (&'static str, usize, fn(&mut Case));

pub const NEAR_MISSES: &[NearMiss] = &[
    ("nothing at all", 0, |_| {}),
    ("nothing at all", 1, |_| {}),
    ("nothing at all", 2, |_| {}),
    ("nothing at all", 3, |_| {}),
    ("silent, but not for long", 2, |c| {
        c.in_stage_for(60);
        c.last_heard(14)
    }),
    ("moved twice, and once back", 1, |c| {
        c.pushed(3);
        let m = &mut c.view.close_dates[1];
        std::mem::swap(&mut m.from, &mut m.to)
    }),
    ("a task one day late", 1, |c| c.task("Send the price list", -1, "open")),
    ("a late task that is done", 1, |c| c.task("Send the price list", -10, "COMPLETED")),
    ("a promise of ours that was done", 2, |c| {
        c.promise("rep", "send the security pack", -8);
        c.task("Sent security pack", -8, "done")
    }),
    ("a promise of theirs, answered since", 2, |c| {
        c.promise("buyer", "send the volume numbers", -8);
        c.last_heard(9)
    }),
    ("a badly heard promise", 2, |c| {
        c.promise("rep", "send the security pack", -8);
        c.view.calls[0].commitments[0].unsure = true
    }),
    ("small without budget", 0, |c| c.set("amount", "50000")),
    ("large with budget", 0, |c| {
        c.set("amount", "80000");
        c.slot("budget", "ninety thousand is set aside")
    }),
    ("compares, and was asked", 1, |c| {
        c.slot("competitive_language", "when comparing options");
        c.slot("rep_asked_competitors", "who else are you looking at")
    }),
    ("price settled", 2, |c| {
        c.objection("price", Handling::Open);
        c.objection("price", Handling::Handled)
    }),
    ("words too unsure to count", 0, |c| {
        let claim = say(&mut c.call, "maybe it hurts", 0.5);
        c.view.calls[0].slots.push(("need".into(), claim))
    }),
    ("a next step in a task", 3, |c| {
        c.empty("next_step");
        c.empty("next_step_date");
        c.task("Meet their counsel", 3, "open")
    }),
    ("a day in the words", 3, |c| {
        c.empty("next_step_date");
        c.set("next_step", "Meet their counsel 2026-11-27")
    }),
    ("another spelling", 2, |c| c.set("stage", "Proposal sent")),
    ("over, whatever else", 1, |c| {
        c.set("stage", "closed_lost");
        c.empty("close_date");
        c.last_heard(400)
    }),
];

/// 200 deals: every other one has a planted fault.
pub fn portfolio() -> Vec<(Case, &'static str, &'static [&'static str])> {
    let mut out: Vec<(Case, &str, &'static [&'static str])> = Vec::new();
    for i in 0..100 {
        let (name, stage, plant, rules) = FAULTS[i % FAULTS.len()];
        let mut case = sound(2 * i, stage);
        plant(&mut case);
        out.push((case, name, rules));
        let (name, stage, change) = NEAR_MISSES[i % NEAR_MISSES.len()];
        let mut case = sound(2 * i + 1, stage);
        change(&mut case);
        out.push((case, name, &[]));
    }
    out
}

/// The zone deals are judged in.
pub fn zone() -> TimeZone {
    now().time_zone().clone()
}
