"""Words a recogniser may take for others: neighbours in a coarse sketch of how they sound.

Stands in for recognised copies while training (those are for measuring): any line can be misheard in any epoch.
"""

import re
from collections import Counter, defaultdict

CLASSES = [("ph", "f"), ("gh", ""), ("[bp]", "p"), ("[dt]", "t"), ("[gkcq]", "k"), ("[fv]", "f"), ("[szxj]", "s"),
           ("[mn]", "n"), ("[wy]", ""), ("[aeiou]+", "a"), ("h", ""), (r"(.)\1+", r"\1")]  # fmt: skip


def sketch(word):
    for pattern, to in CLASSES:
        word = re.sub(pattern, to, word)
    return word


class Misheard:
    """Takes lines for their vocabulary; the commonest words may stand in for others."""

    def __init__(self, lines, words=9000):
        counts = Counter(w for line in lines for w in line.split() if len(w) > 1)
        by_sound = defaultdict(list)
        for word, _ in counts.most_common(words):
            code = sketch(word)
            # A sound more or less makes a neighbour too.
            for near in {code} | {code[:i] + code[i + 1 :] for i in range(len(code))}:
                by_sound[near].append(word)
        self.by_sound, self.cache = by_sound, {}

    def neighbours(self, word):
        if word not in self.cache:
            code = sketch(word)
            found = {w for near in {code} | {code[:i] + code[i + 1 :] for i in range(len(code))}
                     for w in self.by_sound.get(near, [])}  # fmt: skip
            self.cache[word] = sorted(w for w in found - {word} if abs(len(w) - len(word)) <= 3)
        return self.cache[word]

    def line(self, words, rate, rng):
        """`words` with about `rate` of them taken for others, lost, or run together with a small one."""
        out = []
        for word in words:
            if rng.random() >= rate:
                out.append(word)
                continue
            kind, near = rng.random(), self.neighbours(word)
            if kind < 0.7 and near:
                out.append(rng.choice(near))
            elif kind < 0.85:
                continue
            else:
                out += [word, rng.choice(["the", "a", "of", "and", "to", "in", "is"])]
        return out or words
