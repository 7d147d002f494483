//! The session against stories of what Zoom may do.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::zoom::{
    exchange::Timing,
    notice::Product,
    protocol::{AudioParameters, alive},
    sign::Secret,
};

const T: u64 = 1_700_000_000_000;
const L16: AudioParameters =
    AudioParameters { content_type: 2, sample_rate: 1, channel: 1, codec: 1, data_opt: 2, send_rate: 20 };

fn stream(id: &str) -> StreamId {
    StreamId { product: Product::Meeting, meeting: "meet==".into(), stream: id.into() }
}

fn settings() -> Settings {
    Settings {
        client_id: "client".into(),
        client_secret: Secret::new("secret"),
        audio: Some(L16),
        transcript: false,
        platform_consent: false,
        timing: Timing::default(),
    }
}

/// A session, what it did, and a clock that is turned by hand.
struct Story {
    session: Session,
    now: u64,
    did: Vec<Action>,
}

impl Story {
    fn new(settings: Settings) -> Self {
        let urls = vec!["wss://one.example/s".to_owned()];
        let mut story =
            Self { session: Session::new(Arc::new(settings), stream("st-1"), urls, T, T), now: T, did: Vec::new() };
        story.give(Input::Tick);
        story
    }

    fn give(&mut self, input: Input) -> &mut Self {
        let did = self.session.handle(input, self.now);
        self.did.extend(did);
        self
    }

    fn signal(&mut self, message: Value) -> &mut Self {
        self.give(Input::Message(Socket::Signalling, message.to_string()))
    }

    fn media(&mut self, message: Value) -> &mut Self {
        self.give(Input::Message(Socket::Media, message.to_string()))
    }

    /// Time passes, 20 ms after 20 ms.
    fn wait(&mut self, ms: u64) -> &mut Self {
        for _ in 0..ms / 20 {
            self.now += 20;
            self.give(Input::Tick);
        }
        self
    }

    /// Time passes while Zoom goes on asking whether we are there.
    fn live(&mut self, ms: u64) -> &mut Self {
        for n in 0..ms / 20 {
            if n % 500 == 0 {
                self.signal(json!({"msg_type": 12, "timestamp": 1})).media(json!({"msg_type": 12, "timestamp": 1}));
            }
            self.wait(20);
        }
        self
    }

    fn join(&mut self) -> &mut Self {
        self.open_signalling().open_media()
    }

    fn open_signalling(&mut self) -> &mut Self {
        self.give(Input::Opened(Socket::Signalling)).signal(json!({
            "msg_type": 2, "status_code": 0, "media_server": {"server_urls": {"all": "wss://media.example/all"}}
        }))
    }

    fn open_media(&mut self) -> &mut Self {
        self.give(Input::Opened(Socket::Media)).media(json!({"msg_type": 4, "status_code": 0}))
    }

    fn audio(&mut self, user: i64, name: &str, at_ms: u64) -> &mut Self {
        let data = "A".repeat(852) + "AA=="; // 640 bytes
        self.media(
            json!({"msg_type": 14, "content": {"user_id": user, "user_name": name, "data": data, "timestamp": at_ms}}),
        )
    }

    /// Audio of one participant from now on, 20 ms after 20 ms.
    fn talk(&mut self, ms: u64) -> &mut Self {
        for _ in 0..ms / 20 {
            let now = self.now;
            self.audio(7, "Ann", now).wait(20);
        }
        self
    }

    fn hook(&mut self, at_ms: u64, notice: Notice) -> &mut Self {
        self.give(Input::Webhook(Webhook { at_ms, notice }))
    }

    fn started(&mut self, at_ms: u64, id: &str, url: &str) -> &mut Self {
        self.hook(at_ms, Notice::Started { stream: stream(id), urls: vec![url.into()] })
    }

