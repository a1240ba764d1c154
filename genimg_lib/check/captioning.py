"""Checks of notebook 66, captioning."""

import collections
import math

import torch
import torch.nn.functional as F

from genimg_lib.check import inputs
from genimg_lib.check.cases import drawn
from genimg_lib.check.judge import Check

PAD = 0


def _nats(log_p, tokens):
    own = log_p.gather(1, tokens[:, None])[:, 0]
    return -(own * (tokens != PAD)).sum()


def _sentences(seed, n, words, pads):
    log_p = torch.log_softmax(2 * inputs.normal(seed, n + pads, words), dim=1)
    tokens = torch.cat([inputs.integers(seed + 1, words, n, low=1), torch.zeros(pads).long()])
    return log_p, tokens


nats = Check(
    "nats",
    _nats,
    [
        (torch.log(torch.tensor([[0.1, 0.9], [0.5, 0.5]])), torch.tensor([1, 1])),
        _sentences(3301, 3, 4, 2),
        *drawn(_sentences, count=12, seed=(0, 9), n=(2, 5), words=(3, 5), pads=(1, 3)),
    ],
    {
        "PAD is no word: it costs nothing.": lambda p, t: -p.gather(1, t[:, None]).sum(),
        "nats are minus the logarithm: the sign is turned.": (
            lambda p, t: -_nats(p, t),
            lambda p, t: p.gather(1, t[:, None]).sum(),
        ),
        "this is the mean over the words; a sentence's nats are their sum.": (
            lambda p, t: _nats(p, t) / (t != PAD).sum()
        ),
        "the mean over all places, PADs among them.": (
            lambda p, t: _nats(p, t) / len(t),
            lambda p, t: -p.gather(1, t[:, None]).mean(),
        ),
        "the probabilities are multiplied, but the result is no logarithm.": (
            lambda p, t: torch.exp(-_nats(p, t))
        ),
        "log p is a logarithm already; cross_entropy takes logits, so it has to be given log p, "
        "not p.": lambda p, t: F.cross_entropy(p.exp(), t, ignore_index=PAD, reduction="sum"),
        "log p is given already; another logarithm is too much.": lambda p, t: (
            -p.gather(1, t[:, None])[:, 0][t != PAD].log().sum()
        ),
        "[T, 1] against [T] makes every pair: take the axis away after gather.": lambda p, t: (
            -(p.gather(1, t[:, None]) * (t != PAD)).sum()
        ),
        "every place is asked for every word: each has one word.": lambda p, t: (
            -p[:, t[t != PAD]].sum()
        ),
        "bits have the logarithm to base 2; nats the natural one.": lambda p, t: (
            _nats(p, t) / math.log(2)
        ),
    },
)


def _masked(scores):
    return scores + torch.full_like(scores, -math.inf).triu(1)


def _weights(scores):
    return torch.softmax(_masked(scores), dim=1)


def _square(seed, n):
    return (inputs.normal(seed, n, n),)


causal = Check(
    "causal",
    _weights,
    [
        (torch.tensor([[1.0, 2.0], [3.0, 1.0]]),),
        *drawn(_square, count=12, seed=(0, 9), n=(2, 6)),
    ],
    {
        "later words are seen: mask what lies right of the diagonal.": lambda s: torch.softmax(
            s, dim=1
        ),
        "the mask is turned around: earlier words may be seen.": (
            lambda s: torch.softmax(s + torch.full_like(s, -math.inf).tril(-1), dim=1),
            lambda s: torch.softmax(s.masked_fill(torch.ones_like(s).tril() > 0, -1e9), dim=1),
        ),
        "a word sees itself: the diagonal stays.": (
            lambda s: torch.softmax(s + torch.full_like(s, -math.inf).triu(0), dim=1),
            lambda s: torch.nan_to_num(
                torch.softmax(s + torch.full_like(s, -math.inf).triu(0), dim=1)
            ),
            lambda s: torch.softmax(s.masked_fill(torch.ones_like(s).triu() > 0, -1e9), dim=1),
        ),
        "the softmax runs over the whole square; each row sums to 1.": lambda s: torch.softmax(
            _masked(s).flatten(), dim=0
        ).view_as(s),
        "a score of 0 still gets weight e⁰: it has to be -inf.": lambda s: torch.softmax(
            s.tril(), dim=1
        ),
        "masked behind the softmax: the weights no longer sum to 1.": lambda s: torch.softmax(
            s, dim=1
        ).tril(),
        "the softmax runs down a column; each word's weights lie in a row.": lambda s: (
            torch.softmax(_masked(s).clamp(min=-1e9), dim=0)
        ),
        "one diagonal too much is kept: the next word is seen.": lambda s: torch.softmax(
            s + torch.full_like(s, -math.inf).triu(2), dim=1
        ),
    },
)


def _runs(words, n):
    return collections.Counter(tuple(words[k : k + n]) for k in range(len(words) - n + 1))


def _precision(caption, reference, n):
    mine, theirs = _runs(caption, n), _runs(reference, n)
    return torch.tensor(sum((mine & theirs).values()) / sum(mine.values()))


