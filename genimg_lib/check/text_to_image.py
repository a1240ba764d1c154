"""Checks of notebook 65, text to image."""

import math

import torch

from genimg_lib.check import inputs
from genimg_lib.check.cases import drawn
from genimg_lib.check.judge import Check

PAD, START, END = 0, 1, 2
_WORDS = ("a", "calm", "face", "with", "red", "hair", "and", "blue", "hat")


def _encode(words, vocabulary, length):
    numbers = [3 + vocabulary.index(word) for word in words] + [END]
    return torch.tensor(numbers + [PAD] * (length - len(numbers)))


def _sentences(seed, n, more):
    order = torch.randperm(len(_WORDS), generator=torch.Generator().manual_seed(seed)).tolist()
    vocabulary = [_WORDS[k] for k in order]
    picked = inputs.integers(seed + 1, len(_WORDS), n).tolist()
    return [_WORDS[k] for k in picked], vocabulary, n + 1 + more


encode = Check(
    "encode",
    _encode,
    [
        (["red", "hat"], ["hat", "hair", "red"], 5),
        (["red"], ["red"], 2),
        *drawn(_sentences, count=12, seed=(0, 9), n=(1, 6), more=(0, 4)),
    ],
    {
        "the first word of the vocabulary is 3: 0, 1 and 2 are PAD, START and END.": (
            lambda w, v, n: _shifted(w, v, n, -3)
        ),
        "the first word of the vocabulary is 3, not 2: END is 2.": (
            lambda w, v, n: _shifted(w, v, n, -1)
        ),
        "END is missing behind the last word.": lambda w, v, n: torch.tensor(
            ([3 + v.index(word) for word in w] + [PAD] * n)[:n]
        ),
        "END belongs behind the last word, before the PADs.": lambda w, v, n: torch.tensor(
            [3 + v.index(word) for word in w] + [PAD] * (n - len(w) - 1) + [END]
        ),
        "the rest is filled with END; it is PAD, which nobody looks at.": (
            lambda w, v, n: torch.tensor([3 + v.index(word) for word in w] + [END] * (n - len(w)))
        ),
        "the PADs stand before the words; they belong behind END.": lambda w, v, n: torch.tensor(
            [PAD] * (n - len(w) - 1) + [3 + v.index(word) for word in w] + [END]
        ),
        "the row has to have `length` numbers: fill it with PAD.": lambda w, v, n: torch.tensor(
            [3 + v.index(word) for word in w] + [END]
        ),
        "an encoder needs no START here; the first number is the first word.": (
            lambda w, v, n: torch.tensor(
                ([START] + [3 + v.index(word) for word in w] + [END] + [PAD] * n)[:n]
            )
        ),
        "END is 2; 1 is START.": lambda w, v, n: torch.tensor(
            ([3 + v.index(word) for word in w] + [START] + [PAD] * n)[:n]
        ),
        "the first word of the vocabulary is 3, not 4: PAD, START and END are 0, 1 and 2.": (
            lambda w, v, n: _shifted(w, v, n, 1)
        ),
        "a word's number is its place in the vocabulary, not in the sentence.": (
            lambda w, v, n: torch.tensor(([3 + k for k in range(len(w))] + [END] + [PAD] * n)[:n])
        ),
    },
)


def _shifted(words, vocabulary, length, by):
    numbers = [3 + by + vocabulary.index(word) for word in words] + [END]
    return torch.tensor(numbers + [PAD] * (length - len(numbers)))


def _weights(q, k, there):
    scores = q @ k.T / math.sqrt(q.shape[1])
    return torch.softmax(scores.masked_fill(~there, -math.inf), dim=1)


def _attention(q, k, v, there):
    return _weights(q, k, there) @ v


def _some(seed, t, s, d):
    there = inputs.uniform(seed + 3, s) < 0.6
    there[0] = True
    q, k, v = (2 * inputs.normal(seed + i, n, d) for i, n in enumerate((t, s, s)))
    return q, k, v, there


