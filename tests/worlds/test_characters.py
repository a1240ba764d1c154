"""Characters: cut out exactly, and themselves in every frame."""

import pytest
import torch

from genimg_lib import worlds
from genimg_lib.data import portraits


def test_a_portrait_laid_on_another_backdrop_is_the_portrait_before_it():
    factors = portraits.sample(20, seed=1)
    front, alpha = worlds.cut_out(factors)
    peach = factors | {"background": "peach"}
    back = portraits.backdrop(peach).float() / 255
    again = 255 * (alpha * front + (1 - alpha) * back)
    off = (again - portraits.draw(peach).float()).abs()
    assert off.max() < 8 and off.mean() < 0.3  # levels of 255, by rounding


def test_the_backdrop_is_what_no_face_hides():
    factors = portraits.sample(5, seed=2)
    drawn, bare = portraits.draw(factors), portraits.backdrop(factors)
    assert torch.equal(drawn[:, :, 0, 0], bare[:, :, 0, 0])
    _, alpha = worlds.cut_out(factors)
    assert (alpha[:, :, 0, 0] < 0.05).all() and (alpha[:, :, 18, 16] > 0.97).all()


def test_a_walk_ends_where_it_began_and_changes_nothing_else():
    factors = {"hair": "long", "hat": "cap", "x": 0.3}
    steps = worlds.walk(factors, 8)
    assert all(len(values) == 8 for values in steps.values())
    for name, values in steps.items():
        assert (len(values.unique()) > 1) == (name in ("y", "tilt"))
    assert torch.allclose(worlds.walk(factors, 16)["y"][::2], steps["y"])


@pytest.mark.parametrize(
    ("factors", "frames", "value"), [({}, 0, "0"), ({"hair": ["long", "bob"]}, 3, "2")]
)
def test_walks_that_cannot_be_are_refused(factors, frames, value):
    with pytest.raises(ValueError, match=value):
        worlds.walk(factors, frames)
