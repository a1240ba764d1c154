"""Checks of notebook 42, fast style."""

from functools import partial

import torch

from genimg_lib.check import inputs
from genimg_lib.check.cases import drawn
from genimg_lib.check.judge import Check
from genimg_lib.check.wording import BATCH_STATISTICS, BY_VARIANCE, CHANNEL_STATISTICS, MEAN_KEPT

# ---------------------------------------------------------------- instance norm


def _column(a):
    return a.view(1, -1, 1, 1)


def _normed(h, eps=1e-5, dims=(2, 3), correction=0, power=0.5):
    mu, var = h.mean(dims, keepdim=True), h.var(dims, correction=correction, keepdim=True)
    return (h - mu) / (var + eps) ** power


def _changed(**how):
    """The right answer but for how it normalises."""
    return lambda h, a, b: _column(a) * _normed(h, **how) + _column(b)


def _instance_norm(h, a, b):
    return _column(a) * _normed(h) + _column(b)


def _epsilon_outside(h, a, b, eps, correction=0):
    mu, deviation = h.mean((2, 3), keepdim=True), h.std((2, 3), correction=correction, keepdim=True)
    return _column(a) * (h - mu) / (deviation + eps) + _column(b)


OUTSIDE = (1e-5, 1e-2, 1e-3, 1e-4, 1e-6)
EPSILONS = (1e-2, 1e-3, 1e-4, 1e-6, 1e-7, 1e-8, 1e-9, 1e-10, 1e-12)


def _styled(seed, n, c, h, w, spread=1.0):
    maps = spread * inputs.maps(seed, n, c, h, w, dtype=torch.float64)
    a, b = (inputs.normal(seed + k, c, dtype=torch.float64) for k in (5, 6))
    return maps, a, b


def _flat(seed):
    """A channel without any variation, which becomes b, and one with little."""
    maps, a, b = _styled(seed, 2, 2, 3, 3)
    maps[:, 0] = 0.5
    maps[:, 1] = 0.004 * inputs.normal(seed, 2, 3, 3, dtype=torch.float64)
    return maps, a, b


instance_norm = Check(
    "instance_norm",
    _instance_norm,
    [
        (
            torch.tensor([1.0, 3.0], dtype=torch.float64).view(1, 1, 1, 2),
            torch.tensor([2.0], dtype=torch.float64),
            torch.tensor([0.5], dtype=torch.float64),
        ),
        _flat(641),
        _styled(651, 2, 3, 6, 6),
        _styled(661, 3, 4, 4, 5),
        _styled(671, 2, 2, 3, 3, spread=0.003),
    ],
    {
        BATCH_STATISTICS: (_changed(dims=(0, 2, 3)), _changed(dims=(0, 2, 3), correction=1)),
        CHANNEL_STATISTICS: (_changed(dims=(1, 2, 3)), _changed(dims=(1, 2, 3), correction=1)),
        "one mean and deviation for all of it. Each channel of each picture has its own: over H "
        "and W only.": (
            _changed(dims=(0, 1, 2, 3)),
            _changed(dims=(0, 1, 2, 3), correction=1),
        ),
        BY_VARIANCE: (_changed(power=1), _changed(power=1, correction=1)),
        "divided by the deviation with n - 1 (torch's default); (2) takes the mean over all HW "
        "places, correction=0.": _changed(correction=1),
        "no ε: a channel that does not vary is divided by 0. It has to come out as b.": (
            _changed(eps=0),
            _changed(eps=0, correction=1),
        ),
        "another ε than 1e-5: it counts where a channel hardly varies.": (
            *(_changed(eps=eps) for eps in EPSILONS),
            *(_changed(eps=eps, correction=1) for eps in EPSILONS),
        ),
        "ε was added to the deviation; it stands under the root, beside the variance.": (
            *(partial(_epsilon_outside, eps=eps) for eps in OUTSIDE),
            *(partial(_epsilon_outside, eps=eps, correction=1) for eps in OUTSIDE),
        ),
        MEAN_KEPT: lambda h, a, b: (
            _column(a) * h / (h.var((2, 3), correction=0, keepdim=True) + 1e-5).sqrt() + _column(b)
        ),
        "the style's scale a and shift b are missing.": lambda h, a, b: _normed(h),
        "the shift b is missing.": lambda h, a, b: _column(a) * _normed(h),
        "the scale a is missing.": lambda h, a, b: _normed(h) + _column(b),
        "scale and shift are exchanged.": lambda h, a, b: _column(b) * _normed(h) + _column(a),
        "shifted before it was scaled: a multiplies b too.": lambda h, a, b: (
            _column(a) * (_normed(h) + _column(b))
        ),
        "a and b are [C]; beside [N, C, H, W] they need axes, a[:, None, None]. As they are they "
        "run along W.": (lambda h, a, b: a * _normed(h) + b,),
        "only the mean was taken off; divide by the deviation too.": lambda h, a, b: (
            _column(a) * (h - h.mean((2, 3), keepdim=True)) + _column(b)
        ),
        "1 + a: that is conditional batch norm's scale. Here the scale is a "
        "itself.": lambda h, a, b: _column(1 + a) * _normed(h) + _column(b),
    },
    tolerance=1e-5,
    gradient=("h", "a", "b"),
)

