"""Checks of notebook 15, the ELBO and the reparameterisation trick."""

import math

import torch
import torch.nn.functional as F

from genimg_lib.check import inputs
from genimg_lib.check.cases import drawn
from genimg_lib.check.judge import Check
from genimg_lib.check.wording import MEAN_OVER_BATCH, ONE_FOR_THE_BATCH

hidden_sigma = Check(
    "hidden_sigma",
    lambda w: math.sqrt(w / 2),
    [(1.0,), (4.0,), (0.1,), (3072.0,), (2,)],
    {
        "this is the variance. The deviation is its root.": lambda w: w / 2,
        "the factor 2 is lost: the weight is 2 sigma².": lambda w: math.sqrt(w),
        "multiplied instead of divided: 2 sigma² = weight.": lambda w: math.sqrt(2 * w),
        "upside down: a large weight of the KL is a wide sigma.": (
            lambda w: math.sqrt(1 / (2 * w)),
            lambda w: math.sqrt(2 / w),
            lambda w: 1 / math.sqrt(w),
        ),
        "half of the root; the 2 stands below it.": lambda w: math.sqrt(w) / 2,
        "the square of it.": (lambda w: w**2 / 2, lambda w: (w / 2) ** 2),
        "this is the weight itself, or twice it; it is 2 sigma², so the deviation is the root of "
        "half of it.": (lambda w: w, lambda w: 2 * w),
        "this is the logarithm of the variance; the deviation is the root of it.": lambda w: (
            math.log(w / 2)
        ),
    },
)


def _gaussian_kl(mean, logvar):
    return 0.5 * (mean**2 + logvar.exp() - 1 - logvar).sum(dim=1)


def _heads(seed, n, d):
    return inputs.normal(seed, n, d), inputs.normal(seed + 50, n, d)


