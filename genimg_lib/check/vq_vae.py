"""Checks of notebook 33, codes and their priors."""

import math

import torch
import torch.nn.functional as F

from genimg_lib.check import inputs
from genimg_lib.check.cases import drawn
from genimg_lib.check.judge import Check


def _nearest(h, codebook):
    return (h[:, None] - codebook).square().sum(dim=2).argmin(dim=1)


def _vectors(seed, m, k, d):
    lengths = 0.3 + 2 * inputs.uniform(seed + 900, k, 1)  # of their own: a product alone errs
    return inputs.normal(seed, m, d), lengths * inputs.normal(seed + 500, k, d)


nearest = Check(
    "nearest",
    _nearest,
    [
        (torch.tensor([[0.9, 0.0]]), torch.tensor([[1.0, 0.0], [3.0, 0.0]])),
        _vectors(801, 9, 5, 3),
        _vectors(802, 40, 11, 4),
        *drawn(_vectors, count=8, seed=(0, 9), m=(1, 4), k=(2, 6), d=(1, 4)),
    ],
    {
        "the largest product is not the smallest distance: long vectors win. |e|² belongs to it.": (
            lambda h, e: (h @ e.T).argmax(dim=1)
        ),
        "the farthest vector, not the nearest.": lambda h, e: torch.cdist(h, e).argmax(dim=1),
        "the nearest output for each code; it is the nearest code for each output.": (
            lambda h, e: torch.cdist(h, e).argmin(dim=0)
        ),
        "the sign of the product is turned: |h - e|² = |h|² - 2 h·e + |e|².": (
            lambda h, e: (e.square().sum(dim=1) + 2 * h @ e.T).argmin(dim=1)
        ),
        "the 2 before the product is missing.": (
            lambda h, e: (e.square().sum(dim=1) - h @ e.T).argmin(dim=1)
        ),
        "the root of |e|² stands where its square belongs.": (
            lambda h, e: (e.norm(dim=1) - 2 * h @ e.T).argmin(dim=1)
        ),
        "this is the code's vector; its number is wanted.": lambda h, e: e[_nearest(h, e)],
        "these are the distances themselves; the index of the smallest is wanted.": (
            lambda h, e: torch.cdist(h, e),
            lambda h, e: torch.cdist(h, e).min(dim=1).values,
        ),
        "differences may be negative: square them before they are added.": (
            lambda h, e: (h[:, None] - e).sum(dim=2).argmin(dim=1)
        ),
        "by the angle alone: lengths count, too.": (
            lambda h, e: (F.normalize(h, dim=1) @ F.normalize(e, dim=1).T).argmax(dim=1)
        ),
    },
)


def _straight(h, e):
    return h + (e - h).detach()


def _pair(seed, m, d):
    return inputs.normal(seed, m, d), inputs.normal(seed + 50, m, d)


straight_through = Check(
    "straight_through",
    _straight,
    [(torch.tensor([[0.2]]), torch.tensor([[1.0]])), _pair(811, 4, 3), _pair(812, 6, 2)],
    {
        "the decoder would see h itself: the quantised vector is lost.": (
            lambda h, e: h + 0 * e,
            lambda h, e: e + (h - e),
        ),
        "the bracket alone: h belongs before it.": lambda h, e: (e - h).detach(),
        "the whole of e is added; it is what e lies away from h.": lambda h, e: h + e.detach(),
        "the sign in the bracket is turned: from h to e.": lambda h, e: h + (h - e).detach(),
        "half-way between both; the decoder has to see e itself.": lambda h, e: (h + e) / 2,
    },
    gradient=("h",),
    blocked=("e",),
    gradient_hint=(
        "Forward it is e, backward as if it were h: h + (e - h), with the bracket held fixed"
    ),
)


def _averaged(counts, sums, h, tokens, rho):
    chosen = F.one_hot(tokens, len(counts)).to(h)
    counts = rho * counts + (1 - rho) * chosen.sum(dim=0)
    sums = rho * sums + (1 - rho) * chosen.T @ h
    return counts, sums, sums / counts[:, None]


def _book(seed, m, k, d, tenths):
    tokens = inputs.integers(seed + 7, k, m)
    counts = 0.5 + inputs.uniform(seed + 1, k)
    return counts, inputs.normal(seed + 2, k, d), inputs.normal(seed, m, d), tokens, tenths / 10


def _with(change):
    """The right update of changed arguments."""
    return lambda *a: _averaged(*change(*a))


