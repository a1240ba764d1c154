"""Checks of notebook 52, flow matching."""

import itertools

import torch
from torch.autograd import forward_ad

from genimg_lib.check import inputs
from genimg_lib.check.cases import drawn
from genimg_lib.check.judge import Check


def _cost(walk, times):
    moved = (walk[1:] - walk[:-1]).square().sum(dim=2)  # [K, N]
    return (moved / (times[1:] - times[:-1])[:, None]).sum(dim=0)


def _line(walk, times):
    return (walk[-1] - walk[0]).square().sum(dim=1) / (times[-1] - times[0])


def _path_energy(walk, times):
    return (_cost(walk, times) - _line(walk, times)).mean()


def _way(seed, steps, n, d):
    gaps = inputs.uniform(seed + 1, steps, low=0.2)
    times = torch.cat([torch.zeros(1), gaps.cumsum(0) / gaps.sum()])
    return inputs.normal(seed, steps + 1, n, d), 0.1 + 0.6 * times


path_energy = Check(
    "path_energy",
    _path_energy,
    [
        (torch.tensor([[[0.0]], [[1.0]], [[1.0]]]), torch.tensor([0.0, 0.25, 1.0])),
        _way(1601, 3, 2, 2),
        *drawn(_way, count=8, seed=(0, 9), steps=(2, 4), n=(1, 3), d=(1, 3)),
    ],
    {
        "a step counts velocity² times time: its squared way over its time.": lambda w, t: (
            (w[1:] - w[:-1]).square().sum(dim=2).sum(dim=0) - _line(w, t)
        ).mean(),
        "velocities are squared and averaged over steps, long and short ones alike; an integral "
        "weighs them by time.": lambda w, t: (
            ((w[1:] - w[:-1]) / (t[1:] - t[:-1])[:, None, None]).square().sum(dim=2).mean(dim=0)
            - _line(w, t)
        ).mean(),
        "the times are taken for even ones; divide each step by its own time.": lambda w, t: (
            (w[1:] - w[:-1]).square().sum(dim=2).sum(dim=0) / (t.diff().mean()) - _line(w, t)
        ).mean(),
        "the line between the ends is not subtracted.": lambda w, t: _cost(w, t).mean(),
        "lengths instead of their squares.": lambda w, t: (
            (w[1:] - w[:-1]).norm(dim=2).sum(dim=0) - (w[-1] - w[0]).norm(dim=1)
        ).mean(),
        "the line's cost is over the whole time, too: divided by the last time less the first.": (
            lambda w, t: (_cost(w, t) - (w[-1] - w[0]).square().sum(dim=1)).mean()
        ),
        "a mean over coordinates; |x|² is their sum.": lambda w, t: _path_energy(w, t) / w.shape[2],
        "a sum over points; wanted is their mean.": lambda w, t: _path_energy(w, t) * w.shape[1],
        "the sign is turned: paths cost at least what the line does.": lambda w, t: (
            -_path_energy(w, t)
        ),
        "the ratio of both costs; wanted is their difference.": lambda w, t: (
            _cost(w, t).mean() / _line(w, t).mean()
        ),
    },
)


def _cheapest(x, eps, cost):
    orders = [list(order) for order in itertools.permutations(range(len(x)))]
    return min(orders, key=lambda order: cost(x, eps[order]))


def _squares(x, eps):
    return (x - eps).square().sum().item()


def _coupled(x, eps):
    return eps[_cheapest(x, eps, _squares)]


def _nearest(x, eps):
    return eps[torch.cdist(x, eps).argmin(dim=1)]


def _greedy(x, eps):
    left, order = list(range(len(eps))), []
    for point in x:
        best = min(left, key=lambda j: (point - eps[j]).square().sum().item())
        order.append(best)
        left.remove(best)
    return eps[order]


def _inverse(x, eps):
    order = _cheapest(x, eps, _squares)
    return eps[torch.tensor(order).argsort()]


def _sides(seed, n, d):
    return inputs.normal(seed, n, d), inputs.normal(seed + 1, n, d)


coupled = Check(
    "coupled",
    _coupled,
    [
        (torch.tensor([[0.0, 0.0], [3.0, 0.0]]), torch.tensor([[3.0, 0.5], [6.5, 0.0]])),
        (torch.tensor([[0.0], [1.0], [5.0]]), torch.tensor([[0.9], [6.0], [0.7]])),
        _sides(1701, 4, 2),
        *drawn(_sides, count=10, seed=(0, 9), n=(3, 5), d=(2, 3)),
    ],
    {
        "each x takes the noise nearest to it, some twice, others never: use each once.": _nearest,
        "one x after the other takes the nearest noise that is left; what is left for the last "
        "may be far: the sum has to be least.": _greedy,
        "the order is turned around: noise number order[i] belongs to x number i.": _inverse,
        "the greatest sum; wanted is the least.": lambda x, e: e[
            _cheapest(x, e, lambda a, b: -_squares(a, b))
        ],
        "the noise is in the order in which it came.": lambda x, e: e,
        "distances instead of their squares are added.": lambda x, e: e[
            _cheapest(x, e, lambda a, b: (a - b).norm(dim=1).sum().item())
        ],
        "sorted by the first number alone, all of them count.": lambda x, e: e[
            e[:, 0].argsort()[x[:, 0].argsort().argsort()]
        ],
        "x is put in order; the noise should be.": lambda x, e: _coupled(e, x),
    },
)


