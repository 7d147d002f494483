//! Whether the labelled lines are fit to measure with: well formed, every class with its hard negatives, and no line of one
//! set in another.

use std::collections::{BTreeMap, BTreeSet};

use reframe_call::{
    detect::normalize::{join, tokens_of_text},
    playbook::Playbook,
};

use super::data::{Line, NONE, OBJECTIONS, Split, labels};

/// Lines in all, at least.
pub const LEAST_LINES: usize = 6_000;
/// Lines of two sets that share this much of their words or of their runs of three words are one line.
pub const SAME_AT: f64 = 0.8;

/// Something wrong with the data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Where: set, file and line.
    pub at: String,
    /// What.
    pub what: String,
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.at, self.what)
    }
}

fn place(line: &Line) -> String {
    format!("{}:{}", line.at.0, line.at.1)
}

/// Everything wrong with the sets, and with the playbook's examples as far as they give away lines of dev or test.
pub fn faults(sets: &[(Split, Vec<Line>)], playbook: &Playbook) -> Vec<Fault> {
    let mut out = Vec::new();
    let all: usize = sets.iter().map(|(_, lines)| lines.len()).sum();
    if all < LEAST_LINES {
        out.push(Fault { at: "all sets".into(), what: format!("{all} lines; {LEAST_LINES} are wanted") });
    }
    for (split, lines) in sets {
        out.extend(lines.iter().filter_map(|l| form(l).map(|what| Fault { at: place(l), what })));
        out.extend(missing(*split, lines));
        out.extend(twice(lines));
    }
    let examples: Vec<Line> = examples(playbook);
    for (i, (split, lines)) in sets.iter().enumerate() {
        for (_, others) in &sets[i + 1..] {
            out.extend(shared(lines, others));
        }
        if *split != Split::Train {
            out.extend(shared(&examples, lines));
        }
    }
    out
}

/// The sentences of a playbook that the detector compares with.
fn examples(playbook: &Playbook) -> Vec<Line> {
    let of = |play: &reframe_call::playbook::Play| -> Vec<Line> {
        let line = |text: &String| Line {
            label: play.label.clone(),
            near: None,
            text: text.clone(),
            said: None,
            at: (format!("play {}", play.id), play.line),
        };
        play.like.iter().chain(&play.not_like).map(line).collect()
    };
    playbook.plays.iter().flat_map(of).collect()
}

fn form(line: &Line) -> Option<String> {
    let objection = |l: &str| OBJECTIONS.contains(&l);
    if !labels().any(|l| l == line.label) {
        return Some(format!("no label {:?}", line.label));
    }
    if line.said.is_some() {
        return Some("more than three columns".to_owned());
    }
    match &line.near {
        Some(near) if !objection(near) => return Some(format!("near {near:?}, which is no objection")),
        Some(_) if objection(&line.label) => return Some("a hard negative that is an objection".to_owned()),
        _ => {}
    }
    let odd = line.text.chars().find(|c| !c.is_ascii_lowercase() && !matches!(c, '\'' | ' '));
    if let Some(odd) = odd {
        return Some(format!("{odd:?} in the text; lower-case letters, apostrophes and blanks only"));
    }
    // A hum is ordinary talk and can be nothing else.
    let empty = line.label != NONE && tokens_of_text(&line.text).is_empty();
    empty.then(|| "no word in it that counts".to_owned())
}

fn missing(split: Split, lines: &[Line]) -> Vec<Fault> {
    let count = counts(lines);
    let none_of = |key: (&str, &str), what: String| {
        let none = !count.contains_key(&(key.0.to_owned(), key.1.to_owned()));
        none.then(|| Fault { at: split.name().to_owned(), what })
    };
    let lines_of = labels().filter_map(|l| none_of((l, "-"), format!("no line for {l}")));
    let near: BTreeSet<&str> = lines.iter().filter_map(|l| l.near.as_deref()).collect();
    let hard = OBJECTIONS.iter().filter(|o| !near.contains(*o));
    let hard = hard.map(|o| Fault { at: split.name().to_owned(), what: format!("no hard negative near {o}") });
    lines_of.chain(hard).collect()
}

