//! The texts of a card as they stand in a playbook, and which of them a call shows.

use sha2::{Digest, Sha256};

use crate::{
    card::{CaseStudy, Proof},
    date::Date,
    deal::Deal,
};

/// Name of a card's own wording among its variants.
pub const BASE_VARIANT: &str = "base";

/// What the rep sees.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CardText {
    /// Heading.
    pub title: String,
    /// The reframe: one to three short lines.
    pub say: Vec<String>,
    /// Follow-up question.
    pub ask: Option<String>,
    /// What not to say.
    pub avoid: Option<String>,
    /// Proof points, in file order; the first that has not run out is shown.
    pub proofs: Vec<Proof>,
    /// Other wordings: each call shows one, or the card's own.
    pub variants: Vec<Variant>,
    /// Other customers; the one most like the deal is shown.
    pub case_studies: Vec<CaseStudyText>,
}

/// Another wording of a card.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variant {
    /// Its name; never [`BASE_VARIANT`].
    pub id: String,
    /// Its lines.
    pub say: Vec<String>,
    /// Its question; the card's own if it has none.
    pub ask: Option<String>,
}

/// Another customer, and the deals it fits. An attribute without values fits every deal.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CaseStudyText {
    /// What became of them.
    pub text: String,
    /// Where a sceptic can check it.
    pub source: String,
    /// Industries.
    pub industry: Vec<String>,
    /// Size in employees: a number or a range (`120`, `11-200`, `1000+`), or a word of your own.
    pub size: Option<String>,
    /// Who else they talked to.
    pub competitor: Vec<String>,
    /// Stages of the deal it helps in.
    pub stage: Vec<String>,
    /// Languages it is written in.
    pub language: Vec<String>,
}

/// The wording a call shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wording<'a> {
    /// Its name, if the card has several.
    pub id: Option<&'a str>,
    /// Its lines.
    pub say: &'a [String],
    /// Its question.
    pub ask: Option<&'a str>,
}

impl CardText {
    /// The first proof point that has not run out on `day`; on a day that is not known, the first that never does, or
    /// else the first.
    #[must_use]
    pub fn proof_on(&self, day: Option<Date>) -> Option<&Proof> {
        match day {
            Some(day) => self.proofs.iter().find(|p| p.valid_until.is_none_or(|last| day <= last)),
            None => self.proofs.iter().find(|p| p.valid_until.is_none()).or_else(|| self.proofs.first()),
        }
    }

    /// The wording that a call shows for `play`: the same for the same two names anywhere, and about equally many calls
    /// for each (SHA-256 of both names, its first eight bytes modulo the number of wordings, the card's own first). A
    /// call without a name shows the card's own.
    #[must_use]
    pub fn wording_for(&self, play: &str, call: Option<&str>) -> Wording<'_> {
        let own = Wording { id: None, say: &self.say, ask: self.ask.as_deref() };
        if self.variants.is_empty() {
            return own;
        }
        let drawn = call.map_or(0, |call| draw(&[call, play], self.variants.len() as u64 + 1));
        let chosen = usize::try_from(drawn).ok().and_then(|n| self.variants.get(n.checked_sub(1)?));
        match chosen {
            None => Wording { id: Some(BASE_VARIANT), ..own },
            Some(v) => Wording { id: Some(&v.id), say: &v.say, ask: v.ask.as_deref().or(own.ask) },
        }
    }

    /// The case study most like `deal`: the one of the most [points](CaseStudyText::points); of equals the first in the
    /// file. None if none fits.
    #[must_use]
    pub fn case_study_for(&self, deal: &Deal) -> Option<CaseStudy> {
        let mut best: Option<(u32, &CaseStudyText)> = None;
        for study in &self.case_studies {
            let Some(points) = study.points(deal) else { continue };
            if best.is_none_or(|(most, _)| points > most) {
                best = Some((points, study));
            }
        }
        best.map(|(_, s)| CaseStudy { text: s.text.clone(), source: s.source.clone() })
    }
}

/// What a case study asks for, what is known of the deal, and when the two fit.
type Wish<'a> = (&'a [String], &'a Option<String>, fn(&str, &str) -> bool);

