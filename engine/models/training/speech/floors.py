"""What the model is asked for, measured: floors.py MODEL --eval WORK/eval --sales WORK/heldout300 --noise DIR [--set L,W,B].

Word error of the evaluation set, of sales lines in voices never trained on through Opus with noise at 20 dB, and of the
same by telephone with lost packets; phrases found in the sounds of the same clips. Everything is drawn from fixed seeds."""

import argparse
import tempfile
from pathlib import Path

import numpy as np
import torch

from augment import Surroundings
from data import resample, through_opus
from evaluate import edits, interval, words
from features import RATE, log_mel
from network import load
from phones import Lexicon
from spotting import recall
from store import Store

SNR_DB = 20
LOST = 0.03
PHONE_BAND = (300, 3400)  # Hz
PHONE_RATE = 8_000
MU = 255  # of mu-law


def noisy(wave, rng, surroundings):
    """The noise's level is set against the whole clip's."""
    noise = surroundings.noise(rng, 1, len(wave))[0].numpy()
    level = np.sqrt(np.mean(wave**2)) / (np.sqrt(np.mean(noise**2)) + 1e-9)
    return wave + noise * level * 10 ** (-SNR_DB / 20)


def by_opus(wave, rng, surroundings, scratch):
    mixed = noisy(wave, rng, surroundings)
    data = (np.clip(mixed, -1, 1) * 32767).astype("<i2")
    return through_opus(data, rng, scratch, loss=0).astype("float32") / 32768


def by_telephone(wave, rng, surroundings, scratch):
    """Band, 8 kHz, mu-law; lost packets of 20 ms are filled with what came before, fainter each time."""
    spectrum = np.fft.rfft(wave)
    hz = np.fft.rfftfreq(len(wave), 1 / RATE)
    spectrum[(hz < PHONE_BAND[0]) | (hz > PHONE_BAND[1])] = 0
    narrow = np.clip(resample(np.fft.irfft(spectrum, len(wave)).astype("float32"), RATE, PHONE_RATE), -1, 1)
    coded = np.rint(128 * np.sign(narrow) * np.log1p(MU * np.abs(narrow)) / np.log1p(MU)) / 128
    back = (np.sign(coded) * np.expm1(np.abs(coded) * np.log1p(MU)) / MU).astype("float32")
    packet = PHONE_RATE // 50
    for at in range(packet, len(back) - packet + 1, packet):
        if rng.random() < LOST:
            back[at : at + packet] = 0.6 * back[at - packet : at]
    wide = np.zeros(len(wave), "float32")
    up = resample(back, PHONE_RATE, RATE)[: len(wave)]
    wide[: len(up)] = up
    return wide


WAYS = {"as it is": None, "Opus, noise at 20 dB": by_opus, "telephone, 3 % lost": by_telephone}


def heard(net, wave):
    with torch.no_grad():
        outputs = net(log_mel(torch.from_numpy(wave)[None]))
    return [torch.log_softmax(one[0], -1).numpy() for one in outputs]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("--eval", required=True)
    parser.add_argument("--sales", required=True)
    parser.add_argument("--noise", required=True)
    parser.add_argument("--set", default="0.8,0,0")
    parser.add_argument("--phrases", type=int, default=100)
    parser.add_argument("--top", action="store_true", help="look for phrases in the last output, not the middle one")
    parser.add_argument("--threads", type=int, default=1)
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    net, lexicon, surroundings = load(asked.model), Lexicon(), Surroundings(asked.noise)
    settings = [tuple(map(float, asked.set.split(",")))]
    for folder, ways in ((asked.eval, ["as it is"]), (asked.sales, list(WAYS))):
        store, groups = Store(folder), {}
        for clip in store.clips:
            groups.setdefault(clip.group, []).append(clip)
        for name in ways:
            every = []
            for group, clips in groups.items():
                rng = np.random.default_rng(7)
                with tempfile.TemporaryDirectory() as scratch:
                    change = WAYS[name] or (lambda wave, *_: wave)
                    rows = [heard(net, change(store.samples(c), rng, surroundings, Path(scratch))) for c in clips]
                wanted = [clip.text.split() for clip in clips]
                lines = words([top for _, top in rows], settings)[0]
                errors = [edits(w, line.split()) for w, line in zip(wanted, lines)]
                counts = [len(w) for w in wanted]
                every += zip(errors, counts)
                low, high = interval(errors, counts, np.random.default_rng(1))
                seconds = sum(clip.seconds for clip in clips)
                texts = [clip.text for clip in clips]
                said, found = recall([r[asked.top] for r in rows], texts, seconds, lexicon, asked.phrases)
                shown = ", ".join(f"{share:.1f} % at {rate}/h" for rate, (share, _) in found.items())
                print(f"{group}, {name}: {len(clips)} clips, word error {100 * sum(errors) / sum(counts):.1f} "
                      f"[{low:.1f}, {high:.1f}]; {asked.phrases} phrases said {said} times: {shown}", flush=True)  # fmt: skip
            errors, counts = zip(*every)
            low, high = interval(errors, counts, np.random.default_rng(1))
            print(f"all, {name}: {100 * sum(errors) / sum(counts):.1f} [{low:.1f}, {high:.1f}]", flush=True)
