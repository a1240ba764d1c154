"""Facts about wrong results that need no list of mistakes."""

import math

import pytest
import torch

from genimg_lib.check import guard, probes
from genimg_lib.check.cases import drawn, ordered
from genimg_lib.check.evidence import evidence_of
from genimg_lib.check.inputs import normal
from genimg_lib.check.trial import tried, truth


def evidence(answer, right, cases):
    cases = ordered(cases)
    names = guard.names_of(right, len(cases[0].arguments))
    wanted = [truth(right, case.arguments) for case in cases]
    return evidence_of(tried("f", answer, [(right, wanted)], cases, names, 1e-4))[0]


def mean(x):
    return x.mean(dim=1)


ROWS = drawn(lambda n, d: (normal(n + 10 * d, n, d),), count=12, n=(2, 5), d=(2, 5))
PAIRS = [(normal(k, 4), normal(k + 9, 4).abs() + 0.5) for k in range(4)]
NUMBERS = [(a, b) for a in (1.5, 2.0, 3.5) for b in (0.5, 4.0)]


@pytest.mark.parametrize(
    ("probe", "answer", "right", "cases", "fact"),
    [
        (probes.nothing_finite, lambda x: x.sum(dim=1) / 0, mean, ROWS, "infinite"),
        (
            probes.nothing_finite,
            lambda x: x.exp().log(),
            lambda x: x,
            [*((normal(k, 3),) for k in range(3)), (torch.tensor([500.0]),)],
            "right for moderate numbers and infinite for extreme ones",
        ),
        (probes.one_value, lambda x: torch.zeros(len(x)), mean, ROWS, "is 0, on every input"),
        (
            probes.exchanged_arguments,
            lambda a, b: b / a,
            lambda a, b: a / b,
            PAIRS,
            "`a` and `b` exchanged",
        ),
        (probes.transformed, lambda x: -mean(x), mean, ROWS, "has the wrong sign"),
        (probes.transformed, lambda x: mean(x) ** 2, mean, ROWS, "is the square of what is right"),
        (probes.transformed, lambda x: mean(x).relu(), mean, ROWS, "with all below 0 cut off"),
        (
            probes.transformed,
            lambda a, b: round(a * b),
            lambda a, b: a * b,
            [(1.5, 0.9), (2.3, 1.1)],
            "rounded to whole numbers",
        ),
        (probes.transformed, lambda a, b: b / a, lambda a, b: a / b, NUMBERS, "upside down"),
        (probes.factor, lambda x: 2 * mean(x), mean, ROWS, "is twice what is right"),
        (
            probes.factor,
            lambda a, b: math.log2(a),
            lambda a, b: math.log(a),
            NUMBERS,
            "1 / log 2 times (bits where nats are meant)",
        ),
        (
            probes.factor_is_a_size,
            lambda x: x.sum(dim=1),
            mean,
            ROWS,
            "times the length of axis 1 of `x`: summed where a mean belongs",
        ),
        (
            probes.factor_is_a_size,
            lambda x: mean(x) / len(x),
            mean,
            ROWS,
            "divided by the length of axis 0 of `x`",
        ),
        (probes.factor_is_a_size, lambda a, b: a * b * b, lambda a, b: a * b, NUMBERS, "times `b`"),
        (probes.difference, lambda x: mean(x) + 0.5, mean, ROWS, "plus 0.5"),
        (probes.difference, lambda a, b: a * b - b, lambda a, b: a * b, NUMBERS, "minus `b`"),
        (
            probes.difference,
            lambda x: mean(x) + math.log(x.shape[1]),
            mean,
            ROWS,
            "plus the logarithm of the length of axis 1",
        ),
        (probes.reordered, lambda x: mean(x).flip(0), mean, ROWS, "backwards along axis 0"),
        (
            probes.reordered,
            lambda x: mean(x).roll(1, 0),
            mean,
            [(normal(1, 5, 2),), (normal(2, 4, 2),)],
            "shifted by one along axis 0",
        ),
        (
            probes.reordered,
            lambda x: mean(x).sort().values,
            mean,
            [(normal(k, 5, 2),) for k in range(3)],
            "in another order",
        ),
        (
            probes.reordered,
            lambda x: (x @ x.T).triu().T,
            lambda x: (x @ x.T).triu(),
            ROWS,
            "the transpose of what is right",
        ),
        (
            probes.no_influence,
            lambda a, b: a * a,
            lambda a, b: a * b,
            PAIRS,
            "does not depend on `b`",
        ),
        (
            probes.batch_as_one,
            lambda x: x - x.mean(),
            lambda x: x - x.mean(dim=1, keepdim=True),
            ROWS,
            "right for each image (or row) alone",
        ),
        (
            probes.nearly_right,
            lambda x: (
                mean(x)
                + 0.001 * mean(x).abs().max() * torch.tensor([1.0, -1.0]).repeat(9)[: len(x)]
            ),
            mean,
            ROWS,
            "off by up to 0.1 %",
        ),
        (
            probes.nearly_a_factor,
            lambda a, b: int(0.8 * a * b),
            lambda a, b: a * b,
            [(a, b) for a in (7, 11, 13) for b in (9, 17)],
            "about 0.797 times",
        ),
        (
            probes.random_each_time,
            lambda x: mean(x) + torch.rand(1),
            mean,
            ROWS,
            "another one each time",
        ),
    ],
)
def test_a_fact_is_found_and_is_silent_about_others(probe, answer, right, cases, fact):
    assert fact in probe(evidence(answer, right, cases))
    found = probe(
        evidence(
            lambda *a: torch.as_tensor(right(*a)) * 0.9 + 0.37 * torch.as_tensor(a[0]).sum() ** 3,
            right,
            cases,
        )
    )
    assert found is None