    fn stopped(&mut self, at_ms: u64, reason: u32) -> &mut Self {
        self.hook(at_ms, Notice::Stopped { stream: stream("st-1"), reason: StopReason::from_code(reason) })
    }

    fn forget(&mut self) -> &mut Self {
        self.did.clear();
        self
    }

    fn statuses(&self) -> Vec<SourceState> {
        let status = |a: &Action| match a {
            Action::Engine(ToEngine::Status { state, .. }) => Some(*state),
            _ => None,
        };
        self.did.iter().filter_map(status).collect()
    }

    fn connects(&self) -> Vec<&str> {
        self.did
            .iter()
            .filter_map(|a| if let Action::Connect(_, url) = a { Some(url.as_str()) } else { None })
            .collect()
    }

    fn sent(&self, socket: Socket) -> Vec<Value> {
        let text = |a: &Action| match a {
            Action::Send(to, text) if *to == socket => Some(serde_json::from_str(text).unwrap()),
            _ => None,
        };
        self.did.iter().filter_map(text).collect()
    }

    fn audio_packets(&self) -> usize {
        self.did.iter().filter(|a| matches!(a, Action::Engine(ToEngine::Audio { .. }))).count()
    }

    fn did(&self, one: &Action) -> bool {
        self.did.contains(one)
    }

    fn ended(&self) -> Option<&str> {
        self.did.iter().find_map(|a| if let Action::Done(why) = a { Some(why.as_str()) } else { None })
    }
}

fn closed(socket: Socket) -> Input {
    Input::Closed(socket, "reset".into())
}

#[test]
fn it_joins_as_zoom_wants_it() {
    let mut s = Story::new(settings());
    assert_eq!(s.connects(), ["wss://one.example/s"]);
    s.give(Input::Opened(Socket::Signalling));
    let hello = &s.sent(Socket::Signalling)[0];
    assert_eq!(hello["msg_type"], 1);
    let signature = handshake("client", &Secret::new("secret"), "meet==", "st-1");
    assert_eq!(hello["signature"], signature);
    s.forget().open_signalling();
    assert_eq!(s.connects(), ["wss://media.example/all"]);
    assert_eq!(s.sent(Socket::Signalling).last().unwrap()["msg_type"], 5);
    s.forget().give(Input::Opened(Socket::Media));
    let ask = &s.sent(Socket::Media)[0];
    assert_eq!((&ask["msg_type"], &ask["media_params"]["audio"]["data_opt"]), (&json!(3), &json!(2)));
    assert_eq!(ask["signature"], signature);
    // Ready only when the media answered, and over the signalling socket.
    assert!(s.sent(Socket::Signalling).is_empty());
    s.media(json!({"msg_type": 4, "status_code": 0}));
    assert_eq!(s.sent(Socket::Signalling), [json!({"msg_type": 7, "rtms_stream_id": "st-1"})]);
    assert_eq!(s.statuses(), [SourceState::Joined]);
    s.forget().talk(1_000);
    assert_eq!(s.audio_packets(), 50);
}

#[test]
fn keep_alives_are_answered_on_the_socket_they_came_on() {
    let mut s = Story::new(settings());
    s.join().forget().signal(json!({"msg_type": 12, "timestamp": 5})).media(json!({"msg_type": 12, "timestamp": 6}));
    assert!(s.did(&Action::Send(Socket::Signalling, alive(5))));
    assert!(s.did(&Action::Send(Socket::Media, alive(6))));
}

#[test]
fn three_missed_keep_alives_are_the_end_of_a_socket() {
    let mut s = Story::new(settings());
    s.join().forget().live(120_000);
    assert!(s.connects().is_empty());
    assert!(s.statuses().is_empty());
    // Only the media falls silent.
    for _ in 0..3 {
        s.signal(json!({"msg_type": 12, "timestamp": 1})).wait(10_000);
    }
    assert_eq!(s.statuses(), [SourceState::KeepAliveLost]);
    assert_eq!(s.connects(), ["wss://media.example/all"]);
    s.open_media().forget().live(20_000);
    assert!(s.connects().is_empty());
    // Both do.
    s.wait(30_000);
    assert_eq!(s.statuses(), [SourceState::KeepAliveLost]);
    assert_eq!(s.connects()[0], "wss://one.example/s");
    s.join();
    assert_eq!(*s.statuses().last().unwrap(), SourceState::Joined);
}

