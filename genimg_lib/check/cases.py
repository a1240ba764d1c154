"""Inputs of a check, fixed ones and drawn ones, the smallest first."""

import random
from dataclasses import dataclass
from itertools import product

from genimg_lib.check.values import weight

ALL = 60  # ranges with so few combinations are gone through, not drawn from


@dataclass(frozen=True)
class Case:
    """Arguments of one call; a drawn case also knows the numbers that it was built from."""

    arguments: tuple
    build: object = None  # (**numbers) -> arguments
    numbers: tuple = ()  # of (name, value, least value)


def drawn(build, count=16, **ranges):
    """Cases build(**numbers), each number drawn from its range, the same ones each time.

    build: gives a tuple of arguments, or None for numbers that make no sense together.
    ranges: name=(least, most), both included.
    """
    names, lows = list(ranges), [low for low, _ in ranges.values()]
    choices = [range(low, high + 1) for low, high in ranges.values()]
    total = 1
    for choice in choices:
        total *= len(choice)
    if total <= min(ALL, count):
        rows = list(product(*choices))
    else:
        dice = random.Random(len(names) + count)
        rows = list({tuple(dice.choice(choice) for choice in choices) for _ in range(4 * count)})
        rows = sorted(rows, key=lambda row: (sum(row), row))
        rows = rows[:: max(1, len(rows) // count)][:count]
    cases = []
    for row in rows:
        arguments = build(**dict(zip(names, row, strict=True)))
        if arguments is not None:
            cases.append(Case(tuple(arguments), build, tuple(zip(names, row, lows, strict=True))))
    return cases


def ordered(cases):
    """Cases, the smallest arguments first; plain tuples of arguments become cases."""
    cases = [case if isinstance(case, Case) else Case(tuple(case)) for case in cases]
    return sorted(cases, key=lambda case: weight(case.arguments))


def shrunk(case, fails, tries=60):
    """The smallest case found for which fails(case) still holds, by making its numbers smaller."""
    smaller = True
    while smaller and tries > 0:
        smaller = False
        for candidate in _smaller(case):
            tries -= 1
            if tries <= 0:
                break
            if fails(candidate):
                case, smaller = candidate, True
                break
    return case


def _smaller(case):
    """Cases with one number smaller: the least, half-way, one less."""
    for k, (_, value, low) in enumerate(case.numbers):
        for new in dict.fromkeys((low, (low + value) // 2, value - 1)):
            if low <= new < value:
                numbers = [list(n) for n in case.numbers]
                numbers[k][1] = new
                arguments = case.build(**{name: v for name, v, _ in numbers})
                if arguments is not None:
                    yield Case(tuple(arguments), case.build, tuple(map(tuple, numbers)))
