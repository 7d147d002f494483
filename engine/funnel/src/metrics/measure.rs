//! Two measures that need more than counting: how far a person's text is from the draft, how near a forecast was.

/// Words of a text that are compared; longer texts are cut there, so that a comparison stays below 16 million steps.
const MAX_WORDS: usize = 4_000;

/// How far `sent` is from `drafted`: the fewest words to add, take out or exchange, over the words of the longer one. 0:
/// nothing was changed; 1: nothing was kept. Spaces and line breaks do not count. Of two empty texts 0.
#[must_use]
#[allow(clippy::cast_precision_loss, reason = "at most a few thousand words")]
pub fn draft_distance(drafted: &str, sent: &str) -> f64 {
    let words = |text| str::split_whitespace(text).take(MAX_WORDS).collect::<Vec<_>>();
    let (a, b) = (words(drafted), words(sent));
    let longer = a.len().max(b.len());
    if longer == 0 {
        return 0.0;
    }
    // Levenshtein's distance, one row at a time.
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, word) in a.iter().enumerate() {
        let mut before = row[0];
        row[0] = i + 1;
        for (j, other) in b.iter().enumerate() {
            let exchanged = before + usize::from(word != other);
            before = row[j + 1];
            row[j + 1] = exchanged.min(row[j] + 1).min(before + 1);
        }
    }
    row[b.len()] as f64 / longer as f64
}

/// How near forecasts were: one less the sum of absolute differences over the sum of outcomes, at least 0; pairs are
/// (forecast, outcome) of the same period, in one currency. Nothing if there was no outcome.
#[must_use]
pub fn forecast_accuracy(pairs: &[(f64, f64)]) -> Option<f64> {
    let of: f64 = pairs.iter().map(|(_, outcome)| outcome.abs()).sum();
    let off: f64 = pairs.iter().map(|(forecast, outcome)| (forecast - outcome).abs()).sum();
    (of > 0.0 && off.is_finite()).then(|| (1.0 - off / of).max(0.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_distance_counts_changed_words() {
        for (drafted, sent, distance) in [
            ("", "", 0.0),
            ("a b c d", "a b c d", 0.0),
            ("a b c d", "a  b\nc d", 0.0),
            ("a b c d", "a x c d", 0.25),
            ("a b c d", "b c d", 0.25),
            ("a b", "a b c d", 0.5),
            ("a b", "x y", 1.0),
            ("", "x y", 1.0),
        ] {
            assert_eq!(draft_distance(drafted, sent), distance, "{drafted} | {sent}");
            assert_eq!(draft_distance(sent, drafted), distance, "{sent} | {drafted}");
        }
    }

    #[test]
    fn accuracy_falls_with_what_was_missed() {
        assert_eq!(forecast_accuracy(&[(100.0, 100.0)]), Some(1.0));
        assert_eq!(forecast_accuracy(&[(90.0, 100.0), (120.0, 100.0)]), Some(0.85));
        assert_eq!(forecast_accuracy(&[(500.0, 100.0)]), Some(0.0));
        assert_eq!(forecast_accuracy(&[(5.0, 0.0)]), None);
    }
}
