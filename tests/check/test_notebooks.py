"""The checks of all notebooks: right answers pass, known mistakes hear their sentence."""

import contextlib
import importlib
import io
import math
import re

import jupytext
import pytest
import torch

from genimg_lib.check import MODULES, Wrong
from genimg_lib.check.judge import Property, checks_of
from genimg_lib.course import exercises

CHECKS = {
    f"{module}.{name}": check
    for module in MODULES
    for name, check in checks_of(importlib.import_module(f"genimg_lib.check.{module}")).items()
}


def test_a_module_a_notebook_with_exercises():
    assert [name[3:] for name in exercises.standing()] == list(MODULES)


@pytest.mark.parametrize("name", CHECKS)
def test_a_check_is_named_as_it_is_called(name):
    assert name.endswith(f".{CHECKS[name].name}")


@pytest.mark.parametrize("name", CHECKS)
def test_the_right_answer_passes(name, capsys):
    CHECKS[name](CHECKS[name].right)
    assert f"✓ {CHECKS[name].name}: right" in capsys.readouterr().out
    for other in CHECKS[name].also_right:
        CHECKS[name](other)


def reason(check, answer):
    """What a check says of a wrong answer; empty if it accepts it."""
    try:
        check(answer)
    except Wrong as wrong:
        return str(wrong)
    return ""


@pytest.mark.parametrize("name", CHECKS)
def test_every_known_mistake_is_told_by_its_sentence(name):
    check = CHECKS[name]
    told = {
        (text, k): reason(check, mistake)
        for text, functions in check.mistakes.items()
        for k, mistake in enumerate(functions)
    }
    assert {which: said for which, said in told.items() if which[0] not in said} == {}


@pytest.mark.parametrize("name", CHECKS)
def test_every_check_knows_mistakes_and_has_inputs(name):
    check = CHECKS[name]
    assert len(check.mistakes) >= 4
    assert check.cases or isinstance(check, Property)


@pytest.mark.parametrize("name", CHECKS)
def test_an_unwritten_answer_is_asked_for(name):
    def stub(*_):
        raise NotImplementedError()

    with pytest.raises(Wrong, match="not written yet"):
        CHECKS[name](stub)


NONSENSE = (
    lambda *_: None,
    lambda *_: "text",
    lambda *_: torch.full((2, 2), math.nan),
    lambda *_: 1 / 0,
    lambda *_: object(),
    lambda *_: [[1.0], [2.0, 3.0]],
    lambda *_: {"a": 1},
    lambda *_: ("a", "b"),
    lambda *_: torch.complex(torch.ones(2), torch.ones(2)),
)


@pytest.mark.parametrize("name", CHECKS)
def test_nonsense_is_refused_with_a_reason(name):
    said = {k: reason(CHECKS[name], nonsense) for k, nonsense in enumerate(NONSENSE)}
    assert {
        k: s for k, s in said.items() if not re.match(f"{CHECKS[name].name}: .{{15,}}", s)
    } == {}


@pytest.mark.parametrize("name", CHECKS)
def test_a_value_in_place_of_the_function_is_refused(name):
    with pytest.raises(Wrong, match="expected the function itself"):
        CHECKS[name](3.0)


# ---------------------------------------------------------------- the course's own solutions


@pytest.mark.parametrize("chapter", exercises.standing())
def test_the_solutions_pass(chapter):
    module = chapter[3:]
    source = (exercises.solutions_folder() / f"{chapter}.py").read_text(encoding="utf-8")
    imported = f"from genimg_lib.check import {module} as check"
    source = source.replace("from genimg_lib import check\n", imported + "\n")
    assert imported in source
    space, said = {}, io.StringIO()
    with contextlib.redirect_stdout(said):
        for cell in jupytext.reads(source, fmt="py:percent").cells:
            if cell.cell_type == "code":
                exec(compile(cell.source, chapter, "exec"), space)
    asked = re.findall(r"^check\.(\w+)\(", source, re.M)
    assert re.findall(r"✓ (\w+): right", said.getvalue()) == asked
