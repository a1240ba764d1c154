"""Wrong results that are right ones of other arguments: Evidence -> a fact, or None."""

import torch

from genimg_lib.check.arithmetic import EVERY
from genimg_lib.check.evidence import argument

# ---------------------------------------------------------------- two arguments


def exchanged_arguments(e):
    """Two arguments in each other's place."""
    count = len(e.names)
    for i in range(count):
        for j in range(i + 1, count):
            if not all(_swappable(case, i, j) for _, _, case in e.failing):
                continue
            if any(_agrees(e, _swapped(i, j), right) for right in e.rights):
                return f"is what comes out with `{e.names[i]}` and `{e.names[j]}` exchanged"
    return None


def _swappable(case, i, j):
    a, b = argument(case, i), argument(case, j)
    return type(a) is type(b) and isinstance(a, (torch.Tensor, int, float))


def _swapped(i, j):
    def swap(arguments):
        arguments[i], arguments[j] = arguments[j], arguments[i]
        return arguments

    return swap


def _agrees(e, change, right=None):
    """Whether the answer is right for changed arguments, in every wrong case."""
    for given, _, case in e.failing:
        if not e.agree(given, e.know(change(list(case.arguments)), right)):
            return False
    return True


# ---------------------------------------------------------------- one argument

OF_FLOATS = (
    ("|{}|", torch.abs),
    ("-{}", torch.neg),
    ("{}²", torch.square),
    ("the root of {}", lambda x: x.abs().sqrt()),
    ("exp({})", torch.exp),
    ("log {}", lambda x: x.abs().log()),
    ("sigmoid({})", torch.sigmoid),
    ("2 {}", lambda x: 2 * x),
    ("half of {}", lambda x: x / 2),
    ("{} clipped to [-1, 1]", lambda x: x.clamp(-1, 1)),
    ("{} clipped to [0, 1]", lambda x: x.clamp(0, 1)),
    ("{} without what is below 0", lambda x: x.clamp(min=0)),
    ("{} rounded", torch.round),
    ("1 - {}", lambda x: 1 - x),
    ("1 / {}", lambda x: 1 / x),
)
OF_ROWS = (
    ("the mean of {} everywhere", lambda x: torch.full_like(x, x.mean().item())),
    ("the mean of {} over its first axis", lambda x: x.mean(0, keepdim=True).expand_as(x)),
    ("{} less its mean", lambda x: x - x.mean()),
    ("{} less its mean over the last axis", lambda x: x - x.mean(-1, keepdim=True)),
    ("{} over its sum", lambda x: x / x.sum()),
)
OF_ORDER = (
    ("the first of {} for all", lambda x: x[:1].expand_as(x)),
    ("the first of {} alone", lambda x: x[:1]),
    ("the last of {} alone", lambda x: x[-1:]),
    ("{} sorted along its first axis", lambda x: x.sort(dim=0).values),
    ("{} backwards along its first axis", lambda x: x.flip(0)),
    ("{} backwards along its last axis", lambda x: x.flip(-1)),
    ("{} shifted by one along its first axis", lambda x: x.roll(1, 0)),
    ("the transpose of {}", lambda x: x.mT.contiguous()),
)
OF_NUMBERS = (
    ("{}²", lambda v: v**2),
    ("the root of {}", lambda v: abs(v) ** 0.5),
    ("2 {}", lambda v: 2 * v),
    ("half of {}", lambda v: v / 2),
    ("-{}", lambda v: -v),
    ("1 / {}", lambda v: 1 / v),
    ("1 - {}", lambda v: 1 - v),
)
OF_WHOLE_NUMBERS = (
    ("{} + 1", lambda v: v + 1),
    ("{} - 1", lambda v: v - 1),
    ("2 {}", lambda v: 2 * v),
    ("half of {}", lambda v: v // 2),
    ("1", lambda v: 1),
    ("0", lambda v: 0),
)
OF_LISTS = (
    ("{} backwards", lambda rows: rows[::-1]),
    ("the first of {} alone", lambda rows: rows[:1]),
    ("the last of {} alone", lambda rows: rows[-1:]),
    ("{} without its first", lambda rows: rows[1:]),
    ("{} without its last", lambda rows: rows[:-1]),
)


def argument_changed(e):
    """One argument in another form: its square, its mean, another argument in its place."""
    if not e.has_many_numbers:
        return None
    for k, name in enumerate(e.names):
        for words, change in (*_changes(e, k), *_others(e, k)):
            if _agrees(e, _with(k, change)):
                return f"is what comes out with {words.format(name)} in place of {name}, {EVERY}"
    return None


def _changes(e, k):
    """(words, change) for the kind that argument k has in all wrong cases."""
    values = [argument(case, k) for _, _, case in e.failing]
    if all(isinstance(v, bool) or v is None for v in values):
        return ()
    if all(isinstance(v, int) for v in values):
        return OF_WHOLE_NUMBERS
    if all(isinstance(v, (int, float)) for v in values):
        return OF_NUMBERS
    if all(isinstance(v, list) for v in values):
        return OF_LISTS
    if not all(isinstance(v, torch.Tensor) and v.numel() for v in values):
        return ()
    order = OF_ORDER if all(v.dim() for v in values) else ()
    if all(v.is_floating_point() for v in values):
        return (*OF_FLOATS, *(OF_ROWS if order else ()), *order)
    return order if all(v.dtype == torch.bool for v in values) else (*OF_WHOLE_NUMBERS[:2], *order)


def _others(e, k):
    """(words, change) that put another argument of the same kind in the place of argument k."""
    for j, other in enumerate(e.names):
        if j != k and all(_swappable(case, k, j) for _, _, case in e.failing):
            yield f"`{other}`", j


def _with(k, change):
    """Arguments with number k changed; what cannot be changed so becomes a wrong argument, None."""

    def changed(arguments):
        try:
            arguments[k] = arguments[change] if isinstance(change, int) else change(arguments[k])
        except (RuntimeError, IndexError, ValueError, ZeroDivisionError, OverflowError):
            arguments[k] = None
        return arguments

    return changed


def only_the_mean(e):
    """An argument that counts by its mean alone, though its single numbers should."""
    for k, name in enumerate(e.names):
        values = [argument(case, k) for _, _, case in e.failing]
        if not all(isinstance(v, torch.Tensor) and v.is_floating_point() for v in values):
            continue
        seen = [_by_mean(e, case, k) for _, _, case in e.failing if argument(case, k).numel() > 1]
        seen = [same for matters, same in seen if matters]
        if len(seen) > 1 and all(seen):
            return f"depends on the mean of `{name}` alone: the mean was taken too early"
    return None


def _by_mean(e, case, k):
    """(does what is right change if argument k is its mean everywhere; does the answer stay)."""
    arguments = list(case.arguments)
    arguments[k] = torch.full_like(arguments[k], arguments[k].mean().item())
    before, after = e.know(case.arguments), e.know(arguments)
    if before is None or after is None or e.agree(after, before):
        return False, False
    return True, e.agree(e.ask(arguments), e.ask(case.arguments))