#[test]
fn it_comes_back_after_3_6_12_24_30_seconds() {
    let mut s = Story::new(Settings {
        timing: Timing { give_up: Duration::from_secs(300), ..Timing::default() },
        ..settings()
    });
    s.join().forget();
    let mut waits = Vec::new();
    for _ in 0..6 {
        let lost = s.now;
        s.give(closed(Socket::Signalling)).forget();
        while s.connects().is_empty() {
            s.wait(20);
        }
        waits.push((s.now - lost) / 1_000);
    }
    assert_eq!(waits, [3, 6, 12, 24, 30, 30]);
    // A good handshake begins again at the beginning.
    s.join().give(closed(Socket::Signalling)).forget().wait(2_900);
    assert!(s.connects().is_empty());
    s.wait(200);
    assert_eq!(s.connects().len(), 1);
}

#[test]
fn it_gives_up_after_a_while_and_says_so() {
    let mut s = Story::new(settings());
    s.join().forget().give(closed(Socket::Signalling));
    for _ in 0..60 {
        s.wait(2_500).give(closed(Socket::Signalling));
    }
    assert_eq!(s.ended(), Some("Zoom could not be reached again"));
    assert_eq!(s.statuses(), [SourceState::Reconnecting, SourceState::Disconnected]);
    assert!(s.did(&Action::Engine(ToEngine::Stop)));
}

#[test]
fn a_handshake_that_is_never_answered_is_tried_again() {
    let mut s = Story::new(settings());
    s.give(Input::Opened(Socket::Signalling)).forget().wait(10_000);
    assert!(s.did(&Action::Close(Socket::Signalling)));
    assert_eq!(s.statuses(), [SourceState::Reconnecting]);
    s.wait(3_000);
    assert_eq!(s.connects().len(), 1);
}

#[test]
fn a_second_start_with_the_same_servers_is_a_duplicate() {
    let mut s = Story::new(settings());
    s.started(T, "st-1", "wss://one.example/s").join().started(T + 5, "st-1", "wss://one.example/s").forget();
    s.started(T, "st-1", "wss://one.example/s").talk(200);
    assert!(s.connects().is_empty() && s.audio_packets() > 5);
    assert_eq!(s.session.counts().duplicate_webhooks, 3);
}

#[test]
fn a_second_start_with_new_servers_is_followed() {
    let mut s = Story::new(settings());
    s.join().talk(200).forget();
    let told = s.now;
    s.started(told, "st-1", "wss://two.example/s");
    assert_eq!(s.did[..2], [Action::Close(Socket::Media), Action::Close(Socket::Signalling)]);
    assert_eq!(s.connects(), ["wss://two.example/s"]);
    s.join();
    assert_eq!(s.statuses(), [SourceState::Reconnecting, SourceState::Joined]);
    // The first one comes late once more, and the old server says good-bye: neither is news.
    s.forget().started(T, "st-1", "wss://one.example/s").stopped(told - 10, 12).talk(200);
    assert!(s.connects().is_empty() && s.ended().is_none() && s.audio_packets() > 5);
    assert_eq!(s.session.counts().stale_webhooks, 2);
}

#[test]
fn a_new_stream_of_the_meeting_takes_the_old_ones_place() {
    let mut s = Story::new(settings());
    s.join().forget();
    let now = s.now;
    s.started(now + 1, "st-2", "wss://two.example/s").join();
    let ready: Vec<Value> = s.sent(Socket::Signalling).into_iter().filter(|m| m["msg_type"] == 7).collect();
    assert_eq!(ready, [json!({"msg_type": 7, "rtms_stream_id": "st-2"})]);
    // The end of the old one is not the end.
    s.stopped(now + 2, 6);
    assert_eq!(s.ended(), None);
}

