"""The word trigram and the lexicon of spoken business talk: lm.py --data DATA --base OLD_DIR --to DIR.

A modified Kneser-Ney trigram per source of text, mixed with weights found by EM on held-out lines, pruned by entropy.
OLD_DIR holds the lexicon and trigram that shipped before (mostly books), which is one of the sources. Deterministic."""

import argparse
import gzip
import json
import random
import re
from collections import Counter
from pathlib import Path

from ngrams import START, UNKNOWN, frequencies, grams, kneser_ney, mixed, perplexity, pruned, read_arpa
from ngrams import read_columns, weights, write_columns
from phones import ASSETS, Lexicon, normal
from texts import ROOT, from_playbooks, measured_on, spelled

HELD = 20  # one line in so many is held out for the weights
HELD_MEETINGS = 0.25  # weight of the meetings in that, against sales talk
BASE_AT_LEAST = 0.5  # share of the trigram that shipped before, so that books are still read
NGRAMS = 580_000  # bigrams and trigrams kept
TOPIC = 0.75  # how much the words before say of which source is heard, 0 to 1
LEAST = {"sales": 2, "service": 4, "meetings": 3}  # a word enters the vocabulary with so many occurrences
GUESSED = 4  # sales talk must have a word so often if neither lexicon nor dictionary has it
APOSTROPHES = 8  # a new word with an apostrophe needs so many: "pot's" would cut "hubspot's" in the wrong place
LETTERED = set((
    "api apis crm crms erp faq gdpr hipaa hr html ip iso kpi kpis mfa mql msa nda npi nps ocr okr okrs pdf pdfs poc po "
    "pos pto qa qbr qbrs rfp rfps roi saml sdk sdr sdrs seo sla slas sms smtp soc sow sql sso ssl ui url usb ux vat "
    "vpn xml"
).split())  # fmt: skip
LETTERS = dict(zip("abcdefghijklmnopqrstuvwxyz", (
    "EY|B IY|S IY|D IY|IY|EH F|JH IY|EY CH|AY|JH EY|K EY|EH L|EH M|EH N|OW|P IY|K Y UW|AA R|EH S|T IY|Y UW|V IY|"
    "D AH B AH L Y UW|EH K S|W AY|Z IY").split("|")))  # fmt: skip
SAID = {"saas": ["S AE S"], "hipaa": ["HH IH P AH"], "faq": ["F AE K"], "soc": ["S AA K"], "sql": ["S IY K W AH L"],
        "iso": ["AY S OW"], "saml": ["S AE M AH L"]}  # fmt: skip
LEARNT = ("fixtures/lm", "fixtures/postcall/train")


# ---- text


def said(line):
    """A turn as words; sounds that are no words are taken out."""
    line = re.sub(r"\[[^]]*\]|\([^)]*\)|\{[^}]*\}|<[^>]*>", " ", line.replace("\u2019", "'"))
    return normal(spelled(line))


def turns(path, mark=r"(?:[^:]{1,40}:)?(.*)"):
    for line in path.read_text().splitlines():
        found = re.match(mark, line)
        if found and found[1].strip():
            yield said(found[1])


def sales(data):
    """Our own written talk, the calls and lines that notes and cards are trained on, playbooks, Tribe's calls."""
    for path in sorted((ROOT / "fixtures/lm").glob("*.txt")):
        yield from turns(path, r"(.*)")
    for path in sorted((ROOT / "fixtures/postcall/train").glob("*.txt")):
        yield from turns(path)
    for path in sorted((ROOT / "fixtures/detect/train").glob("*.tsv")):
        yield from turns(path, r"(?:[^\t]*\t)*(.*)")
    for path in sorted((ROOT / "fixtures/detect/train").glob("*.txt")):
        yield from turns(path, r"[=+-] (.*)")
    yield from from_playbooks()
    for path in sorted((data / "text/tribe-sales-calls").glob("*.md")):
        yield from turns(path, r"\*\*[^*]+:\*\*\s*(.*)")


def service(data):
    for line in gzip.open(data / "text/lm/service-dialogues.txt.gz", "rt"):
        yield said(line)
    for path in sorted((data / "text/casino").glob("*.json")):
        for dialogue in json.loads(path.read_text()):
            yield from (said(turn["text"]) for turn in dialogue["chat_logs"])
    for dialogue in json.loads((data / "text/abcd/abcd_sample.json").read_text()):
        yield from (said(text) for _, text in dialogue["original"])


def meetings(data):
    for line in gzip.open(data / "text/lm/meetings.txt.gz", "rt"):
        yield said(re.sub(r" '(?=[a-z])", "'", line))


def books(data):
    rows = (line.split("\t") for line in (data / "speech/train.tsv").read_text().splitlines()[1:])
    return sorted({normal(row[3]) for row in rows})


def sources(data):
    """{source: lines}, none that is measured on. Lines of up to three words are everybody's and stay."""
    held, out = measured_on(data, LEARNT), {}
    for name, lines in (("sales", sales(data)), ("service", service(data)), ("meetings", meetings(data)),
                        ("books", books(data))):  # fmt: skip
        lines = [line for line in lines if line]
        kept = [line for line in lines if len(line.split()) <= 3 or line not in held]
        random.Random(21).shuffle(kept)
        out[name] = kept
        words = sum(len(line.split()) for line in kept)
        print(f"{name}: {len(kept)} lines, {words} words; {len(lines) - len(kept)} lines that are measured on left out")
    return out


