"""Phone and word error of a model: evaluate.py MODEL --store WORK/dev.. [--set LM,WORD,BLANK].. [--tune]

Words are made by the engine's own decoder (engine/models/examples/decode_rows.rs). Tune on dev only."""

import argparse
import itertools
import os
import struct
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import torch

from features import log_mel
from network import load, rows_of
from phones import ASSETS, Lexicon
from spotting import recall
from store import Store

ROOT = Path(__file__).resolve().parents[4]
DECODER = Path(os.environ.get("DECODE_ROWS", ROOT / "target/release/examples/decode_rows"))
GRID = list(itertools.product((0.6, 0.8, 1.0, 1.3), (-1.0, 0.0, 1.0), (-3.0, -1.5, 0.0)))


def edits(wanted, got):
    """Least insertions, deletions and replacements between two sequences."""
    row = np.arange(len(got) + 1)
    got = np.array(got, dtype=object)
    steps = np.arange(len(got) + 1)
    for n, one in enumerate(wanted, 1):
        new = np.minimum(row[1:] + 1, row[:-1] + (got != one)) if len(got) else row[1:]
        new = np.concatenate([[n], new])
        row = np.minimum.accumulate(new - steps) + steps
    return int(row[-1])


def greedy(scores):
    best = scores.argmax(-1)
    return [int(s) for n, s in enumerate(best) if s and (n == 0 or best[n - 1] != s)]


def posteriors(net, store, clips, bf16=False):
    """Log-posteriors (middle, top) of each clip as the engine has them: every clip by itself, so nothing is padded."""
    out = []
    for clip in clips:
        wave = torch.from_numpy(store.samples(clip))[None]
        with torch.no_grad(), torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            outputs = net(log_mel(wave))
        out.append([torch.log_softmax(one[0].float(), -1).numpy() for one in outputs])
        assert len(out[-1][1]) == rows_of(clip.samples)
    return out


def words(rows, settings, model=ASSETS):
    """For each setting the decoder's lines, one per clip."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(struct.pack("<I", len(rows)))
        for scores in rows:
            file.write(struct.pack("<I", len(scores)) + scores.astype("<f4").tobytes())
        file.flush()
        asked = [",".join(map(str, one)) for one in settings]
        done = subprocess.run([DECODER, model, file.name, *asked], capture_output=True, text=True, check=True)
    lines = done.stdout.split("\n")[:-1]
    return [lines[n : n + len(rows)] for n in range(0, len(lines), len(rows))]


def interval(errors, counts, rng, rounds=1_000):
    """95 % bootstrap interval over clips, in per cent."""
    errors, counts = np.array(errors), np.array(counts)
    picks = rng.integers(0, len(errors), (rounds, len(errors)))
    rates = 100 * errors[picks].sum(1) / counts[picks].sum(1)
    return np.percentile(rates, [2.5, 97.5])


def measure(net, folders, settings, bf16=False, phrases=0):
    """{group: {clips, per, wer: [per setting], errors, counts, spotted}}; word errors are left out where there is no
    decoder, `spotted` (spotting.recall of so many phrases) unless it is asked for."""
    lexicon, results = Lexicon(), {}
    for folder in folders:
        store, groups = Store(folder), {}
        for clip in store.clips:
            groups.setdefault(clip.group, []).append(clip)
        for group, clips in groups.items():
            middle, rows = zip(*posteriors(net, store, clips, bf16))
            phones = [lexicon.usual(clip.text) for clip in clips]
            wrong = sum(edits(p, greedy(r)) for p, r in zip(phones, rows) if p)
            one = {"clips": len(clips), "per": 100 * wrong / sum(len(p) for p in phones if p), "wer": [], "errors": []}
            if DECODER.exists():
                wanted = [clip.text.split() for clip in clips]
                one["counts"] = [len(w) for w in wanted]
                for lines in words(rows, settings):
                    one["errors"].append([edits(w, line.split()) for w, line in zip(wanted, lines)])
                    one["wer"].append(100 * sum(one["errors"][-1]) / sum(one["counts"]))
            if phrases:
                seconds = sum(clip.seconds for clip in clips)
                one["spotted"] = recall(middle, [clip.text for clip in clips], seconds, lexicon, phrases)
            results[f"{Path(folder).name}/{group}"] = one
    return results


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("--store", nargs="+", required=True)
    parser.add_argument("--set", nargs="*", default=["0.8,-0.5,-1.5"])
    parser.add_argument("--tune", action="store_true", help="try a grid of settings and show the best")
    parser.add_argument("--phrases", type=int, default=0, help="also spot so many word spans in each set")
    parser.add_argument("--threads", type=int, default=1)
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    settings = GRID if asked.tune else [tuple(map(float, one.split(","))) for one in asked.set]
    results, rng = measure(load(asked.model), asked.store, settings, phrases=asked.phrases), np.random.default_rng(1)
    for name, one in results.items():
        shown = ""
        for n in np.argsort(one["wer"])[:4] if one["wer"] else []:
            low, high = interval(one["errors"][n], one["counts"], rng)
            shown += f"  {settings[n]}: {one['wer'][n]:.1f} [{low:.1f}, {high:.1f}]"
        print(f"{name}: {one['clips']} clips, {sum(one.get('counts', [0]))} words, PER {one['per']:.1f}, WER{shown}")
        if asked.phrases:
            said, found = one["spotted"]
            shown = ", ".join(
                f"{share:.0f} % at {rate}/h (above {least:.2f})" for rate, (share, least) in found.items()
            )
            print(f"  {asked.phrases} phrases, said {said} times: found {shown}")