def _combined(first, second, t, m, r):
    return ((m - t) * first + (r - m) * second) / (r - t)


def _two(seed, n, a, b, c):
    t, m, r = a / 30, (a + b) / 30, (a + b + c) / 30
    return inputs.normal(seed, n, 2), inputs.normal(seed + 1, n, 2), t, m, r


combined = Check(
    "combined",
    _combined,
    [
        (torch.tensor([[1.0]]), torch.tensor([[4.0]]), 0.0, 0.25, 1.0),
        (torch.tensor([[1.0]]), torch.tensor([[4.0]]), 0.2, 0.3, 0.7),
        *drawn(_two, count=10, seed=(0, 9), n=(1, 3), a=(0, 9), b=(1, 9), c=(1, 9)),
    ],
    {
        "their plain mean is right only for the middle; weigh by how long each lasts.": (
            lambda u, v, t, m, r: (u + v) / 2
        ),
        "each has the other's time.": lambda u, v, t, m, r: ((r - m) * u + (m - t) * v) / (r - t),
        "this is the way; a velocity is divided by the whole time r - t.": (
            lambda u, v, t, m, r: (m - t) * u + (r - m) * v
        ),
        "velocities don't add up; ways do.": lambda u, v, t, m, r: u + v,
        "divided by r; the time that passes is r - t.": lambda u, v, t, m, r: (
            ((m - t) * u + (r - m) * v) / r
        ),
        "weighed by times m and r instead of what passes.": lambda u, v, t, m, r: (
            (m * u + (r - m) * v) / r
        ),
        "only the second jump counts here.": lambda u, v, t, m, r: v,
        "only the first jump counts here.": lambda u, v, t, m, r: u,
    },
)


def _target(v, du, t, r):
    return v + (r - t)[:, None] * du


def _slopes(seed, n):
    t = inputs.uniform(seed + 2, n)
    r = t + (1 - t) * inputs.uniform(seed + 3, n)
    return inputs.normal(seed, n, 2), inputs.normal(seed + 1, n, 2), t, r


target = Check(
    "target",
    _target,
    [
        (*(torch.tensor([[value]]) for value in (1.0, 2.0)), torch.zeros(1), torch.ones(1)),
        (*(torch.tensor([[value]]) for value in (1.0, 2.0)), torch.ones(1) / 2, torch.ones(1) / 2),
        _slopes(1801, 4),
        *drawn(_slopes, count=8, seed=(0, 9), n=(1, 4)),
    ],
    {
        "the sign: it is (r - t) times the derivative, or minus (t - r) times it.": (
            lambda v, du, t, r: v - (r - t)[:, None] * du
        ),
        "the derivative is multiplied by the time of the jump, r - t.": lambda v, du, t, r: v + du,
        "multiplied by r; the jump begins at t.": lambda v, du, t, r: v + r[:, None] * du,
        "multiplied by 1 - t: right for jumps to the end only.": lambda v, du, t, r: (
            v + (1 - t)[:, None] * du
        ),
        "divided by the time of the jump.": lambda v, du, t, r: (
            v + du / (r - t)[:, None].clamp(min=1e-6)
        ),
        "half of it: the mean of a line; the derivative may change on the way.": (
            lambda v, du, t, r: v + (r - t)[:, None] / 2 * du
        ),
        "this is the velocity at t; the mean on the way to r is another.": lambda v, du, t, r: v,
    },
)


class Map(inputs.Network):
    """A mean velocity: (x [N, d], t [N], r [N]) -> [N, d]."""

    def __init__(self, d, seed):
        super().__init__("net")
        self.turn = self.weights(seed, d, d)
        self.pull, self.push = self.weights(seed + 1, d), self.weights(seed + 2, d)

    def forward(self, x, t, r):
        return torch.tanh(x @ self.turn + t[:, None] * self.pull + r[:, None] * self.push)


def _jumps(net, eps, times):
    x = eps
    for t, r in itertools.pairwise(times):
        x = x + (r - t) * net(x, torch.full((len(x),), t), torch.full((len(x),), r))
    return x


def _with(told, step=lambda t, r: r - t):
    """Jumps with other times told to the network, or of another length."""

    def walk(net, eps, times):
        x = eps
        for t, r in itertools.pairwise(times):
            a, b = told(t, r)
            x = x + step(t, r) * net(x, torch.full((len(x),), a), torch.full((len(x),), b))
        return x

    return walk


