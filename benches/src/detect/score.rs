//! Answers against labels: what was found, under which class, and what came though it should not have.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{
    data::{ANY_OBJECTION, Line, NONE, is_objection, labels},
    stats::{Calibration, Share, bootstrap, f1, round},
    systems::Answer,
};

/// Counts of one class.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Class {
    /// Of its lines, those with any objection's card.
    pub found: Share,
    /// Of its lines, those with a card of the class.
    pub recall: Share,
    /// Of the cards of the class, those on its lines.
    pub precision: Share,
}

/// How good answers are.
#[derive(Clone, Debug, Default)]
pub struct Scores {
    /// Of the cards for objections, those on objections.
    pub precision: Share,
    /// Of the objections, those with a card for an objection.
    pub recall: Share,
    /// Of the objections found, those under their own class.
    pub right_class: Share,
    /// Of the cards for objections, those on objections of their class.
    pub strict_precision: Share,
    /// Of the hard negatives, those with a card for an objection.
    pub hard: Share,
    /// The same by the class they are near to.
    pub hard_near: BTreeMap<String, Share>,
    /// Of the lines of other classes without being near anything, those with a card for an objection.
    pub easy: Share,
    /// By class.
    pub classes: BTreeMap<String, Class>,
    /// Lines by label and answer.
    pub confusion: BTreeMap<(String, String), u64>,
    /// Probabilities against truth, over lines where anything was likely.
    pub calibration: Calibration,
    /// 95 % of F1 and of the calibration error, by resampling lines.
    pub f1: (f64, f64, f64),
    /// Calibration error's interval.
    pub ece_interval: (f64, f64),
}

const ROUNDS: usize = 1_000;

impl Scores {
    /// Of `answers` to `lines`, in the same order.
    pub fn of(lines: &[Line], answers: &[Answer]) -> Self {
        let mut out = Self::default();
        for (line, answer) in lines.iter().zip(answers) {
            out.count(line, answer);
        }
        let kinds: Vec<(bool, bool)> =
            lines.iter().zip(answers).map(|(l, a)| (is_objection(&l.label), a.objects())).collect();
        let f1_of = |drawn: &mut dyn Iterator<Item = (bool, bool)>| {
            let (mut found, mut fired, mut there) = (0, 0, 0);
            for (is, said) in drawn {
                found += u64::from(is && said);
                fired += u64::from(said);
                there += u64::from(is);
            }
            f1(found, fired, there)
        };
        let (low, high) = bootstrap(kinds.len(), ROUNDS, |drawn| f1_of(&mut drawn.iter().map(|i| kinds[*i])));
        out.f1 = (f1_of(&mut kinds.iter().copied()), low, high);
        let told: Vec<(f64, bool)> = lines.iter().zip(answers).filter_map(|(l, a)| told(l, a)).collect();
        out.calibration = Calibration::of(told.iter().copied());
        out.ece_interval = bootstrap(told.len(), ROUNDS, |drawn| Calibration::of(drawn.iter().map(|i| told[*i])).ece);
        out
    }

    fn count(&mut self, line: &Line, answer: &Answer) {
        let (is, said) = (is_objection(&line.label), answer.objects());
        let got = answer.label.as_deref().unwrap_or(NONE);
        let right = got == line.label || line.label == ANY_OBJECTION && said;
        if said {
            self.precision.count(is);
            self.strict_precision.count(right);
        }
        if is {
            self.recall.count(said);
            if said && line.label != ANY_OBJECTION {
                self.right_class.count(right);
            }
        } else if let Some(near) = &line.near {
            self.hard.count(said);
            self.hard_near.entry(near.clone()).or_default().count(said);
        } else {
            self.easy.count(said);
        }
        let own = self.classes.entry(line.label.clone()).or_default();
        own.found.count(said);
        own.recall.count(right);
        self.classes.entry(got.to_owned()).or_default().precision.count(right);
        *self.confusion.entry((line.label.clone(), got.to_owned())).or_default() += 1;
    }

    /// Labels that occur, ours first and in their order.
    pub fn shown_labels(&self) -> Vec<String> {
        let known = labels().map(str::to_owned).filter(|l| self.classes.contains_key(l));
        let others = self.classes.keys().filter(|l| !labels().any(|k| k == l.as_str())).cloned();
        known.chain(others).collect()
    }

