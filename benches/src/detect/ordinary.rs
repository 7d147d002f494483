//! False cards: what comes up in hours of talk in which nothing is objected to.

use reframe_call::detect::Detector;
use serde_json::{Value, json};

use super::{
    data::{Talk, is_objection},
    stats::{poisson_upper, round},
    stream::follow,
};

/// Cards in talk without objections.
#[derive(Clone, Debug, Default)]
pub struct FalseCards {
    /// What was talked about.
    pub name: String,
    /// Length when spoken.
    pub hours: f64,
    /// Cards for objections that stayed.
    pub standing: u64,
    /// Cards for objections that were taken back within the sentence.
    pub taken_back: u64,
    /// Cards for what is no objection: a price asked for, a next step.
    pub others: u64,
    /// Lines with a card that stayed, and its class.
    pub lines: Vec<(String, String)>,
}

impl FalseCards {
    /// In `talk`, heard word by word.
    pub fn of(detector: &mut Detector, talk: &Talk) -> Self {
        let mut out = Self { name: talk.name.to_owned(), hours: talk.hours(), ..Self::default() };
        detector.begin();
        for line in &talk.lines {
            if line.is_empty() {
                // Another meeting: what the last one was like says nothing about it.
                detector.begin();
            }
            for shown in follow(detector, line) {
                match (is_objection(&shown.label), shown.taken_back) {
                    (true, false) => {
                        out.standing += 1;
                        out.lines.push((shown.label, line.clone()));
                    }
                    (true, true) => out.taken_back += 1,
                    (false, _) => out.others += 1,
                }
            }
        }
        out
    }

    /// Those of several kinds of talk together.
    pub fn sum(of: &[Self]) -> Self {
        let mut out = Self { name: "all".to_owned(), ..Self::default() };
        for one in of {
            out.hours += one.hours;
            out.standing += one.standing;
            out.taken_back += one.taken_back;
            out.others += one.others;
        }
        out
    }

    /// Cards that stayed per hour, and the exact upper 95 % bound of their rate.
    pub fn per_hour(&self) -> (f64, f64) {
        let hours = self.hours.max(1e-9);
        (self.standing as f64 / hours, poisson_upper(self.standing) / hours)
    }

    /// For the record.
    pub fn json(&self) -> Value {
        let (rate, bound) = self.per_hour();
        json!({
            "talk": self.name,
            "hours": round(self.hours),
            "cards": self.standing,
            "per_hour": round(rate),
            "per_hour_upper_95": round(bound),
            "taken_back": self.taken_back,
            "cards_for_no_objection": self.others,
        })
    }

    /// Prints it in a line.
    pub fn print(&self) {
        let (rate, bound) = self.per_hour();
        println!(
            "  {:12} {:6.2} h: {:4} cards, {rate:6.2} per hour (95 % upper bound {bound:.2}); {} taken back, {} for no objection",
            self.name, self.hours, self.standing, self.taken_back, self.others
        );
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::detect::playbooks;

    #[test]
    fn cards_and_hours_are_counted() {
        let mut detector = Detector::new(playbooks::built_in().unwrap(), None);
        let lines = ["good morning", "well that is too expensive for us", "yes"].map(str::to_owned);
        let talk = Talk { name: "t", lines: lines.to_vec() };
        let got = FalseCards::of(&mut detector, &talk);
        assert_eq!((got.standing, got.lines.len()), (1, 1));
        assert!((got.hours - 10.0 / 9_500.0).abs() < 1e-9);
        let sum = FalseCards::sum(&[got.clone(), got]);
        assert_eq!(sum.standing, 2);
        let (rate, bound) = sum.per_hour();
        assert!((rate - 950.0).abs() < 1e-6 && bound > 2_900.0, "{rate} {bound}");
    }
}
