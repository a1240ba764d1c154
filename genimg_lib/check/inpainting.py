"""Checks of notebook 62, inpainting."""

import math

import torch

from genimg_lib.check import inputs
from genimg_lib.check.cases import drawn
from genimg_lib.check.judge import Check


def _some_seen(seed, height, width):
    """bool [height, width], True and False among them, in every row of the middle."""
    seen = inputs.uniform(seed, height, width) < 0.6
    seen[0, 0], seen[-1, -1] = True, False
    return seen


# ---------------------------------------------------------------- 1


def _mse(x_hat, x, seen):
    return (x_hat - x)[:, ~seen].square().mean()


def _psnr_hole(x_hat, x, seen):
    return 10 * torch.log10(255**2 / _mse(x_hat, x, seen))


def _two_images(seed, more):
    size = (3, 4 + more, 6)
    x = inputs.integers(seed, 220, *size, low=30).double()
    off = inputs.normal(seed + 1, *size, dtype=torch.float64).mul(9)
    seen = _some_seen(seed + 2, *size[1:])
    off = torch.where(seen, 0.3 * off, off + 4)
    return (x + off).clamp(0, 255), x, seen


psnr_hole = Check(
    "psnr_hole",
    _psnr_hole,
    drawn(_two_images, count=10, seed=(0, 9), more=(0, 3)),
    {
        "over the whole image; only what was not seen counts.": lambda a, b, m: (
            10 * torch.log10(255**2 / (a - b).square().mean())
        ),
        "over what was seen: seen is True where a pixel is known.": lambda a, b, m: _psnr_hole(
            a, b, ~m
        ),
        "divided by all pixels; the mean is over hidden ones.": lambda a, b, m: (
            10 * torch.log10(255**2 * a.numel() / (a - b)[:, ~m].square().sum())
        ),
        "divided by hidden pixels, where each has three channels.": lambda a, b, m: (
            10 * torch.log10(255**2 * (~m).sum() / (a - b)[:, ~m].square().sum())
        ),
        "the peak is 255.": (
            lambda a, b, m: 10 * torch.log10(2**2 / _mse(a, b, m)),
            lambda a, b, m: 10 * torch.log10(1 / _mse(a, b, m)),
            lambda a, b, m: 20 * torch.log10(b.max() / _mse(a, b, m).sqrt()),
            lambda a, b, m: 20 * torch.log10(b[:, ~m].max() / _mse(a, b, m).sqrt()),
            lambda a, b, m: 20 * torch.log10(256 / _mse(a, b, m).sqrt()),
        ),
        "a mean of squares, not their sum.": lambda a, b, m: (
            10 * torch.log10(255**2 / (a - b)[:, ~m].square().sum())
        ),
        "ten times the logarithm to base 10.": lambda a, b, m: _psnr_hole(a, b, m) / 10,
        "nothing is added inside of the logarithm.": lambda a, b, m: (
            10 * torch.log10(255**2 / (_mse(a, b, m) + 1))
        ),
        "20 log10 of a ratio of deviations, or 10 log10 of one of squares.": (
            lambda a, b, m: _psnr_hole(a, b, m) / 2,
            lambda a, b, m: 2 * _psnr_hole(a, b, m),
            lambda a, b, m: 20 * torch.log10(255 / _mse(a, b, m)),
        ),
        "a decibel has log10, this is another logarithm.": (
            lambda a, b, m: _psnr_hole(a, b, m) * math.log(10),
            lambda a, b, m: _psnr_hole(a, b, m) * math.log2(10),
        ),
        "turned over: the peak stands above, the error below.": lambda a, b, m: (
            -_psnr_hole(a, b, m)
        ),
        "255 is squared, as the error is.": lambda a, b, m: 10 * torch.log10(255 / _mse(a, b, m)),
        "of squared differences, not of absolute ones.": (
            lambda a, b, m: 20 * torch.log10(255 / (a - b)[:, ~m].abs().mean()),
            lambda a, b, m: 10 * torch.log10(255**2 / (a - b)[:, ~m].abs().mean()),
        ),
        "all three channels count.": lambda a, b, m: _psnr_hole(a[:1], b[:1], m),
        "one number for all channels; the mean of their decibels is another.": lambda a, b, m: (
            torch.stack([_psnr_hole(a[k : k + 1], b[k : k + 1], m) for k in range(3)]).mean()
        ),
        "this is an error; wanted are decibels.": (
            _mse,
            lambda a, b, m: _mse(a, b, m).sqrt(),
        ),
        "the mean difference counts as well: no standard deviation.": lambda a, b, m: (
            20 * torch.log10(255 / (a - b)[:, ~m].std())
        ),
    },
)

