//! Serves the overlay with made-up calls, to look at the page without a model or a meeting:
//! `cargo run --release -p reframe-serve --example overlay_sample -- 7311`.

use std::{sync::Arc, time::Duration};

use reframe_call::{
    audio::{Consent, Party, TrackId, TrackInfo},
    card::{Card, CardEnd, CaseStudy, Proof, Reason, Stages},
    date::Date,
    event::{CardId, Event, EventBody, UtteranceId},
    input::{Coaching, ConsentRule, Disclosure, Load, RepAction, SourceState, SourceStatus},
    output::Caption,
    recognize::Word,
    time::MediaTime,
};
use reframe_serve::{
    CallMeta, CallScreen, ComputeLatency, Hub, HubOptions, Metrics, ServeOptions, Token, overlay_link, router, serve,
};

struct Feed {
    screen: CallScreen,
    seq: u64,
    at_ms: u64,
}

impl Feed {
    fn event(&mut self, body: EventBody) {
        let event = Event { seq: self.seq, at: MediaTime::from_ms(self.at_ms), body };
        self.screen.publish(&event, Some(ComputeLatency { compute_us: 41_300 }));
        self.seq += 1;
    }

    fn join(&mut self, id: u16, party: Party, name: &str, consent: bool) {
        let consent = consent.then(|| Consent { basis: "platform".into(), reference: String::new() });
        self.event(EventBody::TrackAdded {
            track: TrackInfo { id: TrackId(id), party, name: name.into(), email: None, consent },
        });
    }

    fn source(&mut self, state: SourceState, detail: &str) {
        self.event(EventBody::SourceChanged { source: SourceStatus { state, detail: detail.into() } });
    }

    fn caption(&mut self, committed: &str, tail: &str) {
        let (track, utterance) = (TrackId(1), UtteranceId(0));
        self.screen.caption(&Caption { track, utterance, committed: committed.into(), tail: tail.into() });
    }
}

fn card(id: u32, label: &str, title: &str, say: &[&str], ttl_ms: u64) -> Card {
    let mut start = 61_200;
    let words = "we like it but honestly it is just too expensive for us".split(' ').map(|text| {
        let word = Word {
            text: text.into(),
            start: MediaTime::from_ms(start),
            end: MediaTime::from_ms(start + 240),
            confidence: 0.91,
        };
        start += 260;
        word
    });
    Card {
        id: CardId(id),
        play: label.into(),
        label: label.into(),
        title: title.into(),
        say: say.iter().map(|line| (*line).into()).collect(),
        proof: Some(Proof {
            text: "Teams of your size recover the fee in 11 weeks.".into(),
            source: "Customer survey 2025, 214 teams".into(),
            ..Proof::default()
        }),
        ask: Some("What is one week of delay costing you today?".into()),
        avoid: None,
        case_study: None,
        variant: None,
        ttl_ms,
        priority: 10,
        reason: Reason {
            words: words.collect(),
            rule: "phrase \"too expensive\" heard in the sound".into(),
            speaker: "Dana Whitfield".into(),
            score: 0.93,
            phrase_start: MediaTime::from_ms(63_020),
            phrase_end: MediaTime::from_ms(63_780),
            stages: Stages { recognize_ms: 320, detect_ms: 20, deck_ms: 0 },
        },
    }
}

fn price(id: u32) -> Card {
    let say = [
        "Fair. Compared with what?",
        "Most teams weigh it against the deals they lose to slow answers.",
        "Let us put your numbers next to it.",
    ];
    card(id, "price", "It is too expensive", &say, 25_000)
}

/// A card with everything a card can have.
fn full(id: u32) -> Card {
    let number = Some("11 weeks".into());
    let date = Date::new(2026, 3, 1);
    let text = "Teams of your size recover the fee in 11 weeks.".into();
    Card {
        avoid: Some("give a discount before you know what it is compared with.".into()),
        case_study: Some(CaseStudy {
            text: "Harbor Freight, 90 reps: two more deals a month per team since the spring.".into(),
            source: "Case study, signed by their COO".into(),
        }),
        proof: Some(Proof { text, source: "Customer survey, 214 teams".into(), number, date, ..Proof::default() }),
        ..price(id)
    }
}

