//! Precision and recall of the post-call stage on labelled calls, slot by slot.
//!
//! `cargo run --release -p reframe-workflow --example postcall_score -- --split dev`; `--show` lists what was missed and
//! what was found for nothing, but of the test split, whose texts are never shown. `--split train,dev --cross DIR` measures
//! every call by weights that were trained without it; `postcall_learn -- folds DIR` makes them.
#![allow(
    clippy::unwrap_used,
    clippy::type_complexity,
    clippy::cast_precision_loss,
    reason = "a scorer stops at the first bad label"
)]

#[path = "../tests/support/mod.rs"]
mod support;

use std::collections::BTreeMap;

use reframe_workflow::{
    artifact::{Claim, Evidence},
    handoff::{CallTranscript, NoteProposal},
    postcall::{Settings, learned::Judges, run, run_with},
    verify,
};
use support::{Labelled, cited, fold, given, is_person, load, place, same};

/// Hits, what was predicted, and what is labelled.
#[derive(Clone, Copy, Debug, Default)]
struct Score {
    predicted: usize,
    predicted_right: usize,
    labelled: usize,
    labelled_found: usize,
}

impl Score {
    fn add(&mut self, predicted: &[bool], labelled: &[bool]) {
        self.predicted += predicted.len();
        self.predicted_right += predicted.iter().filter(|x| **x).count();
        self.labelled += labelled.len();
        self.labelled_found += labelled.iter().filter(|x| **x).count();
    }

    fn show(&self, slot: &str) {
        println!(
            "{slot:24} precision {} ({}/{})   recall {} ({}/{})",
            share(self.predicted_right, self.predicted),
            self.predicted_right,
            self.predicted,
            share(self.labelled_found, self.labelled),
            self.labelled_found,
            self.labelled
        );
    }
}

fn share(a: usize, b: usize) -> String {
    if b == 0 { "  -  ".into() } else { format!("{:.3}", a as f64 / b as f64) }
}

/// Pairs every labelled passage with the first predicted claim that is made of it (cites it first), failing that with the
/// first that cites it at all, and is not taken. A claim may answer for two labels if it cites both: a request and the
/// act that was promised again later.
fn pair(call: &CallTranscript, claims: &[&Claim], labels: &[(usize, &str)]) -> Vec<Option<usize>> {
    let cites: Vec<Vec<_>> =
        claims.iter().map(|c| c.evidence().iter().filter_map(|e| cited(call, e)).collect()).collect();
    let mut taken: Vec<Vec<usize>> = vec![vec![]; claims.len()];
    labels
        .iter()
        .map(|(turn, quote)| {
            let label = place(call, *turn, quote);
            let hit = [1, usize::MAX].into_iter().find_map(|most| {
                (0..claims.len()).find_map(|i| {
                    let mut e = 0..cites[i].len().min(most);
                    e.find(|e| same(&cites[i][*e], &label) && !taken[i].contains(e)).map(|e| (i, e))
                })
            });
            hit.map(|(i, e)| {
                taken[i].push(e);
                i
            })
        })
        .collect()
}

fn hits(pairs: &[Option<usize>], predicted: usize) -> (Vec<bool>, Vec<bool>) {
    ((0..predicted).map(|i| pairs.contains(&Some(i))).collect(), pairs.iter().map(Option::is_some).collect())
}