# ---------------------------------------------------------------- 2


def _steps(x, seen, across=True, down=True):
    """Steps over the edge of a hole, with their signs."""
    found = []
    if across:
        found.append((x[:, 1:] - x[:, :-1])[seen[:, 1:] != seen[:, :-1]])
    if down:
        found.append((x[1:] - x[:-1])[seen[1:] != seen[:-1]])
    return torch.cat(found)


def _edge_step(x, seen):
    return _steps(x, seen).abs().mean()


def _all_steps(x):
    return torch.cat([x.diff(dim=0).abs().flatten(), x.diff(dim=1).abs().flatten()])


def _of_hidden(x, seen):
    """Steps of which either pixel is hidden."""
    either = [~(m[1:] & m[:-1]) for m in (seen, seen.T)]
    steps = [y[1:] - y[:-1] for y in (x, x.T)]
    return torch.cat([s.abs()[e] for s, e in zip(steps, either, strict=True)])


def _both_means(x, seen):
    return 0.5 * (_steps(x, seen, down=False).abs().mean() + _steps(x, seen, False).abs().mean())


def _one_way(x, seen):
    """Only where the hidden pixel comes first."""
    found = [(y[1:] - y[:-1])[~m[:-1] & m[1:]] for y, m in ((x, seen), (x.T, seen.T))]
    return torch.cat(found).abs().mean()


def _other_way(x, seen):
    """Only where the seen pixel comes first."""
    return _one_way(x, ~seen)


def _alike(x, seen):
    """Steps between two seen pixels."""
    found = [(y[1:] - y[:-1])[m[:-1] & m[1:]] for y, m in ((x, seen), (x.T, seen.T))]
    return torch.cat(found).abs().mean()


def _short(x, seen):
    """Without pairs along the last row and the last column."""
    across = (x[:-1, 1:] - x[:-1, :-1])[seen[:-1, 1:] != seen[:-1, :-1]]
    down = (x[1:, :-1] - x[:-1, :-1])[seen[1:, :-1] != seen[:-1, :-1]]
    return torch.cat([across, down]).abs().mean()


def _wrapped(x, seen):
    """The last row and column are neighbours of the first."""
    found = []
    for axis in (0, 1):
        step, other = x - x.roll(1, axis), seen != seen.roll(1, axis)
        found.append(step[other])
    return torch.cat(found).abs().mean()


def _plane(seed, more):
    height, width = 4 + more, 6
    x = inputs.integers(seed, 255, height, width).double()
    seen = _some_seen(seed + 2, height, width)
    seen[0, 0], seen[0, 1], seen[1, 0], seen[1, 1] = True, False, False, True
    seen[0, -1] = not seen[0, 0]  # going around would count a step more
    return x, seen


