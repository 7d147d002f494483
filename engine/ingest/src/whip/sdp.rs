//! Offers, answers and fragments of session descriptions (RFC 9725, RFC 8840), as far as WHIP needs them. No IO.
//!
//! Our end of the connection gets only the audio lines of an offer. What else was offered (video, data) is put back into the
//! answer as refused: then a camera that is left on costs nothing, and the first line of the answer's bundle is one that
//! carries our candidates.

use std::net::IpAddr;

use super::protocol::Refused;

/// Candidates of a peer that are kept; more are those of a mistake.
const MAX_CANDIDATES: usize = 64;

/// The credentials and candidates of one end. Has no `Debug`: the password stays here.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Ice {
    /// Name of the ICE session.
    pub ufrag: String,
    /// Its password.
    pub pwd: String,
    /// `candidate:…`, without the `a=`; only those over UDP at an address written in digits.
    pub candidates: Vec<String>,
}

/// An offer that can be answered.
#[derive(Clone)]
pub struct Offer {
    session: Vec<String>,
    lines: Vec<Line>,
    transport: Vec<String>,
    ice: Ice,
}

#[derive(Clone)]
struct Line {
    /// `m=…`
    media: String,
    mid: String,
    /// What our end gets of it; `None` if the line is refused.
    audio: Option<Vec<String>>,
}

/// Values of an attribute in `lines`: of `a=ice-ufrag:x` with the name `ice-ufrag`, `x`.
fn values<'a, 'b>(lines: &'b [&'a str], name: &'b str) -> impl Iterator<Item = &'a str> + use<'a, 'b> {
    lines.iter().filter_map(move |line| line.strip_prefix("a=")?.strip_prefix(name)?.strip_prefix(':'))
}

fn has(lines: &[&str], flag: &str) -> bool {
    lines.iter().any(|line| line.strip_prefix("a=") == Some(flag))
}

/// Cuts a description into its session part and its media sections.
fn sections(sdp: &str) -> Vec<Vec<&str>> {
    let mut sections = vec![Vec::new()];
    for line in sdp.lines().map(|line| line.trim_end_matches('\r')).filter(|line| !line.is_empty()) {
        if line.starts_with("m=") {
            sections.push(Vec::new());
        }
        if let Some(section) = sections.last_mut() {
            section.push(line);
        }
    }
    sections
}

/// Whether a candidate is one we can send to: over UDP, for RTP, at an address in digits. Names (`….local`) would have to
/// be looked up; a peer behind one reaches us first, and is then known by its address.
fn usable(candidate: &str) -> bool {
    let mut fields = candidate.strip_prefix("candidate:").unwrap_or_default().split_ascii_whitespace();
    let mut next = || fields.next().unwrap_or_default();
    let (foundation, component, transport, priority) = (next(), next(), next(), next());
    let (address, port, typ, kind) = (next(), next(), next(), next());
    !foundation.is_empty()
        && component == "1"
        && transport.eq_ignore_ascii_case("udp")
        && priority.parse::<u32>().is_ok()
        && address.parse::<IpAddr>().is_ok()
        && port.parse::<u16>().is_ok_and(|port| port > 0)
        && typ == "typ"
        && ["host", "srflx", "prflx", "relay"].contains(&kind)
}

