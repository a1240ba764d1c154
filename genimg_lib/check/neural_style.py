"""Checks of notebook 41, neural style."""

import torch

from genimg_lib.check import inputs
from genimg_lib.check.cases import drawn
from genimg_lib.check.gradients import uses_autograd
from genimg_lib.check.judge import Check
from genimg_lib.check.wording import PLAIN_GREY

# ---------------------------------------------------------------- total variation


def _across(x):
    return x[..., 1:] - x[..., :-1]


def _down(x):
    return x[..., 1:, :] - x[..., :-1, :]


def _total_variation(x):
    return _across(x).abs().mean() + _down(x).abs().mean()


def _picture(seed, n, c, h, w):
    return (inputs.normal(seed, n, c, h, w),)


total_variation = Check(
    "total_variation",
    _total_variation,
    [
        (torch.tensor([[0.0, 1.0, 5.0], [2.0, 2.0, 2.0]]).view(1, 1, 2, 3),),
        (inputs.normal(601, 1, 3, 5, 7),),
        (inputs.normal(602, 2, 1, 4, 4),),
        (inputs.normal(603, 1, 2, 9, 3).cumsum(3),),
        *drawn(_picture, count=6, seed=(0, 9), n=(1, 2), c=(1, 3), h=(2, 5), w=(2, 5)),
    ],
    {
        "without absolute values neighbours cancel: all that is left is the last pixel minus the "
        "first.": (
            lambda x: _across(x).mean() + _down(x).mean(),
            lambda x: _across(x).mean().abs() + _down(x).mean().abs(),
        ),
        "squared. The absolute value is wanted, which forgives an edge what it asks of "
        "grain.": lambda x: _across(x).square().mean() + _down(x).square().mean(),
        "sums, not means: they grow with the picture, and the weight would depend on its "
        "size.": lambda x: _across(x).abs().sum() + _down(x).abs().sum(),
        "neighbours two apart; they are one apart.": lambda x: (
            (x[..., 2:] - x[..., :-2]).abs().mean() + (x[..., 2:, :] - x[..., :-2, :]).abs().mean()
        ),
        "the same neighbours twice: one term goes to the right, the other down.": (
            lambda x: 2 * _across(x).abs().mean(),
            lambda x: 2 * _down(x).abs().mean(),
        ),
        "the second difference; neighbours are compared once.": lambda x: (
            _across(_across(x)).abs().mean() + _down(_down(x)).abs().mean()
        ),
        "only neighbours to the right. Add those below.": lambda x: _across(x).abs().mean(),
        "only neighbours below. Add those to the right.": lambda x: _down(x).abs().mean(),
        "roll goes round the border: the last column is compared with the first.": lambda x: (
            (x.roll(-1, 3) - x).abs().mean() + (x.roll(-1, 2) - x).abs().mean()
        ),
        "half of it: the mean of the two directions; (3) adds them.": lambda x: (
            _total_variation(x) / 2
        ),
        "both sums are divided by the number of pixels; there are fewer neighbours than pixels, so "
        "take the mean of each.": (
            lambda x: (_across(x).abs().sum() + _down(x).abs().sum()) / x.numel()
        ),
        "all neighbours in one mean; there are more of the one kind than of the other, and (3) "
        "adds two means.": lambda x: torch.cat(
            [_across(x).abs().flatten(), _down(x).abs().flatten()]
        ).mean(),
        "neighbours of other channels, or of other pictures: the last two axes are H and W.": (
            lambda x: (
                (x[:, 1:] - x[:, :-1]).abs().mean() + (x[:, :, 1:] - x[:, :, :-1]).abs().mean()
            )
        ),
        "one number for each picture; take the mean of all of them.": lambda x: (
            _across(x).abs().mean((1, 2, 3)) + _down(x).abs().mean((1, 2, 3))
        ),
        "the root of both squares at each pixel; (3) adds absolute values.": lambda x: (
            (_across(x)[..., :-1, :].square() + _down(x)[..., :-1].square()).sqrt().mean()
        ),
    },
    gradient=("x",),
)

# ---------------------------------------------------------------- the content's gradient


def _content_gradient(F, wanted):
    return 2 * (F - wanted) / F.numel()


def _by_hand(answer):
    if uses_autograd(answer, (inputs.normal(611, 1, 2, 3, 3), inputs.normal(612, 1, 2, 3, 3))):
        return (
            "the values are right, but autograd found them. Write the gradient down by hand: "
            "differentiate (1) on paper."
        )
    return None


def _maps(seed, c, h, w):
    return inputs.normal(seed, 1, c, h, w), inputs.normal(seed + 50, 1, c, h, w)