edge_step = Check(
    "edge_step",
    _edge_step,
    drawn(_plane, count=12, seed=(0, 9), more=(0, 3)),
    {
        "over all pairs of neighbours; only those with one hidden and one seen count.": (
            lambda x, m: _all_steps(x).mean()
        ),
        "pairs of two hidden pixels are inside of the hole, not at its edge.": lambda x, m: (
            _of_hidden(x, m).mean()
        ),
        "only pairs side by side; those one above the other count, too.": lambda x, m: (
            _steps(x, m, down=False).abs().mean()
        ),
        "only pairs one above the other; those side by side count, too.": lambda x, m: (
            _steps(x, m, across=False).abs().mean()
        ),
        "steps up and down cancel: take their sizes.": (
            lambda x, m: _steps(x, m).mean(),
            lambda x, m: _steps(x, m).mean().abs(),
        ),
        "each pair counts alike: one mean over all, not the mean of two means.": _both_means,
        "the size of a step, not its square.": (
            lambda x, m: _steps(x, m).square().mean(),
            lambda x, m: _steps(x, m).square().mean().sqrt(),
        ),
        "a mean over pairs, not a sum.": lambda x, m: _steps(x, m).abs().sum(),
        "a hole has edges on all its sides: seen to hidden counts as hidden to seen does.": (
            _one_way,
            _other_way,
        ),
        "pairs along the last row and the last column are missing.": _short,
        "hidden pixels have values of their own; they aren't 0.": lambda x, m: (
            _steps(x * m, m).abs().mean()
        ),
        "the first and the last row or column are no neighbours.": _wrapped,
        "pairs of two seen pixels; the edge has one of each.": _alike,
        "pairs of two hidden pixels; the edge has one of each.": lambda x, m: _alike(x, ~m),
        "pairs of two seen or two hidden pixels; the edge has one of each.": lambda x, m: (
            torch.cat(
                [
                    (x[:, 1:] - x[:, :-1])[m[:, 1:] == m[:, :-1]],
                    (x[1:] - x[:-1])[m[1:] == m[:-1]],
                ]
            )
            .abs()
            .mean()
        ),
        "the mean is over the pairs at the edge: divide by their number.": (
            lambda x, m: _steps(x, m).abs().sum() / len(_all_steps(x)),
            lambda x, m: _steps(x, m).abs().sum() / (~m).sum(),
            lambda x, m: _steps(x, m).abs().sum() / m.numel(),
        ),
    },
)

# ---------------------------------------------------------------- 3


def _sums(x):
    """Sums over neighbours, and how many there are."""
    total, count = torch.zeros_like(x), torch.zeros_like(x)
    for y, n, t in ((total, count, x), (total.T, count.T, x.T)):
        y[1:] += t[:-1]
        y[:-1] += t[1:]
        n[1:] += 1
        n[:-1] += 1
    return total, count


def _neighbours_mean(x):
    total, count = _sums(x)
    return total / count


def _heat_step(x, seen):
    return torch.where(seen, x, _neighbours_mean(x))


def _in_place(x, seen):
    """One pixel after the other, each from what its neighbours have become."""
    y = x.clone()
    for i, j in (~seen).nonzero().tolist():
        total, count = 0.0, 0
        for a, b in ((i - 1, j), (i + 1, j), (i, j - 1), (i, j + 1)):
            if 0 <= a < x.shape[0] and 0 <= b < x.shape[1]:
                total, count = total + y[a, b], count + 1
        y[i, j] = total / count
    return y


def _seen_neighbours_only(x, seen, else_=None):
    known = torch.where(seen, x, 0.0)
    total, _ = _sums(known)
    count, _ = _sums(seen.to(x))
    nobody = x if else_ is None else torch.full_like(x, else_)
    return torch.where(seen, x, torch.where(count > 0, total / count.clamp(min=1), nobody))


def _around_corner(x, seen):
    total = sum(x.roll(k, axis) for k in (1, -1) for axis in (0, 1))
    return torch.where(seen, x, total / 4)


