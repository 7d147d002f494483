"""Half a minute of the whole pipeline on 20 clips, which must lower the loss and go on where it was stopped: smoke.py.

The clips are lines of the example calls in fixtures/calls. It needs torch, numpy, safetensors and soundfile; where one
is missing it says so and ends well. Nothing is written outside a temporary folder."""

import sys
import tempfile
import time
import tomllib
from pathlib import Path
from types import SimpleNamespace

CALLS = Path(__file__).resolve().parents[4] / "fixtures/calls"
CLIPS, SECONDS = 20, 30


def clips(folder):
    """Lines of two to five seconds from both sides of the calls, as a store with labels."""
    import soundfile

    from data import resample
    from phones import Lexicon, normal
    from store import RATE, Store, Writer

    lexicon, out = Lexicon(), Writer(folder)
    for path in sorted(CALLS.glob("*/script.toml")):
        script, tracks = tomllib.loads(path.read_text()), {}
        for one in script["participant"]:
            samples, rate = soundfile.read(path.parent / one["file"], dtype="float32", always_2d=True)
            tracks[one["party"]] = samples[:, 0] if rate == RATE else resample(samples[:, 0], rate)
        for line in script.get("line", []):
            start, end, text = line["start_ms"], line["end_ms"], normal(line["text"])
            fits = 2_000 < end - start < 5_000 and not any(c.isdigit() for c in line["text"])
            if fits and line["who"] in tracks and lexicon.usual(text) and len(out.rows) < CLIPS:
                out.add(tracks[line["who"]][start * RATE // 1000 : end * RATE // 1000], "smoke", line["who"], text)
    out.close()
    store = Store(folder)
    store.save_labels([lexicon.usual(clip.text) for clip in store.clips])
    return len(store.clips)


def main():
    try:
        import safetensors.torch
        import soundfile  # noqa: F401
        import torch
    except ImportError as missing:
        print(f"skipped: {missing}; pip install -r requirements.txt")
        return 0
    import train
    from batches import Batches
    from crf import Denominator
    from network import Net

    torch.set_num_threads(2)
    torch.manual_seed(1)
    with tempfile.TemporaryDirectory() as scratch:
        scratch = Path(scratch)
        count = clips(scratch / "clips")
        assert count == CLIPS, f"{count} clips in {CALLS}"
        safetensors.torch.save_file(Net().state_dict(), scratch / "start.safetensors")
        asked = SimpleNamespace(to=scratch / "run", start=scratch / "start.safetensors", device="cpu", seed=1)
        asked.dropout, asked.rate, asked.hours, asked.hold = 0.0, 8e-4, 5.0, 1.0
        train.WARM_UP = 0.05  # hours; there is little time
        run, noise = train.Run(asked), scratch / "no-noise"
        denominator = Denominator(train.phone_lm([scratch / "clips"]))
        data, values, end = iter(Batches([scratch / "clips"], noise, 30, 0, 5)), [], time.time() + SECONDS
        while time.time() < end or len(values) < 16:
            values.append(train.one_step(run, next(data), denominator)[2])
        run.save()
        first, last = sum(values[:5]) / 5, sum(values[-5:]) / 5
        print(f"{count} clips, {len(values)} steps: loss per phone {first:.2f} at first, {last:.2f} at last")
        again = train.Run(asked)
        same = all(torch.equal(a, b) for a, b in zip(run.net.state_dict().values(), again.net.state_dict().values()))
        if not same or (again.step, again.hours, again.block) != (run.step, run.hours, run.block + 1):
            print("a run that is started again is not where it was")
            return 1
        if not last < 0.75 * first:
            print("the loss was not lowered")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