gaussian_kl = Check(
    "gaussian_kl",
    _gaussian_kl,
    [
        (torch.tensor([[1.0]]), torch.tensor([[0.5]])),
        (torch.zeros(3, 2), torch.zeros(3, 2)),
        (inputs.normal(131, 4, 3), inputs.normal(132, 4, 3)),
        (inputs.normal(133, 2, 6), 0.5 * inputs.normal(134, 2, 6)),
        *drawn(_heads, count=8, seed=(0, 9), n=(1, 4), d=(1, 4)),
    ],
    {
        "the exponential is lost: 1 + logvar - mean² - logvar leaves 1 - mean², -1/2 a coordinate "
        "at mean 0 whatever the width. The third term is exp(logvar).": lambda m, lv: (
            -0.5 * (1 + lv - m**2 - lv).sum(1)
        ),
        "the sign is turned: a divergence is never negative.": lambda m, lv: -_gaussian_kl(m, lv),
        "this is the KL of N(mean, logvar²): you passed the log-variance as a standard "
        "deviation.": lambda m, lv: 0.5 * (m**2 + lv**2 - 1 - (lv**2).log()).sum(1),
        "you passed the log-variance as a variance. The variance is exp(logvar).": lambda m, lv: (
            0.5 * (m**2 + lv - 1 - lv.log()).sum(1)
        ),
        "exp(logvar) is taken as the deviation and squared once more: the variance itself is "
        "exp(logvar).": (
            lambda m, lv: 0.5 * (m**2 + (2 * lv).exp() - 1 - 2 * lv).sum(1),
            lambda m, lv: 0.5 * (m**2 + (2 * lv).exp() - 1 - lv).sum(1),
        ),
        "exp(logvar / 2) is the deviation; the variance exp(logvar) is wanted.": lambda m, lv: (
            0.5 * (m**2 + (lv / 2).exp() - 1 - lv).sum(1)
        ),
        "averaged over the latents. The KL of independent coordinates is the *sum*; averaging "
        "weighs it down by their number.": lambda m, lv: _gaussian_kl(m, lv) / m.shape[1],
        ONE_FOR_THE_BATCH + " Sum over the latents only.": (
            lambda m, lv: _gaussian_kl(m, lv).sum(),
            lambda m, lv: _gaussian_kl(m, lv).sum() / m.numel(),
        ),
        MEAN_OVER_BATCH: lambda m, lv: _gaussian_kl(m, lv).mean(),
        "summed over the images instead of the latents: latents are axis 1.": lambda m, lv: (
            0.5 * (m**2 + lv.exp() - 1 - lv).sum(dim=0)
        ),
        "the half is missing.": lambda m, lv: 2 * _gaussian_kl(m, lv),
        "the half belongs to all four terms.": (
            lambda m, lv: (0.5 * (m**2 + lv.exp()) - 1 - lv).sum(1),
            lambda m, lv: (0.5 * (m**2 + lv.exp() - lv) - 1).sum(1),
            lambda m, lv: (0.5 * m**2 + lv.exp() - 1 - lv).sum(1),
        ),
        "log sigma stands where log sigma² belongs: that is logvar itself.": lambda m, lv: (
            0.5 * (m**2 + lv.exp() - 1 - 0.5 * lv).sum(1)
        ),
        "|mean| stands where its square belongs.": lambda m, lv: (
            0.5 * (m.abs() + lv.exp() - 1 - lv).sum(1)
        ),
        "the square of a sum: each mean is squared by itself.": lambda m, lv: (
            0.5 * (m.sum(1) ** 2 + (lv.exp() - 1 - lv).sum(1))
        ),
        "the mean is not squared.": lambda m, lv: 0.5 * (m + lv.exp() - 1 - lv).sum(1),
        "the divergence of *lists of numbers*: torch's kl_div compares probabilities. Mean and "
        "log-variance are parameters of a density.": lambda m, lv: F.kl_div(
            m, lv, reduction="none"
        ).sum(1),
        "the mean's part only: widths have to be paid for too.": lambda m, lv: 0.5 * (m**2).sum(1),
        "the width's part only: a mean away from 0 has to be paid for too.": lambda m, lv: (
            0.5 * (lv.exp() - 1 - lv).sum(1)
        ),
        "the -1 is missing: at mean 0 and log-variance 0 it has to be 0.": lambda m, lv: (
            0.5 * (m**2 + lv.exp() - lv).sum(1)
        ),
        "+1 where -1 belongs: at mean 0 and log-variance 0 it has to be 0.": lambda m, lv: (
            0.5 * (m**2 + lv.exp() + 1 - lv).sum(1)
        ),
        "the log-variance is added; it is taken off.": lambda m, lv: (
            0.5 * (m**2 + lv.exp() - 1 + lv).sum(1)
        ),
        "not summed over the latents.": lambda m, lv: 0.5 * (m**2 + lv.exp() - 1 - lv),
        "this is the KL of the prior from q, the other way round.": lambda m, lv: (
            0.5 * ((1 + m**2) / lv.exp() - 1 + lv).sum(1)
        ),
    },
    gradient=("mean", "logvar"),
)


def _z(mean, logvar, eps):
    return mean + torch.exp(0.5 * logvar) * eps