fn incumbent(id: u32) -> Card {
    let say = ["Good, then you know what works.", "Which part of it would you not give up?"];
    card(id, "incumbent", "They already have a tool", &say, 25_000)
}

/// Plays `scene` on a call of that name.
fn play(feed: &mut Feed, scene: &str) {
    let because = "california (Dana Whitfield)".into();
    feed.event(EventBody::ConsentRuleChanged { rule: ConsentRule::Everyone, because });
    if scene == "lobby" {
        feed.source(SourceState::WaitingRoom, "");
        return;
    }
    feed.source(SourceState::Joined, "");
    let disclosure = Disclosure { via: "chat".into(), text: "Reframe listens to this call.".into() };
    feed.event(EventBody::DisclosurePosted { disclosure });
    if scene != "mixed" {
        feed.join(0, Party::Rep, "You", true);
    }
    match scene {
        "waiting" => {}
        "unknown" => {
            feed.join(1, Party::Unknown, "Dana Whitfield", true);
            feed.join(2, Party::Unknown, "Bartholomew Featherstonehaugh-Smythe", true);
            feed.join(3, Party::Unknown, "iPhone", true);
        }
        "mixed" => feed.join(1, Party::Unknown, "Meeting room 4", true),
        _ => feed.join(1, Party::Buyer, "Dana Whitfield", true),
    }
    match scene {
        "consent" => {
            feed.join(2, Party::Buyer, "Priya Raman", false);
            feed.event(EventBody::ConsentAwaited { tracks: vec![TrackId(2)] });
        }
        "each_own" => feed.join(2, Party::Buyer, "Priya Raman", false),
        "silent" => feed.event(EventBody::AudioStalled { since: MediaTime::from_ms(50_000) }),
        "behind" => feed.event(EventBody::LoadChanged { load: Load::High }),
        "paused" => feed.source(SourceState::Paused, ""),
        "expired" => feed.source(SourceState::TokenExpired, ""),
        "refused" => feed.source(SourceState::ConsentRefused, "Priya Raman did not agree"),
        "out" => feed.source(SourceState::Disconnected, "the host ended the meeting"),
        "hearing" => {
            let (track, utterance) = (TrackId(1), UtteranceId(0));
            feed.event(EventBody::SpeechStarted { track, utterance, start: MediaTime::from_ms(64_000) });
            feed.caption("so tell me what it", "costs");
        }
        "notes" | "off" => {
            let coaching = if scene == "off" { Coaching::Off } else { Coaching::NotesOnly };
            feed.event(EventBody::CoachingChanged { coaching });
            feed.event(EventBody::NoteTaken { text: "Renewal is in March, budget owner is Lee".into() });
            feed.at_ms += 41_000;
            feed.event(EventBody::NoteTaken { text: "Send the security pack\nand the list of references".into() });
        }
        _ => {}
    }
    if scene == "troubled" {
        feed.join(2, Party::Buyer, "Priya Raman", false);
        feed.join(3, Party::Unknown, "iPhone", true);
        feed.event(EventBody::LoadChanged { load: Load::High });
    }
    if ["card", "pinned", "ended", "behind", "unknown", "mixed", "each_own", "troubled"].contains(&scene) {
        feed.caption("we like it but honestly it is just too expensive", "for us right");
        feed.event(EventBody::CardShown { card: price(0) });
    }
    if scene == "troubled" {
        feed.source(SourceState::Reconnecting, "");
    }
    match scene {
        "card" => feed.event(EventBody::CardQueued { card: incumbent(1) }),
        "full" => feed.event(EventBody::CardShown { card: full(0) }),
        "waits" => feed.event(EventBody::CardQueued { card: price(0) }),
        "pinned" => {
            feed.event(EventBody::CardPinned { card: CardId(0), pinned: true });
        }
        "markup" => {
            let say = [
                "<img src=x onerror=alert(1)>",
                "<b>bold</b> & \"quoted\"",
                "Averyveryveryverylongwordwithoutanyspacethatmustnotbreakthelayoutofthepage",
            ];
            feed.event(EventBody::CardShown { card: card(0, "price", "<script>alert(1)</script>", &say, 60_000) });
        }
        "ended" => {
            feed.event(EventBody::CardClosed { card: CardId(0), end: CardEnd::Used });
            feed.event(EventBody::CardShown { card: incumbent(1) });
            feed.event(EventBody::CardClosed { card: CardId(1), end: CardEnd::Dismissed });
            feed.event(EventBody::CardShown { card: card(2, "timing", "Not this quarter", &["Understood."], 9_000) });
            feed.event(EventBody::CardClosed { card: CardId(2), end: CardEnd::Expired });
            feed.event(EventBody::CardShown {
                card: card(3, "security", "Where is the data?", &["In Frankfurt."], 9_000),
            });
            feed.event(EventBody::CardClosed { card: CardId(3), end: CardEnd::Wrong });
            feed.event(EventBody::NoteTaken { text: "Renewal is in March, budget owner is Lee".into() });
            feed.event(EventBody::CallEnded { cards_shown: 4, utterances: 40 });
        }
        _ => {}
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let port: u16 = std::env::args().nth(1).map_or(Ok(7311), |port| port.parse())?;
    let metrics = Metrics::new();
    let hub = Hub::new(HubOptions::default(), &metrics);
    let base = format!("http://127.0.0.1:{port}");
    let mut feeds = Vec::new();
    let scenes = [
        "listening",
        "hearing",
        "waiting",
        "lobby",
        "card",
        "full",
        "waits",
        "pinned",
        "markup",
        "consent",
        "each_own",
        "silent",
        "behind",
        "unknown",
        "mixed",
        "paused",
        "expired",
        "refused",
        "out",
        "troubled",
        "notes",
        "off",
        "ended",
        "live",
    ];
    for scene in scenes {
        // A fixed token is fine for a sample; a real call uses `Token::generate()`.
        let token = Token::new("0123456789abcdef");
        let meta = CallMeta { id: scene.into(), title: "Northwind Logistics, first demo".into(), token: token.clone() };
        let actions = move |action: RepAction| {
            println!("{scene}: {action:?}");
            true
        };
        let mut feed = Feed { screen: hub.open_call(meta, Arc::new(actions))?, seq: 0, at_ms: 64_000 };
        play(&mut feed, scene);
        println!("{scene:10} {}", overlay_link(&base, scene, &token));
        feeds.push(feed);
    }
    let mut live = feeds.pop().ok_or("no scenes")?;
    tokio::spawn(async move {
        for id in 0.. {
            let said: Vec<&str> =
                "we like it but honestly it is just too expensive for us right now".split(' ').collect();
            for n in 0..said.len() {
                live.caption(&said[..n].join(" "), said[n]);
                tokio::time::sleep(Duration::from_millis(250)).await;
            }
            live.event(EventBody::CardShown { card: if id % 2 == 0 { price(id) } else { incumbent(id) } });
            tokio::time::sleep(Duration::from_secs(8)).await;
            live.at_ms += 12_000;
            live.event(EventBody::CardClosed { card: CardId(id), end: CardEnd::Expired });
            tokio::time::sleep(Duration::from_secs(4)).await;
        }
    });
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
    let stop = async {
        if let Err(error) = tokio::signal::ctrl_c().await {
            eprintln!("cannot wait for Ctrl-C: {error}");
        }
    };
    serve(listener, hub.clone(), router(hub, ServeOptions::new(metrics)), stop).await?;
    drop(feeds);
    Ok(())
}
