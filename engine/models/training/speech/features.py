"""Log-mel rows as the engine computes them (config.json, `features`), in batches, with tempo and vocal-tract warp."""

import functools

import numpy as np
import torch
from torch.nn import functional as F

RATE, WINDOW, HOP, FFT, MELS = 16_000, 400, 160, 512, 80
LOW, HIGH, FLOOR, MEAN, STD = 20.0, 7600.0, 1e-6, -5.0, 4.0
BINS = FFT // 2 + 1
BIN_HZ = torch.arange(BINS) * (RATE / FFT)


@functools.lru_cache(maxsize=64)
def filters(warp=1.0):
    """Triangles on the mel scale, [257, 80]. A warp above 1 moves them up: the speech then looks like a longer tract's.

    Above 4.8 kHz the warp bends back so that the highest filter stays where it is (as in Kaldi)."""
    mel = np.linspace(2595 * np.log10(1 + LOW / 700), 2595 * np.log10(1 + HIGH / 700), MELS + 2)
    hz = 700 * (10 ** (mel / 2595) - 1)
    if warp != 1.0:
        knee = 4800.0 * min(1.0, 1.0 / warp)
        slope = (HIGH - warp * knee) / (HIGH - knee)
        hz = np.where(hz <= knee, hz * warp, HIGH + slope * (hz - HIGH))
    low, centre, high = hz[:-2], hz[1:-1], hz[2:]
    f = np.arange(BINS)[:, None] * (RATE / FFT)
    weights = np.minimum((f - low) / (centre - low), (high - f) / (high - centre)).clip(0)
    return torch.from_numpy(weights.astype("float32"))


@functools.lru_cache(maxsize=4)
def window(device):
    k = torch.arange(WINDOW, dtype=torch.float64)
    return (0.5 - 0.5 * torch.cos(2 * torch.pi * k / WINDOW)).float().to(device)


def power(wave, tempo=None):
    """|FFT|^2 of each row of `wave` [clips, samples], as [clips, frames, 257]. Samples outside the clip are 0.

    `tempo` [clips]: the window moves by so many times the usual hop, so the talk is faster at the same pitch."""
    if tempo is None:
        frames = F.pad(wave, (WINDOW // 2, WINDOW // 2)).unfold(1, WINDOW, HOP)
        frames = frames[:, : 1 + wave.shape[1] // HOP]
    else:
        count = 1 + int((wave.shape[1] / tempo).max()) // HOP
        start = (torch.arange(count, device=wave.device)[None] * (HOP * tempo)[:, None]).round().long()
        start = start.clamp(max=wave.shape[1])
        padded = F.pad(wave, (WINDOW // 2, WINDOW // 2))
        row = torch.arange(len(wave), device=wave.device)[:, None]
        frames = padded.unfold(1, WINDOW, 1)[row, start]
    spectrum = torch.fft.rfft(frames * window(wave.device), FFT)
    return spectrum.real.square() + spectrum.imag.square()


def compress(mel):
    return (torch.log(mel + FLOOR) - MEAN) / STD


def log_mel(wave):
    """Rows as in the engine, [clips, frames, 80]."""
    return compress(power(wave) @ filters().to(wave.device))
