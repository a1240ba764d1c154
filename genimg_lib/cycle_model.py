"""CycleGAN's maps: two ways between two piles of images, with the body of the flows."""

import torch
import torch.nn as nn

from genimg_lib.flow import PatchUNet


class Change(nn.Module):
    """x [N, channels, size, size] plus what a network makes of it: at first nothing.

    body: the arguments of its PatchUNet. The answer may leave [-1, 1] a little.
    """

    def __init__(self, **body):
        super().__init__()
        self.body = PatchUNet(**body)
        last = self.body.outward if self.body.paint is None else self.body.paint
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)

    def forward(self, x):
        return x + self.body(x, torch.zeros(len(x), device=x.device))


class CycleModel(nn.Module):
    """G from pile A to pile B, F back: model(a, b) gives (G(a), F(b)).

    body: the arguments of the PatchUNet of both.
    Source: Zhu et al. 2017 (arXiv:1703.10593).
    """

    def __init__(self, **body):
        super().__init__()
        self.G, self.F = Change(**body), Change(**body)

    def forward(self, a, b):
        return self.G(a), self.F(b)

    def losses(self, a, b, a_hat, b_hat):
        """(back, same): how far there and back leads from home, and what is changed needlessly.

        Mean absolute errors: F(G(a)) and a, G(F(b)) and b; F(a) and a, G(b) and b.
        a_hat, b_hat: F(b) and G(a).
        """
        back = _off(self.F(b_hat), a) + _off(self.G(a_hat), b)
        same = _off(self.F(a), a) + _off(self.G(b), b)
        return back, same


def _off(one, other):
    return (one.float() - other).abs().mean()
