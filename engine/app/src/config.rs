//! `reframe.toml`: one file, every field with a default, unknown fields refused.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};
use reframe_call::{
    input::{Coaching, ConsentRule},
    session::SessionSettings,
};
use reframe_consent::{Person, RuleSetting};
use serde::Deserialize;

use crate::workflow::WorkflowSettings;

/// Version of the file format this program reads.
pub const CONFIG_VERSION: u32 = 1;
/// Read from the working folder when no `--config` is given.
pub const DEFAULT_FILE: &str = "reframe.toml";
/// Longest disclosure, in characters: what the ingest takes back as posted.
const MAX_DISCLOSURE_CHARS: usize = 2_000;

/// The whole file.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Format of this file: 1.
    pub version: u32,
    /// Where to listen and whom to let in.
    #[serde(default)]
    pub server: Server,
    /// Where calls are kept.
    #[serde(default)]
    pub data: Data,
    /// What to listen for.
    #[serde(default)]
    pub playbook: PlaybookSource,
    /// Whose consent it takes, and what a call does without it.
    #[serde(default)]
    pub consent: Consent,
    /// Who is on our side of the table.
    #[serde(default)]
    pub people: People,
    /// What to listen with.
    #[serde(default)]
    pub recognizer: RecognizerSource,
    /// What sentences are understood with.
    #[serde(default)]
    pub encoder: EncoderSource,
    /// Bounds of everything that could grow.
    #[serde(default)]
    pub limits: Limits,
    /// How a call is cut into utterances, and how cards come and go.
    #[serde(default)]
    pub session: SessionSettings,
    /// Joining with a browser or an encoder, over WHIP.
    #[serde(default)]
    pub whip: crate::whip::Whip,
    /// What happens after calls and at night.
    #[serde(default)]
    pub workflow: WorkflowSettings,
    /// What the program says about itself.
    #[serde(default)]
    pub log: Log,
}

/// Where to listen and whom to let in.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Server {
    /// Address and port. Anything but loopback needs `ingest_token_env` to be set.
    pub listen: SocketAddr,
    /// Address screens reach this server under, if it stands behind a proxy: `https://reframe.example.com`.
    pub public_url: Option<String>,
    /// Web origins, besides this server's own, whose pages may open screens: `https://crm.example.com`.
    pub allowed_origins: Vec<String>,
    /// Names this server answers to besides `localhost`, its own address and that of `public_url`: `reframe.internal`. A
    /// request under any other name is refused, so that no web page can reach it under a name that was made to point here.
    pub allowed_hosts: Vec<String>,
    /// Name of the environment variable that holds the token meeting bots must show. Without one, a token is made at
    /// every start and printed.
    pub ingest_token_env: Option<String>,
    /// Name of the environment variable that holds the token for the consent registry and for preparing calls. Without
    /// one, `reframe token mint --kind admin` makes such tokens.
    pub admin_token_env: Option<String>,
    /// A bot that lost its connection may come back for this long before its call ends.
    pub resume_grace_s: u64,
    /// At shutdown, calls get this long to finish.
    pub shutdown_deadline_s: u64,
}

/// Whose consent it takes, and what a call does without it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Consent {
    /// `everyone`: nobody is listened to while anybody's consent is missing. `by_jurisdiction`: the list of places may
    /// relax that to each for themselves, where all participants are known to be in places of one-party consent.
    pub rule: RuleSetting,
    /// What a call does until the rep says otherwise: `live`, `notes_only`, `off`.
    pub mode: Coaching,
    /// What bots say in the meeting; empty: nothing.
    pub disclosure: String,
    /// Nobody is listened to before the bot has said that everybody was told.
    pub require_disclosure: bool,
}

impl Default for Consent {
    fn default() -> Self {
        Self {
            rule: RuleSetting::default(),
            mode: Coaching::default(),
            disclosure: "This call is transcribed live to help our side answer your questions. No sound is kept. \
                         Please say so if you do not agree."
                .to_owned(),
            require_disclosure: false,
        }
    }
}

/// Who is on our side of the table. Bots that know it themselves are believed; this decides about the others.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct People {
    /// Our e-mail addresses.
    pub emails: Vec<String>,
    /// Our names, for platforms that tell no addresses.
    pub names: Vec<String>,
    /// Our mail domains; an address of any other is a buyer's.
    pub domains: Vec<String>,
    /// Whoever hosts the meeting is one of ours.
    pub host_is_rep: bool,
}

/// Where calls are kept.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Data {
    /// Folder for the event log (`reframe.db`) and for finished calls (`calls/`).
    pub dir: PathBuf,
    /// Also write each call's inputs, as heard, to `calls/NAME.inputs.jsonl`, for replay without audio.
    pub record_inputs: bool,
}

