//! Whisper models known to load here, and where they lie on the hub.
//!
//! No checksum stands here that nobody has computed: the hub names the SHA-256 of large files, the first fetch pins what
//! came in the model's `model.lock`, and every later fetch and `verify` holds it to that.

/// A model that can be fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// What it is called here and what its folder is called.
    pub name: &'static str,
    /// Repository on the hub.
    pub repo: &'static str,
    /// File names: on the hub, and here.
    pub files: &'static [(&'static str, &'static str)],
    /// Files a model can do without.
    pub optional: &'static [(&'static str, &'static str)],
    /// Parameters in millions, as published; half-precision weights take twice as many megabytes, full ones four times.
    pub params_m: u32,
    /// Licence of the weights as their model card states it.
    pub licence: &'static str,
    /// What it is good for.
    pub note: &'static str,
}

const FILES: &[(&str, &str)] =
    &[("config.json", "config.json"), ("tokenizer.json", "tokenizer.json"), ("model.safetensors", "model.safetensors")];
const OPTIONAL: &[(&str, &str)] = &[("generation_config.json", "generation_config.json")];

const fn hub(
    name: &'static str,
    repo: &'static str,
    params_m: u32,
    licence: &'static str,
    note: &'static str,
) -> Entry {
    Entry { name, repo, files: FILES, optional: OPTIONAL, params_m, licence, note }
}

/// All of them, smallest first. Parameter counts: Radford et al., 2022, table 1, and the model cards.
pub const ENTRIES: &[Entry] = &[
    Entry {
        name: "whisper-tiny.en-q8",
        repo: "lmz/candle-whisper",
        files: &[
            ("config-tiny-en.json", "config.json"),
            ("tokenizer-tiny-en.json", "tokenizer.json"),
            ("model-tiny-en-q80.gguf", "model.gguf"),
        ],
        optional: &[],
        params_m: 39,
        licence: "Apache-2.0",
        note: "8-bit weights: a quarter of the size, slower than tiny.en on a CPU",
    },
    hub("whisper-tiny.en", "openai/whisper-tiny.en", 39, "Apache-2.0", "English; second pass on any laptop"),
    hub("whisper-tiny", "openai/whisper-tiny", 39, "Apache-2.0", "many languages, made to hear English"),
    hub("whisper-base.en", "openai/whisper-base.en", 74, "Apache-2.0", "English"),
    hub("whisper-base", "openai/whisper-base", 74, "Apache-2.0", "many languages, made to hear English"),
    hub("distil-small.en", "distil-whisper/distil-small.en", 166, "MIT", "English; fast decoder"),
    hub("whisper-small.en", "openai/whisper-small.en", 244, "Apache-2.0", "English; second pass on a fast CPU"),
    hub("whisper-small", "openai/whisper-small", 244, "Apache-2.0", "many languages, made to hear English"),
    hub("distil-medium.en", "distil-whisper/distil-medium.en", 394, "MIT", "English; fast decoder"),
    hub("distil-large-v3", "distil-whisper/distil-large-v3", 756, "MIT", "English; fast decoder, 128 mel bins"),
    hub("whisper-medium.en", "openai/whisper-medium.en", 769, "Apache-2.0", "English"),
    hub("whisper-medium", "openai/whisper-medium", 769, "Apache-2.0", "many languages, made to hear English"),
    hub("whisper-large-v3-turbo", "openai/whisper-large-v3-turbo", 809, "MIT", "best for its time; 128 mel bins"),
    hub("whisper-large-v2", "openai/whisper-large-v2", 1550, "Apache-2.0", "many languages, made to hear English"),
    hub("whisper-large-v3", "openai/whisper-large-v3", 1550, "Apache-2.0", "best; 128 mel bins"),
];

/// The entry called `name`; `tiny.en` finds `whisper-tiny.en` too.
#[must_use]
pub fn find(name: &str) -> Option<&'static Entry> {
    ENTRIES.iter().find(|e| e.name == name || e.name.strip_prefix("whisper-") == Some(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_safe_as_folders() {
        for (at, entry) in ENTRIES.iter().enumerate() {
            assert!(ENTRIES[..at].iter().all(|e| e.name != entry.name), "{}", entry.name);
            let here = entry.files.iter().chain(entry.optional).map(|(_, here)| *here);
            for part in here.chain([entry.name]) {
                assert!(part.chars().all(|c| c.is_ascii_alphanumeric() || ".-_".contains(c)) && !part.starts_with('.'));
            }
            assert!(entry.files.iter().any(|(_, here)| *here == "config.json"));
        }
    }

    #[test]
    fn short_names_are_understood() {
        assert_eq!(find("tiny.en").unwrap().name, "whisper-tiny.en");
        assert_eq!(find("distil-small.en").unwrap().name, "distil-small.en");
        assert_eq!(find("../etc"), None);
    }
}