def _jumping(seed, n, d, steps):
    gaps = inputs.uniform(seed + 4, steps, low=0.2)
    times = [0.0, *(gaps.cumsum(0) / gaps.sum()).tolist()]
    return Map(d, seed), inputs.normal(seed + 3, n, d), times


jumps = Check(
    "jumps",
    _jumps,
    [
        (Map(1, 1901), torch.tensor([[0.5]]), [0.0, 1.0]),
        (Map(2, 1902), torch.tensor([[0.5, -1.0]]), [0.2, 0.5, 0.6, 1.0]),
        *drawn(_jumping, count=8, seed=(0, 9), n=(1, 3), d=(1, 3), steps=(1, 4)),
    ],
    {
        "the network is told the same time twice: that is the velocity, and this Euler.": _with(
            lambda t, r: (t, t)
        ),
        "it's asked for jumps to the end, and then goes only a part of the way.": _with(
            lambda t, r: (t, 1.0)
        ),
        "t and r are exchanged when the network is asked.": _with(lambda t, r: (r, t)),
        "the length of the jump is missing: u is a velocity.": _with(
            lambda t, r: (t, r), lambda t, r: 1.0
        ),
        "all jumps have one length here; each has r - t.": lambda net, x, times: _with(
            lambda t, r: (t, r), lambda t, r: 1 / (len(times) - 1)
        )(net, x, times),
        "the jumps begin at 0 each time; they lead from t to r.": _with(lambda t, r: (0.0, r)),
        "each jump begins at the noise; it has to begin where the last one ended.": (
            lambda net, x, times: (
                x
                + sum(
                    (r - t) * net(x, torch.full((len(x),), t), torch.full((len(x),), r))
                    for t, r in itertools.pairwise(times)
                )
            )
        ),
        "the network is told the length of the jump, r - t, in place of r.": _with(
            lambda t, r: (t, r - t)
        ),
        "the walk runs backwards.": _with(lambda t, r: (t, r), lambda t, r: t - r),
        "the last jump is missing.": lambda net, x, times: _jumps(net, x, times[:-1]),
    },
)


def _along(net, x_t, t, r, v, dt=1.0, dr=0.0):
    with forward_ad.dual_level():
        duals = [
            forward_ad.make_dual(value, way)
            for value, way in (
                (x_t, v),
                (t, dt * torch.ones_like(t)),
                (r, dr * torch.ones_like(r)),
            )
        ]
        u, du = forward_ad.unpack_dual(net(*duals))
    return u, du


def _loss(net, x, eps, t, r, sign=1.0, held=True, way=lambda x, e: x - e, dt=1.0, dr=0.0):
    x_t = t[:, None] * x + (1 - t)[:, None] * eps
    u, du = _along(net, x_t, t, r, way(x, eps), dt, dr)
    right = way(x, eps) + sign * (r - t)[:, None] * du
    return (u - (right.detach() if held else right)).square().mean()


def _mean_flow_loss(net, x, eps, t, r):
    return _loss(net, x, eps, t, r)


def _pairs(seed, n, d):
    t = inputs.uniform(seed + 5, n)
    r = t + (1 - t) * inputs.uniform(seed + 6, n)
    return Map(d, seed), inputs.normal(seed + 3, n, d), inputs.normal(seed + 4, n, d), t, r


def _still(net, x, eps, t, r):
    x_t = t[:, None] * x + (1 - t)[:, None] * eps
    u, du = _along(net, x_t, t, r, torch.zeros_like(x))
    return (u - (x - eps + (r - t)[:, None] * du).detach()).square().mean()


mean_flow_loss = Check(
    "mean_flow_loss",
    _mean_flow_loss,
    [
        _pairs(2001, 1, 1),
        _pairs(2002, 3, 2),
        *drawn(_pairs, count=6, seed=(0, 9), n=(1, 3), d=(1, 2)),
    ],
    {
        "the sign before the derivative is the other one.": lambda *a: _loss(*a, sign=-1.0),
        "points move with x - eps, from noise to data.": lambda *a: _loss(
            *a, way=lambda x, e: e - x
        ),
        "time doesn't move here; along the flow its derivative is 1.": lambda *a: _loss(*a, dt=0.0),
        "r is held: only t moves.": lambda *a: _loss(*a, dr=1.0),
        "the derivative term is missing: this is flow matching.": lambda *a: _loss(*a, sign=0.0),
        "x and eps are exchanged in x_t.": lambda net, x, e, t, r: _loss(
            net, e, x, t, r, way=lambda a, b: b - a
        ),
        "a sum over coordinates; the loss is the mean of all numbers.": lambda net, x, e, t, r: (
            _loss(net, x, e, t, r) * x.shape[1]
        ),
        "points don't move here; along the flow they do, with velocity v.": _still,
    },
    gradient=("net",),
    gradient_hint="the right side of (3) has to be held fixed, u alone gets a gradient: "
    "(u - right.detach())².",
)
