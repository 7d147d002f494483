"""Writes the files under engine/models/tests/whisper/: a toy Whisper and what the reference implementation makes of it.

The toy is a real Whisper network (64 wide, 2 + 2 layers, 80 mel bins) taught a made-up language in which every word is
a chord of two tones, so the tests can make any "speech" they like from a formula and know what should be heard.
The reference is `WhisperForConditionalGeneration`, `WhisperFeatureExtractor` and the logits processors of transformers.

Run from the repository root; about ten minutes for the first on two cores:

    pip install torch==2.15.0 transformers==5.23.0 tokenizers==0.23.3 safetensors==0.8.0 numpy==2.4.6
    python engine/models/tools/whisper_golden.py            # teaches the toy, then writes everything
    python engine/models/tools/whisper_golden.py --more --steps 450 # teaches on from the committed weights
    python engine/models/tools/whisper_golden.py --no-train # writes the reference arrays anew from the committed weights

The committed weights had 2,600 steps from nothing with pauses of up to 0.33 s at the start, then 450 with up to 1 s.

All files belong to one run: weights taught on another machine differ in the last bits.
"""

import argparse
import json
import math
import pathlib
import wave

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
from transformers import GenerationConfig, WhisperConfig, WhisperFeatureExtractor, WhisperForConditionalGeneration
from transformers.generation.logits_process import (
    SuppressTokensAtBeginLogitsProcessor,
    SuppressTokensLogitsProcessor,
    WhisperTimeStampLogitsProcessor,
)

OUT = pathlib.Path(__file__).resolve().parents[1] / "tests" / "whisper"
RATE = 16_000
CONTEXT_S = 6
WORDS = ["price", "budget", "too", "high", "later", "vendor", "call", "team", "the", "and"]
TONES_HZ = [350.0, 560.0, 900.0, 1440.0, 2300.0]
WORD_SAMPLES = 4_800
GAP_SAMPLES = 1_280


