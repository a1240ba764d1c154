"""Checks of notebook 22, DCGAN."""

import math

import torch
import torch.nn.functional as F

from genimg_lib.check import inputs
from genimg_lib.check.cases import drawn
from genimg_lib.check.first_weights import init_dcgan
from genimg_lib.check.judge import Check, Property
from genimg_lib.check.values import as_tensor, settled
from genimg_lib.check.wording import show

__all__ = [
    "attribute_direction",
    "generator_stack",
    "half_life",
    "init_dcgan",
    "moving_average",
    "set_coordinate",
    "stack_size",
    "to_tanh_range",
]

to_tanh_range = Check(
    "to_tanh_range",
    lambda images: images / 127.5 - 1,
    [
        (torch.tensor([0, 255, 51], dtype=torch.uint8),),
        (inputs.pixels(301, 2, 3, 4, 4),),
        (inputs.integers(302, 200, 1, 1, 5, 2, low=40, dtype=torch.uint8),),
    ],
    {
        "this is 0..1: half of what tanh gives. The discriminator would know every fake by its "
        "dark pixels.": lambda x: x / 255,
        "0..2: the 1 was not taken off.": lambda x: x / 127.5,
        "-1 for black, 0 for white: multiply by 2 before the 1 is taken off.": lambda x: (
            x / 255 - 1
        ),
        "-0.5..0.5: tanh gives twice as much.": lambda x: x / 255 - 0.5,
        "white does not become 1: the values go from 0 to 255, and their middle is 127.5, not "
        "128.": (
            lambda x: (x.float() - 128) / 128,
            lambda x: x.float() / 128 - 1,
            lambda x: (x.float() - 127) / 128,
            lambda x: (x.float() - 128) / 127,
            lambda x: x.float() / 127 - 1,
        ),
        "tanh itself turns nearly everything into 1. Its *range* is meant, by a straight line.": (
            lambda x: torch.tanh(x.float()),
            lambda x: torch.tanh(x / 255),
            lambda x: torch.tanh(x / 127.5 - 1),
        ),
        "these are still 0..255, shifted: whoever divides by 0.5 has to divide by 255 "
        "first.": lambda x: (x.float() - 0.5) / 0.5,
        "in uint8 there is nothing below 0: 100 - 128 becomes 228. Convert to floats first.": (
            lambda x: (x - 128) / 127.5,
            lambda x: (x - 127) / 127.5,
            lambda x: (x - 128) / 128,
            lambda x: (x - 127) / 128,
        ),
        "in uint8 there is nothing above 255: 2 * 200 becomes 144. Convert to floats first.": (
            lambda x: 2 * x / 255 - 1,
            lambda x: (x * 2 - 255) / 255,
        ),
        "whole numbers: // cuts off what stands after the point. Divide with /.": (
            lambda x: x // 127.5 - 1,
            lambda x: x.float() // 127.5 - 1,
        ),
        "mean 0 and deviation 1 have no bounds; tanh gives -1..1. And each batch would be scaled "
        "by other numbers.": lambda x: (x.float() - x.float().mean()) / x.float().std(),
        "scaled by the smallest and the largest value of each batch: the same grey becomes another "
        "number elsewhere. Black is 0 and white 255.": lambda x: (
            (x.float() - x.min()) / (x.max() - x.min()).float() * 2 - 1
        ),
        "upside down: black becomes 1 and white -1.": lambda x: 1 - x / 127.5,
    },
)

# ---------------------------------------------------------------- sizes of stacks


def _up(H, k, s, p):
    return (H - 1) * s + k - 2 * p


def _down(H, k, s, p):
    return (H + 2 * p - k) // s + 1


def _by_rule(side, stack, up=_up, conv=_down):
    for kind, *sizes in stack:
        side = (up if kind == "up" else conv)(side, *sizes)
    return side


