"""What a sentence says, as a vector for each of its words."""

from typing import NamedTuple

import torch
import torch.nn as nn
import torch.nn.functional as F

from genimg_lib.layers import Block, check_tokens
from genimg_lib.text.tokens import PAD


class Encoded(NamedTuple):
    """What N sentences say.

    vectors: [N, S, width], those of the words among them. there: bool [N, S], which of them are
    there, one or more in each row. summary: [N, summary], of each sentence as a whole.
    """

    vectors: torch.Tensor
    there: torch.Tensor
    summary: torch.Tensor


class TextEncoder(nn.Module):
    """Tokens int64 [N, length] to what a sentence says, as an `Encoded`.

    A convolution tells each word its neighbours; then each looks at all others, so its vector says
    what it means in its sentence. Before the words stand `marks` learned vectors, which are always
    there and gather what the words say: a linear layer makes the summary of them. A row of PAD
    alone is the sentence that says nothing.
    words: numbers of the vocabulary. heads: have to divide width.
    Raises ValueError for tokens of another length or out of range.
    """

    def __init__(self, words, length, width=96, depth=3, heads=4, marks=8, summary=128):
        super().__init__()
        self.words, self.length, self.width = words, length, width
        self.summary = summary
        self.embedding = nn.Embedding(words, width)
        self.neighbours = nn.Conv1d(width, width, 3, padding=1)
        self.places = nn.Parameter(0.02 * torch.randn(length, width))
        self.marks = nn.Parameter(0.02 * torch.randn(marks, width))
        self.blocks = nn.ModuleList(Block(width, heads) for _ in range(depth))
        self.norm = nn.LayerNorm(width)
        self.gather = nn.Linear(marks * width, summary)
        nn.init.normal_(self.embedding.weight, std=0.02)

    def forward(self, tokens):
        check_sentences(tokens, self.words, self.length)
        words = self.embedding(tokens) * (tokens != PAD)[..., None]  # [N, length, width]
        beside = F.gelu(self.neighbours(words.transpose(1, 2))).transpose(1, 2)
        marks = self.marks.expand(len(tokens), -1, -1)
        h = torch.cat([marks, words + beside + self.places], dim=1)
        there = F.pad(tokens != PAD, (len(self.marks), 0), value=True)
        for block in self.blocks:
            h = block(h, causal=False, there=there)
        h = self.norm(h)
        return Encoded(h, there, self.gather(h[:, : len(self.marks)].flatten(1)))


class BagOfWords(nn.Module):
    """The same without order: a word's vector says which word it is, and nothing of the others.

    The summary comes of the mean of the vectors. Arguments and errors as for TextEncoder.
    """

    def __init__(self, words, length, width=96, summary=128):
        super().__init__()
        self.words, self.length, self.width = words, length, width
        self.summary = summary
        self.embedding = nn.Embedding(words, width)
        self.nothing = nn.Parameter(0.02 * torch.randn(width))
        self.mlp = nn.Sequential(
            nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width)
        )
        self.norm = nn.LayerNorm(width)
        self.gather = nn.Linear(width, summary)

    def forward(self, tokens):
        check_sentences(tokens, self.words, self.length)
        nothing = self.nothing.expand(len(tokens), 1, -1)
        h = torch.cat([nothing, self.embedding(tokens)], dim=1)
        there = F.pad(tokens != PAD, (1, 0), value=True)
        h = self.norm(h + self.mlp(h))
        return Encoded(h, there, self.gather(mean_of(h, there)))


def mean_of(vectors, there):
    """The mean of the vectors that are there: [N, S, width] to [N, width]."""
    kept = there[..., None].to(vectors.dtype)
    return (vectors * kept).sum(dim=1) / kept.sum(dim=1)


def check_sentences(tokens, words, length):
    """Raise ValueError unless tokens are int64 [N, length] in 0..words - 1."""
    if tokens.dim() != 2 or tokens.shape[1] != length:
        raise ValueError(f"expected tokens [N, {length}], got {list(tokens.shape)}")
    check_tokens(tokens, words)
