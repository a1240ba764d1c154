"""A training's loop and what it calls, told from another one by what they say."""

import linecache
import sys
import textwrap

import pytest
import safetensors.torch
import torch

from genimg_lib.training import start
from genimg_lib.training.loop_source import loop_source

CELL = """
def penalty(x):
    return WEIGHT_OF * x

def step(x):
    return penalty(x) + 1

def unrelated():
    return 0

for x in batches():
    step(x)
"""


def source_of(text, name="<cell>"):
    """What loop_source says at the head of the loop of a cell's text."""
    text = textwrap.dedent(text)
    linecache.cache[name] = (len(text), None, text.splitlines(keepends=True), name)
    found = []

    def batches():
        found.append(loop_source(sys._getframe(1)))
        return []

    exec(compile(text, name, "exec"), {"__name__": "__main__", "batches": batches, "WEIGHT_OF": 1})
    return found[0]


@pytest.mark.parametrize(
    "other",
    [
        CELL.replace("step(x)\n", "step(x)  # a comment\n"),
        CELL.replace("return 0", "return 1"),
        CELL + "\nafterwards = 1\n",
        "before = 1\n" + CELL,
    ],
)
def test_what_the_loop_does_not_use_does_not_count(other):
    assert source_of(other, "<other>") == source_of(CELL)


@pytest.mark.parametrize(
    "other",
    [
        CELL.replace("    step(x)", "    step(2 * x)"),
        CELL.replace("penalty(x) + 1", "penalty(x) + 2"),
        CELL.replace("WEIGHT_OF * x", "WEIGHT_OF + x"),
    ],
)
def test_what_it_uses_counts(other):
    assert source_of(other, "<other>") != source_of(CELL)


def test_where_there_is_no_source_nothing_is_said():
    found = []
    names = {"say": lambda: found.append(loop_source(sys._getframe(1))) or []}
    exec(compile("for x in say(): pass", "<nowhere>", "exec"), names)
    assert found == [""]


# ------------------------------------------------------------------ how a loop is left


def trained(leave, steps=6):
    """A training that `leave(step)` may end: its run."""
    run = start("left", seed=0)
    net = torch.nn.Linear(1, 1)
    batches = run.batches(torch.ones(8, 1), 2)
    for step, _ in enumerate(run.train(batches, steps, net=net, ema="net", ema_decay=0.0)):
        with torch.no_grad():
            net.bias.fill_(step)
        run.log(loss=0.0)
        if leave(step):
            break
    return run, net


def stored_bias(run):
    weights = safetensors.torch.load_file(run.folder / "train.safetensors")
    return weights["net.bias"].item(), weights["ema_net.bias"].item()


def test_a_break_ends_a_training_with_the_weights_as_they_are():
    run, _ = trained(lambda step: step == 2)
    assert stored_bias(run) == (2.0, 2.0)
    assert not list((run.folder / "checkpoints").rglob("*.safetensors"))
    # so the next one is a new training, not the rest of this one
    again, _ = trained(lambda step: False)
    assert again.history["step"] == [0, 1, 2, 3, 4, 5] and stored_bias(again) == (5.0, 5.0)


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_an_error_or_an_interrupt_ends_nothing(error):
    def stop(step):
        if step == 2:
            raise error

    with pytest.raises(error):
        trained(stop)
    run, _ = trained(lambda step: False)
    assert len(run.history["step"]) == 6


def test_a_return_within_a_context_ends_it_as_well():
    def leave_early():
        run = start("returned", seed=0)
        for _ in run.train(run.batches(torch.ones(8, 1), 2), 6, net=torch.nn.Linear(1, 1)):
            with torch.no_grad():
                return run

    assert (leave_early().folder / "train.safetensors").exists()