#[test]
fn interrupted_means_to_join_again_after_a_while() {
    let mut s = Story::new(settings());
    s.join().live(5_000).forget();
    let now = s.now;
    let urls = vec!["wss://two.example/s".to_owned()];
    s.hook(now, Notice::Interrupted { stream: stream("st-1"), urls });
    assert!(s.did(&Action::Close(Socket::Signalling)) && s.did(&Action::Close(Socket::Media)));
    assert_eq!(s.statuses(), [SourceState::Reconnecting]);
    s.wait(2_900);
    assert!(s.connects().is_empty());
    s.wait(200);
    assert_eq!(s.connects(), ["wss://two.example/s"]);
    s.join().forget();
    // The same told late, when it is long mended.
    s.hook(now, Notice::Interrupted { stream: stream("st-1"), urls: vec![] });
    assert!(s.did.is_empty());
}

#[test]
fn seen_first_and_told_afterwards_is_one_trouble() {
    let mut s = Story::new(settings());
    s.join().forget().give(closed(Socket::Signalling)).wait(1_000);
    let now = s.now;
    s.hook(now, Notice::Interrupted { stream: stream("st-1"), urls: vec![] }).wait(2_100);
    assert_eq!(s.connects().len(), 1);
    s.wait(5_000);
    assert_eq!(s.connects().len(), 1);
}

#[test]
fn event_7_brings_back_the_media_alone_and_once() {
    let mut s = Story::new(settings());
    s.join().forget();
    s.signal(json!({"msg_type": 6, "event": {"event_type": 7, "timestamp": 1}}));
    s.signal(json!({"msg_type": 8, "state": 2, "reason": 14}));
    assert_eq!(s.did.iter().filter(|a| matches!(a, Action::Close(_))).count(), 1);
    assert!(s.did(&Action::Close(Socket::Media)));
    s.wait(3_100);
    assert_eq!(s.connects(), ["wss://media.example/all"]);
    s.forget().open_media();
    assert_eq!(s.sent(Socket::Signalling), [json!({"msg_type": 7, "rtms_stream_id": "st-1"})]);
    assert_eq!(s.statuses(), [SourceState::Joined]);
}

#[test]
fn a_paused_stream_is_not_heard() {
    for paused in [json!({"msg_type": 8, "state": 5}), json!({"msg_type": 9, "rtms_session_id": "se", "state": 3})] {
        let mut s = Story::new(settings());
        s.join().signal(json!({"msg_type": 9, "rtms_session_id": "se", "state": 2})).talk(200).forget();
        s.signal(paused);
        assert_eq!(s.statuses(), [SourceState::Paused]);
        assert!(s.did(&Action::Engine(ToEngine::Pause(0))));
        s.forget().talk(400);
        assert_eq!(s.audio_packets(), 0);
        assert_eq!(s.session.counts().media.while_paused, 20);
        // It asks, once in a while, whether it missed that the stream goes on.
        assert_eq!(s.sent(Socket::Signalling), [json!({"msg_type": 19, "rtms_stream_id": "st-1"})]);
        s.forget().signal(json!({"msg_type": 20, "state": 6})).talk(400);
        assert_eq!(s.statuses(), [SourceState::Joined]);
        assert!(s.audio_packets() >= 18, "{}", s.audio_packets());
    }
}

#[test]
fn one_paused_session_of_two_pauses_nothing() {
    let mut s = Story::new(settings());
    s.join();
    s.signal(json!({"msg_type": 9, "rtms_session_id": "a", "state": 2}));
    s.signal(json!({"msg_type": 9, "rtms_session_id": "b", "state": 3})).forget().talk(200);
    assert!(s.audio_packets() > 5 && s.statuses().is_empty());
    s.signal(json!({"msg_type": 9, "rtms_session_id": "a", "state": 5}));
    assert_eq!(s.statuses(), [SourceState::Paused]);
}

