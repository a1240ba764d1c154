"""The recipe of glasses on and off: what is refused, and what the shipped maps do."""

import pytest

from genimg_lib import pretrained
from genimg_lib.cycle_model import CycleModel
from genimg_lib.recipes import cycle as recipe
from genimg_lib.training import start


def test_unknown_settings_are_refused_before_any_work():
    with pytest.raises(ValueError, match="widht"):
        recipe.train(start("cycle"), 1, widht=3)


def test_a_few_steps_give_what_the_facts_describe():
    small = {"images": 64, "width": 8, "fine": 0, "batch": 4, "judge": 8}
    trained = recipe.train(start("cycle"), 0.03, **small)
    again = CycleModel(**trained.facts["network"])
    again.load_state_dict(trained.net.state_dict())
    assert not trained.net.training


def test_the_shipped_maps_put_glasses_on_and_hide_a_message():
    facts, maps = pretrained.facts("glasses_portraits"), pretrained.load_cycle()
    found = recipe.measure(maps, n=600)
    for name, value in found.items():
        assert value == pytest.approx(facts[name], abs=0.06)
    assert found["glasses"] > 0.9


def test_another_pair_of_maps_is_named():
    with pytest.raises(ValueError, match="hats"):
        pretrained.load_cycle("hats")
