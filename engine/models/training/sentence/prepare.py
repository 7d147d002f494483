"""Texts for the general distillation, and the student's vocabulary.

    python prepare.py --data SHARED_DATA --teacher TEACHER --out WORK

Writes WORK/general.txt (normalised lines), WORK/ordinary.txt (those of them in which nothing is sold) and WORK/vocabulary.txt (one word piece per line).
"""

import argparse
import gzip
import json
import random
import re
from collections import Counter
from pathlib import Path

from common import ROOT, Pieces, load_teacher, normal

PIECES = 10_000


def ordinary(data):
    """Talk in which nothing is sold: meetings, service dialogues, books."""
    for name in ("meetings", "service-dialogues"):
        with gzip.open(data / f"text/lm/{name}.txt.gz", "rt") as f:
            # "that 's", "do n't", "ear - plug": written apart in the corpus.
            yield from (re.sub(r" (?='(?:s|re|ve|ll|d|m)\b)| (?=n't\b)", "", line) for line in f)
    yield from (line.split("\t")[3] for line in (data / "speech/train.tsv").read_text().splitlines()[1:])


def other(data):
    clinc = json.loads((data / "stage/clinc150/test_and_oos_test.json").read_text())
    yield from (text for part in clinc.values() for text, _ in part)
    for path in sorted((data / "stage/email-intent").glob("*.txt")):
        yield from (line.split("\t")[-1] for line in path.read_text(errors="replace").splitlines())
    for path in sorted((data / "text/casino").glob("*.json")):
        yield from (turn["text"] for call in json.loads(path.read_text()) for turn in call["chat_logs"])
    for path in sorted((data / "text/tribe-sales-calls").glob("*.md")):
        yield from re.split(r"(?<=[.?!])\s+|\n", re.sub(r"\*\*[^*]*\*\*", "", path.read_text()))
    yield from re.findall(r'"text": "([^"]*)"', (data / "text/abcd/abcd_sample.json").read_text())


def own():
    """What we wrote: its words must be in the vocabulary, however rare they are elsewhere."""
    for path in sorted((ROOT / "fixtures/detect/train").glob("*.tsv")):
        yield from (line.split("\t")[2] for line in path.read_text().splitlines())
    for path in sorted((ROOT / "playbooks").glob("*/*.toml")):
        yield from re.findall(r'"([^"]*)"', path.read_text())


def windows(lines, rng):
    """Lines of one to thirty words: short ones joined now and then, long ones cut, as a live transcript would have it."""
    held = []
    for line in lines:
        words = held + line.split()
        held = []
        if len(words) < 4 and rng.random() < 0.7:
            held = words
            continue
        while len(words) > 30:
            n = rng.randint(8, 30)
            yield " ".join(words[:n])
            words = words[n:]
        if words:
            yield " ".join(words)


def main():
    a = argparse.ArgumentParser()
    a.add_argument("--data", type=Path, required=True)
    a.add_argument("--teacher", type=Path, required=True)
    a.add_argument("--out", type=Path, required=True)
    a = a.parse_args()
    a.out.mkdir(parents=True, exist_ok=True)
    rng = random.Random(7)
    talk = sorted(set(windows(normal(list(ordinary(a.data))), rng)))
    rng.shuffle(talk)
    (a.out / "ordinary.txt").write_text("\n".join(talk) + "\n")
    lines = talk + sorted(set(windows(normal(list(other(a.data))), rng)) - set(talk))
    rng.shuffle(lines)
    (a.out / "general.txt").write_text("\n".join(lines) + "\n")

    # The teacher's vocabulary stands in order of frequency in its own (far larger) corpus, so its beginning is what
    # English needs; what our texts hold is kept whatever its rank.
    _, everything = load_teacher(a.teacher)
    full = a.out / "teacher_vocabulary.txt"
    full.write_text("\n".join(everything) + "\n")
    pieces = Pieces(full)
    seen = Counter(i for line in lines for w in line.split() for i in pieces.word(w))
    plain = re.compile(r"(##)?[a-z0-9]+$|'$|\[(PAD|UNK|CLS|SEP)\]$")
    usable = [i for p, i in everything.items() if plain.match(p)]
    single = {i for i in usable if len(pieces.list[i].removeprefix("##")) == 1}
    special = {pieces.unk, pieces.cls, pieces.sep, pieces.pad}
    keep = special | single | {i for line in normal(list(own())) for w in line.split() for i in pieces.word(w)}
    ranked = sorted((i for i in usable if seen[i] >= 3), key=lambda i: -seen[i])
    for i in ranked[: PIECES * 3 // 4] + usable:
        if len(keep) < PIECES and not any(c.isdigit() for c in pieces.list[i]):
            keep.add(i)
    chosen = [pieces.list[i] for i in sorted(keep)]
    (a.out / "vocabulary.txt").write_text("\n".join(chosen) + "\n")
    print(f"{len(lines)} lines, {sum(len(l.split()) for l in lines)} words; {len(chosen)} of {len(everything)} pieces")


if __name__ == "__main__":
    main()
