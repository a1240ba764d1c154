"""Checks of notebook 16, Gram matrices."""

import torch
import torch.nn.functional as F

from genimg_lib.check import inputs
from genimg_lib.check.cases import drawn
from genimg_lib.check.judge import Check
from genimg_lib.check.wording import BATCH_STATISTICS, CHANNEL_STATISTICS, what_is

constant_gram = Check(
    "constant_gram",
    lambda a, height, width: a**2,
    [(2.0, 4, 4), (-1.5, 3, 7), (0.5, 16, 16), (3.0, 1, 1), (0.0, 2, 3)],
    {
        "not divided by the number of places: it would grow with the image.": lambda a, h, w: (
            a**2 * h * w
        ),
        "the value is not squared: the channel is multiplied by itself.": lambda a, h, w: a,
        "divided once too often: each of the H W places adds a².": lambda a, h, w: a**2 / (h * w),
        "the sign is lost, and the square with it.": lambda a, h, w: abs(a),
        "neither squared nor divided by the number of places.": lambda a, h, w: a * h * w,
        "the sum over the places was squared; squares are summed.": lambda a, h, w: (
            (a * h * w) ** 2
        ),
        "doubled, not squared.": lambda a, h, w: 2 * a,
    },
)


def _gram(features):
    rows = features.flatten(2)  # [N, C, H W]
    return rows @ rows.mT / features[0].numel()


def _transposed(f):
    return f @ f.permute(0, 1, 3, 2) / f[0].numel()


def _reshaped(f):
    rows = f.reshape(len(f), -1, f.shape[1])
    return rows.mT @ rows / f[0].numel()


def _merged(f):
    rows = f.flatten(0, 1).flatten(1)
    return rows @ rows.T / f[0].numel()


def _features(seed, n, c, h, w):
    return (inputs.maps(seed, n, c, h, w),)


gram = Check(
    "gram",
    _gram,
    [
        (torch.tensor([1.0, 2.0, 3.0, 4.0]).view(1, 2, 1, 2),),
        (inputs.normal(171, 2, 3, 4, 5),),
        (inputs.normal(172, 1, 6, 2, 2),),
        (inputs.normal(173, 3, 4, 4, 4).abs(),),
        *drawn(_features, count=8, seed=(0, 9), n=(1, 3), c=(1, 4), h=(1, 4), w=(1, 4)),
    ],
    {
        "an elementwise product, summed: one number, how strong everything is. Which channels are "
        "active *together* needs a matrix product.": lambda f: (
            (f * f).sum(dim=(1, 2, 3)) / f[0].numel()
        ),
        "an elementwise product of each channel with itself: only the diagonal.": (
            lambda f: torch.diag_embed((f * f).sum(dim=(2, 3)) / f[0].numel()),
            lambda f: (f * f).sum(dim=(2, 3)) / f[0].numel(),
        ),
        "transposed as if it were an image: [H, H] says which *rows* go together. Flatten the "
        "places first: F is [C, H W].": _transposed,
        "all images of the batch in one matrix. Each has its own style: [N, C, C].": (
            lambda f: torch.einsum("nihw,njhw->ij", f, f) / f.numel(),
            lambda f: torch.einsum("nihw,njhw->ij", f, f) / f[0].numel(),
        ),
        "averaged over the batch. Each image has its own style: [N, C, C].": lambda f: _gram(
            f
        ).mean(0, keepdim=True),
        "not divided: it grows with the image, and the style weight would depend on its size. "
        "Divide by C H W.": (lambda f: _gram(f) * f[0].numel()),
        "divided by H W only; the course divides by C H W, so that wide layers do not count "
        "more.": (lambda f: _gram(f) * f.shape[1]),
        "divided by C only; the course divides by C H W.": lambda f: _gram(f) * f[0, 0].numel(),
        "divided by the whole tensor, the batch included: a style would depend on how many images "
        "stand beside it.": (lambda f: _gram(f) / len(f)),
        "batch and channels ended up in one axis, [N C, N C]: styles of different images are "
        "multiplied with each other.": (_merged, lambda f: _merged(f) / len(f)),
        "places with places, [H W, H W]: this keeps where things are and forgets the channels. F "
        "F', not F' F.": lambda f: f.flatten(2).mT @ f.flatten(2) / f[0].numel(),
        "the means were taken off: this is the covariance, over C.": lambda f: _gram(
            f - f.mean(dim=(2, 3), keepdim=True)
        ),
        "divided by H W - 1: it is a mean over the places, not an estimate of a "
        "covariance.": lambda f: _gram(f) * f[0, 0].numel() / max(1, f[0, 0].numel() - 1),
        "each channel was made 1 long first: these are cosines, and how strong a channel is, is "
        "lost.": (
            lambda f: _gram(F.normalize(f.flatten(2), dim=2)[..., None]) * f[0].numel(),
            lambda f: _gram(F.normalize(f.flatten(2), dim=2)[..., None]),
        ),
        "the product of the means; it is the mean of the products.": lambda f: (
            f.mean((2, 3))[:, :, None] * f.mean((2, 3))[:, None] / f.shape[1]
        ),
        "only one half of the matrix; it is symmetric, and both are wanted.": (
            lambda f: _gram(f).triu(),
            lambda f: _gram(f).tril(),
        ),
        "reshaped to [N, H W, C] instead of transposed: channels "
        "and places are mixed up.": _reshaped,
    },
    gradient=("features",),
    forms=(
        lambda features: (
            torch.einsum("nihw,njhw->nij", features, features)
            / (features.shape[1] * features.shape[2] * features.shape[3])
        ),
    ),
)


