"""The check of the gradient penalty, which asks where the critic is asked, and for what."""

import torch
import torch.nn.functional as F

from genimg_lib.check import inputs
from genimg_lib.check.gradients import CUTTERS, watched
from genimg_lib.check.judge import Property
from genimg_lib.check.values import as_tensor
from genimg_lib.check.wording import show, what_is
from genimg_lib.check.wrong import Wrong

NO_GRAPH = (
    "the value is right, but it has no gradient for the critic's weights, so it would penalise "
    "nothing: torch.autograd.grad needs create_graph=True."
)
DETACHED = (
    "the value is right, but it has no gradient for the critic's weights, so it would penalise "
    "nothing: "
)


class Bowl(inputs.Network):
    """Images -> half the sum of curvature x², with the slope curvature * x. Notes the x."""

    def __init__(self, curvature, seen):
        super().__init__("critic")
        self.register_buffer("curvature", curvature)
        self.seen = seen

    def forward(self, x):
        self.seen.append(x.detach().clone())
        return (self.curvature * x.square()).flatten(1).sum(dim=1) / 2

    def __deepcopy__(self, memo):
        return Bowl(self.curvature.clone(), self.seen)  # one list, whatever copies are handed out


class Bent(inputs.Network):
    """Images -> logits, curved, times a weight that can be trained."""

    def __init__(self):
        super().__init__("critic")
        self.weight = torch.nn.Parameter(torch.ones(()))

    def forward(self, x):
        x = x.flatten(1)
        along = torch.tanh(x @ torch.linspace(-1, 1, x.shape[1], dtype=x.dtype))
        return self.weight * (along + 0.3 * x.square().sum(dim=1))


class Flat(inputs.Network):
    """Images -> (weight - 1) times their sum: at weight 1 the slope is exactly 0."""

    def __init__(self):
        super().__init__("critic")
        self.weight = torch.nn.Parameter(torch.ones(()))

    def forward(self, x):
        return ((self.weight - 1) * x).flatten(1).sum(dim=1)


def _holds(ask):
    for k, shape in enumerate(((2, 3, 4), (2,), (5,))):
        axes = f"[N, {', '.join(map(str, shape))}]"
        try:
            problem = _at_random_points(ask, 60 + k, shape)
        except Wrong as wrong:
            if not k:
                raise
            raise Wrong(
                f"right for images [N, C, H, W], but for points {axes} it {wrong}"
            ) from None
        if problem:
            return (
                f"right for images [N, C, H, W], but not for points {axes}: {problem}"
                if k
                else problem
            )
    return _trains(ask)


def _at_random_points(ask, seed, shape):
    """What is wrong with where the critic is asked, or with the value; in one shape of images."""
    n = 400
    real, fake = inputs.normal(seed, n, *shape), inputs.normal(seed + 1, n, *shape)
    seen = []
    curvature = inputs.uniform(seed + 2, *shape, low=0.1, high=0.4)
    given = ask(Bowl(curvature, seen), real, fake)
    value = as_tensor(given)
    if value is None or value.dim():
        return f"expected one number, got {what_is(given)}."
    if not seen:
        return (
            "the critic is never asked: the penalty is about its slope at points between real and "
            "fake images."
        )
    asked = _one_batch(seen, real)
    if problem := _points(asked, real, fake):
        return problem
    problem = _value(value.double().item(), (curvature * asked).double())
    return problem or _always_alike(ask, curvature, real, fake)


def _one_batch(seen, real):
    """The points of the last call; or of all of them, where each was asked about one image."""
    if len(seen) % len(real) == 0 and all(x.numel() == real[0].numel() for x in seen):
        return torch.cat([x.reshape(1, *real.shape[1:]) for x in seen[-len(real) :]])
    return seen[-1]


def _always_alike(ask, curvature, real, fake):
    """Whether the alphas are the same in every call."""
    found = []
    for _ in range(2):
        seen = []
        ask.answer(Bowl(curvature, seen), real.clone(), fake.clone())
        found.append(_one_batch(seen, real))
    if torch.equal(*found):
        return (
            "alpha is the same in every call: it is drawn anew each time, torch.rand, without a "
            "seed."
        )
    return None


def _points(x, real, fake):
    if x.shape != real.shape:
        return (
            f"the critic is asked about {list(x.shape)}; expected as many points as images, "
            f"{list(real.shape)}: one between each real image and its fake."
        )
    if not x.isfinite().all():
        return "the critic is asked about points that are not finite numbers."
    each, off = _along(x, real, fake)
    if off > 1e-2:
        if _along(x, real, -fake)[1] < 1e-2:
            return (
                "a point is not on the line between its two images: the fake's sign is turned. It "
                "is alpha real + (1 - alpha) fake."
            )
        return (
            "a point is not on the line between its two images: alpha is one number for each "
            "image, [N, 1, 1, 1] for images and [N, 1] for points, the same for all of its pixels."
        )
    return _how_far(each)


