"""Trigrams: every context sums to one, before and after mixing and pruning; what is written is read again."""

import random
import tempfile
import unittest
from pathlib import Path

import numpy as np

from ngrams import START, UNKNOWN, frequencies, grams, kneser_ney, mixed, perplexity, pruned
from ngrams import read_columns, weights, write_columns

WORDS = sorted({START, UNKNOWN, *"a b c d e f g h".split()})
NUMBER, SIZE = {w: n for n, w in enumerate(WORDS)}, len(WORDS)


def text(seed, favourites, lines=300):
    """Lines in which a word is mostly followed by the next one of `favourites`."""
    rng, out = random.Random(seed), []
    for _ in range(lines):
        line = [rng.choice(favourites)]
        while len(line) < 8:
            after = favourites[(favourites.index(line[-1]) + 1) % len(favourites)] if line[-1] in favourites else "a"
            line.append(after if rng.random() < 0.7 else rng.choice(WORDS[2:]))
        out.append(" ".join(line))
    return out


class Trigrams(unittest.TestCase):
    def sums(self, model):
        every = np.array([n for n in range(SIZE) if n != NUMBER[START]])
        for u in range(SIZE):
            for v in every:
                self.assertAlmostEqual(np.exp(model.third((u * SIZE + v) * SIZE + every)).sum(), 1, 3, (u, v))

    def test_all(self):
        texts = {"one": text(1, "a b c d".split()), "two": text(2, "h f d b".split())}
        models = [kneser_ney(lines, NUMBER, SIZE) for lines in texts.values()]
        for model in models:
            self.sums(model)
        held = [(grams(text(3, "a b c d".split()), NUMBER, SIZE)[0], 1.0)]
        share = weights(models, held)
        self.assertGreater(share[0], 0.8)
        whole = mixed(models, [0.5, 0.5], 0.5)
        self.sums(whole)
        small = pruned(whole, *frequencies(models, [0.5, 0.5], texts, whole, NUMBER), 120)
        self.sums(small)
        self.assertLess(len(small.k2) + len(small.k3), 150)
        new = text(4, "h f d b".split())
        for better, worse in ((models[1], whole), (whole, models[0]), (small, models[0])):
            self.assertLess(perplexity(better, new, NUMBER)[0], perplexity(worse, new, NUMBER)[0])
        more, less = mixed(models, [0.9, 0.1], 0.5), mixed(models, [0.1, 0.9], 0.5)
        self.assertLess(perplexity(more, texts["one"], NUMBER)[0], perplexity(less, texts["one"], NUMBER)[0])
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "trigram.gz"
            write_columns(path, small, WORDS)
            again = read_columns(path, NUMBER, SIZE)
        self.assertTrue((again.k3 == small.k3).all())
        self.assertLess(np.abs(again.p3 - small.p3).max(), 0.05 * np.log(10) + 1e-3)


if __name__ == "__main__":
    unittest.main()
