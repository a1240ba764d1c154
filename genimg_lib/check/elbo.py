"""Checks of chapter 15, the ELBO and the reparameterisation trick."""

import math

import torch

from genimg_lib import vae
from genimg_lib.check.judge import Check

_g = torch.Generator().manual_seed(15)


def _random(*shape):
    return torch.randn(*shape, generator=_g, dtype=torch.float64)


hidden_sigma = Check(
    "hidden_sigma",
    lambda kl_weight: math.sqrt(kl_weight / 2),
    [(1.0,), (4.0,), (0.1,), (3072.0,)],
    {
        "this is the variance. The deviation is its root.": lambda w: w / 2,
        "the factor 2 is lost: the weight is 2 sigma².": lambda w: math.sqrt(w),
        "multiplied instead of divided: 2 sigma² = weight.": lambda w: math.sqrt(2 * w),
    },
)

gaussian_kl = Check(
    "gaussian_kl",
    vae.gaussian_kl,
    [
        (_random(4, 3), _random(4, 3)),
        (_random(2, 6), 0.5 * _random(2, 6)),
        (torch.zeros(3, 2).double(), torch.zeros(3, 2).double()),
    ],
    {
        "the exponential is lost: 1 + logvar - mean² - logvar leaves 1 - mean², -1/2 a coordinate at mean 0 whatever the width. The third term is exp(logvar).": lambda m, lv: (
            -0.5 * (1 + lv - m**2 - lv).sum(1)
        ),
        "the sign is turned: a divergence is never negative.": lambda m, lv: (
            -vae.gaussian_kl(m, lv)
        ),
        "this is the KL of N(mean, logvar²): you passed the log-variance as a standard deviation.": lambda m, lv: (
            0.5 * (m**2 + lv**2 - 1 - (lv**2).log()).sum(1)
        ),
        "exp(logvar) is taken as the deviation and squared once more: the variance itself is exp(logvar).": lambda m, lv: (
            0.5 * (m**2 + (2 * lv).exp() - 1 - 2 * lv).sum(1)
        ),
        "averaged over the latents. The KL of independent coordinates is the *sum*; averaging weighs it down by their number.": lambda m, lv: (
            vae.gaussian_kl(m, lv) / m.shape[1]
        ),
        "one number for the batch. It is one for each image: sum over the latents only.": lambda m, lv: (
            vae.gaussian_kl(m, lv).sum()
        ),
        "averaged over the batch already. Give one number for each image.": lambda m, lv: (
            vae.gaussian_kl(m, lv).mean()
        ),
        "the half is missing.": lambda m, lv: 2 * vae.gaussian_kl(m, lv),
        "the mean is not squared.": lambda m, lv: 0.5 * (m + lv.exp() - 1 - lv).sum(1),
        "the divergence of *lists of numbers*: torch's kl_div compares probabilities. Mean and log-variance are parameters of a density.": lambda m, lv: (
            torch.nn.functional.kl_div(m, lv, reduction="none").sum(1)
        ),
        "the mean's part only: widths have to be paid for too.": lambda m, lv: 0.5 * (m**2).sum(1),
    },
)


def _lets_gradients_through(answer):
    mean, logvar = (torch.zeros(3, dtype=torch.float64, requires_grad=True) for _ in range(2))
    z = answer(mean, logvar, torch.ones(3, dtype=torch.float64))
    if not z.requires_grad or any(
        g is None for g in torch.autograd.grad(z.sum(), (mean, logvar), allow_unused=True)
    ):
        return "the numbers are right, but no gradient comes through to mean and logvar: no detach(), .data, .item() or no_grad() in it."
    return None


reparameterize = Check(
    "reparameterize",
    vae.reparameterize,
    [(_random(4, 3), _random(4, 3), _random(4, 3)), (_random(7), _random(7), _random(7))],
    {
        "the log-variance is used as the deviation. sigma = exp(logvar / 2).": lambda m, lv, e: (
            m + lv * e
        ),
        "exp(logvar) is the variance; the noise is multiplied by the deviation, exp(logvar / 2).": lambda m, lv, e: (
            m + lv.exp() * e
        ),
        "no sampling at all: the decoder would see the mean only, and the widths would mean nothing.": lambda m, lv, e: (
            m
        ),
        "the deviation is added, not multiplied by the noise: nothing is random.": lambda m, lv, e: (
            m + (0.5 * lv).exp()
        ),
        "mean and noise are exchanged.": lambda m, lv, e: e + (0.5 * lv).exp() * m,
        "both heads go into the decoder. z is one vector of the mean's shape.": lambda m, lv, e: (
            torch.cat([m, lv], dim=-1)
        ),
        "the mean is lost.": lambda m, lv, e: (0.5 * lv).exp() * e,
        "no gradient comes through": lambda m, lv, e: vae.reparameterize(m, lv, e).detach(),
    },
    also=_lets_gradients_through,
)

elbo = Check(
    "elbo",
    lambda log_p_x, kl: log_p_x - kl,
    [(_random(5) - 90, _random(5).abs()), (_random(3), _random(3).abs())],
    {
        "the KL term is lost: log p(x) is not the expected log-likelihood. What z knows about x has to be paid for.": lambda a, b: (
            a
        ),
        "the KL is added: it is a price, not a reward.": lambda a, b: a + b,
        "this is the negative ELBO, the loss. The bound itself is wanted.": lambda a, b: b - a,
        "averaged over the batch. Give one bound for each image.": lambda a, b: (a - b).mean(),
    },
)

iwae_bound = Check(
    "iwae_bound",
    lambda log_w: torch.logsumexp(log_w, dim=0) - math.log(len(log_w)),
    [(_random(5, 3),), (_random(8, 2) - 1000,), (3 * _random(1, 4),)],
    {
        "minus infinity for weights such as e^-1000: take the largest out before you exponentiate. torch.logsumexp does.": lambda w: (
            w.exp().mean(0).log()
        ),
        "the mean of the logarithms is the ELBO again. Average the weights *before* the logarithm.": lambda w: (
            w.mean(0)
        ),
        "a sum, not a mean: log K has to be taken off.": lambda w: torch.logsumexp(w, dim=0),
        "the mean goes over the images. The samples are the first axis, [K, N].": lambda w: (
            torch.logsumexp(w, dim=1) - math.log(w.shape[1])
        ),
        "the best sample only. All of them count.": lambda w: w.max(0).values - math.log(len(w)),
    },
)
