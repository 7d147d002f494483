//! Playing over WHIP: one WebRTC line per participant, in real time, through a network as bad as asked for.

use std::time::{Duration, Instant};

use anyhow::{bail, ensure};
use tokio::{
    sync::watch,
    time::{sleep_until, timeout},
};

use super::{
    Encoding, Pace, PlayEvent, PlayReport, Player, begun, new_id, opus,
    schedule::Schedule,
    source::{self, Voice},
};
use crate::whip::{Line, Network, Numbered, Session, State};

/// How long a connection that was lost may take to come back: as long as the server keeps the call.
const GRACE: Duration = Duration::from_secs(30);

/// Plays over WHIP.
pub async fn play(player: Player, on_event: &mut (dyn FnMut(PlayEvent) + Send)) -> anyhow::Result<PlayReport> {
    ensure!(
        player.pace == Pace::RealTime && player.recorded != Some(true),
        "WebRTC is live: play in real time, or as fast as you like to ws://…/v1/ingest"
    );
    ensure!(
        player.encoding == Encoding::AsStored && player.rate_hz.is_none(),
        "WebRTC carries Opus: leave --codec and --rate-hz out, or play to ws://…/v1/ingest"
    );
    // What is stored as Opus goes out as it is, everything else is encoded.
    let voices = opus::prepare(source::prepare(player.voices, Encoding::AsStored, None)?, player.packet_ms)?;
    let call = player.call.unwrap_or_else(|| new_id("play"));
    let facts = Facts {
        call: &call,
        title: player.title.as_deref(),
        playbook: player.playbook.as_deref(),
        context: &player.context,
    };
    let url = address(&player.url, &facts, &voices);
    let lines: Vec<Line> = (0..voices.len()).map(|n| Line::new(seed(&call), n)).collect();
    let session = Session::open(&url, player.token, &lines).await?;
    let call = session.call.clone().unwrap_or(call);
    let zero = tokio::time::Instant::now() + player.lead;
    let overlay_url = session.overlay_url.clone();
    on_event(PlayEvent::Started { call: call.clone(), overlay_url: overlay_url.clone(), zero: zero.into_std() });
    let mut report = begun(call, overlay_url, zero.into_std());

    let schedule = Schedule::new(&voices, 20, player.loss.unwrap_or_default()).with_skew(&player.skew_ppm);
    let mut network = Network::new(player.bad, voices.len());
    let mut last = vec![None; voices.len()];
    let mut link = Link::new(session.state());
    for packet in schedule {
        report.media_ms = packet.due_us / 1_000;
        if packet.lost {
            report.lost += 1;
            continue;
        }
        let numbered = lines[packet.voice].number(packet.sequence, packet.start_us, packet.payload);
        network.push(packet.due_us, packet.voice, (packet.sequence, numbered));
        while let Some(leaving) = network.pop() {
            send(&session, zero, leaving, &mut last, &mut report).await?;
            link.look(on_event)?;
        }
    }
    network.flush();
    while let Some(leaving) = network.pop() {
        send(&session, zero, leaving, &mut last, &mut report).await?;
    }
    link.wait_until_up(on_event).await?;
    // The last packets are on their way through the connection's own task; the server's answer to DELETE goes by another.
    tokio::time::sleep(Duration::from_millis(20)).await;
    session.close().await?;
    on_event(PlayEvent::Sent);
    Ok(report)
}

async fn send(
    session: &Session,
    zero: tokio::time::Instant,
    (at_us, line, (sequence, packet)): (u64, usize, (u16, Numbered)),
    last: &mut [Option<u16>],
    report: &mut PlayReport,
) -> anyhow::Result<()> {
    let due = zero + Duration::from_micros(at_us);
    sleep_until(due).await;
    report.worst_late = report.worst_late.max(due.elapsed());
    report.packets += 1;
    if last[line].is_some_and(|last| sequence.wrapping_sub(last) > u16::MAX / 2) {
        report.reordered += 1;
    }
    last[line] = Some(sequence);
    session.send(line, &packet).await
}

