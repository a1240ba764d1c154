"""Holes filled with patches of the same picture."""

import pytest
import torch

from genimg_lib import data, restore
from genimg_lib.data import photos
from genimg_lib.restore import patches
from genimg_lib.restore.patches import Search


def stripes(size=48, period=6):
    """Something that repeats: a hole in it can be filled exactly."""
    row = torch.arange(size) % period
    column = (torch.arange(size) // 3) % 2
    image = row[None, :] / period + 0.5 * column[:, None] - 0.5
    return image.expand(1, 3, size, size).clone()


def hole(size=48, side=14):
    seen = torch.ones(size, size, dtype=torch.bool)
    start = (size - side) // 2
    seen[start : start + side, start : start + side] = False
    return seen


def test_what_repeats_is_continued_exactly():
    x, seen = stripes(), hole()
    found = restore.patched(torch.where(seen, x, 1.0), seen)
    assert (found - x).abs().max() < 0.02


def test_what_is_seen_stays_to_the_bit_and_what_stands_in_the_hole_does_not_count():
    x, seen = data.to_float(photos.square(photos.open_photo("grass"), 64)[None]), hole(64, 20)
    found = restore.patched(x, seen)
    assert torch.equal(found[..., seen], x[..., seen])
    assert torch.equal(restore.patched(torch.where(seen, x, -1.0), seen), found)
    assert not torch.equal(restore.patched(x, seen, seed=1), found)


def test_many_targets_are_searched_by_and_by_and_found_nearly_as_well(monkeypatch):
    x = data.to_float(photos.square(photos.open_photo("brick"), 96)[None])
    seen = hole(96, 30)
    search = Search(x[0], seen, torch.Generator().manual_seed(0))
    _, best = search.better(x[0], search.first())
    monkeypatch.setattr(patches, "PAIRS", 0)
    sources, first = search.first(), None
    for _ in range(8):
        sources, distances = search.better(x[0], sources)
        first = distances if first is None else first
    assert (distances >= best - 1e-3).all()
    assert distances.mean() < 0.5 * first.mean() and distances.mean() < 1.5 * best.mean()
    assert search.is_source[tuple(sources.T)].all()


def test_a_step_of_both_does_not_make_the_sum_larger():
    x, seen = data.to_float(photos.square(photos.open_photo("brick"), 64)[None])[0], hole(64, 20)
    image = torch.where(seen, x, 0.0)
    search = Search(image, seen, torch.Generator().manual_seed(0))
    search.log_trust = torch.zeros_like(search.log_trust)
    sums, sources = [], search.first()
    for _ in range(5):
        sources, distances = search.better(image, sources)
        sums.append(distances.sum().item())
        # all sources weighed alike: then the mean is what minimises the sum
        image = search.mean(image, sources, torch.zeros_like(distances))
    assert sums == sorted(sums, reverse=True) and sums[-1] < sums[0]


def test_a_whole_picture_is_left_and_one_without_any_whole_patch_is_refused():
    x = stripes(20)
    assert torch.equal(restore.patched(x, torch.ones(20, 20, dtype=torch.bool)), x)
    seen = torch.zeros(20, 20, dtype=torch.bool)
    seen[::4] = True
    with pytest.raises(ValueError, match="7x7"):
        restore.patched(x, seen)
    with pytest.raises(ValueError, match="7x7"):
        restore.patched(x[..., :6, :], seen[:6])
    with pytest.raises(ValueError, match="one image"):
        restore.patched(x.repeat(2, 1, 1, 1), seen)


def test_the_middle_of_a_large_hole_gets_colours_of_the_picture_too():
    x = torch.full((3, 320, 320), 0.5)
    seen = hole(320, 300)
    search = Search(torch.where(seen, x, 0.0), seen, torch.Generator().manual_seed(0))
    found = search.mean(x, search.first(), torch.zeros(len(search.targets)))
    assert torch.allclose(found, x)


def test_patches_far_from_all_sources_are_filled_beside_such_as_fit_exactly():
    g = torch.Generator().manual_seed(0)
    x = torch.ones(1, 3, 64, 64)
    x[:, :, 48:] = -torch.rand(1, 3, 16, 64, generator=g)
    seen = torch.ones(64, 64, dtype=torch.bool)
    seen[16:58, 20:44] = False
    found = restore.patched(x, seen)
    texture = found[0, :, 50:58, 20:44]
    assert (texture < -0.01).double().mean() > 0.9
