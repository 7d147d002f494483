"""What all steps share: text normalisation, the pruned word-piece tokeniser, the student network."""

import re
import subprocess
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F

WIDTH = 384
HEADS = 12
MAX_PIECES = 48  # the detector looks back at 24 words at most
LAYERS = 3
HIDDEN = 768  # inner width of a layer; the teacher's is 1,536

LABELS = [
    "none", "price", "budget", "timing", "incumbent", "authority", "need", "trust", "integration", "security",
    "contract", "brush_off", "effort", "roi", "past_experience", "build",
    "buying_signal", "pricing_question", "competitor_mention", "next_step",
]  # fmt: skip
OBJECTIONS = LABELS[1:16]

ROOT = Path(__file__).resolve().parents[4]


def normal(texts):
    """The engine's own normalisation, by the engine's own code: what is trained on is what is later seen."""
    texts = [t.replace("\n", " ") for t in texts]
    command = ["cargo", "run", "--quiet", "--release", "-p", "reframe-call", "--example", "normalize"]
    tool = ROOT / "target/release/examples/normalize"
    done = subprocess.run([tool] if tool.exists() else command, input="\n".join(texts) + "\n", text=True,
                          capture_output=True, check=True, cwd=ROOT)  # fmt: skip
    out = done.stdout.split("\n")[:-1]
    assert len(out) == len(texts), (len(out), len(texts))
    return out


class Pieces:
    """Greedy longest-match word pieces over a vocabulary of one piece per line; ids are line numbers."""

    def __init__(self, path):
        self.list = Path(path).read_text().split("\n")[:-1]
        self.ids = {p: i for i, p in enumerate(self.list)}
        self.unk, self.cls, self.sep, self.pad = (self.ids[p] for p in ("[UNK]", "[CLS]", "[SEP]", "[PAD]"))
        self.cache = {}

    def word(self, word):
        """Pieces of one word; an apostrophe is a piece of its own, as in BERT's basic tokeniser."""
        if word in self.cache:
            return self.cache[word]
        out = []
        for part in re.findall(r"[a-z0-9]+|'", word):
            start, ids = 0, []
            while start < len(part):
                end = len(part)
                while end > start:
                    piece = part[start:end] if start == 0 else "##" + part[start:end]
                    if piece in self.ids:
                        break
                    end -= 1
                if end == start:
                    ids = [self.unk]
                    break
                ids.append(self.ids[piece])
                start = end
            out += ids
        self.cache[word] = out
        return out

    def encode(self, text):
        ids = [i for w in text.split() for i in self.word(w)]
        # The end of what was said decides; a window that is too long loses its beginning.
        return [self.cls] + ids[-(MAX_PIECES - 2) :] + [self.sep]

    def batch(self, texts):
        rows = [self.encode(t) for t in texts]
        n = max(map(len, rows))
        ids = torch.tensor([r + [self.pad] * (n - len(r)) for r in rows])
        mask = torch.tensor([[1.0] * len(r) + [0.0] * (n - len(r)) for r in rows])
        return ids, mask


