//! A sentence encoder that remembers: the present and the changed playbook ask for the same sentences.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, PoisonError},
};

use reframe_call::detect::semantic::{Sentence, SentenceEncoder};

/// Sentences remembered. Two playbooks run through a call side by side, so the second asks soon after the first; the rest
/// serves what comes again (`yes`, `right, okay`). A kilobyte each.
const REMEMBERED: usize = 8_192;

/// Wraps an encoder.
pub struct Remembering {
    inner: Arc<dyn SentenceEncoder>,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    sentences: HashMap<String, Sentence>,
    order: VecDeque<String>,
}

impl Remembering {
    /// Remembers what `inner` makes of sentences.
    pub fn new(inner: Arc<dyn SentenceEncoder>) -> Self {
        Self { inner, known: Mutex::default() }
    }

    fn known(&self) -> std::sync::MutexGuard<'_, Known> {
        // Nothing is half done in it at any time.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SentenceEncoder for Remembering {
    fn id(&self) -> String {
        self.inner.id()
    }

    fn labels(&self) -> &[String] {
        self.inner.labels()
    }

    fn objections(&self) -> &[bool] {
        self.inner.objections()
    }

    fn crowd(&self, alike: &[f32]) -> f32 {
        self.inner.crowd(alike)
    }

    fn encode(&self, text: &str) -> Sentence {
        if let Some(sentence) = self.known().sentences.get(text) {
            return sentence.clone();
        }
        // Not under the lock: other calls go on meanwhile.
        let sentence = self.inner.encode(text);
        let mut known = self.known();
        if known.sentences.insert(text.to_owned(), sentence.clone()).is_none() {
            known.order.push_back(text.to_owned());
        }
        if known.order.len() > REMEMBERED
            && let Some(oldest) = known.order.pop_front()
        {
            known.sentences.remove(&oldest);
        }
        sentence
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[derive(Default)]
    struct Counting(AtomicUsize);

    impl SentenceEncoder for Counting {
        fn id(&self) -> String {
            "counting".to_owned()
        }

        fn labels(&self) -> &[String] {
            &[]
        }

        fn encode(&self, text: &str) -> Sentence {
            self.0.fetch_add(1, Ordering::Relaxed);
            Sentence { embedding: vec![text.len() as f32], ..Sentence::default() }
        }
    }

    #[test]
    fn a_sentence_is_encoded_once_and_forgotten_in_time() {
        let inner = Arc::new(Counting::default());
        let remembering = Remembering::new(Arc::clone(&inner) as Arc<dyn SentenceEncoder>);
        let first = remembering.encode("one");
        assert_eq!(remembering.encode("one"), first);
        assert_eq!(inner.0.load(Ordering::Relaxed), 1);
        for n in 0..REMEMBERED {
            remembering.encode(&n.to_string());
        }
        assert_eq!(remembering.known().sentences.len(), REMEMBERED);
        remembering.encode("one");
        assert_eq!(inner.0.load(Ordering::Relaxed), REMEMBERED + 2);
    }
}
