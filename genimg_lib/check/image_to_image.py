"""Checks of notebook 64, image to image."""

import itertools

import torch

from genimg_lib.check import inputs
from genimg_lib.check.cases import drawn
from genimg_lib.check.judge import Check

# ---------------------------------------------------------------- 1


class _Map(inputs.Network):
    """Images to images: a shift of channels, bent."""

    def __init__(self, label, seed):
        super().__init__(label)
        self.mix = self.weights(seed, 2, 2, scale=0.7)

    def forward(self, x):
        return torch.tanh(torch.einsum("nchw,cd->ndhw", x, self.mix)) + 0.3 * x.flip(3)


def _off(one, other):
    return (one - other).abs().mean()


def _cycle_loss(a, b, G, F):
    return _off(F(G(a)), a) + _off(G(F(b)), b)


def _piles(seed, n, m):
    a, b = inputs.normal(seed, 1 + n, 2, 3, 4), inputs.normal(seed + 1, 1 + m, 2, 3, 4)
    return a, b + 0.5, _Map("G", seed + 2), _Map("F", seed + 5)


def _trains(answer):
    """Do both maps learn from the loss?"""
    a, b, G, F = _piles(3, 1, 1)
    loss = answer(a, b, G, F)
    weights = [*G.parameters(), *F.parameters()]
    if not isinstance(loss, torch.Tensor) or not loss.requires_grad:
        return "the value is right, but nothing can learn from it: no no_grad, detach or item."
    found = torch.autograd.grad(loss, weights, allow_unused=True)
    right = torch.autograd.grad(_cycle_loss(a, b, G, F), weights)
    if any(f is None or not torch.allclose(f, r) for f, r in zip(found, right, strict=True)):
        return "the value is right, but a map learns from a part of it only: no detach on the way."
    return None


cycle_loss = Check(
    "cycle_loss",
    _cycle_loss,
    drawn(_piles, count=10, seed=(0, 9), n=(0, 2), m=(0, 2)),
    {
        "one way only; b goes by F and comes back by G.": lambda a, b, G, F: _off(F(G(a)), a),
        "one way only; a goes by G and comes back by F.": lambda a, b, G, F: _off(G(F(b)), b),
        "a goes by G first, b by F first.": lambda a, b, G, F: _off(G(F(a)), a) + _off(F(G(b)), b),
        "absolute errors, not squared ones.": lambda a, b, G, F: (
            (F(G(a)) - a).square().mean() + (G(F(b)) - b).square().mean()
        ),
        "only there: the image has to come back, too.": lambda a, b, G, F: (
            _off(G(a), a) + _off(F(b), b)
        ),
        "this is the identity loss: F of a, G of b.": lambda a, b, G, F: (
            _off(F(a), a) + _off(G(b), b)
        ),
        "each pile counts alike: a mean of each, then their sum.": lambda a, b, G, F: (
            torch.cat([(F(G(a)) - a).flatten(), (G(F(b)) - b).flatten()]).abs().mean()
        ),
        "both are added, not averaged.": lambda a, b, G, F: _cycle_loss(a, b, G, F) / 2,
        "means over all numbers, not sums.": lambda a, b, G, F: (
            (F(G(a)) - a).abs().sum() + (G(F(b)) - b).abs().sum()
        ),
        "sizes of differences; with their signs they cancel.": lambda a, b, G, F: (
            (F(G(a)) - a).mean() + (G(F(b)) - b).mean()
        ),
        "the same map twice; back is the other one.": lambda a, b, G, F: (
            _off(G(G(a)), a) + _off(F(F(b)), b)
        ),
        "absolute errors, no root of squares.": lambda a, b, G, F: (
            (F(G(a)) - a).square().mean().sqrt() + (G(F(b)) - b).square().mean().sqrt()
        ),
        "b goes by F first, and comes back by G.": lambda a, b, G, F: (
            _off(F(G(a)), a) + _off(F(G(b)), b)
        ),
        "a goes by G first, and comes back by F.": lambda a, b, G, F: (
            _off(G(F(a)), a) + _off(G(F(b)), b)
        ),
    },
    also=_trains,
)

# ---------------------------------------------------------------- 2


def _same(read, before, changed):
    others = [k for k in range(read.shape[1]) if k != changed]
    return (read == before)[:, others].double()


def _kept(read, before, changed):
    same = _same(read, before, changed)
    return same.mean(), same.prod(dim=1).mean()