impl Offer {
    /// Reads an offer of at most `max_lines` audio lines.
    ///
    /// # Errors
    /// 400 if it is no description, 422 if it cannot be answered; it says what to offer.
    pub fn read(sdp: &str, max_lines: usize) -> Result<Self, Refused> {
        let unfit = |detail: String| Refused::new(422, detail);
        let all = sections(sdp);
        let (session, media) = all.split_first().map_or((&[][..], &[][..]), |(s, m)| (&s[..], m));
        if session.first() != Some(&"v=0") {
            return Err(Refused::new(400, "the body is no session description: it must begin with v=0"));
        }
        let mut lines = Vec::new();
        for (n, section) in media.iter().enumerate() {
            lines.push(line(n, section, session)?);
        }
        let audio = lines.iter().filter(|l| l.audio.is_some()).count();
        if audio == 0 {
            return Err(unfit("the offer has no audio line; offer at least one, sendonly, with Opus".into()));
        }
        if audio > max_lines {
            return Err(unfit(format!("the offer has {audio} audio lines; a session has at most {max_lines} here")));
        }
        let bundled: Vec<&str> = values(session, "group")
            .find_map(|g| g.strip_prefix("BUNDLE"))
            .unwrap_or_default()
            .split_ascii_whitespace()
            .collect();
        if audio > 1 && lines.iter().any(|l| l.audio.is_some() && !bundled.contains(&l.mid.as_str())) {
            return Err(unfit(
                "the offer has several audio lines that are not bundled; write all of them into a=group:BUNDLE".into(),
            ));
        }
        // With a bundle they stand in one section, or in all, or above them.
        let first = |name: &str| all.iter().find_map(|section| values(section, name).next());
        let need = |name: &str| {
            first(name)
                .map(str::to_owned)
                .ok_or_else(|| unfit(format!("the offer has no a={name}; WHIP needs ICE and DTLS")))
        };
        let ice = Ice {
            ufrag: need("ice-ufrag")?,
            pwd: need("ice-pwd")?,
            candidates: all.iter().flat_map(|section| values_of_candidates(section)).take(MAX_CANDIDATES).collect(),
        };
        let transport = vec![
            format!("a=fingerprint:{}", need("fingerprint")?),
            format!("a=setup:{}", first("setup").unwrap_or("actpass")),
        ];
        let dropped = ["a=group:", "a=ice-", "a=fingerprint:", "a=setup:", "a=candidate:", "a=msid-semantic"];
        let directions = ["a=sendrecv", "a=sendonly", "a=recvonly", "a=inactive"];
        let session: Vec<String> = session
            .iter()
            .filter(|l| !dropped.iter().any(|d| l.starts_with(d)) && !directions.contains(l))
            .map(|l| (*l).to_owned())
            .collect();
        Ok(Self { session, lines, transport, ice })
    }

    /// Number of audio lines.
    #[must_use]
    pub fn audio_lines(&self) -> usize {
        self.lines.iter().filter(|l| l.audio.is_some()).count()
    }

    /// The peer's ICE session.
    #[must_use]
    pub const fn ice(&self) -> &Ice {
        &self.ice
    }

    /// The same offer, with the ICE session begun anew.
    #[must_use]
    pub fn restarted(&self, ice: Ice) -> Self {
        Self { ice, ..self.clone() }
    }

    /// What our end of the connection gets. The audio line `n` (counted from 0 over all audio lines) is the track
    /// `line-n` of the stream `whip`, whatever the peer calls it: two lines of one name would be taken for one.
    #[must_use]
    pub fn for_peer(&self) -> String {
        let audio = || self.lines.iter().filter_map(|l| Some((l, l.audio.as_ref()?)));
        let mut out = self.session.clone();
        let mids: Vec<&str> = audio().map(|(l, _)| l.mid.as_str()).collect();
        out.push(format!("a=group:BUNDLE {}", mids.join(" ")));
        out.push("a=msid-semantic:WMS *".into());
        for (n, (line, attributes)) in audio().enumerate() {
            out.push(line.media.clone());
            out.push("c=IN IP4 0.0.0.0".into());
            out.push(format!("a=mid:{}", line.mid));
            out.push(format!("a=msid:whip line-{n}"));
            out.push("a=sendonly".into());
            out.push(format!("a=ice-ufrag:{}", self.ice.ufrag));
            out.push(format!("a=ice-pwd:{}", self.ice.pwd));
            out.push("a=ice-options:trickle".into());
            out.extend(self.transport.iter().cloned());
            out.extend(attributes.iter().cloned());
            if n == 0 {
                out.extend(self.ice.candidates.iter().map(|c| format!("a={c}")));
            }
        }
        out.join("\r\n") + "\r\n"
    }

