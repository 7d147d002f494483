//! How the stand-in misbehaves, and when.

use serde::{Deserialize, Serialize};

use super::wire::Request;

/// A way of misbehaving.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// The token has run out: 401, and it stays so for this token.
    TokenExpired,
    /// 429, the short window.
    RateShort,
    /// 429, the day's allowance.
    RateDaily,
    /// 423, wait two seconds.
    Locked,
    /// 477, being moved; `Retry-After: 60`.
    Moving,
    /// 500 before anything was done.
    ErrorBefore,
    /// 500 after it was done.
    ErrorAfter,
    /// 502 with a page of HTML, before anything was done.
    GatewayBefore,
    /// 502 with a page of HTML, after it was done.
    GatewayAfter,
    /// 503 in the vendor's own words, before anything was done.
    Unavailable,
    /// 403 with a page of HTML: something between lets nothing through.
    Page,
    /// The connection is dropped before anything was done.
    DropBefore,
    /// The connection is dropped after it was done.
    DropAfter,
    /// Done, but answered after [`SLOW_MS`].
    SlowAfter,
    /// Done, and answered with JSON that breaks off.
    Malformed,
}

/// How long a slow answer takes, in ms of everybody's clock: tests set their patience shorter.
pub const SLOW_MS: u64 = 1_500;

impl Fault {
    /// All of them.
    pub const ALL: [Self; 15] = [
        Self::TokenExpired,
        Self::RateShort,
        Self::RateDaily,
        Self::Locked,
        Self::Moving,
        Self::ErrorBefore,
        Self::ErrorAfter,
        Self::GatewayBefore,
        Self::GatewayAfter,
        Self::Unavailable,
        Self::Page,
        Self::DropBefore,
        Self::DropAfter,
        Self::SlowAfter,
        Self::Malformed,
    ];

    /// Whether the request takes effect all the same.
    #[must_use]
    pub const fn commits(self) -> bool {
        matches!(self, Self::ErrorAfter | Self::GatewayAfter | Self::DropAfter | Self::SlowAfter | Self::Malformed)
    }
}

/// When a fault is met.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Only requests of this method.
    #[serde(default)]
    pub method: Option<String>,
    /// Only requests whose path holds this.
    #[serde(default)]
    pub path: String,
    /// How many of those pass before.
    #[serde(default)]
    pub skip: u32,
    /// How many then meet it.
    #[serde(default = "once")]
    pub times: u32,
    /// The fault.
    pub fault: Fault,
}

const fn once() -> u32 {
    1
}

impl Rule {
    /// The next request of this method whose path holds `path`.
    #[must_use]
    pub fn next(method: &str, path: &str, fault: Fault) -> Self {
        Self { method: Some(method.to_owned()), path: path.to_owned(), skip: 0, times: 1, fault }
    }
}

/// What is to go wrong.
#[derive(Debug)]
pub struct Script {
    rules: Vec<Rule>,
    percent: u64,
    lots: u64,
}

impl Script {
    pub const fn new(percent: u8, seed: u64) -> Self {
        Self { rules: Vec::new(), percent: percent as u64, lots: seed }
    }

    pub fn add(&mut self, rules: impl IntoIterator<Item = Rule>) {
        self.rules.extend(rules);
    }

    /// The fault this request meets.
    pub fn pick(&mut self, request: &Request) -> Option<Fault> {
        for rule in &mut self.rules {
            let method = rule.method.as_ref().is_none_or(|m| *m == request.method);
            if !method || !request.path.contains(&rule.path) || rule.times == 0 {
                continue;
            }
            if rule.skip > 0 {
                rule.skip -= 1;
                continue;
            }
            rule.times -= 1;
            return Some(rule.fault);
        }
        let drawn = self.draw() % 100 < self.percent;
        let which = self.draw() as usize % Fault::ALL.len();
        drawn.then_some(Fault::ALL[which])
    }

    /// SplitMix64 (Steele, Lea and Flood, 2014).
    fn draw(&mut self) -> u64 {
        self.lots = self.lots.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.lots;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }
}