#[test]
fn revoked_means_erased_and_nothing_more_is_passed_on() {
    let end = |s: &Story| {
        let erase = s.did.iter().position(|a| matches!(a, Action::Engine(ToEngine::Erase { .. }))).unwrap();
        let stop = s.did.iter().position(|a| *a == Action::Engine(ToEngine::Stop)).unwrap();
        assert!(erase < stop);
        assert!(s.ended().unwrap().contains("deleted"));
        // What was still held back does not slip out after the deletion.
        assert!(!s.did[erase..].iter().any(|a| matches!(a, Action::Engine(ToEngine::Audio { .. }))));
    };
    let mut s = Story::new(settings());
    s.join().talk(200);
    // One is held back, as the one before it is missing.
    let now = s.now;
    s.audio(7, "Ann", now + 40).forget().stopped(T + 1_000, 8);
    end(&s);
    s.forget().talk(200);
    assert!(s.did.is_empty());
    // Told over the signalling socket.
    let mut s = Story::new(settings());
    s.join().talk(200).forget().signal(json!({"msg_type": 8, "state": 4, "reason": 8}));
    end(&s);
    // The socket says only that it is over; the webhook says why.
    let mut s = Story::new(settings());
    s.join().talk(200).forget().signal(json!({"msg_type": 8, "state": 4, "reason": 0})).wait(1_000);
    assert_eq!(s.ended(), None);
    s.stopped(T + 1_000, 8);
    end(&s);
}

#[test]
fn other_reasons_end_the_call_without_erasing() {
    for reason in [0, 1, 2, 3, 4, 5, 6, 7, 9, 20, 21, 22, 23, 25, 26, 77] {
        let mut s = Story::new(settings());
        s.join().talk(200).forget().stopped(T + 1_000, reason);
        assert_eq!(s.ended(), Some(StopReason::from_code(reason).meaning()), "{reason}");
        assert_eq!(s.statuses(), [SourceState::Disconnected]);
        assert!(!s.did.iter().any(|a| matches!(a, Action::Engine(ToEngine::Erase { .. }))));
    }
    let mut s = Story::new(settings());
    s.join().forget().signal(json!({"msg_type": 8, "state": 4, "reason": 6})).wait(3_100);
    assert_eq!(s.ended(), Some("the meeting is over"));
}

#[test]
fn a_stream_that_broke_is_waited_for() {
    let mut s = Story::new(settings());
    s.join().talk(200).forget().stopped(T + 1_000, 13);
    assert_eq!((s.ended(), s.statuses()), (None, vec![SourceState::Reconnecting]));
    s.give(closed(Socket::Signalling)).give(closed(Socket::Media)).wait(30_000);
    assert!(s.connects().is_empty());
    s.started(T + 2_000, "st-2", "wss://two.example/s").join().talk(200);
    assert_eq!(*s.statuses().last().unwrap(), SourceState::Joined);
    assert!(s.audio_packets() > 5);
    // Not for ever.
    s.forget()
        .hook(T + 3_000, Notice::Stopped { stream: stream("st-2"), reason: StopReason::ConnectionTimeout })
        .wait(60_100);
    assert!(s.ended().unwrap().contains("did not start it again"));
}

#[test]
fn a_refused_signature_asks_for_new_secrets() {
    let mut s = Story::new(settings());
    s.give(Input::Opened(Socket::Signalling)).forget();
    s.signal(json!({"msg_type": 2, "status_code": 3, "reason": "bad"}));
    assert_eq!(s.statuses(), [SourceState::TokenExpired]);
    s.wait(50_000);
    assert!(s.connects().is_empty(), "the same signature is not tried again");
    s.wait(20_000);
    assert!(s.ended().unwrap().contains("ZOOM_CLIENT_SECRET"));
    let mut s = Story::new(settings());
    s.join().forget().stopped(T + 1, 18);
    assert_eq!(s.statuses(), [SourceState::TokenExpired]);
}

