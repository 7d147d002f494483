"""Trains the network: train.py --stores WORK/train 'WORK/synthetic-*' --noise DIR --dev WORK/dev --to WORK/runs/NAME.

Started again with the same command it goes on from its last checkpoint; SIGTERM makes one and ends. The schedule is by
hours of speech heard, so it does not matter how fast the machine is or how often the run is stopped."""

import argparse
import json
import math
import os
import signal
import time
from pathlib import Path

import torch

import evaluate
from batches import Batches, loader
from crf import Denominator, crf, ctc, trigram
from network import load
from phones import ASSETS, Lexicon
from store import Store

WARM_UP = 1.0  # hours over which the rate rises, as Adam's averages start empty
AVERAGE = 0.999
CLIP = 5.0  # of the gradient's norm, which is 2 to 3 as a rule
PHRASES = 100  # word spans spotted in each set
CTC_TOP, CTC_MIDDLE = 0.15, 0.3  # weights beside the CRF loss
SETTINGS = [(0.8, 0.0, 0.0), (0.8, -0.5, -1.5)]  # of the decoder: what suits CRF, what suits CTC


def rate_at(hours, asked):
    """Learning rate after so many hours heard: up, constant, then down a cosine."""
    hold = asked.hold * asked.hours
    if hours < WARM_UP:
        return asked.rate * (0.05 + 0.95 * hours / WARM_UP)
    if hours < hold:
        return asked.rate
    part = min(1.0, (hours - hold) / max(asked.hours - hold, 1e-6))
    return asked.rate * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * part)))


def phone_lm(folders):
    """Trigram of the labels of all stores."""
    return trigram([p for folder in folders for p in Store(folder).phones if len(p)], len(Lexicon().symbols))


class Run:
    """Everything a checkpoint holds."""

    def __init__(self, asked):
        self.asked, self.folder = asked, Path(asked.to)
        self.folder.mkdir(parents=True, exist_ok=True)
        torch.manual_seed(asked.seed)
        self.net = load(asked.start, asked.dropout).train()
        self.average = load(asked.start)
        matrices = [p for p in self.net.parameters() if p.dim() > 1]
        rest = [p for p in self.net.parameters() if p.dim() <= 1]
        groups = [{"params": matrices, "weight_decay": 0.02}, {"params": rest, "weight_decay": 0.0}]
        self.optimiser = torch.optim.AdamW(groups, lr=asked.rate, betas=(0.9, 0.98))
        self.step, self.hours, self.block = 0, 0.0, 0
        self.checkpoint = self.folder / "checkpoint.pt"
        if self.checkpoint.exists():
            saved = torch.load(self.checkpoint, map_location="cpu", weights_only=False)
            self.net.load_state_dict(saved["net"])
            self.average.load_state_dict(saved["average"])
            self.optimiser.load_state_dict(saved["optimiser"])
            torch.set_rng_state(saved["random"])
            # The rest of the block that was under way is left out.
            self.step, self.hours, self.block = saved["step"], saved["hours"], saved["block"] + 1
        self.net, self.average = self.net.to(asked.device), self.average.to(asked.device)

    def save(self):
        """Whole or not at all: a kill at any moment leaves the checkpoint before."""
        part = self.folder / "checkpoint.part"
        torch.save({"net": self.net.state_dict(), "average": self.average.state_dict(), "step": self.step,
                    "optimiser": self.optimiser.state_dict(), "random": torch.get_rng_state(), "hours": self.hours,
                    "block": self.block, "asked": vars(self.asked)}, part)  # fmt: skip
        os.replace(part, self.checkpoint)

    def keep(self):
        """The averaged weights by themselves, named by the hours heard."""
        torch.save({"average": self.average.state_dict(), "hours": self.hours, "step": self.step},
                   self.folder / f"average-{self.hours:06.1f}.pt")  # fmt: skip

    def follow(self):
        """Moves the average after the weights: over the last third of the steps so far, at most a thousand."""
        part = max(1 - AVERAGE, 3 / (3 + self.step))
        with torch.no_grad():
            torch._foreach_lerp_(list(self.average.parameters()), list(self.net.parameters()), part)


def losses(net, batch, denominator, device, bf16=True):
    """Mean per phone of: middle CTC, top CTC, CRF (or 0 without a denominator)."""
    mel, rows = batch.mel.to(device), batch.rows
    with torch.autocast(torch.device(device).type, torch.bfloat16, enabled=bf16):
        middle, top = net(mel)
    phones, total = batch.phones, int(batch.counts.sum())
    middle, top = torch.log_softmax(middle.float(), -1), torch.log_softmax(top.float(), -1)
    middle_ctc = ctc(middle, rows, phones, batch.counts).sum() / total
    own = ctc(top, rows, phones, batch.counts)
    top_ctc = own.sum() / total
    against_all = top_ctc * 0
    if denominator:
        against_all = crf(top, rows, phones, batch.counts, denominator, own).sum() / total
    return middle_ctc, top_ctc, against_all