def word_sound(index: int, length: int = WORD_SAMPLES) -> np.ndarray:
    """Word number `index`: its first tone over the first half, its second over the second half, faded in and out."""
    pairs = [(a, b) for a in range(len(TONES_HZ)) for b in range(len(TONES_HZ)) if a != b]
    first, second = pairs[(index * 7) % len(pairs)]
    n = np.arange(length, dtype=np.float64)
    tone = np.where(n < length // 2, TONES_HZ[first], TONES_HZ[second])
    fade = np.minimum(1.0, np.minimum(n, length - 1 - n) / 320.0)
    return (0.3 * fade * np.sin(2 * math.pi * tone * n / RATE)).astype(np.float32)


def build_tokenizer() -> Tokenizer:
    """Byte-level BPE as in Whisper: the 256 bytes, then merges that make each word two or three tokens."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocab = {c: i for i, c in enumerate(alphabet)}
    merges = []
    for word in WORDS:
        half = max(1, len(word) // 2)
        for part in ("Ġ" + word[:half], word[half:]):
            made = part[0]
            for c in part[1:]:
                if made + c not in vocab:
                    vocab[made + c] = len(vocab)
                    merges.append((made, c))
                made += c
    tok = Tokenizer(models.BPE(vocab=vocab, merges=merges))
    tok.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tok.decoder = decoders.ByteLevel()
    special = ["<|endoftext|>", "<|startoftranscript|>", "<|en|>", "<|de|>", "<|translate|>", "<|transcribe|>",
               "<|startoflm|>", "<|startofprev|>", "<|nospeech|>", "<|notimestamps|>"]
    special += [f"<|{i * 0.02:.2f}|>" for i in range(CONTEXT_S * 50 + 1)]
    tok.add_special_tokens([AddedToken(s, normalized=False, special=True) for s in special])
    return tok


def make_example(rng: np.random.Generator, tok: Tokenizer):
    """Up to six seconds of the toy language, and the tokens Whisper would be taught for it."""
    ids = {s: tok.token_to_id(s) for s in
           ["<|endoftext|>", "<|startoftranscript|>", "<|en|>", "<|transcribe|>", "<|nospeech|>", "<|0.00|>"]}
    total = CONTEXT_S * RATE
    sound = np.zeros(total, dtype=np.float32)
    heard_until = int(rng.integers(RATE // 2, total + 1)) if rng.random() < 0.8 else total
    # The first timestamp is at most 1 s, so that is the longest pause a window may start with.
    at = int(rng.integers(0, RATE // 3 if rng.random() < 0.5 else RATE))
    target = [ids["<|startoftranscript|>"], ids["<|en|>"], ids["<|transcribe|>"]]
    if rng.random() < 0.06:
        sound += (rng.normal(size=total) * 10 ** rng.uniform(-4.5, -2.5)).astype(np.float32)
        return sound, [ids["<|startoftranscript|>"], ids["<|nospeech|>"], ids["<|endoftext|>"]]
    stamp = lambda sample: ids["<|0.00|>"] + min(round(sample / 320), CONTEXT_S * 50)
    start = at
    words, end, segments = [], at, []
    while at < heard_until:
        w = int(rng.integers(len(WORDS)))
        length = int(WORD_SAMPLES * rng.uniform(0.85, 1.15))
        piece = word_sound(w, length) * rng.uniform(0.4, 1.2)
        stop = min(at + length, total)
        sound[at:stop] += piece[: stop - at]
        if at + 0.7 * length > heard_until:
            break
        words.append(w)
        end = min(at + length, heard_until)
        at += length + int(GAP_SAMPLES * rng.uniform(0.6, 1.5))
        if rng.random() < 0.22:
            segments.append((start, end, words))
            at += int(RATE * rng.uniform(0.3, 0.9))
            start, words = at, []
    if words:
        segments.append((start, end, words))
    sound[heard_until:] = 0.0
    if rng.random() < 0.7:
        noise = (rng.normal(size=heard_until) * 10 ** rng.uniform(-4.5, -2.0)).astype(np.float32)
        sound[:heard_until] += noise
    if not segments:
        return sound, [ids["<|startoftranscript|>"], ids["<|nospeech|>"], ids["<|endoftext|>"]]
    for a, b, ws in segments:
        target.append(stamp(a))
        target += tok.encode("".join(" " + WORDS[w] for w in ws)).ids
        target.append(stamp(b))
    target.append(ids["<|endoftext|>"])
    return sound, target


def batch_mel(sounds: torch.Tensor, filters: torch.Tensor) -> torch.Tensor:
    """The feature extractor's log-mel for a whole batch, for teaching only."""
    spec = torch.stft(sounds, 400, 160, window=torch.hann_window(400), return_complex=True)[..., :-1].abs() ** 2
    mel = (filters.T @ spec).clamp(min=1e-10).log10()
    mel = torch.maximum(mel, mel.amax(dim=(1, 2), keepdim=True) - 8.0)
    return (mel + 4.0) / 4.0


def teach(model, tok, extractor, steps: int, rate: float, seed: int, batch: int = 16):
    rng = np.random.default_rng(seed)
    filters = torch.from_numpy(extractor.mel_filters).float()
    params = [p for p in model.parameters() if p.requires_grad]
    opt = torch.optim.AdamW(params, lr=rate, weight_decay=0.01, betas=(0.9, 0.98))
    sched = torch.optim.lr_scheduler.OneCycleLR(opt, rate, total_steps=steps, pct_start=0.1)
    model.train()
    for step in range(steps):
        made = [make_example(rng, tok) for _ in range(batch)]
        mel = batch_mel(torch.from_numpy(np.stack([s for s, _ in made])), filters)
        width = max(len(t) for _, t in made)
        tokens = torch.full((batch, width), tok.token_to_id("<|endoftext|>"))
        labels = torch.full((batch, width - 1), -100)
        for i, (_, t) in enumerate(made):
            tokens[i, : len(t)] = torch.tensor(t)
            labels[i, : len(t) - 1] = torch.tensor(t[1:])
        logits = model(input_features=mel, decoder_input_ids=tokens[:, :-1]).logits
        loss = F.cross_entropy(logits.flatten(0, 1), labels.flatten(), ignore_index=-100)
        opt.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(params, 1.0)
        opt.step()
        sched.step()
        if step % 50 == 0 or step == steps - 1:
            right = (logits.argmax(-1) == labels)[labels != -100].float().mean()
            print(f"step {step} loss {loss.item():.4f} right {right.item():.3f}", flush=True)
    model.eval()


def greedy(model, tok, features, rules: bool, limit: int = 48):
    """Greedy ids after the start sequence, by the reference network and, if asked, its logits processors."""
    gen = model.generation_config
    prefix = [tok.token_to_id(s) for s in ("<|startoftranscript|>", "<|en|>", "<|transcribe|>")]
    begin = len(prefix)
    processors = []
    if rules:
        processors = [
            SuppressTokensLogitsProcessor(gen.suppress_tokens),
            SuppressTokensAtBeginLogitsProcessor(gen.begin_suppress_tokens, begin),
            WhisperTimeStampLogitsProcessor(gen, begin_index=begin),
        ]
    ids, logprob = list(prefix), 0.0
    with torch.no_grad():
        encoded = model.model.encoder(features)
        while len(ids) < begin + limit:
            scores = model(encoder_outputs=encoded, decoder_input_ids=torch.tensor([ids])).logits[:, -1]
            for p in processors:
                scores = p(torch.tensor([ids]), scores)
            best = int(scores.argmax(-1))
            logprob += float(scores.log_softmax(-1)[0, best])
            if best == gen.eos_token_id:
                break
            ids.append(best)
    return ids[begin:], logprob


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--no-train", action="store_true")
    parser.add_argument("--more", action="store_true", help="teach on from the committed weights")
    parser.add_argument("--steps", type=int, default=2600)
    args = parser.parse_args()
    torch.manual_seed(7)
    OUT.mkdir(parents=True, exist_ok=True)

    tok = build_tokenizer()
    sid = tok.token_to_id
    assert sid("<|0.00|>") == sid("<|notimestamps|>") + 1
    config = WhisperConfig(
        vocab_size=tok.get_vocab_size(), num_mel_bins=80, d_model=64, encoder_layers=2, decoder_layers=2,
        encoder_attention_heads=4, decoder_attention_heads=4, encoder_ffn_dim=256, decoder_ffn_dim=256,
        max_source_positions=CONTEXT_S * 50, max_target_positions=96, activation_function="gelu",
        bos_token_id=sid("<|endoftext|>"), eos_token_id=sid("<|endoftext|>"), pad_token_id=sid("<|endoftext|>"),
        decoder_start_token_id=sid("<|startoftranscript|>"), tie_word_embeddings=True,
        suppress_tokens=None, begin_suppress_tokens=None,
    )
    generation = {
        "bos_token_id": sid("<|endoftext|>"), "eos_token_id": sid("<|endoftext|>"),
        "pad_token_id": sid("<|endoftext|>"), "decoder_start_token_id": sid("<|startoftranscript|>"),
        "is_multilingual": True, "lang_to_id": {"<|en|>": sid("<|en|>"), "<|de|>": sid("<|de|>")},
        "task_to_id": {"translate": sid("<|translate|>"), "transcribe": sid("<|transcribe|>")},
        "no_timestamps_token_id": sid("<|notimestamps|>"), "max_initial_timestamp_index": 50,
        "suppress_tokens": [sid(c) for c in "#()*"] + [sid(s) for s in (
            "<|startoftranscript|>", "<|en|>", "<|de|>", "<|translate|>", "<|transcribe|>", "<|startoflm|>",
            "<|startofprev|>", "<|nospeech|>")],
        "begin_suppress_tokens": [sid("Ġ"), sid("<|endoftext|>")],
    }
    extractor = WhisperFeatureExtractor(feature_size=80, chunk_length=CONTEXT_S)
    model = WhisperForConditionalGeneration(config)
    model.generation_config = GenerationConfig(**generation)
    if args.no_train or args.more:
        committed = load_file(OUT / "model.safetensors").items()
        model.load_state_dict({k: v.float() for k, v in committed if "encoder.embed_pos" not in k}, strict=False)
        model.tie_weights()
    if not args.no_train:
        teach(model, tok, extractor, args.steps, rate=1e-3 if args.more else 2e-3, seed=21 if args.more else 20)
    state = {k: v.detach().half().contiguous() for k, v in model.state_dict().items() if k != "proj_out.weight"}
    # A formula, not a weight: networks that compute it instead of reading it have it in full precision.
    sines = "model.encoder.embed_positions.weight"
    state[sines] = model.state_dict()[sines].float().contiguous()
    model.load_state_dict({k: v.float() for k, v in state.items()}, strict=False)
    model.tie_weights()
    model.eval()

    save_file(state, OUT / "model.safetensors", metadata={"format": "pt"})
    tok.save(str(OUT / "tokenizer.json"), pretty=False)
    written = {k: v for k, v in config.to_dict().items() if k in (
        "model_type", "vocab_size", "num_mel_bins", "d_model", "encoder_layers", "decoder_layers",
        "encoder_attention_heads", "decoder_attention_heads", "encoder_ffn_dim", "decoder_ffn_dim",
        "max_source_positions", "max_target_positions", "activation_function", "suppress_tokens")}
    (OUT / "config.json").write_text(json.dumps(written, indent=1) + "\n")
    (OUT / "generation_config.json").write_text(json.dumps(generation, indent=1) + "\n")

    # Two sentences and 3.7 s of sound, with a fixed noise floor.
    said = [[8, 0, 2, 3], [9, 8, 1]]
    sound, at = np.zeros(int(3.7 * RATE), dtype=np.float32), 800
    for sentence in said:
        for w in sentence:
            piece = word_sound(w)
            sound[at : at + len(piece)] += piece[: len(sound) - at]
            at += WORD_SAMPLES + GAP_SAMPLES
        at += 9_600
    sound += np.random.default_rng(3).normal(size=len(sound)).astype(np.float32) * 1e-3
    pcm = np.clip(np.round(sound * 32767), -32768, 32767).astype("<i2")
    with wave.open(str(OUT / "golden.wav"), "wb") as w:
        w.setnchannels(1)
        w.setsampwidth(2)
        w.setframerate(RATE)
        w.writeframes(pcm.tobytes())
    samples = pcm.astype(np.float32) / 32768.0

    arrays = {}
    mel = torch.from_numpy(extractor(samples, sampling_rate=RATE, return_tensors="np").input_features)
    arrays["mel80"] = mel[0].contiguous()
    mel128 = WhisperFeatureExtractor(feature_size=128, chunk_length=4)(samples, sampling_rate=RATE, return_tensors="np")
    # Every eighth frame shows all bins; the whole array would only be larger.
    arrays["mel128_every8"] = torch.from_numpy(mel128.input_features[0][:, ::8].copy())
    prefix = [sid(s) for s in ("<|startoftranscript|>", "<|en|>", "<|transcribe|>", "<|0.06|>")]
    prefix += tok.encode(" the price").ids
    arrays["prefix"] = torch.tensor(prefix)

    def reference(tag: str, network, features):
        with torch.no_grad():
            encoded = network.model.encoder(features).last_hidden_state
            logits = network(encoder_outputs=(encoded,), decoder_input_ids=torch.tensor([prefix])).logits
        arrays[f"encoder_{tag}"] = encoded[0, ::4].contiguous()
        arrays[f"logits_{tag}"] = logits[0].contiguous()

    reference("exact", model, mel)

    # The same weights in a network that only has 2.5 s of positions: what a shorter input must give.
    short = WhisperForConditionalGeneration(WhisperConfig(**{**config.to_dict(), "max_source_positions": 125}))
    cut = {k: v.float() for k, v in state.items()}
    cut["model.encoder.embed_positions.weight"] = cut["model.encoder.embed_positions.weight"][:125].clone()
    short.load_state_dict(cut, strict=False)
    short.tie_weights()
    short.eval()
    reference("short", short, mel[:, :, :250])

    for tag, rules in (("plain", False), ("rules", True)):
        ids, logprob = greedy(model, tok, mel, rules)
        arrays[f"greedy_{tag}"] = torch.tensor(ids)
        arrays[f"greedy_{tag}_logprob"] = torch.tensor([logprob])
        print(tag, logprob, tok.decode(ids, skip_special_tokens=False))
    silence = np.random.default_rng(4).normal(size=RATE * 2).astype(np.float32) * 1e-3
    features = torch.from_numpy(extractor(silence, sampling_rate=RATE, return_tensors="np").input_features)
    for tag, f in (("speech", mel), ("silence", features)):
        with torch.no_grad():
            first = model(input_features=f, decoder_input_ids=torch.tensor([prefix[:1]])).logits[0, 0].softmax(-1)
        arrays[f"no_speech_{tag}"] = first[sid("<|nospeech|>")].reshape(1)
        print(tag, "no speech", float(first[sid("<|nospeech|>")]))

    # The network used at run time has the tanh form of GELU everywhere; these arrays have it too, so that they can be
    # compared closely and what the two forms differ by is measured apart.
    exact_gelu = F.gelu
    F.gelu = lambda x, approximate="none": exact_gelu(x, approximate="tanh")
    tanh = WhisperForConditionalGeneration(
        WhisperConfig(**{**config.to_dict(), "activation_function": "gelu_pytorch_tanh"}))
    tanh.load_state_dict({k: v.float() for k, v in state.items()}, strict=False)
    tanh.tie_weights()
    tanh.eval()
    reference("tanh", tanh, mel)
    F.gelu = exact_gelu
    save_file(arrays, OUT / "golden.safetensors")
    print({p.name: p.stat().st_size for p in sorted(OUT.iterdir())})


if __name__ == "__main__":
    main()