def _by_means(counts, sums, h, tokens, rho):
    chosen = F.one_hot(tokens, len(counts)).to(h)
    n = chosen.sum(dim=0)
    means = chosen.T @ h / n.clamp(min=1)[:, None]
    new = rho * counts + (1 - rho) * n
    sums = rho * sums + (1 - rho) * means
    return new, sums, sums / new[:, None]


def _by_shares(counts, sums, h, tokens, rho):
    chosen = F.one_hot(tokens, len(counts)).to(h) / len(h)
    counts = rho * counts + (1 - rho) * chosen.sum(dim=0)
    sums = rho * sums + (1 - rho) * chosen.T @ h
    return counts, sums, sums / counts[:, None]


def _old_counts(counts, sums, h, tokens, rho):
    new, moved, _ = _averaged(counts, sums, h, tokens, rho)
    return new, moved, moved / counts[:, None]


def _only_chosen(counts, sums, h, tokens, rho):
    new, moved, _ = _averaged(counts, sums, h, tokens, rho)
    seen = torch.bincount(tokens, minlength=len(counts)) > 0
    new = torch.where(seen, new, counts)
    moved = torch.where(seen[:, None], moved, sums)
    return new, moved, moved / new[:, None]


def _once(counts, sums, h, tokens, rho):
    n, total = torch.zeros_like(counts), torch.zeros_like(sums)
    n[tokens] += 1
    total[tokens] += h
    new = rho * counts + (1 - rho) * n
    moved = rho * sums + (1 - rho) * total
    return new, moved, moved / new[:, None]


averaged = Check(
    "averaged",
    _averaged,
    [
        (torch.ones(1), torch.ones(1, 1), torch.tensor([[3.0]]), torch.zeros(1).long(), 0.5),
        _book(821, 12, 4, 3, 9),
        _book(822, 5, 6, 2, 7),
        *drawn(_book, count=8, seed=(0, 9), m=(1, 5), k=(1, 4), d=(1, 3), tenths=(1, 9)),
    ],
    {
        "rho and 1 - rho are exchanged: rho is what stays.": _with(
            lambda n, m, h, k, rho: (n, m, h, k, 1 - rho)
        ),
        "the new outputs are added whole; they weigh 1 - rho.": (
            lambda n, m, h, k, g: (
                lambda c: (
                    g * n + c.sum(0),
                    g * m + c.T @ h,
                    (g * m + c.T @ h) / (g * n + c.sum(0))[:, None],
                )
            )(F.one_hot(k, len(n)).to(h))
        ),
        "the sums are averaged; you averaged the means of each code's outputs.": _by_means,
        "the batch counts outputs, not shares of them.": _by_shares,
        "the codebook divides by the counts from before the update.": _old_counts,
        "unchosen codes have to fade, too: in this batch their count and sum are 0.": _only_chosen,
        "sums[tokens] += ... counts a repeated token once; index_add counts it each time.": _once,
        "the third result is the codebook, the sums divided by the counts.": (
            lambda n, m, h, k, g: (lambda r: (r[0], r[1], r[1]))(_averaged(n, m, h, k, g))
        ),
        "the codebook stands where the sums belong.": (
            lambda n, m, h, k, g: (lambda r: (r[0], r[2], r[2]))(_averaged(n, m, h, k, g))
        ),
        "the order is counts, sums, codebook.": (
            lambda n, m, h, k, g: (lambda r: (r[2], r[0], r[1]))(_averaged(n, m, h, k, g)),
            lambda n, m, h, k, g: (lambda r: (r[0], r[2], r[1]))(_averaged(n, m, h, k, g)),
            lambda n, m, h, k, g: (lambda r: (r[1], r[0], r[2]))(_averaged(n, m, h, k, g)),
        ),
    },
)


def _tokens(h, levels):
    steps = [math.prod(levels[:i]) for i in range(len(levels))]
    half = (torch.tensor(levels) - 1) / 2
    digits = (half * torch.tanh(h)).round() + half
    return (digits * torch.tensor(steps)).sum(dim=1).long()


def _digits(seed, m, first, second, third):
    levels = tuple(2 * k + 1 for k in (first, second, third))
    return 1.5 * inputs.normal(seed, m, 3), levels


def _written(digits, levels):
    """Digits [M, d] as one number, the first the lowest."""
    steps = torch.tensor([math.prod(levels[:i]) for i in range(len(levels))])
    return (digits * steps).sum(dim=1).long()


def _half(levels):
    return (torch.tensor(levels) - 1) / 2


