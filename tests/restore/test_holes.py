"""Random holes: sizes as asked for, and something on either side."""

import pytest
import torch

from genimg_lib import restore


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("size", [8, 32, 50])
def test_something_is_seen_and_something_hidden(size):
    seen = restore.random_holes(300, size, generator=seeded())
    assert seen.shape == (300, 1, size, size) and seen.dtype == torch.bool
    flat = seen.flatten(1)
    assert flat.any(dim=1).all() and not flat.all(dim=1).any()
    assert torch.equal(seen, restore.random_holes(300, size, generator=seeded()))


def test_holes_are_as_thick_as_asked_for():
    from scipy.ndimage import distance_transform_edt

    def thickness(smallest, largest):
        seen = restore.random_holes(200, 64, smallest, largest, seeded())[:, 0]
        return [2 * distance_transform_edt(~mask.numpy()).max() for mask in seen]

    thin, thick = thickness(1, 2), thickness(20, 24)
    assert max(thin) <= 8  # where four cross
    assert sum(thick) > 5 * sum(thin)


@pytest.mark.parametrize("sizes", [(0, 4), (5, 4), (1, 40)])
def test_sizes_that_make_no_sense_are_refused(sizes):
    with pytest.raises(ValueError, match="smallest"):
        restore.random_holes(2, 32, *sizes)