#[test]
fn another_refusal_is_told_in_words_and_tried_again() {
    let mut s = Story::new(settings());
    s.give(Input::Opened(Socket::Signalling)).signal(json!({"msg_type": 2, "status_code": 8, "reason": ""}));
    let told = s
        .did
        .iter()
        .any(|a| matches!(a, Action::Engine(ToEngine::Status { detail, .. }) if detail.contains("another program")));
    assert!(told, "{:?}", s.did);
    s.forget().wait(3_100);
    assert_eq!(s.connects().len(), 1);
}

#[test]
fn refused_audio_falls_back_to_the_transcript_if_allowed() {
    let mut s = Story::new(Settings { transcript: true, ..settings() });
    s.open_signalling().give(Input::Opened(Socket::Media)).forget();
    s.media(json!({"msg_type": 4, "status_code": 9, "reason": "audio"}));
    assert_eq!(s.connects(), ["wss://media.example/all"]);
    s.give(Input::Opened(Socket::Media));
    assert_eq!(s.sent(Socket::Media)[0]["media_type"], 8);
    s.media(json!({"msg_type": 4, "status_code": 0})).forget();
    let now = s.now;
    s.media(json!({"msg_type": 17, "content": {"user_id": 7, "user_name": "Ann", "start_time": now, "end_time": now + 900, "data": "too expensive"}}));
    assert!(s.did.iter().any(|a| matches!(a, Action::Engine(ToEngine::Words { text, .. }) if text == "too expensive")));
    // Not allowed: it says what is missing, and tries again.
    let mut s = Story::new(settings());
    s.open_signalling().give(Input::Opened(Socket::Media)).forget();
    s.media(json!({"msg_type": 4, "status_code": 9, "reason": "audio"}));
    assert_eq!(s.statuses(), [SourceState::Reconnecting]);
    assert!(s.connects().is_empty());
}

#[test]
fn participants_are_told_of_before_they_speak() {
    let mut s = Story::new(Settings { platform_consent: true, ..settings() });
    s.join().forget();
    s.signal(json!({"msg_type": 6, "event": {"event_type": 3, "participants": [{"user_id": 7, "user_name": "Ann"}]}}));
    let Some(Action::Engine(ToEngine::Track(track))) = s.did.last() else { panic!("{:?}", s.did) };
    assert_eq!(track.name, "Ann");
    let consent = track.consent.as_ref().unwrap();
    assert_eq!(consent.basis, "platform");
    assert!(consent.reference.contains("meet==") && consent.reference.contains("st-1"));
    s.talk(100).forget();
    s.signal(json!({"msg_type": 6, "event": {"event_type": 4, "participants": [{"user_id": 7}]}}));
    assert_eq!(s.did.last(), Some(&Action::Engine(ToEngine::Leave(0))));
    // Without that setting nobody has agreed to anything.
    let mut s = Story::new(settings());
    s.join().forget().talk(20);
    assert!(s.did.iter().any(|a| matches!(a, Action::Engine(ToEngine::Track(t)) if t.consent.is_none())));
}

#[test]
fn zooms_answer_says_what_the_audio_is() {
    let mut s = Story::new(settings());
    s.open_signalling().give(Input::Opened(Socket::Media)).forget();
    s.media(json!({"msg_type": 4, "status_code": 0, "media_params": {"audio": {"codec": 1, "sample_rate": 3}}}))
        .talk(20);
    let codec = crate::engine::Codec::PcmS16le { rate_hz: 48_000 };
    assert!(s.did.iter().any(|a| matches!(a, Action::Engine(ToEngine::Track(t)) if t.codec == codec)));
    // What nobody here can read is not taken for something else.
    let mut s = Story::new(settings());
    s.open_signalling().give(Input::Opened(Socket::Media)).forget();
    s.media(json!({"msg_type": 4, "status_code": 0, "media_params": {"audio": {"codec": 3}}}));
    assert_eq!(s.statuses(), [SourceState::Reconnecting]);
}

