"""What the latents carry: rate, mutual information, the aggregated posterior, active units."""

import math

import torch

from genimg_lib.vae.bounds import gaussian_log_prob, reparameterize

ACTIVE = 0.01  # variance of a mean over the data, from which on a unit counts (Burda et al. 2015)


def rate_parts(mean, logvar, eps=None, at_once=500):
    """The two parts of the rate, E KL(q(z|x) || p(z)) = I(x; z) + KL(q(z) || p(z)), in nats.

    q(z) is the aggregated posterior: the mixture of q(z|x_i) over the N images given, with which
    all is exact but for one sample of z an image. Over so few images I(x; z) is at most log N, so
    a rate well above log N lands in the second part: use many images, and say how many.
    mean, logvar: [N, d]. eps: noise [N, d], drawn if not given.
    at_once: rows of the N x N table held together.
    Returns (information, marginal_kl), floats.
    Source: Hoffman and Johnson 2016, ELBO surgery, equation 6.
    """
    n = len(mean)
    z = reparameterize(mean, logvar, eps).double()
    mean, logvar = mean.double(), logvar.double()  # large squares cancel in the mixture
    own = gaussian_log_prob(z, mean, logvar)  # log q(z_i | x_i), [N]
    prior = gaussian_log_prob(z, torch.zeros_like(z), torch.zeros_like(z))
    mixture = torch.cat([_log_mixture(part, mean, logvar) for part in z.split(at_once)])
    mixture = mixture - math.log(n)  # log q(z_i)
    return (own - mixture).mean().item(), (mixture - prior).mean().item()


def _log_mixture(z, mean, logvar):
    """log sum_j q(z_i | x_j): [n] for z [n, d], by matrix products instead of an [n, N, d]."""
    precision = torch.exp(-logvar)  # [N, d]
    squares = z.square() @ precision.T - 2 * z @ (mean * precision).T
    constants = (mean.square() * precision + logvar).sum(dim=1) + mean.shape[1] * math.log(
        2 * math.pi
    )
    return torch.logsumexp(-0.5 * (squares + constants), dim=1)


def active_units(mean, least=ACTIVE):
    """How many coordinates move with the image: their mean's variance over the data is above.

    mean: [N, d] of q(z|x). least: of the variance. Returns a whole number, 0 to d.
    Source: Burda et al. 2015 (arXiv:1509.00519), section 5.2.
    """
    return int((mean.var(dim=0) > least).sum())
