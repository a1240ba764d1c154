"""Data of which a part is known: walks, and a denoiser, that let the rest fit.

y: what is known, like the points [N, ...] where some of their numbers are.
"""

import math

import torch

from genimg_lib.flow.matching import mix
from genimg_lib.flow.paths import STRAIGHT, per_image
from genimg_lib.flow.samplers import ddim, posterior
from genimg_lib.flow.solvers import last, steps_of


def replaced(denoise, x, times, seen, y, path=STRAIGHT, generator=None, repeats=1, eta=0.0):
    """Before each call, what is seen is put in the place of what was guessed, with its noise.

    A generator, as in `samplers`; the steps are DDIM's, with as much fresh noise as `eta` says.
    seen: bool, True where y is known, broadcast to points. y: like the points.
    repeats: how often each step is walked; between two, noise leads back to where it began, so
        that what is hidden has time to fit what is seen. 1 for none of it.
    At the end, what is seen is y to the bit.
    Raises ValueError for repeats below 1, for times that do not increase.
    Source: with 1, Song et al. 2021 (arXiv:2011.13456), appendix I.2; with more, Lugmayr et al.
        2022, RePaint (arXiv:2201.09865), algorithm 1.
    """
    if repeats < 1:
        raise ValueError(f"expected 1 repeat or more, got {repeats}")
    yield x
    for t, s in steps_of(times, "up"):
        alpha, sigma = path.levels(t)
        for k in range(repeats):
            x = torch.where(seen, alpha * y + sigma * _noise_like(x, generator), x)
            noise = _noise_like(x, generator)[None] if eta > 0 else None
            end = last(ddim(denoise, x, [t, s], path, eta, noise))
            if k + 1 < repeats:
                x = back(end, t, s, path, generator)
        x = torch.where(seen, y, end) if s == 1 else end
        yield x


def back(x, t, s, path=STRAIGHT, generator=None):
    """From time s back to an earlier t, by the noise between them."""
    (alpha_t, _), (alpha_s, _) = path.levels(t), path.levels(s)
    added = posterior(path, t, s).large
    return alpha_t / alpha_s * x + math.sqrt(added) * _noise_like(x, generator)


def observed(denoise, operator, y, sigma=0.0, strength=1.0, path=STRAIGHT):
    """A denoiser whose guesses agree with what is seen, for any sampler: (x_t, t) -> like x_t.

    denoise: has to let gradients through. operator: what of x is seen, as in genimg_lib.restore:
        y = A x + sigma eps. strength: of the gradient, 1 as derived. All times of a call are the
        same.
    The guess of x is taken for the mean of a normal posterior with the variance sigma_t² /
    (alpha_t² + sigma_t²), which is right for data of variance 1: then p(y | x_t) is normal, and the
    gradient of its logarithm is added to the score. Without noise, guesses are brought to where y
    is seen of them.
    Raises ValueError for a denoiser that lets no gradients through.
    Source: Song et al. 2023, "Pseudoinverse-Guided Diffusion Models for Inverse Problems";
        a gradient of the squared error alone, with a strength by hand, is DPS (Chung et al. 2023,
        arXiv:2209.14687).
    """

    def guess(x, t):
        alpha, noise = path.levels(t[0].item())
        with torch.enable_grad():
            at = x.detach().requires_grad_()
            x_hat = denoise(at, t)
            if not x_hat.requires_grad:
                raise ValueError("expected a denoiser that lets gradients through, got none of x")
            left = noise**2 / (alpha**2 + noise**2)
            off = operator.solve(y - operator.measure(x_hat.detach()), left, sigma)
            (pull,) = torch.autograd.grad((operator.adjoint(off) * x_hat).sum(), at)
        x_hat = x_hat.detach()
        if alpha > 0:  # at 0 there is no data yet, and nothing to pull
            x_hat = x_hat + strength * noise**2 / alpha * pull
        return operator.fit(x_hat, y) if sigma == 0 else x_hat

    return guess


def filling(net, y, seen):
    """A denoiser of images of which a part is known, by a network that was taught holes.

    net(x, t): [N, C + 1, ...] to [N, C, ...], as `filling_loss` teaches it; the last channel says
    what is known, as 1, and there x has no noise.
    y, seen: as for `replaced`, seen [N, 1, ...] or [1, 1, ...].
    """

    def guess(x, t):
        x_hat = net(_with_known(x, y, seen), t)
        return torch.where(seen, y, x_hat.to(x.dtype))

    return guess


def filling_loss(net, x, seen, eps, t, floor=0.1):
    """`matching_loss` where nothing is known; the network is shown the rest without noise.

    net: as for `filling`. x, eps: [N, C, ...]. seen: bool [N, 1, ...]. t: [N]. floor: the least
    1 - t in the division. Returns a scalar, a mean over hidden numbers.
    Source: a diffusion that is shown what is known and judged on the rest, Saharia et al. 2022,
        "Palette" (arXiv:2111.05826).
    """
    x_hat = net(_with_known(mix(x, eps, t), x, seen), t).float()
    v_error = (x_hat - x) / per_image((1 - t).clamp(min=floor), x)
    hidden = (~seen).expand_as(x)
    return (v_error.square() * hidden).sum() / hidden.sum()


def _with_known(x, y, seen):
    """x with what is known in its place, and beside it a map of where that is."""
    n, _, *size = x.shape
    known = seen.expand(n, 1, *size).to(x)
    return torch.cat([torch.where(seen, y, x), known], dim=1)


def _noise_like(x, generator):
    return torch.randn(x.shape, generator=generator, dtype=x.dtype, device=x.device)
