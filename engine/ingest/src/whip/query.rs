//! The facts of a call that come in the query of a WHIP offer. No IO.

use reframe_call::{
    audio::{Consent, Party},
    deal::Deal,
};

use super::protocol::Refused;
use crate::{
    assembler::Mode,
    socket::protocol::{ClientMessage, CodecName, Start, TrackStart, VERSION, parse_text},
};

/// What may stand in the query.
const KNOWN: &str = "call, title, playbook, mode=live, context and track=PARTY,NAME,CONSENT,E-MAIL,JURISDICTION";

/// Reads the query. Facts of tracks come in the order of the offer's audio lines, `lines` of them; a line nothing is said
/// about is a participant of unknown party who has not agreed to anything.
///
/// # Errors
/// 400, saying what to write.
pub fn read(query: &str, lines: usize) -> Result<Start, Refused> {
    let bad = |message: String| Refused::new(400, message);
    let mut start = Start {
        version: VERSION,
        call: None,
        title: None,
        mode: Mode::Live,
        playbook: None,
        context: Vec::new(),
        deal: Deal::default(),
        tracks: Vec::new(),
    };
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (key, raw) = pair.split_once('=').unwrap_or((pair, ""));
        let value = || decode(raw).ok_or_else(|| bad(format!("`{key}` in the query is not percent-encoded UTF-8")));
        let once = |old: &Option<String>| match old {
            Some(_) => Err(bad(format!("`{key}` stands twice in the query"))),
            None => value().map(|v| Some(v).filter(|v| !v.is_empty())),
        };
        match key {
            "call" => start.call = once(&start.call)?,
            "title" => start.title = once(&start.title)?,
            "playbook" => start.playbook = once(&start.playbook)?,
            "context" => start.context.push(value()?),
            "mode" if raw == "live" => {}
            "mode" => return Err(bad("sound over WHIP is live: write mode=live or leave it out".into())),
            "track" if start.tracks.len() == lines => {
                return Err(bad(format!(
                    "the offer has {lines} audio lines, and `track` stands more often; write one for each"
                )));
            }
            "track" => start.tracks.push(track(raw, start.tracks.len())?),
            other => {
                let other: String = other.chars().take(40).collect();
                return Err(bad(format!("nothing in the query is called `{other}`; known are {KNOWN}")));
            }
        }
    }
    while start.tracks.len() < lines {
        start.tracks.push(track("", start.tracks.len())?);
    }
    // The socket's own checks of lengths and characters.
    let json = serde_json::to_string(&ClientMessage::Start(start)).map_err(|e| bad(e.to_string()))?;
    match parse_text(&json) {
        Ok(ClientMessage::Start(start)) => Ok(start),
        Ok(_) => Err(bad("the query could not be read".into())),
        Err(refusal) => Err(bad(refusal.message.trim_start_matches("start: ").to_owned())),
    }
}

/// `PARTY,NAME,CONSENT,E-MAIL,JURISDICTION`; each may be empty or left out.
fn track(raw: &str, line: usize) -> Result<TrackStart, Refused> {
    let bad = |message: String| Refused::new(400, message);
    // Split first: a comma within a name is written %2C.
    let mut fields = Vec::new();
    for field in raw.split(',') {
        let field = decode(field).ok_or_else(|| bad("`track` in the query is not percent-encoded UTF-8".into()))?;
        fields.push(Some(field.trim().to_owned()).filter(|f| !f.is_empty()));
    }
    if fields.len() > 5 {
        return Err(bad(format!(
            "a `track` has {} parts; write {KNOWN}, and %2C for a comma within one",
            fields.len()
        )));
    }
    fields.resize(5, None);
    let mut fields = fields.into_iter();
    let mut next = || fields.next().flatten();
    let party = match next().as_deref() {
        Some("rep") => Party::Rep,
        Some("buyer") => Party::Buyer,
        None | Some("unknown") => Party::Unknown,
        Some(other) => {
            let other: String = other.chars().take(40).collect();
            return Err(bad(format!("the party of a track is `{other}`; write rep, buyer or unknown")));
        }
    };
    let name = next().unwrap_or_default();
    let consent = next().map(|basis| Consent { basis, reference: "stated in the WHIP offer".into() });
    Ok(TrackStart {
        track: u8::try_from(line).map_err(|_| bad("too many tracks".into()))?,
        name,
        party,
        codec: CodecName::Opus,
        rate_hz: 48_000,
        pre_skip: None,
        consent,
        email: next(),
        host: None,
        jurisdiction: next(),
    })
}

/// Percent-decoding, with `+` for a space.
fn decode(text: &str) -> Option<String> {
    let (mut bytes, mut out) = (text.bytes(), Vec::with_capacity(text.len()));
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digit = |b: Option<u8>| char::from(b?).to_digit(16);
                let (high, low) = (digit(bytes.next())?, digit(bytes.next())?);
                u8::try_from(high * 16 + low).ok()?
            }
            other => other,
        });
    }
    String::from_utf8(out).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_facts_and_none() {
        let start = read(
            "call=acme-2&title=Acme%2C+second&playbook=b2b-saas&context=Northwind&mode=live\
             &track=rep,Rae,platform,rae@x.example&track=buyer,Dana%2C%20W.,,,US-CA",
            3,
        )
        .unwrap();
        assert_eq!(start.call.as_deref(), Some("acme-2"));
        assert_eq!(start.title.as_deref(), Some("Acme, second"));
        assert_eq!((start.playbook.as_deref(), start.context.len()), (Some("b2b-saas"), 1));
        let [rep, buyer, third] = &start.tracks[..] else { panic!("{:?}", start.tracks) };
        assert_eq!((rep.party, rep.name.as_str(), rep.email.as_deref()), (Party::Rep, "Rae", Some("rae@x.example")));
        assert_eq!(rep.consent.as_ref().unwrap().basis, "platform");
        assert_eq!((buyer.name.as_str(), buyer.jurisdiction.as_deref()), ("Dana, W.", Some("US-CA")));
        assert_eq!(buyer.consent, None, "nobody agrees by saying nothing");
        assert_eq!((third.track, third.party, third.consent.as_ref()), (2, Party::Unknown, None));
        let none = read("", 1).unwrap();
        assert_eq!((none.call, none.tracks.len()), (None, 1));
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (query, part) in [
            ("colour=red", "colour"),
            ("call=a&call=b", "twice"),
            ("call=a%20b", "letters"),
            ("call=%zz", "percent"),
            ("title=%ff", "UTF-8"),
            ("mode=recorded", "mode=live"),
            ("track=friend", "rep, buyer or unknown"),
            ("track=rep&track=buyer", "audio lines"),
            ("track=rep,a,b,c,d,e", "%2C"),
            ("track=rep,%00", "control"),
        ] {
            let refused = read(query, 1).unwrap_err();
            assert_eq!(refused.status, 400, "{query}");
            assert!(refused.detail.contains(part), "{query}: {}", refused.detail);
        }
        let long = format!("title={}", "x".repeat(201));
        assert!(read(&long, 1).unwrap_err().detail.contains("201"));
    }
}
