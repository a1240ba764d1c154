"""Checks of notebook 21, the first GAN."""

import math
from functools import partial

import torch
import torch.nn.functional as F

from genimg_lib.check import inputs
from genimg_lib.check.cases import drawn
from genimg_lib.check.judge import Check, Property
from genimg_lib.check.values import kind_of
from genimg_lib.check.wording import (
    A_COUNT,
    BOTH_LABELLED_REAL,
    CUT_OFF,
    HALF_OF_BOTH,
    ONLY_FAKES,
    ONLY_REAL,
    REAL_FAKE_EXCHANGED,
    SUMMED_EACH_PART,
    THIS_IS_V,
    UNSAFE_SIGMOID,
    show,
    what_is,
)

steps_in_epoch = Check(
    "steps_in_epoch",
    lambda images, batch: images // batch,
    [
        (60_000, 64),
        (1_000, 100),
        (50, 50),
        (4_096, 100),
        (4_010, 100),
        *drawn(
            lambda images, batch: (images + batch, batch), count=12, images=(0, 20), batch=(1, 9)
        ),
    ],
    {
        "this is the size of a batch. An epoch ends when every image has been seen, not after as "
        "many steps as a batch has images.": lambda n, b: b,
        "one step for each image: a step sees a whole batch of them.": lambda n, b: n,
        "rounded up. What is left at the end is too small for a batch, and run.batches drops it.": (
            lambda n, b: -(-n // b),
        ),
        "rounded down, plus 1. What is left over at the end is too small for a batch, and where "
        "nothing is left there is not even that.": lambda n, b: n // b + 1,
        "a step is taken or not: give a whole number.": lambda n, b: n / b,
        "rounded to the nearest whole number; what is too small for a batch is "
        "dropped.": lambda n, b: round(n / b),
        "these are the images that are left over.": lambda n, b: n % b,
        "images and batch are exchanged.": lambda n, b: b // n,
    },
)

# ---------------------------------------------------------------- labels


def _labels(ask):
    for n in (5, 1, 8):
        out = ask(n)
        problem = _three_tensors(out, n) or _which_labels(tuple(out))
        if problem:
            return problem
    return None


def _three_tensors(out, n):
    if not isinstance(out, (tuple, torch.Tensor)) or len(out) != 3:
        return (
            "expected three tensors (the labels of the real images, of the fakes in the "
            f"discriminator's step, of the fakes in the generator's), got {what_is(out)}"
        )
    if not all(isinstance(y, torch.Tensor) for y in out):
        return f"expected three tensors of {n} labels, got {show(out)}"
    if any(y.shape != (n,) for y in out):
        return (
            f"expected {n} labels in each, [{n}], got {', '.join(str(list(y.shape)) for y in out)}"
        )
    if any(not y.is_floating_point() for y in out):
        return (
            f"expected floats, got {kind_of(next(y for y in out if not y.is_floating_point()))}: "
            "binary cross-entropy compares labels with probabilities. torch.ones and torch.zeros "
            "give floats."
        )
    return None


def _which_labels(out):
    if any(((y != 0) & (y != 1)).any() for y in out):
        values = [sorted({round(v, 3) for v in y.tolist()})[:3] for y in out]
        return (
            f"the labels are {', '.join(map(str, values))}; a label says what the loss should call "
            "an image, real (1) or fake (0). Random ones tell nobody anything."
        )
    ones = [bool((y == 1).all()) for y in out]
    zeros = [bool((y == 0).all()) for y in out]
    if zeros[0] and ones[1]:
        return (
            "real and fake are exchanged: D is the probability of *real*, so real images carry 1."
        )
    if ones[0] and ones[1]:
        return "everything is real in the discriminator's step: it has nothing to tell apart."
    if zeros[0] and zeros[1]:
        return "everything is fake in the discriminator's step: it has nothing to tell apart."
    if ones[0] and zeros[1] and zeros[2]:
        return (
            "in the generator's step its fakes carry the label 0: it would learn to look *less* "
            "real. It wants D to say real."
        )
    if ones[0] and zeros[1] and ones[2]:
        return None
    return (
        "the labels of one kind are not all alike: all real images carry 1, all fakes 0 in D's "
        "step and 1 in G's."
    )


step_labels = Property(
    "step_labels",
    lambda n: (torch.ones(n), torch.zeros(n), torch.ones(n)),
    _labels,
    {
        "in the generator's step its fakes carry the label 0": lambda n: (
            torch.ones(n),
            torch.zeros(n),
            torch.zeros(n),
        ),
        "real and fake are exchanged": lambda n: (torch.zeros(n), torch.ones(n), torch.zeros(n)),
        "Random ones tell nobody anything": lambda n: (
            torch.ones(n),
            torch.zeros(n),
            torch.rand(n),
        ),
        "everything is real in the discriminator's step": lambda n: (torch.ones(n),) * 3,
        "everything is fake in the discriminator's step": lambda n: (
            torch.zeros(n),
            torch.zeros(n),
            torch.ones(n),
        ),
        "expected floats, got whole numbers": lambda n: tuple(
            v.long() for v in (torch.ones(n), torch.zeros(n), torch.ones(n))
        ),
        "expected 5 labels in each": lambda n: (
            torch.ones(n, 1),
            torch.zeros(n, 1),
            torch.ones(n, 1),
        ),
        "real (1) or fake (0)": lambda n: (torch.ones(n), -torch.ones(n), torch.ones(n)),
        "not all alike": lambda n: (torch.ones(n), torch.arange(n) % 2 * 1.0, torch.ones(n)),
    },
)

lowest_with_sigmoid = Check(
    "lowest_with_sigmoid",
    lambda: math.log1p(math.exp(-1)) + math.log(2),
    [()],
    {
        "so low the loss gets without the error. What enters it here is between 0 and 1, and never "
        "a large logit.": (lambda: 0.0),
        "this is where D cannot tell, D = 1/2 and logits of 0. With the error, how sure can it "
        "seem to be?": lambda: 2 * math.log(2),
        "the part of the real images alone. The fakes' part has a lowest value too.": lambda: (
            math.log1p(math.exp(-1))
        ),
        "the part of the fakes alone. The real images' part has a lowest value too.": lambda: (
            math.log(2)
        ),
        "for the fakes too a probability of 1 was put in, with the sign turned. Their best one is "
        "0, and softplus(0) = log 2.": lambda: 2 * math.log1p(math.exp(-1)),
        "this is how *high* it can get, with every answer wrong.": lambda: (
            math.log(2) + math.log1p(math.exp(1))
        ),
        "D = 1/2 on both went into the loss as if it were a logit. A good discriminator says 1 and "
        "0.": lambda: math.log1p(math.exp(-0.5)) + math.log1p(math.exp(0.5)),
        "both parts at probability 1, and the fakes' with the sign of the real ones: they want "
        "0.": lambda: math.log1p(math.exp(-1)) + math.log1p(math.exp(1)),
        "half of it: the loss is the sum of its two parts.": lambda: (
            (math.log1p(math.exp(-1)) + math.log(2)) / 2
        ),
        "in bits. The course uses natural logarithms, nats.": lambda: (
            1 + math.log2(1 + math.exp(-1))
        ),
    },
    tolerance=1e-3,
)

# ---------------------------------------------------------------- the discriminator's step


def _logits_of(D, G, real, z):
    return D(real), D(G(z).detach())


def _d_step(D, G, real, z):
    r, f = _logits_of(D, G, real, z)
    return F.softplus(-r).mean() + F.softplus(f).mean()


def _with_logits(change):
    """A step whose loss is change(real logits, fake logits)."""
    return lambda D, G, real, z: change(*_logits_of(D, G, real, z))


def _without_gradient(D, G, real, z):
    with torch.no_grad():
        return _d_step(D, G, real, z)


def _clamped(r, f):
    return F.binary_cross_entropy(r.clamp(0, 1), torch.ones_like(r)) + F.binary_cross_entropy(
        f.clamp(0, 1), torch.zeros_like(f)
    )


def _cross_entropy(r, f):
    on_real = F.binary_cross_entropy(torch.sigmoid(r), torch.ones_like(r))
    return on_real + F.binary_cross_entropy(torch.sigmoid(f), torch.zeros_like(f))


def _log_of_sigmoid(r, f):
    return -torch.sigmoid(r).log().mean() - (1 - torch.sigmoid(f)).log().mean()


def _players(seed, n, m, d, shape, D=None):
    pixels = torch.Size(shape).numel()
    discriminator = D or inputs.Discriminator(pixels, seed)
    real = 1 + inputs.normal(seed + 2, n, *shape)
    return discriminator, inputs.Generator(d, shape, seed + 3), real, inputs.normal(seed + 4, m, d)


d_step_loss = Check(
    "d_step_loss",
    _d_step,
    [
        _players(221, 1, 1, 1, (2,)),
        _players(226, 1, 1, 1, (1,), D=inputs.Scaling(-1000)),
        _players(231, 3, 2, 2, (2,)),
        _players(236, 7, 7, 3, (4,)),
        _players(241, 4, 6, 3, (1, 2, 2)),
    ],
    {
        "gradients reach `G` as well": lambda D, G, real, z: (
            F.softplus(-D(real)).mean() + F.softplus(D(G(z))).mean()
        ),
        "a part of it is lost": lambda D, G, real, z: (
            F.softplus(-D(real)).mean() + F.softplus(D(G(z)).detach()).mean()
        ),
        "no gradient reaches `D`": _without_gradient,
        ONLY_FAKES: _with_logits(lambda r, f: F.softplus(f).mean()),
        ONLY_REAL: _with_logits(lambda r, f: F.softplus(-r).mean()),
        "a sigmoid was applied before a loss that expects logits: it is applied twice now, and the "
        "loss cannot fall below 1.006.": _with_logits(
            lambda r, f: F.softplus(-torch.sigmoid(r)).mean() + F.softplus(torch.sigmoid(f)).mean()
        ),
        "logits went into a loss that expects probabilities.": _with_logits(_clamped),
        REAL_FAKE_EXCHANGED: _with_logits(
            lambda r, f: F.softplus(r).mean() + F.softplus(-f).mean()
        ),
        BOTH_LABELLED_REAL: _with_logits(
            lambda r, f: F.softplus(-r).mean() + F.softplus(-f).mean()
        ),
        THIS_IS_V: _with_logits(lambda r, f: -F.softplus(-r).mean() - F.softplus(f).mean()),
        HALF_OF_BOTH: _with_logits(lambda r, f: (F.softplus(-r).mean() + F.softplus(f).mean()) / 2),
        SUMMED_EACH_PART: _with_logits(lambda r, f: F.softplus(-r).sum() + F.softplus(f).sum()),
        UNSAFE_SIGMOID: (
            _with_logits(_log_of_sigmoid),
            _with_logits(
                lambda r, f: -torch.sigmoid(r).log().mean() - torch.sigmoid(-f).log().mean()
            ),
        ),
        CUT_OFF: (
            _with_logits(_cross_entropy),
            *(
                _with_logits(
                    lambda r, f, e=e: (
                        -(torch.sigmoid(r) + e).log().mean()
                        - (1 - torch.sigmoid(f) + e).log().mean()
                    )
                )
                for e in (1e-12, 1e-10, 1e-9, 1e-8, 1e-7, 1e-6, 1e-5, 1e-4)
            ),
        ),
        "Wasserstein's loss, the difference of the mean logits; here each logit goes through "
        "softplus.": _with_logits(lambda r, f: f.mean() - r.mean()),
        "this is the generator's loss; the discriminator's has real images in it, and wants fakes "
        "to get low logits.": (_with_logits(lambda r, f: F.softplus(-f).mean())),
        "one number for each image; take the mean of each part.": _with_logits(
            lambda r, f: F.softplus(-r) + F.softplus(f)
        ),
        "the mean over both kinds together; take one mean for the real images and one for the "
        "fakes, and add them.": (
            _with_logits(lambda r, f: torch.cat([F.softplus(-r), F.softplus(f)]).mean())
        ),
        "z itself was given to D: G has to make images of it.": lambda D, G, real, z: (
            F.softplus(-D(real)).mean() + F.softplus(D(z)).mean()
        ),
    },
    gradient=("D",),
    blocked=("G",),
    gradient_hint="torch.no_grad() or detach() belongs to the generator's images only: before D "
    "sees them, not after.",
)

# ---------------------------------------------------------------- along the arc


def _angle(a, b):
    unit_a, unit_b = a / a.norm(dim=1, keepdim=True), b / b.norm(dim=1, keepdim=True)
    return 2 * torch.atan2(
        (unit_a - unit_b).norm(dim=1, keepdim=True), (unit_a + unit_b).norm(dim=1, keepdim=True)
    )


def _arc(a, b, t, angle):
    return (torch.sin((1 - t) * angle) * a + torch.sin(t * angle) * b) / torch.sin(angle)


def _slerp(a, b, t):
    angle = _angle(a, b)
    return torch.where(angle < 1e-7, torch.lerp(a, b, t), _arc(a, b, t, angle))


def _cosine(a, b):
    return (a * b).sum(dim=1, keepdim=True) / (
        a.norm(dim=1, keepdim=True) * b.norm(dim=1, keepdim=True)
    )


def _along_units(a, b, t):
    angle = _angle(a, b)
    a, b = F.normalize(a, dim=1), F.normalize(b, dim=1)
    return torch.where(angle < 1e-7, torch.lerp(a, b, t), _arc(a, b, t, angle))


def _one_angle(a, b, t):
    cosine = (a * b).sum() / (a.norm() * b.norm())
    return _arc(a, b, t, torch.acos(cosine))


def _undivided(a, b, t):
    angle = _angle(a, b)
    return torch.where(angle < 1e-7, torch.lerp(a, b, t), _arc(a, b, t, angle) * torch.sin(angle))


_PARALLEL = (
    torch.tensor([[0.0, 3.0, 4.0, 0.0], [1.0, 0.0, 2.0, 0.0]]),
    torch.tensor([[0.0, 6.0, 8.0, 0.0], [0.0, 2.0, 0.0, 1.0]]),
)


def _latents(seed, n, d, tenths):
    return inputs.normal(seed, n, d), inputs.normal(seed + 50, n, d), tenths / 10


def _by_raw_cosine(a, b, t, least):
    angle = torch.acos((a * b).sum(dim=1, keepdim=True).clamp(-1, 1))
    return torch.where(torch.sin(angle).abs() <= least, torch.lerp(a, b, t), _arc(a, b, t, angle))


def _never_clamped(a, b, t):
    angle = torch.acos(_cosine(a, b))
    return torch.where(angle == 0, torch.lerp(a, b, t), _arc(a, b, t, angle))


slerp = Check(
    "slerp",
    _slerp,
    [
        (torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 2.0]]), 0.5),
        (torch.tensor([[0.0, 3.0]]), torch.tensor([[0.0, 3.0]]), 0.5),
        (*_PARALLEL, 0.25),
        (inputs.normal(255, 40, 32), 2 * inputs.normal(255, 40, 32), 0.4),
        (inputs.normal(251, 4, 8), inputs.normal(252, 4, 8), 0.3),
        (2 * inputs.normal(253, 3, 5), inputs.normal(254, 3, 5), 0.75),
        *drawn(_latents, count=8, seed=(0, 9), n=(1, 3), d=(2, 5), tenths=(0, 10)),
    ],
    {
        "this is the straight line, lerp: half-way between two latents it is too near the middle, "
        "where no latent of the training was.": lambda a, b, t: torch.lerp(a, b, t),
        "right but where both point the same way: the angle is 0 and so is its sine. There the arc "
        "is the straight line.": (
            lambda a, b, t: _arc(a, b, t, torch.acos(_cosine(a, b).clamp(-1, 1))),
            lambda a, b, t: _arc(a, b, t, torch.acos(_cosine(a, b))),
        ),
        "where both point the same way it is 0: the small number below, or what replaces nan, "
        "takes the arc with it. There the arc is the straight line.": (
            lambda a, b, t: torch.nan_to_num(_arc(a, b, t, _angle(a, b))),
            *(
                lambda a, b, t, eps=eps: (
                    _arc(a, b, t, _angle(a, b))
                    * (torch.sin(_angle(a, b)) / (torch.sin(_angle(a, b)) + eps))
                )
                for eps in (1e-8, 1e-7, 1e-6)
            ),
        ),
        "right but for rounding: the cosine of two vectors along one line may come out above 1, "
        "which has no arc cosine. Clamp it to [-1, 1].": (_never_clamped,),
        "from b to a: t = 0 has to give the first.": lambda a, b, t: _slerp(b, a, t),
        "the lengths are lost: the angle is found from vectors of length 1, but a and b themselves "
        "are weighed.": (_along_units),
        "the angle's cosine is a . b / (|a| |b|); without the lengths it may be beyond 1, and has "
        "no arc cosine.": (
            lambda a, b, t: _arc(a, b, t, torch.acos((a * b).sum(dim=1, keepdim=True))),
            lambda a, b, t: _arc(
                a, b, t, torch.acos((a * b).sum(dim=1, keepdim=True).clamp(-1, 1))
            ),
            *(partial(_by_raw_cosine, least=least) for least in (0, 1e-8, 1e-7, 1e-6, 1e-4, 1e-3)),
        ),
        "the cosine was used as the angle. The angle is its arc cosine.": lambda a, b, t: _arc(
            a, b, t, _cosine(a, b)
        ),
        "one angle for the whole batch. Each pair of latents has its own.": _one_angle,
        "the straight line, brought to length 1. The arc keeps the lengths of latents, which are "
        "near the root of d.": (lambda a, b, t: F.normalize(torch.lerp(a, b, t), dim=1)),
        "not divided by the sine of the angle.": (
            lambda a, b, t: _arc(a, b, t, _angle(a, b)) * torch.sin(_angle(a, b)),
            _undivided,
        ),
        "the straight line, brought to a length between the two: an arc goes at an even pace, this "
        "does not.": lambda a, b, t: (
            F.normalize(torch.lerp(a, b, t), dim=1)
            * torch.lerp(a.norm(dim=1, keepdim=True), b.norm(dim=1, keepdim=True), t)
        ),
        "where both point the same way a is given; there it is the straight line, which also goes "
        "from one length to the other.": lambda a, b, t: torch.where(
            _angle(a, b) < 1e-4, a, _slerp(a, b, t)
        ),
    },
    tolerance=2e-4,
)

