//! A loaded model: everything tracks share.

use std::path::Path;

use super::{
    assets::{Assets, gunzip, gunzip_text},
    config::Config,
    context::Context,
    frontend::Frontend,
    lexicon::{self, Phones, Pronunciations, Trie},
    lm::{LanguageModel, Unpacked},
    network::Network,
    passing::Knowledge,
    pronounce::{Pronouncer, Pronunciation, Source},
    words::{WordId, Words},
};
use crate::error::ModelError;

/// The weights, vocabulary and language model of a phone-CTC recogniser.
pub struct CtcModel {
    /// Settings and sizes.
    pub config: Config,
    /// Samples to log-mel rows.
    pub frontend: Frontend,
    /// Log-mel rows to phone posteriors.
    pub network: Network,
    words: Words,
    pronunciations: Pronunciations,
    trie: Trie,
    lm: LanguageModel,
    unknown: WordId,
    pronouncer: Pronouncer,
    digest: String,
}

/// Told what is being loaded and the finished share of it, 0..=1.
pub type Progress<'a> = &'a mut dyn FnMut(&'static str, f32);

impl CtcModel {
    /// The model that is part of the program.
    ///
    /// # Errors
    /// [`ModelError`] if the program was built with damaged files.
    pub fn embedded(progress: Progress<'_>) -> Result<Self, ModelError> {
        Self::from_assets(&Assets::embedded(), progress)
    }

    /// The model in folder `dir`.
    ///
    /// # Errors
    /// [`ModelError`] names the file that is missing or bad.
    pub fn load(dir: &Path, progress: Progress<'_>) -> Result<Self, ModelError> {
        let model = Self::from_assets(&Assets::from_dir(dir)?, progress)?;
        model.pronouncer.check_dictionary()?;
        Ok(model)
    }

    /// The model made of `assets`.
    ///
    /// # Errors
    /// [`ModelError`] names the file that is bad.
    pub fn from_assets(assets: &Assets, progress: Progress<'_>) -> Result<Self, ModelError> {
        let config = Config::parse(&assets.config)?;
        let frontend = Frontend::load(&assets.frontend, &config.features)?;
        let network = Network::load(&assets.weights, &config, |share| progress("network", share))?;
        let phones = Phones::new(&config.ctc.phones);
        let lexicon_text = gunzip_text(lexicon::FILE, &assets.lexicon)?;
        let lm_file = gunzip(assets.lm_file, &assets.lm)?;
        let lm = Unpacked::read(&lm_file)?;
        let spelled = lexicon_text.lines().filter_map(|l| l.split(' ').next());
        let words = Words::new(lexicon::FILE, spelled.chain(lm.words()).collect())?;
        let pronunciations = Pronunciations::parse(&lexicon_text, &words, &phones)?;
        let lm = lm.model(&words, |share| progress("language model", share))?;
        let trie = Trie::build(&pronunciations, &lm);
        progress("lexicon", 1.0);
        let pronouncer = Pronouncer::new(assets, phones)?;
        let unknown = words.find("<unk>").unwrap_or(lm.sentence_start());
        let digest = assets.digest();
        Ok(Self { config, frontend, network, words, pronunciations, trie, lm, unknown, pronouncer, digest })
    }

    /// Name and content hash: `asr-v1:` and 12 hex digits.
    #[must_use]
    pub fn id(&self) -> String {
        format!("{}:{}", self.config.name, self.digest)
    }

    /// Phrases and names the words of a track should lean towards.
    #[must_use]
    pub fn context(&self, phrases: &[String], bonus: f32) -> Context {
        Context::new(phrases, bonus, &self.words, |word| {
            let (mut variants, source) = self.pronouncer.variants(word, &self.words, &self.pronunciations);
            if self.words.find(word).is_some() {
                variants.truncate(usize::from(source == Source::Compound));
            }
            variants
        })
    }

    /// What the decoder of a track with `context` relies on.
    #[must_use]
    pub fn knowledge<'a>(&'a self, context: &'a Context) -> Knowledge<'a> {
        Knowledge {
            trie: &self.trie,
            lm: &self.lm,
            unknown: self.unknown,
            known: self.words.count() as WordId,
            context,
            settings: &self.config.decoder,
        }
    }

    /// Spelling of `word`, which may be a name of `context`.
    #[must_use]
    pub fn spelling<'a>(&'a self, context: &'a Context, word: WordId) -> &'a str {
        context.name(word).unwrap_or_else(|| self.words.get(word))
    }

    /// Up to three pronunciations of `text`, the usual one first.
    #[must_use]
    pub fn variants(&self, text: &str) -> Vec<Vec<lexicon::Phone>> {
        self.pronouncer.variants(text, &self.words, &self.pronunciations).0
    }

    /// How `text` is taken to sound; `None` if nothing in it has a sound.
    #[must_use]
    pub fn pronounce(&self, text: &str) -> Option<Pronunciation> {
        let (variants, source) = self.pronouncer.variants(text, &self.words, &self.pronunciations);
        variants.first().map(|v| Pronunciation { phones: self.pronouncer.names().spell(v), source })
    }

    /// Names of the phones.
    #[must_use]
    pub fn phones(&self) -> &Phones {
        self.pronouncer.names()
    }
}