# ---- words


def put_together(word, lexicon):
    """A word of two known ones of three letters or more, the most even split, as the engine takes it: hub, spot."""
    for cut in sorted(range(3, len(word) - 2), key=lambda cut: abs(2 * cut - len(word))):
        one, two = lexicon.words.get(word[:cut]), lexicon.words.get(word[cut:])
        if one and two:
            return one[0] + two[0]
    return None


def vocabulary(texts, lexicon):
    """{word: pronunciations}: the old lexicon, and words said often enough whose sound the dictionary or rules give."""
    entries = {word: [" ".join(lexicon.symbols[p] for p in v) for v in vs] for word, vs in lexicon.words.items()}
    counts = {name: Counter(w for line in texts[name] for w in line.split()) for name in LEAST}
    wanted = {w for name, least in LEAST.items() for w, n in counts[name].items() if n >= least} | LETTERED
    total = sum(counts.values(), Counter())
    wanted = sorted(w for w in wanted if "'" not in w or total[w] >= APOSTROPHES)
    added, guessed = [], []
    for word in wanted:
        known = entries.get(word, [])
        new = SAID.get(word, [])
        if word in LETTERED:
            plural = word.endswith("s") and word[:-1] in LETTERED
            letters = " ".join(LETTERS[c] for c in (word[:-1] if plural else word))
            new = [letters + " Z" if plural else letters] + new
        elif not known:
            sounds = lexicon.dictionary.get(word)
            often = counts["sales"][word] >= GUESSED and re.search("[aeiouy]", word) and len(word) > 3
            if not sounds and often:
                sounds = [put_together(word, lexicon) or lexicon.by_rules(word)]
                guessed.append(word)
            new = new + [" ".join(lexicon.symbols[p] for p in v) for v in (sounds or [])[:3] if v]
        new = [v for v in new if v not in known]
        if not known and new:
            added.append(word)
        if known or new:
            entries[word] = known + new
    print(f"{len(entries)} words, {len(added)} of them new, the sound of {len(guessed)} guessed")
    return entries


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--base", type=Path, default=ASSETS)
    parser.add_argument("--to", type=Path, required=True)
    parser.add_argument("--ngrams", type=int, default=NGRAMS)
    parser.add_argument("--base-share", type=float, default=BASE_AT_LEAST)
    parser.add_argument("--topic", type=float, default=TOPIC)
    parser.add_argument("--ppl", nargs="*", default=[], help="files of lines to report the perplexity of")
    asked = parser.parse_args()
    asked.to.mkdir(parents=True, exist_ok=True)
    texts = sources(asked.data)
    entries = vocabulary(texts, Lexicon(asked.base))
    words = sorted({*entries, START, UNKNOWN})
    number, size = {w: n for n, w in enumerate(words)}, len(words)
    columns = asked.base / "trigram.gz"
    read, old = (read_columns, columns) if columns.exists() else (read_arpa, asked.base / "lm.arpa.gz")
    base = read(old, number, size)
    parts = {name: (lines[: len(lines) // HELD], lines[len(lines) // HELD :]) for name, lines in texts.items()}
    some = [kneser_ney(rest, number, size) for _, rest in parts.values()] + [base]
    held = [grams(parts[name][0], number, size)[0] for name in ("sales", "meetings")]
    share = weights(some, [(held[0], 1 / len(held[0])), (held[1], HELD_MEETINGS / len(held[1]))])
    print("EM:", ", ".join(f"{n} {s:.3f}" for n, s in zip([*texts, "base"], share)))
    if share[-1] < asked.base_share:
        share[:-1] *= (1 - asked.base_share) / share[:-1].sum()
        share[-1] = asked.base_share
    print("used:", ", ".join(f"{n} {s:.3f}" for n, s in zip([*texts, "base"], share)))
    models = [kneser_ney(lines, number, size) for lines in texts.values()] + [base]
    whole = mixed(models, share, asked.topic)
    small = pruned(whole, *frequencies(models, share, texts, whole, number), asked.ngrams)
    for path in asked.ppl:
        lines = [line for line in (said(line) for line in Path(path).read_text().splitlines()) if line]
        measured = {n: perplexity(m, lines, number) for n, m in (("old", base), ("mixed", whole), ("pruned", small))}
        shown = ", ".join(f"{name} {value:.1f}" for name, (value, _) in measured.items())
        print(f"perplexity of {path}: {shown}; {measured['pruned'][1]:.2f} % unknown")
    write_columns(asked.to / "trigram.gz", small, words)
    text = "".join(f"{word} {v}\n" for word in sorted(entries) for v in entries[word])
    (asked.to / "lexicon.txt.gz").write_bytes(gzip.compress(text.encode(), 9, mtime=0))
    sizes = (f"{f} {(asked.to / f).stat().st_size / 1e6:.2f} MB" for f in ("trigram.gz", "lexicon.txt.gz"))
    print(f"{len(small.k2)} bigrams, {len(small.k3)} trigrams; {', '.join(sizes)}")