/// A number below `sides` drawn from names.
fn draw(names: &[&str], sides: u64) -> u64 {
    let mut hash = Sha256::new();
    for name in names {
        hash.update(name.as_bytes());
        hash.update([0]);
    }
    let first = hash.finalize().iter().take(8).fold(0u64, |n, byte| n << 8 | u64::from(*byte));
    first % sides
}

impl CaseStudyText {
    /// How well it fits: one point for each attribute it asks for that the deal is known to have. `None` if it asks for
    /// one that the deal is known not to have, or asks for some and none of them is known: a customer unlike the buyer
    /// convinces nobody. What is asked for and not known of the deal costs nothing. Upper and lower case are the same;
    /// sizes fit if they overlap; `en` fits `en-US`.
    #[must_use]
    pub fn points(&self, deal: &Deal) -> Option<u32> {
        let size = self.size.as_slice();
        let asked: [Wish<'_>; 5] = [
            (&self.industry, &deal.industry, same),
            (size, &deal.size, same_size),
            (&self.competitor, &deal.competitor, same),
            (&self.stage, &deal.stage, same),
            (&self.language, &deal.language, same_language),
        ];
        let asks = asked.iter().any(|(wanted, ..)| !wanted.is_empty());
        let mut points = 0;
        for (wanted, known, fits) in asked {
            let (false, Some(known)) = (wanted.is_empty(), known) else { continue };
            if !wanted.iter().any(|w| fits(w, known)) {
                return None;
            }
            points += 1;
        }
        (points > 0 || !asks).then_some(points)
    }
}

fn same(a: &str, b: &str) -> bool {
    a.trim().to_lowercase() == b.trim().to_lowercase()
}

fn same_language(a: &str, b: &str) -> bool {
    let main = |tag: &str| tag.trim().split(['-', '_']).next().unwrap_or_default().to_lowercase();
    main(a) == main(b)
}

/// First and last number of employees of `120`, `11-200` or `1000+`.
fn range(size: &str) -> Option<(u64, u64)> {
    let clean: String = size.chars().filter(|c| !c.is_whitespace() && *c != ',').collect();
    if let Some(least) = clean.strip_suffix('+') {
        return Some((least.parse().ok()?, u64::MAX));
    }
    match clean.split_once(['-', '–']) {
        Some((least, most)) => Some((least.parse().ok()?, most.parse().ok()?)),
        None => clean.parse().ok().map(|n| (n, n)),
    }
}

