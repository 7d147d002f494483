"""CTC-CRF: the words' own CTC paths against all paths under a phone trigram (lattice-free MMI on the CTC topology).

Symbol 0 is the blank in the network's rows and the sentence boundary in the trigram. Forward and backward run in
probabilities scaled to sum to one in every row, which on a CPU is several times faster than logarithms; the gradient is
exact and known after both passes, so automatic differentiation never sees the recursion."""

import numpy as np
import torch
from torch.nn import functional as F


def trigram(sequences, symbols):
    """P[a, b, c]: probability of phone c (0: the end) after phones a, b (0: the start), Witten-Bell smoothed, float32.

    No probability is 0, except that of the boundary as a phone, which has no meaning."""
    three = np.zeros((symbols,) * 3)
    for phones in sequences:
        padded = np.concatenate([[0, 0], np.asarray(phones, int), [0]])
        np.add.at(three, (padded[:-2], padded[1:-1], padded[2:]), 1)
    two, one = three.sum(0), three.sum((0, 1))
    floor = np.full(symbols, 1.0 / symbols)

    def smoothed(counts, lower):
        kinds = np.maximum((counts > 0).sum(-1, keepdims=True), 1)
        return (counts + kinds * lower) / (counts.sum(-1, keepdims=True) + kinds)

    return torch.from_numpy(smoothed(three, smoothed(two, smoothed(one, floor))).astype("float32"))


class Denominator:
    """What the passes need of a trigram. States are (last phone, clip, phone before); sums over them are products of
    matrices, one for each last phone."""

    def __init__(self, probability, device="cpu"):
        p = probability.to(device)
        self.log = probability.log()
        self.end = p[:, :, 0].t().contiguous()[:, None]  # [last, 1, before]
        step = p.permute(1, 0, 2).clone()  # [last, before, next]
        step[:, :, 0] = 0
        diagonal = torch.arange(p.shape[0], device=device)
        # The same phone again only over a blank: kept apart.
        self.again = step[diagonal, :, diagonal][:, None].contiguous()  # [last, 1, before]
        self.again[0] = 0
        step[diagonal, :, diagonal] = 0
        self.step = step.contiguous()
        self.step_back = step.transpose(1, 2).contiguous()  # [last, next, before]

    def text(self, phones):
        """Logarithm of the trigram's probability of `phones`."""
        padded = torch.cat([phones.new_zeros(2), phones, phones.new_zeros(1)])
        return self.log[padded[:-2], padded[1:-1], padded[2:]].sum()

    def total(self, log_probs, lengths):
        """As `_total`, on one processor core: its thousands of small steps are slower on two."""
        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            return self._total(log_probs, lengths)
        finally:
            torch.set_num_threads(threads)

    def _total(self, log_probs, lengths):
        """Logarithm of the summed probability of all paths, [clips], and its gradient by `log_probs`, whose shape is
        [clips, rows, symbols]."""
        clips, rows, symbols = log_probs.shape
        peak = log_probs.max(-1, keepdim=True).values
        y = (log_probs - peak).exp().permute(1, 2, 0).contiguous()[..., None]  # [rows, symbols, clips, 1]
        inside = torch.arange(rows, device=y.device)[:, None] < lengths.to(y.device)[None]  # [rows, clips]
        shortest = int(lengths.min())
        phone = y.new_empty(rows, symbols, clips, symbols)
        blank = torch.empty_like(phone)
        scale = y.new_ones(rows, clips)
        p, k = phone.new_zeros(symbols, clips, symbols), phone.new_zeros(symbols, clips, symbols)
        k[0, :, 0] = 1
        for t in range(rows):
            both = p + k
            new = torch.bmm(both, self.step)
            torch.diagonal(new, dim1=0, dim2=2).add_((k * self.again).sum(-1).t())
            new = (new.permute(2, 1, 0) + p).mul_(y[t])
            silent = both.mul_(y[t, 0])
            sums = new.sum((0, 2)) + silent.sum((0, 2))
            if t >= shortest:
                keep = inside[t][None, :, None]
                sums = torch.where(inside[t], sums, 1.0)
                new = torch.where(keep, new / sums[None, :, None], p)
                silent = torch.where(keep, silent / sums[None, :, None], k)
            else:
                new.div_(sums[None, :, None])
                silent.div_(sums[None, :, None])
            phone[t], blank[t], scale[t] = new, silent, sums
            p, k = phone[t], blank[t]
        last = ((p + k) * self.end).sum((0, 2))
        log_total = scale.log().sum(0) + last.log() + (peak[..., 0].t() * inside).sum(0)

        occupied = torch.empty_like(y[..., 0])  # [rows, symbols, clips]
        end = self.end.expand(symbols, clips, symbols)
        p, k = end, end
        for t in range(rows - 1, -1, -1):
            occupied[t] = (phone[t] * p).sum(-1)
            occupied[t, 0] = (blank[t] * k).sum((0, 2))
            if t == 0:
                break
            go, silent = p * y[t], k * y[t, 0]
            nexts = go.permute(2, 1, 0)  # [before of the next = last, clip, next]
            back = torch.bmm(nexts, self.step_back).add_(silent)
            again = torch.diagonal(go, dim1=0, dim2=2).t()[..., None] * self.again
            norm = scale[t][None, :, None]
            new_p, new_k = (back + go).div_(norm), (back + again).div_(norm)
            if t >= shortest:
                keep = inside[t][None, :, None]
                new_p, new_k = torch.where(keep, new_p, end), torch.where(keep, new_k, end)
            p, k = new_p, new_k
        occupied = occupied / occupied.sum(1, keepdim=True).clamp_min(1e-30) * inside[:, None]
        return log_total, occupied.permute(2, 0, 1)


class _Total(torch.autograd.Function):
    @staticmethod
    def forward(ctx, log_probs, lengths, denominator):
        total, gradient = denominator.total(log_probs, lengths)
        ctx.save_for_backward(gradient)
        return total

    @staticmethod
    def backward(ctx, upstream):
        (gradient,) = ctx.saved_tensors
        return gradient * upstream[:, None, None], None, None


def ctc(log_probs, lengths, phones, counts):
    """-log of the summed probability of the phones' CTC paths, [clips]; `phones` end to end."""
    return F.ctc_loss(log_probs.transpose(0, 1), phones, lengths, counts, reduction="none", zero_infinity=True)


def crf(log_probs, lengths, phones, counts, denominator, own=None):
    """-log of the share the phones' paths have of all paths, [clips]; at least 0.

    `log_probs` must come from log_softmax: the CTC part's gradient relies on it. `own` is that part, if it is known."""
    text = torch.stack([denominator.text(one) for one in phones.split(counts.tolist())]).to(log_probs.device)
    own = ctc(log_probs, lengths, phones, counts) if own is None else own
    return own - text + _Total.apply(log_probs, lengths, denominator)
