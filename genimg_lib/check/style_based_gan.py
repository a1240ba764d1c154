"""Checks of notebook 25, a style-based generator."""

import math

import torch
import torch.nn.functional as F

from genimg_lib.check import inputs
from genimg_lib.check.cases import drawn
from genimg_lib.check.judge import Check

# ---------------------------------------------------------------- truncation and mixing


def _truncated(w, mean, psi):
    return mean + psi * (w - mean)


def _styles(seed, n, d, k):
    return inputs.normal(seed, n, d) + 1, inputs.normal(seed + 1, d) + 2, k / 4


truncated = Check(
    "truncated",
    _truncated,
    [
        (torch.tensor([[2.0]]), torch.tensor([1.0]), 0.5),
        (torch.tensor([[2.0, 5.0]]), torch.tensor([1.0, 3.0]), -1.0),
        *drawn(_styles, count=12, seed=(0, 9), n=(1, 3), d=(1, 4), k=(1, 5)),
    ],
    {
        "drawn towards 0, not towards the mean.": lambda w, m, psi: psi * w,
        "psi and 1 - psi are exchanged: at psi = 1 nothing changes, at 0 all are the mean.": (
            lambda w, m, psi: m + (1 - psi) * (w - m)
        ),
        "the mean is not added again: this is how far a style lies from it.": (
            lambda w, m, psi: psi * (w - m)
        ),
        "the difference is turned: w - mean leads from the mean to the style.": (
            lambda w, m, psi: m + psi * (m - w)
        ),
        "this goes on from the style, and not from the mean.": (
            lambda w, m, psi: w + psi * (w - m)
        ),
        "the styles are clamped; truncation draws all of them nearer.": (
            lambda w, m, psi: w.clamp(-psi, psi),
            lambda w, m, psi: m + (w - m).clamp(-psi, psi),
        ),
        "the mean of these few styles was taken; `mean` is that of thousands.": (
            lambda w, m, psi: _truncated(w, w.mean(dim=0), psi)
        ),
        "the mean is added whole: it gets 1 - psi, as the style gets psi.": (
            lambda w, m, psi: m + psi * w
        ),
        "divided by psi: the styles go away from the mean.": lambda w, m, psi: m + (w - m) / psi,
        "psi became the distance from the mean; it is a share of it.": (
            lambda w, m, psi: m + psi * F.normalize(w - m, dim=1)
        ),
        "one mean of all numbers; each number of a style has its own.": (
            lambda w, m, psi: _truncated(w, m.mean(), psi)
        ),
        "psi multiplies the mean too.": lambda w, m, psi: psi * (w + m),
    },
)


def _mixed(w_a, w_b, cut, depth):
    layers = torch.arange(depth)[None, :, None]
    return torch.where(layers < cut[:, None, None], w_a[:, None], w_b[:, None])


def _two_styles(seed, n, d, depth):
    cut = inputs.integers(seed + 2, depth + 1, n)
    return inputs.normal(seed, n, d), inputs.normal(seed + 1, n, d), cut, depth


