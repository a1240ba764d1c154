"""The recipes of automata: what they give, and what the shipped rules do."""

import pytest
import torch

from genimg_lib import automata, pretrained, style
from genimg_lib.layers import count_parameters
from genimg_lib.recipes import automata as recipe
from genimg_lib.training import start


@pytest.mark.parametrize("train", [recipe.train_texture, recipe.train_portrait])
def test_a_few_steps_give_what_the_facts_describe(train, monkeypatch):
    monkeypatch.setattr(recipe, "SIDE", 24)
    trained = train(start("automata"), 0.05)
    again = automata.Automaton(**trained.facts["network"])
    again.load_state_dict(trained.net.state_dict())


def test_the_shipped_texture_is_made_of_few_weights_and_stays():
    rule = pretrained.load_automaton("automaton_texture")
    facts = pretrained.facts("automaton_texture")
    assert count_parameters(rule) < 1_000
    net = pretrained.features()
    grams = [style.gram(maps) for maps in net(recipe.material(facts["kind"], facts["drawn_from"]))]
    states = automata.blank(1, rule.channels, 64)
    with torch.no_grad():
        before = style.style_loss(net(rule.picture(states)), grams).item()
        states = rule.run(states, 600, torch.Generator().manual_seed(2))
        after = style.style_loss(net(rule.picture(states)), grams).item()
    assert after < 0.06 and 5 * after < before


def test_the_shipped_portrait_grows_and_heals_as_its_facts_say():
    rule, facts = (
        pretrained.load_automaton("automaton_portrait"),
        pretrained.facts("automaton_portrait"),
    )
    found = recipe.measure_portrait(rule, old=600)
    assert found["error_grown"] == pytest.approx(facts["error_grown"], rel=0.5)
    assert found["error_healed"] < 1.5 * found["error_grown"]
    assert found["error_wounded"] > 10 * found["error_grown"]


def test_another_automaton_is_named():
    with pytest.raises(ValueError, match="coral"):
        pretrained.load_automaton("coral")


def test_the_face_stands_on_white_in_the_middle_of_the_field():
    face = recipe.face()
    assert face.shape == (1, 3, recipe.FIELD, recipe.FIELD)
    assert (face[..., :4] == 1).all() and (face[..., 0, :] == 1).all()
    assert face[..., 20, 20].min() < 0.9


def test_states_that_wander_off_are_called_back():
    torch.manual_seed(0)
    rule = automata.Automaton(channels=4, hidden=8)
    run = start("automata_small")

    def loss_of(states):
        return states[:, :3].square().mean(dim=(1, 2, 3))

    rule = recipe.teach(run, rule, automata.seed_cell(1, 4, 8), 0.02, loss_of, 4, (3, 5), 1)
    assert all(weight.isfinite().all() for weight in rule.parameters())
