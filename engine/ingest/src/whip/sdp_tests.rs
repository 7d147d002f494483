//! Offers of several kinds of senders, written from their documented shapes.

use super::*;

const OPUS: &str = "m=audio 9 UDP/TLS/RTP/SAVPF 111 63 9\r\nc=IN IP4 0.0.0.0\r\na=rtcp:9 IN IP4 0.0.0.0\r\na=ice-ufrag:Ab12\r\n\
a=ice-pwd:0123456789abcdefghijkl\r\na=ice-options:trickle\r\na=fingerprint:sha-256 AA:BB\r\na=setup:actpass\r\na=mid:MID\r\n\
a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid\r\na=sendonly\r\na=msid:s t\r\na=rtcp-mux\r\na=rtpmap:111 opus/48000/2\r\n\
a=rtcp-fb:111 transport-cc\r\na=fmtp:111 minptime=10;useinbandfec=1\r\na=rtpmap:63 red/48000/2\r\na=fmtp:63 111/111\r\n\
a=rtpmap:9 G722/8000\r\na=ssrc:77 cname:x\r\na=ssrc:77 msid:s t\r\n";
const VIDEO: &str = "m=video 9 UDP/TLS/RTP/SAVPF 96\r\nc=IN IP4 0.0.0.0\r\na=mid:v\r\na=sendonly\r\na=rtpmap:96 VP8/90000\r\n\
a=candidate:1 1 udp 2122260223 192.0.2.7 50001 typ host generation 0\r\n\
a=candidate:2 1 udp 2122260222 5a2c.local 50002 typ host\r\na=candidate:3 1 tcp 1518280447 192.0.2.7 9 typ host tcptype active\r\n\
a=candidate:4 1 udp rubbish\r\n";

fn audio(mid: &str) -> String {
    OPUS.replace("MID", mid)
}

fn offer(mids: &str, sections: &[&str]) -> String {
    let session = format!(
        "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE {mids}\r\na=msid-semantic: WMS s\r\n"
    );
    session + &sections.concat()
}

fn refusal(sdp: &str) -> Refused {
    Offer::read(sdp, 8).err().unwrap_or_else(|| panic!("taken: {sdp}"))
}

#[test]
fn our_end_gets_the_audio_alone_and_the_answer_has_every_line() {
    let sdp = offer(
        "v 0 1",
        &[VIDEO, &audio("0"), &audio("1"), "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:d\r\n"],
    );
    let read = Offer::read(&sdp, 8).unwrap();
    assert_eq!(read.audio_lines(), 2);
    let ours = read.for_peer();
    for (what, times) in [
        ("m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n", 2),
        ("m=", 2),
        ("a=group:BUNDLE 0 1\r\n", 1),
        ("a=msid:whip line-0\r\n", 1),
        ("a=msid:whip line-1\r\n", 1),
        ("a=ice-ufrag:Ab12\r\n", 2),
        ("a=candidate:", 1),
        ("192.0.2.7 50001", 1),
        ("msid:s t", 0),
        ("red/", 0),
        ("a=ssrc:77 cname:", 2),
    ] {
        assert_eq!(ours.matches(what).count(), times, "{what} in\n{ours}");
    }
    let from_us = "v=0\r\no=- 5 5 IN IP4 0.0.0.0\r\ns=-\r\na=group:BUNDLE 0 1\r\n\
        m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\na=recvonly\r\na=candidate:9 1 udp 2130706431 10.0.0.5 50000 typ host\r\n\
        m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:1\r\na=recvonly\r\n";
    let answer = read.answer(from_us, &[]).unwrap();
    let lines: Vec<&str> = answer.lines().filter(|l| l.starts_with("m=") || l.starts_with("a=mid:")).collect();
    let wanted = [
        "m=video 0 UDP/TLS/RTP/SAVPF 96",
        "a=mid:v",
        "m=audio 9 UDP/TLS/RTP/SAVPF 111",
        "a=mid:0",
        "m=audio 9 UDP/TLS/RTP/SAVPF 111",
        "a=mid:1",
        "m=application 0 UDP/DTLS/SCTP webrtc-datachannel",
        "a=mid:d",
    ];
    assert_eq!(lines, wanted);
    let public = read.answer(from_us, &["203.0.113.9".parse().unwrap()]).unwrap();
    assert!(public.contains("a=candidate:public 1 udp 2130706431 203.0.113.9 50000 typ host\r\n"), "{public}");
    assert!(!public.contains("10.0.0.5"));
    assert_eq!(read.answer(&from_us.replace("m=audio 9", "m=audio 0"), &[]).err().unwrap().status, 422);
}

