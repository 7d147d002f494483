//! What Google asks of an offer, checked by reading its text. No IO.

use std::fmt::Write as _;

/// What an offer asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Offered {
    /// Audio sections: none or three.
    pub audio: usize,
    /// Video sections: none to three.
    pub video: usize,
    /// Candidates in it. Google's web client sends none and is let in all the same.
    pub candidates: usize,
}

struct Section<'a> {
    kind: &'a str,
    protocol: &'a str,
    lines: Vec<&'a str>,
}

impl Section<'_> {
    fn has(&self, line: &str) -> bool {
        self.lines.contains(&line)
    }

    fn value(&self, prefix: &str) -> Option<&str> {
        self.lines.iter().find_map(|line| line.strip_prefix(prefix))
    }
}

/// Checks an offer.
///
/// # Errors
/// What is wrong with it, as the server would say.
pub fn check(sdp: &str) -> Result<Offered, String> {
    let mut session = Vec::new();
    let mut sections: Vec<Section<'_>> = Vec::new();
    for line in sdp.lines() {
        match (line.strip_prefix("m="), sections.last_mut()) {
            (Some(media), _) => {
                let mut words = media.split(' ');
                let kind = words.next().unwrap_or_default();
                let protocol = words.nth(1).unwrap_or_default();
                sections.push(Section { kind, protocol, lines: Vec::new() });
            }
            (None, Some(section)) => section.lines.push(line),
            (None, None) => session.push(line),
        }
    }
    if session.first() != Some(&"v=0") {
        return Err("the offer is no session description".into());
    }
    let count = |kind: &str| sections.iter().filter(|s| s.kind == kind).count();
    let (audio, video, data) = (count("audio"), count("video"), count("application"));
    if audio != 0 && audio != 3 {
        return Err(format!("the offer has {audio} audio descriptions; it must have 0 or 3"));
    }
    if video > 3 {
        return Err(format!("the offer has {video} video descriptions; it may have 0 to 3"));
    }
    if data != 1 {
        return Err(format!("the offer has {data} data descriptions; open the data channels before making the offer"));
    }
    if sections.len() != audio + video + data {
        return Err("the offer has media of an unknown kind".into());
    }
    let order: Vec<&str> = sections.iter().map(|s| s.kind).collect();
    if !order.is_sorted_by_key(|kind| ["audio", "application", "video"].iter().position(|k| k == kind)) {
        return Err("the offer must name audio, then data channels, then video".into());
    }
    let bundle: Vec<&str> =
        session.iter().find_map(|l| l.strip_prefix("a=group:BUNDLE ")).unwrap_or_default().split(' ').collect();
    for (n, section) in sections.iter().enumerate() {
        let mid = section.value("a=mid:").ok_or_else(|| format!("media {n} has no mid"))?;
        if !bundle.contains(&mid) {
            return Err(format!("media {n} is not in the bundle; use max-bundle"));
        }
        let session_wide = |line: &&str| session.contains(line);
        if !section.has("a=setup:actpass") && !session_wide(&"a=setup:actpass") {
            return Err(format!("media {n} must offer a=setup:actpass"));
        }
        if section.value("a=ice-ufrag:").is_none() && !session.iter().any(|l| l.starts_with("a=ice-ufrag:")) {
            return Err(format!("media {n} has no ICE credentials"));
        }
        if section.kind == "application" {
            if section.protocol != "UDP/DTLS/SCTP" {
                return Err("data channels go over UDP/DTLS/SCTP".into());
            }
            continue;
        }
        if !section.has("a=recvonly") {
            return Err(format!("media {n} must be recvonly: nothing can be sent into a meeting"));
        }
        if !section.has("a=rtcp-mux") {
            return Err(format!("media {n} must offer rtcp-mux"));
        }
        if section.kind == "audio" {
            let opus = section.lines.iter().filter_map(|l| l.strip_prefix("a=rtpmap:")).find_map(|l| {
                let (payload_type, codec) = l.split_once(' ')?;
                codec.eq_ignore_ascii_case("opus/48000/2").then_some(payload_type)
            });
            let Some(payload_type) = opus else { return Err(format!("media {n} does not offer opus/48000/2")) };
            let parameters = section.value(&format!("a=fmtp:{payload_type} ")).unwrap_or_default();
            if !parameters.split(';').any(|p| p.trim() == "useinbandfec=1") {
                return Err(format!("media {n} must offer Opus with minptime=10;useinbandfec=1"));
            }
        }
    }
    Ok(Offered { audio, video, candidates: sdp.lines().filter(|l| l.starts_with("a=candidate:")).count() })
}

