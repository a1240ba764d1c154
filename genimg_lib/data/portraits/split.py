"""Combinations of factors kept from a training, to see whether it puts parts together."""

import torch

from genimg_lib.data.portraits.factors import FACTORS, as_tensors, sample

# pairs of values of two factors that no portrait of the training has together
HELD_OUT = (
    {"hair_color": "red", "outfit": "black"},
    {"hair": "curly", "hair_color": "white"},
    {"glasses": "square", "hat": "sun hat"},
    {"mouth": "surprised", "beard": "full"},
    {"background": "mint", "skin": "deep brown"},
    {"eyes": "green", "hair": "bunches"},
)


def held_out(factors):
    """Which of the pairs of HELD_OUT portraits have: bool [N, 6]. factors: as for `draw`."""
    given = as_tensors(factors)
    columns = []
    for pair in HELD_OUT:
        has = [given[name] == FACTORS[name].index(value) for name, value in pair.items()]
        columns.append(torch.stack(has).all(dim=0))
    return torch.stack(columns, dim=1)


def sample_split(n, seed=0, seen=True):
    """Draw n factor vectors as `sample` does, of those with none of the pairs, or with some.

    seen: True for portraits that have none of HELD_OUT, False for those that have one or more.
    """
    kept, have, part = [], 0, 0
    while have < n:
        factors = sample(n, 1_000_003 * part + seed)
        fits = held_out(factors).any(dim=1) != seen
        kept.append({name: values[fits] for name, values in factors.items()})
        have, part = have + int(fits.sum()), part + 1
    return {name: torch.cat([some[name] for some in kept])[:n] for name in kept[0]}