reparameterize = Check(
    "reparameterize",
    _z,
    [
        (torch.tensor([1.0]), torch.tensor([0.5]), torch.tensor([2.0])),
        (inputs.normal(141, 4, 3), inputs.normal(142, 4, 3), inputs.normal(143, 4, 3)),
        (inputs.normal(144, 7), inputs.normal(145, 7), inputs.normal(146, 7)),
    ],
    {
        "the log-variance is used as the deviation. sigma = exp(logvar / 2).": lambda m, lv, e: (
            m + lv * e
        ),
        "exp(logvar) is the variance; the noise is multiplied by the deviation, exp(logvar / "
        "2).": lambda m, lv, e: m + lv.exp() * e,
        "no sampling at all: the decoder would see the mean only, and the widths would mean "
        "nothing.": lambda m, lv, e: m,
        "the deviation is added, not multiplied by the "
        "noise: nothing is random.": lambda m, lv, e: m + (0.5 * lv).exp(),
        "mean and noise are exchanged.": lambda m, lv, e: e + (0.5 * lv).exp() * m,
        "both heads go into the decoder. z is one vector of the mean's shape.": lambda m, lv, e: (
            torch.cat([m, lv], dim=-1)
        ),
        "the mean is lost.": lambda m, lv, e: (0.5 * lv).exp() * e,
        "the mean is multiplied by the deviation as well: it is added after the noise was "
        "scaled.": lambda m, lv, e: (0.5 * lv).exp() * (m + e),
        "the noise is added as it is: its width is the encoder's to choose, exp(logvar / "
        "2).": lambda m, lv, e: m + e,
        "divided by the deviation; the noise is multiplied by it.": lambda m, lv, e: (
            m + e / (0.5 * lv).exp()
        ),
        "exp(2 logvar), or its square, is no deviation; it is exp(logvar / 2).": lambda m, lv, e: (
            m + (2 * lv).exp() * e
        ),
        "the root of the log-variance; it is the root of the variance, exp(logvar / "
        "2).": lambda m, lv, e: m + lv.sqrt() * e,
        "the root of the log-variance, with its sign lost; it is the root of the variance, "
        "exp(logvar / 2).": lambda m, lv, e: m + lv.abs().sqrt() * e,
        "the half belongs inside the exponential: exp(logvar / 2), not exp(logvar) / "
        "2.": lambda m, lv, e: m + 0.5 * lv.exp() * e,
        "exp of 1/2 times logvar; the whole product stands in the exponent.": lambda m, lv, e: (
            m + math.exp(0.5) * lv * e
        ),
        "softplus is another way to a positive number; the deviation of a log-variance is "
        "exp(logvar / 2).": lambda m, lv, e: m + F.softplus(lv) * e,
        "this takes noise out of z, (eps - mean) / sigma; it is put in.": lambda m, lv, e: (
            (e - m) / (0.5 * lv).exp()
        ),
        "the roles are exchanged: the noise is scaled by sigma, and the mean "
        "added.": lambda m, lv, e: m * e + (0.5 * lv).exp(),
        "the noise was drawn anew; it is given as eps.": (
            lambda m, lv, e: m + (0.5 * lv).exp() * torch.randn_like(m),
            lambda m, lv, e: m + (0.5 * lv).exp() * torch.randn(m.shape),
        ),
        "no gradient reaches": lambda m, lv, e: _z(m, lv, e).detach(),
    },
    gradient=("mean", "logvar"),
)

elbo = Check(
    "elbo",
    lambda log_p_x_given_z, kl: log_p_x_given_z - kl,
    [
        (torch.tensor([-3.0]), torch.tensor([0.5])),
        (inputs.normal(151, 5) - 9, inputs.normal(152, 5).abs()),
        (inputs.normal(153, 3), inputs.normal(154, 3).abs()),
    ],
    {
        "the KL term is lost: log p(x) is not the expected log-likelihood. What z knows about x "
        "has to be paid for.": (lambda a, b: a),
        "the KL is added: it is a price, not a reward.": lambda a, b: a + b,
        "this is the negative ELBO, the loss. The bound itself is wanted.": lambda a, b: b - a,
        "averaged over the batch. Give one bound for each image.": lambda a, b: (a - b).mean(),
        "summed over the batch. Give one bound for each image.": lambda a, b: (a - b).sum(),
        "minus both: the log-likelihood counts as it is.": lambda a, b: -a - b,
        "the KL's mean over the batch was taken off; each image pays for its own.": lambda a, b: (
            a - b.mean()
        ),
        "the exponential was taken: log_p_x_given_z is a logarithm already, in nats, and stays "
        "one.": lambda a, b: a.exp() - b,
    },
)


def _iwae(log_w):
    return torch.logsumexp(log_w, dim=0) - math.log(len(log_w))


def _with_one_maximum(log_w):
    most = log_w.max()
    return (log_w - most).exp().mean(0).log() + most


def _unlike_images(seed, k, n):
    """Weights of samples in rows, of images whose log-likelihoods lie far apart."""
    return (inputs.normal(seed, k, n) - 150 * torch.arange(n) - 20,)


def _largest_out(log_w):
    most = log_w.max(dim=0).values
    return most + (log_w - most).exp().mean(dim=0).log()