# ---------------------------------------------------------------- blending


def _root(r, sign=-1):
    return ((2 + r) + sign * ((2 + r) ** 2 - 4 * (1 - r)) ** 0.5) / 2


blend_share = Check(
    "blend_share",
    lambda r: _root(r),
    [(0.5,), (1.0,), (0.1,), (0.02,), (0.8,)],
    {
        "as if the carried frame were without error of its own, (1 - rho)^2 = r. It has one: "
        "equation (6).": lambda r: 1 - r**0.5,
        "(1 - rho) / (1 + rho) = r is solved: that is the variance of the blended film, not the "
        "difference of its frames.": (lambda r: (1 - r) / (1 + r)),
        "1 - rho = r is solved. Flicker is a mean of squares, and the carried frame has an error, "
        "too: equation (6).": (lambda r: 1 - r),
        "under the root stands (2 + r)² - 4 (1 - r), which is r² + 8r.": (
            lambda r: (2 + r - (r * r + 4 * r) ** 0.5) / 2,
            lambda r: (2 + r - (r * r + 8) ** 0.5) / 2,
            lambda r: (2 + r - ((2 + r) ** 2 - 4 * (1 + r)) ** 0.5) / 2,
        ),
        "a root of r, or of 1 - r, solves another equation than (6).": (
            lambda r: r**0.5,
            lambda r: (1 - r) ** 0.5,
            lambda r: (1 - r**0.5) / (1 + r**0.5),
        ),
        "the other root of the quadratic equation: a share lies between 0 and 1.": lambda r: _root(
            r, 1
        ),
        "(6) the other way round: r was put in for rho.": lambda r: (1 - r) ** 2 / (1 + r),
        "1 - rho: the share of the *new* frame.": lambda r: 1 - _root(r),
        "not divided by 2: the roots of x² + p x + q are half of -p ± the root.": lambda r: (
            2 * _root(r)
        ),
    },
)

# ---------------------------------------------------------------- flicker


def _overlap(film, dy, dx):
    h, w = film.shape[2:]
    return film[1:, :, : h - dy, : w - dx] - film[:-1, :, dy:, dx:]


def _flicker(film, dy, dx):
    return _overlap(film, dy, dx).square().mean()


def _film(seed, t, c, h, w, dy, dx):
    if dy >= h or dx >= w:
        return None
    return inputs.normal(seed, t, c, h, w), dy, dx


