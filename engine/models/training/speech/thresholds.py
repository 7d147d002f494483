"""Thresholds of the phrase spotter for new weights: thresholds.py OLD NEW --store WORK/train WORK/dev WORK/heldout.

Scores of two models are not alike: one that was trained with a phone trigram gives wrong phones less, and so is wrong at
higher scores. For each range of lengths this finds the threshold at which NEW raises as many false alarms as OLD does at
its own, on the same speech and phrases; what is found at it is printed beside it. OLD and NEW: a model folder's
model.safetensors or a checkpoint, and which of its outputs is listened to. Speech of the training set is heard by both alike and is there for the false alarms
only; what is found is counted in the other stores."""

import argparse
import json
import tomllib
from pathlib import Path

import numpy as np
import torch

from evaluate import ROOT, posteriors
from network import load
from phones import ASSETS, Lexicon, normal
from spotting import SHORTEST, best_scores, spans
from store import Store

ALIKE = 0.75  # a clip with this share of a phrase's words counts neither way, as in spotting.recall
OUTPUTS = ["middle", "top"]
HALF = 0.3  # step above the threshold at which the false alarms left are counted


def of_playbooks(lexicon):
    """{phrase: phones} of all plain phrases of the playbooks."""
    out = {}
    for path in sorted((ROOT / "playbooks").glob("*/playbook.toml")):
        for play in tomllib.loads(path.read_text())["play"]:
            for said in play.get("phrases", []):
                text = said if isinstance(said, str) else said["text"]
                phones = None if ".." in text else lexicon.usual(normal(text))
                if phones and len(phones) >= SHORTEST:
                    out[normal(text)] = phones
    return out


def chosen(folder, most):
    """At most so many hours of a store, evenly spread over it."""
    store = Store(folder)
    step = max(1, round(sum(c.seconds for c in store.clips) / 3600 / most))
    return store, store.clips[::step]


def pools(net, output, stores, phrases, ranges):
    """For each range of lengths (scores of false alarms, {group: scores where a phrase was said})."""
    texts, phones = list(phrases), list(phrases.values())
    within = np.array([next(n for n, (low, high) in enumerate(ranges) if low <= len(p) <= high) for p in phones])
    wrong, right = [[] for _ in ranges], [{} for _ in ranges]
    for counted, store, clips in stores:
        for clip, outputs in zip(clips, posteriors(net, store, clips)):
            best, _ = best_scores(outputs[OUTPUTS.index(output)], phones)
            padded, said = f" {clip.text} ", set(clip.text.split())
            for text, score, n in zip(texts, best, within):
                words = set(text.split())
                if f" {text} " in padded:
                    if counted:
                        right[n].setdefault(clip.group, []).append(score)
                elif len(said & words) < ALIKE * len(words):
                    wrong[n].append(score)
    return [np.sort(w)[::-1] for w in wrong], right


def share(scores, threshold):
    return f"{100 * np.mean(np.array(scores) >= threshold):.0f}" if scores else "-"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("old")
    parser.add_argument("new")
    parser.add_argument("--listen", nargs=2, choices=OUTPUTS, default=["middle", "middle"], metavar="OUTPUT")
    parser.add_argument("--store", nargs="+", required=True, help="the first for false alarms only")
    parser.add_argument("--most", type=float, default=2, help="hours of a store, at most")
    parser.add_argument("--spans", type=int, default=150, help="spans of words out of each store that is counted")
    parser.add_argument("--to", help="file for the thresholds, for export.py --thresholds")
    parser.add_argument("--threads", type=int, default=1)
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    lexicon, spotter = Lexicon(), json.loads((ASSETS / "config.json").read_text())["spotter"]
    ranges = spotter["buckets_by_phone_count"]
    stores = [(n > 0, *chosen(folder, asked.most)) for n, folder in enumerate(asked.store)]
    phrases = of_playbooks(lexicon)
    print(f"{len(phrases)} phrases of the playbooks", end=", ")
    for counted, _, clips in stores:
        if counted:
            phrases.update(spans([clip.text for clip in clips], lexicon, asked.spans))
    hours = sum(clip.seconds for _, _, clips in stores for clip in clips) / 3600
    print(f"{len(phrases)} with spans of what is said; {hours:.2f} h", flush=True)
    both = zip((asked.old, asked.new), asked.listen)
    old, new = (pools(load(model), output, stores, phrases, ranges) for model, output in both)
    out = {}
    for name in ("threshold_default", "threshold_sensitive"):
        out[name] = []
        for n, before in enumerate(spotter[name]):
            alarms = int((old[0][n] >= before).sum())
            # Between the last that may pass and the first that may not.
            now = float(np.mean(new[0][n][max(alarms - 1, 0) : alarms + 1]))
            if alarms == 0 and n > 0:  # nothing to go by: moved as far as the one for shorter phrases
                now = before + out[name][n - 1] - spotter[name][n - 1]
            out[name].append(round(now, 2))
            left = [int((pool >= at + HALF).sum()) for pool, at in ((old[0][n], before), (new[0][n], now))]
            print(f"{name} {ranges[n]} {before} -> {now:.2f}: {alarms} false alarms, {HALF} above {left[0]} -> {left[1]}")
            for group in sorted(old[1][n]):
                was, is_now = (share(pool[1][n][group], at) for pool, at in ((old, before), (new, now)))
                print(f"    {group}: {len(old[1][n][group])} said, found {was} -> {is_now} %")
    if asked.to:
        Path(asked.to).write_text(json.dumps(out, indent=1) + "\n")
