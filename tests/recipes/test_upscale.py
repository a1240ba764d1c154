"""The recipe of the upscalers: what is refused, what it learns from, how it is judged."""

import pytest
import torch

from genimg_lib import data, pretrained, restore
from genimg_lib.data import photos
from genimg_lib.metrics import Protocol, protocol
from genimg_lib.recipes import upscale as recipe
from genimg_lib.training import start

SMALL = {"images": 32, "width": 8, "blocks": 1, "batch": 4}


def test_unknown_settings_and_scales_are_refused_before_any_work():
    with pytest.raises(ValueError, match="widht"):
        recipe.train(start("upscale"), 1, widht=3)
    with pytest.raises(ValueError, match="scale"):
        recipe.train(start("upscale"), 1, scale=3)


@pytest.mark.parametrize("scale", [2, 4])
def test_a_few_steps_give_what_the_facts_describe(scale):
    trained = recipe.train(start("upscale"), 0.03, scale=scale, **SMALL)
    again = restore.Upscaler(**trained.facts["network"])
    again.load_state_dict(trained.net.state_dict())
    assert not trained.net.training and again.scale == scale
    assert all(name in trained.facts["held_out"] for name in photos.HELD_OUT)


@pytest.mark.parametrize("scale", [2, 4])
def test_a_photograph_is_cut_not_squeezed_and_shrunk_as_bytes(scale):
    x, y = recipe.held_out("chelsea", scale)
    whole = photos.open_photo("chelsea")
    height, width = (side // scale * scale for side in whole.shape[1:])
    assert torch.equal(x[0], whole[:, :height, :width])
    assert y.dtype == torch.uint8 and y.shape[2:] == (height // scale, width // scale)
    assert torch.equal(y, restore.shrunk(x, scale))


def test_it_is_judged_as_papers_do():
    x, y = recipe.held_out("coffee", 2)
    x_hat = restore.enlarged(y, 2)
    as_papers = Protocol(rounded=True, luma="limited", shave=2)
    wanted = protocol.psnr(data.to_float(x_hat), data.to_float(x), as_papers).item()
    assert recipe.judged(x_hat, x, 2) == wanted == pytest.approx(30.59, abs=0.01)


@pytest.mark.parametrize("name", ["upscaler_2", "upscaler_4"])
def test_the_shipped_upscalers_reach_what_their_facts_say(name):
    facts, net = pretrained.facts(name), pretrained.load_upscaler(name)
    assert facts["held_out"] == ", ".join(photos.HELD_OUT)
    x, y = recipe.held_out("chelsea", net.scale)
    with torch.no_grad():
        x_hat = data.to_uint8(net(data.to_float(y)).clamp(-1, 1))
    assert recipe.judged(x_hat, x, net.scale) == pytest.approx(facts["psnr_chelsea"], abs=0.02)


def test_another_upscaler_is_named():
    with pytest.raises(ValueError, match="upscaler_3"):
        pretrained.load_upscaler("upscaler_3")
