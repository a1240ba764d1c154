"""The recipe of glasses on and off: what is refused, and what the shipped maps do."""

import pytest
import torch

from genimg_lib import data, pretrained
from genimg_lib.cycle_model import CycleModel
from genimg_lib.data.inks import printed
from genimg_lib.recipes import cycle as recipe
from genimg_lib.training import start


def test_unknown_settings_are_refused_before_any_work():
    with pytest.raises(ValueError, match="widht"):
        recipe.train(start("cycle"), 1, widht=3)
    with pytest.raises(ValueError, match="hats"):
        recipe.train(start("cycle"), 1, piles="hats")


@pytest.mark.parametrize("piles", ["glasses", "prints"])
def test_a_few_steps_give_what_the_facts_describe(piles):
    small = {"images": 64, "width": 8, "fine": 0, "batch": 4, "judge": 8}
    trained = recipe.train(start("cycle"), 0.03, piles=piles, **small)
    again = CycleModel(**trained.facts["network"])
    again.load_state_dict(trained.net.state_dict())
    assert not trained.net.training


def test_the_shipped_maps_put_glasses_on_and_hide_a_message():
    facts, maps = pretrained.facts("glasses_portraits"), pretrained.load_cycle()
    found = recipe.measure(maps, n=600)
    for name, value in found.items():
        assert value == pytest.approx(facts[name], abs=0.06)
    assert found["glasses"] > 0.9


def test_piles_hold_what_they_are_named_for():
    faces = data.load("portraits", n=60)
    bare, wearing = recipe.by_glasses(faces)
    assert len(bare) == (faces.factors["glasses"] == 0).sum() and len(bare) + len(wearing) == 60
    plain, prints = recipe.by_print(faces)
    assert torch.equal(plain, faces.images[:30])
    assert torch.equal(prints, printed(faces.images[30:]))


def test_the_shipped_prints_are_nearer_to_the_right_ones_than_the_faces():
    found = recipe.measure_prints(pretrained.load_cycle("prints_portraits"), n=100)
    assert found["psnr"] == pytest.approx(pretrained.facts("prints_portraits")["psnr"], abs=0.4)
    assert found["psnr"] > found["psnr_before"] + 2


def test_another_pair_of_maps_is_named():
    with pytest.raises(ValueError, match="hats"):
        pretrained.load_cycle("hats")