def _readings(seed, n, k, changed):
    before = inputs.integers(seed, 3, 3 + n, 2 + k)
    wrong = inputs.uniform(seed + 1, 3 + n, 2 + k) < 0.2
    wrong[1] = False
    read = torch.where(wrong, (before + 1) % 3, before)
    column = min(changed, 1 + k)
    read[:, column] = (before[:, column] + 1) % 3
    read[0, column] = before[0, column]
    return read, before, column


kept = Check(
    "kept",
    _kept,
    drawn(_readings, count=14, seed=(0, 9), n=(0, 5), k=(0, 3), changed=(0, 4)),
    {
        "the changed factor doesn't count.": (
            lambda r, b, c: ((r == b).double().mean(), (r == b).double().prod(dim=1).mean()),
            lambda r, b, c: (  # as kept
                (_same(r, b, c).sum() + len(r)) / r.numel(),
                _kept(r, b, c)[1],
            ),
        ),
        "the first is over all other entries, not over the changed one.": lambda r, b, c: (
            (r[:, c] == b[:, c]).double().mean(),
            _kept(r, b, c)[1],
        ),
        "the second counts images of which *all* others are as before.": (
            lambda r, b, c: (_kept(r, b, c)[0],) * 2,
            lambda r, b, c: (_kept(r, b, c)[0], _same(r, b, c).amax(dim=1).mean()),
            lambda r, b, c: (_kept(r, b, c)[0], (_same(r, b, c).mean(dim=1) > 0.5).double().mean()),
        ),
        "images are counted; probabilities aren't multiplied.": lambda r, b, c: (
            _kept(r, b, c)[0],
            _same(r, b, c).mean(dim=0).prod(),
        ),
        "the second is a share of images, not of factors.": lambda r, b, c: (
            _kept(r, b, c)[0],
            _same(r, b, c).prod(dim=0).mean(),
        ),
        "shares of what was kept, not of what was lost.": lambda r, b, c: tuple(
            1 - value for value in _kept(r, b, c)
        ),
        "shares, not numbers of entries and images.": lambda r, b, c: (
            _same(r, b, c).sum(),
            _same(r, b, c).prod(dim=1).sum(),
        ),
        "the order: entries first, then images.": lambda r, b, c: _kept(r, b, c)[::-1],
        "divided by all K factors; K - 1 count.": lambda r, b, c: (
            _same(r, b, c).sum() / r.numel(),
            _kept(r, b, c)[1],
        ),
        "column `changed` is left out, not all before it or after it.": (
            lambda r, b, c: (_same(r, b, c)[:, c:].mean(), _same(r, b, c)[:, c:].prod(1).mean()),
            lambda r, b, c: (_same(r, b, c)[:, :c].mean(), _same(r, b, c)[:, :c].prod(1).mean()),
        ),
        "two numbers are wanted.": lambda r, b, c: _kept(r, b, c)[0],
    },
)

# ---------------------------------------------------------------- 3


def _pix2pix_loss(a_hat, x_hat, x, weight):
    return -a_hat.mean() + weight * _off(x_hat, x)


def _verdicts(seed, n, weight):
    shape = (1 + n, 3, 4, 5)
    return (
        inputs.normal(seed, 1 + n),
        inputs.normal(seed + 1, *shape),
        inputs.normal(seed + 2, *shape),
        float(weight),
    )


pix2pix_loss = Check(
    "pix2pix_loss",
    _pix2pix_loss,
    drawn(_verdicts, count=10, seed=(0, 9), n=(0, 3), weight=(2, 100)),
    {
        "the generator wants high verdicts: the sign.": lambda a, h, x, w: (
            a.mean() + w * _off(h, x)
        ),
        "the weight belongs to the error.": (
            lambda a, h, x, w: -w * a.mean() + _off(h, x),
            lambda a, h, x, w: w * (-a.mean() + _off(h, x)),
            lambda a, h, x, w: -a.mean() + _off(h, x),
        ),
        "absolute errors, not squared ones.": lambda a, h, x, w: (
            -a.mean() + w * (h - x).square().mean()
        ),
        "a mean over all numbers, not a sum.": (
            lambda a, h, x, w: -a.mean() + w * (h - x).abs().sum(),
            lambda a, h, x, w: -a.mean() + w * (h - x).abs().flatten(1).sum(dim=1).mean(),
            lambda a, h, x, w: -a.sum() + w * _off(h, x),
        ),
        "this is the hinge of a discriminator; the generator's has no margin.": (
            lambda a, h, x, w: torch.relu(1 - a).mean() + w * _off(h, x),
            lambda a, h, x, w: torch.relu(1 + a).mean() + w * _off(h, x),
        ),
        "the hinge game's loss is wanted, not that of log D.": (
            lambda a, h, x, w: torch.nn.functional.softplus(-a).mean() + w * _off(h, x),
            lambda a, h, x, w: -torch.nn.functional.softplus(a).mean() + w * _off(h, x),
        ),
        "absolute errors, no root of squares.": lambda a, h, x, w: (
            -a.mean() + w * (h - x).square().mean().sqrt()
        ),
        "no relu: verdicts of all sizes count.": lambda a, h, x, w: (
            torch.relu(-a).mean() + w * _off(h, x)
        ),
        "the verdict is missing.": lambda a, h, x, w: w * _off(h, x),
        "sizes of differences; with their signs they cancel.": lambda a, h, x, w: (
            -a.mean() + w * (h - x).mean()
        ),
    },
    gradient=("a_hat", "x_hat"),
    gradient_hint="The generator learns through both: no detach, no item",
)

