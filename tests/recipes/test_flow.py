"""The recipe of flows: what is refused, what a few steps give, what the shipped flows reach."""

import pytest
import torch

from genimg_lib import flow, metrics, pretrained
from genimg_lib.recipes import flow as recipe
from genimg_lib.training import start

SMALL = {"name": "portraits", "images": 64, "width": 8, "batch": 8, "patch": 4}


def test_what_cannot_be_is_refused_before_any_work():
    with pytest.raises(ValueError, match="widht"):
        recipe.train(start("flow"), 1, widht=3)
    with pytest.raises(ValueError, match="20 groups"):
        recipe.train(start("flow"), 1, conditional=True, groups=20)


@pytest.mark.parametrize("how", [{}, {"conditional": True}, {"groups": 4}])
def test_a_few_steps_give_what_the_facts_describe(how):
    trained = recipe.train(start("flow"), 0.02, **SMALL, **how)
    net, facts = trained.net, trained.facts
    assert not net.training and facts["network"]["conditions"] == net.conditions
    assert (net.conditions > 0) == bool(how)
    if "groups" in how:
        assert sum(facts["shares"]) == pytest.approx(1) and len(facts["shares"]) == 4
    c = torch.zeros(3, net.conditions) if how else None
    assert recipe.draw(net, 3, c=c).shape == (3, 3, 32, 32)


def test_a_share_of_images_is_told_nothing():
    torch.manual_seed(0)
    kept = recipe.left_out(torch.ones(20_000, 3), 0.1)
    assert (kept == kept[:, :1]).all()
    assert (kept[:, 0] == 0).double().mean().item() == pytest.approx(0.1, abs=0.01)


def fd_and_promise(name, n=1_000):
    """The distance of n images of a shipped flow, and the most that its facts allow."""
    facts, net = pretrained.facts(name), pretrained.load_flow(name)
    shares = facts.get("shares")
    c = flow.drawn_groups(shares, n, torch.Generator().manual_seed(8)) if shares else None
    evaluator = metrics.Evaluator(name.removeprefix("flow_"))
    gained = evaluator.floor(n) - facts["fd_floor"]  # what fewer images add
    return evaluator.fd(recipe.draw(net, n, seed=9, c=c)), 1.2 * (facts["fd"] + gained) + 0.2


def test_the_shipped_flow_of_portraits_reaches_what_its_facts_say():
    fd, promise = fd_and_promise("flow_portraits")
    assert fd < promise


def test_the_shipped_flow_of_clothes_reaches_what_its_facts_say(real_data):
    fd, promise = fd_and_promise("flow_fashion_mnist")
    assert fd < promise


def test_another_name_is_refused_with_those_that_are_known():
    with pytest.raises(ValueError, match="flow_portraits"):
        pretrained.load_flow("flow")


def test_a_told_flow_is_measured_by_what_it_was_asked_for():
    net = flow.PatchUNet(3, 32, 4, width=8, conditions=47).eval()
    found = recipe.measure(net, "portraits", conditional=True, n=300, calls=1)
    told = {key for key in found if key.startswith("accuracy_")}
    assert {"accuracy_hair", "accuracy_hat", "accuracy_mouth"} <= told and len(told) == 10
    assert all(0 <= found[key] <= 1 for key in told)


def test_the_shipped_told_flow_obeys():
    facts = pretrained.facts("conditional_flow_portraits")
    assert min(value for key, value in facts.items() if key.startswith("accuracy_")) > 0.8
    net, n = pretrained.load_flow("conditional_flow_portraits"), 500
    found = recipe.measure(net, "portraits", conditional=True, n=n)
    gained = found["fd_floor"] - facts["fd_floor"]  # what fewer images add
    assert found["fd"] < 1.2 * (facts["fd"] + gained) + 0.2
    assert all(abs(found[key] - facts[key]) < 0.05 for key in facts if key.startswith("accuracy_"))
