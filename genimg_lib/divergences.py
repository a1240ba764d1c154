"""Distances between distributions: of probabilities, of samples, of Gaussians."""

import torch


def kl(p, q):
    """KL(p || q) = sum p log(p / q), in nats: [...].

    p, q: probabilities [..., K] over the same K outcomes, each summing to 1; the axes before the
        last broadcast. Infinite where p > 0 and q = 0 at some outcome.
    Raises ValueError for negative numbers, sums other than 1 or unlike K.
    Source: Kullback and Leibler 1951.
    """
    p, q = _probabilities(p, q)
    # rounding may leave less
    return (torch.xlogy(p, p) - torch.xlogy(p, q)).sum(dim=-1).clamp(min=0)


def js(p, q):
    """The Jensen-Shannon divergence in nats: [...], 0 to log 2.

    (KL(p || m) + KL(q || m)) / 2 with m = (p + q) / 2.
    p, q as for `kl`.
    Source: Lin 1991.
    """
    p, q = _probabilities(p, q)
    s = p + q  # not its half, which can be 0 where s is not
    terms = torch.xlogy(p, 2 * p) - torch.xlogy(p, s) + torch.xlogy(q, 2 * q) - torch.xlogy(q, s)
    return (terms.sum(dim=-1) / 2).clamp(min=0)


def _probabilities(p, q):
    if p.dim() == 0 or q.dim() == 0 or p.shape[-1] != q.shape[-1] or p.shape[-1] == 0:
        raise ValueError(
            f"expected probabilities [..., K] of the same K outcomes, got {list(p.shape)} and"
            f" {list(q.shape)}"
        )
    for t in (p, q):
        if (
            not t.is_floating_point()
            or not bool((t >= 0).all())
            or not torch.allclose(s := t.sum(dim=-1), torch.ones_like(s), atol=1e-4)
        ):
            raise ValueError(
                "expected probabilities, floats of 0 or more that sum to 1 along the last axis,"
                f" got sums {t.sum(dim=-1).flatten()[:3].tolist()}, least {t.min():.3g}"
            )
    return p, q


def wasserstein_1d(x, y):
    """The Wasserstein-1 distance between two samples on a line, a scalar tensor.

    The area between their quantile functions.
    x: [N], y: [M]; sorted, then matched in order, which is the cheapest plan in one dimension.
        Differentiable. With N = M the mean of |x_(i) - y_(i)|.
    Raises ValueError for other shapes or empty samples.
    Source: Villani, Topics in Optimal Transportation, 2003, section 2.2.
    """
    if x.dim() != 1 or y.dim() != 1 or not len(x) or not len(y):
        raise ValueError(
            f"expected two samples [N] and [M] of numbers, got {list(x.shape)} and {list(y.shape)}"
        )
    x, y = x.sort().values, y.sort().values
    n, m = len(x), len(y)
    steps = torch.cat(
        [torch.arange(1, n + 1, device=x.device) * m, torch.arange(1, m + 1, device=x.device) * n]
    ).unique()  # levels where a quantile jumps, times N M
    width = torch.diff(steps, prepend=steps.new_zeros(1)).to(x.dtype) / (n * m)
    return ((x[(steps - 1) // m] - y[(steps - 1) // n]).abs() * width).sum()


def gaussian_kernel(x, y, bandwidth=1.0):
    """k(x, y) = exp(-|x - y|^2 / (2 bandwidth^2)) for all pairs.

    x: [N, d], y: [M, d]; returns [N, M], 0 to 1.
    """
    # the product of matrices loses digits far from 0
    distances = torch.cdist(x, y, compute_mode="donot_use_mm_for_euclid_dist")
    return torch.exp(-distances.square() / (2 * bandwidth**2))


def polynomial_kernel(x, y, degree=2, offset=0.0):
    """k(x, y) = (x . y + offset)^degree for all pairs. x: [N, d], y: [M, d]; returns [N, M]."""
    return (x @ y.T + offset) ** degree


def mmd(x, y, kernel=gaussian_kernel):
    """The squared maximum mean discrepancy of two samples, a scalar tensor, 0 or more.

    mean k(x, x') - 2 mean k(x, y) + mean k(y, y').
    x: [N, d], y: [M, d].
    kernel: gives [N, M] for two samples. All pairs count, those of a point with itself too: biased,
        but never negative (rounding apart).
    Raises ValueError for other shapes.
    Source: Gretton et al. 2012 (JMLR 13), equation 5, squared.
    """
    if x.dim() != 2 or y.dim() != 2 or x.shape[1] != y.shape[1] or not len(x) or not len(y):
        raise ValueError(
            f"expected two samples [N, d] and [M, d], got {list(x.shape)} and {list(y.shape)}"
        )
    return kernel(x, x).mean() - 2 * kernel(x, y).mean() + kernel(y, y).mean()


def frechet_distance(mu1, cov1, mu2, cov2):
    """The squared Wasserstein-2 distance between two Gaussians, a float, 0 or more.

    |mu1 - mu2|^2 + tr(cov1 + cov2 - 2 (cov1 cov2)^(1/2)).
    mu: [d]; cov: [d, d], symmetric and positive semidefinite, which is not checked. Computed in
    float64; returns a float, 0 or more. The trace of the root is the sum of the square roots of the
    eigenvalues of cov1^(1/2) cov2 cov1^(1/2), which is symmetric.
    Source: Dowson and Landau 1982; as an image metric Heusel et al. 2017 (arXiv:1706.08500).
    """
    mu1, cov1, mu2, cov2 = (
        torch.as_tensor(t).detach().double().cpu() for t in (mu1, cov1, mu2, cov2)
    )
    d = mu1.numel()
    if mu1.shape != (d,) or mu2.shape != (d,) or cov1.shape != (d, d) or cov2.shape != (d, d):
        raise ValueError(
            "expected means [d] and covariances [d, d], got"
            f" {[tuple(t.shape) for t in (mu1, cov1, mu2, cov2)]}"
        )
    values, vectors = torch.linalg.eigh(cov1)
    root = vectors * values.clamp(min=0).sqrt() @ vectors.T
    trace_of_root = torch.linalg.eigvalsh(root @ cov2 @ root).clamp(min=0).sqrt().sum()
    distance = (mu1 - mu2).square().sum() + cov1.trace() + cov2.trace() - 2 * trace_of_root
    return distance.clamp(min=0).item()
