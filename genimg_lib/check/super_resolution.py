"""Checks of notebook 61, super-resolution."""

import math

import torch
import torch.nn.functional as F

from genimg_lib.check import inputs
from genimg_lib.check.cases import drawn
from genimg_lib.check.judge import Check


def _alias(k, n, s):
    small = n // s
    return min(k % small, small - k % small)


def _by_bins(k, n, s):
    """The tallest bin below n / (2 s), which is left out; where all are flat, the first."""
    waves = torch.cos(2 * math.pi * k * torch.arange(0, n, s).double() / n)
    sizes = torch.fft.rfft(waves).abs()[: n // s // 2]
    return int((sizes * 1e6).round().argmax())


def _stripes(k, small, s):
    n = small * s
    return (k % (n // 2 + 1), n, s)


alias = Check(
    "alias",
    _alias,
    [
        (60, 128, 2),
        (5, 64, 4),
        (3, 14, 2),
        (9, 24, 4),
        (9, 20, 5),
        (12, 20, 5),
        (12, 24, 4),
        *drawn(_stripes, count=16, k=(0, 60), small=(4, 24), s=(2, 4)),
    ],
    {
        "of k mod m and m - k mod m, stripes look like the fewer ones.": lambda k, n, s: (
            k % (n // s)
        ),
        "what is kept is n / s pixels: the spectrum repeats after so many.": (
            lambda k, n, s: min(k % n, n - k % n),
            lambda k, n, s: min(k, n - k),
        ),
        "stripes aren't made fewer by s: the row is shorter, not the stripes fewer.": (
            lambda k, n, s: k // s,
            lambda k, n, s: round(k / s),
        ),
        "beyond n / (2 s) they turn back, they don't stop there.": lambda k, n, s: min(
            k, n // (2 * s)
        ),
        "n / (2 s) can be the answer: the bins are 0 to n // s // 2, both included.": _by_bins,
        "they turn back again and again: k mod m first.": lambda k, n, s: abs(
            k - n // s * (k > n // (2 * s))
        ),
        "none are lost: a wave that is too fine comes back as another.": lambda k, n, s: (
            k if k <= n // (2 * s) else 0
        ),
    },
)

_BT601 = (65.481 / 255, 128.553 / 255, 24.966 / 255)
_FULL = (0.299, 0.587, 0.114)


def _luma(x, weights):
    return (x.double() * torch.tensor(weights, dtype=torch.float64).view(3, 1, 1)).sum(dim=0)


def _decibels(a, b, peak=255.0):
    return 20 * torch.log10(peak / (a - b).square().mean().sqrt())


def _shaved(x, s):
    return x[..., s:-s, s:-s]


def _psnr_y(x_hat, x, scale, weights=_BT601, peak=255.0, shave=None):
    shave = scale if shave is None else shave
    a, b = (_luma(image, weights) for image in (x_hat, x))
    if shave:
        a, b = _shaved(a, shave), _shaved(b, shave)
    return _decibels(a, b, peak)


def _inner(x_hat, x, scale):
    """The difference of luma, edges left out."""
    a, b = (_shaved(_luma(image, _BT601), scale) for image in (x_hat, x))
    return a - b


def _edges_as_zeros(x_hat, x, scale):
    off = F.pad(_inner(x_hat, x, scale), (scale,) * 4)
    return 20 * torch.log10(255 / off.square().mean().sqrt())


def _pair(seed, side, more, scale):
    shape = (3, 10 + side, 10 + side + more)
    x = inputs.integers(seed, 180 + 6 * seed, *shape, low=20).double()
    off = inputs.normal(seed + 1, *shape, dtype=torch.float64).mul(6).round()
    off[:, 0] += 15  # the edge is worse than the rest
    return (x + off).clamp(0, 255), x, scale


psnr_y = Check(
    "psnr_y",
    _psnr_y,
    drawn(_pair, count=10, seed=(0, 9), side=(0, 3), more=(0, 3), scale=(2, 4)),
    {
        "1.32 dB off: papers weigh 65.481, 128.553, 24.966 (over 255), and keep 255 as peak.": (
            lambda a, b, s: _psnr_y(a, b, s, _FULL),
            lambda a, b, s: _psnr_y(a, b, s, peak=219.0),
        ),
        "the weights stand for R, G, B; these are turned around.": lambda a, b, s: _psnr_y(
            a, b, s, _BT601[::-1]
        ),
        "the edges are left out: `scale` pixels on every side.": lambda a, b, s: _psnr_y(
            a, b, s, shave=0
        ),
        "of all three channels; papers judge the luma alone.": lambda a, b, s: _decibels(
            _shaved(a, s), _shaved(b, s)
        ),
        "20 log10 of a ratio of deviations, or 10 log10 of one of squares.": (
            lambda a, b, s: _psnr_y(a, b, s) / 2,
            lambda a, b, s: 2 * _psnr_y(a, b, s),
        ),
        "a decibel has log10, this is another logarithm.": (
            lambda a, b, s: _psnr_y(a, b, s) * 2.302585092994046,
            lambda a, b, s: _psnr_y(a, b, s) * 3.321928094887362,
        ),
        "rows are shaved, columns aren't.": lambda a, b, s: _decibels(
            *(_luma(image, _BT601)[s:-s] for image in (a, b))
        ),
        "columns are shaved, rows aren't.": lambda a, b, s: _decibels(
            *(_luma(image, _BT601)[:, s:-s] for image in (a, b))
        ),
        "turned over: the peak stands above, the error below.": lambda a, b, s: -_psnr_y(a, b, s),
        "`scale` pixels go on every side, here only half of them.": lambda a, b, s: _psnr_y(
            a, b, s, shave=s // 2
        ),
        "the peak is 255, whatever the images hold, and whatever other images' range is.": (
            lambda a, b, s: _psnr_y(a, b, s, peak=b.max().item()),
            lambda a, b, s: _psnr_y(a, b, s, peak=_luma(b, _BT601).max().item()),
            lambda a, b, s: _psnr_y(a, b, s, peak=235.0),
            lambda a, b, s: _psnr_y(a, b, s, peak=2.0),
        ),
        "255 is squared, as the error is.": lambda a, b, s: (
            10 * torch.log10(255 / _inner(a, b, s).square().mean())
        ),
        "of squared differences, not of absolute ones.": lambda a, b, s: (
            20 * torch.log10(255 / _inner(a, b, s).abs().mean())
        ),
        "the root belongs to both or to none: 255^2 over a mean square.": lambda a, b, s: (
            10 * torch.log10(255**2 / _inner(a, b, s).square().mean().sqrt())
        ),
        "a mean over pixels, not a sum.": lambda a, b, s: (
            10 * torch.log10(255**2 / _inner(a, b, s).square().sum())
        ),
        "this is the mean squared error; wanted are decibels.": lambda a, b, s: (
            _inner(a, b, s).square().mean()
        ),
        "the mean difference counts as well: no standard deviation, no variance.": lambda a, b, s: (
            20 * torch.log10(255 / _inner(a, b, s).std())
        ),
        "`scale` pixels go on both ends of a side.": (
            lambda a, b, s: _decibels(*(_luma(image, _BT601)[s:, s:] for image in (a, b))),
            lambda a, b, s: _decibels(*(_luma(image, _BT601)[:-s, :-s] for image in (a, b))),
        ),
        "edges set to 0 still count in the mean: cut them off.": _edges_as_zeros,
        "the luma isn't rounded.": lambda a, b, s: _decibels(
            *(_shaved((16 + _luma(image, _BT601)).round(), s) for image in (a, b))
        ),
        "the weights are over 255: levels go in, levels come out.": (
            lambda a, b, s: _psnr_y(a, b, s, tuple(255 * w for w in _BT601)),
            lambda a, b, s: _psnr_y(a / 255, b / 255, s),
        ),
    },
)


def _wrong_order(h, s):
    n, c, height, width = h.shape
    parts = h.view(n, s, s, c // s**2, height, width)
    return parts.permute(0, 3, 4, 1, 5, 2).reshape(n, c // s**2, s * height, s * width)


def _turned(h, s):
    n, c, height, width = h.shape
    parts = h.view(n, c // s**2, s, s, height, width)
    return parts.permute(0, 1, 4, 3, 5, 2).reshape(n, c // s**2, s * height, s * width)


def _in_blocks(h, s):
    n, c, height, width = h.shape
    parts = h.view(n, c // s**2, s, s, height, width)
    return parts.permute(0, 1, 2, 4, 3, 5).reshape(n, c // s**2, s * height, s * width)


def _cut_anew(h, s):
    n, c, height, width = h.shape
    return h.reshape(n, c // s**2, s * height, s * width)


def _grid(seed, n, c, s, height, width):
    return inputs.normal(seed, n, c * s**2, height, width), s


shuffle = Check(
    "shuffle",
    F.pixel_shuffle,
    drawn(_grid, count=12, seed=(0, 9), n=(1, 2), c=(1, 3), s=(2, 3), height=(2, 4), width=(2, 4)),
    {
        "cut anew without permute: pixels of a block lie far apart.": _cut_anew,
        "the s x s channels of a colour stand together: (C, s, s), not (s, s, C).": _wrong_order,
        "rows and columns inside a block are exchanged.": _turned,
        "channels became blocks of the image; they are pixels of a block.": _in_blocks,
        "a pixel is repeated; its block has s x s channels of its own.": lambda h, s: F.interpolate(
            h[:, :: s**2], scale_factor=s
        ),
        "the block is its channels' mean; each is a pixel.": lambda h, s: F.interpolate(
            h.view(len(h), -1, s**2, *h.shape[2:]).mean(dim=2), scale_factor=s
        ),
        "this is the way back, from pixels to channels.": lambda h, s: (
            F.pixel_unshuffle(h, s) if h.shape[2] % s == 0 and h.shape[3] % s == 0 else h
        ),
    },
)


def _inverse(A):
    return torch.linalg.pinv(A)


def _nearest(h, x, A):
    return h + _inverse(A) @ (A @ (x - h))


def _of_tall(h, x, A):
    """The inverse for matrices with more rows than columns."""
    return h + torch.linalg.inv(A.T @ A) @ A.T @ (A @ (x - h))


def _row_by_row(h, x, A):
    return h + A.T @ (A @ (x - h) / A.square().sum(dim=1))


def _system(seed, m, more):
    d = m + 1 + more
    A = inputs.normal(seed, m, d, dtype=torch.float64)
    h, x = inputs.normal(seed + 1, 2, d, dtype=torch.float64)
    return h, x, A


same_thumbnail = Check(
    "same_thumbnail",
    _nearest,
    drawn(_system, count=12, seed=(0, 9), m=(1, 4), more=(0, 4)),
    {
        "it fits, but another one that fits is nearer to h.": (
            lambda h, x, A: x + h - _inverse(A) @ (A @ h),
            lambda h, x, A: x,
            lambda h, x, A: _inverse(A) @ (A @ x),
        ),
        "A.T @ A has no inverse where A has fewer rows than columns: A @ A.T has.": _of_tall,
        "rows aren't at right angles: their products, A @ A.T, have to be undone.": _row_by_row,
        "A.T is no inverse of A, not even on what is seen: A @ A.T isn't the identity.": (
            lambda h, x, A: h + A.T @ (A @ (x - h))
        ),
        "the wrong way: this goes away from what x is seen as.": lambda h, x, A: (
            h - _inverse(A) @ (A @ (x - h))
        ),
        "exchanged: near to x, and seen as h is.": lambda h, x, A: _nearest(x, h, A),
        "this is the step; h is where it starts.": lambda h, x, A: _inverse(A) @ (A @ (x - h)),
        "seen as 0: what x is seen as is missing.": lambda h, x, A: h - _inverse(A) @ (A @ h),
        "what h is seen as stays in it: take it out.": lambda h, x, A: h + _inverse(A) @ (A @ x),
        "this is h, seen as before.": lambda h, x, A: h.clone(),
        "halfway: the step is whole.": lambda h, x, A: h + 0.5 * _inverse(A) @ (A @ (x - h)),
    },
)


def _of_seen(A, C, noise):
    return A @ C @ A.T + noise * torch.eye(len(A), dtype=A.dtype)


def _best_guess(y, A, C, sigma):
    return C @ A.T @ torch.linalg.solve(_of_seen(A, C, sigma**2), y)


def _gaussian(seed, m, more, tenths):
    d = m + 1 + more
    A = inputs.normal(seed, m, d, dtype=torch.float64)
    half = inputs.normal(seed + 1, d, d, dtype=torch.float64)
    C = half @ half.T / d + 0.2 * torch.eye(d, dtype=torch.float64)
    y = inputs.normal(seed + 2, m, dtype=torch.float64)
    return y, A, C, tenths / 10


best_guess = Check(
    "best_guess",
    _best_guess,
    drawn(_gaussian, count=12, seed=(0, 9), m=(1, 4), more=(0, 3), tenths=(3, 15)),
    {
        "the noise is missing: y has the covariance A @ C @ A.T + sigma^2 I.": lambda y, A, C, s: (
            C @ A.T @ torch.linalg.solve(_of_seen(A, C, 0.0), y)
        ),
        "variances are added: sigma squared.": lambda y, A, C, s: (
            C @ A.T @ torch.linalg.solve(_of_seen(A, C, s), y)
        ),
        "pinv knows nothing of C: of what fits it takes the shortest.": (
            lambda y, A, C, s: torch.linalg.pinv(A) @ y
        ),
        "the first factor is C @ A.T, the covariance of x with y; here C is missing.": (
            lambda y, A, C, s: A.T @ torch.linalg.solve(_of_seen(A, C, s**2), y)
        ),
        "right for C = I: the covariance of x belongs in twice.": lambda y, A, C, s: (
            A.T @ torch.linalg.solve(_of_seen(A, torch.eye(len(C), dtype=C.dtype), s**2), y)
        ),
        "the covariance of y is missing: divide by it.": lambda y, A, C, s: C @ A.T @ y,
        "every entry of a matrix got sigma^2; independent noise stands on the diagonal.": (
            lambda y, A, C, s: (
                C @ A.T @ torch.linalg.solve(A @ C @ A.T + s**2, y + 0 * s)
                if len(A) > 1
                else C @ A.T @ torch.linalg.solve(A @ C @ A.T + s**2, y)
            )
        ),
        "C and its inverse are exchanged: C in both covariances, or C^-1 in (C^-1 + A.T @ A / "
        "sigma^2)^-1 @ A.T @ y / sigma^2.": lambda y, A, C, s: _best_guess(
            y, A, torch.linalg.inv(C), s
        ),
        "noise adds to the covariance of y, it isn't taken off.": lambda y, A, C, s: (
            C @ A.T @ torch.linalg.solve(_of_seen(A, C, -(s**2)), y)
        ),
        "sigma^2 stands once, not twice.": lambda y, A, C, s: (
            C @ A.T @ torch.linalg.solve(_of_seen(A, C, 2 * s**2), y)
        ),
        "the covariance of y stands as its inverse.": lambda y, A, C, s: (
            C @ A.T @ _of_seen(A, C, s**2) @ y
        ),
        "C is missing in the covariance of y.": lambda y, A, C, s: (
            C @ A.T @ torch.linalg.solve(_of_seen(A, torch.eye(len(C), dtype=C.dtype), s**2), y)
        ),
    },
)


def _log_weights(thumbnails, y, sigma, log_prior):
    return log_prior - (thumbnails - y).square().sum(dim=1) / (2 * sigma**2)


def _weights(thumbnails, y, sigma, log_prior):
    return torch.softmax(_log_weights(thumbnails, y, sigma, log_prior), dim=0)


def _candidates(seed, k, d, tenths, far):
    y = inputs.normal(seed, 1 + d, dtype=torch.float64)
    thumbnails = y + 0.7 * inputs.normal(seed + 1, 2 + k, 1 + d, dtype=torch.float64)
    if far:  # one number is so far away that exp gives 0 for all
        y = torch.cat([y, y.new_zeros(1)])
        thumbnails = torch.cat([thumbnails, y.new_full((2 + k, 1), 60.0)], dim=1)
    log_prior = torch.log(inputs.probabilities(seed + 2, 2 + k).double())
    return thumbnails, y, tenths / 10, log_prior


# one of the two is so much likelier that no float holds the ratio
_APART = (
    torch.tensor([[50.0, 1.0], [0.0, 0.0]], dtype=torch.float64),
    torch.zeros(2, dtype=torch.float64),
    0.6,
    torch.tensor([0.5, 0.5], dtype=torch.float64).log(),
)


def _unshifted(thumbnails, y, sigma, log_prior, least=0.0):
    w = _log_weights(thumbnails, y, sigma, log_prior).exp()
    return w / (w.sum() + least)


def _shifted_by(choose):
    """Softmax by hand, with another shift than the largest."""

    def wrong(thumbnails, y, sigma, log_prior):
        values = _log_weights(thumbnails, y, sigma, log_prior)
        w = (values - choose(values)).exp()
        return w / w.sum()

    return wrong


weights = Check(
    "weights",
    _weights,
    [
        *drawn(_candidates, count=16, seed=(0, 9), k=(0, 5), d=(0, 5), tenths=(6, 15), far=(0, 1)),
        _APART,
    ],
    {
        "exp of very negative numbers is 0, and 0 / 0 no weight: softmax, or subtract the "
        "largest first.": (
            _unshifted,
            lambda t, y, s, p: _unshifted(t, y, s, p, least=1e-12),
            lambda t, y, s, p: _unshifted(t, y, s, p).nan_to_num(),
            lambda t, y, s, p: torch.softmax(_log_weights(t, y, s, p).clamp(min=-700), 0),
        ),
        "subtract the largest logarithm, no other: exp of a large number is inf.": (
            _shifted_by(torch.mean),
            _shifted_by(torch.min),
            _shifted_by(lambda values: values[0]),
        ),
        "weights sum to 1: divide by their sum.": (
            lambda t, y, s, p: _log_weights(t, y, s, p).exp(),
            lambda t, y, s, p: (_log_weights(t, y, s, p) - _log_weights(t, y, s, p).max()).exp(),
        ),
        "log_prior is added, not taken off.": lambda t, y, s, p: torch.softmax(
            -p - (t - y).square().sum(1) / (2 * s**2), 0
        ),
        "the prior counts once a face, not once a number.": lambda t, y, s, p: torch.softmax(
            t.shape[1] * p - (t - y).square().sum(1) / (2 * s**2), 0
        ),
        "sum over the numbers first, then softmax.": (
            lambda t, y, s, p: torch.softmax(p[:, None] - (t - y) ** 2 / (2 * s**2), 0).prod(1),
            lambda t, y, s, p: torch.softmax(p[:, None] - (t - y) ** 2 / (2 * s**2), 0).mean(1),
        ),
        "the prior is missing.": lambda t, y, s, p: torch.softmax(
            -(t - y).square().sum(1) / (2 * s**2), 0
        ),
        "divided by 2 sigma^2, not by sigma^2.": lambda t, y, s, p: torch.softmax(
            p - (t - y).square().sum(1) / s**2, 0
        ),
        "sigma counts squared.": lambda t, y, s, p: torch.softmax(
            p - (t - y).square().sum(1) / (2 * s), 0
        ),
        "numbers are independent: their squares are summed, not averaged.": (
            lambda t, y, s, p: torch.softmax(p - (t - y).square().mean(1) / (2 * s**2), 0)
        ),
        "the sign: what is far away weighs little.": lambda t, y, s, p: torch.softmax(
            p + (t - y).square().sum(1) / (2 * s**2), 0
        ),
        "weights sum to 1; these are their logarithms.": (
            _log_weights,
            lambda t, y, s, p: torch.log_softmax(_log_weights(t, y, s, p), 0),
        ),
        "only the likeliest counts; all that could be it do.": lambda t, y, s, p: F.one_hot(
            _log_weights(t, y, s, p).argmax(), len(t)
        ).double(),
        "distances are squared.": lambda t, y, s, p: torch.softmax(
            p - (t - y).square().sum(1).sqrt() / (2 * s**2), 0
        ),
        "log_prior is a logarithm already: add it.": lambda t, y, s, p: torch.softmax(
            p.exp() - (t - y).square().sum(1) / (2 * s**2), 0
        ),
    },
)