_SOME = ("a", "red", "hat")


def _texts(seed, m, more, n):
    first = [_SOME[k] for k in inputs.integers(seed, 3, m + n).tolist()]
    second = [_SOME[k] for k in inputs.integers(seed + 1, 3, m + n + more).tolist()]
    return first, second + first[:2], n


precision = Check(
    "precision",
    _precision,
    [
        (["the", "the", "the", "the"], ["the", "cat", "is", "on", "the", "mat"], 1),
        (["a", "red", "hat"], ["a", "red", "cap"], 2),
        (["the", "the", "the"], ["the", "the", "the"], 2),
        (["a", "cap"], ["the", "cat", "cap"], 1),
        *drawn(_texts, count=14, seed=(0, 9), m=(2, 5), more=(0, 3), n=(1, 3)),
    ],
    {
        "a run counts as often as the reference has it, not more.": lambda c, r, n: torch.tensor(
            sum(v for k, v in _runs(c, n).items() if k in _runs(r, n)) / sum(_runs(c, n).values())
        ),
        "divided by the runs of the reference, as if the texts were exchanged: that is recall.": (
            lambda c, r, n: torch.tensor(
                sum((_runs(c, n) & _runs(r, n)).values()) / sum(_runs(r, n).values())
            )
        ),
        "each kind of run is counted once; count how often it comes.": (
            lambda c, r, n: torch.tensor(
                len(set(_runs(c, n)) & set(_runs(r, n))) / len(_runs(c, n))
            ),
            lambda c, r, n: torch.tensor(
                len(set(_runs(c, n)) & set(_runs(r, n))) / sum(_runs(c, n).values())
            ),
        ),
        "divided by the kinds of runs; count each as often as it comes.": lambda c, r, n: (
            torch.tensor(sum((_runs(c, n) & _runs(r, n)).values()) / len(_runs(c, n)))
        ),
        "divided by the words; divide by the runs of n words.": lambda c, r, n: torch.tensor(
            sum((_runs(c, n) & _runs(r, n)).values()) / len(c)
        ),
        "only single words are counted, not runs of n.": lambda c, r, n: _precision(c, r, 1),
        "this is a number of runs, not their share.": lambda c, r, n: torch.tensor(
            float(sum((_runs(c, n) & _runs(r, n)).values()))
        ),
    },
)


def _error(confidence, right, bins, of=torch.abs, weighed=True):
    place = (confidence * bins).long().clamp(max=bins - 1)
    total = torch.zeros(())
    used = 0
    for k in range(bins):
        inside = place == k
        if inside.any():
            gap = of(right[inside].float().mean() - confidence[inside].mean())
            total = total + gap * (inside.float().mean() if weighed else 1.0)
            used += 1
    return total if weighed else total / used


def _with_empty_bins(confidence, right, bins):
    place = (confidence * bins).long().clamp(max=bins - 1)
    parts = [place == k for k in range(bins)]
    gaps = [
        (right[i].float().mean() - confidence[i].mean()).abs() * i.float().mean() for i in parts
    ]
    return torch.stack(gaps).sum()


def _answers(seed, n, bins):
    confidence = inputs.uniform(seed, n)
    right = inputs.uniform(seed + 1, n) < 0.6 * confidence + 0.1
    right[0] = True
    return confidence, right, bins


calibration = Check(
    "calibration",
    _error,
    [
        (torch.tensor([0.9, 0.9, 0.2]), torch.tensor([True, False, False]), 2),
        _answers(3305, 40, 5),
        (
            torch.tensor([0.62, 0.95, 0.71, 0.97, 0.66]),
            torch.tensor([True, True, False, True, False]),
            4,
        ),
        *drawn(_answers, count=12, seed=(0, 9), n=(12, 40), bins=(3, 8)),
    ],
    {
        "gaps of both signs cancel: take each bin's absolute value.": lambda c, r, b: _error(
            c, r, b, of=lambda v: v
        ),
        "the bins are averaged alike; each counts as many answers as it holds.": (
            lambda c, r, b: _error(c, r, b, weighed=False)
        ),
        "a bin without answers has no mean: leave it out.": _with_empty_bins,
        "without bins: each answer is right or not, so this is no accuracy.": lambda c, r, b: (
            (r.float() - c).abs().mean()
        ),
        "this is one bin for all.": lambda c, r, b: (r.float().mean() - c.mean()).abs(),
        "squared gaps; the expected calibration error takes absolute ones.": lambda c, r, b: _error(
            c, r, b, of=torch.square
        ),
        "this is the largest gap, not their mean.": lambda c, r, b: torch.stack(
            [
                (r[inside].float().mean() - c[inside].mean()).abs()
                for k in range(b)
                if (inside := (c * b).long().clamp(max=b - 1) == k).any()
            ]
        ).max(),
    },
)


def _contrastive(a, b, scale):
    s = scale * a @ b.T
    own = torch.arange(len(a))
    return (F.cross_entropy(s, own) + F.cross_entropy(s.T, own)) / 2