def _moments(seed, c, h=5, w=6):
    f = inputs.normal(seed, 1, c, h, w).exp()
    return _gram(f)[0], f[0].flatten(1).mean(1)


covariance_from_gram = Check(
    "covariance_from_gram",
    lambda G, mu: len(mu) * G - torch.outer(mu, mu),
    [_moments(181, 1), _moments(182, 2), _moments(183, 3), _moments(184, 4)],
    {
        "C is missing: our Gram matrix is divided by C H W, a covariance by H W.": lambda G, mu: (
            G - torch.outer(mu, mu)
        ),
        "the means are still in it: take off the outer product mu mu'.": lambda G, mu: len(mu) * G,
        "mu * mu is a vector and was taken off every row; the outer product is a matrix.": (
            lambda G, mu: len(mu) * G - mu * mu,
        ),
        "mu * mu is a vector and was taken off every column; the outer product is a "
        "matrix.": lambda G, mu: len(mu) * G - (mu * mu)[:, None],
        "mu @ mu is one number and was taken off everywhere; the outer product is a "
        "matrix.": lambda G, mu: len(mu) * G - mu @ mu,
        "the means were added.": lambda G, mu: len(mu) * G + torch.outer(mu, mu),
        "divided by C: our Gram matrix is divided by C H W, so it has to be multiplied by "
        "C.": lambda G, mu: G / len(mu) - torch.outer(mu, mu),
        "the outer product was multiplied by C too: only the Gram matrix is divided by "
        "it.": lambda G, mu: len(mu) * (G - torch.outer(mu, mu)),
        "the sign is turned.": lambda G, mu: torch.outer(mu, mu) - len(mu) * G,
        "the means were taken off the Gram matrix itself; it is their products that are in it.": (
            lambda G, mu: len(mu) * G - mu,
            lambda G, mu: len(mu) * G - mu[:, None],
        ),
        "the outer product was taken off twice.": lambda G, mu: (
            len(mu) * G - 2 * torch.outer(mu, mu)
        ),
        "C - 1 has no place here: C undoes the division by C H W.": lambda G, mu: (
            len(mu) / max(1, len(mu) - 1) * G - torch.outer(mu, mu)
        ),
        "the outer product was divided by C: only the Gram matrix is divided by "
        "it.": lambda G, mu: len(mu) * G - torch.outer(mu, mu) / len(mu),
        "the correlation: each entry was divided by the two deviations.": lambda G, mu: (
            _correlation(len(mu) * G - torch.outer(mu, mu))
        ),
    },
)