def _eight(x, seen):
    """With diagonal neighbours."""
    pad = torch.nn.functional.pad
    around = pad(x, (1, 1, 1, 1)).unfold(0, 3, 1).unfold(1, 3, 1).sum(dim=(2, 3)) - x
    one = torch.ones_like(x)
    count = pad(one, (1, 1, 1, 1)).unfold(0, 3, 1).unfold(1, 3, 1).sum(dim=(2, 3)) - 1
    return torch.where(seen, x, around / count)


def _repeated_edge(x, seen):
    wide = torch.nn.functional.pad(x[None, None], (1, 1, 1, 1), mode="replicate")[0, 0]
    total = wide[:-2, 1:-1] + wide[2:, 1:-1] + wide[1:-1, :-2] + wide[1:-1, 2:]
    return torch.where(seen, x, total / 4)


def _one_axis(x, axis):
    total, count = torch.zeros_like(x), torch.zeros_like(x)
    n = x.shape[axis] - 1
    for y, value in ((total, x), (count, torch.ones_like(x))):
        y.narrow(axis, 0, n).add_(value.narrow(axis, 1, n))
        y.narrow(axis, 1, n).add_(value.narrow(axis, 0, n))
    return total / count


def _nine(x, seen, counts=True):
    pool = torch.nn.functional.avg_pool2d
    return torch.where(seen, x, pool(x[None], 3, 1, 1, count_include_pad=counts)[0])


def _until_it_rests(x, seen):
    for _ in range(300):
        x = _heat_step(x, seen)
    return x


heat_step = Check(
    "heat_step",
    _heat_step,
    drawn(_plane, count=14, seed=(0, 9), more=(0, 3)),
    {
        "at an edge of the picture there are three neighbours, in a corner two: divide by "
        "their number.": lambda x, m: torch.where(m, x, _sums(x)[0] / 4),
        "seen pixels stay as they are.": lambda x, m: _neighbours_mean(x),
        "hidden pixels change, seen ones stay: this is the other way round.": lambda x, m: (
            torch.where(m, _neighbours_mean(x), x)
        ),
        "each from its neighbours as they are now, not as they have just become.": _in_place,
        "hidden neighbours count as well, with their values.": (
            _seen_neighbours_only,
            lambda x, m: _seen_neighbours_only(x, m, 0.0),
            lambda x, m: _seen_neighbours_only(x, m, math.nan),
            lambda x, m: _heat_step(x * m, m),
        ),
        "neighbours above and below count as well.": lambda x, m: torch.where(
            m, x, _one_axis(x, 1)
        ),
        "neighbours left and right count as well.": lambda x, m: torch.where(m, x, _one_axis(x, 0)),
        "only the four neighbours: not the pixel itself, nor those across corners.": (
            _nine,
            lambda x, m: _nine(x, m, counts=False),
        ),
        "the first and the last row or column are no neighbours.": _around_corner,
        "neighbours are above, below, left and right, not across corners.": _eight,
        "a pixel isn't its own neighbour.": lambda x, m: torch.where(
            m, x, (_sums(x)[0] + x) / (_sums(x)[1] + 1)
        ),
        "beyond the picture's edge there is nobody; the edge isn't repeated.": _repeated_edge,
        "their mean, not their sum.": lambda x, m: torch.where(m, x, _sums(x)[0]),
        "the whole picture is wanted, seen pixels and new ones.": lambda x, m: torch.where(
            m, 0.0, _neighbours_mean(x)
        ),
        "one step only.": (lambda x, m: _heat_step(_heat_step(x, m), m), _until_it_rests),
        "half-way there: a pixel becomes the mean, whatever it was.": lambda x, m: torch.where(
            m, x, 0.5 * (x + _neighbours_mean(x))
        ),
    },
)

# ---------------------------------------------------------------- 4


def _replace(x_t, y, seen, alpha, sigma, eps):
    return torch.where(seen, alpha * y + sigma * eps, x_t)


def _walking(seed, n, tenths):
    shape = (1 + n, 2, 3, 4)
    x_t, y, eps = (inputs.normal(seed + k, *shape) for k in range(3))
    alpha = tenths / 10
    return x_t, y, _some_seen(seed + 3, 3, 4), alpha, math.sqrt(1 - alpha**2), eps


