"""Mistakes that nobody listed, made of the right answer."""

import math

import pytest
import torch

from genimg_lib.check import inputs, variants
from genimg_lib.check.judge import Check
from genimg_lib.check.wrong import Wrong


def _spread(x):
    return x - x.mean(dim=1, keepdim=True)


def _right(x, y):
    apart = (_spread(x) - y).square()
    apart = apart.sum(dim=1)
    return 0.5 * apart.mean().log() + (x @ y.T).trace() / (len(x) + 2)


CHECK = Check(
    "right",
    _right,
    [
        (torch.tensor([[1.0, 2.0]]), torch.tensor([[3.0, 5.0]])),
        (inputs.normal(1, 3, 4), 2 * inputs.normal(2, 3, 4)),
        (inputs.normal(3, 5, 2), 2 * inputs.normal(4, 5, 2)),
    ],
)


def said(answer, check=CHECK):
    with pytest.raises(Wrong) as caught:
        check(answer)
    return str(caught.value).splitlines()[0]


def apart(x, y):
    return (x - x.mean(dim=1, keepdim=True) - y).square().sum(dim=1)


def product(x, y):
    return (x * y).sum()


ANSWERS = {
    "with * in place of": lambda x, y: (
        0.5 * apart(x, y).mean().log() * product(x, y) / (len(x) + 2)
    ),
    "with - in place of + before": lambda x, y: (
        0.5 * apart(x, y).mean().log() - product(x, y) / (len(x) + 2)
    ),
    "without `0.5 * apart.mean().log() +`": lambda x, y: product(x, y) / (len(x) + 2),
    "without the factor `0.5`": lambda x, y: (
        apart(x, y).mean().log() + product(x, y) / (len(x) + 2)
    ),
    "without the `log` of": lambda x, y: 0.5 * apart(x, y).mean() + product(x, y) / (len(x) + 2),
    "without `dim=1` in `sum`": lambda x, y: (  # all of them summed, as well as by a sum of sums
        0.5 * apart(x, y).sum().log() + product(x, y) / (len(x) + 2)
    ),
    "with `abs` in place of `square`": lambda x, y: (
        0.5 * (x - x.mean(dim=1, keepdim=True) - y).abs().sum(dim=1).mean().log()
        + product(x, y) / (len(x) + 2)
    ),
    "with axis 0 in place of 1 in `mean`": lambda x, y: (
        0.5 * (x - x.mean(dim=0) - y).square().sum(dim=1).mean().log()
        + product(x, y) / (len(x) + 2)
    ),
    "with 1 in place of 2": lambda x, y: (
        0.5 * apart(x, y).mean().log() + product(x, y) / (len(x) + 1)
    ),
    "without parentheses around `len(x) + 2`": lambda x, y: (
        0.5 * apart(x, y).mean().log() + product(x, y) / len(x) + 2
    ),
    "with `x` and `y` exchanged": lambda x, y: (
        0.5 * apart(y, x).mean().log() + product(x, y) / (len(x) + 2)
    ),
    "with + in place of - before `x.mean(": lambda x, y: (
        0.5 * (x + x.mean(dim=1, keepdim=True) - y).square().sum(dim=1).mean().log()
        + product(x, y) / (len(x) + 2)
    ),
    "without the line `apart = apart.sum(dim=1)`": lambda x, y: (
        0.5 * (x - x.mean(dim=1, keepdim=True) - y).square().mean().log()
        + product(x, y) / (len(x) + 2)
    ),
}


@pytest.mark.parametrize("change", ANSWERS)
def test_one_change_of_the_right_answer_is_named(change):
    assert f"this is what comes out {change}" in said(ANSWERS[change])


def test_each_change_is_taken_back():
    before = {text: len(functions) for text, functions in variants.of(_right).items()}
    again = {text: len(functions) for text, functions in variants.of(_right).items()}
    assert before == again  # what was changed was put back
    CHECK(_right)


def test_a_lambda_has_variants_too():
    check = Check("root", lambda w: math.sqrt(w / 2), [(1.0,), (4.0,), (0.1,)])
    assert "with 4 in place of 2" in said(lambda w: math.sqrt(w / 4), check)


def test_right_numbers_of_another_kind_are_no_variant():
    check = Check(
        "first", lambda x: x.argmin(1), [(inputs.normal(5, 3, 4),), (inputs.normal(6, 5, 4),)]
    )
    assert "of another kind" in said(lambda x: x.argmin(1).float(), check)


def test_what_has_no_source_or_could_end_the_process_has_none():
    assert variants.of(torch.cosh) == {}
    factor = 3
    assert variants.of(lambda x: factor * x) == {}
    assert variants.of(lambda A, b: torch.linalg.solve(A, b)) == {}


def test_one_number_alone_proves_no_variant():
    check = Check("half", lambda x: x / 2, [(4.0,)])
    assert "what comes out" not in said(lambda x: x / 4, check)
