"""Endless augmented batches in a fixed order that can be entered again anywhere.

Speech is drawn in blocks of half an hour in fixed shares of human, synthetic and formant voices. A block's draws depend
on the seed and the block's number only, so a run that was stopped goes on with the next block."""

import glob
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

import augment
from features import HOP, RATE
from network import rows_after
from store import Store

BLOCK = 1800.0  # seconds of speech
SHARES = {"human": 0.62, "voice": 0.28, "formant": 0.10}
CODED = 0.3  # share of clips taken through Opus
EDGES = 0.25  # share of clips that get silence before and after
LONGEST = 16.5  # seconds; longer clips do not enter


@dataclass
class Batch:
    """Log-mel [clips, frames, 80], rows of each clip, phones end to end and their counts, seconds heard before any
    change of tempo, and the block the batch is of."""

    mel: torch.Tensor
    rows: torch.Tensor
    phones: torch.Tensor
    counts: torch.Tensor
    seconds: float
    block: int


def pools(folders):
    """(store, clip, phones) by kind of voice."""
    out = {kind: [] for kind in SHARES}
    for folder in folders:
        store = Store(folder)
        for clip in store.clips:
            kind = clip.group if clip.group in SHARES else "human"
            phones = store.phones[clip.number]
            if len(phones) and clip.seconds < LONGEST:
                out[kind].append((store, clip, phones))
    return out


class Batches(torch.utils.data.IterableDataset):
    """`seconds` of padded audio per batch, from `block` on."""

    def __init__(self, folders, noise, seconds=64.0, block=0, seed=17):
        found = [f for pattern in folders for f in sorted(glob.glob(str(pattern)))]
        self.folders = [f for f in found if (Path(f) / "labels.npz").exists()]
        if self.folders != found:
            print(f"left out, as they have no labels yet: {sorted(set(found) - set(self.folders))}", flush=True)
        self.noise, self.seconds, self.block, self.seed = noise, seconds, block, seed

    def __iter__(self):
        torch.set_num_threads(1)
        self.pools = pools(self.folders)
        self.surroundings = augment.Surroundings(self.noise)
        for kind, pool in self.pools.items():
            print(f"{kind}: {len(pool)} clips, {sum(c.seconds for _, c, _ in pool) / 3600:.2f} h", flush=True)
        block = self.block
        while True:
            yield from self.of_block(block)
            block += 1

    def drawn(self, kind, block, wanted):
        """`wanted` seconds of a pool, which is gone through in a new order each time it is used up."""
        pool, out, taken = self.pools[kind], [], 0.0
        if not pool:
            return out
        total = sum(clip.seconds for _, clip, _ in pool)
        turn, at = divmod(block * wanted, total)  # where the block begins, in seconds of the endless sequence
        passed = 0.0
        while taken < wanted:
            for n in np.random.default_rng([self.seed, list(SHARES).index(kind), int(turn)]).permutation(len(pool)):
                seconds = pool[n][1].seconds
                if passed >= at and taken < wanted:
                    out.append(pool[n])
                    taken += seconds
                passed += seconds
            turn, at, passed = turn + 1, 0.0, 0.0
        return out

    def of_block(self, block):
        rng = np.random.default_rng([self.seed, 0, block])
        present = sum(share for kind, share in SHARES.items() if self.pools[kind])
        drawn = [one for kind, share in SHARES.items() for one in self.drawn(kind, block, BLOCK * share / present)]
        drawn.sort(key=lambda one: one[1].samples * rng.uniform(0.92, 1.08))
        batches, some, longest = [], [], 0.0
        for one in drawn:
            longest = max(longest, one[1].seconds)
            if some and longest * (len(some) + 1) > self.seconds:
                batches.append(some)
                some, longest = [], one[1].seconds
            some.append(one)
        batches.append(some)
        for n in rng.permutation(len(batches)):
            batch = self.made(batches[n], rng, block)
            if batch is not None:
                yield batch

    def made(self, clips, rng, block):
        waves = []
        for store, clip, _ in clips:
            wave = store.samples(clip, coded=rng.random() < CODED)
            if rng.random() < EDGES:
                wave = np.pad(wave, rng.integers(0, RATE // 2, 2))
            waves.append(wave)
        samples = np.array([len(w) for w in waves])
        padded = np.zeros((len(waves), samples.max()), "float32")
        for row, wave in zip(padded, waves):
            row[: len(wave)] = wave
        lengths = torch.from_numpy(samples)
        mel, tempo = augment.features(torch.from_numpy(padded), lengths, rng, self.surroundings)
        rows = rows_after(1 + (lengths / tempo).long() // HOP)
        # Rows must suffice for the phones and a blank between two that are the same.
        needed = [len(phones) + int((np.diff(phones) == 0).sum()) for _, _, phones in clips]
        keep = [n for n in range(len(clips)) if needed[n] <= int(rows[n])]
        if not keep:
            return None
        phones = [clips[n][2] for n in keep]
        return Batch(
            mel[keep], rows[keep], torch.from_numpy(np.concatenate(phones).astype("int64")),
            torch.tensor([len(p) for p in phones]), sum(clips[n][1].seconds for n in keep), block,
        )  # fmt: skip


def loader(dataset):
    """In one process of its own, a few batches ahead."""
    return iter(torch.utils.data.DataLoader(dataset, batch_size=None, num_workers=1, prefetch_factor=6))
