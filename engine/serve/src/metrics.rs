//! Numbers for operators in the Prometheus text format: counters and gauges kept here, and sources asked when read.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
};

/// A number that only grows. Cheap to clone; clones count together.
#[derive(Clone, Debug, Default)]
pub struct Counter(Arc<AtomicU64>);

impl Counter {
    /// Adds one.
    pub fn inc(&self) {
        self.add(1);
    }

    /// Adds `n`.
    pub fn add(&self, n: u64) {
        self.0.fetch_add(n, Ordering::Relaxed);
    }

    /// The count so far.
    #[must_use]
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A number that goes up and down. Cheap to clone; clones share one value.
#[derive(Clone, Debug, Default)]
pub struct Gauge(Arc<AtomicI64>);

impl Gauge {
    /// Sets the value.
    pub fn set(&self, value: i64) {
        self.0.store(value, Ordering::Relaxed);
    }

    /// Adds `n`, which may be negative.
    pub fn add(&self, n: i64) {
        self.0.fetch_add(n, Ordering::Relaxed);
    }

    /// The present value.
    #[must_use]
    pub fn get(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }
}

enum Value {
    Counter(Counter),
    Gauge(Gauge),
}

struct Family {
    help: String,
    kind: Kind,
    members: BTreeMap<String, Value>,
}

type Source = Box<dyn Fn(&mut MetricsText) + Send + Sync>;

#[derive(Default)]
struct Registry {
    families: BTreeMap<String, Family>,
    sources: Vec<Source>,
}

/// All numbers of a process. Cheap to clone; clones share one registry.
#[derive(Clone, Default)]
pub struct Metrics(Arc<Mutex<Registry>>);

impl std::fmt::Debug for Metrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

impl Metrics {
    /// An empty registry.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The counter of this name and these labels; made on first use. By convention the name ends in `_total`.
    ///
    /// # Panics
    /// If `name` is a gauge already: two parts of the program disagree about one number.
    #[must_use]
    pub fn counter(&self, name: &str, help: &str, labels: &[(&str, &str)]) -> Counter {
        self.with(
            name,
            help,
            Kind::Counter,
            labels,
            || Value::Counter(Counter::default()),
            |value| match value {
                Value::Counter(counter) => Some(counter.clone()),
                Value::Gauge(_) => None,
            },
        )
    }

    /// The gauge of this name and these labels; made on first use.
    ///
    /// # Panics
    /// If `name` is a counter already: two parts of the program disagree about one number.
    #[must_use]
    pub fn gauge(&self, name: &str, help: &str, labels: &[(&str, &str)]) -> Gauge {
        self.with(
            name,
            help,
            Kind::Gauge,
            labels,
            || Value::Gauge(Gauge::default()),
            |value| match value {
                Value::Gauge(gauge) => Some(gauge.clone()),
                Value::Counter(_) => None,
            },
        )
    }

    /// Asks `source` for more numbers whenever somebody reads, for what is kept elsewhere: histograms, queue lengths.
    /// It must not block, nor read this registry.
    pub fn source(&self, source: impl Fn(&mut MetricsText) + Send + Sync + 'static) {
        self.lock().sources.push(Box::new(source));
    }

    /// Everything as Prometheus text.
    #[must_use]
    pub fn render(&self) -> String {
        let registry = self.lock();
        let mut text = MetricsText::default();
        for (name, family) in &registry.families {
            text.family(name, family.kind, &family.help);
            for (labels, value) in &family.members {
                match value {
                    Value::Counter(counter) => text.line(name, labels, counter.get()),
                    Value::Gauge(gauge) => text.line(name, labels, gauge.get()),
                }
            }
        }
        for source in &registry.sources {
            source(&mut text);
        }
        text.out
    }

