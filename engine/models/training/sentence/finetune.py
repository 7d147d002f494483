"""Teaches the distilled student the classes, and keeps it in the teacher's space.

    python finetune.py --teacher TEACHER --work WORK [--epochs 10]

Resumable at any minute: WORK/finetune.state holds the last epoch. The best epoch on the development set (area under
precision and recall of objections) goes to WORK/finetune.pt, with the temperature fitted there.
"""

import argparse
import math
import random
import time
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F

from common import LABELS, OBJECTIONS, ROOT, Encoder, Pieces, from_teacher, load_teacher, normal
from distil import embed_all
from misheard import Misheard

DETECT = ROOT / "fixtures/detect"
WINDOW = 24  # words the detector looks back at
BATCH, GENERAL = 48, 24
RATE, HEAD_RATE = 1.2e-4, 1e-3


def read(paths):
    rows = [line.split("\t")[:3] for path in paths if path.exists() for line in path.read_text().splitlines()]
    texts = normal([text for _, _, text in rows]) if rows else []
    return [(label, near, text) for (label, near, _), text in zip(rows, texts) if text]


def grown(text, label, others, misheard, rng):
    """A line as it may stand in a live transcript: with talk before or after it, cut short, with words misheard."""
    words = text.split()
    share = 1.0
    if rng.random() < 0.12 and len(words) >= 6:
        keep = rng.randint(2, len(words) - 1)
        # What has been said so far says less about the whole.
        share = (keep / len(words)) ** 2
        words = words[:keep]
    elif rng.random() < 0.35:
        other = rng.choice(others).split()
        n = rng.randint(1, 9)
        words = other[-n:] + words if rng.random() < 0.65 else words + other[:n]
    if rng.random() < 0.4:
        words = misheard.line(words, rng.choice([0.08, 0.2, 0.33]), rng)
    target = np.full(len(LABELS), 0.03 / len(LABELS), np.float32)
    target[LABELS.index(label)] += 0.97 * share
    target[0] += 0.97 * (1 - share)
    return " ".join(words[-WINDOW:]), target


def scores(model, pieces, texts):
    model.eval()
    order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
    out = np.zeros((len(texts), len(LABELS)), np.float32)
    with torch.no_grad():
        for i in range(0, len(order), 64):
            rows = order[i : i + 64]
            ids, mask = pieces.batch([" ".join(texts[r].split()[-WINDOW:]) for r in rows])
            out[rows] = model.logits(model.hidden(ids, mask), mask).numpy()
    return out


