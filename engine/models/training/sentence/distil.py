"""General distillation: the student learns to place any sentence where the teacher places it.

    python distil.py --teacher TEACHER --work WORK [--hours 0.5]

Resumable at any minute: WORK/distil.pt holds the last state. The teacher's embeddings are computed once.
"""

import argparse
import math
import random
import time
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F

from common import Pieces, from_teacher, load_teacher

KEEP = [0, 2, 4]  # the teacher's layers the student starts from
BATCH = 64
RATE = 4e-4


def batches(lines, rng):
    """Lines of like length together: padding costs as much as words."""
    order = sorted(range(len(lines)), key=lambda i: (len(lines[i].split()) // 3, rng.random()))
    groups = [order[i : i + BATCH] for i in range(0, len(order), BATCH)]
    rng.shuffle(groups)
    return groups


def embed_all(model, pieces, lines):
    order = sorted(range(len(lines)), key=lambda i: len(lines[i]))
    out = np.zeros((len(lines), 384), np.float16)
    with torch.no_grad():
        for i in range(0, len(order), 128):
            rows = order[i : i + 128]
            ids, mask = pieces.batch([lines[r] for r in rows])
            out[rows] = model.embedding(model.hidden(ids, mask), mask).numpy().astype(np.float16)
    return out


def main():
    a = argparse.ArgumentParser()
    a.add_argument("--teacher", type=Path, required=True)
    a.add_argument("--work", type=Path, required=True)
    a.add_argument("--hours", type=float, default=0.6)
    a.add_argument("--threads", type=int, default=1)
    a.add_argument("--teacher-only", action="store_true")
    a.add_argument("--limit", type=int, default=0, help="lines, for a smoke run")
    a = a.parse_args()
    torch.set_num_threads(a.threads)
    torch.manual_seed(7)
    lines = (a.work / "general.txt").read_text().splitlines()
    lines = lines[: a.limit] if a.limit else lines
    weights, full = load_teacher(a.teacher)
    everything = Pieces(a.work / "teacher_vocabulary.txt")
    pieces = Pieces(a.work / "vocabulary.txt")

    cache = a.work / "teacher.npy"
    if not cache.exists():
        began = time.time()
        teacher = from_teacher(weights, everything, range(6), full, 1536).eval()
        np.save(cache, embed_all(teacher, everything, lines))
        print(f"teacher: {len(lines)} lines in {time.time() - began:.0f} s", flush=True)
    if a.teacher_only:
        return
    target = torch.from_numpy(np.load(cache))

    student = from_teacher(weights, pieces, KEEP, full)
    rest = [p for n, p in student.named_parameters() if not n.startswith(("pool", "head"))]
    optimiser = torch.optim.AdamW(rest, lr=RATE, weight_decay=0.01)
    state = a.work / "distil.pt"
    spent, step = 0.0, 0
    if state.exists():
        saved = torch.load(state)
        student.load_state_dict(saved["student"])
        optimiser.load_state_dict(saved["optimiser"])
        spent, step = saved["spent"], saved["step"]
    held = set(range(0, len(lines), 50))
    train = [i for i in range(len(lines)) if i not in held]
    held = sorted(held)[:512]

    def similarity():
        got = torch.from_numpy(embed_all(student.eval(), pieces, [lines[i] for i in held]).astype(np.float32))
        return (got * target[held].float()).sum(1).mean().item()

    def save():
        part = state.with_suffix(".part")
        torch.save({"student": student.state_dict(), "optimiser": optimiser.state_dict(), "spent": spent, "step": step}, part)
        part.rename(state)

    budget, mark, saved_at, losses = a.hours * 3600, time.time(), time.time(), []
    print(f"start: step {step}, cosine to teacher {similarity():.4f}", flush=True)
    epoch = 0
    while spent < budget:
        epoch += 1
        rng = random.Random(step)
        for group in batches([lines[i] for i in train], rng):
            rows = [train[i] for i in group]
            # Schedule by time spent, so that a slow machine also ends with a low rate.
            done = min(spent / budget, 1.0)
            for g in optimiser.param_groups:
                g["lr"] = RATE * min(1.0, (step + 1) / 200) * 0.5 * (1 + math.cos(math.pi * done))
            student.train()
            ids, mask = pieces.batch([lines[i] for i in rows])
            got = student.embedding(student.hidden(ids, mask), mask)
            want = F.normalize(target[rows].float(), dim=-1)
            # Each sentence near its own place, and sentences to one another as the teacher has them.
            loss = (1 - (got * want).sum(1)).mean() + 2.0 * F.mse_loss(got @ got.T, want @ want.T)
            optimiser.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(rest, 1.0)
            optimiser.step()
            losses.append(loss.item())
            step += 1
            spent, mark = spent + time.time() - mark, time.time()
            if step % 200 == 0:
                print(f"step {step} epoch {epoch} {spent:.0f} s loss {np.mean(losses[-200:]):.4f}", flush=True)
            if time.time() - saved_at > 120 or spent >= budget:
                save()
                saved_at = time.time()
            if spent >= budget:
                break
    print(f"end: step {step}, cosine to teacher {similarity():.4f}", flush=True)


if __name__ == "__main__":
    main()