content_gradient = Check(
    "content_gradient",
    _content_gradient,
    [
        (torch.full((1, 1, 1, 1), 3.0), torch.full((1, 1, 1, 1), 1.0)),
        (inputs.normal(613, 1, 3, 4, 5), inputs.normal(614, 1, 3, 4, 5)),
        (inputs.normal(615, 1, 8, 2, 2), inputs.normal(616, 1, 8, 2, 2)),
        *drawn(_maps, count=6, seed=(0, 9), c=(1, 4), h=(1, 4), w=(1, 4)),
    ],
    {
        "the sign: the gradient points away from the content; descent walks against "
        "it.": lambda F, w: 2 * (w - F) / F.numel(),
        "the 2 of the square is missing.": lambda F, w: (F - w) / F.numel(),
        "not divided by C H W: (1) is a mean.": (lambda F, w: 2 * (F - w), lambda F, w: F - w),
        "divided by the places only; the mean runs over the channels too.": lambda F, w: (
            2 * (F - w) / F[0, 0].numel()
        ),
        "divided by the channels only; the mean runs over the places too.": lambda F, w: (
            2 * (F - w) / F.shape[1]
        ),
        "that is the loss. Its gradient has the shape of the maps.": (
            lambda F, w: (F - w).square().mean(),
            lambda F, w: (F - w).square().sum(),
        ),
        "the square itself, not its derivative, 2 (F - wanted).": (
            lambda F, w: (F - w).square() / F.numel(),
            lambda F, w: (F - w).square(),
        ),
        "the mean of the differences; each place has a gradient of its own.": lambda F, w: (
            2 * (F - w).mean()
        ),
        "absolute differences have no sign; the gradient does.": lambda F, w: (
            2 * (F - w).abs() / F.numel()
        ),
    },
    also=_by_hand,
)

# ---------------------------------------------------------------- a style in its place


def _outer(kept):
    return torch.einsum("nihw,njhw->nij", kept, kept)


def _masked_gram(F, mask):
    return _outer(F * mask.sqrt()) / (F.shape[1] * mask.sum())


def _times_count(count):
    """A masked Gram matrix that is divided by another count."""
    return lambda f, m: _masked_gram(f, m) * f.shape[1] * m.sum() / count(f, m)


def _half():
    mask = torch.zeros(1, 1, 6, 6)
    mask[..., :2] = 1
    return mask


def _soft(seed, n, c, h, w):
    return inputs.maps(seed, n, c, h, w), inputs.uniform(seed + 50, 1, 1, h, w, low=0.05)


def _product_of_means(means):
    return means[:, :, None] * means[:, None] / means.shape[1]


masked_gram = Check(
    "masked_gram",
    _masked_gram,
    [
        (torch.tensor([1.0, 2.0]).view(1, 1, 1, 2), torch.tensor([1.0, 0.25]).view(1, 1, 1, 2)),
        (inputs.normal(621, 1, 3, 6, 6), _half()),
        (inputs.normal(622, 1, 2, 4, 5), torch.linspace(0, 1, 20).view(1, 1, 4, 5)),
        (inputs.normal(623, 2, 3, 6, 6), _half()),
        (inputs.normal(624, 3, 2, 3, 4), inputs.uniform(625, 1, 1, 3, 4)),
        *drawn(_soft, count=6, seed=(0, 9), n=(1, 3), c=(1, 3), h=(1, 4), w=(1, 4)),
    ],
    {
        "the maps were multiplied by the mask itself; the Gram matrix multiplies twice, so a place "
        "with 0.5 counts 0.25. Take its square root.": (
            lambda f, m: _outer(f * m) / (f.shape[1] * m.sum()),
            lambda f, m: _outer(f * m) / (f.shape[1] * m.square().sum()),
        ),
        "divided by all places: a style in a small region would look too weak. Divide by C times "
        "the sum of the mask.": (
            _times_count(lambda f, m: f[0].numel()),
            lambda f, m: _outer(f * m) / f[0].numel(),
        ),
        "not divided.": _times_count(lambda f, m: 1),
        "C is missing: divide by C times the sum of the mask.": _times_count(lambda f, m: m.sum()),
        "the sum of the mask is missing: divide by C times it.": _times_count(
            lambda f, m: f.shape[1]
        ),
        "the maps' means inside the mask were taken off: a Gram matrix keeps them.": lambda f, m: (
            _masked_gram(f - (f * m).sum((2, 3), keepdim=True) / m.sum(), m)
        ),
        "divided by the root of the mask's sum; it is the sum itself.": _times_count(
            lambda f, m: f.shape[1] * m.sum() ** 0.5
        ),
        "the product of the masked means; it is the mean of the products.": lambda f, m: (
            _product_of_means((f * m).sum((2, 3)) / m.sum())
        ),
        "the mask was forgotten.": (
            lambda f, m: _outer(f) / f[0].numel(),
            lambda f, m: _outer(f) / (f.shape[1] * m.sum()),
        ),
        "divided by the number of pictures as well: each picture "
        "has a matrix of its own.": _times_count(lambda f, m: len(f) * f.shape[1] * m.sum()),
        "all pictures of the batch in one matrix. Each has its own: [N, C, C].": (
            lambda f, m: _masked_gram(f, m).sum(0),
            lambda f, m: _masked_gram(f, m).mean(0),
            lambda f, m: _masked_gram(f, m).sum(0, keepdim=True),
            lambda f, m: _masked_gram(f, m).mean(0, keepdim=True),
        ),
        "the first picture only: [N, C, C] is wanted.": (
            lambda f, m: _masked_gram(f, m)[0],
            lambda f, m: _masked_gram(f, m)[:1],
        ),
        "divided by the number of places where the mask is not 0; "
        "it is the sum of the mask.": _times_count(lambda f, m: f.shape[1] * (m > 0).sum()),
        "the mask was made of 0 and 1 only; a place counts by its m, from 0 to 1.": (
            lambda f, m: _masked_gram(f, (m > 0.5).to(f.dtype)),
            lambda f, m: _masked_gram(f, (m > 0).to(f.dtype)),
        ),
    },
    gradient=("F",),
)

