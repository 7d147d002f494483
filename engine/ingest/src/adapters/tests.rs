//! Each vendor's documented messages, through its adapter.

use reframe_call::audio::Party;

use super::*;

fn facts(vendor: Vendor, query: &[(&str, &str)]) -> Facts {
    Facts::read(vendor, query.iter().copied()).unwrap()
}

/// The messages of `fixtures/wire/VENDOR/call.jsonl`.
fn messages(vendor: Vendor) -> Vec<String> {
    let path = format!("{}/../../fixtures/wire/{}/call.jsonl", env!("CARGO_MANIFEST_DIR"), vendor.name());
    std::fs::read_to_string(path).unwrap().lines().map(str::to_owned).collect()
}

/// A step in a line.
fn spell(step: &Step) -> String {
    match step {
        Step::Open { call, facts, token } => {
            let title = facts.title.as_deref().unwrap_or_default();
            format!("open {call} {}{title}", token.as_deref().unwrap_or("-"))
        }
        Step::Person(p) => format!(
            "person {} {} {} {} {:?} {}",
            p.person,
            p.name,
            p.party.as_str(),
            p.consent.as_ref().map_or("-", |c| c.basis.as_str()),
            p.who.email.as_deref().or(p.who.host.map(|h| if h { "host" } else { "guest" })),
            p.codec.decoded_hz()
        ),
        Step::Audio { person, sequence, timestamp_us, payload } => {
            format!("audio {person} #{sequence} {timestamp_us} {}", payload.len())
        }
        Step::Words { person, start_us, end_us, text, last } => {
            format!("words {person} {start_us}..{end_us} {last} {text}")
        }
        Step::Pause(person) => format!("pause {person}"),
        Step::Leave(person) => format!("leave {person}"),
        Step::Source(source) => format!("source {}", source.state.as_str()),
        Step::Reply(text) => {
            let message: serde_json::Value = serde_json::from_str(text).unwrap();
            format!("reply {} seq {} position {}", message["type"], message["seq"], message["position"])
        }
        Step::Stop => "stop".to_owned(),
    }
}

fn run(adapter: &mut dyn Adapter, texts: &[String]) -> Vec<String> {
    texts.iter().flat_map(|message| text(adapter, message).unwrap()).map(|step| spell(&step)).collect()
}

fn text(adapter: &mut dyn Adapter, message: &str) -> Result<Vec<Step>, Refusal> {
    let mut steps = Vec::new();
    adapter.text(message, 0, &mut steps).map(|()| steps)
}

fn binary(adapter: &mut dyn Adapter, message: &[u8], now_us: u64) -> Result<Vec<Step>, Refusal> {
    let mut steps = Vec::new();
    adapter.binary(message, now_us, &mut steps).map(|()| steps)
}

#[test]
fn recall_separates_participants_and_learns_e_mails() {
    let query = [("rep", "rae moss"), ("consent", "platform")];
    let mut adapter = Vendor::Recall.adapter(facts(Vendor::Recall, &query));
    assert_eq!(
        run(&mut *adapter, &messages(Vendor::Recall)),
        [
            "open recall-bot-77 -",
            "person 0 Rae Moss rep platform Some(\"host\") 16000",
            "person 1 Dana Whitfield buyer platform Some(\"guest\") 16000",
            "audio 0 #0 2000000 640",
            "person 1 Dana Whitfield buyer platform Some(\"dana@buyer.example\") 16000",
            "audio 1 #0 2250000 640",
            "leave 1",
        ]
    );
}

#[test]
fn recall_gives_words_where_they_are_asked_for() {
    let mut adapter = Vendor::Recall.adapter(facts(Vendor::Recall, &[("input", "words")]));
    let steps = run(&mut *adapter, &messages(Vendor::Recall));
    assert!(steps.contains(&"words 1 2500000..2700000 true Too expensive.".to_owned()), "{steps:?}");
    assert!(!steps.iter().any(|s| s.starts_with("audio")), "words instead of audio");
    assert!(steps[1].contains("unknown - "), "no rep and no consent in the address: {}", steps[1]);
}

#[test]
fn attendee_keeps_rates_and_times() {
    let mut adapter = Vendor::Attendee.adapter(facts(Vendor::Attendee, &[("call", "c")]));
    assert_eq!(
        run(&mut *adapter, &messages(Vendor::Attendee)),
        [
            "open attendee-bot_9 -",
            "person 0 Participant 1 unknown - None 24000",
            "audio 0 #0 1703123456789000 960",
            "person 1 Participant 2 unknown - None 24000",
            "audio 1 #0 1703123456809000 960",
            "person 2 Meeting unknown - None 8000",
            "audio 2 #0 1703123456829000 320",
        ]
    );
}