replace = Check(
    "replace",
    _replace,
    drawn(_walking, count=12, seed=(0, 9), n=(0, 2), tenths=(1, 9)),
    {
        "what is seen needs the noise of its time, too.": (
            lambda x, y, m, a, s, e: torch.where(m, y, x),
            lambda x, y, m, a, s, e: torch.where(m, a * y, x),
        ),
        "at time t there is alpha y, not y.": lambda x, y, m, a, s, e: torch.where(m, y + s * e, x),
        "the noise has the size sigma.": lambda x, y, m, a, s, e: torch.where(m, a * y + e, x),
        "the mask is the other way round: seen is True where a pixel is known.": (
            lambda x, y, m, a, s, e: torch.where(m, x, a * y + s * e)
        ),
        "alpha and sigma are exchanged.": lambda x, y, m, a, s, e: torch.where(m, s * y + a * e, x),
        "sigma is a standard deviation, no variance.": (
            lambda x, y, m, a, s, e: torch.where(m, a * y + s**2 * e, x),
            lambda x, y, m, a, s, e: torch.where(m, a * y + s**0.5 * e, x),
        ),
        "hidden pixels stay as they are in x_t.": (
            lambda x, y, m, a, s, e: a * y + s * e,
            lambda x, y, m, a, s, e: torch.where(m, a * y + s * e, 0 * x),
            lambda x, y, m, a, s, e: torch.where(m, a * y + s * e, a * x + s * e),
            lambda x, y, m, a, s, e: torch.where(m, a * y, x) + s * e,
            lambda x, y, m, a, s, e: torch.where(m, a * y + s * e, a * x),
        ),
        "noise is added, not taken off.": (
            lambda x, y, m, a, s, e: torch.where(m, a * y - s * e, x),
            lambda x, y, m, a, s, e: torch.where(m, (y - s * e) / a, x),
        ),
        "put in the place of x_t, not added to it.": lambda x, y, m, a, s, e: (
            x + m * (a * y + s * e)
        ),
        "with the noise that is given, none of its own.": lambda x, y, m, a, s, e: torch.where(
            m, a * y + s * x, x
        ),
    },
)

# ---------------------------------------------------------------- 5


def _told(h_t, s, rho, alpha, sigma):
    left = 1 - rho**2
    gain = alpha * left / (alpha**2 * left + sigma**2)
    return rho * s + gain * (h_t - alpha * rho * s)


def _told_in_noise(h_t, s_t, rho, alpha, sigma):
    own, shared = alpha**2 + sigma**2, alpha**2 * rho
    determinant = own**2 - shared**2
    of_h = alpha * (own - rho * shared) / determinant
    of_s = alpha * (rho * own - shared) / determinant
    return of_h * h_t + of_s * s_t


def _guesses(h_t, s, s_t, rho, alpha, sigma):
    return _told(h_t, s, rho, alpha, sigma), _told_in_noise(h_t, s_t, rho, alpha, sigma)


def _numbers(seed, tenths, rho):
    h_t, s, s_t = inputs.normal(seed, 3, dtype=torch.float64).tolist()
    alpha = tenths / 10
    return h_t, s, s_t, rho / 10, alpha, 1.1 - alpha


def _without(part):
    """One of the two guesses by a wrong formula: (told's wrong version, the other's)."""

    def wrong(h_t, s, s_t, rho, alpha, sigma):
        told, noisy = _guesses(h_t, s, s_t, rho, alpha, sigma)
        given = h_t, s, s_t, rho, alpha, sigma
        return (part(*given), noisy) if part.first else (told, part(*given))

    return wrong


def _first(function):
    function.first = True
    return function


def _second(function):
    function.first = False
    return function


@_first
def _never_mind_h(h_t, s, s_t, rho, alpha, sigma):
    return rho * s