/// Lines per label and near (`-` for none).
pub fn counts(lines: &[Line]) -> BTreeMap<(String, String), usize> {
    let mut out = BTreeMap::new();
    for l in lines {
        *out.entry((l.label.clone(), l.near.clone().unwrap_or_else(|| "-".to_owned()))).or_default() += 1;
    }
    out
}

/// Lines of a set that are the same once normalised.
fn twice(lines: &[Line]) -> Vec<Fault> {
    let mut seen: BTreeMap<String, &Line> = BTreeMap::new();
    let mut out = Vec::new();
    for line in lines {
        if let Some(first) = seen.insert(join(&tokens_of_text(&line.text)), line) {
            out.push(Fault { at: place(line), what: format!("the same as {}: {}", place(first), line.text) });
        }
    }
    out
}

/// Whether a line is a mere "okay" or "mhm": everybody says it, and it gives nothing away.
fn is_back_channel(line: &Line) -> bool {
    line.label == NONE && tokens_of_text(&line.text).len() <= 1
}

/// Lines of `b` that are as good as a line of `a`.
fn shared(a: &[Line], b: &[Line]) -> Vec<Fault> {
    let mut pairs: BTreeMap<(usize, usize), f64> = BTreeMap::new();
    for features in [words as fn(&str) -> BTreeSet<String>, runs] {
        for (i, j, share) in alike(a, b, features) {
            let best = pairs.entry((i, j)).or_default();
            *best = best.max(share);
        }
    }
    pairs.retain(|(i, j), _| !(is_back_channel(&a[*i]) && is_back_channel(&b[*j])));
    let fault = |((i, j), share): ((usize, usize), f64)| Fault {
        at: place(&b[j]),
        what: format!("{share:.2} of {}: {} | {}", place(&a[i]), b[j].text, a[i].text),
    };
    pairs.into_iter().map(fault).collect()
}

fn words(text: &str) -> BTreeSet<String> {
    tokens_of_text(text).into_iter().map(|t| t.text).collect()
}

/// Runs of three words.
fn runs(text: &str) -> BTreeSet<String> {
    tokens_of_text(text).windows(3).map(join).collect()
}

