"""Results of another shape than the one wanted: what they are, as far as it can be verified."""

import torch

from genimg_lib.check.evidence import argument, tensors
from genimg_lib.check.wording import plural


def explain(e):
    """A sentence about the smallest case whose result has another shape, or None where none has."""
    rows = [row for row in e.failing if row[0] is not None and row[0].shape != row[1].shape]
    if not rows:
        return None
    rows.sort(key=lambda row: (_ones(row), -row[1].numel()))
    given, wanted, case = rows[0]  # one whose axes tell most
    if (names := _of_arguments(e, rows)) is not None:
        return (
            f"expected the shape of `{names[1]}`, {list(wanted.shape)}, got that of `{names[0]}`, "
            f"{list(given.shape)}"
        )
    sentence = f"expected {_named(e, wanted, case)}, got {_named(e, given, case)}"
    meaning = next(filter(None, (probe(e, rows) for probe in MEANINGS)), None)
    return f"{sentence}: {meaning}" if meaning else sentence


def _ones(row):
    """How many axes of length 1 a row's results have: they tell nothing."""
    return [*row[0].shape, *row[1].shape].count(1)


def _of_arguments(e, rows):
    """Names of the arguments whose shapes are given and wanted; None where there are none."""
    places = range(len(e.names))
    for i in places:
        for j in places:
            both = [(_shape(case, i), _shape(case, j)) for _, _, case in rows]
            if all(pair == (g.shape, w.shape) for pair, (g, w, _) in zip(both, rows, strict=True)):
                return e.names[i], e.names[j]
    return None


def _shape(case, k):
    value = argument(case, k)
    return value.shape if isinstance(value, torch.Tensor) and value.dim() > 1 else None


def _named(e, tensor, case):
    """A shape in words, the axes said to be those of the arguments where only one is so long."""
    if not tensor.dim():
        return "one number"
    words = f"shape {list(tensor.shape)}"
    if tensor.dim() == 1 and (axis := _axis_of(e, tensor.shape[0], case)):
        words += f" (as long as {axis})"
    return words


def _axis_of(e, length, case):
    """The one axis of the arguments that has this length."""
    found = [
        (k, axis)
        for k, v in tensors(case).items()
        for axis, size in enumerate(v.shape)
        if size == length
    ]
    if len({axis for _, axis in found}) == 1 and length > 1:
        k, axis = found[0]
        return f"axis {axis} of `{e.names[k]}`"
    return None


def _every(e, rows, change):
    """Whether change(given, wanted) agrees with what is wanted in every row; change may fail."""
    try:
        return all(e.agree(change(g, w), w) for g, w, _ in rows)
    except (RuntimeError, IndexError, ValueError):
        return False


def _only_reshaped(e, rows):
    if _every(e, rows, lambda g, w: g.reshape(w.shape)):
        given, wanted, _ = rows[0]
        extra = given.dim() - wanted.dim()
        if not all(_long(g) == _long(w) for g, w, _ in rows) or abs(extra) != 1:
            return "the numbers are right and in order, in another shape: use reshape"
        if extra == 1:
            return "the numbers are right, with one axis too many: squeeze it, or drop keepdim"
        return (
            "the numbers are right, with one axis too few: keep it (keepdim=True), or put it in "
            "again"
        )
    return None


def _long(tensor):
    """The axes that are longer than 1."""
    return [length for length in tensor.shape if length != 1]


def _transposed(e, rows):
    if all(g.dim() >= 2 for g, _, _ in rows) and _every(e, rows, lambda g, w: g.mT):
        return "this is the transpose of what is right"
    return None


def _not_reduced(e, rows):
    """An axis that still has to be summed or averaged over."""
    extra = {g.dim() - w.dim() for g, w, _ in rows}
    if extra != {1}:
        return _not_reduced_to_a_number(e, rows)
    for axis in range(rows[0][0].dim()):
        for name in ("sum", "mean"):
            if _every(e, rows, lambda g, w, axis=axis, name=name: getattr(g, name)(dim=axis)):
                return f"its {name} over axis {axis} is right, so that is still to be taken"
    return None


def _not_reduced_to_a_number(e, rows):
    if all(not w.dim() for _, w, _ in rows):
        for name in ("mean", "sum"):
            if _every(e, rows, lambda g, w, name=name: getattr(g, name)()):
                return f"its {name} is right, so that is still to be taken"
    return None


def _reduced_too_far(e, rows):
    """The sum or the mean of what is right, over an axis that should stay."""
    for name in ("mean", "sum"):
        if all(_same(e, g, getattr(w, name)()) for g, w, _ in rows):
            return f"this is the {name} of what is right, over all of it"
        for axis in range(rows[0][1].dim()):
            if all(axis < w.dim() and _same(e, g, getattr(w, name)(dim=axis)) for g, w, _ in rows):
                return f"this is the {name} of what is right over axis {axis}, which has to stay"
    return None


def _same(e, given, other):
    return given.numel() == other.numel() and e.agree(given.reshape(other.shape), other)


def _all_pairs(e, rows):
    """[N, N] where [N] is wanted: the right numbers on the diagonal."""
    square = all(g.dim() == 2 and g.shape == (w.numel(), w.numel()) for g, w, _ in rows)
    if square and _every(e, rows, lambda g, w: g.diagonal().reshape(w.shape)):
        return (
            "the right numbers are on the diagonal: [N, 1] against [N] makes every pair, [N, N]. "
            "Bring both to one shape"
        )
    return None


def _a_piece(e, rows):
    """What is right, cut off or with more around it."""
    if any(g.dim() != w.dim() for g, w, _ in rows):
        return None
    if all(e.agree(g, _cut(w, g.shape)) for g, w, _ in rows):
        return "this is the beginning of what is right; the end is missing"
    if all(e.agree(_cut(g, w.shape), w) for g, w, _ in rows):
        return "it begins with what is right and goes on too long"
    return None


def _cut(tensor, shape):
    return tensor[tuple(slice(size) for size in shape)]


def _begins_right(e, rows):
    """The right numbers at the beginning of an axis that is too short or too long."""
    (axes,) = {g.dim() for g, _, _ in rows} if len({g.dim() for g, _, _ in rows}) == 1 else (0,)
    for axis in range(axes):
        counts = [_beginning(e, g, w, axis) for g, w, _ in rows]
        if min(counts) > 0:
            given, wanted, _ = rows[0]
            return (
                f"the first {plural(counts[0], 'place')} along axis {axis} agree; then come "
                f"{given.shape[axis] - counts[0]}, where {wanted.shape[axis] - counts[0]} belong"
            )
    return None


def _beginning(e, given, wanted, axis):
    """How many places along an axis agree, from the first on; the other axes have to be alike."""
    if given.dim() != wanted.dim():
        return 0
    alike = [a == b for a, b in zip(given.shape, wanted.shape, strict=True)]
    if alike.count(False) != 1 or alike[axis]:
        return 0
    count = 0
    while count < min(given.shape[axis], wanted.shape[axis]):
        if not e.agree(given.select(axis, count), wanted.select(axis, count)):
            break
        count += 1
    return count


def _several_in_one(e, rows):
    """Batch and another axis have become one."""
    given, wanted, _ = rows[0]
    if 0 < given.dim() < wanted.dim() and given.numel() == wanted.numel() > 1:
        return "it has as many numbers as it should, but axes were merged"
    return None


MEANINGS = (
    _only_reshaped,
    _transposed,
    _not_reduced,
    _all_pairs,
    _reduced_too_far,
    _a_piece,
    _begins_right,
    _several_in_one,
)
