//! Precision, recall and F1, with intervals from drawing the sentences anew.

/// What a threshold gives.
#[derive(Clone, Copy, Default)]
pub struct Counts {
    /// Said to ask, and do.
    pub hits: usize,
    /// Said to ask.
    pub said: usize,
    /// Do ask.
    pub asks: usize,
}

impl Counts {
    /// Of margins and labels, yes from `threshold`.
    pub fn at(scored: &[(f32, bool)], threshold: f32) -> Self {
        let mut counts = Self::default();
        scored.iter().for_each(|(m, asks)| counts.add(*m >= threshold, *asks));
        counts
    }

    fn add(&mut self, said: bool, asks: bool) {
        self.hits += usize::from(said && asks);
        self.said += usize::from(said);
        self.asks += usize::from(asks);
    }

    pub fn precision(self) -> f64 {
        self.hits as f64 / self.said.max(1) as f64
    }

    pub fn recall(self) -> f64 {
        self.hits as f64 / self.asks.max(1) as f64
    }

    pub fn f1(self) -> f64 {
        2.0 * self.hits as f64 / (self.said + self.asks).max(1) as f64
    }
}

/// The middle 95 % of the F1 of `a`, and of how much it is above that of `b`, over 10,000 draws of the same sentences
/// for both.
pub fn intervals(a: &[(bool, bool)], b: &[(bool, bool)]) -> ([f64; 2], [f64; 2]) {
    let mut random = 0x0139_408d_cbbf_7a44_u64;
    let (mut alone, mut above) = (Vec::new(), Vec::new());
    for _ in 0..10_000 {
        let (mut x, mut y) = (Counts::default(), Counts::default());
        for _ in 0..a.len() {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            let i = (random % a.len() as u64) as usize;
            x.add(a[i].0, a[i].1);
            y.add(b[i].0, b[i].1);
        }
        alone.push(x.f1());
        above.push(x.f1() - y.f1());
    }
    (middle(alone), middle(above))
}

fn middle(mut values: Vec<f64>) -> [f64; 2] {
    values.sort_by(f64::total_cmp);
    let at = |share: f64| values[((values.len() - 1) as f64 * share).round() as usize];
    [at(0.025), at(0.975)]
}
