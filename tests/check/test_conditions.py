"""On which inputs, and in which entries, an answer is wrong."""

import pytest
import torch
from test_probes import evidence

from genimg_lib.check import conditions
from genimg_lib.check.cases import drawn
from genimg_lib.check.inputs import normal

NUMBERS = drawn(lambda a, b: (a, b), count=60, a=(-4, 9), b=(1, 4))
IMAGES = [(normal(10 * h + w, n, 1, h, w),) for h in (2, 3) for w in (2, 3) for n in (1, 2)]


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (lambda a, b: b != 1, "b is not 1"),
        (lambda a, b: b == 1, "b is 1"),
        (lambda a, b: a < 0, "a is below 0"),
        (lambda a, b: a % 2 == 1, "a is odd"),
        (lambda a, b: a % b != 0, "a is not a multiple of b"),
        (lambda a, b: a > 5, "a is above 5"),
        (lambda a, b: a > 5 and b == 2, None),
        (lambda a, b: True, None),
    ],
)
def test_what_divides_right_inputs_from_wrong_ones_is_found(bad, words):
    assert (
        conditions.of_inputs(evidence(lambda a, b: a + b + bad(a, b), lambda a, b: a + b, NUMBERS))
        == words
    )


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (lambda x: len(x) != 1, "the length of `x` is not 1"),
        (lambda x: x.shape[2] != x.shape[3], "`x` is not square"),
    ],
)
def test_conditions_of_shapes(bad, words):
    assert conditions.of_inputs(evidence(lambda x: x + bad(x), lambda x: 1 * x, IMAGES)) == words


PLANES = [(normal(k, 4, 5),) for k in range(3)]
SQUARE = [(normal(k, 4, 4),) for k in range(3)]


def off(mask):
    return lambda x: torch.where(mask(x), x + 1, x)


def at(*index):
    def answer(x):
        out = x.clone()
        out[index] += 1
        return out

    return answer


@pytest.mark.parametrize(
    ("answer", "cases", "words"),
    [
        (off(lambda x: x < 0), PLANES, "where `x` is below 0"),
        (off(lambda x: x.abs() > 1), PLANES, "where `x` is beyond [-1, 1]"),
        (at(slice(None), -1), PLANES, "in the last place along axis 1"),
        (at(0), PLANES, "in the first place along axis 0"),
        (at(slice(1, None)), PLANES, "in all places but the first along axis 0"),
        (lambda x: x + torch.eye(4), SQUARE, "on the diagonal"),
        (lambda x: x + 1 - torch.eye(4), SQUARE, "off the diagonal"),
        (lambda x: x + 1, PLANES, None),
        (off(lambda x: x > 0.7), PLANES, None),
    ],
)
def test_where_the_wrong_entries_are_is_found(answer, cases, words):
    assert conditions.of_entries(evidence(answer, lambda x: 1 * x, cases)) == words