/// What to listen for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PlaybookSource {
    /// Folder with a `playbook.toml`. Without one, the built-in `b2b-saas` playbook.
    pub dir: Option<PathBuf>,
    /// Names of products, competitors and people the recogniser should lean towards in every call.
    pub context: Vec<String>,
}

/// What to listen with.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RecognizerSource {
    /// The live recogniser.
    pub kind: RecognizerKind,
    /// Folder with a model. Without one, the model built into the program; needed for `whisper`.
    pub dir: Option<PathBuf>,
    /// Folder with a Whisper model for a second pass over every utterance.
    pub refine_dir: Option<PathBuf>,
}

/// Kinds of live recognisers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecognizerKind {
    /// The small streaming model this program carries.
    #[default]
    Embedded,
    /// Whisper, for machines that can run it live.
    Whisper,
}

/// What sentences are understood with.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EncoderSource {
    /// The encoder.
    pub kind: EncoderKind,
    /// Folder with an encoder. Without one, the encoder built into the program; needed for `bert`.
    pub dir: Option<PathBuf>,
}

/// Kinds of sentence encoders.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EncoderKind {
    /// The small encoder this program carries.
    #[default]
    Embedded,
    /// Phrases only: nothing is understood that is not written in the playbook.
    None,
    /// A whole BERT such as all-MiniLM-L6-v2; examples only, it knows no classes.
    Bert,
}

/// Bounds of everything that could grow.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Calls at the same time; a further one is refused.
    pub max_calls: usize,
    /// Packets that may wait for a call's thread (200 packets of 20 ms on two tracks are two seconds); when full, the oldest go.
    pub queue_packets: usize,
    /// Screens per call.
    pub max_screens_per_call: usize,
    /// Participants per call.
    pub max_tracks: usize,
    /// Events that may wait for the log of all calls; when full, calls wait.
    pub log_queue_events: usize,
}

/// What the program says about itself.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Log {
    /// `error`, `warn`, `info`, `debug` or `trace`, or a filter as `tracing` writes them.
    pub level: String,
    /// One JSON object per line instead of text.
    pub json: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            version: CONFIG_VERSION,
            server: Server::default(),
            data: Data::default(),
            playbook: PlaybookSource::default(),
            consent: Consent::default(),
            people: People::default(),
            recognizer: RecognizerSource::default(),
            encoder: EncoderSource::default(),
            limits: Limits::default(),
            session: SessionSettings::default(),
            whip: crate::whip::Whip::default(),
            workflow: WorkflowSettings::default(),
            log: Log::default(),
        }
    }
}

impl Default for Server {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 7311)),
            public_url: None,
            allowed_origins: Vec::new(),
            allowed_hosts: Vec::new(),
            ingest_token_env: None,
            admin_token_env: None,
            resume_grace_s: 30,
            shutdown_deadline_s: 10,
        }
    }
}

impl Default for Data {
    fn default() -> Self {
        Self { dir: PathBuf::from("reframe-data"), record_inputs: false }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_calls: 8, queue_packets: 200, max_screens_per_call: 16, max_tracks: 16, log_queue_events: 1_024 }
    }
}

impl Default for Log {
    fn default() -> Self {
        Self { level: "info".to_owned(), json: false }
    }
}