TWO = [(normal(k, 3, 2), normal(k + 9, 3, 2)) for k in range(4)]


@pytest.mark.parametrize(
    ("answer", "fact"),
    [
        (lambda a, b: a - b.abs(), "with |b| in place of b"),
        (lambda a, b: a - b / 2, "with half of b in place of b"),
        (lambda a, b: a.clamp(-1, 1) - b, "with a clipped to [-1, 1] in place of a"),
        (lambda a, b: a - b[:1], "with the first of b for all in place of b"),
        (lambda a, b: a - b[-1:], "with the last of b alone in place of b"),
        (lambda a, b: a - b.mean(), "with the mean of b everywhere in place of b"),
        (lambda a, b: a.flip(0) - b, "with a backwards along its first axis in place of a"),
        (lambda a, b: a - b**3, None),
    ],
)
def test_a_result_that_is_right_for_another_argument(answer, fact):
    found = probes.argument_changed(evidence(answer, lambda a, b: a - b, TWO))
    assert found is None if fact is None else fact in found


def test_a_number_or_a_list_in_another_form():
    numbers = [(a, b) for a in (2, 5, 7) for b in (1, 3)]
    assert "with `a` in place of b" in probes.argument_changed(
        evidence(lambda a, b: 10 * a + a, lambda a, b: 10 * a + b, numbers)
    )
    assert "with b + 1 in place of b" in probes.argument_changed(
        evidence(lambda a, b: a * (b + 1), lambda a, b: a * b, numbers)
    )
    lists = [([1, 2, 3],), ([4, 0],)]
    assert "with xs backwards in place of xs" in probes.argument_changed(
        evidence(lambda xs: xs[0], lambda xs: xs[-1], lists)
    )


def test_bytes_that_are_off_by_one():
    bytes_ = [(normal(k, 4, 5).abs() * 60,) for k in range(3)]
    e = evidence(lambda x: x.ceil(), lambda x: x.floor(), bytes_)
    assert "off by 1 in places" in probes.nearly_right(e)
    e = evidence(lambda x: x.ceil() + 1, lambda x: x.floor(), bytes_)
    assert "off by 1" not in (probes.nearly_right(e) or "")


def test_a_mean_that_was_taken_too_early():
    e = evidence(lambda x: x.mean().exp(), lambda x: x.exp().mean(), ROWS)
    assert (
        probes.only_the_mean(e) == "depends on the mean of `x` alone: the mean was taken too early"
    )
    assert probes.only_the_mean(evidence(lambda x: 2 * x, lambda x: x, ROWS)) is None


def test_a_factor_that_is_a_size_on_all_wrong_inputs_is_said_to_be_one():
    threes = [(normal(k, 3, 2),) for k in range(3)]
    assert "There, that is the length of axis 0 of `x`." in probes.factor(
        evidence(lambda x: 3 * x, lambda x: x, threes)
    )


def test_a_factor_in_one_case_of_two_is_no_fact():
    halves = [(torch.tensor([1.0, 3.0]),), (torch.tensor([2.0, 2.0, 2.0]),)]
    e = evidence(lambda x: 2 * x if len(x) == 2 else 3 * x, lambda x: x, halves)
    assert probes.factor(e) is None
    assert "times the length of `x`" in probes.factor_is_a_size(e)


def test_order_of_equal_numbers_is_no_fact():
    e = evidence(lambda x: x + 1, lambda x: x, [(torch.ones(3),)])
    assert probes.reordered(e) is None
