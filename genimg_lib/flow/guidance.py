"""Guidance: a denoiser led towards a condition, or away from a weaker copy of itself.

Each gives a function denoise(x, t) for `samplers`; what networks say is taken without gradients and
in the precision of x, as by `samplers.denoiser`. The weight w counts from 0, no condition, by way
of 1, the condition as it was learned, to more.
"""

import math

import torch

from genimg_lib.flow.paths import STRAIGHT, per_image
from genimg_lib.flow.samplers import denoiser


def classifier_free(net, c, w, interval=(0.0, 1.0)):
    """x_hat(nothing) + w (x_hat(c) - x_hat(nothing)), by two calls; at w = 0 and w = 1 by one.

    net: (x, t, c) -> guesses; told nothing where c is 0. c: conditions [N, K].
    interval: times at which it is guided, both ends included; at others, w is 1.
    Raises ValueError for a w that is not finite, for an interval that does not increase and, when
    it is called, for several times at once.
    Source: Ho and Salimans 2022 (arXiv:2207.12598), there with w counted from -1; the interval,
        Kynkäänniemi et al. 2024 (arXiv:2404.07724).
    """
    first, final = interval
    if not first < final:
        raise ValueError(f"expected an interval that increases, got {first:g} to {final:g}")
    nothing, told = (
        denoiser(lambda x, t, given=given: net(x, t, given)) for given in (torch.zeros_like(c), c)
    )
    return _led(nothing, told, w, (first, final))


def autoguidance(net, weaker, w):
    """x_hat(weaker) + w (x_hat(net) - x_hat(weaker)), by two calls; at w = 0 and w = 1 by one.

    net, weaker: (x, t) -> guesses; the second one smaller, or trained for less long.
    Raises ValueError for a w that is not finite.
    Source: Karras et al. 2024 (arXiv:2406.02507), equation 3.
    """
    return _led(denoiser(weaker), denoiser(net), w, (0.0, 1.0))


def classifier(denoise, log_prob, w, path=STRAIGHT):
    """The denoiser of a score to which w times the gradient of log p(c | x_t) is added.

    denoise: (x, t) -> guesses, of a flow without conditions. log_prob(x, t): log p(c | x_t) [N].
    At t = 0, where x_t says nothing, it does not lead.
    Raises ValueError for a w that is not finite, and for a log_prob of another shape.
    Source: Dhariwal and Nichol 2021 (arXiv:2105.05233), section 4.2.
    """
    w = _finite(w)

    def led(x, t):
        x_hat = denoise(x, t)
        if w == 0:
            return x_hat
        with torch.enable_grad():
            seen = x.detach().requires_grad_(True)
            logs = log_prob(seen, t)
            if logs.shape != (len(x),):
                raise ValueError(
                    f"expected log p(c | x_t) [{len(x)}], one number a point, got"
                    f" {list(logs.shape)}: of all classes take the one that is wanted"
                )
            (slope,) = torch.autograd.grad(logs.sum(), seen)
        times = per_image(t, x)
        alpha, sigma = path.alpha(times), path.sigma(times)
        pull = torch.where(alpha > 0, sigma**2 / alpha.clamp(min=1e-12), 0.0)
        return x_hat + w * pull * slope

    return led


def _led(away, towards, w, interval):
    w = _finite(w)
    first, final = interval

    def denoise(x, t):
        if not bool((t == t[0]).all()):
            raise ValueError("expected one time for all points, as a sampler has it, got several")
        # in the precision of t, in which the ends of the interval belong to it
        now = w if bool((t[0] >= first) & (t[0] <= final)) else 1.0
        if now == 1:
            return towards(x, t)
        start = away(x, t)
        return start if now == 0 else start + now * (towards(x, t) - start)

    return denoise


def _finite(w):
    if not math.isfinite(w):
        raise ValueError(f"expected a finite w, got {w}")
    return float(w)
