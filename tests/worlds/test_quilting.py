"""Quilting: seams by brute force, patches that fit, tiles without a seam."""

import itertools

import pytest
import torch

from genimg_lib import data, worlds
from genimg_lib.data import textures
from genimg_lib.worlds import quilting


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def by_brute_force(cost):
    """The least cost of all paths."""
    rows, columns = cost.shape
    best = torch.inf
    for path in itertools.product(range(columns), repeat=rows):
        if all(abs(a - b) <= 1 for a, b in itertools.pairwise(path)):
            best = min(best, sum(cost[k, place].item() for k, place in enumerate(path)))
    return best


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("shape", [(1, 1), (5, 1), (1, 4), (6, 4), (4, 5)])
def test_the_cheapest_path_is_that_of_brute_force(seed, shape):
    cost = torch.rand(*shape, generator=seeded(seed), dtype=torch.float64)
    path = worlds.least_path(cost)
    assert len(path) == shape[0] and (path.diff().abs() <= 1).all()
    found = cost[torch.arange(shape[0]), path].sum().item()
    assert found == pytest.approx(by_brute_force(cost))


def test_behind_a_path_lies_all_that_is_right_of_it():
    cost = torch.ones(3, 4)
    cost[torch.arange(3), torch.tensor([1, 2, 1])] = 0
    assert worlds.behind(cost).int().tolist() == [[0, 1, 1, 1], [0, 0, 1, 1], [0, 1, 1, 1]]


def test_errors_are_sums_of_squares_over_what_is_seen():
    texture = torch.rand(3, 14, 12, generator=seeded())
    sources = quilting.Sources(texture, 5)
    there = torch.rand(3, 5, 5, generator=seeded(1))
    seen = torch.rand(5, 5, generator=seeded(2)) < 0.4
    found = sources.errors(there, seen).view(10, 8)
    for row, column in ((0, 0), (9, 7), (4, 3)):
        patch = texture[:, row : row + 5, column : column + 5]
        wanted = ((patch - there).square() * seen).sum().item()
        assert found[row, column].item() == pytest.approx(wanted, abs=1e-4)


def material(size=64, kind="leaves"):
    return data.to_float(textures.draw(1, size, 5, (kind,))[0])[0]


@pytest.mark.parametrize("size", [32, 57, 128])
def test_the_size_is_that_asked_for_and_colours_are_the_texture_s(size):
    texture = material()
    made = worlds.quilt(texture, size, patch=20, overlap=5, generator=seeded())
    assert made.shape == (3, size, size)
    known = {tuple(pixel) for pixel in texture.flatten(1).T.tolist()}
    assert {tuple(pixel) for pixel in made.flatten(1).T.tolist()} <= known


def test_a_checkerboard_goes_on_as_a_checkerboard():
    square = (torch.arange(24)[:, None] // 4 + torch.arange(24)[None] // 4) % 2
    texture = square[None].float()
    made = worlds.quilt(texture, 60, patch=12, overlap=4, tolerance=0.0, generator=seeded())
    first = made[0, :8, :8]
    tiled = first.repeat(8, 8)[:60, :60]
    assert torch.equal(made[0], tiled)


@pytest.mark.parametrize("kind", ["leaves", "cells", "dots"])
def test_a_tile_has_no_seam_and_a_cut_has_one(kind):
    texture = material(96, kind)
    tile = worlds.quilt(texture, 96, patch=32, overlap=8, tile=True, generator=seeded())
    assert tile.shape == (3, 96, 96)
    plain = worlds.quilt(texture, 96, patch=32, overlap=8, generator=seeded())
    assert worlds.seam_ratio(tile) < min(1.5, 0.6 * worlds.seam_ratio(plain))


def test_the_seed_decides():
    first, again, other = (
        worlds.quilt(material(), 70, 20, 5, generator=seeded(k)) for k in (1, 1, 2)
    )
    assert torch.equal(first, again) and not torch.equal(first, other)


@pytest.mark.parametrize(
    ("more", "value"),
    [
        ({"patch": 80}, "80x80"),
        ({"patch": 16, "overlap": 8}, "8"),
        ({"patch": 16, "overlap": 0}, "0"),
        ({"size": 10}, "10"),
        ({"size": 100, "tile": True}, "96"),
    ],
)
def test_what_cannot_be_is_refused(more, value):
    given = {"size": 96, "patch": 32, "overlap": 8} | more
    with pytest.raises(ValueError, match=value):
        worlds.quilt(material(), **given)


def test_a_picture_of_bytes_is_refused():
    with pytest.raises(TypeError, match="to_float"):
        worlds.quilt(torch.zeros(3, 64, 64, dtype=torch.uint8), 64)