# ---------------------------------------------------------------- 4


def _noised(x, eps, t, times):
    return t * x + (1 - t) * eps, [t, *[s for s in times if s > t]]


def _way(seed, twentieths, calls):
    times = [k / (3 + calls) for k in range(4 + calls)]
    t = twentieths / 20
    return inputs.normal(seed, 3, 1, 2, 4), inputs.normal(seed + 1, 3, 1, 2, 4), t, times


def _as_list(result):
    """The image, and the times as numbers."""
    if not isinstance(result, tuple) or len(result) != 2:
        return result
    x_t, times = result
    times = times.tolist() if isinstance(times, torch.Tensor) else times
    try:
        return x_t, [float(s) for s in times]
    except TypeError:
        return x_t, times


noised = Check(
    "noised",
    _noised,
    drawn(_way, count=14, seed=(0, 9), twentieths=(1, 19), calls=(0, 4)),
    {
        "t belongs to the image, 1 - t to the noise: at time 1 there is none.": (
            lambda x, e, t, s: ((1 - t) * x + t * e, _noised(x, e, t, s)[1])
        ),
        "the image shrinks as noise comes: t x, not x.": (
            lambda x, e, t, s: (x + (1 - t) * e, _noised(x, e, t, s)[1]),
            lambda x, e, t, s: (x + t * e, _noised(x, e, t, s)[1]),
        ),
        "on the straight path the weights are t and 1 - t, without a root.": lambda x, e, t, s: (
            t * x + (1 - t**2) ** 0.5 * e,
            _noised(x, e, t, s)[1],
        ),
        "the walk begins at t: it comes first.": (
            lambda x, e, t, s: (t * x + (1 - t) * e, [r for r in s if r > t]),
            lambda x, e, t, s: (t * x + (1 - t) * e, [r for r in s if r >= t]),
        ),
        "t stands once, also where it is one of the times.": lambda x, e, t, s: (
            t * x + (1 - t) * e,
            [t, *[r for r in s if r >= t]],
        ),
        "later times are left, not earlier ones.": lambda x, e, t, s: (
            t * x + (1 - t) * e,
            [t, *[r for r in s if r < t]],
        ),
        "not all of the way is left: it begins at t.": (
            lambda x, e, t, s: (t * x + (1 - t) * e, [t, *s]),
            lambda x, e, t, s: (t * x + (1 - t) * e, list(s)),
            lambda x, e, t, s: (t * x + (1 - t) * e, sorted({t, *s})),
        ),
        "the order: the image first, then the times.": lambda x, e, t, s: (
            _noised(x, e, t, s)[1],
            t * x + (1 - t) * e,
        ),
        "the noise that is given, added once.": lambda x, e, t, s: (
            t * x + e,
            _noised(x, e, t, s)[1],
        ),
    },
    up_to=_as_list,
)

# ---------------------------------------------------------------- 5


def _bits(p):
    used = p[p > 0]
    return -(used * torch.log2(used)).sum() + 0.0


def _hidden(p):
    return p.max(), _bits(p)


def _shares(seed, k, gone):
    p = inputs.probabilities(seed, 2 + k).double()
    if gone and k:
        p[0] = 0.0
    return (p / p.sum(),)