#[test]
fn what_cannot_be_answered_is_refused_with_what_to_offer() {
    let good = audio("0");
    let of = |from: &str, to: &str| offer("0", &[&good.replace(from, to)]);
    for (what, sdp, status, part) in [
        ("nothing", String::new(), 400, "v=0"),
        ("no sdp", "hello".into(), 400, "v=0"),
        ("a bare line", offer("0", &["m=audio\r\n"]), 400, "m="),
        ("no media", offer("", &[]), 422, "no audio"),
        ("video alone", offer("v", &[VIDEO]), 422, "no audio"),
        ("receives", of("sendonly", "recvonly"), 422, "recvonly"),
        ("inactive", of("sendonly", "inactive"), 422, "inactive"),
        ("no opus", of("opus/48000/2", "PCMU/8000"), 422, "Opus"),
        ("no mid", of("a=mid:0\r\n", ""), 422, "a=mid"),
        ("no ice", of("a=ice-ufrag:Ab12\r\n", ""), 422, "ice-ufrag"),
        ("no dtls", of("a=fingerprint:sha-256 AA:BB\r\n", ""), 422, "fingerprint"),
        ("plain rtp", of("UDP/TLS/RTP/SAVPF", "RTP/AVP"), 422, "SAVPF"),
        ("out of use", of("m=audio 9", "m=audio 0"), 422, "no audio"),
        ("not bundled", offer("0", &[&good, &audio("1")]), 422, "BUNDLE"),
        ("too many", offer("0 1 2", &[&good, &audio("1"), &audio("2")]), 422, "at most 2"),
    ] {
        let refused = Offer::read(&sdp, 2).err().unwrap_or_else(|| panic!("{what} was taken"));
        assert_eq!(refused.status, status, "{what}: {refused}");
        assert!(refused.detail.contains(part), "{what}: {refused}");
        assert!(!refused.detail.contains("0123456789abcdef"), "{what} shows a password");
    }
    assert_eq!(refusal("v=0\r\nm=audio 9\r\n").status, 400);
}

#[test]
fn forms_that_are_unusual_and_right() {
    let good = audio("0");
    for (what, sdp) in [
        ("sends and receives", offer("0", &[&good.replace("sendonly", "sendrecv")])),
        ("says no direction", offer("0", &[&good.replace("a=sendonly\r\n", "")])),
        (
            "bundle only",
            offer("0", &[&good.replace("m=audio 9", "m=audio 0").replace("a=mid", "a=bundle-only\r\na=mid")]),
        ),
        ("line ends without CR", offer("0", &[&good]).replace("\r\n", "\n")),
        ("a name in capitals", offer("0", &[&good.replace("opus/", "OPUS/")])),
        ("one line needs no bundle", offer("", &[&good])),
    ] {
        let read = Offer::read(&sdp, 8).unwrap_or_else(|e| panic!("{what}: {e}"));
        assert!(read.for_peer().contains("a=sendonly\r\n"), "{what}");
    }
    // With everything above the lines.
    let top = "a=ice-ufrag:Top1\r\na=ice-pwd:0123456789abcdefghijkl\r\na=fingerprint:sha-256 CC\r\na=setup:active\r\n";
    let bare: String = good
        .lines()
        .filter(|l| !l.contains("ice-") && !l.contains("fingerprint") && !l.contains("setup"))
        .map(|l| format!("{l}\r\n"))
        .collect();
    let read = Offer::read(&offer("0", &[top, &bare]), 8).unwrap();
    assert!(read.for_peer().contains("a=ice-ufrag:Top1\r\n") && read.for_peer().contains("a=setup:active\r\n"));
}

#[test]
fn fragments_are_read_and_built() {
    let text = "a=ice-ufrag:New1\r\na=ice-pwd:abcdefghijklmnopqrstuv\r\nm=audio 9 RTP/AVP 0\r\na=mid:0\r\n\
        a=candidate:1 1 UDP 2122260223 2001:db8::7 50001 typ host\r\na=candidate:2 2 udp 1 192.0.2.7 50001 typ host\r\na=end-of-candidates\r\n";
    let ice = read_fragment(text).unwrap();
    assert_eq!((ice.ufrag.as_str(), ice.candidates.len()), ("New1", 1), "the candidate for RTCP is not needed");
    for bad in ["", "hello", "a=ice-ufrag:x\r\n", "a=ice-pwd:x\r\n"] {
        let refused = read_fragment(bad).err().unwrap();
        assert_eq!(refused.status, 400, "{bad}");
    }
    let read = Offer::read(&offer("0", &[&audio("0")]), 8).unwrap();
    let again = read.restarted(ice);
    assert!(again.for_peer().contains("a=ice-ufrag:New1\r\n") && again.for_peer().contains("2001:db8::7"));
    assert!(!again.for_peer().contains("Ab12"));

    let answer = "v=0\r\nm=video 0 X 96\r\na=mid:v\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=ice-ufrag:us\r\na=ice-pwd:secret\r\n\
        a=mid:0\r\na=candidate:1 1 udp 1 10.0.0.5 5 typ host\r\n";
    let wanted = "a=ice-ufrag:us\r\na=ice-pwd:secret\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\n\
        a=candidate:1 1 udp 1 10.0.0.5 5 typ host\r\na=end-of-candidates\r\n";
    assert_eq!(answer_fragment(answer), wanted);
}

#[test]
fn a_flood_of_candidates_is_cut() {
    let many: String = (1..500).map(|n| format!("a=candidate:{n} 1 udp {n} 192.0.2.7 {n} typ host\r\n")).collect();
    let text = format!("a=ice-ufrag:a\r\na=ice-pwd:b\r\n{many}");
    assert_eq!(read_fragment(&text).unwrap().candidates.len(), MAX_CANDIDATES);
}

proptest::proptest! {
    #[test]
    fn nothing_panics(text in "[a-z=:0-9 \r\nv]{0,400}", cut in 0usize..2_000) {
        drop(Offer::read(&text, 8));
        drop(read_fragment(&text));
        let whole = offer("v 0 1", &[VIDEO, &audio("0"), &audio("1")]);
        let part: String = whole.chars().take(cut).collect();
        if let Ok(read) = Offer::read(&(part + &text), 8) {
            drop(read.for_peer());
            drop(read.answer(&text, &[]));
        }
    }
}