# ---------------------------------------------------------------- copies


def _squared(x, y):
    """All squared distances of two sets of images: [N, ...], [M, ...] -> [N, M]."""
    return (x.flatten(1)[:, None] - y.flatten(1)).square().sum(dim=2)


def _nearest(x, y):
    return _squared(x, y).sqrt().min(dim=1).values


nearest_neighbours = Check(
    "nearest_neighbours",
    lambda samples, train: _squared(samples, train).argmin(dim=1),
    [
        (torch.tensor([[1.0], [5.0]]), torch.tensor([[4.0], [0.0], [9.0]])),
        (inputs.normal(261, 9, 1, 3, 3), 1.5 * inputs.normal(262, 14, 1, 3, 3)),
        (inputs.normal(263, 6, 3, 2, 2), inputs.normal(264, 6, 3, 2, 2)),
        (inputs.normal(265, 12, 5), 2 * inputs.normal(266, 8, 5)),
    ],
    {
        "these are the farthest ones.": lambda s, t: _squared(s, t).argmax(dim=1),
        "the other way round: for each training image the nearest sample. It is asked for each "
        "sample.": lambda s, t: _squared(s, t).argmin(dim=0),
        "the largest product of pixels: a bright, contrasty image then is near to everything. Near "
        "means a small distance.": lambda s, t: (s.flatten(1) @ t.flatten(1).T).argmax(dim=1),
        "by the angle between images (cosine similarity). The Euclidean distance also minds how "
        "bright they are.": (
            lambda s, t: (
                F.normalize(s.flatten(1), dim=1) @ F.normalize(t.flatten(1), dim=1).T
            ).argmax(dim=1)
        ),
        "these are the distances; it is asked *which* training image it is.": _nearest,
        "these are the squared distances; it is asked *which* training image it is.": lambda s, t: (
            _squared(s, t).min(dim=1).values
        ),
        "by the sum of absolute differences. The Euclidean distance squares them "
        "first.": lambda s, t: (
            (s.flatten(1)[:, None] - t.flatten(1)).abs().sum(dim=2).argmin(dim=1)
        ),
        "by the largest difference of a pixel. The Euclidean distance takes all of "
        "them.": lambda s, t: (
            (s.flatten(1)[:, None] - t.flatten(1)).abs().amax(dim=2).argmin(dim=1)
        ),
        "the differences were summed before they were squared: that compares the brightness of two "
        "images.": (
            lambda s, t: (s.flatten(1)[:, None] - t.flatten(1)).sum(dim=2).square().argmin(dim=1),
            lambda s, t: (s.flatten(1)[:, None] - t.flatten(1)).sum(dim=2).argmin(dim=1),
        ),
        "one index into all pairs. Take the minimum along the training images, for each "
        "sample.": lambda s, t: _squared(s, t).argmin(),
        "these are the nearest images themselves; their indices are wanted.": lambda s, t: t[
            _squared(s, t).argmin(dim=1)
        ],
    },
)


