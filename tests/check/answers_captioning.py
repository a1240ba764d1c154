"""Answers to the exercises on captioning, in several styles."""

import collections

import torch
import torch.nn.functional as F
from answer_table import right, wrong

# ---------------------------------------------------------------- 66


@right("captioning.nats")
def _(log_p, tokens):
    return F.nll_loss(log_p, tokens, ignore_index=0, reduction="sum")


@wrong("captioning.nats", r"PAD is no word")
def _(log_p, tokens):
    return -log_p[torch.arange(len(tokens)), tokens].sum()


@wrong("captioning.nats", r"mean over the words")
def _(log_p, tokens):
    return F.nll_loss(log_p, tokens, ignore_index=0)


@right("captioning.causal")
def _(scores):
    keep = torch.tril(torch.ones_like(scores))
    weights = torch.exp(scores - scores.max()) * keep
    return weights / weights.sum(dim=1, keepdim=True)


@wrong("captioning.causal", r"no longer sum to 1")
def _(scores):
    return torch.tril(scores.softmax(-1))


@wrong("captioning.causal", r"a word sees itself")
def _(scores):
    mask = torch.ones_like(scores).triu() == 1
    return scores.masked_fill(mask, float("-inf")).softmax(1).nan_to_num()


@right("captioning.precision")
def _(caption, reference, n):
    def count(words):
        return collections.Counter(zip(*(words[k:] for k in range(n)), strict=False))

    mine = count(caption)
    return torch.tensor((mine & count(reference)).total() / mine.total())


@wrong("captioning.precision", r"as often as the reference")
def _(caption, reference, n):
    mine = [tuple(caption[k : k + n]) for k in range(len(caption) - n + 1)]
    theirs = {tuple(reference[k : k + n]) for k in range(len(reference) - n + 1)}
    return torch.tensor(sum(run in theirs for run in mine) / len(mine))


@right("captioning.calibration")
def _(confidence, right, bins):
    place = torch.floor(confidence * bins).clamp(max=bins - 1).long()
    gap = torch.zeros(bins).index_add(0, place, right.float() - confidence)
    return gap.abs().sum() / len(confidence)


@wrong("captioning.calibration", r"one bin for all")
def _(confidence, right, bins):
    return abs(confidence.mean() - right.float().mean())


@right("captioning.contrastive")
def _(a, b, scale):
    s = scale * torch.einsum("id,jd->ij", a, b)
    own = torch.arange(len(s))
    return 0.5 * (F.cross_entropy(s, own) + F.cross_entropy(s.mT, own))


@wrong("captioning.contrastive", r"mean of|take their mean")
def _(a, b, scale):
    s = scale * a @ b.T
    own = torch.arange(len(s))
    return F.cross_entropy(s, own) + F.cross_entropy(s.T, own)


@wrong("captioning.contrastive", r"asks pictures only")
def _(a, b, scale):
    return -torch.log_softmax(scale * a @ b.T, dim=1).diagonal().mean()


@right("captioning.beam_step")
def _(total, more, k):
    ahead = total[:, None] + more
    values, places = ahead.reshape(-1).sort(descending=True)
    places = places[:k]
    return (
        values[:k],
        torch.div(places, more.shape[1], rounding_mode="floor"),
        places % more.shape[1],
    )


@wrong("captioning.beam_step", r"left out")
def _(total, more, k):
    best = more.flatten().topk(k)
    return best.values, best.indices // more.shape[1], best.indices % more.shape[1]
