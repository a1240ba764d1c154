"""Checks of chapters 41 and 42, style."""

import torch

from genimg_lib import style
from genimg_lib.check.judge import Check

_g = torch.Generator().manual_seed(41)


def _random(*shape):
    return torch.randn(*shape, generator=_g, dtype=torch.float64)


# ------------------------------------------------------------------ 41

total_variation = Check(
    "total_variation",
    style.total_variation,
    [(_random(1, 3, 5, 7),), (_random(2, 1, 4, 4),), (_random(1, 2, 9, 3).cumsum(3),)],
    {
        "without absolute values neighbours cancel: all that is left is the last pixel minus the first.": lambda x: (
            (x[..., 1:] - x[..., :-1]).mean() + (x[..., 1:, :] - x[..., :-1, :]).mean()
        ),
        "squared. The absolute value is wanted, which forgives an edge what it asks of grain.": lambda x: (
            (x[..., 1:] - x[..., :-1]).square().mean()
            + (x[..., 1:, :] - x[..., :-1, :]).square().mean()
        ),
        "sums, not means: they grow with the picture, and the weight would depend on its size.": lambda x: (
            (x[..., 1:] - x[..., :-1]).abs().sum() + (x[..., 1:, :] - x[..., :-1, :]).abs().sum()
        ),
        "only neighbours to the right. Add those below.": lambda x: (
            (x[..., 1:] - x[..., :-1]).abs().mean()
        ),
        "only neighbours below. Add those to the right.": lambda x: (
            (x[..., 1:, :] - x[..., :-1, :]).abs().mean()
        ),
        "roll goes round the border: the last column is compared with the first.": lambda x: (
            (x.roll(-1, 3) - x).abs().mean() + (x.roll(-1, 2) - x).abs().mean()
        ),
        "half of it: the mean of the two directions; (3) adds them.": lambda x: (
            style.total_variation(x) / 2
        ),
    },
)

content_gradient = Check(
    "content_gradient",
    lambda F, wanted: 2 * (F - wanted) / F.numel(),
    [(_random(1, 3, 4, 5), _random(1, 3, 4, 5)), (_random(1, 8, 2, 2), _random(1, 8, 2, 2))],
    {
        "the sign: the gradient points away from the content; descent walks against it.": lambda F, w: (
            2 * (w - F) / F.numel()
        ),
        "the 2 of the square is missing.": lambda F, w: (F - w) / F.numel(),
        "not divided by C H W: (1) is a mean.": lambda F, w: 2 * (F - w),
        "divided by the places only; the mean runs over the channels too.": lambda F, w: (
            2 * (F - w) / F[0, 0].numel()
        ),
        "that is the loss. Its gradient has the shape of the maps.": lambda F, w: (
            (F - w).square().mean()
        ),
    },
)


def _masked_gram(f, m, root=True, count=None):
    kept = f * (m.sqrt() if root else m)
    return torch.einsum("nihw,njhw->nij", kept, kept) / (
        f.shape[1] * (m.sum() if count is None else count(f, m))
    )


_mask = torch.zeros(1, 1, 6, 6, dtype=torch.float64)
_mask[..., :2] = 1
_soft = torch.linspace(0, 1, 20, dtype=torch.float64).view(1, 1, 4, 5)

masked_gram = Check(
    "masked_gram",
    _masked_gram,
    [(_random(1, 3, 6, 6), _mask), (_random(1, 2, 4, 5), _soft)],
    {
        "the maps were multiplied by the mask itself; the Gram matrix multiplies twice, so a place with 0.5 counts 0.25. Take its square root.": lambda f, m: (
            _masked_gram(f, m, root=False)
        ),
        "divided by all places: a style in a small region would look too weak. Divide by C times the sum of the mask.": lambda f, m: (
            _masked_gram(f, m, count=lambda f, m: f[0, 0].numel())
        ),
        "not divided.": lambda f, m: _masked_gram(f, m) * f.shape[1] * m.sum(),
        "C is missing: divide by C times the sum of the mask.": lambda f, m: (
            _masked_gram(f, m) * f.shape[1]
        ),
        "the mask was forgotten.": lambda f, m: style.gram(f),
    },
)


def _lightness(x, weights=(0.299, 0.587, 0.114)):
    return (x * torch.tensor(weights, dtype=x.dtype).view(1, 3, 1, 1)).sum(dim=1, keepdim=True)


