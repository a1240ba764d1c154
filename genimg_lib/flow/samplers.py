"""From noise to data by a denoiser: a guess of the data, then a step towards it, and again.

Each is a generator, as in `solvers`: it yields the points at every time, the first ones included.
denoise(x_t, t): points [N, ...] and times [N] to guesses of the data, like x_t. times: numbers that
increase, one more than calls. path: how data and noise are mixed (`paths`). What the guess says of
the noise follows from it and x_t, so a guess that is clamped is clamped in both.
"""

import math
from typing import NamedTuple

import torch

from genimg_lib.flow.paths import STRAIGHT
from genimg_lib.flow.solvers import at_all, check_noise, steps_of


class Posterior(NamedTuple):
    """Of x_s, given x_t and x: normal, with the mean of_x x + of_x_t x_t.

    small: its variance, sigma_tilde² in DDPM.
    large: the variance that the noise adds on the way from s back to t, DDPM's beta.
    """

    of_x: float
    of_x_t: float
    small: float
    large: float


def posterior(path, t, s):
    """A step from time t to a later s, where the noise between them was added step by step.

    Raises ValueError unless 0 <= t < s <= 1.
    Source: Ho et al. 2020 (arXiv:2006.11239), equations 6 and 7, for any path; Kingma et al. 2021
        (arXiv:2107.00630), appendix A.
    """
    if not 0 <= t < s <= 1:
        raise ValueError(f"expected times with 0 <= t < s <= 1, got t = {t:g}, s = {s:g}")
    (alpha_t, sigma_t), (alpha_s, sigma_s) = path.levels(t), path.levels(s)
    kept = alpha_t / alpha_s
    added = sigma_t**2 - (kept * sigma_s) ** 2  # the variance of x_t, given x_s
    return Posterior(
        alpha_s * added / sigma_t**2,
        kept * (sigma_s / sigma_t) ** 2,
        added * (sigma_s / sigma_t) ** 2,
        added,
    )


def ancestral(denoise, x, times, noise, path=STRAIGHT, variance="small"):
    """DDPM's walk: a draw from the posterior of each step, with the guess for the data.

    noise: normal, [calls, *x.shape]; at the last step none is added.
    variance: "small" or "large", see `Posterior`.
    Raises ValueError for another variance, for noise of another shape, for times that do not
    increase.
    Source: Ho et al. 2020 (arXiv:2006.11239), algorithm 2.
    """
    if variance not in ("small", "large"):
        raise ValueError(f"expected the variance small or large, got {variance!r}")
    steps = steps_of(times, "up")
    check_noise(noise, steps, x)
    yield x
    for k, (t, s) in enumerate(steps):
        of = posterior(path, t, s)
        x = of.of_x * denoise(x, at_all(t, x)) + of.of_x_t * x
        if k + 1 < len(steps):
            x = x + math.sqrt(getattr(of, variance)) * noise[k]
        yield x


def ddim(denoise, x, times, path=STRAIGHT, eta=0.0, noise=None):
    """Data and noise as guessed, mixed again as they are at the next time.

    eta: from 0, where the guessed noise is kept, to 1, where so much of it is drawn afresh as
        `ancestral` draws, with the small variance. noise: for eta > 0, [calls, *x.shape].
    Raises ValueError for another eta, for missing noise or noise of another shape.
    Source: Song et al. 2021 (arXiv:2010.02502), equations 12 and 16.
    """
    if not 0 <= eta <= 1:
        raise ValueError(f"expected eta in [0, 1], got {eta}")
    steps = steps_of(times, "up")
    if eta > 0:
        check_noise(noise, steps, x)
    yield x
    for k, (t, s) in enumerate(steps):
        (alpha_t, sigma_t), (alpha_s, sigma_s) = path.levels(t), path.levels(s)
        x_hat = denoise(x, at_all(t, x))
        eps_hat = (x - alpha_t * x_hat) / sigma_t
        fresh = eta * math.sqrt(posterior(path, t, s).small)
        x = alpha_s * x_hat + math.sqrt(max(sigma_s**2 - fresh**2, 0.0)) * eps_hat
        if eta > 0:
            x = x + fresh * noise[k]
        yield x


def multistep(denoise, x, times, path=STRAIGHT):
    """This guess and the one before, extrapolated in log(alpha / sigma): order 2, a call each.

    The first step and one that ends without noise are DDIM's.
    Source: Lu et al. 2022 (arXiv:2211.01095), DPM-Solver++(2M), algorithm 2.
    """
    before = width_before = None
    yield x
    for t, s in steps_of(times, "up"):
        (alpha_t, sigma_t), (alpha_s, sigma_s) = path.levels(t), path.levels(s)
        x_hat = denoise(x, at_all(t, x))
        shrunk = alpha_t * sigma_s / (alpha_s * sigma_t)  # of the ratio of noise to data
        width = -math.log(shrunk) if shrunk > 0 else math.inf
        ahead = x_hat
        if before is not None and math.isfinite(width) and math.isfinite(width_before):
            ahead = x_hat + width / (2 * width_before) * (x_hat - before)
        x = sigma_s / sigma_t * x + alpha_s * (1 - shrunk) * ahead
        before, width_before = x_hat, width
        yield x


def karras_heun(denoise, x, times, path=STRAIGHT):
    """Heun's method in the ratio of noise to data, sigma / alpha: order 2, two calls a step.

    A step from where there is no data yet, and one to where no noise is left, is DDIM's, with a
    single call.
    Source: Karras et al. 2022 (arXiv:2206.00364), algorithm 1.
    """
    yield x
    for t, s in steps_of(times, "up"):
        (alpha_t, sigma_t), (alpha_s, sigma_s) = path.levels(t), path.levels(s)
        x_hat = denoise(x, at_all(t, x))
        first = (x - alpha_t * x_hat) / sigma_t  # the noise as guessed, a slope by sigma / alpha
        end = alpha_s * x_hat + sigma_s * first
        if alpha_t > 0 and sigma_s > 0:
            second = (end - alpha_s * denoise(end, at_all(s, x))) / sigma_s
            way = sigma_s - alpha_s * sigma_t / alpha_t
            end = alpha_s / alpha_t * x + way * (first + second) / 2
        x = end
        yield x


def velocity_of(denoise, path=STRAIGHT):
    """A denoiser as the velocity of its flow, for `solvers`: (x, t) -> like x."""

    def velocity(x, t):
        return path.guesses(x, t, x=denoise(x, t)).v

    return velocity


def denoiser(net, clamp=False):
    """What a network guesses, without gradients, in single precision; clamped to [-1, 1] or not.

    Raises ValueError where it gives another shape than it was given.
    """

    @torch.no_grad()
    def denoise(x, t):
        x_hat = net(x, t).to(x.dtype)
        if x_hat.shape != x.shape:
            raise ValueError(f"expected a guess {list(x.shape)}, got {list(x_hat.shape)}")
        return x_hat.clamp(-1, 1) if clamp else x_hat

    return denoise
