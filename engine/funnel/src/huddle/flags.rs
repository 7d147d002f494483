//! Which flags were right, and what came without one.

use reframe_workflow::system::RecordRef;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Moment, Topic};

/// How long before a bad turn a flag counts as having warned of it, in ms: a quarter of 91 days. The playbook wants risk
/// flagged 6 to 8 weeks ahead; a flag older than a quarter warned of another quarter's deal.
const WARNS_FOR_MS: i64 = 91 * crate::words::DAY_MS;

/// Something that was flagged in a deal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Flag {
    /// The deal.
    pub deal: RecordRef,
    /// Which rule raised it: `risk/no-executive-sponsor`.
    pub rule: String,
    /// The proposal or artifact it stands in.
    pub link: String,
    /// When it was raised, in ms since 1970-01-01 UTC.
    pub raised_unix_ms: i64,
    /// When it was taken back or mended; nothing: it stands.
    pub cleared_unix_ms: Option<i64>,
}

/// A turn for the worse: a deal that was lost, slipped or went quiet, as the system of record has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Turn {
    /// The deal.
    pub deal: RecordRef,
    /// When, in ms since 1970-01-01 UTC.
    pub at_unix_ms: i64,
    /// In a few words: `lost`, `close date moved to 2026-06-30`.
    pub says: String,
}

/// Each bad turn as a flag that was right, or as one that was missed. Right is a flag that was raised before the turn and
/// still stood, at most 91 days old; of several the oldest is named. A flag that nothing came of yet is in neither.
#[must_use]
pub fn judge(flags: &[Flag], turns: &[Turn]) -> Vec<Moment> {
    let judged = turns.iter().map(|turn| {
        let warned = |f: &&Flag| {
            f.deal == turn.deal
                && f.raised_unix_ms < turn.at_unix_ms
                && turn.at_unix_ms.saturating_sub(f.raised_unix_ms) <= WARNS_FOR_MS
                && f.cleared_unix_ms.is_none_or(|at| at > turn.at_unix_ms)
        };
        let flag = flags.iter().filter(warned).min_by_key(|f| (f.raised_unix_ms, &f.link));
        let deal = turn.deal.to_string();
        match flag {
            Some(flag) => Moment {
                at_unix_ms: turn.at_unix_ms,
                topic: Topic::FlagRight,
                links: vec![flag.link.clone(), deal],
                says: format!("{}: {}", flag.rule, turn.says),
            },
            None => Moment {
                at_unix_ms: turn.at_unix_ms,
                topic: Topic::FlagMissed,
                links: vec![deal],
                says: turn.says.clone(),
            },
        }
    });
    judged.collect()
}

#[cfg(test)]
mod tests {
    use reframe_workflow::system::RecordKind;

    use super::*;

    #[test]
    fn a_flag_is_right_if_it_stood_before_the_turn() {
        let deal = |id: &str| RecordRef { system: "local".into(), kind: RecordKind::Deal, id: id.into() };
        let flag = |id: &str, link: &str, raised, cleared| Flag {
            deal: deal(id),
            rule: "risk/x".into(),
            link: link.into(),
            raised_unix_ms: raised,
            cleared_unix_ms: cleared,
        };
        let at = WARNS_FOR_MS + 10;
        let turn = |id: &str| Turn { deal: deal(id), at_unix_ms: at, says: "lost".into() };
        let flags = [
            flag("1", "b", 200, None),
            flag("1", "a", 100, None),
            flag("2", "taken back", 100, Some(200)),
            flag("3", "too late", at, None),
            flag("4", "too old", 9, None),
            flag("5", "just", 10, Some(at + 1)),
        ];
        for (id, link) in [("1", Some("a")), ("2", None), ("3", None), ("4", None), ("5", Some("just")), ("6", None)] {
            let moment = &judge(&flags, &[turn(id)])[0];
            let right = (moment.topic == Topic::FlagRight).then(|| moment.links[0].as_str());
            assert_eq!(right, link, "deal {id}");
        }
    }
}
