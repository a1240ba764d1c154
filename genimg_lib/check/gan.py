"""Checks of chapters 21 to 24, generative adversarial networks."""

import math

import torch
import torch.nn as nn
import torch.nn.functional as F

from genimg_lib import gan
from genimg_lib.check.judge import Check, Property

_g = torch.Generator().manual_seed(21)


def _random(*shape):
    return torch.randn(*shape, generator=_g, dtype=torch.float64)


def _integers(high, *shape, dtype=torch.int64):
    return torch.randint(high, shape, generator=_g, dtype=dtype)


def _is_number(value):
    return isinstance(value, (int, float)) or (
        isinstance(value, torch.Tensor) and value.numel() == 1 and value.dim() == 0
    )


def _close(a, b):
    a, b = (v.item() if isinstance(v, torch.Tensor) else v for v in (a, b))
    return abs(a - b) <= 1e-5 * (1 + abs(b))


# ------------------------------------------------------------------ 21, the first GAN

steps_in_epoch = Check(
    "steps_in_epoch",
    lambda images, batch: images // batch,
    [(60_000, 64), (1_000, 100), (50, 50), (4_096, 100), (4_010, 100)],
    {
        "this is the size of a batch. An epoch ends when every image has been seen, not after as many steps as a batch has images.": lambda n, b: (
            b
        ),
        "one step for each image: a step sees a whole batch of them.": lambda n, b: n,
        "rounded up. What is left at the end is too small for a batch, and run.batches drops it.": lambda n, b: (
            -(-n // b)
        ),
        "a step is taken or not: give a whole number.": lambda n, b: n / b,
        "rounded to the nearest whole number; what is too small for a batch is dropped.": lambda n, b: (
            round(n / b)
        ),
    },
)


def _labels(answer):
    for n in (5, 8):
        out, again = answer(n), answer(n)
        if (
            not isinstance(out, (tuple, list))
            or len(out) != 3
            or not all(isinstance(y, torch.Tensor) for y in out)
        ):
            return "three tensors are wanted: the labels of the real images, of the fakes in the discriminator's step, of the fakes in the generator's."
        if any(y.shape != (n,) for y in out):
            return f"each should have {n} labels, [{n}]; their shapes are {[list(y.shape) for y in out]}"
        if any(not y.is_floating_point() for y in out):
            return "labels are compared with probabilities: binary cross-entropy wants floats, as torch.ones and torch.zeros give them."
        if any(not torch.equal(a, b) for a, b in zip(out, again, strict=True)):
            return "other labels each time. Random labels tell nobody anything: the loss then only asks for logits near 0."
        real, fake, generated = out
        if (real == 0).all() and (fake == 1).all():
            return "real and fake are exchanged: D is the probability of *real*, so real images carry 1."
        if (real == 1).all() and (fake == 1).all():
            return "everything is real in the discriminator's step: it has nothing to tell apart."
        if (real == 1).all() and (fake == 0).all() and (generated == 0).all():
            return "in the generator's step its fakes carry the label 0: it would learn to look *less* real. It wants D to say real."
        if not ((real == 1).all() and (fake == 0).all() and (generated == 1).all()):
            values = [sorted({round(v, 3) for v in y.tolist()}) for y in out]
            return f"the labels are {', '.join(map(str, values))}; a label says what the loss should call it, real (1) or fake (0)."
    return None


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
        "Random labels tell nobody anything": lambda n: (
            torch.ones(n),
            torch.zeros(n),
            torch.rand(n),
        ),
        "everything is real in the discriminator's step": lambda n: (torch.ones(n),) * 3,
        "binary cross-entropy wants floats": lambda n: tuple(
            v.long() for v in (torch.ones(n), torch.zeros(n), torch.ones(n))
        ),
        "each should have 5 labels": lambda n: (
            torch.ones(n, 1),
            torch.zeros(n, 1),
            torch.ones(n, 1),
        ),
        "what the loss should call it": lambda n: (torch.ones(n), -torch.ones(n), torch.ones(n)),
    },
)

lowest_with_sigmoid = Check(
    "lowest_with_sigmoid",
    lambda: math.log1p(math.exp(-1)) + math.log(2),
    [()],
    {
        "so low the loss gets without the error. What enters it here is between 0 and 1, and never a large logit.": lambda: (
            0.0
        ),
        "this is where D cannot tell, D = 1/2 and logits of 0. With the error, how sure can it seem to be?": lambda: (
            2 * math.log(2)
        ),
        "the part of the real images alone. The fakes' part has a lowest value too.": lambda: (
            math.log1p(math.exp(-1))
        ),
        "the part of the fakes alone. The real images' part has a lowest value too.": lambda: (
            math.log(2)
        ),
        "for the fakes too a probability of 1 was put in, with the sign turned. Their best one is 0, and softplus(0) = log 2.": lambda: (
            2 * math.log1p(math.exp(-1))
        ),
        "this is how *high* it can get, with every answer wrong.": lambda: (
            math.log(2) + math.log1p(math.exp(1))
        ),
        "D = 1/2 on both went into the loss as if it were a logit. A good discriminator says 1 and 0.": lambda: (
            math.log1p(math.exp(-0.5)) + math.log1p(math.exp(0.5))
        ),
    },
    tolerance=1e-3,
)


def _one_d_step(answer):
    w1, w2, v = (t.requires_grad_() for t in (_random(4, 6), _random(6), _random(3, 4)))
    real, z = 1 + _random(7, 4), _random(7, 3)

    def discriminator(x):
        return torch.tanh(x @ w1) @ w2

    def generator(z):
        return torch.tanh(z @ v)

    loss = answer(discriminator, generator, real, z)
    if not isinstance(loss, torch.Tensor) or loss.dim():
        return f"one number is wanted, as a tensor with gradients; given {list(loss.shape) if isinstance(loss, torch.Tensor) else loss}"
    r, f = discriminator(real), discriminator(generator(z).detach())
    right = F.softplus(-r).mean() + F.softplus(f).mean()
    p, q = torch.sigmoid(r), torch.sigmoid(f)
    if not _close(loss, right):
        known = {
            "only fakes are in it. A discriminator that never sees real images calls everything fake.": F.softplus(
                f
            ).mean(),
            "only real images are in it. It would call everything real.": F.softplus(-r).mean(),
            "a sigmoid was applied before a loss that expects logits: it is applied twice now, and the loss cannot fall below 1.006.": (
                F.softplus(-p).mean() + F.softplus(q).mean()
            ),
            "logits went into a loss that expects probabilities.": F.binary_cross_entropy(
                r.clamp(0, 1), torch.ones_like(r)
            )
            + F.binary_cross_entropy(f.clamp(0, 1), torch.zeros_like(f)),
            "real and fake are exchanged: real images should get a high logit.": F.softplus(
                r
            ).mean()
            + F.softplus(-f).mean(),
            "the fakes carry the label 1. That is the generator's wish; in this step they carry 0.": F.softplus(
                -r
            ).mean()
            + F.softplus(-f).mean(),
            "the sign is turned: this is the value V, which the discriminator wants to be large.": -right,
            "half of it: the mean over real and fake together. The course's loss is the sum of the two means.": right
            / 2,
            "summed over the batch; take the mean of each part.": F.softplus(-r).sum()
            + F.softplus(f).sum(),
        }
        for text, value in known.items():
            if _close(loss, value):
                return text
        return f"gives {loss.item():.5g}; right is {right.item():.5g}, mean softplus(-a) over real plus mean softplus(a) over fakes"
    wanted = torch.autograd.grad(right, (w1, w2))
    given = (
        torch.autograd.grad(loss, (w1, w2, v), allow_unused=True)
        if loss.requires_grad
        else (None,) * 3
    )
    if given[0] is None:
        return "the value is right, but no gradient reaches the discriminator. torch.no_grad() or detach() belongs to the generator's images only."
    if given[2] is not None and given[2].abs().max() > 0:
        return "the value is right, but gradients reach the generator as well: wasted work, and wrong ones where the two steps share a backward. Detach the fakes."
    if any(
        a is None or not (a - b).abs().max() <= 1e-6 for a, b in zip(given, wanted, strict=False)
    ):
        return "the value is right, but the discriminator learns from one part only: the other part's *logits* were detached. Detach the images, before D sees them."
    return None


def _d_step(D, G, real, z):
    return F.softplus(-D(real)).mean() + F.softplus(D(G(z).detach())).mean()


def _all_without_gradient(D, G, real, z):
    with torch.no_grad():
        return _d_step(D, G, real, z)