def objective(parts, with_crf):
    middle, top, against_all = parts
    return CTC_MIDDLE * middle + (CTC_TOP * top + against_all if with_crf else (1 - CTC_MIDDLE) * top)


def one_step(run, batch, denominator):
    for group in run.optimiser.param_groups:
        group["lr"] = rate_at(run.hours, run.asked)
    parts = losses(run.net, batch, denominator, run.asked.device)
    loss = objective(parts, denominator is not None)
    run.optimiser.zero_grad(set_to_none=True)
    loss.backward()
    size = torch.nn.utils.clip_grad_norm_(run.net.parameters(), CLIP)
    if torch.isfinite(size):  # a batch that overflowed teaches nothing
        run.optimiser.step()
    run.step += 1
    run.hours += batch.seconds / 3600
    run.block = batch.block
    run.follow()
    return [float(p.detach()) for p in parts] + [float(size)]


def report(run, note):
    """One line to the log and one row to curve.jsonl."""
    begin = time.time()
    results = evaluate.measure(run.average.to("cpu"), run.asked.dev, SETTINGS, bf16=True, phrases=PHRASES)
    run.average.to(run.asked.device)
    row = {"hours": round(run.hours, 2), "step": run.step, "time": time.strftime("%F %T")}
    for name, one in results.items():
        found = {rate: round(share, 1) for rate, (share, _) in one["spotted"][1].items()}
        row[name] = {"per": round(one["per"], 2), "wer": [round(w, 2) for w in one["wer"]], "spotted": found}
    with open(run.folder / "curve.jsonl", "a") as file:
        file.write(json.dumps(row) + "\n")
    shown = " ".join(f"{n} {row[n]['per']}/{min(row[n]['wer'], default=float('nan'))}" for n in results)
    print(f"{note} hours {run.hours:.1f} phone/word error: {shown} ({time.time() - begin:.0f} s)", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stores", nargs="+", required=True)
    parser.add_argument("--noise", required=True)
    parser.add_argument("--dev", nargs="*", default=[])
    parser.add_argument("--to", required=True)
    parser.add_argument("--start", default=str(ASSETS / "model.safetensors"))
    parser.add_argument("--loss", choices=["ctc", "crf"], default="crf")
    parser.add_argument("--hours", type=float, default=1500, help="of speech, for the whole schedule")
    parser.add_argument("--hold", type=float, default=0.6, help="share of the schedule before the rate falls")
    parser.add_argument("--rate", type=float, default=4e-4)
    parser.add_argument("--batch", type=float, default=64, help="seconds of padded speech")
    parser.add_argument("--dropout", type=float, default=0.05)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--save-every", type=float, default=200, help="seconds")
    parser.add_argument("--measure-every", type=float, default=10, help="hours heard")
    parser.add_argument("--keep-every", type=float, default=50, help="hours heard")
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    run, stop = Run(asked), []
    signal.signal(signal.SIGTERM, lambda *_: stop.append(True))
    signal.signal(signal.SIGINT, lambda *_: stop.append(True))
    data = Batches(asked.stores, asked.noise, asked.batch, run.block, seed=17 + asked.seed)
    denominator = Denominator(phone_lm(data.folders), asked.device) if asked.loss == "crf" else None
    print(f"{'goes on' if run.step else 'starts'} at {run.hours:.1f} h, step {run.step}: {vars(asked)}", flush=True)
    batches, sums, count = loader(data), [0.0] * 4, 0
    saved = shown = time.time()
    waited, heard = 0.0, run.hours
    if run.step == 0 and asked.dev:
        report(run, "start")
    next_measure = (run.hours // asked.measure_every + 1) * asked.measure_every
    next_keep = (run.hours // asked.keep_every + 1) * asked.keep_every
    while run.hours < asked.hours and not stop:
        begin = time.time()
        batch = next(batches)
        waited += time.time() - begin
        sums = [a + b for a, b in zip(sums, one_step(run, batch, denominator))]
        count += 1
        if count == 50:
            past, means = time.time() - shown, " ".join(f"{s / count:.3f}" for s in sums)
            speed, idle = (run.hours - heard) * 3600 / past, waited / past
            print(
                f"{time.strftime('%T')} step {run.step} hours {run.hours:.2f} rate {rate_at(run.hours, asked):.1e}",
                end="",
            )
            print(f" middle top crf norm {means} speed {speed:.0f} waiting {idle:.2f}", flush=True)
            sums, count, shown, waited, heard = [0.0] * 4, 0, time.time(), 0.0, run.hours
        if time.time() - saved > asked.save_every:
            run.save()
            saved = time.time()
        if run.hours >= next_keep:
            run.keep()
            next_keep += asked.keep_every
        if run.hours >= next_measure and asked.dev:
            report(run, "measured")
            next_measure += asked.measure_every
    run.save()
    if not stop and asked.dev:
        run.keep()
        report(run, "done")
    print(f"stopped at {run.hours:.1f} h, step {run.step}", flush=True)


if __name__ == "__main__":
    main()
