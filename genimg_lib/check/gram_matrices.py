"""Checks of chapter 16, Gram matrices."""

import torch

from genimg_lib import style
from genimg_lib.check.judge import Check

_g = torch.Generator().manual_seed(16)


def _random(*shape):
    return torch.randn(*shape, generator=_g, dtype=torch.float64)


constant_gram = Check(
    "constant_gram",
    lambda a, height, width: a**2,
    [(2.0, 4, 4), (-1.5, 3, 7), (0.5, 16, 16)],
    {
        "not divided by the number of places: it would grow with the image.": lambda a, h, w: (
            a**2 * h * w
        ),
        "the value is not squared: the channel is multiplied by itself.": lambda a, h, w: a,
        "divided once too often: each of the H W places adds a².": lambda a, h, w: a**2 / (h * w),
    },
)


def _transposed(f):
    return f @ f.permute(0, 1, 3, 2) / f[0].numel()


gram = Check(
    "gram",
    style.gram,
    [(_random(2, 3, 4, 5),), (_random(1, 6, 2, 2),), (_random(3, 4, 4, 4).abs(),)],
    {
        "an elementwise product, summed: one number, how strong everything is. Which channels are active *together* needs a matrix product.": lambda f: (
            (f * f).sum(dim=(1, 2, 3)) / f[0].numel()
        ),
        "an elementwise product of each channel with itself: only the diagonal.": lambda f: (
            torch.diag_embed((f * f).sum(dim=(2, 3)) / f[0].numel())
        ),
        "transposed as if it were an image: [H, H] says which *rows* go together. Flatten the places first: F is [C, H W].": _transposed,
        "all images of the batch in one matrix. Each has its own style: [N, C, C].": lambda f: (
            torch.einsum("nihw,njhw->ij", f, f) / f.numel()
        ),
        "not divided: it grows with the image, and the style weight would depend on its size. Divide by C H W.": lambda f: (
            style.gram(f) * f[0].numel()
        ),
        "divided by H W only; the course divides by C H W, so that wide layers do not count more.": lambda f: (
            style.gram(f) * f.shape[1]
        ),
        "divided by the whole tensor, the batch included: a style would depend on how many images stand beside it.": lambda f: (
            style.gram(f) / len(f)
        ),
        "batch and channels ended up in one axis, [N C, N C]: styles of different images are multiplied with each other.": lambda f: (
            f.flatten(0, 1).flatten(1) @ f.flatten(0, 1).flatten(1).T / f[0].numel()
        ),
        "places with places, [H W, H W]: this keeps where things are and forgets the channels. F F', not F' F.": lambda f: (
            f.flatten(2).transpose(1, 2) @ f.flatten(2) / f[0].numel()
        ),
        "the means were taken off: this is the covariance, over C.": lambda f: style.gram(
            f - f.mean(dim=(2, 3), keepdim=True)
        ),
        "reshaped to [N, H W, C] instead of transposed: channels and places are mixed up.": lambda f: (
            f.reshape(len(f), -1, f.shape[1]).transpose(1, 2)
            @ f.reshape(len(f), -1, f.shape[1])
            / f[0].numel()
        ),
    },
)


def _moments(seed):
    f = torch.randn(
        1, 4, 5, 6, generator=torch.Generator().manual_seed(seed), dtype=torch.float64
    ).exp()
    return style.gram(f)[0], f[0].flatten(1).mean(1)


covariance_from_gram = Check(
    "covariance_from_gram",
    lambda G, mu: len(mu) * G - torch.outer(mu, mu),
    [_moments(0), _moments(1)],
    {
        "C is missing: our Gram matrix is divided by C H W, a covariance by H W.": lambda G, mu: (
            G - torch.outer(mu, mu)
        ),
        "the means are still in it: take off the outer product mu mu'.": lambda G, mu: len(mu) * G,
        "mu * mu is a vector and was taken off every row; the outer product is a matrix.": lambda G, mu: (
            len(mu) * G - mu * mu
        ),
        "the means were added.": lambda G, mu: len(mu) * G + torch.outer(mu, mu),
    },
)


def _adain(content, style_, dims=(2, 3), deviation=True):
    m, s = content.mean(dims, keepdim=True), content.std(dims, keepdim=True, correction=0)
    m2, s2 = style_.mean(dims, keepdim=True), style_.std(dims, keepdim=True, correction=0)
    return m2 + (s2 / s if deviation else s2**2 / s**2) * (content - m)


def _channels(n, c, h, w):
    """Features whose channels and images have means and deviations of their own."""
    return _random(n, c, h, w) * (0.5 + 2 * _random(n, c, 1, 1).abs()) + 2 * _random(n, c, 1, 1)


adain = Check(
    "adain",
    _adain,
    [
        (_channels(2, 3, 16, 16), _channels(2, 3, 16, 16)),
        (_channels(1, 4, 20, 12), _channels(1, 4, 18, 18)),
    ],
    {
        "content and style are exchanged: the first keeps its places, the second gives means and deviations.": lambda a, b: (
            _adain(b, a)
        ),
        "scaled by variances. It is the ratio of the standard deviations.": lambda a, b: _adain(
            a, b, deviation=False
        ),
        "statistics of the whole batch, as batch norm takes them. Each image has its own: mean over H and W only.": lambda a, b: (
            _adain(a, b, dims=(0, 2, 3))
        ),
        "statistics over the channels too. Each channel has its own.": lambda a, b: _adain(
            a, b, dims=(1, 2, 3)
        ),
        "normalised, but the style's mean and deviation were not put on.": lambda a, b: (
            (a - a.mean((2, 3), keepdim=True)) / a.std((2, 3), keepdim=True, correction=0)
        ),
        "the content's mean was not taken off first.": lambda a, b: (
            b.mean((2, 3), keepdim=True)
            + a
            * b.std((2, 3), keepdim=True, correction=0)
            / a.std((2, 3), keepdim=True, correction=0)
        ),
        "only the mean was moved.": lambda a, b: (
            a - a.mean((2, 3), keepdim=True) + b.mean((2, 3), keepdim=True)
        ),
    },
    tolerance=2e-2,  # with n or n - 1 in the deviation, with or without a small number below it
)

style_loss = Check(
    "style_loss",
    lambda f, target: (style.gram(f) - target).square().sum(dim=(1, 2)),
    [
        (_random(2, 3, 5, 5), style.gram(_random(2, 3, 6, 4))),
        (_random(1, 4, 3, 3).abs(), style.gram(_random(1, 4, 8, 8))),
    ],
    {
        "a loss of a tensor with itself is always 0.": lambda f, t: (
            (style.gram(f) - style.gram(f)).square().sum(dim=(1, 2))
        ),
        "the norm itself; its square is wanted, which is smooth where the difference is 0.": lambda f, t: (
            (style.gram(f) - t).norm(dim=(1, 2))
        ),
        "the mean over batch and entries, as F.mse_loss takes it. Sum over the entries, one number for each image.": lambda f, t: (
            (style.gram(f) - t).square().mean()
        ),
        "averaged over the entries; the squared Frobenius norm is their sum.": lambda f, t: (
            (style.gram(f) - t).square().mean(dim=(1, 2))
        ),
        "not squared.": lambda f, t: (style.gram(f) - t).abs().sum(dim=(1, 2)),
        "one number for the batch. Give one for each image.": lambda f, t: (
            (style.gram(f) - t).square().sum()
        ),
    },
)