d_step_loss = Property(
    "d_step_loss",
    _d_step,
    _one_d_step,
    {
        "gradients reach the generator as well": lambda D, G, real, z: (
            F.softplus(-D(real)).mean() + F.softplus(D(G(z))).mean()
        ),
        "the discriminator learns from one part only": lambda D, G, real, z: (
            F.softplus(-D(real)).mean() + F.softplus(D(G(z)).detach()).mean()
        ),
        "no gradient reaches the discriminator": _all_without_gradient,
        "only fakes are in it": lambda D, G, real, z: F.softplus(D(G(z).detach())).mean(),
        "only real images are in it": lambda D, G, real, z: F.softplus(-D(real)).mean(),
        "it is applied twice now": lambda D, G, real, z: (
            F.softplus(-torch.sigmoid(D(real))).mean()
            + F.softplus(torch.sigmoid(D(G(z).detach()))).mean()
        ),
        "into a loss that expects probabilities": lambda D, G, real, z: (
            F.binary_cross_entropy(D(real).clamp(0, 1), torch.ones(len(z)).double())
            + F.binary_cross_entropy(D(G(z).detach()).clamp(0, 1), torch.zeros(len(z)).double())
        ),
        "real and fake are exchanged": lambda D, G, real, z: (
            F.softplus(D(real)).mean() + F.softplus(-D(G(z).detach())).mean()
        ),
        "the fakes carry the label 1": lambda D, G, real, z: (
            F.softplus(-D(real)).mean() + F.softplus(-D(G(z).detach())).mean()
        ),
        "the sign is turned": lambda D, G, real, z: -_d_step(D, G, real, z),
        "half of it": lambda D, G, real, z: _d_step(D, G, real, z) / 2,
        "summed over the batch": lambda D, G, real, z: (
            F.softplus(-D(real)).sum() + F.softplus(D(G(z).detach())).sum()
        ),
    },
)


def _slerp(a, b, t, lengths=True, straight=True):
    unit_a, unit_b = a / a.norm(dim=1, keepdim=True), b / b.norm(dim=1, keepdim=True)
    angle = (
        torch.atan2(
            (unit_a - unit_b).norm(dim=1, keepdim=True), (unit_a + unit_b).norm(dim=1, keepdim=True)
        )
        * 2
    )
    a, b = (a, b) if lengths else (unit_a, unit_b)
    arc = (torch.sin((1 - t) * angle) * a + torch.sin(t * angle) * b) / torch.sin(angle)
    return torch.where(angle < 1e-7, torch.lerp(a, b, t), arc) if straight else arc


def _slerp_by(cosine, a, b, t, angle_of=torch.acos):
    angle = angle_of(cosine)
    return (torch.sin((1 - t) * angle) * a + torch.sin(t * angle) * b) / torch.sin(angle)


_parallel = (
    torch.tensor([[0.0, 3.0, 4.0, 0.0], [1.0, 0.0, 2.0, 0.0]], dtype=torch.float64),
    torch.tensor([[0.0, 6.0, 8.0, 0.0], [0.0, 2.0, 0.0, 1.0]], dtype=torch.float64),
)

slerp = Check(
    "slerp",
    _slerp,
    [
        (_random(4, 8), _random(4, 8), 0.3),
        (2 * _random(3, 5), _random(3, 5), 0.75),
        (*_parallel, 0.25),
    ],
    {
        "this is the straight line, lerp: half-way between two latents it is too near the middle, where no latent of the training was.": lambda a, b, t: (
            torch.lerp(a, b, t)
        ),
        "right but where both point the same way: the angle is 0 and so is its sine. There the arc is the straight line.": lambda a, b, t: (
            _slerp_by(F.cosine_similarity(a, b, eps=0)[:, None].clamp(-1, 1), a, b, t)
        ),
        "from b to a: t = 0 has to give the first.": lambda a, b, t: _slerp(b, a, t),
        "the lengths are lost: the angle is found from vectors of length 1, but a and b themselves are weighed.": lambda a, b, t: (
            _slerp(a, b, t, lengths=False)
        ),
        "the angle's cosine is a . b / (|a| |b|); without the lengths it may be beyond 1, and has no arc cosine.": lambda a, b, t: (
            _slerp_by((a * b).sum(dim=1, keepdim=True), a, b, t)
        ),
        "the cosine was used as the angle. The angle is its arc cosine.": lambda a, b, t: _slerp_by(
            F.cosine_similarity(a, b)[:, None], a, b, t, angle_of=lambda cosine: cosine
        ),
        "one angle for the whole batch. Each pair of latents has its own.": lambda a, b, t: (
            _slerp_by(F.cosine_similarity(a.flatten(), b.flatten(), dim=0), a, b, t)
        ),
        "the straight line, brought to length 1. The arc keeps the lengths of latents, which are near the root of d.": lambda a, b, t: (
            F.normalize(torch.lerp(a, b, t), dim=1)
        ),
    },
)


def _squared(x, y):
    """All squared distances of two sets of images: [N, ...], [M, ...] -> [N, M]."""
    return (x.flatten(1)[:, None] - y.flatten(1)).square().sum(dim=2)


nearest_neighbours = Check(
    "nearest_neighbours",
    lambda samples, train: torch.tensor(
        [
            min(range(len(train)), key=lambda j, s=s: (s - train[j]).square().sum().item())
            for s in samples
        ]
    ),
    [
        (_random(9, 1, 3, 3), 1.5 * _random(14, 1, 3, 3)),
        (_random(6, 3, 2, 2), _random(6, 3, 2, 2)),
        (_random(12, 5), 2 * _random(8, 5)),
    ],
    {
        "these are the farthest ones.": lambda s, t: _squared(s, t).argmax(dim=1),
        "the other way round: for each training image the nearest sample. It is asked for each sample.": lambda s, t: (
            _squared(s, t).argmin(dim=0)
        ),
        "the largest product of pixels: a bright, contrasty image then is near to everything. Near means a small distance.": lambda s, t: (
            (s.flatten(1) @ t.flatten(1).T).argmax(dim=1)
        ),
        "these are the distances; it is asked *which* training image it is.": lambda s, t: (
            _squared(s, t).sqrt().min(dim=1).values
        ),
        "these are the squared distances; it is asked *which* training image it is.": lambda s, t: (
            _squared(s, t).min(dim=1).values
        ),
        "by the sum of absolute differences. The Euclidean distance squares them first.": lambda s, t: (
            (s.flatten(1)[:, None] - t.flatten(1)).abs().sum(dim=2).argmin(dim=1)
        ),
        "the differences were summed before they were squared: that compares the brightness of two images.": lambda s, t: (
            (s.flatten(1)[:, None] - t.flatten(1)).sum(dim=2).square().argmin(dim=1)
        ),
        "one index into all pairs. Take the minimum along the training images, for each sample.": lambda s, t: (
            _squared(s, t).argmin()
        ),
    },
)


def _nearest(x, y):
    return _squared(x, y).sqrt().min(dim=1).values


