"""Bounds on log p(x): the ELBO and its parts, importance weights, ways of weighing the KL.

An encoder maps x [N, ...] to (mean, logvar), each [N, d]: q(z|x) = N(mean, diag(exp(logvar))). The
prior p(z) is N(0, I). A decoder maps z [N, d] to a likelihood p(x|z): an object with `log_prob(x)`,
in nats per image [N], and `mean`.
"""

import math

import torch

LOG_2PI = math.log(2 * math.pi)


def reparameterize(mean, logvar, eps=None):
    """z = mean + exp(logvar / 2) eps: a sample through which gradients flow.

    Of N(mean, exp(logvar)). Shapes as mean's.
    eps: standard normal noise of that shape; drawn if not given.
    Source: Kingma and Welling 2013 (arXiv:1312.6114), section 2.4.
    """
    eps = torch.randn_like(mean) if eps is None else eps
    return mean + torch.exp(0.5 * logvar) * eps


def gaussian_kl(mean, logvar, prior=None):
    """KL(N(mean, exp(logvar)) || prior), in nats per image: [N].

    1/2 sum(mean^2 + exp(logvar) - 1 - logvar) where the prior is N(0, I).
    mean, logvar: [N, ...]; summed over all axes but the first.
    prior: None for N(0, I), or (mean, logvar) of another one, of the same shape or broadcast.
    Source: Kingma and Welling 2013, appendix B. In units of the prior's standard deviation, from
        its mean, any normal prior is N(0, I).
    """
    if prior is not None:
        prior_mean, prior_logvar = prior
        mean = (mean - prior_mean) * torch.exp(-0.5 * prior_logvar)
        logvar = logvar - prior_logvar
    return kl_per_unit(mean, logvar).flatten(1).sum(dim=1)


def kl_per_unit(mean, logvar):
    """The terms of `gaussian_kl`, one a coordinate, in nats: of the shape of mean and logvar."""
    return 0.5 * (mean.square() + logvar.exp() - 1 - logvar)


def free_bits(mean, logvar, least):
    """The KL with `least` nats free of charge for each coordinate: a scalar, in nats per image.

    sum_j max(least, mean over the batch of KL_j): below `least` a coordinate has no gradient, so
    none is pushed to silence before the decoder has learned to use it.
    mean, logvar: [N, d].
    least: 0 or more nats; at 0 it is the mean of `gaussian_kl`.
    Raises ValueError for a negative `least`.
    Source: Kingma et al. 2016 (arXiv:1606.04934), equation 15, one group a coordinate.
    """
    if not least >= 0:
        raise ValueError(f"expected free nats of 0 or more, got {least}")
    return kl_per_unit(mean, logvar).mean(dim=0).clamp(min=least).sum()


def warm_up(progress, share):
    """The weight of the KL in a warm-up: rises from 0 to 1 over a share of the training.

    progress: of the training, 0 to 1 (`run.progress`).
    share: above 0, at most 1.
    Raises ValueError for another share.
    Source: Bowman et al. 2015 (arXiv:1511.06349), section 3.1, with a straight line.
    """
    if not 0 < share <= 1:
        raise ValueError(f"expected a share above 0 and at most 1, got {share}")
    return min(1.0, progress / share)


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
