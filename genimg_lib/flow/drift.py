"""Drifting: where samples should move, so that a generator of one pass learns to follow."""

import torch


def drift(x, data, width):
    """How far samples should move, towards data and away from each other: V, like x [N, d].

    V(x) = (mean of data near x) - (mean of the samples near x), near by a Gaussian kernel of that
    width: width² times the difference of the scores of both sets, smoothed by it. V = 0 where both
    are the same set.
    data: [M, d], M above 0. width: above 0, in the units of x.
    Raises ValueError for another width and for other shapes.
    Source: Deng et al. 2026 (arXiv:2602.04770), section 3, with a Gaussian kernel where they take
        exp(-|x - y| / tau); as a difference of scores, arXiv:2603.09936.
    """
    if not isinstance(width, (int, float)) or not width > 0:
        raise ValueError(f"expected a width, a number above 0, got {width}")
    if x.dim() != 2 or data.dim() != 2 or x.shape[1] != data.shape[1] or not len(data):
        raise ValueError(
            f"expected samples [N, d] and data [M, d], got {list(x.shape)} and {list(data.shape)}"
        )
    return near_mean(x, data, width) - near_mean(x, x, width)


def near_mean(x, points, width):
    """The mean of the points [M, d], weighted by a Gaussian kernel around each x: [N, d]."""
    weights = torch.softmax(-torch.cdist(x, points).square() / (2 * width**2), dim=1)
    return weights @ points


def drifting_loss(x, data, *widths):
    """The mean squared way from samples x to where they should be, which is held fixed.

    widths: one or more, whose drifts are added: wide ones share samples out, narrow ones place
        them.
    Raises ValueError for no width, and as `drift` does.
    """
    if not widths:
        raise ValueError("expected one width or more, got none")
    with torch.no_grad():
        target = x + sum(drift(x, data, width) for width in widths)
    return (x - target).square().sum(dim=1).mean()
