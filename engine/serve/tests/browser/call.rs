//! A call that a browser can watch, on a server that can be stopped and started again.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use reframe_call::{
    audio::{Consent, Party, TrackId, TrackInfo},
    card::{Card, Proof, Reason, Stages},
    event::{CardId, Event, EventBody, UtteranceId},
    input::RepAction,
    output::Caption,
    recognize::Word,
    time::MediaTime,
};
use reframe_serve::{
    CallMeta, CallScreen, ComputeLatency, Hub, HubOptions, Metrics, ServeOptions, Token, overlay_link, router, serve,
};
use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle};

/// A call on a server that can be stopped and started again with the log it had.
pub struct Call {
    pub port: u16,
    pub token: Token,
    pub log: Vec<Event>,
    pub actions: Arc<Mutex<Vec<RepAction>>>,
    pub running: Option<(CallScreen, oneshot::Sender<()>, JoinHandle<std::io::Result<()>>)>,
}

impl Call {
    pub async fn start() -> Self {
        let mut call =
            Self { port: 0, token: Token::generate(), log: Vec::new(), actions: Arc::default(), running: None };
        call.up().await;
        for (id, party, name) in [(0, Party::Rep, "Rae"), (1, Party::Buyer, "Dana <b>W</b>")] {
            call.join(id, party, name, true);
        }
        call
    }

    /// Somebody is there from now on, or is known to be on that side.
    pub fn join(&mut self, id: u16, party: Party, name: &str, agreed: bool) {
        let consent = agreed.then(|| Consent { basis: "fixture".into(), reference: String::new() });
        self.event(EventBody::TrackAdded {
            track: TrackInfo { id: TrackId(id), party, name: name.into(), email: None, consent },
        });
    }

    /// Somebody is saying this.
    pub fn say(&self, track: u16, committed: &str, tail: &str) {
        if let Some((screen, ..)) = &self.running {
            let (track, utterance) = (TrackId(track), UtteranceId(0));
            screen.caption(&Caption { track, utterance, committed: committed.into(), tail: tail.into() });
        }
    }

    pub async fn up(&mut self) {
        let metrics = Metrics::new();
        let hub = Hub::new(HubOptions::default(), &metrics);
        let sink = Arc::clone(&self.actions);
        let actions = move |action| {
            sink.lock().unwrap().push(action);
            true
        };
        let meta = CallMeta { id: "call-1".into(), title: "Acme, second call".into(), token: self.token.clone() };
        let screen = hub.open_call(meta, Arc::new(actions)).unwrap();
        screen.restore(&self.log);
        let listener = TcpListener::bind(("127.0.0.1", self.port)).await.unwrap();
        self.port = listener.local_addr().unwrap().port();
        let (stop, stopped) = oneshot::channel();
        let app = router(hub.clone(), ServeOptions::new(metrics));
        let task = tokio::spawn(serve(listener, hub, app, async move {
            stopped.await.ok();
        }));
        self.running = Some((screen, stop, task));
    }

    pub async fn down(&mut self) {
        let (screen, stop, task) = self.running.take().unwrap();
        stop.send(()).unwrap();
        task.await.unwrap().unwrap();
        drop(screen);
    }

    /// Something happens, whether or not anybody is served.
    pub fn event(&mut self, body: EventBody) {
        let seq = self.log.len() as u64;
        let event = Event { seq, at: MediaTime::from_ms(seq), body };
        if let Some((screen, ..)) = &self.running {
            screen.publish(&event, Some(ComputeLatency { compute_us: 41_000 }));
        }
        self.log.push(event);
    }

    pub fn show(&mut self, id: u32, title: &str, first: &str) {
        self.event(EventBody::CardShown { card: card(id, title, first) });
    }

    pub fn link(&self) -> String {
        overlay_link(&format!("http://127.0.0.1:{}", self.port), "call-1", &self.token)
    }

    /// Waits for the actions heard since the last time.
    pub async fn heard(&self, count: usize) -> Vec<RepAction> {
        for _ in 0..400 {
            if self.actions.lock().unwrap().len() >= count {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        std::mem::take(&mut *self.actions.lock().unwrap())
    }
}

pub fn card(id: u32, title: &str, first: &str) -> Card {
    let word = |text: &str, start_ms| Word {
        text: text.into(),
        start: MediaTime::from_ms(start_ms),
        end: MediaTime::from_ms(start_ms + 300),
        confidence: 0.9,
    };
    Card {
        id: CardId(id),
        play: "price".into(),
        label: "price".into(),
        title: title.into(),
        say: vec![first.into(), "Second line.".into(), "Third line.".into()],
        proof: Some(Proof { text: "9 of 10 stay.".into(), source: "Survey 2025".into(), ..Proof::default() }),
        ask: Some("What would waiting cost?".into()),
        avoid: None,
        case_study: None,
        variant: None,
        ttl_ms: 120_000,
        priority: 1,
        reason: Reason {
            rule: "phrase \"too expensive\"".into(),
            words: vec![word("just", 61_000), word("expensive", 61_400)],
            speaker: "Dana".into(),
            score: 0.93,
            phrase_start: MediaTime::from_ms(61_400),
            phrase_end: MediaTime::from_ms(61_700),
            stages: Stages { recognize_ms: 320, detect_ms: 20, deck_ms: 0 },
        },
    }
}