#[test]
fn meeting_baas_is_one_microphone_and_its_audio_follows_on() {
    let mut adapter = Vendor::MeetingBaas.adapter(facts(Vendor::MeetingBaas, &[("rate_hz", "24000")]));
    assert!(binary(&mut *adapter, &[0; 960], 0).is_err(), "audio before the hello");
    assert_eq!(
        run(&mut *adapter, &messages(Vendor::MeetingBaas)),
        ["open meeting-baas-bot-5 -", "person 0 Meeting unknown - None 24000"]
    );
    let mut heard =
        |now_us: u64| -> Vec<String> { binary(&mut *adapter, &[0; 960], now_us).unwrap().iter().map(spell).collect() };
    assert_eq!(heard(1_000_000), ["audio 0 #0 980000 960"]);
    assert_eq!(heard(1_090_000), ["audio 0 #1 1000000 960"], "late, but nothing is missing");
    assert_eq!(heard(5_000_000), ["audio 0 #2 4980000 960"], "after a break");
    assert!(binary(&mut *adapter, &[0; 3], 0).is_err());
}

/// A MeetStream message.
fn meet_stream(id: &str, name: &str, samples: usize) -> Vec<u8> {
    let mut out = vec![1];
    for text in [id, name] {
        out.extend(u16::try_from(text.len()).unwrap().to_le_bytes());
        out.extend(text.as_bytes());
    }
    out.extend(vec![0; samples * 2]);
    out
}

#[test]
fn meetstream_says_who_speaks_in_every_message() {
    let mut adapter = Vendor::MeetStream.adapter(facts(Vendor::MeetStream, &[]));
    assert!(binary(&mut *adapter, &meet_stream("1", "Ann", 960), 0).is_err(), "audio before `ready`");
    assert_eq!(run(&mut *adapter, &messages(Vendor::MeetStream)), ["open meetstream-bot_abc -"]);
    let mut heard = |message: &[u8], now_us: u64| -> Vec<String> {
        binary(&mut *adapter, message, now_us).unwrap().iter().map(spell).collect()
    };
    assert_eq!(
        heard(&meet_stream("u1", "Ann", 960), 1_000_000),
        ["person 0 Ann unknown - None 48000", "audio 0 #0 980000 1920"]
    );
    assert_eq!(heard(&meet_stream("NoSpeaker", "NoSpeaker", 960), 1_020_000), ["pause 0"]);
    assert_eq!(heard(&meet_stream("NoSpeaker", "NoSpeaker", 960), 1_040_000), [""; 0], "silence is nobody's");
    assert_eq!(
        heard(&meet_stream("u2", "Ann", 960), 1_060_000),
        ["person 1 Ann unknown - None 48000", "audio 1 #0 1040000 1920"],
        "two people may share a name"
    );
    for bad in [vec![], vec![2, 0, 0], vec![1, 9], vec![1, 9, 0, b'x'], [meet_stream("a", "b", 1), vec![0]].concat()] {
        assert!(binary(&mut *adapter, &bad, 0).is_err(), "{bad:?}");
    }
}

#[test]
fn twilio_has_a_caller_and_our_side() {
    let mut adapter = Vendor::Twilio.adapter(facts(Vendor::Twilio, &[("consent", "verbal")]));
    assert_eq!(
        run(&mut *adapter, &messages(Vendor::Twilio)),
        [
            "open twilio-CA1 t-1Renewal",
            "person 0 Caller buyer verbal None 8000",
            "audio 0 #0 5000 160",
            "person 1 Our side rep verbal None 8000",
            "audio 1 #0 12000 160",
            "audio 0 #1 25000 160",
            "stop",
        ]
    );
    let mut other_way = Vendor::Twilio.adapter(facts(Vendor::Twilio, &[("rep", "inbound")]));
    let steps = run(&mut *other_way, &messages(Vendor::Twilio));
    assert!(steps[1].starts_with("person 0 Our side rep"), "{steps:?}");
}

