//! One number of a record: value, unit, how sure, of how many, and the goal.

/// What a number is in, and so how it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Milliseconds.
    Ms,
    /// Microseconds.
    Us,
    /// Percent.
    Percent,
    /// Times an hour.
    PerHour,
    /// Mebibytes.
    Mib,
    /// Times as much or as many.
    Times,
    /// How many.
    Count,
    /// Instructions of the processor.
    Instructions,
}

impl Unit {
    /// A value with its unit, with as many digits as can be told apart.
    pub fn write(self, value: f64) -> String {
        let number = number(value);
        match self {
            Self::Ms if value >= 10_000.0 => format!("{} s", self::number(value / 1e3)),
            Self::Ms => format!("{number} ms"),
            Self::Us => format!("{number} µs"),
            Self::Percent => format!("{number} %"),
            Self::PerHour => format!("{number} an hour"),
            Self::Mib => format!("{number} MiB"),
            Self::Times => format!("{number} ×"),
            Self::Count => format!("{value:.0}"),
            Self::Instructions if value >= 1e6 => format!("{} M", self::number(value / 1e6)),
            Self::Instructions => format!("{value:.0}"),
        }
    }
}

/// Three digits that mean something.
pub fn number(value: f64) -> String {
    match value.abs() {
        0.0 => "0".to_owned(),
        v if v >= 99.95 => format!("{value:.0}"),
        v if v >= 9.995 => format!("{value:.1}"),
        v if v >= 0.1 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}

/// One number of a record.
#[derive(Clone, Debug, PartialEq)]
pub struct Figure {
    /// What it is; the same in every record of its command.
    pub name: String,
    /// How it is written.
    pub unit: Unit,
    /// The number.
    pub value: f64,
    /// 95 % interval.
    pub range: Option<(f64, f64)>,
    /// Of how many; never empty.
    pub n: String,
    /// What was set out for, and whether it is a least (`true`) or a most.
    pub goal: Option<(f64, bool)>,
    /// More of it is better.
    pub more_is_better: bool,
    /// Stands in README.
    pub front: bool,
}

impl Figure {
    /// A figure with neither interval nor goal, of which less is better.
    pub fn new(name: impl Into<String>, unit: Unit, value: f64, n: impl Into<String>) -> Self {
        let (name, n) = (name.into(), n.into());
        Self { name, unit, value, range: None, n, goal: None, more_is_better: false, front: false }
    }

    /// The same, in README too.
    pub const fn front(mut self) -> Self {
        self.front = true;
        self
    }

    /// The same, of which more is better.
    pub const fn more(mut self) -> Self {
        self.more_is_better = true;
        self
    }

    /// The same, with a goal it should not pass.
    pub const fn at_most(mut self, goal: f64) -> Self {
        self.goal = Some((goal, false));
        self
    }

    /// The same, with a goal it should reach.
    pub const fn at_least(mut self, goal: f64) -> Self {
        self.goal = Some((goal, true));
        self.more_is_better = true;
        self
    }

    /// The same, with its 95 % interval.
    pub const fn between(mut self, low: f64, high: f64) -> Self {
        self.range = Some((low, high));
        self
    }

    /// Whether the goal is met, if there is one.
    pub fn met(&self) -> Option<bool> {
        self.goal.map(|(goal, least)| if least { self.value >= goal } else { self.value <= goal })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_the_digits_they_are_worth() {
        for (value, unit, written) in [
            (436.23, Unit::Ms, "436 ms"),
            (120_000.0, Unit::Ms, "120 s"),
            (99.96, Unit::Percent, "100 %"),
            (19.07, Unit::Percent, "19.1 %"),
            (0.0, Unit::PerHour, "0 an hour"),
            (7.1966, Unit::PerHour, "7.20 an hour"),
            (0.0184, Unit::Percent, "0.018 %"),
            (12_345_678.0, Unit::Instructions, "12.3 M"),
            (20.0, Unit::Count, "20"),
        ] {
            assert_eq!(unit.write(value), written);
        }
    }
}
