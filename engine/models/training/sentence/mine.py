"""Ordinary talk that the fine-tuned encoder takes for objections: WORK/mined.txt, for another epoch of finetune.py.

    python mine.py --work WORK --model finetune.pt [--lines 16000]
"""

import argparse
from pathlib import Path

import torch

from common import LABELS, OBJECTIONS, Encoder, Pieces
from finetune import scores, softmax

AT = 0.3  # taken for an objection with at least this probability


def main():
    a = argparse.ArgumentParser()
    a.add_argument("--work", type=Path, required=True)
    a.add_argument("--model", required=True)
    a.add_argument("--lines", type=int, default=16_000)
    a.add_argument("--threads", type=int, default=1)
    a = a.parse_args()
    torch.set_num_threads(a.threads)
    pieces = Pieces(a.work / "vocabulary.txt")
    model = Encoder(len(pieces.list))
    model.load_state_dict(torch.load(a.work / a.model)["student"])
    lines = (a.work / "ordinary.txt").read_text().splitlines()[-a.lines :]
    objections = [LABELS.index(x) for x in OBJECTIONS]
    likely = softmax(scores(model, pieces, lines))[:, objections].sum(1)
    taken = [line for line, p in zip(lines, likely) if p >= AT]
    (a.work / "mined.txt").write_text("\n".join(taken) + "\n")
    print(f"{len(taken)} of {len(lines)} lines")


if __name__ == "__main__":
    main()