#[test]
fn telnyx_is_put_in_order() {
    let mut adapter = Vendor::Telnyx.adapter(facts(Vendor::Telnyx, &[]));
    let texts = messages(Vendor::Telnyx);
    let steps = run(&mut *adapter, &texts);
    let times: Vec<&str> = steps.iter().filter(|s| s.starts_with("audio")).map(|s| s.as_str()).collect();
    // 5 never comes; 6 and 9 wait for it in vain until more come.
    assert_eq!(times, ["audio 0 #0 0 160", "audio 0 #1 20000 160", "audio 0 #2 40000 160", "audio 0 #3 60000 160"]);
    let more = |n: u64| messages(Vendor::Telnyx)[2].replace("\"chunk\":\"1\"", &format!("\"chunk\":\"{n}\""));
    let mut late: Vec<String> = Vec::new();
    for n in [7, 8, 10, 11] {
        late.extend(text(&mut *adapter, &more(n)).unwrap().iter().map(spell));
    }
    assert_eq!(late.len(), 6, "6 to 11 go out once the hole is given up: {late:?}");
}

#[test]
fn audiohook_is_numbered_and_answered() {
    let mut adapter = Vendor::Genesys.adapter(facts(Vendor::Genesys, &[("consent", "platform")]));
    let texts = messages(Vendor::Genesys);
    assert!(binary(&mut *adapter, &[0xff; 4], 0).is_err(), "audio before `open`");
    assert_eq!(
        run(&mut *adapter, &texts[..2]),
        [
            "open genesys-c-1 -",
            "person 0 Dana Whitfield buyer platform None 8000",
            "person 1 Our side rep platform None 8000",
            "reply \"opened\" seq 1 position \"PT0S\"",
            "reply \"pong\" seq 2 position \"PT0S\"",
        ]
    );
    let sides: Vec<u8> = (0..320).map(|n| if n % 2 == 0 { 1 } else { 2 }).collect();
    let steps = binary(&mut *adapter, &sides, 0).unwrap();
    assert_eq!(steps.iter().map(spell).collect::<Vec<_>>(), ["audio 0 #0 0 160", "audio 1 #0 0 160"]);
    for (step, side) in steps.iter().zip([1, 2]) {
        let Step::Audio { payload, .. } = step else { panic!() };
        assert!(payload.iter().all(|&b| b == side), "the sides are told apart");
    }
    assert_eq!(
        run(&mut *adapter, &texts[2..6]),
        ["source paused", "pause 0", "pause 1", "source joined"],
        "paused, discarded, resumed, updated"
    );
    let steps = binary(&mut *adapter, &sides, 0).unwrap();
    assert_eq!(spell(&steps[0]), "audio 0 #1 1020000 160", "a second was discarded");
    assert_eq!(run(&mut *adapter, &texts[6..]), ["reply \"closed\" seq 3 position \"PT1.040S\"", "stop"]);
    let farewell = adapter.farewell("going home").unwrap();
    assert!(farewell.contains("disconnect") && farewell.contains("going home"), "{farewell}");
}

#[test]
fn a_connection_test_opens_no_call() {
    let mut adapter = Vendor::Genesys.adapter(facts(Vendor::Genesys, &[]));
    let open = messages(Vendor::Genesys)[0].replace("\"c-1\"", "\"00000000-0000-0000-0000-000000000000\"");
    assert_eq!(run(&mut *adapter, &[open]), ["reply \"opened\" seq 1 position \"PT0S\""]);
    assert!(binary(&mut *adapter, &[0xff; 4], 0).is_err(), "no call, no audio");
    let close = r#"{"version":"2","id":"5ac5b4c9","type":"close","seq":2,"parameters":{"reason":"end"}}"#;
    assert_eq!(run(&mut *adapter, &[close.to_owned()]), ["reply \"closed\" seq 2 position \"PT0S\""]);
}

