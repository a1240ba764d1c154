"""On which inputs an answer is wrong, and in which entries of its results."""

import math

import torch

from genimg_lib.check.evidence import argument, tensors
from genimg_lib.check.values import differing

# ---------------------------------------------------------------- inputs

ENOUGH = 3  # so many wrong and right inputs: fewer are divided by something by accident
OF_ONE = " is not 1"  # but a length or a number of 1 is a likely cause: there 2 are enough


def of_inputs(e):
    """What all wrong inputs have and no right one has, in words; or None."""
    fewer = min(sum(e.wrong), len(e.wrong) - sum(e.wrong))
    if fewer < ENOUGH - 1:
        return None
    words = next(_dividing(e), None)
    return words if words and (fewer >= ENOUGH or words.endswith((OF_ONE, " is 1"))) else None


def _dividing(e):
    """Conditions that hold for all wrong inputs and for no right one, in words."""
    there = {}
    for case in e.cases:
        for words, holds in _features(e, case):
            there.setdefault(words, []).append(holds)
    for words, holds in there.items():
        if len(holds) == len(e.cases):
            if holds == e.wrong:
                yield words
            if [not h for h in holds] == e.wrong:
                yield _negated(words)
    if words := _threshold(e):
        yield words


def _negated(words):
    if " is not " in words:
        return words.replace(" is not ", " is ")
    return words.replace(" is ", " is not ", 1)


def _features(e, case):
    """(in words, whether it holds) of one case."""
    for name, value in zip(e.names, case.arguments, strict=False):
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            yield from _of_number(name, value)
        if isinstance(value, torch.Tensor) and value.numel():
            yield from _of_tensor(name, value)
        if isinstance(value, list):
            yield f"`{name}` is not of length 1", len(value) != 1
            yield from _of_rows(name, value)
    yield from _of_pairs(e, case)


def _of_number(name, value):
    yield f"{name} is not 1", value != 1
    yield f"{name} is 0", value == 0
    yield f"{name} is below 0", value < 0
    if float(value).is_integer():
        yield f"{name} is odd", value % 2 == 1
        yield f"{name} is not a multiple of 8", value % 8 != 0


def _of_rows(name, rows):
    """Of lists of tuples, such as layers: each place by itself."""
    if rows and all(isinstance(row, tuple) for row in rows):
        for k in range(len(rows[0])):
            if all(isinstance(row[k], int) for row in rows):
                yield f"a value at place {k} of `{name}` is not 1", any(row[k] != 1 for row in rows)


def _of_tensor(name, value):
    if value.dim():
        yield f"the length of `{name}` is not 1", len(value) != 1
    if value.dim() in (2, 4):
        yield f"`{name}` is not square", value.shape[-1] != value.shape[-2]
    yield f"`{name}` is not of 4 axes", value.dim() != 4
    if value.is_floating_point():
        yield f"`{name}` has one axis", value.dim() == 1
        yield f"`{name}` is partly 0", bool((value == 0).any())
        yield f"`{name}` is partly below 0", bool((value < 0).any())
        yield f"`{name}` is partly beyond 50", bool((value.abs() > 50).any())


def _of_pairs(e, case):
    arguments = case.arguments
    for i in range(len(arguments)):
        for j in range(i + 1, len(arguments)):
            a, b, names = arguments[i], arguments[j], (e.names[i], e.names[j])
            if isinstance(a, torch.Tensor) and isinstance(b, torch.Tensor) and a.dim() and b.dim():
                yield f"`{names[0]}` is not as long as `{names[1]}`", len(a) != len(b)
            if isinstance(a, int) and isinstance(b, int) and b:
                yield f"{names[0]} is not a multiple of {names[1]}", a % b != 0
                yield f"{names[0]} is greater than {names[1]}", a > b


def _threshold(e):
    """A number above which the answer is wrong, and not below; or the other way round."""
    for k, name in enumerate(e.names):
        values = [_measure(argument(case, k)) for case in e.cases]
        if any(v is None for v in values):
            continue
        wrong = [v for v, w in zip(values, e.wrong, strict=True) if w]
        right = [v for v, w in zip(values, e.wrong, strict=True) if not w]
        words = (
            name
            if not isinstance(e.cases[0].arguments[k], (list, torch.Tensor))
            else f"the length of `{name}`"
        )
        if min(wrong) > max(right):
            return f"{words} is above {max(right):.4g}"
        if max(wrong) < min(right):
            return f"{words} is below {min(right):.4g}"
    return None


def _measure(value):
    if isinstance(value, bool):
        return None
    if isinstance(value, (int, float)):
        return value if math.isfinite(value) else None
    if isinstance(value, list) or (isinstance(value, torch.Tensor) and value.dim()):
        return len(value)
    return None


# ---------------------------------------------------------------- entries


def of_entries(e):
    """Where the wrong entries are, in words that hold for every wrong case; or None."""
    if not e.comparable or not all(w.dim() for _, w, _ in e.failing):
        return None
    found = None
    for given, wanted, case in e.failing:
        off = differing(given, wanted, e.tolerance)
        here = list(_places(e, off, wanted, case)) if not off.all() else []
        found = here if found is None else [words for words in found if words in here]
    return found[0] if found else None


def _places(e, off, wanted, case):
    if len(e.failing) > 1:  # a line of one result alone may be an accident
        yield from _lines(off)
    for k, value in tensors(case).items():
        if value.shape == off.shape and value.is_floating_point():
            name = e.names[k]
            for words, mask in (
                (f"where `{name}` is below 0", value < 0),
                (f"where `{name}` is above 0", value > 0),
            ):
                if torch.equal(off, mask):
                    yield words
            if torch.equal(off, value == 0):
                yield f"where `{name}` is 0"
            if torch.equal(off, value.abs() > 1):
                yield f"where `{name}` is beyond [-1, 1]"
            if torch.equal(off, value.abs() < 1):
                yield f"where `{name}` is within (-1, 1)"
    if torch.equal(off, wanted < 0):
        yield "where what is right is below 0"
    if torch.equal(off, wanted > 0):
        yield "where what is right is above 0"


def _lines(off):
    """First or last lines along an axis that hold all wrong entries, and the diagonal."""
    for axis in range(off.dim()):
        lines = [bool(off.select(axis, k).any()) for k in range(off.shape[axis])]
        if len(lines) > 1:
            where = [k for k, wrong in enumerate(lines) if wrong]
            if where == [0]:
                yield f"in the first place along axis {axis}"
            elif where == [len(lines) - 1]:
                yield f"in the last place along axis {axis}"
            elif where == list(range(1, len(lines))) and len(lines) > 2:
                yield f"in all places but the first along axis {axis}"
    if off.dim() == 2 and off.shape[0] == off.shape[1] > 1:
        diagonal = torch.eye(len(off), dtype=torch.bool)
        if torch.equal(off, diagonal):
            yield "on the diagonal"
        if torch.equal(off, ~diagonal):
            yield "off the diagonal"
    if off.dim() >= 2 and min(off.shape[-2:]) > 2 and not off[..., 1:-1, 1:-1].any():
        yield "at the border"
