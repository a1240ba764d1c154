"""The same portraits with other values of some factors: who else it could have been."""

import itertools
from typing import NamedTuple

import torch

from genimg_lib.data.portraits.drawing import draw
from genimg_lib.data.portraits.factors import (
    CATEGORICAL,
    FACTORS,
    as_tensors,
    probabilities,
)
from genimg_lib.errors import unknown


class Variants(NamedTuple):
    """All K values, or combinations of values, of some factors.

    values: {name: [K]}. shares: how often each comes, float64 [K], sums to 1.
    images: uint8 [K, N, 3, size, size], each portrait with each of them.
    """

    values: dict
    shares: torch.Tensor
    images: torch.Tensor


def variants(factors, *names, size=32):
    """N portraits drawn with all values of the factors of these names, all others kept.

    factors: as for `draw`. names: of categorical factors.
    Raises ValueError for other names, and for none.
    """
    for name in names:
        if name not in CATEGORICAL:
            raise unknown("categorical factor", name, CATEGORICAL)
    if not names:
        raise ValueError(f"expected names of factors, such as {CATEGORICAL[0]!r}; got none")
    given = as_tensors(factors)
    n = len(given[names[0]])
    combinations = torch.tensor(
        list(itertools.product(*(range(len(FACTORS[name])) for name in names)))
    )
    values = dict(zip(names, combinations.T, strict=True))
    shares = torch.ones(len(combinations), dtype=torch.float64)
    for name in names:
        shares = shares * probabilities(name)[values[name]]
    images = []
    for row in combinations.tolist():
        changed = {name: torch.full((n,), k) for name, k in zip(names, row, strict=True)}
        images.append(draw(given | changed, size))
    return Variants(values, shares, torch.stack(images))


def painted_by(factors, name, size=32):
    """Where a portrait's pixels depend on a factor, all others kept: bool [N, size, size].

    factors: as for `draw`. name: of a categorical factor; raises ValueError for another.
    """
    images = variants(factors, name, size=size).images
    return (images != images[:1]).any(dim=0).any(dim=1)
