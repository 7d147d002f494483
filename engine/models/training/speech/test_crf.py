"""crf.py against the sum over every path, one by one."""

import itertools
import unittest

import numpy as np
import torch

from crf import Denominator, _Total, crf, trigram


def collapsed(path):
    return [s for n, s in enumerate(path) if s and (n == 0 or path[n - 1] != s)]


def score(phones, probability):
    padded = [0, 0, *phones, 0]
    return float(np.prod([probability[padded[n], padded[n + 1], padded[n + 2]] for n in range(len(padded) - 2)]))


def by_hand(log_probs, probability, only=None):
    """log of the sum over all paths, or over those of the phones `only`."""
    rows, symbols = log_probs.shape
    total = 0.0
    for path in itertools.product(range(symbols), repeat=rows):
        phones = collapsed(path)
        if only is not None and phones != only:
            continue
        total = total + score(phones, probability) * torch.exp(sum(log_probs[t, s] for t, s in enumerate(path)))
    return torch.log(total)


class Crf(unittest.TestCase):
    def setUp(self):
        torch.manual_seed(3)
        self.lm = trigram([[1, 2, 2, 3], [3, 1], [2, 2, 1], [1, 1, 3]], 4)
        self.denominator = Denominator(self.lm)
        self.lengths = torch.tensor([5, 3, 1])
        self.scores = (2 * torch.randn(3, 5, 4)).requires_grad_()

    def test_trigram_sums_to_one_and_follows_counts(self):
        self.assertTrue(torch.allclose(self.lm.sum(-1), torch.ones(4, 4), atol=1e-5))
        self.assertGreater(self.lm[1, 2, 2], self.lm[1, 2, 1])
        self.assertGreater(float(self.lm.min()), 0)

    def test_total_is_the_sum_over_paths(self):
        log_probs = torch.log_softmax(self.scores, -1)
        total = _Total.apply(log_probs, self.lengths, self.denominator)
        for n, rows in enumerate(self.lengths):
            self.assertAlmostEqual(total[n].item(), by_hand(log_probs[n, :rows], self.lm).item(), places=4)

    def test_loss_and_gradient_are_exact(self):
        phones, counts = torch.tensor([1, 2, 2, 3, 1]), torch.tensor([3, 1, 1])
        loss = crf(torch.log_softmax(self.scores, -1), self.lengths, phones, counts, self.denominator).sum()
        (got,) = torch.autograd.grad(loss, self.scores)
        log_probs, parts = torch.log_softmax(self.scores, -1), [[1, 2, 2], [3], [1]]
        wanted = sum(
            by_hand(log_probs[n, :rows], self.lm) - by_hand(log_probs[n, :rows], self.lm, parts[n])
            for n, rows in enumerate(self.lengths.tolist())
        )
        (right,) = torch.autograd.grad(wanted, self.scores)
        self.assertAlmostEqual(loss.item(), wanted.item(), places=3)
        self.assertLess(float((got - right).abs().max()), 1e-5)

    def test_long_and_certain_rows_stay_finite(self):
        scores = (30 * torch.randn(2, 400, 4)).requires_grad_()
        loss = crf(torch.log_softmax(scores, -1), torch.tensor([400, 7]), torch.tensor([1, 2, 3]), torch.tensor([2, 1]),
                   self.denominator)  # fmt: skip
        self.assertGreaterEqual(loss.min().item(), -1e-3)
        loss = loss.sum()
        loss.backward()
        self.assertTrue(torch.isfinite(loss) and torch.isfinite(scores.grad).all())
        self.assertEqual(float(scores.grad[1, 7:].abs().max()), 0.0)


if __name__ == "__main__":
    unittest.main()
