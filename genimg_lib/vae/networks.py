"""Plain encoders and decoders, by linear layers; `convolutional` has those by convolutions."""

import itertools
import math

import torch
import torch.nn as nn

from genimg_lib.vae.likelihoods import Bernoulli, Gaussian


def mlp(*widths, activation=nn.SiLU):
    """Linear layers of the given widths with the activation between them (none after the last)."""
    layers = []
    for c_in, c_out in itertools.pairwise(widths):
        layers += [nn.Linear(c_in, c_out), activation()]
    return nn.Sequential(*layers[:-1])


class Encoder(nn.Module):
    """q(z|x): x [N, ...] with `pixels` numbers each -> mean, logvar, each [N, latent]."""

    def __init__(self, pixels, latent, hidden=(200, 200), activation=nn.SiLU):
        super().__init__()
        # no activation after the heads: means may be negative
        self.net = mlp(pixels, *hidden, 2 * latent, activation=activation)

    def forward(self, x):
        # float: sums of densities want it, under autocast too
        mean, logvar = self.net(x.flatten(1)).float().chunk(2, dim=1)
        return mean, logvar


class ConditionalPrior(nn.Module):
    """p(z|c): a condition c [N, conditions] -> mean, logvar, each [N, latent].

    It begins as N(0, I), whatever c.
    Source: Sohn et al., Learning Structured Output Representation using Deep Conditional
        Generative Models, NeurIPS 2015, section 4.1.
    """

    def __init__(self, conditions, latent, hidden=(128,), activation=nn.SiLU):
        super().__init__()
        self.net = mlp(conditions, *hidden, 2 * latent, activation=activation)
        nn.init.zeros_(self.net[-1].weight)
        nn.init.zeros_(self.net[-1].bias)

    def forward(self, c):
        mean, logvar = self.net(c).float().chunk(2, dim=1)
        return mean, logvar


class BernoulliDecoder(nn.Module):
    """p(x|z) over black-or-white images of `shape`."""

    def __init__(self, shape, latent, hidden=(200, 200), activation=nn.SiLU):
        super().__init__()
        self.shape = tuple(shape)
        self.net = mlp(latent, *hidden, math.prod(shape), activation=activation)

    def forward(self, z):
        return Bernoulli(self.net(z).float().view(-1, *self.shape))


class GaussianDecoder(nn.Module):
    """p(x|z) over images of `shape` in [-1, 1], with one standard deviation for all pixels.

    sigma: that deviation; None learns it (sigma-VAE, Rybkin et al., ICML 2021, arXiv:2006.13202).
    """

    def __init__(self, shape, latent, hidden=(200, 200), activation=nn.SiLU, sigma=None):
        super().__init__()
        self.shape = tuple(shape)
        self.net = mlp(latent, *hidden, math.prod(shape), activation=activation)
        if sigma is None:
            self.log_sigma = nn.Parameter(torch.tensor(-1.0))
        else:
            self.register_buffer("log_sigma", torch.tensor(math.log(sigma)))

    def forward(self, z):
        return Gaussian(torch.tanh(self.net(z).float()).view(-1, *self.shape), self.log_sigma)
