//! Ids as small numbers, so that a log of hundreds of thousands of facts is sorted out without comparing texts each time.

/// All ids that were given, each once.
#[derive(Debug, Default)]
pub(super) struct Ids<'a> {
    /// The ends of the ids as numbers, in order: nearly always enough to tell two apart.
    ends: Vec<u64>,
    texts: Vec<&'a str>,
}

/// The last eight bytes as a number. Ids end in hexadecimal digits of a digest.
fn end(text: &str) -> u64 {
    text.bytes().rev().take(8).fold(0, |number, byte| (number << 8) | u64::from(byte))
}

impl<'a> Ids<'a> {
    /// Of these.
    pub(super) fn of(texts: impl Iterator<Item = &'a str>) -> Self {
        let mut all: Vec<(u64, &str)> = texts.map(|text| (end(text), text)).collect();
        all.sort_unstable();
        all.dedup();
        Self { ends: all.iter().map(|(end, _)| *end).collect(), texts: all.into_iter().map(|(_, text)| text).collect() }
    }

    /// How many there are; every number is below.
    pub(super) fn len(&self) -> usize {
        self.texts.len()
    }

    /// The number of an id, if it was among them.
    pub(super) fn find(&self, text: &str) -> Option<usize> {
        let wanted = end(text);
        let first = self.ends.partition_point(|end| *end < wanted);
        let same = self.ends[first..].iter().take_while(|end| **end == wanted).count();
        self.texts[first..first + same].iter().position(|known| *known == text).map(|at| first + at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_that_end_alike_are_told_apart() {
        let texts = ["a-0123456789", "b-0123456789", "", "x", "c-0123456789", "b-0123456789", "9", "99"];
        let ids = Ids::of(texts.iter().copied());
        assert_eq!(ids.len(), 7);
        let mut numbers: Vec<usize> = texts.iter().map(|text| ids.find(text).unwrap()).collect();
        assert_eq!(numbers[1], numbers[5]);
        numbers.sort_unstable();
        numbers.dedup();
        assert_eq!(numbers, [0, 1, 2, 3, 4, 5, 6]);
        for unknown in ["d-0123456789", "0123456789", "y", "8"] {
            assert_eq!(ids.find(unknown), None, "{unknown}");
        }
        assert_eq!(Ids::default().find("x"), None);
    }
}
