"""A mixture of normal distributions: density, score and denoiser are formulas."""

import math

import torch


class GaussianMixture:
    """The density sum_k weights[k] N(means[k], covariances[k]).

    weights: [K], sum 1. means: [K, d]. covariances: [K, d, d], positive definite.
    Raises ValueError for other shapes, and for weights that are below 0 or do not sum to 1.
    """

    def __init__(self, weights, means, covariances):
        K, d = means.shape
        if weights.shape != (K,) or covariances.shape != (K, d, d):
            raise ValueError(
                "expected weights [K], means [K, d], covariances [K, d, d]; got "
                f"{list(weights.shape)}, {list(means.shape)}, {list(covariances.shape)}"
            )
        total = weights.sum().item()
        if weights.min() < 0 or not math.isclose(total, 1, abs_tol=1e-5):
            raise ValueError(
                f"expected weights of 0 or more with the sum 1, got {weights.tolist()} with the sum"
                f" {total:g}; divide them by it"
            )
        self.weights, self.means, self.covariances = weights, means, covariances
        self.factors = torch.linalg.cholesky(covariances)

    def log_prob(self, z):
        """In nats: [N] for z [N, d]. Raises ValueError for another shape, as all below do."""
        return torch.logsumexp(self._log_terms(z), dim=1)

    def responsibilities(self, z):
        """p(k|z), which part a vector may come from: [N, K]."""
        return torch.softmax(self._log_terms(z), dim=1)

    def sample(self, n, generator=None):
        """n vectors: [n, d]."""
        k = torch.multinomial(self.weights, n, replacement=True, generator=generator)
        eps = torch.randn(n, self.means.shape[1], generator=generator, dtype=self.means.dtype)
        return self.means[k] + torch.einsum("nij,nj->ni", self.factors[k], eps)

    def score(self, z):
        """The gradient of log_prob by z: [N, d]."""
        r = self.responsibilities(z)
        pulls = -self._solved(self.factors, z - self.means[:, None])  # [K, N, d]
        return self._mixed(r, pulls)

    def noised(self, alpha, sigma):
        """The mixture of alpha z + sigma eps, eps standard normal noise. alpha, sigma: numbers."""
        noise = sigma**2 * torch.eye(self.means.shape[1], dtype=self.means.dtype)
        return GaussianMixture(
            self.weights, alpha * self.means, alpha**2 * self.covariances + noise
        )

    def given(self, seen, values):
        """p(z | some coordinates of z): the mixture of the other coordinates.

        seen: the indices of those that are known. values: [len(seen)], what they are.
        By Bayes' rule: each part is conditioned, and weighed by how well it explains what is seen.
        """
        hidden = [k for k in range(self.means.shape[1]) if k not in seen]
        of_seen = GaussianMixture(
            self.weights, self.means[:, seen], self.covariances[:, seen][:, :, seen]
        )
        across = self.covariances[:, hidden][:, :, seen]  # [K, hidden, seen]
        gains = torch.linalg.solve(of_seen.covariances, across.transpose(1, 2)).transpose(1, 2)
        shifts = torch.einsum("khs,ks->kh", gains, values - of_seen.means)
        own = self.covariances[:, hidden][:, :, hidden]
        return GaussianMixture(
            of_seen.responsibilities(values[None])[0],
            self.means[:, hidden] + shifts,
            own - gains @ across.transpose(1, 2),
        )

    def posterior(self, y, alpha, sigma):
        """The mean and the mean variance of z, given y = alpha z + sigma eps: ([N, d], [N]).

        By Bayes' rule, part by part. The mean is the best guess of z, and the variance, averaged
        over the d numbers, the squared error that it cannot avoid.
        """
        seen = self.noised(alpha, sigma)
        r = seen.responsibilities(y)
        pulls = self._solved(seen.factors, y - seen.means[:, None])  # [K, N, d]
        means = self.means[:, None] + alpha * torch.einsum("kij,knj->kni", self.covariances, pulls)
        kept = torch.cholesky_solve(self.covariances, seen.factors)  # C^-1 S
        kept = self.covariances - alpha**2 * self.covariances @ kept  # of a part, given y
        own = kept.diagonal(dim1=1, dim2=2).mean(dim=1)  # [K]
        mean = self._mixed(r, means)
        apart = (means - mean).square().mean(dim=2).T  # [N, K]
        return mean, (r * (own + apart)).sum(dim=1)

    @staticmethod
    def _mixed(r, values):
        return torch.einsum("nk,kni->ni", r, values)

    @staticmethod
    def _solved(factors, away):
        """C_k^-1 away[k] for each part: [K, N, d]."""
        return torch.cholesky_solve(away.transpose(1, 2), factors).transpose(1, 2)

    def _log_terms(self, z):
        """log weights[k] + log N(z; means[k], covariances[k]): [N, K]."""
        d = self.means.shape[1]
        if z.dim() != 2 or z.shape[1] != d:
            raise ValueError(f"expected points [N, {d}], got {list(z.shape)}")
        away = z.T[None] - self.means[:, :, None]  # [K, d, N]
        squares = torch.linalg.solve_triangular(self.factors, away, upper=False).square().sum(dim=1)
        log_volume = self.factors.diagonal(dim1=1, dim2=2).log().sum(dim=1)
        constant = self.weights.log() - log_volume - d / 2 * math.log(2 * math.pi)
        return (constant[:, None] - squares / 2).T