# ---------------------------------------------------------------- its own colours


def _lightness(x, weights=(0.299, 0.587, 0.114)):
    return (x * torch.tensor(weights, dtype=x.dtype).view(1, 3, 1, 1)).sum(dim=1, keepdim=True)


def _keep_color(painting, photo, weights=(0.299, 0.587, 0.114)):
    return photo - _lightness(photo, weights) + _lightness(painting, weights)


def _two_pictures(seed, n, h, w):
    return inputs.normal(seed, n, 3, h, w), inputs.normal(seed + 50, n, 3, h, w)


keep_color = Check(
    "keep_color",
    _keep_color,
    [
        (
            torch.tensor([0.5, 0.0, -0.5]).view(1, 3, 1, 1),
            torch.tensor([0.2, 0.4, 0.8]).view(1, 3, 1, 1),
        ),
        (inputs.normal(631, 1, 3, 4, 4), 0.3 * inputs.normal(632, 1, 3, 4, 4)),
        (inputs.normal(633, 2, 3, 3, 5), inputs.normal(634, 2, 3, 3, 5)),
        *drawn(_two_pictures, count=5, seed=(0, 9), n=(1, 3), h=(1, 4), w=(1, 4)),
    ],
    {
        "exchanged: this keeps the painting's colours and takes the photograph's "
        "lightness.": lambda p, c: _keep_color(c, p),
        PLAIN_GREY: lambda p, c: _keep_color(p, c, (1 / 3,) * 3),
        "the weights of red and blue are exchanged.": lambda p, c: _keep_color(
            p, c, (0.114, 0.587, 0.299)
        ),
        "the lightness alone: a grey picture. Add the photograph's colours, c minus its "
        "lightness.": (
            lambda p, c: _lightness(p).expand_as(p),
            lambda p, c: _lightness(p),
        ),
        "the photograph's lightness was not taken off first.": lambda p, c: c + _lightness(p),
        "the painting's lightness was not added: only the photograph's colours are "
        "left.": lambda p, c: c - _lightness(c),
        "the signs are turned: the photograph's lightness goes, the painting's comes.": (
            lambda p, c: c + _lightness(c) - _lightness(p)
        ),
        "only the difference of the lightnesses: the photograph itself is missing.": lambda p, c: (
            _lightness(p) - _lightness(c)
        ),
        "half of each lightness; all of it is exchanged.": lambda p, c: (
            c + (_lightness(p) - _lightness(c)) / 2
        ),
        "the painting itself was added; it is its lightness.": lambda p, c: c - _lightness(c) + p,
        "the lightness is a ratio here; the text takes differences.": lambda p, c: (
            c * _lightness(p) / _lightness(c)
        ),
        "clipped: no clipping is asked.": (
            lambda p, c: _keep_color(p, c).clamp(-1, 1),
            lambda p, c: _keep_color(p, c).clamp(0, 1),
        ),
        "one lightness for the whole picture; each place has its own.": lambda p, c: (
            c - _lightness(c).mean((2, 3), keepdim=True) + _lightness(p).mean((2, 3), keepdim=True)
        ),
        "the weights are those of newer televisions, 0.2126, 0.7152 and 0.0722.": lambda p, c: (
            _keep_color(p, c, (0.2126, 0.7152, 0.0722))
        ),
    },
)