def _keep(painted, photo, weights=(0.299, 0.587, 0.114)):
    return photo - _lightness(photo, weights) + _lightness(painted, weights)


keep_color = Check(
    "keep_color",
    _keep,
    [
        (0.3 * _random(1, 3, 4, 4), 0.3 * _random(1, 3, 4, 4)),
        (0.2 * _random(2, 3, 3, 5), 0.2 * _random(2, 3, 3, 5)),
    ],
    {
        "exchanged: this keeps the painting's colours and takes the photograph's lightness.": lambda p, c: (
            _keep(c, p)
        ),
        "the plain mean of red, green and blue. Eyes see green as brighter than blue: 0.299, 0.587, 0.114.": lambda p, c: (
            _keep(p, c, (1 / 3,) * 3)
        ),
        "the weights of red and blue are exchanged.": lambda p, c: _keep(
            p, c, (0.114, 0.587, 0.299)
        ),
        "the lightness alone: a grey picture. Add the photograph's colours, c minus its lightness.": lambda p, c: (
            _lightness(p).expand_as(p)
        ),
        "the photograph's lightness was not taken off first.": lambda p, c: c + _lightness(p),
    },
)

# ------------------------------------------------------------------ 42


def _normed(h, a, b, dims=(2, 3)):
    mu, var = h.mean(dims, keepdim=True), h.var(dims, correction=0, keepdim=True)
    return a.view(1, -1, 1, 1) * (h - mu) / (var + 1e-5).sqrt() + b.view(1, -1, 1, 1)


def _channels(n, c, h, w):
    return _random(n, c, h, w) * (0.5 + 2 * _random(n, c, 1, 1).abs()) + 2 * _random(n, c, 1, 1)


instance_norm = Check(
    "instance_norm",
    _normed,
    [
        (_channels(2, 3, 12, 12), _random(3), _random(3)),
        (_channels(3, 4, 16, 10), _random(4), _random(4)),
    ],
    {
        "the statistics of the whole batch: that is batch norm. Each picture has its own: means over H and W only.": lambda h, a, b: (
            _normed(h, a, b, (0, 2, 3))
        ),
        "statistics over the channels too: that is layer norm. Each channel has its own.": lambda h, a, b: (
            _normed(h, a, b, (1, 2, 3))
        ),
        "divided by the variance. It is the standard deviation.": lambda h, a, b: (
            a.view(1, -1, 1, 1)
            * (h - h.mean((2, 3), keepdim=True))
            / h.var((2, 3), correction=0, keepdim=True)
            + b.view(1, -1, 1, 1)
        ),
        "the mean was not taken off.": lambda h, a, b: (
            a.view(1, -1, 1, 1) * h / (h.var((2, 3), correction=0, keepdim=True) + 1e-5).sqrt()
            + b.view(1, -1, 1, 1)
        ),
        "the style's scale a and shift b are missing.": lambda h, a, b: _normed(
            h, torch.ones_like(a), torch.zeros_like(b)
        ),
        "scale and shift are exchanged.": lambda h, a, b: _normed(h, b, a),
    },
    tolerance=2e-2,  # with n or n - 1 in the deviation
)


def _root(r, sign=-1):
    return ((2 + r) + sign * ((2 + r) ** 2 - 4 * (1 - r)) ** 0.5) / 2


blend_share = Check(
    "blend_share",
    _root,
    [(0.5,), (1.0,), (0.1,), (0.02,)],
    {
        "as if the carried frame were without error of its own, (1 - rho)^2 = r. It has one: equation (6).": lambda r: (
            1 - r**0.5
        ),
        "(1 - rho) / (1 + rho) = r is solved: that is the variance of the blended film, not the difference of its frames.": lambda r: (
            (1 - r) / (1 + r)
        ),
        "1 - rho = r is solved. Flicker is a mean of squares, and the carried frame has an error, too: equation (6).": lambda r: (
            1 - r
        ),
        "the other root of the quadratic equation: a share lies between 0 and 1.": lambda r: _root(
            r, 1
        ),
        "(6) the other way round: r was put in for rho.": lambda r: (1 - r) ** 2 / (1 + r),
        "1 - rho: the share of the *new* frame.": lambda r: 1 - _root(r),
    },
    tolerance=1e-4,
)


def _flicker(film, dy, dx, sign=1):
    h, w = film.shape[2:]
    first, second = (film[:-1], film[1:]) if sign > 0 else (film[1:], film[:-1])
    return (second[:, :, : h - dy, : w - dx] - first[:, :, dy:, dx:]).square().mean()


