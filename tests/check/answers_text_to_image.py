"""Answers to the exercises on text to image, in several styles."""

import torch
from answer_table import right, wrong

# ---------------------------------------------------------------- 65


@right("text_to_image.encode")
def _(words, vocabulary, length):
    row = torch.zeros(length, dtype=torch.long)
    for k, word in enumerate(words):
        row[k] = 3 + vocabulary.index(word)
    row[len(words)] = 2
    return row


@wrong("text_to_image.encode", r"END is missing")
def _(words, vocabulary, length):
    row = torch.zeros(length, dtype=torch.long)
    row[: len(words)] = torch.tensor([3 + vocabulary.index(word) for word in words])
    return row


@wrong("text_to_image.encode", r"first word of the vocabulary is 3")
def _(words, vocabulary, length):
    number = {word: k for k, word in enumerate(vocabulary)}
    row = torch.zeros(length, dtype=torch.long)
    row[: len(words)] = torch.tensor([number[word] for word in words])
    row[len(words)] = 2
    return row


@right("text_to_image.attention")
def _(q, k, v, there):
    k, v = k[there], v[there]
    a = (q @ k.mT / k.shape[-1] ** 0.5).softmax(-1)
    return a @ v


@right("text_to_image.attention")
def _(q, k, v, there):
    bias = torch.zeros(len(there)).masked_fill(~there, float("-inf"))
    fused = torch.nn.functional.scaled_dot_product_attention
    return fused(q[None], k[None], v[None], attn_mask=bias.expand(len(q), -1))[0]


@wrong("text_to_image.attention", r"root of d")
def _(q, k, v, there):
    scores = torch.einsum("td,sd->ts", q, k)
    scores[:, ~there] = float("-inf")
    return scores.softmax(1) @ v


@wrong("text_to_image.attention", r"no longer sum to 1")
def _(q, k, v, there):
    a = torch.softmax(q @ k.T / q.shape[1] ** 0.5, 1)
    return (a * there.float()) @ v


@right("text_to_image.obeyed")
def _(read, asked):
    hits = [r == a for r, a in zip(read.tolist(), asked.tolist(), strict=True) if a >= 0]
    return torch.tensor(sum(hits) / len(hits))


@wrong("text_to_image.obeyed", r"count as disobeyed")
def _(read, asked):
    return (read == asked).float().mean()


@wrong("text_to_image.obeyed", r"count as obeyed")
def _(read, asked):
    hit = read == asked
    hit[asked == -1] = True
    return hit.float().mean()


@right("text_to_image.away")
def _(x_not, x_wish, w):
    return torch.lerp(x_not, x_wish, w)


@right("text_to_image.away")
def _(x_not, x_wish, w):
    return w * x_wish + (1 - w) * x_not


@wrong("text_to_image.away", r"counted from -1")
def _(x_not, x_wish, w):
    return (1 + w) * x_wish - w * x_not


@right("text_to_image.both")
def _(nothing, first, second, a, b):
    return (1 - a - b) * nothing + a * first + b * second


@wrong("text_to_image.both", r"stands there twice")
def _(nothing, first, second, a, b):
    return nothing + a * (first - nothing) + nothing + b * (second - nothing)


@wrong("text_to_image.both", r"not from the other")
def _(nothing, first, second, a, b):
    led = nothing + a * (first - nothing)
    return led + b * (second - first)
