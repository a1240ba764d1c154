"""Checks of chapter 14, the GAN minimax."""

import math

import torch
import torch.nn.functional as F

from genimg_lib import gan
from genimg_lib.check.judge import Check

_g = torch.Generator().manual_seed(14)


def _random(*shape):
    return torch.randn(*shape, generator=_g, dtype=torch.float64)


_logits = [
    (_random(8), _random(8)),
    (3 * _random(5, 1), 3 * _random(7, 1)),
    (torch.tensor([1e4, -1e4]), torch.tensor([1e4, -50.0])),
]
_fakes = [(_random(8),), (5 * _random(6, 1),), (torch.tensor([1e4, -1e4, -200.0]),)]

losses_at_zero = Check(
    "losses_at_zero",
    lambda: (2 * math.log(2), math.log(2)),
    [()],
    {
        "this is the value V = -log 4; the discriminator's loss is -V, a positive number.": lambda: (
            -2 * math.log(2),
            math.log(2),
        ),
        "only one of the discriminator's two terms: real and fake count each.": lambda: (
            math.log(2),
            math.log(2),
        ),
        "the minimax loss of the generator. The non-saturating one is -log D.": lambda: (
            2 * math.log(2),
            -math.log(2),
        ),
        "in bits. The course uses natural logarithms.": lambda: (2.0, 1.0),
        "D is sigmoid(0) = 1/2, not 0.": lambda: (0.0, 0.0),
    },
)

optimal_discriminator = Check(
    "optimal_discriminator",
    lambda p_data, p_g: p_data / (p_data + p_g),
    [(_random(9).exp(), _random(9).exp()), (_random(2, 3).exp(), _random(2, 3).exp())],
    {
        "the wrong way round: this is 1 where only fakes are. D is the probability of *real*.": lambda p, q: (
            q / (p + q)
        ),
        "a ratio of densities is the odds, not the probability.": lambda p, q: p / q,
        "this is the logit a*. D is its sigmoid.": lambda p, q: (p / q).log(),
        "two sure answers. The best discriminator says how sure it can be.": lambda p, q: (
            p > q
        ).to(p.dtype),
    },
)

d_loss = Check(
    "d_loss",
    gan.minimax_d_loss,
    _logits,
    {
        "fine for moderate logits, not at ±10⁴: the logarithm of a sigmoid that is exactly 0. log D = -softplus(-a).": lambda r, f: (
            -(torch.sigmoid(r).log().mean() + (1 - torch.sigmoid(f)).log().mean())
        ),
        "real and fake are exchanged: real images should get a high logit.": lambda r, f: (
            F.softplus(r).mean() + F.softplus(-f).mean()
        ),
        "only fakes are in it. A discriminator that never sees real images calls everything fake.": lambda r, f: (
            F.softplus(f).mean()
        ),
        "only real images are in it. It would call everything real.": lambda r, f: F.softplus(
            -r
        ).mean(),
        "this is V itself, which the discriminator wants to be *large*. A loss is minimised: turn the sign.": lambda r, f: (
            -gan.minimax_d_loss(r, f)
        ),
        "the sigmoid is applied twice: a loss that expects logits was given probabilities.": lambda r, f: (
            F.softplus(-torch.sigmoid(r)).mean() + F.softplus(torch.sigmoid(f)).mean()
        ),
        "summed over the batch; take the mean of each part.": lambda r, f: (
            F.softplus(-r).sum() + F.softplus(f).sum()
        ),
        "half of it: many codes average the two parts. The course's loss is their sum, -V.": lambda r, f: (
            gan.minimax_d_loss(r, f) / 2
        ),
        "both kinds want the same label here. Fakes want log(1 - D) = -softplus(a).": lambda r, f: (
            F.softplus(-r).mean() + F.softplus(-f).mean()
        ),
    },
)

g_loss = Check(
    "g_loss",
    gan.nonsaturating_g_loss,
    _fakes,
    {
        "fine for moderate logits, not at -10⁴: the logarithm of 0. log D = -softplus(-a).": lambda f: (
            -torch.sigmoid(f).log().mean()
        ),
        "this is the minimax loss log(1 - D), which saturates. The non-saturating one is -log D.": lambda f: (
            -F.softplus(f).mean()
        ),
        "the label is 'fake': the generator would learn to look less real. It wants D to say real.": lambda f: (
            F.softplus(f).mean()
        ),
        "the sign is turned: this drives the samples away from what looks real.": lambda f: (
            -F.softplus(-f).mean()
        ),
        "the sigmoid is applied twice.": lambda f: F.softplus(-torch.sigmoid(f)).mean(),
        "this is the squared error to the label, another game (least squares GAN).": lambda f: (
            (1 - torch.sigmoid(f)).square().mean()
        ),
    },
)


def _gradients(V, u, v):
    u, v = (torch.as_tensor(t, dtype=torch.float64).requires_grad_() for t in (u, v))
    return tuple(g.item() for g in torch.autograd.grad(V(u, v), (u, v)))


def _extragradient(V, u, v, h):
    du, dv = _gradients(V, u, v)
    du, dv = _gradients(V, u - h * du, v + h * dv)
    return u - h * du, v + h * dv


def _from_the_middle(V, u, v, h):
    du, dv = _gradients(V, u, v)
    u, v = u - h * du, v + h * dv
    du, dv = _gradients(V, u, v)
    return u - h * du, v + h * dv


def _simultaneous(V, u, v, h):
    du, dv = _gradients(V, u, v)
    return u - h * du, v + h * dv


def _alternating(V, u, v, h):
    u = u - h * _gradients(V, u, v)[0]
    return u, v + h * _gradients(V, u, v)[1]


def _descent(V, u, v, h):
    du, dv = _gradients(V, u, v)
    du, dv = _gradients(V, u - h * du, v - h * dv)
    return u - h * du, v - h * dv


def bilinear(u, v):
    return u * v


def bent(u, v):
    return u * v + u**3 - 0.5 * v**2 * u


extragradient_step = Check(
    "extragradient_step",
    _extragradient,
    [(bilinear, 1.0, 0.5, 0.3), (bent, 0.4, -0.7, 0.1), (bilinear, 0.0, 2.0, 0.5)],
    {
        "a simultaneous step. Extragradient looks ahead first, and takes the gradients there.": _simultaneous,
        "an alternating step. Extragradient takes both gradients at a trial point.": _alternating,
        "two steps in a row. The second one starts from where you *were*, with the gradients of the trial point.": _from_the_middle,
        "both players go downhill. v wants V to be large: it goes up.": _descent,
    },
)
