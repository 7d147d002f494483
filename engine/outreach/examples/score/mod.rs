//! How well answers are read: a table, macro F1, wishes that are not suppressed, each share with its interval.

use reframe_call::wilson;
use reframe_outreach::reply::{By, CLASSES, Class, Reading, Wish};

use super::sets::Reply;

const N: usize = CLASSES.len();
/// Columns of the table: the classes, uncertain, a mail that came back.
const COLUMNS: usize = N + 2;
/// Samples of the bootstrap.
const SAMPLES: usize = 2000;

/// Answers with what a person says of them and how they were read.
pub struct Scored<'a> {
    read: Vec<(&'a Reply, Reading)>,
    cells: Vec<(usize, usize)>,
}

impl<'a> Scored<'a> {
    /// With what the model is less sure of than `threshold` as uncertain too.
    pub fn of(read: Vec<(&'a Reply, Reading)>, threshold: f32) -> Self {
        let cells = read.iter().map(|(reply, r)| {
            let place = |class: Class| CLASSES.iter().position(|c| *c == class).unwrap_or(N + 1);
            let unsure = r.class == Class::Uncertain || r.by == By::Model && r.confidence < threshold;
            (reply.class(), if unsure { N } else { place(r.likely) })
        });
        Self { cells: cells.collect(), read }
    }

    /// Macro F1; what is uncertain counts as missed.
    #[allow(dead_code)]
    pub fn f1(&self) -> f64 {
        mean(&each(&self.cells, false))
    }

    /// Prints the figures; with `wrong` also the ids of what was read wrong.
    pub fn print(&self, wrong: bool) {
        let n = self.cells.len();
        let unsure = self.cells.iter().filter(|c| c.1 == N).count();
        let low = self.read.iter().zip(&self.cells).filter(|((_, r), c)| {
            c.1 != N
                && r.wish != Wish::Chance
                && matches!(r.likely, Class::Ooo | Class::WrongPerson | Class::Unsubscribe)
        });
        println!("n {n}; uncertain {}; low-stakes {}", share(unsure, n), share(low.count(), n));
        for (decided, what) in [(false, "uncertain counts as missed"), (true, "of the decided")] {
            let (from, to) = bootstrap(&self.cells, decided);
            println!("macro F1 {:.3} [{from:.3}, {to:.3}] ({what})", mean(&each(&self.cells, decided)));
        }
        let held = |r: &Reading| r.class == Class::Unsubscribe || r.wish != Wish::None;
        let wishes = || self.read.iter().filter(|(reply, _)| reply.label == Class::Unsubscribe);
        let (kept, all) = (wishes().filter(|(_, r)| held(r)).count(), wishes().count());
        let others = self.read.iter().filter(|(reply, r)| reply.label != Class::Unsubscribe && held(r)).count();
        println!("wishes suppressed {}; others too {}", share(kept, all), share(others, n - all));
        let names = CLASSES.map(|c| format!("{:>5}", c.as_str().get(..4).unwrap_or(c.as_str())));
        println!("{:<17}{}  unc bnc    F1  of the decided", "", names.concat());
        let (of_all, of_decided) = (each(&self.cells, false), each(&self.cells, true));
        for (c, class) in CLASSES.iter().enumerate() {
            let cell = |to: usize| format!("{:>5}", self.cells.iter().filter(|x| **x == (c, to)).count());
            let row: String = (0..COLUMNS).map(cell).collect();
            println!("{:<17}{row}  {:.3}  {:.3}", class.as_str(), of_all[c], of_decided[c]);
        }
        for (reply, r) in wishes().filter(|(_, r)| !held(r)) {
            println!("NOT SUPPRESSED {} read as {}", reply.id, r.likely.as_str());
        }
        for ((reply, r), (is, read)) in self.read.iter().zip(&self.cells) {
            if wrong && is != read {
                let (label, likely) = (reply.label.as_str(), r.likely.as_str());
                println!("{} is {label} read as {likely} ({:?} {:.2})", reply.id, r.by, r.confidence);
            }
        }
    }
}

/// F1 of each class.
fn each(cells: &[(usize, usize)], decided: bool) -> Vec<f64> {
    let one = |c: usize| {
        let hit = cells.iter().filter(|x| **x == (c, c)).count();
        let is = cells.iter().filter(|x| x.0 == c && !(decided && x.1 == N)).count();
        let said = cells.iter().filter(|x| x.1 == c).count();
        if is + said == 0 { 0.0 } else { 2.0 * hit as f64 / (is + said) as f64 }
    };
    (0..N).map(one).collect()
}

fn mean(list: &[f64]) -> f64 {
    list.iter().sum::<f64>() / list.len() as f64
}

/// The middle 95 % of macro F1 over answers drawn anew (percentile bootstrap, Efron 1979), by a generator of fixed seed.
fn bootstrap(cells: &[(usize, usize)], decided: bool) -> (f64, f64) {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut draw = || {
        // xorshift64* (Vigna 2016).
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        usize::try_from(state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33).expect("31 bits") % cells.len().max(1)
    };
    let mut drawn: Vec<f64> = (0..SAMPLES)
        .map(|_| mean(&each(&(0..cells.len()).map(|_| cells[draw()]).collect::<Vec<_>>(), decided)))
        .collect();
    drawn.sort_by(f64::total_cmp);
    (drawn[SAMPLES / 40], drawn[SAMPLES - 1 - SAMPLES / 40])
}

/// A share with Wilson's 95 % interval.
fn share(k: usize, n: usize) -> String {
    let (k64, n64) = (u64::try_from(k).unwrap_or(u64::MAX), u64::try_from(n).unwrap_or(u64::MAX));
    let (from, to) = wilson::interval(k64, n64);
    let percent = 100.0 * k as f64 / n.max(1) as f64;
    format!("{k} of {n} ({percent:.1} %) [{:.1}, {:.1}]", 100.0 * from, 100.0 * to)
}
