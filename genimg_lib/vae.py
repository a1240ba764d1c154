"""Variational autoencoders: the ELBO, its parts, the IWAE bound, plain networks.

An encoder maps x [N, ...] to (mean, logvar), each [N, d]: q(z|x) = N(mean, diag(exp(logvar))). The
prior p(z) is N(0, I). A decoder maps z [N, d] to a likelihood p(x|z): an object with `log_prob(x)`,
in nats per image [N], and `mean`.
"""

import itertools
import math

import torch
import torch.nn as nn
import torch.nn.functional as F

LOG_2PI = math.log(2 * math.pi)


def reparameterize(mean, logvar, eps=None):
    """z = mean + exp(logvar / 2) eps: a sample through which gradients flow.

    Of N(mean, exp(logvar)). Shapes as mean's.
    eps: standard normal noise of that shape; drawn if not given.
    Source: Kingma and Welling 2013 (arXiv:1312.6114), section 2.4.
    """
    eps = torch.randn_like(mean) if eps is None else eps
    return mean + torch.exp(0.5 * logvar) * eps


def gaussian_kl(mean, logvar):
    """KL(N(mean, exp(logvar))

     N(0, I)), in nats per image: [N].||1/2 sum(mean^2 + exp(logvar) - 1 - logvar).
    mean, logvar: [N, ...]; summed over all axes but the first.
    Source: Kingma and Welling 2013, appendix B.
    """
    return 0.5 * (mean.square() + logvar.exp() - 1 - logvar).flatten(1).sum(dim=1)


def gaussian_log_prob(z, mean, logvar):
    """log N(z; mean, exp(logvar)), summed over the last axis.

    z, mean, logvar: [..., d], broadcast; nats.
    """
    return -0.5 * (LOG_2PI + logvar + (z - mean).square() * torch.exp(-logvar)).sum(dim=-1)


def elbo(x, encoder, decoder, eps=None):
    """The evidence lower bound by one sample of z an image, in nats: [N].

    E_q[log p(x|z)] - KL(q(z|x) || p(z)).
    x: [N, ...]; eps: noise [N, d] for z, drawn if not given.
    Source: Kingma and Welling 2013, equation 7.
    """
    mean, logvar = encoder(x)
    z = reparameterize(mean, logvar, eps)
    return decoder(z).log_prob(x) - gaussian_kl(mean, logvar)


def iwae_bound(x, encoder, decoder, k, eps=None):
    """The importance-weighted bound on log p(x), in nats per image: [N]. It rises with k.

    log 1/k sum_i w_i with w_i = p(x|z_i) p(z_i) / q(z_i|x). Differentiable.
    x: [N, ...]; z_i from q(z|x) by the noise eps [k, N, d], drawn if not given. With k = 1 the
        ELBO, its KL by sampling.
    Raises ValueError for k below 1 or noise of another shape.
    Source: Burda et al. 2015 (arXiv:1509.00519), equation 8.
    """
    mean, logvar = encoder(x)
    if eps is None and k >= 1:
        eps = torch.randn(k, *mean.shape, device=mean.device, dtype=mean.dtype)
    if k < 1 or eps.shape != (k, *mean.shape):
        raise ValueError(
            f"expected k of 1 or more and noise [k, N, d], got k = {k}, noise"
            f" {None if eps is None else list(eps.shape)}"
        )
    return torch.logsumexp(_log_weights(x, mean, logvar, decoder, eps), dim=0) - math.log(k)


@torch.no_grad()
def importance_log_likelihood(x, encoder, decoder, k, at_once=20_000):
    """`iwae_bound` for a large k, in parts: log p(x) from below, in nats per image: [N].

    It rises to log p(x) in expectation as k grows.
    at_once: decoder passes held in memory together.
    Source: Burda et al. 2015 (arXiv:1509.00519), equation 8.
    """
    if k < 1:
        raise ValueError(f"k is {k}; at least one sample is needed")
    mean, logvar = encoder(x)
    n, d = mean.shape
    total = torch.full((n,), -math.inf, device=mean.device, dtype=mean.dtype)
    per_pass = max(1, at_once // n)
    for start in range(0, k, per_pass):
        # [m, N, d]
        eps = torch.randn(min(per_pass, k - start), n, d, device=mean.device, dtype=mean.dtype)
        total = torch.logaddexp(
            total, torch.logsumexp(_log_weights(x, mean, logvar, decoder, eps), dim=0)
        )
    return total - math.log(k)


def _log_weights(x, mean, logvar, decoder, eps):
    """log p(x|z) p(z) / q(z|x) at z = mean + sigma eps: [k, N] for eps [k, N, d]."""
    k, n, _ = eps.shape
    z = reparameterize(mean, logvar, eps)
    log_p_x = decoder(z.flatten(0, 1)).log_prob(x.expand(k, *x.shape).flatten(0, 1)).view(k, n)
    return (
        log_p_x
        + gaussian_log_prob(z, torch.zeros_like(z), torch.zeros_like(z))
        - gaussian_log_prob(z, mean, logvar)
    )


# ------------------------------------------------------------------ likelihoods p(x|z)


class Bernoulli:
    """Independent black-or-white pixels: x in {0, 1}, logits of any shape [N, ...]."""

    def __init__(self, logits):
        self.logits = logits

    @property
    def mean(self):
        """The probability of white, [N, ...], in 0..1."""
        return torch.sigmoid(self.logits)

    def log_prob(self, x):
        """log p(x|z) = sum over pixels of x l - log(1 + e^l), in nats per image: [N]."""
        return (
            -F.binary_cross_entropy_with_logits(self.logits, x, reduction="none")
            .flatten(1)
            .sum(dim=1)
        )


class Gaussian:
    """Independent Gaussian pixels with one standard deviation.

    mean: [N, ...].
    log_sigma: a scalar tensor or float.
    """

    def __init__(self, mean, log_sigma):
        self.mean, self.log_sigma = mean, torch.as_tensor(log_sigma, device=mean.device)

    def log_prob(self, x):
        """log p(x|z) in nats per image: [N].

        - sum over pixels of (x - mean)^2 / (2 sigma^2) + log sigma + log(2 pi) / 2.
        """
        error = (x - self.mean).square() * torch.exp(-2 * self.log_sigma)
        return -(0.5 * error + self.log_sigma + 0.5 * LOG_2PI).flatten(1).sum(dim=1)


# ------------------------------------------------------------------ networks


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