/// Watches over the connection.
struct Link {
    state: watch::Receiver<State>,
    lost: Option<Instant>,
}

impl Link {
    const fn new(state: watch::Receiver<State>) -> Self {
        Self { state, lost: None }
    }

    fn look(&mut self, on_event: &mut (dyn FnMut(PlayEvent) + Send)) -> anyhow::Result<()> {
        let state = *self.state.borrow();
        match state {
            State::Connected => self.lost = None,
            State::Failed => bail!("the connection was lost and did not come back; is the server still running?"),
            State::Connecting | State::Disconnected => match self.lost {
                None => {
                    self.lost = Some(Instant::now());
                    on_event(PlayEvent::Broken { why: "nothing comes back from the server".into() });
                }
                Some(since) if since.elapsed() > GRACE => bail!("the connection was lost for {} s", GRACE.as_secs()),
                Some(_) => {}
            },
        }
        Ok(())
    }

    async fn wait_until_up(&mut self, on_event: &mut (dyn FnMut(PlayEvent) + Send)) -> anyhow::Result<()> {
        self.look(on_event)?;
        if self.lost.is_some() {
            let settled = self.state.wait_for(|s| matches!(s, State::Connected | State::Failed));
            let _either_way = timeout(GRACE, settled).await.is_ok();
            self.look(on_event)?;
        }
        Ok(())
    }
}

struct Facts<'a> {
    call: &'a str,
    title: Option<&'a str>,
    playbook: Option<&'a str>,
    context: &'a [String],
}

/// The endpoint's address with the facts of the call: see `docs/PROTOCOL.md`, WHIP.
fn address(url: &str, facts: &Facts<'_>, voices: &[Voice]) -> String {
    let mut out = url.to_owned();
    let mut add = |key: &str, value: &str| {
        out.push(if out.contains('?') { '&' } else { '?' });
        out.push_str(key);
        out.push('=');
        out.push_str(value);
    };
    add("call", &percent(facts.call));
    for (key, value) in [("title", facts.title), ("playbook", facts.playbook)] {
        if let Some(value) = value {
            add(key, &percent(value));
        }
    }
    for name in facts.context {
        add("context", &percent(name));
    }
    for voice in voices {
        // Commas divide the fields, so those within one are escaped with the rest.
        let mut fields = vec![voice.party.as_str(), voice.name.as_str()];
        fields.extend(voice.consent.as_ref().map(|c| c.basis.as_str()));
        add("track", &fields.into_iter().map(percent).collect::<Vec<_>>().join(","));
    }
    out
}

fn percent(text: &str) -> String {
    text.bytes()
        .map(|b| match b {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => char::from(b).to_string(),
            _ => format!("%{b:02X}"),
        })
        .collect()
}

fn seed(call: &str) -> u64 {
    // FNV-1a: the same call has the same numbers in every run.
    call.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, b| (hash ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{play::Sound, script::Consent};

    #[test]
    fn the_address_says_who_is_in_the_call() {
        let voice = |name: &str, consent: Option<&str>| Voice {
            track: 0,
            name: name.into(),
            party: "buyer".into(),
            consent: consent.map(|basis| Consent { basis: basis.into(), reference: String::new() }),
            sound: Sound::Pcm { rate_hz: 8_000, samples: vec![] },
        };
        let facts = Facts { call: "a-1", title: Some("Q & A"), playbook: None, context: &["Acme".into()] };
        let voices = [voice("Dana, Ltd.", Some("platform")), voice("Jörg", None)];
        assert_eq!(
            address("http://h/v1/whip", &facts, &voices),
            "http://h/v1/whip?call=a-1&title=Q%20%26%20A&context=Acme&track=buyer,Dana%2C%20Ltd.,platform&track=buyer,J%C3%B6rg"
        );
        assert!(address("http://h/v1/whip?x=1", &facts, &[]).starts_with("http://h/v1/whip?x=1&call=a-1"));
    }
}
