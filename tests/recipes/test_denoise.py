"""The recipe of the denoisers: what is refused, what it learns from, what a few steps give."""

import pytest
import torch

from genimg_lib import pretrained, restore
from genimg_lib.course import chapters
from genimg_lib.data import photos
from genimg_lib.recipes import denoise as recipe
from genimg_lib.restore import LEVEL
from genimg_lib.training import start

SMALL = {"images": 32, "width": 8, "blocks": 1, "batch": 4, "size": 32}


def test_unknown_settings_and_channels_are_refused_before_any_work():
    with pytest.raises(ValueError, match="widht"):
        recipe.train(start("denoise"), 1, widht=3)
    with pytest.raises(ValueError, match="2"):
        recipe.train(start("denoise"), 1, channels=2)


@pytest.mark.parametrize("channels", [1, 3])
def test_a_few_steps_give_what_the_facts_describe(channels):
    trained = recipe.train(start("denoise"), 0.03, channels=channels, **SMALL)
    again = restore.Denoiser(**trained.facts["network"])
    again.load_state_dict(trained.net.state_dict())
    assert not trained.net.training and again.channels == channels
    assert all(name in trained.facts["held_out"] for name in photos.HELD_OUT)


def test_no_held_out_photograph_is_learned_from():
    assert set(photos.HELD_OUT) | set(photos.LEARNED) == {*photos.NAMES, *photos.OTHERS}
    assert not set(photos.HELD_OUT) & set(photos.LEARNED)


def test_notebook_63_and_the_shipped_weights_hold_out_the_same_photographs():
    for name in ("denoiser_grey", "denoiser_colour"):
        assert pretrained.facts(name)["held_out"] == ", ".join(photos.HELD_OUT)
    source = (chapters.notebooks_folder() / "63_denoising.py").read_text(encoding="utf-8")
    quoted = ", ".join(f'"{name}"' for name in photos.HELD_OUT)
    assert f"HELD_OUT = ({quoted})" in source


def test_grey_pieces_are_the_luma_or_one_of_the_colours():
    colour = recipe.learned_from(40, 3, 32, seed=1)
    grey = recipe.learned_from(40, 1, 32, seed=1)
    four = torch.cat([colour, photos.grey(colour)], dim=1)
    same = (four == grey).flatten(2).all(dim=2)
    assert same.any(dim=1).all() and all(same[:, k].any() for k in range(4))


def test_the_noise_is_the_same_whoever_asks_and_another_for_each_level():
    x = recipe.held_out("camera", 1, 64)
    noise = {sigma: recipe.with_noise(x, sigma) - x for sigma in recipe.SIGMAS}
    for sigma in recipe.SIGMAS:
        assert torch.equal(recipe.with_noise(x, sigma) - x, noise[sigma])
        assert noise[sigma].std().item() / LEVEL == pytest.approx(sigma, rel=0.05)
    assert not torch.allclose(noise[15] / 15, noise[25] / 25, atol=1e-3)
