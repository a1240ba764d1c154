"""Results of another shape: what they are, where that can be verified."""

import pytest
import torch
from test_probes import evidence

from genimg_lib.check import shapes
from genimg_lib.check.inputs import normal

CASES = [(normal(1, 3, 4),), (normal(2, 2, 5),)]
SQUARES = [(normal(3, 3, 2, 4, 4),), (normal(4, 2, 3, 5, 5),)]


def mean(x):
    return x.mean(dim=1)


@pytest.mark.parametrize(
    ("answer", "right", "cases", "fact"),
    [
        (
            lambda x: x.mean(dim=1, keepdim=True),
            mean,
            CASES,
            "got shape [3, 1]: the numbers are right, with one axis too many",
        ),
        (
            lambda x: x.mean(dim=0),
            mean,
            CASES,
            "expected shape [3] (as long as axis 0 of `x`), got shape [4] (as long as axis 1 of "
            "`x`)",
        ),
        (lambda x: x / x.shape[1], mean, CASES, "its sum over axis 1 is right"),
        (lambda x: x, mean, CASES, "its mean over axis 1 is right"),
        (lambda x: x.mean(), mean, CASES, "got one number: this is the mean of what is right"),
        (
            lambda x: x,
            lambda x: x.mean(),
            CASES,
            "expected one number, got shape [2, 5]: its mean is right",
        ),
        (lambda x: torch.diag(mean(x)) + 1 - torch.eye(len(x)), mean, CASES, "every pair, [N, N]"),
        (lambda x: x.T @ x, lambda x: x @ x.T, CASES, "expected shape [3, 3], got shape [4, 4]"),
        (lambda x: x.T, lambda x: 1 * x, CASES, "this is the transpose of what is right"),
        (lambda x: x[:, :-1], lambda x: 1 * x, CASES, "the end is missing"),
        (lambda x: torch.cat([x, x]), lambda x: 1 * x, CASES, "goes on too long"),
        (lambda x: x.flatten(1), lambda x: 1 * x, SQUARES, "in another shape: use reshape"),
        (lambda x: x[0], lambda x: x[:1], [(torch.rand(3, 4),)], "with one axis too few"),
        (
            lambda x: x.mean(dim=1),
            lambda x: x.mean(dim=1, keepdim=True),
            SQUARES,
            "keep it (keepdim=True)",
        ),
    ],
)
def test_a_shape_is_explained(answer, right, cases, fact):
    assert fact in shapes.explain(evidence(answer, right, cases))


def test_what_begins_right_is_said_to():
    e = evidence(lambda x: torch.cat([x, x[:, :1]], 1), lambda x: torch.cat([x, -x, x], 1), CASES)
    assert "the first 4 places along axis 1 agree; then come 1, where 8 belong" in shapes.explain(e)


def test_the_shape_of_another_argument_is_named():
    pairs = [(normal(1, 2, 3), normal(2, 4, 3)), (normal(3, 2, 5), normal(4, 3, 5))]
    e = evidence(lambda a, b: b - a.mean(), lambda a, b: a - b.mean(), pairs)
    assert shapes.explain(e) == "expected the shape of `a`, [2, 5], got that of `b`, [3, 5]"


def test_the_right_shape_is_no_matter():
    assert shapes.explain(evidence(lambda x: x + 1, lambda x: x, CASES)) is None
