"""Trigrams with back-off: modified Kneser-Ney, files, mixing and pruning. Natural logarithms in arrays sorted by key;
the key of (u, v, w) is (u * size + v) * size + w, of (v, w) it is v * size + w."""

import gzip

import numpy as np

STEP = 0.1  # decimal logarithms are rounded to it
MAGIC = b"trigram1"  # the form is described in engine/models/src/ctc/columns.rs
START, UNKNOWN = "<s>", "<unk>"


def find(keys, wanted):
    at = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return at, keys[at] == wanted


class Model:
    """A back-off trigram."""

    def __init__(self, size, uni, bow1, k2, p2, bow2, k3, p3):
        self.size, self.uni, self.bow1 = size, uni, bow1
        self.k2, self.p2, self.bow2, self.k3, self.p3 = k2, p2, bow2, k3, p3

    def second(self, k2):
        at, hit = find(self.k2, k2)
        return np.where(hit, self.p2[at], self.bow1[k2 // self.size] + self.uni[k2 % self.size])

    def third(self, k3):
        at, hit = find(self.k3, k3)
        before, known = find(self.k2, k3 // self.size)
        back = np.where(known, self.bow2[before], 0.0) + self.second(k3 % (self.size * self.size))
        return np.where(hit, self.p3[at], back)

    def before(self, context, words):
        """Log-probability of contexts of one or two `words`; that a line starts is certain."""
        first = self.uni[context // self.size if words == 2 else context]
        out = np.where(first < -50, 0.0, first)
        return out + self.second(context) if words == 2 else out

    def of(self, grams):
        """Log-probability of each word of `streams`' grams; a negative key is a bigram's at the start of a line."""
        first = grams < 0
        out = np.empty(len(grams))
        out[first] = self.second(-grams[first] - 1)
        out[~first] = self.third(grams[~first])
        return out


def grams(lines, number, size):
    """Keys of all words of `lines` in their contexts, and numbers of the words."""
    start, unknown, keys, words = number[START], number[UNKNOWN], [], []
    for line in lines:
        u, v = None, start
        for word in line.split():
            w = number.get(word, unknown)
            keys.append(-(v * size + w) - 1 if u is None else (u * size + v) * size + w)
            words.append(w)
            u, v = v, w
    return np.array(keys, np.int64), np.array(words, np.int64)


def discounted(keys, counts, size, lower):
    """Modified Kneser-Ney (Chen and Goodman, 1998) of n-grams over `lower`, the probability of each by the shorter
    context: log-probabilities, contexts and their back-off weights."""
    n1, n2, n3, n4 = (max(1, int((counts == c).sum())) for c in (1, 2, 3, 4))
    y = n1 / (n1 + 2 * n2)
    steps = [0, 1 - 2 * y * n2 / n1, 2 - 3 * y * n3 / n2, 3 - 4 * y * n4 / n3]
    steps = np.clip(steps, [0, 0.1, 0.2, 0.3], [0, 1, 2, 3])
    off = steps[np.minimum(counts, 3)]
    contexts, group = np.unique(keys // size, return_inverse=True)
    total = np.bincount(group, counts)
    freed = np.bincount(group, off) / total
    p = (counts - off) / total[group] + freed[group] * lower(keys)
    return np.log(p), contexts, np.log(freed)


def kneser_ney(lines, number, size):
    keys, _ = grams(lines, number, size)
    k3, c3 = np.unique(keys[keys >= 0], return_counts=True)
    s2, n2 = np.unique(-keys[keys < 0] - 1, return_counts=True)  # at the start of a line: counts as they are
    t2, m2 = np.unique(k3 % (size * size), return_counts=True)  # elsewhere: in how many contexts
    k2, c2 = np.concatenate([s2, t2]), np.concatenate([n2, m2])
    order = np.argsort(k2)
    k2, c2 = k2[order], c2[order]
    c1 = np.bincount(k2 % size, minlength=size)
    uni, _, _ = discounted(np.arange(size)[c1 > 0], c1[c1 > 0], size, lambda k: np.full(len(k), 1 / (size - 1)))
    every = np.full(size, np.nan)
    every[c1 > 0] = uni
    rest = max(1e-9, 1 - np.exp(uni).sum())
    every[c1 == 0] = np.log(rest / max(1, (c1 == 0).sum() - 1))
    every[number[START]] = -99 * np.log(10)
    p2, contexts, back = discounted(k2, c2, size, lambda k: np.exp(every[k % size]))
    bow1 = np.zeros(size)
    bow1[contexts] = back
    model = Model(size, every, bow1, k2, p2, np.zeros(len(k2)), k3, None)
    p3, contexts, back = discounted(k3, c3, size, lambda k: np.exp(model.second(k % (size * size))))
    at, hit = find(k2, contexts)
    model.bow2[at[hit]] = back[hit]
    model.p3 = p3
    return model


def read_arpa(path, number, size):
    """An ARPA file's n-grams of words that have a number."""
    parts, order = {1: [], 2: [], 3: []}, 0
    with gzip.open(path, "rt") as text:
        for line in text:
            if line.startswith("\\"):
                order = int(line[1]) if line[1].isdigit() else 0
            elif order and line.strip():
                log, *words = line.split()
                ids = [number.get(w, -1) for w in words[:order]]
                if min(ids) >= 0:
                    key = 0
                    for i in ids:
                        key = key * size + i
                    parts[order].append((key, float(log), float(words[order]) if len(words) > order else 0.0))
    uni, bow1 = np.full(size, -7.0 * np.log(10)), np.zeros(size)
    arrays = {}
    for order, rows in parts.items():
        rows.sort()
        keys, logs = np.array([r[0] for r in rows], np.int64), np.array([r[1:] for r in rows]) * np.log(10)
        arrays[order] = keys, logs[:, 0], logs[:, 1]
    uni[arrays[1][0]], bow1[arrays[1][0]] = arrays[1][1:]
    (k2, p2, bow2), (k3, p3, _) = arrays[2], arrays[3]
    return Model(size, uni, bow1, k2, p2, bow2, k3, p3)


# ---- mixing and pruning


def weights(models, held):
    """Shares of `models` by EM over held-out [(keys, weight of one word)]."""
    p = np.concatenate([np.exp(np.stack([m.of(keys) for m in models])) for keys, _ in held], 1)
    one = np.concatenate([np.full(len(keys), weight) for keys, weight in held])
    share = np.full(len(models), 1 / len(models))
    for _ in range(100):
        posterior = share[:, None] * p
        posterior /= posterior.sum(0)
        share = (posterior * one).sum(1) / one.sum()
    return np.maximum(share, 1e-3)


def backed_off(size, uni, k2, p2, k3, p3):
    """A model of these n-grams with the back-off weights that make it sum to one; and what pruning needs of them."""
    every, low2 = np.exp(uni), np.exp(uni[k2 % size])
    group = k2 // size
    num1 = np.maximum(1e-6, 1 - np.bincount(group, np.exp(p2), size))
    den1 = np.maximum(1e-6, every.sum() - np.bincount(group, low2, size))
    model = Model(size, uni, np.log(num1 / den1), k2, p2, np.zeros(len(k2)), k3, p3)
    low3 = np.exp(model.second(k3 % (size * size)))
    context, hit = find(k2, k3 // size)
    assert hit.all()
    num2 = np.maximum(1e-6, 1 - np.bincount(context, np.exp(p3), len(k2)))
    den2 = np.maximum(1e-6, 1 - np.bincount(context, low3, len(k2)))
    model.bow2 = np.log(num2 / den2)
    return model, (group, low2, num1, den1), (context, low3, num2, den2)


def mixed(models, share, topic):
    """One model of several; `topic`, 0 to 1: how much the words before say of which source is heard."""
    size = models[0].size

    def mix(keys, words, logs):
        # A source counts the more the likelier the words before are in it: a context of books asks the books.
        prior = np.stack([np.log(s) + topic * m.before(keys // size, words) for s, m in zip(share, models)])
        return np.logaddexp.reduce(prior + np.stack(logs), 0) - np.logaddexp.reduce(prior, 0)

    uni = np.log(sum(s * np.exp(m.uni) for s, m in zip(share, models)))
    k2 = np.unique(np.concatenate([m.k2 for m in models]))
    k3 = np.unique(np.concatenate([m.k3 for m in models]))
    k3 = k3[find(k2, k3 // size)[1]]
    p2, p3 = mix(k2, 1, [m.second(k2) for m in models]), mix(k3, 2, [m.third(k3) for m in models])
    return backed_off(size, uni, k2, p2, k3, p3)[0]


def loss(seen, logs, group, low, num, den):
    """Stolcke (1998): how much each n-gram's removal by itself raises the cross-entropy. `seen`: of its context."""
    p = np.exp(logs)
    with_it, without = np.log(num / den)[group], np.log((num[group] + p) / np.maximum(den[group] + low, 1e-6))
    return -seen * (p * (np.log(low) + without - logs) + num[group] * (without - with_it))


def pruned(model, often1, often2, keep):
    """`model` with about `keep` bigrams and trigrams. `often1`, `often2`: frequencies of its contexts in talk."""
    _, two, three = backed_off(model.size, model.uni, model.k2, model.p2, model.k3, model.p3)
    loss3 = loss(often2[three[0]], model.p3, *three)
    loss2 = loss(often1[two[0]], model.p2, *two)
    low, high = -30.0, -8.0
    for _ in range(30):
        middle = (low + high) / 2
        stay3 = loss3 > np.exp(middle)
        stay2 = loss2 > np.exp(middle)
        stay2[three[0][stay3]] = True
        low, high = (middle, high) if stay2.sum() + stay3.sum() > keep else (low, middle)
    return backed_off(model.size, model.uni, model.k2[stay2], model.p2[stay2], model.k3[stay3], model.p3[stay3])[0]


def frequencies(models, share, texts, model, number):
    """How often each word and bigram of `model` is a context: counted in the texts, estimated for the old model."""
    size = model.size
    often1, often2 = np.zeros(size), np.zeros(len(model.k2))
    for name, s in zip([*texts, "base"], share):
        if name == "base":
            one = np.exp(models[-1].uni)
            one[number[START]] = 0.06  # sentences have about sixteen words
            often1 += s * one
            often2 += s * one[model.k2 // size] * np.exp(models[-1].second(model.k2))
            continue
        keys, _ = grams(texts[name], number, size)
        k2 = np.where(keys < 0, -keys - 1, keys % (size * size))
        often1 += s * np.bincount(k2 // size, minlength=size) / len(keys)
        found, counts = np.unique(k2, return_counts=True)
        at, hit = find(found, model.k2)
        often2 += s * np.where(hit, counts[at], 0) / len(keys)
    return often1, often2


def two_bytes(numbers):
    numbers = np.asarray(numbers)
    return (numbers & 255).astype("u1").tobytes() + (numbers >> 8).astype("u1").tobytes()


def tenths(logs, low, high, kind):
    return np.clip(np.rint(np.asarray(logs) / np.log(10) / STEP), low, high).astype(kind).tobytes()


def members(groups, count):
    """How many of a sorted list of groups fall on each of `count`."""
    return np.bincount(groups, minlength=count)


def steps(groups, numbers):
    """Each number less the one before it in its group."""
    first = np.concatenate([[True], groups[1:] != groups[:-1]])
    return np.where(first, numbers, np.diff(numbers, prepend=0))


def write_columns(path, model, words):
    size, spelled = model.size, "".join(f"{word}\n" for word in words).encode()
    used, _ = find(model.k2, model.k3 // size)
    log = model.uni.copy()
    log[words.index(START)] = -99  # said at the start only
    counts = (size, len(model.k2), len(model.k3), len(spelled))
    packed = MAGIC + np.array(counts, "<u4").tobytes() + spelled
    packed += tenths(-log, 0, 255, "u1") + tenths(model.bow1, -128, 127, "i1")
    packed += two_bytes(members(model.k2 // size, size))
    packed += tenths(-model.p2, 0, 255, "u1") + tenths(model.bow2, -128, 127, "i1")
    packed += two_bytes(steps(model.k2 // size, model.k2 % size)) + two_bytes(members(used, len(model.k2)))
    packed += tenths(-model.p3, 0, 255, "u1") + two_bytes(steps(used, model.k3 % size))
    path.write_bytes(gzip.compress(packed, 9, mtime=0))


def read_columns(path, number, size):
    """What write_columns wrote, n-grams of words that have a number only."""
    data = gzip.decompress(path.read_bytes())
    n1, n2, n3, letters = np.frombuffer(data, "<u4", 4, len(MAGIC)).tolist()
    at = len(MAGIC) + 16
    words = data[at : at + letters].decode().split("\n")[:-1]
    at += letters

    def column(length, kind="u1"):
        nonlocal at
        at += length
        return np.frombuffer(data, kind, length, at - length).astype(np.int64)

    def wide(length):
        low = column(length)
        return low + 256 * column(length)

    def back(groups, moved):
        """Numbers out of steps: sums that start anew with each group."""
        sums = np.cumsum(moved)
        starts = np.flatnonzero(np.concatenate([[True], groups[1:] != groups[:-1]]))
        before = np.concatenate([[0], sums])[starts]
        return sums - np.repeat(before, np.diff(np.append(starts, len(groups))))

    tenth = STEP * np.log(10)
    log1, bow, of1 = -tenth * column(n1), tenth * column(n1, "i1"), wide(n1)
    p2, bow2 = -tenth * column(n2), tenth * column(n2, "i1")
    first = np.repeat(np.arange(n1), of1)
    second, of2 = back(first, wide(n2)), wide(n2)
    p3, context = -tenth * column(n3), np.repeat(np.arange(n2), of2)
    third = back(context, wide(n3))
    ids = np.array([number.get(word, -1) for word in words])
    uni, bow1 = np.full(size, -7.0 * np.log(10)), np.zeros(size)
    uni[ids[ids >= 0]], bow1[ids[ids >= 0]] = log1[ids >= 0], bow[ids >= 0]
    two, three = (ids[first], ids[second]), (ids[first[context]], ids[second[context]], ids[third])

    def keyed(parts, *values):
        known = np.all([part >= 0 for part in parts], axis=0)
        key = np.zeros(len(parts[0]), np.int64)
        for part in parts:
            key = key * size + part
        order = np.argsort(key[known], kind="stable")
        return [one[known][order] for one in (key, *values)]

    (k2, p2, bow2), (k3, p3) = keyed(two, p2, bow2), keyed(three, p3)
    return Model(size, uni, bow1, k2, p2, bow2, k3, p3)


def perplexity(model, lines, number):
    keys, words = grams(lines, number, model.size)
    known = words != number[UNKNOWN]
    return np.exp(-model.of(keys)[known].mean()), 100 * (1 - known.mean())