class Layer(nn.Module):
    """A post-norm transformer layer with exact GELU, as in BERT."""

    def __init__(self, hidden):
        super().__init__()
        self.qkv = nn.Linear(WIDTH, 3 * WIDTH)
        self.out = nn.Linear(WIDTH, WIDTH)
        self.norm1 = nn.LayerNorm(WIDTH, eps=1e-12)
        self.up = nn.Linear(WIDTH, hidden)
        self.down = nn.Linear(hidden, WIDTH)
        self.norm2 = nn.LayerNorm(WIDTH, eps=1e-12)
        self.drop = nn.Dropout(0.0)

    def forward(self, x, mask):
        b, n, _ = x.shape
        q, k, v = self.qkv(x).view(b, n, 3, HEADS, WIDTH // HEADS).permute(2, 0, 3, 1, 4)
        a = F.scaled_dot_product_attention(q, k, v, attn_mask=(mask[:, None, None, :] > 0))
        x = self.norm1(x + self.drop(self.out(a.transpose(1, 2).reshape(b, n, WIDTH))))
        return self.norm2(x + self.drop(self.down(F.gelu(self.up(x)))))


class Encoder(nn.Module):
    """Word pieces to a sentence: `embedding` lies in the teacher's space, `logits` are over LABELS."""

    def __init__(self, vocabulary, layers=LAYERS, hidden=HIDDEN):
        super().__init__()
        self.words = nn.Embedding(vocabulary, WIDTH)
        self.positions = nn.Embedding(MAX_PIECES, WIDTH)
        self.norm = nn.LayerNorm(WIDTH, eps=1e-12)
        self.layers = nn.ModuleList(Layer(hidden) for _ in range(layers))
        self.drop = nn.Dropout(0.0)
        self.pool = nn.Linear(WIDTH, 4)
        self.head1 = nn.Linear(4 * WIDTH, 256)
        self.head2 = nn.Linear(256, len(LABELS))

    def dropout(self, p):
        for m in self.modules():
            if isinstance(m, nn.Dropout):
                m.p = p

    def hidden(self, ids, mask):
        x = self.norm(self.words(ids) + self.positions(torch.arange(ids.shape[1], device=ids.device)))
        x = self.drop(x)
        for layer in self.layers:
            x = layer(x, mask)
        return x

    def embedding(self, x, mask):
        return F.normalize((x * mask[..., None]).sum(1) / mask.sum(1, keepdim=True), dim=-1)

    def logits(self, x, mask):
        """Four learned weightings of the pieces, then one hidden layer."""
        w = self.pool(x).masked_fill(mask[..., None] == 0, -1e4).softmax(1)
        pooled = torch.einsum("bnp,bnd->bpd", w, x).flatten(1)
        return self.head2(self.drop(F.gelu(self.head1(self.drop(pooled)))))


def from_teacher(teacher, pieces, keep, all_pieces, hidden=HIDDEN):
    """A student that starts from the teacher's rows and layers. `keep`: teacher's layer for each of the student's. Of
    a layer's inner neurons those `hidden` are kept whose weights in and out are largest."""
    t = teacher
    student = Encoder(len(pieces.list), len(keep), hidden)
    rows = torch.tensor([all_pieces[p] for p in pieces.list])
    student.words.weight.data.copy_(t["embeddings.word_embeddings.weight"][rows])
    positions = t["embeddings.position_embeddings.weight"][:MAX_PIECES] + t["embeddings.token_type_embeddings.weight"][0]
    student.positions.weight.data.copy_(positions)
    student.norm.weight.data.copy_(t["embeddings.LayerNorm.weight"])
    student.norm.bias.data.copy_(t["embeddings.LayerNorm.bias"])
    for layer, n in zip(student.layers, keep):
        p = f"encoder.layer.{n}."
        size = t[f"{p}intermediate.dense.weight"].norm(dim=1) * t[f"{p}output.dense.weight"].norm(dim=0)
        kept = size.argsort(descending=True)[:hidden].sort().values
        layer.up.weight.data.copy_(t[f"{p}intermediate.dense.weight"][kept])
        layer.up.bias.data.copy_(t[f"{p}intermediate.dense.bias"][kept])
        layer.down.weight.data.copy_(t[f"{p}output.dense.weight"][:, kept])
        layer.down.bias.data.copy_(t[f"{p}output.dense.bias"])
        for kind in ("weight", "bias"):
            parts = [t[f"{p}attention.self.{x}.{kind}"] for x in ("query", "key", "value")]
            getattr(layer.qkv, kind).data.copy_(torch.cat(parts))
            getattr(layer.out, kind).data.copy_(t[f"{p}attention.output.dense.{kind}"])
            getattr(layer.norm1, kind).data.copy_(t[f"{p}attention.output.LayerNorm.{kind}"])
            getattr(layer.norm2, kind).data.copy_(t[f"{p}output.LayerNorm.{kind}"])
    return student


def load_teacher(folder):
    from safetensors.torch import load_file

    tensors = load_file(Path(folder) / "model.safetensors")
    tensors = {k.removeprefix("bert."): v for k, v in tensors.items()}
    vocabulary = {p: i for i, p in enumerate((Path(folder) / "vocab.txt").read_text().split("\n")[:-1])}
    return tensors, vocabulary
