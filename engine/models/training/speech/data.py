"""Human speech into stores, coded copies of any store, and phone labels.

data.py human --speech DIR --split train --to WORK/human     transcribed .opus files, as a store
data.py code  --store WORK/human                            the same clips through Opus with packet loss
data.py label --store WORK/human --model MODEL.safetensors  which pronunciation was said, by forced alignment"""

import argparse
import os
import subprocess
import tempfile
from pathlib import Path

import numpy as np

from phones import Lexicon, normal
from store import RATE, Store, Writer

SHORTEST, LONGEST = 0.5, 17.0  # seconds, for training; what is measured on is taken whole
BLOCK = 300 * RATE  # samples coded in one go
BITRATES = (12, 14, 16, 20, 24)  # kbit/s
LOSSES = (0, 0, 1, 2, 3, 5)  # per cent of packets


def human(speech, split, to):
    import soundfile

    lexicon, out, left_out = Lexicon(), Writer(to), 0
    longest = LONGEST if split == "train" else float("inf")
    table = (Path(speech) / f"{split}.tsv").read_text().splitlines()[1:]
    for path, speaker, seconds, text in (line.split("\t") for line in table):
        text = normal(text)
        if not SHORTEST < float(seconds) < longest or lexicon.usual(text) is None:
            left_out += 1
            continue
        samples, rate = soundfile.read(Path(speech) / path, dtype="float32")
        assert rate in (RATE, 48_000), (path, rate)
        if rate != RATE:  # some encoders do not name the rate of what they were given
            samples = resample(samples, rate)
        out.add(samples, path.split("/")[1], speaker, text)
    out.close()
    print(f"{to}: {len(out.rows)} clips, {out.at / RATE / 3600:.2f} h; {left_out} left out", flush=True)


def resample(samples, rate, to=RATE):
    """To 16 kHz by cutting or widening the spectrum; whole clips, so its ends do not matter."""
    n = int(round(len(samples) * to / rate))
    spectrum = np.fft.rfft(samples)[: n // 2 + 1]
    return (np.fft.irfft(spectrum, n) * (n / len(samples))).astype("float32")


def through_opus(data, rng, folder, loss=None):
    """16-bit samples through a real encoder and a decoder that loses `loss` % of packets, some by chance if it is None;
    as many samples come back."""
    raw, packed = folder / "in.raw", folder / "coded.opus"
    data.tofile(raw)
    loss = int(rng.choice(LOSSES)) if loss is None else loss
    encode = ["opusenc", "--quiet", "--raw", "--raw-rate", str(RATE), "--raw-chan", "1", "--speech", "--comp", "4"]
    encode += ["--bitrate", str(rng.choice(BITRATES)), "--expect-loss", str(loss), raw, packed]
    subprocess.run(encode, check=True)
    decode = ["opusdec", "--quiet", "--rate", str(RATE), "--packet-loss", str(loss), packed, folder / "out.raw"]
    subprocess.run(decode, check=True, stderr=subprocess.DEVNULL)
    back = np.fromfile(folder / "out.raw", "<i2")
    out = np.zeros(len(data), "<i2")
    n = min(len(data), len(back))
    out[:n] = back[:n]
    return out


def code(folder, seed=5):
    """Goes on behind the last whole block when it is started again."""
    store, part = Store(folder), Path(folder) / "coded.part"
    done = part.stat().st_size // 2 // BLOCK if part.exists() else 0
    with open(part, "r+b" if part.exists() else "wb") as out, tempfile.TemporaryDirectory() as scratch:
        out.truncate(done * BLOCK * 2)
        out.seek(done * BLOCK * 2)
        for n in range(done, -(-len(store.audio) // BLOCK)):
            rng = np.random.default_rng([seed, n])
            out.write(through_opus(store.audio[n * BLOCK : (n + 1) * BLOCK], rng, Path(scratch)).tobytes())
            out.flush()
    os.replace(part, Path(folder) / "coded.i16")
    print(f"{folder}: coded", flush=True)


def label(folder, model, batch_seconds=240.0):
    """The likeliest pronunciation of each word by the model's own posteriors."""
    import torch

    from align import pronounced
    from features import log_mel
    from network import load, rows_of

    torch.set_num_threads(int(os.environ.get("THREADS", "2")))
    store, lexicon, net = Store(folder), Lexicon(), load(model)
    phones, changed = [[] for _ in store.clips], 0
    order = sorted(store.clips, key=lambda clip: -clip.samples)
    while order:
        # Longest first, so that the first of a batch says how long all are.
        count = max(1, int(batch_seconds / order[0].seconds))
        batch, order = order[:count], order[count:]
        wave = np.zeros((len(batch), batch[0].samples), "float32")
        for row, clip in zip(wave, batch):
            row[: clip.samples] = store.samples(clip)
        with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
            _, top = net(log_mel(torch.from_numpy(wave)))
        scores = torch.log_softmax(top.float(), -1).numpy()
        for clip, score in zip(batch, scores):
            said = pronounced(score[: rows_of(clip.samples)], [lexicon.variants(w) for w in clip.text.split()])
            phones[clip.number] = said
            changed += said != lexicon.usual(clip.text)
    store.save_labels(phones)
    total = sum(map(len, phones))
    print(f"{folder}: {total} phones, other than the usual ones in {changed} of {len(phones)} clips", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    steps = parser.add_subparsers(dest="step", required=True)
    step = steps.add_parser("human")
    step.add_argument("--speech", required=True)
    step.add_argument("--split", default="train")
    step.add_argument("--to", required=True)
    for name in ("code", "label"):
        step = steps.add_parser(name)
        step.add_argument("--store", required=True)
        if name == "label":
            step.add_argument("--model", required=True)
    asked = parser.parse_args()
    if asked.step == "human":
        human(asked.speech, asked.split, asked.to)
    elif asked.step == "code":
        code(asked.store)
    else:
        label(asked.store, asked.model)
