"""Synthetic speech into stores of 1,000 sentences: synth.py train|held-out --data DATA --to WORK/synthetic [--count N].

Flite, Festival and eSpeak NG from Debian. Never in training: Flite's awb, Festival's ked, eSpeak's en-029 and
en-gb-scotland accents and the variants below. Goes on behind the last whole store when it is started again."""

import argparse
import os
import random
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import soundfile

import texts
from data import resample
from phones import Lexicon
from store import RATE, Writer

PIECE = 1_000
ACCENTS = ["en-us"] * 3 + ["en-gb", "en-gb-x-rp", "en-us-nyc", "en-gb-x-gbclan", "en-gb-x-gbcwmd"]
HELD_ACCENTS = ["en-029", "en-gb-scotland"]
VARIANTS = (
    "m1 m2 m3 m4 m5 m6 m7 f1 f2 f3 f5 klatt klatt2 klatt3 klatt4 Alex Alicia Andrea Annie Diogo Gene Henrique Hugo "
    "Jacky Lee Marco Mario Michael Mike Storm adam anika antonio aunty belinda benjamin boris caleb david ed edward "
    "grandma iven john linda marcelo max michel miguel norbert paul pedro quincy rob robert sandro shelby steph steph2 "
    "steph3 travis victor zac croak"
).split()
HELD_VARIANTS = "f4 m8 Andy klatt6 Denis kaukovalta".split()
TAIL = int(0.15 * RATE)  # silence left at each end


def voice(rng):
    """One of the training voices with a manner of speaking, as `engine:voice:settings`."""
    draw = rng.random()
    for share, name, slow, fast in ((0.30, "slt", 0.75, 1.2), (0.61, "rms", 0.7, 1.15), (0.70, "kal16", 0.85, 1.2)):
        if draw < share:
            return f"flite:{name}:{rng.uniform(slow, fast):.2f}:{rng.uniform(0.85, 1.2):.2f}"
    if draw < 0.82:
        return "festival:cmu_us_slt_arctic_hts"
    return f"espeak:{rng.choice(ACCENTS)}+{rng.choice(VARIANTS)}:{rng.randint(140, 200)}:{rng.randint(20, 75)}"


def held_voice(rng, n):
    if n % 3 == 2:
        name = f"{rng.choice(HELD_ACCENTS)}+{rng.choice(HELD_VARIANTS)}"
        return f"espeak:{name}:{rng.randint(145, 185)}:{rng.randint(25, 65)}"
    return "festival:ked_diphone" if n % 3 else f"flite:awb:{rng.uniform(0.9, 1.15):.2f}:1.00"


def trimmed(path):
    samples, rate = soundfile.read(path, dtype="float32")
    if rate != RATE:
        samples = resample(samples, rate)
    loud = np.flatnonzero(np.abs(samples) > max(float(np.abs(samples).max()) * 0.01, 1e-4))
    if len(loud) < RATE // 5:
        return None
    return samples[max(0, loud[0] - TAIL) : loud[-1] + TAIL]


def spoken(rows, scratch):
    """Wave files for (voice, text) rows, or None where an engine failed; Festival in one run: it starts slowly."""
    script = []
    for n, (name, text) in enumerate(rows):
        out, (engine, voice, *manner) = scratch / f"{n}.wav", name.split(":")
        if engine == "festival":
            script.append(f'(voice_{voice}) (utt.save.wave (utt.synth (Utterance Text "{text}")) "{out}" \'riff)')
            continue
        if engine == "flite":
            stretch, shift = manner
            command = ["flite", "-voice", voice, "--setf", f"duration_stretch={stretch}", "--setf", f"f0_shift={shift}"]
            command += ["-t", text + ".", "-o", out]
        else:
            command = ["espeak-ng", "-v", voice, "-s", manner[0], "-p", manner[1], "-w", out, "--", text + "."]
        subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=60, check=False)
    if script:
        (scratch / "all.scm").write_text("\n".join(script))
        subprocess.run(
            ["festival", "-b", scratch / "all.scm"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False
        )
    return [scratch / f"{n}.wav" if (scratch / f"{n}.wav").exists() else None for n in range(len(rows))]


def write(folder, rows, group_of):
    lexicon, out = Lexicon(), Writer(folder)
    with tempfile.TemporaryDirectory(dir="/dev/shm" if os.path.isdir("/dev/shm") else None) as scratch:
        for start in range(0, len(rows), 100):
            some = rows[start : start + 100]
            for (name, text), path in zip(some, spoken(some, Path(scratch))):
                samples = trimmed(path) if path else None
                if path:
                    path.unlink()
                if samples is not None and lexicon.usual(text) is not None:
                    out.add(samples, group_of(name), ":".join(name.split(":")[:2]), text)
    out.close()
    print(f"{folder}: {len(out.rows)} clips, {out.at / RATE / 3600:.2f} h", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["train", "held-out"])
    parser.add_argument("--data", required=True)
    parser.add_argument("--to", required=True)
    parser.add_argument("--count", type=int, default=20_000)
    asked = parser.parse_args()
    if asked.what == "held-out":
        rng, rows = random.Random(14), []
        for text in texts.held_out(asked.count):
            rows += [(held_voice(rng, n), text) for n in range(3)]
        write(asked.to, rows, lambda name: name.split(":")[1] if not name.startswith("espeak") else "espeak")
    else:
        lines = texts.mixed(asked.data, asked.count)
        for piece in range(-(-len(lines) // PIECE)):
            folder, rng = Path(f"{asked.to}-{piece:02}"), random.Random(1_000 + piece)
            if not (folder / "clips.tsv").exists():
                rows = [(voice(rng), text) for text in lines[piece * PIECE : (piece + 1) * PIECE]]
                write(folder, rows, lambda name: "formant" if name.startswith("espeak") else "voice")
