"""Checks of notebook 32, a convolutional VAE."""

import math

import torch
import torch.nn.functional as F

from genimg_lib.check import inputs
from genimg_lib.check.cases import drawn
from genimg_lib.check.judge import Check

same_model = Check(
    "same_model",
    lambda beta, sigma: math.sqrt(beta) * sigma,
    [(4.0, 0.5), (1.0, 0.3), (0.25, 2.0), (9.0, 0.1), (2.0, 1.0)],
    {
        "beta is a factor of sigma², so its root is one of sigma.": (
            lambda beta, sigma: beta * sigma,
        ),
        "the other way round: a larger beta is a larger sigma.": (
            lambda beta, sigma: sigma / math.sqrt(beta),
            lambda beta, sigma: sigma / beta,
        ),
        "this is the new sigma²; take its root.": (
            lambda beta, sigma: beta * sigma**2 + 0.0 * sigma,
        ),
        "the root of the product: only beta stands under it.": (
            lambda beta, sigma: math.sqrt(beta * sigma)
        ),
        "beta and sigma are exchanged.": lambda beta, sigma: math.sqrt(sigma) * beta,
        "beta makes no difference here, but it does: divide (3) by beta.": (
            lambda beta, sigma: sigma
        ),
    },
)


def _bits(log_density, dimensions, width):
    return -(log_density / dimensions + math.log(width)) / math.log(2)


def _densities(seed, n, dimensions, levels):
    return 100 * inputs.normal(seed, n), dimensions, 2 / levels


dense_bits = Check(
    "dense_bits",
    _bits,
    [
        (torch.tensor([0.0]), 1, 0.5),
        _densities(701, 5, 3072, 255),
        _densities(702, 3, 784, 255),
        *drawn(_densities, count=6, seed=(0, 9), n=(1, 4), dimensions=(1, 9), levels=(2, 9)),
    ],
    {
        "the sign is turned: a code's length is minus the logarithm.": (
            lambda log_p, d, w: -_bits(log_p, d, w)
        ),
        "nats, not bits: divide by log 2.": lambda log_p, d, w: -(log_p / d + math.log(w)),
        "the width is missing: a density is no probability until it is multiplied by the distance "
        "of two levels.": lambda log_p, d, w: -log_p / d / math.log(2),
        "the width is counted once an image; each of the D numbers has one.": (
            lambda log_p, d, w: -(log_p + math.log(w)) / d / math.log(2)
        ),
        "divided by the width instead of multiplied.": (
            lambda log_p, d, w: -(log_p / d - math.log(w)) / math.log(2)
        ),
        "for the whole image; it is wanted for each number.": (
            lambda log_p, d, w: -(log_p + d * math.log(w)) / math.log(2)
        ),
        "the width itself was added, not its logarithm.": (
            lambda log_p, d, w: -(log_p / d + w) / math.log(2)
        ),
        "the mean over the images; each has its own.": (
            lambda log_p, d, w: _bits(log_p, d, w).mean()
        ),
    },
)