@_first
def _prior_of_one(h_t, s, s_t, rho, alpha, sigma):
    gain = alpha / (alpha**2 + sigma**2)
    return rho * s + gain * (h_t - alpha * rho * s)


@_first
def _whole_h(h_t, s, s_t, rho, alpha, sigma):
    left = 1 - rho**2
    return rho * s + alpha * left / (alpha**2 * left + sigma**2) * h_t


@_first
def _by_deviation(h_t, s, s_t, rho, alpha, sigma):
    left = math.sqrt(1 - rho**2)
    gain = alpha * left / (alpha**2 * left + sigma**2)
    return rho * s + gain * (h_t - alpha * rho * s)


@_first
def _no_alpha(h_t, s, s_t, rho, alpha, sigma):
    left = 1 - rho**2
    gain = alpha * left / (alpha**2 * left + sigma**2)
    return rho * s + gain * (h_t - rho * s)


@_first
def _alpha_lost(h_t, s, s_t, rho, alpha, sigma):
    left = 1 - rho**2
    gain = left / (alpha**2 * left + sigma**2)
    return rho * s + gain * (h_t - alpha * rho * s)


@_second
def _s_t_for_s(h_t, s, s_t, rho, alpha, sigma):
    return _told(h_t, s_t, rho, alpha, sigma)


@_second
def _s_t_scaled(h_t, s, s_t, rho, alpha, sigma):
    return _told(h_t, s_t / alpha, rho, alpha, sigma)


@_second
def _h_alone(h_t, s, s_t, rho, alpha, sigma):
    return alpha / (alpha**2 + sigma**2) * h_t


@_second
def _rho_not_shrunk(h_t, s, s_t, rho, alpha, sigma):
    own, shared = alpha**2 + sigma**2, rho
    determinant = own**2 - shared**2
    of_h, of_s = own - rho * shared, rho * own - shared
    return alpha * (of_h * h_t + of_s * s_t) / determinant


@_second
def _rho_half_shrunk(h_t, s, s_t, rho, alpha, sigma):
    own, shared = alpha**2 + sigma**2, alpha * rho
    determinant = own**2 - shared**2
    of_h, of_s = own - rho * shared, rho * own - shared
    return alpha * (of_h * h_t + of_s * s_t) / determinant


@_first
def _added(h_t, s, s_t, rho, alpha, sigma):
    return rho * s + alpha / (alpha**2 + sigma**2) * h_t


@_first
def _rho_for_alpha_rho(h_t, s, s_t, rho, alpha, sigma):
    own = alpha**2 + sigma**2
    determinant = own - rho**2
    of_h, of_s = alpha - rho * rho, rho * own - alpha * rho
    return (of_h * h_t + of_s * s) / determinant


@_second
def _noise_shared(h_t, s, s_t, rho, alpha, sigma):
    own, shared = alpha**2 + sigma**2, alpha**2 * rho + sigma**2
    determinant = own**2 - shared**2
    of_h, of_s = own - rho * shared, rho * own - shared
    return alpha * (of_h * h_t + of_s * s_t) / determinant


@_second
def _cross_without_alpha(h_t, s, s_t, rho, alpha, sigma):
    return _told_in_noise(h_t, s_t, rho, alpha, sigma) / alpha