def _vectors(seed, n, d, scale):
    return inputs.unit(seed, n, d), inputs.unit(seed + 1, n, d), float(scale)


contrastive = Check(
    "contrastive",
    _contrastive,
    [
        (torch.eye(2), torch.tensor([[0.6, 0.8], [0.0, 1.0]]), 2.0),
        *drawn(_vectors, count=12, seed=(0, 9), n=(2, 5), d=(2, 4), scale=(2, 8)),
    ],
    {
        "this asks pictures only; sentences choose among pictures, too.": lambda a, b, t: (
            F.cross_entropy(t * a @ b.T, torch.arange(len(a)))
        ),
        "this asks sentences only; pictures choose among sentences, too.": lambda a, b, t: (
            F.cross_entropy(t * b @ a.T, torch.arange(len(a)))
        ),
        "both ways are added; take their mean.": lambda a, b, t: 2 * _contrastive(a, b, t),
        "the scale is missing.": lambda a, b, t: _contrastive(a, b, 1.0),
        "the cosines are divided by the scale; multiply.": lambda a, b, t: _contrastive(
            a, b, 1 / t
        ),
        "the sum over the batch; take the mean.": lambda a, b, t: len(a) * _contrastive(a, b, t),
        "only the true pairs count here; the others have to be pushed away.": lambda a, b, t: (
            -(t * (a * b).sum(dim=1)).mean()
        ),
        "the sign is turned.": lambda a, b, t: -_contrastive(a, b, t),
        "cross_entropy takes scores: the softmax is applied twice.": lambda a, b, t: (
            (
                F.cross_entropy((t * a @ b.T).softmax(dim=1), torch.arange(len(a)))
                + F.cross_entropy((t * b @ a.T).softmax(dim=1), torch.arange(len(a)))
            )
            / 2
        ),
        "row i belongs to row i: the targets are 0, 1, 2, ..., not all 0.": lambda a, b, t: (
            (
                F.cross_entropy(t * a @ b.T, torch.zeros(len(a)).long())
                + F.cross_entropy(t * b @ a.T, torch.zeros(len(a)).long())
            )
            / 2
        ),
    },
    gradient=("a", "b"),
)


def _beam_step(total, more, k):
    ahead = (total[:, None] + more).flatten()
    best = ahead.topk(k)
    return best.values, best.indices // more.shape[1], best.indices % more.shape[1]


def _beams(seed, beams, words, k):
    total = -5 * inputs.uniform(seed, beams)
    more = torch.log_softmax(2 * inputs.normal(seed + 1, beams, words), dim=1)
    return total, more, k


beam_step = Check(
    "beam_step",
    _beam_step,
    [
        (torch.tensor([-1.0, -3.0]), torch.log(torch.tensor([[0.6, 0.4], [0.9, 0.1]])), 2),
        _beams(3311, 3, 4, 3),
        *drawn(_beams, count=12, seed=(0, 9), beams=(2, 4), words=(3, 5), k=(2, 4)),
    ],
    {
        "the best word of each beginning is taken; one beginning may have several.": (
            lambda t, m, k: _of_each(t, m, k)
        ),
        "what the beginning has cost already is left out.": lambda t, m, k: _beam_step(
            torch.zeros_like(t), m, k
        ),
        "parent and word are exchanged.": lambda t, m, k: (
            _beam_step(t, m, k)[0],
            _beam_step(t, m, k)[2],
            _beam_step(t, m, k)[1],
        ),
        "the place is divided by the number of beginnings; divide by that of words.": (
            lambda t, m, k: _by_beams(t, m, k)
        ),
        "log p are added, not multiplied.": lambda t, m, k: _product(t, m, k),
        "these are the least likely ones.": lambda t, m, k: _least(t, m, k),
        "this is log p of the word alone; give that of the whole continuation.": (
            lambda t, m, k: (
                m.flatten()[(t[:, None] + m).flatten().topk(k).indices],
                *_beam_step(t, m, k)[1:],
            )
        ),
        "whole numbers: // gives the beginning, / a fraction.": lambda t, m, k: (
            _beam_step(t, m, k)[0],
            (t[:, None] + m).flatten().topk(k).indices / m.shape[1],
            _beam_step(t, m, k)[2],
        ),
    },
)


def _of_each(total, more, k):
    best = more.max(dim=1)
    ahead = total + best.values
    chosen = ahead.topk(min(k, len(ahead)))
    return chosen.values, chosen.indices, best.indices[chosen.indices]


def _by_beams(total, more, k):
    best = (total[:, None] + more).flatten().topk(k)
    return best.values, best.indices // len(total), best.indices % len(total)


def _product(total, more, k):
    best = (total[:, None] * more).flatten().topk(k)
    return best.values, best.indices // more.shape[1], best.indices % more.shape[1]


def _least(total, more, k):
    best = (total[:, None] + more).flatten().topk(k, largest=False)
    return best.values, best.indices // more.shape[1], best.indices % more.shape[1]
