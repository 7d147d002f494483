"""Teaches the finished encoder likeness to three examples, for plays that no class covers: likeness.safetensors.

    python likeness.py --work WORK --to ../../assets/sentence-v1 [--model finetune.pt] [--measure]

The encoder stays as it is. What is learnt is which word pieces count and one small layer over them, by episodes: a
batch of plays, three lines of each as its examples, three others that must be found by them, near misses and labelled
lines that must not. A sentence that lies near everything (Radovanovic et al. 2010) is likened to nothing more than its
due: half of how near it is to a crowd of ordinary lines is taken off, and half of how near the examples are (Conneau et
al. 2017). `--measure` leaves out a fifth of the plays at a time and says what is found of them. Five minutes on one
processor core, the same each time but for the last bits.
"""

import argparse
import json
import tomllib
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from torch import nn
from torch.nn import functional as F

from common import LABELS, WIDTH, Encoder, Pieces, normal
from export import GOLDEN, quantise
from finetune import DETECT, WINDOW, read

INNER = 64
CROWD, NEAREST = 256, 8  # lines in the crowd; how many of the nearest count
PLAYS, EXAMPLES, QUERIES, LINES = 24, 3, 3, 32  # in a batch
STEPS, RATE, SHARPNESS, ANCHOR = 160, 1e-3, 20.0, 2.0
LABELLED = 3_000  # labelled lines that are kept at hand
SEED = 7
# Plays about what a development or test play is about: left out, or those would not be new.
RELATED = set("""harvest_not_now school_holidays_absent exam_weeks tax_deadline_season fuel_and_energy_cost
ethical_vendor_check merger_pending going_public_ipo private_equity_owner reorganisation_rumours site_closing
works_council_hurdle union_objects you_work_for_our_rival tied_by_exclusivity no_signal_on_site remote_island_delivery
experts_feel_replaced headcount_frozen local_dialect_accents polish_and_turkish second_official_language""".split())


class Likeness(nn.Module):
    """Pieces of the encoder's last layer to a place: a small layer added to each, then a weighted mean."""

    def __init__(self):
        super().__init__()
        self.up, self.down, self.pool = nn.Linear(WIDTH, INNER), nn.Linear(INNER, WIDTH), nn.Linear(WIDTH, 1, bias=False)
        self.drop = nn.Dropout(0.3)
        # It begins as the encoder's own place.
        for value in (self.down.weight, self.down.bias, self.pool.weight):
            nn.init.zeros_(value)

    def forward(self, x, mask):
        x = x + self.down(self.drop(F.gelu(self.up(x))))
        weight = self.pool(x)[..., 0].masked_fill(mask == 0, -1e4).softmax(1)
        return F.normalize(torch.einsum("bn,bnd->bd", weight, x), dim=-1)


class Lines:
    """Texts as the frozen encoder's last layer has them."""

    def __init__(self, model, pieces, texts):
        texts = [" ".join(t.split()[-WINDOW:]) for t in texts]
        self.rows, self.places = [None] * len(texts), torch.zeros(len(texts), WIDTH)
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
        with torch.no_grad():
            for i in range(0, len(order), 64):
                part = order[i : i + 64]
                ids, mask = pieces.batch([texts[j] for j in part])
                x = model.hidden(ids, mask)
                self.places[part] = model.embedding(x, mask)
                for j, row, n in zip(part, x, mask.sum(1).int()):
                    self.rows[j] = row[:n].clone()

    def batch(self, chosen):
        rows = [self.rows[i] for i in chosen]
        most = max(map(len, rows))
        x = torch.stack([F.pad(r, (0, 0, 0, most - len(r))) for r in rows])
        return x, torch.tensor([[1.0] * len(r) + [0.0] * (most - len(r)) for r in rows])

    def likened(self, net, chosen=None):
        net.eval()
        chosen = range(len(self.rows)) if chosen is None else chosen
        out = torch.zeros(len(self.rows), WIDTH)
        order = sorted(chosen, key=lambda i: len(self.rows[i]))
        with torch.no_grad():
            for i in range(0, len(order), 128):
                out[order[i : i + 128]] = net(*self.batch(order[i : i + 128]))
        return out


class Plays:
    """Plays: for each the numbers of its `like`, `probe` and `near` lines."""

    def __init__(self, model, pieces, plays):
        self.ids, self.of, texts = [p["id"] for p in plays], [], []
        for play in plays:
            spans = {}
            for kind in ("like", "probe", "near"):
                spans[kind] = list(range(len(texts), len(texts) + len(play.get(kind, []))))
                texts += play.get(kind, [])
            self.of.append(spans)
        self.lines = Lines(model, pieces, normal(texts))


