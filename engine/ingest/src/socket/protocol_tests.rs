//! What the ingest protocol takes, what it refuses, and in which words.

use proptest::prelude::*;

use super::*;

const START: &str = r#"{"type":"start","version":1,"call":"c-1","title":"Acme","mode":"live","playbook":"b2b-saas",
    "context":["Acme","Bo"],"deal":{"industry":"logistics","date":"2026-05-01"},"tracks":[
    {"track":0,"name":"Rae","party":"rep","codec":"pcm_s16le","rate_hz":16000,"consent":{"basis":"contract"}},
    {"track":1,"name":"Bo","party":"buyer","codec":"opus","rate_hz":48000,"consent":null}]}"#;

fn refused(text: &str) -> (Code, String) {
    let refusal = parse_text(text).unwrap_err();
    (refusal.code, refusal.message)
}

#[test]
fn start_is_read() {
    let ClientMessage::Start(start) = parse_text(START).unwrap() else { panic!() };
    assert_eq!(start.mode, Mode::Live);
    assert_eq!(start.tracks[0].codec(), Codec::PcmS16le { rate_hz: 16_000 });
    assert_eq!(start.tracks[1].codec(), Codec::Opus { pre_skip: 312 });
    assert_eq!(start.tracks[0].info().consent.unwrap().basis, "contract");
    assert_eq!((start.deal.industry.as_deref(), start.deal.date), (Some("logistics"), "2026-05-01".parse().ok()));
    let again = serde_json::to_string(&ClientMessage::Start(start.clone())).unwrap();
    assert_eq!(parse_text(&again).unwrap(), ClientMessage::Start(start));
}

#[test]
fn a_start_with_a_mistake_is_refused_in_words_that_help() {
    for (from, to, code, says) in [
        ("\"version\":1", "\"version\":2", Code::BadVersion, "speaks version 1"),
        ("\"version\":1,", "", Code::BadMessage, "start needs \"version\": 1"),
        ("\"mode\":\"live\"", "\"mode\":\"lively\"", Code::BadMessage, "lively"),
        ("\"playbook\"", "\"playbok\"", Code::BadMessage, "playbok"),
        ("16000", "12345", Code::BadMessage, "use 8000, 16000, 24000, 44100 or 48000"),
        ("pcm_s16le", "mp3", Code::BadMessage, "mp3"),
        ("\"track\":1", "\"track\":0", Code::BadMessage, "announced twice"),
        ("\"track\":1", "\"track\":300", Code::BadMessage, "300"),
        ("c-1", "../etc", Code::BadMessage, "letters, digits"),
        ("\"basis\":\"contract\"", "\"basis\":\" \"", Code::BadMessage, "say how consent was given"),
        ("Acme", "A\\u0007cme", Code::BadMessage, "control characters"),
        ("logistics", " ", Code::BadMessage, "deal.industry is empty; leave it out"),
        ("2026-05-01", "1.5.2026", Code::BadMessage, "write YYYY-MM-DD"),
        ("\"industry\"", "\"trade\"", Code::BadMessage, "trade"),
        ("\"name\":\"Bo\"", "\"nom\":\"Bo\"", Code::BadMessage, "nom"),
    ] {
        let (got, message) = refused(&START.replacen(from, to, 1));
        assert_eq!(got, code, "{to}: {message}");
        assert!(message.contains(says), "{to}: {message}");
    }
    let pcmu = START.replacen("pcm_s16le", "pcmu", 1);
    assert!(refused(&pcmu).1.contains("always 8000"));
    assert!(parse_text(&pcmu.replacen("16000", "8000", 1)).is_ok());
}