guesses = Check(
    "guesses",
    _guesses,
    drawn(_numbers, count=16, seed=(0, 9), tenths=(2, 9), rho=(-8, 8)),
    {
        "told s: h_t says something, too.": _without(_never_mind_h),
        "told s: h has the variance 1 - rho^2 left, not 1.": _without(_prior_of_one),
        "told s: h_t is compared with what is expected of it, alpha rho s.": (
            _without(_whole_h),
            _without(_no_alpha),
            _without(_added),
        ),
        "told s: the covariance of h_t and s is alpha rho.": _without(_rho_for_alpha_rho),
        "told s: 1 - rho^2 is a variance; no root.": _without(_by_deviation),
        "told s: the covariance of h and h_t has a factor alpha.": _without(_alpha_lost),
        "told s_t: it isn't s, it has noise and a factor alpha.": (
            _without(_s_t_for_s),
            _without(_s_t_scaled),
        ),
        "told s_t: it says something, too.": _without(_h_alone),
        "told s_t: the covariance of h_t and s_t is alpha^2 rho.": (
            _without(_rho_not_shrunk),
            _without(_rho_half_shrunk),
        ),
        "the guesses are of h, not of alpha h.": lambda h, s, s_t, r, a, g: tuple(
            a * guess for guess in _guesses(h, s, s_t, r, a, g)
        ),
        "told s_t: the noises of h_t and s_t are independent.": _without(_noise_shared),
        "told s_t: the covariance of h with h_t and s_t is alpha and alpha rho.": _without(
            _cross_without_alpha
        ),
        "the order: told s first, then told s_t.": lambda *given: _guesses(*given)[::-1],
        "sigma is a standard deviation: squared, it is a variance.": (
            lambda h, s, s_t, r, a, g: _guesses(h, s, s_t, r, a, math.sqrt(g)),
            lambda h, s, s_t, r, a, g: _guesses(h, s, s_t, r, a, g**2),
        ),
        "two guesses are wanted.": lambda *given: _guesses(*given)[0],
    },
)

# ---------------------------------------------------------------- 6


def _corner_of(off, width):
    best = off.flatten().argmin().item()
    return best // width, best % width


def _off(x, seen, row, column, side, masked=True, power=2):
    """How far patches are, [rows, columns], and which are seen whole."""
    wanted = x[:, row : row + side, column : column + side]
    known = seen[row : row + side, column : column + side]
    patches = x.unfold(1, side, 1).unfold(2, side, 1)
    whole = seen.unfold(0, side, 1).unfold(1, side, 1).flatten(2).all(dim=2)
    off = (patches - wanted[:, None, None]).abs() ** power
    off = off * known if masked else off
    return off.sum(dim=(0, 3, 4)), whole


def _nearest_patch(x, seen, row, column, side, masked=True, power=2):
    off, whole = _off(x, seen, row, column, side, masked, power)
    return _corner_of(off.masked_fill(~whole, torch.inf), off.shape[1])


def _any_patch(x, seen, row, column, side):
    """Also those with a hole, but not itself."""
    off, _ = _off(x, seen, row, column, side)
    off[row, column] = torch.inf
    return _corner_of(off, off.shape[1])


def _no_whole(x, seen, row, column, side):
    """All patches, itself among them."""
    off, _ = _off(x, seen, row, column, side)
    return _corner_of(off, off.shape[1])


def _four_corners(x, seen, row, column, side):
    """Patches whose four corners are seen."""
    off, _ = _off(x, seen, row, column, side)
    s = side - 1
    height, width = off.shape
    ends = [seen[i : i + height, j : j + width] for i in (0, s) for j in (0, s)]
    whole = torch.stack(ends).all(dim=0)
    return _corner_of(off.masked_fill(~whole, torch.inf), width)


def _without_last(x, seen, row, column, side):
    off, whole = _off(x, seen, row, column, side)
    off = off.masked_fill(~whole, torch.inf)[:-1, :-1]
    return _corner_of(off, off.shape[1])


def _columns_first(x, seen, row, column, side):
    off, whole = _off(x, seen, row, column, side)
    off = off.masked_fill(~whole, torch.inf).T
    j, i = _corner_of(off, off.shape[1])
    return i, j


def _itself(x, seen, row, column, side):
    return row, column


def _middle(x, seen, row, column, side):
    i, j = _nearest_patch(x, seen, row, column, side)
    return i + side // 2, j + side // 2


def _steps_away(x, seen, row, column, side):
    i, j = _nearest_patch(x, seen, row, column, side)
    return i - row, j - column


