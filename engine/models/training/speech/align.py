"""Which pronunciation of each word was said: a Viterbi pass of CTC posteriors over a small graph of variants."""

import numpy as np

LOW = -1e30


def graph(words):
    """States for `words`, each a list of pronunciations: symbol of each state, its predecessors, which may end, and
    (word, variant) of the state. Even a state that stands for silence between words belongs to no word."""
    symbol, before, mark = [0], [[0]], [None]  # state 0: silence at the start
    ends = [0]  # states from which the next word may be entered
    for w, variants in enumerate(words):
        leaving = []
        for v, phones in enumerate(variants):
            entry = ends
            for phone in phones:
                state = len(symbol)
                symbol.append(phone)
                # A phone follows the same phone only over a blank.
                before.append([state] + [s for s in entry if symbol[s] != phone])
                mark.append((w, v))
                symbol.append(0)
                before.append([state + 1, state])
                mark.append((w, v))
                entry = [state, state + 1]
            leaving += entry
        ends = leaving
    return np.array(symbol), before, ends, mark


def pronounced(scores, words):
    """Phones of the likeliest pronunciations given `scores` [rows, symbols] (log), or the usual ones if none fits.

    Words with several variants that are equal are no trouble; an empty list of variants is the caller's mistake."""
    symbol, before, ends, mark = graph(words)
    usual = [phone for variants in words for phone in variants[0]]
    if all(len(variants) == 1 for variants in words):
        return usual
    width = max(map(len, before))
    table = np.array([b + [-1] * (width - len(b)) for b in before])
    best = np.full(len(symbol) + 1, LOW, "float32")  # the last stands for "no such state"
    first = [0] + [s for s in range(1, len(symbol)) if 0 in before[s]]
    best[first] = scores[0][symbol[first]]
    back = np.zeros((len(scores), len(symbol)), "int16")
    states = np.arange(len(symbol))
    for t in range(1, len(scores)):
        choice = best[table].argmax(1)
        back[t] = table[states, choice]
        best[:-1] = best[back[t]] + scores[t][symbol]
    state = max(ends, key=lambda s: best[s])
    if best[state] < LOW / 2:
        return usual
    chosen = {}
    for t in range(len(scores) - 1, -1, -1):
        if mark[state]:
            chosen[mark[state][0]] = mark[state][1]
        state = int(back[t][state]) if t else state
    return [phone for w, variants in enumerate(words) for phone in variants[chosen.get(w, 0)]]
