"""Answers as students write them: right ones pass, wrong ones hear the cause."""

import importlib
import re
from pathlib import Path

import pytest
from answer_table import ANSWERS

from genimg_lib.check import MODULES, Wrong
from genimg_lib.check.judge import checks_of

TABLES = sorted(path.stem for path in Path(__file__).parent.glob("answers_*.py"))
for table in TABLES:
    importlib.import_module(table)
ALL = [(table, k) for table in TABLES for k in range(len(ANSWERS[table]))]


def reason(answer):
    """What the check says of a wrong answer; empty if it accepts it."""
    module, name = answer.check.split(".")
    check = checks_of(importlib.import_module(f"genimg_lib.check.{module}"))[name]
    try:
        check(answer.function)
    except Wrong as wrong:
        return str(wrong)
    return ""


def where(table, k):
    answer = ANSWERS[table][k]
    return f"{table[8:]}-{k}-{answer.check}-line{answer.function.__code__.co_firstlineno}"


@pytest.mark.parametrize(("table", "k"), ALL, ids=[where(*both) for both in ALL])
def test_an_answer_is_judged_by_what_it_is(table, k):
    answer = ANSWERS[table][k]
    said = reason(answer)
    if answer.is_right:
        assert said == ""
    else:
        assert re.search(answer.cause, said, re.S), said or "accepted"


def test_most_reasons_name_the_cause():
    wrong = [answer for table in TABLES for answer in ANSWERS[table] if not answer.is_right]
    assert sum(answer.is_told for answer in wrong) >= 0.95 * len(wrong)


def test_every_check_has_a_right_and_a_wrong_answer():
    for kind in (True, False):
        tried = {a.check for table in TABLES for a in ANSWERS[table] if a.is_right == kind}
        every = {f"{module}.{name}" for module in MODULES for name in checks_of(of(module))}
        assert not every - tried, f"write some into tests/check/answers_*.py: {every - tried}"


def of(module):
    return importlib.import_module(f"genimg_lib.check.{module}")
