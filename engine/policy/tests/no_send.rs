//! Any active kill or denied policy means no send: random histories through the real gate, outbox and executor, judged by a
//! model that knows nothing of the code it judges; and a clean history is sent.

#![allow(clippy::unwrap_used)]

mod support;

use std::{collections::BTreeMap, sync::Mutex};

use proptest::{prelude::*, test_runner::TestRunner};
use reframe_policy::{
    Desk,
    kill::{QuietPeriod, SoftNo, Stretch},
    ledger::{Ground, Reason, What},
    rules::{Channel, Need, Purpose, Region},
};
use reframe_workflow::outbox::{State, Step, VoidWhy, step};

use support::{ADDRESS, DAY, Mailbox, Memory, START, Store, World, permission, salt, worker};

/// Histories per run; one has up to 26 events.
const CASES: u32 = 20_000;
/// Days of [`reframe_policy::kill::KillSettings`], written down apart from it.
const UNSUBSCRIBE_DAYS: i64 = 90;
const TOUCH_DAYS: i64 = 3;
const SOFT_NO_DAYS: i64 = 90;

/// Every reason the model knows.
const REASONS: [&str; 18] = [
    "suppressed",
    "unknown region",
    "no consent",
    "objects to profiling",
    "quiet",
    "deal",
    "dispute",
    "outage",
    "somebody there unsubscribed",
    "soft no",
    "sequence over",
    "touched",
    "no answer",
    "spf",
    "warm-up",
    "lacks",
    "unreadable",
    "unknown person",
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Event {
    Permission,
    Withdrawal,
    Suppression(Reason),
    Complaint,
    Reply,
    Erasure,
    ProfilingOptOut,
    Quiet {
        days: u8,
    },
    Deal {
        open: bool,
    },
    Dispute {
        days: u8,
    },
    Outage {
        hours: u8,
    },
    AccountUnsubscribe,
    SoftNo,
    Sequence {
        over: bool,
    },
    /// They move to a place of another law.
    Moves(&'static str),
    Spf {
        there: bool,
    },
    WarmUpBegins,
    Lacks,
    Complete,
    Store {
        readable: bool,
    },
    Known(bool),
    MailboxFails,
    Pass {
        hours: u16,
    },
    Approve,
    Send,
}

fn event() -> impl Strategy<Value = Event> {
    use Event as E;
    let reasons =
        [Reason::Unsubscribe, Reason::Objection, Reason::Complaint, Reason::Legal, Reason::Bounce, Reason::Own];
    prop_oneof![
        2 => Just(E::Permission),
        1 => Just(E::Withdrawal),
        1 => proptest::sample::select(reasons.to_vec()).prop_map(E::Suppression),
        1 => Just(E::Complaint),
        1 => Just(E::Reply),
        1 => Just(E::Erasure),
        1 => Just(E::ProfilingOptOut),
        1 => (0_u8..9).prop_map(|days| E::Quiet { days }),
        2 => any::<bool>().prop_map(|open| E::Deal { open }),
        1 => (0_u8..9).prop_map(|days| E::Dispute { days }),
        1 => (0_u8..30).prop_map(|hours| E::Outage { hours }),
        1 => Just(E::AccountUnsubscribe),
        1 => Just(E::SoftNo),
        2 => any::<bool>().prop_map(|over| E::Sequence { over }),
        2 => proptest::sample::select(vec!["US-NY", "US-CA", "CA", "DE", "BR"]).prop_map(E::Moves),
        2 => any::<bool>().prop_map(|there| E::Spf { there }),
        1 => Just(E::WarmUpBegins),
        1 => Just(E::Lacks),
        1 => Just(E::Complete),
        2 => any::<bool>().prop_map(|readable| E::Store { readable }),
        2 => any::<bool>().prop_map(E::Known),
        1 => Just(E::MailboxFails),
        6 => (0_u16..60).prop_map(|hours| E::Pass { hours }),
        2 => (60_u16..2_400).prop_map(|hours| E::Pass { hours }),
        8 => Just(E::Approve),
        14 => Just(E::Send),
    ]
}

/// What may be known from the events alone.
#[derive(Default)]
struct Model {
    stopped: bool,
    /// Unsubscribed or withdrawn: a later yes of theirs ends it.
    opted_out: bool,
    final_stop: bool,
    consent: bool,
    profiling: bool,
    quiet_until: i64,
    deal: bool,
    dispute_until: i64,
    outage_until: i64,
    unsubscribed_at: Option<i64>,
    soft_no_at: Option<i64>,
    sequence_over: bool,
    touched_at: Option<i64>,
    unanswered: Vec<i64>,
    place: &'static str,
    spf: bool,
    warm_up_began: i64,
    lacks: bool,
    unreadable: bool,
    unknown: bool,
}

impl Model {
    /// Why nothing may be sent now; nothing: it may.
    fn forbids(&self, now: i64) -> Option<&'static str> {
        let within = |at: Option<i64>, days: i64| at.is_some_and(|at| now < at + days * DAY);
        let eastern_day = |at: i64| (at - 4 * 60 * 60 * 1_000).div_euclid(DAY);
        let reasons = [
            (self.final_stop || self.opted_out || self.stopped, "suppressed"),
            (self.place == "BR", "unknown region"),
            (matches!(self.place, "CA" | "DE") && !self.consent, "no consent"),
            (matches!(self.place, "US-CA" | "DE") && self.profiling, "objects to profiling"),
            (now < self.quiet_until, "quiet"),
            (self.deal, "deal"),
            (now < self.dispute_until, "dispute"),
            (now < self.outage_until, "outage"),
            (within(self.unsubscribed_at, UNSUBSCRIBE_DAYS), "somebody there unsubscribed"),
            (within(self.soft_no_at, SOFT_NO_DAYS), "soft no"),
            (self.sequence_over, "sequence over"),
            (within(self.touched_at, TOUCH_DAYS), "touched"),
            (self.unanswered.len() >= 3 && within(self.touched_at, SOFT_NO_DAYS), "no answer"),
            (!self.spf, "spf"),
            // In summer New York is four hours behind.
            (eastern_day(now) - eastern_day(self.warm_up_began) < 28, "warm-up"),
            (self.lacks, "lacks"),
            (self.unreadable, "unreadable"),
            (self.unknown, "unknown person"),
        ];
        reasons.iter().find(|(is, _)| *is).map(|(_, why)| *why)
    }
}

struct Run {
    store: Desk<Store>,
    outbox: Memory,
    mailbox: Mailbox,
    model: Model,
    now: i64,
    outcomes: Vec<&'static str>,
}

impl Run {
    fn new() -> Self {
        let world = World::clean();
        let model = Model { place: "US-NY", spf: true, warm_up_began: world.warm_up_began, ..Model::default() };
        let store = Desk(Store(Mutex::new(world)));
        Self { store, outbox: Memory::default(), mailbox: Mailbox::default(), model, now: START, outcomes: vec![] }
    }

    fn happens(&mut self, nth: usize, event: Event) -> Result<(), TestCaseError> {
        let now = self.now;
        let model = &mut self.model;
        let mut world = self.store.0.0.lock().unwrap();
        match event {
            Event::Permission => {
                world.note(now, permission(Ground::Express));
                model.consent = true;
                model.opted_out = false;
            }
            Event::Withdrawal => {
                world.note(now, What::Withdrawn { channel: None, method: "mail".into() });
                (model.consent, model.opted_out) = (false, true);
            }
            Event::Suppression(reason) => {
                world.note(now, What::Suppressed { reason, channel: Some(Channel::Sms), only_there: false });
                if reason == Reason::Unsubscribe { model.opted_out = true } else { model.final_stop = true }
            }
            Event::Complaint => {
                world.note(now, What::Complaint { channel: Channel::Linkedin });
                model.final_stop = true;
            }
            Event::Reply => {
                world.note(now, What::ReplyReceived { channel: Channel::Email });
                model.unanswered.clear();
            }
            Event::Erasure => {
                world.ledger.erase(&[support::dana()], &salt(), now, "test");
                // All else about them is gone, and it does not matter: they are never written to again.
                (model.stopped, model.consent) = (true, false);
            }
            Event::ProfilingOptOut => {
                world.note(now, What::ProfilingOptOut);
                model.profiling = true;
            }
            Event::Quiet { days } => {
                let to = now + i64::from(days) * DAY;
                world.quiet.push(QuietPeriod {
                    name: "reporting".into(),
                    industries: ["Banking".to_owned()].into(),
                    accounts: Default::default(),
                    from: day_name(now),
                    to: day_name(to),
                    source: "test".into(),
                });
                model.quiet_until = model.quiet_until.max(midnight_after(to));
            }
            Event::Deal { open } => {
                world.open_deals = u32::from(open);
                model.deal = open;
            }
            Event::Dispute { days } => {
                let to = now + i64::from(days) * DAY;
                world.disputes.push(Stretch { from_unix_ms: now, to_unix_ms: Some(to) });
                model.dispute_until = model.dispute_until.max(to);
            }
            Event::Outage { hours } => {
                let to = now + i64::from(hours) * 3_600_000;
                world.outages.push(Stretch { from_unix_ms: now, to_unix_ms: Some(to) });
                model.outage_until = model.outage_until.max(to);
            }
            Event::AccountUnsubscribe => {
                world.account_unsubscribes.push(now);
                model.unsubscribed_at = Some(now);
            }
            Event::SoftNo => {
                world.soft_nos.push(SoftNo { at_unix_ms: now, what: "asked to slow down".into() });
                model.soft_no_at = Some(now);
            }
            Event::Sequence { over } => (world.sequence_over, model.sequence_over) = (over, over),
            Event::Moves(place) => {
                world.region = Region::new(place).unwrap();
                model.place = place;
            }
            Event::Spf { there } => (world.spf, model.spf) = (there, there),
            Event::WarmUpBegins => (world.warm_up_began, model.warm_up_began) = (now, now),
            Event::Lacks => {
                world.carries.remove(&Need::PostalAddress);
                model.lacks = true;
            }
            Event::Complete => {
                world.carries.insert(Need::PostalAddress);
                model.lacks = false;
            }
            Event::Store { readable } => (world.readable, model.unreadable) = (readable, !readable),
            Event::Known(known) => (world.known, model.unknown) = (known, !known),
            Event::MailboxFails => *self.mailbox.fails.lock().unwrap() = true,
            // Never beyond summer, where the model's four hours' difference is the zone's.
            Event::Pass { hours } => self.now = (now + i64::from(hours) * 3_600_000).min(START + 139 * DAY),
            Event::Approve => self.outbox.approve(nth, &[], now),
            Event::Send => {
                drop(world);
                return self.send();
            }
        }
        Ok(())
    }

    fn send(&mut self) -> Result<(), TestCaseError> {
        let now = self.now;
        let before = self.mailbox.sent.lock().unwrap().len();
        let fails = *self.mailbox.fails.lock().unwrap();
        let done = step(&self.outbox, &[&self.mailbox], &worker(), &self.store, &|| now).unwrap();
        let sent = self.mailbox.sent.lock().unwrap().len() - before;
        let forbidden = self.model.forbids(now);
        let Step::Settled(entry) = done else {
            prop_assert_eq!(sent, 0);
            return Ok(());
        };
        let expired = matches!(entry.state, State::Void { why: VoidWhy::Expired });
        self.outcomes.push(if sent == 1 { "sent" } else { forbidden.unwrap_or("expired or failed") });
        if let Some(why) = forbidden {
            prop_assert_eq!(sent, 0, "sent although: {}", why);
            // A store that cannot be read is no reason to give up; every other is.
            let waits = matches!(entry.state, State::Pending);
            let void = matches!(entry.state, State::Void { why: VoidWhy::NotCleared { .. } });
            prop_assert!(expired || void || (self.model.unreadable && waits), "{why}: {entry:?}");
        } else if !expired {
            prop_assert_eq!(sent, usize::from(!fails), "not sent: {:?}", entry);
        }
        if sent == 1 {
            let world = &mut *self.store.0.0.lock().unwrap();
            world.sent.push(now);
            let message = entry.approval.digest.clone();
            let (channel, purpose) = (Channel::Email, Purpose::Outreach);
            world.note(now, What::TouchSent { channel, purpose, message, basis: None });
            self.model.touched_at = Some(now);
            self.model.unanswered.push(now);
            let basis = world.kept.last().unwrap();
            prop_assert!(!basis.rules.is_empty() && !basis.rests_on.is_empty());
        }
        Ok(())
    }
}

/// The day in New York's summer.
fn day_name(at: i64) -> String {
    let shifted = at - 4 * 60 * 60 * 1_000;
    // Days since 1970-01-01 to a date (Howard Hinnant's civil_from_days).
    let z = shifted.div_euclid(DAY) + 719_468;
    let era = z.div_euclid(146_097);
    let doe = z.rem_euclid(146_097);
    let yoe = (doe - doe / 1_460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let (day, month) = (doy - (153 * mp + 2) / 5 + 1, if mp < 10 { mp + 3 } else { mp - 9 });
    format!("{:04}-{month:02}-{day:02}", yoe + era * 400 + i64::from(month <= 2))
}

fn midnight_after(at: i64) -> i64 {
    let shift = 4 * 60 * 60 * 1_000;
    ((at - shift).div_euclid(DAY) + 1) * DAY + shift
}

#[test]
fn whatever_happened_a_kill_or_a_denial_means_no_send() {
    let config = ProptestConfig { cases: CASES, failure_persistence: None, ..ProptestConfig::default() };
    let seen = Mutex::new(BTreeMap::<&str, u32>::new());
    // Some begin with messages that went out.
    let histories = (0_usize..16, proptest::collection::vec(event(), 1..18));
    let judged = TestRunner::new(config).run(&histories, |(before, events)| {
        let mut run = Run::new();
        let sent = [Event::Approve, Event::Send, Event::Pass { hours: 80 }];
        let first = std::iter::repeat_n(sent, before.saturating_sub(12)).flatten();
        for (nth, event) in first.chain(events).enumerate() {
            run.happens(nth, event)?;
        }
        let mut seen = seen.lock().unwrap();
        for outcome in run.outcomes {
            *seen.entry(outcome).or_default() += 1;
        }
        Ok(())
    });
    if let Err(failed) = judged {
        panic!("{failed}");
    }
    // A test that never sends, or never meets one of the reasons, would show nothing.
    let seen = seen.into_inner().unwrap();
    println!("{seen:?}");
    assert!(seen.get("sent").is_some_and(|n| *n > 1_000), "{seen:?}");
    for reason in REASONS {
        assert!(seen.get(reason).is_some_and(|n| *n > 5), "{reason}: {seen:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_clean_history_is_sent(hours in proptest::collection::vec(0_u16..200, 0..4), consents in any::<bool>(), place in proptest::sample::select(vec!["US-NY", "CA", "DE"])) {
        let mut run = Run::new();
        let mut events = vec![Event::Moves(place)];
        if consents || place != "US-NY" {
            events.push(Event::Permission);
        }
        events.extend(hours.into_iter().map(|hours| Event::Pass { hours }));
        events.extend([Event::Approve, Event::Send]);
        for (nth, event) in events.into_iter().enumerate() {
            run.happens(nth, event)?;
        }
        prop_assert_eq!(run.mailbox.sent.lock().unwrap().len(), 1);
        prop_assert_eq!(run.store.0.0.lock().unwrap().kept.len(), 1);
    }
}

/// The race by itself: each reason comes up after the approval and before the send.
#[test]
fn what_comes_up_after_the_approval_stops_it() {
    for reason in [
        Event::Withdrawal,
        Event::Suppression(Reason::Unsubscribe),
        Event::Suppression(Reason::Objection),
        Event::Complaint,
        Event::Erasure,
        Event::Quiet { days: 2 },
        Event::Deal { open: true },
        Event::Dispute { days: 1 },
        Event::Outage { hours: 1 },
        Event::AccountUnsubscribe,
        Event::SoftNo,
        Event::Sequence { over: true },
        Event::Moves("DE"),
        Event::Moves("BR"),
        Event::Spf { there: false },
        Event::WarmUpBegins,
        Event::Lacks,
        Event::Known(false),
    ] {
        let mut run = Run::new();
        for (nth, event) in [Event::Approve, reason, Event::Send].into_iter().enumerate() {
            run.happens(nth, event).unwrap();
        }
        let (entry, _) = run.outbox.0.lock().unwrap()[0].clone();
        let State::Void { why: VoidWhy::NotCleared { reason: why } } = entry.state else { panic!("{reason:?}") };
        assert!(!why.is_empty() && !why.contains("dana") && !why.contains("acme"), "{why}");
        assert_eq!(run.mailbox.sent.lock().unwrap().len(), 0);
    }
}

#[test]
fn somebody_in_copy_of_whom_nothing_is_known_stops_it_for_all() {
    for (copy, goes) in [("Dana+x@ACME.example", true), ("lee@acme.example", false)] {
        let run = Run::new();
        run.outbox.approve(0, &[copy], START);
        step(&run.outbox, &[&run.mailbox], &worker(), &run.store, &|| START).unwrap();
        assert_eq!(run.mailbox.sent.lock().unwrap().len(), usize::from(goes), "{copy}");
    }
    assert!(ADDRESS.starts_with("dana"));
}

#[test]
fn the_daily_cap_ends_with_the_day() {
    let mut run = Run::new();
    // Two have gone out today, to others.
    run.store.0.0.lock().unwrap().sent = vec![START - 5, START - 4];
    run.outbox.approve(0, &[], START);
    let _ = step(&run.outbox, &[&run.mailbox], &worker(), &run.store, &|| START).unwrap();
    assert_eq!(run.mailbox.sent.lock().unwrap().len(), 0);
    run.now = START + DAY;
    run.outbox.approve(1, &[], run.now);
    run.happens(2, Event::Send).unwrap();
    assert_eq!(run.mailbox.sent.lock().unwrap().len(), 1);
}
