"""A training's loop and what it calls, told from another one by what they say."""

import linecache
import sys
import textwrap

import pytest

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