def _correlation(covariance):
    deviations = covariance.diagonal().sqrt()
    return covariance / torch.outer(deviations, deviations)


def _moments_of(x, dims=(2, 3), correction=0):
    return x.mean(dims, keepdim=True), x.std(dims, keepdim=True, correction=correction)


def _adain(content, style, dims=(2, 3), power=1, correction=0):
    m, s = _moments_of(content, dims, correction)
    m2, s2 = _moments_of(style, dims, correction)
    return m2 + (s2 / s) ** power * (content - m)


def _with_small_number(content, style):
    m, s = _moments_of(content)
    m2, s2 = _moments_of(style)
    return m2 + s2 * (content - m) / s.square().add(1e-5).sqrt()


def _pair(seed, n, c, h, w):
    return inputs.maps(seed, n, c, h, w), inputs.maps(seed + 50, n, c, h + 1, w)


def _in_steps(content, style):
    m = content.mean(dim=(2, 3), keepdim=True)
    s = content.std(dim=(2, 3), keepdim=True, correction=0)
    m2 = style.mean(dim=(2, 3), keepdim=True)
    s2 = style.std(dim=(2, 3), keepdim=True, correction=0)
    return (content - m) / s * s2 + m2


def _unlike(content, style, ours, theirs, power=0.5):
    """AdaIN with n - ours under the content's variance, and n - theirs under the style's."""
    m, v = content.mean((2, 3), keepdim=True), content.var((2, 3), keepdim=True, correction=ours)
    m2, v2 = style.mean((2, 3), keepdim=True), style.var((2, 3), keepdim=True, correction=theirs)
    return (content - m) / (v + 1e-5) ** power * v2**power + m2


def _norm_for_deviation(x):
    return (x - x.mean((2, 3), keepdim=True)).norm(dim=(2, 3), keepdim=True)


