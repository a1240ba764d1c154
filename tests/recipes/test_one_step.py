"""Generators of one call, made from flows: a few steps, and what the shipped one reaches."""

import torch

from genimg_lib import flow, metrics, pretrained
from genimg_lib.recipes import one_step
from genimg_lib.training import start


def small(conditions=0):
    torch.manual_seed(0)
    return flow.PatchUNet(1, 16, 2, width=8, conditions=conditions)


def images(n=32):
    return torch.randint(256, (n, 1, 16, 16), dtype=torch.uint8)


def changed(before, net):
    return any(not torch.equal(v, net.state_dict()[k]) for k, v in before.items())


def test_the_generator_learns_and_the_teacher_stays(monkeypatch):
    monkeypatch.setitem(one_step.SETTINGS, "batch", 4)
    for shares in (None, [0.25, 0.75]):
        teacher = small(2 if shares else 0)
        before = {k: v.clone() for k, v in teacher.state_dict().items()}
        made = one_step.distil(start("one_step"), teacher, images(), 0.01, shares)
        assert changed(before, made) and not changed(before, teacher)
        assert not made.training
        assert one_step.draw(made, 3, shares=shares).shape == (3, 1, 16, 16)


def test_the_shipped_generator_reaches_what_its_facts_say():
    facts, n = pretrained.facts("one_step_portraits"), 1_000
    net = pretrained.load_flow("one_step_portraits")
    evaluator = metrics.Evaluator("portraits")
    gained = evaluator.floor(n) - facts["fd_floor"]  # what fewer images add
    fd = evaluator.fd(one_step.draw(net, n, seed=9))
    assert fd < 1.2 * (facts["fd"] + gained) + 0.2
    # the flow that it was made from needs more than one call
    noise = torch.randn(n, 3, 32, 32, generator=torch.Generator().manual_seed(9))
    assert evaluator.fd(flow.draw(pretrained.load_flow("flow_portraits"), noise, 1)) > 5 * fd
