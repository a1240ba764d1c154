"""Codes: an image as a grid of whole numbers. Quantisers with a straight-through gradient.

A quantiser takes h [N, d, H, W] and gives a `Quantized`: z of the same shape, which the decoder
sees, tokens [N, H, W] in 0..codes - 1, and the loss to add. `decode(tokens)` gives z again.
"""

import functools
import math
from collections.abc import Iterable
from typing import NamedTuple

import torch
import torch.nn as nn
import torch.nn.functional as F

from genimg_lib.layers import check_tokens


class Quantized(NamedTuple):
    """What a quantiser gives: z [N, d, H, W], tokens int64 [N, H, W], loss (a scalar)."""

    z: torch.Tensor
    tokens: torch.Tensor
    loss: torch.Tensor


def straight_through(h, z):
    """z in the forward pass, with the gradient of h: h + (z - h) held fixed.

    Source: Bengio et al. 2013 (arXiv:1308.3432), section 4; van den Oord et al. 2017.
    """
    return h + (z - h).detach()


def _in_full(method):
    """The method without autocast: products in bfloat16 would choose other codes."""

    @functools.wraps(method)
    def exact(self, h):
        with torch.autocast(h.device.type, enabled=False):
            return method(self, _checked(h, self.width))

    return exact


class VectorQuantizer(nn.Module):
    """The nearest of K learned vectors, at each place of the grid.

    loss = |sg(h) - e|² + beta |h - sg(e)|², means over places and channels: the first moves the
    codebook to the encoder's outputs, the second holds the outputs to the codebook.
    In train mode the codebook begins at outputs of the first batch.
    codes: K, 2 or more. width: d, channels of h. beta: weight of the commitment.
    Raises ValueError for fewer codes, another width, and tokens out of range.
    Source: van den Oord et al. 2017 (arXiv:1711.00937), equation 3.
    """

    def __init__(self, codes=512, width=32, beta=0.25):
        super().__init__()
        if codes < 2:
            raise ValueError(f"expected 2 codes or more, got {codes}")
        if not beta >= 0:
            raise ValueError(f"expected a beta of 0 or more, got {beta}")
        self.codes, self.width, self.beta = codes, width, beta
        self.codebook = self._made(torch.randn(codes, width))
        self.register_buffer("has_begun", torch.tensor(False))

    def _made(self, vectors):
        return nn.Parameter(vectors)

    @torch.no_grad()
    def _begin(self, h):
        """The codebook begins at outputs of the first batch."""
        self.codebook.copy_(self._drawn(h, self.codes))
        self.has_begun.fill_(True)

    @staticmethod
    def _drawn(h, n):
        flat = h.movedim(1, -1).flatten(0, -2)
        order = torch.randperm(len(flat), device=h.device)  # none twice while there are others
        return flat[order[torch.arange(n, device=h.device) % len(flat)]]

    @_in_full
    def nearest(self, h):
        """The tokens of h: int64 [N, H, W]."""
        flat = h.detach().movedim(1, -1).flatten(0, -2)  # [N H W, d]
        distances = self.codebook.square().sum(dim=1) - 2 * flat @ self.codebook.T  # less |h|²
        return distances.argmin(dim=1).view(len(h), *h.shape[2:])

    def decode(self, tokens):
        """tokens [N, H, W] to vectors [N, d, H, W]."""
        _check_grids(tokens, self.codes)
        # not codebook[tokens], whose gradient is summed in another order each time
        return F.embedding(tokens, self.codebook).movedim(-1, 1)

    def loss(self, h, e, z):
        """What to add to the distortion: h outputs, e their codes, z what the decoder sees."""
        return F.mse_loss(e, h.detach()) + self.beta * F.mse_loss(h, e.detach())

    @_in_full
    def forward(self, h):
        if self.training and not self.has_begun:
            self._begin(h)
        tokens = self.nearest(h)
        e = self.decode(tokens)
        z = straight_through(h, e)
        return Quantized(z, tokens, self.loss(h, e, z))


class EMAVectorQuantizer(VectorQuantizer):
    """The same, its codebook moved by averages instead of gradients; unused codes begin again.

    counts <- decay counts + (1 - decay) n, sums likewise, codebook = sums / counts, where n is how
    many outputs chose a code and the sums are those outputs'. Smoothing is applied to the division
    and not written back. A code whose count falls below `restart` (a share of the average count)
    becomes one of the batch's outputs, at random. In eval mode nothing moves.
    loss = beta |h - sg(e)|².
    Source: van den Oord et al. 2017, appendix A.1; restart: Dhariwal et al. 2020
    (arXiv:2005.00341), section 3.1.
    """

    def __init__(self, codes=512, width=32, beta=0.25, decay=0.99, restart=0.03):
        super().__init__(codes, width, beta)
        if not (0 <= decay < 1 and 0 <= restart < 1):
            raise ValueError(
                f"expected decay and restart of 0 or more and below 1, got {decay} and {restart}"
            )
        self.decay, self.restart = decay, restart
        self.register_buffer("counts", torch.zeros(codes))
        self.register_buffer("sums", torch.zeros(codes, width))

    def _made(self, vectors):
        return nn.Buffer(vectors)

    def loss(self, h, e, z):
        return self.beta * F.mse_loss(h, e)

    def forward(self, h):
        found = super().forward(h)
        if self.training:
            self._move(h.detach(), found.tokens)
        return found

    def _begin(self, h):
        super()._begin(h)
        self.counts.fill_(1.0)
        self.sums.copy_(self.codebook)

    @torch.no_grad()
    def _move(self, h, tokens):
        h = h.to(self.sums)
        flat = h.movedim(1, -1).flatten(0, -2)  # [N H W, d]
        chosen = F.one_hot(tokens.flatten(), self.codes).to(flat)  # [N H W, K]
        self.counts.lerp_(chosen.sum(dim=0), 1 - self.decay)
        with torch.autocast(h.device.type, enabled=False):
            self.sums.lerp_(chosen.T @ flat, 1 - self.decay)
        dead = self.counts < self.restart * self.counts.mean()
        if dead.any():
            self.sums[dead] = self._drawn(h, int(dead.sum())) * self.counts.mean()
            self.counts[dead] = self.counts.mean()
        total = self.counts.sum()
        smoothed = (self.counts + 1e-5) / (total + self.codes * 1e-5) * total
        self.codebook.copy_(self.sums / smoothed[:, None])