fn all_claims(note: &NoteProposal) -> Vec<&Claim> {
    let n = &note.note;
    let mut all: Vec<&Claim> = Vec::new();
    all.extend(&n.headline);
    all.extend(n.topics.iter().chain(&n.decisions).chain(&n.next_steps).chain(&note.summary).chain(&note.absent));
    all.extend(n.fields.iter().map(|f| &f.1));
    all.extend(note.commitments.iter().map(|c| &c.what));
    all.extend(note.objections.iter().flat_map(|o| [Some(&o.raised), o.answer.as_ref()].into_iter().flatten()));
    all.extend(note.risk.iter().map(|r| &r.because));
    all.extend(note.follow_up.iter().flat_map(|f| &f.claims));
    all.extend(note.tasks.iter().map(|t| &t.what));
    all
}

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let split = args.iter().position(|a| a == "--split").and_then(|i| args.get(i + 1)).map_or("dev", String::as_str);
    let show = args.iter().any(|a| a == "--show") && split != "test";
    let cross = args.iter().position(|a| a == "--cross").and_then(|i| args.get(i + 1)).map(String::as_str);
    let only = args.iter().position(|a| a == "--call").and_then(|i| args.get(i + 1));
    let mut scores: BTreeMap<&str, Score> = BTreeMap::new();
    let mut handling = BTreeMap::from([("found by cue", [0usize; 3]), ("given", [0; 3])]);
    let (mut due_right, mut due_n, mut due_none_right, mut due_none_n) = (0, 0, 0, 0);
    let (mut owner_right, mut owner_n) = (0, 0);
    let (mut citations, mut broken) = (0, 0);
    let (mut covered, mut lead, mut of) = (0, 0, 0);
    let calls: Vec<Labelled> = split.split(',').flat_map(load).filter(|c| only.is_none_or(|o| *o == c.name)).collect();
    for labelled in &calls {
        let Labelled { name, call, labels } = labelled;
        let settings = Settings {
            fiscal_year_starts: labels.fiscal_year_starts.unwrap_or(1),
            recipients: labels.speaker.iter().filter(|s| s.side == "buyer").filter_map(|s| s.email.clone()).collect(),
            ..Settings::default()
        };
        let judges = judges(cross, name);
        let note = run_with(call, &settings, &judges);
        if show {
            println!("\n##### {name}");
        }
        let list = |kind: &str, good: &[bool], texts: &[String]| {
            if show {
                for (text, _) in texts.iter().zip(good).filter(|(_, g)| !**g) {
                    println!("  {kind}: {text}");
                }
            }
        };
        // Commitments, with their dates and owners.
        let claims: Vec<&Claim> = note.commitments.iter().map(|c| &c.what).collect();
        let wanted: Vec<(usize, &str)> = labels.commitment.iter().map(|c| (c.turn, c.quote.as_str())).collect();
        let pairs = pair(call, &claims, &wanted);
        let (p, l) = hits(&pairs, claims.len());
        scores.entry("commitments").or_default().add(&p, &l);
        list("commitment for nothing", &p, &note.commitments.iter().map(shown_commitment).collect::<Vec<_>>());
        list(
            "commitment missed",
            &l,
            &labels.commitment.iter().map(|c| format!("{} {:?}", c.turn, c.quote)).collect::<Vec<_>>(),
        );
        for (label, hit) in labels.commitment.iter().zip(&pairs) {
            let Some(found) = hit.map(|i| &note.commitments[i]) else { continue };
            let due = found.due.map(|d| d.to_string());
            if label.due.is_some() {
                due_n += 1;
                due_right += usize::from(due == label.due);
            } else {
                due_none_n += 1;
                due_none_right += usize::from(due.is_none());
            }
            if due != label.due && show {
                println!(
                    "  due {due:?} should be {:?}: {} {:?} ({:?})",
                    label.due, label.turn, label.quote, found.due_words
                );
            }
            let owner = found.owner.name.clone();
            if label.owner.is_some() {
                owner_n += 1;
                owner_right += usize::from(owner == label.owner && found.owner.side == label.side);
                if show && owner != label.owner {
                    println!("  owner {owner:?} should be {:?}: {} {:?}", label.owner, label.turn, label.quote);
                }
            }
        }
        // Absent people: by name or role.
        let names: Vec<String> = note.absent.iter().map(|c| c.text().to_lowercase()).collect();
        let p: Vec<bool> = names.iter().map(|n| labels.absent.iter().any(|a| is_person(n, &a.who))).collect();
        let l: Vec<bool> = labels.absent.iter().map(|a| names.iter().any(|n| is_person(n, &a.who))).collect();
        scores.entry("absent people").or_default().add(&p, &l);
        list(
            "absent for nothing",
            &p,
            &note.absent.iter().map(|c| format!("{}: {:?}", c.text(), quotes(c))).collect::<Vec<_>>(),
        );
        list(
            "absent missed",
            &l,
            &labels.absent.iter().map(|a| format!("{} {:?} {}", a.turn, a.quote, a.who)).collect::<Vec<_>>(),
        );
        // What rests on one passage each.
        let passages: [(&str, Vec<&Claim>, Vec<(usize, &str)>); 3] = [
            (
                "decisions",
                note.note.decisions.iter().collect(),
                labels.decision.iter().map(|d| (d.turn, d.quote.as_str())).collect(),
            ),
            (
                "objections",
                note.objections.iter().map(|o| &o.raised).collect(),
                labels.objection.iter().map(|o| (o.turn, o.quote.as_str())).collect(),
            ),
            (
                "next steps",
                note.note.next_steps.iter().collect(),
                labels.next_step.iter().map(|d| (d.turn, d.quote.as_str())).collect(),
            ),
        ];
        for (slot, claims, wanted) in &passages {
            let (p, l) = hits(&pair(call, claims, wanted), claims.len());
            scores.entry(slot).or_default().add(&p, &l);
            list(
                &format!("{slot} for nothing"),
                &p,
                &claims.iter().map(|c| format!("{} {:?}", c.text(), quotes(c))).collect::<Vec<_>>(),
            );
            list(&format!("{slot} missed"), &l, &wanted.iter().map(|w| format!("{w:?}")).collect::<Vec<_>>());
        }
        // Handling: of the objections the rules found, and of all of them as a detector would hand them over.
        for (kind, note) in [("found by cue", &note), ("given", &run_with(&given(labelled), &settings, &judges))] {
            let claims: Vec<&Claim> = note.objections.iter().map(|o| &o.raised).collect();
            let wanted: Vec<(usize, &str)> = labels.objection.iter().map(|o| (o.turn, o.quote.as_str())).collect();
            for (label, hit) in labels.objection.iter().zip(pair(call, &claims, &wanted)) {
                let Some(i) = hit else { continue };
                let told = serde_json::to_value(note.objections[i].handling).unwrap();
                let told = told.as_str().unwrap_or_default().to_owned();
                let cell = handling.get_mut(kind).unwrap();
                cell[0] += 1;
                cell[1] += usize::from((told == "handled") == (label.handled == "handled"));
                cell[2] += usize::from(told == label.handled);
                if show && kind == "given" && told != label.handled {
                    println!("  handling {told} should be {}: {} {:?}", label.handled, label.turn, label.quote);
                }
            }
        }
        // Every citation, and what the summary covers of what is labelled.
        for claim in all_claims(&note) {
            citations += claim.evidence().len();
            let found =
                verify::check(claim, verify::Sources { calls: std::slice::from_ref(call), ..Default::default() });
            broken += found.len();
        }
        let mut wanted: Vec<(usize, &str)> = labels.decision.iter().map(|d| (d.turn, d.quote.as_str())).collect();
        wanted.extend(labels.next_step.iter().map(|d| (d.turn, d.quote.as_str())));
        wanted.extend(labels.objection.iter().map(|d| (d.turn, d.quote.as_str())));
        wanted.extend(labels.stage_evidence.iter().map(|d| (d.turn, d.quote.as_str())));
        wanted.extend(labels.commitment.iter().map(|d| (d.turn, d.quote.as_str())));
        let summary: Vec<_> =
            note.summary.iter().flat_map(|c| c.evidence().iter().filter_map(|e| cited(call, e))).collect();
        let long = call.turns.iter().filter(|t| t.words.len() > 3).take(3);
        let first: Vec<_> = long.map(|t| (t.utterance, 0..t.words.len())).collect();
        for (turn, quote) in wanted {
            let label = place(call, turn, quote);
            of += 1;
            covered += usize::from(summary.iter().any(|s| same(s, &label)));
            lead += usize::from(first.iter().any(|s| same(s, &label)));
        }
        if show {
            println!("  summary: {}", note.summary.iter().map(Claim::text).collect::<Vec<_>>().join(" "));
            println!("  headline: {:?}", note.note.headline.as_ref().map(Claim::text));
            println!("  topics: {:?}", note.note.topics.iter().map(Claim::text).collect::<Vec<_>>());
            println!("  fields: {:?}", note.note.fields.iter().map(|f| (&f.0, f.1.text())).collect::<Vec<_>>());
            println!("  risk: {:?}", note.risk.as_ref().map(|r| (r.level, r.because.text())));
            if let Some(f) = &note.follow_up {
                println!("  follow-up: {}\n{}", f.subject, f.body);
            }
            for c in &note.commitments {
                println!("  + {}", shown_commitment(c));
            }
        }
    }
    println!("{} calls of {split}", calls.len());
    hour(&calls);
    for (slot, score) in &scores {
        score.show(slot);
    }
    println!(
        "due dates exact          {} ({due_right}/{due_n}); none where none is: {due_none_right}/{due_none_n}",
        share(due_right, due_n)
    );
    println!("owners                   {} ({owner_right}/{owner_n})", share(owner_right, owner_n));
    for (kind, [n, two, three]) in handling {
        println!("handled or not, {kind:12} {} ({two}/{n}); of three kinds {}", share(two, n), share(three, n));
    }
    println!("citations valid          {} ({}/{citations})", share(citations - broken, citations), citations - broken);
    println!("summary covers           {} ({covered}/{of}); first three turns {}", share(covered, of), share(lead, of));
}