#[test]
fn what_cannot_be_understood_says_why() {
    for (vendor, texts, says) in [
        (Vendor::Recall, vec!["{"], "EOF"),
        (Vendor::Recall, vec![r#"{"event":"x"}"#], "names no bot"),
        (
            Vendor::Recall,
            vec![r#"{"event":"audio_separate_raw.data","data":{"bot":{"id":"b"},"data":{"buffer":"AAA="}}}"#],
            "without a participant",
        ),
        (
            Vendor::Recall,
            vec![
                r#"{"event":"audio_mixed_raw.data","data":{"bot":{"id":"b"},"data":{"buffer":"?","timestamp":{"relative":1}}}}"#,
            ],
            "base64",
        ),
        (Vendor::Attendee, vec![r#"{"bot_id":" ","trigger":"x","data":{}}"#], "bot_id"),
        (
            Vendor::Attendee,
            vec![r#"{"bot_id":"b","trigger":"realtime_audio.mixed","data":{"sample_rate":11025}}"#],
            "11025",
        ),
        (Vendor::MeetingBaas, vec![r#"{"protocol_version":2,"bot_id":"b","offset":0}"#], "version 1"),
        (Vendor::MeetStream, vec![r#"{"type":"ready"}"#], "names no bot"),
        (
            Vendor::Twilio,
            vec![r#"{"event":"media","media":{"chunk":"1","timestamp":"1","payload":"AAAA"}}"#],
            "before `start`",
        ),
        (
            Vendor::Twilio,
            vec![
                r#"{"event":"start","start":{"callSid":"c","mediaFormat":{"encoding":"audio/opus","sampleRate":48000,"channels":2}}}"#,
            ],
            "audio/opus",
        ),
        (Vendor::Genesys, vec![r#"{"version":"1","id":"x","type":"open","seq":1}"#], "version"),
        (Vendor::Genesys, vec![r#"{"version":"2","id":"x","type":"open","seq":2,"parameters":{}}"#], "one is missing"),
        (Vendor::Genesys, vec![r#"{"version":"2","id":"x","type":"ping","seq":1}"#], "before `open`"),
        (
            Vendor::Genesys,
            vec![r#"{"version":"2","id":"x","type":"open","seq":1,"parameters":{"conversationId":"c","media":[]}}"#],
            "PCMU",
        ),
    ] {
        let mut adapter = vendor.adapter(facts(vendor, &[]));
        let outcome = texts.iter().map(|t| text(&mut *adapter, t)).next_back().unwrap();
        let why = outcome.unwrap_err().message;
        assert!(why.contains(says), "{}: {why}", vendor.name());
    }
}

#[test]
fn what_came_before_the_fault_still_counts() {
    let mut adapter = Vendor::Attendee.adapter(facts(Vendor::Attendee, &[]));
    let mut steps = Vec::new();
    let bad = r#"{"bot_id":"b","trigger":"realtime_audio.mixed","data":{"chunk":"?","timestamp_ms":1}}"#;
    assert!(adapter.text(bad, 0, &mut steps).is_err());
    let spelled: Vec<String> = steps.iter().map(spell).collect();
    assert_eq!(spelled, ["open attendee-b -", "person 0 Meeting unknown - None 16000"]);
}

#[test]
fn a_replayed_message_is_refused() {
    let mut adapter = Vendor::Genesys.adapter(facts(Vendor::Genesys, &[]));
    let texts = messages(Vendor::Genesys);
    run(&mut *adapter, &texts[..2]);
    assert!(text(&mut *adapter, &texts[1]).unwrap_err().message.contains("came twice"));
}

#[test]
fn a_crowd_does_not_grow_for_ever() {
    let mut adapter = Vendor::MeetStream.adapter(facts(Vendor::MeetStream, &[]));
    run(&mut *adapter, &messages(Vendor::MeetStream));
    let mut people = 0;
    for n in 0..1_000 {
        let steps = binary(&mut *adapter, &meet_stream(&format!("u{n}"), "x", 10), n * 20_000).unwrap();
        people += steps.iter().filter(|s| matches!(s, Step::Person(_))).count();
    }
    assert_eq!(people, MAX_PEOPLE);
}

#[test]
fn the_address_is_checked_and_names_its_people() {
    let all = facts(Vendor::Recall, &[("rep", "Rae"), ("rep", "rae@ours.example"), ("token", "x"), ("title", "T")]);
    assert_eq!(all.party("rae ", None), Party::Rep);
    assert_eq!(all.party("R. Moss", Some("RAE@ours.example")), Party::Rep);
    assert_eq!(all.party("Dana", None), Party::Buyer);
    assert_eq!(facts(Vendor::Recall, &[]).party("Dana", None), Party::Unknown);
    assert!(!format!("{all:?}").contains("\"x\""), "the token is not kept");
    for (key, value) in
        [("colour", "red"), ("rate_hz", "12345"), ("consent", ""), ("input", "video"), ("title", "a\nb")]
    {
        assert!(Facts::read(Vendor::Recall, [(key, value)]).is_err(), "{key}={value}");
    }
    assert_eq!(all.call_id("v3:a/b"), "recall-v3-a-b");
}