    /// For the record.
    pub fn json(&self) -> Value {
        let classes: Map<String, Value> = self
            .classes
            .iter()
            .map(|(l, c)| {
                let of = json!({
                    "found": c.found.json(), "recall": c.recall.json(), "precision": c.precision.json()
                });
                (l.clone(), of)
            })
            .collect();
        let near: Map<String, Value> = self.hard_near.iter().map(|(l, s)| (l.clone(), s.json())).collect();
        let confusion: Vec<Value> = self.confusion.iter().map(|((is, got), n)| json!([is, got, n])).collect();
        let bins: Vec<Value> = self
            .calibration
            .bins
            .iter()
            .map(|b| json!({ "n": b.n, "told": round(b.told), "right": round(b.right) }))
            .collect();
        json!({
            "precision": self.precision.json(),
            "recall": self.recall.json(),
            "right_class": self.right_class.json(),
            "precision_of_class": self.strict_precision.json(),
            "f1": { "value": round(self.f1.0), "low": round(self.f1.1), "high": round(self.f1.2) },
            "hard_negatives_fired": self.hard.json(),
            "hard_negatives_fired_near": near,
            "other_lines_fired": self.easy.json(),
            "classes": classes,
            "confusion": confusion,
            "calibration": { "bins": bins, "ece": round(self.calibration.ece),
                             "low": round(self.ece_interval.0), "high": round(self.ece_interval.1) },
        })
    }

    /// Prints all of it.
    pub fn print(&self) {
        println!("  precision                    {}", self.precision);
        println!("  recall                       {}", self.recall);
        println!("  right class, of those found  {}", self.right_class);
        println!("  card of the right class      {}", self.strict_precision);
        let (f1, low, high) = self.f1;
        println!("  F1                           {:5.1} %  ({:.1} to {:.1})", f1 * 100.0, low * 100.0, high * 100.0);
        println!("  hard negatives fired         {}", self.hard);
        println!("  other lines fired            {}", self.easy);
        println!(
            "\n  {:20} {:>5} {:>7} {:>7} {:>10} {:>14}",
            "class", "lines", "found", "recall", "precision", "near it fired"
        );
        for label in self.shown_labels() {
            let class = self.classes[&label];
            let percent = |s: Share| if s.n == 0 { "-".to_owned() } else { format!("{:.1} %", 100.0 * s.value()) };
            let near = self.hard_near.get(&label).map_or_else(String::new, |s| format!("{} of {}", s.k, s.n));
            println!(
                "  {label:20} {:>5} {:>7} {:>7} {:>10} {near:>14}",
                class.recall.n,
                percent(class.found),
                percent(class.recall),
                percent(class.precision)
            );
        }
        self.print_confusion();
        println!(
            "\n  calibration: error {:.3} ({:.3} to {:.3})",
            self.calibration.ece, self.ece_interval.0, self.ece_interval.1
        );
        println!("  {:>10} {:>6} {:>6} {:>6}", "told", "lines", "mean", "right");
        for (i, bin) in self.calibration.bins.iter().enumerate().filter(|(_, b)| b.n > 0) {
            let edge = i as f64 / 10.0;
            println!("  {edge:.1} to {:.1} {:>6} {:>6.2} {:>6.2}", edge + 0.1, bin.n, bin.told, bin.right);
        }
    }

    /// Rows are labels, columns answers; nothing where nothing is.
    fn print_confusion(&self) {
        let labels = self.shown_labels();
        println!("\n  label (row) and answer (column)");
        print!("  {:20}", "");
        labels.iter().for_each(|l| print!(" {:>4}", l.chars().take(4).collect::<String>()));
        println!();
        for row in labels.iter().filter(|l| self.classes[*l].recall.n > 0) {
            print!("  {row:20}");
            for column in &labels {
                match self.confusion.get(&(row.clone(), column.clone())) {
                    Some(n) => print!(" {n:>4}"),
                    None => print!(" {:>4}", "."),
                }
            }
            println!();
        }
    }
}

/// The probability of the likeliest class and whether it is the right one.
fn told(line: &Line, answer: &Answer) -> Option<(f64, bool)> {
    let sure = answer.likeliest.as_ref()?;
    let right = sure.label == line.label || line.label == ANY_OBJECTION && is_objection(&sure.label);
    Some((sure.score, right))
}

/// One setting of the threshold and what it gives.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// Score from which on a card comes.
    pub threshold: f64,
    /// Of the cards, those on objections.
    pub precision: Share,
    /// Of the objections, those found.
    pub recall: Share,
    /// Hard negatives with a card.
    pub hard: Share,
    /// False cards per hour of ordinary talk.
    pub per_hour: f64,
}

/// What other thresholds would give: `ordinary` are the objection scores of lines of ordinary talk of `hours`.
pub fn trade_off(lines: &[Line], answers: &[Answer], ordinary: &[f64], hours: f64) -> Vec<Point> {
    (1..=99)
        .map(|i| {
            let threshold = f64::from(i) / 100.0;
            let mut point = Point {
                threshold,
                precision: Share::default(),
                recall: Share::default(),
                hard: Share::default(),
                per_hour: ordinary.iter().filter(|s| **s >= threshold).count() as f64 / hours.max(1e-9),
            };
            for (line, answer) in lines.iter().zip(answers) {
                let (is, said) = (is_objection(&line.label), answer.objection_score() >= threshold);
                if said {
                    point.precision.count(is);
                }
                if is {
                    point.recall.count(said);
                } else if line.near.is_some() {
                    point.hard.count(said);
                }
            }
            point
        })
        .collect()
}

