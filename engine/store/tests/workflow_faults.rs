//! Seeded fault runs of the outbox: nothing unapproved, nothing twice, nothing lost; and each broken rule is seen.
#![allow(clippy::unwrap_used)]

use crate::faults::{Verdict, run, world::Planted};

fn runs(seeds: std::ops::Range<u64>, planted: Planted) -> Verdict {
    let mut all = Verdict::default();
    for seed in seeds {
        all.add(run(seed, planted, None));
    }
    all
}

#[test]
fn in_memory_nothing_is_unapproved_duplicate_or_lost() {
    let mut all = runs(0..400, Planted::Nothing);
    // Rare among chance's own: an approval that ran out, then the same change approved for a newer version of its target.
    for seed in [48_999, 66_904, 96_161] {
        all.add(run(seed, Planted::Nothing, None));
    }
    println!("{all:#?}");
    assert!(all.is_clean(), "{all:#?}");
    assert!(all.writes > 300 && all.done == all.writes, "the runs must get as far as writing: {all:?}");
    // Chance must have tried everything there is.
    assert!(!all.faults.contains_key("ended: otherwise"), "{all:#?}");
    for fault in [
        "time-out before commit",
        "time-out after commit",
        "time-out, commit later",
        "429 before commit",
        "429 after commit",
        "500 before commit",
        "500 after commit",
        "connection refused",
        "connection dropped",
        "killed before commit",
        "killed after commit",
        "killed, commit later",
        "killed in search",
        "killed before a commit of ours",
        "killed after a commit of ours",
        "search unreachable",
        "search 429",
        "search slow",
        "target changed",
        "double click",
        "two approvers",
        "edited",
        "rejected",
        "revoked",
        "clock set",
        "refused for good",
        "ended: void, expired",
        "ended: void, edited",
        "ended: void, taken back",
        "ended: void, target changed",
        "ended: failed",
    ] {
        assert!(all.faults.contains_key(fault), "never happened: {fault}");
    }
}

#[test]
fn in_a_file_that_is_opened_anew_after_each_death_it_is_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let mut all = Verdict::default();
    for seed in 0..8 {
        let file = folder.path().join(format!("{seed}.db"));
        let in_file = run(seed, Planted::Nothing, Some(&file));
        let in_memory = run(seed, Planted::Nothing, None);
        assert_eq!((in_file.writes, in_file.approvals), (in_memory.writes, in_memory.approvals), "seed {seed}");
        all.add(in_file);
    }
    assert!(all.is_clean(), "{all:#?}");
}

/// A check that nothing can fail proves nothing: each broken rule must show as what it is.
#[test]
fn every_broken_rule_is_seen() {
    type Of = fn(&Verdict) -> u64;
    let cases: [(Planted, Of); 6] = [
        (Planted::Blind, |v| v.duplicate),
        (Planted::Hasty, |v| v.duplicate),
        (Planted::Forgetful, |v| v.duplicate),
        (Planted::Deaf, |v| v.unapproved),
        (Planted::Swapped, |v| v.unapproved),
        (Planted::Liar, |v| v.lost),
    ];
    for (planted, of) in cases {
        let seen_at = (0..400).find(|&seed| of(&run(seed, planted, None)) > 0);
        println!("{planted:?}: seen with seed {seen_at:?}");
        assert!(seen_at.is_some(), "{planted:?} was not seen");
    }
}