attention = Check(
    "attention",
    _attention,
    [
        (
            torch.tensor([[1.0, 0.0]]),
            torch.tensor([[2.0, 1.0], [0.0, 3.0]]),
            torch.tensor([[1.0, 0.0], [0.0, 1.0]]),
            torch.tensor([True, True]),
        ),
        _some(3201, 2, 4, 3),
        *drawn(_some, count=12, seed=(0, 9), t=(1, 4), s=(3, 6), d=(3, 5)),
    ],
    {
        "what is not there is looked at, too: its score becomes -inf.": lambda q, k, v, there: (
            torch.softmax(q @ k.T / math.sqrt(q.shape[1]), dim=1) @ v
        ),
        "the scores are divided by the root of d.": lambda q, k, v, there: (
            torch.softmax((q @ k.T).masked_fill(~there, -math.inf), dim=1) @ v
        ),
        "divided by d instead of its root.": lambda q, k, v, there: (
            torch.softmax((q @ k.T / q.shape[1]).masked_fill(~there, -math.inf), dim=1) @ v
        ),
        "the root is that of d, the length of a key, not of the number of keys.": (
            lambda q, k, v, there: (
                torch.softmax((q @ k.T / math.sqrt(len(k))).masked_fill(~there, -math.inf), dim=1)
                @ v
            )
        ),
        "the mask is turned around: True is what may be seen.": (
            lambda q, k, v, there: (
                torch.nan_to_num(
                    torch.softmax(
                        (q @ k.T / math.sqrt(q.shape[1])).masked_fill(there, -math.inf), dim=1
                    )
                )
                @ v
            ),
            lambda q, k, v, there: _weights(q, k, ~there) @ v,
        ),
        "a score of 0 still gets weight e⁰: it has to be -inf.": lambda q, k, v, there: (
            torch.softmax((q @ k.T / math.sqrt(q.shape[1])) * there, dim=1) @ v
        ),
        "masked behind the softmax: the weights no longer sum to 1.": lambda q, k, v, there: (
            (torch.softmax(q @ k.T / math.sqrt(q.shape[1]), dim=1) * there) @ v
        ),
        "the softmax runs over queries; each query's weights sum to 1 over the keys.": (
            lambda q, k, v, there: (
                torch.softmax((q @ k.T / math.sqrt(q.shape[1])).masked_fill(~there, -1e9), dim=0)
                @ v
            )
        ),
        "the keys are summed; what is found are the values.": lambda q, k, v, there: (
            _weights(q, k, there) @ k
        ),
        "the softmax is missing.": (
            lambda q, k, v, there: (q @ k.T / math.sqrt(q.shape[1]) * there) @ v,
            lambda q, k, v, there: (
                (q @ k.T / math.sqrt(q.shape[1])).masked_fill(~there, -math.inf) @ v
            ),
        ),
        "these are the weights; the values are still to be summed with them.": (
            lambda q, k, v, there: _weights(q, k, there)
        ),
        "only the best key's value is taken; all count, by their weights.": (
            lambda q, k, v, there: v[_weights(q, k, there).argmax(dim=1)]
        ),
    },
)


def _obeyed(read, asked):
    says = asked >= 0
    return (read[says] == asked[says]).double().mean()


def _shares(seed, n, values):
    read = inputs.integers(seed, values, n)
    asked = inputs.integers(seed + 1, values + 1, n) - 1
    asked[0] = read[0]
    asked[1], asked[2] = -1, (read[2] + 1) % values
    return read, asked


obeyed = Check(
    "obeyed",
    _obeyed,
    [
        (torch.tensor([1, 2, 0, 3]), torch.tensor([1, -1, 2, 3])),
        (torch.tensor([1, 1]), torch.tensor([1, 1])),
        *drawn(_shares, count=12, seed=(0, 9), n=(4, 9), values=(2, 4)),
    ],
    {
        "sentences that do not name the factor count as disobeyed; leave them out.": (
            lambda r, a: (r == a).double().mean()
        ),
        "sentences that do not name the factor count as obeyed; leave them out.": (
            lambda r, a: ((r == a) | (a < 0)).double().mean()
        ),
        "this is the share that is not obeyed.": lambda r, a: 1 - _obeyed(r, a),
        "this is a number of sentences, not a share of those that name it.": (
            lambda r, a: (r == a).double().sum()
        ),
        "value 0 is a value like the others: only -1 is not named.": (
            lambda r, a: (r == a)[a > 0].double().sum() / (a > 0).sum().clamp(min=1),
            lambda r, a: (r == a)[a > 0].double().mean(),
            lambda r, a: (r == a)[a != 0].double().mean(),
        ),
        "the mask is turned around: these are the sentences that do not name it.": (
            lambda r, a: (r == a)[a == -1].double().mean()
        ),
        "divided by the sentences that do not name it.": lambda r, a: (
            (r == a).double().sum() / (a < 0).sum().clamp(min=1)
        ),
    },
)