def softmax(x):
    e = np.exp(x - x.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


def measure(p, rows):
    """Objection or not by the likeliest objection; gives average precision, and the point with the best F1."""
    objection = [LABELS.index(x) for x in OBJECTIONS]
    score, best = p[:, objection].max(1), np.array(objection)[p[:, objection].argmax(1)]
    truth = np.array([r[0] in OBJECTIONS for r in rows])
    right = np.array([LABELS[b] == r[0] for b, r in zip(best, rows)])
    hard = np.array([r[1] != "-" for r in rows])
    order = np.argsort(-score)
    hits = np.cumsum(truth[order])
    precision, recall = hits / np.arange(1, len(order) + 1), hits / truth.sum()
    area = float(np.sum(precision * truth[order]) / truth.sum())
    f1 = 2 * precision * recall / np.maximum(precision + recall, 1e-9)
    at = score[order][f1.argmax()]
    fired = score >= at
    return area, {
        "at": float(at), "precision": precision[f1.argmax()], "recall": recall[f1.argmax()],
        "class": right[fired & truth].mean(), "hard": f"{(fired & hard).sum()}/{hard.sum()}",
    }  # fmt: skip


def temperature(logits, rows):
    truth = torch.tensor([LABELS.index(r[0]) for r in rows])
    best = min((F.cross_entropy(torch.from_numpy(logits) / t, truth).item(), t) for t in np.arange(0.5, 3.01, 0.05))
    return float(best[1])


def main():
    a = argparse.ArgumentParser()
    a.add_argument("--teacher", type=Path, required=True)
    a.add_argument("--work", type=Path, required=True)
    a.add_argument("--epochs", type=int, default=10)
    a.add_argument("--threads", type=int, default=1)
    a.add_argument("--general", type=float, default=1.0, help="weight of ordinary talk")
    a.add_argument("--rate", type=float, default=RATE)
    a.add_argument("--start", default="distil.pt", help="what to go on from, in WORK")
    a.add_argument("--whole-teacher", action="store_true", help="fine-tune the six-layer teacher instead, to compare")
    a = a.parse_args()
    torch.set_num_threads(a.threads)
    torch.manual_seed(7)
    rng = random.Random(7)
    weights, full = load_teacher(a.teacher)
    pieces = Pieces(a.work / "vocabulary.txt")
    train = read(sorted((DETECT / "train").glob("*.tsv")))
    heard = read([DETECT / "recognised/train.tsv"])
    dev, dev_heard = read([DETECT / "dev.tsv"]), read([DETECT / "recognised/dev.tsv"])
    ordinary = (a.work / "ordinary.txt").read_text().splitlines()
    path = a.work / "mined.txt"
    mined = path.read_text().splitlines() if path.exists() else []
    misheard = Misheard(ordinary + [t for _, _, t in train])
    others = [t for label, _, t in train if label == "none"] + ordinary[:4000]
    print(f"train {len(train)} + {len(heard)} recognised, dev {len(dev)} + {len(dev_heard)}", flush=True)

    everything = Pieces(a.work / "teacher_vocabulary.txt")
    teacher = from_teacher(weights, everything, range(6), full, 1536).eval()
    if a.whole_teacher:
        pieces, model = everything, teacher
    else:
        model = from_teacher(weights, pieces, [0, 2, 4], full)
        model.load_state_dict(torch.load(a.work / a.start)["student"])
        anchors = torch.from_numpy(embed_all(teacher, everything, [t for _, _, t in train]).astype(np.float32))
    model.dropout(0.1)
    head = [p for n, p in model.named_parameters() if n.startswith(("pool", "head"))]
    body = [p for n, p in model.named_parameters() if not n.startswith(("pool", "head"))]
    groups = [{"params": body, "lr": a.rate, "base": a.rate}, {"params": head, "lr": a.rate * HEAD_RATE / RATE, "base": a.rate * HEAD_RATE / RATE}]
    optimiser = torch.optim.AdamW(groups, weight_decay=0.01)
    mean = {k: v.clone() for k, v in model.state_dict().items()}

    steps = a.epochs * math.ceil(len(train) / (BATCH * 2 // 3 if heard else BATCH))
    suffix = "_teacher" if a.whole_teacher else ""
    state, best, first, step = a.work / f"finetune{suffix}.state", 0.0, 0, 0
    if state.exists():
        saved = torch.load(state, weights_only=False)
        model.load_state_dict(saved["model"])
        optimiser.load_state_dict(saved["optimiser"])
        mean, best, first, step = saved["mean"], saved["best"], saved["epoch"] + 1, saved["step"]
        rng.setstate(saved["rng"])

    for epoch in range(first, a.epochs):
        began, total = time.time(), 0.0
        order = list(range(len(train)))
        rng.shuffle(order)
        per = BATCH * 2 // 3 if heard else BATCH
        for i in range(0, len(order), per):
            rows = order[i : i + per]
            chosen = [train[r] for r in rows]
            if heard:
                chosen += rng.sample(heard, min(BATCH - per, len(heard)))
            made = [grown(text, label, others, misheard, rng) for label, _, text in chosen]
            none = np.zeros(len(LABELS), np.float32)
            none[0] = 1.0
            hard = rng.sample(mined, min(GENERAL * 2 // 3, len(mined)))
            made += [(t, none) for t in hard + rng.sample(ordinary, GENERAL - len(hard))]
            texts = [t for t, _ in made]
            target = torch.from_numpy(np.stack([t for _, t in made]))
            weight = torch.tensor([1.0] * len(chosen) + [a.general] * GENERAL)
            model.train()
            ids, mask = pieces.batch(texts)
            x = model.hidden(ids, mask)
            loss = (F.cross_entropy(model.logits(x, mask), target, reduction="none") * weight).mean()
            if not a.whole_teacher:
                # The very lines, unchanged, must stay where the teacher has them.
                ids, mask = pieces.batch([train[r][2] for r in rows[:16]])
                got = model.embedding(model.hidden(ids, mask), mask)
                loss = loss + 0.5 * (1 - (got * anchors[rows[:16]]).sum(1)).mean()
            optimiser.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            done = step / steps
            for g in optimiser.param_groups:
                g["lr"] = g["base"] * min(1.0, (step + 1) / 60) * 0.5 * (1 + math.cos(math.pi * min(done, 1.0)))
            optimiser.step()
            step += 1
            total += loss.item()
            keep = min(0.995, (step + 1) / (step + 20))
            for k, v in model.state_dict().items():
                mean[k].lerp_(v, 1 - keep)
        average = Encoder(len(pieces.list), len(model.layers), model.layers[0].up.out_features)
        average.load_state_dict(mean)
        logits = scores(average, pieces, [t for _, _, t in dev])
        area, point = measure(softmax(logits), dev)
        line = f"epoch {epoch} {time.time() - began:.0f} s loss {total * per / len(order):.3f} dev AP {area:.4f} {point}"
        if dev_heard:
            line += f" heard {measure(softmax(scores(average, pieces, [t for _, _, t in dev_heard])), dev_heard)}"
        print(line, flush=True)
        if area > best:
            best = area
            torch.save({"student": mean, "temperature": temperature(logits, dev)}, a.work / f"finetune{suffix}.pt")
        saved = {"model": model.state_dict(), "optimiser": optimiser.state_dict(), "mean": mean, "best": best,
                 "epoch": epoch, "step": step, "rng": rng.getstate()}  # fmt: skip
        torch.save(saved, state.with_suffix(".part"))
        state.with_suffix(".part").rename(state)


if __name__ == "__main__":
    main()
