"""Wrong numbers that are a simple function of the right ones: Evidence -> a fact, or None."""

import math

import torch

from genimg_lib.check.evidence import argument

EVERY = "on every input"

TRANSFORMS = (
    ("has the wrong sign", torch.neg),
    ("is the absolute value of what is right", torch.abs),
    ("is what is right with all below 0 cut off", lambda w: w.clamp(min=0)),
    ("is what is right cut off at 1", lambda w: w.clamp(max=1)),
    ("is what is right cut off to 0..1", lambda w: w.clamp(0, 1)),
    ("is rounded to whole numbers", torch.round),
    ("is rounded down to whole numbers", torch.floor),
    ("is rounded up to whole numbers", torch.ceil),
    ("is cut to whole numbers", torch.trunc),
    ("is the square of what is right", torch.square),
    ("is the square root of what is right", lambda w: w.abs().sqrt()),
    ("is 1 divided by what is right: upside down", torch.reciprocal),
    ("is 1 minus what is right", lambda w: 1 - w),
    ("is the exponential of what is right", torch.exp),
    ("is the logarithm of what is right", lambda w: w.abs().log()),
    ("is the sigmoid of what is right", torch.sigmoid),
)


def transformed(e):
    """A known function of what is right."""
    for text, change in TRANSFORMS:
        if e.all_agree(change) and not all(e.agree(w, change(w)) for _, w, _ in e.failing):
            return f"{text}, {EVERY}" if e.has_many_numbers or _telling(e) else None
    return None


def _telling(e):
    """Whether the only wrong number is such that a function of it is no accident."""
    (value,) = e.failing[0][1].flatten().tolist() or (0.0,)
    return all(abs(value - plain) > 1e-3 for plain in (-1, 0, 0.5, 1, 2))


NAMED_FACTORS = {
    2.0: "twice",
    0.5: "half of",
    3.0: "three times",
    4.0: "four times",
    0.25: "a quarter of",
    1 / math.log(2): "1 / log 2 times (bits where nats are meant)",
    math.log(2): "log 2 times (nats and bits exchanged)",
    1 / math.log(10): "1 / log 10 times (natural and decimal logarithm exchanged)",
    math.log(10): "log 10 times (natural and decimal logarithm exchanged)",
    math.pi: "π times",
    2 * math.pi: "2π times",
    1 / math.pi: "1/π times",
    100.0: "100 times (per cent?)",
    255.0: "255 times",
    127.5: "127.5 times",
    1 / 255: "1/255 of",
}


def factor(e):
    """A constant times what is right."""
    ratios = _ratios(e)
    if ratios is None or not e.has_many_numbers:
        return None
    ratio = _common(torch.cat(ratios), e.tolerance)
    if ratio is None or abs(ratio - 1) < 10 * e.tolerance or ratio == 0:
        return None
    for value, name in NAMED_FACTORS.items():
        for sign, minus in ((1, ""), (-1, "minus ")):
            if abs(ratio / (sign * value) - 1) < 1e-3:
                return f"is {minus}{name} what is right, {EVERY}. {_hint(e, ratio)}"
    return f"is {ratio:.4g} times what is right, {EVERY}. {_hint(e, ratio)}"


def _hint(e, ratio):
    """What a factor may be: a size that all wrong inputs share, or something lost."""
    for text, values in _quantities(e):
        if all(v and (abs(v - ratio) < 1e-6 or abs(v * ratio - 1) < 1e-6) for v in values):
            return f"There, that is {'1 / ' if ratio < 1 else ''}{text}."
    return "Which factor was lost, or counted twice?"


def _ratios(e):
    """Given over wanted in each wrong case, without zeros; None where this makes no sense."""
    if not e.comparable:
        return None
    found = []
    for g, w, _ in e.failing:
        there = w.abs() > 1e-6
        if not there.any() or not g.isfinite().all() or (g[~there].abs() > 1e-5).any():
            return None
        found.append((g[there] / w[there]).flatten())
    return found


def _common(values, tolerance):
    """The number that all values are, or None."""
    middle = values.median()
    near = (values - middle).abs().max() < 20 * tolerance * middle.abs() + 1e-9
    return middle.item() if near and middle.isfinite() else None


def factor_is_a_size(e):
    """A size or an argument times what is right, or divided by it."""
    ratios = _ratios(e)
    if ratios is None:
        return None
    each = [_common(r, e.tolerance) for r in ratios]
    if any(r is None or r == 0 for r in each) or len(each) < 2:
        return None
    if max(each) - min(each) < 1e-3 * abs(max(each, key=abs)):
        return None
    for text, values in _quantities(e):
        for form, power in POWERS:
            if all(
                v and v > 0 and abs(r / v**power - 1) < 2e-3
                for r, v in zip(each, values, strict=True)
            ):
                return form.format(text) + f", {EVERY}"
    return None


POWERS = (
    ("is what is right times {}: summed where a mean belongs, or not divided", 1),
    ("is what is right divided by {}: a mean where a sum belongs, or divided once too often", -1),
    ("is what is right times the square of {}", 2),
    ("is what is right divided by the square of {}", -2),
    ("is what is right times the root of {}", 0.5),
    ("is what is right divided by the root of {}", -0.5),
)