    fn with<T>(
        &self,
        name: &str,
        help: &str,
        kind: Kind,
        labels: &[(&str, &str)],
        make: impl FnOnce() -> Value,
        pick: impl FnOnce(&Value) -> Option<T>,
    ) -> T {
        let mut registry = self.lock();
        let family = registry.families.entry(name.to_owned()).or_insert_with(|| Family {
            help: help.to_owned(),
            kind,
            members: BTreeMap::new(),
        });
        assert!(family.kind == kind, "metric `{name}` is used as two kinds of number");
        let value = family.members.entry(label_text(labels)).or_insert_with(make);
        pick(value).expect("all members of a family are of its kind")
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Registry> {
        // Every change is a single insert, so a registry is whole even after a panic elsewhere.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a number means to Prometheus.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Only grows.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Quantiles, a sum and a count.
    Summary,
}

/// Writes Prometheus text.
#[derive(Debug, Default)]
pub struct MetricsText {
    out: String,
}

impl MetricsText {
    /// Heads a family; its samples must follow at once.
    pub fn family(&mut self, name: &str, kind: Kind, help: &str) {
        let kind = match kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Summary => "summary",
        };
        let help = help.replace('\\', r"\\").replace('\n', r"\n");
        writeln!(self.out, "# HELP {name} {help}\n# TYPE {name} {kind}").expect("writing to a String cannot fail");
    }

    /// One number of the family headed last.
    pub fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: f64) {
        self.line(name, &label_text(labels), value);
    }

    /// Quantiles (0..=1, value), sum and count of one thing measured, in the unit the name ends in (`_seconds`).
    /// Head the family first with [`Kind::Summary`].
    pub fn summary(&mut self, name: &str, labels: &[(&str, &str)], quantiles: &[(f64, f64)], sum: f64, count: u64) {
        for (quantile, value) in quantiles {
            let quantile = quantile.to_string();
            let mut all = labels.to_vec();
            all.push(("quantile", &quantile));
            self.line(name, &label_text(&all), value);
        }
        let labels = label_text(labels);
        self.line(&format!("{name}_sum"), &labels, sum);
        self.line(&format!("{name}_count"), &labels, count);
    }

    fn line(&mut self, name: &str, labels: &str, value: impl std::fmt::Display) {
        writeln!(self.out, "{name}{labels} {value}").expect("writing to a String cannot fail");
    }
}

fn label_text(labels: &[(&str, &str)]) -> String {
    if labels.is_empty() {
        return String::new();
    }
    let pairs: Vec<String> = labels
        .iter()
        .map(|(key, value)| {
            format!("{key}=\"{}\"", value.replace('\\', r"\\").replace('"', "\\\"").replace('\n', r"\n"))
        })
        .collect();
    format!("{{{}}}", pairs.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn renders_families_and_sources() {
        let metrics = Metrics::new();
        let cards = metrics.counter("cards_total", "Cards.", &[("label", "pri\"ce")]);
        cards.add(2);
        metrics.counter("cards_total", "Cards.", &[("label", "pri\"ce")]).inc();
        metrics.gauge("calls", "Calls.", &[]).set(-1);
        metrics.source(|text| {
            text.family("card_seconds", Kind::Summary, "Time.");
            text.summary("card_seconds", &[("stage", "all")], &[(0.5, 0.25), (0.99, 1.5)], 3.0, 4);
        });
        let expected = "# HELP calls Calls.\n# TYPE calls gauge\ncalls -1\n\
            # HELP cards_total Cards.\n# TYPE cards_total counter\ncards_total{label=\"pri\\\"ce\"} 3\n\
            # HELP card_seconds Time.\n# TYPE card_seconds summary\n\
            card_seconds{stage=\"all\",quantile=\"0.5\"} 0.25\ncard_seconds{stage=\"all\",quantile=\"0.99\"} 1.5\n\
            card_seconds_sum{stage=\"all\"} 3\ncard_seconds_count{stage=\"all\"} 4\n";
        assert_eq!(metrics.render(), expected);
    }

    #[test]
    #[should_panic(expected = "two kinds")]
    fn one_name_is_one_kind() {
        let metrics = Metrics::new();
        drop(metrics.counter("x", "", &[]));
        drop(metrics.gauge("x", "", &[]));
    }
}