fn same_size(a: &str, b: &str) -> bool {
    match (range(a), range(b)) {
        (Some(a), Some(b)) => a.0 <= b.1 && b.0 <= a.1,
        _ => same(a, b),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proof(text: &str, valid_until: Option<&str>) -> Proof {
        Proof { text: text.into(), valid_until: valid_until.map(|d| d.parse().unwrap()), ..Proof::default() }
    }

    #[test]
    fn a_proof_that_ran_out_is_not_shown() {
        let card = CardText {
            proofs: vec![proof("old", Some("2026-05-01")), proof("new", Some("2027-05-01"))],
            ..CardText::default()
        };
        let on = |day: &str| card.proof_on(day.parse().ok()).map(|p| p.text.as_str());
        assert_eq!(on("2026-05-01"), Some("old"), "its last day still counts");
        assert_eq!(on("2026-05-02"), Some("new"));
        assert_eq!(on("2027-05-02"), None);
        assert_eq!(card.proof_on(None).map(|p| p.text.as_str()), Some("old"));
        let card = CardText { proofs: vec![proof("runs out", Some("2026-05-01")), proof("stays", None)], ..card };
        assert_eq!(card.proof_on(None).map(|p| p.text.as_str()), Some("stays"));
    }

    fn variant(id: &str, ask: Option<&str>) -> Variant {
        Variant { id: id.into(), say: vec![format!("{id} says")], ask: ask.map(Into::into) }
    }

    #[test]
    fn a_call_keeps_its_wording_and_calls_share_them_out() {
        let mut card = CardText { say: vec!["own".into()], ask: Some("own?".into()), ..CardText::default() };
        assert_eq!(card.wording_for("p", Some("c")).id, None, "one wording needs no name");
        card.variants = vec![variant("b", None), variant("c", Some("c?"))];
        assert_eq!(card.wording_for("p", None), Wording { id: Some("base"), say: &card.say, ask: Some("own?") });
        let mut seen = std::collections::BTreeMap::<&str, u32>::new();
        for n in 0..300 {
            let call = format!("call-{n}");
            let wording = card.wording_for("p", Some(&call));
            assert_eq!(wording, card.wording_for("p", Some(&call)));
            *seen.entry(wording.id.unwrap()).or_default() += 1;
        }
        assert_eq!(seen.keys().copied().collect::<Vec<_>>(), ["b", "base", "c"]);
        // 300 draws of a third each: 100 on average, a standard deviation of 8.2; five of those on either side.
        assert!(seen.values().all(|n| (59..=141).contains(n)), "{seen:?}");
        let with = |id: &str| (0..99).map(|n| format!("{n}")).find(|c| card.wording_for("p", Some(c)).id == Some(id));
        assert_eq!(card.wording_for("p", with("b").as_deref()).ask, Some("own?"), "the card's own question");
        assert_eq!(card.wording_for("p", with("c").as_deref()).ask, Some("c?"));
        let differs = (0..99).map(|n| n.to_string());
        assert!(differs.into_iter().any(|c| card.wording_for("p", Some(&c)).id != card.wording_for("q", Some(&c)).id));
    }

    fn study(text: &str, industry: &[&str], size: Option<&str>, stage: &[&str]) -> CaseStudyText {
        let all = |values: &[&str]| values.iter().map(|v| (*v).to_owned()).collect();
        CaseStudyText {
            text: text.into(),
            source: "s".into(),
            industry: all(industry),
            size: size.map(Into::into),
            stage: all(stage),
            ..CaseStudyText::default()
        }
    }

    fn deal(industry: &str, size: &str, stage: &str) -> Deal {
        let some = |text: &str| Some(text.to_owned()).filter(|t| !t.is_empty());
        Deal { industry: some(industry), size: some(size), stage: some(stage), ..Deal::default() }
    }

    #[track_caller]
    fn chosen(studies: &[CaseStudyText], deal: &Deal, want: Option<&str>) {
        let card = CardText { case_studies: studies.to_vec(), ..CardText::default() };
        assert_eq!(card.case_study_for(deal).map(|s| s.text).as_deref(), want, "{deal:?}");
    }

    #[test]
    fn the_customer_most_like_the_buyer_is_shown() {
        let all = [
            study("any", &[], None, &[]),
            study("logistics", &["Logistics", "transport"], None, &[]),
            study("small logistics", &["logistics"], Some("11-200"), &[]),
            study("pilot", &[], None, &["pilot"]),
        ];
        chosen(&all, &Deal::default(), Some("any"));
        chosen(&all, &deal("logistics", "", ""), Some("logistics"));
        chosen(&all, &deal("TRANSPORT ", "", ""), Some("logistics"));
        chosen(&all, &deal("logistics", "150", ""), Some("small logistics"));
        chosen(&all, &deal("logistics", "5,000", ""), Some("logistics"));
        chosen(&all, &deal("health", "150", ""), Some("any"));
        chosen(&all, &deal("logistics", "", "pilot"), Some("logistics"));
        chosen(&all[1..], &deal("health", "", ""), None);
        chosen(&all[1..], &Deal::default(), None);
    }

    #[test]
    fn sizes_overlap_and_languages_have_regions() {
        let fits = |a: &str, b: &str| assert!(same_size(a, b) && same_size(b, a), "{a} {b}");
        let differ = |a: &str, b: &str| assert!(!same_size(a, b) && !same_size(b, a), "{a} {b}");
        fits("11-200", "200");
        fits("11 - 200", "150-900");
        fits("1000+", "5000");
        fits("Enterprise", "enterprise ");
        differ("11-200", "201");
        differ("1000+", "999");
        differ("enterprise", "150");
        assert!(same_language("en", "en-US") && !same_language("en", "de"));
    }
}
