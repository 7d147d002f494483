"""Words to phones: the engine's lexicon, then the whole dictionary, then its letter-to-sound rules."""

import gzip
import json
import re
from pathlib import Path

ASSETS = Path(__file__).resolve().parents[2] / "assets" / "asr-v1"
MAX_VARIANTS = 4

# Rule contexts (letters to the left, to the right), longest first, as in engine/models/src/ctc/pronounce.rs.
CONTEXTS = [(4, 4), (3, 4), (3, 3), (2, 3), (2, 2), (1, 2), (1, 1), (0, 1), (0, 0)]


def normal(text):
    """Lower case, letters and apostrophes inside words only. Digits are the caller's to spell out."""
    text = text.lower().replace("\u2019", "'").replace("-", " ").replace("%", " percent ").replace("&", " and ")
    text = re.sub(r"[^a-z' ]+", " ", text)
    text = re.sub(r"(^|\s)'+|'+(?=\s|$)", " ", text)
    return " ".join(text.split())


class Lexicon:
    """Pronunciations as tuples of symbol numbers; 0 is the blank and never part of one."""

    def __init__(self, assets=ASSETS):
        assets = Path(assets)
        self.symbols = json.loads((assets / "config.json").read_text())["ctc"]["phones"]
        self.number = {p: n for n, p in enumerate(self.symbols)}
        self.words = self._read(assets / "lexicon.txt.gz")
        self.dictionary = self._read(assets / "cmudict.txt.gz")
        self.rules = {}
        with gzip.open(assets / "lts.txt.gz", "rt") as lines:
            for line in lines:
                left, letter, right, phones = line.rstrip("\n").split("\t")
                self.rules[left, letter, right] = tuple(self.number[p] for p in phones.split())

    def _read(self, path):
        out = {}
        with gzip.open(path, "rt") as lines:
            for line in lines:
                word, *phones = line.split()
                variants = out.setdefault(word, [])
                variant = tuple(self.number[p] for p in phones)
                if variant not in variants and len(variants) < MAX_VARIANTS:
                    variants.append(variant)
        return out

    def by_rules(self, word):
        """Letter to sound; about one phone in nine is wrong."""
        padded, out = "####" + word + "####", []
        for i, letter in enumerate(word, 4):
            for left, right in CONTEXTS:
                phones = self.rules.get((padded[i - left : i], letter, padded[i + 1 : i + 1 + right]))
                if phones is not None:
                    out += phones
                    break
        return tuple(out)

    def variants(self, word):
        """All pronunciations, the usual one first; empty if nothing in the word has a sound."""
        known = self.words.get(word) or self.dictionary.get(word)
        if known:
            return known
        rules = self.by_rules(word)
        return [rules] if rules else []

    def usual(self, text):
        """Phones of a normalised text by the first pronunciation of each word, or None if a word has none."""
        out = []
        for word in text.split():
            variants = self.variants(word)
            if not variants:
                return None
            out += variants[0]
        return out
