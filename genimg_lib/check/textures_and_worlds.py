"""Checks of notebook 67, textures and worlds."""

import math

import torch

from genimg_lib.check import inputs
from genimg_lib.check.cases import drawn
from genimg_lib.check.judge import Check


def _beside(above):
    padded = torch.nn.functional.pad(above[None], (1, 1), value=math.inf)[0]
    return padded[:-2], above, padded[2:]


def _cost(above, e):
    return e + torch.stack(_beside(above)).min(dim=0).values


def _rows(seed, w):
    return 3 * inputs.uniform(seed, w), inputs.uniform(seed + 1, w)


cost = Check(
    "cost",
    _cost,
    [
        (torch.tensor([1.0, 5.0, 2.0]), torch.tensor([1.0, 1.0, 1.0])),
        (torch.tensor([2e4, 5e4, 3e4]), torch.tensor([1e4, 1e4, 2e4])),
        *drawn(_rows, count=12, seed=(0, 9), w=(3, 8)),
    ],
    {
        "the path may only go straight down here; it may go one aside.": lambda a, e: a + e,
        "the row's ends are joined: there is nothing beyond the first column.": lambda a, e: (
            e + torch.stack([a.roll(1), a, a.roll(-1)]).min(dim=0).values
        ),
        "beyond the ends lies infinity, not 0.": lambda a, e: (
            e + torch.stack([*_zeros_beside(a)]).min(dim=0).values
        ),
        "the largest of the three is taken.": (
            lambda a, e: e + torch.stack([a.roll(1), a, a.roll(-1)]).amax(dim=0),
            lambda a, e: e - torch.stack(_beside(-a)).min(dim=0).values,
        ),
        "the one straight above is left out.": lambda a, e: (
            e + torch.stack(_beside(a)[::2]).min(dim=0).values
        ),
        "the least of the whole row above: a path goes one column aside at most.": (
            lambda a, e: e + a.min()
        ),
        "the row's own cost e is missing.": lambda a, e: torch.stack(_beside(a)).min(dim=0).values,
        "only the left one and the one above are looked at.": lambda a, e: (
            e + torch.stack(_beside(a)[:2]).min(dim=0).values
        ),
        "only the one above and the right one are looked at.": lambda a, e: (
            e + torch.stack(_beside(a)[1:]).min(dim=0).values
        ),
        "this is a mean of the three.": lambda a, e: (
            e + torch.stack([a.roll(1), a, a.roll(-1)]).mean(dim=0)
        ),
    },
)


def _zeros_beside(above):
    padded = torch.nn.functional.pad(above[None], (1, 1))[0]
    return padded[:-2], above, padded[2:]


def _over(front, alpha, back):
    return (alpha * front**2.2 + (1 - alpha) * back**2.2) ** (1 / 2.2)


def _colours(seed, n):
    return tuple(inputs.uniform(seed + k, n, low=0.05) for k in range(3))


over = Check(
    "over",
    _over,
    [
        (torch.tensor([1.0]), torch.tensor([0.5]), torch.tensor([0.0])),
        *drawn(_colours, count=12, seed=(0, 9), n=(2, 5)),
    ],
    {
        "the colours are mixed as they are; it's light that adds up.": lambda f, a, b: (
            a * f + (1 - a) * b
        ),
        "the mix is light still: bring it back to a colour.": lambda f, a, b: (
            a * f**2.2 + (1 - a) * b**2.2
        ),
        "colour to light is the power 2.2, not 1 / 2.2.": lambda f, a, b: (
            (a * f ** (1 / 2.2) + (1 - a) * b ** (1 / 2.2)) ** 2.2
        ),
        "front and back are exchanged.": lambda f, a, b: _over(b, a, f),
        "alpha is no light: it's not raised to a power.": lambda f, a, b: (
            (a**2.2 * f**2.2 + (1 - a**2.2) * b**2.2) ** (1 / 2.2)
        ),
        "the back is not weakened by what hides it.": lambda f, a, b: (
            (a * f**2.2 + b**2.2) ** (1 / 2.2)
        ),
        "brackets: ** comes before /, so this is ((...) ** 1) / 2.2.": lambda f, a, b: (
            (a * f**2.2 + (1 - a) * b**2.2) / 2.2
        ),
        "the power is 2.2 here, not 2.4.": lambda f, a, b: (
            (a * f**2.4 + (1 - a) * b**2.4) ** (1 / 2.4)
        ),
        "the power is 2.2 here, not 2.": lambda f, a, b: (a * f**2 + (1 - a) * b**2) ** 0.5,
    },
)