def _along(x, real, fake):
    """(how far along the line from fake to real each point is, [N]; how far off it)."""
    step, way = ((t - fake).flatten(1).double() for t in (real, x))
    each = (way * step).sum(dim=1) / step.square().sum(dim=1)
    return each, (way - each[:, None] * step).abs().max()


def _how_far(each):
    """What is wrong with the alphas of the images."""
    if each.min() > 1 - 1e-4:
        return (
            "only at real images. The slope matters where the generator's images travel: between "
            "fake and real."
        )
    if each.max() < 1e-4:
        return (
            "only at fakes. The slope matters where the generator's images travel: between fake "
            "and real."
        )
    if each.max() - each.min() < 1e-4:
        return (
            "one alpha for the whole batch: all points are equally far along. Each image gets its "
            "own."
        )
    if each.min() < -1e-3 or each.max() > 1 + 1e-3:
        return (
            f"alpha goes from {each.min():.1f} to {each.max():.1f}, as if it were normal: many "
            "points are beyond the two images. torch.rand is uniform in 0..1."
        )
    if abs(each.mean() - 0.5) > 0.08 or abs(each.var() - 1 / 12) > 0.02:
        return (
            f"alpha is in 0..1, but not uniform: mean {each.mean():.2f} and variance "
            f"{each.var():.3f}; expected 0.5 and 0.083."
        )
    return None


def _lengths(slope):
    return slope.flatten(1).norm(dim=1)


WRONG_VALUES = {
    "the norm runs over the channels only (dim=1 of [N, C, H, W]). It is the length of an image's "
    "whole gradient: flatten first.": lambda slope: (slope.norm(dim=1) - 1).square().mean(),
    "the norm runs over the last axis only. It is the length of an image's whole gradient: flatten "
    "first.": lambda slope: (slope.norm(dim=-1) - 1).square().mean(),
    "the norm runs over the places only, H and W. It is the length of an image's whole gradient: "
    "flatten first.": (lambda slope: (slope.flatten(2).norm(dim=2) - 1).square().mean()),
    "one norm for the whole batch. Each image has its own slope.": lambda slope: (
        slope.norm() - 1
    ).square(),
    "the 1 is missing: this pulls the slope to 0, as R1 does.": lambda slope: (
        _lengths(slope).square().mean()
    ),
    "the mean of the lengths first: a steep place excuses a flat one. Square for each image, then "
    "take the mean.": (lambda slope: (_lengths(slope).mean() - 1).square()),
    "the weight (10 in the paper) is multiplied on later; give the penalty itself.": lambda slope: (
        10 * (_lengths(slope) - 1).square().mean()
    ),
    "the distance from 1 is not squared.": lambda slope: (_lengths(slope) - 1).abs().mean(),
    "the distance from 1 is neither squared nor without its sign.": lambda slope: (
        _lengths(slope) - 1
    ).mean(),
    "the root is missing: the squared length was compared with 1.": lambda slope: (
        (_lengths(slope).square() - 1).square().mean()
    ),
    "averaged over the pixels under the root; a length sums.": lambda slope: (
        (slope.flatten(1).square().mean(dim=1).sqrt() - 1).square().mean()
    ),
    "every entry of the gradient was compared with 1; it is its length.": lambda slope: (
        (slope - 1).square().mean()
    ),
    "the sum of absolute values; the length is the root of the sum of squares.": lambda slope: (
        (slope.flatten(1).abs().sum(dim=1) - 1).square().mean()
    ),
    "summed over the batch; take the mean over images.": lambda slope: (
        (_lengths(slope) - 1).square().sum()
    ),
    "one-sided: slopes below 1 go free. The paper's penalty pulls them up to 1.": lambda slope: (
        F.relu(_lengths(slope) - 1).square().mean()
    ),
    "the slope of the *mean* logit is N times too small. Differentiate the sum.": lambda slope: (
        (_lengths(slope) / len(slope) - 1).square().mean()
    ),
}


def _close(a, b):
    return abs(a - b) <= 2e-4 * (abs(b) + 0.01)


def _value(value, slope):
    right = (_lengths(slope) - 1).square().mean().item()
    if _close(value, right):
        return None
    for text, wrong in WRONG_VALUES.items():
        try:
            if _close(value, wrong(slope).item()):
                return text
        except (IndexError, RuntimeError):  # for other shapes of images
            continue
    factor = value / right
    return (
        f"the points are right, but expected {show(right)}, the mean of (|slope| - 1)² over the "
        f"images, got {show(value)}, {factor:.4g} times that."
    )


# ---------------------------------------------------------------- training by it


def _gradient(ask, critic, shape=(2, 3, 4)):
    """(gradient by the critic's weight, or None; the Watch)."""
    real, fake = inputs.normal(71, 4, *shape), inputs.normal(72, 4, *shape)
    penalty, watch = watched(ask.answer, (critic, real, fake))
    if isinstance(penalty, Exception):
        raise penalty
    if not isinstance(penalty, torch.Tensor) or not penalty.requires_grad:
        return None, watch
    return torch.autograd.grad(penalty, critic.weight, allow_unused=True)[0], watch