/// The weights for a call: those of the program, or of the folder `cross` those that were made without it.
fn judges(cross: Option<&str>, name: &str) -> Judges {
    let Some(dir) = cross else { return Judges::embedded().clone() };
    let file = std::path::Path::new(dir).join(format!("fold-{}.bin", fold(name)));
    Judges::from_bytes(&std::fs::read(file).unwrap()).unwrap()
}

/// How long an hour of talk takes: calls of the split one after another until there are ten thousand words.
#[allow(clippy::disallowed_methods, reason = "a stopwatch")]
fn hour(calls: &[Labelled]) {
    let Some(first) = calls.first() else { return };
    let mut call = first.call.clone();
    call.turns.clear();
    let (mut words, mut at, mut n) = (0, 0, 0);
    for turn in calls.iter().cycle().flat_map(|c| &c.call.turns) {
        let mut turn = turn.clone();
        (turn.utterance, turn.speaker, n) = (n, turn.speaker % call.participants.len(), n + 1);
        for word in &mut turn.words {
            (word.from_ms, word.to_ms, at) = (at, at + 384, at + 384);
        }
        words += turn.words.len();
        call.turns.push(turn);
        if words >= 10_000 {
            break;
        }
    }
    let before = std::time::Instant::now();
    let note = run(&call, &Settings::default());
    println!("{words} words in {:?}, {} commitments", before.elapsed(), note.commitments.len());
}

fn quotes(claim: &Claim) -> Vec<String> {
    let words = claim.evidence().iter().filter_map(|e| match e {
        Evidence::Words { utterance, quote, .. } => Some(format!("{utterance} {quote}")),
        _ => None,
    });
    words.collect()
}

fn shown_commitment(c: &reframe_workflow::handoff::Commitment) -> String {
    format!(
        "[{} {}] {} | due {:?} {:?} | {:?}",
        c.owner.side,
        c.owner.name.as_deref().unwrap_or("-"),
        c.what.text(),
        c.due.map(|d| d.to_string()),
        c.due_words,
        quotes(&c.what)
    )
}