flicker = Check(
    "flicker",
    _flicker,
    [
        (_random(3, 3, 8, 9), 1, 2),
        (_random(4, 1, 6, 6).cumsum(2).cumsum(3), 2, 1),
        (_random(2, 3, 5, 5), 1, 1),
    ],
    {
        "the motion was undone the wrong way: a scene point moves up and to the left as the frame moves down and to the right.": lambda f, dy, dx: (
            _flicker(f, dy, dx, -1)
        ),
        "the motion was not undone: a film that only moves would flicker.": lambda f, dy, dx: (
            (f[1:] - f[:-1]).square().mean()
        ),
        "rows and columns are exchanged.": lambda f, dy, dx: _flicker(f, dx, dy),
        "roll goes round the border: places that only one frame shows are compared with strangers.": lambda f, dy, dx: (
            (f[1:] - f[:-1].roll((-dy, -dx), (2, 3))).square().mean()
        ),
        "absolute differences; the square is wanted.": lambda f, dy, dx: (
            (f[1:, :, : f.shape[2] - dy, : f.shape[3] - dx] - f[:-1, :, dy:, dx:]).abs().mean()
        ),
        "a sum, which grows with the film.": lambda f, dy, dx: (
            _flicker(f, dy, dx) * (len(f) - 1) * f[0, :, dy:, dx:].numel()
        ),
    },
)


margins = Check(
    "margins",
    lambda o, h, grid: (o % grid, -(o + h) % grid),
    [(11, 20, 8), (0, 32, 8), (7, 1, 8), (16, 17, 8), (5, 6, 4), (-3, 10, 8)],
    {
        "above are as many rows as are missing to the *next* line. The frame has to begin at the line before it.": lambda o, h, grid: (
            -o % grid,
            -(o + h) % grid,
        ),
        "below counts from the frame's own first row: the rows above count, too, or rather: the frame ends at row o + h.": lambda o, h, grid: (
            o % grid,
            -h % grid,
        ),
        "below are as many rows as stand over. Wanted are those that are missing to the next line.": lambda o, h, grid: (
            o % grid,
            (o + h) % grid,
        ),
        "a whole block of rows below a frame that ends at a line already: none are missing.": lambda o, h, grid: (
            o % grid,
            grid - (o + h) % grid,
        ),
        "above and below are exchanged.": lambda o, h, grid: (-(o + h) % grid, o % grid),
        "the frame's own length alone was looked at: above are no rows.": lambda o, h, grid: (
            0,
            -h % grid,
        ),
    },
)


def _whiten(F, power=-0.5, centre=True):
    flat = F - F.mean(dim=1, keepdim=True)
    values, vectors = torch.linalg.eigh(flat @ flat.T / F.shape[1])
    return (vectors * values**power) @ vectors.T @ (flat if centre else F)


def _correlated(c, n):
    return _random(c, c) @ _random(c, n) + _random(c, 1)


whiten = Check(
    "whiten",
    _whiten,
    [(_correlated(3, 40),), (_correlated(5, 60),)],
    {
        "each channel was divided by its deviation: they still go together. The whole covariance has to become the identity.": lambda F: (
            (F - F.mean(1, keepdim=True)) / F.std(1, keepdim=True, correction=0)
        ),
        "the mean was not taken off.": lambda F: _whiten(F, centre=False),
        "multiplied by the covariance's root instead of its inverse: the covariance is squared, not removed.": lambda F: (
            _whiten(F, 0.5)
        ),
        "the inverse instead of the inverse root.": lambda F: _whiten(F, -1.0),
        "the covariance was divided by n - 1; here it is a mean over the places, divided by n.": lambda F: (
            _whiten(F) * ((F.shape[1] - 1) / F.shape[1]) ** 0.5
        ),
        "only turned into the eigenvectors' axes: uncorrelated, but of different variances.": lambda F: (
            _whiten_axes(F, 0.0)
        ),
        "white, but left in the eigenvectors' axes. Turn back, V diag(...) V', so that each channel stays what it was.": lambda F: (
            _whiten_axes(F, -0.5)
        ),
    },
    tolerance=1e-4,
)


def _whiten_axes(F, power):
    flat = F - F.mean(dim=1, keepdim=True)
    values, vectors = torch.linalg.eigh(flat @ flat.T / F.shape[1])
    return (values**power)[:, None] * (vectors.T @ flat)
