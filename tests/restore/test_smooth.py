"""Holes filled smoothly: what is seen stays, and what the filling has to satisfy."""

import pytest
import torch

from genimg_lib import restore

FILLINGS = (restore.harmonic, restore.biharmonic)


def picture(n=2, height=12, width=15, seed=0):
    g = torch.Generator().manual_seed(seed)
    return 2 * torch.rand(n, 3, height, width, generator=g) - 1


def box(height=12, width=15):
    seen = torch.ones(height, width, dtype=torch.bool)
    seen[4:9, 5:11] = False
    return seen


@pytest.mark.parametrize("fill", FILLINGS)
def test_what_is_seen_stays_to_the_bit_and_what_stands_in_the_hole_does_not_count(fill):
    x, seen = picture(), box()
    found = fill(x, seen)
    assert torch.equal(found[..., seen], x[..., seen]) and found.dtype == x.dtype
    other = torch.where(seen, x, 7.0)
    assert torch.allclose(fill(other, seen), found)


@pytest.mark.parametrize("fill", FILLINGS)
def test_each_image_may_have_its_own_hole(fill):
    x = picture()
    masks = torch.stack([box(), box().roll(2, 1)])[:, None]
    each = torch.cat([fill(x[k : k + 1], masks[k, 0]) for k in range(2)])
    assert torch.equal(fill(x, masks), each)


def test_every_hidden_pixel_is_the_mean_of_its_neighbours_edges_of_the_picture_included():
    x, seen = picture(1).double(), box()
    seen[0, :3], seen[-1, -1] = False, False
    found = restore.harmonic(x, seen)[0, 0]
    for i, j in (~seen).nonzero().tolist():
        around = [(i - 1, j), (i + 1, j), (i, j - 1), (i, j + 1)]
        inside = [found[a, b] for a, b in around if 0 <= a < 12 and 0 <= b < 15]
        assert torch.isclose(found[i, j], torch.stack(inside).mean(), atol=1e-10)


def test_a_plane_is_continued_within_but_not_beyond_what_is_seen():
    across = torch.linspace(-1, 1, 24).double().expand(1, 3, 12, 24)
    seen = torch.ones(12, 24, dtype=torch.bool)
    seen[:, 8:16] = False
    for fill in FILLINGS:
        assert torch.allclose(fill(across, seen), across, atol=1e-6)
        end = fill(across, seen.roll(8, 1))  # scikit-image 0.26 clips
        assert torch.allclose(end[..., 16:], across[..., 15:16].expand(1, 3, 12, 8), atol=1e-6)


@pytest.mark.parametrize("fill", FILLINGS)
def test_masks_that_are_none_are_refused(fill):
    x = picture()
    with pytest.raises(TypeError, match="bool"):
        fill(x, box().float())
    with pytest.raises(ValueError, match=r"\[12, 15\]"):
        fill(x, box(12, 14))
    with pytest.raises(ValueError, match="nothing is seen"):
        fill(x, torch.zeros(12, 15, dtype=torch.bool))
    assert torch.equal(fill(x, torch.ones(12, 15, dtype=torch.bool)), x)