#[test]
fn a_message_that_is_none_is_counted_and_harms_nothing() {
    let mut s = Story::new(settings());
    s.join().forget().give(Input::Message(Socket::Media, "{".into())).media(json!({"msg_type": 99})).talk(100);
    assert_eq!((s.session.counts().bad_messages, s.session.counts().unknown_messages), (1, 1));
    assert_eq!(s.audio_packets(), 5);
}

#[test]
fn an_address_that_is_not_wss_is_not_connected_to() {
    let mut s = Story::new(settings());
    s.join().forget();
    let now = s.now;
    s.started(now, "st-1", "ws://evil.example/s");
    assert!(s.connects().is_empty());
    assert!(s.ended().unwrap().contains("wss://"));
}

#[test]
fn when_the_engine_is_done_so_is_the_stream() {
    let mut s = Story::new(settings());
    s.join().forget().give(Input::EngineOver("the call is over".into()));
    assert_eq!(s.sent(Socket::Signalling), [json!({"msg_type": 21, "rtms_stream_id": "st-1"})]);
    assert_eq!(s.ended(), Some("the call is over"));
}

proptest! {
    /// Whatever comes in whatever order: no panic, no sound without an announcement, nothing after the end.
    #[test]
    fn any_story_keeps_the_rules(steps in prop::collection::vec((0u8..20, 0u32..30, 0u64..4_000), 0..80)) {
        let mut s = Story::new(Settings { transcript: true, ..settings() });
        for (step, number, ms) in steps {
            let now = s.now;
            let (user, at) = (i64::from(number % 4), now - ms % 100);
            match step {
                0 | 1 => s.join(),
                2 => s.open_signalling(),
                3 => s.open_media(),
                4..=6 => s.audio(user, "Ann", at),
                7 => s.wait(ms),
                8 => s.live(ms),
                9 => s.give(closed(Socket::Signalling)),
                10 => s.give(closed(Socket::Media)),
                11 => s.started(at, "st-1", "wss://two.example/s"),
                12 => s.hook(at, Notice::Interrupted { stream: stream("st-1"), urls: vec![] }),
                13 if number > 20 => s.stopped(at, number),
                14 => s.signal(json!({"msg_type": 8, "state": number % 8, "reason": ms % 30})),
                15 => s.signal(json!({"msg_type": 9, "rtms_session_id": "a", "state": number % 7})),
                16 => s.signal(json!({"msg_type": 6, "event": {"event_type": number % 9, "user_id": user, "user_name": "Ann"}})),
                17 => s.media(json!({"msg_type": 4, "status_code": number})),
                18 => s.signal(json!({"msg_type": 2, "status_code": number})),
                _ => s.media(json!({"msg_type": 17, "content": {"user_id": user, "timestamp": at, "data": "hi"}})),
            };
        }
        let mut present = std::collections::BTreeSet::new();
        let mut over = false;
        for action in &s.did {
            prop_assert!(!over, "after the end: {action:?}");
            match action {
                Action::Engine(ToEngine::Track(track)) => { present.insert(track.id); }
                Action::Engine(ToEngine::Audio { track, .. } | ToEngine::Words { track, .. } | ToEngine::Pause(track)) => {
                    prop_assert!(present.contains(track), "{action:?}");
                }
                Action::Engine(ToEngine::Leave(track)) => prop_assert!(present.remove(track)),
                Action::Done(_) => over = true,
                _ => {}
            }
        }
        prop_assert_eq!(over, s.session.is_over());
    }
}
