"""Clips as one memory-mapped file of 16-bit samples beside a table, so that a loader reads any of them at no cost.

A store is a folder: audio.i16 (16 kHz mono, clips end to end), clips.tsv (start, samples, group, voice, text), and when
they have been made coded.i16 (the same clips through a lossy Opus line, sample for sample) and labels.npz (phones)."""

import os
from pathlib import Path

import numpy as np

RATE = 16_000
PEAK = 0.5  # clips are scaled to it; the level is varied again in training


class Clip:
    """One row of clips.tsv."""

    __slots__ = ("number", "start", "samples", "group", "voice", "text")

    def __init__(self, number, start, samples, group, voice, text):
        self.number, self.start, self.samples = number, int(start), int(samples)
        self.group, self.voice, self.text = group, voice, text

    @property
    def seconds(self):
        return self.samples / RATE


class Writer:
    """Appends clips; the table is written last and under its final name, so a store is whole or not there."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.audio = open(self.folder / "audio.i16", "wb")
        self.rows, self.at = [], 0

    def add(self, samples, group, voice, text):
        """`samples`: float, any level."""
        peak = float(np.abs(samples).max()) + 1e-6
        data = (samples / peak * PEAK * 32767).astype("<i2")
        self.audio.write(data.tobytes())
        self.rows.append(f"{self.at}\t{len(data)}\t{group}\t{voice}\t{text}")
        self.at += len(data)

    def close(self):
        self.audio.close()
        part = self.folder / "clips.tsv.part"
        part.write_text("\n".join(self.rows) + "\n")
        os.replace(part, self.folder / "clips.tsv")


class Store:
    """Reads what a Writer wrote."""

    def __init__(self, folder):
        self.folder = Path(folder)
        rows = (line.split("\t") for line in (self.folder / "clips.tsv").read_text().splitlines())
        self.clips = [Clip(n, *row) for n, row in enumerate(rows)]
        self.audio = np.memmap(self.folder / "audio.i16", "<i2", "r")
        coded = self.folder / "coded.i16"
        self.coded = np.memmap(coded, "<i2", "r") if coded.exists() else None
        self.phones = None
        if (self.folder / "labels.npz").exists():
            saved = np.load(self.folder / "labels.npz")
            ends = np.cumsum(saved["lengths"])
            self.phones = np.split(saved["phones"], ends[:-1])

    def samples(self, clip, coded=False):
        """Float samples in [-1, 1)."""
        source = self.coded if coded and self.coded is not None else self.audio
        return source[clip.start : clip.start + clip.samples].astype("float32") / 32768.0

    def save_labels(self, phones):
        """`phones`: for each clip an array of symbol numbers, empty where there is none."""
        part = self.folder / "labels.part.npz"
        flat = np.concatenate([np.asarray(p, "int16") for p in phones])
        np.savez(part, phones=flat, lengths=np.array([len(p) for p in phones], "int32"))
        os.replace(part, self.folder / "labels.npz")