flicker = Check(
    "flicker",
    _flicker,
    [
        (torch.tensor([[0.0, 1.0], [2.0, 3.0]]).repeat(2, 1, 1, 1), 1, 1),
        (inputs.normal(681, 3, 3, 8, 9), 1, 2),
        (inputs.normal(682, 4, 1, 6, 6).cumsum(2).cumsum(3), 2, 1),
        (inputs.normal(683, 2, 3, 5, 5), 1, 1),
        *drawn(
            _film,
            count=8,
            seed=(0, 9),
            t=(2, 4),
            c=(1, 3),
            h=(2, 5),
            w=(2, 5),
            dy=(1, 3),
            dx=(1, 3),
        ),
    ],
    {
        "the motion was undone the wrong way: a scene point moves up and to the left as the frame "
        "moves down and to the right.": lambda f, dy, dx: _flicker(f.flip(0), dy, dx),
        "the motion was not undone: a film that only moves would flicker.": lambda f, dy, dx: (
            (f[1:] - f[:-1]).square().mean()
        ),
        "rows and columns are exchanged.": lambda f, dy, dx: _flicker(f, dx, dy),
        "roll goes round the border: places that only one frame shows are compared with "
        "strangers.": (
            lambda f, dy, dx: (f[1:] - f[:-1].roll((-dy, -dx), (2, 3))).square().mean(),
            lambda f, dy, dx: (f[1:].roll((dy, dx), (2, 3)) - f[:-1]).square().mean(),
            lambda f, dy, dx: (f[1:] - f[:-1].roll((dy, dx), (2, 3))).square().mean(),
        ),
        "divided by the number of frames; there is one pair fewer.": lambda f, dy, dx: (
            _flicker(f, dy, dx) * (len(f) - 1) / len(f)
        ),
        "the variance of the differences; their mean counts, too: it is the mean "
        "square.": lambda f, dy, dx: _overlap(f, dy, dx).var(),
        "the square of the mean difference; it is the mean of the squares.": lambda f, dy, dx: (
            _overlap(f, dy, dx).mean() ** 2
        ),
        "all four borders were cut; only two of them leave the picture.": lambda f, dy, dx: (
            (f[1:, :, dy : f.shape[2] - dy, dx : f.shape[3] - dx] - f[:-1, :, 2 * dy :, 2 * dx :])
            .square()
            .mean()
        ),
        "absolute differences; the square is wanted.": lambda f, dy, dx: (
            _overlap(f, dy, dx).abs().mean()
        ),
        "a sum, which grows with the film.": lambda f, dy, dx: _overlap(f, dy, dx).square().sum(),
        "the first pair of frames only; take the mean of all pairs.": lambda f, dy, dx: _flicker(
            f[:2], dy, dx
        ),
        "each frame was compared with the first; it is compared with the one before "
        "it.": lambda f, dy, dx: (
            (f[1:, :, : f.shape[2] - dy, : f.shape[3] - dx] - f[:1, :, dy:, dx:]).square().mean()
        ),
        "the sum over the pairs of frames; take their mean.": lambda f, dy, dx: (
            _flicker(f, dy, dx) * (len(f) - 1)
        ),
        "divided by all places; only those count that both frames show.": lambda f, dy, dx: (
            _overlap(f, dy, dx).square().sum() / f[1:].numel()
        ),
        "the root of it; flicker is the mean square.": lambda f, dy, dx: _flicker(f, dy, dx).sqrt(),
    },
)

# ---------------------------------------------------------------- the grid

