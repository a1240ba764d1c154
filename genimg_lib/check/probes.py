"""What went wrong, found without a list of mistakes.

Each probe: Evidence -> a fact, or None.

A probe says only what it has verified on every wrong input, so that it cannot mislead.
"""

import torch

from genimg_lib.check.arguments import argument_changed, exchanged_arguments, only_the_mean
from genimg_lib.check.arithmetic import (
    EVERY,
    difference,
    factor,
    factor_is_a_size,
    nearly_a_factor,
    nearly_right,
    transformed,
)
from genimg_lib.check.evidence import argument, first_axis, tensors
from genimg_lib.check.wording import show

# ---------------------------------------------------------------- what the results are


def nothing_finite(e):
    """NaN or infinity: everywhere, or at the extremes only."""
    broken = [_is_broken(g, w) for g, w in zip(e.given, e.wanted, strict=True)]
    if not any(broken) or broken != e.wrong:
        return None
    kinds = [_kind(g) for g, b in zip(e.given, broken, strict=True) if b]
    kind = kinds[0] if len(set(kinds)) == 1 else "NaN or infinite"
    if all(e.wrong):
        everywhere = not any(g.isfinite().any() for g in e.given)
        return f"is {kind}, {EVERY}" if everywhere else f"has entries that are {kind}, {EVERY}"
    sizes = [(_largest(case), b) for case, b in zip(e.cases, broken, strict=True)]
    if min(size for size, b in sizes if b) > max(size for size, b in sizes if not b):
        return (
            f"is right for moderate numbers and {kind} for extreme ones: an intermediate result "
            "overflows, or becomes 0 before a logarithm or a division"
        )
    return f"is {kind} on some inputs and right on the others"


def _kind(given):
    return "NaN" if given.isnan().any() else "infinite"


def _is_broken(given, wanted):
    return given is not None and not given.isfinite().all() and bool(wanted.isfinite().all())


def _largest(case):
    """The largest number in the arguments of a case."""
    floats = [v for v in tensors(case).values() if v.is_floating_point() and v.numel()]
    numbers = [abs(v) for v in case.arguments if isinstance(v, (int, float))]
    return max([*(v.abs().max().item() for v in floats), *numbers], default=0)


def random_each_time(e):
    """The same call gives another result."""
    case = e.cases[e.first]
    once, again = (e.ask(case.arguments, number) for number in (1, 2))
    if once is None or again is None or _same(once, again):
        return None
    return "is another one each time for the same input: something in it is random"


def _same(once, again):
    # least squares give other roundings each time
    return once.shape == again.shape and torch.allclose(
        once.nan_to_num(), again.nan_to_num(), rtol=1e-6, atol=1e-9
    )


def one_value(e):
    """The same result whatever the input."""
    there = [g for g in e.given if g is not None]
    if len(there) < 2 or not e.comparable or not e.names:
        return None
    values = torch.cat([g.flatten() for g in there])
    if values.numel() and (values - values[0]).abs().max() == 0:
        return f"is {show(values[0])}, {EVERY}"
    return None


# ---------------------------------------------------------------- order and batches


def reordered(e):
    """The right numbers in another order."""
    if not e.comparable or not all(w.dim() for _, w, _ in e.failing):
        return None
    axes = min(w.dim() for _, w, _ in e.failing)
    square = axes >= 2 and all(w.shape[-1] == w.shape[-2] for _, w, _ in e.failing)
    if square and e.all_agree(lambda w: w.mT):
        return f"is the transpose of what is right, {EVERY}"
    for axis in range(axes):
        if e.all_agree(lambda w, axis=axis: w.flip(axis)):
            return f"is what is right backwards along axis {axis}, {EVERY}"
        for step in (1, -1):
            if e.all_agree(lambda w, axis=axis, step=step: w.roll(step, axis)):
                return f"is what is right, shifted by one along axis {axis}, {EVERY}"
    if e.all_agree_sorted() and e.has_many_numbers:
        return f"has the right numbers in another order, {EVERY}"
    return None


ENOUGH = 4  # changes of an argument that an answer has to ignore: fewer may be an accident


def no_influence(e):
    """An argument that the result did not change with, wherever what is right did.

    Looked for on right inputs too: an answer that is cut off somewhere is flat there alone.
    """
    for k, name in enumerate(e.names):
        ignored = 0
        for case in e.cases[:12]:
            seen = [_changes(e, case, k, other) for other in _others(argument(case, k))]
            if any(seen):
                break
            ignored += seen.count(False)
        else:
            if ignored >= ENOUGH:
                return (
                    f"does not depend on `{name}`: another `{name}` gave the same result each time"
                )
    return None


def _changes(e, case, k, other):
    """Whether the answer changes with argument k; None where that says nothing."""
    arguments = (*case.arguments[:k], other, *case.arguments[k + 1 :])
    before, after = e.know(case.arguments), e.know(arguments)
    if before is None or after is None or e.agree(after, before):
        return None
    first, second = e.ask(case.arguments), e.ask(arguments)
    if first is None or second is None or first.isnan().all():
        return None
    return not _same(first, second)


def _others(value):
    """Other values of the same kind and shape, small changes and large ones."""
    if isinstance(value, torch.Tensor) and value.numel():
        if value.is_floating_point():
            factors = torch.linspace(0.8, 1.3, value.numel(), dtype=value.dtype)
            yield value * factors.view(value.shape)
            yield 5 * value.flatten().roll(1).view(value.shape) + factors.view(value.shape)
        elif value.numel() > 1:
            yield value.flatten().roll(1).view(value.shape)
            yield value.flatten()[:1].expand(value.numel()).reshape(value.shape)
    elif isinstance(value, float):
        yield 0.9 * value + 0.03
        yield 7 * value + 1
    elif isinstance(value, int) and not isinstance(value, bool):
        yield value + 1
        yield value + 2
        yield 64 * value


def batch_as_one(e):
    """Right for each image alone, wrong for several at once."""
    if all(_is_right_alone(e, wanted, case) for _, wanted, case in e.failing):
        return (
            "is right for each image (or row) alone and wrong for several at once: something runs "
            "over the whole batch, where each has to have its own"
        )
    return None


def _is_right_alone(e, wanted, case):
    batched = first_axis(case, wanted)
    if not batched or len(wanted) < 2:
        return False
    for k in range(len(wanted)):
        alone = [v[k : k + 1] if i in batched else v for i, v in enumerate(case.arguments)]
        one = wanted[k : k + 1]
        if not e.agree(e.know(alone), one) or not e.agree(e.ask(alone), one):
            return False
    return True


IN_ORDER = (
    nothing_finite,
    random_each_time,
    exchanged_arguments,
    one_value,
    no_influence,
    transformed,
    factor,
    factor_is_a_size,
    difference,
    reordered,
    argument_changed,
    only_the_mean,
    batch_as_one,
    nearly_a_factor,
    nearly_right,
)