def train_plays():
    plays = []
    for path in sorted((DETECT / "train").glob("plays_*.txt")):
        for line in filter(str.strip, path.read_text().splitlines()):
            kind, text = line[0], line[2:]
            if kind == "#":
                plays.append({"id": text, "like": [], "probe": [], "near": []})
            else:
                plays[-1][{"=": "like", "+": "probe", "-": "near"}[kind]].append(text)
    return plays


def teach(plays, chosen, labelled):
    """Episodes over the plays `chosen`; gives the network."""
    torch.manual_seed(SEED)
    rng, net = np.random.default_rng(SEED), Likeness()
    optimiser = torch.optim.AdamW(net.parameters(), lr=RATE, weight_decay=0.01)
    for step in range(STEPS):
        net.train()
        for g in optimiser.param_groups:
            g["lr"] = RATE * min(1, (step + 1) / 10) * 0.5 * (1 + np.cos(np.pi * step / STEPS))
        examples, queries, near = [], [], []
        for play in rng.choice(chosen, PLAYS, replace=False):
            of = plays.of[play]
            # As a team wrote them, or any three: more episodes from as many plays.
            like, probe = (of["like"], of["probe"]) if rng.random() < 0.5 else ([], of["like"] + of["probe"])
            order = list(rng.permutation(like)) + list(rng.permutation(probe))
            examples += map(int, order[:EXAMPLES])
            queries += map(int, order[EXAMPLES : EXAMPLES + QUERIES])
            near.append(int(rng.choice(of["near"])))
        others = rng.choice(np.arange(CROWD, len(labelled.rows)), LINES, replace=False).tolist()
        place = net(*plays.lines.batch(examples + queries + near))
        ordinary = net(*labelled.batch(others))
        a, b = len(examples), len(examples) + len(queries)
        middle = F.normalize(place[:a].view(PLAYS, EXAMPLES, -1).mean(1), dim=-1)
        found = SHARPNESS * place[a:b] @ middle.T
        wrong = SHARPNESS * torch.cat([place[b:], ordinary]) @ middle.T
        own = torch.arange(PLAYS).repeat_interleave(QUERIES)
        mine = F.one_hot(own, PLAYS).bool()
        # Which play a line is of; and, play by play, its lines before all others.
        against = torch.logsumexp(torch.cat([found.masked_fill(mine, -1e4), wrong]), 0)
        loss = F.cross_entropy(found, own) + F.softplus(against[own] - found[mine] - 1).mean()
        loss = loss + ANCHOR * (1 - (ordinary * labelled.places[others]).sum(1)).mean()
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimiser.step()
    return net


class Scorer:
    """What the engine computes: see `reframe_call::detect::meaning`."""

    def __init__(self, net, labelled):
        quantise(net)
        self.net = net
        places = labelled.likened(net)
        self.centre = places.mean(0)
        crowd = F.normalize(places[:CROWD] - self.centre, dim=-1)
        self.scale = crowd.abs().amax(1) / 127
        self.crowd_rows = (crowd / self.scale[:, None]).round().clamp(-127, 127).to(torch.int8)
        self.crowd = self.crowd_rows.float() * self.scale[:, None]

    def place(self, lines, chosen=None):
        return F.normalize(lines.likened(self.net, chosen) - self.centre, dim=-1)

    def near_all(self, places):
        return (places @ self.crowd.T).topk(NEAREST, -1).values.mean(-1)

    def score(self, like, x):
        middle = F.normalize(like.mean(0), dim=-1)
        return (x @ middle - (self.near_all(x) + self.near_all(middle)) / 2).numpy()


class Report:
    """Scores of plays that were not learnt from, and what they find at how many false."""

    def __init__(self):
        self.probe, self.ordinary, self.near, self.other = [], [], [], []

    def add(self, scorer, plays, chosen, ordinary):
        lines = [i for p in chosen for kind in plays.of[p].values() for i in kind]
        places, rest = scorer.place(plays.lines, lines), scorer.place(ordinary)
        for p in chosen:
            of = plays.of[p]
            score = lambda rows: scorer.score(places[of["like"]], places[rows])  # noqa: B023
            self.probe.append(score(of["probe"]))
            self.near.append(score(of["near"]) if of["near"] else np.zeros(0))
            self.other.append(score([i for q in chosen if q != p for i in plays.of[q]["probe"]]))
            self.ordinary.append(scorer.score(places[of["like"]], rest))

    def at(self, share, which=None):
        which = range(len(self.probe)) if which is None else which
        false = np.concatenate([x[i] for i in which for x in (self.ordinary, self.near)])
        threshold = np.quantile(false, 1 - share)
        return (np.concatenate([self.probe[i] for i in which]) >= threshold).mean(), threshold

    def show(self, name):
        rng, n = np.random.default_rng(SEED), len(self.probe)
        for share in (0.02, 0.005):
            found, threshold = self.at(share)
            low, high = np.quantile([self.at(share, rng.integers(0, n, n))[0] for _ in range(500)], [0.025, 0.975])
            over = lambda x: 100 * (np.concatenate(x) >= threshold).mean() if sum(map(len, x)) else float("nan")  # noqa: B023
            print(f"{name}: {n} plays, {100 * found:.1f} % found ({100 * low:.0f} to {100 * high:.0f}) at {100 * share:g} % "
                  f"false, score {threshold:.3f}; near misses {over(self.near):.0f} %, other plays' lines {over(self.other):.1f} %",
                  flush=True)  # fmt: skip


