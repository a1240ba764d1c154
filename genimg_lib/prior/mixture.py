"""A mixture of normal distributions fitted to vectors: a prior that is in several places."""

import math

import torch


class GaussianMixture:
    """The density sum_k weights[k] N(means[k], covariances[k]).

    weights: [K], sum 1. means: [K, d]. covariances: [K, d, d], positive definite.
    """

    def __init__(self, weights, means, covariances):
        self.weights, self.means = weights, means
        self.factors = torch.linalg.cholesky(covariances)

    def log_prob(self, z):
        """In nats: [N] for z [N, d]."""
        return torch.logsumexp(self._log_terms(z), dim=1)

    def responsibilities(self, z):
        """p(k|z), which part a vector may come from: [N, K]."""
        return torch.softmax(self._log_terms(z), dim=1)

    def sample(self, n, generator=None):
        """n vectors: [n, d]."""
        k = torch.multinomial(self.weights, n, replacement=True, generator=generator)
        eps = torch.randn(n, self.means.shape[1], generator=generator, dtype=self.means.dtype)
        return self.means[k] + torch.einsum("nij,nj->ni", self.factors[k], eps)

    def _log_terms(self, z):
        """log weights[k] + log N(z; means[k], covariances[k]): [N, K]."""
        away = z.T[None] - self.means[:, :, None]  # [K, d, N]
        squares = torch.linalg.solve_triangular(self.factors, away, upper=False).square().sum(dim=1)
        log_volume = self.factors.diagonal(dim1=1, dim2=2).log().sum(dim=1)
        constant = self.weights.log() - log_volume - z.shape[1] / 2 * math.log(2 * math.pi)
        return (constant[:, None] - squares / 2).T


def fit_mixture(z, parts, steps=30, least=1e-3, generator=None):
    """A `GaussianMixture` by expectation-maximisation, begun from vectors picked at random.

    z: [N, d]; computed in double precision. parts: K, 1 to N.
    steps: of expectation and maximisation. least: variance added in every direction, so that no
        part collapses onto a few vectors.
    Raises ValueError for other numbers.
    Source: Dempster, Laird and Rubin, Maximum Likelihood from Incomplete Data via the EM
        Algorithm, JRSS B 1977, example 4.3; as a prior after training, Ghosh et al. 2020
        (arXiv:1903.12436), section 4.
    """
    if z.dim() != 2 or not 1 <= parts <= len(z) or steps < 0 or not least > 0:
        raise ValueError(
            "expected vectors [N, d], 1 to N parts, 0 or more steps, a least variance above 0; got"
            f" {list(z.shape)}, {parts}, {steps}, {least}"
        )
    z = z.double()
    n, d = z.shape
    extra = least * torch.eye(d, dtype=z.dtype)
    start = torch.randperm(n, generator=generator)[:parts]
    whole = z.T.cov(correction=0).view(d, d) + extra
    weights = torch.full((parts,), 1 / parts, dtype=z.dtype)
    mixture = GaussianMixture(weights, z[start], whole.expand(parts, d, d))
    for _ in range(steps):
        r = mixture.responsibilities(z)
        total = r.sum(dim=0).clamp(min=1e-9)  # [K]
        means = r.T @ z / total[:, None]
        covariances = [_covariance(z - m, share) for m, share in zip(means, r.T, strict=True)]
        mixture = GaussianMixture(total / total.sum(), means, torch.stack(covariances) + extra)
    return mixture


def _covariance(away, share):
    """Of vectors [N, d] around 0 that count by their share [N]: [d, d]."""
    return (away * share[:, None]).T @ away / share.sum().clamp(min=1e-9)
