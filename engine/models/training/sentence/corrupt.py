"""Lines as the engine's own recogniser hears them: synthesised, sent through it, errors kept.

    python corrupt.py SPLIT [--jobs 1]      # train | dev | test

Needs espeak-ng, flite, festival (Debian packages) and sox. Voices of dev and test are in no other split. Resumable:
lines already in fixtures/detect/recognised/SPLIT.tsv are kept. Columns: label, near, recognised text, voice, written
text.
"""

import argparse
import hashlib
import subprocess
import tempfile
from pathlib import Path

from common import ROOT

VOICES = {
    "train": ["espeak:en-us+m3", "espeak:en-gb+f2", "espeak:en-us+f4", "flite:slt", "flite:rms", "flite:kal16"],
    "dev": ["espeak:en-gb-scotland+m5", "flite:awb"],
    "test": ["festival:voice_ked_diphone", "flite:awb"],
}
CHUNK = 200


def speak(voice, text, wav):
    kind, name = voice.split(":")
    with tempfile.TemporaryDirectory() as folder:
        raw = Path(folder) / "raw.wav"
        if kind == "espeak":
            subprocess.run(["espeak-ng", "-v", name, "-s", "165", "-w", raw, text], check=True, capture_output=True)
        elif kind == "flite":
            subprocess.run(["flite", "-voice", name, "-t", text, "-o", raw], check=True, capture_output=True)
        else:
            subprocess.run(["text2wave", "-eval", f"({name})", "-o", raw], input=text, text=True, check=True,
                           capture_output=True)  # fmt: skip
        # A little room before and after, and noise at about 25 dB, as a quiet office has it.
        subprocess.run(f"sox -R {raw} -r 16000 -b 16 -c 1 {folder}/a.wav gain -n -6 pad 0.3 0.5 && "
                       f"sox -R {folder}/a.wav {folder}/n.wav synth pinknoise gain -34 && "
                       f"sox -R -m -v 1 {folder}/a.wav -v 1 {folder}/n.wav -b 16 {wav}",
                       shell=True, check=True, capture_output=True)  # fmt: skip


def main():
    a = argparse.ArgumentParser()
    a.add_argument("split", choices=VOICES)
    a = a.parse_args()
    detect = ROOT / "fixtures/detect"
    files = sorted((detect / "train").glob("*.tsv")) if a.split == "train" else [detect / f"{a.split}.tsv"]
    rows = [line.split("\t")[:3] for f in files for line in f.read_text().splitlines()]
    target = detect / f"recognised/{a.split}.tsv"
    target.parent.mkdir(exist_ok=True)
    done = {line.split("\t")[4] for line in target.read_text().splitlines()} if target.exists() else set()
    # Half of the training lines teach the errors well enough.
    rows = rows[:: 2 if a.split == "train" else 1]
    rows = [r for r in rows if r[2] not in done]
    tool = ROOT / "target/release/examples/transcribe"
    if not tool.exists():
        subprocess.run(["cargo", "build", "--release", "-q", "-p", "reframe-models", "--example", "transcribe"], cwd=ROOT)
    for i in range(0, len(rows), CHUNK):
        with tempfile.TemporaryDirectory() as folder, target.open("a") as out:
            chunk, wavs, voices = rows[i : i + CHUNK], [], []
            for n, (_, _, text) in enumerate(chunk):
                choice = int(hashlib.sha256(text.encode()).hexdigest(), 16)
                voices.append(VOICES[a.split][choice % len(VOICES[a.split])])
                wavs.append(f"{folder}/{n}.wav")
                speak(voices[-1], text, wavs[-1])
            heard = subprocess.run([tool, *wavs], check=True, text=True,
                                   capture_output=True, env={"RAYON_NUM_THREADS": "1"})  # fmt: skip
            texts = [line.split("\t")[1] for line in heard.stdout.splitlines() if "\t" in line]
            assert len(texts) == len(chunk), (len(texts), len(chunk))
            for (label, near, text), voice, words in zip(chunk, voices, texts):
                out.write(f"{label}\t{near}\t{words}\t{voice}\t{text}\n")
        print(f"{min(i + CHUNK, len(rows))} of {len(rows)}", flush=True)


if __name__ == "__main__":
    main()