/// Pairs whose features overlap (Jaccard) by [`SAME_AT`] or more.
///
/// Two sets that share that much share one of the rarest features of the first (prefix filtering; Chaudhuri, Ganti and
/// Kaushik 2006), so only lines with such a feature in common are compared.
fn alike(a: &[Line], b: &[Line], features: fn(&str) -> BTreeSet<String>) -> Vec<(usize, usize, f64)> {
    let of = |lines: &[Line]| -> Vec<BTreeSet<String>> { lines.iter().map(|l| features(&l.text)).collect() };
    let (a, b) = (of(a), of(b));
    let mut lines_with: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (j, set) in b.iter().enumerate() {
        for feature in set {
            lines_with.entry(feature).or_default().push(j);
        }
    }
    let mut out = Vec::new();
    for (i, set) in a.iter().enumerate() {
        let mut rarest: Vec<&[usize]> =
            set.iter().map(|f| lines_with.get(f.as_str()).map_or(&[][..], Vec::as_slice)).collect();
        rarest.sort_by_key(|lines| lines.len());
        let prefix = set.len() - (SAME_AT * set.len() as f64 - 1e-9).ceil() as usize + 1;
        let candidates: BTreeSet<usize> = rarest.iter().take(prefix).flat_map(|l| l.iter().copied()).collect();
        for j in candidates {
            let both = set.intersection(&b[j]).count();
            let share = both as f64 / (set.len() + b[j].len() - both) as f64;
            if share >= SAME_AT {
                out.push((i, j, share));
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::path::Path;

    use super::*;
    use crate::detect::playbooks;

    fn line(label: &str, near: &str, text: &str) -> Line {
        let near = (near != "-").then(|| near.to_owned());
        Line { label: label.into(), near, text: text.into(), said: None, at: ("f".into(), 1) }
    }

    #[test]
    fn the_data_of_the_repository_is_sound() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/detect");
        let sets = [Split::Train, Split::Dev, Split::Test].map(|s| (s, s.read(&folder).unwrap()));
        let faults = faults(&sets, &playbooks::built_in().unwrap());
        let all: Vec<String> = faults.iter().map(ToString::to_string).collect();
        assert!(all.is_empty(), "{} faults:\n{}", all.len(), all.join("\n"));
        for split in [Split::Dev, Split::Test] {
            let plays = crate::detect::data::new_plays(&folder, split).unwrap();
            assert!(plays.len() >= 5 && plays.iter().all(|p| p.like.len() == 3 && p.probe.len() >= 10));
        }
        let talk = crate::detect::data::Talk::all(&folder).unwrap();
        assert!(talk.iter().map(crate::detect::data::Talk::hours).sum::<f64>() > 10.0);
    }

    #[test]
    fn forms() {
        assert_eq!(form(&line("none", "price", "it's fine")), None);
        for (bad, says) in [
            (line("prise", "-", "x"), "no label"),
            (line("price", "price", "x"), "that is an objection"),
            (line("none", "none", "x"), "which is no objection"),
            (line("none", "-", "It is"), "'I'"),
            (line("none", "-", "it is 5"), "'5'"),
            (line("price", "-", "um uh"), "no word"),
            (Line { said: Some("x".into()), ..line("none", "-", "x") }, "columns"),
        ] {
            let got = form(&bad).unwrap_or_default();
            assert!(got.contains(says), "{bad:?}: {got}");
        }
    }

    #[test]
    fn the_same_line_is_found_however_it_is_dressed() {
        let a = [line("price", "-", "that's way more than we pay today for all of it")];
        let found = |text: &str| shared(&a, &[line("price", "-", text)]).len();
        assert_eq!(found("that's way more than we pay today for all of it"), 1);
        assert_eq!(found("um that is just way more than we pay today for all of it"), 1);
        assert_eq!(found("that's way more than we pay for all of it today"), 1, "the same words in another order");
        assert_eq!(found("that's way more than they paid last year for half of it"), 0);
        assert_eq!(shared(&[line("none", "-", "okay")], &[line("none", "-", "um okay")]), [], "back-channel");
        assert_eq!(shared(&[line("price", "-", "ouch")], &[line("price", "-", "ouch")]).len(), 1);
    }

    #[test]
    fn the_shortcut_finds_what_comparing_all_finds() {
        let make = |seed: u32, n: u32| -> Vec<Line> {
            let text = |i: u32| -> String {
                let letters = (0..12).filter(|b| (i.wrapping_mul(2_654_435_761).wrapping_add(seed)) >> b & 3 != 0);
                letters.map(|b| format!("w{} ", char::from(b'a' + b as u8))).collect()
            };
            (0..n).map(|i| line("none", "-", &text(i))).collect()
        };
        let (a, b) = (make(1, 120), make(77, 120));
        let mut slow = Vec::new();
        for (i, x) in a.iter().enumerate() {
            for (j, y) in b.iter().enumerate() {
                let (x, y) = (words(&x.text), words(&y.text));
                let share = x.intersection(&y).count() as f64 / x.union(&y).count().max(1) as f64;
                if share >= SAME_AT {
                    slow.push((i, j));
                }
            }
        }
        let fast: Vec<(usize, usize)> = alike(&a, &b, words).into_iter().map(|(i, j, _)| (i, j)).collect();
        assert!(slow.len() > 20, "{}", slow.len());
        assert_eq!(fast, slow);
    }

    #[test]
    fn what_is_missing_and_what_is_there_twice() {
        let lines =
            [line("price", "-", "it is dear"), line("none", "price", "um it's dear"), line("none", "-", "hello")];
        assert!(twice(&lines)[0].what.contains("the same as"));
        let missing: Vec<String> = missing(Split::Dev, &lines).iter().map(ToString::to_string).collect();
        assert!(missing.contains(&"dev: no line for budget".to_owned()));
        assert!(missing.contains(&"dev: no hard negative near budget".to_owned()));
        assert!(!missing.iter().any(|m| m.contains("price")));
    }
}
