//! The embedded recogniser: a small streaming phone network with a word decoder and a phrase spotter.
//!
//! Sound goes through [`frontend`] (log-mel) and [`network`] (phone posteriors, a row each 40 ms) to two consumers:
//! [`decoder`] makes words, [`spotter`] finds playbook phrases. The same frames always give the same output, bit for
//! bit, on the same kind of processor.

pub mod assets;
mod columns;
pub mod config;
pub mod context;
pub mod decoder;
pub mod dictionary;
pub mod frontend;
pub mod history;
pub mod lexicon;
pub mod lm;
pub mod model;
pub mod network;
pub mod passing;
pub mod pronounce;
pub mod spoken;
pub mod spotter;
mod stream;
pub mod words;

use std::{path::Path, sync::Arc};

use reframe_call::{
    audio::TrackId,
    recognize::{Bias, PhraseId, RecognizeError, Recognizer, RecognizerStream, SpotPhrase},
};

pub use crate::error::ModelError;

pub use self::{
    model::{CtcModel, Progress},
    pronounce::{Pronunciation, Source},
    stream::CtcStream,
};
use self::{
    pronounce::MAX_VARIANTS,
    spotter::{Spotter, SpotterPhrase},
};

/// How readily phrases are reported.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sensitivity {
    /// About nine of ten phrases, a few false ones per hour.
    #[default]
    Normal,
    /// Misses less, and is wrong several times as often.
    High,
}

/// Settings of a [`CtcRecognizer`].
#[derive(Clone, Debug)]
pub struct CtcOptions {
    /// 20 ms frames per run of the network, 1..=50. Fewer give words earlier and cost more.
    pub step_frames: usize,
    /// How readily phrases are reported.
    pub sensitivity: Sensitivity,
    /// Bonus per word (natural logarithm) for words of the call's context. 1.0 more than doubled the phrases found
    /// word for word in the transcript without changing the word error rate.
    pub context_bonus: f32,
}

impl Default for CtcOptions {
    fn default() -> Self {
        Self { step_frames: 2, sensitivity: Sensitivity::default(), context_bonus: 1.0 }
    }
}

/// The phone-CTC recogniser.
pub struct CtcRecognizer {
    model: Arc<CtcModel>,
    options: CtcOptions,
}

impl CtcRecognizer {
    /// The recogniser that is part of the program.
    ///
    /// # Errors
    /// [`ModelError`] if an option is out of range.
    pub fn embedded(options: CtcOptions) -> Result<Self, ModelError> {
        Self::new(CtcModel::embedded(&mut |_, _| {})?, options)
    }

    /// The recogniser in folder `dir`.
    ///
    /// # Errors
    /// [`ModelError`] names the file that is missing or bad, or the option that is out of range.
    pub fn from_dir(dir: &Path, options: CtcOptions) -> Result<Self, ModelError> {
        Self::new(CtcModel::load(dir, &mut |_, _| {})?, options)
    }

    /// A recogniser with a loaded model; load it with [`CtcModel::embedded`] or [`CtcModel::load`] to see progress.
    ///
    /// # Errors
    /// [`ModelError::Option`] if an option is out of range.
    pub fn new(model: CtcModel, options: CtcOptions) -> Result<Self, ModelError> {
        if !(1..=50).contains(&options.step_frames) {
            let problem = format!("step_frames is {}; choose 1 to 50", options.step_frames);
            return Err(ModelError::Option(problem));
        }
        if !(0.0..=20.0).contains(&options.context_bonus) {
            let problem = format!("context_bonus is {}; choose 0 to 20", options.context_bonus);
            return Err(ModelError::Option(problem));
        }
        Ok(Self { model: Arc::new(model), options })
    }

    /// The model.
    #[must_use]
    pub fn model(&self) -> &CtcModel {
        &self.model
    }

    /// How `text` is taken to sound; `None` if nothing in it has a sound.
    #[must_use]
    pub fn pronounce(&self, text: &str) -> Option<Pronunciation> {
        self.model.pronounce(text)
    }

    /// The stream for one track; [`Recognizer::start`] gives the same behind the trait.
    #[must_use]
    pub fn stream(&self, bias: &Bias) -> CtcStream {
        let context = self.model.context(&bias.context, self.options.context_bonus);
        let phrases: Vec<SpotterPhrase> = bias.spot.iter().map(|phrase| self.phrase(phrase)).collect();
        let ids: Vec<PhraseId> = bias.spot.iter().map(|phrase| phrase.id).collect();
        let spotter = Spotter::new(&phrases);
        CtcStream::new(Arc::clone(&self.model), context, ids, spotter, self.options.step_frames)
    }

    /// Pronunciations of `phrase` that are long enough to spot, with their thresholds.
    #[must_use]
    pub fn phrase(&self, phrase: &SpotPhrase) -> SpotterPhrase {
        let settings = &self.model.config.spotter;
        let table = match self.options.sensitivity {
            Sensitivity::Normal => &settings.threshold_default,
            Sensitivity::High => &settings.threshold_sensitive,
        };
        // The usual pronunciation, then what the user says it sounds like, then careless ones.
        let mut variants = self.model.variants(&phrase.text);
        let careless = variants.split_off(variants.len().min(1));
        let alike = phrase.sounds_like.iter().filter_map(|text| self.model.variants(text).into_iter().next());
        for variant in alike.chain(careless) {
            if !variants.contains(&variant) && variants.len() < MAX_VARIANTS {
                variants.push(variant);
            }
        }
        variants.retain(|v| v.len() >= settings.min_phones);
        let least = phrase.min_score.unwrap_or(f32::NEG_INFINITY);
        let thresholds = variants.iter().map(|v| settings.threshold(table, v.len()).max(least)).collect();
        SpotterPhrase { variants, thresholds }
    }
}

impl Recognizer for CtcRecognizer {
    fn id(&self) -> String {
        self.model.id()
    }

    fn start(&self, _track: TrackId, bias: &Bias) -> Result<Box<dyn RecognizerStream>, RecognizeError> {
        Ok(Box::new(self.stream(bias)))
    }

    fn unspottable(&self, bias: &Bias) -> Vec<(PhraseId, String)> {
        let least = self.model.config.spotter.min_phones;
        let refused = bias.spot.iter().filter(|phrase| self.phrase(phrase).variants.is_empty());
        let advise = |phrase: &SpotPhrase| {
            let problem = match self.model.variants(&phrase.text).first() {
                None => {
                    format!("`{}` has no pronunciation; write it in letters, or say what it sounds like", phrase.text)
                }
                Some(sounds) => format!(
                    "`{}` has {} speech sounds, {least} are needed to tell it from chance; add a word that is said with it",
                    phrase.text,
                    sounds.len()
                ),
            };
            (phrase.id, problem)
        };
        refused.map(advise).collect()
    }
}