mixed = Check(
    "mixed",
    _mixed,
    [
        (torch.tensor([[1.0]]), torch.tensor([[2.0]]), torch.tensor([1]), 2),
        (torch.ones(3, 1), 2 * torch.ones(3, 1), torch.tensor([0, 2, 1]), 2),
        *drawn(_two_styles, count=16, seed=(0, 9), n=(1, 4), d=(1, 3), depth=(2, 5)),
    ],
    {
        "the first layers come from w_b and the last from w_a.": lambda a, b, cut, depth: _mixed(
            b, a, cut, depth
        ),
        "one layer too many from w_a: layers are counted from 0, so the first `cut` of them are 0 "
        "to cut - 1.": lambda a, b, cut, depth: _mixed(a, b, cut + 1, depth),
        "one layer too few from w_a.": lambda a, b, cut, depth: _mixed(a, b, cut - 1, depth),
        "all images are cut where the first is.": lambda a, b, cut, depth: _mixed(
            a, b, cut[:1].expand(len(cut)), depth
        ),
        "only one layer comes from w_b: all from `cut` on should.": lambda a, b, cut, depth: (
            torch.where(
                torch.arange(depth)[None, :, None] == cut[:, None, None], b[:, None], a[:, None]
            )
        ),
        "the axes are in another order: [N, depth, d] is asked.": (
            lambda a, b, cut, depth: _mixed(a, b, cut, depth).transpose(0, 1),
            lambda a, b, cut, depth: _mixed(a, b, cut, depth).transpose(1, 2),
        ),
        "`cut` counts the layers of w_a; here those of w_b.": lambda a, b, cut, depth: _mixed(
            a, b, depth - cut, depth
        ),
        "where `cut` is depth nothing comes from w_b: a slice [-0:] is the whole.": (
            lambda a, b, cut, depth: _mixed(a, b, torch.where(cut == depth, 0, cut), depth)
        ),
        "the styles are averaged; each layer has one or the other.": lambda a, b, cut, depth: (
            (a + b) / 2
        )[:, None].expand(-1, depth, -1),
        "the numbers of a style are cut; it's the layers that are.": lambda a, b, cut, depth: (
            torch.where(torch.arange(a.shape[1]) < cut[:, None], a, b)[:, None].expand(
                -1, depth, -1
            )
        ),
    },
)

# ---------------------------------------------------------------- modulated convolutions