def _last_of_equals(x, seen, row, column, side):
    off, whole = _off(x, seen, row, column, side)
    off = off.masked_fill(~whole, torch.inf)
    best = (off == off.min()).flatten().nonzero().max().item()
    return best // off.shape[1], best % off.shape[1]


def _one_channel(x, seen, row, column, side):
    return _nearest_patch(x[:1], seen, row, column, side)


def _width_of_image(x, seen, row, column, side):
    i, j = _nearest_patch(x, seen, row, column, side)
    place = i * (x.shape[2] - side + 1) + j
    return place // x.shape[2], place % x.shape[2]


def _farthest(x, seen, row, column, side):
    off, whole = _off(x, seen, row, column, side)
    return _corner_of(-off.masked_fill(~whole, -torch.inf), off.shape[1])


def _where_hidden(x, seen, row, column, side):
    """Compared where the patch is not seen."""
    wanted = x[:, row : row + side, column : column + side]
    known = seen[row : row + side, column : column + side]
    _, whole = _off(x, seen, row, column, side)
    patches = x.unfold(1, side, 1).unfold(2, side, 1)
    off = ((patches - wanted[:, None, None]).square() * ~known).sum(dim=(0, 3, 4))
    return _corner_of(off.masked_fill(~whole, torch.inf), off.shape[1])


def _holed(seed, side, down, channels, hole):
    """A picture of few levels, so that equals come, with a hole and a patch over its corner."""
    height, width = 9 + down, 12
    x = inputs.integers(seed, 4, channels, height, width).double()
    seen = torch.ones(height, width, dtype=torch.bool)
    seen[4 : 4 + hole, 5 : 5 + hole] = False
    x[:, ~seen] = 9.0  # whatever stands there doesn't count
    row, column = 5 - side, 6 - side
    wanted = x[:, row : row + side, column : column + side].clone()
    if seed % 3 == 0:  # two that are equal, in the last column and in the last row
        x[:, :side, -side:], x[:, -side:, :side] = wanted, wanted
    if seed % 3 == 1:  # one that fits and isn't seen whole
        x[:, :side, 8 : 8 + side] = wanted
        seen[1, 9] = False
    return x, seen, row, column, side


nearest_patch = Check(
    "nearest_patch",
    _nearest_patch,
    drawn(_holed, count=24, seed=(0, 9), side=(2, 4), down=(0, 2), channels=(1, 3), hole=(1, 3)),
    {
        "patches with a hole can't be copied: only those that are seen whole count.": (
            _any_patch,
            _no_whole,
        ),
        "seen whole: every pixel, not the corners or the middle alone.": _four_corners,
        "there are H - side + 1 rows and W - side + 1 columns of patches: the last are missing.": (
            _without_last
        ),
        "rows and columns count from 0.": lambda *given: tuple(
            1 + k for k in _nearest_patch(*given)
        ),
        "compare where the patch is seen; what stands in the hole means nothing.": (
            lambda x, m, r, c, s: _nearest_patch(x, m, r, c, s, masked=False)
        ),
        "compared where the patch is hidden; seen is True where a pixel is known.": _where_hidden,
        "this is the patch itself; it isn't seen whole.": _itself,
        "upper left corners are wanted, not middles.": _middle,
        "the place is wanted, not the way there.": _steps_away,
        "of equals the first, by rows, then columns.": (_last_of_equals, _columns_first),
        "all channels count.": _one_channel,
        "row and column: the corners lie on a grid of W - side + 1 columns, not of W.": (
            _width_of_image
        ),
        "the nearest is wanted, this is the farthest.": _farthest,
        "squares are summed, not sizes.": lambda x, m, r, c, s: _nearest_patch(
            x, m, r, c, s, power=1
        ),
        "row first, then column.": lambda *given: _nearest_patch(*given)[::-1],
    },
)
