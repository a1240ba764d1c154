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