class FSQ(nn.Module):
    """Finite scalar quantisation: each of d channels rounded to a few levels; no codebook.

    levels: of each channel, whole numbers, 2 or more; (8, 5, 5, 5) makes 1,000 codes. Width d =
        len(levels). With 2 the shift is so large that outputs about 0 hardly get a gradient.
    An odd number of levels is symmetrical about 0; an even one is not, and rounding a rounded
    vector again may move it: compare codes by token, never by quantising twice.
    The loss is 0: there is nothing to hold.
    Raises ValueError for levels below 2, another width, and tokens out of range.
    Source: Mentzer et al. 2023 (arXiv:2309.15505), section 3.1; its code shifts by tan where atanh
    is exact, and squeezes into a range that is a thousandth narrower, not wider.
    """

    def __init__(self, levels=(8, 5, 5, 5)):
        super().__init__()
        levels = tuple(levels) if isinstance(levels, Iterable) else (levels,)
        if not levels or not all(isinstance(n, int) and n >= 2 for n in levels):
            raise ValueError(f"expected whole numbers of levels, 2 or more, got {levels}")
        self.levels, self.width, self.codes = levels, len(levels), math.prod(levels)
        count = torch.tensor(levels)
        steps = torch.cat([torch.ones(1, dtype=torch.long), count.cumprod(dim=0)[:-1]])
        self.register_buffer("_count", count, persistent=False)
        self.register_buffer("_steps", steps, persistent=False)  # of a mixed-radix number

    def bounded(self, h):
        """h [N, d, H, W] squashed so that rounding gives exactly the levels."""
        h = _checked(h, self.width)
        count = self._per_channel(self._count).to(h)
        half = (count - 1) * (1 + 1e-3) / 2  # a little more than the outermost level
        offset = torch.where(count % 2 == 0, 0.5, 0.0)
        shift = torch.atanh(offset / half)
        return torch.tanh(h + shift) * half - offset

    def nearest(self, h):
        """The tokens of h: int64 [N, H, W]."""
        half = self._per_channel(self._count // 2)
        digits = self.bounded(h).detach().round().long() + half  # 0..levels - 1
        return (digits * self._per_channel(self._steps)).sum(dim=1)

    def forward(self, h):
        bounded = self.bounded(h)
        rounded = straight_through(bounded, bounded.round())
        half = self._per_channel(self._count // 2)
        return Quantized(rounded / half, self.nearest(h), rounded.new_zeros(()))

    def decode(self, tokens):
        """tokens [N, H, W] to vectors [N, d, H, W], about -1 to 1."""
        half = self._per_channel(self._count) // 2
        return (self.digits(tokens) - half).float() / half

    def digits(self, tokens):
        """tokens [N, H, W] to their digits, 0..levels - 1: int64 [N, d, H, W]."""
        _check_grids(tokens, self.codes)
        return tokens[:, None] // self._per_channel(self._steps) % self._per_channel(self._count)

    def parts(self):
        """What codes have in common: float32 [codes, sum of levels], 1 at each code's digits."""
        every = torch.arange(self.codes, device=self._steps.device).view(-1, 1, 1)
        digits = self.digits(every).flatten(1)  # [codes, d]
        hot = [F.one_hot(column, n) for column, n in zip(digits.T, self.levels, strict=True)]
        return torch.cat(hot, dim=1).float()

    @staticmethod
    def _per_channel(values):
        return values.view(1, -1, 1, 1)


def _check_grids(tokens, codes):
    check_tokens(tokens, codes)
    if tokens.dim() != 3:
        raise ValueError(
            f"expected grids [N, H, W], got {list(tokens.shape)}; tokens[:1] keeps the axis"
        )


class Usage(NamedTuple):
    """How codes are used over a whole set: the share that occurs, and the perplexity."""

    used: float
    perplexity: float


def usage(tokens, codes):
    """How fully the codes are used over all tokens given: a `Usage`.

    tokens: of a whole test set, any shape; of a single batch it says little, as a batch has few.
    perplexity: exp of the entropy, 1 to codes: how many codes of equal share would be as varied.
    Raises ValueError for no tokens, and for one out of range.
    """
    if not tokens.numel():
        raise ValueError("expected the tokens of a whole set, got none")
    check_tokens(tokens, codes)
    share = torch.bincount(tokens.flatten(), minlength=codes).double() / tokens.numel()
    entropy = -torch.xlogy(share, share).sum()
    return Usage((share > 0).double().mean().item(), entropy.exp().item())


def _checked(h, width):
    """The maps in float32 at least: near the border of two codes half precision would err."""
    if h.dim() != 4 or h.shape[1] != width:
        raise ValueError(f"expected maps [N, {width}, H, W] to quantise, got {list(h.shape)}")
    return h.to(torch.promote_types(h.dtype, torch.float32))