#[test]
fn other_messages_are_read() {
    for (text, message) in [
        (r#"{"type":"gap","track":1,"until_us":5}"#, ClientMessage::Gap(GapMessage { track: 1, until_us: 5 })),
        (r#"{"type":"leave","track":1}"#, ClientMessage::Leave(LeaveMessage { track: 1 })),
        (
            r#"{"type":"consent","track":1,"consent":null}"#,
            ClientMessage::Consent(ConsentMessage { track: 1, consent: None }),
        ),
        (r#"{"type":"ping"}"#, ClientMessage::Ping(Empty {})),
        (r#"{"type":"stop"}"#, ClientMessage::Stop(Empty {})),
    ] {
        assert_eq!(parse_text(text).unwrap(), message);
        assert_eq!(parse_text(&serde_json::to_string(&message).unwrap()).unwrap(), message);
    }
}

#[test]
fn other_mistakes_are_refused_in_words_that_help() {
    for (text, says) in [
        ("", "JSON"),
        ("[]", "JSON objects"),
        ("{}", "needs a \"type\""),
        (r#"{"type":"shout"}"#, "known are start, track"),
        (r#"{"type":"stop","now":true}"#, "now"),
        (r#"{"type":"gap","track":1}"#, "until_us"),
        (r#"{"type":"gap","track":1,"until_us":-5}"#, "-5"),
        (r#"{"type":"consent","track":1}"#, "missing field `consent`"),
    ] {
        let (code, message) = refused(text);
        assert_eq!(code, Code::BadMessage);
        assert!(message.contains(says), "{text}: {message}");
    }
    let long = format!(r#"{{"type":"ping","x":"{}"}}"#, "x".repeat(MAX_TEXT_BYTES));
    assert!(refused(&long).1.contains("at most 65536"));
    let deep = format!("{}{}", "[".repeat(30_000), "]".repeat(30_000));
    assert_eq!(refused(&deep).0, Code::BadMessage);
}

#[test]
fn audio_messages_are_read() {
    let message = audio_message(7, 0xfffe, 0x0102_0304_0506_0708, &[9, 8]);
    assert_eq!(message, [1, 7, 0xfe, 0xff, 8, 7, 6, 5, 4, 3, 2, 1, 9, 8]);
    let packet = parse_binary(&message).unwrap();
    assert_eq!((packet.track, packet.sequence, packet.timestamp_us), (TrackId(7), Some(0xfffe), 0x0102_0304_0506_0708));
    for (bytes, says) in [
        (vec![], "shorter than its header"),
        (vec![1; 11], "shorter than its header"),
        (vec![1; 12], "without audio"),
        (vec![2; 20], "begin with 1"),
        (vec![1; MAX_AUDIO_BYTES + 1], "at most"),
    ] {
        let message = parse_binary(&bytes).unwrap_err().message;
        assert!(message.contains(says), "{message}");
    }
}

#[test]
fn our_own_messages_are_spelled_like_this() {
    let started = Started { call: "c-1".into(), version: 1, ..Started::default() };
    assert_eq!(
        ServerMessage::Started(started).to_json(),
        r#"{"type":"started","call":"c-1","version":1,"resumed":false,"consent_rule":"everyone"}"#
    );
    assert_eq!(ServerMessage::Pong {}.to_json(), r#"{"type":"pong"}"#);
    assert_eq!(
        ServerMessage::from(Refusal::new(Code::TooFast, "slow down")).to_json(),
        r#"{"type":"error","code":"too_fast","message":"slow down"}"#
    );
    assert_eq!(
        ServerMessage::Dropped { packets: 3, why: "x".into() }.to_json(),
        r#"{"type":"dropped","packets":3,"why":"x"}"#
    );
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _outcome = parse_binary(&bytes);
        let _outcome = parse_text(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn no_damage_panics(at in 0usize..400, with in ".{0,4}", cut in 0usize..500) {
        let mut text: String = START.chars().take(at).collect();
        text.push_str(&with);
        text.extend(START.chars().skip(at + 1).take(cut));
        if let Ok(ClientMessage::Start(start)) = parse_text(&text) {
            prop_assert_eq!(start.version, VERSION);
        }
    }

    #[test]
    fn audio_survives_the_wire(track: u8, sequence: u16, timestamp_us: u64, payload in proptest::collection::vec(any::<u8>(), 1..100)) {
        let packet = parse_binary(&audio_message(track, sequence, timestamp_us, &payload)).unwrap();
        prop_assert_eq!(packet, Packet { track: TrackId(u16::from(track)), sequence: Some(sequence), timestamp_us, exact: false, payload });
    }
}