def difference(e):
    """A constant, or an argument, added to what is right."""
    if not e.comparable or not e.has_many_numbers:
        return None
    offs = [(g - w).flatten() for g, w, _ in e.failing]
    if any(not o.numel() or not o.isfinite().all() for o in offs):
        return None
    each = [o.median().item() for o in offs]
    scales = [w.abs().max().item() + abs(m) for (_, w, _), m in zip(e.failing, each, strict=True)]
    nears = [20 * e.tolerance * scale for scale in scales]  # large numbers blur their own case only
    if any((o - m).abs().max() > near for o, m, near in zip(offs, each, nears, strict=True)):
        return None
    near, clearest = min(zip(nears, each, strict=True))
    if abs(clearest) <= near:  # within the blur of the numbers themselves: no constant to name
        return None
    if all(abs(d - clearest) <= near + its for d, its in zip(each, nears, strict=True)):
        word = "plus" if clearest > 0 else "minus"
        return f"is what is right {word} {abs(clearest):.4g}, {EVERY}"
    for text, values in _quantities(e):
        for sign, word in ((1, "plus"), (-1, "minus")):
            for form, change in SUMMANDS:
                if all(
                    v and v > 0 and abs(d - sign * change(v)) <= its
                    for d, v, its in zip(each, values, nears, strict=True)
                ):
                    return f"is what is right {word} {form.format(text)}, {EVERY}"
    return None


SUMMANDS = (
    ("{}", float),
    ("half of {}", lambda v: v / 2),
    ("one less than {}", lambda v: v - 1),
    ("half of one less than {}", lambda v: (v - 1) / 2),
    ("the square of {}", lambda v: v**2),
    ("the logarithm of {}", math.log),
)


def _quantities(e):
    """(in words, its value in each wrong case): lengths of axes, products of them, numbers."""
    cases = [case for _, _, case in e.failing]
    for k, name in enumerate(e.names):
        values = [argument(case, k) for case in cases]
        if all(isinstance(v, (int, float)) and not isinstance(v, bool) for v in values):
            yield f"`{name}`", values
        if all(isinstance(v, list) for v in values):
            yield f"the length of `{name}`", [len(v) for v in values]
    for k, name in enumerate(e.names):
        values = [argument(case, k) for case in cases]
        if all(isinstance(v, torch.Tensor) for v in values) and len({v.dim() for v in values}) == 1:
            yield from _sizes(name, values)


def _sizes(name, values):
    axes = values[0].dim()
    for axis in range(axes):
        yield _axis_in_words(name, axis, axes), [v.shape[axis] for v in values]
    if axes > 1:
        yield f"the number of entries of `{name}`", [v.numel() for v in values]
        yield f"the number of entries of one row of `{name}`", [v[0].numel() for v in values]
    if axes == 4:
        yield f"H W of `{name}`", [v.shape[2] * v.shape[3] for v in values]
        yield f"N H W of `{name}`", [len(v) * v.shape[2] * v.shape[3] for v in values]
        yield f"N C of `{name}`", [v.shape[0] * v.shape[1] for v in values]
    n = [v.shape[-1] for v in values]
    yield (
        f"n / (n - 1), with n the last axis of `{name}`",
        [s / (s - 1) if s > 1 else None for s in n],
    )


def _axis_in_words(name, axis, axes):
    named = {4: "NCHW"}.get(axes)
    if named:
        return f"{named[axis]}, axis {axis} of `{name}`"
    return f"the length of `{name}`" if axes == 1 else f"the length of axis {axis} of `{name}`"


def nearly_right(e):
    """Off by little everywhere."""
    if not e.comparable:
        return None
    if all(_is_whole(g) and _is_whole(w) and (g - w).abs().max() <= 1 for g, w, _ in e.failing):
        return "is off by 1 in places, and never by more. Is it rounded as it should be?"
    most = max(_relative(g, w) for g, w, _ in e.failing)
    if most > 0.03:
        return None
    return (
        f"is nearly right, off by up to {100 * most:.2g} % of the largest number. Was a small "
        "number added, something rounded, or n - 1 used for n?"
    )


def _is_whole(tensor):
    return torch.equal(tensor, tensor.round()) and tensor.numel() > 0 and tensor.abs().max() > 9


def _relative(given, wanted):
    """How far off the worst number is, relative to the largest; infinite if senseless."""
    if not given.isfinite().all() or not wanted.numel() or wanted.abs().max() == 0:
        return math.inf
    return ((given - wanted).abs().max() / wanted.abs().max()).item()


def nearly_a_factor(e):
    """Whole numbers that are a constant times what is right, but for rounding."""
    if not e.comparable or len(e.failing) < 3:
        return None
    g, w = (torch.cat([row[k].flatten() for row in e.failing]) for k in (0, 1))
    if not torch.equal(g, g.round()) or min(g.abs().max(), w.abs().max()) < 20:
        return None
    ratio = (g @ w / (w @ w)).item()
    if (g - ratio * w).abs().max() > 1 or abs(ratio - 1) < 0.02:
        return None
    return (
        f"is about {ratio:.3g} times what is right, rounded, {EVERY}. Which factor is another one?"
    )