iwae_bound = Check(
    "iwae_bound",
    _iwae,
    [
        (torch.tensor([[0.0], [1.0]]),),
        (torch.tensor([[-1000.0], [-1001.0]]),),
        (inputs.normal(161, 5, 3),),
        (3 * inputs.normal(162, 1, 4),),
        (inputs.normal(163, 8, 2) - 1000,),
        (inputs.normal(164, 3, 2) + torch.tensor([-300.0, 200.0]),),
        (torch.tensor([[0.0], [-1000.0]]),),
        (torch.tensor([[-1000.0], [0.0], [-500.0]]),),
        *drawn(_unlike_images, count=8, seed=(0, 9), k=(1, 4), n=(1, 3)),
    ],
    {
        "minus infinity for weights such as e^-1000: take the largest out before you exponentiate. "
        "torch.logsumexp does.": (
            lambda w: w.exp().mean(0).log(),
            lambda w: w.exp().sum(0).log() - math.log(len(w)),
        ),
        "one maximum for the whole batch: images whose weights are far smaller become minus "
        "infinity. Take out the largest of each image, log_w.max(dim=0).": (
            _with_one_maximum,
            lambda w: (w - w.max()).exp().sum(0).log() + w.max() - math.log(len(w)),
        ),
        "infinite where the weights of one image differ much: take out its *largest*; any other "
        "shift overflows.": (
            lambda w: w.mean(0) + (w - w.mean(0)).exp().mean(0).log(),
            lambda w: w.amin(0) + (w - w.amin(0)).exp().mean(0).log(),
            lambda w: w[0] + (w - w[0]).exp().mean(0).log(),
            lambda w: w[-1] + (w - w[-1]).exp().mean(0).log(),
            lambda w: w.median(0).values + (w - w.median(0).values).exp().mean(0).log(),
        ),
        "cut off at the small end: a number added, or a clamp, hides weights such as e^-1000. Take "
        "the largest out instead.": (
            lambda w: (w.exp().mean(0) + 1e-30).log(),
            lambda w: (w.exp().mean(0) + 1e-12).log(),
            lambda w: (w.exp().mean(0) + 1e-8).log(),
            lambda w: w.clamp(min=-80).exp().mean(0).log(),
            lambda w: w.clamp(min=-87).exp().mean(0).log(),
        ),
        "the logarithm is missing: this is the mean weight.": lambda w: w.exp().mean(0),
        "log K is to base 2; all logarithms here are natural.": lambda w: (
            torch.logsumexp(w, dim=0) - math.log2(len(w))
        ),
        "the mean of the logarithms is the ELBO again. Average the weights *before* the "
        "logarithm.": lambda w: w.mean(0),
        "a sum, not a mean: log K has to be taken off.": lambda w: torch.logsumexp(w, dim=0),
        "log K was added; it has to be taken off.": lambda w: (
            torch.logsumexp(w, dim=0) + math.log(len(w))
        ),
        "K was taken off; it is log K.": lambda w: torch.logsumexp(w, dim=0) - len(w),
        "divided by K after the logarithm; a mean of weights is divided before it, which takes off "
        "log K.": lambda w: torch.logsumexp(w, dim=0) / len(w),
        "the mean goes over the images. The samples are the first axis, [K, N].": (
            lambda w: torch.logsumexp(w, dim=1) - math.log(w.shape[1]),
            lambda w: torch.logsumexp(w, dim=1) - math.log(len(w)),
        ),
        "log N was taken off; samples are the first axis, so it is log K.": lambda w: (
            torch.logsumexp(w, dim=0) - math.log(w.shape[1])
        ),
        "the best sample only. All of them count.": (
            lambda w: w.max(0).values - math.log(len(w)),
            lambda w: w.max(0).values,
        ),
        ONE_FOR_THE_BATCH + " The mean goes over the samples, the first axis.": lambda w: (
            torch.logsumexp(w, dim=(0, 1)) - math.log(w.numel())
        ),
        MEAN_OVER_BATCH: lambda w: _iwae(w).mean(),
    },
    forms=(_largest_out,),
)
