"""The network of asr-v1: strided convolutions, residual time-delay blocks, two phone outputs; its tensors' names."""

import torch
from torch import nn
from torch.nn import functional as F

SYMBOLS = 40
WIDTH, HIDDEN, CHANNELS = 256, 512, 192
DILATIONS = (1, 1, 2, 2, 3, 3, 3, 3, 4, 4)
LOOKING_AHEAD = 8  # blocks, from the first, that see the next row
MIDDLE = 6  # blocks before the output that is fed back
HOP = 160


def frames_of(samples):
    return 1 + samples // HOP


def rows_after(frames):
    """Rows of 40 ms that `frames` frames of 10 ms become."""
    return ((frames + 1) // 2 + 1) // 2


def rows_of(samples):
    return rows_after(frames_of(samples))


class Block(nn.Module):
    """Norm, three rows side by side, a hidden layer, added back. Zeros stand for rows outside, after the norm."""

    def __init__(self, dilation, ahead):
        super().__init__()
        self.past = (dilation, 0) if ahead else (2 * dilation, dilation)
        self.ahead = ahead
        self.ln = nn.LayerNorm(WIDTH)
        self.p1 = nn.Linear(3 * WIDTH, HIDDEN)
        self.p2 = nn.Linear(HIDDEN, WIDTH)
        nn.init.zeros_(self.p2.bias)
        self.p2.weight.data *= 0.3

    def forward(self, x):
        y, rows = self.ln(x), x.shape[1]
        if torch.is_autocast_enabled(x.device.type):
            y = y.bfloat16()  # before the copies, which then cost half
        far, near = self.past
        z = F.pad(y, (0, 0, far, self.ahead))
        parts = [z[:, :rows], z[:, far - near : far - near + rows]]
        if self.ahead:
            parts.append(z[:, far + 1 : far + 1 + rows])
        else:
            parts.append(z[:, far : far + rows])
        return x + self.p2(F.relu(self.p1(torch.cat(parts, -1))))


class Net(nn.Module):
    """[clips, frames, 80] log-mel to two [clips, rows, 40] arrays of scores: of the middle output and of the top."""

    def __init__(self, dropout=0.05):
        super().__init__()
        self.c1 = nn.Conv1d(80, CHANNELS, 5, stride=2)
        self.c2 = nn.Conv1d(CHANNELS, WIDTH, 5, stride=2)
        self.bl = nn.ModuleList(Block(d, 1 if n < LOOKING_AHEAD else 0) for n, d in enumerate(DILATIONS))
        self.lnm, self.phm, self.fb = nn.LayerNorm(WIDTH), nn.Linear(WIDTH, SYMBOLS), nn.Linear(SYMBOLS, WIDTH)
        self.lno, self.ph = nn.LayerNorm(WIDTH), nn.Linear(WIDTH, SYMBOLS)
        self.dropout = dropout

    def forward(self, x):
        x = x.transpose(1, 2)
        x = F.relu(self.c1(F.pad(x, (2, 2))))
        x = F.relu(self.c2(F.pad(x, (2, 2)))).transpose(1, 2).float()
        for n, block in enumerate(self.bl, 1):
            x = block(x)
            if n == MIDDLE:
                middle = self.phm(self.lnm(x))
                x = x + self.fb(torch.softmax(middle.float(), -1)).to(x.dtype)
        x = F.dropout(self.lno(x), self.dropout, self.training)
        return middle, self.ph(x)


def whole(tensors):
    """Matrices and kernels as whole numbers of 8 bits with a factor for each row in NAME.scale, the rest in f16: the same
    numbers as the engine's example pack_model --int8 makes."""
    out = {}
    for name, tensor in tensors.items():
        if tensor.dim() < 2:
            out[name] = tensor.half().contiguous()
            continue
        rows = tensor.float().flatten(1)
        most = rows.abs().amax(1)
        scale = torch.where(most > 0, most / 127, torch.ones_like(most))
        out[name] = (rows / scale[:, None]).round().to(torch.int8).reshape(tensor.shape).contiguous()
        out[f"{name}.scale"] = scale.contiguous()
    return dict(sorted(out.items()))


def plain(tensors):
    """What `whole` made, or any others, in f32."""
    return {
        name: tensor.float() * tensors[f"{name}.scale"].reshape(-1, *[1] * (tensor.dim() - 1))
        if tensor.dtype == torch.int8 else tensor.float()
        for name, tensor in tensors.items() if not name.endswith(".scale")
    }


def load(path, dropout=0.0):
    """From a .safetensors file of the engine (f32, f16 or whole numbers) or a checkpoint of train.py (its averaged
    weights)."""
    net = Net(dropout)
    if str(path).endswith(".safetensors"):
        from safetensors.torch import load_file

        tensors = load_file(path)
    else:
        tensors = torch.load(path, map_location="cpu", weights_only=False)["average"]
    net.load_state_dict(plain(tensors))
    return net.eval()