adain = Check(
    "adain",
    _adain,
    [
        (
            torch.tensor([1.0, 3.0]).view(1, 1, 1, 2),
            torch.tensor([10.0, 30.0]).view(1, 1, 1, 2),
        ),
        (inputs.maps(191, 2, 3, 6, 6), inputs.maps(194, 2, 3, 6, 6)),
        (inputs.maps(197, 1, 4, 7, 5), inputs.maps(200, 1, 4, 6, 6)),
        *drawn(_pair, count=6, seed=(0, 9), n=(1, 3), c=(1, 3), h=(2, 4), w=(2, 4)),
    ],
    {
        "content and style are exchanged: the first keeps its places, the second gives means and "
        "deviations.": (lambda a, b: _adain(b, a)),
        "scaled by variances. It is the ratio of the standard deviations.": (
            lambda a, b: _adain(a, b, power=2),
            lambda a, b: _adain(a, b, power=2, correction=1),
        ),
        BATCH_STATISTICS: (
            lambda a, b: _adain(a, b, dims=(0, 2, 3)),
            lambda a, b: _adain(a, b, dims=(0, 2, 3), correction=1),
        ),
        CHANNEL_STATISTICS: (
            lambda a, b: _adain(a, b, dims=(1, 2, 3)),
            lambda a, b: _adain(a, b, dims=(1, 2, 3), correction=1),
        ),
        "normalised, but the style's mean and deviation were not put on.": (
            lambda a, b: (a - _moments_of(a)[0]) / _moments_of(a)[1],
            lambda a, b: (a - _moments_of(a)[0]) / _moments_of(a, correction=1)[1],
        ),
        "the content's mean was not taken off first.": (
            lambda a, b: _moments_of(b)[0] + a * _moments_of(b)[1] / _moments_of(a)[1],
            lambda a, b: (
                _moments_of(b)[0]
                + a * _moments_of(b, correction=1)[1] / _moments_of(a, correction=1)[1]
            ),
        ),
        "one deviation is divided by n, the other by n - 1: alike in both.": (
            lambda a, b: _unlike(a, b, 0, 1),
            lambda a, b: _unlike(a, b, 1, 0),
        ),
        "scaled after the style's mean was put on: the mean was scaled too.": lambda a, b: (
            (a - _moments_of(a)[0] + _moments_of(a)[1] * _moments_of(b)[0])
            / _moments_of(a)[1]
            * _moments_of(b)[1]
        ),
        "the style's mean and deviation are exchanged.": lambda a, b: (
            (a - _moments_of(a)[0]) / _moments_of(a)[1] * _moments_of(b)[0] + _moments_of(b)[1]
        ),
        "the style's variance; it is its standard deviation.": lambda a, b: (
            (a - _moments_of(a)[0]) / _moments_of(a)[1] * _moments_of(b)[1] ** 2 + _moments_of(b)[0]
        ),
        "the style's mean was taken off the content; it is the content's own.": lambda a, b: (
            (a - _moments_of(b)[0]) / _moments_of(a)[1] * _moments_of(b)[1] + _moments_of(b)[0]
        ),
        "a norm, the root of a sum of squares, stands where a deviation belongs, the root of their "
        "mean.": lambda a, b: (
            (a - _moments_of(a)[0]) / _norm_for_deviation(a) * _norm_for_deviation(b)
            + _moments_of(b)[0]
        ),
        "only the mean was moved.": lambda a, b: a - _moments_of(a)[0] + _moments_of(b)[0],
        "the style's mean was not put on: the result has the deviation of the style and the mean "
        "0.": (
            lambda a, b: _adain(a, b) - _moments_of(b)[0],
            lambda a, b: _adain(a, b, correction=1) - _moments_of(b)[0],
        ),
        "the content's mean was put back; it is the style's.": (
            lambda a, b: _adain(a, b) - _moments_of(b)[0] + _moments_of(a)[0],
            lambda a, b: _adain(a, b, correction=1) - _moments_of(b)[0] + _moments_of(a)[0],
        ),
        "multiplied by the style's deviation, and not divided by the content's.": (
            lambda a, b: _moments_of(b)[0] + _moments_of(b)[1] * (a - _moments_of(a)[0]),
            lambda a, b: (
                _moments_of(b)[0] + _moments_of(b, correction=1)[1] * (a - _moments_of(a)[0])
            ),
        ),
        "divided by the content's deviation, and not multiplied by the style's.": (
            lambda a, b: _moments_of(b)[0] + (a - _moments_of(a)[0]) / _moments_of(a)[1],
            lambda a, b: (
                _moments_of(b)[0] + (a - _moments_of(a)[0]) / _moments_of(a, correction=1)[1]
            ),
        ),
        "the ratio of the deviations is upside down: times the style's, divided by the "
        "content's.": (
            lambda a, b: _adain(a, b, power=-1),
            lambda a, b: _adain(a, b, power=-1, correction=1),
        ),
    },
    also_right=(lambda a, b: _adain(a, b, correction=1), _with_small_number),
    forms=(_in_steps,),
    tolerance=1e-3,  # a small number below the deviation is as good
    gradient=("content",),
)


def _style_loss(features, target):
    return (_gram(features) - target).square().sum(dim=(1, 2))


def _and_target(seed, n, c, h, w):
    return inputs.normal(seed, n, c, h, w), _gram(2 * inputs.normal(seed + 50, n, c, h, w))