def _alpha(c1, c2, b1, b2):
    apart = b1 - b2
    return 1 - ((c1 - c2) * apart).sum(dim=0) / apart.square().sum(dim=0)


def _seen(seed, n):
    front, b1, b2 = (inputs.uniform(seed + k, 3, n) for k in range(3))
    b2 = torch.where((b1 - b2).abs() < 0.2, b2 + 0.5, b2)
    alpha = inputs.uniform(seed + 3, n, low=0.2, high=0.8)
    off = (0.05 * inputs.normal(seed + 4 + k, 3, n) for k in range(2))  # no camera is exact
    seen = (alpha * front + (1 - alpha) * b + o for b, o in zip((b1, b2), off, strict=True))
    return *seen, b1, b2


alpha_of = Check(
    "alpha_of",
    _alpha,
    [
        (
            torch.tensor([[0.5], [0.5], [0.5]]),
            torch.tensor([[0.25], [0.5], [0.5]]),
            torch.tensor([[1.0], [1.0], [0.0]]),
            torch.tensor([[0.5], [1.0], [0.0]]),
        ),
        *drawn(_seen, count=12, seed=(0, 9), n=(2, 5)),
    ],
    {
        "this is 1 - alpha: what shows through.": lambda *a: 1 - _alpha(*a),
        "the mean of the channels' quotients; least squares weighs each by its difference.": (
            lambda c1, c2, b1, b2: 1 - ((c1 - c2) / (b1 - b2)).mean(dim=0),
            lambda c1, c2, b1, b2: 1 - ((c1 - c2) / (b1 - b2)).nanmean(dim=0),
        ),
        "differences are summed as they are; least squares weighs each by b1 - b2.": (
            lambda c1, c2, b1, b2: 1 - (c1 - c2).sum(dim=0) / (b1 - b2).sum(dim=0)
        ),
        "only the first channel is used.": lambda c1, c2, b1, b2: 1 - ((c1 - c2) / (b1 - b2))[0],
        "the quotient is turned over.": (
            lambda c1, c2, b1, b2: (
                1 - (b1 - b2).square().sum(dim=0) / ((c1 - c2) * (b1 - b2)).sum(dim=0)
            ),
            lambda c1, c2, b1, b2: (
                1 - ((c1 - c2) * (b1 - b2)).sum(dim=0) / (c1 - c2).square().sum(dim=0)
            ),
        ),
        "lengths are compared; the differences' product is needed.": (
            lambda c1, c2, b1, b2: (
                1 - (c1 - c2).square().sum(dim=0) / (b1 - b2).square().sum(dim=0)
            ),
            lambda c1, c2, b1, b2: 1 - (c1 - c2).norm(dim=0) / (b1 - b2).norm(dim=0),
        ),
        "divided by the length of b1 - b2; its square belongs there.": lambda c1, c2, b1, b2: (
            1 - ((c1 - c2) * (b1 - b2)).sum(dim=0) / (b1 - b2).norm(dim=0)
        ),
        "summed over pixels; each pixel has its own alpha.": lambda c1, c2, b1, b2: (
            1 - ((c1 - c2) * (b1 - b2)).sum() / (b1 - b2).square().sum()
        ).expand(c1.shape[1]),
    },
)


def _grown(state, seen, W1, b, W2, fired):
    hidden = torch.relu(W1 @ seen + b[:, None])
    return state + (W2 @ hidden) * fired


def _cells(seed, n, c, h):
    fired = (inputs.uniform(seed + 5, n) < 0.5).float()
    fired[0], fired[-1] = 1.0, 0.0
    return (
        inputs.normal(seed, c, n),
        inputs.normal(seed + 1, 4 * c, n),
        inputs.normal(seed + 2, h, 4 * c),
        inputs.normal(seed + 3, h),
        inputs.normal(seed + 4, c, h),
        fired,
    )


grown = Check(
    "grown",
    _grown,
    [
        _cells(3401, 2, 1, 2),
        *drawn(_cells, count=12, seed=(0, 9), n=(2, 5), c=(1, 3), h=(2, 4)),
    ],
    {
        "all cells change; only those that fire do.": lambda s, x, W, b, V, f: _grown(
            s, x, W, b, V, torch.ones_like(f)
        ),
        "the state is replaced; what comes out is added to it.": (
            lambda s, x, W, b, V, f: _grown(s, x, W, b, V, f) - s,
            lambda s, x, W, b, V, f: _grown(s, x, W, b, V, f) - s * f,
        ),
        "the ReLU is missing.": lambda s, x, W, b, V, f: s + (V @ (W @ x + b[:, None])) * f,
        "the bias is missing.": lambda s, x, W, b, V, f: s + (V @ torch.relu(W @ x)) * f,
        "cells that don't fire keep their state; here they lose it.": (
            lambda s, x, W, b, V, f: _grown(s, x, W, b, V, torch.ones_like(f)) * f
        ),
        "the ReLU belongs behind the first layer, not behind the second.": (
            lambda s, x, W, b, V, f: s + torch.relu(V @ (W @ x + b[:, None])) * f
        ),
        "it's turned around: those that don't fire change.": lambda s, x, W, b, V, f: _grown(
            s, x, W, b, V, 1 - f
        ),
    },
)


