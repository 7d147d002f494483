"""What a call does to speech, on batches: rooms, noise, babble, lost packets, level, telephone; and SpecAugment."""

from pathlib import Path

import numpy as np
import torch

from data import resample
from features import BIN_HZ, MELS, RATE, compress, filters, power

WARPS = np.round(np.linspace(0.82, 1.18, 13), 3)
WARP_SHARES = np.array([0.04, 0.06, 0.08, 0.09, 0.1, 0.1, 0.1, 0.1, 0.09, 0.08, 0.07, 0.05, 0.04])
TEMPO = (0.87, 1.17)
MASKED = -1.0  # log-mel value of what SpecAugment hides: about the floor between words


class Surroundings:
    """Recorded noises and room responses (speech/noise of the data)."""

    def __init__(self, folder):
        import soundfile

        self.noises, self.rooms = [], []
        for path in sorted(Path(folder).glob("*.*")):
            if path.suffix in (".opus", ".flac", ".wav"):
                samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
                samples = samples.mean(1) if rate == RATE else resample(samples.mean(1), rate)
                (self.rooms if "rir" in path.name else self.noises).append(torch.from_numpy(samples))

    def noise(self, rng, count, length):
        rows = []
        for _ in range(count):
            source = self.noises[rng.integers(len(self.noises))]
            at = int(rng.integers(len(source)))
            rows.append(source.roll(-at).repeat(-(-length // len(source)))[:length])
        return torch.stack(rows)


def per_clip(values):
    return torch.from_numpy(np.asarray(values, "float32"))[:, None]


def in_a_room(wave, rng, torch_rng, rooms):
    """Direct sound plus a decaying tail, the same room for the batch but another distance for each clip."""
    if rooms and rng.random() < 0.1:
        tail = rooms[rng.integers(len(rooms))][: RATE // 2].clone()
        tail = tail[int(tail.abs().argmax()) :]
    else:
        length = int(RATE * rng.uniform(0.1, 0.55))
        tail = torch.randn(length, generator=torch_rng) * torch.exp(-6.9 * torch.arange(length) / length)
    tail[:32] = 0
    tail /= tail.norm() + 1e-6
    n = 1 << (wave.shape[1] + len(tail) - 1).bit_length()
    wet = torch.fft.irfft(torch.fft.rfft(wave, n) * torch.fft.rfft(tail, n), n)[:, : wave.shape[1]]
    distance = rng.uniform(0, 0.7, len(wave)) * (rng.random(len(wave)) < 0.7)
    return wave + wet * per_clip(distance)


def coloured(shape, rng, torch_rng):
    noise = torch.randn(shape, generator=torch_rng)
    n = 1 << (shape[1] - 1).bit_length()
    hz = torch.arange(n // 2 + 1) * (RATE / n)
    slope = (1 + hz / rng.uniform(80, 1500)) ** -rng.uniform(0.0, 1.2)
    return torch.fft.irfft(torch.fft.rfft(noise, n) * slope, n)[:, : shape[1]]


def with_noise(wave, lengths, rng, torch_rng, surroundings):
    level = (wave.square().sum(1) / lengths).sqrt() + 1e-5
    draw, count = rng.random(), len(wave)
    if draw < 0.45 and surroundings.noises:
        noise = surroundings.noise(rng, *wave.shape)
    elif draw < 0.65 and count > 1:
        even = wave / level[:, None]
        noise = sum(even.roll(n + 1, 0).roll(int(rng.integers(RATE)), 1) for n in range(rng.integers(1, 4)))
        noise = noise + 0.1 * torch.randn(wave.shape, generator=torch_rng)
    else:
        noise = coloured(wave.shape, rng, torch_rng)
    noise = noise / (noise.square().mean(1, keepdim=True).sqrt() + 1e-6)
    ratio = rng.uniform(8, 38, count)
    wanted = 10 ** (-ratio / 20) * (rng.random(count) < 0.5)
    return wave + noise * level[:, None] * per_clip(wanted)


def losing_packets(wave, rng):
    """20 ms packets lost in short bursts; what came before is repeated, fainter."""
    packet = RATE // 50
    whole = wave[:, : wave.shape[1] // packet * packet].view(len(wave), -1, packet)
    for clip in np.flatnonzero(rng.random(len(wave)) < 0.08):
        lost = rng.random(whole.shape[1]) < rng.uniform(0.005, 0.05) / 1.5
        lost[1:] |= lost[:-1] & (rng.random(len(lost) - 1) < 0.35)
        for n in np.flatnonzero(lost[1:]) + 1:
            whole[clip, n] = whole[clip, n - 1] * 0.6
    return wave


def response(count, rng):
    """Gain of each of the 257 bins: a telephone band for some clips, a low-pass for others."""
    gain = torch.ones(count, len(BIN_HZ))
    for clip in range(count):
        draw = rng.random()
        if draw < 0.17:
            gain[clip] *= torch.sigmoid((BIN_HZ - rng.uniform(150, 350)) / 30)
            gain[clip] *= torch.sigmoid((rng.uniform(3200, 3950) - BIN_HZ) / 60)
        elif draw < 0.30:
            gain[clip] *= torch.sigmoid((rng.uniform(5000, 7500) - BIN_HZ) / 100)
    return gain


def tilted(mel, rng):
    """A smooth random equaliser, as microphones differ."""
    k, tilt = torch.arange(MELS) / MELS, torch.zeros(len(mel), MELS)
    for waves in (0.5, 1, 2, 3):
        size, phase = per_clip(rng.normal(0, 0.11 / waves**0.5, len(mel))), per_clip(rng.uniform(0, 6.28, len(mel)))
        tilt += size * torch.cos(torch.pi * k * waves + phase)
    return mel + tilt[:, None]


def hidden(mel, rng):
    """SpecAugment: one or two bands of up to 12 of 80, a span of up to 140 ms for about every four seconds."""
    frames = mel.shape[1]
    for clip in mel:
        for _ in range(rng.integers(1, 3)):
            wide = rng.integers(0, 13)
            at = rng.integers(0, MELS - wide)
            clip[:, at : at + wide] = MASKED
        for _ in range(1 + frames // 400):
            wide = rng.integers(0, 15)
            at = rng.integers(0, max(1, frames - wide))
            clip[at : at + wide] = MASKED
    return mel


def features(wave, lengths, rng, surroundings):
    """Log-mel rows of a batch as heard on some call, and the tempo each clip was given. `wave` is used up."""
    torch_rng = torch.Generator().manual_seed(int(rng.integers(1 << 31)))
    count = len(wave)
    if rng.random() < 0.25:
        wave = in_a_room(wave, rng, torch_rng, surroundings.rooms)
    wave = with_noise(wave, lengths, rng, torch_rng, surroundings)
    wave = losing_packets(wave * per_clip(10 ** (rng.uniform(-24, 6, count) / 20)), rng).clamp(-1, 1)
    tempo = torch.from_numpy(rng.uniform(*TEMPO, count).astype("float32"))
    warps = rng.choice(WARPS, count, p=WARP_SHARES / WARP_SHARES.sum())
    shaped = power(wave, tempo) * response(count, rng)[:, None]
    mel = compress(torch.bmm(shaped, torch.stack([filters(float(w)) for w in warps])))
    return hidden(tilted(mel, rng), rng), tempo
