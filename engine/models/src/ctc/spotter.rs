//! Phrase spotter: finds playbook phrases directly in the phone posteriors, whatever words the transcript settles on.
//!
//! For each pronunciation of each phrase the best path `p1 (blank) p2 (blank) .. pn` is followed, started at any row;
//! its score is the mean per phone of how far it stays behind the best symbol of each row. A phrase is reported once,
//! in the row where its score first reaches the threshold, because waiting for the best score would delay the card.

use super::lexicon::Phone;

/// A symbol is never taken to be less likely than this (natural logarithm), so that one bad row does not kill a phrase.
const EMISSION_FLOOR: f32 = -9.0;
/// Rows after a report in which the same phrase is not reported again (1 s).
const QUIET_ROWS: u32 = 25;
const IMPOSSIBLE: f32 = -1e9;

/// A phrase to listen for.
pub struct SpotterPhrase {
    /// Ways to say it; those without phones are ignored.
    pub variants: Vec<Vec<Phone>>,
    /// Score each variant must reach.
    pub thresholds: Vec<f32>,
}

/// A phrase that was found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spotted {
    /// Index in the list of phrases.
    pub phrase: usize,
    /// Row of its first phone.
    pub first_row: u32,
    /// Row in which the score reached the threshold.
    pub last_row: u32,
    /// Mean per phone, `<= 0`.
    pub score: f32,
    /// The threshold it reached.
    pub threshold: f32,
}

struct Variant {
    phrase: usize,
    threshold: f32,
    /// Where its phones lie in `Spotter::phones`.
    start: usize,
    end: usize,
}

/// The phrases of one track and how far each has come.
pub struct Spotter {
    variants: Vec<Variant>,
    phones: Vec<Phone>,
    /// Whether the phone differs from the one before, so that no blank is needed between them.
    differs: Vec<bool>,
    /// Per phone: score and start row of the best path that is in it.
    in_phone: Vec<(f32, u32)>,
    /// Per phone: the same, in the blank after it.
    in_blank: Vec<(f32, u32)>,
    /// Per phrase: the row of its last report.
    reported: Vec<Option<u32>>,
    row: u32,
    emissions: Vec<f32>,
}

impl Spotter {
    /// A spotter for `phrases`, at the start of an utterance.
    #[must_use]
    pub fn new(phrases: &[SpotterPhrase]) -> Self {
        let mut spotter = Self {
            variants: Vec::new(),
            phones: Vec::new(),
            differs: Vec::new(),
            in_phone: Vec::new(),
            in_blank: Vec::new(),
            reported: vec![None; phrases.len()],
            row: 0,
            emissions: Vec::new(),
        };
        for (phrase, said) in phrases.iter().enumerate() {
            for (variant, &threshold) in said.variants.iter().zip(&said.thresholds).filter(|(v, _)| !v.is_empty()) {
                let start = spotter.phones.len();
                spotter.phones.extend_from_slice(variant);
                spotter.differs.push(false);
                spotter.differs.extend(variant.windows(2).map(|pair| pair[0] != pair[1]));
                spotter.variants.push(Variant { phrase, threshold, start, end: spotter.phones.len() });
            }
        }
        spotter.reset();
        spotter
    }

    /// Forgets all paths: the next row is the first of an utterance.
    pub fn reset(&mut self) {
        self.in_phone.clear();
        self.in_phone.resize(self.phones.len(), (IMPOSSIBLE, 0));
        self.in_blank.clear();
        self.in_blank.resize(self.phones.len(), (IMPOSSIBLE, 0));
        self.reported.fill(None);
        self.row = 0;
    }

    /// Takes the next row of log-posteriors, the blank first, and appends the phrases found in it to `found`.
    pub fn push(&mut self, row: &[f32], found: &mut Vec<Spotted>) {
        let top = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        self.emissions.clear();
        self.emissions.extend(row.iter().map(|x| x.max(EMISSION_FLOOR) - top));
        let blank = self.emissions.first().copied().unwrap_or(0.0);
        let now = self.row;
        let already = found.len();
        for variant in &self.variants {
            let span = variant.start..variant.end;
            let score = advance(
                &self.phones[span.clone()],
                &self.differs[span.clone()],
                &mut self.in_phone[span.clone()],
                &mut self.in_blank[span],
                &self.emissions,
                blank,
                now,
            );
            let mean = score.0 / (variant.end - variant.start) as f32;
            let report = &mut self.reported[variant.phrase];
            if mean < variant.threshold {
                continue;
            }
            if let Some(last) = *report
                && (last == now || score.1 <= last || now - last < QUIET_ROWS)
            {
                // Another variant, or the same occurrence still above the threshold; keep the better score of this row.
                let same_row = found[already..].iter_mut().find(|f| f.phrase == variant.phrase);
                if let Some(f) = same_row.filter(|f| mean - variant.threshold > f.score - f.threshold) {
                    (f.first_row, f.score, f.threshold) = (score.1, mean, variant.threshold);
                }
                continue;
            }
            *report = Some(now);
            found.push(Spotted {
                phrase: variant.phrase,
                first_row: score.1,
                last_row: now,
                score: mean,
                threshold: variant.threshold,
            });
        }
        self.row += 1;
    }
}

/// One row of one variant; returns score and start row of the path that is in the last phone.
fn advance(
    phones: &[Phone],
    differs: &[bool],
    in_phone: &mut [(f32, u32)],
    in_blank: &mut [(f32, u32)],
    emissions: &[f32],
    blank: f32,
    now: u32,
) -> (f32, u32) {
    // What was in the phone before, and in the blank after it, in the row before this one.
    let (mut phone_before, mut blank_before) = ((0.0, now), (IMPOSSIBLE, now));
    let mut last = (IMPOSSIBLE, now);
    let states = in_phone.iter_mut().zip(in_blank.iter_mut());
    for (position, ((&phone, &differs), (here, gap))) in phones.iter().zip(differs).zip(states).enumerate() {
        let (held, held_gap) = (*here, *gap);
        let mut best = held;
        if blank_before.0 > best.0 {
            best = blank_before;
        }
        if (differs || position == 0) && phone_before.0 > best.0 {
            best = phone_before;
        }
        *here = (best.0 + emissions[phone as usize], best.1);
        *gap = if held.0 > held_gap.0 { (held.0 + blank, held.1) } else { (held_gap.0 + blank, held_gap.1) };
        (phone_before, blank_before) = (held, held_gap);
        last = *here;
    }
    last
}
