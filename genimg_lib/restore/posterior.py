"""All images that fit an observation: exactly, or by the denoiser of a flow.

The walks run from noise at t = 0 to data at t = 1 along x_t = t x + (1 - t) eps. denoise(x_t, t):
points [N, ...] and times [N] to guesses of x. Noise is drawn from a generator. Each is a generator
as well: it yields the points at every time.
"""

import itertools
import math

import torch

from genimg_lib.data.mixture import GaussianMixture


def gaussian_posterior(mean, covariance, A, y, sigma):
    """p(x | y = A x + sigma eps) of x ~ N(mean, covariance): its mean [d] and covariance [d, d].

    A: [m, d]. y: [m]. sigma: 0 or more. Raises ValueError for sigma below 0.
    """
    if sigma < 0:
        raise ValueError(f"expected sigma of 0 or more, got {sigma}")
    seen = A @ covariance @ A.T + sigma**2 * torch.eye(len(A), dtype=A.dtype)
    gain = torch.linalg.solve(seen, A @ covariance).T  # [d, m]
    return mean + gain @ (y - A @ mean), covariance - gain @ A @ covariance


def conditioned(mixture, seen, values):
    """p(x | some coordinates of x) of a GaussianMixture: the mixture of the other coordinates.

    seen: the indices of those that are known, values: [len(seen)], what they are.
    By Bayes: each part is conditioned, and weighed by how well it explains what is seen.
    """
    hidden = [k for k in range(mixture.means.shape[1]) if k not in seen]
    of_seen = GaussianMixture(
        mixture.weights, mixture.means[:, seen], mixture.covariances[:, seen][:, :, seen]
    )
    weights = of_seen.responsibilities(values[None])[0]
    across = mixture.covariances[:, hidden][:, :, seen]  # [K, hidden, seen]
    gains = torch.linalg.solve(of_seen.covariances, across.transpose(1, 2)).transpose(1, 2)
    away = values - of_seen.means
    means = mixture.means[:, hidden] + torch.einsum("khs,ks->kh", gains, away)
    own = mixture.covariances[:, hidden][:, :, hidden]
    return GaussianMixture(weights, means, own - gains @ across.transpose(1, 2))


def replaced(denoise, x, times, seen, y, generator=None, repeats=1):
    """Before each call, what is seen is put in the place of what was guessed, with its noise.

    seen: bool, True where y is known, broadcast to x. y: like x. x: noise, where the walk begins.
    repeats: how often each step is walked; between two, noise leads back to where it began, so
        that what is hidden has time to fit what is seen. 1 for none of it.
    At the end, what is seen is y to the bit.
    Raises ValueError for repeats below 1.
    Source: with 1, Song et al. 2021 (arXiv:2011.13456), appendix I.2; with more, Lugmayr et al.
        2022, RePaint (arXiv:2201.09865), algorithm 1.
    """
    if repeats < 1:
        raise ValueError(f"expected 1 repeat or more, got {repeats}")
    yield x
    for t, s in itertools.pairwise(times):
        for k in range(repeats):
            fresh = _noise_like(x, generator)
            x = torch.where(seen, t * y + (1 - t) * fresh, x)
            end = _step(denoise, x, t, s)
            if k + 1 < repeats:
                x = _back(end, t, s, generator)
        x = end
        yield torch.where(seen, y, x) if s == 1 else x


def guided(denoise, x, times, seen, y, sigma=0.0, strength=1.0):
    """Each guess is moved so that it agrees with what is seen, by the gradient of the network.

    The guess of x is taken for the mean of a normal posterior with variance (1 - t)² / (t² + (1 -
    t)²), which is right for data of variance 1: then p(y | x_t) is normal, and the gradient of its
    logarithm is added to the score.
    denoise: has to let gradients through. sigma: the noise of y. strength: of the gradient, 1 as
        derived.
    At the end, what is seen is y to the bit, if sigma is 0.
    Raises ValueError for a denoiser that lets no gradients through.
    Source: Song et al. 2023, "Pseudoinverse-Guided Diffusion Models for Inverse Problems";
        a gradient of the squared error alone, with a strength by hand, is DPS (Chung et al. 2023,
        arXiv:2209.14687).
    """
    yield x
    for t, s in itertools.pairwise(times):
        with torch.enable_grad():
            at = x.detach().requires_grad_()
            x_hat = denoise(at, _all(t, at))
            if not x_hat.requires_grad:
                raise ValueError("expected a denoiser that lets gradients through, got none of x")
            left = (1 - t) ** 2 / (t**2 + (1 - t) ** 2)
            off = torch.where(seen, y - x_hat, torch.zeros_like(y)) / (left + sigma**2)
            (pull,) = torch.autograd.grad((off.detach() * x_hat).sum(), at)
        # a score that grows by `pull` moves the guess by sigma_t² / alpha_t of it
        x_hat = x_hat.detach() + strength * (1 - t) ** 2 / max(t, 1e-3) * pull
        x = _mixed(x, x_hat, t, s)
        yield torch.where(seen, y, x) if s == 1 and sigma == 0 else x


def _step(denoise, x, t, s):
    return _mixed(x, denoise(x, _all(t, x)), t, s)


def _mixed(x, x_hat, t, s):
    """From t to s as DDIM goes: the guess, and the noise that goes with it."""
    return s * x_hat + (1 - s) / (1 - t) * (x - t * x_hat)


def _back(x, t, s, generator):
    """From s back to an earlier t, by adding noise."""
    added = (1 - t) ** 2 - (t / s * (1 - s)) ** 2
    return t / s * x + math.sqrt(added) * _noise_like(x, generator)


def _all(t, x):
    return torch.full((len(x),), t, dtype=x.dtype, device=x.device)


def _noise_like(x, generator):
    return torch.randn(x.shape, generator=generator, dtype=x.dtype, device=x.device)