def _plain(x, W, s):
    return F.conv2d(x * s[:, :, None, None], W, padding=W.shape[-1] // 2)


def _modulated(x, W, s, power=None):
    if power is None:
        power = (s[:, None, :, None, None] * W).square().sum(dim=(2, 3, 4))
    return _plain(x, W, s) / (power + 1e-8).sqrt()[:, :, None, None]


def _maps_and_styles(seed, n, wide, out, half):
    k = 2 * half + 1
    x, W = inputs.normal(seed, n, wide, 4, 5), inputs.normal(seed + 1, out, wide, k, k)
    return x, W, 1 + 0.7 * inputs.normal(seed + 2, n, wide)


def _scaled(W, s):
    return s[:, None, :, None, None] * W  # [N, out, in, k, k]


def _over(x, W, s, axes):
    """Weights for each image, divided by the root of their squares' sum over some axes."""
    own = _scaled(W, s)
    own = own / (own.square().sum(dim=axes, keepdim=True) + 1e-8).sqrt()
    outs = [F.conv2d(x[n : n + 1], own[n], padding=W.shape[-1] // 2) for n in range(len(x))]
    return torch.cat(outs)


def _with_epsilon(answer):
    """Is 1e-8 under the root?"""
    x, W = torch.ones(1, 1, 1, 1), torch.full((1, 1, 1, 1), 1e-4)
    silent, faint = (answer(x, W, torch.full((1, 1), style)) for style in (0.0, 1.0))
    if not torch.as_tensor(silent).isfinite().all():
        return "right, but for a style of 0, where it divides 0 by 0: add 1e-8 under the root."
    if (torch.as_tensor(faint) - 0.5**0.5).abs().max() > 1e-3:
        return "right for large weights; epsilon is missing, another one, or not under the root."
    return None


modulated = Check(
    "modulated",
    _modulated,
    [
        (torch.tensor([[[[1.0, 2.0]]]]), torch.full((1, 1, 1, 1), 3.0), torch.tensor([[2.0]])),
        *drawn(
            _maps_and_styles, count=14, seed=(0, 9), n=(1, 3), wide=(1, 3), out=(1, 3), half=(0, 1)
        ),
    ],
    {
        "not demodulated: this is (1) alone.": lambda x, W, s: _plain(x, W, s),
        "not modulated: the styles only appear in the divisor.": lambda x, W, s: (
            F.conv2d(x, W, padding=W.shape[-1] // 2)
            / _scaled(W, s).square().sum(dim=(2, 3, 4)).sqrt()[:, :, None, None]
        ),
        "divided by the sum of the squares; its root is asked.": lambda x, W, s: _modulated(
            x, W, s, _scaled(W, s).square().sum(dim=(2, 3, 4)).square()
        ),
        "the squares are averaged; (2) sums them.": lambda x, W, s: _modulated(
            x, W, s, _scaled(W, s).square().mean(dim=(2, 3, 4))
        ),
        "the styles are missing in the divisor.": lambda x, W, s: _modulated(
            x, W, s, W.square().sum(dim=(1, 2, 3))[None].expand(len(x), -1)
        ),
        "the styles are not squared in the divisor.": (
            lambda x, W, s: _modulated(x, W, s, _scaled(W.square(), s).sum(dim=(2, 3, 4))),
            lambda x, W, s: _modulated(x, W, s, _scaled(W.square(), s.abs()).sum(dim=(2, 3, 4))),
        ),
        "summed before squaring: variances add, not deviations.": (
            lambda x, W, s: _modulated(x, W, s, _scaled(W, s).sum(dim=(2, 3, 4)).square()),
            lambda x, W, s: _plain(x, W, s) / _scaled(W, s).sum(dim=(2, 3, 4))[:, :, None, None],
        ),
        "the sum runs over the window only; it runs over the maps that come in as well.": (
            lambda x, W, s: _over(x, W, s, (3, 4))
        ),
        "summed over the maps that come out; each has a divisor of its own, summed over those that "
        "come in.": lambda x, W, s: _over(x, W, s, (1, 3, 4)),
        "the styles act twice, on the maps and on the weights.": lambda x, W, s: _modulated(
            x * s[:, :, None, None], W, s, _scaled(W, s).square().sum(dim=(2, 3, 4))
        ),
        "not padded: the sides shrink by k - 1.": lambda x, W, s: (
            F.conv2d(x * s[:, :, None, None], W)
            / _scaled(W, s).square().sum(dim=(2, 3, 4)).sqrt()[:, :, None, None]
        ),
        "averaged over the maps that come in; (2) sums them.": (
            lambda x, W, s: _modulated(x, W, s, _scaled(W, s).square().sum(dim=(3, 4)).mean(dim=2))
        ),
        "one divisor for all maps that come out; each has its own.": lambda x, W, s: _modulated(
            x,
            W,
            s,
            _scaled(W, s).square().sum(dim=(2, 3, 4)).mean(dim=1, keepdim=True).expand(-1, len(W)),
        ),
        "divided by the spread of what came out: demodulation knows weights and styles only, and "
        "leaves the maps alone.": (
            lambda x, W, s: F.instance_norm(_plain(x, W, s)),
            lambda x, W, s: _plain(x, W, s) / _plain(x, W, s).std(dim=(2, 3), keepdim=True),
            lambda x, W, s: (
                _plain(x, W, s) / _plain(x, W, s).square().mean(dim=(2, 3), keepdim=True).sqrt()
            ),
        ),
        "the first image's style is used for all.": lambda x, W, s: _modulated(
            x, W, s[:1].expand_as(s)
        ),
    },
    tolerance=1e-3,
    also=_with_epsilon,
)


def _gain(alpha):
    return math.sqrt(2 / (1 + alpha**2))


gain = Check(
    "gain",
    _gain,
    [(0.0,), (1.0,), (0.2,), (0.5,), (0.01,), (2.0,)],
    {
        "the mean square itself, (4); the gain takes it back to 1.": lambda a: (1 + a**2) / 2,
        "the square is taken back, not the number: take the root.": lambda a: 2 / (1 + a**2),
        "this is the root of (4), what the activation does; divide by it.": lambda a: math.sqrt(
            (1 + a**2) / 2
        ),
        "that is for ReLU, alpha = 0: negative numbers keep alpha^2 of their square.": (
            lambda a: math.sqrt(2)
        ),
        "the root of 1 + alpha^2 is not 1 + alpha.": lambda a: 2**0.5 / (1 + a),
        "this keeps the mean size; the mean square is asked.": lambda a: 2 / (1 + a),
        "alpha is not squared.": lambda a: math.sqrt(2 / (1 + a)),
        "the half is missing: only half of all numbers are positive.": lambda a: math.sqrt(
            1 / (1 + a**2)
        ),
        "the variance was taken to 1; the next layer sums mean squares, the mean with them.": (
            lambda a: ((1 + a**2) / 2 - (1 - a) ** 2 / (2 * math.pi)) ** -0.5
        ),
    },
)

# ---------------------------------------------------------------- BigGAN


def _products(W):
    rows = W.flatten(1)
    return rows @ rows.T


def _off_diagonal(W):
    products = _products(W)
    return products.square().sum() - products.diagonal().square().sum()


def _filters(seed, out, wide, half):
    k = 2 * half + 1
    return (1.3 * inputs.normal(seed, out, wide, k, k),)


orthogonal = Check(
    "orthogonal",
    _off_diagonal,
    [
        (torch.tensor([[1.0, 0.0], [1.0, 1.0]]),),
        (inputs.normal(2501, 4, 3),),
        *drawn(_filters, count=12, seed=(0, 9), out=(2, 4), wide=(2, 4), half=(0, 1)),
    ],
    {
        "the lengths of the filters are charged as well: this pulls W W' to the unit matrix.": (
            lambda W: (_products(W) - torch.eye(len(W))).square().sum()
        ),
        "the diagonal is in it: a row's product with itself is no fault.": lambda W: (
            _products(W).square().sum()
        ),
        "each pair once; (8) has both orders.": lambda W: _off_diagonal(W) / 2,
        "the products are not squared.": lambda W: (
            _products(W).sum() - _products(W).diagonal().sum()
        ),
        "absolute values; squares are asked.": lambda W: (
            _products(W).abs().sum() - _products(W).diagonal().abs().sum()
        ),
        "averaged over the pairs; (8) sums.": (
            lambda W: _off_diagonal(W) / (len(W) * (len(W) - 1)),
            lambda W: _off_diagonal(W) / len(W) ** 2,
        ),
        "the diagonal is taken off before it is squared.": lambda W: (
            _products(W).square().sum() - _products(W).diagonal().sum()
        ),
        "as if all rows had length 1: take off the squares of their own products.": lambda W: (
            _products(W).square().sum() - len(W)
        ),
        "covariances: the rows' means were taken off.": lambda W: _off_diagonal(
            W.flatten(1) - W.flatten(1).mean(dim=1, keepdim=True)
        ),
        "for kernels `@` multiplies the rows of each k x k; flatten each filter into one row "
        "first.": lambda W: (
            ((W @ W.mT).square().sum() - (W @ W.mT).diagonal(dim1=-2, dim2=-1).square().sum())
            if W.dim() == 4
            else 0 * _off_diagonal(W)
        ),
        "each k x k is a row of its own here; a filter runs over all maps that come in.": (
            lambda W: _off_diagonal(W.flatten(0, 1) if W.dim() == 4 else W)
        ),
        "the root of it: a Frobenius norm that is squared is asked.": lambda W: _off_diagonal(
            W
        ).sqrt(),
        "columns were multiplied; a row is a filter.": lambda W: _off_diagonal(
            W.flatten(1).T.contiguous()
        ),
        "cosines: the rows were brought to length 1 first.": lambda W: _off_diagonal(
            F.normalize(W.flatten(1), dim=1)
        ),
        "squared before it is summed: (8) squares a product of rows, a sum.": lambda W: (
            torch.einsum("oikl,pikl->op", W**2, W**2).sum() - (W**4).sum()
            if W.dim() == 4
            else ((W**2) @ (W**2).T).sum() - (W**4).sum()
        ),
    },
    gradient=("W",),
)

# ---------------------------------------------------------------- reading


def _with_one(inputs_):
    return torch.cat([inputs_, torch.ones(len(inputs_), 1, dtype=inputs_.dtype)], dim=1)


def _guess(points, y, others, constant=True):
    A, B = (_with_one(points), _with_one(others)) if constant else (points, others)
    return B @ torch.linalg.lstsq(A, y[:, None]).solution[:, 0]


def _readable(points, y, new_points, new_y):
    wrong = (new_y - _guess(points, y, new_points)).square().sum()
    return 1 - wrong / (new_y - y.mean()).square().sum()


def _clouds(seed, n, d):
    counts = list(enumerate((12 + 3 * n, 9 + 2 * n)))
    points, new = (2 + inputs.normal(seed + k, m, d, dtype=torch.float64) for k, m in counts)
    way = inputs.normal(seed + 2, d, dtype=torch.float64)
    noise = [0.8 * inputs.normal(seed + 3 + k, m, dtype=torch.float64) for k, m in counts]
    return points, points @ way + noise[0] + 3, new, new @ way + noise[1] + 3


def _residual(points, y, new_points, new_y):
    return (new_y - _guess(points, y, new_points)).square().sum()


readable = Check(
    "readable",
    _readable,
    [
        tuple(
            torch.tensor(numbers, dtype=torch.float64)
            for numbers in ([[0.0], [1.0]], [0.0, 1.0], [[2.0], [3.0]], [2.0, 0.0])
        ),
        _clouds(2601, 1, 1),
        *drawn(_clouds, count=14, seed=(0, 9), n=(1, 4), d=(1, 3)),
    ],
    {
        "judged on the points that it was fitted to.": lambda p, y, q, v: _readable(p, y, p, y),
        "fitted to the new points: then nothing is held out.": lambda p, y, q, v: _readable(
            q, v, q, v
        ),
        "the constant is missing: put a column of ones beside the points.": lambda p, y, q, v: (
            1 - (v - _guess(p, y, q, False)).square().sum() / (v - y.mean()).square().sum()
        ),
        "this is the share that is *not* explained.": lambda p, y, q, v: 1 - _readable(p, y, q, v),
        "the squared error; it is to be compared with that of the mean.": (
            lambda p, y, q, v: _residual(p, y, q, v) / len(v),
            lambda p, y, q, v: _residual(p, y, q, v),
        ),
        "variances forgive a constant error.": lambda p, y, q, v: (
            1 - (v - _guess(p, y, q)).var() / v.var()
        ),
        "compared with the variance of y; the mean's guess is judged on the new points as well.": (
            lambda p, y, q, v: 1 - _residual(p, y, q, v) / len(v) / y.var(correction=0)
        ),
        "roots were compared; squared errors are asked.": lambda p, y, q, v: (
            1 - (_residual(p, y, q, v) / (v - y.mean()).square().sum()).sqrt()
        ),
        "cut off at 0; what is worse than the mean is below 0.": lambda p, y, q, v: _readable(
            p, y, q, v
        ).clamp(min=0),
        "compared with 0, not with the mean of y.": lambda p, y, q, v: (
            1 - _residual(p, y, q, v) / v.square().sum()
        ),
        "the correlation's square forgives a wrong scale and a wrong mean.": lambda p, y, q, v: (
            torch.corrcoef(torch.stack([_guess(p, y, q), v]))[0, 1] ** 2
        ),
        "the correlation itself.": lambda p, y, q, v: torch.corrcoef(
            torch.stack([_guess(p, y, q), v])
        )[0, 1],
        "compared with the mean of the *new* values, which a reading fitted before cannot know.": (
            lambda p, y, q, v: 1 - _residual(p, y, q, v) / (v - v.mean()).square().sum()
        ),
        "fitted to new and old points together.": lambda p, y, q, v: _readable(
            torch.cat([p, q]), torch.cat([y, v]), q, v
        ),
        "exchanged: fitted to the new points and judged on the old.": lambda p, y, q, v: _readable(
            q, v, p, y
        ),
    },
    tolerance=1e-4,
)