def _share(samples, train, test):
    return (_nearest(samples, train) < _nearest(samples, test)).double().mean()


def _three_sets(seed, n, m, *shape):
    """Samples, a third of them near to training images; training and held-out images."""
    train, test = inputs.normal(seed, m, *shape), inputs.normal(seed + 1, m, *shape)
    samples = inputs.normal(seed + 2, n, *shape)
    copies = min(n // 3, m)
    samples[:copies] = train[:copies] + 0.1 * inputs.normal(seed + 3, copies, *shape)
    return samples, train, test


copied_share = Check(
    "copied_share",
    _share,
    [
        (torch.tensor([[0.0], [2.0], [9.0]]), torch.tensor([[0.1]]), torch.tensor([[3.0]])),
        _three_sets(271, 18, 12, 1, 3, 3),
        _three_sets(275, 30, 20, 4),
        _three_sets(279, 25, 9, 3, 2, 2),
    ],
    {
        "the other way round: these are nearer to a *held-out* image.": lambda s, t, h: (
            (_nearest(s, t) >= _nearest(s, h)).double().mean()
        ),
        "the farthest image of each set; the nearest one is what a copy is near.": lambda s, t, h: (
            (_squared(s, t).amax(dim=1) < _squared(s, h).amax(dim=1)).double().mean()
        ),
        "the numbers of the nearest images were compared; compare their distances.": (
            lambda s, t, h: (
                (_squared(s, t).argmin(dim=1) < _squared(s, h).argmin(dim=1)).double().mean()
            )
        ),
        A_COUNT + " Divide by the number of samples.": lambda s, t, h: (
            _nearest(s, t) < _nearest(s, h)
        ).sum(),
        "divided by the number of training images; it is the share of the "
        "samples.": lambda s, t, h: (_nearest(s, t) < _nearest(s, h)).sum() / len(t),
        "all or nothing: the mean distances were compared. Compare for each sample, then "
        "count.": lambda s, t, h: (_nearest(s, t).mean() < _nearest(s, h).mean()).double(),
        "the mean distance to all images says nothing about copies. Compare the nearest of each "
        "set.": lambda s, t, h: (
            (_squared(s, t).sqrt().mean(dim=1) < _squared(s, h).sqrt().mean(dim=1)).double().mean()
        ),
        "the ratio of the distances; what is asked is how *often* the training image is the nearer "
        "one.": lambda s, t, h: (_nearest(s, t) / _nearest(s, h)).mean(),
        "for each training image it was asked how near the samples are; ask for each sample.": (
            lambda s, t, h: (_nearest(t, s) < _nearest(h, s)).double().mean()
        ),
        "one answer for each sample; give their mean.": lambda s, t, h: (
            _nearest(s, t) < _nearest(s, h)
        ).double(),
        "pair by pair: image k of the one set was compared with image k of the other. Compare the "
        "nearest of each set.": (lambda s, t, h: (_squared(s, t) < _squared(s, h)).double().mean()),
    },
)