hidden = Check(
    "hidden",
    _hidden,
    [
        (torch.tensor([0.5, 0.5], dtype=torch.float64),),
        (torch.tensor([1.0, 0.0], dtype=torch.float64),),
        *drawn(_shares, count=12, seed=(0, 9), k=(0, 3), gone=(0, 1)),
    ],
    {
        "0 log 0 counts as 0.": (
            lambda p: (p.max(), -(p * torch.log2(p)).sum()),
            lambda p: (p.max(), -(p * torch.log2(p + 1e-3)).sum()),
            lambda p: (p.max(), -(p * torch.log2(p + 1e-6)).sum()),
        ),
        "bits: the logarithm to base 2.": (
            lambda p: (p.max(), _bits(p) * 0.6931471805599453),
            lambda p: (p.max(), _bits(p) * 0.30102999566398120),
        ),
        "the best guess is always the most frequent kind.": (
            lambda p: ((p**2).sum(), _bits(p)),
            lambda p: (p.new_tensor(1 / len(p)), _bits(p)),
            lambda p: (1 - p.max(), _bits(p)),
            lambda p: (p.min(), _bits(p)),
            lambda p: (p.argmax(), _bits(p)),
        ),
        "kinds that come seldom need fewer bits on average: the entropy of p, not log2 K.": (
            lambda p: (p.max(), torch.log2(p.new_tensor(float(len(p))))),
            lambda p: (p.max(), torch.log2(p.new_tensor(float((p > 0).sum())))),
        ),
        "the sign: an entropy is 0 or more.": lambda p: (p.max(), -_bits(p)),
        "each logarithm is weighed by how often it comes, and they are summed.": (
            lambda p: (p.max(), -torch.log2(p[p > 0]).mean()),
            lambda p: (p.max(), -torch.log2(p[p > 0]).sum()),
            lambda p: (p.max(), _bits(p) / len(p)),
        ),
        "all kinds count, not the most frequent one alone.": lambda p: (
            p.max(),
            -torch.log2(p.max()),
        ),
        "the order: the share first, then the bits.": lambda p: _hidden(p)[::-1],
        "two numbers are wanted.": _bits,
    },
)

# ---------------------------------------------------------------- 6


def _orders(cost):
    return list(itertools.permutations(range(len(cost))))


def _sum_of(cost, order):
    return sum(cost[i, j].item() for i, j in enumerate(order))


def _pair_up(cost):
    return torch.tensor(min(_orders(cost), key=lambda order: _sum_of(cost, order)))


def _greedy(cost):
    """One after the other takes the best that is left."""
    taken, partners = set(), []
    for row in cost:
        best = min((k for k in range(len(cost)) if k not in taken), key=lambda k: row[k].item())
        taken.add(best)
        partners.append(best)
    return torch.tensor(partners)


def _cheapest_first(cost):
    """The cheapest pair of all, then the cheapest that is left."""
    partners, left = [0] * len(cost), cost.clone()
    for _ in range(len(cost)):
        place = left.flatten().argmin().item()
        i, j = place // len(cost), place % len(cost)
        partners[i] = j
        left[i], left[:, j] = torch.inf, torch.inf
    return torch.tensor(partners)


def _costs(seed, n):
    return (inputs.uniform(seed, 3 + n, 3 + n, low=0.0, high=10.0, dtype=torch.float64),)


# where taking the best that is left is not the best
_TRAP = (torch.tensor([[1.0, 2.0, 9.0], [1.5, 9.0, 8.0], [9.0, 8.0, 3.0]], dtype=torch.float64),)


pair_up = Check(
    "pair_up",
    _pair_up,
    [_TRAP, *drawn(_costs, count=12, seed=(0, 30), n=(0, 2))],
    {
        "each partner only once.": lambda cost: cost.argmin(dim=1),
        "partners of rows are wanted, and each only once.": lambda cost: cost.argmin(dim=0),
        "the first ones take what later ones need: the *sum* is to be the least.": _greedy,
        "the cheapest pair first isn't always part of the cheapest whole.": _cheapest_first,
        "these are the partners of columns; turn the order round.": lambda cost: torch.argsort(
            _pair_up(cost)
        ),
        "the least, this is the largest.": lambda cost: _pair_up(-cost),
        "partners are wanted, not costs.": (
            lambda cost: torch.tensor(_sum_of(cost, _pair_up(cost).tolist())),
            lambda cost: cost[torch.arange(len(cost)), _pair_up(cost)],
        ),
        "rows are in order; wanted are the columns.": lambda cost: torch.arange(len(cost)),
        "the largest cost of all pairs is the least here; wanted is the least sum.": lambda cost: (
            torch.tensor(
                min(_orders(cost), key=lambda o: max(cost[i, j].item() for i, j in enumerate(o)))
            )
        ),
    },
)
