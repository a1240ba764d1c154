"""Checks of notebook 32, a convolutional VAE."""

import math

import torch
import torch.nn.functional as F

from genimg_lib.check import inputs
from genimg_lib.check.cases import drawn
from genimg_lib.check.judge import Check

same_model = Check(
    "same_model",
    lambda beta, sigma, D: math.sqrt(beta * D) * sigma,
    [(4.0, 0.5, 9), (1.0, 0.3, 784), (0.25, 2.0, 100), (0.01, 0.1, 3072), (2.0, 1.0, 5)],
    {
        "the average over D numbers is forgotten: it makes the error D times as light.": (
            lambda beta, sigma, D: math.sqrt(beta) * sigma
        ),
        "the wrong way round: an averaged error is lighter, so beta weighs more, not less.": (
            lambda beta, sigma, D: math.sqrt(beta / D) * sigma
        ),
        "beta D is a factor of sigma², so its root is one of sigma.": (
            lambda beta, sigma, D: beta * D * sigma
        ),
        "a larger beta is a larger sigma: multiply by its root.": (
            lambda beta, sigma, D: sigma / math.sqrt(beta * D),
            lambda beta, sigma, D: math.sqrt(D / beta) * sigma,
        ),
        "this is the new sigma²; take its root.": lambda beta, sigma, D: beta * D * sigma**2,
        "only beta and D stand under the root.": (
            lambda beta, sigma, D: math.sqrt(beta * D * sigma)
        ),
        "only beta stands under your root; D belongs there, too.": (
            lambda beta, sigma, D: math.sqrt(beta) * D * sigma
        ),
        "only D stands under your root; beta belongs there, too.": (
            lambda beta, sigma, D: beta * math.sqrt(D) * sigma
        ),
        "** binds before /: the root is ** (1 / 2).": (
            lambda beta, sigma, D: (beta * D) ** 1 / 2 * sigma
        ),
        "the average counts, but so does beta.": lambda beta, sigma, D: math.sqrt(D) * sigma,
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
        "multiplied by log 2 instead of divided.": (
            lambda log_p, d, w: -(log_p / d + math.log(w)) * math.log(2)
        ),
        "one term is in nats, the other in bits.": (
            lambda log_p, d, w: -log_p / d - math.log2(w),
            lambda log_p, d, w: -log_p / d / math.log(2) - math.log(w),
        ),
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
        "the axis was split as [p, H / p]; the last factor runs fastest, so that a patch is "
        "[H / p, p].": lambda x, p: _patches(
            x.reshape(len(x), x.shape[1], p, x.shape[2] // p, p, x.shape[3] // p)
            .permute(0, 1, 3, 2, 5, 4)
            .reshape(x.shape),
            p,
        ),
        "the axis was split as [p, H / p], and permuted as if it were [H / p, p].": (
            lambda x, p: (
                x.reshape(len(x), x.shape[1], p, x.shape[2] // p, p, x.shape[3] // p)
                .permute(0, 1, 3, 5, 2, 4)
                .reshape(len(x), -1, x.shape[2] // p, x.shape[3] // p)
            )
        ),
        "the places of a patch come before its pixels: the two axes of the grid stand last.": (
            lambda x, p: (
                x.reshape(len(x), x.shape[1], x.shape[2] // p, p, x.shape[3] // p, p)
                .permute(0, 1, 2, 4, 3, 5)
                .reshape(len(x), -1, x.shape[2] // p, x.shape[3] // p)
            )
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
        "needs few nats pays for `least` all the same.": (
            lambda m, lv, least: _kl_each(m, lv).clamp(min=least).sum(dim=1).mean()
        ),
        "the least was taken of the sum; each coordinate has its own, before they are added.": (
            lambda m, lv, least: _kl_each(m, lv).sum(dim=1).mean().clamp(min=least),
            lambda m, lv, least: _kl_each(m, lv).sum(dim=1).clamp(min=least).mean(),
            lambda m, lv, least: _kl_each(m, lv).sum(dim=1).mean().clamp(min=least * m.shape[1]),
            lambda m, lv, least: _kl_each(m, lv).mean().clamp(min=least) * m.shape[1],
            lambda m, lv, least: _kl_each(m, lv).mean().clamp(min=least),
        ),
        "the KL has the wrong sign: all of it lies below `least`.": (
            lambda m, lv, least: (-_kl_each(m, lv)).mean(dim=0).clamp(min=least).sum()
        ),
        "in the KL the half is missing.": (
            lambda m, lv, least: (2 * _kl_each(m, lv)).mean(dim=0).clamp(min=least).sum()
        ),
        "in the KL the variance is missing: exp(logvar), not exp(logvar / 2).": (
            lambda m, lv, least: (
                (0.5 * (m**2 + (lv / 2).exp() - 1 - lv)).mean(dim=0).clamp(min=least).sum()
            )
        ),
        "in the KL the logarithm is subtracted, not added.": (
            lambda m, lv, least: (
                (0.5 * (m**2 + lv.exp() - 1 + lv)).mean(dim=0).clamp(min=least).sum()
            )
        ),
        "in the KL the mean is squared.": (
            lambda m, lv, least: (0.5 * (m + lv.exp() - 1 - lv)).mean(dim=0).clamp(min=least).sum()
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


def _log_each(z, mean, logvar):
    """log N(z_mj; mean_nj, exp(logvar_nj)): [M, N, d]."""
    error = (z[:, None] - mean).square() * (-logvar).exp()
    return -0.5 * (math.log(2 * math.pi) + logvar + error)


def _log_normal(z, mean, logvar):
    """log N(z_m; mean_n, exp(logvar_n)): [M, N]."""
    return _log_each(z, mean, logvar).sum(dim=2)


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
        "minus infinity for points far away: the densities are too small for a float. "
        "torch.logsumexp knows a way.": (
            lambda z, m, lv: _log_normal(z, m, lv).exp().mean(dim=1).log(),
            lambda z, m, lv: (_log_normal(z, m, lv).exp().sum(dim=1) / len(m)).log(),
        ),
        "finite far away, but cut off there: a small number under the logarithm is larger than the "
        "density itself. torch.logsumexp knows a way.": (
            lambda z, m, lv: (_log_normal(z, m, lv).exp().mean(dim=1) + 1e-8).log(),
            lambda z, m, lv: (_log_normal(z, m, lv).exp().mean(dim=1) + 1e-12).log(),
            lambda z, m, lv: (_log_normal(z, m, lv).exp().mean(dim=1) + 1e-30).log(),
            lambda z, m, lv: _log_normal(z, m, lv).clamp(min=-80).exp().mean(dim=1).log(),
        ),
        "this takes off the number of points; q(z) is the mean over the codes.": (
            lambda z, m, lv: torch.logsumexp(_log_normal(z, m, lv), dim=1) - math.log(len(z))
        ),
        "this takes off the number of coordinates; q(z) is the mean over the codes.": (
            lambda z, m, lv: torch.logsumexp(_log_normal(z, m, lv), dim=1) - math.log(z.shape[1])
        ),
        "mixed coordinate by coordinate: a code has all of its coordinates at once, so add them "
        "first.": lambda z, m, lv: (
            torch.logsumexp(_log_each(z, m, lv), dim=1) - math.log(len(m))
        ).sum(dim=1),
        "the largest was taken off for safety, and not added again.": (
            lambda z, m, lv: _log_aggregated(z, m, lv) - _log_normal(z, m, lv).amax(dim=1)
        ),
        "only the nearest code counts here; all of them do.": (
            lambda z, m, lv: _log_normal(z, m, lv).amax(dim=1) - math.log(len(m))
        ),
        "in the normal's density log 2π counts once a coordinate.": (
            lambda z, m, lv: (
                _log_aggregated(z, m, lv) + 0.5 * (z.shape[1] - 1) * math.log(2 * math.pi)
            )
        ),
        "in the normal's density its own width is missing: logvar / 2 comes off.": (
            lambda z, m, lv: (
                torch.logsumexp((_log_each(z, m, lv) + 0.5 * lv).sum(dim=2), dim=1)
                - math.log(len(m))
            )
        ),
        "in the normal's density the half belongs to the constant and to logvar, too.": (
            lambda z, m, lv: (
                torch.logsumexp(
                    (_log_each(z, m, lv) - 0.5 * (math.log(2 * math.pi) + lv)).sum(dim=2), dim=1
                )
                - math.log(len(m))
            )
        ),
        "exp(logvar) is the variance; here it served as the standard deviation.": (
            lambda z, m, lv: _log_aggregated(z, m, 2 * lv),
        ),
        "averaged over the coordinates; log densities of independent coordinates are added.": (
            lambda z, m, lv: (
                torch.logsumexp(_log_normal(z, m, lv) / z.shape[1], dim=1) - math.log(len(m))
            )
        ),
        "for each code, over the points; it is wanted for each point.": (
            lambda z, m, lv: torch.logsumexp(_log_normal(z, m, lv), dim=0) - math.log(len(z))
        ),
        "half of log 2π is missing for each coordinate.": (
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


def _cut_off(least):
    """A rate_parts in which q(z) is made by exp, with a small number under the logarithm."""

    def densities(z, m, lv):
        mixture = (_log_normal(z, m, lv).exp().mean(dim=1) + least).log()
        prior = _log_normal(z, torch.zeros_like(z[:1]), torch.zeros_like(z[:1]))[:, 0]
        return _log_normal(z, m, lv).diagonal(), mixture, prior

    return _parts_with(densities)


def _by_closed_kl(z, mean, logvar):
    """The whole rate by its formula instead of samples."""
    information, _ = _rate_parts(z, mean, logvar)
    return information, _kl_each(mean, logvar).sum(dim=1).mean() - information


def _by_closed_entropy(z, mean, logvar):
    """The mean of log q(z|x) by its formula instead of samples."""
    own = -0.5 * (1 + math.log(2 * math.pi) + logvar).sum(dim=1)
    mixture, (_, second) = _log_aggregated(z, mean, logvar), _rate_parts(z, mean, logvar)
    return (own - mixture).mean(), second


def _wide(seed, n, d):
    """Codes as a trained model's, most of their coordinates silent."""
    z, mean, logvar = _codes(seed, n, d)
    quiet = torch.arange(d) >= 8
    mean, logvar = mean.masked_fill(quiet, 0.0), logvar.masked_fill(quiet, 0.0)
    return torch.where(quiet, z, mean + 0.1 * (z - mean)), mean, logvar


rate_parts = Check(
    "rate_parts",
    _rate_parts,
    [
        _codes(741, 4, 2),
        _wide(744, 6, 32),
        _wide(745, 5, 160),
        _codes(742, 8, 3),
        _codes(743, 5, 2),
        *drawn(_codes, count=8, seed=(0, 9), n=(2, 5), d=(1, 3)),
    ],
    also_right=(_by_closed_kl, _by_closed_entropy),
    mistakes={
        "a small number under the logarithm is larger than the density itself; torch.logsumexp "
        "needs none.": (_cut_off(1e-8), _cut_off(1e-12)),
        "the densities of many coordinates are too small for a float; torch.logsumexp knows a "
        "way.": _cut_off(0.0),
        "the second part is the whole rate: its first density is that of q(z).": (
            lambda z, m, lv: (_rate_parts(z, m, lv)[0], sum(_rate_parts(z, m, lv)))
        ),
        "in q(z) the number of coordinates was taken off; it is a mean over the codes.": (
            _parts_with(
                lambda z, m, lv: (
                    _log_normal(z, m, lv).diagonal(),
                    _log_aggregated(z, m, lv) + math.log(len(m)) - math.log(z.shape[1]),
                    _log_normal(z, torch.zeros_like(z[:1]), torch.zeros_like(z[:1]))[:, 0],
                )
            )
        ),
        "for log q(z) the mean of the logarithms was taken; it is the logarithm of the mean.": (
            _parts_with(
                lambda z, m, lv: (
                    _log_normal(z, m, lv).diagonal(),
                    _log_normal(z, m, lv).mean(dim=1),
                    _log_normal(z, torch.zeros_like(z[:1]), torch.zeros_like(z[:1]))[:, 0],
                )
            )
        ),
        "the two parts are exchanged: the information comes first.": (
            lambda z, m, lv: _rate_parts(z, m, lv)[::-1]
        ),
        "the signs are turned: each is the mean of a better informed density over another.": (
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