def _patches(x, p):
    n, c, h, w = x.shape
    x = x.reshape(n, c, h // p, p, w // p, p)
    return x.permute(0, 1, 3, 5, 2, 4).reshape(n, c * p * p, h // p, w // p)


def _images(seed, n, c, rows, columns, p):
    return inputs.normal(seed, n, c, rows * p, columns * p), p


patches = Check(
    "patches",
    _patches,
    [
        (torch.arange(16.0).view(1, 1, 4, 4), 2),
        _images(711, 2, 3, 2, 4, 3),
        _images(712, 1, 2, 3, 2, 4),
        *drawn(
            _images, count=8, seed=(0, 9), n=(1, 2), c=(1, 3), rows=(1, 3), columns=(1, 3), p=(1, 3)
        ),
    ],
    {
        "the numbers were only cut anew: reshape keeps their order, and a patch's pixels lie in "
        "several rows. Split both axes, then permute.": (
            lambda x, p: x.reshape(len(x), x.shape[1] * p * p, x.shape[2] // p, x.shape[3] // p)
        ),
        "rows and columns within a patch are exchanged.": (lambda x, p: _patches(x.mT, p).mT),
        "the channels of the image run fastest; they run slowest, then the rows and columns within "
        "a patch.": lambda x, p: torch.cat(
            [x[:, :, i::p, j::p] for i in range(p) for j in range(p)], dim=1
        ),
        "every p-th pixel makes a channel of its own only where they are p apart; this takes "
        "neighbouring places.": lambda x, p: _patches(
            x.reshape(len(x), x.shape[1], p, x.shape[2] // p, p, x.shape[3] // p)
            .permute(0, 1, 3, 2, 5, 4)
            .reshape(x.shape),
            p,
        ),
        "a mean over each patch: nothing may be lost.": lambda x, p: F.avg_pool2d(x, p),
        "the grid is p x p; it is H / p x W / p, with p² channels.": lambda x, p: (
            x.reshape(len(x), x.shape[1], p, x.shape[2] // p, p, x.shape[3] // p)
            .permute(0, 1, 3, 5, 2, 4)
            .reshape(len(x), -1, p, p)
        ),
    },
)


def _kl_each(mean, logvar):
    return 0.5 * (mean**2 + logvar.exp() - 1 - logvar)


def _free(mean, logvar, least):
    return _kl_each(mean, logvar).mean(dim=0).clamp(min=least).sum()


def _moments(seed, n, d, tenths):
    return inputs.normal(seed, n, d), 0.5 * inputs.normal(seed + 50, n, d), tenths / 10


free_bits = Check(
    "free_bits",
    _free,
    [
        (torch.tensor([[0.0, 2.0]]), torch.zeros(1, 2), 0.5),
        _moments(721, 6, 4, 5),
        _moments(722, 5, 3, 20),
        *drawn(_moments, count=8, seed=(0, 9), n=(1, 4), d=(1, 4), tenths=(0, 12)),
    ],
    {
        "the least was taken for each image; take the mean over the batch first, or an image that "
        "needs few nats pays for many.": (
            lambda m, lv, least: _kl_each(m, lv).clamp(min=least).sum(dim=1).mean()
        ),
        "the least was taken of the sum; each coordinate has its own free nats.": (
            lambda m, lv, least: _kl_each(m, lv).sum(dim=1).mean().clamp(min=least)
        ),
        "cut off from above: free nats are the least that is charged, not the most.": (
            lambda m, lv, least: _kl_each(m, lv).mean(dim=0).clamp(max=least).sum()
        ),
        "the free nats are taken off; a coordinate above them pays in full.": (
            lambda m, lv, least: (_kl_each(m, lv).mean(dim=0) - least).clamp(min=0).sum()
        ),
        "averaged over the coordinates; their charges are added.": (
            lambda m, lv, least: _kl_each(m, lv).mean(dim=0).clamp(min=least).mean()
        ),
        "the mean over coordinates, the sum over images: the other way round.": (
            lambda m, lv, least: _kl_each(m, lv).mean(dim=1).clamp(min=least).sum()
        ),
        "this is the KL; nothing is free.": (
            lambda m, lv, least: _kl_each(m, lv).sum(dim=1).mean()
        ),
        "one charge for each coordinate; add them.": (
            lambda m, lv, least: _kl_each(m, lv).mean(dim=0).clamp(min=least)
        ),
    },
    gradient=("mean", "logvar"),
)


def _log_normal(z, mean, logvar):
    """log N(z_m; mean_n, exp(logvar_n)): [M, N]."""
    error = (z[:, None] - mean).square() * (-logvar).exp()
    return -0.5 * (math.log(2 * math.pi) + logvar + error).sum(dim=2)


def _log_aggregated(z, mean, logvar):
    return torch.logsumexp(_log_normal(z, mean, logvar), dim=1) - math.log(len(mean))


def _clouds(seed, m, n, d):
    return inputs.normal(seed, m, d), inputs.normal(seed + 30, n, d), inputs.normal(seed + 60, n, d)


def _far(seed):
    z, mean, logvar = _clouds(seed, 3, 4, 2)
    return 60 * z, mean, logvar


log_aggregated = Check(
    "log_aggregated",
    _log_aggregated,
    [
        (torch.zeros(1, 1), torch.zeros(1, 1), torch.zeros(1, 1)),
        _clouds(731, 5, 7, 3),
        _clouds(732, 4, 2, 2),
        _far(733),
        *drawn(_clouds, count=8, seed=(0, 9), m=(1, 4), n=(1, 4), d=(1, 3)),
    ],
    {
        "the number of images is missing: q(z) is their mean, so log N comes off.": (
            lambda z, m, lv: torch.logsumexp(_log_normal(z, m, lv), dim=1)
        ),
        "the mean of the logarithms; it is the logarithm of the mean.": (
            lambda z, m, lv: _log_normal(z, m, lv).mean(dim=1)
        ),
        "minus infinity for codes far away: the densities are too small for a float. "
        "torch.logsumexp knows a way.": (
            lambda z, m, lv: _log_normal(z, m, lv).exp().mean(dim=1).log(),
            lambda z, m, lv: (_log_normal(z, m, lv).exp().sum(dim=1) / len(m)).log(),
        ),
        "the log-variance is used as a deviation; exp(logvar) is the variance.": (
            lambda z, m, lv: _log_aggregated(z, m, 2 * lv),
        ),
        "averaged over the coordinates; log densities of independent coordinates are added.": (
            lambda z, m, lv: (
                torch.logsumexp(_log_normal(z, m, lv) / z.shape[1], dim=1) - math.log(len(m))
            )
        ),
        "the mean over the codes, for each image; it is wanted for each code.": (
            lambda z, m, lv: torch.logsumexp(_log_normal(z, m, lv), dim=0) - math.log(len(z))
        ),
        "the constant log 2π is missing, once a coordinate.": (
            lambda z, m, lv: _log_aggregated(z, m, lv) + 0.5 * z.shape[1] * math.log(2 * math.pi)
        ),
        "one normal with the mean of all means: the mixture has as many bumps as images.": (
            lambda z, m, lv: _log_normal(z, m.mean(0, keepdim=True), lv.mean(0, keepdim=True))[:, 0]
        ),
    },
)


def _rate_parts(z, mean, logvar):
    own = _log_normal(z, mean, logvar).diagonal()
    mixture = _log_aggregated(z, mean, logvar)
    prior = _log_normal(z, torch.zeros_like(z[:1]), torch.zeros_like(z[:1]))[:, 0]
    return (own - mixture).mean(), (mixture - prior).mean()


def _codes(seed, n, d):
    mean, logvar = inputs.normal(seed, n, d), 0.5 * inputs.normal(seed + 30, n, d)
    return mean + (0.5 * logvar).exp() * inputs.normal(seed + 60, n, d), mean, logvar


def _parts_with(which):
    """A rate_parts in which one of the densities is another one."""

    def parts(z, mean, logvar):
        own, mixture, prior = which(z, mean, logvar)
        return (own - mixture).mean(), (mixture - prior).mean()

    return parts


rate_parts = Check(
    "rate_parts",
    _rate_parts,
    [
        _codes(741, 2, 1),
        _codes(742, 8, 3),
        _codes(743, 5, 2),
        *drawn(_codes, count=8, seed=(0, 9), n=(2, 5), d=(1, 3)),
    ],
    {
        "the two parts are exchanged: the information comes first.": (
            lambda z, m, lv: _rate_parts(z, m, lv)[::-1]
        ),
        "the signs are turned: both are what is gained by knowing more.": (
            lambda z, m, lv: tuple(-part for part in _rate_parts(z, m, lv))
        ),
        "the first part is the whole rate: its second density is that of q(z), not the prior's.": (
            lambda z, m, lv: (sum(_rate_parts(z, m, lv)), _rate_parts(z, m, lv)[1])
        ),
        "in q(z) the number of images is missing: it is a mean.": _parts_with(
            lambda z, m, lv: (
                _log_normal(z, m, lv).diagonal(),
                _log_aggregated(z, m, lv) + math.log(len(m)),
                _log_normal(z, torch.zeros_like(z[:1]), torch.zeros_like(z[:1]))[:, 0],
            )
        ),
        "summed over the images; both are means.": (
            lambda z, m, lv: tuple(len(z) * part for part in _rate_parts(z, m, lv))
        ),
        "each code was held against every image's q; its own is the one of the same row.": (
            _parts_with(
                lambda z, m, lv: (
                    _log_normal(z, m, lv).mean(dim=1),
                    _log_aggregated(z, m, lv),
                    _log_normal(z, torch.zeros_like(z[:1]), torch.zeros_like(z[:1]))[:, 0],
                )
            )
        ),
        "one number for each image; take the means.": (
            lambda z, m, lv: (
                _log_normal(z, m, lv).diagonal() - _log_aggregated(z, m, lv),
                _log_aggregated(z, m, lv)
                - _log_normal(z, torch.zeros_like(z[:1]), torch.zeros_like(z[:1]))[:, 0],
            )
        ),
    },
)
