//! The documented messages are understood; everything else is refused or passed over, and never panics.

use proptest::prelude::*;
use serde_json::json;

use super::*;

/// A fixture of `fixtures/wire/meet`.
fn fixture(name: &str) -> Vec<u8> {
    let at = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/wire/meet").join(name);
    std::fs::read(&at).unwrap_or_else(|error| panic!("{}: {error}", at.display()))
}

fn user(name: &str) -> Option<User> {
    Some(User { user: None, display_name: Some(name.into()) })
}

#[test]
fn session_control_is_read() {
    let say = |name: &str| session_control(&fixture(name)).unwrap();
    assert_eq!(say("session-waiting.json").resources, [(0, SessionStatus::Waiting)]);
    assert_eq!(say("session-joined.json").resources, [(0, SessionStatus::Joined)]);
    let left = say("session-left.json");
    assert_eq!(left.resources, [(0, SessionStatus::Disconnected(DisconnectReason::ClientLeft))]);
    assert_eq!(left.response, Some(Response { request_id: 1, code: 0, message: String::new() }));
    for (word, reason) in [
        ("REASON_USER_STOPPED", DisconnectReason::UserStopped),
        ("REASON_CONFERENCE_ENDED", DisconnectReason::ConferenceEnded),
        ("REASON_SESSION_UNHEALTHY", DisconnectReason::SessionUnhealthy),
        ("REASON_OF_TOMORROW", DisconnectReason::Unknown),
    ] {
        let message = String::from_utf8(fixture("session-left.json")).unwrap().replace("REASON_CLIENT_LEFT", word);
        let update = session_control(message.as_bytes()).unwrap();
        assert_eq!(update.resources, [(0, SessionStatus::Disconnected(reason))], "{word}");
        assert_eq!(reason.may_reconnect(), reason == DisconnectReason::SessionUnhealthy);
    }
    let unknown = session_control(br#"{"resources":[{"sessionStatus":{"connectionState":"STATE_NEW"}},{"other":1}]}"#);
    assert_eq!(unknown.unwrap().unknown, 2);
}

#[test]
fn media_entries_are_read() {
    let update = media_entries(&fixture("media-entries.json")).unwrap();
    assert_eq!(update.resources.len(), 2);
    let (id, ann) = &update.resources[0];
    assert_eq!((*id, ann.audio_csrc, ann.audio_muted), (11, Some(1_201), false));
    assert_eq!(ann.participant_key.as_deref(), Some("participants/ann"));
    let (id, phone) = &update.resources[1];
    assert_eq!((*id, phone.audio_csrc, phone.participant_key.as_deref()), (12, Some(3_000_000_000), None));
    assert_eq!(phone.participant.as_deref(), Some("spaces/x/participants/2"));
    assert_eq!((update.deleted, update.unknown), (vec![9, 0], 1));
}

#[test]
fn participants_are_read() {
    let update = participants(&fixture("participants.json")).unwrap();
    let people: Vec<_> = update.resources.into_iter().map(|(_, p)| p).collect();
    assert_eq!(people[0].signed_in_user.as_ref().unwrap().user.as_deref(), Some("users/1"));
    assert_eq!(people[1].anonymous_user, user("Bo"));
    assert_eq!(people[2].phone_user, user("+1 ••• 42"));
    assert_eq!(update.deleted, [7]);
}

#[test]
fn statistics_are_asked_for_and_spelled() {
    let update = media_stats(&fixture("media-stats.json")).unwrap();
    let (0, wanted) = &update.resources[0] else { panic!() };
    assert_eq!(wanted.upload_interval_s, 10);
    assert_eq!(wanted.allowlist["inbound-rtp"], ["packetsReceived", "jitter"].map(String::from).into());
    let section = |kind: &str, values: Value| {
        let Value::Object(values) = values else { panic!() };
        StatsSection { kind: kind.into(), id: format!("{kind} 1"), values }
    };
    let sections = [
        section("inbound-rtp", json!({"id": "x", "packetsReceived": 7, "jitter": 0.5, "packetsLost": 1})),
        section("transport", json!({"bytesSent": 1})),
        section("codec", json!({"clockRate": 48_000})),
    ];
    let request: Value = serde_json::from_str(&stats_request(3, wanted, &sections).unwrap()).unwrap();
    assert_eq!(
        request,
        json!({"request": {"requestId": 3, "uploadMediaStats": {"sections": [
            {"id": "inbound-rtp 1", "inbound_rtp": {"packets_received": 7, "jitter": 0.5}}]}}})
    );
    assert_eq!(stats_request(4, wanted, &sections[1..]), None);
    let answer = media_stats(&fixture("media-stats-refused.json")).unwrap();
    assert_eq!(answer.response, Some(Response { request_id: 2, code: 13, message: "Internal".into() }));
}

#[test]
fn leaving_is_spelled() {
    let request: Value = serde_json::from_str(&leave_request(1)).unwrap();
    assert_eq!(request, json!({"request": {"requestId": 1, "leave": {}}}));
}

#[test]
fn the_answer_to_an_offer_is_read() {
    let offer = Sdp("v=0\r\na=ice-pwd:secret\r\n".into());
    assert!(!format!("{offer:?}").contains("secret"));
    let request: Value = serde_json::from_str(&connect_request(&offer)).unwrap();
    assert_eq!(request["offer"], offer.0);
    assert_eq!(connect_response(200, &fixture("connect-answer.json")).unwrap().0.lines().next(), Some("v=0"));
    let refused = connect_response(403, &fixture("connect-refused.json")).unwrap_err();
    let ConnectRefused::Forbidden(why) = &refused else { panic!("{refused:?}") };
    assert!(why.contains("caller does not have permission"), "{why}");
    type Kind = fn(String) -> ConnectRefused;
    let kinds: [(u16, &str, Kind); 9] = [
        (401, "UNAUTHENTICATED", ConnectRefused::Token),
        (400, "FAILED_PRECONDITION", ConnectRefused::Forbidden),
        (400, "INVALID_ARGUMENT", ConnectRefused::BadRequest),
        (404, "NOT_FOUND", ConnectRefused::NoConference),
        (429, "RESOURCE_EXHAUSTED", ConnectRefused::Busy),
        (503, "UNAVAILABLE", ConnectRefused::Busy),
        (500, "", ConnectRefused::Busy),
        (418, "", ConnectRefused::BadRequest),
        (302, "", ConnectRefused::BadRequest),
    ];
    for (http, status, kind) in kinds {
        let body = json!({"error": {"code": http, "message": "m\u{7}", "status": status}}).to_string();
        assert_eq!(connect_response(http, body.as_bytes()).unwrap_err(), kind("m".into()), "{http} {status}");
    }
    assert_eq!(connect_response(502, b"<html>").unwrap_err(), ConnectRefused::Busy("HTTP status 502".into()));
    for body in [&b"{}"[..], b"", br#"{"answer": 1}"#, br#"{"answer": "hello"}"#] {
        assert!(matches!(connect_response(200, body), Err(ConnectRefused::Strange(_))));
    }
    let long = vec![b' '; MAX_MESSAGE_BYTES + 1];
    assert!(matches!(connect_response(200, &long), Err(ConnectRefused::Strange(_))));
}

#[test]
fn streams_are_named_where_the_answer_does_not() {
    let answer =
        "v=0\r\ns=-\r\nm=audio 9 X 111\r\na=mid:0\r\nm=audio 9 X 111\r\na=ssrc:77 cname:x\r\nm=application 9 Y\r\n";
    let named = with_streams_named(&Sdp(answer.into())).0;
    let wanted = "v=0\r\ns=-\r\nm=audio 9 X 111\r\na=mid:0\r\na=ssrc:1 cname:unnamed\r\nm=audio 9 X 111\r\n\
        a=ssrc:77 cname:x\r\nm=application 9 Y\r\n";
    assert_eq!(named, wanted);
    assert_eq!(with_streams_named(&Sdp(named)).0, wanted);
    assert_eq!(with_streams_named(&Sdp(String::new())).0, "");
}

#[test]
fn a_space_becomes_an_address() {
    for space in ["abc-defg-hij", "spaces/abc-defg-hij", " abc-defg-hij "] {
        assert!(is_space(space));
        assert_eq!(connect_url("https://x/", space), "https://x/v2beta/spaces/abc-defg-hij:connectActiveConference");
    }
    for space in ["", "spaces/", "a/b", "../a", "a?b=c", "a b"] {
        assert!(!is_space(space), "{space}");
    }
}

#[test]
fn what_cannot_be_read_is_refused_and_what_is_strange_counted() {
    let long = vec![b' '; MAX_MESSAGE_BYTES + 1];
    assert_eq!(participants(&long), Err(Unreadable::TooLong(long.len())));
    for text in [
        "",
        "1",
        "[]",
        "{",
        r#"{"resources":{}}"#,
        r#"{"resources":[1]}"#,
        r#"{"deletedResources":3}"#,
        r#"{"response":{}}"#,
    ] {
        assert!(matches!(participants(text.as_bytes()), Err(Unreadable::Strange(_))), "{text}");
    }
    let many = json!({"resources": vec![json!({}); MAX_RESOURCES + 1]}).to_string();
    assert_eq!(participants(many.as_bytes()), Err(Unreadable::TooMany(MAX_RESOURCES + 1)));
    // 64-bit numbers may come as strings; ids may be left out; lists may be null; new fields are passed over.
    let text = r#"{"new":1,"resources":[{"id":"77","participant":{"name":"p","new":[],"signedInUser":null}},
        {"participant":{"phoneUser":{"displayName":"a\u0000b"}}},{"id":[],"participant":{}},{"id":1}],"deletedResources":null,
        "response":{"requestId":"9","status":null}}"#;
    let update = participants(text.as_bytes()).unwrap();
    assert_eq!(update.resources[0].0, 77);
    assert_eq!(update.resources[1], (0, Participant { phone_user: user("a b"), ..Participant::default() }));
    assert_eq!((update.resources.len(), update.unknown), (2, 2));
    assert_eq!(update.response.unwrap().request_id, 9);
    let zero =
        media_entries(br#"{"resources":[{"mediaEntry":{"audioCsrc":0}},{"mediaEntry":{"audioCsrc":"12"}}]}"#).unwrap();
    assert_eq!((zero.resources[0].1.audio_csrc, zero.resources[1].1.audio_csrc), (None, Some(12)));
}

