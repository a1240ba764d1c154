"""Inputs: drawn from ranges, the smallest first, made smaller where they fail."""

import torch

from genimg_lib.check.cases import Case, drawn, ordered, shrunk


def build(n, d):
    return (torch.zeros(n, d), n * d) if n != 3 else None


def test_cases_are_drawn_from_their_ranges_the_same_each_time():
    ranges = {"n": (1, 9), "d": (2, 40)}
    first, again = (drawn(build, count=12, **ranges) for _ in range(2))
    assert [c.numbers for c in first] == [c.numbers for c in again]
    assert 8 <= len(first) <= 12
    for case in first:
        n, d = (value for _, value, _ in case.numbers)
        assert 1 <= n <= 9 and n != 3 and 2 <= d <= 40 and case.arguments[0].shape == (n, d)


def test_small_ranges_are_gone_through():
    assert len(drawn(lambda n: (n,), count=16, n=(0, 9))) == 10


def test_the_smallest_case_comes_first():
    cases = ordered([(torch.ones(9),), (torch.ones(1),), (torch.ones(3),)])
    assert [len(case.arguments[0]) for case in cases] == [1, 3, 9]
    assert [c.arguments for c in ordered([(100,), (3,), (-5,)])] == [(3,), (-5,), (100,)]


def test_a_failing_case_shrinks_to_the_smallest_that_fails():
    case = Case(build(8, 30), build, (("n", 8, 1), ("d", 30, 2)))
    small = shrunk(case, lambda c: c.arguments[1] >= 20)
    n, d = (value for _, value, _ in small.numbers)
    assert n == 1 and 20 <= d <= 22


def test_a_case_shrinks_only_so_often():
    tries = []
    shrunk(Case(build(8, 30), build, (("n", 8, 1), ("d", 30, 2))), tries.append, tries=3)
    assert len(tries) <= 3


def test_a_fixed_case_stays_as_it_is():
    case = Case((5,))
    assert shrunk(case, lambda c: True) is case
