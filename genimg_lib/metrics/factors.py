"""What an evaluator reads from portraits, against what was asked for and what the data hold."""

import torch

from genimg_lib.data import portraits


def agreement(read, factors):
    """How often the factors read from images are the given ones: {name: share in 0..1}.

    A continuous factor counts as right within 0.2, a tenth of its range.
    """
    right = {}
    for name, value in factors.items():
        hit = (
            (read[name] - value).abs() <= 0.2
            if name in portraits.CONTINUOUS
            else read[name] == value
        )
        right[name] = hit.double().mean().item()
    return right


def coverage(read):
    """How fully a set of portraits covers the data, by the factors read from it.

    Returns ({factor: total variation}, share of values produced).
    The total variation, in 0..1, is that between the shares of a factor's values among these images
    and in the data: the share of images that would have to change. A value counts as produced if it
    comes at least a tenth as often as in the data. Both for the categorical factors.
    """
    variation, produced = {}, []
    for name in portraits.CATEGORICAL:
        p = portraits.probabilities(name)
        share = torch.bincount(read[name], minlength=len(p)) / len(read[name])
        variation[name] = 0.5 * (share - p).abs().sum().item()
        produced += (share >= p / 10).tolist()
    return variation, sum(produced) / len(produced)


def mutual_information(z, values, bins=20):
    """The mutual information of each coordinate with a factor, in nats: [d], and its entropy.

    z: [N, d], cut into `bins` intervals that hold equally many each. values: [N], whole numbers;
    a continuous factor is cut like z.
    Estimated from counts, so a little too high: about (bins - 1) (values - 1) / 2N.
    Returns (information [d], entropy of the factor).
    """
    codes = _binned(z, bins)  # [N, d]
    labels = _binned(values[:, None], bins)[:, 0] if values.is_floating_point() else values
    kinds = int(labels.max()) + 1
    joint = torch.stack(
        [
            torch.bincount(code * kinds + labels, minlength=bins * kinds).view(bins, kinds)
            for code in codes.T
        ]
    ).double() / len(z)  # [d, bins, kinds]
    p_code, p_label = joint.sum(dim=2, keepdim=True), joint.sum(dim=1, keepdim=True)
    information = torch.xlogy(joint, joint) - torch.xlogy(joint, p_code * p_label)
    share = p_label[0, 0]
    return information.sum(dim=(1, 2)), -torch.xlogy(share, share).sum().item()


def mutual_information_gap(z, factors, bins=20):
    """MIG: how much more the best coordinate knows of each factor than the second best.

    The mean over the factors of (largest information - second largest) / entropy, 0 to 1: 1 where
    each factor has a coordinate of its own that tells it exactly, and no other tells it at all.
    z: means of q(z|x), [N, d], d of 2 or more. factors: {name: [N]}.
    Returns (MIG, {name: gap}).
    Raises ValueError for a single coordinate.
    Source: Chen et al. 2018 (arXiv:1802.04942), section 4.1; from bins as in Locatello et al.
    2019 (arXiv:1811.12359).
    """
    if z.shape[1] < 2:
        raise ValueError(f"expected 2 coordinates or more, got {z.shape[1]}")
    gaps = {}
    for name, values in factors.items():
        information, entropy = mutual_information(z, values, bins)
        first, second = information.topk(2).values.tolist()
        gaps[name] = (first - second) / entropy if entropy > 0 else 0.0
    return sum(gaps.values()) / len(gaps), gaps


def _binned(columns, bins):
    """Each number's interval, 0 to bins - 1, the intervals of a column equally full: [N, d]."""
    edges = torch.quantile(columns.double(), torch.linspace(0, 1, bins + 1).double()[1:-1], dim=0)
    rows = columns.double().T.contiguous(), edges.T.contiguous()
    found = [torch.bucketize(c, e) for c, e in zip(*rows, strict=True)]
    return torch.stack(found, dim=1)