    /// The answer for the peer, from that of our end: lines our end did not get are put back as refused. With `public`
    /// addresses, peers are told these instead of the ones of our interfaces.
    ///
    /// # Errors
    /// 422 if the answer does not fit the offer: our end could not make anything of a line.
    pub fn answer(&self, ours: &str, public: &[IpAddr]) -> Result<String, Refused> {
        let parts = sections(ours);
        let (session, answered) = parts.split_first().map_or((&[][..], &[][..]), |(s, m)| (&s[..], m));
        let taken = |section: &Vec<&str>| section[0].split_ascii_whitespace().nth(1).is_some_and(|port| port != "0");
        if answered.len() != self.audio_lines() || !answered.iter().all(taken) {
            return Err(Refused::new(
                422,
                "an audio line of the offer cannot be taken; offer Opus at 48000/2 over UDP/TLS/RTP/SAVPF",
            ));
        }
        let mut answered = answered.iter();
        let mut out: Vec<String> = session.iter().map(|l| (*l).to_owned()).collect();
        for line in &self.lines {
            if line.audio.is_some()
                && let Some(section) = answered.next()
            {
                let mut told = Vec::new();
                for l in section {
                    for l in advertised(l, public) {
                        // Several interfaces may have become one public address.
                        if !(l.starts_with("a=candidate:") && told.contains(&l)) {
                            told.push(l);
                        }
                    }
                }
                out.extend(told);
                continue;
            }
            let mut fields = line.media.split_ascii_whitespace();
            let kind = fields.next().unwrap_or("m=video");
            let rest: Vec<&str> = fields.skip(1).collect();
            out.push(format!("{kind} 0 {}", rest.join(" ")));
            out.push("c=IN IP4 0.0.0.0".into());
            if !line.mid.is_empty() {
                out.push(format!("a=mid:{}", line.mid));
            }
            out.push("a=inactive".into());
        }
        Ok(out.join("\r\n") + "\r\n")
    }
}

fn values_of_candidates(section: &[&str]) -> Vec<String> {
    section.iter().filter_map(|l| l.strip_prefix("a=")).filter(|c| usable(c)).map(str::to_owned).collect()
}

/// A line of our answer as the peer gets it.
fn advertised(line: &str, public: &[IpAddr]) -> Vec<String> {
    let fields: Vec<&str> = line.split(' ').collect();
    if public.is_empty() || !line.starts_with("a=candidate:") || fields.get(7) != Some(&"host") {
        return vec![line.to_owned()];
    }
    public
        .iter()
        .map(|address| {
            let address = address.to_string();
            let mut told = fields.clone();
            // One foundation per address and kind (RFC 8445, section 5.1.1.3); several of ours may become one.
            told[0] = "a=candidate:public";
            told[4] = &address;
            told.join(" ")
        })
        .collect()
}