proptest! {
    #[test]
    fn nothing_panics(bytes in proptest::collection::vec(any::<u8>(), 0..400), http in 0u16..700) {
        drop((session_control(&bytes), media_entries(&bytes), participants(&bytes), media_stats(&bytes)));
        drop(connect_response(http, &bytes));
    }

    #[test]
    fn nothing_that_is_json_panics(names in proptest::collection::vec("[a-zA-Z]{1,12}", 6), number in any::<i64>(), text in ".{0,300}") {
        let n = &names;
        let value = json!({"resources": [{"id": number, "participant": {"participantKey": text, (n[0].clone()): number},
            "mediaEntry": {"audioCsrc": number, "participant": text, (n[1].clone()): text}, "configuration":
            {"uploadIntervalSeconds": number, "allowlist": {(text.clone()): {"keys": [text, number]}}},
            "sessionStatus": {"connectionState": text, "disconnectReason": number}}],
            "deletedResources": [{"id": number}], "response": {"requestId": number, "status": {(n[2].clone()): text}}});
        let bytes = value.to_string().into_bytes();
        let people = participants(&bytes).unwrap();
        prop_assert!(people.resources[0].1.participant_key.as_ref().is_none_or(|k| k.chars().count() <= MAX_CHARS));
        drop((session_control(&bytes), media_entries(&bytes), media_stats(&bytes)));
    }
}
