"""Answers to the exercises of 32, written before the checks were tried on them."""

import math

import torch
from answer_table import right, wrong
from torch.distributions import Categorical, Independent, MixtureSameFamily, Normal

# ---------------------------------------------------------------- the same model


@right("conv_vae.same_model")
def _(beta, sigma, D):
    price = 1 / (2 * sigma**2 * D) / beta
    return math.sqrt(1 / (2 * price))


@wrong("conv_vae.same_model", "its root is one of sigma")
def _(beta, sigma, D):
    return sigma * beta * D


@wrong("conv_vae.same_model", "averaged error is lighter")
def _(beta, sigma, D):
    return sigma * math.sqrt(beta / D)


@wrong("conv_vae.same_model", "take its root")
def _(beta, sigma, D):
    return beta * D * sigma**2


# ---------------------------------------------------------------- bits


@right("conv_vae.dense_bits")
def _(log_density, dimensions, width):
    rows = [-r * math.log2(math.e) / dimensions - math.log2(width) for r in log_density]
    return torch.stack(rows)


@wrong("conv_vae.dense_bits", "divided by the width")
def _(log_density, dimensions, width):
    return -(log_density - dimensions * math.log(width)) / (dimensions * math.log(2))


@wrong("conv_vae.dense_bits", "counted once an image")
def _(log_density, dimensions, width):
    return -(log_density + math.log(width)) / (dimensions * math.log(2))


@wrong("conv_vae.dense_bits", "nats, not bits")
def _(log_density, dimensions, width):
    return -(log_density / dimensions + math.log(width))


# ---------------------------------------------------------------- patches


@right("conv_vae.patches")
def _(x, p):
    split = x.unflatten(3, (-1, p)).unflatten(2, (-1, p))
    return split.permute(0, 1, 3, 5, 2, 4).flatten(1, 3)


@wrong("conv_vae.patches", "channels of the image run fastest")
def _(x, p):
    N, C, H, W = x.shape
    split = x.reshape(N, C, H // p, p, W // p, p)
    return split.permute(0, 3, 5, 1, 2, 4).reshape(N, C * p * p, H // p, W // p)


@wrong("conv_vae.patches", "rows and columns within a patch are exchanged")
def _(x, p):
    N, C, H, W = x.shape
    split = x.reshape(N, C, H // p, p, W // p, p)
    return split.permute(0, 1, 5, 3, 2, 4).reshape(N, C * p * p, H // p, W // p)


@wrong("conv_vae.patches", "the last factor runs fastest")
def _(x, p):
    N, C, H, W = x.shape
    split = x.reshape(N, C, p, H // p, p, W // p)
    return split.permute(0, 1, 2, 4, 3, 5).reshape(N, C * p * p, H // p, W // p)


# ---------------------------------------------------------------- free bits


def _kl(mean, logvar):
    return 0.5 * (mean**2 + logvar.exp() - 1 - logvar)


@right("conv_vae.free_bits")
def _(mean, logvar, least):
    total = torch.zeros((), dtype=mean.dtype)
    for j in range(mean.shape[1]):
        k = _kl(mean[:, j], logvar[:, j]).sum() / len(mean)
        total = total + torch.where(k > least, k, torch.full_like(k, least))
    return total


@wrong("conv_vae.free_bits", "mean|batch|image")
def _(mean, logvar, least):
    return _kl(mean, logvar).clamp(min=least).mean(0).sum()


@wrong("conv_vae.free_bits", "each latent|coordinate|each")
def _(mean, logvar, least):
    return _kl(mean, logvar).sum(1).mean().clamp(min=least)


# ---------------------------------------------------------------- the aggregated posterior


def _densities(z, mean, logvar):
    return Normal(mean, (0.5 * logvar).exp()).log_prob(z[:, None]).sum(-1)  # [M, N]


@right("conv_vae.log_aggregated")
def _(z, mean, logvar):
    shares = Categorical(logits=torch.zeros(len(mean), dtype=mean.dtype))
    parts = Independent(Normal(mean, logvar.exp().sqrt()), 1)
    return MixtureSameFamily(shares, parts).log_prob(z)


@wrong("conv_vae.log_aggregated", "logsumexp|infinity|small|underflow")
def _(z, mean, logvar):
    return _densities(z, mean, logvar).exp().mean(1).log()


@wrong("conv_vae.log_aggregated", "mean over the codes|log N|number")
def _(z, mean, logvar):
    return torch.logsumexp(_densities(z, mean, logvar), dim=1)


@wrong("conv_vae.log_aggregated", "mean of the logarithms|logarithm of the mean")
def _(z, mean, logvar):
    return _densities(z, mean, logvar).mean(1)


# ---------------------------------------------------------------- the rate's parts


@right("conv_vae.rate_parts")
def _(z, mean, logvar):
    each = _densities(z, mean, logvar)
    q = each.logsumexp(1) - math.log(len(z))
    prior = Normal(0.0, 1.0).log_prob(z).sum(1)
    return (each.diagonal() - q).mean(), (q - prior).mean()


@wrong("conv_vae.rate_parts", "whole rate|log q")
def _(z, mean, logvar):
    each = _densities(z, mean, logvar)
    q = each.logsumexp(1) - math.log(len(z))
    prior = Normal(0.0, 1.0).log_prob(z).sum(1)
    return (each.diagonal() - prior).mean(), (q - prior).mean()


@wrong("conv_vae.rate_parts", "exchanged")
def _(z, mean, logvar):
    each = _densities(z, mean, logvar)
    q = each.logsumexp(1) - math.log(len(z))
    prior = Normal(0.0, 1.0).log_prob(z).sum(1)
    return (q - prior).mean(), (each.diagonal() - q).mean()