def calibrate(report):
    """Slope and score at one half: the slope by logistic regression, probes weighing as much as all else, the middle
    where 2 % of other lines fire."""
    x = [report.probe, report.ordinary]
    scores = torch.tensor(np.concatenate([np.concatenate(p) for p in x]), dtype=torch.float64)
    truth = torch.cat([torch.full((sum(map(len, p)),), v, dtype=torch.float64) for p, v in zip(x, (1.0, 0.0))])
    weight = torch.where(truth > 0, 0.5 / truth.sum(), 0.5 / (1 - truth).sum())
    line = torch.tensor([5.0, 0.0], dtype=torch.float64, requires_grad=True)
    fit = torch.optim.LBFGS([line], max_iter=100)

    def loss():
        fit.zero_grad()
        value = (F.binary_cross_entropy_with_logits(line[0] * scores + line[1], truth, reduction="none") * weight).sum()
        value.backward()
        return value

    fit.step(loss)
    return line[0].item(), report.at(0.02)[1]


def main():
    a = argparse.ArgumentParser()
    a.add_argument("--work", type=Path, required=True)
    a.add_argument("--to", type=Path, required=True)
    a.add_argument("--model", default="finetune.pt")
    a.add_argument("--measure", action="store_true", help="cross-validate, and write nothing")
    a.add_argument("--split", default="dev", help="whose new plays and ordinary lines are reported")
    a = a.parse_args()
    torch.set_num_threads(1)
    pieces = Pieces(a.work / "vocabulary.txt")
    model = Encoder(len(pieces.list))
    model.load_state_dict(torch.load(a.work / a.model)["student"])
    model.eval()
    with torch.no_grad():
        quantise(model)
    rows = read(sorted((DETECT / "train").glob("*.tsv")))
    rows = [rows[i] for i in np.random.default_rng(SEED).choice(len(rows), LABELLED, replace=False)]
    labelled = Lines(model, pieces, [text for *_, text in rows])
    ordinary = Lines(model, pieces, [text for *_, text in read([DETECT / f"{a.split}.tsv"])])
    plays = Plays(model, pieces, train_plays())
    fresh = Plays(model, pieces, tomllib.loads((DETECT / f"new_plays_{a.split}.toml").read_text())["play"])
    usable = [i for i, name in enumerate(plays.ids) if name not in RELATED]

    if a.measure:
        order = np.random.default_rng(SEED).permutation(len(plays.ids))
        before, after = Report(), Report()
        for fold in range(5):
            out = sorted(order[fold::5].tolist())
            scorer = Scorer(teach(plays, [i for i in range(len(plays.ids)) if i not in out], labelled), labelled)
            after.add(scorer, plays, out, ordinary)
            before.add(Scorer(Likeness(), labelled), plays, out, ordinary)
        before.show("the encoder's own place, crowd taken off, plays left out")
        after.show("taught, plays left out")
        print("slope %.2f, one half at %.3f" % calibrate(after))
    scorer = Scorer(teach(plays, usable, labelled), labelled)
    for name, s in (("own place", Scorer(Likeness(), labelled)), ("taught", scorer)):
        report = Report()
        report.add(s, fresh, range(len(fresh.ids)), ordinary)
        report.show(f"{name}, new plays of {a.split}")
    if a.measure:
        return

    a.to.mkdir(parents=True, exist_ok=True)
    with torch.no_grad():
        tensors = quantise(scorer.net)
    tensors |= {"centre": scorer.centre, "crowd": scorer.crowd_rows, "crowd.scale": scorer.scale}
    save_file(tensors, a.to / "likeness.safetensors")
    texts = [" ".join(t.split()[-WINDOW:]) for t in GOLDEN]
    golden = Lines(model, pieces, texts)
    places = scorer.place(golden)
    shown = [
        {"text": t, "place": [round(v, 6) for v in p.tolist()], "crowd": round(c, 6)}
        for t, p, c in zip(texts, places, scorer.near_all(places).tolist())
    ]
    (a.to / "likeness_golden.json").write_text("[\n" + ",\n".join(json.dumps(g) for g in shown) + "\n]\n")
    print(f"likeness.safetensors: {(a.to / 'likeness.safetensors').stat().st_size} bytes, {len(usable)} plays, {len(LABELS)} classes as they were")


if __name__ == "__main__":
    main()