style_loss = Check(
    "style_loss",
    _style_loss,
    [
        (torch.tensor([1.0, 2.0]).view(1, 1, 1, 2), torch.tensor([[[1.0]]])),
        (inputs.normal(211, 2, 3, 5, 5), _gram(inputs.normal(212, 2, 3, 6, 4))),
        (inputs.normal(213, 1, 4, 3, 3).abs(), _gram(inputs.normal(214, 1, 4, 8, 8))),
        *drawn(_and_target, count=6, seed=(0, 9), n=(1, 3), c=(1, 3), h=(1, 3), w=(1, 3)),
    ],
    {
        "a loss of a tensor with itself is always 0.": lambda f, t: (
            (_gram(f) - _gram(f)).square().sum(dim=(1, 2))
        ),
        "the norm itself; its square is wanted, which is smooth where the difference is "
        "0.": lambda f, t: (_gram(f) - t).norm(dim=(1, 2)),
        "the mean over batch and entries, as F.mse_loss takes it. Sum over the entries, one number "
        "for each image.": (lambda f, t: (_gram(f) - t).square().mean()),
        "averaged over the entries; the squared Frobenius norm is their sum.": lambda f, t: (
            (_gram(f) - t).square().mean(dim=(1, 2))
        ),
        "not squared.": lambda f, t: (_gram(f) - t).abs().sum(dim=(1, 2)),
        "one number for the batch. Give one for each image.": (
            lambda f, t: (_gram(f) - t).square().sum(),
            lambda f, t: _style_loss(f, t).mean(),
            lambda f, t: (_gram(f) - t).norm() ** 2,
        ),
        "the Gram matrix is not divided by C H W, as the target is.": lambda f, t: (
            (_gram(f) * f[0].numel() - t).square().sum(dim=(1, 2))
        ),
        "the Gram matrix is divided by H W only; the target was divided by C H W.": lambda f, t: (
            (_gram(f) * f.shape[1] - t).square().sum(dim=(1, 2))
        ),
        "summed over one axis of the matrix only; both belong to the norm.": (
            lambda f, t: (_gram(f) - t).square().sum(dim=1),
            lambda f, t: (_gram(f) - t).square().sum(dim=2),
        ),
        "not squared: positive and negative differences cancel.": lambda f, t: (_gram(f) - t).sum(
            dim=(1, 2)
        ),
        "the square of the sum; it is the sum of the squares.": lambda f, t: (
            (_gram(f) - t).sum(dim=(1, 2)) ** 2
        ),
        "divided by the target's own size: that is equation (7)'s share, not the loss.": (
            lambda f, t: _style_loss(f, t) / t.square().sum(dim=(1, 2)),
        ),
        "only the diagonal: which channels go together counts, too.": lambda f, t: (
            (_gram(f) - t).diagonal(dim1=1, dim2=2).square().sum(dim=1)
        ),
        "only one half of the matrix: the squared norm sums over all entries.": (
            lambda f, t: (_gram(f) - t).triu().square().sum(dim=(1, 2)),
            lambda f, t: (_gram(f) - t).tril().square().sum(dim=(1, 2)),
        ),
        "the difference of two norms: other styles may be as large.": lambda f, t: (
            _gram(f).square().sum(dim=(1, 2)) - t.square().sum(dim=(1, 2))
        ),
        "ord=2 of a matrix is its largest singular value; the Frobenius norm sums over all "
        "entries.": lambda f, t: torch.linalg.matrix_norm(_gram(f) - t, ord=2).square(),
        "the root of the mean square; the sum of the squares is wanted.": lambda f, t: (
            (_gram(f) - t).square().mean(dim=(1, 2)).sqrt()
        ),
        "the mean was taken off: the target is a Gram matrix, no covariance.": lambda f, t: (
            (_gram(f - f.mean(dim=(2, 3), keepdim=True)) - t).square().sum(dim=(1, 2))
        ),
    },
    gradient=("features",),
    forms=(lambda features, target: ((_gram(features) - target) ** 2).sum(dim=(1, 2)),),
)