def _halved(values):
    return values.view(*values.shape[:-1], -1, 2).mean(dim=-1)


def _shrunk(colour, alpha):
    small = _halved(alpha)
    return _halved(colour * alpha) / small


def _pairs(seed, n, c):
    alpha = inputs.uniform(seed + 1, 2 * n)
    alpha[::2] = alpha[::2] * 0.5
    return inputs.uniform(seed, c, 2 * n), alpha.clamp(min=0.05)


shrunk = Check(
    "shrunk",
    _shrunk,
    [
        (torch.tensor([[1.0, 0.0]]), torch.tensor([1.0, 0.25])),
        *drawn(_pairs, count=12, seed=(0, 9), n=(2, 4), c=(1, 3)),
    ],
    {
        "hidden colours bleed in: each colour counts as much as its alpha.": (
            lambda c, a: _halved(c)
        ),
        "the result is still multiplied by alpha: divide by the small one.": lambda c, a: _halved(
            c * a
        ),
        "divided by the sum of two alphas, not by their mean.": lambda c, a: _shrunk(c, a) / 2,
        "multiplied by alpha only after the average.": lambda c, a: _halved(c) * _halved(a),
        "each colour is divided by its alpha; multiply.": lambda c, a: _halved(c / a) * _halved(a),
        "the first half of the row is mixed with the second; neighbours are pairs, (0, 1), (2, "
        "3).": lambda c, a: (
            (c * a).unflatten(1, (2, -1)).sum(dim=1) / a.unflatten(0, (2, -1)).sum(dim=0)
        ),
        "of each two pixels the first is taken; average them.": lambda c, a: c[:, ::2],
    },
)


def _homography(points, onto):
    rows, right = [], []
    for (x, y), (u, v) in zip(points.tolist(), onto.tolist(), strict=True):
        rows.append([x, y, 1, 0, 0, 0, -u * x, -u * y])
        rows.append([0, 0, 0, x, y, 1, -v * x, -v * y])
        right += [u, v]
    found = torch.linalg.solve(torch.tensor(rows).double(), torch.tensor(right).double())
    return torch.cat([found, torch.ones(1).double()]).view(3, 3)


def _fours(seed):
    square = torch.tensor([[0.0, 0.0], [4.0, 0.0], [4.0, 3.0], [0.0, 3.0]]).double()
    move = inputs.uniform(seed, 4, 2, low=-0.8, high=0.8, dtype=torch.float64)
    other = inputs.uniform(seed + 1, 4, 2, low=-0.8, high=0.8, dtype=torch.float64)
    return square + move, 2 * square + other


def _affine(points, onto):
    ones = torch.cat([points, torch.ones(4, 1).double()], dim=1)
    found = torch.linalg.lstsq(ones, onto).solution.T
    return torch.cat([found, torch.tensor([[0.0, 0.0, 1.0]]).double()])


homography = Check(
    "homography",
    _homography,
    [
        _fours(3501),
        *drawn(lambda seed: _fours(seed), count=10, seed=(0, 30)),
    ],
    {
        "this is the way back, onto the points, not from them: they are exchanged.": (
            lambda p, o: _homography(o, p)
        ),
        "affine: the last row is (0, 0, 1), so nothing grows with nearness.": _affine,
        "transposed: points are columns here, H @ (x, y, 1).": lambda p, o: _homography(p, o).T,
        "x and y are exchanged in what the points go to.": lambda p, o: _homography(p, o.flip(1)),
        "x and y are exchanged.": lambda p, o: _homography(p.flip(1), o.flip(1)),
        "the last entry has to be 1: divide by it.": (
            lambda p, o: 2 * _homography(p, o),
            lambda p, o: _homography(p, o) / _homography(p, o).norm(),
        ),
        "the sign of h7 and h8 is turned: u (h7 x + h8 y + 1) stands on the other side.": (
            lambda p, o: _turned(p, o)
        ),
    },
    tolerance=1e-3,
)


def _turned(points, onto):
    H = _homography(points, onto).clone()
    H[2, :2] = -H[2, :2]
    return H
