"""How well scores decide: right as often as they say, and telling two kinds apart."""

import torch


def calibration_error(confidence, right, bins=10):
    """The expected calibration error: how far confidence and accuracy are apart, in 0..1.

    confidence: [N] in [0, 1], of the chosen answer. right: bool [N].
    In bins of equal width, the mean of |accuracy - mean confidence|, weighed by their number.
    Raises ValueError for unlike shapes and for no answers.
    Source: Guo et al. 2017 (arXiv:1706.04599), equation 3.
    """
    if confidence.shape != right.shape or not len(right):
        raise ValueError(
            f"expected as many of both, got {list(confidence.shape)} and {list(right.shape)}"
        )
    confidence, right = confidence.double(), right.double()
    place = (confidence * bins).long().clamp(0, bins - 1)
    excess = torch.zeros(bins, dtype=torch.float64).index_add(0, place, right - confidence)
    return (excess.abs().sum() / len(right)).item()


def area_under_curve(scores, others):
    """The chance that one of `scores` lies above one of `others`, ties half: 0.5 tells nothing.

    scores: [N], others: [M]. The area under the ROC curve.
    Source: Hanley and McNeil 1982.
    """
    from scipy.stats import mannwhitneyu

    u = mannwhitneyu(scores.double().numpy(), others.double().numpy()).statistic
    return float(u) / (len(scores) * len(others))