impl Config {
    /// Reads `file`; without one, [`DEFAULT_FILE`] if it is there, else the defaults.
    ///
    /// # Errors
    /// If the file cannot be read, has an unknown field or a value that makes no sense. The message names file and
    /// line.
    pub fn load(file: Option<&Path>) -> anyhow::Result<Self> {
        let path = match file {
            Some(path) => path,
            None if Path::new(DEFAULT_FILE).is_file() => Path::new(DEFAULT_FILE),
            None => return Ok(Self::default()),
        };
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("{} cannot be read; name another file with --config", path.display()))?;
        Self::parse(&text).with_context(|| format!("{} cannot be used", path.display()))
    }

    /// Reads the text of a file.
    ///
    /// # Errors
    /// As [`Config::load`].
    pub fn parse(text: &str) -> anyhow::Result<Self> {
        let config: Self = toml::from_str(text)?;
        config.check()?;
        Ok(config)
    }

    /// Whether the values make sense together.
    ///
    /// # Errors
    /// If not; the message says what to write.
    pub fn check(&self) -> anyhow::Result<()> {
        let config = self;
        if config.version != CONFIG_VERSION {
            bail!("version = {} is not known here; write version = {CONFIG_VERSION}", config.version);
        }
        if !config.server.listen.ip().is_loopback() && config.server.ingest_token_env.is_none() {
            bail!(
                "server.listen = \"{}\" can be reached from other machines: set server.ingest_token_env to the name of an \
                 environment variable with a token for your bots, or listen on 127.0.0.1",
                config.server.listen
            );
        }
        for (name, value) in [
            ("limits.max_calls", config.limits.max_calls),
            ("limits.queue_packets", config.limits.queue_packets),
            ("limits.max_screens_per_call", config.limits.max_screens_per_call),
            ("limits.max_tracks", config.limits.max_tracks),
            ("limits.log_queue_events", config.limits.log_queue_events),
        ] {
            if value == 0 {
                bail!("{name} = 0 would let nothing through; write 1 or more");
            }
        }
        config.check_consent()?;
        config.workflow.check()?;
        config.whip.check()?;
        if config.recognizer.kind == RecognizerKind::Whisper && config.recognizer.dir.is_none() {
            bail!(
                "recognizer.kind = \"whisper\" needs recognizer.dir, the folder of the model (see `reframe models fetch`)"
            );
        }
        Ok(())
    }

    fn check_consent(&self) -> anyhow::Result<()> {
        // Whose consent it takes must not be relaxed past the list of places.
        if self.session.consent != ConsentRule::default() {
            bail!("session.consent is not for settings; write rule = \"by_jurisdiction\" under [consent]");
        }
        if self.session.coaching != Coaching::default() {
            bail!("session.coaching is not for settings; write mode = \"...\" under [consent]");
        }
        let disclosure = &self.consent.disclosure;
        if self.consent.require_disclosure && disclosure.trim().is_empty() {
            bail!("consent.require_disclosure = true needs consent.disclosure, the words a bot says");
        }
        if disclosure.chars().count() > MAX_DISCLOSURE_CHARS {
            bail!(
                "consent.disclosure has more than {MAX_DISCLOSURE_CHARS} characters; meeting chats cut longer ones off"
            );
        }
        for (name, people) in [("emails", &self.people.emails), ("names", &self.people.names)] {
            for person in people {
                let known = Person::new(person).with_context(|| format!("people.{name} holds \"{person}\""))?;
                if known.is_email() != (name == "emails") {
                    bail!("people.{name} holds \"{person}\"; addresses go into people.emails, names into people.names");
                }
            }
        }
        for domain in &self.people.domains {
            let bare = domain.trim().trim_start_matches('@');
            if !bare.contains('.') || bare.contains(['@', ' ', '/']) {
                bail!("people.domains holds \"{domain}\"; write what stands after the @: \"example.com\"");
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXAMPLE: &str = include_str!("../reframe.example.toml");

    #[test]
    fn the_example_file_is_the_defaults() {
        let config = Config::parse(EXAMPLE).unwrap();
        assert_eq!(config, Config::default());
    }

    #[test]
    fn unknown_keys_are_refused_by_name() {
        for (text, name) in [
            ("version = 1\ncolour = 1", "colour"),
            ("version = 1\n[server]\nlisten_on = \"127.0.0.1:1\"", "listen_on"),
            ("version = 1\n[session.deck]\nmin_show = 1", "min_show"),
            ("version = 1\n[session]\nauto_sync = true", "auto_sync"),
        ] {
            let error = format!("{:#}", Config::parse(text).unwrap_err());
            assert!(error.contains(name), "{error}");
        }
    }

    #[test]
    fn values_that_make_no_sense_say_what_to_write() {
        for (text, part) in [
            ("version = 2", "version = 1"),
            ("version = 1\n[server]\nlisten = \"0.0.0.0:80\"", "ingest_token_env"),
            ("version = 1\n[limits]\nmax_calls = 0", "limits.max_calls"),
            ("version = 1\n[session]\nconsent = \"each_own\"", "by_jurisdiction"),
            ("version = 1\n[session]\ncoaching = \"off\"", "[consent]"),
            ("version = 1\n[consent]\nrule = \"nobody\"", "everyone"),
            ("version = 1\n[consent]\nrequire_disclosure = true\ndisclosure = \" \"", "consent.disclosure"),
            ("version = 1\n[people]\nemails = [\"Rae\"]", "people.names"),
            ("version = 1\n[people]\nnames = [\"rae@x.example\"]", "people.emails"),
            ("version = 1\n[people]\ndomains = [\"rae@x.example\"]", "after the @"),
            ("version = 1\n[recognizer]\nkind = \"whisper\"", "recognizer.dir"),
        ] {
            let error = format!("{:#}", Config::parse(text).unwrap_err());
            assert!(error.contains(part), "{error}");
        }
    }
}