def _three_sets(n, m, *shape):
    train, test = _random(m, *shape), _random(m, *shape)
    samples = _random(n, *shape)
    samples[: n // 3] = train[: n // 3] + 0.1 * _random(n // 3, *shape)
    return samples, train, test


copied_share = Check(
    "copied_share",
    lambda samples, train, test: (
        sum(
            min((s - t).norm().item() for t in train) < min((s - t).norm().item() for t in test)
            for s in samples
        )
        / len(samples)
    ),
    [_three_sets(18, 12, 1, 3, 3), _three_sets(30, 20, 4), _three_sets(25, 9, 3, 2, 2)],
    {
        "the other way round: these are nearer to a *held-out* image.": lambda s, t, h: (
            (_nearest(s, t) >= _nearest(s, h)).double().mean()
        ),
        "a count; give the share of all samples.": lambda s, t, h: (
            _nearest(s, t) < _nearest(s, h)
        ).sum(),
        "all or nothing: the mean distances were compared. Compare for each sample, then count.": lambda s, t, h: (
            float(_nearest(s, t).mean() < _nearest(s, h).mean())
        ),
        "the mean distance to all images says nothing about copies. Compare the nearest of each set.": lambda s, t, h: (
            (_squared(s, t).sqrt().mean(dim=1) < _squared(s, h).sqrt().mean(dim=1)).double().mean()
        ),
        "the ratio of the distances; what is asked is how *often* the training image is the nearer one.": lambda s, t, h: (
            (_nearest(s, t) / _nearest(s, h)).mean()
        ),
        "for each training image it was asked how near the samples are; ask for each sample.": lambda s, t, h: (
            (_nearest(t, s) < _nearest(h, s)).double().mean()
        ),
    },
)

# ------------------------------------------------------------------ 22, DCGAN


def _bytes(*shape):
    return _integers(256, *shape, dtype=torch.uint8)


to_tanh_range = Check(
    "to_tanh_range",
    lambda images: images.to(torch.float32) * (2 / 255) - 1,
    [
        (_bytes(2, 3, 4, 4),),
        (_bytes(1, 1, 5, 2),),
        (torch.tensor([0, 255, 51], dtype=torch.uint8),),
    ],
    {
        "this is 0..1: half of what tanh gives. The discriminator would know every fake by its dark pixels.": lambda x: (
            x / 255
        ),
        "0..2: the 1 was not taken off.": lambda x: x / 127.5,
        "-1 for black, 0 for white: multiply by 2 before the 1 is taken off.": lambda x: (
            x / 255 - 1
        ),
        "-0.5..0.5: tanh gives twice as much.": lambda x: x / 255 - 0.5,
        "white does not become 1: the values go from 0 to 255, and their middle is 127.5, not 128.": lambda x: (
            (x.float() - 128) / 128
        ),
        "tanh itself turns nearly everything into 1. Its *range* is meant, by a straight line.": lambda x: (
            torch.tanh(x.float())
        ),
        "these are still 0..255, shifted: whoever divides by 0.5 has to divide by 255 first.": lambda x: (
            (x.float() - 0.5) / 0.5
        ),
        "in uint8 there is nothing below 0: 100 - 128 becomes 228. Convert to floats first.": lambda x: (
            (x - 128) / 127.5
        ),
        "mean 0 and deviation 1 have no bounds; tanh gives -1..1. And each batch would be scaled by other numbers.": lambda x: (
            (x.float() - x.float().mean()) / x.float().std()
        ),
    },
)


def _by_layers(side, stack):
    """The side that comes out of torch's own layers."""
    x = torch.zeros(1, 1, side, side)
    for kind, kernel, stride, padding in stack:
        x = {"up": F.conv_transpose2d, "conv": F.conv2d}[kind](
            x, torch.zeros(1, 1, kernel, kernel), stride=stride, padding=padding
        )
    return x.shape[2]


def _by_rule(
    side,
    stack,
    up=lambda H, k, s, p: (H - 1) * s + k - 2 * p,
    conv=lambda H, k, s, p: (H + 2 * p - k) // s + 1,
):
    for kind, *sizes in stack:
        side = (up if kind == "up" else conv)(side, *sizes)
    return side


stack_size = Check(
    "stack_size",
    _by_layers,
    [
        (4, [("up", 4, 2, 1)] * 3),
        (1, [("up", 4, 1, 0), ("up", 4, 2, 1), ("up", 5, 2, 2), ("conv", 3, 1, 1)]),
        (64, [("conv", 4, 2, 1), ("conv", 3, 2, 1), ("up", 3, 3, 1)]),
        (7, [("up", 3, 2, 1), ("conv", 3, 2, 0), ("up", 6, 4, 0)]),
    ],
    {
        "every layer was taken for a convolution: with stride 2 it halves the side. A generator that is built so shrinks its image.": lambda H, stack: (
            _by_rule(H, stack, up=lambda H, k, s, p: (H + 2 * p - k) // s + 1)
        ),
        "every layer was taken for a transposed convolution; a 'conv' makes the image smaller.": lambda H, stack: (
            _by_rule(H, stack, conv=lambda H, k, s, p: (H - 1) * s + k - 2 * p)
        ),
        "a transposed convolution multiplies by its stride only where kernel - 2 padding = stride. In general it is s (H - 1) + k - 2p.": lambda H, stack: (
            _by_rule(H, stack, up=lambda H, k, s, p: H * s)
        ),
        "in a transposed convolution padding is *cut away*: it makes the result smaller.": lambda H, stack: (
            _by_rule(H, stack, up=lambda H, k, s, p: (H - 1) * s + k + 2 * p)
        ),
        "the padding counts on both sides: 2p.": lambda H, stack: _by_rule(
            H,
            stack,
            lambda H, k, s, p: (H - 1) * s + k - p,
            lambda H, k, s, p: (H + p - k) // s + 1,
        ),
        "the first stamp needs no step: it is s (H - 1), not s H.": lambda H, stack: _by_rule(
            H, stack, up=lambda H, k, s, p: H * s + k - 2 * p
        ),
        "only the first layer was counted.": lambda H, stack: _by_rule(H, stack[:1]),
        "only the last layer was counted, from the first side.": lambda H, stack: _by_rule(
            H, stack[-1:]
        ),
    },
)


def _arrives(answer):
    for start, size in ((4, 32), (7, 28), (5, 80), (4, 8)):
        stack = answer(start, size)
        if not isinstance(stack, (list, tuple)) or any(
            not isinstance(layer, (list, tuple))
            or len(layer) != 3
            or not all(isinstance(v, int) for v in layer)
            for layer in stack
        ):
            return f"a list of layers is wanted, (kernel, stride, padding) each, of whole numbers; for {start} to {size} it gives {str(stack)[:80]}"
        side = start
        for kernel, stride, padding in stack:
            out = (side - 1) * stride + kernel - 2 * padding
            if min(kernel, stride) < 1 or padding < 0 or stride != 2 or out != 2 * side:
                return (
                    f"the layer ({kernel}, {stride}, {padding}) makes {max(0, out)} pixels of {side}, by s (H - 1) + k - 2p; "
                    f"with stride 2 it should make {2 * side}. Which kernel and padding make it twice the side for any H?"
                )
            if kernel < 3:
                return "the stamps of a kernel of 2 at stride 2 lie side by side and never overlap: the image is made of blocks. Take a larger kernel."
            side = out
        if side != size:
            return f"from {start} it should go to {size}; these {len(stack)} layers end at {side}"
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
        "these 2 layers end at 16": lambda start, size: _doublings(start, size, more=-1),
        "these 4 layers end at 64": lambda start, size: _doublings(start, size, more=1),
        "never overlap": lambda start, size: _doublings(start, size, (2, 2, 0)),
        "with stride 2 it should make 8": lambda start, size: [(size // start, size // start, 0)],
        "a list of layers is wanted": lambda start, size: (4, 2, 1),
    },
)

half_life = Check(
    "half_life",
    lambda decay: math.log(2) / -math.log(decay),
    [(0.999,), (0.9,), (0.5,)],
    {
        "this is 1 / (1 - decay), the mean age of what is in the average: there a weight still counts 1/e, about 37%.": lambda d: (
            1 / (1 - d)
        ),
        "the wrong way up: how often is the decay multiplied until 1/2 is left? decayⁿ = 1/2.": lambda d: (
            math.log(d) / math.log(0.5)
        ),
        "the sign is turned: both logarithms are negative.": lambda d: math.log(2) / math.log(d),
        "half of the mean age. It does not fall along a straight line: decayⁿ = 1/2.": lambda d: (
            0.5 / (1 - d)
        ),
        "a number of steps is wanted; this is what is left after one half step.": lambda d: d**0.5,
    },
)


def _running(
    history, decay, start=None, correct=lambda average, decay, n: average / (1 - decay**n)
):
    average = torch.zeros_like(history[0]) if start is None else start
    for weights in history:
        average = decay * average + (1 - decay) * weights
    return correct(average, decay, len(history))


def _nothing(average, decay, n):
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


moving_average = Check(
    "moving_average",
    _by_ages,
    [(2 + _random(5, 3), 0.9), (_random(9, 2, 2), 0.5), (1 + _random(3, 4), 0.99)],
    {
        "not corrected: the average began at zeros, and after n steps only 1 - decayⁿ of it is weights. Divide by that.": lambda h, d: (
            _running(h, d, correct=_nothing)
        ),
        "decay and 1 - decay are exchanged: this follows the newest weights and forgets the rest.": lambda h, d: (
            _running(h, 1 - d)
        ),
        "begun at the first weights, which then count as much as many later ones. Begin at zeros and correct.": lambda h, d: (
            _running(h, d, start=h[0], correct=_nothing)
        ),
        "begun at the first weights *and* corrected: only an average that began at zeros is too small.": lambda h, d: (
            _running(h, d, start=h[0])
        ),
        "corrected after every step, and the corrected one went on. Correct once, at the end.": _each_time,
        "divided by 1 - decay: that is the correction after one step. After n steps it is 1 - decayⁿ.": lambda h, d: (
            _running(h, d, correct=lambda average, decay, n: average / (1 - decay))
        ),
        "the ordinary mean: all steps count alike. Here a step counts decay times what the next one does.": lambda h, d: (
            h.mean(dim=0)
        ),
        "from the end to the beginning: the *last* weights count most.": lambda h, d: _by_ages(
            h.flip(0), d
        ),
        "these are the last weights; nothing is averaged.": lambda h, d: h[-1],
    },
)


def _an_upsampler():
    layers = [
        nn.Linear(3, 7),
        nn.ConvTranspose2d(16, 32, 4),
        nn.BatchNorm2d(800),
        nn.ReLU(),
        nn.Conv2d(32, 24, 5),
    ]
    torch.nn.init.constant_(layers[2].bias, 0.3)
    return nn.Sequential(nn.Sequential(*layers[:3]), *layers[3:])


def _first_weights(answer):
    torch.manual_seed(0)
    before = _an_upsampler()
    net = answer(before)
    if not isinstance(net, nn.Module):
        return f"return the net, with its new weights; given {type(net).__name__}"
    try:
        (linear, up, norm), _, down = net[0], net[1], net[2]
        old = before[0][1].weight.shape, before[2].weight.shape
        if (up.weight.shape, down.weight.shape) != old:
            raise TypeError
    except (TypeError, ValueError, IndexError, AttributeError):
        return "this is not the net that was given. Change its weights and return it."
    for name, layer, first in (("ConvTranspose2d", up, before[0][1]), ("Conv2d", down, before[2])):
        weight = layer.weight.detach()
        if torch.equal(weight, first.weight):
            return f"the weights of nn.{name} are as torch made them. (Layers may stand inside others: go through net.modules().)"
        mean, deviation = weight.mean().item(), weight.std().item()
        if abs(deviation - 0.1414) < 0.005:
            return f"0.02 is the deviation, not the variance: nn.{name} has weights of deviation {deviation:.3f}"
        if weight.abs().max() < 0.045 and deviation > 0.005:
            return f"the weights of nn.{name} never go beyond {weight.abs().max():.3f}: they are uniform. A normal distribution has a few at 0.06."
        if not (abs(mean) <= 0.003 and abs(deviation - 0.02) <= 0.003):
            return f"the weights of nn.{name} have mean {mean:.4f} and deviation {deviation:.4f}; wanted are 0 and 0.02"
    scale = norm.weight.detach()
    if scale.mean().abs() < 0.1:
        return "the norm's scales are around 0: it multiplies every map by nearly nothing. A scale begins around 1."
    if scale.std() < 1e-6:
        return f"the norm's scales are all {scale[0].item():g}. They too are drawn: around 1, with deviation 0.02."
    if not (abs(scale.mean() - 1) <= 0.01 and abs(scale.std() - 0.02) <= 0.005):
        return f"the norm's scales have mean {scale.mean().item():.3f} and deviation {scale.std().item():.3f}; wanted are 1 and 0.02"
    if norm.bias.abs().max() != 0:
        return "the norm's shifts are not 0."
    if not torch.equal(linear.weight, before[0][0].weight):
        return (
            "the weights of nn.Linear were changed as well: the rule is for convolutions and norms."
        )
    return None


def _initialised(
    net,
    kinds=(nn.Conv2d, nn.ConvTranspose2d),
    draw=lambda w: nn.init.normal_(w, 0.0, 0.02),
    scale=1.0,
    spread=0.02,
    shift=0.0,
):
    for m in net.modules():
        if isinstance(m, kinds):
            draw(m.weight.data)
        elif isinstance(m, nn.BatchNorm2d):
            nn.init.normal_(m.weight, scale, spread)
            if shift is not None:
                nn.init.constant_(m.bias, shift)
    return net


def _not_inside(net):
    for m in net.children():
        if isinstance(m, (nn.Conv2d, nn.ConvTranspose2d)):
            nn.init.normal_(m.weight, 0.0, 0.02)
    return net


init_dcgan = Property(
    "init_dcgan",
    _initialised,
    _first_weights,
    {
        "the norm's scales are around 0": lambda net: _initialised(net, scale=0.0),
        "the norm's scales are all 1": lambda net: _initialised(net, spread=0.0),
        "the norm's shifts are not 0": lambda net: _initialised(net, shift=None),
        "0.02 is the deviation, not the variance": lambda net: _initialised(
            net, draw=lambda w: nn.init.normal_(w, 0.0, 0.02**0.5)
        ),
        "they are uniform": lambda net: _initialised(
            net, draw=lambda w: nn.init.uniform_(w, -0.02, 0.02)
        ),
        "the weights of nn.ConvTranspose2d are as torch made them": lambda net: _initialised(
            net, kinds=nn.Conv2d
        ),
        "the weights of nn.Conv2d are as torch made them": lambda net: _initialised(
            net, kinds=nn.ConvTranspose2d
        ),
        "go through net.modules()": _not_inside,
        "have mean 1.0": lambda net: _initialised(
            net, draw=lambda w: nn.init.normal_(w, 1.0, 0.02)
        ),
        "nn.Linear were changed": lambda net: _initialised(
            net, kinds=(nn.Conv2d, nn.ConvTranspose2d, nn.Linear)
        ),
        "return the net": lambda net: None,
    },
)


def _with_and_without(n, d, share):
    has = torch.zeros(n, dtype=torch.bool)
    has[:share] = True
    return _random(n, d) + has[:, None] * _random(d), has[torch.randperm(n, generator=_g)]


def _direction(latents, has):
    return latents[has].mean(dim=0) - latents[~has].mean(dim=0)


attribute_direction = Check(
    "attribute_direction",
    lambda latents, has: (
        torch.stack([z for z, h in zip(latents, has, strict=True) if h]).mean(dim=0)
        - torch.stack([z for z, h in zip(latents, has, strict=True) if not h]).mean(dim=0)
    ),
    [_with_and_without(12, 6, 4), _with_and_without(20, 3, 13), _with_and_without(9, 8, 3)],
    {
        "it points from 'with' to 'without': along it glasses come off.": lambda z, has: (
            -_direction(z, has)
        ),
        "sums, not means: with fewer portraits that have it the direction would be about their number.": lambda z, has: (
            z[has].sum(dim=0) - z[~has].sum(dim=0)
        ),
        "the mean of all was taken off, those with it included. Take off the mean of those without.": lambda z, has: (
            z[has].mean(dim=0) - z.mean(dim=0)
        ),
        "the mean of those with it. What all portraits share has to be taken off.": lambda z, has: (
            z[has].mean(dim=0)
        ),
        "averaged over the coordinates as well; it is a direction, [d].": lambda z, has: (
            z[has].mean() - z[~has].mean()
        ),
        "one pair only: it holds everything else in which these two differ. Averages cancel that.": lambda z, has: (
            z[has][0] - z[~has][0]
        ),
        "brought to length 1. Its length is worth keeping: it says how far 'with' is from 'without'.": lambda z, has: (
            F.normalize(_direction(z, has), dim=0)
        ),
    },
)


def _set_coordinate(z, direction, target):
    unit = direction / direction.norm()
    return z + (target - z @ unit)[:, None] * unit


set_coordinate = Check(
    "set_coordinate",
    lambda z, direction, target: (
        z
        - torch.outer(z @ direction, direction) / direction.square().sum()
        + target * direction / direction.square().sum().sqrt()
    ),
    [
        (_random(4, 6), 3 * _random(6), 2.0),
        (_random(7, 3), 0.5 * _random(3), -1.5),
        (_random(2, 5), _random(5), 0.5),
    ],
    {
        "moved by the target, not to it: a portrait that has glasses gets them again. Take off the coordinate it has.": lambda z, d, t: (
            z + t * d / d.norm()
        ),
        "moved by the whole direction, t times. Bring it to length 1, and move only as far as is missing.": lambda z, d, t: (
            z + t * d
        ),
        "the direction is not of length 1 here: divide by its length before you measure and move along it.": lambda z, d, t: (
            z + (t - z @ d)[:, None] * d
        ),
        "only what lies along the direction is left: all portraits become the same. The rest of z stays as it is.": lambda z, d, t: (
            torch.full_like(z, t) * d / d.norm()
        ),
        "the coordinate was taken off, and the target not put on.": lambda z, d, t: _set_coordinate(
            z, d, 0.0
        ),
        "one distance for all: the mean coordinate was moved. Each latent has a coordinate of its own.": lambda z, d, t: (
            z + (t - (z @ d).mean() / d.norm()) * d / d.norm()
        ),
        "the sign of the coordinate is turned: it is taken off, z . u.": lambda z, d, t: (
            z + (t + z @ d / d.norm())[:, None] * d / d.norm()
        ),
    },
)

# ------------------------------------------------------------------ 23, a GAN that trains


def _few(n, sizes):
    """Factors that repeat: rows are drawn from a few combinations."""
    kinds = torch.stack([_integers(size, max(3, n // 3)) for size in sizes], dim=1)
    return kinds[_integers(len(kinds), n)], list(sizes)


def _distinct(codes):
    return len(set(codes))


combinations_covered = Check(
    "combinations_covered",
    lambda factors, sizes: _distinct(map(tuple, factors.tolist())) / math.prod(sizes),
    [_few(20, (3, 4, 2)), _few(9, (5, 2)), _few(60, (2, 3, 2, 3))],
    {
        "every sample counts as new: two tensors are never the same element of a set. Turn rows into tuples, or use torch.unique with dim=0.": lambda f, s: (
            len(f) / math.prod(s)
        ),
        "a count; give the share of all combinations.": lambda f, s: _distinct(
            map(tuple, f.tolist())
        ),
        "the share of the samples that differ. It is asked how many of all *possible* combinations came.": lambda f, s: (
            _distinct(map(tuple, f.tolist())) / len(f)
        ),
        "each factor by itself: all values may come, and most combinations never.": lambda f, s: (
            math.prod(_distinct(column.tolist()) for column in f.T) / math.prod(s)
        ),
        "values, not combinations: torch.unique without dim=0 looks at single numbers.": lambda f, s: (
            len(f.unique()) / math.prod(s)
        ),
        "summed over the factors, each by itself. Combinations multiply.": lambda f, s: (
            sum(_distinct(c.tolist()) for c in f.T) / sum(s)
        ),
        "the codes were added: (0, 1) and (1, 0) become the same.": lambda f, s: (
            _distinct(f.sum(dim=1).tolist()) / math.prod(s)
        ),
        "divided by the sum of the numbers of values; there are as many combinations as their product.": lambda f, s: (
            _distinct(map(tuple, f.tolist())) / sum(s)
        ),
    },
)


def _hinge(real, fake):
    return F.relu(1 - real).mean() + F.relu(1 + fake).mean()


hinge_losses = Check(
    "hinge_losses",
    lambda real, fake: (
        sum(max(0.0, 1 - a) for a in real.flatten().tolist()) / real.numel()
        + sum(max(0.0, 1 + a) for a in fake.flatten().tolist()) / fake.numel(),
        -sum(fake.flatten().tolist()) / fake.numel(),
    ),
    [
        (2 * _random(9), 2 * _random(9)),
        (_random(6, 1), 3 * _random(8, 1)),
        (5 + _random(7), -5 + _random(7)),
    ],
    {
        "the signs in the discriminator's loss are turned: real logits should be above 1, fake ones below -1.": lambda r, f: (
            _hinge(-r, -f),
            -f.mean(),
        ),
        "the margin is missing: a logit of 0.1 would be enough, and one that is always 0 costs nothing.": lambda r, f: (
            F.relu(-r).mean() + F.relu(f).mean(),
            -f.mean(),
        ),
        "the mean before the maximum: one image that is sure enough would excuse another. Each image has its own margin.": lambda r, f: (
            F.relu(1 - r.mean()) + F.relu(1 + f.mean()),
            -f.mean(),
        ),
        "without max(0, ·) nothing ever is good enough: this is Wasserstein's loss plus 2.": lambda r, f: (
            (1 - r).mean() + (1 + f).mean(),
            -f.mean(),
        ),
        "the generator has no margin: its loss is -a, so that its slope never vanishes.": lambda r, f: (
            _hinge(r, f),
            F.relu(1 - f).mean(),
        ),
        "the generator's sign is turned: it wants large logits.": lambda r, f: (
            _hinge(r, f),
            f.mean(),
        ),
        "real and fake are exchanged.": lambda r, f: (_hinge(f, r), -r.mean()),
        "half of the discriminator's loss: the course adds its two means.": lambda r, f: (
            _hinge(r, f) / 2,
            -f.mean(),
        ),
        "summed over the batch; take the mean of each part.": lambda r, f: (
            F.relu(1 - r).sum() + F.relu(1 + f).sum(),
            -f.sum(),
        ),
        "the generator's loss is minus the discriminator's part of fakes. That vanishes where the discriminator is sure: use -a.": lambda r, f: (
            _hinge(r, f),
            -F.relu(1 + f).mean(),
        ),
    },
)

relativistic_d_loss = Check(
    "relativistic_d_loss",
    lambda real, fake: torch.logaddexp(torch.zeros_like(real), fake - real).sum() / len(real),
    [
        (_random(8), 1 + _random(8)),
        (3 * _random(5, 1), 3 * _random(5, 1)),
        (torch.tensor([1e4, -1e4, 3.0]), torch.tensor([-1e4, 1e4, 5.0])),
    ],
    {
        "the sign is turned: this asks whether the *fake* is more real, which is the generator's loss.": lambda r, f: (
            F.softplus(r - f).mean()
        ),
        "averaged before subtracting: the batch has one difference then, and no pairs. Subtract, then softplus, then the mean.": lambda r, f: (
            F.softplus(f.mean() - r.mean())
        ),
        "each is compared with the mean of the others. That is the relativistic *average* loss; here each real image has one partner.": lambda r, f: (
            F.softplus(f.mean() - r).mean() + F.softplus(f - r.mean()).mean()
        ),
        "each image by itself: this is the loss of notebook 14. Here only the difference of a pair counts.": lambda r, f: (
            F.softplus(-r).mean() + F.softplus(f).mean()
        ),
        "fine for moderate logits, not at ±10⁴: the logarithm of a sigmoid that is exactly 0. -log sigmoid(a) = softplus(-a).": lambda r, f: (
            -torch.sigmoid(r - f).log().mean()
        ),
        "every real with every fake: a [N, 1] against a [N] makes [N, N]. Pairs are those of the same place.": lambda r, f: (
            F.softplus(f.flatten()[:, None] - r.flatten()).mean()
        ),
        "without the softplus this is Wasserstein's loss, which has no lower bound.": lambda r, f: (
            f - r
        ).mean(),
        "probabilities were subtracted, not logits: their difference never goes beyond 1.": lambda r, f: (
            F.softplus(torch.sigmoid(f) - torch.sigmoid(r)).mean()
        ),
        "summed over the batch; take the mean.": lambda r, f: F.softplus(f - r).sum(),
    },
)


def _power(W, u, normal=True, sigma=lambda W, u, v, before: u @ W @ v):
    v = W.T @ u
    v = v / v.norm() if normal else v
    new = W @ v
    new = new / new.norm() if normal else new
    return new, sigma(W, new, v, u)


def _without_transpose(W, u):
    v = F.normalize(W @ u, dim=0)
    u = F.normalize(W @ v, dim=0)
    return u, u @ W @ v


def _unit(n):
    return F.normalize(_random(n), dim=0)


power_iteration = Check(
    "power_iteration",
    lambda W, u: (F.normalize(W @ W.T @ u, dim=0), (W @ F.normalize(W.T @ u, dim=0)).norm()),
    [(_random(4, 4), _unit(4)), (_random(3, 6), _unit(3)), (2 * _random(7, 2), _unit(7))],
    {
        "W was used both ways: the first product is with its transpose, v = W' u.": _without_transpose,
        "not normalised: after a few steps these vectors overflow or vanish.": lambda W, u: _power(
            W, u, normal=False
        ),
        "sigma is u' W v with the *new* u. With the old one it is |W' u|, an estimate half a step behind.": lambda W, u: (
            _power(W, u, sigma=lambda W, new, v, before: before @ W @ v)
        ),
        "v was given back; it is u that is kept for the next step.": lambda W, u: (
            F.normalize(W.T @ u, dim=0),
            _power(W, u)[1],
        ),
        "the old u was given back: no step was taken, and sigma never gets better.": lambda W, u: (
            u,
            _power(W, u)[1],
        ),
        "this is the exact norm. One step gives an estimate, from below, for the price of two products.": lambda W, u: (
            _power(W, u)[0],
            torch.linalg.matrix_norm(W, 2),
        ),
        "the Frobenius norm, the root of the sum of all singular values squared. The largest one is wanted.": lambda W, u: (
            _power(W, u)[0],
            W.norm(),
        ),
        "this is sigma squared.": lambda W, u: (_power(W, u)[0], _power(W, u)[1] ** 2),
        "u and sigma are exchanged.": lambda W, u: _power(W, u)[::-1],
    },
)


def _weights(d):
    return torch.linspace(-1, 2, d, dtype=torch.float64)


def critic_alone(x):
    x = x.flatten(1)
    return torch.tanh(x) @ _weights(x.shape[1])


def critic_with_batch_norm(x):
    x = x.flatten(1)
    return torch.tanh((x - x.mean(dim=0)) / x.std(dim=0, correction=0)) @ _weights(x.shape[1])


def _jacobian(critic, x):
    """|da_i / dx_j|: [N, N], each image's logit by each image, their gradients flat in a third axis."""
    return torch.autograd.functional.jacobian(critic, x).flatten(2)


def _of_the_sum(critic, x):
    x = x.clone().requires_grad_()
    return torch.autograd.grad(critic(x).sum(), x)[0].flatten(1)


influence = Check(
    "influence",
    lambda critic, x: _jacobian(critic, x).norm(dim=2),
    [
        (critic_with_batch_norm, _random(5, 3)),
        (critic_alone, _random(4, 1, 2, 2)),
        (critic_with_batch_norm, 2 * _random(6, 2, 2, 1)),
    ],
    {
        "transposed: row i belongs to logit i, column j to image j.": lambda critic, x: (
            _jacobian(critic, x).norm(dim=2).T
        ),
        "the gradient of the *sum* of the logits. In it all influences on an image are added; take each logit by itself.": lambda critic, x: (
            _of_the_sum(critic, x).norm(dim=1)
        ),
        "only the diagonal: what each logit owes to its own image. What does it owe to the others?": lambda critic, x: (
            torch.diag(_jacobian(critic, x).norm(dim=2).diagonal())
        ),
        "the norms are squared.": lambda critic, x: _jacobian(critic, x).square().sum(dim=2),
        "the sum of absolute values; the length of a gradient is the root of the sum of squares.": lambda critic, x: (
            _jacobian(critic, x).abs().sum(dim=2)
        ),
        "every image was given to the critic by itself. Batch norm's influence appears only in a batch.": lambda critic, x: (
            torch.diag(torch.cat([_of_the_sum(critic, one[None]).norm(dim=1) for one in x]))
        ),
    },
)


def critic_curved(x):
    return torch.tanh(
        x.flatten(1) @ torch.linspace(-1, 1, x[0].numel(), dtype=x.dtype)
    ) + 0.3 * x.flatten(1).square().sum(dim=1)


_NO_GRAPH = "the value is right, but it has no gradient for the critic's weights, so it would penalise nothing. Use create_graph=True."


def _can_train(answer):
    weight = torch.tensor(0.7, dtype=torch.float64, requires_grad=True)
    try:
        penalty = answer(
            lambda x: weight * critic_curved(x),
            torch.linspace(-1, 1, 24, dtype=torch.float64).view(4, 1, 2, 3),
        )
        found = torch.autograd.grad(penalty, weight, allow_unused=True)[0]
    except (RuntimeError, AttributeError, TypeError):
        found = None
    return _NO_GRAPH if found is None or found.abs() < 1e-9 else None


def _slope(critic, x, reduce=torch.sum):
    x = x.detach().clone().requires_grad_()
    with torch.enable_grad():
        return torch.autograd.grad(reduce(critic(x)), x, create_graph=True)[0]


r1_penalty = Check(
    "r1_penalty",
    gan.r1_penalty,
    [
        (critic_curved, _random(5, 1, 3, 3)),
        (critic_curved, 2 * _random(8, 3, 2, 2)),
        (critic_curved, _random(6, 4)),
    ],
    {
        "the length itself; R1 is its square, which is smooth where the slope is 0.": lambda critic, x: (
            _slope(critic, x).flatten(1).norm(dim=1).mean()
        ),
        "this pulls the slope to 1, as the gradient penalty does. R1 pulls it to 0.": lambda critic, x: (
            (_slope(critic, x).flatten(1).norm(dim=1) - 1).square().mean()
        ),
        "averaged over the pixels: it would weigh less for larger images. Sum over an image, mean over the batch.": lambda critic, x: (
            _slope(critic, x).square().mean()
        ),
        "summed over the batch; take the mean over images.": lambda critic, x: (
            _slope(critic, x).square().sum()
        ),
        "the slope of the *mean* logit: each image's slope was divided by the size of the batch, its square twice. Differentiate the sum.": lambda critic, x: (
            _slope(critic, x, torch.mean).square().flatten(1).sum(dim=1).mean()
        ),
        "the 1/2 of gamma / 2 belongs to the weight, which is multiplied on later.": lambda critic, x: (
            _slope(critic, x).square().flatten(1).sum(dim=1).mean() / 2
        ),
        "the square of the mean length; take the mean of the squared lengths.": lambda critic, x: (
            _slope(critic, x).flatten(1).norm(dim=1).mean().square()
        ),
        "it has no gradient for the critic's weights": lambda critic, x: gan.r1_penalty(
            critic, x
        ).detach(),
    },
    also=_can_train,
)


def _at_random_points(answer):
    g = torch.Generator().manual_seed(0)
    real, fake = torch.randn(2, 400, 2, 3, 4, generator=g, dtype=torch.float64)
    curvature = 0.1 + 0.3 * torch.rand(2, 3, 4, generator=g, dtype=torch.float64)
    seen = []

    def bowl(x):
        seen.append(x.detach().clone())
        return (curvature * x.square()).flatten(1).sum(dim=1) / 2  # its slope at x is curvature * x

    torch.manual_seed(0)
    value = answer(bowl, real, fake)
    if not _is_number(value):
        return f"one number is wanted; given {list(value.shape) if isinstance(value, torch.Tensor) else value}"
    if not seen:
        return "the critic is never asked: the penalty is about its slope at points between real and fake images."
    return (
        _points(seen[-1], real, fake)
        or _value(value.item() if isinstance(value, torch.Tensor) else value, curvature * seen[-1])
        or _through(answer, real, fake)
    )


def _points(x, real, fake):
    if x.shape != real.shape:
        return f"the critic is asked about {list(x.shape)}; as many points as images are wanted, {list(real.shape)}: one between each real image and its fake"
    if not x.isfinite().all():
        return "the critic is asked about points that are not finite numbers"
    alpha = ((x - fake) / (real - fake)).flatten(1)
    each = alpha.mean(dim=1)
    if (alpha - each[:, None]).abs().max() > 1e-4:
        return "a point is not on the line between its two images: alpha is one number for each image, [N, 1, 1, 1], the same for all of its pixels."
    if each.min() > 1 - 1e-6:
        return "only at real images. The slope matters where the generator's images travel: between fake and real."
    if each.max() < 1e-6:
        return "only at fakes. The slope matters where the generator's images travel: between fake and real."
    if each.max() - each.min() < 1e-6:
        return "one alpha for the whole batch: all points are equally far along. Each image gets its own."
    if each.min() < -1e-6 or each.max() > 1 + 1e-6:
        return f"alpha goes from {each.min():.1f} to {each.max():.1f}, as if it were normal: many points are beyond the two images. torch.rand is uniform in 0..1."
    if abs(each.mean() - 0.5) > 0.08 or abs(each.var() - 1 / 12) > 0.02:
        return f"alpha is in 0..1, but not uniform: mean {each.mean():.2f} and variance {each.var():.3f}, where 0.5 and 0.083 are wanted."
    return None


def _value(value, slope):
    flat = slope.flatten(1)
    lengths, n = flat.norm(dim=1), len(slope)
    right = (lengths - 1).square().mean()
    if _close(value, right):
        return None
    known = {
        "the norm runs over the channels only (dim=1 of [N, C, H, W]). It is the length of an image's whole gradient: flatten first.": (
            (slope.norm(dim=1) - 1).square().mean()
        ),
        "the norm runs over the last axis only. It is the length of an image's whole gradient: flatten first.": (
            slope.norm(dim=-1) - 1
        )
        .square()
        .mean(),
        "one norm for the whole batch. Each image has its own slope.": (slope.norm() - 1).square(),
        "the 1 is missing: this pulls the slope to 0, as R1 does.": lengths.square().mean(),
        "the mean of the lengths first: a steep place excuses a flat one. Square for each image, then take the mean.": (
            lengths.mean() - 1
        ).square(),
        "the weight (10 in the paper) is multiplied on later; give the penalty itself.": 10 * right,
        "the distance from 1 is not squared.": (lengths - 1).abs().mean(),
        "the root is missing: the squared length was compared with 1.": (lengths.square() - 1)
        .square()
        .mean(),
        "averaged over the pixels under the root; a length sums.": (
            flat.square().mean(dim=1).sqrt() - 1
        )
        .square()
        .mean(),
        "summed over the batch; take the mean over images.": right * n,
        "one-sided: slopes below 1 go free. The paper's penalty pulls them up to 1.": F.relu(
            lengths - 1
        )
        .square()
        .mean(),
        "the slope of the *mean* logit is N times too small. Differentiate the sum.": (
            lengths / n - 1
        )
        .square()
        .mean(),
    }
    for text, wrong in known.items():
        if _close(value, wrong):
            return text
    return f"the points are right, but it gives {value:.5g} where {right.item():.5g}, the mean of (|slope| - 1)², is right"


def _through(answer, real, fake):
    def gradient(critic):
        weight = torch.ones((), dtype=torch.float64, requires_grad=True)
        penalty = answer(lambda x: critic(weight, x), real, fake)
        if not isinstance(penalty, torch.Tensor) or not penalty.requires_grad:
            return None
        return torch.autograd.grad(penalty, weight, allow_unused=True)[0]

    trains = gradient(lambda w, x: w * critic_curved(x))
    if trains is None or trains.abs() < 1e-9:
        return _NO_GRAPH
    at_zero = gradient(
        lambda w, x: ((w - 1) * x).flatten(1).sum(dim=1)
    )  # flat at w = 1: the slope is exactly 0
    if at_zero is not None and not at_zero.isfinite():
        return "right, until the slope is 0 somewhere: the derivative of a square root at 0 is infinite, and the weights become NaN. Use torch.linalg.vector_norm."
    return None


def _line(real, fake, alpha):
    return alpha * real + (1 - alpha) * fake


def _alpha(real):
    return torch.rand(len(real), 1, 1, 1, dtype=real.dtype)


def _length(slope):
    return torch.linalg.vector_norm(slope.flatten(1), dim=1)


def _with_length(of):
    """The gradient penalty, but for what is made of the slopes."""
    return lambda critic, real, fake: of(_slope(critic, _line(real, fake, _alpha(real))))


def _with_alpha(alpha):
    """The gradient penalty, but for where the critic is asked."""
    return lambda critic, real, fake: (
        (_length(_slope(critic, _line(real, fake, alpha(real)))) - 1).square().mean()
    )


gradient_penalty = Property(
    "gradient_penalty",
    gan.gradient_penalty,
    _at_random_points,
    {
        "as if it were normal": _with_alpha(
            lambda real: torch.randn(len(real), 1, 1, 1, dtype=real.dtype)
        ),
        "the same for all of its pixels": _with_alpha(torch.rand_like),
        "one alpha for the whole batch": _with_alpha(lambda real: torch.rand((), dtype=real.dtype)),
        "only at real images": _with_alpha(lambda real: 1.0),
        "only at fakes": _with_alpha(lambda real: 0.0),
        "not uniform": _with_alpha(lambda real: _alpha(real).square()),
        "as many points as images are wanted": lambda critic, real, fake: (
            (_length(_slope(critic, torch.cat([real, fake]))) - 1).square().mean()
        ),
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
        "it has no gradient for the critic's weights": lambda critic, real, fake: (
            gan.gradient_penalty(critic, real, fake).detach()
        ),
        "the critic is never asked": lambda critic, real, fake: (
            (real - fake).flatten(1).norm(dim=1).mean()
        ),
    },
)

# ------------------------------------------------------------------ 24, conditional GAN


def _words(answer):
    out = answer()
    if (
        not isinstance(out, (tuple, list))
        or len(out) != 2
        or not all(isinstance(word, str) for word in out)
    ):
        return f"two words are wanted, for cGAN and for DCGAN; given {str(out)[:80]}"
    c, dc = (word.strip().lower() for word in out)
    if c.startswith(("cycl", "cycle")):
        return "cyclic is another GAN: CycleGAN turns one kind of image into another and back (notebook 64). In cGAN something is *given* to both players."
    if c.startswith("convol"):
        return "convolutional is what the C in DCGAN means; in cGAN something is *given* to both players."
    if c.startswith("class"):
        return "a class is one thing that can be given; a text or an image are others. The word is about being given, as in p(x | c)."
    if not c.startswith("condition"):
        return f"'{out[0]}' is not what the C in cGAN means. In p(x | c), what is the bar called?"
    if not dc.startswith("convol"):
        return f"'{out[1]}' is not what the C in DCGAN means: its D is 'deep', and notebook 22 is about its layers."
    return None


the_c = Property(
    "the_c",
    lambda: ("conditional", "convolutional"),
    _words,
    {
        "cyclic is another GAN": lambda: ("cyclic", "convolutional"),
        "convolutional is what the C in DCGAN means": lambda: ("convolutional", "conditional"),
        "a class is one thing that can be given": lambda: ("class", "convolutional"),
        "is not what the C in DCGAN means: its D": lambda: ("conditional", "conditional"),
        "is not what the C in cGAN means. In": lambda: ("contrastive", "convolutional"),
    },
)


def _hot(labels, classes, dtype=torch.float64):
    return F.one_hot(labels, classes).to(dtype)


latent_with_label = Check(
    "latent_with_label",
    lambda z, labels, classes: torch.tensor(
        [
            row + [float(k == y) for k in range(classes)]
            for row, y in zip(z.tolist(), labels.tolist(), strict=True)
        ],
        dtype=z.dtype,
    ),
    [
        (_random(4, 5), _integers(3, 4), 3),
        (_random(6, 2), _integers(10, 6), 10),
        (_random(3, 4), torch.tensor([1, 0, 1]), 4),
    ],
    {
        "the label went in as one number. Class 9 is not nine times class 1: give each class a place of its own, one-hot.": lambda z, y, k: (
            torch.cat([z, y[:, None].to(z.dtype)], dim=1)
        ),
        "the label stands before the latent; it is wanted behind it.": lambda z, y, k: torch.cat(
            [_hot(y, k), z], dim=1
        ),
        "along the batch: the labels became latents of their own. Concatenate along the second axis.": lambda z, y, k: (
            torch.cat([z, _hot(y, k)], dim=0)
        ),
        "added, not put beside it: then z and c cannot be told apart.": lambda z, y, k: (
            z + _hot(y, k)
        ),
        "the number of classes was taken from the batch; the largest class may not be in it.": lambda z, y, k: (
            torch.cat([z, _hot(y, int(y.max()) + 1)], dim=1)
        ),
        "the same label for all: that of the first image.": lambda z, y, k: torch.cat(
            [z, _hot(y[:1].expand(len(y)), k)], dim=1
        ),
        "the label alone. Without z each class has one image.": lambda z, y, k: _hot(y, k),
        "the latent alone: nobody is told the label.": lambda z, y, k: z,
    },
)


def _maps(x, labels, classes):
    return _hot(labels, classes)[:, :, None, None].expand(-1, -1, *x.shape[2:])


def _at_one_pixel(x, labels, classes):
    maps = x.new_zeros(len(x), classes, *x.shape[2:])
    maps[:, :, 0, 0] = _hot(labels, classes)
    return torch.cat([x, maps], dim=1)


def _by_filling(x, labels, classes):
    out = x.new_zeros(len(x), x.shape[1] + classes, *x.shape[2:])
    for image, given, label in zip(out, x, labels.tolist(), strict=True):
        image[: len(given)] = given
        image[len(given) + label] = 1
    return out


image_with_label = Check(
    "image_with_label",
    _by_filling,
    [
        (_random(4, 3, 5, 5), _integers(4, 4), 4),
        (_random(3, 1, 4, 6), _integers(10, 3), 10),
        (_random(2, 2, 3, 2), torch.tensor([2, 0]), 5),
    ],
    {
        "one map with the label's number. Class 9 is not nine times class 1: one map for each class.": lambda x, y, k: (
            torch.cat([x, y[:, None, None, None].to(x.dtype).expand(-1, 1, *x.shape[2:])], dim=1)
        ),
        "the maps stand before the image; they are wanted behind it.": lambda x, y, k: torch.cat(
            [_maps(x, y, k), x], dim=1
        ),
        "the label is at one pixel only. A convolution elsewhere would not see it: fill the whole map.": _at_one_pixel,
        "the maps of a class and of the others are exchanged: 1 marks the class.": lambda x, y, k: (
            torch.cat([x, 1 - _maps(x, y, k)], dim=1)
        ),
        "flattened: a convolution needs [N, C + classes, H, W].": lambda x, y, k: torch.cat(
            [x.flatten(1), _hot(y, k)], dim=1
        ),
        "[N, classes] does not fit beside [N, C, H, W]: give it two more axes and expand it to H x W.": lambda x, y, k: (
            torch.cat([x, _hot(y, k)], dim=1)
        ),
        "the image alone: D cannot know whether the generator obeyed.": lambda x, y, k: x,
    },
)


def _normed(x, mean, var, power=0.5, dims=(0, 2, 3), correction=0):
    if mean is None:
        mean, var = x.mean(dims, keepdim=True), x.var(dims, keepdim=True, correction=correction)
    else:
        mean, var = mean[None, :, None, None], var[None, :, None, None]
    return (x - mean) / (var + 1e-5) ** power


def _scaled(x, gamma, beta):
    return (1 + gamma[:, :, None, None]) * x + beta[:, :, None, None]


def _features(n, c, h, w):
    x = _random(n, c, h, w) * (0.5 + _random(n, c, 1, 1).abs()) + 2 * _random(n, c, 1, 1)
    return x, 0.5 * _random(n, c), _random(n, c)


conditional_batch_norm = Check(
    "conditional_batch_norm",
    lambda x, gamma, beta, mean=None, var=None: torch.stack(
        [
            torch.stack([m * (1 + s) + b for m, s, b in zip(maps, scales, shifts, strict=True)])
            for maps, scales, shifts in zip(
                F.batch_norm(x, mean, var, training=mean is None), gamma, beta, strict=True
            )
        ]
    ),
    [
        _features(3, 4, 4, 5),
        (*_features(2, 3, 5, 4), _random(3), 0.5 + _random(3).abs()),
        _features(4, 2, 3, 3),
    ],
    {
        "the 1 is missing: with gamma = 0, as a network begins, every map would be switched off. Scale by 1 + gamma.": lambda x, g, b, m=None, v=None: (
            _scaled(_normed(x, m, v), g - 1, b)
        ),
        "shifted before it was scaled: (1 + gamma) multiplies beta too.": lambda x, g, b, m=None, v=None: (
            (1 + g[:, :, None, None]) * (_normed(x, m, v) + b[:, :, None, None])
        ),
        "scaled and shifted first: normalising takes much of that off again. Normalise, then scale and shift.": lambda x, g, b, m=None, v=None: (
            _normed(_scaled(x, g, b), m, v)
        ),
        "not normalised.": lambda x, g, b, m=None, v=None: _scaled(x, g, b),
        "each image was normalised by itself, which is instance norm. Batch norm's statistics run over images too.": lambda x, g, b, m=None, v=None: (
            _scaled(_normed(x, m, v, dims=(2, 3)), g, b)
        ),
        "one mean for all channels. Each channel has its own.": lambda x, g, b, m=None, v=None: (
            _scaled(_normed(x, m, v, dims=(0, 1, 2, 3)), g, b)
        ),
        "the batch's statistics in evaluation too: an image would depend on what is drawn beside it. Use mean and var where they are given.": lambda x, g, b, m=None, v=None: (
            _scaled(_normed(x, None, None), g, b)
        ),
        "divided by the variance; it is its root, the deviation.": lambda x, g, b, m=None, v=None: (
            _scaled(_normed(x, m, v, power=1), g, b)
        ),
        "the batch's variance is divided by n - 1. Batch norm divides by n.": lambda x, g, b, m=None, v=None: (
            _scaled(_normed(x, m, v, correction=1), g, b)
        ),
        "gamma and beta are exchanged.": lambda x, g, b, m=None, v=None: _scaled(
            _normed(x, m, v), b, g
        ),
        "one scale and shift for the whole batch: the mean of gamma and of beta. Each image has its own condition.": lambda x, g, b, m=None, v=None: (
            _scaled(_normed(x, m, v), g.mean(0, keepdim=True), b.mean(0, keepdim=True))
        ),
        "gamma and beta are [N, C]; beside [N, C, H, W] they need two more axes, [:, :, None, None].": lambda x, g, b, m=None, v=None: (
            _normed(x, m, v) * (1 + g) + b
        ),
    },
    tolerance=1e-3,
)


def _projection(h, c, w, b, V):
    return ((c @ V.T) * h).sum(dim=1)


def _judged(n, f, k, one_hot):
    c = _hot(_integers(k, n), k) if one_hot else _random(n, k)
    return _random(n, f), c, _random(f), 0.7, _random(f, k)


projection_logit = Check(
    "projection_logit",
    lambda h, c, w, b, V: torch.einsum("nf,f->n", h, w) + b + torch.einsum("nf,fk,nk->n", h, V, c),
    [_judged(5, 4, 3, True), _judged(7, 6, 2, False), _judged(3, 3, 3, False)],
    {
        "the condition is not in it: D would never mind whether the generator obeys.": lambda h, c, w, b, V: (
            h @ w + b
        ),
        "only the projection: whether the image is real at all, w . h + b, is missing.": lambda h, c, w, b, V: (
            _projection(h, c, w, b, V)
        ),
        "the bias is missing.": lambda h, c, w, b, V: h @ w + _projection(h, c, w, b, V),
        "V c was summed up without h: that rewards conditions, whatever the image shows.": lambda h, c, w, b, V: (
            h @ w + b + (c @ V.T).sum(dim=1)
        ),
        "every condition with every image, [N, N]. Multiply each V c with its own h, and sum over the features.": lambda h, c, w, b, V: (
            (h @ w + b)[:, None] + h @ (c @ V.T).T
        ),
        "the features are not summed: a logit is one number for each image.": lambda h, c, w, b, V: (
            (h @ w + b)[:, None] + (c @ V.T) * h
        ),
        "averaged over the features; a scalar product sums.": lambda h, c, w, b, V: (
            h @ w + b + ((c @ V.T) * h).mean(dim=1)
        ),
        "the two parts are multiplied; they are added.": lambda h, c, w, b, V: (
            (h @ w + b) * _projection(h, c, w, b, V)
        ),
        "summed over the batch instead of over the features.": lambda h, c, w, b, V: (
            h @ w + b + ((c @ V.T) * h).sum(dim=0)
        ),
    },
)


def _asked_and_made(n, k):
    asked = _integers(k, n)
    return asked, _random(n, k) + 2 * _hot(asked, k)


obedience = Check(
    "obedience",
    lambda asked, logits: (
        sum(
            row.index(max(row)) == a for a, row in zip(asked.tolist(), logits.tolist(), strict=True)
        )
        / len(asked)
    ),
    [_asked_and_made(40, 5), _asked_and_made(24, 3), _asked_and_made(30, 10)],
    {
        "this is disobedience: the share of images that show something else.": lambda a, x: (
            (x.argmax(dim=1) != a).double().mean()
        ),
        "a count; give the share.": lambda a, x: (x.argmax(dim=1) == a).sum(),
        "the largest logit of each *class* was looked for. Each image is a row: dim=1.": lambda a, x: (
            (x.argmax(dim=0) == a).double().mean()
        ),
        "the classifier's mean probability of what was asked. Obedience counts what it recognises, its largest logit.": lambda a, x: (
            x.softmax(dim=1).gather(1, a[:, None]).mean()
        ),
        "one answer for each image; give their mean.": lambda a, x: (x.argmax(dim=1) == a).double(),
        "how often each class came, whoever asked for it. Compare image by image.": lambda a, x: (
            float(
                (a.bincount(minlength=x.shape[1]) == x.argmax(dim=1).bincount(minlength=x.shape[1]))
                .double()
                .mean()
            )
        ),
        "how far the class numbers are apart. Classes have no order: equal or not.": lambda a, x: (
            (x.argmax(dim=1) - a).abs().double().mean()
        ),
    },
)


def _shares(classes, k):
    return classes.bincount(minlength=k).double() / len(classes)


def _uneven(n, k):
    asked = (_integers(k, n) * _integers(2, n)).clamp(max=k - 1)
    return (
        asked,
        torch.where(_integers(3, n) == 0, asked, (_integers(k, n) + _integers(2, n)) % k),
        k,
    )


obedience_by_chance = Check(
    "obedience_by_chance",
    lambda asked, made, classes: (asked[:, None] == made).double().mean(),
    [_uneven(30, 3), _uneven(50, 4), _uneven(21, 7)],
    {
        "1 / classes holds only where all classes are asked for, or made, equally often.": lambda a, m, k: (
            1 / k
        ),
        "this is the obedience itself. By chance means: had each image been made for somebody else's wish.": lambda a, m, k: (
            (a == m).double().mean()
        ),
        "with the shares of what was asked, twice. What was *made* has shares of its own.": lambda a, m, k: (
            _shares(a, k).square().sum()
        ),
        "with the shares of what was made, twice. What was *asked* has shares of its own.": lambda a, m, k: (
            _shares(m, k).square().sum()
        ),
        "the share of the class that is asked for most: a generator that makes only this one. Ours makes others too.": lambda a, m, k: (
            _shares(a, k).max()
        ),
        "averaged over the classes; sum the products of the shares.": lambda a, m, k: (
            _shares(a, k) * _shares(m, k)
        ).mean(),
        "counts, not shares: divide both by the number of images.": lambda a, m, k: (
            (_shares(a, k) * _shares(m, k)).sum() * len(a) ** 2
        ),
        "divided by the number of images once; there are two shares in each product.": lambda a, m, k: (
            (_shares(a, k) * _shares(m, k)).sum() * len(a)
        ),
        "how much the two sets of shares overlap. Chance multiplies them.": lambda a, m, k: (
            torch.minimum(_shares(a, k), _shares(m, k)).sum()
        ),
    },
)
