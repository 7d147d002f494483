"""Sentences to synthesise: sales talk, meetings, service calls, read prose; never a line that is measured on."""

import csv
import gzip
import json
import random
import re
from pathlib import Path

from phones import normal

ROOT = Path(__file__).resolve().parents[4]
WORDS = (2, 24)  # fewest and most in a sentence
ONES = ("zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
        "seventeen eighteen nineteen").split()  # fmt: skip
TENS = "- - twenty thirty forty fifty sixty seventy eighty ninety".split()
SHARES = {"sales": 0.55, "calls": 0.05, "service": 0.13, "meetings": 0.15, "prose": 0.12}


def number(n):
    """A whole number below a thousand million as it is said."""
    for size, name in ((1_000_000, "million"), (1_000, "thousand"), (100, "hundred")):
        if n >= size:
            rest = n % size
            return number(n // size) + " " + name + (" " + number(rest) if rest else "")
    if n < 20:
        return ONES[n]
    return TENS[n // 10] + (" " + ONES[n % 10] if n % 10 else "")


def spelled(text):
    """Numbers, money and shares written as words."""
    text = re.sub(r"(?<=\d),(?=\d{3})", "", text)
    text = re.sub(r"([$£€])(\d+)k\b", r"\1\g<2>000", text, flags=re.I)
    for sign, name in (("$", "dollars"), ("£", "pounds"), ("€", "euros")):
        text = re.sub(re.escape(sign) + r"(\d+)", rf"\1 {name}", text)
    text = re.sub(r"(\d+)\.(\d+)", lambda m: f"{m[1]} point {' '.join(m[2])}", text)
    return re.sub(r"\d{1,9}", lambda m: f" {number(int(m[0]))} ", text)


def sentences(text):
    for part in re.split(r"(?<=[.?!])\s+|\n", text.replace("\u2019", "'")):
        part = re.sub(r"\[[^]]*\]|\([^)]*\)|\{[^}]*\}|<[^>]*>", " ", part)
        said = normal(spelled(part))
        if WORDS[0] <= len(said.split()) <= WORDS[1] and not re.search(r"[@_/#=]|http", part):
            yield said


def from_playbooks():
    for path in sorted((ROOT / "playbooks").rglob("*")):
        if path.suffix in (".toml", ".md"):
            for quoted in re.findall(r'"([^"\n]{8,200})"|^([A-Z][^\n]{8,300})$', path.read_text(), flags=re.M):
                yield from sentences(quoted[0] or quoted[1])


def sales():
    for path in sorted((ROOT / "fixtures/detect/train").glob("*.tsv")):
        for line in path.read_text().splitlines():
            yield from sentences(line.split("\t")[-1])
    yield from from_playbooks()


def calls(data):
    for path in sorted((data / "text/tribe-sales-calls").glob("*.md")):
        for line in path.read_text().splitlines():
            said = re.match(r"\*\*[^*]+:\*\*\s*(.*)", line)
            if said:
                yield from sentences(said[1])


def service(data):
    for line in gzip.open(data / "text/lm/service-dialogues.txt.gz", "rt"):
        yield from sentences(line)
    for path in sorted((data / "text/casino").glob("*.json")):
        for dialogue in json.loads(path.read_text()):
            for turn in dialogue["chat_logs"]:
                yield from sentences(turn["text"])
    for dialogue in json.loads((data / "text/abcd/abcd_sample.json").read_text()):
        for _, text in dialogue["original"]:
            yield from sentences(text)


def meetings(data):
    for line in gzip.open(data / "text/lm/meetings.txt.gz", "rt"):
        yield from sentences(re.sub(r" '(?=[a-z])", "'", line))


def prose(data):
    """Windows of training transcripts; they are whole utterances, not sentences."""
    rng = random.Random(9)
    for row in csv.reader(open(data / "speech/train.tsv"), delimiter="\t"):
        words = normal(row[3]).split()
        if row[0].startswith("train/librispeech") and len(words) > 8:
            start = rng.randrange(0, max(1, len(words) - 12))
            yield " ".join(words[start : start + rng.randrange(6, 16)])


def measured_on(data, but=()):
    """Lines of development and evaluation sets, of the benches and of the example calls, other than the folders `but`."""
    lines = set()
    for name in ("dev", "eval"):
        lines |= {normal(row[3]) for row in csv.reader(open(data / f"speech/{name}.tsv"), delimiter="\t")}
    for name in ("dev", "test"):
        for line in (ROOT / f"fixtures/detect/{name}.tsv").read_text().splitlines():
            lines |= set(sentences(line.split("\t")[-1]))
    for name in ("happy_calls.txt", "ordinary/meetings.txt"):
        lines |= {normal(line) for line in (ROOT / "fixtures/detect" / name).read_text().splitlines()}
    for path in [*(ROOT / "fixtures").rglob("*"), *(ROOT / "benches/src").rglob("*.rs")]:
        used = not any(path.is_relative_to(ROOT / one) for one in ("fixtures/detect/train", *but))
        if path.suffix in (".toml", ".md", ".txt", ".rs") and used:
            text = path.read_text(errors="ignore")
            lines |= set(sentences(text))
            for quoted in re.findall(r'"([^"\n]{8,400})"', text):
                lines |= set(sentences(quoted))
    return lines


def mixed(data, count, seed=11):
    """`count` sentences in the shares above, in a fixed order; none twice, none that is measured on."""
    data, rng = Path(data), random.Random(seed)
    held, seen, out = measured_on(data), set(), []
    sources = {"sales": sales(), "calls": calls(data), "service": service(data)}
    sources |= {"meetings": meetings(data), "prose": prose(data)}
    for name, source in sources.items():
        lines = sorted(set(source) - held - seen)
        rng.shuffle(lines)
        lines = lines[: int(count * SHARES[name])]
        seen |= set(lines)
        out += lines
        print(f"{name}: {len(lines)} sentences")
    rng.shuffle(out)
    return out


def held_out(count, seed=12):
    """Sales lines for measuring, from the development set of detection."""
    rng = random.Random(seed)
    rows = (ROOT / "fixtures/detect/dev.tsv").read_text().splitlines()
    lines = sorted({s for row in rows for s in sentences(row.split("\t")[-1]) if len(s.split()) >= 5})
    rng.shuffle(lines)
    return lines[:count]
