//! Zoom's messages and webhooks as documented, read one by one; and what no bytes may do.

use std::path::Path;

use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::zoom::{notice, sign::Secret};

/// A table of `fixtures/wire/zoom`: what came, and what is to be made of it.
fn table(name: &str) -> Vec<(String, Value, Value)> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/wire/zoom").join(name);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let all: Vec<Value> = serde_json::from_str(&text).unwrap();
    assert!(!all.is_empty());
    all.into_iter()
        .map(|mut case| (case["about"].as_str().unwrap().to_owned(), case["message"].take(), case["is"].take()))
        .collect()
}

fn reads(about: &str, read: Result<Value, String>, wanted: &Value) {
    match (&read, wanted.get("refused")) {
        (Err(why), Some(Value::String(part))) => assert!(why.contains(part.as_str()), "{about}: {why}"),
        (Ok(value), None) => assert_eq!(value, wanted, "{about}"),
        _ => panic!("{about}: {read:?} is not {wanted}"),
    }
}

#[test]
fn messages_of_the_sockets_are_read_as_documented() {
    for name in ["signalling.json", "media.json"] {
        for (about, message, wanted) in table(name) {
            let read = parse(&message.to_string()).map(|m| serde_json::to_value(m).unwrap()).map_err(|e| e.to_string());
            reads(&about, read, &wanted);
        }
    }
}

#[test]
fn webhooks_are_read_as_documented() {
    for (about, message, wanted) in table("webhooks.json") {
        let read = notice::parse(message.to_string().as_bytes())
            .map(|w| serde_json::to_value(w).unwrap())
            .map_err(|e| e.to_string());
        reads(&about, read, &wanted);
    }
}

#[test]
fn our_messages_are_spelled_as_documented() {
    let who = Handshake { meeting: "4fYk8mN2Qx+abc==", stream: "st-1", signature: "s1g" };
    let audio = AudioParameters { content_type: 2, sample_rate: 1, channel: 1, codec: 1, data_opt: 2, send_rate: 20 };
    let ours = |name: &str| match name {
        "signalling handshake" => open_signalling(who),
        "media handshake for audio" => open_media(who, Wanted::Audio(audio)),
        "media handshake for the transcript" => open_media(who, Wanted::Transcript),
        "event subscription" => subscribe(),
        "ready" => ready("st-1"),
        "keep-alive answer" => alive(1_727_384_349_123),
        "question for the stream's state" => ask_stream_state("st-1"),
        "request to end the stream" => close_stream("st-1"),
        other => panic!("{other}"),
    };
    for (about, message, _) in table("sent.json") {
        assert_eq!(serde_json::from_str::<Value>(&ours(&about)).unwrap(), message, "{about}");
    }
}

#[test]
fn what_is_too_big_is_refused() {
    let big = format!("{{\"msg_type\":18,\"x\":\"{}\"}}", "a".repeat(MAX_MESSAGE_BYTES));
    assert!(parse(&big).unwrap_err().to_string().contains("at most"));
    let big = format!("{{\"event\":\"x\",\"payload\":\"{}\"}}", "a".repeat(notice::MAX_BODY_BYTES));
    assert!(notice::parse(big.as_bytes()).unwrap_err().to_string().contains("at most"));
    let name = "n".repeat(500);
    let message = format!(
        r#"{{"msg_type":6,"event":{{"event_type":3,"participants":[{{"user_id":1,"user_name":"{name}\u0000"}}]}}}}"#
    );
    let Ok(Incoming::Event { people, .. }) = parse(&message) else { panic!() };
    assert_eq!(people[0].name.len(), MAX_NAME_CHARS);
}

#[test]
fn an_error_never_quotes_the_message() {
    let error = parse(r#"{"msg_type":17,"content":{"user_id":1,"data":["the secret plan"]}}"#).unwrap_err().to_string();
    assert!(!error.contains("secret plan"), "{error}");
}

/// A JSON value that looks a little like a message.
fn anything() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "[a-zA-Z0-9+/=]{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 6, |inner| {
        let key = prop::sample::select(vec![
            "event",
            "content",
            "participants",
            "user_id",
            "user_name",
            "data",
            "timestamp",
            "state",
            "reason",
            "status_code",
            "media_server",
            "server_urls",
            "media_params",
            "audio",
            "event_type",
            "payload",
            "object",
        ]);
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(key.prop_map(str::to_owned), inner, 0..6)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn no_message_panics(kind in 0u32..40, body in anything()) {
        let mut message = json!({"msg_type": kind});
        if let (Value::Object(body), Value::Object(message)) = (body, &mut message) {
            message.extend(body);
        }
        if let Ok(Incoming::Audio { data, at_ms, .. }) = parse(&message.to_string()) {
            prop_assert!(!data.is_empty() && at_ms > 0);
        }
    }

    #[test]
    fn no_webhook_panics(event in "(meeting|webinar|session|contact_center)\\.(voice_)?rtms_(started|stopped|interrupted)", payload in anything()) {
        let body = json!({"event": event, "payload": payload}).to_string();
        drop(notice::parse(body.as_bytes()));
    }

    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        drop(parse(&String::from_utf8_lossy(&bytes)));
        drop(notice::parse(&bytes));
        let secret = Secret::new("s");
        let signature = String::from_utf8_lossy(&bytes);
        prop_assert!(crate::zoom::sign::check(&secret, Some("1"), Some(&signature), &bytes, 1).is_err());
    }

    /// Sound comes through base64 unchanged.
    #[test]
    fn audio_comes_through(data in prop::collection::vec(any::<u8>(), 1..2_000), user in any::<i32>(), at in 1u64..10_000_000_000_000) {
        let message = json!({"msg_type": 14, "content": {
            "user_id": user, "user_name": "Ann", "data": STANDARD.encode(&data), "length": data.len(), "timestamp": at,
        }});
        let wanted = Incoming::Audio { person: Person { user: i64::from(user), name: "Ann".into() }, at_ms: at, data };
        prop_assert_eq!(parse(&message.to_string()), Ok(wanted));
    }
}
