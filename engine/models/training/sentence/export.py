"""Writes the encoder as the engine reads it, and what it must compute.

    python export.py --work WORK --to FOLDER [--from finetune.pt]

`config.json`, `vocabulary.txt`, `model.safetensors` (matrices as 8-bit integers with a scale per row, the rest f32)
and `golden.json` (sentences with their embeddings and class probabilities, computed here from the very weights that
were written).
"""

import argparse
import json
import shutil
from pathlib import Path

import torch
from safetensors.torch import save_file

from common import HEADS, LABELS, MAX_PIECES, OBJECTIONS, WIDTH, Encoder, Pieces

GOLDEN = [
    "",
    "price",
    "your number makes me wince",
    "our customers keep telling us that we are too expensive",
    "the money for it was released last week",
    "we would have to ask the board first and they only meet in march",
    "could you send that over and i will have a look at it when things calm down here",
    "zxqj supercalifragilistic larkspan",
    " ".join(["and then we looked at the price"] * 12),
]


def quantise(model):
    """Rounds every matrix to 8 bits a weight, in place, and gives what is to be written."""
    out = {}
    for name, value in model.state_dict().items():
        if value.dim() == 2 and name != "positions.weight":
            scale = value.abs().amax(1).clamp(min=1e-8) / 127
            rounded = (value / scale[:, None]).round().clamp(-127, 127)
            out[name], out[f"{name}.scale"] = rounded.to(torch.int8).contiguous(), scale.contiguous()
            value.copy_(rounded * scale[:, None])
        else:
            out[name] = value.contiguous().clone()
    return out


def main():
    a = argparse.ArgumentParser()
    a.add_argument("--work", type=Path, required=True)
    a.add_argument("--to", type=Path, required=True)
    a.add_argument("--model", default="finetune.pt")
    a = a.parse_args()
    a.to.mkdir(parents=True, exist_ok=True)
    pieces = Pieces(a.work / "vocabulary.txt")
    saved = torch.load(a.work / a.model)
    model = Encoder(len(pieces.list))
    model.load_state_dict(saved["student"])
    model.eval()
    with torch.no_grad():
        save_file(quantise(model), a.to / "model.safetensors")
        shutil.copy(a.work / "vocabulary.txt", a.to / "vocabulary.txt")
        temperature = saved.get("temperature", 1.0)
        config = {
            "name": "sentence-v1", "width": WIDTH, "heads": HEADS, "layers": len(model.layers),
            "hidden": model.layers[0].up.out_features, "pools": model.pool.out_features,
            "head": model.head1.out_features, "max_pieces": MAX_PIECES, "temperature": temperature, "labels": LABELS,
            "objections": OBJECTIONS,
        }  # fmt: skip
        (a.to / "config.json").write_text(json.dumps(config, indent=1) + "\n")
        golden = []
        for text in GOLDEN:
            ids, mask = pieces.batch([text])
            x = model.hidden(ids, mask)
            embedding = model.embedding(x, mask)[0]
            classes = (model.logits(x, mask)[0] / temperature).softmax(0)
            shown = {"text": text, "ids": ids[0].tolist()}
            golden.append(shown | {"embedding": [round(v, 6) for v in embedding.tolist()], "classes": [round(v, 6) for v in classes.tolist()]})
        (a.to / "golden.json").write_text("[\n" + ",\n".join(json.dumps(g) for g in golden) + "\n]\n")
    for path in sorted(a.to.iterdir()):
        print(f"{path.name}: {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