margins = Check(
    "margins",
    lambda o, h, grid: (o % grid, -(o + h) % grid),
    [
        (11, 20, 8),
        (0, 32, 8),
        (7, 1, 8),
        (16, 17, 8),
        (5, 6, 4),
        (-3, 10, 8),
        *drawn(lambda o, h, grid: (o, h, grid), count=20, o=(-9, 12), h=(1, 12), grid=(1, 5)),
    ],
    {
        "above are as many rows as are missing to the *next* line. The frame has to begin at the "
        "line before it.": (lambda o, h, grid: (-o % grid, -(o + h) % grid)),
        "below counts from the frame's own first row; the frame ends at row o + h.": (
            lambda o, h, grid: (o % grid, -h % grid)
        ),
        "below are as many rows as stand over. Wanted are those that are missing to the next "
        "line.": lambda o, h, grid: (
            o % grid,
            (o + h) % grid,
        ),
        "a whole block of rows below a frame that ends at a line already: none are "
        "missing.": lambda o, h, grid: (
            o % grid,
            grid - (o + h) % grid,
        ),
        "a whole block of rows above a frame that begins at a line already: none are "
        "missing.": lambda o, h, grid: (
            grid - -o % grid,
            -(o + h) % grid,
        ),
        "above and below are exchanged.": lambda o, h, grid: (-(o + h) % grid, o % grid),
        "the frame's own length alone was looked at: above are no rows.": lambda o, h, grid: (
            0,
            -h % grid,
        ),
        "wrong where o is negative: abs, or a remainder with the sign of o. In Python o % grid is "
        "0 or more.": (
            lambda o, h, grid: (abs(o) % grid, -(o + h) % grid),
            lambda o, h, grid: (abs(o) % grid, -(abs(o) + h) % grid),
            lambda o, h, grid: (o - int(o / grid) * grid, int(-(-(o + h) // grid)) * grid - o - h),
        ),
        "these are the rows where it begins and ends; how many are added is "
        "wanted.": lambda o, h, grid: (
            o - o % grid,
            o + h + -(o + h) % grid,
        ),
        "the last row is o + h - 1, but the frame ends behind it, at o + h.": lambda o, h, grid: (
            o % grid,
            -(o + h - 1) % grid,
        ),
    },
)

# ---------------------------------------------------------------- whitening


def _decomposed(F, correction=0):
    flat = F - F.mean(dim=1, keepdim=True)
    values, vectors = torch.linalg.eigh(flat @ flat.T / (F.shape[1] - correction))
    return flat, values, vectors


def _whiten(F, power=-0.5, more=0.0):
    flat, values, vectors = _decomposed(F)
    return (vectors * (values + more) ** power) @ vectors.T @ flat


def _of_flat(flat, F):
    """Whitened by the covariance of maps that are said to have no mean."""
    values, vectors = torch.linalg.eigh(flat @ flat.T / F.shape[1])
    return (vectors * values.clamp(min=1e-9) ** -0.5) @ vectors.T @ flat


def _axes(F, power):
    flat, values, vectors = _decomposed(F)
    return (values**power)[:, None] * (vectors.T @ flat)


def _with_mean(F):
    _, values, vectors = _decomposed(F)
    return (vectors * values**-0.5) @ vectors.T @ F


def _raw_moments(F):
    values, vectors = torch.linalg.eigh(F @ F.T / F.shape[1])
    return (vectors * values**-0.5) @ vectors.T @ F


def _mean_of_places(F):
    flat = F - F.mean(dim=0)
    values, vectors = torch.linalg.eigh(flat @ flat.T / F.shape[1])
    return (vectors * (values.abs() + 1e-12) ** -0.5) @ vectors.T @ flat


def _cholesky(F):
    flat, _, _ = _decomposed(F)
    return torch.linalg.solve_triangular(
        torch.linalg.cholesky(flat @ flat.T / F.shape[1]), flat, upper=False
    )


def _correlated(seed, c, n):
    mixed = 0.4 * inputs.normal(seed, c, c) + 1.5 * torch.eye(c)
    return (mixed @ inputs.normal(seed + 1, c, n) + inputs.normal(seed + 2, c, 1),)


LOADED = (
    "a small number was added to the eigenvalues (or the diagonal), and the covariance is not "
    "quite the identity. "
)

whiten = Check(
    "whiten",
    _whiten,
    [
        (torch.tensor([[1.0, 3.0, 2.0], [0.0, 1.0, 5.0]]),),
        _correlated(691, 2, 5),
        _correlated(694, 3, 40),
        _correlated(697, 5, 60),
        (0.03 * _correlated(700, 3, 12)[0],),
    ],
    {
        "each channel was divided by its deviation: they still go together. The whole covariance "
        "has to become the identity.": (
            lambda F: (F - F.mean(1, keepdim=True)) / F.std(1, keepdim=True, correction=0),
            lambda F: (F - F.mean(1, keepdim=True)) / F.std(1, keepdim=True, correction=1),
        ),
        "the mean was not taken off.": (_with_mean, _raw_moments),
        "the means run over the places; each channel has its "
        "own, over its places: dim=1.": _mean_of_places,
        "multiplied by the covariance's root instead of its inverse: the covariance is squared, "
        "not removed.": lambda F: _whiten(F, 0.5),
        "the inverse instead of the inverse root.": lambda F: _whiten(F, -1.0),
        "the covariance was divided by n - 1; here it is a mean over the places, divided by "
        "n.": lambda F: _whiten(F) * ((F.shape[1] - 1) / F.shape[1]) ** 0.5,
        "the covariance was not divided by n.": lambda F: _whiten(F) / F.shape[1] ** 0.5,
        "the covariance was divided by the number of channels; it is a mean over the "
        "places.": lambda F: _whiten(F) * (len(F) / F.shape[1]) ** 0.5,
        "the mean was put back at the end: white maps have mean 0.": lambda F: (
            _whiten(F) + F.mean(dim=1, keepdim=True)
        ),
        "one mean for all channels; each has its own.": lambda F: _of_flat(F - F.mean(), F),
        "the means run over the channels, one for each place.": lambda F: _of_flat(
            F - F.mean(dim=0), F
        ),
        "only turned into the eigenvectors' axes: uncorrelated, but of different "
        "variances.": lambda F: _axes(F, 0.0),
        "white, but left in the eigenvectors' axes. Turn back, V diag(...) V', so that each "
        "channel stays what it was.": (lambda F: _axes(F, -0.5)),
        "white by Cholesky's triangle; the symmetric inverse root "
        "is wanted, V diag(...) V'.": _cholesky,
        LOADED + "Here it can be inverted as it is.": tuple(
            lambda F, more=more: _whiten(F, more=more)
            for more in (1e-3, 1e-4, 1e-5, 1e-6, 1e-2, 1e-1)
        ),
        "V and V' are exchanged: V diag(...) V', with the eigenvectors in the columns of "
        "V.": lambda F: (
            _decomposed(F)[2].T
            @ torch.diag(_decomposed(F)[1] ** -0.5)
            @ _decomposed(F)[2]
            @ _decomposed(F)[0]
        ),
        "only the mean was taken off.": lambda F: F - F.mean(1, keepdim=True),
    },
    tolerance=5e-4,
)
