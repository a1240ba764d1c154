"""How alike are two sets of images, by their features? Precision, recall, kernel distance."""

import torch


def precision_recall(real, fake, k=3):
    """(precision, recall) of a set of fakes against a set of reals, each in 0..1.

    The share of fakes within the real set's reach, and of reals within the fakes'.
    real, fake: features [N, d] and [M, d], N and M above k. A set's reach is the union of balls
        about its points, each as large as the distance to its k-th nearest neighbour.
    Source: Kynkäänniemi et al. 2019 (arXiv:1904.06991), equations 1 and 2.
    """
    real, fake = _check_features(real, fake, at_least=k + 1)
    return _within(fake, real, k), _within(real, fake, k)


def _within(points, manifold, k, at_once=2048):
    """The share of points that lie in a ball of the manifold."""
    rows = manifold.split(at_once)
    # k + 1: a point is its own nearest
    radii = torch.cat([torch.cdist(part, manifold).kthvalue(k + 1, dim=1).values for part in rows])
    inside = [(torch.cdist(part, manifold) <= radii).any(dim=1) for part in points.split(at_once)]
    return torch.cat(inside).double().mean().item()


def kid(real, fake):
    """Kernel distance: the unbiased estimate of MMD^2 with the kernel (x.y / d + 1)^3.

    About 0 for equal distributions, may be slightly below.

    real, fake: features [N, d], [M, d], at least 2 of each.
    Source: Bińkowski et al. 2018 (arXiv:1801.01401).
    """
    x, y = _check_features(real, fake, at_least=2)
    n, m, d = len(x), len(y), x.shape[1]
    k_xx, k_yy, k_xy = ((a @ b.T / d + 1) ** 3 for a, b in ((x, x), (y, y), (x, y)))
    within_x = (k_xx.sum() - k_xx.diagonal().sum()) / (n * (n - 1))
    within_y = (k_yy.sum() - k_yy.diagonal().sum()) / (m * (m - 1))
    return (within_x + within_y - 2 * k_xy.mean()).item()


def _check_features(real, fake, at_least):
    if real.dim() != 2 or fake.dim() != 2 or real.shape[1] != fake.shape[1]:
        raise ValueError(
            "expected features [N, d] and [M, d] (evaluator.features(images)), got"
            f" {tuple(real.shape)} and {tuple(fake.shape)}"
        )
    if min(len(real), len(fake)) < at_least:
        raise ValueError(f"at least {at_least} of each are needed; got {len(real)} and {len(fake)}")
    return real.double(), fake.double()