/// Reads one media section; `n` counts from 0.
fn line(n: usize, section: &[&str], session: &[&str]) -> Result<Line, Refused> {
    let unfit = |detail: String| Err(Refused::new(422, detail));
    let media = section[0];
    let mid = values(section, "mid").next().unwrap_or_default().to_owned();
    let refused = Line { media: media.to_owned(), mid: mid.clone(), audio: None };
    let fields: Vec<&str> = media.split_ascii_whitespace().collect();
    let (&[kind, port, proto, ..], n) = (&fields[..], n + 1) else {
        return Err(Refused::new(
            400,
            format!("line {n}: `m=` needs a kind, a port, a protocol and formats", n = n + 1),
        ));
    };
    // Port 0 without bundle-only: the peer itself has put the line out of use (RFC 9143, section 6).
    if kind != "m=audio" || (port == "0" && !has(section, "bundle-only")) {
        return Ok(refused);
    }
    if mid.is_empty() {
        return unfit(format!("line {n}: audio without a=mid; give each line its own"));
    }
    let direction = |lines: &[&str]| {
        ["sendrecv", "sendonly", "recvonly", "inactive"].into_iter().find(|direction| has(lines, direction))
    };
    if let Some(d @ ("recvonly" | "inactive")) = direction(section).or_else(|| direction(session)) {
        return unfit(format!("line {n}: the audio is offered {d}, and WHIP only sends; offer it sendonly"));
    }
    if !proto.eq_ignore_ascii_case("UDP/TLS/RTP/SAVPF") {
        return unfit(format!("line {n}: the audio is offered over {proto}; offer UDP/TLS/RTP/SAVPF"));
    }
    let opus: Vec<&str> = values(section, "rtpmap")
        .filter_map(|map| map.split_once(' '))
        .filter(|(_, codec)| codec.to_ascii_lowercase().starts_with("opus/48000"))
        .map(|(payload_type, _)| payload_type)
        .collect();
    if opus.is_empty() {
        return unfit(format!("line {n}: the audio is offered without Opus; add opus/48000/2"));
    }
    let mut attributes = vec!["a=rtcp-mux".to_owned()];
    let mut sources = Vec::new();
    for line in &section[1..] {
        let Some((name, value)) = line.strip_prefix("a=").and_then(|a| a.split_once(':')) else { continue };
        match name {
            "rtpmap" | "fmtp" | "rtcp-fb" if value.split(' ').next().is_some_and(|pt| opus.contains(&pt)) => {
                attributes.push((*line).to_owned());
            }
            // Tells sources apart that nothing else announces.
            "extmap" if value.ends_with("urn:ietf:params:rtp-hdrext:sdes:mid") => attributes.push((*line).to_owned()),
            "ssrc" => sources.extend(value.split(' ').next().filter(|s| s.parse::<u32>().is_ok()).map(str::to_owned)),
            _ => {}
        }
    }
    sources.dedup();
    // One is sound, more are its repair, which is not negotiated.
    attributes.extend(sources.first().map(|source| format!("a=ssrc:{source} cname:whip")));
    let media = format!("m=audio 9 {proto} {}", opus.join(" "));
    Ok(Line { media, mid, audio: Some(attributes) })
}

/// Reads a fragment: candidates of the peer, or an ICE restart.
///
/// # Errors
/// 400 if it names no ICE session; it says what to send.
pub fn read_fragment(text: &str) -> Result<Ice, Refused> {
    let lines: Vec<&str> = sections(text).concat();
    let one = |name: &str| values(&lines, name).next().unwrap_or_default().to_owned();
    let ice = Ice {
        ufrag: one("ice-ufrag"),
        pwd: one("ice-pwd"),
        candidates: values_of_candidates(&lines).into_iter().take(MAX_CANDIDATES).collect(),
    };
    if ice.ufrag.is_empty() || ice.pwd.is_empty() {
        return Err(Refused::new(
            400,
            "the fragment has no a=ice-ufrag and a=ice-pwd; send both, then m=, a=mid and candidates",
        ));
    }
    Ok(ice)
}

/// The fragment that answers an ICE restart, from the answer for the peer.
#[must_use]
pub fn answer_fragment(answer: &str) -> String {
    let parts = sections(answer);
    let mut out: Vec<String> = Vec::new();
    let all: Vec<&str> = parts.concat();
    for name in ["ice-ufrag", "ice-pwd"] {
        out.extend(values(&all, name).next().map(|value| format!("a={name}:{value}")));
    }
    let carrier = parts.iter().skip(1).find(|section| section.iter().any(|l| l.starts_with("a=candidate:")));
    if let Some(section) = carrier {
        out.push(section[0].to_owned());
        out.extend(
            section
                .iter()
                .filter(|l| l.starts_with("a=mid:") || l.starts_with("a=candidate:"))
                .map(|l| (*l).to_owned()),
        );
        out.push("a=end-of-candidates".into());
    }
    out.join("\r\n") + "\r\n"
}

#[cfg(test)]
#[path = "sdp_tests.rs"]
mod tests;