def _away(x_not, x_wish, w):
    return x_not + w * (x_wish - x_not)


def _two(seed, n, halves):
    return inputs.normal(seed, n, 2), inputs.normal(seed + 1, n, 2), halves / 2


away = Check(
    "away",
    _away,
    [
        (torch.tensor([[1.0]]), torch.tensor([[3.0]]), 2.0),
        (torch.tensor([[1.0]]), torch.tensor([[3.0]]), 0.5),
        *drawn(_two, count=10, seed=(0, 9), n=(1, 3), halves=(0, 10)),
    ],
    {
        "this leads towards what is not wanted: the two are exchanged.": lambda n, x, w: (
            x + w * (n - x)
        ),
        "the weights have to sum to 1: away from it means w times the difference.": (
            lambda n, x, w: x - w * n
        ),
        "w is counted from -1 here: at w = 1 it is the wish alone.": lambda n, x, w: (
            x + w * (x - n)
        ),
        "this is the difference alone; it's added to what is led away from.": lambda n, x, w: (
            w * (x - n)
        ),
        "the weights have to sum to 1: w and 1 - w.": lambda n, x, w: w * x - n,
        "brackets: w counts the difference, w * (x_wish - x_not).": lambda n, x, w: w * x,
        "without the subtraction: w * x_wish is no difference.": lambda n, x, w: n + w * x,
        "w has no upper limit: above 1 is where it leads away.": lambda n, x, w: (
            n + min(w, 1) * (x - n)
        ),
    },
)


def _both(nothing, first, second, w_first, w_second):
    return nothing + w_first * (first - nothing) + w_second * (second - nothing)


def _led(nothing, wish, w):
    return nothing + w * (wish - nothing)


def _three(seed, n, a, b):
    return *(inputs.normal(seed + k, n, 2) for k in range(3)), a / 2, b / 2


both = Check(
    "both",
    _both,
    [
        (torch.tensor([[1.0]]), torch.tensor([[2.0]]), torch.tensor([[5.0]]), 1.0, 2.0),
        (torch.tensor([[1.0]]), torch.tensor([[2.0]]), torch.tensor([[5.0]]), 0.0, 0.5),
        *drawn(_three, count=10, seed=(0, 9), n=(1, 3), a=(0, 6), b=(1, 7)),
    ],
    {
        "each wish counts from what is told nothing, not from the other one.": (
            lambda o, f, s, a, b: o + a * (f - o) + b * (s - f),
            lambda o, f, s, a, b: _led(_led(o, f, a), s, b),
        ),
        "these are the differences alone; they're added to what is told nothing.": (
            lambda o, f, s, a, b: a * (f - o) + b * (s - o)
        ),
        "what is told nothing is subtracted in each difference: each has its weight, too.": (
            lambda o, f, s, a, b: a * f + b * s
        ),
        "what is told nothing stands there twice; it is the start of both.": (
            lambda o, f, s, a, b: (o + a * (f - o)) + (o + b * (s - o))
        ),
        "this is the mean of two guided guesses; both differences are added.": (
            lambda o, f, s, a, b: ((o + a * (f - o)) + (o + b * (s - o))) / 2
        ),
        "the second wish is missing.": lambda o, f, s, a, b: o + a * (f - o),
        "the first wish is missing.": lambda o, f, s, a, b: o + b * (s - o),
        "the weights are exchanged.": lambda o, f, s, a, b: o + b * (f - o) + a * (s - o),
        "the weights have to sum to 1: what is told nothing has 1 less the two others.": (
            lambda o, f, s, a, b: o + a * f + b * s
        ),
        "the wishes are averaged first; each has a weight of its own.": (
            lambda o, f, s, a, b: o + (a + b) / 2 * ((f + s) / 2 - o)
        ),
    },
)
