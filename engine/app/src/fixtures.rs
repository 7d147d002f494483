//! The fixture calls, carried in the program so that the demo needs no file.

use std::io::Cursor;

use anyhow::{Context, bail};
use reframe_audio::ogg_opus::OggOpus;
use reframe_bots::{
    play::{Call, Sound, Voice},
    script::Script,
};

struct Fixture {
    name: &'static str,
    script: &'static str,
    files: &'static [(&'static str, &'static [u8])],
}

macro_rules! fixture {
    ($name:literal) => {
        Fixture {
            name: $name,
            script: include_str!(concat!("../../../fixtures/calls/", $name, "/script.toml")),
            files: &[
                ("rep.opus", include_bytes!(concat!("../../../fixtures/calls/", $name, "/rep.opus"))),
                ("buyer.opus", include_bytes!(concat!("../../../fixtures/calls/", $name, "/buyer.opus"))),
            ],
        }
    };
}

/// The one the demo plays unless told otherwise stands first.
const FIXTURES: &[Fixture] = &[
    fixture!("demo"),
    fixture!("cold-call"),
    fixture!("procurement"),
    fixture!("bad-line"),
    fixture!("no-objection"),
    fixture!("real-speech"),
];

/// Names and summaries, the default first.
pub fn list() -> anyhow::Result<Vec<(&'static str, Script)>> {
    FIXTURES.iter().map(|f| Ok((f.name, script(f)?))).collect()
}

fn script(fixture: &Fixture) -> anyhow::Result<Script> {
    Script::parse(fixture.script).with_context(|| format!("the script of fixture call {} is damaged", fixture.name))
}

/// The call named `name`, ready to be played.
///
/// # Errors
/// If there is none of that name; the message lists those there are.
pub fn load(name: &str) -> anyhow::Result<(Call, Script)> {
    let Some(fixture) = FIXTURES.iter().find(|f| f.name == name) else {
        let names: Vec<&str> = FIXTURES.iter().map(|f| f.name).collect();
        bail!("there is no fixture call `{name}`; choose one of: {}", names.join(", "));
    };
    let script = script(fixture)?;
    let mut call = Call { voices: Vec::new(), script: Some(script.clone()), warnings: Vec::new() };
    for participant in &script.participant {
        let file = fixture.files.iter().find(|f| f.0 == participant.file);
        let (_, bytes) = file.with_context(|| format!("fixture call {name} has no {}", participant.file))?;
        call.voices.push(Voice {
            track: participant.track,
            name: participant.name.clone(),
            party: participant.party.clone(),
            consent: participant.consent.clone(),
            sound: Sound::Opus(OggOpus::read(Cursor::new(*bytes))?),
        });
    }
    Ok((call, script))
}