/// Every line that did not come out as labelled, for reading: label, near, answer, score, text.
pub fn misses(lines: &[Line], answers: &[Answer]) -> String {
    let mut out = String::new();
    for (line, answer) in lines.iter().zip(answers) {
        let got = answer.label.as_deref().unwrap_or(NONE);
        if got != line.label {
            let near = line.near.as_deref().unwrap_or("-");
            let sure = answer.likeliest.as_ref().map_or_else(String::new, |s| format!("{} {:.2}", s.label, s.score));
            out += &format!("{}\t{near}\t{got}\t{sure}\t{}\n", line.label, line.text);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detect::systems::Sure;

    fn line(label: &str, near: &str) -> Line {
        let near = (near != "-").then(|| near.to_owned());
        Line { label: label.into(), near, text: "x".into(), said: None, at: ("f".into(), 1) }
    }

    fn answer(label: &str, score: f64) -> Answer {
        let card = (score >= 0.6).then(|| label.to_owned());
        Answer { label: card, play: None, likeliest: Some(Sure { label: label.into(), score }) }
    }

    fn case() -> (Vec<Line>, Vec<Answer>) {
        let rows = [
            (line("price", "-"), answer("price", 0.9)),
            (line("price", "-"), answer("budget", 0.8)),
            (line("budget", "-"), answer("budget", 0.3)),
            (line("none", "price"), answer("price", 0.7)),
            (line("buying_signal", "price"), answer("buying_signal", 0.9)),
            (line("none", "-"), Answer::default()),
        ];
        rows.into_iter().unzip()
    }

    #[test]
    fn what_is_counted() {
        let (lines, answers) = case();
        let s = Scores::of(&lines, &answers);
        assert_eq!(s.precision, Share { k: 2, n: 3 });
        assert_eq!(s.recall, Share { k: 2, n: 3 });
        assert_eq!(s.right_class, Share { k: 1, n: 2 });
        assert_eq!(s.strict_precision, Share { k: 1, n: 3 });
        assert_eq!(s.hard, Share { k: 1, n: 2 });
        assert_eq!(s.easy, Share { k: 0, n: 1 });
        assert_eq!(s.classes["price"].precision, Share { k: 1, n: 2 });
        assert_eq!(s.classes["price"].recall, Share { k: 1, n: 2 });
        assert_eq!(s.classes["price"].found, Share { k: 2, n: 2 });
        assert_eq!(s.classes["buying_signal"].recall, Share { k: 1, n: 1 });
        assert_eq!(s.confusion[&("price".to_owned(), "budget".to_owned())], 1);
        assert_eq!(s.confusion.values().sum::<u64>(), 6);
        assert_eq!(s.calibration.bins.iter().map(|b| b.n).sum::<u64>(), 5);
        assert!((s.f1.0 - 2.0 / 3.0).abs() < 1e-9);
    }

    #[test]
    fn an_objection_of_untold_class_is_right_under_any() {
        let s = Scores::of(&[line("objection", "-")], &[answer("roi", 0.9)]);
        assert_eq!((s.recall, s.precision, s.right_class.n), (Share { k: 1, n: 1 }, Share { k: 1, n: 1 }, 0));
    }

    #[test]
    fn thresholds() {
        let (lines, answers) = case();
        let points = trade_off(&lines, &answers, &[0.0, 0.65, 0.95], 2.0);
        let at = |t: f64| points[(t * 100.0).round() as usize - 1];
        assert_eq!((at(0.2).recall, at(0.2).precision), (Share { k: 3, n: 3 }, Share { k: 3, n: 4 }));
        assert_eq!((at(0.75).recall, at(0.75).precision), (Share { k: 2, n: 3 }, Share { k: 2, n: 2 }));
        assert_eq!((at(0.75).hard, at(0.2).hard), (Share { k: 0, n: 2 }, Share { k: 1, n: 2 }));
        assert_eq!((at(0.6).per_hour, at(0.7).per_hour, at(0.99).per_hour), (1.0, 0.5, 0.0));
    }

    #[test]
    fn misses_are_written_down() {
        let (lines, answers) = case();
        let text = misses(&lines, &answers);
        assert_eq!(text.lines().count(), 3);
        assert!(text.starts_with("price\t-\tbudget\tbudget 0.80\tx\n"), "{text}");
    }
}
