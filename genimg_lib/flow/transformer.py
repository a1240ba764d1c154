"""A small diffusion transformer: patches of an image as tokens, the time in every norm."""

import torch
import torch.nn as nn
import torch.nn.functional as F

from genimg_lib import layers
from genimg_lib.flow.networks import time_features


class TransformerBlock(nn.Module):
    """Attention, then two linear layers; the time scales, shifts and weighs each (adaLN-Zero).

    h: [N, T, width] to the same shape; e: [N, embed]. heads: have to divide width.
    Source: Peebles and Xie 2023 (arXiv:2212.09748), section 3.2.
    """

    def __init__(self, width, heads, embed):
        super().__init__()
        self.heads = heads
        self.norm = nn.LayerNorm(width, elementwise_affine=False)
        self.qkv, self.mixed = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.mlp = nn.Sequential(
            nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width)
        )
        self.time = nn.Linear(embed, 6 * width)
        nn.init.zeros_(self.time.weight)  # a block begins as the identity
        nn.init.zeros_(self.time.bias)

    def forward(self, h, e):
        scale, shift, gate, scale_2, shift_2, gate_2 = self.time(e)[:, None].chunk(6, dim=2)
        h = h + gate * self._attended(self.norm(h) * (1 + scale) + shift)
        return h + gate_2 * self.mlp(self.norm(h) * (1 + scale_2) + shift_2)

    def _attended(self, h):
        q, k, v = self.qkv(h).unflatten(2, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        return self.mixed(layers.attention(q, k, v).transpose(1, 2).flatten(2))


class DiffusionTransformer(nn.Module):
    """net(x, t): images [N, channels, size, size] at times [N] in [0, 1] to images.

    patch: divides size; there are (size / patch)² tokens. width: a multiple of heads.
    conditions: numbers that it is told of each image: net(x, t, c), c [N, conditions]; without c,
        or where c is 0, it is told nothing.
    Raises ValueError for a size that is no multiple of the patch, a width that is none of heads.
    """

    def __init__(
        self, channels=3, size=32, patch=4, width=128, depth=4, heads=4, embed=128, conditions=0
    ):
        super().__init__()
        if min(patch, heads) < 1 or size % patch or width % heads:
            raise ValueError(
                f"expected a size that is a multiple of the patch and a width of the heads, "
                f"got size {size}, patch {patch}, width {width}, heads {heads}"
            )
        self.channels, self.size, self.patch = channels, size, patch
        self.conditions = conditions
        side, pixels = size // patch, channels * patch * patch
        self.inward = nn.Linear(pixels, width)
        self.places = nn.Parameter(0.02 * torch.randn(side * side, width))
        self.time = nn.Sequential(nn.Linear(64, embed), nn.SiLU())
        self.told = nn.Linear(conditions, embed, bias=False) if conditions else None
        self.blocks = nn.ModuleList(TransformerBlock(width, heads, embed) for _ in range(depth))
        self.norm, self.outward = nn.LayerNorm(width), nn.Linear(width, pixels)

    def forward(self, x, t, c=None):
        layers.check_images(x, self.channels, self.size)
        linear, activation = self.time
        e = linear(time_features(t))
        if c is not None:
            layers.check_condition(c, len(t), self.conditions)
            e = e + self.told(c.to(t))
        e = activation(e)
        tokens = F.pixel_unshuffle(x, self.patch).flatten(2).transpose(1, 2)  # [N, T, pixels]
        h = self.inward(tokens) + self.places
        for block in self.blocks:
            h = block(h, e)
        painted = self.outward(self.norm(h)).transpose(1, 2)  # [N, pixels, T]
        side = self.size // self.patch
        return F.pixel_shuffle(painted.unflatten(2, (side, side)), self.patch)