/// The same description without candidates, or with this one alone in every section.
#[must_use]
pub fn with_candidate(sdp: &str, candidate: Option<std::net::SocketAddr>) -> String {
    let mut out = String::with_capacity(sdp.len() + 200);
    for line in sdp.lines() {
        if line.starts_with("a=candidate:") || line == "a=end-of-candidates" {
            continue;
        }
        out.push_str(line);
        out.push_str("\r\n");
        if let Some(at) = candidate
            && line.starts_with("a=mid:")
        {
            // 2130706431 is a host candidate of the first interface (RFC 8445, section 5.1.2).
            let (ip, port) = (at.ip(), at.port());
            let written = write!(out, "a=candidate:1 1 udp 2130706431 {ip} {port} typ host\r\na=end-of-candidates\r\n");
            debug_assert!(written.is_ok(), "writing to a string cannot fail");
        }
    }
    out
}

/// The same description without lines that name SSRCs.
#[must_use]
pub fn without_ssrcs(sdp: &str) -> String {
    sdp.lines().filter(|l| !l.starts_with("a=ssrc")).flat_map(|l| [l, "\r\n"]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn audio(mid: usize) -> String {
        format!(
            "m=audio 9 UDP/TLS/RTP/SAVPF 111 0\r\nc=IN IP4 0.0.0.0\r\na=candidate:1 1 udp 1 10.0.0.1 5000 typ host\r\n\
             a=ice-ufrag:u\r\na=ice-pwd:p\r\na=setup:actpass\r\na=mid:{mid}\r\na=recvonly\r\na=rtcp-mux\r\n\
             a=rtpmap:111 opus/48000/2\r\na=fmtp:111 minptime=10;useinbandfec=1\r\n"
        )
    }

    fn offer() -> String {
        let audio: String = (0..3).map(audio).collect();
        format!(
            "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0 1 2 3\r\n{audio}\
             m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=ice-ufrag:u\r\na=setup:actpass\r\na=mid:3\r\n"
        )
    }

    #[test]
    fn what_google_asks_for_is_asked_for() {
        assert_eq!(check(&offer()).unwrap(), Offered { audio: 3, video: 0, candidates: 3 });
        for (from, to, says) in [
            ("v=0\r\n", "", "no session description"),
            ("m=application 9", "m=text 9", "0 data descriptions"),
            ("a=group:BUNDLE 0 1 2 3", "a=group:BUNDLE 0 1 2", "not in the bundle"),
            ("a=recvonly", "a=sendrecv", "must be recvonly"),
            ("a=rtcp-mux\r\n", "", "rtcp-mux"),
            ("opus/48000/2", "opus/16000", "does not offer opus"),
            ("useinbandfec=1", "useinbandfec=0", "useinbandfec"),
            ("a=setup:actpass", "a=setup:active", "actpass"),
            ("UDP/DTLS/SCTP webrtc", "DTLS/SCTP webrtc", "UDP/DTLS/SCTP"),
            ("a=mid:3\r\n", "", "no mid"),
            ("a=ice-ufrag:u\r\n", "", "ICE credentials"),
        ] {
            let error = check(&offer().replace(from, to)).unwrap_err();
            assert!(error.contains(says), "{to}: {error}");
        }
        let two = offer().replacen(&audio(0), "", 1);
        assert!(check(&two).unwrap_err().contains("2 audio"));
        let data_first = {
            let offer = offer();
            let (head, tail) = offer.split_at(offer.find("m=audio").unwrap());
            let (audio, data) = tail.split_at(tail.find("m=application").unwrap());
            format!("{head}{data}{audio}")
        };
        assert!(check(&data_first).unwrap_err().contains("audio, then data"));
    }

    #[test]
    fn candidates_and_ssrcs_are_rewritten() {
        let none = with_candidate(&offer(), None);
        assert!(!none.contains("a=candidate") && check(&none).unwrap().candidates == 0);
        let one = with_candidate(&offer(), Some("127.0.0.1:7000".parse().unwrap()));
        assert_eq!(one.matches(" 127.0.0.1 7000 typ host").count(), 4);
        assert_eq!(without_ssrcs("a=mid:0\r\na=ssrc:1 cname:x\r\nb=1\r\n"), "a=mid:0\r\nb=1\r\n");
    }
}