def _trains(ask):
    ask(Bent(), inputs.normal(73, 3, 2), inputs.normal(74, 3, 2))  # what it changes is noted
    found, watch = _gradient(ask, Bent())
    if found is None or found.abs() < 1e-9:
        return _why_not(watch)
    at_zero, _ = _gradient(ask, Flat())
    if at_zero is not None and not at_zero.isfinite():
        return (
            "right, until the slope is 0 somewhere: the derivative of a square root at 0 is "
            "infinite, and the weights become NaN. Use torch.linalg.vector_norm."
        )
    return None


def _why_not(watch):
    if watch.graphs and not all(watch.graphs):
        return NO_GRAPH
    causes = [CUTTERS[c] for c in watch.cutters]
    return DETACHED + (causes[-1] if causes else "somewhere it was cut off") + "."


# ---------------------------------------------------------------- right and wrong answers


def _line(real, fake, alpha):
    return alpha * real + (1 - alpha) * fake


def _alpha(real):
    return torch.rand(len(real), *[1] * (real.dim() - 1), dtype=real.dtype)


def _slope(critic, x, reduce=torch.sum):
    x = x.detach().clone().requires_grad_()
    return torch.autograd.grad(reduce(critic(x)), x, create_graph=True)[0]


def _length(slope):
    return torch.linalg.vector_norm(slope.flatten(1), dim=1)


def _right(critic, real, fake):
    return (_length(_slope(critic, _line(real, fake, _alpha(real)))) - 1).square().mean()


def _with_length(of):
    """The gradient penalty, but for what is made of the slopes."""
    return lambda critic, real, fake: of(_slope(critic, _line(real, fake, _alpha(real))))


def _with_alpha(alpha):
    """The gradient penalty, but for where the critic is asked."""
    return lambda critic, real, fake: (
        (_length(_slope(critic, _line(real, fake, alpha(real)))) - 1).square().mean()
    )


def _for_images_only(critic, real, fake):
    x = _line(real, fake, torch.rand(len(real), 1, 1, 1))
    return (_length(_slope(critic, x)) - 1).square().mean()


gradient_penalty = Property(
    "gradient_penalty",
    _right,
    _holds,
    {
        "as if it were normal": _with_alpha(lambda real: torch.randn(len(real), 1, 1, 1)),
        "the same for all of its pixels": _with_alpha(torch.rand_like),
        "one alpha for the whole batch": _with_alpha(lambda real: torch.rand(())),
        "only at real images": _with_alpha(lambda real: 1.0),
        "only at fakes": _with_alpha(lambda real: 0.0),
        "not uniform": _with_alpha(lambda real: _alpha(real).square()),
        "expected as many points as images": lambda critic, real, fake: (
            (_length(_slope(critic, torch.cat([real, fake]))) - 1).square().mean()
        ),
        "but not for points [N, 2]: the critic is asked about": _for_images_only,
        "over the channels only": _with_length(
            lambda slope: (slope.norm(dim=1) - 1).square().mean()
        ),
        "over the last axis only": _with_length(
            lambda slope: (slope.norm(dim=-1) - 1).square().mean()
        ),
        "one norm for the whole batch": _with_length(lambda slope: (slope.norm() - 1).square()),
        "the derivative of a square root at 0 is infinite": _with_length(
            lambda slope: (slope.flatten(1).square().sum(dim=1).sqrt() - 1).square().mean()
        ),
        "as R1 does": _with_length(lambda slope: _length(slope).square().mean()),
        "a steep place excuses a flat one": _with_length(
            lambda slope: (_length(slope).mean() - 1).square()
        ),
        "the weight (10 in the paper)": _with_length(
            lambda slope: 10 * (_length(slope) - 1).square().mean()
        ),
        "is not squared": _with_length(lambda slope: (_length(slope) - 1).abs().mean()),
        "the root is missing": _with_length(
            lambda slope: (_length(slope).square() - 1).square().mean()
        ),
        "averaged over the pixels under the root": _with_length(
            lambda slope: (slope.flatten(1).square().mean(dim=1).sqrt() - 1).square().mean()
        ),
        "summed over the batch": _with_length(lambda slope: (_length(slope) - 1).square().sum()),
        "one-sided": _with_length(lambda slope: F.relu(_length(slope) - 1).square().mean()),
        "the slope of the *mean* logit": lambda critic, real, fake: (
            (_length(_slope(critic, _line(real, fake, _alpha(real)), torch.mean)) - 1)
            .square()
            .mean()
        ),
        "no gradient for the critic's weights": lambda critic, real, fake: _right(
            critic, real, fake
        ).detach(),
        "the critic is never asked": lambda critic, real, fake: (
            (real - fake).flatten(1).norm(dim=1).mean()
        ),
    },
)