fsq_tokens = Check(
    "fsq_tokens",
    _tokens,
    [
        (torch.tensor([[0.0, 0.0]]), (3, 3)),
        (torch.tensor([[3.0, -3.0], [0.0, 3.0]]), (3, 5)),
        _digits(831, 9, 3, 2, 1),
        (torch.atanh(torch.tensor([[0.4998, 0.2497], [-0.4998, 0.7497]])), (3, 5)),
        _digits(832, 20, 2, 2, 3),
        *drawn(_digits, count=8, seed=(0, 9), m=(1, 4), first=(1, 3), second=(1, 3), third=(1, 3)),
    ],
    {
        "the first digit has to be the lowest: it counts 1, the next L of the first, and so on.": (
            lambda h, levels: _tokens(h.flip(1), levels[::-1])
        ),
        "the 1.001 of the chapter's cell is still there: (6) has none, and it rounds up what is "
        "just below a half.": (
            lambda h, levels: _written(
                (1.001 * _half(levels) * torch.tanh(h)).round() + _half(levels), levels
            )
        ),
        "the rounding is missing: digits are whole numbers.": (
            lambda h, levels: _written(_half(levels) * torch.tanh(h) + _half(levels), levels)
        ),
        "the shift by (L - 1) / 2 is missing: digits begin at 0.": (
            lambda h, levels: _written((_half(levels) * torch.tanh(h)).round(), levels)
        ),
        "the squeeze is missing: tanh keeps every number on a level.": (
            lambda h, levels: _written((_half(levels) * h).round() + _half(levels), levels)
        ),
        "the half is missing: tanh runs from -1 to 1, so (L - 1) / 2 is its factor.": (
            lambda h, levels: _written(
                (2 * _half(levels) * torch.tanh(h)).round() + _half(levels), levels
            )
        ),
        "L / 2 stands where (L - 1) / 2 belongs.": (
            lambda h, levels: _written(
                (torch.tensor(levels) / 2 * torch.tanh(h)).round() + _half(levels), levels
            ),
            lambda h, levels: _written(
                (torch.tensor(levels) / 2 * torch.tanh(h)).round() + torch.tensor(levels) // 2,
                levels,
            ),
        ),
        "rounded down instead of to the nearest level.": (
            lambda h, levels: _written(
                (_half(levels) * torch.tanh(h)).floor() + _half(levels), levels
            ),
            lambda h, levels: _written(
                (_half(levels) * torch.tanh(h) + _half(levels)).int(), levels
            ),
        ),
        "cut off towards 0 by .long(), before the shift; round first.": (
            lambda h, levels: _written(
                (_half(levels) * torch.tanh(h)).long() + _half(levels), levels
            )
        ),
        "a clamp squeezes only what is outside; tanh squeezes all.": (
            lambda h, levels: _written(
                (_half(levels) * h.clamp(-1, 1)).round() + _half(levels), levels
            )
        ),
        "each digit counts the product of the levels *before* it; its own is not among them.": (
            lambda h, levels: (
                (
                    ((_half(levels) * torch.tanh(h)).round() + _half(levels))
                    * torch.tensor(levels).cumprod(0)
                )
                .sum(dim=1)
                .long()
            )
        ),
        "the digits were only added: each needs its step, or many grids share a token.": (
            lambda h, levels: (
                ((_half(levels) * torch.tanh(h)).round() + _half(levels)).sum(dim=1).long()
            )
        ),
        "these are the digits; they have to be written as one number.": (
            lambda h, levels: ((_half(levels) * torch.tanh(h)).round() + _half(levels)).long()
        ),
        "a sigmoid runs from 0 to 1; tanh from -1 to 1 is meant.": (
            lambda h, levels: _written(
                (_half(levels) * torch.sigmoid(h)).round() + _half(levels), levels
            )
        ),
    },
)


def _length(logits, tokens):
    log_p = torch.log_softmax(logits, dim=-1)
    own = log_p.gather(-1, tokens[..., None])[..., 0]
    return -own.sum(dim=1) / math.log(2)


def _probability(logits, tokens):
    return torch.softmax(logits.double(), dim=-1).gather(-1, tokens[..., None])[..., 0]


def _grids(seed, n, t, k):
    return 2 * inputs.normal(seed, n, t, k), inputs.integers(seed + 3, k, n, t)


