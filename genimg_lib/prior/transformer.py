"""A small transformer: what the causal and the masked prior share."""

import torch
import torch.nn as nn
import torch.nn.functional as F

from genimg_lib.layers import Block, check_condition, check_tokens


class Vectors(nn.Module):
    """A vector for each of some symbols, [symbols, width]; related ones share a part of theirs.

    parts: [symbols, P], which parts a symbol has, or None: then each has a vector of its own.
    """

    def __init__(self, symbols, width, parts=None):
        super().__init__()
        self.own = nn.Parameter(0.02 * torch.randn(symbols, width))
        self.register_buffer("_parts", parts, persistent=False)
        self.shared = (
            None if parts is None else nn.Parameter(0.02 * torch.randn(len(parts.T), width))
        )

    def forward(self):
        return self.own if self.shared is None else self.own + self._parts @ self.shared


class TokenNet(nn.Module):
    """What both priors are made of: tokens and places embedded, blocks, logits.

    codes: that the logits are of. shape: (H, W) of the grid. symbols: that go in, `codes` or more.
    conditions: numbers of the condition c [N, conditions]; 0 for none.
    parts: [codes, P], 0 or 1: what codes have in common, as `vae.codes.FSQ.parts` says it. Codes
        with a common part share a part of their vectors, and learn from each other.
    """

    def __init__(self, codes, shape, symbols, width, depth, heads, conditions, parts):
        super().__init__()
        if width % heads:
            raise ValueError(f"expected heads that divide the width {width}, got {heads}")
        self.codes, self.shape, self.conditions = codes, tuple(shape), conditions
        self.length = self.shape[0] * self.shape[1]
        more = None if parts is None else F.pad(parts, (0, 0, 0, symbols - codes))
        self.embedding = Vectors(symbols, width, more)
        self.rows = nn.Parameter(torch.zeros(self.shape[0], 1, width))
        self.columns = nn.Parameter(torch.zeros(1, self.shape[1], width))
        self.told = nn.Linear(conditions, width) if conditions else None
        self.blocks = nn.ModuleList(Block(width, heads) for _ in range(depth))
        self.norm = nn.LayerNorm(width)
        self.outward, self.bias = Vectors(codes, width, parts), nn.Parameter(torch.zeros(codes))
        for table in (self.rows, self.columns):
            nn.init.normal_(table, std=0.02)
        for block in self.blocks:
            for last in (block.mixed, block.mlp[-1]):
                nn.init.zeros_(last.weight)  # a block begins as the identity
                nn.init.zeros_(last.bias)

    def places(self):
        """One vector a place, in reading order: [T, width]."""
        return (self.rows + self.columns).flatten(0, 1)

    def run(self, h, causal, cache=None, only=None):
        """Through all blocks: [N, T, width] to logits [N, T, codes].

        only: bool [N, T], places that logits are wanted for: then [their number, codes].
        """
        for block in self.blocks:
            h = block(h, causal, cache)
        h = h if only is None else h[only]
        return F.linear(self.norm(h), self.outward(), self.bias)

    def embedded(self, symbols, c):
        """A vector each for symbols [N, T], moved by the condition: [N, T, width]."""
        check_condition(c, len(symbols), self.conditions)
        h = F.embedding(symbols, self.embedding())
        return h if c is None else h + self.told(c)[:, None]

    def check(self, tokens):
        """Raise ValueError unless tokens are whole numbers [N, H, W] that the prior knows."""
        if tuple(tokens.shape[1:]) != self.shape:
            expected = f"[N, {self.shape[0]}, {self.shape[1]}]"
            raise ValueError(f"expected tokens {expected}, got {list(tokens.shape)}")
        check_tokens(tokens, self.codes)