def _xor(row, column, start=None):
    even = row[None, :] ^ column[:, None]
    return even ^ (row[0] if start is None else start)


def _grown(row, column, rule):
    x = row.new_zeros(len(column), len(row))
    x[0], x[:, 0] = row, column
    for i in range(1, len(column)):
        for j in range(1, len(row)):
            x[i, j] = rule(x[i - 1, j], x[i, j - 1], x[i - 1, j - 1])
    return x


def _borders(seed, h, w):
    row, column = inputs.integers(seed, 2, w), inputs.integers(seed + 50, 2, h)
    column[0] = row[0]
    return row, column


def _by_neighbours(row, column):
    x = torch.zeros(len(column), len(row), dtype=row.dtype)
    x[0], x[:, 0] = row, column
    for i in range(1, len(column)):
        for j in range(1, len(row)):
            x[i, j] = x[i - 1, j] ^ x[i, j - 1] ^ x[i - 1, j - 1]
    return x


def _but_the_last(x, row, column):
    x = x.clone()
    x[-1, 1:], x[1:, -1] = 0, 0
    return x


def _as_in_the_docstring(answer):
    given = answer(torch.tensor([0, 1]), torch.tensor([0, 1]))
    if not isinstance(given, torch.Tensor):
        return f"the numbers are right, but expected a tensor, got {what_is(given)}"
    if given.dtype != torch.int64:
        return f"the numbers are right, but expected int64, got {given.dtype}. End with .long()"
    return None


even_texture = Check(
    "even_texture",
    _xor,
    [
        (torch.tensor([0, 1]), torch.tensor([0, 1])),
        (torch.tensor([1, 0, 1]), torch.tensor([1, 1])),
        _borders(221, 5, 7),
        *drawn(_borders, count=8, seed=(0, 9), h=(2, 5), w=(2, 5)),
    ],
    {
        "the corner is the first pixel of both, not the last.": (
            lambda row, column: _xor(row, column, row[-1]),
            lambda row, column: _xor(row, column, column[-1]),
        ),
        "only the first row and the first column are filled: each other pixel follows from three "
        "of its neighbours.": (
            lambda row, column: _grown(row, column, lambda up, left, both: torch.zeros_like(up))
        ),
        "the pixels are 0 and 1, not -1 and 1.": lambda row, column: 2 * _xor(row, column) - 1,
        "the block's own corner counts, not the picture's.": (
            lambda row, column: _grown(row, column, lambda up, left, both: up ^ left ^ row[0])
        ),
        "every block of four has an odd number of ones; even is wanted.": (
            lambda row, column: _grown(row, column, lambda up, left, both: 1 ^ up ^ left ^ both)
        ),
        "the corner was left out: where it is 1, the first row and column come out turned "
        "over.": lambda row, column: _xor(row, column, 0),
        "the product of row and column: 1 only where both are. Which numbers of ones are even?": (
            lambda row, column: row[None, :] * column[:, None]
        ),
        "the larger of both: where two ones meet, the block may have three.": (
            lambda row, column: torch.maximum(row[None, :], column[:, None])
        ),
        "the sum, not its remainder by 2: a pixel is 0 or 1.": (
            lambda row, column: row[None, :] + column[:, None],
            lambda row, column: row[None, :] + column[:, None] + row[0],
            lambda row, column: row[None, :] + column[:, None] - row[0],
        ),
        "made of the pixel above and that to the left alone: the block has a fourth one, above "
        "and to the left of it.": (
            lambda row, column: _grown(row, column, lambda up, left, both: up ^ left)
        ),
        "rows and columns have changed places: the row lies along the top.": (
            lambda row, column: _xor(row, column).T
        ),
        "the last row and the last column are not filled.": lambda row, column: _but_the_last(
            _xor(row, column), row, column
        ),
    },
    forms=(_by_neighbours,),
    also=_as_in_the_docstring,
)
