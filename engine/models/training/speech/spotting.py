"""How well phrases are found in the posteriors themselves, by the rule of the engine's spotter."""

import random

import numpy as np

EMISSION_FLOOR = -9.0
SHORTEST = 10  # phones; shorter phrases are refused


def best_scores(scores, phrases):
    """For each phrase (phones) its best score in `scores` [rows, symbols], per phone, and the row where that ends."""
    count, width = len(phrases), max(map(len, phrases))
    table = np.zeros((count, width), int)
    same = np.zeros((count, width), bool)
    for n, phones in enumerate(phrases):
        table[n, : len(phones)] = phones
        same[n, 1 : len(phones)] = np.diff(phones) == 0
    length = np.array([len(p) for p in phrases])
    emission = np.maximum(scores, EMISSION_FLOOR) - scores.max(1, keepdims=True)
    phone = np.full((count, width), -np.inf)
    blank = np.full((count, width), -np.inf)
    best, end, each = np.full(count, -np.inf), np.zeros(count, int), np.arange(count)
    for t, row in enumerate(emission):
        new = phone.copy()
        new[:, 0] = np.maximum(new[:, 0], 0.0)
        over_blank = np.maximum(blank[:, :-1], np.where(same[:, 1:], -np.inf, phone[:, :-1]))
        new[:, 1:] = np.maximum(new[:, 1:], over_blank)
        blank = np.maximum(blank, phone) + row[0]
        phone = new + row[table]
        now = phone[each, length - 1] / length
        better = now > best
        best[better], end[better] = now[better], t
    return best, end


def spans(texts, lexicon, count, seed=3):
    """`count` runs of three to six words out of `texts`, as (words, phones), none twice."""
    rng, out = random.Random(seed), {}
    for _ in range(50 * count):
        words = rng.choice(texts).split()
        size = rng.randint(3, 6)
        if len(words) >= size:
            at = rng.randint(0, len(words) - size)
            text = " ".join(words[at : at + size])
            phones = lexicon.usual(text)
            if phones and len(phones) >= SHORTEST:
                out[text] = phones
        if len(out) == count:
            break
    return list(out.items())


def recall(rows, texts, seconds, lexicon, count=100, hourly=(2, 4, 20)):
    """Share of the places a phrase is said where it is found, at the threshold that gives so many false alarms an hour
    for all phrases together; and those thresholds. Clips with three in four of a phrase's words count neither way."""
    phrases = spans(texts, lexicon, count)
    hits, others = [], []
    for scores, text in zip(rows, texts):
        best, _ = best_scores(scores, [phones for _, phones in phrases])
        padded, said = f" {text} ", set(text.split())
        for (phrase, _), score in zip(phrases, best):
            words = phrase.split()
            if f" {phrase} " in padded:
                hits.append(score)
            elif len(said & set(words)) < 0.75 * len(set(words)):
                others.append(score)
    others, out = np.sort(others)[::-1], {}
    for rate in hourly:
        allowed = int(rate * seconds / 3600)
        threshold = others[allowed]  # one more would be too many
        out[rate] = (100 * float(np.mean(np.array(hits) > threshold)), float(threshold))
    return len(hits), out
