"""Landscapes: the same from a seed, without an end to the sides."""

import pytest
import torch

from genimg_lib import worlds


def test_layers_have_colours_and_alpha_in_range_and_the_same_seed_gives_the_same():
    layers, again = worlds.scene(3, 48, 96), worlds.scene(3, 48, 96)
    assert len(layers) == 5
    for layer, other in zip(layers, again, strict=True):
        assert layer.front.shape == (3, 48, 96) and layer.alpha.shape == (1, 48, 96)
        assert layer.front.min() >= 0 and layer.front.max() <= 1
        assert torch.equal(layer.front, other.front)
    assert layers[0].alpha.min() == 1 and layers[0].speed == 0


def test_nearer_layers_move_faster():
    speeds = [layer.speed for layer in worlds.scene(1, 32, 64)]
    assert speeds == sorted(speeds) and speeds[-1] == 1


def test_going_once_around_ends_where_it_began():
    layer = worlds.scene(1, 32, 64)[-1]
    front, alpha = worlds.moved(layer, 64)
    assert torch.equal(front, layer.front) and torch.equal(alpha, layer.alpha)
    assert not torch.equal(worlds.moved(layer, 5)[0], layer.front)


@pytest.mark.parametrize("given", [{"hills": 0}, {"height": 8}])
def test_scenes_that_cannot_be_are_refused(given):
    with pytest.raises(ValueError, match=str(next(iter(given.values())))):
        worlds.scene(**given)