def _layers(seed, side, layers):
    """A stack of layers that torch would accept, none of which ends below one pixel."""
    rows = inputs.integers(seed, 1000, layers, 4).tolist()
    start, stack = side, []
    for kind, kernel, stride, padding in rows:
        layer = ("up" if kind % 2 else "conv", 1 + kernel % 5, 1 + stride % 3, padding % 3)
        if layer[3] >= layer[1] or _by_rule(side, [layer]) < 1:
            return None
        side, stack = _by_rule(side, [layer]), [*stack, layer]
    return start, stack


stack_size = Check(
    "stack_size",
    _by_rule,
    [
        (4, [("up", 4, 2, 1)]),
        (8, [("conv", 3, 2, 1)]),
        (4, [("up", 4, 2, 1)] * 3),
        (1, [("up", 4, 1, 0), ("up", 4, 2, 1), ("up", 5, 2, 2), ("conv", 3, 1, 1)]),
        (64, [("conv", 4, 2, 1), ("conv", 3, 2, 1), ("up", 3, 3, 1)]),
        (7, [("up", 3, 2, 1), ("conv", 3, 2, 0), ("up", 6, 4, 0)]),
        *drawn(_layers, count=24, seed=(0, 29), side=(4, 9), layers=(1, 3)),
    ],
    {
        "every layer was taken for a convolution: with stride 2 it halves the side. A generator "
        "that is built so shrinks its image.": lambda H, stack: _by_rule(H, stack, up=_down),
        "every layer was taken for a transposed convolution; a 'conv' makes the image "
        "smaller.": lambda H, stack: _by_rule(H, stack, conv=_up),
        "the two kinds are exchanged.": lambda H, stack: _by_rule(H, stack, up=_down, conv=_up),
        "a transposed convolution multiplies by its stride only where kernel - 2 padding = stride. "
        "In general it is s (H - 1) + k - 2p.": lambda H, stack: _by_rule(
            H, stack, up=lambda H, k, s, p: H * s
        ),
        "a convolution divides by its stride only in special cases. In general it is (H + 2p - k) "
        "// s + 1.": lambda H, stack: _by_rule(H, stack, conv=lambda H, k, s, p: H // s),
        "in a transposed convolution padding is *cut away*: it makes the result "
        "smaller.": lambda H, stack: _by_rule(
            H, stack, up=lambda H, k, s, p: (H - 1) * s + k + 2 * p
        ),
        "the padding counts on both sides: 2p.": (
            lambda H, stack: _by_rule(
                H,
                stack,
                lambda H, k, s, p: (H - 1) * s + k - p,
                lambda H, k, s, p: (H + p - k) // s + 1,
            ),
            lambda H, stack: _by_rule(H, stack, up=lambda H, k, s, p: (H - 1) * s + k - p),
            lambda H, stack: _by_rule(H, stack, conv=lambda H, k, s, p: (H + p - k) // s + 1),
        ),
        "the first stamp needs no step: it is s (H - 1), not s H.": lambda H, stack: _by_rule(
            H, stack, up=lambda H, k, s, p: H * s + k - 2 * p
        ),
        "in a convolution the first place needs no step: 1 has to be added.": lambda H, stack: (
            _by_rule(H, stack, conv=lambda H, k, s, p: (H + 2 * p - k) // s)
        ),
        "a side is a whole number: a convolution rounds down, //.": lambda H, stack: _by_rule(
            H, stack, conv=lambda H, k, s, p: (H + 2 * p - k) / s + 1
        ),
        "a convolution rounds down; this rounds up.": lambda H, stack: _by_rule(
            H, stack, conv=lambda H, k, s, p: -(-(H + 2 * p - k) // s) + 1
        ),
        "only the first layer was counted.": lambda H, stack: _by_rule(H, stack[:1]),
        "only the last layer was counted, from the first side.": lambda H, stack: _by_rule(
            H, stack[-1:]
        ),
        "kernel, stride and padding are taken in another order; a layer is (kind, kernel, stride, "
        "padding).": (
            lambda H, stack: _by_rule(H, [(kind, k, p, s) for kind, k, s, p in stack]),
            lambda H, stack: _by_rule(H, [(kind, s, k, p) for kind, k, s, p in stack]),
        ),
    },
)


def _arrives(ask):
    for start, size in ((4, 8), (1, 2), (4, 32), (7, 28), (5, 80), (6, 6)):
        problem = _reaches(ask(start, size), start, size)
        if problem:
            return problem
    return None


def _is_layer(layer):
    whole = isinstance(layer, tuple) and all(
        isinstance(v, int) and not isinstance(v, bool) for v in layer
    )
    return whole and len(layer) == 3


def _reaches(stack, start, size):
    """What is wrong with a stack that should lead from one side to another; None if nothing is."""
    if not isinstance(stack, tuple) or not all(_is_layer(layer) for layer in stack):
        return (
            f"expected a list of layers, each (kernel, stride, padding), got {show(stack)} for "
            f"{start} to {size}"
        )
    side = start
    for layer in stack:
        if problem := _layer_problem(side, *layer):
            return problem
        side *= 2
    if side != size:
        return f"from {start} it should go to {size}; these {len(stack)} layers end at {side}."
    return None


def _layer_problem(side, kernel, stride, padding):
    out = _up(side, kernel, stride, padding)
    if stride != 2:
        return (
            f"the layer ({kernel}, {stride}, {padding}) has stride {stride}; all have stride 2 and "
            "double the side. A layer is (kernel, stride, padding)."
        )
    if padding < 0 or kernel < 1 or out != 2 * side:
        return (
            f"the layer ({kernel}, {stride}, {padding}) makes {max(0, out)} pixels of {side}, by s "
            f"(H - 1) + k - 2p; with stride 2 it should make {2 * side}. Which kernel and padding "
            "make it twice the side for any H?"
        )
    if kernel < 3:
        return (
            "the stamps of a kernel of 2 at stride 2 lie side by side and never overlap: the image "
            "is made of blocks. Take a larger kernel."
        )
    return None


def _doublings(start, size, layer=(4, 2, 1), more=0):
    return [layer] * (round(math.log2(size / start)) + more)


generator_stack = Property(
    "generator_stack",
    _doublings,
    _arrives,
    {
        "the layer (3, 2, 1) makes 7 pixels of 4": lambda start, size: _doublings(
            start, size, (3, 2, 1)
        ),
        "the layer (5, 2, 2) makes 7 pixels of 4": lambda start, size: _doublings(
            start, size, (5, 2, 2)
        ),
        "the layer (4, 2, 0) makes 10 pixels of 4": lambda start, size: _doublings(
            start, size, (4, 2, 0)
        ),
        "these 0 layers end at 4": lambda start, size: _doublings(start, size, more=-1),
        "these 2 layers end at 16": lambda start, size: _doublings(start, size, more=1),
        "never overlap": lambda start, size: _doublings(start, size, (2, 2, 0)),
        "has stride 8": lambda start, size: [(size // start, 8, 0)],
        "expected a list of layers": lambda start, size: (4, 2, 1),
    },
)

# ---------------------------------------------------------------- averages of weights

half_life = Check(
    "half_life",
    lambda decay: math.log(0.5) / math.log(decay),
    [(0.999,), (0.9,), (0.5,), (0.25,)],
    {
        "this is 1 / (1 - decay), the mean age of what is in the average: there a weight still "
        "counts 1/e, about 37%.": (lambda d: 1 / (1 - d)),
        "the wrong way up: how often is the decay multiplied until 1/2 is left? decayⁿ = "
        "1/2.": lambda d: math.log(d) / math.log(0.5),
        "the sign is turned: both logarithms are negative.": lambda d: math.log(2) / math.log(d),
        "half of the mean age. It does not fall along a straight line: decayⁿ = 1/2.": lambda d: (
            0.5 / (1 - d)
        ),
        "a number of steps is wanted; this is what is left after one half step.": lambda d: d**0.5,
        "this is log 2 times the mean age, which is near where the decay is near 1. Exactly it is "
        "decayⁿ = 1/2.": lambda d: math.log(2) / (1 - d),
        "1 - decay was put where the rest of the sum belongs: decayⁿ = 1/2 is all.": lambda d: (
            math.log(0.5 / (1 - d)) / math.log(d)
        ),
        "a power of the decay, or a quotient, is no number of steps: decayⁿ = 1/2, so a logarithm "
        "is needed.": (lambda d: 0.5 / d, lambda d: 0.5**d, lambda d: 2 / (1 - d)),
        "rounded to whole steps; it need not be whole.": (
            lambda d: math.ceil(math.log(0.5) / math.log(d)),
            lambda d: round(math.log(0.5) / math.log(d)),
            lambda d: int(math.log(0.5) / math.log(d)),
        ),
        "1 - decay is what the newest weights get; what is left of old ones is multiplied by the "
        "decay.": lambda d: math.log(0.5) / math.log(1 - d),
        "this is where 1/e of it is left; half is left at decayⁿ = 1/2.": lambda d: (
            -1 / math.log(d)
        ),
    },
)


def _running(history, decay, start=None):
    average = torch.zeros_like(history[0]) if start is None else start
    for weights in history:
        average = decay * average + (1 - decay) * weights
    return average


def _each_time(history, decay):
    average = torch.zeros_like(history[0])
    for k, weights in enumerate(history, start=1):
        average = (decay * average + (1 - decay) * weights) / (1 - decay**k)
    return average


def _by_ages(history, decay):
    ages = torch.arange(len(history) - 1, -1, -1, dtype=history.dtype)
    share = decay**ages
    return torch.einsum("t,t...->...", share / share.sum(), history)


def _history(seed, n, d, tenths):
    return 2 + inputs.normal(seed, n, d), tenths / 10


moving_average = Check(
    "moving_average",
    _by_ages,
    [
        (torch.tensor([[1.0], [3.0]]), 0.5),
        (2 + inputs.normal(311, 5, 3), 0.9),
        (inputs.normal(312, 9, 2, 2), 0.5),
        (1 + inputs.normal(313, 3, 4), 0.99),
        *drawn(_history, count=8, seed=(0, 9), n=(1, 5), d=(1, 3), tenths=(1, 9)),
    ],
    {
        "not corrected: the average began at zeros, and after n steps only 1 - decayⁿ of it is "
        "weights. Divide by that.": (_running),
        "decay and 1 - decay are exchanged: this follows the newest weights and forgets the "
        "rest.": (
            lambda h, d: _running(h, 1 - d),
            lambda h, d: _running(h, 1 - d) / (1 - d ** len(h)),
            lambda h, d: _by_ages(h, 1 - d),
        ),
        "begun at the first weights, which then count as much as many later ones. Begin at zeros "
        "and correct.": (
            lambda h, d: _running(h, d, start=h[0]),
            lambda h, d: _running(h[1:], d, start=h[0]),
        ),
        "begun at the first weights *and* corrected: only an average that began at zeros is too "
        "small.": (
            lambda h, d: _running(h, d, start=h[0]) / (1 - d ** len(h)),
            lambda h, d: _running(h[1:], d, start=h[0]) / (1 - d ** len(h)),
        ),
        "corrected after every step, and the corrected one went on. "
        "Correct once, at the end.": _each_time,
        "divided by 1 - decay: that is the correction after one step. After n steps it is 1 - "
        "decayⁿ.": lambda h, d: _running(h, d) / (1 - d),
        "corrected by 1 - decay to the power n - 1; after n steps it is n.": lambda h, d: (
            _running(h, d) / (1 - d ** (len(h) - 1))
        ),
        "corrected by 1 - decay to the power n + 1; after n steps it is n.": lambda h, d: (
            _running(h, d) / (1 - d ** (len(h) + 1))
        ),
        "divided by decayⁿ; the share of the weights is 1 - decayⁿ.": lambda h, d: (
            _running(h, d) / d ** len(h)
        ),
        "the new weights count whole: they are multiplied by 1 - decay.": lambda h, d: (
            _running(h, d) / (1 - d) / (1 - d ** len(h))
        ),
        "corrected by 1 - (1 - decay)ⁿ; it is 1 - decayⁿ.": lambda h, d: (
            _running(h, d) / (1 - (1 - d) ** len(h))
        ),
        "divided by the number of steps; the weights' shares add up to 1 - decayⁿ.": lambda h, d: (
            _running(h, d) / (len(h) * (1 - d))
        ),
        "multiplied by 1 - decayⁿ; it is divided by it, since the average is too "
        "small.": lambda h, d: _running(h, d) * (1 - d ** len(h)),
        "the ordinary mean: all steps count alike. Here a step counts decay times what the next "
        "one does.": lambda h, d: h.mean(dim=0),
        "from the end to the beginning: the *last* weights count most.": lambda h, d: _by_ages(
            h.flip(0), d
        ),
        "these are the last weights; nothing is averaged.": lambda h, d: h[-1],
    },
)

# ---------------------------------------------------------------- directions


def _with_and_without(seed, n, d, share):
    has = torch.arange(n) < share
    latents = inputs.normal(seed, n, d) + 0.5 + has[:, None] * inputs.normal(seed + 1, d)
    order = torch.randperm(n, generator=torch.Generator().manual_seed(seed))
    return latents[order], has[order]


def _direction(latents, has):
    return latents[has].mean(dim=0) - latents[~has].mean(dim=0)


def _of_length_one(result):
    """A direction without its length; anything else as it is."""
    tensor = as_tensor(settled(result))
    if tensor is None or tensor.dim() != 1 or not tensor.is_floating_point():
        return result
    return F.normalize(tensor, dim=0)


attribute_direction = Check(
    "attribute_direction",
    _direction,
    [
        (torch.tensor([[1.0, 0.0], [3.0, 5.0], [0.0, 1.0]]), torch.tensor([True, True, False])),
        _with_and_without(321, 12, 6, 4),
        _with_and_without(323, 20, 3, 13),
        _with_and_without(325, 9, 8, 3),
    ],
    {
        "it points from 'with' to 'without': along it glasses come off.": lambda z, has: (
            -_direction(z, has)
        ),
        "sums, not means: with fewer portraits that have it the direction would be about their "
        "number.": lambda z, has: z[has].sum(dim=0) - z[~has].sum(dim=0),
        "the mean of those with it. What all portraits share has to be taken off.": lambda z, has: (
            z[has].mean(dim=0)
        ),
        "the mean of those without it is all there is; it is to be taken off the mean of those "
        "with it.": lambda z, has: z[~has].mean(dim=0),
        "the two means were added; the second is taken off.": lambda z, has: (
            z[has].mean(dim=0) + z[~has].mean(dim=0)
        ),
        "averaged over the coordinates as well; it is a direction, [d].": lambda z, has: (
            z[has].mean() - z[~has].mean()
        ),
        "averaged over the coordinates instead of the portraits; it is a direction, "
        "[d].": lambda z, has: z[has].mean(dim=1)[0] - z[~has].mean(dim=1)[0],
        "one pair only: it holds everything else in which these two differ. Averages cancel "
        "that.": lambda z, has: z[has][0] - z[~has][0],
        "the medians; the text asks for nothing but where they lie on average, the "
        "means.": lambda z, has: z[has].median(dim=0).values - z[~has].median(dim=0).values,
    },
    up_to=_of_length_one,  # any length: the next task divides by it
)


def _set_coordinate(z, direction, target):
    unit = direction / direction.norm()
    return z + (target - z @ unit)[:, None] * unit


def _along(z, unit, target):
    return z + (target - z @ unit)[:, None] * unit


def _movable(seed, n, d, target):
    return inputs.normal(seed, n, d), 2 * inputs.normal(seed + 50, d), float(target)


set_coordinate = Check(
    "set_coordinate",
    _set_coordinate,
    [
        (torch.tensor([[1.0, 5.0]]), torch.tensor([2.0, 0.0]), 3.0),
        (inputs.normal(331, 4, 6), 3 * inputs.normal(332, 6), 2.0),
        (inputs.normal(333, 7, 3), 0.5 * inputs.normal(334, 3), -1.5),
        (inputs.normal(335, 2, 5), inputs.normal(336, 5), 0.5),
        *drawn(_movable, count=6, seed=(0, 9), n=(1, 3), d=(1, 4), target=(-2, 2)),
    ],
    {
        "moved by the target, not to it: a portrait that has glasses gets them again. Take off the "
        "coordinate it has.": (lambda z, d, t: z + t * d / d.norm()),
        "moved by the whole direction, t times. Bring it to length 1, and move only as far as is "
        "missing.": lambda z, d, t: z + t * d,
        "the direction is not of length 1 here: divide by its length before you measure and move "
        "along it.": (lambda z, d, t: z + (t - z @ d)[:, None] * d),
        "measured along the direction of length 1, but moved along the longer "
        "one.": lambda z, d, t: z + (t - z @ d / d.norm())[:, None] * d,
        "measured along the direction as it is, and moved along the one of length 1: measure along "
        "that too.": (lambda z, d, t: z + (t - z @ d)[:, None] * d / d.norm()),
        "divided by the squared length once and not twice: the coordinate is that of the unit "
        "vector.": lambda z, d, t: z + (t - z @ d)[:, None] * d / (d @ d),
        "only what lies along the direction is left: all portraits become the same. The rest of z "
        "stays as it is.": (lambda z, d, t: torch.full_like(z, t) * d / d.norm()),
        "the coordinate was taken off, and the target not put on.": lambda z, d, t: _set_coordinate(
            z, d, 0.0
        ),
        "one distance for all: the mean coordinate was moved. Each latent has a coordinate of its "
        "own.": lambda z, d, t: z + (t - (z @ d).mean() / d.norm()) * d / d.norm(),
        "the sign of the coordinate is turned: it is taken off, z . u.": lambda z, d, t: (
            z + (t + z @ d / d.norm())[:, None] * d / d.norm()
        ),
        "the first latent's coordinate was taken for all.": lambda z, d, t: (
            z + (t - z[0] @ d / d.norm()) * d / d.norm()
        ),
        "only the way was given; add it to z.": lambda z, d, t: _set_coordinate(z, d, t) - z,
        "moved the wrong way: by target minus coordinate.": lambda z, d, t: (
            z + (z @ d / d.norm() - t)[:, None] * d / d.norm()
        ),
        "divided by the squared length; the unit vector is d / |d|.": (
            lambda z, d, t: z + (t - z @ (d / (d @ d)))[:, None] * (d / (d @ d))
        ),
        "the target was multiplied by the direction's length.": lambda z, d, t: _set_coordinate(
            z, d, t * d.norm()
        ),
        "brought back to the old length, which changes the coordinate again.": lambda z, d, t: (
            F.normalize(_set_coordinate(z, d, t), dim=1) * z.norm(dim=1, keepdim=True)
        ),
        "divided by the sum of absolute values; a unit vector has length 1, the root of the sum of "
        "squares.": lambda z, d, t: _along(z, d / d.abs().sum(), t),
        "divided by the largest entry; a unit vector has length 1.": lambda z, d, t: _along(
            z, d / d.abs().max(), t
        ),
        "z was made 1 long first; only its coordinate changes.": lambda z, d, t: _set_coordinate(
            F.normalize(z, dim=1), d, t
        ),
        "scaled: all of z was multiplied until the coordinate is right. Move along u; change "
        "nothing else.": lambda z, d, t: z * (t / (z @ d / d.norm()))[:, None],
    },
)
