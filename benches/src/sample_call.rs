//! A fixture call ready to be played, whole or cut to a few seconds.

use anyhow::{Context, bail};
use reframe_bots::{
    play::{self, Call, Sound, Voice},
    script::Script,
};

use crate::serving::fixture;

/// The fixture of the short forms, and which part of it, in ms: one sentence of the rep and the first objection, five seconds in.
const SHORT: (&str, u64, u64) = ("procurement", 8_000, 15_000);

/// A fixture call.
#[derive(Clone, Debug)]
pub struct SampleCall {
    /// Its folder's name.
    pub name: String,
    /// What is played.
    pub call: Call,
    /// What is said in it.
    pub script: Script,
}

impl SampleCall {
    /// A whole one.
    ///
    /// # Errors
    /// If there is none of that name, or it cannot be read.
    pub fn load(name: &str) -> anyhow::Result<Self> {
        let call = play::load(&[fixture(name)], &[])?;
        let script = call.script.clone().with_context(|| format!("the fixture {name} has no script"))?;
        Ok(Self { name: name.to_owned(), call, script })
    }

    /// The one of the short forms: seven seconds with one objection.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub fn short() -> anyhow::Result<Self> {
        let (name, from_ms, until_ms) = SHORT;
        Self::load(name)?.cut(from_ms, until_ms)
    }

    /// The part between two times, with the objections that lie in it whole.
    ///
    /// # Errors
    /// As [`samples`].
    pub fn cut(self, from_ms: u64, until_ms: u64) -> anyhow::Result<Self> {
        let Self { name, call, mut script } = self;
        let at = |ms: u64| usize::try_from(ms * 16).unwrap_or(usize::MAX);
        let part = |voice: Voice| {
            let all = samples(&voice.sound)?;
            let part = all[at(from_ms).min(all.len())..at(until_ms).min(all.len())].to_vec();
            anyhow::Ok(Voice { sound: Sound::Pcm { rate_hz: 16_000, samples: part }, ..voice })
        };
        let voices = call.voices.into_iter().map(part).collect::<anyhow::Result<_>>()?;
        script.objection.retain(|o| o.start_ms >= from_ms && o.end_ms <= until_ms);
        for objection in &mut script.objection {
            objection.start_ms -= from_ms;
            objection.end_ms -= from_ms;
            objection.line = 0;
        }
        // What is said is not cut into words.
        script.line.clear();
        Ok(Self { name, call: Call { voices, script: Some(script.clone()), warnings: call.warnings }, script })
    }

    /// How long it is, in ms.
    pub fn length_ms(&self) -> u64 {
        let of = |voice: &Voice| match &voice.sound {
            Sound::Opus(file) => file.samples_48k / 48,
            Sound::Pcm { rate_hz, samples } => samples.len() as u64 * 1_000 / u64::from((*rate_hz).max(1)),
        };
        self.call.voices.iter().map(of).max().unwrap_or(0)
    }
}

/// Sound as samples at 16 kHz.
///
/// # Errors
/// If it has another rate: fixtures are Opus.
pub fn samples(sound: &Sound) -> anyhow::Result<Vec<i16>> {
    match sound {
        Sound::Opus(file) => file.decode(16_000).0.into_iter().next().context("a voice without a channel"),
        Sound::Pcm { rate_hz: 16_000, samples } => Ok(samples.clone()),
        Sound::Pcm { rate_hz, .. } => bail!("a fixture's voice has {rate_hz} Hz; store it as Opus"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_keeps_what_lies_in_it_and_its_times() {
        let whole = SampleCall::load("procurement").unwrap();
        let first = whole.script.objection[0].clone();
        let short = SampleCall::short().unwrap();
        assert_eq!(short.length_ms(), SHORT.2 - SHORT.1);
        assert_eq!(short.script.objection.len(), 1);
        assert_eq!(short.script.objection[0].end_ms, first.end_ms - SHORT.1);
        let buyer = |call: &SampleCall| samples(&call.call.voices[1].sound).unwrap();
        let (at, end) = (first.start_ms as usize * 16, first.end_ms as usize * 16);
        let offset = SHORT.1 as usize * 16;
        assert_eq!(buyer(&short)[at - offset..end - offset], buyer(&whole)[at..end]);
        // A phrase that is cut in two is none of the part's.
        let middle = u64::midpoint(first.start_ms, first.end_ms);
        assert!(whole.cut(middle, SHORT.2).unwrap().script.objection.is_empty());
    }
}
