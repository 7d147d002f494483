"""A model folder as the engine loads it, with golden arrays: export.py CHECKPOINT --name NAME --to DIR [--set L,W,B]
[--thresholds FILE].

CHECKPOINT is one of train.py, of which the averaged weights are taken, or a .safetensors file. Weights ship as whole
numbers of 8 bits with a factor for each row. Lexicon, language model and the rest are taken over from the shipped
folder. Golden
arrays are computed here, in f32 from the weights as they ship, by code that shares nothing with the engine's."""

import argparse
import json
import shutil
from pathlib import Path

import torch
from safetensors.torch import save_file

from evaluate import DECODER, greedy, words
from features import log_mel
from network import load, plain, whole
from phones import ASSETS, Lexicon
from spotting import best_scores

TAKEN_OVER = "frontend.safetensors lexicon.txt.gz trigram.gz cmudict.txt.gz lts.txt.gz phones.txt LICENCES.txt".split()


def golden(net, settings, to):
    from soundfile import read

    lexicon = Lexicon()
    to.mkdir(exist_ok=True)
    for description in sorted((ASSETS / "golden").glob("*.json")):
        clip, name = json.loads(description.read_text()), description.stem
        shutil.copy(description.with_suffix(".wav"), to)
        samples = torch.from_numpy(read(description.with_suffix(".wav"), dtype="float32")[0])
        mel = log_mel(samples[None])
        with torch.no_grad():
            middle, top = (torch.log_softmax(one[0], -1).contiguous() for one in net(mel))
        arrays = {"logmel": mel[0].contiguous(), "logpost_middle": middle, "logpost": top}
        save_file(arrays, to / f"{name}.safetensors")
        rows = top.numpy()
        clip["greedy_phones"] = " ".join(lexicon.symbols[s] for s in greedy(rows))
        if DECODER.exists():
            clip["decoded"] = words([rows], [settings])[0][0]
        for phrase in clip["spotter"]:
            best, end = best_scores(middle.numpy(), [[lexicon.number[p] for p in phrase["phones"]]])
            phrase["score"], phrase["end_frame"] = round(float(best[0]), 3), int(end[0])
        (to / f"{name}.json").write_text(json.dumps(clip, indent=1))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint")
    parser.add_argument("--name", required=True)
    parser.add_argument("--to", required=True)
    parser.add_argument("--thresholds", help="file of thresholds.py")
    parser.add_argument("--set", help="LM,WORD,BLANK: decoder settings tuned on dev; the shipped ones without it")
    asked = parser.parse_args()
    net, to, config = load(asked.checkpoint), Path(asked.to), json.loads((ASSETS / "config.json").read_text())
    to.mkdir(parents=True, exist_ok=True)
    config["name"], decoder = asked.name, config["decoder"]
    if asked.set:
        decoder["lm_weight"], decoder["word_bonus"], decoder["blank_bias"] = map(float, asked.set.split(","))
    config["spotter"]["listens_to"] = "middle"
    if asked.thresholds:
        config["spotter"]["note"] = "thresholds by thresholds.py: as many false alarms as the weights before"
        config["spotter"] |= json.loads(Path(asked.thresholds).read_text())
    (to / "config.json").write_text(json.dumps(config, indent=1))
    tensors = whole(net.state_dict())
    save_file(tensors, to / "model.safetensors")
    for file in TAKEN_OVER:
        shutil.copy(ASSETS / file, to)
    net.load_state_dict(plain(tensors))
    golden(net, (decoder["lm_weight"], decoder["word_bonus"], decoder["blank_bias"]), to / "golden")
    print(f"{to}: {sum(f.stat().st_size for f in to.iterdir() if f.is_file()) / 1e6:.1f} MB")