code_length = Check(
    "code_length",
    _length,
    [
        (torch.zeros(1, 1, 2), torch.tensor([[1]])),
        _grids(841, 3, 6, 5),
        _grids(842, 2, 4, 9),
        (torch.tensor([[[0.0, 2000.0], [0.0, 0.0]]]), torch.tensor([[0, 1]])),
        *drawn(_grids, count=8, seed=(0, 9), n=(1, 3), t=(1, 4), k=(2, 5)),
    ],
    {
        "nats; divide by log 2 for bits.": lambda a, k: _length(a, k) * math.log(2),
        "the sign is turned: a length is minus the logarithm of a probability.": (
            lambda a, k: -_length(a, k)
        ),
        "the mean over the places; a grid needs the bits of all of them.": (
            lambda a, k: _length(a, k) / a.shape[1]
        ),
        "the mean over the grids; each has its own length.": lambda a, k: _length(a, k).mean(),
        "the sum over all grids; each has its own length.": lambda a, k: _length(a, k).sum(),
        "logits are not log-probabilities: take log_softmax first.": (
            lambda a, k: -a.gather(-1, k[..., None])[..., 0].sum(dim=1) / math.log(2)
        ),
        "the softmax runs over the wrong axis: over codes, not over places.": (
            lambda a, k: (
                -torch.log_softmax(a, dim=1).gather(-1, k[..., None])[..., 0].sum(1) / math.log(2)
            )
        ),
        "the entropy of the probabilities is what one expects; wanted is what these tokens cost.": (
            lambda a, k: (
                -(torch.softmax(a, -1) * torch.log_softmax(a, -1)).sum(dim=(1, 2)) / math.log(2)
            )
        ),
        "the logarithm of a probability that is 0 as a float; log_softmax is exact.": (
            lambda a, k: -torch.softmax(a, -1).gather(-1, k[..., None])[..., 0].log2().sum(dim=1)
        ),
        "a small number under the logarithm hides how improbable a token is; log_softmax needs "
        "none.": tuple(
            lambda a, k, eps=eps, bound=bound: -bound(_probability(a, k), eps).log2().sum(dim=1)
            for eps in (1e-30, 1e-12, 1e-10, 1e-9, 1e-8, 1e-7, 1e-6)
            for bound in (torch.add, torch.clamp)
        ),
        "multiplied by log 2 instead of divided.": lambda a, k: _length(a, k) * math.log(2) ** 2,
    },
)


def _hidden(places, passes):
    left = [math.floor(places * math.cos(math.pi * k / (2 * passes))) for k in range(1, passes)]
    return [*left, 0]


def _counted(round_off, share):
    """Counts by a schedule of one's own, ended by a 0, or as it comes."""

    def as_it_comes(places, passes):
        return [round_off(places * share(k / passes)) for k in range(1, passes + 1)]

    return lambda places, passes: [*as_it_comes(places, passes)[:-1], 0], as_it_comes


def _cosine(r):
    return math.cos(math.pi * r / 2)


still_hidden = Check(
    "still_hidden",
    _hidden,
    [(4, 1), (10, 2), (64, 8), (49, 8), (64, 5), (255, 12)],
    {
        "this counts those that are seen; subtract from all places.": (
            lambda n, p: [n - v for v in _hidden(n, p)]
        ),
        "in a straight line; the share is cos(pi r / 2).": _counted(math.floor, lambda r: 1 - r),
        "the sine rises; the share hidden falls as a cosine.": _counted(
            math.floor, lambda r: math.sin(math.pi * r / 2)
        ),
        "a whole half turn: cos(pi r) is negative after half of the passes.": _counted(
            math.floor, lambda r: math.cos(math.pi * r)
        ),
        "degrees and radians: math.cos takes radians.": _counted(
            math.floor, lambda r: math.cos(90 * r)
        ),
        "rounded up, or to the nearest; rounded down it is.": (
            *_counted(math.ceil, _cosine),
            *_counted(round, _cosine),
        ),
        "it begins with the state before the first pass; wanted is what is hidden after each.": (
            lambda n, p: [math.floor(n * _cosine(k / p)) for k in range(p)],
            lambda n, p: [math.floor(n * _cosine(k / max(1, p - 1))) for k in range(p)],
        ),
        "the last pass is missing: after it nothing is hidden.": lambda n, p: _hidden(n, p)[:-1],
        "how many each pass reveals; wanted is how many are hidden after it.": (
            lambda n, p: [a - b for a, b in zip([n, *_hidden(n, p)], _hidden(n, p), strict=False)]
        ),
        "the share seen is 1 - cos(pi r / 2); hidden is cos(pi r / 2) itself.": _counted(
            math.floor, lambda r: 1 - _cosine(r)
        ),
        "shares, not numbers of places.": lambda n, p: [_cosine(k / p) for k in range(1, p + 1)],
        "the squared cosine: it falls faster than the schedule here.": _counted(
            math.floor, lambda r: _cosine(r) ** 2
        ),
    },
)
